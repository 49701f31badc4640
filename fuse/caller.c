/* SPDX-License-Identifier: BSD-3-Clause */
#include "caller.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SETS 128u
#define WAYS 4u
/* After this long the parent is read again as well: it changes when the real one dies. */
#define REREAD_NS 100000000u

struct entry {
	uint64_t checked_ns;
	uint64_t read_ns;
	struct caller who; /* tid 0: free */
	int comm_fd;       /* /proc/TID/comm; reads fail once that thread is gone */
};

struct set {
	pthread_mutex_t lock;
	struct entry ways[WAYS];
};

static struct set sets[SETS] = {
	[0 ... SETS - 1] = {.lock = PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP},
};

static int open_proc(pid_t tid, const char *file)
{
	char path[48];

	snprintf(path, sizeof(path), "/proc/%d/%s", tid, file);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static uint32_t status_number(const char *status, const char *key)
{
	const char *at = strstr(status, key);

	return at ? (uint32_t)strtoul(at + strlen(key), NULL, 10) : 0;
}

static bool read_status(pid_t tid, struct caller *who)
{
	char status[1024];
	int fd = open_proc(tid, "status");
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, status, sizeof(status) - 1);
	close(fd);
	if (n <= 0)
		return false;
	status[n] = '\0';
	/* The name comes first, and has its newlines escaped: these keys stand for themselves. */
	who->pid = status_number(status, "\nTgid:");
	who->ppid = status_number(status, "\nPPid:");
	return who->pid != 0;
}

static bool read_comm(int fd, struct caller *who)
{
	ssize_t n = pread(fd, who->comm, sizeof(who->comm), 0);

	if (n <= 0)
		return false;
	who->comm_len = (uint32_t)n - (who->comm[n - 1] == '\n');
	return true;
}

static void forget(struct entry *entry)
{
	if (entry->who.tid)
		close(entry->comm_fd);
	entry->who.tid = 0;
	entry->checked_ns = 0;
}

static bool fill(struct entry *entry, pid_t tid, uint64_t now_ns)
{
	struct caller who = {.tid = (uint32_t)tid};
	int fd = open_proc(tid, "comm");

	if (fd < 0)
		return false;
	if (!read_status(tid, &who) || !read_comm(fd, &who)) {
		close(fd);
		return false;
	}
	forget(entry);
	entry->who = who;
	entry->comm_fd = fd;
	entry->read_ns = now_ns;
	entry->checked_ns = now_ns;
	return true;
}

static bool revalidate(struct entry *entry, uint64_t now_ns)
{
	pid_t tid = (pid_t)entry->who.tid;

	if (now_ns - entry->checked_ns < CALLER_TRUST_NS)
		return true;
	entry->checked_ns = now_ns;
	if (!read_comm(entry->comm_fd, &entry->who)) {
		forget(entry);
		return fill(entry, tid, now_ns);
	}
	if (now_ns - entry->read_ns < REREAD_NS)
		return true;
	entry->read_ns = now_ns;
	read_status(tid, &entry->who);
	return true;
}

/* The entry of this thread, or the one that was not asked for longest. */
static struct entry *find(struct set *set, pid_t tid)
{
	struct entry *oldest = &set->ways[0];

	for (unsigned i = 0; i < WAYS; i++) {
		if (set->ways[i].who.tid == (uint32_t)tid)
			return &set->ways[i];
		if (set->ways[i].checked_ns < oldest->checked_ns)
			oldest = &set->ways[i];
	}
	return oldest;
}

void caller_find(pid_t tid, uid_t uid, gid_t gid, uint64_t now_ns, struct caller *caller)
{
	struct set *set = &sets[(uint32_t)tid % SETS];
	struct entry *entry;
	bool known;

	memset(caller, 0, sizeof(*caller));
	if (tid > 0) {
		pthread_mutex_lock(&set->lock);
		entry = find(set, tid);
		known = entry->who.tid == (uint32_t)tid ? revalidate(entry, now_ns)
							: fill(entry, tid, now_ns);
		if (known)
			*caller = entry->who;
		pthread_mutex_unlock(&set->lock);
		if (!known)
			caller->pid = (uint32_t)tid;
	}
	caller->tid = (uint32_t)tid;
	caller->uid = uid;
	caller->gid = gid;
}

void caller_teardown(void)
{
	for (unsigned i = 0; i < SETS; i++)
		for (unsigned j = 0; j < WAYS; j++)
			forget(&sets[i].ways[j]);
}
