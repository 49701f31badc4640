/* SPDX-License-Identifier: BSD-3-Clause */
#include "rule/load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rule/define.h"
#include "rule/finish.h"

/* Hands the texts over, so that those of a large set are never there twice. */
static void give_files(struct load *load, struct rule_files *files)
{
	size_t i;

	files->items = calloc(load->file_count + 1, sizeof(*files->items));
	for (i = 0; files->items && i < load->file_count && !load->error; i++) {
		struct text_file *file = &load->files[i];
		struct rule_source *item = &files->items[i];

		*item = (struct rule_source){.name = strdup(file->name), .text = file->text,
			.len = file->len, .line = file->by.line, .column = file->by.column,
			.by = file->by.line ? file->by.file : 0};
		file->text = NULL;
		files->count = i + 1;
		if (!item->name)
			load_no_memory(load);
	}
	if (!files->items)
		load_no_memory(load);
	files->objects = load->objects;
	files->object_count = load->object_count;
	load->objects = NULL;
	load->object_count = 0;
}

static void free_objects(struct rule_object *objects, size_t count)
{
	while (count--) {
		free((void *)objects[count].file);
		free((void *)objects[count].data);
	}
	free(objects);
}

void rule_files_clear(struct rule_files *files)
{
	size_t i;

	for (i = 0; i < files->count; i++) {
		free((void *)files->items[i].name);
		free((void *)files->items[i].text);
	}
	free(files->items);
	free_objects(files->objects, files->object_count);
	memset(files, 0, sizeof(*files));
}

static void free_load(struct load *load)
{
	size_t i;

	for (i = 0; i < load->file_count; i++)
		text_file_free(&load->files[i]);
	for (i = 0; i < load->list_count; i++)
		free(load->lists[i].items);
	free(load->files);
	free(load->drafts);
	free(load->macros);
	free(load->lists);
	free(load->groups);
	free(load->programs);
	free(load->quotas);
	free_objects(load->objects, load->object_count);
	rule_names_free(&load->rule_names);
	rule_names_free(&load->macro_names);
	rule_names_free(&load->list_names);
	rule_names_free(&load->group_names);
	rule_names_free(&load->program_names);
	rule_memory_free(&load->scratch);
	rule_memory_free(&load->temporary);
}

/* With a set that has nothing in it yet, whose memory is the load's; -ENOMEM. */
static int begin(struct load *load)
{
	struct rule_set *set = calloc(1, sizeof(*set));

	if (set)
		set->memory = calloc(1, sizeof(*set->memory));
	if (!set || !set->memory) {
		free(set);
		return load_no_memory(load);
	}
	load->set = set;
	load->keep = set->memory;
	define_class_defaults(load);
	return 0;
}

void rule_set_free(struct rule_set *set)
{
	if (!set)
		return;
	rule_memory_free(set->memory);
	free(set->memory);
	free(set);
}

static int finish(struct load *load, struct rule_set **set)
{
	int error;

	if (!load->error)
		finish_set(load);
	if (load->options->files)
		give_files(load, load->options->files);
	error = load->error ? load->error : load->errors ? -EINVAL : 0;
	free_load(load);
	if (error)
		rule_set_free(load->set);
	else
		*set = load->set;
	return error;
}

static const struct rule_options no_options;

int rule_set_load(const char *const *paths, size_t count, const struct rule_options *options,
		struct rule_set **set, struct rule_diags *diags)
{
	struct load load = {.options = options ? options : &no_options, .diags = diags};

	*set = NULL;
	if (begin(&load))
		return load.error;
	load_paths(&load, paths, count);
	return finish(&load, set);
}

int rule_set_parse(const struct rule_source *sources, size_t count,
		const struct rule_options *options, struct rule_set **set, struct rule_diags *diags)
{
	static const struct rule_source none;
	struct load load = {.options = options ? options : &no_options, .diags = diags,
		.sources = count ? sources : &none, .source_count = count};

	*set = NULL;
	if (begin(&load))
		return load.error;
	load_sources(&load);
	return finish(&load, set);
}
