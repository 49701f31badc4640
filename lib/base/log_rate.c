/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/log_rate.h"

#include "base/clock.h"
#include "base/log.h"

#define SECOND_NS 1000000000ull

void vex_log_settle(struct vex_log_rate *rate)
{
	uint64_t now;

	if (!rate->written)
		return;
	now = vex_clock_steady();
	if (now - rate->since_ns < SECOND_NS)
		return;
	if (rate->left_out)
		vex_warn("%u more %s were not logged", rate->left_out, rate->what);
	rate->written = rate->left_out = 0;
}

bool vex_log_may(struct vex_log_rate *rate)
{
	vex_log_settle(rate);
	if (!rate->written)
		rate->since_ns = vex_clock_steady();
	if (rate->written == VEX_LOG_RATE) {
		rate->left_out++;
		return false;
	}
	rate->written++;
	return true;
}
