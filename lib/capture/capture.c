/* SPDX-License-Identifier: BSD-3-Clause */
#include "capture/capture.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NS_PER_S 1000000000ull

struct vex_capture {
	pcap_t *format;
	pcap_dumper_t *dumper;
	int error; /**< the first one, kept: what follows it can't be whole either */
	uint8_t packet[VEX_RECORD_MAX] __attribute__((aligned(8)));
	char buffer[256 * 1024];
};

static FILE *open_output(const char *path)
{
	FILE *file;
	int fd;

	if (strcmp(path, "-") != 0)
		return fopen(path, "wbe");
	fd = dup(STDOUT_FILENO);
	if (fd < 0)
		return NULL;
	file = fdopen(fd, "wb");
	if (!file)
		close(fd);
	return file;
}

static int start_capture(struct vex_capture *capture, const char *path)
{
	FILE *file;
	int error;

	capture->format = pcap_open_dead_with_tstamp_precision(
			DLT_USER0, (int)VEX_RECORD_MAX, PCAP_TSTAMP_PRECISION_NANO);
	if (!capture->format)
		return -ENOMEM;
	file = open_output(path);
	if (!file) {
		error = -errno;
		goto close_format;
	}
	setvbuf(file, capture->buffer, _IOFBF, sizeof(capture->buffer));
	capture->dumper = pcap_dump_fopen(capture->format, file);
	if (!capture->dumper) {
		error = -EIO;
		fclose(file);
		goto close_format;
	}
	return 0;

close_format:
	pcap_close(capture->format);
	return error;
}

int vex_capture_create(const char *path, struct vex_capture **capture)
{
	struct vex_capture *c = calloc(1, sizeof(*c));
	int error;

	*capture = NULL;
	if (!c)
		return -ENOMEM;
	error = start_capture(c, path);
	if (error) {
		free(c);
		return error;
	}
	*capture = c;
	return 0;
}

/* libpcap writes through stdio and does not tell; stdio does. */
static int note_error(struct vex_capture *capture, bool failed)
{
	if (!capture->error && (failed || ferror(pcap_dump_file(capture->dumper))))
		capture->error = errno ? -errno : -EIO;
	return capture->error;
}

int vex_capture_write(struct vex_capture *capture, const struct vex_record *record)
{
	struct vex_record *copy = (struct vex_record *)capture->packet;
	struct pcap_pkthdr header;

	if (capture->error)
		return capture->error;
	if (record->size < VEX_RECORD_MIN || record->size > VEX_RECORD_MAX)
		return -EINVAL;
	memcpy(capture->packet, record, record->size);
	copy->lane_seq = 0;
	header.ts.tv_sec = (time_t)(copy->start_ns / NS_PER_S);
	header.ts.tv_usec = (suseconds_t)(copy->start_ns % NS_PER_S);
	header.caplen = copy->size;
	header.len = copy->size;
	errno = 0;
	pcap_dump((u_char *)capture->dumper, &header, capture->packet);
	return note_error(capture, false);
}

int vex_capture_flush(struct vex_capture *capture)
{
	if (capture->error)
		return capture->error;
	errno = 0;
	return note_error(capture, pcap_dump_flush(capture->dumper) != 0);
}

int vex_capture_close(struct vex_capture *capture)
{
	int error;

	if (!capture)
		return 0;
	error = vex_capture_flush(capture);
	pcap_dump_close(capture->dumper);
	pcap_close(capture->format);
	free(capture);
	return error;
}
