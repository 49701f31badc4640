/* SPDX-License-Identifier: BSD-3-Clause */
#include "wire/client.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

struct wire_client {
	int fd;
	unsigned timeout_ms;
	unsigned waited_ms; /* for the answer, at last */
	json_int_t last_id;
	size_t len;                      /* bytes of in that are filled */
	char in[WIRE_MESSAGE_MAX + 1];   /* a message and its newline */
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
};

static const char *open_advice(int error)
{
	switch (error) {
	case ENOENT:
	case ECONNREFUSED:
		return "nobody listens there; start vex-control";
	case EACCES:
	case EPERM:
		return "permission denied";
	default:
		return strerror(error);
	}
}

/* The time limit holds for a connect that waits in a full backlog, too. */
static int open_socket(struct wire_client *client)
{
	struct timeval limit = {
		.tv_sec = client->timeout_ms / 1000,
		.tv_usec = (client->timeout_ms % 1000) * 1000,
	};
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	memcpy(address.sun_path, client->path, sizeof(address.sun_path));
	client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (client->fd < 0 || setsockopt(client->fd, SOL_SOCKET, SO_SNDTIMEO, &limit,
			sizeof(limit)) < 0)
		return -errno;
	if (connect(client->fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	return 0;
}

int wire_client_open(const char *path, unsigned timeout_ms, struct wire_client **result,
		struct wire_failure *failure)
{
	struct wire_client *client;
	int ret;

	*result = NULL;
	if (!*path || strlen(path) >= sizeof(client->path)) {
		wire_fail(failure, WIRE_INTERNAL, "socket path '%.200s' is empty or too long",
				path);
		return -ENAMETOOLONG;
	}
	client = calloc(1, sizeof(*client));
	if (!client) {
		wire_fail(failure, WIRE_INTERNAL, "out of memory");
		return -ENOMEM;
	}
	strcpy(client->path, path);
	client->timeout_ms = timeout_ms;
	ret = open_socket(client);
	if (ret < 0) {
		wire_fail(failure, WIRE_INTERNAL, "cannot connect to %s: %s", path,
				open_advice(-ret));
		wire_client_close(client);
		return ret;
	}
	*result = client;
	return 0;
}

void wire_client_close(struct wire_client *client)
{
	if (!client)
		return;
	if (client->fd >= 0)
		close(client->fd);
	free(client);
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int wait_readable(const struct wire_client *client, int64_t deadline)
{
	struct pollfd pollfd = {.fd = client->fd, .events = POLLIN};
	int64_t left;
	int n;

	do {
		left = deadline - now_ms();
		if (left < 0)
			return -ETIMEDOUT;
		n = poll(&pollfd, 1, (int)left);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return n ? 0 : -ETIMEDOUT;
}

/* A server that refuses us says so and closes, perhaps before we wrote: then its word counts. */
static int send_all(const struct wire_client *client, const char *line, size_t left)
{
	ssize_t n;

	while (left) {
		n = send(client->fd, line, left, MSG_NOSIGNAL);
		if (n >= 0) {
			line += n;
			left -= (size_t)n;
		} else if (errno == EPIPE || errno == ECONNRESET) {
			return 0;
		} else if (errno != EINTR) {
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		}
	}
	return 0;
}

/*
 * Returns the length of the line that begins the buffer. Who is turned away before he has sent
 * all hears of the reset first; the reason stands behind it.
 */
static ssize_t receive_line(struct wire_client *client, int64_t deadline)
{
	bool reset = false;
	size_t scanned = 0;
	char *newline;
	ssize_t n;
	int ret;

	for (;;) {
		newline = memchr(client->in + scanned, '\n', client->len - scanned);
		if (newline)
			return newline - client->in;
		scanned = client->len;
		if (client->len == sizeof(client->in))
			return -EMSGSIZE;
		ret = wait_readable(client, deadline);
		if (ret < 0)
			return ret;
		n = recv(client->fd, client->in + client->len, sizeof(client->in) - client->len, 0);
		if (n == 0 || (n < 0 && errno == ECONNRESET && reset))
			return -ECONNRESET;
		if (n < 0 && errno != EINTR && errno != ECONNRESET)
			return -errno;
		reset = n < 0 && errno == ECONNRESET;
		if (n > 0)
			client->len += (size_t)n;
	}
}

static int no_answer(const struct wire_client *client, int error, struct wire_failure *failure)
{
	if (error == -ETIMEDOUT)
		wire_fail(failure, WIRE_INTERNAL, "%s did not answer within %u ms", client->path,
				client->waited_ms);
	else if (error == -ECONNRESET)
		wire_fail(failure, WIRE_INTERNAL, "%s closed the connection without an answer",
				client->path);
	else
		wire_fail(failure, WIRE_INTERNAL, "%s: %s", client->path, strerror(-error));
	return error;
}

int wire_client_begin(struct wire_client *client, const char *method, json_t *params,
		const void *bytes, size_t size, struct wire_failure *failure)
{
	char *line = wire_format_request(++client->last_id, method, params, size);
	int ret;

	client->waited_ms = client->timeout_ms;
	if (!line)
		return no_answer(client, -EMSGSIZE, failure);
	ret = send_all(client, line, strlen(line));
	free(line);
	if (!ret && size)
		ret = send_all(client, bytes, size);
	return ret < 0 ? no_answer(client, ret, failure) : 0;
}

int wire_client_wait(struct wire_client *client, unsigned timeout_ms, json_t **result,
		struct wire_failure *failure)
{
	ssize_t len = receive_line(client, now_ms() + timeout_ms);
	int ret;

	*result = NULL;
	client->waited_ms = timeout_ms;
	if (len < 0)
		return no_answer(client, (int)len, failure);
	ret = wire_parse_response(client->in, (size_t)len, client->last_id, result, failure);
	client->len -= (size_t)len + 1;
	memmove(client->in, client->in + len + 1, client->len);
	return ret;
}

int wire_client_call(struct wire_client *client, const char *method, json_t *params,
		json_t **result, struct wire_failure *failure)
{
	int ret = wire_client_begin(client, method, params, NULL, 0, failure);

	*result = NULL;
	return ret ? ret : wire_client_wait(client, client->timeout_ms, result, failure);
}
