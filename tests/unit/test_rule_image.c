/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Compiled rules say of each event what the oracle says of it, whatever was remembered of others;
 * and an image of which one byte changed is refused.
 *
 *   test-rule_image [SETS [SEED]]    default: 150 sets from seed 1, 300 events each
 *   test-rule_image --long [SEED]    10,000,000 pairs of a set and an event
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "rule/compile.h"
#include "rule/disassemble.h"
#include "rule/match.h"
#include "rule/verify.h"
#include "support/rule_decided.h"
#include "support/rule_draw.h"
#include "support/rule_oracle.h"
#include "support/unit.h"

#define RULES 12u
#define EVENTS 300u
#define LONG_SETS 33334u

static uint64_t sets = 150;
static uint64_t first_seed = 1;
static struct rule_random *source;
static struct oracle *oracle;
static FILE *nowhere;
static struct rule_decided_check decided;
static uint64_t pairs, matched_pairs, hits_seen, differences;

/* Events of a set; records point into them, so that each stays where it is. */
static struct vex_event events[EVENTS];
static struct vex_event_space spaces[EVENTS];
static uint64_t *records[EVENTS];

static bool says(uint32_t program, const struct vex_event *event, void *data)
{
	(void)data;
	return (event->start_ns + program) % 3 == 0;
}

static bool run(uint32_t program, const struct vex_record *record, void *data)
{
	(void)data;
	return (record->start_ns + program) % 3 == 0;
}

static struct rule_set *parse(const char *text, size_t len)
{
	struct rule_options options = {.keep_plain = true};
	struct rule_source from = {"random", text, len};
	struct rule_diags diags = {0};
	struct rule_set *set = NULL;

	rule_set_parse(&from, 1, &options, &set, &diags);
	rule_diags_clear(&diags);
	return set;
}

/* Changes one thing that repeats, so that what was remembered of the event before is wrong. */
static void vary(struct vex_event *event)
{
	uint32_t *const numbers[] = {&event->uid, &event->gid, &event->pid, &event->tid,
			&event->ppid, &event->tenant, &event->id.node};
	size_t what = draw(source, 14);

	if (what < 7)
		*numbers[what] = (uint32_t)draw_number(source);
	else if (what == 7)
		event->dev = draw_number(source);
	else if (what == 8)
		event->id.port = (uint16_t)draw_number(source);
	else if (what == 9)
		event->id.lane = (uint16_t)draw_number(source);
	else if (what == 10)
		event->boundary = (uint8_t)draw(source, VEX_BOUNDARY_COUNT);
	else if (what == 11 && event->type != VEX_GAP)
		event->type = chance(source, 50) ? VEX_OPEN : VEX_RENAME;
	else if (what == 12)
		event->comm = (struct vex_bytes){"cat", draw(source, 4)};
	else
		event->has ^= 1u << draw(source, 7);
}

/* Through a record and back, as events come; two of three differ little from the one before. */
static void make_event(unsigned i)
{
	static struct random_event made;
	struct vex_record *record;
	uint32_t size;

	do {
		if (i % 3)
			vary(&made.event);
		else
			rule_random_event(source, &made);
		made.event.has &= ~(uint32_t)VEX_HAS_GAP;
		if (made.event.type == VEX_GAP)
			made.event.has |= VEX_HAS_GAP;
		size = vex_event_size(&made.event);
	} while (!size);
	free(records[i]);
	records[i] = calloc(1, size + 8);
	record = (struct vex_record *)records[i];
	vex_event_encode(&made.event, record);
	record->size = size;
	CU_ASSERT_EQUAL_FATAL(vex_record_check(record, size), VEX_CHECK_OK);
	vex_event_decode(record, &events[i], &spaces[i]);
}

static void differ(uint64_t seed, const struct rule *rule, const struct vex_event *event, bool said)
{
	static char text[65536];

	if (differences++ > 20)
		return;
	rule_node_print(rule->plain, text, sizeof(text));
	printf("\n    seed %lu, rule %s: the image says %s\n    %s\n    on: %s '%.*s'",
			(unsigned long)seed, rule->name.data, said ? "yes" : "no", text,
			vex_type_name(event->type), (int)event->path.len,
			(const char *)event->path.data);
	CU_FAIL("image and oracle differ");
}

/* Of one event of a burst: the rules that hit it are those that the oracle has. */
static void compare(uint64_t seed, const struct rule_set *set, const struct rule_hits *hits,
		unsigned bit, unsigned event)
{
	uint32_t want[RULES];
	uint32_t count = oracle_match(oracle, set, &events[event], want);
	uint32_t at = 0;
	uint32_t i;

	for (i = 0; i < hits->count; i++) {
		if (!(hits->hits[i].events >> bit & 1))
			continue;
		for (; at < count && want[at] < hits->hits[i].rule; at++)
			differ(seed, &set->rules[want[at]], &events[event], false);
		if (at < count && want[at] == hits->hits[i].rule)
			at++;
		else
			differ(seed, &set->rules[hits->hits[i].rule], &events[event], true);
	}
	for (; at < count; at++)
		differ(seed, &set->rules[want[at]], &events[event], false);
	pairs++;
	matched_pairs += count > 0;
}

/* Bursts of any length, of events most of which came before; with decisions left whole, mostly. */
static void ask(uint64_t seed, const struct rule_set *set, const struct rule_image *image,
		struct rule_worker *worker)
{
	const struct vex_record *burst[RULE_BURST_MAX];
	unsigned which[RULE_BURST_MAX];
	unsigned asked = 0;

	while (asked < EVENTS) {
		unsigned count = 1 + (unsigned)((asked * 7 + seed) % RULE_BURST_MAX);
		struct rule_hits hits;
		unsigned i;

		count = count < EVENTS - asked ? count : EVENTS - asked;
		for (i = 0; i < count; i++) {
			which[i] = (asked + i) % 3 ? (asked + i) % (EVENTS / 4) : asked + i;
			burst[i] = (struct vex_record *)records[which[i]];
		}
		hits = seed % 4 ? rule_decided_match(&decided, worker, image, burst, count)
				: rule_match(worker, burst, count);
		for (i = 0; i < count; i++)
			compare(seed, set, &hits, i, which[i]);
		asked += count;
	}
	rule_decided_end(&decided, worker);
	hits_seen += rule_worker_counts(worker).cache_hits;
}

static struct rule_image *compile(const struct rule_set *set, const struct rule_image *previous,
		size_t *size)
{
	struct rule_compile_error why;
	struct rule_image *image;
	int error = rule_compile(set, previous, &image, size, &why);

	if (error)
		printf("\n    not compiled: %s", why.text);
	CU_ASSERT_EQUAL_FATAL(error, 0);
	return image;
}

static struct rule_matcher *load(const struct rule_image *image, size_t size)
{
	struct rule_matcher *matcher;
	const char *why = "";
	int error = rule_matcher_new(image, size, &matcher, &why);

	if (error)
		printf("\n    not loaded: %s", why);
	CU_ASSERT_EQUAL_FATAL(error, 0);
	return matcher;
}

/* Explanations tell as many matches as there are; and all that can be printed is. */
static void tell(uint64_t seed, const struct rule_set *set, struct rule_worker *worker)
{
	uint32_t want[RULES];
	unsigned event = (unsigned)(seed / 16 % EVENTS);
	uint32_t count = oracle_match(oracle, set, &events[event], want);
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	const char *at;
	uint32_t told = 0;

	rule_explain(worker, (struct vex_record *)records[event], out);
	fflush(out);
	for (at = text; (at = strstr(at, ": matches\n")); at++)
		told++;
	CU_ASSERT_EQUAL(told, count);
	fclose(out);
	free(text);
}

static void one_set(uint64_t seed, const struct rule_set *set, const struct rule_image *image,
		size_t size)
{
	static const uint32_t entries[] = {0, 8, 1024};
	struct rule_worker_options options = {.plain = seed % 5 == 0,
			.cache_entries = entries[seed % 3], .list_bytes = seed % 2 ? 4096 : 0, .run = run,
			.tell = rule_decided_tell, .tell_data = &decided};
	struct rule_matcher *matcher = load(image, size);
	struct rule_worker *worker;

	CU_ASSERT_EQUAL_FATAL(rule_worker_new(matcher, &options, &worker), 0);
	ask(seed, set, image, worker);
	if (seed % 16 == 0)
		tell(seed, set, worker);
	rule_worker_free(worker);
	rule_matcher_free(matcher);
}

/* Each second set is compiled on top of another one, as a reload is. */
static void test_agree(void)
{
	struct rule_image *previous = NULL;
	uint64_t seed;
	unsigned i;

	for (seed = first_seed; seed < first_seed + sets; seed++) {
		struct rule_image *image;
		struct rule_set *set;
		const char *text;
		size_t size;
		size_t len;

		rule_random_seed(source, seed);
		text = rule_random_set(source, RULES, &len);
		set = parse(text, len);
		CU_ASSERT_PTR_NOT_NULL_FATAL(set);
		image = compile(set, seed % 2 ? previous : NULL, &size);
		for (i = 0; i < EVENTS; i++)
			make_event(i);
		one_set(seed, set, image, size);
		if (seed % 16 == 0)
			rule_image_print(image, nowhere);
		free(previous);
		previous = image;
		rule_set_free(set);
	}
	free(previous);
	printf("%lu pairs, %lu with a match, %lu out of the cache, %lu differences ",
			(unsigned long)pairs, (unsigned long)matched_pairs,
			(unsigned long)hits_seen, (unsigned long)differences);
	CU_ASSERT_EQUAL(differences, 0);
	CU_ASSERT_TRUE(matched_pairs > pairs / 10 && hits_seen > pairs / 10);
}

static const char small[] = "- program: p\n  file: p.o\n- group: g\n  members: [a, b]\n"
		"- rule: a\n  condition: fd.name pmatch (/etc, /home/*/x) and not proc.name in (vi, ed)\n"
		"  route: [group:g, drop]\n  match: first\n"
		"- rule: b\n  condition: fd.name regex /a+ or (fs.size > 5 and label in (x, y))\n"
		"  schedule: {days: mon-fri, hours: 08:00-18:00}\n"
		"- rule: c\n  condition: fd.name contains xx and program[p]\n"
		"- rule: d\n  condition: user.uid in (1, 5, 7)\n  enabled: false\n"
		"- group: h\n  members: [a]\n  balance: hash\n  by: [fd.directory, \"attr[k]\"]\n"
		"- class: high\n  overload: block\n- quota: 7\n  rate: 5/s\n- quota: default\n  rate: 1/m\n"
		"- rule: f\n  condition: fd.name = /b\n  route: [boundary:fuse, subscriber:s]\n"
		"  sample: {share: 1/4, by: fs.ino}\n  suppress: {for: 2s, by: [proc.name, \"attr[k]\"]}\n"
		"  rate: {limit: 5/10m, burst: 9}\n  redact: {label: remove, \"attr[k]\": hash}\n";

static void test_flipped_bytes(void)
{
	struct rule_set *set = parse(small, sizeof(small) - 1);
	struct rule_matcher *matcher;
	struct rule_image *image;
	const char *why;
	size_t size;
	size_t i;

	CU_ASSERT_PTR_NOT_NULL_FATAL(set);
	image = compile(set, NULL, &size);
	CU_ASSERT_EQUAL(rule_image_verify(image, size, &why), 0);
	for (i = 0; i < size; i++) {
		uint8_t *byte = (uint8_t *)image + i;
		uint8_t was = *byte;

		*byte ^= (uint8_t)(1u << i % 8);
		CU_ASSERT_EQUAL(rule_matcher_new(image, size, &matcher, &why), -EBADMSG);
		*byte = (uint8_t)~was;
		CU_ASSERT_EQUAL(rule_image_verify(image, size, &why), -EBADMSG);
		*byte = was;
	}
	for (i = 0; i < size; i += 8)
		CU_ASSERT_EQUAL(rule_image_verify(image, i, &why), -EBADMSG);
	CU_ASSERT_EQUAL(rule_image_verify(image, size, &why), 0);
	free(image);
	rule_set_free(set);
}

/* Globs that no key tells apart, the i-th of which takes the i-th path. */
static struct rule_set *globs(unsigned count)
{
	static char text[65536];
	size_t len = 0;
	unsigned i;

	for (i = 0; i < count; i++)
		len += (size_t)sprintf(text + len,
				"- rule: g%u\n  condition: 'fd.name glob \"*/a*<%u>*\"'\n", i, i);
	return parse(text, len);
}

static bool glob_matches(struct rule_worker *worker, unsigned i)
{
	uint64_t room[64] = {0};
	struct vex_record *record = (struct vex_record *)room;
	char path[64];
	struct vex_event event = {.type = VEX_READ, .has = VEX_HAS_PATH, .path = {path, 0}};
	const struct vex_record *burst[] = {record};
	struct rule_hits hits;

	event.path.len = (size_t)snprintf(path, sizeof(path), "/x/ab<%u>c", i);
	vex_event_encode(&event, record);
	record->size = vex_event_size(&event);
	hits = rule_match(worker, burst, 1);
	return hits.count == 1 && hits.hits[0].rule == i;
}

static void all_match(const struct rule_image *image, size_t size, unsigned count)
{
	struct rule_matcher *matcher = load(image, size);
	struct rule_worker *worker;
	unsigned i;

	CU_ASSERT_EQUAL_FATAL(rule_worker_new(matcher, NULL, &worker), 0);
	for (i = 0; i < count; i++)
		CU_ASSERT_TRUE(glob_matches(worker, i));
	rule_worker_free(worker);
	rule_matcher_free(matcher);
}

/* However many come one by one, the large database is not compiled again, nor are there many. */
static void test_one_by_one(void)
{
	struct rule_image *previous = NULL;
	uint64_t large = 0;
	unsigned count;

	for (count = 100; count < 120; count++) {
		struct rule_set *set = globs(count);
		const struct rule_image_scan *scans;
		struct rule_image *image;
		size_t size;

		CU_ASSERT_PTR_NOT_NULL_FATAL(set);
		image = compile(set, previous, &size);
		scans = rule_image_part(image, RULE_PART_SCANS);
		large = previous ? large : scans->fingerprint;
		CU_ASSERT_TRUE(scans->count == 100 && scans->fingerprint == large);
		CU_ASSERT_TRUE(image->parts[RULE_PART_SCANS].count <= 4);
		all_match(image, size, count);
		rule_set_free(set);
		free(previous);
		previous = image;
	}
	free(previous);
}

static uint64_t print_of(const char *text, uint32_t rule)
{
	struct rule_set *set = parse(text, strlen(text));
	const struct rule_image_rule *rules;
	struct rule_image *image;
	uint64_t print;
	size_t size;

	CU_ASSERT_PTR_NOT_NULL_FATAL(set);
	image = compile(set, NULL, &size);
	rules = rule_image_part(image, RULE_PART_RULES);
	print = rules[rule].fingerprint;
	free(image);
	rule_set_free(set);
	return print;
}

#define RULE_TEXT(name, keys) "- rule: " name "\n  condition: fd.name = /a\n" keys

#define PROGRAM(name) "- program: " name "\n  file: x.o\n"

static void test_fingerprints(void)
{
	uint64_t plain = print_of(RULE_TEXT("a", ""), 0);

	CU_ASSERT_EQUAL(print_of(RULE_TEXT("x", "") "- rule: b\n  condition: fd.name=/a\n", 1), plain);
	CU_ASSERT_NOT_EQUAL(print_of(RULE_TEXT("a", "  rate: 5/1s\n"), 0), plain);
	CU_ASSERT_NOT_EQUAL(print_of(RULE_TEXT("a", "  suppress: 5s\n"), 0), plain);
	CU_ASSERT_NOT_EQUAL(print_of(RULE_TEXT("a", "  route: drop\n"), 0), plain);
	CU_ASSERT_NOT_EQUAL(print_of(RULE_TEXT("a", "  match: first\n"), 0), plain);
	CU_ASSERT_NOT_EQUAL(print_of("- rule: a\n  condition: fd.name = /b\n", 0), plain);
	CU_ASSERT_EQUAL(print_of(PROGRAM("p") PROGRAM("q") RULE_TEXT("a", "  program: q\n"), 0),
			print_of(PROGRAM("q") RULE_TEXT("a", "  program: q\n"), 0));
}

int main(int argc, char **argv)
{
	CU_TestInfo tests[] = {
		{"images and the oracle agree", test_agree},
		{"each byte counts", test_flipped_bytes},
		{"rules that come one by one", test_one_by_one},
		{"a rule is known by what it does", test_fingerprints},
		CU_TEST_INFO_NULL,
	};
	int result;

	if (argc > 1)
		sets = strcmp(argv[1], "--long") ? strtoull(argv[1], NULL, 10) : LONG_SETS;
	if (argc > 2)
		first_seed = strtoull(argv[2], NULL, 10);
	source = rule_random_new("/usr", 5000, 1);
	oracle = oracle_new(says, NULL);
	nowhere = fopen("/dev/null", "w");
	if (!source || !nowhere)
		return fputs("no paths below /usr, or no /dev/null\n", stderr), 1;
	result = unit_run("rule_image", tests);
	rule_random_free(source);
	oracle_free(oracle);
	fclose(nowhere);
	for (unsigned i = 0; i < EVENTS; i++)
		free(records[i]);
	return result;
}
