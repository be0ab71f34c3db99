// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page requests: the queue, and who gives which answer.
 *
 * DOC: each page request group gets one answer
 *
 * The handler takes a group over from the iommu core (handler.c). From then on it is
 * counted as pending in its viopf_group until its answer is out. The handler answers
 * what it can at once and queues the rest. Then it is answered by whoever claims it
 * first, under fault_lock:
 *  - the worker that resolved it;
 *  - UNMAP_DMA, if a worker is at it in the mapping that goes (INVALID);
 *  - detach, after the iommu core has stopped new ones (INVALID).
 * A worker may also part with it without an answer: then it waits for user space, or to
 * be refused (waiting.c), and comes back to the queue or is answered from there.
 * The answer itself is sent with no lock held, since the IOMMU driver may sleep.
 * Only the worker, or whoever takes a group off the queue, frees it.
 *
 *   worker                                 UNMAP_DMA or detach
 *   ------------------------------------   -----------------------------------
 *   blocked in the mm, holding the
 *   mapping, its mm and the group
 *                                          fault_lock: answered = answering =
 *                                            true; aborted, SIGKILL to worker
 *                                          send the answer
 *                                          fault_lock: answering = false
 *                                          go on, without waiting
 *   wakes with -EINTR; or maps, and
 *   finds the segment dead
 *   fault_lock: answered already
 *   wait until !answering, free the group
 *
 * Detach waits until the groups of its viopf_group that it could not claim, for
 * which an answer is on its way, are out: that takes as long as the IOMMU driver
 * takes for an answer.
 *
 * What UNMAP_DMA and detach do is cancel.c's.
 */
#include "compat/workqueue.h"
#include "fault/internal.h"

/**
 * viopf_answer_send() - send the answer for a group that the caller has claimed
 * @container: whose it is; may be gone when this returns
 * @group: to be freed by the caller, or by the worker that has it
 * @code: the answer
 * @by: who the caller is
 */
void viopf_answer_send(struct viopf_container *container,
		       struct iopf_group *group,
		       enum iommu_page_response_code code, enum viopf_by by)
{
	struct viopf_group *vgroup = viopf_group_of(group);

	viopf_arrival_answered(container, group, code, by);
	iopf_group_response(group, code);

	/* Detach may free vgroup and container as soon as the lock is free. */
	spin_lock(&container->fault_lock);
	container->faults_pending--;
	vgroup->faults_pending--;
	wake_up_all(&container->answer_wait);
	spin_unlock(&container->fault_lock);
}

/**
 * viopf_answer() - answer and free a group
 * @container: whose it is; may be gone when this returns
 * @group: taken off the queue or from where it waited
 * @code: the answer
 * @by: who the caller is
 */
void viopf_answer(struct viopf_container *container, struct iopf_group *group,
		  enum iommu_page_response_code code, enum viopf_by by)
{
	viopf_answer_send(container, group, code, by);
	iopf_free_group(group);
}

/**
 * viopf_answer_list() - the same for several
 * @container: whose they are; may be gone when this returns, unless there are none
 * @groups: them; may be empty
 * @code: the answer
 * @by: who the caller is
 */
void viopf_answer_list(struct viopf_container *container,
		       struct list_head *groups,
		       enum iommu_page_response_code code, enum viopf_by by)
{
	struct iopf_group *group, *next;

	list_for_each_entry_safe(group, next, groups, node) {
		list_del(&group->node);
		viopf_answer(container, group, code, by);
		cond_resched();
	}
}

/**
 * viopf_worker_is_needed() - is there nobody to take the next group?
 * @container: with fault_lock held
 *
 * Return: whether one more worker is to be made.
 */
bool viopf_worker_is_needed(const struct viopf_container *container)
{
	return !container->workers_idle && !container->closing &&
	       container->workers_total < viopf_max_workers();
}

/**
 * viopf_spawn_if_needed() - have another worker made, if none is free
 * @container: with fault_lock held
 */
void viopf_spawn_if_needed(struct viopf_container *container)
{
	lockdep_assert_held(&container->fault_lock);

	if (viopf_worker_is_needed(container))
		queue_work(system_dfl_wq, &container->spawn_work);
}

/**
 * viopf_faults_queue() - have a worker resolve a group
 * @container: with fault_lock held
 * @group: may be answered, and the container gone, once the lock is free
 */
void viopf_faults_queue(struct viopf_container *container,
			struct iopf_group *group)
{
	lockdep_assert_held(&container->fault_lock);

	list_add_tail(&group->node, &container->fault_queue);
	container->faults_queued += group->fault_count;
	viopf_spawn_if_needed(container);
	wake_up(&container->fault_wait);
}

/**
 * viopf_worker_give_up() - a worker parts with its group, without an answer
 * @worker: the calling thread, with fault_lock held
 *
 * Return: the group, to be put where somebody will see to its answer; NULL: somebody
 * does already.
 */
struct iopf_group *viopf_worker_give_up(struct viopf_worker *worker)
{
	struct iopf_group *group = worker->group;

	lockdep_assert_held(&worker->container->fault_lock);

	if (worker->answered)
		return NULL;
	worker->group = NULL;
	return group;
}

/**
 * viopf_fault_need() - what a request wants to do with its page
 * @request: the request
 *
 * A request that asks for no permission gets reading, as does one that wants to
 * execute: a mapping does not tell the two apart.
 *
 * Return: IOMMU_READ, IOMMU_WRITE or both.
 */
int viopf_fault_need(const struct iommu_fault_page_request *request)
{
	if (!(request->perm & IOMMU_FAULT_PERM_WRITE))
		return IOMMU_READ;
	return IOMMU_WRITE |
	       (request->perm & IOMMU_FAULT_PERM_READ ? IOMMU_READ : 0);
}
