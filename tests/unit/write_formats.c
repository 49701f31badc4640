/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Prints events for test_formats.py: a line each as JSON, as OCSF and as text, and before them
 * the bytes of its strings in hexadecimal.
 */
#include <stdio.h>
#include <stdlib.h>

#include "capture/samples.h"
#include "event/format.h"

/* Pieces that formats have to treat with care, in orders made by chance. */
static const char *const pieces[] = {
	"\"", "\\", "/", "\n", "\r", "\t", "\x01", "\x1f", "\x7f", " ", "a", "..", "{", "[", ",",
	"\xc3\xa9", "\xe6\x97\xa5", "\xf0\x9f\x98\x80", "\xe2\x80\xa8", "\xc2\x9b", "\xe2\x80\xae",
	"\xff", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe6\x97", "\x80", "\xf0\x9f",
};

static struct sample sample;
static char room[4][8192];
static char *line;

static struct vex_bytes patchwork(unsigned i)
{
	uint64_t count = sample_random(&sample.random) % 24;
	size_t len = 0;

	while (count--) {
		const char *piece = pieces[sample_random(&sample.random) %
				(sizeof(pieces) / sizeof(pieces[0]))];

		memcpy(room[i] + len, piece, strlen(piece));
		len += strlen(piece);
	}
	return (struct vex_bytes){.data = room[i], .len = len};
}

static void print_hex(const char *name, struct vex_bytes bytes)
{
	const uint8_t *at = bytes.data;

	printf("%s=", name);
	while (bytes.len--)
		printf("%02x", *at++);
	putchar(' ');
}

static void print_bytes(const struct vex_event *event)
{
	uint32_t i;

	if (event->has & VEX_HAS_COMM)
		print_hex("comm", event->comm);
	if (event->has & VEX_HAS_PATH)
		print_hex("path", event->path);
	if (event->has & VEX_HAS_PATH2)
		print_hex("path2", event->path2);
	for (i = 0; i < event->label_count; i++)
		print_hex("label", event->labels[i]);
	for (i = 0; i < event->pair_count; i++) {
		print_hex("name", event->pairs[i].name);
		print_hex("value", event->pairs[i].value);
	}
	putchar('\n');
}

static void print_line(ssize_t (*format)(const struct vex_event *, char *, size_t))
{
	ssize_t len = format(&sample.event, line, VEX_FORMAT_MAX);

	if (len < 0 || (size_t)len != strlen(line))
		exit(1);
	puts(line);
}

static void print_event(void)
{
	print_bytes(&sample.event);
	print_line(vex_format_json);
	print_line(vex_format_ocsf);
	print_line(vex_format_text);
}

static void print_patchwork(uint32_t type, uint64_t seed)
{
	sample_make(&sample, type, SAMPLE_FULL, seed);
	sample.event.comm = patchwork(0);
	sample.event.path = patchwork(1);
	sample.event.path2 = patchwork(2);
	sample.space.labels[0] = patchwork(3);
	print_event();
}

int main(void)
{
	uint32_t type;
	uint64_t seed;
	int shape;

	line = malloc(VEX_FORMAT_MAX);
	if (!line)
		return 1;
	for (type = 1; type < VEX_TYPE_LIMIT; type++) {
		if (!vex_type_name(type))
			continue;
		for (shape = 0; shape < SAMPLE_SHAPE_COUNT; shape++) {
			sample_make(&sample, type, (enum sample_shape)shape, 1);
			print_event();
		}
		for (seed = 0; seed < 20; seed++)
			print_patchwork(type, seed);
	}
	free(line);
	return 0;
}
