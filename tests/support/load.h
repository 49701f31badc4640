/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * vex-load: a producer or a subscriber for tests, over the real libvex, told what to do by lines
 * on its standard input:
 *
 *   report   prints one line of JSON
 *   stop     a producer publishes nothing more
 *   (end of input)  the program detaches and ends
 *
 * Every event is one of a stream: its tenant is the producer's --id, its tid the number of the
 * thread, and its offset counts the events that the thread offered, from 0, those lost included.
 * Since each thread has a lane of its own, the sequence number in the event's id must equal the
 * offset, whatever is restarted meanwhile.
 */
#ifndef VEX_TESTS_LOAD_H
#define VEX_TESTS_LOAD_H

#include <jansson.h>
#include <stdbool.h>

#include "vex/vex.h"

#define LOAD_THREADS_MAX 16u
#define LOAD_FILLER_MAX 4000u

struct load_options {
	const char *socket;
	const char *name;
	uint32_t id;
	uint32_t threads;
	uint64_t count;   /* events of each thread; 0: until told to stop */
	uint32_t rate;    /* events a second of each thread; 0: as fast as it goes */
	uint32_t burst;   /* largest burst; each is of random length up to it */
	uint32_t filler;  /* paths are longer by up to so many bytes */
	uint64_t ring;
	uint32_t wait_us; /* 0: a full lane drops */
	uint32_t slow_us; /* a subscriber pauses so long after each read */
	bool background;
	uint32_t batch;   /* records a read */
	struct vex_filter filter;
};

/** What came in on standard input; set by a thread of load_listen()'s. */
struct load_orders {
	unsigned reports; /* wanted so far; relaxed */
	bool stop;
	bool end;
};

extern struct load_orders load_orders;

void load_listen(void);
void load_print(json_t *report); /* takes the reference */
int load_fail(const char *what);  /* says why; returns 1 */

/** The byte that fills the path of this event, never NUL; anything but '/' to begin with. */
static inline uint8_t load_filler(uint32_t tenant, uint32_t thread, uint64_t offset)
{
	return (uint8_t)(1 + (tenant * 31 + thread * 7 + offset) % 255);
}

int load_produce(const struct load_options *options);
int load_subscribe(const struct load_options *options);

#endif
