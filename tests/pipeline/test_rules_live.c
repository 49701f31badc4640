/* SPDX-License-Identifier: BSD-3-Clause */
/* Rule sets that come and go: refused ones, unchanged rules, swaps under load, memory. */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdlib.h>
#include <unistd.h>

#include "dataplane/rules.h"
#include "fixture.h"
#include "support/image.h"

static uint64_t generation;
static char reason[VEX_REASON_MAX];

static int load_image(const void *image, size_t size, int seals, uint64_t number)
{
	struct vex_message message = {.rules = {.size = size, .generation = number}};
	int fd = image_pass(image, size, seals);
	int error;

	CU_ASSERT_FATAL(fd >= 0);
	reason[0] = '\0';
	error = rules_load(plane, fd, &message, reason);
	close(fd);
	return error;
}

static void load(const char *text)
{
	size_t size;
	void *image = image_of(text, &size);

	CU_ASSERT_PTR_NOT_NULL_FATAL(image);
	CU_ASSERT_EQUAL_FATAL(load_image(image, size, IMAGE_SEALS, ++generation), 0);
	free(image);
}

static void publish(const char *path)
{
	struct vex_event event = sample(VEX_OPEN, path);

	CU_ASSERT_FATAL(harness_publish(&producer, &event));
}

/* Of the set in force; all zero where it can't be read. */
static struct vex_rule_stat counted(uint32_t rule)
{
	struct vex_rule_stat stat = {0};

	CU_ASSERT(vex_rules_read(plane->rules->segment, plane->rules->generation, rule, 1, &stat));
	return stat;
}

/* -- refused -- */

static const char *const good = "- rule: a\n  condition: fd.name startswith /a and fs.size > 5\n"
				"  rate: {limit: 5/s, by: user.uid}\n  route: [subscriber:x, group:g]\n"
				"- group: g\n  members: [x, y]\n";

/* That the set stays in force is seen by what it makes of an event. */
static void expect_untouched(const struct ruleset *set, const struct slots *slots)
{
	struct vex_event got;
	struct vex_event_space space;

	CU_ASSERT_PTR_EQUAL(plane->rules->set, set);
	CU_ASSERT_EQUAL(plane->rules->slots.used, slots->used);
	publish("/z");
	harness_round(plane);
	vex_event_decode(harness_read(&consumer), &got, &space);
	CU_ASSERT_EQUAL(got.route.generation, generation);
	CU_ASSERT(counted(0).matched > 0);
}

static void expect_refused(const void *image, size_t size, int seals, uint64_t number, int error,
		const char *why)
{
	const struct ruleset *set = plane->rules->set;
	struct slots slots = plane->rules->slots;

	CU_ASSERT_EQUAL(load_image(image, size, seals, number), error);
	if (!strstr(reason, why)) {
		printf("\n    '%s' does not say '%s'\n", reason, why);
		CU_FAIL("the reason");
	}
	expect_untouched(set, &slots);
}

static void what_cannot_be_used_changes_nothing(void)
{
	struct vex_message unload = {.rules.generation = 0, .rules.size = 7};
	const int unsealed = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
	size_t size;
	char *image;

	load("- rule: z\n  condition: fd.name = /z\n");
	publish("/z");
	harness_round(plane);
	CU_ASSERT_PTR_NOT_NULL(harness_read(&consumer));
	image = image_of(good, &size);
	CU_ASSERT_PTR_NOT_NULL_FATAL(image);
	expect_refused(image, size, unsealed, generation + 1, -EPERM, "sealed");
	expect_refused(image, size, 0, generation + 1, -EPERM, "sealed");
	expect_refused(image, size, IMAGE_SEALS, generation, -ESTALE, "not above");
	expect_refused(image, size, IMAGE_SEALS, 0, -EINVAL, "unloads");
	expect_refused(image, 16, IMAGE_SEALS, generation + 1, -EINVAL, "image of 16");
	expect_refused(image, size - 8, IMAGE_SEALS, generation + 1, -EBADMSG, "refused");
	plane->rules->rules_max = 0;
	expect_refused(image, size, IMAGE_SEALS, generation + 1, -E2BIG, "rules_max");
	plane->rules->rules_max = 100;
	CU_ASSERT_EQUAL(rules_load(plane, -1, &unload, reason), -EINVAL);
	free(image);
}

static void a_flipped_byte_is_found_wherever_it_is(void)
{
	size_t size;
	uint8_t *image;

	load("- rule: z\n  condition: fd.name = /z\n");
	publish("/z");
	harness_round(plane);
	CU_ASSERT_PTR_NOT_NULL(harness_read(&consumer));
	image = (uint8_t *)image_of(good, &size);
	CU_ASSERT_PTR_NOT_NULL_FATAL(image);
	for (size_t i = 0; i < size; i += i < 1024 ? 7 : size / 101) {
		image[i] ^= 1u << i % 8;
		expect_refused(image, size, IMAGE_SEALS, generation + 1, -EBADMSG, "refused");
		image[i] ^= 1u << i % 8;
	}
	CU_ASSERT_EQUAL(load_image(image, size, IMAGE_SEALS, ++generation), 0);
	free(image);
}

/* -- what stays -- */

#define ONCE "- rule: once\n  condition: fd.name = /once\n  suppress: 1h\n"
#define OTHER "- rule: other\n  condition: fd.name = /other\n"

static void a_rule_that_stays_keeps_its_state(void)
{
	uint64_t last;

	load(ONCE);
	publish("/once");
	publish("/once");
	harness_round(plane);
	CU_ASSERT_EQUAL(drain(), 1);
	load(OTHER ONCE); /* at another place */
	CU_ASSERT_EQUAL(counted(1).matched, 2);
	CU_ASSERT_EQUAL(counted(1).routed, 1);
	CU_ASSERT_EQUAL(counted(1).limited, 1);
	CU_ASSERT_EQUAL(counted(0).matched, 0);
	last = counted(1).last_ns;
	publish("/once");
	publish("/other");
	harness_round(plane);
	CU_ASSERT_EQUAL(drain(), 1);
	CU_ASSERT_EQUAL(counted(1).limited, 2);
	CU_ASSERT(last && counted(1).last_ns > last);
	CU_ASSERT_EQUAL(counted(0).matched, 1);
}

static void one_event(const char *path)
{
	publish(path);
	CU_ASSERT_EQUAL(harness_round(plane), 1);
	CU_ASSERT_EQUAL(drain(), 1);
}

/* By the next set, by a round without events, or after a while: no event is counted twice or lost. */
static void what_decisions_counted_is_told(void)
{
	const struct timespec while_ = {.tv_nsec = 20000000};
	uint64_t last;

	load(OTHER);
	for (unsigned i = 0; i < 3; i++)
		one_event("/other");
	load(ONCE OTHER);
	CU_ASSERT_EQUAL(counted(1).matched, 3);
	CU_ASSERT_EQUAL(counted(1).routed, 3);
	last = counted(1).last_ns;
	one_event("/other");
	one_event("/other");
	CU_ASSERT_EQUAL(harness_round(plane), 0);
	CU_ASSERT_EQUAL(counted(1).matched, 5);
	CU_ASSERT(last && counted(1).last_ns > last);
	one_event("/other");
	nanosleep(&while_, NULL);
	one_event("/nobody");
	CU_ASSERT_EQUAL(counted(1).matched, 6);
	CU_ASSERT_EQUAL(counted(1).limited, 0);
	CU_ASSERT_EQUAL(counted(0).matched, 0);
}

static void a_rule_that_changed_begins_anew(void)
{
	load(ONCE);
	publish("/once");
	harness_round(plane);
	CU_ASSERT_EQUAL(drain(), 1);
	load("- rule: once\n  condition: fd.name = /once\n  suppress: 2h\n");
	CU_ASSERT_EQUAL(counted(0).matched, 0);
	publish("/once");
	harness_round(plane);
	CU_ASSERT_EQUAL(drain(), 1);
	CU_ASSERT_EQUAL(counted(0).routed, 1);
	load(OTHER); /* gone, and back again: that is a new one, too */
	CU_ASSERT_EQUAL(plane->rules->slots.used, 1);
	load(ONCE);
	CU_ASSERT_EQUAL(counted(0).matched, 0);
	publish("/once");
	harness_round(plane);
	CU_ASSERT_EQUAL(drain(), 1);
}

static void unloading_gives_back_all(void)
{
	struct vex_message message = {.rules.generation = 0};
	const struct vex_record *record;

	load(ONCE OTHER);
	CU_ASSERT_EQUAL(plane->stat->ruleset.rules, 2);
	CU_ASSERT_EQUAL(plane->stat->ruleset.generation, generation);
	CU_ASSERT_EQUAL(rules_load(plane, -1, &message, reason), 0);
	CU_ASSERT_EQUAL(plane->rules->slots.used, 0);
	CU_ASSERT_EQUAL(plane->stat->ruleset.rules, 0);
	publish("/once");
	harness_round(plane);
	record = harness_read(&consumer);
	CU_ASSERT_PTR_NULL(vex_record_attr(record, VEX_ATTR_ROUTE, NULL));
	CU_ASSERT_EQUAL(drain(), 0);
}

/* -- swaps -- */

static uint64_t generation_of(const struct vex_record *record)
{
	const void *attr = vex_record_attr(record, VEX_ATTR_ROUTE, NULL);
	struct vex_attr_route route = {0};

	if (attr)
		memcpy(&route, attr, sizeof(route));
	return route.generation;
}

/* Every third event is dropped by each second set; nothing else ever is. */
static void each_burst_is_of_one_set_and_sets_go_up(void)
{
	static const char *const texts[] = {OTHER, OTHER "- rule: third\n  condition: fd.name = /2\n"
							 "  route: drop\n"};
	uint64_t last = 0, read = 0, dropped = 0, sent = 0;
	const struct vex_record *record;

	for (unsigned round = 0; round < 300; round++) {
		uint64_t first = 0;

		load(texts[round % 2]);
		for (unsigned i = 0; i < 1 + round % VEX_BURST_MAX; i++, sent++) {
			char path[3] = {'/', (char)('0' + i % 3), '\0'};

			publish(path);
			dropped += round % 2 && i % 3 == 2;
		}
		harness_round(plane);
		for (; (record = harness_read(&consumer)); read++) {
			first = first ? first : generation_of(record);
			CU_ASSERT_EQUAL(generation_of(record), first);
			CU_ASSERT(first >= last);
			last = first;
		}
	}
	CU_ASSERT_EQUAL(read + dropped, sent);
	CU_ASSERT_EQUAL(port->stat->drop[VEX_DROP_RULE_DROP], dropped);
	CU_ASSERT(dropped > 1000);
	CU_ASSERT_EQUAL(last, generation);
}

static size_t heap(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

static void memory_stays_flat(void)
{
	static const char *const texts[] = {ONCE OTHER, OTHER, ONCE
			"- rule: glob\n  condition: fd.name glob '/a/*/b*'\n"};
	size_t before = 0;

	for (unsigned i = 0; i < 330; i++) {
		if (i == 30)
			before = heap();
		load(texts[i % 3]);
		publish("/once");
		harness_round(plane);
		drain();
	}
	CU_ASSERT(heap() < before + 65536);
	CU_ASSERT(plane->rules->slots.known <= 8);
}

int main(void)
{
	static const struct fixture_test tests[] = {
			TEST(what_cannot_be_used_changes_nothing),
			TEST(a_flipped_byte_is_found_wherever_it_is),
			TEST(a_rule_that_stays_keeps_its_state),
			TEST(what_decisions_counted_is_told),
			TEST(a_rule_that_changed_begins_anew),
			TEST(unloading_gives_back_all),
			TEST(each_burst_is_of_one_set_and_sets_go_up),
			TEST(memory_stays_flat),
	};

	return fixture_run("rules_live", tests, sizeof(tests) / sizeof(tests[0]));
}
