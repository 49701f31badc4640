/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Random rules on random events: what lowering and folding made of a condition says the same as
 * the condition as it was written, and so does the text that the tree is printed as.
 *
 *   test-rule_oracle [SETS [SEED]]    default: 300 sets from seed 1, 50 events each
 */
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>

#include "rule/rule.h"
#include "support/rule_match.h"
#include "support/rule_oracle.h"
#include "support/rule_random.h"
#include "support/unit.h"

#define RULES 12u
#define EVENTS 50u

static uint64_t sets = 300;
static uint64_t first_seed = 1;
static struct rule_random *source;
static struct oracle *oracle;
static uint64_t asked;
static uint64_t held;
static uint64_t op_held[RULE_OP_COUNT];
static uint64_t op_failed[RULE_OP_COUNT];

static struct rule_set *parse(const char *text, size_t len, bool keep_plain)
{
	struct rule_options options = {.keep_plain = keep_plain};
	struct rule_source from = {"random", text, len};
	struct rule_diags diags = {0};
	struct rule_set *set = NULL;
	char line[2048];
	size_t i;

	rule_set_parse(&from, 1, &options, &set, &diags);
	for (i = 0; !set && i < diags.count; i++) {
		rule_diag_format(&diags.items[i], line, sizeof(line));
		if (diags.items[i].severity == RULE_ERROR)
			printf("\n%s", line);
	}
	rule_diags_clear(&diags);
	return set;
}

static void find_unsupported(const struct rule_node *node, void *data)
{
	*(bool *)data |= node->kind == RULE_NODE_UNSUPPORTED;
}

/* Not of what can't be known, even where that does not matter: it has no text. */
static bool prints(const struct rule *rule)
{
	bool unsupported = false;

	rule_node_walk(rule->plain, find_unsupported, &unsupported);
	return !unsupported;
}

/* The set again, out of the trees of its rules. */
static struct rule_set *reprint(const struct rule_set *set)
{
	static char text[4 << 20];
	size_t n = 0;
	size_t len;
	uint32_t i;

	for (i = 0; i < set->count; i++) {
		n += (size_t)sprintf(text + n, "- rule: rule%u\n  condition: |\n    ", i);
		len = rule_node_print(set->rules[i].plain, text + n, sizeof(text) - n);
		if (!prints(&set->rules[i]) || len > sizeof(text) - n - 4096)
			len = (size_t)sprintf(text + n, "evt.num = 0");
		n += len;
		n += (size_t)sprintf(text + n, "\n");
	}
	return parse(text, n, true);
}

static void differ(uint64_t seed, const struct rule *rule, const struct vex_event *event,
		const char *what)
{
	static char text[65536];

	printf("\n    seed %lu, rule %s, %s", (unsigned long)seed, rule->name.data, what);
	rule_node_print(rule->plain, text, sizeof(text));
	printf("\n    written: %s", text);
	rule_node_print(rule->condition, text, sizeof(text));
	printf("\n    folded:  %s", text);
	printf("\n    on: %s %.*s", vex_type_name(event->type), (int)event->path.len,
			(const char *)event->path.data);
	CU_FAIL("two forms of one condition differ");
}

static void count_ops(const struct rule_node *node, void *data)
{
	const struct vex_event *event = data;

	if (node->kind != RULE_NODE_TEST)
		return;
	if (oracle_condition(oracle, node, event))
		op_held[node->op]++;
	else
		op_failed[node->op]++;
}

static void ask(uint64_t seed, const struct rule_set *set, const struct rule_set *again,
		const struct vex_event *event)
{
	uint32_t i;

	for (i = 0; i < set->count; i++) {
		const struct rule *rule = &set->rules[i];
		bool written;

		if (rule->state == RULE_UNSUPPORTED)
			continue;
		written = oracle_condition(oracle, rule->plain, event);
		asked++;
		held += written;
		if (oracle_condition(oracle, rule->condition, event) != written)
			differ(seed, rule, event, "folded");
		if (prints(rule) &&
				oracle_condition(oracle, again->rules[i].plain, event) != written)
			differ(seed, rule, event, "printed");
		if (seed % 16 == 0)
			rule_node_walk(rule->plain, count_ops, (void *)event);
	}
}

static void one_set(uint64_t seed)
{
	static struct random_event event;
	struct rule_set *again = NULL;
	struct rule_set *set;
	const char *text;
	size_t len;
	uint32_t i;

	rule_random_seed(source, seed);
	text = rule_random_set(source, RULES, &len);
	set = parse(text, len, true);
	CU_ASSERT_PTR_NOT_NULL(set);
	if (set)
		again = reprint(set);
	CU_ASSERT_PTR_NOT_NULL(again);
	if (!set || !again)
		printf("\n    seed %lu", (unsigned long)seed);
	for (i = 0; set && again && i < EVENTS; i++) {
		rule_random_event(source, &event);
		ask(seed, set, again, &event.event);
	}
	rule_set_free(set);
	rule_set_free(again);
}

static void test_agree(void)
{
	uint64_t seed;
	unsigned op;

	for (seed = first_seed; seed < first_seed + sets; seed++)
		one_set(seed);
	printf("%lu questions, %lu yes ", (unsigned long)asked, (unsigned long)held);
	CU_ASSERT_TRUE(held > asked / 20 && held < asked - asked / 20);
	for (op = 0; sets >= 300 && op < RULE_OP_BITS; op++) {
		CU_ASSERT_TRUE(op_held[op] > 0 && op_failed[op] > 0);
		if (!op_held[op] || !op_failed[op])
			printf("\n    '%s': %lu yes, %lu no", rule_ops[op].name,
					(unsigned long)op_held[op], (unsigned long)op_failed[op]);
	}
}

/* The same seed gives the same set and the same events. */
static void test_replays(void)
{
	static struct random_event first;
	static struct random_event second;
	const char *text;
	char *copy;
	size_t len;

	rule_random_seed(source, 77);
	text = rule_random_set(source, RULES, &len);
	copy = malloc(len + 1);
	memcpy(copy, text, len + 1);
	rule_random_event(source, &first);
	rule_random_seed(source, 77);
	CU_ASSERT_STRING_EQUAL(rule_random_set(source, RULES, &len), copy);
	rule_random_event(source, &second);
	CU_ASSERT_EQUAL(first.used, second.used);
	CU_ASSERT_EQUAL(memcmp(first.text, second.text, first.used), 0);
	CU_ASSERT_EQUAL(first.event.ino, second.event.ino);
	free(copy);
}

/* Globs are those of fnmatch(3) without flags, in the C locale. */
static void test_globs(void)
{
	static const char letters[] = "ab/.*?[]!-\\";
	uint64_t state = 9;
	unsigned matched = 0;
	unsigned i;

	for (i = 0; i < 400000; i++) {
		char pattern[12];
		char text[8];
		size_t n;
		size_t m;

		for (n = 0, m = (state = state * 6364136223846793005u + 1) >> 33; n < m % 9; n++)
			pattern[n] = letters[((state = state * 6364136223846793005u + 1) >> 33) % 11];
		pattern[n] = '\0';
		for (n = 0, m = (state = state * 6364136223846793005u + 1) >> 33; n < m % 6; n++)
			text[n] = letters[((state = state * 6364136223846793005u + 1) >> 33) % 5];
		text[n] = '\0';
		if (strchr(pattern, '[') || (*pattern && pattern[strlen(pattern) - 1] == '\\'))
			continue; /* sets have a test of their own */
		matched += !fnmatch(pattern, text, 0);
		CU_ASSERT_EQUAL(match_glob((struct vex_bytes){text, strlen(text)},
						(struct rule_text){pattern, strlen(pattern)}, false),
				!fnmatch(pattern, text, 0));
	}
	CU_ASSERT_TRUE(matched > 1000);
}

static void test_glob_sets(void)
{
	static const char *const patterns[] = {"[ab]", "[!ab]", "[^ab]", "[a-c]", "[]a]", "[!]a]",
			"[a-]", "[\\]]", "[[:alpha:]]", "[![:digit:]x]", "[*?]", "[/]", "[.-0]",
			"[a\\-z]", "x[a-c]*[0-9]"};
	char text[8];
	unsigned byte;
	size_t i;

	for (i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
		for (byte = 1; byte < 256; byte++) {
			size_t len = (size_t)sprintf(text, patterns[i][0] == 'x' ? "x%cz0" : "%c",
					(int)byte);

			CU_ASSERT_EQUAL(match_glob((struct vex_bytes){text, len},
							(struct rule_text){patterns[i],
									strlen(patterns[i])},
							false),
					!fnmatch(patterns[i], text, 0));
		}
	}
}

int main(int argc, char **argv)
{
	CU_TestInfo tests[] = {
		{"written, folded and printed conditions agree", test_agree},
		{"a seed replays", test_replays},
		{"globs are those of fnmatch", test_globs},
		{"sets in globs too", test_glob_sets},
		CU_TEST_INFO_NULL,
	};
	int result;

	if (argc > 1)
		sets = strtoull(argv[1], NULL, 10);
	if (argc > 2)
		first_seed = strtoull(argv[2], NULL, 10);
	source = rule_random_new("/usr", 5000, 1);
	oracle = oracle_new(NULL, NULL);
	if (!source)
		return fputs("no paths below /usr\n", stderr), 1;
	result = unit_run("rule_oracle", tests);
	rule_random_free(source);
	oracle_free(oracle);
	return result;
}
