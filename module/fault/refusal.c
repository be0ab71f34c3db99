// SPDX-License-Identifier: GPL-2.0-only
/*
 * Refusals: INVALID, to a device that goes on asking for what it can't have.
 *
 * Each request costs a CPU some microseconds, and all devices behind an IOMMU ask by one
 * queue, in order. A device that takes INVALID for no answer, whose queues ask again at
 * once, would have it to itself. So of a group's devices VIOPF_REFUSALS_AT_ONCE requests
 * are refused at once in each VIOPF_REFUSAL_INTERVAL; what comes on top of that waits, as
 * waiting.c says, and is refused when the interval is over. A device has only so many
 * requests outstanding, which bounds how many there can be. Nobody else's answer waits.
 *
 *   worker                                 refusal_work, UNMAP_DMA, detach, failure
 *   ------------------------------------   ----------------------------------------
 *   finds that it can't be had
 *                                          detach: claims it (answered), answers
 *   fault_lock: answered: somebody has
 *     seen to it, its viopf_group may be
 *     freed; else the group is put into
 *     refused; queue refusal_work
 *                                          fault_lock: take what is refused
 *                                          answer INVALID (FAILURE, if it failed)
 */
#include "compat/workqueue.h"
#include "fault/internal.h"

#define VIOPF_REFUSALS_AT_ONCE	16
#define VIOPF_REFUSAL_INTERVAL	(HZ / 10)

/* One more. True if they have been too many. */
static bool viopf_refusal_count(struct viopf_group *vgroup)
{
	lockdep_assert_held(&vgroup->container->fault_lock);

	if (time_after_eq(jiffies, vgroup->refusals_end)) {
		vgroup->refusals_end = jiffies + VIOPF_REFUSAL_INTERVAL;
		vgroup->refusals = 0;
	}
	return vgroup->refusals++ >= VIOPF_REFUSALS_AT_ONCE;
}

/**
 * viopf_refuse() - a worker's group is to be answered INVALID
 * @worker: the calling thread; has its group still if it is to answer now
 */
void viopf_refuse(struct viopf_worker *worker)
{
	struct viopf_container *container = worker->container;
	struct iopf_group *group = worker->group;
	bool later;

	spin_lock(&container->fault_lock);
	later = group && !worker->answered &&
		viopf_refusal_count(viopf_group_of(group)) &&
		viopf_waiting_add(worker, &container->refused) == -EINPROGRESS;
	if (later) {
		viopf_arrival_refused(container, group);
		queue_delayed_work(system_dfl_wq, &container->refusal_work,
				   VIOPF_REFUSAL_INTERVAL);
	}
	spin_unlock(&container->fault_lock);

	if (later)
		pr_info_ratelimited("container %lu: a device goes on asking for what it can't have; it is answered later\n",
				    container->iommu.id);
}

/**
 * viopf_refusal_work() - the interval is over
 * @work: the container's refusal_work
 */
void viopf_refusal_work(struct work_struct *work)
{
	struct viopf_container *container =
		container_of(to_delayed_work(work), struct viopf_container,
			     refusal_work);
	struct viopf_cancel all = { };
	LIST_HEAD(groups);

	spin_lock(&container->fault_lock);
	viopf_waiting_take_from(container, &container->refused, &all, &groups);
	spin_unlock(&container->fault_lock);
	viopf_answer_list(container, &groups, IOMMU_PAGE_RESP_INVALID, VIOPF_BY_REFUSAL);
}
