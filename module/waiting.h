/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Page requests that wait for user space, or to be refused. Part of viopf.h, which
 * includes it.
 */
#ifndef VIOPF_WAITING_H
#define VIOPF_WAITING_H

/* Which page requests are to be given up: all that match what is set. */
struct viopf_cancel {
	const struct viopf_mapping	*mapping;
	const struct viopf_group	*vgroup;
};

/* waiting.c */
bool viopf_group_touches(const struct iopf_group *group,
			 const struct viopf_mapping *mapping);
void viopf_waiting_init(struct viopf_container *container);
void viopf_waiting_del(struct viopf_container *container,
		       struct iopf_group *group);
void viopf_waiting_take_handed(struct viopf_container *container,
			       const struct viopf_cancel *cancel,
			       struct list_head *to);
void viopf_waiting_take_from(struct viopf_container *container,
			     struct list_head *from,
			     const struct viopf_cancel *cancel,
			     struct list_head *to);
void viopf_waiting_take(struct viopf_container *container,
			const struct viopf_cancel *cancel,
			struct list_head *to);
int viopf_waiting_add(struct viopf_worker *worker, struct list_head *list);
void viopf_waiting_fail(struct viopf_container *container);

/* userfault.c */
int viopf_userfault_ask(struct viopf_worker *worker,
			struct viopf_mapping *mapping);
void viopf_userfault_withdraw(const struct viopf_mapping *mapping);
int viopf_userfault_open(struct viopf_container *container, void __user *arg);
void viopf_userfault_detach(struct viopf_container *container);

/* refusal.c */
void viopf_refuse(struct viopf_worker *worker);
void viopf_refusal_work(struct work_struct *work);

#endif /* VIOPF_WAITING_H */
