// SPDX-License-Identifier: GPL-2.0-only
/*
 * The dirty bits of one table: which of its pages devices may have written.
 *
 * While there is a bitmap,
 *
 *   a page that is mapped writable has its bit set,
 *
 * whenever the table's lock is free. The bit is set when the page is mapped writable,
 * under the same hold of the lock, and outlives the mapping: an eviction leaves it. When
 * tracking begins and when bits are taken, which is the same for the table, what is mapped
 * writable is dropped, for devices to fault again. Why, docs/design.md says, and change/dirty.c.
 */
#include "table/internal.h"

/**
 * viopf_dirty_bits_deinit() - free a table's bitmap
 * @table: that nobody uses any more
 */
void viopf_dirty_bits_deinit(struct viopf_table *table)
{
	kvfree(table->dirty);
	table->dirty = NULL;
}

/**
 * viopf_dirty_bits_mark_slow() - pages may be written from here on
 * @table: locked, with a bitmap
 * @first: first page
 * @end: the page after the last
 *
 * Called by viopf_dirty_bits_mark().
 */
void viopf_dirty_bits_mark_slow(struct viopf_table *table, unsigned long first,
				unsigned long end)
{
	lockdep_assert_held(&table->lock);

	bitmap_set(table->dirty, first, end - first);
}

/**
 * viopf_dirty_bits_reset() - begin anew, with nothing dirty but what is mapped writable
 * @table: locked, with a bitmap, and all that can be dropped of what is writable dropped
 *
 * What is pinned is left. It may be written at any time, and stays dirty.
 */
void viopf_dirty_bits_reset(struct viopf_table *table)
{
	lockdep_assert_held(&table->lock);

	bitmap_copy(table->dirty, table->residency.writable,
		    table->residency.nr_pages);
}

/**
 * viopf_dirty_bits_start() - track a table's pages from now on
 * @table: not locked; nothing is done if it was made with a bitmap
 *
 * Return: 0; -ENOMEM.
 */
int viopf_dirty_bits_start(struct viopf_table *table)
{
	unsigned long *bits;

	/* Who tracks, or no longer, has the container locked; or the table is a new one. */
	if (table->dirty)
		return 0;
	bits = kvcalloc(BITS_TO_LONGS(table->residency.nr_pages), sizeof(long),
			GFP_KERNEL_ACCOUNT);
	if (!bits)
		return -ENOMEM;

	guard(mutex)(&table->lock);
	WRITE_ONCE(table->dirty, bits);
	viopf_leaf_drop_writable(table);
	viopf_dirty_bits_reset(table);
	return 0;
}

/**
 * viopf_dirty_bits_stop() - no longer
 * @table: not locked
 */
void viopf_dirty_bits_stop(struct viopf_table *table)
{
	unsigned long *bits;

	mutex_lock(&table->lock);
	bits = table->dirty;
	WRITE_ONCE(table->dirty, NULL);
	mutex_unlock(&table->lock);
	kvfree(bits);
}
