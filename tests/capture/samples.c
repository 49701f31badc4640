/* SPDX-License-Identifier: BSD-3-Clause */
#include "capture/samples.h"

#include <assert.h>
#include <stdio.h>

#define ALL                                                                                        \
	(VEX_HAS_TASK | VEX_HAS_TENANT | VEX_HAS_FILE | VEX_HAS_RANGE | VEX_HAS_PATH |             \
			VEX_HAS_PATH2 | VEX_HAS_COMM | VEX_HAS_PARENT2 | VEX_HAS_GRAPH |           \
			VEX_HAS_VECTOR | VEX_HAS_ROUTE | VEX_HAS_SUPPRESSED)

/* splitmix64 */
uint64_t sample_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

static uint64_t number(struct sample *s)
{
	return sample_random(&s->random);
}

static struct vex_bytes keep(struct sample *s, size_t len)
{
	struct vex_bytes bytes = {.data = s->text + s->used, .len = len};

	assert(len <= sizeof(s->text) - s->used);
	s->used += len;
	return bytes;
}

static struct vex_bytes text(struct sample *s, const char *word)
{
	uint8_t *at = s->text + s->used;
	size_t len = (size_t)snprintf((char *)at, sizeof(s->text) - s->used, "%s-%x", word,
			(unsigned)(number(s) & 0xffff));

	return keep(s, len);
}

static struct vex_bytes noise(struct sample *s, size_t len, bool nul)
{
	uint8_t *at = s->text + s->used;

	for (size_t i = 0; i < len; i++) {
		at[i] = (uint8_t)number(s);
		if (!at[i] && !nul)
			at[i] = 0xff;
	}
	return keep(s, len);
}

static struct vex_bytes repeat(struct sample *s, int c, size_t len)
{
	memset(s->text + s->used, c, len);
	return keep(s, len);
}

static void set_numbers(struct sample *s)
{
	struct vex_event *e = &s->event;

	e->tid = (uint32_t)number(s);
	e->ppid = (uint32_t)number(s);
	e->tenant = (uint32_t)number(s);
	e->mode = (uint32_t)number(s);
	e->flags = (uint32_t)number(s);
	e->dev = number(s);
	e->ino = number(s);
	e->parent_ino = number(s);
	e->parent2_ino = number(s);
	e->offset = number(s);
	e->size = number(s);
	e->graph = (struct vex_attr_graph){number(s), number(s), number(s), number(s), number(s)};
	e->vector = (struct vex_attr_vector){number(s), number(s), number(s), (uint32_t)number(s),
			(uint32_t)number(s)};
	e->route = (struct vex_attr_route){number(s), (uint32_t)number(s), (uint16_t)number(s),
			(uint8_t)number(s), (uint8_t)number(s), number(s)};
	e->suppressed = (struct vex_attr_suppressed){number(s), number(s), number(s)};
	e->has |= ALL;
}

static void set_header(struct sample *s, uint32_t type)
{
	struct vex_event *e = &s->event;

	e->type = (uint16_t)type;
	e->boundary = (uint8_t)(1 + number(s) % (VEX_BOUNDARY_COUNT - 1));
	e->id = (struct vex_event_id){number(s), (uint32_t)number(s), (uint16_t)number(s),
			(uint16_t)number(s)};
	e->start_ns = 1790000000000000000ull + number(s) % 1000000000000ull;
	e->duration_ns = number(s) % 1000000;
	e->result = (int32_t)(number(s) % 200) - 100;
	e->pid = (uint32_t)number(s);
	e->uid = (uint32_t)number(s);
	e->gid = (uint32_t)number(s);
}

static void set_gap(struct sample *s)
{
	struct vex_attr_gap *gap = &s->event.gap;

	gap->first = number(s) >> 1;
	gap->count = number(s) % 1000000 + 1;
	gap->last = gap->first + gap->count - 1;
	gap->reason = (uint32_t)(number(s) % VEX_GAP_REASON_COUNT);
	s->event.has |= VEX_HAS_GAP;
}

static void set_lists(struct sample *s, uint32_t pairs, uint32_t labels)
{
	s->event.pair_count = pairs;
	s->event.label_count = labels;
}

static void make_full(struct sample *s)
{
	set_numbers(s);
	s->event.comm = text(s, "comm");
	s->event.path = text(s, "/srv/data/été/path");
	s->event.path2 = text(s, "/srv/data/日本/path2");
	set_lists(s, 3, 2);
	for (int i = 0; i < 3; i++)
		s->space.pairs[i] = (struct vex_pair){text(s, "user.name"), text(s, "value")};
	for (int i = 0; i < 2; i++)
		s->space.labels[i] = text(s, "label");
}

static void make_random(struct sample *s)
{
	set_numbers(s);
	s->event.duration_ns = UINT32_MAX + number(s) % 1000000000000ull;
	s->event.comm = noise(s, number(s) % 256, false);
	s->event.path = noise(s, number(s) % 4097, false);
	s->event.path2 = noise(s, number(s) % 4097, false);
	set_lists(s, VEX_EVENT_PAIRS_MAX, VEX_EVENT_LABELS_MAX);
	for (uint32_t i = 0; i < VEX_EVENT_PAIRS_MAX; i++)
		s->space.pairs[i] = (struct vex_pair){noise(s, number(s) % 256, false),
				noise(s, number(s) % 256, true)};
	for (uint32_t i = 0; i < VEX_EVENT_LABELS_MAX; i++)
		s->space.labels[i] = noise(s, number(s) % 256, false);
}

static void make_empty(struct sample *s)
{
	s->event.has |= VEX_HAS_PATH | VEX_HAS_PATH2 | VEX_HAS_COMM;
	set_lists(s, 1, 1);
}

/* A second pair fills the record up to its last byte. */
static void make_largest(struct sample *s)
{
	set_numbers(s);
	s->event.comm = repeat(s, 'c', 255);
	s->event.path = repeat(s, 'p', 4096);
	s->event.path2 = repeat(s, 'q', 4096);
	set_lists(s, 2, 0);
	s->space.pairs[0] = (struct vex_pair){repeat(s, 'n', 255), noise(s, 65536, true)};
	s->space.pairs[1] = (struct vex_pair){repeat(s, 'm', 255), {0}};
	s->space.pairs[1].value = noise(s, VEX_RECORD_MAX - vex_event_size(&s->event), true);
	assert(vex_event_size(&s->event) == VEX_RECORD_MAX);
}

void sample_make(struct sample *sample, uint32_t type, enum sample_shape shape, uint64_t seed)
{
	memset(&sample->event, 0, sizeof(sample->event));
	memset(&sample->space, 0, sizeof(sample->space));
	sample->used = 0;
	sample->random = seed * SAMPLE_SHAPE_COUNT * VEX_TYPE_LIMIT +
			type * (uint64_t)SAMPLE_SHAPE_COUNT + shape;
	sample->event.pairs = sample->space.pairs;
	sample->event.labels = sample->space.labels;
	set_header(sample, type);
	if (type == VEX_GAP)
		set_gap(sample);
	if (type == VEX_GAP && shape == SAMPLE_BARE)
		sample->event.boundary = VEX_BOUNDARY_NONE;
	if (shape == SAMPLE_FULL)
		make_full(sample);
	else if (shape == SAMPLE_RANDOM)
		make_random(sample);
	else if (shape == SAMPLE_EMPTY)
		make_empty(sample);
	else if (shape == SAMPLE_LARGEST)
		make_largest(sample);
}

void sample_encode(const struct vex_event *event, struct vex_record *out)
{
	out->size = vex_event_size(event);
	out->lane_seq = 0;
	assert(out->size);
	vex_event_encode(event, out);
}
