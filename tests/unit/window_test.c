// SPDX-License-Identifier: GPL-2.0-only
/*
 * The fault-around policy: what it is for, on a simulated device and memory of a
 * GiB in segments of 64 MiB, and its rules one by one. That it does exactly
 * what was meant is for the model to show (window_drive.c).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/window.h"
#include "support.h"
#include <cmocka.h>

#define SEGMENT		16384UL
#define SEGMENTS	16UL
#define PAGES		(SEGMENT * SEGMENTS)

/* A segment-wise view of 1 GiB: what the fault handler would do, counted. */
struct sim {
	struct viopf_window	w[SEGMENTS];
	unsigned long		max_pages;
	bool			resident[PAGES];
	bool			mapped[PAGES];
	unsigned long		faults;		/* answered */
	unsigned long		populated;	/* pages brought in */
	unsigned long		widened;	/* faults that picked more than one page */
};

struct picked {
	unsigned long	first, end;
	bool		populate;
};

static struct sim *sim_new(unsigned long max_pages, bool resident)
{
	struct sim *sim = test_calloc(1, sizeof(*sim));
	unsigned long i;

	for (i = 0; i < SEGMENTS; i++)
		viopf_window_init(&sim->w[i], i * SEGMENT);
	memset(sim->resident, resident, PAGES);
	sim->max_pages = max_pages;
	return sim;
}

static struct picked sim_pick(struct sim *sim, unsigned long page)
{
	unsigned long segment = page / SEGMENT, base = segment * SEGMENT;
	struct viopf_window *w = &sim->w[segment];
	struct picked p;

	page -= base;
	if (page <= VIOPF_WINDOW_GAP && segment)
		viopf_window_inherit(w, w - 1, SEGMENT, SEGMENT, false);
	if (page + VIOPF_WINDOW_GAP >= SEGMENT && segment < SEGMENTS - 1)
		viopf_window_inherit(w, w + 1, SEGMENT, SEGMENT, true);
	viopf_window_pick(w, page, 1, SEGMENT, sim->max_pages,
			  &p.first, &p.end, &p.populate);
	p.first += base;
	p.end += base;
	sim->faults++;
	sim->widened += p.end - p.first > 1;
	return p;
}

static void sim_map(struct sim *sim, unsigned long page, struct picked p)
{
	unsigned long i;

	assert_in_range(page, p.first, p.end - 1);
	for (i = p.first; i < p.end; i++) {
		if (!sim->resident[i] && (p.populate || i == page)) {
			sim->resident[i] = true;
			sim->populated++;
		}
		sim->mapped[i] = sim->mapped[i] || sim->resident[i];
	}
}

static void sim_touch(struct sim *sim, unsigned long page)
{
	if (!sim->mapped[page])
		sim_map(sim, page, sim_pick(sim, page));
}

static void test_random(void **state)
{
	(void)state;
	drive_randomly(window_drive, 10000, 1000);
}

static void cold_gib(unsigned long max_pages, bool down, unsigned long limit)
{
	struct sim *sim = sim_new(max_pages, false);
	unsigned long i;

	for (i = 0; i < PAGES; i++)
		sim_touch(sim, down ? PAGES - 1 - i : i);
	printf("# cold GiB, windows up to %lu pages, %s: %lu faults\n",
	       max_pages, down ? "down" : "up", sim->faults);
	assert_in_range(sim->faults, 1, limit);
	assert_int_equal(sim->populated, PAGES);
	test_free(sim);
}

static void test_sequential(void **state)
{
	(void)state;
	cold_gib(VIOPF_WINDOW_MAX_PAGES, false, 256);
	cold_gib(VIOPF_WINDOW_MAX_PAGES, true, 256);
	cold_gib(1024, false, 270);
}

static void test_resident(void **state)
{
	struct sim *sim = sim_new(VIOPF_WINDOW_MAX_PAGES, true);
	unsigned long i;

	(void)state;
	for (i = 0; i < PAGES; i++)
		sim_touch(sim, i);
	assert_in_range(sim->faults, 1, 256);
	assert_int_equal(sim->populated, 0);
	test_free(sim);
}

/* Chance puts one in some hundred next to another. */
static void test_random_access(void **state)
{
	struct sim *sim = sim_new(VIOPF_WINDOW_MAX_PAGES, false);
	unsigned long i;

	(void)state;
	for (i = 0; i < 20000; i++)
		sim_touch(sim, random_below(PAGES));
	assert_in_range(sim->widened, 0, sim->faults / 100);
	assert_in_range(sim->populated, sim->faults,
			sim->faults + sim->faults / 100);
	test_free(sim);
}

static void test_in_vain(void **state)
{
	unsigned int round;

	(void)state;
	for (round = 0; round < 60; round++) {
		struct sim *sim = sim_new(VIOPF_WINDOW_MAX_PAGES, false);
		unsigned long nr = 1 + random_below(round < 30 ? 40 : 5000);
		unsigned long first = random_below(PAGES - nr);
		unsigned long i;

		for (i = first; i < first + nr; i++)
			sim_touch(sim, i);
		assert_in_range(sim->populated, nr, 3 * nr + 2);
		test_free(sim);
	}
}

static unsigned long interleaved(unsigned long nr_streams, struct sim *sim)
{
	const unsigned long apart = SEGMENT / nr_streams, nr = 2000;
	unsigned long i, j;

	for (i = 0; i < nr; i++)
		for (j = 0; j < nr_streams; j++)
			sim_touch(sim, j * apart + i);
	return nr * nr_streams;
}

static void test_interleaved(void **state)
{
	struct sim *sim = sim_new(VIOPF_WINDOW_MAX_PAGES, false);
	unsigned long touched;

	(void)state;
	interleaved(VIOPF_WINDOW_STREAMS, sim);
	assert_in_range(sim->faults, 1, VIOPF_WINDOW_STREAMS * 13);
	test_free(sim);

	/* One too many: each pushes out the one that comes next. */
	sim = sim_new(VIOPF_WINDOW_MAX_PAGES, false);
	touched = interleaved(VIOPF_WINDOW_STREAMS + 1, sim);
	assert_int_equal(sim->faults, touched);
	assert_int_equal(sim->populated, touched);
	test_free(sim);
}

/* A device that has asked for @depth pages before the first answer comes. */
static void deep_queue(struct sim *sim, unsigned long nr, unsigned long depth)
{
	unsigned long next = 0, asked[64];
	struct picked picked[64];
	unsigned long i, n;

	while (next < nr) {
		for (n = 0; n < depth && next < nr; next++) {
			if (sim->mapped[next])
				continue;
			asked[n] = next;
			picked[n++] = sim_pick(sim, next);
		}
		for (i = 0; i < n; i++)
			sim_map(sim, asked[i], picked[i]);
	}
}

static void test_deep_queue(void **state)
{
	struct sim *sim = sim_new(VIOPF_WINDOW_MAX_PAGES, false);

	(void)state;
	deep_queue(sim, 16, 16);
	assert_in_range(sim->populated, 16, 48);
	test_free(sim);

	sim = sim_new(VIOPF_WINDOW_MAX_PAGES, false);
	deep_queue(sim, SEGMENT, 32);
	printf("# cold 64 MiB, 32 requests in flight: %lu faults\n",
	       sim->faults);
	assert_in_range(sim->faults, 1, 20 * 32);
	assert_int_equal(sim->populated, SEGMENT);
	test_free(sim);
}

static void expect(struct viopf_window *w, unsigned long page, unsigned long nr,
		   unsigned long max_pages, struct picked want)
{
	struct picked p;

	viopf_window_pick(w, page, nr, SEGMENT, max_pages, &p.first, &p.end,
			  &p.populate);
	assert_int_equal(p.first, want.first);
	assert_int_equal(p.end, want.end);
	assert_int_equal(p.populate, want.populate);
}

#define EXPECT(w, page, nr, first, end, populate) \
	expect(w, page, nr, 1024, (struct picked){ first, end, populate })

static void test_rules(void **state)
{
	struct viopf_window w;

	(void)state;
	/* One alone, one after it, and populated from the third on. */
	viopf_window_init(&w, 0);
	EXPECT(&w, 64, 1, 64, 65, false);
	EXPECT(&w, 65, 1, 65, 67, false);
	EXPECT(&w, 67, 1, 67, 68 + 3, true);
	/* Nothing of the second was resident: the third is inside it. */
	viopf_window_init(&w, 0);
	EXPECT(&w, 64, 1, 64, 65, false);
	EXPECT(&w, 65, 1, 65, 67, false);
	EXPECT(&w, 66, 1, 66, 68, true);
	/* The same page again is no progress. */
	viopf_window_init(&w, 0);
	EXPECT(&w, 64, 1, 64, 65, false);
	EXPECT(&w, 64, 1, 64, 65, false);
	EXPECT(&w, 65, 1, 65, 67, false);
	/* Down. */
	viopf_window_init(&w, 0);
	EXPECT(&w, 64, 1, 64, 65, false);
	EXPECT(&w, 63, 1, 62, 64, false);
	EXPECT(&w, 61, 1, 60, 62, true);
	EXPECT(&w, 59, 1, 56, 60, true);
	/* Several asked for at once are never cut. */
	viopf_window_init(&w, 0);
	EXPECT(&w, 0, 2000, 0, 2000, false);
	EXPECT(&w, 2000, 2000, 2000, 4000, false);
	EXPECT(&w, 4000, 2000, 4000, 6000, false);
	EXPECT(&w, 6000, 1, 6000, 6656, true);
}

static void test_gap(void **state)
{
	struct viopf_window w;

	(void)state;
	viopf_window_init(&w, 0);
	EXPECT(&w, 1000, 1, 1000, 1001, false);
	EXPECT(&w, 1009, 1, 1009, 1011, false);
	viopf_window_init(&w, 0);
	EXPECT(&w, 1000, 1, 1000, 1001, false);
	EXPECT(&w, 1010, 1, 1010, 1011, false);
	/* ... and down */
	viopf_window_init(&w, 0);
	EXPECT(&w, 1000, 1, 1000, 1001, false);
	EXPECT(&w, 991, 1, 990, 992, false);
	viopf_window_init(&w, 0);
	EXPECT(&w, 1000, 1, 1000, 1001, false);
	EXPECT(&w, 990, 1, 990, 991, false);
}

static void test_disabled(void **state)
{
	unsigned long max_pages, page;
	struct viopf_window w;

	(void)state;
	for (max_pages = 0; max_pages <= 1; max_pages++) {
		viopf_window_init(&w, 0);
		for (page = 0; page < 100; page++)
			expect(&w, page, 1, max_pages,
			       (struct picked){ page, page + 1, false });
		expect(&w, 100, 50, max_pages,
		       (struct picked){ 100, 150, false });
	}
}

/* So many pages from the one asked for on, whatever was asked for before. */
static void test_fixed(void **state)
{
	struct viopf_window w, untouched;

	(void)state;
	viopf_window_init(&w, 0);
	untouched = w;
	viopf_window_fixed = 16;
	EXPECT(&w, 64, 1, 64, 80, true);
	EXPECT(&w, 64, 1, 64, 80, true);
	EXPECT(&w, 5, 1, 5, 21, true);
	EXPECT(&w, 80, 16, 80, 96, false);
	EXPECT(&w, 80, 20, 80, 100, false);
	EXPECT(&w, SEGMENT - 4, 1, SEGMENT - 4, SEGMENT, true);
	EXPECT(&w, SEGMENT - 1, 1, SEGMENT - 1, SEGMENT, false);
	expect(&w, 64, 1, 8, (struct picked){ 64, 72, true });
	expect(&w, 64, 1, 1, (struct picked){ 64, 65, false });
	viopf_window_fixed = 1;
	EXPECT(&w, 64, 1, 64, 65, false);
	EXPECT(&w, 65, 1, 65, 66, false);
	assert_memory_equal(&w, &untouched, sizeof(w));
}

/* What it is there to show: in order it suits, at random it brings in the world. */
static void test_fixed_cost(void **state)
{
	struct sim *sim = sim_new(VIOPF_WINDOW_MAX_PAGES, false);
	unsigned long i;

	(void)state;
	viopf_window_fixed = 512;
	for (i = 0; i < PAGES; i++)
		sim_touch(sim, i);
	assert_int_equal(sim->faults, PAGES / 512);
	test_free(sim);

	sim = sim_new(VIOPF_WINDOW_MAX_PAGES, false);
	for (i = 0; i < PAGES; i += 1024)
		sim_touch(sim, i);
	assert_int_equal(sim->faults, PAGES / 1024);
	assert_int_equal(sim->populated, PAGES / 2);
	test_free(sim);
}

/* The stream's first large window, [2048, 3072), and what hits it again. */
static void test_late(void **state)
{
	struct viopf_window w;
	unsigned int i;

	(void)state;
	viopf_window_init(&w, 0);
	EXPECT(&w, 0, 1024, 0, 1024, false);
	EXPECT(&w, 1024, 1, 1024, 2048, false);
	EXPECT(&w, 2048, 1, 2048, 3072, true);
	for (i = 1; i < 64; i++)
		EXPECT(&w, 2048 + i, 1, 2048 + i, 2048 + i + 1, false);
	/* Once too often: the window was too large. */
	EXPECT(&w, 2112, 1, 2112, 2560, true);
	EXPECT(&w, 2560, 1, 2560, 3584, true);

	/* One across the window's end moves that. */
	EXPECT(&w, 3580, 20, 3580, 3600, false);
	EXPECT(&w, 3600, 1, 3600, 4608, true);
}

/* Memory was slow to come: the stream goes on from there, as far as that was. */
static void test_cut(void **state)
{
	struct viopf_window w;

	(void)state;
	viopf_window_init(&w, 0);
	EXPECT(&w, 0, 1024, 0, 1024, false);
	EXPECT(&w, 1024, 1, 1024, 2048, false);
	EXPECT(&w, 2048, 1, 2048, 3072, true);
	viopf_window_cut(&w, 2048, 2048, 2064);
	EXPECT(&w, 2064, 1, 2064, 2080, true);
	viopf_window_cut(&w, 2064, 2064, 2065);
	EXPECT(&w, 2065, 1, 2065, 2067, true);
	EXPECT(&w, 2067, 1, 2067, 2071, true);
	/* Not its window: another fault was faster. */
	viopf_window_cut(&w, 2066, 2066, 2067);
	EXPECT(&w, 2071, 1, 2071, 2079, true);
	/* Down. */
	viopf_window_init(&w, 0);
	EXPECT(&w, 64, 1, 64, 65, false);
	EXPECT(&w, 63, 1, 62, 64, false);
	EXPECT(&w, 61, 1, 60, 62, true);
	EXPECT(&w, 59, 1, 56, 60, true);
	viopf_window_cut(&w, 59, 58, 60);
	EXPECT(&w, 57, 1, 56, 58, true);
}

static void test_large_leaf(void **state)
{
	struct viopf_window w;

	(void)state;
	viopf_window_init(&w, 0);
	EXPECT(&w, 700, 1, 700, 701, false);
	viopf_window_mapped(&w, 512, 1024);
	EXPECT(&w, 1024, 1, 1024, 1026, false);
	viopf_window_mapped(&w, 1024, 1536);
	EXPECT(&w, 1536, 1, 1536, 1540, true);
	/* Elsewhere, or behind: nothing to do with the stream. */
	viopf_window_mapped(&w, 1540, 2000);
	viopf_window_mapped(&w, 1000, 1536);
	viopf_window_mapped(&w, 1000, 1537);
	EXPECT(&w, 1540, 1, 1540, 1544, true);
	/* Down. */
	viopf_window_init(&w, 0);
	EXPECT(&w, 700, 1, 700, 701, false);
	viopf_window_mapped(&w, 512, 1024);
	EXPECT(&w, 511, 1, 510, 512, false);
	viopf_window_mapped(&w, 0, 600);
	EXPECT(&w, 600, 1, 600, 601, false);
}

/* Windows of a block and more end where IOVA blocks do, whatever page 0 is. */
static void test_aligned(void **state)
{
	unsigned long phase, page, last;

	(void)state;
	for (phase = 0; phase < 512; phase += 37) {
		struct viopf_window w;
		struct picked p;
		unsigned int nr = 0;

		viopf_window_init(&w, 512 * 77 + phase);
		for (page = 3; page < SEGMENT; page = p.end) {
			viopf_window_pick(&w, page, 1, SEGMENT, 1024, &p.first,
					  &p.end, &p.populate);
			if (nr++ > 11 && p.end < SEGMENT)
				assert_int_equal((p.end + phase) % 512, 0);
		}
		assert_int_equal(page, SEGMENT);

		viopf_window_init(&w, 512 * 77 + phase);
		nr = 0;
		for (last = SEGMENT - 3; last; last = p.first) {
			viopf_window_pick(&w, last - 1, 1, SEGMENT, 1024,
					  &p.first, &p.end, &p.populate);
			if (nr++ > 11 && p.first)
				assert_int_equal((p.first + phase) % 512, 0);
		}
	}
}

static void test_inherit(void **state)
{
	struct viopf_window w, next;

	(void)state;
	viopf_window_init(&w, 0);
	viopf_window_init(&next, 0);
	EXPECT(&w, SEGMENT - 1024, 512, SEGMENT - 1024, SEGMENT - 512, false);
	EXPECT(&w, SEGMENT - 512, 1, SEGMENT - 512, SEGMENT, false);
	/* Up, so not over the lower edge, nor from a segment of other size. */
	viopf_window_inherit(&next, &w, SEGMENT, SEGMENT, true);
	viopf_window_inherit(&next, &w, SEGMENT + 1, SEGMENT, false);
	EXPECT(&next, 0, 1, 0, 1, false);
	viopf_window_init(&next, 0);
	viopf_window_inherit(&next, &w, SEGMENT, SEGMENT, false);
	EXPECT(&next, 0, 1, 0, 1024, true);
	/* It is taken, and not to be had again. */
	viopf_window_inherit(&next, &w, SEGMENT, SEGMENT, false);
	EXPECT(&next, 1, 1, 1, 2, false);

	viopf_window_init(&w, 0);
	viopf_window_init(&next, 0);
	EXPECT(&w, 512, 512, 512, 1024, false);
	EXPECT(&w, 511, 1, 0, 512, false);
	viopf_window_inherit(&next, &w, SEGMENT, SEGMENT, false);
	EXPECT(&next, SEGMENT - 1, 1, SEGMENT - 1, SEGMENT, false);
	viopf_window_init(&next, 0);
	viopf_window_inherit(&next, &w, SEGMENT, SEGMENT, true);
	EXPECT(&next, SEGMENT - 1, 1, SEGMENT - 1024, SEGMENT, true);
}

/* Streams of any content, as racing callers could leave them. */
static void test_garbage(void **state)
{
	unsigned int i;
	size_t j;

	(void)state;
	for (i = 0; i < 100000; i++) {
		unsigned long nr_pages = 1 + random_below(1 << 18);
		unsigned long page = random_below(nr_pages);
		unsigned long nr = 1 + random_below(nr_pages - page);
		unsigned long max_pages = random_below(5000);
		struct viopf_window w, old;
		struct picked p = { 0 };

		for (j = 0; j < sizeof(w); j++) {
			((u8 *)&w)[j] = random_u64();
			((u8 *)&old)[j] = random_u64();
		}
		for (j = 0; j < VIOPF_WINDOW_STREAMS && i % 2; j++) {
			w.streams[j].first = random_below(nr_pages);
			w.streams[j].end = random_below(nr_pages);
		}
		if (i % 4 == 0)
			nr = 1;
		viopf_window_inherit(&w, &old, nr_pages, nr_pages, i % 2);
		viopf_window_mapped(&w, page, page + nr);
		viopf_window_pick(&w, page, nr, nr_pages, max_pages, &p.first,
				  &p.end, &p.populate);
		assert_in_range(p.first, 0, page);
		assert_in_range(p.end, page + nr, nr_pages);
		assert_true(p.end - p.first <= nr ||
			    p.end - p.first <= max_pages);
	}
}

static void test_misuse(void **state)
{
	struct viopf_window w;

	(void)state;
	viopf_window_init(&w, 0);
	EXPECT(&w, 5, 0, 5, 5, false);
	EXPECT(&w, SEGMENT, 1, SEGMENT, SEGMENT + 1, false);
	EXPECT(&w, 1, SEGMENT, 1, SEGMENT + 1, false);
	EXPECT(&w, 0, SEGMENT + 1, 0, SEGMENT + 1, false);
	assert_int_equal(shim_warnings, 4);
	shim_warnings = 0;
	/* None of them has become a stream. */
	EXPECT(&w, SEGMENT - 1, 1, SEGMENT - 1, SEGMENT, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST("R12 S9 window: random accesses as the model",
			  test_random),
		UNIT_TEST("R12 S9 window: a cold GiB in at most 256 faults",
			  test_sequential),
		UNIT_TEST("R12 S9 window: resident memory, nothing populated",
			  test_resident),
		UNIT_TEST("R12 S9 window: random access gets what it asked for",
			  test_random_access),
		UNIT_TEST("R12 S9 window: little is populated in vain",
			  test_in_vain),
		UNIT_TEST("R12 S9 window: four streams, and one too many",
			  test_interleaved),
		UNIT_TEST("R12 S9 window: many requests in flight",
			  test_deep_queue),
		UNIT_TEST("R12 window: doubling, populating, direction",
			  test_rules),
		UNIT_TEST("R12 window: gaps in a stream", test_gap),
		UNIT_TEST("R12 window: disabled", test_disabled),
		UNIT_TEST("R12 window: fixed, for comparison", test_fixed),
		UNIT_TEST("R12 window: what a fixed one costs", test_fixed_cost),
		UNIT_TEST("R12 window: populated too far", test_late),
		UNIT_TEST("R12 window: populated in part", test_cut),
		UNIT_TEST("R12 window: large leaves", test_large_leaf),
		UNIT_TEST("R12 window: ends on IOVA blocks", test_aligned),
		UNIT_TEST("R12 window: from segment to segment", test_inherit),
		UNIT_TEST("R7 window: any state gives a sane answer",
			  test_garbage),
		UNIT_TEST("R12 window: misuse is reported", test_misuse),
	};

	unit_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
