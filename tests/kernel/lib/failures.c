// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's fault injection.
 */
#include <stdio.h>
#include <string.h>
#include <sys/param.h>
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

void failures_end(void)
{
	if (!access("/sys/kernel/debug/failslab", F_OK))
		failures_set_all("probability", "0\n");
}

/* The next of the module's functions in @symbols: its address, or 0. */
static unsigned long long next_function(FILE *symbols, char *name)
{
	unsigned long long address;
	char line[512], kind;

	while (fgets(line, sizeof(line), symbols)) {
		if (strstr(line, "[vfio_iommu_iopf]") &&
		    sscanf(line, "%llx %c %255s", &address, &kind, name) == 3 &&
		    strchr("tT", kind))
			return address;
	}
	return 0;
}

int failures_know_stacks(void)
{
	return !access("/sys/kernel/debug/failslab/require-start", F_OK);
}

/* Text has an area of its own, where modules follow each other. A function ends at the next. */
void failures_only_below(const char *function)
{
	unsigned long long address, first = ~0ull, last = 0, next = ~0ull;
	FILE *symbols = fopen("/proc/kallsyms", "r");
	char name[256], value[32];

	assert_non_null(symbols);
	while ((address = next_function(symbols, name))) {
		if (!function || !strcmp(name, function))
			first = MIN(first, address);
		last = MAX(last, address);
	}
	rewind(symbols);
	while (function && (address = next_function(symbols, name))) {
		if (address > first)
			next = MIN(next, address);
	}
	fclose(symbols);
	assert_msg(first < last, "the module has no function %s", function);
	snprintf(value, sizeof(value), "%#llx\n", first);
	failures_set_all("require-start", value);
	snprintf(value, sizeof(value), "%#llx\n", function ? next : last + 1);
	failures_set_all("require-end", value);
	failures_set_all("stacktrace-depth", "32\n");
}
