// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waiting for the device to the microsecond. Who polls takes the CPU from a device that is
 * a kernel thread; who sleeps between two looks finds out late. So the poller never sleeps
 * and is the one that everything else goes before: SCHED_IDLE. Where every CPU is to be
 * left to the device and its faults the poller sleeps, and what it waits for must be long.
 */
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <time.h>

#include "bench.h"

#define LOOKS	4096	/* at the descriptor, for one at the queue */

int patience(void)
{
	const struct sched_param none = { 0 };

	if (sched_setscheduler(0, SCHED_IDLE, &none))
		return complain("SCHED_IDLE: %s", strerror(errno));
	return 0;
}

int await(struct sdma_queue *q, struct softdma_desc *outcome)
{
	struct softdma_desc *last = &q->ring[(q->tail - 1) & (q->entries - 1)];
	double until = now_ms() + DMA_LIMIT_MS;
	unsigned int looks = 0;

	while (!__atomic_load_n(&last->status, __ATOMIC_ACQUIRE)) {
		if (++looks % LOOKS)
			continue;
		if (sdma_queue_status(q) & SOFTDMA_QS_ERROR || now_ms() > until)
			break;
	}
	return rig_wait(q, outcome);
}

int await_asleep(struct sdma_queue *q, struct softdma_desc *outcome)
{
	struct softdma_desc *last = &q->ring[(q->tail - 1) & (q->entries - 1)];
	const struct timespec nap = { .tv_nsec = 300000 };
	double until = now_ms() + DMA_LIMIT_MS;
	unsigned int looks = 0;

	while (!__atomic_load_n(&last->status, __ATOMIC_ACQUIRE)) {
		nanosleep(&nap, NULL);
		if (++looks % 32)
			continue;
		if (sdma_queue_status(q) & SOFTDMA_QS_ERROR || now_ms() > until)
			break;
	}
	return rig_wait(q, outcome);
}

int timed(struct sdma_queue *q, struct softdma_desc *desc, unsigned int n, double *ns)
{
	uint64_t start = now_ns();
	int err = sdma_submit(q, desc, n);

	if (err)
		return complain("queue %u takes no more: %s", q->index, strerror(-err));
	if (await(q, desc + n - 1))
		return -1;
	*ns = since_ns(start);
	return 0;
}
