/* SPDX-License-Identifier: BSD-3-Clause */
#include "conf/conf.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

struct reader {
	const char *file;
	yaml_document_t document;
	char *why;
	size_t cap;
};

__attribute__((format(printf, 3, 4)))
static int fail(struct reader *reader, const yaml_node_t *node, const char *format, ...)
{
	char what[400];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	snprintf(reader->why, reader->cap, "%s:%zu: %s", reader->file, node->start_mark.line + 1,
			what);
	return -1;
}

static const char *scalar(const yaml_node_t *node)
{
	return node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : NULL;
}

static const struct conf_key *find_key(const struct conf_key *keys, const char *name)
{
	while (keys->name && strcmp(keys->name, name))
		keys++;
	return keys->name ? keys : NULL;
}

static int unknown_key(struct reader *reader, const yaml_node_t *node,
		const struct conf_key *keys)
{
	char known[300] = "";
	size_t n = 0;

	for (; keys->name && n < sizeof(known); keys++)
		n += (size_t)snprintf(known + n, sizeof(known) - n, "%s%s", n ? ", " : "",
				keys->name);
	return fail(reader, node, "unknown key '%.100s'; known here: %s",
			scalar(node) ? scalar(node) : "(not a word)", known);
}

static int read_value(struct reader *reader, const yaml_node_t *node, const struct conf_key *key);

static int read_map(struct reader *reader, const yaml_node_t *node, const struct conf_key *keys)
{
	const yaml_node_pair_t *pair;
	uint32_t seen = 0;

	if (node->type != YAML_MAPPING_NODE)
		return fail(reader, node, "a mapping (key: value) is wanted");
	for (pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top; pair++) {
		const yaml_node_t *name = yaml_document_get_node(&reader->document, pair->key);
		const struct conf_key *key = scalar(name) ? find_key(keys, scalar(name)) : NULL;

		if (!key)
			return unknown_key(reader, name, keys);
		if (seen & 1u << (key - keys))
			return fail(reader, name, "key '%s' stands here twice", key->name);
		seen |= 1u << (key - keys);
		if (read_value(reader, yaml_document_get_node(&reader->document, pair->value),
				    key))
			return -1;
	}
	return 0;
}

static bool parse_number(const char *text, uint64_t *number)
{
	char *end;

	errno = 0;
	*number = strtoull(text, &end, 0);
	return *text >= '0' && *text <= '9' && !*end && !errno;
}

static bool fits(const struct conf_key *key, uint64_t number)
{
	if (key->kind == CONF_U32_OR_0 && !number)
		return true;
	if (key->kind == CONF_POWER && (number & (number - 1)))
		return false;
	return number >= key->min && number <= key->max;
}

static int read_number(struct reader *reader, const yaml_node_t *node, const struct conf_key *key)
{
	static const char *const what[] = {[CONF_U32_OR_0] = "0, or a number",
			[CONF_POWER] = "a power of two"};
	uint64_t number;

	if (!scalar(node) || !parse_number(scalar(node), &number) || !fits(key, number))
		return fail(reader, node, "%s: %s, %llu to %llu, is wanted", key->name,
				key->kind < CONF_U32_OR_0 ? "a number" : what[key->kind],
				(unsigned long long)key->min, (unsigned long long)key->max);
	if (key->kind == CONF_U32 || key->kind == CONF_U32_OR_0)
		*(uint32_t *)key->to = (uint32_t)number;
	else
		*(uint64_t *)key->to = number;
	return 0;
}

static int read_path(struct reader *reader, const yaml_node_t *node, const struct conf_key *key)
{
	const char *path = scalar(node);

	if (!path || path[0] != '/' || strlen(path) >= key->max)
		return fail(reader, node, "%s: an absolute path of at most %llu bytes is wanted",
				key->name, (unsigned long long)key->max - 1);
	strcpy(key->to, path);
	return 0;
}

static int read_word(struct reader *reader, const yaml_node_t *node, const struct conf_key *key)
{
	char known[200] = "";
	size_t n = 0;

	for (unsigned i = 0; key->words[i]; i++) {
		if (scalar(node) && !strcmp(scalar(node), key->words[i])) {
			*(unsigned *)key->to = i;
			return 0;
		}
		if (n < sizeof(known))
			n += (size_t)snprintf(known + n, sizeof(known) - n, "%s%s",
					n ? ", " : "", key->words[i]);
	}
	return fail(reader, node, "%s: one of %s is wanted", key->name, known);
}

static int read_bool(struct reader *reader, const yaml_node_t *node, const struct conf_key *key)
{
	const char *text = scalar(node);

	if (!text || (strcmp(text, "true") && strcmp(text, "false")))
		return fail(reader, node, "%s: true or false is wanted", key->name);
	*(bool *)key->to = text[0] == 't';
	return 0;
}

static bool find_id(enum conf_kind kind, const char *name, uint32_t *id)
{
	const struct passwd *user = kind == CONF_USERS ? getpwnam(name) : NULL;
	const struct group *group = kind == CONF_GROUPS ? getgrnam(name) : NULL;
	uint64_t number;

	if (parse_number(name, &number) && number < UINT32_MAX)
		*id = (uint32_t)number;
	else if (user)
		*id = user->pw_uid;
	else if (group)
		*id = group->gr_gid;
	else
		return false;
	return true;
}

static int read_ids(struct reader *reader, const yaml_node_t *node, const struct conf_key *key)
{
	const char *what = key->kind == CONF_USERS ? "user" : "group";
	struct conf_ids *ids = key->to;
	const yaml_node_item_t *item;

	if (node->type != YAML_SEQUENCE_NODE)
		return fail(reader, node, "%s: a list of %ss, [name or number, ...], is wanted",
				key->name, what);
	ids->count = 0;
	for (item = node->data.sequence.items.start; item < node->data.sequence.items.top;
			item++) {
		const yaml_node_t *entry = yaml_document_get_node(&reader->document, *item);

		if (ids->count == CONF_IDS_MAX)
			return fail(reader, entry, "%s: more than %u %ss", key->name,
					CONF_IDS_MAX, what);
		if (!scalar(entry) || !find_id(key->kind, scalar(entry), &ids->ids[ids->count]))
			return fail(reader, entry, "%s: there is no %s '%.100s'", key->name, what,
					scalar(entry) ? scalar(entry) : "");
		ids->count++;
	}
	return 0;
}

static int read_paths(struct reader *reader, const yaml_node_t *node, const struct conf_key *key)
{
	struct conf_paths *paths = key->to;
	const yaml_node_item_t *item;

	if (node->type != YAML_SEQUENCE_NODE)
		return fail(reader, node, "%s: a list of paths, [/a, /b, ...], is wanted", key->name);
	paths->count = 0;
	for (item = node->data.sequence.items.start; item < node->data.sequence.items.top;
			item++) {
		const yaml_node_t *entry = yaml_document_get_node(&reader->document, *item);
		struct conf_key one = {.name = key->name, .to = paths->paths[paths->count],
				.max = CONF_PATH_BYTES};

		if (paths->count == CONF_PATHS_MAX)
			return fail(reader, entry, "%s: more than %u paths", key->name,
					CONF_PATHS_MAX);
		if (read_path(reader, entry, &one))
			return -1;
		paths->count++;
	}
	return 0;
}

static int read_list(struct reader *reader, const yaml_node_t *node, const struct conf_key *key)
{
	const yaml_node_item_t *item;
	char why[300];

	if (node->type != YAML_SEQUENCE_NODE)
		return fail(reader, node, "%s: a list, [a, b, ...], is wanted", key->name);
	for (item = node->data.sequence.items.start; item < node->data.sequence.items.top;
			item++) {
		const yaml_node_t *entry = yaml_document_get_node(&reader->document, *item);

		if (!scalar(entry))
			return fail(reader, entry, "%s: a word is wanted", key->name);
		if (key->add(key->to, key->name, scalar(entry), why, sizeof(why)))
			return fail(reader, entry, "%s", why);
	}
	return 0;
}

static int read_value(struct reader *reader, const yaml_node_t *node, const struct conf_key *key)
{
	switch (key->kind) {
	case CONF_MAP:
		return read_map(reader, node, key->keys);
	case CONF_PATH:
		return read_path(reader, node, key);
	case CONF_U32:
	case CONF_U64:
	case CONF_U32_OR_0:
	case CONF_POWER:
		return read_number(reader, node, key);
	case CONF_BOOL:
		return read_bool(reader, node, key);
	case CONF_WORD:
		return read_word(reader, node, key);
	case CONF_USERS:
	case CONF_GROUPS:
		return read_ids(reader, node, key);
	case CONF_PATHS:
		return read_paths(reader, node, key);
	case CONF_LIST:
		return read_list(reader, node, key);
	}
	return -1;
}

static int read_document(struct reader *reader, yaml_parser_t *parser,
		const struct conf_key *keys)
{
	const yaml_node_t *root;
	int error = 0;

	errno = 0;
	if (!yaml_parser_load(parser, &reader->document)) {
		if (parser->error == YAML_READER_ERROR && errno)
			snprintf(reader->why, reader->cap, "%s: %s", reader->file, strerror(errno));
		else
			snprintf(reader->why, reader->cap, "%s:%zu: %s", reader->file,
					parser->problem_mark.line + 1,
					parser->problem ? parser->problem : "not YAML");
		return -1;
	}
	root = yaml_document_get_root_node(&reader->document);
	if (root) /* an empty file sets nothing */
		error = read_map(reader, root, keys);
	yaml_document_delete(&reader->document);
	return error;
}

int conf_load(const struct conf_key *keys, const char *file, char *why, size_t cap)
{
	struct reader reader = {.file = file, .why = why, .cap = cap};
	FILE *stream = fopen(file, "re");
	yaml_parser_t parser;
	int error;

	if (!stream || !yaml_parser_initialize(&parser)) {
		snprintf(why, cap, "%s: %s", file, strerror(stream ? ENOMEM : errno));
		if (stream)
			fclose(stream);
		return -1;
	}
	yaml_parser_set_input_file(&parser, stream);
	error = read_document(&reader, &parser, keys);
	yaml_parser_delete(&parser);
	fclose(stream);
	return error;
}
