/* SPDX-License-Identifier: BSD-3-Clause */
/* Versions on disk and bundles: whole or named damaged, whatever bytes stand there. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store.h"
#include "support/unit.h"

#define KEEP 100u

static char folder[] = "/tmp/vex-store-XXXXXX";
static const char text[] = "- rule: a\n  condition: evt.type = open\n";

static void *pack(size_t *size)
{
	struct rule_source sources[] = {
		{.name = "/a.yaml", .text = text, .len = sizeof(text) - 1},
		{.name = "/b.yaml", .text = "x", .len = 1, .line = 3, .column = 12},
	};
	struct rule_object objects[] = {{.file = "/p.o", .data = "\0elf", .len = 4}};
	struct rule_files files = {sources, 2, objects, 1};
	json_t *meta = json_pack("{s:s}", "message", "why");
	char why[BUNDLE_WHY_MAX];
	void *data = bundle_pack(&files, meta, size, why);

	json_decref(meta);
	return data;
}

static void check_bundle(const struct bundle *bundle)
{
	const struct rule_files *files = &bundle->files;

	CU_ASSERT_EQUAL_FATAL(files->count, 2);
	CU_ASSERT_EQUAL_FATAL(files->object_count, 1);
	CU_ASSERT(files->items[0].len == sizeof(text) - 1 &&
			!memcmp(files->items[0].text, text, sizeof(text) - 1));
	CU_ASSERT_STRING_EQUAL(files->items[1].name, "/b.yaml");
	CU_ASSERT(files->items[1].line == 3 && files->items[1].column == 12);
	CU_ASSERT(files->objects[0].len == 4 && !memcmp(files->objects[0].data, "\0elf", 4));
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(bundle->meta, "message")), "why");
}

static struct bundle *open_copy(const void *data, size_t size, char *why)
{
	void *copy = malloc(size + 1);

	memcpy(copy, data, size);
	return bundle_open(copy, size, why);
}

/* Each bit of it, flipped; each length but its own. */
static void test_bundle(void)
{
	char why[BUNDLE_WHY_MAX];
	struct bundle *bundle;
	size_t size;
	uint8_t *data = pack(&size);
	size_t i;

	bundle = open_copy(data, size, why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(bundle);
	check_bundle(bundle);
	bundle_free(bundle);
	for (i = 0; i < size * 8; i++) {
		data[i / 8] ^= (uint8_t)(1u << i % 8);
		bundle = open_copy(data, size, why);
		CU_ASSERT_PTR_NULL(bundle);
		bundle_free(bundle);
		data[i / 8] ^= (uint8_t)(1u << i % 8);
	}
	for (i = 0; i < size; i++)
		CU_ASSERT_PTR_NULL(open_copy(data, i, why));
	free(data);
}

static struct store *open_store(void)
{
	struct store *store;
	char why[STORE_WHY_MAX];

	CU_ASSERT_EQUAL_FATAL(store_open(folder, &store, why), 0);
	return store;
}

static void add(struct store *store, uint64_t number, unsigned keep)
{
	char why[STORE_WHY_MAX];
	size_t size;
	void *data = pack(&size);

	CU_ASSERT_EQUAL(store_write(store, data, size, why), 0);
	CU_ASSERT_EQUAL(store_commit(store, number, keep, UINT64_MAX, why), 0);
	free(data);
}

static void clear(void)
{
	char command[80];

	snprintf(command, sizeof(command), "rm -rf %s/rules", folder);
	CU_ASSERT_EQUAL(system(command), 0);
}

static void test_versions(void)
{
	struct store *store = open_store();
	struct store *other;
	char why[STORE_WHY_MAX];
	struct bundle *bundle;
	json_t *list;
	uint64_t next;
	size_t size;
	void *data = pack(&size);

	CU_ASSERT_EQUAL(store_last(store), 0);
	CU_ASSERT_EQUAL(store_open(folder, &other, why), -EBUSY);
	add(store, 1, KEEP);
	add(store, 5, KEEP);
	CU_ASSERT_EQUAL(store_write(store, data, size, why), 0); /* never committed */
	free(data);
	store_close(store);
	store = open_store();
	CU_ASSERT_EQUAL(store_last(store), 5);
	CU_ASSERT_EQUAL(store_newest(store, UINT64_MAX), 5);
	CU_ASSERT_EQUAL(store_newest(store, 5), 1);
	CU_ASSERT_EQUAL(store_newest(store, 1), 0);
	bundle = store_read(store, 5, why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(bundle);
	check_bundle(bundle);
	bundle_free(bundle);
	CU_ASSERT_PTR_NULL(store_read(store, 4, why));
	add(store, 6, 2);
	list = store_list(store, 0, &next);
	CU_ASSERT_EQUAL(json_array_size(list), 2);
	CU_ASSERT_EQUAL(next, 0);
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(json_array_get(list, 0), "version")), 5);
	json_decref(list);
	store_close(store);
	clear();
}

/* A version is cut off at any byte: it is named damaged, and the one before it is the newest. */
static void test_torn(void)
{
	struct store *store = open_store();
	char why[STORE_WHY_MAX];
	struct bundle *bundle;
	char path[80];
	size_t size;
	void *data = pack(&size);
	size_t i;

	add(store, 1, KEEP);
	add(store, 2, KEEP);
	store_close(store);
	snprintf(path, sizeof(path), "%s/rules/%010d.rules", folder, 2);
	for (i = size; i-- > 0;) {
		CU_ASSERT_EQUAL(truncate(path, (off_t)i), 0);
		store = open_store();
		bundle = store_read(store, 2, why);
		CU_ASSERT_PTR_NULL(bundle);
		bundle_free(bundle);
		CU_ASSERT_EQUAL(store_newest(store, UINT64_MAX), 1);
		CU_ASSERT_EQUAL(store_last(store), 2);
		store_close(store);
	}
	free(data);
	clear();
}

/* 600 KiB of messages do not go into one answer. */
static void test_long_list(void)
{
	struct store *store = open_store();
	char *message = malloc(4001);
	char why[STORE_WHY_MAX];
	uint64_t next = 0;
	unsigned seen = 0;
	uint64_t i;

	memset(message, 'x', 4000);
	message[4000] = '\0';
	for (i = 1; i <= 150; i++) {
		struct rule_files none = {0};
		json_t *meta = json_pack("{s:s}", "message", message);
		size_t size;
		void *data = bundle_pack(&none, meta, &size, why);

		CU_ASSERT_EQUAL(store_write(store, data, size, why), 0);
		CU_ASSERT_EQUAL(store_commit(store, i, 1000, UINT64_MAX, why), 0);
		json_decref(meta);
		free(data);
	}
	do {
		json_t *list = store_list(store, next, &next);

		CU_ASSERT(json_dumpb(list, NULL, 0, JSON_COMPACT) < STORE_LIST_BYTES + 8192);
		seen += (unsigned)json_array_size(list);
		json_decref(list);
	} while (next);
	CU_ASSERT_EQUAL(seen, 150);
	free(message);
	store_close(store);
	clear();
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"bundles", test_bundle},
		{"versions", test_versions},
		{"torn versions", test_torn},
		{"a list in parts", test_long_list},
		CU_TEST_INFO_NULL,
	};
	int ret;

	if (!mkdtemp(folder))
		return 1;
	ret = unit_run("store", tests);
	rmdir(folder);
	return ret;
}
