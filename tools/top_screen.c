// SPDX-License-Identifier: GPL-2.0-only
/*
 * The full screen of iopf top, by ncurses: a line about all, a line of headings, and as
 * many rows as there is room for; the last line says which keys there are. Everything is
 * drawn anew each time, and ncurses sends the terminal what differs.
 *
 * Nothing may be printed while the screen is open: a complaint would be lost in it.
 */
#include <ncurses.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "iopf.h"
#include "output.h"
#include "top.h"

/* Lines that are no rows: about all, headings, keys. */
#define LINES_AROUND	3

enum { PAIR_BAD = 1, PAIR_DEVICE };

int top_screen_open(void)
{
	if (!newterm(NULL, stdout, stdin)) {
		complain("the terminal (TERM) can't show a full screen; printing lines (--lines)");
		return -1;
	}
	cbreak();
	noecho();
	nodelay(stdscr, TRUE);
	keypad(stdscr, TRUE);
	curs_set(0);
	if (has_colors()) {
		start_color();
		use_default_colors();
		init_pair(PAIR_BAD, COLOR_RED, -1);
		init_pair(PAIR_DEVICE, COLOR_CYAN, -1);
	}
	return 0;
}

void top_screen_close(void)
{
	if (!isendwin())
		endwin();
}

/* One line, cut where the screen ends. */
static void put_line(int y, attr_t attributes, const char *text)
{
	move(y, 0);
	clrtoeol();
	attrset(attributes);
	addnstr(text, COLS);
	attrset(A_NORMAL);
}

static void draw_summary(const struct top_rows *rows, const struct top_view *view)
{
	double faults = 0, resident = 0, mapped = 0;
	char r[AMOUNT_MAX], m[AMOUNT_MAX], f[AMOUNT_MAX], line[256], now[16];
	int i, containers = 0;
	time_t t = time(NULL);
	struct tm tm;

	for (i = 0; i < rows->n; i++) {
		if (rows->v[i].device)
			continue;
		containers++;
		faults += rows->v[i].v[TOP_FAULTS] > 0 ? rows->v[i].v[TOP_FAULTS] : 0;
		resident += rows->v[i].v[TOP_RESIDENT];
		mapped += rows->v[i].v[TOP_MAPPED];
	}
	strftime(now, sizeof(now), "%T", localtime_r(&t, &tm));
	snprintf(line, sizeof(line), "%s %d containers  %s faults/s  %s of %s resident  by %s%s",
		 now, containers, amount_count(f, (uint64_t)faults),
		 amount_bytes(r, (uint64_t)resident), amount_bytes(m, (uint64_t)mapped),
		 top_key_name(view->sort), view->reverse ? ", reversed" : "");
	put_line(0, A_NORMAL, line);
}

static void draw_headings(const bool *shown, int name_width, enum top_key sort)
{
	int key, x = name_width;

	put_line(1, A_REVERSE, "CONTAINER");
	for (; getcurx(stdscr) < COLS && getcury(stdscr) == 1;)
		addch(' ' | A_REVERSE);
	for (key = 0; key < TOP_KEYS; key++) {
		if (!shown[key])
			continue;
		attrset(A_REVERSE | (key == (int)sort ? A_BOLD : 0));
		mvprintw(1, x, " %*s", top_columns[key].width, top_columns[key].heading);
		x += top_columns[key].width + 1;
	}
	attrset(A_NORMAL);
}

static attr_t row_attributes(const struct top_row *row)
{
	const char *health = row->device ? row->device->health : row->container->health;

	if (strcmp(health, "ok"))
		return COLOR_PAIR(PAIR_BAD);
	return row->device ? COLOR_PAIR(PAIR_DEVICE) : A_BOLD;
}

static void draw_row(int y, const struct top_row *row, const bool *shown, int name_width)
{
	char text[160], cell[TOP_CELL];
	int key, x = name_width;

	top_row_name(text, sizeof(text), row);
	if (name_width < (int)sizeof(text))
		text[name_width] = '\0';
	put_line(y, row_attributes(row), text);
	for (key = 0; key < TOP_KEYS; key++) {
		if (!shown[key])
			continue;
		top_row_cell(cell, row, key);
		mvprintw(y, x, " %*s", top_columns[key].width, cell);
		x += top_columns[key].width + 1;
	}
}

/* Rows from view->first on; which is moved where it leaves the screen's end empty. */
static void draw_rows(const struct top_rows *rows, struct top_view *view, const bool *shown,
		      int name_width)
{
	int room = LINES - LINES_AROUND, n = 0, at = 0, i;

	for (i = 0; i < rows->n; i++)
		n += !(rows->v[i].device && view->hide_devices);
	if (view->first > n - room)
		view->first = n - room;
	if (view->first < 0)
		view->first = 0;
	for (i = 0; i < rows->n && at < view->first + room; i++) {
		if (rows->v[i].device && view->hide_devices)
			continue;
		if (at >= view->first)
			draw_row(at - view->first + 2, &rows->v[i], shown, name_width);
		at++;
	}
	if (!n)
		put_line(2, A_NORMAL, "no container is open");
}

void top_screen_draw(const struct top_rows *rows, struct top_view *view)
{
	bool shown[TOP_KEYS];
	int name_width = top_columns_fit(shown, COLS);

	erase();
	draw_summary(rows, view);
	draw_headings(shown, name_width, view->sort);
	draw_rows(rows, view, shown, name_width);
	put_line(LINES - 1, A_DIM, "q quit  s sort  r reverse  d devices  arrows scroll");
	refresh();
}

bool top_screen_key(struct top_view *view)
{
	int key = getch();

	switch (key) {
	case 'q':
		return true;
	case 's':
	case '>':
		view->sort = (view->sort + 1) % (TOP_KEYS + 1);
		break;
	case '<':
		view->sort = (view->sort + TOP_KEYS) % (TOP_KEYS + 1);
		break;
	case 'r':
		view->reverse = !view->reverse;
		break;
	case 'd':
		view->hide_devices = !view->hide_devices;
		break;
	case KEY_UP:
		view->first--;
		break;
	case KEY_DOWN:
		view->first++;
		break;
	case KEY_PPAGE:
		view->first -= LINES - LINES_AROUND;
		break;
	case KEY_NPAGE:
		view->first += LINES - LINES_AROUND;
		break;
	case KEY_HOME:
		view->first = 0;
		break;
	}
	return false;
}
