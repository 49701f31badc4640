/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/placement.h"

#include <sched.h>
#include <stdio.h>
#include <unistd.h>

#include <rte_config.h>
#include <rte_lcore.h>

uint32_t placement_cpu(unsigned lcore)
{
	rte_cpuset_t set = rte_lcore_cpuset(lcore);
	uint32_t cpu = 0;

	while (cpu + 1 < CPU_SETSIZE && !CPU_ISSET(cpu, &set))
		cpu++;
	return cpu;
}

uint32_t placement_node(uint32_t cpu)
{
	char path[64];

	for (uint32_t node = 0; node < RTE_MAX_NUMA_NODES; node++) {
		snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%u/node%u", cpu, node);
		if (access(path, F_OK) == 0)
			return node;
	}
	return 0;
}

const char *placement_text(unsigned lcore, char *text, size_t cap)
{
	rte_cpuset_t set = rte_lcore_cpuset(lcore);
	const char *before = CPU_COUNT(&set) > 1 ? "cpus " : "cpu ";
	size_t length = 0;

	text[0] = '\0';
	for (unsigned cpu = 0; cpu < CPU_SETSIZE && length < cap; cpu++) {
		if (!CPU_ISSET(cpu, &set))
			continue;
		length += (size_t)snprintf(text + length, cap - length, "%s%u", before, cpu);
		before = ",";
	}
	return text;
}
