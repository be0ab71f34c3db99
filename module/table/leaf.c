// SPDX-License-Identifier: GPL-2.0-only
/*
 * Leaves: putting pages of a table into the IOMMU and taking them out again,
 * in every domain at once, with the record kept equal.
 *
 * DOC: invariants
 *
 * All of it runs under table->lock, which evictions take from inside reclaim:
 * nothing here waits for memory. Mapping asks for page tables with a GFP that
 * may fail, and on failure leaves nothing behind. Unmapping allocates nothing:
 * the gather is on the stack.
 *
 * An IOMMU may map a run of pages by leaves larger than a page, and the IOMMU
 * API does not promise that part of a leaf can be unmapped. So the record
 * knows the leaves, by the rule iommu_pgsize() follows (drivers/iommu/iommu.c):
 * the largest size that addresses and length are aligned to. Domains are kept
 * to the sizes that the record can express (viopf_domain_fit()). A range
 * that goes is widened to whole leaves first.
 *
 * Some drivers make larger leaves than that of what comes by one call: Intel's looks
 * at addresses and length alone, and not at the domain's sizes
 * (hardware_largepage_caps() in drivers/iommu/intel/iommu.c). To unmap a range that
 * ends within such a leaf takes more away, or worse: dma_pte_clear_level() there may
 * take the memory behind the leaf for a page table. A domain's sizes may grow, too,
 * as groups come and go (domain_update_iommu_cap(), there). But no driver joins what
 * came by two calls. So
 *
 *	a call to iommu_map() covers a block of 2 MiB or 1 GiB as a whole only where
 *	the record gets it as one leaf, or as part of one
 *
 * and then the record knows every leaf that there is in any domain. The reverse need
 * not hold: what it has as one leaf a domain may have by smaller ones.
 *
 * What the IOMMU reports as unmapped is the truth. If it isn't what was asked
 * for, viopf_leaf_reconcile() compares the record with the page tables, page by
 * page, makes the domains agree, and where one refuses to let go, fails closed
 * (hold.c). What iommu_map() undoes when it fails is not reported: there the page
 * tables are looked at (viopf_leaf_retract()).
 */
#include <linux/hmm.h>

#include "table/internal.h"

static_assert(PMD_SHIFT - PAGE_SHIFT == VIOPF_BLOCK_SHIFT);
static_assert(PUD_SHIFT - PAGE_SHIFT == VIOPF_GIANT_SHIFT);
/* A leaf lies in one segment. */
static_assert(VIOPF_SEGMENT_SHIFT >= PMD_SHIFT && VIOPF_SEGMENT_SHIFT <= PUD_SHIFT);

/* As the page tables are charged to whom the fault is for, see fault/bring_in.c. */
#define VIOPF_GFP_LOCKED	(GFP_NOWAIT | __GFP_NOWARN | __GFP_ACCOUNT)

static size_t viopf_pages_bytes(unsigned long first, unsigned long end)
{
	return (size_t)(end - first) << PAGE_SHIFT;
}

/**
 * struct viopf_run - pages that go into the IOMMU by one call
 * @first: first page
 * @end: the page after the last
 * @phys: where the memory of @first is; the rest follows it
 * @leaf_bytes: by which leaves: PUD_SIZE, PMD_SIZE or PAGE_SIZE
 * @writable: devices may write as well
 */
struct viopf_run {
	unsigned long	first;
	unsigned long	end;
	phys_addr_t	phys;
	unsigned long	leaf_bytes;
	bool		writable;
};

/* Is a leaf of @leaf_bytes to be used at the start of this? */
static bool viopf_leaf_chosen(const struct viopf_table *table,
			      unsigned long page, unsigned long pages,
			      phys_addr_t phys, unsigned long leaf_bytes)
{
	unsigned long iova = viopf_table_iova(table, page);

	return (table->set->leaf_sizes & leaf_bytes) &&
	       IS_ALIGNED(iova | phys, leaf_bytes) &&
	       pages >= leaf_bytes >> PAGE_SHIFT;
}

/* Where small pages from @page on are cut, so that no call has a whole block of them. */
static unsigned long viopf_leaf_cut(const struct viopf_table *table,
				    unsigned long page)
{
	unsigned long half = VIOPF_BLOCK_PAGES / 2;

	return page + half - (table->residency.first_iopfn + page) % half;
}

/* From @run's first page on: how far may one call go, and by which leaves? */
static void viopf_leaf_plan(const struct viopf_table *table,
			    unsigned long end, struct viopf_run *run)
{
	unsigned long pages = end - run->first;

	run->leaf_bytes = PAGE_SIZE;
	run->end = end;
	if (pages < VIOPF_BLOCK_PAGES)
		return;

	if (viopf_leaf_chosen(table, run->first, pages, run->phys, PUD_SIZE)) {
		run->leaf_bytes = PUD_SIZE;
	} else if (viopf_leaf_chosen(table, run->first, pages, run->phys,
				     PMD_SIZE)) {
		run->leaf_bytes = PMD_SIZE;
		pages = min(pages, VIOPF_GIANT_PAGES / 2);
		run->end = run->first + round_down(pages, VIOPF_BLOCK_PAGES);
	} else {
		run->end = min(end, viopf_leaf_cut(table, run->first));
	}
}

static void viopf_leaf_count(struct viopf_table *table,
			     unsigned long first, unsigned long end)
{
	struct viopf_iommu *iommu = table->iommu;

	viopf_count(iommu, pages_mapped, end - first);
	viopf_count(iommu, resident_pages, end - first);
	viopf_age_touch(table, first, end, true);
}

/* Note [first, end), just mapped by leaves of the smallest size. */
static void viopf_leaf_note(struct viopf_table *table, unsigned long first,
			    unsigned long end, bool writable)
{
	if (first == end)
		return;
	viopf_leaf_count(table, first, end);
	viopf_residency_set(&table->residency, first, end, writable);
}

/* Note a run, just mapped. */
static void viopf_leaf_record(struct viopf_table *table,
			      const struct viopf_run *run)
{
	struct viopf_residency *r = &table->residency;

	if (run->leaf_bytes == PAGE_SIZE) {
		viopf_leaf_note(table, run->first, run->end, run->writable);
		return;
	}
	viopf_leaf_count(table, run->first, run->end);
	viopf_count(table->iommu, huge_mapped,
		    viopf_pages_bytes(run->first, run->end) / run->leaf_bytes);
	if (run->leaf_bytes == PUD_SIZE)
		viopf_residency_set_giant(r, run->writable);
	else
		viopf_residency_set_huge(r, run->first, run->end,
					 run->writable);
}

/* Is any of the leaf [first, end) mapped in any domain? Is all of it, in all? */
static void viopf_leaf_state(struct viopf_table *table, unsigned long first,
			     unsigned long end, bool *any, bool *all)
{
	unsigned long page;
	unsigned int i;

	*any = false;
	*all = true;
	for (i = 0; i < table->set->nr; i++) {
		for (page = first; page < end; page++) {
			if (iommu_iova_to_phys(table->set->domains[i],
					       viopf_table_iova(table, page)))
				*any = true;
			else
				*all = false;
		}
	}
}

/* Which pages of a record a walk is about: all that are resident, or fewer. */
enum viopf_leaves {
	VIOPF_LEAVES_ALL,
	VIOPF_LEAVES_UNPINNED,
	VIOPF_LEAVES_WRITABLE,	/* and unpinned */
	VIOPF_LEAVES_OLD,	/* asked about by aging.c, and unpinned */
};

/* The next run of such pages from *@first on: how all that is here walks a record. */
static bool viopf_leaf_next(const struct viopf_table *table,
			    unsigned long *first, unsigned long *stop,
			    unsigned long end, enum viopf_leaves kind)
{
	const struct viopf_residency *r = &table->residency;

	for (; viopf_residency_next_run(r, first, stop, end); *first = *stop) {
		if (kind == VIOPF_LEAVES_WRITABLE) {
			*first = find_next_bit(r->writable, *stop, *first);
			*stop = find_next_zero_bit(r->writable, *stop, *first);
		}
		if (kind == VIOPF_LEAVES_OLD) {
			*first = find_next_zero_bit(table->age.young, *stop,
						    *first);
			*stop = find_next_bit(table->age.young, *stop, *first);
		}
		if (kind != VIOPF_LEAVES_ALL && table->pins) {
			*first = find_next_zero_bit(table->pins, *stop, *first);
			*stop = find_next_bit(table->pins, *stop, *first);
		}
		if (*first < *stop)
			return true;
	}
	return false;
}

/* Unmap what is left of the leaf [first, end) in each domain, page by page. */
static bool viopf_leaf_force(struct viopf_table *table, unsigned long first,
			     unsigned long end)
{
	unsigned long page;
	bool any, all;
	unsigned int i;

	for (i = 0; i < table->set->nr; i++) {
		struct iommu_domain *domain = table->set->domains[i];

		for (page = first; page < end; page++) {
			unsigned long iova = viopf_table_iova(table, page);

			if (iommu_iova_to_phys(domain, iova) &&
			    !iommu_unmap(domain, iova, PAGE_SIZE))
				return false;
		}
	}

	viopf_leaf_state(table, first, end, &any, &all);
	return !any;
}

/* A leaf is gone for good. If it was pinned, its pages can't be found any more. */
static unsigned long viopf_leaf_forget(struct viopf_table *table,
				       unsigned long first, unsigned long end)
{
	struct viopf_iommu *iommu = table->iommu;

	if (viopf_table_any_pinned(table, first, end)) {
		pr_warn_once("the IOMMU lost pinned pages; they stay pinned\n");
		viopf_count(iommu, pinned_pages, -(s64)(end - first));
		bitmap_clear(table->pins, first, end - first);
	}
	viopf_age_touch(table, first, end, false);
	return viopf_residency_clear(&table->residency, first, end);
}

/* One look at all of the record; see viopf_leaf_reconcile(). */
static unsigned long viopf_leaf_settle(struct viopf_table *table,
				       unsigned long first, unsigned long end,
				       bool *forced, bool *refused)
{
	struct viopf_residency *r = &table->residency;
	unsigned long page, stop, gone = 0;
	bool any, all;

	*forced = false;
	for (page = 0; viopf_residency_next_run(r, &page, &stop, r->nr_pages);
	     page = stop) {
		unsigned long leaf = page;

		stop = page + 1;
		viopf_residency_widen(r, &leaf, &stop);

		viopf_leaf_state(table, leaf, stop, &any, &all);
		if (all && (stop <= first || leaf >= end ||
			    viopf_table_any_pinned(table, leaf, stop)))
			continue;
		*forced |= any;
		if (!any || viopf_leaf_force(table, leaf, stop))
			gone += viopf_leaf_forget(table, leaf, stop);
		else
			*refused = true;
	}
	return gone;
}

/*
 * The IOMMU did not do what it was asked to in [first, end). Find out what it
 * did, in all of the table, since it may have taken more, and bring domains
 * and record to agree: what is gone from one domain goes from all of them, and
 * so does what was to go. That may take more again, of what was found to be there, so
 * it is looked at until nothing had to be unmapped. Returns how many pages are gone.
 */
static unsigned long viopf_leaf_reconcile(struct viopf_table *table,
					  unsigned long first, unsigned long end)
{
	bool refused = viopf_iommu_failed(table->iommu), forced = true;
	unsigned long gone = 0;
	unsigned int i;

	viopf_count(table->iommu, unmap_mismatches, 1);
	while (forced && !refused)
		gone += viopf_leaf_settle(table, first, end, &forced, &refused);
	for (i = 0; i < table->set->nr; i++)
		iommu_flush_iotlb_all(table->set->domains[i]);
	if (refused)
		viopf_hold_pages(table);
	viopf_count(table->iommu, resident_pages, -(s64)gone);
	return gone;
}

/* Unmap and flush what the record has of the kind in [first, end). False on a mismatch. */
static bool viopf_leaf_unmap(struct viopf_table *table,
			     struct iommu_domain *domain, unsigned long first,
			     unsigned long end, enum viopf_leaves kind)
{
	struct iommu_iotlb_gather gather;
	unsigned long stop;
	bool exact = true;

	iommu_iotlb_gather_init(&gather);
	for (; viopf_leaf_next(table, &first, &stop, end, kind); first = stop) {
		unsigned long iova = viopf_table_iova(table, first);
		size_t bytes = viopf_pages_bytes(first, stop);

		if (iommu_unmap_fast(domain, iova, bytes, &gather) != bytes)
			exact = false;
	}
	iommu_iotlb_sync(domain, &gather);
	viopf_count(table->iommu, flushes, 1);

	return exact;
}

/* All of that went as it should. Returns how many pages. */
static unsigned long viopf_leaf_clear(struct viopf_table *table,
				      unsigned long first, unsigned long end,
				      enum viopf_leaves kind)
{
	unsigned long stop, gone = 0;

	for (; viopf_leaf_next(table, &first, &stop, end, kind); first = stop) {
		gone += viopf_residency_clear(&table->residency, first, stop);
		/* What is old is not young, and stays unchanged for this walk. */
		if (kind != VIOPF_LEAVES_OLD)
			viopf_age_touch(table, first, stop, false);
	}
	viopf_count(table->iommu, resident_pages, -(s64)gone);
	return gone;
}

/* Take [first, end), which cuts through no leaf, away in every domain. */
static unsigned long viopf_leaf_drop_kind(struct viopf_table *table,
					  unsigned long first, unsigned long end,
					  enum viopf_leaves kind)
{
	unsigned long at = first, stop;
	bool exact = true;
	unsigned int i;

	lockdep_assert_held(&table->lock);

	if (!viopf_leaf_next(table, &at, &stop, end, kind) ||
	    viopf_hold_instead(table))
		return 0;

	for (i = 0; i < table->set->nr; i++)
		exact &= viopf_leaf_unmap(table, table->set->domains[i],
					  first, end, kind);

	return likely(exact) ? viopf_leaf_clear(table, first, end, kind) :
			       viopf_leaf_reconcile(table, first, end);
}

/**
 * viopf_leaf_drop() - take pages away from the devices, in every domain
 * @table: locked
 * @first: first page
 * @end: end of the range, exclusive
 *
 * On return no DMA reaches [first, end), but for what is pinned there, and for what
 * a domain refused to unmap, which is then kept from reuse. Allocates nothing and
 * waits for nothing but the IOMMU.
 *
 * Return: how many pages devices lost, which may be more than the range has.
 */
unsigned long viopf_leaf_drop(struct viopf_table *table,
			      unsigned long first, unsigned long end)
{
	/* No leaf is pinned in part (change/pin.c), so this reaches no pinned page. */
	viopf_residency_widen(&table->residency, &first, &end);
	return viopf_leaf_drop_kind(table, first, end, VIOPF_LEAVES_UNPINNED);
}

/**
 * viopf_leaf_drop_writable() - take away all pages that devices may write
 * @table: locked
 *
 * By one flush a domain. What is mapped for reading stays, as a leaf is writable as
 * a whole or not at all; so does what is pinned.
 *
 * Return: how many pages devices lost.
 */
unsigned long viopf_leaf_drop_writable(struct viopf_table *table)
{
	return viopf_leaf_drop_kind(table, 0, table->residency.nr_pages,
				    VIOPF_LEAVES_WRITABLE);
}

/**
 * viopf_leaf_drop_old() - take away what devices may not have used for a while
 * @table: locked, and its young bits frozen (aging.c)
 *
 * By one flush a domain.
 *
 * Return: how many pages devices lost.
 */
unsigned long viopf_leaf_drop_old(struct viopf_table *table)
{
	return viopf_leaf_drop_kind(table, 0, table->residency.nr_pages,
				    VIOPF_LEAVES_OLD);
}

/* Map a run in every domain, without a note of it in the record. On an error some have it. */
static int viopf_leaf_enter(struct viopf_table *table,
			    const struct viopf_run *run)
{
	const struct viopf_domain_set *set = table->set;
	unsigned long iova = viopf_table_iova(table, run->first);
	int prot = IOMMU_CACHE | (table->prot & IOMMU_READ) |
		   (run->writable ? IOMMU_WRITE : 0);
	unsigned int i;
	int ret = 0;

	for (i = 0; i < set->nr && !ret; i++)
		ret = iommu_map(set->domains[i], iova, run->phys,
				viopf_pages_bytes(run->first, run->end), prot,
				VIOPF_GFP_LOCKED);
	return ret;
}

/* Are the pages of the record next to a run, before and behind it, mapped in all domains? */
static bool viopf_leaf_beside(struct viopf_table *table, const struct viopf_run *run)
{
	const struct viopf_residency *r = &table->residency;
	unsigned long before = find_last_bit(r->mapped, run->first);
	unsigned long after = find_next_bit(r->mapped, r->nr_pages, run->end);
	bool any, all = true;

	if (before < run->first)
		viopf_leaf_state(table, before, before + 1, &any, &all);
	if (all && after < r->nr_pages)
		viopf_leaf_state(table, after, after + 1, &any, &all);
	return all;
}

/*
 * A domain has failed to map a run: those that have it give it back. What the failing one did
 * of it the core has undone, and does not say how much went. So look whether anything of the
 * run is left, and whether its neighbours are still there.
 */
static int viopf_leaf_retract(struct viopf_table *table,
			      const struct viopf_run *run, int ret)
{
	size_t bytes = viopf_pages_bytes(run->first, run->end);
	unsigned long iova = viopf_table_iova(table, run->first);
	const struct viopf_domain_set *set = table->set;
	bool any, all, exact = true;
	unsigned int i;

	for (i = 0; i < set->nr && !viopf_iommu_failed(table->iommu); i++)
		if (iommu_iova_to_phys(set->domains[i], iova))
			exact &= iommu_unmap(set->domains[i], iova, bytes) == bytes;
	viopf_leaf_state(table, run->first, run->end, &any, &all);
	if (any)
		viopf_leaf_record(table, run);
	if (any || !exact || !viopf_leaf_beside(table, run))
		viopf_leaf_reconcile(table, run->first, run->end);
	if (ret == -ENOMEM)
		return ret;
	pr_warn_ratelimited("container %lu: the IOMMU can't map IOVA %#lx (%d)\n",
			    table->iommu->id, iova, ret);
	return -EFAULT;
}

/**
 * viopf_leaf_map() - let the devices reach pages, in every domain
 * @table: locked
 * @first: first page, not mapped
 * @end: end of the range, exclusive, none of it mapped
 * @phys: where the memory of @first is; the rest follows it
 * @writable: devices may write as well
 *
 * Return: 0; -ENOMEM if page tables want memory that only reclaim can give;
 * -EFAULT if the IOMMU won't. On an error some pages from @first on may be mapped,
 * and the others are not.
 */
int viopf_leaf_map(struct viopf_table *table, unsigned long first,
		   unsigned long end, phys_addr_t phys, bool writable)
{
	struct viopf_run run = {
		.first = first, .phys = phys, .writable = writable,
	};
	int ret;

	lockdep_assert_held(&table->lock);

	for (; run.first < end; run.first = run.end) {
		viopf_leaf_plan(table, end, &run);
		ret = viopf_leaf_enter(table, &run);
		if (unlikely(ret))
			return viopf_leaf_retract(table, &run, ret);
		viopf_leaf_record(table, &run);
		run.phys += viopf_pages_bytes(run.first, run.end);
	}
	return 0;
}

/* How many pages from the first on lie together; up to @nr_pages. */
static unsigned long viopf_pfns_together(const unsigned long *pfns,
					 unsigned long nr_pages)
{
	unsigned long pfn = pfns[0] & ~HMM_PFN_FLAGS, nr;

	for (nr = 1; nr < nr_pages; nr++)
		if ((pfns[nr] & ~HMM_PFN_FLAGS) != pfn + nr)
			break;
	return nr;
}

/**
 * viopf_leaf_map_pages() - the same for pages that lie anywhere
 * @table: locked
 * @first: first page, not mapped
 * @end: end of the range, exclusive, none of it mapped
 * @pfns: where each page is; the flags of struct hmm_range are ignored
 * @writable: devices may write as well
 *
 * Pages that follow each other in memory go into the IOMMU by one call. They are
 * noted together, as far as none of them can be part of a large leaf.
 *
 * Return: as viopf_leaf_map().
 */
int viopf_leaf_map_pages(struct viopf_table *table, unsigned long first,
			 unsigned long end, const unsigned long *pfns,
			 bool writable)
{
	struct viopf_run run = { .leaf_bytes = PAGE_SIZE, .writable = writable };
	unsigned long at = first, noted = first, pages;
	int ret = 0;

	lockdep_assert_held(&table->lock);

	for (; at < end && !ret; at += pages) {
		run.phys = PFN_PHYS(pfns[at - first] & ~HMM_PFN_FLAGS);
		pages = viopf_pfns_together(&pfns[at - first], end - at);
		if (unlikely(pages >= VIOPF_BLOCK_PAGES)) {
			viopf_leaf_note(table, noted, at, writable);
			ret = viopf_leaf_map(table, at, at + pages, run.phys,
					     writable);
			noted = at + pages;
			continue;
		}
		run.first = at;
		run.end = at + pages;
		ret = viopf_leaf_enter(table, &run);
		if (unlikely(ret)) {
			viopf_leaf_note(table, noted, at, writable);
			return viopf_leaf_retract(table, &run, ret);
		}
	}
	if (!ret)
		viopf_leaf_note(table, noted, at, writable);
	return ret;
}

/*
 * Map from *@page on what lies together, and go on behind it: a large leaf, or some
 * small ones. What the record has as small must not become large here.
 */
static int viopf_leaf_replay_run(struct viopf_table *table,
				 struct iommu_domain *domain,
				 unsigned long *page, unsigned long end)
{
	struct iommu_domain *other = table->set->domains[0];
	unsigned long iova = viopf_table_iova(table, *page);
	unsigned long first = *page, stop = first + 1;
	phys_addr_t phys = iommu_iova_to_phys(other, iova);
	int ret;

	viopf_residency_widen(&table->residency, &first, &stop);
	if (stop - first == 1)
		end = min(end, viopf_leaf_cut(table, first));
	else
		end = stop;
	for (; stop < end; stop++)
		if (iommu_iova_to_phys(other, viopf_table_iova(table, stop)) !=
		    phys + viopf_pages_bytes(first, stop))
			break;
	ret = iommu_map(domain, iova, phys, viopf_pages_bytes(first, stop),
			IOMMU_CACHE | table->prot, VIOPF_GFP_LOCKED);
	if (!ret)
		*page = stop;
	return ret;
}

/**
 * viopf_leaf_replay() - map in one more domain what a table has
 * @table: locked; all that it has is pinned, and so stays
 * @domain: not in its set yet
 *
 * Return: 0; else -errno, and @domain is to be freed.
 */
int viopf_leaf_replay(struct viopf_table *table, struct iommu_domain *domain)
{
	unsigned long page = 0, stop, nr_pages = table->residency.nr_pages;
	int ret = 0;

	lockdep_assert_held(&table->lock);

	while (!ret &&
	       viopf_leaf_next(table, &page, &stop, nr_pages, VIOPF_LEAVES_ALL))
		ret = viopf_leaf_replay_run(table, domain, &page, stop);
	return ret;
}

/**
 * viopf_leaf_recheck() - a device faulted where the record says that it can't
 * @table: locked
 * @page: where
 *
 * It may have kept an old "not present", or raced with another fault; then a
 * retry will do. But an IOMMU that unmaps more than asked for may also have
 * reached over from the neighbouring table. Then the leaf is dropped here.
 *
 * Return: true if so, or the container failed: the page is to be mapped again, or can't be.
 */
bool viopf_leaf_recheck(struct viopf_table *table, unsigned long page)
{
	unsigned long first = page, end = page + 1;
	bool any, all;

	lockdep_assert_held(&table->lock);

	viopf_leaf_state(table, page, page + 1, &any, &all);
	if (likely(all) || viopf_table_pinned(table, page))
		return false;
	if (viopf_hold_instead(table))
		return true;
	viopf_residency_widen(&table->residency, &first, &end);
	viopf_leaf_reconcile(table, first, end);
	return true;
}

/**
 * viopf_leaf_count_mismatches() - compare the record with the page tables
 * @table: locked
 *
 * After a failure the page tables lead nowhere: no device uses them, and the record
 * is to be empty.
 *
 * Return: in how many places, page by page and domain by domain, they differ.
 */
unsigned long viopf_leaf_count_mismatches(struct viopf_table *table)
{
	struct viopf_residency *r = &table->residency;
	unsigned long page, wrong = 0;
	unsigned int i;

	lockdep_assert_held(&table->lock);

	if (!table->set || viopf_iommu_failed(table->iommu))
		return r->nr_resident;
	for (i = 0; i < table->set->nr; i++) {
		for (page = 0; page < r->nr_pages; page++) {
			unsigned long iova = viopf_table_iova(table, page);
			bool mapped = iommu_iova_to_phys(table->set->domains[i],
							 iova);

			wrong += mapped != viopf_residency_test(r, page, false);
			wrong += !mapped && viopf_table_pinned(table, page);
		}
	}
	return wrong;
}
