/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Page request groups: queued, parted with, answered. See answer.c.
 */
#ifndef VIOPF_ANSWER_H
#define VIOPF_ANSWER_H

#include "fault/worker.h"
#include "object/domain.h"

void viopf_answer_send(struct viopf_container *container,
		       struct iopf_group *group,
			      enum iommu_page_response_code code);
void viopf_answer(struct viopf_container *container, struct iopf_group *group,
		  enum iommu_page_response_code code);
void viopf_answer_list(struct viopf_container *container,
		       struct list_head *groups,
		       enum iommu_page_response_code code);
bool viopf_worker_is_needed(const struct viopf_container *container);
void viopf_spawn_if_needed(struct viopf_container *container);
void viopf_faults_queue(struct viopf_container *container,
			struct iopf_group *group);
struct iopf_group *viopf_worker_give_up(struct viopf_worker *worker);
int viopf_fault_need(const struct iommu_fault_page_request *request);

static inline struct viopf_group *viopf_group_of(struct iopf_group *group)
{
	return container_of(group->attach_handle, struct viopf_group, handle);
}

#endif /* VIOPF_ANSWER_H */
