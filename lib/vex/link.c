/* SPDX-License-Identifier: BSD-3-Clause */
#include "vex/link.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/membarrier.h"
#include "base/message.h"
#include "vex/vex.h"

#define RETRY_FIRST_MS 10
#define RETRY_LAST_MS 200
#define FINISH_MS 1000

static __thread char last_error[256] = "no error";

const char *vex_last_error(void)
{
	return last_error;
}

uint64_t vex_now_ns(void)
{
	return vex_clock_now();
}

int vex_fail(int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(last_error, sizeof(last_error), format, args);
	va_end(args);
	return error;
}

void vex_copy_name(char *to, const char *name)
{
	snprintf(to, VEX_NAME_MAX, "%s", name ? name : program_invocation_short_name);
}

bool vex_link_connected(const struct vex_link *link)
{
	return VEX_LOAD_RELAXED(&link->connected);
}

int vex_link_ask(struct vex_link *link, struct vex_message *message, int fd, uint16_t expected,
		int *passed)
{
	int error = vex_message_ask(link->socket, message, fd, expected, passed);

	if (error && message->type != VEX_MESSAGE_REFUSED)
		shutdown(link->socket, SHUT_RDWR);
	return error;
}

static void drop(struct vex_link *link)
{
	if (link->socket >= 0)
		close(link->socket);
	link->socket = -1;
	VEX_STORE_RELAXED(&link->connected, false);
}

static int try_attach(struct vex_link *link)
{
	int error;

	pthread_mutex_lock(&link->lock);
	link->socket = vex_message_connect(link->path);
	if (link->socket >= 0)
		error = link->attach(link->owner);
	else
		error = vex_fail(link->socket, "%s: %s", link->path, strerror(-link->socket));
	if (error) {
		drop(link);
	} else {
		link->attaches++;
		VEX_STORE_RELAXED(&link->connected, true);
	}
	pthread_mutex_unlock(&link->lock);
	return error;
}

/* Sleeps for so long, or until the link is to stop. */
static bool stopped_within(struct vex_link *link, int ms)
{
	struct pollfd fds = {.fd = link->stop, .events = POLLIN};

	return poll(&fds, 1, ms) > 0;
}

/* How long to wait before there is something to do for the owner; -1: for ever. */
static int finish(struct vex_link *link)
{
	bool more;

	if (!link->finish)
		return -1;
	pthread_mutex_lock(&link->lock);
	more = link->finish(link->owner);
	pthread_mutex_unlock(&link->lock);
	return more ? FINISH_MS : -1;
}

/* Waits for the other side to hang up; answers are left to those who asked. */
static bool stopped_before_loss(struct vex_link *link)
{
	struct pollfd fds[2] = {{.fd = link->socket, .events = POLLRDHUP},
			{.fd = link->stop, .events = POLLIN}};

	for (;;) {
		if (poll(fds, 2, finish(link)) < 0 && errno != EINTR)
			return true;
		if (fds[1].revents)
			return true;
		if (fds[0].revents)
			return false;
	}
}

static void *keep_up(void *arg)
{
	struct vex_link *link = arg;
	int wait_ms = RETRY_FIRST_MS;

	for (;;) {
		if (vex_link_connected(link)) {
			if (stopped_before_loss(link))
				return NULL;
			pthread_mutex_lock(&link->lock);
			drop(link);
			link->lost(link->owner);
			pthread_mutex_unlock(&link->lock);
			wait_ms = RETRY_FIRST_MS;
		}
		if (stopped_within(link, wait_ms))
			return NULL;
		if (try_attach(link))
			wait_ms = wait_ms * 2 < RETRY_LAST_MS ? wait_ms * 2 : RETRY_LAST_MS;
	}
}

/* The application's signals stay with its own threads. */
static int start_thread(struct vex_link *link)
{
	sigset_t all, old;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	error = pthread_create(&link->thread, NULL, keep_up, link);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	link->running = !error;
	return -error;
}

static uint64_t monotonic_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static bool absent(int error)
{
	return error == -ENOENT || error == -ECONNREFUSED || error == -ECONNRESET ||
			error == -EAGAIN;
}

static int first_attach(struct vex_link *link, uint32_t connect_ms)
{
	uint64_t until = monotonic_ms() + connect_ms;
	int error;

	for (;;) {
		error = try_attach(link);
		if (!absent(error) || monotonic_ms() >= until)
			return error;
		if (stopped_within(link, RETRY_FIRST_MS))
			return error;
	}
}

int vex_link_open(struct vex_link *link, const char *path, uint32_t connect_ms, bool background)
{
	const char *chosen = path ? path : getenv("VEX_SOCKET");
	int error;

	if (!chosen)
		chosen = VEX_SOCKET_DEFAULT;
	link->socket = -1;
	if (snprintf(link->path, sizeof(link->path), "%s", chosen) >= (int)sizeof(link->path))
		return vex_fail(-ENAMETOOLONG, "socket %s: the path is too long", chosen);
	link->stop = eventfd(0, EFD_CLOEXEC);
	if (link->stop < 0)
		return vex_fail(-errno, "eventfd: %s", strerror(errno));
	pthread_mutex_init(&link->lock, NULL);
	vex_membarrier_register();
	error = first_attach(link, connect_ms);
	if (error && absent(error))
		vex_fail(error, "no data plane answers at %s (%s); is vex-dataplane running?",
				link->path, strerror(-error));
	if (!error || (absent(error) && background))
		error = start_thread(link);
	if (error)
		vex_link_close(link);
	return error;
}

void vex_link_close(struct vex_link *link)
{
	if (link->running) {
		eventfd_write(link->stop, 1);
		pthread_join(link->thread, NULL);
		link->running = false;
	}
	drop(link);
	close(link->stop);
	pthread_mutex_destroy(&link->lock);
}
