// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the device wrote is not lost. The kernel drops a page without writing it
 * if it believes that storage has the same content; only the dirty bit tells it
 * otherwise, and a device behind an IOMMU sets none. So each case brings pages
 * into a state where storage has a copy of them, has the device write, and has
 * the kernel drop them. Swap is on a loop device here, as pages stay in the
 * swap cache with that; with zram they don't.
 *
 * LANES: stock intel
 * CPUS: 2
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "advice.h"
#include "rig.h"

#define NR_PAGES	1024
#define SIZE		(NR_PAGES * PAGE)

/* The CPU looks at every page: present, and as clean as before. */
static void read_all(const char *p, size_t size)
{
	volatile const char *at = p;
	size_t i;

	for (i = 0; i < size; i += PAGE)
		(void)at[i];
}

/* Swapped out, read back, written by the device, swapped out: still there? */
static void write_to_swap_cache(struct rig *rig, char *p, int device_reads_first)
{
	sdma_pattern_fill(p, SIZE, 1, 0);
	page_out(p, SIZE);
	read_all(p, SIZE);
	assert_int_equal(pages_present(p, SIZE), NR_PAGES);
	if (device_reads_first)
		dev_check(rig, IOVA_BASE, SIZE, 1);
	dev_fill(rig, IOVA_BASE, SIZE, 2);
	page_out(p, SIZE);
	cpu_check(p, SIZE, 2);
}

static void anonymous(void)
{
	struct rig rig;
	char *p;

	swap_on_loop(32);
	p = rig_open_anon(&rig, SIZE);
	write_to_swap_cache(&rig, p, 0);
	rig_close(&rig);
}

static void anonymous_read_first(void)
{
	struct rig rig;
	char *p;

	swap_on_loop(32);
	p = rig_open_anon(&rig, SIZE);
	write_to_swap_cache(&rig, p, 1);
	write_to_swap_cache(&rig, p, 1);
	rig_close(&rig);
}

static void shared(void)
{
	struct rig rig;
	char *p;

	swap_on_loop(32);
	rig_open(&rig, 1);
	p = mem_shared(SIZE);
	rig_map(&rig, p, IOVA_BASE, SIZE);
	write_to_swap_cache(&rig, p, 0);
	write_to_swap_cache(&rig, p, 1);
	rig_close(&rig);
}

/* The device brings the pages in itself, reads, then writes. */
static void brought_in_by_the_device(void)
{
	struct rig rig;
	char *p;

	swap_on_loop(32);
	p = rig_open_anon(&rig, SIZE);
	sdma_pattern_fill(p, SIZE, 1, 0);
	page_out(p, SIZE);
	dev_check(&rig, IOVA_BASE, SIZE, 1);
	dev_fill(&rig, IOVA_BASE, SIZE, 2);
	page_out(p, SIZE);
	dev_check(&rig, IOVA_BASE, SIZE, 2);
	/* Clean again by now; the device writes once more. */
	dev_fill(&rig, IOVA_BASE, SIZE, 3);
	page_out(p, SIZE);
	cpu_check(p, SIZE, 3);
	rig_close(&rig);
}

/* MADV_FREE'd pages that the device writes are not free any more. */
static void lazily_freed(void)
{
	struct rig rig;
	char *p;

	swap_on_loop(32);
	p = rig_open_anon(&rig, SIZE);
	sdma_pattern_fill(p, SIZE, 1, 0);
	dev_check(&rig, IOVA_BASE, SIZE, 1);
	assert_ok(madvise(p, SIZE, MADV_FREE));
	read_all(p, SIZE);
	dev_fill(&rig, IOVA_BASE, SIZE, 2);
	page_out(p, SIZE);
	cpu_check(p, SIZE, 2);
	rig_close(&rig);
}

/* A neighbour that nobody asked for must not be dropped as clean, nor dirtied. */
static void neighbours(void)
{
	struct vfio_iopf_stats before;
	struct rig rig;
	size_t i;
	char *p;

	swap_on_loop(32);
	p = rig_open_anon(&rig, SIZE);
	sdma_pattern_fill(p, SIZE, 1, 0);
	page_out(p, SIZE);
	read_all(p, SIZE);
	before = rig_stats(&rig);
	for (i = 0; i < SIZE; i += 16 * PAGE) {
		struct softdma_desc fill = sdma_fill(IOVA_BASE + i, PAGE, 2, i);

		rig_do(&rig, &fill, SOFTDMA_OK);
	}
	assert_true(rig_stats(&rig).dirtied_pages - before.dirtied_pages <= NR_PAGES / 16);
	page_out(p, SIZE);
	for (i = 0; i < SIZE; i += PAGE) {
		uint64_t seed = i % (16 * PAGE) ? 1 : 2;

		assert_int_equal(sdma_pattern_check(p + i, PAGE, seed, i), 0);
	}
	rig_close(&rig);
}

static void huge_pages(void)
{
	struct rig rig;
	char *p;

	swap_on_loop(32);
	rig_open(&rig, 1);
	p = mem_huge(2 * HUGE);
	memset(p, 1, 2 * HUGE);
	if (!is_huge(p, 2 * HUGE))
		skip_because("got no huge page");
	rig_map(&rig, p, IOVA_BASE, 2 * HUGE);
	dev_fill(&rig, IOVA_BASE, 2 * HUGE, 1);
	page_out(p, 2 * HUGE);
	read_all(p, 2 * HUGE);
	dev_fill(&rig, IOVA_BASE, 2 * HUGE, 2);
	page_out(p, 2 * HUGE);
	cpu_check(p, 2 * HUGE, 2);
	rig_close(&rig);
}

/*
 * A huge page that is mapped page by page, as the process gave one page of it up. That
 * page, touched again, is small, and on its own: what is so of the huge page it lies in
 * the middle of is not so of it.
 */
static char *huge_with_a_small_page(void)
{
	char *p = mem_huge(HUGE);

	memset(p, 1, HUGE);
	if (!is_huge(p, HUGE))
		skip_because("got no huge page");
	assert_ok(madvise(p + PAGE, PAGE, MADV_DONTNEED));
	sdma_pattern_fill(p + PAGE, PAGE, 1, 0);
	return p;
}

/* A batch of pages that were given up is a CPU's: stay on this one. */
static void stay_on_this_cpu(void)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	assert_ok(sched_setaffinity(0, sizeof(one), &one));
}

/*
 * The small page is in a state where storage has what is in it, or nobody needs it. The
 * device may write the range, all of it by advice or what lies around a fault.
 */
static void small_page(int given_up, int prefetched)
{
	struct rig rig;
	char *p;

	swap_on_loop(32);
	stay_on_this_cpu();
	rig_open(&rig, 1);
	p = huge_with_a_small_page();
	rig_map(&rig, p, IOVA_BASE, HUGE);
	if (given_up) {
		assert_ok(madvise(p + PAGE, PAGE, MADV_FREE));
	} else {
		page_out(p + PAGE, PAGE);
		read_all(p + PAGE, PAGE);
	}
	if (prefetched)
		advise(&rig, VFIO_IOPF_ADV_PREFETCH_WRITE, IOVA_BASE, HUGE);
	else
		dev_fill(&rig, IOVA_BASE, PAGE, 2);
	dev_fill(&rig, IOVA_BASE + PAGE, PAGE, 3);
	page_out(p + PAGE, PAGE);
	cpu_check(p + PAGE, PAGE, 3);
	rig_close(&rig);
}

static void small_page_given_up_prefetched(void)
{
	small_page(1, 1);
}

static void small_page_swapped_prefetched(void)
{
	small_page(0, 1);
}

static void small_page_given_up_beside_a_fault(void)
{
	small_page(1, 0);
}

static void forget_caches(void)
{
	sync();
	assert_ok(file_write("/proc/sys/vm/drop_caches", "1\n"));
}

/* What is on the disk, read past the mapping. */
static void assert_on_disk(int fd, uint64_t seed)
{
	char *buf = mem_anon(SIZE);

	forget_caches();
	assert_int_equal(pread(fd, buf, SIZE, 0), SIZE);
	cpu_check(buf, SIZE, seed);
	munmap(buf, SIZE);
}

/* Written, synced (clean, and watched for the next write), written again. */
static void file_shared(void)
{
	int fd = ext4_file(SIZE);
	struct rig rig;
	uint64_t seed;
	char *p;

	rig_open(&rig, 1);
	p = mem_file(fd, SIZE, MAP_SHARED);
	rig_map(&rig, p, IOVA_BASE, SIZE);
	for (seed = 1; seed < 5; seed++) {
		dev_fill(&rig, IOVA_BASE, SIZE, seed);
		assert_ok(fsync(fd));
		if (seed % 2)
			dev_check(&rig, IOVA_BASE, SIZE, seed);
	}
	/* Not mapped any more, so that the page cache can let go of it. */
	assert_ok(munmap(p, SIZE));
	assert_on_disk(fd, 4);
	close(fd);
	rig_close(&rig);
	ext4_unmount();
}

/* A private mapping gets copies; the file keeps what it has. */
static void file_private(void)
{
	int fd = ext4_file(SIZE);
	struct rig rig;
	char *p, *shared;

	swap_on_loop(32);
	rig_open(&rig, 1);
	shared = mem_file(fd, SIZE, MAP_SHARED);
	sdma_pattern_fill(shared, SIZE, 1, 0);
	p = mem_file(fd, SIZE, MAP_PRIVATE);
	rig_map(&rig, p, IOVA_BASE, SIZE);
	dev_check(&rig, IOVA_BASE, SIZE, 1);
	dev_fill(&rig, IOVA_BASE, SIZE, 2);
	page_out(p, SIZE);
	cpu_check(p, SIZE, 2);
	cpu_check(shared, SIZE, 1);
	munmap(shared, SIZE);
	assert_on_disk(fd, 1);
	close(fd);
	rig_close(&rig);
	munmap(p, SIZE);
	ext4_unmount();
}

static const struct suite_case cases[] = {
	CASE("S1 lost writes: none to pages in the swap cache", anonymous),
	CASE("S1 lost writes: none after the device read the page", anonymous_read_first),
	CASE("S1 lost writes: none to shared memory in the swap cache", shared),
	CASE("S1 lost writes: none to pages the device brought in", brought_in_by_the_device),
	CASE("S1 lost writes: none to lazily freed pages", lazily_freed),
	CASE("S1 S9 R13 lost writes: neighbours are neither lost nor dirtied", neighbours),
	CASE("S1 lost writes: none to huge pages", huge_pages),
	CASE("S1 R14 lost writes: none to a small page among huge ones, given up, prefetched",
	     small_page_given_up_prefetched),
	CASE("S1 R14 lost writes: none to a small page among huge ones, swapped, prefetched",
	     small_page_swapped_prefetched),
	CASE("S1 S9 lost writes: none to a small page among huge ones, given up, beside a fault",
	     small_page_given_up_beside_a_fault, .iopf = "window_fixed=16"),
	CASE("S1 lost writes: none to a file, write after write-back", file_shared),
	CASE("S1 lost writes: none to copies of a file's pages", file_private),
};

int main(int argc, char **argv)
{
	return SUITE(cases, argc, argv);
}
