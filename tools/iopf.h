/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the sub-commands of iopf share: exit codes, how to complain, and each one's entry.
 *
 * A sub-command is a file of its own with one function cmd_<name>(), declared here, and a
 * line in the table of iopf.c. It gets its own words alone, argv[0] being "iopf <name>", so
 * that what it prints about its arguments names it; and returns the exit code.
 */
#ifndef IOPF_H
#define IOPF_H

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof(*(a)))

/* Exit codes, of every sub-command (iopf(8)). */
enum iopf_exit {
	IOPF_OK		= 0,
	IOPF_FAILED	= 1,	/* it could not be done; check: a problem was found */
	IOPF_USAGE	= 2,	/* the command line is wrong */
	IOPF_CANT_TELL	= 3,	/* check: no problem was found, but not all could be looked at */
};

/* Say on standard error, after "iopf <name>: ", what failed and what to do. */
void complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* complain() of memory that there isn't, and end. */
_Noreturn void die_no_memory(void);

int cmd_check(int argc, char **argv);
int cmd_list(int argc, char **argv);
int cmd_show(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_bind(int argc, char **argv);
int cmd_unbind(int argc, char **argv);
int cmd_top(int argc, char **argv);
int cmd_trace(int argc, char **argv);
int cmd_map(int argc, char **argv);
int cmd_advise(int argc, char **argv);
int cmd_convert(int argc, char **argv);

#endif /* IOPF_H */
