/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A change of the rules, as far as it takes time: text to a checked image, and a version on disk.
 * Each step runs in a work thread, one job at a time; between them the job is the loop's.
 */
#ifndef VEX_CONTROL_RULES_JOB_H
#define VEX_CONTROL_RULES_JOB_H

#include "bundle.h"
#include "rules_image.h"
#include "store.h"
#include "wire/message.h"

#define RULES_ACTION_MAX 32u

enum rules_job_kind {
	RULES_LOAD,    /**< the bundle in bytes, which a caller sent */
	RULES_FILES,   /**< the files in paths, which the daemon reads itself */
	RULES_COPY,    /**< the text of version from, once more */
	RULES_SWITCH,  /**< the same, with the rules of names enabled or disabled */
	RULES_RESTORE, /**< version from, or the newest before it that can be used; no new version */
};

/** How far a job has come, for those who wait. */
#define RULES_PHASES(X) X(reading) X(parsing) X(compiling) X(writing) X(publishing) X(storing)
#define RULES_PHASE_ENUM(name) RULES_PHASE_##name,
enum rules_phase { RULES_PHASES(RULES_PHASE_ENUM) RULES_PHASE_COUNT };
#undef RULES_PHASE_ENUM

struct rules_job {
	enum rules_job_kind kind;
	bool dry_run;
	struct store *store;
	const struct rule_image *previous; /**< that is in force, or NULL */
	uint64_t number;                   /**< of the version that is made */
	uint64_t from;
	uint64_t taken; /**< fingerprint of the FILES that were taken last: the same change nothing */
	void *bytes;                  /**< of LOAD; the job's */
	size_t size;
	char **paths;  /**< of FILES; the job's, with the strings */
	size_t path_count;
	json_t *names; /**< of SWITCH; the job's */
	bool enable;
	char action[RULES_ACTION_MAX]; /**< "load", "rollback to 3", ... */
	const char *message;           /**< in a JSON value that outlives the job; never NULL */
	uint32_t uid;                  /**< of the author */
	unsigned keep;
	uint64_t keep_bytes;

	int phase; /**< enum rules_phase; atomic: the thread writes, the loop reads */

	int code;                  /**< enum wire_code, or 0 */
	char why[WIRE_TEXT_MAX];
	bool same;                 /**< all is as it was: there is no new version */
	json_t *meta;              /**< of the version */
	struct rules_image image;
	uint64_t fingerprint;
	unsigned files;
	size_t warnings;
	unsigned states[3]; /**< rules by enum rule_state */
	uint64_t compile_ns;
};

/** Ends with code 0 and an image, and, but for dry runs and RESTORE, a version in the making. */
void rules_job_prepare(struct rules_job *job);

/** Makes that version the newest. */
void rules_job_commit(struct rules_job *job);

/** Frees what the job owns. */
void rules_job_clear(struct rules_job *job);

const char *rules_phase_name(enum rules_phase phase);

#endif
