/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An area: memory that a device uses while the product tracks what it writes, and
 * an oracle that knows each operation the device was given. area_check() compares
 * the two, bit by bit.
 */
#ifndef VIOPF_TEST_AREA_H
#define VIOPF_TEST_AREA_H

#include <stdint.h>

#include "rig.h"

#define AREA_MAX_PAGES	2048u

struct area {
	struct rig *rig;
	char *p;		/* the memory */
	uint64_t iova;		/* and as the device sees it */
	unsigned int pages;
	uint64_t random;
	unsigned char dirty[AREA_MAX_PAGES];	/* pages written since the last check */
	uint64_t bits[AREA_MAX_PAGES / 64];	/* as reported last */
};

/* Map @size bytes at @p for the device; nothing is dirty. */
void area_open(struct area *a, struct rig *rig, void *p, uint64_t iova, size_t size);

/* A number below @below, the same in each run. */
unsigned int area_pick(struct area *a, unsigned int below);

static inline int area_bit(const uint64_t *bits, unsigned int page)
{
	return bits[page / 64] >> (page % 64) & 1;
}

/* The device reads @n pages, or writes parts of them; by device @dev, or the first. */
void area_read(struct area *a, unsigned int page, unsigned int n);
void area_write(struct area *a, unsigned int page, unsigned int n);
void area_write_by(struct area *a, unsigned int dev, unsigned int page, unsigned int n);

/* Random operations of the device, each on @most pages at the most. */
void area_use(struct area *a, unsigned int times, unsigned int most);

/* Have the bitmap reported; have it compared; both. The oracle then begins anew. */
void area_get(struct area *a);
void area_judge(struct area *a);
void area_check(struct area *a);

/* From now on every page has been written. */
void area_all_dirty(struct area *a);

/* Copy what was reported dirty to the same places at @to; returns how many pages. */
unsigned int area_copy_reported(const struct area *a, char *to);

/* @copy is what the memory is now. */
void area_assert_same(const struct area *a, const char *copy);

#endif /* VIOPF_TEST_AREA_H */
