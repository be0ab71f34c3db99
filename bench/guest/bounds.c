// SPDX-License-Identifier: GPL-2.0-only
/*
 * bounds: how long the mm waits for a container, where there is very much of it
 * (docs/bounds.md). Three things that take memory away from a process, with it mapped and
 * resident for a device, over the same without VFIO:
 *
 *   evict    madvise(MADV_DONTNEED) of a page, and of the next one, each timed by itself: with a
 *            device that rests, and with one that writes to all of it meanwhile; and with
 *            type1, where the page stays pinned
 *   munmap   of a TiB with a page in each 64 MiB, and a huge one in each 16 GiB
 *   exit     of a process with as many mappings, of a page each, until it can be waited for
 *
 * In instructions. There is one CPU, and what others do on it meanwhile is counted: beside a
 * device at work the worst of a thousand is that the device has the CPU for its turn.
 */
#include <errno.h>
#include <linux/vfio_iopf.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

#define TIB		(1ul << 40)
#define SEGMENT		(64 * MIB)
#define SEGMENTS	(TIB / SEGMENT)
#define EVICTED		16384u		/* pages, one by one */
#define MAPPINGS	100000u
#define LIMIT		"110000"

enum with { WITH_NOTHING, WITH_TYPE1, WITH_OURS, WITH_WORK, NR_WITH };

static const char * const with_names[] = { "no_vfio", "type1", "ours", "ours_at_work" };

/* A device that writes to a range again and again. */
struct work {
	struct rig *rig;
	atomic_int stop;
	pthread_t thread;
	int err;
};

static void *work_on(void *arg)
{
	struct softdma_desc fill;
	struct work *work = arg;

	while (!atomic_load(&work->stop) && !work->err) {
		fill = sdma_fill(IOVA_MEMORY, EVICTED * PAGE, 1, 0);
		work->err = rig_do(&work->rig->dma.q[0], &fill, 1);
	}
	return NULL;
}

static int open_with(struct rig *rig, enum with with, void *mem, uint64_t bytes)
{
	if (with == WITH_NOTHING)
		return 0;
	if (rig_open(rig, with == WITH_TYPE1 ? VFIO_TYPE1v2_IOMMU : VFIO_IOPF_IOMMU) ||
	    rig_map(rig, mem, IOVA_MEMORY, bytes))
		return -1;
	return 0;
}

static int prefetch(struct rig *rig, uint64_t at, uint64_t bytes)
{
	if (viopf_advise(rig->c, VFIO_IOPF_ADV_PREFETCH_WRITE, IOVA_MEMORY + at, bytes, NULL))
		return complain("prefetch: %s", viopf_error());
	return 0;
}

/* Instructions for each page. */
static int evict_each(char *mem, double *cost)
{
	uint64_t start;
	unsigned int i;

	for (i = 0; i < EVICTED; i++) {
		start = now_ns();
		if (madvise(mem + i * PAGE, PAGE, MADV_DONTNEED))
			return complain("madvise: %s", strerror(errno));
		cost[i] = since_ns(start);
	}
	return 0;
}

static int evict_with(enum with with, double *cost)
{
	char *mem = memory_get(EVICTED * PAGE, MEMORY_4K);
	struct work work = { 0 };
	struct rig rig;
	int err;

	if (!mem || memory_touch(mem, EVICTED * PAGE, MEMORY_4K) ||
	    open_with(&rig, with, mem, EVICTED * PAGE) ||
	    (with >= WITH_OURS && prefetch(&rig, 0, EVICTED * PAGE)))
		return -1;
	work.rig = &rig;
	if (with == WITH_WORK && pthread_create(&work.thread, NULL, work_on, &work))
		return complain("no thread");
	err = evict_each(mem, cost);
	atomic_store(&work.stop, 1);
	if (with == WITH_WORK)
		pthread_join(work.thread, NULL);
	if (with != WITH_NOTHING)
		rig_close(&rig);
	munmap(mem, EVICTED * PAGE);
	return err ? err : work.err;
}

static int evict(struct result *to)
{
	static double cost[EVICTED];
	json_object *figure = NULL, *detail, *of;
	double p999[NR_WITH];
	enum with with;

	for (with = 0; with < NR_WITH; with++) {
		if (evict_with(with, cost))
			return -1;
		p999[with] = percentile(cost, EVICTED, 99.9);
		if (!figure)
			figure = put_object(to->figures, "bounds.evict");
		detail = put_object(figure, "detail");
		of = put_object(detail, with_names[with]);
		put_number(of, "p50", percentile(cost, EVICTED, 50));
		put_number(of, "p99", percentile(cost, EVICTED, 99));
		put_number(of, "p99_9", p999[with]);
		put_number(of, "most", percentile(cost, EVICTED, 100));
		printf("    evict, %s: p50 %.0f, p99 %.0f, p99.9 %.0f, most %.0f\n",
		       with_names[with], percentile(cost, EVICTED, 50),
		       percentile(cost, EVICTED, 99), p999[with], percentile(cost, EVICTED, 100));
	}
	figure_add(to, "bounds.evict", "ratio", p999[WITH_OURS] / p999[WITH_NOTHING]);
	return 0;
}

/* A page here and there: in both cases the CPU has it. */
static int scatter(char *mem, struct rig *rig)
{
	unsigned int i;

	for (i = 0; i < SEGMENTS; i++) {
		size_t bytes = i % 256 ? PAGE : BLOCK;

		if (bytes == BLOCK && madvise(mem + i * SEGMENT, bytes, MADV_HUGEPAGE))
			return complain("no huge pages");
		memset(mem + i * SEGMENT, 1, bytes);
		if (rig && prefetch(rig, i * SEGMENT, bytes))
			return -1;
	}
	return 0;
}

static int munmap_with(enum with with, double *cost)
{
	char *mem = memory_get(TIB, MEMORY_4K);
	struct rig rig;
	uint64_t start;

	if (!mem || open_with(&rig, with, mem, TIB) ||
	    scatter(mem, with == WITH_NOTHING ? NULL : &rig))
		return -1;
	start = now_ns();
	if (munmap(mem, TIB))
		return complain("munmap: %s", strerror(errno));
	*cost = since_ns(start);
	if (with != WITH_NOTHING)
		rig_close(&rig);
	return 0;
}

/* The child: one mapping for each page; says that it is ready, and waits for its end. */
static int be_mapped(enum with with, char *mem, int tell)
{
	struct rig rig;
	unsigned int i;

	if (with != WITH_NOTHING &&
	    rig_open(&rig, with == WITH_TYPE1 ? VFIO_TYPE1v2_IOMMU : VFIO_IOPF_IOMMU))
		return -1;
	for (i = 0; i < MAPPINGS && with != WITH_NOTHING; i++)
		if (rig_map(&rig, mem + i * PAGE, IOVA_MEMORY + i * PAGE, PAGE))
			return -1;
	if (with == WITH_OURS && prefetch(&rig, 0, MAPPINGS * PAGE))
		return -1;
	if (write(tell, "", 1) != 1)
		return -1;
	for (;;)
		pause();
}

static int exit_with(enum with with, double *cost)
{
	int tell[2], status;
	uint64_t start;
	pid_t pid;
	char ch;

	if (pipe(tell))
		return complain("no pipe");
	pid = fork();
	if (!pid) {
		char *mem = memory_get(MAPPINGS * PAGE, MEMORY_4K);

		if (mem && !memory_touch(mem, MAPPINGS * PAGE, MEMORY_4K))
			be_mapped(with, mem, tell[1]);
		_exit(1);
	}
	close(tell[1]);
	if (pid < 0 || read(tell[0], &ch, 1) != 1)
		return complain("%s: no process with so many mappings", with_names[with]);
	close(tell[0]);
	start = now_ns();
	kill(pid, SIGKILL);
	if (waitpid(pid, &status, 0) != pid)
		return complain("waitpid: %s", strerror(errno));
	*cost = since_ns(start);
	return 0;
}

/* Of some runs the median, with each; the figure is ours over no VFIO. */
static int compare(struct result *to, const char *key, unsigned int runs, bool type1,
		   int (*once)(enum with with, double *cost))
{
	double cost[WITH_OURS + 1] = { 0 }, of[16];
	json_object *figure, *detail;
	enum with with;
	unsigned int i;

	for (with = 0; with <= WITH_OURS; with++) {
		if (with == WITH_TYPE1 && !type1)
			continue;
		for (i = 0; i < runs; i++)
			if (once(with, &of[i]))
				return -1;
		cost[with] = median(of, runs);
		printf("    %s, %s: %.0f\n", key, with_names[with], cost[with]);
	}
	figure = figure_add(to, key, "ratio", cost[WITH_OURS] / cost[WITH_NOTHING]);
	detail = put_object(figure, "detail");
	for (with = 0; with <= WITH_OURS; with++)
		put_number(detail, with_names[with], cost[with] ? cost[with] : NAN);
	return 0;
}

static int run(struct result *to, const struct options *opt)
{
	unsigned int runs = runs_of(opt, 5, 1) % 16;

	if (file_write("/sys/module/vfio_iommu_iopf/parameters/dma_entry_limit", LIMIT) ||
	    file_write("/sys/module/vfio_iommu_type1/parameters/dma_entry_limit", LIMIT))
		return complain("can't have so many mappings");
	/* Nobody can pin a TiB. */
	return evict(to) || compare(to, "bounds.munmap", runs, false, munmap_with) ||
	       compare(to, "bounds.exit", runs, true, exit_with) ? -1 : 0;
}

const struct bench bench_bounds = {
	.name = "bounds",
	.what = "bounds: how long evictions, munmap() of a TiB, an exit with 100,000 mappings take",
	.icount = true,
	.apart = true,
	.run = run,
};
