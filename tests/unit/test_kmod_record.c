/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the kernel module takes for a well-formed record is what everyone else does: its own check
 * is compared with vex_record_check() on records that were changed at random.
 */
#include <stdlib.h>
#include <string.h>

#include <CUnit/Basic.h>

#include "event/event.h"
#include "support/unit.h"

#define ROUNDS 400000

bool tap_record_valid(const struct vex_record *record, uint32_t available);

static uint64_t storage[512];
static uint64_t state = 88172645463325252ull;

static uint32_t draw(uint32_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 16) % below;
}

static struct vex_bytes text(const char *from)
{
	return (struct vex_bytes){from, strlen(from)};
}

static uint32_t make_record(void)
{
	struct vex_record *record = (struct vex_record *)storage;
	struct vex_pair pairs[3] = {{text("user.a"), text("1")}, {text("user.b"), text("22")},
			{text("c"), text("")}};
	struct vex_bytes labels[2] = {text("one"), text("two")};
	struct vex_event event = {.type = (uint16_t)(10 + draw(18)),
			.boundary = VEX_BOUNDARY_PEER,
			.has = draw(2) ? VEX_HAS_TASK | VEX_HAS_COMM | VEX_HAS_FILE : 0,
			.comm = text("comm"),
			.path = text("/some/path"),
			.path2 = text("/some/other"),
			.pair_count = draw(4),
			.pairs = pairs,
			.label_count = draw(3),
			.labels = labels};

	event.has |= draw(2) ? VEX_HAS_PATH | VEX_HAS_RANGE : VEX_HAS_PATH2;
	memset(storage, 0, sizeof(storage));
	vex_event_encode(&event, record);
	record->size = vex_event_size(&event);
	return record->size;
}

static void change(uint32_t size)
{
	uint8_t *bytes = (uint8_t *)storage;

	for (uint32_t i = draw(4); i; i--) {
		uint32_t at = draw(2) ? draw(size) : 40 + draw(size - 40);

		bytes[at] = draw(2) ? (uint8_t)draw(256) : (uint8_t)(bytes[at] ^ 1u << draw(8));
	}
}

static void test_same_verdict(void)
{
	const struct vex_record *record = (const struct vex_record *)storage;
	uint32_t good = 0, bad = 0, differ = 0;

	for (uint32_t i = 0; i < ROUNDS; i++) {
		uint32_t size = make_record();
		bool want;

		change(size);
		want = vex_record_check(record, size) == VEX_CHECK_OK;
		differ += want != tap_record_valid(record, size);
		good += want;
		bad += !want;
	}
	CU_ASSERT_EQUAL(differ, 0);
	CU_ASSERT(good > ROUNDS / 20);
	CU_ASSERT(bad > ROUNDS / 20);
}

int main(void)
{
	static CU_TestInfo tests[] = {
			{"the kernel's check says what ours says", test_same_verdict},
			CU_TEST_INFO_NULL,
	};

	return unit_run("kmod record", tests);
}
