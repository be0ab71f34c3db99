// SPDX-License-Identifier: GPL-2.0-only
/*
 * How the shared checks and knobs meet cmocka.
 */
#include <stdio.h>

#include "policy/window.h"
#include "support.h"
#include <cmocka.h>

static void fail_test(const char *what, const char *file, int line)
{
	print_error("failed: %s\n", what);
	_fail(file, line);
}

void unit_start(void)
{
	setlinebuf(stdout);
	check_failed = fail_test;
	cmocka_set_message_output(CM_OUTPUT_TAP);
	random_u64();
}

int unit_setup(void **state)
{
	(void)state;
	shim_warnings = 0;
	shim_blocks = 0;
	shim_fail_nth = 0;
	viopf_window_fixed = 0;
	return 0;
}

int unit_teardown(void **state)
{
	(void)state;
	if (shim_warnings)
		print_error("%u warnings\n", shim_warnings);
	if (shim_blocks)
		print_error("%u allocations leaked\n", shim_blocks);
	return shim_warnings || shim_blocks ? -1 : 0;
}
