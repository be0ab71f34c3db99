// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tables, JSON, and numbers made short for eyes; see output.h.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "iopf.h"
#include "output.h"

#define PAGE_BYTES	4096

struct libscols_table *table_new(const struct column *columns, int headings)
{
	struct libscols_table *table = scols_new_table();
	int terminal = isatty(STDOUT_FILENO);

	if (!table)
		die_no_memory();
	scols_table_enable_noheadings(table, !headings);
	for (; columns->name; columns++) {
		int flags = columns->flags;

		if (terminal && scols_table_get_termwidth(table) < columns->from_width)
			flags |= SCOLS_FL_HIDDEN;
		if (!scols_table_new_column(table, columns->name, 0.1, flags))
			die_no_memory();
	}
	return table;
}

struct libscols_line *table_line(struct libscols_table *table)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);

	if (!line)
		die_no_memory();
	return line;
}

void table_set(struct libscols_line *line, int column, const char *fmt, ...)
{
	va_list args;
	char *text;
	int len;

	va_start(args, fmt);
	len = vasprintf(&text, fmt, args);
	va_end(args);
	if (len < 0 || scols_line_refer_data(line, (size_t)column, text))
		die_no_memory();
}

void table_print(struct libscols_table *table)
{
	scols_print_table(table);
	scols_unref_table(table);
}

void json_print(struct json_object *json)
{
	puts(json_object_to_json_string_ext(json, JSON_C_TO_STRING_PRETTY |
						  JSON_C_TO_STRING_SPACED |
						  JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(json);
}

static struct json_object *never_null(struct json_object *json)
{
	if (!json)
		die_no_memory();
	return json;
}

struct json_object *json_map(void)
{
	return never_null(json_object_new_object());
}

struct json_object *json_list(void)
{
	return never_null(json_object_new_array());
}

struct json_object *json_u64(uint64_t val)
{
	return never_null(json_object_new_uint64(val));
}

struct json_object *json_string(const char *text)
{
	return never_null(json_object_new_string(text));
}

struct json_object *json_truth(bool val)
{
	return never_null(json_object_new_boolean(val));
}

void json_add(struct json_object *object, const char *key, struct json_object *val)
{
	if (json_object_object_add(object, key, val))
		die_no_memory();
}

void json_append(struct json_object *array, struct json_object *val)
{
	if (json_object_array_add(array, val))
		die_no_memory();
}

static struct json_object *json_stats(const struct stats *stats)
{
	struct json_object *json = json_map();
	int i;

	for (i = 0; i < stats->n; i++)
		json_add(json, stats->v[i].name, json_u64(stats->v[i].value));
	return json;
}

static struct json_object *json_latency(const struct latency *latency)
{
	struct json_object *json = json_list();
	int i;

	for (i = 0; i < latency->n; i++) {
		struct json_object *bucket = json_map();

		json_add(bucket, "from_ns", json_u64(latency->v[i].from_ns));
		json_add(bucket, "count", json_u64(latency->v[i].count));
		json_append(json, bucket);
	}
	return json;
}

static struct json_object *json_device(const struct container_device *device)
{
	struct json_object *json = json_map();

	json_add(json, "name", json_string(device->name));
	json_add(json, "kind", json_string(device->kind));
	json_add(json, "health", json_string(device->health));
	json_add(json, "stats", json_stats(&device->stats));
	json_add(json, "latency", json_latency(&device->latency));
	return json;
}

struct json_object *json_container(const struct container *c)
{
	struct json_object *json = json_map();
	struct json_object *devices = json_list();
	int i;

	for (i = 0; i < c->n_devices; i++)
		json_append(devices, json_device(&c->devices[i]));
	json_add(json, "container", json_u64(c->number));
	json_add(json, "type", json_string(c->type));
	json_add(json, "pid", json_u64(c->pid));
	json_add(json, "comm", json_string(c->comm));
	json_add(json, "mode", json_string(c->mode));
	json_add(json, "enabled", json_truth(c->enabled));
	json_add(json, "health", json_string(c->health));
	json_add(json, "stats", json_stats(&c->stats));
	json_add(json, "latency", json_latency(&c->latency));
	json_add(json, "devices", devices);
	return json;
}

void json_containers_print(const struct containers *all)
{
	struct json_object *json = json_list();
	int i;

	for (i = 0; i < all->n; i++)
		json_append(json, json_container(&all->v[i]));
	json_print(json);
}

/* @val in steps of @step, three digits and a point at the most, with a unit. */
static const char *amount(char *buf, uint64_t val, unsigned int step, const char *const *units)
{
	double scaled = (double)val;

	while (scaled >= 999.5 && units[1]) {
		scaled /= step;
		units++;
	}
	snprintf(buf, AMOUNT_MAX, "%.*f%s", scaled < 9.95 && scaled != (double)(uint64_t)scaled,
		 scaled, *units);
	return buf;
}

const char *amount_bytes(char buf[AMOUNT_MAX], uint64_t bytes)
{
	static const char *const units[] = { "", "K", "M", "G", "T", "P", "E", NULL };

	return amount(buf, bytes, 1024, units);
}

const char *amount_pages(char buf[AMOUNT_MAX], uint64_t pages)
{
	return amount_bytes(buf, pages * PAGE_BYTES);
}

const char *amount_count(char buf[AMOUNT_MAX], uint64_t count)
{
	static const char *const units[] = { "", "k", "M", "G", "T", "P", "E", NULL };

	return amount(buf, count, 1000, units);
}

const char *amount_ns(char buf[AMOUNT_MAX], uint64_t ns)
{
	static const char *const units[] = { "ns", "us", "ms", "s", NULL };

	if (ns)
		return amount(buf, ns, 1000, units);
	snprintf(buf, AMOUNT_MAX, "-");
	return buf;
}
