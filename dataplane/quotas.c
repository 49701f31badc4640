/* SPDX-License-Identifier: BSD-3-Clause */
/* The memory of quotas. */
#include <stdlib.h>

#include "dataplane/quota.h"

/* Memory is touched where tenants come, and no sooner. */
struct quotas *quotas_new(uint32_t worker_count)
{
	struct quotas *quotas = calloc(1, sizeof(*quotas));

	if (!quotas)
		return NULL;
	quotas->worker_count = worker_count;
	quotas->slots = calloc(QUOTA_SLOTS, sizeof(*quotas->slots));
	for (uint32_t i = 0; quotas->slots && i < worker_count; i++) {
		quotas->cells[i] = calloc(QUOTA_TENANTS_MAX + 1, sizeof(*quotas->cells[i]));
		if (!quotas->cells[i])
			break;
	}
	if (quotas->slots && quotas->cells[worker_count - 1])
		return quotas;
	quotas_free(quotas);
	return NULL;
}

void quotas_free(struct quotas *quotas)
{
	if (!quotas)
		return;
	for (uint32_t i = 0; i < quotas->worker_count; i++)
		free(quotas->cells[i]);
	free(quotas->slots);
	free(quotas);
}
