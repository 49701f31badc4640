/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a load works on, from the first file to the finished set. Private to lib/rule.
 *
 *   load.c       a load from its beginning to its set; the order of all that follows
 *   load_files.c files, folders, includes
 *   yaml_tree.c  text to trees of scalars, lists and mappings, one definition at a time
 *   define.c     trees to definitions: rules, macros, lists
 *   define_change.c  what is appended and overridden
 *   key.c        our own keys of a rule: route, rate, schedule, ...
 *   exception.c  exceptions of a rule, which exception_join.c makes part of its condition
 *   condition.*  a condition's text to an expression: names and words, nothing known of them
 *   check.c      expressions to trees of tests: fields, operators and values are right
 *   lower.c      tests of PLAIN fields to tests of CORE ones
 *   fold.c       what is always true or never
 */
#ifndef VEX_RULE_LOAD_H
#define VEX_RULE_LOAD_H

#include "rule/memory.h"
#include "rule/names.h"
#include "rule/rule.h"
#include "rule/text.h"

struct yaml_node;
struct expr;
struct word;
struct exception;

/** A condition as it was written: pieces out of one or more scalars, a blank between them. */
struct piece {
	struct piece *next;
	struct text_scalar scalar;
};

struct pieces {
	struct piece *first;
	struct piece *last;
	size_t len; /**< of the text that they make */
};

/** How far a macro or a list has come; cycles show by what is under way. */
enum progress { PROGRESS_NONE, PROGRESS_BUSY, PROGRESS_DONE, PROGRESS_FAILED };

struct macro {
	struct rule_text name;
	struct rule_pos pos;
	struct pieces condition;
	enum progress progress;
	const struct rule_node *plain;
	const struct rule_node *lowered;
	uint32_t nodes;
	uint32_t depth;
};

struct list {
	struct rule_text name;
	struct rule_pos pos;
	struct text_scalar *items; /**< on the heap */
	size_t count;
	size_t capacity;
	enum progress progress;
	struct word *values; /**< other lists in place; in scratch memory */
	size_t value_count;
};

/** A rule while it may still be appended to. */
struct draft {
	struct rule rule;
	struct rule_change *last_change; /**< of the rule's */
	struct pieces condition;
	struct text_scalar program; /**< text.data NULL: none */
	struct exception *exceptions;
	uint32_t exception_count;
	bool foreign_source;
	struct rule_pos source_pos;
	struct rule_pos route_pos;
};

struct load {
	struct rule_set *set;
	struct rule_memory *keep;   /**< lives as long as the set */
	struct rule_memory scratch;   /**< until the end of the load */
	struct rule_memory temporary; /**< until the end of a rule */
	const struct rule_options *options;
	struct rule_diags *diags;
	size_t errors; /**< of this load */
	int error;     /**< -ENOMEM where memory ran out */
	bool has_list; /**< some file is a list, perhaps an empty one */
	const struct rule_source *sources; /**< from memory; NULL: from files */
	size_t source_count;
	struct text_file *files;
	size_t file_count;
	size_t file_capacity;
	struct draft *drafts;
	size_t draft_count;
	size_t draft_capacity;
	struct rule_names rule_names;
	struct macro *macros;
	size_t macro_count;
	size_t macro_capacity;
	struct rule_names macro_names;
	struct list *lists;
	size_t list_count;
	size_t list_capacity;
	struct rule_names list_names;
	struct rule_group *groups;
	size_t group_count;
	size_t group_capacity;
	struct rule_names group_names;
	struct rule_program *programs;
	size_t program_count;
	size_t program_capacity;
	struct rule_names program_names;
	struct rule_object *objects; /**< on the heap, as all in it; only where they are handed out */
	size_t object_count;
	struct rule_quota *quotas; /**< as they were defined */
	size_t quota_count;
	size_t quota_capacity;
	struct rule_pos class_pos[RULE_QOS_COUNT]; /**< line 0: not defined */
	unsigned macro_depth; /**< macros that are under way */
	unsigned list_depth;  /**< lists, too */
};

/** What is wrong, and what would not be; each may be NULL but the message. */
struct complaint {
	const char *expected;
	const char *suggestion;
};

/** Adds a diagnostic. The message is a sentence without a full stop. */
void load_say(struct load *load, enum rule_severity severity, enum rule_diag_code code,
		struct rule_pos pos, const struct complaint *complaint, const char *format, ...)
		__attribute__((format(printf, 6, 7)));

/** Says once that memory ran out; -ENOMEM. */
int load_no_memory(struct load *load);

/** Memory of the set or of the load; where there is none that is said, and NULL returned. */
void *load_keep(struct load *load, size_t size);
void *load_scratch(struct load *load, size_t size);
void *load_temporary(struct load *load, size_t size);
struct rule_text load_keep_text(struct load *load, struct rule_text text);

/** Where a scalar stands. */
struct rule_pos load_pos(const struct load *load, const struct text_scalar *scalar);

/** Reads what is named, and all it includes; what is wrong is said. */
void load_paths(struct load *load, const char *const *paths, size_t count);

/** The same of the load's sources, each when its turn has come. */
void load_sources(struct load *load);

/** A file's size bytes, a NUL behind them, on the heap; NULL and errno. *len may be less. */
char *load_read_all(int fd, size_t size, size_t *len);

/**
 * The bytes of a file, as load_read_all(); what is wrong is said. One that a user named may be a
 * pipe, or - for standard input.
 */
char *load_read_file(struct load *load, const char *path, struct rule_pos pos, bool named, size_t *len);

/** Reads the objects of programs, and takes their code; what is wrong is said. */
void load_programs(struct load *load);

/** A name for a message: at most 60 bytes of it. */
#define SHOWN(text) (int)((text).len < 60 ? (text).len : 60), (text).data

#endif
