/* SPDX-License-Identifier: BSD-3-Clause */
#include "rule_hs.h"

#include <errno.h>
#include <hs/hs.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

struct rule_hs {
	hs_database_t *database;
	hs_scratch_t *scratch;
};

static int compile(struct rule_hs *hs, const struct rule_globs *globs)
{
	unsigned *flags = calloc(globs->count, sizeof(*flags));
	unsigned *ids = calloc(globs->count, sizeof(*ids));
	hs_compile_error_t *error = NULL;
	unsigned i;

	for (i = 0; flags && ids && i < globs->count; i++) {
		flags[i] = HS_FLAG_DOTALL | HS_FLAG_SINGLEMATCH;
		ids[i] = i;
	}
	if (flags && ids)
		hs_compile_multi((const char *const *)globs->regex, flags, ids, globs->count,
				HS_MODE_BLOCK, NULL, &hs->database, &error);
	if (error)
		vex_error("hs_scan: %s", error->message);
	hs_free_compile_error(error);
	free(flags);
	free(ids);
	return hs->database && hs_alloc_scratch(hs->database, &hs->scratch) == HS_SUCCESS ? 0 : -EIO;
}

int rule_hs_new(const struct rule_globs *globs, struct rule_hs **out)
{
	struct rule_hs *hs = calloc(1, sizeof(*hs));
	int error = hs ? compile(hs, globs) : -ENOMEM;

	if (error)
		rule_hs_free(hs);
	*out = error ? NULL : hs;
	return error;
}

void rule_hs_free(struct rule_hs *hs)
{
	if (!hs)
		return;
	hs_free_scratch(hs->scratch);
	hs_free_database(hs->database);
	free(hs);
}

static int count(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
		void *data)
{
	(void)id, (void)from, (void)to, (void)flags;
	++*(unsigned *)data;
	return 0;
}

unsigned rule_hs_scan(const struct rule_hs *hs, const struct rule_paths *paths)
{
	unsigned found = 0;
	unsigned i;

	for (i = 0; i < paths->count; i++)
		hs_scan(hs->database, paths->path[i], (unsigned)strlen(paths->path[i]), 0,
				hs->scratch, count, &found);
	return found;
}
