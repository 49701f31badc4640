/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of PLAIN fields by tests of CORE ones; docs/rules.md says what each of them means. */
#include <fcntl.h>
#include <sys/stat.h>

#include "rule/check.h"

static const struct rule_node *types(struct load *load, const uint8_t *list, bool in,
		struct rule_pos pos)
{
	struct rule_words words = {0};
	unsigned i;

	for (i = 0; list[i]; i++)
		rule_words_add(&words, list[i]);
	if (!in)
		rule_words_invert(RULE_FIELD_EVT_TYPE, &words);
	return node_words(load, RULE_FIELD_EVT_TYPE, &words, pos);
}

static const uint8_t openers[] = {VEX_OPEN, VEX_CREATE, VEX_TMPFILE, 0};
static const uint8_t descriptor_makers[] = {VEX_OPEN, VEX_CREATE, VEX_TMPFILE, VEX_OPENDIR, 0};
static const uint8_t descriptor_users[] = {VEX_CLOSE, VEX_READ, VEX_WRITE, VEX_READDIR, VEX_SYNC,
		VEX_FLUSH, VEX_FALLOCATE, VEX_LOCK, VEX_GETLOCK, VEX_FLOCK, VEX_RELEASEDIR,
		VEX_SYNCDIR, VEX_IOCTL, VEX_POLL, VEX_COPY_FILE_RANGE, VEX_LSEEK, 0};
static const uint8_t from_to[] = {VEX_RENAME, VEX_SYMLINK, 0};
static const uint8_t to_from[] = {VEX_LINK, VEX_COPY_FILE_RANGE, 0};
static const uint8_t two_paths[] = {VEX_RENAME, VEX_SYMLINK, VEX_LINK, VEX_COPY_FILE_RANGE, 0};

static const struct rule_node *result_is(struct load *load, bool failed, struct rule_pos pos)
{
	return node_test(load, RULE_FIELD_EVENT_RESULT, failed ? RULE_OP_LT : RULE_OP_GE,
			(union rule_value){.integer = 0}, pos);
}

static const struct rule_node *bits(struct load *load, enum rule_field_id field, uint32_t mask,
		uint32_t want, struct rule_pos pos)
{
	return node_test(load, field, RULE_OP_BITS,
			(union rule_value){.bits = {.mask = mask, .want = want}}, pos);
}

/* contains: has all those bits; intersects: has some of them. */
static const struct rule_node *lower_flags(struct load *load, const struct rule_node *test)
{
	uint32_t mask = 0;
	uint32_t i;

	for (i = 0; i < test->count; i++)
		mask |= (uint32_t)test->test.values[i].number;
	if (test->op == RULE_OP_CONTAINS)
		return bits(load, test->field, mask, mask, test->pos);
	if (test->op != RULE_OP_INTERSECTS)
		return fold_test(load, test);
	return node_pair(load, RULE_NODE_AND,
			node_test(load, test->field, RULE_OP_EXISTS, (union rule_value){0}, test->pos),
			node_not(load, bits(load, test->field, mask, 0, test->pos)));
}

/* The same test of another field of the same type. */
static const struct rule_node *same_of(struct load *load, const struct rule_node *test,
		enum rule_field_id field)
{
	struct rule_node node = *test;

	node.field = (uint8_t)field;
	node.repeats = rule_fields[field].repeats;
	return rule_fields[field].type == RULE_FLAGS ? lower_flags(load, &node)
						     : fold_test(load, &node);
}

static const struct rule_node *typed_test(struct load *load, const struct rule_node *test,
		const uint8_t *list, enum rule_field_id field)
{
	return node_pair(load, RULE_NODE_AND, types(load, list, true, test->pos),
			same_of(load, test, field));
}

static const struct rule_node *lower_path(struct load *load, const struct rule_node *test)
{
	bool source = test->field == RULE_FIELD_FS_PATH_SOURCE;
	const struct rule_node *path;

	if (test->field == RULE_FIELD_FS_PATH_NAME)
		path = node_pair(load, RULE_NODE_AND, types(load, two_paths, false, test->pos),
				same_of(load, test, RULE_FIELD_FD_NAME));
	else
		path = node_pair(load, RULE_NODE_OR,
				typed_test(load, test, source ? from_to : to_from,
						RULE_FIELD_FD_NAME),
				typed_test(load, test, source ? to_from : from_to,
						RULE_FIELD_FS_PATH2));
	return node_pair(load, RULE_NODE_AND, path, result_is(load, false, test->pos));
}

/* Arguments of system calls by the events they lead to. */
static const struct argument {
	enum rule_field_id argument;
	enum rule_field_id core;
	uint8_t types[6];
} arguments[] = {
	{RULE_FIELD_EVT_ARG_FLAGS, RULE_FIELD_FS_FLAGS, {VEX_OPEN, VEX_CREATE, VEX_TMPFILE}},
	{RULE_FIELD_EVT_ARG_MODE, RULE_FIELD_FS_MODE, {VEX_CHMOD}},
	{RULE_FIELD_EVT_ARG_NAME, RULE_FIELD_FD_NAME,
			{VEX_OPEN, VEX_CREATE, VEX_DELETE, VEX_RMDIR, VEX_UNMOUNT}},
	{RULE_FIELD_EVT_ARG_PATH, RULE_FIELD_FD_NAME, {VEX_DELETE, VEX_MKDIR, VEX_RMDIR, VEX_CHOWN}},
	{RULE_FIELD_EVT_ARG_FILENAME, RULE_FIELD_FD_NAME, {VEX_CHMOD}},
	{RULE_FIELD_EVT_ARG_OLDPATH, RULE_FIELD_FD_NAME, {VEX_RENAME, VEX_LINK}},
	{RULE_FIELD_EVT_ARG_NEWPATH, RULE_FIELD_FS_PATH2, {VEX_RENAME, VEX_LINK}},
	{RULE_FIELD_EVT_ARG_TARGET, RULE_FIELD_FS_PATH2, {VEX_SYMLINK}},
	{RULE_FIELD_EVT_ARG_LINKPATH, RULE_FIELD_FD_NAME, {VEX_SYMLINK}},
};

static const struct rule_node *lower_argument(struct load *load, const struct rule_node *test)
{
	const struct argument *argument = arguments;

	while (argument->argument != test->field)
		argument++;
	return typed_test(load, test, argument->types, argument->core);
}

static bool is_listed(const uint8_t *list, unsigned type)
{
	while (*list && *list != type)
		list++;
	return *list;
}

bool lower_is_opener(unsigned type)
{
	return is_listed(openers, type);
}

bool lower_lacks_descriptor(const struct vex_record *record)
{
	return record->result < 0 && is_listed(descriptor_makers, record->type);
}

static enum rule_field_id core_of_path(enum rule_field_id field, const struct vex_record *record)
{
	bool source = field == RULE_FIELD_FS_PATH_SOURCE;

	if (record->result < 0)
		return RULE_FIELD_COUNT;
	if (field == RULE_FIELD_FS_PATH_NAME)
		return is_listed(two_paths, record->type) ? RULE_FIELD_COUNT : RULE_FIELD_FD_NAME;
	if (is_listed(source ? from_to : to_from, record->type))
		return RULE_FIELD_FD_NAME;
	return is_listed(two_paths, record->type) ? RULE_FIELD_FS_PATH2 : RULE_FIELD_COUNT;
}

enum rule_field_id lower_core(enum rule_field_id field, const struct vex_record *record)
{
	size_t i;

	for (i = 0; i < sizeof(arguments) / sizeof(arguments[0]); i++)
		if (arguments[i].argument == field)
			return is_listed(arguments[i].types, record->type) ? arguments[i].core
									   : RULE_FIELD_COUNT;
	if (field == RULE_FIELD_EVT_RAWRES)
		return RULE_FIELD_EVENT_RESULT;
	if (field == RULE_FIELD_FS_PATH_NAME || field == RULE_FIELD_FS_PATH_SOURCE ||
			field == RULE_FIELD_FS_PATH_TARGET)
		return core_of_path(field, record);
	return RULE_FIELD_COUNT;
}

/* Whether a test of true and false takes this one. */
static bool takes_bool(const struct rule_node *test, bool value)
{
	uint32_t i;

	if (test->op == RULE_OP_EXISTS)
		return true;
	for (i = 0; i < test->count; i++)
		if ((test->test.values[i].number == value) != (test->op == RULE_OP_NE))
			return true;
	return false;
}

/* Of what is so where the field is true, and what where it is false. */
static const struct rule_node *choose(struct load *load, const struct rule_node *test,
		const struct rule_node *yes, const struct rule_node *no)
{
	const struct rule_node *never = node_constant(load, false, test->pos);

	return node_pair(load, RULE_NODE_OR, takes_bool(test, true) ? yes : never,
			takes_bool(test, false) ? no : never);
}

static const struct rule_node *lower_is_open(struct load *load, const struct rule_node *test)
{
	bool write = test->field == RULE_FIELD_EVT_IS_OPEN_WRITE;
	enum rule_field_id flags = RULE_FIELD_FS_FLAGS;
	const struct rule_node *yes;
	const struct rule_node *no;

	yes = node_pair(load, RULE_NODE_OR,
			bits(load, flags, O_ACCMODE, write ? O_WRONLY : O_RDONLY, test->pos),
			bits(load, flags, O_ACCMODE, O_RDWR, test->pos));
	no = node_pair(load, RULE_NODE_OR,
			bits(load, flags, O_ACCMODE, write ? O_RDONLY : O_WRONLY, test->pos),
			bits(load, flags, O_ACCMODE, O_ACCMODE, test->pos));
	return choose(load, test,
			node_pair(load, RULE_NODE_AND, types(load, openers, true, test->pos), yes),
			node_pair(load, RULE_NODE_OR, types(load, openers, false, test->pos), no));
}

static const struct rule_node *lower_fd_type(struct load *load, const struct rule_node *test)
{
	bool all = test->op == RULE_OP_EXISTS;
	bool file = all || rule_words_has(test->test.words, 0);
	bool directory = all || rule_words_has(test->test.words, 1);
	const struct rule_node *never = node_constant(load, false, test->pos);
	const struct rule_node *other;

	/* Any type that is none of a directory, but some. */
	other = node_not(load, node_pair(load, RULE_NODE_OR,
			bits(load, RULE_FIELD_FS_MODE, S_IFMT, S_IFDIR, test->pos),
			bits(load, RULE_FIELD_FS_MODE, S_IFMT, 0, test->pos)));
	other = node_pair(load, RULE_NODE_AND, other, node_test(load, RULE_FIELD_FS_MODE,
			RULE_OP_EXISTS, (union rule_value){0}, test->pos));
	return node_pair(load, RULE_NODE_OR, file ? other : never,
			directory ? bits(load, RULE_FIELD_FS_MODE, S_IFMT, S_IFDIR, test->pos)
				  : never);
}

static bool takes_number(const struct rule_node *test, int64_t number)
{
	uint32_t i;
	int64_t with;

	if (test->op == RULE_OP_IN || test->op == RULE_OP_INTERSECTS) {
		for (i = 0; i < test->count; i++)
			if (test->test.values[i].integer == number)
				return true;
		return false;
	}
	if (test->op == RULE_OP_EXISTS)
		return true;
	with = test->test.values->integer;
	switch (test->op) {
	case RULE_OP_EQ:
		return number == with;
	case RULE_OP_NE:
		return number != with;
	case RULE_OP_LT:
		return number < with;
	case RULE_OP_LE:
		return number <= with;
	case RULE_OP_GT:
		return number > with;
	default:
		return number >= with;
	}
}

/* Whether what is asked for can be told from whether there is a descriptor at all. */
static bool knows_number(const struct rule_node *test)
{
	uint32_t i;
	int64_t number;

	for (i = 0; i < test->count; i++) {
		number = test->test.values[i].integer;
		if (number >= 0 && number <= INT32_MAX &&
				takes_number(test, number) != takes_number(test, 0))
			return false;
	}
	return takes_number(test, 0) == takes_number(test, INT32_MAX);
}

static const struct rule_node *lower_fd_num(struct load *load, const struct rule_node *test)
{
	static const struct rule_text name = {"fd.num", 6};
	const struct rule_node *never = node_constant(load, false, test->pos);
	const struct rule_node *makers = types(load, descriptor_makers, true, test->pos);
	const struct rule_node *users = types(load, descriptor_users, true, test->pos);
	const struct rule_node *good;

	if (!knows_number(test))
		return node_unsupported(load, name,
				"numbers of descriptors are not known, only whether there is one",
				test->pos);
	good = node_pair(load, RULE_NODE_OR, users, node_pair(load, RULE_NODE_AND, makers,
			result_is(load, false, test->pos)));
	return node_pair(load, RULE_NODE_OR, takes_number(test, 0) ? good : never,
			takes_number(test, -1) ? node_pair(load, RULE_NODE_AND, makers,
							 result_is(load, true, test->pos))
					       : never);
}

/* evt.num is event.seq + 1. */
static const struct rule_node *lower_num(struct load *load, const struct rule_node *test)
{
	struct rule_node node = *test;
	union rule_value *values;
	uint32_t i;

	if (test->op == RULE_OP_EXISTS)
		return node_constant(load, true, test->pos);
	if (test->op != RULE_OP_IN && test->op != RULE_OP_INTERSECTS && !test->test.values->number)
		return node_constant(load, test->op == RULE_OP_NE || test->op == RULE_OP_GT ||
				test->op == RULE_OP_GE, test->pos);
	values = load_keep(load, test->count * sizeof(*values) + 1);
	if (!values)
		return NULL;
	for (node.count = 0, i = 0; i < test->count; i++)
		if (test->test.values[i].number)
			values[node.count++].number = test->test.values[i].number - 1;
	node.test.values = values;
	return same_of(load, &node, RULE_FIELD_EVENT_SEQ);
}

static const struct rule_node *lower_category(struct load *load, const struct rule_node *test)
{
	struct rule_words words = {0};
	unsigned type;

	if (test->op == RULE_OP_EXISTS)
		return node_constant(load, true, test->pos);
	for (type = 1; type < VEX_TYPE_LIMIT; type++)
		if (vex_type_name(type) &&
				rule_words_has(test->test.words, vex_type_category(type)))
			rule_words_add(&words, type);
	return node_words(load, RULE_FIELD_EVT_TYPE, &words, test->pos);
}

const struct rule_node *lower_test(struct load *load, const struct rule_node *test)
{
	switch (test->field) {
	case RULE_FIELD_EVT_DIR:
		return node_constant(load, test->op == RULE_OP_EXISTS ||
				rule_words_has(test->test.words, 0), test->pos);
	case RULE_FIELD_EVT_NUM:
		return lower_num(load, test);
	case RULE_FIELD_EVT_RAWTIME:
		return same_of(load, test, RULE_FIELD_EVT_TIME);
	case RULE_FIELD_EVT_RAWRES:
		return same_of(load, test, RULE_FIELD_EVENT_RESULT);
	case RULE_FIELD_EVT_FAILED:
		return choose(load, test, result_is(load, true, test->pos),
				result_is(load, false, test->pos));
	case RULE_FIELD_EVT_IS_OPEN_READ:
	case RULE_FIELD_EVT_IS_OPEN_WRITE:
		return lower_is_open(load, test);
	case RULE_FIELD_EVT_ARG_FLAGS:
	case RULE_FIELD_EVT_ARG_MODE:
	case RULE_FIELD_EVT_ARG_NAME:
	case RULE_FIELD_EVT_ARG_PATH:
	case RULE_FIELD_EVT_ARG_FILENAME:
	case RULE_FIELD_EVT_ARG_OLDPATH:
	case RULE_FIELD_EVT_ARG_NEWPATH:
	case RULE_FIELD_EVT_ARG_TARGET:
	case RULE_FIELD_EVT_ARG_LINKPATH:
		return lower_argument(load, test);
	case RULE_FIELD_EVENT_CATEGORY:
		return lower_category(load, test);
	case RULE_FIELD_FD_TYPE:
	case RULE_FIELD_FD_TYPECHAR:
		return lower_fd_type(load, test);
	case RULE_FIELD_FD_NUM:
		return lower_fd_num(load, test);
	case RULE_FIELD_FS_PATH_NAME:
	case RULE_FIELD_FS_PATH_SOURCE:
	case RULE_FIELD_FS_PATH_TARGET:
		return lower_path(load, test);
	case RULE_FIELD_FS_FLAGS:
	case RULE_FIELD_FS_MODE:
		return lower_flags(load, test);
	default:
		return fold_test(load, test);
	}
}
