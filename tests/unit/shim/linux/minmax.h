/* SPDX-License-Identifier: GPL-2.0-only */
/* For the unit tests: the lesser and the greater. */
#ifndef SHIM_LINUX_MINMAX_H
#define SHIM_LINUX_MINMAX_H

#define min(x, y) ({				\
	__auto_type min_x = (x);		\
	__auto_type min_y = (y);		\
	min_x < min_y ? min_x : min_y; })

#define max(x, y) ({				\
	__auto_type max_x = (x);		\
	__auto_type max_y = (y);		\
	max_x > max_y ? max_x : max_y; })

#endif /* SHIM_LINUX_MINMAX_H */
