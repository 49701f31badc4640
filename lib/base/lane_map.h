/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The memory of user-space lanes: sealed memfds and their mappings.
 *
 * Who makes an object maps it, then seals it against shrinking and growing, a consumer's page
 * against any further writable mapping as well, and passes the fd. Who receives it verifies the
 * seals, so that no SIGBUS is possible. A consumer could write to the producer's page, which it
 * maps read-only; it would mislead nobody but itself, since a producer reads nothing there.
 * Not thread-safe per object. Functions return 0 or a negative errno.
 */
#ifndef VEX_BASE_LANE_MAP_H
#define VEX_BASE_LANE_MAP_H

#include "abi/lane.h"

/** A producer's object: its page, and the ring mapped twice in a row. */
struct vex_ring_map {
	int fd; /**< -1 where none is held */
	void *base;
	size_t span;
	uint64_t ring_size;
	uint64_t inode; /**< of a foreign one: tells one memfd from another */
	uint64_t at;	/**< where a device has it; 0 in a memfd */
	struct vex_lane_producer_page *page; /**< read-only for the consumer */
	uint8_t *ring;			     /**< read-only for the consumer */
	uint8_t *lines; /**< of the ring, once, to write to */
};

/** A consumer's object. */
struct vex_page_map {
	int fd;
	struct vex_lane_consumer_page *page; /**< read-only for the producer */
};

/** Whether a ring may have this size: a power of two within bounds. */
int vex_ring_size_valid(uint64_t ring_size);

/** Makes a ring; the fd stays open for passing. */
int vex_ring_map_create(struct vex_ring_map *map, uint64_t ring_size);

/** Maps a foreign ring, its page read-only, and closes fd. -EPERM: not sealed; -EINVAL: wrong size. */
int vex_ring_map_open(struct vex_ring_map *map, int fd, uint64_t ring_size);

/**
 * Maps a ring of a device, made by a producer in the kernel, that begins at this offset, and the
 * consumer's page, to write to. The fd stays the caller's; the mappings need it no more.
 */
int vex_ring_map_device(struct vex_ring_map *map, int fd, uint64_t at, uint64_t ring_size);
int vex_page_map_device(struct vex_page_map *map, int fd, uint64_t at);

void vex_ring_map_close(struct vex_ring_map *map);

int vex_page_map_create(struct vex_page_map *map);

/**
 * Maps a foreign page read-only and closes fd. Where map->page is set, the new page takes the
 * place of the old one at the same address, at once, for threads that are reading there.
 */
int vex_page_map_open(struct vex_page_map *map, int fd);

void vex_page_map_close(struct vex_page_map *map);

#endif
