/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which pages devices use, for the kernel to know when it reclaims: see aging.c.
 */
#ifndef VIOPF_AGING_H
#define VIOPF_AGING_H

#include <linux/interval_tree.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

struct viopf_ager;
struct viopf_mapping;
struct viopf_segment;
struct viopf_span;

/**
 * struct viopf_age - what a segment knows of the use of its pages
 * @node: the user addresses it is about, in @ager's tree
 * @ager: of the mm, or NULL if nobody is told
 * @lock: guards what follows; innermost, as page table locks are around it
 * @young: a bit a page that devices reach and that has not been asked about since,
 *	a subset of the record; NULL without @ager. Set and cleared with segment->lock
 *	held too, but for a question, which clears
 * @frozen: questions clear nothing just now; changed with segment->lock held too
 * @lost: at the most so many pages were sampled and have not come back; by segment->lock
 * @sampling: takes from the devices what has been asked about
 */
struct viopf_age {
	struct interval_tree_node	node;
	struct viopf_ager		*ager;
	spinlock_t			lock;	/* innermost */
	unsigned long			*young;
	bool				frozen;
	unsigned long			lost;
	struct delayed_work		sampling;
};

extern bool viopf_aging, viopf_aging_observers;
extern unsigned int viopf_aging_delay_ms;

int viopf_age_prepare(struct viopf_mapping *mapping);
void viopf_age_release(struct viopf_ager *ager);
int viopf_age_init(struct viopf_segment *segment);
void viopf_age_deinit(struct viopf_segment *segment);
void viopf_age_add(struct viopf_segment *segment);
void viopf_age_remove(struct viopf_segment *segment);
void viopf_age_around(const struct viopf_segment *segment,
		      struct viopf_span *span);
void viopf_age_touch_slow(struct viopf_segment *segment, unsigned long first,
			  unsigned long end, bool young);
void viopf_age_exit(void);

#endif /* VIOPF_AGING_H */
