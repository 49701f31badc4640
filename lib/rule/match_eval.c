/* SPDX-License-Identifier: BSD-3-Clause */
/* Conditions, for all events of a burst at once: a bit for each event. */
#include "rule/match_work.h"

static uint64_t number_test(const struct rule_worker *worker, const struct rule_image_test *test,
		const uint64_t *numbers, uint64_t events)
{
	const uint64_t *values = worker->matcher->values + test->a;
	uint64_t result = 0;
	unsigned i;

	if (test->kind == RULE_TEST_BITS)
		return worker->numbers->bits(numbers, test->a, test->b);
	EACH_EVENT(i, events) {
		uint64_t number = numbers[i];
		uint64_t low = 0;
		uint64_t high = test->b;

		if (test->kind == RULE_TEST_WORDS) {
			result |= (uint64_t)(number < 256 &&
					(values[number / 64] >> (number % 64) & 1)) << i;
			continue;
		}
		while (low < high) {
			uint64_t middle = (low + high) / 2;

			if (values[middle] < number)
				low = middle + 1;
			else
				high = middle;
		}
		result |= (uint64_t)(low < test->b && values[low] == number) << i;
	}
	return result;
}

static uint64_t attr_test(struct rule_worker *worker, const struct rule_image_test *test,
		uint64_t events)
{
	const char *name = worker->matcher->text + test->arg;
	struct vex_bytes value;
	uint64_t result = 0;
	unsigned i;

	EACH_EVENT(i, events)
		if (match_attr(worker, i, name, test->arg_len, &value) &&
				(test->kind == RULE_TEST_HAS ||
						match_text(worker->matcher, test, value)))
			result |= 1ull << i;
	return result;
}

static uint64_t list_test(struct rule_worker *worker, const struct rule_image_test *test,
		uint64_t events)
{
	uint64_t result = 0;
	unsigned i;

	EACH_EVENT(i, events) {
		const struct vex_event *event = match_event(worker, i);
		uint32_t in = 0;
		uint32_t label;

		for (label = 0; label < event->label_count; label++)
			in += match_among(worker->matcher, test, event->labels[label]);
		if (test->kind == RULE_TEST_ALL ? in == event->label_count : in > 0)
			result |= 1ull << i;
	}
	return result;
}

static uint64_t text_test(struct rule_worker *worker, const struct rule_image_test *test,
		const struct match_column *column, uint64_t events)
{
	uint64_t result = 0;
	unsigned i;

	EACH_EVENT(i, events)
		result |= (uint64_t)match_text(worker->matcher, test, column->texts[i]) << i;
	return result;
}

static bool schedule_open(const struct rule_matcher *matcher,
		const struct rule_image_schedule *schedule, uint64_t ns)
{
	const struct rule_image_window *window = matcher->windows + schedule->first;
	/* Since a Monday long before, so that no clock leads before it. */
	uint64_t minute = ns / 60000000000ull + (uint64_t)(schedule->offset_minutes + 10080 + 4320);
	unsigned day = (unsigned)(minute / 1440 % 7);
	unsigned now = (unsigned)(minute % 1440);
	uint32_t i;

	for (i = 0; i < schedule->count; i++, window++) {
		bool today = window->days >> day & 1;
		bool yesterday = window->days >> (day + 6) % 7 & 1;

		if (window->to > window->from
						? today && now >= window->from && now < window->to
						: (today && now >= window->from) ||
								(yesterday && now < window->to))
			return true;
	}
	return !schedule->count;
}

static uint64_t outside_test(struct rule_worker *worker, const struct rule_image_test *test,
		uint64_t events)
{
	const struct rule_matcher *matcher = worker->matcher;
	uint64_t result = 0;
	unsigned i;

	EACH_EVENT(i, events) {
		const struct vex_record *record = worker->records[i];
		bool yes;

		if (test->kind == RULE_TEST_PROGRAM)
			yes = worker->run && worker->run((uint32_t)test->a, record, worker->data);
		else
			yes = schedule_open(matcher, matcher->schedules + test->a,
					record->start_ns);
		result |= (uint64_t)yes << i;
	}
	return result;
}

static uint64_t run_other(struct rule_worker *worker, const struct rule_image_test *test,
		uint64_t events)
{
	enum rule_field_id id = (enum rule_field_id)worker->matcher->ids[test->field];
	const struct match_column *column;

	if (test->kind == RULE_TEST_SCHEDULE || test->kind == RULE_TEST_PROGRAM)
		return outside_test(worker, test, events);
	if (id == RULE_FIELD_ATTR)
		return attr_test(worker, test, events);
	column = match_column(worker, test->field, events);
	events &= column->has;
	if (test->kind == RULE_TEST_HAS || !events)
		return events;
	if (rule_fields[id].type == RULE_STRINGS)
		return list_test(worker, test, events);
	if (rule_fields[id].type == RULE_STRING || rule_fields[id].type == RULE_PATH)
		return text_test(worker, test, column, events);
	return number_test(worker, test, column->numbers, events) & events;
}

static inline uint64_t range_test(struct rule_worker *worker, const struct rule_image_test *test,
		uint64_t events)
{
	const struct match_column *column = match_column(worker, test->field, events);

	return match_range(worker, column, test->a, test->b) & column->has & events;
}

static inline uint64_t run_test(struct rule_worker *worker, const struct rule_image_test *test,
		uint64_t events)
{
	return test->kind == RULE_TEST_RANGE ? range_test(worker, test, events)
					     : run_other(worker, test, events) & events;
}

static inline uint64_t eval_test(struct rule_worker *worker, uint32_t index, uint64_t events)
{
	const struct rule_image_test *test = &worker->matcher->tests[index];
	struct match_memo *memo;
	uint64_t need;

	if (test->scan != RULE_IMAGE_NONE) { /* a scan enters what it finds */
		if (events & ~worker->scanned[test->scan])
			match_scan(worker, test->scan, events);
		return worker->memo[index].value & events;
	}
	if (!match_shared(worker->matcher, index))
		return run_test(worker, test, events);
	memo = match_memo(worker, index);
	need = events & ~memo->known;
	if (need) {
		memo->value |= run_test(worker, test, need);
		memo->known |= need;
	}
	return memo->value & events;
}

static inline uint64_t eval_node(struct rule_worker *worker, uint32_t node, uint64_t events)
{
	return node & RULE_NODE_GROUP ? match_eval(worker, node, events)
				      : eval_test(worker, node, events);
}

static uint64_t eval_group(struct rule_worker *worker, const uint32_t *words, uint64_t events)
{
	uint32_t kind = words[0] & 0xff;
	uint64_t left = events;
	uint32_t i;

	if (kind == RULE_GROUP_INPUT)
		return worker->input[words[2]] & events;
	if (kind == RULE_GROUP_NOT)
		return events & ~eval_node(worker, words[2], events);
	for (i = 0; left && i < words[1]; i++) {
		uint64_t yes = eval_node(worker, words[2 + i], left);

		left = kind == RULE_GROUP_AND ? yes : left & ~yes;
	}
	return kind == RULE_GROUP_AND ? left : events & ~left;
}

/* What stands in one place alone is asked for once in a burst, so that nobody need remember it. */
uint64_t match_eval(struct rule_worker *worker, uint32_t node, uint64_t events)
{
	const struct rule_matcher *matcher = worker->matcher;
	const uint32_t *words = matcher->nodes + (node & ~RULE_NODE_GROUP);
	uint32_t index = matcher->test_count + (node & ~RULE_NODE_GROUP);
	struct match_memo *memo;
	uint64_t need;

	if (!events)
		return 0;
	if (!(node & RULE_NODE_GROUP))
		return eval_test(worker, node, events);
	if (!match_shared(matcher, index))
		return eval_group(worker, words, events);
	memo = match_memo(worker, index);
	need = events & ~memo->known;
	if (need) {
		memo->value |= eval_group(worker, words, need);
		memo->known |= need;
	}
	return memo->value & events;
}
