// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an eviction costs and what it may do: one flush of the IOTLB for each
 * domain, however many pages; no allocation at all; no failure. The software
 * IOMMU keeps a translation until it is flushed, so a flush too few is a wrong
 * access (every other test would see that), and one too many is counted here.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "failures.h"
#include "load.h"

#define NR_PAGES	512
#define SIZE		(NR_PAGES * PAGE)

static void one_flush_each(unsigned int devices, unsigned int domains)
{
	struct vfio_iopf_stats before;
	uint64_t flushes;
	struct rig rig;
	int i;
	char *p;

	rig_open(&rig, devices);
	p = mem_anon(SIZE);
	rig_map(&rig, p, IOVA_BASE, SIZE);
	for (i = 1; i <= NR_PAGES; i *= 8) {
		dev_fill(&rig, IOVA_BASE, SIZE, 1);
		before = rig_stats(&rig);
		flushes = softiommu_stat("flushes");
		assert_ok(madvise(p, (size_t)i * PAGE, MADV_DONTNEED));
		assert_grew(&rig, before, pages_evicted, i);
		assert_grew(&rig, before, evictions, 1);
		assert_grew(&rig, before, flushes, domains);
		assert_int_equal(softiommu_stat("flushes") - flushes, domains);
	}
	rig_close(&rig);
}

static void one_domain(void)
{
	one_flush_each(1, 1);
}

static void two_domains(void)
{
	one_flush_each(2, 2);
}

/* Pages here and there: still one flush. */
static void scattered(void)
{
	struct vfio_iopf_stats before;
	uint64_t flushes;
	struct rig rig;
	size_t i;
	char *p;

	p = rig_open_anon(&rig, SIZE);
	for (i = 0; i < SIZE; i += 7 * PAGE)
		dev_write(&rig, IOVA_BASE + i, PAGE, SOFTDMA_OK);
	before = rig_stats(&rig);
	flushes = softiommu_stat("flushes");
	assert_ok(madvise(p, SIZE, MADV_DONTNEED));
	assert_grew(&rig, before, pages_evicted, (NR_PAGES + 6) / 7);
	assert_grew(&rig, before, flushes, 1);
	assert_int_equal(softiommu_stat("flushes") - flushes, 1);
	rig_close(&rig);
}

/* Nothing resident: nothing to do. */
static void nothing_resident(void)
{
	struct vfio_iopf_stats before;
	uint64_t flushes;
	struct rig rig;
	char *p;

	p = rig_open_anon(&rig, SIZE);
	dev_fill(&rig, IOVA_BASE, PAGE, 1);
	memset(p + PAGE, 1, SIZE - PAGE);
	before = rig_stats(&rig);
	flushes = softiommu_stat("flushes");
	assert_ok(madvise(p + PAGE, SIZE - PAGE, MADV_DONTNEED));
	assert_grew(&rig, before, invalidations, 1);
	assert_grew(&rig, before, evictions, 0);
	assert_grew(&rig, before, flushes, 0);
	assert_int_equal(softiommu_stat("flushes"), flushes);
	rig_close(&rig);
}

/* A flush that is left out is seen: the oracle of all tests, tested. */
static void missing_flush_is_seen(void)
{
	struct softdma_desc check = sdma_check(IOVA_BASE, SIZE, 1, 0);
	int fd = memfd_new(SIZE, 0);
	struct rig rig;
	char *p;

	p = rig_open_anon(&rig, SIZE);
	dev_fill(&rig, IOVA_BASE, SIZE, 1);
	assert_ok(madvise(p, SIZE, MADV_DONTNEED));
	rig_do(&rig, &check, SOFTDMA_OK);
	assert_true(check.result > 0);		/* zero pages */

	/* The file keeps the old pages, so that KASAN has no say in who reads them. */
	assert_ptr_equal(mmap(p, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0), p);
	sdma_pattern_fill(p, SIZE, 1, 0);
	dev_check(&rig, IOVA_BASE, SIZE, 1);
	softiommu_set("skip_flush", "1\n");
	assert_ptr_equal(mmap(p, SIZE, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), p);
	sdma_pattern_fill(p, SIZE, 2, 0);
	check = sdma_check(IOVA_BASE, SIZE, 2, 0);
	rig_do(&rig, &check, SOFTDMA_OK);
	assert_true(check.result > 0);		/* the old pages */
	softiommu_set("reset_knobs", "1\n");
	close(fd);
	rig_close(&rig);
}

/* Make ready for allocations to fail. The switch is a file: opened now, not then. */
static int prepare_failures(void)
{
	static const char * const kinds[] = { "failslab", "fail_page_alloc" };
	size_t i;
	int fd;

	failures_prepare();
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		failures_set(kinds[i], "task-filter", "Y\n");
		failures_set(kinds[i], "interval", "1\n");
		failures_set(kinds[i], "space", "0\n");
		failures_set(kinds[i], "probability", "100\n");
	}
	fd = open("/proc/self/make-it-fail", O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

/* From now on every allocation of this task fails, or (0) works again. */
static void fail_allocations(int fd, int on)
{
	assert_int_equal(write(fd, on ? "1" : "0", 1), 1);
}

/* With every allocation failing an eviction does all it has to. */
static void no_allocation(const char *mode, int huge)
{
	struct vfio_iopf_stats before;
	struct rig rig;
	size_t i, size = 2 * HUGE;
	int fd = prepare_failures();
	char *p;

	softiommu_set("unmap_mode", mode);
	rig_open(&rig, 1);
	p = huge ? mem_huge(size) : mem_anon(size);
	memset(p, 1, size);
	rig_map(&rig, p, IOVA_BASE, size);
	for (i = 0; i < 4; i++) {
		size_t part = i % 2 ? size : size / 8;

		dev_fill(&rig, IOVA_BASE, size, i + 1);
		before = rig_stats(&rig);
		fail_allocations(fd, 1);
		/* A huge page can't be split without an allocation: all of it then. */
		madvise(p, huge ? size : part, MADV_DONTNEED);
		fail_allocations(fd, 0);
		assert_true(rig_stats(&rig).pages_evicted - before.pages_evicted >= part / PAGE);
		verify_residency();
		cpu_check_zero(p, part);
		dev_read(&rig, IOVA_BASE, part, SOFTDMA_OK);
	}
	close(fd);
	rig_close(&rig);
}

static void no_allocation_exact(void)
{
	no_allocation("exact", 0);
}

static void no_allocation_huge(void)
{
	no_allocation("whole", 1);
}

/* Mapping for the device runs out of memory for tables: it waits, it never fails. */
static void tables_are_short(void)
{
	char nth[16];
	struct rig rig;
	unsigned int i;
	char *p;

	p = rig_open_anon(&rig, SIZE);
	for (i = 1; i < 12; i++) {
		struct vfio_iopf_stats before = rig_stats(&rig);

		snprintf(nth, sizeof(nth), "%u\n", i);
		softiommu_set("map_fail_nth", nth);
		dev_fill(&rig, IOVA_BASE, 16 * PAGE, i);
		assert_grew(&rig, before, resp_invalid, 0);
		assert_grew(&rig, before, resp_failure, 0);
		cpu_check(p, 16 * PAGE, i);
		verify_residency();
		softiommu_set("map_fail_nth", "0\n");
		assert_ok(madvise(p, SIZE, MADV_DONTNEED));
	}
	assert_true(rig_stats(&rig).backoffs > 0);
	rig_close(&rig);
}

static const struct suite_case cases[] = {
	CASE("S4 one flush an eviction", one_domain, .iopf = EXACT),
	CASE("S4 S8 one flush an eviction and domain", two_domains, .iopf = EXACT,
	     TWO_IOMMUS),
	CASE("S4 one flush for scattered pages", scattered, .iopf = EXACT),
	CASE("S4 no flush where nothing is resident", nothing_resident, .iopf = EXACT),
	CASE("S4 a flush left out is seen by the device's data", missing_flush_is_seen),
	CASE("R1 R5 evictions while every allocation fails, small pages", no_allocation_exact),
	CASE("R1 R5 R12 evictions while every allocation fails, huge pages", no_allocation_huge),
	CASE("R1 S6 a fault waits where page table memory is short", tables_are_short,
	     .iopf = EXACT),
};

int main(int argc, char **argv)
{
	return SUITE(cases, argc, argv);
}
