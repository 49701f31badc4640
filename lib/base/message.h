/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Messages of the data plane's socket (abi/handshake.h): one message, at most one fd beside it.
 * Functions return 0 or a negative errno; they are thread-safe on different sockets.
 */
#ifndef VEX_BASE_MESSAGE_H
#define VEX_BASE_MESSAGE_H

#include "abi/handshake.h"

/** Connects to the socket; answers are waited for 5 s at most. Returns the fd. */
int vex_message_connect(const char *path);

/** Sends; fd is passed unless it is negative, and stays open here. */
int vex_message_send(int socket, struct vex_message *message, int fd);

/**
 * Receives one message. *fd is what was passed, or -1, and is the caller's to close.
 * -ECONNRESET at the end, -EAGAIN where nothing is there (or in time), -EPROTO where it is no
 * message of this version, or more than one file came with it; those are closed.
 */
int vex_message_receive(int socket, struct vex_message *message, int *fd);

/**
 * Asks, and waits for the answer of type expected. A REFUSED gives its error, and message then
 * holds the reason. passed may be NULL where no fd is expected.
 */
int vex_message_ask(int socket, struct vex_message *message, int fd, uint16_t expected,
		int *passed);

#endif
