/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/access.h"

#include <unistd.h>

bool access_trusts(uint32_t uid)
{
	return uid == 0 || uid == geteuid();
}

bool access_allows(const struct access *access, const struct ucred *who)
{
	if (access->anyone || access_trusts(who->uid))
		return true;
	for (uint32_t i = 0; i < access->uid_count; i++)
		if (access->uids[i] == who->uid)
			return true;
	for (uint32_t i = 0; i < access->gid_count; i++)
		if (access->gids[i] == who->gid)
			return true;
	return false;
}
