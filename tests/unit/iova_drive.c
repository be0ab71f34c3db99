// SPDX-License-Identifier: GPL-2.0-only
/*
 * The valid IOVA ranges against a model of 65 cells that the address space is
 * divided into: 32 bytes at its start, 32 at its end, and all between them. A
 * cell is valid or not; a range is a run of valid cells.
 */
#include <errno.h>
#include <linux/limits.h>
#include <linux/slab.h>

#include "policy/iova.h"
#include "support.h"

#define EDGE	32
#define CELLS	(2 * EDGE + 1)

static u64 cell_first(u32 cell)
{
	return cell <= EDGE ? cell : U64_MAX - (CELLS - 1 - cell);
}

static u64 cell_last(u32 cell)
{
	return cell < EDGE ? cell : U64_MAX - (CELLS - 1 - cell);
}

static void model_clear(bool *valid, u32 first, u32 last)
{
	for (; first <= last; first++)
		valid[first] = false;
}

static bool model_contains(const bool *valid, u32 first, u32 last)
{
	for (; first <= last; first++)
		if (!valid[first])
			return false;
	return true;
}

/* The same ranges, in the same order. */
static void compare(const struct viopf_iova *v, const bool *valid)
{
	u32 first = 0, end;
	size_t i = 0;

	for (;; first = end) {
		while (first < CELLS && !valid[first])
			first++;
		if (first == CELLS)
			break;
		for (end = first; end < CELLS && valid[end]; )
			end++;
		CHECK(i < v->nr);
		CHECK(v->ranges[i].first == cell_first(first));
		CHECK(v->ranges[i].last == cell_last(end - 1));
		i++;
	}
	CHECK(i == v->nr);
}

static void exclude(struct viopf_iova *v, bool *valid, u32 first, u32 last,
		    bool no_memory)
{
	bool splits = first && last < CELLS - 1 &&
		      model_contains(valid, first - 1, last + 1);
	int ret;

	shim_fail_nth = no_memory;
	ret = viopf_iova_exclude(v, cell_first(first), cell_last(last),
				 GFP_KERNEL);
	shim_fail_nth = 0;
	CHECK(ret == (splits && no_memory ? -ENOMEM : 0));
	if (!ret)
		model_clear(valid, first, last);
}

static void intersect(struct viopf_iova *v, bool *valid, u32 first, u32 last)
{
	viopf_iova_intersect(v, cell_first(first), cell_last(last));
	if (first)
		model_clear(valid, 0, first - 1);
	if (last < CELLS - 1)
		model_clear(valid, last + 1, CELLS - 1);
}

static void one_operation(struct viopf_iova *v, bool *valid, struct bytes *b)
{
	u32 what = bytes_take(b, 1);
	u32 first = bytes_below(b, CELLS);
	u32 last = first + bytes_below(b, what & 0x80 ? CELLS : 4);

	if (last >= CELLS)
		last = CELLS - 1;
	CHECK(viopf_iova_contains(v, cell_first(first), cell_last(last)) ==
	      model_contains(valid, first, last));
	/* Now and then only, or nothing is left soon. */
	if (what % 16 == 0)
		intersect(v, valid, first, last);
	else
		exclude(v, valid, first, last, what % 16 == 1);
}

void iova_drive(struct bytes *b)
{
	struct viopf_iova v;
	bool valid[CELLS];
	u32 i;

	for (i = 0; i < CELLS; i++)
		valid[i] = true;
	CHECK(!viopf_iova_init(&v, GFP_KERNEL));
	compare(&v, valid);
	while (b->left) {
		one_operation(&v, valid, b);
		compare(&v, valid);
	}
	viopf_iova_deinit(&v);
	CHECK(!shim_warnings);
}
