/* SPDX-License-Identifier: BSD-3-Clause */
#include "rule/yaml_tree.h"

#include <string.h>

int yaml_reader_begin(struct yaml_reader *reader, struct load *load, uint16_t file)
{
	memset(reader, 0, sizeof(*reader));
	if (!yaml_parser_initialize(&reader->parser))
		return load_no_memory(load);
	reader->load = load;
	reader->file = file;
	yaml_parser_set_encoding(&reader->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&reader->parser, (const uint8_t *)load->files[file].text,
			load->files[file].len);
	return 0;
}

void yaml_reader_end(struct yaml_reader *reader)
{
	yaml_parser_delete(&reader->parser);
	rule_memory_free(&reader->memory);
}

static size_t mark_offset(struct yaml_reader *reader, const yaml_mark_t *mark)
{
	const struct text_file *file = &reader->load->files[reader->file];
	size_t column = mark->column;

	if (mark->line == reader->line && column >= reader->column) {
		size_t ahead = column - reader->column;

		while (ahead-- && reader->offset < file->len) {
			reader->offset++;
			while (reader->offset < file->len &&
					((uint8_t)file->text[reader->offset] & 0xc0) == 0x80)
				reader->offset++;
		}
	} else {
		reader->offset = text_file_offset(file, mark->line, column);
	}
	reader->line = mark->line;
	reader->column = column;
	return reader->offset;
}

static void say_at(struct yaml_reader *reader, enum rule_diag_code code, size_t offset,
		const char *expected, const char *message)
{
	struct complaint complaint = {.expected = expected};

	load_say(reader->load, RULE_ERROR, code,
			text_file_pos(&reader->load->files[reader->file], reader->file, offset),
			&complaint, "%s", message);
}

static void say_broken(struct yaml_reader *reader)
{
	const yaml_parser_t *parser = &reader->parser;
	const struct text_file *file = &reader->load->files[reader->file];
	size_t offset;

	if (parser->error == YAML_MEMORY_ERROR) {
		load_no_memory(reader->load);
		return;
	}
	if (parser->error == YAML_READER_ERROR)
		offset = parser->problem_offset < file->len ? parser->problem_offset : file->len;
	else
		offset = text_file_offset(file, parser->problem_mark.line, parser->problem_mark.column);
	say_at(reader, RULE_DIAG_YAML, offset, NULL, parser->problem ? parser->problem : "not YAML");
}

static struct yaml_node *new_node(struct yaml_reader *reader, enum yaml_kind kind,
		const yaml_event_t *event)
{
	struct yaml_node *node = rule_memory_get(&reader->memory, sizeof(*node));

	if (!node) {
		load_no_memory(reader->load);
		return NULL;
	}
	node->kind = kind;
	node->scalar.file = reader->file;
	node->scalar.start = mark_offset(reader, &event->start_mark);
	node->scalar.end = reader->end = mark_offset(reader, &event->end_mark);
	return node;
}

static enum text_style style_of(yaml_scalar_style_t style)
{
	switch (style) {
	case YAML_SINGLE_QUOTED_SCALAR_STYLE:
		return TEXT_SINGLE;
	case YAML_DOUBLE_QUOTED_SCALAR_STYLE:
		return TEXT_DOUBLE;
	case YAML_LITERAL_SCALAR_STYLE:
	case YAML_FOLDED_SCALAR_STYLE:
		return TEXT_BLOCK;
	default:
		return TEXT_PLAIN;
	}
}

static struct yaml_node *new_scalar(struct yaml_reader *reader, const yaml_event_t *event)
{
	struct yaml_node *node = new_node(reader, YAML_SCALAR, event);

	if (!node)
		return NULL;
	node->scalar.style = style_of(event->data.scalar.style);
	node->scalar.text = rule_memory_text(&reader->memory,
			(const char *)event->data.scalar.value, event->data.scalar.length);
	if (node->scalar.text.data)
		return node;
	load_no_memory(reader->load);
	return NULL;
}

/* A node, or NULL for what ends a list or map, and for what is no node. */
static struct yaml_node *node_of(struct yaml_reader *reader, const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		return new_scalar(reader, event);
	case YAML_SEQUENCE_START_EVENT:
		return new_node(reader, YAML_LIST, event);
	case YAML_MAPPING_START_EVENT:
		return new_node(reader, YAML_MAP, event);
	case YAML_ALIAS_EVENT:
		say_at(reader, RULE_DIAG_YAML, mark_offset(reader, &event->start_mark),
				"the text itself", "aliases are not taken");
		return NULL;
	default:
		return NULL;
	}
}

static bool has_anchor(const yaml_event_t *event)
{
	return (event->type == YAML_SCALAR_EVENT && event->data.scalar.anchor) ||
			(event->type == YAML_SEQUENCE_START_EVENT && event->data.sequence_start.anchor) ||
			(event->type == YAML_MAPPING_START_EVENT && event->data.mapping_start.anchor);
}

static bool next_event(struct yaml_reader *reader, yaml_event_t *event)
{
	if (!yaml_parser_parse(&reader->parser, event)) {
		say_broken(reader);
		return false;
	}
	if (!has_anchor(event))
		return true;
	say_at(reader, RULE_DIAG_YAML, mark_offset(reader, &event->start_mark), "no &",
			"anchors are not taken");
	yaml_event_delete(event);
	return false;
}

static bool is_end(yaml_event_type_t type)
{
	return type == YAML_SEQUENCE_END_EVENT || type == YAML_MAPPING_END_EVENT;
}

/* Where the children of the nodes that are open go. */
struct level {
	struct yaml_node *parent;
	struct yaml_node **end;
};

static bool add_child(struct yaml_reader *reader, struct level *levels, unsigned *depth,
		struct yaml_node *node)
{
	struct level *level = &levels[*depth - 1];

	*level->end = node;
	level->end = &node->next;
	level->parent->count++;
	if (node->kind == YAML_SCALAR)
		return true;
	if (*depth == RULE_YAML_DEPTH_MAX) {
		say_at(reader, RULE_DIAG_LIMIT, node->scalar.start, NULL,
				"lists and mappings lie deeper than 16 in each other");
		return false;
	}
	levels[(*depth)++] = (struct level){node, &node->first};
	return true;
}

/* Without brackets it ends with its last part: the mark is where something else begins. */
static void end_node(struct yaml_reader *reader, struct yaml_node *node, const yaml_event_t *event)
{
	if (event->end_mark.index != event->start_mark.index)
		reader->end = mark_offset(reader, &event->end_mark);
	node->scalar.end = reader->end;
}

/* Reads the rest of a list or map. */
static bool read_children(struct yaml_reader *reader, struct yaml_node *root)
{
	struct level levels[RULE_YAML_DEPTH_MAX];
	unsigned depth = 1;
	bool good = true;

	levels[0] = (struct level){root, &root->first};
	while (good && depth) {
		struct yaml_node *node;
		yaml_event_t event;

		if (!next_event(reader, &event))
			return false;
		if (is_end(event.type)) {
			end_node(reader, levels[--depth].parent, &event);
		} else {
			node = node_of(reader, &event);
			good = node && add_child(reader, levels, &depth, node);
		}
		yaml_event_delete(&event);
	}
	return good;
}

/* One event of a document's own: true where it went on. */
static bool enter(struct yaml_reader *reader, const yaml_event_t *event)
{
	static const char list[] = "a list of rules, macros and lists";
	bool empty;

	switch (event->type) {
	case YAML_STREAM_START_EVENT:
	case YAML_DOCUMENT_START_EVENT:
	case YAML_DOCUMENT_END_EVENT:
		return true;
	case YAML_SEQUENCE_START_EVENT:
		reader->inside = true;
		reader->load->has_list = true;
		return true;
	case YAML_SCALAR_EVENT:
		empty = !event->data.scalar.length && event->data.scalar.plain_implicit;
		if (empty) /* a file without anything in it */
			return true;
		break;
	case YAML_STREAM_END_EVENT:
		return false;
	default:
		break;
	}
	say_at(reader, RULE_DIAG_SHAPE, mark_offset(reader, &event->start_mark), list,
			"a file of rules is a list");
	return false;
}

struct yaml_node *yaml_reader_next(struct yaml_reader *reader)
{
	struct yaml_node *node = NULL;
	yaml_event_t event;
	bool more = true;

	rule_memory_free(&reader->memory);
	while (more && !node) {
		if (!next_event(reader, &event))
			return NULL;
		if (!reader->inside) {
			more = enter(reader, &event);
		} else if (event.type == YAML_SEQUENCE_END_EVENT) {
			reader->inside = false;
		} else {
			node = node_of(reader, &event);
			more = node;
		}
		yaml_event_delete(&event);
	}
	if (node && node->kind != YAML_SCALAR && !read_children(reader, node))
		return NULL;
	return node;
}

struct yaml_node *yaml_find(const struct yaml_node *map, const char *key)
{
	struct yaml_node *node;

	if (map->kind != YAML_MAP)
		return NULL;
	for (node = map->first; node && node->next; node = node->next->next)
		if (yaml_is(node, key))
			return node->next;
	return NULL;
}

bool yaml_is(const struct yaml_node *node, const char *text)
{
	return node->kind == YAML_SCALAR && node->scalar.text.len == strlen(text) &&
			!memcmp(node->scalar.text.data, text, node->scalar.text.len);
}
