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
 * second pass finds by iommu_iova_to_phys() just the pages that the first found.
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
	struct viopf_residency *r = &table->residency;
	unsigned long page, end, kept = 0;
	struct folio *folio;

	lockdep_assert_held(&table->lock);
	if (table->kept)
		return;

	for (page = 0; viopf_residency_next_run(r, &page, &end, r->nr_pages);
	     page = end) {
		for (; page < end; page++) {
			folio = viopf_hold_folio(table, page);
			if (folio) {
				folio_get(folio);
				kept++;
			}
		}
	}

	table->kept = true;
	viopf_count(iommu, pages_kept, kept);
	if (!xchg(&iommu->failed, true)) {
		trace_iopf_fail(iommu->id, table->iova, kept);
		pr_err_ratelimited("container %lu: the IOMMU refused to unmap; its devices are cut off, reset them and open a new container\n",
				   iommu->id);
	}
	queue_work(system_dfl_wq, &iommu->quarantine_work);
}

/**
 * viopf_hold_release() - give a table's pages back
 * @table: not locked; the devices are cut off, and reach nothing
 *
 * Called by viopf_quarantine() for all that is to be found in the container.
 */
void viopf_hold_release(struct viopf_table *table)
{
	struct viopf_iommu *iommu = table->iommu;
	struct viopf_residency *r = &table->residency;
	unsigned long page, end;
	struct folio *folio;

	mutex_lock(&table->lock);
	if (table->kept) {
		for (page = 0;
		     viopf_residency_next_run(r, &page, &end, r->nr_pages);
		     page = end) {
			for (; page < end; page++) {
				folio = viopf_hold_folio(table, page);
				if (folio)
					folio_put(folio);
			}
		}
		table->kept = false;
	}
	viopf_count(iommu, resident_pages,
		    -(s64)viopf_residency_clear(r, 0, r->nr_pages));
	mutex_unlock(&table->lock);
	cond_resched();
}
