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
#include <linux/interval_tree.h>
#include <linux/iommu.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "policy/policy.h"

struct mm_struct;
struct viopf_ager;

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
 * struct viopf_age - what a table knows of the use of its pages
 * @node: the user addresses it is about, in @ager's tree
 * @ager: of the mm, or NULL if nobody is told
 * @lock: guards what follows; innermost, as page table locks are around it
 * @young: a bit a page that devices reach and that has not been asked about since,
 *	a subset of the record; NULL without @ager. Set and cleared with table->lock
 *	held too, but for a question, which clears
 * @samples: what has been asked about may be unmapped; constant
 * @frozen: questions clear nothing just now; changed with table->lock held too
 * @lost: at the most so many pages were sampled and have not come back; by table->lock
 * @sampling: takes from the devices what has been asked about
 */
struct viopf_age {
	struct interval_tree_node	node;
	struct viopf_ager		*ager;
	spinlock_t			lock;	/* innermost */
	unsigned long			*young;
	bool				samples;
	bool				frozen;
	unsigned long			lost;
	struct delayed_work		sampling;
};

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
 * @nr_kept: how many references that are, while @kept
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
	unsigned long			nr_kept;
	unsigned long			*pins;
	unsigned long			*advised;
};

int viopf_table_init(struct viopf_table *table, struct viopf_iommu *iommu,
		     unsigned long iova, unsigned long nr_pages, int prot);
void viopf_table_deinit(struct viopf_table *table);
void viopf_table_prime_lockdep(void);
int viopf_table_ready(struct viopf_table *table);

/* What goes into the IOMMU and out of it: leaf.c. */
unsigned long viopf_leaf_drop(struct viopf_table *table,
			      unsigned long first, unsigned long end);
unsigned long viopf_leaf_drop_writable(struct viopf_table *table);
int viopf_leaf_map(struct viopf_table *table, unsigned long first,
		   unsigned long end, phys_addr_t phys, bool writable);
int viopf_leaf_map_pages(struct viopf_table *table, unsigned long first,
			 unsigned long end, const unsigned long *pfns,
			 bool writable);
int viopf_leaf_replay(struct viopf_table *table, struct iommu_domain *domain);
bool viopf_leaf_recheck(struct viopf_table *table, unsigned long page);
unsigned long viopf_leaf_count_mismatches(struct viopf_table *table);

/* Pages that an IOMMU refused to let go: hold.c. */
bool viopf_hold_instead(struct viopf_table *table);
void viopf_hold_release(struct viopf_table *table);

/* Which pages devices may have written: dirty_bits.c. */
void viopf_dirty_bits_mark_slow(struct viopf_table *table, unsigned long first,
				unsigned long end);
void viopf_dirty_bits_reset(struct viopf_table *table);
int viopf_dirty_bits_start(struct viopf_table *table);
void viopf_dirty_bits_stop(struct viopf_table *table);

/* Which pages devices use, for the kernel to know when it reclaims: aging.c. */
int viopf_age_prepare(struct viopf_ager **mine, struct viopf_ager **shared,
		      struct mm_struct *mm);
void viopf_age_release(struct viopf_ager *ager);
int viopf_age_init(struct viopf_table *table, struct viopf_ager *ager,
		   unsigned long uaddr, bool samples);
void viopf_age_add(struct viopf_table *table);
void viopf_age_remove(struct viopf_table *table);
void viopf_age_around(const struct viopf_table *table, unsigned long page,
		      unsigned long *first, unsigned long *end);
bool viopf_age_is_young(struct viopf_table *table, unsigned long page);
void viopf_age_touch_slow(struct viopf_table *table, unsigned long first,
			  unsigned long end, bool young);
void viopf_age_exit(void);

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

/* Pages [first, end) of a locked table may be written from here on. */
static inline void viopf_dirty_bits_mark(struct viopf_table *table,
					 unsigned long first, unsigned long end)
{
	if (unlikely(table->dirty))
		viopf_dirty_bits_mark_slow(table, first, end);
}

/*
 * While dirty pages are tracked, what is mapped writable is dirty: nothing is, that
 * can be mapped for reading, before a device writes.
 */
static inline bool viopf_dirty_bits_prefer_read(const struct viopf_table *table)
{
	return unlikely(READ_ONCE(table->dirty)) && (table->prot & IOMMU_READ);
}

#endif /* VIOPF_TABLE_H */
