// SPDX-License-Identifier: GPL-2.0-only
/*
 * pressure: do page requests get through while all of a huge mapping is being swapped?
 *
 * The mapping is half as large again as the machine's memory, and written by the CPU, so
 * that part of it is swapped out already. Then four queues go through it page by page at
 * random, writing the head of one and reading all of another, so that Linux has to reclaim
 * all the time; besides, a thread asks it to page out the mapping (MADV_PAGEOUT), from one
 * end to the other and again. What is taken away while a fault brings it in makes the
 * fault start over: a retry.
 *
 * The figure is the number of retries for each page request. The detail has how long
 * requests took, from report to response, and whether a queue fell behind the others.
 */
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#include "bench.h"

#define BATCH		32u
#define HEAD_BYTES	64ul
#define SWEEP_BYTES	(4 * MIB)	/* paged out at a time */
#define MAX_TIMES	(1u << 20)
#define LOOK_MS		100		/* at the times of responses; softiommu keeps 16384 */
#define KEPT_TIMES	16384u
#define POINTS		5

struct pressure {
	struct rig rig;
	char *mem;
	uint64_t bytes;
	atomic_int stop, failed;
	atomic_ulong operations[SOFTDMA_QUEUES];
	atomic_ulong sweeps;
	double *ns;
	unsigned int nr_ns;
};

struct worker {
	struct pressure *p;
	unsigned int queue;
	uint64_t random;
	pthread_t thread;
};

static uint64_t draw_page(struct worker *worker)
{
	uint64_t x = worker->random;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	worker->random = x;
	return IOVA_MEMORY + (x >> 11) % (worker->p->bytes / PAGE) * PAGE;
}

static void *work(void *arg)
{
	struct softdma_desc descs[BATCH];
	struct worker *worker = arg;
	struct pressure *p = worker->p;
	unsigned int i;

	while (!p->stop && !p->failed) {
		for (i = 0; i < BATCH; i += 2) {
			descs[i] = sdma_fill(draw_page(worker), HEAD_BYTES, worker->random, 0);
			descs[i + 1] = sdma_checksum(draw_page(worker), PAGE, 0);
		}
		if (rig_do(&p->rig.dma.q[worker->queue], descs, BATCH))
			p->failed = 1;
		p->operations[worker->queue] += BATCH;
	}
	return NULL;
}

static void *sweep(void *arg)
{
	struct pressure *p = arg;
	uint64_t at = 0;

	while (!p->stop && !p->failed) {
		madvise(p->mem + at, SWEEP_BYTES, MADV_PAGEOUT);
		at += SWEEP_BYTES;
		if (at + SWEEP_BYTES > p->bytes) {
			at = 0;
			p->sweeps++;
		}
	}
	return NULL;
}

/* What came since the last look, before it is overwritten. */
static void look(struct pressure *p)
{
	static double ns[KEPT_TIMES];
	int n = softiommu_times(ns, KEPT_TIMES), i;

	softiommu_times_reset();
	for (i = 0; i < n && p->nr_ns < MAX_TIMES; i++)
		p->ns[p->nr_ns++] = ns[i];
}

static int watch(struct pressure *p, double s)
{
	const struct timespec nap = { .tv_nsec = LOOK_MS * 1000000l };
	double until = now_ms() + s * 1e3;

	if (softiommu_times_reset())
		return -1;
	while (now_ms() < until && !p->failed) {
		nanosleep(&nap, NULL);
		look(p);
	}
	p->stop = 1;
	return 0;
}

static int run_all(struct pressure *p, double s)
{
	struct worker workers[SOFTDMA_QUEUES];
	pthread_t sweeper;
	unsigned int i;
	int err;

	for (i = 0; i < SOFTDMA_QUEUES; i++) {
		workers[i] = (struct worker){ .p = p, .queue = i, .random = 0x5eed0001ull + i };
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]))
			return complain("no thread");
	}
	if (pthread_create(&sweeper, NULL, sweep, p))
		return complain("no thread");
	err = watch(p, s);
	for (i = 0; i < SOFTDMA_QUEUES; i++)
		pthread_join(workers[i].thread, NULL);
	pthread_join(sweeper, NULL);
	return err || p->failed ? -1 : 0;
}

static void put_times(json_object *figure, json_object *detail, const struct pressure *p)
{
	static const double x[POINTS] = { 50, 90, 99, 99.9, 100 };
	static const char * const names[POINTS] = {
		"p50_us", "p90_us", "p99_us", "p99_9_us", "max_us",
	};
	double y[POINTS];
	json_object *plot;
	unsigned int i;

	put_number(detail, "times", p->nr_ns);
	for (i = 0; i < POINTS; i++) {
		y[i] = percentile(p->ns, p->nr_ns, x[i]) / 1e3;
		put_number(detail, names[i], y[i]);
	}
	plot = plot_add(figure, "percentile", "report to response (us)", false, true, x, POINTS);
	plot_series(plot, SERIES_OURS, y, POINTS);
}

static void report(struct result *to, struct pressure *p, const struct vfio_iopf_stats *stats,
		   unsigned long swapped_out, unsigned long swapped_in)
{
	double operations[SOFTDMA_QUEUES], least = INFINITY, most = 0;
	json_object *figure, *detail;
	unsigned int i;

	figure = figure_add(to, "pressure", "retries",
			    (double)stats->retries / (double)stats->groups);
	put_number(figure, "ours", (double)stats->retries / (double)stats->groups);
	detail = put_object(figure, "detail");
	put_number(detail, "mapped_bytes", (double)p->bytes);
	put_number(detail, "ram_bytes", (double)meminfo_kb("MemTotal") * KIB);
	put_number(detail, "swapped_out_pages", (double)swapped_out);
	put_number(detail, "swapped_in_pages", (double)swapped_in);
	put_number(detail, "sweeps", (double)p->sweeps);
	for (i = 0; i < SOFTDMA_QUEUES; i++) {
		operations[i] = (double)p->operations[i];
		least = fmin(least, operations[i]);
		most = fmax(most, operations[i]);
	}
	put_numbers(detail, "operations_of_queues", operations, SOFTDMA_QUEUES);
	put_number(detail, "slowest_queue_part_of_fastest", least / most);
	put_stats(put_object(detail, "stats"), stats);
	put_times(figure, detail, p);
}

static int run(struct result *to, const struct options *opt)
{
	unsigned long out = vm_counter("pswpout"), in = vm_counter("pswpin");
	static struct pressure p;
	struct vfio_iopf_stats stats;

	p.bytes = (uint64_t)meminfo_kb("MemTotal") * KIB / 2 * 3 / SWEEP_BYTES * SWEEP_BYTES;
	p.mem = memory_get(p.bytes, MEMORY_4K);
	p.ns = malloc(MAX_TIMES * sizeof(*p.ns));
	if (!p.mem || !p.ns || memory_touch(p.mem, p.bytes, MEMORY_4K) ||
	    rig_open(&p.rig, VFIO_IOPF_IOMMU) || rig_map(&p.rig, p.mem, IOVA_MEMORY, p.bytes) ||
	    run_all(&p, opt->quick ? 8 : 30))
		return -1;
	if (viopf_stats(p.rig.c, &stats))
		return complain("%s", viopf_error());
	report(to, &p, &stats, vm_counter("pswpout") - out, vm_counter("pswpin") - in);
	rig_close(&p.rig);
	free(p.ns);
	return 0;
}

const struct bench bench_pressure = {
	.name = "pressure",
	.what = "pressure: page requests while all of a huge mapping is being swapped",
	.run = run,
};
