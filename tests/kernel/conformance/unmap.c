// SPDX-License-Identifier: GPL-2.0-only
/*
 * Scenarios: UNMAP_DMA. What it refuses, what it takes away, and how v1, which
 * lets a mapping go as a whole if its first page goes, and v2, which refuses to
 * cut one, differ.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "world.h"

static void of_size(struct world *w, const char *step, uint32_t argsz)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = argsz, .iova = IOVA, .size = PAGE,
	};
	int ret = ioctl(w->fd, VFIO_IOMMU_UNMAP_DMA, &unmap);

	w_note(w, step, "%s, %#llx bytes", w_result(ret), unmap.size);
}

static void sizes(struct world *w)
{
	struct vfio_iommu_type1_dma_unmap *unmap;
	char *p = mem_anon(PAGE);
	char *edge = (char *)mem_anon(2 * PAGE) + PAGE;

	w_map(w, "map", IOVA, p, PAGE);
	of_size(w, "argsz 0", 0);
	of_size(w, "argsz 8", 8);
	of_size(w, "argsz 23", 23);
	of_size(w, "argsz 24", 24);
	w_map(w, "map again", IOVA, p, PAGE);
	of_size(w, "argsz 25", 25);
	w_map(w, "map a third time", IOVA, p, PAGE);
	of_size(w, "argsz 0xffffffff", ~0u);
	w_map(w, "map a fourth time", IOVA, p, PAGE);
	munmap(edge, PAGE);
	*(uint32_t *)(edge - 16) = 24;
	w_call(w, "its end beyond the edge of memory", VFIO_IOMMU_UNMAP_DMA, edge - 16);
	w_call(w, "no pointer", VFIO_IOMMU_UNMAP_DMA, NULL);
	w_call(w, "a kernel address", VFIO_IOMMU_UNMAP_DMA, (void *)(1ul << 63));
	w_state(w, "after that");
	unmap = (void *)(edge - PAGE);
	*unmap = (struct vfio_iommu_type1_dma_unmap){
		.argsz = sizeof(*unmap), .iova = IOVA, .size = PAGE,
	};
	assert_ok(mprotect(unmap, PAGE, PROT_READ));
	w_call(w, "where the answer can't be written", VFIO_IOMMU_UNMAP_DMA, unmap);
	w_state(w, "it was done");
}

static void flags(struct world *w)
{
	char *p = mem_anon(PAGE);
	unsigned int bit;
	char step[64];

	w_map(w, "map", IOVA, p, PAGE);
	for (bit = 3; bit < 32; bit++) {
		snprintf(step, sizeof(step), "unknown bit %u", bit);
		w_unmap_as(w, step, 1u << bit, IOVA, PAGE);
	}
	w_unmap_as(w, "unknown and ALL", UN_ALL | 8, 0, 0);
	w_unmap_as(w, "bitmap and ALL", UN_ALL | UN_DIRTY, 0, 0);
	w_unmap_as(w, "bitmap and VADDR", UN_VADDR | UN_DIRTY, IOVA, PAGE);
	w_unmap_as(w, "all three", UN_VADDR | UN_ALL | UN_DIRTY, 0, 0);
	w_unmap_as(w, "bitmap, no room for it", UN_DIRTY, IOVA, PAGE);
	w_unmap_as(w, "ALL, with a size", UN_ALL, 0, PAGE);
	w_unmap_as(w, "ALL, with an IOVA", UN_ALL, IOVA, 0);
	w_unmap_as(w, "ALL, with both", UN_ALL, IOVA, PAGE);
	w_unmap_as(w, "ALL, not aligned", UN_ALL, 1, 0);
	w_unmap_as(w, "ALL and VADDR, with a size", UN_ALL | UN_VADDR, 0, PAGE);
	w_state(w, "after that");
	w_unmap_as(w, "ALL", UN_ALL, 0, 0);
	w_unmap_as(w, "ALL, of nothing", UN_ALL, 0, 0);
	w_state(w, "and then");
}

static void alignment(struct world *w)
{
	char *p = mem_anon(4 * PAGE);

	w_map(w, "map", IOVA, p, 4 * PAGE);
	w_unmap(w, "size 0", IOVA, 0);
	w_unmap(w, "size 1", IOVA, 1);
	w_unmap(w, "size 2048", IOVA, 2048);
	w_unmap(w, "size not aligned", IOVA, 4 * PAGE + 1);
	w_unmap(w, "IOVA + 1", IOVA + 1, 4 * PAGE);
	w_unmap(w, "IOVA + 2048", IOVA + 2048, 4 * PAGE);
	w_unmap(w, "wraps around", -PAGE, 2 * PAGE);
	w_unmap(w, "wraps to its beginning", IOVA, -PAGE);
	w_unmap(w, "size 0 where nothing is", IOVA + HUGE, 0);
	w_unmap(w, "the last page of IOVA", -PAGE, PAGE);
	w_state(w, "after that");
	w_dma(w, "it is still there", FIRST, IOVA + 3 * PAGE, p + 3 * PAGE);
	w_unmap(w, "all but the last page", 0, -PAGE);
	w_state(w, "and then");
}

/* Four mappings of two pages, a hole of two pages between each. */
static void map_four(struct world *w, char *p)
{
	unsigned int i;

	w_clear(w);
	for (i = 0; i < 4; i++)
		w_map(w, "map", IOVA + 4 * i * PAGE, p + 2 * i * PAGE, 2 * PAGE);
}

static void ranges(struct world *w)
{
	char *p = mem_anon(8 * PAGE);

	map_four(w, p);
	w_unmap(w, "one, exactly", IOVA + 4 * PAGE, 2 * PAGE);
	w_unmap(w, "again", IOVA + 4 * PAGE, 2 * PAGE);
	w_unmap(w, "where nothing was", IOVA + HUGE, HUGE);
	w_unmap(w, "a hole", IOVA + 2 * PAGE, 2 * PAGE);
	w_unmap(w, "one with the holes about it", IOVA + 6 * PAGE, 6 * PAGE);
	w_state(w, "two left");
	w_unmap(w, "both, and more", IOVA - PAGE, 32 * PAGE);
	w_state(w, "none left");
	map_four(w, p);
	w_unmap(w, "all, from 0", 0, IOVA + HUGE);
	map_four(w, p);
	w_unmap(w, "all, exactly", IOVA, 14 * PAGE);
	w_map(w, "map two side by side", IOVA, p, 2 * PAGE);
	w_map(w, "the other", IOVA + 2 * PAGE, p + 2 * PAGE, 2 * PAGE);
	w_unmap(w, "both as one", IOVA, 4 * PAGE);
	w_state(w, "none left again");
}

static void parts(struct world *w)
{
	char *p = mem_anon(8 * PAGE);

	map_four(w, p);
	w_unmap(w, "the tail of one", IOVA + PAGE, PAGE);
	w_state(w, "then");
	w_dma(w, "its head", FIRST, IOVA, p);
	w_dma(w, "its tail", FIRST, IOVA + PAGE, p + PAGE);
	w_unmap(w, "the head of one", IOVA, PAGE);
	w_state(w, "and then");
	w_dma(w, "its tail afterwards", FIRST, IOVA + PAGE, p + PAGE);
	map_four(w, p);
	w_unmap(w, "from a hole into one", IOVA + 3 * PAGE, 2 * PAGE);
	w_state(w, "from a hole");
	map_four(w, p);
	w_unmap(w, "from one into a hole", IOVA + 5 * PAGE, 2 * PAGE);
	w_state(w, "from one");
	w_unmap(w, "from the tail of one over the next", IOVA + PAGE, 6 * PAGE);
	w_state(w, "from the tail");
	map_four(w, p);
	w_unmap(w, "over one into the head of the next", IOVA, 5 * PAGE);
	w_state(w, "into the head");
	map_four(w, p);
	w_unmap(w, "from tail to head", IOVA + PAGE, 4 * PAGE);
	w_state(w, "tail to head");
	w_dma(w, "the first", FIRST, IOVA, p);
	w_dma(w, "the last", FIRST, IOVA + 13 * PAGE, p + 7 * PAGE);
}

/* A large mapping, of huge pages where it can. */
static void large(struct world *w)
{
	char *p = mem_huge(4 * HUGE);

	memset(p, 1, 4 * HUGE);
	w_map(w, "map", IOVA, p, 4 * HUGE);
	w_state(w, "mapped");
	w_unmap(w, "a page in the middle", IOVA + HUGE, PAGE);
	w_unmap(w, "the second half", IOVA + 2 * HUGE, 2 * HUGE);
	w_unmap(w, "all but the last page", IOVA, 4 * HUGE - PAGE);
	w_state(w, "then");
	w_dma(w, "the first page", FIRST, IOVA, p);
	w_dma(w, "the last page", FIRST, IOVA + 4 * HUGE - PAGE, p + 4 * HUGE - PAGE);
	w_unmap(w, "all", IOVA, 4 * HUGE);
	w_state(w, "and then");
	w_param(w, "disable_hugepages", "Y");
	w_map(w, "map without huge pages", IOVA, p, 4 * HUGE);
	w_state(w, "mapped again");
	w_dma(w, "a page", FIRST, IOVA + HUGE, p + HUGE);
	w_unmap(w, "all again", IOVA, 4 * HUGE);
	w_param(w, "disable_hugepages", "N");
	w_state(w, "in the end");
}

/* What the device sees of mapping and unmapping. */
static void seen_by_device(struct world *w)
{
	char *p = mem_anon(4 * PAGE);

	w_dma(w, "before", FIRST, IOVA, p);
	w_map(w, "map", IOVA, p, PAGE);
	w_dma(w, "mapped", FIRST, IOVA, p);
	w_unmap(w, "unmap", IOVA, PAGE);
	w_dma(w, "unmapped", FIRST, IOVA, p);
	w_map(w, "map another page there", IOVA, p + PAGE, PAGE);
	w_dma(w, "mapped again", FIRST, IOVA, p + PAGE);
	w_dma_read(w, "read", FIRST, IOVA);
	w_unmap_as(w, "unmap ALL", UN_ALL, 0, 0);
	w_dma_read(w, "read what is unmapped", FIRST, IOVA);
	w_map_as(w, "map read-only", READ, IOVA, (uintptr_t)p, PAGE);
	w_dma_read(w, "read what is read-only", FIRST, IOVA);
	w_dma(w, "write what is read-only", FIRST, IOVA, p);
}

const struct scenario unmap_scenarios[] = {
	SCENARIO("S11 type1: UNMAP_DMA, sizes and pointers", sizes),
	SCENARIO("S11 type1: UNMAP_DMA, flags", flags),
	SCENARIO("S11 type1: UNMAP_DMA, alignment and wrapping", alignment),
	SCENARIO("S3 S11 type1: UNMAP_DMA, ranges", ranges),
	SCENARIO("S3 S11 type1: UNMAP_DMA, parts of mappings", parts),
	SCENARIO("S3 R12 type1: UNMAP_DMA, large mappings", large),
	SCENARIO("S1 S6 type1: what the device sees", seen_by_device),
	{ 0 }
};
