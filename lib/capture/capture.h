/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Capture files: classic pcap with nanosecond time stamps and link type USER0 (147), through
 * libpcap, so that tcpdump, tshark and Wireshark (tools/wireshark) read them.
 *
 * A packet is a record's bytes with lane_seq 0; its time stamp is the record's start. A writer
 * or a reader belongs to one thread at a time.
 */
#ifndef VEX_CAPTURE_CAPTURE_H
#define VEX_CAPTURE_CAPTURE_H

#include <stdint.h>
#include <stdio.h>

#include "abi/record.h"

#ifdef __cplusplus
extern "C" {
#endif

struct vex_capture;
struct vex_capture_reader;

/**
 * Creates a capture file, or truncates one; "-" is standard output. 0 or a negative errno,
 * then *capture is NULL.
 */
int vex_capture_create(const char *path, struct vex_capture **capture);

/**
 * Appends a checked record. 0; -EINVAL where its size is out of bounds. What could not be
 * written (-ENOSPC, -EPIPE, ...) may show only in a later call, and is then returned by every
 * call that follows, vex_capture_close() included.
 */
int vex_capture_write(struct vex_capture *capture, const struct vex_record *record);

/** Hands all that was written to the kernel. */
int vex_capture_flush(struct vex_capture *capture);

/** Flushes, closes and frees. NULL is fine. */
int vex_capture_close(struct vex_capture *capture);

/**
 * Opens a capture for reading; "-" is standard input. Microsecond pcap and pcapng are read as
 * well, and so are files of the other byte order around our records. 0, or a negative errno:
 * -EBADMSG where it is no capture of ours. On failure too, *reader is given for
 * vex_capture_error() and must be closed; it is NULL only on -ENOMEM.
 */
int vex_capture_open(const char *path, struct vex_capture_reader **reader);

/** The same for an open stream, which then belongs to the reader; name is for messages. */
int vex_capture_open_stream(FILE *stream, const char *name, struct vex_capture_reader **reader);

/**
 * Reads the next record and its packet's time stamp (nanoseconds since 1970). 1; 0 at the end;
 * -EBADMSG where the packet is truncated or is no record, -EIO where the file can't be read;
 * vex_capture_error() then names the packet, and every call that follows fails likewise.
 * The record has passed vex_record_check() and stays valid until the next call.
 */
int vex_capture_next(struct vex_capture_reader *reader, const struct vex_record **record,
		uint64_t *time_ns);

/** A sentence that names the file and the packet, counted from 1; "" before any error. */
const char *vex_capture_error(const struct vex_capture_reader *reader);

/** Packets read so far. */
uint64_t vex_capture_packets(const struct vex_capture_reader *reader);

/** Bytes read so far, and the file's size: 0 where it has none (a pipe). */
void vex_capture_progress(
		const struct vex_capture_reader *reader, uint64_t *done, uint64_t *total);

/** NULL is fine. */
void vex_capture_close_reader(struct vex_capture_reader *reader);

#ifdef __cplusplus
}
#endif
#endif
