/* SPDX-License-Identifier: BSD-3-Clause */
/* Finds, among words offered one by one, the one that a misspelt word was meant to be. */
#ifndef VEX_RULE_SUGGEST_H
#define VEX_RULE_SUGGEST_H

#include "rule/ast.h"

/** Longest word that is looked at. */
#define RULE_SUGGEST_MAX 48u

struct rule_suggest {
	const char *typed;
	size_t len;
	struct rule_text best; /**< data NULL: nothing is near */
	unsigned wrong;        /**< letters of best that were typed wrong */
};

struct rule_suggest rule_suggest_begin(const char *typed, size_t len);
void rule_suggest_offer(struct rule_suggest *suggest, const char *word, size_t len);

#endif
