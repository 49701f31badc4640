/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory of the compiler, and things that it keeps once. */
#include "rule/build.h"

#include <errno.h>
#include <stdlib.h>

#include "rule/index_key.h"

static bool make_room(struct build *build, struct build_bytes *bytes, size_t len)
{
	size_t cap = bytes->cap * 2 + 4096;
	uint8_t *data;

	if (len <= bytes->cap - bytes->len)
		return true;
	while (cap - bytes->len < len)
		cap *= 2;
	data = realloc(bytes->data, cap);
	if (!data) {
		build->error = -ENOMEM;
		return false;
	}
	bytes->data = data;
	bytes->cap = cap;
	return true;
}

size_t build_add(struct build *build, struct build_bytes *bytes, const void *data, size_t len)
{
	size_t at = bytes->len;

	if (build->error || !make_room(build, bytes, len))
		return 0;
	if (data && len)
		memcpy(bytes->data + at, data, len);
	else if (len)
		memset(bytes->data + at, 0, len);
	bytes->len += len;
	return at;
}

static void place(struct build_slot *slots, size_t size, const struct build_slot *slot)
{
	size_t i = slot->hash & (size - 1);

	while (slots[i].len)
		i = (i + 1) & (size - 1);
	slots[i] = *slot;
}

static bool grow(struct build *build, struct build_pool *pool)
{
	size_t size = pool->size ? pool->size * 2 : 1024;
	struct build_slot *slots;
	size_t i;

	if (pool->used * 2 < pool->size)
		return true;
	slots = calloc(size, sizeof(*slots));
	if (!slots) {
		build->error = -ENOMEM;
		return false;
	}
	for (i = 0; i < pool->size; i++)
		if (pool->slots[i].len)
			place(slots, size, &pool->slots[i]);
	free(pool->slots);
	pool->slots = slots;
	pool->size = size;
	return true;
}

uint64_t build_intern(struct build *build, struct build_pool *pool, const void *data, size_t len)
{
	struct build_slot slot = {.hash = XXH3_64bits(data, len), .len = (uint32_t)len};
	size_t i;

	if (build->error || !len || !grow(build, pool))
		return 0;
	for (i = slot.hash & (pool->size - 1); pool->slots[i].len; i = (i + 1) & (pool->size - 1))
		if (pool->slots[i].hash == slot.hash && pool->slots[i].len == len &&
				!memcmp(pool->bytes.data + pool->slots[i].at, data, len))
			return pool->slots[i].at;
	slot.at = build_add(build, &pool->bytes, data, len);
	if (build->error)
		return 0;
	pool->slots[i] = slot;
	pool->used++;
	return slot.at;
}

struct rule_image_text build_text(struct build *build, const char *data, size_t len)
{
	return (struct rule_image_text){
			.offset = build_intern(build, &build->text, data, len), .len = (uint32_t)len};
}

void build_pool_free(struct build_pool *pool)
{
	free(pool->bytes.data);
	free(pool->slots);
}

uint8_t build_field(struct build *build, enum rule_field_id field)
{
	const char *name = rule_fields[field].name;
	struct rule_image_field entry;
	size_t count = build->field_names.len / sizeof(entry);

	if (build->fields[field])
		return (uint8_t)(build->fields[field] - 1);
	if (count == RULE_IMAGE_FIELDS_MAX)
		build->error = -E2BIG;
	entry.name = build_text(build, name, strlen(name));
	build_add(build, &build->field_names, &entry, sizeof(entry));
	build->fields[field] = (uint8_t)(count + 1);
	build->ids[count & (RULE_IMAGE_FIELDS_MAX - 1)] = (uint8_t)field;
	return (uint8_t)count;
}
