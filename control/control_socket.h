/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef VEX_CONTROL_CONTROL_SOCKET_H
#define VEX_CONTROL_CONTROL_SOCKET_H

/** Where vex-control listens and vexctl asks, unless told otherwise. */
#define CONTROL_SOCKET_DEFAULT "/run/vexplane/control.sock"

#endif
