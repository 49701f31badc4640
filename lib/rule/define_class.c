/* SPDX-License-Identifier: BSD-3-Clause */
/* Service classes, and what tenants may send. A later definition replaces an earlier one. */
#include <stdlib.h>
#include <string.h>

#include "rule/check.h"
#include "rule/define.h"

#define BLOCK_DEFAULT 10000000u

static const char *const overloads[] = {"block", "drop_oldest", "drop_newest", NULL};
static const char *const overs[] = {"drop", "demote", NULL};

static const struct rule_class defaults[RULE_QOS_COUNT] = {
	[RULE_QOS_CRITICAL] = {RULE_OVERLOAD_BLOCK, 100, BLOCK_DEFAULT},
	[RULE_QOS_HIGH] = {RULE_OVERLOAD_DROP_NEWEST, 90, 0},
	[RULE_QOS_NORMAL] = {RULE_OVERLOAD_DROP_NEWEST, 75, 0},
	[RULE_QOS_LOW] = {RULE_OVERLOAD_DROP_OLDEST, 50, 0},
};

const char *rule_overload_name(enum rule_overload overload)
{
	return overload < RULE_OVERLOAD_COUNT ? overloads[overload] : NULL;
}

const char *rule_over_name(enum rule_over over)
{
	return over < RULE_OVER_COUNT ? overs[over] : NULL;
}

void define_class_defaults(struct load *load)
{
	memcpy(load->set->classes, defaults, sizeof(defaults));
}

/* -- classes -- */

/* What is said replaces what was there; a bound goes with waiting alone. */
static bool read_overload(struct load *load, const struct yaml_node *item, struct rule_class *class)
{
	const struct yaml_node *overload = yaml_find(item, "overload");
	const struct yaml_node *block = yaml_find(item, "block");
	int word = overload ? define_word(load, overload, overloads) : (int)class->overload;

	if (word < 0)
		return false;
	class->overload = (enum rule_overload)word;
	class->block_ns = word == RULE_OVERLOAD_BLOCK ? BLOCK_DEFAULT : 0;
	if (!block)
		return true;
	if (word != RULE_OVERLOAD_BLOCK) {
		load_say(load, RULE_ERROR, RULE_DIAG_VALUE, load_pos(load, &block->scalar), NULL,
				"block goes with overload: block");
		return false;
	}
	if (block->kind == YAML_SCALAR && duration_read(block->scalar.text.data,
			block->scalar.text.len, 1000000000u, &class->block_ns) &&
			class->block_ns && class->block_ns <= RULE_BLOCK_MAX)
		return true;
	define_refuse(load, block, "a duration such as 5ms, up to 1s");
	return false;
}

static bool read_share(struct load *load, const struct yaml_node *value, uint32_t *share)
{
	const struct rule_text *text = &value->scalar.text;
	uint64_t number;

	if (value->kind == YAML_SCALAR && text->len > 1 && text->data[text->len - 1] == '%' &&
			number_read(text->data, text->len - 1, &number) && number && number <= 100) {
		*share = (uint32_t)number;
		return true;
	}
	define_refuse(load, value, "a share from 1% to 100%");
	return false;
}

void define_class(struct load *load, const struct yaml_node *item)
{
	static const char *const keys[] = {"class", "overload", "block", "share", NULL};
	const struct yaml_node *name = yaml_find(item, "class");
	const struct yaml_node *share = yaml_find(item, "share");
	int number = define_check_keys(load, item, keys) ? define_word(load, name, define_qos_words) : -1;
	struct rule_class class;

	if (number < 0)
		return;
	class = defaults[number];
	if (!read_overload(load, item, &class) || (share && !read_share(load, share, &class.share)))
		return;
	load->set->classes[number] = class;
	load->class_pos[number] = load_pos(load, &name->scalar);
}

/* A class that may fill less than one below it would be dropped before that one. */
void define_finish_classes(struct load *load)
{
	const struct rule_class *class = load->set->classes;
	unsigned i;

	for (i = 1; i < RULE_QOS_COUNT; i++)
		if (class[i].share > class[i - 1].share)
			load_say(load, RULE_ERROR, RULE_DIAG_VALUE,
					load->class_pos[load->class_pos[i].line ? i : i - 1], NULL,
					"class %s has a share of %u%%, but %s above it only %u%%",
					rule_qos_name(i), class[i].share, rule_qos_name(i - 1),
					class[i - 1].share);
}

/* -- quotas -- */

static bool read_tenant(struct load *load, const struct yaml_node *value, struct rule_quota *quota)
{
	uint64_t number;

	quota->any = yaml_is(value, "default");
	if (quota->any)
		return true;
	if (value->kind != YAML_SCALAR || !number_read(value->scalar.text.data,
			value->scalar.text.len, &number) || number > UINT32_MAX) {
		define_refuse(load, value, "a tenant's number, or default");
		return false;
	}
	quota->tenant = (uint32_t)number;
	return true;
}

static bool read_events(struct load *load, const struct yaml_node *value, uint64_t min, uint64_t *out)
{
	if (!value)
		return true;
	if (value->kind == YAML_SCALAR && number_read(value->scalar.text.data,
			value->scalar.text.len, out) && *out >= min && *out <= UINT32_MAX)
		return true;
	define_refuse(load, value, min ? "a number from 1" : "a number");
	return false;
}

static bool read_quota(struct load *load, const struct yaml_node *item, struct rule_quota *quota)
{
	const struct yaml_node *rate = yaml_find(item, "rate");
	const struct yaml_node *over = yaml_find(item, "over");
	int word = over ? define_word(load, over, overs) : RULE_OVER_DROP;

	if (word < 0)
		return false;
	quota->over = (enum rule_over)word;
	if (!define_scalar(load, rate, RULE_NAME_MAX))
		return false;
	if (!flow_read(&rate->scalar.text, &quota->events, &quota->per_ns)) {
		define_refuse(load, rate, "a rate such as 10000/s");
		return false;
	}
	quota->burst = quota->events;
	return read_events(load, yaml_find(item, "burst"), 1, &quota->burst) &&
			read_events(load, yaml_find(item, "excess"), 0, &quota->excess);
}

void define_quota(struct load *load, const struct yaml_node *item)
{
	static const char *const keys[] = {"quota", "rate", "burst", "excess", "over", NULL};
	const struct yaml_node *tenant = yaml_find(item, "quota");
	struct rule_quota *quotas = rule_array_room(load->quotas, load->quota_count,
			&load->quota_capacity, sizeof(*quotas));
	struct rule_quota quota = {0};

	if (!quotas) {
		load_no_memory(load);
		return;
	}
	load->quotas = quotas;
	if (!define_check_keys(load, item, keys) || !read_tenant(load, tenant, &quota))
		return;
	if (load->quota_count == RULE_QUOTAS_MAX)
		load_say(load, RULE_ERROR, RULE_DIAG_LIMIT, load_pos(load, &tenant->scalar), NULL,
				"more than %u quotas", RULE_QUOTAS_MAX);
	else if (!yaml_find(item, "rate"))
		load_say(load, RULE_ERROR, RULE_DIAG_MISSING, load_pos(load, &item->scalar), NULL,
				"quota '%.*s' has no rate", SHOWN(tenant->scalar.text));
	else if (read_quota(load, item, &quota))
		quotas[load->quota_count++] = quota;
}

static int by_tenant(const void *a, const void *b)
{
	const struct rule_quota *x = *(const struct rule_quota *const *)a;
	const struct rule_quota *y = *(const struct rule_quota *const *)b;

	if (x->any != y->any)
		return x->any ? 1 : -1;
	if (x->tenant != y->tenant)
		return x->tenant < y->tenant ? -1 : 1;
	return x < y ? -1 : x > y; /* in the order in which they were defined */
}

void define_finish_quotas(struct load *load)
{
	struct rule_quota *out = load_keep(load, load->quota_count * sizeof(*out) + 1);
	const struct rule_quota **sorted = load_scratch(load, load->quota_count * sizeof(*sorted) + 1);
	uint32_t count = 0;
	size_t i;

	if (!out || !sorted)
		return;
	for (i = 0; i < load->quota_count; i++)
		sorted[i] = &load->quotas[i];
	qsort(sorted, load->quota_count, sizeof(*sorted), by_tenant);
	for (i = 0; i < load->quota_count; i++) {
		bool same = count && out[count - 1].any == sorted[i]->any &&
				out[count - 1].tenant == sorted[i]->tenant;

		out[same ? count - 1 : count] = *sorted[i];
		count += !same;
	}
	load->set->quotas = out;
	load->set->quota_count = count;
}
