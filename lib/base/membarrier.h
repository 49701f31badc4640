/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The asymmetric barrier between consumers that fall asleep and producers that commit (see
 * vex_lane_sleep_begin()): producers pay nothing, the sleeper pays for both.
 */
#ifndef VEX_BASE_MEMBARRIER_H
#define VEX_BASE_MEMBARRIER_H

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

/** Producers' processes, before they publish. */
static inline void vex_membarrier_register(void)
{
	syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0, 0);
}

/** A consumer, between announcing its sleep and its last look. */
static inline void vex_membarrier(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0);
}

#endif
