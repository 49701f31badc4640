/* SPDX-License-Identifier: BSD-3-Clause */
#include "capture/capture.h"

#include <CUnit/Basic.h>
#include <errno.h>
#include <fcntl.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/samples.h"

#define SMALL_RECORDS 4u

static char folder[] = "/tmp/vex-capture-XXXXXX";
static char path[64];
static struct sample sample;
static uint64_t room[VEX_RECORD_MAX / sizeof(uint64_t) + 1];
static struct vex_record *const record = (struct vex_record *)room;

static void make(uint32_t type, enum sample_shape shape)
{
	sample_make(&sample, type, shape, 7);
	sample_encode(&sample.event, record);
}

static uint64_t file_size(void)
{
	struct stat st;

	return stat(path, &st) ? 0 : (uint64_t)st.st_size;
}

/* Calls visit for every type in every shape, with the record made. */
static void each_record(void (*visit)(void *context), void *context)
{
	for (uint32_t type = 1; type < VEX_TYPE_LIMIT; type++) {
		if (!vex_type_name(type))
			continue;
		for (int shape = 0; shape < SAMPLE_SHAPE_COUNT; shape++) {
			make(type, (enum sample_shape)shape);
			visit(context);
		}
	}
}

static void write_record(void *capture)
{
	record->lane_seq = 99;
	CU_ASSERT_EQUAL(vex_capture_write(capture, record), 0);
}

static void compare_record(void *reader)
{
	const struct vex_record *got;
	uint64_t time_ns;

	CU_ASSERT_EQUAL_FATAL(vex_capture_next(reader, &got, &time_ns), 1);
	CU_ASSERT_EQUAL_FATAL(got->size, record->size);
	CU_ASSERT_EQUAL(memcmp(got, record, record->size), 0);
	CU_ASSERT_EQUAL(time_ns, record->start_ns);
}

static void test_round_trip(void)
{
	const struct vex_record *got;
	struct vex_capture_reader *reader;
	struct vex_capture *capture;
	uint64_t time_ns, done, total;

	CU_ASSERT_EQUAL_FATAL(vex_capture_create(path, &capture), 0);
	each_record(write_record, capture);
	CU_ASSERT_EQUAL(vex_capture_flush(capture), 0);
	total = file_size();
	CU_ASSERT_EQUAL(vex_capture_close(capture), 0);
	CU_ASSERT_EQUAL(file_size(), total);

	CU_ASSERT_EQUAL_FATAL(vex_capture_open(path, &reader), 0);
	each_record(compare_record, reader);
	CU_ASSERT_EQUAL(vex_capture_next(reader, &got, &time_ns), 0);
	CU_ASSERT_STRING_EQUAL(vex_capture_error(reader), "");
	vex_capture_progress(reader, &done, &total);
	CU_ASSERT_EQUAL(done, file_size());
	CU_ASSERT_EQUAL(total, file_size());
	CU_ASSERT_TRUE(vex_capture_packets(reader) > 96);
	vex_capture_close_reader(reader);
}

static void test_standard_streams(void)
{
	int out = dup(STDOUT_FILENO), in = dup(STDIN_FILENO);
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	struct vex_capture_reader *reader;
	struct vex_capture *capture;

	make(VEX_RENAME, SAMPLE_FULL);
	dup2(fd, STDOUT_FILENO);
	CU_ASSERT_EQUAL(vex_capture_create("-", &capture), 0);
	write_record(capture);
	CU_ASSERT_EQUAL(vex_capture_close(capture), 0);
	dup2(out, STDOUT_FILENO);
	record->lane_seq = 0;

	lseek(fd, 0, SEEK_SET);
	dup2(fd, STDIN_FILENO);
	CU_ASSERT_EQUAL(vex_capture_open("-", &reader), 0);
	compare_record(reader);
	vex_capture_close_reader(reader);
	dup2(in, STDIN_FILENO);
	close(fd);
	close(in);
	close(out);
}

static void test_times_beyond_2038(void)
{
	struct vex_capture_reader *reader;
	struct vex_capture *capture;

	make(VEX_OPEN, SAMPLE_BARE);
	record->start_ns = 4000000000123456789ull;
	CU_ASSERT_EQUAL_FATAL(vex_capture_create(path, &capture), 0);
	CU_ASSERT_EQUAL(vex_capture_write(capture, record), 0);
	CU_ASSERT_EQUAL(vex_capture_close(capture), 0);
	CU_ASSERT_EQUAL_FATAL(vex_capture_open(path, &reader), 0);
	compare_record(reader);
	vex_capture_close_reader(reader);
}

static void test_writer_errors(void)
{
	struct vex_capture *capture;
	int error = 0;

	CU_ASSERT_EQUAL(vex_capture_create("/nonexistent/x.pcap", &capture), -ENOENT);
	CU_ASSERT_PTR_NULL(capture);
	CU_ASSERT_EQUAL(vex_capture_close(NULL), 0);
	CU_ASSERT_EQUAL_FATAL(vex_capture_create("/dev/full", &capture), 0);
	make(VEX_WRITE, SAMPLE_LARGEST);
	for (int i = 0; i < 100 && !error; i++)
		error = vex_capture_write(capture, record);
	CU_ASSERT_EQUAL(error, -ENOSPC);
	CU_ASSERT_EQUAL(vex_capture_write(capture, record), -ENOSPC);
	CU_ASSERT_EQUAL(vex_capture_flush(capture), -ENOSPC);
	CU_ASSERT_EQUAL(vex_capture_close(capture), -ENOSPC);

	CU_ASSERT_EQUAL_FATAL(vex_capture_create("/dev/full", &capture), 0);
	CU_ASSERT_EQUAL(vex_capture_close(capture), -ENOSPC);

	CU_ASSERT_EQUAL_FATAL(vex_capture_create(path, &capture), 0);
	record->size = VEX_RECORD_MAX + 8;
	CU_ASSERT_EQUAL(vex_capture_write(capture, record), -EINVAL);
	record->size = VEX_RECORD_MIN - 8;
	CU_ASSERT_EQUAL(vex_capture_write(capture, record), -EINVAL);
	CU_ASSERT_EQUAL(vex_capture_close(capture), 0);
}

/* Reads to the end or to an error; returns the number of packets before it. */
static unsigned read_all(int *result, char *text, size_t cap)
{
	const struct vex_record *got;
	struct vex_capture_reader *reader;
	unsigned count = 0;
	uint64_t time_ns;

	*result = vex_capture_open(path, &reader);
	while (*result >= 0) {
		*result = vex_capture_next(reader, &got, &time_ns);
		if (*result != 1)
			break;
		count++;
	}
	if (*result < 0)
		CU_ASSERT_TRUE(vex_capture_next(reader, &got, &time_ns) < 0);
	snprintf(text, cap, "%s", vex_capture_error(reader));
	vex_capture_close_reader(reader);
	return count;
}

static void expect_error(unsigned packets, const char *words)
{
	char text[1024], packet[32];
	int result;

	CU_ASSERT_EQUAL(read_all(&result, text, sizeof(text)), packets);
	CU_ASSERT_EQUAL(result, -EBADMSG);
	snprintf(packet, sizeof(packet), "packet %u: ", packets + 1);
	if (strncmp(text, path, strlen(path)) || !strstr(text, packet) || !strstr(text, words)) {
		fprintf(stderr, "\"%s\" lacks the file, \"%s\" or \"%s\"\n", text, packet, words);
		CU_FAIL("an error does not say what is wrong");
	}
}

/* Where a packet ends, a shorter capture ends as well; anywhere else it is cut off. */
static void test_cut_at_every_byte(void)
{
	uint64_t ends[SMALL_RECORDS + 1] = {24};
	struct vex_capture *capture;
	unsigned whole = SMALL_RECORDS;
	char text[1024];
	int result;

	CU_ASSERT_EQUAL_FATAL(vex_capture_create(path, &capture), 0);
	for (unsigned i = 0; i < SMALL_RECORDS; i++) {
		make(VEX_OPEN + i, i % 2 ? SAMPLE_EMPTY : SAMPLE_BARE);
		write_record(capture);
		ends[i + 1] = ends[i] + 16 + record->size;
	}
	CU_ASSERT_EQUAL(vex_capture_close(capture), 0);
	CU_ASSERT_EQUAL_FATAL(file_size(), ends[SMALL_RECORDS]);
	for (uint64_t size = ends[SMALL_RECORDS]; size--;) {
		CU_ASSERT_EQUAL_FATAL(truncate(path, (off_t)size), 0);
		while (whole && size < ends[whole])
			whole--;
		if (size != ends[whole]) {
			expect_error(whole, "");
			continue;
		}
		CU_ASSERT_EQUAL(read_all(&result, text, sizeof(text)), whole);
		CU_ASSERT_EQUAL(result, 0);
	}
}

/* Writes one packet with libpcap itself, so that it may be anything. */
static void write_packet(int link, int precision, uint32_t caplen, uint32_t len)
{
	pcap_t *format = pcap_open_dead_with_tstamp_precision(link, 262144, (u_int)precision);
	pcap_dumper_t *dumper = pcap_dump_open(format, path);
	struct pcap_pkthdr header = {.ts = {1790000000, 123456}, .caplen = caplen, .len = len};

	CU_ASSERT_PTR_NOT_NULL_FATAL(dumper);
	pcap_dump((u_char *)dumper, &header, (const u_char *)record);
	pcap_dump_close(dumper);
	pcap_close(format);
}

static void test_foreign_files(void)
{
	FILE *file;

	make(VEX_OPEN, SAMPLE_FULL);
	write_packet(DLT_EN10MB, PCAP_TSTAMP_PRECISION_NANO, record->size, record->size);
	expect_error(0, "EN10MB");
	write_packet(DLT_USER1, PCAP_TSTAMP_PRECISION_NANO, record->size, record->size);
	expect_error(0, "link type 148");
	file = fopen(path, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	fputs("This is no capture at all, only a text.\n", file);
	fclose(file);
	expect_error(0, "");
}

static void test_bad_packets(void)
{
	make(VEX_OPEN, SAMPLE_FULL);
	write_packet(DLT_USER0, PCAP_TSTAMP_PRECISION_NANO, record->size - 8, record->size);
	expect_error(0, "were captured");
	write_packet(DLT_USER0, PCAP_TSTAMP_PRECISION_NANO, record->size - 8, record->size - 8);
	expect_error(0, "its record says");
	write_packet(DLT_USER0, PCAP_TSTAMP_PRECISION_NANO, 55, 55);
	expect_error(0, "can't be a record");
	write_packet(DLT_USER0, PCAP_TSTAMP_PRECISION_NANO, VEX_RECORD_MAX + 8,
			VEX_RECORD_MAX + 8);
	expect_error(0, "can't be a record");
	record->type = VEX_TYPE_LIMIT;
	write_packet(DLT_USER0, PCAP_TSTAMP_PRECISION_NANO, record->size, record->size);
	expect_error(0, vex_check_text(VEX_CHECK_TYPE));
}

static void test_missing_file(void)
{
	struct vex_capture_reader *reader;

	CU_ASSERT_EQUAL(vex_capture_open("/nonexistent/x.pcap", &reader), -ENOENT);
	CU_ASSERT_PTR_NOT_NULL(strstr(vex_capture_error(reader), "/nonexistent/x.pcap"));
	vex_capture_close_reader(reader);
	vex_capture_close_reader(NULL);
}

static void expect_one(uint64_t want_ns)
{
	const struct vex_record *got;
	struct vex_capture_reader *reader;
	uint64_t time_ns;

	CU_ASSERT_EQUAL_FATAL(vex_capture_open(path, &reader), 0);
	CU_ASSERT_EQUAL_FATAL(vex_capture_next(reader, &got, &time_ns), 1);
	CU_ASSERT_EQUAL(memcmp(got, record, record->size), 0);
	CU_ASSERT_EQUAL(time_ns, want_ns);
	CU_ASSERT_EQUAL(vex_capture_next(reader, &got, &time_ns), 0);
	vex_capture_close_reader(reader);
}

static void test_microseconds(void)
{
	make(VEX_OPEN, SAMPLE_FULL);
	write_packet(DLT_USER0, PCAP_TSTAMP_PRECISION_MICRO, record->size, record->size);
	expect_one(1790000000123456000ull);
}

static void put_block(FILE *file, uint32_t type, const void *body, uint32_t len)
{
	uint32_t head[2] = {type, len + 12};

	fwrite(head, sizeof(head), 1, file);
	fwrite(body, len, 1, file);
	fwrite(&head[1], sizeof(head[1]), 1, file);
}

/* A section header, an interface with if_tsresol 9 (nanoseconds), and a packet. */
static void test_pcapng(void)
{
	static uint32_t packet[5 + VEX_RECORD_MAX / 4];
	const uint32_t section[4] = {0x1a2b3c4d, 1, 0xffffffff, 0xffffffff};
	const uint32_t interface[5] = {DLT_USER0, VEX_RECORD_MAX, 1 << 16 | 9, 9, 0};
	FILE *file = fopen(path, "w");

	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	make(VEX_OPEN, SAMPLE_FULL);
	packet[1] = (uint32_t)(record->start_ns >> 32);
	packet[2] = (uint32_t)record->start_ns;
	packet[3] = packet[4] = record->size;
	memcpy(&packet[5], record, record->size);
	put_block(file, 0x0a0d0d0a, section, sizeof(section));
	put_block(file, 1, interface, sizeof(interface));
	put_block(file, 6, packet, 20 + record->size);
	fclose(file);
	expect_one(record->start_ns);
}

static CU_TestInfo tests[] = {
	{"what was written is read", test_round_trip},
	{"standard streams", test_standard_streams},
	{"times beyond 2038", test_times_beyond_2038},
	{"errors of the writer, a full disk among them", test_writer_errors},
	{"cut at every byte", test_cut_at_every_byte},
	{"foreign files", test_foreign_files},
	{"bad packets", test_bad_packets},
	{"a missing file", test_missing_file},
	{"microsecond pcap", test_microseconds},
	{"pcapng", test_pcapng},
	CU_TEST_INFO_NULL,
};

int main(void)
{
	CU_SuiteInfo suites[] = {{.pName = "capture", .pTests = tests}, CU_SUITE_INFO_NULL};
	unsigned failures;

	if (!mkdtemp(folder))
		return 1;
	snprintf(path, sizeof(path), "%s/x.pcap", folder);
	if (CU_initialize_registry() || CU_register_suites(suites))
		return 1;
	CU_basic_set_mode(CU_BRM_VERBOSE);
	CU_basic_run_tests();
	failures = CU_get_number_of_failures();
	CU_cleanup_registry();
	unlink(path);
	rmdir(folder);
	return failures ? 1 : 0;
}
