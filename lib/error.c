// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * The last failure in words, one string a thread. A call that fails says what
 * it was about to do and what the user can do about it; errno's own text comes
 * after it.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "internal.h"

static __thread char last_error[512];

int viopf_fail(int err, const char *fmt, ...)
{
	char why[64];
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(last_error, sizeof(last_error), fmt, args);
	va_end(args);
	if (len >= 0 && (size_t)len < sizeof(last_error)) {
		if (strerror_r(err, why, sizeof(why)))
			snprintf(why, sizeof(why), "error %d", err);
		snprintf(last_error + len, sizeof(last_error) - (size_t)len, ": %s", why);
	}
	return -err;
}

const char *viopf_error(void)
{
	return last_error;
}
