/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a worker works on. Private to the runtime of rule images.
 *
 *   match.c         a burst from its records to the rules that match
 *   match_load.c    images to matchers, matchers to workers
 *   match_cache.c   decisions that were made before
 *   match_find.c    rules that an event may match, by the index
 *   match_eval.c    conditions, for all events of a burst at once
 *   match_column.c  fields of all events of a burst
 *   match_text.c    what the tests of texts mean
 */
#ifndef VEX_RULE_MATCH_WORK_H
#define VEX_RULE_MATCH_WORK_H

#include <hs/hs.h>

#include "rule/field.h"
#include "rule/match.h"
#include "rule/rule.h"

/** A decision's key: what repeats of an event, as far as the image asks for it. */
#define CACHE_KEY_MAX 240u
#define CACHE_WAYS 4u

struct rule_matcher {
	const struct rule_image *image;
	const char *text;
	const struct rule_image_test *tests;
	const uint64_t *values;
	const struct rule_image_text *texts;
	const uint32_t *nodes;
	const uint32_t *inputs;
	const struct rule_image_rule *rules;
	const uint32_t *rule_inputs;
	const struct rule_image_slot *slots;
	const uint32_t *postings;
	const struct rule_image_scan *scans;
	const struct rule_image_pattern *patterns;
	const struct rule_image_schedule *schedules;
	const struct rule_image_window *windows;
	uint32_t rule_count;
	uint64_t slot_mask;
	uint32_t scan_count;
	uint32_t eager_count; /**< these come first */
	uint8_t ids[RULE_IMAGE_FIELDS_MAX]; /**< enum rule_field_id of each field */
	uint8_t wants[RULE_FIELD_COUNT];    /**< whether decisions depend on it */
	hs_database_t **databases;
	hs_scratch_t *scratch; /**< the prototype of the workers' */
	size_t bytes;
};

/** A value remembered of a node, for the events whose bit is set in known. */
struct match_memo {
	uint64_t known;
	uint64_t value;
};

struct match_column {
	uint64_t loaded;
	uint64_t has;
	union {
		uint64_t numbers[RULE_BURST_MAX];
		struct vex_bytes texts[RULE_BURST_MAX];
	};
};

/** Four decisions; what they say is at lists, 0: nothing is here. */
struct cache_line {
	uint64_t hash[CACHE_WAYS];
	uint32_t list[CACHE_WAYS];
	uint16_t len[CACHE_WAYS];
	uint32_t next; /**< the way that is given up next */
	uint32_t zero;
};

/** Rules that may match, and their inputs' bits; kept once. Its place in the arena is its name. */
struct cache_list {
	uint64_t events; /**< of this burst that have it */
	uint32_t hash;
	uint32_t words;
	uint32_t word[];
};

struct cache_key {
	uint64_t hash;
	uint32_t len; /**< 0: too long to be kept */
	uint32_t way; /**< where its like is, or CACHE_WAYS */
	uint8_t bytes[CACHE_KEY_MAX];
};

struct rule_worker {
	const struct rule_matcher *matcher;
	const struct vex_record *const *records;
	uint64_t all; /**< a bit for each record */
	uint64_t decoded;
	rule_run run;
	void *data;
	struct rule_worker_counts counts;
	hs_scratch_t *scratch;

	struct match_memo *memo; /**< of tests, then of words of NODES */
	uint32_t *touched;       /**< memos to be forgotten behind the burst */
	uint32_t touched_count;
	uint64_t *scanned;       /**< events, by scan */
	uint32_t *scanned_list;
	uint32_t scanned_count;
	uint64_t *input;         /**< values of inputs */
	uint64_t *marks;         /**< events, by rule */
	uint64_t *bits[3];       /**< rules that are marked, words that are, words of words */
	uint32_t bit_words[3];
	struct rule_hit *found;  /**< whose cacheable part holds, in order */
	uint32_t found_count;
	struct rule_hit *hits;
	uint32_t *starts;        /**< scratch of lists */
	struct cache_list *lists[RULE_BURST_MAX]; /**< that were remembered, each once */
	unsigned list_count;
	bool spread; /**< what is to be filtered stands in marks, and in order */

	struct cache_line *lines;
	uint8_t *keys;
	uint64_t line_mask;
	uint8_t *arena;
	uint32_t arena_size;
	uint32_t arena_used;
	uint32_t *names; /**< of lists, by hash */
	uint32_t names_mask;
	uint32_t names_used;
	uint32_t *words; /**< of one event's list */

	struct cache_key key[RULE_BURST_MAX];
	struct match_column *columns; /**< by field */
	struct vex_event events[RULE_BURST_MAX];
	struct vex_event_space spaces[RULE_BURST_MAX];
};

#define LIST_WORDS_MAX 16384u /* a longer one is not kept */

/** Runs over the set bits of a mask. */
#define EACH_EVENT(i, mask)                                                                        \
	for (uint64_t left_ = (mask); left_ && ((i) = (unsigned)__builtin_ctzll(left_), 1);        \
			left_ &= left_ - 1)

/* -- match.c -- */
/** Forgets what was worked out for the burst. */
void match_clean_up(struct rule_worker *worker);

/* -- match_cache.c -- */
void match_key(struct rule_worker *worker, const struct vex_record *record, struct cache_key *key);
/** Finds the way of a key, and has what stands there fetched. */
void match_fetch(struct rule_worker *worker, struct cache_key *key);
/** The list that was remembered, or NULL; behind match_fetch(). */
struct cache_list *match_remembered(struct rule_worker *worker, const struct cache_key *key);
/** Remembers what was found for these events. */
void match_remember(struct rule_worker *worker, uint64_t events);
void match_forget(struct rule_worker *worker);

/* -- match_find.c -- */
/** Marks the rules that these events may match. */
void match_find(struct rule_worker *worker, uint64_t events);
void match_mark(struct rule_worker *worker, uint32_t rule, uint64_t events);
/** The next rule that is marked, unmarked; false where there is none. Ascending from *at on. */
bool match_next(struct rule_worker *worker, uint32_t *rule, uint64_t *events);
/** Scans a field of these events that it was not scanned for yet. */
void match_scan(struct rule_worker *worker, uint32_t scan, uint64_t events);

/* -- match_eval.c -- */
/** The events out of these for which a node is true. */
uint64_t match_eval(struct rule_worker *worker, uint32_t node, uint64_t events);
struct match_memo *match_memo(struct rule_worker *worker, uint32_t index);

/* -- match_column.c -- */
/** Loads a field of these events; has then tells which have it. */
struct match_column *match_column(struct rule_worker *worker, unsigned field, uint64_t events);
bool match_attr(struct rule_worker *worker, unsigned event, const char *name, size_t len,
		struct vex_bytes *value);
const struct vex_event *match_event(struct rule_worker *worker, unsigned event);
/** Of 64 numbers those from low to high. */
uint64_t match_range(const uint64_t *numbers, uint64_t low, uint64_t high);
uint64_t match_bits(const uint64_t *numbers, uint64_t mask, uint64_t want);

/* -- match_text.c -- */
bool match_text(const struct rule_matcher *matcher, const struct rule_image_test *test,
		struct vex_bytes text);
bool match_among(const struct rule_matcher *matcher, const struct rule_image_test *test,
		struct vex_bytes text);

#endif
