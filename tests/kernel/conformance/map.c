// SPDX-License-Identifier: GPL-2.0-only
/*
 * Scenarios: what MAP_DMA refuses by its arguments alone.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "world.h"

static void of_size(struct world *w, const char *step, uint32_t argsz, const void *p)
{
	const struct vfio_iommu_type1_dma_map map = {
		.argsz = argsz, .flags = RW, .vaddr = (uintptr_t)p, .iova = IOVA, .size = PAGE,
	};

	w_call(w, step, VFIO_IOMMU_MAP_DMA, &map);
}

static void sizes(struct world *w)
{
	char *p = mem_anon(PAGE);
	char *edge = (char *)mem_anon(2 * PAGE) + PAGE;

	of_size(w, "argsz 0", 0, p);
	of_size(w, "argsz 8", 8, p);
	of_size(w, "argsz 31", 31, p);
	of_size(w, "argsz 32", 32, p);
	w_clear(w);
	of_size(w, "argsz 33", 33, p);
	w_clear(w);
	of_size(w, "argsz 0xffffffff", ~0u, p);
	w_clear(w);
	munmap(edge, PAGE);
	*(uint32_t *)(edge - 16) = 32;
	w_call(w, "its end beyond the edge of memory", VFIO_IOMMU_MAP_DMA, edge - 16);
	w_call(w, "no pointer", VFIO_IOMMU_MAP_DMA, NULL);
	w_call(w, "a kernel address", VFIO_IOMMU_MAP_DMA, (void *)(1ul << 63));
	w_state(w, "after that");
}

static void flags(struct world *w)
{
	char *p = mem_anon(4 * PAGE);
	unsigned int bit;
	char step[64];

	memset(p, 1, 4 * PAGE);
	w_map_as(w, "none", 0, IOVA, (uintptr_t)p, PAGE);
	w_map_as(w, "VADDR, nothing there", VADDR, IOVA, (uintptr_t)p, PAGE);
	w_map_as(w, "VADDR and READ", VADDR | READ, IOVA, (uintptr_t)p, PAGE);
	w_map_as(w, "VADDR and WRITE", VADDR | WRITE, IOVA, (uintptr_t)p, PAGE);
	w_map_as(w, "all three", VADDR | RW, IOVA, (uintptr_t)p, PAGE);
	for (bit = 3; bit < 32; bit++) {
		snprintf(step, sizeof(step), "unknown bit %u", bit);
		w_map_try(w, step, RW | 1u << bit, IOVA, (uintptr_t)p, PAGE);
	}
	w_map_as(w, "READ", READ, IOVA, (uintptr_t)p, PAGE);
	w_map_as(w, "WRITE", WRITE, IOVA + PAGE, (uintptr_t)p + PAGE, PAGE);
	w_map_as(w, "READ and WRITE", RW, IOVA + 2 * PAGE, (uintptr_t)p + 2 * PAGE, PAGE);
	w_map_as(w, "VADDR, where it is valid", VADDR, IOVA, (uintptr_t)p, PAGE);
	w_state(w, "mapped");
	w_dma_read(w, "the device reads READ", FIRST, IOVA);
	w_dma(w, "the device writes READ", FIRST, IOVA, p);
	w_dma_read(w, "the device reads WRITE", FIRST, IOVA + PAGE);
	w_dma(w, "the device writes WRITE", FIRST, IOVA + PAGE, p + PAGE);
	w_dma_read(w, "the device reads both", FIRST, IOVA + 2 * PAGE);
	w_dma(w, "the device writes both", FIRST, IOVA + 2 * PAGE, p + 2 * PAGE);
	w_dma(w, "the device writes beyond", FIRST, IOVA + 3 * PAGE, p + 3 * PAGE);
	w_dma(w, "the device writes before", FIRST, IOVA - PAGE, p);
}

static void alignment(struct world *w)
{
	uint64_t p = (uintptr_t)mem_anon(4 * PAGE);

	w_map_as(w, "size 0", RW, IOVA, p, 0);
	w_map_as(w, "size 1", RW, IOVA, p, 1);
	w_map_as(w, "size 2048", RW, IOVA, p, 2048);
	w_map_as(w, "size 4097", RW, IOVA, p, PAGE + 1);
	w_map_as(w, "IOVA + 1", RW, IOVA + 1, p, PAGE);
	w_map_as(w, "IOVA + 2048", RW, IOVA + 2048, p, PAGE);
	w_map_as(w, "address + 1", RW, IOVA, p + 1, PAGE);
	w_map_as(w, "address + 2048", RW, IOVA, p + 2048, PAGE);
	w_map_as(w, "all by 2048", RW, IOVA + 2048, p + 2048, PAGE + 2048);
	w_map_as(w, "VADDR, size 0", VADDR, IOVA, p, 0);
	w_map_as(w, "VADDR, size 1", VADDR, IOVA, p, 1);
	w_map_as(w, "VADDR, address + 1", VADDR, IOVA, p + 1, PAGE);
	w_state(w, "after that");
}

static void wrapping(struct world *w)
{
	uint64_t p = (uintptr_t)mem_anon(4 * PAGE);

	w_map_try(w, "IOVA wraps", RW, -PAGE, p, 2 * PAGE);
	w_map_try(w, "IOVA wraps to its beginning", RW, IOVA, p, -PAGE);
	w_map_try(w, "the last page of IOVA", RW, -PAGE, p, PAGE);
	w_map_try(w, "all of IOVA but a page", RW, 0, p, -PAGE);
	w_map_try(w, "all of IOVA but the first page", RW, PAGE, p, -PAGE);
	w_map_try(w, "address wraps", RW, IOVA, -PAGE, 2 * PAGE);
	w_map_try(w, "address wraps, 3 pages", RW, IOVA, -2 * PAGE, 3 * PAGE);
	w_map_try(w, "the last page of addresses", RW, IOVA, -PAGE, PAGE);
	w_map_try(w, "the last two", RW, IOVA, -2 * PAGE, 2 * PAGE);
	w_map_try(w, "a kernel address", RW, IOVA, 0xffff888000000000ull, PAGE);
	w_map_try(w, "no canonical address", RW, IOVA, 1ull << 60, PAGE);
	w_map_try(w, "the first above user addresses", RW, IOVA, 1ull << 56, PAGE);
	w_map_try(w, "across the end of user addresses", RW, IOVA, (1ull << 56) - PAGE,
		  2 * PAGE);
	w_map_try(w, "up to the end of user addresses", RW, IOVA, (1ull << 56) - PAGE, PAGE);
	w_map_try(w, "more than there are user addresses", RW, IOVA, PAGE, 1ull << 48);
	w_map_try(w, "address 0", RW, IOVA, 0, PAGE);
	w_map_try(w, "VADDR, IOVA wraps", VADDR, -PAGE, p, 2 * PAGE);
	w_map_try(w, "VADDR, address wraps", VADDR, IOVA, -PAGE, 2 * PAGE);
	w_state(w, "after that");
}

static void overlaps(struct world *w)
{
	uint64_t p = (uintptr_t)mem_anon(16 * PAGE);

	w_map_as(w, "a mapping", RW, IOVA, p, 4 * PAGE);
	w_map_as(w, "the same", RW, IOVA, p, 4 * PAGE);
	w_map_as(w, "the same, read only", READ, IOVA, p, 4 * PAGE);
	w_map_as(w, "its first page", RW, IOVA, p, PAGE);
	w_map_as(w, "its last page", RW, IOVA + 3 * PAGE, p, PAGE);
	w_map_as(w, "its middle", RW, IOVA + PAGE, p, 2 * PAGE);
	w_map_as(w, "over its head", RW, IOVA - PAGE, p, 2 * PAGE);
	w_map_as(w, "over its tail", RW, IOVA + 3 * PAGE, p, 2 * PAGE);
	w_map_as(w, "around it", RW, IOVA - PAGE, p, 6 * PAGE);
	w_map_as(w, "all up to the reserved range", RW, 0, p, RESERVED);
	w_map_as(w, "over it and what is reserved", RW, IOVA, p, RESERVED);
	w_map_as(w, "over it, of bad memory", RW, IOVA, 0, PAGE);
	w_map_as(w, "just before", RW, IOVA - PAGE, p, PAGE);
	w_map_as(w, "just after", RW, IOVA + 4 * PAGE, p, PAGE);
	w_map_as(w, "memory mapped before, elsewhere", RW, IOVA + HUGE, p, 4 * PAGE);
	w_state(w, "after that");
	w_unmap(w, "unmap them", IOVA - PAGE, 6 * PAGE);
	w_state(w, "and then");
}

static void apertures(struct world *w)
{
	uint64_t p = (uintptr_t)mem_anon(4 * PAGE);

	w_map_as(w, "the first page of IOVA", RW, 0, p, PAGE);
	w_dma(w, "the device writes it", FIRST, 0, (void *)p);
	w_map_as(w, "the first page reserved", RW, RESERVED, p, PAGE);
	w_map_as(w, "the last page reserved", RW, RESERVED + RESERVED_SIZE - PAGE, p, PAGE);
	w_map_as(w, "into it", RW, RESERVED - PAGE, p, 2 * PAGE);
	w_map_as(w, "out of it", RW, RESERVED + RESERVED_SIZE - PAGE, p, 2 * PAGE);
	w_map_as(w, "around it", RW, RESERVED - PAGE, p, RESERVED_SIZE + 2 * PAGE);
	w_map_as(w, "up to it", RW, RESERVED - PAGE, p, PAGE);
	w_map_as(w, "from its end on", RW, RESERVED + RESERVED_SIZE, p, PAGE);
	w_map_as(w, "below 1 << 47", RW, (1ull << 47) - PAGE, p, PAGE);
	w_map_as(w, "at 1 << 48", RW, 1ull << 48, p, PAGE);
	w_map_as(w, "across 1 << 48", RW, (1ull << 48) - PAGE, p, 2 * PAGE);
	w_map_as(w, "below 1 << 48", RW, (1ull << 48) - PAGE, p, PAGE);
	w_map_as(w, "at 1 << 63", RW, 1ull << 63, p, PAGE);
	w_map_as(w, "reserved, and of bad memory", RW, RESERVED, 0, PAGE);
	w_state(w, "after that");
}

/* The order in which refusals are looked for. */
static void limits(struct world *w)
{
	char *p = mem_anon(16 * PAGE);
	unsigned int i;
	char step[64];

	w_param(w, "dma_entry_limit", "4");
	w_open(w);
	w_join(w, "join", FIRST);
	w_set_iommu(w, "SET_IOMMU", w->setup->version);
	w_param(w, "dma_entry_limit", "100");
	w_avail(w, "at first");
	for (i = 0; i < 5; i++) {
		snprintf(step, sizeof(step), "mapping %u", i);
		w_map(w, step, IOVA + i * PAGE, p + i * PAGE, PAGE);
	}
	w_state(w, "full");
	w_map(w, "full, over another", IOVA, p, PAGE);
	w_map(w, "full, in what is reserved", RESERVED, p, PAGE);
	w_map(w, "full, of bad memory", IOVA + HUGE, NULL, PAGE);
	w_map(w, "full, size 0", IOVA + HUGE, p, 0);
	w_unmap(w, "unmap one", IOVA + PAGE, PAGE);
	w_avail(w, "one unmapped");
	w_map(w, "in what is reserved, again", RESERVED, p, PAGE);
	w_avail(w, "after a refusal");
	w_map(w, "the fourth again", IOVA + PAGE, p, PAGE);
	w_map(w, "a fifth again", IOVA + HUGE, p, PAGE);
	w_unmap(w, "unmap all", IOVA, 4 * PAGE);
	w_avail(w, "all unmapped");
	w_leave(w, "leave", FIRST);
	w_join(w, "join again", FIRST);
	w_set_iommu(w, "SET_IOMMU again", w->setup->version);
	w_avail(w, "the limit of now");
	w_leave(w, "leave again", FIRST);
	w_param(w, "dma_entry_limit", "0");
	w_join(w, "join for nothing", FIRST);
	w_set_iommu(w, "SET_IOMMU for nothing", w->setup->version);
	w_avail(w, "nothing to be had");
	w_map(w, "a mapping", IOVA, p, PAGE);
}

const struct scenario map_scenarios[] = {
	SCENARIO("S11 type1: MAP_DMA, sizes and pointers", sizes),
	SCENARIO("S11 type1: MAP_DMA, flags", flags),
	SCENARIO("S11 type1: MAP_DMA, alignment", alignment),
	SCENARIO("S11 type1: MAP_DMA, wrapping around", wrapping),
	SCENARIO("S11 type1: MAP_DMA, overlaps", overlaps),
	SCENARIO("S11 type1: MAP_DMA, apertures and reserved ranges", apertures),
	SCENARIO("S11 type1: MAP_DMA, dma_entry_limit", limits, .bare = 1),
	{ 0 }
};
