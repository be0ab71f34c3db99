// SPDX-License-Identifier: GPL-2.0-only
/*
 * Workers: the queue of page requests, the threads that resolve them, and who
 * gives which answer.
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
 * DOC: threads
 *
 * They are the container's own, so that a flood of requests in one container
 * starves no other; how many there are is crew.c's. A thread that is blocked in the mm
 * can be woken by SIGKILL, which only the kernel may send it.
 *
 * A worker keeps the mm of its fault alive. If no task uses it any more, whoever
 * might have brought the page in may be gone too (a userfaultfd that nobody
 * serves): watch_work looks for that as long as workers are busy, and aborts.
 */
#include <linux/kthread.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>

#include "../compat/mm_owner.h"
#include "crew.h"
#include "owner.h"
#include "../compat/workqueue.h"
#include "viopf.h"

#define VIOPF_WATCH_INTERVAL	(HZ / 5)
#define VIOPF_ABORT_PATIENCE	(HZ / 2)

/* Send the answer. Whoever calls it has claimed the group. */
static void viopf_answer_send(struct viopf_container *container,
			      struct iopf_group *group,
			      enum iommu_page_response_code code)
{
	struct viopf_group *vgroup = viopf_group_of(group);

	switch (code) {
	case IOMMU_PAGE_RESP_SUCCESS:
		viopf_count(container, resp_success, 1);
		break;
	case IOMMU_PAGE_RESP_INVALID:
		viopf_count(container, resp_invalid, 1);
		break;
	default:
		viopf_count(container, resp_failure, 1);
	}
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
 */
void viopf_answer(struct viopf_container *container, struct iopf_group *group,
		  enum iommu_page_response_code code)
{
	viopf_answer_send(container, group, code);
	iopf_free_group(group);
}

/**
 * viopf_answer_list() - the same for several
 * @container: whose they are; may be gone when this returns, unless there are none
 * @groups: them; may be empty
 * @code: the answer
 */
void viopf_answer_list(struct viopf_container *container,
		       struct list_head *groups,
		       enum iommu_page_response_code code)
{
	struct iopf_group *group, *next;

	list_for_each_entry_safe(group, next, groups, node) {
		list_del(&group->node);
		viopf_answer(container, group, code);
	}
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

/* Wait for a group, or until there has been none for a while. */
static void viopf_worker_wait(struct viopf_worker *worker)
{
	struct viopf_container *container = worker->container;
	long limit = MAX_SCHEDULE_TIMEOUT;

	if (READ_ONCE(container->workers_idle) > 1 || viopf_owner_is_joined())
		limit = VIOPF_WORKER_REST;
	if (!wait_event_idle_exclusive_timeout(container->fault_wait,
					       !list_empty_careful(&container->fault_queue) ||
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
		viopf_answer_send(container, worker->group, code);
	else
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
		atomic64_inc(&container->counters.aborts);
	}
	worker->group = NULL;
	container->workers_idle++;
	if (container->closing)
		wake_up_all(&container->answer_wait);
	spin_unlock(&container->fault_lock);

	if (group)
		iopf_free_group(group);
}

/**
 * viopf_worker_part() - a worker parts with its group, without an answer
 * @worker: the calling thread, with fault_lock held
 *
 * Return: the group, to be put where somebody will see to its answer; NULL: somebody
 * does already.
 */
struct iopf_group *viopf_worker_part(struct viopf_worker *worker)
{
	struct iopf_group *group = worker->group;

	lockdep_assert_held(&worker->container->fault_lock);

	if (worker->answered)
		return NULL;
	worker->group = NULL;
	return group;
}

/**
 * viopf_worker_main() - what a worker does
 * @data: struct viopf_worker
 *
 * Return: 0.
 */
int viopf_worker_main(void *data)
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
		code = viopf_worker_resolve(worker);
		if (code == IOMMU_PAGE_RESP_INVALID)
			viopf_refuse(worker);
		viopf_worker_finish(worker, code);
	}
	return 0;
}

/* Tell a worker to give its group up. */
static void viopf_worker_abort(struct viopf_worker *worker)
{
	lockdep_assert_held(&worker->container->fault_lock);

	worker->aborted = true;
	send_sig(SIGKILL, worker->task, 1);
}

/* A signal may be left over from an abort that came too late to matter. */
static bool viopf_worker_aborted(struct viopf_worker *worker)
{
	bool aborted;

	spin_lock(&worker->container->fault_lock);
	aborted = worker->aborted;
	if (!aborted && signal_pending(current))
		flush_signals(current);
	spin_unlock(&worker->container->fault_lock);

	return aborted;
}

/**
 * viopf_fault_aborted() - is what it is doing to be given up?
 * @ctx: of the calling thread
 *
 * Return: true if a worker's group has its answer already, or must do without; or
 * if a task in a system call has a signal, which is left pending.
 */
bool viopf_fault_aborted(struct viopf_fault_ctx *ctx)
{
	if (!ctx->worker)
		return signal_pending(current);
	return viopf_worker_aborted(container_of(ctx, struct viopf_worker,
						 ctx));
}

/**
 * viopf_worker_enter() - begin to work in a mapping
 * @worker: the calling thread
 * @mapping: held by a reference
 *
 * On success the mm is alive until viopf_worker_leave(), and whoever unmaps the
 * mapping, or takes its address away, finds us.
 *
 * Return: false if the process, the mapping, its address or the need for it is gone.
 */
bool viopf_worker_enter(struct viopf_worker *worker,
			struct viopf_mapping *mapping)
{
	bool alive;

	if (!mmget_not_zero(mapping->mm))
		return false;

	spin_lock(&worker->container->fault_lock);
	alive = !mapping->dead && !mapping->waiting && !worker->aborted;
	if (alive) {
		worker->mapping = mapping;
		worker->mm = mapping->mm;
	}
	spin_unlock(&worker->container->fault_lock);

	if (!alive)
		mmput_async(mapping->mm);
	return alive;
}

/**
 * viopf_worker_leave() - end work in a mapping
 * @worker: the calling thread
 */
void viopf_worker_leave(struct viopf_worker *worker)
{
	struct mm_struct *mm = worker->mm;

	spin_lock(&worker->container->fault_lock);
	worker->mapping = NULL;
	worker->mm = NULL;
	spin_unlock(&worker->container->fault_lock);

	/* If it is the last reference, taking the mm down is not our work. */
	mmput_async(mm);
}

/* Send INVALID for a claimed worker's group, and let the worker go on. */
static void viopf_worker_answer(struct viopf_worker *worker)
{
	struct viopf_container *container = worker->container;

	viopf_answer_send(container, worker->group, IOMMU_PAGE_RESP_INVALID);

	spin_lock(&container->fault_lock);
	WRITE_ONCE(worker->answering, false);
	wake_up_all(&container->answer_wait);
	spin_unlock(&container->fault_lock);
}

static bool viopf_cancel_matches(const struct viopf_cancel *cancel,
				 const struct viopf_worker *worker)
{
	if (!worker->group)
		return false;
	if (cancel->mapping)
		return worker->mapping == cancel->mapping;
	return viopf_group_of(worker->group) == cancel->vgroup;
}

/* Claim what the workers that match have: we answer it. And abort them. */
static void viopf_claim_workers(struct viopf_container *container,
				const struct viopf_cancel *cancel)
{
	struct viopf_worker *worker;

	lockdep_assert_held(&container->fault_lock);

	list_for_each_entry(worker, &container->workers, node) {
		if (worker->answered || !viopf_cancel_matches(cancel, worker))
			continue;
		worker->answered = true;
		worker->answering = true;
		viopf_worker_abort(worker);
	}
}

static struct viopf_worker *
viopf_worker_find_claimed(struct viopf_container *container)
{
	struct viopf_worker *worker, *found = NULL;

	spin_lock(&container->fault_lock);
	list_for_each_entry(worker, &container->workers, node) {
		if (worker->answering) {
			found = worker;
			break;
		}
	}
	spin_unlock(&container->fault_lock);
	return found;
}

/* Answer what was claimed, one after the other. Waits for no worker. */
static void viopf_answer_claimed(struct viopf_container *container)
{
	struct viopf_worker *worker;

	/* So that whoever is being answered for was claimed by us. */
	lockdep_assert_held(&container->lock);

	while ((worker = viopf_worker_find_claimed(container)))
		viopf_worker_answer(worker);
}

/**
 * viopf_faults_suspend() - from now on faults in a mapping wait for its address
 * @mapping: with container->lock held
 *
 * What is being brought in for it is aborted, and not answered. Does not wait for it.
 */
void viopf_faults_suspend(struct viopf_mapping *mapping)
{
	struct viopf_container *container = mapping->container;
	struct viopf_worker *worker;

	spin_lock(&container->fault_lock);
	WRITE_ONCE(mapping->waiting, true);
	list_for_each_entry(worker, &container->workers, node) {
		if (worker->mapping == mapping) {
			worker->suspended = true;
			viopf_worker_abort(worker);
		}
	}
	spin_unlock(&container->fault_lock);
}

/**
 * viopf_faults_cancel_mapping() - nothing is faulted in for a mapping any more
 * @mapping: to be unmapped, with its segments_lock held
 *
 * What is on its way, or waits, gets INVALID. Does not wait for it.
 */
void viopf_faults_cancel_mapping(struct viopf_mapping *mapping)
{
	struct viopf_container *container = mapping->container;
	struct viopf_cancel cancel = { .mapping = mapping };
	LIST_HEAD(waiting);

	lockdep_assert_held(&mapping->segments_lock);

	spin_lock(&container->fault_lock);
	mapping->dead = true;
	mapping->waiting = false;
	viopf_waiting_take(container, &cancel, &waiting);
	viopf_claim_workers(container, &cancel);
	if (mapping->mode == VIOPF_MODE_USER)
		viopf_userfault_withdraw(mapping);
	spin_unlock(&container->fault_lock);

	viopf_answer_list(container, &waiting, IOMMU_PAGE_RESP_INVALID);
	viopf_answer_claimed(container);
}

static bool viopf_group_is_idle(struct viopf_group *vgroup)
{
	bool idle;

	spin_lock(&vgroup->container->fault_lock);
	idle = !vgroup->faults_pending;
	spin_unlock(&vgroup->container->fault_lock);
	return idle;
}

/**
 * viopf_faults_cancel_group() - answer all that a group's devices asked for
 * @vgroup: detached, so that nothing new comes; container->lock held
 *
 * On return every page request that came through @vgroup has been answered, and
 * nothing refers to it.
 */
void viopf_faults_cancel_group(struct viopf_group *vgroup)
{
	struct viopf_container *container = vgroup->container;
	struct viopf_cancel cancel = { .vgroup = vgroup };
	struct iopf_group *group, *next;
	LIST_HEAD(queued);

	spin_lock(&container->fault_lock);
	viopf_claim_workers(container, &cancel);
	viopf_waiting_take(container, &cancel, &queued);
	list_for_each_entry_safe(group, next, &container->fault_queue, node) {
		if (viopf_group_of(group) == vgroup) {
			list_move_tail(&group->node, &queued);
			container->faults_queued -= group->fault_count;
		}
	}
	spin_unlock(&container->fault_lock);

	viopf_answer_list(container, &queued, IOMMU_PAGE_RESP_INVALID);
	viopf_answer_claimed(container);
	wait_event(container->answer_wait, viopf_group_is_idle(vgroup));
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
	mem_cgroup_put(container->memcg);
	WARN_ON(container->faults_pending || !list_empty(&container->fault_queue));
}
