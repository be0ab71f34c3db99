// SPDX-License-Identifier: GPL-2.0-only
/*
 * Aging: the kernel asks which pages are in use, and devices' use counts (module/table/aging.c).
 *
 * The kernel is made to ask about all of a memory cgroup's pages by a command of the
 * multi-generational LRU (Documentation/admin-guide/mm/multigen_lru.rst): it clears the
 * accessed bits in the page tables of the group's processes, as reclaim does when it
 * looks for old pages. Rings are allocated before the test enters the group, and so are
 * not asked about. The machine has memory in plenty, so that nobody else asks.
 *
 * VM: --mem 3G
 * LANES: stock next debug
 * CPUS: 2
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "advice.h"
#include "handled.h"
#include "load.h"
#include "locking.h"
#include "rig.h"
#include "tracing.h"

#define NR_PAGES	256
#define SIZE		(NR_PAGES * PAGE)
#define ALIASES		64	/* mappings of a page that are asked about it */

/* A question is over by the time that pages are sampled, on a slow kernel as well. */
#define ALL_ASKED	"aging_delay_ms=500"
#define ALL_PAGEWISE	PAGEWISE " " ALL_ASKED
#define SAMPLED_S	30
#define NOT_SAMPLED_MS	1000

#define OBSERVERS	"/sys/module/vfio_iommu_iopf/parameters/aging_observers"
#define PAGE_IDLE	"/sys/kernel/mm/page_idle/bitmap"

static int opened(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);

	assert_msg(fd >= 0, "%s: %m", path);
	return fd;
}

/*
 * User-mode Linux keeps no accessed bits, so that the command has nothing to look at. There
 * idle page tracking asks about each page that is charged to the group, and is let count. It
 * passes by what waits in the CPU's batch, too, which MADV_COLD empties.
 */
static void ask_one_by_one(void)
{
	int of_group = opened("/proc/kpagecgroup", O_RDONLY), idle = opened(PAGE_IDLE, O_WRONLY);
	uint64_t groups[512], ask[ARRAY_SIZE(groups) / 64];
	char *p = mem_anon(PAGE);
	struct stat group;
	size_t i;

	assert_ok(madvise(p, PAGE, MADV_COLD));
	munmap(p, PAGE);
	assert_ok(stat(CGROUP, &group));
	assert_ok(file_write(OBSERVERS, "Y\n"));
	while (read(of_group, groups, sizeof(groups)) == sizeof(groups)) {
		memset(ask, 0, sizeof(ask));
		for (i = 0; i < ARRAY_SIZE(groups); i++)
			if (groups[i] == group.st_ino)
				ask[i / 64] |= 1ull << i % 64;
		assert_int_equal(write(idle, ask, sizeof(ask)), sizeof(ask));
	}
	assert_ok(file_write(OBSERVERS, "N\n"));
	close(idle);
	close(of_group);
}

/*
 * Ask about every page of the group once. What has just been allocated waits in the CPUs'
 * batches for the lists of the LRU, and newer kernels pass it by: migrate_pages() begins
 * by emptying them (lru_cache_disable()).
 */
static void ask_about_all(void)
{
	unsigned long node = 1;

	if (lane_is("uml")) {
		ask_one_by_one();
		return;
	}
	assert_ok(syscall(SYS_migrate_pages, 0, 2, &node, &node));
	assert_ok(lru_age("/viopf"));
}

static void enter_group(void)
{
	cgroup_make("max", "max");
	cgroup_enter(CGROUP);
	if (file_write("/sys/kernel/mm/lru_gen/enabled", "y\n") || access(LRU_GEN, W_OK))
		skip_because("this kernel has no multi-generational LRU, or no debugfs");
}

struct aged {
	struct rig rig;
	char *p;			/* NR_PAGES at IOVA_BASE that the CPU has touched */
	struct vfio_iopf_stats before;
};

static void aged_open(struct aged *a)
{
	rig_open(&a->rig, 1);
	enter_group();
	a->p = mem_anon(SIZE);
	sdma_pattern_fill(a->p, SIZE, 1, 0);
	rig_map(&a->rig, a->p, IOVA_BASE, SIZE);
}

static void aged_close(struct aged *a)
{
	rig_close(&a->rig);
	cgroup_enter(CGROUP_ROOT);
}

/* A question about all: so many pages are young, and unmapped some time after it. */
static void expect_young(struct aged *a, unsigned int young)
{
	a->before = rig_stats(&a->rig);
	ask_about_all();
	assert_grew(&a->rig, a->before, pages_young, young);
	assert_msg(wait_until(rig_stats(&a->rig).pages_sampled ==
			      a->before.pages_sampled + young, SAMPLED_S),
		   "%llu pages sampled, not %u",
		   rig_stats(&a->rig).pages_sampled - a->before.pages_sampled, young);
	assert_grew(&a->rig, a->before, resident_pages, -(long long)young);
	assert_grew(&a->rig, a->before, pages_evicted, 0);
	verify_residency();
}

/* What a device used is young, once; used again, it is young again. */
static void used_by_the_device(void)
{
	struct aged a;

	aged_open(&a);
	dev_check(&a.rig, IOVA_BASE, SIZE, 1);
	expect_young(&a, NR_PAGES);
	/* Asked one by one, they may be sampled in more than one go. */
	if (!lane_is("uml"))
		assert_grew(&a.rig, a.before, flushes, 1);
	expect_young(&a, 0);

	a.before = rig_stats(&a.rig);
	assert_int_equal(dev_read(&a.rig, IOVA_BASE + 8 * PAGE, 4 * PAGE, SOFTDMA_OK), 4);
	assert_grew(&a.rig, a.before, bring_ins, 0);
	expect_young(&a, 4);
	dev_fill(&a.rig, IOVA_BASE, SIZE, 2);
	expect_young(&a, NR_PAGES);
	cpu_check(a.p, SIZE, 2);
	dev_check(&a.rig, IOVA_BASE, SIZE, 2);
	aged_close(&a);
}

/* The device comes back to all of it by a fault for each 256 KiB, and no more than that. */
static void comes_back_together(void)
{
	static const unsigned int pages[] = { 160, 32, 255, 64 };
	struct aged a;
	unsigned int i;
	char *other;

	aged_open(&a);
	other = mem_anon(SIZE);
	sdma_pattern_fill(other, SIZE, 1, 0);
	rig_map(&a.rig, other, IOVA_BASE + (1ull << 30), SIZE);
	advise(&a.rig, VFIO_IOPF_ADV_PREFETCH_READ, IOVA_BASE, SIZE);
	expect_young(&a, NR_PAGES);

	a.before = rig_stats(&a.rig);
	for (i = 0; i < ARRAY_SIZE(pages); i++)
		assert_int_equal(dev_read(&a.rig, IOVA_BASE + pages[i] * PAGE, PAGE, SOFTDMA_OK),
				 1);
	assert_grew(&a.rig, a.before, pages_mapped, NR_PAGES);
	assert_grew(&a.rig, a.before, bring_ins, 0);
	dev_check(&a.rig, IOVA_BASE, SIZE, 1);
	assert_grew(&a.rig, a.before, groups, ARRAY_SIZE(pages));

	/* What was never sampled is mapped by the page, as before. */
	dev_read(&a.rig, IOVA_BASE + (1ull << 30) + 20 * PAGE, PAGE, SOFTDMA_OK);
	assert_grew(&a.rig, a.before, pages_mapped, NR_PAGES + 1);
	/* Nor is what has come back and then gone for another reason. */
	advise(&a.rig, VFIO_IOPF_ADV_EVICT, IOVA_BASE, SIZE);
	dev_read(&a.rig, IOVA_BASE + 20 * PAGE, PAGE, SOFTDMA_OK);
	assert_true(rig_stats(&a.rig).pages_mapped < a.before.pages_mapped + NR_PAGES + 1 + 64);
	aged_close(&a);
}

/* What the mm has taken away in between was used by no device. */
static void evicted(void)
{
	struct aged a;

	aged_open(&a);
	dev_check(&a.rig, IOVA_BASE, SIZE, 1);
	assert_ok(madvise(a.p, SIZE / 2, MADV_DONTNEED));
	sdma_pattern_fill(a.p, SIZE / 2, 1, 0);
	expect_young(&a, NR_PAGES / 2);
	assert_ok(viopf_unmap(a.rig.c, IOVA_BASE, SIZE, NULL));
	a.before = rig_stats(&a.rig);
	ask_about_all();
	assert_grew(&a.rig, a.before, pages_young, 0);
	aged_close(&a);
}

/* Two mappings of the same memory: either's use counts. */
static void mapped_twice(void)
{
	struct aged a;

	aged_open(&a);
	rig_map(&a.rig, a.p, IOVA_BASE + (1ull << 30), SIZE);
	dev_read(&a.rig, IOVA_BASE, 8 * PAGE, SOFTDMA_OK);
	dev_read(&a.rig, IOVA_BASE + (1ull << 30) + 4 * PAGE, 8 * PAGE, SOFTDMA_OK);
	expect_young(&a, 16);
	aged_close(&a);
}

/* Mapped very often: a question goes to so many, and the others make nothing young. */
static void mapped_often(void)
{
	struct aged a;
	unsigned int i;

	aged_open(&a);
	for (i = 0; i < 3 * ALIASES; i++) {
		rig_map(&a.rig, a.p, IOVA_BASE + (1ull << 30) + i * HUGE, PAGE);
		dev_read(&a.rig, IOVA_BASE + (1ull << 30) + i * HUGE, PAGE, SOFTDMA_OK);
	}
	expect_young(&a, ALIASES);
	expect_young(&a, 0);
	assert_ok(madvise(a.p, PAGE, MADV_DONTNEED));
	assert_grew(&a.rig, a.before, pages_evicted, 2 * ALIASES);
	aged_close(&a);
}

/* A huge page is asked about as one, and unmapped as one. */
static void huge(void)
{
	struct aged a;
	char *p;

	rig_open(&a.rig, 1);
	enter_group();
	p = mem_huge(2 * HUGE);
	memset(p, 1, 2 * HUGE);
	if (!is_huge(p, 2 * HUGE))
		skip_because("got no huge page");
	rig_map(&a.rig, p, IOVA_BASE, 2 * HUGE);
	assert_int_equal(dev_read(&a.rig, IOVA_BASE + 7 * PAGE, PAGE, SOFTDMA_OK), 1);
	expect_young(&a, HUGE / PAGE);
	assert_int_equal(dev_read(&a.rig, IOVA_BASE + 9 * PAGE, PAGE, SOFTDMA_OK), 1);
	assert_grew(&a.rig, a.before, huge_mapped, 1);
	expect_young(&a, HUGE / PAGE);
	aged_close(&a);
}

#define THP		"/sys/kernel/mm/transparent_hugepage/khugepaged/"
#define SCANNED		"/sys/kernel/tracing/events/huge_memory/mm_khugepaged_scan_pmd/enable"

/* Has khugepaged looked at 2 MiB of which so many pages had been used, and all are there? */
static unsigned int scans(const char *referenced)
{
	return trace_count("mm_khugepaged_scan_pmd", referenced, " none_or_zero=0,", NULL);
}

/* From here on it looks at memory from which traces of the process's own use are wiped out. */
static void scan_anew(char *p)
{
	assert_ok(file_write("/proc/self/clear_refs", "1\n"));
	trace_start();
	assert_ok(madvise(p, HUGE, MADV_HUGEPAGE));
}

/*
 * khugepaged asks about one page after the other, as it collapses nothing that nobody uses,
 * and tells how many are used: none but by the device.
 */
static void looked_at_singly(void)
{
	struct rig rig;
	char *p;

	trace_start();
	if (access(SCANNED, W_OK)) {
		trace_stop();
		skip_because("a kernel without huge pages");
	}
	p = rig_open_anon(&rig, HUGE);
	sdma_pattern_fill(p, HUGE, 1, 0);
	assert_ok(file_write(SCANNED, "1\n"));
	assert_ok(file_write(THP "pages_to_scan", "8192\n"));
	assert_ok(file_write(THP "scan_sleep_millisecs", "50\n"));
	scan_anew(p);
	assert_true(wait_until(scans(" referenced=0,"), 60));
	assert_int_equal(scans(" referenced=512,"), 0);
	assert_ok(madvise(p, HUGE, MADV_NOHUGEPAGE));
	dev_check(&rig, IOVA_BASE, HUGE, 1);
	scan_anew(p);
	assert_true(wait_until(scans(" referenced=512,"), 60));
	assert_ok(file_write(SCANNED, "0\n"));
	trace_stop();
	rig_close(&rig);
}

static void nothing_sampled(struct aged *a, unsigned int young)
{
	a->before = rig_stats(&a->rig);
	ask_about_all();
	assert_grew(&a->rig, a->before, pages_young, young);
	nap_ms(NOT_SAMPLED_MS);
	assert_grew(&a->rig, a->before, pages_sampled, 0);
	assert_grew(&a->rig, a->before, resident_pages, 0);
}

#define DAMON_STAT	"/sys/module/damon_stat/parameters/enabled"
#define DAMON		"/sys/kernel/mm/damon/admin/kdamonds/"
#define CONTEXT		DAMON "0/contexts/0/"

/* Have one page asked about every 5 ms (Documentation/admin-guide/mm/damon/usage.rst). */
static void keep_asking_about_page(const char *p)
{
	if (file_write(DAMON "nr_kdamonds", "1\n"))
		skip_because("no DAMON in this kernel");
	/* Where it is used for statistics, it is for nothing else. */
	file_write(DAMON_STAT, "N\n");
	assert_ok(file_write(DAMON "0/contexts/nr_contexts", "1\n"));
	assert_ok(file_write(CONTEXT "operations", "fvaddr\n"));
	assert_ok(file_write(CONTEXT "targets/nr_targets", "1\n"));
	assert_ok(shell("echo %d >" CONTEXT "targets/0/pid_target", getpid()));
	assert_ok(file_write(CONTEXT "targets/0/regions/nr_regions", "1\n"));
	assert_ok(shell("echo %lu >" CONTEXT "targets/0/regions/0/start", (unsigned long)p));
	assert_ok(shell("echo %lu >" CONTEXT "targets/0/regions/0/end", (unsigned long)p + PAGE));
	assert_ok(file_write(DAMON "0/state", "on\n"));
}

/*
 * A large leaf over pages that the CPU maps one by one, and of which one is asked about:
 * as the others are young, the leaf stays.
 */
static void huge_in_part(void)
{
	struct aged a;
	char *p;

	rig_open(&a.rig, 1);
	enter_group();
	p = mem_huge(HUGE);
	memset(p, 1, HUGE);
	if (!is_huge(p, HUGE))
		skip_because("got no huge page");
	assert_ok(mprotect(p, PAGE, PROT_READ));
	assert_ok(mprotect(p, PAGE, PROT_READ | PROT_WRITE));
	assert_false(is_huge(p, HUGE));
	rig_map(&a.rig, p, IOVA_BASE, HUGE);
	a.before = rig_stats(&a.rig);
	advise(&a.rig, VFIO_IOPF_ADV_PREFETCH_WRITE, IOVA_BASE, HUGE);
	assert_grew(&a.rig, a.before, huge_mapped, 1);

	a.before = rig_stats(&a.rig);
	keep_asking_about_page(p + 7 * PAGE);
	assert_true(wait_until(rig_stats(&a.rig).pages_young > a.before.pages_young + 3,
			       SAMPLED_S));
	assert_ok(file_write(DAMON "0/state", "off\n"));
	/* The last sampling makes all of it young again. */
	nap_ms(NOT_SAMPLED_MS);
	assert_grew(&a.rig, a.before, pages_sampled, 0);
	assert_grew(&a.rig, a.before, resident_pages, 0);
	expect_young(&a, HUGE / PAGE);
	aged_close(&a);
}

/* Pinned pages stay mapped, among others that don't. */
static void pinned(void)
{
	struct aged a;

	limit_locking(1 << 20);
	aged_open(&a);
	advise(&a.rig, VFIO_IOPF_ADV_PIN, IOVA_BASE + 8 * PAGE, 16 * PAGE);
	nothing_sampled(&a, 16);
	dev_check(&a.rig, IOVA_BASE, SIZE, 1);
	a.before = rig_stats(&a.rig);
	ask_about_all();
	assert_grew(&a.rig, a.before, pages_young, NR_PAGES - 16);
	assert_true(wait_until(rig_stats(&a.rig).resident_pages ==
			       a.before.resident_pages - (NR_PAGES - 16), SAMPLED_S));
	residency_is(&a.rig, IOVA_BASE + 8 * PAGE, 16, RW | VFIO_IOPF_PAGE_PINNED);
	residency_is(&a.rig, IOVA_BASE + 24 * PAGE, NR_PAGES - 24, 0);
	aged_close(&a);
}

/* User space has agreed to a page, and isn't asked anew. */
static void user_handled(void)
{
	struct vfio_iopf_stats before;
	struct handled h;

	enter_group();
	handled_open(&h, 1);
	decide(&h, ask_and_take(&h, 0, 1, 3), VFIO_IOPF_FAULT_CONTINUE);
	ends(&h, 0, 1, SOFTDMA_OK);
	before = rig_stats(&h.rig);
	ask_about_all();
	assert_true(rig_stats(&h.rig).pages_young > before.pages_young);
	nap_ms(NOT_SAMPLED_MS);
	residency_is(&h.rig, IOVA_BASE + 3 * PAGE, 1, RW);
	handled_close(&h);
	cgroup_enter(CGROUP_ROOT);
}

static void switched_off(void)
{
	struct aged a;

	aged_open(&a);
	dev_check(&a.rig, IOVA_BASE, SIZE, 1);
	nothing_sampled(&a, 0);
	assert_ok(file_write("/sys/module/vfio_iommu_iopf/parameters/aging", "Y\n"));
	assert_ok(viopf_unmap(a.rig.c, IOVA_BASE, SIZE, NULL));
	rig_map(&a.rig, a.p, IOVA_BASE, SIZE);
	dev_check(&a.rig, IOVA_BASE, SIZE, 1);
	expect_young(&a, NR_PAGES);
	aged_close(&a);
}

#define HOT_SIZE	(4ul << 20)
#define COLD_SIZE	(6ul << 20)

/*
 * Memory is short. A device uses some of it all the time, and nobody the rest, which
 * lies on both sides, whatever order equals are taken in.
 */
static void reclaimed_last(void)
{
	struct load load = { .kind = LOAD_CHECK, .iova = IOVA_BASE, .size = HOT_SIZE, .seed = 1 };
	unsigned int hot, cold, i;
	struct rig rig;
	char *p;

	swap_on_zram(64);
	rig_open(&rig, 1);
	enter_group();
	p = mem_anon(COLD_SIZE + HOT_SIZE + COLD_SIZE);
	memset(p, 1, COLD_SIZE + HOT_SIZE + COLD_SIZE);
	sdma_pattern_fill(p + COLD_SIZE, HOT_SIZE, 1, 0);
	rig_map(&rig, p + COLD_SIZE, IOVA_BASE, HOT_SIZE);
	/* All of it is equally old to the CPU. */
	for (i = 0; i < 4; i++)
		ask_about_all();
	load.rig = &rig;
	load.p = p + COLD_SIZE;
	load_start(&load, 0);
	for (i = 0; i < 6; i++) {
		load_progress(&load, 2);
		ask_about_all();
	}
	for (i = 0; i < 10; i++) {
		load_progress(&load, 2);
		file_write(CGROUP "/memory.reclaim", "1M\n");
	}
	/* What was taken from the device is there again, but counted. */
	hot = rig_stats(&rig).pages_evicted;
	cold = pages_swapped(p, COLD_SIZE) +
	       pages_swapped(p + COLD_SIZE + HOT_SIZE, COLD_SIZE);
	load_stop(&load);
	printf("# swapped out: %u pages of %lu in use, %u of %lu others\n", hot,
	       HOT_SIZE / PAGE, cold, 2 * COLD_SIZE / PAGE);
	assert_true(cold >= COLD_SIZE / PAGE);
	assert_true(hot <= HOT_SIZE / PAGE / 8);
	rig_close(&rig);
	cgroup_enter(CGROUP_ROOT);
}

struct asking {
	pthread_t thread;
	atomic_int stop;
	atomic_ulong times;
};

static void *keep_asking(void *arg)
{
	struct asking *asking = arg;

	while (!asking->stop) {
		ask_about_all();
		asking->times++;
	}
	return NULL;
}

#define DMA_SIZE	(8ul << 20)

/*
 * Asked about and sampled all the time, while it writes: no write is lost, record and
 * page tables agree.
 */
static void during_dma(void)
{
	struct load load = { .kind = LOAD_WRITE, .iova = IOVA_BASE, .size = DMA_SIZE, .seed = 1 };
	struct asking asking = { };
	struct aged a;

	rig_open(&a.rig, 1);
	enter_group();
	a.p = mem_anon(DMA_SIZE);
	sdma_pattern_fill(a.p, DMA_SIZE, 1, 0);
	rig_map(&a.rig, a.p, IOVA_BASE, DMA_SIZE);
	load.rig = &a.rig;
	load.p = a.p;
	a.before = rig_stats(&a.rig);
	load_start(&load, 0);
	assert_int_equal(pthread_create(&asking.thread, NULL, keep_asking, &asking), 0);
	load_progress(&load, 20);
	verify_residency();
	load_progress(&load, 20);
	/* Where there is one CPU, who asks may not have had it yet. */
	assert_true(wait_until(asking.times > 1, 30));
	atomic_store(&asking.stop, 1);
	pthread_join(asking.thread, NULL);
	load_stop(&load);
	assert_true(rig_stats(&a.rig).pages_sampled > a.before.pages_sampled + NR_PAGES);
	aged_close(&a);
}

/* Unmapped, or its process gone, with the sampling still to come, or under way. */
static void unmap_at_once(void)
{
	unsigned int i;
	struct aged a;

	aged_open(&a);
	for (i = 0; i < 40; i++) {
		dev_check(&a.rig, IOVA_BASE, SIZE, 1);
		ask_about_all();
		nap_ms(i);
		assert_ok(viopf_unmap(a.rig.c, IOVA_BASE, SIZE, NULL));
		rig_map(&a.rig, a.p, IOVA_BASE, SIZE);
	}
	aged_close(&a);
}

static void used_and_asked(void *arg)
{
	struct aged a;

	(void)arg;
	aged_open(&a);
	dev_check(&a.rig, IOVA_BASE, SIZE, 1);
	ask_about_all();
	_exit(0);
}

static void exit_at_once(void)
{
	unsigned int i;

	for (i = 0; i < 10; i++)
		child_wait(child_run(used_and_asked, NULL), 60);
}

/*
 * Somebody who does not reclaim asks about all memory: idle page tracking where the kernel
 * has it, else DAMON, for a while.
 */
static void look_at_all_memory(void)
{
	uint64_t all[512];
	int fd;

	memset(all, 0xff, sizeof(all));
	fd = open(PAGE_IDLE, O_WRONLY | O_CLOEXEC);
	if (fd < 0) {
		assert_ok(file_write(DAMON_STAT, "Y\n"));
		nap_ms(4000);
		return;
	}
	assert_int_equal(write(fd, all, sizeof(all)), sizeof(all));
	while (write(fd, all, sizeof(all)) > 0)
		;
	close(fd);
}

static void only_looked_at(void)
{
	const size_t size = 64ul << 20;
	struct vfio_iopf_stats before;
	struct rig rig;
	char *p;

	rig_open(&rig, 1);
	p = mem_anon(size);
	sdma_pattern_fill(p, size, 1, 0);
	rig_map(&rig, p, IOVA_BASE, size);
	dev_check(&rig, IOVA_BASE, size, 1);
	before = rig_stats(&rig);
	look_at_all_memory();
	nap_ms(200);
	assert_grew(&rig, before, pages_young, 0);
	assert_grew(&rig, before, pages_sampled, 0);
	dev_check(&rig, IOVA_BASE, size, 1);
	assert_grew(&rig, before, groups, 0);
	rig_close(&rig);
}

static const struct suite_case cases[] = {
	CASE("R18 what a device used is young, and is looked at again", used_by_the_device,
	     .iopf = ALL_PAGEWISE),
	CASE("R18 R12 what was sampled comes back 256 KiB at a time", comes_back_together,
	     .iopf = ALL_ASKED),
	CASE("R18 what was evicted or unmapped is not young", evicted, .iopf = ALL_PAGEWISE),
	CASE("R18 memory that is mapped twice", mapped_twice, .iopf = ALL_PAGEWISE),
	CASE("R18 R5 memory that is mapped very often", mapped_often, .iopf = ALL_PAGEWISE),
	CASE("R18 S3 a huge page ages as one", huge, .iopf = ALL_PAGEWISE),
	CASE("R18 S3 a large leaf stays while part of it is young", huge_in_part,
	     .iopf = ALL_ASKED " aging_observers=1"),
	CASE("R18 pinned pages are not sampled", pinned, .iopf = ALL_PAGEWISE),
	CASE("R18 S13 pages of user-handled mappings are not sampled", user_handled,
	     .iopf = ALL_PAGEWISE),
	CASE("R18 R17 who only looks takes nothing from devices", only_looked_at, .newest = 1),
	CASE("R18 who asks about single pages is told of the device's use", looked_at_singly,
	     .iopf = ALL_PAGEWISE),
	CASE("R18 aging can be switched off", switched_off, .iopf = EXACT),
	CASE("R18 what a device uses is reclaimed last", reclaimed_last),
	CASE("R18 S1 sampling during DMA", during_dma, .limit_s = 240),
	CASE("R18 S6 unmap against sampling", unmap_at_once),
	CASE("R18 S6 exit against sampling", exit_at_once),
};

int main(int argc, char **argv)
{
	return SUITE(cases, argc, argv);
}
