/* SPDX-License-Identifier: BSD-3-Clause */
/* vexctl rules disassemble: a whole image, as people read it. */
#include "rule/disassemble.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/rpc.h"
#include "cli/rules.h"
#include "rule/compile.h"
#include "rule/verify.h"

/* Whether a file begins as an image does. */
static bool is_image(const char *path)
{
	uint64_t magic = 0;
	FILE *file = fopen(path, "re");

	if (!file)
		return false;
	if (fread(&magic, 1, sizeof(magic), file) < sizeof(magic))
		magic = 0;
	fclose(file);
	return magic == RULE_IMAGE_MAGIC;
}

/* The bytes of a file, on the heap; NULL with errno. */
static void *read_file(const char *path, size_t *size)
{
	FILE *file = fopen(path, "re");
	long end = -1;
	char *data;

	if (!file)
		return NULL;
	if (!fseek(file, 0, SEEK_END))
		end = ftell(file);
	rewind(file);
	data = end < 0 ? NULL : malloc((size_t)end + 1);
	*size = data ? fread(data, 1, (size_t)end, file) : 0;
	fclose(file);
	return data;
}

static int read_image(const char *path, struct rule_image **image)
{
	const char *why = "out of memory";
	size_t size;
	int error;

	*image = read_file(path, &size);
	if (!*image) {
		vex_error("rules disassemble: %s: %s", path, strerror(errno));
		return VEX_EXIT_FAILED;
	}
	error = rule_image_verify(*image, size, &why);
	if (!error)
		return VEX_EXIT_OK;
	vex_error("rules disassemble: %s: %s", path, why);
	return error == -ENOMEM ? VEX_EXIT_FAILED : VEX_EXIT_CONFIG;
}

/* Of files, or of what is in force where there are none. */
static int compile(char **paths, int count, struct rule_image **image)
{
	struct rule_compile_error error = {""};
	struct rules_text text = {0};
	size_t size;
	int ret = count ? rules_text_load(&text, paths, count) : rules_text_fetch(&text, 0);

	if (!ret && rule_compile(text.set, NULL, image, &size, &error))
		ret = VEX_EXIT_CONFIG;
	if (ret && (count || *error.text))
		rules_print_wrong(&text, error.text);
	rules_text_clear(&text);
	return ret;
}

static int print_json(const struct rule_image *image)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	json_t *o;

	if (!out)
		return VEX_EXIT_FAILED;
	rule_image_print(image, out);
	fclose(out);
	o = json_pack("{s:I, s:o}", "image_bytes", (json_int_t)image->size, "text",
			rules_json_text(text, size));
	rpc_print(o);
	json_decref(o);
	free(text);
	return VEX_EXIT_OK;
}

int vexctl_rules_disassemble(int argc, char **argv)
{
	struct rule_image *image = NULL;
	int ret;

	if (argc > 1 && argv[1][0] == '-' && argv[1][1]) {
		vex_error("rules disassemble: unknown option %s; try 'vexctl rules disassemble "
				"--help'", argv[1]);
		return VEX_EXIT_USAGE;
	}
	ret = argc == 2 && is_image(argv[1]) ? read_image(argv[1], &image)
					     : compile(argv + 1, argc - 1, &image);
	if (!ret && vexctl.json)
		ret = print_json(image);
	else if (!ret)
		rule_image_print(image, stdout);
	free(image);
	return ret;
}
