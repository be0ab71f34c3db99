// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which mappings are pinned: devices that can't take page faults beside devices that
 * can, the flags of a mapping, and clients that know type1 alone.
 *
 * LANES: stock intel uml-debug
 */
#include <errno.h>
#include <linux/vfio.h>
#include <string.h>
#include <sys/mman.h>

#include "load.h"
#include "locking.h"
#include "rig.h"

#define NR_PAGES	64
#define SIZE		(NR_PAGES * PAGE)
#define SIZE_KB		((long)(SIZE / 1024))
#define IOVA_2		(IOVA_BASE + HUGE)
#define IOVA_SINK	0x800000000ull
#define BOTH		(VIOPF_READ | VIOPF_WRITE)

/* The device without PRI ("nofault=1"), and one that has it. */
#define NOFAULT		(hardware_is_soft() ? 0 : INTEL_NOFAULT)
#define FAULTING	(hardware_is_soft() ? 1 : 0)

static long locked_kb(void)
{
	return status_kb("VmLck");
}

/* The device that can't fault joins and leaves the rig's container. */
static void add_nofault(struct rig *rig)
{
	char bdfs[MAX_DEVICES][16];

	devices_list(bdfs);
	assert_ok(viopf_group_add(rig->c, bdfs[NOFAULT]));
	assert_ok(viopf_device_open(rig->c, bdfs[NOFAULT], &rig->dev[1]));
	assert_ok(sdma_open(&rig->dma[1], rig->dev[1]));
	rig_start_queue(rig, 1, 0);
}

static void remove_nofault(struct rig *rig)
{
	char bdfs[MAX_DEVICES][16];

	devices_list(bdfs);
	viopf_device_close(rig->dev[1]);
	assert_ok(viopf_group_remove(rig->c, bdfs[NOFAULT]));
}

/* By the device that can't fault: done, without a page request. */
static void nofault_check(struct rig *rig, uint64_t iova, uint64_t seed)
{
	struct softdma_desc check = sdma_check(iova, SIZE, seed, 0);

	assert_int_equal(sdma_do(&rig->dma[1].q[0], &check, DMA_LIMIT_MS), SOFTDMA_OK);
	assert_int_equal(check.result, 0);
	assert_int_equal(check.faults, 0);
}

static uint32_t info_flags(struct rig *rig)
{
	struct viopf_info info;

	assert_ok(viopf_get_info(rig->c, &info));
	assert_true(info.has_iopf);
	return info.iopf.flags;
}

/* Alone it gets what type1 gives it. */
static void nofault_alone(void)
{
	long rings_kb;
	struct rig rig;
	char *p;

	rig_open_as(&rig, NOFAULT, 1, VFIO_IOPF_IOMMU);
	rings_kb = locked_kb();
	assert_true(rings_kb > 0);
	assert_true(info_flags(&rig) & VFIO_IOPF_INFO_MUST_PIN);
	p = mem_anon(SIZE);
	rig_map(&rig, p, IOVA_BASE, SIZE);
	assert_int_equal(locked_kb(), rings_kb + SIZE_KB);
	assert_int_equal(rig_stats(&rig).pinned_pages, (rings_kb + SIZE_KB) / 4);
	dev_fill(&rig, IOVA_BASE, SIZE, 1);
	cpu_check(p, SIZE, 1);
	assert_ok(madvise(p, SIZE, MADV_PAGEOUT));
	dev_check(&rig, IOVA_BASE, SIZE, 1);
	assert_int_equal(rig_stats(&rig).groups, 0);
	assert_ok(viopf_unmap(rig.c, IOVA_BASE, SIZE, NULL));
	assert_int_equal(locked_kb(), rings_kb);
	assert_int_equal(viopf_map(rig.c, NULL, IOVA_BASE, SIZE, BOTH), -EFAULT);
	rig_close(&rig);
	assert_int_equal(locked_kb(), 0);
}

/* It comes to a container that pages on demand, and goes again. */
static void nofault_joins(void)
{
	struct vfio_iopf_stats before;
	struct rig rig;
	char *p;

	rig_open_as(&rig, FAULTING, 1, VFIO_IOPF_IOMMU);
	p = mem_anon(2 * SIZE);
	sdma_pattern_fill(p, SIZE, 7, 0);
	rig_map(&rig, p, IOVA_BASE, SIZE);
	dev_check(&rig, IOVA_BASE, SIZE / 2, 7);
	assert_int_equal(locked_kb(), 0);
	assert_false(info_flags(&rig) & VFIO_IOPF_INFO_MUST_PIN);

	add_nofault(&rig);
	assert_true(info_flags(&rig) & VFIO_IOPF_INFO_MUST_PIN);
	assert_true(locked_kb() >= SIZE_KB);
	nofault_check(&rig, IOVA_BASE, 7);
	verify_residency();
	assert_ok(madvise(p, SIZE, MADV_PAGEOUT));
	nofault_check(&rig, IOVA_BASE, 7);
	rig_map(&rig, p + SIZE, IOVA_2, SIZE);
	dev_fill(&rig, IOVA_2, SIZE, 8);
	nofault_check(&rig, IOVA_2, 8);

	remove_nofault(&rig);
	assert_int_equal(locked_kb(), 0);
	assert_int_equal(rig_stats(&rig).pinned_pages, 0);
	assert_int_equal(rig_stats(&rig).resident_pages, 0);
	/* The ring is faulted in again, too. */
	dev_check(&rig, IOVA_BASE, PAGE, 7);
	before = rig_stats(&rig);
	dev_check(&rig, IOVA_BASE, SIZE, 7);
	assert_grew(&rig, before, groups, NR_PAGES - 1);
	assert_ok(madvise(p, SIZE, MADV_DONTNEED));
	dev_fill(&rig, IOVA_BASE, SIZE, 9);
	cpu_check(p, SIZE, 9);
	cpu_check(p + SIZE, SIZE, 8);
	rig_close(&rig);
}

/* What can't be pinned keeps it out, and nothing else changes. */
static void nofault_kept_out(void)
{
	char bdfs[MAX_DEVICES][16];
	struct rig rig;
	char *p;

	devices_list(bdfs);
	rig_open_as(&rig, FAULTING, 1, VFIO_IOPF_IOMMU);
	p = mem_anon(2 * SIZE);
	rig_map(&rig, p, IOVA_BASE, SIZE);
	rig_map(&rig, p + SIZE, IOVA_2, SIZE);
	assert_ok(munmap(p + SIZE + PAGE, PAGE));
	dev_fill(&rig, IOVA_BASE, SIZE, 1);
	assert_int_equal(viopf_group_add(rig.c, bdfs[NOFAULT]), -EFAULT);
	assert_int_equal(locked_kb(), 0);
	assert_int_equal(rig_stats(&rig).pinned_pages, 0);
	assert_false(info_flags(&rig) & VFIO_IOPF_INFO_MUST_PIN);
	dev_check(&rig, IOVA_BASE, SIZE, 1);
	assert_ok(madvise(p, SIZE, MADV_DONTNEED));
	dev_fill(&rig, IOVA_BASE, SIZE, 2);
	cpu_check(p, SIZE, 2);

	assert_ok(viopf_unmap(rig.c, IOVA_2, SIZE, NULL));
	add_nofault(&rig);
	nofault_check(&rig, IOVA_BASE, 2);
	remove_nofault(&rig);
	assert_int_equal(locked_kb(), 0);
	rig_close(&rig);
}

/* Back and forth while the other device is at work. */
static void nofault_during_dma(void)
{
	struct load reader, writer;
	unsigned int i;
	struct rig rig;
	char *p;

	rig_open_as(&rig, FAULTING, 1, VFIO_IOPF_IOMMU);
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
	for (i = 0; i < 10; i++) {
		add_nofault(&rig);
		nofault_check(&rig, IOVA_BASE, 7);
		load_progress(&writer, 1);
		remove_nofault(&rig);
		load_progress(&reader, 1);
	}
	load_stop(&reader);
	load_stop(&writer);
	assert_int_equal(locked_kb(), 0);
	rig_close(&rig);
}

/* A mapping that says what it is stays so. */
static void flags(void)
{
	struct vfio_iopf_stats before;
	struct rig rig;
	char *p;

	rig_open(&rig, 1);
	p = mem_anon(2 * SIZE);
	assert_int_equal(viopf_map(rig.c, p, IOVA_BASE, SIZE,
				   BOTH | VIOPF_PINNED | VIOPF_FAULTABLE), -EINVAL);
	assert_ok(viopf_map(rig.c, p, IOVA_BASE, SIZE, BOTH | VIOPF_PINNED));
	assert_ok(viopf_map(rig.c, p + SIZE, IOVA_2, SIZE, BOTH | VIOPF_FAULTABLE));
	assert_int_equal(locked_kb(), SIZE_KB);
	before = rig_stats(&rig);
	dev_fill(&rig, IOVA_BASE, SIZE, 1);
	assert_grew(&rig, before, groups, 0);
	assert_ok(madvise(p, SIZE, MADV_PAGEOUT));
	dev_check(&rig, IOVA_BASE, SIZE, 1);
	assert_grew(&rig, before, groups, 0);
	dev_fill(&rig, IOVA_2, SIZE, 2);
	assert_grew(&rig, before, groups, NR_PAGES);

	/* All but the one that is faultable of itself. */
	assert_ok(viopf_disable(rig.c));
	assert_true(locked_kb() > SIZE_KB);
	assert_int_equal(rig_stats(&rig).pinned_pages, locked_kb() / 4);
	assert_ok(madvise(p + SIZE, SIZE, MADV_DONTNEED));
	dev_fill(&rig, IOVA_2, SIZE, 3);
	cpu_check(p + SIZE, SIZE, 3);
	assert_ok(viopf_enable(rig.c));
	assert_int_equal(locked_kb(), SIZE_KB);
	cpu_check(p, SIZE, 1);
	assert_ok(viopf_unmap_all(rig.c, NULL));
	assert_int_equal(locked_kb(), 0);
	rig_close(&rig);
}

/* In a container with a device that can't fault, what it is kept from stays faultable. */
static void selective(void)
{
	struct softdma_desc sum = sdma_checksum(IOVA_2, PAGE, 0);
	struct rig rig;
	long before_kb;
	char *p;

	rig_open_as(&rig, FAULTING, 1, VFIO_IOPF_IOMMU);
	p = mem_anon(2 * SIZE);
	sdma_pattern_fill(p, SIZE, 1, 0);
	assert_ok(viopf_map(rig.c, p, IOVA_BASE, SIZE, BOTH));
	assert_ok(viopf_map(rig.c, p + SIZE, IOVA_2, SIZE, BOTH | VIOPF_FAULTABLE));
	add_nofault(&rig);
	before_kb = locked_kb();
	nofault_check(&rig, IOVA_BASE, 1);
	/* It reaches what happens to be resident, and can't ask for what is not. */
	assert_int_equal(sdma_do(&rig.dma[1].q[0], &sum, DMA_LIMIT_MS), SOFTDMA_FAULT_INVALID);
	dev_fill(&rig, IOVA_2, SIZE, 2);
	assert_int_equal(sdma_do(&rig.dma[1].q[0], &sum, DMA_LIMIT_MS), SOFTDMA_OK);
	assert_ok(madvise(p + SIZE, SIZE, MADV_DONTNEED));
	dev_fill(&rig, IOVA_2, SIZE, 3);
	cpu_check(p + SIZE, SIZE, 3);
	assert_int_equal(locked_kb(), before_kb);
	remove_nofault(&rig);
	rig_close(&rig);
}

/* A client of type1 gets demand paging, and what type1 would do with its unmaps. */
static void taken_over(void)
{
	unsigned long extension = *(const unsigned long *)case_arg();
	int v2 = extension == VFIO_TYPE1v2_IOMMU;
	uint64_t unmapped = 0;
	struct rig rig;
	char *p;

	rig_open_as(&rig, 0, 1, extension);
	p = mem_anon(SIZE);
	rig_map(&rig, p, IOVA_BASE, SIZE);
	dev_fill(&rig, IOVA_BASE, SIZE, 1);
	cpu_check(p, SIZE, 1);
	assert_int_equal(rig_stats(&rig).resp_invalid, 0);
	assert_true(rig_stats(&rig).faults >= NR_PAGES);
	assert_int_equal(locked_kb(), 0);

	assert_int_equal(viopf_unmap(rig.c, IOVA_BASE + PAGE, PAGE, &unmapped),
			 v2 ? -EINVAL : 0);
	assert_int_equal(unmapped, 0);
	dev_check(&rig, IOVA_BASE, SIZE, 1);
	assert_int_equal(viopf_unmap(rig.c, IOVA_BASE, PAGE, &unmapped), v2 ? -EINVAL : 0);
	assert_int_equal(unmapped, v2 ? 0 : SIZE);
	dev_read(&rig, IOVA_BASE + PAGE, PAGE, v2 ? SOFTDMA_OK : SOFTDMA_FAULT_INVALID);
	rig_close(&rig);
}

static void taken_over_nofault(void)
{
	struct vfio_iopf_stats before;
	struct rig rig;
	char *p;

	rig_open_as(&rig, FAULTING, 1, VFIO_TYPE1v2_IOMMU);
	add_nofault(&rig);
	p = mem_anon(SIZE);
	rig_map(&rig, p, IOVA_BASE, SIZE);
	assert_true(locked_kb() >= SIZE_KB);
	before = rig_stats(&rig);
	dev_fill(&rig, IOVA_BASE, SIZE, 1);
	nofault_check(&rig, IOVA_BASE, 1);
	assert_grew(&rig, before, groups, 0);
	remove_nofault(&rig);
	rig_close(&rig);
	assert_int_equal(locked_kb(), 0);
}

/* An IOMMU is asked for coherency while nothing is mapped in the new domain. */
static void coherent(void)
{
	struct rig rig;
	char *p;

	rig_open_as(&rig, FAULTING, 1, VFIO_IOPF_IOMMU);
	assert_int_equal(viopf_check_extension(rig.c, VFIO_DMA_CC_IOMMU), 1);
	p = mem_anon(SIZE);
	sdma_pattern_fill(p, SIZE, 7, 0);
	assert_ok(viopf_map(rig.c, p, IOVA_BASE, SIZE, BOTH | VIOPF_PINNED));
	add_nofault(&rig);
	assert_int_equal(viopf_check_extension(rig.c, VFIO_DMA_CC_IOMMU), 1);
	nofault_check(&rig, IOVA_BASE, 7);
	remove_nofault(&rig);
	assert_int_equal(viopf_check_extension(rig.c, VFIO_DMA_CC_IOMMU), 1);
	rig_close(&rig);
}

/* Without takeover type1's containers are type1's, and ours are ours. */
static void side_by_side(void)
{
	struct vfio_iopf_stats stats;
	struct rig ours, type1;
	char *p = mem_anon(SIZE);

	rig_open_as(&ours, 0, 1, VFIO_IOPF_IOMMU);
	rig_open_as(&type1, 1, 1, VFIO_TYPE1v2_IOMMU);
	rig_map(&ours, p, IOVA_BASE, SIZE);
	rig_map(&type1, p, IOVA_BASE, SIZE);
	assert_true(locked_kb() >= SIZE_KB);
	assert_int_equal(viopf_stats(type1.c, &stats), -ENOTTY);
	dev_fill(&ours, IOVA_BASE, SIZE, 4);
	dev_check(&type1, IOVA_BASE, SIZE, 4);
	rig_close(&type1);
	assert_int_equal(locked_kb(), 0);
	dev_check(&ours, IOVA_BASE, SIZE, 4);
	rig_close(&ours);
}

static const unsigned long v1 = VFIO_TYPE1_IOMMU, v2 = VFIO_TYPE1v2_IOMMU;

static const struct suite_case cases[] = {
	CASE("S12 R9 a device that can't fault, alone", nofault_alone, .softdma = "nofault=1",
	     .any = 1),
	CASE("S12 R9 I11 an IOMMU that says it can, as Arm's does", nofault_alone,
	     .softiommu = "iopf_accepts_any=1", .softdma = "nofault=1"),
	CASE("S12 R9 I11 an IOMMU that takes page requests itself, as AMD's does", nofault_alone,
	     .softiommu = "iopf_takes_all=1", .newest = 1),
	CASE("S12 R11 it joins and leaves, one domain", nofault_joins, .iopf = EXACT,
	     .softdma = "devices=2 nofault=1", .any = 1),
	CASE("S12 R11 S8 it joins and leaves, two domains", nofault_joins, .iopf = EXACT,
	     .softiommu = "iommus=2", .softdma = "devices=2 nofault=1"),
	CASE("S12 R9 it is kept out by what can't be pinned", nofault_kept_out,
	     .softdma = "devices=2 nofault=1", .any = 1),
	CASE("S12 R11 it joins and leaves during DMA", nofault_during_dma,
	     .softiommu = "iommus=2", .softdma = "devices=2 nofault=1", .any = 1),
	CASE("S12 S8 I10 coherent, whatever was mapped before", coherent,
	     .softiommu = "iommus=2", .softdma = "devices=2 nofault=1"),
	CASE("R14 S10 a mapping's flags", flags, .iopf = EXACT),
	CASE("S12 R14 what it is kept from stays faultable", selective, .iopf = EXACT,
	     .softdma = "devices=2 nofault=1", .any = 1),
	CASE("takeover: a type1 client pages on demand", taken_over,
	     .iopf = "takeover=1 " EXACT, .arg = &v1),
	CASE("takeover: a type1v2 client pages on demand", taken_over,
	     .iopf = "takeover=1 " EXACT, .arg = &v2),
	CASE("takeover: with a device that can't fault", taken_over_nofault,
	     .iopf = "takeover=1", .softdma = "devices=2 nofault=1", .any = 1),
	CASE("no takeover: beside type1", side_by_side, .softdma = "devices=2", .any = 1),
};

int main(int argc, char **argv)
{
	return SUITE(cases, argc, argv);
}
