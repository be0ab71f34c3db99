// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is summed up of events: where page requests' time went, which addresses are asked
 * for most, and who takes pages away.
 *
 * All of it is bounded. Ranges of addresses are counted by the page as long as there are
 * few, and by twice as much each time that there are too many. Groups whose answer is not
 * seen (it was lost) are forgotten together.
 *
 * A group's time is what its answer says; the queue's and the mm's part of it are added up
 * from its other events, and the rest is our own: looking things up, waiting for locks,
 * mapping. Of groups answered by the worker that had them only: others were never taken, or
 * ended with another one's.
 */
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "iopf.h"
#include "trace.h"

#define PAGE_SHIFT	12
#define MOST_RANGES	65536
#define MOST_LIVE	65536

struct live_group {
	uint64_t container, id;
	uint64_t queued_ns, bring_in_ns;
	bool taken;
};

/* Who, what the mm called it (any), in reclaim; the first that fits, as the last does. */
static const struct rule {
	const char *comm;
	const char *event;
	bool reclaim;
	enum trace_cause cause;
} rules[] = {
	{ "kswapd", NULL, false, CAUSE_KSWAPD },
	{ "ksmd", NULL, false, CAUSE_KSM },
	{ "kcompactd", NULL, false, CAUSE_COMPACTION },
	{ "khugepaged", NULL, false, CAUSE_KHUGEPAGED },
	{ "kdamond", NULL, false, CAUSE_DAMON },
	{ "", NULL, true, CAUSE_RECLAIM },
	{ "viopf/", "clear", false, CAUSE_COPY },
	{ "", "unmap", false, CAUSE_UNMAP },
	{ "", "release", false, CAUSE_EXIT },
	{ "", "protection_vma", false, CAUSE_PROTECT },
	{ "kworker", "protection_page", false, CAUSE_WRITE_BACK },
	{ "", "protection_page", false, CAUSE_FORK },
	{ "", "soft_dirty", false, CAUSE_SOFT_DIRTY },
	{ "", "migrate", false, CAUSE_DEVICE },
	{ "", "exclusive", false, CAUSE_DEVICE },
	{ "", "clear", false, CAUSE_CLEAR },
	{ "", NULL, false, CAUSE_OTHER },
};

const char *const trace_cause_names[CAUSES] = {
	[CAUSE_KSWAPD] = "kswapd",
	[CAUSE_RECLAIM] = "direct reclaim",
	[CAUSE_KSM] = "KSM",
	[CAUSE_COMPACTION] = "compaction",
	[CAUSE_KHUGEPAGED] = "khugepaged",
	[CAUSE_DAMON] = "DAMON",
	[CAUSE_UNMAP] = "munmap or mremap",
	[CAUSE_EXIT] = "exit",
	[CAUSE_PROTECT] = "mprotect or NUMA balancing",
	[CAUSE_WRITE_BACK] = "write-back",
	[CAUSE_FORK] = "fork or sync",
	[CAUSE_SOFT_DIRTY] = "soft-dirty tracking",
	[CAUSE_DEVICE] = "device memory",
	[CAUSE_COPY] = "copy, for a device",
	[CAUSE_CLEAR] = "madvise, copy, move or split",
	[CAUSE_OTHER] = "other",
};

enum trace_cause trace_cause_of(const struct trace_event *evict)
{
	const struct rule *rule = rules;

	while (strncmp(evict->comm, rule->comm, strlen(rule->comm)) ||
	       (rule->event && strcmp(evict->word, rule->event)) ||
	       (rule->reclaim && !evict->reclaim))
		rule++;
	return rule->cause;
}

static int compare_ranges(const void *a, const void *b)
{
	const struct trace_range *l = a, *r = b;

	if (l->container != r->container)
		return l->container < r->container ? -1 : 1;
	return (l->number > r->number) - (l->number < r->number);
}

static int compare_live(const void *a, const void *b)
{
	const struct live_group *l = a, *r = b;

	if (l->container != r->container)
		return l->container < r->container ? -1 : 1;
	return (l->id > r->id) - (l->id < r->id);
}

static void *copy(const void *from, size_t size)
{
	void *to = malloc(size);

	if (!to)
		die_no_memory();
	return memcpy(to, from, size);
}

static void add_range(struct trace_summary *s, const struct trace_range *more)
{
	struct trace_range **found = tsearch(more, &s->ranges, compare_ranges);

	if (!found)
		die_no_memory();
	if (*found == more) {
		*found = copy(more, sizeof(*more));
		s->n_ranges++;
		return;
	}
	(*found)->requests += more->requests;
}

static void widen_one(const void *node, VISIT visit, void *closure)
{
	struct trace_range range = **(struct trace_range *const *)node;

	if (visit != postorder && visit != leaf)
		return;
	range.number >>= 1;
	add_range(closure, &range);
}

/* Twice as wide ranges, as long as there are too many. */
static void widen(struct trace_summary *s)
{
	while (s->n_ranges > MOST_RANGES) {
		void *narrow = s->ranges;

		s->ranges = NULL;
		s->n_ranges = 0;
		s->shift++;
		twalk_r(narrow, widen_one, s);
		tdestroy(narrow, free);
	}
}

static void count_range(struct trace_summary *s, const struct trace_event *event)
{
	struct trace_range range = {
		.container = event->container,
		.number = event->iova >> s->shift,
		.requests = event->requests,
	};

	add_range(s, &range);
	widen(s);
}

static void add_time(struct trace_summary *s, enum trace_step step, uint64_t ns)
{
	struct trace_sum *sum = &s->steps[step];

	sum->count++;
	sum->total_ns += ns;
	if (ns > sum->max_ns)
		sum->max_ns = ns;
	latency_add(&sum->times, ns);
}

/* The group of an event, new if need be; NULL if there is none. */
static struct live_group *live(struct trace_summary *s, const struct trace_event *event)
{
	struct live_group key = { .container = event->container, .id = event->id }, **found;

	if (!event->id)
		return NULL;
	if (s->n_live >= MOST_LIVE) {
		tdestroy(s->live, free);
		s->live = NULL;
		s->n_live = 0;
	}
	found = tsearch(&key, &s->live, compare_live);
	if (!found)
		die_no_memory();
	if (*found == &key) {
		*found = copy(&key, sizeof(key));
		s->n_live++;
	}
	return *found;
}

static void count_answer(struct trace_summary *s, const struct trace_event *event)
{
	struct live_group *group = live(s, event);
	uint64_t known;

	add_time(s, STEP_ANSWER, event->took_ns);
	s->success += !strcmp(event->code, "SUCCESS");
	s->invalid += !strcmp(event->code, "INVALID");
	s->failure += !strcmp(event->code, "FAILURE");
	s->at_once += !strcmp(event->word, "handler");
	if (!group)
		return;
	known = group->queued_ns + group->bring_in_ns;
	if (group->taken && !strcmp(event->word, "worker"))
		add_time(s, STEP_REST, event->took_ns > known ? event->took_ns - known : 0);
	tdelete(group, &s->live, compare_live);
	free(group);
	s->n_live--;
}

static void count_eviction(struct trace_summary *s, const struct trace_event *event)
{
	enum trace_cause cause = trace_cause_of(event);
	struct trace_eviction *e = s->evictions;
	int i;

	for (i = 0; i < s->n_evictions; i++, e++) {
		if (e->cause == cause && !strcmp(e->comm, event->comm))
			break;
	}
	if (i == s->n_evictions) {
		s->evictions = reallocarray(s->evictions, (size_t)i + 1, sizeof(*e));
		if (!s->evictions)
			die_no_memory();
		e = &s->evictions[s->n_evictions++];
		*e = (struct trace_eviction) { .cause = cause };
		memcpy(e->comm, event->comm, sizeof(e->comm));
	}
	e->evictions++;
	e->pages += event->pages;
	s->evicted_pages += event->pages;
}

static void count_step(struct trace_summary *s, const struct trace_event *event)
{
	struct live_group *group = live(s, event);

	if (event->kind == TRACE_TAKE) {
		add_time(s, STEP_QUEUED, event->took_ns);
		if (group) {
			group->queued_ns = event->took_ns;
			group->taken = true;
		}
		return;
	}
	add_time(s, group ? STEP_BRING_IN : STEP_PREFETCH, event->took_ns);
	if (group)
		group->bring_in_ns += event->took_ns;
}

void trace_summary_init(struct trace_summary *s)
{
	*s = (struct trace_summary) { .shift = PAGE_SHIFT };
}

void trace_summary_add(struct trace_summary *s, const struct trace_event *event)
{
	if (!s->events++)
		s->first_ns = event->ns;
	s->last_ns = event->ns;
	s->by_kind[event->kind]++;
	switch (event->kind) {
	case TRACE_REQUEST:
		s->requests += event->requests;
		count_range(s, event);
		break;
	case TRACE_TAKE:
	case TRACE_BRING_IN:
		count_step(s, event);
		break;
	case TRACE_ANSWER:
		count_answer(s, event);
		break;
	case TRACE_EVICT:
		count_eviction(s, event);
		break;
	default:
		break;
	}
}

void trace_summary_free(struct trace_summary *s)
{
	int i;

	for (i = 0; i < STEPS; i++)
		free(s->steps[i].times.v);
	free(s->evictions);
	tdestroy(s->ranges, free);
	tdestroy(s->live, free);
}

struct best {
	struct trace_range *top;
	int n, most;
};

static void keep_best(const void *node, VISIT visit, void *closure)
{
	const struct trace_range *range = *(const struct trace_range *const *)node;
	struct best *best = closure;
	int i;

	if (visit != postorder && visit != leaf)
		return;
	for (i = best->n; i > 0 && best->top[i - 1].requests < range->requests; i--) {
		if (i < best->most)
			best->top[i] = best->top[i - 1];
	}
	if (i == best->most)
		return;
	best->top[i] = *range;
	best->n += best->n < best->most;
}

int trace_summary_ranges(const struct trace_summary *s, struct trace_range *top, int most)
{
	struct best best = { .top = top, .most = most };

	twalk_r(s->ranges, keep_best, &best);
	return best.n;
}
