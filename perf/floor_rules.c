/* SPDX-License-Identifier: BSD-3-Clause */
#include "floor_rules.h"

#include <stdlib.h>

#include "event/event.h"

#define BIT(type) (1ull << (type))
#define WRITERS (BIT(VEX_OPEN) | BIT(VEX_CREATE) | BIT(VEX_WRITE))
#define MAKERS (BIT(VEX_OPEN) | BIT(VEX_CREATE) | BIT(VEX_RENAME))

/* A rule on its way to its table. */
struct draft {
	struct floor_rule rule;
	struct floor_table *table;
	const char *key;
	size_t len;
};

static uint8_t share(struct floor_rules *rules, struct floor_filter filter)
{
	unsigned i = 0;

	while (i < rules->filter_count &&
			memcmp(&rules->filter[i], &filter, sizeof(filter)))
		i++;
	if (i == FLOOR_FILTERS)
		abort();
	rules->filter[i] = filter;
	rules->filter_count += i == rules->filter_count;
	return (uint8_t)i;
}

static uint8_t filter_of(struct floor_rules *rules, uint32_t i)
{
	struct floor_filter filter = {.types = UINT64_MAX, .uid_to = UINT32_MAX};

	if (i % 100 < 70 && i % 2) {
		filter.types = WRITERS;
	} else if (i % 100 >= 90 && i % 100 < 95) {
		filter.uid_from = filter.uid_to = i % 100;
	} else if (i % 100 >= 95) {
		filter.types = MAKERS;
		filter.size_from = 4097;
	}
	return share(rules, filter);
}

/* FOLDER/ab*c*, or what rule_sets_mixed() writes in place of each tenth of them: see there. */
static void set_pattern(struct draft *draft, const char *glob, uint32_t i)
{
	const char *name = strrchr(glob, '/') + 1;
	const char *star = strchr(name, '*');

	draft->len = (size_t)(name - 1 - glob);
	draft->rule.pattern = i / 100 % 10 ? FLOOR_GLOB : FLOOR_REGEX;
	draft->rule.start_len = (uint8_t)(star - name);
	memcpy(draft->rule.start, name, draft->rule.start_len);
	draft->rule.end = star[1] == '*' ? 0 : star[1];
}

static struct draft draft_rule(struct floor_rules *rules, const char *glob, uint32_t i)
{
	struct draft draft = {{.number = i, .filter = filter_of(rules, i)}, &rules->below, glob,
			strlen(glob)};

	if (i % 100 < 70) {
		draft.len -= strlen("/*");
	} else if (i % 100 < 90) {
		draft.table = &rules->exact;
	} else if (i % 100 < 95) {
		draft.table = &rules->suffix;
		draft.key++;
		draft.len--;
	} else {
		set_pattern(&draft, glob, i);
	}
	return draft;
}

/* As the floor hashes paths: each level goes into that of the next. */
static uint64_t hash_of(const struct draft *draft)
{
	char key[512] = {0};
	uint64_t hash = 0;
	size_t from = 0;

	if (draft->len > sizeof(key) - FLOOR_PADDING)
		abort();
	memcpy(key, draft->key, draft->len);
	for (size_t at = 1; at <= draft->len; at++) {
		if (at < draft->len && key[at] != '/')
			continue;
		hash = floor_hash(hash, key + from, at - from);
		from = at;
	}
	return hash;
}

static bool same_key(const struct draft *a, const struct draft *b)
{
	return a->table == b->table && a->len == b->len && !memcmp(a->key, b->key, a->len);
}

/* Those of one key stand side by side, in order. */
static void enter_all(struct floor_rules *rules, const struct draft *drafts)
{
	uint16_t at = 0;

	for (uint32_t i = 0; i < FLOOR_RULES; i++) {
		uint64_t hash = hash_of(&drafts[i]);
		unsigned place = floor_find(drafts[i].table, hash, drafts[i].key, drafts[i].len);
		struct floor_slot *slot = &drafts[i].table->slot[place];

		if (drafts[i].table->tag[place])
			continue; /* it came with the first of its key */
		drafts[i].table->tag[place] = floor_tag(hash);
		*slot = (struct floor_slot){hash, drafts[i].key, (uint32_t)drafts[i].len, at, 0};
		for (uint32_t k = i; k < FLOOR_RULES; k++)
			if (same_key(&drafts[i], &drafts[k]))
				rules->rule[at++] = drafts[k].rule;
		slot->count = (uint16_t)(at - slot->first);
	}
}

void floor_rules_make(struct floor_rules *rules, const struct rule_globs *globs)
{
	struct draft *drafts = calloc(FLOOR_RULES, sizeof(*drafts));

	if (!drafts || globs->count != FLOOR_RULES)
		abort();
	*rules = (struct floor_rules){0};
	for (uint32_t i = 0; i < FLOOR_RULES; i++)
		drafts[i] = draft_rule(rules, globs->glob[i], i);
	enter_all(rules, drafts);
	free(drafts);
}
