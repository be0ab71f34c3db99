/* SPDX-License-Identifier: GPL-2.0-only */
/* For the unit tests: user space's own. */
#ifndef SHIM_LINUX_CTYPE_H
#define SHIM_LINUX_CTYPE_H

#include <ctype.h>

#endif /* SHIM_LINUX_CTYPE_H */
