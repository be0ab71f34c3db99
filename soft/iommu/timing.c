// SPDX-License-Identifier: GPL-2.0-only
/*
 * How long the answers to page requests take: from just before the last request of a
 * group is reported to the iommu core, until the core asks for the response to be given.
 * What the queue, the device and the delays that can be injected add is outside of that.
 *
 * The times of all IOMMUs go into one ring, without a lock: each takes a place of its own,
 * and overwrites what was there a whole ring ago.  A reading is exact when nothing is
 * going on.
 */
#include <linux/debugfs.h>
#include <linux/ktime.h>
#include <linux/minmax.h>
#include <linux/seq_file.h>

#include "iommu_priv.h"

#define SOFT_TIMES	16384	/* power of two */

static u32 soft_times[SOFT_TIMES];
static atomic64_t soft_times_count;
static atomic64_t soft_times_sum_ns;
static atomic64_t soft_times_max_ns;

/**
 * soft_time_reported() - a group is about to be with the iommu core
 * @group: whose last request is reported next
 */
void soft_time_reported(struct soft_group *group)
{
	WRITE_ONCE(group->reported, ktime_get());
}

/**
 * soft_time_answered() - the iommu core has answered it
 * @group: the group
 */
void soft_time_answered(struct soft_group *group)
{
	s64 ns = ktime_to_ns(ktime_sub(ktime_get(), READ_ONCE(group->reported)));
	s64 max_ns = atomic64_read(&soft_times_max_ns);
	u64 place = atomic64_inc_return(&soft_times_count) - 1;

	WRITE_ONCE(soft_times[place % SOFT_TIMES], min_t(s64, ns, U32_MAX));
	atomic64_add(ns, &soft_times_sum_ns);
	while (ns > max_ns &&
	       !atomic64_try_cmpxchg(&soft_times_max_ns, &max_ns, ns))
		;
}

/* Place 0 is the line of sums, place n the n-th oldest of the times that are kept. */
static void *soft_times_start(struct seq_file *seq, loff_t *pos)
{
	u64 count = atomic64_read(&soft_times_count);

	return *pos <= min_t(u64, count, SOFT_TIMES) ? pos : NULL;
}

static void *soft_times_next(struct seq_file *seq, void *at, loff_t *pos)
{
	++*pos;
	return soft_times_start(seq, pos);
}

static void soft_times_stop(struct seq_file *seq, void *at)
{
}

static int soft_times_show(struct seq_file *seq, void *at)
{
	u64 count = atomic64_read(&soft_times_count);
	u64 place = *(loff_t *)at;

	if (!place) {
		seq_printf(seq, "count %llu sum %lld max %lld\n", count,
			   atomic64_read(&soft_times_sum_ns),
			   atomic64_read(&soft_times_max_ns));
		return 0;
	}
	place += count - min_t(u64, count, SOFT_TIMES) - 1;
	seq_printf(seq, "%u\n", READ_ONCE(soft_times[place % SOFT_TIMES]));
	return 0;
}

static const struct seq_operations soft_times_seq_ops = {
	.start = soft_times_start,
	.next = soft_times_next,
	.stop = soft_times_stop,
	.show = soft_times_show,
};

static int soft_times_open(struct inode *inode, struct file *file)
{
	return seq_open(file, &soft_times_seq_ops);
}

static ssize_t soft_times_write(struct file *file, const char __user *user,
				size_t count, loff_t *pos)
{
	atomic64_set(&soft_times_count, 0);
	atomic64_set(&soft_times_sum_ns, 0);
	atomic64_set(&soft_times_max_ns, 0);
	return count;
}

static const struct file_operations soft_times_fops = {
	.owner = THIS_MODULE,
	.open = soft_times_open,
	.read = seq_read,
	.write = soft_times_write,
	.llseek = seq_lseek,
	.release = seq_release,
};

void soft_timing_init(struct dentry *dir)
{
	debugfs_create_file("response_times", 0600, dir, NULL, &soft_times_fops);
}
