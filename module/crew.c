// SPDX-License-Identifier: GPL-2.0-only
/*
 * The crew: how many workers a container has.
 *
 * One is made at open. Whenever the last idle one takes a group, one more is made, up to
 * the module parameter max_workers; by a work item, as the thread is busy. One that has
 * had nothing to do for VIOPF_WORKER_REST ends, unless it is the last idle one; that one
 * goes back to the root cgroups (owner.c): those that it is in could not be removed.
 *
 * What a worker works with is charged to whoever opened the container, but for its stack:
 * kthreadd makes that, and nobody can be charged for it. So it should not stay.
 *
 * A worker that ends is counted no longer, and stays in the list until spawn_work, or the
 * end of the container, has seen the end of its thread.
 */
#include <linux/kthread.h>
#include <linux/memcontrol.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "crew.h"
#include "owner.h"
#include "../compat/workqueue.h"
#include "viopf.h"

static bool viopf_worker_is_needed(const struct viopf_container *container)
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
 * viopf_worker_rest() - there has been nothing to do for VIOPF_WORKER_REST
 * @worker: the calling thread; is to end if it is @retired on return
 *
 * Were it woken by now for what is in the queue, nobody else would be: so it looks once
 * more.
 */
void viopf_worker_rest(struct viopf_worker *worker)
{
	struct viopf_container *container = worker->container;
	bool idle;

	spin_lock(&container->fault_lock);
	idle = list_empty(&container->fault_queue);
	if (idle && container->workers_idle > 1 && !container->closing) {
		worker->retired = true;
		container->workers_idle--;
		container->workers_total--;
		queue_work(system_dfl_wq, &container->spawn_work);
	}
	spin_unlock(&container->fault_lock);

	if (idle && !worker->retired)
		viopf_owner_leave();
}

/**
 * viopf_worker_create() - one more worker
 * @container: for which
 *
 * Return: 0 or -errno.
 */
int viopf_worker_create(struct viopf_container *container)
{
	struct viopf_worker *worker;
	struct mem_cgroup *old;

	/* Nobody has to be killed for one more. */
	old = set_active_memcg(container->memcg);
	worker = kvzalloc(sizeof(*worker), GFP_KERNEL_ACCOUNT |
			  __GFP_RETRY_MAYFAIL | __GFP_NOWARN);
	set_active_memcg(old);
	if (!worker)
		return -ENOMEM;
	worker->container = container;
	worker->ctx.container = container;
	worker->ctx.worker = true;
	worker->task = kthread_create(viopf_worker_main, worker, "viopf/%lu",
				      container->id);
	if (IS_ERR(worker->task)) {
		int ret = PTR_ERR(worker->task);

		kvfree(worker);
		return ret;
	}

	get_task_struct(worker->task);
	spin_lock(&container->fault_lock);
	list_add_tail(&worker->node, &container->workers);
	container->workers_total++;
	container->workers_idle++;
	spin_unlock(&container->fault_lock);
	wake_up_process(worker->task);
	return 0;
}

/**
 * viopf_worker_destroy() - wait for a worker's end, and free it
 * @worker: one that has retired, or any when the container goes
 */
void viopf_worker_destroy(struct viopf_worker *worker)
{
	struct viopf_container *container = worker->container;

	kthread_stop_put(worker->task);
	/* watch_work may be at the list; it can end only after the workers. */
	spin_lock(&container->fault_lock);
	list_del(&worker->node);
	spin_unlock(&container->fault_lock);
	kvfree(worker);
}

static struct viopf_worker *
viopf_worker_find_retired(struct viopf_container *container)
{
	struct viopf_worker *worker, *found = NULL;

	spin_lock(&container->fault_lock);
	list_for_each_entry(worker, &container->workers, node) {
		if (worker->retired) {
			found = worker;
			break;
		}
	}
	spin_unlock(&container->fault_lock);
	return found;
}

/**
 * viopf_spawn_work() - make a worker that is needed; free those that have ended
 * @work: the container's spawn_work
 *
 * If memory is short, watch_work, or the next request, tries again.
 */
void viopf_spawn_work(struct work_struct *work)
{
	struct viopf_container *container =
		container_of(work, struct viopf_container, spawn_work);
	struct viopf_worker *worker;
	bool needed;

	spin_lock(&container->fault_lock);
	needed = viopf_worker_is_needed(container);
	spin_unlock(&container->fault_lock);
	if (needed)
		viopf_worker_create(container);
	while ((worker = viopf_worker_find_retired(container)))
		viopf_worker_destroy(worker);
}
