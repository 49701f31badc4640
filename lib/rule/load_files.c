/* SPDX-License-Identifier: BSD-3-Clause */
/* Files, folders and what they include, or the texts of all that from memory. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "rule/define.h"

/* Files that are being read, the one that includes behind the one that is included. */
struct including {
	const struct including *by;
	const char *path; /* real */
	unsigned depth;
};

static void load_path(struct load *load, const char *path, struct rule_pos pos,
		const struct including *by);

static void say_errno(struct load *load, const char *path, struct rule_pos pos, int error)
{
	load_say(load, RULE_ERROR, RULE_DIAG_IO, pos, NULL, "%s: %s", path, strerror(error));
}

static const struct rule_pos nowhere = {.file = UINT16_MAX};

/* Takes the text over; NULL where there is no room for it. */
static struct text_file *add_file(struct load *load, const char *name, struct rule_pos by,
		char *text, size_t len)
{
	struct text_file *files = rule_array_room(load->files, load->file_count,
			&load->file_capacity, sizeof(*files));
	struct text_file *file;

	if (!files || load->file_count == RULE_FILES_MAX) {
		free(text);
		if (!files)
			load_no_memory(load);
		else
			load_say(load, RULE_ERROR, RULE_DIAG_LIMIT, nowhere, NULL,
					"more than %u files", RULE_FILES_MAX);
		return NULL;
	}
	load->files = files;
	file = &files[load->file_count++];
	memset(file, 0, sizeof(*file));
	file->text = text;
	file->len = len;
	file->by = by;
	file->name = load_keep_text(load, (struct rule_text){name, strlen(name)}).data;
	if (!file->name)
		file->name = "";
	if (text_file_lines(file))
		load_no_memory(load);
	return load->error ? NULL : file;
}

static void include_source(struct load *load, const struct yaml_node *node,
		const struct including *by);

static void include_item(struct load *load, const struct yaml_node *item, const struct including *by)
{
	static const char *const keys[] = {"include", NULL};
	const struct yaml_node *value = yaml_find(item, "include");
	const struct yaml_node *node = value->kind == YAML_LIST ? value->first : value;

	if (!define_check_keys(load, item, keys))
		return;
	for (; node; node = value->kind == YAML_LIST ? node->next : NULL) {
		const char *from = load->files[node->scalar.file].name;
		const char *slash = strrchr(from, '/');
		char path[8192];

		if (!define_scalar(load, node, 4095))
			continue;
		if (load->sources) {
			include_source(load, node, by);
			continue;
		}
		snprintf(path, sizeof(path), "%.*s%s",
				node->scalar.text.data[0] == '/' || !slash ? 0
									    : (int)(slash - from + 1),
				from, node->scalar.text.data);
		load_path(load, path, load_pos(load, &node->scalar), by);
	}
}

static void read_items(struct load *load, uint16_t file, const struct including *by)
{
	struct yaml_reader reader;
	struct yaml_node *item;

	if (yaml_reader_begin(&reader, load, file))
		return;
	while (!load->error && (item = yaml_reader_next(&reader))) {
		if (yaml_find(item, "include") && !yaml_find(item, "rule"))
			include_item(load, item, by);
		else
			define_item(load, item);
	}
	yaml_reader_end(&reader);
}

static void load_text(struct load *load, const char *name, struct rule_pos pos, char *text,
		size_t len, const struct including *by)
{
	/* Columns are counted without a byte order mark; libyaml would count it. */
	if (len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3)) {
		len -= 3;
		memmove(text, text + 3, len + 1);
	}
	if (add_file(load, name, pos, text, len))
		read_items(load, (uint16_t)(load->file_count - 1), by);
}

/* A source is read when its turn has come; one that others include, by them. */
static void load_source(struct load *load, size_t index, const struct including *by)
{
	const struct rule_source *source = &load->sources[index];
	struct including here = {.by = by, .depth = by ? by->depth + 1 : 0};
	struct rule_pos pos = {source->line, (uint16_t)source->column, (uint16_t)source->by};
	char *text;

	if (index != load->file_count || here.depth > RULE_INCLUDE_DEPTH_MAX) {
		load_say(load, RULE_ERROR, RULE_DIAG_INCLUDE, nowhere, NULL,
				"source %zu is not where it is included, or too deep", index);
		return;
	}
	text = malloc(source->len + 1);
	if (!text) {
		load_no_memory(load);
		return;
	}
	if (source->len)
		memcpy(text, source->text, source->len);
	text[source->len] = '\0';
	load_text(load, source->name, pos, text, source->len, &here);
}

static void include_source(struct load *load, const struct yaml_node *node,
		const struct including *by)
{
	struct rule_pos pos = load_pos(load, &node->scalar);
	size_t i;

	if (!load->options->complete) {
		load_say(load, RULE_ERROR, RULE_DIAG_INCLUDE, pos, NULL,
				"text from memory can't include files");
		return;
	}
	for (i = node->scalar.file + 1u; i < load->source_count && !load->error; i++) {
		const struct rule_source *source = &load->sources[i];

		if (source->by == pos.file && source->line == pos.line &&
				source->column == pos.column)
			load_source(load, i, by);
	}
}

static void load_file(struct load *load, const char *path, struct rule_pos pos,
		const struct including *by)
{
	size_t len;
	char *text = load_read_file(load, path, pos, !by->by, &len);

	if (text)
		load_text(load, path, pos, text, len, by);
}

static int is_rules(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return entry->d_name[0] != '.' && dot && (!strcmp(dot, ".yaml") || !strcmp(dot, ".yml"));
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void load_folder(struct load *load, const char *path, struct rule_pos pos,
		const struct including *by)
{
	struct dirent **entries = NULL;
	int count = scandir(path, &entries, is_rules, by_bytes);
	char name[8192];
	int i;

	if (count < 0) {
		say_errno(load, path, pos, errno);
		return;
	}
	/* What is named at the top stands in place of all that is in force. */
	if (!count && !by->by)
		load_say(load, RULE_ERROR, RULE_DIAG_IO, pos, NULL,
				"%s: no *.yaml or *.yml in this folder", path);
	for (i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "%s/%s", path, entries[i]->d_name);
		if (!load->error)
			load_path(load, name, pos, by);
		free(entries[i]);
	}
	free(entries);
}

/* True where a file includes itself, at last, or files lie too deep in each other. */
static bool is_cycle(struct load *load, const char *path, struct rule_pos pos,
		const struct including *by)
{
	const struct including *at;

	for (at = by; at; at = at->by) {
		if (!strcmp(at->path, path)) {
			load_say(load, RULE_ERROR, RULE_DIAG_INCLUDE, pos, NULL,
					"%s includes itself", path);
			return true;
		}
	}
	if (!by || by->depth < RULE_INCLUDE_DEPTH_MAX)
		return false;
	load_say(load, RULE_ERROR, RULE_DIAG_INCLUDE, pos, NULL,
			"files include each other deeper than %u", RULE_INCLUDE_DEPTH_MAX);
	return true;
}

static void load_path(struct load *load, const char *path, struct rule_pos pos,
		const struct including *by)
{
	struct including here = {.by = by, .depth = by ? by->depth + 1 : 0};
	bool input = !by && !strcmp(path, "-");
	struct stat st = {0};
	int error = !input && stat(path, &st) ? errno : 0;
	/* A pipe that a shell opened has no name but that of its descriptor. */
	char *real = !by && !S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode) ? strdup(path)
									: realpath(path, NULL);

	here.path = real;
	if (error || !real) {
		say_errno(load, path, pos, error ? error : errno);
	} else if (!is_cycle(load, real, pos, by)) {
		if (S_ISDIR(st.st_mode))
			load_folder(load, path, pos, &here);
		else
			load_file(load, path, pos, &here);
	}
	free(real);
}

/* What is named stands in place of all that is in force, and files are cut short by accident. */
static void refuse_nothing(struct load *load)
{
	struct rule_pos pos = {.line = 1, .column = 1};

	if (load->file_count && !load->has_list && !load->error && !load->errors)
		load_say(load, RULE_ERROR, RULE_DIAG_SHAPE, pos, NULL,
				"no rules in it; write [] if that is meant");
}

void load_paths(struct load *load, const char *const *paths, size_t count)
{
	size_t i;

	for (i = 0; i < count && !load->error; i++)
		load_path(load, paths[i], nowhere, NULL);
	refuse_nothing(load);
}

void load_sources(struct load *load)
{
	size_t count = load->source_count;
	size_t i;

	for (i = 0; i < count && !load->error; i++)
		if (!load->sources[i].line)
			load_source(load, i, NULL);
	if (!load->error && !load->errors && load->file_count != count)
		load_say(load, RULE_ERROR, RULE_DIAG_INCLUDE, nowhere, NULL,
				"%zu sources that nobody includes", count - load->file_count);
	refuse_nothing(load);
}
