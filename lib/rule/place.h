/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where a record holds what a field says: how one is read without a matcher, and what can be
 * redacted. Records are ones that vex_record_check() accepted. Pure and thread-safe.
 */
#ifndef VEX_RULE_PLACE_H
#define VEX_RULE_PLACE_H

#include "rule/field.h"
#include "rule/image.h"
#include "rule/rule.h"

enum rule_place_kind {
	RULE_PLACE_NONE,     /**< of fields that are not CORE */
	RULE_PLACE_NUMBER,   /**< size bytes at offset */
	RULE_PLACE_RESULT,   /**< the header's result, as a word of evt.res */
	RULE_PLACE_DURATION, /**< the header's, or attribute DURATION's */
	RULE_PLACE_CLOCK,    /**< part of the header's start */
	RULE_PLACE_TEXT,     /**< the attribute's bytes */
	RULE_PLACE_DIRECTORY,
	RULE_PLACE_FILENAME,
	RULE_PLACE_LABELS,
	RULE_PLACE_PAIR, /**< the VALUE behind a NAME */
};

struct rule_place {
	uint8_t kind;   /**< enum rule_place_kind */
	uint8_t attr;   /**< enum vex_attr_id that it stands in; 0: the header */
	uint8_t offset; /**< in the attribute's payload, or in the header */
	uint8_t size;
	uint8_t redact; /**< bit of each enum rule_redact_how that it can take */
};

extern const struct rule_place rule_places[RULE_FIELD_COUNT];

static inline bool rule_place_redacts(enum rule_field_id field, enum rule_redact_how how)
{
	return rule_places[field].redact >> how & 1;
}

/** What a field says. */
struct rule_datum {
	bool has;
	bool is_text;
	uint64_t number;       /**< signed ones as two's complement */
	struct vex_bytes text; /**< in the record */
};

/** name: of RULE_FIELD_ATTR. What a list says is not to be had so: it is never there. */
struct rule_datum rule_datum_read(const struct vex_record *record, enum rule_field_id field,
		struct vex_bytes name);

/** An image, with what its keys' fields are here. Made once a set; it may be shared. */
struct rule_reader {
	const struct rule_image *image; /**< stays until the reader is done with */
	const struct rule_image_key *keys;
	const char *text;
	uint8_t field[RULE_IMAGE_FIELDS_MAX]; /**< enum rule_field_id of each of FIELDS */
};

/** The image was verified. */
void rule_reader_init(struct rule_reader *reader, const struct rule_image *image);

static inline struct rule_datum rule_reader_read(const struct rule_reader *reader,
		const struct rule_image_key *key, const struct vex_record *record)
{
	struct vex_bytes name = {reader->text + key->arg, key->arg_len};

	return rule_datum_read(record, (enum rule_field_id)reader->field[key->field], name);
}

#endif
