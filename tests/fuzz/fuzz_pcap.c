/* SPDX-License-Identifier: BSD-3-Clause */
/* Capture files of any bytes: each packet is a good record, or an error names it. */
#include "fuzz.h"

#include <inttypes.h>

#include "capture/capture.h"
#include "event/event.h"

static void check_error(const struct vex_capture_reader *reader, uint64_t packets)
{
	char number[32];

	snprintf(number, sizeof(number), "packet %" PRIu64 ": ", packets + 1);
	MUST(strncmp(vex_capture_error(reader), "input: ", 7) == 0);
	MUST(strstr(vex_capture_error(reader), number));
}

static void read_all(struct vex_capture_reader *reader)
{
	const struct vex_record *record;
	uint64_t packets = 0, time_ns;
	int got;

	while ((got = vex_capture_next(reader, &record, &time_ns)) == 1) {
		packets++;
		MUST(vex_record_check(record, record->size) == VEX_CHECK_OK);
		MUST(record->lane_seq == 0);
	}
	MUST(vex_capture_packets(reader) == packets);
	if (got < 0)
		check_error(reader, packets);
	else
		MUST(!*vex_capture_error(reader));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vex_capture_reader *reader;
	FILE *file;

	if (!size)
		return 0;
	file = fmemopen((void *)(uintptr_t)data, size, "rb");
	MUST(file);
	if (vex_capture_open_stream(file, "input", &reader) == 0)
		read_all(reader);
	else
		check_error(reader, 0);
	vex_capture_close_reader(reader);
	return 0;
}
