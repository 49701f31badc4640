/* SPDX-License-Identifier: BSD-3-Clause */
#include "rule/limit.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "rule/limit_table.h"

/* Which keys of a sample are in the share is the same everywhere and for good. */
#define SAMPLE_SEED 0x76657873616d706cull
#define NOT_THERE 0x9e3779b97f4a7c15ull

/* Clocks of workers differ by less; what is further ahead was written before the clock was set. */
#define SLACK (1000000000ull * LIMIT_TICKS)
/* An entry of a sample that nobody asks for that long may go; its counting starts anew then. */
#define SAMPLE_IDLE (86400ull * 1000000000u * LIMIT_TICKS)

struct question {
	struct rule_limits *limits;
	uint64_t state;
	const struct rule_image_limit *limit;
	const struct rule_reader *reader;
	const struct vex_record *record;
	uint64_t now_ns;
	uint64_t now; /* ticks */
};

static uint64_t hash_keys(const struct question *ask, const struct rule_image_keys *by, uint64_t hash)
{
	uint32_t i;

	for (i = 0; i < by->count; i++) {
		struct rule_datum value = rule_reader_read(ask->reader,
				&ask->reader->keys[by->first + i], ask->record);

		if (!value.has)
			hash = XXH3_64bits_withSeed(NULL, 0, hash ^ NOT_THERE);
		else if (value.is_text)
			hash = XXH3_64bits_withSeed(value.text.data, value.text.len, hash);
		else
			hash = XXH3_64bits_withSeed(&value.number, sizeof(value.number), hash);
	}
	return hash;
}

static struct limit_entry enter(const struct question *ask, enum limit_kind kind,
		const struct rule_image_keys *by)
{
	uint64_t name[2] = {ask->state, kind};
	uint64_t hash = XXH3_64bits_withSeed(name, sizeof(name), ask->limits->seed);

	return limit_enter(ask->limits, kind, hash_keys(ask, by, hash), ask->now);
}

static uint64_t saturate(uint64_t value, uint64_t factor, uint64_t max)
{
	uint64_t product;

	return __builtin_mul_overflow(value, factor, &product) || product > max ? max : product;
}

/* -- sample: num of each den, spread evenly -- */

static bool in_share(const struct question *ask)
{
	const struct rule_image_limit *limit = ask->limit;
	struct limit_entry entry;
	uint64_t count;

	if (limit->sample_by.count) {
		uint64_t hash = hash_keys(ask, &limit->sample_by, SAMPLE_SEED);

		return (hash >> 32) * limit->sample_den >> 32 < limit->sample_num;
	}
	entry = enter(ask, LIMIT_SAMPLE, &limit->sample_by);
	if (!entry.where)
		return true;
	if (limit_ahead(VEX_LOAD_RELAXED(entry.word), ask->now) < (int64_t)(SAMPLE_IDLE / 2))
		VEX_STORE_RELAXED(entry.word, ask->now + SAMPLE_IDLE);
	count = __atomic_fetch_add(&entry.tally->count, 1, __ATOMIC_RELAXED) % limit->sample_den;
	return count * limit->sample_num % limit->sample_den < limit->sample_num;
}

/* -- suppress and rate: one step, which fails only where somebody else made one -- */

enum step { STEP_PASS, STEP_HOLD, STEP_AGAIN };

struct turn {
	struct limit_entry entry;
	uint64_t word; /* what was found */
	uint64_t next; /* what stands there now */
	bool first;    /* the tally was empty until then */
};

typedef enum step (*take_step)(const struct question *ask, struct turn *turn);

static bool put(struct turn *turn, uint64_t next)
{
	turn->next = next;
	return limit_swap(turn->entry.word, &turn->word, next);
}

/* The word is when the suppression is over. */
static enum step suppress(const struct question *ask, struct turn *turn)
{
	struct vex_attr_suppressed one = {1, ask->record->start_ns, ask->record->start_ns};
	uint64_t span = saturate(ask->limit->suppress_ns, LIMIT_TICKS, LIMIT_SPAN_MAX);
	int64_t ahead = limit_ahead(turn->word, ask->now);

	if ((ahead <= 0 || ahead > (int64_t)(span + SLACK)) && !put(turn, ask->now + span))
		return STEP_AGAIN;
	if (ahead <= 0)
		return STEP_PASS;
	turn->first = !limit_add(turn->entry.tally, &one);
	return STEP_HOLD;
}

/* The word is when the bucket will be full: each event puts it off by one token's time. */
static enum step rate(const struct question *ask, struct turn *turn)
{
	const struct rule_image_limit *limit = ask->limit;
	uint64_t span = saturate(limit->rate_per_ns, LIMIT_TICKS, LIMIT_SPAN_MAX);
	uint64_t token = (span + limit->rate_events / 2) / limit->rate_events;
	uint64_t full = saturate(token + !token, limit->rate_burst, LIMIT_SPAN_MAX);
	int64_t ahead = limit_ahead(turn->word, ask->now);
	uint64_t wait = ahead > 0 ? (uint64_t)ahead : 0;

	token += !token;
	if (wait + token <= full)
		return put(turn, ask->now + wait + token) ? STEP_PASS : STEP_AGAIN;
	if (wait > full + SLACK && !put(turn, ask->now + full))
		return STEP_AGAIN;
	return STEP_HOLD;
}

/* The key is looked at after the word: while the word stays the entry is the key's. */
static bool is_held(const struct question *ask, enum limit_kind kind,
		const struct rule_image_keys *by, struct turn *turn)
{
	const take_step take = kind == LIMIT_SUPPRESS ? suppress : rate;
	enum step step = STEP_AGAIN;
	unsigned i;

	turn->entry = enter(ask, kind, by);
	for (i = 0; i < LIMIT_TRIES && turn->entry.where && step == STEP_AGAIN; i++) {
		turn->word = turn->next = __atomic_load_n(turn->entry.word, __ATOMIC_SEQ_CST);
		if (__atomic_load_n(turn->entry.where, __ATOMIC_SEQ_CST) == turn->entry.key)
			step = take(ask, turn);
		else
			turn->entry = enter(ask, kind, by);
	}
	if (turn->entry.where && step == STEP_AGAIN) {
		limit_count(&ask->limits->counts.contended, 1);
		turn->entry.where = NULL;
	}
	return step == STEP_HOLD;
}

/* What was not led on after all opens no suppression: the one before it is the last still. */
static void close_window(const struct turn *opened)
{
	uint64_t expected = opened->next;

	if (opened->entry.where)
		limit_swap(opened->entry.word, &expected, opened->word);
}

static void note_untold(const struct question *ask, const struct turn *held,
		struct rule_limit_untold *untold)
{
	uint64_t ahead = (uint64_t)limit_ahead(held->next, ask->now);

	untold->key = held->entry.key;
	untold->word = held->next;
	untold->until_ns = ask->now_ns + ahead / LIMIT_TICKS + 1;
	untold->entry = limit_number(ask->limits, &held->entry);
}

/* Counted just now, when somebody else had taken the times already. */
static void mend_times(struct vex_attr_suppressed *told, uint64_t start_ns)
{
	if (told->count && !told->last_ns)
		told->first_ns = told->last_ns = start_ns;
}

enum rule_limit_verdict rule_limit_ask(struct rule_limits *limits, uint64_t state,
		const struct rule_image_limit *limit, const struct rule_reader *reader,
		const struct vex_record *record, uint64_t now_ns, struct vex_attr_suppressed *told,
		struct rule_limit_untold *untold)
{
	const struct question ask = {.limits = limits, .state = state, .limit = limit,
			.reader = reader, .record = record, .now_ns = now_ns,
			.now = now_ns * LIMIT_TICKS};
	struct turn opened = {.next = 0};
	struct turn paid;

	*told = (struct vex_attr_suppressed){0};
	untold->key = 0;
	if (limit->sample_den && !in_share(&ask))
		return RULE_LIMIT_SAMPLED;
	if (limit->suppress_ns && is_held(&ask, LIMIT_SUPPRESS, &limit->suppress_by, &opened)) {
		if (opened.first)
			note_untold(&ask, &opened, untold);
		return RULE_LIMIT_SUPPRESSED;
	}
	if (limit->rate_events && is_held(&ask, LIMIT_RATE, &limit->rate_by, &paid)) {
		close_window(&opened);
		return RULE_LIMIT_RATE;
	}
	if (opened.entry.where)
		*told = limit_take(opened.entry.tally);
	mend_times(told, record->start_ns);
	return RULE_LIMIT_PASS;
}

static bool is_still(const struct limit_entry *entry, uint64_t key)
{
	return __atomic_load_n(entry->where, __ATOMIC_SEQ_CST) == key;
}

/* Who opens the next suppression has changed the word, and tells by himself. */
struct vex_attr_suppressed rule_limit_take(struct rule_limits *limits,
		const struct rule_limit_untold *untold, uint64_t start_ns)
{
	struct limit_entry entry = limit_numbered(limits, untold->entry);
	struct vex_attr_suppressed taken = {0};

	if (!is_still(&entry, untold->key) ||
			__atomic_load_n(entry.word, __ATOMIC_SEQ_CST) != untold->word)
		return taken;
	taken = limit_take(entry.tally);
	if (taken.count && !is_still(&entry, untold->key)) { /* then it is another key's */
		limit_add(entry.tally, &taken);
		return (struct vex_attr_suppressed){0};
	}
	mend_times(&taken, start_ns);
	return taken;
}
