/* SPDX-License-Identifier: BSD-3-Clause */
#include "store.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/write.h"
#include "store_work.h"

#define TEMPORARY ".new.rules"
#define NAME_MAX_ 32u

static void name_of(uint64_t number, char name[NAME_MAX_])
{
	snprintf(name, NAME_MAX_, "%010" PRIu64 ".rules", number);
}

static bool number_of(const char *name, uint64_t *number)
{
	char again[NAME_MAX_];

	*number = strtoull(name, NULL, 10);
	name_of(*number, again);
	return *number && !strcmp(name, again);
}

static int fail(char why[STORE_WHY_MAX], const struct store *store, const char *what, int error)
{
	snprintf(why, STORE_WHY_MAX, "%s %.250s: %s", what, store->path, strerror(error));
	return -error;
}

static int open_version(const struct store *store, uint64_t number)
{
	char name[NAME_MAX_];

	name_of(number, name);
	return openat(store->folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
}

static void read_head(const struct store *store, struct version *version)
{
	int fd = open_version(store, version->number);
	char why[BUNDLE_WHY_MAX];

	if (fd < 0) {
		snprintf(why, sizeof(why), "%s", strerror(errno));
	} else {
		version->meta = bundle_read_meta(fd, &version->bytes, why);
		close(fd);
	}
	if (version->meta)
		return;
	vex_error("rules: version %" PRIu64 " is damaged: %s; it is skipped", version->number, why);
	store_version_damaged(version, why);
}

static int read_folder(struct store *store)
{
	int fd = openat(store->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);
	struct version version = {0};
	struct dirent *entry;

	if (!folder) {
		int error = errno;

		if (fd >= 0)
			close(fd);
		return -error;
	}
	while ((entry = readdir(folder)) && store->count < STORE_VERSIONS_MAX)
		if (number_of(entry->d_name, &version.number)) {
			version.meta = NULL;
			version.why = NULL;
			read_head(store, &version);
			store_versions_add(store, &version);
		}
	closedir(folder);
	store_versions_sort(store);
	return 0;
}

/* A folder of its own in the folder of the daemon, both made where need be. */
static int open_folder(struct store *store, char why[STORE_WHY_MAX])
{
	char *slash = strrchr(store->path, '/');

	assert(slash);
	*slash = '\0';
	if (mkdir(store->path, 0755) < 0 && errno != EEXIST)
		return fail(why, store, "cannot make", errno);
	*slash = '/';
	if (mkdir(store->path, 0700) < 0 && errno != EEXIST)
		return fail(why, store, "cannot make", errno);
	store->folder = open(store->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (store->folder < 0)
		return fail(why, store, "cannot open", errno);
	if (faccessat(store->folder, ".", W_OK, AT_EACCESS) < 0)
		return fail(why, store, "cannot write to", errno);
	if (flock(store->folder, LOCK_EX | LOCK_NB) < 0)
		return fail(why, store, "another vex-control has", errno == EWOULDBLOCK ? EBUSY
											: errno);
	return 0;
}

int store_open(const char *folder, struct store **result, char why[STORE_WHY_MAX])
{
	struct store *store = calloc(1, sizeof(*store));
	int error;

	*result = NULL;
	if (!store || asprintf(&store->path, "%s/rules", folder) < 0) {
		free(store);
		snprintf(why, STORE_WHY_MAX, "out of memory");
		return -ENOMEM;
	}
	store->folder = -1;
	pthread_mutex_init(&store->lock, NULL);
	error = open_folder(store, why);
	if (!error) {
		unlinkat(store->folder, TEMPORARY, 0);
		error = read_folder(store);
		if (error)
			fail(why, store, "cannot read", -error);
	}
	if (error) {
		store_close(store);
		return error;
	}
	*result = store;
	return 0;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	store_versions_free(store);
	if (store->folder >= 0)
		close(store->folder);
	pthread_mutex_destroy(&store->lock);
	free(store->path);
	free(store);
}

int store_write(struct store *store, const void *data, size_t size, char why[STORE_WHY_MAX])
{
	int fd = openat(store->folder, TEMPORARY,
			O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	int error = fd < 0 ? -errno : vex_write_all(fd, data, size);

	if (!error && fsync(fd) < 0)
		error = -errno;
	if (fd >= 0 && close(fd) < 0 && !error)
		error = -errno;
	if (!error)
		return 0;
	store_discard(store);
	return fail(why, store, "cannot write to", -error);
}

void store_discard(struct store *store)
{
	unlinkat(store->folder, TEMPORARY, 0);
}

static void prune(struct store *store, unsigned keep, uint64_t keep_bytes)
{
	char name[NAME_MAX_];
	uint64_t number;

	while ((number = store_versions_take_surplus(store, keep ? keep : 1, keep_bytes))) {
		name_of(number, name);
		unlinkat(store->folder, name, 0);
	}
}

int store_commit(struct store *store, uint64_t number, unsigned keep, uint64_t keep_bytes,
		char why[STORE_WHY_MAX])
{
	struct version version = {.number = number};
	char name[NAME_MAX_];

	assert(number > store_last(store));
	name_of(number, name);
	if (renameat(store->folder, TEMPORARY, store->folder, name) < 0 ||
			fsync(store->folder) < 0) {
		int error = errno;

		unlinkat(store->folder, name, 0);
		store_discard(store);
		return fail(why, store, "cannot write to", error);
	}
	read_head(store, &version);
	if (store_versions_add(store, &version))
		store_version_free(&version); /* it is there after a restart */
	prune(store, keep, keep_bytes);
	return 0;
}

struct bundle *store_read(struct store *store, uint64_t number, char why[STORE_WHY_MAX])
{
	struct bundle *bundle = NULL;
	char fault[BUNDLE_WHY_MAX];
	int fd;

	if (!store_versions_find(store, number, NULL)) {
		snprintf(why, STORE_WHY_MAX, "there is no version %" PRIu64 " (any more)", number);
		return NULL;
	}
	fd = open_version(store, number);
	if (fd < 0) {
		snprintf(fault, sizeof(fault), "%s", strerror(errno));
	} else {
		bundle = bundle_map(fd, fault);
		close(fd);
	}
	if (bundle)
		return bundle;
	store_versions_find(store, number, fault);
	snprintf(why, STORE_WHY_MAX, "version %" PRIu64 " can't be used: %s", number, fault);
	return NULL;
}

ssize_t store_read_part(struct store *store, uint64_t number, uint64_t offset, void *data,
		size_t size)
{
	int fd = store_versions_find(store, number, NULL) ? open_version(store, number) : -1;
	ssize_t n;

	if (fd < 0)
		return -ENOENT;
	n = pread(fd, data, size, (off_t)offset);
	if (n < 0)
		n = -errno;
	close(fd);
	return n;
}
