// SPDX-License-Identifier: GPL-2.0
/*
 * Hooks: one ftrace_ops for all functions. Where a call is ours, its first instruction leads to
 * our function instead, which goes on with the hooked one behind that instruction. So a hook has
 * the caller's context, costs no instance that could run out, and a function that nobody wants
 * to hear of is as it was before.
 *
 * A task may sleep in a hooked function for long. tap_enter() and tap_leave() count who is in
 * one, by processor; the module is unloaded only after the last has left.
 */
#define pr_fmt(format) KBUILD_MODNAME ": " format

#include "tap.h"

#include <linux/delay.h>
#include <linux/ftrace.h>
#include <linux/hash.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "compat.h"

#define TABLE_BITS 9
#define TABLE_SIZE BIT(TABLE_BITS)
#define MORE_MAX 192u
#define SEARCH_MAX 64u

/* By address, never taken out again: an entry is complete before it is released into the table. */
static struct tap_hook *table[TABLE_SIZE];
static struct tap_hook more[MORE_MAX];
static unsigned int more_count;
static DEFINE_MUTEX(hooks_lock);
static u64 types_on;
static bool registered;
static u64 unhooked;
static DEFINE_PER_CPU(long, in_flight);

void tap_enter(void)
{
	this_cpu_inc(in_flight);
}

/* On another processor, perhaps: only the sum tells. */
void tap_leave(void)
{
	this_cpu_dec(in_flight);
}

u64 tap_in_flight(void)
{
	long sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += per_cpu(in_flight, cpu);
	return sum > 0 ? sum : 0;
}

static struct tap_hook *find(unsigned long entry)
{
	u32 at = hash_long(entry, TABLE_BITS);
	unsigned int i;

	for (i = 0; i < TABLE_SIZE; i++, at = (at + 1) & (TABLE_SIZE - 1)) {
		struct tap_hook *hook = smp_load_acquire(&table[at]); /* released by insert() */

		if (!hook || hook->entry == entry)
			return hook;
	}
	return NULL;
}

static void insert(struct tap_hook *hook)
{
	u32 at = hash_long(hook->entry, TABLE_BITS);

	BUILD_BUG_ON(MORE_MAX + 64 > TABLE_SIZE);
	while (table[at])
		at = (at + 1) & (TABLE_SIZE - 1);
	smp_store_release(&table[at], hook); /* acquired by find() */
}

/*
 * In whatever context the function was called. It calls nothing that it redirects, so it needs none
 * of ftrace's protection from itself.
 */
static void notrace redirect(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops,
			     struct ftrace_regs *fregs)
{
	struct tap_hook *hook = find(ip);
	struct pt_regs *regs = tap_regs(fregs);

	if (tap_skips_own_calls && within_module(parent_ip, THIS_MODULE))
		return;
	if (!hook || !in_task() ||
	    (hook->wants && !hook->wants(regs->di, regs->si, hook->entry)))
		return;
	tap_redirect(fregs, hook->ours);
}

static struct ftrace_ops ops = {
	.func = redirect,
	.flags = FTRACE_OPS_FL_IPMODIFY | TAP_OPS_FLAGS,
};

/*
 * Where symbols are: what was exported for this was taken away, but probes, which are never armed,
 * still tell. All are taken back at once: it takes a grace period.
 */
struct search {
	unsigned int count;
	struct kprobe *found[SEARCH_MAX];
	struct kprobe probe[SEARCH_MAX];
};

static struct search *search;

unsigned long tap_address_of(const char *name)
{
	struct kprobe *probe = &search->probe[search->count];

	if (search->count == SEARCH_MAX)
		return 0;
	*probe = (struct kprobe){ .symbol_name = name, .flags = KPROBE_FLAG_DISABLED };
	if (register_kprobe(probe))
		return 0;
	search->found[search->count++] = probe;
	return (unsigned long)probe->addr;
}

int tap_search_begin(void)
{
	search = kvzalloc(sizeof(*search), GFP_KERNEL);
	return search ? 0 : -ENOMEM;
}

void tap_search_end(void)
{
	unregister_kprobes(search->found, search->count);
	kvfree(search);
	search = NULL;
}

static void find_hooks(struct tap_hook *hooks, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		hooks[i].entry = tap_address_of(hooks[i].name);
		if (!hooks[i].entry) {
			pr_warn("this kernel has no %s()\n", hooks[i].name);
			unhooked++;
			continue;
		}
		hooks[i].rest = tap_behind(hooks[i].entry);
		insert(&hooks[i]);
	}
}

static void each_list(void (*visit)(struct tap_hook *, unsigned int))
{
	visit(tap_want_hooks, tap_want_hook_count);
	visit(tap_name_hooks, tap_name_hook_count);
	visit(tap_attr_hooks, tap_attr_hook_count);
	visit(tap_file_hooks, tap_file_hook_count);
	visit(tap_mount_hooks, tap_mount_hook_count);
}

static u64 known;

static void add_types(struct tap_hook *hooks, unsigned int count)
{
	while (count--)
		known |= hooks[count].types;
}

u64 tap_types(void)
{
	each_list(add_types);
	return known | tap_bit(VEX_READ) | tap_bit(VEX_WRITE);
}

static int set_one(struct tap_hook *hook, bool on)
{
	int error;

	if (!hook->entry || hook->on == on)
		return 0;
	error = ftrace_set_filter_ip(&ops, hook->entry, !on, 0);
	if (error)
		return error;
	hook->on = on;
	return 0;
}

static int list_error;

static void turn_on(struct tap_hook *hooks, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		bool wanted = (hooks[i].types & types_on) && !hooks[i].gone;
		int error = wanted ? set_one(&hooks[i], true) : 0;

		if (error)
			pr_warn("%s() can't be hooked: %d\n", hooks[i].name, error);
		if (error && !list_error)
			list_error = error;
	}
}

static void turn_off(struct tap_hook *hooks, unsigned int count)
{
	while (count--)
		if (!(hooks[count].types & types_on) && !hooks[count].gone)
			set_one(&hooks[count], false);
}

/* An empty filter would mean every function: then the whole is taken off instead. */
static void take_off(void)
{
	if (registered)
		unregister_ftrace_function(&ops);
	registered = false;
	types_on = 0;
	each_list(turn_off);
	turn_off(more, more_count);
}

int tap_hooks_set(u64 types)
{
	int error = 0;

	mutex_lock(&hooks_lock);
	if (!types) {
		take_off();
		goto out;
	}
	if (!(types_on & tap_want_hooks[0].types))
		tap_mounts_clear();
	types_on = types;
	list_error = 0;
	each_list(turn_on);
	turn_on(more, more_count);
	error = list_error;
	if (!error && !registered) {
		error = register_ftrace_function(&ops);
		registered = !error;
	}
	if (error) {
		take_off();
	} else {
		each_list(turn_off);
		turn_off(more, more_count);
	}
out:
	mutex_unlock(&hooks_lock);
	return error;
}

bool tap_hook_known(unsigned long entry)
{
	const struct tap_hook *hook = find(entry);

	return hook && !READ_ONCE(hook->gone);
}

/* With a module ftrace forgets its functions; others may come to stand where they were. */
static int module_changes(struct notifier_block *block, unsigned long state, void *data)
{
	unsigned int i;

	if (state != MODULE_STATE_GOING)
		return NOTIFY_DONE;
	mutex_lock(&hooks_lock);
	for (i = 0; i < more_count; i++) {
		if (!within_module(more[i].entry, data))
			continue;
		more[i].on = false;
		WRITE_ONCE(more[i].gone, true);
	}
	tap_discover_anew();
	mutex_unlock(&hooks_lock);
	return NOTIFY_DONE;
}

static struct notifier_block module_block = { .notifier_call = module_changes };

int tap_hooks_find(void)
{
	each_list(find_hooks);
	return register_module_notifier(&module_block);
}

/* Memory is not to be had from file systems here: the caller may hold their locks. */
void tap_hook_more(unsigned long entry, tap_function ours,
		   bool (*wants)(unsigned long, unsigned long, unsigned long), u64 types)
{
	unsigned int flags = memalloc_nofs_save();
	struct tap_hook *hook;
	bool fresh;

	mutex_lock(&hooks_lock);
	hook = find(entry);
	if (hook && !hook->gone)
		goto out;
	if (!hook && more_count == MORE_MAX) {
		unhooked++;
		goto out;
	}
	fresh = !hook;
	if (fresh)
		hook = &more[more_count++];
	hook->name = "a file system's";
	hook->entry = entry;
	hook->ours = ours;
	hook->wants = wants;
	hook->types = types;
	if ((types & types_on) && set_one(hook, true)) {
		pr_warn("%pS can't be hooked\n", (void *)entry);
		unhooked++;
	}
	/* Known only now: who opens a file meanwhile waits for the hook. */
	WRITE_ONCE(hook->gone, false);
	if (fresh)
		insert(hook);
out:
	mutex_unlock(&hooks_lock);
	memalloc_nofs_restore(flags);
}

u64 tap_unhooked(void)
{
	return unhooked;
}

/*
 * After the hooks are off: who is in one leaves. The last instructions behind tap_leave() are
 * covered by the grace period, in which each task is seen outside of them.
 */
void tap_hooks_end(void)
{
	unsigned long told = jiffies + 10 * HZ;

	unregister_module_notifier(&module_block);
	while (tap_in_flight()) {
		if (time_after(jiffies, told)) {
			pr_warn("%llu operations are still under way\n", tap_in_flight());
			told = jiffies + 60 * HZ;
		}
		msleep(20);
	}
	synchronize_rcu_tasks();
	synchronize_rcu();
}
