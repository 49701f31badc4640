/* SPDX-License-Identifier: BSD-3-Clause */
#include "wire/client.h"
#include "wire/server.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "abi/types.h"
#include "base/listen.h"
#include "support/unit.h"

#define CALL_MS 20000u

static char folder[] = "/tmp/vex-wire-XXXXXX";
static char path[64];

/* A server on a thread of its own, as its users see one. */
struct running {
	pthread_t thread;
	uv_loop_t loop;
	uv_async_t stop;
	struct wire_server *server;
	struct wire_call *later; /* answered by the next call */
	bool deny;
};

static struct running running;

static bool admit(void *context, const struct wire_peer *peer, struct wire_failure *failure)
{
	struct running *r = context;

	CU_ASSERT_EQUAL(peer->cred.uid, getuid());
	CU_ASSERT_EQUAL(peer->cred.pid, getpid());
	wire_fail(failure, WIRE_DENIED, "you may not");
	return !r->deny;
}

/* Their sum and their count. */
static void reply_bytes(struct wire_call *call)
{
	json_int_t sum = 0;
	size_t size;
	uint8_t *bytes = wire_call_take_bytes(call, &size);
	size_t i;

	for (i = 0; i < size; i++)
		sum += bytes[i];
	free(bytes);
	wire_reply(call, json_pack("[I, I]", sum, (json_int_t)size));
}

static void on_call(void *context, struct wire_call *call, const char *method, json_t *params)
{
	struct running *r = context;
	struct wire_failure failure;

	if (!strcmp(method, "echo")) {
		wire_reply(call, params ? json_incref(params) : json_null());
	} else if (!strcmp(method, "later")) {
		VEX_STORE_RELEASE(&r->later, call);
	} else if (!strcmp(method, "now")) {
		if (r->later)
			wire_reply(r->later, json_string("at last"));
		VEX_STORE_RELEASE(&r->later, NULL);
		wire_reply(call, json_true());
	} else if (!strcmp(method, "bytes")) {
		reply_bytes(call);
	} else if (!strcmp(method, "large")) {
		wire_reply(call, json_sprintf("%0*d", (int)WIRE_MESSAGE_MAX, 0));
	} else {
		wire_fail(&failure, WIRE_NO_METHOD, "no method '%s'", method);
		wire_reply_failure(call, &failure);
	}
}

static bool accept_bytes(void *context, const struct wire_peer *peer, const char *method,
		size_t bytes, struct wire_failure *failure)
{
	(void)context;
	(void)peer;
	(void)bytes;
	if (!strcmp(method, "bytes"))
		return true;
	wire_fail(failure, WIRE_PARAMS, "not behind this");
	return false;
}

static const struct wire_server_ops ops = {.admit = admit, .call = on_call,
		.accept = accept_bytes};

static void on_stop(uv_async_t *async)
{
	struct running *r = async->data;
	struct wire_failure failure;

	wire_server_stop(r->server);
	if (r->later) {
		wire_fail(&failure, WIRE_AWAY, "stopping");
		wire_reply_failure(r->later, &failure);
	}
	uv_close((uv_handle_t *)async, NULL);
}

static void *run(void *context)
{
	struct running *r = context;

	uv_run(&r->loop, UV_RUN_DEFAULT);
	CU_ASSERT_EQUAL(uv_loop_close(&r->loop), 0);
	return NULL;
}

static void start(bool deny)
{
	char text[256] = "";
	int fd = vex_listen(path, SOCK_STREAM, 0666, text, sizeof(text));

	CU_ASSERT_FATAL(fd >= 0);
	memset(&running, 0, sizeof(running));
	running.deny = deny;
	uv_loop_init(&running.loop);
	uv_async_init(&running.loop, &running.stop, on_stop);
	running.stop.data = &running;
	CU_ASSERT_EQUAL_FATAL(wire_server_start(&running.loop, fd, &ops, &running,
			&running.server), 0);
	pthread_create(&running.thread, NULL, run, &running);
}

static void stop(void)
{
	uv_async_send(&running.stop);
	pthread_join(running.thread, NULL);
	unlink(path);
}

static int connect_raw(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const struct timeval limit = {.tv_sec = CALL_MS / 1000};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	CU_ASSERT_EQUAL_FATAL(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void send_raw(int fd, const char *text, size_t len)
{
	CU_ASSERT_EQUAL(send(fd, text, len, MSG_NOSIGNAL), (ssize_t)len);
}

/* One line, without its newline; empty at the end of the connection. */
static const char *read_line(int fd)
{
	static char line[WIRE_MESSAGE_MAX];
	size_t n = 0;

	while (n + 1 < sizeof(line) && recv(fd, line + n, 1, 0) == 1 && line[n] != '\n')
		n++;
	line[n] = '\0';
	return line;
}

static int code_of(const char *line)
{
	json_t *root = json_loads(line, 0, NULL);
	json_t *code = json_object_get(json_object_get(root, "error"), "code");
	int value = json_is_integer(code) ? (int)json_integer_value(code) : 0;

	json_decref(root);
	return value;
}

static void test_calls(void)
{
	struct wire_client *client;
	struct wire_failure failure;
	json_t *params = json_pack("{s:i, s:s}", "a", 1, "b", "\n\"");
	json_t *result;

	start(false);
	CU_ASSERT_EQUAL_FATAL(wire_client_open(path, CALL_MS, &client, &failure), 0);
	CU_ASSERT_EQUAL(wire_client_call(client, "echo", params, &result, &failure), 0);
	CU_ASSERT(json_equal(result, params));
	json_decref(result);
	CU_ASSERT_EQUAL(wire_client_call(client, "nothing", NULL, &result, &failure), -EREMOTEIO);
	CU_ASSERT_EQUAL(failure.code, WIRE_NO_METHOD);
	CU_ASSERT_EQUAL(wire_client_call(client, "large", NULL, &result, &failure), -EREMOTEIO);
	CU_ASSERT_EQUAL(failure.code, WIRE_INTERNAL);
	CU_ASSERT_EQUAL(wire_client_call(client, "echo", params, &result, &failure), 0);
	json_decref(result);
	json_decref(params);
	wire_client_close(client);
	stop();
}

/* A call that is answered late holds up only its own connection, or none if it is gone. */
static void test_late_answers(void)
{
	static const char later[] = "{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"later\"}\n"
			"{\"jsonrpc\":\"2.0\",\"id\":10,\"method\":\"echo\"}\n";
	struct wire_client *client;
	struct wire_failure failure;
	json_t *result;
	unsigned i;
	int fd;

	start(false);
	CU_ASSERT_EQUAL_FATAL(wire_client_open(path, CALL_MS, &client, &failure), 0);
	for (i = 0; i < 2; i++) {
		fd = connect_raw();
		send_raw(fd, later, strlen(later));
		do { /* until it was received */
			CU_ASSERT_EQUAL(wire_client_call(client, "echo", NULL, &result,
					&failure), 0);
			json_decref(result);
		} while (!VEX_LOAD_ACQUIRE(&running.later));
		if (i == 1)
			close(fd);
		CU_ASSERT_EQUAL(wire_client_call(client, "now", NULL, &result, &failure), 0);
		json_decref(result);
		if (i == 0) {
			CU_ASSERT_STRING_EQUAL(read_line(fd),
					"{\"jsonrpc\":\"2.0\",\"id\":9,\"result\":\"at last\"}");
			CU_ASSERT_STRING_EQUAL(read_line(fd),
					"{\"jsonrpc\":\"2.0\",\"id\":10,\"result\":null}");
			close(fd);
		}
	}
	wire_client_close(client);
	stop();
}

static void test_stop_with_call_under_way(void)
{
	static const char later[] = "{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"later\"}\n";
	struct pollfd pollfd = {.events = POLLIN};

	start(false);
	pollfd.fd = connect_raw();
	send_raw(pollfd.fd, later, strlen(later));
	while (!VEX_LOAD_ACQUIRE(&running.later))
		poll(NULL, 0, 1);
	stop();
	CU_ASSERT_STRING_EQUAL(read_line(pollfd.fd), "");
	close(pollfd.fd);
}

static void test_bad_bytes(void)
{
	static const char two[] = "garbage\n{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"echo\"}\n";
	size_t len = WIRE_MESSAGE_MAX + 1;
	char *text = malloc(len);
	size_t i;
	int fd;

	start(false);
	fd = connect_raw();
	for (i = 0; i < strlen(two); i++)
		send_raw(fd, two + i, 1);
	CU_ASSERT_EQUAL(code_of(read_line(fd)), WIRE_PARSE);
	CU_ASSERT_STRING_EQUAL(read_line(fd), "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":null}");
	memset(text, 'x', len);
	send_raw(fd, text, len);
	CU_ASSERT_EQUAL(code_of(read_line(fd)), WIRE_INVALID);
	CU_ASSERT_STRING_EQUAL(read_line(fd), "");
	close(fd);
	free(text);
	stop();
}

/* Many requests at once, and nobody who reads the answers: the server goes on with others. */
static void test_no_reader(void)
{
	static const char line[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"echo\"}\n";
	struct wire_client *client;
	struct wire_failure failure;
	struct pollfd pollfd = {.events = POLLOUT};
	json_t *result;
	ssize_t n;

	start(false);
	pollfd.fd = connect_raw();
	fcntl(pollfd.fd, F_SETFL, O_NONBLOCK);
	do {
		n = send(pollfd.fd, line, strlen(line), MSG_NOSIGNAL);
	} while (n == (ssize_t)strlen(line) || (n < 0 && poll(&pollfd, 1, 200) == 1));
	CU_ASSERT_EQUAL_FATAL(wire_client_open(path, CALL_MS, &client, &failure), 0);
	CU_ASSERT_EQUAL(wire_client_call(client, "echo", NULL, &result, &failure), 0);
	json_decref(result);
	wire_client_close(client);
	close(pollfd.fd);
	stop();
}

static void test_denied(void)
{
	struct wire_client *client;
	struct wire_failure failure;
	json_t *result;

	start(true);
	CU_ASSERT_EQUAL_FATAL(wire_client_open(path, CALL_MS, &client, &failure), 0);
	CU_ASSERT_EQUAL(wire_client_call(client, "echo", NULL, &result, &failure), -EREMOTEIO);
	CU_ASSERT_EQUAL(failure.code, WIRE_DENIED);
	CU_ASSERT_STRING_EQUAL(failure.text, "you may not");
	wire_client_close(client);
	stop();
}

/* One more than the limit is told so; when one leaves there is room again. */
static void test_connection_limit(void)
{
	static const char line[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"echo\"}\n";
	unsigned limit = getuid() ? WIRE_USER_CONNECTIONS_MAX : WIRE_CONNECTIONS_MAX;
	int fds[WIRE_CONNECTIONS_MAX];
	unsigned i;
	int code;
	int fd;

	start(false);
	for (i = 0; i < limit; i++) {
		fds[i] = connect_raw();
		send_raw(fds[i], line, strlen(line));
		CU_ASSERT_EQUAL(code_of(read_line(fds[i])), 0);
	}
	fd = connect_raw();
	CU_ASSERT_EQUAL(code_of(read_line(fd)), WIRE_BUSY);
	close(fd);
	close(fds[0]);
	do { /* until the server has seen that one left */
		fd = connect_raw();
		CU_ASSERT(send(fd, line, strlen(line), MSG_NOSIGNAL) > 0 || errno == EPIPE);
		code = code_of(read_line(fd));
		close(fd);
	} while (code == WIRE_BUSY);
	CU_ASSERT_EQUAL(code, 0);
	for (i = 1; i < limit; i++)
		close(fds[i]);
	stop();
}

static void test_client_failures(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char too_long[200];
	struct wire_client *client;
	struct wire_failure failure;
	json_t *result;
	int fd;

	CU_ASSERT_EQUAL(wire_client_open(path, CALL_MS, &client, &failure), -ENOENT);
	CU_ASSERT_PTR_NOT_NULL(strstr(failure.text, path));
	memset(too_long, 'x', sizeof(too_long) - 1);
	too_long[sizeof(too_long) - 1] = '\0';
	CU_ASSERT_EQUAL(wire_client_open(too_long, CALL_MS, &client, &failure), -ENAMETOOLONG);

	/* A server that neither accepts nor answers. */
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	CU_ASSERT_EQUAL(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	CU_ASSERT_EQUAL(listen(fd, 1), 0);
	CU_ASSERT_EQUAL_FATAL(wire_client_open(path, 50, &client, &failure), 0);
	CU_ASSERT_EQUAL(wire_client_call(client, "echo", NULL, &result, &failure), -ETIMEDOUT);
	wire_client_close(client);
	CU_ASSERT_EQUAL_FATAL(wire_client_open(path, CALL_MS, &client, &failure), 0);
	close(fd);
	CU_ASSERT_EQUAL(wire_client_call(client, "echo", NULL, &result, &failure), -ECONNRESET);
	wire_client_close(client);
	CU_ASSERT_EQUAL(wire_client_open(path, CALL_MS, &client, &failure), -ECONNREFUSED);
	unlink(path);
}

#define MANY (5u << 20)

static void check_sum(struct wire_client *client, const char *bytes, size_t size, json_int_t sum)
{
	struct wire_failure failure;
	json_t *result;

	CU_ASSERT_EQUAL(wire_client_begin(client, "bytes", NULL, bytes, size, &failure), 0);
	CU_ASSERT_EQUAL_FATAL(wire_client_wait(client, CALL_MS, &result, &failure), 0);
	CU_ASSERT_EQUAL(json_integer_value(json_array_get(result, 0)), sum);
	CU_ASSERT_EQUAL(json_integer_value(json_array_get(result, 1)), (json_int_t)size);
	json_decref(result);
}

/* Newlines among them are no ends of messages, and what follows them is one again. */
static void test_bytes(void)
{
	char *bytes = calloc(1, MANY);
	struct wire_client *client;
	struct wire_failure failure;
	json_t *result;
	size_t i;

	for (i = 0; i < MANY; i += 100)
		bytes[i] = '\n';
	start(false);
	CU_ASSERT_EQUAL_FATAL(wire_client_open(path, CALL_MS, &client, &failure), 0);
	check_sum(client, bytes, MANY, 10 * ((MANY + 99) / 100));
	check_sum(client, bytes, 1, 10);
	CU_ASSERT_EQUAL(wire_client_call(client, "echo", NULL, &result, &failure), 0);
	json_decref(result);
	check_sum(client, "", 0, 0);
	CU_ASSERT_EQUAL(wire_client_begin(client, "echo", NULL, bytes, MANY, &failure), 0);
	CU_ASSERT_EQUAL(wire_client_wait(client, CALL_MS, &result, &failure), -EREMOTEIO);
	CU_ASSERT_EQUAL(failure.code, WIRE_PARAMS);
	wire_client_close(client);
	free(bytes);
	stop();
}

static void test_bytes_refused(void)
{
	static const char *const requests[] = {
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"bytes\",\"bytes\":-1}\nx",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"bytes\",\"bytes\":\"1\"}\nx",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"bytes\",\"bytes\":536870913}\nx",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"x\":1,\"method\":\"bytes\",\"bytes\":1}\nx",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"echo\",\"bytes\":1}\nx",
	};
	static const char half[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"bytes\","
			"\"bytes\":536870912}\nsome";
	unsigned i;
	int fd[2];

	start(false);
	for (i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		fd[0] = connect_raw();
		send_raw(fd[0], requests[i], strlen(requests[i]));
		CU_ASSERT(code_of(read_line(fd[0])) != 0);
		close(fd[0]);
	}
	for (i = 0; i < 3; i++) { /* who goes away gives back what he held */
		fd[0] = connect_raw();
		fd[1] = connect_raw();
		send_raw(fd[0], half, strlen(half));
		close(fd[0]);
		send_raw(fd[1], "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"echo\"}\n", 42);
		CU_ASSERT_EQUAL(code_of(read_line(fd[1])), 0);
		close(fd[1]);
	}
	for (i = 0; i < 2; i++) {
		fd[i] = connect_raw();
		send_raw(fd[i], half, strlen(half));
	}
	CU_ASSERT_EQUAL(code_of(read_line(fd[1])), WIRE_BUSY);
	close(fd[0]);
	close(fd[1]);
	stop();
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"calls", test_calls},
		{"late answers", test_late_answers},
		{"stopped with a call under way", test_stop_with_call_under_way},
		{"bad bytes", test_bad_bytes},
		{"a caller who does not read", test_no_reader},
		{"a caller who is not let in", test_denied},
		{"as many connections as may be", test_connection_limit},
		{"servers that fail", test_client_failures},
		{"bytes behind a request", test_bytes},
		{"bytes that are refused", test_bytes_refused},
		CU_TEST_INFO_NULL,
	};
	int ret;

	signal(SIGPIPE, SIG_IGN);
	if (!mkdtemp(folder))
		return 1;
	snprintf(path, sizeof(path), "%s/socket", folder);
	ret = unit_run("wire server", tests);
	rmdir(folder);
	return ret;
}
