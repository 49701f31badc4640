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
/* So much is compared in search of a circle, a few milliseconds of everyone's time. */
#define SEARCH_MAX (1u << 20)

struct range {
	uint64_t first;
	uint64_t last;
	short type;
};

struct lock_owner {
	struct lock_owner *next;
	struct inode *inode; /* held */
	uint64_t owner;
	const struct handle *handle; /* that it came by last; for comparison only */
	int fd;
	bool writes;         /* fd is open for writing */
	bool shared;         /* fd is a copy of a handle's, where none could be opened */
	bool untold;         /* it holds some beneath that are not among ranges */
	pid_t pid;
	uint32_t waits;      /* that are under way */
	struct range wanted; /* of the latest of them */
	struct lock_owner *next_waiting;
	struct lock_owner *next_found; /* in the search under way */
	uint64_t found_by;   /* number of the latest search that came here */
	uint32_t count;
	uint32_t cap;
	struct range *ranges;
};

static struct lock_owner *slots[SLOTS];
static struct lock_owner *waiting[SLOTS]; /* by their process */
static uint64_t searches;
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

/* A descriptor for the locks that may be taken by way of this handle. 0 or an errno. */
static int open_for(struct lock_owner *owner, const struct handle *handle)
{
	owner->writes = (handle->flags & O_ACCMODE) != O_RDONLY;
	owner->fd = reopen(owner->inode->fd, owner->writes ? O_RDWR : O_RDONLY);
	if (owner->fd < 0 && owner->writes)
		owner->fd = reopen(owner->inode->fd, O_WRONLY);
	owner->shared = owner->fd < 0;
	if (owner->shared)
		owner->fd = fcntl(handle->fd, F_DUPFD_CLOEXEC, 0);
	return owner->fd < 0 ? errno : 0;
}

static void unlock_all(const struct lock_owner *owner)
{
	struct flock all = {.l_type = F_UNLCK, .l_whence = SEEK_SET};

	fcntl(owner->fd, F_OFD_SETLK, &all);
}

static void close_fd(const struct lock_owner *owner)
{
	if (owner->shared) /* closing it would leave them */
		unlock_all(owner);
	close(owner->fd);
}

static int take_again(const struct lock_owner *owner)
{
	for (uint32_t i = 0; i < owner->count; i++) {
		const struct range *range = &owner->ranges[i];
		struct flock lock = {.l_type = range->type, .l_whence = SEEK_SET,
			.l_start = (off_t)range->first,
			.l_len = range->last == UINT64_MAX
					? 0 : (off_t)(range->last - range->first + 1)};

		if (fcntl(owner->fd, F_OFD_SETLK, &lock) < 0)
			return errno;
	}
	return 0;
}

/*
 * To lock for writing needs a descriptor for writing. What was locked by one for reading is locked
 * for reading: it is taken by the new one before the old one lets go.
 */
static int make_writable(struct lock_owner *owner, const struct handle *handle)
{
	struct lock_owner before = *owner;
	int err;

	if (owner->waits || owner->untold)
		return ENOLCK;
	err = open_for(owner, handle);
	if (!err) {
		err = take_again(owner);
		close_fd(err ? owner : &before);
	}
	if (err) {
		owner->fd = before.fd;
		owner->writes = before.writes;
		owner->shared = before.shared;
	}
	return err;
}

static struct lock_owner *add(struct inode *inode, uint64_t owner, const struct handle *handle,
		int *err)
{
	struct lock_owner *fresh = calloc(1, sizeof(*fresh));

	if (!fresh) {
		*err = ENOMEM;
		return NULL;
	}
	fresh->inode = inode;
	fresh->owner = owner;
	*err = open_for(fresh, handle);
	if (*err) {
		free(fresh);
		return NULL;
	}
	inode_hold(inode);
	fresh->next = *slot_of(inode);
	*slot_of(inode) = fresh;
	__atomic_add_fetch(&inode->lock_owners, 1, __ATOMIC_RELEASE);
	return fresh;
}

static struct lock_owner *find_or_add(struct inode *inode, uint64_t owner,
		const struct handle *handle, short type, int *err)
{
	struct lock_owner *at = find(inode, owner);

	if (!at)
		return add(inode, owner, handle, err);
	if (type == F_WRLCK && !at->writes)
		*err = make_writable(at, handle);
	return *err ? NULL : at;
}

static void drop(struct lock_owner *owner)
{
	struct lock_owner **at = slot_of(owner->inode);

	while (*at != owner)
		at = &(*at)->next;
	*at = owner->next;
	__atomic_sub_fetch(&owner->inode->lock_owners, 1, __ATOMIC_RELEASE);
	close_fd(owner);
	inode_drop(owner->inode);
	free(owner->ranges);
	free(owner);
}

static void push(struct lock_owner *owner, uint64_t first, uint64_t last, short type)
{
	if (first > last)
		return;
	if (owner->count == RANGES_MAX) {
		owner->untold = true;
		return;
	}
	if (owner->count == owner->cap) {
		uint32_t cap = owner->cap ? owner->cap * 2 : 4;
		struct range *more = realloc(owner->ranges, cap * sizeof(*more));

		if (!more) {
			owner->untold = true;
			return;
		}
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

static struct lock_owner **waiting_slot(uint64_t owner)
{
	return &waiting[(owner * 0x9e3779b97f4a7c15ull >> 32) % SLOTS];
}

static void begin_waiting(struct lock_owner *owner)
{
	struct lock_owner **slot = waiting_slot(owner->owner);

	if (owner->waits++)
		return;
	owner->next_waiting = *slot;
	*slot = owner;
}

static void end_waiting(struct lock_owner *owner)
{
	struct lock_owner **at = waiting_slot(owner->owner);

	if (--owner->waits)
		return;
	while (*at != owner)
		at = &(*at)->next_waiting;
	*at = owner->next_waiting;
}

/* Each place where someone waits is come to once. */
struct search {
	uint64_t number;
	uint32_t left;
	struct lock_owner *found;
};

static void follow(struct search *search, uint64_t owner)
{
	for (struct lock_owner *at = *waiting_slot(owner); at; at = at->next_waiting) {
		if (at->owner != owner || at->found_by == search->number)
			continue;
		at->found_by = search->number;
		at->next_found = search->found;
		search->found = at;
	}
}

/* Whether the target is in the way of this; what others in the way wait for is looked at later. */
static bool is_held_by(struct search *search, const struct inode *inode, uint64_t owner,
		const struct range *wanted, uint64_t target)
{
	for (struct lock_owner *at = *slot_of(inode); at && search->left; at = at->next) {
		uint32_t work = at->count + 1;

		search->left -= work < search->left ? work : search->left;
		if (at->inode != inode || at->owner == owner || !in_the_way(at, wanted))
			continue;
		if (at->owner == target)
			return true;
		follow(search, at->owner);
	}
	return false;
}

/* A search that takes too long finds none, as the kernel's own. */
static bool closes_circle(const struct inode *inode, uint64_t owner, const struct range *wanted)
{
	struct search search = {.number = ++searches, .left = SEARCH_MAX};
	bool closes = is_held_by(&search, inode, owner, wanted, owner);

	while (!closes && search.found && search.left) {
		struct lock_owner *at = search.found;

		search.found = at->next_found;
		closes = is_held_by(&search, at->inode, at->owner, &at->wanted, owner);
	}
	return closes;
}

static struct flock beneath(const struct flock *lock)
{
	struct flock copy = *lock;

	copy.l_pid = 0; /* OFD locks want it so */
	copy.l_whence = SEEK_SET;
	return copy;
}

int locks_set(struct inode *inode, uint64_t owner, const struct handle *handle,
		const struct flock *lock)
{
	struct flock wanted = beneath(lock);
	struct range range = range_of(lock);
	struct lock_owner *at;
	int err = 0;

	pthread_mutex_lock(&mutex);
	at = lock->l_type == F_UNLCK ? find(inode, owner)
				     : find_or_add(inode, owner, handle, lock->l_type, &err);
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

int locks_test(struct inode *inode, uint64_t owner, const struct handle *handle,
		struct flock *lock)
{
	struct flock found = beneath(lock);
	struct range range = range_of(lock);
	struct lock_owner *at;
	int err = 0;

	pthread_mutex_lock(&mutex);
	at = find_or_add(inode, owner, handle, F_UNLCK, &err); /* asking takes none */
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
	if (!owner->waits) {
		drop(owner);
		return;
	}
	unlock_all(owner);
	owner->count = 0;
	owner->untold = false;
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

void locks_release_handle(struct inode *inode, const struct handle *handle)
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

int locks_wait_begin(struct inode *inode, uint64_t owner, const struct handle *handle,
		const struct flock *lock, struct lock_owner **waits)
{
	struct range range = range_of(lock);
	struct lock_owner *at;
	int err = 0;

	pthread_mutex_lock(&mutex);
	if (closes_circle(inode, owner, &range)) {
		err = EDEADLK;
	} else {
		at = find_or_add(inode, owner, handle, lock->l_type, &err);
		if (at) {
			begin_waiting(at);
			at->handle = handle;
			at->wanted = range;
			*waits = at;
		}
	}
	pthread_mutex_unlock(&mutex);
	return err;
}

int locks_wait_fd(const struct lock_owner *owner)
{
	return owner->fd;
}

void locks_wait_end(struct lock_owner *owner, const struct flock *lock, int err)
{
	struct range range = range_of(lock);

	pthread_mutex_lock(&mutex);
	end_waiting(owner);
	if (!err) {
		owner->pid = lock->l_pid;
		note(owner, &range);
	}
	if (!owner->count && !owner->waits)
		drop(owner);
	pthread_mutex_unlock(&mutex);
}
