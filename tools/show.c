// SPDX-License-Identifier: GPL-2.0-only
/*
 * iopf show: all about one container, or those of a device or process (iopf-show(8)).
 */
#include <inttypes.h>
#include <stdio.h>

#include "args.h"
#include "container.h"
#include "iopf.h"
#include "output.h"

static const struct column pair_columns[] = {
	{ "NAME", 0 },
	{ "VALUE", SCOLS_FL_TRUNC },
	{ NULL }
};

static void pair(struct libscols_table *table, const char *name, const char *value)
{
	struct libscols_line *line = table_line(table);

	table_set(line, 0, "  %s", name);
	table_set(line, 1, "%s", value);
}

static void pair_number(struct libscols_table *table, const char *name, uint64_t value)
{
	struct libscols_line *line = table_line(table);

	table_set(line, 0, "  %s", name);
	table_set(line, 1, "%" PRIu64, value);
}

static void add_latency(struct libscols_table *table, const struct latency *latency)
{
	struct libscols_line *line = table_line(table);
	char p50[AMOUNT_MAX], p99[AMOUNT_MAX], max[AMOUNT_MAX];

	table_set(line, 0, "  latency");
	if (latency_count(latency))
		table_set(line, 1, "p50 %s, p99 %s, longest %s",
			  amount_ns(p50, latency_percentile(latency, 50)),
			  amount_ns(p99, latency_percentile(latency, 99)),
			  amount_ns(max, latency_percentile(latency, 100)));
	else
		table_set(line, 1, "-");
}

static void add_stats(struct libscols_table *table, const struct stats *stats)
{
	int i;

	for (i = 0; i < stats->n; i++)
		pair_number(table, stats->v[i].name, stats->v[i].value);
}

static void print_device(const struct container_device *device)
{
	struct libscols_table *table = table_new(pair_columns, 0);

	printf("\ndevice %s\n", device->name);
	pair(table, "kind", device->kind);
	pair(table, "health", device->health);
	add_latency(table, &device->latency);
	add_stats(table, &device->stats);
	table_print(table);
}

static void print_container(const struct container *c)
{
	struct libscols_table *table = table_new(pair_columns, 0);
	int i;

	printf("container%" PRIu64 "\n", c->number);
	pair_number(table, "pid", c->pid);
	pair(table, "command", c->comm);
	pair(table, "type", c->type);
	pair(table, "mode", c->mode);
	pair(table, "enabled", c->enabled ? "yes" : "no");
	pair(table, "health", c->health);
	add_latency(table, &c->latency);
	add_stats(table, &c->stats);
	table_print(table);
	for (i = 0; i < c->n_devices; i++)
		print_device(&c->devices[i]);
}

int cmd_show(int argc, char **argv)
{
	struct args args = { .min_words = 1, .max_words = 1 };
	struct containers found;
	int i;

	args_parse(&args, "CONTAINER|DEVICE|PID",
		   "Show all about a container: containerN, N, a device of it (0000:01:00.0), "
		   "or its process (N or pid:N).", argc, argv);
	if (containers_read(&found) || containers_select(&found, args.words[0]))
		return IOPF_FAILED;
	if (args.json) {
		json_containers_print(&found);
	} else {
		for (i = 0; i < found.n; i++) {
			if (i)
				putchar('\n');
			print_container(&found.v[i]);
		}
	}
	containers_free(&found);
	return IOPF_OK;
}
