// SPDX-License-Identifier: GPL-2.0-only
/*
 * hot.throughput_*: the device copies between two buffers that are resident and that it
 * has been through before. Nothing faults; the only thing that can differ between the
 * backends is the IOMMU's page table. The buffers are larger than the IOTLB reaches, so
 * the table is walked.
 *
 * hot.instructions_* (hot_instructions.c) counts the same, and says whether there is a
 * difference. This one says whether it shows in time, on a host whose speed changes by
 * several percent from one second to the next, and depends on where in memory a page
 * table happens to lie. So
 *
 *  - both backends are at work at the same time, each with a device, on the same pages and
 *    addresses; they take turns at chunks of less than a millisecond, so that what the host does
 *    hits both; who is first changes with each chunk;
 *  - all of it happens on one CPU, the other is taken offline: the devices are threads, and
 *    where two CPUs are emulated by threads of a busy host, a device may have the faster of
 *    them for minutes;
 *  - two such chunks make a pair, and its ratio is one observation. A round opens the
 *    devices, goes through all once, and then several times more in pairs. What disturbs
 *    one chunk of a pair makes an outlier in either direction, so a round's result is the
 *    median of its pairs;
 *  - where page tables and IOTLBs lie in memory makes one side some percent faster for as
 *    long as they lie there, at random. So there are many rounds, each with new page tables
 *    and the devices exchanged; a round and the next, with each device on either side
 *    once, make one sample (their geometric mean). The figure is the median of the samples;
 *    how far it is to be trusted is in the detail, as its standard error.
 */
#include <math.h>
#include <sys/mman.h>

#include "bench.h"

#define MAX_ROUNDS	128
#define PASSES		5
#define CHUNK		(256 * KIB)	/* less than a millisecond */
#define CHUNK_INTEL	(4 * MIB)	/* the device is a thread of QEMU's, which has to wake up */
#define MAX_CHUNKS	256

#define SECOND_CPU	"/sys/devices/system/cpu/cpu1/online"

struct hot {
	size_t bytes, chunk;	/* of a buffer, and of what is copied at a time */
	char *mem;		/* the source, and the destination after it */
	unsigned int rounds;
	struct rig rigs[BACKENDS];
	double ns[BACKENDS][(PASSES + 1) * MAX_CHUNKS];	/* chunks of a round, in order */
	double pass_ns[BACKENDS][PASSES + 1][MAX_ROUNDS];	/* the first has all mapped */
	double ratios[MAX_ROUNDS];
	struct vfio_iopf_stats stats;
};

static unsigned int chunks(const struct hot *hot)
{
	return (unsigned int)(hot->bytes / hot->chunk);
}

static int copy(struct hot *hot, enum backend backend, unsigned int chunk, double *ns)
{
	uint64_t from = IOVA_MEMORY + chunk * hot->chunk;
	struct softdma_desc desc = sdma_copy(from + hot->bytes, from, hot->chunk);

	return timed(&hot->rigs[backend].dma.q[0], &desc, 1, ns);
}

/* Both backends, chunk by chunk. */
static int pass(struct hot *hot, unsigned int nr, unsigned int round)
{
	double *ours = hot->ns[OURS] + nr * chunks(hot);
	double *type1 = hot->ns[TYPE1] + nr * chunks(hot);
	unsigned int i;
	int err;

	for (i = 0; i < chunks(hot); i++) {
		if ((i + nr) % 2)
			err = copy(hot, TYPE1, i, &type1[i]) || copy(hot, OURS, i, &ours[i]);
		else
			err = copy(hot, OURS, i, &ours[i]) || copy(hot, TYPE1, i, &type1[i]);
		if (err)
			return -1;
	}
	hot->pass_ns[OURS][nr][round] = median(ours, chunks(hot)) * chunks(hot);
	hot->pass_ns[TYPE1][nr][round] = median(type1, chunks(hot)) * chunks(hot);
	return 0;
}

/* Of all pairs but those of the first pass. */
static double median_pair(const struct hot *hot)
{
	static double ratios[PASSES * MAX_CHUNKS];
	unsigned int n = PASSES * chunks(hot), from = chunks(hot), i;

	for (i = 0; i < n; i++)
		ratios[i] = hot->ns[TYPE1][from + i] / hot->ns[OURS][from + i];
	return median(ratios, n);
}

static int do_round(struct hot *hot, unsigned int round)
{
	enum backend backend;
	unsigned int i;

	for (backend = 0; backend < BACKENDS; backend++)
		if (rig_open_device(&hot->rigs[backend], EXTENSION(backend),
				    (backend + round) % BACKENDS) ||
		    rig_map(&hot->rigs[backend], hot->mem, IOVA_MEMORY, 2 * hot->bytes))
			return -1;
	for (i = 0; i <= PASSES; i++)
		if (pass(hot, i, round))
			return -1;
	hot->ratios[round] = median_pair(hot);
	if (viopf_stats(hot->rigs[OURS].c, &hot->stats))
		return complain("%s", viopf_error());
	for (backend = 0; backend < BACKENDS; backend++)
		rig_close(&hot->rigs[backend]);
	return 0;
}

/* The median of pass @nr of all rounds. */
static double median_pass(const struct hot *hot, enum backend backend, unsigned int nr)
{
	return median(hot->pass_ns[backend][nr], hot->rounds);
}

/* And of all passes but the first. */
static double median_of_all(const struct hot *hot, enum backend backend)
{
	double ns[PASSES];
	unsigned int i;

	for (i = 0; i < PASSES; i++)
		ns[i] = median_pass(hot, backend, i + 1);
	return median(ns, PASSES);
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

/* Of the median of values whose scatter is told by its quartiles, as if they were normal. */
static double standard_error(const double *values, unsigned int n)
{
	double quartiles = percentile(values, n, 75) - percentile(values, n, 25);

	return 1.2533 * quartiles / 1.349 / sqrt(n);
}

static void report(struct hot *hot, struct result *to, const char *key)
{
	unsigned int nr_samples = hot->rounds / 2, i;
	double samples[MAX_ROUNDS / 2];
	json_object *figure, *detail;

	for (i = 0; i < nr_samples; i++)
		samples[i] = sqrt(hot->ratios[2 * i] * hot->ratios[2 * i + 1]);
	figure = figure_add(to, key, "ratio", median(samples, nr_samples));
	put_number(figure, "ours", mb_s(hot, median_of_all(hot, OURS)));
	put_number(figure, "type1", mb_s(hot, median_of_all(hot, TYPE1)));
	put_numbers(figure, "samples", samples, nr_samples);
	detail = put_object(figure, "detail");
	put_number(detail, "standard_error", standard_error(samples, nr_samples));
	put_numbers(detail, "rounds", hot->ratios, hot->rounds);
	put_text(detail, "ours_and_type1_are", "MB/s");
	put_number(detail, "buffer_bytes", (double)hot->bytes);
	put_number(detail, "pairs_in_a_round", PASSES * chunks(hot));
	put_medians(hot, detail, "ours_median_passes_mb_s", OURS);
	put_medians(hot, detail, "type1_median_passes_mb_s", TYPE1);
	put_stats(put_object(detail, "stats_last_round"), &hot->stats);
	passes_plot(hot, figure);
}

/* Of @as its sizes and the number of its rounds count. */
static int measure(struct result *to, const struct hot *as, const char *key,
		   enum memory_kind kind)
{
	static struct hot hot;
	unsigned int i;

	hot.bytes = as->bytes;
	hot.chunk = as->chunk;
	hot.rounds = as->rounds;
	if (hot.rounds > MAX_ROUNDS)
		hot.rounds = MAX_ROUNDS;
	hot.mem = memory_get(2 * hot.bytes, kind);
	if (!hot.mem || memory_touch(hot.mem, 2 * hot.bytes, kind))
		return -1;
	for (i = 0; i < hot.rounds; i++)
		if (do_round(&hot, i))
			return -1;
	report(&hot, to, key);
	munmap(hot.mem, 2 * hot.bytes);
	return 0;
}

static int both_kinds(struct result *to, const struct hot *as, const char *small,
		      const char *huge)
{
	int err;

	if (patience())
		return -1;
	if (file_write(SECOND_CPU, "0"))
		return complain("can't switch the second CPU off");
	err = measure(to, as, small, MEMORY_4K) || measure(to, as, huge, MEMORY_THP) ? -1 : 0;
	file_write(SECOND_CPU, "1");
	return err;
}

static int run(struct result *to, const struct options *opt)
{
	static struct hot as;

	as.bytes = opt->quick ? 16 * MIB : 64 * MIB;
	as.chunk = CHUNK;
	as.rounds = 2 * runs_of(opt, 30, 12);
	return both_kinds(to, &as, "hot.throughput_4k", "hot.throughput_thp");
}

/* A device of QEMU's keeps all of its translations, so a few rounds are enough. */
static int run_intel(struct result *to, const struct options *opt)
{
	static struct hot as;

	as.bytes = 64 * MIB;
	as.chunk = CHUNK_INTEL;
	as.rounds = 2 * runs_of(opt, 10, 4);
	return both_kinds(to, &as, "intel.hot_4k", "intel.hot_thp");
}

const struct bench bench_hot = {
	.name = "hot",
	.what = "hot.throughput: copying over resident memory, again and again",
	.run = run,
};

const struct bench bench_hot_intel = {
	.name = "hot_intel",
	.what = "intel.hot: the same on Linux's Intel driver",
	.run = run_intel,
};
