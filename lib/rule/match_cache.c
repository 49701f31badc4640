/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Decisions that were made before. An entry holds its whole key, so that what it says is never
 * another event's; what it says is a list that all entries share which say the same.
 */
#include "rule/match_work.h"

#include "rule/index_key.h"

/* What repeats, but for the texts that follow it. */
struct head {
	uint64_t dev;
	uint32_t what; /* type, boundary, and which of the rest there is */
	uint32_t uid, gid, pid, tid, ppid, tenant, node, port;
	uint32_t lens[2];
};

struct texts {
	struct vex_bytes path, path2, comm;
};

static void take_attr(const uint8_t *wants, uint32_t id, const uint8_t *payload, uint32_t len,
		struct head *head, struct texts *texts)
{
	switch (id) {
	case VEX_ATTR_PATH:
		texts->path = (struct vex_bytes){payload, len};
		break;
	case VEX_ATTR_PATH2:
		texts->path2 = (struct vex_bytes){payload, len};
		break;
	case VEX_ATTR_COMM:
		texts->comm = (struct vex_bytes){payload, len};
		break;
	case VEX_ATTR_TASK:
		if (wants[RULE_FIELD_THREAD_TID])
			memcpy(&head->tid, payload, 4);
		if (wants[RULE_FIELD_PROC_PPID])
			memcpy(&head->ppid, payload + 4, 4);
		break;
	case VEX_ATTR_TENANT:
		if (wants[RULE_FIELD_TENANT])
			memcpy(&head->tenant, payload, 4);
		break;
	case VEX_ATTR_FILE:
		if (wants[RULE_FIELD_FS_DEV])
			memcpy(&head->dev, payload, 8);
		break;
	default:
		return;
	}
	head->what |= 1u << (16 + id);
}

static void take_record(const uint8_t *wants, const struct vex_record *record, struct head *head,
		struct texts *texts)
{
	const uint8_t *at = (const uint8_t *)(record + 1);
	const uint8_t *end = (const uint8_t *)record + record->size;

	head->what = wants[RULE_FIELD_EVT_TYPE] ? record->type : 0;
	head->what |= wants[RULE_FIELD_EVENT_BOUNDARY] ? (uint32_t)record->boundary << 8 : 0;
	head->uid = wants[RULE_FIELD_USER_UID] ? record->uid : 0;
	head->gid = wants[RULE_FIELD_GROUP_GID] ? record->gid : 0;
	head->pid = wants[RULE_FIELD_PROC_PID] ? record->pid : 0;
	head->node = wants[RULE_FIELD_EVENT_NODE] ? record->id.node : 0;
	head->port = wants[RULE_FIELD_EVENT_PORT] ? record->id.port : 0;
	head->port |= wants[RULE_FIELD_EVENT_LANE] ? (uint32_t)record->id.lane << 16 : 0;
	while (at < end) {
		uint32_t word;

		memcpy(&word, at, sizeof(word));
		take_attr(wants, vex_attr_head_id(word), at + VEX_ATTR_HEAD,
				vex_attr_head_len(word), head, texts);
		at += vex_attr_span(vex_attr_head_len(word));
	}
}

VEX_STATIC_ASSERT(VEX_ATTR_FILE < 8 && VEX_ATTR_PATH2 < 8 && VEX_TYPE_LIMIT <= 256,
		"what of a key has room for them");

static void append(struct cache_key *key, struct vex_bytes bytes)
{
	memcpy(key->bytes + key->len, bytes.data, bytes.len);
	key->len += (uint32_t)bytes.len;
}

void match_key(struct rule_worker *worker, const struct vex_record *record, struct cache_key *key)
{
	const uint8_t *wants = worker->matcher->wants;
	struct texts texts = {0};
	struct head head = {0};

	take_record(wants, record, &head, &texts);
	if (!wants[RULE_FIELD_FD_NAME] && !wants[RULE_FIELD_FD_DIRECTORY] &&
			!wants[RULE_FIELD_FD_FILENAME])
		texts.path.len = 0;
	texts.path2.len = wants[RULE_FIELD_FS_PATH2] ? texts.path2.len : 0;
	texts.comm.len = wants[RULE_FIELD_PROC_NAME] ? texts.comm.len : 0;
	head.lens[0] = (uint32_t)(texts.path.len << 16 | texts.comm.len);
	head.lens[1] = (uint32_t)texts.path2.len;
	key->len = 0;
	if (sizeof(head) + texts.path.len + texts.path2.len + texts.comm.len > CACHE_KEY_MAX)
		return;
	append(key, (struct vex_bytes){&head, sizeof(head)});
	if (texts.path.len)
		append(key, texts.path);
	if (texts.path2.len)
		append(key, texts.path2);
	if (texts.comm.len)
		append(key, texts.comm);
	key->hash = XXH3_64bits(key->bytes, key->len) | 1;
	__builtin_prefetch(&worker->lines[key->hash >> 8 & worker->line_mask]);
}

void match_fetch(struct rule_worker *worker, struct cache_key *key)
{
	uint64_t place = key->hash >> 8 & worker->line_mask;
	const struct cache_line *line = &worker->lines[place];
	const uint8_t *bytes;
	unsigned way;
	uint32_t at;

	key->way = CACHE_WAYS;
	for (way = 0; key->len && way < CACHE_WAYS; way++)
		if (line->hash[way] == key->hash && line->len[way] == key->len)
			key->way = way;
	if (key->way == CACHE_WAYS)
		return;
	bytes = worker->keys + (place * CACHE_WAYS + key->way) * CACHE_KEY_MAX;
	for (at = 0; at < key->len; at += 64)
		__builtin_prefetch(bytes + at);
	__builtin_prefetch(worker->arena + line->list[key->way]);
}

struct cache_list *match_remembered(struct rule_worker *worker, const struct cache_key *key)
{
	uint64_t place = key->hash >> 8 & worker->line_mask;
	const uint8_t *bytes = worker->keys + (place * CACHE_WAYS + key->way) * CACHE_KEY_MAX;

	if (key->way == CACHE_WAYS || memcmp(bytes, key->bytes, key->len))
		return NULL;
	return (struct cache_list *)(void *)(worker->arena + worker->lines[place].list[key->way]);
}

void match_forget(struct rule_worker *worker)
{
	memset(worker->lines, 0, (worker->line_mask + 1) * sizeof(*worker->lines));
	memset(worker->names, 0, (worker->names_mask + 1ull) * sizeof(*worker->names));
	worker->names_used = 0;
	worker->arena_used = 8; /* 0 is no place */
}

static bool has_room(const struct rule_worker *worker, uint32_t words)
{
	return worker->arena_size - worker->arena_used >=
			sizeof(struct cache_list) + (words + 1) * 4ull &&
			worker->names_used < worker->names_mask / 2;
}

/* The place of a list that says this; 0 where there is no room for it at all. */
static uint32_t list_of(struct rule_worker *worker, const uint32_t *words, uint32_t count)
{
	uint32_t hash = (uint32_t)XXH3_64bits(words, count * 4ull);
	struct cache_list *list;
	uint32_t i;

	for (i = hash & worker->names_mask; worker->names[i]; i = (i + 1) & worker->names_mask) {
		list = (struct cache_list *)(void *)(worker->arena + worker->names[i]);
		if (list->hash == hash && list->words == count &&
				(!count || !memcmp(list->word, words, count * 4ull)))
			return worker->names[i];
	}
	if (!has_room(worker, count)) {
		match_forget(worker);
		worker->counts.cache_flushes++;
		if (!has_room(worker, count))
			return 0;
		i = hash & worker->names_mask;
	}
	worker->names[i] = worker->arena_used;
	worker->names_used++;
	list = (struct cache_list *)(void *)(worker->arena + worker->arena_used);
	*list = (struct cache_list){.hash = hash, .words = count};
	memcpy(list->word, words, count * 4ull);
	worker->arena_used += (uint32_t)((sizeof(*list) + count * 4ull + 7) & ~7ull);
	return worker->names[i];
}

static void enter(struct rule_worker *worker, const struct cache_key *key, uint32_t list)
{
	uint64_t place = key->hash >> 8 & worker->line_mask;
	struct cache_line *line = &worker->lines[place];
	unsigned way = line->next++ % CACHE_WAYS;

	line->hash[way] = key->hash;
	line->len[way] = (uint16_t)key->len;
	line->list[way] = list;
	memcpy(worker->keys + (place * CACHE_WAYS + way) * CACHE_KEY_MAX, key->bytes, key->len);
}

/* Words of a rule in a list: the rule, and a bit for each of its inputs. */
static uint32_t words_of(const struct rule_image_rule *rule)
{
	return 1 + (rule->input_count + 31) / 32;
}

static void put_rule(const struct rule_worker *worker, uint32_t index, unsigned event, uint32_t *to)
{
	const struct rule_image_rule *rule = &worker->matcher->rules[index];
	const uint32_t *inputs = worker->matcher->rule_inputs + rule->input_first;
	uint32_t i;

	to[0] = index;
	for (i = 0; i < rule->input_count; i++) {
		uint32_t bit = (uint32_t)(worker->input[inputs[i]] >> event & 1);

		to[1 + i / 32] = (i % 32 ? to[1 + i / 32] : 0) | bit << i % 32;
	}
}

/* Counts, then places: each event's list in one run over what was found. */
void match_remember(struct rule_worker *worker, uint64_t events)
{
	const struct rule_image_rule *rules = worker->matcher->rules;
	uint32_t ends[RULE_BURST_MAX] = {0};
	uint32_t total = 0;
	uint64_t keep = 0;
	uint32_t found;
	unsigned i;

	for (found = 0; found < worker->found_count; found++)
		EACH_EVENT(i, worker->found[found].events)
			ends[i] += words_of(&rules[worker->found[found].rule]);
	EACH_EVENT(i, events) {
		uint32_t words = ends[i];

		ends[i] = total;
		if (!worker->key[i].len || words > LIST_WORDS_MAX - total)
			continue; /* found again when it is met again */
		worker->starts[i] = total;
		total += words;
		keep |= 1ull << i;
	}
	for (found = 0; found < worker->found_count; found++)
		EACH_EVENT(i, worker->found[found].events & keep) {
			put_rule(worker, worker->found[found].rule, i, worker->words + ends[i]);
			ends[i] += words_of(&rules[worker->found[found].rule]);
		}
	EACH_EVENT(i, keep) {
		uint32_t list = list_of(worker, worker->words + worker->starts[i],
				ends[i] - worker->starts[i]);

		if (list)
			enter(worker, &worker->key[i], list);
	}
}
