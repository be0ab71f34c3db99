// SPDX-License-Identifier: GPL-2.0-only
/*
 * What can be said of a histogram of times (container.h). Its possible buckets are the
 * kernel's (module/policy/latency.h): powers of two, each cut in four, and four of 256 ns
 * below 1,024 ns. Only those that hold something are there.
 */
#include <stdlib.h>
#include <string.h>

#include "container.h"
#include "iopf.h"

/* How wide the bucket is in which @ns is, as a power of two. */
static unsigned int width_log2(uint64_t ns)
{
	return ns < 1024 ? 8 : 61 - (unsigned int)__builtin_clzll(ns);
}

/* Exclusive. */
static uint64_t bucket_end(uint64_t from_ns)
{
	return from_ns + (1ull << width_log2(from_ns));
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

static uint64_t bucket_from(uint64_t ns)
{
	return ns >> width_log2(ns) << width_log2(ns);
}

void latency_add(struct latency *latency, uint64_t ns)
{
	uint64_t from_ns = bucket_from(ns);
	int i = latency->n;

	while (i > 0 && latency->v[i - 1].from_ns > from_ns)
		i--;
	if (i > 0 && latency->v[i - 1].from_ns == from_ns) {
		latency->v[i - 1].count++;
		return;
	}
	latency->v = reallocarray(latency->v, (size_t)latency->n + 1, sizeof(*latency->v));
	if (!latency->v)
		die_no_memory();
	memmove(latency->v + i + 1, latency->v + i,
		(size_t)(latency->n - i) * sizeof(*latency->v));
	latency->v[i] = (struct latency_bucket) { .from_ns = from_ns, .count = 1 };
	latency->n++;
}
