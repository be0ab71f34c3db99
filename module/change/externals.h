/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pages that drivers in the kernel have pinned: see externals.c.
 */
#ifndef VIOPF_EXTERNALS_H
#define VIOPF_EXTERNALS_H

#include "object/segment.h"

/**
 * struct viopf_external - a page that drivers have pinned
 * @page: where it is
 * @count: how often it was asked for
 */
struct viopf_external {
	struct page	*page;
	unsigned int	count;
};

bool viopf_external_is_charged(const struct viopf_external *external);
unsigned long viopf_external_count(const struct viopf_segment *segment,
				   unsigned long first, unsigned long nr_pages);
bool viopf_external_trim(const struct viopf_segment *segment,
			 unsigned long page, unsigned long *stop);

#endif /* VIOPF_EXTERNALS_H */
