/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The message brokers that people use today, each at its own best, on loopback: 128-byte
 * messages, counted at the receiver. values[0]: events a second.
 */
#ifndef VEX_PERF_PEERS_H
#define VEX_PERF_PEERS_H

#include "bench.h"

/** PUSH to PULL over ipc, in one process, each with a context and an I/O thread of its own. */
int zeromq_throughput(const struct bench_env *env, double *values);

/** Core publish and an asynchronous subscription through a real nats-server. */
int nats_throughput(const struct bench_env *env, double *values);

/** Pipelined XADD and XREAD of 512 through a real redis-server on a unix socket. */
int redis_throughput(const struct bench_env *env, double *values);

#endif
