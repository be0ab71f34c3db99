// SPDX-License-Identifier: GPL-2.0-only
/*
 * cold.sequential and cold.random: a device writes memory that nobody has touched.
 *
 * What softdma's and softiommu's own threads do for a page request is in it, though no
 * CPU does that for hardware; "answering" in the detail is what remains without: from report
 * to response. One at a time, so that these times don't overlap.
 *
 * Somebody has to bring the memory in. So what it is compared with is the CPU touching
 * fresh memory in the same order, a word a page, plus the device writing the same once
 * more with all of it resident. Above that is only what the page requests cost.
 *
 * sequential: 256 MiB in operations of 1 MiB, on 4 KiB pages (which is what is judged)
 * and on transparent huge pages (in the detail).
 * random: whole pages out of 1 GiB of 4 KiB pages, in an order of chance; and afterwards
 * the CPU's page table is looked at for pages that nobody asked for.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "bench.h"

#define MAX_RUNS	16
#define RANDOM_SPAN	GIB

struct cold {
	enum memory_kind kind;
	uint64_t bytes;			/* of the mapping */
	const uint64_t *pages;		/* which to write; NULL: all, in order */
	unsigned int nr_pages;		/* how many */
	unsigned int runs;
	double cold[BACKENDS][MAX_RUNS];	/* MAP_DMA and the first pass */
	double hot[BACKENDS][MAX_RUNS];		/* the second pass */
	double cpu[MAX_RUNS];			/* the CPU's first touch */
	double populated[MAX_RUNS];		/* pages after our first pass */
	double answering[MAX_RUNS];		/* report to response, all of our first pass */
	struct vfio_iopf_stats stats;		/* of our last run */
};

static int device_pass(struct rig *rig, const struct cold *cold, double *ns)
{
	if (cold->pages)
		return device_write_pages(rig, cold->pages, cold->nr_pages, ns);
	return device_write_range(rig, IOVA_MEMORY, cold->bytes, ns);
}

static int cpu_pass(struct cold *cold, unsigned int run)
{
	char *mem = memory_get(cold->bytes, cold->kind);
	unsigned int i;
	uint64_t start;

	if (!mem)
		return -1;
	start = now_ns();
	for (i = 0; i < cold->nr_pages; i++)
		*(volatile char *)(mem + (cold->pages ? cold->pages[i] : i) * PAGE) = 1;
	cold->cpu[run] = since_ns(start);
	munmap(mem, cold->bytes);
	return 0;
}

static int device_passes(struct rig *rig, enum backend backend, void *what, unsigned int run)
{
	struct cold *cold = what;
	void *mem = memory_get(cold->bytes, cold->kind);
	double *first = &cold->cold[backend][run];
	uint64_t start;
	int err = mem ? 0 : -1;

	if (err)
		return err;
	start = now_ns();
	if (rig_map(rig, mem, IOVA_MEMORY, cold->bytes))
		return -1;
	*first = since_ns(start);
	cold->hot[backend][run] = 0;
	err = softiommu_times_reset() || device_pass(rig, cold, first) ? -1 : 0;
	if (backend == OURS)
		cold->answering[run] = softiommu_times_sum();
	cold->populated[run] = (double)memory_present_pages(mem, cold->bytes);
	if (!err)
		err = device_pass(rig, cold, &cold->hot[backend][run]);
	if (viopf_unmap(rig->c, IOVA_MEMORY, cold->bytes, NULL) ||
	    (backend == OURS && viopf_stats(rig->c, &cold->stats)))
		err = complain("%s", viopf_error());
	munmap(mem, cold->bytes);
	return err;
}

/* Type1 first: the counts of pages that stay are ours. */
static int measure(struct cold *cold, bool type1)
{
	unsigned int run;

	for (run = 0; run < cold->runs; run++)
		if (cpu_pass(cold, run))
			return -1;
	if (type1 && device_runs(TYPE1, cold->runs, device_passes, cold))
		return -1;
	return device_runs(OURS, cold->runs, device_passes, cold);
}

static double ratio(const struct cold *cold, enum backend backend)
{
	double limit = median(cold->cpu, cold->runs) + median(cold->hot[OURS], cold->runs);

	return median(cold->cold[backend], cold->runs) / limit;
}

/* Per page, so that it can be compared with everything else. */
static void describe(json_object *to, const struct cold *cold, bool type1)
{
	double pages = cold->nr_pages;

	put_number(to, "pages", pages);
	put_number(to, "cold_instr_per_page", median(cold->cold[OURS], cold->runs) / pages);
	put_number(to, "hot_instr_per_page", median(cold->hot[OURS], cold->runs) / pages);
	put_number(to, "cpu_instr_per_page", median(cold->cpu, cold->runs) / pages);
	put_number(to, "answering_instr_per_page", median(cold->answering, cold->runs) / pages);
	put_number(to, "ratio_without_the_model",
		   (median(cold->hot[OURS], cold->runs) + median(cold->answering, cold->runs)) /
		   (median(cold->hot[OURS], cold->runs) + median(cold->cpu, cold->runs)));
	if (type1)
		put_number(to, "type1_cold_instr_per_page",
			   median(cold->cold[TYPE1], cold->runs) / pages);
	put_number(to, "populated_pages", percentile(cold->populated, cold->runs, 100));
	put_number(to, "populated_extra_pages",
		   percentile(cold->populated, cold->runs, 100) - pages);
	put_number(to, "runs", cold->runs);
	put_stats(put_object(to, "counters_of_all_runs"), &cold->stats);
}

static json_object *report(struct result *to, const char *key, const struct cold *cold,
			   bool type1)
{
	double limit = median(cold->cpu, cold->runs) + median(cold->hot[OURS], cold->runs);
	double samples[MAX_RUNS];
	json_object *figure;
	unsigned int run;

	for (run = 0; run < cold->runs; run++)
		samples[run] = cold->cold[OURS][run] / limit;
	figure = figure_add(to, key, "ratio", ratio(cold, OURS));
	put_number(figure, "ours", median(cold->cold[OURS], cold->runs));
	if (type1)
		put_number(figure, "type1", median(cold->cold[TYPE1], cold->runs));
	put_number(figure, "cpu", limit);
	put_numbers(figure, "samples", samples, cold->runs);
	describe(put_object(figure, "detail"), cold, type1);
	return figure;
}

static int sequential(struct result *to, const struct options *opt)
{
	static struct cold small, huge;
	json_object *detail;

	small.kind = MEMORY_4K;
	small.runs = runs_of(opt, 3, 1) % MAX_RUNS;
	small.bytes = (opt->quick ? 64 : 256) * MIB;
	small.nr_pages = (unsigned int)(small.bytes / PAGE);
	huge = small;
	huge.kind = MEMORY_THP;
	if (measure(&small, true))
		return -1;
	detail = put_object(report(to, "cold.sequential", &small, true), "detail");
	if (measure(&huge, true))
		return -1;
	detail = put_object(detail, "thp");
	put_number(detail, "ratio", ratio(&huge, OURS));
	describe(detail, &huge, true);
	return 0;
}

/* Pinned, all of the GiB would have to be there: that is another figure's matter. */
static int at_random(struct result *to, const struct options *opt)
{
	static struct cold cold;
	uint64_t *pages;
	int err;

	cold.runs = runs_of(opt, 3, 1) % MAX_RUNS;
	cold.bytes = RANDOM_SPAN;
	cold.kind = MEMORY_4K;
	cold.nr_pages = opt->quick ? 2048 : 8192;
	pages = random_pages(cold.nr_pages, RANDOM_SPAN / PAGE, 0xd1ce);
	cold.pages = pages;
	if (!pages)
		return -1;
	err = measure(&cold, false);
	if (!err)
		report(to, "cold.random", &cold, false);
	free(pages);
	return err;
}

static int run(struct result *to, const struct options *opt)
{
	return sequential(to, opt) || at_random(to, opt) ? -1 : 0;
}

const struct bench bench_cold = {
	.name = "cold",
	.what = "cold.sequential, cold.random: a device writes memory that nobody has touched",
	.icount = true,
	.run = run,
};
