// SPDX-License-Identifier: GPL-2.0-only
/*
 * map_dma.cold: what VFIO_IOMMU_MAP_DMA costs on memory that nobody has touched, by
 * size. Type1 brings every page in and pins it, so it goes as far only as there is
 * memory; beyond that its series has no value. The figure is ours at its worst.
 *
 * "No memory": pages of kernel and user memory that are gone after the largest mapping
 * was made, by what Linux has free; the least of several tries, as others allocate too.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "bench.h"

#define SIZES		10
#define LARGEST		(1ull << 40)
#define MAX_RUNS	16

static const uint64_t sizes[SIZES] = {
	4 * KIB, 64 * KIB, MIB, 16 * MIB, 64 * MIB, 256 * MIB, GIB, 16 * GIB, 256 * GIB, LARGEST,
};

/* Type1 pins: leave the machine half of its memory. */
static bool fits(enum backend backend, uint64_t bytes)
{
	return backend == OURS || bytes / KIB < (uint64_t)meminfo_kb("MemTotal") / 2;
}

/* One mapping of memory of its own; the cost of the call alone. */
static double map_once(struct rig *rig, uint64_t bytes)
{
	void *mem = memory_get(bytes, MEMORY_4K);
	double cost = NAN;
	uint64_t start;

	if (!mem)
		return NAN;
	start = now_ns();
	if (!rig_map(rig, mem, IOVA_MEMORY, bytes))
		cost = since_ns(start);
	viopf_unmap(rig->c, IOVA_MEMORY, bytes, NULL);
	munmap(mem, bytes);
	return cost;
}

/* @worst: the runs of the size that cost most. */
static int measure(enum backend backend, unsigned int runs, double *costs, double *worst)
{
	double one[MAX_RUNS], most = 0;
	unsigned int size, run;
	struct rig rig;

	if (rig_open(&rig, EXTENSION(backend)))
		return -1;
	for (size = 0; size < SIZES; size++) {
		costs[size] = NAN;
		if (!fits(backend, sizes[size]))
			continue;
		map_once(&rig, PAGE);
		for (run = 0; run < runs; run++)
			one[run] = map_once(&rig, sizes[size]);
		costs[size] = median(one, runs);
		if (costs[size] > most) {
			most = costs[size];
			memcpy(worst, one, runs * sizeof(*one));
		}
	}
	rig_close(&rig);
	return 0;
}

static double free_kb(void)
{
	file_write("/proc/sys/vm/stat_refresh", "1");
	return (double)meminfo_kb("MemFree");
}

/* The memory that a mapping of the largest size takes, in kB. */
static double memory_taken_kb(void)
{
	double least = INFINITY, before;
	unsigned int i;
	struct rig rig;
	void *mem;

	if (rig_open(&rig, VFIO_IOPF_IOMMU))
		return NAN;
	mem = memory_get(LARGEST, MEMORY_4K);
	for (i = 0; mem && i < 5; i++) {
		before = free_kb();
		if (rig_map(&rig, mem, IOVA_MEMORY, LARGEST))
			return NAN;
		least = fmin(least, before - free_kb());
		viopf_unmap(rig.c, IOVA_MEMORY, LARGEST, NULL);
	}
	rig_close(&rig);
	return fmax(least, 0);
}

static int run(struct result *to, const struct options *opt)
{
	double costs[BACKENDS][SIZES], worst[BACKENDS][MAX_RUNS], x[SIZES];
	unsigned int runs = runs_of(opt, 5, 3), i;
	json_object *figure, *plot;

	if (runs > MAX_RUNS)
		runs = MAX_RUNS;
	if (measure(OURS, runs, costs[OURS], worst[OURS]) ||
	    measure(TYPE1, runs, costs[TYPE1], worst[TYPE1]))
		return -1;
	for (i = 0; i < SIZES; i++)
		x[i] = (double)sizes[i];
	figure = figure_add(to, "map_dma.cold", "instr", median(worst[OURS], runs));
	put_number(figure, "ours", median(worst[OURS], runs));
	put_number(figure, "type1", median(worst[TYPE1], runs));
	put_numbers(figure, "samples", worst[OURS], runs);
	put_number(put_object(figure, "detail"), "memory_taken_by_1_tib_kb", memory_taken_kb());
	plot = plot_add(figure, "size of the mapping (bytes)", "instructions for MAP_DMA", true,
			true, x, SIZES);
	plot_series(plot, SERIES_OURS, costs[OURS], SIZES);
	plot_series(plot, SERIES_TYPE1, costs[TYPE1], SIZES);
	return 0;
}

const struct bench bench_map_dma = {
	.name = "map_dma",
	.what = "map_dma.cold: mapping memory that nobody has touched, 4 KiB to 1 TiB",
	.icount = true,
	.run = run,
};
