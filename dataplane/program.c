/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/program.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_bpf.h>
#include <rte_errno.h>
#include <rte_log.h>

#include "rule/rule.h"

VEX_STATIC_ASSERT((int)VEX_PROGRAM_HAS_TASK == (int)VEX_HAS_TASK &&
				(int)VEX_PROGRAM_HAS_PATH == (int)VEX_HAS_PATH &&
				(int)VEX_PROGRAM_HAS_VECTOR == (int)VEX_HAS_VECTOR,
		"programs see the groups of an event by the same bits");

struct program {
	struct rte_bpf *bpf;
	uint64_t (*run)(void *event); /* compiled; NULL where this machine has no compiler for it */
};

struct programs {
	uint32_t count;
	struct program list[];
};

/* -- running -- */

/* Cut, and filled up with NULs. */
static uint32_t put_text(char *out, size_t size, const struct vex_bytes *text)
{
	size_t len = text->len < size - 1 ? text->len : size - 1;

	if (len)
		memcpy(out, text->data, len);
	memset(out + len, 0, size - len);
	return (uint32_t)text->len;
}

static void put_end(char *out, const struct vex_bytes *path)
{
	size_t len = path->len < VEX_PROGRAM_END ? path->len : VEX_PROGRAM_END;

	memset(out, 0, VEX_PROGRAM_END - len);
	if (len)
		memcpy(out + VEX_PROGRAM_END - len, (const char *)path->data + path->len - len, len);
}

static struct vex_bytes file_name(const struct vex_bytes *path)
{
	const char *slash = path->len ? memrchr(path->data, '/', path->len) : NULL;
	const char *end = (const char *)path->data + path->len;

	return slash ? (struct vex_bytes){slash + 1, (size_t)(end - slash - 1)} : *path;
}

static void put_texts(const struct vex_event *event, struct vex_program_event *out)
{
	struct vex_bytes name = file_name(&event->path);

	out->path_len = put_text(out->path, sizeof(out->path), &event->path);
	out->path2_len = put_text(out->path2, sizeof(out->path2), &event->path2);
	out->name_len = put_text(out->name, sizeof(out->name), &name);
	out->comm_len = put_text(out->comm, sizeof(out->comm), &event->comm);
	put_end(out->path_end, &event->path);
}

static void put_numbers(const struct vex_event *event, struct vex_program_event *out)
{
	out->node = event->id.node;
	out->port = event->id.port;
	out->lane = event->id.lane;
	out->seq = event->id.seq;
	out->start_ns = event->start_ns;
	out->duration_ns = event->duration_ns;
	out->result = event->result;
	out->pid = event->pid;
	out->tid = event->tid;
	out->ppid = event->ppid;
	out->uid = event->uid;
	out->gid = event->gid;
	out->tenant = event->tenant;
}

static void put_file(const struct vex_event *event, struct vex_program_event *out)
{
	out->mode = event->mode;
	out->flags = event->flags;
	out->dev = event->dev;
	out->ino = event->ino;
	out->parent_ino = event->parent_ino;
	out->parent2_ino = event->parent2_ino;
	out->offset = event->offset;
	out->size = event->size;
	out->graph = event->graph;
	out->vector = event->vector;
}

void program_event(const struct vex_record *record, struct vex_program_event *out,
		struct vex_event_space *space)
{
	struct vex_event event;

	vex_event_decode(record, &event, space);
	out->has = event.has & ~(uint32_t)VEX_HAS_GAP;
	out->type = event.type;
	out->boundary = event.boundary;
	out->zero = 0;
	out->zero2 = 0;
	put_numbers(&event, out);
	put_file(&event, out);
	put_texts(&event, out);
}

bool program_run(uint32_t number, const struct vex_record *record, void *data)
{
	struct program_run *run = data;
	const struct program *program;

	if (VEX_UNLIKELY(!run->programs || number >= run->programs->count))
		return false;
	program = &run->programs->list[number];
	program_event(record, &run->event, &run->space);
	if (VEX_UNLIKELY(!program->run))
		return rte_bpf_exec(program->bpf, &run->event);
	return program->run(&run->event);
}

/* -- loading: rte_bpf tells its log alone why it refuses a program -- */

struct listener {
	pthread_t thread;
	char text[200];
	size_t len;
};

/* What other threads log meanwhile goes where it would have gone. */
static ssize_t listen_write(void *cookie, const char *text, size_t len)
{
	struct listener *listener = cookie;
	size_t room = sizeof(listener->text) - 1 - listener->len;

	if (!pthread_equal(pthread_self(), listener->thread))
		return (ssize_t)fwrite(text, 1, len, stderr);
	room = len < room ? len : room;
	memcpy(listener->text + listener->len, text, room);
	listener->len += room;
	listener->text[listener->len] = '\0';
	return (ssize_t)len;
}

static struct rte_bpf *load(const struct rte_bpf_prm *prm, struct listener *listener)
{
	const cookie_io_functions_t functions = {.write = listen_write};
	FILE *stream = fopencookie(listener, "w", functions);
	struct rte_bpf *bpf;

	listener->thread = pthread_self();
	listener->len = 0;
	listener->text[0] = '\0';
	if (!stream) {
		rte_errno = ENOMEM;
		return NULL;
	}
	setvbuf(stream, NULL, _IONBF, 0);
	rte_openlog_stream(stream);
	bpf = rte_bpf_load(prm);
	rte_openlog_stream(NULL);
	fclose(stream);
	return bpf;
}

/* The first line of what was logged, or the error where nothing was. */
static int refuse(const struct rule_image *image, const struct rule_image_program *from,
		struct listener *listener, int error, struct program_why *why)
{
	const char *text = rule_image_part(image, RULE_PART_TEXT);

	listener->text[strcspn(listener->text, "\n")] = '\0';
	snprintf(why->text, sizeof(why->text), "program '%.*s': %s",
			(int)(from->name.len < 40 ? from->name.len : 40), text + from->name.offset,
			listener->text[0] ? listener->text : strerror(error));
	return error == ENOMEM ? -ENOMEM : -EINVAL;
}

static int load_program(const struct rule_image *image, const struct rule_image_program *from,
		struct program *program, struct program_why *why)
{
	const uint64_t *code = rule_image_part(image, RULE_PART_CODE);
	const struct rte_bpf_prm prm = {
		.ins = (const struct ebpf_insn *)(code + from->code),
		.nb_ins = (uint32_t)from->count,
		.prog_arg = {.type = RTE_BPF_ARG_PTR, .size = sizeof(struct vex_program_event)},
	};
	struct listener listener = {.text = "it came without its code"};
	struct rte_bpf_jit jit;

	if (!from->count)
		return refuse(image, from, &listener, EINVAL, why);
	program->bpf = load(&prm, &listener);
	if (!program->bpf)
		return refuse(image, from, &listener, rte_errno, why);
	if (!rte_bpf_get_jit(program->bpf, &jit))
		program->run = jit.func;
	return 0;
}

int programs_load(const struct rule_image *image, struct programs **out, struct program_why *why)
{
	const struct rule_image_program *from = rule_image_part(image, RULE_PART_PROGRAMS);
	uint64_t count = image->parts[RULE_PART_PROGRAMS].count;
	struct programs *programs = calloc(1, sizeof(*programs) + count * sizeof(*programs->list));
	int error = programs ? 0 : -ENOMEM;

	*out = NULL;
	if (error)
		snprintf(why->text, sizeof(why->text), "%s", strerror(ENOMEM));
	while (!error && programs->count < count) {
		error = load_program(image, &from[programs->count], &programs->list[programs->count],
				why);
		programs->count += !error;
	}
	if (error)
		programs_free(programs);
	else
		*out = programs;
	return error;
}

void programs_free(struct programs *programs)
{
	uint32_t i;

	for (i = 0; programs && i < programs->count; i++)
		rte_bpf_destroy(programs->list[i].bpf);
	free(programs);
}
