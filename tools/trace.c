// SPDX-License-Identifier: GPL-2.0-only
/*
 * iopf trace: page requests and what is done for them, one by one or summed up, and who
 * takes pages away (iopf-trace(8)).
 *
 * Events are read ten times a second, until a signal or --seconds end it. Whatever ends it,
 * the instance of tracing goes: so SIGPIPE, of "iopf trace | head", only ends the loop.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "args.h"
#include "iopf.h"
#include "output.h"
#include "reach.h"
#include "trace.h"

/* A device's page requests are followed by these. */
#define FOLLOWING_KINDS	(1u << TRACE_REQUEST | 1u << TRACE_ANSWER)

/* What a summary is made of. */
#define SUMMARY_KINDS	(FOLLOWING_KINDS | 1u << TRACE_TAKE | 1u << TRACE_BRING_IN | \
			 1u << TRACE_EVICT)

enum {
	OPT_CONTAINER = 'c', OPT_DEVICE = 'd', OPT_PID = 'p', OPT_EVENT = 'e', OPT_SUMMARY = 's',
	OPT_SECONDS = 't'
};

struct trace {
	struct args args;
	struct trace_filter filter;
	bool summary;
	double seconds;			/* 0: until a signal */
};

static struct trace trace = {
	.filter = { .container = UINT64_MAX },
};

static struct trace_summary summary;
static volatile sig_atomic_t interrupted, unread;

static const struct argp_option options[] = {
	{ .name = "container", .key = OPT_CONTAINER, .arg = "N", .doc = "of this container alone" },
	{ .name = "device", .key = OPT_DEVICE, .arg = "DEVICE",
	  .doc = "of this device, and what is done for its page requests" },
	{ .name = "pid", .key = OPT_PID, .arg = "PID",
	  .doc = "of the containers that this process has opened" },
	{ .name = "event", .key = OPT_EVENT, .arg = "NAME[,...]",
	  .doc = "request, take, bring_in, map, answer, evict, sample, pin, unpin, convert, "
		 "backoff, flood, refuse or fail" },
	{ .name = "summary", .key = OPT_SUMMARY,
	  .doc = "at the end: where the time went, what was asked for most, who takes pages" },
	{ .name = "seconds", .key = OPT_SECONDS, .arg = "S", .doc = "end after so long" },
	{ 0 }
};

static uint64_t parse_number(const char *arg, const char *prefix, const char *what,
			     struct argp_state *state)
{
	size_t len = strlen(prefix);
	const char *digits = strncmp(arg, prefix, len) ? arg : arg + len;
	uint64_t val;
	char *end;

	errno = 0;
	val = strtoull(digits, &end, 10);
	if (*digits < '0' || *digits > '9' || *end || errno)
		argp_error(state, "'%s' is no %s", arg, what);
	return val;
}

static unsigned int parse_kinds(char *list, struct argp_state *state)
{
	unsigned int kinds = 0;
	char *name, *rest = NULL;
	int kind;

	for (name = strtok_r(list, ",", &rest); name; name = strtok_r(NULL, ",", &rest)) {
		if (!strncmp(name, "iopf_", 5))
			name += 5;
		for (kind = 0; kind < TRACE_KINDS; kind++) {
			if (!strcmp(name, trace_kind_names[kind]))
				break;
		}
		if (kind == TRACE_KINDS)
			argp_error(state, "there is no event '%s'", name);
		kinds |= 1u << kind;
	}
	return kinds;
}

static double parse_seconds(const char *arg, struct argp_state *state)
{
	char *end;
	double seconds = strtod(arg, &end);

	if (end == arg || *end || !(seconds > 0 && seconds <= 1e6))
		argp_error(state, "'%s' is no number of seconds", arg);
	return seconds;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct trace *t = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &t->args;
		return 0;
	case OPT_CONTAINER:
		t->filter.container = parse_number(arg, "container", "container's number", state);
		return 0;
	case OPT_DEVICE:
		device_name_normalize(t->filter.device, sizeof(t->filter.device), arg);
		return 0;
	case OPT_PID:
		t->filter.pid = parse_number(arg, "pid:", "process", state);
		return 0;
	case OPT_EVENT:
		t->filter.kinds |= parse_kinds(arg, state);
		return 0;
	case OPT_SUMMARY:
		t->summary = true;
		return 0;
	case OPT_SECONDS:
		t->seconds = parse_seconds(arg, state);
		return 0;
	case ARGP_KEY_END:
		if (t->summary && t->filter.kinds)
			argp_error(state, "--summary is made of events that it chooses itself; "
					  "leave --event out");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static void on_signal(int sig)
{
	interrupted = 1;
	if (sig == SIGPIPE)
		unread = 1;
}

/* Nobody reads our output: end as who does not catch SIGPIPE. */
static void end_unread(void)
{
	signal(SIGPIPE, SIG_DFL);
	raise(SIGPIPE);
}

static void catch_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	sigaction(SIGPIPE, &action, NULL);
}

static void print_event(const struct trace_event *event)
{
	struct json_object *json;

	if (!trace.args.json) {
		printf("%13.6f %-15s %7d %-8s %s\n", (double)event->ns / 1e9, event->comm,
		       event->pid, trace_kind_names[event->kind], event->text);
		return;
	}
	json = json_map();
	json_add(json, "time_ns", json_u64(event->ns));
	json_add(json, "comm", json_string(event->comm));
	json_add(json, "pid", json_u64((uint64_t)event->pid));
	json_add(json, "event", json_string(trace_kind_names[event->kind]));
	json_add(json, "fields", json_object_get(event->json));
	puts(json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN |
						  JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(json);
}

static void on_event(const struct trace_event *event)
{
	if (!trace_filter_wants(&trace.filter, event))
		return;
	if (trace.summary)
		trace_summary_add(&summary, event);
	else
		print_event(event);
}

static double now_seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* A signal that comes between two looks at @interrupted waits no longer than a nap. */
static int run(void)
{
	double end = trace.seconds ? now_seconds() + trace.seconds : 0;
	int err = 0;

	while (!err && !interrupted && !(end && now_seconds() >= end)) {
		poll(NULL, 0, 100);
		err = trace_source_read(false, on_event);
		if (fflush(stdout))
			interrupted = 1;
	}
	trace_source_stop();
	return err ? err : trace_source_read(true, on_event);
}

static unsigned int kinds_to_record(void)
{
	unsigned int kinds = trace.summary ? SUMMARY_KINDS : trace.filter.kinds;

	return *trace.filter.device ? kinds | FOLLOWING_KINDS : kinds;
}

static enum trace_detail detail(void)
{
	if (trace.summary)
		return TRACE_VALUES;
	return trace.args.json ? TRACE_JSON : TRACE_TEXT;
}

int cmd_trace(int argc, char **argv)
{
	static const struct argp_child children[] = { { .argp = &args_argp }, { 0 } };
	static const struct argp argp = {
		.options = options, .parser = parse, .children = children,
		.doc = "Show page requests and what is done for them, and who takes pages away, "
		       "event by event or summed up: why is my device slow?",
	};
	int err;

	argp_parse(&argp, argc, argv, 0, NULL, &trace);
	if (!trace.filter.kinds)
		trace.filter.kinds = TRACE_ALL_KINDS;
	catch_signals();
	if (trace_source_open(trace.filter.container, kinds_to_record(), detail()))
		return IOPF_FAILED;
	trace_summary_init(&summary);
	err = run();
	if (!err && trace.summary)
		trace_summary_print(&summary, trace_source_lost(), trace.args.json);
	else if (trace_source_lost())
		complain("%" PRIu64 " events were lost; filter, to have fewer",
			 trace_source_lost());
	trace_summary_free(&summary);
	trace_source_close();
	if (unread)
		end_unread();
	return err ? IOPF_FAILED : IOPF_OK;
}
