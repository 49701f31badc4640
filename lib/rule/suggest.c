/* SPDX-License-Identifier: BSD-3-Clause */
#include "rule/suggest.h"

#include <string.h>

static unsigned smaller(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

static char fold(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
}

/* Letters to insert, delete, change or swap with their neighbour; letter case counts nothing. */
static unsigned distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	unsigned table[RULE_SUGGEST_MAX + 1][RULE_SUGGEST_MAX + 1];
	size_t i;
	size_t j;

	for (j = 0; j <= b_len; j++)
		table[0][j] = (unsigned)j;
	for (i = 1; i <= a_len; i++) {
		table[i][0] = (unsigned)i;
		for (j = 1; j <= b_len; j++) {
			bool same = fold(a[i - 1]) == fold(b[j - 1]);

			table[i][j] = smaller(smaller(table[i - 1][j], table[i][j - 1]) + 1,
					table[i - 1][j - 1] + !same);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				table[i][j] = smaller(table[i][j], table[i - 2][j - 2] + 1);
		}
	}
	return table[a_len][b_len];
}

struct rule_suggest rule_suggest_begin(const char *typed, size_t len)
{
	return (struct rule_suggest){.typed = typed, .len = len, .wrong = 3};
}

void rule_suggest_offer(struct rule_suggest *suggest, const char *word, size_t len)
{
	size_t apart = len > suggest->len ? len - suggest->len : suggest->len - len;
	unsigned wrong;

	if (apart >= suggest->wrong || len > RULE_SUGGEST_MAX || suggest->len > RULE_SUGGEST_MAX)
		return;
	wrong = distance(suggest->typed, suggest->len, word, len);
	if (wrong < suggest->wrong && wrong * 2 < len) {
		suggest->wrong = wrong;
		suggest->best = (struct rule_text){word, len};
	}
}
