/* SPDX-License-Identifier: BSD-3-Clause */
#include "support/rule_limit_model.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/rule_value.h"

#define NAME_MAX_LEN 4096

struct key {
	struct key *next;
	char *name;
	uint64_t asked;     /* sample: events so far */
	uint64_t over;      /* suppress: when the window ends; 0: there was none */
	struct vex_attr_suppressed held;
	oracle_number level; /* rate: tokens, times per_ns */
	uint64_t at;         /* when that was so */
};

struct limit_model {
	struct key *keys;
};

struct limit_model *limit_model_new(void)
{
	return calloc(1, sizeof(struct limit_model));
}

void limit_model_free(struct limit_model *model)
{
	struct key *key, *next;

	for (key = model->keys; key; key = next) {
		next = key->next;
		free(key->name);
		free(key);
	}
	free(model);
}

static void write_value(FILE *to, const struct rule_key *key, const struct vex_event *event)
{
	struct oracle_value value = oracle_value(key->field, &key->argument, event);
	size_t i;

	if (!value.there) {
		fputs("(none)", to);
		return;
	}
	fprintf(to, "(%u %" PRIu64 " %" PRId64 " ", value.word, (uint64_t)value.number,
			value.integer);
	for (i = 0; i < value.text.len; i++)
		fprintf(to, "%02x", ((const uint8_t *)value.text.data)[i]);
	fputc(')', to);
}

static struct key *find(struct limit_model *model, const char *kind, uint64_t state,
		const struct rule_keys *by, const struct vex_event *event)
{
	char name[NAME_MAX_LEN] = "";
	FILE *to = fmemopen(name, sizeof(name) - 1, "w");
	struct key *key;
	uint32_t i;

	fprintf(to, "%s %" PRIu64, kind, state);
	for (i = 0; i < by->count; i++)
		write_value(to, &by->keys[i], event);
	fclose(to);
	for (key = model->keys; key; key = key->next)
		if (!strcmp(key->name, name))
			return key;
	key = calloc(1, sizeof(*key));
	key->name = strdup(name);
	key->next = model->keys;
	model->keys = key;
	return key;
}

static void hold(struct vex_attr_suppressed *held, uint64_t start_ns)
{
	if (!held->count || start_ns < held->first_ns)
		held->first_ns = start_ns;
	if (!held->count || start_ns > held->last_ns)
		held->last_ns = start_ns;
	held->count++;
}

/* Tokens flow in all the time, a fraction at a time; the first event finds the bucket full. */
static bool pays(const struct rule_rate *rate, struct key *bucket, uint64_t now_ns)
{
	oracle_number full = (oracle_number)rate->burst * rate->per_ns;
	oracle_number in = (oracle_number)(now_ns - bucket->at) * rate->events;

	bucket->level = !bucket->at || bucket->level + in > full ? full : bucket->level + in;
	bucket->at = now_ns;
	if (bucket->level < rate->per_ns)
		return false;
	bucket->level -= rate->per_ns;
	return true;
}

/* As evenly as can be: of the first n events 1 + (n - 1) * num / den, rounded down. */
static bool in_share(const struct rule_sample *sample, struct key *key)
{
	uint64_t before = key->asked ? 1 + (key->asked - 1) * sample->num / sample->den : 0;
	uint64_t after = 1 + key->asked++ * sample->num / sample->den;

	return after > before;
}

enum rule_limit_verdict limit_model_ask(struct limit_model *model, uint64_t state,
		const struct rule *rule, const struct vex_event *event, uint64_t now_ns,
		struct vex_attr_suppressed *told)
{
	struct key *window = find(model, "window", state, &rule->suppress.by, event);

	memset(told, 0, sizeof(*told));
	if (rule->sample.den && !rule->sample.by.count &&
			!in_share(&rule->sample, find(model, "sample", state, &rule->sample.by, event)))
		return RULE_LIMIT_SAMPLED;
	if (rule->suppress.for_ns && now_ns < window->over) {
		hold(&window->held, event->start_ns);
		return RULE_LIMIT_SUPPRESSED;
	}
	if (rule->rate.events && !pays(&rule->rate, find(model, "bucket", state, &rule->rate.by,
			event), now_ns))
		return RULE_LIMIT_RATE;
	if (!rule->suppress.for_ns)
		return RULE_LIMIT_PASS;
	*told = window->held;
	memset(&window->held, 0, sizeof(window->held));
	window->over = now_ns + rule->suppress.for_ns;
	return RULE_LIMIT_PASS;
}
