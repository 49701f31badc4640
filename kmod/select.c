// SPDX-License-Identifier: GPL-2.0
/* What the reader wants to hear of. */
#include <linux/cgroup.h>
#include <linux/cred.h>
#include <linux/kdev_t.h>
#include <linux/sched.h>

#include "tap.h"

#define ANCESTORS_MAX 64

int tap_selection_check(struct vex_tap_select *want)
{
	u32 i;

	if (want->device_count > VEX_TAP_LIST_MAX || want->uid_count > VEX_TAP_LIST_MAX ||
	    want->pid_count > VEX_TAP_LIST_MAX || want->cgroup_count > VEX_TAP_LIST_MAX ||
	    want->prefix_count > VEX_TAP_PREFIXES_MAX ||
	    want->excluded_count > VEX_TAP_EXCLUDED_MAX)
		return -EINVAL;
	for (i = 0; i < want->prefix_count; i++)
		if (want->prefixes[i][0] != '/' ||
		    strnlen(want->prefixes[i], VEX_TAP_PREFIX_LEN) == VEX_TAP_PREFIX_LEN)
			return -EINVAL;
	return 0;
}

static bool has32(const u32 *list, u32 count, u32 value)
{
	while (count--)
		if (list[count] == value)
			return true;
	return false;
}

static bool has64(const u64 *list, u32 count, u64 value)
{
	while (count--)
		if (list[count] == value)
			return true;
	return false;
}

bool tap_type_wanted(const struct vex_tap_select *want, u16 type)
{
	const u64 *types = want->types;

	return !(types[0] | types[1] | types[2] | types[3]) ||
	       types[type / 64] & (1ull << (type & 63));
}

/* A process, or one that it is a child of. */
static bool pid_wanted(const struct vex_tap_select *want)
{
	const struct task_struct *task = current;
	bool found = false;
	int i;

	rcu_read_lock();
	for (i = 0; i < ANCESTORS_MAX && task->tgid && !found; i++) {
		found = has32(want->pids, want->pid_count, task->tgid);
		task = rcu_dereference(task->real_parent);
	}
	rcu_read_unlock();
	return found;
}

#ifdef CONFIG_CGROUPS
static bool cgroup_wanted(const struct vex_tap_select *want)
{
	struct cgroup *group;
	bool found = false;

	rcu_read_lock();
	for (group = task_dfl_cgroup(current); group && !found; group = cgroup_parent(group))
		found = has64(want->cgroups, want->cgroup_count, cgroup_id(group));
	rcu_read_unlock();
	return found;
}
#else
static bool cgroup_wanted(const struct vex_tap_select *want)
{
	return false;
}
#endif

static bool process_wanted(const struct vex_tap_select *want)
{
	if (want->uid_count && !has32(want->uids, want->uid_count,
				      from_kuid_munged(&init_user_ns, current_uid())))
		return false;
	if (want->pid_count && !pid_wanted(want))
		return false;
	return !want->cgroup_count || cgroup_wanted(want);
}

bool tap_selected(const struct tap_selection *selection, const struct tap_event *event)
{
	const struct vex_tap_select *want = &selection->want;

	if (current->tgid == selection->reader ||
	    has32(want->excluded, want->excluded_count, current->tgid))
		return false;
	if (!tap_type_wanted(want, event->type))
		return false;
	if (want->device_count &&
	    !has64(want->devices, want->device_count, new_encode_dev(event->dev)))
		return false;
	return !selection->by_process || process_wanted(want);
}

/* A folder, and what is in it: "/srv/a" is not in "/srv/ab". */
bool tap_selected_path(const struct tap_selection *selection, const char *path, u32 len)
{
	u32 i;

	for (i = 0; path && i < selection->want.prefix_count; i++) {
		u32 n = selection->prefix_len[i];

		if (len >= n && !memcmp(path, selection->want.prefixes[i], n) &&
		    (len == n || path[n] == '/' || n == 1))
			return true;
	}
	return false;
}
