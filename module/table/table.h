/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A table: what the IOMMU maps of one segment, and all that is known of that.
 *
 * Whoever works on a table holds its lock. The mm takes that too, to evict, and perhaps
 * while it reclaims memory: so nothing in this folder waits for memory, for a fault or for
 * user space. A table knows neither the segment that it is in nor who works on it.
 */
#ifndef VIOPF_TABLE_H
#define VIOPF_TABLE_H

#include <linux/bitmap.h>
#include <linux/iommu.h>
#include <linux/mutex.h>
#include <linux/workqueue.h>

#include "policy/counters.h"
#include "policy/residency.h"
#include "table/aging.h"

/* The leaf sizes that a record can tell apart; domains are kept to them. */
#define VIOPF_LEAF_SIZES	((unsigned long)(PAGE_SIZE | PMD_SIZE | PUD_SIZE))

/**
 * struct viopf_domain_set - the IOMMU domains that a table is mapped in
 * @leaf_sizes: union of the domains' leaf sizes
 * @nr: how many domains
 * @domains: the domains
 *
 * Immutable. A container makes a new one when a domain comes or goes, publishes
 * it, and moves every table over before it frees the old one.
 */
struct viopf_domain_set {
	unsigned long		leaf_sizes;
	unsigned int		nr;
	struct iommu_domain	*domains[] __counted_by(nr);
};

/**
 * struct viopf_iommu - what all tables of one container have in common
 * @id: the container's, for messages; constant
 * @set: the current set of domains; written under container->lock, read under any
 *	table's lock, which keeps it from being freed
 * @failed: a domain refused to unmap; set once, anywhere
 * @quarantine_work: cuts the devices off after that
 * @counters: statistics
 */
struct viopf_iommu {
	unsigned long		id;
	struct viopf_domain_set	*set;
	bool			failed;
	struct work_struct	quarantine_work;
	struct viopf_counters	counters;
};

/* Count by the name that struct vfio_iopf_stats has for it. */
#define viopf_count(_iommu, _name, _n) \
	atomic64_add(_n, &(_iommu)->counters._name)

/**
 * struct viopf_table - what the IOMMU maps of one segment
 * @iommu: of the container; constant
 * @iova: where it begins, in bytes; constant
 * @prot: IOMMU_READ, IOMMU_WRITE: what devices may at the most; constant
 * @lock: guards what follows, and the IOMMU's page tables below [@iova, ...)
 * @set: the domains that @residency holds for; NULL before the first
 * @residency: the record: what is mapped in each domain of @set
 * @age: which of that devices use; see there for its locks
 * @dirty: a bit a page that a device may have written: all that are mapped writable,
 *	and more; NULL unless dirty pages are tracked
 * @dead: nothing may be mapped any more
 * @kept: each page in @residency has a reference, as a domain refused to let go
 * @pins: a bit for each page that is pinned, and so resident for as long; NULL until
 *	the first is. Changed with container->lock held too
 * @advised: a bit for each page pinned by VFIO_IOPF_ADV_PIN, a subset of @pins; NULL
 *	until the first is; by container->lock alone
 */
struct viopf_table {
	struct viopf_iommu		*iommu;
	unsigned long			iova;
	int				prot;

	struct mutex			lock;	/* taken by evictions */
	struct viopf_domain_set		*set;
	struct viopf_residency		residency;
	struct viopf_age		age;
	unsigned long			*dirty;
	bool				dead;
	bool				kept;
	unsigned long			*pins;
	unsigned long			*advised;
};

int viopf_table_init(struct viopf_table *table, struct viopf_iommu *iommu,
		     unsigned long iova, unsigned long nr_pages, int prot);
void viopf_table_deinit(struct viopf_table *table);
void viopf_table_prime_lockdep(void);
int viopf_table_ready(struct viopf_table *table);

static inline bool viopf_iommu_failed(const struct viopf_iommu *iommu)
{
	return READ_ONCE(iommu->failed);
}

/* The page at @iova, counted from the start of the table. */
static inline unsigned long viopf_table_page(const struct viopf_table *table,
					     unsigned long iova)
{
	return (iova - table->iova) >> PAGE_SHIFT;
}

static inline unsigned long viopf_table_iova(const struct viopf_table *table,
					     unsigned long page)
{
	return table->iova + (page << PAGE_SHIFT);
}

static inline bool viopf_table_pinned(const struct viopf_table *table,
				      unsigned long page)
{
	return table->pins && test_bit(page, table->pins);
}

/* Is any page of [first, end) pinned? */
static inline bool viopf_table_any_pinned(const struct viopf_table *table,
					  unsigned long first,
					  unsigned long end)
{
	return table->pins && find_next_bit(table->pins, end, first) < end;
}

/* Pages [first, end) of a locked table have come to the devices, or gone. */
static inline void viopf_age_touch(struct viopf_table *table,
				   unsigned long first, unsigned long end,
				   bool young)
{
	if (table->age.ager)
		viopf_age_touch_slow(table, first, end, young);
}

#endif /* VIOPF_TABLE_H */
