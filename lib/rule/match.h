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

/** So many more events were counted for a rule, the last of them then; see rule_count(). */
typedef void (*rule_tell)(uint32_t rule, uint64_t events, uint64_t last_ns, void *data);

struct rule_worker_options {
	uint32_t cache_entries; /**< of the decision cache; rounded up to a power of two; 0: none */
	uint32_t list_bytes;    /**< for what the entries say, all together; 0: 8 MiB */
	rule_run run;           /**< NULL: each program says no */
	void *data;             /**< for run */
	rule_tell tell;         /**< NULL: what is counted by decision is told to nobody */
	void *tell_data;        /**< for tell */
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

/**
 * All rules that match an event, where each of them is decided by what repeats, lets others match,
 * and neither limits nor redacts. So it is known what all of them come to.
 */
struct rule_decision {
	uint64_t fingerprint; /**< of the rule that names it; 0: there is none */
	const uint32_t *rules; /**< ascending */
	uint32_t count;
	uint32_t rule;    /**< names it, the first of the highest priority; UINT32_MAX: none */
	uint16_t matched; /**< count; 65535: so many or more */
	uint8_t qos;      /**< enum rule_qos: the most urgent; normal where none matched */
	uint8_t priority; /**< of the rule that names it; 255: none */
	bool routed;      /**< one of them leads somewhere */
};

/** Events of the burst of which this is all. */
struct rule_decided {
	const struct rule_decision *decision;
	uint64_t events;
};

/** No event is both in decided and in hits. Good until the next burst. */
struct rule_outcome {
	struct rule_hits hits;
	const struct rule_decided *decided;
	uint32_t decided_count;
};

/** The second half in the place of rule_filter(): decisions that were remembered are left whole. */
struct rule_outcome rule_filter_decided(struct rule_worker *worker);

/**
 * Counts those of these events that were decided, at once for all their rules, which are told later:
 * by rule_tell_counted(), or where the cache forgets.
 */
void rule_count(struct rule_worker *worker, struct rule_outcome outcome, uint64_t events,
		uint64_t now_ns);

/**
 * Tells what decisions have counted since age_ns ago or longer, the oldest first, and of so many
 * decisions at most. Returns whether there is any that was not told.
 */
bool rule_tell_counted(struct rule_worker *worker, uint64_t now_ns, uint64_t age_ns, unsigned most);

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
