/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What sub-commands have in common on their command lines: --json, and words that name
 * things. A sub-command with no option of its own calls args_parse(); one that has some
 * makes args_argp a child of its own argp, with a struct args as its input.
 */
#ifndef IOPF_ARGS_H
#define IOPF_ARGS_H

#include <argp.h>
#include <stdbool.h>

struct args {
	/* To be set by the caller. */
	int min_words, max_words;	/* INT_MAX: no limit */
	/* Filled in. */
	bool json;
	char **words;			/* part of argv */
	int n_words;
};

extern const struct argp args_argp;

/*
 * Parse a command line that has no other options. @args_doc is what the words are, as in
 * "DEVICE...", @doc the text of --help. Ends the program, with IOPF_USAGE, if it is wrong.
 */
void args_parse(struct args *args, const char *args_doc, const char *doc, int argc, char **argv);

#endif /* IOPF_ARGS_H */
