// SPDX-License-Identifier: GPL-2.0-only
/*
 * The life of a table: made with nothing mapped, ready as soon as its container has a
 * domain, and freed when nothing is mapped any more.
 */
#include <linux/sched/mm.h>

#include "table/internal.h"

/* In one place, so that lockdep knows all such locks as one class. */
static void viopf_table_lock_init(struct viopf_table *table)
{
	mutex_init(&table->lock);
}

/**
 * viopf_table_prime_lockdep() - teach lockdep that reclaim takes a table's lock
 *
 * Before it ever does: then any allocation under that lock that could reclaim is reported
 * at once, and not on the day when memory is short.
 */
void viopf_table_prime_lockdep(void)
{
	struct viopf_table dummy;

	if (!IS_ENABLED(CONFIG_LOCKDEP))
		return;

	viopf_table_lock_init(&dummy);
	fs_reclaim_acquire(GFP_KERNEL);
	mutex_lock(&dummy.lock);
	mutex_unlock(&dummy.lock);
	fs_reclaim_release(GFP_KERNEL);
	mutex_destroy(&dummy.lock);
}

/**
 * viopf_table_init() - make a table, with nothing in it
 * @table: zeroed
 * @iommu: of its container
 * @iova: where it begins
 * @nr_pages: how many pages it has
 * @prot: what devices may do there at the most
 *
 * Return: 0; -ENOMEM, and nothing is to be undone.
 */
int viopf_table_init(struct viopf_table *table, struct viopf_iommu *iommu,
		     unsigned long iova, unsigned long nr_pages, int prot)
{
	int ret = viopf_residency_init(&table->residency, iova >> PAGE_SHIFT,
				       nr_pages, GFP_KERNEL_ACCOUNT);

	if (ret)
		return ret;
	table->iommu = iommu;
	table->iova = iova;
	table->prot = prot;
	viopf_table_lock_init(table);
	return 0;
}

/**
 * viopf_table_deinit() - free what a table consists of
 * @table: with nothing mapped, nor known to an ager
 */
void viopf_table_deinit(struct viopf_table *table)
{
	viopf_dirty_bits_deinit(table);
	bitmap_free(table->pins);
	bitmap_free(table->advised);
	viopf_age_deinit(table);
	viopf_residency_deinit(&table->residency);
	mutex_destroy(&table->lock);
}

/**
 * viopf_table_ready() - may anything be mapped at all?
 * @table: locked; on success it has its set of domains
 *
 * Return: 0; -EIO: the container failed; -ENOENT: unmapped, or no device left.
 */
int viopf_table_ready(struct viopf_table *table)
{
	lockdep_assert_held(&table->lock);

	if (viopf_iommu_failed(table->iommu) || table->kept)
		return -EIO;
	if (table->dead)
		return -ENOENT;
	/* Of the old set and the new it may read either: see change/set.c. */
	if (!table->set)
		table->set = READ_ONCE(table->iommu->set);
	return table->set->nr ? 0 : -ENOENT;
}
