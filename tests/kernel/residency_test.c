// SPDX-License-Identifier: GPL-2.0-only
/*
 * The record of what devices can reach equals the IOMMU's page table, after any
 * sequence of faults, evictions and unmaps, whatever the IOMMU does with a part
 * of a big leaf: unmap just that, the whole leaf, or nothing at all. After each
 * step the product's own check walks both (debugfs "verify"), and the contents
 * are compared with a model: each page has the pattern that was last written to
 * it, by whichever side.
 *
 * LANES: stock next
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "rig.h"

#define SIZE		(4 * HUGE)
#define NR_PAGES	(SIZE / PAGE)
#define STEPS		60
#define ZERO		0	/* seed of pages that are zero */

/**
 * struct kind - an IOMMU and a memory
 * @mode: unmap_mode of the software IOMMU
 * @coarse: unmap_coarse_pages
 * @pgsizes: leaf sizes on offer
 * @huge: memory in huge pages
 */
struct kind {
	const char *mode;
	const char *coarse;
	const char *pgsizes;
	int huge;
};

struct model {
	struct rig rig;
	char *p;
	unsigned int random;
	uint64_t seed[NR_PAGES];
	uint64_t next_seed;
};

static unsigned int draw(struct model *m, unsigned int below)
{
	return (unsigned int)rand_r(&m->random) % below;
}

/* A random range of pages, small or big, sometimes aligned to 2 MiB. */
static void draw_range(struct model *m, unsigned int *at, unsigned int *n)
{
	switch (draw(m, 4)) {
	case 0:
		*at = draw(m, NR_PAGES);
		*n = 1;
		break;
	case 1:
		*at = draw(m, SIZE / HUGE) * (HUGE / PAGE);
		*n = HUGE / PAGE;
		break;
	default:
		*at = draw(m, NR_PAGES - 1);
		*n = 1 + draw(m, 64);
	}
	if (*at + *n > NR_PAGES)
		*n = NR_PAGES - *at;
}

static void wrote(struct model *m, unsigned int at, unsigned int n, uint64_t seed)
{
	while (n--)
		m->seed[at++] = seed;
}

static void step_device_writes(struct model *m, unsigned int at, unsigned int n)
{
	struct softdma_desc fill = sdma_fill(IOVA_BASE + at * PAGE, n * PAGE, m->next_seed,
					     at * PAGE);

	rig_do(&m->rig, &fill, SOFTDMA_OK);
	wrote(m, at, n, m->next_seed++);
}

static void step_cpu_writes(struct model *m, unsigned int at, unsigned int n)
{
	sdma_pattern_fill(m->p + at * PAGE, n * PAGE, m->next_seed, at * PAGE);
	wrote(m, at, n, m->next_seed++);
}

static void step_device_reads(struct model *m, unsigned int at, unsigned int n)
{
	for (; n--; at++) {
		uint64_t iova = IOVA_BASE + at * PAGE;
		struct softdma_desc check = sdma_check(iova, PAGE, m->seed[at], at * PAGE);

		if (m->seed[at] == ZERO) {
			dev_read(&m->rig, iova, PAGE, SOFTDMA_OK);
			continue;
		}
		rig_do(&m->rig, &check, SOFTDMA_OK);
		assert_msg(!check.result, "page %u: the device finds %llu bytes wrong", at,
			   check.result);
	}
}

static void step_dontneed(struct model *m, unsigned int at, unsigned int n)
{
	assert_ok(madvise(m->p + at * PAGE, n * PAGE, MADV_DONTNEED));
	wrote(m, at, n, ZERO);
}

static void step_mmap(struct model *m, unsigned int at, unsigned int n)
{
	assert_ptr_equal(mmap(m->p + at * PAGE, n * PAGE, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
			 m->p + at * PAGE);
	wrote(m, at, n, ZERO);
}

static void step_mprotect(struct model *m, unsigned int at, unsigned int n)
{
	assert_ok(mprotect(m->p + at * PAGE, n * PAGE, PROT_READ));
	verify_residency();
	assert_ok(mprotect(m->p + at * PAGE, n * PAGE, PROT_READ | PROT_WRITE));
}

static void step_collapse(struct model *m, unsigned int at, unsigned int n)
{
	size_t huge = at * PAGE / HUGE * HUGE;

	(void)n;
	assert_ok(madvise(m->p + huge, HUGE, MADV_HUGEPAGE));
	madvise(m->p + huge, HUGE, 25 /* MADV_COLLAPSE */);
}

static void step_fork(struct model *m, unsigned int at, unsigned int n)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	child_wait(pid, 30);
	step_device_reads(m, at, n > 16 ? 16 : n);
}

static void step_unmap(struct model *m, unsigned int at, unsigned int n)
{
	(void)at;
	(void)n;
	assert_ok(viopf_unmap(m->rig.c, IOVA_BASE, SIZE, NULL));
	verify_residency();
	rig_map(&m->rig, m->p, IOVA_BASE, SIZE);
}

static void (*const steps[])(struct model *m, unsigned int at, unsigned int n) = {
	step_device_writes, step_device_writes, step_device_reads, step_device_reads,
	step_cpu_writes, step_dontneed, step_dontneed, step_mmap, step_mprotect, step_collapse,
	step_fork, step_unmap,
};

static void check_all(struct model *m)
{
	unsigned int at;

	for (at = 0; at < NR_PAGES; at++) {
		if (m->seed[at] == ZERO) {
			cpu_check_zero(m->p + at * PAGE, PAGE);
			continue;
		}
		assert_msg(!sdma_pattern_check(m->p + at * PAGE, PAGE, m->seed[at], at * PAGE),
			   "page %u is wrong", at);
	}
	step_device_reads(m, 0, NR_PAGES);
}

static void run_kind(void)
{
	const struct kind *kind = case_arg();
	const char *seed = getenv("VIOPF_TEST_SEED");
	static struct model m;
	unsigned int i, at, n;

	softiommu_set("unmap_mode", kind->mode);
	softiommu_set("unmap_coarse_pages", kind->coarse);
	softiommu_set("pgsizes", kind->pgsizes);
	m.random = seed ? (unsigned int)strtoul(seed, NULL, 0) : 1;
	m.next_seed = 1;
	rig_open(&m.rig, 1);
	m.p = kind->huge ? mem_huge(SIZE) : mem_anon(SIZE);
	rig_map(&m.rig, m.p, IOVA_BASE, SIZE);
	if (kind->huge)
		step_device_writes(&m, 0, NR_PAGES);
	verify_residency();
	for (i = 0; i < rounds(STEPS); i++) {
		draw_range(&m, &at, &n);
		steps[draw(&m, ARRAY_SIZE(steps))](&m, at, n);
		verify_residency();
	}
	check_all(&m);
	verify_residency();
	m.rig.odd_iommu = strcmp(kind->coarse, "0") != 0;
	rig_close(&m.rig);
}

/* The same where a run of pages becomes as large a leaf as it can. */
static void run_merging(void)
{
	softiommu_set("map_merge", "1");
	run_kind();
}

/* Parts of a resident 2 MiB leaf go; the rest is faulted in again, or stays. */
static void parts_of_a_leaf(void)
{
	const struct kind *kind = case_arg();
	struct vfio_iopf_stats before;
	struct rig rig;
	size_t i;
	char *p;

	softiommu_set("unmap_mode", kind->mode);
	softiommu_set("unmap_coarse_pages", kind->coarse);
	rig_open(&rig, 1);
	p = mem_huge(HUGE);
	memset(p, 1, HUGE);
	if (!is_huge(p, HUGE))
		skip_because("got no huge page");
	rig_map(&rig, p, IOVA_BASE, HUGE);
	for (i = 0; i < 512; i += 73) {
		dev_fill(&rig, IOVA_BASE, HUGE, i + 1);
		before = rig_stats(&rig);
		assert_ok(madvise(p + i * PAGE, PAGE, MADV_DONTNEED));
		verify_residency();
		/* One at least; the whole leaf at most. */
		assert_true(rig_stats(&rig).pages_evicted > before.pages_evicted);
		assert_true(rig_stats(&rig).pages_evicted - before.pages_evicted <= 512);
		dev_read(&rig, IOVA_BASE + i * PAGE, PAGE, SOFTDMA_OK);
		cpu_check_zero(p + i * PAGE, PAGE);
		assert_int_equal(sdma_pattern_check(p, i * PAGE, i + 1, 0), 0);
		verify_residency();
	}
	dev_fill(&rig, IOVA_BASE, HUGE, 99);
	cpu_check(p, HUGE, 99);
	rig.odd_iommu = strcmp(kind->coarse, "0") != 0;
	rig_close(&rig);
}

/*
 * The IOMMU reaches over into another segment. That is found when a device misses what is
 * gone there; by a worker too, who alone looks at a group of several requests.
 */
static void reached_over(void)
{
	struct softdma_desc desc = sdma_checksum(IOVA_BASE + 4 * PAGE, 2 * PAGE, 0);
	struct vfio_iopf_stats before;
	struct rig rig;
	char *p;

	softiommu_set("unmap_coarse_pages", "8");
	rig_open(&rig, 1);
	p = mem_anon(8 * PAGE);
	rig_map(&rig, p, IOVA_BASE, 4 * PAGE);
	rig_map(&rig, p + 4 * PAGE, IOVA_BASE + 4 * PAGE, 4 * PAGE);
	dev_fill(&rig, IOVA_BASE, 8 * PAGE, 1);
	assert_ok(madvise(p, PAGE, MADV_DONTNEED));

	before = rig_stats(&rig);
	desc.flags = SOFTDMA_F_GROUP(2);
	rig_do(&rig, &desc, SOFTDMA_OK);
	assert_grew(&rig, before, groups, 1);
	assert_grew(&rig, before, faults_spurious, 0);
	assert_int_equal(dev_read(&rig, IOVA_BASE + 6 * PAGE, PAGE, SOFTDMA_OK), 1);
	verify_residency();
	rig.odd_iommu = 1;
	rig_close(&rig);
}

/* What no device touched costs nothing. */
static void untouched_costs_nothing(void)
{
	struct vfio_iopf_stats s;
	struct rig rig;
	uint64_t tables;
	char *p;

	rig_open(&rig, 1);
	s = rig_stats(&rig);
	tables = softiommu_stat("table_pages");
	p = mem_anon(16 * s.segment_bytes);
	rig_map(&rig, p, IOVA_BASE, 16 * s.segment_bytes);
	assert_grew(&rig, s, segments, 0);
	assert_int_equal(softiommu_stat("table_pages"), tables);
	dev_fill(&rig, IOVA_BASE + 5 * s.segment_bytes, PAGE, 1);
	assert_grew(&rig, s, segments, 1);
	assert_grew(&rig, s, resident_pages, 1);
	dev_fill(&rig, IOVA_BASE + 9 * s.segment_bytes - PAGE, 2 * PAGE, 1);
	assert_grew(&rig, s, segments, 3);
	assert_grew(&rig, s, resident_pages, 3);
	/* An event where nothing is resident is no eviction. */
	s = rig_stats(&rig);
	assert_ok(madvise(p, s.segment_bytes, MADV_DONTNEED));
	assert_grew(&rig, s, evictions, 0);
	assert_grew(&rig, s, flushes, 0);
	/* One event over three segments with one page each. */
	assert_ok(madvise(p, 16 * s.segment_bytes, MADV_DONTNEED));
	assert_grew(&rig, s, pages_evicted, 3);
	assert_grew(&rig, s, evictions, 3);
	rig_close(&rig);
}

#define ALL_SIZES	"0x40201000"
#define UP_TO_2M	"0x201000"
#define ONLY_4K		"0x1000"

static const struct kind
	exact_all = { "exact", "0", ALL_SIZES, 1 }, whole_all = { "whole", "0", ALL_SIZES, 1 },
	refuse_all = { "refuse", "0", ALL_SIZES, 1 },
	exact_2m = { "exact", "0", UP_TO_2M, 1 }, whole_2m = { "whole", "0", UP_TO_2M, 1 },
	refuse_2m = { "refuse", "0", UP_TO_2M, 1 },
	exact_4k = { "exact", "0", ONLY_4K, 1 }, whole_4k = { "whole", "0", ONLY_4K, 0 },
	refuse_4k = { "refuse", "0", ONLY_4K, 0 },
	merged_4k = { "whole", "0", ONLY_4K, 1 },
	coarse_all = { "exact", "8", ALL_SIZES, 1 }, coarse_4k = { "whole", "16", ONLY_4K, 0 };

/*
 * Shared memory that the process has written is dirty, whatever a device does: one that has
 * read it may write it without asking again.
 */
static void dirty_already(void)
{
	char *p = mem_shared(8 * PAGE);
	struct vfio_iopf_stats before;
	struct rig rig;

	sdma_pattern_fill(p, 8 * PAGE, 1, 0);
	rig_open(&rig, 1);
	rig_map(&rig, p, IOVA_BASE, 8 * PAGE);
	before = rig_stats(&rig);
	dev_check(&rig, IOVA_BASE, 8 * PAGE, 1);
	assert_grew(&rig, before, groups, 8);
	dev_fill(&rig, IOVA_BASE, 8 * PAGE, 2);
	assert_grew(&rig, before, groups, 8);
	cpu_check(p, 8 * PAGE, 2);
	rig_close(&rig);
}

#define KIND(name_, kind_)	CASE(name_, run_kind, .arg = &(kind_), .limit_s = 240)
#define MERGING(name_, kind_)	CASE(name_, run_merging, .arg = &(kind_), .limit_s = 240)
#define PARTS(name_, kind_)	CASE(name_, parts_of_a_leaf, .arg = &(kind_))
static const struct suite_case cases[] = {
	KIND("S2 S3 R3 random steps, exact unmap, all leaf sizes", exact_all),
	KIND("S2 S3 R3 random steps, whole-leaf unmap, all leaf sizes", whole_all),
	KIND("S2 S3 R3 random steps, no unmap of a part, all leaf sizes", refuse_all),
	KIND("S2 S3 R3 random steps, exact unmap, up to 2 MiB", exact_2m),
	KIND("S2 S3 R3 random steps, whole-leaf unmap, up to 2 MiB", whole_2m),
	KIND("S2 S3 R3 random steps, no unmap of a part, up to 2 MiB", refuse_2m),
	KIND("S2 S3 R3 random steps, exact unmap, 4 KiB", exact_4k),
	KIND("S2 S3 R3 random steps, whole-leaf unmap, 4 KiB", whole_4k),
	KIND("S2 S3 R3 random steps, no unmap of a part, 4 KiB", refuse_4k),
	MERGING("S2 S3 R3 random steps, leaves merged within a call, up to 2 MiB", whole_2m),
	MERGING("S2 S3 R3 random steps, leaves merged within a call, 4 KiB", merged_4k),
	KIND("S2 S3 R3 random steps, unmap of more than asked, all leaf sizes", coarse_all),
	KIND("S2 S3 R3 random steps, unmap of more than asked, 4 KiB", coarse_4k),
	PARTS("S3 R3 R12 parts of a 2 MiB leaf, exact unmap", exact_all),
	PARTS("S3 R3 R12 parts of a 2 MiB leaf, whole-leaf unmap", whole_all),
	PARTS("S3 R3 R12 parts of a 2 MiB leaf, no unmap of a part", refuse_all),
	PARTS("S3 R3 R12 parts of a 2 MiB leaf, unmap of more than asked", coarse_all),
	CASE("S2 R3 unmap of more than asked, in another segment", reached_over, .iopf = EXACT),
	CASE("S2 R16 what is dirty already devices may write", dirty_already, .iopf = EXACT),
	CASE("S2 S4 what no device touched costs nothing", untouched_costs_nothing,
	     .iopf = EXACT),
};

int main(int argc, char **argv)
{
	return SUITE(cases, argc, argv);
}
