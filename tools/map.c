// SPDX-License-Identifier: GPL-2.0-only
/*
 * iopf map: what of a container's memory its devices can reach, as a picture (iopf-map(8)).
 *
 * The container is reached by its owner's descriptor (reach.c), which is let go of before
 * anything is drawn.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "args.h"
#include "colour.h"
#include "iopf.h"
#include "map.h"
#include "output.h"

#define PAGE_BYTES	4096
#define LABEL_COLUMNS	15	/* an address, and a margin */
#define FEWEST_CELLS	16
#define SVG_CELLS	64
#define USUAL_WIDTH	80

enum { OPT_SVG = 's', OPT_SHOW = 'w', OPT_CELL = 'c', OPT_LINES = 'l', OPT_COLOUR = 'C' };

struct map_options {
	struct args args;
	uint64_t iova, last;		/* of this range alone */
	const char *svg;
	enum map_attribute attribute;
	unsigned int shift;		/* 0: as it fits */
	uint64_t lines;
	int colour;			/* 0: on a terminal, 1: always, -1: never */
};

static const struct argp_option options[] = {
	{ .name = "svg", .key = OPT_SVG, .arg = "FILE", .doc = "write a picture there" },
	{ .name = "show", .key = OPT_SHOW, .arg = "WHAT",
	  .doc = "resident (the default; and what the pages are), writable, huge, pinned, dirty "
		 "or young" },
	{ .name = "cell", .key = OPT_CELL, .arg = "SIZE",
	  .doc = "bytes of a cell, a power of two of at least 4K; else as it fits" },
	{ .name = "lines", .key = OPT_LINES, .arg = "N", .doc = "lines that it is to fit in (40)" },
	{ .name = "color", .key = OPT_COLOUR, .arg = "WHEN",
	  .doc = "auto (the default: on a terminal, and if NO_COLOR is not set), always or never" },
	{ 0 }
};

static unsigned int parse_cell(const char *arg, struct argp_state *state)
{
	uint64_t bytes;

	if (parse_bytes(&bytes, arg) || bytes < PAGE_BYTES || bytes & (bytes - 1) ||
	    bytes > 1ull << 62)
		argp_error(state, "'%s' is no power of two of at least 4K", arg);
	return (unsigned int)__builtin_ctzll(bytes);
}

static enum map_attribute parse_attribute(const char *arg, struct argp_state *state)
{
	int i;

	for (i = 0; i < MAP_ATTRIBUTES; i++) {
		if (!strcmp(arg, map_attribute_names[i]))
			return i;
	}
	argp_error(state, "there is nothing called '%s' to show", arg);
	return 0;
}

static int parse_colour(const char *arg, struct argp_state *state)
{
	if (!strcmp(arg, "always"))
		return 1;
	if (!strcmp(arg, "never"))
		return -1;
	if (strcmp(arg, "auto"))
		argp_error(state, "--color takes auto, always or never, not '%s'", arg);
	return 0;
}

static uint64_t parse_lines(const char *arg, struct argp_state *state)
{
	uint64_t lines;

	if (parse_bytes(&lines, arg) || !lines || lines > 1000000)
		argp_error(state, "'%s' is no number of lines", arg);
	return lines;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct map_options *o = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &o->args;
		return 0;
	case OPT_SVG:
		o->svg = arg;
		return 0;
	case OPT_SHOW:
		o->attribute = parse_attribute(arg, state);
		return 0;
	case OPT_CELL:
		o->shift = parse_cell(arg, state);
		return 0;
	case OPT_LINES:
		o->lines = parse_lines(arg, state);
		return 0;
	case OPT_COLOUR:
		o->colour = parse_colour(arg, state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* What is gathered in a cell: pages of each attribute, as many as there is room for. */
static void append_amounts(char *buf, const struct map_cell *cell, size_t width)
{
	static const enum map_attribute told[MAP_ATTRIBUTES] = {
		MAP_A_RESIDENT, MAP_A_PINNED, MAP_A_DIRTY, MAP_A_HUGE, MAP_A_YOUNG, MAP_A_WRITABLE,
	};
	char amount[AMOUNT_MAX], more[64];
	int i;

	if (!width || width >= MAP_TITLE)
		width = MAP_TITLE - 1;
	for (i = 0; i < MAP_ATTRIBUTES; i++) {
		if (told[i] != MAP_A_RESIDENT && !cell->attribute[told[i]])
			continue;
		snprintf(more, sizeof(more), ", %s %s",
			 amount_pages(amount, cell->attribute[told[i]]),
			 map_attribute_names[told[i]]);
		if (strlen(buf) + strlen(more) <= width)
			strcat(buf, more);
	}
	buf[width] = '\0';
}

void map_title(char buf[MAP_TITLE], const struct map *map, const struct container *c,
	       size_t width)
{
	char mapped[AMOUNT_MAX];

	snprintf(buf, MAP_TITLE, "container%" PRIu64 " (%s): %s mapped", c->number, c->comm,
		 amount_pages(mapped, map->sum.mapped));
	append_amounts(buf, &map->sum, width);
}

void map_area_title(char buf[MAP_TITLE], const struct map_area *area, size_t width)
{
	char mapped[AMOUNT_MAX];

	snprintf(buf, MAP_TITLE, "%#" PRIx64 "-%#" PRIx64 ": %s in %" PRIu64 " mapping%s",
		 area->start, area->last, amount_pages(mapped, area->sum.mapped), area->mappings,
		 area->mappings == 1 ? "" : "s");
	append_amounts(buf, &area->sum, width);
}

static void json_cell(struct json_object *json, const struct map_cell *cell)
{
	char key[32];
	int i;

	json_add(json, "mapped_bytes", json_u64(cell->mapped * PAGE_BYTES));
	for (i = 0; i < MAP_ATTRIBUTES; i++) {
		snprintf(key, sizeof(key), "%s_bytes", map_attribute_names[i]);
		json_add(json, key, json_u64(cell->attribute[i] * PAGE_BYTES));
	}
}

/* Cells with nothing resident are left out. */
static struct json_object *json_area(const struct map *map, const struct map_area *area)
{
	struct json_object *json = json_map(), *cells = json_list();
	uint64_t i;

	for (i = 0; i < area->n_cells; i++) {
		struct json_object *cell;

		if (!area->cells[i].attribute[MAP_A_RESIDENT] &&
		    !area->cells[i].attribute[MAP_A_DIRTY])
			continue;
		cell = json_map();
		json_add(cell, "iova", json_u64((area->first_cell + i) << map->shift));
		json_cell(cell, &area->cells[i]);
		json_append(cells, cell);
	}
	json_add(json, "iova", json_u64(area->start));
	json_add(json, "last", json_u64(area->last));
	json_add(json, "mappings", json_u64(area->mappings));
	json_cell(json, &area->sum);
	json_add(json, "cells", cells);
	return json;
}

static void print_json(const struct map *map, const struct container *c)
{
	struct json_object *json = json_map(), *areas = json_list();
	uint64_t i;

	for (i = 0; i < map->n_areas; i++)
		json_append(areas, json_area(map, &map->areas[i]));
	json_add(json, "container", json_u64(c->number));
	json_add(json, "pid", json_u64(c->pid));
	json_add(json, "comm", json_string(c->comm));
	json_add(json, "cell_bytes", json_u64(1ull << map->shift));
	json_add(json, "mappings", json_u64(map->mappings));
	json_cell(json, &map->sum);
	json_add(json, "areas", areas);
	json_print(json);
}

/* 0 if there is no terminal. */
static size_t terminal_width(void)
{
	struct winsize size;

	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) ? 0 : size.ws_col;
}

/* How many cells a line has room for, in eights. */
static uint64_t cells_in_line(size_t width)
{
	uint64_t cells = ((width ? width : USUAL_WIDTH) - LABEL_COLUMNS) / 8 * 8;

	return width && width < LABEL_COLUMNS + FEWEST_CELLS ? FEWEST_CELLS : cells;
}

static int draw(const struct map_options *o, const struct map *map, const struct container *c,
		struct map_style *style)
{
	if (o->svg)
		return map_write_svg(o->svg, map, c, style);
	if (o->args.json) {
		print_json(map, c);
		return 0;
	}
	style->colours = (o->colour > 0 || (!o->colour && colour_is_wanted())) && colour_is_there();
	map_print(map, c, style);
	return 0;
}

static int look(struct map *map, const struct map_options *o, const struct container *c,
		const struct map_style *style)
{
	struct viopf_container *reached;
	struct mappings mappings;
	int err;

	if (reach_container(&reached, c))
		return -1;
	err = reach_mappings(&mappings, reached);
	if (!err) {
		mappings_clip(&mappings, o->iova, o->last);
		err = map_lay_out(map, &mappings, o->shift, o->lines, style->columns);
		if (!err)
			err = map_fill(map, &mappings, reached);
		mappings_free(&mappings);
	}
	viopf_container_close(reached);
	return err;
}

/* The words after the container. */
static int take_range(struct map_options *o)
{
	uint64_t size;

	if (o->args.n_words == 1)
		return 0;
	if (o->args.n_words == 2) {
		complain("after the address a size is missing");
		return -1;
	}
	if (parse_range(&o->iova, &size, o->args.words + 1))
		return -1;
	o->last = o->iova + (size - 1);
	return 0;
}

int cmd_map(int argc, char **argv)
{
	static const struct argp_child children[] = { { .argp = &args_argp }, { 0 } };
	static const struct argp argp = {
		.options = options, .parser = parse, .children = children,
		.args_doc = "CONTAINER|DEVICE|PID [IOVA SIZE]",
		.doc = "Show what of a container's memory its devices can reach: each cell is a "
		       "range of IOVA, the darker the more of it is resident.",
	};
	struct map_options o = {
		.args = { .min_words = 1, .max_words = 3 }, .lines = 40, .last = UINT64_MAX,
	};
	struct map map = { 0 };
	struct map_style style;
	struct container c;
	int err;

	argp_parse(&argp, argc, argv, 0, NULL, &o);
	if (take_range(&o))
		return IOPF_USAGE;
	style = (struct map_style) {
		.attribute = o.attribute,
		.width = o.svg ? 0 : terminal_width(),
	};
	style.columns = o.svg ? SVG_CELLS : cells_in_line(style.width);
	if (reach_select(&c, o.args.words[0]))
		return IOPF_FAILED;
	err = look(&map, &o, &c, &style);
	if (!err)
		err = draw(&o, &map, &c, &style);
	map_free(&map);
	container_free(&c);
	return err ? IOPF_FAILED : IOPF_OK;
}
