/* SPDX-License-Identifier: BSD-3-Clause */
#include "fixture.h"

struct plane *plane;
struct port *port;
struct producer producer;
struct consumer consumer;

void set_up(void)
{
	plane = harness_plane();
	port = harness_port(plane, VEX_BOUNDARY_APP, 0, false);
	memset(&producer, 0, sizeof(producer));
	harness_lane(plane, port, RING, &producer);
	harness_subscribe(plane, NULL, 1u << 20, &consumer);
}

/* Every test ends by checking conservation, with everyone there and with everyone gone. */
void tear_down(void)
{
	harness_settle(plane);
	CU_ASSERT(harness_verify(plane));
	harness_free(plane);
	harness_producer_free(&producer);
	harness_consumer_free(&consumer);
}

struct vex_event sample(uint16_t type, const char *path)
{
	return (struct vex_event){.type = type,
			.has = VEX_HAS_PATH | VEX_HAS_TASK,
			.start_ns = 1000,
			.duration_ns = 10,
			.pid = 10,
			.tid = 11,
			.ppid = 1,
			.uid = 1000,
			.gid = 100,
			.path = {path, strlen(path)}};
}

unsigned drain(void)
{
	unsigned n = 0;

	while (harness_read(&consumer))
		n++;
	return n;
}

int fixture_run(const char *name, const struct fixture_test *tests, unsigned count)
{
	unsigned failures = 1;
	CU_pSuite suite;

	if (CU_initialize_registry() != CUE_SUCCESS)
		return 1;
	suite = CU_add_suite_with_setup_and_teardown(name, NULL, NULL, set_up, tear_down);
	for (unsigned i = 0; suite && i < count; i++)
		CU_add_test(suite, tests[i].name, tests[i].run);
	CU_basic_set_mode(CU_BRM_VERBOSE);
	if (suite && CU_basic_run_tests() == CUE_SUCCESS && CU_get_number_of_tests_run() == count)
		failures = CU_get_number_of_failures();
	CU_cleanup_registry();
	return failures ? 1 : 0;
}
