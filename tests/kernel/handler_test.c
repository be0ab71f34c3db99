// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page requests that are answered where they arrive, without a worker, and those that
 * must not be. The memory of a case is written by the CPU, so that it is resident for
 * the process, before the device looks at it; the window is one page, so that each
 * page of it is a page request of its own.
 */
#include <pthread.h>
#include <sys/mman.h>

#include "rig.h"

#define NR_PAGES	64
#define SIZE		(NR_PAGES * PAGE)
#define FAR		(128ul << 20)	/* surely in another segment */

struct handled {
	struct rig rig;
	char *p;
	struct vfio_iopf_stats before;
};

/*
 * The first request in a segment makes it, and the second one after each invalidation
 * tells that it is over: a worker's work. All later ones are what a case is about.
 */
static void begin(struct handled *h, int prot)
{
	rig_open(&h->rig, 2);
	h->p = mem_anon(SIZE);
	sdma_pattern_fill(h->p, SIZE, 1, 0);
	assert_ok(mprotect(h->p, SIZE, prot));
	rig_map(&h->rig, h->p, IOVA_BASE, SIZE);
	dev_read(&h->rig, IOVA_BASE, PAGE, SOFTDMA_OK);
	h->before = rig_stats(&h->rig);
}

/* The device reads page @i: one request, answered at once or by a worker. */
static void look(struct handled *h, unsigned int i, int at_once)
{
	struct vfio_iopf_stats before = rig_stats(&h->rig);

	dev_read(&h->rig, IOVA_BASE + i * PAGE, PAGE, SOFTDMA_OK);
	assert_grew(&h->rig, before, faults, 1);
	assert_grew(&h->rig, before, groups_at_once, at_once);
}

static void resident(void)
{
	struct handled h;

	begin(&h, PROT_READ | PROT_WRITE);
	dev_check(&h.rig, IOVA_BASE, SIZE, 1);
	assert_grew(&h.rig, h.before, groups, NR_PAGES - 1);
	assert_grew(&h.rig, h.before, groups_at_once, NR_PAGES - 1);
	assert_grew(&h.rig, h.before, resp_success, NR_PAGES - 1);
	assert_grew(&h.rig, h.before, faults, NR_PAGES - 1);
	assert_grew(&h.rig, h.before, pages_mapped, NR_PAGES - 1);
	assert_grew(&h.rig, h.before, bring_ins, 0);
	dev_fill(&h.rig, IOVA_BASE, SIZE, 2);
	cpu_check(h.p, SIZE, 2);
	verify_residency();
	rig_close(&h.rig);
}

/* A page that is only there for reading is made writable by a worker. */
static void not_as_wanted(void)
{
	struct handled h;

	begin(&h, PROT_READ);
	look(&h, 1, 1);
	assert_ok(mprotect(h.p, SIZE, PROT_READ | PROT_WRITE));
	look(&h, 2, 0);
	h.before = rig_stats(&h.rig);
	assert_ok(madvise(h.p + 3 * PAGE, PAGE, MADV_DONTNEED));
	dev_write(&h.rig, IOVA_BASE + 3 * PAGE, PAGE, SOFTDMA_OK);
	assert_grew(&h.rig, h.before, groups_at_once, 0);
	assert_grew(&h.rig, h.before, bring_ins, 1);
	rig_close(&h.rig);
}

static void not_permitted(void)
{
	struct handled h;

	begin(&h, PROT_READ);
	dev_write(&h.rig, IOVA_BASE + PAGE, PAGE, SOFTDMA_FAULT_INVALID);
	dev_read(&h.rig, IOVA_BASE + SIZE, PAGE, SOFTDMA_FAULT_INVALID);
	assert_grew(&h.rig, h.before, resp_invalid, 2);
	assert_grew(&h.rig, h.before, groups_at_once, 0);
	rig_close(&h.rig);
}

/* What a snapshot would have waited for may not be over: that is for a worker. */
static void after_an_eviction(void)
{
	struct handled h;

	begin(&h, PROT_READ | PROT_WRITE);
	look(&h, 1, 1);
	assert_ok(madvise(h.p + PAGE, PAGE, MADV_DONTNEED));
	sdma_pattern_fill(h.p, PAGE, 1, PAGE);
	look(&h, 2, 0);
	look(&h, 3, 1);
	rig_close(&h.rig);
}

static void *throw_away(void *arg)
{
	return madvise(arg, PAGE, MADV_DONTNEED) ? arg : NULL;
}

/*
 * An eviction waits for the IOMMU, holding its segment. Requests for that segment wait
 * in a worker; those behind them in the IOMMU's queue, for another, do not.
 */
static void waits_for_nobody(void)
{
	struct softdma_desc stuck = sdma_checksum(IOVA_BASE + 2 * PAGE, PAGE, 0);
	struct softdma_desc free = sdma_checksum(IOVA_BASE + FAR + PAGE, PAGE, 0);
	struct handled h;
	pthread_t thread;
	uint64_t flushes;
	void *failed;
	char *far;

	begin(&h, PROT_READ | PROT_WRITE);
	far = mem_anon(SIZE);
	sdma_pattern_fill(far, SIZE, 1, 0);
	rig_map(&h.rig, far, IOVA_BASE + FAR, SIZE);
	dev_read(&h.rig, IOVA_BASE + FAR, PAGE, SOFTDMA_OK);

	h.before = rig_stats(&h.rig);
	flushes = softiommu_stat("flushes");
	softiommu_set("flush_hold", "1");
	assert_ok(pthread_create(&thread, NULL, throw_away, h.p));
	assert_true(wait_until(softiommu_stat("flushes") > flushes, 30));
	assert_ok(sdma_submit(&h.rig.dma[0].q[0], &stuck, 1));
	assert_true(wait_until(rig_stats(&h.rig).groups == h.before.groups + 1, 30));
	assert_int_equal(sdma_do(&h.rig.dma[1].q[0], &free, 20000), SOFTDMA_OK);
	assert_grew(&h.rig, h.before, groups_at_once, 1);
	assert_pending(&h.rig, 1);

	softiommu_set("flush_hold", "0");
	assert_ok(pthread_join(thread, &failed));
	assert_null(failed);
	assert_int_equal(sdma_wait(&h.rig.dma[0].q[0], 0, DMA_LIMIT_MS, NULL), SOFTDMA_OK);
	rig_close(&h.rig);
}

static const struct suite_case cases[] = {
	CASE("S6 R7 a resident page is answered where the request arrives", resident,
	     .iopf = EXACT),
	CASE("S6 R7 a page that is not as wanted is not", not_as_wanted, .iopf = EXACT),
	CASE("S6 nor what is not permitted", not_permitted, .iopf = EXACT),
	CASE("S1 S6 nor the first after an eviction", after_an_eviction, .iopf = EXACT),
	CASE("R5 R7 the page request queue waits for no eviction", waits_for_nobody,
	     .iopf = EXACT),
};

int main(int argc, char **argv)
{
	return SUITE(cases, argc, argv);
}
