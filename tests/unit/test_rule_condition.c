/* SPDX-License-Identifier: BSD-3-Clause */
/* What conditions mean. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "support/rule_test.h"

static struct vex_pair pairs[] = {{{"mime", 4}, {"text/plain", 10}}, {{"mime", 4}, {"second", 6}},
		{{"x y", 3}, {"a\0b", 3}}};
static struct vex_bytes labels[] = {{"red", 3}, {"green", 5}};

static struct vex_event sample(void)
{
	return (struct vex_event){
		.has = VEX_HAS_PATH | VEX_HAS_COMM | VEX_HAS_FILE | VEX_HAS_RANGE | VEX_HAS_TASK,
		.type = VEX_OPEN,
		.boundary = VEX_BOUNDARY_FUSE,
		.id = {.seq = 41, .node = 1, .port = 2, .lane = 3},
		.start_ns = 1790000000000000000u, /* 2026-09-21T14:13:20Z, a Monday */
		.duration_ns = 12000000,
		.result = 0,
		.pid = 4711, .tid = 4712, .ppid = 1, .uid = 1000, .gid = 100,
		.mode = S_IFREG | 0644, .flags = O_WRONLY | O_CREAT | O_TRUNC,
		.dev = 5, .ino = 6, .parent_ino = 7, .offset = 4096, .size = 1 << 20,
		.path = {"/srv/data/Report.CSV", 20},
		.comm = {"python3", 7},
		.pairs = pairs, .pair_count = 3, .labels = labels, .label_count = 2,
	};
}

static struct vex_event event;

static void yes(const char *condition)
{
	CU_ASSERT_TRUE(holds(condition, &event));
	if (!holds(condition, &event))
		printf("\n    should hold: %s", condition);
}

static void no(const char *condition)
{
	CU_ASSERT_FALSE(holds(condition, &event));
	if (holds(condition, &event))
		printf("\n    should not hold: %s", condition);
}

static void test_strings(void)
{
	event = sample();
	yes("fd.name = /srv/data/Report.CSV");
	yes("fd.name == /srv/data/Report.CSV");
	no("fd.name = /srv/data/report.csv");
	yes("fd.name != /srv");
	no("fd.name != /srv/data/Report.CSV");
	yes("fd.name contains data/Rep");
	no("fd.name contains data/rep");
	yes("fd.name icontains DATA/rep");
	yes("fd.name startswith /srv/");
	no("fd.name startswith /srv/data/Report.CSV.gz");
	yes("fd.name endswith .CSV");
	no("fd.name endswith .csv");
	yes("fd.name contains \"\"");
	yes("fd.name in (/a, /srv/data/Report.CSV)");
	no("fd.name in ()");
	yes("fd.name intersects (/a, /srv/data/Report.CSV)");
	yes("proc.name in (\"python3\")");
	yes("proc.name exists");
	yes("fd.directory = /srv/data and fd.filename = Report.CSV");
}

static void test_globs(void)
{
	event = sample();
	yes("fd.name glob /srv/*.CSV");
	yes("fd.name glob *Report*");
	yes("fd.name glob /srv/data/Re?ort.CSV");
	yes("fd.name glob /srv/data/[A-Z]eport.CSV");
	no("fd.name glob /srv/data/[!A-Z]eport.CSV");
	yes("fd.name glob /srv/data/[[:upper:]]eport.CSV");
	no("fd.name glob data/*");
	no("fd.name glob *.csv");
	yes("fd.name iglob *.csv");
	yes("fd.name iglob /srv/data/[r]EPORT.*");
	no("fd.name iglob /srv/data/[!r]EPORT.*");
	event.path = bytes_of("/a*b");
	yes("fd.name glob \"/a\\\\*b\"");
	event.path = bytes_of("/axb");
	no("fd.name glob \"/a\\\\*b\"");
}

static void test_regexes(void)
{
	event = sample();
	yes("fd.name regex \"/srv/[a-z]+/.*\"");
	no("fd.name regex \"/srv/[a-z]+\"");
	no("fd.name regex Report");
	yes("fd.name regex .*Report.*");
	yes("fd.name regex \".*\\\\.CSV\"");
	yes("fd.name regex \"(?i).*\\\\.csv\"");
	yes("fd.name regex \"/x|/srv/.*\"");
	yes("proc.name regex \"[[:alpha:]]+\\\\d\"");
	event.path = bytes_of("/a\nb");
	yes("fd.name regex /a.b");
	event.path = bytes_of("");
	yes("fd.name regex a*");
}

static void test_pmatch(void)
{
	event = sample();
	yes("fd.name pmatch (/srv)");
	yes("fd.name pmatch (/etc, /srv/data)");
	yes("fd.name pmatch (/srv/data/)");
	yes("fd.name pmatch (/)");
	yes("fd.name pmatch (/srv/data/Report.CSV)");
	no("fd.name pmatch (/srv/dat)");
	no("fd.name pmatch (/srv/data/Report.CSV/x)");
	yes("fd.name pmatch (/srv/*/Report.*)");
	yes("fd.name pmatch (/s*)");
	no("fd.name pmatch (/*/Report.CSV)");
	event.path = bytes_of("/srv//data/x");
	yes("fd.name pmatch (/srv/data)");
}

static void test_numbers(void)
{
	event = sample();
	yes("proc.pid = 4711 and thread.tid = 4712 and proc.ppid = 1");
	yes("user.uid = 1000 and group.gid = 0x64");
	yes("fs.size >= 1MiB and fs.size > 1MB and fs.size < 2MiB");
	yes("fs.offset <= 4096 and not fs.offset < 4096");
	yes("event.duration > 10ms and event.duration = 12000us and event.duration < 1s");
	yes("event.result = 0 and evt.rawres >= 0 and evt.failed = false");
	yes("fs.ino in (5, 6)");
	yes("evt.num = 42 and event.seq = 41 and evt.num > 41 and evt.num >= 1");
	no("evt.num = 0");
	yes("evt.num in (0, 42)");
	yes("event.node = 1 and event.port = 2 and event.lane = 3");
	event.result = -13;
	yes("event.result = -13 and event.result < 0 and evt.failed = true");
	yes("event.result in (-13, 5)");
	event.id.seq = UINT64_MAX;
	no("evt.num <= 18446744073709551615");
}

static void test_times(void)
{
	event = sample();
	yes("evt.time = 2026-09-21T14:13:20Z");
	yes("evt.time = \"2026-09-21T16:13:20+02:00\"");
	yes("evt.time = 1790000000000000000 and evt.rawtime = 1790000000000000000");
	yes("evt.time > 2026-09-21 and evt.time < 2026-09-21T14:13:20.5Z");
	yes("time.hour = 14 and time.minute = 13 and time.weekday = 1");
	event.start_ns -= 86400000000000ull;
	yes("time.weekday = 7");
}

static void test_words(void)
{
	event = sample();
	yes("evt.type = open");
	yes("evt.type in (openat, openat2)");
	no("evt.type = create");
	yes("evt.type != create");
	yes("evt.type startswith op");
	no("evt.type endswith dir");
	yes("event.category = file and event.boundary = fuse");
	yes("event.category in (file, graph)");
	yes("evt.res = SUCCESS and evt.dir = <");
	no("evt.dir = >");
	event.type = VEX_CREATE;
	yes("evt.type = openat");
	yes("evt.type = creat");
	event.type = VEX_RMDIR;
	yes("evt.type in (unlinkat) and evt.type = rmdir");
	event.result = -11;
	yes("evt.res = EAGAIN and evt.res = EWOULDBLOCK and evt.res startswith E");
	yes("evt.res = -11");
	no("evt.res = SUCCESS");
	event.result = -512; /* has no name */
	no("evt.res startswith E");
	yes("evt.res != SUCCESS");
}

static void test_flags(void)
{
	event = sample();
	yes("fs.flags contains O_TRUNC");
	yes("fs.flags contains O_CREAT|O_TRUNC");
	no("fs.flags contains O_APPEND|O_TRUNC");
	yes("fs.flags intersects (O_APPEND, O_TRUNC)");
	no("fs.flags intersects (O_APPEND)");
	yes("fs.mode = 0100644 and fs.mode contains S_IWUSR and fs.mode contains S_IFREG");
	no("fs.mode contains S_ISUID");
	yes("evt.arg.flags contains O_TRUNC");
	event.type = VEX_CHMOD;
	event.mode = 04755;
	no("evt.arg.flags contains O_TRUNC");
	yes("evt.arg.mode contains S_ISUID");
}

static void test_opens(void)
{
	event = sample();
	yes("evt.is_open_write = true and evt.is_open_read = false");
	event.flags = O_RDWR;
	yes("evt.is_open_write = true and evt.is_open_read = true");
	event.flags = O_RDONLY;
	yes("evt.is_open_read = true and evt.is_open_write = false");
	yes("fd.num >= 0 and fd.num != -1");
	yes("fd.typechar = f and fd.type = file");
	event.mode = S_IFDIR | 0755;
	yes("fd.typechar = 'd' and fd.type in (directory)");
	event.result = -2;
	yes("fd.num = -1 and fd.num < 0 and not fd.num >= 0");
	event.has &= ~(uint32_t)VEX_HAS_FILE;
	no("evt.is_open_write = true");
	no("evt.is_open_write = false");
	no("fd.type exists");
	event.type = VEX_DELETE;
	yes("evt.is_open_write = false");
	no("fd.num exists");
	event.type = VEX_READ;
	yes("fd.num >= 0");
}

static void test_two_paths(void)
{
	event = sample();
	event.has |= VEX_HAS_PATH2;
	event.path2 = bytes_of("/new");
	yes("fs.path.name = /srv/data/Report.CSV");
	no("fs.path.source exists");
	event.type = VEX_RENAME;
	yes("fs.path.source endswith .CSV and fs.path.target = /new and fs.path2 = /new");
	yes("evt.arg.oldpath endswith .CSV and evt.arg.newpath = /new");
	no("fs.path.name exists");
	event.type = VEX_LINK;
	yes("fs.path.target endswith .CSV and fs.path.source = /new");
	event.type = VEX_SYMLINK;
	yes("evt.arg.linkpath endswith .CSV and evt.arg.target = /new");
	event.result = -1;
	no("fs.path.source exists");
}

/* A test of what is not there is false, whatever the operator. */
static void test_missing(void)
{
	event = (struct vex_event){.type = VEX_READ, .boundary = VEX_BOUNDARY_APP};
	no("fd.name exists");
	no("fd.name != /x");
	yes("not fd.name = /x");
	no("fd.name contains \"\"");
	no("fs.size >= 0");
	no("fs.size != 5");
	yes("user.uid >= 0");
	no("label exists");
	no("label in (a)");
	no("attr[x] exists");
	no("fs.flags intersects (0)");
	no("fs.flags contains 0");
	no("fd.directory exists or fd.filename exists or tenant exists or proc.name exists");
	event.has = VEX_HAS_PATH;
	event.path = bytes_of("name");
	no("fd.directory exists");
	yes("fd.filename = name");
	event.path = bytes_of("/name");
	yes("fd.directory = /");
	event.path = bytes_of("/a/");
	yes("fd.directory = /a and fd.filename = \"\"");
}

static void test_lists(void)
{
	event = sample();
	yes("label intersects (red, blue)");
	no("label in (red, blue)");
	yes("label in (red, green, blue)");
	yes("label exists");
	yes("attr[mime] = text/plain");
	no("attr[mime] = second");
	yes("attr[\"x y\"] contains b and attr['x y'] exists");
	no("attr[none] exists");
}

static void test_logic(void)
{
	event = sample();
	yes("evt.type=open and(user.uid=0 or user.uid=1000)");
	yes("not(evt.type=close) and not not evt.type=open");
	no("evt.type=open and user.uid=0 or user.uid=1");
	yes("user.uid=1000 or user.uid=1 and evt.type=close");
	no("(user.uid=1000 or user.uid=1) and evt.type=close");
	yes("'evt.type = open and proc.name = \"python3\"'");
	yes(">\n    evt.type = open\n    and proc.name = python3");
}

static struct rule_text printed(const char *condition)
{
	static char text[4096];
	struct rule_set *set = load_condition(condition);
	struct rule_text out = {text, 0};

	text[0] = '\0';
	if (set)
		out.len = rule_node_print(set->rules[0].condition, text, sizeof(text));
	CU_ASSERT_PTR_NOT_NULL(set);
	rule_set_free(set);
	return out;
}

static void test_folding(void)
{
	CU_ASSERT_STRING_EQUAL(printed("evt.num = 0").data, "false");
	CU_ASSERT_STRING_EQUAL(printed("user.uid >= 0").data, "true");
	CU_ASSERT_STRING_EQUAL(printed("fs.size >= 0").data, "fs.size exists");
	CU_ASSERT_STRING_EQUAL(printed("user.uid = 5000000000").data, "false");
	CU_ASSERT_STRING_EQUAL(printed("fs.size < 0 or proc.name = a").data, "proc.name = a");
	CU_ASSERT_STRING_EQUAL(printed("not not proc.name = a").data, "proc.name = a");
	CU_ASSERT_STRING_EQUAL(printed("evt.type = open and evt.type = close").data, "false");
	CU_ASSERT_STRING_EQUAL(printed("evt.type = open or evt.type = close").data,
			"evt.type in (open, close)");
	CU_ASSERT_STRING_EQUAL(printed("not evt.dir = < and container.id = x").data, "false");
	CU_ASSERT_STRING_EQUAL(printed("proc.name = a and (proc.name = b and fd.name = c)").data,
			"proc.name = a and proc.name = b and fd.name = c");
	CU_ASSERT_STRING_EQUAL(printed("not (proc.name = a or fd.name = b)").data,
			"not (proc.name = a or fd.name = b)");
}

static void test_repeats(void)
{
	static const struct {
		const char *condition;
		bool repeats;
	} cases[] = {{"fd.name = /a and evt.type = open and user.uid = 0 and tenant = 1", true},
			{"fd.name = /a and fs.size > 5", false},
			{"evt.res = ENOENT or proc.name = a", false},
			{"not fd.directory pmatch (/a)", true}};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rule_set *set = load_condition(cases[i].condition);

		CU_ASSERT_PTR_NOT_NULL_FATAL(set);
		CU_ASSERT_EQUAL(set->rules[0].condition->repeats, cases[i].repeats);
		rule_set_free(set);
	}
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"strings", test_strings},
		{"globs", test_globs},
		{"regular expressions", test_regexes},
		{"paths and what lies below", test_pmatch},
		{"numbers, sizes, durations", test_numbers},
		{"times", test_times},
		{"words", test_words},
		{"flags", test_flags},
		{"opens", test_opens},
		{"two paths", test_two_paths},
		{"what is missing", test_missing},
		{"lists and attributes", test_lists},
		{"and, or, not", test_logic},
		{"constants", test_folding},
		{"what repeats", test_repeats},
		CU_TEST_INFO_NULL,
	};
	int result = unit_run("rule_condition", tests);

	rule_diags_clear(&said);
	return result;
}
