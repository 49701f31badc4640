/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * failover image FILE: writes rules that lead every event, critical, to a group of a, b and c.
 *
 * failover run SOCKET EVENTS KILLS: publishes that many events to them at an even pace, one
 * process each, and kills one of them that often, which then comes back. Prints, as JSON, how
 * many events no member read, how many more than one did, and how long after a kill the last
 * event was read that had been published before or soon after it.
 *
 * failover long SOCKET EVENTS KILLS: the same, with paths of PATH_LEN bytes, and of a
 * member that is stopped STOP_EVENTS events before it is killed, so that much lies unread.
 *
 * failover stop SOCKET EVENTS PID: publishes that many to a member with a small lane who reads only
 * after the data plane, of that pid, was told to stop. Prints what it read, and what it was told of.
 *
 * failover pause SOCKET EVENTS PAUSES: the same, but all members are stopped at once, that often,
 * and go on after PAUSE_EVENTS more events.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "support/image.h"
#include "vex/vex.h"

#define MEMBERS 3u
#define EVENTS_MAX 1000000u
#define KILLS_MAX 100u
#define LIMIT_NS 30000000000ull
#define SETTLE_NS 100000000ull /* a member that came back is given so long before the next kill */
#define BURST 8u
#define STOP_READ_NS 1000000000u
#define STOP_EVENTS 600u
#define PATH_LEN 300u /* longer than an event object */
#define PAUSE_NS 200000
#define PAUSE_EVENTS 3000u /* fewer than lie unread with three members and wait for the group */

static const char rules[] = "- group: g\n  members: [a, b, c]\n"
			    "- rule: r\n  condition: evt.type exists\n"
			    "  route: group:g\n  qos: critical\n";

/* Written by members, read by their parent. */
struct shared {
	uint32_t ready[MEMBERS];
	uint32_t times[EVENTS_MAX]; /* that an event was read */
	uint64_t at[EVENTS_MAX];    /* when it was first */
};

static struct shared *shared;
static uint64_t published[EVENTS_MAX];
static char long_path[PATH_LEN];
static bool with_long_path;
static pid_t members[MEMBERS];

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static int fail(const char *what)
{
	fprintf(stderr, "failover: %s: %s\n", what, vex_last_error());
	return 1;
}

static int write_image(const char *file)
{
	size_t size;
	void *image = image_of(rules, &size);

	if (!image || image_write(file, image, size))
		return fail(file);
	free(image);
	return 0;
}

static void note(const struct vex_record *record)
{
	struct vex_event_space space;
	struct vex_event event;

	if (record->type == VEX_GAP)
		return;
	vex_event_decode(record, &event, &space);
	if (!__atomic_fetch_add(&shared->times[event.offset], 1, __ATOMIC_RELAXED))
		__atomic_store_n(&shared->at[event.offset], now(), __ATOMIC_RELEASE);
}

/* Never returns: it is killed. */
static void be_member(const char *socket, uint32_t number)
{
	static const char names[MEMBERS][2] = {"a", "b", "c"};
	struct vex_subscribe_options options = {.socket = socket, .name = names[number]};
	const struct vex_record *records[64];
	struct vex_subscription *sub;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (vex_subscribe(&options, &sub))
		exit(fail("vex_subscribe"));
	__atomic_store_n(&shared->ready[number], 1, __ATOMIC_RELEASE);
	for (;;) {
		int count = vex_read(sub, records, 64);

		for (int i = 0; i < count; i++)
			note(records[i]);
		if (count <= 0)
			vex_wait(sub, 1000);
	}
}

static int start(const char *socket, uint32_t number)
{
	uint64_t end = now() + LIMIT_NS;

	shared->ready[number] = 0;
	members[number] = fork();
	if (!members[number])
		be_member(socket, number);
	while (!__atomic_load_n(&shared->ready[number], __ATOMIC_ACQUIRE))
		if (now() > end || waitpid(members[number], NULL, WNOHANG))
			return fail("a member did not come");
	return 0;
}

static int publish(struct vex_lane *lane, uint32_t number)
{
	struct vex_event event = {.type = VEX_METRIC, .has = VEX_HAS_RANGE, .offset = number};

	if (with_long_path) {
		event.has |= VEX_HAS_PATH;
		event.path = (struct vex_bytes){long_path, PATH_LEN};
	}
	published[number] = now();
	return vex_publish(lane, &event) ? fail("vex_publish") : 0;
}

static bool all_read(uint32_t events)
{
	for (uint32_t i = 0; i < events; i++)
		if (!__atomic_load_n(&shared->at[i], __ATOMIC_ACQUIRE))
			return false;
	return true;
}

/* Of events published up to 5 ms after the kill, when the last was read, from the kill on. */
static uint64_t recovery(uint64_t killed, uint32_t events)
{
	uint64_t longest = 0;

	for (uint32_t i = 0; i < events; i++) {
		uint64_t since = published[i] > killed ? published[i] : killed;

		if (published[i] + 5000000 > killed && published[i] < killed + 5000000 &&
				shared->at[i] > since && shared->at[i] - since > longest)
			longest = shared->at[i] - since;
	}
	return longest;
}

static void signal_all(int number, uint32_t but)
{
	for (uint32_t i = 0; i < MEMBERS; i++)
		if (i != but)
			kill(members[i], number);
}

static uint32_t each(uint32_t events, uint32_t times)
{
	return events / (times + 1);
}

static void pause_all(uint32_t i, uint32_t events, uint32_t pauses)
{
	if (i >= each(events, pauses) && i % each(events, pauses) == 0)
		signal_all(SIGSTOP, MEMBERS);
	else if (i >= each(events, pauses) && i % each(events, pauses) == PAUSE_EVENTS)
		signal_all(SIGCONT, MEMBERS);
}

static int run(const char *socket, uint32_t events, uint32_t kills, uint32_t pauses)
{
	struct vex_port_options options = {.socket = socket, .full = VEX_FULL_WAIT,
			.wait_us = 10000000, .ring_size = 1u << 20};
	const struct timespec pause = {.tv_nsec = PAUSE_NS};
	uint64_t killed[KILLS_MAX], end, missing = 0, repeated = 0;
	uint32_t done = 0, gone = MEMBERS;
	struct vex_port *port;
	struct vex_lane *lane;

	for (uint32_t i = 0; i < MEMBERS; i++)
		if (start(socket, i))
			return 1;
	if (vex_port_open(&options, &port) || vex_lane_open(port, &lane))
		return fail("attach");
	for (uint32_t i = 0; i < events; i++) {
		if (with_long_path && done < kills && i + STOP_EVENTS == (done + 1) * each(events, kills))
			kill(members[done % MEMBERS], SIGSTOP);
		if (done < kills && i == (done + 1) * each(events, kills)) {
			if (gone < MEMBERS && start(socket, gone))
				return 1;
			gone = done % MEMBERS;
			killed[done++] = now();
			kill(members[gone], SIGKILL);
			waitpid(members[gone], NULL, 0);
		}
		if (pauses)
			pause_all(i, events, pauses);
		if (publish(lane, i))
			return 1;
		if (i % BURST == BURST - 1)
			nanosleep(&pause, NULL);
	}
	signal_all(SIGCONT, gone);
	for (end = now() + LIMIT_NS; !all_read(events) && now() < end;)
		nanosleep(&pause, NULL);
	for (uint32_t i = 0; i < events; i++) {
		missing += !shared->times[i];
		repeated += shared->times[i] > 1;
	}
	printf("{\"missing\": %llu, \"repeated\": %llu, \"failover_ns\": [", (unsigned long long)missing,
			(unsigned long long)repeated);
	for (uint32_t i = 0; i < done; i++)
		printf("%s%llu", i ? ", " : "", (unsigned long long)recovery(killed[i], events));
	printf("]}\n");
	vex_port_close(port);
	for (uint32_t i = 0; i < MEMBERS; i++)
		if (i != gone) {
			kill(members[i], SIGKILL);
			waitpid(members[i], NULL, 0);
		}
	return 0;
}

/* Goes on where the data plane is gone: what it wrote is there still. */
static uint32_t read_for(struct vex_subscription *sub, uint64_t ns)
{
	const struct vex_record *records[64];
	uint64_t end = now() + ns;
	uint32_t got = 0;

	while (now() < end) {
		int count = vex_read(sub, records, 64);

		for (int i = 0; i < count; i++)
			got += records[i]->type != VEX_GAP;
		if (count <= 0)
			vex_wait(sub, 10);
	}
	return got;
}

static int stop(const char *socket, uint32_t events, pid_t plane)
{
	struct vex_subscribe_options member = {.socket = socket, .name = "a", .ring_size = 4096};
	struct vex_port_options options = {.socket = socket, .full = VEX_FULL_WAIT, .wait_us = 1000000};
	struct vex_subscription_stats stats;
	struct vex_subscription *sub;
	struct vex_port *port;
	struct vex_lane *lane;
	uint32_t got;

	if (vex_subscribe(&member, &sub) || vex_port_open(&options, &port) ||
			vex_lane_open(port, &lane))
		return fail("attach");
	for (uint32_t i = 0; i < events; i++)
		if (publish(lane, i))
			return 1;
	while (!vex_port_drained(port))
		usleep(1000);
	kill(plane, SIGTERM);
	got = read_for(sub, STOP_READ_NS);
	vex_subscription_get_stats(sub, &stats);
	printf("{\"read\": %u, \"lost\": %llu}\n", got, (unsigned long long)stats.lost);
	vex_unsubscribe(sub);
	vex_port_close(port);
	return 0;
}

int main(int argc, char **argv)
{
	uint32_t events = argc == 5 ? (uint32_t)atoi(argv[3]) : 0;
	uint32_t times = argc == 5 ? (uint32_t)atoi(argv[4]) : 0;
	bool pauses = argc == 5 && !strcmp(argv[1], "pause");

	with_long_path = argc == 5 && !strcmp(argv[1], "long");
	memset(long_path, 'x', PATH_LEN);
	long_path[0] = '/';
	if (argc == 3 && !strcmp(argv[1], "image"))
		return write_image(argv[2]);
	if (argc == 5 && !strcmp(argv[1], "stop"))
		return stop(argv[2], events, (pid_t)times);
	if (argc != 5 || (!pauses && !with_long_path && strcmp(argv[1], "run")) || !events || events > EVENTS_MAX ||
			times > KILLS_MAX || times >= events)
		return fail("usage: failover image FILE | run SOCKET EVENTS KILLS | "
			    "long SOCKET EVENTS KILLS | "
			    "stop SOCKET EVENTS PID | pause SOCKET EVENTS PAUSES");
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
			0);
	if (shared == MAP_FAILED)
		return fail("mmap");
	return run(argv[2], events, pauses ? 0 : times, pauses ? times : 0);
}
