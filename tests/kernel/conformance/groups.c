// SPDX-License-Identifier: GPL-2.0-only
/*
 * Scenarios: groups that come and go, with mappings there.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "world.h"

#define SIZE	(8 * PAGE)
#define MSI	0xfee00000ull

static void joining(struct world *w)
{
	char *p = mem_anon(SIZE);

	memset(p, 1, SIZE);
	w_map(w, "map", IOVA, p, SIZE);
	w_dma(w, "the first writes", FIRST, IOVA, p);
	w_join(w, "a group joins", NEXT);
	w_locked(w, "two groups");
	w_dma(w, "it writes", NEXT, IOVA + PAGE, p + PAGE);
	w_join(w, "a group of another IOMMU joins", OTHER);
	w_locked(w, "two IOMMUs");
	w_dma(w, "the other one writes", OTHER, IOVA + 2 * PAGE, p + 2 * PAGE);
	w_map(w, "map for all", IOVA + HUGE, p, SIZE);
	w_dma(w, "the first writes that", FIRST, IOVA + HUGE, p);
	w_dma(w, "the other one writes that", OTHER, IOVA + HUGE + PAGE, p + PAGE);
	w_unmap(w, "unmap it for all", IOVA + HUGE, SIZE);
	w_dma(w, "the first writes what is unmapped", FIRST, IOVA + HUGE, p);
	w_dma(w, "the other one writes what is unmapped", OTHER, IOVA + HUGE, p);
	w_leave(w, "the first leaves", FIRST);
	w_state(w, "two left");
	w_dma(w, "the next writes", NEXT, IOVA + 3 * PAGE, p + 3 * PAGE);
	w_leave(w, "the next leaves", NEXT);
	w_state(w, "one left");
	w_dma(w, "the other one writes alone", OTHER, IOVA + 4 * PAGE, p + 4 * PAGE);
	w_join(w, "the first comes back", FIRST);
	w_dma(w, "the first writes again", FIRST, IOVA + 5 * PAGE, p + 5 * PAGE);
	w_leave(w, "it leaves again", FIRST);
	w_leave(w, "the last leaves", OTHER);
	w_locked(w, "none left");
	w_join(w, "one comes back", FIRST);
	w_set_iommu(w, "SET_IOMMU", w->setup->version);
	w_state(w, "all is gone");
	w_dma(w, "the first writes what is gone", FIRST, IOVA, p);
	w_map(w, "map anew", IOVA, p, PAGE);
	w_dma(w, "and writes", FIRST, IOVA, p);
}

/* Two groups before the backend is chosen; the second can't be had: all or nothing. */
static void together(struct world *w)
{
	char *p = mem_anon(SIZE);

	w_open(w);
	w_join(w, "join", FIRST);
	w_join(w, "join the other", OTHER);
	w_set_iommu(w, "SET_IOMMU", w->setup->version);
	w_map(w, "map", IOVA, p, SIZE);
	w_dma(w, "one writes", FIRST, IOVA, p);
	w_dma(w, "the other one writes", OTHER, IOVA + PAGE, p + PAGE);
	w_leave(w, "leave", FIRST);
	w_leave(w, "the other leaves", OTHER);
	w_param(w, "allow_unsafe_interrupts", "N");
	w_join(w, "join again", FIRST);
	w_join(w, "with one that is refused", FOREIGN);
	w_set_iommu(w, "SET_IOMMU for both", w->setup->version);
	w_leave(w, "that leaves", FOREIGN);
	w_set_iommu(w, "SET_IOMMU for one", w->setup->version);
	w_param(w, "allow_unsafe_interrupts", "Y");
	w_join(w, "the refused one is allowed", FOREIGN);
	w_state(w, "in the end");
}

/* Another kind of IOMMU, with another aperture and reserved ranges. */
static void ranges(struct world *w)
{
	char *p = mem_anon(SIZE);

	w_ranges(w, "one");
	w_map(w, "map where the other one's interrupts go", MSI, p, PAGE);
	w_join(w, "it can't join", FOREIGN);
	w_ranges(w, "one still");
	w_dma(w, "the mapping works", FIRST, MSI, p);
	w_unmap(w, "unmap", MSI, PAGE);
	w_map(w, "map what the other one can't", 1ull << 45, p, PAGE);
	w_join(w, "nor then", FOREIGN);
	w_unmap(w, "unmap that", 1ull << 45, PAGE);
	w_map(w, "map around its interrupts", MSI - 2 * PAGE, p, 2 * PAGE);
	w_map(w, "and after", MSI + HUGE / 2, p, PAGE);
	w_map(w, "map what both can", IOVA, p, PAGE);
	w_join(w, "it joins", FOREIGN);
	w_ranges(w, "both");
	w_map(w, "map its interrupts", MSI, p, PAGE);
	w_map(w, "map into them", MSI + HUGE / 2 - PAGE, p, PAGE);
	w_map(w, "map beyond its aperture", 1ull << 45, p, PAGE);
	w_map(w, "map what the first one reserves", RESERVED, p, PAGE);
	w_state(w, "both");
	w_leave(w, "it leaves", FOREIGN);
	w_ranges(w, "one again");
	w_map(w, "map its interrupts now", MSI, p, PAGE);
	w_map(w, "map beyond its aperture now", 1ull << 45, p, PAGE);
	w_join(w, "it can't join again", FOREIGN);
	w_clear(w);
	w_join(w, "until all is unmapped", FOREIGN);
	w_leave(w, "the first leaves", FIRST);
	w_ranges(w, "the other one alone");
	w_map(w, "map what the first one reserved", RESERVED, p, PAGE);
	w_join(w, "it can't come back", FIRST);
	w_unmap(w, "unmap it", RESERVED, PAGE);
	w_join(w, "and then can", FIRST);
	w_ranges(w, "both again");
}

/* What a mapping is made of, when a group joins that needs it pinned. */
static void joining_bad(struct world *w)
{
	char *p = mem_anon(SIZE);

	memset(p, 1, SIZE);
	w_map(w, "map", IOVA, p, SIZE);
	w_locked(w, "one group");
	munmap(p + SIZE - PAGE, PAGE);
	w_join(w, "a group of another IOMMU joins", OTHER);
	w_locked(w, "two groups");
	w_leave(w, "it leaves", OTHER);
	w_locked(w, "one group again");
	w_unmap(w, "unmap", IOVA, SIZE);
	w_locked(w, "unmapped");
}

/* The group with the Intel IOMMU alone: a real driver's domain. */
static void foreign(struct world *w)
{
	char *p = mem_huge(2 * HUGE);

	memset(p, 1, 2 * HUGE);
	w_open(w);
	w_join(w, "join", FOREIGN);
	w_set_iommu(w, "SET_IOMMU", w->setup->version);
	w_ranges(w, "its ranges");
	w_call(w, "its cache", VFIO_CHECK_EXTENSION, (void *)VFIO_DMA_CC_IOMMU);
	w_map(w, "map", IOVA, p, 2 * HUGE);
	w_state(w, "mapped");
	w_unmap(w, "a page of it", IOVA, PAGE);
	w_unmap(w, "all of it", IOVA, 2 * HUGE);
	w_state(w, "unmapped");
	w_map(w, "where its interrupts go", MSI, p, PAGE);
	w_map(w, "map again, and leave", IOVA, p, HUGE);
	w_leave(w, "leave", FOREIGN);
	w_locked(w, "left");
}

const struct scenario group_scenarios[] = {
	SCENARIO("S8 type1: groups, joining and leaving", joining),
	SCENARIO("S8 R9 type1: groups, together", together, .bare = 1),
	SCENARIO("S8 type1: groups, and their ranges", ranges),
	SCENARIO("S8 type1: groups, and memory that went", joining_bad),
	SCENARIO("S12 type1: groups, of an IOMMU that can't fault", foreign, .bare = 1),
	{ 0 }
};
