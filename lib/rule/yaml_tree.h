/* SPDX-License-Identifier: BSD-3-Clause */
/* YAML as trees, one item of a file's list at a time. Private to lib/rule. */
#ifndef VEX_RULE_YAML_TREE_H
#define VEX_RULE_YAML_TREE_H

#include <yaml.h>

#include "rule/load.h"

enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP };

struct yaml_node {
	enum yaml_kind kind;
	struct text_scalar scalar; /**< of a list or map only where it begins and ends */
	struct yaml_node *first;   /**< of a map a key, its value, the next key, ... */
	struct yaml_node *next;
	size_t count;              /**< of children; of a map twice the keys */
};

struct yaml_reader {
	struct load *load;
	uint16_t file;
	yaml_parser_t parser;
	struct rule_memory memory; /**< of the item that was read last */
	size_t line;               /**< where the last mark was, so that a long line */
	size_t column;             /**< is walked along but once */
	size_t offset;
	size_t end;                /**< of what was read last */
	bool inside;               /**< within the list of a document */
};

/** Returns 0 or -ENOMEM. */
int yaml_reader_begin(struct yaml_reader *reader, struct load *load, uint16_t file);

/**
 * The next item, or NULL at the end or where the text is not YAML; that was said then. The item
 * lives until the next call.
 */
struct yaml_node *yaml_reader_next(struct yaml_reader *reader);

void yaml_reader_end(struct yaml_reader *reader);

/** The value of a key, or NULL. */
struct yaml_node *yaml_find(const struct yaml_node *map, const char *key);

bool yaml_is(const struct yaml_node *node, const char *text);

#endif
