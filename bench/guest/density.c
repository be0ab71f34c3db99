// SPDX-License-Identifier: GPL-2.0-only
/*
 * density: how many tenants (tenant.h) fit into a machine, and what they get done together
 * as their number grows. First with type1, one more at a time until one can't start; then
 * with ours, through a list of numbers, until there is no device left.
 *
 * What a tenant asks for is measured, not chosen: a few tenants without a limit show what
 * the machine can do, and each asks for a part of it (share). A device's work takes CPU
 * time here, as it does not elsewhere, so that part is small: memory is to be short before
 * CPU time is. Throughput then grows with their number (the slope) until memory or the
 * CPUs can do no more (the plateau), and falls when the working sets don't fit (the
 * inflection). Tenants move in while those that are there work. At each number they are
 * left alone before what they do is counted, until little is swapped in (CALM), but not for
 * ever (calm_limit_s).
 *
 * The figure: the largest number of ours at which throughput is, and up to which it has
 * been since the plateau began, at least 90% of the plateau, over the number that type1
 * could start. The plateau is the highest throughput found with either.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/swap.h>
#include <time.h>

#include "tenant.h"

#define PROBE_TENANTS	4u
#define AT_A_TIME	4u	/* of ours, that move in together */
#define MAX_LEVELS	32
#define PLATEAU		0.9
#define CALM		100.0	/* pages swapped in per second */
#define LIMIT_S		600
#define QUICK_LIMIT_S	90
#define SWAP		"/dev/zram0"

static const unsigned int levels[] = {
	1, 16, 32, 64, 80, 96, 104, 112, 120, 128, 144, 160,
};

static const unsigned int quick_levels[] = { 1, 32, 48, 56 };

/* What was found at one number of tenants. */
struct level {
	double tenants;
	double pages_s;
	double slowest;		/* tenant, as a part of the mean */
	double swapped_out_s;	/* pages per second */
	double swapped_in_s;
	double mem_available_mib;
	double faults_s;	/* page requests per second */
	double retries_s;
	double backoffs_s;	/* waits for memory for page tables */
};

struct side {
	struct level level[MAX_LEVELS];
	unsigned int nr_levels;
	unsigned int most;	/* tenants that ran at the same time */
	char end[200];		/* why there were no more */
};

struct density {
	struct tenants *all;
	unsigned int share;	/* tenants that ask together for what the machine can do */
	double settle_s, calm_limit_s, count_s;
	double until_ms;	/* no more tenants then */
	struct side side[BACKENDS];
	double capacity;	/* pages per second, without a limit */
};

static void nap_s(double s)
{
	const struct timespec ts = {
		.tv_sec = (time_t)s, .tv_nsec = (long)((s - floor(s)) * 1e9),
	};

	nanosleep(&ts, NULL);
}

/* Sums over the tenants. */
struct sums {
	unsigned long faults, retries, backoffs;
};

static struct sums sum(const struct density *d, unsigned int n)
{
	struct sums sums = { 0 };
	unsigned int i;

	for (i = 0; i < n; i++) {
		sums.faults += d->all->tenant[i].faults;
		sums.retries += d->all->tenant[i].retries;
		sums.backoffs += d->all->tenant[i].backoffs;
	}
	return sums;
}

/* Let those at work come to rest. */
static void settle(const struct density *d)
{
	double until = now_ms() + d->calm_limit_s * 1e3, start, in;

	nap_s(d->settle_s);
	do {
		in = (double)vm_counter("pswpin");
		start = now_ms();
		nap_s(1);
		in = (double)vm_counter("pswpin") - in;
	} while (in / (now_ms() - start) * 1e3 > CALM && now_ms() < until);
}

/* Let @n tenants work, and count for a while. Returns how many are alive after it. */
static unsigned int count(struct density *d, unsigned int n, struct level *to)
{
	static unsigned long before[MAX_TENANTS];
	unsigned long out, in, copies = 0, least = ~0ul;
	unsigned int i, alive = 0;
	struct sums first, last;
	double start, s;

	d->all->go = 1;
	settle(d);
	for (i = 0; i < n; i++)
		before[i] = d->all->tenant[i].copies;
	first = sum(d, n);
	out = vm_counter("pswpout");
	in = vm_counter("pswpin");
	start = now_ms();
	nap_s(d->count_s);
	for (i = 0; i < n; i++) {
		unsigned long did = d->all->tenant[i].copies - before[i];

		copies += did;
		least = did < least ? did : least;
	}
	s = (now_ms() - start) / 1e3;
	last = sum(d, n);
	*to = (struct level){
		.tenants = n, .pages_s = (double)copies / s,
		.slowest = copies ? (double)least * n / (double)copies : 0,
		.swapped_out_s = (double)(vm_counter("pswpout") - out) / s,
		.swapped_in_s = (double)(vm_counter("pswpin") - in) / s,
		.mem_available_mib = (double)meminfo_kb("MemAvailable") / 1024,
		.faults_s = (double)(last.faults - first.faults) / s,
		.retries_s = (double)(last.retries - first.retries) / s,
		.backoffs_s = (double)(last.backoffs - first.backoffs) / s,
	};
	for (i = 0; i < n; i++)
		alive += tenant_lives(d->all, i);
	printf("    %3u tenants: %8.0f pages/s, slowest %3.0f%% of mean", n, to->pages_s,
	       100 * to->slowest);
	printf("; swap %.0f/s, %.0f/s; %.0f faults/s\n", to->swapped_out_s, to->swapped_in_s,
	       to->faults_s);
	return alive;
}

/* What can the machine do? A few tenants that ask for all they can get. */
static int probe(struct density *d)
{
	struct level found;
	unsigned int i;
	int err = 0;

	d->all->rate = 0;
	for (i = 0; i < PROBE_TENANTS && !err; i++)
		err = tenant_start(d->all, i, OURS) || tenant_ready(d->all, i) ? -1 : 0;
	if (err)
		return complain("tenant %u does not start: %s", i, d->all->tenant[i - 1].why);
	count(d, PROBE_TENANTS, &found);
	tenants_end(d->all);
	d->capacity = found.pages_s;
	d->all->rate = (unsigned long)(d->capacity / d->share);
	printf("    each asks for %lu pages/s\n", (unsigned long)d->all->rate);
	return d->all->rate ? 0 : complain("the tenants do nothing");
}

static void note_end(struct density *d, struct side *side, unsigned int i)
{
	const char *why = d->all->tenant[i].why;

	snprintf(side->end, sizeof(side->end), "tenant %u: %s", i + 1,
		 *why ? why : "could not start (see the log)");
	printf("    %s\n", side->end);
}

/*
 * Up to @n tenants; false: one failed, and it and those after it don't count. They move
 * in while the others work: one at a time where the next may be one too many, else a few.
 */
static bool grow(struct density *d, enum backend who, unsigned int *running, unsigned int n)
{
	unsigned int end, i;

	while (*running < n) {
		end = *running + (who == OURS ? AT_A_TIME : 1);
		end = end < n ? end : n;
		for (i = *running; i < end && !tenant_start(d->all, i, who); i++)
			;
		for (; *running < i; ++*running)
			if (tenant_ready(d->all, *running))
				break;
		if (*running < end) {
			note_end(d, &d->side[who], *running);
			return false;
		}
	}
	return true;
}

/* Others may have died for the new one to start, or while they worked. */
static unsigned int first_dead(struct density *d, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n && tenant_lives(d->all, i); i++)
		;
	return i;
}

static void climb(struct density *d, enum backend who, const unsigned int *steps,
		  unsigned int nr_steps, unsigned int limit)
{
	struct side *side = &d->side[who];
	unsigned int running = 0, step, dead;

	for (step = 0; step < nr_steps && steps[step] <= limit; step++) {
		if (now_ms() > d->until_ms) {
			snprintf(side->end, sizeof(side->end), "there was no time for more");
			break;
		}
		if (!grow(d, who, &running, steps[step]))
			break;
		if (count(d, running, &side->level[side->nr_levels]) < running) {
			dead = first_dead(d, running);
			note_end(d, side, dead);
			break;
		}
		side->nr_levels++;
		side->most = running;
	}
	tenants_end(d->all);
	if (!*side->end)
		snprintf(side->end, sizeof(side->end), "all were started that were asked for");
}

/*
 * Pinned memory is gone after few, so go one by one near the end. Nothing that is pinned
 * can be swapped, but Linux looks for it all the same, and takes minutes to call the OOM
 * killer: so there is no swap while this lasts.
 */
static void climb_pinned(struct density *d, bool quick)
{
	unsigned int steps[MAX_LEVELS] = { 1, 2, 4, 6 }, nr = quick ? 2 : 4, i;

	for (i = quick ? 3 : 8; nr < MAX_LEVELS; i++)
		steps[nr++] = i;
	if (swapoff(SWAP))
		printf("    swapoff: %s\n", strerror(errno));
	climb(d, TYPE1, steps, MAX_LEVELS, MAX_TENANTS);
	if (swapon(SWAP, 0))
		printf("    swapon: %s\n", strerror(errno));
}

static double plateau(const struct density *d)
{
	double best = 0;
	unsigned int backend, i;

	for (backend = 0; backend < BACKENDS; backend++)
		for (i = 0; i < d->side[backend].nr_levels; i++)
			best = fmax(best, d->side[backend].level[i].pages_s);
	return best;
}

static void put_levels(json_object *detail, const char *prefix, const struct side *side)
{
	double of[MAX_LEVELS];
	char name[48];
	unsigned int i;

#define PUT(member) do { \
		for (i = 0; i < side->nr_levels; i++) \
			of[i] = side->level[i].member; \
		snprintf(name, sizeof(name), "%s_" #member, prefix); \
		put_numbers(detail, name, of, side->nr_levels); \
	} while (0)
	PUT(tenants);
	PUT(pages_s);
	PUT(slowest);
	PUT(swapped_out_s);
	PUT(swapped_in_s);
	PUT(mem_available_mib);
	PUT(faults_s);
	PUT(retries_s);
	PUT(backoffs_s);
#undef PUT
	snprintf(name, sizeof(name), "%s_end", prefix);
	put_text(detail, name, side->end);
	snprintf(name, sizeof(name), "%s_most", prefix);
	put_number(detail, name, side->most);
}

/* By number of tenants: ours at its levels, type1 where it was measured there. */
static void put_plot(json_object *figure, const struct density *d)
{
	double x[2 * MAX_LEVELS], y[BACKENDS][2 * MAX_LEVELS];
	const struct side *ours = &d->side[OURS], *type1 = &d->side[TYPE1];
	unsigned int n = 0, i = 0, j = 0;
	json_object *plot;

	while (i < ours->nr_levels || j < type1->nr_levels) {
		double a = i < ours->nr_levels ? ours->level[i].tenants : INFINITY;
		double b = j < type1->nr_levels ? type1->level[j].tenants : INFINITY;

		x[n] = fmin(a, b);
		y[OURS][n] = a <= b ? ours->level[i++].pages_s * PAGE / 1e6 : NAN;
		y[TYPE1][n++] = b <= a ? type1->level[j++].pages_s * PAGE / 1e6 : NAN;
	}
	plot = plot_add(figure, "tenants", "copied by all together (MB/s)", false, false, x, n);
	plot_series(plot, SERIES_OURS, y[OURS], n);
	plot_series(plot, SERIES_TYPE1, y[TYPE1], n);
}

/* Where the plateau begins and where it ends, in levels; @end exclusive. */
static void find_plateau(const struct side *side, double height, unsigned int *first,
			 unsigned int *end)
{
	for (*first = 0; *first < side->nr_levels; ++*first)
		if (side->level[*first].pages_s >= PLATEAU * height)
			break;
	for (*end = *first; *end < side->nr_levels; ++*end)
		if (side->level[*end].pages_s < PLATEAU * height)
			break;
}

static void report(struct result *to, const struct density *d)
{
	const struct side *ours = &d->side[OURS], *type1 = &d->side[TYPE1];
	double height = plateau(d), good;
	json_object *figure, *detail;
	unsigned int first, end;

	find_plateau(ours, height, &first, &end);
	good = end > first ? ours->level[end - 1].tenants : 0;
	figure = figure_add(to, "density", "times", type1->most ? good / type1->most : NAN);
	put_number(figure, "ours", good);
	put_number(figure, "type1", type1->most);
	detail = put_object(figure, "detail");
	put_text(detail, "ours_and_type1_are", "tenants");
	put_number(detail, "plateau_pages_s", height);
	put_number(detail, "slope_pages_s_per_tenant",
		   ours->nr_levels ? ours->level[0].pages_s / ours->level[0].tenants : NAN);
	put_number(detail, "plateau_begins_at_tenants",
		   end > first ? ours->level[first].tenants : NAN);
	put_number(detail, "inflection_after_tenants",
		   end < ours->nr_levels ? good : NAN);
	put_number(detail, "last_level_part_of_plateau",
		   ours->nr_levels ? ours->level[ours->nr_levels - 1].pages_s / height : NAN);
	put_number(detail, "asked_pages_s_per_tenant", (double)d->all->rate);
	put_number(detail, "capacity_pages_s", d->capacity);
	put_number(detail, "tenant_mapped_bytes", TENANT_BYTES);
	put_number(detail, "tenant_working_bytes", TENANT_WORKING_BYTES);
	put_number(detail, "tenant_past_bytes", TENANT_PAST_BYTES);
	put_number(detail, "copies_for_a_page_of_drift", TENANT_DRIFT_COPIES);
	put_levels(detail, "ours", ours);
	put_levels(detail, "type1", type1);
	put_plot(figure, d);
}

/* Devices there are: those that a process can open. */
static unsigned int devices(void)
{
	long n = number_in("/sys/module/softdma/parameters/devices");

	return n > 0 && n < MAX_TENANTS ? (unsigned int)n : MAX_TENANTS - 1;
}

static int run(struct result *to, const struct options *opt)
{
	static struct density d;

	d.all = tenants_new();
	if (!d.all)
		return complain("no shared memory");
	d.share = opt->quick ? 60 : 120;
	d.until_ms = now_ms() + (opt->quick ? QUICK_LIMIT_S : LIMIT_S) * 1e3;
	d.settle_s = opt->quick ? 0 : 1;
	d.calm_limit_s = opt->quick ? 20 : 60;
	d.count_s = opt->quick ? 2 : 4;
	/* Whoever looks on must not be swapped out, nor the program they all run. */
	file_write("/proc/self/oom_score_adj", "-1000");
	if (mlockall(MCL_CURRENT | MCL_FUTURE))
		return complain("mlockall: %s", strerror(errno));
	if (probe(&d))
		return -1;
	printf("    pinned (type1):\n");
	climb_pinned(&d, opt->quick);
	printf("    unpinned (vfio-iopf):\n");
	if (opt->quick)
		climb(&d, OURS, quick_levels, ARRAY_SIZE(quick_levels), devices());
	else
		climb(&d, OURS, levels, ARRAY_SIZE(levels), devices());
	report(to, &d);
	return 0;
}

const struct bench bench_density = {
	.name = "density",
	.what = "density: tenants that fit into a machine, and what they get done together",
	.run = run,
};
