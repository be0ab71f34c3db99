// SPDX-License-Identifier: GPL-2.0-only
/*
 * Everything that can happen to memory, at every moment of a page request for it: a matrix of
 * events and states (lib/soak.h), in which each cell is tried in turn by several processes,
 * each with a container of its own, in one memory cgroup. Beside them the kernel is kept busy
 * with whatever moves memory, under memory that devices check all the time.
 *
 * Once through the matrix, or for VIOPF_SOAK_SECONDS, from VIOPF_TEST_SEED (default: by the
 * clock; printed). verify/soak runs it for longer, and keeps what was covered.
 *
 * VM: --qemu -readconfig --qemu tests/kernel/numa.cfg
 * LANES: stock
 * CPUS: 2
 */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "load.h"
#include "soak.h"

#define PROCESSES	2
#define MAX_CELLS	512
#define RACES		4	/* how often to try to meet what is a moment */
#define IOVA_LOAD	(IOVA_BASE + 64 * HUGE)
#define LOAD_BYTES	(4 * HUGE)
#define LOAD_SEED	77

/* Of all processes. */
struct record {
	atomic_uint next;			/* cell to be tried */
	atomic_int stop;
	unsigned int current[PROCESSES];	/* what each is at */
	atomic_ulong pages;			/* a device read or wrote them: compared */
	atomic_uint met[MAX_CELLS];		/* the event happened in that state */
	unsigned int order[MAX_CELLS];
};

static struct record *record;

static unsigned int nr_cells(void)
{
	return (unsigned int)(soak_nr_states * soak_nr_events);
}

static const struct soak_state *state_of(unsigned int cell)
{
	return &soak_states[cell % soak_nr_states];
}

static const struct soak_event *event_of(unsigned int cell)
{
	return &soak_events[cell / soak_nr_states];
}

static int is_possible(unsigned int cell)
{
	return !(event_of(cell)->does & state_of(cell)->without);
}

/* --- a plot's memory */

static void plot_open(struct plot *plot, struct rig *rig, unsigned int cell, uint64_t seed)
{
	unsigned int does = event_of(cell)->does;

	*plot = (struct plot) {
		.rig = rig, .seed = seed, .fd = -1, .fault_fd = -1, .uffd.fd = -1,
		.size = does & EVENT_BIG || state_of(cell)->big ? HUGE : PLOT_BYTES,
	};
	if (does & EVENT_FILE)
		plot->fd = memfd_new(plot->size, 0);
	plot->p = plot->fd < 0 ? mem_anon(plot->size) : mem_file(plot->fd, plot->size, MAP_SHARED);
}

/* By the owner. */
static int plot_prepare(struct plot *plot, const struct soak_state *state)
{
	sdma_pattern_fill(plot->p, plot->size, plot->seed, 0);
	assert_ok(viopf_map(plot->rig->c, plot->p, IOVA_BASE, plot->size,
			    VIOPF_READ | VIOPF_WRITE | state->map_flags));
	return state->prepare(plot);
}

static void plot_close(struct plot *plot)
{
	viopf_unmap(plot->rig->c, IOVA_BASE, plot->size, NULL);
	munmap(plot->p, plot->size);
	if (plot->fd >= 0)
		close(plot->fd);
}

/* --- a child as the owner */

struct child_owner {
	struct plot *plot;
	const struct soak_state *state;
	int ready;
};

static void become_another(int sig)
{
	(void)sig;
	execl("/bin/true", "true", (char *)NULL);
	_exit(1);
}

static void own(void *arg)
{
	struct child_owner *owner = arg;
	char had;

	signal(SIGUSR1, become_another);
	had = (char)plot_prepare(owner->plot, owner->state);
	assert_int_equal(write(owner->ready, &had, 1), 1);
	for (;;)
		pause();
}

static int prepare_by_child(struct plot *plot, const struct soak_state *state)
{
	struct child_owner owner = { .plot = plot, .state = state };
	int ends[2];
	char had = 0;

	assert_ok(pipe(ends));
	owner.ready = ends[1];
	plot->child = child_run(own, &owner);
	close(ends[1]);
	assert_int_equal(read(ends[0], &had, 1), 1);
	close(ends[0]);
	if (!had) {
		kill(plot->child, SIGKILL);
		child_reap(plot->child, 60);
	}
	return had;
}

/* --- what must hold afterwards */

static void restart_device(struct rig *rig)
{
	assert_ok(sdma_open(&rig->dma[0], rig->dev[0]));
	rig_start_queue(rig, 0, 0);
	rig_start_queue(rig, 0, 1);
}

static void judge_content(const struct plot *plot, unsigned int does)
{
	size_t at;

	if (does & EVENT_LOSES) {
		cpu_check_zero(plot->p, plot->size);
		return;
	}
	for (at = 0; at < plot->size; at += PAGE) {
		if (!(does & EVENT_MAY_LOSE) || *(uint64_t *)(plot->p + at))
			assert_false(sdma_pattern_check(plot->p + at, PAGE, plot->seed, at));
		else
			cpu_check_zero(plot->p + at, PAGE);
	}
}

/* The device reads what the process has, and writes where the process reads. */
static void judge(struct plot *plot, unsigned int does)
{
	struct softdma_desc sum = sdma_checksum(IOVA_BASE, plot->size, 0);

	judge_content(plot, does);
	rig_do(plot->rig, &sum, SOFTDMA_OK);
	assert_int_equal(sum.result, sdma_pattern_sum(plot->p, plot->size, 0));
	dev_fill(plot->rig, IOVA_BASE, plot->size, plot->seed + 1);
	/* The CPU may read an old page for a moment: load.c has why. */
	assert_true(wait_until(!sdma_pattern_check(plot->p, plot->size, plot->seed + 1, 0), 2));
	atomic_fetch_add(&record->pages, 2 * plot->size / PAGE);
}

static void judge_exit(struct plot *plot)
{
	if (!viopf_unmap(plot->rig->c, IOVA_BASE, plot->size, NULL))
		dev_read(plot->rig, IOVA_BASE, plot->size, SOFTDMA_FAULT_INVALID);
}

static void finish(struct plot *plot, const struct soak_state *state, unsigned int does)
{
	if (does & EVENT_RESETS)
		restart_device(plot->rig);
	state->settle(plot, does);
	if (does & EVENT_EXITS) {
		judge_exit(plot);
		return;
	}
	if (does & EVENT_UNMAPS)
		rig_map(plot->rig, plot->p, IOVA_BASE, plot->size);
	judge(plot, does);
}

/* --- rounds */

/* Whether the event happened in that state. */
static int try_cell(struct rig *rig, unsigned int cell, uint64_t seed)
{
	const struct soak_state *state = state_of(cell);
	const struct soak_event *event = event_of(cell);
	struct plot plot;
	int had, there = 0, happened = 0;

	plot_open(&plot, rig, cell, seed);
	plot.before = rig_stats(rig);
	had = event->does & EVENT_EXITS ? prepare_by_child(&plot, state) :
					  plot_prepare(&plot, state);
	if (had) {
		state->ask(&plot);
		there = state->raced || state->is_there(&plot);
		happened = event->happen(&plot);
		if (state->raced)
			there = state->is_there(&plot);
		finish(&plot, state, happened ? event->does : event->does & EVENT_MAY_LOSE);
	}
	plot_close(&plot);
	return there && happened;
}

static void try_often(struct rig *rig, unsigned int cell, uint64_t seed)
{
	unsigned int i;

	for (i = 0; i < (state_of(cell)->raced ? RACES : 1); i++) {
		if (try_cell(rig, cell, seed + i)) {
			atomic_fetch_add(&record->met[cell], 1);
			return;
		}
	}
}

struct soaker {
	unsigned int index;
	unsigned int seed;
};

/* Only what an event chooses may run out of memory. */
static void soak_process(void *arg)
{
	struct soaker *s = arg;
	struct load load;
	struct rig rig;
	unsigned int n, cell;

	cgroup_enter(CGROUP);
	rig_open_as(&rig, 2 * s->index, 2, VFIO_IOPF_IOMMU);
	rig_start_queue(&rig, 0, 1);
	load = (struct load) {
		.rig = &rig, .dev = 1, .kind = LOAD_CHECK, .p = mem_huge(LOAD_BYTES),
		.iova = IOVA_LOAD, .size = LOAD_BYTES, .seed = LOAD_SEED,
	};
	sdma_pattern_fill(load.p, load.size, load.seed, 0);
	rig_map(&rig, load.p, load.iova, load.size);
	load_start(&load, 0);
	while (!atomic_load(&record->stop) && !atomic_load(&load.failed)) {
		n = atomic_fetch_add(&record->next, 1);
		cell = record->order[n % nr_cells()];
		record->current[s->index] = cell;
		if (is_possible(cell))
			try_often(&rig, cell, s->seed + RACES * n);
	}
	load_stop(&load);
	atomic_fetch_add(&record->pages, atomic_load(&load.bytes) / PAGE);
	rig_close(&rig);
}

/* --- what else goes on */

static void fork_some(void)
{
	pid_t pids[8];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(pids); i++) {
		pids[i] = fork();
		if (!pids[i])
			_exit(0);
	}
	for (i = 0; i < ARRAY_SIZE(pids); i++) {
		if (pids[i] > 0)
			waitpid(pids[i], NULL, 0);
	}
}

static void disturb(unsigned int what)
{
	switch (what) {
	case 0:
		fork_some();
		break;
	case 1:
		file_write(CGROUP "/memory.reclaim", "4M\n");
		break;
	case 2:
		file_write("/proc/sys/vm/drop_caches", "3\n");
		break;
	case 3:
		file_write("/proc/sys/vm/compact_memory", "1\n");
		break;
	default:
		verify_residency();
		break;
	}
}

static void be_restless(void)
{
	file_write("/sys/kernel/mm/transparent_hugepage/khugepaged/scan_sleep_millisecs", "50\n");
	file_write("/proc/sys/kernel/numa_balancing", "1\n");
	file_write("/proc/self/oom_score_adj", "-1000\n");
}

/* --- the whole */

static unsigned long soak_seconds(void)
{
	return env_number("VIOPF_SOAK_SECONDS", 0);
}

static void record_open(unsigned int *seed)
{
	unsigned int i, j, cell;

	assert_in_range(nr_cells(), 1, MAX_CELLS);
	record = mmap(NULL, sizeof(*record), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	assert_true(record != MAP_FAILED);
	for (i = 0; i < nr_cells(); i++) {
		j = (unsigned int)rand_r(seed) % (i + 1);
		cell = record->order[j];
		record->order[j] = i;
		if (i != j)
			record->order[i] = cell;
	}
}

/* A line for an event: how often it met each state. */
static void print_matrix(void)
{
	unsigned int cell;

	for (cell = 0; cell < nr_cells(); cell++) {
		if (cell % soak_nr_states == 0)
			printf("%smatrix %s", cell ? "\n" : "", event_of(cell)->name);
		if (is_possible(cell))
			printf("|%s %u", state_of(cell)->name, record->met[cell]);
	}
	printf("\n%lu pages\n", record->pages);
}

static void assert_all_met(void)
{
	unsigned int cell, met = 0, possible = 0;

	for (cell = 0; cell < nr_cells(); cell++) {
		possible += is_possible(cell);
		met += record->met[cell] > 0;
	}
	assert_msg(met >= possible * 3 / 4, "%u of %u cells were met", met, possible);
}

static int has_ended(pid_t pid)
{
	siginfo_t info = { 0 };

	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) || info.si_pid == pid;
}

static void soak(void)
{
	unsigned int i, turn, seed = (unsigned int)env_number("VIOPF_TEST_SEED",
							      (unsigned long)time(NULL));
	struct soaker soakers[PROCESSES];
	double by = now_s() + (double)soak_seconds();
	pid_t pids[PROCESSES];
	int ended = 0;

	printf("VIOPF_TEST_SEED=%u\n", seed);
	swap_on_zram(128);
	cgroup_make("max", "max");
	be_restless();
	record_open(&seed);
	for (i = 0; i < PROCESSES; i++) {
		soakers[i] = (struct soaker){ .index = i, .seed = seed + i * 1000003 };
		pids[i] = child_run(soak_process, &soakers[i]);
	}
	for (turn = 0; !ended && (now_s() < by || record->next < nr_cells()); turn++) {
		disturb(turn % 5);
		nap_ms(100);
		for (i = 0; i < PROCESSES; i++)
			ended |= has_ended(pids[i]);
	}
	atomic_store(&record->stop, 1);
	for (i = 0; i < PROCESSES; i++)
		wait_until(has_ended(pids[i]), 60);
	for (i = 0; i < PROCESSES; i++)
		printf("process %u (%d): %s, %s\n", i, pids[i], event_of(record->current[i])->name,
		       state_of(record->current[i])->name);
	print_matrix();
	for (i = 0; i < PROCESSES; i++)
		child_wait(pids[i], 60);
	assert_all_met();
}

int main(int argc, char **argv)
{
	const struct suite_case cases[] = {
		CASE("S1 S2 S5 S6 every event in every state of a page request", soak,
		     .softdma = "devices=4", .soft = 1,
		     .limit_s = 300 + (unsigned int)soak_seconds()),
	};

	return SUITE(cases, argc, argv);
}
