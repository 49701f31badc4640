/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Log lines of the programs: to stderr, for people or as JSON lines with ISO 8601 times.
 * Never called by workers. Thread-safe.
 */
#ifndef VEX_BASE_LOG_H
#define VEX_BASE_LOG_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

enum vex_log_level {
	VEX_LOG_ERROR,
	VEX_LOG_WARNING,
	VEX_LOG_INFO,
	VEX_LOG_DEBUG,
};

/** Exit codes that people expect. */
enum vex_exit {
	VEX_EXIT_OK = 0,
	VEX_EXIT_FAILED = 1,
	VEX_EXIT_USAGE = 2,
	VEX_EXIT_CONFIG = 78,
};

/** program stands in front of each line; lines above level are left out. Default: INFO. */
void vex_log_setup(const char *program, enum vex_log_level level, bool json);

/** One line, whatever the text: in the form for people bytes beyond printable ASCII stand as \xHH. */
void vex_log(enum vex_log_level level, const char *format, ...)
		__attribute__((format(printf, 2, 3)));

#define vex_error(...) vex_log(VEX_LOG_ERROR, __VA_ARGS__)
#define vex_warn(...) vex_log(VEX_LOG_WARNING, __VA_ARGS__)
#define vex_info(...) vex_log(VEX_LOG_INFO, __VA_ARGS__)
#define vex_debug(...) vex_log(VEX_LOG_DEBUG, __VA_ARGS__)

#ifdef __cplusplus
}
#endif
#endif
