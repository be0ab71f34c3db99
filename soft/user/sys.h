/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What Linux says of a process and of itself: for tests, demonstration and benchmarks the
 * only source of figures besides the clock and the container's counters. A figure that
 * is not there reads as 0; sizes are in kB as the kernel prints them (1024 bytes).
 */
#ifndef SOFT_USER_SYS_H
#define SOFT_USER_SYS_H

#include <stdbool.h>
#include <sys/types.h>

/* Milliseconds since some point in the past. */
double now_ms(void);

/*
 * The number after @name at the start of a line, past blanks and a colon. Returns whether
 * it is there; if not, *@value is 0.
 */
bool line_number(const char *path, const char *name, long *value);

/* The number that follows @name in a text that has it once, or 0. */
long number_after(const char *text, const char *name);

/* A member of /proc/<pid>/status: "VmRSS", "VmLck", "VmPin". */
long process_kb(pid_t pid, const char *member);

/* A line of /proc/meminfo: "MemTotal". */
long meminfo_kb(const char *line);

/* A counter of /proc/vmstat. */
unsigned long vm_counter(const char *name);

/*
 * Memory in the whole machine that is pinned for DMA at this moment: pages taken
 * with FOLL_PIN and not given back, whoever did it and whatever he told a process's
 * own accounts.
 */
long pinned_kb(void);

/* A number in a file of its own, such as those of /sys/kernel/mm/ksm. */
long number_in(const char *path);

/* Read a small file, as a string, up to @size - 1 bytes. Returns 0 or a negative errno. */
int file_read(const char *path, char *buf, size_t size);

/* Write a whole small file. Returns 0 or a negative errno. */
int file_write(const char *path, const char *text);

/* Prints "PROGRAM: ..." on standard error. Returns -1, to be returned. */
int complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif /* SOFT_USER_SYS_H */
