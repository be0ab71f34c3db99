// SPDX-License-Identifier: GPL-2.0-only
/*
 * The IOVA ranges that a container's mappings may lie in.
 *
 * They begin as everything. Each domain takes away what lies outside its
 * aperture, and each group the regions reserved for its devices (the MSI window,
 * identity mapped firmware regions, ...). What is left is what GET_INFO reports
 * and MAP_DMA accepts. Nothing is ever added: when a group or a domain goes, the
 * set is made anew from those that stay, beside the one in use, and moved in its
 * place only when complete (viopf_iova_move()), so that a failure half-way
 * changes nothing.
 *
 * The set is a sorted array, as it has a handful of entries. Both ends of a
 * range are inclusive, in bytes: the last byte of the address space is
 * a valid one, and no sum here may overflow because of it. Ranges neither
 * overlap nor touch; an empty set contains nothing.
 *
 * Only taking a piece out of the middle of a range needs memory.
 */
#include <linux/bug.h>
#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "policy/iova.h"

/**
 * viopf_iova_init() - begin with the whole address space
 * @v: the set, of any content
 * @gfp: how to allocate it
 *
 * Return: 0, or -ENOMEM with an empty set.
 */
int viopf_iova_init(struct viopf_iova *v, gfp_t gfp)
{
	v->nr = 0;
	v->ranges = kmalloc(sizeof(*v->ranges), gfp);
	if (!v->ranges)
		return -ENOMEM;
	v->ranges[0] = (struct viopf_iova_range){ .first = 0, .last = U64_MAX };
	v->nr = 1;
	return 0;
}

/**
 * viopf_iova_deinit() - free the set, leaving an empty one
 * @v: the set
 */
void viopf_iova_deinit(struct viopf_iova *v)
{
	kfree(v->ranges);
	v->ranges = NULL;
	v->nr = 0;
}

/**
 * viopf_iova_move() - put one set in the place of another
 * @to: the set to replace; what it held is freed
 * @from: the set to put there; empty afterwards, with nothing to free
 */
void viopf_iova_move(struct viopf_iova *to, struct viopf_iova *from)
{
	kfree(to->ranges);
	*to = *from;
	from->ranges = NULL;
	from->nr = 0;
}

/* The index of the first range that ends at or after @addr; nr if there is none. */
static size_t first_reaching(const struct viopf_iova *v, u64 addr)
{
	size_t i = 0;

	while (i < v->nr && v->ranges[i].last < addr)
		i++;
	return i;
}

/* Does taking out [@first, @last] leave something on both sides in range @i? */
static bool splits(const struct viopf_iova *v, size_t i, u64 first, u64 last)
{
	return i < v->nr && v->ranges[i].first < first &&
	       v->ranges[i].last > last;
}

/* Take out [@first, @last], which splits no range. */
static void cut(struct viopf_iova *v, u64 first, u64 last)
{
	size_t from = first_reaching(v, first);
	size_t to = from;

	/* Of a range that begins before, the head stays. */
	if (from < v->nr && v->ranges[from].first < first) {
		v->ranges[from].last = first - 1;
		from++;
		to++;
	}
	while (to < v->nr && v->ranges[to].last <= last)
		to++;
	/* Of a range that ends after, the tail stays. */
	if (to < v->nr && v->ranges[to].first <= last)
		v->ranges[to].first = last + 1;

	if (to == from)
		return;
	memmove(&v->ranges[from], &v->ranges[to],
		(v->nr - to) * sizeof(*v->ranges));
	v->nr -= to - from;
}

/**
 * viopf_iova_intersect() - take away all that is outside an aperture
 * @v: the set
 * @first: first byte of the aperture
 * @last: its last byte, inclusive
 */
void viopf_iova_intersect(struct viopf_iova *v, u64 first, u64 last)
{
	if (WARN_ON_ONCE(first > last))
		return;
	if (first > 0)
		cut(v, 0, first - 1);
	if (last < U64_MAX)
		cut(v, last + 1, U64_MAX);
}

/**
 * viopf_iova_exclude() - take away a reserved region
 * @v: the set
 * @first: first byte of the region
 * @last: its last byte, inclusive
 * @gfp: how to allocate, should the region split a range
 *
 * Return: 0, or -ENOMEM with the set as it was.
 */
int viopf_iova_exclude(struct viopf_iova *v, u64 first, u64 last, gfp_t gfp)
{
	struct viopf_iova_range *ranges;
	size_t i;

	if (WARN_ON_ONCE(first > last))
		return 0;
	i = first_reaching(v, first);
	if (!splits(v, i, first, last)) {
		cut(v, first, last);
		return 0;
	}

	ranges = krealloc_array(v->ranges, v->nr + 1, sizeof(*ranges), gfp);
	if (!ranges)
		return -ENOMEM;
	v->ranges = ranges;
	memmove(&ranges[i + 1], &ranges[i], (v->nr - i) * sizeof(*ranges));
	v->nr++;
	ranges[i].last = first - 1;
	ranges[i + 1].first = last + 1;
	return 0;
}

/**
 * viopf_iova_contains() - may a mapping lie here?
 * @v: the set
 * @first: its first byte
 * @last: its last byte, inclusive
 *
 * Return: whether [@first, @last] is a range at all and lies wholly in one of
 * the set.
 */
bool viopf_iova_contains(const struct viopf_iova *v, u64 first, u64 last)
{
	size_t i = first_reaching(v, last);

	return first <= last && i < v->nr && v->ranges[i].first <= first;
}
