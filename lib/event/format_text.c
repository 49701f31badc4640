/* SPDX-License-Identifier: BSD-3-Clause */
#include "event/format.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "event/out.h"

/* Values of attributes are shown up to here; JSON has them whole. */
#define VALUE_SHOWN 64u

static void put_column(struct out *out, const char *text, size_t width)
{
	size_t len = strlen(text);

	out_text(out, text);
	for (; len < width; len++)
		out_raw(out, " ", 1);
}

static void put_time(struct out *out, uint64_t ns)
{
	time_t seconds = (time_t)(ns / 1000000000u);
	char text[32];
	struct tm tm;
	size_t n;

	localtime_r(&seconds, &tm);
	n = strftime(text, sizeof(text), "%H:%M:%S", &tm);
	snprintf(text + n, sizeof(text) - n, ".%06u ", (unsigned)(ns % 1000000000u / 1000));
	out_text(out, text);
}

static void put_process(struct out *out, const struct vex_event *event)
{
	size_t start = out->len;

	out_u64(out, event->pid);
	if ((event->has & VEX_HAS_COMM) && event->comm.len) {
		out_raw(out, "(", 1);
		out_visible(out, event->comm);
		out_raw(out, ")", 1);
	}
	do
		out_raw(out, " ", 1);
	while (out->len - start < 24 && !out->full);
}

static void put_result(struct out *out, int32_t result)
{
	char text[OUT_SHORT] = "OK";

	if (result < 0)
		out_error(result, text);
	put_column(out, text, 9);
	out_raw(out, " ", 1);
}

static void put_duration(struct out *out, uint64_t ns)
{
	char text[32];

	if (ns < 1000)
		snprintf(text, sizeof(text), "%uns", (unsigned)ns);
	else if (ns < 1000000)
		snprintf(text, sizeof(text), "%.1fus", (double)ns / 1e3);
	else if (ns < 1000000000)
		snprintf(text, sizeof(text), "%.1fms", (double)ns / 1e6);
	else
		snprintf(text, sizeof(text), "%.1fs", (double)ns / 1e9);
	put_column(out, text, 7);
}

static void put_number(struct out *out, const char *name, uint64_t value)
{
	out_text(out, name);
	out_u64(out, value);
}

static void put_paths(struct out *out, const struct vex_event *event)
{
	if (event->has & VEX_HAS_PATH) {
		out_raw(out, " ", 1);
		out_visible(out, event->path);
	}
	if (event->has & VEX_HAS_PATH2) {
		out_text(out, " -> ");
		out_visible(out, event->path2);
	}
}

static void put_sizes(struct out *out, const struct vex_event *event)
{
	if (event->has & VEX_HAS_RANGE) {
		put_number(out, " offset=", event->offset);
		put_number(out, " size=", event->size);
	}
	if (event->result > 0)
		put_number(out, " result=", (uint64_t)event->result);
}

static void put_stores(struct out *out, const struct vex_event *event)
{
	if (event->has & VEX_HAS_GRAPH) {
		put_number(out, " node=", event->graph.node);
		put_number(out, " edge=", event->graph.edge);
		put_number(out, " from=", event->graph.from);
		put_number(out, " to=", event->graph.to);
		put_number(out, " count=", event->graph.count);
	}
	if (event->has & VEX_HAS_VECTOR) {
		put_number(out, " vector=", event->vector.vector);
		put_number(out, " collection=", event->vector.collection);
		put_number(out, " count=", event->vector.count);
		put_number(out, " dimension=", event->vector.dimension);
		put_number(out, " k=", event->vector.k);
	}
}

static void put_pairs(struct out *out, const struct vex_event *event)
{
	uint32_t i;

	for (i = 0; i < event->label_count; i++) {
		out_text(out, " #");
		out_visible(out, event->labels[i]);
	}
	for (i = 0; i < event->pair_count; i++) {
		struct vex_bytes value = event->pairs[i].value;
		bool cut = value.len > VALUE_SHOWN;

		value.len = cut ? VALUE_SHOWN : value.len;
		out_raw(out, " ", 1);
		out_visible(out, event->pairs[i].name);
		out_raw(out, "=", 1);
		out_visible(out, value);
		if (cut)
			out_text(out, "...");
	}
}

static void put_rules(struct out *out, const struct vex_event *event)
{
	bool summary = vex_event_is_summary(event);

	if ((event->has & VEX_HAS_ROUTE) && (event->route.matched || summary)) {
		put_number(out, " rule=", event->route.rule);
		out_text(out, " priority=");
		out_text(out, out_name(vex_priority_name(event->route.priority)));
		if (summary)
			out_text(out, " summary");
		else
			put_number(out, " matched=", event->route.matched);
	}
	if (event->has & VEX_HAS_SUPPRESSED)
		put_number(out, " suppressed=", event->suppressed.count);
}

/* A GAP without a boundary is about the lane of the subscription itself. */
static void put_gap(struct out *out, const struct vex_event *event)
{
	const struct vex_attr_gap *gap = &event->gap;

	if (event->has & VEX_HAS_GAP) {
		put_number(out, "*** GAP *** ", gap->count);
		out_text(out, gap->count == 1 ? " event lost: " : " events lost: ");
		out_text(out, out_name(vex_gap_reason_name(gap->reason)));
		put_number(out, ", sequence ", gap->first);
		put_number(out, " to ", gap->last);
	} else {
		out_text(out, "*** GAP *** events lost");
	}
	if (event->boundary == VEX_BOUNDARY_NONE) {
		out_text(out, ", in this subscription");
	} else {
		put_number(out, ", port ", event->id.port);
		put_number(out, " lane ", event->id.lane);
	}
}

static void put_event(struct out *out, const struct vex_event *event)
{
	put_column(out, out_name(vex_boundary_name(event->boundary)), 7);
	put_column(out, out_name(vex_type_name(event->type)), 10);
	out_raw(out, " ", 1);
	put_process(out, event);
	put_number(out, "uid=", event->uid);
	out_raw(out, " ", 1);
	put_result(out, event->result);
	put_duration(out, event->duration_ns);
	put_paths(out, event);
	put_sizes(out, event);
	put_stores(out, event);
	put_pairs(out, event);
	put_rules(out, event);
}

ssize_t vex_format_text(const struct vex_event *event, char *text, size_t cap)
{
	struct out out;

	out_begin(&out, text, cap);
	put_time(&out, event->start_ns);
	if (event->type == VEX_GAP)
		put_gap(&out, event);
	else
		put_event(&out, event);
	return out_finish(&out);
}

ssize_t vex_format_bytes(struct vex_bytes bytes, char *text, size_t cap)
{
	struct out out;

	out_begin(&out, text, cap);
	out_visible(&out, bytes);
	return out_finish(&out);
}
