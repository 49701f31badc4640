/* SPDX-License-Identifier: BSD-3-Clause */
#include "rule_loaded.h"

#include <malloc.h>
#include <stdlib.h>

#include "base/log.h"
#include "clock.h"
#include "rule/compile.h"

static double seconds(void)
{
	return (double)spent_ns() * 1e-9;
}

int rule_loaded_compile(const struct rule_text_file *file, const struct rule_image *previous,
		struct rule_loaded *out)
{
	struct rule_source source = {"bench", file->text, file->len};
	struct rule_compile_error why = {"the rules are wrong"};
	struct rule_diags diags = {0};
	struct rule_set *set = NULL;
	double start = seconds();
	int error = rule_set_parse(&source, 1, NULL, &set, &diags);

	if (!error)
		error = rule_compile(set, previous, &out->image, &out->size, &why);
	out->seconds = seconds() - start;
	if (error)
		vex_error("rules do not compile: %s", diags.errors ? diags.items[0].message : why.text);
	rule_set_free(set);
	rule_diags_clear(&diags);
	malloc_trim(0);
	return error;
}

int rule_loaded_load(struct rule_loaded *loaded)
{
	const char *why;
	int error = rule_matcher_new(loaded->image, loaded->size, &loaded->matcher, &why);

	if (error)
		vex_error("an image does not load: %s", why);
	return error;
}

int rule_loaded_make(void (*write)(struct rule_text_file *), struct rule_loaded *out)
{
	struct rule_text_file file = {0};
	int error;

	write(&file);
	error = rule_loaded_compile(&file, NULL, out);
	free(file.text);
	return error ? error : rule_loaded_load(out);
}

void rule_loaded_free(struct rule_loaded *loaded)
{
	rule_matcher_free(loaded->matcher);
	free(loaded->image);
	*loaded = (struct rule_loaded){0};
}
