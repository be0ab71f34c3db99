// SPDX-License-Identifier: GPL-2.0-only
/*
 * first_dma.cold_2g: from MAP_DMA of memory that nobody has touched to the end of the
 * first DMA in it, a few bytes written; and what is resident then. It is what a virtual
 * machine waits for when it starts. The figure is type1's time over ours.
 *
 * The memory is as Linux gives it, with huge pages allowed: the pinning side is better
 * off with them. Then both have to clear huge pages, which is nearly all that they do: one
 * of them, or 1,024. So the ratio can't be much more than that.
 *
 * With the host's clock this would be a measurement of the host instead: of how soon it
 * wakes a virtual CPU, and of its giving memory to QEMU when the guest first uses it.
 */
#include <math.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"

#define SIZES		3
#define MAX_RUNS	9
#define FIRST_BYTES	64	/* what software writes in place of a device is work, too */

static const uint64_t sizes[SIZES] = { 128 * MIB, 512 * MIB, 2 * GIB };

struct start {
	double map_ns;
	double total_ns;
	double rss_kb;
};

static int start_once(enum backend backend, uint64_t bytes, struct start *to)
{
	struct softdma_desc desc = sdma_fill(IOVA_MEMORY, FIRST_BYTES, 1, 0);
	void *mem = memory_get(bytes, MEMORY_THP);
	long rss_kb = process_kb(getpid(), "VmRSS");
	struct rig rig;
	uint64_t start;
	double dma_ns;

	if (!mem || rig_open(&rig, EXTENSION(backend)))
		return -1;
	start = now_ns();
	if (rig_map(&rig, mem, IOVA_MEMORY, bytes))
		return -1;
	to->map_ns = since_ns(start);
	if (timed(&rig.dma.q[0], &desc, 1, &dma_ns))
		return -1;
	to->total_ns = since_ns(start);
	to->rss_kb = (double)(process_kb(getpid(), "VmRSS") - rss_kb);
	rig_close(&rig);
	munmap(mem, bytes);
	return 0;
}

/* Medians over the runs; the total of each in @samples. */
static int measure(enum backend backend, uint64_t bytes, unsigned int runs, struct start *to,
		   double *samples)
{
	double map[MAX_RUNS], rss[MAX_RUNS];
	struct start one;
	unsigned int i;

	for (i = 0; i < runs; i++) {
		if (start_once(backend, bytes, &one))
			return -1;
		map[i] = one.map_ns;
		rss[i] = one.rss_kb;
		samples[i] = one.total_ns;
	}
	*to = (struct start){
		.map_ns = median(map, runs), .total_ns = median(samples, runs),
		.rss_kb = median(rss, runs),
	};
	return 0;
}

static void put_start(json_object *to, const struct start *start, const double *samples,
		      unsigned int runs)
{
	put_number(to, "map_ns", start->map_ns);
	put_number(to, "first_dma_done_ns", start->total_ns);
	put_number(to, "rss_kb", start->rss_kb);
	put_numbers(to, "samples_ns", samples, runs);
}

static void report(struct result *to, struct start found[BACKENDS][SIZES],
		   double samples[BACKENDS][MAX_RUNS], const unsigned int *runs)
{
	const struct start *ours = &found[OURS][SIZES - 1], *type1 = &found[TYPE1][SIZES - 1];
	double x[SIZES], y[BACKENDS][SIZES];
	json_object *figure, *detail, *plot;
	unsigned int i;

	figure = figure_add(to, "first_dma.cold_2g", "times", type1->total_ns / ours->total_ns);
	put_number(figure, "ours", ours->total_ns);
	put_number(figure, "type1", type1->total_ns);
	detail = put_object(figure, "detail");
	put_text(detail, "ours_and_type1_are", "instructions");
	put_number(detail, "bytes", (double)sizes[SIZES - 1]);
	put_number(detail, "rss_share", ours->rss_kb / type1->rss_kb);
	put_start(put_object(detail, "ours"), ours, samples[OURS], runs[OURS]);
	put_start(put_object(detail, "type1"), type1, samples[TYPE1], runs[TYPE1]);
	for (i = 0; i < SIZES; i++) {
		x[i] = (double)sizes[i] / MIB;
		y[OURS][i] = found[OURS][i].total_ns;
		y[TYPE1][i] = found[TYPE1][i].total_ns;
	}
	plot = plot_add(figure, "memory mapped (MiB)", "instructions until the first DMA is done",
			true, true, x, SIZES);
	plot_series(plot, SERIES_OURS, y[OURS], SIZES);
	plot_series(plot, SERIES_TYPE1, y[TYPE1], SIZES);
}

static int run(struct result *to, const struct options *opt)
{
	static double samples[BACKENDS][MAX_RUNS];
	static struct start found[BACKENDS][SIZES];
	const unsigned int runs[BACKENDS] = {
		[OURS] = opt->quick ? 3 : MAX_RUNS,
		[TYPE1] = opt->quick ? 1 : 3,
	};
	unsigned int i, backend;

	if (sizes[SIZES - 1] / KIB > (uint64_t)meminfo_kb("MemFree"))
		return complain("type1 needs %lu MiB free, there are %ld", sizes[SIZES - 1] / MIB,
				meminfo_kb("MemFree") / 1024);
	if (patience())
		return -1;
	for (i = 0; i < SIZES; i++)
		for (backend = 0; backend < BACKENDS; backend++)
			if (measure(backend, sizes[i], runs[backend], &found[backend][i],
				    samples[backend]))
				return -1;
	report(to, found, samples, runs);
	return 0;
}

const struct bench bench_first_dma = {
	.name = "first_dma",
	.what = "first_dma.cold_2g: from MAP_DMA of untouched memory to the first DMA done",
	.icount = true,
	.run = run,
};
