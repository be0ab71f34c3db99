// SPDX-License-Identifier: GPL-2.0-only
/*
 * From mappings and a byte for each page to cells; see map.h.
 *
 * A mapping costs nothing here that has nothing resident, whatever its size: it is not
 * asked about. Another is read a chunk at a time, until as many resident pages were seen
 * as the list of mappings has for it. So what is needed is memory for a chunk and for the
 * cells, of which there are as many as are shown.
 *
 * Neighbours share cells and areas: a thousand mappings side by side are one area, and with
 * cells large enough so are mappings with gaps between them.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "iopf.h"
#include "map.h"

#define PAGE_SHIFT	12
#define MOST_SHIFT	62

/* Pages asked about at a time: 4 GiB of IOVA. */
#define CHUNK_PAGES	(1u << 20)

/* More cells than anybody looks at, but no more memory than there is. */
#define MOST_CELLS	(1u << 22)

const char *const map_kind_names[MAP_KINDS] = {
	[MAP_PINNED] = "pinned", [MAP_DIRTY] = "dirty", [MAP_HOT] = "hot",
	[MAP_HUGE] = "huge", [MAP_COLD] = "cold",
};

const char *const map_attribute_names[MAP_ATTRIBUTES] = {
	[MAP_A_RESIDENT] = "resident", [MAP_A_WRITABLE] = "writable", [MAP_A_HUGE] = "huge",
	[MAP_A_PINNED] = "pinned", [MAP_A_DIRTY] = "dirty", [MAP_A_YOUNG] = "young",
};

static const unsigned char attribute_bits[MAP_ATTRIBUTES] = {
	[MAP_A_RESIDENT] = VFIO_IOPF_PAGE_RESIDENT, [MAP_A_WRITABLE] = VFIO_IOPF_PAGE_WRITABLE,
	[MAP_A_HUGE] = VFIO_IOPF_PAGE_HUGE, [MAP_A_PINNED] = VFIO_IOPF_PAGE_PINNED,
	[MAP_A_DIRTY] = VFIO_IOPF_PAGE_DIRTY, [MAP_A_YOUNG] = VFIO_IOPF_PAGE_YOUNG,
};

/*
 * Make the areas for cells of that size, or, if @areas is NULL, only count: lines, as
 * map_lines() has them.
 */
static uint64_t lay_out(struct map_area *areas, uint64_t *n_areas, const struct mappings *all,
			unsigned int shift, uint64_t columns)
{
	uint64_t lines = 0, first_cell = 0, last_cell = 0, n = 0;
	size_t i;

	for (i = 0; i < all->n; i++) {
		uint64_t last = all->v[i].iova + (all->v[i].size - 1);

		if (!n || all->v[i].iova >> shift > last_cell + 1) {
			lines += n ? (last_cell - first_cell) / columns + 2 : 0;
			first_cell = all->v[i].iova >> shift;
			if (areas)
				areas[n] = (struct map_area) {
					.start = all->v[i].iova, .first_cell = first_cell,
				};
			n++;
		}
		last_cell = last >> shift;
		if (areas) {
			areas[n - 1].last = last;
			areas[n - 1].n_cells = last_cell - first_cell + 1;
			areas[n - 1].mappings++;
		}
	}
	*n_areas = n;
	return lines + (n ? (last_cell - first_cell) / columns + 2 : 0);
}

/* Which part of a mapping lies in which cell. */
static void note_mapped(struct map *map, const struct mappings *all)
{
	struct map_area *area = map->areas;
	size_t i;

	for (i = 0; i < all->n; i++) {
		uint64_t at = all->v[i].iova, last = at + (all->v[i].size - 1);

		while (at > area->last)
			area++;
		for (;;) {
			uint64_t end = at | ((1ull << map->shift) - 1);
			uint64_t cell = (at >> map->shift) - area->first_cell;

			if (end > last)
				end = last;
			area->cells[cell].mapped += ((end - at) >> PAGE_SHIFT) + 1;
			if (end == last)
				break;
			at = end + 1;
		}
		area->sum.mapped += all->v[i].size >> PAGE_SHIFT;
		map->sum.mapped += all->v[i].size >> PAGE_SHIFT;
	}
}

int map_lay_out(struct map *map, const struct mappings *mappings, unsigned int shift,
		uint64_t lines, uint64_t columns)
{
	uint64_t i;

	*map = (struct map) { .shift = shift, .mappings = mappings->n };
	if (!shift) {
		map->shift = PAGE_SHIFT;
		while (lay_out(NULL, &map->n_areas, mappings, map->shift, columns) > lines &&
		       map->shift < MOST_SHIFT)
			map->shift++;
	}
	if (lay_out(NULL, &map->n_areas, mappings, map->shift, columns) > MOST_CELLS / columns) {
		complain("%llu bytes are too few for a cell: the map would be too large; make "
			 "cells larger (--cell)",
			 1ull << map->shift);
		return -1;
	}
	map->areas = calloc(map->n_areas + 1, sizeof(*map->areas));
	if (!map->areas)
		die_no_memory();
	lay_out(map->areas, &map->n_areas, mappings, map->shift, columns);
	for (i = 0; i < map->n_areas; i++) {
		map->areas[i].cells = calloc(map->areas[i].n_cells, sizeof(struct map_cell));
		if (!map->areas[i].cells)
			die_no_memory();
	}
	note_mapped(map, mappings);
	return 0;
}

void map_free(struct map *map)
{
	uint64_t i;

	for (i = 0; i < map->n_areas; i++)
		free(map->areas[i].cells);
	free(map->areas);
	*map = (struct map) { 0 };
}

uint64_t map_lines(const struct map *map, uint64_t columns)
{
	uint64_t i, lines = 0;

	for (i = 0; i < map->n_areas; i++)
		lines += (map->areas[i].n_cells - 1) / columns + 2;
	return lines;
}

static enum map_kind page_kind(unsigned char page)
{
	if (page & VFIO_IOPF_PAGE_PINNED)
		return MAP_PINNED;
	if (page & VFIO_IOPF_PAGE_DIRTY)
		return MAP_DIRTY;
	if (page & VFIO_IOPF_PAGE_HUGE)
		return MAP_HUGE;
	return page & VFIO_IOPF_PAGE_YOUNG ? MAP_HOT : MAP_COLD;
}

static void add_page(struct map_cell *cell, unsigned char page)
{
	int i;

	for (i = 0; i < MAP_ATTRIBUTES; i++)
		cell->attribute[i] += !!(page & attribute_bits[i]);
	if (page & VFIO_IOPF_PAGE_RESIDENT)
		cell->kind[page_kind(page)]++;
}

/* @n pages from @iova on, all in one area. Returns how many are resident. */
static uint64_t add_pages(struct map *map, struct map_area *area, uint64_t iova,
			  const unsigned char *pages, uint64_t n)
{
	uint64_t i, resident = 0;

	for (i = 0; i < n; i++) {
		uint64_t cell = ((iova + (i << PAGE_SHIFT)) >> map->shift) - area->first_cell;

		if (!pages[i])
			continue;
		add_page(&area->cells[cell], pages[i]);
		add_page(&area->sum, pages[i]);
		add_page(&map->sum, pages[i]);
		resident += pages[i] & VFIO_IOPF_PAGE_RESIDENT;
	}
	return resident;
}

/* Returns 0, or -errno. */
static int fill_mapping(struct map *map, struct map_area *area,
			const struct vfio_iopf_mapping *mapping, unsigned char *buf,
			struct viopf_container *c)
{
	uint64_t pages = mapping->size >> PAGE_SHIFT, done = 0, seen = 0;

	while (done < pages && seen < mapping->resident_pages) {
		uint64_t n = pages - done < CHUNK_PAGES ? pages - done : CHUNK_PAGES;
		uint64_t iova = mapping->iova + (done << PAGE_SHIFT);
		int err = viopf_residency(c, iova, n << PAGE_SHIFT, buf);

		if (err)
			return err;
		seen += add_pages(map, area, iova, buf, n);
		done += n;
	}
	return 0;
}

int map_fill(struct map *map, const struct mappings *mappings, struct viopf_container *c)
{
	unsigned char *buf = malloc(CHUNK_PAGES);
	struct map_area *area = map->areas;
	int err = 0;
	size_t i;

	if (!buf)
		die_no_memory();
	for (i = 0; i < mappings->n && !err; i++) {
		while (mappings->v[i].iova > area->last)
			area++;
		err = fill_mapping(map, area, &mappings->v[i], buf, c);
		if (err == -ENOENT)
			err = 0;	/* unmapped since */
	}
	free(buf);
	if (err)
		complain("%s", viopf_error());
	return err ? -1 : 0;
}

enum map_kind map_cell_kind(const struct map_cell *cell)
{
	enum map_kind kind = 0;
	int i;

	for (i = 1; i < MAP_KINDS; i++) {
		if (cell->kind[i] > cell->kind[kind])
			kind = i;
	}
	return kind;
}

double map_share(const struct map_cell *cell, enum map_attribute attribute)
{
	return cell->mapped ? (double)cell->attribute[attribute] / (double)cell->mapped : 0;
}
