/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * iopf trace in parts: where events come from (trace_source.c), which of them are wanted
 * (trace_filter.c), what is summed up of them (trace_summary.c), and in what words
 * (trace_report.c). trace.c has the options and the loop.
 */
#ifndef IOPF_TRACE_H
#define IOPF_TRACE_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

#include "container.h"

enum trace_kind {
	TRACE_REQUEST, TRACE_TAKE, TRACE_BRING_IN, TRACE_MAP, TRACE_ANSWER, TRACE_EVICT,
	TRACE_SAMPLE, TRACE_PIN, TRACE_UNPIN, TRACE_CONVERT, TRACE_BACKOFF, TRACE_FLOOD,
	TRACE_REFUSE, TRACE_FAIL,
	TRACE_KINDS
};

#define TRACE_ALL_KINDS	((1u << TRACE_KINDS) - 1)

/* "request": the tracepoint's name after "iopf_". */
extern const char *const trace_kind_names[TRACE_KINDS];

/* An event. What it has no field for is 0, or empty. */
struct trace_event {
	enum trace_kind kind;
	uint64_t ns;			/* CLOCK_MONOTONIC */
	int pid;
	char comm[16];
	uint64_t container, id;
	char device[40];
	uint64_t iova, pages;
	uint64_t requests;
	uint64_t took_ns;		/* "ns" or "wait_ns" */
	bool reclaim;
	char word[20];			/* of an eviction: the mm's event; of an answer: who */
	char code[12];			/* of an answer */
	char *text;			/* all fields, in the kernel's words */
	struct json_object *json;	/* or this */
};

enum trace_detail { TRACE_VALUES, TRACE_TEXT, TRACE_JSON };

/*
 * Start tracing into an instance of our own. @container: of it alone, or UINT64_MAX.
 * @kinds: bits. Returns 0, or -1, having complained.
 */
int trace_source_open(uint64_t container, unsigned int kinds, enum trace_detail detail);
void trace_source_close(void);

/*
 * What has happened, in order, up to now (or @all, after the end): calls back for each, and
 * frees it then. Returns 0, or -1, having complained.
 */
int trace_source_read(bool all, void (*event)(const struct trace_event *event));

/* Stop writing events, before the last trace_source_read(). */
void trace_source_stop(void);

/* Events that the buffer had no room for; 0 also if the kernel can't say how many. */
uint64_t trace_source_lost(void);

struct trace_filter {
	uint64_t container;		/* UINT64_MAX: any */
	uint64_t pid;			/* of the container's owner; 0: any */
	char device[64];		/* "": any */
	unsigned int kinds;		/* bits, of trace_kind */
};

/* To be asked of all events in order, as it follows a device's page requests by their ids. */
bool trace_filter_wants(const struct trace_filter *filter, const struct trace_event *event);

/* Why pages were taken. */
enum trace_cause {
	CAUSE_KSWAPD, CAUSE_RECLAIM, CAUSE_KSM, CAUSE_COMPACTION, CAUSE_KHUGEPAGED, CAUSE_DAMON,
	CAUSE_UNMAP, CAUSE_EXIT, CAUSE_PROTECT, CAUSE_WRITE_BACK, CAUSE_FORK, CAUSE_SOFT_DIRTY,
	CAUSE_DEVICE, CAUSE_COPY, CAUSE_CLEAR, CAUSE_OTHER,
	CAUSES
};

extern const char *const trace_cause_names[CAUSES];

enum trace_cause trace_cause_of(const struct trace_event *evict);

/* Where the time of page requests went. */
enum trace_step { STEP_QUEUED, STEP_BRING_IN, STEP_REST, STEP_ANSWER, STEP_PREFETCH, STEPS };

struct trace_sum {
	uint64_t count, total_ns, max_ns;
	struct latency times;
};

struct trace_eviction {
	enum trace_cause cause;
	char comm[16];
	uint64_t evictions, pages;
};

/* A range of IOVA that was asked for. */
struct trace_range {
	uint64_t container, number;	/* IOVA >> shift */
	uint64_t requests;
};

struct trace_summary {
	uint64_t first_ns, last_ns, events;
	uint64_t by_kind[TRACE_KINDS];
	struct trace_sum steps[STEPS];
	uint64_t success, invalid, failure;
	uint64_t at_once;
	struct trace_eviction *evictions;
	int n_evictions;
	uint64_t requests, evicted_pages;
	void *ranges;			/* tsearch(3)'s */
	unsigned int shift, n_ranges;
	void *live;			/* page request groups without an answer yet */
	unsigned int n_live;
};

void trace_summary_init(struct trace_summary *s);
void trace_summary_add(struct trace_summary *s, const struct trace_event *event);
void trace_summary_free(struct trace_summary *s);

/* Those asked for most, up to @most; returns how many. */
int trace_summary_ranges(const struct trace_summary *s, struct trace_range *top, int most);

/* @lost: events that are missing in it. */
void trace_summary_print(struct trace_summary *s, uint64_t lost, bool json);

#endif /* IOPF_TRACE_H */
