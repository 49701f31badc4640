/* SPDX-License-Identifier: BSD-3-Clause */
#include "pinned.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

#include "base/log.h"

struct call {
	int (*fn)(void *);
	void *arg;
	int result;
};

int pinned_start(pthread_t *thread, int cpu, void *(*fn)(void *), void *arg)
{
	pthread_attr_t attr;
	cpu_set_t set;
	int error;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	error = pthread_attr_init(&attr);
	if (error)
		return -error;
	error = pthread_attr_setaffinity_np(&attr, sizeof(set), &set);
	if (!error)
		error = pthread_create(thread, &attr, fn, arg);
	pthread_attr_destroy(&attr);
	if (error)
		vex_error("can't start a thread on processor %d: %s", cpu, strerror(error));
	return -error;
}

static void *call_run(void *arg)
{
	struct call *call = arg;

	call->result = call->fn(call->arg);
	return NULL;
}

int pinned_run(int cpu, int (*fn)(void *), void *arg)
{
	struct call call = {.fn = fn, .arg = arg};
	pthread_t thread;
	int error;

	error = pinned_start(&thread, cpu, call_run, &call);
	if (error)
		return error;
	pthread_join(thread, NULL);
	return call.result;
}

int pinned_pick(int cpu[2])
{
	cpu_set_t set;
	int found = 0;

	if (sched_getaffinity(0, sizeof(set), &set))
		return -errno;
	for (int i = 0; i < CPU_SETSIZE && found < 2; i++)
		if (CPU_ISSET(i, &set))
			cpu[found++] = i;
	if (found == 2)
		return 0;
	vex_error("the benchmarks need two processors; this process may use only one");
	return -ENODEV;
}
