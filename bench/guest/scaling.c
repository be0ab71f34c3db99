// SPDX-License-Identifier: GPL-2.0-only
/*
 * scaling.*: how many page requests a second are answered with two CPUs, over how many
 * with one. The second CPU is taken offline for that; all else is the same: all queues
 * fault at the same time, on pages that the CPU has, taken at random. Each in a segment
 * of its own (scaling.segments), or all in one (scaling.one_segment). There are more
 * queues than CPUs as each waits for its own answers: a CPU should not have to be idle.
 *
 * Rounds with one and with two CPUs take turns. A busy host only ever takes away, so the
 * rate is that of the best round; ratios of neighbouring rounds are the samples. How
 * parallel the CPUs really were is measured too, in each round, by threads that only
 * count: if they get no further with two CPUs, nothing can.
 */
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "bench.h"

#define QUEUES		((unsigned int)SOFTDMA_QUEUES)
#define SEGMENT		(64 * MIB)
#define BYTES		(QUEUES * SEGMENT)
#define STRIDE		16u	/* pages from one to the next, for each queue */
#define PAGES_OF_QUEUE	((unsigned int)(SEGMENT / PAGE / STRIDE))
#define BATCH		PAGES_OF_QUEUE	/* by one doorbell; the ring has room for it */
#define MAX_ROUNDS	32
#define CPUS		2u
#define COUNT_NS	50000000ull

#define SECOND_CPU	"/sys/devices/system/cpu/cpu1/online"

struct scaling {
	struct rig rig;
	uint64_t *order;
	unsigned int rounds;
	double rate[CPUS][MAX_ROUNDS];	/* faults per second, by CPUs - 1 */
	double counted[CPUS][MAX_ROUNDS];	/* by threads that only count */
};

/* In one segment the queues' pages lie between each other's. */
static uint64_t page_of(unsigned int q, uint64_t nr, bool one_segment)
{
	if (one_segment)
		return nr * STRIDE + q * STRIDE / QUEUES;
	return nr * STRIDE + q * (SEGMENT / PAGE);
}

static int batch(struct scaling *s, unsigned int from, bool one_segment)
{
	static struct softdma_desc descs[BATCH];
	unsigned int q, i;

	for (q = 0; q < QUEUES; q++) {
		for (i = 0; i < BATCH; i++)
			descs[i] = sdma_atomic_add(IOVA_MEMORY + PAGE *
					page_of(q, s->order[from + i], one_segment), 0);
		if (sdma_submit(&s->rig.dma.q[q], descs, BATCH))
			return complain("queue %u takes no more", q);
	}
	for (q = 0; q < QUEUES; q++)
		if (await_asleep(&s->rig.dma.q[q], &descs[0]))
			return -1;
	return 0;
}

static int measure(struct scaling *s, bool one_segment, double *rate)
{
	struct vfio_iopf_stats before, after;
	unsigned int done;
	uint64_t start;

	if (viopf_advise(s->rig.c, VFIO_IOPF_ADV_EVICT, IOVA_MEMORY, BYTES, NULL) ||
	    viopf_stats(s->rig.c, &before))
		return complain("%s", viopf_error());
	start = now_ns();
	for (done = 0; done < PAGES_OF_QUEUE; done += BATCH)
		if (batch(s, done, one_segment))
			return -1;
	if (viopf_stats(s->rig.c, &after))
		return complain("%s", viopf_error());
	*rate = (double)(after.groups - before.groups) * 1e9 / since_ns(start);
	return 0;
}

static int use_cpus(unsigned int n)
{
	if (file_write(SECOND_CPU, n > 1 ? "1" : "0"))
		return complain("can't switch the second CPU %s", n > 1 ? "on" : "off");
	return 0;
}

static void *count(void *arg)
{
	uint64_t until = now_ns() + COUNT_NS;
	volatile uint64_t n = 0;
	unsigned int i;

	while (now_ns() < until)
		for (i = 0; i < 10000; i++)
			n++;
	*(double *)arg = (double)n;
	return NULL;
}

/* How far as many threads as there may be CPUs get at the same time. */
static int count_all(double *counted)
{
	pthread_t threads[CPUS];
	double n[CPUS];
	unsigned int i;

	*counted = 0;
	for (i = 0; i < CPUS; i++)
		if (pthread_create(&threads[i], NULL, count, &n[i]))
			return complain("no thread");
	for (i = 0; i < CPUS; i++) {
		pthread_join(threads[i], NULL);
		*counted += n[i];
	}
	return 0;
}

static int measure_all(struct scaling *s, bool one_segment)
{
	unsigned int round, cpus;

	for (round = 0; round < s->rounds; round++)
		for (cpus = CPUS; cpus >= 1; cpus--)
			if (use_cpus(cpus) || measure(s, one_segment, &s->rate[cpus - 1][round]) ||
			    count_all(&s->counted[cpus - 1][round]))
				return -1;
	return use_cpus(CPUS);
}

static double best(const double *rates, unsigned int n)
{
	return percentile(rates, n, 100);
}

static void report(struct result *to, const struct scaling *s, const char *key)
{
	double x[CPUS] = { 1, 2 }, y[CPUS], ratios[MAX_ROUNDS];
	json_object *figure, *detail, *plot;
	unsigned int i;

	for (i = 0; i < s->rounds; i++)
		ratios[i] = s->rate[1][i] / s->rate[0][i];
	for (i = 0; i < CPUS; i++)
		y[i] = best(s->rate[i], s->rounds);
	figure = figure_add(to, key, "times", y[1] / y[0]);
	put_number(figure, "ours", y[1]);
	put_numbers(figure, "samples", ratios, s->rounds);
	detail = put_object(figure, "detail");
	put_text(detail, "ours_is", "faults per second with two CPUs");
	put_number(detail, "one_cpu_faults_s", y[0]);
	put_number(detail, "two_cpus_median_faults_s", median(s->rate[1], s->rounds));
	put_number(detail, "one_cpu_median_faults_s", median(s->rate[0], s->rounds));
	put_number(detail, "counting_two_cpus_over_one",
		   best(s->counted[1], s->rounds) / best(s->counted[0], s->rounds));
	put_number(detail, "counting_median_two_cpus_over_one",
		   median(s->counted[1], s->rounds) / median(s->counted[0], s->rounds));
	plot = plot_add(figure, "CPUs", "page requests answered per second", false, false, x, CPUS);
	plot_series(plot, SERIES_OURS, y, CPUS);
}

static int run(struct result *to, const struct options *opt)
{
	void *mem = memory_get(BYTES, MEMORY_4K);
	static struct scaling s;
	double warm;

	s.order = random_pages(PAGES_OF_QUEUE, PAGES_OF_QUEUE, 0x5eed);
	s.rounds = runs_of(opt, 15, 5);
	if (s.rounds > MAX_ROUNDS)
		s.rounds = MAX_ROUNDS;
	if (!s.order || !mem || memory_touch(mem, BYTES, MEMORY_4K) ||
	    rig_open(&s.rig, VFIO_IOPF_IOMMU) || rig_map(&s.rig, mem, IOVA_MEMORY, BYTES) ||
	    measure(&s, false, &warm) || measure_all(&s, false))
		return -1;
	report(to, &s, "scaling.segments");
	if (measure_all(&s, true))
		return -1;
	report(to, &s, "scaling.one_segment");
	rig_close(&s.rig);
	free(s.order);
	return 0;
}

const struct bench bench_scaling = {
	.name = "scaling",
	.what = "scaling.*: page requests answered by two CPUs, over one",
	.run = run,
};
