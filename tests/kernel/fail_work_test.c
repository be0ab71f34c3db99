// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is left to work items, and so to no caller who could be told that memory was short:
 * another worker is made as soon as it can be, and page requests have their answers
 * meanwhile; what ends or cuts off needs no memory.
 *
 * The kernel makes fail what has one function on the stack (lib/failures.h), in whatever
 * thread. Which of its allocations is chosen by what those before it have taken ("space").
 *
 * LANES: uml-debug
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "failures.h"
#include "rig.h"
#include "uffd.h"

#define NR_PAGES	16
#define SIZE		(NR_PAGES * PAGE)
#define NR_QUEUES	3
#define MOST_BYTES	(1u << 20)
#define OFTEN		"1000\n"

static const char *const kinds[] = { "failslab", "fail_page_alloc" };

/* From now on @times allocations of the kind fail, but for the first @space bytes. */
static void start_failing(const char *kind, unsigned int space, const char *times)
{
	char text[16];

	snprintf(text, sizeof(text), "%u\n", space);
	failures_set(kind, "space", text);
	failures_set(kind, "times", times);
	failures_set(kind, "task-filter", "N\n");
	failures_set(kind, "interval", "1\n");
	failures_set(kind, "probability", "100\n");
}

/* How many are left; from here on none fails. */
static int left(const char *kind)
{
	char path[64], text[16];

	failures_set(kind, "probability", "0\n");
	snprintf(path, sizeof(path), "/sys/kernel/debug/%s/times", kind);
	assert_ok(file_read(path, text, sizeof(text)));
	return atoi(text);
}

/* A page of a userfaultfd for each of the queues: as many workers are wanted, and one more. */
struct crowd {
	struct rig rig;
	struct uffd u;
	char *p;
};

static void crowd_open(struct crowd *crowd)
{
	unsigned int i;

	rig_open(&crowd->rig, 1);
	crowd->p = mem_anon(NR_QUEUES * PAGE);
	uffd_register(&crowd->u, uffd_open(), crowd->p, NR_QUEUES * PAGE, 0);
	rig_map(&crowd->rig, crowd->p, IOVA_BASE, NR_QUEUES * PAGE);
	for (i = 1; i < NR_QUEUES; i++)
		rig_start_queue(&crowd->rig, 0, i);
}

static void crowd_asks(struct crowd *crowd)
{
	unsigned int i;

	for (i = 0; i < NR_QUEUES; i++) {
		struct softdma_desc check = sdma_check(IOVA_BASE + i * PAGE, PAGE, 7, i * PAGE);

		assert_ok(sdma_submit(&crowd->rig.dma[0].q[i], &check, 1));
	}
	assert_pending(&crowd->rig, NR_QUEUES);
}

static void crowd_is_served(struct crowd *crowd)
{
	unsigned int i;

	uffd_serve(&crowd->u, 7);
	for (i = 0; i < NR_QUEUES; i++)
		assert_int_equal(sdma_wait(&crowd->rig.dma[0].q[i], 0, DMA_LIMIT_MS, NULL),
				 SOFTDMA_OK);
	uffd_stop(&crowd->u);
	rig_close(&crowd->rig);
	munmap(crowd->p, NR_QUEUES * PAGE);
}

/* With one failure behind @space bytes; returns whether there was one. */
static int comes_all_the_same(const char *kind, unsigned int space)
{
	struct crowd crowd;
	int failed;

	crowd_open(&crowd);
	start_failing(kind, space, "1\n");
	crowd_asks(&crowd);
	assert_true(wait_until(rig_stats(&crowd.rig).workers == NR_QUEUES + 1, 20));
	failed = !left(kind);
	crowd_is_served(&crowd);
	return failed;
}

static void another_worker(void)
{
	unsigned int i, space, failed = 0;

	failures_prepare();
	failures_only_below("viopf_spawn_work");
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		failed += comes_all_the_same(kinds[i], 0);
		for (space = 64; space < MOST_BYTES && comes_all_the_same(kinds[i], space);
		     space *= 2)
			failed++;
	}
	printf("# %u failures\n", failed);
	assert_true(failed >= 4);	/* its record, its room for pages, its thread */
}

static void all_fail(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		start_failing(kinds[i], 0, OFTEN);
}

/* How many did. */
static int have_failed(void)
{
	return ARRAY_SIZE(kinds) * atoi(OFTEN) - left("failslab") - left("fail_page_alloc");
}

/*
 * Those that are there do it all, one after the other; another is tried for as long as some
 * wait.
 */
static void no_other_worker(void)
{
	struct crowd crowd;
	uint64_t workers;

	failures_prepare();
	failures_only_below("viopf_spawn_work");
	crowd_open(&crowd);
	workers = rig_stats(&crowd.rig).workers;
	assert_true(workers < NR_QUEUES);
	all_fail();
	crowd_asks(&crowd);
	nap_ms(2000);
	assert_int_equal(rig_stats(&crowd.rig).workers, workers);
	crowd_is_served(&crowd);
	assert_true(have_failed() >= 5);
}

static int is_cut_off(struct rig *rig)
{
	struct softdma_desc check = sdma_check(IOVA_BASE, PAGE, 1, 0);

	return sdma_do(&rig->dma[0].q[0], &check, DMA_LIMIT_MS) != SOFTDMA_OK;
}

static void close_all(struct rig *rig)
{
	viopf_device_close(rig->dev[0]);
	viopf_container_close(rig->c);
	printf("# %d failures\n", have_failed());
	assert_int_equal(status_kb("VmPin") + status_kb("VmLck"), 0);
}

/* An IOMMU that refuses: the devices are cut off, and all that was the container's goes. */
static void cut_off(void)
{
	struct rig rig;
	char *p;

	failures_prepare();
	failures_only_below(NULL);
	p = rig_open_anon(&rig, SIZE);
	dev_fill(&rig, IOVA_BASE, SIZE, 1);
	softiommu_set("refuse_all", "1\n");
	all_fail();
	assert_ok(madvise(p, SIZE, MADV_DONTNEED));
	assert_true(wait_until(is_cut_off(&rig), 20));
	softiommu_set("reset_knobs", "1\n");
	close_all(&rig);
}

/* Some of it pinned. */
static void all_ends(void)
{
	struct rig rig;

	failures_prepare();
	failures_only_below(NULL);
	rig_open_anon(&rig, SIZE);
	dev_fill(&rig, IOVA_BASE, SIZE, 1);
	assert_ok(viopf_advise(rig.c, VFIO_IOPF_ADV_PIN, IOVA_BASE, SIZE / 2, NULL));
	all_fail();
	close_all(&rig);
}

static const struct suite_case cases[] = {
	CASE("R7 S6 another worker, each allocation failing once", another_worker,
	     .iopf = EXACT, .softdma = "devices=1", .limit_s = 300),
	CASE("R7 S6 no other worker is to be had", no_other_worker, .iopf = EXACT,
	     .softdma = "devices=1"),
	CASE("R1 S6 devices are cut off without memory", cut_off, .soft = 1),
	CASE("S6 a container ends without memory", all_ends),
};

int main(int argc, char **argv)
{
	return SUITE(cases, argc, argv);
}
