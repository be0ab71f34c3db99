// SPDX-License-Identifier: GPL-2.0-only
/*
 * Giving page requests up: a mapping goes, or its address, or a group's devices.
 *
 * Whoever takes a mapping or a group away answers what was asked for there, and waits for
 * no worker: one that is blocked in the mm finds out later (answer.c has the table of that
 * race). So a worker is to be found by the mapping that it works in, from
 * viopf_worker_enter() to viopf_worker_leave(), which also keep the mm alive.
 */
#include "fault/internal.h"

/**
 * viopf_worker_abort() - tell a worker to give its group up
 * @worker: the worker, with fault_lock held
 */
void viopf_worker_abort(struct viopf_worker *worker)
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
	alive = !mapping->dead && !mapping->vaddr_invalid && !worker->aborted;
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

	viopf_answer_send(container, worker->group, IOMMU_PAGE_RESP_INVALID,
			  VIOPF_BY_CANCEL);

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
	WRITE_ONCE(mapping->vaddr_invalid, true);
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
	WRITE_ONCE(mapping->vaddr_invalid, false);
	viopf_waiting_take(container, &cancel, &waiting);
	viopf_claim_workers(container, &cancel);
	if (mapping->mode == VIOPF_MODE_USER)
		viopf_forward_withdraw(mapping);
	spin_unlock(&container->fault_lock);

	viopf_answer_list(container, &waiting, IOMMU_PAGE_RESP_INVALID, VIOPF_BY_CANCEL);
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

	viopf_answer_list(container, &queued, IOMMU_PAGE_RESP_INVALID, VIOPF_BY_CANCEL);
	viopf_answer_claimed(container);
	wait_event(container->answer_wait, viopf_group_is_idle(vgroup));
}
