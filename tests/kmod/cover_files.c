/* SPDX-License-Identifier: BSD-3-Clause */
/* Rows on open files, by every way in which they are read and written. */
#include "cover_support.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <linux/io_uring.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

static void do_open(void)
{
	close(open_file("a", O_RDONLY));
}

static void do_open_write(void)
{
	close(open_file("a", O_RDWR | O_APPEND));
}

static void do_create(void)
{
	close(open_file("a", O_CREAT | O_WRONLY | O_EXCL));
}

static void do_open_truncate(void)
{
	close(open_file("a", O_WRONLY | O_TRUNC));
}

static void do_tmpfile(void)
{
	close(open_file(".", O_TMPFILE | O_RDWR));
}

static void do_tmpfile_link(void)
{
	int fd = open_file(".", O_TMPFILE | O_RDWR);

	MUST(linkat(fd, "", AT_FDCWD, "a", AT_EMPTY_PATH));
	close(fd);
}

static void do_read(void)
{
	int fd = open_file("a", O_RDONLY);

	MUST(read(fd, page, 50));
	close(fd);
}

static void do_pread(void)
{
	int fd = open_file("a", O_RDONLY);

	MUST(pread(fd, page, 4096, 60));
	close(fd);
}

static void do_readv(void)
{
	struct iovec parts[2] = {{page, 10}, {page + 10, 20}};
	int fd = open_file("a", O_RDONLY);

	MUST(readv(fd, parts, 2));
	close(fd);
}

static void do_preadv2(void)
{
	struct iovec parts[2] = {{page, 10}, {page + 10, 20}};
	int fd = open_file("a", O_RDONLY);

	MUST(preadv2(fd, parts, 2, 5, 0));
	close(fd);
}

static void do_write(void)
{
	int fd = open_file("a", O_WRONLY);

	MUST(write(fd, page, 7));
	close(fd);
}

static void do_append(void)
{
	int fd = open_file("a", O_WRONLY | O_APPEND);

	MUST(write(fd, page, 7));
	close(fd);
}

static void do_pwritev(void)
{
	struct iovec parts[2] = {{page, 10}, {page + 10, 20}};
	int fd = open_file("a", O_WRONLY);

	MUST(pwritev(fd, parts, 2, 40));
	close(fd);
}

static void do_read_nothing(void)
{
	int fd = open_file("a", O_RDONLY);

	MUST(pread(fd, page, 10, 1000));
	close(fd);
}

static void do_sendfile(void)
{
	int from = open_file("a", O_RDONLY), to = open_file("b", O_WRONLY);

	MUST(sendfile(to, from, NULL, 100));
	close(from);
	close(to);
}

static void do_splice_in(void)
{
	int fd = open_file("a", O_RDONLY), pipes[2];

	MUST(pipe(pipes));
	MUST(splice(fd, NULL, pipes[1], NULL, 100, 0));
	close(fd);
}

static void do_splice_out(void)
{
	int fd = open_file("a", O_WRONLY), pipes[2];

	MUST(pipe(pipes));
	MUST(write(pipes[1], page, 30));
	MUST(splice(pipes[0], NULL, fd, NULL, 30, 0));
	close(fd);
}

static void do_copy(void)
{
	int from = open_file("a", O_RDONLY), to = open_file("b", O_WRONLY);
	loff_t in = 10, out = 20;

	MUST(copy_file_range(from, &in, to, &out, 50, 0));
	close(from);
	close(to);
}

/* One request by io_uring, without the library: which has no words of its own for it here. */
static void by_ring(int op, int fd, unsigned len)
{
	struct io_uring_params params = {0};
	int ring = (int)MUST(syscall(SYS_io_uring_setup, 4, &params));
	size_t size = params.sq_off.array + params.sq_entries * sizeof(unsigned);
	char *sq = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQ_RING);
	struct io_uring_sqe *sqe = mmap(NULL, params.sq_entries * sizeof(*sqe),
			PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQES);

	*sqe = (struct io_uring_sqe){.opcode = (uint8_t)op,
			.fd = fd,
			.addr = (uintptr_t)page,
			.len = len,
			.off = 3};
	*(unsigned *)(void *)(sq + params.sq_off.array) = 0;
	__atomic_store_n((unsigned *)(void *)(sq + params.sq_off.tail), 1, __ATOMIC_RELEASE);
	MUST(syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0));
	close(ring);
}

static void do_ring_read(void)
{
	int fd = open_file("a", O_RDONLY);

	by_ring(IORING_OP_READ, fd, 40);
	close(fd);
}

static void do_ring_write(void)
{
	int fd = open_file("a", O_WRONLY);

	by_ring(IORING_OP_WRITE, fd, 40);
	close(fd);
}

static void by_aio(uint16_t op, int fd)
{
	struct iocb request = {.aio_fildes = (uint32_t)fd,
			.aio_lio_opcode = op,
			.aio_buf = (uintptr_t)page,
			.aio_nbytes = 25,
			.aio_offset = 5};
	struct iocb *list[1] = {&request};
	struct io_event done;
	aio_context_t context = 0;

	MUST(syscall(SYS_io_setup, 1, &context));
	MUST(syscall(SYS_io_submit, context, 1, list));
	MUST(syscall(SYS_io_getevents, context, 1, 1, &done, NULL));
	MUST(syscall(SYS_io_destroy, context));
}

static void do_aio_read(void)
{
	int fd = open_file("a", O_RDONLY);

	by_aio(IOCB_CMD_PREAD, fd);
	close(fd);
}

static void do_aio_write(void)
{
	int fd = open_file("a", O_WRONLY);

	by_aio(IOCB_CMD_PWRITE, fd);
	close(fd);
}

static void do_mmap_write(void)
{
	int fd = open_file("a", O_RDWR);
	char *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	at[3] = 'y';
	MUST(msync(at, 4096, MS_SYNC));
	munmap(at, 4096);
	close(fd);
}

static void do_gone_at_once(void)
{
	int fd = open_file("a", O_CREAT | O_WRONLY | O_EXCL);

	MUST(unlink("a"));
	MUST(write(fd, page, 9));
	close(fd);
}

static void do_ftruncate(void)
{
	int fd = open_file("a", O_WRONLY);

	MUST(ftruncate(fd, 5000));
	close(fd);
}

static void do_readdir(void)
{
	int fd = open_file("d", O_RDONLY | O_DIRECTORY);

	MUST(syscall(SYS_getdents64, fd, page, sizeof(page)));
	close(fd);
}

static void do_fsync(void)
{
	int fd = open_file("a", O_WRONLY);

	MUST(fsync(fd));
	close(fd);
}

static void do_fdatasync(void)
{
	int fd = open_file("a", O_WRONLY);

	MUST(fdatasync(fd));
	close(fd);
}

static void do_sync_range(void)
{
	int fd = open_file("a", O_WRONLY);

	MUST(sync_file_range(fd, 10, 20, SYNC_FILE_RANGE_WRITE));
	close(fd);
}

static void do_fallocate(void)
{
	int fd = open_file("a", O_WRONLY);

	MUST(fallocate(fd, 1 /* keep size */, 100, 8192));
	close(fd);
}

static void do_by_handle(void)
{
	struct {
		struct file_handle head;
		unsigned char rest[128];
	} handle = {.head.handle_bytes = 128};
	int mount_id, top, fd;

	MUST(name_to_handle_at(AT_FDCWD, "a", &handle.head, &mount_id, 0));
	top = (int)MUST(open(".", O_RDONLY | O_DIRECTORY));
	fd = (int)MUST(open_by_handle_at(top, &handle.head, O_RDONLY));
	close(fd);
	close(top);
}

const struct row file_rows[] = {
	{"open", make_file, do_open, .events = {{VEX_OPEN, "a", .offset = ANY, .mode = S_IFREG | 0640},
		CLOSED("a")}},
	{"open-write", make_file, do_open_write,
		.events = {{VEX_OPEN, "a", .offset = ANY, .flags = O_RDWR | O_APPEND}, CLOSED("a")}},
	{"open-folder", make_folder, do_readdir, .events = {{VEX_OPEN, "d", NO_RANGE},
		{VEX_READDIR, "d", RANGE(0, 0)}, CLOSED("d")}},
	{"open-by-handle", make_file, do_by_handle, .not_on_overlay = true,
		.events = {OPENED(""), OPENED("a"), CLOSED("a"), CLOSED("")}},
	{"open-truncate", make_file, do_open_truncate, .events = {{VEX_OPEN, "a", .offset = ANY,
		.flags = O_WRONLY | O_TRUNC}, {VEX_TRUNCATE, "a", RANGE(0, 0)}, CLOSED("a")}},
	{"create", NULL, do_create, .events = {{VEX_CREATE, "a", .offset = ANY, .mode = S_IFREG | 0640,
		.flags = O_CREAT | O_EXCL}, OPENED("a"), CLOSED("a")}},
	{"tmpfile", NULL, do_tmpfile, .not_on_overlay = true, .events = {{VEX_TMPFILE, "#*", NO_RANGE},
		OPENED("#*"), CLOSED("#*")}},
	{"tmpfile-link", NULL, do_tmpfile_link, .not_on_overlay = true,
		.events = {{VEX_TMPFILE, "#*", NO_RANGE}, OPENED("#*"),
		{VEX_LINK, "#*", "a", NO_RANGE}, CLOSED("#*")}},
	{"read", make_file, do_read, .events = {OPENED("a"),
		{VEX_READ, "a", .result = 50, RANGE(0, 50)}, CLOSED("a")}},
	{"pread", make_file, do_pread, .events = {OPENED("a"),
		{VEX_READ, "a", .result = 40, RANGE(60, 4096)}, CLOSED("a")}},
	{"readv", make_file, do_readv, .events = {OPENED("a"),
		{VEX_READ, "a", .result = 30, RANGE(0, 30)}, CLOSED("a")}},
	{"preadv2", make_file, do_preadv2, .events = {OPENED("a"),
		{VEX_READ, "a", .result = 30, RANGE(5, 30)}, CLOSED("a")}},
	{"read-beyond", make_file, do_read_nothing, .events = {OPENED("a"),
		{VEX_READ, "a", .result = 0, RANGE(1000, 10)}, CLOSED("a")}},
	{"write", make_file, do_write, .events = {OPENED("a"),
		{VEX_WRITE, "a", .result = 7, RANGE(0, 7)}, CLOSED("a")}},
	{"append", make_file, do_append, .events = {OPENED("a"),
		{VEX_WRITE, "a", .result = 7, RANGE(100, 7)}, CLOSED("a")}},
	{"pwritev", make_file, do_pwritev, .events = {OPENED("a"),
		{VEX_WRITE, "a", .result = 30, RANGE(40, 30)}, CLOSED("a")}},
	{"sendfile", make_files, do_sendfile, .events = {OPENED("a"), OPENED("b"),
		{VEX_READ, "a", .result = 100, RANGE(0, 100)},
		{VEX_WRITE, "b", .result = 100, RANGE(0, 100)}, CLOSED("a"), CLOSED("b")}},
	{"splice-in", make_file, do_splice_in, .events = {OPENED("a"),
		{VEX_READ, "a", .result = 100, RANGE(0, 100)}, CLOSED("a")}},
	{"splice-out", make_file, do_splice_out, .events = {OPENED("a"),
		{VEX_WRITE, "a", .result = 30, RANGE(0, 30)}, CLOSED("a")}},
	{"copy-on-overlay", make_files, do_copy, .only_on_overlay = true, .events = {OPENED("a"),
		OPENED("b"), {VEX_COPY_FILE_RANGE, "b", "a", 50, RANGE(20, 50)}, CLOSED("a"), CLOSED("b")}},
	{"copy-file-range", make_files, do_copy, .not_on_overlay = true, .events = {OPENED("a"), OPENED("b"),
		{VEX_READ, "a", .result = 50, RANGE(10, 50)},
		{VEX_WRITE, "b", .result = 50, RANGE(20, 50)},
		{VEX_COPY_FILE_RANGE, "b", "a", 50, RANGE(20, 50)}, CLOSED("a"), CLOSED("b")}},
	{"io-uring-read", make_file, do_ring_read, .by_worker = true, .events = {OPENED("a"),
		{VEX_READ, "a", .result = 40, RANGE(3, 40)}, CLOSED("a")}},
	{"io-uring-write", make_file, do_ring_write, .by_worker = true, .events = {OPENED("a"),
		{VEX_WRITE, "a", .result = 40, RANGE(3, 40)}, CLOSED("a")}},
	{"aio-read", make_file, do_aio_read, .events = {OPENED("a"),
		{VEX_READ, "a", .result = 25, RANGE(5, 25)}, CLOSED("a")}},
	{"aio-write", make_file, do_aio_write, .events = {OPENED("a"),
		{VEX_WRITE, "a", .result = 25, RANGE(5, 25)}, CLOSED("a")}},
	{"mmap-write", make_file, do_mmap_write, .events = {OPENED("a"),
		{VEX_SYNC, "a", RANGE(0, 4096)}, CLOSED("a")}},
	{"gone-at-once", NULL, do_gone_at_once, .ino_of = "*", .events = {{VEX_CREATE, "a*", NO_RANGE},
		{VEX_OPEN, "a*", NO_RANGE}, {VEX_DELETE, "a*", NO_RANGE},
		{VEX_WRITE, "a*", .result = 9, RANGE(0, 9)}, {VEX_CLOSE, "a*", NO_RANGE}}},
	{"ftruncate", make_file, do_ftruncate, .events = {OPENED("a"),
		{VEX_TRUNCATE, "a", RANGE(0, 5000)}, CLOSED("a")}},
	{"fsync", make_file, do_fsync, .events = {OPENED("a"), {VEX_SYNC, "a", .offset = ANY},
		CLOSED("a")}},
	{"fdatasync", make_file, do_fdatasync, .events = {OPENED("a"), {VEX_SYNC, "a", .offset = ANY,
		.flags = 1}, CLOSED("a")}},
	{"sync-file-range", make_file, do_sync_range, .events = {OPENED("a"),
		{VEX_SYNC, "a", RANGE(10, 20)}, CLOSED("a")}},
	{"fallocate", make_file, do_fallocate, .events = {OPENED("a"),
		{VEX_FALLOCATE, "a", .offset = 100, .size = 8192, .flags = 1}, CLOSED("a")}},
};
const unsigned file_row_count = sizeof(file_rows) / sizeof(file_rows[0]);
