/* SPDX-License-Identifier: BSD-3-Clause */
/* What is known of versions without reading them: the part of a store that several threads share. */
#include "store_work.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rule/memory.h"

static int by_number(const void *a, const void *b)
{
	const struct version *left = a;
	const struct version *right = b;

	return (left->number > right->number) - (left->number < right->number);
}

/* Takes over what the version owns. */
int store_versions_add(struct store *store, const struct version *version)
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

void store_version_damaged(struct version *version, const char *why)
{
	json_decref(version->meta);
	version->meta = NULL;
	free(version->why);
	version->why = strdup(why);
}

void store_version_free(struct version *version)
{
	json_decref(version->meta);
	free(version->why);
}

void store_versions_free(struct store *store)
{
	size_t i;

	for (i = 0; i < store->count; i++)
		store_version_free(&store->versions[i]);
	free(store->versions);
}

void store_versions_sort(struct store *store)
{
	if (store->count)
		qsort(store->versions, store->count, sizeof(*store->versions), by_number);
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
				json_string(version->why ? version->why : "out of memory"));
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
uint64_t store_versions_take_surplus(struct store *store, unsigned keep, uint64_t keep_bytes)
{
	uint64_t number = 0;

	pthread_mutex_lock(&store->lock);
	if (surplus(store, keep, keep_bytes)) {
		number = store->versions[0].number;
		store_version_free(&store->versions[0]);
		store->count--;
		memmove(store->versions, store->versions + 1,
				store->count * sizeof(*store->versions));
	}
	pthread_mutex_unlock(&store->lock);
	return number;
}

/* Whether it is there; where it is found damaged, that is kept. */
bool store_versions_find(struct store *store, uint64_t number, const char *damaged)
{
	const struct version key = {.number = number};
	struct version *found = NULL;

	pthread_mutex_lock(&store->lock);
	if (store->count)
		found = bsearch(&key, store->versions, store->count, sizeof(key), by_number);
	if (found && damaged)
		store_version_damaged(found, damaged);
	pthread_mutex_unlock(&store->lock);
	return found != NULL;
}
