/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A link: one connection to the data plane that is kept up by a thread of its own.
 *
 * The owner gives two functions, both called with the link's lock held: attach() shakes hands
 * over a fresh socket, lost() hears that it is gone. While a link stands, finish() is called now and
 * then, and does what attach() had to leave; it says whether there is more of that. Requests of the owner's take the lock too,
 * so that questions and answers never mix.
 */
#ifndef VEX_VEX_LINK_H
#define VEX_VEX_LINK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "abi/handshake.h"

struct vex_link {
	char path[108];
	int socket; /* -1 while there is none; under lock */
	int stop;   /* eventfd that ends the thread */
	bool running;
	bool connected; /* read by anyone, relaxed */
	uint64_t attaches;
	pthread_t thread;
	pthread_mutex_t lock;
	void *owner;
	int (*attach)(void *owner);
	void (*lost)(void *owner);
	bool (*finish)(void *owner); /* may be NULL */
};

/**
 * Connects within connect_ms, and starts the thread. With background set, a data plane that is
 * not there is no error. The error's sentence is left for vex_last_error().
 */
int vex_link_open(struct vex_link *link, const char *path, uint32_t connect_ms, bool background);

/** Ends the thread and closes the socket. */
void vex_link_close(struct vex_link *link);

/**
 * As vex_message_ask(), with the lock held. An answer that does not come in time might be taken
 * for that to the next question: the connection is then given up, and the thread makes a new one.
 */
int vex_link_ask(struct vex_link *link, struct vex_message *message, int fd, uint16_t expected,
		int *passed);

bool vex_link_connected(const struct vex_link *link);

/** Leaves a sentence for vex_last_error(); returns error. */
int vex_fail(int error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** The program's name where name is NULL; cut to fit. */
void vex_copy_name(char *to, const char *name);

#endif
