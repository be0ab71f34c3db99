// SPDX-License-Identifier: GPL-2.0-only
/*
 * Have containers open, for iopf to look at.
 *
 *	hold FIRST COUNT MIB
 *
 * Softdma's devices FIRST to FIRST + COUNT - 1 (or vm/run --intel's), each in a container of
 * its own, each of which writes MIB MiB of memory once. Then "ready" is printed, and for each
 * line on standard input the counters of the first container, by the ioctl: "NAME VALUE"
 * lines and an empty one. The end of standard input is its end.
 */
#include <stdio.h>
#include <stdlib.h>

#include "rig.h"

#define MAX_RIGS	256

/* Members of struct vfio_iopf_stats but for workers, which end when they have been idle. */
#define STATS(X)							\
	X(resident_pages) X(segments) X(segment_bytes) X(faults_pending) X(groups)	\
	X(requests) X(resp_success) X(resp_invalid) X(resp_failure) X(faults)			\
	X(faults_spurious) X(pages_mapped) X(huge_mapped) X(bring_ins) X(retries) X(backoffs)	\
	X(aborts) X(invalidations) X(evictions) X(pages_evicted) X(flushes) X(evict_busy)	\
	X(unmap_mismatches) X(pages_kept) X(dirtied_pages) X(pinned_pages) X(faults_waiting)	\
	X(faults_user) X(groups_at_once) X(groups_merged) X(pages_young) X(pages_sampled)

static int print_stats(struct viopf_container *c)
{
	struct vfio_iopf_stats stats;

	if (viopf_stats(c, &stats)) {
		fprintf(stderr, "%s\n", viopf_error());
		return -1;
	}
#define PRINT(name)	printf(#name " %llu\n", stats.name);
	STATS(PRINT)
	putchar('\n');
	return fflush(stdout);
}

static int start(struct rig *rig, unsigned int device, size_t bytes)
{
	struct softdma_desc fill = sdma_fill(IOVA_MEMORY, bytes, 1, 0);
	void *memory = rig_memory(bytes);

	if (!memory || rig_open_device(rig, VFIO_IOPF_IOMMU, device) ||
	    rig_map(rig, memory, IOVA_MEMORY, bytes))
		return -1;
	return rig_do(&rig->dma.q[0], &fill, 1);
}

int main(int argc, char **argv)
{
	static struct rig rigs[MAX_RIGS];
	unsigned int first, count, i;
	size_t bytes;

	if (argc != 4)
		return fprintf(stderr, "usage: hold FIRST COUNT MIB\n"), EXIT_FAILURE;
	first = (unsigned int)atoi(argv[1]);
	count = (unsigned int)atoi(argv[2]);
	bytes = (size_t)atoi(argv[3]) << 20;
	for (i = 0; i < count && i < MAX_RIGS; i++) {
		if (start(&rigs[i], first + i, bytes))
			return EXIT_FAILURE;
	}
	puts("ready");
	fflush(stdout);
	for (;;) {
		int c = getchar();

		if (c == EOF)
			return EXIT_SUCCESS;
		if (c == '\n' && print_stats(rigs[0].c))
			return EXIT_FAILURE;
	}
}
