/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/message.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define ANSWER_SECONDS 5

int vex_message_connect(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct timeval limit = {.tv_sec = ANSWER_SECONDS};
	int fd;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		int error = -errno;

		close(fd);
		return error;
	}
	return fd;
}

int vex_message_send(int socket, struct vex_message *message, int fd)
{
	char space[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec iov = {.iov_base = message, .iov_len = sizeof(*message)};
	struct msghdr header = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t n;

	message->magic = VEX_HANDSHAKE_MAGIC;
	message->version = VEX_ABI_VERSION;
	if (fd >= 0) {
		struct cmsghdr *control;

		header.msg_control = space;
		header.msg_controllen = sizeof(space);
		control = CMSG_FIRSTHDR(&header);
		control->cmsg_level = SOL_SOCKET;
		control->cmsg_type = SCM_RIGHTS;
		control->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(control), &fd, sizeof(fd));
	}
	do {
		n = sendmsg(socket, &header, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

/* Files that fit the room for one: what alignment adds to it is filled by the kernel as well. */
#define FDS_MAX ((CMSG_SPACE(sizeof(int)) - CMSG_LEN(0)) / sizeof(int))

static unsigned take_fds(struct msghdr *header, int *fds)
{
	struct cmsghdr *control = CMSG_FIRSTHDR(header);
	size_t size;

	if (!control || control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS)
		return 0;
	size = control->cmsg_len - CMSG_LEN(0);
	memcpy(fds, CMSG_DATA(control), size);
	return (unsigned)(size / sizeof(int));
}

static int check(const struct msghdr *header, ssize_t n, const struct vex_message *message,
		unsigned fd_count)
{
	if (n == 0)
		return -ECONNRESET;
	if (n != sizeof(*message) || header->msg_flags & (MSG_TRUNC | MSG_CTRUNC) || fd_count > 1)
		return -EPROTO;
	if (message->magic != VEX_HANDSHAKE_MAGIC || message->version != VEX_ABI_VERSION)
		return -EPROTO;
	return 0;
}

int vex_message_receive(int socket, struct vex_message *message, int *fd)
{
	char space[CMSG_SPACE(sizeof(int))];
	struct iovec iov = {.iov_base = message, .iov_len = sizeof(*message)};
	struct msghdr header = {.msg_iov = &iov,
			.msg_iovlen = 1,
			.msg_control = space,
			.msg_controllen = sizeof(space)};
	int fds[FDS_MAX], error;
	unsigned count;
	ssize_t n;

	*fd = -1;
	do {
		n = recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	count = take_fds(&header, fds);
	error = check(&header, n, message, count);
	if (!error && count)
		*fd = fds[0];
	while (error && count)
		close(fds[--count]);
	return error;
}

/* Who is turned away hears of the reset first; the reason stands behind it. */
static int receive_answer(int socket, struct vex_message *message, int *fd)
{
	int error = vex_message_receive(socket, message, fd);

	return error == -ECONNRESET ? vex_message_receive(socket, message, fd) : error;
}

int vex_message_ask(int socket, struct vex_message *message, int fd, uint16_t expected,
		int *passed)
{
	int error = vex_message_send(socket, message, fd);
	int got = -1;

	if (!error || error == -EPIPE || error == -ECONNRESET)
		error = receive_answer(socket, message, &got);
	if (!error && message->type == VEX_MESSAGE_REFUSED) {
		message->reason[sizeof(message->reason) - 1] = '\0';
		error = message->error < 0 ? message->error : -EPROTO;
	} else if (!error && message->type != expected) {
		error = -EPROTO;
	}
	if (passed && !error)
		*passed = got;
	else if (got >= 0)
		close(got);
	return error;
}
