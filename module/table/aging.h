/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which pages devices use, for the kernel to know when it reclaims: see aging.c.
 */
#ifndef VIOPF_AGING_H
#define VIOPF_AGING_H

#include <linux/interval_tree.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

struct mm_struct;
struct viopf_ager;
struct viopf_table;

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

int viopf_age_prepare(struct viopf_ager **mine, struct viopf_ager **shared,
		      struct mm_struct *mm);
void viopf_age_release(struct viopf_ager *ager);
int viopf_age_init(struct viopf_table *table, struct viopf_ager *ager,
		   unsigned long uaddr, bool samples);
void viopf_age_deinit(struct viopf_table *table);
void viopf_age_add(struct viopf_table *table);
void viopf_age_remove(struct viopf_table *table);
void viopf_age_around(const struct viopf_table *table, unsigned long page,
		      unsigned long *first, unsigned long *end);
void viopf_age_touch_slow(struct viopf_table *table, unsigned long first,
			  unsigned long end, bool young);
void viopf_age_exit(void);

#endif /* VIOPF_AGING_H */
