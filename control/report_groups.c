/* SPDX-License-Identifier: BSD-3-Clause */
#include "report.h"

#include <string.h>

enum breaker { CLOSED, OPEN, HALF_OPEN };

static const char *balance_name(uint32_t balance)
{
	static const char *const names[] = {"round_robin", "weighted", "least_loaded", "hash"};

	return balance < sizeof(names) / sizeof(names[0]) ? names[balance] : "unknown";
}

static bool attached(const struct vex_stat_segment *copy, const char *name)
{
	unsigned i;

	for (i = 0; i < VEX_SUBSCRIBERS_MAX; i++)
		if (copy->subscriber[i].state == VEX_SLOT_LIVE &&
				!strncmp(copy->subscriber[i].name, name, VEX_NAME_MAX))
			return true;
	return false;
}

/* The worst that any worker found. */
static const char *state_name(const struct control *control, unsigned row, unsigned workers)
{
	bool open = false, half_open = false;
	unsigned i;

	if (!attached(control->copy, control->copy->member[row].member))
		return "gone";
	for (i = 0; i < workers; i++) {
		open |= control->copy->member_of[i][row].state == OPEN;
		half_open |= control->copy->member_of[i][row].state == HALF_OPEN;
	}
	return open ? "open" : half_open ? "half_open" : "closed";
}

static json_t *report_member(const struct control *control, unsigned number)
{
	const struct vex_member_row *row = &control->copy->member[number];
	uint32_t workers = control->copy->worker_count;
	struct vex_member_stat total = {0};
	json_t *o = json_object();
	unsigned i;

	if (workers > VEX_WORKERS_MAX)
		workers = VEX_WORKERS_MAX;
	for (i = 0; i < workers; i++) {
		const struct vex_member_stat *each = &control->copy->member_of[i][number];
#define VEX_MEMBER_COUNTER(name, description) total.name += each->name;
#include "stat/stat.def"
	}
	json_object_set_new(o, "group", report_text(row->group, sizeof(row->group)));
	json_object_set_new(o, "member", report_text(row->member, sizeof(row->member)));
	json_object_set_new(o, "balance", json_string(balance_name(row->balance)));
	report_set(o, "weight", row->weight);
	json_object_set_new(o, "state", json_string(state_name(control, number, workers)));
#define VEX_MEMBER_COUNTER(name, description) report_set(o, #name, total.name);
#include "stat/stat.def"
	return o;
}

json_t *report_groups(const struct control *control)
{
	json_t *list = json_array();
	unsigned i;

	for (i = 0; i < VEX_MEMBERS_MAX; i++)
		if (control->copy->member[i].state != VEX_SLOT_FREE)
			json_array_append_new(list, report_member(control, i));
	return json_pack("{s:o}", "groups", list);
}
