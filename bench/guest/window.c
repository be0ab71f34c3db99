// SPDX-License-Identifier: GPL-2.0-only
/*
 * window.fixed: the window that adapts, against limits of 1, 16 and 512 pages
 * (window_max_pages), where a device goes through cold memory
 *
 *	in order	all of 64 MiB
 *	strided		one page of each 8, in order
 *	at random	2048 pages of 1 GiB
 *
 * For each: instructions for a page that was asked for, page requests, and pages that
 * were brought in and not asked for. The figure: over the three patterns the worst of what
 * the adaptive window takes, over what the best of the three limits takes.
 *
 * A limit is not a window that is always so large, as the series of 2021 had it: what
 * that does to pages that nobody asked for can be worked out from the pattern, and is in
 * the detail as "premap".
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "bench.h"

#define PARAMETER	"/sys/module/vfio_iommu_iopf/parameters/window_max_pages"

enum pattern { IN_ORDER, STRIDED, RANDOM, PATTERNS };

static const char * const pattern_names[PATTERNS] = { "in_order", "strided", "random" };

#define STRIDE	8
#define WINDOWS	4
static const unsigned int window_limits[WINDOWS] = { 0, 1, 16, 512 };	/* 0: adaptive */

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

static int set_limit(long limit)
{
	char text[16];

	snprintf(text, sizeof(text), "%ld", limit);
	return write_text(PARAMETER, text) ? complain("can't set " PARAMETER) : 0;
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

/* Pages that a fixed window of @window pages would bring in, one for each page asked for. */
static double premap(const struct walk *walk, unsigned int window)
{
	uint64_t windows = walk->bytes / PAGE / window, hit = 0, at;
	char *seen = calloc(windows, 1);
	unsigned int i;

	if (!seen)
		return NAN;
	for (i = 0; i < walk->nr; i++) {
		at = walk->pages[i] / window;
		hit += !seen[at];
		seen[at] = 1;
	}
	free(seen);
	return (double)(hit * window) / walk->nr;
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

/* Returns adaptive over the best of the others. */
static double report_pattern(json_object *detail, enum pattern pattern, const struct walk *walk,
			     const struct outcome *outcomes)
{
	json_object *to = put_object(detail, pattern_names[pattern]), *one;
	double best = INFINITY;
	unsigned int i;
	char name[32];

	for (i = 0; i < WINDOWS; i++) {
		snprintf(name, sizeof(name), i ? "%u" : "adaptive", window_limits[i]);
		one = put_object(to, name);
		put_number(one, "instr_per_page", outcomes[i].instr);
		put_number(one, "requests_per_page", outcomes[i].requests);
		put_number(one, "extra_pages_per_page", outcomes[i].extra);
		if (i) {
			put_number(one, "premap_pages_per_page", premap(walk, window_limits[i]));
			best = fmin(best, outcomes[i].instr);
		}
	}
	return outcomes[0].instr / best;
}

static int run_pattern(enum pattern pattern, bool quick, long usual, json_object *detail,
		       double *ratio)
{
	struct outcome outcomes[WINDOWS];
	struct walk walk;
	unsigned int i;
	int err;

	if (make_walk(pattern, quick, &walk))
		return -1;
	for (i = 0, err = 0; i < WINDOWS && !err; i++)
		err = set_limit(window_limits[i] ? (long)window_limits[i] : usual) ||
		      measure(&walk, &outcomes[i]) ? -1 : 0;
	if (!err)
		*ratio = report_pattern(detail, pattern, &walk, outcomes);
	free(walk.pages);
	return err;
}

static int run(struct result *to, const struct options *opt)
{
	json_object *figure = put_object(to->figures, "window.fixed");
	double ratios[PATTERNS], worst = 0;
	long usual = number_in(PARAMETER);
	enum pattern pattern;
	int err = 0;

	for (pattern = 0; pattern < PATTERNS && !err; pattern++) {
		err = run_pattern(pattern, opt->quick, usual, put_object(figure, "detail"),
				  &ratios[pattern]);
		worst = fmax(worst, ratios[pattern]);
	}
	set_limit(usual);
	if (err)
		return -1;
	figure_add(to, "window.fixed", "ratio", worst);
	put_numbers(figure, "samples", ratios, PATTERNS);
	return 0;
}

const struct bench bench_window = {
	.name = "window",
	.what = "window.fixed: the window that adapts against limits of 1, 16 and 512 pages",
	.icount = true,
	.run = run,
};
