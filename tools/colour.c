// SPDX-License-Identifier: GPL-2.0-only
/*
 * Colours by terminfo; see colour.h.
 */
#include <curses.h>
#include <stdlib.h>
#include <term.h>
#include <unistd.h>

#include "colour.h"

static const short numbers[] = {
	[COLOUR_RED] = COLOR_RED, [COLOUR_GREEN] = COLOR_GREEN, [COLOUR_YELLOW] = COLOR_YELLOW,
	[COLOUR_BLUE] = COLOR_BLUE, [COLOUR_MAGENTA] = COLOR_MAGENTA, [COLOUR_CYAN] = COLOR_CYAN,
};

static const char *set, *reset;

bool colour_is_wanted(void)
{
	const char *no_color = getenv("NO_COLOR");

	return isatty(STDOUT_FILENO) && !(no_color && *no_color);
}

static const char *capability(const char *name)
{
	const char *text = tigetstr(name);

	return text == (const char *)-1 ? NULL : text;
}

bool colour_is_there(void)
{
	int error;

	if (setupterm(NULL, STDOUT_FILENO, &error) != OK)
		return false;
	set = capability("setaf");
	reset = capability("op");
	return set && reset;
}

void colour_on(enum colour colour)
{
	putp(tparm(set, (long)numbers[colour], 0L, 0L, 0L, 0L, 0L, 0L, 0L, 0L));
}

void colour_off(void)
{
	putp(reset);
}
