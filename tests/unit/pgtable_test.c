// SPDX-License-Identifier: GPL-2.0-only
/*
 * softiommu's page table: bad arguments, what the three kinds of IOMMU do to the
 * part of a leaf, and random operations against the model.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/slab.h>

#include "../../soft/iommu/pgtable.h"
#include "support.h"
#include <cmocka.h>

#define PAGE	0x1000ULL
#define MIB2	0x200000ULL
#define GIB	0x40000000ULL

static void *get_table(void *ctx, gfp_t gfp)
{
	void *table = aligned_alloc(PGT_TABLE_BYTES, PGT_TABLE_BYTES);

	(void)ctx;
	(void)gfp;
	if (!table)
		abort();
	shim_blocks++;
	return memset(table, 0, PGT_TABLE_BYTES);
}

static void put_table(void *ctx, void *table)
{
	(void)ctx;
	shim_blocks--;
	free(table);
}

static int reserve(void *ctx, gfp_t gfp)
{
	(void)ctx;
	(void)gfp;
	return 0;
}

static void unreserve(void *ctx)
{
	(void)ctx;
}

static void *take(void *ctx, int more)
{
	(void)more;
	return get_table(ctx, GFP_KERNEL);
}

static void *no_table(void *ctx, gfp_t gfp)
{
	(void)ctx;
	(void)gfp;
	return NULL;
}

static const struct pgt_ops ops = {
	get_table, put_table, put_table, reserve, unreserve, take,
};

static const struct pgt_ops empty_ops = {
	no_table, put_table, put_table, reserve, unreserve, take,
};

static int map(struct pgt *pgt, u64 iova, u64 paddr, u64 leaf_bytes, u64 count,
	       unsigned int prot)
{
	struct pgt_change change;
	u64 mapped = 0;

	pgt_change_init(&change);
	return pgt_map(pgt, iova, paddr, leaf_bytes, count, prot, GFP_KERNEL,
		       &mapped, &change);
}

static u64 unmap(struct pgt *pgt, u64 iova, u64 bytes, enum pgt_unmap_mode mode)
{
	struct pgt_change change;

	pgt_change_init(&change);
	return pgt_unmap(pgt, iova, bytes, mode, &change);
}

static void deinit(struct pgt *pgt)
{
	struct pgt_change change;

	pgt_change_init(&change);
	pgt_deinit(pgt, &change);
}

static bool is_mapped(struct pgt *pgt, u64 iova)
{
	struct pgt_leaf leaf;

	return pgt_lookup(pgt, iova, &leaf);
}

static void test_random(void **state)
{
	(void)state;
	drive_randomly(pgtable_drive, 6000, 400);
}

static void test_bad_arguments(void **state)
{
	const unsigned int rw = PGT_READ | PGT_WRITE;
	const u64 top = 1ULL << PGT_IOVA_BITS;
	struct pgt pgt;

	(void)state;
	assert_int_equal(pgt_init(&pgt, &empty_ops, NULL, GFP_KERNEL), -ENOMEM);
	deinit(&pgt);
	assert_int_equal(pgt_init(&pgt, &ops, NULL, GFP_KERNEL), 0);
	assert_int_equal(map(&pgt, 0, 0, 0x2000, 1, rw), -EINVAL);
	assert_int_equal(map(&pgt, 0, 0, 0, 1, rw), -EINVAL);
	assert_int_equal(map(&pgt, 0, 0, 512 * GIB, 1, rw), -EINVAL);
	assert_int_equal(map(&pgt, 0x800, 0, PAGE, 1, rw), -EINVAL);
	assert_int_equal(map(&pgt, PAGE, 0, MIB2, 1, rw), -EINVAL);
	assert_int_equal(map(&pgt, 0, PAGE, MIB2, 1, rw), -EINVAL);
	assert_int_equal(map(&pgt, 0, 0, PAGE, 1, 0), -EINVAL);
	assert_int_equal(map(&pgt, 0, 0, PAGE, 1, 4), -EINVAL);
	assert_int_equal(map(&pgt, 0, 0, PAGE, 0, rw), -ERANGE);
	assert_int_equal(map(&pgt, top, 0, PAGE, 1, rw), -ERANGE);
	assert_int_equal(map(&pgt, top - PAGE, 0, PAGE, 2, rw), -ERANGE);
	assert_int_equal(map(&pgt, 0, 0, PAGE, ~0ULL, rw), -ERANGE);
	assert_int_equal(map(&pgt, -PAGE, 0, PAGE, 1, rw), -ERANGE);
	assert_int_equal(unmap(&pgt, 0, 0, PGT_UNMAP_EXACT), 0);
	assert_int_equal(unmap(&pgt, 0x800, PAGE, PGT_UNMAP_EXACT), 0);
	assert_int_equal(unmap(&pgt, -PAGE, 2 * PAGE, PGT_UNMAP_EXACT), 0);
	assert_int_equal(unmap(&pgt, top, PAGE, PGT_UNMAP_EXACT), 0);
	assert_false(is_mapped(&pgt, top));
	assert_false(is_mapped(&pgt, ~0ULL));

	assert_int_equal(map(&pgt, top - PAGE, 0, PAGE, 1, rw), 0);
	assert_true(is_mapped(&pgt, top - 1));
	assert_false(is_mapped(&pgt, top + top - 1));
	deinit(&pgt);
}

/* The second page of a leaf is to go: what goes, what stays? */
static void part_of_leaf(u64 bytes, enum pgt_unmap_mode mode, u64 unmapped)
{
	bool whole = mode == PGT_UNMAP_WHOLE;
	struct pgt pgt;

	assert_int_equal(pgt_init(&pgt, &ops, NULL, GFP_KERNEL), 0);
	assert_int_equal(map(&pgt, bytes, 0, bytes, 2, PGT_READ), 0);
	assert_int_equal(unmap(&pgt, bytes + PAGE, PAGE, mode), unmapped);
	assert_int_equal(is_mapped(&pgt, bytes), !whole);
	assert_int_equal(is_mapped(&pgt, bytes + PAGE), !unmapped);
	assert_int_equal(is_mapped(&pgt, bytes + 2 * PAGE), !whole);
	assert_int_equal(is_mapped(&pgt, 2 * bytes - 1), !whole);
	assert_true(is_mapped(&pgt, 2 * bytes));
	deinit(&pgt);
}

static void test_part_of_leaf(void **state)
{
	(void)state;
	part_of_leaf(MIB2, PGT_UNMAP_EXACT, PAGE);
	part_of_leaf(MIB2, PGT_UNMAP_WHOLE, MIB2);
	part_of_leaf(MIB2, PGT_UNMAP_REFUSE, 0);
	part_of_leaf(GIB, PGT_UNMAP_EXACT, PAGE);
	part_of_leaf(GIB, PGT_UNMAP_WHOLE, GIB);
	part_of_leaf(GIB, PGT_UNMAP_REFUSE, 0);
}

/* An empty table makes way for a leaf, one with anything in it does not. */
static void test_leaf_over_table(void **state)
{
	struct pgt pgt;

	(void)state;
	assert_int_equal(pgt_init(&pgt, &ops, NULL, GFP_KERNEL), 0);
	assert_int_equal(map(&pgt, 511 * PAGE, 0, PAGE, 1, PGT_READ), 0);
	assert_int_equal(map(&pgt, 0, 0, MIB2, 1, PGT_READ), -EEXIST);
	assert_int_equal(map(&pgt, 0, 0, GIB, 1, PGT_READ), -EEXIST);
	assert_int_equal(unmap(&pgt, 511 * PAGE, PAGE, PGT_UNMAP_EXACT), PAGE);
	assert_int_equal(map(&pgt, 0, 0, GIB, 1, PGT_READ), 0);
	/* The root and two tables less than for the page: one is left. */
	assert_int_equal(shim_blocks, 2);
	assert_int_equal(map(&pgt, MIB2, 0, MIB2, 1, PGT_READ), -EEXIST);
	assert_int_equal(map(&pgt, PAGE, 0, PAGE, 1, PGT_READ), -EEXIST);
	deinit(&pgt);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST("R3 S2 S3 page table: random operations as the model",
			  test_random),
		UNIT_TEST("R3 page table: bad arguments", test_bad_arguments),
		UNIT_TEST("R3 page table: a part of a leaf, three ways",
			  test_part_of_leaf),
		UNIT_TEST("R12 page table: a leaf over a table",
			  test_leaf_over_table),
	};

	unit_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
