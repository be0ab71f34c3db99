/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The dirty bits of one table: see dirty_bits.c.
 */
#ifndef VIOPF_DIRTY_BITS_H
#define VIOPF_DIRTY_BITS_H

#include "table/table.h"

int viopf_dirty_bits_init(struct viopf_table *table);
void viopf_dirty_bits_deinit(struct viopf_table *table);
void viopf_dirty_bits_mark_slow(struct viopf_table *table, unsigned long first,
				unsigned long end);
void viopf_dirty_bits_reset(struct viopf_table *table);
int viopf_dirty_bits_start(struct viopf_table *table);
void viopf_dirty_bits_stop(struct viopf_table *table);

/* Pages [first, end) of a locked table may be written from here on. */
static inline void viopf_dirty_bits_mark(struct viopf_table *table,
					 unsigned long first, unsigned long end)
{
	if (unlikely(table->dirty))
		viopf_dirty_bits_mark_slow(table, first, end);
}

/*
 * While dirty pages are tracked, what is mapped writable is dirty: nothing is, that
 * can be mapped for reading, before a device writes.
 */
static inline bool viopf_dirty_bits_prefer_read(const struct viopf_table *table)
{
	return unlikely(READ_ONCE(table->dirty)) && (table->prot & IOMMU_READ);
}

#endif /* VIOPF_DIRTY_BITS_H */
