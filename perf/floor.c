/* SPDX-License-Identifier: BSD-3-Clause */
#include "floor.h"

#include <fnmatch.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "event/event.h"

#define SLOTS 2048u /* twice the rules: half of them are empty */
#define NONE UINT32_MAX
#define RECORD_BYTES 256u
#define RING_BYTES (1u << 20) /* a subscriber's lane */
#define ROUTE_BYTES (uint32_t)(VEX_ATTR_HEAD + sizeof(struct vex_attr_route) + 4)

/* What a rule asks beside the key that leads to it. */
struct rule {
	const char *glob;   /* NULL: the key says it all */
	regex_t *regex;     /* NULL: none */
	uint16_t types[3];
	uint16_t type_count; /* 0: any */
	bool has_uid;
	uint32_t uid;
	uint64_t above; /* size; 0: any */
	uint32_t next;  /* rule of the same key, or NONE */
};

struct slot {
	uint64_t hash;
	const char *key; /* NULL: empty */
	size_t len;
	uint32_t first;
};

struct table {
	struct slot slot[SLOTS];
};

/* A record of the burst, and what the stages found out about it. */
struct event {
	uint64_t bytes[RECORD_BYTES / 8];
	const char *path;
	size_t len;
	struct vex_attr_range range;
	struct vex_attr_route route;
};

struct candidate {
	uint32_t event;
	uint32_t rule;
};

struct floor {
	struct table below; /* folders: subtrees, and globs within them */
	struct table exact;
	struct table suffix; /* from the last dot on */
	struct rule rules[FLOOR_RULES];
	struct event events[FLOOR_BURST];
	struct candidate candidates[FLOOR_BURST * FLOOR_RULES];
	struct floor_counts counts;
	uint64_t taken;
	uint8_t *ring;
	uint32_t at; /* where the next record goes */
};

static struct slot *find(struct table *table, uint64_t hash, const char *key, size_t len)
{
	uint64_t i = hash % SLOTS;
	struct slot *slot = &table->slot[i];

	while (slot->key && (slot->hash != hash || slot->len != len || memcmp(slot->key, key, len)))
		slot = &table->slot[++i % SLOTS];
	return slot;
}

/* Each level's hash goes into that of the next. */
static uint64_t hash_next(uint64_t hash, const char *path, size_t *at, size_t len)
{
	const char *start = path + *at;
	const char *slash = len - *at > 1 ? memchr(start + 1, '/', len - *at - 1) : NULL;

	*at = slash ? (size_t)(slash - path) : len;
	return XXH3_64bits_withSeed(start, *at - (size_t)(start - path), hash);
}

static uint64_t hash_all(const char *path, size_t len)
{
	uint64_t hash = 0;
	size_t at = 0;

	while (at < len)
		hash = hash_next(hash, path, &at, len);
	return hash;
}

static void enter(struct floor *floor, struct table *table, uint64_t hash, const char *key,
		size_t len, uint32_t rule)
{
	struct slot *slot = find(table, hash, key, len);

	floor->rules[rule].next = slot->key ? slot->first : NONE;
	*slot = (struct slot){.hash = hash, .key = key, .len = len, .first = rule};
}

static void set_types(struct rule *rule, uint16_t third)
{
	rule->types[0] = VEX_OPEN;
	rule->types[1] = VEX_CREATE;
	rule->types[2] = third;
	rule->type_count = 3;
}

/* The expression that rule_sets_mixed() writes in place of each tenth glob. */
static regex_t *make_regex(const char *glob, size_t folder)
{
	regex_t *regex = malloc(sizeof(*regex));
	char text[1024] = "^";
	size_t n = 1;

	for (size_t i = 0; i < folder && n < sizeof(text) - 32; i++) {
		if (strchr("^$.|()+{}", glob[i]))
			text[n++] = '\\';
		text[n++] = glob[i];
	}
	strcpy(text + n, "/[a-z]+[0-9]*.*$");
	if (!regex || regcomp(regex, text, REG_EXTENDED | REG_NOSUB))
		abort();
	return regex;
}

static void add_glob(struct floor *floor, const char *glob, uint32_t i)
{
	size_t len = (size_t)(strrchr(glob, '/') - glob);
	struct rule *rule = &floor->rules[i];

	set_types(rule, VEX_RENAME);
	rule->above = 4096;
	if (i / 100 % 10)
		rule->glob = glob;
	else
		rule->regex = make_regex(glob, len);
	enter(floor, &floor->below, hash_all(glob, len), glob, len, i);
}

static void add_rule(struct floor *floor, const char *glob, uint32_t i)
{
	size_t len = strlen(glob);

	if (i % 100 < 70) {
		len -= strlen("/*");
		if (i % 2)
			set_types(&floor->rules[i], VEX_WRITE);
		enter(floor, &floor->below, hash_all(glob, len), glob, len, i);
	} else if (i % 100 < 90) {
		enter(floor, &floor->exact, hash_all(glob, len), glob, len, i);
	} else if (i % 100 < 95) {
		floor->rules[i].has_uid = true;
		floor->rules[i].uid = i % 100;
		enter(floor, &floor->suffix, XXH3_64bits(glob + 1, len - 1), glob + 1, len - 1, i);
	} else {
		add_glob(floor, glob, i);
	}
}

struct floor *floor_new(const struct rule_globs *globs)
{
	struct floor *floor = calloc(1, sizeof(*floor));

	if (!floor || globs->count != FLOOR_RULES)
		abort();
	floor->ring = calloc(1, RING_BYTES);
	if (!floor->ring)
		abort();
	for (uint32_t i = 0; i < FLOOR_RULES; i++)
		add_rule(floor, globs->glob[i], i);
	return floor;
}

void floor_free(struct floor *floor)
{
	if (!floor)
		return;
	for (unsigned i = 0; i < FLOOR_RULES; i++) {
		if (floor->rules[i].regex)
			regfree(floor->rules[i].regex);
		free(floor->rules[i].regex);
	}
	free(floor->ring);
	free(floor);
}

/* Whether the attributes fill the record; notes what the rules ask for. */
static bool walk(struct event *event, uint32_t size)
{
	const char *bytes = (const char *)event->bytes;
	uint32_t at = VEX_RECORD_MIN;

	while (at < size) {
		uint32_t head, len;

		memcpy(&head, bytes + at, sizeof(head));
		len = head & VEX_ATTR_LEN_MAX;
		if (len > size - at - VEX_ATTR_HEAD)
			return false;
		if (head >> 20 == VEX_ATTR_PATH) {
			event->path = bytes + at + VEX_ATTR_HEAD;
			event->len = len;
		} else if (head >> 20 == VEX_ATTR_RANGE && len == sizeof(event->range)) {
			memcpy(&event->range, bytes + at + VEX_ATTR_HEAD, len);
		}
		at += (VEX_ATTR_HEAD + len + 7) & ~7u;
	}
	return at == size && event->path && !memchr(event->path, 0, event->len);
}

/* Copies the good ones; returns how many they are. */
static unsigned ingest(struct floor *floor, const struct vex_record *const *records, unsigned count)
{
	unsigned good = 0;

	for (unsigned i = 0; i < count; i++) {
		struct event *event = &floor->events[good];
		uint32_t size = records[i]->size;

		if (size < VEX_RECORD_MIN || size % 8 || size > RECORD_BYTES - ROUTE_BYTES)
			continue;
		memcpy(event->bytes, records[i], size);
		event->path = NULL;
		event->range = (struct vex_attr_range){0};
		good += ((struct vex_record *)event->bytes)->type < VEX_TYPE_LIMIT &&
				walk(event, size);
	}
	floor->counts.refused += count - good;
	return good;
}

static void translate(struct floor *floor, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		struct vex_record *record = (struct vex_record *)floor->events[i].bytes;

		record->id = (struct vex_event_id){.seq = floor->taken++, .node = 1, .port = 1};
		record->boundary = VEX_BOUNDARY_APP;
	}
}

/* Patterns are looked at here, since they are of the path. */
static unsigned collect(struct floor *floor, const struct slot *slot, uint32_t event,
		unsigned found)
{
	char path[RECORD_BYTES];
	uint32_t rule;

	for (rule = slot->key ? slot->first : NONE; rule != NONE; rule = floor->rules[rule].next) {
		const struct rule *r = &floor->rules[rule];

		if (r->glob || r->regex) {
			memcpy(path, floor->events[event].path, floor->events[event].len);
			path[floor->events[event].len] = '\0';
		}
		if ((r->glob && fnmatch(r->glob, path, 0)) ||
				(r->regex && regexec(r->regex, path, 0, NULL, 0)))
			continue;
		floor->candidates[found++] = (struct candidate){event, rule};
	}
	return found;
}

static unsigned route_one(struct floor *floor, uint32_t i, unsigned found)
{
	const struct event *event = &floor->events[i];
	const char *dot = memrchr(event->path, '.', event->len);
	uint64_t hash = 0;
	size_t at = 0;

	while (at < event->len) {
		hash = hash_next(hash, event->path, &at, event->len);
		found = collect(floor, find(&floor->below, hash, event->path, at), i, found);
	}
	found = collect(floor, find(&floor->exact, hash, event->path, at), i, found);
	if (dot) {
		size_t len = (size_t)(event->path + event->len - dot);

		found = collect(floor, find(&floor->suffix, XXH3_64bits(dot, len), dot, len), i,
				found);
	}
	return found;
}

static bool passes(const struct rule *rule, const struct event *event)
{
	const struct vex_record *record = (const struct vex_record *)event->bytes;
	bool type = !rule->type_count;

	for (unsigned i = 0; i < rule->type_count; i++)
		type |= record->type == rule->types[i];
	return type && (!rule->has_uid || record->uid == rule->uid) &&
			(!rule->above || event->range.size > rule->above);
}

static void filter(struct floor *floor, unsigned count, unsigned found)
{
	for (unsigned i = 0; i < count; i++)
		floor->events[i].route = (struct vex_attr_route){.generation = 1, .rule = NONE,
			.qos = 2, .priority = UINT8_MAX};
	for (unsigned i = 0; i < found; i++) {
		struct candidate candidate = floor->candidates[i];
		struct vex_attr_route *route = &floor->events[candidate.event].route;

		if (!passes(&floor->rules[candidate.rule], &floor->events[candidate.event]))
			continue;
		floor->counts.matched[candidate.rule]++;
		route->matched++;
		if (candidate.rule < route->rule)
			route->rule = candidate.rule;
	}
}

/* With the attribute that says where it was led. */
static void deliver(struct floor *floor, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		const struct event *event = &floor->events[i];
		const struct vex_record *record = (const struct vex_record *)event->bytes;
		uint32_t head = vex_attr_head(VEX_ATTR_ROUTE, sizeof(event->route));
		uint32_t size = record->size;
		struct vex_record *out;

		if (floor->at + size + ROUTE_BYTES > RING_BYTES)
			floor->at = 0;
		out = (struct vex_record *)(floor->ring + floor->at);
		memcpy(out, record, size);
		memcpy((uint8_t *)out + size, &head, sizeof(head));
		memcpy((uint8_t *)out + size + sizeof(head), &event->route, sizeof(event->route));
		out->attr_count++;
		out->size = size + ROUTE_BYTES;
		floor->at += out->size;
		floor->counts.delivered++;
	}
}

void floor_run(struct floor *floor, const struct vex_record *const *records, unsigned count)
{
	unsigned found = 0;

	count = ingest(floor, records, count);
	translate(floor, count);
	for (unsigned i = 0; i < count; i++)
		found = route_one(floor, i, found);
	filter(floor, count, found);
	deliver(floor, count);
}

const struct floor_counts *floor_counts(const struct floor *floor)
{
	return &floor->counts;
}
