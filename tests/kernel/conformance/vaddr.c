// SPDX-License-Identifier: GPL-2.0-only
/*
 * Scenarios: a client that goes on in another process, or at other addresses.
 * UNMAP_DMA with VADDR takes the address of mappings away, MAP_DMA with VADDR
 * gives it back.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "world.h"

#define SIZE	(4 * PAGE)

static char *area;

static void vaddr(struct world *w, const char *step, uint64_t iova, const void *p, uint64_t size)
{
	w_map_as(w, step, VADDR, iova, (uintptr_t)p, size);
}

static void one(struct world *w)
{
	char *p = mem_shared(2 * SIZE);

	w_map(w, "map", IOVA, p, SIZE);
	vaddr(w, "give the address of what has one", IOVA, p, SIZE);
	w_unmap_as(w, "take the address", UN_VADDR, IOVA, SIZE);
	w_state(w, "without address");
	w_unmap_as(w, "take it again", UN_VADDR, IOVA, SIZE);
	vaddr(w, "give one, of another size", IOVA, p, SIZE - PAGE);
	vaddr(w, "give one, larger", IOVA, p, SIZE + PAGE);
	vaddr(w, "give one, for its second page", IOVA + PAGE, p, PAGE);
	vaddr(w, "give one, from before it", IOVA - PAGE, p, SIZE);
	vaddr(w, "give one, where nothing is", IOVA + HUGE, p, SIZE);
	vaddr(w, "give one, not aligned", IOVA, p + 1, SIZE);
	w_map(w, "map anew over it", IOVA, p, SIZE);
	w_map(w, "map another beside it", IOVA + HUGE, p, PAGE);
	w_unmap(w, "and unmap that", IOVA + HUGE, PAGE);
	vaddr(w, "give the same", IOVA, p, SIZE);
	w_state(w, "with address");
	w_dma(w, "write", FIRST, IOVA, p);
	vaddr(w, "give it again", IOVA, p, SIZE);
	w_unmap(w, "unmap", IOVA, SIZE);
	w_state(w, "unmapped");
}

static void several(struct world *w)
{
	char *p = mem_shared(4 * PAGE);
	unsigned int i;

	for (i = 0; i < 4; i++)
		w_map(w, "map", IOVA + 2 * i * PAGE, p + i * PAGE, PAGE);
	w_unmap_as(w, "take the address of the third", UN_VADDR, IOVA + 4 * PAGE, PAGE);
	w_unmap_as(w, "of all, one has none", UN_VADDR, IOVA, 8 * PAGE);
	vaddr(w, "the first has kept it", IOVA, p, PAGE);
	vaddr(w, "the third has none", IOVA + 4 * PAGE, p + 2 * PAGE, PAGE);
	vaddr(w, "the fourth has kept it", IOVA + 6 * PAGE, p + 3 * PAGE, PAGE);
	w_unmap_as(w, "of two", UN_VADDR, IOVA, 4 * PAGE);
	w_unmap_as(w, "ALL, two have none", UN_VADDR | UN_ALL, 0, 0);
	vaddr(w, "the first", IOVA, p, PAGE);
	vaddr(w, "the second", IOVA + 2 * PAGE, p + PAGE, PAGE);
	vaddr(w, "the third", IOVA + 4 * PAGE, p + 2 * PAGE, PAGE);
	w_unmap_as(w, "ALL", UN_VADDR | UN_ALL, 0, 0);
	w_state(w, "none has one");
	for (i = 0; i < 4; i++)
		vaddr(w, "give them back", IOVA + 2 * i * PAGE, p + i * PAGE, PAGE);
	w_dma(w, "write the last", FIRST, IOVA + 6 * PAGE, p + 3 * PAGE);
	w_unmap_as(w, "where nothing is", UN_VADDR, IOVA + HUGE, PAGE);
	w_unmap_as(w, "size 0", UN_VADDR, IOVA, 0);
	w_unmap_as(w, "not aligned", UN_VADDR, IOVA + 1, PAGE);
	w_clear(w);
	w_map(w, "map a large one", IOVA, p, 4 * PAGE);
	w_unmap_as(w, "of its head", UN_VADDR, IOVA, PAGE);
	vaddr(w, "of its head, back", IOVA, p, 4 * PAGE);
	w_unmap_as(w, "of its tail", UN_VADDR, IOVA + PAGE, 3 * PAGE);
	vaddr(w, "of its tail, back", IOVA, p, 4 * PAGE);
	w_unmap_as(w, "ALL of nothing else", UN_VADDR | UN_ALL, 0, 0);
	w_unmap_as(w, "unmap without its address", 0, IOVA, 4 * PAGE);
	w_state(w, "in the end");
	w_unmap_as(w, "ALL of nothing", UN_VADDR | UN_ALL, 0, 0);
}

/* What waits for addresses: groups that join. */
static void meanwhile(struct world *w)
{
	char *p = mem_shared(SIZE);

	w_map(w, "map", IOVA, p, SIZE);
	w_dma(w, "write", FIRST, IOVA, p);
	w_call(w, "extension", VFIO_CHECK_EXTENSION, (void *)VFIO_UPDATE_VADDR);
	w_unmap_as(w, "take the address", UN_VADDR, IOVA, SIZE);
	w_call(w, "extension, without address", VFIO_CHECK_EXTENSION,
	       (void *)VFIO_UPDATE_VADDR);
	w_join(w, "a group joins", NEXT);
	w_join(w, "a group of another IOMMU joins", OTHER);
	vaddr(w, "give it back", IOVA, p, SIZE);
	w_join(w, "the group joins again", NEXT);
	w_join(w, "the other one too", OTHER);
	w_dma(w, "it writes", NEXT, IOVA, p);
	w_dma(w, "the other one writes", OTHER, IOVA, p);
	w_unmap_as(w, "take it again", UN_VADDR, IOVA, SIZE);
	w_leave(w, "the group leaves", NEXT);
	w_leave(w, "the other one leaves", OTHER);
	w_leave(w, "the last leaves", FIRST);
	w_join(w, "it comes back", FIRST);
	w_set_iommu(w, "SET_IOMMU", w->setup->version);
	w_state(w, "all is gone");
	w_map(w, "map, and close without address", IOVA, p, SIZE);
	w_unmap_as(w, "take its address", UN_VADDR, IOVA, SIZE);
	w_close(w);
	w_locked(w, "closed");
}

/* The same pages at another address; and other pages, which pinned ones don't mind. */
static void elsewhere(struct world *w)
{
	int fd = memfd_new(SIZE, 0);
	char *p = mem_file(fd, SIZE, MAP_SHARED), *q;

	w_map(w, "map", IOVA, p, SIZE);
	w_dma(w, "write", FIRST, IOVA, p);
	w_unmap_as(w, "take the address", UN_VADDR, IOVA, SIZE);
	munmap(p, SIZE);
	w_locked(w, "old address unmapped");
	q = mem_file(fd, SIZE, MAP_SHARED);
	vaddr(w, "give the new", IOVA, q, SIZE);
	w_dma(w, "write a page written before", FIRST, IOVA, q);
	w_dma(w, "write another page", FIRST, IOVA + PAGE, q + PAGE);
	w_state(w, "with the new");
	w_unmap_as(w, "take it again", UN_VADDR, IOVA, SIZE);
	vaddr(w, "give one with nothing there", IOVA, (void *)PAGE, SIZE);
	w_unmap(w, "unmap", IOVA, SIZE);
	w_state(w, "in the end");
}

static void child_takes(struct world *w)
{
	w_unprivileged(SIZE);
	vaddr(w, "the child gives its address", IOVA, area, SIZE);
	w_locked(w, "the child, one mapping");
	vaddr(w, "the child, over its limit", IOVA + HUGE, area, SIZE);
	w_locked(w, "the child, refused");
	w_memlock(2 * SIZE);
	vaddr(w, "the child, with a higher limit", IOVA + HUGE, area, SIZE);
	w_locked(w, "the child, two mappings");
	w_memlock(RLIM_INFINITY);
	w_dma(w, "the device writes", FIRST, IOVA, area);
	w_unmap(w, "the child unmaps one", IOVA, SIZE);
	w_locked(w, "the child, one left");
}

static void handed_over(struct world *w)
{
	area = mem_shared(SIZE);
	w_map(w, "map", IOVA, area, SIZE);
	w_map(w, "map again", IOVA + HUGE, area, SIZE);
	w_locked(w, "the parent, mapped");
	w_unmap_as(w, "take all addresses", UN_VADDR | UN_ALL, 0, 0);
	w_locked(w, "the parent, without addresses");
	w_in_child(w, child_takes);
	w_locked(w, "the parent, after the child");
	w_unmap_as(w, "take addresses from the child's", UN_VADDR | UN_ALL, 0, 0);
	vaddr(w, "back to the parent", IOVA + HUGE, area, SIZE);
	w_state(w, "the parent has it again");
	w_dma(w, "the device writes for the parent", FIRST, IOVA + HUGE, area);
	w_unmap(w, "unmap", IOVA + HUGE, SIZE);
	w_state(w, "in the end");
}

/* The live update for which all this is: a new program with the old one's memory. */
void w_after_exec_vaddr(struct world *w)
{
	char *p;

	w_locked(w, "the new program");
	p = mem_anon(SIZE);
	memset(p, 1, SIZE);
	vaddr(w, "it gives its addresses", IOVA, p, SIZE);
	w_state(w, "with addresses");
	vaddr(w, "it gives them again", IOVA, p, SIZE);
	w_unmap(w, "unmap", IOVA, SIZE);
	w_state(w, "unmapped");
}

static void live_update(struct world *w)
{
	char *p = mem_shared(SIZE);

	w_open_raw(w);
	w_map(w, "map", IOVA, p, SIZE);
	w_state(w, "the old program");
	w_unmap_as(w, "take all addresses", UN_VADDR | UN_ALL, 0, 0);
	w_exec(w, "after_exec_vaddr");
}

const struct scenario vaddr_scenarios[] = {
	SCENARIO("S7 type1: VADDR, one mapping", one),
	SCENARIO("S7 type1: VADDR, several", several),
	SCENARIO("S7 type1: VADDR, groups meanwhile", meanwhile),
	SCENARIO("S7 type1: VADDR, another address", elsewhere),
	SCENARIO("S7 R10 type1: VADDR, another process", handed_over),
	SCENARIO("S7 type1: VADDR, exec", live_update, .bare = 1),
	{ 0 }
};
