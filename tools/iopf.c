// SPDX-License-Identifier: GPL-2.0-only
/*
 * iopf: look into VFIO containers with demand-paged DMA, from the command line.
 *
 * main() finds the sub-command in a table and hands over. What the sub-commands know of
 * arguments, sysfs and output is in args.c, sysfs.c and output.c.
 */
#include <argp.h>
#include <errno.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "iopf.h"

#ifndef IOPF_VERSION
#define IOPF_VERSION	"0.1"
#endif

const char *argp_program_version = "iopf " IOPF_VERSION;

struct command {
	const char *name;
	const char *help;	/* one line: a screen has 80 columns */
	int (*run)(int argc, char **argv);
};

static const struct command commands[] = {
	{ "check",	"can this host and its devices do it, and if not, what to do", cmd_check },
	{ "list",	"all containers, a line each", cmd_list },
	{ "show",	"all about a container, device or process", cmd_show },
	{ "top",	"what they and their devices are doing, live", cmd_top },
	{ "trace",	"page requests and evictions, one by one or summed up", cmd_trace },
	{ "map",	"what of its memory devices can reach, as a picture", cmd_map },
	{ "advise",	"map memory before devices ask for it, or take it away", cmd_advise },
	{ "convert",	"have all of a container's memory pinned, or paged in again", cmd_convert },
	{ "run",	"run one unmodified program on it", cmd_run },
	{ "bind",	"give a device to vfio-pci", cmd_bind },
	{ "unbind",	"give it back to its own driver", cmd_unbind },
};

static char speaker[64] = "iopf";	/* "iopf list", once that is known */

void complain(const char *fmt, ...)
{
	va_list args;

	fflush(stdout);
	fprintf(stderr, "%s: ", speaker);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
}

void die_no_memory(void)
{
	complain("out of memory");
	exit(IOPF_FAILED);
}

/* The table above, for --help. argp frees what it is given. */
static char *help_filter(int key, const char *text, void *input)
{
	char *out;
	size_t len, i;
	FILE *f;

	(void)input;
	if (key != ARGP_KEY_HELP_POST_DOC)
		return (char *)text;
	f = open_memstream(&out, &len);
	if (!f)
		return NULL;
	fputs("Commands:\n", f);
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(f, "  %-8s %s\n", commands[i].name, commands[i].help);
	fputs("\n`iopf COMMAND --help' tells more, and so does iopf-COMMAND(8).", f);
	fclose(f);
	return out;
}

static int run(const char *name, int argc, char **argv)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(commands); i++) {
		if (strcmp(commands[i].name, name))
			continue;
		snprintf(speaker, sizeof(speaker), "iopf %s", name);
		argv[0] = speaker;
		return commands[i].run(argc, argv);
	}
	complain("there is no command '%s'; see iopf --help", name);
	return IOPF_USAGE;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	int *code = state->input;

	switch (key) {
	case ARGP_KEY_ARG:
		*code = run(arg, state->argc - state->next + 1, state->argv + state->next - 1);
		state->next = state->argc;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_state_help(state, stderr, ARGP_HELP_STD_ERR);
		return EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.parser = parse,
	.args_doc = "COMMAND [ARGUMENT...]",
	.doc = "Look into VFIO containers whose memory is paged in on the device's demand.\v-",
	.help_filter = help_filter,
};

/* What did not get to its reader was not done: the disk is full, say. */
static int close_stdout(int code)
{
	if (!ferror(stdout) && !fflush(stdout))
		return code;
	complain("can't write the output: %s", strerror(errno));
	return IOPF_FAILED;
}

int main(int argc, char **argv)
{
	int code = IOPF_OK;

	setlocale(LC_ALL, "");
	argp_err_exit_status = IOPF_USAGE;
	if (argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &code))
		return IOPF_USAGE;
	return close_stdout(code);
}
