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
#include "rules_state.h"

void rules_plane_found(void *context)
{
	struct rules *rules = context;

	rules->loaded = 0;
	*rules->refused = '\0';
	rules_next(rules);
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
	rules_next(rules);
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
	rules_begin(rules);
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
	rules_begin(rules);
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

/* For the audit, with room behind them for what comes of it. */
static void tell_names(struct task *task, const json_t *names)
{
	const size_t cap = sizeof(task->detail) - 64;
	char *text = json_dumps(names, JSON_COMPACT | JSON_ENSURE_ASCII);

	if (snprintf(task->detail, cap, " names=%s", text ? text : "") >= (int)cap)
		strcpy(task->detail + cap - 4, "...");
	free(text);
}

static void switch_rules(struct control *control, struct task *task, bool enable)
{
	json_t *names = json_object_get(task->params, "names");
	struct rules_job job = {.kind = RULES_SWITCH, .enable = enable,
			.from = control->rules->current};

	if (!may_change(control->rules, task))
		return;
	tell_names(task, names);
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
