// SPDX-License-Identifier: GPL-2.0-only
/*
 * window.fixed: the window that adapts, against fixed windows of 1, 16 and 512 pages
 * (the module's parameter window_fixed: so many pages from the one asked for on, all
 * brought in, as the kernel series of 2021 had it), where a device goes through cold memory
 *
 *	in order	all of 64 MiB
 *	strided		one page of each 8, in order
 *	at random	2048 pages of 1 GiB
 *
 * For each: instructions for a page that was asked for, page requests, and pages that
 * were brought in and not asked for. The figure: over the three patterns the worst of what
 * the adaptive window takes, over what the best of the three fixed ones takes. Each fixed
 * one loses somewhere: for each, the detail has the same of it against the best of all.
 *
 * Instructions leave out what a large window does to memory that nobody asked for, and
 * what a page request costs on its way. Hence the other two numbers.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "bench.h"

#define PARAMETER	"/sys/module/vfio_iommu_iopf/parameters/window_fixed"

enum pattern { IN_ORDER, STRIDED, RANDOM, PATTERNS };

static const char * const pattern_names[PATTERNS] = { "in_order", "strided", "random" };
static const char * const plot_names[PATTERNS] = { "in order", "strided", "at random" };

#define STRIDE	8
#define ADAPTIVE	0
#define WINDOWS	4
static const unsigned int windows[WINDOWS] = { ADAPTIVE, 1, 16, 512 };

struct outcome {
	double instr;		/* for each page asked for */
	double requests;	/* for each page asked for */
	double extra;		/* pages not asked for, for each page asked for */
};

struct walk {
	uint64_t *pages;
	unsigned int nr;
	uint64_t bytes;
};

static int set_window(unsigned int pages)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", pages);
	return file_write(PARAMETER, text) ? complain("can't set " PARAMETER) : 0;
}

static int make_walk(enum pattern pattern, bool quick, struct walk *walk)
{
	unsigned int shrink = quick ? 4 : 1, stride = pattern == STRIDED ? STRIDE : 1, i;

	walk->bytes = pattern == RANDOM ? GIB : 64 * MIB / shrink;
	walk->nr = pattern == RANDOM ? 2048 / shrink :
				       (unsigned int)(walk->bytes / PAGE / stride);
	walk->pages = random_pages(walk->nr, walk->bytes / PAGE, 0xf1ed);
	if (!walk->pages)
		return -1;
	for (i = 0; i < walk->nr && pattern != RANDOM; i++)
		walk->pages[i] = (uint64_t)i * stride;
	return 0;
}

static int measure(const struct walk *walk, struct outcome *to)
{
	void *source, *mem = memory_get(walk->bytes, MEMORY_4K);
	struct vfio_iopf_stats before, after;
	struct rig rig;
	double ns = 0;

	if (!mem || device_open(&rig, OURS, &source) ||
	    rig_map(&rig, mem, IOVA_MEMORY, walk->bytes) || viopf_stats(rig.c, &before) ||
	    device_write_pages(&rig, walk->pages, walk->nr, &ns) || viopf_stats(rig.c, &after))
		return -1;
	to->instr = ns / walk->nr;
	to->requests = (double)(after.requests - before.requests) / walk->nr;
	to->extra = (double)memory_present_pages(mem, walk->bytes) / walk->nr - 1;
	rig_close(&rig);
	munmap(mem, walk->bytes);
	munmap(source, BLOCK);
	return 0;
}

static void report_pattern(json_object *detail, enum pattern pattern,
			   const struct outcome *outcomes)
{
	json_object *to = put_object(detail, pattern_names[pattern]), *one;
	char name[32];
	unsigned int i;

	for (i = 0; i < WINDOWS; i++) {
		snprintf(name, sizeof(name), i ? "%u" : "adaptive", windows[i]);
		one = put_object(to, name);
		put_number(one, "instr_per_page", outcomes[i].instr);
		put_number(one, "requests_per_page", outcomes[i].requests);
		put_number(one, "extra_pages_per_page", outcomes[i].extra);
	}
}

static int run_pattern(enum pattern pattern, bool quick, struct outcome *outcomes)
{
	struct walk walk;
	unsigned int i;
	int err;

	if (make_walk(pattern, quick, &walk))
		return -1;
	for (i = 0, err = 0; i < WINDOWS && !err; i++)
		err = set_window(windows[i]) || measure(&walk, &outcomes[i]) ? -1 : 0;
	free(walk.pages);
	return err;
}

/* What a window takes, over what the best of the fixed ones does, pattern by pattern. */
static double compare(struct outcome (*outcomes)[WINDOWS], unsigned int window, double *ratios)
{
	double best, worst = 0;
	unsigned int i, pattern;

	for (pattern = 0; pattern < PATTERNS; pattern++) {
		best = INFINITY;
		for (i = 1; i < WINDOWS; i++)
			best = fmin(best, outcomes[pattern][i].instr);
		ratios[pattern] = outcomes[pattern][window].instr / best;
		worst = fmax(worst, ratios[pattern]);
	}
	return worst;
}

static void plot_pattern(json_object *figure, enum pattern pattern,
			 const struct outcome *outcomes)
{
	double x[WINDOWS - 1], adaptive[WINDOWS - 1], fixed[WINDOWS - 1];
	json_object *plot;
	unsigned int i;
	char label[64];

	for (i = 1; i < WINDOWS; i++) {
		x[i - 1] = windows[i];
		fixed[i - 1] = outcomes[i].instr;
		adaptive[i - 1] = outcomes[ADAPTIVE].instr;
	}
	snprintf(label, sizeof(label), "instructions for a page, %s", plot_names[pattern]);
	plot = plot_add(figure, "fixed window (pages)", label, true, true, x, WINDOWS - 1);
	plot_series(plot, SERIES_OURS, adaptive, WINDOWS - 1);
	plot_series(plot, "fixed window", fixed, WINDOWS - 1);
}

static void report(struct result *to, struct outcome (*outcomes)[WINDOWS])
{
	double ratios[PATTERNS], others[PATTERNS], worst = compare(outcomes, ADAPTIVE, ratios);
	json_object *figure = figure_add(to, "window.fixed", "ratio", worst);
	json_object *detail = put_object(figure, "detail");
	enum pattern pattern;
	unsigned int i;
	char name[32];

	put_numbers(figure, "samples", ratios, PATTERNS);
	for (i = 1; i < WINDOWS; i++) {
		snprintf(name, sizeof(name), "worst_of_fixed_%u", windows[i]);
		put_number(detail, name, compare(outcomes, i, others));
	}
	for (pattern = 0; pattern < PATTERNS; pattern++) {
		report_pattern(detail, pattern, outcomes[pattern]);
		plot_pattern(figure, pattern, outcomes[pattern]);
	}
}

static int run(struct result *to, const struct options *opt)
{
	struct outcome outcomes[PATTERNS][WINDOWS];
	enum pattern pattern;
	int err = 0;

	for (pattern = 0; pattern < PATTERNS && !err; pattern++)
		err = run_pattern(pattern, opt->quick, outcomes[pattern]);
	set_window(ADAPTIVE);
	if (err)
		return -1;
	report(to, outcomes);
	return 0;
}

const struct bench bench_window = {
	.name = "window",
	.what = "window.fixed: the window that adapts against fixed ones of 1, 16 and 512 pages",
	.icount = true,
	.run = run,
};
