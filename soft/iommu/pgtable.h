/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * softiommu's page table: a radix tree of four levels of 512 entries, as an x86
 * page table is, with leaves of 4 KiB, 2 MiB and 1 GiB.
 *
 * See pgtable.c for the rules.  Nothing here knows of the iommu core: memory comes
 * through struct pgt_ops, so that the code runs in user space just as well.
 */
#ifndef SOFT_PGTABLE_H
#define SOFT_PGTABLE_H

#include <linux/bits.h>
#include <linux/types.h>

#define PGT_PAGE_SHIFT		12
#define PGT_LEVEL_BITS		9
#define PGT_LEVELS		4
#define PGT_ENTRIES		BIT(PGT_LEVEL_BITS)
#define PGT_LEAF_LEVELS		3	/* a leaf can be at levels 0 to 2 */
#define PGT_IOVA_BITS		48
#define PGT_TABLE_BYTES		(PGT_ENTRIES * sizeof(u64))

/* Permissions of a leaf. */
#define PGT_READ		BIT(0)
#define PGT_WRITE		BIT(1)

/**
 * enum pgt_unmap_mode - what to do when part of a leaf is to be unmapped
 * @PGT_UNMAP_EXACT: split the leaf
 * @PGT_UNMAP_WHOLE: unmap the whole leaf
 * @PGT_UNMAP_REFUSE: unmap nothing of it
 */
enum pgt_unmap_mode {
	PGT_UNMAP_EXACT,
	PGT_UNMAP_WHOLE,
	PGT_UNMAP_REFUSE,
};

/**
 * struct pgt_ops - where table pages come from and go to
 * @alloc: a zeroed, aligned page of PGT_TABLE_BYTES; NULL if there is none.  May
 *	sleep if @gfp says so
 * @free: give back what @alloc or @take gave and nobody else has seen
 * @retire: give back a table that somebody may still be walking: to be freed when
 *	they are gone
 * @reserve: called before a leaf above level 0 is mapped: make sure that there
 *	will be a page for splitting it.  0 or -ENOMEM
 * @unreserve: called when a leaf above level 0 is gone
 * @take: a page for splitting a leaf, which adds @more leaves above level 0 to the
 *	number (it may be -1).  Never sleeps; NULL if there is no page
 *
 * @unreserve, @take, @retire and @free must be callable in any context.
 */
struct pgt_ops {
	void *(*alloc)(void *ctx, gfp_t gfp);
	void (*free)(void *ctx, void *table);
	void (*retire)(void *ctx, void *table);
	int (*reserve)(void *ctx, gfp_t gfp);
	void (*unreserve)(void *ctx);
	void *(*take)(void *ctx, int more);
};

/**
 * struct pgt - a page table
 * @root: the table at level PGT_LEVELS - 1
 * @ops: see above
 * @ctx: passed to each of @ops
 */
struct pgt {
	u64 *root;
	const struct pgt_ops *ops;
	void *ctx;
};

/**
 * struct pgt_leaf - what a lookup found
 * @paddr: the physical address that the IOVA translates to
 * @bytes: size of the leaf
 * @prot: PGT_READ, PGT_WRITE
 */
struct pgt_leaf {
	u64 paddr;
	u64 bytes;
	unsigned int prot;
};

/**
 * struct pgt_change - what a call changed; calls add to it
 * @leaves: leaves by level, made by mapping (made minus split ones when splitting),
 *	or taken away by unmapping
 * @split: leaves that became tables, by level
 * @start: first IOVA that was unmapped
 * @last: last IOVA that was unmapped, inclusive; below @start if none was
 */
struct pgt_change {
	unsigned long leaves[PGT_LEAF_LEVELS];
	unsigned long split[PGT_LEAF_LEVELS];
	u64 start;
	u64 last;
};

static inline u64 pgt_level_bytes(unsigned int level)
{
	return BIT_ULL(PGT_PAGE_SHIFT + PGT_LEVEL_BITS * level);
}

static inline void pgt_change_init(struct pgt_change *change)
{
	*change = (struct pgt_change){ .start = ~0ULL };
}

int pgt_init(struct pgt *pgt, const struct pgt_ops *ops, void *ctx, gfp_t gfp);
void pgt_deinit(struct pgt *pgt, struct pgt_change *change);

int pgt_map(struct pgt *pgt, u64 iova, u64 paddr, u64 leaf_bytes, u64 count,
	    unsigned int prot, gfp_t gfp, u64 *mapped, struct pgt_change *change);
u64 pgt_unmap(struct pgt *pgt, u64 iova, u64 bytes, enum pgt_unmap_mode mode,
	      struct pgt_change *change);
bool pgt_lookup(const struct pgt *pgt, u64 iova, struct pgt_leaf *leaf);

#endif /* SOFT_PGTABLE_H */
