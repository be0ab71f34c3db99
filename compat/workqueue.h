/* SPDX-License-Identifier: GPL-2.0-only */
/* system_dfl_wq is system_unbound_wq in 6.12. */
#ifndef COMPAT_WORKQUEUE_H
#define COMPAT_WORKQUEUE_H

#include <linux/workqueue.h>

#ifndef HAVE_SYSTEM_DFL_WQ
#define system_dfl_wq system_unbound_wq
#endif

#endif /* COMPAT_WORKQUEUE_H */
