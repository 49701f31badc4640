/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/config.h"

#include "conf/conf.h"
#include "dataplane/lane_memory.h"
#include "dataplane/rules.h"
#include "tap/select.h"

static void copy_ids(uint32_t *count, uint32_t *to, const struct conf_ids *from)
{
	*count = from->count;
	memcpy(to, from->ids, sizeof(from->ids));
}

VEX_STATIC_ASSERT(CONF_IDS_MAX == ACCESS_IDS_MAX, "as many as a file may name");

static int add_selected(void *to, const char *key, const char *value, char *why, size_t cap)
{
	return vex_select_add(to, key, value, why, cap);
}

int config_load(struct options *options, const char *file, char *why, size_t cap)
{
	static const char *const strategies[] = {"poll", "adaptive", NULL};
	static const char *const levels[] = {"error", "warning", "info", "debug", NULL};
	static const char *const formats[] = {"text", "json", NULL};
	struct access *access = &options->access;
	struct conf_ids users = {0}, groups = {0};
	unsigned idle = options->idle, level = options->log_level, format = options->log_json;
	const struct conf_key allow[] = {
			{"users", CONF_USERS, &users},
			{"groups", CONF_GROUPS, &groups},
			{"anyone", CONF_BOOL, &access->anyone},
			{"mode", CONF_U32, &access->mode, 0, 0777},
			{0},
	};
	const struct conf_key log[] = {
			{"level", CONF_WORD, &level, .words = levels},
			{"format", CONF_WORD, &format, .words = formats},
			{0},
	};
	const struct conf_key select[] = {
			{"type", CONF_LIST, &options->kernel_select, .add = add_selected},
			{"path", CONF_LIST, &options->kernel_select, .add = add_selected},
			{"device", CONF_LIST, &options->kernel_select, .add = add_selected},
			{"uid", CONF_LIST, &options->kernel_select, .add = add_selected},
			{"pid", CONF_LIST, &options->kernel_select, .add = add_selected},
			{"cgroup", CONF_LIST, &options->kernel_select, .add = add_selected},
			{0},
	};
	const struct conf_key keys[] = {
			{"socket", CONF_PATH, options->socket, 0, sizeof(options->socket)},
			{"node", CONF_U32, &options->node, 0, UINT32_MAX},
			{"idle", CONF_WORD, &idle, .words = strategies},
			{"spin_us", CONF_U32, &options->spin_us, 0, 1000000},
			{"settle_ms", CONF_U32, &options->settle_ms, 0, 60000},
			{"events", CONF_U32, &options->sizes.events, 1024, 1u << 24},
			{"long_events", CONF_U32, &options->sizes.long_events, 64, 1u << 20},
			{"ring_max", CONF_POWER, &options->ring_max, VEX_LANE_RING_MIN,
					VEX_LANE_RING_MAX},
			{"lane_memory", CONF_U64, &options->lane_memory, LANE_MEMORY_MIN,
					LANE_MEMORY_MAX},
			{"backlog", CONF_U32_OR_0, &options->backlog, BACKLOG_MIN, BACKLOG_MAX},
			{"kernel_tap", CONF_PATH, options->kernel_tap, 0,
					sizeof(options->kernel_tap)},
			{"kernel_ring", CONF_POWER, &options->kernel_ring, VEX_LANE_RING_MIN,
					VEX_LANE_RING_MAX},
			{"kernel_return_rate", CONF_U32, &options->kernel_return_rate, 1,
					OPTIONS_RETURN_RATE_MAX},
			{"kernel_select", CONF_MAP, .keys = select},
			{"rules_image", CONF_PATH, options->rules_image, 0,
					sizeof(options->rules_image)},
			{"rules_wait_ms", CONF_U32, &options->rules_wait_ms, 0,
					OPTIONS_RULES_WAIT_MAX},
			{"rules_max", CONF_U32, &options->sizes.rules_max, 1, RULES_MAX_LIMIT},
			{"limit_keys", CONF_U32, &options->sizes.limit_keys, 64,
					RULE_LIMITS_ENTRIES_MAX},
			{"allow", CONF_MAP, .keys = allow},
			{"log", CONF_MAP, .keys = log},
			{0},
	};

	if (conf_load(keys, file, why, cap))
		return -1;
	options->idle = (enum idle_strategy)idle;
	options->log_level = (enum vex_log_level)level;
	options->log_json = format == 1;
	copy_ids(&access->uid_count, access->uids, &users);
	copy_ids(&access->gid_count, access->gids, &groups);
	return 0;
}
