/* SPDX-License-Identifier: BSD-3-Clause */
/* What each test of the pipeline begins with: a plane, a port with a lane, a subscriber. */
#ifndef VEX_TESTS_FIXTURE_H
#define VEX_TESTS_FIXTURE_H

#include <CUnit/Basic.h>

#include "dataplane/port.h"
#include "support/harness.h"

#define RING (64u << 10)

extern struct plane *plane;
extern struct port *port;
extern struct producer producer;
extern struct consumer consumer;

struct fixture_test {
	const char *name;
	void (*run)(void);
};

#define TEST(name) {#name, name}

void set_up(void);

/* Every test ends by checking conservation. */
void tear_down(void);

struct vex_event sample(uint16_t type, const char *path);

/* Reads all there is; returns how many records. */
unsigned drain(void);

/* Runs the tests, each between set_up() and tear_down(); returns the exit code. */
int fixture_run(const char *suite, const struct fixture_test *tests, unsigned count);

#endif
