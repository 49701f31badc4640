/* SPDX-License-Identifier: BSD-3-Clause */
/* What vexctl's commands about rules have in common: sets out of text, and what is said of it. */
#ifndef VEX_CONTROL_CLI_RULES_H
#define VEX_CONTROL_CLI_RULES_H

#include <jansson.h>
#include <stdbool.h>

#include "bundle.h"
#include "rule/rule.h"

/** A set, the files that it was made of, and what is to be said of them. Zeroed: none. */
struct rules_text {
	struct rule_set *set; /**< NULL where there were errors */
	struct rule_files files;
	struct rule_diags diags;
};

/** Loads files and folders. Prints nothing; returns the exit code that fits. */
int rules_text_load(struct rules_text *text, char **paths, int count);

/**
 * The same of a version of vex-control's, 0: the one in force, as it is switched there. Says what
 * is wrong on stderr.
 */
int rules_text_fetch(struct rules_text *text, uint32_t version);

/** The same, but says nothing. Returns which version it is; 0 where it can't be had. */
uint32_t rules_text_try(struct rules_text *text, uint32_t version);

void rules_text_clear(struct rules_text *text);

/** Prints each as people read it, on stderr, and how many were not kept. */
void rules_print_diags(const struct rule_diags *diags);

/** {"ok": good, "errors", "warnings", "diagnostics"}; error, which may be empty, is one more. */
json_t *rules_report_json(const struct rules_text *text, bool good, const char *error);

/** Says that rules are wrong: on stderr, or with --json as an object on stdout. */
void rules_print_wrong(const struct rules_text *text, const char *error);

/** Bytes as a JSON string; what is not UTF-8 becomes '?'. */
json_t *rules_json_text(const char *data, size_t len);

/** Prints a name as it is fit for a terminal. */
void rules_print_name(const char *name);

/** A version's number, above 0. */
bool rules_read_version(const char *text, uint32_t *version);

/** Gets a version, 0: the one in force, from vex-control. NULL with a message on stderr. */
struct bundle *rules_fetch(uint32_t version);

/** The rules in force, all or those of a list of names; NULL with a message on stderr. */
json_t *rules_list(const json_t *names);

/** The versions that are kept, oldest first; NULL with a message on stderr. */
json_t *rules_history(void);

/** Now, for measuring; nanoseconds. */
uint64_t rules_now_ns(void);

#endif
