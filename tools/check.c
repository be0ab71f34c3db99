// SPDX-License-Identifier: GPL-2.0-only
/*
 * iopf check: can this host, and which of its devices, do it (iopf-check(8)).
 */
#include <limits.h>

#include "args.h"
#include "iopf.h"

int cmd_check(int argc, char **argv)
{
	struct args args = { .max_words = INT_MAX };

	args_parse(&args, "[DEVICE...]", "Check this host, and devices.", argc, argv);
	complain("not yet");
	return IOPF_CANT_TELL;
}
