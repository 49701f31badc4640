// SPDX-License-Identifier: GPL-2.0
/*
 * From what a hook saw to a record in the lane of this processor. Preemption is off from the
 * resolving of the paths, whose text stands in memory of the processor, to the commit; nothing
 * here sleeps or enters the VFS again.
 */
#include <linux/cred.h>
#include <linux/dcache.h>
#include <linux/fs_struct.h>
#include <linux/kdev_t.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/timekeeping.h>

#include "tap.h"

#define PATH_LEN_MAX 4096u
#define DELETED " (deleted)"

struct stat_cell {
	u64 seen, emitted, filtered, dropped;
	u64 hook_ns, timed, hook_min_ns, hook_max_ns;
};

struct cpu_state {
	struct stat_cell op[VEX_TYPE_LIMIT];
	u64 unnamed;
	/* the two paths of the event under way; each with room for a name behind it */
	char text[2][PATH_LEN_MAX + 1];
};

struct text {
	const char *at;
	u32 len;
};

static struct cpu_state __percpu *states;
static char *(*absolute)(const struct path *path, char *buffer, int size);

u64 tap_now(void)
{
	return ktime_get_real_fast_ns();
}

void tap_emit_find(void)
{
	absolute = (void *)tap_address_of("d_absolute_path");
}

int tap_emit_init(void)
{
	states = alloc_percpu(struct cpu_state);
	return states ? 0 : -ENOMEM;
}

void tap_emit_exit(void)
{
	free_percpu(states);
}

void tap_event_inode(struct tap_event *event, const struct inode *inode)
{
	event->has_file = true;
	if (!inode)
		return;
	event->dev = inode->i_sb->s_dev;
	event->ino = inode->i_ino;
	event->mode = inode->i_mode;
}

u64 tap_parent_ino(const struct dentry *dentry)
{
	const struct inode *inode;
	u64 ino = 0;

	rcu_read_lock();
	inode = d_inode_rcu(READ_ONCE(dentry->d_parent));
	if (inode)
		ino = inode->i_ino;
	rcu_read_unlock();
	return ino;
}

void tap_event_file(struct tap_event *event, struct file *file)
{
	tap_event_inode(event, file_inode(file));
	event->parent_ino = tap_parent_ino(file->f_path.dentry);
	event->path.mnt = file->f_path.mnt;
	event->path.dentry = file->f_path.dentry;
}

/*
 * From the top of the mount namespace, whatever the task's own top is: it may have none any more
 * (files are closed at the end of a task). d_absolute_path() is not exported; where it can't be
 * found, paths begin at the task's top.
 */
static char *absolute_path(const struct tap_place *place, char *buffer, u64 *unnamed)
{
	struct path path = { .mnt = (struct vfsmount *)place->mnt, .dentry = place->dentry };
	const struct dentry_operations *operations = path.dentry->d_op;
	char *at = ERR_PTR(-ENOENT);

	if (operations && operations->d_dname)
		return operations->d_dname(path.dentry, buffer, PATH_LEN_MAX);
	if (path.mnt && absolute)
		at = absolute(&path, buffer, PATH_LEN_MAX);
	else if (path.mnt && current->fs)
		at = d_path(&path, buffer, PATH_LEN_MAX);
	if (!IS_ERR(at))
		return at;
	++*unnamed; /* a mount that is nowhere, or not known: from the top of the file system */
	return dentry_path_raw(path.dentry, buffer, PATH_LEN_MAX);
}

/* What is said of a name that is gone is not part of the name. */
static u32 without_deleted(const struct dentry *dentry, const char *at, u32 len)
{
	u32 tail = sizeof(DELETED) - 1;
	bool said = (dentry->d_op && dentry->d_op->d_dname) || !absolute;

	if (said && len > tail && d_unlinked(dentry) && !memcmp(at + len - tail, DELETED, tail))
		return len - tail;
	return len;
}

static struct text resolve(const struct tap_place *place, char *buffer, u64 *unnamed)
{
	struct text text = { NULL, 0 };
	char *at;

	if (place->text)
		return (struct text){ place->text, strnlen(place->text, PATH_LEN_MAX) };
	if (!place->dentry)
		return text;
	at = absolute_path(place, buffer, unnamed);
	if (IS_ERR(at))
		return text;
	text.at = at;
	text.len = without_deleted(place->dentry, at, strlen(at));
	if (!place->name)
		return text;
	if (text.len + 1 + place->name_len > PATH_LEN_MAX)
		return (struct text){ NULL, 0 };
	memmove(buffer, at, text.len);
	if (text.len > 1)
		buffer[text.len++] = '/';
	memcpy(buffer + text.len, place->name, place->name_len);
	text.at = buffer;
	text.len += place->name_len;
	return text;
}

static u32 span(u32 len)
{
	return vex_attr_span(len);
}

static u32 size_of(const struct tap_event *event, u32 comm_len, struct text path,
		   struct text path2)
{
	u32 size = VEX_RECORD_MIN + span(sizeof(struct vex_attr_task)) + span(comm_len);

	if (event->has_file)
		size += span(sizeof(struct vex_attr_file));
	if (event->has_range)
		size += span(sizeof(struct vex_attr_range));
	if (path.at)
		size += span(path.len);
	if (path2.at)
		size += span(path2.len);
	if (event->end_ns - event->start_ns >= U32_MAX)
		size += span(sizeof(u64));
	if (event->has_parent2)
		size += span(sizeof(u64));
	if (event->key)
		size += span(strlen(event->key)) + (event->value ? span(event->value_len) : 0);
	return size;
}

static u8 *put(u8 *at, struct vex_record *record, u32 id, const void *data, u32 len)
{
	u32 head = vex_attr_head(id, len);
	u32 all = span(len);

	memset(at + all - 8, 0, 8);
	memcpy(at, &head, sizeof(head));
	memcpy(at + VEX_ATTR_HEAD, data, len);
	record->attr_count++;
	return at + all;
}

static void fill_head(struct vex_record *record, const struct tap_event *event)
{
	u64 duration = event->end_ns - event->start_ns;

	memset(&record->id, 0, sizeof(record->id));
	record->start_ns = event->start_ns;
	record->duration_ns = duration < U32_MAX ? duration : U32_MAX;
	record->result = clamp_t(s64, event->result, S32_MIN, S32_MAX);
	record->type = event->type;
	record->boundary = VEX_BOUNDARY_KERNEL;
	record->attr_count = 0;
	record->pid = current->tgid;
	record->uid = from_kuid_munged(&init_user_ns, current_uid());
	record->gid = from_kgid_munged(&init_user_ns, current_gid());
}

static u8 *put_who(u8 *at, struct vex_record *record, const char *comm, u32 comm_len)
{
	struct vex_attr_task task = { .tid = current->pid };

	rcu_read_lock();
	task.ppid = rcu_dereference(current->real_parent)->tgid;
	rcu_read_unlock();
	at = put(at, record, VEX_ATTR_TASK, &task, sizeof(task));
	return put(at, record, VEX_ATTR_COMM, comm, comm_len);
}

static void fill(struct vex_record *record, const struct tap_event *event, const char *comm,
		 u32 comm_len, struct text path, struct text path2)
{
	struct vex_attr_file file = { .dev = new_encode_dev(event->dev),
				      .ino = event->ino,
				      .parent_ino = event->parent_ino,
				      .mode = event->mode,
				      .flags = event->flags };
	struct vex_attr_range range = { .offset = event->offset, .size = event->size };
	u64 duration = event->end_ns - event->start_ns;
	u8 *at = (u8 *)(record + 1);

	fill_head(record, event);
	at = put_who(at, record, comm, comm_len);
	if (event->has_file)
		at = put(at, record, VEX_ATTR_FILE, &file, sizeof(file));
	if (event->has_range)
		at = put(at, record, VEX_ATTR_RANGE, &range, sizeof(range));
	if (path.at)
		at = put(at, record, VEX_ATTR_PATH, path.at, path.len);
	if (path2.at)
		at = put(at, record, VEX_ATTR_PATH2, path2.at, path2.len);
	if (duration >= U32_MAX)
		at = put(at, record, VEX_ATTR_DURATION, &duration, sizeof(duration));
	if (event->has_parent2)
		at = put(at, record, VEX_ATTR_PARENT2, &event->parent2_ino, sizeof(u64));
	if (event->key)
		at = put(at, record, VEX_ATTR_NAME, event->key, strlen(event->key));
	if (event->key && event->value)
		at = put(at, record, VEX_ATTR_VALUE, event->value, event->value_len);
}

static void lose(struct tap_lane *lane, enum vex_gap_reason reason)
{
	vex_lane_lose(&lane->writer, 1, reason);
	lane->lost[reason]++;
}

/* Whether it found room. *wake: the reader sleeps. The lane's lock is held. */
static bool write_locked(struct tap_lane *lane, const struct tap_event *event, struct text path,
			 struct text path2)
{
	u32 comm_len = strnlen(current->comm, TASK_COMM_LEN);
	u32 size = size_of(event, comm_len, path, path2);
	struct vex_record *record;

	if (size > lane->record_max) {
		lose(lane, VEX_GAP_TOO_LARGE);
		return false;
	}
	record = vex_lane_flush_gap(&lane->writer, event->end_ns) ?
			 vex_lane_reserve(&lane->writer, size) : NULL;
	if (!record) {
		lose(lane, VEX_GAP_LANE_FULL);
		return false;
	}
	fill(record, event, current->comm, comm_len, path, path2);
	vex_lane_commit(&lane->writer, record, size);
	return true;
}

static bool write_lane(struct tap_reader *reader, const struct tap_event *event, struct text path,
		       struct text path2)
{
	struct tap_lanes *lanes = reader->lanes;
	struct tap_lane *lane = &lanes->lane[raw_smp_processor_id() % lanes->count];
	unsigned long flags;
	bool written, wake;

	spin_lock_irqsave(&lane->lock, flags);
	written = write_locked(lane, event, path, path2);
	smp_mb(); /* with the reader's barrier between vex_lane_sleep_begin() and its look */
	wake = vex_lane_wake_needed(&lane->writer);
	spin_unlock_irqrestore(&lane->lock, flags);
	if (wake)
		wake_up_interruptible_poll(&reader->wait, EPOLLIN | EPOLLRDNORM);
	return written;
}

static void count_time(struct stat_cell *cell, u64 ns)
{
	cell->hook_ns += ns;
	if (!cell->timed++ || ns < cell->hook_min_ns)
		cell->hook_min_ns = ns;
	if (ns > cell->hook_max_ns)
		cell->hook_max_ns = ns;
}

static void emit(struct cpu_state *state, struct stat_cell *cell, struct tap_event *event)
{
	struct tap_reader *reader = rcu_dereference(tap_reader);
	struct tap_selection *selection = reader ? rcu_dereference(reader->selection) : NULL;
	struct text path, path2;

	if (!selection)
		return;
	cell->seen++;
	if (event->nested || !tap_selected(selection, event)) {
		cell->filtered++;
		return;
	}
	path = resolve(&event->path, state->text[0], &state->unnamed);
	path2 = resolve(&event->path2, state->text[1], &state->unnamed);
	if (selection->want.prefix_count &&
	    !tap_selected_path(selection, path.at, path.len) &&
	    !tap_selected_path(selection, path2.at, path2.len)) {
		cell->filtered++;
		return;
	}
	if (write_lane(reader, event, path, path2))
		cell->emitted++;
	else
		cell->dropped++;
	count_time(cell, tap_now() - event->end_ns);
}

void tap_emit(struct tap_event *event)
{
	struct cpu_state *state = get_cpu_ptr(states);

	if (event->end_ns < event->start_ns) /* the clock was set back */
		event->end_ns = event->start_ns;
	rcu_read_lock();
	emit(state, &state->op[event->type], event);
	rcu_read_unlock();
	put_cpu_ptr(states);
}

static void add_cell(struct vex_tap_op_stat *sum, const struct stat_cell *cell)
{
	sum->seen += READ_ONCE(cell->seen);
	sum->emitted += READ_ONCE(cell->emitted);
	sum->filtered += READ_ONCE(cell->filtered);
	sum->dropped += READ_ONCE(cell->dropped);
	sum->hook_ns += READ_ONCE(cell->hook_ns);
	if (cell->timed && (!sum->timed || cell->hook_min_ns < sum->hook_min_ns))
		sum->hook_min_ns = cell->hook_min_ns;
	if (cell->hook_max_ns > sum->hook_max_ns)
		sum->hook_max_ns = cell->hook_max_ns;
	sum->timed += READ_ONCE(cell->timed);
}

void tap_stats_add(struct vex_tap_stats *stats)
{
	unsigned int type;
	int cpu;

	for_each_possible_cpu(cpu) {
		struct cpu_state *state = per_cpu_ptr(states, cpu);

		stats->unnamed += READ_ONCE(state->unnamed);
		for (type = 0; type < VEX_TYPE_LIMIT; type++)
			add_cell(&stats->op[type], &state->op[type]);
	}
}
