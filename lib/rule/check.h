/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From expressions to trees: names are looked up, types compared, values read, macros and lists
 * put in place. Private to lib/rule.
 */
#ifndef VEX_RULE_CHECK_H
#define VEX_RULE_CHECK_H

#include "rule/condition.h"

/** A tree, and what it takes to know about it. */
struct checked {
	const struct rule_node *plain;   /**< as written; NULL where something was wrong */
	const struct rule_node *lowered; /**< CORE fields, folded */
	uint32_t nodes;                  /**< of the larger of the two */
	uint32_t depth;
};

/** Checks the condition that the pieces make. What is wrong is said. */
struct checked check_condition(struct load *load, const struct pieces *pieces);

/** The same of a rule's, with its exceptions and its program. */
struct checked check_rule(struct load *load, const struct draft *draft);

/** Whether there is such a field, and whether its operator takes it: out lacks values alone. */
bool check_field(struct load *load, const struct expr *expr, struct rule_node *out);

/** Checks a test: the plain node in out, in no memory of its own but its values. */
bool check_test(struct load *load, const struct expr *expr, struct rule_node *out);

/** Checks all macros, those as well that no rule uses. */
void check_macros(struct load *load);

/** Puts the values of a list with those of the lists that it names; false where that is wrong. */
bool check_list(struct load *load, struct list *list);

/* Nodes, in the set's memory; NULL where there is none left, which was said. */
const struct rule_node *node_make(struct load *load, const struct rule_node *like);
const struct rule_node *node_constant(struct load *load, bool value, struct rule_pos pos);
const struct rule_node *node_group(struct load *load, enum rule_node_kind kind,
		const struct rule_node *const *children, uint32_t count, struct rule_pos pos);
const struct rule_node *node_pair(struct load *load, enum rule_node_kind kind,
		const struct rule_node *left, const struct rule_node *right);
const struct rule_node *node_not(struct load *load, const struct rule_node *child);
const struct rule_node *node_test(struct load *load, enum rule_field_id field, enum rule_op op,
		union rule_value value, struct rule_pos pos);
const struct rule_node *node_words(struct load *load, enum rule_field_id field,
		const struct rule_words *words, struct rule_pos pos);
const struct rule_node *node_unsupported(struct load *load, struct rule_text name, const char *why,
		struct rule_pos pos);

/** A test of a PLAIN field by tests of CORE ones; any other test as it is. */
const struct rule_node *lower_test(struct load *load, const struct rule_node *test);

/** The CORE field that a PLAIN one is of such an event; RULE_FIELD_COUNT: none. */
enum rule_field_id lower_core(enum rule_field_id field, const struct vex_record *record);

/** Whether an event of that type opens a file; whether one that should have made a descriptor did not. */
bool lower_is_opener(unsigned type);
bool lower_lacks_descriptor(const struct vex_record *record);

/** Children were folded before. A test: true or false where its values say so. */
const struct rule_node *fold_test(struct load *load, const struct rule_node *test);
const struct rule_node *fold_not(struct load *load, const struct rule_node *child);
const struct rule_node *fold_group(struct load *load, enum rule_node_kind kind,
		const struct rule_node *const *children, uint32_t count, struct rule_pos pos);

/* Values. */

/** Reads a word as a value of the field; false where it is none, which was said. */
bool value_read(struct load *load, const struct rule_node *test, const struct word *word,
		union rule_value *value);

/** The set of words that an operator and a value mean for an enumerated field. */
bool value_words(struct load *load, enum rule_field_id field, enum rule_op op,
		const struct word *word, struct rule_words *words, const char **foreign);

/** Whether a pattern of glob, iglob or regex, or a path of pmatch, is one. */
bool pattern_check(struct load *load, enum rule_op op, const struct word *word);

/** Reads a number with the suffix of a unit; false where it is none. */
bool number_read(const char *text, size_t len, uint64_t *number);

/** A duration such as 10ms, 1h or 90; where no unit stands, in default_unit nanoseconds. */
bool duration_read(const char *text, size_t len, uint64_t default_unit, uint64_t *ns);

/** A time: ISO 8601, or nanoseconds since 1970. */
bool time_read(const char *text, size_t len, uint64_t *ns);

#endif
