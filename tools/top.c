// SPDX-License-Identifier: GPL-2.0-only
/*
 * iopf top: what containers and their devices are doing, live (iopf-top(8)).
 *
 * A picture of all containers is taken each interval, and compared with the one before.
 * On a terminal that is a full screen; elsewhere a line for each container, or with --json
 * an object for each picture. It ends after --count pictures, by a key, or by a signal,
 * which it waits for in ppoll() alone, so that none is lost.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "args.h"
#include "iopf.h"
#include "output.h"
#include "top.h"

#define LINE_NAME_WIDTH	28

enum { OPT_INTERVAL = 'i', OPT_COUNT = 'n', OPT_SORT = 's', OPT_REVERSE = 'r', OPT_LINES = 'l' };

struct top {
	struct args args;
	double interval;
	unsigned long count;	/* pictures with rates; 0: no end */
	bool lines;
	struct top_view view;
};

static volatile sig_atomic_t interrupted;

static const struct argp_option options[] = {
	{ .name = "interval", .key = OPT_INTERVAL, .arg = "SECONDS",
	  .doc = "time between pictures (1; 0.1 at the least)" },
	{ .name = "count", .key = OPT_COUNT, .arg = "N", .doc = "end after so many intervals" },
	{ .name = "sort", .key = OPT_SORT, .arg = "KEY",
	  .doc = "container, faults (the default), p50, p99, evictions, resident, mapped, "
		 "pinned, retries or backoffs" },
	{ .name = "reverse", .key = OPT_REVERSE, .doc = "the smallest first" },
	{ .name = "lines", .key = OPT_LINES, .doc = "print lines on a terminal, too" },
	{ 0 }
};

static double parse_interval(const char *arg, struct argp_state *state)
{
	char *end;
	double seconds = strtod(arg, &end);

	if (end == arg || *end || !(seconds >= 0.1 && seconds <= 86400))
		argp_error(state, "'%s' is no interval of 0.1 to 86400 seconds", arg);
	return seconds;
}

static unsigned long parse_count(const char *arg, struct argp_state *state)
{
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(arg, &end, 10);
	if (arg[0] < '1' || arg[0] > '9' || *end || errno)
		argp_error(state, "'%s' is no number of intervals", arg);
	return n;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct top *top = state->input;
	int sort;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &top->args;
		return 0;
	case OPT_INTERVAL:
		top->interval = parse_interval(arg, state);
		return 0;
	case OPT_COUNT:
		top->count = parse_count(arg, state);
		return 0;
	case OPT_SORT:
		sort = top_key_find(arg);
		if (sort < 0)
			argp_error(state, "there is nothing called '%s' to sort by", arg);
		top->view.sort = sort;
		return 0;
	case OPT_REVERSE:
		top->view.reverse = true;
		return 0;
	case OPT_LINES:
		top->lines = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static double now_seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void on_signal(int sig)
{
	(void)sig;
	interrupted = 1;
}

/* SIGINT and SIGTERM are held back, but for while we wait; @waiting is the mask then. */
static void catch_signals(sigset_t *waiting)
{
	struct sigaction action = { .sa_handler = on_signal };
	sigset_t held;

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigemptyset(&held);
	sigaddset(&held, SIGINT);
	sigaddset(&held, SIGTERM);
	sigprocmask(SIG_BLOCK, &held, waiting);
	sigdelset(waiting, SIGINT);
	sigdelset(waiting, SIGTERM);
}

static void print_time(void)
{
	time_t t = time(NULL);
	char text[16];
	struct tm tm;

	strftime(text, sizeof(text), "%T", localtime_r(&t, &tm));
	printf("%s ", text);
}

static void print_headings(void)
{
	int key;

	printf("%-8s %-*s", "TIME", LINE_NAME_WIDTH, "CONTAINER");
	for (key = 0; key < TOP_KEYS; key++)
		printf(" %*s", top_columns[key].width, top_columns[key].heading);
	putchar('\n');
	fflush(stdout);
}

static void print_lines(const struct top_rows *rows)
{
	char name[160], cell[TOP_CELL];
	int i, key;

	if (!rows->n) {
		print_time();
		puts("no container is open");
	}
	for (i = 0; i < rows->n; i++) {
		if (rows->v[i].device)
			continue;
		top_row_name(name, sizeof(name), &rows->v[i]);
		print_time();
		printf("%-*s", LINE_NAME_WIDTH, name);
		for (key = 0; key < TOP_KEYS; key++) {
			top_row_cell(cell, &rows->v[i], key);
			printf(" %*s", top_columns[key].width, cell);
		}
		putchar('\n');
	}
	fflush(stdout);
}

/* Its numbers; what there is no counter for has no key. */
static struct json_object *json_row(const struct top_row *row)
{
	struct json_object *json = json_map();
	const struct container *c = row->container;
	int key;

	if (row->device) {
		json_add(json, "name", json_string(row->device->name));
		json_add(json, "kind", json_string(row->device->kind));
		json_add(json, "health", json_string(row->device->health));
	} else {
		json_add(json, "container", json_u64(c->number));
		json_add(json, "pid", json_u64(c->pid));
		json_add(json, "comm", json_string(c->comm));
		json_add(json, "mode", json_string(c->mode));
		json_add(json, "health", json_string(c->health));
	}
	for (key = 0; key < TOP_KEYS; key++) {
		bool whole = round(row->v[key]) == row->v[key];

		if (row->v[key] >= 0)
			json_add(json, top_columns[key].json, whole ?
				 json_u64((uint64_t)row->v[key]) :
				 json_object_new_double(row->v[key]));
	}
	return json;
}

static void print_json(const struct top_rows *rows)
{
	struct json_object *json = json_map(), *list = json_list(), *devices = NULL;
	int i;

	for (i = 0; i < rows->n; i++) {
		struct json_object *row = json_row(&rows->v[i]);

		json_append(rows->v[i].device ? devices : list, row);
		if (!rows->v[i].device) {
			devices = json_list();
			json_add(row, "devices", devices);
		}
	}
	json_add(json, "time", json_u64((uint64_t)time(NULL)));
	json_add(json, "interval_s", json_object_new_double(rows->seconds));
	json_add(json, "containers", list);
	puts(json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN |
						  JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(json);
	fflush(stdout);
}

/* Until a time, or a key, a signal or a new size of the terminal. */
static void wait_until(double when, bool keys, const sigset_t *waiting)
{
	double left = when - now_seconds();
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
	struct timespec ts = { 0 };

	if (left > 0) {
		ts.tv_sec = (time_t)left;
		ts.tv_nsec = (long)((left - (double)ts.tv_sec) * 1e9);
	}
	ppoll(&in, keys ? 1 : 0, &ts, waiting);
}

/* Wait for the next picture, and serve the user meanwhile. True if it is to end. */
static bool wait_for_next(struct top *top, struct top_rows *rows, double when, bool screen,
			  const sigset_t *waiting)
{
	while (!interrupted && now_seconds() < when) {
		wait_until(when, screen, waiting);
		if (!screen)
			continue;
		if (top_screen_key(&top->view))
			return true;
		top_rows_sort(rows, top->view.sort, top->view.reverse);
		top_screen_draw(rows, &top->view);
	}
	return interrupted;
}

static void show(struct top *top, struct top_rows *rows, bool screen)
{
	top_rows_sort(rows, top->view.sort, top->view.reverse);
	if (screen)
		top_screen_draw(rows, &top->view);
	else if (rows->seconds <= 0)
		return;		/* without rates there is nothing to print */
	else if (top->args.json)
		print_json(rows);
	else
		print_lines(rows);
}

/*
 * From a first picture on, which is freed. Returns 0, or the error that the next could not
 * be taken for.
 */
static int run(struct top *top, struct containers *before, bool screen, const sigset_t *waiting)
{
	double taken = now_seconds(), last;
	struct containers now;
	unsigned long shown;
	struct top_rows rows;
	int err = 0;

	top_rows_make(&rows, before, &(struct containers) { 0 }, 0);
	show(top, &rows, screen);
	for (shown = 0; !top->count || shown < top->count; shown++) {
		if (wait_for_next(top, &rows, taken + top->interval, screen, waiting))
			break;
		err = containers_try_read(&now);
		if (err)
			break;
		last = taken;
		taken = now_seconds();
		top_rows_free(&rows);
		top_rows_make(&rows, &now, before, taken - last);
		show(top, &rows, screen);
		containers_free(before);
		*before = now;
	}
	top_rows_free(&rows);
	containers_free(before);
	return err;
}

int cmd_top(int argc, char **argv)
{
	static const struct argp_child children[] = { { .argp = &args_argp }, { 0 } };
	static const struct argp argp = {
		.options = options, .parser = parse, .children = children,
		.doc = "Show what containers and their devices are doing, live: as a full "
		       "screen, or as a line for each container where there is no terminal.",
	};
	struct top top = { .interval = 1, .view.sort = TOP_FAULTS };
	struct containers first;
	sigset_t waiting;
	bool screen;
	int err;

	argp_parse(&argp, argc, argv, 0, NULL, &top);
	catch_signals(&waiting);
	screen = !top.args.json && !top.lines && isatty(STDOUT_FILENO) && isatty(STDIN_FILENO);
	if (containers_read(&first))
		return IOPF_FAILED;
	if (screen)
		screen = !top_screen_open();
	if (!screen && !top.args.json)
		print_headings();
	err = run(&top, &first, screen, &waiting);
	if (screen)
		top_screen_close();
	if (err)
		containers_complain(err);
	return err ? IOPF_FAILED : IOPF_OK;
}
