/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Redaction: a record as it may leave, by what the rules say that it matched. docs/rules.md tells
 * what becomes of which field. Nothing here allocates; pure and thread-safe.
 */
#ifndef VEX_RULE_REDACT_H
#define VEX_RULE_REDACT_H

#include "rule/place.h"

/**
 * Random, of one plane, and kept from those who get events. The same value gives the same hash as
 * long as the secret is the same. XXH3 is a fast hash, not a cipher: it keeps apart who does not
 * have the secret from the value, as far as nobody tries values by having them hashed here.
 */
struct rule_secret {
	uint8_t bytes[192];
};

/** What is to become of one record's fields. Each byte: enum rule_redact_how + 1; 0: as it is. */
struct rule_redaction {
	const struct vex_record *record;
	uint32_t count; /**< of fields that change */
	uint8_t field[RULE_FIELD_COUNT];   /**< those fields */
	uint8_t how[RULE_FIELD_COUNT];     /**< of each field */
	uint8_t pair[VEX_EVENT_PAIRS_MAX]; /**< of each of the record's pairs */
};

/** Starts with nothing; the record, a checked one, stays as it is until the last call. */
void rule_redaction_begin(struct rule_redaction *redaction, const struct vex_record *record);

/** Adds what one rule wants. Of two the stricter holds: to remove, to mask, to hash. */
void rule_redaction_add(struct rule_redaction *redaction, const struct rule_reader *reader,
		const struct rule_image_redact *redacts, uint32_t count);

/**
 * Writes the record as it may leave, and returns its size, a multiple of 8. out is aligned to 8
 * bytes; room is at least the record's size. A hash that would make it larger than room, than
 * VEX_RECORD_MADE_MAX, or an attribute larger than it may be, is masked instead.
 */
uint32_t rule_redaction_write(const struct rule_redaction *redaction,
		const struct rule_secret *secret, struct vex_record *out, uint32_t room);

#endif
