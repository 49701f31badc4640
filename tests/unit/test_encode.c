/* SPDX-License-Identifier: BSD-3-Clause */
/* Both ways to make a record of an event against a third, which goes byte by byte. */
#include "event/encode.h"

#include "support/unit.h"

#define ROOM 2048u
#define PATH_LEN_MAX 150u
#define BEHIND 0xa5u

static uint8_t text[256];

/* As lanes have it: on a line. */
struct room {
	uint8_t bytes[ROOM] VEX_LINE_ALIGNED;
};

static struct room plain, quick, full;

static void add(uint32_t id, const void *data, size_t len)
{
	struct vex_record *record = (struct vex_record *)plain.bytes;
	uint32_t head = vex_attr_head(id, (uint32_t)len);
	uint8_t *at = plain.bytes + record->size;

	memset(at, 0, vex_attr_span((uint32_t)len));
	memcpy(at, &head, sizeof(head));
	for (size_t i = 0; i < len; i++)
		at[VEX_ATTR_HEAD + i] = ((const uint8_t *)data)[i];
	record->size += vex_attr_span((uint32_t)len);
	record->attr_count++;
}

static void add_all(const struct vex_event *event)
{
	struct vex_attr_task task = {event->tid, event->ppid};
	struct vex_attr_file file = {event->dev, event->ino, event->parent_ino, event->mode,
			event->flags};
	struct vex_attr_range range = {event->offset, event->size};

	if (event->has & VEX_HAS_TASK)
		add(VEX_ATTR_TASK, &task, sizeof(task));
	if (event->has & VEX_HAS_COMM)
		add(VEX_ATTR_COMM, event->comm.data, event->comm.len);
	if (event->has & VEX_HAS_TENANT)
		add(VEX_ATTR_TENANT, &event->tenant, sizeof(event->tenant));
	if (event->has & VEX_HAS_FILE)
		add(VEX_ATTR_FILE, &file, sizeof(file));
	if (event->has & VEX_HAS_RANGE)
		add(VEX_ATTR_RANGE, &range, sizeof(range));
	if (event->has & VEX_HAS_PATH)
		add(VEX_ATTR_PATH, event->path.data, event->path.len);
	if (event->has & VEX_HAS_PATH2)
		add(VEX_ATTR_PATH2, event->path2.data, event->path2.len);
}

static void make_plain(const struct vex_event *event, struct vex_header header)
{
	struct vex_record *record = (struct vex_record *)plain.bytes;

	*record = (struct vex_record){.size = VEX_RECORD_MIN, .id = event->id,
		.start_ns = header.start_ns, .duration_ns = (uint32_t)event->duration_ns,
		.result = event->result, .type = event->type, .boundary = header.boundary,
		.pid = event->pid, .uid = event->uid, .gid = event->gid};
	add_all(event);
}

/* All but the words that the lane writes; and nothing behind the record. */
static bool same(const struct room *made)
{
	uint32_t size = ((struct vex_record *)plain.bytes)->size;

	return !memcmp(made->bytes + 8, plain.bytes + 8, size - 8) &&
			made->bytes[size] == BEHIND && made->bytes[0] == BEHIND;
}

static bool agree(const struct vex_event *event)
{
	struct vex_header header = {.start_ns = 1700000000123456789u,
			.boundary = VEX_BOUNDARY_FUSE};
	uint32_t size = vex_event_size(event);

	memset(&plain, BEHIND, sizeof(plain));
	memset(&quick, BEHIND, sizeof(quick));
	memset(&full, BEHIND, sizeof(full));
	make_plain(event, header);
	return encode_is_usual(event) && size == ((struct vex_record *)plain.bytes)->size &&
			size <= encode_room(event) &&
			encode(event, header, (struct vex_record *)quick.bytes) == size &&
			vex_event_encode_as(event, header, (struct vex_record *)full.bytes) == size &&
			same(&quick) && same(&full);
}

static struct vex_event some_event(void)
{
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (uint8_t)(i % 255 + 1);
	return (struct vex_event){.type = VEX_WRITE, .id = {0x1122334455667788u, 7, 8, 9},
		.duration_ns = UINT32_MAX - 1, .result = -5, .pid = 1u << 31, .tid = 3, .ppid = 4,
		.uid = 5, .gid = UINT32_MAX, .tenant = 6, .mode = 0100644, .flags = 0x80008001u,
		.dev = 0x123456789abcdefu, .ino = UINT64_MAX, .parent_ino = 1ull << 33,
		.offset = 0xfedcba9876543210u, .size = 0x1000000001u, .comm = {text + 1, 4},
		.path = {text + 2, 65}, .path2 = {text + 3, 17}};
}

static void test_groups(void)
{
	const uint32_t usual = ENCODE_FIXED | VEX_HAS_PATH | VEX_HAS_PATH2;
	struct vex_event event = some_event();
	unsigned wrong = 0;

	for (event.has = 0; event.has <= usual; event.has++)
		if (!(event.has & ~usual))
			wrong += !agree(&event);
	CU_ASSERT_EQUAL(wrong, 0);
}

/* At each place in a line, since one of another length stands before it. */
static void test_lengths(void)
{
	struct vex_event event = some_event();
	unsigned wrong = 0;

	event.has = VEX_HAS_COMM | VEX_HAS_PATH | VEX_HAS_PATH2;
	for (event.comm.len = 0; event.comm.len < 20; event.comm.len++)
		for (event.path.len = 0; event.path.len < PATH_LEN_MAX; event.path.len++)
			wrong += !agree(&event);
	event.has = VEX_HAS_PATH;
	for (event.path.len = 0; event.path.len < PATH_LEN_MAX; event.path.len++)
		wrong += !agree(&event);
	CU_ASSERT_EQUAL(wrong, 0);
}

static bool usual_with(uint32_t has)
{
	struct vex_event event = some_event();

	event.has = has;
	return encode_is_usual(&event);
}

static bool usual_as(uint32_t type)
{
	struct vex_event event = some_event();

	event.type = (uint16_t)type;
	return encode_is_usual(&event);
}

/* What is left to vex_event_size() and vex_event_encode_as(), or refused by them. */
static void test_unusual(void)
{
	struct vex_event event = some_event();
	unsigned wrong = 0;

	for (uint32_t bit = 1; bit; bit <<= 1)
		if (bit & ENCODE_RARE)
			wrong += usual_with(VEX_HAS_PATH | bit);
	CU_ASSERT_EQUAL(wrong, 0);
	for (uint32_t type = 0; type <= UINT16_MAX; type++)
		wrong += usual_as(type) != (vex_type_name(type) && type != VEX_GAP);
	CU_ASSERT_EQUAL(wrong, 0);
	event.duration_ns = UINT32_MAX;
	CU_ASSERT_FALSE(encode_is_usual(&event));
	event.duration_ns = UINT64_MAX;
	CU_ASSERT_FALSE(encode_is_usual(&event));
	event = some_event(), event.comm.len = VEX_EVENT_NAME_MAX + 1;
	CU_ASSERT_FALSE(encode_is_usual(&event));
	event = some_event(), event.path.len = VEX_EVENT_PATH_MAX + 1;
	CU_ASSERT_FALSE(encode_is_usual(&event));
	event = some_event(), event.path2.len = SIZE_MAX;
	CU_ASSERT_FALSE(encode_is_usual(&event));
	event = some_event(), event.pair_count = 1;
	CU_ASSERT_FALSE(encode_is_usual(&event));
	event = some_event(), event.label_count = 1;
	CU_ASSERT_FALSE(encode_is_usual(&event));
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"groups", test_groups},
		{"lengths", test_lengths},
		{"unusual", test_unusual},
		CU_TEST_INFO_NULL,
	};

	return unit_run("encode", tests);
}
