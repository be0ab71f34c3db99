// SPDX-License-Identifier: GPL-2.0-only
/*
 * Holding pages: what happens at once when an IOMMU refuses to let go.
 *
 * The kernel is about to reuse pages that a device can still reach, and an
 * eviction can't fail. So the pages are kept from reuse: while the notifier still
 * holds the mm off, each page that the table has mapped gets a reference, which
 * needs no memory. Then the devices are cut off (change/quarantine.c), and the references
 * go.
 *
 * Between the two nothing changes the page tables of a kept table, so that the
 * second pass finds by iommu_iova_to_phys() just the pages that the first found. An IOMMU
 * that refuses may also unmap more than it is asked to, across the end of a table: so of
 * a container that failed nothing is unmapped any more, and what was to go is kept too.
 */
#include "compat/workqueue.h"
#include "table/internal.h"

/*
 * The folio behind a mapped page; NULL if no domain maps it after all, or if it is a
 * device's memory, which the kernel reuses for nothing.
 */
static struct folio *viopf_hold_folio(struct viopf_table *table,
				      unsigned long page)
{
	unsigned long iova = viopf_table_iova(table, page);
	phys_addr_t phys;
	unsigned int i;

	for (i = 0; i < table->set->nr; i++) {
		phys = iommu_iova_to_phys(table->set->domains[i], iova);
		if (phys && pfn_valid(PHYS_PFN(phys)))
			return page_folio(pfn_to_page(PHYS_PFN(phys)));
	}
	return NULL;
}

/* Take a reference on each page that a table has mapped, or give it back. How many. */
static unsigned long viopf_hold_each(struct viopf_table *table, bool get)
{
	struct viopf_residency *r = &table->residency;
	unsigned long page, end, nr = 0;
	struct folio *folio;

	for (page = 0; viopf_residency_next_run(r, &page, &end, r->nr_pages);) {
		for (; page < end; page++) {
			folio = viopf_hold_folio(table, page);
			if (!folio)
				continue;
			if (get)
				folio_get(folio);
			else
				folio_put(folio);
			nr++;
		}
	}
	return nr;
}

/**
 * viopf_hold_pages() - keep every page that a table has mapped from reuse
 * @table: locked; a domain has just refused to unmap a part of it
 *
 * Each page mapped is one whose notifier call has not returned yet, as that
 * would need the lock we hold. So the mm still holds it, and one more reference
 * is safe.
 */
void viopf_hold_pages(struct viopf_table *table)
{
	struct viopf_iommu *iommu = table->iommu;
	unsigned long kept;
	unsigned int i;
	bool first;

	lockdep_assert_held(&table->lock);
	if (table->kept)
		return;

	/* Before it looks: from now on no other table is unmapped. */
	first = !xchg(&iommu->failed, true);
	kept = viopf_hold_each(table, true);
	/* What an unmap in another table takes along just now was not found, and goes. */
	for (i = 0; i < table->set->nr; i++)
		iommu_flush_iotlb_all(table->set->domains[i]);

	table->kept = true;
	table->nr_kept = kept;
	viopf_count(iommu, pages_kept, kept);
	if (first) {
		trace_iopf_fail(iommu->id, table->iova, kept);
		pr_err_ratelimited("container %lu: the IOMMU refused to unmap; its devices are cut off, reset them and open a new container\n",
				   iommu->id);
	}
	queue_work(system_dfl_wq, &iommu->quarantine_work);
}

/**
 * viopf_hold_instead() - keep pages that were to be unmapped, if nothing may be any more
 * @table: locked, and something of it is mapped
 *
 * Return: whether the container failed; then all that the table has mapped is kept.
 */
bool viopf_hold_instead(struct viopf_table *table)
{
	if (unlikely(viopf_iommu_failed(table->iommu)))
		viopf_hold_pages(table);
	return table->kept;
}

/* The references of a kept table go. */
static void viopf_hold_put(struct viopf_table *table)
{
	unsigned long lost;

	lockdep_assert_held(&table->lock);

	lost = table->nr_kept - viopf_hold_each(table, false);
	table->kept = false;
	/* By an unmap that was already under way, see docs/locking.md. */
	if (lost)
		pr_warn_ratelimited("container %lu: %lu pages are lost until the next boot, as the IOMMU unmapped them unasked\n",
				    table->iommu->id, lost);
}

/**
 * viopf_hold_release() - give a table's pages back
 * @table: not locked; the devices are cut off, and reach nothing
 *
 * Called by viopf_quarantine() for all that is to be found in the container.
 */
void viopf_hold_release(struct viopf_table *table)
{
	struct viopf_residency *r = &table->residency;

	mutex_lock(&table->lock);
	if (table->kept)
		viopf_hold_put(table);
	viopf_count(table->iommu, resident_pages,
		    -(s64)viopf_residency_clear(r, 0, r->nr_pages));
	mutex_unlock(&table->lock);
	cond_resched();
}
