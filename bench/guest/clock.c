// SPDX-License-Identifier: GPL-2.0-only
/*
 * Time and statistics. In a VM with --icount the clock counts instructions, so a time
 * does not depend on the host; what reading the clock itself takes is the same each
 * time, and taken off.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench.h"

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

uint64_t clock_cost_ns(void)
{
	static uint64_t cost;
	unsigned int i;

	if (cost)
		return cost;
	cost = UINT64_MAX;
	for (i = 0; i < 100; i++) {
		uint64_t start = now_ns(), took = now_ns() - start;

		if (took < cost)
			cost = took;
	}
	return cost;
}

double since_ns(uint64_t start)
{
	uint64_t took = now_ns() - start, cost = clock_cost_ns();

	return took > cost ? (double)(took - cost) : 0;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Between two values, as far between as the percentage says. */
double percentile(const double *values, unsigned int n, double percent)
{
	double *sorted, at, low, found;

	if (!n)
		return NAN;
	sorted = malloc(n * sizeof(*sorted));
	if (!sorted)
		return NAN;
	memcpy(sorted, values, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), compare);
	at = percent / 100 * (n - 1);
	low = floor(at);
	found = sorted[(unsigned int)low];
	if (low + 1 < n)
		found += (at - low) * (sorted[(unsigned int)low + 1] - found);
	free(sorted);
	return found;
}

double median(const double *values, unsigned int n)
{
	return percentile(values, n, 50);
}
