/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Decisions that were made before. An entry holds 96 bits of its key's hash, 32 more choose where
 * it stands; what it says is a list that all entries share which say the same.
 */
#include "rule/match_work.h"

#include "rule/index_key.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

static struct cache_line *line_of(const struct rule_worker *worker, const struct cache_key *key)
{
	return &worker->lines[key->place & worker->line_mask];
}

/*
 * Where what has no room in its own line stands. It has nothing to do with where others of that line
 * go, so that what is displaced finds room elsewhere, and few lines that are crowded stay so.
 */
static struct cache_line *other_line(const struct rule_worker *worker, const struct cache_key *key)
{
	return &worker->lines[key->place * 0x9e3779b97f4a7c15ull >> 32 & worker->line_mask];
}

/* The list that a key leads to, or 0: so say empty ways, too. */
static uint32_t find_in(const struct cache_line *line, const struct cache_key *key, uint32_t epoch)
{
	unsigned way;

	for (way = 0; way < CACHE_WAYS; way++)
		if (line->way[way].hash == key->hash && line->way[way].more == (key->more ^ epoch))
			return line->way[way].list;
	return 0;
}

/* Those that their own lines do not know; the others are under way before the first is looked at. */
static void fetch_elsewhere(const struct rule_worker *worker, uint64_t events)
{
	unsigned i;

	EACH_EVENT(i, events)
		__builtin_prefetch(other_line(worker, &worker->key[i]));
}

static void find_plain(const struct rule_worker *worker, unsigned count, uint32_t *lists)
{
	uint64_t elsewhere = 0;
	unsigned i;

	for (i = 0; i < count; i++) {
		const struct cache_key *key = &worker->key[i];

		lists[i] = find_in(line_of(worker, key), key, worker->epoch);
		elsewhere |= (uint64_t)!lists[i] << i;
	}
	fetch_elsewhere(worker, elsewhere);
	EACH_EVENT(i, elsewhere)
		lists[i] = find_in(other_line(worker, &worker->key[i]), &worker->key[i],
				worker->epoch);
}

#ifdef __x86_64__
#define WIDE __attribute__((target("avx512f,bmi")))

/*
 * All four ways at once: three words of a way's four must be the same. Which one it is can't be
 * guessed, so nothing branches on it.
 */
WIDE static inline uint32_t find_in_wide(const struct cache_line *line, const struct cache_key *key,
		__m128i epoch)
{
	__m128i want = _mm_xor_si128(_mm_load_si128((const __m128i *)key), epoch);
	uint32_t same = _mm512_cmpeq_epi32_mask(_mm512_load_si512(line),
			_mm512_broadcast_i32x4(want));
	uint32_t found;

	same &= same >> 1 & same >> 2 & 0x1111;
	found = same != 0;
	return line->way[__builtin_ctz(same | 1u << 12) / 4].list & -found;
}

WIDE static void find_wide(const struct rule_worker *worker, unsigned count, uint32_t *lists)
{
	const __m128i epoch = _mm_set_epi32(0, (int)worker->epoch, 0, 0);
	uint64_t elsewhere = 0;
	unsigned i;

	for (i = 0; i < count; i++) {
		lists[i] = find_in_wide(line_of(worker, &worker->key[i]), &worker->key[i], epoch);
		elsewhere |= (uint64_t)!lists[i] << i;
	}
	fetch_elsewhere(worker, elsewhere);
	EACH_EVENT(i, elsewhere)
		lists[i] = find_in_wide(other_line(worker, &worker->key[i]), &worker->key[i],
				epoch);
}
#endif

void match_remembered(struct rule_worker *worker, unsigned count, uint32_t *lists)
{
#ifdef __x86_64__
	if (worker->wide) {
		find_wide(worker, count, lists);
		return;
	}
#endif
	find_plain(worker, count, lists);
}

/* What an earlier epoch left behind is not found any more, and is overwritten in time. */
void match_forget(struct rule_worker *worker)
{
	if (!++worker->epoch)
		memset(worker->lines, 0, (worker->line_mask + 1) * sizeof(*worker->lines));
	rule_tell_counted(worker, 0, 0, UINT32_MAX);
	memset(worker->names, 0, (worker->names_mask + 1ull) * sizeof(*worker->names));
	worker->names_used = 0;
	worker->arena_used = sizeof(struct cache_list); /* 0 is no place */
}

static size_t list_bytes(uint32_t words)
{
	return (sizeof(struct cache_list) + words * 4ull + 63) & ~63ull;
}

/* Each list of a burst is rounded up, however the words of all of them are shared out. */
bool match_may_forget(const struct rule_worker *worker)
{
	return worker->arena_size - worker->arena_used <
			list_bytes(LIST_WORDS_MAX) + RULE_BURST_MAX * list_bytes(1) ||
			worker->names_used + RULE_BURST_MAX > worker->names_mask / 2;
}

static bool has_room(const struct rule_worker *worker, uint32_t words)
{
	return worker->arena_size - worker->arena_used >= list_bytes(words) &&
			worker->names_used < worker->names_mask / 2;
}

/* The place of a list that says this; 0 where there is no room for it at all. */
static uint32_t list_of(struct rule_worker *worker, uint32_t hash, const uint32_t *words,
		uint32_t count)
{
	struct cache_list *list;
	uint32_t i;

	for (i = hash & worker->names_mask; worker->names[i]; i = (i + 1) & worker->names_mask) {
		const struct cache_list *old = match_list_at(worker, worker->names[i]);

		if (old->hash == hash && old->words == count &&
				(!count || !memcmp(old->word, words, count * 4ull)))
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
	list = match_list_at(worker, worker->arena_used);
	*list = (struct cache_list){.hash = hash, .words = count & 0x7fffffff};
	memcpy(list->word, words, count * 4ull);
	match_conclude(worker->matcher, list);
	worker->arena_used += (uint32_t)list_bytes(count);
	return worker->names[i];
}

static struct cache_way *empty_way(struct cache_line *line)
{
	unsigned way;

	for (way = 0; way < CACHE_WAYS; way++)
		if (!line->way[way].list)
			return &line->way[way];
	return NULL;
}

/* One of eight, each in its turn. */
static struct cache_way *displaced_way(struct rule_worker *worker, const struct cache_key *key)
{
	uint32_t turn = worker->turn++;
	bool other = turn / CACHE_WAYS % 2;

	return &(other ? other_line(worker, key) : line_of(worker, key))->way[turn % CACHE_WAYS];
}

/* No key is there yet: these were missed, and no two events of a burst are decided of one key. */
static void enter(struct rule_worker *worker, const struct cache_key *key, uint32_t list)
{
	struct cache_way *way = empty_way(line_of(worker, key));

	if (!way)
		way = empty_way(other_line(worker, key));
	if (!way)
		way = displaced_way(worker, key);
	*way = (struct cache_way){key->hash, key->more ^ worker->epoch, list};
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
static uint64_t gather_lists(struct rule_worker *worker, uint64_t events, uint32_t *ends)
{
	const struct rule_image_rule *rules = worker->matcher->rules;
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
		if (words > LIST_WORDS_MAX - total)
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
	return keep;
}

void match_remember(struct rule_worker *worker, uint64_t events)
{
	uint32_t ends[RULE_BURST_MAX] = {0};
	uint32_t hash[RULE_BURST_MAX];
	uint64_t keep = gather_lists(worker, events, ends);
	unsigned i;

	EACH_EVENT(i, keep) { /* first all that has to be fetched */
		hash[i] = (uint32_t)XXH3_64bits(worker->words + worker->starts[i],
				(ends[i] - worker->starts[i]) * 4ull);
		__builtin_prefetch(&worker->names[hash[i] & worker->names_mask]);
	}
	EACH_EVENT(i, keep)
		__builtin_prefetch(match_list_at(worker, worker->names[hash[i] & worker->names_mask]));
	EACH_EVENT(i, keep) {
		uint32_t list = list_of(worker, hash[i], worker->words + worker->starts[i],
				ends[i] - worker->starts[i]);

		if (list)
			enter(worker, &worker->key[i], list);
	}
}
