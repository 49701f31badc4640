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
	uint64_t hash[96];
	unsigned count;
};

static void look(struct rule_worker *worker, struct lookups *lookups)
{
	const struct rule_matcher *matcher = worker->matcher;
	unsigned i;

	for (i = 0; i < lookups->count; i++)
		__builtin_prefetch(&matcher->slots[lookups->hash[i] & matcher->slot_mask]);
}

static void mark_found(struct rule_worker *worker, const struct lookups *lookups, uint64_t events)
{
	const struct rule_matcher *matcher = worker->matcher;
	unsigned i;

	for (i = 0; i < lookups->count; i++) {
		uint64_t at = lookups->hash[i] & matcher->slot_mask;

		for (; matcher->slots[at].count; at = (at + 1) & matcher->slot_mask)
			if (matcher->slots[at].hash == lookups->hash[i])
				mark_all(worker, matcher->slots[at].first,
						matcher->slots[at].count, events);
	}
}

/* Where there are more than there is room for those so far are looked up. */
static void add(struct rule_worker *worker, struct lookups *lookups, uint64_t hash, uint64_t events)
{
	if (lookups->count == sizeof(lookups->hash) / sizeof(lookups->hash[0])) {
		mark_found(worker, lookups, events);
		lookups->count = 0;
	}
	lookups->hash[lookups->count++] = hash;
}

static void add_name(struct rule_worker *worker, struct lookups *lookups, const char *name,
		const char *end, unsigned second, uint64_t events)
{
	const char *dot = memrchr(name, '.', (size_t)(end - name));

	add(worker, lookups, rule_key_bytes(RULE_KEY_FILENAME + second, name, (size_t)(end - name)),
			events);
	if (dot)
		add(worker, lookups, rule_key_bytes(RULE_KEY_SUFFIX + second, dot,
				(size_t)(end - dot)), events);
}

static void add_path(struct rule_worker *worker, struct lookups *lookups, struct vex_bytes path,
		unsigned second, uint64_t events)
{
	const char *text = path.len ? path.data : "";
	struct rule_components walk = {.at = text, .end = text + path.len};
	uint64_t levels = worker->matcher->image->levels[second != 0];
	const char *slash = memrchr(text, '/', path.len);
	const char *name = slash ? slash + 1 : text;
	uint64_t directory = 0;

	while (rule_components_next(&walk)) {
		unsigned depth = walk.depth < 63 ? walk.depth : 63;

		if (levels >> depth & 1)
			add(worker, lookups, rule_key_path(RULE_KEY_SUBTREE + second, walk.hash),
					events);
		if (walk.at <= slash)
			directory = walk.hash;
	}
	add(worker, lookups, rule_key_path(RULE_KEY_EXACT + second, walk.hash), events);
	if (!second)
		add(worker, lookups, rule_key_path(RULE_KEY_DIRECTORY, directory), events);
	add_name(worker, lookups, name, walk.end, second, events);
}

static void add_numbers(struct rule_worker *worker, struct lookups *lookups, unsigned event)
{
	unsigned field;

	EACH_EVENT(field, worker->matcher->image->number_keys) {
		struct match_column *column = match_column(worker, field, 1ull << event);

		if (column->has >> event & 1)
			add(worker, lookups, rule_key_number(field, column->numbers[event]),
					1ull << event);
	}
}

static void find_one(struct rule_worker *worker, unsigned event, struct lookups *lookups)
{
	const uint8_t *wants = worker->matcher->wants;
	const struct vex_event *from = match_event(worker, event);
	uint64_t bit = 1ull << event;

	lookups->count = 0;
	if ((from->has & VEX_HAS_PATH) && (wants[RULE_FIELD_FD_NAME] ||
			wants[RULE_FIELD_FD_DIRECTORY] || wants[RULE_FIELD_FD_FILENAME]))
		add_path(worker, lookups, from->path, 0, bit);
	if ((from->has & VEX_HAS_PATH2) && wants[RULE_FIELD_FS_PATH2])
		add_path(worker, lookups, from->path2, RULE_KEY_PATH2, bit);
	if ((from->has & VEX_HAS_COMM) && wants[RULE_FIELD_PROC_NAME])
		add(worker, lookups, rule_key_bytes(RULE_KEY_NAME, from->comm.data, from->comm.len),
				bit);
	add_numbers(worker, lookups, event);
	look(worker, lookups);
}

void match_find(struct rule_worker *worker, uint64_t events)
{
	const struct rule_matcher *matcher = worker->matcher;
	struct lookups two[2];
	unsigned last = RULE_BURST_MAX;
	unsigned turn = 0;
	uint32_t scan;
	unsigned i;

	mark_all(worker, matcher->image->loose_first, matcher->image->loose_count, events);
	EACH_EVENT(i, events) { /* what one event looks up is fetched while another's is hashed */
		find_one(worker, i, &two[turn]);
		turn ^= 1;
		if (last < RULE_BURST_MAX)
			mark_found(worker, &two[turn], 1ull << last);
		last = i;
	}
	if (last < RULE_BURST_MAX)
		mark_found(worker, &two[turn ^ 1], 1ull << last);
	for (scan = 0; scan < matcher->eager_count; scan++)
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

static bool subject(struct rule_worker *worker, const struct rule_image_scan *scan, unsigned event,
		struct vex_bytes *text)
{
	struct match_column *column;

	if (worker->matcher->ids[scan->field] == RULE_FIELD_ATTR)
		return match_attr(worker, event, worker->matcher->text + scan->arg, scan->arg_len,
				text);
	column = match_column(worker, scan->field, 1ull << event);
	*text = column->texts[event];
	return column->has >> event & 1;
}

void match_scan(struct rule_worker *worker, uint32_t index, uint64_t events)
{
	struct scanning scanning = {.worker = worker, .scan = &worker->matcher->scans[index]};
	uint64_t need = events & ~worker->scanned[index];
	struct vex_bytes text;
	unsigned i;

	if (!worker->scanned[index])
		worker->scanned_list[worker->scanned_count++] = index;
	worker->scanned[index] |= need;
	EACH_EVENT(i, need) {
		if (!subject(worker, scanning.scan, i, &text))
			continue;
		scanning.event = 1ull << i;
		hs_scan(worker->matcher->databases[index], text.len ? text.data : "",
				(unsigned)text.len, 0, worker->scratch, found, &scanning);
	}
}
