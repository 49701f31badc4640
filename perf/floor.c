/* SPDX-License-Identifier: BSD-3-Clause */
#include "floor.h"

#include <stdlib.h>
#include <string.h>

#include <emmintrin.h>

#include "abi/lane.h"
#include "event/event.h"
#include "floor_rules.h"
#include "stat/stat.h"

#define RECORD_BYTES 256u
#define PATH_MAX_LEVELS 64u
#define CHUNK 16u
#define RING_BYTES (1u << 20) /* a subscriber's lane */
#define ROUTE_BYTES (uint32_t)(VEX_ATTR_HEAD + sizeof(struct vex_attr_route) + 4)

/* A record of the burst, and what the stages found out about it. */
struct event {
	uint64_t bytes[(RECORD_BYTES + CHUNK) / 8];
	const char *path;
	size_t len;
	struct vex_attr_route route;
};

/* What filters ask for, side by side. */
struct columns {
	uint64_t type[FLOOR_BURST]; /* a bit */
	uint64_t uid[FLOOR_BURST];
	uint64_t size[FLOOR_BURST];
};

struct floor {
	struct floor_rules rules;
	struct event events[FLOOR_BURST];
	struct columns columns;
	uint32_t passed[FLOOR_FILTERS]; /* events, by filter */
	struct floor_counts counts;
	uint64_t taken;
	uint8_t *ring;
	uint32_t at; /* where the next record goes */
};

struct floor *floor_new(const struct rule_globs *globs)
{
	struct floor *floor = calloc(1, sizeof(*floor));

	if (!floor)
		abort();
	floor->ring = calloc(1, RING_BYTES);
	if (!floor->ring)
		abort();
	floor_rules_make(&floor->rules, globs);
	return floor;
}

void floor_free(struct floor *floor)
{
	if (floor)
		free(floor->ring);
	free(floor);
}

/* -- ingest and translate -- */

/* Whether the attributes fill the record; notes what the rules ask for. */
static bool walk(struct event *event, uint32_t size, uint64_t *range)
{
	const char *bytes = (const char *)event->bytes;
	uint32_t at = VEX_RECORD_MIN;

	event->path = NULL;
	*range = 0;
	while (at < size) {
		uint32_t head, len;

		memcpy(&head, bytes + at, sizeof(head));
		len = vex_attr_head_len(head);
		if (len > size - at - VEX_ATTR_HEAD)
			return false;
		if (vex_attr_head_id(head) == VEX_ATTR_PATH) {
			event->path = bytes + at + VEX_ATTR_HEAD;
			event->len = len;
		} else if (vex_attr_head_id(head) == VEX_ATTR_RANGE &&
				len == sizeof(struct vex_attr_range)) {
			memcpy(range, bytes + at + VEX_ATTR_HEAD +
					offsetof(struct vex_attr_range, size), sizeof(*range));
		}
		at += vex_attr_span(len);
	}
	return at == size && event->path && event->len && !memchr(event->path, 0, event->len);
}

static void take_columns(struct floor *floor, unsigned i, uint64_t range)
{
	const struct vex_record *record = (const struct vex_record *)floor->events[i].bytes;

	floor->columns.type[i] = 1ull << (record->type < 63 ? record->type : 63);
	floor->columns.uid[i] = record->uid;
	floor->columns.size[i] = range;
}

/* Copies the good ones; returns how many they are. */
static unsigned ingest(struct floor *floor, const struct vex_record *const *records, unsigned count)
{
	unsigned good = 0;

	for (unsigned i = 0; i < count; i++) {
		struct event *event = &floor->events[good];
		uint32_t size = records[i]->size;
		uint64_t range;

		if (size < VEX_RECORD_MIN || size % 8 || size > RECORD_BYTES - ROUTE_BYTES)
			continue;
		vex_copy_words(event->bytes, records[i], size);
		if (((struct vex_record *)event->bytes)->type >= VEX_TYPE_LIMIT ||
				!walk(event, size, &range))
			continue;
		take_columns(floor, good++, range);
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

/* -- filter: all of them, by column -- */

static uint32_t passed(const struct columns *columns, const struct floor_filter *filter)
{
	uint32_t events = 0;

	for (unsigned i = 0; i < FLOOR_BURST; i++) {
		bool type = (columns->type[i] & filter->types) != 0;
		bool uid = columns->uid[i] - filter->uid_from <= filter->uid_to - filter->uid_from;

		events |= (uint32_t)(type & uid & (columns->size[i] >= filter->size_from)) << i;
	}
	return events;
}

static void filter(struct floor *floor)
{
	for (unsigned i = 0; i < floor->rules.filter_count; i++)
		floor->passed[i] = passed(&floor->columns, &floor->rules.filter[i]);
}

/* -- route -- */

/* Where each level of a path ends. */
static unsigned levels(const char *path, size_t len, uint8_t *ends)
{
	const __m128i slash = _mm_set1_epi8('/');
	unsigned count = 0;

	for (size_t at = 0; at < len; at += CHUNK) {
		__m128i chunk = _mm_loadu_si128((const __m128i *)(const void *)(path + at));
		unsigned found = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(chunk, slash));

		for (found &= at ? UINT32_MAX : ~1u; found; found &= found - 1) {
			size_t end = at + (unsigned)__builtin_ctz(found);

			if (end < len && count < PATH_MAX_LEVELS - 1)
				ends[count++] = (uint8_t)end;
		}
	}
	ends[count++] = (uint8_t)len;
	return count;
}

/* What a pattern says of what stands below its folder, which ends at at. */
static bool fits(const struct floor_rule *rule, const struct event *event, size_t at)
{
	const char *name = event->path + at + 1;
	size_t len = event->len - at - 1;

	if (at == event->len)
		return false;
	if (rule->pattern == FLOOR_REGEX)
		return len && *name >= 'a' && *name <= 'z';
	return len >= rule->start_len && !memcmp(name, rule->start, rule->start_len) &&
			(!rule->end || memchr(name + rule->start_len, rule->end,
					len - rule->start_len));
}

static void collect(struct floor *floor, const struct floor_slot *slot, unsigned i, size_t at)
{
	struct event *event = &floor->events[i];
	const struct floor_rule *rule = &floor->rules.rule[slot->first];

	for (const struct floor_rule *end = rule + slot->count; rule < end; rule++) {
		if (!(floor->passed[rule->filter] >> i & 1) ||
				(rule->pattern != FLOOR_ANY && !fits(rule, event, at)))
			continue;
		floor->counts.matched[rule->number]++;
		event->route.matched++;
		if (rule->number < event->route.rule)
			event->route.rule = rule->number;
	}
}

static inline void look_up(struct floor *floor, const struct floor_table *table, uint64_t hash,
		const char *key, size_t len, unsigned i, size_t at)
{
	unsigned place = floor_find(table, hash, key, len);

	if (table->tag[place])
		collect(floor, &table->slot[place], i, at);
}

static void route_one(struct floor *floor, unsigned i)
{
	const struct floor_rules *rules = &floor->rules;
	struct event *event = &floor->events[i];
	const char *path = event->path;
	const char *dot = memrchr(path, '.', event->len);
	uint8_t ends[PATH_MAX_LEVELS];
	unsigned count = levels(path, event->len, ends);
	uint64_t hash = 0;
	size_t at = 0;

	event->route = (struct vex_attr_route){.generation = 1, .rule = VEX_ROUTE_NO_RULE,
		.qos = VEX_CLASS_NORMAL, .priority = VEX_ROUTE_NO_PRIORITY};
	for (unsigned level = 0; level < count; level++) {
		hash = floor_hash(hash, path + at, ends[level] - at);
		at = ends[level];
		look_up(floor, &rules->below, hash, path, at, i, at);
	}
	look_up(floor, &rules->exact, hash, path, at, i, at);
	if (dot) {
		size_t len = (size_t)(path + event->len - dot);

		look_up(floor, &rules->suffix, floor_hash(0, dot, len), dot, len, i, at);
	}
}

/* -- deliver -- */

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
		vex_copy_words(out, record, size);
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
	count = ingest(floor, records, count);
	translate(floor, count);
	filter(floor);
	for (unsigned i = 0; i < count; i++)
		route_one(floor, i);
	deliver(floor, count);
}

const struct floor_counts *floor_counts(const struct floor *floor)
{
	return &floor->counts;
}
