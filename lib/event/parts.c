/* SPDX-License-Identifier: BSD-3-Clause */
#include "event/out.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

void out_id(const struct vex_event_id *id, char text[OUT_SHORT])
{
	snprintf(text, OUT_SHORT, "%08" PRIx32 "%04x%04x%016" PRIx64, id->node, id->port,
			id->lane, id->seq);
}

void out_time(uint64_t ns, char text[OUT_SHORT])
{
	time_t seconds = (time_t)(ns / 1000000000u);
	struct tm tm;
	size_t n;

	gmtime_r(&seconds, &tm);
	n = strftime(text, OUT_SHORT, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + n, OUT_SHORT - n, ".%09uZ", (unsigned)(ns % 1000000000u));
}

void out_error(int32_t result, char text[OUT_SHORT])
{
	const char *name = result > INT32_MIN ? strerrorname_np(-result) : NULL;

	if (name)
		snprintf(text, OUT_SHORT, "%s", name);
	else
		snprintf(text, OUT_SHORT, "%" PRId64, -(int64_t)result);
}

const char *out_name(const char *name)
{
	return name ? name : "unknown";
}

void out_range(struct out *out, const struct vex_event *event)
{
	if (event->has & VEX_HAS_PARENT2)
		out_key_u64(out, "parent2_ino", event->parent2_ino);
	if (event->has & VEX_HAS_RANGE) {
		out_key_u64(out, "offset", event->offset);
		out_key_u64(out, "size", event->size);
	}
}

static void put_gap(struct out *out, const struct vex_attr_gap *gap)
{
	out_open(out, "gap", '{');
	out_key_u64(out, "first", gap->first);
	out_key_u64(out, "last", gap->last);
	out_key_u64(out, "count", gap->count);
	out_key_text(out, "reason", out_name(vex_gap_reason_name(gap->reason)));
	out_close(out, '}');
}

static void put_graph(struct out *out, const struct vex_attr_graph *graph)
{
	out_open(out, "graph", '{');
	out_key_u64(out, "node", graph->node);
	out_key_u64(out, "edge", graph->edge);
	out_key_u64(out, "from", graph->from);
	out_key_u64(out, "to", graph->to);
	out_key_u64(out, "count", graph->count);
	out_close(out, '}');
}

static void put_vector(struct out *out, const struct vex_attr_vector *vector)
{
	out_open(out, "vector", '{');
	out_key_u64(out, "vector", vector->vector);
	out_key_u64(out, "collection", vector->collection);
	out_key_u64(out, "count", vector->count);
	out_key_u64(out, "dimension", vector->dimension);
	out_key_u64(out, "k", vector->k);
	out_close(out, '}');
}

static void put_route(struct out *out, const struct vex_attr_route *route)
{
	out_open(out, "route", '{');
	out_key_u64(out, "generation", route->generation);
	out_key_u64(out, "matched", route->matched);
	out_key_text(out, "class", out_name(vex_qos_name(route->qos)));
	if (route->rule != VEX_ROUTE_NO_RULE) {
		char text[OUT_SHORT];

		snprintf(text, sizeof(text), "%016" PRIx64, route->fingerprint);
		out_key_u64(out, "rule", route->rule);
		out_key_text(out, "fingerprint", text);
		out_key_text(out, "priority", out_name(vex_priority_name(route->priority)));
	}
	out_close(out, '}');
}

static void put_suppressed(struct out *out, const struct vex_event *event)
{
	out_open(out, "suppressed", '{');
	out_key_u64(out, "count", event->suppressed.count);
	out_key_u64(out, "first_ns", event->suppressed.first_ns);
	out_key_u64(out, "last_ns", event->suppressed.last_ns);
	if (vex_event_is_summary(event))
		out_key_true(out, "summary");
	out_close(out, '}');
}

/* A second array, of the same length, has the bytes of those labels that are no UTF-8. */
static void put_labels(struct out *out, const struct vex_event *event)
{
	bool exact = true;
	uint32_t i;

	out_open(out, "labels", '[');
	for (i = 0; i < event->label_count; i++) {
		out_key_bytes(out, NULL, event->labels[i]);
		exact = exact && out_is_utf8(event->labels[i]);
	}
	out_close(out, ']');
	if (exact)
		return;
	out_open(out, "labels_b64", '[');
	for (i = 0; i < event->label_count; i++) {
		if (out_is_utf8(event->labels[i]))
			out_text(out, i ? ",null" : "null");
		else
			out_key_base64(out, NULL, event->labels[i]);
	}
	out_close(out, ']');
}

/* An array, not an object: names may repeat, and their order is kept. */
static void put_attributes(struct out *out, const struct vex_event *event)
{
	uint32_t i;

	out_open(out, "attributes", '[');
	for (i = 0; i < event->pair_count; i++) {
		out_open(out, NULL, '{');
		out_key_exact(out, "name", event->pairs[i].name);
		out_key_exact(out, "value", event->pairs[i].value);
		out_close(out, '}');
	}
	out_close(out, ']');
}

void out_extras(struct out *out, const struct vex_event *event)
{
	if (event->has & VEX_HAS_GAP)
		put_gap(out, &event->gap);
	if (event->has & VEX_HAS_GRAPH)
		put_graph(out, &event->graph);
	if (event->has & VEX_HAS_VECTOR)
		put_vector(out, &event->vector);
	if (event->has & VEX_HAS_ROUTE)
		put_route(out, &event->route);
	if (event->has & VEX_HAS_SUPPRESSED)
		put_suppressed(out, event);
	if (event->label_count)
		put_labels(out, event);
	if (event->pair_count)
		put_attributes(out, event);
}
