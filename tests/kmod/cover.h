/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The coverage matrix: each row is an operation, performed by a process that does nothing else in
 * the folder, and the events that it is to cause there, in order.
 */
#ifndef TESTS_KMOD_COVER_H
#define TESTS_KMOD_COVER_H

#include <stdbool.h>
#include <stdint.h>

#include "abi/record.h"

#define ANY (-1)

struct expected {
	uint16_t type;
	const char *path;  /* in the row's folder; NULL: none */
	const char *path2; /* likewise; beginning with '=': this text as it stands */
	int64_t result;
	int64_t offset; /* ANY: not asked for; with size */
	int64_t size;
	int64_t flags; /* bits that must be set; ANY: not asked for */
	uint32_t mode; /* whole st_mode; 0: not asked for */
	const char *key;
	const char *value;
};

#define EXPECTED_MAX 8

/* prepare and perform run with the row's folder as their own. */
struct row {
	const char *name;
	void (*prepare)(void);
	void (*perform)(void);
	const char *ino_of; /* the file that events are of; NULL: that of their path */
	bool not_on_overlay; /* the file system can't */
	bool only_on_overlay;
	bool own_device; /* the file is the top of a file system of its own */
	bool by_loop;	     /* of cover_served.c: a loop device acts, not nfsd */
	bool by_worker;	     /* a thread of the kernel acts for the process, by its own name */
	struct expected events[EXPECTED_MAX];
};

extern const struct row file_rows[], name_rows[], served_rows[];
extern const unsigned file_row_count, name_row_count, served_row_count;

/* Ends the program where a call fails that must not. */
#define MUST(call) must((long)(call), #call)
long must(long result, const char *call);

#endif
