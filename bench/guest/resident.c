// SPDX-License-Identifier: GPL-2.0-only
/*
 * prefetch.resident, unmap.resident and evict.resident: what a page costs that is in the
 * CPU's page table, to give it to the device and to take it away, on memory of 4 KiB
 * pages and of transparent huge pages. Per 4 KiB in both cases.
 *
 *	prefetch	VFIO_IOPF_ADV_PREFETCH_WRITE; type1: MAP_DMA, which pins
 *	unmap		UNMAP_DMA of what the device can reach; type1: the same
 *	evict		what madvise(MADV_DONTNEED) takes longer than without VFIO, as the
 *			device has to lose its access first; type1 can't; and, in the
 *			detail, VFIO_IOPF_ADV_EVICT
 *
 * Pages of 4 KiB that follow each other in memory as they do for the process can be
 * mapped together. Whether they do depends on what was freed before, and in which order.
 * So they are touched in an order of chance, as a machine has them that has run for long;
 * what it costs on pages touched in order is in prefetch's detail, from the least to the
 * most of the runs.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "bench.h"

#define MAX_RUNS	16

struct costs {
	double prefetch[BACKENDS][MAX_RUNS];
	double unmap[BACKENDS][MAX_RUNS];
	double advised[MAX_RUNS];	/* evictions by advice */
	double taken[MAX_RUNS];		/* MADV_DONTNEED, resident for the device */
	double taken_alone[MAX_RUNS];	/* the same without VFIO */
	unsigned int runs;
	uint64_t bytes;
	enum memory_kind kind;
	bool in_order;			/* how pages of 4 KiB were touched */
};

static int touch(const struct costs *costs, char *mem)
{
	unsigned int nr = (unsigned int)(costs->bytes / PAGE), i;
	uint64_t *pages = NULL;

	if (costs->kind == MEMORY_4K && !costs->in_order) {
		pages = random_pages(nr, nr, 0x70c4);
		if (!pages)
			return -1;
		for (i = 0; i < nr; i++)
			*(volatile char *)(mem + pages[i] * PAGE) = 1;
		free(pages);
	}
	return memory_touch(mem, costs->bytes, costs->kind);
}

static double per_page(const struct costs *costs, uint64_t start)
{
	return since_ns(start) / (double)(costs->bytes / PAGE);
}

static int dont_need(const struct costs *costs, void *mem, double *cost)
{
	uint64_t start = now_ns();

	if (madvise(mem, costs->bytes, MADV_DONTNEED))
		return complain("madvise: %s", strerror(errno));
	*cost = per_page(costs, start);
	return 0;
}

static int check_resident(struct rig *rig, const struct costs *costs)
{
	struct vfio_iopf_stats stats;

	if (viopf_stats(rig->c, &stats))
		return complain("%s", viopf_error());
	if (stats.resident_pages < costs->bytes / PAGE)
		return complain("only %llu of %llu pages are resident", stats.resident_pages,
				(unsigned long long)costs->bytes / PAGE);
	return 0;
}

static int advise(struct rig *rig, const struct costs *costs, enum vfio_iopf_advice advice,
		  double *cost)
{
	uint64_t start = now_ns();

	if (viopf_advise(rig->c, advice, IOVA_MEMORY, costs->bytes, NULL))
		return complain("%s", viopf_error());
	*cost = per_page(costs, start);
	return 0;
}

static int unmap(struct rig *rig, const struct costs *costs, double *cost)
{
	uint64_t start = now_ns();

	if (viopf_unmap(rig->c, IOVA_MEMORY, costs->bytes, NULL))
		return complain("%s", viopf_error());
	*cost = per_page(costs, start);
	return 0;
}

/* Each time is measured on leaves that were made anew. */
static int ours_once(struct rig *rig, struct costs *costs, void *mem, unsigned int run)
{
	const enum vfio_iopf_advice prefetch = VFIO_IOPF_ADV_PREFETCH_WRITE;
	double ignored;

	if (touch(costs, mem) ||
	    rig_map(rig, mem, IOVA_MEMORY, costs->bytes) ||
	    advise(rig, costs, prefetch, &costs->prefetch[OURS][run]) ||
	    check_resident(rig, costs) ||
	    advise(rig, costs, VFIO_IOPF_ADV_EVICT, &costs->advised[run]) ||
	    advise(rig, costs, prefetch, &ignored) ||
	    unmap(rig, costs, &costs->unmap[OURS][run]) ||
	    rig_map(rig, mem, IOVA_MEMORY, costs->bytes) ||
	    advise(rig, costs, prefetch, &ignored) || check_resident(rig, costs) ||
	    dont_need(costs, mem, &costs->taken[run]))
		return -1;
	return unmap(rig, costs, &ignored);
}

static int type1_once(struct rig *rig, struct costs *costs, void *mem, unsigned int run)
{
	uint64_t start;

	if (touch(costs, mem))
		return -1;
	start = now_ns();
	if (rig_map(rig, mem, IOVA_MEMORY, costs->bytes))
		return -1;
	costs->prefetch[TYPE1][run] = per_page(costs, start);
	if (unmap(rig, costs, &costs->unmap[TYPE1][run]))
		return -1;
	return madvise(mem, costs->bytes, MADV_DONTNEED) ? complain("madvise failed") : 0;
}

static int with_backend(enum backend backend, struct costs *costs)
{
	void *mem = memory_get(costs->bytes, costs->kind);
	struct rig rig;
	unsigned int run;
	int err = 0;

	if (!mem || rig_open(&rig, EXTENSION(backend)))
		return -1;
	for (run = 0; run < costs->runs && !err; run++)
		err = backend == OURS ? ours_once(&rig, costs, mem, run) :
					type1_once(&rig, costs, mem, run);
	rig_close(&rig);
	munmap(mem, costs->bytes);
	return err;
}

static int without_vfio(struct costs *costs)
{
	void *mem = memory_get(costs->bytes, costs->kind);
	unsigned int run;
	int err = mem ? 0 : -1;

	for (run = 0; run < costs->runs && !err; run++)
		err = touch(costs, mem) ||
		      dont_need(costs, mem, &costs->taken_alone[run]) ? -1 : 0;
	if (mem)
		munmap(mem, costs->bytes);
	return err;
}

static json_object *report(struct result *to, const char *what, const char *kind,
			   const double *ours, double type1, unsigned int runs)
{
	double value = median(ours, runs);
	json_object *figure;
	char key[64];

	snprintf(key, sizeof(key), "%s.resident_%s", what, kind);
	figure = figure_add(to, key, "instr", value);
	put_number(figure, "ours", value);
	put_number(figure, "type1", type1);
	put_numbers(figure, "samples", ours, runs);
	return figure;
}

static void report_all(struct result *to, const struct costs *costs, const char *kind)
{
	double extra[MAX_RUNS], alone = median(costs->taken_alone, costs->runs);
	json_object *detail;
	unsigned int run;

	for (run = 0; run < costs->runs; run++)
		extra[run] = costs->taken[run] - alone;
	report(to, "prefetch", kind, costs->prefetch[OURS],
	       median(costs->prefetch[TYPE1], costs->runs), costs->runs);
	report(to, "unmap", kind, costs->unmap[OURS], median(costs->unmap[TYPE1], costs->runs),
	       costs->runs);
	detail = put_object(report(to, "evict", kind, extra, NAN, costs->runs), "detail");
	put_number(detail, "by_advice", median(costs->advised, costs->runs));
	put_number(detail, "dontneed_without_vfio", alone);
	put_number(detail, "dontneed", median(costs->taken, costs->runs));
}

static int measure(struct costs *costs)
{
	return without_vfio(costs) || with_backend(OURS, costs) || with_backend(TYPE1, costs) ?
	       -1 : 0;
}

static void report_in_order(struct result *to, const struct costs *costs)
{
	json_object *detail = put_object(put_object(to->figures, "prefetch.resident_4k"), "detail");

	detail = put_object(detail, "touched_in_order");
	put_number(detail, "ours_least", percentile(costs->prefetch[OURS], costs->runs, 0));
	put_number(detail, "ours_most", percentile(costs->prefetch[OURS], costs->runs, 100));
	put_number(detail, "type1_least", percentile(costs->prefetch[TYPE1], costs->runs, 0));
	put_number(detail, "type1_most", percentile(costs->prefetch[TYPE1], costs->runs, 100));
}

static int run(struct result *to, const struct options *opt)
{
	struct costs costs = { .runs = runs_of(opt, 5, 3), .bytes = (opt->quick ? 32 : 128) * MIB };

	if (costs.runs > MAX_RUNS)
		costs.runs = MAX_RUNS;
	costs.kind = MEMORY_THP;
	if (measure(&costs))
		return -1;
	report_all(to, &costs, "thp");
	/* In order first: what is freed then is free in that order. */
	costs.kind = MEMORY_4K;
	costs.in_order = true;
	if (measure(&costs))
		return -1;
	report_in_order(to, &costs);
	costs.in_order = false;
	if (measure(&costs))
		return -1;
	report_all(to, &costs, "4k");
	return 0;
}

const struct bench bench_resident = {
	.name = "resident",
	.what = "prefetch, unmap, evict: a page that is there, given to the device and taken away",
	.icount = true,
	.run = run,
};
