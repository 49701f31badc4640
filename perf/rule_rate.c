/* SPDX-License-Identifier: BSD-3-Clause */
#include "rule_rate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "capture/capture.h"
#include "rule_sets.h"
#include "support/image.h"

#define RULES 1000u
#define EVENTS_MAX 1000000u
#define PATH_LONGEST 200u    /* what rule_sets.c has room for */
#define CACHE_ENTRIES 65536u /* as in dataplane/rules_build.c */

static void *need(void *memory)
{
	if (!memory)
		abort();
	return memory;
}

static void add(struct rule_recording *recording, const struct vex_record *record)
{
	unsigned count = recording->count;

	if (!(count & (count + 1)))
		recording->records = need(realloc(
			recording->records, (2ul * count + 2) * sizeof(*recording->records)));
	recording->records[count] = need(malloc(record->size));
	memcpy(recording->records[count], record, record->size);
	recording->count++;
}

int rule_recording_read(struct rule_recording *recording, const char *path)
{
	struct vex_capture_reader *reader;
	const struct vex_record *record;
	uint64_t time_ns;
	int error = vex_capture_open(path, &reader);

	*recording = (struct rule_recording){0};
	if (!error)
		while (recording->count < EVENTS_MAX &&
			(error = vex_capture_next(reader, &record, &time_ns)) > 0)
			if (record->type != VEX_GAP) /* these go past rules */
				add(recording, record);
	if (error > 0)
		error = -EFBIG;
	else if (!error && !recording->count)
		error = -ENODATA;
	if (error)
		vex_error("%s: %s %s", path, strerror(-error),
			reader ? vex_capture_error(reader) : "");
	vex_capture_close_reader(reader);
	return error;
}

void rule_recording_free(struct rule_recording *recording)
{
	while (recording->count)
		free(recording->records[--recording->count]);
	free(recording->records);
	recording->records = NULL;
}

/* The record's path, which the caller frees; NULL where no rule can be made of it. */
static char *path_of(const struct vex_record *record)
{
	uint32_t len = 0;
	const char *bytes = vex_record_attr(record, VEX_ATTR_PATH, &len);
	char *path;

	if (!bytes || len > PATH_LONGEST)
		return NULL;
	path = need(strndup(bytes, len));
	if (path[0] == '/' && strrchr(path, '/') != path && !strpbrk(path, "'\"\\[]*?\n"))
		return path;
	free(path);
	return NULL;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Each of the recording's paths once. */
static void take_paths(struct rule_paths *paths, const struct rule_recording *recording)
{
	char **all = need(calloc(recording->count, sizeof(*all)));
	unsigned count = 0;
	unsigned i;

	for (i = 0; i < recording->count; i++) {
		all[count] = path_of(recording->records[i]);
		count += all[count] != NULL;
	}
	qsort(all, count, sizeof(*all), by_text);
	for (i = 0; i < count; i++)
		if (paths->count < RULE_PATHS &&
			(i + 1 == count || strcmp(all[i], all[i + 1]) != 0))
			paths->path[paths->count++] = all[i];
		else
			free(all[i]);
	free(all);
}

static int make_image(
	const struct rule_recording *recording, struct rule_image **image, size_t *size)
{
	struct rule_paths *paths = need(calloc(1, sizeof(*paths)));
	struct rule_text_file file = {0};

	take_paths(paths, recording);
	if (paths->count) {
		rule_sets_mixed(&file, paths, RULES, NULL);
		*image = image_of(file.text, size);
	}
	free(file.text);
	rule_paths_free(paths);
	free(paths);
	return *image ? 0 : -ENODATA;
}

static int match_all(const struct rule_recording *recording, const struct rule_matcher *matcher,
	bool plain, struct rule_worker_counts *counts)
{
	struct rule_worker_options options = {.cache_entries = CACHE_ENTRIES, .plain = plain};
	const struct vex_record *const *records =
		(const struct vex_record *const *)recording->records;
	struct rule_worker *worker;
	int error = rule_worker_new(matcher, &options, &worker);
	unsigned at;

	if (error)
		return error;
	for (at = 0; at < recording->count; at += RULE_BURST_MAX) {
		unsigned left = recording->count - at;

		rule_route(worker, records + at, left < RULE_BURST_MAX ? left : RULE_BURST_MAX);
		rule_filter(worker);
	}
	*counts = rule_worker_counts(worker);
	rule_worker_free(worker);
	return 0;
}

int rule_rate_measure(
	const struct rule_recording *recording, bool plain, struct rule_worker_counts *counts)
{
	struct rule_matcher *matcher = NULL;
	struct rule_image *image = NULL;
	const char *why = "";
	size_t size = 0;
	int error = make_image(recording, &image, &size);

	if (!error)
		error = rule_matcher_new(image, size, &matcher, &why);
	if (!error)
		error = match_all(recording, matcher, plain, counts);
	if (error)
		vex_error("the recorded build can't be matched: %s %s", strerror(-error), why);
	rule_matcher_free(matcher);
	free(image);
	return error;
}

int rule_rate_of_build(double *rate)
{
	struct rule_worker_counts counts = {0};
	struct rule_recording build;
	int error = rule_recording_read(&build, VEX_BUILD_PCAP);

	if (!error)
		error = rule_rate_measure(&build, false, &counts);
	if (!error) {
		*rate = (double)counts.cache_hits / (double)counts.events;
		vex_info("%u events of a recorded build", build.count);
	}
	rule_recording_free(&build);
	return error;
}
