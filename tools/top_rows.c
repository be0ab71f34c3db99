// SPDX-License-Identifier: GPL-2.0-only
/*
 * From two pictures of all containers to rows with rates. A container that is not in the
 * earlier one has come since, and its counters began at 0, so nothing is lost; one that has
 * gone is in no row.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "iopf.h"
#include "output.h"
#include "top.h"

#define PAGE_BYTES	4096
#define NAME_LEAST	16	/* columns */

const struct top_column top_columns[TOP_KEYS] = {
	[TOP_FAULTS]	= { "faults",	 "FAULT/S", "faults_per_s",	7, 0 },
	[TOP_P50]	= { "p50",	 "P50",	    "latency_p50_ns",	5, 4 },
	[TOP_P99]	= { "p99",	 "P99",	    "latency_p99_ns",	5, 1 },
	[TOP_EVICTIONS]	= { "evictions", "EVICT/S", "evictions_per_s",	7, 2 },
	[TOP_RESIDENT]	= { "resident",	 "RES",	    "resident_bytes",	5, 3 },
	[TOP_MAPPED]	= { "mapped",	 "MAPPED",  "mapped_bytes",	6, 5 },
	[TOP_PINNED]	= { "pinned",	 "PINNED",  "pinned_bytes",	6, 6 },
	[TOP_RETRIES]	= { "retries",	 "RETRY/S", "retries_per_s",	7, 7 },
	[TOP_BACKOFFS]	= { "backoffs",	 "BACKOFF", "backoffs_per_s",	7, 8 },
};

int top_key_find(const char *name)
{
	int key;

	for (key = 0; key < TOP_KEYS; key++) {
		if (!strcmp(top_columns[key].name, name))
			return key;
	}
	return strcmp(name, "container") ? -1 : TOP_NAME;
}

const char *top_key_name(enum top_key key)
{
	return key == TOP_NAME ? "container" : top_columns[key].name;
}

static const struct container *find_container(const struct containers *all, uint64_t number)
{
	int i;

	for (i = 0; i < all->n; i++) {
		if (all->v[i].number == number)
			return &all->v[i];
	}
	return NULL;
}

static const struct container_device *find_device(const struct container *c, const char *name)
{
	int i;

	for (i = 0; c && i < c->n_devices; i++) {
		if (!strcmp(c->devices[i].name, name))
			return &c->devices[i];
	}
	return NULL;
}

/* A device that left and came back counts from 0 again. */
static double rate(const char *name, const struct stats *now, const struct stats *before,
		   double seconds)
{
	uint64_t to = stats_get(now, name), from = before ? stats_get(before, name) : 0;

	if (seconds <= 0)
		return -1;
	return (double)(to >= from ? to - from : to) / seconds;
}

/* Of what was answered between two pictures; -1 if nothing was. */
static void set_latency(struct top_row *row, const struct latency *now,
			const struct latency *before, double seconds)
{
	struct latency since = { .n = now->n };
	size_t bytes = (size_t)now->n * sizeof(*now->v);

	row->v[TOP_P50] = -1;
	row->v[TOP_P99] = -1;
	if (seconds <= 0 || !now->n)
		return;
	since.v = malloc(bytes);
	if (!since.v)
		die_no_memory();
	memcpy(since.v, now->v, bytes);
	if (before && latency_count(before) <= latency_count(now))
		latency_subtract(&since, before);
	if (latency_count(&since)) {
		row->v[TOP_P50] = (double)latency_percentile(&since, 50);
		row->v[TOP_P99] = (double)latency_percentile(&since, 99);
	}
	free(since.v);
}

static void fill_container(struct top_row *row, const struct container *c,
			   const struct container *before, double seconds)
{
	const struct stats *old = before ? &before->stats : NULL;

	row->container = c;
	set_latency(row, &c->latency, before ? &before->latency : NULL, seconds);
	row->v[TOP_FAULTS] = rate("requests", &c->stats, old, seconds);
	row->v[TOP_EVICTIONS] = rate("evictions", &c->stats, old, seconds);
	row->v[TOP_RETRIES] = rate("retries", &c->stats, old, seconds);
	row->v[TOP_BACKOFFS] = rate("backoffs", &c->stats, old, seconds);
	row->v[TOP_RESIDENT] = (double)stats_get(&c->stats, "resident_pages") * PAGE_BYTES;
	row->v[TOP_MAPPED] = (double)stats_get(&c->stats, "mapped_bytes");
	row->v[TOP_PINNED] = (double)stats_get(&c->stats, "pinned_pages") * PAGE_BYTES;
}

static void fill_device(struct top_row *row, const struct container *c,
			const struct container_device *device,
			const struct container_device *before, double seconds)
{
	int key;

	row->container = c;
	row->device = device;
	for (key = 0; key < TOP_KEYS; key++)
		row->v[key] = -1;
	set_latency(row, &device->latency, before ? &before->latency : NULL, seconds);
	row->v[TOP_FAULTS] = rate("requests", &device->stats, before ? &before->stats : NULL,
				  seconds);
}

void top_rows_make(struct top_rows *rows, const struct containers *now,
		   const struct containers *before, double seconds)
{
	size_t most = (size_t)now->n;
	int i, j;

	for (i = 0; i < now->n; i++)
		most += (size_t)now->v[i].n_devices;
	*rows = (struct top_rows) { .seconds = seconds };
	rows->v = calloc(most ? most : 1, sizeof(*rows->v));
	if (!rows->v)
		die_no_memory();
	for (i = 0; i < now->n; i++) {
		const struct container *c = &now->v[i];
		const struct container *old = find_container(before, c->number);

		fill_container(&rows->v[rows->n++], c, old, seconds);
		for (j = 0; j < c->n_devices; j++)
			fill_device(&rows->v[rows->n++], c, &c->devices[j],
				    find_device(old, c->devices[j].name), seconds);
	}
}

void top_rows_free(struct top_rows *rows)
{
	free(rows->v);
	*rows = (struct top_rows) { 0 };
}

struct order {
	enum top_key key;
	bool reverse;
};

/* A container and the rows of its devices. */
struct block {
	const struct top_row *row;
	int n;
};

static int compare_rows(const struct top_row *a, const struct top_row *b, const struct order *order)
{
	int sign = 0;

	if (order->key != TOP_NAME)
		sign = (a->v[order->key] < b->v[order->key]) -
		       (a->v[order->key] > b->v[order->key]);
	if (!sign && a->device && b->device)
		sign = strcmp(a->device->name, b->device->name);
	else if (!sign)
		sign = (a->container->number > b->container->number) -
		       (a->container->number < b->container->number);
	return order->reverse ? -sign : sign;
}

static int compare_blocks(const void *a, const void *b, void *order)
{
	const struct block *left = a, *right = b;

	return compare_rows(left->row, right->row, order);
}

static int compare_devices(const void *a, const void *b, void *order)
{
	return compare_rows(a, b, order);
}

void top_rows_sort(struct top_rows *rows, enum top_key key, bool reverse)
{
	struct top_row *sorted = calloc((size_t)rows->n + 1, sizeof(*sorted)), *at = sorted;
	struct block *blocks = calloc((size_t)rows->n + 1, sizeof(*blocks));
	struct order order = { key, reverse };
	int i, n = 0;

	if (!sorted || !blocks)
		die_no_memory();
	for (i = 0; i < rows->n; i++) {
		if (!rows->v[i].device)
			blocks[n++].row = &rows->v[i];
		blocks[n - 1].n++;
	}
	qsort_r(blocks, (size_t)n, sizeof(*blocks), compare_blocks, &order);
	for (i = 0; i < n; at += blocks[i++].n) {
		memcpy(at, blocks[i].row, (size_t)blocks[i].n * sizeof(*at));
		qsort_r(at + 1, (size_t)blocks[i].n - 1, sizeof(*at), compare_devices, &order);
	}
	free(blocks);
	free(rows->v);
	rows->v = sorted;
}

void top_row_name(char *buf, size_t size, const struct top_row *row)
{
	const struct container *c = row->container;
	const char *health = row->device ? row->device->health : c->health;
	bool well = !strcmp(health, "ok");

	if (row->device)
		snprintf(buf, size, "  %s%s%s", row->device->name, well ? "" : " ",
			 well ? "" : health);
	else if (c->pid)
		snprintf(buf, size, "container%" PRIu64 " %s%s%s %" PRIu64, c->number,
			 well ? "" : health, well ? "" : " ", c->comm, c->pid);
	else
		snprintf(buf, size, "container%" PRIu64 " %s%s%s, ended", c->number,
			 well ? "" : health, well ? "" : " ", c->comm);
}

void top_row_cell(char buf[TOP_CELL], const struct top_row *row, enum top_key key)
{
	uint64_t val = row->v[key] < 0 ? 0 : (uint64_t)(row->v[key] + 0.5);
	char text[AMOUNT_MAX] = "-";

	if (row->v[key] >= 0) {
		switch (key) {
		case TOP_P50:
		case TOP_P99:
			amount_ns(text, val);
			break;
		case TOP_RESIDENT:
		case TOP_MAPPED:
		case TOP_PINNED:
			amount_bytes(text, val);
			break;
		default:
			if (row->v[key] < 9.95 && row->v[key] != (double)val)
				snprintf(text, sizeof(text), "%.1f", row->v[key]);
			else
				amount_count(text, val);
		}
	}
	snprintf(buf, TOP_CELL, "%s", text);
}

int top_columns_fit(bool shown[TOP_KEYS], int width)
{
	int need, key, left = width - NAME_LEAST;

	for (key = 0; key < TOP_KEYS; key++)
		shown[key] = false;
	for (need = 0; need < TOP_KEYS; need++) {
		for (key = 0; key < TOP_KEYS && top_columns[key].need != need; key++)
			;
		if (left < top_columns[key].width + 1)
			break;
		shown[key] = true;
		left -= top_columns[key].width + 1;
	}
	return left + NAME_LEAST;
}
