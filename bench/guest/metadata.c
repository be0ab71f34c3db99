// SPDX-License-Identifier: GPL-2.0-only
/*
 * metadata.mapped and metadata.resident: memory that the module itself needs for what is
 * mapped, and for what the device can reach, in bytes for each GiB (and, resident, as a
 * part of it).
 *
 * What the kernel allocates for the process is charged to its memory cgroup, byte for
 * byte where it is small (the "slab" of memory.stat, which counts large kmalloc() too)
 * and vmalloc apart; that and the loss of free memory in the whole machine must tell the
 * same story: the larger is taken. Page tables of the IOMMU are needed by pinning as well:
 * softiommu says how many pages they are, and they are taken off. The CPU's
 * page tables are there before.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"

#define CGROUP_ROOT	"/sys/fs/cgroup"
#define CGROUP		CGROUP_ROOT "/bench"
#define MAPPED		(1024 * GIB)

struct level {
	double charged;		/* slab and vmalloc of the cgroup, bytes */
	double gone;		/* of the machine's free memory, bytes, negative */
	double tables;		/* of the IOMMU, bytes */
};

static double cgroup_bytes(const char *name)
{
	FILE *file = fopen(CGROUP "/memory.stat", "re");
	unsigned long long value;
	double found = 0;
	char line[64];

	if (!file)
		return NAN;
	while (fscanf(file, "%63s %llu", line, &value) == 2)
		if (!strcmp(line, name))
			found = (double)value;
	fclose(file);
	return found;
}

static int enter_cgroup(void)
{
	int err = write_text(CGROUP_ROOT "/cgroup.subtree_control", "+memory");

	if (!err && mkdir(CGROUP, 0755) && errno != EEXIST)
		err = -errno;
	if (!err)
		err = write_text(CGROUP "/cgroup.procs", "0");
	return err ? complain("no memory cgroup: %s", strerror(-err)) : 0;
}

/* Lists of free pages that each CPU keeps are free memory, too: have them given back. */
static struct level look(void)
{
	struct level level;

	write_text("/proc/sys/vm/compact_memory", "1");
	write_text("/proc/sys/vm/stat_refresh", "1");
	level.gone = -(double)meminfo_kb("MemFree") * KIB;
	level.tables = softiommu_stat("table_pages") * PAGE;
	level.charged = cgroup_bytes("slab") + cgroup_bytes("vmalloc");
	return level;
}

static void report(struct result *to, const char *key, const char *unit, double scale,
		   const struct level *before, const struct level *after, double gib)
{
	double tables = after->tables - before->tables;
	double charged = (after->charged - before->charged) / gib;
	double gone = (after->gone - before->gone - tables) / gib;
	json_object *figure, *detail;

	figure = figure_add(to, key, unit, fmax(charged, 0) * scale);
	put_number(figure, "ours", charged);
	detail = put_object(figure, "detail");
	put_number(detail, "charged_bytes_per_gib", charged);
	put_number(detail, "free_memory_gone_bytes_per_gib", gone);
	put_number(detail, "iommu_page_table_bytes_per_gib", tables / gib);
	put_number(detail, "gib", gib);
}

static int mapped(struct rig *rig, struct result *to)
{
	void *mem = memory_get(MAPPED, MEMORY_4K);
	struct level before = look(), after;

	if (!mem || rig_map(rig, mem, IOVA_MEMORY, MAPPED))
		return -1;
	after = look();
	report(to, "metadata.mapped", "bytes/GiB", 1, &before, &after, (double)MAPPED / GIB);
	if (viopf_unmap(rig->c, IOVA_MEMORY, MAPPED, NULL))
		return complain("%s", viopf_error());
	munmap(mem, MAPPED);
	return 0;
}

static int resident(struct rig *rig, struct result *to, uint64_t bytes)
{
	void *mem = memory_get(bytes, MEMORY_4K);
	struct vfio_iopf_stats stats;
	struct level before, after;

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
	report(to, "metadata.resident", "%", 100. / GIB, &before, &after, (double)bytes / GIB);
	munmap(mem, bytes);
	return 0;
}

static int run(struct result *to, const struct options *opt)
{
	struct rig rig;
	int err;

	if (enter_cgroup() || rig_open(&rig, VFIO_IOPF_IOMMU))
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
