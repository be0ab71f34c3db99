// SPDX-License-Identifier: GPL-2.0-only
/*
 * softiommu's page table.
 *
 * An entry is one of
 *	0				nothing is mapped
 *	address of a table | PGT_TABLE	a table one level down (not at level 0)
 *	physical address | PGT_LEAF | permissions
 * where the address of a table is the kernel's pointer, not a physical address:
 * nobody but this file reads it.
 *
 * Concurrency.  There is no lock.  Entries change by single atomic operations, so
 * that calls for different ranges may run in parallel and a lookup may run beside
 * anything.  Two calls that change the same range at the same time, or a lookup
 * beside a change of the same range, are the caller's to avoid (the iommu core asks
 * as much of its users) except that a lookup then finds either state.
 *
 * Tables.  Unmapping leaves empty tables where they are.  A table goes away in two
 * cases only: with the whole page table, and when a larger leaf is mapped where an
 * empty table is; then it is "retired", since a lookup may be in it.
 *
 * Splitting.  To unmap part of a leaf exactly, the leaf is replaced by a table with
 * the same translations.  Unmapping must not wait for memory, so mapping a leaf of
 * 2 MiB or 1 GiB sets a page aside (ops->reserve).  That one page splits a 2 MiB
 * leaf completely, and a 1 GiB leaf into 2 MiB leaves, for which no pages have been
 * set aside; ops->take then tries what it can.
 *
 * All ranges are (start, bytes) with bytes > 0, aligned to 4 KiB.
 */
#include <linux/atomic.h>
#include <linux/compiler.h>
#include <linux/errno.h>

#include "pgtable.h"

#define PGT_LEAF	BIT(2)
#define PGT_TABLE	BIT(3)
#define PGT_PROT	(PGT_READ | PGT_WRITE)
#define PGT_FLAGS	(BIT(PGT_PAGE_SHIFT) - 1)

static unsigned int pgt_index(u64 iova, unsigned int level)
{
	return (iova >> (PGT_PAGE_SHIFT + PGT_LEVEL_BITS * level)) &
	       (PGT_ENTRIES - 1);
}

static u64 *pgt_entry_table(u64 entry)
{
	return (u64 *)(uintptr_t)(entry & ~(u64)PGT_FLAGS);
}

static u64 pgt_table_entry(const u64 *table)
{
	return (u64)(uintptr_t)table | PGT_TABLE;
}

static bool pgt_range_ok(u64 iova, u64 bytes)
{
	u64 end = iova + bytes;

	return bytes && !((iova | bytes) & PGT_FLAGS) && end > iova &&
	       end <= BIT_ULL(PGT_IOVA_BITS);
}

/**
 * pgt_init() - make an empty page table
 * @pgt: to set up
 * @ops: where memory comes from
 * @ctx: passed to each of @ops
 * @gfp: for the root table
 *
 * Return: 0 or -ENOMEM
 */
int pgt_init(struct pgt *pgt, const struct pgt_ops *ops, void *ctx, gfp_t gfp)
{
	pgt->ops = ops;
	pgt->ctx = ctx;
	pgt->root = ops->alloc(ctx, gfp);
	return pgt->root ? 0 : -ENOMEM;
}

typedef void (*pgt_put_fn)(void *ctx, void *table);

/* Free @table and all below it; depth is bounded by PGT_LEVELS. */
static void pgt_free_tables(struct pgt *pgt, u64 *table, unsigned int level,
			    pgt_put_fn put, struct pgt_change *change)
{
	unsigned int i;

	for (i = 0; i < PGT_ENTRIES; i++) {
		u64 entry = READ_ONCE(table[i]);

		if (entry & PGT_LEAF)
			change->leaves[level]++;
		else if (entry & PGT_TABLE)
			pgt_free_tables(pgt, pgt_entry_table(entry), level - 1,
					put, change);
	}
	put(pgt->ctx, table);
}

/**
 * pgt_deinit() - free all tables, whatever is mapped
 * @pgt: nobody uses it any more
 * @change: the leaves that were mapped are added to it, but not their addresses
 */
void pgt_deinit(struct pgt *pgt, struct pgt_change *change)
{
	if (pgt->root)
		pgt_free_tables(pgt, pgt->root, PGT_LEVELS - 1, pgt->ops->free,
				change);
	pgt->root = NULL;
}

/* No leaf in @table nor below it. */
static bool pgt_tables_empty(const u64 *table)
{
	unsigned int i;

	for (i = 0; i < PGT_ENTRIES; i++) {
		u64 entry = READ_ONCE(table[i]);

		if (entry & PGT_LEAF)
			return false;
		if ((entry & PGT_TABLE) &&
		    !pgt_tables_empty(pgt_entry_table(entry)))
			return false;
	}
	return true;
}

/* The table that @slot leads to, made if there is none. */
static int pgt_next_table(struct pgt *pgt, u64 *slot, gfp_t gfp, u64 **next)
{
	u64 entry = READ_ONCE(*slot);
	u64 *table;

	if (!entry) {
		table = pgt->ops->alloc(pgt->ctx, gfp);
		if (!table)
			return -ENOMEM;
		entry = cmpxchg(slot, 0, pgt_table_entry(table));
		if (!entry)
			entry = pgt_table_entry(table);
		else
			pgt->ops->free(pgt->ctx, table);
	}
	if (entry & PGT_LEAF)
		return -EEXIST;
	*next = pgt_entry_table(entry);
	return 0;
}

/* The slot for a leaf at @level, with the tables on the way to it. */
static int pgt_leaf_slot(struct pgt *pgt, u64 iova, unsigned int level,
			 gfp_t gfp, u64 **slot)
{
	u64 *table = pgt->root;
	unsigned int l;
	int ret;

	for (l = PGT_LEVELS - 1; l > level; l--) {
		ret = pgt_next_table(pgt, &table[pgt_index(iova, l)], gfp,
				     &table);
		if (ret)
			return ret;
	}
	*slot = &table[pgt_index(iova, level)];
	return 0;
}

/* Put a leaf into a slot that has nothing, or tables with nothing in them. */
static int pgt_set_leaf(struct pgt *pgt, u64 *slot, u64 leaf,
			unsigned int level)
{
	struct pgt_change none = {};
	u64 old = READ_ONCE(*slot);
	u64 *table = NULL;

	if (old & PGT_TABLE) {
		table = pgt_entry_table(old);
		if (!pgt_tables_empty(table))
			return -EEXIST;
	} else if (old) {
		return -EEXIST;
	}
	if (cmpxchg(slot, old, leaf) != old)
		return -EEXIST;
	if (table)
		pgt_free_tables(pgt, table, level - 1, pgt->ops->retire, &none);
	return 0;
}

static int pgt_map_leaf(struct pgt *pgt, u64 iova, u64 leaf, unsigned int level,
			gfp_t gfp)
{
	u64 *slot;
	int ret;

	if (level) {
		ret = pgt->ops->reserve(pgt->ctx, gfp);
		if (ret)
			return ret;
	}
	ret = pgt_leaf_slot(pgt, iova, level, gfp, &slot);
	if (!ret)
		ret = pgt_set_leaf(pgt, slot, leaf, level);
	if (ret && level)
		pgt->ops->unreserve(pgt->ctx);
	return ret;
}

static int pgt_leaf_level(u64 bytes)
{
	int level;

	for (level = 0; level < PGT_LEAF_LEVELS; level++)
		if (bytes == pgt_level_bytes(level))
			return level;
	return -EINVAL;
}

/**
 * pgt_map() - map @count leaves of one size
 * @pgt: the table
 * @iova: aligned to @leaf_bytes
 * @paddr: aligned to @leaf_bytes
 * @leaf_bytes: 4 KiB, 2 MiB or 1 GiB
 * @count: number of leaves
 * @prot: PGT_READ, PGT_WRITE: at least one
 * @gfp: for tables
 * @mapped: the number of bytes mapped is added to it, also on failure
 * @change: what was done is added to it
 *
 * Return: 0; -EINVAL: not aligned, no permission, not a leaf size; -ERANGE: outside
 * the aperture; -EEXIST: something is mapped there; -ENOMEM
 */
int pgt_map(struct pgt *pgt, u64 iova, u64 paddr, u64 leaf_bytes, u64 count,
	    unsigned int prot, gfp_t gfp, u64 *mapped, struct pgt_change *change)
{
	int level = pgt_leaf_level(leaf_bytes);
	int ret;

	if (level < 0 || ((iova | paddr) & (leaf_bytes - 1)) ||
	    !prot || (prot & ~PGT_PROT))
		return -EINVAL;
	if (!count || count > BIT_ULL(PGT_IOVA_BITS) / leaf_bytes ||
	    !pgt_range_ok(iova, leaf_bytes * count))
		return -ERANGE;

	for (; count; count--) {
		ret = pgt_map_leaf(pgt, iova, paddr | PGT_LEAF | prot, level,
				   gfp);
		if (ret)
			return ret;
		change->leaves[level]++;
		*mapped += leaf_bytes;
		iova += leaf_bytes;
		paddr += leaf_bytes;
	}
	return 0;
}

/* The slot of the leaf that maps @iova, NULL if none does. */
static u64 *pgt_find(const struct pgt *pgt, u64 iova, unsigned int *level,
		     u64 *leaf)
{
	u64 *table = pgt->root;
	unsigned int l;

	if (iova >= BIT_ULL(PGT_IOVA_BITS))
		return NULL;
	for (l = PGT_LEVELS - 1;; l--) {
		u64 *slot = &table[pgt_index(iova, l)];
		u64 entry = READ_ONCE(*slot);

		if (entry & PGT_LEAF) {
			*level = l;
			*leaf = entry;
			return slot;
		}
		if (!(entry & PGT_TABLE) || !l)
			return NULL;
		table = pgt_entry_table(entry);
	}
}

/**
 * pgt_lookup() - translate
 * @pgt: the table
 * @iova: any address
 * @found: set if something is mapped there
 *
 * Return: whether something is
 */
bool pgt_lookup(const struct pgt *pgt, u64 iova, struct pgt_leaf *found)
{
	unsigned int level;
	u64 leaf;

	if (!pgt_find(pgt, iova, &level, &leaf))
		return false;
	found->bytes = pgt_level_bytes(level);
	found->paddr = (leaf & ~(u64)PGT_FLAGS) | (iova & (found->bytes - 1));
	found->prot = leaf & PGT_PROT;
	return true;
}

/* Replace a leaf by a table that says the same. */
static bool pgt_split(struct pgt *pgt, u64 *slot, u64 leaf, unsigned int level,
		      struct pgt_change *change)
{
	u64 step = pgt_level_bytes(level - 1);
	unsigned int i;
	u64 *table;

	table = pgt->ops->take(pgt->ctx, level > 1 ? PGT_ENTRIES - 1 : -1);
	if (!table)
		return false;
	for (i = 0; i < PGT_ENTRIES; i++)
		table[i] = leaf + i * step;
	/* Orders the entries before the pointer to them. */
	xchg(slot, pgt_table_entry(table));
	change->split[level]++;
	return true;
}

static void pgt_clear_leaf(struct pgt *pgt, u64 *slot, u64 start,
			   unsigned int level, struct pgt_change *change)
{
	u64 last = start + pgt_level_bytes(level) - 1;

	xchg(slot, 0);
	if (level)
		pgt->ops->unreserve(pgt->ctx);
	change->leaves[level]++;
	if (change->start > start)
		change->start = start;
	if (change->last < last)
		change->last = last;
}

/**
 * pgt_unmap() - unmap what is mapped from an address on
 * @pgt: the table
 * @iova: start
 * @bytes: how much
 * @mode: what to do with a leaf that is not wholly inside the range
 * @change: what was done is added to it
 *
 * Stops at the first address that has no translation.  With PGT_UNMAP_WHOLE, also
 * stops after a leaf that is not wholly inside the range, and counts all of it.
 * Neither sleeps nor waits.
 *
 * Return: the bytes unmapped, which may be more than @bytes
 */
u64 pgt_unmap(struct pgt *pgt, u64 iova, u64 bytes, enum pgt_unmap_mode mode,
	      struct pgt_change *change)
{
	u64 done = 0;

	if (!pgt_range_ok(iova, bytes))
		return 0;

	while (done < bytes) {
		unsigned int level;
		u64 leaf, size, start;
		u64 *slot = pgt_find(pgt, iova + done, &level, &leaf);

		if (!slot)
			break;
		size = pgt_level_bytes(level);
		start = (iova + done) & ~(size - 1);
		if (start == iova + done && size <= bytes - done) {
			pgt_clear_leaf(pgt, slot, start, level, change);
			done += size;
		} else if (mode == PGT_UNMAP_WHOLE) {
			pgt_clear_leaf(pgt, slot, start, level, change);
			return done + size;
		} else if (mode == PGT_UNMAP_REFUSE ||
			   !pgt_split(pgt, slot, leaf, level, change)) {
			break;
		}
	}
	return done;
}
