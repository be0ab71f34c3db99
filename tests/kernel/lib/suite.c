// SPDX-License-Identifier: GPL-2.0-only
/*
 * Running the cases of a program. This process never touches a container: it
 * loads the modules, forks the case, reads what it prints, ends it when its
 * time is over, and removes the modules, which fails if the case left
 * something of the kernel's in use. The case itself is a cmocka group of one
 * test, so assertions work as everywhere; its exit code is the verdict.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "failures.h"
#include "modules.h"
#include "suite.h"

enum { CASE_PASSED = 0, CASE_FAILED = 1, CASE_SKIPPED = 77 };

#define SKIP_MARK	"\001skip "

static const struct suite_case *current;

unsigned long env_number(const char *name, unsigned long otherwise)
{
	const char *text = getenv(name);

	return text ? strtoul(text, NULL, 0) : otherwise;
}

double now_s(void)
{
	return now_ms() / 1e3;
}

void nap_ms(unsigned int ms)
{
	struct timespec ts = {
		.tv_sec = ms / 1000,
		.tv_nsec = (ms % 1000) * 1000000L,
	};

	while (nanosleep(&ts, &ts) && errno == EINTR)
		;
}

int lane_is(const char *name)
{
	const char *lane = getenv("VIOPF_LANE");

	return lane && !strcmp(lane, name);
}

static int lane_is_checked(void)
{
	return lane_is("debug") || lane_is("uml-debug") || lane_is("kcsan");
}

double patience(double s)
{
	return s * (lane_is_checked() ? 5 : 2);
}

unsigned int rounds(unsigned int n)
{
	return lane_is("debug") && n > 4 ? n / 4 : n;
}

unsigned int reset_rounds(unsigned int n)
{
	return hardware_is_soft() || lane_is_checked() ? rounds(n) : 2;
}

const void *case_arg(void)
{
	return current->arg;
}

void skip_because(const char *fmt, ...)
{
	va_list args;

	fflush(stdout);
	printf("\n" SKIP_MARK);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
	_exit(CASE_SKIPPED);
}

static void run_current(void **state)
{
	(void)state;
	current->run();
}

/* In the case's process: the case as a group of one, and out. */
static void __attribute__((noreturn)) case_main(const struct suite_case *c, int out)
{
	const struct CMUnitTest test = {
		.name = c->name,
		.test_func = run_current,
	};
	int failed;

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(out, STDOUT_FILENO);
	dup2(out, STDERR_FILENO);
	close(out);
	setvbuf(stdout, NULL, _IOLBF, 0);
	current = c;
	cmocka_set_message_output(CM_OUTPUT_STDOUT);
	failed = _cmocka_run_group_tests(c->name, &test, 1, NULL, NULL);
	fflush(stdout);
	_exit(failed ? CASE_FAILED : CASE_PASSED);
}

/* cmocka's own frame around a group, which says nothing that TAP does not. */
static int is_banner(const char *line)
{
	return !strncmp(line, "[===", 4) || !strncmp(line, "[ RUN", 5) ||
	       !strncmp(line, "[       OK", 10) || !strncmp(line, "[  PASSED", 9) ||
	       !strncmp(line, "[  FAILED", 9) || strstr(line, "FAILED TEST(S)");
}

static void print_line(const char *line, char *reason, size_t size)
{
	if (!strncmp(line, SKIP_MARK, sizeof(SKIP_MARK) - 1))
		snprintf(reason, size, "%s", line + sizeof(SKIP_MARK) - 1);
	else if (line[0] && !is_banner(line))
		printf("#   %s\n", line);
}

/* Copy the case's output until it ends or @by is over: -1 then. */
static int relay_output(int in, double by, char *reason, size_t size)
{
	char line[1024];
	size_t len = 0;

	for (;;) {
		struct pollfd pfd = { .fd = in, .events = POLLIN };
		double left = by - now_s();
		char ch;

		if (left <= 0)
			return -1;
		if (poll(&pfd, 1, (int)(left * 1000) + 1) <= 0)
			continue;
		if (read(in, &ch, 1) != 1)
			break;
		if (ch != '\n' && len < sizeof(line) - 1) {
			line[len++] = ch;
			continue;
		}
		line[len] = '\0';
		print_line(line, reason, size);
		len = 0;
	}
	line[len] = '\0';
	print_line(line, reason, size);
	return 0;
}

/* What the kernel knows of processes that should be gone by now. */
static void print_stacks(pid_t group)
{
	char cmd[160];

	snprintf(cmd, sizeof(cmd),
		 "for p in $(pgrep -g %d); do echo \"# $p\"; sed 's/^/#   /' /proc/$p/stack; done",
		 group);
	fflush(stdout);
	if (system(cmd))
		printf("# no stacks to be had\n");
}

static int run_process(const struct suite_case *c, char *reason, size_t size)
{
	unsigned int limit = c->limit_s ? c->limit_s : CASE_LIMIT_S;
	int pipefd[2], status, late;
	double by = now_s() + patience(limit);
	pid_t pid;

	fflush(stdout);
	if (pipe(pipefd))
		return CASE_FAILED;
	pid = fork();
	if (!pid) {
		close(pipefd[0]);
		case_main(c, pipefd[1]);
	}
	close(pipefd[1]);
	late = pid < 0 || relay_output(pipefd[0], by, reason, size);
	close(pipefd[0]);
	if (pid < 0)
		return CASE_FAILED;
	if (late) {
		printf("# not done after %.0f s\n", patience(limit));
		print_stacks(pid);
	}
	kill(-pid, SIGKILL);
	if (!wait_until(waitpid(pid, &status, WNOHANG) == pid, 30)) {
		printf("# the process can't be killed\n");
		print_stacks(pid);
		return CASE_FAILED;
	}
	if (late || !WIFEXITED(status)) {
		if (!late)
			printf("# ended by signal %d\n", WTERMSIG(status));
		return CASE_FAILED;
	}
	return WEXITSTATUS(status);
}

static int run_case(const struct suite_case *c, char *reason, size_t size)
{
	int verdict;

	if (c->no_modules)
		return run_process(c, reason, size);
	if (modules_load(c->iopf, c->softiommu, c->softdma)) {
		modules_unload();
		return CASE_FAILED;
	}
	verdict = run_process(c, reason, size);
	failures_end();
	if (modules_check_idle() && verdict != CASE_SKIPPED)
		verdict = CASE_FAILED;
	if (modules_unload())
		verdict = CASE_FAILED;
	return verdict;
}

static int is_selected(const struct suite_case *c, int argc, char **argv)
{
	int i;

	if (c->newest && lane_is("stock"))
		return 0;
	if (!hardware_is_soft() && !c->any && (c->soft || c->softiommu || c->softdma))
		return 0;
	for (i = 1; i < argc; i++) {
		if (strstr(c->name, argv[i]))
			return 1;
	}
	return argc < 2;
}

/*
 * What Linux does to memory of its own accord, at times of its own, would be counted with
 * what a case has it do: hinting faults for NUMA balancing, compaction in the background.
 */
static void set_quiet(void)
{
	static const char *const knobs[] = {
		"/proc/sys/kernel/numa_balancing",
		"/proc/sys/vm/compaction_proactiveness",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(knobs); i++) {
		if (!access(knobs[i], W_OK) && file_write(knobs[i], "0\n"))
			printf("# %s: not to be set\n", knobs[i]);
	}
}

int suite_run(const struct suite_case *cases, size_t n, int argc, char **argv)
{
	size_t i, nr = 0, failed = 0;

	set_quiet();
	for (i = 0; i < n; i++)
		nr += is_selected(&cases[i], argc, argv);
	printf("1..%zu\n", nr);
	for (i = 0, nr = 0; i < n; i++) {
		char reason[256] = "";
		double start = now_s();
		int verdict;

		if (!is_selected(&cases[i], argc, argv))
			continue;
		verdict = run_case(&cases[i], reason, sizeof(reason));
		nr++;
		if (verdict == CASE_SKIPPED) {
			printf("ok %zu - %s # SKIP %s\n", nr, cases[i].name, reason);
		} else if (verdict == CASE_PASSED) {
			printf("ok %zu - %s\n", nr, cases[i].name);
		} else {
			printf("not ok %zu - %s\n", nr, cases[i].name);
			failed++;
		}
		printf("# took %.1f s\n", now_s() - start);
		fflush(stdout);
	}
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

struct child_job {
	void (*fn)(void *arg);
	void *arg;
};

static void run_child_job(void **state)
{
	struct child_job *job = *state;

	job->fn(job->arg);
}

pid_t child_run(void (*fn)(void *arg), void *arg)
{
	struct child_job job = { .fn = fn, .arg = arg };
	const struct CMUnitTest test = {
		.name = "child",
		.test_func = run_child_job,
		.initial_state = &job,
	};
	pid_t pid;
	int failed;

	fflush(stdout);
	pid = fork();
	assert_true(pid >= 0);
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	failed = _cmocka_run_group_tests("child", &test, 1, NULL, NULL);
	fflush(stdout);
	_exit(failed ? CASE_FAILED : CASE_PASSED);
}

int child_reap(pid_t pid, unsigned int limit_s)
{
	int status = 0;
	pid_t got = 0;

	wait_until((got = waitpid(pid, &status, WNOHANG)) != 0, limit_s);
	if (!got) {
		print_stacks(getpgrp());
		fail_msg("process %d still lives after %u s", pid, limit_s);
	}
	assert_int_equal(got, pid);
	return status;
}

void child_wait(pid_t pid, unsigned int limit_s)
{
	int status = child_reap(pid, limit_s);

	assert_msg(WIFEXITED(status) && !WEXITSTATUS(status),
		   "child %d ended with status %#x", pid, (unsigned int)status);
}
