/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who resolves page requests: the types. What a worker does is pool.c's and resolve.c's.
 */
#ifndef VIOPF_WORKER_H
#define VIOPF_WORKER_H

#include <linux/iommu.h>

#include "object/mapping.h"
#include "policy/window.h"

/**
 * struct viopf_fault_ctx - who has memory brought in and mapped
 * @container: in which container
 * @worker: it is a worker's context; otherwise that of a task in a system call,
 *	which any signal interrupts
 * @pfns: room for a window's snapshot
 *
 * Used by one thread at a time.
 */
struct viopf_fault_ctx {
	struct viopf_container	*container;
	bool			worker;
	unsigned long		pfns[VIOPF_WINDOW_MAX_PAGES];
};

/**
 * struct viopf_worker - a thread that resolves page requests
 * @container: whose it is
 * @task: the thread
 * @node: in container->workers
 * @group: what it works on, or NULL
 * @mapping: the mapping that its current request is in, or NULL
 * @mm: the mm that it keeps alive (mm_users), or NULL
 * @answered: @group has its answer, or somebody is sending it
 * @answering: somebody else is sending it at this moment
 * @aborted: it was told to give @group up
 * @suspended: and to queue it again, as a mapping's address is being updated
 * @retired: it has ended, for want of work, and counts no longer
 * @ctx: its context as a fault
 *
 * All but @ctx, which is the thread's own, by container->fault_lock.
 */
struct viopf_worker {
	struct viopf_container	*container;
	struct task_struct	*task;
	struct list_head	node;
	struct iopf_group	*group;
	struct viopf_mapping	*mapping;
	struct mm_struct	*mm;
	bool			answered;
	bool			answering;
	bool			aborted;
	bool			suspended;
	bool			retired;
	struct viopf_fault_ctx	ctx;
};

#endif /* VIOPF_WORKER_H */
