// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading transcripts, and laying them beside each other. The steps of a scenario
 * are the same whoever answers, so the n-th line of one belongs to the n-th of the
 * other; should one of them end early, or a step be missing, that is a difference
 * that no table allows.
 */
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <viopf.h>

#include "../lib/suite.h"
#include "transcript.h"

#define MAX_TABLE	256

int transcript_new(void)
{
	int fd = memfd_create("transcript", MFD_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static void take_line(struct transcript *t, char *text)
{
	char *colon = strstr(text, ": ");

	assert_msg(colon, "not a line of a transcript: '%s'", text);
	assert_true(t->nr < TRANSCRIPT_LINES);
	*colon = '\0';
	t->line[t->nr].step = text;
	t->line[t->nr++].result = colon + 2;
}

struct transcript *transcript_read(int fd)
{
	struct transcript *t = calloc(1, sizeof(*t));
	char *line, *save = NULL;
	struct stat st;

	assert_non_null(t);
	assert_ok(fstat(fd, &st));
	t->text = calloc(1, (size_t)st.st_size + 1);
	assert_non_null(t->text);
	assert_int_equal(pread(fd, t->text, (size_t)st.st_size, 0), st.st_size);
	close(fd);
	for (line = strtok_r(t->text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		take_line(t, line);
	return t;
}

void transcript_free(struct transcript *t)
{
	free(t->text);
	free(t);
}

static int apart(const struct transcript *a, const struct transcript *b, size_t i)
{
	return i >= a->nr || i >= b->nr || strcmp(a->line[i].step, b->line[i].step);
}

static const char *step_at(const struct transcript *t, size_t i)
{
	return i < t->nr ? t->line[i].step : "(end)";
}

static int is_known(const struct difference *d, const char *scenario, unsigned int on,
		    const char *step, const char *type1, const char *ours)
{
	return d->on & on && strstr(scenario, d->scenario) && !fnmatch(d->step, step, 0) &&
	       !fnmatch(d->type1, type1, 0) && !fnmatch(d->ours, ours, 0);
}

/* The difference in a line: its place in the table, or -1. */
static int find_difference(const char *scenario, unsigned int on, const char *step,
			   const char *type1, const char *ours)
{
	size_t i;

	for (i = 0; i < nr_differences; i++) {
		if (is_known(&differences[i], scenario, on, step, type1, ours))
			return (int)i;
	}
	return -1;
}

static size_t compare_line(const char *scenario, unsigned int on, const struct transcript *type1,
			   const struct transcript *ours, size_t i, char *seen)
{
	const char *step = type1->line[i].step;
	int known;

	if (!strcmp(type1->line[i].result, ours->line[i].result))
		return 0;
	known = find_difference(scenario, on, step, type1->line[i].result,
				ours->line[i].result);
	if (known >= 0)
		seen[known] = 1;
	printf("%s %s\n", known >= 0 ? "known:" : "DIFFERENCE:", step);
	printf("  - %s\n  + %s\n", type1->line[i].result, ours->line[i].result);
	if (known >= 0)
		printf("  reason %u\n", differences[known].why);
	return known < 0;
}

/* Those that should have been seen and were not. */
static size_t count_unseen(const char *scenario, unsigned int on, const char *seen)
{
	size_t i, n = 0;

	for (i = 0; i < nr_differences; i++) {
		const struct difference *d = &differences[i];

		if (seen[i] || !d->scenario[0] || !(d->on & on) || !strstr(scenario, d->scenario))
			continue;
		printf("NO DIFFERENCE, though the table has one: %s\n", d->step);
		n++;
	}
	return n;
}

size_t transcript_compare(const char *scenario, unsigned int on, const struct transcript *type1,
			  const struct transcript *ours)
{
	char seen[MAX_TABLE] = "";
	size_t i, bad = 0;

	assert_true(nr_differences <= MAX_TABLE);
	for (i = 0; i < type1->nr || i < ours->nr; i++) {
		if (apart(type1, ours, i)) {
			printf("APART: at line %zu, type1 is at '%s', ours at '%s'\n", i,
			       step_at(type1, i), step_at(ours, i));
			return bad + 1;
		}
		bad += compare_line(scenario, on, type1, ours, i, seen);
	}
	return bad + count_unseen(scenario, on, seen);
}

size_t transcript_same(const char *what, const struct transcript *a, const struct transcript *b)
{
	size_t i, bad = 0;

	for (i = 0; i < a->nr || i < b->nr; i++) {
		if (apart(a, b, i)) {
			printf("%s: apart at line %zu, '%s' and '%s'\n", what, i, step_at(a, i),
			       step_at(b, i));
			return bad + 1;
		}
		if (!strcmp(a->line[i].result, b->line[i].result))
			continue;
		printf("%s: %s\n  - %s\n  + %s\n", what, a->line[i].step, a->line[i].result,
		       b->line[i].result);
		bad++;
	}
	return bad;
}
