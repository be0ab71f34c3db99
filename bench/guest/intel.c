// SPDX-License-Identifier: GPL-2.0-only
/*
 * intel.*: on Linux's Intel driver, in QEMU, with a device of QEMU's.
 *
 *	fault		a page request for a page that the CPU has: from the interrupt to the
 *			response, by the driver's tracepoints (trace.c)
 *	cold		a device writes never-touched memory in order: what all CPU work for
 *			that is, relative to type1's, MAP_DMA included
 *	flushes_*	invalidations of the IOMMU's and the device's TLBs, for each 4 KiB page
 *			taken away: by UNMAP_DMA, by the mm (MADV_DONTNEED), and by reclaim, page
 *			by page (MADV_PAGEOUT, in the detail)
 *
 * The device is not the guest's to run, and how long it takes is the host's matter. So what
 * is counted is the CPU's work: the time of the machine's one CPU without what the thread
 * that waits for the device takes of it. What taking away costs in instructions, and
 * copying over resident memory, is measured on this machine as on others (resident.c,
 * hot.c).
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "bench.h"

#define MAX_RUNS	8
#define STRIDE		64u	/* pages between two of fault's */
#define NR_FAULTS	512u
#define FAULT_BYTES	(NR_FAULTS * STRIDE * PAGE)
#define FLUSH_BYTES	(32 * MIB)

static double own_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

/* fault */

static int fault_once(struct rig *rig, struct trace *trace)
{
	uint64_t *pages = random_pages(NR_FAULTS, NR_FAULTS, 0x5eed);
	struct vfio_iopf_stats before, after;
	unsigned int i;
	int err;

	if (!pages)
		return -1;
	for (i = 0; i < NR_FAULTS; i++)
		pages[i] = pages[i] * STRIDE + 1;
	err = viopf_stats(rig->c, &before) || trace_begin() ||
	      device_write_pages(rig, pages, NR_FAULTS, NULL) || trace_end(trace) ||
	      viopf_stats(rig->c, &after) ? -1 : 0;
	free(pages);
	if (!err && (trace->nr_faults != NR_FAULTS ||
		     after.pages_mapped - before.pages_mapped != NR_FAULTS))
		return complain("%u page requests, %u responses, %llu pages mapped", NR_FAULTS,
				trace->nr_faults, after.pages_mapped - before.pages_mapped);
	return err;
}

static int fault(struct result *to)
{
	void *source, *mem = memory_get(FAULT_BYTES, MEMORY_4K);
	static struct trace trace;
	json_object *figure, *detail;
	struct rig rig;
	int err;

	if (!mem || memory_touch(mem, FAULT_BYTES, MEMORY_4K) ||
	    device_open(&rig, OURS, &source) || rig_map(&rig, mem, IOVA_MEMORY, FAULT_BYTES))
		return -1;
	err = fault_once(&rig, &trace);
	rig_close(&rig);
	munmap(mem, FAULT_BYTES);
	munmap(source, BLOCK);
	if (err)
		return err;
	figure = figure_add(to, "intel.fault", "instr", median(trace.faults, NR_FAULTS));
	put_number(figure, "ours", median(trace.faults, NR_FAULTS));
	put_numbers(figure, "samples", trace.faults, 64);
	detail = put_object(figure, "detail");
	put_number(detail, "faults", NR_FAULTS);
	put_number(detail, "p99_instr", percentile(trace.faults, NR_FAULTS, 99));
	put_number(detail, "iotlb_invalidations", trace.iotlb);
	put_number(detail, "device_tlb_invalidations", trace.device);
	return 0;
}

/* cold */

struct cold {
	uint64_t bytes;
	unsigned int runs;
	double work[BACKENDS][MAX_RUNS];	/* per page */
	struct vfio_iopf_stats stats;
};

static int cold_once(struct rig *rig, enum backend backend, void *what, unsigned int run)
{
	struct cold *cold = what;
	double *work = &cold->work[backend][run];
	void *mem = memory_get(cold->bytes, MEMORY_4K);
	double pass = 0, own;
	uint64_t start;
	int err;

	if (!mem)
		return -1;
	start = now_ns();
	if (rig_map(rig, mem, IOVA_MEMORY, cold->bytes))
		return -1;
	*work = since_ns(start);
	own = own_ns();
	err = device_write_range(rig, IOVA_MEMORY, cold->bytes, &pass);
	*work += pass - (own_ns() - own);
	*work /= (double)(cold->bytes / PAGE);
	if (viopf_unmap(rig->c, IOVA_MEMORY, cold->bytes, NULL) ||
	    (backend == OURS && viopf_stats(rig->c, &cold->stats)))
		err = complain("%s", viopf_error());
	munmap(mem, cold->bytes);
	return err;
}

static int cold(struct result *to, const struct options *opt)
{
	static struct cold cold;
	double samples[MAX_RUNS], type1;
	json_object *figure;
	unsigned int run;

	cold.bytes = (opt->quick ? 64 : 256) * MIB;
	cold.runs = runs_of(opt, 3, 1) % MAX_RUNS;
	if (device_runs(TYPE1, cold.runs, cold_once, &cold) ||
	    device_runs(OURS, cold.runs, cold_once, &cold))
		return -1;
	type1 = median(cold.work[TYPE1], cold.runs);
	for (run = 0; run < cold.runs; run++)
		samples[run] = cold.work[OURS][run] / type1;
	figure = figure_add(to, "intel.cold", "ratio", median(samples, cold.runs));
	put_number(figure, "ours", median(cold.work[OURS], cold.runs));
	put_number(figure, "type1", type1);
	put_numbers(figure, "samples", samples, cold.runs);
	put_text(put_object(figure, "detail"), "ours_and_type1_are", "instructions per page");
	put_stats(put_object(put_object(figure, "detail"), "counters_of_all_runs"), &cold.stats);
	return 0;
}

/* flushes */

enum taking { BY_UNMAP, BY_DONTNEED, BY_PAGEOUT, BY_ADVICE, TAKINGS };

static const char * const taking_names[] = { "unmap", "dontneed", "pageout", "advice" };

struct flushes {
	enum memory_kind kind;
	double made[BACKENDS];			/* as the memory was made resident */
	double taken[BACKENDS][TAKINGS];	/* per 4 KiB; NAN: type1 can't */
};

static double per_page(const struct trace *trace)
{
	return (trace->iotlb + trace->device) / (double)(FLUSH_BYTES / PAGE);
}

static int take(struct rig *rig, void *mem, enum taking taking)
{
	switch (taking) {
	case BY_DONTNEED:
		return madvise(mem, FLUSH_BYTES, MADV_DONTNEED);
	case BY_PAGEOUT:
		return madvise(mem, FLUSH_BYTES, MADV_PAGEOUT);
	case BY_ADVICE:
		return viopf_advise(rig->c, VFIO_IOPF_ADV_EVICT, IOVA_MEMORY, FLUSH_BYTES, NULL);
	default:
		return viopf_unmap(rig->c, IOVA_MEMORY, FLUSH_BYTES, NULL);
	}
}

/* The device has been through it: it has translations to lose. */
static int make(struct rig *rig, enum backend backend, void *mem)
{
	if (rig_map(rig, mem, IOVA_MEMORY, FLUSH_BYTES))
		return -1;
	if (backend == OURS && viopf_advise(rig->c, VFIO_IOPF_ADV_PREFETCH_WRITE, IOVA_MEMORY,
					    FLUSH_BYTES, NULL))
		return complain("%s", viopf_error());
	return 0;
}

static int flushes_once(struct rig *rig, enum backend backend, void *what, unsigned int taking)
{
	struct flushes *flushes = what;
	static struct trace trace;
	void *mem;

	flushes->taken[backend][taking] = NAN;
	if (backend != OURS && taking != BY_UNMAP)
		return 0;
	mem = memory_get(FLUSH_BYTES, flushes->kind);
	if (!mem || memory_touch(mem, FLUSH_BYTES, flushes->kind) || trace_begin() ||
	    make(rig, backend, mem) || trace_end(&trace))
		return -1;
	flushes->made[backend] = per_page(&trace);
	if (device_write_range(rig, IOVA_MEMORY, FLUSH_BYTES, NULL) || trace_begin())
		return -1;
	if (take(rig, mem, taking))
		return complain("%s failed", taking_names[taking]);
	if (trace_end(&trace))
		return -1;
	flushes->taken[backend][taking] = per_page(&trace);
	if (taking != BY_UNMAP && viopf_unmap(rig->c, IOVA_MEMORY, FLUSH_BYTES, NULL))
		return complain("%s", viopf_error());
	munmap(mem, FLUSH_BYTES);
	return 0;
}

static void report(struct result *to, const char *key, const struct flushes *flushes,
		   enum taking taking)
{
	double ours = flushes->taken[OURS][taking];
	json_object *figure, *detail;
	unsigned int i;

	figure = figure_add(to, key, "per page", ours);
	put_number(figure, "ours", ours);
	put_number(figure, "type1", flushes->taken[TYPE1][taking]);
	put_numbers(figure, "samples", &ours, 1);
	detail = put_object(figure, "detail");
	put_number(detail, "making_it_resident", flushes->made[OURS]);
	put_number(detail, "making_it_resident_type1", flushes->made[TYPE1]);
	for (i = 0; i < TAKINGS; i++)
		put_number(detail, taking_names[i], flushes->taken[OURS][i]);
}

static int flushes(struct result *to, enum memory_kind kind, const char *unmap, const char *evict)
{
	struct flushes flushes = { .kind = kind };

	if (device_runs(TYPE1, TAKINGS, flushes_once, &flushes) ||
	    device_runs(OURS, TAKINGS, flushes_once, &flushes))
		return -1;
	report(to, unmap, &flushes, BY_UNMAP);
	report(to, evict, &flushes, BY_DONTNEED);
	return 0;
}

static int run(struct result *to, const struct options *opt)
{
	return fault(to) || cold(to, opt) ||
	       flushes(to, MEMORY_4K, "intel.flushes_unmap_4k", "intel.flushes_evict_4k") ||
	       flushes(to, MEMORY_THP, "intel.flushes_unmap_thp", "intel.flushes_evict_thp") ?
	       -1 : 0;
}

const struct bench bench_intel = {
	.name = "intel",
	.what = "intel: a fault, first touch and invalidations on Linux's Intel driver",
	.icount = true,
	.run = run,
};
