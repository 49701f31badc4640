/* SPDX-License-Identifier: BSD-3-Clause */
/* Versions of the rules, from vex-control. */
#include "cli/rules.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base64.h"
#include "cli/commands.h"
#include "cli/rpc.h"

bool rules_read_version(const char *text, uint32_t *version)
{
	unsigned long long number;
	char *end;

	errno = 0;
	number = strtoull(text, &end, 10);
	*version = (uint32_t)number;
	return *text >= '0' && *text <= '9' && !*end && !errno && number && number <= UINT32_MAX;
}

/* The whole file, grown part by part. */
struct fetched {
	char *data;
	size_t size;
	bool end;
};

static int add_part(struct fetched *fetched, const json_t *answer)
{
	const json_t *text = json_object_get(answer, "data");
	size_t size;
	void *part = base64_decode(json_string_value(text), json_string_length(text), &size);
	char *data = part ? realloc(fetched->data, fetched->size + size + 1) : NULL;

	fetched->end = json_is_true(json_object_get(answer, "end"));
	if (data) {
		memcpy(data + fetched->size, part, size);
		fetched->data = data;
		fetched->size += size;
	}
	free(part);
	return data && (size || fetched->end) ? 0 : -1;
}

/* One version throughout: a change meanwhile must not mix two. */
static int fetch_parts(struct fetched *fetched, struct wire_client *client, uint32_t *version,
		struct wire_failure *failure)
{
	json_t *answer;
	json_t *params;
	int ret = 0;

	while (!ret && !fetched->end) {
		params = json_pack("{s:I}", "offset", (json_int_t)fetched->size);
		if (*version)
			json_object_set_new(params, "version", json_integer(*version));
		ret = wire_client_call(client, "rules.text", params, &answer, failure);
		json_decref(params);
		if (!ret && add_part(fetched, answer)) {
			wire_fail(failure, WIRE_INTERNAL, "the answer is no text, or too long");
			ret = -EBADMSG;
		}
		if (!ret)
			*version = (uint32_t)json_integer_value(json_object_get(answer, "version"));
		json_decref(answer);
	}
	return ret;
}

/* Makes the set, and leaves the texts to the caller, since files are his to free. */
static int parse(struct rules_text *text, const struct bundle *bundle)
{
	const json_t *switched = json_object_get(bundle->meta, "switched");
	struct rule_source *sources = calloc(bundle->files.count + 1, sizeof(*sources));
	struct rule_options options = {.complete = true, .objects = bundle->files.objects,
			.object_count = bundle->files.object_count};
	char *switches = switched ? bundle_switches(switched) : NULL;
	size_t count = bundle->files.count;
	int ret = -ENOMEM;

	if (sources && count)
		memcpy(sources, bundle->files.items, count * sizeof(*sources));
	if (sources && switches)
		sources[count++] = (struct rule_source){.name = BUNDLE_SWITCHES, .text = switches,
				.len = strlen(switches)};
	if (sources && (switches || !switched))
		ret = rule_set_parse(sources, count, &options, &text->set, &text->diags);
	free(sources);
	free(switches);
	return ret;
}

static int copy_files(struct rule_files *files, const struct bundle *bundle)
{
	size_t i;

	files->items = calloc(bundle->files.count + 1, sizeof(*files->items));
	for (i = 0; files->items && i < bundle->files.count; i++) {
		struct rule_source *item = &files->items[files->count++];

		*item = bundle->files.items[i];
		item->name = strdup(item->name);
		item->text = strndup(bundle->files.items[i].text, item->len);
		if (!item->name || !item->text)
			return -ENOMEM;
	}
	return files->items ? 0 : -ENOMEM;
}

static int parse_bundle(struct rules_text *text, const struct bundle *bundle)
{
	int ret = copy_files(&text->files, bundle);

	return ret ? ret : parse(text, bundle);
}

int rules_text_fetch(struct rules_text *text, uint32_t version)
{
	struct bundle *bundle = rules_fetch(version);
	int ret;

	if (!bundle)
		return VEX_EXIT_FAILED;
	ret = parse_bundle(text, bundle);
	bundle_free(bundle);
	if (!ret)
		return VEX_EXIT_OK;
	rules_print_diags(&text->diags);
	vex_error("version %u can't be read", version);
	return VEX_EXIT_FAILED;
}

/* NULL with the reason in failure. *version is which one it is. */
static struct bundle *fetch(uint32_t *version, struct wire_failure *failure)
{
	struct fetched fetched = {0};
	struct wire_client *client = NULL;
	struct bundle *bundle = NULL;
	char why[BUNDLE_WHY_MAX];
	int ret = wire_client_open(vexctl.control_socket, RPC_TIMEOUT_MS, &client, failure);

	if (!ret)
		ret = fetch_parts(&fetched, client, version, failure);
	wire_client_close(client);
	if (ret) {
		free(fetched.data);
		return NULL;
	}
	bundle = bundle_open(fetched.data, fetched.size, why);
	if (!bundle)
		wire_fail(failure, WIRE_INTERNAL, "the version can't be used: %s", why);
	return bundle;
}

struct bundle *rules_fetch(uint32_t version)
{
	struct wire_failure failure;
	struct bundle *bundle = fetch(&version, &failure);

	if (!bundle)
		vex_error("%s", failure.text);
	return bundle;
}

uint32_t rules_text_try(struct rules_text *text, uint32_t version)
{
	struct wire_failure failure;
	struct bundle *bundle = fetch(&version, &failure);
	int ret = bundle ? parse_bundle(text, bundle) : -ENOENT;

	bundle_free(bundle);
	return ret ? 0 : version;
}
