/* SPDX-License-Identifier: BSD-3-Clause */
/* Objects of a set's programs, out of files or out of memory. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rule/load.h"
#include "rule/program.h"

static void say(struct load *load, const struct rule_program *program, const char *why)
{
	load_say(load, RULE_ERROR, RULE_DIAG_PROGRAM, program->pos, NULL, "program '%.*s': %.*s: %s",
			SHOWN(program->name), (int)program->file.len, program->file.data, why);
}

static char *read_object(struct load *load, const struct rule_program *program, size_t *len)
{
	int fd = open(program->file.data, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;
	char *data = NULL;

	if (fd < 0 || fstat(fd, &st))
		say(load, program, strerror(errno));
	else if (!S_ISREG(st.st_mode) || st.st_size > (off_t)RULE_OBJECT_MAX)
		say(load, program, "it is no file, or one of more than a MiB");
	else if (!(data = load_read_all(fd, (size_t)st.st_size, len)))
		say(load, program, strerror(errno));
	if (fd >= 0)
		close(fd);
	return data;
}

/* Takes the data over, for whom the files are handed out to. */
static void keep_object(struct load *load, const struct rule_program *program, char *data, size_t len)
{
	struct rule_object *objects = realloc(load->objects,
			(load->object_count + 1) * sizeof(*objects));
	char *file = strdup(program->file.data);

	if (objects)
		load->objects = objects;
	if (!objects || !file) {
		load_no_memory(load);
		free(file);
		free(data);
		return;
	}
	objects[load->object_count++] = (struct rule_object){file, data, len};
}

static void take_code(struct load *load, struct rule_program *program, const void *data, size_t len)
{
	struct rule_program_why why = {""};
	char text[512];
	uint64_t *code;
	uint32_t count;
	int error = rule_program_extract(data, len, program->section.data, &code, &count, &why);
	int wrong = error ? 0 : rule_program_check(code, count, &why);

	if (error == -ENOMEM || wrong == -ENOMEM) {
		load_no_memory(load);
	} else if (error) {
		say(load, program, why.text);
	} else if (wrong) {
		snprintf(text, sizeof(text), "section '%.64s': %s", program->section.data, why.text);
		say(load, program, text);
	} else {
		program->code = rule_memory_copy(load->keep, code, count * sizeof(*code));
		program->code_count = program->code ? count : 0;
		if (!program->code)
			load_no_memory(load);
	}
	free(code);
}

/* From memory: what the caller gave for the file. */
static void find_object(struct load *load, struct rule_program *program)
{
	const struct rule_options *options = load->options;
	size_t i;

	for (i = 0; i < options->object_count; i++) {
		if (strcmp(options->objects[i].file, program->file.data))
			continue;
		take_code(load, program, options->objects[i].data, options->objects[i].len);
		return;
	}
}

void load_programs(struct load *load)
{
	size_t len = 0;
	size_t i;

	for (i = 0; i < load->program_count && !load->error; i++) {
		char *data;

		if (load->sources) {
			find_object(load, &load->programs[i]);
			continue;
		}
		data = read_object(load, &load->programs[i], &len);
		if (!data)
			continue;
		take_code(load, &load->programs[i], data, len);
		if (load->options->files)
			keep_object(load, &load->programs[i], data, len);
		else
			free(data);
	}
}
