/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Is an mm without a task? mm->owner tells, where the kernel keeps it: exiting
 * tasks hand it on, and the last one clears it (mm_update_next_owner() in
 * kernel/exit.c). Without CONFIG_MEMCG only the count of users is left, which
 * workers of two containers stuck in one mm would keep up for each other.
 */
#ifndef VIOPF_COMPAT_MM_OWNER_H
#define VIOPF_COMPAT_MM_OWNER_H

#include <linux/mm_types.h>

static inline bool viopf_mm_is_orphan(struct mm_struct *mm)
{
#ifdef CONFIG_MEMCG
	return !rcu_access_pointer(mm->owner);
#else
	return atomic_read(&mm->mm_users) <= 1;
#endif
}

#endif /* VIOPF_COMPAT_MM_OWNER_H */
