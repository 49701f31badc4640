/* SPDX-License-Identifier: BSD-3-Clause */
#include "stat/stat.h"

#include <stdio.h>

#include "support/unit.h"
#include "unit/plane_model.h"

static struct vex_stat_segment segment;
static struct vex_verify_row rows[VEX_VERIFY_ROWS_MAX];

/* Which changes by one verify has to notice. */
enum notice {
	BOTH,
	MORE,    /**< it bounds another count: one more is wrong, one less is not */
	NEITHER, /**< nothing else tells what it should be */
};

struct exception {
	const char *name;
	enum notice notice;
};

static const struct exception exceptions[] = {
	{"port.bytes", NEITHER},
	{"port.gaps", NEITHER},
	{"port.lost", NEITHER},
	{"lane.received", MORE},
	{"lane.rejected", MORE},
	{"lane.bytes", NEITHER},
	{"target.bytes", NEITHER},
	{"target.gaps", MORE},
	{"target.read", MORE},
	{"class.displaced", MORE},
	{"class.blocks", NEITHER},
	{"class.blocked_ns", NEITHER},
	{"tenant.passed", NEITHER},
	{"tenant.demoted", NEITHER},
	{"worker.rounds", NEITHER},
	{"worker.bursts", NEITHER},
	{"worker.sleeps", NEITHER},
	{"worker.kicks", NEITHER},
	{"worker.matched", NEITHER},
	{"worker.cache_hits", NEITHER},
	{"worker.cache_flushes", NEITHER},
	{"worker.stalls", NEITHER},
	{"worker.summaries", NEITHER},
	{"worker.unsummarised", NEITHER},
	{"worker.busy_cycles", NEITHER},
	{"worker.busy_events", NEITHER},
	{"stage.bursts", NEITHER},
	{"stage.cycles", NEITHER},
	{"stage.timed", NEITHER},
	{"deliver.out", MORE},
};

static enum notice notice_of(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(exceptions) / sizeof(exceptions[0]); i++)
		if (!strcmp(exceptions[i].name, name))
			return exceptions[i].notice;
	return BOTH;
}

static bool holds(void)
{
	bool told = true;
	unsigned n;
	unsigned i;
	bool ok;

	n = vex_verify(&segment, rows, VEX_VERIFY_ROWS_MAX, &ok);
	for (i = 0; i < n; i++) {
		told &= rows[i].ok;
		CU_ASSERT_EQUAL(rows[i].ok, rows[i].why[0] == '\0');
		CU_ASSERT_TRUE(rows[i].what[0] != '\0');
	}
	CU_ASSERT_EQUAL(told, ok);
	return ok;
}

static void expect(const char *name, const char *change, bool found, bool wanted)
{
	if (found != wanted)
		printf("\n    %s %s: verify says %s", name, change, found ? "ok" : "failed");
	CU_ASSERT_EQUAL(found, wanted);
}

static void change(const char *name, uint64_t *counter)
{
	enum notice notice = notice_of(name);
	uint64_t was = *counter;

	*counter = was + 1;
	expect(name, "+1", holds(), notice == NEITHER);
	*counter = was - 1;
	if (was || notice == BOTH)
		expect(name, "-1", holds(), notice != BOTH);
	*counter = was;
}

static void change_port(struct vex_port_stat *port)
{
	unsigned i;

#define VEX_PORT_COUNTER(name, description) change("port." #name, &port->name);
#include "stat/stat.def"
	for (i = 0; i < VEX_DROP_LIMIT; i++)
		change(vex_drop_name(i), &port->drop[i]);
	for (i = 0; i < VEX_REJECT_LIMIT; i++)
		change(vex_reject_name(i), &port->reject[i]);
}

static void change_target(struct vex_target_stat *target)
{
#define VEX_TARGET_COUNTER(name, description) change("target." #name, &target->name);
#include "stat/stat.def"
}

static void change_worker(struct vex_worker_stat *worker)
{
	unsigned i;

#define VEX_WORKER_COUNTER(name, description) change("worker." #name, &worker->name);
#include "stat/stat.def"
	for (i = 0; i < VEX_STAGE_LIMIT; i++) {
		change("stage.in", &worker->stage[i].in);
		change(i == VEX_STAGE_DELIVER ? "deliver.out" : "stage.out", &worker->stage[i].out);
		change("stage.bursts", &worker->stage[i].bursts);
		change("stage.cycles", &worker->stage[i].cycles);
		change("stage.timed", &worker->stage[i].timed);
	}
	for (i = 0; i < VEX_CLASS_COUNT; i++) {
#define VEX_CLASS_COUNTER(name, description) change("class." #name, &worker->class[i].name);
#include "stat/stat.def"
	}
	for (i = 0; i < 2; i++) {
#define VEX_TENANT_COUNTER(name, description) change("tenant." #name, &worker->tenant[i].name);
#include "stat/stat.def"
	}
	for (i = 0; i < VEX_TYPE_LIMIT; i++)
		change("type", &worker->type[i]);
}

static void change_lane(struct vex_lane_stat *lane)
{
#define VEX_LANE_COUNTER(name, description) change("lane." #name, &lane->name);
#include "stat/stat.def"
}

static void fill(void)
{
	uint64_t random = 42;
	unsigned i;

	model_init(&segment);
	for (i = 0; i < MODEL_PORTS; i++)
		model_burst(&segment, i, 1000, &random);
	model_replace_port(&segment, 0);
	model_replace_subscriber(&segment, 0);
	for (i = 0; i < MODEL_PORTS; i++)
		model_burst(&segment, i, 1000, &random);
}

static void test_holds(void)
{
	model_init(&segment);
	CU_ASSERT_TRUE(holds());
	fill();
	CU_ASSERT_TRUE(segment.retired.port.delivered > 0);
	CU_ASSERT_TRUE(segment.retired.target.delivered > 0);
	CU_ASSERT_TRUE(holds());
}

static void test_every_counter(void)
{
	unsigned i;
	unsigned w;

	fill();
	for (i = 0; i < MODEL_PORTS; i++) {
		change_port(&segment.port[i]);
		change_lane(&segment.lane[i]);
	}
	change_port(&segment.retired.port);
	for (w = 0; w < MODEL_WORKERS; w++) {
		change_worker(&segment.worker[w]);
		for (i = 0; i < MODEL_SUBSCRIBERS; i++)
			change_target(&segment.subscriber[i].worker[w]);
	}
	change_target(&segment.retired.target);
	CU_ASSERT_TRUE(holds());
}

/* What no other count tells exactly is bounded all the same. */
static void test_bounds(void)
{
	struct vex_stage_stat *deliver = &segment.worker[0].stage[VEX_STAGE_DELIVER];
	uint64_t was;

	fill();
	was = deliver->out;
	deliver->out = deliver->in + 1;
	CU_ASSERT_FALSE(holds());
	deliver->out = was;
	CU_ASSERT_TRUE(holds());
}

static void test_free_slots(void)
{
	fill();
	segment.port[40].received = 7;
	segment.lane[40].received = 7;
	segment.subscriber[40].worker[0].offered = 7;
	segment.worker[MODEL_WORKERS].received = 7;
	CU_ASSERT_TRUE(holds());
}

static const struct vex_verify_row *row_of(const char *what, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++)
		if (!strcmp(rows[i].what, what))
			return &rows[i];
	return NULL;
}

static void test_rows(void)
{
	const struct vex_verify_row *row;
	unsigned n;
	bool ok;

	fill();
	strcpy(segment.port[0].name, "a\033[31mb");
	segment.port[1].received++;
	segment.worker[1].received++;
	segment.worker[1].stage[VEX_STAGE_INGEST].in++;
	n = vex_verify(&segment, rows, VEX_VERIFY_ROWS_MAX, &ok);
	CU_ASSERT_FALSE(ok);
	row = row_of("port 1 producer 1 (draining)", n);
	CU_ASSERT_PTR_NOT_NULL_FATAL(row);
	CU_ASSERT_FALSE(row->ok);
	CU_ASSERT_EQUAL(row->missing, 1);
	row = row_of("all", n);
	CU_ASSERT_PTR_NOT_NULL_FATAL(row);
	CU_ASSERT_EQUAL(row->missing, 1);
	CU_ASSERT_EQUAL(row->received, 6001);
	row = row_of("port 0 a?[31mb", n);
	CU_ASSERT_PTR_NOT_NULL_FATAL(row);
	CU_ASSERT_TRUE(row->ok);
	CU_ASSERT_PTR_NOT_NULL(row_of("subscriber 1 consumer 1", n));
}

/* Errors beyond the rows that there is room for are still errors. */
static void test_few_rows(void)
{
	bool ok;

	fill();
	segment.worker[1].copies++;
	CU_ASSERT_EQUAL(vex_verify(&segment, rows, 1, &ok), 1);
	CU_ASSERT_TRUE(rows[0].ok);
	CU_ASSERT_FALSE(ok);
}

static void test_full_segment(void)
{
	unsigned n;
	unsigned i;
	bool ok;

	memset(&segment, 0, sizeof(segment));
	segment.worker_count = VEX_WORKERS_MAX + 5;
	for (i = 0; i < VEX_PORTS_MAX; i++) {
		segment.port[i].state = VEX_SLOT_LIVE;
		memset(segment.port[i].name, 'x', VEX_NAME_MAX);
	}
	for (i = 0; i < VEX_SUBSCRIBERS_MAX; i++)
		segment.subscriber[i].state = VEX_SLOT_DRAINING;
	n = vex_verify(&segment, rows, VEX_VERIFY_ROWS_MAX, &ok);
	CU_ASSERT_TRUE(ok);
	CU_ASSERT_TRUE(n < VEX_VERIFY_ROWS_MAX);
	CU_ASSERT_STRING_EQUAL(rows[n - 1].what, "all");
}

static void test_names(void)
{
	CU_ASSERT_STRING_EQUAL(vex_stage_name(VEX_STAGE_TRANSLATE), "translate");
	CU_ASSERT_STRING_EQUAL(vex_drop_name(VEX_DROP_TARGET_FULL), "target_full");
	CU_ASSERT_STRING_EQUAL(vex_drop_text(VEX_DROP_UNMATCHED), "no subscriber asked for it");
	CU_ASSERT_STRING_EQUAL(vex_reject_name(VEX_REJECT_STRING), "bad_string");
	CU_ASSERT_STRING_EQUAL(vex_reject_text(VEX_REJECT_TYPE), "a type that is not listed");
	CU_ASSERT_PTR_NULL(vex_stage_name(VEX_STAGE_LIMIT));
	CU_ASSERT_PTR_NULL(vex_drop_name(VEX_DROP_LIMIT));
	CU_ASSERT_PTR_NULL(vex_drop_text(VEX_DROP_LIMIT));
	CU_ASSERT_PTR_NULL(vex_reject_name(VEX_REJECT_LIMIT));
	CU_ASSERT_PTR_NULL(vex_reject_text(VEX_REJECT_LIMIT));
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"a data plane that counts right", test_holds},
		{"every counter, one more and one less", test_every_counter},
		{"bounds", test_bounds},
		{"free slots do not count", test_free_slots},
		{"rows name what is wrong", test_rows},
		{"less room than rows", test_few_rows},
		{"every slot in use", test_full_segment},
		{"names", test_names},
		CU_TEST_INFO_NULL,
	};

	return unit_run("verify", tests);
}
