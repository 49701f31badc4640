/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/suggest.h"

#include <stdio.h>
#include <string.h>

#define WORD_MAX 32u

static unsigned least(unsigned a, unsigned b, unsigned c)
{
	unsigned ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/* Letters to insert, delete, change, or swap with their neighbour, from one word to the other. */
static unsigned distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	unsigned rows[3][WORD_MAX + 1];
	unsigned *before = rows[0];
	unsigned *above = rows[1];
	unsigned *row = rows[2];
	size_t i;
	size_t j;

	for (j = 0; j <= b_len; j++)
		row[j] = (unsigned)j;
	for (i = 1; i <= a_len; i++) {
		unsigned *oldest = before;

		before = above;
		above = row;
		row = oldest;
		row[0] = (unsigned)i;
		for (j = 1; j <= b_len; j++) {
			row[j] = least(above[j] + 1, row[j - 1] + 1,
					above[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = least(row[j], before[j - 2] + 1, row[j]);
		}
	}
	return row[b_len];
}

bool suggest(const char *typed, const char *list, char *word, size_t cap)
{
	size_t typed_len = strlen(typed);
	unsigned best = 3; /* letters wrong; and more than half right */
	unsigned wrong;
	size_t len;

	*word = '\0';
	for (; *list; list += len + strspn(list + len, ", ")) {
		len = strcspn(list, ",");
		if (len > WORD_MAX || typed_len > WORD_MAX)
			continue;
		wrong = distance(typed, typed_len, list, len);
		if (wrong < best && wrong * 2 < len) {
			best = wrong;
			snprintf(word, cap, "%.*s", (int)len, list);
		}
	}
	return *word != '\0';
}
