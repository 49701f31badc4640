/* SPDX-License-Identifier: BSD-3-Clause */
#include "support/rule_drawn.h"

#include <string.h>

#include "support/rule_limits.h"

static uint64_t draw(struct drawn *drawn, uint64_t below)
{
	return next_random(drawn->state) % below;
}

static struct vex_bytes draw_text(struct drawn *drawn, size_t min, size_t max)
{
	char *at = drawn->text + drawn->used;
	size_t len = min + draw(drawn, max - min + 1);
	size_t i;

	for (i = 0; i < len; i++)
		at[i] = (char)(128 + draw(drawn, 128));
	drawn->used += len;
	return (struct vex_bytes){at, len};
}

static struct vex_bytes draw_path(struct drawn *drawn)
{
	char *start = drawn->text + drawn->used;
	size_t components = draw(drawn, 5);
	size_t i;

	for (i = 0; i < components; i++) {
		if (i || draw(drawn, 4))
			drawn->text[drawn->used++] = '/';
		draw_text(drawn, draw(drawn, 8) ? DRAWN_PART : 0, 40);
	}
	return (struct vex_bytes){start, (size_t)(drawn->text + drawn->used - start)};
}

static struct vex_bytes last_part(struct vex_bytes path)
{
	const char *data = path.data;
	size_t at = path.len;

	while (at && data[at - 1] != '/')
		at--;
	return (struct vex_bytes){data + at, path.len - at};
}

/* Of its own, or the first one, or in its folder, or of its name. */
static struct vex_bytes draw_path2(struct drawn *drawn)
{
	struct vex_bytes path = drawn->event.path;
	struct vex_bytes name = last_part(path);
	char *start = drawn->text + drawn->used;

	switch (draw(drawn, 4)) {
	case 0:
		return path;
	case 1:
		memcpy(start, path.data, path.len - name.len);
		drawn->used += path.len - name.len;
		draw_text(drawn, DRAWN_PART, 40);
		break;
	case 2:
		draw_path(drawn);
		drawn->text[drawn->used++] = '/';
		memcpy(drawn->text + drawn->used, name.data, name.len);
		drawn->used += name.len;
		break;
	default:
		return draw_path(drawn);
	}
	return (struct vex_bytes){start, (size_t)(drawn->text + drawn->used - start)};
}

static uint64_t draw_number(struct drawn *drawn)
{
	return next_random(drawn->state) | 0x8100000081000000u; /* no byte is likely to be found by chance */
}

static void draw_numbers(struct drawn *drawn)
{
	struct vex_event *event = &drawn->event;
	uint32_t *const small[] = {&event->pid, &event->tid, &event->ppid, &event->uid, &event->gid,
			&event->tenant, &event->mode, &event->flags, &event->vector.dimension,
			&event->vector.k};
	uint64_t *const large[] = {&event->dev, &event->ino, &event->parent_ino,
			&event->parent2_ino, &event->offset, &event->size, &event->graph.node,
			&event->graph.edge, &event->graph.from, &event->graph.to,
			&event->graph.count, &event->vector.vector, &event->vector.collection,
			&event->vector.count};
	size_t i;

	for (i = 0; i < sizeof(small) / sizeof(*small); i++)
		*small[i] = (uint32_t)draw_number(drawn);
	for (i = 0; i < sizeof(large) / sizeof(*large); i++)
		*large[i] = draw_number(drawn);
	if (draw(drawn, 2))
		event->tid = event->pid;
	event->result = (int32_t)draw_number(drawn);
}

void drawn_event(struct drawn *drawn, uint64_t *state)
{
	struct vex_event *event = &drawn->event;
	uint32_t i;

	memset(drawn, 0, sizeof(*drawn));
	drawn->state = state;
	event->type = VEX_RENAME;
	event->boundary = (uint8_t)draw(drawn, VEX_BOUNDARY_COUNT);
	event->has = (uint32_t)draw(drawn, VEX_HAS_GAP);
	event->start_ns = draw_number(drawn);
	event->duration_ns = draw(drawn, 2) ? draw(drawn, 1000) : draw_number(drawn);
	event->id.seq = draw(drawn, 1000);
	draw_numbers(drawn);
	event->comm = draw_text(drawn, DRAWN_PART, 15);
	event->path = draw_path(drawn);
	event->path2 = draw_path2(drawn);
	event->pairs = drawn->pairs;
	event->labels = drawn->labels;
	event->pair_count = (uint32_t)draw(drawn, 5);
	event->label_count = (uint32_t)draw(drawn, 4);
	for (i = 0; i < event->pair_count; i++)
		drawn->pairs[i] = (struct vex_pair){{"a b c" + 2 * draw(drawn, 3), 1},
				draw_text(drawn, DRAWN_PART, 200)};
	for (i = 0; i < event->label_count; i++)
		drawn->labels[i] = draw_text(drawn, DRAWN_PART, 30);
}
