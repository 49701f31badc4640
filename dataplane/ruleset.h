/* SPDX-License-Identifier: BSD-3-Clause */
/* A rule set as stages see it. How it comes and goes: rules.h. */
#ifndef VEX_DATAPLANE_RULESET_H
#define VEX_DATAPLANE_RULESET_H

#include "dataplane/program.h"
#include "rule/limit.h"
#include "rule/match.h"
#include "rule/names.h"
#include "rule/redact.h"
#include "rule/rule.h"
#include "stat/rules.h"

/** Events that one member of a group is to get. */
struct group_hit {
	uint32_t group; /**< in the rule set */
	uint64_t events;
};

/** What a rule leads to. */
struct rules_destination {
	uint32_t kind;  /**< enum rule_target_kind */
	uint32_t index; /**< SUBSCRIBER: into plan.named; GROUP, BOUNDARY: as in the image */
};

/** A worker's part of a set: its scratch, and where it counts. The worker's but for the views. */
struct rules_worker {
	const struct ruleset *set;
	struct rule_worker *matching;
	struct program_run *run;     /**< of the users' programs */
	struct vex_rule_stat *stats; /**< by slot */
	struct rule_limits *limits;  /**< shared by all */
	const struct rule_secret *secret;
	uint64_t *group_events;      /**< by group; zero between bursts */
	struct group_hit *group_hits;
	struct vex_record *redacted; /**< room for one; NULL where nothing is redacted */
	struct rule_worker_counts counted; /**< of matching, when last looked at */
	uint64_t *named[2];          /**< main: who bears each name, of each of the worker's plans */
};

/** Immutable once it is published. */
struct ruleset {
	uint64_t generation;
	const struct rule_image *image;
	size_t size;
	struct rule_matcher *matcher;
	struct programs *programs;
	struct rule_reader reader;
	const struct rule_image_rule *rules;
	const struct rule_image_redact *redacts;
	const struct rule_image_limit *limits;
	const uint32_t *targets;
	uint32_t rule_count;
	uint32_t group_count;
	struct rules_destination *destinations;
	struct rule_names names;  /**< of subscribers, numbered; those of groups' members, too */
	uint32_t *members;        /**< numbers of the names of MEMBERS */
	struct group **groups;    /**< as the image numbers them */
	struct plane *plane;      /**< that the groups are counted in */
	struct quotas *quotas;    /**< of the plane; NULL: the set has none */
	uint32_t *slots;          /**< by rule */
	uint64_t *states;         /**< by rule: what limits remember it by */
	uint32_t slot_count;      /**< of slots, those that are taken */
	uint32_t worker_count;
	struct rules_worker *workers;
	char name[VEX_NAME_MAX];
};

#endif
