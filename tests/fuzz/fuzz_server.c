/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The data plane's socket: some connections that say anything in any order, with any file beside
 * it, to a plane whose rounds are run in between, and write what they like into their lanes. When
 * all have hung up nothing of them is left: no port, subscriber, lane, event or open file; and
 * the accounts are right.
 */
#include "fuzz_files.h"

#include <sys/eventfd.h>

#include "base/log.h"
#include "base/message.h"
#include "dataplane/port.h"
#include "dataplane/rules.h"
#include "dataplane/server.h"
#include "dataplane/subscriber.h"
#include "support/harness.h"

#define CLIENTS 6u
#define STEPS_MAX 256
#define RING_MAX (64u << 10)
#define ROUNDS_MAX 10000
#define FDS 3u

int LLVMFuzzerInitialize(int *argc, char ***argv);

struct client {
	int socket; /* -1: none */
	struct vex_ring_map ring; /* offered last */
	struct vex_lane_writer writer; /* of it */
	struct vex_lane_consumer_page read; /* of the writer: as if all had been */
	struct vex_page_map page;
};

static struct plane *plane;
static struct server *server;
static struct client clients[CLIENTS];
static char path[64];
static unsigned files; /* that are open where nobody is there */
static bool rules_sent; /* by this input */

static void close_server(void)
{
	server_close(server);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const struct access access = {.mode = 0600};

	(void)argc;
	(void)argv;
	vex_log_setup("fuzz", VEX_LOG_ERROR, false);
	make_image(0);
	make_image(1);
	plane = harness_plane();
	plane->ring_max = RING_MAX;
	snprintf(path, sizeof(path), "%s/vex-fuzz-%d.sock", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp",
			getpid());
	MUST(!server_open(plane, path, &access, &server));
	atexit(close_server);
	for (unsigned i = 0; i < CLIENTS; i++)
		clients[i] = (struct client){.socket = -1, .ring.fd = -1, .page.fd = -1};
	return 0;
}

/* -- what is passed -- */

enum file { RING, PAGE, PAIR, NO_FILE, IMAGE, UNSEALED, WRITE_SEALED, EVENT, PIPE, NOTHING, FILE_COUNT };

static int make_ring(struct client *client, uint64_t ring_size)
{
	vex_ring_map_close(&client->ring);
	MUST(!vex_ring_map_create(&client->ring, ring_size));
	client->read.position = 0;
	vex_lane_writer_init(&client->writer, client->ring.ring, ring_size, client->ring.page,
			&client->read);
	return dup(client->ring.fd);
}

static int make_page(struct client *client)
{
	vex_page_map_close(&client->page);
	MUST(!vex_page_map_create(&client->page));
	return dup(client->page.fd);
}

static int make_file(struct client *client, enum file kind)
{
	switch (kind) {
	case RING:
		return make_ring(client, 4096u << draw(3));
	case PAGE:
		return make_page(client);
	case PAIR:
	case PIPE:
		return make_end(kind == PIPE);
	case IMAGE:
		return make_image_file();
	case UNSEALED:
		return make_sealed(0);
	case WRITE_SEALED:
		return make_sealed(F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
	case EVENT:
		return eventfd(0, EFD_CLOEXEC);
	case NOTHING:
		return open("/dev/null", O_RDWR | O_CLOEXEC);
	default:
		return -1;
	}
}

/* -- what is said -- */

/* Right as far as it goes; returns what belongs beside it. */
static enum file say_hello(struct vex_message *message)
{
	message->hello.role = 1 + draw(3);
	message->hello.name[0] = (char)('a' + draw(3));
	message->hello.ring_size = draw(2) ? 4096 : 8192;
	message->hello.boundary = message->hello.role == VEX_ROLE_PRODUCER ? 1 + draw(5) : draw(8) / 6;
	message->hello.flags = draw(4) ? 0 : draw(6) << VEX_PORT_QOS_SHIFT;
	return message->hello.role == VEX_ROLE_SUBSCRIBER ? PAIR : NO_FILE;
}

static enum file say_lane_add(struct client *client, struct vex_message *message)
{
	if (draw(2)) {
		message->lane.lane = draw(3);
		return PAGE;
	}
	message->lane.ring_size = 4096u << draw(3);
	message->lane.position = draw(4) ? 0 : 64ull * draw(256);
	message->lane.seq = draw(4) ? 0 : input_number(&input, 8);
	(void)client;
	return RING;
}

static enum file compose(struct client *client, struct vex_message *message)
{
	static const uint16_t kinds[] = {VEX_MESSAGE_HELLO, VEX_MESSAGE_HELLO, VEX_MESSAGE_LANE_ADD,
			VEX_MESSAGE_LANE_ADD, VEX_MESSAGE_LANE_ADD, VEX_MESSAGE_START,
			VEX_MESSAGE_START, VEX_MESSAGE_LANE_REMOVE, VEX_MESSAGE_PORT_MOVE,
			VEX_MESSAGE_PORT_DETACH, VEX_MESSAGE_SUBSCRIBER_DETACH, VEX_MESSAGE_RULES,
			VEX_MESSAGE_DONE};

	memset(message, 0, sizeof(*message));
	message->magic = VEX_HANDSHAKE_MAGIC;
	message->version = VEX_ABI_VERSION;
	message->type = kinds[draw(sizeof(kinds) / sizeof(*kinds))];
	switch (message->type) {
	case VEX_MESSAGE_HELLO:
		return say_hello(message);
	case VEX_MESSAGE_LANE_ADD:
		return say_lane_add(client, message);
	case VEX_MESSAGE_RULES:
		chosen = draw(2);
		message->rules.size = draw(4) ? image_sizes[chosen] : 0;
		message->rules.generation = message->rules.size ? plane->rules->generation + draw(4) : draw(2);
		rules_sent = true;
		return message->rules.size ? IMAGE : NO_FILE;
	default:
		message->target.id = draw(4);
		message->target.worker = draw(3);
		return NO_FILE;
	}
}

static void send_with(struct client *client, const void *data, size_t len, int *fds, size_t count)
{
	char space[CMSG_SPACE(FDS * sizeof(int))] = {0};
	struct iovec iov = {(void *)(uintptr_t)data, len};
	struct msghdr header = {.msg_iov = &iov, .msg_iovlen = 1};

	if (count) {
		struct cmsghdr *control;

		header.msg_control = space;
		header.msg_controllen = CMSG_SPACE(count * sizeof(int));
		control = CMSG_FIRSTHDR(&header);
		control->cmsg_level = SOL_SOCKET;
		control->cmsg_type = SCM_RIGHTS;
		control->cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(control), fds, count * sizeof(int));
	}
	sendmsg(client->socket, &header, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (count)
		close(fds[--count]);
}

/* One message in four or so is spoilt: a few of its bytes, its length, the file, or how many. */
static void say(struct client *client)
{
	uint8_t bytes[sizeof(struct vex_message) + 64] = {0};
	struct vex_message *message = (struct vex_message *)bytes;
	enum file kind = compose(client, message);
	size_t len = sizeof(*message);
	unsigned spoil = draw(16);
	size_t count = 0;
	int fds[FDS];

	if (spoil == 0)
		len = input_number(&input, 2) % sizeof(bytes);
	for (unsigned i = 0; spoil == 1 && i < 4; i++)
		bytes[draw(256)] = (uint8_t)input_number(&input, 1);
	if (spoil == 2)
		kind = (enum file)draw(FILE_COUNT);
	for (size_t wanted = spoil == 3 ? FDS : 1; count < wanted && kind != NO_FILE; count++)
		fds[count] = make_file(client, kind);
	send_with(client, bytes, len, fds, count);
}

static void hear(struct client *client)
{
	struct vex_message message;
	int fd = -1;

	if (!vex_message_receive(client->socket, &message, &fd) && fd >= 0)
		close(fd);
}

/* -- what is done -- */

static void connect_client(struct client *client)
{
	int fd = vex_message_connect(path);

	MUST(fd >= 0);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	client->socket = fd;
	server_poll(server, 0);
}

static void hang_up_client(struct client *client)
{
	if (client->socket >= 0)
		close(client->socket);
	client->socket = -1;
	vex_ring_map_close(&client->ring);
	vex_page_map_close(&client->page);
}

/* Records as a good producer's, of bytes that may be bad. */
static void produce(struct client *client)
{
	for (unsigned n = draw(20); n && client->ring.base; n--) {
		struct vex_record *record = vex_lane_reserve(&client->writer, VEX_RECORD_MIN);

		if (!record)
			return;
		memset(&record->id, 0, VEX_RECORD_MIN - offsetof(struct vex_record, id));
		record->type = draw(2) ? VEX_OPEN : VEX_READ;
		record->boundary = VEX_BOUNDARY_APP;
		record->pid = draw(4);
		record->result = -(int32_t)draw(2);
		input_bytes(&input, &record->start_ns, draw(16) ? 0 : 32);
		vex_lane_commit(&client->writer, record, VEX_RECORD_MIN);
		client->read.position = client->writer.head;
	}
}

/* Bytes anywhere in its memory. */
static void scribble(struct client *client)
{
	if (client->page.page)
		client->page.page->position = input_number(&input, draw(2) ? 2 : 8);
	if (!client->ring.base)
		return;
	input_bytes(&input, client->ring.ring + input_number(&input, 2) % client->ring.ring_size,
			draw(64));
	input_bytes(&input, client->ring.page, draw(2) ? sizeof(*client->ring.page) : 0);
}

static void ask(struct client *client, struct vex_message *message, int fd)
{
	message->magic = VEX_HANDSHAKE_MAGIC;
	message->version = VEX_ABI_VERSION;
	send_with(client, message, sizeof(*message), &fd, fd >= 0);
	server_poll(server, 0);
	hear(client);
}

static void ask_hello(struct client *client, uint32_t role)
{
	struct vex_message message = {.type = VEX_MESSAGE_HELLO};

	message.hello.role = role;
	message.hello.boundary = role == VEX_ROLE_PRODUCER ? VEX_BOUNDARY_APP : draw(8) / 6;
	message.hello.ring_size = 4096;
	message.hello.name[0] = (char)('a' + draw(3));
	ask(client, &message, role == VEX_ROLE_SUBSCRIBER ? make_end(false) : -1);
}

static void ask_lane(struct client *client, uint32_t number, int fd)
{
	struct vex_message message = {.type = VEX_MESSAGE_LANE_ADD};

	message.lane.lane = number;
	message.lane.ring_size = 4096;
	ask(client, &message, fd);
}

/* Loads rules and waits for them, for a while: another set may be on its way. */
static void ask_rules(struct client *client)
{
	uint64_t before = plane->rules->generation;
	struct vex_message message = {.type = VEX_MESSAGE_RULES};

	chosen = draw(2);
	rules_sent = true;
	message.rules.size = image_sizes[chosen];
	message.rules.generation = before + 1;
	ask(client, &message, make_image_file());
	for (unsigned i = 0; i < 20 && plane->rules->generation == before; i++)
		server_poll(server, 1);
}

/* All that a good one says: a producer with a lane, a subscriber, or a session that loads rules. */
static void attach(struct client *client)
{
	uint32_t role = 1 + draw(3);
	struct vex_message start = {.type = VEX_MESSAGE_START};

	ask_hello(client, role);
	if (role == VEX_ROLE_PRODUCER)
		ask_lane(client, 0, make_ring(client, 4096));
	for (uint32_t i = 0; role == VEX_ROLE_SUBSCRIBER && i < plane->worker_count; i++)
		ask_lane(client, i, make_page(client));
	if (role == VEX_ROLE_SUBSCRIBER)
		ask(client, &start, -1);
	if (role == VEX_ROLE_CONTROL)
		ask_rules(client);
}

static void step(void)
{
	struct client *client = &clients[draw(CLIENTS)];

	if (client->socket < 0)
		connect_client(client);
	switch (draw(8)) {
	case 0:
		harness_round(plane);
		break;
	case 1:
		if (draw(4))
			produce(client);
		else
			scribble(client);
		break;
	case 4:
		attach(client);
		break;
	case 2:
		if (!draw(4))
			hang_up_client(client);
		break;
	case 3:
		port_reap(plane);
		subscriber_reap(plane);
		subscriber_kick_waiting(plane);
		break;
	default:
		say(client);
		server_poll(server, 0);
		hear(client);
	}
}

static bool is_left(void)
{
	bool left = port_reap(plane);

	left = subscriber_reap(plane) || left;
	for (unsigned i = 0; i < VEX_PORTS_MAX; i++)
		left = left || plane->ports[i];
	for (unsigned i = 0; i < VEX_SUBSCRIBERS_MAX; i++)
		left = left || plane->subscribers[i];
	return left;
}

/* Rules go as they came; while others are being built this is refused. */
static void unload_rules(void)
{
	int session = vex_message_connect(path);
	struct vex_message message = {.type = VEX_MESSAGE_HELLO, .hello.role = VEX_ROLE_CONTROL};
	int fd;

	MUST(session >= 0 && !vex_message_send(session, &message, -1));
	server_poll(server, 0);
	server_poll(server, 0);
	MUST(!vex_message_receive(session, &message, &fd) && message.type == VEX_MESSAGE_WELCOME);
	close(fd);
	do {
		memset(&message, 0, sizeof(message));
		message.type = VEX_MESSAGE_RULES;
		MUST(!vex_message_send(session, &message, -1));
		for (fcntl(session, F_SETFL, O_NONBLOCK); vex_message_receive(session, &message, &fd);)
			server_poll(server, 1);
	} while (message.type != VEX_MESSAGE_DONE);
	MUST(!plane->rules->set);
	close(session);
	server_poll(server, 0);
	rules_sent = false;
}

/* Everybody is gone: the connections are hung up, what lanes hold is taken, all of it is freed. */
static void finish(void)
{
	unsigned rounds = 0;

	for (unsigned i = 0; i < CLIENTS; i++)
		hang_up_client(&clients[i]);
	for (unsigned i = 0; i < 2 * CLIENTS; i++)
		server_poll(server, 0);
	if (rules_sent)
		unload_rules();
	do {
		harness_round(plane);
		MUST(rounds++ < ROUNDS_MAX);
	} while (is_left());
	for (unsigned i = 0; i < plane->worker_count; i++) {
		MUST(plane->workers[i].held.used == 0);
		MUST(rte_mempool_full(plane->workers[i].objects));
		MUST(rte_mempool_full(plane->workers[i].long_objects));
	}
	MUST(harness_verify(plane));
	for (rounds = 0; count_files() != files; rounds++) { /* an image is closed by a thread */
		MUST(rounds < ROUNDS_MAX);
		usleep(100);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!files)
		files = count_files();
	input = (struct input){.at = data, .left = size};
	for (int i = 0; i < STEPS_MAX && input.left; i++)
		step();
	finish();
	return 0;
}
