/* SPDX-License-Identifier: BSD-3-Clause */
#include "splice.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loop.h"

#define PAGE 4096u
#define DRAIN 65536u

void splice_open(struct splice_pipe *pipe)
{
	int fds[2], bytes;

	*pipe = (struct splice_pipe){.in = -1, .out = -1};
	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return;
	pipe->out = fds[0];
	pipe->in = fds[1];
	/* A slot for the header, and one more where the first page is not taken from its start. */
	bytes = fcntl(pipe->in, F_SETPIPE_SZ, (int)(2 * LOOP_IO_MAX));
	if (bytes < 0)
		bytes = fcntl(pipe->in, F_SETPIPE_SZ, (int)LOOP_IO_MAX);
	if (bytes > (int)(2 * PAGE))
		pipe->room = (size_t)bytes - 2 * PAGE;
}

void splice_close(struct splice_pipe *pipe)
{
	if (pipe->in < 0)
		return;
	close(pipe->in);
	close(pipe->out);
	pipe->in = pipe->out = -1;
	pipe->room = 0;
}

/* What a failed attempt left in the pipe would become the start of the next answer. */
static void give_up(struct splice_pipe *pipe)
{
	char unwanted[DRAIN];

	while (read(pipe->out, unwanted, sizeof(unwanted)) > 0)
		;
	if (errno == EAGAIN)
		return;
	splice_close(pipe); /* a page in it can't be read */
	splice_open(pipe);
}

static bool fill(struct splice_pipe *pipe, uint64_t unique, int fd, size_t size, off_t off)
{
	struct fuse_out_header head = {.len = (uint32_t)(sizeof(head) + size), .unique = unique};

	if (write(pipe->in, &head, sizeof(head)) != sizeof(head))
		return false;
	while (size) {
		ssize_t n = splice(fd, &off, pipe->in, NULL, size, SPLICE_F_NONBLOCK);

		if (n <= 0)
			return false;
		size -= (size_t)n;
	}
	return true;
}

/* The kernel asks for whole pages: what lies beyond the end would be found out too late. */
static size_t until_end(int fd, size_t size, off_t off)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || off + (off_t)size <= st.st_size)
		return size;
	return off < st.st_size ? (size_t)(st.st_size - off) : 0;
}

ssize_t splice_begin(struct splice_pipe *pipe, uint64_t unique, int fd, size_t size, off_t off)
{
	size = until_end(fd, size, off);
	if (size < SPLICE_MIN || size > pipe->room)
		return -1;
	if (fill(pipe, unique, fd, size, off))
		return (ssize_t)size;
	give_up(pipe);
	return -1;
}

bool splice_reply(struct splice_pipe *pipe, int device, size_t size)
{
	size_t whole = sizeof(struct fuse_out_header) + size;
	ssize_t n = splice(pipe->out, NULL, device, NULL, whole, 0);
	int error = n < 0 ? errno : 0;

	if (n == (ssize_t)whole)
		return true;
	give_up(pipe);
	return error == ENOENT; /* nobody waits for it any more */
}
