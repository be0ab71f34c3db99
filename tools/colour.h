/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Colours in what is printed line by line, as the terminal's description (terminfo) has
 * them. Apart from others, as <term.h> takes names like "lines" for itself.
 */
#ifndef IOPF_COLOUR_H
#define IOPF_COLOUR_H

#include <stdbool.h>

enum colour { COLOUR_RED, COLOUR_GREEN, COLOUR_YELLOW, COLOUR_BLUE, COLOUR_MAGENTA, COLOUR_CYAN };

/* May standard output have colours: where it is a terminal, and NO_COLOR isn't set. */
bool colour_is_wanted(void);

/* Can it; to be asked before the first. */
bool colour_is_there(void);
void colour_on(enum colour colour);
void colour_off(void);

#endif /* IOPF_COLOUR_H */
