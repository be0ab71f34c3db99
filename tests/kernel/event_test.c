// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every way in which Linux takes a page from a process, one at a time, with the
 * device idle: what the device could reach is taken from it, counted exactly,
 * and what it reads or writes next goes where the process would go.
 *
 * Each case starts from NR_PAGES pages of private anonymous memory (unless it
 * says otherwise) that the device has just written with pattern 1.
 * event_dma_test.c has the same events while the device is at work.
 *
 * VM: --qemu -readconfig --qemu tests/kernel/numa.cfg
 * LANES: stock intel debug
 * CPUS: 2
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rig.h"

#ifndef MADV_SOFT_OFFLINE
#define MADV_SOFT_OFFLINE	101
#endif
#ifndef MADV_HWPOISON
#define MADV_HWPOISON		100
#endif

#define NR_PAGES	16
#define SIZE		(NR_PAGES * PAGE)

struct event {
	struct rig rig;
	char *p;
	size_t size;
	int fd;
	struct vfio_iopf_stats before;
};

/* Let the device write all of @p, and remember the counters. */
static void event_arm(struct event *ev)
{
	struct softdma_desc nop = sdma_nop();

	/* The ring is resident, whatever happened since it was started. */
	rig_do(&ev->rig, &nop, SOFTDMA_OK);
	rig_map(&ev->rig, ev->p, IOVA_BASE, ev->size);
	ev->before = rig_stats(&ev->rig);
	dev_fill(&ev->rig, IOVA_BASE, ev->size, 1);
	assert_grew(&ev->rig, ev->before, resident_pages, ev->size / PAGE);
	ev->before = rig_stats(&ev->rig);
}

static void event_begin(struct event *ev)
{
	memset(ev, 0, sizeof(*ev));
	rig_open(&ev->rig, 1);
	ev->size = SIZE;
	ev->p = mem_anon(SIZE);
	event_arm(ev);
}

static void event_begin_file(struct event *ev)
{
	memset(ev, 0, sizeof(*ev));
	rig_open(&ev->rig, 1);
	ev->size = SIZE;
	ev->fd = memfd_new(SIZE, 0);
	ev->p = mem_file(ev->fd, SIZE, MAP_SHARED);
	event_arm(ev);
}

/* @pages were taken from the device, in @calls calls of the mm (0: any number). */
static void assert_evicted(struct event *ev, unsigned int pages, unsigned int calls)
{
	assert_grew(&ev->rig, ev->before, pages_evicted, pages);
	assert_grew(&ev->rig, ev->before, resident_pages, -(long long)pages);
	if (calls)
		assert_grew(&ev->rig, ev->before, evictions, calls);
	verify_residency();
	ev->before = rig_stats(&ev->rig);
}

/* The device finds the pattern in all of it, and faulted for @pages pages. */
static void assert_intact(struct event *ev, uint64_t seed, unsigned int pages)
{
	dev_check(&ev->rig, IOVA_BASE, ev->size, seed);
	assert_grew(&ev->rig, ev->before, pages_mapped, pages);
	cpu_check(ev->p, ev->size, seed);
	ev->before = rig_stats(&ev->rig);
}

static void assert_zero(struct event *ev)
{
	struct softdma_desc sum = sdma_checksum(IOVA_BASE, ev->size, 0);
	char *zero = mem_anon(ev->size);

	rig_do(&ev->rig, &sum, SOFTDMA_OK);
	assert_int_equal(sum.result, sdma_pattern_sum(zero, ev->size, 0));
	cpu_check_zero(ev->p, ev->size);
	/* And it is the process's memory that the device writes from now on. */
	dev_fill(&ev->rig, IOVA_BASE, ev->size, 2);
	cpu_check(ev->p, ev->size, 2);
}

static void assert_gone(struct event *ev)
{
	dev_read(&ev->rig, IOVA_BASE, ev->size, SOFTDMA_FAULT_INVALID);
	dev_write(&ev->rig, IOVA_BASE + ev->size - PAGE, PAGE, SOFTDMA_FAULT_INVALID);
}

static void do_munmap(void)
{
	struct event ev;

	event_begin(&ev);
	assert_ok(munmap(ev.p, ev.size));
	assert_evicted(&ev, NR_PAGES, 1);
	assert_gone(&ev);
	rig_close(&ev.rig);
}

static void do_munmap_part(void)
{
	struct event ev;

	event_begin(&ev);
	assert_ok(munmap(ev.p + PAGE, 3 * PAGE));
	assert_evicted(&ev, 3, 1);
	dev_check(&ev.rig, IOVA_BASE, PAGE, 1);
	assert_grew(&ev.rig, ev.before, groups, 0);
	rig_close(&ev.rig);
}

static void do_mremap(void)
{
	struct event ev;
	char *to;

	event_begin(&ev);
	to = mem_anon(ev.size);
	assert_ptr_equal(mremap(ev.p, ev.size, ev.size, MREMAP_MAYMOVE | MREMAP_FIXED, to), to);
	assert_evicted(&ev, NR_PAGES, 1);
	assert_gone(&ev);
	cpu_check(to, ev.size, 1);
	rig_close(&ev.rig);
}

static void do_mremap_onto(void)
{
	struct event ev;
	char *from;

	event_begin(&ev);
	from = mem_anon(ev.size);
	sdma_pattern_fill(from, ev.size, 5, 0);
	assert_ptr_equal(mremap(from, ev.size, ev.size, MREMAP_MAYMOVE | MREMAP_FIXED, ev.p),
			 ev.p);
	assert_evicted(&ev, NR_PAGES, 1);
	assert_intact(&ev, 5, NR_PAGES);
	rig_close(&ev.rig);
}

static void do_mmap_over(void)
{
	struct event ev;

	event_begin(&ev);
	assert_ptr_equal(mmap(ev.p, ev.size, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), ev.p);
	assert_evicted(&ev, NR_PAGES, 1);
	assert_zero(&ev);
	rig_close(&ev.rig);
}

static void do_dontneed(void)
{
	struct event ev;

	event_begin(&ev);
	assert_ok(madvise(ev.p, ev.size, MADV_DONTNEED));
	assert_evicted(&ev, NR_PAGES, 1);
	assert_zero(&ev);
	rig_close(&ev.rig);
}

static void do_free(void)
{
	struct event ev;

	swap_on_zram(64);
	event_begin(&ev);
	assert_ok(madvise(ev.p, ev.size, MADV_FREE));
	assert_evicted(&ev, NR_PAGES, 1);
	/* What the device writes now is not free any more. */
	dev_fill(&ev.rig, IOVA_BASE, ev.size, 3);
	page_out(ev.p, ev.size);
	assert_int_equal(pages_swapped(ev.p, ev.size), NR_PAGES);
	cpu_check(ev.p, ev.size, 3);
	rig_close(&ev.rig);
}

static void do_pageout(void)
{
	struct event ev;

	swap_on_zram(64);
	event_begin(&ev);
	page_out(ev.p, ev.size);
	assert_int_equal(pages_swapped(ev.p, ev.size), NR_PAGES);
	assert_evicted(&ev, NR_PAGES, 0);
	dev_check(&ev.rig, IOVA_BASE, ev.size, 1);
	assert_grew(&ev.rig, ev.before, pages_mapped, NR_PAGES);
	assert_grew(&ev.rig, ev.before, bring_ins, NR_PAGES);
	cpu_check(ev.p, ev.size, 1);
	rig_close(&ev.rig);
}

/* The same by a memory cgroup that is told to shrink. */
static void do_reclaim(void)
{
	struct event ev;

	swap_on_zram(64);
	cgroup_make("max", "max");
	cgroup_enter(CGROUP);
	event_begin(&ev);
	wait_until(file_write(CGROUP "/memory.reclaim", "64M\n") == -ENOENT ||
		   pages_swapped(ev.p, ev.size) == NR_PAGES, 30);
	assert_int_equal(pages_swapped(ev.p, ev.size), NR_PAGES);
	dev_check(&ev.rig, IOVA_BASE, ev.size, 1);
	cpu_check(ev.p, ev.size, 1);
	rig_close(&ev.rig);
	cgroup_enter(CGROUP_ROOT);
}

static void do_remove(void)
{
	struct event ev;

	event_begin_file(&ev);
	assert_ok(madvise(ev.p, ev.size, MADV_REMOVE));
	assert_evicted(&ev, NR_PAGES, 1);
	assert_zero(&ev);
	rig_close(&ev.rig);
}

static void do_punch_hole(void)
{
	struct event ev;

	event_begin_file(&ev);
	assert_ok(fallocate(ev.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, (off_t)ev.size));
	assert_evicted(&ev, NR_PAGES, 1);
	assert_zero(&ev);
	rig_close(&ev.rig);
}

static void do_truncate(void)
{
	struct event ev;

	event_begin_file(&ev);
	assert_ok(ftruncate(ev.fd, 0));
	assert_evicted(&ev, NR_PAGES, 1);
	assert_gone(&ev);
	assert_ok(ftruncate(ev.fd, (off_t)ev.size));
	assert_zero(&ev);
	rig_close(&ev.rig);
}

static void do_mprotect(void)
{
	struct event ev;

	event_begin(&ev);
	assert_ok(mprotect(ev.p, ev.size, PROT_READ));
	assert_evicted(&ev, NR_PAGES, 1);
	assert_intact(&ev, 1, NR_PAGES);
	dev_write(&ev.rig, IOVA_BASE, PAGE, SOFTDMA_FAULT_INVALID);
	assert_ok(mprotect(ev.p, ev.size, PROT_READ | PROT_WRITE));
	dev_fill(&ev.rig, IOVA_BASE, ev.size, 2);
	cpu_check(ev.p, ev.size, 2);
	rig_close(&ev.rig);
}

static void do_exec(void)
{
	int gate[2], ready[2];
	struct event ev;
	char ch = 0;
	pid_t pid;

	memset(&ev, 0, sizeof(ev));
	rig_open(&ev.rig, 1);
	ev.size = SIZE;
	ev.p = mem_anon(SIZE);
	assert_ok(pipe(gate));
	assert_ok(pipe(ready));
	pid = fork();
	if (!pid) {
		rig_map(&ev.rig, ev.p, IOVA_BASE, ev.size);
		if (write(ready[1], &ch, 1) == 1 && read(gate[0], &ch, 1) == 1)
			execl("/bin/true", "true", (char *)NULL);
		_exit(1);
	}
	assert_int_equal(read(ready[0], &ch, 1), 1);
	dev_fill(&ev.rig, IOVA_BASE, ev.size, 1);
	ev.before = rig_stats(&ev.rig);
	assert_int_equal(write(gate[1], &ch, 1), 1);
	child_wait(pid, 20);
	assert_evicted(&ev, NR_PAGES, 0);
	assert_gone(&ev);
	rig_close(&ev.rig);
}

static void wait_for_go(void *arg)
{
	int *gate = arg;
	char ch;

	assert_int_equal(read(gate[0], &ch, 1), 1);
}

struct child_view {
	char *p;
	int *gate;
	uint64_t seed;
};

/* What the child sees must be what was there when it was forked. */
static void child_keeps_its_copy(void *arg)
{
	struct child_view *v = arg;

	wait_for_go(v->gate);
	cpu_check(v->p, SIZE, v->seed);
}

static void do_fork(void)
{
	struct child_view view;
	struct event ev;
	int gate[2];
	char ch = 0;
	pid_t pid;

	event_begin(&ev);
	assert_ok(pipe(gate));
	view = (struct child_view){ .p = ev.p, .gate = gate, .seed = 1 };
	pid = child_run(child_keeps_its_copy, &view);
	assert_evicted(&ev, NR_PAGES, 1);
	/* Half is copied as the device writes, the other half as the CPU does. */
	dev_check(&ev.rig, IOVA_BASE, ev.size, 1);
	dev_fill(&ev.rig, IOVA_BASE, ev.size / 2, 2);
	ev.before = rig_stats(&ev.rig);
	sdma_pattern_fill(ev.p + ev.size / 2, ev.size / 2, 2, ev.size / 2);
	assert_evicted(&ev, NR_PAGES / 2, NR_PAGES / 2);
	assert_intact(&ev, 2, NR_PAGES / 2);
	assert_int_equal(write(gate[1], &ch, 1), 1);
	child_wait(pid, 20);
	rig_close(&ev.rig);
}

static void do_ksm(void)
{
	struct event ev;
	size_t i;
	char *twin;

	event_begin(&ev);
	twin = mem_anon(ev.size);
	memcpy(twin, ev.p, ev.size);
	assert_ok(madvise(ev.p, ev.size, MADV_MERGEABLE));
	assert_ok(madvise(twin, ev.size, MADV_MERGEABLE));
	ksm_start(0);
	/* KPF_KSM won't do: 6.12 shows it for all anonymous memory (fs/proc/page.c). */
	for (i = 0; i < NR_PAGES; i++)
		assert_true(wait_until(page_pfn(ev.p + i * PAGE) ==
				       page_pfn(twin + i * PAGE), 40));
	ksm_pause();
	assert_evicted(&ev, NR_PAGES, 0);
	assert_intact(&ev, 1, NR_PAGES);
	dev_fill(&ev.rig, IOVA_BASE, ev.size, 2);
	cpu_check(twin, ev.size, 1);
	cpu_check(ev.p, ev.size, 2);
	rig_close(&ev.rig);
}

static void thp_begin(struct event *ev)
{
	memset(ev, 0, sizeof(*ev));
	rig_open(&ev->rig, 1);
	ev->size = HUGE;
	ev->p = mem_huge(HUGE);
	memset(ev->p, 0, HUGE);
	if (!is_huge(ev->p, HUGE))
		skip_because("got no huge page");
	event_arm(ev);
}

/* Zapping one page splits the mapping, which concerns all of it. */
static void do_thp_split_mapping(void)
{
	struct event ev;

	thp_begin(&ev);
	assert_ok(madvise(ev.p + 7 * PAGE, PAGE, MADV_DONTNEED));
	assert_evicted(&ev, HUGE / PAGE, 0);
	dev_check(&ev.rig, IOVA_BASE, 7 * PAGE, 1);
	cpu_check(ev.p, 7 * PAGE, 1);
	dev_read(&ev.rig, IOVA_BASE + 7 * PAGE, PAGE, SOFTDMA_OK);
	cpu_check_zero(ev.p + 7 * PAGE, PAGE);
	dev_fill(&ev.rig, IOVA_BASE, HUGE, 2);
	cpu_check(ev.p, HUGE, 2);
	rig_close(&ev.rig);
}

/* Splitting the huge page itself needs all references on it to be known. */
static void do_thp_split_page(void)
{
	struct event ev;

	thp_begin(&ev);
	if (shell("echo %d,%p,%p >/sys/kernel/debug/split_huge_pages", getpid(),
		  (void *)ev.p, (void *)(ev.p + HUGE)))
		skip_because("no way to split huge pages");
	assert_false(is_huge(ev.p, HUGE));
	assert_evicted(&ev, HUGE / PAGE, 0);
	assert_intact(&ev, 1, HUGE / PAGE);
	rig_close(&ev.rig);
}

static void do_thp_collapse(void)
{
	struct event ev;

	memset(&ev, 0, sizeof(ev));
	rig_open(&ev.rig, 1);
	ev.size = HUGE;
	ev.p = mem_anon(HUGE);
	event_arm(&ev);
	assert_ok(madvise(ev.p, HUGE, MADV_HUGEPAGE));
	assert_int_equal(collapse(ev.p), 0);
	assert_true(is_huge(ev.p, HUGE));
	assert_evicted(&ev, HUGE / PAGE, 0);
	dev_check(&ev.rig, IOVA_BASE, HUGE, 1);
	dev_fill(&ev.rig, IOVA_BASE, HUGE, 2);
	cpu_check(ev.p, HUGE, 2);
	rig_close(&ev.rig);
}

/* Compact all memory; how many pages of @p are somewhere else now. */
static size_t compact(char *p, size_t size)
{
	uint64_t *pfn = calloc(size / PAGE, sizeof(*pfn));
	size_t i, moved = 0;

	assert_non_null(pfn);
	for (i = 0; i < size / PAGE; i++)
		pfn[i] = page_present(p + i * PAGE) ? page_pfn(p + i * PAGE) : 0;
	assert_ok(shell("echo 1 >/proc/sys/vm/compact_memory"));
	for (i = 0; i < size / PAGE; i++)
		moved += pfn[i] && page_present(p + i * PAGE) && pfn[i] != page_pfn(p + i * PAGE);
	free(pfn);
	return moved;
}

/* Touch @p spread over much of memory, so that there are pages to be moved. */
static void scatter(char *p, size_t size)
{
	size_t i, j, stride = 48 * PAGE;
	char *filler = mem_anon(size / PAGE * stride);

	for (i = 0; i < size / PAGE; i++) {
		p[i * PAGE] = 1;
		for (j = 0; j < stride; j += PAGE)
			filler[i * stride + j] = 1;
	}
	munmap(filler, size / PAGE * stride);
}

static void do_compaction(void)
{
	struct event ev;
	size_t moved;

	memset(&ev, 0, sizeof(ev));
	rig_open(&ev.rig, 1);
	ev.size = 2 * HUGE;
	ev.p = mem_anon(ev.size);
	scatter(ev.p, ev.size);
	event_arm(&ev);
	moved = compact(ev.p, ev.size);
	assert_msg(moved, "compaction moved no page");
	/* More, where it tried to move one and could not. */
	assert_true(rig_stats(&ev.rig).pages_evicted - ev.before.pages_evicted >= moved);
	verify_residency();
	dev_check(&ev.rig, IOVA_BASE, ev.size, 1);
	cpu_check(ev.p, ev.size, 1);
	rig_close(&ev.rig);
}

/* Move all pages to NUMA node @node; how many are there now. */
static size_t move_to(char *p, size_t size, int node)
{
	void *pages[NR_PAGES];
	int nodes[NR_PAGES], status[NR_PAGES];
	size_t i, there = 0;

	for (i = 0; i < size / PAGE; i++) {
		pages[i] = p + i * PAGE;
		nodes[i] = node;
	}
	if (syscall(SYS_move_pages, 0, size / PAGE, pages, nodes, status, 0) < 0)
		return 0;
	for (i = 0; i < size / PAGE; i++)
		there += status[i] == node;
	return there;
}

static void do_move_pages(void)
{
	struct event ev;
	int node;

	if (access("/sys/devices/system/node/node1", F_OK))
		skip_because("only one NUMA node");
	event_begin(&ev);
	/* They are on either node to begin with; from the first move on it is known. */
	for (node = 0; node < 2; node++)
		assert_true(wait_until(move_to(ev.p, ev.size, node) == NR_PAGES, 20));
	dev_fill(&ev.rig, IOVA_BASE, ev.size, 1);
	ev.before = rig_stats(&ev.rig);
	assert_int_equal(move_to(ev.p, ev.size, 0), NR_PAGES);
	assert_evicted(&ev, NR_PAGES, 0);
	assert_intact(&ev, 1, NR_PAGES);
	rig_close(&ev.rig);
}

static void do_soft_offline(void)
{
	struct event ev;
	uint64_t pfn;

	event_begin(&ev);
	pfn = page_pfn(ev.p);
	if (madvise(ev.p, PAGE, MADV_SOFT_OFFLINE))
		skip_because("this kernel can't soft offline a page: %s", strerror(errno));
	assert_int_not_equal(page_pfn(ev.p), pfn);
	assert_evicted(&ev, 1, 1);
	assert_intact(&ev, 1, 1);
	rig_close(&ev.rig);
}

/* The process is told of the failure as if it had touched the page. */
static void ignore_bus_error(int sig)
{
	(void)sig;
}

static void do_hwpoison(void)
{
	struct event ev;

	event_begin(&ev);
	signal(SIGBUS, ignore_bus_error);
	if (madvise(ev.p, PAGE, MADV_HWPOISON))
		skip_because("this kernel can't poison a page: %s", strerror(errno));
	assert_evicted(&ev, 1, 1);
	dev_read(&ev.rig, IOVA_BASE, PAGE, SOFTDMA_FAULT_INVALID);
	dev_write(&ev.rig, IOVA_BASE, PAGE, SOFTDMA_FAULT_INVALID);
	rig_close(&ev.rig);
}

static void do_soft_dirty(void)
{
	struct event ev;

	event_begin(&ev);
	assert_ok(file_write("/proc/self/clear_refs", "4\n"));
	dev_fill(&ev.rig, IOVA_BASE, ev.size, 2);
	cpu_check(ev.p, ev.size, 2);
	dev_check(&ev.rig, IOVA_BASE, ev.size, 2);
	rig_close(&ev.rig);
}

static const struct suite_case cases[] = {
	CASE("S1 munmap", do_munmap, .iopf = EXACT),
	CASE("S1 S3 munmap of a part", do_munmap_part, .iopf = EXACT),
	CASE("S1 mremap away", do_mremap, .iopf = EXACT),
	CASE("S1 mremap onto", do_mremap_onto, .iopf = EXACT),
	CASE("S1 mmap over", do_mmap_over, .iopf = EXACT),
	CASE("S1 MADV_DONTNEED", do_dontneed, .iopf = EXACT),
	CASE("S1 MADV_FREE", do_free, .iopf = EXACT),
	CASE("S1 S5 MADV_PAGEOUT: swap-out", do_pageout, .iopf = EXACT),
	CASE("S1 S5 memory cgroup reclaim: swap-out", do_reclaim, .iopf = EXACT),
	CASE("S1 MADV_REMOVE", do_remove, .iopf = EXACT),
	CASE("S1 hole punch", do_punch_hole, .iopf = EXACT),
	CASE("S1 truncate", do_truncate, .iopf = EXACT),
	CASE("S1 mprotect", do_mprotect, .iopf = EXACT),
	CASE("S1 exec", do_exec, .iopf = EXACT),
	CASE("S1 fork and copy-on-write", do_fork, .iopf = EXACT),
	CASE("S1 S5 KSM", do_ksm, .iopf = EXACT),
	CASE("S1 S3 THP: mapping split", do_thp_split_mapping, .iopf = EXACT),
	CASE("S1 S5 THP: page split", do_thp_split_page, .iopf = EXACT),
	CASE("S1 S5 THP collapse", do_thp_collapse, .iopf = EXACT),
	CASE("S1 S5 compaction", do_compaction, .iopf = EXACT),
	CASE("S1 S5 move_pages to another NUMA node", do_move_pages, .iopf = EXACT),
	CASE("S1 S5 migration of one page", do_soft_offline, .iopf = EXACT),
	CASE("S1 memory failure", do_hwpoison, .iopf = EXACT),
	CASE("S1 soft-dirty tracking", do_soft_dirty, .iopf = EXACT),
};

int main(int argc, char **argv)
{
	return SUITE(cases, argc, argv);
}
