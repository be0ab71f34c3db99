/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A load: a thread that keeps one queue of a device at work on a range, and
 * judges by the shared pattern what the device read and wrote. What it finds
 * wrong is kept for load_stop(), which fails the case: assertions are not for
 * threads.
 */
#ifndef VIOPF_TEST_LOAD_H
#define VIOPF_TEST_LOAD_H

#include <pthread.h>
#include <stdatomic.h>

#include "rig.h"

enum load_kind {
	/* Copy the range elsewhere by DMA and look at the copy: words of pattern @seed. */
	LOAD_READ,
	/* Have the device compare the range with pattern @seed. */
	LOAD_CHECK,
	/* Write pattern @seed, always the same, and look at nothing. */
	LOAD_REWRITE,
	/* Write another pattern each time, then look at it with the CPU. */
	LOAD_WRITE,
};

/* What is right besides the pattern. */
#define LOAD_MAY_BE_ZERO	(1u << 0)	/* words may be 0 */
#define LOAD_MAY_BE_INVALID	(1u << 1)	/* operations may fault as INVALID */

struct load {
	/* by the caller */
	struct rig *rig;
	unsigned int dev, queue;	/* a queue that is started */
	enum load_kind kind;
	unsigned int tolerate;		/* LOAD_MAY_* */
	char *p;			/* the range, as the CPU sees it */
	uint64_t iova;			/* and the device */
	size_t size;
	uint64_t seed;

	/* results */
	atomic_ulong rounds;		/* operations that ended as they should */
	atomic_ulong refused;		/* with INVALID, where tolerated */
	atomic_ulong bytes;		/* judged */
	atomic_ulong late;		/* words that the CPU saw a moment later only */
	atomic_int failed;
	char why[160];

	/* private */
	pthread_t thread;
	atomic_int stop;
	char *sink;
	uint64_t sink_iova;
};

/* Start it. LOAD_READ maps a buffer for the copy at @sink_iova. */
void load_start(struct load *load, uint64_t sink_iova);

/* Stop it; fail the case if it found something wrong, or did nothing at all. */
void load_stop(struct load *load);

/* Wait until it did @n more operations, or failed. */
void load_progress(struct load *load, unsigned long n);

#endif /* VIOPF_TEST_LOAD_H */
