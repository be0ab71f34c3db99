// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device works by queue 0, one operation at a time, so that the oracle is never
 * ahead of it or behind.
 */
#include <string.h>

#include "area.h"

unsigned int area_pick(struct area *a, unsigned int below)
{
	a->random = a->random * 6364136223846793005ull + 1442695040888963407ull;
	return (unsigned int)(a->random >> 33) % below;
}

void area_open(struct area *a, struct rig *rig, void *p, uint64_t iova, size_t size)
{
	memset(a, 0, sizeof(*a));
	a->rig = rig;
	a->p = p;
	a->iova = iova;
	a->pages = (unsigned int)(size / PAGE);
	a->random = 1;
	assert_true(a->pages <= AREA_MAX_PAGES);
	rig_map(rig, p, iova, size);
}

/* The bits that were just reported are the oracle's; it begins anew. */
void area_judge(struct area *a)
{
	unsigned int page;

	for (page = 0; page < a->pages; page++)
		assert_msg(area_bit(a->bits, page) == a->dirty[page],
			   "page %u of %u is reported as %d and was written: %d", page, a->pages,
			   area_bit(a->bits, page), a->dirty[page]);
	memset(a->dirty, 0, sizeof(a->dirty));
}

void area_get(struct area *a)
{
	assert_ok(viopf_dirty_get(a->rig->c, a->iova, a->pages * PAGE, a->bits));
}

void area_check(struct area *a)
{
	area_get(a);
	area_judge(a);
}

/* The device, by queue 0 of device @dev, writes or reads part of some pages. */
void area_write_by(struct area *a, unsigned int dev, unsigned int page, unsigned int n)
{
	struct softdma_desc fill = sdma_fill(a->iova + page * PAGE + 64, n * PAGE - 128,
					     a->random, 0);

	assert_int_equal(sdma_do(&a->rig->dma[dev].q[0], &fill, DMA_LIMIT_MS), SOFTDMA_OK);
	memset(a->dirty + page, 1, n);
}

void area_write(struct area *a, unsigned int page, unsigned int n)
{
	area_write_by(a, 0, page, n);
}

void area_read(struct area *a, unsigned int page, unsigned int n)
{
	dev_read(a->rig, a->iova + page * PAGE, n * PAGE, SOFTDMA_OK);
}

/* Random operations of the device, of at most @most pages. */
void area_use(struct area *a, unsigned int times, unsigned int most)
{
	while (times--) {
		unsigned int n = 1 + area_pick(a, most), page = area_pick(a, a->pages - n + 1);

		if (area_pick(a, 3))
			area_read(a, page, n);
		else
			area_write(a, page, n);
	}
}

void area_all_dirty(struct area *a)
{
	memset(a->dirty, 1, sizeof(a->dirty));
}

/* Copy what is reported dirty; returns how many pages that was. */
unsigned int area_copy_reported(const struct area *a, char *to)
{
	unsigned int page, n = 0;

	for (page = 0; page < a->pages; page++) {
		if (!area_bit(a->bits, page))
			continue;
		memcpy(to + page * PAGE, a->p + page * PAGE, PAGE);
		n++;
	}
	return n;
}

void area_assert_same(const struct area *a, const char *copy)
{
	unsigned int page;

	for (page = 0; page < a->pages; page++)
		assert_msg(!memcmp(copy + page * PAGE, a->p + page * PAGE, PAGE),
			   "a write to page %u was lost", page);
}
