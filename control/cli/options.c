/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli/options.h"

#include <stdio.h>
#include <string.h>

#include "cli/commands.h"

/* The word that is wrong: of letters in one word behind a single dash only that letter. */
static void name_wrong(char **argv, const struct option *longs, char *out, size_t cap)
{
	bool is_long = !optopt;

	for (; longs->name && !is_long; longs++)
		is_long = longs->val == optopt && !strncmp(argv[optind - 1], "--", 2);
	if (is_long)
		snprintf(out, cap, "%s", argv[optind - 1]);
	else
		snprintf(out, cap, "-%c", optopt);
}

int options_next(int argc, char **argv, const char *shorts, const struct option *longs, bool *begun)
{
	char with_colon[16]; /* by which a value that is missing is told from what is unknown */
	char wrong[256];
	int option;

	snprintf(with_colon, sizeof(with_colon), ":%s", shorts);
	if (!*begun)
		optind = 0;
	*begun = true;
	opterr = 0;
	option = getopt_long(argc, argv, with_colon, longs, NULL);
	if (option != ':' && option != '?')
		return option;
	name_wrong(argv, longs, wrong, sizeof(wrong));
	vex_error("%s: option '%s' %s; try 'vexctl %s --help'", argv[0], wrong,
			option == ':' ? "lacks its value"
			: strchr(wrong, '=') ? "takes no value, or is unknown" : "is unknown", argv[0]);
	return '?';
}
