/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/commands.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "cli/suggest.h"

#define LIST_MAX 512u

#define VEX_CALL(method, handler, NEEDS, words_, help_) \
	{.words = words_, .params = "", .help = help_, .run = vexctl_##handler},
#define VEX_ORDER(method, handler, MESSAGE, params_, words_, help_) \
	{.words = words_, .params = params_, .help = help_, .run = vexctl_##handler},
#define VEX_TASK(method, handler, ROLE, params_, words_, arguments, help_) \
	{.words = words_, .params = arguments, .help = help_, .run = vexctl_##handler},
const struct command commands[] = {
#include "control.def"
	{"rules check", "FILE|DIR...:file", "check rules, and load nothing", vexctl_rules_check},
	{"rules compile", "FILE|DIR...:file", "check rules, and write the image they make",
			vexctl_rules_compile},
	{"rules disassemble", "[FILE]...:file", "print an image, part by part",
			vexctl_rules_disassemble},
	{"rules show", "NAME:name", "all about one rule: text, compiled parts, counters",
			vexctl_rules_show},
	{"rules diff", "[VERSION|FILE]...:file", "compare versions, or files, rule by rule",
			vexctl_rules_diff},
	{"rules explain", "EVENT:file", "say which rules match an event, and why others do not",
			vexctl_rules_explain},
	{"tail", "", "print events as they happen", vexctl_tail},
	{"top", "", "show what happens most: types, processes, directories", vexctl_top},
	{"capture", "", "write events to a file that Wireshark reads", vexctl_capture},
	{"completion", "bash|zsh:word", "print a script that completes commands in a shell",
			vexctl_completion},
	{"help", "[COMMAND]:word", "describe all commands, or one", vexctl_help},
	{NULL},
};

/* Options of all commands that follow the live stream. */
#define STREAM_DETAILS \
	"  --where CONDITIONS  only events that meet all of them, separated by commas:\n" \
	"                        type=create|rename  types, or categories such as file\n" \
	"                        path=/srv/**        *, ?, [a-z] within a name, ** beyond;\n" \
	"                                            *.csv: a name in any directory\n" \
	"                        comm=python*        name of the process\n" \
	"                        pid=1234  uid=alice  boundary=kernel|fuse|app|peer|replay\n" \
	"                        tenant=7  priority=critical|error  class=high  rule=Secrets*\n" \
	"                                            of the rule that led it here\n" \
	"                      GAPs, which tell of lost events, always come.\n" \
	"  --name NAME         subscribe by this name: one that rules route to gets what they\n" \
	"                      lead to it, and no more\n" \
	"  --count N           end after N events\n" \
	"  --timeout S         end after S seconds\n"

/* What is to be said of a command's options. */
static const struct {
	const char *words;
	const char *options;
	const char *details;
} extras[] = {
	{"tail", "--where --name --count --timeout --format",
			STREAM_DETAILS
			"  --format FORMAT     text, json (as --json does), or ocsf:\n"
			"                      File System Activity of OCSF\n"},
	{"top", "--where --name --count --timeout --interval",
			"  --interval S        how often, 1 second unless told\n"
			STREAM_DETAILS
			"\nHere N counts intervals.\n"},
	{"capture", "-w --where --name --count --timeout",
			"  -w FILE             where to write; - is standard output\n"
			STREAM_DETAILS},
	{"kernel select", "",
			"  all             everything\n"
			"  type=create     types, or categories such as file\n"
			"  path=/srv       what is in a folder\n"
			"  device=8:1      a device; or a path: the device, or mount, that it is on\n"
			"  uid=alice       a user\n"
			"  pid=1234        a process and its children\n"
			"  cgroup=FOLDER   a cgroup, and those beneath\n\n"
			"Several values of a key, KEY=A|B or KEY=A KEY=B: one of them; several keys: all\n"
			"of them. What was selected before is forgotten. It stays until the data plane\n"
			"ends, or reads its configuration again (kernel_select there).\n"},
	{"rules load", "--message --dry-run",
			"  --message TEXT  why; stands in the history\n"
			"  --dry-run       compile them, and load nothing\n\n"
			"They are in force at once, all of them or none. Exit code 78 where they are\n"
			"wrong; what was in force stays.\n"},
	{"rules enable", "--message", "  --message TEXT  why; stands in the history\n"},
	{"rules disable", "--message",
			"  --message TEXT  why; stands in the history\n\n"
			"Until they are enabled, or rules are loaded again.\n"},
	{"rules rollback", "--message",
			"  --message TEXT  why; stands in the history\n\n"
			"Makes a new version with the rules of an old one.\n"},
	{"rules explain", "--rules --matching",
			"  EVENT         a file with one event in JSON, as 'vexctl tail --json' prints\n"
			"                it; - is standard input; CAPTURE.pcap:N is the N-th packet of\n"
			"                a capture\n"
			"  --rules PATH  these rules, not those in force; may stand more than once\n"
			"  --matching    only the rules that match\n"},
	{"rules diff", "",
			"  (nothing)          the version in force with the one before it\n"
			"  VERSION            that version with the one in force\n"
			"  VERSION VERSION    the first with the second\n"
			"  FILE|DIR...        what is in force with files: what loading would change\n"
			"  VERSION FILE...    that version with files\n"},
	{"rules compile", "-o",
			"  -o IMAGE   where to write; - is standard output\n\n"
			"What vex-dataplane takes as --rules-image. Where anything is wrong nothing is\n"
			"written. Exit codes are those of 'rules check'.\n"},
	{"rules disassemble", "",
			"  (nothing)          what is in force\n"
			"  IMAGE              an image; it is verified first\n"
			"  FILE|DIR...        rules, which are compiled\n\n"
			"Exit code 78 where the rules are wrong or the image is damaged.\n"},
	{"rules check", "",
			"Everything that is wrong is told in one go, each with its file, line and\n"
			"column. Asks nobody: vex-control need not run.\n\n"
			"Exit code 0 where the rules are good, perhaps with warnings; 1 where they\n"
			"could not be read; 78 where they are wrong.\n"},
	{"status", "", "Exit code 1 where the data plane is not running.\n"},
	{"verify", "--quiet --wait",
			"  --quiet   print nothing; the exit code tells\n"
			"  --wait S  ask again, for at most S seconds, until all holds and\n"
			"            nothing is held\n\n"
			"Exit code 1 where it does not hold.\n"},
};

/* The n-th word of a command; 0 where it has fewer. */
static size_t nth_word(const struct command *command, int n, const char **word)
{
	*word = command->words;
	while (n-- > 0) {
		*word += strcspn(*word, " ");
		*word += **word == ' ';
	}
	return strcspn(*word, " ");
}

/* Whether a command's first count words are those that another begins with. */
static bool same_start(const struct command *a, const struct command *b, int count)
{
	const char *left;
	const char *right;
	size_t len;
	int i;

	for (i = 0; i < count; i++) {
		len = nth_word(a, i, &left);
		if (!len || len != nth_word(b, i, &right) || memcmp(left, right, len))
			return false;
	}
	return true;
}

/*
 * What may stand at place n behind the words that found has there: each once, those that begin
 * with typed. Returns how many, and names them in list; one is the first command with such a
 * word, or the one whose word is typed in full. Commands that begin alike stand together.
 */
static unsigned list_words(const struct command *found, int n, const char *typed, char *list,
		const struct command **one)
{
	const struct command *previous = NULL;
	const struct command *command;
	size_t typed_len = strlen(typed);
	const char *word;
	unsigned count = 0;
	size_t used = 0;
	size_t len;

	*list = '\0';
	for (command = commands; command->words; command++) {
		len = nth_word(command, n, &word);
		if (!len || !same_start(command, found, n) || typed_len > len ||
				memcmp(word, typed, typed_len))
			continue;
		if (previous && same_start(command, previous, n + 1))
			continue;
		previous = command;
		if (!count++ || len == typed_len)
			*one = command;
		if (len == typed_len)
			return 1;
		used += (size_t)snprintf(list + used, LIST_MAX - used, "%s%.*s",
				used ? ", " : "", (int)len, word);
	}
	return count;
}

/* Says why no word fits, with the likeliest of those that would. */
static void complain(const struct command *found, int n, const char *typed)
{
	const struct command *ignored;
	char list[LIST_MAX];
	char near[64];

	list_words(found, n, "", list, &ignored);
	if (suggest(typed, list, near, sizeof(near)))
		vex_error("'%s' is not known here; did you mean '%s'?", typed, near);
	else
		vex_error("'%s' is not known here; try one of: %s", typed, list);
}

const struct command *command_find(int argc, char **argv, int *used)
{
	const struct command *found = commands;
	char list[LIST_MAX];
	const char *word;
	unsigned count;
	int n;

	for (n = 0; n == 0 || nth_word(found, n, &word); n++) {
		if (n == argc) {
			list_words(found, n, "", list, &found);
			vex_error("a command must follow, one of: %s", list);
			return NULL;
		}
		count = list_words(found, n, argv[n], list, &found);
		if (!count) {
			complain(found, n, argv[n]);
			return NULL;
		}
		if (count > 1) {
			vex_error("'%s' may be any of: %s", argv[n], list);
			return NULL;
		}
	}
	*used = n;
	return found;
}

const char *command_options(const struct command *command)
{
	size_t i;

	for (i = 0; i < sizeof(extras) / sizeof(extras[0]); i++)
		if (!strcmp(extras[i].words, command->words))
			return extras[i].options;
	return "";
}

/* A name stands in capitals; a word, which is typed as it is, does not. */
void command_usage(const struct command *command, char *out, size_t cap)
{
	const char *p = command->params;
	size_t n = (size_t)snprintf(out, cap, "%s", command->words);

	while (*p && n + 2 < cap) {
		bool literal = !strncmp(p + strcspn(p, ":"), ":word", 5);

		out[n++] = ' ';
		for (; *p != ':' && n + 1 < cap; p++)
			out[n++] = literal ? *p : (char)toupper((unsigned char)*p);
		p += strcspn(p, " ");
		p += *p == ' ';
	}
	out[n] = '\0';
}

bool command_print_group(int argc, char **argv)
{
	const struct command *first = commands;
	const struct command *command;
	char list[LIST_MAX];
	const char *word;
	char line[64];

	if (argc != 1 || list_words(commands, 0, argv[0], list, &first) != 1 ||
			!nth_word(first, 1, &word))
		return false;
	puts("Commands:");
	for (command = first; command->words && same_start(command, first, 1); command++) {
		command_usage(command, line, sizeof(line));
		printf("  %-30s %s\n", line, command->help);
	}
	printf("\n'vexctl help %.*s COMMAND' describes one.\n", (int)nth_word(first, 0, &word),
			first->words);
	return true;
}

void command_print_help(const struct command *command)
{
	char usage[64];
	size_t i;

	command_usage(command, usage, sizeof(usage));
	printf("Usage: vexctl [OPTION]... %s\n%c%s.\n", usage,
			toupper((unsigned char)command->help[0]), command->help + 1);
	for (i = 0; i < sizeof(extras) / sizeof(extras[0]); i++)
		if (!strcmp(extras[i].words, command->words))
			printf("\n%s", extras[i].details);
	puts("\nOptions of all commands: see 'vexctl help'.");
}
