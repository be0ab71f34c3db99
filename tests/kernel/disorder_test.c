// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page requests as no well-behaved device makes them (soft/softdma.h, G16): the same
 * page again and again, groups entangled, never ended, for addresses that nobody
 * mapped, hundreds at once; and responses that overtake each other. Each group that
 * ends gets one response, and a true one; what never ends costs nothing; and the
 * suite sees to it that nothing is left behind.
 */
#include <errno.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "rig.h"

#define NR_PAGES	64
#define SIZE		(NR_PAGES * PAGE)
#define IOVA_LIST	(IOVA_BASE + (1ull << 30))
#define LIST_PAGES	4
#define LIST_MAX	(LIST_PAGES * PAGE / sizeof(struct softdma_request))
#define NOWHERE		0x7000000000ull
#define NR_GROUPS	512	/* group indexes that PRI has */
#define GROUP_MAX	512	/* requests that a group may have */

#define R		SOFTDMA_RQ_READ
#define W		SOFTDMA_RQ_WRITE
#define LAST		SOFTDMA_RQ_LAST

/* A device with a list that is resident, and NR_PAGES at IOVA_BASE that are not. */
struct crowd {
	struct rig rig;
	struct softdma_request *list;
	unsigned int n;			/* entries in the list */
	char *p;
};

static void crowd_open(struct crowd *c)
{
	memset(c, 0, sizeof(*c));
	rig_open(&c->rig, 1);
	rig_start_queue(&c->rig, 0, 1);
	c->list = mem_shared(LIST_PAGES * PAGE);
	memset(c->list, 0, LIST_PAGES * PAGE);
	rig_map(&c->rig, c->list, IOVA_LIST, LIST_PAGES * PAGE);
	dev_read(&c->rig, IOVA_LIST, LIST_PAGES * PAGE, SOFTDMA_OK);
	c->p = mem_anon(SIZE);
	rig_map(&c->rig, c->p, IOVA_BASE, SIZE);
	softiommu_set("reset_stats", "1\n");
}

static void crowd_close(struct crowd *c)
{
	rig_close(&c->rig);
	munmap(c->list, LIST_PAGES * PAGE);
	munmap(c->p, SIZE);
}

static uint64_t page(unsigned int n)
{
	return IOVA_BASE + n * PAGE;
}

static void ask(struct crowd *c, uint64_t addr, unsigned int flags, unsigned int group)
{
	assert_true(c->n < LIST_MAX);
	c->list[c->n++] = (struct softdma_request){ addr, flags, group };
}

static struct softdma_desc crowd_desc(struct crowd *c)
{
	struct softdma_desc desc = sdma_request(IOVA_LIST, c->n);

	c->n = 0;
	return desc;
}

/* Make the requests: so many responses, so many of them SUCCESS. */
static void expect(struct crowd *c, unsigned int responses, unsigned int success)
{
	struct vfio_iopf_stats before = rig_stats(&c->rig);
	struct softdma_desc desc = crowd_desc(c);

	rig_do(&c->rig, &desc, SOFTDMA_OK);
	assert_int_equal(desc.result, responses);
	assert_int_equal(desc.detail, success);
	assert_grew(&c->rig, before, groups, responses);
	assert_grew(&c->rig, before, resp_success, success);
	assert_grew(&c->rig, before, resp_invalid, responses - success);
	assert_int_equal(softiommu_stat("resp_unexpected"), 0);
	rig_check(&c->rig);
}

/* What was asked for is there: the device needs no page request for it. */
static void assert_resident(struct crowd *c, unsigned int n, int writable)
{
	if (writable)
		assert_int_equal(dev_write(&c->rig, page(n), 8, SOFTDMA_OK), 0);
	else
		assert_int_equal(dev_read(&c->rig, page(n), 8, SOFTDMA_OK), 0);
}

static void the_same_twice(void)
{
	struct crowd c;
	unsigned int i;

	crowd_open(&c);
	ask(&c, page(0), R, 0);
	ask(&c, page(0) + 8, R | W, 0);
	ask(&c, page(0), R | LAST, 0);
	expect(&c, 1, 1);
	assert_resident(&c, 0, 1);

	/* In many groups at once, and once more when it is there. */
	for (i = 0; i < 50; i++)
		ask(&c, page(1), (i % 2 ? W : R) | LAST, i);
	expect(&c, 50, 50);
	assert_resident(&c, 1, 1);
	for (i = 0; i < 50; i++)
		ask(&c, page(i % 2), W | LAST, i);
	expect(&c, 50, 50);
	assert_int_equal(page_present(c.p + 2 * PAGE), 0);
	crowd_close(&c);
}

/* Groups that begin, go on and end in no order. */
static void entangled(void)
{
	struct crowd c;
	unsigned int i;

	crowd_open(&c);
	for (i = 0; i < 32; i++)
		ask(&c, page(i), W, i % 8);
	for (i = 32; i < 56; i++)
		ask(&c, page(i), R, 7 - i % 8);
	for (i = 0; i < 8; i++)
		ask(&c, page(56 + i), W | LAST, (i * 3) % 8);
	expect(&c, 8, 8);
	for (i = 0; i < NR_PAGES; i++)
		assert_resident(&c, i, i < 32 || i >= 56);
	crowd_close(&c);
}

/* One that cannot be makes its group INVALID, and no other. */
static void strays(void)
{
	static const uint64_t nowhere[] = {
		0, IOVA_BASE - PAGE, IOVA_BASE + SIZE, NOWHERE, (1ull << 48) - PAGE, 1ull << 48,
		1ull << 63, ~0ull,
	};
	struct crowd c;
	unsigned int i;

	crowd_open(&c);
	for (i = 0; i < ARRAY_SIZE(nowhere); i++)
		ask(&c, nowhere[i], (i % 2 ? R : W) | LAST, i);
	ask(&c, page(0), W | LAST, 100);
	expect(&c, ARRAY_SIZE(nowhere) + 1, 1);
	assert_resident(&c, 0, 1);

	/* First, in the middle, last; and what may not be written. */
	assert_ok(viopf_map(c.rig.c, c.p, IOVA_BASE + (1ull << 31), PAGE, VIOPF_READ));
	for (i = 0; i < 3; i++) {
		ask(&c, i == 0 ? NOWHERE : page(1), R, i);
		ask(&c, i == 1 ? NOWHERE : page(2), R, i);
		ask(&c, i == 2 ? NOWHERE : page(3), R | LAST, i);
	}
	ask(&c, IOVA_BASE + (1ull << 31), R, 3);
	ask(&c, IOVA_BASE + (1ull << 31), W | LAST, 3);
	ask(&c, IOVA_BASE + (1ull << 31), R | LAST, 4);
	expect(&c, 5, 1);
	crowd_close(&c);
}

/* What was begun and not ended is answered by nobody, and delays nobody. */
static void never_ended(void)
{
	struct crowd c;
	unsigned int i;

	crowd_open(&c);
	for (i = 0; i < 100; i++)
		ask(&c, i % 3 ? page(i % NR_PAGES) : NOWHERE, R | W, i);
	expect(&c, 0, 0);
	assert_int_equal(softiommu_stat("prq_requests"), 100);
	assert_int_equal(dev_write(&c.rig, page(9), 8, SOFTDMA_OK), 1);
	ask(&c, page(10), W | LAST, 0);
	expect(&c, 1, 1);
	crowd_close(&c);
}

/*
 * After a reset of the function the indexes are used again: groups of the new life come
 * with what the old one has left, if the kernel has not thrown that away, and are answered
 * once each.
 */
static void ended_by_another(void)
{
	struct crowd c;
	unsigned int i;

	crowd_open(&c);
	for (i = 0; i < 200; i++)
		ask(&c, page(i % 32), R, i);
	expect(&c, 0, 0);
	assert_ok(viopf_reset(c.rig.dev[0]));
	assert_ok(viopf_bus_master(c.rig.dev[0], 1));
	memset(c.rig.dma[0].q, 0, sizeof(c.rig.dma[0].q));
	c.rig.dma[0].q[0].dma = &c.rig.dma[0];
	rig_start_queue(&c.rig, 0, 0);

	for (i = 0; i < NR_GROUPS - 1; i++)
		ask(&c, page(32 + i % 32), W | LAST, i);
	expect(&c, NR_GROUPS - 1, NR_GROUPS - 1);
	for (i = 32; i < NR_PAGES; i++)
		assert_resident(&c, i, 1);
	crowd_close(&c);
}

static void flood_list(struct crowd *c)
{
	unsigned int i;

	for (i = 0; i < NR_GROUPS; i++)
		ask(c, i % 4 == 3 ? NOWHERE + i * PAGE : page(i % NR_PAGES), W | LAST, i);
}

/* As many groups as there are indexes, a quarter of them for nothing that is there. */
static void flood(void)
{
	struct crowd c;
	unsigned int round;

	crowd_open(&c);
	for (round = 0; round < 3; round++) {
		flood_list(&c);
		expect(&c, NR_GROUPS, NR_GROUPS / 4 * 3);
		assert_ok(madvise(c.p, SIZE, MADV_DONTNEED));
	}
	crowd_close(&c);
}

/* A group of more requests than a device may have outstanding is a flood by itself. */
static void too_large(void)
{
	struct vfio_iopf_stats before;
	struct softdma_desc desc;
	struct crowd c;
	unsigned int i;

	crowd_open(&c);
	for (i = 0; i < GROUP_MAX; i++)
		ask(&c, page(i % NR_PAGES), W | (i == GROUP_MAX - 1 ? LAST : 0), 0);
	expect(&c, 1, 1);

	before = rig_stats(&c.rig);
	for (i = 0; i <= GROUP_MAX; i++)
		ask(&c, page(i % NR_PAGES), W | (i == GROUP_MAX ? LAST : 0), 0);
	desc = crowd_desc(&c);
	assert_ok(sdma_submit(&c.rig.dma[0].q[1], &desc, 1));
	assert_true(wait_until(rig_stats(&c.rig).groups == before.groups + 1, 30));
	assert_pending(&c.rig, 0);
	assert_grew(&c.rig, before, requests, GROUP_MAX + 1);
	assert_grew(&c.rig, before, resp_failure, 1);
	assert_int_equal(softiommu_stat("resp_unexpected"), 0);
	crowd_close(&c);
}

static void stop_queue(struct crowd *c)
{
	assert_ok(sdma_queue_stop(&c->rig.dma[0], 1));
	rig_close(&c->rig);
}

static void unmap_it(struct crowd *c)
{
	assert_ok(viopf_unmap(c->rig.c, IOVA_BASE, SIZE, NULL));
	rig_close(&c->rig);
}

static void close_it(struct crowd *c)
{
	viopf_device_close(c->rig.dev[0]);
	viopf_container_close(c->rig.c);
}

/* In the middle of a flood; the suite waits for the last response. */
static void flood_cut_short(void)
{
	void (*const how)(struct crowd *c) = (void (*)(struct crowd *c))case_arg();
	struct softdma_desc desc;
	struct crowd c;

	crowd_open(&c);
	flood_list(&c);
	desc = crowd_desc(&c);
	assert_ok(sdma_submit(&c.rig.dma[0].q[1], &desc, 1));
	assert_true(wait_until(softiommu_stat("prq_groups") > 20, 20));
	how(&c);
	assert_int_equal(softiommu_stat("resp_unexpected"), 0);
}

static void bad_lists(void)
{
	struct softdma_desc desc;
	struct crowd c;

	crowd_open(&c);
	ask(&c, page(0), R | LAST, 3);
	ask(&c, page(0), R | LAST, 3);
	desc = crowd_desc(&c);
	rig_do(&c.rig, &desc, SOFTDMA_BAD_DESC);
	assert_int_equal(desc.result, 1);
	ask(&c, page(0), 8, 3);
	desc = crowd_desc(&c);
	rig_do(&c.rig, &desc, SOFTDMA_BAD_DESC);
	ask(&c, page(0), R | LAST, NR_GROUPS);
	desc = crowd_desc(&c);
	rig_do(&c.rig, &desc, SOFTDMA_BAD_DESC);
	ask(&c, page(0), R | LAST, 0);
	desc = crowd_desc(&c);
	desc.src += 8;
	rig_do(&c.rig, &desc, SOFTDMA_BAD_DESC);
	crowd_close(&c);

	/* Nor where there is no PRI. */
	rig_open_as(&c.rig, 1, 1, VFIO_TYPE1v2_IOMMU);
	desc = sdma_request(IOVA_RINGS, 1);
	rig_do(&c.rig, &desc, SOFTDMA_BAD_DESC);
	rig_close(&c.rig);
}

/* Every second response is late, so that later ones overtake it. */
static void responses_overtake(void)
{
	struct softdma_desc fill, done;
	struct crowd c;
	unsigned int i, q;

	crowd_open(&c);
	for (q = 2; q < SOFTDMA_QUEUES; q++)
		rig_start_queue(&c.rig, 0, q);
	softiommu_set("response_swap_us", "20000\n");
	for (i = 0; i < 64; i++)
		ask(&c, page(i), W | LAST, i);
	expect(&c, 64, 64);
	assert_ok(madvise(c.p, SIZE, MADV_DONTNEED));
	for (q = 0; q < SOFTDMA_QUEUES; q++) {
		fill = sdma_fill(page(16 * q), 16 * PAGE, q, 0);
		assert_ok(sdma_submit(&c.rig.dma[0].q[q], &fill, 1));
	}
	for (q = 0; q < SOFTDMA_QUEUES; q++) {
		assert_int_equal(sdma_wait(&c.rig.dma[0].q[q], 0, DMA_LIMIT_MS, &done),
				 SOFTDMA_OK);
		assert_int_equal(done.faults, 16);
		cpu_check(c.p + 16 * q * PAGE, 16 * PAGE, q);
	}
	softiommu_set("response_swap_us", "0\n");
	crowd_close(&c);
}

#define ONE	.iopf = EXACT, .softdma = "devices=2 nofault=2"

static const struct suite_case cases[] = {
	CASE("S6 R16 G16 the same page again and again", the_same_twice, ONE),
	CASE("S6 G16 entangled groups", entangled, ONE),
	CASE("S6 R16 G16 addresses that nobody mapped", strays, ONE),
	CASE("S6 G16 groups that never end", never_ended, ONE),
	CASE("S6 G16 groups that end what a reset cut off", ended_by_another, ONE),
	CASE("S6 R16 G16 a flood of requests", flood, ONE),
	CASE("S6 R16 G16 a group that is a flood", too_large, ONE),
	CASE("S6 G16 a flood, and its queue is stopped", flood_cut_short, ONE, .arg = stop_queue),
	CASE("S6 G16 a flood, and what it asks for is unmapped", flood_cut_short, ONE,
	     .arg = unmap_it),
	CASE("S6 G16 a flood, and everything is closed", flood_cut_short, ONE, .arg = close_it),
	CASE("S6 responses overtake each other", responses_overtake, ONE),
	CASE("G16 bad lists", bad_lists, ONE),
};

int main(int argc, char **argv)
{
	return SUITE(cases, argc, argv);
}
