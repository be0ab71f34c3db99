// SPDX-License-Identifier: GPL-2.0-only
/*
 * Scenarios: dirty page tracking, of which v1 has nothing. Type1 calls all that
 * is mapped dirty, each time it is asked, as long as there is a device that it
 * can't watch; so what a bitmap says may differ, but not for a page that was
 * written, and no call may.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "world.h"

#define START	VFIO_IOMMU_DIRTY_PAGES_FLAG_START
#define STOP	VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP
#define GET	VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP

#define WORDS	4
#define SIZE	(8 * PAGE)

/* GET_BITMAP's structure, whole. */
struct get {
	uint32_t argsz, flags;
	struct vfio_iommu_type1_dirty_bitmap_get range;
};

/* UNMAP_DMA's with a bitmap. */
struct unmap_get {
	struct vfio_iommu_type1_dma_unmap unmap;
	struct vfio_bitmap bitmap;
};

static void note_words(struct world *w, const char *step, long ret, const uint64_t *words)
{
	char text[32];

	snprintf(text, sizeof(text), "%s", w_result(ret));
	w_note(w, step, "%s, %#llx %#llx %#llx %#llx", text, (unsigned long long)words[0],
	       (unsigned long long)words[1], (unsigned long long)words[2],
	       (unsigned long long)words[3]);
}

static void get_preset(struct world *w, const char *step, uint64_t iova, uint64_t size,
		       uint64_t preset)
{
	uint64_t words[WORDS] = { preset, preset, preset, preset };
	const struct get get = {
		.argsz = sizeof(get), .flags = GET,
		.range = {
			.iova = iova, .size = size,
			.bitmap = { .pgsize = PAGE, .size = sizeof(words), .data = (void *)words },
		},
	};

	note_words(w, step, ioctl(w->fd, VFIO_IOMMU_DIRTY_PAGES, &get), words);
}

static void get(struct world *w, const char *step, uint64_t iova, uint64_t size)
{
	get_preset(w, step, iova, size, 0);
}

/* The same with whatever is wrong. */
static void get_bad(struct world *w, const char *step, uint64_t iova, uint64_t size,
		    uint64_t pgsize, uint64_t bitmap_size, void *data)
{
	const struct get get = {
		.argsz = sizeof(get), .flags = GET,
		.range = {
			.iova = iova, .size = size,
			.bitmap = { .pgsize = pgsize, .size = bitmap_size, .data = data },
		},
	};

	w_call(w, step, VFIO_IOMMU_DIRTY_PAGES, &get);
}

static void of_size(struct world *w, const char *step, uint32_t argsz, uint32_t flags)
{
	uint64_t words[WORDS] = { 0 };
	const struct get get = {
		.argsz = argsz, .flags = flags,
		.range = {
			.iova = IOVA, .size = SIZE,
			.bitmap = { .pgsize = PAGE, .size = sizeof(words), .data = (void *)words },
		},
	};

	w_call(w, step, VFIO_IOMMU_DIRTY_PAGES, &get);
}

static void arguments(struct world *w)
{
	char *edge = (char *)mem_anon(2 * PAGE) + PAGE;
	unsigned int bit;
	char step[64];

	w_map(w, "map", IOVA, mem_anon(SIZE), SIZE);
	w_dirty(w, "no flag", 0);
	w_dirty(w, "START and STOP", START | STOP);
	w_dirty(w, "START and GET", START | GET);
	w_dirty(w, "STOP and GET", STOP | GET);
	w_dirty(w, "all three", START | STOP | GET);
	for (bit = 3; bit < 32; bit++) {
		snprintf(step, sizeof(step), "unknown bit %u", bit);
		w_dirty(w, step, 1u << bit);
	}
	w_dirty(w, "START and an unknown bit", START | 8);
	of_size(w, "START, argsz 0", 0, START);
	of_size(w, "START, argsz 7", 7, START);
	w_dirty(w, "STOP, never started", STOP);
	of_size(w, "GET, never started", sizeof(struct get), GET);
	of_size(w, "START, argsz 8", 8, START);
	w_dirty(w, "START again", START);
	of_size(w, "GET, argsz 8", 8, GET);
	of_size(w, "GET, argsz 24", 24, GET);
	of_size(w, "GET, argsz one short", sizeof(struct get) - 1, GET);
	of_size(w, "GET, argsz as it should be", sizeof(struct get), GET);
	of_size(w, "GET, argsz one more", sizeof(struct get) + 1, GET);
	of_size(w, "STOP, argsz 4096", 4096, STOP);
	w_dirty(w, "STOP again", STOP);
	of_size(w, "GET, stopped", sizeof(struct get), GET);
	w_dirty(w, "START anew", START);
	munmap(edge, PAGE);
	memcpy(edge - 8, (const uint32_t[]){ sizeof(struct get), GET }, 8);
	w_call(w, "GET, its range beyond the edge of memory", VFIO_IOMMU_DIRTY_PAGES, edge - 8);
	w_call(w, "its flags beyond the edge", VFIO_IOMMU_DIRTY_PAGES, edge - 4);
	w_call(w, "no pointer", VFIO_IOMMU_DIRTY_PAGES, NULL);
	w_call(w, "a kernel address", VFIO_IOMMU_DIRTY_PAGES, (void *)(1ul << 63));
}

/* What is refused of a range and its bitmap. Type1 shifts by a page size of 0: not here. */
static void bad_ranges(struct world *w)
{
	const uint64_t max = 0x10000000;
	uint64_t words[WORDS];

	w_map(w, "map", IOVA, mem_anon(SIZE), SIZE);
	get_bad(w, "size 0 before START", IOVA, 0, PAGE, 8, words);
	w_dirty(w, "START", START);
	get_bad(w, "size 0", IOVA, 0, PAGE, 8, words);
	get_bad(w, "size 1", IOVA, 1, PAGE, 8, words);
	get_bad(w, "size not aligned", IOVA, SIZE + 1, PAGE, 8, words);
	get_bad(w, "IOVA not aligned", IOVA + 1, SIZE, PAGE, 8, words);
	get_bad(w, "wraps around", -PAGE, 2 * PAGE, PAGE, 8, words);
	get_bad(w, "the last page of IOVA", -PAGE, PAGE, PAGE, 8, words);
	get_bad(w, "up to the last byte", PAGE, -PAGE, PAGE, max, words);
	get_bad(w, "page size 1", IOVA, SIZE, 1, max, words);
	get_bad(w, "page size 2048", IOVA, SIZE, 2048, 8, words);
	get_bad(w, "page size 8192", IOVA, SIZE, 2 * PAGE, 8, words);
	get_bad(w, "page size 2 MiB", IOVA, SIZE, HUGE, 8, words);
	get_bad(w, "page size 4096 + 8192", IOVA, SIZE, 3 * PAGE, 8, words);
	get_bad(w, "bitmap of 0 bytes", IOVA, SIZE, PAGE, 0, words);
	get_bad(w, "bitmap of 1 byte", IOVA, SIZE, PAGE, 1, words);
	get_bad(w, "bitmap of 7 bytes", IOVA, SIZE, PAGE, 7, words);
	get_bad(w, "bitmap of 8 bytes", IOVA, SIZE, PAGE, 8, words);
	get_bad(w, "bitmap of 8 bytes for 65 pages", IOVA, 65 * PAGE, PAGE, 8, words);
	get_bad(w, "bitmap of 15 bytes for 65 pages", IOVA, 65 * PAGE, PAGE, 15, words);
	get_bad(w, "bitmap of 16 bytes for 65 pages", IOVA, 65 * PAGE, PAGE, 16, words);
	get_bad(w, "the largest bitmap", IOVA, SIZE, PAGE, max, words);
	get_bad(w, "a larger bitmap", IOVA, SIZE, PAGE, max + 1, words);
	get_bad(w, "bitmap at a kernel address", IOVA, SIZE, PAGE, 8, (void *)(1ul << 63));
	get_bad(w, "bitmap where nothing is", IOVA, SIZE, PAGE, 8, (void *)PAGE);
	get_bad(w, "bitmap where nothing is, of no mapping", IOVA + HUGE, SIZE, PAGE, 8,
		(void *)PAGE);
	get(w, "after all that", IOVA, SIZE);
}

static void content(struct world *w)
{
	char *p = mem_anon(SIZE);

	memset(p, 1, SIZE);
	w_map(w, "map", IOVA, p, SIZE);
	w_dma(w, "write page 0 before START", FIRST, IOVA, p);
	w_dirty(w, "START", START);
	get(w, "at first", IOVA, SIZE);
	w_dma(w, "write page 1", FIRST, IOVA + PAGE, p + PAGE);
	w_dma_read(w, "read page 2", FIRST, IOVA + 2 * PAGE);
	get(w, "a page written", IOVA, SIZE);
	get(w, "and again", IOVA, SIZE);
	w_dma(w, "write page 1 again", FIRST, IOVA + PAGE, p + PAGE);
	w_dma(w, "write page 7", FIRST, IOVA + 7 * PAGE, p + 7 * PAGE);
	get(w, "two pages written", IOVA, SIZE);
	w_dirty(w, "STOP", STOP);
	w_dma(w, "write page 3", FIRST, IOVA + 3 * PAGE, p + 3 * PAGE);
	w_dirty(w, "START again", START);
	get(w, "written while stopped", IOVA, SIZE);
	w_state(w, "in the end");
}

/* Read-only mappings can't be written, and writes by the CPU are not the device's. */
static void not_written(struct world *w)
{
	char *p = mem_anon(SIZE);

	memset(p, 1, SIZE);
	w_map_as(w, "map, read-only", READ, IOVA, (uintptr_t)p, SIZE);
	w_dirty(w, "START", START);
	w_dma_read(w, "read", FIRST, IOVA);
	memset(p, 2, SIZE);
	w_dma(w, "write, in vain", FIRST, IOVA + PAGE, p);
	get(w, "then", IOVA, SIZE);
}

/* Three mappings at odd places of the bitmap, bits of the caller's about them. */
static void ranges(struct world *w)
{
	char *p = mem_anon(128 * PAGE);

	memset(p, 1, 128 * PAGE);
	w_map(w, "map 5 pages", IOVA, p, 5 * PAGE);
	w_map(w, "3 pages after them", IOVA + 5 * PAGE, p + 5 * PAGE, 3 * PAGE);
	w_map(w, "70 pages after a hole", IOVA + 20 * PAGE, p + 20 * PAGE, 70 * PAGE);
	w_dirty(w, "START", START);
	get(w, "a hole", IOVA + 10 * PAGE, 5 * PAGE);
	get_preset(w, "a hole, bits set", IOVA + 10 * PAGE, 5 * PAGE, 0xaaaaaaaaaaaaaaaa);
	get(w, "the head of one", IOVA, 4 * PAGE);
	get(w, "the tail of one", IOVA + PAGE, 4 * PAGE);
	get(w, "one and the head of the next", IOVA, 6 * PAGE);
	get(w, "the tail of one and the next", IOVA + PAGE, 7 * PAGE);
	get(w, "from before into one", IOVA - PAGE, 4 * PAGE);
	get(w, "the middle of a large one", IOVA + 30 * PAGE, 10 * PAGE);
	w_dma(w, "write the first", FIRST, IOVA + 4 * PAGE, p + 4 * PAGE);
	w_dma(w, "write the second", FIRST, IOVA + 5 * PAGE, p + 5 * PAGE);
	w_dma(w, "write the third", FIRST, IOVA + 89 * PAGE, p + 89 * PAGE);
	get(w, "the first", IOVA, 5 * PAGE);
	get(w, "the second", IOVA + 5 * PAGE, 3 * PAGE);
	get(w, "the third", IOVA + 20 * PAGE, 70 * PAGE);
	w_dma(w, "write the first again", FIRST, IOVA + 4 * PAGE, p + 4 * PAGE);
	w_dma(w, "write the third again", FIRST, IOVA + 89 * PAGE, p + 89 * PAGE);
	get(w, "all", IOVA, 128 * PAGE);
	w_dma(w, "write the second again", FIRST, IOVA + 5 * PAGE, p + 5 * PAGE);
	get(w, "all, from before", IOVA - 3 * PAGE, 128 * PAGE);
	w_dma(w, "write the third once more", FIRST, IOVA + 20 * PAGE, p + 20 * PAGE);
	get_preset(w, "all, bits set", IOVA, 128 * PAGE, 0xaaaaaaaaaaaaaaaa);
}

static void unmap_get_as(struct world *w, const char *step, uint32_t argsz, uint64_t iova,
			 uint64_t size, const struct vfio_bitmap *bitmap)
{
	struct unmap_get arg = {
		.unmap = { .argsz = argsz, .flags = UN_DIRTY, .iova = iova, .size = size },
		.bitmap = *bitmap,
	};
	int ret = ioctl(w->fd, VFIO_IOMMU_UNMAP_DMA, &arg);

	if (ret && arg.unmap.size == size)
		w_note(w, step, "%s", w_result(ret));
	else
		w_note(w, step, "%s, %#llx bytes", w_result(ret), arg.unmap.size);
}

static void unmap_get(struct world *w, const char *step, uint64_t iova, uint64_t size)
{
	uint64_t words[WORDS] = { 0 };
	const struct vfio_bitmap bitmap = {
		.pgsize = PAGE, .size = sizeof(words), .data = (void *)words,
	};
	char rest[96];

	unmap_get_as(w, step, sizeof(struct unmap_get), iova, size, &bitmap);
	snprintf(rest, sizeof(rest), "%s, bitmap", step);
	note_words(w, rest, 0, words);
}

static void unmap_bad(struct world *w, const char *step, uint64_t pgsize, uint64_t bitmap_size,
		      void *data)
{
	const struct vfio_bitmap bitmap = { .pgsize = pgsize, .size = bitmap_size, .data = data };

	unmap_get_as(w, step, sizeof(struct unmap_get), IOVA, SIZE, &bitmap);
}

static void unmap_refusals(struct world *w)
{
	uint64_t words[WORDS];
	const struct vfio_bitmap good = { .pgsize = PAGE, .size = 8, .data = (void *)words };
	const struct vfio_bitmap none = { .pgsize = PAGE };
	const uint32_t full = sizeof(struct unmap_get);

	w_map(w, "map", IOVA, mem_anon(SIZE), SIZE);
	unmap_get_as(w, "never started", full, IOVA, SIZE, &good);
	unmap_bad(w, "never started, bitmap too small", PAGE, 7, words);
	w_dirty(w, "START", START);
	unmap_get_as(w, "argsz without the bitmap", 24, IOVA, SIZE, &good);
	unmap_get_as(w, "argsz one short", full - 1, IOVA, SIZE, &good);
	unmap_bad(w, "page size 1", 1, 0x10000000, words);
	unmap_bad(w, "page size 2048", 2048, 8, words);
	unmap_bad(w, "page size 8192", 2 * PAGE, 8, words);
	unmap_bad(w, "page size 2 MiB", HUGE, 8, words);
	unmap_bad(w, "bitmap of 0 bytes", PAGE, 0, words);
	unmap_bad(w, "bitmap of 7 bytes", PAGE, 7, words);
	unmap_bad(w, "a larger bitmap than can be", PAGE, 0x10000001, words);
	unmap_bad(w, "bitmap at a kernel address", PAGE, 8, (void *)(1ul << 63));
	unmap_bad(w, "bitmap where nothing is", PAGE, 8, (void *)PAGE);
	w_state(w, "still there");
	unmap_get(w, "size 0", IOVA, 0);
	unmap_get(w, "not aligned", IOVA + 1, SIZE);
	unmap_get(w, "its head", IOVA, PAGE);
	unmap_get(w, "its tail", IOVA + PAGE, SIZE - PAGE);
	unmap_get_as(w, "no bitmap", full, IOVA, SIZE, &none);
	w_state(w, "still there after all");
}

static void unmap_content(struct world *w)
{
	char *p = mem_anon(4 * SIZE);

	memset(p, 1, 4 * SIZE);
	w_map(w, "map", IOVA, p, SIZE);
	w_map(w, "another", IOVA + 2 * SIZE, p + SIZE, SIZE);
	w_dirty(w, "START", START);
	w_dma(w, "write page 2", FIRST, IOVA + 2 * PAGE, p + 2 * PAGE);
	unmap_get(w, "where nothing is", IOVA + HUGE, SIZE);
	unmap_get(w, "the first", IOVA, SIZE);
	unmap_get(w, "once more", IOVA, SIZE);
	w_map(w, "map it again", IOVA, p, SIZE);
	w_dma(w, "write page 3", FIRST, IOVA + 3 * PAGE, p + 3 * PAGE);
	w_dma(w, "write page 0 of the other", FIRST, IOVA + 2 * SIZE, p + SIZE);
	unmap_get(w, "both", IOVA, 3 * SIZE);
	w_state(w, "unmapped");
	w_map(w, "map a third time", IOVA, p, SIZE);
	w_dma(w, "write page 4", FIRST, IOVA + 4 * PAGE, p + 4 * PAGE);
	w_unmap(w, "unmap without bitmap", IOVA, SIZE);
	get(w, "what was unmapped", IOVA, SIZE);
}

/* Mappings and groups that come and go while pages are tracked. */
static void meanwhile(struct world *w)
{
	char *p = mem_anon(SIZE);

	memset(p, 1, SIZE);
	w_dirty(w, "START with nothing mapped", START);
	get(w, "nothing mapped", IOVA, SIZE);
	w_map(w, "map", IOVA, p, SIZE);
	w_dma(w, "write page 1", FIRST, IOVA + PAGE, p + PAGE);
	get(w, "mapped since", IOVA, SIZE);
	w_join(w, "a group joins", NEXT);
	w_dma(w, "it writes page 2", NEXT, IOVA + 2 * PAGE, p + 2 * PAGE);
	get(w, "written by it", IOVA, SIZE);
	w_join(w, "a group of another IOMMU joins", OTHER);
	w_dma(w, "it writes page 3", OTHER, IOVA + 3 * PAGE, p + 3 * PAGE);
	w_dma(w, "the first writes page 4", FIRST, IOVA + 4 * PAGE, p + 4 * PAGE);
	get(w, "written by both", IOVA, SIZE);
	w_dma(w, "the other one writes page 5", OTHER, IOVA + 5 * PAGE, p + 5 * PAGE);
	w_leave(w, "the other one leaves", OTHER);
	get(w, "written by one that left", IOVA, SIZE);
	w_unmap_as(w, "take the address", UN_VADDR, IOVA, SIZE);
	get(w, "without address", IOVA, SIZE);
	w_map_as(w, "give it back", VADDR, IOVA, (uintptr_t)p, SIZE);
	w_leave(w, "the next leaves", NEXT);
	w_leave(w, "all leave", FIRST);
	w_join(w, "one comes back", FIRST);
	w_set_iommu(w, "SET_IOMMU", w->setup->version);
	get(w, "no longer started", IOVA, SIZE);
}

const struct scenario dirty_scenarios[] = {
	SCENARIO("R13 type1: dirty pages, arguments", arguments),
	SCENARIO("R13 type1: dirty pages, bad ranges", bad_ranges),
	SCENARIO("R13 type1: dirty pages, what is dirty", content),
	SCENARIO("R13 type1: dirty pages, what is not", not_written),
	SCENARIO("R13 type1: dirty pages, ranges", ranges),
	SCENARIO("R13 type1: dirty pages, refused with UNMAP_DMA", unmap_refusals),
	SCENARIO("R13 type1: dirty pages, with UNMAP_DMA", unmap_content),
	SCENARIO("R13 type1: dirty pages, things that come and go", meanwhile),
	{ 0 }
};
