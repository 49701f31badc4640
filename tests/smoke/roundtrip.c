/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * roundtrip SOCKET: publishes an event of each type with every field set and every byte in its
 * strings, and reads it back through the data plane. Uses the public headers and libvex alone.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "vex/vex.h"

#define WAIT_MS 20000

static unsigned char bytes[256]; /* each value once, NUL last */
static struct vex_pair pairs[VEX_EVENT_PAIRS_MAX];
static struct vex_bytes labels[VEX_EVENT_LABELS_MAX];

#define VEX_EVENT(id, NAME, text, cat, ocsf, desc) id,
static const uint16_t types[] = {
#include "abi/event.def"
};
#undef VEX_EVENT

#define TYPE_COUNT (sizeof(types) / sizeof(types[0]))

static void fail(const char *what)
{
	fprintf(stderr, "roundtrip: %s: %s\n", what, vex_last_error());
	exit(1);
}

#define REQUIRE(condition) \
	do { \
		if (!(condition)) \
			fail(#condition); \
	} while (0)

static void fill_strings(void)
{
	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(i + 1);
	for (unsigned i = 0; i < VEX_EVENT_PAIRS_MAX; i++) {
		pairs[i].name = (struct vex_bytes){bytes, 255 - i};
		pairs[i].value = (struct vex_bytes){bytes, i == 0 ? 0 : 256 - i + 1};
	}
	for (unsigned i = 0; i < VEX_EVENT_LABELS_MAX; i++)
		labels[i] = (struct vex_bytes){bytes + i, 1 + i * 10};
}

static struct vex_event make(uint16_t type)
{
	return (struct vex_event){.type = type,
			.has = VEX_HAS_TASK | VEX_HAS_TENANT | VEX_HAS_FILE | VEX_HAS_RANGE |
					VEX_HAS_PATH | VEX_HAS_PATH2 | VEX_HAS_COMM |
					VEX_HAS_PARENT2 | VEX_HAS_GRAPH | VEX_HAS_VECTOR,
			.start_ns = 1700000000000000000ull + type,
			.duration_ns = 5000000000ull + type,
			.result = -2,
			.pid = 4000000001u, .tid = 4000000002u, .ppid = 3, .uid = 4000000004u,
			.gid = 5, .tenant = 4000000006u, .mode = 0100644, .flags = 0xfffffff1u,
			.dev = 1ull << 63, .ino = UINT64_MAX, .parent_ino = 7, .parent2_ino = 8,
			.offset = 1ull << 62, .size = UINT64_MAX - 1,
			.comm = {bytes, 255},
			.path = {bytes, 255},
			.path2 = {bytes + 100, 155},
			.graph = {1, 2, 3, 4, 5},
			.vector = {6, 7, 8, 768, 10},
			.pair_count = VEX_EVENT_PAIRS_MAX,
			.label_count = VEX_EVENT_LABELS_MAX,
			.pairs = pairs,
			.labels = labels};
}

static bool same(const struct vex_bytes *a, const struct vex_bytes *b)
{
	return a->len == b->len && !memcmp(a->data, b->data, a->len);
}

static void compare_strings(const struct vex_event *want, const struct vex_event *got)
{
	REQUIRE(same(&want->comm, &got->comm));
	REQUIRE(same(&want->path, &got->path));
	REQUIRE(same(&want->path2, &got->path2));
	REQUIRE(want->pair_count == got->pair_count);
	REQUIRE(want->label_count == got->label_count);
	for (uint32_t i = 0; i < want->pair_count; i++) {
		REQUIRE(same(&want->pairs[i].name, &got->pairs[i].name));
		REQUIRE(same(&want->pairs[i].value, &got->pairs[i].value));
	}
	for (uint32_t i = 0; i < want->label_count; i++)
		REQUIRE(same(&want->labels[i], &got->labels[i]));
}

/* Ids begin somewhere and go on by one. */
static bool next_id(uint64_t id, uint64_t seq)
{
	static uint64_t first;

	if (!seq)
		first = id;
	return id == first + seq;
}

static void compare(const struct vex_event *want, const struct vex_event *got, uint64_t seq)
{
#define SAME(field) REQUIRE(want->field == got->field)
	SAME(type); SAME(has); SAME(start_ns); SAME(duration_ns); SAME(result); SAME(pid);
	SAME(tid); SAME(ppid); SAME(uid); SAME(gid); SAME(tenant); SAME(mode); SAME(flags);
	SAME(dev); SAME(ino); SAME(parent_ino); SAME(parent2_ino); SAME(offset); SAME(size);
#undef SAME
	REQUIRE(!memcmp(&want->graph, &got->graph, sizeof(want->graph)));
	REQUIRE(!memcmp(&want->vector, &got->vector, sizeof(want->vector)));
	REQUIRE(got->boundary == VEX_BOUNDARY_APP);
	REQUIRE(next_id(got->id.seq, seq));
	compare_strings(want, got);
}

static const struct vex_record *next(struct vex_subscription *sub)
{
	const struct vex_record *record;

	for (;;) {
		int n = vex_read(sub, &record, 1);

		REQUIRE(n >= 0);
		if (n)
			return record;
		REQUIRE(vex_wait(sub, WAIT_MS) == 1);
	}
}

int main(int argc, char **argv)
{
	struct vex_port_options options = {.name = "roundtrip"};
	struct vex_subscribe_options wanted = {.name = "roundtrip"};
	struct vex_subscription *sub;
	struct vex_event_space space;
	struct vex_port *port;
	struct vex_lane *lane;
	uint64_t seq = 0;

	REQUIRE(argc == 2);
	options.socket = wanted.socket = argv[1];
	fill_strings();
	REQUIRE(vex_subscribe(&wanted, &sub) == 0);
	REQUIRE(vex_port_open(&options, &port) == 0);
	REQUIRE(vex_lane_open(port, &lane) == 0);
	for (size_t i = 0; i < TYPE_COUNT; i++) {
		struct vex_event event = make(types[i]), got;

		if (types[i] == VEX_GAP) /* tells of a loss in its lane; nobody else may */
			continue;
		REQUIRE(vex_publish(lane, &event) == 0);
		vex_event_decode(next(sub), &got, &space);
		compare(&event, &got, seq++);
	}
	vex_port_close(port);
	vex_unsubscribe(sub);
	printf("%llu events\n", (unsigned long long)seq);
	return 0;
}
