/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the compiler of rule images works on. Private to lib/rule.
 *
 *   compile.c      rules, one after the other; fingerprints
 *   build_test.c   tests of a condition to tests of the image
 *   build_glob.c   globs and paths to steps
 *   build_decision.c  targets, limits, redactions; groups, classes, quotas, programs
 *   build_split.c  what repeats of a condition, and the rest
 *   build_key.c    keys under which the index leads to a rule
 *   build_express.c  patterns to expressions of Hyperscan
 *   build_scan.c   expressions to databases
 *   build_image.c  all parts into one block
 *   build_pool.c   memory, and things that are kept once
 */
#ifndef VEX_RULE_BUILD_H
#define VEX_RULE_BUILD_H

#include "rule/image.h"
#include "rule/rule.h"

/** Bytes on the heap that grow. */
struct build_bytes {
	uint8_t *data;
	size_t len;
	size_t cap;
};

struct build_slot {
	uint64_t hash;
	uint64_t at;
	uint32_t len; /**< 0: empty */
};

/** Things that are kept once, whatever asks for them. */
struct build_pool {
	struct build_bytes bytes;
	struct build_slot *slots;
	size_t used;
	size_t size; /**< a power of two, or 0 */
};

/** Something that leads to a rule: a hash, or a test whose pattern does. */
struct build_lead {
	uint64_t from;
	uint32_t rule;
};

struct build {
	const struct rule_set *set;
	const struct rule_image *previous; /**< or NULL; verified */
	int error;                         /**< negative errno; what follows does nothing then */
	struct rule_image head;
	uint8_t fields[RULE_FIELD_COUNT];  /**< index into FIELDS, from 1; 0: not there yet */
	uint8_t ids[RULE_IMAGE_FIELDS_MAX]; /**< enum rule_field_id, by index */
	struct build_pool text, texts, values, tests, nodes, inputs, targets, destinations, keys,
			limits, redacts;
	struct build_bytes field_names, rules, rule_inputs, groups, members, classes, quotas,
			programs, code, schedules, windows, slots, postings, scans, patterns,
			databases;
	struct build_bytes leads;    /**< struct build_lead, by key */
	struct build_bytes pattern_leads; /**< struct build_lead, by test */
	struct build_bytes loose;    /**< rules */
	struct build_bytes crowd;    /**< uint8_t: how many patterns share a key, by its low bits */
	uint32_t rule;               /**< that is being compiled */
};

/* -- build_pool.c -- */

/** Appends; returns where it stands, or 0 and build->error. data may be NULL: zeros. */
size_t build_add(struct build *build, struct build_bytes *bytes, const void *data, size_t len);

/** Where in the pool's bytes these stand, which it has once. */
uint64_t build_intern(struct build *build, struct build_pool *pool, const void *data, size_t len);

/** A text of the image, kept once. */
struct rule_image_text build_text(struct build *build, const char *data, size_t len);

void build_pool_free(struct build_pool *pool);

/** Index of a field in the image. */
uint8_t build_field(struct build *build, enum rule_field_id field);

static inline const struct rule_image_test *build_tests(const struct build *build)
{
	return (const struct rule_image_test *)build->tests.bytes.data;
}

static inline uint32_t build_test_count(const struct build *build)
{
	return (uint32_t)(build->tests.bytes.len / sizeof(struct rule_image_test));
}

/** What stands in NODES of a group; NULL of a test. */
static inline const uint32_t *build_group_words(const struct build *build, uint32_t node)
{
	if (!(node & RULE_NODE_GROUP))
		return NULL;
	return (const uint32_t *)build->nodes.bytes.data + (node & ~RULE_NODE_GROUP);
}

/* -- build_test.c, build_glob.c -- */

/** The node of a test of a condition. */
uint32_t build_test(struct build *build, const struct rule_node *test);

/** A group, folded where it has constants in it. children may be changed. */
uint32_t build_group(struct build *build, enum rule_image_group kind, uint32_t *children,
		uint32_t count);

uint32_t build_constant(struct build *build, bool value);
uint32_t build_not(struct build *build, uint32_t child);

/** A test as it is, field and argument set. */
uint32_t build_test_add(struct build *build, const struct rule_image_test *test);

/** Fills in kind, a, b and steps for a glob, or for a path with globs in it (paths). */
void build_glob(struct build *build, struct rule_text pattern, bool fold, bool paths,
		struct rule_image_test *test);

/* -- build_split.c -- */

/** Sets the rule's nodes and inputs. */
void build_split(struct build *build, const struct rule *rule, struct rule_image_rule *out);

/* -- build_decision.c -- */

/** Sets the rule's targets, redactions and limit. */
void build_decision(struct build *build, const struct rule *rule, struct rule_image_rule *out);

/** Groups, programs, quotas and classes of the set. */
void build_definitions(struct build *build);

/* -- build_key.c -- */

/** Enters the rule that is being compiled under the best keys of a node. */
void build_keys(struct build *build, uint32_t node);

/** Counts patterns that share a key: where many do, Hyperscan finds them at once. */
void build_crowds(struct build *build);

/** The key that all texts share which a test takes, and its price; hash 0: there is none. */
struct build_key {
	uint64_t hash;
	uint32_t price;
	uint8_t kind;   /**< enum rule_key_kind */
	uint8_t depth;  /**< of a subtree; 0: none */
	bool second;    /**< of fs.path2 */
	bool exact;     /**< nearly all that has the key passes the test */
};
struct build_key build_key_of(const struct build *build, const struct rule_image_test *test);

/** Sorts the keys and lays out the index. */
void build_index(struct build *build);

/** Adds rules to the postings; returns where they are. */
uint32_t build_posting(struct build *build, const struct build_lead *leads, size_t count);

/* -- build_express.c, build_scan.c, build_image.c -- */

/** Appends what a test looks for as an expression of Hyperscan, with its NUL; returns its flags. */
unsigned build_express(struct build *build, const struct rule_image_test *test,
		struct build_bytes *out);

/** Compiles all that Hyperscan is to look for. */
void build_scans(struct build *build);

/** All parts as one block on the heap; NULL and build->error. */
struct rule_image *build_image(struct build *build, size_t *size);

#endif
