// SPDX-License-Identifier: GPL-2.0-only
/*
 * What happens to memory that a device uses: by the process, by the kernel of its own accord,
 * and by who owns the device. Each leaves memory at the same address again, unless the owner
 * has ended.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "soak.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE	25
#endif

/* --- of the process */

static int memory_anew(struct plot *plot)
{
	int flags = plot->fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;

	assert_ptr_equal(mmap(plot->p, plot->size, PROT_READ | PROT_WRITE, flags | MAP_FIXED,
			      plot->fd, 0), plot->p);
	return 1;
}

static int unmap_and_map(struct plot *plot)
{
	assert_ok(munmap(plot->p, plot->size));
	nap_ms(1);
	return memory_anew(plot);
}

static int advise_mm(struct plot *plot, int advice)
{
	return !madvise(plot->p, plot->size, advice);
}

static int dont_need(struct plot *plot)
{
	return advise_mm(plot, MADV_DONTNEED);
}

static int set_free(struct plot *plot)
{
	return advise_mm(plot, MADV_FREE) && advise_mm(plot, MADV_PAGEOUT);
}

static int remove_pages(struct plot *plot)
{
	return advise_mm(plot, MADV_REMOVE);
}

static int punch_hole(struct plot *plot)
{
	return !fallocate(plot->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
			  (off_t)plot->size);
}

static int truncate_file(struct plot *plot)
{
	assert_ok(ftruncate(plot->fd, 0));
	nap_ms(1);
	assert_ok(ftruncate(plot->fd, (off_t)plot->size));
	return 1;
}

static int protect(struct plot *plot)
{
	assert_ok(mprotect(plot->p, plot->size, PROT_READ));
	nap_ms(1);
	assert_ok(mprotect(plot->p, plot->size, PROT_READ | PROT_WRITE));
	return 1;
}

static void move_memory(char *from, char *to, size_t size)
{
	assert_ptr_equal(mremap(from, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, to), to);
}

/* mremap() moves no more than one mapping, which other events may have left in pieces. */
static int move_away_and_back(struct plot *plot)
{
	char *away = mmap(NULL, plot->size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t at;

	assert_true(away != MAP_FAILED);
	for (at = 0; at < plot->size; at += PAGE)
		move_memory(plot->p + at, away + at, PAGE);
	nap_ms(1);
	for (at = 0; at < plot->size; at += PAGE)
		move_memory(away + at, plot->p + at, PAGE);
	return 1;
}

static int fork_and_exit(struct plot *plot)
{
	pid_t pid = fork();
	int status;

	(void)plot;
	assert_true(pid >= 0);
	if (!pid)
		_exit(0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return 1;
}

/* Whoever holds the first page back won't let it be read, let alone written. */
static size_t first_there(const struct plot *plot)
{
	return plot->uffd.fd < 0 ? 0 : PAGE;
}

/* Who writes gets copies, in both processes; what the child has had stays as it was. */
static int fork_and_write(struct plot *plot)
{
	size_t from = first_there(plot), size = plot->size - from, at;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		nap_ms(1);
		_exit(!!sdma_pattern_check(plot->p + from, size, plot->seed, from));
	}
	for (at = from; at < plot->size; at += PAGE)
		sdma_pattern_fill(plot->p + at, 8, plot->seed, at);
	child_wait(pid, 60);
	return 1;
}

static int soft_dirty(struct plot *plot)
{
	(void)plot;
	return !file_write("/proc/self/clear_refs", "4\n");
}

/* --- of the kernel */

static int page_out_some(struct plot *plot)
{
	advise_mm(plot, MADV_PAGEOUT);
	return pages_swapped(plot->p, plot->size) || plot->fd >= 0;
}

static int reclaim_group(struct plot *plot)
{
	char text[32];

	snprintf(text, sizeof(text), "%zu\n", 2 * plot->size);
	file_write(CGROUP "/memory.reclaim", text);
	return 1;
}

static int collapse_pages(struct plot *plot)
{
	if (plot->fd < 0)
		madvise(plot->p, plot->size, MADV_HUGEPAGE);
	return !madvise(plot->p, plot->size, MADV_COLLAPSE);
}

static int split_mapping(struct plot *plot)
{
	assert_ok(mprotect(plot->p + 5 * PAGE, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC));
	assert_ok(mprotect(plot->p, plot->size, PROT_READ | PROT_WRITE));
	return 1;
}

static int split_pages(struct plot *plot)
{
	char text[96];

	snprintf(text, sizeof(text), "%d,%p,%p\n", getpid(), (void *)plot->p,
		 (void *)(plot->p + plot->size));
	return !file_write("/sys/kernel/debug/split_huge_pages", text);
}

/* To the other NUMA node, as many as will go. */
static int move_to_other_node(struct plot *plot)
{
	int node, there = 0, status[HUGE / PAGE], nodes[HUGE / PAGE];
	size_t i, n = plot->size / PAGE;
	void *pages[HUGE / PAGE];

	for (node = 0; node < 2; node++) {
		for (i = 0; i < n; i++) {
			pages[i] = plot->p + i * PAGE;
			nodes[i] = node;
		}
		if (syscall(SYS_move_pages, 0, n, pages, nodes, status, 0) < 0)
			return 0;
		for (i = 0; i < n; i++)
			there += status[i] == node;
	}
	return there;
}

static int compact_memory(struct plot *plot)
{
	(void)plot;
	return !file_write("/proc/sys/vm/compact_memory", "1\n");
}

/* Merged with what has the same content: twice the same page, of which one is not the device's. */
static int merge_pages(struct plot *plot)
{
	size_t from = first_there(plot), size = plot->size - from;
	char *twin = mem_anon(size);
	int merged;

	sdma_pattern_fill(twin, size, plot->seed, from);
	if (madvise(plot->p, plot->size, MADV_MERGEABLE) || madvise(twin, size, MADV_MERGEABLE))
		return 0;
	ksm_start(0);
	merged = wait_until(number_in("/proc/self/ksm_merging_pages") > 0, 1);
	madvise(plot->p, plot->size, MADV_UNMERGEABLE);
	munmap(twin, size);
	return merged;
}

static int cpu_goes_and_comes(struct plot *plot)
{
	static const char online[] = "/sys/devices/system/cpu/cpu1/online";

	(void)plot;
	return !file_write(online, "0\n") && !file_write(online, "1\n");
}

/* One that has been turned off meanwhile can't be held. @arg: its number and one */
static void *hold_cpu(void *arg)
{
	const struct sched_param lowest = { .sched_priority = 1 };
	cpu_set_t one;
	double end;

	CPU_ZERO(&one);
	CPU_SET((uintptr_t)arg - 1, &one);
	if (sched_setaffinity(0, sizeof(one), &one) || sched_setscheduler(0, SCHED_FIFO, &lowest))
		return NULL;
	for (end = now_s() + 0.05; now_s() < end;)
		;
	return arg;
}

/* Nobody gets to run for a while: workers, the IOMMU's thread and devices stop where they are. */
static int hold_up_workers(struct plot *plot)
{
	long cpu, nr = sysconf(_SC_NPROCESSORS_CONF);
	pthread_t thread[64];
	void *held;
	int all = 1;

	(void)plot;
	assert_in_range(nr, 1, ARRAY_SIZE(thread));
	for (cpu = 0; cpu < nr; cpu++)
		assert_ok(pthread_create(&thread[cpu], NULL, hold_cpu, (void *)(cpu + 1)));
	for (cpu = 0; cpu < nr; cpu++) {
		pthread_join(thread[cpu], &held);
		all &= !!held;
	}
	return all;
}

/* --- of the owner, who is @child */

static int kill_owner(struct plot *plot)
{
	assert_ok(kill(plot->child, SIGKILL));
	child_reap(plot->child, 60);
	return 1;
}

/* The kernel takes whoever may be taken first, so there is one such at a time. */
static int run_out_of_memory(struct plot *plot)
{
	int fd = open("/proc/sysrq-trigger", O_WRONLY | O_CLOEXEC);
	char path[64];

	assert_true(fd >= 0);
	assert_ok(flock(fd, LOCK_EX));
	snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", plot->child);
	assert_ok(file_write(path, "1000\n"));
	assert_int_equal(write(fd, "f", 1), 1);
	child_reap(plot->child, 60);
	close(fd);
	return 1;
}

/* It becomes another program when it gets SIGUSR1 (soak_test.c). */
static int exec_owner(struct plot *plot)
{
	assert_ok(kill(plot->child, SIGUSR1));
	child_wait(plot->child, 60);
	return 1;
}

/* --- of who has the device */

static int unmap_dma(struct plot *plot)
{
	return !viopf_unmap(plot->rig->c, IOVA_BASE, plot->size, NULL);
}

static int turn_off_and_on(struct plot *plot)
{
	return !viopf_disable(plot->rig->c) && !viopf_enable(plot->rig->c);
}

static int advise_eviction(struct plot *plot)
{
	return !viopf_advise(plot->rig->c, VFIO_IOPF_ADV_EVICT, IOVA_BASE, plot->size, NULL);
}

static int reset_device(struct plot *plot)
{
	assert_ok(viopf_reset(plot->rig->dev[0]));
	return 1;
}

const struct soak_event soak_events[] = {
	{ "munmap", EVENT_LOSES | EVENT_GONE, unmap_and_map },
	{ "mmap over", EVENT_LOSES, memory_anew },
	{ "DONTNEED", EVENT_LOSES, dont_need },
	{ "FREE", EVENT_MAY_LOSE, set_free },
	{ "REMOVE", EVENT_LOSES | EVENT_FILE, remove_pages },
	{ "punch", EVENT_LOSES | EVENT_FILE, punch_hole },
	{ "truncate", EVENT_LOSES | EVENT_GONE | EVENT_FILE, truncate_file },
	{ "mprotect", 0, protect },
	{ "mremap", EVENT_GONE, move_away_and_back },
	{ "fork", 0, fork_and_exit },
	{ "fork, write", 0, fork_and_write },
	{ "soft-dirty", 0, soft_dirty },
	{ "page out", 0, page_out_some },
	{ "page out, shmem", EVENT_FILE, page_out_some },
	{ "cgroup reclaim", 0, reclaim_group },
	{ "collapse", EVENT_BIG, collapse_pages },
	{ "split, mapping", EVENT_BIG, split_mapping },
	{ "split, page", EVENT_BIG, split_pages },
	{ "NUMA move", 0, move_to_other_node },
	{ "compaction", 0, compact_memory },
	{ "KSM", 0, merge_pages },
	{ "CPU hotplug", 0, cpu_goes_and_comes },
	{ "no CPU", 0, hold_up_workers },
	{ "kill", EVENT_EXITS, kill_owner },
	{ "OOM kill", EVENT_EXITS, run_out_of_memory },
	{ "exec", EVENT_EXITS, exec_owner },
	{ "UNMAP_DMA", EVENT_UNMAPS, unmap_dma },
	{ "off and on", EVENT_CONVERTS, turn_off_and_on },
	{ "ADV_EVICT", 0, advise_eviction },
	{ "device reset", EVENT_RESETS, reset_device },
};

const size_t soak_nr_events = ARRAY_SIZE(soak_events);
