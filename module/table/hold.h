/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pages that an IOMMU refused to let go: see hold.c.
 */
#ifndef VIOPF_HOLD_H
#define VIOPF_HOLD_H

#include "table/table.h"

void viopf_hold_pages(struct viopf_table *table);
void viopf_hold_release(struct viopf_table *table);

#endif /* VIOPF_HOLD_H */
