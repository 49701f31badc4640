/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a worker works on. Private to the runtime of rule images.
 *
 *   match.c         a burst from its records to the rules that match
 *   match_load.c    images to matchers, matchers to workers
 *   match_key.c     by what decisions are known
 *   match_cache.c   decisions that were made before
 *   match_tally.c   what they come to, and what they count
 *   match_find.c    rules that an event may match, by the index
 *   match_eval.c    conditions, for all events of a burst at once
 *   match_column.c  fields of all events of a burst
 *   match_number.c  numbers of all events of a burst, compared
 *   match_text.c    what the tests of texts mean
 */
#ifndef VEX_RULE_MATCH_WORK_H
#define VEX_RULE_MATCH_WORK_H

#include <hs/hs.h>

#include "rule/field.h"
#include "rule/match.h"
#include "rule/rule.h"

/** Lines of 64 bytes of a message of which a key is made by the quicker way. */
#define MATCH_KEY_LINES 8u
#define CACHE_WAYS 4u

/** What repeats of a record, as far as tests ask for it: masks of bytes, bits of attributes. */
struct match_takes {
	uint8_t head[64] __attribute__((aligned(64))); /**< the record's first line */
	uint8_t actor[16]; /**< of it, from the type on */
	uint8_t task[64] __attribute__((aligned(64)));
	uint8_t file[64];
	uint32_t attrs; /**< that are taken as they are */
	uint32_t parts; /**< of which task and file tell what is taken */
	bool id;        /**< something of the head before the type is taken */
	bool any;       /**< false: no event differs from another */
};

/** Two sets of random numbers, drawn for each worker and known to it alone. */
struct match_secret {
	uint8_t a[MATCH_KEY_LINES + 3][64] __attribute__((aligned(64)));
	uint8_t b[MATCH_KEY_LINES + 3][64];
};

/** What is asked of a rule of which it is known that it may match. */
struct match_brief {
	uint32_t residual;
	uint32_t inputs : 31;
	uint32_t first : 1;
};

struct rule_matcher {
	const struct rule_image *image;
	const char *text;
	const struct rule_image_test *tests;
	const uint64_t *values;
	const struct rule_image_text *texts;
	const uint32_t *nodes;
	const uint32_t *inputs;
	const struct rule_image_rule *rules;
	struct match_brief *briefs; /**< by rule */
	const uint32_t *rule_inputs;
	const struct rule_image_slot *slots;
	const uint32_t *postings;
	const struct rule_image_scan *scans;
	const struct rule_image_pattern *patterns;
	const struct rule_image_schedule *schedules;
	const struct rule_image_window *windows;
	uint64_t *shared; /**< of tests, then of words of NODES, a bit each: it stands in several */
	uint32_t rule_count;
	uint32_t test_count;
	uint64_t slot_mask;
	uint32_t scan_count;
	uint32_t eager_count; /**< these come first */
	uint8_t ids[RULE_IMAGE_FIELDS_MAX]; /**< enum rule_field_id of each field */
	uint8_t wants[RULE_FIELD_COUNT];    /**< whether a test asks for it */
	struct match_takes takes;
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
	uint64_t any; /**< bits that are set in any of the numbers */
	union {
		struct {
			uint64_t numbers[RULE_BURST_MAX] __attribute__((aligned(64)));
			uint32_t low[RULE_BURST_MAX]; /**< all of them, where they are below 2^32 */
		};
		struct vex_bytes texts[RULE_BURST_MAX];
	};
};

/** Where the records of a burst have an attribute. */
struct match_place {
	uint64_t known;
	uint64_t has;
	uint32_t at[RULE_BURST_MAX]; /**< its payload; 0: there is none */
};

/** Comparisons of the numbers of a burst; span is what lies between low and high. */
struct match_numbers {
	uint64_t (*narrow)(const uint32_t *numbers, uint32_t low, uint32_t span);
	uint64_t (*range)(const uint64_t *numbers, uint64_t low, uint64_t span);
	uint64_t (*bits)(const uint64_t *numbers, uint64_t mask, uint64_t want);
};

/** 128 bits: what is compared, and what chooses a line. */
struct cache_key {
	uint64_t hash;
	uint32_t more;
	uint32_t place;
} __attribute__((aligned(16)));

/** A decision: its key, and where in the arena it says what; 0: nothing is here. */
struct cache_way {
	uint64_t hash;
	uint32_t more; /**< xor-ed with the epoch in which it was entered */
	uint32_t list;
};

struct cache_line {
	struct cache_way way[CACHE_WAYS];
} __attribute__((aligned(64)));

VEX_STATIC_ASSERT(sizeof(struct cache_line) == 64, "one fetch tells all");

/** What was counted by a decision and not told yet. */
struct cache_tally {
	uint64_t events;
	uint64_t first_ns;
	uint64_t last_ns;
};

/**
 * Rules that may match, and their inputs' bits; kept once. Its place in the arena is its name.
 * A burst looks at its first line alone, where it is whole: then decision says all.
 */
struct cache_list {
	struct rule_decision decision;
	struct cache_tally tally;
	uint32_t hash;
	uint32_t words : 31;
	uint32_t whole : 1;
	uint32_t word[];
} __attribute__((aligned(64)));

VEX_STATIC_ASSERT(offsetof(struct cache_list, word) == 64, "its head is one line");

/** Events of the burst with one list. */
struct match_list {
	struct cache_list *list;
	uint64_t events;
};

struct rule_worker {
	const struct rule_matcher *matcher;
	const struct vex_record *const *records;
	uint64_t all; /**< a bit for each record */
	uint64_t decoded;
	uint64_t loaded; /**< columns that have something, a bit each */
	uint32_t placed; /**< attributes whose places are known of an event, a bit each */
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
	struct match_list lists[RULE_BURST_MAX]; /**< that were remembered, each once */
	unsigned list_count;
	struct rule_decided decided[RULE_BURST_MAX]; /**< of them, those that are whole */
	bool spread; /**< what is to be filtered stands in marks, and in order */

	struct cache_line *lines;
	uint64_t line_mask;
	struct match_secret *secret;
	bool wide;      /**< as match_wide() */
	uint32_t epoch; /**< goes up where all is forgotten */
	uint32_t turn;  /**< chooses the way that is given up next */
	uint8_t *arena;
	uint8_t *arena_memory; /**< that it stands in; what is not used of it takes none */
	uint32_t arena_size;
	uint32_t arena_used;
	uint32_t *names; /**< of lists, by hash */
	uint32_t names_mask;
	uint32_t names_used;
	uint32_t *words; /**< of one event's list */
	uint32_t *counting; /**< lists that counted something, a ring of NAMES places */
	uint32_t counting_head; /**< goes up with each that begins, */
	uint32_t counting_tail; /**< and with each that is told */
	rule_tell tell;
	void *tell_data;

	uint64_t followers; /**< missed events with the key of an earlier one of the burst, its leader */
	uint8_t leader[RULE_BURST_MAX];
	struct cache_key key[RULE_BURST_MAX];
	const struct match_numbers *numbers;
	struct match_column *columns; /**< by field */
	struct match_place places[VEX_ATTR_LIMIT];
	struct vex_event events[RULE_BURST_MAX];
	struct vex_event_space spaces[RULE_BURST_MAX];
};

#define LIST_WORDS_MAX 16384u /* a longer one is not kept */
#define MATCH_NAMES 65536u    /* places for lists, of which half are used */

/** Runs over the set bits of a mask. */
#define EACH_EVENT(i, mask)                                                                        \
	for (uint64_t left_ = (mask); left_ && ((i) = (unsigned)__builtin_ctzll(left_), 1);        \
			left_ &= left_ - 1)

/* -- match.c -- */
/** Forgets what was worked out for the burst. */
void match_clean_up(struct rule_worker *worker);

/* -- match_key.c -- */
void match_take(struct match_takes *takes, const uint8_t *wants);
/** Whether this processor can do the wide variants. */
bool match_wide(void);
/** Makes the keys of the burst's events, and has fetched where they lead. */
void match_keys(struct rule_worker *worker, unsigned count);

/* -- match_cache.c -- */
/** Where in the arena the lists are that were remembered, by event; 0: none was. */
void match_remembered(struct rule_worker *worker, unsigned count, uint32_t *lists);
/** Remembers what was found for these events. */
void match_remember(struct rule_worker *worker, uint64_t events);
void match_forget(struct rule_worker *worker);
/** Whether to remember what a burst found may be to forget all lists. */
bool match_may_forget(const struct rule_worker *worker);
static inline struct cache_list *match_list_at(const struct rule_worker *worker, uint32_t place)
{
	return (struct cache_list *)(void *)(worker->arena + place);
}

/* -- match_tally.c -- */
/** Works out what a list's rules come to. */
void match_conclude(const struct rule_matcher *matcher, struct cache_list *list);
/** Takes those that are whole out of the burst's lists; returns how many there are. */
uint32_t match_set_apart(struct rule_worker *worker);

/* -- match_find.c -- */
/** Marks the rules that these events may match. */
void match_find(struct rule_worker *worker, uint64_t events);
static inline void match_mark(struct rule_worker *worker, uint32_t rule, uint64_t events)
{
	uint64_t others = worker->bits[0][rule / 64];

	worker->marks[rule] |= events;
	worker->bits[0][rule / 64] = others | 1ull << rule % 64;
	if (others)
		return;
	worker->bits[1][rule / 4096] |= 1ull << rule / 64 % 64;
	worker->bits[2][rule / 262144] |= 1ull << rule / 4096 % 64;
}
/**
 * The next rules that are marked, ascending: a bit for each of the 64 from *first on. They are not
 * marked any more, but match_take_mark() is still to be called for each. False: there are none.
 */
bool match_next(struct rule_worker *worker, uint32_t *first, uint64_t *rules);
static inline uint64_t match_take_mark(struct rule_worker *worker, uint32_t rule)
{
	uint64_t events = worker->marks[rule];

	worker->marks[rule] = 0;
	return events;
}
/** Scans a field of these events that it was not scanned for yet. */
void match_scan(struct rule_worker *worker, uint32_t scan, uint64_t events);

/* -- match_eval.c -- */
/** The events out of these for which a node is true. */
uint64_t match_eval(struct rule_worker *worker, uint32_t node, uint64_t events);
static inline bool match_shared(const struct rule_matcher *matcher, uint32_t index)
{
	return matcher->shared[index / 64] >> index % 64 & 1;
}
static inline struct match_memo *match_memo(struct rule_worker *worker, uint32_t index)
{
	struct match_memo *memo = &worker->memo[index];

	if (!memo->known && !memo->value)
		worker->touched[worker->touched_count++] = index;
	return memo;
}

/* -- match_column.c -- */
const struct match_column *match_load(struct rule_worker *worker, unsigned field, uint64_t events);
/** A field of these events, loaded where it was not; has then tells which have it. */
static inline const struct match_column *match_column(struct rule_worker *worker, unsigned field,
		uint64_t events)
{
	const struct match_column *column = &worker->columns[field];

	return events & ~column->loaded ? match_load(worker, field, events) : column;
}
/** Where these events have an attribute that stands in a record once at most. */
const struct match_place *match_place(struct rule_worker *worker, unsigned attr, uint64_t events);
struct vex_bytes match_payload(const struct vex_record *record, uint32_t at);
bool match_attr(struct rule_worker *worker, unsigned event, const char *name, size_t len,
		struct vex_bytes *value);
const struct vex_event *match_event(struct rule_worker *worker, unsigned event);

/* -- match_number.c -- */
/** Those that the processor is quickest with, in registers of at most so many bits. */
const struct match_numbers *match_numbers(unsigned bits);
/** Of a column's numbers those from low to high, and anything of events that have none. */
static inline uint64_t match_range(const struct rule_worker *worker,
		const struct match_column *column, uint64_t low, uint64_t high)
{
	if (column->any >> 32)
		return worker->numbers->range(column->numbers, low, high - low);
	if (low > UINT32_MAX)
		return 0;
	high = high < UINT32_MAX ? high : UINT32_MAX;
	return worker->numbers->narrow(column->low, (uint32_t)low, (uint32_t)(high - low));
}

/* -- match_text.c -- */
bool match_text(const struct rule_matcher *matcher, const struct rule_image_test *test,
		struct vex_bytes text);
bool match_among(const struct rule_matcher *matcher, const struct rule_image_test *test,
		struct vex_bytes text);

#endif
