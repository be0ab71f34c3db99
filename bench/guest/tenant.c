// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a tenant does all day, and starting and ending it.
 *
 * Of a page only the first bytes are not zero, so that it compresses to little: what swap
 * takes is then not what decides how many tenants there is room for.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tenant.h"

#define HEAD_BYTES	64ul
#define FILL_BATCH	512u
#define WORKING_PAGES	(TENANT_WORKING_BYTES / PAGE)
#define PAST_PAGES	(TENANT_PAST_BYTES / PAGE)
#define PAGES		(TENANT_BYTES / PAGE)
#define START_LIMIT_MS	60000
#define FIRST_NAP_NS	1000000
#define LONGEST_NAP_NS	32000000

struct work {
	struct tenants *all;
	struct tenant *me;
	struct rig rig;
	uint64_t random;
	uint64_t first;		/* page that the working set begins at; runs freely */
	unsigned long copies;
	enum backend backend;
};

/* xorshift64* */
static unsigned int draw(struct work *work, unsigned int below)
{
	uint64_t x = work->random;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	work->random = x;
	return (unsigned int)((x * 0x2545f4914f6cdd1dull >> 32) % below);
}

static uint64_t iova_of(uint64_t page)
{
	return IOVA_MEMORY + page % PAGES * PAGE;
}

/*
 * The device has no interrupt. Looking takes CPU time that others can use, most of all those
 * that answer the faults that a batch waits for; and a batch takes a millisecond or more.
 */
static int run_batch(struct work *work, struct softdma_desc *descs, unsigned int n)
{
	struct sdma_queue *q = &work->rig.dma.q[0];
	int err = sdma_submit(q, descs, n);

	if (err)
		return complain("the queue takes no more: %s", strerror(-err));
	rig_doze(q, FIRST_NAP_NS, LONGEST_NAP_NS);
	return rig_wait(q, descs + n - 1);
}

/* Write the past and the working set, in order. */
static int move_in(struct work *work)
{
	static struct softdma_desc descs[FILL_BATCH];
	uint64_t page = 0;
	unsigned int i;

	while (page < PAST_PAGES + WORKING_PAGES) {
		for (i = 0; i < FILL_BATCH; i++, page++)
			descs[i] = sdma_fill(iova_of(page), HEAD_BYTES, work->random, page * PAGE);
		if (run_batch(work, descs, FILL_BATCH))
			return -1;
	}
	work->first = PAST_PAGES;
	return 0;
}

/* One batch; when the working set moves on, its new page is written first. */
static int toil(struct work *work)
{
	struct softdma_desc descs[TENANT_BATCH];
	struct vfio_iopf_stats stats = { 0 };
	unsigned int i;

	for (i = 0; i < TENANT_BATCH; i++) {
		uint64_t to = work->first + draw(work, WORKING_PAGES);

		if (++work->copies % TENANT_DRIFT_COPIES == 0)
			to = work->first++ + WORKING_PAGES;
		descs[i] = sdma_copy(iova_of(to), iova_of(work->first + draw(work, WORKING_PAGES)),
				     PAGE);
	}
	if (run_batch(work, descs, TENANT_BATCH))
		return -1;
	work->me->copies += TENANT_BATCH;
	if (work->backend == OURS && viopf_stats(work->rig.c, &stats))
		return complain("%s", viopf_error());
	work->me->faults = stats.groups;
	work->me->retries = stats.retries;
	work->me->backoffs = stats.backoffs;
	return 0;
}

static void sleep_until(uint64_t ns)
{
	const struct timespec ts = {
		.tv_sec = (time_t)(ns / 1000000000), .tv_nsec = (long)(ns % 1000000000),
	};

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

/* Batches are due one after the other; one that is late is not made up for. */
static int live(struct work *work)
{
	uint64_t due = now_ns(), now;
	unsigned long rate;

	for (;;) {
		rate = work->all->rate;
		if (rate)
			due += TENANT_BATCH * 1000000000ull / rate;
		now = now_ns();
		if (due > now)
			sleep_until(due);
		else
			due = now;
		if (!work->all->go)
			sleep_until(due = now_ns() + 20000000);
		else if (toil(work))
			return -1;
	}
}

/* The OOM killer is to take the one that is new rather than those at work. */
static int tenant_main(struct work *work, unsigned int i, enum backend backend)
{
	void *mem;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	file_write("/proc/self/oom_score_adj", "1000");
	if (rig_open_device(&work->rig, EXTENSION(backend), i))
		return -1;
	mem = rig_memory(TENANT_BYTES);
	if (!mem)
		return -1;
	if (viopf_map(work->rig.c, mem, IOVA_MEMORY, TENANT_BYTES, VIOPF_READ | VIOPF_WRITE)) {
		snprintf(work->me->why, sizeof(work->me->why), "%s", viopf_error());
		return -1;
	}
	if (move_in(work))
		return -1;
	file_write("/proc/self/oom_score_adj", "0");
	work->me->state = TENANT_READY;
	return live(work);
}

struct tenants *tenants_new(void)
{
	struct tenants *all = mmap(NULL, sizeof(*all), PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return all == MAP_FAILED ? NULL : all;
}

bool tenant_lives(struct tenants *all, unsigned int i)
{
	struct tenant *tenant = &all->tenant[i];
	int status;

	if (tenant->pid && waitpid(tenant->pid, &status, WNOHANG) == tenant->pid) {
		if (WIFSIGNALED(status))
			snprintf(tenant->why, sizeof(tenant->why), "killed by signal %d (%s)",
				 WTERMSIG(status), strsignal(WTERMSIG(status)));
		tenant->state = TENANT_FAILED;
		tenant->pid = 0;
	}
	return tenant->pid && tenant->state != TENANT_FAILED;
}

int tenant_start(struct tenants *all, unsigned int i, enum backend backend)
{
	struct work work = {
		.all = all, .me = &all->tenant[i], .random = i + 1, .backend = backend,
	};
	pid_t pid;

	memset(&all->tenant[i], 0, sizeof(all->tenant[i]));
	fflush(stdout);
	pid = fork();
	if (pid < 0) {
		snprintf(all->tenant[i].why, sizeof(all->tenant[i].why), "fork: %s",
			 strerror(errno));
		return -1;
	}
	if (!pid)
		_exit(tenant_main(&work, i, backend) ? 1 : 0);
	all->tenant[i].pid = pid;
	return 0;
}

int tenant_ready(struct tenants *all, unsigned int i)
{
	const struct timespec nap = { .tv_nsec = 5000000 };
	double until = now_ms() + START_LIMIT_MS;

	while (all->tenant[i].state == TENANT_STARTING && now_ms() < until) {
		if (!tenant_lives(all, i))
			return -1;
		nanosleep(&nap, NULL);
	}
	if (all->tenant[i].state == TENANT_READY)
		return 0;
	snprintf(all->tenant[i].why, sizeof(all->tenant[i].why), "not ready after %d s",
		 START_LIMIT_MS / 1000);
	return -1;
}

void tenants_end(struct tenants *all)
{
	unsigned int i;

	all->go = 0;
	for (i = 0; i < MAX_TENANTS; i++)
		if (all->tenant[i].pid)
			kill(all->tenant[i].pid, SIGKILL);
	for (i = 0; i < MAX_TENANTS; i++) {
		if (all->tenant[i].pid)
			waitpid(all->tenant[i].pid, NULL, 0);
		all->tenant[i].pid = 0;
	}
}
