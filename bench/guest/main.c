// SPDX-License-Identifier: GPL-2.0-only
/*
 * The benchmarks' program. Runs those that are named, each in a process of its own, and
 * writes what each finds to a file of its own. Exit code: 0, all that were named ran to
 * their end; 1, one did not, the others did; 2, bad arguments.
 */
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

static const struct bench * const benches[] = {
	&bench_bounds,
	&bench_cold,
	&bench_density,
	&bench_fault_resident,
	&bench_faults_per_gib,
	&bench_first_dma,
	&bench_hot,
	&bench_hot_instructions,
	&bench_hot_intel,
	&bench_intel,
	&bench_latency,
	&bench_map_dma,
	&bench_metadata,
	&bench_mm_untouched,
	&bench_pressure,
	&bench_resident,
	&bench_resident_intel,
	&bench_scaling,
	&bench_segment_size,
	&bench_series,
	&bench_stubborn,
	&bench_window,
};

struct arguments {
	struct options options;
	const char *folder;
	const struct bench *chosen[ARRAY_SIZE(benches)];
	unsigned int nr_chosen;
};

static const struct bench *find(const char *name)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(benches); i++)
		if (!strcmp(benches[i]->name, name))
			return benches[i];
	return NULL;
}

static void print_list(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(benches); i++)
		if (!benches[i]->apart)
			printf("%s\t%s\t%s\n", benches[i]->name,
			       benches[i]->icount ? "icount" : "threads", benches[i]->what);
}

static const struct argp_option argp_options[] = {
	{ "list", 'l', NULL, 0, "print names, kinds (icount, threads) and what they measure", 0 },
	{ "quick", 'q', NULL, 0, "fewer runs, smaller sizes", 0 },
	{ "runs", 'r', "N", 0, "so many runs of each measurement", 0 },
	{ "out", 'o', "FOLDER", 0, "where to write (default $VIOPF_OUT/bench)", 0 },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *to = state->input;

	switch (key) {
	case 'l':
		print_list();
		exit(0);
	case 'q':
		to->options.quick = true;
		return 0;
	case 'r':
		to->options.runs = (unsigned int)strtoul(arg, NULL, 10);
		return 0;
	case 'o':
		to->folder = arg;
		return 0;
	case ARGP_KEY_ARG:
		if (to->nr_chosen == ARRAY_SIZE(to->chosen))
			argp_error(state, "too many benchmarks");
		to->chosen[to->nr_chosen] = find(arg);
		if (!to->chosen[to->nr_chosen++])
			argp_error(state, "no such benchmark: %s (see --list)", arg);
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which benchmark? (see --list)");
		return EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static void put_machine(json_object *to)
{
	struct utsname name;

	uname(&name);
	put_text(to, "kernel", name.release);
	put_number(to, "cpus", (double)sysconf(_SC_NPROCESSORS_ONLN));
	put_number(to, "ram_kb", (double)meminfo_kb("MemTotal"));
	put_number(to, "clock_cost_ns", (double)clock_cost_ns());
}

/* What was measured before a failure is written too. */
static int run_here(const struct bench *bench, const struct arguments *args)
{
	json_object *to = json_object_new_object();
	struct result result = { .figures = put_object(to, "figures") };
	char path[256];
	int err;

	put_text(to, "bench", bench->name);
	json_object_object_add(to, "quick", json_object_new_boolean(args->options.quick));
	put_machine(put_object(to, "machine"));
	err = bench->run(&result, &args->options);
	json_object_object_add(to, "complete", json_object_new_boolean(!err));
	snprintf(path, sizeof(path), "%s/%s.json", args->folder, bench->name);
	if (json_object_to_file_ext(path, to, JSON_C_TO_STRING_PRETTY))
		err = complain("can't write %s: %s", path, json_util_get_last_err());
	json_object_put(to);
	return err;
}

static int run_apart(const struct bench *bench, const struct arguments *args)
{
	double start = now_ms();
	int status;
	pid_t pid;

	if (bench->icount != (sysconf(_SC_NPROCESSORS_ONLN) == 1))
		return complain("%s wants a VM with %s", bench->name,
				bench->icount ? "one CPU (--icount)" : "several CPUs");
	printf("==> %s: %s\n", bench->name, bench->what);
	fflush(stdout);
	pid = fork();
	if (pid < 0)
		return complain("no process: %s", strerror(errno));
	if (!pid)
		_exit(run_here(bench, args) ? 1 : 0);
	while (waitpid(pid, &status, 0) < 0)
		;
	printf("    %s: %.1f s\n", bench->name, (now_ms() - start) / 1e3);
	if (WIFSIGNALED(status))
		return complain("%s: killed by signal %d", bench->name, WTERMSIG(status));
	return status ? complain("%s: failed", bench->name) : 0;
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		.options = argp_options, .parser = parse, .args_doc = "NAME...",
		.doc = "Started by bench/guest-setup, in the VM; people run make bench.",
	};
	struct arguments args = { 0 };
	static char folder[256];
	unsigned int i;
	int failed = 0;

	snprintf(folder, sizeof(folder), "%s/bench", getenv("VIOPF_OUT") ? : ".");
	args.folder = folder;
	setvbuf(stdout, NULL, _IOLBF, 0);
	argp_parse(&argp, argc, argv, 0, NULL, &args);
	if (mkdir(args.folder, 0755) && errno != EEXIST)
		return complain("can't make %s: %s", args.folder, strerror(errno)) ? 2 : 0;
	for (i = 0; i < args.nr_chosen; i++)
		failed |= run_apart(args.chosen[i], &args);
	return failed ? 1 : 0;
}
