/* SPDX-License-Identifier: BSD-3-Clause */
/* From YAML to definitions. Private to lib/rule. */
#ifndef VEX_RULE_DEFINE_H
#define VEX_RULE_DEFINE_H

#include "rule/yaml_tree.h"

/** What is to be done with the value of a key. */
enum define_how { DEFINE_SET, DEFINE_APPEND };

/** A key of a rule. */
struct rule_key_info {
	const char *name;
	/** Reads the value into the draft; what is wrong is said. */
	void (*read)(struct load *load, struct draft *draft, const struct yaml_node *value,
			enum define_how how);
	bool append; /**< can be appended to */
};

/** All keys of a rule but rule, append and override; a name NULL ends them. */
extern const struct rule_key_info rule_key_infos[];

/** One item of a file's list, of what sort it may be. An include is left to the caller. */
void define_item(struct load *load, const struct yaml_node *item);

/* Keys by the file that reads them. */
#define DEFINE_KEY(name)                                                                           \
	void key_##name(struct load *load, struct draft *draft, const struct yaml_node *value,     \
			enum define_how how)
DEFINE_KEY(desc);
DEFINE_KEY(condition);
DEFINE_KEY(output);
DEFINE_KEY(priority);
DEFINE_KEY(tags);
DEFINE_KEY(enabled);
DEFINE_KEY(source);
DEFINE_KEY(exceptions);
DEFINE_KEY(ignored);
DEFINE_KEY(route);
DEFINE_KEY(qos);
DEFINE_KEY(sample);
DEFINE_KEY(rate);
DEFINE_KEY(suppress);
DEFINE_KEY(schedule);
DEFINE_KEY(redact);
DEFINE_KEY(match);
DEFINE_KEY(program);

void define_group(struct load *load, const struct yaml_node *item);
void define_program(struct load *load, const struct yaml_node *item);
void define_class(struct load *load, const struct yaml_node *item);
void define_quota(struct load *load, const struct yaml_node *item);

/** Names of classes, by enum rule_qos; NULL ends them. */
extern const char *const define_qos_words[];

/** Classes that nothing was said of. */
void define_class_defaults(struct load *load);

/** Once all are known: whether classes fit together; quotas of the set, in their order. */
void define_finish_classes(struct load *load);
void define_finish_quotas(struct load *load);

/** Names of groups that routes lead to, once all groups are known. */
void define_targets(struct load *load, struct draft *draft);

/* -- define_change.c -- */

/** What an item does: append: true, or override. */
struct change {
	bool append;
	const struct yaml_node *override; /**< a map, or NULL */
};

/** False where append and override are not as they should be, which is said. */
bool change_read(struct load *load, const struct yaml_node *item, struct change *change);

/** What override says of a key; false where it says nothing of it, or nothing good. */
bool change_override_of(struct load *load, const struct change *change, const struct yaml_node *key,
		bool can_append, enum define_how *how);

/** Each key that override names must be there. */
void change_check_override(struct load *load, const struct change *change,
		const struct yaml_node *item);

/** Says that there is nothing of that name to be changed. */
void change_of_nothing(struct load *load, const struct yaml_node *value, const char *kind,
		const struct rule_names *names);

/* Common to those that read values. */

/** Says that a value is not what was expected. */
void define_refuse(struct load *load, const struct yaml_node *value, const char *expected);

/** A scalar that is not empty and not longer than max; false otherwise, which is said. */
bool define_scalar(struct load *load, const struct yaml_node *value, size_t max);

/** The index of a word in a list that NULL ends, letter case aside; -1 where it is in none. */
int define_word(struct load *load, const struct yaml_node *value, const char *const *words);

bool define_bool(struct load *load, const struct yaml_node *value, bool *out);

/** Says that a key is unknown; known is a list that NULL ends. */
void define_unknown_key(struct load *load, const struct yaml_node *key, const char *const *known);

/** Whether all keys of a map are in known, and none stands twice. */
bool define_check_keys(struct load *load, const struct yaml_node *map, const char *const *known);

/** A flow such as 100/s or 5/10m: up to UINT32_MAX events in up to RULE_INTERVAL_MAX. */
bool flow_read(const struct rule_text *text, uint64_t *events, uint64_t *per_ns);

/** A list of fields that tell events apart, or one of them. */
bool define_keys(struct load *load, const struct yaml_node *value, struct rule_keys *keys);

/** One field: CORE; lists only where that is allowed. */
bool define_field(struct load *load, const struct yaml_node *value, bool lists, struct rule_key *key);

/** Adds a text to a condition. */
bool define_piece(struct load *load, struct pieces *pieces, const struct text_scalar *scalar);

#endif
