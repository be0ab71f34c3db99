/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Page requests given up, and the workers that are at them: see cancel.c.
 */
#ifndef VIOPF_CANCEL_H
#define VIOPF_CANCEL_H

#include "fault/worker.h"
#include "object/domain.h"

void viopf_worker_abort(struct viopf_worker *worker);
bool viopf_fault_aborted(struct viopf_fault_ctx *ctx);
bool viopf_worker_enter(struct viopf_worker *worker,
			struct viopf_mapping *mapping);
void viopf_worker_leave(struct viopf_worker *worker);
void viopf_faults_suspend(struct viopf_mapping *mapping);
void viopf_faults_cancel_mapping(struct viopf_mapping *mapping);
void viopf_faults_cancel_group(struct viopf_group *vgroup);

#endif /* VIOPF_CANCEL_H */
