// SPDX-License-Identifier: GPL-2.0-only
/*
 * hot.throughput_*: the device copies between two buffers that are resident and that it
 * has been through before. Nothing faults; the only thing that can differ between the
 * backends is the IOMMU's page table. The buffers are larger than the IOTLB reaches, so
 * the table is walked.
 *
 * Both backends use the same device and the same pages, in turns: a turn opens the
 * device, maps, goes through once to have all mapped, and then measures several passes,
 * chunk by chunk. What a busy host takes away only ever makes a chunk slower, so the
 * time of a pass is the sum of what each chunk took at its best; the figure is the
 * ratio of these. Medians of whole passes are in the detail; samples are the figure made
 * from single turns.
 */
#include <math.h>
#include <sys/mman.h>

#include "bench.h"

#define MAX_TURNS	16
#define PASSES		15
#define CHUNK		MIB
#define MAX_CHUNKS	64

struct hot {
	size_t bytes;		/* of a buffer */
	char *mem;		/* the source, and the destination after it */
	unsigned int turns;
	double pass_ns[BACKENDS][MAX_TURNS][PASSES + 1];	/* the first has all mapped */
	double best_ns[BACKENDS][MAX_TURNS][MAX_CHUNKS];	/* without the first */
	struct vfio_iopf_stats stats;
};

static int pass(struct hot *hot, struct rig *rig, double *total_ns, double *best_ns)
{
	uint64_t from = IOVA_MEMORY, to = IOVA_MEMORY + hot->bytes;
	struct softdma_desc desc;
	size_t at;
	double ns;

	*total_ns = 0;
	for (at = 0; at < hot->bytes; at += CHUNK) {
		desc = sdma_copy(to + at, from + at, CHUNK);
		if (timed(&rig->dma.q[0], &desc, 1, &ns))
			return -1;
		*total_ns += ns;
		if (best_ns)
			best_ns[at / CHUNK] = fmin(best_ns[at / CHUNK], ns);
	}
	return 0;
}

static int turn(struct hot *hot, enum backend backend, unsigned int nr)
{
	double *pass_ns = hot->pass_ns[backend][nr], *best_ns = hot->best_ns[backend][nr];
	struct rig rig;
	unsigned int i;

	for (i = 0; i < MAX_CHUNKS; i++)
		best_ns[i] = INFINITY;
	if (rig_open(&rig, EXTENSION(backend)) ||
	    rig_map(&rig, hot->mem, IOVA_MEMORY, 2 * hot->bytes))
		return -1;
	for (i = 0; i <= PASSES; i++)
		if (pass(hot, &rig, &pass_ns[i], i ? best_ns : NULL))
			return -1;
	if (backend == OURS && viopf_stats(rig.c, &hot->stats))
		return complain("%s", viopf_error());
	rig_close(&rig);
	return 0;
}

/* A pass with each chunk at its best in turns [@first, @end). */
static double best_pass(const struct hot *hot, enum backend backend, unsigned int first,
			unsigned int end)
{
	double sum = 0, best;
	unsigned int chunk, i;

	for (chunk = 0; chunk < hot->bytes / CHUNK; chunk++) {
		best = INFINITY;
		for (i = first; i < end; i++)
			best = fmin(best, hot->best_ns[backend][i][chunk]);
		sum += best;
	}
	return sum;
}

/* The median of pass @nr of all turns. */
static double median_pass(const struct hot *hot, enum backend backend, unsigned int nr)
{
	double ns[MAX_TURNS];
	unsigned int i;

	for (i = 0; i < hot->turns; i++)
		ns[i] = hot->pass_ns[backend][i][nr];
	return median(ns, hot->turns);
}

static double mb_s(const struct hot *hot, double ns)
{
	return (double)hot->bytes * 1e3 / ns;
}

static void passes_plot(const struct hot *hot, json_object *figure)
{
	static const char * const names[] = { SERIES_OURS, SERIES_TYPE1 };
	double x[PASSES + 1], y[PASSES + 1];
	unsigned int backend, i;
	json_object *plot;

	for (i = 0; i <= PASSES; i++)
		x[i] = i + 1;
	plot = plot_add(figure, "pass over the same memory", "copied (MB/s), medians", false, false,
			x, PASSES + 1);
	for (backend = 0; backend < BACKENDS; backend++) {
		for (i = 0; i <= PASSES; i++)
			y[i] = mb_s(hot, median_pass(hot, backend, i));
		plot_series(plot, names[backend], y, PASSES + 1);
	}
}

static void put_medians(const struct hot *hot, json_object *detail, const char *name,
			enum backend backend)
{
	double mb[PASSES];
	unsigned int i;

	for (i = 0; i < PASSES; i++)
		mb[i] = mb_s(hot, median_pass(hot, backend, i + 1));
	put_numbers(detail, name, mb, PASSES);
}

static void report(struct hot *hot, struct result *to, const char *key)
{
	double ours = best_pass(hot, OURS, 0, hot->turns);
	double type1 = best_pass(hot, TYPE1, 0, hot->turns);
	json_object *figure, *detail;
	double ratios[MAX_TURNS];
	unsigned int i;

	for (i = 0; i < hot->turns; i++)
		ratios[i] = best_pass(hot, TYPE1, i, i + 1) / best_pass(hot, OURS, i, i + 1);
	figure = figure_add(to, key, "ratio", type1 / ours);
	put_number(figure, "ours", mb_s(hot, ours));
	put_number(figure, "type1", mb_s(hot, type1));
	put_numbers(figure, "samples", ratios, hot->turns);
	detail = put_object(figure, "detail");
	put_text(detail, "ours_and_type1_are", "MB/s");
	put_number(detail, "buffer_bytes", (double)hot->bytes);
	put_medians(hot, detail, "ours_median_passes_mb_s", OURS);
	put_medians(hot, detail, "type1_median_passes_mb_s", TYPE1);
	put_stats(put_object(detail, "stats_last_turn"), &hot->stats);
	passes_plot(hot, figure);
}

static int measure(struct result *to, const struct options *opt, const char *key,
		   enum memory_kind kind)
{
	static struct hot hot;
	unsigned int i;

	hot.bytes = opt->quick ? 16 * MIB : 64 * MIB;
	hot.turns = runs_of(opt, 7, 3);
	if (hot.turns > MAX_TURNS)
		hot.turns = MAX_TURNS;
	hot.mem = memory_get(2 * hot.bytes, kind);
	if (!hot.mem || memory_touch(hot.mem, 2 * hot.bytes, kind))
		return -1;
	for (i = 0; i < hot.turns; i++)
		if (turn(&hot, i % 2 ? TYPE1 : OURS, i) || turn(&hot, i % 2 ? OURS : TYPE1, i))
			return -1;
	report(&hot, to, key);
	munmap(hot.mem, 2 * hot.bytes);
	return 0;
}

static int run(struct result *to, const struct options *opt)
{
	if (patience())
		return -1;
	if (measure(to, opt, "hot.throughput_4k", MEMORY_4K))
		return -1;
	return measure(to, opt, "hot.throughput_thp", MEMORY_THP);
}

const struct bench bench_hot = {
	.name = "hot",
	.what = "hot.throughput: copying over resident memory, again and again",
	.run = run,
};
