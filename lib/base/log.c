/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 1024

static const char *log_program = "vexplane";
static enum vex_log_level log_level = VEX_LOG_INFO;
static bool log_json;

static const char *const level_names[] = {"error", "warning", "info", "debug"};

void vex_log_setup(const char *program, enum vex_log_level level, bool json)
{
	log_program = program;
	log_level = level;
	log_json = json;
}

static size_t escape_json(char *out, size_t cap, const char *text)
{
	size_t n = 0;

	for (; *text && n + 7 < cap; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			out[n++] = '\\';
		if (c < 0x20)
			n += (size_t)snprintf(out + n, cap - n, "\\u%04x", c);
		else
			out[n++] = (char)c;
	}
	out[n] = '\0';
	return n;
}

/* Names that strangers chose are not to forge lines, nor to speak to terminals. */
static size_t escape_text(char *out, size_t cap, const char *text)
{
	size_t n = 0;

	for (; *text && n + 5 < cap; text++) {
		unsigned char c = (unsigned char)*text;

		if (c < 0x20 || c >= 0x7f)
			n += (size_t)snprintf(out + n, cap - n, "\\x%02x", c);
		else
			out[n++] = (char)c;
	}
	out[n] = '\0';
	return n;
}

static int format_text(char *line, size_t cap, enum vex_log_level level, const char *text)
{
	char escaped[LINE_MAX_BYTES * 2];

	escape_text(escaped, sizeof(escaped), text);
	return snprintf(line, cap, "%s: %s%s\n", log_program,
			level == VEX_LOG_WARNING ? "warning: " : "", escaped);
}

static int format_json(char *line, size_t cap, enum vex_log_level level, const char *text)
{
	char escaped[LINE_MAX_BYTES * 2];
	char stamp[32];
	struct timespec now;
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &tm);
	escape_json(escaped, sizeof(escaped), text);
	return snprintf(line, cap,
			"{\"time\":\"%s.%06ldZ\",\"level\":\"%s\",\"program\":\"%s\",\"pid\":%d,"
			"\"message\":\"%s\"}\n",
			stamp, now.tv_nsec / 1000, level_names[level], log_program, getpid(),
			escaped);
}

/* One write(2) a line, so that lines of several threads and processes do not mix. */
void vex_log(enum vex_log_level level, const char *format, ...)
{
	char line[LINE_MAX_BYTES * 3];
	char text[LINE_MAX_BYTES];
	va_list args;
	int n;

	if (level > log_level)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (log_json)
		n = format_json(line, sizeof(line), level, text);
	else
		n = format_text(line, sizeof(line), level, text);
	if (n > 0 && write(STDERR_FILENO, line, (size_t)n) < 0)
		return;
}
