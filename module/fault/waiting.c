// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page request groups that wait for user space: for a decision (forward.c), or
 * for a mapping's new address (change/vaddr.c); or to be refused (refusal.c).
 *
 * They wait in lists of the container, and hold nothing: no worker, no reference,
 * no lock. Each is still counted as pending in its viopf_group, so detach knows of
 * it. All lists, and each step of a group from one to another, to the queue or to
 * a worker, are guarded by fault_lock, so that whoever looks for groups under one
 * hold of it misses none:
 *
 *   queue --> worker --> unread --> undecided --> queue, approved
 *                    |-> parked -----------------> queue
 *                    \-> refused
 *
 * DOC: a group that is about to wait, against who would answer it
 *
 *   worker                                 UNMAP_DMA, detach, failure
 *   ------------------------------------   -----------------------------------
 *   has found the mapping
 *                                          fault_lock: dead or failed is set;
 *                                            detach: its group is claimed; take
 *                                            what waits
 *                                          answer that
 *   fault_lock: sees what is set, keeps
 *     the group and answers it
 *
 * Had the worker come first, its group would have been among what waits. Where a
 * group is taken off a list, whoever took it answers it.
 *
 * At most so many requests wait in a container as may be queued in it (max_faults). What
 * comes on top of that is answered FAILURE, as a flood of page requests is. So whoever
 * walks these lists, with a spinlock held, looks at no more than that.
 */
#include "fault/internal.h"

/**
 * viopf_request_touches() - does a group ask for something in a mapping?
 * @group: the group
 * @mapping: the mapping
 *
 * Return: whether it does.
 */
bool viopf_request_touches(const struct iopf_group *group,
			   const struct viopf_mapping *mapping)
{
	struct iopf_fault *fault;

	list_for_each_entry(fault, &group->faults, list)
		if (fault->fault.prm.addr >= mapping->node.start &&
		    fault->fault.prm.addr <= mapping->node.last)
			return true;
	return false;
}

/**
 * viopf_waiting_del() - a group waits no more
 * @container: with fault_lock held
 * @group: in one of its lists of such groups; the caller sees to its answer
 */
void viopf_waiting_del(struct viopf_container *container,
		       struct iopf_group *group)
{
	lockdep_assert_held(&container->fault_lock);

	list_del(&group->node);
	container->faults_held -= group->fault_count;
	viopf_count(&container->iommu, faults_waiting, -1);
}

/**
 * viopf_waiting_take_from() - take groups off one list
 * @container: with fault_lock held
 * @from: one of its lists of groups that wait
 * @cancel: which of them
 * @to: where to put them; the caller answers or queues them
 */
void viopf_waiting_take_from(struct viopf_container *container,
			     struct list_head *from,
			     const struct viopf_cancel *cancel,
			     struct list_head *to)
{
	struct iopf_group *group, *next;

	lockdep_assert_held(&container->fault_lock);

	list_for_each_entry_safe(group, next, from, node) {
		if ((cancel->vgroup && viopf_group_of(group) != cancel->vgroup) ||
		    (cancel->mapping &&
		     !viopf_request_touches(group, cancel->mapping)))
			continue;
		viopf_waiting_del(container, group);
		list_add_tail(&group->node, to);
	}
}

/**
 * viopf_waiting_init() - nothing waits
 * @container: being made
 */
void viopf_waiting_init(struct viopf_container *container)
{
	unsigned int i;

	INIT_LIST_HEAD(&container->parked);
	INIT_LIST_HEAD(&container->refused);
	INIT_LIST_HEAD(&container->unread);
	for (i = 0; i < VIOPF_UNDECIDED_LISTS; i++)
		INIT_LIST_HEAD(&container->undecided[i]);
}

/**
 * viopf_waiting_take_handed() - take groups that wait for a decision
 * @container: with fault_lock held
 * @cancel: which of them
 * @to: where to put them; the caller answers or queues them
 */
void viopf_waiting_take_handed(struct viopf_container *container,
			       const struct viopf_cancel *cancel,
			       struct list_head *to)
{
	unsigned int i;

	lockdep_assert_held(&container->fault_lock);

	viopf_waiting_take_from(container, &container->unread, cancel, to);
	for (i = 0; i < VIOPF_UNDECIDED_LISTS; i++)
		viopf_waiting_take_from(container, &container->undecided[i],
					cancel, to);
}

/**
 * viopf_waiting_take() - take groups that wait, whatever for
 * @container: with fault_lock held
 * @cancel: which of them
 * @to: where to put them; the caller answers or queues them
 */
void viopf_waiting_take(struct viopf_container *container,
			const struct viopf_cancel *cancel, struct list_head *to)
{
	viopf_waiting_take_from(container, &container->parked, cancel, to);
	viopf_waiting_take_from(container, &container->refused, cancel, to);
	viopf_waiting_take_handed(container, cancel, to);
}

/**
 * viopf_waiting_add() - a worker's group is to wait
 * @worker: the calling thread, with fault_lock held
 * @list: one of the container's lists of such groups
 *
 * Return: -EINPROGRESS: it waits, and is the worker's no more: it may be answered
 * and freed as soon as the lock is free; -EINTR: somebody else answers it;
 * -EIO: the container failed, or too many wait.
 */
int viopf_waiting_add(struct viopf_worker *worker, struct list_head *list)
{
	struct viopf_container *container = worker->container;
	struct iopf_group *group;

	lockdep_assert_held(&container->fault_lock);

	if (viopf_container_failed(container))
		return -EIO;
	if (container->faults_held >= viopf_max_faults()) {
		if (!worker->answered)
			viopf_arrival_flooded(container, worker->group);
		return -EIO;
	}
	group = viopf_worker_give_up(worker);
	if (!group)
		return -EINTR;
	list_add_tail(&group->node, list);
	container->faults_held += group->fault_count;
	viopf_count(&container->iommu, faults_waiting, 1);
	return -EINPROGRESS;
}

/**
 * viopf_waiting_fail() - answer all that waits in a failed container
 * @container: failed, so that nothing begins to wait any more
 */
void viopf_waiting_fail(struct viopf_container *container)
{
	struct viopf_cancel all = { };
	LIST_HEAD(groups);

	spin_lock(&container->fault_lock);
	viopf_waiting_take(container, &all, &groups);
	spin_unlock(&container->fault_lock);
	viopf_answer_list(container, &groups, IOMMU_PAGE_RESP_FAILURE, VIOPF_BY_FAIL);
}

/**
 * viopf_vaddr_wait() - is a group to wait for a mapping's new address?
 * @worker: the calling thread, not in a mapping
 * @mapping: where its group asks for something, held
 * @ret: why that could not be had
 *
 * Return: -EINPROGRESS: it waits, or is queued again, and is not the worker's any
 * more; -EINTR, -EIO: as viopf_waiting_add(); else @ret.
 */
int viopf_vaddr_wait(struct viopf_worker *worker, struct viopf_mapping *mapping,
		     int ret)
{
	struct viopf_container *container = worker->container;
	struct iopf_group *group;

	spin_lock(&container->fault_lock);
	if (mapping->superseded || worker->suspended) {
		group = viopf_worker_give_up(worker);
		ret = group ? -EINPROGRESS : -EINTR;
		if (group)
			viopf_faults_queue(container, group);
	} else if (mapping->vaddr_invalid) {
		ret = viopf_waiting_add(worker, &container->parked);
	}
	spin_unlock(&container->fault_lock);
	return ret;
}
