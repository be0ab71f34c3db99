/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The residency record of one segment: which of its pages devices can reach,
 * which of them for writing, and which by a leaf larger than a page.
 *
 * See residency.c for the invariants.
 */
#ifndef VIOPF_RESIDENCY_H
#define VIOPF_RESIDENCY_H

#include <linux/bits.h>
#include <linux/types.h>

/* A block is 2 MiB of IOVA, what one huge leaf maps: this many pages. */
#define VIOPF_BLOCK_SHIFT	9
#define VIOPF_BLOCK_PAGES	BIT(VIOPF_BLOCK_SHIFT)

/* A giant leaf maps 1 GiB of IOVA: this many pages. */
#define VIOPF_GIANT_SHIFT	18
#define VIOPF_GIANT_PAGES	BIT(VIOPF_GIANT_SHIFT)

/*
 * A segment covers so much IOVA, 64 MiB: chosen by measurement, see docs/design.md,
 * section 2. bench/segment-sizes builds the module with others, from a block to a giant
 * leaf.
 */
#ifndef VIOPF_SEGMENT_SHIFT
#define VIOPF_SEGMENT_SHIFT	26
#endif

/* Blocks that a record may touch: a giant leaf's, and one more if it begins within one. */
#define VIOPF_RECORD_BLOCKS	(VIOPF_GIANT_PAGES / VIOPF_BLOCK_PAGES + 1)

/**
 * struct viopf_residency - the pages of one segment that the IOMMU maps
 * @first_iopfn: IOVA page number (iova >> PAGE_SHIFT) of page 0
 * @nr_pages: pages covered
 * @nr_resident: pages with their bit in @mapped
 * @mapped: a bit a page; also the start of the one allocation, which of a whole segment
 *	takes a page of memory
 * @writable: a bit a page, a subset of @mapped
 * @huge: a bit per block, block 0 being that of page 0: mapped as one leaf
 * @giant: one giant leaf maps the whole record
 *
 * Nothing in here is locked: the owner's lock guards it all.
 */
struct viopf_residency {
	unsigned long	first_iopfn;
	unsigned long	nr_pages;
	unsigned long	nr_resident;
	unsigned long	*mapped;
	unsigned long	*writable;
	unsigned long	huge[VIOPF_RECORD_BLOCKS / BITS_PER_LONG + 1];
	bool		giant;
};

int viopf_residency_init(struct viopf_residency *r, unsigned long first_iopfn,
			 unsigned long nr_pages, gfp_t gfp);
void viopf_residency_deinit(struct viopf_residency *r);

bool viopf_residency_test(const struct viopf_residency *r, unsigned long page,
			  bool writable);
bool viopf_residency_any(const struct viopf_residency *r, unsigned long first,
			 unsigned long end);
bool viopf_residency_is_huge(const struct viopf_residency *r,
			     unsigned long page);

void viopf_residency_set(struct viopf_residency *r, unsigned long first,
			 unsigned long end, bool writable);
void viopf_residency_set_huge(struct viopf_residency *r, unsigned long first,
			      unsigned long end, bool writable);
void viopf_residency_set_giant(struct viopf_residency *r, bool writable);
unsigned long viopf_residency_clear(struct viopf_residency *r,
				    unsigned long first, unsigned long end);
void viopf_residency_move(struct viopf_residency *to,
			  struct viopf_residency *from);

void viopf_residency_widen(const struct viopf_residency *r,
			   unsigned long *first, unsigned long *end);
bool viopf_residency_next_run(const struct viopf_residency *r,
			      unsigned long *first, unsigned long *end,
			      unsigned long limit);
unsigned long viopf_residency_next_missing(const struct viopf_residency *r,
					   unsigned long first,
					   unsigned long limit, bool writable);

#endif /* VIOPF_RESIDENCY_H */
