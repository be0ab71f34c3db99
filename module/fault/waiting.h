/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Page request groups that wait for something other than memory: see waiting.c.
 */
#ifndef VIOPF_WAITING_H
#define VIOPF_WAITING_H

#include "fault/worker.h"
#include "object/domain.h"

/* Which page requests are to be given up: all that match what is set. */
struct viopf_cancel {
	const struct viopf_mapping	*mapping;
	const struct viopf_group	*vgroup;
};

bool viopf_request_touches(const struct iopf_group *group,
			   const struct viopf_mapping *mapping);
void viopf_waiting_del(struct viopf_container *container,
		       struct iopf_group *group);
void viopf_waiting_take_from(struct viopf_container *container,
			     struct list_head *from,
			     const struct viopf_cancel *cancel,
			     struct list_head *to);
void viopf_waiting_init(struct viopf_container *container);
void viopf_waiting_take_handed(struct viopf_container *container,
			       const struct viopf_cancel *cancel,
			       struct list_head *to);
void viopf_waiting_take(struct viopf_container *container,
			const struct viopf_cancel *cancel, struct list_head *to);
int viopf_waiting_add(struct viopf_worker *worker, struct list_head *list);
void viopf_waiting_fail(struct viopf_container *container);
int viopf_vaddr_wait(struct viopf_worker *worker, struct viopf_mapping *mapping,
		     int ret);

#endif /* VIOPF_WAITING_H */
