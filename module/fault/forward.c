// SPDX-License-Identifier: GPL-2.0-only
/*
 * Forwarding: page requests in user-handled mappings wait for user space's decision.
 *
 * DOC: the way of a group
 *
 * A worker that finds a request in a user-handled mapping hands the whole group up:
 * it waits, unread, in a list of the container, and the worker is free. A read
 * gives it a cookie and moves it among the undecided, a write with that cookie
 * takes it from there: CONTINUE queues it again for the workers, marked as
 * approved; anything else is the answer. So a group is in one place at any time,
 * and whoever takes it from there, under fault_lock, sees to its answer:
 *
 *   who                       takes                     and answers
 *   -----------------------   -----------------------   ------------------------
 *   write, CONTINUE           one, undecided            as a worker resolves it
 *   write, another code       one, undecided            with that code
 *   close of the fd           all                       INVALID
 *   UNMAP_DMA                 what asks for some of it  INVALID
 *   detach, container close   the group's devices'      INVALID
 *   failure                   all                       FAILURE
 *
 * Without an fd a worker answers INVALID at once.
 *
 * DOC: approval
 *
 * It is for the mapping that user space knew when it decided. UNMAP_DMA of a
 * user-handled mapping takes it from the groups that ask for some of it, and they are
 * handed up again. While an approved group is resolved in a user-handled mapping,
 * exactly the pages that it asks for are mapped, no neighbours.
 *
 * How user space reads and writes is uapi/fault_fd.c's.
 */
#include "fault/internal.h"

/* viopf_forward() in a user-handled mapping. */
static int viopf_forward_locked(struct viopf_worker *worker,
				struct viopf_mapping *mapping)
{
	struct viopf_container *container = worker->container;
	int ret;

	lockdep_assert_held(&container->fault_lock);

	if (worker->group->cookie == VIOPF_COOKIE_APPROVED)
		return 0;
	worker->group->cookie = 0;
	if (mapping->dead || !container->fault_fd)
		return -ENOENT;
	if (worker->group->fault_count > VFIO_IOPF_FAULT_GROUP_MAX)
		return -E2BIG;
	ret = viopf_waiting_add(worker, &container->unread);
	if (ret == -EINPROGRESS) {
		viopf_count(&container->iommu, faults_user, 1);
		wake_up(&container->fault_fd->wait);
	}
	return ret;
}

/**
 * viopf_forward() - may a worker resolve its group in a mapping?
 * @worker: the calling thread
 * @mapping: where the group asks for something, with sufficient permission
 *
 * If it is user-handled, and user space has not agreed yet, the group is handed up.
 *
 * Return: 0: go on; -EINPROGRESS: the group was handed up, and is not the worker's
 * any more; -ENOENT: the mapping is dead, or nobody is there to ask; -E2BIG: more
 * requests than a reader has to expect; -EINTR, -EIO: as viopf_waiting_add().
 */
int viopf_forward(struct viopf_worker *worker, struct viopf_mapping *mapping)
{
	int ret;

	if (mapping->mode != VIOPF_MODE_USER)
		return 0;

	spin_lock(&worker->container->fault_lock);
	ret = viopf_forward_locked(worker, mapping);
	spin_unlock(&worker->container->fault_lock);
	return ret;
}

static void viopf_request_withdraw(struct iopf_group *group,
				   const struct viopf_mapping *mapping)
{
	if (group->cookie == VIOPF_COOKIE_APPROVED &&
	    viopf_request_touches(group, mapping))
		group->cookie = 0;
}

/**
 * viopf_forward_withdraw() - what user space agreed to in a mapping holds no more
 * @mapping: dead, so that nothing enters it; its container's fault_lock is held
 *
 * What waits for user space is not approved, and what waits for an address in @mapping
 * is taken by the caller. The queue is as short as max_faults says.
 */
void viopf_forward_withdraw(const struct viopf_mapping *mapping)
{
	struct viopf_container *container = mapping->container;
	struct viopf_worker *worker;
	struct iopf_group *group;

	lockdep_assert_held(&container->fault_lock);

	list_for_each_entry(group, &container->fault_queue, node)
		viopf_request_withdraw(group, mapping);
	list_for_each_entry(worker, &container->workers, node)
		if (worker->group)
			viopf_request_withdraw(worker->group, mapping);
}
