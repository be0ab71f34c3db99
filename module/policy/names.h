/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Names of devices, separated by commas: see names.c.
 */
#ifndef VIOPF_NAMES_H
#define VIOPF_NAMES_H

#include <linux/types.h>

bool viopf_names_valid(const char *names);
bool viopf_names_have(const char *names, const char *name);

#endif /* VIOPF_NAMES_H */
