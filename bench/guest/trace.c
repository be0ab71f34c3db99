// SPDX-License-Identifier: GPL-2.0-only
/*
 * What Linux's Intel driver sends to its IOMMU, by its tracepoint qi_submit, and when the
 * interrupt for a page request came. The time of each is read from the TSC, which in a VM
 * with --icount counts instructions. Between an event and the next is what tracing itself
 * takes, a few hundred: so nothing else is measured meanwhile.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

#define TRACING	"/sys/kernel/tracing/"

static int put(const char *file, const char *text)
{
	char path[128];
	int err;

	snprintf(path, sizeof(path), TRACING "%s", file);
	err = file_write(path, text);
	return err ? complain("%s: %s", path, strerror(-err)) : 0;
}

int trace_begin(void)
{
	return put("tracing_on", "0") || put("trace", "") || put("trace_clock", "x86-tsc") ||
	       put("buffer_size_kb", "32768") ||
	       put("events/irq/irq_handler_entry/filter", "name ~ \"*-prq\"") ||
	       put("events/irq/irq_handler_entry/enable", "1") ||
	       put("events/intel_iommu/qi_submit/enable", "1") ||
	       put("tracing_on", "1") ? -1 : 0;
}

/* A line: "TASK-PID [CPU] FLAGS TIME: EVENT: TYPE ...". Returns false for another. */
static bool parse(const char *line, double *at, char event[32], char type[32])
{
	const char *time = strchr(line, ']');

	return time && sscanf(time, "] %*s %lf: %31[^:]: %31s", at, event, type) == 3;
}

static void count(struct trace *to, const char *event, const char *type, double at)
{
	if (!strcmp(event, "irq_handler_entry"))
		to->interrupt_at = at;
	else if (!strcmp(type, "iotlb_inv") || !strcmp(type, "p_iotlb_inv"))
		to->iotlb++;
	else if (!strcmp(type, "dev_tlb_inv") || !strcmp(type, "p_dev_tlb_inv"))
		to->device++;
	else if (!strcmp(type, "inv_wait"))
		to->waits++;
	else if (!strcmp(type, "page_grp_resp") && to->nr_faults < TRACE_FAULTS)
		to->faults[to->nr_faults++] = at - to->interrupt_at;
}

int trace_end(struct trace *to)
{
	char line[512], event[32], type[32];
	FILE *file;
	double at;

	*to = (struct trace){ 0 };
	if (put("tracing_on", "0") || put("events/enable", "0"))
		return -1;
	file = fopen(TRACING "trace", "re");
	if (!file)
		return complain("no trace: %s", strerror(errno));
	while (fgets(line, sizeof(line), file)) {
		to->lost |= !!strstr(line, "LOST");
		if (line[0] != '#' && parse(line, &at, event, type))
			count(to, event, type, at);
	}
	fclose(file);
	return to->lost ? complain("the trace's buffer is too small") : 0;
}
