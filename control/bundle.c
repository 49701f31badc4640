/* SPDX-License-Identifier: BSD-3-Clause */
#include "bundle.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "wire/message.h"

static const char magic[8] = {'V', 'E', 'X', 'R', 'U', 'L', 'E', 'S'};

/* Behind magic and checksum. */
#define SUMMED offsetof(struct bundle_header, size)

static json_t *json_name(const char *name)
{
	json_t *json = json_string(name);
	char *clean;
	char *at;

	if (json)
		return json;
	clean = strdup(name); /* not UTF-8 */
	for (at = clean; at && *at; at++)
		if (*at & 0x80)
			*at = '?';
	json = clean ? json_string(clean) : NULL;
	free(clean);
	return json;
}

static json_t *describe_files(const struct rule_files *files)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < files->count; i++) {
		const struct rule_source *source = &files->items[i];
		json_t *file = json_pack("{s:o, s:I}", "name", json_name(source->name), "size",
				(json_int_t)source->len);

		if (source->line) {
			json_object_set_new(file, "line", json_integer(source->line));
			json_object_set_new(file, "column", json_integer(source->column));
			json_object_set_new(file, "by", json_integer(source->by));
		}
		json_array_append_new(list, file);
	}
	return list;
}

static json_t *describe_objects(const struct rule_files *files)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < files->object_count; i++)
		json_array_append_new(list, json_pack("{s:o, s:I}", "name",
				json_name(files->objects[i].file), "size",
				(json_int_t)files->objects[i].len));
	return list;
}

static char *make_meta(const struct rule_files *files, const json_t *meta)
{
	json_t *whole = meta ? json_copy((json_t *)meta) : json_object();
	char *text;

	json_object_set_new(whole, "files", describe_files(files));
	if (files->object_count)
		json_object_set_new(whole, "objects", describe_objects(files));
	text = json_dumps(whole, JSON_COMPACT);
	json_decref(whole);
	return text;
}

static uint8_t *put(uint8_t *at, const void *data, size_t len)
{
	if (len)
		memcpy(at, data, len);
	return at + len;
}

static void put_texts(uint8_t *at, const struct rule_files *files)
{
	size_t i;

	for (i = 0; i < files->count; i++)
		at = put(at, files->items[i].text, files->items[i].len);
	for (i = 0; i < files->object_count; i++)
		at = put(at, files->objects[i].data, files->objects[i].len);
}

static void *pack(const char *meta, const struct rule_files *files, size_t size)
{
	struct bundle_header header = {.size = size, .version = BUNDLE_VERSION,
			.meta_size = (uint32_t)strlen(meta)};
	uint8_t *data = malloc(size);

	if (!data)
		return NULL;
	memcpy(header.magic, magic, sizeof(magic));
	header.meta_checksum = XXH3_64bits(meta, header.meta_size);
	memcpy(data + sizeof(header), meta, header.meta_size);
	put_texts(data + sizeof(header) + header.meta_size, files);
	memcpy(data, &header, sizeof(header));
	header.checksum = XXH3_64bits(data + SUMMED, size - SUMMED);
	memcpy(data, &header, sizeof(header));
	return data;
}

void *bundle_pack(const struct rule_files *files, const json_t *meta, size_t *size,
		char why[BUNDLE_WHY_MAX])
{
	char *text = make_meta(files, meta);
	void *data = NULL;
	size_t i;

	*size = sizeof(struct bundle_header) + (text ? strlen(text) : 0);
	for (i = 0; i < files->count; i++)
		*size += files->items[i].len;
	for (i = 0; i < files->object_count; i++)
		*size += files->objects[i].len;
	if (*size > WIRE_BYTES_MAX)
		snprintf(why, BUNDLE_WHY_MAX, "the rules are %zu bytes of text; at most %u can be "
				"loaded", *size, WIRE_BYTES_MAX);
	else if (text && strlen(text) > BUNDLE_META_MAX)
		snprintf(why, BUNDLE_WHY_MAX, "too many files, or names that are too long");
	else if (!text || !(data = pack(text, files, *size)))
		snprintf(why, BUNDLE_WHY_MAX, "out of memory");
	free(text);
	return data;
}

static const char *header_fault(const struct bundle_header *header, uint64_t size)
{
	if (size < sizeof(*header) || memcmp(header->magic, magic, sizeof(magic)))
		return "not a bundle of rules";
	if (header->version != BUNDLE_VERSION)
		return "a bundle of another version";
	if (header->size != size)
		return "cut off, or longer than it says";
	if (header->meta_size > BUNDLE_META_MAX || header->meta_size > size - sizeof(*header))
		return "its head is damaged";
	return NULL;
}

static json_t *parse_meta(const struct bundle_header *header, const char *text)
{
	json_t *meta = NULL;

	if (XXH3_64bits(text, header->meta_size) == header->meta_checksum)
		meta = json_loadb(text, header->meta_size, JSON_REJECT_DUPLICATES, NULL);
	if (json_is_object(meta) && json_is_array(json_object_get(meta, "files")))
		return meta;
	json_decref(meta);
	return NULL;
}

static uint32_t small(const json_t *file, const char *key)
{
	json_int_t value = json_integer_value(json_object_get(file, key));

	return value < 0 || value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
}

/* What is left to be given to files and objects. */
struct rest {
	const char *at;
	size_t left;
};

/* A file's or an object's part, which must be there. */
static const char *take(struct rest *rest, const json_t *file, const char **name, size_t *len)
{
	json_int_t size = json_integer_value(json_object_get(file, "size"));
	const char *part = rest->at;

	*name = json_string_value(json_object_get(file, "name"));
	if (!*name || size < 0 || (size_t)size > rest->left)
		return NULL;
	*len = (size_t)size;
	rest->at += size;
	rest->left -= (size_t)size;
	return part;
}

static int set_files(struct rule_files *files, const json_t *list, struct rest *rest)
{
	const json_t *file;
	size_t i;

	files->items = calloc(json_array_size(list) + 1, sizeof(*files->items));
	json_array_foreach(list, i, file) {
		struct rule_source *item = &files->items[files->count];

		if (i == RULE_FILES_MAX || !files->items)
			return -EBADMSG;
		item->text = take(rest, file, &item->name, &item->len);
		item->line = small(file, "line");
		item->column = small(file, "column");
		item->by = small(file, "by");
		if (!item->text)
			return -EBADMSG;
		files->count++;
	}
	return files->items ? 0 : -ENOMEM;
}

static int set_objects(struct rule_files *files, const json_t *list, struct rest *rest)
{
	const json_t *file;
	size_t i;

	files->objects = calloc(json_array_size(list) + 1, sizeof(*files->objects));
	json_array_foreach(list, i, file) {
		struct rule_object *object = &files->objects[files->object_count];

		if (i == RULE_PROGRAMS_MAX || !files->objects)
			return -EBADMSG;
		object->data = take(rest, file, &object->file, &object->len);
		if (!object->data)
			return -EBADMSG;
		files->object_count++;
	}
	return files->objects ? 0 : -ENOMEM;
}

/* They must fill what there is. */
static int set_parts(struct bundle *bundle, const char *at, size_t left)
{
	struct rest rest = {at, left};
	int error = set_files(&bundle->files, json_object_get(bundle->meta, "files"), &rest);

	if (!error)
		error = set_objects(&bundle->files, json_object_get(bundle->meta, "objects"), &rest);
	return error ? error : rest.left ? -EBADMSG : 0;
}

static const char *read_bundle(struct bundle *bundle)
{
	const struct bundle_header *header = bundle->data;
	const char *text = (const char *)(header + 1);
	const char *fault = header_fault(header, bundle->size);

	if (fault)
		return fault;
	if (XXH3_64bits((const uint8_t *)header + SUMMED, bundle->size - SUMMED) !=
			header->checksum)
		return "its checksum is wrong";
	bundle->meta = parse_meta(header, text);
	if (!bundle->meta || set_parts(bundle, text + header->meta_size,
			bundle->size - sizeof(*header) - header->meta_size))
		return "it does not say what its files are";
	return NULL;
}

static struct bundle *check(struct bundle *bundle, char why[BUNDLE_WHY_MAX])
{
	const char *fault = read_bundle(bundle);

	if (!fault)
		return bundle;
	snprintf(why, BUNDLE_WHY_MAX, "%s", fault);
	bundle_free(bundle);
	return NULL;
}

struct bundle *bundle_open(void *data, size_t size, char why[BUNDLE_WHY_MAX])
{
	struct bundle *bundle = calloc(1, sizeof(*bundle));

	if (!bundle || !data || size < sizeof(struct bundle_header)) {
		snprintf(why, BUNDLE_WHY_MAX, "%s", bundle ? "no bundle of rules came along"
							      : "out of memory");
		free(data);
		free(bundle);
		return NULL;
	}
	bundle->data = data;
	bundle->size = size;
	return check(bundle, why);
}

struct bundle *bundle_map(int fd, char why[BUNDLE_WHY_MAX])
{
	struct bundle *bundle = calloc(1, sizeof(*bundle));
	struct stat st;

	if (!bundle || fstat(fd, &st) < 0 || (size_t)st.st_size < sizeof(struct bundle_header)) {
		snprintf(why, BUNDLE_WHY_MAX, "%s", bundle ? "cut off" : "out of memory");
		free(bundle);
		return NULL;
	}
	bundle->size = (size_t)st.st_size;
	bundle->data = mmap(NULL, bundle->size, PROT_READ, MAP_PRIVATE, fd, 0);
	bundle->mapped = true;
	if (bundle->data == MAP_FAILED) {
		snprintf(why, BUNDLE_WHY_MAX, "%s", strerror(errno));
		free(bundle);
		return NULL;
	}
	return check(bundle, why);
}

json_t *bundle_read_meta(int fd, uint64_t *size, char why[BUNDLE_WHY_MAX])
{
	struct bundle_header header;
	const char *fault = NULL;
	json_t *meta = NULL;
	struct stat st;
	char *text;

	*size = 0;
	if (fstat(fd, &st) < 0 || pread(fd, &header, sizeof(header), 0) != sizeof(header)) {
		snprintf(why, BUNDLE_WHY_MAX, "cut off");
		return NULL;
	}
	*size = (uint64_t)st.st_size;
	fault = header_fault(&header, *size);
	text = fault ? NULL : malloc(header.meta_size + 1u);
	if (text && pread(fd, text, header.meta_size, sizeof(header)) == header.meta_size)
		meta = parse_meta(&header, text);
	free(text);
	if (!meta)
		snprintf(why, BUNDLE_WHY_MAX, "%s", fault ? fault : "its head is wrong");
	return meta;
}

/* A JSON string is a YAML one as well. */
char *bundle_switches(const json_t *switched)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	const char *name;
	json_t *enabled;

	if (!out)
		return NULL;
	json_object_foreach((json_t *)switched, name, enabled) {
		json_t *string = json_string(name);

		fputs("- rule: ", out);
		json_dumpf(string, out, JSON_ENCODE_ANY);
		fprintf(out, "\n  enabled: %s\n", json_is_true(enabled) ? "true" : "false");
		json_decref(string);
	}
	fclose(out);
	return text;
}

void bundle_free(struct bundle *bundle)
{
	if (!bundle)
		return;
	json_decref(bundle->meta);
	free(bundle->files.items);
	free(bundle->files.objects);
	if (bundle->mapped)
		munmap(bundle->data, bundle->size);
	else
		free(bundle->data);
	free(bundle);
}
