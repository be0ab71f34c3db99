// SPDX-License-Identifier: GPL-2.0-only
/*
 * For whom a fault is: what the kernel asks the current task for is the owner's.
 *
 * Much of what limits a process's memory is not asked of the mm but of the task that
 * faults, and a worker is a kernel thread: of the root cgroup, with all capabilities and
 * no NUMA policy. So while it works in an mm it stands for the mm's owner, mm->owner, the
 * thread that the kernel too charges for the mm (the process's first one, unless that has
 * exited), as it is at that time. The worker gets
 *  - what is allocated charged to the owner's memory cgroup;
 *  - its credentials, as file systems reserve blocks for root and exempt it from quotas;
 *  - its NUMA policy, where a VMA has none of its own;
 *  - its cgroups, all of them: the cpuset with its nodes and CPUs, limits of huge pages,
 *    of reads and writes, and CPU time.
 * The last is for longer: to change cgroups takes the kernel milliseconds, with locks
 * that all forks wait for. A worker joins those of an owner when it meets it, and stays
 * until it meets another one or has been idle (pool.c). Between two faults for the same
 * owner it costs a comparison of pointers.
 *
 * Others have the charge alone: the page request handler, which brings nothing in; and a
 * caller that prefetches, who acts for itself as far as all else goes.
 *
 * DOC: what a worker may do as somebody else
 *
 * It has no capability that the owner has not. Between viopf_owner_begin() and
 * viopf_owner_end() it does nothing that needs one: it looks memory up, brings it in and
 * maps it, as a page fault of the owner would. It joins and leaves cgroups as itself.
 *
 * DOC: an owner that goes meanwhile
 *
 *   worker                                 owner
 *   ------------------------------------   ------------------------------------
 *   looks at mm->owner, takes a
 *   reference on it
 *                                          exit, or exec: another task, or none, is
 *                                            mm->owner; then, by exec, other
 *                                            credentials; by exit, no cgroups
 *   joins its cgroups, which must not
 *   have been removed: the task is kept
 *   from exiting for that, or else it
 *   looks again
 *   takes its credentials
 *   is it mm->owner still? Else they may
 *   be those of another program: looks
 *   again
 *
 * An mm without an owner belongs to a process that is gone.
 */
#include <linux/cgroup.h>
#include <linux/cred.h>
#include <linux/memcontrol.h>
#include <linux/sched/task.h>

#include "compat/task_alive.h"
#include "fault/internal.h"

/**
 * viopf_charge_begin() - charge what is allocated to the owner of an mm
 * @charge: until viopf_charge_end()
 * @mm: kept alive by the caller
 */
void viopf_charge_begin(struct viopf_charge *charge, struct mm_struct *mm)
{
	charge->memcg = get_mem_cgroup_from_mm(mm);
	charge->old = set_active_memcg(charge->memcg);
}

/**
 * viopf_charge_end() - no longer
 * @charge: of viopf_charge_begin()
 */
void viopf_charge_end(struct viopf_charge *charge)
{
	set_active_memcg(charge->old);
	mem_cgroup_put(charge->memcg);
}

static struct task_struct *viopf_owner_get(struct mm_struct *mm)
{
	struct task_struct *task;

	rcu_read_lock();
	task = rcu_dereference(mm->owner);
	if (task)
		get_task_struct(task);
	rcu_read_unlock();
	return task;
}

static bool viopf_owner_same_cgroups(struct task_struct *task)
{
	return rcu_access_pointer(current->cgroups) ==
	       rcu_access_pointer(task->cgroups);
}

/*
 * Be where it is. False if it is exiting. Where the kernel does not let us in, for want of
 * memory, say, we go on from where we are: the next fault tries again.
 */
static bool viopf_owner_join(struct task_struct *task)
{
	if (viopf_owner_same_cgroups(task))
		return true;
	if (!viopf_task_keep_alive(task))
		return false;
	cgroup_attach_task_all(task, current);
	viopf_task_let_exit(task);
	return true;
}

#ifdef CONFIG_NUMA
/*
 * A copy, as a module can't give back the last reference on a policy. Other tasks look at
 * ours, or move it to the nodes of another cpuset, under our task_lock() only
 * (mpol_rebind_task() and mempolicy_in_oom_domain() in mm/mempolicy.c).
 */
static void viopf_owner_take_policy(struct viopf_owner *owner,
				    struct task_struct *task)
{
	task_lock(task);
	owner->has_policy = task->mempolicy;
	if (owner->has_policy)
		owner->policy = *task->mempolicy;
	task_unlock(task);
	if (!owner->has_policy)
		return;

	atomic_set(&owner->policy.refcnt, 1);
	task_lock(current);
	owner->old_policy = current->mempolicy;
	current->mempolicy = &owner->policy;
	task_unlock(current);
}

static void viopf_owner_drop_policy(struct viopf_owner *owner)
{
	if (!owner->has_policy)
		return;
	task_lock(current);
	current->mempolicy = owner->old_policy;
	task_unlock(current);
}
#else
static void viopf_owner_take_policy(struct viopf_owner *owner,
				    struct task_struct *task)
{
}

static void viopf_owner_drop_policy(struct viopf_owner *owner)
{
}
#endif

/* Be as it is. False if it is the owner of the mm no longer, or exiting. */
static bool viopf_owner_become(struct viopf_owner *owner,
			       struct task_struct *task, struct mm_struct *mm)
{
	if (!viopf_owner_join(task))
		return false;
	owner->cred = get_task_cred(task);
	/* After the credentials, to which exec gives way first: see above. */
	smp_rmb();
	if (rcu_access_pointer(mm->owner) != task) {
		put_cred(owner->cred);
		return false;
	}
	owner->old_cred = override_creds(owner->cred);
	viopf_owner_take_policy(owner, task);
	return true;
}

/**
 * viopf_owner_begin() - from here on the calling worker stands for the owner of an mm
 * @owner: until viopf_owner_end(), which has to follow in the same function
 * @ctx: the worker's
 * @mm: kept alive by the caller
 *
 * May sleep, for cgroups to be changed, and while the owner exits.
 *
 * Return: 0; -ESRCH: the process is gone; -EINTR: the fault is to be given up.
 */
int viopf_owner_begin(struct viopf_owner *owner, struct viopf_fault_ctx *ctx,
		      struct mm_struct *mm)
{
	struct task_struct *task;
	bool done;

	for (;;) {
		task = viopf_owner_get(mm);
		if (!task)
			return -ESRCH;
		done = viopf_owner_become(owner, task, mm);
		put_task_struct(task);
		if (done)
			break;
		schedule_timeout_killable(1);
		if (viopf_fault_aborted(ctx))
			return -EINTR;
	}
	viopf_charge_begin(&owner->charge, mm);
	return 0;
}

/**
 * viopf_owner_end() - the calling worker is itself again, but in the owner's cgroups
 * @owner: of viopf_owner_begin()
 */
void viopf_owner_end(struct viopf_owner *owner)
{
	viopf_charge_end(&owner->charge);
	viopf_owner_drop_policy(owner);
	/* Whether or not these count references of their own, ours is one more. */
	revert_creds(owner->old_cred);
	put_cred(owner->cred);
}

/* Is the calling worker in somebody's cgroups? */
bool viopf_owner_is_joined(void)
{
	return !viopf_owner_same_cgroups(&init_task);
}

/**
 * viopf_owner_leave() - the calling worker goes back to the root cgroups
 *
 * Where its like is made. While it is in others, these can't be removed.
 */
void viopf_owner_leave(void)
{
	if (viopf_owner_is_joined())
		cgroup_attach_task_all(&init_task, current);
}
