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
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "rig.h"

#define MAX_RIGS	256

/* All of struct vfio_iopf_stats but for workers, which end when they have been idle. */
#define STAT(member)	{ #member, offsetof(struct vfio_iopf_stats, member) }

static const struct {
	const char *name;
	size_t offset;
} members[] = {
	STAT(resident_pages), STAT(segments), STAT(segment_bytes), STAT(faults_pending),
	STAT(groups), STAT(requests), STAT(resp_success), STAT(resp_invalid),
	STAT(resp_failure), STAT(faults), STAT(faults_spurious), STAT(pages_mapped),
	STAT(huge_mapped), STAT(bring_ins), STAT(retries), STAT(backoffs), STAT(aborts),
	STAT(invalidations), STAT(evictions), STAT(pages_evicted), STAT(flushes),
	STAT(evict_busy), STAT(unmap_mismatches), STAT(pages_kept), STAT(dirtied_pages),
	STAT(pinned_pages), STAT(faults_waiting), STAT(faults_user), STAT(groups_at_once),
	STAT(groups_merged), STAT(pages_young), STAT(pages_sampled), STAT(mappings),
	STAT(mapped_bytes), STAT(floods),
};

static int print_stats(struct viopf_container *c)
{
	struct vfio_iopf_stats stats;
	size_t i;

	if (viopf_stats(c, &stats)) {
		fprintf(stderr, "%s\n", viopf_error());
		return -1;
	}
	for (i = 0; i < sizeof(members) / sizeof(*members); i++) {
		const char *at = (const char *)&stats + members[i].offset;

		printf("%s %llu\n", members[i].name, *(const __u64 *)at);
	}
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
