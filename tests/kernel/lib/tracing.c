// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>
#include <viopf.h>

#include "suite.h"
#include "sys.h"
#include "tracing.h"

#define TRACING		"/sys/kernel/tracing"

void trace_start(void)
{
	if (access(TRACING "/events", F_OK))
		assert_ok(mount("tracefs", TRACING, "tracefs", 0, NULL));
	assert_ok(file_write(TRACING "/trace", "\n") < 0);
	assert_ok(file_write(TRACING "/events/vfio_iopf/enable", "1\n") < 0);
}

void trace_stop(void)
{
	assert_ok(file_write(TRACING "/events/vfio_iopf/enable", "0\n") < 0);
}

unsigned int trace_count(const char *name, const char *a, const char *b, char *line)
{
	FILE *file = fopen(TRACING "/trace", "re");
	unsigned int n = 0;
	char text[TRACE_LINE], event[64];

	assert_non_null(file);
	snprintf(event, sizeof(event), " %s: ", name);
	while (fgets(text, sizeof(text), file)) {
		if (text[0] == '#' || !strstr(text, event) || !strstr(text, a) ||
		    !strstr(text, b))
			continue;
		n++;
		if (line)
			memcpy(line, text, sizeof(text));
	}
	fclose(file);
	return n;
}
