// SPDX-License-Identifier: GPL-2.0
/*
 * Whether a record is well formed, by the tables of lib/abi: what lib/event/check.c says in user
 * space, for the kernel. Pure; tests compare the two.
 */
#ifdef __KERNEL__
#include "tap.h"
#endif

#define VEX_ATTR(id, NAME, text, min, max, repeat, desc) \
	[id] = { max, min, 1, repeat },
static const struct {
	u32 max;
	u16 min;
	u8 known;
	u8 repeat;
} rules[VEX_ATTR_LIMIT] = {
#include "abi/attr.def"
};

#undef VEX_ATTR

#define VEX_EVENT(id, NAME, text, cat, ocsf, desc) \
	[id] = 1,
static const u8 type_known[VEX_TYPE_LIMIT] = {
#include "abi/event.def"
};

#undef VEX_EVENT

/* As in lib/event. */
#define PAIRS_MAX 32u
#define LABELS_MAX 16u

static bool is_text(u32 id)
{
	return id == VEX_ATTR_COMM || id == VEX_ATTR_PATH || id == VEX_ATTR_PATH2 ||
	       id == VEX_ATTR_NAME || id == VEX_ATTR_LABEL;
}

static bool attribute_valid(u32 id, u32 len, const u8 *payload)
{
	if (id >= VEX_ATTR_LIMIT || !rules[id].known || len < rules[id].min || len > rules[id].max)
		return false;
	return !is_text(id) || !memchr(payload, 0, len);
}

static u32 times_max(u32 id)
{
	if (!rules[id].repeat)
		return 1;
	return id == VEX_ATTR_LABEL ? LABELS_MAX : PAIRS_MAX; /* no VALUE without its NAME */
}

bool tap_record_valid(const struct vex_record *record, u32 available)
{
	const u8 *at = (const u8 *)(record + 1);
	const u8 *end = (const u8 *)record + record->size;
	u32 count = 0, previous = VEX_ATTR_NONE;
	u32 times[VEX_ATTR_LIMIT] = { 0 };

	if (available < VEX_RECORD_MIN || record->size < VEX_RECORD_MIN ||
	    record->size > available || record->size > VEX_RECORD_MAX || record->size % 8)
		return false;
	if (record->type >= VEX_TYPE_LIMIT || !type_known[record->type] ||
	    record->boundary >= VEX_BOUNDARY_COUNT)
		return false;
	for (; at < end; count++) {
		u32 head, id, len;

		memcpy(&head, at, sizeof(head)); /* eight bytes are there: sizes are multiples */
		id = vex_attr_head_id(head);
		len = vex_attr_head_len(head);
		if (vex_attr_span(len) > (size_t)(end - at) ||
		    !attribute_valid(id, len, at + VEX_ATTR_HEAD))
			return false;
		if (times[id]++ >= times_max(id))
			return false;
		if (id == VEX_ATTR_VALUE && previous != VEX_ATTR_NAME)
			return false;
		previous = id;
		at += vex_attr_span(len);
	}
	return count == record->attr_count &&
	       !!times[VEX_ATTR_GAP] == (record->type == VEX_GAP);
}
