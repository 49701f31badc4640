/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Writes the inputs that the fuzz targets start from.
 *
 *   fuzz-seeds FOLDER      makes FOLDER/record, lane, ingest, pcap, wire, rule, condition,
 *                          image, redact, program and server, and fills them
 */
#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "capture/capture.h"
#include "capture/samples.h"
#include "support/bpf_object.h"

static const char *folder;
static struct sample sample;
static uint64_t room[VEX_RECORD_MAX / sizeof(uint64_t)];
static struct vex_record *const record = (struct vex_record *)room;

static void die(const char *what)
{
	fprintf(stderr, "fuzz-seeds: %s: %s\n", what, strerror(errno));
	exit(1);
}

static const char *seed_path(const char *target, unsigned number)
{
	static char path[4096];

	snprintf(path, sizeof(path), "%s/%s", folder, target);
	if (mkdir(path, 0755) && errno != EEXIST)
		die(path);
	snprintf(path, sizeof(path), "%s/%s/seed-%u", folder, target, number);
	return path;
}

static void save(const char *target, unsigned number, const void *data, size_t len)
{
	const char *path = seed_path(target, number);
	FILE *file = fopen(path, "wb");

	if (!file || fwrite(data, 1, len, file) != len || fclose(file))
		die(path);
}

static void make(uint32_t type, enum sample_shape shape)
{
	sample_make(&sample, type, shape, 3);
	sample_encode(&sample.event, record);
}

static void seed_records(void)
{
	static const uint32_t types[] = {VEX_GAP, VEX_RENAME, VEX_GRAPH_TRAVERSE, VEX_VECTOR_SEARCH};
	unsigned number = 0;

	for (uint32_t type = 1; type < VEX_TYPE_LIMIT; type++) {
		if (!vex_type_name(type))
			continue;
		make(type, SAMPLE_EMPTY);
		save("record", number++, record, record->size);
	}
	for (unsigned i = 0; i < 4; i++) {
		make(types[i], SAMPLE_FULL);
		save("record", number++, record, record->size);
		make(types[i], SAMPLE_RANDOM);
		save("record", number++, record, record->size);
	}
}

/* Rules, room and a record; see fuzz_redact.c. */
static void seed_redactions(void)
{
	static uint8_t input[10 + VEX_RECORD_MAX];
	const uint16_t more = 512;

	for (uint8_t i = 0; i < 16; i++) {
		const uint64_t rules = i < 4 ? ~0ull << i : 7ull << 3 * i;

		make(i % 2 ? VEX_OPEN : VEX_RENAME, i % 4 < 2 ? SAMPLE_FULL : SAMPLE_RANDOM);
		memcpy(input, &rules, sizeof(rules));
		memcpy(input + 8, &more, sizeof(more));
		memcpy(input + 10, record, record->size);
		save("redact", i, input, 10 + record->size);
	}
}

/* A record, and changes of an image; see fuzz_image.c. */
static void seed_images(void)
{
	static uint8_t input[1 + VEX_RECORD_MAX + 3 * 8];

	for (uint8_t i = 0; i < 8; i++) {
		make(i % 2 ? VEX_OPEN : VEX_RENAME, i < 4 ? SAMPLE_FULL : SAMPLE_RANDOM);
		input[0] = i;
		memcpy(input + 1, record, record->size);
		memset(input + 1 + record->size, 31 * i, 3u * i);
		save("image", i, input, 1 + record->size + 3u * i);
	}
}

/* A program of fuzz_lane: records that a good producer writes, and that are read. */
static size_t lane_program(uint8_t *out, uint8_t how, bool gap)
{
	size_t n = 0;

	out[n++] = how;
	for (int i = 0; i < 3; i++) {
		make(gap && i == 1 ? VEX_GAP : VEX_OPEN, gap && i == 1 ? SAMPLE_BARE : SAMPLE_EMPTY);
		out[n++] = 1;
		out[n++] = (uint8_t)(record->size - VEX_RECORD_MIN);
		memcpy(out + n, &record->id, record->size - 8);
		n += record->size - 8;
		out[n++] = 4; /* read, and nothing is written between peek and copy */
		out[n++] = 0;
		out[n++] = 3;
	}
	return n;
}

static void seed_lanes(void)
{
	uint8_t program[1024];
	size_t n;

	n = lane_program(program, 0, false);
	save("lane", 0, program, n);
	n = lane_program(program, 2, true);
	save("lane", 1, program, n);
	n = 0;
	program[n++] = 1;
	while (n + 6 < sizeof(program)) { /* write 4,000 bytes, then give 64 lines back */
		memcpy(program + n, (uint8_t[]){3, 0x68, 0x0f, 1, 64, 0}, 6);
		n += 6;
	}
	save("lane", 2, program, n);
}

/* A program of fuzz_ingest: three records for each of two lanes, then a look at them. */
static void seed_ingest(unsigned number, enum sample_shape shape)
{
	static uint8_t program[8192];
	size_t n = 4;

	memset(program, 0, sizeof(program));
	program[0] = 2;
	for (uint8_t i = 0; i < 6; i++) {
		make(VEX_OPEN + i, i % 2 ? shape : SAMPLE_BARE);
		program[n++] = i % 2;
		program[n++] = 3;
		program[n++] = (uint8_t)(record->size - VEX_RECORD_MIN);
		program[n++] = (uint8_t)((record->size - VEX_RECORD_MIN) >> 8);
		memcpy(program + n, &record->id, record->size - 8);
		n += record->size - 8;
	}
	program[n++] = 0;
	program[n++] = 2;
	save("ingest", number, program, n + 64); /* zeros: nobody writes while ingest looks */
}

static void seed_foreign_pcap(unsigned number, int link, u_int precision)
{
	pcap_t *format = pcap_open_dead_with_tstamp_precision(link, 262144, precision);
	pcap_dumper_t *dumper = pcap_dump_open(format, seed_path("pcap", number));
	struct pcap_pkthdr header = {.ts = {1790000000, 5}, .caplen = record->size, .len = record->size};

	if (!dumper)
		die("pcap");
	pcap_dump((u_char *)dumper, &header, (const u_char *)record);
	pcap_dump_close(dumper);
	pcap_close(format);
}

/* The blocks of a pcapng: section, interface with nanoseconds, packet. */
static void seed_pcapng(unsigned number)
{
	static uint32_t file[VEX_RECORD_MAX / 4] = {0x0a0d0d0a, 28, 0x1a2b3c4d, 1, 0xffffffff,
			0xffffffff, 28, 1, 32, DLT_USER0, VEX_RECORD_MAX, 1 << 16 | 9, 9, 0, 32};
	uint32_t n = 15, total = 32 + record->size;

	file[n++] = 6;
	file[n++] = total;
	n += 3;
	file[n++] = record->size;
	file[n++] = record->size;
	memcpy(&file[n], record, record->size);
	n += record->size / 4;
	file[n++] = total;
	save("pcap", number, file, n * 4);
}

static void seed_pcaps(void)
{
	struct vex_capture *capture;

	if (vex_capture_create(seed_path("pcap", 0), &capture))
		die("pcap");
	for (uint32_t type = VEX_OPEN; type < VEX_OPEN + 3; type++) {
		make(type, type == VEX_READ ? SAMPLE_FULL : SAMPLE_BARE);
		vex_capture_write(capture, record);
	}
	if (vex_capture_close(capture))
		die("pcap");
	seed_foreign_pcap(1, DLT_USER0, PCAP_TSTAMP_PRECISION_MICRO);
	seed_foreign_pcap(2, DLT_EN10MB, PCAP_TSTAMP_PRECISION_NANO);
	seed_pcapng(3);
}

static void seed_wire(void)
{
	static const char *const messages[] = {
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"status\"}",
		"{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"show\",\"params\":{\"what\":[1,2.5,null]}}",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"ok\":true,\"text\":\"\\u00e9\"}}",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32601,\"message\":\"none\"}}",
		"[{\"jsonrpc\":\"2.0\"},[[[[[[]]]]]]]",
	};

	for (unsigned i = 0; i < sizeof(messages) / sizeof(*messages); i++)
		save("wire", i, messages[i], strlen(messages[i]));
}

/* Steps of any kind; see fuzz_server.c. */
static void seed_server(void)
{
	uint8_t steps[600];
	uint32_t state = 1;

	for (unsigned i = 0; i < 16; i++) {
		for (size_t at = 0; at < sizeof(steps); at++, state = state * 1664525u + 1013904223u)
			steps[at] = (uint8_t)(state >> 24);
		save("server", i, steps, sizeof(steps));
	}
}

static void save_texts(const char *target, const char *const *texts)
{
	for (unsigned i = 0; texts[i]; i++)
		save(target, i, texts[i], strlen(texts[i]));
}

static void seed_rules(void)
{
	static const char *const rules[] = {
		"- list: l\n  items: [a, \"b\", 'c']\n- macro: m\n  condition: (evt.type=open)\n"
		"- rule: r\n  desc: d\n  condition: >\n    m and\n    proc.name in (l)\n  output: o\n"
		"  priority: ERROR\n  tags: [x]\n",
		"- rule: r\n  condition: fd.name pmatch (/a)\n- rule: r\n  append: true\n"
		"  condition: and user.uid=0\n- rule: r\n  qos: low\n  override: {qos: replace}\n",
		"- rule: r\n  condition: evt.type=open\n  route: [group:g, subscriber:s, drop]\n"
		"  rate: {limit: 1/s, burst: 2, by: user.uid}\n  suppress: {for: 1m}\n  sample: 1/2\n"
		"  schedule: {days: mon-fri, hours: [08:00-18:00], offset: \"+02:00\"}\n"
		"  redact: {fd.name: hash}\n  match: first\n  program: p\n"
		"- group: g\n  members: [a, b: 2]\n  balance: hash\n  by: fd.name\n"
		"- program: p\n  file: x.o\n",
		"- class: high\n  overload: block\n  block: 5ms\n  share: 80%\n"
		"- class: low\n  overload: drop_newest\n- class: low\n  share: 10%\n"
		"- quota: 7\n  rate: 100/s\n  burst: 20k\n  excess: 5\n  over: demote\n"
		"- quota: default\n  rate: 5/10m\n- quota: 7\n  rate: 1/s\n",
		"- rule: r\n  condition: evt.type=open\n  exceptions:\n    - name: e\n"
		"      fields: [proc.name, fd.name]\n      comps: [=, in]\n"
		"      values: [[a, [b, c]]]\n",
		"- rule: r\n  condition: (evt.type=open or m)\n  program: p\n  exceptions:\n"
		"    - {name: e, fields: user.uid, values: [0, 7]}\n"
		"    - {name: f, fields: ['attr[\"a b\"]', evt.arg[1]], comps: [startswith, =], values: []}\n"
		"- rule: r\n  append: true\n  exceptions:\n"
		"    - {name: f, values: [['\"x\\\"y\"', l], [a, [b]]]}\n"
		"- macro: m\n  condition: attr['x'] exists\n- program: p\n  file: x.o\n",
		NULL,
	};
	static const char *const conditions[] = {
		"fd.name startswith /etc and not (proc.name = \"a b\" or user.uid in (0, 1))",
		"m and fd.name pmatch (/a/*, /b) or label intersects l and attr[x] exists",
		"evt.res = ENOENT and fs.flags contains O_CREAT|O_TRUNC and fs.mode intersects (0644)",
		"fd.name glob '/[a-z]*?' and fd.name iglob *x and fd.name regex \"a{2}(b|c)+\"",
		"evt.time > 2026-01-02T03:04:05Z and event.duration < 5ms and evt.num >= 1",
		"evt.is_open_write=true and fd.typechar='f' and fd.num>=0 and evt.dir=<",
		"tolower(proc.name) = val(proc.pname) or container.id != host or evt.type=connect",
		"fs.path.source endswith a and fs.path.target icontains b and evt.arg.path contains \"\\x41\"",
		NULL,
	};

	save_texts("rule", rules);
	save_texts("condition", conditions);
}

/* Branches, an index within bounds, the stack, arithmetic of both widths; eBPF as bytes. */
static const uint64_t program[] = {
	0x0000000000081261, /* r2 = *(u32 *)(r1 + 8) */
	0x00000000000000b7, /* r0 = 0 */
	0x000000c800050225, /* if r2 > 200 goto +5 */
	0x000000000000210f, /* r1 += r2 */
	0x0000000000d81071, /* r0 = *(u8 *)(r1 + 216) */
	0x00000000fff80a7b, /* *(u64 *)(r10 - 8) = r0 */
	0x0000000300000064, /* w0 <<= 3 */
	0x00000000fffaa369, /* r3 = *(u16 *)(r10 - 6) */
	0x0000000500000418, /* r4 = 0x100000005 */
	0x0000000100000000,
	0x000000000000409f, /* r0 %= r4 */
	0x0000000000000095, /* exit */
};

/* An object, and the instructions by themselves; see fuzz_program.c. */
static void seed_programs(void)
{
	const struct bpf_object good = {.code = program, .count = 12};
	const struct bpf_object needs = {.code = program, .count = 12, .needs = "map"};
	static uint8_t input[1 + BPF_OBJECT_MAX];

	save("program", 0, input, 1 + bpf_object_write(&good, input + 1));
	save("program", 1, input, 1 + bpf_object_write(&needs, input + 1));
	memset(input, 1, 65);
	memcpy(input + 65, program, sizeof(program));
	save("program", 2, input, 65 + sizeof(program));
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return fputs("usage: fuzz-seeds FOLDER\n", stderr), 2;
	folder = argv[1];
	if (mkdir(folder, 0755) && errno != EEXIST)
		die(folder);
	seed_records();
	seed_images();
	seed_redactions();
	seed_server();
	seed_lanes();
	seed_ingest(0, SAMPLE_EMPTY);
	seed_ingest(1, SAMPLE_FULL);
	seed_pcaps();
	seed_wire();
	seed_rules();
	seed_programs();
	return 0;
}
