// SPDX-License-Identifier: GPL-2.0-only
/*
 * iopf bind and unbind: hand a device to vfio-pci, and back (iopf-bind(8)).
 */
#include <limits.h>
#include <stdio.h>
#include <viopf.h>

#include "args.h"
#include "container.h"
#include "iopf.h"

/* Every device named is tried, whatever becomes of those before it. */
static int for_each_device(const struct args *args, int (*act)(const char *bdf), const char *done)
{
	int i, code = IOPF_OK;

	for (i = 0; i < args->n_words; i++) {
		char bdf[64];

		device_name_normalize(bdf, sizeof(bdf), args->words[i]);
		if (act(bdf)) {
			complain("%s", viopf_error());
			code = IOPF_FAILED;
		} else {
			printf("%s %s\n", bdf, done);
		}
	}
	return code;
}

int cmd_bind(int argc, char **argv)
{
	struct args args = { .min_words = 1, .max_words = INT_MAX };

	args_parse(&args, "DEVICE...", "Give PCI devices (0000:01:00.0) to the driver vfio-pci.",
		   argc, argv);
	return for_each_device(&args, viopf_bind, "is vfio-pci's");
}

int cmd_unbind(int argc, char **argv)
{
	struct args args = { .min_words = 1, .max_words = INT_MAX };

	args_parse(&args, "DEVICE...", "Take PCI devices (0000:01:00.0) from the driver vfio-pci.",
		   argc, argv);
	return for_each_device(&args, viopf_unbind, "is vfio-pci's no more");
}
