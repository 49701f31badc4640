/* SPDX-License-Identifier: BSD-3-Clause */
#include "rule_sets.h"

#include <fts.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *need(void *memory)
{
	if (!memory)
		abort();
	return memory;
}

/* Each so many of the tree's paths, so that those kept come from everywhere. */
static unsigned walk(struct rule_paths *paths, const char *root, unsigned each)
{
	char *roots[] = {(char *)root, NULL};
	FTS *tree = need(fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_NOSTAT, NULL));
	unsigned seen = 0;
	FTSENT *entry;

	while ((entry = fts_read(tree))) {
		if (entry->fts_info == FTS_DP || entry->fts_pathlen < 40 ||
				entry->fts_pathlen > 95 || strpbrk(entry->fts_path, "'\"\\[]*?\n"))
			continue;
		if (each && seen % each == 0 && paths->count < RULE_PATHS)
			paths->path[paths->count++] = need(strdup(entry->fts_path));
		seen++;
	}
	fts_close(tree);
	return seen;
}

void rule_paths_take(struct rule_paths *paths, const char *root)
{
	unsigned total = walk(paths, root, 0);
	double bytes = 0;
	unsigned i;

	walk(paths, root, total > RULE_PATHS ? total / RULE_PATHS : 1);
	for (i = 0; i < paths->count; i++)
		bytes += (double)strlen(paths->path[i]);
	paths->mean = paths->count ? bytes / paths->count : 0;
}

void rule_paths_free(struct rule_paths *paths)
{
	while (paths->count)
		free(paths->path[--paths->count]);
}

uint16_t rule_paths_type(unsigned i)
{
	static const uint16_t types[] = {VEX_OPEN, VEX_READ, VEX_CLOSE, VEX_WRITE};

	return types[i % 4];
}

void rule_paths_event(const struct rule_paths *paths, unsigned i, struct vex_event *event)
{
	event->type = rule_paths_type(i);
	event->boundary = VEX_BOUNDARY_KERNEL;
	event->has = VEX_HAS_PATH | VEX_HAS_COMM | VEX_HAS_RANGE;
	event->uid = i % 100;
	event->pid = 1000 + i % 64;
	event->size = i * 61 % 65536;
	event->offset = i * 4096ull % (1 << 22);
	event->comm = (struct vex_bytes){"cc1", 3};
	event->path = (struct vex_bytes){paths->path[i], strlen(paths->path[i])};
}

static void __attribute__((format(printf, 2, 3))) put(struct rule_text_file *file,
		const char *format, ...)
{
	va_list args;

	if (file->cap - file->len < 2048) {
		file->cap = file->cap * 2 + 65536;
		file->text = need(realloc(file->text, file->cap));
	}
	va_start(args, format);
	file->len += (size_t)vsnprintf(file->text + file->len, file->cap - file->len, format, args);
	va_end(args);
}

/* What stands before the last slash. */
static int folder(const char *path)
{
	return (int)(strrchr(path, '/') - path);
}

static void keep(struct rule_globs *globs, unsigned i, const char *glob)
{
	char regex[1024] = "\\A";
	size_t n = 2;

	if (!globs || i >= globs->count)
		return;
	globs->glob[i] = need(strdup(glob));
	for (; *glob && n < sizeof(regex) - 8; glob++)
		n += (size_t)sprintf(regex + n, *glob == '*' ? ".*" : "\\x%02x", (uint8_t)*glob);
	strcpy(regex + n, "\\z");
	globs->regex[i] = need(strdup(regex));
}

/* The rest of a name that nobody has, but for the first 1,000. */
static const char *unique(unsigned i)
{
	static char text[32];

	snprintf(text, sizeof(text), i < 1000 ? "" : ".%u~", i);
	return text;
}

static void put_subtree(struct rule_text_file *file, const char *path, unsigned i,
		struct rule_globs *globs)
{
	char glob[256];

	put(file, "'fd.name pmatch (\"%.*s%s\")%s'\n", folder(path), path, unique(i),
			i % 2 ? " and evt.type in (open, create, write)" : "");
	snprintf(glob, sizeof(glob), "%.*s%s/*", folder(path), path, unique(i));
	keep(globs, i, glob);
}

static void put_exact(struct rule_text_file *file, const char *path, unsigned i,
		struct rule_globs *globs)
{
	char glob[256];

	put(file, "'fd.name = \"%s%s\"'\n", path, unique(i));
	snprintf(glob, sizeof(glob), "%s%s", path, unique(i));
	keep(globs, i, glob);
}

static void put_extension(struct rule_text_file *file, const char *path, unsigned i,
		struct rule_globs *globs)
{
	const char *dot = strrchr(strrchr(path, '/'), '.');
	char glob[256];

	dot = dot && strlen(dot) > 2 ? dot : ".conf";
	put(file, "'fd.name endswith \"%s%s\" and user.uid = %u'\n", dot, unique(i), i % 100);
	snprintf(glob, sizeof(glob), "*%s%s", dot, unique(i));
	keep(globs, i, glob);
}

/* A text as an expression that fits it alone, within quotes. */
static void put_literal(struct rule_text_file *file, const char *text, int len)
{
	for (; len > 0; len--, text++)
		put(file, strchr("^$.|()+{}", *text) ? "\\\\%c" : "%c", *text);
}

static void put_glob(struct rule_text_file *file, const char *path, unsigned i,
		struct rule_globs *globs)
{
	const char *name = strrchr(path, '/') + 1;
	const char *fields = "and evt.type in (open, create, rename) and fs.size > 4096";
	char glob[256];

	snprintf(glob, sizeof(glob), "%.*s%s/%.2s*%.1s*", folder(path), path, unique(i), name, name);
	keep(globs, i, glob);
	if (i / 100 % 10) {
		put(file, "'fd.name glob \"%s\" %s'\n", glob, fields);
		return;
	}
	put(file, "'fd.name regex \"");
	put_literal(file, path, folder(path));
	put_literal(file, unique(i), (int)strlen(unique(i)));
	put(file, "/[a-z]+[0-9]*.*\" %s'\n", fields);
}

static void make_room(struct rule_globs *globs, unsigned rules)
{
	if (!globs)
		return;
	globs->count = rules;
	globs->glob = need(calloc(rules, sizeof(char *)));
	globs->regex = need(calloc(rules, sizeof(char *)));
}

void rule_sets_mixed(struct rule_text_file *file, const struct rule_paths *paths, unsigned rules,
		struct rule_globs *globs)
{
	uint64_t state = 7;
	unsigned i;

	make_room(globs, rules);
	for (i = 0; i < rules; i++) {
		const char *path;

		state = state * 6364136223846793005u + 1442695040888963407u;
		path = paths->path[(state >> 33) % paths->count];
		put(file, "- rule: rule-%u\n  condition: ", i);
		if (i % 100 < 70)
			put_subtree(file, path, i, globs);
		else if (i % 100 < 90)
			put_exact(file, path, i, globs);
		else if (i % 100 < 95)
			put_extension(file, path, i, globs);
		else
			put_glob(file, path, i, globs);
	}
}

void rule_sets_globs(struct rule_text_file *file, const struct rule_paths *paths, unsigned rules,
		struct rule_globs *globs)
{
	char glob[256];
	unsigned i;

	make_room(globs, rules);
	for (i = 0; i < rules; i++) {
		const char *path = paths->path[i * 7919ull % paths->count];
		const char *name = strrchr(path, '/') + 1;

		snprintf(glob, sizeof(glob), "*/%.6s*%u*", name, i);
		put(file, "- rule: glob-%u\n  condition: 'fd.name glob \"%s\"'\n", i, glob);
		keep(globs, i, glob);
	}
}

void rule_sets_filters(struct rule_text_file *file)
{
	unsigned i;

	for (i = 0; i < 64; i++)
		put(file, "- rule: filter-%u\n  condition: 'fs.size > %u and fs.offset < %u and "
			  "event.result >= 0'\n", i, 512 * i, 65536 * (i + 1));
}

void rule_globs_free(struct rule_globs *globs)
{
	unsigned i;

	for (i = 0; i < globs->count; i++) {
		free(globs->glob[i]);
		free(globs->regex[i]);
	}
	free(globs->glob);
	free(globs->regex);
	globs->count = 0;
}
