/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The rule image: a set of rules as one block of bytes that is matched as it stands. What the
 * compiler writes and the runtime reads is declared here and nowhere else; docs/rule-image.md
 * tells how it is used.
 *
 * The block holds offsets, never pointers: it may lie anywhere that is aligned to 8 bytes. All
 * numbers are little endian. Nothing in it may be used before rule_image_verify() accepted it.
 */
#ifndef VEX_RULE_IMAGE_H
#define VEX_RULE_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#define RULE_IMAGE_MAGIC 0x474d49454c555256ull /* "VRULEIMG" */
/** Goes up with every change of what is declared here. */
#define RULE_IMAGE_VERSION 3u
#define RULE_IMAGE_NONE UINT32_MAX

#define RULE_IMAGE_FIELDS_MAX 64u  /* a bit each */
#define RULE_IMAGE_DEPTH_MAX 4096u /* of nodes within nodes */
#define RULE_BURST_MAX 64u         /* events, a bit each */

/** Parts of an image; each is an array, aligned to 8 bytes. */
enum rule_image_part {
	RULE_PART_TEXT,      /**< bytes that others refer to */
	RULE_PART_FIELDS,    /**< struct rule_image_field */
	RULE_PART_VALUES,    /**< uint64_t: numbers to compare with, words */
	RULE_PART_TEXTS,     /**< struct rule_image_text: lists of texts */
	RULE_PART_TESTS,     /**< struct rule_image_test */
	RULE_PART_NODES,     /**< uint32_t: groups; see RULE_NODE_GROUP */
	RULE_PART_INPUTS,    /**< uint32_t: nodes that repeat and stand among what varies */
	RULE_PART_RULES,     /**< struct rule_image_rule */
	RULE_PART_RULE_INPUTS, /**< uint32_t: inputs of a rule, in the order of a decision's bits */
	RULE_PART_SLOTS,     /**< struct rule_image_slot: the index, a power of two of them */
	RULE_PART_POSTINGS,  /**< uint32_t: rules that a key leads to, ascending */
	RULE_PART_SCANS,     /**< struct rule_image_scan */
	RULE_PART_PATTERNS,  /**< struct rule_image_pattern */
	RULE_PART_DATABASES, /**< bytes: databases of Hyperscan, serialized */
	RULE_PART_TARGETS,   /**< uint32_t: destinations of a rule, indices into DESTINATIONS */
	RULE_PART_DESTINATIONS, /**< struct rule_image_target: each kind and name once */
	RULE_PART_GROUPS,    /**< struct rule_image_group_of */
	RULE_PART_MEMBERS,   /**< struct rule_image_member */
	RULE_PART_KEYS,      /**< struct rule_image_key */
	RULE_PART_LIMITS,    /**< struct rule_image_limit: equal ones are one */
	RULE_PART_REDACTS,   /**< struct rule_image_redact */
	RULE_PART_CLASSES,   /**< struct rule_image_class, by enum rule_qos */
	RULE_PART_QUOTAS,    /**< struct rule_image_quota: ascend by tenant, that of any other last */
	RULE_PART_PROGRAMS,  /**< struct rule_image_program */
	RULE_PART_CODE,      /**< uint64_t: instructions of eBPF */
	RULE_PART_SCHEDULES, /**< struct rule_image_schedule */
	RULE_PART_WINDOWS,   /**< struct rule_image_window */
	RULE_PART_COUNT,
};

struct rule_image_span {
	uint64_t offset; /**< from the image's first byte */
	uint64_t count;  /**< of what the part is an array of */
};

struct rule_image {
	uint64_t magic;
	uint64_t checksum; /**< XXH3, 64 bits, of all that is behind it */
	uint64_t size;     /**< of the whole image */
	uint32_t version;
	uint32_t loose_count; /**< rules that every event may match */
	uint64_t loose_first; /**< where in the postings they are */
	uint64_t repeats;     /**< fields of tests that decisions depend on, a bit each */
	uint64_t number_keys; /**< fields that are looked up in the index, a bit each */
	uint64_t key_kinds;   /**< keys that are in the index, a bit for each enum rule_key_kind */
	uint64_t levels[2];   /**< of fd.name, fs.path2: depths of subtrees in the index, a bit each */
	struct rule_image_span parts[RULE_PART_COUNT];
};

struct rule_image_text {
	uint64_t offset; /**< in the part TEXT */
	uint32_t len;
	uint32_t zero;
};

/** Fields go by their names: a runtime that does not know one refuses the image. */
struct rule_image_field {
	struct rule_image_text name;
};

/*
 * Tests. Each of them is false for an event that lacks the field.
 *
 *   RULE_TEST(NAME, a, b)
 */
enum rule_image_kind {
	RULE_TEST_HAS,       /**< the field is there */
	RULE_TEST_RANGE,     /**< a number from a to b; of signed fields moved by 2^63 */
	RULE_TEST_SET,       /**< a number among VALUES[a] to [a + b), ascending; moved, too */
	RULE_TEST_BITS,      /**< (number & a) == b */
	RULE_TEST_WORDS,     /**< a value below 256 whose bit is set in VALUES[a] to [a + 4) */
	RULE_TEST_EQUAL,     /**< TEXT[a] to [a + b) */
	RULE_TEST_STARTS,    /**< the same at the beginning */
	RULE_TEST_ENDS,      /**< at the end */
	RULE_TEST_CONTAINS,  /**< anywhere */
	RULE_TEST_ICONTAINS, /**< anywhere, ASCII letters in any case; the text is in lower case */
	RULE_TEST_AMONG,     /**< one of TEXTS[a] to [a + b), which ascend by length, then bytes */
	RULE_TEST_BELOW,     /**< TEXT is components with a slash between: is it, or lies below */
	RULE_TEST_BELOW_GLOB, /**< the same of globs, steps with SLASH between components */
	RULE_TEST_GLOB,      /**< steps, `steps` of them, then sets of 32 bytes each */
	RULE_TEST_REGEX,     /**< found by its scan only */
	RULE_TEST_ALL,       /**< each of a list is among TEXTS, as AMONG */
	RULE_TEST_ANY,       /**< one of a list is */
	RULE_TEST_SCHEDULE,  /**< SCHEDULES[a] is open when the event began; no field */
	RULE_TEST_PROGRAM,   /**< PROGRAMS[a] says so; no field */
	RULE_TEST_KIND_COUNT,
};

struct rule_image_test {
	uint8_t kind;     /**< enum rule_image_kind */
	uint8_t field;    /**< index into FIELDS */
	uint16_t steps;   /**< of globs */
	uint32_t arg_len; /**< of attr: its name */
	uint64_t arg;
	uint64_t a;
	uint64_t b;
	uint32_t scan;    /**< the scan that finds it, or RULE_IMAGE_NONE */
	uint32_t pattern; /**< its place in PATTERNS */
};

/** A step of a glob is a uint16_t, not aligned: what, or-ed with a byte or a set's number << 3. */
enum rule_glob_step {
	RULE_GLOB_BYTE, /**< this byte */
	RULE_GLOB_FOLD, /**< this letter, which is in lower case, or its capital */
	RULE_GLOB_SKIP, /**< any one */
	RULE_GLOB_STAR, /**< any number of any */
	RULE_GLOB_SET,  /**< one whose bit is set in the set */
	RULE_GLOB_SLASH, /**< between components; of BELOW_GLOB only */
	RULE_GLOB_STEP_COUNT,
};

/*
 * A node is a test by its index, or, with RULE_NODE_GROUP set, a group by its place in NODES:
 * there stand kind | depth << 8, the count of children, and the children, which are tests or
 * groups that stand before it. Depth is one more than that of the deepest child; a test's is 0.
 */
#define RULE_NODE_GROUP 0x80000000u
enum rule_image_group {
	RULE_GROUP_AND,   /**< true where there are no children */
	RULE_GROUP_OR,    /**< false where there are none */
	RULE_GROUP_NOT,   /**< one child */
	RULE_GROUP_INPUT, /**< one "child": an index into INPUTS. Decisions remember its value */
	RULE_GROUP_COUNT,
};

struct rule_image_rule {
	struct rule_image_text name;
	uint64_t fingerprint;  /**< of its condition and keys: what it does, whatever its name */
	uint32_t cacheable;    /**< node of what repeats alone; where it is false the rule is */
	uint32_t residual;     /**< node of the rest, or RULE_IMAGE_NONE: nothing varies */
	uint32_t input_first;  /**< in RULE_INPUTS */
	uint32_t input_count;
	uint32_t target_first; /**< in TARGETS; none: the default */
	uint16_t target_count;
	uint8_t state;         /**< enum rule_state: only ACTIVE ones have nodes */
	uint8_t first;         /**< where it matched, no later rule is looked at */
	uint8_t qos;           /**< enum rule_qos */
	uint8_t priority;      /**< enum rule_priority */
	uint16_t redact_count;
	uint32_t redact_first; /**< in REDACTS */
	uint32_t limit;        /**< in LIMITS, or RULE_IMAGE_NONE */
	uint32_t zero;
};

/** A place of the index, by linear probing from hash & (count - 1); empty where count is 0. */
struct rule_image_slot {
	uint64_t hash; /**< rule_key_...() */
	uint32_t first; /**< in POSTINGS */
	uint32_t count;
};

/** Patterns that Hyperscan looks for at once in one field. */
struct rule_image_scan {
	uint64_t offset;      /**< in DATABASES */
	uint64_t len;
	uint64_t fingerprint; /**< of its expressions, so that a compiler can take it over */
	uint32_t first;       /**< in PATTERNS; an expression's id counts from there */
	uint32_t count;
	uint64_t arg;         /**< of attr: its name */
	uint32_t arg_len;
	uint8_t field;
	uint8_t eager;        /**< for each event, since its patterns lead to rules */
	uint16_t zero;
};

struct rule_image_pattern {
	uint64_t fingerprint; /**< of its expression */
	uint32_t test;        /**< or RULE_IMAGE_NONE: nobody wants it any more */
	uint32_t first; /**< of an eager scan: rules in POSTINGS that it leads to */
	uint32_t count;
	uint32_t zero;
};

struct rule_image_target {
	struct rule_image_text name;
	uint32_t index; /**< of a group into GROUPS; of a boundary enum vex_boundary */
	uint32_t kind;  /**< enum rule_target_kind */
};

/** A field as a key: what it says tells events apart; one that is missing is a value too. */
struct rule_image_key {
	uint32_t field;   /**< index into FIELDS; no list but in REDACTS */
	uint32_t arg_len; /**< of attr: its name */
	uint64_t arg;     /**< in TEXT */
};

/** Up to RULE_KEYS_MAX fields together; none: all events are of one key. */
struct rule_image_keys {
	uint32_t first; /**< in KEYS */
	uint32_t count;
};

/**
 * How many of the events that matched a rule lead on. Asked in this order: sample (den 0: all),
 * suppress (0 ns: never), rate (0 events: no limit). What the numbers mean: struct rule_sample,
 * rule_suppress and rule_rate of rule.h.
 */
struct rule_image_limit {
	uint64_t rate_events; /**< that flow in each rate_per_ns */
	uint64_t rate_per_ns;
	uint64_t rate_burst;
	uint64_t suppress_ns;
	uint32_t sample_num;
	uint32_t sample_den;
	struct rule_image_keys sample_by;
	struct rule_image_keys rate_by;
	struct rule_image_keys suppress_by;
};

struct rule_image_redact {
	uint32_t how; /**< enum rule_redact_how */
	uint32_t zero;
	struct rule_image_key key;
};

/** Subscribers of which one takes each event. A node's group is enum rule_image_group. */
struct rule_image_group_of {
	struct rule_image_text name;
	uint64_t slow_ns;
	uint64_t probe_ns;
	struct rule_image_keys by; /**< of RULE_BALANCE_HASH, and of no other */
	uint32_t balance;          /**< enum rule_balance */
	uint32_t member_first;     /**< in MEMBERS */
	uint32_t member_count;     /**< 1 to RULE_MEMBERS_MAX */
	uint32_t zero;
};

struct rule_image_member {
	struct rule_image_text name; /**< of a subscriber */
	uint32_t weight;             /**< 1 to RULE_WEIGHT_MAX */
	uint32_t zero;
};

struct rule_image_class {
	uint32_t overload; /**< enum rule_overload */
	uint32_t share;    /**< per cent of a backlog that this class and those below may fill */
	uint64_t block_ns; /**< of RULE_OVERLOAD_BLOCK: its bound; then as drop_newest */
};

/** What a tenant may send: a single-rate three-colour meter. */
struct rule_image_quota {
	uint64_t events; /**< that flow in each per_ns */
	uint64_t per_ns;
	uint64_t burst;  /**< events: up to here green */
	uint64_t excess; /**< events beyond it: yellow */
	uint32_t tenant;
	uint32_t any;  /**< 1: of every tenant that has none of its own, each by itself */
	uint32_t over; /**< enum rule_over: what becomes of yellow ones */
	uint32_t zero;
};

/** Bytecode that was taken out of an object, unchecked but for its length. */
struct rule_image_program {
	struct rule_image_text name;
	uint64_t code;  /**< in CODE */
	uint64_t count; /**< instructions; 0: the set came from memory, without its objects */
};

struct rule_image_schedule {
	int32_t offset_minutes;
	uint32_t first; /**< in WINDOWS */
	uint32_t count;
	uint32_t zero;
};

struct rule_image_window {
	uint16_t from;
	uint16_t to;
	uint8_t days;
	uint8_t zero[3];
};

/** Bytes of one element of each part. */
extern const uint32_t rule_image_item[RULE_PART_COUNT];

static inline const void *rule_image_part(const struct rule_image *image, enum rule_image_part part)
{
	return (const uint8_t *)image + image->parts[part].offset;
}

#endif
