/* SPDX-License-Identifier: BSD-3-Clause */
#include "fuse_load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "clock.h"

#define FILES 3000u /* passthrough_ll holds a descriptor each; 4,096 are the default */
#define BLOCK 4096u
#define CHUNK (1u << 20)
#define DATA_BYTES (64u << 20)
#define BLOCKS 8192u
#define PASSES 4u /* of sequential reads and writes */
#define DATA_NAME "data"
#define NAME_SIZE 320

struct load {
	const struct bench_env *env;
	const char *source;
	const char *mount;
	double *values;
	unsigned files;
	unsigned blocks;
	size_t bytes;
	uint8_t *buffer; /* CHUNK bytes */
};

static int fail(const char *what, const char *name)
{
	int error = errno ? errno : EIO;

	vex_error("fuse: %s %s: %s", what, name, strerror(error));
	return -error;
}

static void rate(struct load *load, enum fuse_metric metric, double count, uint64_t cycles)
{
	load->values[metric] = count * load->env->tsc_hz / (double)cycles;
}

static int fill(const char *name, int flags, const uint8_t *buffer, size_t bytes)
{
	int fd = open(name, flags | O_WRONLY | O_CLOEXEC, 0644);
	int error = 0;

	if (fd < 0)
		return fail("can't open", name);
	for (size_t done = 0; done < bytes && !error; done += CHUNK)
		if (pwrite(fd, buffer, CHUNK, (off_t)done) != CHUNK)
			error = fail("can't write", name);
	if (close(fd) && !error)
		error = fail("can't close", name);
	return error;
}

int fuse_load_prepare(const char *source)
{
	char name[NAME_SIZE];
	uint8_t *buffer = malloc(CHUNK);
	int error;

	if (!buffer)
		return -ENOMEM;
	memset(buffer, 'v', CHUNK);
	snprintf(name, sizeof(name), "%s/%s", source, DATA_NAME);
	error = fill(name, O_CREAT | O_EXCL, buffer, DATA_BYTES);
	free(buffer);
	return error;
}

static int make_files(const char *dir, unsigned count)
{
	char name[NAME_SIZE];

	for (unsigned i = 0; i < count; i++) {
		int fd;

		snprintf(name, sizeof(name), "%s/file-%05u", dir, i);
		fd = open(name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
		if (fd < 0 || close(fd))
			return fail("can't create", name);
	}
	return 0;
}

static int drop_files(const char *dir, unsigned count)
{
	char name[NAME_SIZE];

	for (unsigned i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "%s/file-%05u", dir, i);
		if (unlink(name))
			return fail("can't unlink", name);
	}
	return 0;
}

/* Create, then unlink, while the kernel still trusts the names that it has just learnt. */
static int names_run(struct load *load)
{
	char dir[NAME_SIZE - 32];
	uint64_t begin;
	int error;

	snprintf(dir, sizeof(dir), "%s/names", load->mount);
	if (mkdir(dir, 0755))
		return fail("can't make", dir);
	begin = cycles_now();
	error = make_files(dir, load->files);
	rate(load, FUSE_CREATE, load->files, cycles_now() - begin);
	if (error)
		return error;
	begin = cycles_now();
	error = drop_files(dir, load->files);
	rate(load, FUSE_UNLINK, load->files, cycles_now() - begin);
	if (!error && rmdir(dir))
		error = fail("can't remove", dir);
	return error;
}

/* Of files made beneath the mount, so that the kernel knows none of them. */
static int stat_run(struct load *load)
{
	char dir[NAME_SIZE - 32], name[NAME_SIZE];
	static unsigned turn; /* the kernel may still know the names of the last one */
	struct stat st;
	uint64_t begin;
	int error;

	snprintf(dir, sizeof(dir), "%s/stat-%u", load->source, ++turn);
	if (mkdir(dir, 0755))
		return fail("can't make", dir);
	error = make_files(dir, load->files);
	begin = cycles_now();
	for (unsigned i = 0; i < load->files && !error; i++) {
		snprintf(name, sizeof(name), "%s/stat-%u/file-%05u", load->mount, turn, i);
		if (stat(name, &st))
			error = fail("can't stat", name);
	}
	rate(load, FUSE_STAT, load->files, cycles_now() - begin);
	/* Through the mount, or each mirror would hold them for ever. */
	snprintf(dir, sizeof(dir), "%s/stat-%u", load->mount, turn);
	if (!error)
		error = drop_files(dir, load->files);
	if (!error && rmdir(dir))
		error = fail("can't remove", dir);
	return error;
}

/* Opened with none of it in the kernel's cache. */
static int open_cold(const char *name, int advice)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return fail("can't open", name);
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	posix_fadvise(fd, 0, 0, advice);
	return fd;
}

/* Each block at most once, in an order without readahead: a stride that is odd. */
static int read_4k_run(struct load *load, const char *name)
{
	const uint32_t total = DATA_BYTES / BLOCK;
	uint32_t block = 0;
	uint64_t begin;
	int error = 0;
	int fd = open_cold(name, POSIX_FADV_RANDOM);

	if (fd < 0)
		return fd;
	begin = cycles_now();
	for (unsigned i = 0; i < load->blocks && !error; i++) {
		if (pread(fd, load->buffer, BLOCK, (off_t)block * BLOCK) != BLOCK)
			error = fail("can't read", name);
		block = (block + 6827) % total;
	}
	rate(load, FUSE_READ_4K, load->blocks, cycles_now() - begin);
	close(fd);
	return error;
}

static int write_4k_run(struct load *load, const char *name)
{
	uint64_t begin;
	int error = 0;
	int fd = open(name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);

	if (fd < 0)
		return fail("can't create", name);
	begin = cycles_now();
	for (unsigned i = 0; i < load->blocks && !error; i++)
		if (pwrite(fd, load->buffer, BLOCK, (off_t)i * BLOCK) != BLOCK)
			error = fail("can't write", name);
	rate(load, FUSE_WRITE_4K, load->blocks, cycles_now() - begin);
	close(fd);
	if (!error && unlink(name))
		error = fail("can't unlink", name);
	return error;
}

static int seq_read_once(struct load *load, const char *name, uint64_t *cycles)
{
	uint64_t begin;
	int error = 0;
	int fd = open_cold(name, POSIX_FADV_SEQUENTIAL);

	if (fd < 0)
		return fd;
	begin = cycles_now();
	for (size_t done = 0; done < load->bytes && !error; done += CHUNK)
		if (pread(fd, load->buffer, CHUNK, (off_t)done) != CHUNK)
			error = fail("can't read", name);
	*cycles += cycles_now() - begin;
	close(fd);
	return error;
}

static int seq_read_run(struct load *load, const char *name)
{
	uint64_t cycles = 0;
	int error = 0;

	for (unsigned i = 0; i < PASSES && !error; i++)
		error = seq_read_once(load, name, &cycles);
	rate(load, FUSE_SEQ_READ, (double)load->bytes * PASSES, cycles);
	return error;
}

static int seq_write_run(struct load *load, const char *name)
{
	uint64_t cycles = 0;
	int error = 0;

	for (unsigned i = 0; i < PASSES && !error; i++) {
		uint64_t begin = cycles_now();

		error = fill(name, O_CREAT | O_EXCL, load->buffer, load->bytes);
		cycles += cycles_now() - begin;
		if (!error && unlink(name))
			error = fail("can't unlink", name);
	}
	rate(load, FUSE_SEQ_WRITE, (double)load->bytes * PASSES, cycles);
	return error;
}

static int data_run(struct load *load)
{
	char data[NAME_SIZE], scratch[NAME_SIZE];
	int error;

	snprintf(data, sizeof(data), "%s/%s", load->mount, DATA_NAME);
	snprintf(scratch, sizeof(scratch), "%s/scratch", load->mount);
	error = read_4k_run(load, data);
	if (!error)
		error = write_4k_run(load, scratch);
	if (!error)
		error = seq_read_run(load, data);
	if (!error)
		error = seq_write_run(load, scratch);
	return error;
}

int fuse_load_run(const struct bench_env *env, const char *source, const char *mount,
		double values[FUSE_METRIC_COUNT])
{
	unsigned part = env->quick ? 4 : 1;
	struct load load = {.env = env, .source = source, .mount = mount, .values = values,
		.files = FILES / part, .blocks = BLOCKS / part, .bytes = DATA_BYTES / part};
	int error;

	load.buffer = malloc(CHUNK);
	if (!load.buffer)
		return -ENOMEM;
	memset(load.buffer, 'v', CHUNK);
	error = names_run(&load);
	if (!error)
		error = stat_run(&load);
	if (!error)
		error = data_run(&load);
	free(load.buffer);
	return error;
}
