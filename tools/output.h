/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Output: tables for eyes, by libsmartcols, which fit a terminal's width and are not cut
 * where there is none; JSON for programs, by json-c.
 */
#ifndef IOPF_OUTPUT_H
#define IOPF_OUTPUT_H

#include <json-c/json.h>
#include <libsmartcols/libsmartcols.h>
#include <stdbool.h>
#include <stdint.h>

#include "container.h"

/*
 * A column: its heading, SCOLS_FL_* (RIGHT; TRUNC: may be cut), and how wide a terminal must
 * be for it to be shown at all.
 */
struct column {
	const char *name;
	int flags;
	size_t from_width;
};

/*
 * A table with these columns, the last entry having no name; printed and freed by
 * table_print(). Without headings if @headings is 0.
 */
struct libscols_table *table_new(const struct column *columns, int headings);
struct libscols_line *table_line(struct libscols_table *table);
void table_set(struct libscols_line *line, int column, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void table_print(struct libscols_table *table);

/* Print, with a newline, and free. */
void json_print(struct json_object *json);

/* Never NULL: without memory the program ends. */
struct json_object *json_map(void);
struct json_object *json_list(void);
struct json_object *json_u64(uint64_t val);
struct json_object *json_string(const char *text);
struct json_object *json_truth(bool val);

/* Into an object, or an array; both take @val over. */
void json_add(struct json_object *object, const char *key, struct json_object *val);
void json_append(struct json_object *array, struct json_object *val);

/* Everything that is known of a container, as iopf-show(8) has it. */
struct json_object *json_container(const struct container *c);

/* Print them all, as an array. */
void json_containers_print(const struct containers *all);

/* "1.5G": bytes in 1024s, three digits at the most. Returns @buf. */
#define AMOUNT_MAX	16
const char *amount_bytes(char buf[AMOUNT_MAX], uint64_t bytes);
const char *amount_pages(char buf[AMOUNT_MAX], uint64_t pages);

/* "1.5k": a count in thousands. */
const char *amount_count(char buf[AMOUNT_MAX], uint64_t count);

/* "12us": a time; "-" for 0. */
const char *amount_ns(char buf[AMOUNT_MAX], uint64_t ns);

#endif /* IOPF_OUTPUT_H */
