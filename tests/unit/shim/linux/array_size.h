/* SPDX-License-Identifier: GPL-2.0-only */
/* For the unit tests: how many elements an array has. */
#ifndef SHIM_LINUX_ARRAY_SIZE_H
#define SHIM_LINUX_ARRAY_SIZE_H

#define ARRAY_SIZE(array)	(sizeof(array) / sizeof(*(array)))

#endif /* SHIM_LINUX_ARRAY_SIZE_H */
