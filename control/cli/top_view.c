/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/top_view.h"

#include <inttypes.h>
#include <jansson.h>
#include <time.h>

#include "cli/commands.h"
#include "cli/table.h"
#include "event/format.h"

#define NAME_MAX_BYTES (4 * TOP_KEY_SHOWN + 1) /* each byte as \xHH */
#define BOLD "\033[1m"
#define NORMAL "\033[0m"

enum list {
	LIST_TYPES,
	LIST_PROCESSES,
	LIST_DIRECTORIES,
	LIST_COUNT,
};

static const char *const list_titles[LIST_COUNT] = {"TYPE", "PROCESS", "DIRECTORY"};
static const char *const list_keys[LIST_COUNT] = {"types", "processes", "directories"};

/* One line of a list; what is not of the list's kind stays empty. */
struct row {
	char name[NAME_MAX_BYTES]; /* of the type, process or directory */
	uint32_t pid;
	struct top_count count;
};

static bool next_type(const struct top *top, bool taken[VEX_TYPE_LIMIT], struct row *row)
{
	uint32_t best = VEX_TYPE_NONE;
	uint32_t type;

	for (type = 0; type < VEX_TYPE_LIMIT; type++)
		if (!taken[type] && top->types[type].events > top->types[best].events)
			best = type;
	if (!top->types[best].events || taken[best])
		return false;
	taken[best] = true;
	row->count = top->types[best];
	snprintf(row->name, sizeof(row->name), "%s",
			vex_type_name(best) ? vex_type_name(best) : "unknown");
	return true;
}

static bool entry_row(const struct top_table *table, unsigned i, struct row *row)
{
	if (i >= table->used || !table->entries[i].count.events)
		return false;
	row->count = table->entries[i].count;
	row->pid = table->entries[i].number;
	vex_format_bytes(top_entry_text(&table->entries[i]), row->name, sizeof(row->name));
	return true;
}

/* What a walk through a list has come to. */
struct walk {
	const struct top *top;
	enum list list;
	unsigned i;
	bool taken[VEX_TYPE_LIMIT];
	struct top_count rest; /* of all, what no row has shown yet */
};

static bool next_row(struct walk *walk, struct row *row)
{
	const struct top *top = walk->top;
	bool found;

	if (walk->list == LIST_TYPES)
		found = next_type(top, walk->taken, row);
	else
		found = entry_row(walk->list == LIST_PROCESSES ? top->processes : top->directories,
				walk->i, row);
	if (!found)
		return false;
	walk->i++;
	walk->rest.events -= row->count.events;
	walk->rest.errors -= row->count.errors;
	walk->rest.duration_ns -= row->count.duration_ns;
	return true;
}

static double per_second(const struct top *top, uint64_t count)
{
	return top->elapsed_ns ? (double)count * 1e9 / (double)top->elapsed_ns : 0;
}

static uint64_t mean_ns(const struct top_count *count)
{
	return count->events ? count->duration_ns / count->events : 0;
}

static void format_rate(double rate, char *out, size_t cap)
{
	if (rate > 0 && rate < 100)
		snprintf(out, cap, "%.1f", rate);
	else
		table_format_count((int64_t)(rate + 0.5), out, cap);
}

static void format_ns(uint64_t ns, char *out, size_t cap)
{
	if (ns < 1000)
		snprintf(out, cap, "%" PRIu64 " ns", ns);
	else if (ns < 1000000)
		snprintf(out, cap, "%.1f us", (double)ns / 1e3);
	else if (ns < 1000000000)
		snprintf(out, cap, "%.1f ms", (double)ns / 1e6);
	else
		snprintf(out, cap, "%.1f s", (double)ns / 1e9);
}

static void print_row(FILE *out, const struct top *top, const struct top_count *count)
{
	char events[32];
	char errors[32];
	char mean[32];

	format_rate(per_second(top, count->events), events, sizeof(events));
	format_rate(per_second(top, count->errors), errors, sizeof(errors));
	format_ns(mean_ns(count), mean, sizeof(mean));
	fprintf(out, "%12s %12s %10s  ", events, errors, mean);
}

static void print_name(FILE *out, enum list list, const struct row *row)
{
	if (list == LIST_PROCESSES)
		fprintf(out, "%u %s\n", row->pid, row->name);
	else
		fprintf(out, "%s\n", *row->name ? row->name : "(without a path)");
}

static void print_list(FILE *out, const struct top *top, enum list list, unsigned rows)
{
	struct walk walk = {.top = top, .list = list, .rest = top->all};
	struct row row = {0};

	fprintf(out, "\n%s%12s %12s %10s  %s%s\n", vexctl.color ? BOLD : "", "EVENTS/S",
			"ERRORS/S", "MEAN", list_titles[list], vexctl.color ? NORMAL : "");
	while (walk.i < rows && next_row(&walk, &row)) {
		print_row(out, top, &row.count);
		print_name(out, list, &row);
	}
	if (walk.rest.events) {
		print_row(out, top, &walk.rest);
		fprintf(out, "(other)\n");
	}
}

void top_print(FILE *out, const struct top *top, unsigned rows)
{
	time_t seconds = time(NULL);
	char events[32];
	char errors[32];
	char lost[32];
	char clock[16];
	struct tm tm;

	localtime_r(&seconds, &tm);
	strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
	format_rate(per_second(top, top->all.events), events, sizeof(events));
	format_rate(per_second(top, top->all.errors), errors, sizeof(errors));
	table_format_count((int64_t)top->lost, lost, sizeof(lost));
	fprintf(out, "%s  %.1f s: %s events/s, %s errors/s, %s lost\n", clock,
			(double)top->elapsed_ns / 1e9, events, errors, lost);
	print_list(out, top, LIST_TYPES, rows);
	print_list(out, top, LIST_PROCESSES, rows);
	print_list(out, top, LIST_DIRECTORIES, rows);
}

static json_t *count_to_json(const struct top *top, const struct top_count *count)
{
	return json_pack("{s:f,s:f,s:I}", "events_per_s", per_second(top, count->events),
			"errors_per_s", per_second(top, count->errors), "mean_duration_ns",
			(json_int_t)mean_ns(count));
}

static json_t *row_to_json(const struct top *top, enum list list, const struct row *row)
{
	json_t *object = count_to_json(top, &row->count);
	static const char *const names[LIST_COUNT] = {"type", "comm", "path"};

	if (list == LIST_PROCESSES)
		json_object_set_new(object, "pid", json_integer(row->pid));
	json_object_set_new(object, names[list], json_string(row->name));
	return object;
}

static json_t *list_to_json(const struct top *top, enum list list, unsigned rows)
{
	struct walk walk = {.top = top, .list = list, .rest = top->all};
	struct row row = {0};
	json_t *array = json_array();
	json_t *other;

	while (walk.i < rows && next_row(&walk, &row))
		json_array_append_new(array, row_to_json(top, list, &row));
	if (walk.rest.events) {
		other = count_to_json(top, &walk.rest);
		json_object_set_new(other, "other", json_true());
		json_array_append_new(array, other);
	}
	return array;
}

char *top_to_json(const struct top *top, unsigned rows)
{
	json_t *object = count_to_json(top, &top->all);
	char *text;
	int list;

	json_object_set_new(object, "interval_s", json_real((double)top->elapsed_ns / 1e9));
	json_object_set_new(object, "events", json_integer((json_int_t)top->all.events));
	json_object_set_new(object, "lost", json_integer((json_int_t)top->lost));
	for (list = 0; list < LIST_COUNT; list++)
		json_object_set_new(object, list_keys[list],
				list_to_json(top, (enum list)list, rows));
	text = json_dumps(object, JSON_COMPACT);
	json_decref(object);
	return text;
}
