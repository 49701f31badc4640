/* SPDX-License-Identifier: BSD-3-Clause */
#include "rule_limits.h"

#include <errno.h>
#include <stdlib.h>

#include "clock.h"
#include "rule/limit.h"
#include "rule/redact.h"
#include "support/image.h"

#define ENTRIES (1u << 17)
#define ROUNDS 5u
#define STEP_NS 50u /* from one event to the next */

static const char text[] = "- rule: limited\n  condition: evt.type = open\n"
		"  suppress: {for: 1us, by: [fd.directory, user.uid]}\n"
		"  rate: {limit: 1000000/s, by: proc.pid}\n"
		"- rule: redacted\n  condition: evt.type = open\n"
		"  redact: {fd.directory: hash, user.uid: hash, proc.name: mask}\n";

static struct rule_image *image;
static struct rule_reader reader;
static uint64_t out[VEX_RECORD_MAX / 8];
static uint64_t passed; /* so that nothing is left out */

static int make_image(void)
{
	size_t size;

	image = image_of(text, &size);
	if (!image)
		return -EINVAL;
	rule_reader_init(&reader, image);
	return 0;
}

static uint64_t ask_all(struct rule_limits *limits, const struct vex_record *const *records,
		unsigned count, uint64_t now)
{
	const struct rule_image_limit *limit = rule_image_part(image, RULE_PART_LIMITS);
	struct vex_attr_suppressed told;
	struct rule_limit_untold untold;
	unsigned i;

	for (i = 0; i < count; i++, now += STEP_NS)
		passed += rule_limit_ask(limits, 1, limit, &reader, records[i], now, &told,
				&untold) == RULE_LIMIT_PASS;
	return now;
}

int rule_limits_measure(const struct vex_record *const *records, unsigned count, double *ns)
{
	struct rule_limits *limits = NULL;
	uint64_t now = 1790000000000000000u;
	int error = make_image();
	uint64_t start;
	unsigned i;

	if (!error)
		error = rule_limits_new(ENTRIES, 1, &limits);
	if (!error) {
		now = ask_all(limits, records, count, now);
		start = spent_ns();
		for (i = 0; i < ROUNDS; i++)
			now = ask_all(limits, records, count, now);
		*ns = (double)(spent_ns() - start) / ROUNDS / count;
	}
	if (!error && (rule_limits_counts(limits).full || !passed))
		error = -ENOSPC;
	rule_limits_free(limits);
	free(image);
	image = NULL;
	return error;
}

static void redact_all(const struct vex_record *const *records, unsigned count)
{
	static const struct rule_secret secret = {{1}};
	const struct rule_image_rule *rule = rule_image_part(image, RULE_PART_RULES);
	const struct rule_image_redact *redacts = rule_image_part(image, RULE_PART_REDACTS);
	struct rule_redaction redaction;
	unsigned i;

	for (i = 0; i < count; i++) {
		rule_redaction_begin(&redaction, records[i]);
		rule_redaction_add(&redaction, &reader, redacts + rule[1].redact_first,
				rule[1].redact_count);
		passed += rule_redaction_write(&redaction, &secret, (struct vex_record *)out,
				sizeof(out));
	}
}

int rule_redact_measure(const struct vex_record *const *records, unsigned count, double *ns)
{
	int error = make_image();
	uint64_t start;

	if (error)
		return error;
	redact_all(records, count);
	start = spent_ns();
	redact_all(records, count);
	*ns = (double)(spent_ns() - start) / count;
	free(image);
	image = NULL;
	return 0;
}
