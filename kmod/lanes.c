// SPDX-License-Identifier: GPL-2.0
/*
 * The lanes' memory: single pages, mapped here with the ring twice in a row, and given to the
 * reader page by page. A mapping holds its pages and the device file, so lanes that are freed
 * are seen by nobody.
 */
#include <linux/cpumask.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "tap.h"

enum { PAGE_OWN, PAGE_PEER, PAGE_RING };

unsigned int tap_lane_count(void)
{
	return min_t(unsigned int, nr_cpu_ids, VEX_TAP_LANES_MAX);
}

static void free_lane(struct tap_lane *lane)
{
	unsigned int i;

	vunmap(lane->ring);
	for (i = 0; lane->pages && i < lane->page_count; i++)
		if (lane->pages[i])
			__free_page(lane->pages[i]);
	kvfree(lane->pages);
}

void tap_lanes_free(struct tap_lanes *lanes)
{
	unsigned int i;

	if (!lanes)
		return;
	for (i = 0; i < lanes->count; i++)
		free_lane(&lanes->lane[i]);
	kvfree(lanes);
}

static void *map_ring(const struct tap_lane *lane)
{
	unsigned int count = lane->page_count - PAGE_RING;
	struct page **twice = kvmalloc_array(count, 2 * sizeof(*twice), GFP_KERNEL);
	void *ring;

	if (!twice)
		return NULL;
	memcpy(twice, lane->pages + PAGE_RING, count * sizeof(*twice));
	memcpy(twice + count, lane->pages + PAGE_RING, count * sizeof(*twice));
	ring = vmap(twice, 2 * count, VM_MAP, PAGE_KERNEL);
	kvfree(twice);
	return ring;
}

static int make_lane(struct tap_lane *lane, u64 ring_size)
{
	unsigned int i;

	spin_lock_init(&lane->lock);
	lane->page_count = PAGE_RING + ring_size / PAGE_SIZE;
	lane->pages = kvcalloc(lane->page_count, sizeof(*lane->pages), GFP_KERNEL);
	if (!lane->pages)
		return -ENOMEM;
	for (i = 0; i < lane->page_count; i++) {
		lane->pages[i] = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO | __GFP_NORETRY |
					    __GFP_NOWARN);
		if (!lane->pages[i])
			return -ENOMEM;
	}
	lane->ring = map_ring(lane);
	if (!lane->ring)
		return -ENOMEM;
	lane->own = page_address(lane->pages[PAGE_OWN]);
	lane->peer = page_address(lane->pages[PAGE_PEER]);
	lane->record_max = vex_lane_record_max(ring_size);
	vex_lane_writer_init(&lane->writer, lane->ring, ring_size, lane->own, lane->peer);
	return 0;
}

struct tap_lanes *tap_lanes_new(u64 ring_size)
{
	unsigned int i, count = tap_lane_count();
	struct tap_lanes *lanes = kvzalloc(struct_size(lanes, lane, count), GFP_KERNEL);

	BUILD_BUG_ON(PAGE_SIZE != VEX_LANE_PAGE);
	if (!lanes)
		return ERR_PTR(-ENOMEM);
	lanes->count = count;
	lanes->ring_size = ring_size;
	for (i = 0; i < count; i++) {
		int error = make_lane(&lanes->lane[i], ring_size);

		if (error) {
			tap_lanes_free(lanes);
			return ERR_PTR(error);
		}
	}
	return lanes;
}

static void vma_set_flags(struct vm_area_struct *vma, unsigned long set, unsigned long clear)
{
#ifdef TAP_HAVE_VM_FLAGS_MOD
	vm_flags_mod(vma, set, clear);
#else
	vma->vm_flags = (vma->vm_flags | set) & ~clear;
#endif
}

/* The producer's page stays read-only for good; and no mapping is inherited, grown or dumped. */
static int map_pages(struct vm_area_struct *vma, struct page **pages, unsigned long count,
		     bool writable)
{
	if (!(vma->vm_flags & VM_SHARED) || (vma->vm_flags & VM_EXEC))
		return -EINVAL;
	if (!writable && (vma->vm_flags & VM_WRITE))
		return -EPERM;
	vma_set_flags(vma, VM_DONTCOPY | VM_DONTEXPAND | VM_DONTDUMP,
		      VM_MAYEXEC | (writable ? 0 : VM_MAYWRITE));
	return vm_insert_pages(vma, vma->vm_start, pages, &count);
}

/* The producer's object has its page in front; the ring's pages stand two further on in ours. */
static int map_producer(struct tap_lane *lane, struct vm_area_struct *vma, u64 first, u64 count)
{
	unsigned long one = PAGE_SIZE;
	int error;

	if (first + count > lane->page_count - 1)
		return -EINVAL;
	if (first)
		return map_pages(vma, lane->pages + 1 + first, count, true);
	error = map_pages(vma, lane->pages + PAGE_OWN, 1, false);
	if (error || count == 1)
		return error;
	count--;
	return vm_insert_pages(vma, vma->vm_start + one, lane->pages + PAGE_RING,
			       (unsigned long *)&count);
}

int tap_lanes_mmap(struct tap_lanes *lanes, struct vm_area_struct *vma)
{
	u64 offset = (u64)vma->vm_pgoff << PAGE_SHIFT;
	u64 count = vma_pages(vma);
	u64 number = offset >> VEX_TAP_LANE_SHIFT;
	u64 at = offset & ((1ull << VEX_TAP_LANE_SHIFT) - 1);

	if (number >= lanes->count)
		return -EINVAL;
	if (at == VEX_TAP_PEER)
		return count == 1 ? map_pages(vma, lanes->lane[number].pages + PAGE_PEER, 1, true) :
				    -EINVAL;
	if (at > VEX_TAP_PEER || count > VEX_LANE_RING_MAX)
		return -EINVAL;
	return map_producer(&lanes->lane[number], vma, at >> PAGE_SHIFT, count);
}

/* Whether there is something to read: what stands before the consumer's position was read. */
bool tap_lanes_ready(const struct tap_lanes *lanes)
{
	unsigned int i;

	for (i = 0; i < lanes->count; i++) {
		const struct tap_lane *lane = &lanes->lane[i];

		if (READ_ONCE(lane->writer.head) != READ_ONCE(lane->peer->position))
			return true;
	}
	return false;
}
