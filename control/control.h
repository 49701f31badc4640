/* SPDX-License-Identifier: BSD-3-Clause */
/* What the control daemon is made of. Everything runs on its loop's one thread. */
#ifndef VEX_CONTROL_CONTROL_H
#define VEX_CONTROL_CONTROL_H

#include <jansson.h>
#include <uv.h>

#include "config.h"
#include "control_socket.h"
#include "plane.h"
#include "stat/stat.h"
#include "wire/server.h"

struct rules;

struct control {
	uv_loop_t loop;
	struct config config;
	struct plane *plane;
	struct rules *rules;
	struct wire_server *server;
	uint64_t started_ns;           /**< since 1970 */
	struct vex_stat_segment *copy; /**< consistent; of the call that is being answered */
};

#endif
