// SPDX-License-Identifier: GPL-2.0-only
/*
 * iopf run: a command whose type1 containers are taken over, and no other's (iopf-run(8)).
 *
 * The kernel goes by descent: it is told of this process, which stays until the command has
 * ended. As a subreaper it becomes the parent of what the command leaves behind on its way
 * (a daemon forks twice), which so stays a descendant, and is reaped here.
 *
 * A signal from the terminal reaches the command by itself, being for the whole foreground
 * group; one that a process sent to this one alone is handed on.
 */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "iopf.h"
#include "sysfs.h"

#define PROCESSES	"/sys/class/vfio_iopf/takeover_process"

/* As env(1) has them: apart from what commands say themselves. */
enum run_exit {
	RUN_FAILED	= 125,	/* iopf could not do it */
	RUN_NO_EXEC	= 126,	/* COMMAND can't be run */
	RUN_NO_COMMAND	= 127,	/* there is none */
	RUN_SIGNAL	= 128,	/* and the number: it ended by that signal */
};

struct run {
	char **words;		/* of the command line, NULL at the end */
	bool wait;		/* --wait */
	pid_t command;
	bool ended;		/* it has, with this code for us */
	int code;
	bool alone;		/* no child is left */
};

static const struct argp_option options[] = {
	{ .name = "wait", .key = 'w', .doc = "until all that COMMAND left behind has ended, too" },
	{ 0 }
};

/* Options end where COMMAND begins: what follows is its own. */
static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct run *run = state->input;

	(void)arg;
	switch (key) {
	case 'w':
		run->wait = true;
		return 0;
	case ARGP_KEY_ARG:
		run->words = state->argv + state->next - 1;
		state->next = state->argc;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "a COMMAND is missing");
		return EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* Why the kernel did not take our number. */
static void complain_of(int err)
{
	if (err == ENOENT && !sys_exists("/sys/module/" MODULE))
		complain("the module is not loaded: modprobe " MODULE);
	else if (err == ENOENT)
		complain("this version of the module " MODULE " can't: there is no " PROCESSES);
	else if (err == EACCES || err == EPERM)
		complain("no permission for " PROCESSES ": run it as root "
			 "(iopf-run(8) tells how COMMAND gets back to another user)");
	else
		complain("can't write to " PROCESSES ": %s", strerror(err));
}

/* From here on type1 containers of ours, and of our descendants, are taken over. */
static int choose_self(void)
{
	char path[PATH_MAX];
	int fd, err = 0;

	sys_path(path, PROCESSES);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || dprintf(fd, "%d\n", getpid()) < 0)
		err = errno;
	if (fd >= 0)
		close(fd);
	if (err)
		complain_of(err);
	return err;
}

/* What is handed on, and SIGCHLD; the terminal's stop signals do as they always do. */
static void watched_signals(sigset_t *set)
{
	static const int watched[] = {
		SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGALRM, SIGUSR1, SIGUSR2, 0
	};
	size_t i;

	sigemptyset(set);
	for (i = 0; watched[i]; i++)
		sigaddset(set, watched[i]);
}

static pid_t start(char **words, const sigset_t *before)
{
	pid_t pid = fork();
	int err;

	if (pid)
		return pid;
	sigprocmask(SIG_SETMASK, before, NULL);
	execvp(words[0], words);
	err = errno;
	complain("can't run '%s': %s", words[0], strerror(err));
	_exit(err == ENOENT ? RUN_NO_COMMAND : RUN_NO_EXEC);
}

/* Take leave of children that have ended. */
static void reap(struct run *run)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != run->command)
			continue;
		run->code = WIFSIGNALED(status) ? RUN_SIGNAL + WTERMSIG(status) :
						  WEXITSTATUS(status);
		run->ended = true;
	}
	run->alone = pid < 0;
}

/* Until the command has ended, or with --wait all that it left, or a signal ends the wait. */
static void watch(struct run *run, const sigset_t *signals)
{
	siginfo_t info;

	while (!run->ended || (run->wait && !run->alone)) {
		if (sigwaitinfo(signals, &info) < 0)
			continue;
		if (info.si_signo == SIGCHLD)
			reap(run);
		else if (run->ended)
			return;
		/* 0 and below are a process's, the terminal's come from the kernel. */
		else if (info.si_code <= 0)
			kill(run->command, info.si_signo);
	}
}

int cmd_run(int argc, char **argv)
{
	const struct argp argp = {
		.options = options, .parser = parse, .args_doc = "[--] COMMAND [ARGUMENT...]",
		.doc = "Run COMMAND, with its type1 containers taken over: "
			"their memory is paged in on the device's demand.",
	};
	struct run run = { 0 };
	sigset_t signals, before;

	argp_err_exit_status = RUN_FAILED;
	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &run);
	if (choose_self())
		return RUN_FAILED;
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	signal(SIGCHLD, SIG_DFL);
	watched_signals(&signals);
	sigprocmask(SIG_BLOCK, &signals, &before);
	run.command = start(run.words, &before);
	if (run.command < 0) {
		complain("can't start a process: %s", strerror(errno));
		return RUN_FAILED;
	}
	watch(&run, &signals);
	return run.code;
}
