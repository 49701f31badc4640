/* SPDX-License-Identifier: BSD-3-Clause */
/* What the fuzz targets share. */
#ifndef VEX_TESTS_FUZZ_FUZZ_H
#define VEX_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** What must hold whatever the input is. */
#define MUST(condition)                                                                            \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);            \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

/** The bytes of the input that were not used yet; past the end, zeros. */
struct input {
	const uint8_t *at;
	size_t left;
};

static inline uint64_t input_number(struct input *input, size_t bytes)
{
	uint64_t value = 0;
	size_t n = bytes < input->left ? bytes : input->left;

	if (n)
		memcpy(&value, input->at, n);
	input->at += n;
	input->left -= n;
	return value;
}

/** Copies up to len bytes of input; returns how many. */
static inline size_t input_bytes(struct input *input, void *to, size_t len)
{
	size_t n = len < input->left ? len : input->left;

	if (n)
		memcpy(to, input->at, n);
	input->at += n;
	input->left -= n;
	return n;
}

#endif
