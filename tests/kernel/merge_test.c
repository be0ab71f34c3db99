// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page requests that stand in line are resolved and answered together (module/fault/merge.c). A
 * container with one worker is made to have a line: the worker is held in a page that
 * this test delivers when the line is complete.
 *
 * How many are merged is exact only where bringing pages in takes less than its limit of 20 ms,
 * which a kernel with checkers on a busy host does not keep.
 *
 * LANES: stock next kcsan
 */
#include <string.h>
#include <sys/mman.h>

#include "rig.h"
#include "uffd.h"

#define NR_PAGES	96
#define SIZE		(NR_PAGES * PAGE)
#define IOVA_LIST	(IOVA_BASE + (1ull << 30))
#define IOVA_HOLD	(IOVA_BASE + (2ull << 30))

#define R		SOFTDMA_RQ_READ
#define W		SOFTDMA_RQ_WRITE
#define LAST		SOFTDMA_RQ_LAST

struct line {
	struct rig rig;
	struct uffd hold;
	struct softdma_request *list;
	unsigned int n;
	char *p;			/* NR_PAGES at IOVA_BASE that nobody has touched */
	struct vfio_iopf_stats before;	/* when it began to move */
};

static void line_open(struct line *line)
{
	char *hold = mem_anon(PAGE);

	memset(line, 0, sizeof(*line));
	rig_open(&line->rig, 1);
	rig_start_queue(&line->rig, 0, 1);
	line->list = mem_shared(PAGE);
	memset(line->list, 0, PAGE);
	rig_map(&line->rig, line->list, IOVA_LIST, PAGE);
	dev_read(&line->rig, IOVA_LIST, PAGE, SOFTDMA_OK);
	line->p = mem_anon(SIZE);
	rig_map(&line->rig, line->p, IOVA_BASE, SIZE);
	uffd_register(&line->hold, uffd_open(), hold, PAGE, 0);
	rig_map(&line->rig, hold, IOVA_HOLD, PAGE);
}

/* A group of one page. */
static void ask(struct line *line, unsigned int page, unsigned int flags)
{
	line->list[line->n] = (struct softdma_request) {
		IOVA_BASE + page * PAGE, flags | LAST, line->n,
	};
	line->n++;
}

/* What comes from here on stands in line, behind a page that is not there. */
static void line_stop(struct line *line)
{
	struct softdma_desc held = sdma_checksum(IOVA_HOLD, PAGE, 0);

	assert_ok(sdma_submit(&line->rig.dma[0].q[1], &held, 1));
	assert_ptr_equal(uffd_next(&line->hold, 30), line->hold.p);
	line->before = rig_stats(&line->rig);
}

/* All that was asked for stands in line. */
static void line_up(struct line *line)
{
	struct softdma_desc asks = sdma_request(IOVA_LIST, line->n);

	line_stop(line);
	assert_ok(sdma_submit(&line->rig.dma[0].q[0], &asks, 1));
	assert_true(wait_until(rig_stats(&line->rig).groups == line->before.groups + line->n,
			       30));
	assert_grew(&line->rig, line->before, resp_success, 0);
}

static void line_move(struct line *line)
{
	uffd_deliver(&line->hold, line->hold.p);
}

/* Each group has had its answer, and the right one. */
static void line_end(struct line *line)
{
	struct softdma_desc done;

	assert_int_equal(sdma_wait(&line->rig.dma[0].q[1], 0, DMA_LIMIT_MS, NULL), SOFTDMA_OK);
	assert_int_equal(sdma_wait(&line->rig.dma[0].q[0], 0, DMA_LIMIT_MS, &done), SOFTDMA_OK);
	assert_int_equal(done.result, line->n);
	assert_int_equal(done.detail, line->n);
	assert_grew(&line->rig, line->before, resp_success, 1 + (int)line->n);
	rig_check(&line->rig);
}

static unsigned int present(const struct line *line)
{
	unsigned int i, n = 0;

	for (i = 0; i < NR_PAGES; i++)
		n += page_present(line->p + i * PAGE);
	return n;
}

/* By one pass through the mm and the IOMMU, in whatever order; and nothing else. */
static void in_any_order(void)
{
	struct line line;
	unsigned int i;

	line_open(&line);
	for (i = 0; i < 32; i++)
		ask(&line, 16 + i * 13 % 32, W);
	line_up(&line);
	line_move(&line);
	line_end(&line);
	assert_grew(&line.rig, line.before, groups_merged, 31);
	assert_grew(&line.rig, line.before, bring_ins, 1);
	assert_grew(&line.rig, line.before, pages_mapped, 1 + 32);
	assert_int_equal(present(&line), 32);
	dev_fill(&line.rig, IOVA_BASE + 16 * PAGE, 32 * PAGE, 3);
	assert_grew(&line.rig, line.before, groups, 32);
	cpu_check(line.p + 16 * PAGE, 32 * PAGE, 3);
	rig_close(&line.rig);
}

/* And nothing between. */
static void with_a_gap(void)
{
	struct line line;

	line_open(&line);
	ask(&line, 18, W);
	ask(&line, 19, W);
	ask(&line, 16, W);
	line_up(&line);
	line_move(&line);
	line_end(&line);
	assert_grew(&line.rig, line.before, groups_merged, 1);
	assert_int_equal(present(&line), 3);
	rig_close(&line.rig);
}

/* What is asked for reading is not made writable by a neighbour. */
static void by_permission(void)
{
	unsigned char pages[32];
	struct line line;
	unsigned int i;

	line_open(&line);
	for (i = 0; i < 16; i++) {
		ask(&line, i, R);
		ask(&line, 16 + i, W);
	}
	line_up(&line);
	line_move(&line);
	line_end(&line);
	assert_grew(&line.rig, line.before, groups_merged, 30);
	assert_grew(&line.rig, line.before, bring_ins, 2);
	assert_ok(viopf_residency(line.rig.c, IOVA_BASE, 32 * PAGE, pages));
	for (i = 0; i < 32; i++)
		assert_int_equal(pages[i] & (VFIO_IOPF_PAGE_RESIDENT | VFIO_IOPF_PAGE_WRITABLE),
				 VFIO_IOPF_PAGE_RESIDENT |
					   (i < 16 ? 0 : VFIO_IOPF_PAGE_WRITABLE));
	rig_close(&line.rig);
}

/* Neighbours that user space has not delivered are waited for by their own requests alone. */
static void waits_for_no_neighbour(void)
{
	struct uffd slow;
	struct line line;
	unsigned int i;

	line_open(&line);
	uffd_register(&slow, uffd_open(), line.p, 16 * PAGE, 0);
	for (i = 0; i < 16; i++)
		ask(&line, i, W);
	line_up(&line);
	line_move(&line);
	for (i = 0; i < 16; i++) {
		assert_ptr_equal(uffd_next(&slow, 30), line.p + i * PAGE);
		assert_grew(&line.rig, line.before, resp_success, 1 + (int)i);
		uffd_deliver(&slow, line.p + i * PAGE);
	}
	line_end(&line);
	assert_grew(&line.rig, line.before, groups_merged, 0);
	rig_close(&line.rig);
}

/* The pages of one group. */
static void in_a_group(void)
{
	struct softdma_desc desc = sdma_fill(IOVA_BASE, 16 * PAGE, 5, 0);
	struct line line;

	line_open(&line);
	line.before = rig_stats(&line.rig);
	desc.flags = SOFTDMA_F_GROUP(16);
	rig_do(&line.rig, &desc, SOFTDMA_OK);
	assert_grew(&line.rig, line.before, requests, 16);
	assert_grew(&line.rig, line.before, resp_success, 1);
	assert_grew(&line.rig, line.before, bring_ins, 1);
	assert_grew(&line.rig, line.before, pages_mapped, 16);
	assert_int_equal(present(&line), 16);
	cpu_check(line.p, 16 * PAGE, 5);
	rig_close(&line.rig);
}

/* So many stand in line, one a page: so many of them are answered along with others. */
static void line_of(unsigned int n, unsigned int merged, unsigned int bring_ins)
{
	struct line line;
	unsigned int i;

	line_open(&line);
	for (i = 0; i < n; i++)
		ask(&line, i, W);
	line_up(&line);
	line_move(&line);
	line_end(&line);
	assert_grew(&line.rig, line.before, groups_merged, merged);
	assert_grew(&line.rig, line.before, bring_ins, bring_ins);
	rig_close(&line.rig);
}

/* window_max_pages=1 is a page for a fault. */
static void one_by_one(void)
{
	line_of(8, 0, 8);
}

/* How far down the line is looked has a limit: 64 groups, 512 requests. The rest is found later. */
static void line_is_long(void)
{
	line_of(80, 64 + 14, 2);
}

/* Requests count, not their groups: no more of them stand in line than may. */
static void line_is_full(void)
{
	struct softdma_desc asks = sdma_request(IOVA_LIST, 96);
	struct line line;
	unsigned int i;

	line_open(&line);
	for (i = 0; i < 96; i++)
		line.list[i] = (struct softdma_request) {
			IOVA_BASE + i % NR_PAGES * PAGE, W | (i % 32 == 31 ? LAST : 0), i / 32,
		};
	line_stop(&line);
	assert_ok(sdma_submit(&line.rig.dma[0].q[0], &asks, 1));
	assert_true(wait_until(rig_stats(&line.rig).resp_failure ==
			       line.before.resp_failure + 1, 30));
	assert_grew(&line.rig, line.before, groups, 3);
	assert_grew(&line.rig, line.before, resp_success, 0);
	line_move(&line);
	assert_pending(&line.rig, 0);
	assert_grew(&line.rig, line.before, resp_success, 3);
	assert_grew(&line.rig, line.before, resp_failure, 1);
	rig_close(&line.rig);
}

#define ONE	"max_workers=1"

static const struct suite_case cases[] = {
	CASE("S6 S9 requests in line are resolved together, in any order", in_any_order,
	     .iopf = ONE),
	CASE("S6 S9 but not what lies between", with_a_gap, .iopf = ONE),
	CASE("S6 R16 each as it was asked for", by_permission, .iopf = ONE),
	CASE("S6 R7 and wait for no neighbour", waits_for_no_neighbour, .iopf = ONE),
	CASE("S6 S9 the pages of a group are resolved together", in_a_group),
	CASE("S6 S9 and as many as there is time for", line_is_long, .iopf = ONE),
	CASE("S6 a page for a fault, where that is asked for", one_by_one,
	     .iopf = EXACT " " ONE),
	CASE("S6 R16 only so many requests stand in line", line_is_full,
	     .iopf = ONE " max_faults=64"),
};

int main(int argc, char **argv)
{
	return SUITE(cases, argc, argv);
}
