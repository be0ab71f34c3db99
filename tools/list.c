// SPDX-License-Identifier: GPL-2.0-only
/*
 * iopf list: all containers, a line each (iopf-list(8)).
 */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "args.h"
#include "container.h"
#include "iopf.h"
#include "output.h"

static const struct column columns[] = {
	{ "ID", 0, 0 },
	{ "PID", SCOLS_FL_RIGHT, 0 },
	{ "COMMAND", SCOLS_FL_TRUNC, 0 },
	{ "MODE", SCOLS_FL_TRUNC, 60 },
	{ "HEALTH", SCOLS_FL_TRUNC, 0 },
	{ "MAPPED", SCOLS_FL_RIGHT, 60 },
	{ "RESIDENT", SCOLS_FL_RIGHT, 0 },
	{ "PINNED", SCOLS_FL_RIGHT, 60 },
	{ "FAULTS", SCOLS_FL_RIGHT, 80 },
	{ "DEVICES", SCOLS_FL_TRUNC, 80 },
	{ NULL }
};

/* "0000:01:00.0 +2": the first, and how many more. */
static void set_devices(struct libscols_line *line, int column, const struct container *c)
{
	if (!c->n_devices)
		table_set(line, column, "-");
	else if (c->n_devices == 1)
		table_set(line, column, "%s", c->devices[0].name);
	else
		table_set(line, column, "%s +%d", c->devices[0].name, c->n_devices - 1);
}

static void add_line(struct libscols_table *table, const struct container *c)
{
	struct libscols_line *line = table_line(table);
	char buf[AMOUNT_MAX];
	int column = 0;

	table_set(line, column++, "%" PRIu64, c->number);
	if (c->pid)
		table_set(line, column++, "%" PRIu64, c->pid);
	else
		table_set(line, column++, "ended");
	table_set(line, column++, "%s", c->comm);
	table_set(line, column++, "%s", c->mode);
	table_set(line, column++, "%s", c->health);
	table_set(line, column++, "%s",
		  amount_bytes(buf, stats_get(&c->stats, "mapped_bytes")));
	table_set(line, column++, "%s",
		  amount_pages(buf, stats_get(&c->stats, "resident_pages")));
	table_set(line, column++, "%s",
		  amount_pages(buf, stats_get(&c->stats, "pinned_pages")));
	table_set(line, column++, "%s", amount_count(buf, stats_get(&c->stats, "faults")));
	set_devices(line, column, c);
}

static void print_table(const struct containers *all)
{
	struct libscols_table *table;
	int i;

	if (!all->n) {
		puts("no container is open");
		return;
	}
	table = table_new(columns, 1);
	for (i = 0; i < all->n; i++)
		add_line(table, &all->v[i]);
	table_print(table);
}

int cmd_list(int argc, char **argv)
{
	struct args args = { .max_words = 0 };
	struct containers all;

	args_parse(&args, NULL, "List all containers of the module vfio_iommu_iopf.", argc, argv);
	if (containers_read(&all))
		return IOPF_FAILED;
	if (args.json)
		json_containers_print(&all);
	else
		print_table(&all);
	containers_free(&all);
	return IOPF_OK;
}
