/* SPDX-License-Identifier: BSD-3-Clause */
#include "support/image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "rule/compile.h"
#include "rule/diag.h"

static void *compile(struct rule_set *set, struct rule_diags *diags, size_t *size)
{
	struct rule_compile_error why = {.text = "the text was refused"};
	struct rule_image *image = NULL;
	char line[4096];

	if (!set || rule_compile(set, NULL, &image, size, &why)) {
		fprintf(stderr, "image: %s\n", why.text);
		for (size_t i = 0; i < diags->count; i++) {
			rule_diag_format(&diags->items[i], line, sizeof(line));
			fprintf(stderr, "%s\n", line);
		}
	}
	rule_set_free(set);
	rule_diags_clear(diags);
	return image;
}

void *image_of(const char *text, size_t *size)
{
	struct rule_source source = {.name = "test.yaml", .text = text, .len = strlen(text)};
	struct rule_diags diags = {0};
	struct rule_set *set = NULL;

	rule_set_parse(&source, 1, NULL, &set, &diags);
	return compile(set, &diags, size);
}

void *image_of_file(const char *path, size_t *size)
{
	struct rule_diags diags = {0};
	struct rule_set *set = NULL;

	rule_set_load(&path, 1, NULL, &set, &diags);
	return compile(set, &diags, size);
}

int image_write(const char *path, const void *image, size_t size)
{
	FILE *file = fopen(path, "wbe");
	bool good = file && fwrite(image, 1, size, file) == size;

	if (file)
		good = !fclose(file) && good;
	return good ? 0 : -EIO;
}

int image_pass(const void *image, size_t size, int seals)
{
	int fd = memfd_create("image", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || write(fd, image, size) != (ssize_t)size || fcntl(fd, F_ADD_SEALS, seals) < 0)
		return -1;
	return fd;
}
