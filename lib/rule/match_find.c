/* SPDX-License-Identifier: BSD-3-Clause */
/* Rules that an event may match: those that its keys lead to, and those that patterns do. */
#include "rule/match_work.h"

#include "rule/index_key.h"

bool match_next(struct rule_worker *worker, uint32_t *first, uint64_t *rules)
{
	uint32_t top = 0;
	uint32_t middle;
	uint32_t low;

	while (top < worker->bit_words[2] && !worker->bits[2][top])
		top++;
	if (top == worker->bit_words[2])
		return false;
	middle = top * 64 + (uint32_t)__builtin_ctzll(worker->bits[2][top]);
	low = middle * 64 + (uint32_t)__builtin_ctzll(worker->bits[1][middle]);
	*first = low * 64;
	*rules = worker->bits[0][low];
	worker->bits[0][low] = 0;
	worker->bits[1][middle] &= worker->bits[1][middle] - 1;
	if (!worker->bits[1][middle])
		worker->bits[2][top] &= worker->bits[2][top] - 1;
	return true;
}

static void mark_all(struct rule_worker *worker, uint64_t first, uint32_t count, uint64_t events)
{
	const uint32_t *rules = worker->matcher->postings + first;
	uint32_t i;

	for (i = 0; i < count; i++)
		match_mark(worker, rules[i], events);
}

/* Keys of one event, first gathered and fetched, then looked up. */
struct lookups {
	struct rule_worker *worker;
	uint64_t events; /* the event's bit */
	uint64_t hash[96];
	unsigned count;
};

static void mark_found(struct lookups *lookups)
{
	const struct rule_matcher *matcher = lookups->worker->matcher;
	unsigned i;

	for (i = 0; i < lookups->count; i++) {
		uint64_t at = lookups->hash[i] & matcher->slot_mask;

		for (; matcher->slots[at].count; at = (at + 1) & matcher->slot_mask)
			if (matcher->slots[at].hash == lookups->hash[i])
				mark_all(lookups->worker, matcher->slots[at].first,
						matcher->slots[at].count, lookups->events);
	}
	lookups->count = 0;
}

/* Where there are more than there is room for those so far are looked up. */
static void add(struct lookups *lookups, uint64_t hash)
{
	const struct rule_matcher *matcher = lookups->worker->matcher;

	if (lookups->count == sizeof(lookups->hash) / sizeof(lookups->hash[0]))
		mark_found(lookups);
	__builtin_prefetch(&matcher->slots[hash & matcher->slot_mask]);
	lookups->hash[lookups->count++] = hash;
}

static bool has_keys(const struct lookups *lookups, unsigned kind)
{
	return lookups->worker->matcher->image->key_kinds >> kind & 1;
}

static void add_bytes(struct lookups *lookups, unsigned kind, const char *text, const char *end)
{
	if (has_keys(lookups, kind))
		add(lookups, rule_key_bytes(kind, text, (size_t)(end - text)));
}

static void add_components(struct lookups *lookups, const char *text, const char *slash,
		const char *end, unsigned second)
{
	struct rule_components walk = {.at = text, .end = end};
	uint64_t levels = lookups->worker->matcher->image->levels[second != 0];
	uint64_t directory = 0;

	while (rule_components_next(&walk)) {
		unsigned depth = walk.depth < 63 ? walk.depth : 63;

		if (levels >> depth & 1)
			add(lookups, rule_key_path(RULE_KEY_SUBTREE + second, walk.hash));
		if (walk.at <= slash)
			directory = walk.hash;
	}
	if (has_keys(lookups, RULE_KEY_EXACT + second))
		add(lookups, rule_key_path(RULE_KEY_EXACT + second, walk.hash));
	if (has_keys(lookups, RULE_KEY_DIRECTORY + second))
		add(lookups, rule_key_path(RULE_KEY_DIRECTORY + second, directory));
}

static void add_path(struct lookups *lookups, struct vex_bytes path, unsigned second)
{
	const char *text = path.data ? path.data : "";
	const char *end = text + path.len;
	const char *slash = memrchr(text, '/', path.len);
	const char *name = slash ? slash + 1 : text;
	const char *dot = memrchr(name, '.', (size_t)(end - name));

	if (has_keys(lookups, RULE_KEY_SUBTREE + second) ||
			has_keys(lookups, RULE_KEY_EXACT + second) ||
			has_keys(lookups, RULE_KEY_DIRECTORY + second))
		add_components(lookups, text, slash, end, second);
	add_bytes(lookups, RULE_KEY_FILENAME + second, name, end);
	if (dot)
		add_bytes(lookups, RULE_KEY_SUFFIX + second, dot, end);
}

static void add_numbers(struct lookups *lookups, unsigned event)
{
	const struct rule_worker *worker = lookups->worker;
	unsigned field;

	EACH_EVENT(field, worker->matcher->image->number_keys)
		if (worker->columns[field].has >> event & 1)
			add(lookups, rule_key_number(field, worker->columns[field].numbers[event]));
}

/* Attributes that the index has keys of. */
struct sources {
	const struct match_place *path;
	const struct match_place *path2;
	const struct match_place *name;
};

static const struct match_place *source(struct rule_worker *worker, unsigned attr, unsigned first,
		unsigned last, uint64_t events)
{
	static const struct match_place nowhere;
	uint64_t kinds = worker->matcher->image->key_kinds >> first & ((2ull << (last - first)) - 1);

	return kinds ? match_place(worker, attr, events) : &nowhere;
}

static void add_event(struct lookups *lookups, const struct sources *from, unsigned event)
{
	const struct vex_record *record = lookups->worker->records[event];

	lookups->events = 1ull << event;
	if (from->path->has >> event & 1)
		add_path(lookups, match_payload(record, from->path->at[event]), 0);
	if (from->path2->has >> event & 1)
		add_path(lookups, match_payload(record, from->path2->at[event]), RULE_KEY_PATH2);
	if (from->name->has >> event & 1) {
		struct vex_bytes name = match_payload(record, from->name->at[event]);

		add(lookups, rule_key_bytes(RULE_KEY_NAME, name.data, name.len));
	}
	add_numbers(lookups, event);
}

#define AHEAD 4u /* events whose places are fetched while others' keys are hashed */

static void look_up(struct rule_worker *worker, uint64_t events)
{
	struct sources from = {
		.path = source(worker, VEX_ATTR_PATH, 0, RULE_KEY_SUFFIX, events),
		.path2 = source(worker, VEX_ATTR_PATH2, RULE_KEY_PATH2,
				RULE_KEY_PATH2 + RULE_KEY_SUFFIX, events),
		.name = source(worker, VEX_ATTR_COMM, RULE_KEY_NAME, RULE_KEY_NAME, events)};
	struct lookups lookups[AHEAD];
	unsigned turn = 0;
	unsigned i;

	for (i = 0; i < AHEAD; i++) {
		lookups[i].worker = worker;
		lookups[i].count = 0;
	}
	EACH_EVENT(i, worker->matcher->image->number_keys)
		match_column(worker, i, events);
	EACH_EVENT(i, events) {
		mark_found(&lookups[turn]);
		add_event(&lookups[turn], &from, i);
		turn = (turn + 1) % AHEAD;
	}
	for (i = 0; i < AHEAD; i++)
		mark_found(&lookups[i]);
}

void match_find(struct rule_worker *worker, uint64_t events)
{
	const struct rule_image *image = worker->matcher->image;
	uint32_t scan;

	mark_all(worker, image->loose_first, image->loose_count, events);
	if (image->key_kinds | image->number_keys)
		look_up(worker, events);
	for (scan = 0; scan < worker->matcher->eager_count; scan++)
		match_scan(worker, scan, events);
}

/* -- patterns -- */

struct scanning {
	struct rule_worker *worker;
	const struct rule_image_scan *scan;
	uint64_t event;
};

static int found(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
		void *data)
{
	const struct scanning *scanning = data;
	struct rule_worker *worker = scanning->worker;
	const struct rule_image_pattern *pattern;

	(void)from;
	(void)to;
	(void)flags;
	if (id >= scanning->scan->count)
		return 0;
	pattern = &worker->matcher->patterns[scanning->scan->first + id];
	if (pattern->test == RULE_IMAGE_NONE)
		return 0;
	match_memo(worker, pattern->test)->value |= scanning->event;
	if (scanning->scan->eager)
		mark_all(worker, pattern->first, pattern->count, scanning->event);
	return 0;
}

static void scan_text(struct scanning *scanning, uint32_t index, unsigned event,
		struct vex_bytes text)
{
	scanning->event = 1ull << event;
	hs_scan(scanning->worker->matcher->databases[index], text.len ? text.data : "",
			(unsigned)text.len, 0, scanning->worker->scratch, found, scanning);
}

void match_scan(struct rule_worker *worker, uint32_t index, uint64_t events)
{
	const struct rule_image_scan *scan = &worker->matcher->scans[index];
	struct scanning scanning = {.worker = worker, .scan = scan};
	uint64_t need = events & ~worker->scanned[index];
	const char *name = worker->matcher->text + scan->arg;
	const struct match_column *column;
	struct vex_bytes text;
	unsigned i;

	if (!worker->scanned[index])
		worker->scanned_list[worker->scanned_count++] = index;
	worker->scanned[index] |= need;
	if (worker->matcher->ids[scan->field] == RULE_FIELD_ATTR) {
		EACH_EVENT(i, need)
			if (match_attr(worker, i, name, scan->arg_len, &text))
				scan_text(&scanning, index, i, text);
		return;
	}
	column = match_column(worker, scan->field, need);
	EACH_EVENT(i, need & column->has)
		scan_text(&scanning, index, i, column->texts[i]);
}
