// SPDX-License-Identifier: GPL-2.0-only
/*
 * Advice to pin: charged to the page, mapped, and there until it is unpinned, whoever
 * else would take it.
 */
#include <errno.h>
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

	rig_open(&rig, 1);
	p = mem_anon(512 * PAGE);
	rig_map(&rig, p, IOVA_BASE, 512 * PAGE);
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

static const struct suite_case cases[] = {
	CASE("R14 S12 pin and unpin", pin_and_unpin, .iopf = EXACT),
	CASE("R14 pin to the limit", pin_to_the_limit),
	CASE("S12 R14 pinned for a device that can't fault", pinned_for_a_device, .iopf = EXACT,
	     .softdma = "devices=2 nofault=1"),
};

int main(int argc, char **argv)
{
	return SUITE(cases, argc, argv);
}
