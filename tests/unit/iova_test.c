// SPDX-License-Identifier: GPL-2.0-only
/*
 * The valid IOVA ranges of a container, as type1 has them: exhaustive small cases,
 * both ends of the address space, failing memory, and random operations.
 */
#include <errno.h>
#include <linux/limits.h>
#include <linux/slab.h>

#include "policy/iova.h"
#include "support.h"
#include <cmocka.h>

static void test_random(void **state)
{
	(void)state;
	drive_randomly(iova_drive, 20000, 200);
}

/* 8 bytes at the start of an aperture; three exclusions, each of any range. */
#define CELLS	8
#define RANGES	(CELLS * CELLS)

static unsigned int mask(unsigned int first, unsigned int last)
{
	return (2U << last) - (1U << first);
}

static void check_mask(const struct viopf_iova *v, unsigned int want)
{
	unsigned int seen = 0;
	size_t i;

	for (i = 0; i < v->nr; i++) {
		const struct viopf_iova_range *range = &v->ranges[i];

		assert_true(range->first <= range->last);
		assert_true(range->last < CELLS);
		/* Neither out of order nor touching the one before. */
		assert_true(mask(range->first, range->last) > seen << 1);
		seen |= mask(range->first, range->last);
	}
	assert_int_equal(seen, want);
}

static void three_exclusions(const unsigned int *pair)
{
	unsigned int left = mask(0, CELLS - 1);
	struct viopf_iova v;
	unsigned int i;

	assert_int_equal(viopf_iova_init(&v, GFP_KERNEL), 0);
	viopf_iova_intersect(&v, 0, CELLS - 1);
	for (i = 0; i < 3; i++) {
		unsigned int first = pair[i] / CELLS, last = pair[i] % CELLS;

		assert_int_equal(viopf_iova_exclude(&v, first, last,
						    GFP_KERNEL), 0);
		left &= ~mask(first, last);
		check_mask(&v, left);
	}
	viopf_iova_deinit(&v);
}

static void test_exclusions(void **state)
{
	unsigned int pair[3], i;

	(void)state;
	for (i = 0; i < RANGES * RANGES * RANGES; i++) {
		pair[0] = i % RANGES;
		pair[1] = i / RANGES % RANGES;
		pair[2] = i / RANGES / RANGES;
		if (pair[0] / CELLS <= pair[0] % CELLS &&
		    pair[1] / CELLS <= pair[1] % CELLS &&
		    pair[2] / CELLS <= pair[2] % CELLS)
			three_exclusions(pair);
	}
}

static void check_range(const struct viopf_iova *v, size_t i, u64 first,
			u64 last)
{
	assert_true(i < v->nr);
	assert_int_equal(v->ranges[i].first, first);
	assert_int_equal(v->ranges[i].last, last);
}

/* An Intel IOMMU with 48 bits and the MSI window, then a second aperture. */
static void test_as_type1(void **state)
{
	struct viopf_iova v;

	(void)state;
	assert_int_equal(viopf_iova_init(&v, GFP_KERNEL), 0);
	assert_int_equal(v.nr, 1);
	check_range(&v, 0, 0, U64_MAX);
	assert_true(viopf_iova_contains(&v, 0, U64_MAX));

	viopf_iova_intersect(&v, 0, (1ULL << 48) - 1);
	assert_int_equal(viopf_iova_exclude(&v, 0xfee00000, 0xfeefffff,
					    GFP_KERNEL), 0);
	assert_int_equal(v.nr, 2);
	check_range(&v, 0, 0, 0xfedfffff);
	check_range(&v, 1, 0xfef00000, (1ULL << 48) - 1);
	assert_true(viopf_iova_contains(&v, 0xfedff000, 0xfedfffff));
	assert_false(viopf_iova_contains(&v, 0xfedff000, 0xfee00000));
	assert_false(viopf_iova_contains(&v, 0xfee00000, 0xfee00fff));
	assert_false(viopf_iova_contains(&v, 0, 1ULL << 32));
	assert_true(viopf_iova_contains(&v, 1ULL << 47, (1ULL << 48) - 1));
	assert_false(viopf_iova_contains(&v, 1ULL << 47, 1ULL << 48));
	assert_false(viopf_iova_contains(&v, 2, 1));

	viopf_iova_intersect(&v, 0x1000, 0xfedfffff);
	assert_int_equal(v.nr, 1);
	check_range(&v, 0, 0x1000, 0xfedfffff);
	viopf_iova_intersect(&v, 0x100000000, U64_MAX);
	assert_int_equal(v.nr, 0);
	assert_false(viopf_iova_contains(&v, 0x1000, 0x1fff));
	viopf_iova_deinit(&v);
}

static void test_ends(void **state)
{
	struct viopf_iova v;

	(void)state;
	assert_int_equal(viopf_iova_init(&v, GFP_KERNEL), 0);
	assert_int_equal(viopf_iova_exclude(&v, 0, 0, GFP_KERNEL), 0);
	assert_int_equal(viopf_iova_exclude(&v, U64_MAX, U64_MAX, GFP_KERNEL),
			 0);
	assert_int_equal(v.nr, 1);
	check_range(&v, 0, 1, U64_MAX - 1);
	assert_int_equal(viopf_iova_exclude(&v, 0, U64_MAX, GFP_KERNEL), 0);
	assert_int_equal(v.nr, 0);
	assert_int_equal(viopf_iova_exclude(&v, 0, U64_MAX, GFP_KERNEL), 0);
	viopf_iova_deinit(&v);
	/* What is empty may be asked, cut and freed again. */
	assert_false(viopf_iova_contains(&v, 0, 0));
	viopf_iova_intersect(&v, 5, 6);
	viopf_iova_deinit(&v);
}

static void test_no_memory(void **state)
{
	struct viopf_iova v;

	(void)state;
	shim_fail_nth = 1;
	assert_int_equal(viopf_iova_init(&v, GFP_KERNEL), -ENOMEM);
	assert_int_equal(v.nr, 0);
	assert_false(viopf_iova_contains(&v, 0, 0));
	viopf_iova_deinit(&v);

	assert_int_equal(viopf_iova_init(&v, GFP_KERNEL), 0);
	shim_fail_nth = 1;
	assert_int_equal(viopf_iova_exclude(&v, 5, 9, GFP_KERNEL), -ENOMEM);
	assert_int_equal(v.nr, 1);
	check_range(&v, 0, 0, U64_MAX);
	/* What splits nothing needs no memory. */
	shim_fail_nth = 1;
	viopf_iova_intersect(&v, 10, 1000);
	assert_int_equal(viopf_iova_exclude(&v, 0, 19, GFP_KERNEL), 0);
	assert_int_equal(viopf_iova_exclude(&v, 500, 1000, GFP_KERNEL), 0);
	assert_int_equal(shim_fail_nth, 1);
	check_range(&v, 0, 20, 499);
	viopf_iova_deinit(&v);
}

static void test_move(void **state)
{
	struct viopf_iova v, w;

	(void)state;
	assert_int_equal(viopf_iova_init(&v, GFP_KERNEL), 0);
	assert_int_equal(viopf_iova_init(&w, GFP_KERNEL), 0);
	assert_int_equal(viopf_iova_exclude(&w, 5, 9, GFP_KERNEL), 0);
	assert_int_equal(shim_blocks, 2);
	viopf_iova_move(&v, &w);
	assert_int_equal(shim_blocks, 1);
	assert_int_equal(v.nr, 2);
	check_range(&v, 1, 10, U64_MAX);
	assert_int_equal(w.nr, 0);
	viopf_iova_deinit(&w);
	assert_int_equal(shim_blocks, 1);
	viopf_iova_deinit(&v);
}

static void test_misuse(void **state)
{
	struct viopf_iova v;

	(void)state;
	assert_int_equal(viopf_iova_init(&v, GFP_KERNEL), 0);
	viopf_iova_intersect(&v, 2, 1);
	assert_int_equal(shim_warnings, 1);
	assert_int_equal(viopf_iova_exclude(&v, 2, 1, GFP_KERNEL), 0);
	assert_int_equal(shim_warnings, 2);
	shim_warnings = 0;
	assert_int_equal(v.nr, 1);
	check_range(&v, 0, 0, U64_MAX);
	viopf_iova_deinit(&v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST("S8 iova: random operations as the model",
			  test_random),
		UNIT_TEST("S8 iova: every three exclusions of 8 bytes",
			  test_exclusions),
		UNIT_TEST("S8 iova: apertures and the MSI window, as type1",
			  test_as_type1),
		UNIT_TEST("S8 iova: both ends of the address space",
			  test_ends),
		UNIT_TEST("R9 iova: no memory, no change", test_no_memory),
		UNIT_TEST("R9 iova: a complete set is moved in", test_move),
		UNIT_TEST("S8 iova: misuse is reported, changes nothing",
			  test_misuse),
	};

	unit_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
