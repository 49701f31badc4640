/* SPDX-License-Identifier: BSD-3-Clause */
#include "locks.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ops.h"

#define SLOTS 1024u
/* Ranges beyond this many of an owner are locked all the same, but not told of. */
#define RANGES_MAX 4096u
/* As deep as circles are looked for; the kernel does likewise. */
#define CIRCLE_MAX 10u

struct range {
	uint64_t first;
	uint64_t last;
	short type;
};

struct lock_owner {
	struct lock_owner *next;
	struct inode *inode; /* held */
	uint64_t owner;
	const void *handle;  /* that it came by last; for comparison only */
	int fd;
	pid_t pid;
	uint32_t waits;      /* that are under way */
	struct range wanted; /* of the latest of them */
	uint32_t count;
	uint32_t cap;
	struct range *ranges;
};

static struct lock_owner *slots[SLOTS];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static struct lock_owner **slot_of(const struct inode *inode)
{
	return &slots[((uintptr_t)inode >> 6) % SLOTS];
}

static struct range range_of(const struct flock *lock)
{
	struct range range = {.first = (uint64_t)lock->l_start, .last = UINT64_MAX,
		.type = lock->l_type};

	if (lock->l_len > 0)
		range.last = range.first + (uint64_t)lock->l_len - 1;
	return range;
}

static struct lock_owner *find(const struct inode *inode, uint64_t owner)
{
	struct lock_owner *at = *slot_of(inode);

	while (at && (at->inode != inode || at->owner != owner))
		at = at->next;
	return at;
}

/* To lock for writing needs a descriptor for writing; where there can't be one, so be it. */
static struct lock_owner *add(struct inode *inode, uint64_t owner, int *err)
{
	struct lock_owner *fresh = calloc(1, sizeof(*fresh));
	int fd = reopen(inode->fd, O_RDWR);

	if (fd < 0)
		fd = reopen(inode->fd, O_RDONLY);
	if (!fresh || fd < 0) {
		*err = fresh ? errno : ENOMEM;
		free(fresh);
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	inode_hold(inode);
	*fresh = (struct lock_owner){.next = *slot_of(inode), .inode = inode, .owner = owner,
		.fd = fd};
	*slot_of(inode) = fresh;
	__atomic_add_fetch(&inode->lock_owners, 1, __ATOMIC_RELEASE);
	return fresh;
}

static struct lock_owner *find_or_add(struct inode *inode, uint64_t owner, int *err)
{
	struct lock_owner *at = find(inode, owner);

	return at ? at : add(inode, owner, err);
}

static void drop(struct lock_owner *owner)
{
	struct lock_owner **at = slot_of(owner->inode);

	while (*at != owner)
		at = &(*at)->next;
	*at = owner->next;
	__atomic_sub_fetch(&owner->inode->lock_owners, 1, __ATOMIC_RELEASE);
	close(owner->fd);
	inode_drop(owner->inode);
	free(owner->ranges);
	free(owner);
}

static void push(struct lock_owner *owner, uint64_t first, uint64_t last, short type)
{
	if (first > last || owner->count == RANGES_MAX)
		return;
	if (owner->count == owner->cap) {
		uint32_t cap = owner->cap ? owner->cap * 2 : 4;
		struct range *more = realloc(owner->ranges, cap * sizeof(*more));

		if (!more)
			return;
		owner->ranges = more;
		owner->cap = cap;
	}
	owner->ranges[owner->count++] = (struct range){first, last, type};
}

/* What lay in the range before is cut out of it. */
static void note(struct lock_owner *owner, const struct range *range)
{
	uint32_t old = owner->count;

	for (uint32_t i = 0; i < old;) {
		struct range was = owner->ranges[i];

		if (was.last < range->first || was.first > range->last) {
			i++;
			continue;
		}
		owner->ranges[i] = owner->ranges[--old];
		owner->ranges[old] = owner->ranges[--owner->count];
		if (was.first < range->first)
			push(owner, was.first, range->first - 1, was.type);
		if (was.last > range->last)
			push(owner, range->last + 1, was.last, was.type);
	}
	if (range->type != F_UNLCK)
		push(owner, range->first, range->last, range->type);
}

static bool in_the_way(const struct lock_owner *holder, const struct range *wanted)
{
	for (uint32_t i = 0; i < holder->count; i++) {
		const struct range *held = &holder->ranges[i];

		if (held->first <= wanted->last && held->last >= wanted->first &&
				(held->type == F_WRLCK || wanted->type == F_WRLCK))
			return true;
	}
	return false;
}

static bool leads_to(const struct inode *inode, uint64_t owner, const struct range *wanted,
		uint64_t target, unsigned int depth);

/* Whether this process waits for something that the target holds, or that leads to it. */
static bool waits_for(uint64_t owner, uint64_t target, unsigned int depth)
{
	for (unsigned int i = 0; i < SLOTS; i++)
		for (struct lock_owner *at = slots[i]; at; at = at->next)
			if (at->owner == owner && at->waits &&
					leads_to(at->inode, owner, &at->wanted, target, depth + 1))
				return true;
	return false;
}

static bool leads_to(const struct inode *inode, uint64_t owner, const struct range *wanted,
		uint64_t target, unsigned int depth)
{
	if (depth > CIRCLE_MAX)
		return false;
	for (struct lock_owner *at = *slot_of(inode); at; at = at->next) {
		if (at->inode != inode || at->owner == owner || !in_the_way(at, wanted))
			continue;
		if (at->owner == target || waits_for(at->owner, target, depth))
			return true;
	}
	return false;
}

static struct flock beneath(const struct flock *lock)
{
	struct flock copy = *lock;

	copy.l_pid = 0; /* OFD locks want it so */
	copy.l_whence = SEEK_SET;
	return copy;
}

int locks_set(struct inode *inode, uint64_t owner, const void *handle, const struct flock *lock)
{
	struct flock wanted = beneath(lock);
	struct range range = range_of(lock);
	struct lock_owner *at;
	int err = 0;

	pthread_mutex_lock(&mutex);
	at = lock->l_type == F_UNLCK ? find(inode, owner) : find_or_add(inode, owner, &err);
	if (at) {
		err = fcntl(at->fd, F_OFD_SETLK, &wanted) < 0 ? errno : 0;
		if (!err) {
			at->handle = handle;
			at->pid = lock->l_pid;
			note(at, &range);
		}
	}
	pthread_mutex_unlock(&mutex);
	return err;
}

static pid_t holder_of(const struct inode *inode, uint64_t owner, const struct range *wanted)
{
	for (struct lock_owner *at = *slot_of(inode); at; at = at->next)
		if (at->inode == inode && at->owner != owner && in_the_way(at, wanted))
			return at->pid;
	return 0;
}

int locks_test(struct inode *inode, uint64_t owner, struct flock *lock)
{
	struct flock found = beneath(lock);
	struct range range = range_of(lock);
	struct lock_owner *at;
	int err = 0;

	pthread_mutex_lock(&mutex);
	at = find_or_add(inode, owner, &err);
	if (at) {
		err = fcntl(at->fd, F_OFD_GETLK, &found) < 0 ? errno : 0;
		if (!err && found.l_type != F_UNLCK && found.l_pid <= 0)
			found.l_pid = holder_of(inode, owner, &range);
		if (!at->count && !at->waits)
			drop(at);
	}
	pthread_mutex_unlock(&mutex);
	if (!err)
		*lock = found;
	return err;
}

/* One that waits goes on waiting, and holds nothing meanwhile. */
static void release(struct lock_owner *owner)
{
	struct flock all = {.l_type = F_UNLCK, .l_whence = SEEK_SET};

	if (!owner->waits) {
		drop(owner);
		return;
	}
	fcntl(owner->fd, F_OFD_SETLK, &all);
	owner->count = 0;
}

void locks_release(struct inode *inode, uint64_t owner)
{
	struct lock_owner *at;

	if (!__atomic_load_n(&inode->lock_owners, __ATOMIC_ACQUIRE))
		return;
	pthread_mutex_lock(&mutex);
	at = find(inode, owner);
	if (at)
		release(at);
	pthread_mutex_unlock(&mutex);
}

void locks_release_handle(struct inode *inode, const void *handle)
{
	struct lock_owner *at, *next;

	if (!__atomic_load_n(&inode->lock_owners, __ATOMIC_ACQUIRE))
		return;
	pthread_mutex_lock(&mutex);
	for (at = *slot_of(inode); at; at = next) {
		next = at->next;
		if (at->inode == inode && at->handle == handle)
			release(at);
	}
	pthread_mutex_unlock(&mutex);
}

int locks_wait_begin(struct inode *inode, uint64_t owner, const void *handle,
		const struct flock *lock, struct lock_owner **waiting)
{
	struct range range = range_of(lock);
	struct lock_owner *at;
	int err = 0;

	pthread_mutex_lock(&mutex);
	if (leads_to(inode, owner, &range, owner, 0)) {
		err = EDEADLK;
	} else {
		at = find_or_add(inode, owner, &err);
		if (at) {
			at->waits++;
			at->handle = handle;
			at->wanted = range;
			*waiting = at;
		}
	}
	pthread_mutex_unlock(&mutex);
	return err;
}

int locks_wait_fd(const struct lock_owner *waiting)
{
	return waiting->fd;
}

void locks_wait_end(struct lock_owner *waiting, const struct flock *lock, int err)
{
	struct range range = range_of(lock);

	pthread_mutex_lock(&mutex);
	waiting->waits--;
	if (!err) {
		waiting->pid = lock->l_pid;
		note(waiting, &range);
	}
	if (!waiting->count && !waiting->waits)
		drop(waiting);
	pthread_mutex_unlock(&mutex);
}
