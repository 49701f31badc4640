/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Writes a capture of damaged records, and, a line each, whether vex_record_check() still
 * takes it for a record: "good" or "bad". A dissector must come to the same verdicts.
 *
 *   write-mutants COUNT SEED FILE.pcap VERDICTS
 */
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>

#include "capture/samples.h"

static struct sample sample;
static uint64_t room[VEX_RECORD_MAX / sizeof(uint64_t)];

static uint64_t pick(uint64_t *random, uint64_t below)
{
	return sample_random(random) % below;
}

/* Where an attribute begins, by chance one of the first few, or 0 where there is none. */
static uint32_t some_attr(const struct vex_record *record, uint64_t *random)
{
	uint32_t at = VEX_RECORD_MIN;
	uint32_t head;

	for (uint64_t skip = pick(random, 24); skip && at < record->size; skip--) {
		memcpy(&head, (const uint8_t *)record + at, sizeof(head));
		if (at + vex_attr_span(vex_attr_head_len(head)) >= record->size)
			break;
		at += vex_attr_span(vex_attr_head_len(head));
	}
	return at < record->size ? at : 0;
}

static void damage_attr(struct vex_record *record, uint64_t *random)
{
	uint32_t at = some_attr(record, random);
	uint32_t head;

	if (!at)
		return;
	memcpy(&head, (uint8_t *)record + at, sizeof(head));
	if (pick(random, 2))
		head = vex_attr_head((uint32_t)pick(random, VEX_ATTR_LIMIT + 1),
				vex_attr_head_len(head));
	else
		head ^= 1u << pick(random, 32);
	memcpy((uint8_t *)record + at, &head, sizeof(head));
}

/* Returns the bytes that the packet is to have. */
static uint32_t damage(struct vex_record *record, uint64_t *random)
{
	uint32_t size = record->size;

	switch (pick(random, 7)) {
	case 0:
		return size;
	case 1:
		record->type = (uint16_t)pick(random, VEX_TYPE_LIMIT + 8);
		return size;
	case 2:
		record->boundary ^= (uint8_t)pick(random, 8);
		record->attr_count ^= (uint8_t)pick(random, 2);
		return size;
	case 3:
		((uint8_t *)record)[pick(random, size < 400 ? size : 400)] = (uint8_t)pick(random, 256);
		return size;
	case 4:
		return (uint32_t)pick(random, size + 1);
	case 5:
		record->size = (uint32_t)pick(random, size + 1);
		return record->size;
	default:
		damage_attr(record, random);
		return size;
	}
}

static void write_one(pcap_dumper_t *dumper, FILE *verdicts, uint64_t *random)
{
	static const uint32_t types[] = {VEX_GAP, VEX_OPEN, VEX_RENAME, VEX_VECTOR_SEARCH};
	struct vex_record *record = (struct vex_record *)room;
	struct pcap_pkthdr header = {0};
	bool good;

	sample_make(&sample, types[pick(random, 4)],
			(enum sample_shape)pick(random, SAMPLE_LARGEST), sample_random(random));
	sample_encode(&sample.event, record);
	header.caplen = header.len = damage(record, random);
	good = header.len >= VEX_RECORD_MIN && record->size == header.len &&
			vex_record_check(record, header.len) == VEX_CHECK_OK;
	fputs(good ? "good\n" : "bad\n", verdicts);
	pcap_dump((u_char *)dumper, &header, (const u_char *)record);
}

int main(int argc, char **argv)
{
	pcap_t *format = pcap_open_dead_with_tstamp_precision(
			DLT_USER0, (int)VEX_RECORD_MAX, PCAP_TSTAMP_PRECISION_NANO);
	pcap_dumper_t *dumper;
	FILE *verdicts;
	uint64_t random;

	if (argc != 5)
		return fputs("usage: write-mutants COUNT SEED FILE.pcap VERDICTS\n", stderr), 2;
	random = strtoull(argv[2], NULL, 0);
	dumper = pcap_dump_open(format, argv[3]);
	verdicts = fopen(argv[4], "w");
	if (!dumper || !verdicts)
		return 1;
	for (uint64_t left = strtoull(argv[1], NULL, 0); left; left--)
		write_one(dumper, verdicts, &random);
	pcap_dump_close(dumper);
	pcap_close(format);
	return fclose(verdicts) ? 1 : 0;
}
