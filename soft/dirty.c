// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dirty tracking: the iommu core's dirty_ops, and a file to drive them by hand.
 *
 * The bits themselves are in the page table (pgtable.c), set by accesses (iotlb.c).
 * Here they are switched on and off, read and cleared.  softiommu.h, I8, says what of
 * that can be relied on.
 *
 * The file is one user of dirty_ops, like any other outside of this module: it calls
 * them through the domain, without a bitmap, one leaf at a time.
 */
#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/seq_file.h>

#include "iommu_priv.h"

static bool dirty_tracking;
module_param(dirty_tracking, bool, 0644);
MODULE_PARM_DESC(dirty_tracking, "domains allocated from now on can track what devices write (default N)");

/* For iova_bitmap_set(), where the kernel has it. */
MODULE_IMPORT_NS(IOMMUFD);

/**
 * soft_dirty_capable() - is dirty tracking on offer
 *
 * Return: whether it is, now
 */
bool soft_dirty_capable(void)
{
	return READ_ONCE(dirty_tracking);
}

static int soft_set_dirty_tracking(struct iommu_domain *iommu_domain,
				   bool enabled)
{
	struct soft_domain *domain = to_soft_domain(iommu_domain);

	WRITE_ONCE(domain->dirty_tracking, enabled);
	soft_flush(domain, 0, ~0ULL);
	return 0;
}

static void soft_record_dirty(u64 iova, u64 bytes, void *ctx)
{
	iommu_dirty_bitmap_record(ctx, iova, bytes);
}

static int soft_read_and_clear_dirty(struct iommu_domain *iommu_domain,
				     unsigned long iova, size_t size,
				     unsigned long flags,
				     struct iommu_dirty_bitmap *dirty)
{
	struct soft_domain *domain = to_soft_domain(iommu_domain);

	if (!READ_ONCE(domain->dirty_tracking) && dirty->bitmap)
		return -EINVAL;
	pgt_read_dirty(&domain->pgt, iova, size,
		       !(flags & IOMMU_DIRTY_NO_CLEAR), soft_record_dirty,
		       dirty);
	return 0;
}

const struct iommu_dirty_ops soft_dirty_ops = {
	.set_dirty_tracking = soft_set_dirty_tracking,
	.read_and_clear_dirty = soft_read_and_clear_dirty,
};

#define SOFT_DIRTY_MAX_PAGES	65536

/**
 * struct soft_dirty_scan - what "get" and "peek" are asked, and found
 * @iova: start
 * @pages: how much
 * @flags: for read_and_clear_dirty
 * @nr: dirty pages
 * @first: of them
 * @last: of them
 */
struct soft_dirty_scan {
	u64 iova;
	u64 pages;
	unsigned long flags;
	u64 nr;
	u64 first;
	u64 last;
};

static struct soft_dirty_scan soft_dirty_found;
static DEFINE_MUTEX(soft_dirty_lock);

/* Look at the leaf of the page at *@iova; go on to what follows. */
static int soft_dirty_step(struct soft_domain *domain,
			   struct soft_dirty_scan *scan, u64 *iova, u64 last,
			   struct iommu_iotlb_gather *all)
{
	const struct iommu_dirty_ops *ops = domain->domain.dirty_ops;
	struct iommu_iotlb_gather one;
	struct iommu_dirty_bitmap dirty;
	u64 at = *iova, end = at + PAGE_SIZE - 1;
	int ret;

	iommu_dirty_bitmap_init(&dirty, NULL, &one);
	ret = ops->read_and_clear_dirty(&domain->domain, at, PAGE_SIZE,
					scan->flags, &dirty);
	if (!ret && one.start <= one.end) {
		iommu_iotlb_gather_add_range(all, one.start,
					     one.end - one.start + 1);
		/* Only what was asked for; it may be the end of a larger leaf. */
		end = min_t(u64, one.end, last);
		if (!scan->nr)
			scan->first = at;
		scan->last = end - PAGE_SIZE + 1;
		scan->nr += (end + 1 - at) / PAGE_SIZE;
	}
	*iova = end + 1;
	return ret;
}

static int soft_dirty_scan(struct soft_domain *domain, void *ctx)
{
	struct soft_dirty_scan *scan = ctx;
	u64 iova = scan->iova, last = iova + scan->pages * PAGE_SIZE - 1;
	struct iommu_iotlb_gather all;
	int ret = 0;

	if (!domain->domain.dirty_ops)
		return -EOPNOTSUPP;
	iommu_iotlb_gather_init(&all);
	while (!ret && iova < last)
		ret = soft_dirty_step(domain, scan, &iova, last, &all);
	if (!(scan->flags & IOMMU_DIRTY_NO_CLEAR))
		iommu_iotlb_sync(&domain->domain, &all);
	return ret;
}

static int soft_dirty_switch(struct soft_domain *domain, void *ctx)
{
	const struct iommu_dirty_ops *ops = domain->domain.dirty_ops;
	const bool *on = ctx;

	if (!ops)
		return -EOPNOTSUPP;
	return ops->set_dirty_tracking(&domain->domain, *on);
}

static int soft_dirty_command(char *text)
{
	struct soft_dirty_scan scan = {};
	bool on = sysfs_streq(text, "on");
	char verb[8];
	int ret;

	guard(mutex)(&soft_dirty_lock);
	if (on || sysfs_streq(text, "off"))
		return soft_with_domain(soft_dirty_switch, &on);
	if (sscanf(text, "%7s %llx %llu", verb, &scan.iova, &scan.pages) != 3 ||
	    scan.iova % PAGE_SIZE || scan.iova >= BIT_ULL(PGT_IOVA_BITS) ||
	    !scan.pages || scan.pages > SOFT_DIRTY_MAX_PAGES)
		return -EINVAL;
	if (!strcmp(verb, "peek"))
		scan.flags = IOMMU_DIRTY_NO_CLEAR;
	else if (strcmp(verb, "get"))
		return -EINVAL;
	ret = soft_with_domain(soft_dirty_scan, &scan);
	if (!ret)
		soft_dirty_found = scan;
	return ret;
}

static ssize_t soft_dirty_write(struct file *file, const char __user *user,
				size_t count, loff_t *pos)
{
	char text[64] = {};
	int ret;

	if (count >= sizeof(text))
		return -EINVAL;
	if (copy_from_user(text, user, count))
		return -EFAULT;
	ret = soft_dirty_command(text);
	return ret ? ret : count;
}

static int soft_dirty_show(struct seq_file *seq, void *unused)
{
	guard(mutex)(&soft_dirty_lock);
	seq_printf(seq, "%llu %llx %llx\n", soft_dirty_found.nr,
		   soft_dirty_found.first, soft_dirty_found.last);
	return 0;
}

static int soft_dirty_open(struct inode *inode, struct file *file)
{
	return single_open(file, soft_dirty_show, NULL);
}

static const struct file_operations soft_dirty_fops = {
	.owner = THIS_MODULE,
	.open = soft_dirty_open,
	.read = seq_read,
	.write = soft_dirty_write,
	.llseek = seq_lseek,
	.release = single_release,
};

/**
 * soft_dirty_init() - make the file
 * @dir: softiommu's directory in debugfs
 */
void soft_dirty_init(struct dentry *dir)
{
	debugfs_create_file("dirty", 0600, dir, NULL, &soft_dirty_fops);
}
