/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the headers of lib/abi need of the place they are compiled in: a kernel module, an eBPF
 * program or a user-space program, C or C++. Little-endian machines only: records are stored as they stand
 * in memory.
 */
#ifndef VEX_ABI_TYPES_H
#define VEX_ABI_TYPES_H

#ifdef __KERNEL__
#include <linux/types.h>
#include <linux/string.h>
#include <linux/build_bug.h>
#define VEX_STATIC_ASSERT(cond, text) static_assert(cond, text)
#define VEX_LOAD_ACQUIRE(p) smp_load_acquire(p)
#define VEX_STORE_RELEASE(p, v) smp_store_release(p, v)
#define VEX_LOAD_RELAXED(p) READ_ONCE(*(p))
#define VEX_STORE_RELAXED(p, v) WRITE_ONCE(*(p), v)
#elif defined(__bpf__) /* which has no library's headers */
#include <stddef.h>
typedef __UINT8_TYPE__ uint8_t;
typedef __UINT16_TYPE__ uint16_t;
typedef __UINT32_TYPE__ uint32_t;
typedef __UINT64_TYPE__ uint64_t;
typedef __INT32_TYPE__ int32_t;
typedef __INT64_TYPE__ int64_t;
#define VEX_STATIC_ASSERT(cond, text) _Static_assert(cond, text)
#else
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#ifdef __cplusplus
#define VEX_STATIC_ASSERT(cond, text) static_assert(cond, text)
#else
#define VEX_STATIC_ASSERT(cond, text) _Static_assert(cond, text)
#endif
#define VEX_LOAD_ACQUIRE(p) __atomic_load_n(p, __ATOMIC_ACQUIRE)
#define VEX_STORE_RELEASE(p, v) __atomic_store_n(p, v, __ATOMIC_RELEASE)
#define VEX_LOAD_RELAXED(p) __atomic_load_n(p, __ATOMIC_RELAXED)
#define VEX_STORE_RELAXED(p, v) __atomic_store_n(p, v, __ATOMIC_RELAXED)
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "vexplane records are little endian; this machine is not"
#endif
#endif

/* Fetches a cache line to be written: __builtin_prefetch() fetches it to be read, on plain x86-64. */
#if defined(__x86_64__)
#define VEX_PREFETCH_WRITE(p)                                                                      \
	__asm__ __volatile__("prefetchw %0" : : "m"(*(const volatile char *)(p)))
#else
#define VEX_PREFETCH_WRITE(p) __builtin_prefetch(p, 1)
#endif

/*
 * Moves a line that was written from this core's own caches to the one that all share, from where
 * another core reads it sooner. A hint: processors that do not know it step over it.
 */
#if defined(__x86_64__)
#define VEX_DEMOTE(p) __asm__ __volatile__("cldemote %0" : : "m"(*(const volatile char *)(p)))
#else
#define VEX_DEMOTE(p) ((void)(p))
#endif

#define VEX_LIKELY(x) __builtin_expect(!!(x), 1)
#define VEX_UNLIKELY(x) __builtin_expect(!!(x), 0)
#define VEX_ALWAYS_INLINE inline __attribute__((always_inline))
#define VEX_LINE 64u
#define VEX_LINE_ALIGNED __attribute__((aligned(64)))

#endif
