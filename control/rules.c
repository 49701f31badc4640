/* SPDX-License-Identifier: BSD-3-Clause */
#include "rules.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "params.h"
#include "rule/rule.h"
#include "rules_state.h"

/* Until a data plane that was busy is asked again. */
#define RETRY_MS 200u

static void begin(struct rules *rules);
static void say_none(struct rules *rules);
static void restore(struct rules *rules);

/* What is to be done once nothing is under way, if anything. */
static void next(struct rules *rules)
{
	bool there = plane_segment(rules->control->plane) != NULL;

	if (rules->busy || rules->stopping)
		return;
	if (rules->reload && there)
		rules_reload(rules);
	else if (rules->current && (!rules->image.data || (there && !rules->loaded &&
			!*rules->refused)))
		restore(rules);
	else if (!rules->current && !rules->reload && there)
		say_none(rules);
}

static void on_retry(uv_timer_t *timer)
{
	next(timer->data);
}

/* Ends the change under way: who waits for it is told, the daemon's own are logged. */
static void finish(struct rules *rules, json_t *result)
{
	struct rules_job *job = &rules->job;
	struct task *task = rules->task;
	int code = job->code;
	char why[WIRE_TEXT_MAX];

	snprintf(why, sizeof(why), "%s", job->why);
	rules_job_clear(job);
	rules->busy = false;
	rules->task = NULL;
	if (task && code)
		task_fail(task, code, "%s", why);
	else if (task)
		task_done(task, result);
	else
		json_decref(result);
	next(rules);
}

static void fail(struct rules *rules, int code, const char *text)
{
	rules->job.code = code;
	if (text != rules->job.why)
		snprintf(rules->job.why, sizeof(rules->job.why), "%s", text);
	if (!rules->task)
		vex_error("rules: %s: %s", rules->job.action, rules->job.why);
	finish(rules, NULL);
}

static json_t *describe(const struct rules *rules, bool changed)
{
	const struct rules_job *job = &rules->job;

	return json_pack("{s:b, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "changed",
			changed, "dry_run", job->dry_run, "version",
			(json_int_t)(changed ? job->number : rules->current), "files",
			(json_int_t)job->files, "active", (json_int_t)job->states[RULE_ACTIVE],
			"disabled", (json_int_t)job->states[RULE_DISABLED], "unsupported",
			(json_int_t)job->states[RULE_UNSUPPORTED], "warnings",
			(json_int_t)job->warnings, "image_bytes", (json_int_t)job->image.size,
			"compile_ns", (json_int_t)job->compile_ns, "swap_ns",
			(json_int_t)rules->swap_ns);
}

/* What was compiled is in force from now on. */
static void take(struct rules *rules)
{
	struct rules_job *job = &rules->job;

	rules_image_free(&rules->image);
	rules->image = job->image;
	memset(&job->image, 0, sizeof(job->image));
	rules->current = job->number;
	rules->fingerprint = job->fingerprint;
	*rules->refused = '\0';
}

static void on_committed(uv_work_t *work, int status)
{
	struct rules *rules = work->data;
	struct rules_job *job = &rules->job;
	json_t *result;

	(void)status;
	if (job->code) {
		rules->loaded = 0; /* the data plane is ahead: it gets back what is in force */
		fail(rules, job->code, job->why);
		return;
	}
	result = describe(rules, true);
	vex_info("rules: %s: version %" PRIu64 ", %u rules active, image %zu bytes, compiled in "
			"%.3f s, swapped in %.3f ms", job->action, job->number,
			job->states[RULE_ACTIVE], job->image.size, (double)job->compile_ns / 1e9,
			(double)rules->swap_ns / 1e6);
	if (rules->task)
		snprintf(rules->task->detail + strlen(rules->task->detail),
				sizeof(rules->task->detail) - strlen(rules->task->detail),
				" version=%" PRIu64, job->number);
	take(rules);
	finish(rules, result);
}

static void commit(uv_work_t *work)
{
	struct rules *rules = work->data;

	rules_job_commit(&rules->job);
}

static void on_published(void *context, const struct vex_message *answer,
		const struct wire_failure *failure)
{
	struct rules *rules = context;

	if (failure) {
		store_discard(rules->store);
		if (failure->code != WIRE_REFUSED)
			rules->loaded = 0; /* it may have taken it */
		fail(rules, failure->code, failure->text);
		return;
	}
	rules->loaded = rules->job.number;
	rules->swap_ns = answer->done.swap_ns;
	uv_queue_work(&rules->control->loop, &rules->work, commit, on_committed);
}

/* By it we know our own again, whichever of us was restarted. */
static void set_name(char name[VEX_NAME_MAX], uint64_t version, uint64_t fingerprint)
{
	snprintf(name, VEX_NAME_MAX, "version %" PRIu64 " %016" PRIx64, version, fingerprint);
}

static void publish(struct rules *rules, const struct rules_image *image, uint64_t generation,
		uint64_t fingerprint, plane_done done)
{
	struct plane_rules give = {.fd = image->fd, .size = image->size, .generation = generation};

	set_name(give.name, generation, fingerprint);
	if (generation > rules->last)
		rules->last = generation;
	VEX_STORE_RELEASE(&rules->job.phase, (int)RULES_PHASE_publishing);
	plane_load_rules(rules->control->plane, &give, done, rules);
}

/* A data plane that had a later set than we know of takes the same rules as a new version only. */
static void copy_current(struct rules *rules)
{
	rules->job = (struct rules_job){.kind = RULES_COPY, .from = rules->current,
			.uid = geteuid(), .message = "the data plane had a later one"};
	snprintf(rules->job.action, sizeof(rules->job.action), "copy of %" PRIu64, rules->current);
	begin(rules);
}

static void on_restored(void *context, const struct vex_message *answer,
		const struct wire_failure *failure)
{
	struct rules *rules = context;

	if (failure && failure->code == WIRE_REFUSED) {
		snprintf(rules->refused, sizeof(rules->refused), "%s", failure->text);
	} else if (failure && failure->code == WIRE_BUSY) {
		uv_timer_start(&rules->retry, on_retry, RETRY_MS, 0);
		rules_job_clear(&rules->job);
		rules->busy = false;
		return;
	}
	if (failure) {
		fail(rules, failure->code, failure->text);
		return;
	}
	rules->loaded = rules->current;
	vex_info("rules: version %" PRIu64 " given to the data plane, in force after %.3f ms",
			rules->current, (double)answer->done.swap_ns / 1e6);
	finish(rules, NULL);
}

static void publish_current(struct rules *rules)
{
	struct vex_ruleset_stat there;
	char name[VEX_NAME_MAX];

	set_name(name, rules->current, rules->fingerprint);
	if (!plane_ruleset(rules->control->plane, &there)) {
		finish(rules, NULL);
		return;
	}
	if (there.generation == rules->current && !strcmp(there.name, name)) {
		rules->loaded = rules->current;
		vex_info("rules: the data plane has version %" PRIu64, rules->current);
		finish(rules, NULL);
		return;
	}
	if (there.generation >= rules->current) {
		rules_job_clear(&rules->job);
		rules->busy = false;
		copy_current(rules);
		return;
	}
	rules->job.number = rules->current;
	publish(rules, &rules->image, rules->current, rules->fingerprint, on_restored);
}

static void on_restore_prepared(struct rules *rules)
{
	struct rules_job *job = &rules->job;

	if (*job->skipped)
		vex_error("rules: %s; it is skipped", job->skipped);
	if (job->code) {
		vex_error("rules: no version can be used: %s; there are no rules", job->why);
		rules->current = 0;
		rules->reload = rules->control->config.rules.count > 0;
		finish(rules, NULL);
		return;
	}
	job->number = job->from;
	take(rules);
	publish_current(rules);
}

static void leave(struct rules *rules)
{
	if (!rules->task)
		vex_info("rules: %s: nothing to change", rules->job.action);
	finish(rules, describe(rules, false));
}

static void on_prepared(uv_work_t *work, int status)
{
	struct rules *rules = work->data;
	struct rules_job *job = &rules->job;

	(void)status;
	if (job->kind == RULES_RESTORE)
		on_restore_prepared(rules);
	else if (job->code)
		fail(rules, job->code, job->why);
	else if (job->same || job->dry_run)
		leave(rules);
	else
		publish(rules, &job->image, job->number, job->fingerprint, on_published);
}

static void prepare(uv_work_t *work)
{
	struct rules *rules = work->data;

	rules_job_prepare(&rules->job);
}

static void begin(struct rules *rules)
{
	struct rules_job *job = &rules->job;
	uint64_t last = store_last(rules->store);
	struct vex_ruleset_stat there;

	assert(!rules->busy);
	if (plane_ruleset(rules->control->plane, &there) && there.generation > rules->last)
		rules->last = there.generation;
	rules->busy = true;
	rules->since_ms = uv_now(&rules->control->loop);
	rules->swap_ns = 0;
	job->store = rules->store;
	job->previous = rules->image.data;
	job->number = (last > rules->last ? last : rules->last) + 1;
	job->current_fingerprint = rules->fingerprint;
	job->keep = rules->control->config.history;
	job->keep_bytes = rules->control->config.history_bytes;
	if (!job->message)
		job->message = "";
	uv_queue_work(&rules->control->loop, &rules->work, prepare, on_prepared);
}

static void restore(struct rules *rules)
{
	rules->job = (struct rules_job){.kind = RULES_RESTORE, .from = rules->current,
			.action = "restore", .number = rules->current};
	rules->by = geteuid();
	if (rules->image.data) {
		rules->busy = true;
		rules->since_ms = uv_now(&rules->control->loop);
		publish_current(rules);
	} else {
		begin(rules);
	}
}

static void on_said(void *context, const struct vex_message *answer,
		const struct wire_failure *failure)
{
	(void)context;
	(void)answer;
	(void)failure; /* then it polls lanes a little later, as it was told to */
}

/* A data plane that waits for rules need not wait for ours. One that has others keeps them. */
static void say_none(struct rules *rules)
{
	struct vex_ruleset_stat there;

	if (plane_ruleset(rules->control->plane, &there) && !there.generation)
		plane_order_with(rules->control->plane, VEX_MESSAGE_RULES, -1, on_said, rules);
}

void rules_plane_found(void *context)
{
	struct rules *rules = context;

	rules->loaded = 0;
	*rules->refused = '\0';
	next(rules);
}

/* Again where it could not be opened before: somebody may have made room, or a folder. */
static bool open_store(struct rules *rules)
{
	if (!rules->store)
		store_open(rules->control->config.state_dir, &rules->store, rules->why_no_store);
	return rules->store != NULL;
}

int rules_start(struct control *control, struct rules **result)
{
	struct rules *rules = calloc(1, sizeof(*rules));

	*result = rules;
	if (!rules)
		return -ENOMEM;
	rules->control = control;
	rules->work.data = rules;
	uv_timer_init(&control->loop, &rules->retry);
	rules->retry.data = rules;
	if (open_store(rules))
		rules->current = store_newest(rules->store, UINT64_MAX);
	else
		vex_warn("%s: rules can't be changed", rules->why_no_store);
	rules->reload = !rules->current && control->config.rules.count;
	next(rules);
	return 0;
}

void rules_stop(struct rules *rules)
{
	if (!rules)
		return;
	rules->stopping = true;
	uv_close((uv_handle_t *)&rules->retry, NULL);
}

void rules_free(struct rules *rules)
{
	if (!rules)
		return;
	assert(!rules->busy);
	rules_image_free(&rules->image);
	store_close(rules->store);
	free(rules);
}

static char **copy_paths(const struct conf_paths *paths)
{
	char **copy = calloc(paths->count + 1, sizeof(*copy));
	uint32_t i;

	for (i = 0; copy && i < paths->count; i++)
		copy[i] = strdup(paths->paths[i]);
	return copy;
}

void rules_reload(struct rules *rules)
{
	const struct conf_paths *paths = &rules->control->config.rules;

	rules->reload = paths->count > 0;
	if (!paths->count || rules->busy || rules->stopping ||
			!plane_segment(rules->control->plane))
		return;
	rules->reload = false;
	if (!open_store(rules)) {
		vex_error("rules: reload: %s", rules->why_no_store);
		return;
	}
	rules->job = (struct rules_job){.kind = RULES_FILES, .action = "reload",
			.uid = geteuid(), .paths = copy_paths(paths), .path_count = paths->count};
	rules->by = geteuid();
	begin(rules);
}

/* Whether a change may begin; if not, the task has ended. */
static bool may_change(struct rules *rules, struct task *task)
{
	if (rules->busy || rules->stopping) {
		task_fail(task, WIRE_BUSY, "another change of the rules is under way: %s, %s, by user "
				"%u; try again", rules->job.action,
				rules_phase_name((enum rules_phase)VEX_LOAD_ACQUIRE(
				&rules->job.phase)), rules->by);
		return false;
	}
	if (!open_store(rules)) {
		task_fail(task, WIRE_STATE, "%s", rules->why_no_store);
		return false;
	}
	return true;
}

/* A set that can't be handed on is not worth the work; a dry run is. */
static void change(struct rules *rules, struct task *task, const struct rules_job *job)
{
	if (!job->dry_run && !plane_segment(rules->control->plane)) {
		rules->job = *job;
		rules_job_clear(&rules->job);
		task_fail(task, WIRE_AWAY, "%s; nothing was changed",
				plane_why(rules->control->plane));
		return;
	}
	rules->job = *job;
	rules->job.uid = rules->by = wire_call_peer(task->wire)->cred.uid;
	rules->job.message = param_text(task->params, "message");
	rules->task = task;
	begin(rules);
}

void task_rules_load(struct control *control, struct task *task)
{
	struct rules_job job = {.kind = RULES_LOAD, .action = "load",
			.dry_run = json_is_true(json_object_get(task->params, "dry_run"))};

	if (!may_change(control->rules, task))
		return;
	job.bytes = wire_call_take_bytes(task->wire, &job.size);
	snprintf(task->detail, sizeof(task->detail), " bytes=%zu%s", job.size,
			job.dry_run ? " dry_run" : "");
	change(control->rules, task, &job);
}

static void switch_rules(struct control *control, struct task *task, bool enable)
{
	json_t *names = json_object_get(task->params, "names");
	struct rules_job job = {.kind = RULES_SWITCH, .enable = enable,
			.from = control->rules->current};

	if (!may_change(control->rules, task))
		return;
	snprintf(task->detail, sizeof(task->detail), " names=%zu", json_array_size(names));
	snprintf(job.action, sizeof(job.action), enable ? "enable" : "disable");
	if (!job.from) {
		task_fail(task, WIRE_RULES, "there are no rules");
		return;
	}
	job.names = json_deep_copy(names);
	change(control->rules, task, &job);
}

void task_rules_enable(struct control *control, struct task *task)
{
	switch_rules(control, task, true);
}

void task_rules_disable(struct control *control, struct task *task)
{
	switch_rules(control, task, false);
}

void task_rules_rollback(struct control *control, struct task *task)
{
	struct rules_job job = {.kind = RULES_COPY,
			.from = param_integer(task->params, "version", 0)};

	if (!may_change(control->rules, task))
		return;
	snprintf(task->detail, sizeof(task->detail), " to=%" PRIu64, job.from);
	snprintf(job.action, sizeof(job.action), "rollback to %" PRIu64, job.from);
	change(control->rules, task, &job);
}
