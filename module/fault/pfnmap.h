/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory that has no struct page: see pfnmap.c.
 */
#ifndef VIOPF_PFNMAP_H
#define VIOPF_PFNMAP_H

#include "fault/snapshot.h"

int viopf_pfnmap_follow(struct mm_struct *mm, unsigned long uaddr, bool write,
			unsigned long *pfn, bool *writable);
int viopf_pfnmap_fault(struct viopf_segment *segment,
		       const struct viopf_span *span);

#endif /* VIOPF_PFNMAP_H */
