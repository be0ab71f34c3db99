// SPDX-License-Identifier: GPL-2.0-only
/*
 * Out of memory. A process whose device faults in more than its memory cgroup
 * may have is killed, as it would be for touching that itself, and nobody hangs
 * over it: not the process, which has faults in flight, not the reaper, which
 * takes its memory without blocking, and not the device. With less memory than
 * it works on, but swap to go with it, the device makes progress. Page tables that it
 * takes are like memory that it takes.
 *
 * LANES: stock intel uml-debug
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "load.h"

#ifndef SYS_process_mrelease
#define SYS_process_mrelease	448
#endif

#define SIZE	(64ul << 20)

static unsigned long oom_kills(void)
{
	char text[512], *at;

	assert_ok(file_read(CGROUP "/memory.events", text, sizeof(text)));
	at = strstr(text, "oom_kill ");
	return at ? strtoul(at + 9, NULL, 10) : 0;
}

/* The device fills far more than there is; all queues have faults in flight. */
static void overdo(void *arg)
{
	struct rig rig;
	unsigned int q;

	(void)arg;
	cgroup_enter(CGROUP);
	rig_open_anon(&rig, SIZE);
	for (q = 0; q < SOFTDMA_QUEUES; q++) {
		struct softdma_desc fill = sdma_fill(IOVA_BASE + q * SIZE / 4, SIZE / 4, q, 0);

		if (q)
			rig_start_queue(&rig, 0, q);
		assert_ok(sdma_submit(&rig.dma[0].q[q], &fill, 1));
	}
	for (;;)
		pause();
}

static void killed_for_the_device(void)
{
	struct rig rig;
	int status, i;

	cgroup_make("24M", "0");
	for (i = 0; i < 3; i++) {
		unsigned long before = oom_kills();

		status = child_reap(child_run(overdo, NULL), 60);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), SIGKILL);
		assert_int_equal(oom_kills() - before, 1);
	}
	rig_open(&rig, 1);
	rig_close(&rig);
}

struct lender {
	struct rig *rig;
	int tell;
};

/* Memory of a limited process in a container that lives on. */
static void lend(void *arg)
{
	struct lender *l = arg;
	char *p = mem_anon(SIZE);

	cgroup_enter(CGROUP);
	rig_map(l->rig, p, IOVA_BASE, SIZE);
	assert_int_equal(write(l->tell, "", 1), 1);
	for (;;)
		pause();
}

static void lender_killed(void)
{
	struct softdma_desc fill = sdma_fill(IOVA_BASE, SIZE, 1, 0);
	struct lender l;
	struct rig rig;
	int tell[2], status;
	pid_t pid;
	char ch, *p;

	cgroup_make("24M", "0");
	rig_open(&rig, 1);
	rig_start_queue(&rig, 0, 1);
	assert_ok(pipe(tell));
	l = (struct lender){ .rig = &rig, .tell = tell[1] };
	pid = child_run(lend, &l);
	assert_int_equal(read(tell[0], &ch, 1), 1);
	assert_ok(sdma_submit(&rig.dma[0].q[1], &fill, 1));
	status = child_reap(pid, 60);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_int_equal(sdma_wait(&rig.dma[0].q[1], 0, 30000, NULL), SOFTDMA_FAULT_INVALID);
	/* The device works for those who live. */
	p = mem_anon(HUGE);
	rig_map(&rig, p, IOVA_BASE + SIZE, HUGE);
	dev_fill(&rig, IOVA_BASE + SIZE, HUGE, 2);
	cpu_check(p, HUGE, 2);
	rig_close(&rig);
}

/*
 * Make a process that is about to die stay for a moment: it can only run where
 * the caller does, who does not let go of the CPU.
 */
static void hold_cpu(void)
{
	struct sched_param fifo = { .sched_priority = 10 };
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	assert_ok(sched_setaffinity(0, sizeof(one), &one));
	assert_ok(sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &fifo));
}

struct reaped {
	struct rig *rig;
	int tell;
	int go;
};

/* What the reaper does, at once: 0 or an errno. */
static int reap_now(pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	int released;

	assert_true(fd >= 0);
	released = syscall(SYS_process_mrelease, fd, 0) ? errno : 0;
	close(fd);
	return released;
}

static void be_reaped(void *arg)
{
	struct reaped *r = arg;
	char *p = mem_anon(SIZE);
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	assert_ok(sched_setaffinity(0, sizeof(one), &one));
	rig_map(r->rig, p, IOVA_BASE, SIZE);
	assert_int_equal(write(r->tell, "", 1), 1);
	for (;;)
		pause();
}

/*
 * process_mrelease() is what the OOM reaper does, on request: it takes the
 * memory of a dying process in a context that must not block. Here while the
 * device, on another CPU, writes and faults all over it.
 */
static void reaper(void)
{
	struct softdma_desc fill = sdma_fill(IOVA_BASE, SIZE, 1, 0);
	struct vfio_iopf_stats before;
	int tell[2], released, i;
	struct reaped r;
	struct rig rig;
	char ch;

	rig_open(&rig, 1);
	rig_start_queue(&rig, 0, 1);
	assert_ok(pipe(tell));
	for (i = 0; i < 5; i++) {
		pid_t pid;

		r = (struct reaped){ .rig = &rig, .tell = tell[1] };
		pid = child_run(be_reaped, &r);
		assert_int_equal(read(tell[0], &ch, 1), 1);
		before = rig_stats(&rig);
		assert_ok(sdma_submit(&rig.dma[0].q[1], &fill, 1));
		assert_true(wait_until(rig_stats(&rig).resident_pages >
				       before.resident_pages + 256, 30));
		before = rig_stats(&rig);
		hold_cpu();
		kill(pid, SIGKILL);
		released = reap_now(pid);
		assert_ok(sched_setscheduler(0, SCHED_OTHER, &(struct sched_param){ 0 }));
		child_reap(pid, 20);
		/* Busy is an answer; then exit takes the memory. */
		assert_msg(!released || released == EAGAIN || released == ESRCH,
			   "process_mrelease: %s", strerror(released));
		/* A worker may keep the memory alive for a moment longer. */
		assert_true(wait_until(rig_stats(&rig).pages_evicted > before.pages_evicted, 20));
		assert_int_equal(sdma_wait(&rig.dma[0].q[1], 0, 30000, NULL),
				 SOFTDMA_FAULT_INVALID);
		assert_ok(viopf_unmap(rig.c, IOVA_BASE, SIZE, NULL));
		verify_residency();
	}
	rig_close(&rig);
}

static void lose_a_page(void *arg)
{
	struct reaped *r = arg;
	char *p = mem_anon(16 * PAGE), ch;

	rig_map(r->rig, p, IOVA_BASE, 16 * PAGE);
	assert_int_equal(write(r->tell, "", 1), 1);
	assert_int_equal(read(r->go, &ch, 1), 1);
	madvise(p, PAGE, MADV_DONTNEED);
	for (;;)
		pause();
}

/*
 * The IOMMU takes its time over an eviction. Another one in the same place that
 * must not block does not wait for it, but says "try again".
 */
static void reaper_meets_eviction(void)
{
	int tell[2], go[2], status;
	struct vfio_iopf_stats before;
	struct reaped r;
	uint64_t flushes;
	struct rig rig;
	pid_t pid;
	char ch;

	rig_open(&rig, 1);
	assert_ok(pipe(tell));
	assert_ok(pipe(go));
	r = (struct reaped){ .rig = &rig, .tell = tell[1], .go = go[0] };
	pid = child_run(lose_a_page, &r);
	assert_int_equal(read(tell[0], &ch, 1), 1);
	dev_fill(&rig, IOVA_BASE, 16 * PAGE, 1);

	before = rig_stats(&rig);
	flushes = softiommu_stat("flushes");
	softiommu_set("flush_hold", "1");
	assert_int_equal(write(go[1], "", 1), 1);
	assert_true(wait_until(softiommu_stat("flushes") > flushes, 30));
	kill(pid, SIGKILL);
	assert_int_equal(reap_now(pid), EAGAIN);
	assert_true(rig_stats(&rig).evict_busy > before.evict_busy);

	softiommu_set("flush_hold", "0");
	status = child_reap(pid, 60);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	dev_read(&rig, IOVA_BASE, 16 * PAGE, SOFTDMA_FAULT_INVALID);
	assert_true(rig_stats(&rig).pages_evicted >= before.pages_evicted + 16);
	rig_close(&rig);
}

/*
 * A working set of 20 MiB in 9 MiB of memory, and swap. Reclaim goes by generations,
 * as Debian's kernel has it: by lists it would kill, see design.md, section 12.
 */
static void less_than_it_needs(void)
{
	const size_t size = 20ul << 20;
	struct vfio_iopf_stats stats;
	struct softdma_desc desc;
	struct rig rig;
	char *p;

	if (file_write("/sys/kernel/mm/lru_gen/enabled", "y\n"))
		skip_because("this kernel can't reclaim by generations");
	swap_on_zram(64);
	cgroup_make("9M", "max");
	p = rig_open_anon(&rig, size);
	cgroup_enter(CGROUP);
	desc = sdma_fill(IOVA_BASE, size, 1, 0);
	assert_int_equal(sdma_do(&rig.dma[0].q[0], &desc, 200000), SOFTDMA_OK);
	desc = sdma_check(IOVA_BASE, size, 1, 0);
	assert_int_equal(sdma_do(&rig.dma[0].q[0], &desc, 200000), SOFTDMA_OK);
	assert_int_equal(desc.result, 0);
	/* Reclaim asks about a page's age first, and the sample may have taken it then. */
	stats = rig_stats(&rig);
	assert_true(stats.pages_evicted + stats.pages_sampled >= (size - (9ul << 20)) / PAGE);
	assert_true(pages_swapped(p, size) > 0);
	cgroup_enter(CGROUP_ROOT);
	cpu_check(p, size, 1);
	rig_close(&rig);
}

/* So little that a window does not fit: one page at a time must do. */
static void next_to_nothing(void)
{
	struct softdma_desc desc;
	const size_t size = 16ul << 20;
	struct rig rig;
	char *p;

	swap_on_zram(128);
	p = rig_open_anon(&rig, size);
	sdma_pattern_fill(p, size, 1, 0);
	cgroup_make("3M", "max");
	cgroup_enter(CGROUP);
	desc = sdma_fill(IOVA_BASE, size, 2, 0);
	assert_int_equal(sdma_do(&rig.dma[0].q[0], &desc, 200000), SOFTDMA_OK);
	desc = sdma_check(IOVA_BASE, size, 2, 0);
	assert_int_equal(sdma_do(&rig.dma[0].q[0], &desc, 200000), SOFTDMA_OK);
	assert_int_equal(desc.result, 0);
	cgroup_enter(CGROUP_ROOT);
	cpu_check(p, size, 2);
	rig_close(&rig);
}

#define CROWD_MAX	(32ul << 20)
#define CROWD_LEFT	(256ul << 10)
#define TABLES		256

/* Fill the cgroup, but for a little that other page tables need a multiple of. */
static void crowd(void *arg)
{
	const int *tell = arg;
	char *p = mem_anon(CROWD_MAX);
	size_t done;

	cgroup_enter(CGROUP);
	for (done = 0; done < CROWD_MAX; done += 16 * PAGE) {
		if (cgroup_number("memory.current") + CROWD_LEFT > CROWD_MAX)
			break;
		memset(p + done, 1, 16 * PAGE);
	}
	assert_int_equal(write(*tell, "", 1), 1);
	for (;;)
		pause();
}

/*
 * All that is asked for is resident, and what it takes is page tables, of which the cgroup
 * can have no more: there is nothing in it that could be reclaimed. Then a
 * process of it is killed, as it is when the CPU's page tables are what it takes.
 */
static void short_of_tables(void)
{
	int by_cpu = !!case_arg(), tell[2], status;
	unsigned long before, i;
	struct rig rig;
	pid_t pid;
	char ch, *p;

	cgroup_make("32M", "0");
	p = rig_open_anon(&rig, TABLES * HUGE);
	cgroup_enter(CGROUP);
	if (!by_cpu)
		for (i = 0; i < TABLES; i++)
			p[i * HUGE] = 1;
	/* Segments are made by these. */
	for (i = 0; i < TABLES && !by_cpu; i += 32)
		dev_read(&rig, IOVA_BASE + i * HUGE, PAGE, SOFTDMA_OK);
	assert_ok(pipe(tell));
	before = oom_kills();
	pid = child_run(crowd, &tell[1]);
	/* The kernel may kill once more before it has counted what that gave back. */
	assert_ok(file_write("/proc/self/oom_score_adj", "-1000\n"));
	assert_int_equal(read(tell[0], &ch, 1), 1);
	for (i = 0; i < TABLES; i++) {
		if (by_cpu)
			assert_int_equal(*(volatile char *)(p + i * HUGE), 0);
		else
			dev_read(&rig, IOVA_BASE + i * HUGE, PAGE, SOFTDMA_OK);
	}
	status = child_reap(pid, 60);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_int_equal(oom_kills() - before, 1);
	cgroup_enter(CGROUP_ROOT);
	rig_close(&rig);
}

static const struct suite_case cases[] = {
	CASE("S1 S6 OOM kill of a process with faults in flight", killed_for_the_device,
	     .limit_s = 240),
	CASE("S1 S6 R10 OOM kill of a process that lent its memory", lender_killed,
	     .limit_s = 180),
	CASE("S1 R5 the reaper evicts without blocking, during DMA", reaper, .limit_s = 180),
	CASE("R5 the reaper does not wait for an eviction at work", reaper_meets_eviction,
	     .iopf = EXACT, .limit_s = 180, .soft = 1),
	CASE("S6 R5 DMA over more than the memory limit, with swap", less_than_it_needs,
	     .limit_s = 480),
	CASE("S6 R12 DMA with a memory limit below the window", next_to_nothing,
	     .limit_s = 480),
	CASE("S6 no room for page tables, nothing to reclaim: CPU", short_of_tables,
	     .iopf = EXACT, .arg = "", .limit_s = 180),
	CASE("S6 no room for page tables, nothing to reclaim: device", short_of_tables,
	     .iopf = EXACT, .limit_s = 180),
};

int main(int argc, char **argv)
{
	return SUITE(cases, argc, argv);
}
