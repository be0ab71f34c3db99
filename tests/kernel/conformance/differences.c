// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ways in which we are not like type1. Reasons are the numbered ones of
 * docs/type1.md; what is not here must not differ.
 */
#include "../lib/suite.h"
#include "transcript.h"

const struct difference differences[] = {
	{ "", "*locked", ON_FAULT_V2, "* kB locked", "0 kB locked", 1 },
};

const size_t nr_differences = ARRAY_SIZE(differences);
