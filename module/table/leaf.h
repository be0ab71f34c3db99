/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What goes into the IOMMU and out of it: see leaf.c.
 */
#ifndef VIOPF_LEAF_H
#define VIOPF_LEAF_H

#include "table/table.h"

unsigned long viopf_leaf_drop(struct viopf_table *table,
			      unsigned long first, unsigned long end);
unsigned long viopf_leaf_drop_writable(struct viopf_table *table);
unsigned long viopf_leaf_drop_old(struct viopf_table *table);
int viopf_leaf_map(struct viopf_table *table, unsigned long first,
		   unsigned long end, phys_addr_t phys, bool writable);
int viopf_leaf_map_pages(struct viopf_table *table, unsigned long first,
			 unsigned long end, const unsigned long *pfns,
			 bool writable);
void viopf_leaf_leave(struct viopf_table *table,
		      struct iommu_domain *domain);
int viopf_leaf_replay(struct viopf_table *table,
		      struct iommu_domain *domain);
bool viopf_leaf_recheck(struct viopf_table *table, unsigned long page);
unsigned long viopf_leaf_count_mismatches(struct viopf_table *table);

#endif /* VIOPF_LEAF_H */
