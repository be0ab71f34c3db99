/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files about a table have of each other.
 */
#ifndef VIOPF_TABLE_INTERNAL_H
#define VIOPF_TABLE_INTERNAL_H

#include <linux/mm.h>

#include "table/table.h"

unsigned long viopf_leaf_drop_old(struct viopf_table *table);
void viopf_hold_pages(struct viopf_table *table);
void viopf_dirty_bits_deinit(struct viopf_table *table);
void viopf_age_deinit(struct viopf_table *table);

#endif /* VIOPF_TABLE_INTERNAL_H */
