/* SPDX-License-Identifier: BSD-3-Clause */
#include "handle.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct handle *handle_new(struct inode *inode, int fd, int flags, size_t buf_size)
{
	struct handle *handle = malloc(sizeof(*handle) + buf_size);

	if (!handle) {
		close(fd);
		return NULL;
	}
	memset(handle, 0, sizeof(*handle));
	handle->inode = inode;
	handle->fd = fd;
	handle->flags = flags;
	pthread_spin_init(&handle->lock, PTHREAD_PROCESS_PRIVATE);
	__atomic_add_fetch(&inode->opens, 1, __ATOMIC_RELAXED);
	return handle;
}

void handle_free(struct handle *handle)
{
	close(handle->fd);
	__atomic_sub_fetch(&handle->inode->opens, 1, __ATOMIC_RELAXED);
	pthread_spin_destroy(&handle->lock);
	free(handle);
}

void handle_set_user(struct handle *handle, const struct caller *user)
{
	pthread_spin_lock(&handle->lock);
	handle->user = *user;
	pthread_spin_unlock(&handle->lock);
}

struct caller handle_user(struct handle *handle)
{
	struct caller user;

	pthread_spin_lock(&handle->lock);
	user = handle->user;
	pthread_spin_unlock(&handle->lock);
	return user;
}
