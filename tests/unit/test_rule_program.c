/* SPDX-License-Identifier: BSD-3-Clause */
/* Objects of programs: what is taken out of them, and what is refused for which reason. */
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "abi/program.h"
#include "rule/compile.h"
#include "rule/program.h"
#include "support/bpf_object.h"
#include "support/rule_test.h"

#define INSN(CODE, DST, SRC, OFF, IMM)                                                             \
	{.code = (CODE), .dst_reg = (DST), .src_reg = (SRC), .off = (OFF), .imm = (IMM)}
#define MOV(dst, imm) INSN(BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, imm)
#define COPY(dst, src) INSN(BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0)
#define ALU(op, dst, imm) INSN(BPF_ALU64 | (op) | BPF_K, dst, 0, 0, imm)
#define ALUX(op, dst, src) INSN(BPF_ALU64 | (op) | BPF_X, dst, src, 0, 0)
#define ALU32(op, dst, imm) INSN(BPF_ALU | (op) | BPF_K, dst, 0, 0, imm)
#define LOAD(size, dst, src, off) INSN(BPF_LDX | BPF_MEM | (size), dst, src, off, 0)
#define STORE(size, dst, off, src) INSN(BPF_STX | BPF_MEM | (size), dst, src, off, 0)
#define STOREI(size, dst, off, imm) INSN(BPF_ST | BPF_MEM | (size), dst, 0, off, imm)
#define JUMP(op, dst, imm, off) INSN(BPF_JMP | (op) | BPF_K, dst, 0, off, imm)
#define JUMPX(op, dst, src, off) INSN(BPF_JMP | (op) | BPF_X, dst, src, off, 0)
#define GOTO(off) INSN(BPF_JMP | BPF_JA, 0, 0, off, 0)
#define EXIT INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)
#define WIDE(dst, low) INSN(BPF_LD | BPF_IMM | BPF_DW, dst, 0, 0, low), INSN(0, 0, 0, 0, 0)
#define CODE(...) (const struct bpf_insn[]){__VA_ARGS__}
#define LAST ((int16_t)sizeof(struct vex_program_event))

struct program_case {
	const char *name;
	const struct bpf_insn *code;
	const char *wrong; /* NULL: nothing is */
};

#define GOOD(name, ...) {name, CODE(__VA_ARGS__), NULL}
#define BAD(name, wrong, ...) {name, CODE(__VA_ARGS__), wrong}

/* Each ends in the one EXIT that has destination 1. */
#define END INSN(BPF_JMP | BPF_EXIT, 1, 0, 0, 0)

static const struct program_case cases[] = {
	GOOD("constant", MOV(0, 1), END),
	GOOD("first and last byte", LOAD(BPF_B, 0, 1, 0), LOAD(BPF_B, 0, 1, LAST - 1), END),
	GOOD("last word", LOAD(BPF_DW, 0, 1, LAST - 8), END),
	GOOD("wide constant", WIDE(0, 7), END),
	GOOD("forward branch", MOV(0, 0), JUMP(BPF_JEQ, 0, 3, 1), MOV(0, 1), END),
	GOOD("own stack", STORE(BPF_DW, 10, -8, 1), LOAD(BPF_DW, 2, 10, -8), LOAD(BPF_W, 0, 2, 4), END),
	GOOD("bytes of the stack", STOREI(BPF_W, 10, -512, 1), LOAD(BPF_B, 0, 10, -509), END),
	GOOD("index that is masked", LOAD(BPF_DW, 2, 1, 8), ALU(BPF_AND, 2, 255), COPY(3, 1),
			ALUX(BPF_ADD, 3, 2), LOAD(BPF_B, 0, 3, 216), END),
	GOOD("index that is compared", LOAD(BPF_H, 2, 1, 4), MOV(0, 0), JUMP(BPF_JGT, 2, 31, 2),
			ALUX(BPF_ADD, 1, 2), LOAD(BPF_B, 0, 1, 216), END),
	GOOD("index below a register", LOAD(BPF_W, 2, 1, 4), MOV(3, 100), MOV(0, 0),
			JUMPX(BPF_JGE, 2, 3, 2), ALUX(BPF_ADD, 1, 2), LOAD(BPF_B, 0, 1, LAST - 100), END),
	GOOD("halves of an index", LOAD(BPF_DW, 2, 1, 8), ALU(BPF_RSH, 2, 56), ALU(BPF_MUL, 2, 3),
			ALUX(BPF_ADD, 1, 2), LOAD(BPF_B, 0, 1, 0), END),
	GOOD("self xor", ALUX(BPF_XOR, 0, 0), END),
	GOOD("backwards, but no loop", MOV(0, 1), GOTO(1), EXIT, JUMP(BPF_JEQ, 0, 1, -2), END),
	BAD("nothing returned", "returns nothing", MOV(2, 1), END),
	BAD("set on one way only", "returns nothing", LOAD(BPF_B, 2, 1, 0), JUMP(BPF_JEQ, 2, 0, 1),
			MOV(0, 1), END),
	BAD("register of nothing", "register 5, which holds nothing", MOV(0, 0), ALUX(BPF_ADD, 0, 5), END),
	BAD("compares nothing", "holds nothing", MOV(0, 0), JUMP(BPF_JEQ, 4, 0, 0), END),
	BAD("beyond the event", "out of bounds of the event", LOAD(BPF_B, 0, 1, LAST), END),
	BAD("across its end", "out of bounds of the event", LOAD(BPF_DW, 0, 1, LAST - 7), END),
	BAD("before the event", "out of bounds of the event", LOAD(BPF_B, 0, 1, -1), END),
	BAD("index without a bound", "no pointer", LOAD(BPF_DW, 2, 1, 8), ALUX(BPF_ADD, 1, 2),
			LOAD(BPF_B, 0, 1, 0), END),
	BAD("index too large", "out of bounds of the event", LOAD(BPF_H, 2, 1, 8), ALUX(BPF_ADD, 1, 2),
			LOAD(BPF_B, 0, 1, 0), END),
	BAD("signed compare is no bound", "no pointer", LOAD(BPF_DW, 2, 1, 8), MOV(0, 0),
			JUMP(BPF_JSGT, 2, 31, 2), ALUX(BPF_ADD, 1, 2), LOAD(BPF_B, 0, 1, 216), END),
	BAD("product that was thought larger", "no pointer", LOAD(BPF_B, 2, 1, 0),
			LOAD(BPF_B, 3, 1, 1), ALU(BPF_ADD, 2, 20), ALUX(BPF_MUL, 2, 3), COPY(4, 1),
			ALU(BPF_ADD, 4, 400), ALUX(BPF_SUB, 4, 2), LOAD(BPF_B, 0, 4, 400), END),
	BAD("shift of 32 bits by more", "no pointer", LOAD(BPF_W, 2, 1, 8), ALU32(BPF_RSH, 2, 40),
			ALUX(BPF_ADD, 1, 2), LOAD(BPF_B, 0, 1, 0), END),
	BAD("writes to the event", "writes to the event", MOV(0, 1), STORE(BPF_B, 1, 0, 0), END),
	BAD("stack of nothing", "not written", LOAD(BPF_DW, 0, 10, -8), END),
	BAD("half of it written", "not written", STOREI(BPF_W, 10, -8, 1), LOAD(BPF_DW, 0, 10, -8), END),
	BAD("written on one way only", "not written", LOAD(BPF_B, 2, 1, 0), JUMP(BPF_JEQ, 2, 0, 1),
			STOREI(BPF_DW, 10, -8, 1), LOAD(BPF_DW, 0, 10, -8), END),
	BAD("beyond the stack", "out of bounds of the stack", MOV(0, 0), STOREI(BPF_DW, 10, 0, 1), END),
	BAD("below the stack", "out of bounds of the stack", MOV(0, 0), STOREI(BPF_DW, 10, -520, 1), END),
	BAD("a pointer that was cut", "no pointer", STORE(BPF_DW, 10, -8, 1), STOREI(BPF_B, 10, -8, 0),
			LOAD(BPF_DW, 2, 10, -8), LOAD(BPF_B, 0, 2, 0), END),
	BAD("frame pointer", "changes the frame pointer", MOV(0, 0), MOV(10, 0), END),
	BAD("loop", "loops: it leads back to 1", MOV(0, 0), ALU(BPF_ADD, 0, 1), JUMP(BPF_JNE, 0, 9, -2), END),
	BAD("loop of one", "loops: it leads back to 0", GOTO(-1), END),
	BAD("unreachable", "instruction 2 can't be reached", MOV(0, 0), GOTO(1), MOV(0, 1), END),
	BAD("no end", "leads out of the program", EXIT, INSN(BPF_ALU64 | BPF_MOV, 0, 0, 0, 9)),
	BAD("jump beyond", "leads out of the program", MOV(0, 0), JUMP(BPF_JEQ, 0, 0, 5), END),
	BAD("jump before", "leads out of the program", MOV(0, 0), JUMP(BPF_JEQ, 0, 0, -5), END),
	BAD("jump into a constant", "leads out of the program", MOV(0, 0), JUMP(BPF_JEQ, 0, 0, 1),
			WIDE(0, 7), END),
	BAD("call", "calls a function", INSN(BPF_JMP | BPF_CALL, 0, 0, 0, 1), END),
	BAD("packet", "reads a packet", MOV(6, 0), INSN(BPF_LD | BPF_ABS | BPF_B, 0, 0, 0, 0), END),
	BAD("map", "names a map", INSN(BPF_LD | BPF_IMM | BPF_DW, 0, 1, 0, 3), INSN(0, 0, 0, 0, 0), END),
	BAD("atomic", "atomic", MOV(0, 0), STOREI(BPF_DW, 10, -8, 0),
			INSN(BPF_STX | 0xc0 | BPF_DW, 10, 0, -8, 0), END),
	BAD("jump of 32 bits", "-mcpu=v2", MOV(0, 0), INSN(BPF_JMP32 | BPF_JEQ, 0, 0, 0, 0), END),
	BAD("register 11", "no such register", MOV(0, 0), COPY(0, 11), END),
	BAD("division by 0", "divides by 0", MOV(0, 4), ALU(BPF_DIV, 0, 0), END),
	BAD("unknown", "is unknown", MOV(0, 4), INSN(BPF_ALU64 | 0xe0, 0, 0, 0, 0), END),
};

static uint32_t length(const struct bpf_insn *code)
{
	uint32_t count = 1;

	while (!(code->code == (BPF_JMP | BPF_EXIT) && code->dst_reg == 1) &&
			!(code->code == (BPF_ALU64 | BPF_MOV) && code->imm == 9)) {
		code++;
		count++;
	}
	return count;
}

static int check(const struct bpf_insn *code, uint32_t count, struct rule_program_why *why)
{
	uint64_t words[64];

	memcpy(words, code, count * sizeof(*code));
	return rule_program_check(words, count, why);
}

static void test_check(void)
{
	struct rule_program_why why;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct program_case *each = &cases[i];
		int error;

		why.text[0] = '\0';
		error = check(each->code, length(each->code), &why);
		CU_ASSERT_EQUAL(error, each->wrong ? -EINVAL : 0);
		CU_ASSERT_TRUE(!each->wrong || strstr(why.text, each->wrong));
		if (error != (each->wrong ? -EINVAL : 0) || (each->wrong && !strstr(why.text, each->wrong)))
			printf("\n    %s: %d %s", each->name, error, why.text);
	}
}

/* Branches that join again double the ways each time. */
static void test_steps(void)
{
	struct bpf_insn code[300] = {LOAD(BPF_B, 2, 1, 0), MOV(0, 0)};
	struct rule_program_why why;
	uint64_t words[300];
	uint32_t count = 2;
	unsigned i;

	for (i = 0; i < 12; i++) {
		code[count++] = (struct bpf_insn)JUMP(BPF_JEQ, 2, (int32_t)i, 1);
		code[count++] = (struct bpf_insn)ALU(BPF_ADD, 0, 1);
	}
	code[count++] = (struct bpf_insn)EXIT;
	memcpy(words, code, sizeof(words));
	CU_ASSERT_EQUAL(rule_program_check(words, count, &why), 0);
	for (i = 0, count--; i < 100; i++) {
		code[count++] = (struct bpf_insn)JUMP(BPF_JEQ, 2, (int32_t)i, 1);
		code[count++] = (struct bpf_insn)ALU(BPF_ADD, 0, 1);
	}
	code[count++] = (struct bpf_insn)EXIT;
	memcpy(words, code, sizeof(words));
	CU_ASSERT_EQUAL(rule_program_check(words, count, &why), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(why.text, "too many ways"));
	CU_ASSERT_EQUAL(rule_program_check(words, 0, &why), -EINVAL);
	CU_ASSERT_EQUAL(rule_program_check(words, RULE_CODE_MAX + 1, &why), -EINVAL);
}

static const struct bpf_insn answer[] = {MOV(0, 1), EXIT};
static uint8_t bytes[BPF_OBJECT_MAX];

static int extract(const struct bpf_object *object, struct rule_program_why *why)
{
	uint64_t *code;
	uint32_t count;
	int error = rule_program_extract(bytes, bpf_object_write(object, bytes), "filter", &code,
			&count, why);

	if (!error)
		CU_ASSERT_TRUE(count == 2 && !memcmp(code, answer, sizeof(answer)));
	free(code);
	return error;
}

static void test_objects(void)
{
	static const struct {
		struct bpf_object object;
		const char *wrong;
	} objects[] = {
		{{.needs = "events"}, "needs events; programs have no maps"},
		{{.section = "other"}, "no section 'filter'"},
		{{.functions = 2}, "holds 3 functions"},
		{{.twice = 1}, "two sections 'filter'"},
		{{.machine = EM_X86_64}, "another machine"},
		{{.type = ET_EXEC}, "no object as clang -c"},
		{{.flags = SHF_ALLOC}, "is no code"},
		{{.cut = 3}, "cut off"},
		{{.cut = 16}, "empty"},
	};
	struct bpf_object good = {.code = answer, .count = 2};
	struct rule_program_why why;
	size_t i;

	CU_ASSERT_EQUAL(extract(&good, &why), 0);
	for (i = 0; i < sizeof(objects) / sizeof(objects[0]); i++) {
		struct bpf_object bad = objects[i].object;

		bad.code = answer;
		bad.count = 2;
		CU_ASSERT_EQUAL(extract(&bad, &why), -EINVAL);
		CU_ASSERT_PTR_NOT_NULL(strstr(why.text, objects[i].wrong));
		if (!strstr(why.text, objects[i].wrong))
			printf("\n    %s", why.text);
	}
}

/* Cut off anywhere and changed anywhere: refused, or two instructions that are looked at. */
static void test_mangled(void)
{
	struct bpf_object good = {.code = answer, .count = 2, .functions = 1};
	size_t size = bpf_object_write(&good, bytes);
	struct rule_program_why why;
	unsigned refused = 0;
	uint64_t *code;
	uint32_t count;
	size_t i;

	good.functions = 0;
	size = bpf_object_write(&good, bytes);
	for (i = 0; i < size; i++) {
		CU_ASSERT_EQUAL(rule_program_extract(bytes, i, "filter", &code, &count, &why), -EINVAL);
		CU_ASSERT_PTR_NULL(code);
	}
	for (i = 0; i < size * 8; i++) {
		bytes[i / 8] ^= (uint8_t)(1u << i % 8);
		why.text[0] = '\0';
		if (rule_program_extract(bytes, size, "filter", &code, &count, &why)) {
			CU_ASSERT_TRUE(why.text[0]);
			refused++;
		} else {
			CU_ASSERT_TRUE(count >= 1 && count <= size / 8);
			rule_program_check(code, count, &why);
			free(code);
		}
		bytes[i / 8] ^= (uint8_t)(1u << i % 8);
	}
	CU_ASSERT_TRUE(refused > 100);
}

static const char text[] = "- program: p\n  file: p.o\n- rule: r\n  condition: program[p]\n";

static int parse(const void *data, size_t len, struct rule_set **set)
{
	struct rule_object object = {"p.o", data, len};
	struct rule_options options = {.complete = true, .objects = &object, .object_count = 1};
	struct rule_source source = {.name = "test", .text = text, .len = sizeof(text) - 1};

	rule_diags_clear(&said);
	return rule_set_parse(&source, 1, &options, set, &said);
}

static uint64_t print_of(const struct rule_set *set)
{
	struct rule_compile_error why;
	const struct rule_image_program *program;
	const struct rule_image_rule *rule;
	struct rule_image *image;
	uint64_t print;
	size_t size;

	CU_ASSERT_EQUAL_FATAL(rule_compile(set, NULL, &image, &size, &why), 0);
	program = rule_image_part(image, RULE_PART_PROGRAMS);
	rule = rule_image_part(image, RULE_PART_RULES);
	CU_ASSERT_EQUAL(program->count, set->programs[0].code_count);
	CU_ASSERT_EQUAL(memcmp((const uint64_t *)rule_image_part(image, RULE_PART_CODE) +
			program->code, set->programs[0].code, program->count * 8), 0);
	print = rule->fingerprint;
	free(image);
	return print;
}

/* A program that does something else makes another rule. */
static void test_set(void)
{
	const struct bpf_insn other[] = {MOV(0, 0), EXIT};
	struct bpf_object object = {.code = answer, .count = 2};
	struct rule_set *set;
	uint64_t print;

	CU_ASSERT_EQUAL_FATAL(parse(bytes, bpf_object_write(&object, bytes), &set), 0);
	CU_ASSERT_EQUAL(set->programs[0].code_count, 2);
	print = print_of(set);
	rule_set_free(set);
	object.code = other;
	CU_ASSERT_EQUAL_FATAL(parse(bytes, bpf_object_write(&object, bytes), &set), 0);
	CU_ASSERT_NOT_EQUAL(print_of(set), print);
	rule_set_free(set);
}

static void test_set_errors(void)
{
	const struct bpf_insn loop[] = {MOV(0, 0), GOTO(-1)};
	struct bpf_object object = {.code = loop, .count = 2};
	struct rule_set *set;

	CU_ASSERT_EQUAL(parse("x", 1, &set), -EINVAL);
	was_said(RULE_ERROR, RULE_DIAG_PROGRAM, 1, 12, "program 'p': p.o: it is no ELF file");
	CU_ASSERT_EQUAL(parse(bytes, bpf_object_write(&object, bytes), &set), -EINVAL);
	was_said(RULE_ERROR, RULE_DIAG_PROGRAM, 1, 12,
			"p.o: section 'filter': instruction 1 loops: it leads back to 1");
}

static void write_to(const char *path, const void *data, size_t len)
{
	FILE *file = fopen(path, "wb");

	CU_ASSERT_TRUE_FATAL(file && fwrite(data, 1, len, file) == len && !fclose(file));
}

/* From files; and those that were read make the same set without the files. */
static void test_files(void)
{
	struct bpf_object object = {.code = answer, .count = 2};
	char folder[] = "/tmp/test-programs-XXXXXX";
	struct rule_files files = {0};
	struct rule_options options = {.files = &files};
	const char *paths[1];
	struct rule_set *set;
	char rules[64];
	char path[64];

	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
	snprintf(rules, sizeof(rules), "%s/r.yaml", folder);
	snprintf(path, sizeof(path), "%s/p.o", folder);
	paths[0] = rules;
	write_to(rules, text, sizeof(text) - 1);
	rule_diags_clear(&said);
	CU_ASSERT_EQUAL(rule_set_load(paths, 1, NULL, &set, &said), -EINVAL);
	was_said(RULE_ERROR, RULE_DIAG_PROGRAM, 1, 12, "p.o: No such file");
	write_to(path, bytes, bpf_object_write(&object, bytes));
	rule_diags_clear(&said);
	CU_ASSERT_EQUAL_FATAL(rule_set_load(paths, 1, &options, &set, &said), 0);
	CU_ASSERT_EQUAL(set->programs[0].code_count, 2);
	rule_set_free(set);
	unlink(path);
	unlink(rules);
	rmdir(folder);
	CU_ASSERT_EQUAL_FATAL(files.object_count, 1);
	CU_ASSERT_STRING_EQUAL(files.objects[0].file, path);
	options = (struct rule_options){.complete = true, .objects = files.objects,
			.object_count = files.object_count};
	CU_ASSERT_EQUAL_FATAL(rule_set_parse(files.items, files.count, &options, &set, &said), 0);
	CU_ASSERT_EQUAL(set->programs[0].code_count, 2);
	rule_set_free(set);
	rule_files_clear(&files);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"instructions", test_check},
		{"ways through a program", test_steps},
		{"objects", test_objects},
		{"objects that were changed", test_mangled},
		{"a program in a set", test_set},
		{"what is wrong with it", test_set_errors},
		{"objects out of files", test_files},
		CU_TEST_INFO_NULL,
	};
	int result = unit_run("rule_program", tests);

	rule_diags_clear(&said);
	return result;
}
