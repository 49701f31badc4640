/* SPDX-License-Identifier: BSD-3-Clause */
#include "support/rule_random.h"

#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/rule_draw.h"

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

/* Each path to one place out of max, so that those kept come from everywhere: later ones drive
 * earlier ones out as long as there are more than places. */
static void keep_path(struct rule_random *random, const char *path, size_t max, size_t seen)
{
	size_t place = random->path_count < max ? random->path_count : draw(random, seen + 1);

	if (place >= max || strlen(path) > 1000)
		return;
	if (place == random->path_count)
		random->path_count++;
	else
		free(random->paths[place]);
	random->paths[place] = strdup(path);
}

static bool walk(struct rule_random *random, const char *root, size_t max)
{
	char *roots[] = {(char *)root, NULL};
	FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_NOSTAT, by_name);
	FTSENT *entry;
	size_t seen = 0;

	while (tree && (entry = fts_read(tree)) && seen < max * 8)
		if (entry->fts_info != FTS_DP)
			keep_path(random, entry->fts_path, max, seen++);
	if (tree)
		fts_close(tree);
	return random->path_count > 0;
}

struct rule_random *rule_random_new(const char *root, size_t max, uint64_t seed)
{
	struct rule_random *random = calloc(1, sizeof(*random));

	if (!random)
		return NULL;
	random->paths = calloc(max, sizeof(*random->paths));
	rule_random_seed(random, 1);
	if (!random->paths || !walk(random, root, max)) {
		rule_random_free(random);
		return NULL;
	}
	rule_random_seed(random, seed);
	return random;
}

void rule_random_free(struct rule_random *random)
{
	size_t i;

	if (!random)
		return;
	for (i = 0; random->paths && i < random->path_count; i++)
		free(random->paths[i]);
	free(random->paths);
	free(random->text);
	free(random);
}

/* splitmix64 */
uint64_t draw_bits(struct rule_random *random)
{
	uint64_t z = (random->state += 0x9e3779b97f4a7c15u);

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

void rule_random_seed(struct rule_random *random, uint64_t seed)
{
	random->state = seed;
}

const char *draw_path(struct rule_random *random)
{
	/* A few paths often, so that rules and events meet. */
	size_t few = random->path_count < 64 ? random->path_count : 64;

	return random->paths[draw(random, chance(random, 70) ? few : random->path_count)];
}

const char *draw_name(struct rule_random *random)
{
	static const char *const names[] = {"bash", "python3", "cat", "sshd", "nginx", "cc1", "ld",
			"rsync", "Xorg", "kworker/0:1", "a name", "-bash"};

	return names[draw(random, sizeof(names) / sizeof(names[0]))];
}

uint64_t draw_number(struct rule_random *random)
{
	static const uint64_t edges[] = {0, 1, 2, 3, 7, 100, 1000, 4095, 4096, 65535, 65536,
			INT32_MAX, UINT32_MAX, 1ull << 32, INT64_MAX, UINT64_MAX};

	if (chance(random, 30))
		return edges[draw(random, sizeof(edges) / sizeof(edges[0]))];
	return chance(random, 80) ? draw(random, 20) : draw_bits(random) >> draw(random, 64);
}

uint64_t draw_time(struct rule_random *random)
{
	return 1790000000000000000u + draw(random, 30) * 3600000000000u +
			(chance(random, 50) ? draw(random, 3600) * 1000000000u : 0);
}

/* -- events -- */

static struct vex_bytes keep(struct random_event *out, const char *data, size_t len)
{
	struct vex_bytes bytes = {out->text + out->used, len};

	if (len > sizeof(out->text) - out->used)
		return (struct vex_bytes){NULL, 0};
	if (len)
		memcpy(out->text + out->used, data, len);
	out->used += len;
	return bytes;
}

/* A path of the tree, now and then one that no tree has. */
static struct vex_bytes event_path(struct rule_random *random, struct random_event *out)
{
	static const char *const odd[] = {"", "/", "//", "relative", "/usr//bin/", "a/b", "/\xff\n",
			"/usr/", "\n", "/usr/bin/[", "/usr/share/\\"};
	struct vex_bytes path;
	const char *text = draw_path(random);
	size_t i;

	if (chance(random, 4))
		text = odd[draw(random, sizeof(odd) / sizeof(odd[0]))];
	path = keep(out, text, strlen(text));
	if (path.len && chance(random, 10)) {
		i = draw(random, path.len);
		((char *)path.data)[i] = (char)(1 + draw(random, 255));
	}
	if (path.len && chance(random, 10))
		path.len = draw(random, path.len + 1);
	return path;
}

static void set_pairs(struct rule_random *random, struct random_event *out)
{
	static const char *const names[] = {"mime", "user.a", "x y", ""};
	static const char *const values[] = {"", "text/plain", "a\0b", "42", "TEXT/html"};
	struct vex_event *event = &out->event;
	uint32_t i;

	event->pairs = out->space.pairs;
	event->labels = out->space.labels;
	for (event->pair_count = (uint32_t)draw(random, 4), i = 0; i < event->pair_count; i++) {
		const char *name = names[draw(random, 4)];
		size_t value = draw(random, 5);

		out->space.pairs[i].name = keep(out, name, strlen(name));
		out->space.pairs[i].value =
				keep(out, values[value], value == 2 ? 3 : strlen(values[value]));
	}
	for (event->label_count = (uint32_t)draw(random, 3), i = 0; i < event->label_count; i++) {
		const char *name = draw_name(random);

		out->space.labels[i] = keep(out, name, strlen(name));
	}
}

static int32_t draw_result(struct rule_random *random)
{
	static const int32_t odd[] = {INT32_MIN, INT32_MAX, -41, -58, -133, -134, -512, -4095};

	if (chance(random, 60))
		return (int32_t)draw(random, 3) * 2048;
	return chance(random, 80) ? -(int32_t)draw(random, 40) : odd[draw(random, 8)];
}

static uint16_t draw_type(struct rule_random *random)
{
	static const uint16_t common[] = {VEX_OPEN, VEX_CREATE, VEX_WRITE, VEX_READ, VEX_DELETE,
			VEX_RENAME, VEX_CLOSE, VEX_LINK, VEX_SYMLINK, VEX_CHMOD, VEX_MKDIR};
	uint16_t type;

	if (chance(random, 80))
		return common[draw(random, sizeof(common) / sizeof(common[0]))];
	do
		type = (uint16_t)draw(random, VEX_TYPE_LIMIT);
	while (!vex_type_name(type));
	return type;
}

static uint32_t draw_mode(struct rule_random *random)
{
	static const uint32_t modes[] = {0100644, 040755, 0104755, 0120777, 0, 0644, 0140000, 0177777};

	return chance(random, 90) ? modes[draw(random, 8)] : (uint32_t)draw_bits(random);
}

static void set_stores(struct rule_random *random, struct vex_event *event)
{
	event->graph = (struct vex_attr_graph){draw_number(random), draw_number(random),
			draw_number(random), draw_number(random), draw_number(random)};
	event->vector = (struct vex_attr_vector){draw_number(random), draw_number(random),
			draw_number(random), (uint32_t)draw_number(random),
			(uint32_t)draw_number(random)};
}

static void set_numbers(struct rule_random *random, struct vex_event *event)
{
	event->id = (struct vex_event_id){draw_number(random), (uint32_t)draw_number(random),
			(uint16_t)draw_number(random), (uint16_t)draw_number(random)};
	event->start_ns = chance(random, 95) ? draw_time(random) : draw_bits(random);
	event->duration_ns = draw_number(random);
	event->result = draw_result(random);
	event->pid = (uint32_t)draw_number(random);
	event->tid = (uint32_t)draw_number(random);
	event->ppid = (uint32_t)draw_number(random);
	event->uid = (uint32_t)draw_number(random);
	event->gid = (uint32_t)draw_number(random);
	event->tenant = (uint32_t)draw_number(random);
	event->mode = draw_mode(random);
	event->flags = chance(random, 90) ? (uint32_t)draw(random, 04000) : (uint32_t)draw_bits(random);
	event->dev = draw_number(random);
	event->ino = draw_number(random);
	event->parent_ino = draw_number(random);
	event->parent2_ino = draw_number(random);
	event->offset = draw_number(random);
	event->size = draw_number(random);
}

void rule_random_event(struct rule_random *random, struct random_event *out)
{
	struct vex_event *event = &out->event;
	const char *name = draw_name(random);

	memset(event, 0, sizeof(*event));
	out->used = 0;
	event->type = draw_type(random);
	event->boundary = (uint8_t)draw(random, VEX_BOUNDARY_COUNT);
	event->has = (uint32_t)draw_bits(random) | (uint32_t)draw_bits(random);
	event->has &= (VEX_HAS_GAP << 1) - 1;
	set_numbers(random, event);
	event->comm = keep(out, name, strlen(name));
	event->path = event_path(random, out);
	event->path2 = event_path(random, out);
	set_stores(random, event);
	set_pairs(random, out);
}
