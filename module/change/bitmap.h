/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * User space's bitmap of dirty pages, held while it is written: see bitmap.c.
 */
#ifndef VIOPF_BITMAP_H
#define VIOPF_BITMAP_H

#include <linux/mm_types.h>
#include <linux/types.h>

/* Bits that a bitmap of dirty pages may have: type1's limit. */
#define VIOPF_DIRTY_MAX_PAGES	((u64)INT_MAX)

/**
 * struct viopf_bitmap - a bitmap of user space's
 * @user: where it is
 * @pages: those of its pages that are pinned
 * @nr_pages: how many
 * @bytes: the first of them, for the kernel; NULL: it isn't ready
 * @first: first bit that is ready to be written
 * @last: last one
 */
struct viopf_bitmap {
	u8 __user	*user;
	struct page	**pages;
	unsigned int	nr_pages;
	u8		*bytes;
	u64		first;
	u64		last;
};

bool viopf_bitmap_holds(const struct viopf_bitmap *bitmap, u64 first, u64 last);
int viopf_bitmap_hold(struct viopf_bitmap *bitmap, u64 first, u64 last);
void viopf_bitmap_release(struct viopf_bitmap *bitmap);
void viopf_bitmap_clear(const struct viopf_bitmap *bitmap, u64 first, u64 last);
void viopf_bitmap_set(const struct viopf_bitmap *bitmap, u64 bit);

#endif /* VIOPF_BITMAP_H */
