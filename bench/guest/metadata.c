// SPDX-License-Identifier: GPL-2.0-only
/*
 * metadata.mapped and metadata.resident: memory that the module itself needs for what is
 * mapped, and for what the device can reach, in bytes for each GiB (and, resident, as a
 * part of it).
 *
 * It is what the kernel allocates for the process that maps (charged.c). The loss of free
 * memory in the whole machine is reported beside it: it should tell the same story, but
 * has in it what allocators keep in reserve. Page tables of the IOMMU are needed by pinning
 * as well: softiommu says how many pages they are; they are not among what is charged, and
 * are taken off the loss. The CPU's page tables are there before.
 *
 * A mapping is one small object, whatever its size. What a GiB more adds to it is the
 * figure: what 1 TiB takes beyond what 1 GiB does, for each of the 1023.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "bench.h"

#define MAPPED		(1024 * GIB)

struct level {
	double charged;		/* to the process, bytes */
	double gone;		/* of the machine's free memory, bytes, negative */
	double tables;		/* of the IOMMU, bytes */
};

/* Lists of free pages that each CPU keeps are free memory, too: have them given back. */
static struct level look(void)
{
	struct level level;

	file_write("/proc/sys/vm/compact_memory", "1");
	file_write("/proc/sys/vm/stat_refresh", "1");
	level.gone = -(double)meminfo_kb("MemFree") * KIB;
	level.tables = softiommu_stat("table_pages") * PAGE;
	level.charged = charged_bytes();
	return level;
}

static struct level change(const struct level *before, const struct level *after)
{
	return (struct level){ after->charged - before->charged, after->gone - before->gone,
			       after->tables - before->tables };
}

static json_object *report(struct result *to, const char *key, const char *unit, double scale,
			   const struct level *more, double gib)
{
	json_object *figure, *detail;

	figure = figure_add(to, key, unit, more->charged / gib * scale);
	put_number(figure, "ours", more->charged / gib);
	detail = put_object(figure, "detail");
	put_number(detail, "charged_bytes_per_gib", more->charged / gib);
	put_number(detail, "free_memory_gone_bytes_per_gib", (more->gone - more->tables) / gib);
	put_number(detail, "iommu_page_table_bytes_per_gib", more->tables / gib);
	put_number(detail, "gib", gib);
	return detail;
}

/* What it takes to map so much. */
static int take(struct rig *rig, void *mem, uint64_t bytes, struct level *taken)
{
	struct level before = look(), after;

	if (rig_map(rig, mem, IOVA_MEMORY, bytes))
		return -1;
	after = look();
	*taken = change(&before, &after);
	if (viopf_unmap(rig->c, IOVA_MEMORY, bytes, NULL))
		return complain("%s", viopf_error());
	return 0;
}

static int mapped(struct rig *rig, struct result *to)
{
	void *mem = memory_get(MAPPED, MEMORY_4K);
	struct level little, much, more;
	json_object *detail;

	/* Once before: an array that grows by one, say, is not the mapping's. */
	if (!mem || take(rig, mem, GIB, &little) || take(rig, mem, GIB, &little) ||
	    take(rig, mem, MAPPED, &much))
		return -1;
	more = change(&little, &much);
	detail = report(to, "metadata.mapped", "bytes/GiB", 1, &more,
			(double)(MAPPED - GIB) / GIB);
	put_number(detail, "mapping_of_1_gib_bytes", little.charged);
	put_number(detail, "mapping_of_1_tib_bytes", much.charged);
	munmap(mem, MAPPED);
	return 0;
}

static int resident(struct rig *rig, struct result *to, uint64_t bytes)
{
	void *mem = memory_get(bytes, MEMORY_4K);
	struct vfio_iopf_stats stats;
	struct level before, after, more;

	if (!mem || memory_touch(mem, bytes, MEMORY_4K) ||
	    rig_map(rig, mem, IOVA_MEMORY, bytes))
		return -1;
	before = look();
	if (viopf_advise(rig->c, VFIO_IOPF_ADV_PREFETCH_WRITE, IOVA_MEMORY, bytes, NULL) ||
	    viopf_stats(rig->c, &stats))
		return complain("%s", viopf_error());
	after = look();
	if (stats.resident_pages < bytes / PAGE)
		return complain("only %llu pages are resident", stats.resident_pages);
	more = change(&before, &after);
	report(to, "metadata.resident", "%", 100. / GIB, &more, (double)bytes / GIB);
	munmap(mem, bytes);
	return 0;
}

static int run(struct result *to, const struct options *opt)
{
	struct rig rig;
	int err;

	if (charged_begin() || rig_open(&rig, VFIO_IOPF_IOMMU))
		return -1;
	err = mapped(&rig, to) || resident(&rig, to, opt->quick ? 256 * MIB : GIB) ? -1 : 0;
	rig_close(&rig);
	return err;
}

const struct bench bench_metadata = {
	.name = "metadata",
	.what = "metadata: memory of the module's own for what is mapped, and what is resident",
	.icount = true,
	.run = run,
};
