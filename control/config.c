/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "abi/handshake.h"
#include "control_socket.h"

#define FILE_MAX (1u << 20)

struct reader {
	struct config *config;
	const char *file;
	yaml_document_t document;
	char *text;
	size_t cap;
};

struct key {
	const char *name;
	int (*read)(struct reader *reader, const yaml_node_t *value);
};

void config_defaults(struct config *config)
{
	memset(config, 0, sizeof(*config));
	strcpy(config->socket, CONTROL_SOCKET_DEFAULT);
	strcpy(config->data_socket, VEX_SOCKET_DEFAULT);
	config->log_level = VEX_LOG_INFO;
}

#define FAIL(reader, node, ...) fail(reader, (node)->start_mark.line, __VA_ARGS__)

__attribute__((format(printf, 3, 4)))
static int fail(struct reader *reader, size_t line, const char *format, ...)
{
	char what[400];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	snprintf(reader->text, reader->cap, "%s:%zu: %s", reader->file, line + 1, what);
	return -1;
}

static const char *scalar(const yaml_node_t *node)
{
	return node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : NULL;
}

static const struct key *find_key(const struct key *keys, const char *name)
{
	while (keys->name && strcmp(keys->name, name))
		keys++;
	return keys->name ? keys : NULL;
}

static int unknown_key(struct reader *reader, const yaml_node_t *node, const struct key *keys)
{
	char known[200] = "";
	size_t n = 0;

	for (; keys->name && n < sizeof(known); keys++)
		n += (size_t)snprintf(known + n, sizeof(known) - n, "%s%s", n ? ", " : "",
				keys->name);
	return FAIL(reader, node, "unknown key '%.100s'; known here: %s",
			scalar(node) ? scalar(node) : "(not a word)", known);
}

/* Reads a mapping, each key of which must be known and stand once. At most 32 keys in a table. */
static int read_mapping(struct reader *reader, const yaml_node_t *node, const struct key *keys)
{
	const yaml_node_pair_t *pair;
	uint32_t seen = 0;

	if (node->type != YAML_MAPPING_NODE)
		return FAIL(reader, node, "expected a mapping (key: value)");
	for (pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top; pair++) {
		const yaml_node_t *name = yaml_document_get_node(&reader->document, pair->key);
		const struct key *key = scalar(name) ? find_key(keys, scalar(name)) : NULL;

		if (!key)
			return unknown_key(reader, name, keys);
		if (seen & 1u << (key - keys))
			return FAIL(reader, name, "key '%s' stands here twice", key->name);
		seen |= 1u << (key - keys);
		if (key->read(reader, yaml_document_get_node(&reader->document, pair->value)) < 0)
			return -1;
	}
	return 0;
}

static int read_path(struct reader *reader, const yaml_node_t *node, char *path)
{
	const char *value = scalar(node);

	if (!value || value[0] != '/')
		return FAIL(reader, node, "expected an absolute path");
	if (strlen(value) >= CONFIG_PATH_MAX)
		return FAIL(reader, node, "a socket's path has at most %zu bytes",
				CONFIG_PATH_MAX - 1);
	strcpy(path, value);
	return 0;
}

static int read_socket(struct reader *reader, const yaml_node_t *node)
{
	return read_path(reader, node, reader->config->socket);
}

static int read_data_socket(struct reader *reader, const yaml_node_t *node)
{
	return read_path(reader, node, reader->config->data_socket);
}

/* The index of the word among the choices, which end in NULL. */
static int read_choice(struct reader *reader, const yaml_node_t *node,
		const char *const *choices, const char *all)
{
	const char *value = scalar(node);
	int i;

	for (i = 0; value && choices[i]; i++)
		if (!strcmp(value, choices[i]))
			return i;
	return FAIL(reader, node, "expected one of %s", all);
}

static int read_log_format(struct reader *reader, const yaml_node_t *node)
{
	static const char *const choices[] = {"text", "json", NULL};
	int choice = read_choice(reader, node, choices, "text, json");

	reader->config->log_json = choice == 1;
	return choice < 0 ? -1 : 0;
}

static int read_log_level(struct reader *reader, const yaml_node_t *node)
{
	static const char *const choices[] = {"error", "warning", "info", "debug", NULL};
	int choice = read_choice(reader, node, choices, "error, warning, info, debug");

	if (choice >= 0)
		reader->config->log_level = (enum vex_log_level)choice;
	return choice < 0 ? -1 : 0;
}

static int read_log(struct reader *reader, const yaml_node_t *node)
{
	static const struct key keys[] = {
		{"format", read_log_format},
		{"level", read_log_level},
		{NULL, NULL},
	};

	return read_mapping(reader, node, keys);
}

static bool read_number(const char *value, uint32_t *number)
{
	unsigned long n;
	char *end;

	errno = 0;
	n = strtoul(value, &end, 10);
	*number = (uint32_t)n;
	return *value >= '0' && *value <= '9' && !*end && !errno && n < UINT32_MAX;
}

static bool find_user(const char *name, uint32_t *id)
{
	const struct passwd *user = getpwnam(name);

	if (user)
		*id = user->pw_uid;
	return user != NULL;
}

static bool find_group(const char *name, uint32_t *id)
{
	const struct group *group = getgrnam(name);

	if (group)
		*id = group->gr_gid;
	return group != NULL;
}

/* A list of names or numbers; returns how many. */
static int read_ids(struct reader *reader, const yaml_node_t *node, uint32_t *ids,
		bool (*find)(const char *name, uint32_t *id), const char *what)
{
	const yaml_node_item_t *item;
	int count = 0;

	if (node->type != YAML_SEQUENCE_NODE)
		return FAIL(reader, node, "expected a list of %ss: [name or number, ...]", what);
	for (item = node->data.sequence.items.start; item < node->data.sequence.items.top; item++) {
		const yaml_node_t *entry = yaml_document_get_node(&reader->document, *item);
		const char *value = scalar(entry);

		if (count == (int)CONFIG_ALLOWED_MAX)
			return FAIL(reader, entry, "more than %u %ss", CONFIG_ALLOWED_MAX, what);
		if (!value || !*value)
			return FAIL(reader, entry, "expected the name or number of a %s", what);
		if (!read_number(value, &ids[count]) && !find(value, &ids[count]))
			return FAIL(reader, entry, "there is no %s '%.100s'", what, value);
		count++;
	}
	return count;
}

static int read_users(struct reader *reader, const yaml_node_t *node)
{
	int count = read_ids(reader, node, reader->config->uids, find_user, "user");

	reader->config->uid_count = count > 0 ? (unsigned)count : 0;
	return count < 0 ? -1 : 0;
}

static int read_groups(struct reader *reader, const yaml_node_t *node)
{
	int count = read_ids(reader, node, reader->config->gids, find_group, "group");

	reader->config->gid_count = count > 0 ? (unsigned)count : 0;
	return count < 0 ? -1 : 0;
}

static int read_allow(struct reader *reader, const yaml_node_t *node)
{
	static const struct key keys[] = {
		{"users", read_users},
		{"groups", read_groups},
		{NULL, NULL},
	};

	return read_mapping(reader, node, keys);
}

static int read_document(struct reader *reader)
{
	static const struct key keys[] = {
		{"socket", read_socket},
		{"data_socket", read_data_socket},
		{"log", read_log},
		{"allow", read_allow},
		{NULL, NULL},
	};
	const yaml_node_t *root = yaml_document_get_root_node(&reader->document);

	/* A file of nothing but comments changes nothing. */
	return root ? read_mapping(reader, root, keys) : 0;
}

static int read_file(const char *file, char *bytes, size_t *len, char *text, size_t cap)
{
	FILE *stream = fopen(file, "re");

	if (!stream) {
		snprintf(text, cap, "%s: %s", file, strerror(errno));
		return -1;
	}
	*len = fread(bytes, 1, FILE_MAX + 1, stream);
	if (ferror(stream))
		snprintf(text, cap, "%s: %s", file, strerror(errno));
	else if (*len > FILE_MAX)
		snprintf(text, cap, "%s: larger than %u bytes", file, FILE_MAX);
	else
		*text = '\0';
	fclose(stream);
	return *text ? -1 : 0;
}

static int parse(struct reader *reader, const char *bytes, size_t len)
{
	yaml_parser_t parser;
	int ret;

	if (!yaml_parser_initialize(&parser))
		return fail(reader, 0, "out of memory");
	yaml_parser_set_input_string(&parser, (const unsigned char *)bytes, len);
	if (!yaml_parser_load(&parser, &reader->document)) {
		ret = fail(reader, parser.problem_mark.line, "not valid YAML: %.300s",
				parser.problem ? parser.problem : "unknown problem");
	} else {
		ret = read_document(reader);
		yaml_document_delete(&reader->document);
	}
	yaml_parser_delete(&parser);
	return ret;
}

int config_load(struct config *config, const char *file, char *text, size_t cap)
{
	struct reader reader = {.config = config, .file = file, .text = text, .cap = cap};
	char *bytes = malloc(FILE_MAX + 1);
	size_t len;
	int ret;

	if (!bytes) {
		snprintf(text, cap, "%s: out of memory", file);
		return -1;
	}
	ret = read_file(file, bytes, &len, text, cap);
	if (!ret)
		ret = parse(&reader, bytes, len);
	free(bytes);
	return ret;
}
