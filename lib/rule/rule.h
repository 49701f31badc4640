/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rules: text in, a checked set out.
 *
 * Loading goes through the whole text and tells everything that is wrong with it in one go. A
 * set is either whole or not there. It is immutable: any number of threads may read it.
 */
#ifndef VEX_RULE_RULE_H
#define VEX_RULE_RULE_H

#include "rule/ast.h"

/* Limits. What goes beyond is refused with RULE_DIAG_LIMIT. */
#define RULE_FILES_MAX 4096u             /* of a set, included ones too */
#define RULE_FILE_BYTES_MAX (1u << 30)   /* of one file */
#define RULE_INCLUDE_DEPTH_MAX 16u       /* files that include files */
#define RULE_YAML_DEPTH_MAX 16u          /* mappings in lists in mappings */
#define RULE_RULES_MAX (1u << 21)        /* of a set; as many macros and lists each */
#define RULE_NAME_MAX 255u               /* bytes of the name of a rule, macro, list, group, ... */
#define RULE_TEXT_MAX 65536u             /* bytes of desc or output */
#define RULE_CONDITION_MAX (1u << 20)    /* bytes of a condition, with all that was appended */
#define RULE_VALUE_MAX 4096u             /* bytes of a value to compare with */
#define RULE_PATTERN_MAX 1024u           /* bytes of a regular expression or a glob */
#define RULE_LIST_MAX 65536u             /* values of a list, others that it names included */
#define RULE_DEPTH_MAX 64u               /* parentheses, and macros in macros */
#define RULE_NODES_MAX 65536u            /* nodes of a rule's tree, its macros written out */
#define RULE_TAGS_MAX 64u                /* of a rule */
#define RULE_TARGETS_MAX 16u             /* of a rule */
#define RULE_KEYS_MAX 4u                 /* fields of one key of a rate or a suppression */
#define RULE_WINDOWS_MAX 16u             /* of a schedule */
#define RULE_REDACTIONS_MAX 32u          /* of a rule */
#define RULE_EXCEPTIONS_MAX 64u          /* of a rule */
#define RULE_GROUPS_MAX 1024u            /* of a set */
#define RULE_MEMBERS_MAX 64u             /* of a group */
#define RULE_WEIGHT_MAX 1000u            /* of a member */
#define RULE_QUOTAS_MAX 65536u           /* of a set */
#define RULE_BLOCK_MAX 1000000000ull     /* nanoseconds that a class may hold up a producer */
#define RULE_PROGRAMS_MAX 256u           /* of a set */
#define RULE_CODE_MAX 4096u              /* instructions of a program */
#define RULE_INTERVAL_MAX 31536000000000000ull /* nanoseconds of suppress and such: a year */

/** Falco's, the most urgent first. */
enum rule_priority {
	RULE_EMERGENCY,
	RULE_ALERT,
	RULE_CRITICAL,
	RULE_ERROR_PRIORITY,
	RULE_WARNING_PRIORITY,
	RULE_NOTICE,
	RULE_INFORMATIONAL,
	RULE_DEBUG,
	RULE_PRIORITY_COUNT,
};

/** Service classes, the most urgent first. */
enum rule_qos {
	RULE_QOS_CRITICAL,
	RULE_QOS_HIGH,
	RULE_QOS_NORMAL,
	RULE_QOS_LOW,
	RULE_QOS_COUNT,
};

#define RULE_TARGET(ID, text, NAMED, desc) RULE_TARGET_##ID,
enum rule_target_kind {
#include "rule/target.def"
	RULE_TARGET_COUNT,
};
#undef RULE_TARGET

struct rule_target {
	enum rule_target_kind kind;
	uint32_t index;        /**< of a GROUP into the set's groups; of BOUNDARY enum vex_boundary */
	struct rule_text name; /**< of SUBSCRIBER and GROUP */
};

/** A field as a key: what it says tells events apart. A field that is missing is a value too. */
struct rule_key {
	enum rule_field_id field; /**< CORE, and no list */
	struct rule_text argument; /**< of RULE_FIELD_ATTR */
};

struct rule_keys {
	uint32_t count; /**< up to RULE_KEYS_MAX; 0: all events together */
	const struct rule_key *keys;
};

/** Of den events num go on; by a key: those of num out of den values of the key do. */
struct rule_sample {
	uint32_t num; /**< 1 to den; den 0: all go on */
	uint32_t den;
	struct rule_keys by;
};

/** A token bucket for each value of the key. */
struct rule_rate {
	uint64_t events; /**< that flow in each per_ns; 0: unlimited */
	uint64_t per_ns;
	uint64_t burst; /**< most that the bucket holds, at least 1 */
	struct rule_keys by;
};

/** One event for each value of the key, then none for a while, but counted. */
struct rule_suppress {
	uint64_t for_ns; /**< 0: nothing is suppressed */
	struct rule_keys by;
};

/** Part of each of some days. */
struct rule_window {
	uint8_t days;  /**< bit 0 is Monday; the day on which it begins */
	uint16_t from; /**< minute of the day, 0 to 1439 */
	uint16_t to;   /**< minute that is no more in it, 1 to 1440; up to from: on the next day */
};

/** When a rule matches at all; in none of the windows it does not. */
struct rule_schedule {
	int16_t offset_minutes; /**< of the clock that the windows are told by, east of UTC */
	uint32_t count;         /**< 0: always */
	const struct rule_window *windows;
};

enum rule_redact_how {
	RULE_REDACT_HASH,
	RULE_REDACT_MASK,
	RULE_REDACT_REMOVE,
	RULE_REDACT_COUNT,
};

struct rule_redact {
	enum rule_redact_how how;
	struct rule_key key; /**< what leaves changed; label, too */
};

/** What became of a rule. */
enum rule_state {
	RULE_ACTIVE,
	RULE_DISABLED,    /**< enabled: false */
	RULE_UNSUPPORTED, /**< enabled or not: needs what vexplane can't have; see unsupported */
};

/** Bytes of a definition in its file: from its first key to behind its last value. */
struct rule_span {
	uint32_t start;
	uint32_t len;
};

/** Where a rule was changed, or written anew, once it was there. */
struct rule_change {
	const struct rule_change *next;
	struct rule_pos pos;
	struct rule_span span;
};

struct rule {
	struct rule_text name;
	struct rule_text desc;
	struct rule_text output; /**< as it was written; %field stands for a field's value */
	struct rule_text source; /**< "syscall" where nothing was said */
	struct rule_pos pos;     /**< where it was first defined */
	struct rule_span span;   /**< there */
	const struct rule_change *changes; /**< in their order; NULL: none */
	enum rule_state state;
	enum rule_priority priority;
	enum rule_qos qos;
	bool enabled; /**< what its key says; a disabled rule may be unsupported as well */
	bool first;   /**< where it matched, no later rule is looked at */
	uint32_t tag_count;
	const struct rule_text *tags;
	/**
	 * What it takes: macros and lists in place, fields CORE, constants folded, its program and
	 * its exceptions part of it. Of an unsupported rule NODE_UNSUPPORTED stand in it.
	 */
	const struct rule_node *condition;
	/** The same as it was written, before folding; NULL unless options.keep_plain. */
	const struct rule_node *plain;
	uint32_t nodes; /**< of condition, shared ones as often as they are met */
	uint32_t target_count;
	const struct rule_target *targets; /**< none: whom the data plane's default leads to */
	struct rule_sample sample;
	struct rule_rate rate;
	struct rule_suppress suppress;
	struct rule_schedule schedule;
	uint32_t redact_count;
	const struct rule_redact *redacts;
	uint32_t unsupported_count;
	const struct rule_unsupported *unsupported; /**< each name once */
};

enum rule_balance {
	RULE_BALANCE_ROUND_ROBIN,
	RULE_BALANCE_WEIGHTED,
	RULE_BALANCE_LEAST_LOADED,
	RULE_BALANCE_HASH,
	RULE_BALANCE_COUNT,
};

struct rule_member {
	struct rule_text name; /**< of a subscriber */
	uint32_t weight;       /**< 1 to RULE_WEIGHT_MAX */
};

/** Subscribers of which one takes each event. */
struct rule_group {
	struct rule_text name;
	struct rule_pos pos;
	enum rule_balance balance;
	struct rule_keys by;   /**< of RULE_BALANCE_HASH */
	uint64_t slow_ns;      /**< a member whose lane stands still so long is skipped */
	uint64_t probe_ns;     /**< after which one event probes it */
	uint32_t member_count;
	const struct rule_member *members;
};

/** What becomes of an event for which there is no room. */
enum rule_overload {
	RULE_OVERLOAD_BLOCK,       /**< the producer waits, up to a bound; then as DROP_NEWEST */
	RULE_OVERLOAD_DROP_OLDEST, /**< of its class or of a lower one */
	RULE_OVERLOAD_DROP_NEWEST, /**< itself */
	RULE_OVERLOAD_COUNT,
};

/** A service class. All four are there, whether they were defined or not. */
struct rule_class {
	enum rule_overload overload;
	uint32_t share;    /**< per cent of a backlog that it and those below may fill, 1 to 100 */
	uint64_t block_ns; /**< of RULE_OVERLOAD_BLOCK: 1 to RULE_BLOCK_MAX; of others 0 */
};

/** What becomes of a tenant's event beyond its burst, but within the excess. */
enum rule_over { RULE_OVER_DROP, RULE_OVER_DEMOTE, RULE_OVER_COUNT };

struct rule_quota {
	bool any;        /**< of every tenant that has none of its own */
	uint32_t tenant; /**< 0 of any */
	uint64_t events; /**< that flow in each per_ns */
	uint64_t per_ns;
	uint64_t burst;  /**< events at once, at least 1 */
	uint64_t excess; /**< events beyond the burst before all are dropped */
	enum rule_over over;
};

/** An eBPF object of the user's. */
struct rule_program {
	struct rule_text name;
	struct rule_pos pos;
	struct rule_text file;    /**< absolute, or as written where the text came from memory */
	struct rule_text section; /**< ELF section of its code */
	const uint64_t *code;     /**< its instructions; NULL where the text came from memory */
	uint32_t code_count;      /**< 1 to RULE_CODE_MAX, or 0 */
};

struct rule_set {
	uint32_t count;
	const struct rule *rules; /**< in the order in which they were first defined */
	uint32_t group_count;
	const struct rule_group *groups;
	uint32_t program_count;
	const struct rule_program *programs;
	struct rule_class classes[RULE_QOS_COUNT]; /**< by enum rule_qos */
	uint32_t quota_count;
	const struct rule_quota *quotas; /**< ascend by tenant; that of any is the last */
	uint32_t file_count;
	const struct rule_text *files; /**< names, by rule_pos.file */
	struct rule_memory *memory;
};

/** A text of rules that is in memory. */
struct rule_source {
	const char *name; /**< for diagnostics */
	const char *text;
	size_t len;
	uint32_t line;    /**< where it is included: 0: nowhere, it stands for itself */
	uint32_t column;
	uint32_t by;      /**< the source that includes it, which stands before it */
};

/** The object of a program, as it was read. */
struct rule_object {
	const char *file; /**< rule_program's */
	const void *data;
	size_t len;
};

/** The files of a set as they were read, in that order; on the heap. Zeroed: none. */
struct rule_files {
	struct rule_source *items;
	size_t count;
	struct rule_object *objects;
	size_t object_count;
};

void rule_files_clear(struct rule_files *files);

struct rule_options {
	bool keep_plain; /**< keep rule->plain: twice the memory, for explain and for tests */
	/** To rule_set_load(): puts here what it read. rule_set_parse() makes the same set of it. */
	struct rule_files *files;
	/** To rule_set_parse(): the sources are all there is; what is included stands among them. */
	bool complete;
	/** To rule_set_parse(): objects of programs. A program without one has no code. */
	const struct rule_object *objects;
	size_t object_count;
};

/**
 * Loads files, and of folders each *.yaml and *.yml in byte order, one after the other: a later
 * one overrides. Returns 0 and a set to be freed with rule_set_free(), or -EINVAL where there
 * were errors, -ENOMEM; the set is NULL then. What was found is added to diags either way.
 * options may be NULL. Thread-safe on different diags.
 */
int rule_set_load(const char *const *paths, size_t count, const struct rule_options *options,
		struct rule_set **set, struct rule_diags *diags);

/** The same from memory. Sources that others include stand in the order in which they are met. */
int rule_set_parse(const struct rule_source *sources, size_t count,
		const struct rule_options *options, struct rule_set **set, struct rule_diags *diags);

void rule_set_free(struct rule_set *set);

/** The rule of that name, or NULL. Takes time in proportion to the number of rules. */
const struct rule *rule_set_find(const struct rule_set *set, const char *name);

/* Names of the enumerations; NULL past the last. */
const char *rule_priority_name(enum rule_priority priority);
const char *rule_qos_name(enum rule_qos qos);
const char *rule_state_name(enum rule_state state);
const char *rule_balance_name(enum rule_balance balance);
const char *rule_target_name(enum rule_target_kind kind);
const char *rule_overload_name(enum rule_overload overload);
const char *rule_over_name(enum rule_over over);
const char *rule_redact_name(enum rule_redact_how how);

/**
 * The expression that Hyperscan compiles for the operator regex, without flags but
 * RULE_REGEX_FLAGS: the user's pattern, held to the whole value. Written to out, which has
 * RULE_REGEX_WRAPPED_MAX bytes.
 */
#define RULE_REGEX_WRAPPED_MAX (RULE_PATTERN_MAX + 16u)
#define RULE_REGEX_FLAGS 26u /* HS_FLAG_DOTALL, _SINGLEMATCH and _ALLOWEMPTY */
void rule_regex_wrap(struct rule_text pattern, char out[RULE_REGEX_WRAPPED_MAX]);

#endif
