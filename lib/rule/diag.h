/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is wrong with a rule's text, and where. A list of diagnostics owns all its strings and
 * outlives the rule set it is about. Not thread-safe.
 */
#ifndef VEX_RULE_DIAG_H
#define VEX_RULE_DIAG_H

#include <stddef.h>
#include <stdint.h>

/** Most diagnostics that are kept; the rest is counted. */
#define RULE_DIAGS_MAX 1000u
/** Bytes of a line that are kept, around its column. */
#define RULE_DIAG_LINE_MAX 160u

/** A place in the source text. 8 bytes, since every node of a million rules has one. */
struct rule_pos {
	uint32_t line;   /**< from 1; 0: nowhere in particular */
	uint16_t column; /**< in bytes, from 1; UINT16_MAX where it is beyond */
	uint16_t file;   /**< index into the set's files */
};

enum rule_severity {
	RULE_ERROR,   /**< nothing was loaded */
	RULE_WARNING, /**< loaded, but perhaps not what was meant; a rule that is unsupported */
};

/** What kind of thing is wrong: stable names, by rule_diag_code_name(). */
#define RULE_DIAG_CODES(X)                                                                         \
	X(IO, "io")                   /* a file or folder can't be read */                         \
	X(YAML, "yaml")               /* not YAML */                                               \
	X(SHAPE, "shape")             /* a mapping where a list was expected, and such */          \
	X(KEY, "key")                 /* an unknown key, or one too many */                        \
	X(MISSING, "missing")         /* a key that must be there */                               \
	X(VALUE, "value")             /* a value of a key that is not understood */                \
	X(LIMIT, "limit")             /* too many, too long, too deep */                           \
	X(INCLUDE, "include")         /* a cycle, or too deep */                                   \
	X(OVERRIDE, "override")       /* append or override of what is not there, or both */       \
	X(SYNTAX, "syntax")           /* a condition that does not parse */                        \
	X(FIELD, "field")             /* no such field */                                          \
	X(OPERATOR, "operator")       /* no such operator, or not for this type */                 \
	X(TYPE, "type")               /* a value that is not of the field's type */                \
	X(MACRO, "macro")             /* no such macro */                                          \
	X(LIST, "list")               /* no such list */                                           \
	X(CYCLE, "cycle")             /* a macro or list that needs itself */                      \
	X(PATTERN, "pattern")         /* a regular expression or a glob that can't be */           \
	X(REFERENCE, "reference")     /* a group or program that is not defined */                 \
	X(PROGRAM, "program")         /* an object that can't be run */                            \
	X(UNSUPPORTED, "unsupported") /* a field or event that vexplane can't have */              \
	X(CONSTANT, "constant")       /* a condition that is always true or never */               \
	X(MEMORY, "memory")

#define RULE_DIAG_ENUM(ID, name) RULE_DIAG_##ID,
enum rule_diag_code {
	RULE_DIAG_CODES(RULE_DIAG_ENUM)
	RULE_DIAG_CODE_COUNT,
};
#undef RULE_DIAG_ENUM

struct rule_diag {
	enum rule_severity severity;
	enum rule_diag_code code;
	uint32_t line;          /**< 0: of the file as a whole, or of none */
	uint32_t column;        /**< in bytes, from 1 */
	const char *file;       /**< as it was named to the loader; "" where none is */
	const char *source;     /**< the line itself, or the part around the column; may be "" */
	uint32_t source_column; /**< the column within source, from 1 */
	const char *message;    /**< one sentence without a full stop */
	const char *expected;   /**< what could have stood there; "" where that says nothing */
	const char *suggestion; /**< what was probably meant; "" where nothing is near */
};

/** Zeroed: empty. */
struct rule_diags {
	struct rule_diag *items;
	size_t count;    /**< of items */
	size_t capacity; /**< of items */
	size_t errors;   /**< all, kept or not */
	size_t warnings; /**< all, kept or not */
};

void rule_diags_clear(struct rule_diags *diags);

const char *rule_diag_code_name(enum rule_diag_code code);

/**
 * Writes a diagnostic as people read it, several lines, the last without a newline:
 *
 *	rules.yaml:3:22: error: no such field 'fd.nam'; did you mean fd.name?
 *	  condition: fd.nam = /etc/passwd
 *	             ^
 *
 * Control characters and the bytes of no UTF-8 stand as '.'. Returns the length that it has, as
 * snprintf() does; cap may be 0.
 */
size_t rule_diag_format(const struct rule_diag *diag, char *out, size_t cap);

#endif
