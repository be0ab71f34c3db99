// SPDX-License-Identifier: GPL-2.0-only
/*
 * The record of what drivers in the kernel have pinned (vfio_pin_pages()).
 *
 * Each mapping knows such pages by an xarray, from the page's number in IOVA space to
 * where it is and how often it was asked for; the page itself is pinned once, for
 * long. All of it is guarded by container->lock. How pages come and go is driver_pins.c's.
 */
#include "change/internal.h"

/**
 * viopf_external_is_charged() - does anybody pay for a page?
 * @external: the page
 *
 * The zero page is nobody's to pay for, as with type1.
 *
 * Return: whether somebody does.
 */
bool viopf_external_is_charged(const struct viopf_external *external)
{
	return !PageReserved(external->page);
}

/**
 * viopf_external_count() - how many pages of a range do drivers pay for?
 * @segment: where, with container->lock held
 * @first: first page
 * @nr_pages: how many
 *
 * Return: how many.
 */
unsigned long viopf_external_count(const struct viopf_segment *segment,
				   unsigned long first, unsigned long nr_pages)
{
	unsigned long from = viopf_segment_iova(segment, first) >> PAGE_SHIFT;
	struct viopf_external *external;
	unsigned long index, count = 0;

	xa_for_each_range(&segment->mapping->externals, index, external, from,
			  from + nr_pages - 1)
		count += viopf_external_is_charged(external);
	return count;
}

/**
 * viopf_external_trim() - leave out what devices are to keep, as drivers have it
 * @segment: where, with container->lock held
 * @page: first page of a range
 * @stop: the page after its last; moved down to the first such page, or past it if
 *	that is @page
 *
 * Return: false if @page is one.
 */
bool viopf_external_trim(const struct viopf_segment *segment,
			 unsigned long page, unsigned long *stop)
{
	struct viopf_mapping *mapping = segment->mapping;
	unsigned long from = segment->table.iova >> PAGE_SHIFT;
	unsigned long index = from + page;

	if (!mapping->externals_mapped ||
	    !xa_find(&mapping->externals, &index, from + *stop - 1, XA_PRESENT))
		return true;
	*stop = max(index - from, page + 1);
	return index - from > page;
}
