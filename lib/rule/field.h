/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fields, operators and the words of enumerated fields, as tables. Everything here is constant:
 * thread-safe, nothing allocates.
 */
#ifndef VEX_RULE_FIELD_H
#define VEX_RULE_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event/event.h"

/** Longest name of a field, without what stands in its brackets. */
#define RULE_FIELD_NAME_MAX 32u

enum rule_type {
	RULE_STRING,
	RULE_PATH,
	RULE_UNSIGNED,
	RULE_SIGNED,
	RULE_TIME,
	RULE_STRINGS,
	RULE_FLAGS,
	RULE_BOOL,
	RULE_ENUM,
	RULE_TYPE_COUNT,
};

#define RULE_FIELD(ID, name, TYPE, KIND, CHANGE, min, max, text) RULE_FIELD_##ID,
enum rule_field_id {
#include "rule/field.def"
	RULE_FIELD_COUNT,
};
#undef RULE_FIELD

struct rule_field {
	const char *name;
	const char *text; /**< what it is */
	int64_t min;
	uint64_t max; /**< of SIGNED to be read as int64_t */
	uint8_t type; /**< enum rule_type */
	bool core;    /**< evaluators know it; see field.def */
	bool repeats; /**< what follows from it can be cached */
};

#define RULE_OP(ID, text, VALUES, types, desc) RULE_OP_##ID,
enum rule_op {
#include "rule/operator.def"
	RULE_OP_COUNT,
};
#undef RULE_OP

enum rule_op_values { RULE_VALUES_NONE, RULE_VALUES_ONE, RULE_VALUES_LIST };

struct rule_op_info {
	const char *name; /**< NULL of BITS */
	const char *text;
	uint16_t types; /**< bit of each enum rule_type that it takes */
	uint8_t values; /**< enum rule_op_values */
};

/** Every field by its identifier. */
extern const struct rule_field rule_fields[RULE_FIELD_COUNT];
extern const struct rule_op_info rule_ops[RULE_OP_COUNT];

const char *rule_type_name(enum rule_type type);

/** RULE_FIELD_COUNT where there is none of that name. "attr" is found without its brackets. */
enum rule_field_id rule_field_by_name(const char *name, size_t len);

/** Whether every event has the field. */
bool rule_field_always(enum rule_field_id field);

/** RULE_OP_COUNT where there is none; "==" is RULE_OP_EQ. */
enum rule_op rule_op_by_name(const char *name, size_t len);

/**
 * Why vexplane can't have a field that Falco has, or NULL where the name is not Falco's either.
 * The name is without brackets.
 */
const char *rule_field_foreign(const char *name, size_t len);

/*
 * Values of enumerated fields. Each field has up to 256 values, numbered from 0, so a test of one
 * is a set of 256 bits:
 *
 *   evt.type        enum vex_type
 *   evt.res         0: SUCCESS (result >= 0); n: errno n; RULE_RES_OTHER: an errno without a name
 *   evt.dir         0: <    1: >
 *   event.boundary  enum vex_boundary
 *   event.category  enum vex_category
 *   fd.type         0: file   1: directory
 *   fd.typechar     0: f      1: d
 */
#define RULE_RES_OTHER 255u

/** Value of evt.res for an event's result. */
unsigned rule_res_value(int32_t result);

/** A set of values of an enumerated field. */
struct rule_words {
	uint64_t bits[4];
};

static inline bool rule_words_has(const struct rule_words *words, unsigned value)
{
	return value < 256 && (words->bits[value / 64] >> (value % 64) & 1);
}

static inline void rule_words_add(struct rule_words *words, unsigned value)
{
	words->bits[value / 64] |= 1ull << (value % 64);
}

/** Turns a set into that of all other values of the field. */
void rule_words_invert(enum rule_field_id field, struct rule_words *words);

/** The name of a value, or NULL where there is none, as RULE_RES_OTHER has none. */
const char *rule_word_name(enum rule_field_id field, unsigned value);

enum rule_word_result {
	RULE_WORD_FOUND,
	RULE_WORD_UNKNOWN,
	RULE_WORD_FOREIGN, /**< Falco has it, vexplane can't */
};

/**
 * Adds what a word stands for to words: one value, or several (openat: open and create). Of a
 * foreign one why tells what it is.
 */
enum rule_word_result rule_word_find(enum rule_field_id field, const char *name, size_t len,
		struct rule_words *words, const char **why);

/** The i-th name that rule_word_find() knows for a field, aliases too; NULL past the last. */
const char *rule_word_known(enum rule_field_id field, unsigned i);

/** The bits of a flag's name (O_CREAT, S_ISUID, ...) for a field of flags; 0 where there is none. */
uint32_t rule_flag_bits(enum rule_field_id field, const char *name, size_t len);

/** The i-th name of a flag of that field; NULL past the last. */
const char *rule_flag_known(enum rule_field_id field, unsigned i);

#endif
