/* SPDX-License-Identifier: BSD-3-Clause */
#include "inode.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "abi/types.h"
#include "inode_table.h"

#define FIRST_BUCKETS 4096u

struct inode_table inode_table = {.lock = PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP};

static uint64_t id_hash(uint64_t dev, uint64_t ino)
{
	return inode_mix(ino ^ inode_mix(dev));
}

static struct inode **id_slot(uint64_t dev, uint64_t ino)
{
	return &inode_table.by_id[id_hash(dev, ino) & inode_table.mask];
}

static struct inode *find_id(uint64_t dev, uint64_t ino)
{
	struct inode *inode = *id_slot(dev, ino);

	while (inode && (inode->ino != ino || inode->dev != dev))
		inode = inode->id_next;
	return inode;
}

static void remove_id(struct inode *inode)
{
	struct inode **at = id_slot(inode->dev, inode->ino);

	while (*at != inode)
		at = &(*at)->id_next;
	*at = inode->id_next;
	VEX_STORE_RELAXED(&inode_table.count, inode_table.count - 1);
}

struct inode *inode_reap(struct inode *inode)
{
	struct inode *dead = NULL;

	while (inode && inode != &inode_table.root && !inode->nlookup && !inode->holds) {
		struct inode *parent = inode->parent;

		inode_unlist(inode);
		remove_id(inode);
		inode->id_next = dead;
		dead = inode;
		if (parent)
			parent->holds--;
		inode = parent;
	}
	return dead;
}

/* Outside the lock: closing the last reference to a deleted file may write to the disk. */
void inode_bury(struct inode *dead)
{
	while (dead) {
		struct inode *next = dead->id_next;

		close(dead->fd);
		inode_free_name(dead);
		free(dead);
		dead = next;
	}
}

static void rehash(struct inode **by_id, struct inode **by_name, uint64_t mask)
{
	struct inode **old = inode_table.by_id;
	uint64_t old_mask = inode_table.mask;

	free(inode_table.by_name);
	inode_table.by_id = by_id;
	inode_table.by_name = by_name;
	inode_table.mask = mask;
	for (uint64_t i = 0; i <= old_mask; i++) {
		while (old[i]) {
			struct inode *inode = old[i];
			struct inode **at = id_slot(inode->dev, inode->ino);

			old[i] = inode->id_next;
			inode->id_next = *at;
			*at = inode;
			if (inode->listed)
				inode_list(inode);
		}
	}
	free(old);
}

/* A table that can't grow works on, slower. */
static void grow(void)
{
	uint64_t size = (inode_table.mask + 1) * 2;
	struct inode **by_id = calloc(size, sizeof(*by_id));
	struct inode **by_name = calloc(size, sizeof(*by_name));

	if (by_id && by_name) {
		rehash(by_id, by_name, size - 1);
		return;
	}
	free(by_id);
	free(by_name);
}

static void add_id(struct inode *inode)
{
	struct inode **at;

	VEX_STORE_RELAXED(&inode_table.count, inode_table.count + 1);
	if (inode_table.count > inode_table.mask)
		grow();
	at = id_slot(inode->dev, inode->ino);
	inode->id_next = *at;
	*at = inode;
}

int inode_setup(int fd, const struct stat *st)
{
	inode_table.by_id = calloc(FIRST_BUCKETS, sizeof(*inode_table.by_id));
	inode_table.by_name = calloc(FIRST_BUCKETS, sizeof(*inode_table.by_name));
	if (!inode_table.by_id || !inode_table.by_name) {
		free(inode_table.by_id);
		free(inode_table.by_name);
		return -ENOMEM;
	}
	inode_table.mask = FIRST_BUCKETS - 1;
	inode_table.root.fd = fd;
	inode_table.root.dev = st->st_dev;
	inode_table.root.ino = st->st_ino;
	inode_table.root.mode = st->st_mode;
	inode_table.root.nlookup = 1;
	add_id(&inode_table.root);
	return 0;
}

void inode_teardown(void)
{
	for (uint64_t i = 0; i <= inode_table.mask; i++) {
		while (inode_table.by_id[i]) {
			struct inode *inode = inode_table.by_id[i];

			inode_table.by_id[i] = inode->id_next;
			close(inode->fd);
			inode_free_name(inode);
			if (inode != &inode_table.root)
				free(inode);
		}
	}
	free(inode_table.by_id);
	free(inode_table.by_name);
}

uint32_t inode_clock_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (uint32_t)now.tv_sec;
}

struct inode *inode_of(fuse_ino_t ino)
{
	return ino == FUSE_ROOT_ID ? &inode_table.root : (struct inode *)(uintptr_t)ino;
}

fuse_ino_t inode_id(const struct inode *inode)
{
	return inode == &inode_table.root ? FUSE_ROOT_ID : (fuse_ino_t)(uintptr_t)inode;
}

struct inode *inode_enter_known(struct inode *dir, const char *name, const struct stat *st)
{
	struct inode *dead = NULL;
	struct inode *inode;

	pthread_mutex_lock(&inode_table.lock);
	inode = find_id(st->st_dev, st->st_ino);
	if (inode) {
		inode->nlookup++;
		inode->seen_s = inode_clock_s();
		VEX_STORE_RELAXED(&inode->mode, st->st_mode);
		if (inode->dev == dir->dev) /* it may be known by another mount, which denies less */
			VEX_STORE_RELAXED(&inode->denied,
					inode->denied | VEX_LOAD_RELAXED(&dir->denied));
		dead = inode_rename_to(inode, dir, name, strlen(name), true);
	}
	pthread_mutex_unlock(&inode_table.lock);
	inode_bury(dead);
	return inode;
}

struct inode *inode_enter(struct inode *dir, const char *name, int fd, const struct stat *st,
		uint16_t denied)
{
	struct inode *fresh = calloc(1, sizeof(*fresh));
	struct inode *dead, *inode;

	if (!fresh) {
		close(fd);
		return NULL;
	}
	*fresh = (struct inode){.dev = st->st_dev, .ino = st->st_ino, .fd = fd};
	pthread_mutex_lock(&inode_table.lock);
	inode = find_id(st->st_dev, st->st_ino);
	if (!inode) {
		inode = fresh;
		add_id(inode);
	}
	VEX_STORE_RELAXED(&inode->denied, inode->denied | denied);
	inode->nlookup++;
	inode->seen_s = inode_clock_s();
	VEX_STORE_RELAXED(&inode->mode, st->st_mode);
	dead = inode_rename_to(inode, dir, name, strlen(name), st->st_nlink > 0);
	pthread_mutex_unlock(&inode_table.lock);
	inode_bury(dead);
	if (inode != fresh) {
		close(fd);
		free(fresh);
	}
	return inode;
}

void inode_count(struct inode *inode)
{
	pthread_mutex_lock(&inode_table.lock);
	inode->nlookup++;
	pthread_mutex_unlock(&inode_table.lock);
}

void inode_forget(struct inode *inode, uint64_t count)
{
	struct inode *dead = NULL;

	if (inode == &inode_table.root)
		return;
	pthread_mutex_lock(&inode_table.lock);
	assert(inode->nlookup >= count);
	inode->nlookup -= count;
	dead = inode_reap(inode);
	pthread_mutex_unlock(&inode_table.lock);
	inode_bury(dead);
}

void inode_hold(struct inode *inode)
{
	pthread_mutex_lock(&inode_table.lock);
	inode->holds++;
	pthread_mutex_unlock(&inode_table.lock);
}

void inode_drop(struct inode *inode)
{
	struct inode *dead;

	pthread_mutex_lock(&inode_table.lock);
	assert(inode->holds > 0);
	inode->holds--;
	dead = inode_reap(inode);
	pthread_mutex_unlock(&inode_table.lock);
	inode_bury(dead);
}

uint64_t inode_total(void)
{
	return VEX_LOAD_RELAXED(&inode_table.count);
}
