// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's fault injection.
 */
#include <stdio.h>
#include <unistd.h>

#include "failures.h"
#include "modules.h"
#include "suite.h"

void failures_set(const char *kind, const char *name, const char *value)
{
	char path[96];

	snprintf(path, sizeof(path), "/sys/kernel/debug/%s/%s", kind, name);
	if (!access(path, F_OK))
		assert_msg(!file_write(path, value), "can't write to %s", path);
}

void failures_set_all(const char *name, const char *value)
{
	failures_set("failslab", name, value);
	failures_set("fail_page_alloc", name, value);
	failures_set("fail_usercopy", name, value);
}

void failures_prepare(void)
{
	if (access("/proc/self/fail-nth", F_OK))
		skip_because("this kernel can't make things fail");
	failures_set_all("verbose", "0\n");
	failures_set_all("times", "-1\n");
	failures_set_all("ignore-gfp-wait", "N\n");
	failures_set_all("ignore-gfp-highmem", "N\n");
	failures_set_all("cache-filter", "N\n");
	failures_set_all("min-order", "0\n");
}
