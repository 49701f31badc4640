/* SPDX-License-Identifier: BSD-3-Clause */
#include "support/load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define STREAMS_MAX 1024u
#define WINDOW 65536u
#define WAIT_MS 20

/* What came of one thread of one producer. */
struct stream {
	uint32_t tenant;
	uint32_t thread;
	uint64_t next; /* beyond the highest offset seen */
	uint64_t received;
	uint64_t missing;  /* offsets below next that never came */
	uint64_t late;	   /* came after a higher one */
	uint64_t repeated; /* came before */
	uint64_t corrupt;  /* not as it was sent */
	uint64_t id_base;    /* what ids are more than offsets */
	uint64_t id_bases;   /* how often it grew: once for each data plane, or port, that came */
	uint64_t renumbered; /* the id does not fit the offset */
	uint64_t set;	     /* of rules that the last event bears; 0: it bears none */
	uint64_t sets;	     /* how often it was another than that of the one before */
	uint64_t older;	     /* of an older one than the one before */
	uint64_t seen[WINDOW / 64];
};

struct tally {
	struct stream *streams[STREAMS_MAX];
	uint32_t count;
	uint64_t foreign; /* of no stream */
	uint64_t gaps;	  /* events of type GAP, of any lane */
	uint64_t gap_events; /* that they stand for */
	uint64_t backward;   /* records that ended before the one read before them */
	uint64_t last_end;
};

static struct stream *find(struct tally *tally, uint32_t tenant, uint32_t thread)
{
	struct stream *stream;

	for (uint32_t i = 0; i < tally->count; i++)
		if (tally->streams[i]->tenant == tenant && tally->streams[i]->thread == thread)
			return tally->streams[i];
	if (tally->count == STREAMS_MAX)
		return NULL;
	stream = calloc(1, sizeof(*stream));
	if (!stream)
		return NULL;
	stream->tenant = tenant;
	stream->thread = thread;
	tally->streams[tally->count++] = stream;
	return stream;
}

static bool seen_before(struct stream *stream, uint64_t offset)
{
	uint64_t *word = &stream->seen[offset % WINDOW / 64];
	bool seen = *word >> offset % 64 & 1;

	*word |= 1ull << offset % 64;
	return seen;
}

static void forget(struct stream *stream, uint64_t offset)
{
	stream->seen[offset % WINDOW / 64] &= ~(1ull << offset % 64);
}

/* Offsets more than a window back are taken for repeated. */
static void note_offset(struct stream *stream, uint64_t offset)
{
	stream->received++;
	if (offset >= stream->next) {
		uint64_t jump = offset - stream->next;

		stream->missing += jump;
		for (uint64_t i = 0; i <= jump && i < WINDOW; i++)
			forget(stream, offset - i);
		seen_before(stream, offset);
		stream->next = offset + 1;
	} else if (stream->next - offset > WINDOW || seen_before(stream, offset)) {
		stream->repeated++;
	} else {
		stream->late++;
		stream->missing--;
	}
}

static bool intact(const struct vex_event *event)
{
	uint8_t filler = load_filler(event->tenant, event->tid, event->offset);
	const uint8_t *path = event->path.data;
	char want[64];
	size_t len = (size_t)snprintf(want, sizeof(want), "/load/%u/%u/%llu/", event->tenant,
			event->tid, (unsigned long long)event->offset);

	if (event->path.len < len || memcmp(path, want, len))
		return false;
	for (size_t i = len; i < event->path.len; i++)
		if (path[i] != filler)
			return false;
	return true;
}

static void note_set(struct stream *stream, const struct vex_event *event)
{
	uint64_t set = event->has & VEX_HAS_ROUTE ? event->route.generation : 0;

	stream->older += set < stream->set;
	stream->sets += set != stream->set;
	stream->set = set;
}

static void note_id(struct stream *stream, uint64_t base)
{
	stream->renumbered += base < stream->id_base;
	stream->id_bases += base > stream->id_base;
	stream->id_base = base;
}

static void note_event(struct tally *tally, const struct vex_event *event)
{
	const uint32_t has = VEX_HAS_TENANT | VEX_HAS_TASK | VEX_HAS_RANGE | VEX_HAS_PATH;
	struct stream *stream = NULL;

	if ((event->has & ~(uint32_t)(VEX_HAS_ROUTE | VEX_HAS_SUPPRESSED)) == has)
		stream = find(tally, event->tenant, event->tid);
	if (!stream) {
		tally->foreign++;
		return;
	}
	note_offset(stream, event->offset);
	note_set(stream, event);
	stream->corrupt += !intact(event);
	note_id(stream, event->id.seq - event->offset);
}

static void note(struct tally *tally, const struct vex_record *record)
{
	struct vex_event_space space;
	struct vex_event event;
	uint64_t end = vex_record_end_ns(record);

	vex_event_decode(record, &event, &space);
	if (event.type == VEX_GAP) {
		tally->gaps++;
		tally->gap_events += event.gap.count;
		return;
	}
	tally->backward += end < tally->last_end;
	tally->last_end = end;
	note_event(tally, &event);
}

static json_t *report_stream(const struct stream *stream)
{
	return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "next", (json_int_t)stream->next,
			"received", (json_int_t)stream->received, "missing",
			(json_int_t)stream->missing, "late", (json_int_t)stream->late, "repeated",
			(json_int_t)stream->repeated, "corrupt", (json_int_t)stream->corrupt,
			"renumbered", (json_int_t)stream->renumbered, "id_bases",
			(json_int_t)stream->id_bases, "set",
			(json_int_t)stream->set, "sets", (json_int_t)stream->sets, "older",
			(json_int_t)stream->older);
}

static void report(struct vex_subscription *sub, const struct tally *tally)
{
	struct vex_subscription_stats stats;
	json_t *streams = json_object();
	char name[32];

	for (uint32_t i = 0; i < tally->count; i++) {
		snprintf(name, sizeof(name), "%u.%u", tally->streams[i]->tenant,
				tally->streams[i]->thread);
		json_object_set_new(streams, name, report_stream(tally->streams[i]));
	}
	vex_subscription_get_stats(sub, &stats);
	load_print(json_pack("{s:I,s:I,s:I,s:I,s:b,s:i,s:I,s:I,s:I,s:I,s:o}", "received",
			(json_int_t)stats.received, "own_gaps", (json_int_t)stats.gaps, "own_lost",
			(json_int_t)stats.lost, "reconnects", (json_int_t)stats.reconnects,
			"connected", stats.connected, "subscriber", (int)stats.subscriber,
			"foreign", (json_int_t)tally->foreign, "gaps", (json_int_t)tally->gaps,
			"gap_events", (json_int_t)tally->gap_events, "backward",
			(json_int_t)tally->backward, "streams", streams));
}

static bool read_once(struct vex_subscription *sub, struct tally *tally,
		const struct load_options *options)
{
	const struct vex_record *records[64];
	int n = vex_read(sub, records, options->batch);

	for (int i = 0; i < n; i++)
		note(tally, records[i]);
	if (options->slow_us)
		usleep(options->slow_us);
	return n > 0;
}

static void run(struct vex_subscription *sub, struct tally *tally,
		const struct load_options *options)
{
	unsigned reported = 0;

	while (!VEX_LOAD_RELAXED(&load_orders.end)) {
		bool more = read_once(sub, tally, options);

		if (reported != VEX_LOAD_RELAXED(&load_orders.reports)) {
			vex_release(sub);
			report(sub, tally);
			reported++;
		}
		if (!more)
			vex_wait(sub, WAIT_MS);
	}
}

int load_subscribe(const struct load_options *options)
{
	struct vex_subscribe_options wanted = {.socket = options->socket,
			.name = options->name,
			.filter = options->filter,
			.ring_size = options->ring,
			.background = options->background};
	struct tally tally = {0};
	struct vex_subscription *sub;

	if (vex_subscribe(&wanted, &sub))
		return load_fail("vex_subscribe");
	run(sub, &tally, options);
	vex_unsubscribe(sub);
	for (uint32_t i = 0; i < tally.count; i++)
		free(tally.streams[i]);
	return 0;
}
