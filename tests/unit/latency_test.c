// SPDX-License-Identifier: GPL-2.0-only
/*
 * The histogram of times: each bucket begins where the one before has ended, none is wider
 * than a quarter of what is in it, and a time is in the bucket that its numbers say. All
 * buckets, at both of their ends and in the middle; and random times.
 */
#include "policy/latency.h"
#include "support.h"
#include <cmocka.h>

#define LAST	(VIOPF_LATENCY_BUCKETS - 1)

/* The longest time in a bucket. */
static u64 last_ns(unsigned int bucket)
{
	return bucket == LAST ? ~0ULL : viopf_latency_from(bucket + 1) - 1;
}

static void test_ends(void **state)
{
	(void)state;
	assert_int_equal(viopf_latency_from(0), 0);
	assert_int_equal(viopf_latency_bucket(0), 0);
	assert_int_equal(viopf_latency_bucket(~0ULL), LAST);
	/* From half an hour on. */
	assert_true(viopf_latency_from(LAST) >= 1800ULL * 1000 * 1000 * 1000);
	assert_true(viopf_latency_from(LAST - 4) < 1800ULL * 1000 * 1000 * 1000);
}

static void test_round_trip(void **state)
{
	unsigned int bucket;

	(void)state;
	for (bucket = 0; bucket < VIOPF_LATENCY_BUCKETS; bucket++) {
		u64 from = viopf_latency_from(bucket), last = last_ns(bucket);

		assert_int_equal(viopf_latency_bucket(from), bucket);
		assert_int_equal(viopf_latency_bucket(from + (last - from) / 2), bucket);
		assert_int_equal(viopf_latency_bucket(last), bucket);
	}
}

static void test_ascending(void **state)
{
	unsigned int bucket;

	(void)state;
	for (bucket = 0; bucket < LAST; bucket++) {
		u64 from = viopf_latency_from(bucket);

		assert_true(viopf_latency_from(bucket + 1) > from);
		assert_int_equal(viopf_latency_from(bucket + 1) % VIOPF_LATENCY_UNIT_NS, 0);
	}
}

static void test_width(void **state)
{
	unsigned int bucket;

	(void)state;
	for (bucket = 0; bucket < LAST; bucket++) {
		u64 from = viopf_latency_from(bucket);
		u64 width = viopf_latency_from(bucket + 1) - from;

		if (bucket < 4)
			assert_int_equal(width, VIOPF_LATENCY_UNIT_NS);
		else
			assert_true(4 * width <= from);
	}
	/* A power of two is cut in four. */
	for (bucket = 4; bucket + 4 < VIOPF_LATENCY_BUCKETS; bucket++)
		assert_int_equal(viopf_latency_from(bucket + 4), 2 * viopf_latency_from(bucket));
}

static void test_random(void **state)
{
	unsigned int i, bucket;

	(void)state;
	for (i = 0; i < 100000; i++) {
		u64 ns = random_u64() >> random_below(64);

		bucket = viopf_latency_bucket(ns);
		assert_true(bucket < VIOPF_LATENCY_BUCKETS);
		assert_true(ns >= viopf_latency_from(bucket));
		assert_true(ns <= last_ns(bucket));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST("latency: the first bucket, and the last", test_ends),
		UNIT_TEST("latency: each bucket's ends and middle", test_round_trip),
		UNIT_TEST("latency: buckets ascend, in whole units", test_ascending),
		UNIT_TEST("latency: none is wider than a quarter of it", test_width),
		UNIT_TEST("latency: random times", test_random),
	};

	unit_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
