// SPDX-License-Identifier: GPL-2.0-only
/*
 * faults.per_gib: page requests that a device makes for each GiB that it writes in order,
 * with the module's own settings, on memory that nobody has touched. On 4 KiB pages,
 * which is the worse; transparent huge pages are in the detail.
 */
#include <sys/mman.h>

#include "bench.h"

/* A device that goes on: page requests until so many bytes were written. */
#define STEPS	16u

struct growth {
	double bytes[STEPS];
	double requests[STEPS];
};

static int write_cold(enum memory_kind kind, uint64_t bytes, struct growth *growth,
		      double *per_gib)
{
	void *source, *mem = memory_get(bytes, kind);
	struct vfio_iopf_stats before, now;
	uint64_t step = bytes / STEPS;
	unsigned int i;
	struct rig rig;

	if (!mem || device_open(&rig, OURS, &source) ||
	    rig_map(&rig, mem, IOVA_MEMORY, bytes) || viopf_stats(rig.c, &before))
		return -1;
	for (i = 0; i < STEPS; i++) {
		if (device_write_range(&rig, IOVA_MEMORY + i * step, step, NULL) ||
		    viopf_stats(rig.c, &now))
			return -1;
		growth->bytes[i] = (double)((i + 1) * step);
		growth->requests[i] = (double)(now.requests - before.requests);
	}
	*per_gib = growth->requests[STEPS - 1] * GIB / (double)bytes;
	rig_close(&rig);
	munmap(mem, bytes);
	munmap(source, BLOCK);
	return 0;
}

static int run(struct result *to, const struct options *opt)
{
	uint64_t bytes = opt->quick ? 256 * MIB : GIB;
	struct growth growth, growth_thp;
	double per_gib, per_gib_thp;
	json_object *figure, *plot;

	if (write_cold(MEMORY_4K, bytes, &growth, &per_gib) ||
	    write_cold(MEMORY_THP, bytes, &growth_thp, &per_gib_thp))
		return -1;
	figure = figure_add(to, "faults.per_gib", "requests", per_gib);
	put_number(figure, "ours", per_gib);
	put_number(put_object(figure, "detail"), "bytes", (double)bytes);
	put_number(put_object(figure, "detail"), "thp", per_gib_thp);
	plot = plot_add(figure, "bytes written in order", "page requests so far", false, false,
			growth.bytes, STEPS);
	plot_series(plot, SERIES_OURS, growth.requests, STEPS);
	return 0;
}

const struct bench bench_faults_per_gib = {
	.name = "faults_per_gib",
	.what = "faults.per_gib: page requests for a GiB written in order",
	.icount = true,
	.run = run,
};
