/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which rules of an image match, for bursts of events. An image that was loaded is read-only and
 * shared; each worker has scratch of its own, made once. Routing and filtering allocate nothing,
 * take no lock and call no system.
 */
#ifndef VEX_RULE_MATCH_H
#define VEX_RULE_MATCH_H

#include "event/event.h"
#include "rule/image.h"

struct rule_matcher;
struct rule_worker;

/**
 * Verifies an image and rebuilds its databases. The image must be aligned to 8 bytes, and stay
 * where it is, unchanged, until rule_matcher_free(). Returns 0, -ENOMEM, or -EBADMSG with what is
 * wrong in *why.
 */
int rule_matcher_new(const void *image, size_t size, struct rule_matcher **matcher,
		const char **why);

/** All workers must have been freed. NULL is good. */
void rule_matcher_free(struct rule_matcher *matcher);

const struct rule_image *rule_matcher_image(const struct rule_matcher *matcher);

/** Bytes that the databases take, beside the image. */
size_t rule_matcher_bytes(const struct rule_matcher *matcher);

/** What a program of the user's says of an event. */
typedef bool (*rule_run)(uint32_t program, const struct vex_record *record, void *data);

struct rule_worker_options {
	uint32_t cache_entries; /**< of the decision cache; rounded up to a power of two; 0: none */
	uint32_t list_bytes;    /**< for what the entries say, all together; 0: 4 MiB */
	rule_run run;           /**< NULL: each program says no */
	void *data;             /**< for run */
	bool plain;             /**< do without AVX-512, for tests of what others run */
};

/** One for each thread that matches. options may be NULL. 0 or -ENOMEM. */
int rule_worker_new(const struct rule_matcher *matcher, const struct rule_worker_options *options,
		struct rule_worker **worker);
void rule_worker_free(struct rule_worker *worker);

/** A rule, and which events of the burst it matches. */
struct rule_hit {
	uint32_t rule;
	uint32_t zero;
	uint64_t events; /**< bit i: records[i] */
};

/** In the order of the rules; `match: first` taken into account. Good until the next burst. */
struct rule_hits {
	const struct rule_hit *hits;
	uint32_t count;
};

/**
 * The first half of matching: finds the rules whose cacheable parts hold, in the decision cache or
 * by the classifier, for up to RULE_BURST_MAX records that vex_record_check() accepted. They are
 * aligned to 8 bytes; they and the array stay as they are until rule_filter() has returned.
 */
void rule_route(struct rule_worker *worker, const struct vex_record *const *records,
		unsigned count);

/**
 * The second half: what varies, the programs, and `match: first`, of the burst that was routed.
 * Must follow each rule_route(), once.
 */
struct rule_hits rule_filter(struct rule_worker *worker);

/** Both. */
struct rule_hits rule_match(struct rule_worker *worker, const struct vex_record *const *records,
		unsigned count);

/** Since the worker was made. */
struct rule_worker_counts {
	uint64_t events;
	uint64_t cache_hits;
	uint64_t cache_flushes; /**< the lists were full, and all decisions were forgotten */
};
struct rule_worker_counts rule_worker_counts(const struct rule_worker *worker);

#endif
