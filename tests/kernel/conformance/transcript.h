/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Transcripts: what two backends answered to the same steps, and whether they
 * differ in just the ways that are known and have a reason.
 */
#ifndef VIOPF_TEST_TRANSCRIPT_H
#define VIOPF_TEST_TRANSCRIPT_H

#include <stddef.h>

#define TRANSCRIPT_LINES	512

/* A transcript: lines "step: result", taken apart. */
struct transcript {
	size_t nr;
	struct {
		char *step;
		char *result;
	} line[TRANSCRIPT_LINES];
	char *text;
};

/* Where to write one: a file descriptor. */
int transcript_new(void);

/* Read what was written to @fd, and close it. */
struct transcript *transcript_read(int fd);
void transcript_free(struct transcript *t);

/* On which setups a difference is to be seen: bits. */
#define ON_FAULT_V1	(1u << 0)
#define ON_FAULT_V2	(1u << 1)
#define ON_PINNED_V1	(1u << 2)
#define ON_PINNED_V2	(1u << 3)
#define ON_ALL		(ON_FAULT_V1 | ON_FAULT_V2 | ON_PINNED_V1 | ON_PINNED_V2)

/**
 * struct difference - a way in which we are not like type1
 * @scenario: part of the scenarios' names; "" for all of them
 * @step: pattern for fnmatch(3)
 * @on: setups, ON_*
 * @type1: what type1 answers, a pattern
 * @ours: what we answer, a pattern
 * @why: number of the reason, from docs/type1.md
 *
 * One that names a scenario must be seen there, on each of its setups.
 */
struct difference {
	const char *scenario;
	const char *step;
	unsigned int on;
	const char *type1;
	const char *ours;
	unsigned int why;
};

extern const struct difference differences[];
extern const size_t nr_differences;

/*
 * Compare, on setup @on. Differences not in the table, and those that are in the
 * table but not to be seen, are printed; returns their number.
 */
size_t transcript_compare(const char *scenario, unsigned int on, const struct transcript *type1,
			  const struct transcript *ours);

/* Compare two of the same backend; prints and returns the number of differences. */
size_t transcript_same(const char *what, const struct transcript *a, const struct transcript *b);

#endif /* VIOPF_TEST_TRANSCRIPT_H */
