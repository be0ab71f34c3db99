/* SPDX-License-Identifier: GPL-2.0-only */
/* For the unit tests: a warning is counted, for the test to look at. */
#ifndef SHIM_LINUX_BUG_H
#define SHIM_LINUX_BUG_H

#include <linux/types.h>

bool shim_warn(bool condition, const char *what, const char *file, int line);

#define WARN_ON_ONCE(condition) \
	shim_warn(!!(condition), #condition, __FILE__, __LINE__)

#endif /* SHIM_LINUX_BUG_H */
