/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Private to lib/event: text built in a buffer of the caller's, and JSON on top of it. Where
 * the buffer is too small the rest is swallowed, and out_finish() says so.
 */
#ifndef VEX_EVENT_OUT_H
#define VEX_EVENT_OUT_H

#include <sys/types.h>

#include "event/event.h"

struct out {
	char *text;
	size_t cap;
	size_t len;
	bool full;
};

/** Room for an id, a time, the name of an error. */
#define OUT_SHORT 40u

void out_begin(struct out *out, char *text, size_t cap);

/** Ends the text with NUL. Returns its length, or -ENOSPC. */
ssize_t out_finish(struct out *out);

void out_raw(struct out *out, const void *data, size_t len);
void out_text(struct out *out, const char *text);
void out_u64(struct out *out, uint64_t value);
void out_i64(struct out *out, int64_t value);

/** Bytes for people: what is no printable UTF-8 becomes \xHH, and so does the backslash. */
void out_visible(struct out *out, struct vex_bytes bytes);

/* JSON: commas come by themselves. A NULL key is a value of an array. */
void out_open(struct out *out, const char *key, char bracket);
void out_close(struct out *out, char bracket);
void out_key_u64(struct out *out, const char *key, uint64_t value);
void out_key_i64(struct out *out, const char *key, int64_t value);
void out_key_text(struct out *out, const char *key, const char *text);
void out_key_true(struct out *out, const char *key);

/** A string of any bytes; those that are not UTF-8 become U+FFFD. */
void out_key_bytes(struct out *out, const char *key, struct vex_bytes bytes);

/** The exact bytes in base64, under the key with "_b64" behind. */
void out_key_base64(struct out *out, const char *key, struct vex_bytes bytes);

/** out_key_bytes(), and out_key_base64() where that is not exact. */
void out_key_exact(struct out *out, const char *key, struct vex_bytes bytes);

bool out_is_utf8(struct vex_bytes bytes);

/* Parts that formats have in common (parts.c). */

/** 32 hexadecimal digits: node, port, lane, sequence number. */
void out_id(const struct vex_event_id *id, char text[OUT_SHORT]);

/** ISO 8601 in UTC, to the nanosecond. */
void out_time(uint64_t ns, char text[OUT_SHORT]);

/** "ENOENT" of -ENOENT; the number where it has no name. */
void out_error(int32_t result, char text[OUT_SHORT]);

/** The name, or "unknown". */
const char *out_name(const char *name);

/** The folder that a second path is in, and which bytes of the file: under one name in each JSON. */
void out_range(struct out *out, const struct vex_event *event);

/** What an event has beyond a file's: gap, graph, vector, labels and attributes. */
void out_extras(struct out *out, const struct vex_event *event);

#endif
