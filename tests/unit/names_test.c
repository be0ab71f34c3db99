// SPDX-License-Identifier: GPL-2.0-only
/*
 * Names of devices in one string: what is refused, and what is found.
 */
#include "policy/names.h"
#include "support.h"
#include <cmocka.h>

static void test_random(void **state)
{
	(void)state;
	drive_randomly(names_drive, 20000, 400);
}

static void test_validity(void **state)
{
	static const char * const good[] = {
		"0000:01:00.0", "0000:01:00.0,10000:e1:00.1", "softmdev.1", "a-b",
		"83b8f4f2-509f-382f-3c1e-e6bfe0fa1001,0000:01:00.0,0000:01:00.0",
		NULL
	};
	static const char * const bad[] = {
		"", ",", "1", "on", "0000", "0000:01:00.0,", ",0000:01:00.0", "1,0000:01:00.0",
		"0000:01:00.0,,0000:02:00.0", "0000:01:00.0 ", "0000:01:00.0\n", "0000:\x7f",
		"0000:\xe9", "\t:", NULL
	};
	size_t i;

	(void)state;
	for (i = 0; good[i]; i++)
		assert_true(viopf_names_valid(good[i]));
	for (i = 0; bad[i]; i++)
		assert_false(viopf_names_valid(bad[i]));
}

static void test_whole_names(void **state)
{
	const char *names = "0000:01:00.0,0000:02:00.0,0000:03:00.0";

	(void)state;
	assert_true(viopf_names_have(names, "0000:01:00.0"));
	assert_true(viopf_names_have(names, "0000:02:00.0"));
	assert_true(viopf_names_have(names, "0000:03:00.0"));
	assert_false(viopf_names_have(names, "0000:01:00"));
	assert_false(viopf_names_have(names, "0000:01:00.01"));
	assert_false(viopf_names_have(names, "000:02:00.0"));
	assert_false(viopf_names_have(names, "0000:03:00.0,"));
	assert_false(viopf_names_have(names, ""));
}

/* As lspci shows them; of another domain than 0 it shows that. */
static void test_domain_0(void **state)
{
	(void)state;
	assert_true(viopf_names_have("02:00.0,01:00.0", "0000:01:00.0"));
	assert_false(viopf_names_have("02:00.0,01:00.0", "0000:03:00.0"));
	assert_false(viopf_names_have("01:00.0", "0001:01:00.0"));
	assert_false(viopf_names_have("1:00.0", "0000:01:00.0"));
	assert_false(viopf_names_have("0000:01:00.0", "01:00.0"));
	assert_false(viopf_names_have("a-b", "0000:"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT_TEST("names: random ones as the model", test_random),
		UNIT_TEST("names: good and bad ones", test_validity),
		UNIT_TEST("names: found as a whole", test_whole_names),
		UNIT_TEST("names: PCI's domain 0 left away", test_domain_0),
	};

	unit_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
