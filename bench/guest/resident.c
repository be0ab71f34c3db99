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
 * prefetch.resident_4k is about memory that nobody has had before, touched in order, as
 * it is when a guest starts. prefetch.scattered_4k, and all that is said of taking away,
 * is about pages touched in an order of chance, as a machine has them that has run for
 * long: each of them is a call of iommu_map() then.
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
};

#define IN_ORDER_RUNS	3u
#define IN_ORDER_BYTES	(32 * MIB)

static int touch(const struct costs *costs, char *mem)
{
	unsigned int nr = (unsigned int)(costs->bytes / PAGE), i;
	uint64_t *pages = NULL;

	if (costs->kind == MEMORY_4K) {
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

static json_object *report(struct result *to, const char *key, const double *ours,
			   double type1, unsigned int runs)
{
	double value = median(ours, runs);
	json_object *figure;

	figure = figure_add(to, key, "instr", value);
	put_number(figure, "ours", value);
	put_number(figure, "type1", type1);
	put_numbers(figure, "samples", ours, runs);
	return figure;
}

/* The keys of the figures that are told of one kind of memory. */
struct keys {
	const char *prefetch, *unmap, *evict;
};

static void report_all(struct result *to, const struct costs *costs, const struct keys *keys)
{
	double extra[MAX_RUNS], alone = median(costs->taken_alone, costs->runs);
	json_object *detail;
	unsigned int run;

	for (run = 0; run < costs->runs; run++)
		extra[run] = costs->taken[run] - alone;
	report(to, keys->prefetch, costs->prefetch[OURS],
	       median(costs->prefetch[TYPE1], costs->runs), costs->runs);
	report(to, keys->unmap, costs->unmap[OURS], median(costs->unmap[TYPE1], costs->runs),
	       costs->runs);
	detail = put_object(report(to, keys->evict, extra, NAN, costs->runs), "detail");
	put_number(detail, "by_advice", median(costs->advised, costs->runs));
	put_number(detail, "dontneed_without_vfio", alone);
	put_number(detail, "dontneed", median(costs->taken, costs->runs));
}

static int measure(struct costs *costs)
{
	return without_vfio(costs) || with_backend(OURS, costs) || with_backend(TYPE1, costs) ?
	       -1 : 0;
}

/* Memory is not given back between the runs, so that each has some that is new. */
static int in_order_once(struct rig *rig, enum backend backend, char *mem, double *cost)
{
	const struct costs costs = { .bytes = IN_ORDER_BYTES };
	uint64_t start;

	if (memory_touch(mem, IN_ORDER_BYTES, MEMORY_4K))
		return -1;
	start = now_ns();
	if (rig_map(rig, mem, IOVA_MEMORY, IN_ORDER_BYTES))
		return -1;
	*cost = per_page(&costs, start);
	if (backend == OURS && (advise(rig, &costs, VFIO_IOPF_ADV_PREFETCH_WRITE, cost) ||
				check_resident(rig, &costs)))
		return -1;
	return unmap(rig, &costs, &(double){ 0 });
}

static int in_order_with(enum backend backend, char *mem, double *cost)
{
	struct rig rig;
	unsigned int run;
	int err = 0;

	if (rig_open(&rig, EXTENSION(backend)))
		return -1;
	for (run = 0; run < IN_ORDER_RUNS && !err; run++)
		err = in_order_once(&rig, backend, mem + run * IN_ORDER_BYTES, &cost[run]);
	rig_close(&rig);
	return err;
}

static int in_order(struct result *to)
{
	const uint64_t bytes = IN_ORDER_RUNS * IN_ORDER_BYTES;
	double cost[BACKENDS][IN_ORDER_RUNS];
	char *mem = memory_get(BACKENDS * bytes, MEMORY_4K);

	if (!mem || in_order_with(OURS, mem, cost[OURS]) ||
	    in_order_with(TYPE1, mem + bytes, cost[TYPE1]))
		return -1;
	report(to, "prefetch.resident_4k", cost[OURS], median(cost[TYPE1], IN_ORDER_RUNS),
	       IN_ORDER_RUNS);
	munmap(mem, BACKENDS * bytes);
	return 0;
}

static int both_kinds(struct result *to, const struct options *opt, const struct keys *thp,
		      const struct keys *scattered)
{
	struct costs costs = { .runs = runs_of(opt, 5, 3), .bytes = (opt->quick ? 32 : 128) * MIB };

	if (costs.runs > MAX_RUNS)
		costs.runs = MAX_RUNS;
	costs.kind = MEMORY_THP;
	if (measure(&costs))
		return -1;
	report_all(to, &costs, thp);
	costs.kind = MEMORY_4K;
	if (measure(&costs))
		return -1;
	report_all(to, &costs, scattered);
	return 0;
}

static int run(struct result *to, const struct options *opt)
{
	static const struct keys thp = {
		"prefetch.resident_thp", "unmap.resident_thp", "evict.resident_thp",
	}, scattered = {
		"prefetch.scattered_4k", "unmap.resident_4k", "evict.resident_4k",
	};

	/* In order first, while memory is as it was at boot. */
	return in_order(to) || both_kinds(to, opt, &thp, &scattered) ? -1 : 0;
}

static int run_intel(struct result *to, const struct options *opt)
{
	static const struct keys thp = {
		"intel.prefetch_thp", "intel.unmap_thp", "intel.evict_thp",
	}, scattered = {
		"intel.prefetch_4k", "intel.unmap_4k", "intel.evict_4k",
	};

	return both_kinds(to, opt, &thp, &scattered);
}

const struct bench bench_resident = {
	.name = "resident",
	.what = "prefetch, unmap, evict: a page that is there, given to the device and taken away",
	.icount = true,
	.run = run,
};

const struct bench bench_resident_intel = {
	.name = "resident_intel",
	.what = "intel.prefetch, unmap, evict: the same on Linux's Intel driver",
	.icount = true,
	.run = run_intel,
};
