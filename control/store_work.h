/* SPDX-License-Identifier: BSD-3-Clause */
/* A folder of files (store.c) and what is known of them (store_versions.c). Private to the two. */
#ifndef VEX_CONTROL_STORE_WORK_H
#define VEX_CONTROL_STORE_WORK_H

#include <pthread.h>

#include "store.h"

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

/** Takes over what the version owns; -ENOMEM. */
int store_versions_add(struct store *store, const struct version *version);

/** Once all that the folder has were added. */
void store_versions_sort(struct store *store);

/** Whether it is there; where it is found damaged, that is kept. */
bool store_versions_find(struct store *store, uint64_t number, const char *damaged);

/** The oldest version, which is a stranger to the store from now on; 0: all may stay. */
uint64_t store_versions_take_surplus(struct store *store, unsigned keep, uint64_t keep_bytes);

void store_versions_free(struct store *store);

void store_version_damaged(struct version *version, const char *why);
void store_version_free(struct version *version);

#endif
