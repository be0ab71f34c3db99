// SPDX-License-Identifier: GPL-2.0-only
/*
 * An IOMMU that refuses to unmap. The host lives, and no page that the device
 * may still reach is given to anybody else before its DMA is cut off; the
 * container says what happened, and is done with.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "load.h"

#define NR_PAGES	256
#define SIZE		(NR_PAGES * PAGE)
#define VICTIM		(64ul << 20)

static int is_failed(struct rig *rig)
{
	struct vfio_iopf_stats s;

	return viopf_stats(rig->c, &s) || s.flags & VFIO_IOPF_STATS_FAILED;
}

static int pages_held(struct rig *rig)
{
	struct vfio_iopf_stats s;

	return !viopf_stats(rig->c, &s) && s.pages_kept;
}

static int try_device(struct rig *rig, unsigned int dev)
{
	struct softdma_desc check = sdma_check(IOVA_BASE, PAGE, 1, 0);

	return sdma_do(&rig->dma[dev].q[0], &check, 20000);
}

/* The container is cut off: its devices stop, in a moment, and its calls say so. */
static void assert_cut_off(struct rig *rig, unsigned int dev)
{
	int status;

	assert_true(wait_until(is_failed(rig), 20));
	assert_int_equal(viopf_map(rig->c, rig->rings, IOVA_BASE + HUGE, PAGE, VIOPF_READ),
			 -ENODEV);
	wait_until((status = try_device(rig, dev)) != SOFTDMA_OK, 20);
	assert_msg(status == -EIO || status == SOFTDMA_FAULT_FAILURE ||
		   status == SOFTDMA_FAULT_INVALID,
		   "an operation of a device that was cut off ended with %d", status);
}

static void close_failed(struct rig *rig)
{
	unsigned int i;

	softiommu_set("reset_knobs", "1\n");
	for (i = 0; i < rig->nr; i++)
		viopf_device_close(rig->dev[i]);
	viopf_container_close(rig->c);
}

/*
 * With the device writing all the time, throw its memory away. What the kernel
 * hands out afterwards is full of a pattern that must stay.
 */
static void refuse_during_dma(struct rig *rig, char *p, void (*event)(char *p))
{
	struct softdma_desc fill[32];
	char *victim = mem_anon(VICTIM);
	unsigned int i;

	for (i = 0; i < 32; i++)
		fill[i] = sdma_fill(IOVA_BASE, SIZE, 100 + i, 0);
	dev_fill(rig, IOVA_BASE, SIZE, 1);
	softiommu_set("refuse_all", "1\n");
	assert_ok(sdma_submit(&rig->dma[0].q[1], fill, 32));
	event(p);
	sdma_pattern_fill(victim, VICTIM, 7, 0);
	assert_true(wait_until(pages_held(rig), 10));
	assert_true(wait_until(is_failed(rig), 20));
	nap_ms(100);
	cpu_check(victim, VICTIM, 7);
	assert_cut_off(rig, 0);
	/* Its writes went nowhere that anybody sees. */
	cpu_check(victim, VICTIM, 7);
	munmap(victim, VICTIM);
}

static void by_dontneed(char *p)
{
	assert_ok(madvise(p, SIZE, MADV_DONTNEED));
}

static void by_munmap(char *p)
{
	assert_ok(munmap(p, SIZE));
}

static void by_pageout(char *p)
{
	assert_ok(madvise(p, SIZE, MADV_PAGEOUT));
}

static void refuse(void)
{
	void (*const event)(char *p) = (void (*)(char *p))case_arg();
	struct rig rig;
	char *p;

	if (event == by_pageout)
		swap_on_zram(64);
	rig_open(&rig, 1);
	rig_start_queue(&rig, 0, 1);
	p = mem_anon(SIZE);
	rig_map(&rig, p, IOVA_BASE, SIZE);
	refuse_during_dma(&rig, p, event);
	close_failed(&rig);
}

static void refuse_huge(void)
{
	struct rig rig;
	char *p;

	rig_open(&rig, 1);
	rig_start_queue(&rig, 0, 1);
	p = mem_huge(HUGE);
	memset(p, 1, HUGE);
	rig_map(&rig, p, IOVA_BASE, HUGE);
	dev_fill(&rig, IOVA_BASE, HUGE, 1);
	refuse_during_dma(&rig, p, by_dontneed);
	close_failed(&rig);
}

/* Once the device is cut off, the pages go back, and the device to the next user. */
static void pages_come_back(void)
{
	const size_t size = 64ul << 20;
	struct rig rig;
	long available;
	char *p;

	p = rig_open_anon(&rig, size);
	dev_fill(&rig, IOVA_BASE, size, 1);
	available = meminfo_kb("MemAvailable");
	softiommu_set("refuse_all", "1\n");
	assert_ok(munmap(p, size));
	assert_true(wait_until(is_failed(&rig), 20));
	assert_true(wait_until(meminfo_kb("MemAvailable") - available > (long)(size / 1024 / 2),
			       20));
	close_failed(&rig);

	p = rig_open_anon(&rig, SIZE);
	dev_fill(&rig, IOVA_BASE, SIZE, 2);
	cpu_check(p, SIZE, 2);
	rig_close(&rig);
}

static void unmap_refused(void)
{
	char *p, *victim;
	struct rig rig;

	p = rig_open_anon(&rig, SIZE);
	dev_fill(&rig, IOVA_BASE, SIZE, 1);
	softiommu_set("refuse_all", "1\n");
	viopf_unmap(rig.c, IOVA_BASE, SIZE, NULL);
	assert_ok(munmap(p, SIZE));
	victim = mem_anon(SIZE);
	sdma_pattern_fill(victim, SIZE, 7, 0);
	assert_cut_off(&rig, 0);
	cpu_check(victim, SIZE, 7);
	close_failed(&rig);
}

/* Both devices of the container are cut off, each in its own domain. */
static void two_domains(void)
{
	struct rig rig;
	char *p;

	rig_open(&rig, 2);
	p = mem_anon(SIZE);
	rig_map(&rig, p, IOVA_BASE, SIZE);
	dev_fill(&rig, IOVA_BASE, SIZE, 1);
	softiommu_set("refuse_all", "1\n");
	assert_ok(madvise(p, SIZE, MADV_DONTNEED));
	assert_cut_off(&rig, 0);
	assert_cut_off(&rig, 1);
	close_failed(&rig);
}

/* The container is closed before anything else has happened. */
static void close_at_once(void)
{
	struct rig rig;
	char *p;

	p = rig_open_anon(&rig, SIZE);
	dev_fill(&rig, IOVA_BASE, SIZE, 1);
	softiommu_set("refuse_all", "1\n");
	assert_ok(madvise(p, SIZE, MADV_DONTNEED));
	viopf_device_close(rig.dev[0]);
	viopf_container_close(rig.c);
	softiommu_set("reset_knobs", "1\n");
	rig_open(&rig, 1);
	rig_close(&rig);
}

/* What is kept until the devices are cut off, which a worker does, is no mismatch. */
static void verified_meanwhile(void)
{
	unsigned int i;
	struct rig rig;
	char *p;

	for (i = 0; i < rounds(20); i++) {
		p = rig_open_anon(&rig, SIZE);
		dev_fill(&rig, IOVA_BASE, SIZE, 1);
		softiommu_set("refuse_all", "1\n");
		assert_ok(munmap(p, SIZE));
		verify_residency();
		close_failed(&rig);
	}
}

static void close_refused(void)
{
	struct rig rig;
	char *p, *victim;

	p = rig_open_anon(&rig, SIZE);
	dev_fill(&rig, IOVA_BASE, SIZE, 1);
	softiommu_set("refuse_all", "1\n");
	viopf_device_close(rig.dev[0]);
	viopf_container_close(rig.c);
	assert_ok(munmap(p, SIZE));
	victim = mem_anon(SIZE);
	sdma_pattern_fill(victim, SIZE, 7, 0);
	nap_ms(20);
	cpu_check(victim, SIZE, 7);
	softiommu_set("reset_knobs", "1\n");
	rig_open(&rig, 1);
	rig_close(&rig);
}

#define REFUSE(name_, event_)	CASE(name_, refuse, .arg = (const void *)(event_))

static const struct suite_case cases[] = {
	REFUSE("R4 refused MADV_DONTNEED during DMA", by_dontneed),
	REFUSE("R4 refused munmap during DMA", by_munmap),
	REFUSE("R4 refused swap-out during DMA", by_pageout),
	CASE("R4 R3 refused huge page during DMA", refuse_huge),
	CASE("R4 kept pages come back once the device is cut off", pages_come_back),
	CASE("R4 refused VFIO unmap", unmap_refused),
	CASE("R4 S8 refusal cuts off all domains", two_domains,
	     TWO_IOMMUS),
	CASE("R4 R8 close right after a refusal", close_at_once),
	CASE("R4 verify right after a refusal", verified_meanwhile),
	CASE("R4 close while everything is refused", close_refused),
};

int main(int argc, char **argv)
{
	return SUITE(cases, argc, argv);
}
