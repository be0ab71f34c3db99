// SPDX-License-Identifier: GPL-2.0-only
/*
 * segment_size: what bench/segment-sizes wants to know of a module that was built with
 * segments of some size. No figures of the table, and none has a limit.
 *
 *	in order	all of 512 MiB, resident, prefetched; then half of it goes by
 *			madvise() and half by munmap()
 *	at random	4096 pages of 1 GiB that nobody has touched
 *	sparse		one page of each 64 MiB of 64 GiB; then some go one by one, and the
 *			rest by one madvise()
 *
 * Memory is that charged to the process (charged.c), the IOMMU's page tables not among it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "bench.h"

#define IN_ORDER	(512 * MIB)
#define RANDOM_OF	GIB
#define NR_RANDOM	4096u
#define SPARSE_OF	(64 * GIB)
#define SPARSE_STRIDE	(64 * MIB)
#define NR_SPARSE	((unsigned int)(SPARSE_OF / SPARSE_STRIDE))
#define NR_SINGLE	256u

struct level {
	double charged;
	double segments;
};

static int look(struct rig *rig, struct level *to)
{
	struct vfio_iopf_stats stats;

	if (viopf_stats(rig->c, &stats))
		return complain("%s", viopf_error());
	to->charged = charged_bytes();
	to->segments = (double)stats.segments;
	return 0;
}

static void put(struct result *to, const char *pattern, const char *what, const char *unit,
		double value)
{
	char key[64];

	snprintf(key, sizeof(key), "%s.%s", pattern, what);
	figure_add(to, key, unit, value);
}

static int put_growth(struct rig *rig, struct result *to, const char *pattern,
		      const struct level *before)
{
	struct level after;

	if (look(rig, &after))
		return -1;
	put(to, pattern, "bytes", "bytes", after.charged - before->charged);
	put(to, pattern, "segments", "segments", after.segments - before->segments);
	return 0;
}

/* Has the mm take memory away. */
static int take(void *mem, size_t bytes, bool unmap, double *ns)
{
	uint64_t start = now_ns();
	int err = unmap ? munmap(mem, bytes) : madvise(mem, bytes, MADV_DONTNEED);

	*ns += since_ns(start);
	return err ? complain("can't take memory away: %s", strerror(errno)) : 0;
}

static int in_order(struct rig *rig, struct result *to)
{
	char *mem = memory_get(IN_ORDER, MEMORY_4K);
	double prefetch, dontneed = 0, unmap = 0;
	const double half = (double)(IN_ORDER / PAGE) / 2;
	struct level before;
	uint64_t start;

	if (!mem || memory_touch(mem, IN_ORDER, MEMORY_4K) ||
	    rig_map(rig, mem, IOVA_MEMORY, IN_ORDER) || look(rig, &before))
		return -1;
	start = now_ns();
	if (viopf_advise(rig->c, VFIO_IOPF_ADV_PREFETCH_WRITE, IOVA_MEMORY, IN_ORDER, NULL))
		return complain("%s", viopf_error());
	prefetch = since_ns(start);
	if (put_growth(rig, to, "in_order", &before) ||
	    take(mem, IN_ORDER / 2, false, &dontneed) ||
	    take(mem + IN_ORDER / 2, IN_ORDER / 2, true, &unmap))
		return -1;
	put(to, "in_order", "prefetch", "instr", prefetch / half / 2);
	put(to, "in_order", "madvise", "instr", dontneed / half);
	put(to, "in_order", "munmap", "instr", unmap / half);
	munmap(mem, IN_ORDER / 2);
	return viopf_unmap(rig->c, IOVA_MEMORY, IN_ORDER, NULL) ? complain("%s", viopf_error()) : 0;
}

/* The device writes the pages given by their numbers. */
static int fault(struct rig *rig, struct result *to, const char *pattern, const uint64_t *pages,
		 unsigned int nr)
{
	struct level before;
	double ns = 0;

	if (look(rig, &before) || device_write_pages(rig, pages, nr, &ns) ||
	    put_growth(rig, to, pattern, &before))
		return -1;
	put(to, pattern, "fault", "instr", ns / nr);
	return 0;
}

static int at_random(struct rig *rig, struct result *to)
{
	uint64_t *pages = random_pages(NR_RANDOM, RANDOM_OF / PAGE, 0x5e6);
	void *mem = memory_get(RANDOM_OF, MEMORY_4K);

	if (!pages || !mem || rig_map(rig, mem, IOVA_MEMORY, RANDOM_OF) ||
	    fault(rig, to, "at_random", pages, NR_RANDOM))
		return -1;
	munmap(mem, RANDOM_OF);
	free(pages);
	return viopf_unmap(rig->c, IOVA_MEMORY, RANDOM_OF, NULL) ?
	       complain("%s", viopf_error()) : 0;
}

static int sparse(struct rig *rig, struct result *to)
{
	char *mem = memory_get(SPARSE_OF, MEMORY_4K);
	uint64_t pages[NR_SPARSE];
	double single = 0, rest = 0;
	unsigned int i;

	for (i = 0; i < NR_SPARSE; i++)
		pages[i] = i * (SPARSE_STRIDE / PAGE);
	if (!mem || rig_map(rig, mem, IOVA_MEMORY, SPARSE_OF) ||
	    fault(rig, to, "sparse", pages, NR_SPARSE))
		return -1;
	for (i = 0; i < NR_SINGLE; i++)
		if (take(mem + pages[i] * PAGE, PAGE, false, &single))
			return -1;
	if (take(mem, SPARSE_OF, false, &rest))
		return -1;
	put(to, "sparse", "madvise_one", "instr", single / NR_SINGLE);
	put(to, "sparse", "madvise_all", "instr", rest / (NR_SPARSE - NR_SINGLE));
	munmap(mem, SPARSE_OF);
	return 0;
}

static int run(struct result *to, const struct options *opt)
{
	struct rig rig;
	void *source;

	(void)opt;
	if (charged_begin() || device_open(&rig, OURS, &source) || in_order(&rig, to) ||
	    at_random(&rig, to) || sparse(&rig, to))
		return -1;
	rig_close(&rig);
	return 0;
}

const struct bench bench_segment_size = {
	.name = "segment_size",
	.what = "what the size of segments makes of memory, faults and evictions",
	.icount = true,
	.apart = true,
	.run = run,
};
