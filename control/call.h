/* SPDX-License-Identifier: BSD-3-Clause */
/* Calls: who may make them, what they take, and what is done with them. */
#ifndef VEX_CONTROL_CALL_H
#define VEX_CONTROL_CALL_H

#include "control.h"

/** The server's operations; their context is a struct control. */
extern const struct wire_server_ops control_calls;

struct call;

/** A call of control.def's VEX_TASK that was begun. It ends in task_done() or task_fail(). */
struct task {
	const struct call *call;
	struct wire_call *wire;
	const json_t *params; /**< as declared; may be NULL */
	char detail[320];     /**< for the audit: what is to be known beside the call's name */
};

/* The handlers; a task is theirs from then on. */
#define VEX_TASK(method, handler, ROLE, params, words, arguments, help) \
	void task_##handler(struct control *control, struct task *task);
#include "control.def"

/** Takes over result. The task is gone. */
void task_done(struct task *task, json_t *result);
void task_fail(struct task *task, int code, const char *format, ...)
		__attribute__((format(printf, 3, 4)));

#endif
