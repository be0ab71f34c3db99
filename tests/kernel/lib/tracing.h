/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The module's tracepoints, as a test reads them.
 */
#ifndef VIOPF_TEST_TRACING_H
#define VIOPF_TEST_TRACING_H

/* From here on; what was kept before is gone. */
void trace_start(void);

void trace_stop(void);

#define TRACE_LINE	512

/*
 * How many events there are of a name whose text has both of two words in it; @line, if it
 * isn't NULL, is set to the last of them, in TRACE_LINE bytes.
 */
unsigned int trace_count(const char *name, const char *a, const char *b, char *line);

#endif /* VIOPF_TEST_TRACING_H */
