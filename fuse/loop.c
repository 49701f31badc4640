/* SPDX-License-Identifier: BSD-3-Clause */
#include "loop.h"

#include <errno.h>
#include <linux/fuse.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "creds.h"
#include "emit.h"
#include "splice.h"
#include "vex/vex.h"

#define PAGE 4096u
/* Room for the header of a write before the page that its data starts on. */
#define BUFFER_SIZE (LOOP_IO_MAX + 2 * PAGE)
#define WRITE_HEAD (sizeof(struct fuse_in_header) + sizeof(struct fuse_write_in))

/* A request that takes longer may have waited for a disk. */
#define SLOW_NS 100000u
#define TIME_EVERY 8u /* requests, a power of two */
#define LOOK_EVERY 64u

/* From here on the protocol is younger than the headers of Debian 12. */
#define INIT_DIRECT_IO_ALLOW_MMAP (1ull << 36)
#define SETXATTR_SHORT 8u
#define SETXATTR_LONG_MINOR 33u

struct worker {
	pthread_t thread;
	uint32_t index;
	uint32_t opcode;  /* of the request in work */
	bool kills_setid;
	uint64_t served;  /* requests; read by loop_watch() */
	bool waits;	  /* for a request; atomic */
	uint8_t *in;
	uint8_t *io;
	struct splice_pipe pipe;
};

static struct {
	struct worker *workers;
	pthread_mutex_t growing;
	uint32_t started;     /* changed under growing; atomic */
	uint32_t ended;       /* atomic */
	int ended_fd;
	uint64_t offered;     /* by the kernel, FUSE_INIT flags */
	uint32_t library_minor;
	bool long_setxattr;   /* the kernel sends the long form */
} loop = {.growing = PTHREAD_MUTEX_INITIALIZER, .ended_fd = -1};

static __thread struct worker *self;

bool loop_kills_setid(void)
{
	return self && self->kills_setid;
}

void *loop_buffer(void)
{
	return self->io;
}

ssize_t loop_splice_begin(int fd, size_t size, off_t off)
{
	const struct fuse_in_header *head = (const void *)self->in;

	return splice_begin(&self->pipe, head->unique, fd, size, off);
}

void loop_splice_reply(fuse_req_t req, int fd, size_t n, off_t off)
{
	ssize_t got;

	if (splice_reply(&self->pipe, fuse_session_fd(mirror.session), n)) {
		fuse_reply_none(req); /* the library has nothing left to say */
		return;
	}
	got = pread(fd, self->io, n, off);
	if (got < 0)
		fuse_reply_err(req, errno);
	else
		fuse_reply_buf(req, (const char *)self->io, (size_t)got);
}

int loop_ended_fd(void)
{
	return loop.ended_fd;
}

static uint64_t init_wishes(void)
{
	uint64_t wishes = FUSE_HANDLE_KILLPRIV_V2 | FUSE_PARALLEL_DIROPS | FUSE_SETXATTR_EXT;

	if (mirror.options.cache == CACHE_NONE)
		wishes |= INIT_DIRECT_IO_ALLOW_MMAP;
	return wishes & loop.offered;
}

static void amend_init(struct fuse_init_out *out)
{
	uint64_t wishes = init_wishes();

	loop.library_minor = out->minor;
	loop.long_setxattr = wishes & FUSE_SETXATTR_EXT;
	out->flags |= (uint32_t)wishes;
	if (loop.offered & FUSE_INIT_EXT) {
		out->flags |= FUSE_INIT_EXT;
		out->flags2 |= (uint32_t)(wishes >> 32);
	}
}

static ssize_t device_read(int fd, void *buf, size_t len, void *userdata)
{
	(void)userdata;
	return read(fd, buf, len);
}

static ssize_t device_write(int fd, struct iovec *iov, int count, void *userdata)
{
	const struct fuse_out_header *head = iov[0].iov_base;

	(void)userdata;
	if (self && self->opcode == FUSE_INIT && count > 1 && !head->error &&
			iov[1].iov_len >= sizeof(struct fuse_init_out))
		amend_init(iov[1].iov_base);
	return writev(fd, iov, count);
}

/* The library takes one of two forms, the kernel sends one of two. */
static void fit_setxattr(struct worker *worker, struct fuse_buf *buf)
{
	bool wants_long = loop.library_minor >= SETXATTR_LONG_MINOR;
	struct fuse_in_header *head = buf->mem;
	uint8_t *in = (uint8_t *)(head + 1);
	size_t len = buf->size - sizeof(*head);
	struct fuse_setxattr_in arg;

	if (loop.long_setxattr && len >= sizeof(arg)) {
		memcpy(&arg, in, sizeof(arg));
		worker->kills_setid = arg.setxattr_flags & FUSE_SETXATTR_ACL_KILL_SGID;
	}
	if (wants_long == loop.long_setxattr || len < sizeof(arg))
		return;
	if (wants_long) {
		memmove(in + sizeof(arg), in + SETXATTR_SHORT, len - SETXATTR_SHORT);
		memset(in + SETXATTR_SHORT, 0, sizeof(arg) - SETXATTR_SHORT);
		buf->size += sizeof(arg) - SETXATTR_SHORT;
	} else {
		memmove(in + SETXATTR_SHORT, in + sizeof(arg), len - sizeof(arg));
		buf->size -= sizeof(arg) - SETXATTR_SHORT;
	}
}

static void note_init(const struct fuse_init_in *in)
{
	loop.offered = in->flags;
	if (in->flags & FUSE_INIT_EXT)
		loop.offered |= (uint64_t)in->flags2 << 32;
}

static void translate(struct worker *worker, struct fuse_buf *buf)
{
	struct fuse_in_header *head = buf->mem;
	const void *in = head + 1;

	worker->opcode = head->opcode;
	worker->kills_setid = false;
	switch (head->opcode) {
	case FUSE_INIT:
		note_init(in);
		break;
	case FUSE_TMPFILE: /* O_TMPFILE stands in its flags, as create() sees */
		head->opcode = FUSE_CREATE;
		break;
	case FUSE_OPEN:
	case FUSE_CREATE:
		worker->kills_setid = ((const struct fuse_open_in *)in)->open_flags &
				FUSE_OPEN_KILL_SUIDGID;
		break;
	case FUSE_WRITE:
		worker->kills_setid = ((const struct fuse_write_in *)in)->write_flags &
				FUSE_WRITE_KILL_SUIDGID;
		break;
	case FUSE_SETXATTR:
		fit_setxattr(worker, buf);
		break;
	}
}

static int grow(void);

static bool anyone_waits(void)
{
	uint32_t count = VEX_LOAD_ACQUIRE(&loop.started);

	for (uint32_t i = 0; i < count; i++)
		if (VEX_LOAD_RELAXED(&loop.workers[i].waits))
			return true;
	return false;
}

/* Whether a request took so long, or so many come, that one more thread would help. */
static bool is_short_of_threads(struct worker *worker, uint64_t began_ns)
{
	struct pollfd device = {.fd = fuse_session_fd(mirror.session), .events = POLLIN};

	if (anyone_waits())
		return false;
	if (vex_now_ns() - began_ns > SLOW_NS)
		return true;
	return worker->served % LOOK_EVERY == 0 && poll(&device, 1, 0) > 0;
}

/*
 * Requests go round among all threads that wait, from processor to processor: no more threads
 * are started than it takes.
 */
static void serve(struct worker *worker)
{
	for (;;) {
		struct fuse_buf buf = {.mem = worker->in};
		bool timed = worker->served % TIME_EVERY == TIME_EVERY - 1;
		uint64_t began_ns;
		int n;

		VEX_STORE_RELAXED(&worker->waits, true);
		n = fuse_session_receive_buf(mirror.session, &buf);
		VEX_STORE_RELAXED(&worker->waits, false);
		if (n == -EINTR || n == -EAGAIN)
			continue;
		if (n <= 0)
			return;
		began_ns = timed ? vex_now_ns() : 0;
		translate(worker, &buf);
		fuse_session_process_buf(mirror.session, &buf);
		VEX_STORE_RELAXED(&worker->served, worker->served + 1);
		if (timed && is_short_of_threads(worker, began_ns))
			grow();
	}
}

static void *work(void *arg)
{
	struct worker *worker = arg;
	uint64_t one = 1;
	int error = creds_thread();

	self = worker;
	splice_open(&worker->pipe);
	emit_use_lane(worker->index);
	if (error)
		vex_error("worker %u cannot have a umask of its own: %s", worker->index,
				strerror(-error));
	else
		serve(worker);
	splice_close(&worker->pipe);
	__atomic_add_fetch(&loop.ended, 1, __ATOMIC_RELEASE);
	if (write(loop.ended_fd, &one, sizeof(one)) < 0)
		vex_error("worker %u cannot tell that it ended", worker->index);
	return NULL;
}

static int start_worker(struct worker *worker, uint32_t index)
{
	size_t size = BUFFER_SIZE + LOOP_IO_MAX;
	uint8_t *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			-1, 0);

	if (memory == MAP_FAILED)
		return -errno;
	worker->index = index;
	worker->in = memory + PAGE - WRITE_HEAD; /* the data of a write is page-aligned */
	worker->io = memory + BUFFER_SIZE;
	return -pthread_create(&worker->thread, NULL, work, worker);
}

/* Without memory for a further thread, those that are there go on. */
static int grow(void)
{
	int error = 0;

	pthread_mutex_lock(&loop.growing);
	if (loop.started < mirror.options.threads) {
		error = start_worker(&loop.workers[loop.started], loop.started);
		if (!error)
			VEX_STORE_RELEASE(&loop.started, loop.started + 1);
	}
	pthread_mutex_unlock(&loop.growing);
	return error;
}

int loop_start(void)
{
	static const struct fuse_custom_io io = {.read = device_read, .writev = device_write};
	int error;

	loop.ended_fd = eventfd(0, EFD_CLOEXEC);
	loop.workers = calloc(mirror.options.threads, sizeof(*loop.workers));
	if (loop.ended_fd < 0 || !loop.workers)
		return -ENOMEM;
	error = fuse_session_custom_io(mirror.session, &io, fuse_session_fd(mirror.session));
	return error ? error : grow();
}

static uint32_t started(void)
{
	uint32_t count;

	pthread_mutex_lock(&loop.growing);
	count = loop.started;
	pthread_mutex_unlock(&loop.growing);
	return count;
}

void loop_watch(void)
{
	static uint64_t before;
	uint32_t count = started();
	uint64_t served = 0;

	for (uint32_t i = 0; i < count; i++)
		served += VEX_LOAD_RELAXED(&loop.workers[i].served);
	if (served == before && !anyone_waits())
		grow();
	before = served;
}

bool loop_join(unsigned int timeout_ms)
{
	struct timespec tick = {.tv_nsec = 1000000};

	while (__atomic_load_n(&loop.ended, __ATOMIC_ACQUIRE) < started()) {
		if (!timeout_ms--)
			return false;
		nanosleep(&tick, NULL);
	}
	for (uint32_t i = 0; i < started(); i++)
		pthread_join(loop.workers[i].thread, NULL);
	return true;
}
