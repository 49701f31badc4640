/* SPDX-License-Identifier: BSD-3-Clause */
#include "rule/redact.h"

#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define HEX_LEN 32u

VEX_STATIC_ASSERT(sizeof(struct rule_secret) >= XXH3_SECRET_SIZE_MIN, "it is one of XXH3's");

/* What is added to an enum rule_redact_how, so that 0 is: as it is. */
enum { LEAVE, HASH = RULE_REDACT_HASH + 1, MASK = RULE_REDACT_MASK + 1, REMOVE = RULE_REDACT_REMOVE + 1 };
VEX_STATIC_ASSERT(HASH < MASK && MASK < REMOVE, "the stricter is the larger");

struct writer {
	const struct rule_redaction *redaction;
	const struct rule_secret *secret;
	uint8_t *at;
	uint32_t spare; /* bytes that the record may become larger by */
	uint32_t count; /* of attributes */
	unsigned pairs;
};

/* -- what is wanted -- */

void rule_redaction_begin(struct rule_redaction *redaction, const struct vex_record *record)
{
	memset(redaction, 0, sizeof(*redaction));
	redaction->record = record;
}

static unsigned stricter(unsigned a, unsigned b)
{
	return a > b ? a : b;
}

static unsigned how(const struct rule_redaction *redaction, enum rule_field_id field)
{
	return redaction->how[field];
}

static void want(struct rule_redaction *redaction, enum rule_field_id field, unsigned wanted)
{
	if (redaction->how[field] == LEAVE)
		redaction->field[redaction->count++] = (uint8_t)field;
	redaction->how[field] = (uint8_t)stricter(redaction->how[field], wanted);
}

/* Every pair of that name, not the first alone. */
static void want_pairs(struct rule_redaction *redaction, struct vex_bytes name, unsigned wanted)
{
	const uint8_t *at = (const uint8_t *)(redaction->record + 1);
	const uint8_t *end = (const uint8_t *)redaction->record + redaction->record->size;
	unsigned pair = 0;
	uint32_t head;

	for (; at < end; at += vex_attr_span(vex_attr_head_len(head))) {
		memcpy(&head, at, sizeof(head));
		if (vex_attr_head_id(head) != VEX_ATTR_NAME)
			continue;
		if (vex_attr_head_len(head) == name.len &&
				(!name.len || !memcmp(at + VEX_ATTR_HEAD, name.data, name.len)))
			redaction->pair[pair] = (uint8_t)stricter(redaction->pair[pair], wanted);
		pair++;
	}
}

/* What says the same goes with it: the first thread's number is the process's. */
static void want_field(struct rule_redaction *redaction, enum rule_field_id field, unsigned wanted)
{
	want(redaction, field, wanted);
	if (field == RULE_FIELD_PROC_PID)
		want(redaction, RULE_FIELD_THREAD_TID, wanted);
	if (field == RULE_FIELD_EVENT_RESULT)
		want(redaction, RULE_FIELD_EVT_RES, wanted);
}

void rule_redaction_add(struct rule_redaction *redaction, const struct rule_reader *reader,
		const struct rule_image_redact *redacts, uint32_t count)
{
	uint32_t i;

	for (i = 0; i < count; i++) {
		const struct rule_image_key *key = &redacts[i].key;
		enum rule_field_id field = (enum rule_field_id)reader->field[key->field];
		unsigned wanted = redacts[i].how + 1;

		if (!rule_places[field].redact)
			continue;
		if (!rule_place_redacts(field, (enum rule_redact_how)redacts[i].how))
			wanted = MASK;
		if (field == RULE_FIELD_ATTR)
			want_pairs(redaction, (struct vex_bytes){reader->text + key->arg,
					key->arg_len}, wanted);
		else
			want_field(redaction, field, wanted);
	}
}

/* -- texts -- */

static XXH128_hash_t hash_of(const struct writer *to, const void *data, size_t len)
{
	return XXH3_128bits_withSecret(data, len, to->secret->bytes, sizeof(to->secret->bytes));
}

static void put_hex(const struct writer *to, const void *data, size_t len, uint8_t *out)
{
	XXH128_hash_t hash = hash_of(to, data, len);
	unsigned i;

	for (i = 0; i < HEX_LEN; i++) {
		uint64_t half = i < HEX_LEN / 2 ? hash.high64 : hash.low64;

		out[i] = (uint8_t)"0123456789abcdef"[half >> (60 - i % 16 * 4) & 15];
	}
}

/* A text between two slashes, or all of one. Returns where it ends. */
static uint8_t *put_part(const struct writer *to, const char *data, size_t len, unsigned wanted,
		bool slashes, uint8_t *out)
{
	size_t i;

	if (wanted == REMOVE)
		return out;
	if (wanted == HASH) {
		put_hex(to, data, len, out);
		return out + HEX_LEN;
	}
	for (i = 0; i < len; i++)
		out[i] = wanted == MASK && !(slashes && data[i] == '/') ? '*' : (uint8_t)data[i];
	return out + len;
}

static size_t part_len(size_t len, unsigned wanted)
{
	return wanted == REMOVE ? 0 : wanted == HASH ? HEX_LEN : len;
}

/* A payload that was written behind where its head is to be. */
static void end_attr(struct writer *to, uint32_t id, uint32_t len)
{
	uint32_t head = vex_attr_head(id, len);
	uint32_t span = vex_attr_span(len);

	memcpy(to->at, &head, sizeof(head));
	memset(to->at + VEX_ATTR_HEAD + len, 0, span - VEX_ATTR_HEAD - len);
	to->at += span;
	to->count++;
}

/* Whether an attribute may have another length; what it saves or takes is kept account of. */
static bool fits(struct writer *to, uint32_t old, size_t len, size_t max)
{
	uint32_t before = vex_attr_span(old);
	uint32_t after = vex_attr_span((uint32_t)len);

	if (len > max || after > before + to->spare)
		return false;
	to->spare = before + to->spare - after;
	return true;
}

static void put_text(struct writer *to, uint32_t id, const char *data, uint32_t len, unsigned wanted)
{
	uint8_t *end;

	if (wanted == REMOVE) {
		to->spare += vex_attr_span(len);
		return;
	}
	if (wanted == HASH && !fits(to, len, HEX_LEN, HEX_LEN))
		wanted = MASK;
	end = put_part(to, data, len, wanted, false, to->at + VEX_ATTR_HEAD);
	end_attr(to, id, (uint32_t)(end - to->at - VEX_ATTR_HEAD));
}

/* -- paths -- */

/* What becomes of a path: of all of it, or of what stands before and behind its last slash. */
struct path_how {
	unsigned whole;
	unsigned directory;
	unsigned filename;
};

/* What is hidden of the first path is hidden of the second, too: it may be the same. */
static struct path_how path_how(const struct rule_redaction *redaction, uint32_t id)
{
	struct path_how path = {how(redaction, RULE_FIELD_FD_NAME),
			how(redaction, RULE_FIELD_FD_DIRECTORY),
			how(redaction, RULE_FIELD_FD_FILENAME)};

	if (id == VEX_ATTR_PATH2)
		path.whole = stricter(path.whole, how(redaction, RULE_FIELD_FS_PATH2));
	if (path.whole)
		path.whole = stricter(path.whole, stricter(path.directory, path.filename));
	return path;
}

/* slash: bytes before the last one. In the root the directory is that slash itself. */
static uint32_t put_parts(const struct writer *to, const char *data, uint32_t len, size_t slash,
		struct path_how path)
{
	size_t directory = path.directory == HASH && !slash ? 1 : slash;
	uint8_t *start = to->at + VEX_ATTR_HEAD;
	uint8_t *end = put_part(to, data, directory, path.directory, true, start);

	if (path.directory != REMOVE)
		*end++ = '/';
	end = put_part(to, data + slash + 1, len - slash - 1, path.filename, false, end);
	return (uint32_t)(end - start);
}

static void put_split(struct writer *to, uint32_t id, const char *data, uint32_t len,
		struct path_how path)
{
	const char *last = len ? memrchr(data, '/', len) : NULL;
	size_t slash = last ? (size_t)(last - data) : 0;
	size_t after;

	if (!last) {
		put_text(to, id, data, len, path.filename);
		return;
	}
	after = part_len(slash, path.directory) + (path.directory != REMOVE) +
			part_len(len - slash - 1, path.filename);
	if (path.directory == REMOVE && path.filename == REMOVE) {
		put_text(to, id, data, len, REMOVE);
		return;
	}
	if (!fits(to, len, after, VEX_EVENT_PATH_MAX)) {
		path.directory = path.directory == HASH ? MASK : path.directory;
		path.filename = path.filename == HASH ? MASK : path.filename;
	}
	end_attr(to, id, put_parts(to, data, len, slash, path));
}

static void put_path(struct writer *to, uint32_t id, const char *data, uint32_t len)
{
	struct path_how path = path_how(to->redaction, id);
	uint8_t *end;

	if (path.whole == MASK) {
		end = put_part(to, data, len, MASK, true, to->at + VEX_ATTR_HEAD);
		end_attr(to, id, (uint32_t)(end - to->at - VEX_ATTR_HEAD));
	} else if (path.whole || !(path.directory | path.filename)) {
		put_text(to, id, data, len, path.whole);
	} else {
		put_split(to, id, data, len, path);
	}
}

/* -- numbers -- */

static uint64_t number_as(const struct writer *to, enum rule_field_id field, uint64_t number,
		unsigned wanted)
{
	if (wanted == HASH)
		return hash_of(to, &number, sizeof(number)).low64;
	/* 0 is root; what is no user at all is -1. */
	if (wanted == REMOVE && (field == RULE_FIELD_USER_UID || field == RULE_FIELD_GROUP_GID))
		return UINT64_MAX;
	return 0;
}

/* Changes numbers in an attribute's payload, or in the header (0). */
static void change_numbers(const struct writer *to, uint32_t id, uint8_t *payload)
{
	uint32_t i;

	for (i = 0; i < to->redaction->count; i++) {
		enum rule_field_id field = (enum rule_field_id)to->redaction->field[i];
		const struct rule_place *place = &rule_places[field];
		uint64_t number = 0;

		if (place->attr != id || !place->size)
			continue;
		memcpy(&number, payload + place->offset, place->size);
		number = number_as(to, field, number, how(to->redaction, field));
		memcpy(payload + place->offset, &number, place->size);
	}
}

static void put_numbers(struct writer *to, uint32_t id, const void *data, uint32_t len)
{
	if ((id == VEX_ATTR_TENANT && how(to->redaction, RULE_FIELD_TENANT) == REMOVE) ||
			(id == VEX_ATTR_PARENT2 &&
					how(to->redaction, RULE_FIELD_FS_PARENT2_INO) == REMOVE)) {
		to->spare += vex_attr_span(len);
		return;
	}
	memcpy(to->at + VEX_ATTR_HEAD, data, len);
	change_numbers(to, id, to->at + VEX_ATTR_HEAD);
	end_attr(to, id, len);
}

/* -- the record -- */

static void put_pair(struct writer *to, uint32_t id, const void *data, uint32_t len)
{
	unsigned wanted;

	if (id == VEX_ATTR_NAME)
		to->pairs++;
	wanted = to->redaction->pair[to->pairs - 1];
	if (id == VEX_ATTR_NAME && wanted != REMOVE)
		wanted = LEAVE;
	put_text(to, id, data, len, wanted);
}

static void put_attr(struct writer *to, uint32_t id, const void *data, uint32_t len)
{
	switch (id) {
	case VEX_ATTR_COMM:
		put_text(to, id, data, len, how(to->redaction, RULE_FIELD_PROC_NAME));
		break;
	case VEX_ATTR_LABEL:
		put_text(to, id, data, len, how(to->redaction, RULE_FIELD_LABEL));
		break;
	case VEX_ATTR_PATH:
	case VEX_ATTR_PATH2:
		put_path(to, id, data, len);
		break;
	case VEX_ATTR_NAME:
	case VEX_ATTR_VALUE:
		put_pair(to, id, data, len);
		break;
	default:
		put_numbers(to, id, data, len);
	}
}

uint32_t rule_redaction_write(const struct rule_redaction *redaction,
		const struct rule_secret *secret, struct vex_record *out, uint32_t room)
{
	const struct vex_record *record = redaction->record;
	const uint8_t *at = (const uint8_t *)(record + 1);
	const uint8_t *end = (const uint8_t *)record + record->size;
	uint32_t most = room < VEX_RECORD_MADE_MAX ? room : VEX_RECORD_MADE_MAX;
	struct writer to = {.redaction = redaction, .secret = secret, .at = (uint8_t *)(out + 1),
			.spare = most > record->size ? most - record->size : 0};
	uint32_t head;

	*out = *record;
	change_numbers(&to, 0, (uint8_t *)out);
	for (; at < end; at += vex_attr_span(vex_attr_head_len(head))) {
		memcpy(&head, at, sizeof(head));
		put_attr(&to, vex_attr_head_id(head), at + VEX_ATTR_HEAD, vex_attr_head_len(head));
	}
	out->attr_count = (uint8_t)to.count;
	out->size = (uint32_t)(to.at - (uint8_t *)out);
	return out->size;
}
