/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/rules_thread.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <rte_lcore.h>

#include "base/log.h"

enum build_state {
	BUILD_NONE,
	BUILD_WANTED,
	BUILD_RUNS,
	BUILD_DONE,
};

struct rules_thread {
	struct plane *plane;
	pthread_t thread;
	int done; /* eventfd */
	pthread_mutex_t mutex; /* of all below; never held while it works */
	pthread_cond_t changed;
	bool stop;
	struct ruleset *retired;
	enum build_state state;
	int fd;
	struct vex_message message;
	struct ruleset *built;
	int error;
	char reason[VEX_REASON_MAX];
};

static bool has_work(const struct rules_thread *thread)
{
	return thread->stop || thread->retired || thread->state == BUILD_WANTED;
}

/* With the mutex held, as on return. */
static void build(struct rules_thread *thread)
{
	int error = 0;

	thread->state = BUILD_RUNS;
	pthread_mutex_unlock(&thread->mutex);
	thread->built = NULL;
	if (thread->fd >= 0) {
		error = rules_build(thread->plane, thread->fd, &thread->message, &thread->built,
				thread->reason);
		close(thread->fd);
	}
	pthread_mutex_lock(&thread->mutex);
	thread->error = error;
	thread->state = BUILD_DONE;
	eventfd_write(thread->done, 1);
}

/* What is gone is freed first: its slots are wanted. */
static void *run(void *arg)
{
	struct rules_thread *thread = arg;

	pthread_mutex_lock(&thread->mutex);
	for (;;) {
		struct ruleset *retired;

		while (!has_work(thread))
			pthread_cond_wait(&thread->changed, &thread->mutex);
		retired = thread->retired;
		thread->retired = NULL;
		if (retired) {
			pthread_mutex_unlock(&thread->mutex);
			rules_retire(thread->plane->rules, retired);
			pthread_mutex_lock(&thread->mutex);
		} else if (thread->stop) {
			break;
		} else {
			build(thread);
		}
	}
	pthread_mutex_unlock(&thread->mutex);
	return NULL;
}

int rules_thread_start(struct plane *plane, struct rules_thread **out)
{
	struct rules_thread *thread = calloc(1, sizeof(*thread));
	int error;

	if (!thread)
		return -ENOMEM;
	thread->plane = plane;
	thread->fd = -1;
	thread->done = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pthread_mutex_init(&thread->mutex, NULL);
	pthread_cond_init(&thread->changed, NULL);
	error = thread->done < 0 ? -errno
				 : rte_ctrl_thread_create(&thread->thread, "vex-rules", NULL, run,
						   thread);
	if (error) {
		close(thread->done);
		free(thread);
		return error;
	}
	*out = thread;
	return 0;
}

void rules_thread_stop(struct rules_thread *thread)
{
	if (!thread)
		return;
	pthread_mutex_lock(&thread->mutex);
	thread->stop = true;
	pthread_cond_signal(&thread->changed);
	pthread_mutex_unlock(&thread->mutex);
	pthread_join(thread->thread, NULL);
	if (thread->state == BUILD_WANTED && thread->fd >= 0)
		close(thread->fd);
	if (thread->state == BUILD_DONE)
		rules_retire(thread->plane->rules, thread->built);
	close(thread->done);
	pthread_mutex_destroy(&thread->mutex);
	pthread_cond_destroy(&thread->changed);
	free(thread);
}

int rules_thread_fd(const struct rules_thread *thread)
{
	return thread->done;
}

int rules_thread_build(struct rules_thread *thread, int fd, const struct vex_message *message)
{
	int error = -EBUSY;

	pthread_mutex_lock(&thread->mutex);
	if (thread->state == BUILD_NONE) {
		thread->fd = fd;
		thread->message = *message;
		thread->state = BUILD_WANTED;
		pthread_cond_signal(&thread->changed);
		error = 0;
	}
	pthread_mutex_unlock(&thread->mutex);
	return error;
}

int rules_thread_take(struct rules_thread *thread, struct ruleset **set, char *reason)
{
	int error = -EAGAIN;
	eventfd_t ignored;

	pthread_mutex_lock(&thread->mutex);
	if (thread->state == BUILD_DONE) {
		eventfd_read(thread->done, &ignored);
		*set = thread->built;
		memcpy(reason, thread->reason, VEX_REASON_MAX);
		error = thread->error;
		thread->state = BUILD_NONE;
		thread->fd = -1;
	}
	pthread_mutex_unlock(&thread->mutex);
	return error;
}

void rules_thread_retire(struct rules_thread *thread, struct ruleset *set)
{
	if (!set)
		return;
	pthread_mutex_lock(&thread->mutex);
	thread->retired = set; /* the one before is gone: a set was built since */
	pthread_cond_signal(&thread->changed);
	pthread_mutex_unlock(&thread->mutex);
}
