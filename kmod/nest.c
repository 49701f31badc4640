// SPDX-License-Identifier: GPL-2.0
/*
 * Operations that contain others: a splice that reads the file by read_iter() or does not, a sync
 * of a file that stands on another. Few are under way at a time, and each takes long anyway: one
 * list will do, and who is not in one looks at a counter alone.
 */
#include <linux/sched.h>
#include <linux/spinlock.h>

#include "tap.h"

static LIST_HEAD(all);
static DEFINE_SPINLOCK(lock);
static unsigned int count;

void tap_nest_push(struct tap_nest *nest, const void *what)
{
	nest->task = current;
	nest->what = what;
	nest->told = false;
	spin_lock(&lock);
	list_add(&nest->list, &all);
	WRITE_ONCE(count, count + 1);
	spin_unlock(&lock);
}

bool tap_nest_pop(struct tap_nest *nest)
{
	spin_lock(&lock);
	list_del(&nest->list);
	WRITE_ONCE(count, count - 1);
	spin_unlock(&lock);
	return nest->told;
}

bool tap_nest_tell(const void *what)
{
	struct tap_nest *nest;
	bool found = false;

	if (likely(!READ_ONCE(count)))
		return false;
	spin_lock(&lock);
	list_for_each_entry(nest, &all, list) {
		if (nest->task != current || nest->what != what)
			continue;
		nest->told = true;
		found = true;
	}
	spin_unlock(&lock);
	return found;
}
