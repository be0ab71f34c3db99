// SPDX-License-Identifier: GPL-2.0-only
/*
 * What can be said of a histogram of times (container.h). Its possible buckets are powers of
 * two, each cut in four: [2^k + j * 2^(k-2), + 2^(k-2)), below 4 ns single numbers. Only
 * those that hold something are there.
 */
#include "container.h"

/* Exclusive. */
static uint64_t bucket_end(uint64_t from_ns)
{
	unsigned int log2 = from_ns ? 63 - (unsigned int)__builtin_clzll(from_ns) : 0;

	return from_ns + (log2 < 2 ? 1 : 1ull << (log2 - 2));
}

uint64_t latency_count(const struct latency *latency)
{
	uint64_t count = 0;
	int i;

	for (i = 0; i < latency->n; i++)
		count += latency->v[i].count;
	return count;
}

uint64_t latency_percentile(const struct latency *latency, double percent)
{
	double wanted = (double)latency_count(latency) * percent / 100;
	uint64_t seen = 0;
	int i;

	for (i = 0; i < latency->n; i++) {
		seen += latency->v[i].count;
		if (seen && (double)seen >= wanted)
			return bucket_end(latency->v[i].from_ns);
	}
	return 0;
}

void latency_subtract(struct latency *now, const struct latency *before)
{
	int i, j = 0;

	for (i = 0; i < now->n; i++) {
		while (j < before->n && before->v[j].from_ns < now->v[i].from_ns)
			j++;
		if (j < before->n && before->v[j].from_ns == now->v[i].from_ns)
			now->v[i].count -= before->v[j].count;
	}
}
