// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the software IOMMU says of itself in debugfs (soft/softiommu.h).
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bench.h"

#define SOFTIOMMU	"/sys/kernel/debug/softiommu/"

double softiommu_stat(const char *name)
{
	long value;

	return line_number(SOFTIOMMU "stats", name, &value) ? (double)value : NAN;
}

int softiommu_times_reset(void)
{
	int err = file_write(SOFTIOMMU "response_times", "0");

	return err ? complain("softiommu's response_times: %s", strerror(-err)) : 0;
}

double softiommu_times_sum(void)
{
	FILE *file = fopen(SOFTIOMMU "response_times", "re");
	double sum = NAN;

	if (!file)
		return NAN;
	if (fscanf(file, "count %*u sum %lf", &sum) != 1)
		sum = NAN;
	fclose(file);
	return sum;
}

int softiommu_times(double *ns, unsigned int max)
{
	FILE *file = fopen(SOFTIOMMU "response_times", "re");
	char sums[128];
	unsigned int n = 0;

	if (!file)
		return complain("softiommu's response_times: %s", strerror(errno));
	if (fgets(sums, sizeof(sums), file))
		while (n < max && fscanf(file, "%lf", &ns[n]) == 1)
			n++;
	fclose(file);
	return (int)n;
}
