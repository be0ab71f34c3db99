// SPDX-License-Identifier: GPL-2.0-only
/*
 * The map in a terminal: for each area a line that says what it is, then its cells, a
 * character each. How full a cell is says its shade, what its pages are its colour; without
 * colours a letter says what they are, and whether it is a large one says how full it is.
 */
#include <inttypes.h>
#include <langinfo.h>
#include <stdio.h>
#include <string.h>

#include "colour.h"
#include "map.h"
#include "output.h"

/* From nothing to all; between them, thirds. */
#define SHADES	5

static const char *const shades_utf8[SHADES] = { "\u00b7", "\u2591", "\u2592", "\u2593", "\u2588" };
static const char *const shades_ascii[SHADES] = { ".", "-", "+", "*", "#" };

static const char letters[MAP_KINDS] = {
	[MAP_PINNED] = 'p', [MAP_DIRTY] = 'd', [MAP_HOT] = 'h', [MAP_HUGE] = 'g', [MAP_COLD] = 'c',
};

static const enum colour colours[MAP_KINDS] = {
	[MAP_PINNED] = COLOUR_MAGENTA, [MAP_DIRTY] = COLOUR_YELLOW, [MAP_HOT] = COLOUR_RED,
	[MAP_HUGE] = COLOUR_CYAN, [MAP_COLD] = COLOUR_BLUE,
};

static const char *shade(double share)
{
	const char *const *shades = strcmp(nl_langinfo(CODESET), "UTF-8") ? shades_ascii :
									    shades_utf8;

	if (share <= 0)
		return shades[0];
	return share >= 1 ? shades[SHADES - 1] : shades[1 + (int)(share * (SHADES - 2))];
}

static void print_letter(const struct map_cell *cell)
{
	double share = map_share(cell, MAP_A_RESIDENT);
	char letter = letters[map_cell_kind(cell)];

	if (!cell->mapped)
		letter = ' ';
	else if (share <= 0)
		letter = '.';
	else if (share >= 0.5)
		letter = (char)(letter - 'a' + 'A');
	putchar(letter);
}

static void print_cell(const struct map_cell *cell, const struct map_style *style)
{
	bool by_kind = style->attribute == MAP_A_RESIDENT;
	double share = map_share(cell, style->attribute);

	if (!style->colours && by_kind) {
		print_letter(cell);
		return;
	}
	if (style->colours && share > 0)
		colour_on(by_kind ? colours[map_cell_kind(cell)] : COLOUR_GREEN);
	fputs(cell->mapped ? shade(share) : " ", stdout);
	if (style->colours && share > 0)
		colour_off();
}

static void print_area(const struct map *map, const struct map_area *area,
		       const struct map_style *style)
{
	char title[MAP_TITLE];
	uint64_t i;

	map_area_title(title, area, style->width);
	printf("%s\n", title);
	for (i = 0; i < area->n_cells; i++) {
		if (i % style->columns == 0)
			printf("%13" PRIx64 " ", (area->first_cell + i) << map->shift);
		print_cell(&area->cells[i], style);
		if (i % style->columns == style->columns - 1 || i == area->n_cells - 1)
			putchar('\n');
	}
}

static void print_kinds(bool coloured)
{
	int i;

	for (i = 0; i < MAP_KINDS; i++) {
		const char *end = i < MAP_KINDS - 1 ? "  " : "\n";

		if (coloured) {
			colour_on(colours[i]);
			printf("%s %s", shade(1), map_kind_names[i]);
			colour_off();
			fputs(end, stdout);
		} else {
			printf("%c %s%s", letters[i], map_kind_names[i], end);
		}
	}
}

static void print_legend(const struct map *map, const struct map_style *style)
{
	char size[AMOUNT_MAX];

	printf("a cell is %s\n", amount_bytes(size, 1ull << map->shift));
	if (style->attribute == MAP_A_RESIDENT)
		print_kinds(style->colours);
	if (style->attribute == MAP_A_RESIDENT && !style->colours)
		puts("capital: half of it or more; . none");
	else
		printf("%s: none %s some %s%s%s all %s\n", map_attribute_names[style->attribute],
		       shade(0), shade(0.1), shade(0.4), shade(0.7), shade(1));
}

void map_print(const struct map *map, const struct container *c, const struct map_style *style)
{
	char title[MAP_TITLE];
	uint64_t i;

	map_title(title, map, c, style->width);
	printf("%s\n", title);
	for (i = 0; i < map->n_areas; i++)
		print_area(map, &map->areas[i], style);
	if (map->n_areas)
		print_legend(map, style);
}
