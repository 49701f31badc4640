/* SPDX-License-Identifier: BSD-3-Clause */
#include "event/event.h"

struct type_info {
	const char *name;
	const char *text;
	uint8_t category;
	uint8_t ocsf;
};

#define VEX_EVENT(id, NAME, name, cat, ocsf, text) [id] = {name, text, VEX_CATEGORY_##cat, ocsf},
static const struct type_info types[VEX_TYPE_LIMIT] = {
#include "abi/event.def"
};
#undef VEX_EVENT

static const char *const categories[] = {
	[VEX_CATEGORY_CONTROL] = "control",
	[VEX_CATEGORY_FILE] = "file",
	[VEX_CATEGORY_FUSE] = "fuse",
	[VEX_CATEGORY_GRAPH] = "graph",
	[VEX_CATEGORY_VECTOR] = "vector",
	[VEX_CATEGORY_AGENT] = "agent",
	[VEX_CATEGORY_SYSTEM] = "system",
	[VEX_CATEGORY_SEMANTIC] = "semantic",
	[VEX_CATEGORY_OBSERVABILITY] = "observability",
};
VEX_STATIC_ASSERT(sizeof(categories) / sizeof(categories[0]) == VEX_CATEGORY_COUNT,
		"every category has a name");

static const char *const boundaries[] = {
	[VEX_BOUNDARY_NONE] = "none",
	[VEX_BOUNDARY_KERNEL] = "kernel",
	[VEX_BOUNDARY_FUSE] = "fuse",
	[VEX_BOUNDARY_APP] = "app",
	[VEX_BOUNDARY_PEER] = "peer",
	[VEX_BOUNDARY_REPLAY] = "replay",
};
VEX_STATIC_ASSERT(sizeof(boundaries) / sizeof(boundaries[0]) == VEX_BOUNDARY_COUNT,
		"every boundary has a name");

static const char *const gap_reasons[] = {
	[VEX_GAP_LANE_FULL] = "lane_full",
	[VEX_GAP_TARGET_FULL] = "target_full",
	[VEX_GAP_TOO_LARGE] = "too_large",
	[VEX_GAP_ABANDONED] = "abandoned",
};
VEX_STATIC_ASSERT(sizeof(gap_reasons) / sizeof(gap_reasons[0]) == VEX_GAP_REASON_COUNT,
		"every reason has a name");

static const char *const classes[] = {"critical", "high", "normal", "low"};

static const char *const priorities[] = {"emergency", "alert", "critical", "error", "warning",
		"notice", "informational", "debug"};

static const struct type_info *type_info(uint32_t type)
{
	return type < VEX_TYPE_LIMIT && types[type].name ? &types[type] : NULL;
}

const char *vex_type_name(uint32_t type)
{
	const struct type_info *info = type_info(type);

	return info ? info->name : NULL;
}

const char *vex_type_text(uint32_t type)
{
	const struct type_info *info = type_info(type);

	return info ? info->text : NULL;
}

enum vex_type vex_type_by_name(const char *name)
{
	uint32_t type;

	for (type = 0; type < VEX_TYPE_LIMIT; type++)
		if (types[type].name && !strcmp(types[type].name, name))
			return (enum vex_type)type;
	return VEX_TYPE_NONE;
}

enum vex_category vex_type_category(uint32_t type)
{
	const struct type_info *info = type_info(type);

	return info ? (enum vex_category)info->category : VEX_CATEGORY_COUNT;
}

unsigned vex_type_ocsf(uint32_t type)
{
	const struct type_info *info = type_info(type);

	return info ? info->ocsf : 99;
}

const char *vex_category_name(uint32_t category)
{
	return category < VEX_CATEGORY_COUNT ? categories[category] : NULL;
}

const char *vex_boundary_name(uint32_t boundary)
{
	return boundary < VEX_BOUNDARY_COUNT ? boundaries[boundary] : NULL;
}

const char *vex_gap_reason_name(uint32_t reason)
{
	return reason < VEX_GAP_REASON_COUNT ? gap_reasons[reason] : NULL;
}

const char *vex_qos_name(uint32_t qos)
{
	return qos < sizeof(classes) / sizeof(classes[0]) ? classes[qos] : NULL;
}

const char *vex_priority_name(uint32_t priority)
{
	return priority < sizeof(priorities) / sizeof(priorities[0]) ? priorities[priority] : NULL;
}
