/* SPDX-License-Identifier: BSD-3-Clause */
/* A change of the rules, step by step, and what the data plane is to be told of by itself. */
#include "rules_state.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "rule/rule.h"

/* Until a data plane that was busy is asked again. */
#define RETRY_MS 200u

static void say_none(struct rules *rules);
static void restore(struct rules *rules);

void rules_next(struct rules *rules)
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
	rules_next(timer->data);
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
	rules_next(rules);
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
	rules->taken = job->taken;
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
	rules_begin(rules);
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

	if (job->code) {
		vex_error("rules: no version can be used: %s; there are no rules", job->why);
		rules->current = 0;
		rules->taken = 0;
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

void rules_begin(struct rules *rules)
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
	job->taken = rules->taken;
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
		rules_begin(rules);
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
