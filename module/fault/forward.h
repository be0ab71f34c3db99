/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Page requests that user space is asked about: see forward.c.
 */
#ifndef VIOPF_FORWARD_H
#define VIOPF_FORWARD_H

#include <linux/kref.h>

#include "fault/worker.h"

/* group->cookie of one that user space agreed to; below it are those that it reads. */
#define VIOPF_COOKIE_APPROVED	BIT(31)

/**
 * struct viopf_fault_fd - what a VFIO_IOPF_FAULT_FD stands for
 * @ref: the file's, and the container's as long as it points here
 * @lock: guards @container; taken outside its fault_lock
 * @container: NULL before it is attached, and once it is gone
 * @wait: readers
 */
struct viopf_fault_fd {
	struct kref		ref;
	spinlock_t		lock;	/* around fault_lock */
	struct viopf_container	*container;
	wait_queue_head_t	wait;
};

int viopf_forward(struct viopf_worker *worker,
		  struct viopf_mapping *mapping);
void viopf_forward_withdraw(const struct viopf_mapping *mapping);

#endif /* VIOPF_FORWARD_H */
