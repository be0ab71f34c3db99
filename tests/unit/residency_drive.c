// SPDX-License-Identifier: GPL-2.0-only
/*
 * The residency record against a model that has, for each page, whether it is
 * mapped, whether writable, and the leaf that maps it. No bitmaps there, and every
 * question is answered by going through the pages.
 */
#include <stdlib.h>
#include <linux/slab.h>

#include "policy/residency.h"
#include "support.h"

#define MAX_PAGES	1600
#define BLOCK		512UL

struct model_page {
	bool		mapped;
	bool		writable;
	unsigned long	leaf_first;
	unsigned long	leaf_end;
};

struct model {
	unsigned long		first_iopfn;
	unsigned long		nr;
	struct model_page	page[MAX_PAGES];
};

static void model_set(struct model *m, unsigned long first, unsigned long end,
		      bool writable, unsigned long leaf_pages)
{
	unsigned long p;

	for (p = first; p < end; p++) {
		unsigned long leaf = first + (p - first) / leaf_pages *
				     leaf_pages;

		m->page[p] = (struct model_page){
			true, writable, leaf, leaf + leaf_pages
		};
	}
}

/* One page further at a time until nothing sticks out. */
static void model_widen(const struct model *m, unsigned long *first,
			unsigned long *end)
{
	unsigned long p, begin = *first, stop = *end;

	for (p = begin; p < stop; p++) {
		if (!m->page[p].mapped)
			continue;
		if (m->page[p].leaf_first < *first)
			*first = m->page[p].leaf_first;
		if (m->page[p].leaf_end > *end)
			*end = m->page[p].leaf_end;
	}
}

/* The next maximal run with @mapped in [*first, limit). */
static bool model_next(const struct model *m, unsigned long *first,
		       unsigned long *end, unsigned long limit, bool mapped)
{
	unsigned long p = *first;

	while (p < limit && m->page[p].mapped != mapped)
		p++;
	if (p == limit)
		return false;
	*first = p;
	while (p < limit && m->page[p].mapped == mapped)
		p++;
	*end = p;
	return true;
}

static void compare(const struct viopf_residency *r, const struct model *m)
{
	unsigned long p, nr = 0;

	for (p = 0; p < m->nr; p++) {
		const struct model_page *page = &m->page[p];

		nr += page->mapped;
		CHECK(viopf_residency_test(r, p, false) == page->mapped);
		CHECK(viopf_residency_test(r, p, true) == page->writable);
		CHECK(viopf_residency_is_huge(r, p) ==
		      (page->leaf_end - page->leaf_first > 1));
	}
	CHECK(r->nr_resident == nr);
	CHECK(!r->giant);
}

static void compare_next(const struct viopf_residency *r, const struct model *m,
			 unsigned long from, unsigned long limit)
{
	unsigned long first = from, end = ~0UL;
	unsigned long model_first = from, model_end = ~0UL;
	bool found;

	found = viopf_residency_next_run(r, &first, &end, limit);
	CHECK(found == model_next(m, &model_first, &model_end, limit, true));
	CHECK(first == model_first);
	CHECK(end == model_end);
}

static void compare_missing(const struct viopf_residency *r,
			    const struct model *m, unsigned long from,
			    unsigned long limit, bool writable)
{
	unsigned long page = from;

	while (page < limit && (writable ? m->page[page].writable :
					   m->page[page].mapped))
		page++;
	CHECK(viopf_residency_next_missing(r, from, limit, writable) == page);
}

/* Ask everything that can be asked of a range. */
static void compare_range(const struct viopf_residency *r,
			  const struct model *m, unsigned long first,
			  unsigned long end)
{
	unsigned long wide_first = first, wide_end = end;
	unsigned long model_first = first, model_end = end;

	viopf_residency_widen(r, &wide_first, &wide_end);
	model_widen(m, &model_first, &model_end);
	CHECK(wide_first == model_first);
	CHECK(wide_end == model_end);
	compare_next(r, m, first, end);
	compare_missing(r, m, first, end, false);
	compare_missing(r, m, first, end, true);
	model_first = first;
	CHECK(viopf_residency_any(r, first, end) ==
	      model_next(m, &model_first, &model_end, end, true));
}

static void set_range(struct viopf_residency *r, struct model *m,
		      unsigned long first, unsigned long end, bool writable)
{
	if (!model_next(m, &first, &end, end, false))
		return;
	viopf_residency_set(r, first, end, writable);
	model_set(m, first, end, writable, 1);
}

/* As many whole free blocks as there are from the first one at or after @page. */
static void set_blocks(struct viopf_residency *r, struct model *m,
		       unsigned long page, bool writable)
{
	unsigned long first = page, end, hole_first, hole_end;

	while (first < m->nr && (m->first_iopfn + first) % BLOCK)
		first++;
	hole_first = first;
	if (first == m->nr ||
	    !model_next(m, &hole_first, &hole_end, m->nr, false) ||
	    hole_first != first)
		return;
	end = first + (hole_end - first) / BLOCK * BLOCK;
	viopf_residency_set_huge(r, first, end, writable);
	model_set(m, first, end, writable, BLOCK);
}

static void clear_range(struct viopf_residency *r, struct model *m,
			unsigned long first, unsigned long end)
{
	unsigned long p, nr = 0;

	model_widen(m, &first, &end);
	for (p = first; p < end; p++) {
		nr += m->page[p].mapped;
		m->page[p] = (struct model_page){ 0 };
	}
	CHECK(viopf_residency_clear(r, first, end) == nr);
}

static void one_operation(struct viopf_residency *r, struct model *m,
			  struct bytes *b)
{
	u32 what = bytes_take(b, 1);
	unsigned long first = bytes_below(b, m->nr);
	unsigned long pages = what & 0x80 ? m->nr : 40;
	unsigned long end = first + bytes_below(b, pages + 1);

	if (end > m->nr)
		end = m->nr;
	compare_range(r, m, first, end);
	switch (what % 4) {
	case 0:
		set_range(r, m, first, end, what & 0x40);
		break;
	case 1:
		set_blocks(r, m, first, what & 0x40);
		break;
	default:
		clear_range(r, m, first, end);
		break;
	}
}

void residency_drive(struct bytes *b)
{
	struct viopf_residency r;
	struct model *m = calloc(1, sizeof(*m));

	if (!m)
		abort();
	m->first_iopfn = bytes_take(b, 2);
	m->nr = 1 + bytes_below(b, MAX_PAGES);
	CHECK(!viopf_residency_init(&r, m->first_iopfn, m->nr, GFP_KERNEL));
	compare(&r, m);
	while (b->left) {
		one_operation(&r, m, b);
		compare(&r, m);
	}
	viopf_residency_deinit(&r);
	CHECK(!shim_warnings);
	free(m);
}
