// SPDX-License-Identifier: GPL-2.0-only
/*
 * Misbehaviour on command, and counters: softiommu's directory in debugfs.
 *
 * The knobs are plain variables, read without a lock wherever they matter; a change
 * takes effect with the next call.  What they do is described in softiommu.h.
 *
 * Counters are per CPU and only ever added to, so that the paths that count need no
 * lock either.  A reset remembers the sums of that moment, which reading subtracts.
 * A reading is exact when nothing is going on.
 */
#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/seq_file.h>

#include "iommu_priv.h"

#define SOFT_PGSIZES	(BIT(12) | BIT(21) | BIT(30))

struct soft_knobs soft_knobs;
DEFINE_PER_CPU(struct soft_stats, soft_stats);

static struct soft_stats soft_stats_base;
static DEFINE_MUTEX(soft_stats_lock);
static struct dentry *soft_dir;

static const char * const soft_mode_names[] = {
	[PGT_UNMAP_EXACT] = "exact",
	[PGT_UNMAP_WHOLE] = "whole",
	[PGT_UNMAP_REFUSE] = "refuse",
};

static const char * const soft_stat_names[] = {
	[SOFT_MAPS] = "maps",
	[SOFT_UNMAPS] = "unmaps",
	[SOFT_SPLITS] = "splits",
	[SOFT_MAP_CALLS] = "map_calls",
	[SOFT_UNMAP_CALLS] = "unmap_calls",
	[SOFT_UNMAPS_REFUSED] = "unmaps_refused",
	[SOFT_FLUSHES] = "flushes",
	[SOFT_LEAVES_4K] = "leaves_4k",
	[SOFT_LEAVES_2M] = "leaves_2m",
	[SOFT_LEAVES_1G] = "leaves_1g",
	[SOFT_MAPPED_BYTES] = "mapped_bytes",
	[SOFT_TABLE_PAGES] = "table_pages",
	[SOFT_PRQ_REQUESTS] = "prq_requests",
	[SOFT_PRQ_GROUPS] = "prq_groups",
	[SOFT_PRQ_OVERFLOW] = "prq_overflow",
	[SOFT_PRQ_REFUSED] = "prq_refused",
	[SOFT_PRQ_PURGED] = "prq_purged",
	[SOFT_RESP_SUCCESS] = "resp_success",
	[SOFT_RESP_INVALID] = "resp_invalid",
	[SOFT_RESP_FAILURE] = "resp_failure",
	[SOFT_RESP_LATE] = "resp_late",
	[SOFT_RESP_UNEXPECTED] = "resp_unexpected",
	[SOFT_TRANSLATIONS] = "translations",
	[SOFT_IOTLB_HITS] = "iotlb_hits",
	[SOFT_DMA_READ_BYTES] = "dma_read_bytes",
	[SOFT_DMA_WRITE_BYTES] = "dma_write_bytes",
};

static_assert(ARRAY_SIZE(soft_stat_names) == SOFT_STAT_COUNT);

static bool soft_is_gauge(enum soft_stat stat)
{
	return stat >= SOFT_LEAVES_4K && stat <= SOFT_TABLE_PAGES;
}

static void soft_stats_sum(struct soft_stats *sum)
{
	unsigned int stat;
	int cpu;

	memset(sum, 0, sizeof(*sum));
	for_each_possible_cpu(cpu)
		for (stat = 0; stat < SOFT_STAT_COUNT; stat++)
			sum->value[stat] +=
				READ_ONCE(per_cpu(soft_stats, cpu).value[stat]);
}

/**
 * soft_counted() - how far a counter has come since the module was loaded
 * @stat: which
 *
 * Return: that, or what a gauge is at.
 */
u64 soft_counted(enum soft_stat stat)
{
	struct soft_stats sum;

	soft_stats_sum(&sum);
	return sum.value[stat];
}

static int soft_stats_show(struct seq_file *seq, void *unused)
{
	struct soft_stats sum;
	unsigned int stat;

	guard(mutex)(&soft_stats_lock);
	soft_stats_sum(&sum);
	for (stat = 0; stat < SOFT_STAT_COUNT; stat++)
		seq_printf(seq, "%s %llu\n", soft_stat_names[stat],
			   sum.value[stat] - soft_stats_base.value[stat]);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(soft_stats);

static int soft_stats_reset(void *unused, u64 value)
{
	unsigned int stat;

	guard(mutex)(&soft_stats_lock);
	soft_stats_sum(&soft_stats_base);
	for (stat = 0; stat < SOFT_STAT_COUNT; stat++)
		if (soft_is_gauge(stat))
			soft_stats_base.value[stat] = 0;
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(soft_stats_reset_fops, NULL, soft_stats_reset,
			 "%llu\n");

static void soft_knobs_default(void)
{
	WRITE_ONCE(soft_knobs.unmap_mode, PGT_UNMAP_EXACT);
	WRITE_ONCE(soft_knobs.refuse_all, false);
	WRITE_ONCE(soft_knobs.unmap_coarse_pages, 0);
	WRITE_ONCE(soft_knobs.skip_flush, false);
	WRITE_ONCE(soft_knobs.refuse_every, 0);
	WRITE_ONCE(soft_knobs.flush_hold, false);
	WRITE_ONCE(soft_knobs.response_delay_us, 0);
	WRITE_ONCE(soft_knobs.response_swap_us, 0);
	WRITE_ONCE(soft_knobs.report_delay_us, 0);
	WRITE_ONCE(soft_knobs.map_merge, false);
	atomic_set(&soft_knobs.map_fail_nth, 0);
	WRITE_ONCE(soft_knobs.map_fail_errno, ENOMEM);
	WRITE_ONCE(soft_knobs.map_fail_pages, 0);
	WRITE_ONCE(soft_knobs.map_fail_hold, false);
	WRITE_ONCE(soft_knobs.pgsizes, SOFT_PGSIZES);
	WRITE_ONCE(soft_knobs.prq_limit, SOFT_PRQ_ENTRIES);
}

static int soft_knobs_reset(void *unused, u64 value)
{
	soft_knobs_default();
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(soft_knobs_reset_fops, NULL, soft_knobs_reset,
			 "%llu\n");

static int soft_mode_show(struct seq_file *seq, void *unused)
{
	seq_printf(seq, "%s\n",
		   soft_mode_names[READ_ONCE(soft_knobs.unmap_mode)]);
	return 0;
}

static int soft_mode_open(struct inode *inode, struct file *file)
{
	return single_open(file, soft_mode_show, NULL);
}

static ssize_t soft_mode_write(struct file *file, const char __user *user,
			       size_t count, loff_t *pos)
{
	char name[16] = {};
	int mode;

	if (count >= sizeof(name))
		return -EINVAL;
	if (copy_from_user(name, user, count))
		return -EFAULT;
	mode = sysfs_match_string(soft_mode_names, name);
	if (mode < 0)
		return mode;
	WRITE_ONCE(soft_knobs.unmap_mode, mode);
	return count;
}

static const struct file_operations soft_mode_fops = {
	.owner = THIS_MODULE,
	.open = soft_mode_open,
	.read = seq_read,
	.write = soft_mode_write,
	.llseek = seq_lseek,
	.release = single_release,
};

/* A knob that takes only some values: @_valid says which, of @value. */
#define SOFT_CHECKED_KNOB(_knob, _valid, _format)				\
static int soft_##_knob##_get(void *unused, u64 *value)				\
{										\
	*value = READ_ONCE(soft_knobs._knob);					\
	return 0;								\
}										\
static int soft_##_knob##_set(void *unused, u64 value)				\
{										\
	if (!(_valid))								\
		return -EINVAL;							\
	WRITE_ONCE(soft_knobs._knob, value);					\
	return 0;								\
}										\
DEFINE_DEBUGFS_ATTRIBUTE(soft_##_knob##_fops, soft_##_knob##_get,		\
			 soft_##_knob##_set, _format)

SOFT_CHECKED_KNOB(unmap_coarse_pages,
		  value <= BIT(18) && (!value || is_power_of_2(value)), "%llu\n");
SOFT_CHECKED_KNOB(pgsizes, !(value & ~SOFT_PGSIZES) && (value & PAGE_SIZE), "0x%llx\n");
SOFT_CHECKED_KNOB(map_fail_errno, value && value <= MAX_ERRNO, "%llu\n");

/**
 * soft_map_must_fail() - count a call of map_pages down
 *
 * Return: whether it is the one that map_fail_nth meant
 */
bool soft_map_must_fail(void)
{
	return atomic_read(&soft_knobs.map_fail_nth) > 0 &&
	       atomic_dec_if_positive(&soft_knobs.map_fail_nth) == 0;
}

/**
 * soft_unmap_must_fail() - count a call of unmap_pages
 *
 * Return: whether it is one that refuse_all or refuse_every meant
 */
bool soft_unmap_must_fail(void)
{
	static atomic_t calls;
	u32 every = READ_ONCE(soft_knobs.refuse_every);

	if (READ_ONCE(soft_knobs.refuse_all))
		return true;
	return every && (u32)atomic_inc_return(&calls) % every == 0;
}

static void soft_inject_plain_files(void)
{
	debugfs_create_bool("refuse_all", 0600, soft_dir,
			    &soft_knobs.refuse_all);
	debugfs_create_bool("skip_flush", 0600, soft_dir,
			    &soft_knobs.skip_flush);
	debugfs_create_u32("refuse_every", 0600, soft_dir,
			   &soft_knobs.refuse_every);
	debugfs_create_bool("flush_hold", 0600, soft_dir,
			    &soft_knobs.flush_hold);
	debugfs_create_u32("response_delay_us", 0600, soft_dir,
			   &soft_knobs.response_delay_us);
	debugfs_create_u32("response_swap_us", 0600, soft_dir,
			   &soft_knobs.response_swap_us);
	debugfs_create_u32("report_delay_us", 0600, soft_dir,
			   &soft_knobs.report_delay_us);
	debugfs_create_u32("prq_limit", 0600, soft_dir, &soft_knobs.prq_limit);
	debugfs_create_bool("map_merge", 0600, soft_dir, &soft_knobs.map_merge);
	debugfs_create_atomic_t("map_fail_nth", 0600, soft_dir,
				&soft_knobs.map_fail_nth);
	debugfs_create_u32("map_fail_pages", 0600, soft_dir,
			   &soft_knobs.map_fail_pages);
	debugfs_create_bool("map_fail_hold", 0600, soft_dir,
			    &soft_knobs.map_fail_hold);
}

void soft_inject_init(void)
{
	soft_knobs_default();
	soft_dir = debugfs_create_dir("softiommu", NULL);
	soft_inject_plain_files();
	debugfs_create_file("unmap_mode", 0600, soft_dir, NULL, &soft_mode_fops);
	debugfs_create_file_unsafe("unmap_coarse_pages", 0600, soft_dir, NULL,
				   &soft_unmap_coarse_pages_fops);
	debugfs_create_file_unsafe("pgsizes", 0600, soft_dir, NULL,
				   &soft_pgsizes_fops);
	debugfs_create_file_unsafe("map_fail_errno", 0600, soft_dir, NULL,
				   &soft_map_fail_errno_fops);
	debugfs_create_file_unsafe("reset_knobs", 0200, soft_dir, NULL,
				   &soft_knobs_reset_fops);
	soft_timing_init(soft_dir);
	debugfs_create_file("stats", 0400, soft_dir, NULL, &soft_stats_fops);
	debugfs_create_file_unsafe("reset_stats", 0200, soft_dir, NULL,
				   &soft_stats_reset_fops);
}

void soft_inject_deinit(void)
{
	debugfs_remove(soft_dir);
}
