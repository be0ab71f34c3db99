// SPDX-License-Identifier: GPL-2.0-only
/*
 * The common part of the sub-commands' command lines; see args.h. Words are gathered at
 * the end, where argp has put them behind all options.
 */
#include "args.h"

static const struct argp_option options[] = {
	{ .name = "json", .key = 'j', .doc = "print JSON (its keys: the man page)" },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *args = state->input;

	(void)arg;
	switch (key) {
	case 'j':
		args->json = true;
		return 0;
	case ARGP_KEY_ARGS:
		args->words = state->argv + state->next;
		args->n_words = state->argc - state->next;
		return 0;
	case ARGP_KEY_END:
		if (args->n_words < args->min_words)
			argp_error(state, "something is missing");
		if (args->n_words > args->max_words)
			argp_error(state, "too many arguments: '%s'",
				   args->words[args->max_words]);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const struct argp args_argp = { .options = options, .parser = parse };

void args_parse(struct args *args, const char *args_doc, const char *doc, int argc, char **argv)
{
	struct argp argp = args_argp;

	argp.args_doc = args_doc;
	argp.doc = doc;
	argp_parse(&argp, argc, argv, 0, NULL, args);
}
