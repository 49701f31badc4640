/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/where.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/glob.h"
#include "support/unit.h"

static struct where where;
static char error[WHERE_ERROR_MAX];

static struct vex_bytes bytes(const char *text)
{
	return (struct vex_bytes){.data = text, .len = strlen(text)};
}

static bool glob(const char *pattern, const char *text)
{
	return glob_match(pattern, text, strlen(text));
}

static void test_glob(void)
{
	CU_ASSERT_TRUE(glob("", ""));
	CU_ASSERT_FALSE(glob("", "a"));
	CU_ASSERT_TRUE(glob("*", ""));
	CU_ASSERT_TRUE(glob("*.c", "main.c"));
	CU_ASSERT_FALSE(glob("*.c", "main.cc"));
	CU_ASSERT_FALSE(glob("/a/*", "/a/b/c"));
	CU_ASSERT_TRUE(glob("/a/*/c", "/a/b/c"));
	CU_ASSERT_TRUE(glob("/a/**", "/a/b/c"));
	CU_ASSERT_FALSE(glob("/a/**", "/b/c"));
	CU_ASSERT_TRUE(glob("/a/**/c", "/a/c"));
	CU_ASSERT_TRUE(glob("/a/**/c", "/a/x/y/c"));
	CU_ASSERT_FALSE(glob("/a/**/c", "/a/xc"));
	CU_ASSERT_TRUE(glob("**/c", "c"));
	CU_ASSERT_TRUE(glob("/a**/c", "/a1/2/c"));
	CU_ASSERT_FALSE(glob("/a**/c", "/ac"));
	CU_ASSERT_TRUE(glob("/a**c", "/ac"));
	CU_ASSERT_TRUE(glob("**.log", "/var/log/x.log"));
	CU_ASSERT_TRUE(glob("/*a*b*c", "/xxaabbcxc"));
	CU_ASSERT_FALSE(glob("/?", "//"));
	CU_ASSERT_TRUE(glob("/?x", "/\xffx"));
}

static void test_sets(void)
{
	CU_ASSERT_TRUE(glob("[a-c]x", "bx"));
	CU_ASSERT_FALSE(glob("[a-c]x", "dx"));
	CU_ASSERT_TRUE(glob("[!a-c]x", "dx"));
	CU_ASSERT_FALSE(glob("[!a-c]x", "ax"));
	CU_ASSERT_FALSE(glob("[!a]", "/"));
	CU_ASSERT_TRUE(glob("[]]", "]"));
	CU_ASSERT_TRUE(glob("[a-]", "-"));
	CU_ASSERT_TRUE(glob("[\\]]", "]"));
	CU_ASSERT_TRUE(glob("[\x80-\xff]", "\xe9"));
	CU_ASSERT_TRUE(glob("[ab", "[ab"));
	CU_ASSERT_FALSE(glob("[ab", "a"));
	CU_ASSERT_TRUE(glob("\\*\\[\\\\", "*[\\"));
	CU_ASSERT_FALSE(glob("\\*", "x"));
	CU_ASSERT_TRUE(glob("x\\", "x\\"));
}

/* The same language, written down as plainly as can be; patterns of a, b, /, ? and stars. */
static bool slow_glob(const char *begin, const char *p, const char *t)
{
	bool name = p == begin || p[-1] == '/';
	const char *rest = p;

	if (!*p)
		return !*t;
	if (*p != '*')
		return *t && (*p == *t || (*p == '?' && *t != '/')) && slow_glob(begin, p + 1, t + 1);
	if (p[1] != '*')
		return slow_glob(begin, p + 1, t) || (*t && *t != '/' && slow_glob(begin, p, t + 1));
	while (*rest == '*')
		rest++;
	if (!name || *rest != '/')
		return slow_glob(begin, rest, t) || (*t && slow_glob(begin, p, t + 1));
	if (slow_glob(begin, rest + 1, t))
		return true;
	t = strchr(t, '/');
	return t && slow_glob(begin, p, t + 1);
}

static void make_word(char *word, const char *letters, unsigned max)
{
	unsigned len = (unsigned)rand() % max;

	while (len--)
		*word++ = letters[(unsigned)rand() % strlen(letters)];
	*word = '\0';
}

static void test_against_oracle(void)
{
	unsigned matched = 0;
	char pattern[16];
	char text[16];
	unsigned i;

	srand(7);
	for (i = 0; i < 300000; i++) {
		make_word(pattern, "ab/*?*", 9);
		make_word(text, "ab/", 10);
		matched += glob(pattern, text);
		if (glob(pattern, text) != slow_glob(pattern, pattern, text)) {
			printf("\n    '%s' and '%s'", pattern, text);
			CU_FAIL("the glob and its oracle differ");
		}
	}
	CU_ASSERT_TRUE(matched > 10000);
}

/* Backtracking that exploded would not end in a lifetime. */
static void test_hostile_pattern(void)
{
	static char text[4096];

	memset(text, 'a', sizeof(text));
	CU_ASSERT_FALSE(glob_match("*a*a*a*a*a*a*a*a*a*a*a*a*b", text, sizeof(text)));
	CU_ASSERT_FALSE(glob_match("**a**a**a**a**a**a**a**a**b", text, sizeof(text)));
}

static bool add(const char *text)
{
	error[0] = '\0';
	return where_add(&where, text, error) == 0;
}

static void refused(const char *text, const char *why)
{
	where_clear(&where);
	CU_ASSERT_FALSE(add(text));
	CU_ASSERT_PTR_NOT_NULL(strstr(error, why));
	if (!strstr(error, why))
		printf("\n    '%s': '%s'", text, error);
	where_clear(&where);
}

static bool has_type(uint32_t type)
{
	return where.filter.types[type / 64] >> (type % 64) & 1;
}

static void accepted(const char *text)
{
	CU_ASSERT_EQUAL(where_add(&where, text, error), 0);
	where_clear(&where);
}

static void test_types(void)
{
	uint32_t type;

	CU_ASSERT_TRUE(add("type=create|rename"));
	for (type = 0; type < VEX_TYPE_LIMIT; type++)
		CU_ASSERT_EQUAL(has_type(type), type == VEX_CREATE || type == VEX_RENAME);
	CU_ASSERT_EQUAL(where.count, 0);
	CU_ASSERT_TRUE(add("type=rename|delete"));
	for (type = 0; type < VEX_TYPE_LIMIT; type++)
		CU_ASSERT_EQUAL(has_type(type), type == VEX_RENAME);
	CU_ASSERT_FALSE(add("type=read"));
	where_clear(&where);
	CU_ASSERT_TRUE(add("type=vector|audit"));
	for (type = 0; type < VEX_TYPE_LIMIT; type++)
		CU_ASSERT_EQUAL(has_type(type), type == VEX_AUDIT ||
				vex_type_category(type) == VEX_CATEGORY_VECTOR);
	where_clear(&where);
	CU_ASSERT_FALSE(has_type(VEX_AUDIT));
}

static void test_boundaries(void)
{
	CU_ASSERT_TRUE(add("boundary=fuse|kernel, type=read"));
	CU_ASSERT_EQUAL(where.filter.boundaries,
			1u << VEX_BOUNDARY_FUSE | 1u << VEX_BOUNDARY_KERNEL);
	CU_ASSERT_TRUE(add("boundary=fuse|app"));
	CU_ASSERT_EQUAL(where.filter.boundaries, 1u << VEX_BOUNDARY_FUSE);
	CU_ASSERT_TRUE(has_type(VEX_READ));
	CU_ASSERT_FALSE(add("boundary=peer"));
	where_clear(&where);
}

static struct vex_event sample(void)
{
	return (struct vex_event){
		.has = VEX_HAS_PATH | VEX_HAS_PATH2 | VEX_HAS_COMM,
		.type = VEX_RENAME,
		.pid = 42,
		.uid = 0,
		.path = bytes("/srv/data/a,b.csv"),
		.path2 = bytes("/srv/old/c|d.csv"),
		.comm = bytes("python3"),
	};
}

static bool matches(const char *text)
{
	struct vex_event event = sample();
	bool result;

	CU_ASSERT_TRUE(add(text));
	result = where_match(&where, &event);
	where_clear(&where);
	return result;
}

static void test_match(void)
{
	CU_ASSERT_TRUE(matches("pid=42"));
	CU_ASSERT_FALSE(matches("pid=41"));
	CU_ASSERT_TRUE(matches("pid=41|42,uid=0"));
	CU_ASSERT_FALSE(matches("pid=41|42,uid=1"));
	CU_ASSERT_TRUE(matches("uid=root"));
	CU_ASSERT_FALSE(matches("uid=daemon"));
	CU_ASSERT_TRUE(matches("comm=python*"));
	CU_ASSERT_FALSE(matches("comm=python"));
	CU_ASSERT_TRUE(matches("path=/srv/**"));
	CU_ASSERT_TRUE(matches("path=/srv/old/*"));
	CU_ASSERT_FALSE(matches("path=/srv/*"));
	CU_ASSERT_TRUE(matches("path=*.csv"));
	CU_ASSERT_TRUE(matches("path=/x|/srv/data/a\\,b.csv"));
	CU_ASSERT_TRUE(matches("path=*c\\|d*"));
	CU_ASSERT_FALSE(matches("path=c.csv"));
}

static const char *name_of(const struct vex_event *event)
{
	return event->route.matched ? "Secrets read" : NULL;
}

static void test_rules(void)
{
	struct vex_event event = {.type = VEX_READ, .has = VEX_HAS_ROUTE | VEX_HAS_TENANT, .tenant = 7,
			.route = {.matched = 1, .priority = 2, .qos = 1}};

	where.rule_name = name_of;
	CU_ASSERT_TRUE(add("tenant=6|7,priority=critical|alert,class=high,rule=Secrets*"));
	CU_ASSERT_TRUE(where.wants_rules);
	CU_ASSERT_TRUE(where_match(&where, &event));
	event.route.priority = 3;
	CU_ASSERT_FALSE(where_match(&where, &event));
	event.route = (struct vex_attr_route){.priority = 2, .qos = 1};
	event.has |= VEX_HAS_SUPPRESSED; /* a summary */
	where_clear(&where);
	CU_ASSERT_TRUE(add("tenant=7,priority=critical,class=high"));
	CU_ASSERT_TRUE(where_match(&where, &event));
	event.has = VEX_HAS_ROUTE | VEX_HAS_TENANT;
	event.route = (struct vex_attr_route){.rule = VEX_ROUTE_NO_RULE, .priority = 2, .qos = 1};
	CU_ASSERT_FALSE(where_match(&where, &event));
	where_clear(&where);
	CU_ASSERT_TRUE(add("class=high"));
	CU_ASSERT_FALSE(where.wants_rules);
	CU_ASSERT_TRUE(where_match(&where, &event));
	event.has = 0;
	CU_ASSERT_FALSE(where_match(&where, &event));
	where_clear(&where);
	refused("priority=urgent", "must be one of emergency, alert,");
	refused("class=gold", "must be one of critical, high, normal, low");
	refused("tenant=x", "tenant=x: must be a number");
}

static void test_absent(void)
{
	struct vex_event event = {.type = VEX_READ, .pid = 42};

	CU_ASSERT_TRUE(where_match(&where, &event));
	CU_ASSERT_TRUE(add("path=**"));
	CU_ASSERT_FALSE(where_match(&where, &event));
	event.type = VEX_GAP;
	CU_ASSERT_TRUE(where_match(&where, &event));
	where_clear(&where);
	CU_ASSERT_TRUE(add("comm=*"));
	event.type = VEX_READ;
	CU_ASSERT_FALSE(where_match(&where, &event));
	event.has = VEX_HAS_PATH | VEX_HAS_COMM; /* there, but empty */
	CU_ASSERT_TRUE(where_match(&where, &event));
	where_clear(&where);
}

static void test_refused(void)
{
	char many[512] = "pid=1";
	unsigned i;

	refused("", "no condition");
	refused("type", "no condition");
	refused("type=read,,pid=1", "no condition");
	refused("name=x", "'name' is no key");
	refused("type=reed", "no such type");
	refused("type=", "a value is missing");
	refused("path=a||b", "a value is missing");
	refused("path=[a", "a bracket is not closed");
	refused("path=/x/*|/y/[]", "a bracket is not closed");
	refused("comm=[a,b]", "a bracket is not closed");
	refused("comm=[a\\]", "a bracket is not closed");
	accepted("path=\\[a|[]]|[[]|[a\\,b]|]");
	refused("boundary=usb", "must be kernel");
	refused("pid=me", "must be a number");
	refused("pid=4294967296", "must be a number");
	refused("pid=-1", "must be a number");
	refused("uid=no such user", "name of a user");
	refused("type=read,type=write", "no type meets");
	for (i = 0; i < WHERE_VALUES_MAX; i++)
		strcat(many, "|2");
	refused(many, "more than 32 values");
	strcpy(many, "pid=1");
	for (i = 0; i < WHERE_CONDITIONS_MAX; i++)
		strcat(many, ",pid=1");
	refused(many, "more than 32 conditions");
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"globs", test_glob},
		{"sets in globs", test_sets},
		{"globs against an oracle", test_against_oracle},
		{"globs that take long elsewhere", test_hostile_pattern},
		{"types", test_types},
		{"boundaries", test_boundaries},
		{"what matches", test_match},
		{"what rules made of it", test_rules},
		{"what an event does not have", test_absent},
		{"what is refused", test_refused},
		CU_TEST_INFO_NULL,
	};

	return unit_run("where", tests);
}
