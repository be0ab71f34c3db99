// SPDX-License-Identifier: GPL-2.0-only
/*
 * The fuzzer's entry, driven without a fuzzer, so that it is always built and
 * known to work.
 */
#include <stdlib.h>

#include "support.h"
#include <cmocka.h>

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static void fuzz_drive(struct bytes *b)
{
	/* A copy of its own size, so that reading past its end is found. */
	u8 *data = test_malloc(b->left);
	size_t i;

	for (i = 0; i < b->left; i++)
		data[i] = b->next[i];
	assert_int_equal(LLVMFuzzerTestOneInput(data, b->left), 0);
	test_free(data);
}

static void test_random_bytes(void **state)
{
	(void)state;
	drive_randomly(fuzz_drive, 2000, 600);
}

static void test_short_input(void **state)
{
	u8 data[2] = { 0, 0 };
	unsigned int i;

	(void)state;
	assert_int_equal(LLVMFuzzerTestOneInput(data, 0), 0);
	for (i = 0; i < 0x10000; i += 7) {
		data[0] = i;
		data[1] = i >> 8;
		assert_int_equal(LLVMFuzzerTestOneInput(data, i % 3), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST("R2 R12 S2 S3 S9 fuzz entry: random bytes",
			  test_random_bytes),
		UNIT_TEST("R2 R12 S2 S3 S9 fuzz entry: the shortest inputs",
			  test_short_input),
	};

	unit_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
