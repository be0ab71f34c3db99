/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Making and ending workers: see crew.c. What they do is worker.c's.
 */
#ifndef VIOPF_CREW_H
#define VIOPF_CREW_H

#include <linux/jiffies.h>

struct viopf_container;
struct viopf_worker;
struct work_struct;

#define VIOPF_WORKER_REST	(5 * HZ)

void viopf_spawn_if_needed(struct viopf_container *container);
void viopf_spawn_work(struct work_struct *work);
int viopf_worker_create(struct viopf_container *container);
void viopf_worker_destroy(struct viopf_worker *worker);
void viopf_worker_rest(struct viopf_worker *worker);

/* worker.c */
int viopf_worker_main(void *data);

#endif /* VIOPF_CREW_H */
