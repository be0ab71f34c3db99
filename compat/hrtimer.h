/* SPDX-License-Identifier: GPL-2.0-only */
/* In 6.12 a timer is set up in two steps. */
#ifndef COMPAT_HRTIMER_H
#define COMPAT_HRTIMER_H

#include <linux/hrtimer.h>

#ifndef HAVE_HRTIMER_SETUP
static inline void hrtimer_setup(struct hrtimer *timer,
				 enum hrtimer_restart (*function)(struct hrtimer *),
				 clockid_t clock_id, enum hrtimer_mode mode)
{
	hrtimer_init(timer, clock_id, mode);
	timer->function = function;
}
#endif

#endif /* COMPAT_HRTIMER_H */
