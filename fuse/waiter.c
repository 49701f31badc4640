/* SPDX-License-Identifier: BSD-3-Clause */
#include "waiter.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#define STACK_SIZE (128u << 10)
#define WAKE_SIGNAL SIGUSR1
/* A signal that comes just before the call it is to end is lost: it is sent until it works. */
#define WAKE_NS 1000000
#define WAKES_MAX 1000u

struct waiter {
	struct waiter *next;
	uint64_t number;
	pthread_t thread;
	bool interrupted;
	fuse_req_t req;
	waiter_call call;
	waiter_done done;
	void *arg;
};

static struct waiter *waiters;
static uint64_t last_number;
static uint32_t count;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void ignore(int signal)
{
	(void)signal;
}

/* Without SA_RESTART: the call that waits is to end. */
int waiter_setup(void)
{
	struct sigaction action = {.sa_handler = ignore};

	sigemptyset(&action.sa_mask);
	return sigaction(WAKE_SIGNAL, &action, NULL) < 0 ? -errno : 0;
}

static bool wake(uint64_t number)
{
	struct waiter *waiter;
	bool again = false;

	pthread_mutex_lock(&mutex);
	for (waiter = waiters; waiter && waiter->number != number;)
		waiter = waiter->next;
	if (waiter) {
		waiter->interrupted = true;
		again = !pthread_equal(waiter->thread, pthread_self());
		if (again)
			pthread_kill(waiter->thread, WAKE_SIGNAL);
	}
	pthread_mutex_unlock(&mutex);
	return again;
}

static void on_interrupt(fuse_req_t req, void *data)
{
	struct timespec pause = {.tv_nsec = WAKE_NS};

	(void)req;
	for (unsigned int i = 0; i < WAKES_MAX && wake((uintptr_t)data); i++)
		nanosleep(&pause, NULL);
}

static void enlist(struct waiter *waiter)
{
	pthread_mutex_lock(&mutex);
	waiter->thread = pthread_self();
	waiter->next = waiters;
	waiters = waiter;
	pthread_mutex_unlock(&mutex);
}

static bool is_interrupted(struct waiter *waiter)
{
	bool interrupted;

	pthread_mutex_lock(&mutex);
	interrupted = waiter->interrupted;
	pthread_mutex_unlock(&mutex);
	return interrupted;
}

static void delist(struct waiter *waiter)
{
	struct waiter **at = &waiters;

	pthread_mutex_lock(&mutex);
	while (*at != waiter)
		at = &(*at)->next;
	*at = waiter->next;
	count--;
	pthread_mutex_unlock(&mutex);
}

static void *wait_thread(void *arg)
{
	struct waiter *waiter = arg;
	sigset_t set;
	int err;

	enlist(waiter);
	sigemptyset(&set);
	sigaddset(&set, WAKE_SIGNAL);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	fuse_req_interrupt_func(waiter->req, on_interrupt, (void *)(uintptr_t)waiter->number);
	do
		err = is_interrupted(waiter) ? EINTR : waiter->call(waiter->arg);
	while (err == EINTR && !is_interrupted(waiter));
	fuse_req_interrupt_func(waiter->req, NULL, NULL);
	delist(waiter);
	waiter->done(waiter->req, waiter->arg, err);
	free(waiter);
	return NULL;
}

static bool admit(struct waiter *waiter)
{
	bool admitted;

	pthread_mutex_lock(&mutex);
	admitted = count < WAITERS_MAX;
	if (admitted) {
		count++;
		waiter->number = ++last_number;
	}
	pthread_mutex_unlock(&mutex);
	return admitted;
}

static int start_thread(struct waiter *waiter)
{
	pthread_attr_t attr;
	pthread_t thread;
	int err = pthread_attr_init(&attr);

	if (err)
		return err;
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	err = pthread_create(&thread, &attr, wait_thread, waiter);
	pthread_attr_destroy(&attr);
	return err;
}

int waiter_start(fuse_req_t req, waiter_call call, waiter_done done, void *arg)
{
	struct waiter *waiter = calloc(1, sizeof(*waiter));

	if (!waiter)
		return ENOMEM;
	waiter->req = req;
	waiter->call = call;
	waiter->done = done;
	waiter->arg = arg;
	if (!admit(waiter)) {
		free(waiter);
		return ENOLCK;
	}
	if (start_thread(waiter)) {
		pthread_mutex_lock(&mutex);
		count--;
		pthread_mutex_unlock(&mutex);
		free(waiter);
		return ENOLCK;
	}
	return 0;
}
