// SPDX-License-Identifier: GPL-2.0-only
/*
 * Playing an act and watching it. The watcher looks from outside the process,
 * four times a second: a pin or a lock that was there for as long is seen. The
 * child ends by _exit(), so that nothing is printed or written twice.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "story.h"
#include "sys.h"

#define KSM_MERGED	"/sys/kernel/mm/ksm/pages_sharing"
#define LOOK_MS		250
#define TELL_MS		3000
#define ACT_LIMIT_MS	240000
#define KILL_LIMIT_MS	10000

static void raise_to(long *peak, long val)
{
	if (val > *peak)
		*peak = val;
}

static void mm_read(struct mm_work *mm)
{
	mm->swapped_out_pages = vm_counter("pswpout");
	mm->swapped_in_pages = vm_counter("pswpin");
	mm->moved_pages = vm_counter("pgmigrate_success");
	mm->split_huge_pages = vm_counter("thp_split_page");
	mm->ksm_copied_pages = vm_counter("cow_ksm");
}

static void mm_since(struct mm_work *mm, const struct mm_work *start)
{
	struct mm_work now;

	mm_read(&now);
	mm->swapped_out_pages = now.swapped_out_pages - start->swapped_out_pages;
	mm->swapped_in_pages = now.swapped_in_pages - start->swapped_in_pages;
	mm->moved_pages = now.moved_pages - start->moved_pages;
	mm->split_huge_pages = now.split_huge_pages - start->split_huge_pages;
	mm->ksm_copied_pages = now.ksm_copied_pages - start->ksm_copied_pages;
	raise_to((long *)&mm->ksm_merged_pages, number_in(KSM_MERGED));
}

/* A pin that was there before the act is not the act's. */
static void look(struct watch *watch, pid_t pid, long pinned_before_kb)
{
	raise_to(&watch->rss_kb, process_kb(pid, "VmRSS"));
	raise_to(&watch->locked_kb, process_kb(pid, "VmLck"));
	raise_to(&watch->vm_pin_kb, process_kb(pid, "VmPin"));
	raise_to(&watch->pinned_kb, pinned_kb() - pinned_before_kb);
}

static void tell(const struct story *story, double since_ms,
		 void (*progress)(const struct story *story, char *line, size_t size))
{
	char line[160];

	progress(story, line, sizeof(line));
	printf("%6.0f s  %s\n", (now_ms() - since_ms) / 1e3, line);
}

static void nap(void)
{
	const struct timespec ts = { .tv_nsec = LOOK_MS * 1000000l };

	nanosleep(&ts, NULL);
}

/* A process that does not end even so is left to the VM's power-off. */
static int end_by_force(pid_t pid)
{
	double start = now_ms();
	int status;

	kill(pid, SIGKILL);
	while (!waitpid(pid, &status, WNOHANG)) {
		if (now_ms() - start > KILL_LIMIT_MS)
			return complain("after %d s the process can't even be killed",
					ACT_LIMIT_MS / 1000);
		nap();
	}
	return complain("the process did not end within %d s", ACT_LIMIT_MS / 1000);
}

int act_run(struct story *story, int (*act)(struct story *story),
	    void (*progress)(const struct story *story, char *line, size_t size),
	    struct watch *watch, struct mm_work *mm)
{
	double start = now_ms(), told = start;
	long pinned_before_kb = pinned_kb();
	struct mm_work mm_start;
	int status;
	pid_t pid;

	mm_read(&mm_start);
	fflush(stdout);
	pid = fork();
	if (pid < 0)
		return complain("no process: %s", strerror(errno));
	if (!pid)
		_exit(act(story) ? 1 : 0);
	while (!waitpid(pid, &status, WNOHANG)) {
		look(watch, pid, pinned_before_kb);
		if (mm)
			mm_since(mm, &mm_start);
		if (progress && now_ms() - told >= TELL_MS) {
			tell(story, start, progress);
			told = now_ms();
		}
		if (now_ms() - start > ACT_LIMIT_MS)
			return end_by_force(pid);
		nap();
	}
	if (progress)
		tell(story, start, progress);
	return status;
}

long residency_mismatches(void)
{
	FILE *file = fopen("/sys/kernel/debug/vfio_iopf/verify", "re");
	char line[256];
	long sum = 0;

	if (!file)
		return complain("the module has no verify file in debugfs: %s", strerror(errno));
	while (fgets(line, sizeof(line), file)) {
		const char *at = strstr(line, "mismatches ");
		long mismatches = 0;

		if (!at || sscanf(at, "mismatches %ld", &mismatches) != 1)
			continue;
		sum += mismatches;
	}
	fclose(file);
	return sum;
}
