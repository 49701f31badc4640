/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Writes a capture with a record of every type in every shape, and what a dissector should
 * find in them: a JSON object a line, field by field, strings as hexadecimal digits. A lane's
 * own GAP can't be replayed, and may be left out.
 *
 *   write-samples [--largest] [--no-own-gaps] FILE.pcap [EXPECTED]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/capture.h"
#include "capture/samples.h"

static void put_number(FILE *out, const char *name, uint64_t value)
{
	fprintf(out, ",\"%s\":[%llu]", name, (unsigned long long)value);
}

static void put_hex(FILE *out, const struct vex_bytes *bytes)
{
	const uint8_t *data = bytes->data;

	fputc('"', out);
	for (size_t i = 0; i < bytes->len; i++)
		fprintf(out, "%02x", data[i]);
	fputc('"', out);
}

static void put_bytes(FILE *out, const char *name, const struct vex_bytes *bytes)
{
	fprintf(out, ",\"%s\":[", name);
	put_hex(out, bytes);
	fputc(']', out);
}

static void put_header(FILE *out, const struct vex_event *e, uint32_t size)
{
	fprintf(out, "{\"vex.type_name\":[\"%s\"],\"vex.result\":[%d]", vex_type_name(e->type),
			e->result);
	put_number(out, "vex.size", size);
	put_number(out, "vex.lane_seq", 0);
	put_number(out, "vex.id.seq", e->id.seq);
	put_number(out, "vex.id.node", e->id.node);
	put_number(out, "vex.id.port", e->id.port);
	put_number(out, "vex.id.lane", e->id.lane);
	put_number(out, "vex.start_ns", e->start_ns);
	put_number(out, "vex.duration", e->duration_ns);
	put_number(out, "vex.type", e->type);
	put_number(out, "vex.boundary", e->boundary);
	put_number(out, "vex.pid", e->pid);
	put_number(out, "vex.uid", e->uid);
	put_number(out, "vex.gid", e->gid);
}

static void put_graph_and_vector(FILE *out, const struct vex_event *e)
{
	put_number(out, "vex.graph.node", e->graph.node);
	put_number(out, "vex.graph.edge", e->graph.edge);
	put_number(out, "vex.graph.from", e->graph.from);
	put_number(out, "vex.graph.to", e->graph.to);
	put_number(out, "vex.graph.count", e->graph.count);
	put_number(out, "vex.vector.vector", e->vector.vector);
	put_number(out, "vex.vector.collection", e->vector.collection);
	put_number(out, "vex.vector.count", e->vector.count);
	put_number(out, "vex.vector.dimension", e->vector.dimension);
	put_number(out, "vex.vector.k", e->vector.k);
}

static void put_numbers(FILE *out, const struct vex_event *e)
{
	put_number(out, "vex.tid", e->tid);
	put_number(out, "vex.ppid", e->ppid);
	put_number(out, "vex.tenant", e->tenant);
	put_number(out, "vex.dev", e->dev);
	put_number(out, "vex.ino", e->ino);
	put_number(out, "vex.parent_ino", e->parent_ino);
	put_number(out, "vex.mode", e->mode);
	put_number(out, "vex.flags", e->flags);
	put_number(out, "vex.offset", e->offset);
	put_number(out, "vex.size_bytes", e->size);
	put_number(out, "vex.parent2_ino", e->parent2_ino);
	put_graph_and_vector(out, e);
	put_number(out, "vex.route.generation", e->route.generation);
	put_number(out, "vex.route.rule", e->route.rule);
	put_number(out, "vex.route.matched", e->route.matched);
	put_number(out, "vex.route.qos", e->route.qos);
	put_number(out, "vex.route.priority", e->route.priority);
	put_number(out, "vex.route.fingerprint", e->route.fingerprint);
	put_number(out, "vex.suppressed.count", e->suppressed.count);
	put_number(out, "vex.suppressed.first_ns", e->suppressed.first_ns);
	put_number(out, "vex.suppressed.last_ns", e->suppressed.last_ns);
}

static void put_gap(FILE *out, const struct vex_attr_gap *gap)
{
	put_number(out, "vex.gap.first", gap->first);
	put_number(out, "vex.gap.last", gap->last);
	put_number(out, "vex.gap.count", gap->count);
	put_number(out, "vex.gap.reason", gap->reason);
}

static void put_lists(FILE *out, const struct vex_event *e)
{
	for (int value = 0; value < 2 && e->pair_count; value++) {
		fprintf(out, ",\"vex.%s.bytes\":[", value ? "value" : "name");
		for (uint32_t i = 0; i < e->pair_count; i++) {
			fputs(i ? "," : "", out);
			put_hex(out, value ? &e->pairs[i].value : &e->pairs[i].name);
		}
		fputc(']', out);
	}
	if (!e->label_count)
		return;
	fputs(",\"vex.label.bytes\":[", out);
	for (uint32_t i = 0; i < e->label_count; i++) {
		fputs(i ? "," : "", out);
		put_hex(out, &e->labels[i]);
	}
	fputc(']', out);
}

static void put_expected(FILE *out, const struct vex_event *e, uint32_t size)
{
	put_header(out, e, size);
	if (e->has & VEX_HAS_TASK)
		put_numbers(out, e);
	if (e->has & VEX_HAS_GAP)
		put_gap(out, &e->gap);
	if (e->has & VEX_HAS_COMM)
		put_bytes(out, "vex.comm.bytes", &e->comm);
	if (e->has & VEX_HAS_PATH)
		put_bytes(out, "vex.path.bytes", &e->path);
	if (e->has & VEX_HAS_PATH2)
		put_bytes(out, "vex.path2.bytes", &e->path2);
	put_lists(out, e);
	fputs("}\n", out);
}

static int write_one(struct vex_capture *capture, FILE *expected, const struct vex_event *event)
{
	static uint64_t room[VEX_RECORD_MAX / sizeof(uint64_t)];
	struct vex_record *record = (struct vex_record *)room;

	sample_encode(event, record);
	if (expected)
		put_expected(expected, event, record->size);
	return vex_capture_write(capture, record);
}

static int write_all(struct vex_capture *capture, FILE *expected, unsigned shapes, bool gaps)
{
	static struct sample sample;

	for (uint32_t type = 1; type < VEX_TYPE_LIMIT; type++) {
		if (!vex_type_name(type))
			continue;
		for (unsigned shape = 0; shape < shapes; shape++) {
			sample_make(&sample, type, (enum sample_shape)shape, 1);
			if (sample.event.boundary == VEX_BOUNDARY_NONE && !gaps)
				continue;
			if (write_one(capture, expected, &sample.event))
				return -1;
		}
	}
	return 0;
}

static int usage(void)
{
	fputs("usage: write-samples [--largest] [--no-own-gaps] FILE.pcap [EXPECTED]\n", stderr);
	return 2;
}

int main(int argc, char **argv)
{
	unsigned shapes = SAMPLE_LARGEST;
	struct vex_capture *capture;
	FILE *expected = NULL;
	bool gaps = true;
	int error;

	for (; argc > 1 && strncmp(argv[1], "--", 2) == 0; argc--, argv++) {
		if (strcmp(argv[1], "--largest") == 0)
			shapes = SAMPLE_SHAPE_COUNT;
		else if (strcmp(argv[1], "--no-own-gaps") == 0)
			gaps = false;
		else
			return usage();
	}
	if (argc < 2 || argc > 3)
		return usage();
	if (vex_capture_create(argv[1], &capture))
		return 1;
	if (argc == 3 && !(expected = fopen(argv[2], "w")))
		return 1;
	error = write_all(capture, expected, shapes, gaps);
	if (vex_capture_close(capture) || (expected && fclose(expected)))
		error = -1;
	return error ? 1 : 0;
}
