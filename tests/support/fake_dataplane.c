/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Stands in for the data plane where a test wants one that misbehaves: serves control sessions
 * and a statistics segment with the counts of a model.
 *
 *   fake_dataplane SOCKET [FAULT]
 *
 * FAULT is off-by-one (a port's count is wrong), refuse (nobody is let in), mute (orders are
 * not answered), no-fd (WELCOME without the segment), wrong-answer, torn (a block stays in the
 * middle of a change), held (events are held for ever), no-tap (it has no kernel module),
 * refuse-rules, mute-rules (they are not answered), die-rules (ends when rules come, and has taken
 * them), or none. Rules are checked, and their generation must grow.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/message.h"
#include "rule/verify.h"
#include "stat/rules.h"
#include "unit/plane_model.h"

#define CLIENTS_MAX 8u
#define BURSTS 200u
#define SLOTS 4096u

struct fake {
	const char *fault;
	struct vex_stat_segment *segment;
	int segment_fd;
	uint64_t generation; /* of the rules in force */
	struct vex_rules_segment *counters;
	int counters_fd;
	unsigned count;
	struct pollfd fds[1 + CLIENTS_MAX];
};

static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
	(void)number;
	stopped = 1;
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static bool fault_is(const struct fake *fake, const char *fault)
{
	return !strcmp(fake->fault, fault);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* As if all writes, and no others, had come to the kernel module's hooks. */
static void make_kernel(struct vex_kernel_stat *kernel)
{
	kernel->state = VEX_SLOT_LIVE;
	kernel->enabled = 1;
	kernel->returned = 5;
	kernel->lost[VEX_GAP_LANE_FULL] = 7;
	kernel->type[VEX_WRITE] = (struct vex_kernel_type_stat){.seen = 1000,
			.emitted = 900,
			.filtered = 93,
			.dropped = 7,
			.hook_ns = 2500,
			.timed = 10,
			.hook_min_ns = 100,
			.hook_max_ns = 400};
	kernel->selection.uid_count = 1;
	kernel->selection.uids[0] = 1000;
}

/* One port has a name that a terminal must never see as it is. */
static void make_segment(struct fake *fake)
{
	struct vex_stat_segment *segment;
	uint64_t random = 7;
	unsigned i;

	fake->segment_fd = memfd_create("statistics", MFD_CLOEXEC);
	if (fake->segment_fd < 0 || ftruncate(fake->segment_fd, sizeof(*segment)) < 0)
		die("memfd");
	segment = mmap(NULL, sizeof(*segment), PROT_READ | PROT_WRITE, MAP_SHARED,
			fake->segment_fd, 0);
	if (segment == MAP_FAILED)
		die("mmap");
	model_init(segment);
	for (i = 0; i < BURSTS; i++)
		model_burst(segment, i % MODEL_PORTS, 16, &random);
	segment->pid = (uint32_t)getpid();
	segment->started_ns = segment->heartbeat_ns = now_ns();
	segment->tsc_hz = 1000000000;
	strcpy(segment->port[2].name, "\033[31mred\xff");
	if (fault_is(fake, "off-by-one"))
		segment->port[0].delivered--;
	if (!fault_is(fake, "held"))
		model_drop_held(segment);
	if (fault_is(fake, "torn"))
		segment->port[0].generation |= 1;
	if (!fault_is(fake, "no-tap"))
		make_kernel(&segment->kernel);
	fake->segment = segment;
}

static void refuse(struct vex_message *message, int error, const char *reason)
{
	message->type = VEX_MESSAGE_REFUSED;
	message->error = error;
	snprintf(message->reason, sizeof(message->reason), "%s", reason);
}

static void carry_out(struct fake *fake, struct vex_message *message)
{
	uint32_t id = message->target.id;
	uint32_t worker = message->target.worker;
	bool is_port = message->type != VEX_MESSAGE_SUBSCRIBER_DETACH;

	if (id >= (is_port ? MODEL_PORTS : MODEL_SUBSCRIBERS)) {
		refuse(message, -ENOENT, is_port ? "no such port" : "no such subscriber");
		return;
	}
	if (message->type == VEX_MESSAGE_PORT_MOVE && worker >= MODEL_WORKERS) {
		refuse(message, -EINVAL, "no such worker");
		return;
	}
	if (message->type == VEX_MESSAGE_PORT_MOVE)
		fake->segment->port[id].worker = worker;
	else if (is_port)
		model_replace_port(fake->segment, id);
	else
		model_replace_subscriber(fake->segment, id);
	message->type = fault_is(fake, "wrong-answer") ? VEX_MESSAGE_LANE_ADDED : VEX_MESSAGE_DONE;
}

/* Whether what came is an image that nobody can change. */
static bool is_image(int fd, uint64_t size)
{
	int seals = fd < 0 ? 0 : fcntl(fd, F_GET_SEALS);
	int want = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW;
	void *image = MAP_FAILED;
	const char *why;
	bool good;

	if (seals >= 0 && (seals & want) == want)
		image = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (image == MAP_FAILED)
		return false;
	good = !rule_image_verify(image, size, &why);
	munmap(image, size);
	return good;
}

/* Rule i counted 10 i, in slots that are not in the order of the rules. */
static void show_rules(struct fake *fake, const struct vex_message *message)
{
	struct vex_rules_segment *counters = fake->counters;
	struct vex_ruleset_stat *ruleset = &fake->segment->ruleset;
	uint32_t i;

	vex_stat_begin(&fake->segment->generation);
	ruleset->generation = message->rules.generation;
	memcpy(ruleset->name, message->rules.name, sizeof(ruleset->name));
	vex_stat_end(&fake->segment->generation);
	vex_stat_begin(&counters->change);
	counters->generation = message->rules.generation;
	counters->rule_count = SLOTS;
	for (i = 0; i < SLOTS; i++) {
		counters->slots[i] = SLOTS - 1 - i;
		vex_rules_counters(counters, SLOTS, 0)[SLOTS - 1 - i].matched = 10ull * i;
	}
	vex_stat_end(&counters->change);
}

static void make_counters(struct fake *fake)
{
	size_t size = vex_rules_size(1, SLOTS);

	fake->counters_fd = memfd_create("counters", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fake->counters_fd < 0 || ftruncate(fake->counters_fd, (off_t)size) < 0)
		die("memfd");
	fake->counters = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fake->counters_fd, 0);
	if (fake->counters == MAP_FAILED ||
			fcntl(fake->counters_fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW) < 0)
		die("mmap");
	fake->counters->magic = VEX_RULES_MAGIC;
	fake->counters->version = VEX_RULES_VERSION;
	fake->counters->size = size;
	fake->counters->worker_count = 1;
	fake->counters->slot_count = SLOTS;
}

static void take_rules(struct fake *fake, struct vex_message *message, int fd)
{
	uint64_t generation = message->rules.generation;

	if (fault_is(fake, "die-rules"))
		exit(0);
	if (fault_is(fake, "refuse-rules")) {
		refuse(message, -EINVAL, "not these rules");
	} else if (!is_image(fd, message->rules.size)) {
		refuse(message, -EBADMSG, "no image");
	} else if (generation <= fake->generation) {
		refuse(message, -EALREADY, "the generation must grow");
	} else {
		fake->generation = generation;
		show_rules(fake, message);
		message->type = VEX_MESSAGE_DONE;
		message->done.generation = generation;
		message->done.swap_ns = 1000;
	}
}

/* What was selected stays as it came. */
static void order_kernel(struct fake *fake, struct vex_message *message, int fd)
{
	struct vex_kernel_stat *kernel = &fake->segment->kernel;
	struct vex_tap_select want;

	if (kernel->state == VEX_SLOT_FREE) {
		refuse(message, -ENODEV, "no tap");
		return;
	}
	if (message->type != VEX_MESSAGE_KERNEL_SELECT)
		kernel->enabled = message->type == VEX_MESSAGE_KERNEL_ENABLE;
	else if (pread(fd, &want, sizeof(want), 0) == sizeof(want))
		kernel->selection = want;
	else
		die("a selection");
	message->type = VEX_MESSAGE_DONE;
}

static int answer(struct fake *fake, int socket, struct vex_message *message,
		int fd)
{
	if (message->type == VEX_MESSAGE_RULE_COUNTERS) {
		message->type = VEX_MESSAGE_DONE;
		return vex_message_send(socket, message, fake->counters_fd);
	}
	if (message->type == VEX_MESSAGE_RULES && !message->rules.generation) {
		message->type = VEX_MESSAGE_DONE; /* there are no rules: nor had it any */
		return vex_message_send(socket, message, -1);
	}
	if (message->type == VEX_MESSAGE_RULES) {
		if (fault_is(fake, "mute-rules"))
			return 0;
		take_rules(fake, message, fd);
		return vex_message_send(socket, message, -1);
	}
	if (message->type >= VEX_MESSAGE_KERNEL_SELECT &&
			message->type <= VEX_MESSAGE_KERNEL_DISABLE) {
		order_kernel(fake, message, fd);
		return vex_message_send(socket, message, -1);
	}
	if (message->type != VEX_MESSAGE_HELLO) {
		if (fault_is(fake, "mute"))
			return 0;
		carry_out(fake, message);
		return vex_message_send(socket, message, -1);
	}
	if (fault_is(fake, "refuse")) {
		refuse(message, -EACCES, "not today");
		return vex_message_send(socket, message, -1);
	}
	message->type = VEX_MESSAGE_WELCOME;
	return vex_message_send(socket, message, fault_is(fake, "no-fd") ? -1 : fake->segment_fd);
}

static void serve_client(struct fake *fake, unsigned i)
{
	struct vex_message message;
	int fd;
	int error = vex_message_receive(fake->fds[i].fd, &message, &fd);

	if (!error)
		error = answer(fake, fake->fds[i].fd, &message, fd);
	if (fd >= 0)
		close(fd);
	if (error) {
		close(fake->fds[i].fd);
		fake->fds[i] = fake->fds[--fake->count];
	}
}

static void listen_at(struct fake *fake, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(address.sun_path)) {
		fprintf(stderr, "fake_dataplane: the path is too long\n");
		exit(2);
	}
	strcpy(address.sun_path, path);
	unlink(path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
			listen(fd, CLIENTS_MAX) < 0)
		die(path);
	fake->fds[0] = (struct pollfd){.fd = fd, .events = POLLIN};
	fake->count = 1;
}

static void serve(struct fake *fake)
{
	unsigned i;
	int fd;

	while (!stopped) {
		fake->segment->heartbeat_ns = now_ns();
		if (poll(fake->fds, fake->count, 1000) <= 0)
			continue;
		for (i = fake->count - 1; i > 0; i--)
			if (fake->fds[i].revents)
				serve_client(fake, i);
		if (!(fake->fds[0].revents & POLLIN) || fake->count > CLIENTS_MAX)
			continue;
		fd = accept4(fake->fds[0].fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0)
			fake->fds[fake->count++] = (struct pollfd){.fd = fd, .events = POLLIN};
	}
}

int main(int argc, char **argv)
{
	const struct sigaction action = {.sa_handler = on_signal};
	struct fake fake = {.fault = argc > 2 ? argv[2] : ""};

	if (argc < 2) {
		fprintf(stderr, "usage: fake_dataplane SOCKET [FAULT]\n");
		return 2;
	}
	sigaction(SIGTERM, &action, NULL);
	make_segment(&fake);
	make_counters(&fake);
	listen_at(&fake, argv[1]);
	serve(&fake);
	unlink(argv[1]);
	return 0;
}
