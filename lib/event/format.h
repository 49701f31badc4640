/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Events as text: a line for people, JSON, and OCSF File System Activity (class 1001).
 *
 * Each function writes one line without its newline, NUL-terminated, and returns its length,
 * or -ENOSPC where cap does not suffice (VEX_FORMAT_MAX always does). Bytes of paths and names
 * that are no printable UTF-8 appear as \xHH for people. In JSON a string that is not valid
 * UTF-8 stands with U+FFFD in place of the bad bytes, and its exact bytes stand beside it, in
 * base64, under the same key with "_b64" behind. Thread-safe, no allocation.
 */
#ifndef VEX_EVENT_FORMAT_H
#define VEX_EVENT_FORMAT_H

#include <sys/types.h>

#include "event/event.h"

#ifdef __cplusplus
extern "C" {
#endif

#define VEX_FORMAT_MAX (1u << 20)

ssize_t vex_format_text(const struct vex_event *event, char *out, size_t cap);
ssize_t vex_format_json(const struct vex_event *event, char *out, size_t cap);
ssize_t vex_format_ocsf(const struct vex_event *event, char *out, size_t cap);

/** Bytes as the line for people shows them: printable UTF-8, all else as \xHH. */
ssize_t vex_format_bytes(struct vex_bytes bytes, char *out, size_t cap);

#ifdef __cplusplus
}
#endif
#endif
