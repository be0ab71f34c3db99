/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * iopf map in parts: what of a container's memory its devices can reach, gathered into
 * cells (map_cells.c); the picture in a terminal (map_text.c) and as SVG (map_svg.c).
 */
#ifndef IOPF_MAP_H
#define IOPF_MAP_H

#include <stdbool.h>
#include <stdint.h>

#include "container.h"
#include "reach.h"

/* What a resident page is, the first that fits. */
enum map_kind { MAP_PINNED, MAP_DIRTY, MAP_HUGE, MAP_HOT, MAP_COLD, MAP_KINDS };

/* What can be shown by itself: bit by bit what VFIO_IOPF_RESIDENCY tells. */
enum map_attribute {
	MAP_A_RESIDENT, MAP_A_WRITABLE, MAP_A_HUGE, MAP_A_PINNED, MAP_A_DIRTY, MAP_A_YOUNG,
	MAP_ATTRIBUTES
};

extern const char *const map_kind_names[MAP_KINDS];
extern const char *const map_attribute_names[MAP_ATTRIBUTES];

/* A range of IOVA, of the map's cell size and aligned to it. All in 4 KiB pages. */
struct map_cell {
	uint64_t mapped;
	uint64_t attribute[MAP_ATTRIBUTES];
	uint64_t kind[MAP_KINDS];	/* their sum is attribute[MAP_A_RESIDENT] */
};

/* Cells that follow each other, each with something mapped. */
struct map_area {
	uint64_t start, last;	/* IOVA, inclusive, of what is mapped */
	uint64_t first_cell;	/* number of a cell: IOVA >> shift */
	uint64_t n_cells;
	struct map_cell *cells;
	uint64_t mappings;
	struct map_cell sum;
};

struct map {
	unsigned int shift;	/* log2 of the bytes of a cell */
	struct map_area *areas;
	uint64_t n_areas;
	struct map_cell sum;
	uint64_t mappings;
};

/*
 * The areas and cells of what is mapped, with nothing in them yet: cells of 2^@shift bytes,
 * or, if that is 0, as small as @lines lines of @columns cells have room for, each area
 * having a line more. Returns 0, or -1, having complained, if they are far too many.
 */
int map_lay_out(struct map *map, const struct mappings *mappings, unsigned int shift,
		uint64_t lines, uint64_t columns);

/*
 * Ask what is resident and fill the cells in. What is unmapped meanwhile is passed over.
 * Returns 0, or -1, having complained.
 */
int map_fill(struct map *map, const struct mappings *mappings, struct viopf_container *c);
void map_free(struct map *map);

/* Lines of @columns cells that it takes, with a line for each area. */
uint64_t map_lines(const struct map *map, uint64_t columns);

/* The kind that most resident pages of a cell are of. */
enum map_kind map_cell_kind(const struct map_cell *cell);

/* How much of what is mapped has the attribute, 0 to 1. */
double map_share(const struct map_cell *cell, enum map_attribute attribute);

/* What is drawn, and how. */
struct map_style {
	enum map_attribute attribute;	/* MAP_A_RESIDENT: by kinds, too */
	bool colours;			/* terminal: else letters */
	uint64_t columns;		/* cells in a line */
	size_t width;			/* of the terminal; 0: as wide as need be */
};

/* "container3 (qemu): 4G mapped, 1.5G resident, ...", and less where it has no room. */
#define MAP_TITLE	320
void map_title(char buf[MAP_TITLE], const struct map *map, const struct container *c,
	       size_t width);
void map_area_title(char buf[MAP_TITLE], const struct map_area *area, size_t width);

void map_print(const struct map *map, const struct container *c, const struct map_style *style);

/* Returns 0, or -1, having complained. */
int map_write_svg(const char *path, const struct map *map, const struct container *c,
		  const struct map_style *style);

#endif /* IOPF_MAP_H */
