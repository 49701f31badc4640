/* SPDX-License-Identifier: BSD-3-Clause */
#include "rule/field.h"

#include <string.h>

#define KIND_CORE true
#define KIND_PLAIN false
#define CHANGE_REPEATS true
#define CHANGE_VARIES false
#define RULE_FIELD(ID, named, TYPE, KIND, CHANGE, least, most, desc)                               \
	[RULE_FIELD_##ID] = {.name = (named), .text = (desc), .min = (least), .max = (most),       \
			.type = RULE_##TYPE, .core = KIND_##KIND, .repeats = CHANGE_##CHANGE},
const struct rule_field rule_fields[RULE_FIELD_COUNT] = {
#include "rule/field.def"
};
#undef RULE_FIELD

#define T(TYPE) (1u << RULE_##TYPE)
#define RULE_OP(ID, text_, VALUES, types_, desc)                                                   \
	[RULE_OP_##ID] = {.name = (text_), .text = (desc), .types = (types_),                      \
			.values = RULE_VALUES_##VALUES},
const struct rule_op_info rule_ops[RULE_OP_COUNT] = {
#include "rule/operator.def"
};
#undef RULE_OP

static const char *const types[] = {
	[RULE_STRING] = "string", [RULE_PATH] = "path",       [RULE_UNSIGNED] = "unsigned",
	[RULE_SIGNED] = "signed", [RULE_TIME] = "time",       [RULE_STRINGS] = "list of strings",
	[RULE_FLAGS] = "flags",   [RULE_BOOL] = "true/false", [RULE_ENUM] = "word",
};
VEX_STATIC_ASSERT(sizeof(types) / sizeof(types[0]) == RULE_TYPE_COUNT, "every type has a name");
VEX_STATIC_ASSERT(RULE_FIELD_COUNT <= UINT8_MAX && RULE_OP_COUNT <= UINT8_MAX, "rule_node holds them");

#define RULE_FOREIGN(name, why) {name, why},
static const struct {
	const char *name;
	const char *why;
} foreign[] = {
#include "rule/foreign.def"
};
#undef RULE_FOREIGN

const char *rule_type_name(enum rule_type type)
{
	return type < RULE_TYPE_COUNT ? types[type] : NULL;
}

static bool is(const char *known, const char *name, size_t len)
{
	return !strncmp(known, name, len) && !known[len];
}

enum rule_field_id rule_field_by_name(const char *name, size_t len)
{
	unsigned i;

	for (i = 0; i < RULE_FIELD_COUNT; i++)
		if (is(rule_fields[i].name, name, len))
			break;
	return (enum rule_field_id)i;
}

bool rule_field_always(enum rule_field_id field)
{
	switch (field) {
	case RULE_FIELD_EVT_TYPE:
	case RULE_FIELD_EVT_TIME:
	case RULE_FIELD_EVT_RES:
	case RULE_FIELD_EVENT_BOUNDARY:
	case RULE_FIELD_EVENT_RESULT:
	case RULE_FIELD_EVENT_DURATION:
	case RULE_FIELD_EVENT_NODE:
	case RULE_FIELD_EVENT_PORT:
	case RULE_FIELD_EVENT_LANE:
	case RULE_FIELD_EVENT_SEQ:
	case RULE_FIELD_TIME_HOUR:
	case RULE_FIELD_TIME_MINUTE:
	case RULE_FIELD_TIME_WEEKDAY:
	case RULE_FIELD_PROC_PID:
	case RULE_FIELD_USER_UID:
	case RULE_FIELD_GROUP_GID:
		return true;
	default:
		return false;
	}
}

enum rule_op rule_op_by_name(const char *name, size_t len)
{
	unsigned i;

	if (is("==", name, len))
		return RULE_OP_EQ;
	for (i = 0; i < RULE_OP_COUNT; i++)
		if (rule_ops[i].name && is(rule_ops[i].name, name, len))
			break;
	return (enum rule_op)i;
}

const char *rule_field_foreign(const char *name, size_t len)
{
	size_t known;
	size_t i;

	for (i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
		known = strlen(foreign[i].name);
		if (is(foreign[i].name, name, len))
			return foreign[i].why;
		if (foreign[i].name[known - 1] == '*' && len >= known - 1 &&
				!memcmp(foreign[i].name, name, known - 1))
			return foreign[i].why;
	}
	return NULL;
}
