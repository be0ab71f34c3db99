// SPDX-License-Identifier: GPL-2.0-only
/*
 * fault.resident_latency: the page request of fault.resident again, with several CPUs
 * and the host's clock: from softiommu's report to the response, for pages that the CPU
 * has. One queue asks for one page at a time; then all queues ask at once, each in
 * memory of its own. The figure is the 99th percentile of the first, in us.
 *
 * Pages are far from each other and taken at random, so that each request is for a page.
 */
#include <stdlib.h>
#include <sys/mman.h>

#include "bench.h"

#define BYTES		(256 * MIB)
#define STRIDE		16u	/* pages from one to the next */
#define PAGES_OF_QUEUE	((unsigned int)(BYTES / PAGE / STRIDE / SOFTDMA_QUEUES))
#define BATCH		512u
#define POINTS		6

static const double percents[POINTS] = { 50, 75, 90, 99, 99.9, 100 };

struct times {
	double ns[SOFTDMA_QUEUES * PAGES_OF_QUEUE];
	unsigned int n;
};

/* @queues at a time, each its quarter of the memory, in batches. */
static int faults(struct rig *rig, const uint64_t *order, unsigned int queues, unsigned int n)
{
	static struct softdma_desc descs[BATCH];
	unsigned int done, i, q;

	for (done = 0; done < n; done += BATCH) {
		for (q = 0; q < queues; q++) {
			for (i = 0; i < BATCH; i++) {
				uint64_t page = (order[done + i] + q * PAGES_OF_QUEUE) * STRIDE;

				descs[i] = sdma_atomic_add(IOVA_MEMORY + page * PAGE, 0);
			}
			if (sdma_submit(&rig->dma.q[q], descs, BATCH))
				return complain("queue %u takes no more", q);
		}
		for (q = 0; q < queues; q++)
			if (await(&rig->dma.q[q], &descs[0]))
				return -1;
	}
	return 0;
}

static int measure(struct rig *rig, const uint64_t *order, unsigned int queues, unsigned int n,
		   struct times *to)
{
	int got = -1;

	if (viopf_advise(rig->c, VFIO_IOPF_ADV_EVICT, IOVA_MEMORY, BYTES, NULL))
		return complain("%s", viopf_error());
	if (softiommu_times_reset() || faults(rig, order, queues, n))
		return -1;
	got = softiommu_times(to->ns, ARRAY_SIZE(to->ns));
	to->n = got < 0 ? 0 : (unsigned int)got;
	return got < 0 ? -1 : 0;
}

static void put_times(json_object *detail, const char *name, const struct times *times)
{
	static const char * const names[POINTS] = { "p50", "p75", "p90", "p99", "p99_9", "max" };
	json_object *to = put_object(detail, name);
	unsigned int i;

	put_number(to, "faults", times->n);
	for (i = 0; i < POINTS; i++)
		put_number(to, names[i], percentile(times->ns, times->n, percents[i]) / 1e3);
}

/* Type1 has no faults, and so no series. */
static void report(struct result *to, const struct times *alone, const struct times *together)
{
	double x[POINTS], y[POINTS];
	json_object *figure, *detail, *plot;
	unsigned int i;

	figure = figure_add(to, "fault.resident_latency", "us",
			    percentile(alone->ns, alone->n, 99) / 1e3);
	put_number(figure, "ours", percentile(alone->ns, alone->n, 99) / 1e3);
	detail = put_object(figure, "detail");
	put_text(detail, "unit", "us");
	put_times(detail, "one_queue", alone);
	put_times(detail, "all_queues", together);
	for (i = 0; i < POINTS; i++) {
		x[i] = percents[i];
		y[i] = percentile(alone->ns, alone->n, percents[i]) / 1e3;
	}
	plot = plot_add(figure, "percentile", "report to response (us)", false, true, x, POINTS);
	plot_series(plot, SERIES_OURS, y, POINTS);
}

static int run(struct result *to, const struct options *opt)
{
	unsigned int n = opt->quick ? BATCH : PAGES_OF_QUEUE;
	uint64_t *order = random_pages(PAGES_OF_QUEUE, PAGES_OF_QUEUE, 0x5eed);
	void *mem = memory_get(BYTES, MEMORY_4K);
	static struct times alone, together;
	struct rig rig;

	if (!order || !mem || memory_touch(mem, BYTES, MEMORY_4K) || patience() ||
	    rig_open(&rig, VFIO_IOPF_IOMMU) || rig_map(&rig, mem, IOVA_MEMORY, BYTES))
		return -1;
	/* The first time makes the segments. */
	if (measure(&rig, order, SOFTDMA_QUEUES, BATCH, &together) ||
	    measure(&rig, order, 1, n, &alone) ||
	    measure(&rig, order, SOFTDMA_QUEUES, n, &together))
		return -1;
	report(to, &alone, &together);
	rig_close(&rig);
	free(order);
	return 0;
}

const struct bench bench_latency = {
	.name = "latency",
	.what = "fault.resident_latency: how long a fault takes with several CPUs",
	.run = run,
};
