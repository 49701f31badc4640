/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/ends.h"

void ends_note(struct ends *ends, uint64_t inode, uint64_t position)
{
	ends->end[ends->next].inode = inode;
	ends->end[ends->next].position = position;
	ends->next = (ends->next + 1) % VEX_LANES_MAX;
}

uint64_t ends_resume(const struct ends *ends, uint64_t inode, uint64_t position)
{
	for (uint32_t i = 0; i < VEX_LANES_MAX; i++)
		if (ends->end[i].inode == inode && ends->end[i].position > position)
			position = ends->end[i].position;
	return position;
}
