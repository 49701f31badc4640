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

#include "rule/memory.h"

#define TEMPORARY ".new.rules"
#define NAME_MAX_ 32u

struct version {
	uint64_t number;
	uint64_t bytes;
	json_t *meta;
	char *why;
};

struct store {
	int folder;
	char *path;
	pthread_mutex_t lock; /* of what follows; never held over input or output */
	uint64_t last;
	size_t count;
	size_t capacity;
	struct version *versions; /* by number */
};

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

static int by_number(const void *a, const void *b)
{
	const struct version *left = a;
	const struct version *right = b;

	return (left->number > right->number) - (left->number < right->number);
}

/* Takes over what the version owns. */
static int add_version(struct store *store, const struct version *version)
{
	struct version *versions;

	pthread_mutex_lock(&store->lock);
	versions = rule_array_room(store->versions, store->count, &store->capacity,
			sizeof(*versions));
	if (versions) {
		store->versions = versions;
		versions[store->count++] = *version;
		if (version->number > store->last)
			store->last = version->number;
	}
	pthread_mutex_unlock(&store->lock);
	return versions ? 0 : -ENOMEM;
}

static void set_damaged(struct version *version, const char *why)
{
	json_decref(version->meta);
	version->meta = NULL;
	free(version->why);
	version->why = strdup(why);
}

static void read_head(const struct store *store, struct version *version)
{
	int fd = open_version(store, version->number);
	char why[BUNDLE_WHY_MAX];

	if (fd < 0) {
		set_damaged(version, strerror(errno));
		return;
	}
	version->meta = bundle_read_meta(fd, &version->bytes, why);
	if (!version->meta)
		set_damaged(version, why);
	close(fd);
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
			add_version(store, &version);
		}
	closedir(folder);
	if (store->count)
		qsort(store->versions, store->count, sizeof(*store->versions), by_number);
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

static void free_version(struct version *version)
{
	json_decref(version->meta);
	free(version->why);
}

void store_close(struct store *store)
{
	size_t i;

	if (!store)
		return;
	for (i = 0; i < store->count; i++)
		free_version(&store->versions[i]);
	free(store->versions);
	if (store->folder >= 0)
		close(store->folder);
	pthread_mutex_destroy(&store->lock);
	free(store->path);
	free(store);
}

static json_t *describe(const struct version *version)
{
	json_t *o = version->meta ? json_copy(version->meta) : json_object();

	json_object_del(o, "files");
	json_object_del(o, "objects");
	if (json_object_get(o, "switched"))
		json_object_set_new(o, "switched", json_integer((json_int_t)json_object_size(
				json_object_get(version->meta, "switched"))));
	json_object_set_new(o, "version", json_integer((json_int_t)version->number));
	json_object_set_new(o, "bytes", json_integer((json_int_t)version->bytes));
	if (!version->meta)
		json_object_set_new(o, "damaged",
				json_string(version->why ? version->why : "damaged"));
	return o;
}

json_t *store_list(struct store *store, uint64_t from, uint64_t *next)
{
	json_t *list = json_array();
	size_t bytes = 0;
	json_t *version;
	size_t i;

	*next = 0;
	pthread_mutex_lock(&store->lock);
	for (i = 0; i < store->count && !*next; i++) {
		if (store->versions[i].number < from)
			continue;
		version = describe(&store->versions[i]);
		bytes += json_dumpb(version, NULL, 0, JSON_COMPACT);
		if (bytes > STORE_LIST_BYTES && json_array_size(list)) {
			*next = store->versions[i].number;
			json_decref(version);
		} else {
			json_array_append_new(list, version);
		}
	}
	pthread_mutex_unlock(&store->lock);
	return list;
}

uint64_t store_newest(struct store *store, uint64_t below)
{
	uint64_t number = 0;
	size_t i;

	pthread_mutex_lock(&store->lock);
	for (i = 0; i < store->count && store->versions[i].number < below; i++)
		if (store->versions[i].meta)
			number = store->versions[i].number;
	pthread_mutex_unlock(&store->lock);
	return number;
}

uint64_t store_last(struct store *store)
{
	uint64_t last;

	pthread_mutex_lock(&store->lock);
	last = store->last;
	pthread_mutex_unlock(&store->lock);
	return last;
}

static int write_all(int fd, const char *data, size_t size)
{
	ssize_t n;

	while (size) {
		n = write(fd, data, size);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			data += n;
			size -= (size_t)n;
		}
	}
	return fsync(fd) < 0 ? -errno : 0;
}

int store_write(struct store *store, const void *data, size_t size, char why[STORE_WHY_MAX])
{
	int fd = openat(store->folder, TEMPORARY,
			O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	int error = fd < 0 ? -errno : write_all(fd, data, size);

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

/* How many of the oldest are too many. */
static size_t surplus(const struct store *store, unsigned keep, uint64_t keep_bytes)
{
	uint64_t bytes = 0;
	size_t first = store->count;

	while (first && store->count - first < keep) {
		bytes += store->versions[first - 1].bytes;
		if (bytes > keep_bytes && first < store->count)
			break;
		first--;
	}
	return first;
}

/* The oldest version, which is a stranger to the store from now on; 0: all may stay. */
static uint64_t take_surplus(struct store *store, unsigned keep, uint64_t keep_bytes)
{
	uint64_t number = 0;

	pthread_mutex_lock(&store->lock);
	if (surplus(store, keep, keep_bytes)) {
		number = store->versions[0].number;
		free_version(&store->versions[0]);
		store->count--;
		memmove(store->versions, store->versions + 1,
				store->count * sizeof(*store->versions));
	}
	pthread_mutex_unlock(&store->lock);
	return number;
}

static void prune(struct store *store, unsigned keep, uint64_t keep_bytes)
{
	char name[NAME_MAX_];
	uint64_t number;

	while ((number = take_surplus(store, keep ? keep : 1, keep_bytes))) {
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
	if (add_version(store, &version))
		free_version(&version); /* it is there after a restart */
	prune(store, keep, keep_bytes);
	return 0;
}

/* Whether it is there; where it is found damaged, that is kept. */
static bool look_up(struct store *store, uint64_t number, const char *damaged)
{
	const struct version key = {.number = number};
	struct version *found = NULL;

	pthread_mutex_lock(&store->lock);
	if (store->count)
		found = bsearch(&key, store->versions, store->count, sizeof(key), by_number);
	if (found && damaged)
		set_damaged(found, damaged);
	pthread_mutex_unlock(&store->lock);
	return found != NULL;
}

struct bundle *store_read(struct store *store, uint64_t number, char why[STORE_WHY_MAX])
{
	struct bundle *bundle = NULL;
	char fault[BUNDLE_WHY_MAX];
	int fd;

	if (!look_up(store, number, NULL)) {
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
	look_up(store, number, fault);
	snprintf(why, STORE_WHY_MAX, "version %" PRIu64 " can't be used: %s", number, fault);
	return NULL;
}

ssize_t store_read_part(struct store *store, uint64_t number, uint64_t offset, void *data,
		size_t size)
{
	int fd = look_up(store, number, NULL) ? open_version(store, number) : -1;
	ssize_t n;

	if (fd < 0)
		return -ENOENT;
	n = pread(fd, data, size, (off_t)offset);
	if (n < 0)
		n = -errno;
	close(fd);
	return n;
}
