/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/summary.h"

#include "base/clock.h"
#include "dataplane/stage.h"
#include "event/event.h"

/* At most so many a round: others have work as well. */
#define SENT_A_ROUND 16u
/* Another worker's clock, behind by less, still holds events back when this one says it is over. */
#define LATE_NS 1000000u
#define NS_OF_MS 1000000u
#define ADDED_HERE (1u << VEX_ATTR_ROUTE | 1u << VEX_ATTR_SUPPRESSED)

static bool is_long(const struct summary *summary)
{
	return summary->record != &summary->object->record;
}

/* -- the heap -- */

static void rise(struct summary *heap, uint32_t at, const struct summary *summary)
{
	for (; at && heap[(at - 1) / 2].due_ns > summary->due_ns; at = (at - 1) / 2)
		heap[at] = heap[(at - 1) / 2];
	heap[at] = *summary;
}

/* Puts one in the place of that at, which is gone, or below it. */
static void sink(struct summary *heap, uint32_t count, uint32_t at, const struct summary *summary)
{
	uint32_t child;

	for (; (child = 2 * at + 1) < count; at = child) {
		if (child + 1 < count && heap[child + 1].due_ns < heap[child].due_ns)
			child++;
		if (heap[child].due_ns >= summary->due_ns)
			break;
		heap[at] = heap[child];
	}
	heap[at] = *summary;
}

static struct summary take_first(struct summary_table *table)
{
	struct summary first = table->heap[0], last = table->heap[--table->count];

	table->longs -= is_long(&first);
	sink(table->heap, table->count, 0, &last);
	return first;
}

/* -- keeping -- */

static void free_objects(struct worker *worker, const struct summary *summary)
{
	if (is_long(summary))
		rte_mempool_put(worker->long_objects, summary->record);
	rte_mempool_put(worker->objects, summary->object);
}

static bool get_objects(struct worker *worker, struct summary *summary, uint32_t size)
{
	struct summary_table *table = &worker->summaries;
	bool is_large = size > VEX_OBJECT_RECORD_MAX;
	void *object, *record;

	if (table->count == table->capacity || (is_large && table->longs == table->longs_max) ||
			rte_mempool_get(worker->objects, &object))
		return false;
	if (is_large && rte_mempool_get(worker->long_objects, &record)) {
		rte_mempool_put(worker->objects, object);
		return false;
	}
	summary->object = object;
	summary->record = is_large ? record : &summary->object->record;
	return true;
}

void summary_keep(struct worker *worker, const struct burst *burst, uint32_t event, uint64_t state,
		const struct rule_limit_untold *untold)
{
	const struct vex_record *record = burst->record[event];
	struct summary_table *table = &worker->summaries;
	struct summary summary = {.untold = *untold,
			.due_ns = untold->until_ns + LATE_NS,
			.state = state,
			.port = burst->port};

	if (!get_objects(worker, &summary, record->size)) {
		worker->stat->unsummarised++;
		return;
	}
	memcpy(summary.record, record, record->size);
	if (burst->routed >> event & 1)
		vex_record_remove(summary.record, ADDED_HERE);
	table->longs += is_long(&summary);
	rise(table->heap, table->count++, &summary);
}

/* -- sending -- */

/* It counts as what its port gave, and as what went through the stages. */
static void count(struct worker *worker, const struct burst *burst)
{
	struct vex_port_stat *port = burst->port->stat;

	for (unsigned i = 0; i < VEX_STAGE_LIMIT; i++) {
		worker->stat->stage[i].in++;
		worker->stat->stage[i].out++;
		worker->stat->stage[i].bursts++;
	}
	worker->stat->type[burst->record[0]->type]++;
	worker->stat->received++;
	worker->stat->bursts++;
	worker->stat->summaries++;
	port->received++;
	port->bytes += burst->bytes;
}

static void begin(struct burst *burst, const struct summary *summary)
{
	burst->from = NULL;
	burst->port = summary->port;
	burst->count = burst->taken = burst->stocked = 1;
	burst->bytes = summary->record->size;
	burst->routed = burst->gaps = burst->held = burst->waits = burst->too_large = 0;
	burst->object[0] = summary->object;
	burst->record[0] = summary->record;
}

/* By the rules in force now; whatever becomes of it, its objects are not the table's any more. */
static void send(struct worker *worker, const struct summary *summary)
{
	struct burst burst;

	if (!worker->plan->rules) {
		free_objects(worker, summary);
		return;
	}
	begin(&burst, summary);
	vex_stat_begin(&worker->stat->generation);
	vex_stat_begin(&summary->port->stat->generation);
	stage_route(worker, &burst);
	if (filter_summary(worker, &burst, summary)) {
		count(worker, &burst);
		stage_deliver(worker, &burst);
	} else {
		free_objects(worker, summary);
	}
	vex_stat_end(&summary->port->stat->generation);
	vex_stat_end(&worker->stat->generation);
}

/* While a class makes producers wait, nothing is added to what it waits for. */
void summary_send_due(struct worker *worker)
{
	struct summary_table *table = &worker->summaries;
	uint64_t now = vex_clock_now();

	for (uint32_t i = 0; i < SENT_A_ROUND && !worker->blocked_since; i++) {
		struct summary first;

		if (!table->count || table->heap[0].due_ns > now)
			break;
		first = take_first(table);
		send(worker, &first);
	}
}

/* Those that stay become a heap again, one by one, in place. */
void summary_adopt_plan(struct worker *worker)
{
	struct summary_table *table = &worker->summaries;
	const struct plan *plan = worker->plan;
	uint32_t count = table->count;
	uint64_t here = 0;

	for (uint32_t i = 0; i < plan->port_count; i++)
		here |= 1ull << plan->ports[i].port->id;
	table->count = 0;
	for (uint32_t i = 0; i < count; i++) {
		struct summary summary = table->heap[i];

		if (here >> summary.port->id & 1) {
			rise(table->heap, table->count++, &summary);
			continue;
		}
		table->longs -= is_long(&summary);
		send(worker, &summary);
	}
}

VEX_STATIC_ASSERT(VEX_PORTS_MAX <= 64, "a bit each");

int summary_wait_ms(const struct worker *worker, int max)
{
	const struct summary_table *table = &worker->summaries;
	uint64_t now = table->count ? vex_clock_now() : 0;

	if (!table->count || table->heap[0].due_ns >= now + (uint64_t)max * NS_OF_MS)
		return max;
	return table->heap[0].due_ns > now ? (int)((table->heap[0].due_ns - now) / NS_OF_MS) + 1 : 0;
}

void summary_forget(struct worker *worker)
{
	while (worker->summaries.count) {
		struct summary first = take_first(&worker->summaries);

		free_objects(worker, &first);
	}
}
