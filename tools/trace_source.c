// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where iopf trace's events come from: the tracepoints of system "vfio_iopf", by libtracefs
 * and libtraceevent.
 *
 * They are recorded in an instance of our own, /sys/kernel/tracing/instances/iopf-trace-PID,
 * so that nobody else's tracing is touched; it goes when we do. What a killed predecessor
 * left is removed.
 *
 * DOC: order
 *
 * Each CPU has a buffer, and they are read one after the other. An event that came before
 * a reading began is found by it. So what is older than that is handed on, sorted, and what
 * is younger waits for the next reading, as something before it may have been missed.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <event-parse.h>
#include <tracefs.h>

#include "iopf.h"
#include "output.h"
#include "sysfs.h"
#include "trace.h"

#define SYSTEM		"vfio_iopf"
#define INSTANCE	"iopf-trace-"

/* A buffer for each CPU. */
#define BUFFER_KB	4096

/* So many in one reading, and it is ended, though there may be more. */
#define MOST_EVENTS	500000

const char *const trace_kind_names[TRACE_KINDS] = {
	[TRACE_REQUEST] = "request", [TRACE_TAKE] = "take", [TRACE_BRING_IN] = "bring_in",
	[TRACE_MAP] = "map", [TRACE_ANSWER] = "answer", [TRACE_EVICT] = "evict",
	[TRACE_SAMPLE] = "sample", [TRACE_PIN] = "pin", [TRACE_UNPIN] = "unpin",
	[TRACE_CONVERT] = "convert", [TRACE_BACKOFF] = "backoff", [TRACE_FLOOD] = "flood",
	[TRACE_REFUSE] = "refuse", [TRACE_FAIL] = "fail",
};

static struct source {
	struct tracefs_instance *instance;
	struct tep_handle *tep;
	enum trace_detail detail;
	struct trace_event *events;	/* read, and not handed on */
	size_t n, room;
	uint64_t lost;
	bool commands_loaded;		/* in this reading */
} source;

static int source_fail(const char *what)
{
	int err = errno;

	complain("can't %s: %s%s", what, strerror(err),
		 err == EACCES || err == EPERM ? "; be root (sudo)" : "");
	trace_source_close();
	return -1;
}

/* The process that made an instance, if it was one of ours that has ended. */
static int remove_if_left(const char *name, void *context)
{
	struct tracefs_instance *left;
	int pid;

	(void)context;
	if (sscanf(name, INSTANCE "%d", &pid) != 1 || !kill(pid, 0) || errno != ESRCH)
		return 0;
	left = tracefs_instance_create(name);
	if (left) {
		tracefs_instance_destroy(left);
		tracefs_instance_free(left);
	}
	return 0;
}

static int make_instance(void)
{
	char name[32];

	tracefs_instances_walk(remove_if_left, NULL);
	snprintf(name, sizeof(name), INSTANCE "%d", (int)getpid());
	source.instance = tracefs_instance_create(name);
	if (!source.instance)
		return source_fail("make an instance of tracing for ourselves");
	if (tracefs_instance_file_write(source.instance, "trace_clock", "mono") < 0)
		return source_fail("choose a clock for tracing");
	tracefs_instance_set_buffer_size(source.instance, BUFFER_KB, -1);
	return 0;
}

static int enable(uint64_t container, unsigned int kinds)
{
	char text[64];
	int kind;

	if (container != UINT64_MAX) {
		snprintf(text, sizeof(text), "container==%llu", (unsigned long long)container);
		if (tracefs_instance_file_write(source.instance, "events/" SYSTEM "/filter",
						text) < 0)
			return source_fail("trace one container alone");
	}
	/* Each one takes a moment, all together as well. */
	if (kinds == TRACE_ALL_KINDS) {
		if (tracefs_event_enable(source.instance, SYSTEM, NULL))
			return source_fail("enable the tracepoints of the module");
		return 0;
	}
	for (kind = 0; kind < TRACE_KINDS; kind++) {
		snprintf(text, sizeof(text), "iopf_%s", trace_kind_names[kind]);
		if (kinds & (1u << kind) &&
		    tracefs_event_enable(source.instance, SYSTEM, text))
			return source_fail("enable the tracepoints of the module");
	}
	return 0;
}

static int note_missed(struct tep_event *event, struct tep_record *record, int cpu, void *context)
{
	(void)event;
	(void)cpu;
	(void)context;
	if (record->missed_events > 0)
		source.lost += (uint64_t)record->missed_events;
	return 0;
}

int trace_source_open(uint64_t container, unsigned int kinds, enum trace_detail detail)
{
	static const char *const systems[] = { SYSTEM, NULL };
	const char *dir = tracefs_tracing_dir();

	source.detail = detail;
	if (!dir)
		return source_fail("find tracefs; mount it on /sys/kernel/tracing");
	if (!tracefs_dir_exists(NULL, "events/" SYSTEM)) {
		if (access(dir, R_OK | X_OK))
			return source_fail("read tracefs");
		complain("the kernel has no tracepoints " SYSTEM ": the module vfio_iommu_iopf is "
			 "not loaded, or is an old one; see iopf check");
		return -1;
	}
	source.tep = tracefs_local_events_system(NULL, systems);
	if (!source.tep)
		return source_fail("read what the tracepoints are like");
	if (make_instance())
		return -1;
	tracefs_follow_missed_events(source.instance, note_missed, NULL);
	return enable(container, kinds);
}

void trace_source_stop(void)
{
	tracefs_trace_off(source.instance);
}

static void event_free(struct trace_event *event)
{
	free(event->text);
	json_object_put(event->json);
}

void trace_source_close(void)
{
	size_t i;

	if (source.instance) {
		tracefs_event_disable(source.instance, SYSTEM, NULL);
		tracefs_instance_destroy(source.instance);
		tracefs_instance_free(source.instance);
	}
	tep_free(source.tep);
	for (i = 0; i < source.n; i++)
		event_free(&source.events[i]);
	free(source.events);
	source = (struct source) { 0 };
}

uint64_t trace_source_lost(void)
{
	return source.lost;
}

static uint64_t number(struct tep_event *event, struct tep_record *record, const char *field)
{
	unsigned long long val = 0;

	if (!tep_find_field(event, field) ||
	    tep_get_field_val(NULL, event, field, record, &val, 0))
		return 0;
	return val;
}

/* The word that the tracepoint prints for a field's number, if it has one; else NULL. */
static const char *symbol(struct tep_event *event, const char *field, uint64_t val)
{
	const struct tep_print_arg *arg = event->print_fmt.args;
	const struct tep_print_flag_sym *sym;

	for (; arg; arg = arg->next) {
		if (arg->type != TEP_PRINT_SYMBOL ||
		    arg->symbol.field->type != TEP_PRINT_FIELD ||
		    strcmp(arg->symbol.field->field.name, field))
			continue;
		for (sym = arg->symbol.symbols; sym; sym = sym->next) {
			if (strtoull(sym->value, NULL, 0) == val)
				return sym->str;
		}
	}
	return NULL;
}

static void word(char *buf, size_t size, struct tep_event *event, struct tep_record *record,
		 const char *field)
{
	uint64_t val = number(event, record, field);
	const char *text = tep_find_field(event, field) ? symbol(event, field, val) : "";

	if (text)
		snprintf(buf, size, "%s", text);
	else
		snprintf(buf, size, "%llu", (unsigned long long)val);
}

static void string(char *buf, size_t size, struct tep_event *event, struct tep_record *record,
		   const char *field)
{
	const char *text = NULL;
	int len = 0;

	if (tep_find_field(event, field))
		text = tep_get_field_raw(NULL, event, field, record, &len, 0);
	snprintf(buf, size, "%.*s", text ? len : 0, text ? text : "");
}

/* Whose it is: as it is called now, or, if it has ended, as the kernel remembers it. */
static void command(char *buf, size_t size, int pid)
{
	const char *known = tep_data_comm_from_pid(source.tep, pid);

	if (strcmp(known, "<...>")) {
		snprintf(buf, size, "%s", known);
		return;
	}
	if (sys_read_name(buf, size, "/proc/%d/comm", pid)) {
		if (!source.commands_loaded)
			tracefs_load_cmdlines(NULL, source.tep);
		source.commands_loaded = true;
		snprintf(buf, size, "%s", tep_data_comm_from_pid(source.tep, pid));
		return;
	}
	tep_register_comm(source.tep, buf, pid);
}

static char *describe(struct tep_event *event, struct tep_record *record)
{
	struct trace_seq seq;
	char *text;

	trace_seq_init(&seq);
	tep_print_event(source.tep, &seq, record, "%s", TEP_PRINT_INFO);
	trace_seq_terminate(&seq);
	text = strdup(seq.buffer);
	trace_seq_destroy(&seq);
	(void)event;
	if (!text)
		die_no_memory();
	return text;
}

/* All its fields, numbers that have words by those. */
static struct json_object *fields(struct tep_event *event, struct tep_record *record)
{
	struct tep_format_field *field = event->format.fields;
	struct json_object *json = json_map();
	char text[64];

	for (; field; field = field->next) {
		uint64_t val = number(event, record, field->name);
		const char *known;

		if (field->flags & TEP_FIELD_IS_STRING) {
			string(text, sizeof(text), event, record, field->name);
			json_add(json, field->name, json_string(text));
			continue;
		}
		known = symbol(event, field->name, val);
		if (known)
			json_add(json, field->name, json_string(known));
		else if (field->flags & TEP_FIELD_IS_SIGNED && field->size == 4)
			json_add(json, field->name, json_object_new_int((int32_t)val));
		else
			json_add(json, field->name, json_u64(val));
	}
	return json;
}

static int kind_of(const char *name)
{
	int kind;

	for (kind = 0; kind < TRACE_KINDS; kind++) {
		if (!strncmp(name, "iopf_", 5) && !strcmp(name + 5, trace_kind_names[kind]))
			return kind;
	}
	return -1;
}

static void decode(struct trace_event *out, struct tep_event *event, struct tep_record *record)
{
	out->ns = record->ts;
	out->pid = tep_data_pid(source.tep, record);
	command(out->comm, sizeof(out->comm), out->pid);
	out->container = number(event, record, "container");
	out->id = number(event, record, "id");
	out->iova = number(event, record, "iova");
	out->pages = number(event, record, "pages");
	out->requests = number(event, record, "requests");
	out->took_ns = number(event, record, out->kind == TRACE_TAKE ? "wait_ns" : "ns");
	out->reclaim = number(event, record, "reclaim");
	string(out->device, sizeof(out->device), event, record, "dev");
	word(out->word, sizeof(out->word), event, record,
	     out->kind == TRACE_EVICT ? "event" : "by");
	word(out->code, sizeof(out->code), event, record, "code");
	if (source.detail == TRACE_TEXT)
		out->text = describe(event, record);
	else if (source.detail == TRACE_JSON)
		out->json = fields(event, record);
}

static int take_event(struct tep_event *event, struct tep_record *record, int cpu, void *context)
{
	int kind = kind_of(event->name);
	struct trace_event *out;

	(void)cpu;
	(void)context;
	if (kind < 0)
		return 0;
	if (source.n == source.room) {
		source.room = source.room ? 2 * source.room : 1024;
		source.events = reallocarray(source.events, source.room, sizeof(*source.events));
		if (!source.events)
			die_no_memory();
	}
	out = &source.events[source.n++];
	*out = (struct trace_event) { .kind = (enum trace_kind)kind };
	decode(out, event, record);
	return source.n >= MOST_EVENTS;
}

static int compare(const void *a, const void *b)
{
	const struct trace_event *left = a, *right = b;

	return (left->ns > right->ns) - (left->ns < right->ns);
}

static uint64_t clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

int trace_source_read(bool all, void (*event)(const struct trace_event *event))
{
	uint64_t began = clock_ns();
	size_t i;

	source.commands_loaded = false;
	if (tracefs_iterate_raw_events(source.tep, source.instance, NULL, 0, take_event,
				       NULL) < 0) {
		complain("can't read events: %s", strerror(errno));
		return -1;
	}
	all |= source.n >= MOST_EVENTS;
	qsort(source.events, source.n, sizeof(*source.events), compare);
	for (i = 0; i < source.n && (all || source.events[i].ns < began); i++) {
		event(&source.events[i]);
		event_free(&source.events[i]);
	}
	source.n -= i;
	memmove(source.events, source.events + i, source.n * sizeof(*source.events));
	return 0;
}
