/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What becomes of events that match, from the text to the image: targets, limits, redactions,
 * groups, service classes and quotas. Each field of the new parts is looked at by the verifier.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "rule/compile.h"
#include "rule/disassemble.h"
#include "rule/match.h"
#include "rule/verify.h"
#include "support/rule_test.h"

#define GROUPS                                                                                     \
	"- group: g\n  members: [a, b: 7]\n  balance: weighted\n  slow: 5ms\n  probe: 50ms\n"      \
	"- group: h\n  members: [a]\n  balance: hash\n  by: [fd.directory, \"attr[k]\"]\n"
#define RULES                                                                                      \
	"- rule: a\n  condition: fd.name = /a\n  route: [group:g, subscriber:s, drop]\n"           \
	"  sample: {share: 1/4, by: fs.ino}\n  suppress: {for: 2s, by: [proc.name, \"attr[k]\"]}\n"    \
	"  rate: {limit: 5/10m, burst: 9}\n  redact: {label: remove, \"attr[k]\": hash}\n"             \
	"- rule: b\n  condition: fd.name = /b\n  route: [group:g, subscriber:s, drop]\n"           \
	"- rule: c\n  condition: fd.name = /c\n  route: [boundary:fuse, subscriber:s]\n"           \
	"  sample: {share: 1/4, by: fs.ino}\n  suppress: {for: 2s, by: [proc.name, \"attr[k]\"]}\n"    \
	"  rate: {limit: 5/10m, burst: 9}\n"                                                       \
	"- rule: d\n  condition: fs.size > 7\n"
#define CLASSES                                                                                    \
	"- class: high\n  overload: block\n  block: 2ms\n  share: 80%\n"                           \
	"- quota: 7\n  rate: 100/s\n  excess: 5\n  over: demote\n"                                 \
	"- quota: default\n  rate: 10/m\n  burst: 20\n- quota: 3\n  rate: 1/s\n"

static struct rule_image *image_of(const char *text, size_t *size)
{
	struct rule_set *set = good_text(text);
	struct rule_compile_error why;
	struct rule_image *image;

	CU_ASSERT_PTR_NOT_NULL_FATAL(set);
	CU_ASSERT_EQUAL_FATAL(rule_compile(set, NULL, &image, size, &why), 0);
	rule_set_free(set);
	return image;
}

#define PART(type, PART) ((const struct rule_image_##type *)rule_image_part(image, RULE_PART_##PART))

static uint64_t count_of(const struct rule_image *image, enum rule_image_part part)
{
	return image->parts[part].count;
}

/* Whether the name of a field in the image, or another text, is this one. */
static bool is(const struct rule_image *image, struct rule_image_text text, const char *want)
{
	const char *bytes = rule_image_part(image, RULE_PART_TEXT);

	return text.len == strlen(want) && !memcmp(bytes + text.offset, want, text.len);
}

static bool key_is(const struct rule_image *image, const struct rule_image_keys *by, uint32_t i,
		const char *field, const char *arg)
{
	const struct rule_image_key *key = PART(key, KEYS) + by->first + i;
	struct rule_image_text name = {.offset = key->arg, .len = key->arg_len};

	return i < by->count && is(image, PART(field, FIELDS)[key->field].name, field) &&
			is(image, name, arg);
}

static void test_targets(void)
{
	size_t size;
	struct rule_image *image = image_of(GROUPS RULES, &size);
	const uint32_t *targets = rule_image_part(image, RULE_PART_TARGETS);
	const struct rule_image_rule *rules = PART(rule, RULES);
	const struct rule_image_target *to = PART(target, DESTINATIONS);

	CU_ASSERT_EQUAL(count_of(image, RULE_PART_DESTINATIONS), 4);
	CU_ASSERT_EQUAL(count_of(image, RULE_PART_TARGETS), 5);
	CU_ASSERT_EQUAL(rules[0].target_first, rules[1].target_first);
	CU_ASSERT_EQUAL(rules[1].target_count, 3);
	CU_ASSERT_EQUAL(to[targets[rules[1].target_first]].kind, RULE_TARGET_GROUP);
	CU_ASSERT_EQUAL(to[targets[rules[1].target_first]].index, 0);
	CU_ASSERT_EQUAL(to[targets[rules[2].target_first]].index, VEX_BOUNDARY_FUSE);
	CU_ASSERT_TRUE(is(image, to[targets[rules[2].target_first + 1]].name, "s"));
	CU_ASSERT_EQUAL(rules[3].target_count, 0);
	free(image);
}

static void test_limits(void)
{
	size_t size;
	struct rule_image *image = image_of(GROUPS RULES, &size);
	const struct rule_image_rule *rules = PART(rule, RULES);
	const struct rule_image_limit *limit = PART(limit, LIMITS);

	CU_ASSERT_EQUAL(count_of(image, RULE_PART_LIMITS), 1);
	CU_ASSERT_TRUE(!rules[0].limit && rules[1].limit == RULE_IMAGE_NONE && !rules[2].limit);
	CU_ASSERT_TRUE(limit->sample_num == 1 && limit->sample_den == 4);
	CU_ASSERT_EQUAL(limit->suppress_ns, 2000000000u);
	CU_ASSERT_TRUE(limit->rate_events == 5 && limit->rate_burst == 9);
	CU_ASSERT_EQUAL(limit->rate_per_ns, 600000000000u);
	CU_ASSERT_EQUAL(limit->rate_by.count, 0);
	CU_ASSERT_TRUE(key_is(image, &limit->sample_by, 0, "fs.ino", ""));
	CU_ASSERT_TRUE(key_is(image, &limit->suppress_by, 0, "proc.name", ""));
	CU_ASSERT_TRUE(key_is(image, &limit->suppress_by, 1, "attr", "k"));
	free(image);
}

/* Fields that are keys alone do not make decisions depend on them. */
static void test_repeats(void)
{
	size_t size;
	struct rule_image *image = image_of(GROUPS RULES, &size);
	const struct rule_image_field *fields = PART(field, FIELDS);
	uint64_t i;

	for (i = 0; i < count_of(image, RULE_PART_FIELDS); i++)
		CU_ASSERT_EQUAL(image->repeats >> i & 1, is(image, fields[i].name, "fd.name"));
	free(image);
}

static void test_redacts(void)
{
	size_t size;
	struct rule_image *image = image_of(GROUPS RULES, &size);
	const struct rule_image_rule *rules = PART(rule, RULES);
	const struct rule_image_redact *redact = PART(redact, REDACTS) + rules->redact_first;
	struct rule_image_text arg = {.offset = redact[1].key.arg, .len = redact[1].key.arg_len};

	CU_ASSERT_TRUE(rules[0].redact_count == 2 && !rules[1].redact_count);
	CU_ASSERT_TRUE(redact[0].how == RULE_REDACT_REMOVE && redact[1].how == RULE_REDACT_HASH);
	CU_ASSERT_TRUE(is(image, PART(field, FIELDS)[redact[0].key.field].name, "label"));
	CU_ASSERT_TRUE(is(image, arg, "k"));
	free(image);
}

static void test_groups(void)
{
	size_t size;
	struct rule_image *image = image_of(GROUPS RULES, &size);
	const struct rule_image_group_of *group = PART(group_of, GROUPS);
	const struct rule_image_member *member = PART(member, MEMBERS);

	CU_ASSERT_EQUAL(count_of(image, RULE_PART_GROUPS), 2);
	CU_ASSERT_TRUE(group->balance == RULE_BALANCE_WEIGHTED && group->member_count == 2);
	CU_ASSERT_TRUE(group->slow_ns == 5000000 && group->probe_ns == 50000000);
	CU_ASSERT_TRUE(is(image, member[0].name, "a") && member[0].weight == 1);
	CU_ASSERT_TRUE(is(image, member[1].name, "b") && member[1].weight == 7);
	CU_ASSERT_TRUE(group[1].member_first == 2 && group[1].balance == RULE_BALANCE_HASH);
	CU_ASSERT_TRUE(key_is(image, &group[1].by, 0, "fd.directory", ""));
	CU_ASSERT_TRUE(key_is(image, &group[1].by, 1, "attr", "k"));
	free(image);
}

static void class_is(const struct rule_class *class, enum rule_overload overload, uint32_t share,
		uint64_t block_ns)
{
	CU_ASSERT_EQUAL(class->overload, overload);
	CU_ASSERT_EQUAL(class->share, share);
	CU_ASSERT_EQUAL(class->block_ns, block_ns);
}

/* A later definition replaces an earlier one as a whole; what it does not say is the default. */
static void test_classes(void)
{
	struct rule_set *set = good_text("- class: critical\n- class: high\n  overload: block\n"
			"- class: low\n  overload: block\n  block: 1s\n  share: 5%\n"
			"- class: low\n  share: 10%\n- class: normal\n  overload: block\n  block: 3ms\n");

	CU_ASSERT_PTR_NOT_NULL_FATAL(set);
	class_is(&set->classes[RULE_QOS_CRITICAL], RULE_OVERLOAD_BLOCK, 100, 10000000);
	class_is(&set->classes[RULE_QOS_HIGH], RULE_OVERLOAD_BLOCK, 90, 10000000);
	class_is(&set->classes[RULE_QOS_NORMAL], RULE_OVERLOAD_BLOCK, 75, 3000000);
	class_is(&set->classes[RULE_QOS_LOW], RULE_OVERLOAD_DROP_OLDEST, 10, 0);
	rule_set_free(set);
	set = good_text("- list: none\n  items: []\n");
	CU_ASSERT_PTR_NOT_NULL_FATAL(set);
	class_is(&set->classes[RULE_QOS_NORMAL], RULE_OVERLOAD_DROP_NEWEST, 75, 0);
	rule_set_free(set);
}

static void test_class_errors(void)
{
	refused("- class: hihg\n", RULE_DIAG_VALUE, 1, 10, "did you mean high?");
	refused("- class: high\n  overlaod: block\n", RULE_DIAG_KEY, 2, 3, "did you mean overload?");
	refused("- class: high\n  overload: drop_old\n", RULE_DIAG_VALUE, 2, 13, "drop_oldest");
	refused("- class: high\n  block: 5ms\n", RULE_DIAG_VALUE, 2, 10, "goes with overload: block");
	refused("- class: critical\n  block: 1001ms\n", RULE_DIAG_VALUE, 2, 10, "up to 1s");
	refused("- class: critical\n  block: 0\n", RULE_DIAG_VALUE, 2, 10, "up to 1s");
	refused("- class: critical\n  block: [1]\n", RULE_DIAG_SHAPE, 2, 10, "up to 1s");
	refused("- class: low\n  share: 0%\n", RULE_DIAG_VALUE, 2, 10, "from 1% to 100%");
	refused("- class: low\n  share: 50\n", RULE_DIAG_VALUE, 2, 10, "from 1% to 100%");
	refused("- class: low\n  share: 76%\n", RULE_DIAG_VALUE, 1, 10,
			"class low has a share of 76%, but normal above it only 75%");
	refused("- class: critical\n  share: 60%\n", RULE_DIAG_VALUE, 1, 10, "class high has");
	refused("- clas: low\n", RULE_DIAG_KEY, 1, 3, "did you mean class?");
}

static void quota_is(const struct rule_quota *quota, bool any, uint32_t tenant, uint64_t events,
		uint64_t burst)
{
	CU_ASSERT_EQUAL(quota->any, any);
	CU_ASSERT_EQUAL(quota->tenant, tenant);
	CU_ASSERT_EQUAL(quota->events, events);
	CU_ASSERT_EQUAL(quota->burst, burst);
}

static void test_quotas(void)
{
	struct rule_set *set = good_text("- quota: 9\n  rate: 5/s\n  excess: 2\n  over: demote\n"
			"- quota: default\n  rate: 1/10m\n- quota: 0\n  rate: 7/m\n  burst: 1\n"
			"- quota: 9\n  rate: 6/s\n  burst: 60\n- quota: default\n  rate: 2/10m\n");

	CU_ASSERT_PTR_NOT_NULL_FATAL(set);
	CU_ASSERT_EQUAL_FATAL(set->quota_count, 3);
	quota_is(&set->quotas[0], false, 0, 7, 1);
	quota_is(&set->quotas[1], false, 9, 6, 60);
	quota_is(&set->quotas[2], true, 0, 2, 2);
	CU_ASSERT_EQUAL(set->quotas[0].per_ns, 60000000000u);
	CU_ASSERT_TRUE(!set->quotas[1].excess && set->quotas[1].over == RULE_OVER_DROP);
	rule_set_free(set);
}

static void test_quota_errors(void)
{
	refused("- quota: bob\n  rate: 1/s\n", RULE_DIAG_VALUE, 1, 10, "a tenant's number, or default");
	refused("- quota: 4294967296\n  rate: 1/s\n", RULE_DIAG_VALUE, 1, 10, "tenant's number");
	refused("- quota: 4\n", RULE_DIAG_MISSING, 1, 3, "quota '4' has no rate");
	refused("- quota: 4\n  rate: 5\n", RULE_DIAG_VALUE, 2, 9, "such as 10000/s");
	refused("- quota: 4\n  rate: 0/s\n", RULE_DIAG_VALUE, 2, 9, "such as 10000/s");
	refused("- quota: 4\n  rate: 1/s\n  burst: 0\n", RULE_DIAG_VALUE, 3, 10, "a number from 1");
	refused("- quota: 4\n  rate: 1/s\n  excess: x\n", RULE_DIAG_VALUE, 3, 11, "a number");
	refused("- quota: 4\n  rate: 1/s\n  over: demoted\n", RULE_DIAG_VALUE, 3, 9,
			"did you mean demote?");
	refused("- quota: 4\n  rate: 1/s\n  brust: 3\n", RULE_DIAG_KEY, 3, 3, "did you mean burst?");
}

static void test_class_image(void)
{
	size_t size;
	struct rule_image *image = image_of(CLASSES, &size);
	const struct rule_image_class *class = PART(class, CLASSES);
	const struct rule_image_quota *quota = PART(quota, QUOTAS);

	CU_ASSERT_EQUAL(count_of(image, RULE_PART_CLASSES), 4);
	CU_ASSERT_TRUE(class[1].overload == RULE_OVERLOAD_BLOCK && class[1].block_ns == 2000000 &&
			class[1].share == 80);
	CU_ASSERT_EQUAL(count_of(image, RULE_PART_QUOTAS), 3);
	CU_ASSERT_TRUE(quota[0].tenant == 3 && quota[0].burst == 1 && !quota[0].any);
	CU_ASSERT_TRUE(quota[1].tenant == 7 && quota[1].excess == 5 &&
			quota[1].over == RULE_OVER_DEMOTE);
	CU_ASSERT_TRUE(quota[2].any == 1 && quota[2].burst == 20);
	free(image);
}

static void test_print(void)
{
	static const char *const lines[] = {
		" group\"g\" subscriber\"s\" drop\n  sample: 1/4 by fs.ino\n"
		"  suppress: 2000000000 ns by proc.name, attr[k]\n"
		"  rate: 5 in 600000000000 ns, burst 9\n  remove label\n  hash attr[k]\n"
		"  cacheable: ",
		" boundary:fuse subscriber\"s\"\n",
		"class high: share 80%, block, 2000000 ns\n",
		"class low: share 50%, drop_oldest, 0 ns\n",
		"quota 7: 100 in 1000000000 ns, burst 100, excess 5, demote\n",
		"quota default: 10 in 60000000000 ns, burst 20, excess 0, drop\n",
		"group \"g\" weighted, slow 5000000 ns, probe 50000000 ns: \"a\" 1, \"b\" 7\n",
		"group \"h\" hash, slow 10000000 ns, probe 100000000 ns by fd.directory, attr[k]: \"a\" 1\n",
		"program \"p\": 0 instructions\n",
	};
	size_t size;
	struct rule_image *image = image_of(
			GROUPS RULES CLASSES "- program: p\n  file: p.o\n", &size);
	char *text = NULL;
	FILE *out = open_memstream(&text, &size);
	size_t i;

	rule_image_print(image, out);
	fclose(out);
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		CU_ASSERT_PTR_NOT_NULL(strstr(text, lines[i]));
		if (!strstr(text, lines[i]))
			printf("\n    missing: %s\n%s", lines[i], text);
	}
	free(text);
	free(image);
}

static void mend(struct rule_image *image)
{
	image->checksum = XXH3_64bits(&image->size,
			image->size - offsetof(struct rule_image, size));
}

/* One number of the image set to what it may not be: refused, for this reason. */
struct bad {
	enum rule_image_part part;
	size_t at; /**< in bytes, of the part's first element */
	size_t bytes;
	uint64_t value;
	const char *why;
};

#define BAD(PART, type, member, value, why)                                                        \
	{RULE_PART_##PART, offsetof(struct rule_image_##type, member),                             \
	 sizeof(((struct rule_image_##type *)NULL)->member), (value), (why)}

static const struct bad bads[] = {
	{RULE_PART_TARGETS, 0, 4, 4, "target"},
	BAD(RULES, rule, target_first, 3, "rule"),
	BAD(RULES, rule, target_count, 17, "rule"),
	BAD(RULES, rule, redact_first, 1, "rule"),
	BAD(RULES, rule, redact_count, 3, "rule"),
	BAD(RULES, rule, limit, 1, "rule"),
	BAD(DESTINATIONS, target, kind, RULE_TARGET_COUNT, "target"),
	BAD(DESTINATIONS, target, index, 2, "target"),
	BAD(DESTINATIONS, target, name.len, 1u << 30, "target"),
	BAD(KEYS, key, field, 60, "key"),
	BAD(KEYS, key, arg_len, 1, "key"), /* of a field that takes none */
	BAD(KEYS, key, arg, UINT64_MAX, "key"),
	BAD(REDACTS, redact, how, RULE_REDACT_COUNT, "redaction"),
	BAD(REDACTS, redact, key.field, 64, "redaction"),
	BAD(LIMITS, limit, sample_num, 0, "limit"),
	BAD(LIMITS, limit, sample_num, 5, "limit"),
	BAD(LIMITS, limit, sample_den, 0, "limit"),
	BAD(LIMITS, limit, rate_events, 0, "limit"),
	BAD(LIMITS, limit, rate_events, 1ull << 32, "limit"),
	BAD(LIMITS, limit, rate_per_ns, 0, "limit"),
	BAD(LIMITS, limit, rate_per_ns, RULE_INTERVAL_MAX + 1, "limit"),
	BAD(LIMITS, limit, rate_burst, 0, "limit"),
	BAD(LIMITS, limit, suppress_ns, RULE_INTERVAL_MAX + 1, "limit"),
	BAD(LIMITS, limit, sample_by.first, UINT32_MAX, "limit"),
	BAD(LIMITS, limit, rate_by.count, RULE_KEYS_MAX + 1, "limit"),
	BAD(LIMITS, limit, suppress_by.count, 1000, "limit"),
	BAD(GROUPS, group_of, name.len, UINT32_MAX, "group"),
	BAD(GROUPS, group_of, slow_ns, 0, "group"),
	BAD(GROUPS, group_of, probe_ns, RULE_INTERVAL_MAX + 1, "group"),
	BAD(GROUPS, group_of, balance, RULE_BALANCE_COUNT, "group"),
	BAD(GROUPS, group_of, balance, RULE_BALANCE_HASH, "group"), /* without a key */
	BAD(GROUPS, group_of, by.count, 1, "group"),                /* not hash */
	BAD(GROUPS, group_of, member_first, 2, "group"),
	BAD(GROUPS, group_of, member_count, 0, "group"),
	BAD(GROUPS, group_of, member_count, RULE_MEMBERS_MAX + 1, "group"),
	BAD(MEMBERS, member, weight, 0, "group"),
	BAD(MEMBERS, member, weight, RULE_WEIGHT_MAX + 1, "group"),
	BAD(MEMBERS, member, name.len, 0, "group"),
	BAD(CLASSES, class, overload, RULE_OVERLOAD_COUNT, "class"),
	BAD(CLASSES, class, overload, RULE_OVERLOAD_DROP_OLDEST, "class"), /* with a bound */
	BAD(CLASSES, class, share, 0, "class"),
	BAD(CLASSES, class, share, 101, "class"),
	BAD(CLASSES, class, share, 79, "class"), /* less than that of high */
	BAD(CLASSES, class, block_ns, 0, "class"),
	BAD(CLASSES, class, block_ns, RULE_BLOCK_MAX + 1, "class"),
	BAD(QUOTAS, quota, events, 0, "quota"),
	BAD(QUOTAS, quota, per_ns, 0, "quota"),
	BAD(QUOTAS, quota, burst, 0, "quota"),
	BAD(QUOTAS, quota, excess, 1ull << 32, "quota"),
	BAD(QUOTAS, quota, tenant, 7, "quota"), /* twice */
	BAD(QUOTAS, quota, any, 2, "quota"),
	BAD(QUOTAS, quota, over, RULE_OVER_COUNT, "quota"),
	BAD(PROGRAMS, program, count, 1, "program"),
	BAD(PROGRAMS, program, code, 1, "program"),
	BAD(PROGRAMS, program, name.offset, UINT64_MAX - 1, "program"),
};

static void test_verify(void)
{
	size_t size;
	struct rule_image *image = image_of(
			GROUPS RULES CLASSES "- program: p\n  file: p.o\n", &size);
	const char *why = "";
	uint64_t was = 0;
	size_t i;

	for (i = 0; i < sizeof(bads) / sizeof(bads[0]); i++) {
		uint8_t *at = (uint8_t *)image + image->parts[bads[i].part].offset + bads[i].at;

		memcpy(&was, at, bads[i].bytes);
		memcpy(at, &bads[i].value, bads[i].bytes);
		mend(image);
		CU_ASSERT_EQUAL(rule_image_verify(image, size, &why), -EBADMSG);
		CU_ASSERT_PTR_NOT_NULL(strstr(why, bads[i].why));
		if (!strstr(why, bads[i].why))
			printf("\n    %zu: %s", i, why);
		memcpy(at, &was, bads[i].bytes);
	}
	mend(image);
	CU_ASSERT_EQUAL(rule_image_verify(image, size, &why), 0);
	image->parts[RULE_PART_CLASSES].count = 3;
	mend(image);
	CU_ASSERT_EQUAL(rule_image_verify(image, size, &why), -EBADMSG);
	free(image);
}

/* What the verifier takes may be matched and printed, whatever it says. */
static void use(const struct rule_image *image, size_t size, FILE *nowhere)
{
	struct vex_event event = {.type = VEX_READ, .has = VEX_HAS_PATH | VEX_HAS_RANGE | VEX_HAS_COMM,
		.size = 8, .path = {"/a", 2}, .comm = {"vi", 2}};
	struct rule_worker_options options = {.cache_entries = 8, .list_bytes = 4096};
	uint64_t room[64] = {0};
	const struct vex_record *record = (const struct vex_record *)room;
	struct rule_matcher *matcher;
	struct rule_worker *worker;
	const char *why;

	vex_event_encode(&event, (struct vex_record *)room);
	((struct vex_record *)room)->size = vex_event_size(&event);
	if (rule_matcher_new(image, size, &matcher, &why))
		return;
	CU_ASSERT_EQUAL_FATAL(rule_worker_new(matcher, &options, &worker), 0);
	rule_match(worker, &record, 1);
	rule_image_print(image, nowhere);
	rule_worker_free(worker);
	rule_matcher_free(matcher);
}

/* Each byte turned round, and the checksum made good again. */
static void test_mended_bytes(void)
{
	size_t size;
	struct rule_image *image = image_of(
			GROUPS RULES CLASSES "- program: p\n  file: p.o\n", &size);
	FILE *nowhere = fopen("/dev/null", "w");
	unsigned accepted = 0;
	const char *why;
	size_t i;

	CU_ASSERT_PTR_NOT_NULL_FATAL(nowhere);
	for (i = offsetof(struct rule_image, size); i < size; i++) {
		uint8_t *byte = (uint8_t *)image + i;
		uint64_t checksum = image->checksum;
		uint8_t was = *byte;

		*byte = (uint8_t)~was;
		if (i >= offsetof(struct rule_image, version)) {
			mend(image);
			if (!rule_image_verify(image, size, &why)) {
				accepted++;
				use(image, size, nowhere);
			}
		} else {
			CU_ASSERT_EQUAL(rule_image_verify(image, size, &why), -EBADMSG);
		}
		*byte = was;
		image->checksum = checksum;
	}
	CU_ASSERT_TRUE(accepted > 0 && accepted < size);
	CU_ASSERT_EQUAL(rule_image_verify(image, size, &why), 0);
	fclose(nowhere);
	free(image);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"targets of rules", test_targets},
		{"limits", test_limits},
		{"keys are no conditions", test_repeats},
		{"redactions", test_redacts},
		{"groups", test_groups},
		{"service classes", test_classes},
		{"what is wrong with a class", test_class_errors},
		{"quotas", test_quotas},
		{"what is wrong with a quota", test_quota_errors},
		{"classes and quotas in the image", test_class_image},
		{"how they are printed", test_print},
		{"what the verifier refuses", test_verify},
		{"bytes that were changed, with a good checksum", test_mended_bytes},
		CU_TEST_INFO_NULL,
	};
	int result = unit_run("rule_decision", tests);

	rule_diags_clear(&said);
	return result;
}
