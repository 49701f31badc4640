// SPDX-License-Identifier: GPL-2.0
/*
 * From what a hook saw to a record in the lane of this processor. Preemption is off from the
 * resolving of the paths, whose text stands in memory of the processor, to the commit; nothing
 * here sleeps or enters the VFS again.
 */
#include <linux/dcache.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/timekeeping.h>

#include "tap.h"

struct stat_cell {
	u64 seen, emitted, filtered, dropped;
	u64 hook_ns, timed, hook_min_ns, hook_max_ns;
};

struct cpu_state {
	struct stat_cell op[VEX_TYPE_LIMIT];
	u64 unnamed;
	/* the two paths of the event under way; each with room for a name behind it */
	char text[2][TAP_PATH_MAX + 1];
};

static struct cpu_state __percpu *states;

u64 tap_now(void)
{
	return ktime_get_real_fast_ns();
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

static void lose(struct tap_lane *lane, enum vex_gap_reason reason)
{
	vex_lane_lose(&lane->writer, 1, reason);
	lane->lost[reason]++;
}

/* Whether it found room. The lane's lock is held. */
static bool write_locked(struct tap_lane *lane, const struct tap_event *event,
			 const struct tap_names *names)
{
	u32 size = tap_record_size(event, names);
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
	tap_record_fill(record, event, names);
	vex_lane_commit(&lane->writer, record, size);
	return true;
}

static bool write_lane(struct tap_reader *reader, const struct tap_event *event,
		       const struct tap_names *names)
{
	struct tap_lanes *lanes = reader->lanes;
	struct tap_lane *lane = &lanes->lane[raw_smp_processor_id() % lanes->count];
	unsigned long flags;
	bool written, wake;

	spin_lock_irqsave(&lane->lock, flags);
	written = write_locked(lane, event, names);
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

static bool selected(struct cpu_state *state, const struct tap_selection *selection,
		     const struct tap_event *event, struct tap_names *names)
{
	if (event->nested || !tap_selected(selection, event))
		return false;
	if (!names->resolved)
		tap_names_resolve(names, event, state->text, &state->unnamed);
	return !selection->want.prefix_count ||
	       tap_selected_path(selection, names->path.at, names->path.len) ||
	       tap_selected_path(selection, names->path2.at, names->path2.len);
}

static void emit(struct cpu_state *state, const struct tap_event *event, struct tap_names *names)
{
	struct tap_reader *reader = rcu_dereference_sched(tap_reader);
	struct tap_selection *selection = reader ? rcu_dereference_sched(reader->selection) : NULL;
	struct stat_cell *cell = &state->op[event->type];

	if (!selection)
		return;
	cell->seen++;
	if (!selected(state, selection, event, names)) {
		cell->filtered++;
		return;
	}
	if (write_lane(reader, event, names))
		cell->emitted++;
	else
		cell->dropped++;
	count_time(cell, tap_now() - event->end_ns);
}

/* With preemption off: that holds off who waits for RCU as well. */
void tap_emit(struct tap_event *event)
{
	struct tap_names names = { .resolved = false };

	if (event->end_ns < event->start_ns) /* the clock was set back */
		event->end_ns = event->start_ns;
	emit(get_cpu_ptr(states), event, &names);
	put_cpu_ptr(states);
}

void tap_emit_before(struct tap_event *event, u16 type, s64 result)
{
	struct cpu_state *state = get_cpu_ptr(states);
	struct tap_names names = { .resolved = false };
	struct tap_event first;

	if (event->end_ns < event->start_ns)
		event->end_ns = event->start_ns;
	first = *event;
	first.type = type;
	first.result = result;
	emit(state, &first, &names);
	emit(state, event, &names);
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
