// SPDX-License-Identifier: GPL-2.0-only
/*
 * mm.untouched: what a mapping costs its process where no device ever reaches: munmap(),
 * madvise(MADV_DONTNEED), fork() and mprotect() of memory that is mapped for a device
 * and was touched by the CPU alone, over the same without VFIO.
 *
 * The device is open and has used its rings, which are in the same process: so the mm
 * has notifiers, and each of these calls asks them. That costs the same for any size; it
 * is judged on 1 MiB and on 64 MiB, whichever is worse, and shown for less. A child does
 * not get the rings. fork() copies all of a process, and one that has a device open is
 * larger, whatever is mapped: so from each the cost of the same fork() without the memory
 * is taken off, and that of a process without VFIO put in its place.
 *
 * Of the runs the least counts: the others had a timer interrupt in them.
 *
 * Each measurement is made in a process of its own.
 */
#include <errno.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

#define MAX_RUNS	16
#define SIZES		5
#define JUDGED_FROM	3	/* index in sizes[] */

static const uint64_t sizes[SIZES] = { 4 * KIB, 16 * KIB, 128 * KIB, MIB, 64 * MIB };

enum operation { MPROTECT, FORK, DONTNEED, MUNMAP, OPERATIONS };

static const char * const names[OPERATIONS] = { "mprotect", "fork", "madvise", "munmap" };

enum with { WITH_OURS, WITH_TYPE1, WITH_NOTHING, NR_WITH };

/* Shared with the processes that measure. */
struct costs {
	double ns[NR_WITH][SIZES][OPERATIONS][MAX_RUNS];
	double empty_fork[NR_WITH][SIZES][MAX_RUNS];
};

static int fork_and_wait(double *ns)
{
	uint64_t start = now_ns();
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	*ns = since_ns(start);
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return complain("fork: %s", strerror(errno));
	return 0;
}

/* mprotect() once and back; the rest ends with the memory gone. */
static int operate(enum operation op, void *mem, size_t bytes, double *ns)
{
	uint64_t start;
	int err;

	if (op == FORK)
		return fork_and_wait(ns);
	start = now_ns();
	switch (op) {
	case MPROTECT:
		err = mprotect(mem, bytes, PROT_READ) ||
		      mprotect(mem, bytes, PROT_READ | PROT_WRITE);
		break;
	case DONTNEED:
		err = madvise(mem, bytes, MADV_DONTNEED);
		break;
	default:
		err = munmap(mem, bytes);
	}
	*ns = since_ns(start);
	return err ? complain("%s: %s", names[op], strerror(errno)) : 0;
}

static int measure_size(struct rig *rig, unsigned int size, unsigned int run,
			double (*ns)[MAX_RUNS], double *empty_fork)
{
	enum operation op;
	void *mem;

	if (fork_and_wait(empty_fork))
		return -1;
	mem = memory_get(sizes[size], MEMORY_4K);
	if (!mem || (rig && rig_map(rig, mem, IOVA_MEMORY, sizes[size])))
		return -1;
	for (op = 0; op < OPERATIONS; op++)
		if (memory_touch(mem, sizes[size], MEMORY_4K) ||
		    operate(op, mem, sizes[size], &ns[op][run]))
			return -1;
	if (rig && viopf_unmap(rig->c, IOVA_MEMORY, sizes[size], NULL))
		return complain("%s", viopf_error());
	return 0;
}

/* The rings are memory that the device does touch: not what fork() is measured on. */
static int keep_rings(struct rig *rig)
{
	size_t bytes = SOFTDMA_QUEUES * (sizeof(struct softdma_desc) << RING_LOG2);

	return madvise(rig->rings, bytes, MADV_DONTFORK) ? complain("no MADV_DONTFORK") : 0;
}

/* With one CPU, a child does not run before its parent waits for it. */
static int keep_cpu(void)
{
	const struct sched_param first = { .sched_priority = 1 };

	if (sched_setscheduler(0, SCHED_FIFO, &first))
		return complain("can't change how it is scheduled: %s", strerror(errno));
	return 0;
}

static int measure(enum with with, unsigned int run, struct costs *costs)
{
	struct rig rig, *there = with == WITH_NOTHING ? NULL : &rig;
	unsigned int size;

	if (keep_cpu())
		return -1;
	if (there && (rig_open(&rig, EXTENSION(with == WITH_OURS ? OURS : TYPE1)) ||
		      keep_rings(&rig)))
		return -1;
	for (size = 0; size < SIZES; size++)
		if (measure_size(there, size, run, costs->ns[with][size],
				 &costs->empty_fork[with][size][run]))
			return -1;
	if (there)
		rig_close(there);
	return 0;
}

static int measure_apart(enum with with, unsigned int run, struct costs *costs)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid)
		_exit(measure(with, run, costs) ? 1 : 0);
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return complain("no process: %s", strerror(errno));
	return status ? -1 : 0;
}

static double least(const double *values, unsigned int n)
{
	return percentile(values, n, 0);
}

static double cost_of(const struct costs *costs, enum with with, unsigned int size,
		      enum operation op, unsigned int runs)
{
	double cost = least(costs->ns[with][size][op], runs);

	if (op == FORK)
		cost += least(costs->empty_fork[WITH_NOTHING][size], runs) -
			least(costs->empty_fork[with][size], runs);
	return cost;
}

/* For one operation: a line over the sizes; returns the worst ratio that is judged. */
static double report_one(json_object *figure, const struct costs *costs, enum operation op,
			 unsigned int runs)
{
	double y[NR_WITH][SIZES], x[SIZES], worst = 0;
	json_object *plot, *detail = put_object(put_object(figure, "detail"), names[op]);
	char label[64];
	unsigned int i;
	enum with with;

	for (i = 0; i < SIZES; i++) {
		x[i] = (double)sizes[i];
		for (with = 0; with < NR_WITH; with++)
			y[with][i] = cost_of(costs, with, i, op, runs);
		if (i >= JUDGED_FROM)
			worst = fmax(worst, y[WITH_OURS][i] / y[WITH_NOTHING][i]);
	}
	put_number(detail, "ratio", worst);
	put_numbers(detail, "ours", y[WITH_OURS], SIZES);
	put_numbers(detail, "type1", y[WITH_TYPE1], SIZES);
	put_numbers(detail, "no_vfio", y[WITH_NOTHING], SIZES);
	snprintf(label, sizeof(label), "instructions for %s", names[op]);
	plot = plot_add(figure, "size (bytes)", label, true, true, x, SIZES);
	plot_series(plot, SERIES_OURS, y[WITH_OURS], SIZES);
	plot_series(plot, SERIES_TYPE1, y[WITH_TYPE1], SIZES);
	plot_series(plot, SERIES_NONE, y[WITH_NOTHING], SIZES);
	return worst;
}

static int run(struct result *to, const struct options *opt)
{
	unsigned int runs = runs_of(opt, 5, 3) % MAX_RUNS, i;
	double worst = 0, ratios[OPERATIONS];
	struct costs *costs = mmap(NULL, sizeof(*costs), PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	json_object *figure;
	enum operation op;
	enum with with;

	if (costs == MAP_FAILED)
		return complain("no memory");
	for (i = 0; i < runs; i++)
		for (with = 0; with < NR_WITH; with++)
			if (measure_apart(with, i, costs))
				return -1;
	figure = put_object(to->figures, "mm.untouched");
	for (op = 0; op < OPERATIONS; op++) {
		ratios[op] = report_one(figure, costs, op, runs);
		worst = fmax(worst, ratios[op]);
	}
	figure_add(to, "mm.untouched", "ratio", worst);
	put_numbers(figure, "samples", ratios, OPERATIONS);
	munmap(costs, sizeof(*costs));
	return 0;
}

const struct bench bench_mm_untouched = {
	.name = "mm_untouched",
	.what = "mm.untouched: munmap, madvise, fork, mprotect of mapped memory no device touched",
	.icount = true,
	.run = run,
};
