// SPDX-License-Identifier: GPL-2.0-only
/*
 * Domains: an address space, mapped and unmapped by the iommu core's users.
 *
 * Memory.  Tables are allocated with the GFP flags that the mapper gave.  A table
 * that a larger leaf replaced is put on a list, and freed after the next flush, which
 * waits for the accesses that may be walking it.  Whoever maps a leaf above 4 KiB
 * pays for a page in the domain's pool, from which unmapping part of it takes the
 * table it needs.  The pool holds a page for each such leaf, except that the leaves
 * that a 1 GiB leaf was split into have none.
 *
 * Flushes.  A flush goes through the lanes of every attached endpoint.  An endpoint is
 * on the list of a domain as long as any of its lanes may use it.
 */
#include <linux/delay.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "iommu_priv.h"
#include "compat/iommu_ops.h"

struct soft_domain *to_soft_domain(struct iommu_domain *domain)
{
	return container_of(domain, struct soft_domain, domain);
}

/* An llist_node is kept in the first bytes of a page that is not in use. */

static void *soft_table_alloc(void *ctx, gfp_t gfp)
{
	void *table = (void *)get_zeroed_page(gfp);

	if (table)
		soft_count(SOFT_TABLE_PAGES, 1);
	return table;
}

static void soft_table_free(void *ctx, void *table)
{
	free_page((unsigned long)table);
	soft_count(SOFT_TABLE_PAGES, -1);
}

static void soft_table_retire(void *ctx, void *table)
{
	struct soft_domain *domain = ctx;

	/*
	 * A walker that still is in the table finds no leaf: all entries are 0, and the
	 * first two would be a list pointer, whose low bits are 0 too.
	 */
	llist_add(table, &domain->retired);
}

static void soft_tables_free(struct llist_node *list)
{
	struct llist_node *node, *next;

	llist_for_each_safe(node, next, list)
		soft_table_free(NULL, node);
}

/* Returns whether the pool is short of a page. */
static bool soft_pool_account(struct soft_domain *domain, long more)
{
	struct llist_node *spare = NULL;
	bool is_short;

	spin_lock(&domain->pool_lock);
	domain->large += more;
	is_short = domain->pool_pages < domain->large;
	if (more < 0 && domain->pool_pages > domain->large) {
		spare = llist_del_first(&domain->pool);
		domain->pool_pages--;
	}
	spin_unlock(&domain->pool_lock);
	if (spare)
		soft_table_free(NULL, spare);
	return is_short;
}

static int soft_pool_reserve(void *ctx, gfp_t gfp)
{
	struct soft_domain *domain = ctx;
	void *table;

	if (!soft_pool_account(domain, 1))
		return 0;
	table = soft_table_alloc(NULL, gfp);
	if (!table) {
		soft_pool_account(domain, -1);
		return -ENOMEM;
	}
	spin_lock(&domain->pool_lock);
	llist_add(table, &domain->pool);
	domain->pool_pages++;
	spin_unlock(&domain->pool_lock);
	return 0;
}

static void soft_pool_unreserve(void *ctx)
{
	soft_pool_account(ctx, -1);
}

static void *soft_pool_take(void *ctx, int more)
{
	struct soft_domain *domain = ctx;
	struct llist_node *table;

	spin_lock(&domain->pool_lock);
	table = llist_del_first(&domain->pool);
	if (table)
		domain->pool_pages--;
	spin_unlock(&domain->pool_lock);
	if (!table)
		table = soft_table_alloc(NULL, GFP_NOWAIT | __GFP_NOWARN);
	if (!table)
		return NULL;
	soft_pool_account(domain, more);
	clear_page(table);
	return table;
}

static const struct pgt_ops soft_pgt_ops = {
	.alloc = soft_table_alloc,
	.free = soft_table_free,
	.retire = soft_table_retire,
	.reserve = soft_pool_reserve,
	.unreserve = soft_pool_unreserve,
	.take = soft_pool_take,
};

static void soft_count_leaves(const unsigned long *leaves, int sign)
{
	unsigned int level;

	for (level = 0; level < PGT_LEAF_LEVELS; level++) {
		s64 n = sign * (s64)leaves[level];

		if (!n)
			continue;
		soft_count(SOFT_LEAVES_4K + level, n);
		soft_count(SOFT_MAPPED_BYTES, n * pgt_level_bytes(level));
		soft_count(sign > 0 ? SOFT_MAPS : SOFT_UNMAPS, leaves[level]);
	}
}

/* A split changes the kind of leaves, not how much is mapped. */
static void soft_count_splits(const unsigned long *split)
{
	unsigned int level;

	for (level = 1; level < PGT_LEAF_LEVELS; level++) {
		if (!split[level])
			continue;
		soft_count(SOFT_SPLITS, split[level]);
		soft_count(SOFT_LEAVES_4K + level, -(s64)split[level]);
		soft_count(SOFT_LEAVES_4K + level - 1,
			   split[level] * PGT_ENTRIES);
	}
}

static unsigned int soft_prot(int prot)
{
	return (prot & IOMMU_READ ? PGT_READ : 0) |
	       (prot & IOMMU_WRITE ? PGT_WRITE : 0);
}

/* By leaves as large as addresses and length allow. */
static int soft_map_merged(struct soft_domain *domain, u64 iova, u64 paddr,
			   u64 bytes, unsigned int prot, gfp_t gfp, u64 *mapped,
			   struct pgt_change *change)
{
	unsigned int level;
	int ret = 0;

	while (*mapped < bytes && !ret) {
		u64 at = iova + *mapped, to = paddr + *mapped;

		for (level = PGT_LEAF_LEVELS - 1; level; level--)
			if (IS_ALIGNED(at | to, pgt_level_bytes(level)) &&
			    pgt_level_bytes(level) <= bytes - *mapped)
				break;
		ret = pgt_map(&domain->pgt, at, to, pgt_level_bytes(level), 1,
			      prot, gfp, mapped, change);
	}
	return ret;
}

/* Sleep for as long as a knob says so, for a minute at the most. */
static void soft_hold(const bool *knob)
{
	unsigned long by = jiffies + 60 * HZ;

	while (READ_ONCE(*knob) && time_before(jiffies, by))
		msleep(20);
}

static int soft_map_pages(struct iommu_domain *iommu_domain, unsigned long iova,
			  phys_addr_t paddr, size_t pgsize, size_t pgcount,
			  int prot, gfp_t gfp, size_t *mapped)
{
	struct soft_domain *domain = to_soft_domain(iommu_domain);
	struct pgt_change change;
	int ret, fails = 0;
	u64 bytes = 0;

	soft_count(SOFT_MAP_CALLS, 1);
	if (soft_map_must_fail()) {
		soft_hold(&soft_knobs.map_fail_hold);
		fails = -(int)READ_ONCE(soft_knobs.map_fail_errno);
		pgcount = min_t(size_t, pgcount,
				READ_ONCE(soft_knobs.map_fail_pages));
		if (!pgcount)
			return fails;
	}
	WRITE_ONCE(domain->was_mapped, true);
	pgt_change_init(&change);
	if (READ_ONCE(soft_knobs.map_merge))
		ret = soft_map_merged(domain, iova, paddr, pgsize * pgcount,
				      soft_prot(prot), gfp, &bytes, &change);
	else
		ret = pgt_map(&domain->pgt, iova, paddr, pgsize, pgcount,
			      soft_prot(prot), gfp, &bytes, &change);
	soft_count_leaves(change.leaves, 1);
	*mapped += bytes;
	return ret ? ret : fails;
}

/* Drop all leaves of whole blocks; something has to be mapped at @iova. */
static u64 soft_unmap_coarse(struct soft_domain *domain, u64 iova, u64 bytes,
			     u64 block, struct pgt_change *change)
{
	u64 start = round_down(iova, block), at;
	u64 end = round_up(iova + bytes, block);
	struct pgt_leaf leaf;

	if (!pgt_lookup(&domain->pgt, iova, &leaf))
		return 0;
	for (at = start; at < end; at += PAGE_SIZE)
		pgt_unmap(&domain->pgt, at, PAGE_SIZE, PGT_UNMAP_WHOLE, change);
	return end - start;
}

static size_t soft_unmap_pages(struct iommu_domain *iommu_domain,
			       unsigned long iova, size_t pgsize,
			       size_t pgcount,
			       struct iommu_iotlb_gather *gather)
{
	struct soft_domain *domain = to_soft_domain(iommu_domain);
	u64 block = (u64)READ_ONCE(soft_knobs.unmap_coarse_pages) << PAGE_SHIFT;
	u64 bytes = (u64)pgsize * pgcount, done;
	struct pgt_change change;

	soft_count(SOFT_UNMAP_CALLS, 1);
	if (soft_unmap_must_fail()) {
		soft_count(SOFT_UNMAPS_REFUSED, 1);
		return 0;
	}
	pgt_change_init(&change);
	if (block > PAGE_SIZE)
		done = soft_unmap_coarse(domain, iova, bytes, block, &change);
	else
		done = pgt_unmap(&domain->pgt, iova, bytes,
				 READ_ONCE(soft_knobs.unmap_mode), &change);
	soft_count_splits(change.split);
	soft_count_leaves(change.leaves, -1);
	if (gather && change.start <= change.last)
		iommu_iotlb_gather_add_range(gather, change.start,
					     change.last - change.start + 1);
	return done;
}

static void soft_flush(struct soft_domain *domain, u64 iova, u64 last)
{
	struct soft_attachment *at;
	struct llist_node *retired;
	unsigned int i;

	if (READ_ONCE(soft_knobs.skip_flush))
		return;
	soft_count(SOFT_FLUSHES, 1);
	retired = llist_del_all(&domain->retired);
	read_lock(&domain->lock);
	list_for_each_entry(at, &domain->attachments, node)
		for (i = 0; i < at->ep->nr_lanes; i++)
			soft_lane_flush(&at->ep->lanes[i], iova, last);
	read_unlock(&domain->lock);
	soft_tables_free(retired);
}

static void soft_flush_iotlb_all(struct iommu_domain *domain)
{
	soft_flush(to_soft_domain(domain), 0, ~0ULL);
}

static void soft_iotlb_sync(struct iommu_domain *domain,
			    struct iommu_iotlb_gather *gather)
{
	if (gather->start <= gather->end)
		soft_flush(to_soft_domain(domain), gather->start, gather->end);
	soft_hold(&soft_knobs.flush_hold);
}

/*
 * Nothing to do: what is not mapped is not remembered, and an entry with too little
 * permission is looked up again.
 */
static int soft_iotlb_sync_map(struct iommu_domain *domain, unsigned long iova,
			       size_t size)
{
	return 0;
}

static phys_addr_t soft_iova_to_phys(struct iommu_domain *domain,
				     dma_addr_t iova)
{
	struct pgt_leaf leaf;

	if (!pgt_lookup(&to_soft_domain(domain)->pgt, iova, &leaf))
		return 0;
	return leaf.paddr;
}

/* Accesses are made by the CPU: they never bypass its caches. But see I10. */
static bool soft_enforce_cache_coherency(struct iommu_domain *domain)
{
	return !READ_ONCE(to_soft_domain(domain)->was_mapped);
}

static void soft_domain_free(struct iommu_domain *iommu_domain)
{
	struct soft_domain *domain = to_soft_domain(iommu_domain);
	struct pgt_change change;

	WARN_ON(!list_empty(&domain->attachments));
	pgt_change_init(&change);
	pgt_deinit(&domain->pgt, &change);
	soft_count_leaves(change.leaves, -1);
	soft_tables_free(llist_del_all(&domain->retired));
	soft_tables_free(llist_del_all(&domain->pool));
	kfree(domain);
}

static const struct iommu_domain_ops soft_domain_ops = {
	.attach_dev = compat_attach_dev,
	.map_pages = soft_map_pages,
	.unmap_pages = soft_unmap_pages,
	.flush_iotlb_all = soft_flush_iotlb_all,
	.iotlb_sync_map = soft_iotlb_sync_map,
	.iotlb_sync = soft_iotlb_sync,
	.iova_to_phys = soft_iova_to_phys,
	.enforce_cache_coherency = soft_enforce_cache_coherency,
	.free = soft_domain_free,
};

/* The iommu core's domain_alloc_paging. */
struct iommu_domain *soft_domain_alloc(struct device *dev)
{
	struct soft_endpoint *ep;
	struct soft_domain *domain;

	if (!dev)
		return ERR_PTR(-ENODEV);
	ep = dev_iommu_priv_get(dev);
	domain = kzalloc(sizeof(*domain), GFP_KERNEL_ACCOUNT);
	if (!domain)
		return ERR_PTR(-ENOMEM);
	if (pgt_init(&domain->pgt, &soft_pgt_ops, domain, GFP_KERNEL_ACCOUNT)) {
		kfree(domain);
		return ERR_PTR(-ENOMEM);
	}
	rwlock_init(&domain->lock);
	spin_lock_init(&domain->pool_lock);
	INIT_LIST_HEAD(&domain->attachments);
	domain->iommu = ep->iommu;
	domain->domain.ops = &soft_domain_ops;
	domain->domain.pgsize_bitmap = READ_ONCE(soft_knobs.pgsizes);
	domain->domain.geometry.aperture_end = BIT_ULL(PGT_IOVA_BITS) - 1;
	domain->domain.geometry.force_aperture = true;
	return &domain->domain;
}

void soft_domain_link(struct soft_domain *domain, struct soft_attachment *at)
{
	write_lock(&domain->lock);
	list_add_tail(&at->node, &domain->attachments);
	write_unlock(&domain->lock);
}

void soft_domain_unlink(struct soft_domain *domain, struct soft_attachment *at)
{
	write_lock(&domain->lock);
	list_del(&at->node);
	write_unlock(&domain->lock);
}
