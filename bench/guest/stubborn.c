// SPDX-License-Identifier: GPL-2.0-only
/*
 * intel.beside_stubborn*: what is left of a device's speed beside one in its container that
 * never stops asking for what is not mapped: whatever it is answered, all of its queues ask
 * again (SOFTPRI_TEST_STUBBORN). Hot: copying over resident memory. Cold: the device faults
 * for each page that it writes; the CPU has them all.
 *
 * Alone and beside take turns, so that what the host does hits both; the figure is the median
 * of the ratios.
 */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "../../qemu/softpri.h"
#include "bench.h"

#define MAX_PAIRS	32
#define BYTES		(16 * MIB)
#define HOT_CHUNK	(64 * KIB)
#define HOT_PASSES	32
#define IOVA_OTHER	0x60000000ull	/* the other device's rings: below IOVA_MEMORY */
#define NOWHERE		0x700000000ull

struct scene {
	struct rig rig;
	struct viopf_device *dev;	/* the stubborn one */
	struct sdma dma;
	void *rings, *source;
};

static int open_other(struct scene *s)
{
	const char *bdf = "0000:02:00.0";
	unsigned int i;

	if (viopf_bind(bdf) || viopf_group_add(s->rig.c, bdf) ||
	    viopf_device_open(s->rig.c, bdf, &s->dev))
		return complain("%s", viopf_error());
	s->rings = memory_get(BLOCK, MEMORY_4K);
	if (sdma_open(&s->dma, s->dev) || !s->rings ||
	    rig_map(&s->rig, s->rings, IOVA_OTHER, BLOCK))
		return complain("%s can't be used", bdf);
	for (i = 0; i < SOFTDMA_QUEUES; i++)
		if (sdma_queue_start(&s->dma, i, (char *)s->rings + i * PAGE, IOVA_OTHER + i * PAGE,
				     4))
			return complain("a queue of %s does not start", bdf);
	return 0;
}

static int ask_on(struct scene *s)
{
	struct softdma_desc read = sdma_checksum(NOWHERE, 8, 0);
	unsigned int i;

	if (sdma_reg_write(&s->dma, SOFTPRI_REG_TEST, SOFTPRI_TEST_STUBBORN))
		return -1;
	for (i = 0; i < SOFTDMA_QUEUES; i++)
		if (sdma_submit(&s->dma.q[i], &read, 1))
			return complain("a queue takes no more");
	return 0;
}

static int ask_off(struct scene *s)
{
	unsigned int i;

	if (sdma_reg_write(&s->dma, SOFTPRI_REG_TEST, 0))
		return -1;
	for (i = 0; i < SOFTDMA_QUEUES; i++)
		if (sdma_wait(&s->dma.q[i], 0, DMA_LIMIT_MS, NULL) != SOFTDMA_FAULT_INVALID)
			return complain("the stubborn device was not refused");
	return 0;
}

/* All of the memory once. */
static int pass(struct scene *s, uint64_t chunk)
{
	struct sdma_queue *q = &s->rig.dma.q[0];
	struct softdma_desc descs[DEVICE_BATCH];
	unsigned int n;
	uint64_t at = 0;

	while (at < BYTES) {
		for (n = 0; n < DEVICE_BATCH && at < BYTES; n++, at += chunk)
			descs[n] = sdma_copy(IOVA_MEMORY + at, IOVA_SOURCE, chunk);
		if (sdma_submit(q, descs, n) || await_asleep(q, descs))
			return complain("the device does not copy");
	}
	return 0;
}

/* *@ns: how long it takes. */
static int work(struct scene *s, bool cold, double *ns)
{
	unsigned int passes = cold ? 1 : HOT_PASSES;
	uint64_t start;

	if (cold && viopf_advise(s->rig.c, VFIO_IOPF_ADV_EVICT, IOVA_MEMORY, BYTES, NULL))
		return complain("%s", viopf_error());
	start = now_ns();
	while (passes--)
		if (pass(s, cold ? PAGE : HOT_CHUNK))
			return -1;
	*ns = since_ns(start);
	return 0;
}

static int pairs(struct result *to, struct scene *s, const char *key, bool cold,
		 unsigned int nr)
{
	double ratios[MAX_PAIRS], alone, beside = 0;
	struct vfio_iopf_stats before, after;
	json_object *figure;
	unsigned int i;

	if (viopf_stats(s->rig.c, &before) || work(s, cold, &alone))
		return -1;
	for (i = 0; i < nr; i++) {
		if (work(s, cold, &alone) || ask_on(s) || work(s, cold, &beside) || ask_off(s))
			return -1;
		ratios[i] = alone / beside;
	}
	if (viopf_stats(s->rig.c, &after))
		return complain("%s", viopf_error());
	if (after.resp_invalid - before.resp_invalid < nr * SOFTDMA_QUEUES * 2)
		return complain("it asked only %llu times",
				after.resp_invalid - before.resp_invalid);
	figure = figure_add(to, key, "ratio", median(ratios, nr));
	put_number(figure, "ours", beside / 1e6);
	put_text(put_object(figure, "detail"), "ours_and_type1_are", "ms, the last");
	put_numbers(figure, "samples", ratios, nr);
	put_number(put_object(figure, "detail"), "refused",
		   (double)(after.resp_invalid - before.resp_invalid));
	return 0;
}

static int run(struct result *to, const struct options *opt)
{
	unsigned int nr = runs_of(opt, 15, 5) % MAX_PAIRS;
	void *mem = memory_get(BYTES, MEMORY_4K);
	struct scene s;

	if (!mem || memory_touch(mem, BYTES, MEMORY_4K) ||
	    device_open(&s.rig, OURS, &s.source) || rig_map(&s.rig, mem, IOVA_MEMORY, BYTES) ||
	    open_other(&s) || pairs(to, &s, "intel.beside_stubborn_hot", false, nr) ||
	    pairs(to, &s, "intel.beside_stubborn_cold", true, nr))
		return -1;
	viopf_device_close(s.dev);
	rig_close(&s.rig);
	return 0;
}

const struct bench bench_stubborn = {
	.name = "stubborn",
	.what = "intel.beside_stubborn: beside a device that never stops asking",
	.run = run,
};
