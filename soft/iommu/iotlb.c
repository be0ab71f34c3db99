// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lanes: access to memory through the IOTLB and the page table.
 *
 * An access holds the lane's lock from the look-up of the translation until the last
 * byte is copied.  That is all there is to the order between accesses and flushes: a
 * flush takes each lane's lock in turn, so that when it has the lock no access is in
 * the middle, and when it is gone none finds the flushed translation.  It also is how
 * an abort is complete when it returns: the device changes the lane's epoch under the
 * lock, and accesses for the old one are refused.
 *
 * The lock is a raw one with interrupts off, because the device changes the epoch from
 * a config space access, which the PCI core makes under such a lock.  It is held for
 * one page at most.
 *
 * Entries are tagged with a generation, so that dropping all of them takes no walk.  How
 * many are valid is counted by the 2 MiB block that they are in (blocks far apart share a
 * counter), so that flushing what was never remembered costs next to nothing: to look for
 * it would be the larger part of what unmapping memory costs in this model.
 */
#include <linux/hash.h>
#include <linux/highmem.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/vmalloc.h>

#include "iommu_priv.h"

#define SOFT_IOPFN_BITS		(PGT_IOVA_BITS - PGT_PAGE_SHIFT)
#define SOFT_GENERATION_MAX	(BIT(64 - SOFT_IOPFN_BITS) - 1)

static unsigned int iotlb = SOFT_IOTLB_ENTRIES;
module_param(iotlb, uint, 0444);
MODULE_PARM_DESC(iotlb, "translations that an IOTLB holds, a power of two, 64 to 16384 (default 16384)");

/**
 * soft_iotlb_check() - is the size asked for one that can be made?
 *
 * Return: 0 or -EINVAL
 */
int soft_iotlb_check(void)
{
	return is_power_of_2(iotlb) && iotlb >= 64 && iotlb <= SOFT_IOTLB_ENTRIES ? 0 : -EINVAL;
}

int soft_lane_init(struct soft_lane *lane)
{
	raw_spin_lock_init(&lane->lock);
	lane->generation = 1;
	lane->set_bits = ilog2(iotlb / SOFT_IOTLB_WAYS);
	lane->iotlb = vcalloc(iotlb, sizeof(*lane->iotlb));
	return lane->iotlb ? 0 : -ENOMEM;
}

void soft_lane_deinit(struct soft_lane *lane)
{
	vfree(lane->iotlb);
}

static u64 soft_key(const struct soft_lane *lane, u64 iopfn)
{
	return (u64)lane->generation << SOFT_IOPFN_BITS | iopfn;
}

static struct soft_iotlb_entry *soft_set(struct soft_lane *lane, u64 iopfn)
{
	return &lane->iotlb[hash_64(iopfn, lane->set_bits) *
			    SOFT_IOTLB_WAYS];
}

static struct soft_iotlb_entry *soft_iotlb_find(struct soft_lane *lane,
						u64 iopfn)
{
	struct soft_iotlb_entry *set = soft_set(lane, iopfn);
	u64 key = soft_key(lane, iopfn);
	unsigned int way;

	for (way = 0; way < SOFT_IOTLB_WAYS; way++)
		if (set[way].key == key)
			return &set[way];
	return NULL;
}

static struct soft_iotlb_entry *soft_iotlb_victim(struct soft_lane *lane,
						  u64 iopfn)
{
	struct soft_iotlb_entry *set = soft_set(lane, iopfn);
	unsigned int way;

	for (way = 0; way < SOFT_IOTLB_WAYS; way++)
		if (set[way].key >> SOFT_IOPFN_BITS != lane->generation)
			return &set[way];
	return &set[lane->victim++ % SOFT_IOTLB_WAYS];
}

static u16 *soft_block_count(struct soft_lane *lane, u64 iopfn)
{
	return &lane->blocks[(iopfn >> SOFT_BLOCK_SHIFT) %
			     ARRAY_SIZE(lane->blocks)];
}

static void soft_iotlb_clear(struct soft_lane *lane,
			     struct soft_iotlb_entry *entry)
{
	--*soft_block_count(lane, entry->key & (BIT_ULL(SOFT_IOPFN_BITS) - 1));
	entry->key = 0;
}

static void soft_iotlb_drop_all(struct soft_lane *lane)
{
	lane->filled = false;
	memset(lane->blocks, 0, sizeof(lane->blocks));
	if (lane->generation++ < SOFT_GENERATION_MAX)
		return;
	lane->generation = 1;
	memset(lane->iotlb, 0, iotlb * sizeof(*lane->iotlb));
}

/* Every entry in the range, found by going through the whole IOTLB. */
static void soft_iotlb_sweep(struct soft_lane *lane, u64 first, u64 last)
{
	u64 low = soft_key(lane, first), high = soft_key(lane, last);
	unsigned int i;

	for (i = 0; i < iotlb; i++)
		if (lane->iotlb[i].key >= low && lane->iotlb[i].key <= high)
			soft_iotlb_clear(lane, &lane->iotlb[i]);
}

/* The end of the block that a page is in, or of the range, inclusive. */
static u64 soft_block_last(u64 iopfn, u64 last)
{
	return min(last, iopfn | (BIT_ULL(SOFT_BLOCK_SHIFT) - 1));
}

/* Pages of the range that are in blocks of which anything may be remembered. */
static u64 soft_iotlb_candidates(struct soft_lane *lane, u64 first, u64 last)
{
	u64 pages = 0, stop;

	if (last - first >= ARRAY_SIZE(lane->blocks) << SOFT_BLOCK_SHIFT)
		return last - first + 1;
	for (; first <= last; first = stop + 1) {
		stop = soft_block_last(first, last);
		if (*soft_block_count(lane, first))
			pages += stop - first + 1;
	}
	return pages;
}

/* Every entry in the range, found by looking for each page that there may be. */
static void soft_iotlb_pick(struct soft_lane *lane, u64 first, u64 last)
{
	struct soft_iotlb_entry *entry;

	for (; first <= last; first++) {
		if (!*soft_block_count(lane, first)) {
			first = soft_block_last(first, last);
			continue;
		}
		entry = soft_iotlb_find(lane, first);
		if (entry)
			soft_iotlb_clear(lane, entry);
	}
}

/**
 * soft_lane_flush() - forget the translations of a range
 * @lane: the lane
 * @iova: first address
 * @last: last address, inclusive
 *
 * On return no access that used one of them is running.
 */
void soft_lane_flush(struct soft_lane *lane, u64 iova, u64 last)
{
	u64 first = iova >> PGT_PAGE_SHIFT, end = last >> PGT_PAGE_SHIFT;
	unsigned long flags;

	if (end >= BIT_ULL(SOFT_IOPFN_BITS))
		end = BIT_ULL(SOFT_IOPFN_BITS) - 1;

	raw_spin_lock_irqsave(&lane->lock, flags);
	if (!lane->filled)
		goto out_unlock;
	if (first == 0 && end == BIT_ULL(SOFT_IOPFN_BITS) - 1)
		soft_iotlb_drop_all(lane);
	else if (soft_iotlb_candidates(lane, first, end) >=
		 SOFT_IOTLB_ENTRIES / SOFT_IOTLB_WAYS)
		soft_iotlb_sweep(lane, first, end);
	else
		soft_iotlb_pick(lane, first, end);
out_unlock:
	raw_spin_unlock_irqrestore(&lane->lock, flags);
}

/**
 * soft_lane_set_domain() - let accesses go through another domain
 * @lane: the lane
 * @domain: the domain, NULL for none
 *
 * On return no access through the old one is running.
 */
void soft_lane_set_domain(struct soft_lane *lane, struct soft_domain *domain)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&lane->lock, flags);
	lane->domain = domain;
	soft_iotlb_drop_all(lane);
	raw_spin_unlock_irqrestore(&lane->lock, flags);
}

/**
 * softiommu_lane_set_epoch() - abort what runs in the lane
 * @lane: the lane
 * @epoch: the only one whose accesses are let through from now on
 *
 * On return no access of another epoch is running.  Callable in any context.
 */
void softiommu_lane_set_epoch(struct soft_lane *lane, u32 epoch)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&lane->lock, flags);
	lane->epoch = epoch;
	raw_spin_unlock_irqrestore(&lane->lock, flags);
}
EXPORT_SYMBOL_GPL(softiommu_lane_set_epoch);

/* The page and its permissions, remembered from now on. */
static int soft_walk(struct soft_lane *lane, u64 iova, unsigned int prot,
		     u64 *paddr)
{
	u64 iopfn = iova >> PGT_PAGE_SHIFT;
	struct soft_iotlb_entry *entry;
	struct pgt_leaf leaf;

	soft_count(SOFT_TRANSLATIONS, 1);
	if (!lane->domain || !pgt_lookup(&lane->domain->pgt, iova, &leaf) ||
	    (leaf.prot & prot) != prot)
		return -EFAULT;

	entry = soft_iotlb_find(lane, iopfn);
	if (!entry) {
		entry = soft_iotlb_victim(lane, iopfn);
		if (entry->key >> SOFT_IOPFN_BITS == lane->generation)
			soft_iotlb_clear(lane, entry);
		++*soft_block_count(lane, iopfn);
	}
	*paddr = leaf.paddr & PAGE_MASK;
	entry->paddr = *paddr | leaf.prot;
	entry->key = soft_key(lane, iopfn);
	lane->filled = true;
	return 0;
}

static int soft_translate(struct soft_lane *lane, u64 iova, unsigned int prot,
			  u64 *paddr)
{
	struct soft_iotlb_entry *entry;

	if (iova >= BIT_ULL(PGT_IOVA_BITS))
		return -EFAULT;
	entry = soft_iotlb_find(lane, iova >> PGT_PAGE_SHIFT);
	if (!entry || (entry->paddr & prot) != prot)
		return soft_walk(lane, iova, prot, paddr);
	soft_count(SOFT_IOTLB_HITS, 1);
	*paddr = entry->paddr & PAGE_MASK;
	return 0;
}

/**
 * softiommu_access() - one access to memory
 * @lane: who makes it
 * @epoch: it is made only while the lane is in this epoch
 * @iova: address
 * @bytes: how much, not crossing a page
 * @prot: PGT_READ, PGT_WRITE: what is needed
 * @fn: makes the access; the lane is locked and interrupts are off
 * @ctx: for @fn
 *
 * Return: 0; -ECANCELED: the lane's epoch is another; -EFAULT: no translation with
 * these permissions; -EIO: the translation does not lead to RAM
 */
int softiommu_access(struct soft_lane *lane, u32 epoch, u64 iova, size_t bytes,
		     unsigned int prot, soft_access_fn fn, void *ctx)
{
	size_t offset = offset_in_page(iova);
	unsigned long flags;
	u64 paddr;
	void *page;
	int ret;

	raw_spin_lock_irqsave(&lane->lock, flags);
	ret = -ECANCELED;
	if (lane->epoch != epoch)
		goto out_unlock;
	ret = soft_translate(lane, iova, prot, &paddr);
	if (ret)
		goto out_unlock;
	ret = -EIO;
	if (!pfn_valid(PHYS_PFN(paddr)))
		goto out_unlock;

	page = kmap_local_pfn(PHYS_PFN(paddr));
	fn(page + offset, bytes, ctx);
	kunmap_local(page);
	ret = 0;
	if (prot & PGT_READ)
		soft_count(SOFT_DMA_READ_BYTES, bytes);
	if (prot & PGT_WRITE)
		soft_count(SOFT_DMA_WRITE_BYTES, bytes);
out_unlock:
	raw_spin_unlock_irqrestore(&lane->lock, flags);
	return ret;
}
EXPORT_SYMBOL_GPL(softiommu_access);

/**
 * softiommu_translates() - is there a translation
 * @lane: who asks
 * @iova: address
 * @prot: permissions needed
 *
 * Like an ATS translation request, but nothing is remembered.
 *
 * Return: whether the page table has one now
 */
bool softiommu_translates(struct soft_lane *lane, u64 iova, unsigned int prot)
{
	struct pgt_leaf leaf = {};
	unsigned long flags;
	bool found;

	raw_spin_lock_irqsave(&lane->lock, flags);
	found = lane->domain && pgt_lookup(&lane->domain->pgt, iova, &leaf) &&
		(leaf.prot & prot) == prot;
	raw_spin_unlock_irqrestore(&lane->lock, flags);
	return found;
}
EXPORT_SYMBOL_GPL(softiommu_translates);
