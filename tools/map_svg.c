// SPDX-License-Identifier: GPL-2.0-only
/*
 * The map as SVG, by cairo: what the terminal shows, each cell a square. Colour says what
 * most of its pages are, and how strong it is, how full the cell.
 */
#include <cairo/cairo-svg.h>
#include <inttypes.h>
#include <stdio.h>

#include "iopf.h"
#include "map.h"
#include "output.h"

/* In points. */
#define CELL		10.0
#define GAP		1.0
#define MARGIN		16.0
#define LABEL		110.0
#define LINE		16.0
#define FONT_SIZE	11.0
#define LEAST_WIDTH	640.0

/* Characters that a line has room for. */
#define WORDS		110

/* The weakest that a colour gets, so that a lone page is still seen; and how many there are. */
#define WEAKEST		0.25
#define STRENGTHS	8

struct colour {
	double r, g, b;
};

static const struct colour colours[MAP_KINDS] = {
	[MAP_PINNED] = { 0.55, 0.20, 0.65 }, [MAP_DIRTY] = { 0.90, 0.65, 0.00 },
	[MAP_HOT] = { 0.85, 0.15, 0.10 }, [MAP_HUGE] = { 0.00, 0.60, 0.60 },
	[MAP_COLD] = { 0.15, 0.35, 0.75 },
};

static const struct colour empty = { 0.90, 0.90, 0.90 };
static const struct colour plain = { 0.10, 0.55, 0.20 };
static const struct colour ink = { 0.15, 0.15, 0.15 };

static void text(cairo_t *cr, double x, double y, const char *words)
{
	cairo_set_source_rgb(cr, ink.r, ink.g, ink.b);
	cairo_move_to(cr, x, y + FONT_SIZE);
	cairo_show_text(cr, words);
}

static void square(cairo_t *cr, double x, double y, const struct colour *colour)
{
	cairo_rectangle(cr, x, y, CELL - GAP, CELL - GAP);
	cairo_set_source_rgb(cr, colour->r, colour->g, colour->b);
	cairo_fill(cr);
}

/* 0 if nothing of it is there, STRENGTHS if all is. */
static int cell_strength(const struct map_cell *cell, const struct map_style *style)
{
	double share = map_share(cell, style->attribute);

	if (share >= 1)
		return STRENGTHS;
	return share > 0 ? 1 + (int)(share * (STRENGTHS - 1)) : 0;
}

/*
 * Those cells of an area that are so strong, and of that kind, if there are kinds: as one
 * path, as a picture of many thousand would be large. They begin at @y.
 */
static void fill_cells(cairo_t *cr, double y, const struct map_area *area,
		       const struct map_style *style, int kind, int strength)
{
	bool by_kind = style->attribute == MAP_A_RESIDENT && strength;
	const struct colour *colour = style->attribute == MAP_A_RESIDENT ? &colours[kind] : &plain;
	double left = MARGIN + LABEL;
	uint64_t i;

	for (i = 0; i < area->n_cells; i++) {
		const struct map_cell *cell = &area->cells[i];

		if (cell->mapped && cell_strength(cell, style) == strength &&
		    (!by_kind || (int)map_cell_kind(cell) == kind))
			cairo_rectangle(cr, left + (double)(i % style->columns) * CELL,
					y + (double)(i / style->columns) * CELL,
					CELL - GAP, CELL - GAP);
	}
	if (strength)
		cairo_set_source_rgba(cr, colour->r, colour->g, colour->b,
				      WEAKEST + (1 - WEAKEST) * strength / STRENGTHS);
	else
		cairo_set_source_rgb(cr, empty.r, empty.g, empty.b);
	cairo_fill(cr);
}

/* Returns where the next one begins. */
static double draw_area(cairo_t *cr, double y, const struct map *map, const struct map_area *area,
			const struct map_style *style)
{
	int kinds = style->attribute == MAP_A_RESIDENT ? MAP_KINDS : 1, kind, strength;
	char words[MAP_TITLE];
	uint64_t i;

	map_area_title(words, area, WORDS);
	text(cr, MARGIN, y, words);
	y += LINE;
	fill_cells(cr, y, area, style, 0, 0);
	for (kind = 0; kind < kinds; kind++) {
		for (strength = 1; strength <= STRENGTHS; strength++)
			fill_cells(cr, y, area, style, kind, strength);
	}
	for (i = 0; i < area->n_cells; i += style->columns, y += CELL) {
		snprintf(words, sizeof(words), "%#" PRIx64, (area->first_cell + i) << map->shift);
		text(cr, MARGIN, y - 2, words);
	}
	return y + LINE / 2;
}

static void draw_legend(cairo_t *cr, double y, const struct map *map,
			const struct map_style *style)
{
	char words[64], size[AMOUNT_MAX];
	double x = MARGIN + LABEL;
	int i;

	snprintf(words, sizeof(words), "each %s:", amount_bytes(size, 1ull << map->shift));
	text(cr, MARGIN, y, words);
	square(cr, x, y + 2, &empty);
	text(cr, x + LINE, y, "none");
	x += LABEL / 1.5;
	if (style->attribute != MAP_A_RESIDENT) {
		square(cr, x, y + 2, &plain);
		text(cr, x + LINE, y, map_attribute_names[style->attribute]);
		return;
	}
	for (i = 0; i < MAP_KINDS; i++, x += LABEL / 1.5) {
		square(cr, x, y + 2, &colours[i]);
		text(cr, x + LINE, y, map_kind_names[i]);
	}
}

static void draw(cairo_t *cr, const struct map *map, const struct container *c,
		 const struct map_style *style)
{
	char words[MAP_TITLE];
	double y = MARGIN;
	uint64_t i;

	cairo_set_source_rgb(cr, 1, 1, 1);
	cairo_paint(cr);
	cairo_select_font_face(cr, "monospace", CAIRO_FONT_SLANT_NORMAL,
			       CAIRO_FONT_WEIGHT_NORMAL);
	cairo_set_font_size(cr, FONT_SIZE);
	map_title(words, map, c, WORDS);
	text(cr, MARGIN, y, words);
	y += 1.5 * LINE;
	for (i = 0; i < map->n_areas; i++)
		y = draw_area(cr, y, map, &map->areas[i], style);
	draw_legend(cr, y + LINE / 2, map, style);
}

static double wide(const struct map_style *style)
{
	double width = 2 * MARGIN + LABEL + (double)style->columns * CELL;

	return width < LEAST_WIDTH ? LEAST_WIDTH : width;
}

/* Each line of the map's is a line of text or of cells here, and some are around it. */
static double high(const struct map *map, const struct map_style *style)
{
	double lines = (double)map_lines(map, style->columns) - (double)map->n_areas;

	return 2 * MARGIN + 4 * LINE + lines * CELL + (double)map->n_areas * 1.5 * LINE;
}

int map_write_svg(const char *path, const struct map *map, const struct container *c,
		  const struct map_style *style)
{
	cairo_surface_t *surface = cairo_svg_surface_create(path, wide(style), high(map, style));
	cairo_t *cr = cairo_create(surface);
	cairo_status_t status;

	draw(cr, map, c, style);
	status = cairo_status(cr);
	cairo_destroy(cr);
	cairo_surface_finish(surface);
	if (!status)
		status = cairo_surface_status(surface);
	cairo_surface_destroy(surface);
	if (status)
		complain("can't write %s: %s", path, cairo_status_to_string(status));
	return status ? -1 : 0;
}
