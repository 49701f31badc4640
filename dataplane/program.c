/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/program.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_log.h>

#include "dataplane/program_work.h"

/*
 * rte_bpf tells its log alone why it refuses a program. While one is loaded, the log's stream is
 * this one, which is never closed: another thread may have got hold of it meanwhile.
 */
struct listener {
	FILE *stream;
	FILE *before; /* where the log went, and where what others log goes still */
	pthread_t thread;
	char text[200];
	size_t len;
};

static struct listener listener;

static ssize_t listen_write(void *cookie, const char *text, size_t len)
{
	size_t room = sizeof(listener.text) - 1 - listener.len;

	(void)cookie;
	if (!pthread_equal(pthread_self(), listener.thread))
		return (ssize_t)fwrite(text, 1, len, listener.before);
	room = len < room ? len : room;
	memcpy(listener.text + listener.len, text, room);
	listener.len += room;
	listener.text[listener.len] = '\0';
	return (ssize_t)len;
}

static bool listen_begin(void)
{
	const cookie_io_functions_t functions = {.write = listen_write};

	listener.thread = pthread_self();
	listener.before = rte_log_get_stream();
	listener.len = 0;
	listener.text[0] = '\0';
	if (!listener.stream) {
		listener.stream = fopencookie(NULL, "w", functions);
		if (!listener.stream)
			return false;
		setvbuf(listener.stream, NULL, _IONBF, 0);
	}
	rte_openlog_stream(listener.stream);
	return true;
}

static struct rte_bpf *load(const struct rte_bpf_prm *prm)
{
	struct rte_bpf *bpf;

	if (!listen_begin()) {
		rte_errno = ENOMEM;
		return NULL;
	}
	bpf = rte_bpf_load(prm);
	rte_openlog_stream(listener.before);
	return bpf;
}

static int refuse(const struct rule_image *image, const struct rule_image_program *from,
		const char *reason, struct program_why *why)
{
	const char *text = rule_image_part(image, RULE_PART_TEXT);

	snprintf(why->text, sizeof(why->text), "program '%.*s': %.*s",
			(int)(from->name.len < 40 ? from->name.len : 40), text + from->name.offset,
			(int)strcspn(reason, "\n"), reason);
	return -EINVAL;
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
	struct rte_bpf_jit jit;

	if (!from->count)
		return refuse(image, from, "it came without its code", why);
	program->bpf = load(&prm);
	if (!program->bpf) {
		refuse(image, from, listener.text[0] ? listener.text : strerror(rte_errno), why);
		return rte_errno == ENOMEM ? -ENOMEM : -EINVAL;
	}
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
