/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Keep a task in its cgroups for a moment.
 *
 * A reference on a task does not do that: an exiting task leaves them, and then they may
 * be removed. But on its way there it passes futex_cleanup_begin() in kernel/futex/core.c,
 * early in do_exit() and with nothing of the mm's or the cgroups' held. There it takes its
 * own futex.exit_mutex, which is for others to wait for an exiting task
 * (wait_for_owner_exiting()). Whoever holds that mutex, and finds that the task has not
 * been there yet, has it in its cgroups, whichever they are, until the unlock. A task that
 * calls exec passes there too, and leaves nothing.
 *
 * The exiting task may be in a page fault while it holds the mutex, which may last: so
 * this can be killed.
 */
#ifndef VIOPF_COMPAT_TASK_ALIVE_H
#define VIOPF_COMPAT_TASK_ALIVE_H

#include <linux/futex.h>
#include <linux/mutex.h>
#include <linux/sched.h>

/* In 6.12 they have no structure of their own. */
#ifdef HAVE_FUTEX_SCHED_DATA
#define compat_exit_mutex	futex.exit_mutex
#define compat_futex_state	futex.state
#else
#define compat_exit_mutex	futex_exit_mutex
#define compat_futex_state	futex_state
#endif

/* False: it is exiting, or we were killed. True: it can't exit before viopf_task_let_exit(). */
static inline bool viopf_task_keep_alive(struct task_struct *task)
{
	if (mutex_lock_killable(&task->compat_exit_mutex))
		return false;
	if (task->compat_futex_state == FUTEX_STATE_OK)
		return true;
	mutex_unlock(&task->compat_exit_mutex);
	return false;
}

static inline void viopf_task_let_exit(struct task_struct *task)
{
	mutex_unlock(&task->compat_exit_mutex);
}

#endif /* VIOPF_COMPAT_TASK_ALIVE_H */
