/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Programs compiled by clang, through the rule loader, the compiler and rte_bpf: they say of random
 * events what the same is told here in other words, and those that may not run are refused.
 *
 *   test-program OBJECTS    a folder with good.o, bad.o and the example
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "dataplane/program.h"
#include "rule/compile.h"
#include "rule/match.h"
#include "rule/program.h"
#include "rule/verify.h"
#include "support/rule_draw.h"
#include "support/rule_oracle.h"
#include "support/rule_random.h"
#include "support/unit.h"

#define EVENTS 20000u

static const char *folder;
static struct rule_random *source;

/* -- the models -- */

static bool has_prefix(struct vex_bytes text, const char *prefix)
{
	return text.len >= strlen(prefix) && !memcmp(text.data, prefix, strlen(prefix));
}

static bool has_suffix(struct vex_bytes text, const char *suffix)
{
	size_t len = strlen(suffix);

	return text.len >= len && !memcmp((const char *)text.data + text.len - len, suffix, len);
}

static bool model_numbers(const struct vex_event *event)
{
	uint64_t mix = event->start_ns * 3 + event->pid;

	mix = mix ^ ((event->duration_ns << 7) | (event->uid >> 3));
	mix = mix - (uint64_t)(int64_t)event->result / 5;
	mix = mix + event->offset % 1000 * event->tenant + event->size;
	mix = mix >> 13 ^ (uint32_t)((uint32_t)mix * 2654435761u);
	return mix % 4 == 1;
}

static bool model_texts(const struct vex_event *event)
{
	return has_prefix(event->path, "/usr/share/") ||
			(has_suffix(event->path, ".h") && event->path.len > 24) ||
			(event->comm.len == 3 && !memcmp(event->comm.data, "cat", 3));
}

static char byte_at(struct vex_bytes text, size_t at, size_t size)
{
	return at < text.len && at < size - 1 ? ((const char *)text.data)[at] : 0;
}

static struct vex_bytes name_of(struct vex_bytes path)
{
	const char *data = path.data;
	size_t at = path.len;

	while (at && data[at - 1] != '/')
		at--;
	return (struct vex_bytes){data + at, path.len - at};
}

static bool model_places(const struct vex_event *event)
{
	struct vex_bytes name = name_of(event->path);
	size_t at = event->path.len;

	return byte_at(event->path, at / 2 & 127, 256) ==
			byte_at(name, (uint32_t)name.len / 2 & 31, 64);
}

static bool model_slashes(const struct vex_event *event)
{
	unsigned count = 0;
	size_t i;

	for (i = 0; i < event->path.len && i < 128; i++)
		count += ((const char *)event->path.data)[i] == '/';
	return count > 4;
}

static bool model_stack(const struct vex_event *event)
{
	return (event->ino + event->dev + event->mode + event->graph.node + event->vector.k) % 2;
}

static bool model_sparse(const struct vex_event *event)
{
	return event->type == VEX_TRUNCATE && event->result >= 0 &&
			(event->has & VEX_HAS_RANGE) && event->size >= 64ull << 30 &&
			!has_suffix(event->path, ".sparse") &&
			!has_prefix(event->path, "/var/lib/libvirt/");
}

/* -- from files to programs -- */

static struct rule_diags said;

static void print_said(void)
{
	char text[1024];
	size_t i;

	for (i = 0; i < said.count; i++) {
		rule_diag_format(&said.items[i], text, sizeof(text));
		printf("\n    %s", text);
	}
}

/* The set of a file of rules; NULL where it was refused. */
static struct rule_set *load_file(const char *path)
{
	struct rule_set *set;

	rule_diags_clear(&said);
	rule_set_load(&path, 1, NULL, &set, &said);
	return set;
}

/* The set of one rule that asks a section of an object. */
static struct rule_set *load_section(const char *object, const char *section)
{
	char path[] = "/tmp/test-program-XXXXXX";
	int fd = mkstemp(path);
	struct rule_set *set;

	CU_ASSERT_TRUE_FATAL(fd >= 0);
	dprintf(fd, "- program: p\n  file: %s/%s.o\n  section: %s\n"
		    "- rule: r\n  condition: program[p]\n", folder, object, section);
	close(fd);
	set = load_file(path);
	unlink(path);
	return set;
}

static struct rule_image *compile(struct rule_set *set, size_t *size)
{
	struct rule_compile_error error;
	struct rule_image *image;
	const char *why;

	CU_ASSERT_EQUAL_FATAL(rule_compile(set, NULL, &image, size, &error), 0);
	CU_ASSERT_EQUAL(rule_image_verify(image, *size, &why), 0);
	rule_set_free(set);
	return image;
}

/* -- random events -- */

static struct vex_record *record_of(const struct vex_event *event)
{
	uint32_t size = vex_event_size(event);
	struct vex_record *record = size ? calloc(1, size) : NULL;

	if (!record)
		return NULL;
	vex_event_encode(event, record);
	record->size = size;
	CU_ASSERT_EQUAL(vex_record_check(record, size), VEX_CHECK_OK);
	return record;
}

/* So that each of the programs says yes often enough. */
static void bend(struct vex_event *event, unsigned i)
{
	static const char *const paths[] = {"/var/lib/libvirt/images/disk", "/data/a.sparse",
			"/usr/share/x", "/include/some/where/deep/a.h", "/a//b"};

	if (i % 3 == 0) {
		event->type = VEX_TRUNCATE;
		event->has |= VEX_HAS_RANGE;
		event->size = (uint64_t)i << 30;
		event->result = (int32_t)(i % 7) - 1;
	}
	if (i % 5 == 0) {
		event->has |= VEX_HAS_PATH;
		event->path.data = paths[i % 25 / 5];
		event->path.len = strlen(paths[i % 25 / 5]);
	}
	if (i % 11 == 0) {
		event->has |= VEX_HAS_COMM;
		event->comm = (struct vex_bytes){"cat", 3};
	}
}

/* Through the matcher, as a worker asks. */
static bool matches(struct rule_worker *worker, const struct vex_record *record)
{
	return rule_match(worker, &record, 1).count == 1;
}

static void compare(const char *name, struct rule_worker *worker,
		bool (*model)(const struct vex_event *event))
{
	static struct random_event made;
	struct vex_event_space space;
	struct vex_event event;
	unsigned differences = 0;
	unsigned yes = 0;
	unsigned i;

	for (i = 0; i < EVENTS; i++) {
		struct vex_record *record;
		bool said_yes;

		rule_random_event(source, &made);
		made.event.has &= ~(uint32_t)VEX_HAS_GAP;
		made.event.type = made.event.type == VEX_GAP ? VEX_OPEN : made.event.type;
		bend(&made.event, i);
		record = record_of(&made.event);
		if (!record)
			continue;
		vex_event_decode(record, &event, &space);
		said_yes = matches(worker, record);
		yes += said_yes;
		differences += said_yes != model(&event);
		free(record);
	}
	CU_ASSERT_EQUAL(differences, 0);
	CU_ASSERT_TRUE(yes > EVENTS / 100 && yes < EVENTS * 99 / 100);
	printf("\n    %s: %u of %u, %u differences", name, yes, EVENTS, differences);
}

/* The same, one instruction after the other, as tools that explain rules have it. */
static void interpret(const char *name, const struct rule_matcher *matcher,
		const struct rule_image *image, bool (*model)(const struct vex_event *event))
{
	struct rule_worker_options options = {.cache_entries = 64, .run = rule_program_run,
			.data = (void *)image};
	struct rule_worker *worker;

	CU_ASSERT_EQUAL_FATAL(rule_worker_new(matcher, &options, &worker), 0);
	compare(name, worker, model);
	rule_worker_free(worker);
}

static void run_set(const char *name, struct rule_set *set,
		bool (*model)(const struct vex_event *event))
{
	static struct program_run run;
	struct rule_worker_options options = {.cache_entries = 64, .run = program_run, .data = &run};
	struct program_why why = {""};
	struct rule_matcher *matcher;
	struct programs *programs;
	struct rule_worker *worker;
	struct rule_image *image;
	const char *wrong;
	size_t size;

	if (!set)
		print_said();
	CU_ASSERT_PTR_NOT_NULL_FATAL(set);
	image = compile(set, &size);
	if (programs_load(image, &programs, &why))
		printf("\n    %s: %s", name, why.text);
	CU_ASSERT_PTR_NOT_NULL_FATAL(programs);
	run.programs = programs;
	CU_ASSERT_EQUAL_FATAL(rule_matcher_new(image, size, &matcher, &wrong), 0);
	CU_ASSERT_EQUAL_FATAL(rule_worker_new(matcher, &options, &worker), 0);
	compare(name, worker, model);
	rule_worker_free(worker);
	interpret(name, matcher, image, model);
	rule_matcher_free(matcher);
	programs_free(programs);
	free(image);
}

static void test_good(void)
{
	run_set("numbers", load_section("good", "numbers"), model_numbers);
	run_set("texts", load_section("good", "texts"), model_texts);
	run_set("places", load_section("good", "places"), model_places);
	run_set("slashes", load_section("good", "slashes"), model_slashes);
	run_set("stack", load_section("good", "stack"), model_stack);
}

static void test_example(void)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/sparse.yaml", folder);
	run_set("sparse", load_file(path), model_sparse);
}

/* -- what is refused -- */

static void test_bad(void)
{
	static const char *const bad[][2] = {
		{"loops", "section 'loops': instruction"}, {"loops", "loops: it leads back to"},
		{"beyond", "is out of bounds of the event, which has 856 bytes"},
		{"index", "goes by what is no pointer, or one too far off"},
		{"unset", "uses register 7, which holds nothing"},
		{"calls", "section 'calls' needs bpf_helper"},
		{"global", "section 'global' needs counter"},
		{"writes", "writes to the event"},
		{"missing", "it has no section 'missing'"},
	};
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct rule_set *set = load_section("bad", bad[i][0]);

		CU_ASSERT_PTR_NULL(set);
		CU_ASSERT_TRUE(said.count == 1 && strstr(said.items[0].message, bad[i][1]) &&
				strstr(said.items[0].message, "/bad.o: "));
		if (set || said.count != 1 || !strstr(said.items[0].message, bad[i][1]))
			print_said();
		rule_set_free(set);
	}
}

/* An image that was made without our compiler: rte_bpf refuses it, too, and its reason is told. */
static void test_forged(void)
{
	static const struct {
		uint64_t code[3];
		const char *wrong;
	} forged[] = {
		{{0x00000000000000b7, 0x00000000fffe0015, 0x95}, "loops detected"},
		{{0x0000000003581079, 0x95, 0}, "memory boundary violation"},
		{{0x00000000000050bf, 0x95, 0}, "undefined"},
		{{0x0000000100000085, 0x95, 0}, "invalid external function"},
		{{0x00000000000000ff, 0x95, 0}, "invalid opcode"},
	};
	size_t i;

	for (i = 0; i < sizeof(forged) / sizeof(forged[0]); i++) {
		size_t size;
		struct rule_image *image = compile(load_section("good", "texts"), &size);
		struct rule_image_program *program = (struct rule_image_program *)rule_image_part(image,
				RULE_PART_PROGRAMS);
		uint64_t *code = (uint64_t *)rule_image_part(image, RULE_PART_CODE) + program->code;
		struct program_why why = {""};
		struct programs *programs;

		memcpy(code, forged[i].code, sizeof(forged[i].code));
		program->count = forged[i].code[2] ? 3 : 2;
		CU_ASSERT_EQUAL(programs_load(image, &programs, &why), -EINVAL);
		CU_ASSERT_PTR_NULL(programs);
		CU_ASSERT_PTR_NOT_NULL(strstr(why.text, forged[i].wrong));
		CU_ASSERT_EQUAL(strncmp(why.text, "program 'p': ", 13), 0);
		if (!strstr(why.text, forged[i].wrong))
			printf("\n    %s", why.text);
		free(image);
	}
}

/* A set that came without its objects is not loaded at all. */
static void test_no_code(void)
{
	static const char text[] = "- program: p\n  file: p.o\n- rule: r\n  condition: program[p]\n";
	struct rule_source from = {"test", text, sizeof(text) - 1};
	struct program_why why = {""};
	struct programs *programs;
	struct rule_image *image;
	struct rule_set *set;
	size_t size;

	CU_ASSERT_EQUAL_FATAL(rule_set_parse(&from, 1, NULL, &set, &said), 0);
	image = compile(set, &size);
	CU_ASSERT_EQUAL(programs_load(image, &programs, &why), -EINVAL);
	CU_ASSERT_STRING_EQUAL(why.text, "program 'p': it came without its code");
	free(image);
}

int main(int argc, char **argv)
{
	CU_TestInfo tests[] = {
		{"programs say what their models say", test_good},
		{"the example", test_example},
		{"what is refused, and why", test_bad},
		{"what rte_bpf refuses, and why", test_forged},
		{"programs without code", test_no_code},
		CU_TEST_INFO_NULL,
	};
	int result;

	if (argc != 2)
		return fputs("usage: test-program OBJECTS\n", stderr), 2;
	folder = argv[1];
	source = rule_random_new("/usr", 5000, 7);
	if (!source)
		return fputs("no paths below /usr\n", stderr), 1;
	result = unit_run("program", tests);
	rule_random_free(source);
	rule_diags_clear(&said);
	return result;
}
