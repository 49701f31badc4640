/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * By what a decision is known: a hash of all that repeats of an event, as far as the image asks
 * for it, with a secret of the worker's.
 *
 * The message that is hashed is the record itself from the first attribute on that is wanted, in
 * lines of 64 bytes, with all put to zero that is not wanted. Its second line begins with the end of
 * the record's header, which tells type and actor; what is wanted of TASK, FILE and the rest of the
 * header stands in lines of its own. No two events that may be decided differently have one message: the head
 * of an attribute is never 0 and tells how much follows. Events that are decided alike may well
 * have two, where attributes that nobody wants stand between others.
 *
 * The hash is two sums over GF(2)[x] of (left + key) * (right + key'), left and right being the
 * halves of each 16 bytes, each with keys of its own and taken modulo x^64 + x^4 + x^3 + x + 1.
 * Whatever two messages somebody thinks of who does not know the keys, which never leave the
 * worker: one sum is the same for both with a probability of at most 2^-63.
 *
 * Records of more than MATCH_KEY_LINES, and processors that can't do this, have XXH3 with a secret.
 */
#include "rule/match_work.h"

#include "rule/index_key.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

#define LINE 64u
#define LINE_TASK MATCH_KEY_LINES
#define LINE_FILE (MATCH_KEY_LINES + 1)
#define LINE_ID (MATCH_KEY_LINES + 2)
#define ACTOR offsetof(struct vex_record, type)
#define ACTOR_SIZE (sizeof(struct vex_record) - ACTOR)

static void take(uint8_t *mask, size_t offset, size_t len, bool wanted)
{
	if (wanted)
		memset(mask + offset, 0xff, len);
}

#define MEMBER(type, name) offsetof(struct type, name), sizeof(((struct type *)0)->name)
#define PAYLOAD(type, name) VEX_ATTR_HEAD + offsetof(struct type, name),                           \
		sizeof(((struct type *)0)->name)

static void take_head(struct match_takes *takes, const uint8_t *wants)
{
	take(takes->head, MEMBER(vex_record, type), wants[RULE_FIELD_EVT_TYPE]);
	take(takes->head, MEMBER(vex_record, boundary), wants[RULE_FIELD_EVENT_BOUNDARY]);
	take(takes->head, MEMBER(vex_record, pid), wants[RULE_FIELD_PROC_PID]);
	take(takes->head, MEMBER(vex_record, uid), wants[RULE_FIELD_USER_UID]);
	take(takes->head, MEMBER(vex_record, gid), wants[RULE_FIELD_GROUP_GID]);
	take(takes->head, MEMBER(vex_record, id.node), wants[RULE_FIELD_EVENT_NODE]);
	take(takes->head, MEMBER(vex_record, id.port), wants[RULE_FIELD_EVENT_PORT]);
	take(takes->head, MEMBER(vex_record, id.lane), wants[RULE_FIELD_EVENT_LANE]);
	memcpy(takes->actor, takes->head + ACTOR, ACTOR_SIZE);
	takes->id = wants[RULE_FIELD_EVENT_NODE] || wants[RULE_FIELD_EVENT_PORT] ||
			wants[RULE_FIELD_EVENT_LANE];
}

void match_take(struct match_takes *takes, const uint8_t *wants)
{
	bool task = wants[RULE_FIELD_THREAD_TID] || wants[RULE_FIELD_PROC_PPID];
	bool path = wants[RULE_FIELD_FD_NAME] || wants[RULE_FIELD_FD_DIRECTORY] ||
			wants[RULE_FIELD_FD_FILENAME];

	unsigned field;

	for (field = 0; field < RULE_FIELD_COUNT; field++)
		takes->any |= wants[field];
	take_head(takes, wants);
	take(takes->task, 0, VEX_ATTR_HEAD, true);
	take(takes->task, PAYLOAD(vex_attr_task, tid), wants[RULE_FIELD_THREAD_TID]);
	take(takes->task, PAYLOAD(vex_attr_task, ppid), wants[RULE_FIELD_PROC_PPID]);
	take(takes->file, 0, VEX_ATTR_HEAD, true);
	take(takes->file, PAYLOAD(vex_attr_file, dev), true);
	takes->parts = (uint32_t)task << VEX_ATTR_TASK |
			(uint32_t)wants[RULE_FIELD_FS_DEV] << VEX_ATTR_FILE;
	takes->attrs = (uint32_t)wants[RULE_FIELD_TENANT] << VEX_ATTR_TENANT |
			(uint32_t)wants[RULE_FIELD_PROC_NAME] << VEX_ATTR_COMM |
			(uint32_t)path << VEX_ATTR_PATH |
			(uint32_t)wants[RULE_FIELD_FS_PATH2] << VEX_ATTR_PATH2;
}

VEX_STATIC_ASSERT(VEX_ATTR_LIMIT <= 32, "a bit for each attribute");
VEX_STATIC_ASSERT(sizeof(struct vex_record) <= LINE && sizeof(struct vex_record) % 8 == 0,
		"the header is within one line");
VEX_STATIC_ASSERT(ACTOR_SIZE == 16, "type and actor are two words at the header's end");

static inline uint32_t head_at(const uint8_t *at)
{
	uint32_t head;

	memcpy(&head, at, sizeof(head));
	return head;
}

/* -- in plain words: XXH3 of one part after the other -- */

static void mix(struct cache_key *key, const void *data, size_t size,
		const struct match_secret *secret)
{
	XXH128_hash_t hash = XXH3_128bits_withSecret(data, size, secret, sizeof(*secret));

	key->hash = rule_key_mix(key->hash, hash.low64);
	hash.high64 = rule_key_mix((uint64_t)key->more << 32 | key->place, hash.high64);
	key->more = (uint32_t)(hash.high64 >> 32);
	key->place = (uint32_t)hash.high64;
}

static void mix_masked(struct cache_key *key, const uint8_t *data, size_t size, const uint8_t *mask,
		const struct match_secret *secret)
{
	uint8_t masked[LINE];
	size_t i;

	for (i = 0; i < size; i++)
		masked[i] = data[i] & mask[i];
	mix(key, masked, size, secret);
}

static struct cache_key key_plain(const struct match_takes *takes,
		const struct match_secret *secret, const struct vex_record *record)
{
	const uint8_t *at = (const uint8_t *)(record + 1);
	const uint8_t *end = (const uint8_t *)record + record->size;
	struct cache_key key = {0};

	mix_masked(&key, (const uint8_t *)record, sizeof(*record), takes->head, secret);
	while (at < end) {
		uint32_t id = vex_attr_head_id(head_at(at));
		uint32_t len = vex_attr_head_len(head_at(at));

		if (takes->attrs >> id & 1)
			mix(&key, at, VEX_ATTR_HEAD + len, secret);
		if (takes->parts >> id & 1)
			mix_masked(&key, at, VEX_ATTR_HEAD + len,
					id == VEX_ATTR_TASK ? takes->task : takes->file, secret);
		at += vex_attr_span(len);
	}
	return key;
}

static void fetch(const struct rule_worker *worker, const struct cache_key *key)
{
	__builtin_prefetch(&worker->lines[key->place & worker->line_mask]);
}

/* -- 64 bytes at once, where they lie -- */

#ifdef __x86_64__
#define WIDE __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,vpclmulqdq,pclmul,bmi2")))
#define WIDE_INLINE static inline WIDE __attribute__((always_inline))

struct sums {
	__m512i a;
	__m512i b;
};

WIDE_INLINE struct sums add(struct sums sums, __m512i key_a, __m512i key_b, __m512i words)
{
	__m512i a = _mm512_xor_si512(words, key_a);
	__m512i b = _mm512_xor_si512(words, key_b);

	sums.a = _mm512_xor_si512(sums.a, _mm512_clmulepi64_epi128(a, a, 0x10));
	sums.b = _mm512_xor_si512(sums.b, _mm512_clmulepi64_epi128(b, b, 0x10));
	return sums;
}

WIDE_INLINE struct sums add_line(struct sums sums, const struct match_secret *secret,
		uint32_t line, __m512i words)
{
	return add(sums, _mm512_load_si512(secret->a[line]), _mm512_load_si512(secret->b[line]),
			words);
}

/* A sum's four parts are one: a, a, b, b. */
WIDE_INLINE __m512i fold(struct sums sums)
{
	__m512i both = _mm512_xor_si512(_mm512_shuffle_i64x2(sums.a, sums.b, 0x44),
			_mm512_shuffle_i64x2(sums.a, sums.b, 0xee));

	return _mm512_xor_si512(both, _mm512_shuffle_i64x2(both, both, 0xb1));
}

/*
 * The sums of messages that differ in a few bits of one word alone, as those of numbered files do,
 * are a linear image of those bits, and a place's lower bits may not show them all: those of a
 * product's upper half do.
 */
WIDE_INLINE __m256i spread_places(__m256i keys)
{
	__m256i products = _mm256_mullo_epi32(keys, _mm256_set1_epi32((int)0x9e3779b1));

	return _mm256_mask_ror_epi32(keys, 0x88, products, 16);
}

/* The keys of two events: all modulo the polynomial, whose powers above 64 come down twice. */
WIDE_INLINE __m256i finish(__m512i one, __m512i other)
{
	const __m512i low = _mm512_set1_epi64(0x1b);
	const __m512i halves = _mm512_set_epi64(0, 0, 0, 0, 6, 4, 2, 0);
	__m512i both = _mm512_shuffle_i64x2(one, other, 0x88);
	__m512i once = _mm512_clmulepi64_epi128(both, low, 0x01);
	__m512i twice = _mm512_clmulepi64_epi128(once, low, 0x01);

	both = _mm512_xor_si512(_mm512_xor_si512(both, once), twice);
	return spread_places(_mm512_castsi512_si256(_mm512_permutexvar_epi64(halves, both)));
}

/* Where the attributes are that are taken as they are. */
struct message {
	const uint8_t *at; /* the first of them */
	uint64_t words;	   /* from there on, a bit each */
};

#define TOO_LARGE(record) ((record)->size > MATCH_KEY_LINES * LINE)

static uint64_t words_of(const uint8_t *from, const uint8_t *end, uint32_t attrs)
{
	const uint8_t *at = from;
	uint64_t words = 0;

	while (attrs && at < end) {
		uint32_t head = head_at(at);
		uint32_t span = vex_attr_span(vex_attr_head_len(head));
		uint64_t want = attrs >> vex_attr_head_id(head) & 1;

		words |= ((want << span / 8) - want) << (at - from) / 8;
		attrs &= ~(1u << vex_attr_head_id(head)); /* none of them comes twice */
		at += span;
	}
	return words;
}

static inline struct message message_of(const struct vex_record *record, uint32_t attrs)
{
	const uint8_t *at = (const uint8_t *)(record + 1);
	const uint8_t *end = (const uint8_t *)record + record->size;

	if (VEX_UNLIKELY(TOO_LARGE(record)))
		end = at;
	while (at < end) {
		uint32_t head = head_at(at);
		uint32_t span = vex_attr_span(vex_attr_head_len(head));

		if (!(attrs >> vex_attr_head_id(head) & 1)) {
			at += span;
			continue;
		}
		if (attrs & (attrs - 1))
			return (struct message){at, words_of(at, end, attrs)};
		return (struct message){at, (1ull << span / 8) - 1};
	}
	return (struct message){at, 0};
}

/* By itself: among wide instructions a compiler would keep these numbers in registers of masks. */
static __attribute__((noinline)) void find_messages(const struct vex_record *const *records,
		unsigned count, uint32_t attrs, struct message *messages)
{
	unsigned i;

	for (i = 0; i < count; i++)
		messages[i] = message_of(records[i], attrs);
}

WIDE static struct sums add_parts(struct sums sums, const struct match_takes *takes,
		const struct match_secret *secret, const struct vex_record *record)
{
	const void *task = vex_record_attr(record, VEX_ATTR_TASK, NULL);
	const void *file = vex_record_attr(record, VEX_ATTR_FILE, NULL);

	if (task && takes->parts & 1u << VEX_ATTR_TASK)
		sums = add_line(sums, secret, LINE_TASK, _mm512_maskz_and_epi64(0x3,
				_mm512_maskz_loadu_epi64(0x3, (const uint8_t *)task - VEX_ATTR_HEAD),
				_mm512_load_si512(takes->task)));
	if (file && takes->parts & 1u << VEX_ATTR_FILE)
		sums = add_line(sums, secret, LINE_FILE, _mm512_maskz_and_epi64(0x3,
				_mm512_maskz_loadu_epi64(0x3, (const uint8_t *)file - VEX_ATTR_HEAD),
				_mm512_load_si512(takes->file)));
	if (takes->id)
		sums = add_line(sums, secret, LINE_ID, _mm512_and_si512(
				_mm512_maskz_loadu_epi64(0x1f, record), _mm512_load_si512(takes->head)));
	return sums;
}

WIDE_INLINE __m512i line_at(const uint8_t *at, uint64_t wanted)
{
	return _mm512_maskz_loadu_epi64((__mmask8)wanted, at);
}

/* Of each burst the same, for the lines that all records have. */
struct constants {
	__m512i a[2];
	__m512i b[2];
	__m128i actor;
};

WIDE_INLINE struct constants constants_of(const struct match_takes *takes,
		const struct match_secret *secret)
{
	return (struct constants){
			{_mm512_load_si512(secret->a[0]), _mm512_load_si512(secret->a[1])},
			{_mm512_load_si512(secret->b[0]), _mm512_load_si512(secret->b[1])},
			_mm_load_si128((const __m128i *)takes->actor)};
}

WIDE_INLINE __m512i actor_of(const struct vex_record *record, __m128i wanted)
{
	const void *at = (const uint8_t *)record + ACTOR;

	return _mm512_zextsi128_si512(_mm_and_si128(_mm_loadu_si128(at), wanted));
}

/* Two lines at least, so that records of usual lengths take one way through the code. */
WIDE_INLINE __m512i sum_up(const struct rule_worker *worker, const struct constants *constants,
		const struct vex_record *record, struct message message)
{
	const struct match_takes *takes = &worker->matcher->takes;
	const uint8_t *at = message.at + 14 * 8;
	uint64_t behind = message.words >> 14;
	struct sums sums = {0};
	uint32_t line;

	sums = add(sums, constants->a[0], constants->b[0], line_at(message.at, message.words));
	sums = add(sums, constants->a[1], constants->b[1],
			_mm512_or_si512(actor_of(record, constants->actor),
					line_at(at - LINE, message.words >> 6 & 0xfc)));
	for (line = 2; VEX_UNLIKELY(behind); line++, behind >>= 8, at += LINE)
		sums = add_line(sums, worker->secret, line, line_at(at, behind));
	if (VEX_UNLIKELY(takes->parts || takes->id))
		sums = add_parts(sums, takes, worker->secret, record);
	return fold(sums);
}

WIDE static void keys_wide(struct rule_worker *worker, unsigned count)
{
	const struct vex_record *const *records = worker->records;
	const struct match_takes *takes = &worker->matcher->takes;
	struct constants constants = constants_of(takes, worker->secret);
	struct message messages[RULE_BURST_MAX];
	bool large = false;
	unsigned i;

	find_messages(records, count, takes->attrs, messages);
	for (i = 0; i < count; i += 2) {
		unsigned j = i + 1 < count ? i + 1 : i;

		large |= TOO_LARGE(records[i]) | TOO_LARGE(records[j]);
		_mm256_storeu_si256((__m256i *)&worker->key[i],
				finish(sum_up(worker, &constants, records[i], messages[i]),
						sum_up(worker, &constants, records[j], messages[j])));
		if (i) { /* by now these are ready */
			fetch(worker, &worker->key[i - 2]);
			fetch(worker, &worker->key[i - 1]);
		}
	}
	for (i -= 2; i < count; i++)
		fetch(worker, &worker->key[i]);
	for (i = 0; VEX_UNLIKELY(large) && i < count; i++)
		if (TOO_LARGE(records[i]))
			worker->key[i] = key_plain(takes, worker->secret, records[i]);
}

bool match_wide(void)
{
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
			__builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
			__builtin_cpu_supports("vpclmulqdq") && __builtin_cpu_supports("bmi2");
}
#else
bool match_wide(void)
{
	return false;
}
#endif

void match_keys(struct rule_worker *worker, unsigned count)
{
	unsigned i;

	if (!worker->matcher->takes.any) { /* all events are decided alike */
		for (i = 0; i < count; i++)
			worker->key[i] = (struct cache_key){.hash = 1};
		return;
	}
#ifdef __x86_64__
	if (worker->wide) {
		keys_wide(worker, count);
		return;
	}
#endif
	for (i = 0; i < count; i++) {
		worker->key[i] = key_plain(&worker->matcher->takes, worker->secret,
				worker->records[i]);
		fetch(worker, &worker->key[i]);
	}
}
