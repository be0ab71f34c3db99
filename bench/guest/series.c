// SPDX-License-Identifier: GPL-2.0-only
/*
 * series.*: the table of the kernel series of 2021. A crypto accelerator went 1, 100 and
 * 1000 times over the same message of 1 MB or 10 MB, and demand paging was compared with
 * pinning. The memory is resident for the CPU, which has just filled it, and cold for the
 * device.
 *
 * That accelerator did 8.8 GB/s, which is more than an emulated CPU can move. So the clock
 * is that of instructions, one a nanosecond, and the device reads, changes and writes but
 * the first word of each page, asks for each page as it otherwise would, and then takes
 * the time that 8.8 GB/s allow it (softdma.h, SOFTDMA_F_SPARSE). Time spent waiting for
 * a page is added to that. A CPU of one instruction a nanosecond is slower than the one
 * of 2021, and the device just as fast: the scale is not to our advantage.
 *
 * Emulated, the device does not quite reach its rate, which would make what faults cost
 * look smaller beside it. So what demand paging adds is what is measured: our time less
 * type1's. The slowdown is that of a device that does keep to its rate:
 *
 *	added = ours - type1;	slowdown = added / (bytes / rate + added)
 *
 * Whatever else runs in the machine only adds, so of several runs the shortest counts.
 *
 * All operations of a measurement are in the ring before the first begins. The figure is
 * that of memory as QEMU has it for a virtual machine, which that of 2021 was: huge pages
 * where there are some. Messages of 4 KiB pages are in the detail and the plot.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "bench.h"

#define RATE		8800000000ull	/* bytes per second */
#define LENGTHS		2
#define TIMES		3
#define MAX_TIMES	1000

static const unsigned int megabytes[LENGTHS] = { 1, 10 };
static const unsigned int times[TIMES] = { 1, 100, 1000 };

/* One of the table's, on memory of one kind. */
struct cell {
	double ns[BACKENDS];	/* the shortest */
	double faults;
	double slowdown;	/* in per cent */
	struct vfio_iopf_stats stats;	/* of ours */
};

static int check(const char *mem, size_t bytes)
{
	size_t at;

	for (at = 0; at < bytes; at += PAGE) {
		uint64_t from, to;

		memcpy(&from, mem + at, sizeof(from));
		memcpy(&to, mem + bytes + at, sizeof(to));
		if (to != (from ^ softdma_pattern(SOFTDMA_CRYPT_SEED, at)))
			return complain("the device wrote something else at offset %zu", at);
	}
	return 0;
}

static int encipher(struct rig *rig, size_t bytes, unsigned int n, double *ns, double *faults)
{
	static struct softdma_desc descs[MAX_TIMES];
	struct sdma_queue *q = &rig->dma.q[0];
	uint32_t begin = q->tail, i;

	for (i = 0; i < n; i++) {
		descs[i] = sdma_crypt(IOVA_MEMORY + bytes, IOVA_MEMORY, bytes, RATE);
		descs[i].flags = SOFTDMA_F_SPARSE;
	}
	if (timed(q, descs, n, ns))
		return -1;
	*faults = 0;
	for (i = 0; i < n; i++)
		*faults += q->ring[(begin + i) & (q->entries - 1)].faults;
	return 0;
}

/* @stats: the container's, ours, or NULL. */
static int measure(enum backend backend, enum memory_kind kind, size_t bytes, unsigned int n,
		   double *ns, double *faults, struct vfio_iopf_stats *stats)
{
	size_t all = (2 * bytes + BLOCK - 1) & ~(BLOCK - 1);
	char *mem = memory_get(all, kind);
	struct rig rig;
	int err;

	if (!mem || memory_touch(mem, all, kind) || rig_open(&rig, EXTENSION(backend)))
		return -1;
	err = rig_map(&rig, mem, IOVA_MEMORY, all) || encipher(&rig, bytes, n, ns, faults) ||
	      check(mem, bytes) || (stats && viopf_stats(rig.c, stats));
	rig_close(&rig);
	munmap(mem, all);
	return err ? -1 : 0;
}

static double ideal_ns(size_t bytes, unsigned int n)
{
	return (double)bytes * n * 1e9 / RATE;
}

static int measure_cell(enum memory_kind kind, size_t bytes, unsigned int n, unsigned int runs,
			struct cell *cell)
{
	double ns, faults, added;
	unsigned int i;

	*cell = (struct cell){ .ns = { INFINITY, INFINITY } };
	for (i = 0; i < runs; i++) {
		if (measure(TYPE1, kind, bytes, n, &ns, &faults, NULL))
			return -1;
		cell->ns[TYPE1] = fmin(cell->ns[TYPE1], ns);
		if (measure(OURS, kind, bytes, n, &ns, &faults, &cell->stats))
			return -1;
		if (ns < cell->ns[OURS])
			cell->faults = faults;
		cell->ns[OURS] = fmin(cell->ns[OURS], ns);
	}
	added = cell->ns[OURS] - cell->ns[TYPE1];
	cell->slowdown = 100 * added / (ideal_ns(bytes, n) + added);
	return 0;
}

static void put_cell(json_object *to, const char *kind, const struct cell *cell, size_t bytes,
		     unsigned int n)
{
	json_object *one = put_object(to, kind);

	put_number(one, "slowdown", cell->slowdown);
	put_number(one, "faults", cell->faults);
	put_number(one, "ours_ns", cell->ns[OURS]);
	put_number(one, "type1_ns", cell->ns[TYPE1]);
	put_number(one, "type1_gb_per_s", (double)bytes * n / cell->ns[TYPE1]);
	put_number(one, "slowdown_of_the_emulated_device",
		   100 * (1 - cell->ns[TYPE1] / cell->ns[OURS]));
	put_stats(put_object(one, "stats"), &cell->stats);
}

static json_object *report(struct result *to, unsigned int length, unsigned int n,
			   const struct cell *huge, const struct cell *small)
{
	size_t bytes = megabytes[length] * MIB;
	json_object *figure, *detail;
	char key[32];

	snprintf(key, sizeof(key), "series.%umb_%u", megabytes[length], n);
	figure = figure_add(to, key, "%", huge->slowdown);
	put_number(figure, "ours", ideal_ns(bytes, n) + huge->ns[OURS] - huge->ns[TYPE1]);
	put_number(figure, "type1", ideal_ns(bytes, n));
	put_numbers(figure, "samples", &huge->slowdown, 1);
	detail = put_object(figure, "detail");
	put_text(detail, "ours_and_type1_are", "ns in all, one instruction a ns");
	put_number(detail, "faults", huge->faults);
	put_number(detail, "bytes_per_operation", (double)bytes);
	put_number(detail, "device_bytes_per_s", (double)RATE);
	put_cell(detail, "huge_pages", huge, bytes, n);
	put_cell(detail, "small_pages", small, bytes, n);
	printf("        on 4 KiB pages         %12.6g %%, %.0f faults (huge pages: %.0f)\n",
	       small->slowdown, small->faults, huge->faults);
	return figure;
}

static void speed_plot(json_object *figure, const struct cell *cells, const char *what)
{
	double x[TIMES], y[BACKENDS][TIMES];
	json_object *plot;
	unsigned int i;

	for (i = 0; i < TIMES; i++) {
		x[i] = times[i];
		y[TYPE1][i] = RATE / 1e9;
		y[OURS][i] = RATE / 1e9 * (1 - cells[i].slowdown / 100);
	}
	plot = plot_add(figure, what, "speed (GB/s)", true, false, x, TIMES);
	plot_series(plot, SERIES_OURS, y[OURS], TIMES);
	plot_series(plot, SERIES_TYPE1, y[TYPE1], TIMES);
}

static int run_length(struct result *to, const struct options *opt, unsigned int length)
{
	unsigned int runs = runs_of(opt, 3, 2), i;
	size_t bytes = megabytes[length] * MIB;
	struct cell small[TIMES], huge[TIMES];
	json_object *figure = NULL;

	for (i = 0; i < TIMES; i++) {
		if (measure_cell(MEMORY_THP, bytes, times[i], runs, &huge[i]) ||
		    measure_cell(MEMORY_4K, bytes, times[i], runs, &small[i]))
			return -1;
		figure = report(to, length, times[i], &huge[i], &small[i]);
	}
	speed_plot(figure, huge, "operations over the same huge pages");
	speed_plot(figure, small, "operations over the same 4 KiB pages");
	return 0;
}

static int run(struct result *to, const struct options *opt)
{
	unsigned int length;

	if (patience())
		return -1;
	for (length = 0; length < LENGTHS; length++)
		if (run_length(to, opt, length))
			return -1;
	return 0;
}

const struct bench bench_series = {
	.name = "series",
	.what = "series.*: the table of 2021, 1, 100 and 1000 operations at 8.8 GB/s",
	.icount = true,
	.run = run,
};
