// SPDX-License-Identifier: GPL-2.0-only
/*
 * fault.resident: a page request for one page of 4 KiB that is resident in the CPU's page
 * table: from softiommu's report to the response, by softiommu's own clock. That is the
 * software's part of a fault, hand-over to another thread included; what a device and its
 * IOMMU need to ask and to be told is not in it.
 *
 * The pages are taken at random, far from each other, so that each request gets one page
 * mapped; that is checked. Their segments have been used before.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "bench.h"

#define BYTES		(256 * MIB)
#define STRIDE		64u		/* pages from one to the next */
#define MAX_FAULTS	((unsigned int)(BYTES / PAGE / STRIDE))
#define SEGMENT		(64 * MIB)	/* or a divisor of it */

static int touch_segments(struct rig *rig)
{
	uint64_t at;

	for (at = 0; at < BYTES; at += SEGMENT) {
		uint64_t page = at / PAGE + STRIDE / 2;

		if (device_write_pages(rig, &page, 1, NULL))
			return -1;
	}
	return 0;
}

/* One round of faults; their times go to @ns. */
static int faults(struct rig *rig, unsigned int nr, double *ns, struct vfio_iopf_stats *did)
{
	uint64_t *pages = random_pages(nr, MAX_FAULTS, 0x5eed);
	struct vfio_iopf_stats before;
	unsigned int i;
	int got = -1;

	if (!pages)
		return -1;
	for (i = 0; i < nr; i++)
		pages[i] *= STRIDE;
	if (!touch_segments(rig) && !viopf_stats(rig->c, &before) && !softiommu_times_reset() &&
	    !device_write_pages(rig, pages, nr, NULL) && !viopf_stats(rig->c, did))
		got = softiommu_times(ns, nr);
	free(pages);
	if (got < 0)
		return -1;
	did->groups -= before.groups;
	did->pages_mapped -= before.pages_mapped;
	did->bring_ins -= before.bring_ins;
	if ((unsigned int)got != nr || did->groups != nr || did->pages_mapped != nr)
		return complain("%u pages: %llu page requests, %llu pages mapped, %d responses", nr,
				did->groups, did->pages_mapped, got);
	return 0;
}

static int run(struct result *to, const struct options *opt)
{
	unsigned int nr = opt->quick ? MAX_FAULTS / 4 : MAX_FAULTS;
	double ns[MAX_FAULTS], value = NAN;
	struct vfio_iopf_stats did = { 0 };
	json_object *figure, *detail;
	struct rig rig;
	void *source, *mem = memory_get(BYTES, MEMORY_4K);
	int err;

	if (!mem || memory_touch(mem, BYTES, MEMORY_4K) || device_open(&rig, OURS, &source) ||
	    rig_map(&rig, mem, IOVA_MEMORY, BYTES))
		return -1;
	err = faults(&rig, nr, ns, &did);
	if (!err)
		value = median(ns, nr);
	figure = figure_add(to, "fault.resident", "instr", value);
	put_number(figure, "ours", value);
	if (!err) {
		detail = put_object(figure, "detail");
		put_numbers(figure, "samples", ns, nr > 64 ? 64 : nr);
		put_number(detail, "faults", nr);
		put_number(detail, "p99_instr", percentile(ns, nr, 99));
		put_number(detail, "max_instr", percentile(ns, nr, 100));
		put_number(detail, "min_instr", percentile(ns, nr, 0));
		put_number(detail, "bring_ins", (double)did.bring_ins);
	}
	rig_close(&rig);
	return err;
}

const struct bench bench_fault_resident = {
	.name = "fault_resident",
	.what = "fault.resident: a page request for a page that is there, report to response",
	.icount = true,
	.run = run,
};
