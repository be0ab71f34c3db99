/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The IOVA ranges that a container's mappings may lie in.
 *
 * See iova.c for what they are made of.
 */
#ifndef VIOPF_IOVA_H
#define VIOPF_IOVA_H

#include <linux/types.h>

/**
 * struct viopf_iova_range - a range of IOVA
 * @first: its first byte
 * @last: its last byte, inclusive
 */
struct viopf_iova_range {
	u64	first;
	u64	last;
};

/**
 * struct viopf_iova - the valid IOVA ranges of a container
 * @ranges: an array of them, ascending, none touching the next
 * @nr: how many there are
 *
 * Nothing in here is locked: the container's lock guards it.
 */
struct viopf_iova {
	struct viopf_iova_range	*ranges;
	size_t			nr;
};

int viopf_iova_init(struct viopf_iova *v, gfp_t gfp);
void viopf_iova_deinit(struct viopf_iova *v);
void viopf_iova_move(struct viopf_iova *to, struct viopf_iova *from);

void viopf_iova_intersect(struct viopf_iova *v, u64 first, u64 last);
int viopf_iova_exclude(struct viopf_iova *v, u64 first, u64 last, gfp_t gfp);
bool viopf_iova_contains(const struct viopf_iova *v, u64 first, u64 last);

#endif /* VIOPF_IOVA_H */
