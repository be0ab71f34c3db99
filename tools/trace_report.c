// SPDX-License-Identifier: GPL-2.0-only
/*
 * What iopf trace --summary says: tables, and then in a few words why page requests took as
 * long as they did, and what to do.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "iopf.h"
#include "output.h"
#include "trace.h"

#define MOST_SHOWN	10
#define NS_PER_S	1e9

static const char *const step_names[STEPS] = {
	[STEP_QUEUED] = "waiting for a worker",
	[STEP_BRING_IN] = "bringing memory in",
	[STEP_REST] = "mapping, and the rest",
	[STEP_ANSWER] = "all, arrival to answer",
	[STEP_PREFETCH] = "bringing in for prefetches",
};

static const char *const step_keys[STEPS] = {
	[STEP_QUEUED] = "queued", [STEP_BRING_IN] = "bring_in", [STEP_REST] = "rest",
	[STEP_ANSWER] = "answer", [STEP_PREFETCH] = "prefetch",
};

static const char *const step_advice[STEPS] = {
	[STEP_QUEUED] =
		"Most of the time page requests wait for a worker: more come at once than are "
		"served. See whether the process's cgroup gets CPU time (cpu.max), and the "
		"module's parameter max_workers.",
	[STEP_BRING_IN] =
		"Most of the time the kernel brings memory in: it was swapped out, is a file's, "
		"or was never touched. Prefetch it (iopf advise), give the process more memory, "
		"or look what it waits for (waits.bt).",
	[STEP_REST] =
		"Most of the time goes into mapping memory that is there already: huge pages "
		"need fewer page requests, and a prefetch (iopf advise) none.",
};

static const char *const cause_advice[CAUSES] = {
	[CAUSE_KSWAPD] =
		"Memory is short on this machine: more of it, or memory.low for the process's "
		"cgroup.",
	[CAUSE_RECLAIM] =
		"Memory is short, on this machine or in a cgroup: see memory.max and memory.high "
		"of the process's cgroup, and who writes to memory.reclaim.",
	[CAUSE_KSM] = "KSM merges the memory: keep it out (MADV_UNMERGEABLE; QEMU: mem-merge=off).",
	[CAUSE_COMPACTION] =
		"Compaction moves pages: see vm.compaction_proactiveness, or use huge pages of "
		"hugetlbfs.",
	[CAUSE_KHUGEPAGED] = "khugepaged makes huge pages, which devices gain from afterwards.",
	[CAUSE_DAMON] = "DAMON reclaims or moves what it takes for cold: see its schemes.",
	[CAUSE_UNMAP] = "The process unmaps or moves memory that its devices use.",
	[CAUSE_EXIT] = "The process has ended.",
	[CAUSE_PROTECT] =
		"Protection changes: NUMA balancing, if nobody calls mprotect(); bind the "
		"process to a node, or switch it off (kernel.numa_balancing).",
	[CAUSE_WRITE_BACK] =
		"Dirty pages of files are written back, and devices write to them again.",
	[CAUSE_FORK] =
		"The process forks, or syncs files that its devices write to: use MADV_DONTFORK.",
	[CAUSE_SOFT_DIRTY] = "Somebody tracks dirty pages of the process (CRIU?).",
	[CAUSE_COPY] =
		"Devices write to pages that they have read before, which are shared or were "
		"never written.",
	[CAUSE_CLEAR] =
		"The process gives memory back (madvise, a balloon), writes to shared pages or "
		"cuts its mappings into parts, or pages are moved to another node.",
};

static double seconds(const struct trace_summary *s)
{
	return (double)(s->last_ns - s->first_ns) / NS_PER_S;
}

static double percent(uint64_t part, uint64_t all)
{
	return all ? 100.0 * (double)part / (double)all : 0;
}

static void print_steps(const struct trace_summary *s)
{
	static const struct column columns[] = {
		{ "STEP", 0 }, { "TIMES", SCOLS_FL_RIGHT }, { "SHARE", SCOLS_FL_RIGHT },
		{ "MEAN", SCOLS_FL_RIGHT }, { "P50", SCOLS_FL_RIGHT }, { "P99", SCOLS_FL_RIGHT },
		{ "LONGEST", SCOLS_FL_RIGHT }, { NULL }
	};
	struct libscols_table *table = table_new(columns, 1);
	uint64_t all = s->steps[STEP_ANSWER].total_ns;
	char buf[AMOUNT_MAX];
	int i;

	for (i = 0; i < STEPS; i++) {
		const struct trace_sum *sum = &s->steps[i];
		struct libscols_line *line;

		if (!sum->count)
			continue;
		line = table_line(table);
		table_set(line, 0, "%s", step_names[i]);
		table_set(line, 1, "%" PRIu64, sum->count);
		table_set(line, 2, i == STEP_PREFETCH ? "-" : "%.0f%%",
			  percent(sum->total_ns, all));
		table_set(line, 3, "%s", amount_ns(buf, sum->total_ns / sum->count));
		table_set(line, 4, "%s", amount_ns(buf, latency_percentile(&sum->times, 50)));
		table_set(line, 5, "%s", amount_ns(buf, latency_percentile(&sum->times, 99)));
		table_set(line, 6, "%s", amount_ns(buf, sum->max_ns));
	}
	puts("\nWhere the time of page requests went:");
	table_print(table);
}

static void print_ranges(const struct trace_summary *s)
{
	static const struct column columns[] = {
		{ "ADDRESS", SCOLS_FL_RIGHT }, { "SIZE", SCOLS_FL_RIGHT }, { "CONTAINER", 0 },
		{ "REQUESTS", SCOLS_FL_RIGHT }, { "SHARE", SCOLS_FL_RIGHT }, { NULL }
	};
	struct trace_range top[MOST_SHOWN];
	int i, n = trace_summary_ranges(s, top, MOST_SHOWN);
	struct libscols_table *table = table_new(columns, 1);
	char buf[AMOUNT_MAX];

	for (i = 0; i < n; i++) {
		struct libscols_line *line = table_line(table);

		table_set(line, 0, "%#" PRIx64, top[i].number << s->shift);
		table_set(line, 1, "%s", amount_bytes(buf, 1ull << s->shift));
		table_set(line, 2, "container%" PRIu64, top[i].container);
		table_set(line, 3, "%" PRIu64, top[i].requests);
		table_set(line, 4, "%.0f%%", percent(top[i].requests, s->requests));
	}
	printf("\nAsked for most, of %u ranges:\n", s->n_ranges);
	table_print(table);
}

static int compare_evictions(const void *a, const void *b)
{
	const struct trace_eviction *l = a, *r = b;

	return (l->pages < r->pages) - (l->pages > r->pages);
}

static void print_evictions(const struct trace_summary *s)
{
	static const struct column columns[] = {
		{ "CAUSE", 0 }, { "COMMAND", 0 }, { "EVICTIONS", SCOLS_FL_RIGHT },
		{ "PAGES", SCOLS_FL_RIGHT }, { "SHARE", SCOLS_FL_RIGHT }, { NULL }
	};
	struct libscols_table *table = table_new(columns, 1);
	int i;

	for (i = 0; i < s->n_evictions && i < MOST_SHOWN; i++) {
		const struct trace_eviction *e = &s->evictions[i];
		struct libscols_line *line = table_line(table);

		table_set(line, 0, "%s", trace_cause_names[e->cause]);
		table_set(line, 1, "%s", e->comm);
		table_set(line, 2, "%" PRIu64, e->evictions);
		table_set(line, 3, "%" PRIu64, e->pages);
		table_set(line, 4, "%.0f%%", percent(e->pages, s->evicted_pages));
	}
	puts("\nWho takes pages from the devices:");
	table_print(table);
}

/* Of the three that make up a page request's time. */
static enum trace_step longest_step(const struct trace_summary *s)
{
	enum trace_step step = STEP_QUEUED;

	if (s->steps[STEP_BRING_IN].total_ns > s->steps[step].total_ns)
		step = STEP_BRING_IN;
	if (s->steps[STEP_REST].total_ns > s->steps[step].total_ns)
		step = STEP_REST;
	return step;
}

static const char *advice(const struct trace_summary *s)
{
	uint64_t answers = s->steps[STEP_ANSWER].count;

	if (!s->by_kind[TRACE_REQUEST])
		return "No page request came: devices find what they want mapped, or stand still.";
	if (!answers)
		return "No page request was answered: see who works on them (iopf top, threads "
		       "viopf/N).";
	if (s->invalid + s->failure > answers / 2)
		return "Most answers are refusals: devices ask for what is not mapped, or may "
		       "not; see iopf list for health, and the kernel's log.";
	if (s->at_once > answers / 2)
		return "Most page requests are answered at once: memory is there, and each costs "
		       "little.";
	return step_advice[longest_step(s)];
}

static void print_text(const struct trace_summary *s, uint64_t lost)
{
	printf("%.1f s: %" PRIu64 " page requests in %" PRIu64 " groups, %" PRIu64
	       " evictions of %" PRIu64 " pages\n", seconds(s), s->requests,
	       s->by_kind[TRACE_REQUEST], s->by_kind[TRACE_EVICT], s->evicted_pages);
	if (lost)
		printf("%" PRIu64 " events were lost; filter, by --container, to have fewer\n",
		       lost);
	if (s->steps[STEP_ANSWER].count || s->steps[STEP_PREFETCH].count)
		print_steps(s);
	if (s->steps[STEP_ANSWER].count)
		printf("\nAnswers: %" PRIu64 " SUCCESS, %" PRIu64 " INVALID, %" PRIu64
		       " FAILURE; %" PRIu64 " at once, where they arrived\n", s->success,
		       s->invalid, s->failure, s->at_once);
	if (s->requests)
		print_ranges(s);
	if (s->n_evictions)
		print_evictions(s);
	printf("\n%s\n", advice(s));
	if (s->n_evictions && cause_advice[s->evictions[0].cause])
		printf("%s\n", cause_advice[s->evictions[0].cause]);
}

static struct json_object *json_sum(const struct trace_sum *sum)
{
	struct json_object *json = json_map();

	json_add(json, "count", json_u64(sum->count));
	json_add(json, "total_ns", json_u64(sum->total_ns));
	json_add(json, "p50_ns", json_u64(latency_percentile(&sum->times, 50)));
	json_add(json, "p99_ns", json_u64(latency_percentile(&sum->times, 99)));
	json_add(json, "max_ns", json_u64(sum->max_ns));
	return json;
}

static struct json_object *json_ranges(const struct trace_summary *s)
{
	struct trace_range top[MOST_SHOWN];
	int i, n = trace_summary_ranges(s, top, MOST_SHOWN);
	struct json_object *list = json_list();

	for (i = 0; i < n; i++) {
		struct json_object *json = json_map();

		json_add(json, "container", json_u64(top[i].container));
		json_add(json, "iova", json_u64(top[i].number << s->shift));
		json_add(json, "size", json_u64(1ull << s->shift));
		json_add(json, "requests", json_u64(top[i].requests));
		json_append(list, json);
	}
	return list;
}

static struct json_object *json_evictions(const struct trace_summary *s)
{
	struct json_object *list = json_list();
	int i;

	for (i = 0; i < s->n_evictions; i++) {
		const struct trace_eviction *e = &s->evictions[i];
		struct json_object *json = json_map();

		json_add(json, "cause", json_string(trace_cause_names[e->cause]));
		json_add(json, "comm", json_string(e->comm));
		json_add(json, "evictions", json_u64(e->evictions));
		json_add(json, "pages", json_u64(e->pages));
		json_append(list, json);
	}
	return list;
}

static void print_json(const struct trace_summary *s, uint64_t lost)
{
	struct json_object *json = json_map(), *events = json_map(), *steps = json_map();
	struct json_object *answers = json_map();
	int i;

	for (i = 0; i < TRACE_KINDS; i++)
		json_add(events, trace_kind_names[i], json_u64(s->by_kind[i]));
	for (i = 0; i < STEPS; i++)
		json_add(steps, step_keys[i], json_sum(&s->steps[i]));
	json_add(answers, "success", json_u64(s->success));
	json_add(answers, "invalid", json_u64(s->invalid));
	json_add(answers, "failure", json_u64(s->failure));
	json_add(answers, "at_once", json_u64(s->at_once));
	json_add(json, "seconds", json_object_new_double(seconds(s)));
	json_add(json, "lost", json_u64(lost));
	json_add(json, "events", events);
	json_add(json, "requests", json_u64(s->requests));
	json_add(json, "evicted_pages", json_u64(s->evicted_pages));
	json_add(json, "steps", steps);
	json_add(json, "answers", answers);
	json_add(json, "addresses", json_ranges(s));
	json_add(json, "evictions", json_evictions(s));
	json_print(json);
}

void trace_summary_print(struct trace_summary *s, uint64_t lost, bool json)
{
	if (s->n_evictions)
		qsort(s->evictions, (size_t)s->n_evictions, sizeof(*s->evictions),
		      compare_evictions);
	if (json)
		print_json(s, lost);
	else
		print_text(s, lost);
}
