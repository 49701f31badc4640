/* SPDX-License-Identifier: BSD-3-Clause */
/* Who may attach to the data plane. */
#ifndef VEX_DATAPLANE_ACCESS_H
#define VEX_DATAPLANE_ACCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define ACCESS_IDS_MAX 32u

struct access {
	uint32_t mode; /**< of the socket file */
	bool anyone;
	uint32_t uid_count;
	uint32_t gid_count;
	uint32_t uids[ACCESS_IDS_MAX]; /**< besides root and our own */
	uint32_t gids[ACCESS_IDS_MAX];
};

/** Root and our own user: they may speak for others, and places are kept for them. */
bool access_trusts(uint32_t uid);

/** Whom it trusts always may. */
bool access_allows(const struct access *access, const struct ucred *who);

#endif
