// SPDX-License-Identifier: GPL-2.0-only
/*
 * Demand paging off and on again: mappings are pinned as type1 pins them, charged
 * and given back to the page, and devices notice nothing.
 *
 * LANES: stock intel uml-debug
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "load.h"
#include "locking.h"
#include "rig.h"

#define NR_PAGES	64
#define SIZE		(NR_PAGES * PAGE)
#define SIZE_KB		((long)(SIZE / 1024))
#define IOVA_SINK	0x800000000ull

/* The rig's rings are pinned too. */
static long locked_kb(void)
{
	return status_kb("VmLck");
}

static void off_and_on(void)
{
	struct vfio_iopf_stats before;
	long rings_kb;
	struct rig rig;
	char *p;

	rig_open(&rig, 1);
	assert_ok(viopf_disable(rig.c));
	rings_kb = locked_kb();
	assert_true(rings_kb > 0);
	assert_ok(viopf_enable(rig.c));
	assert_int_equal(locked_kb(), 0);

	p = mem_anon(SIZE);
	rig_map(&rig, p, IOVA_BASE, SIZE);
	dev_fill(&rig, IOVA_BASE, SIZE / 2, 1);
	assert_ok(viopf_disable(rig.c));
	assert_int_equal(locked_kb(), rings_kb + SIZE_KB);
	verify_residency();

	before = rig_stats(&rig);
	assert_false(before.flags & VFIO_IOPF_STATS_ENABLED);
	cpu_check(p, SIZE / 2, 1);
	dev_check(&rig, IOVA_BASE, SIZE / 2, 1);
	dev_fill(&rig, IOVA_BASE, SIZE, 2);
	assert_grew(&rig, before, groups, 0);
	cpu_check(p, SIZE, 2);

	/* Pinned memory stays the device's, whatever the mm does: as type1. */
	assert_ok(madvise(p, SIZE, MADV_PAGEOUT));
	assert_grew(&rig, before, pages_evicted, 0);

	assert_ok(viopf_enable(rig.c));
	assert_int_equal(locked_kb(), 0);
	assert_int_equal(rig_stats(&rig).resident_pages, 0);
	assert_true(rig_stats(&rig).flags & VFIO_IOPF_STATS_ENABLED);
	dev_check(&rig, IOVA_BASE, SIZE, 2);
	assert_ok(madvise(p, SIZE, MADV_DONTNEED));
	dev_fill(&rig, IOVA_BASE, SIZE, 3);
	cpu_check(p, SIZE, 3);
	rig_close(&rig);
}

/* No reference is left: the kernel can make a huge page of what was pinned. */
static void no_references_left(void)
{
	struct rig rig;
	char *p;

	rig_open(&rig, 1);
	p = mem_anon(HUGE);
	assert_ok(madvise(p, HUGE, MADV_NOHUGEPAGE));
	rig_map(&rig, p, IOVA_BASE, HUGE);
	dev_fill(&rig, IOVA_BASE, HUGE, 1);
	assert_ok(viopf_disable(rig.c));
	assert_ok(madvise(p, HUGE, MADV_HUGEPAGE));
	assert_int_not_equal(collapse(p), 0);
	assert_ok(viopf_enable(rig.c));
	assert_int_equal(collapse(p), 0);
	dev_check(&rig, IOVA_BASE, HUGE, 1);
	rig_close(&rig);
}

static void map_while_off(void)
{
	long rings_kb;
	struct rig rig;
	char *p;

	rig_open(&rig, 1);
	assert_ok(viopf_disable(rig.c));
	rings_kb = locked_kb();
	p = mem_anon(SIZE);
	rig_map(&rig, p, IOVA_BASE, SIZE);
	assert_int_equal(locked_kb(), rings_kb + SIZE_KB);
	dev_fill(&rig, IOVA_BASE, SIZE, 1);
	cpu_check(p, SIZE, 1);
	assert_ok(viopf_unmap(rig.c, IOVA_BASE, SIZE, NULL));
	assert_int_equal(locked_kb(), rings_kb);
	dev_read(&rig, IOVA_BASE, PAGE, SOFTDMA_FAULT_INVALID);

	/* Closed while pinned: all is given back. */
	rig_map(&rig, p, IOVA_BASE, SIZE);
	rig_close(&rig);
	assert_int_equal(locked_kb(), 0);
}

static void huge_pages(void)
{
	struct vfio_iopf_stats before;
	struct rig rig;
	char *p;

	p = rig_open_anon(&rig, 4 * HUGE);
	sdma_pattern_fill(p, 4 * HUGE, 1, 0);
	assert_ok(madvise(p, 4 * HUGE, MADV_HUGEPAGE));
	assert_int_equal(collapse(p + HUGE), 0);
	before = rig_stats(&rig);
	assert_ok(viopf_disable(rig.c));
	assert_true(rig_stats(&rig).huge_mapped > before.huge_mapped);
	verify_residency();
	dev_check(&rig, IOVA_BASE, 4 * HUGE, 1);
	assert_ok(viopf_enable(rig.c));
	dev_check(&rig, IOVA_BASE, 4 * HUGE, 1);
	rig_close(&rig);
}

/* What can't be pinned leaves all as it was. */
static void over_the_limit(void)
{
	struct rig rig;
	char *p;

	limit_locking(SIZE / 2);
	p = rig_open_anon(&rig, SIZE);
	dev_fill(&rig, IOVA_BASE, SIZE, 1);
	assert_int_equal(viopf_disable(rig.c), -ENOMEM);
	assert_int_equal(locked_kb(), 0);
	assert_true(rig_stats(&rig).flags & VFIO_IOPF_STATS_ENABLED);
	dev_check(&rig, IOVA_BASE, SIZE, 1);
	assert_ok(madvise(p, SIZE, MADV_DONTNEED));
	dev_fill(&rig, IOVA_BASE, SIZE, 2);
	cpu_check(p, SIZE, 2);
	rig_close(&rig);
}

static void not_memory(void)
{
	struct rig rig;
	char *p;

	rig_open(&rig, 1);
	p = mem_anon(2 * SIZE);
	rig_map(&rig, p, IOVA_BASE, SIZE);
	rig_map(&rig, p + SIZE, IOVA_BASE + HUGE, SIZE);
	assert_ok(munmap(p + SIZE + SIZE / 2, PAGE));
	assert_int_equal(viopf_disable(rig.c), -EFAULT);
	assert_int_equal(locked_kb(), 0);
	dev_fill(&rig, IOVA_BASE, SIZE, 1);
	cpu_check(p, SIZE, 1);

	assert_ok(viopf_unmap(rig.c, IOVA_BASE + HUGE, SIZE, NULL));
	assert_ok(viopf_disable(rig.c));
	assert_int_equal(viopf_map(rig.c, p + SIZE, IOVA_BASE + HUGE, SIZE,
				   VIOPF_READ | VIOPF_WRITE), -EFAULT);
	dev_read(&rig, IOVA_BASE + HUGE, PAGE, SOFTDMA_FAULT_INVALID);
	dev_check(&rig, IOVA_BASE, SIZE, 1);
	rig_close(&rig);
}

static void during_dma(void)
{
	struct load reader, writer;
	unsigned int i;
	struct rig rig;
	char *p;

	rig_open(&rig, 1);
	rig_start_queue(&rig, 0, 1);
	p = mem_anon(2 * SIZE);
	rig_map(&rig, p, IOVA_BASE, 2 * SIZE);
	sdma_pattern_fill(p, SIZE, 7, 0);
	reader = (struct load) {
		.rig = &rig, .queue = 0, .kind = LOAD_CHECK, .p = p,
		.iova = IOVA_BASE, .size = SIZE, .seed = 7,
	};
	writer = (struct load) {
		.rig = &rig, .queue = 1, .kind = LOAD_WRITE, .p = p + SIZE,
		.iova = IOVA_BASE + SIZE, .size = SIZE,
	};
	load_start(&reader, IOVA_SINK);
	load_start(&writer, IOVA_SINK);
	for (i = 0; i < rounds(30); i++) {
		assert_ok(viopf_disable(rig.c));
		load_progress(&writer, 1);
		assert_ok(viopf_enable(rig.c));
		load_progress(&reader, 1);
	}
	load_stop(&reader);
	load_stop(&writer);
	assert_int_equal(locked_kb(), 0);
	rig_close(&rig);
}

/* A device behind another IOMMU comes while all is pinned, and goes again. */
static void second_domain_while_off(void)
{
	struct softdma_desc check = sdma_check(IOVA_BASE, SIZE, 1, 0);
	struct vfio_iopf_stats before;
	char bdfs[MAX_DEVICES][16];
	struct rig rig;

	devices_list(bdfs);
	rig_open_anon(&rig, SIZE);
	assert_ok(viopf_disable(rig.c));
	before = rig_stats(&rig);
	dev_fill(&rig, IOVA_BASE, SIZE, 1);

	assert_ok(viopf_group_add(rig.c, bdfs[1]));
	verify_residency();
	assert_ok(viopf_device_open(rig.c, bdfs[1], &rig.dev[1]));
	assert_ok(sdma_open(&rig.dma[1], rig.dev[1]));
	rig_start_queue(&rig, 1, 0);
	assert_int_equal(sdma_do(&rig.dma[1].q[0], &check, DMA_LIMIT_MS), SOFTDMA_OK);
	assert_int_equal(check.result, 0);
	viopf_device_close(rig.dev[1]);
	assert_ok(viopf_group_remove(rig.c, bdfs[1]));
	verify_residency();

	dev_check(&rig, IOVA_BASE, SIZE, 1);
	assert_grew(&rig, before, groups, 0);
	rig_close(&rig);
}

static const struct suite_case cases[] = {
	CASE("R11 S10 S5 off and on again", off_and_on, .iopf = EXACT),
	CASE("R11 S5 no reference is left", no_references_left, .iopf = EXACT),
	CASE("R11 mapping while it is off", map_while_off, .iopf = EXACT),
	CASE("R11 huge pages stay whole", huge_pages),
	CASE("R11 beyond the locked-memory limit nothing changes", over_the_limit,
	     .iopf = EXACT),
	CASE("R11 what is not memory can't be pinned", not_memory, .iopf = EXACT),
	CASE("R11 off and on during DMA", during_dma),
	CASE("R11 S8 another domain while it is off", second_domain_while_off,
	     TWO_IOMMUS),
};

int main(int argc, char **argv)
{
	return SUITE(cases, argc, argv);
}
