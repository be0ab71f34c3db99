/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * iopf top in two parts: what there is to show (rows and columns, top_rows.c), and the
 * full screen (top_screen.c). top.c has the loop, and what is printed without a screen.
 */
#ifndef IOPF_TOP_H
#define IOPF_TOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "container.h"

/* What there is a column for, and what rows can be sorted by. */
enum top_key {
	TOP_FAULTS,		/* page requests a second */
	TOP_P50, TOP_P99,	/* ns from arrival to answer, of those answered meanwhile */
	TOP_EVICTIONS,		/* a second */
	TOP_RESIDENT, TOP_MAPPED, TOP_PINNED,	/* bytes, now */
	TOP_RETRIES, TOP_BACKOFFS,		/* a second */
	TOP_KEYS,
	TOP_NAME = TOP_KEYS	/* by the container's number: no column of its own */
};

/* A container, or a device of one; what a device has no counter for is below 0. */
struct top_row {
	const struct container *container;
	const struct container_device *device;	/* NULL: the container */
	double v[TOP_KEYS];
};

/* Rows of a container and its devices follow each other. */
struct top_rows {
	struct top_row *v;
	int n;
	double seconds;		/* between the two pictures; 0: there is one alone */
};

struct top_column {
	const char *name;	/* for --sort, and the JSON key without its unit */
	const char *heading;
	const char *json;	/* key */
	int width;
	int need;		/* columns of a narrow terminal go, those with the highest first */
};

extern const struct top_column top_columns[TOP_KEYS];

/*
 * What has changed from @before, which may have none, to @now. The rows point into @now.
 */
void top_rows_make(struct top_rows *rows, const struct containers *now,
		   const struct containers *before, double seconds);
void top_rows_free(struct top_rows *rows);

/* Containers by a key, the largest first, and each one's devices. */
void top_rows_sort(struct top_rows *rows, enum top_key key, bool reverse);

/* The key of that name; -1 if there is none. */
int top_key_find(const char *name);
const char *top_key_name(enum top_key key);

/* "container3 qemu": what stands first in a row. */
void top_row_name(char *buf, size_t size, const struct top_row *row);

/* A cell, short; "-" for what is not there. */
#define TOP_CELL	24
void top_row_cell(char buf[TOP_CELL], const struct top_row *row, enum top_key key);

/* Which columns fit beside a name in a line of @width; returns what is left for the name. */
int top_columns_fit(bool shown[TOP_KEYS], int width);

/* The full screen. */
struct top_view {
	enum top_key sort;
	bool reverse;
	bool hide_devices;
	int first;		/* row at the top, when they do not fit */
};

/* Returns -1, having complained, if the terminal can't do it. */
int top_screen_open(void);
void top_screen_close(void);
void top_screen_draw(const struct top_rows *rows, struct top_view *view);

/* A key that was pressed, or a new size: true if the user wants to leave. */
bool top_screen_key(struct top_view *view);

#endif /* IOPF_TOP_H */
