// SPDX-License-Identifier: GPL-2.0-only
/*
 * The residency record: exhaustive small cases, the places where blocks and
 * records end, misuse, and random operations against the model.
 */
#include <errno.h>
#include <linux/array_size.h>
#include <linux/slab.h>

#include "policy/residency.h"
#include "support.h"
#include <cmocka.h>

static void fill(struct viopf_residency *r, unsigned long first_iopfn,
		 unsigned long nr_pages)
{
	assert_int_equal(viopf_residency_init(r, first_iopfn, nr_pages,
					      GFP_KERNEL), 0);
	assert_int_equal(r->first_iopfn, first_iopfn);
	assert_int_equal(r->nr_pages, nr_pages);
	assert_int_equal(r->nr_resident, 0);
}

static void test_random(void **state)
{
	(void)state;
	drive_randomly(residency_drive, 1500, 400);
}

/* Runs of every pattern of @nr pages, from and to every page. */
static void every_pattern(unsigned int nr, unsigned int pattern)
{
	struct viopf_residency r;
	unsigned int i, from, limit;

	fill(&r, 0, nr);
	for (i = 0; i < nr; i++)
		if (pattern >> i & 1)
			viopf_residency_set(&r, i, i + 1, i % 2);
	assert_int_equal(r.nr_resident, __builtin_popcount(pattern));
	for (limit = 0; limit <= nr; limit++) {
		for (from = 0; from <= limit; from++) {
			unsigned long first, end;
			unsigned int seen = 0;

			for (first = from;
			     viopf_residency_next_run(&r, &first, &end, limit);
			     first = end)
				seen |= (1U << end) - (1U << first);
			assert_int_equal(seen, pattern & ((1U << limit) -
							  (1U << from)));
			assert_int_equal(viopf_residency_any(&r, from, limit),
					 seen != 0);
		}
	}
	viopf_residency_deinit(&r);
}

static void test_patterns(void **state)
{
	unsigned int nr, pattern;

	(void)state;
	for (nr = 1; nr <= 8; nr++)
		for (pattern = 0; pattern < 1U << nr; pattern++)
			every_pattern(nr, pattern);
}

/* A record of 3 whole blocks and odd ends, two of the blocks maybe huge. */
#define HEAD	7UL
#define TAIL	5UL
#define PAGES	(HEAD + 3 * 512 + TAIL)

static unsigned long widened(unsigned long page, unsigned int huge, bool up)
{
	unsigned long block;

	if (page < HEAD || page >= HEAD + 3 * 512)
		return page + up;
	block = (page - HEAD) / 512;
	if (!(huge >> block & 1))
		return page + up;
	return HEAD + (block + up) * 512;
}

static void every_widening(unsigned int huge)
{
	static const unsigned long at[] = {
		0, 1, HEAD - 1, HEAD, HEAD + 1, HEAD + 511, HEAD + 512,
		HEAD + 513, HEAD + 1023, HEAD + 1024, HEAD + 1025,
		HEAD + 1535, HEAD + 1536, HEAD + 1537, PAGES - 1,
	};
	struct viopf_residency r;
	unsigned int i, j;

	fill(&r, 5 * 512 - HEAD, PAGES);
	for (i = 0; i < 3; i++)
		if (huge >> i & 1)
			viopf_residency_set_huge(&r, HEAD + i * 512,
						 HEAD + (i + 1) * 512, true);
		else
			viopf_residency_set(&r, HEAD + i * 512,
					    HEAD + (i + 1) * 512, true);
	for (i = 0; i < ARRAY_SIZE(at); i++) {
		for (j = i; j < ARRAY_SIZE(at); j++) {
			unsigned long first = at[i], end = at[j] + 1;

			viopf_residency_widen(&r, &first, &end);
			assert_int_equal(first, widened(at[i], huge, false));
			assert_int_equal(end, widened(at[j], huge, true));
		}
		assert_int_equal(viopf_residency_is_huge(&r, at[i]),
				 widened(at[i], huge, true) -
				 widened(at[i], huge, false) > 1);
	}
	viopf_residency_deinit(&r);
}

/* The last of as many blocks as fill whole words. */
static void widen_last(void)
{
	const unsigned long nr = 64 * 512;
	unsigned long first = nr - 1, end = nr;
	struct viopf_residency r;

	fill(&r, 0, nr);
	viopf_residency_set_huge(&r, nr - 512, nr, false);
	viopf_residency_widen(&r, &first, &end);
	assert_int_equal(first, nr - 512);
	assert_int_equal(end, nr);
	assert_int_equal(viopf_residency_clear(&r, first, end), 512);
	viopf_residency_deinit(&r);
}

static void test_widen(void **state)
{
	unsigned int huge;

	(void)state;
	for (huge = 0; huge < 8; huge++)
		every_widening(huge);
	widen_last();
}

/* A leaf that went may come back as pages, and these are no leaf. */
static void test_huge_forgotten(void **state)
{
	struct viopf_residency r;
	unsigned long first, end;

	(void)state;
	fill(&r, 512, 1024);
	viopf_residency_set_huge(&r, 0, 1024, true);
	assert_int_equal(viopf_residency_clear(&r, 0, 512), 512);
	assert_int_equal(r.nr_resident, 512);
	assert_false(viopf_residency_is_huge(&r, 511));
	assert_true(viopf_residency_is_huge(&r, 512));
	viopf_residency_set(&r, 0, 512, false);
	first = 511;
	end = 512;
	viopf_residency_widen(&r, &first, &end);
	assert_int_equal(first, 511);
	assert_int_equal(end, 512);
	assert_false(viopf_residency_test(&r, 511, true));
	assert_true(viopf_residency_test(&r, 512, true));
	assert_int_equal(viopf_residency_clear(&r, 0, 1024), 1024);
	assert_int_equal(viopf_residency_clear(&r, 0, 1024), 0);
	viopf_residency_deinit(&r);
}

static void test_giant(void **state)
{
	const unsigned long nr = VIOPF_GIANT_PAGES;
	struct viopf_residency r;
	unsigned long first, end;
	unsigned int writable;

	(void)state;
	fill(&r, 3 * nr, nr);
	for (writable = 0; writable < 2; writable++) {
		viopf_residency_set_giant(&r, writable);
		assert_int_equal(r.nr_resident, nr);
		assert_true(viopf_residency_test(&r, nr - 1, false));
		assert_int_equal(viopf_residency_test(&r, nr - 1, true),
				 writable);
		assert_true(viopf_residency_is_huge(&r, 12345));
		first = 12345;
		end = first;
		viopf_residency_widen(&r, &first, &end);
		assert_int_equal(first, 12345);
		assert_int_equal(end, first);
		end++;
		viopf_residency_widen(&r, &first, &end);
		assert_int_equal(first, 0);
		assert_int_equal(end, nr);
		assert_int_equal(viopf_residency_clear(&r, 0, nr), nr);
		assert_int_equal(r.nr_resident, 0);
		assert_false(viopf_residency_is_huge(&r, 12345));
		assert_false(viopf_residency_any(&r, 0, nr));
	}
	viopf_residency_set(&r, 5, 7, false);
	first = 6;
	end = 7;
	viopf_residency_widen(&r, &first, &end);
	assert_int_equal(first, 6);
	assert_int_equal(end, 7);
	viopf_residency_deinit(&r);
}

static void expect_warning(void)
{
	assert_int_equal(shim_warnings, 1);
	shim_warnings = 0;
}

static void test_move(void **state)
{
	struct viopf_residency to, from;

	(void)state;
	fill(&to, 512, 1500);
	fill(&from, 512, 1500);
	viopf_residency_set(&to, 3, 5, true);
	viopf_residency_set(&from, 5, 6, false);
	viopf_residency_set_huge(&from, 512, 1024, true);
	viopf_residency_move(&to, &from);
	assert_int_equal(to.nr_resident, 2 + 1 + 512);
	assert_true(viopf_residency_test(&to, 4, true));
	assert_true(viopf_residency_test(&to, 5, false));
	assert_false(viopf_residency_test(&to, 5, true));
	assert_true(viopf_residency_is_huge(&to, 700));
	assert_false(viopf_residency_is_huge(&to, 5));
	assert_int_equal(from.nr_resident, 0);
	assert_false(viopf_residency_any(&from, 0, 1500));
	assert_false(viopf_residency_is_huge(&from, 700));

	/* A page that is in both. */
	viopf_residency_set(&from, 4, 7, false);
	viopf_residency_move(&to, &from);
	expect_warning();
	assert_int_equal(from.nr_resident, 3);
	assert_int_equal(to.nr_resident, 2 + 1 + 512);
	viopf_residency_deinit(&from);
	viopf_residency_deinit(&to);
}

static void test_no_memory(void **state)
{
	struct viopf_residency r;

	(void)state;
	shim_fail_nth = 1;
	assert_int_equal(viopf_residency_init(&r, 0, 16384, GFP_KERNEL),
			 -ENOMEM);
	assert_int_equal(shim_blocks, 0);
	viopf_residency_deinit(&r);

	fill(&r, 0, 16384);
	assert_int_equal(shim_blocks, 1);
	/* From here on nothing may allocate. */
	shim_fail_nth = 1;
	viopf_residency_set_huge(&r, 0, 512, true);
	viopf_residency_set(&r, 512, 600, true);
	viopf_residency_clear(&r, 0, 16384);
	assert_int_equal(shim_fail_nth, 1);
	viopf_residency_deinit(&r);
}

/* Each is reported, and changes nothing. */
static void test_misuse_changes(void **state)
{
	struct viopf_residency r;
	unsigned long giant_iopfn = 7 * VIOPF_GIANT_PAGES;

	(void)state;
	fill(&r, 0, 1500);
	viopf_residency_set_huge(&r, 0, 512, true);
	viopf_residency_set(&r, 600, 601, false);
	viopf_residency_set(&r, 600, 602, true);
	expect_warning();
	viopf_residency_set(&r, 1400, 1501, true);
	expect_warning();
	viopf_residency_set(&r, 3, 2, true);
	expect_warning();
	viopf_residency_set_huge(&r, 513, 1024, true);
	expect_warning();
	viopf_residency_set_huge(&r, 1024, 1500, true);
	expect_warning();
	viopf_residency_set_huge(&r, 512, 1024, true);
	expect_warning();
	viopf_residency_set_giant(&r, true);
	expect_warning();
	assert_int_equal(viopf_residency_clear(&r, 511, 700), 0);
	expect_warning();
	assert_int_equal(viopf_residency_clear(&r, 0, 511), 0);
	expect_warning();
	assert_int_equal(r.nr_resident, 513);
	assert_true(viopf_residency_is_huge(&r, 0));
	assert_false(viopf_residency_is_huge(&r, 600));
	assert_false(viopf_residency_test(&r, 600, true));
	assert_false(r.giant);
	viopf_residency_deinit(&r);

	fill(&r, giant_iopfn + 512, VIOPF_GIANT_PAGES);
	viopf_residency_set_giant(&r, true);
	expect_warning();
	viopf_residency_deinit(&r);
}

static void test_misuse_questions(void **state)
{
	struct viopf_residency r;
	unsigned long first = 11, end = 11;

	(void)state;
	fill(&r, 0, 10);
	/* Page 5 would be the answer, if there were one. */
	viopf_residency_set(&r, 5, 6, false);
	assert_false(viopf_residency_test(&r, 10, false));
	expect_warning();
	assert_false(viopf_residency_is_huge(&r, 10));
	expect_warning();
	assert_false(viopf_residency_any(&r, 0, 11));
	expect_warning();
	viopf_residency_widen(&r, &first, &end);
	expect_warning();
	assert_false(viopf_residency_next_run(&r, &first, &end, 10));
	expect_warning();
	assert_int_equal(viopf_residency_next_missing(&r, 11, 10, true), 10);
	expect_warning();
	assert_int_equal(viopf_residency_clear(&r, 0, 11), 0);
	expect_warning();
	viopf_residency_deinit(&r);

	assert_int_equal(viopf_residency_init(&r, 0, 0, GFP_KERNEL), -ENOMEM);
	expect_warning();
	assert_int_equal(viopf_residency_init(&r, 0, VIOPF_GIANT_PAGES + 1,
					      GFP_KERNEL), -ENOMEM);
	expect_warning();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST("R2 S2 residency: random operations as the model",
			  test_random),
		UNIT_TEST("R2 S2 residency: runs of every pattern",
			  test_patterns),
		UNIT_TEST("R3 S3 residency: widening to leaves, every edge",
			  test_widen),
		UNIT_TEST("R3 R12 residency: a cleared leaf is forgotten",
			  test_huge_forgotten),
		UNIT_TEST("R3 R12 residency: one giant leaf", test_giant),
		UNIT_TEST("S7 residency: all of a record goes to another",
			  test_move),
		UNIT_TEST("R1 residency: only making it needs memory",
			  test_no_memory),
		UNIT_TEST("S2 residency: misuse is reported, changes nothing",
			  test_misuse_changes),
		UNIT_TEST("S2 residency: questions out of range are reported",
			  test_misuse_questions),
	};

	unit_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
