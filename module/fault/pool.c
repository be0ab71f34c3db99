// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pool: a container's workers, the threads that resolve page requests.
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
 *
 * DOC: threads
 *
 * They are the container's own, so that a flood of requests in one container
 * starves no other. A thread that is blocked in the mm can be woken by SIGKILL, which only
 * the kernel may send it.
 *
 * A worker keeps the mm of its fault alive. If no task uses it any more, whoever
 * might have brought the page in may be gone too (a userfaultfd that nobody
 * serves): watch_work looks for that as long as workers are busy, and aborts.
 */
#include <linux/kthread.h>
#include <linux/memcontrol.h>
#include <linux/slab.h>

#include "compat/mm_owner.h"
#include "compat/workqueue.h"
#include "fault/internal.h"

#define VIOPF_WORKER_REST	(5 * HZ)
#define VIOPF_WATCH_INTERVAL	(HZ / 5)
#define VIOPF_ABORT_PATIENCE	(HZ / 2)

/*
 * There has been nothing to do for VIOPF_WORKER_REST: end, if @worker is @retired on return.
 * Were it woken by now for what is in the queue, nobody else would be: so it looks once
 * more.
 */
static void viopf_worker_rest(struct viopf_worker *worker)
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

/* Wait for a group, or until there has been none for a while. */
static void viopf_worker_wait(struct viopf_worker *worker)
{
	struct viopf_container *container = worker->container;
	long limit = MAX_SCHEDULE_TIMEOUT;

	/* A guess, without the lock: viopf_worker_rest() looks again. */
	if (data_race(container->workers_idle) > 1 || viopf_owner_is_joined())
		limit = VIOPF_WORKER_REST;
	if (!wait_event_idle_exclusive_timeout(container->fault_wait,
					       !list_empty(&container->fault_queue) ||
					       kthread_should_stop(), limit))
		viopf_worker_rest(worker);
}

/* Take a group, if there is one. False if the thread is to end. */
static bool viopf_worker_next(struct viopf_worker *worker)
{
	struct viopf_container *container = worker->container;

	viopf_worker_wait(worker);
	if (worker->retired || kthread_should_stop())
		return false;

	spin_lock(&container->fault_lock);
	worker->group = list_first_entry_or_null(&container->fault_queue,
						 struct iopf_group, node);
	if (worker->group) {
		list_del(&worker->group->node);
		container->faults_queued -= worker->group->fault_count;
		worker->answered = false;
		worker->ctx.id = viopf_arrival_of(worker->group)->id;
		container->workers_idle--;
		viopf_spawn_if_needed(container);
	}
	spin_unlock(&container->fault_lock);
	return true;
}

static enum iommu_page_response_code
viopf_worker_resolve(struct viopf_worker *worker)
{
	struct iopf_fault *fault;
	int ret = 0;

	list_for_each_entry(fault, &worker->group->faults, list) {
		ret = viopf_fault_resolve(worker, &fault->fault.prm);
		if (ret)
			break;
		cond_resched();
	}

	if (!ret)
		return IOMMU_PAGE_RESP_SUCCESS;
	return ret == -EIO ? IOMMU_PAGE_RESP_FAILURE : IOMMU_PAGE_RESP_INVALID;
}

/* Answer what the worker has, unless somebody has done that. */
static void viopf_worker_respond(struct viopf_worker *worker,
				 enum iommu_page_response_code code)
{
	struct viopf_container *container = worker->container;
	bool ours;

	spin_lock(&container->fault_lock);
	ours = !worker->answered;
	worker->answered = true;
	spin_unlock(&container->fault_lock);

	if (ours)
		viopf_answer_send(container, worker->group, code,
				  VIOPF_BY_WORKER);
	else
		/* Seen without the lock; before the group is freed that is taken once more. */
		wait_event(container->answer_wait,
			   !READ_ONCE(worker->answering));
}

/* Answer, unless the group waits somewhere, and be idle again. */
static void viopf_worker_finish(struct viopf_worker *worker,
				enum iommu_page_response_code code)
{
	struct viopf_container *container = worker->container;
	struct iopf_group *group = worker->group;

	if (group)
		viopf_worker_respond(worker, code);

	spin_lock(&container->fault_lock);
	if (worker->aborted) {
		worker->aborted = false;
		worker->suspended = false;
		flush_signals(current);
		viopf_count(&container->iommu, aborts, 1);
	}
	worker->group = NULL;
	container->workers_idle++;
	if (container->closing)
		wake_up_all(&container->answer_wait);
	spin_unlock(&container->fault_lock);

	if (group)
		iopf_free_group(group);
}

static int viopf_worker_main(void *data)
{
	struct viopf_worker *worker = data;
	struct viopf_container *container = worker->container;
	enum iommu_page_response_code code;

	allow_kernel_signal(SIGKILL);
	while (viopf_worker_next(worker)) {
		if (!worker->group)
			continue;
		queue_delayed_work(system_dfl_wq, &container->watch_work,
				   VIOPF_WATCH_INTERVAL);
		viopf_arrival_taken(container, worker->group);
		code = viopf_worker_resolve(worker);
		if (code == IOMMU_PAGE_RESP_INVALID)
			viopf_refuse(worker);
		viopf_worker_finish(worker, code);
	}
	return 0;
}

static void viopf_worker_free(struct viopf_worker *worker)
{
	kvfree(worker->ctx.pfns);
	kfree(worker);
}

/* Nobody has to be killed for one more. */
static struct viopf_worker *viopf_worker_alloc(struct viopf_container *container)
{
	gfp_t gfp = GFP_KERNEL_ACCOUNT | __GFP_RETRY_MAYFAIL | __GFP_NOWARN;
	struct mem_cgroup *old = set_active_memcg(container->memcg);
	struct viopf_worker *worker = kzalloc(sizeof(*worker), gfp);

	if (worker) {
		worker->ctx.pfns = viopf_fault_pfns_alloc(gfp);
		if (!worker->ctx.pfns) {
			kfree(worker);
			worker = NULL;
		}
	}
	set_active_memcg(old);
	return worker;
}

/* One more worker. */
static int viopf_worker_create(struct viopf_container *container)
{
	struct viopf_worker *worker = viopf_worker_alloc(container);

	if (!worker)
		return -ENOMEM;
	worker->container = container;
	worker->ctx.container = container;
	worker->ctx.worker = true;
	worker->task = kthread_create(viopf_worker_main, worker, "viopf/%lu",
				      container->iommu.id);
	if (IS_ERR(worker->task)) {
		int ret = PTR_ERR(worker->task);

		viopf_worker_free(worker);
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

/* Wait for the end of a worker that has retired, or of any when the container goes. */
static void viopf_worker_destroy(struct viopf_worker *worker)
{
	struct viopf_container *container = worker->container;

	kthread_stop_put(worker->task);
	/* watch_work may be at the list; it can end only after the workers. */
	spin_lock(&container->fault_lock);
	list_del(&worker->node);
	spin_unlock(&container->fault_lock);
	viopf_worker_free(worker);
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

/*
 * Make a worker that is needed; free those that have ended. If memory is short, watch_work,
 * or the next request, tries again.
 */
static void viopf_spawn_work(struct work_struct *work)
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

/* Abort faults into processes that nobody but our workers keeps. */
static void viopf_watch_work(struct work_struct *work)
{
	struct viopf_container *container =
		container_of(to_delayed_work(work), struct viopf_container,
			     watch_work);
	struct viopf_worker *worker;
	bool busy = false;

	spin_lock(&container->fault_lock);
	list_for_each_entry(worker, &container->workers, node) {
		if (!worker->mm)
			continue;
		busy = true;
		if (viopf_mm_is_orphan(worker->mm))
			viopf_worker_abort(worker);
	}
	busy &= !container->closing;
	if (container->faults_queued)
		viopf_spawn_if_needed(container);
	spin_unlock(&container->fault_lock);

	if (busy)
		queue_delayed_work(system_dfl_wq, &container->watch_work,
				   VIOPF_WATCH_INTERVAL);
}

/**
 * viopf_workers_start() - get ready for page requests
 * @container: being opened
 *
 * Return: 0 or -errno.
 */
int viopf_workers_start(struct viopf_container *container)
{
	int ret;

	spin_lock_init(&container->fault_lock);
	INIT_LIST_HEAD(&container->fault_queue);
	viopf_waiting_init(container);
	INIT_LIST_HEAD(&container->workers);
	init_waitqueue_head(&container->fault_wait);
	init_waitqueue_head(&container->answer_wait);
	INIT_WORK(&container->spawn_work, viopf_spawn_work);
	INIT_DELAYED_WORK(&container->watch_work, viopf_watch_work);
	INIT_DELAYED_WORK(&container->refusal_work, viopf_refusal_work);
	INIT_WORK(&container->flood_work, viopf_flood_work);

	container->memcg = get_mem_cgroup_from_mm(current->mm);
	ret = viopf_worker_create(container);
	if (ret)
		mem_cgroup_put(container->memcg);
	return ret;
}

static bool viopf_workers_are_idle(struct viopf_container *container)
{
	struct viopf_worker *worker;
	bool idle = true;

	spin_lock(&container->fault_lock);
	list_for_each_entry(worker, &container->workers, node)
		idle &= !worker->group;
	spin_unlock(&container->fault_lock);
	return idle;
}

/**
 * viopf_workers_abort() - have all threads give up what they do
 * @container: without groups and mappings, so that all is answered
 *
 * A thread that is blocked in the mm is woken, and does not take long then; unless it
 * waits for something that Linux waits for whatever happens. A file system that a process
 * serves is such (request_wait_answer() in fs/fuse/dev.c).
 *
 * Return: true if all of them did within VIOPF_ABORT_PATIENCE.
 */
bool viopf_workers_abort(struct viopf_container *container)
{
	struct viopf_worker *worker;

	spin_lock(&container->fault_lock);
	container->closing = true;
	list_for_each_entry(worker, &container->workers, node)
		if (worker->group)
			viopf_worker_abort(worker);
	spin_unlock(&container->fault_lock);
	return wait_event_timeout(container->answer_wait,
				  viopf_workers_are_idle(container),
				  VIOPF_ABORT_PATIENCE);
}

/**
 * viopf_workers_stop() - end all threads
 * @container: after viopf_workers_abort(); it may still take as long as that says
 */
void viopf_workers_stop(struct viopf_container *container)
{
	struct viopf_worker *worker, *next;

	cancel_work_sync(&container->spawn_work);
	list_for_each_entry_safe(worker, next, &container->workers, node)
		viopf_worker_destroy(worker);
	cancel_delayed_work_sync(&container->watch_work);
	cancel_delayed_work_sync(&container->refusal_work);
	cancel_work_sync(&container->flood_work);
	mem_cgroup_put(container->memcg);
	WARN_ON(container->faults_pending || !list_empty(&container->fault_queue));
}
