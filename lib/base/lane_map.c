/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/lane_map.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

/* A consumer writes to the lines of a ring, see vex_lane_release(); to a page only its owner. */
#define RING_SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)
#define PAGE_SEALS (RING_SEALS | F_SEAL_FUTURE_WRITE)

int vex_ring_size_valid(uint64_t ring_size)
{
	return ring_size >= VEX_LANE_RING_MIN && ring_size <= VEX_LANE_RING_MAX &&
			(ring_size & (ring_size - 1)) == 0;
}

static int make_memfd(const char *name, uint64_t size)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)size) < 0) {
		int error = -errno;

		close(fd);
		return error;
	}
	return fd;
}

static int verify_memfd(int fd, uint64_t size, int wanted, uint64_t *inode)
{
	struct stat st;
	int seals = fcntl(fd, F_GET_SEALS);

	if (seals < 0 || (seals & wanted) != wanted)
		return -EPERM;
	if (fstat(fd, &st) < 0)
		return -errno;
	*inode = st.st_ino;
	return (uint64_t)st.st_size == size ? 0 : -EINVAL;
}

/* Populated, so that no page fault falls into the polling path. */
static int map_part(const struct vex_ring_map *map, uint8_t *at, size_t size, uint64_t offset,
		int prot)
{
	void *part = mmap(at, size, prot, MAP_SHARED | MAP_FIXED | MAP_POPULATE, map->fd,
			(off_t)(map->at + offset));

	return part == MAP_FAILED ? -errno : 0;
}

/* [page][ring][ring], and for a consumer, who reads there, the [ring] once more to write to. */
static int map_ring(struct vex_ring_map *map, int prot)
{
	size_t size = map->ring_size;
	uint8_t *base;
	int error;

	map->span = VEX_LANE_PAGE + 3 * size;
	base = mmap(NULL, map->span, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (base == MAP_FAILED)
		return -errno;
	map->base = base;
	map->page = (struct vex_lane_producer_page *)base;
	map->ring = base + VEX_LANE_PAGE;
	map->lines = prot & PROT_WRITE ? map->ring : map->ring + 2 * size;
	error = map_part(map, base, VEX_LANE_PAGE + size, 0, prot);
	if (!error)
		error = map_part(map, map->ring + size, size, VEX_LANE_PAGE, prot);
	if (!error && map->lines != map->ring)
		error = map_part(map, map->lines, size, VEX_LANE_PAGE, PROT_READ | PROT_WRITE);
	return error;
}

int vex_ring_map_create(struct vex_ring_map *map, uint64_t ring_size)
{
	int error;

	*map = (struct vex_ring_map){.fd = -1, .ring_size = ring_size};
	if (!vex_ring_size_valid(ring_size))
		return -EINVAL;
	map->fd = make_memfd("vex-ring", VEX_LANE_PAGE + ring_size);
	if (map->fd < 0)
		return map->fd;
	error = map_ring(map, PROT_READ | PROT_WRITE);
	if (!error && fcntl(map->fd, F_ADD_SEALS, RING_SEALS) < 0)
		error = -errno;
	if (error)
		vex_ring_map_close(map);
	return error;
}

int vex_ring_map_open(struct vex_ring_map *map, int fd, uint64_t ring_size)
{
	int error;

	*map = (struct vex_ring_map){.fd = fd, .ring_size = ring_size};
	if (!vex_ring_size_valid(ring_size))
		error = -EINVAL;
	else
		error = verify_memfd(fd, VEX_LANE_PAGE + ring_size, RING_SEALS, &map->inode);
	if (!error)
		error = map_ring(map, PROT_READ);
	close(fd);
	map->fd = -1;
	if (error)
		vex_ring_map_close(map);
	return error;
}

void vex_ring_map_close(struct vex_ring_map *map)
{
	if (map->base)
		munmap(map->base, map->span);
	if (map->fd >= 0)
		close(map->fd);
	*map = (struct vex_ring_map){.fd = -1};
}

int vex_ring_map_device(struct vex_ring_map *map, int fd, uint64_t at, uint64_t ring_size)
{
	int error;

	*map = (struct vex_ring_map){.fd = fd, .ring_size = ring_size, .at = at};
	error = vex_ring_size_valid(ring_size) ? map_ring(map, PROT_READ) : -EINVAL;
	map->fd = -1;
	if (error)
		vex_ring_map_close(map);
	return error;
}

int vex_page_map_device(struct vex_page_map *map, int fd, uint64_t at)
{
	void *page = mmap(NULL, VEX_LANE_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
			fd, (off_t)at);

	map->fd = -1;
	map->page = page == MAP_FAILED ? NULL : page;
	return page == MAP_FAILED ? -errno : 0;
}

int vex_page_map_create(struct vex_page_map *map)
{
	void *page;
	int error;

	map->page = NULL;
	map->fd = make_memfd("vex-position", VEX_LANE_PAGE);
	if (map->fd < 0)
		return map->fd;
	page = mmap(NULL, VEX_LANE_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
			map->fd, 0);
	if (page != MAP_FAILED)
		map->page = page;
	if (page != MAP_FAILED && fcntl(map->fd, F_ADD_SEALS, PAGE_SEALS) == 0)
		return 0;
	error = -errno;
	vex_page_map_close(map);
	return error;
}

/*
 * Where a page is there already, a publisher may be reading it at this very moment. mmap(2) takes
 * the old mapping away and puts the new one there under one hold of the address space's lock; a
 * load that finds neither faults, and waits for that lock. So each load sees the one page or the
 * other, and what it loads is one aligned word. Either word is true: the new page begins where
 * the producer said that the old one had ended, or beyond it where the data plane knows that it
 * had taken more (ends.c), and who took that is through with it. A page that changes between two
 * loads of a publisher only shows it a later position; one that can't be it ignores anyway.
 * ThreadSanitizer takes mmap() for a write by this thread, which it is not: it is not shown it.
 */
static void *map_page(void *at, int fd)
{
	int flags = MAP_SHARED | MAP_POPULATE | (at ? MAP_FIXED : 0);

#ifdef __SANITIZE_THREAD__
	return (void *)syscall(SYS_mmap, at, VEX_LANE_PAGE, PROT_READ, flags, fd, 0L);
#else
	return mmap(at, VEX_LANE_PAGE, PROT_READ, flags, fd, 0);
#endif
}

int vex_page_map_open(struct vex_page_map *map, int fd)
{
	uint64_t inode;
	int error = verify_memfd(fd, VEX_LANE_PAGE, PAGE_SEALS, &inode);
	void *page;

	if (!error) {
		page = map_page(map->page, fd);
		if (page == MAP_FAILED)
			error = -errno;
		else
			map->page = page;
	}
	close(fd);
	map->fd = -1;
	return error;
}

void vex_page_map_close(struct vex_page_map *map)
{
	if (map->page)
		munmap(map->page, VEX_LANE_PAGE);
	if (map->fd >= 0)
		close(map->fd);
	*map = (struct vex_page_map){.fd = -1};
}
