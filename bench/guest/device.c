// SPDX-License-Identifier: GPL-2.0-only
/*
 * Having the device do something, with one CPU and a clock that counts instructions.
 *
 * The device, the fault threads and whoever waits share the CPU. Sleeping between looks
 * would be found out too late, and looking all the time takes CPU time from the device.
 * So the one who waits is of the class that runs only when nobody else wants to
 * (SCHED_IDLE), and looks all the time: it comes to run when the device has finished.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "bench.h"

static int be_idle(bool idle)
{
	const struct sched_param none = { 0 };

	if (sched_setscheduler(0, idle ? SCHED_IDLE : SCHED_OTHER, &none))
		return complain("can't change how it is scheduled: %s", strerror(errno));
	return 0;
}

int device_do(struct sdma_queue *q, struct softdma_desc *desc, unsigned int n, double *ns)
{
	const struct softdma_desc *last = &q->ring[(q->tail + n - 1) & (q->entries - 1)];
	double limit = now_ms() + DMA_LIMIT_MS;
	uint64_t start;
	int err;

	if (be_idle(true))
		return -1;
	start = now_ns();
	err = sdma_submit(q, desc, n);
	while (!err && !__atomic_load_n(&last->status, __ATOMIC_ACQUIRE) && now_ms() < limit)
		;
	if (ns)
		*ns += since_ns(start);
	if (be_idle(false))
		return -1;
	if (err)
		return complain("queue %u takes no more: %s", q->index, strerror(-err));
	return rig_wait(q, desc + n - 1);
}

int device_write_range(struct rig *rig, uint64_t iova, uint64_t bytes, double *ns)
{
	struct softdma_desc descs[DEVICE_BATCH];
	uint64_t at = 0;
	unsigned int n;

	while (at < bytes) {
		for (n = 0; n < DEVICE_BATCH && at < bytes; n++, at += SOURCE_BYTES)
			descs[n] = sdma_copy(iova + at, IOVA_SOURCE, SOURCE_BYTES);
		if (device_do(&rig->dma.q[0], descs, n, ns))
			return -1;
	}
	return 0;
}

int device_write_pages(struct rig *rig, const uint64_t *pages, unsigned int nr, double *ns)
{
	struct softdma_desc descs[DEVICE_BATCH];
	unsigned int at = 0, n;

	while (at < nr) {
		for (n = 0; n < DEVICE_BATCH && at < nr; n++, at++)
			descs[n] = sdma_copy(IOVA_MEMORY + pages[at] * PAGE, IOVA_SOURCE, PAGE);
		if (device_do(&rig->dma.q[0], descs, n, ns))
			return -1;
	}
	return 0;
}

/* The device goes through all of the ring once: no page of it faults later on. */
static int use_ring(struct sdma_queue *q)
{
	struct softdma_desc descs[DEVICE_BATCH];
	unsigned int i;

	for (i = 0; i < DEVICE_BATCH; i++)
		descs[i] = sdma_nop();
	for (i = 0; i < q->entries; i += DEVICE_BATCH)
		if (device_do(q, descs, DEVICE_BATCH, NULL))
			return -1;
	return 0;
}

int device_open(struct rig *rig, enum backend backend, void **source)
{
	struct softdma_desc desc = sdma_checksum(IOVA_SOURCE, SOURCE_BYTES, 0);

	*source = memory_get(BLOCK, MEMORY_4K);
	if (!*source || memory_touch(*source, BLOCK, MEMORY_4K) ||
	    rig_open(rig, EXTENSION(backend)) ||
	    rig_map(rig, *source, IOVA_SOURCE, BLOCK))
		return -1;
	return use_ring(&rig->dma.q[0]) || rig_do(&rig->dma.q[0], &desc, 1) ? -1 : 0;
}

int device_runs(enum backend backend, unsigned int runs,
		int (*once)(struct rig *rig, enum backend backend, void *what, unsigned int run),
		void *what)
{
	unsigned int run;
	struct rig rig;
	void *source;
	int err = 0;

	if (device_open(&rig, backend, &source))
		return -1;
	for (run = 0; run < runs && !err; run++)
		err = once(&rig, backend, what, run);
	rig_close(&rig);
	munmap(source, BLOCK);
	return err;
}

/* Different numbers below @of in an order that is the same each time. */
uint64_t *random_pages(unsigned int nr, uint64_t of, uint64_t seed)
{
	uint64_t *pages = calloc(of, sizeof(*pages)), i;

	if (!pages) {
		complain("no memory");
		return NULL;
	}
	for (i = 0; i < of; i++)
		pages[i] = i;
	for (i = 0; i < nr; i++) {
		uint64_t with = i + softdma_pattern(seed, i * 8) % (of - i);
		uint64_t page = pages[i];

		pages[i] = pages[with];
		pages[with] = page;
	}
	return pages;
}
