/* SPDX-License-Identifier: BSD-3-Clause */
#include "rules_job.h"

#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <xxhash.h>

#include "abi/types.h"
#include "base/log.h"
#include "rule/compile.h"

#define RULES_PHASE_NAME(name) #name,
static const char *const phases[] = {RULES_PHASES(RULES_PHASE_NAME)};

/* Of those that were switched, in what is told of a version. */
#define NAMES_KEPT 20u

/* What is worked on. */
struct work {
	struct rules_job *job;
	struct bundle *bundle;
	struct rule_files read;        /* of FILES */
	const struct rule_files *files; /* those that were read, or the bundle's */
	struct rule_source *sources;   /* of files, then the switches */
	size_t count;                  /* of files alone */
	json_t *switched;            /* {name: enabled} */
	char *switches;              /* the same as rules */
	struct rule_set *set;
	struct rule_diags diags;
};

const char *rules_phase_name(enum rules_phase phase)
{
	return phase < RULES_PHASE_COUNT ? phases[phase] : "?";
}

__attribute__((format(printf, 3, 4)))
static void fail(struct rules_job *job, int code, const char *format, ...)
{
	va_list args;

	job->code = code;
	va_start(args, format);
	vsnprintf(job->why, sizeof(job->why), format, args);
	va_end(args);
}

static void set_phase(struct rules_job *job, enum rules_phase phase)
{
	VEX_STORE_RELEASE(&job->phase, (int)phase); /* acquired by rules_call_status() */
}

static uint64_t now_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Behind the files' own rules there are none to come. */
static void fail_switch(struct rules_job *job, const struct rule_diag *diag)
{
	static const char yet[] = " yet";
	size_t len = strlen(diag->message);

	if (len > strlen(yet) && !strcmp(diag->message + len - strlen(yet), yet))
		len -= strlen(yet);
	fail(job, WIRE_RULES, "%.*s%s%s", (int)len, diag->message,
			*diag->suggestion ? "; did you mean " : "", diag->suggestion);
}

/* The first thing that is wrong, on one line, and how many more there are. */
static void fail_text(struct rules_job *job, const struct rule_diags *diags)
{
	const struct rule_diag *first = NULL;
	char more[40] = "";
	char text[WIRE_TEXT_MAX];
	size_t i;

	for (i = 0; i < diags->count && !first; i++)
		if (diags->items[i].severity == RULE_ERROR)
			first = &diags->items[i];
	if (!first) {
		fail(job, WIRE_INTERNAL, "out of memory");
		return;
	}
	if (!strcmp(first->file, BUNDLE_SWITCHES)) {
		fail_switch(job, first);
		return;
	}
	rule_diag_format(first, text, sizeof(text));
	text[strcspn(text, "\n")] = '\0';
	if (diags->errors > 1)
		snprintf(more, sizeof(more), " (and %zu more errors)", diags->errors - 1);
	fail(job, WIRE_RULES, "%.400s%s", text, more);
}

static void read_sent(struct work *work)
{
	struct rules_job *job = work->job;
	char why[BUNDLE_WHY_MAX];

	work->bundle = bundle_open(job->bytes, job->size, why);
	job->bytes = NULL;
	if (!work->bundle)
		fail(job, WIRE_PARAMS, "what follows the call is no bundle: %s", why);
}

static void read_files(struct work *work)
{
	struct rules_job *job = work->job;
	struct rule_options options = {.files = &work->read};

	if (rule_set_load((const char *const *)job->paths, job->path_count, &options, &work->set,
			&work->diags))
		fail_text(job, &work->diags);
	rule_set_free(work->set); /* made again of what was read, as ever after */
	work->set = NULL;
	rule_diags_clear(&work->diags);
}

/* Of versions that were made before this was kept there is none. */
static uint64_t taken_of(const json_t *meta)
{
	const char *text = json_string_value(json_object_get(meta, "taken"));

	return text ? strtoull(text, NULL, 16) : 0;
}

static void read_version(struct work *work)
{
	struct rules_job *job = work->job;
	char why[STORE_WHY_MAX];

	work->bundle = store_read(job->store, job->from, why);
	while (!work->bundle && job->kind == RULES_RESTORE) {
		vex_error("rules: %s; it is skipped", why);
		job->from = store_newest(job->store, job->from);
		if (!job->from)
			break;
		work->bundle = store_read(job->store, job->from, why);
	}
	if (!work->bundle) {
		fail(job, WIRE_RULES, "%.400s", why);
		return;
	}
	work->switched = json_deep_copy(json_object_get(work->bundle->meta, "switched"));
	if (job->kind == RULES_RESTORE)
		job->taken = taken_of(work->bundle->meta);
}

static void switch_rules(struct work *work)
{
	json_t *before = json_deep_copy(work->switched);
	json_t *name;
	size_t i;

	if (!work->switched)
		work->switched = json_object();
	json_array_foreach(work->job->names, i, name)
		json_object_set_new(work->switched, json_string_value(name),
				json_boolean(work->job->enable));
	work->job->same = before && json_equal(before, work->switched);
	json_decref(before);
}

static int gather(struct work *work)
{
	work->files = work->bundle ? &work->bundle->files : &work->read;
	work->count = work->files->count;
	work->sources = calloc(work->count + 1, sizeof(*work->sources));
	if (json_object_size(work->switched))
		work->switches = bundle_switches(work->switched);
	if (!work->sources || (json_object_size(work->switched) && !work->switches))
		return -ENOMEM;
	memcpy(work->sources, work->files->items, work->count * sizeof(*work->sources));
	if (work->switches)
		work->sources[work->count] = (struct rule_source){.name = BUNDLE_SWITCHES,
			.text = work->switches, .len = strlen(work->switches)};
	return 0;
}

static void read_text(struct work *work)
{
	struct rules_job *job = work->job;

	set_phase(job, RULES_PHASE_reading);
	if (job->kind == RULES_LOAD)
		read_sent(work);
	else if (job->kind == RULES_FILES)
		read_files(work);
	else
		read_version(work);
	if (!job->code && job->kind == RULES_SWITCH)
		switch_rules(work);
	if (!job->code && gather(work))
		fail(job, WIRE_INTERNAL, "out of memory");
}

static void parse(struct work *work)
{
	struct rule_options options = {.complete = true, .objects = work->files->objects,
			.object_count = work->files->object_count};
	struct rules_job *job = work->job;
	uint32_t i;

	set_phase(job, RULES_PHASE_parsing);
	job->files = (unsigned)work->count;
	if (rule_set_parse(work->sources, work->count + (work->switches != NULL), &options,
			&work->set, &work->diags)) {
		fail_text(job, &work->diags);
		return;
	}
	job->warnings = work->diags.warnings;
	for (i = 0; i < work->set->count; i++)
		job->states[work->set->rules[i].state]++;
}

static void compile(struct work *work)
{
	struct rules_job *job = work->job;
	uint64_t start = now_ns(CLOCK_MONOTONIC);
	struct rule_compile_error why;
	struct rule_image *image;
	size_t size;
	int error;

	set_phase(job, RULES_PHASE_compiling);
	error = rule_compile(work->set, job->previous, &image, &size, &why);
	rule_set_free(work->set);
	work->set = NULL;
	if (error) {
		fail(job, error == -ENOMEM ? WIRE_INTERNAL : WIRE_RULES,
				"the rules can't be compiled: %s", why.text);
		return;
	}
	error = rules_image_seal(image, size, &job->image, job->why, sizeof(job->why));
	if (error)
		job->code = WIRE_INTERNAL;
	free(image);
	job->compile_ns = now_ns(CLOCK_MONOTONIC) - start;
}

static json_t *user_name(uint32_t uid)
{
	struct passwd *found = NULL;
	struct passwd user;
	char space[4096];
	json_t *name = NULL;

	if (!getpwuid_r(uid, &user, space, sizeof(space), &found) && found)
		name = json_string(found->pw_name);
	return name ? name : json_sprintf("%" PRIu32, uid);
}

static uint64_t fingerprint(const struct work *work)
{
	XXH3_state_t *state = XXH3_createState();
	uint64_t sum = 0;
	size_t i;

	if (!state)
		return 0;
	XXH3_64bits_reset(state);
	for (i = 0; i < work->count + (work->switches != NULL); i++) {
		XXH3_64bits_update(state, &work->sources[i].len, sizeof(work->sources[i].len));
		XXH3_64bits_update(state, work->sources[i].text, work->sources[i].len);
	}
	for (i = 0; i < work->files->object_count; i++)
		XXH3_64bits_update(state, work->files->objects[i].data,
				work->files->objects[i].len);
	sum = XXH3_64bits_digest(state);
	XXH3_freeState(state);
	return sum;
}

/* They are read with every list of versions. */
static json_t *some_names(const json_t *names)
{
	json_t *some = json_array();
	json_t *name;
	size_t i;

	json_array_foreach(names, i, name)
		if (i < NAMES_KEPT)
			json_array_append(some, name);
	if (i > NAMES_KEPT)
		json_array_append_new(some, json_sprintf("and %zu more", i - NAMES_KEPT));
	return some;
}

static json_t *describe(const struct work *work)
{
	const struct rules_job *job = work->job;
	json_t *meta = json_pack("{s:I, s:I, s:o, s:s, s:s, s:o, s:I, s:I, s:I, s:I}", "time_ns",
			(json_int_t)now_ns(CLOCK_REALTIME), "uid", (json_int_t)job->uid, "user",
			user_name(job->uid), "action", job->action, "message", job->message,
			"fingerprint", json_sprintf("%016" PRIx64, job->fingerprint), "active",
			(json_int_t)job->states[RULE_ACTIVE], "disabled",
			(json_int_t)job->states[RULE_DISABLED], "unsupported",
			(json_int_t)job->states[RULE_UNSUPPORTED], "image_bytes",
			(json_int_t)job->image.size);

	if (json_object_size(work->switched))
		json_object_set(meta, "switched", work->switched);
	if (job->taken)
		json_object_set_new(meta, "taken", json_sprintf("%016" PRIx64, job->taken));
	if (job->names)
		json_object_set_new(meta, "names", some_names(job->names));
	return meta;
}

static void write_version(struct work *work)
{
	struct rules_job *job = work->job;
	char why[STORE_WHY_MAX];
	size_t size;
	void *data;

	set_phase(job, RULES_PHASE_writing);
	job->meta = describe(work);
	data = bundle_pack(work->files, job->meta, &size, why);
	if (!data || store_write(job->store, data, size, why))
		fail(job, WIRE_STATE, "%.400s; nothing was changed", why);
	free(data);
}

void rules_job_prepare(struct rules_job *job)
{
	struct work work = {.job = job};

	read_text(&work);
	if (!job->code) {
		job->fingerprint = fingerprint(&work);
		if (job->kind == RULES_FILES && job->fingerprint == job->taken)
			job->same = true;
		if (job->kind == RULES_FILES)
			job->taken = job->fingerprint;
	}
	if (!job->code && !job->same)
		parse(&work);
	if (!job->code && !job->same)
		compile(&work);
	if (!job->code && !job->same && !job->dry_run && job->kind != RULES_RESTORE)
		write_version(&work);
	rule_set_free(work.set);
	rule_diags_clear(&work.diags);
	rule_files_clear(&work.read);
	bundle_free(work.bundle);
	json_decref(work.switched);
	free(work.switches);
	free(work.sources);
	malloc_trim(0); /* it took many times what stays, and would be kept for nothing */
}

void rules_job_commit(struct rules_job *job)
{
	char why[STORE_WHY_MAX];

	set_phase(job, RULES_PHASE_storing);
	if (store_commit(job->store, job->number, job->keep, job->keep_bytes, why))
		fail(job, WIRE_STATE, "%.400s", why);
}

void rules_job_clear(struct rules_job *job)
{
	size_t i;

	for (i = 0; i < job->path_count; i++)
		free(job->paths[i]);
	free(job->paths);
	free(job->bytes);
	json_decref(job->names);
	json_decref(job->meta);
	rules_image_free(&job->image);
}
