// SPDX-License-Identifier: GPL-2.0-only
/*
 * The demonstration, as it runs in the VM: demo/guest has loaded the modules and
 * turned swap and KSM on. Exit code: 0, all is well; 1, a byte was wrong, or
 * something was locked or pinned, or an event did not happen; 2, it could not be
 * played to its end.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "story.h"
#include "sys.h"

#define KSM_RUN		"/sys/kernel/mm/ksm/run"

static void print_help(FILE *to)
{
	fprintf(to, "usage: demo [--json FILE] [--seconds N]\n"
		"Started by demo/guest, in the VM; people run make demo.\n");
}

/* An act that must go well. */
static int play(struct story *story, int (*act)(struct story *story),
		void (*progress)(const struct story *story, char *line, size_t size),
		struct watch *watch, struct mm_work *mm)
{
	int status = act_run(story, act, progress, watch, mm);

	if (status > 0 && WIFSIGNALED(status))
		complain("the process was killed by signal %d%s", WTERMSIG(status),
			 WTERMSIG(status) == SIGKILL ? "; dmesg tells whether memory was short" :
			 "");
	return status ? -1 : 0;
}

static int first_act(struct story *story)
{
	struct watch pinned = { 0 };

	printf("==> 1/3 mapping memory that was never touched: pinned, then unpinned\n");
	if (play(story, cold_pinned, NULL, &pinned, NULL))
		return -1;
	printf("        pinned:   %.1f ms, %ld kB locked\n", story->cold[PINNED].map_ms,
	       story->cold[PINNED].locked_kb);
	if (play(story, cold_unpinned, NULL, &story->unpinned, NULL))
		return -1;
	printf("        unpinned: %.3f ms, %ld kB locked\n", story->cold[UNPINNED].map_ms,
	       story->cold[UNPINNED].locked_kb);
	return 0;
}

static int second_act(struct story *story)
{
	int err;

	printf("==> 2/3 unpinned: DMA, with swap, KSM, fork, compaction, huge pages and holes\n");
	if (file_write(KSM_RUN, "1"))
		return complain("can't start KSM: is " KSM_RUN " there?");
	err = play(story, churn_unpinned, churn_progress, &story->unpinned, &story->churn.mm);
	file_write(KSM_RUN, "2");
	return err;
}

/* Pinned, its failing is the point; how it failed is what is kept. */
static int pinned_beyond_ram(struct story *story)
{
	struct pressure *pressure = &story->pressure;
	unsigned long oom_kills = vm_counter("oom_kill");
	double start = now_ms();
	struct watch seen = { 0 };
	int status = act_run(story, pressure_pinned, NULL, &seen, NULL);

	pressure->pinned_ms = now_ms() - start;
	pressure->pinned_peak_kb = seen.pinned_kb;
	if (status == -1 || (WIFEXITED(status) && WEXITSTATUS(status)))
		return -1;
	if (WIFSIGNALED(status))
		snprintf(pressure->pinned_outcome, sizeof(pressure->pinned_outcome),
			 "killed by %s", vm_counter("oom_kill") > oom_kills ? "the OOM killer" :
			 strsignal(WTERMSIG(status)));
	return 0;
}

static int third_act(struct story *story)
{
	struct pressure *pressure = &story->pressure;

	printf("==> 3/3 more memory than the %ld MiB there are: pinned, then unpinned\n",
	       story->ram_kb / 1024);
	if (pinned_beyond_ram(story))
		return -1;
	printf("        pinned:   %s after %.1f s, with %ld MiB pinned\n",
	       pressure->pinned_outcome, pressure->pinned_ms / 1e3,
	       pressure->pinned_peak_kb / 1024);
	return play(story, pressure_unpinned, pressure_progress, &story->unpinned, &pressure->mm);
}

/* A wrong byte may be the reason for everything else, so it goes first. */
static int give_up(const struct story *story)
{
	if (!story->tally.wrong_bytes)
		return 2;
	complain("%llu bytes were wrong: DMA to memory that was gone, or a lost write",
		 story->tally.wrong_bytes);
	return 1;
}

static int tell(struct story *story, const char *path)
{
	double start = now_ms();

	story->ram_kb = meminfo_kb("MemTotal");
	if (first_act(story) || second_act(story) || story->tally.wrong_bytes || third_act(story))
		return give_up(story);
	story->ms = now_ms() - start;
	report_print(story);
	if (path && report_write(story, path))
		return 2;
	return report_faults(story) ? 1 : 0;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", required_argument, NULL, 'j' },
		{ "seconds", required_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 }
	};
	unsigned int seconds = 20;
	const char *path = NULL;
	struct story *story;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'j':
			path = optarg;
			break;
		case 's':
			seconds = (unsigned int)strtoul(optarg, NULL, 10);
			break;
		default:
			print_help(c == 'h' ? stdout : stderr);
			return c == 'h' ? 0 : 2;
		}
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	story = mmap(NULL, sizeof(*story), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		     -1, 0);
	if (story == MAP_FAILED)
		return complain("no memory: %s", strerror(errno)) ? 2 : 0;
	story->churn_s = seconds;
	return tell(story, path);
}
