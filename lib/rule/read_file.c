/* SPDX-License-Identifier: BSD-3-Clause */
/* Bytes of files, and of what else a user may name as one. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rule/load.h"

/* Goes on to read up to size bytes; takes over text, and frees it where it fails. */
static char *read_more(int fd, char *text, size_t size, size_t *len)
{
	char *more = realloc(text, size + 1);
	ssize_t n = 1;

	if (!more) {
		free(text);
		return NULL;
	}
	while (n && *len < size) {
		n = read(fd, more + *len, size - *len);
		if (n < 0 && errno != EINTR) {
			free(more);
			return NULL;
		}
		*len += n > 0 ? (size_t)n : 0;
	}
	more[*len] = '\0';
	return more;
}

char *load_read_all(int fd, size_t size, size_t *len)
{
	*len = 0;
	return read_more(fd, NULL, size, len);
}

/* Whatever comes until its end, or until there is too much of it. */
static char *read_stream(int fd, size_t *len)
{
	size_t size = (1u << 16) + 1;
	char *text = load_read_all(fd, size, len);

	while (text && *len == size && size <= RULE_FILE_BYTES_MAX)
		text = read_more(fd, text, size *= 2, len);
	return text;
}

static bool say_errno(struct load *load, const char *path, struct rule_pos pos)
{
	load_say(load, RULE_ERROR, RULE_DIAG_IO, pos, NULL, "%s: %s", path, strerror(errno));
	return false;
}

static bool fits(struct load *load, const char *path, struct rule_pos pos, size_t len)
{
	if (len <= RULE_FILE_BYTES_MAX)
		return true;
	load_say(load, RULE_ERROR, RULE_DIAG_LIMIT, pos, NULL, "%s: more than %u bytes", path,
			RULE_FILE_BYTES_MAX);
	return false;
}

static char *read_open(struct load *load, const char *path, struct rule_pos pos, int fd, bool stream,
		size_t *len)
{
	struct stat st;
	char *text;

	if (fstat(fd, &st)) {
		say_errno(load, path, pos);
		return NULL;
	}
	if (!S_ISREG(st.st_mode) && !stream) {
		load_say(load, RULE_ERROR, RULE_DIAG_IO, pos, NULL, "%s: not a file", path);
		return NULL;
	}
	if (!fits(load, path, pos, stream ? 0 : (size_t)st.st_size))
		return NULL;
	text = stream ? read_stream(fd, len) : load_read_all(fd, (size_t)st.st_size, len);
	if (text ? fits(load, path, pos, *len) : say_errno(load, path, pos))
		return text;
	free(text);
	return NULL;
}

/* A pipe that a user names is waited for, one that lies in a folder is not. */
char *load_read_file(struct load *load, const char *path, struct rule_pos pos, bool named, size_t *len)
{
	bool input = named && !strcmp(path, "-");
	struct stat st;
	bool stream = input || (named && !stat(path, &st) && S_ISFIFO(st.st_mode));
	int flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | (stream ? 0 : O_NONBLOCK);
	int fd = input ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0) : open(path, flags);
	char *text;

	if (fd < 0) {
		say_errno(load, path, pos);
		return NULL;
	}
	text = read_open(load, path, pos, fd, stream, len);
	close(fd);
	return text;
}
