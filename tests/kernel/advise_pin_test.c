// SPDX-License-Identifier: GPL-2.0-only
/*
 * Advice to pin: charged to the page, mapped, and there until it is unpinned, whoever
 * else would take it.
 *
 * LANES: stock next
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "advice.h"
#include "locking.h"
#include "rig.h"

#define SEGMENT		(64ull << 20)

static long locked_pages(void)
{
	return status_kb("VmLck") / 4;
}

/* Pinned by advice: charged, mapped, and there for good, until it is unpinned. */
static void pin_and_unpin(void)
{
	struct vfio_iopf_stats before;
	struct rig rig;
	uint64_t pfn;
	char *p;

	p = rig_open_anon(&rig, 512 * PAGE);
	dev_fill(&rig, IOVA_BASE, 10 * PAGE, 1);
	before = rig_stats(&rig);
	advise(&rig, VFIO_IOPF_ADV_PIN, IOVA_BASE + 8 * PAGE, 16 * PAGE);
	advise(&rig, VFIO_IOPF_ADV_PIN, IOVA_BASE + 16 * PAGE, 8 * PAGE);
	assert_int_equal(locked_pages(), 16);
	assert_grew(&rig, before, pinned_pages, 16);
	residency_is(&rig, IOVA_BASE, 8, RW);
	residency_is(&rig, IOVA_BASE + 8 * PAGE, 16, RW | VFIO_IOPF_PAGE_PINNED);
	residency_is(&rig, IOVA_BASE + 24 * PAGE, 8, 0);
	pfn = page_pfn(p + 8 * PAGE);
	advise(&rig, VFIO_IOPF_ADV_EVICT, IOVA_BASE, 512 * PAGE);
	madvise(p, 512 * PAGE, MADV_PAGEOUT);
	assert_int_not_equal(collapse(p), 0);
	assert_int_equal(page_pfn(p + 8 * PAGE), pfn);
	assert_int_equal(dev_write(&rig, IOVA_BASE + 8 * PAGE, 16 * PAGE, SOFTDMA_OK), 0);
	assert_grew(&rig, before, groups, 0);
	verify_residency();

	advise(&rig, VFIO_IOPF_ADV_UNPIN, IOVA_BASE, 12 * PAGE);
	assert_int_equal(locked_pages(), 12);
	assert_grew(&rig, before, pinned_pages, 12);
	advise(&rig, VFIO_IOPF_ADV_UNPIN, IOVA_BASE, 512 * PAGE);
	assert_int_equal(locked_pages(), 0);
	residency_is(&rig, IOVA_BASE, 512, 0);
	assert_int_equal(dev_write(&rig, IOVA_BASE + 8 * PAGE, 2 * PAGE, SOFTDMA_OK), 2);
	advise(&rig, VFIO_IOPF_ADV_PIN, IOVA_BASE, 16 * PAGE);
	assert_ok(viopf_unmap(rig.c, IOVA_BASE, 512 * PAGE, NULL));
	assert_int_equal(locked_pages(), 0);
	rig_close(&rig);
}

/* To the limit, and where there is no memory: what is done is told, and stays. */
static void pin_to_the_limit(void)
{
	uint64_t at = IOVA_BASE + SEGMENT - 8 * PAGE;
	struct rig rig;
	char *p;

	limit_locking(12 * PAGE);
	rig_open(&rig, 1);
	p = mem_anon(64 * PAGE);
	rig_map(&rig, p, at, 64 * PAGE);
	advise_fails(&rig, VFIO_IOPF_ADV_PIN, at, 16 * PAGE, ENOMEM, 8 * PAGE);
	assert_int_equal(locked_pages(), 8);
	advise(&rig, VFIO_IOPF_ADV_PIN, at, 12 * PAGE);
	assert_int_equal(locked_pages(), 12);
	advise(&rig, VFIO_IOPF_ADV_UNPIN, at, 64 * PAGE);
	assert_int_equal(locked_pages(), 0);
	assert_ok(munmap(p + 9 * PAGE, PAGE));
	advise_fails(&rig, VFIO_IOPF_ADV_PIN, at, 10 * PAGE, EFAULT, 8 * PAGE);
	advise_fails(&rig, VFIO_IOPF_ADV_PIN, at + 60 * PAGE, 8 * PAGE, ENOENT, 4 * PAGE);
	advise_fails(&rig, VFIO_IOPF_ADV_UNPIN, at, 65 * PAGE, ENOENT, 64 * PAGE);
	assert_int_equal(locked_pages(), 0);
	rig_close(&rig);
}

/* It goes no further beyond the limit than one batch: little comes in for nothing. */
static void pin_far_beyond_the_limit(void)
{
	struct rig rig;
	char *p;

	limit_locking(12 * PAGE);
	p = rig_open_anon(&rig, 16 * HUGE);
	advise_fails(&rig, VFIO_IOPF_ADV_PIN, IOVA_BASE, 16 * HUGE, ENOMEM, 0);
	assert_int_equal(locked_pages(), 0);
	assert_int_equal(rig_stats(&rig).pinned_pages, 0);
	assert_true(pages_present(p, 16 * HUGE) <= HUGE / PAGE);
	rig_close(&rig);
}

/* A faultable mapping, and a device that can't fault: it has what is pinned. */
static void pinned_for_a_device(void)
{
	struct softdma_desc desc;
	struct rig rig;
	char *p;

	rig_open(&rig, 2);
	p = mem_anon(64 * PAGE);
	assert_ok(viopf_map(rig.c, p, IOVA_BASE, 64 * PAGE,
			    VIOPF_READ | VIOPF_WRITE | VFIO_DMA_MAP_FLAG_IOPF_FAULTABLE));
	advise(&rig, VFIO_IOPF_ADV_PIN, IOVA_BASE, 16 * PAGE);
	madvise(p, 64 * PAGE, MADV_PAGEOUT);
	desc = sdma_fill(IOVA_BASE, 16 * PAGE, 5, 0);
	rig_do(&rig, &desc, SOFTDMA_OK);
	assert_int_equal(desc.faults, 0);
	cpu_check(p, 16 * PAGE, 5);
	desc = sdma_fill(IOVA_BASE + 16 * PAGE, PAGE, 5, 0);
	assert_int_not_equal(sdma_do(&rig.dma[0].q[0], &desc, DMA_LIMIT_MS), SOFTDMA_OK);
	desc = sdma_fill(IOVA_BASE + 16 * PAGE, PAGE, 6, 0);
	assert_int_equal(sdma_do(&rig.dma[1].q[0], &desc, DMA_LIMIT_MS), SOFTDMA_OK);
	cpu_check(p + 16 * PAGE, PAGE, 6);
	rig_close(&rig);
}

/**
 * struct parts - a huge page that is pinned in parts
 * @at: the first domain's leaf sizes, as the knob has them
 * @then: those of the second, which comes when all is pinned; "": none comes
 * @merge: leaves are as large as one call's range allows
 * @step: pages pinned by one call
 */
struct parts {
	const char *at;
	const char *then;
	const char *merge;
	unsigned int step;
};

#define HUGE_PAGES	(HUGE / PAGE)
#define PINNED		(RW | VFIO_IOPF_PAGE_PINNED)

/* Two huge pages, from the middle of the first to the middle of the second. */
#define PARTS_FIRST	(HUGE_PAGES / 2)
#define PARTS_SIZE	(2 * HUGE)

/* One more device, behind an IOMMU of its own. */
static void add_device(struct rig *rig)
{
	char bdfs[MAX_DEVICES][16];

	devices_list(bdfs);
	assert_ok(viopf_group_add(rig->c, bdfs[1]));
	assert_ok(viopf_device_open(rig->c, bdfs[1], &rig->dev[1]));
	assert_ok(sdma_open(&rig->dma[1], rig->dev[1]));
	rig_start_queue(rig, 1, 0);
	rig->nr = 2;
}

/* Every device finds what is pinned, by no page request. */
static void pinned_is_there(struct rig *rig, uint64_t iova, uint64_t size, uint64_t off)
{
	struct softdma_desc check = sdma_check(iova, size, 5, off), nop = sdma_nop();
	unsigned int i;

	residency_is(rig, iova, size / PAGE, PINNED);
	for (i = 0; i < rig->nr; i++) {
		/* Its ring may be faulted in again. */
		assert_int_equal(sdma_do(&rig->dma[i].q[0], &nop, DMA_LIMIT_MS), SOFTDMA_OK);
		assert_int_equal(sdma_do(&rig->dma[i].q[0], &check, DMA_LIMIT_MS), SOFTDMA_OK);
		assert_int_equal(check.result, 0);
		assert_int_equal(check.faults, 0);
	}
}

/* Memory that the process may only read is pinned for a device that may only read it. */
static void pinned_for_reading(void)
{
	struct rig rig;
	char *p;

	rig_open(&rig, 1);
	p = mem_anon(8 * PAGE);
	sdma_pattern_fill(p, 8 * PAGE, 5, 0);
	assert_ok(mprotect(p, 8 * PAGE, PROT_READ));
	assert_ok(viopf_map(rig.c, p, IOVA_BASE, 8 * PAGE, VIOPF_READ | VIOPF_PINNED));
	assert_int_equal(rig_stats(&rig).pinned_pages, 8);
	dev_check(&rig, IOVA_BASE, 8 * PAGE, 5);
	dev_write(&rig, IOVA_BASE, PAGE, SOFTDMA_FAULT_INVALID);
	rig_close(&rig);
}

/* A device whose IOMMU can't map what is pinned does not come. Another time it does. */
static void not_without_what_is_pinned(void)
{
	char bdfs[MAX_DEVICES][16];
	struct rig rig;
	char *p;

	devices_list(bdfs);
	rig_open(&rig, 1);
	p = mem_anon(8 * PAGE);
	sdma_pattern_fill(p, 8 * PAGE, 5, 0);
	rig_map(&rig, p, IOVA_BASE, 8 * PAGE);
	advise(&rig, VFIO_IOPF_ADV_PIN, IOVA_BASE, 8 * PAGE);
	softiommu_set("map_fail_nth", "1");
	assert_int_equal(viopf_group_add(rig.c, bdfs[1]), -ENOMEM);
	softiommu_set("map_fail_nth", "0");
	verify_residency();
	add_device(&rig);
	verify_residency();
	pinned_is_there(&rig, IOVA_BASE, 8 * PAGE, 0);
	rig_close(&rig);
	assert_int_equal(status_kb("VmPin") + status_kb("VmLck"), 0);
}

/*
 * Pinned by small leaves, a huge page has such in every domain, in one that comes later
 * too, and where an IOMMU makes larger ones if it can: unpinning a part leaves the rest
 * alone.
 */
static void pinned_in_parts(void)
{
	const struct parts *parts = case_arg();
	uint64_t at = IOVA_BASE, end = IOVA_BASE + PARTS_SIZE;
	struct rig rig;
	char *p;

	softiommu_set("unmap_mode", "whole");
	softiommu_set("map_merge", parts->merge);
	softiommu_set("pgsizes", parts->at);
	rig_open(&rig, 1);
	p = mem_huge(PARTS_SIZE);
	sdma_pattern_fill(p, PARTS_SIZE, 5, 0);
	if (!is_huge(p, PARTS_SIZE))
		skip_because("got no huge pages");
	assert_ok(viopf_map(rig.c, p, at, PARTS_SIZE,
			    VIOPF_READ | VIOPF_WRITE | VFIO_DMA_MAP_FLAG_IOPF_FAULTABLE));
	for (at = IOVA_BASE; at < end; at += parts->step * PAGE)
		advise(&rig, VFIO_IOPF_ADV_PIN, at, parts->step * PAGE);
	if (*parts->then) {
		softiommu_set("pgsizes", parts->then);
		add_device(&rig);
	}
	verify_residency();

	at = IOVA_BASE + PARTS_FIRST * PAGE;
	advise(&rig, VFIO_IOPF_ADV_UNPIN, IOVA_BASE, PARTS_FIRST * PAGE);
	assert_int_equal(rig_stats(&rig).unmap_mismatches, 0);
	assert_int_equal(rig_stats(&rig).pinned_pages, (end - at) / PAGE);
	pinned_is_there(&rig, at, end - at, at - IOVA_BASE);
	advise(&rig, VFIO_IOPF_ADV_UNPIN, at, HUGE);
	assert_int_equal(rig_stats(&rig).unmap_mismatches, 0);
	pinned_is_there(&rig, at + HUGE, end - at - HUGE, at + HUGE - IOVA_BASE);
	advise(&rig, VFIO_IOPF_ADV_UNPIN, IOVA_BASE, PARTS_SIZE);
	assert_int_equal(locked_pages(), 0);
	cpu_check(p, PARTS_SIZE, 5);
	rig_close(&rig);
}

#define ALL_SIZES	"0x40201000"
#define ONLY_4K		"0x1000"

static const struct parts
	halves_then_another = { ALL_SIZES, ALL_SIZES, "0", PARTS_FIRST },
	small_then_large = { ONLY_4K, ALL_SIZES, "0", PARTS_SIZE / PAGE },
	small_then_merging = { ONLY_4K, ONLY_4K, "1", PARTS_SIZE / PAGE },
	merging = { ONLY_4K, "", "1", PARTS_SIZE / PAGE };

#define IN_PARTS(name_, parts_)	CASE(name_, pinned_in_parts, .arg = &(parts_), .iopf = EXACT, \
				     TWO_IOMMUS)

static const struct suite_case cases[] = {
	CASE("R14 S12 pin and unpin", pin_and_unpin, .iopf = EXACT),
	CASE("R14 pin to the limit", pin_to_the_limit),
	CASE("R14 pin far beyond the limit", pin_far_beyond_the_limit),
	CASE("S12 R14 pinned for a device that can't fault", pinned_for_a_device, .iopf = EXACT,
	     .softdma = "devices=2 nofault=1"),
	CASE("R14 R16 pinned for reading", pinned_for_reading, .iopf = EXACT),
	CASE("S8 R14 no device comes without what is pinned", not_without_what_is_pinned,
	     .iopf = EXACT, TWO_IOMMUS),
	IN_PARTS("S8 R3 R14 pinned in halves, a domain comes, unpinned in part",
		 halves_then_another),
	IN_PARTS("S8 R3 R14 pinned by 4 KiB, a domain with 2 MiB comes", small_then_large),
	IN_PARTS("S8 R3 R14 pinned by 4 KiB, a domain that merges comes", small_then_merging),
	IN_PARTS("R3 R14 pinned by 4 KiB in a domain that merges", merging),
};

int main(int argc, char **argv)
{
	return SUITE(cases, argc, argv);
}
