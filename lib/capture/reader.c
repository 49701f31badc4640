/* SPDX-License-Identifier: BSD-3-Clause */
#include "capture/capture.h"

#include <errno.h>
#include <inttypes.h>
#include <pcap/pcap.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "event/event.h"

#define NS_PER_S 1000000000ull
#define NAME_SHOWN_MAX 255

struct vex_capture_reader {
	pcap_t *pcap;
	char name[NAME_SHOWN_MAX + 1];
	uint64_t packets;
	uint64_t total;
	int error; /**< the first one, kept */
	char text[NAME_SHOWN_MAX + PCAP_ERRBUF_SIZE + 64];
	/** Packets of a pcapng stand unaligned in libpcap's buffer, so each is copied. */
	uint8_t packet[VEX_RECORD_MAX] __attribute__((aligned(8)));
};

static struct vex_capture_reader *new_reader(const char *name)
{
	struct vex_capture_reader *reader = calloc(1, sizeof(*reader));

	if (reader)
		snprintf(reader->name, sizeof(reader->name), "%s", name);
	return reader;
}

/* where: what stands between the file's name and the number of the packet to come. */
static int fail(struct vex_capture_reader *reader, int error, const char *where,
		const char *format, ...) __attribute__((format(printf, 4, 5)));

static int fail(struct vex_capture_reader *reader, int error, const char *where,
		const char *format, ...)
{
	va_list args;
	size_t n;

	snprintf(reader->text, sizeof(reader->text), "%s: %spacket %" PRIu64 ": ", reader->name,
			where, reader->packets + 1);
	n = strlen(reader->text);
	va_start(args, format);
	vsnprintf(reader->text + n, sizeof(reader->text) - n, format, args);
	va_end(args);
	reader->error = error;
	return error;
}

static int check_link_type(struct vex_capture_reader *reader)
{
	int link = pcap_datalink(reader->pcap);
	const char *name = pcap_datalink_val_to_name(link);
	const char *description = pcap_datalink_val_to_description(link);

	if (link == DLT_USER0)
		return 0;
	if (!name || !description)
		return fail(reader, -EBADMSG, "from ",
				"link type %d where vexplane's captures have %d (USER0)", link, DLT_USER0);
	return fail(reader, -EBADMSG, "from ",
			"link type %d (%s, %s) where vexplane's captures have %d (USER0)", link, name,
			description, DLT_USER0);
}

static int start_reading(struct vex_capture_reader *reader, FILE *stream)
{
	char text[PCAP_ERRBUF_SIZE] = "";
	struct stat st;

	if (fstat(fileno(stream), &st) == 0 && S_ISREG(st.st_mode))
		reader->total = (uint64_t)st.st_size;
	reader->pcap = pcap_fopen_offline_with_tstamp_precision(
			stream, PCAP_TSTAMP_PRECISION_NANO, text);
	if (!reader->pcap) {
		fclose(stream);
		return fail(reader, -EBADMSG, "before ", "not a capture: %s", text);
	}
	return check_link_type(reader);
}

int vex_capture_open_stream(FILE *stream, const char *name, struct vex_capture_reader **reader)
{
	*reader = new_reader(name);
	if (!*reader) {
		fclose(stream);
		return -ENOMEM;
	}
	return start_reading(*reader, stream);
}

static FILE *open_input(const char *path)
{
	FILE *file;
	int fd;

	if (strcmp(path, "-") != 0)
		return fopen(path, "rbe");
	fd = dup(STDIN_FILENO);
	if (fd < 0)
		return NULL;
	file = fdopen(fd, "rb");
	if (!file)
		close(fd);
	return file;
}

int vex_capture_open(const char *path, struct vex_capture_reader **reader)
{
	FILE *stream;

	*reader = new_reader(path);
	if (!*reader)
		return -ENOMEM;
	stream = open_input(path);
	if (!stream) {
		(*reader)->error = -errno;
		snprintf((*reader)->text, sizeof((*reader)->text), "%s: %s", (*reader)->name,
				strerror(errno));
		return (*reader)->error;
	}
	return start_reading(*reader, stream);
}

static int check_packet(struct vex_capture_reader *reader, const struct pcap_pkthdr *header)
{
	struct vex_record *record = (struct vex_record *)reader->packet;
	enum vex_check check;

	if (record->size != header->caplen)
		return fail(reader, -EBADMSG, "",
				"its record says %u bytes, the packet has %u", record->size,
				header->caplen);
	check = vex_record_check(record, header->caplen);
	if (check != VEX_CHECK_OK)
		return fail(reader, -EBADMSG, "", "not a record: %s", vex_check_text(check));
	record->lane_seq = 0;
	return 0;
}

static int take_packet(struct vex_capture_reader *reader, const struct pcap_pkthdr *header,
		const uint8_t *bytes)
{
	if (header->caplen != header->len)
		return fail(reader, -EBADMSG, "", "cut off: %u of %u bytes were captured",
				header->caplen, header->len);
	if (header->caplen < VEX_RECORD_MIN || header->caplen > VEX_RECORD_MAX)
		return fail(reader, -EBADMSG, "", "%u bytes can't be a record (%u to %u bytes)",
				header->caplen, VEX_RECORD_MIN, VEX_RECORD_MAX);
	memcpy(reader->packet, bytes, header->caplen);
	return check_packet(reader, header);
}

/* A classic pcap has 32 bits of seconds, which libpcap takes for signed. */
static uint64_t packet_time(const struct pcap_pkthdr *header)
{
	int64_t seconds = header->ts.tv_sec;

	if (seconds < 0)
		seconds = (uint32_t)seconds;
	return (uint64_t)seconds * NS_PER_S + (uint64_t)header->ts.tv_usec;
}

int vex_capture_next(struct vex_capture_reader *reader, const struct vex_record **record,
		uint64_t *time_ns)
{
	struct pcap_pkthdr *header;
	const u_char *bytes;
	int got;

	if (reader->error)
		return reader->error;
	got = pcap_next_ex(reader->pcap, &header, &bytes);
	if (got == PCAP_ERROR_BREAK)
		return 0;
	if (got != 1)
		return fail(reader, ferror(pcap_file(reader->pcap)) ? -EIO : -EBADMSG, "", "%s",
				pcap_geterr(reader->pcap));
	got = take_packet(reader, header, bytes);
	if (got)
		return got;
	reader->packets++;
	*record = (const struct vex_record *)reader->packet;
	*time_ns = packet_time(header);
	return 1;
}

const char *vex_capture_error(const struct vex_capture_reader *reader)
{
	return reader ? reader->text : "out of memory";
}

uint64_t vex_capture_packets(const struct vex_capture_reader *reader)
{
	return reader->packets;
}

void vex_capture_progress(
		const struct vex_capture_reader *reader, uint64_t *done, uint64_t *total)
{
	off_t at = ftello(pcap_file(reader->pcap));

	*done = at < 0 ? 0 : (uint64_t)at;
	*total = reader->total;
}

void vex_capture_close_reader(struct vex_capture_reader *reader)
{
	if (!reader)
		return;
	if (reader->pcap)
		pcap_close(reader->pcap);
	free(reader);
}
