// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nothing is pinned: not by the counters of the process, not by its limit, not
 * by references on its pages. Where it can be, the kernel's own type1 is shown
 * beside it to fail the same check.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "locking.h"
#include "rig.h"

#ifndef MADV_SOFT_OFFLINE
#define MADV_SOFT_OFFLINE	101
#endif

#define SIZE	(4 * HUGE)
#define TIB	(1ull << 40)

static void assert_nothing_locked(void)
{
	assert_int_equal(status_kb("VmPin"), 0);
	assert_int_equal(status_kb("VmLck"), 0);
}

static void no_memlock_needed(void)
{
	char bdfs[MAX_DEVICES][16];
	const char *bdf = bdfs[0];
	struct viopf_container *type1;
	struct rig rig;
	char *p;

	limit_locking(0);
	devices_list(bdfs);
	p = mem_anon(SIZE);
	assert_ok(viopf_container_open(&type1, &bdf, 1, VFIO_TYPE1v2_IOMMU));
	assert_int_equal(viopf_map(type1, p, IOVA_BASE, SIZE, VIOPF_READ | VIOPF_WRITE), -ENOMEM);
	viopf_container_close(type1);

	rig_open(&rig, 1);
	rig_map(&rig, p, IOVA_BASE, SIZE);
	assert_nothing_locked();
	dev_fill(&rig, IOVA_BASE, SIZE, 1);
	assert_nothing_locked();
	cpu_check(p, SIZE, 1);
	dev_check(&rig, IOVA_BASE, SIZE, 1);
	assert_true(rig_stats(&rig).resident_pages >= SIZE / PAGE);
	assert_nothing_locked();
	rig_close(&rig);
}

static void type1_does_lock(void)
{
	struct rig rig;
	char *p;

	rig_open_as(&rig, 0, 1, VFIO_TYPE1v2_IOMMU);
	p = mem_anon(SIZE);
	rig_map(&rig, p, IOVA_BASE, SIZE);
	assert_true(status_kb("VmPin") + status_kb("VmLck") >= (long)(SIZE / 1024));
	dev_fill(&rig, IOVA_BASE, SIZE, 1);
	cpu_check(p, SIZE, 1);
	assert_int_not_equal(collapse(p), 0);
	rig_close(&rig);
}

/* Collapse moves every page, and does so only if nobody else holds it. */
static void no_references(void)
{
	uint64_t pfn;
	struct rig rig;
	char *p;

	rig_open(&rig, 1);
	p = mem_anon(2 * HUGE);
	rig_map(&rig, p, IOVA_BASE, 2 * HUGE);
	dev_fill(&rig, IOVA_BASE, 2 * HUGE, 3);
	assert_int_equal(page_mapcount(p), 1);
	pfn = page_pfn(p + PAGE);
	assert_ok(madvise(p, 2 * HUGE, MADV_HUGEPAGE));
	assert_int_equal(collapse(p), 0);
	assert_int_equal(collapse(p + HUGE), 0);
	assert_true(page_pfn(p + PAGE) != pfn);
	dev_check(&rig, IOVA_BASE, 2 * HUGE, 3);
	cpu_check(p, 2 * HUGE, 3);
	rig_close(&rig);
}

/* Soft offlining migrates one page, which a reference forbids. */
static void single_page_moves(void)
{
	struct vfio_iopf_stats before;
	struct rig rig;
	uint64_t pfn;
	char *p;

	rig_open(&rig, 1);
	p = mem_anon(4 * PAGE);
	rig_map(&rig, p, IOVA_BASE, 4 * PAGE);
	dev_fill(&rig, IOVA_BASE, 4 * PAGE, 4);
	pfn = page_pfn(p + PAGE);
	before = rig_stats(&rig);
	if (madvise(p + PAGE, PAGE, MADV_SOFT_OFFLINE) && errno == EINVAL)
		skip_because("this kernel has no memory failure handling");
	assert_true(page_pfn(p + PAGE) != pfn);
	assert_grew(&rig, before, pages_evicted, 1);
	dev_check(&rig, IOVA_BASE, 4 * PAGE, 4);
	assert_grew(&rig, before, pages_mapped, 1);
	rig_close(&rig);
}

static void map_is_free(void)
{
	long rss, anon, slab, tables;
	struct rig rig;
	double start;
	char *p;

	rig_open(&rig, 1);
	p = mmap(NULL, TIB, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	assert_true(p != MAP_FAILED);
	rss = status_kb("VmRSS");
	tables = status_kb("VmPTE");
	anon = meminfo_kb("AnonPages");
	slab = meminfo_kb("Slab");
	start = now_s();
	rig_map(&rig, p, IOVA_BASE, TIB);
	assert_at_once(start);
	assert_int_equal(rig_stats(&rig).segments, 1);	/* of the rings */
	assert_true(status_kb("VmRSS") - rss < 512);
	assert_true(status_kb("VmPTE") - tables < 64);
	assert_true(meminfo_kb("AnonPages") - anon < 4096);
	assert_true(meminfo_kb("Slab") - slab < 4096);
	assert_nothing_locked();

	dev_fill(&rig, IOVA_BASE, 2 * PAGE, 5);
	dev_fill(&rig, IOVA_BASE + TIB / 2, 2 * PAGE, 6);
	dev_fill(&rig, IOVA_BASE + TIB - 2 * PAGE, 2 * PAGE, 7);
	cpu_check(p + TIB / 2, 2 * PAGE, 6);
	cpu_check(p + TIB - 2 * PAGE, 2 * PAGE, 7);
	assert_int_equal(rig_stats(&rig).segments, 4);
	assert_true(status_kb("VmRSS") - rss < 16384);

	start = now_s();
	assert_ok(viopf_unmap(rig.c, IOVA_BASE, TIB, NULL));
	assert_at_once(start);
	assert_int_equal(rig_stats(&rig).segments, 1);
	rig_close(&rig);
}

/* The cost of a mapping does not depend on its size. */
static void map_is_constant(void)
{
	struct vfio_iopf_stats before;
	struct rig rig;
	uint64_t size;
	char *p;

	rig_open(&rig, 1);
	p = mmap(NULL, TIB, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	assert_true(p != MAP_FAILED);
	before = rig_stats(&rig);
	for (size = PAGE; size <= TIB; size *= 16) {
		uint64_t maps = softiommu_stat("map_calls"), tables = softiommu_stat("table_pages");

		rig_map(&rig, p, IOVA_BASE, size);
		assert_int_equal(softiommu_stat("map_calls"), maps);
		assert_int_equal(softiommu_stat("table_pages"), tables);
		assert_grew(&rig, before, segments, 0);
		assert_ok(viopf_unmap(rig.c, IOVA_BASE, size, NULL));
	}
	rig_close(&rig);
}

static const struct suite_case cases[] = {
	CASE("S5 S11 DMA with a locked-memory limit of 0", no_memlock_needed),
	CASE("S5 type1 locks and holds, beside it", type1_does_lock),
	CASE("S5 no reference stays on a page after its fault", no_references),
	CASE("S5 S1 a page the device uses is migrated", single_page_moves, .iopf = EXACT),
	CASE("S11 1 TiB is mapped in no time and no memory", map_is_free, .iopf = EXACT),
	CASE("S11 mapping costs the same whatever its size", map_is_constant, .iopf = EXACT),
};

int main(int argc, char **argv)
{
	return SUITE(cases, argc, argv);
}
