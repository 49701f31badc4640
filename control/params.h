/* SPDX-License-Identifier: BSD-3-Clause */
/* Params as control.def declares them: "name:type" by spaces. */
#ifndef VEX_CONTROL_PARAMS_H
#define VEX_CONTROL_PARAMS_H

#include "wire/message.h"

#include <stdbool.h>
#include <stdint.h>

#define PARAM_NAME_MAX 32u
#define PARAM_TEXT_MAX 4096u  /* bytes of a text */
#define PARAM_TEXTS_MAX 1024u /* texts of a list */

struct param {
	char name[PARAM_NAME_MAX];
	char type[PARAM_NAME_MAX]; /**< without the ? */
	bool optional;
};

/** Takes the next one off a declaration; NULL at its end. */
const char *param_next(const char *declaration, struct param *param);

/**
 * Whether params, which may be NULL, are what is declared, and nothing else stands there. If not,
 * fills failure; method is for its text.
 */
bool params_check(const char *declaration, const json_t *params, const char *method,
		struct wire_failure *failure);

/** Whether bytes follow a request with this declaration. */
bool params_take_bytes(const char *declaration);

/** {name: type}, with the ?. */
json_t *params_describe(const char *declaration);

/* A param that was checked, or what stands for it where it is left out. */
uint32_t param_integer(const json_t *params, const char *name, uint32_t otherwise);
const char *param_text(const json_t *params, const char *name);

#endif
