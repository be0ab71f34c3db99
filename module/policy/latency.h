/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A histogram of times, cheap enough to be kept for each page request.
 *
 * Buckets are powers of two, each cut in four: who reads a quantile off it is wrong by no
 * more than a quarter. The first four are of VIOPF_LATENCY_UNIT_NS each, the last one takes
 * all from half an hour on.
 */
#ifndef VIOPF_LATENCY_H
#define VIOPF_LATENCY_H

#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/types.h>

#define VIOPF_LATENCY_UNIT_SHIFT	8
#define VIOPF_LATENCY_UNIT_NS		BIT(VIOPF_LATENCY_UNIT_SHIFT)
#define VIOPF_LATENCY_BUCKETS		128U

/**
 * struct viopf_latency - how often something took how long
 * @counts: by bucket
 */
struct viopf_latency {
	atomic64_t	counts[VIOPF_LATENCY_BUCKETS];
};

/* The bucket of a time. */
static inline unsigned int viopf_latency_bucket(u64 ns)
{
	u64 units = ns >> VIOPF_LATENCY_UNIT_SHIFT;
	unsigned int order, bucket;

	if (units < 4)
		return units;
	order = fls64(units) - 1;
	bucket = (order - 1) * 4 + ((units >> (order - 2)) & 3);
	return bucket < VIOPF_LATENCY_BUCKETS ? bucket : VIOPF_LATENCY_BUCKETS - 1;
}

/* The shortest time in a bucket, in ns. */
static inline u64 viopf_latency_from(unsigned int bucket)
{
	u64 units = bucket;

	if (bucket >= 4)
		units = (4ULL + bucket % 4) << (bucket / 4 - 1);
	return units << VIOPF_LATENCY_UNIT_SHIFT;
}

#endif /* VIOPF_LATENCY_H */
