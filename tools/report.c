// SPDX-License-Identifier: GPL-2.0-only
/*
 * The report of iopf check; see report.h. A line is made of two columns, the state and all
 * else, so that it can be read on a narrow terminal: there the second is broken between
 * words. Without a terminal nothing is broken, and a line is a finding or a fix.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "iopf.h"
#include "output.h"
#include "report.h"

static const char *const state_names[N_STATES] = { "ok", "problem", "can't tell" };
static const char *const state_colors[N_STATES] = { "green", "red", "yellow" };
static const char *const state_keys[N_STATES] = { "ok", "problem", "unknown" };

#define STATE_WIDTH	11	/* "can't tell" and a blank */
#define NARROWEST	16

static char *text_of(const char *fmt, va_list args)
{
	char *text;

	if (vasprintf(&text, fmt, args) < 0)
		die_no_memory();
	return text;
}

void report_add(struct report *r, enum finding_state state, const char *check,
		const char *fmt, ...)
{
	struct finding *v = realloc(r->v, (size_t)(r->n + 1) * sizeof(*v));
	va_list args;

	if (!v)
		die_no_memory();
	r->v = v;
	v[r->n] = (struct finding) { .state = state, .check = check };
	if (r->device) {
		v[r->n].device = strdup(r->device);
		if (!v[r->n].device)
			die_no_memory();
	}
	va_start(args, fmt);
	v[r->n].text = text_of(fmt, args);
	va_end(args);
	r->n++;
}

void report_fix(struct report *r, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	free(r->v[r->n - 1].fix);
	r->v[r->n - 1].fix = text_of(fmt, args);
	va_end(args);
}

int report_count(const struct report *r, enum finding_state state)
{
	int i, n = 0;

	for (i = 0; i < r->n; i++)
		n += r->v[i].state == state;
	return n;
}

const struct finding *report_worst(const struct report *r, int first)
{
	const struct finding *worst = NULL;
	int i;

	for (i = first; i < r->n; i++) {
		if (r->v[i].state == STATE_PROBLEM)
			return &r->v[i];
		if (r->v[i].state == STATE_CANT_TELL && !worst)
			worst = &r->v[i];
	}
	return worst;
}

void report_cut(struct report *r, int first)
{
	while (r->n > first) {
		struct finding *f = &r->v[--r->n];

		free(f->device);
		free(f->text);
		free(f->fix);
	}
}

/* Break @text between words, so that no line has more than @width characters. */
static void break_lines(char *text, size_t width)
{
	char *start = text, *blank = NULL, *p;

	for (p = text; *p; p++) {
		if (*p == ' ')
			blank = p;
		if ((size_t)(p - start) < width || !blank)
			continue;
		*blank = '\n';
		start = blank + 1;
		blank = NULL;
	}
}

static void add_row(struct libscols_table *table, const char *state, const char *color, char *text)
{
	struct libscols_line *line = table_line(table);

	if (isatty(STDOUT_FILENO)) {
		size_t width = scols_table_get_termwidth(table);

		if (width < STATE_WIDTH + NARROWEST)
			width = STATE_WIDTH + NARROWEST;
		break_lines(text, width - STATE_WIDTH);
	}
	table_set(line, 0, "%-*s", STATE_WIDTH - 1, state);
	table_set(line, 1, "%s", text);
	if (color)
		scols_cell_set_color(scols_line_get_cell(line, 0), color);
	free(text);
}

static void add_finding(struct libscols_table *table, const struct finding *f)
{
	char *text;

	if (asprintf(&text, "%s%s%s: %s", f->device ? f->device : "", f->device ? " " : "",
		     f->check, f->text) < 0)
		die_no_memory();
	add_row(table, state_names[f->state], state_colors[f->state], text);
	if (!f->fix)
		return;
	if (asprintf(&text, "fix: %s", f->fix) < 0)
		die_no_memory();
	add_row(table, "", NULL, text);
}

static void print_lines(const struct report *r)
{
	static const struct column columns[] = {
		{ "STATE", 0 }, { "FINDING", SCOLS_FL_WRAP }, { NULL }
	};
	struct libscols_table *table = table_new(columns, 0);
	struct libscols_column *finding = scols_table_get_column(table, 1);
	int problems = report_count(r, STATE_PROBLEM);
	int unknown = report_count(r, STATE_CANT_TELL), i;

	scols_table_enable_colors(table, isatty(STDOUT_FILENO) && !getenv("NO_COLOR"));
	scols_column_set_wrapfunc(finding, scols_wrapnl_chunksize, scols_wrapnl_nextchunk, NULL);
	scols_column_set_safechars(finding, "\n");
	for (i = 0; i < r->n; i++)
		add_finding(table, &r->v[i]);
	table_print(table);
	if (problems || unknown)
		printf("problems: %d, can't tell: %d\n", problems, unknown);
	else
		puts("all is well");
}

static struct json_object *json_finding(const struct finding *f)
{
	struct json_object *json = json_map();

	json_add(json, "check", json_string(f->check));
	json_add(json, "device", f->device ? json_string(f->device) : NULL);
	json_add(json, "state", json_string(state_keys[f->state]));
	json_add(json, "finding", json_string(f->text));
	json_add(json, "fix", f->fix ? json_string(f->fix) : NULL);
	return json;
}

static enum finding_state verdict(const struct report *r)
{
	if (report_count(r, STATE_PROBLEM))
		return STATE_PROBLEM;
	return report_count(r, STATE_CANT_TELL) ? STATE_CANT_TELL : STATE_OK;
}

static void print_json(const struct report *r, struct json_object *parameters)
{
	struct json_object *json = json_map(), *checks = json_list();
	int i;

	for (i = 0; i < r->n; i++)
		json_append(checks, json_finding(&r->v[i]));
	json_add(json, "verdict", json_string(state_keys[verdict(r)]));
	json_add(json, "checks", checks);
	json_add(json, "parameters", parameters);
	json_print(json);
}

void report_print(const struct report *r, bool json, struct json_object *parameters)
{
	if (json)
		print_json(r, parameters);
	else
		print_lines(r);
}

int report_exit_code(const struct report *r)
{
	static const int codes[N_STATES] = { IOPF_OK, IOPF_FAILED, IOPF_CANT_TELL };

	return codes[verdict(r)];
}
