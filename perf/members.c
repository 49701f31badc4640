/* SPDX-License-Identifier: BSD-3-Clause */
#include "members.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "clock.h"
#include "vex/vex.h"

#define READ_BURST 32u
#define PAUSE_NS 200000
#define TRIES 50000u /* pauses: ten seconds and more */

struct members_shared {
	uint32_t ready[MEMBERS]; /* member */
	uint32_t hold[MEMBERS];  /* parent: it is not to read */
	uint32_t held[MEMBERS];  /* member: it does not */
	uint64_t at[MEMBERS_EVENTS_MAX]; /* member */
};

void members_pause(void)
{
	const struct timespec pause = {.tv_nsec = PAUSE_NS};

	nanosleep(&pause, NULL);
}

static void note(struct members_shared *shared, const struct vex_record *record)
{
	uint32_t number = (uint32_t)record->result;

	if (record->type != VEX_GAP && number < MEMBERS_EVENTS_MAX &&
			!VEX_LOAD_RELAXED(&shared->at[number]))
		VEX_STORE_RELEASE(&shared->at[number], cycles_now()); /* for members_read_at() */
}

static void read_some(struct members_shared *shared, struct vex_subscription *sub)
{
	const struct vex_record *records[READ_BURST];
	int count = vex_read(sub, records, READ_BURST);

	for (int i = 0; i < count; i++)
		note(shared, records[i]);
	vex_release(sub);
	if (count <= 0)
		vex_wait(sub, 1);
}

/* Never returns: it is killed. */
static void be_member(const struct members *members, uint32_t number)
{
	static const char *const names[MEMBERS] = {"a", "b"};
	struct vex_subscribe_options options = {.socket = members->socket, .name = names[number],
			.ring_size = MEMBERS_LANE_BYTES, .connect_ms = 5000};
	struct members_shared *shared = members->shared;
	struct vex_subscription *sub;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (vex_subscribe(&options, &sub))
		_exit(1);
	VEX_STORE_RELEASE(&shared->ready[number], 1);
	for (;;) {
		bool hold = VEX_LOAD_ACQUIRE(&shared->hold[number]);

		VEX_STORE_RELEASE(&shared->held[number], hold);
		if (hold)
			members_pause();
		else
			read_some(shared, sub);
	}
}

/* Waits for a member's word. */
static int await(const uint32_t *word, uint32_t want)
{
	for (unsigned i = 0; i < TRIES && VEX_LOAD_ACQUIRE(word) != want; i++)
		members_pause();
	if (VEX_LOAD_ACQUIRE(word) == want)
		return 0;
	vex_error("a member did not answer");
	return -ETIMEDOUT;
}

int members_init(struct members *members)
{
	void *memory = mmap(NULL, sizeof(*members->shared), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	*members = (struct members){.shared = memory == MAP_FAILED ? NULL : memory};
	return members->shared ? 0 : -ENOMEM;
}

void members_free(struct members *members)
{
	if (members->shared)
		munmap(members->shared, sizeof(*members->shared));
	members->shared = NULL;
}

int members_start(struct members *members, uint32_t member)
{
	pid_t pid;

	VEX_STORE_RELAXED(&members->shared->ready[member], 0);
	pid = fork();
	if (!pid)
		be_member(members, member);
	if (pid < 0)
		return -errno;
	members->pid[member] = pid;
	return await(&members->shared->ready[member], 1);
}

void members_kill(const struct members *members, uint32_t member)
{
	kill(members->pid[member], SIGKILL);
}

void members_end(struct members *members, uint32_t member)
{
	if (!members->pid[member])
		return;
	members_kill(members, member);
	waitpid(members->pid[member], NULL, 0);
	members->pid[member] = 0;
}

int members_hold(struct members *members, uint32_t member, bool hold)
{
	VEX_STORE_RELEASE(&members->shared->hold[member], hold);
	return await(&members->shared->held[member], hold);
}

uint64_t members_read_at(const struct members *members, uint32_t event)
{
	return VEX_LOAD_ACQUIRE(&members->shared->at[event]);
}
