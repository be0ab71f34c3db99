// SPDX-License-Identifier: GPL-2.0-only
/*
 * VFIO_IOPF_FAULT_FD: page requests in user-handled mappings, and what user space
 * decides on them.
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
 *   failure (keep.c)          all                       FAILURE
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
 * DOC: lifetimes
 *
 * The fd's object, viopf_userfault, has a reference from its file and one from its
 * container; either may go first. Under its own lock, which is outside fault_lock,
 * it knows whether the container is still there. What is copied from or to user
 * space is copied with no lock held, since that may take as long as user space
 * likes.
 *
 *   close of the fd                        release of the container
 *   ------------------------------------   -----------------------------------
 *                                          all groups are detached: the lists
 *                                            are empty, and stay so
 *                                          fault_lock: container->userfault
 *                                            is taken, and with it a reference
 *   lock: container is still set
 *     fault_lock: userfault is taken
 *       already, nothing waits
 *   unlock
 *                                          lock: container = NULL; unlock
 *                                          wake readers; drop the reference
 *   drop the file's reference
 *
 * A group that is being answered keeps the container, as detach waits for it.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/iommu.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "viopf.h"

/* group->cookie of one that user space agreed to; below it are those that it reads. */
#define VIOPF_COOKIE_APPROVED	BIT(31)

/**
 * struct viopf_userfault - what a VFIO_IOPF_FAULT_FD stands for
 * @ref: the file's, and the container's as long as it points here
 * @lock: guards @container; taken outside its fault_lock
 * @container: NULL before it is attached, and once it is gone
 * @wait: readers
 */
struct viopf_userfault {
	struct kref		ref;
	spinlock_t		lock;	/* around fault_lock */
	struct viopf_container	*container;
	wait_queue_head_t	wait;
};

static void viopf_userfault_free(struct kref *ref)
{
	kfree(container_of(ref, struct viopf_userfault, ref));
}

static struct viopf_userfault *viopf_userfault_alloc(void)
{
	struct viopf_userfault *uf = kzalloc(sizeof(*uf), GFP_KERNEL_ACCOUNT);

	if (!uf)
		return NULL;
	kref_init(&uf->ref);
	spin_lock_init(&uf->lock);
	init_waitqueue_head(&uf->wait);
	return uf;
}

/**
 * viopf_userfault_ask() - may a worker resolve its group in a mapping?
 * @worker: the calling thread
 * @mapping: where the group asks for something, with sufficient permission
 *
 * If it is user-handled, and user space has not agreed yet, the group is handed up.
 *
 * Return: 0: go on; -EINPROGRESS: the group was handed up, and is not the worker's
 * any more; -ENOENT: the mapping is dead, or nobody is there to ask; -E2BIG: more
 * requests than a reader has to expect; -EINTR, -EIO: as viopf_waiting_add().
 */
int viopf_userfault_ask(struct viopf_worker *worker,
			struct viopf_mapping *mapping)
{
	struct viopf_container *container = worker->container;
	int ret = 0;

	if (mapping->mode != VIOPF_MODE_USER)
		return 0;

	spin_lock(&container->fault_lock);
	if (worker->group->cookie == VIOPF_COOKIE_APPROVED)
		goto out_unlock;
	worker->group->cookie = 0;
	if (mapping->dead || !container->userfault)
		ret = -ENOENT;
	else if (worker->group->fault_count > VFIO_IOPF_FAULT_GROUP_MAX)
		ret = -E2BIG;
	else
		ret = viopf_waiting_add(worker, &container->unread);
	if (ret == -EINPROGRESS) {
		viopf_count(container, faults_user, 1);
		wake_up(&container->userfault->wait);
	}
out_unlock:
	spin_unlock(&container->fault_lock);
	return ret;
}

static void viopf_group_withdraw(struct iopf_group *group,
				 const struct viopf_mapping *mapping)
{
	if (group->cookie == VIOPF_COOKIE_APPROVED &&
	    viopf_group_touches(group, mapping))
		group->cookie = 0;
}

/**
 * viopf_userfault_withdraw() - what user space agreed to in a mapping holds no more
 * @mapping: dead, so that nothing enters it; its container's fault_lock is held
 *
 * What waits for user space is not approved, and what waits for an address in @mapping
 * is taken by the caller. The queue is as short as max_faults says.
 */
void viopf_userfault_withdraw(const struct viopf_mapping *mapping)
{
	struct viopf_container *container = mapping->container;
	struct viopf_worker *worker;
	struct iopf_group *group;

	lockdep_assert_held(&container->fault_lock);

	list_for_each_entry(group, &container->fault_queue, node)
		viopf_group_withdraw(group, mapping);
	list_for_each_entry(worker, &container->workers, node)
		if (worker->group)
			viopf_group_withdraw(worker->group, mapping);
}

static struct list_head *
viopf_userfault_list(struct viopf_container *container, u32 cookie)
{
	return &container->undecided[cookie % VIOPF_UNDECIDED_LISTS];
}

static struct iopf_group *viopf_userfault_find(struct viopf_container *container,
					       u32 cookie)
{
	struct iopf_group *group;

	list_for_each_entry(group, viopf_userfault_list(container, cookie), node)
		if (group->cookie == cookie)
			return group;
	return NULL;
}

/* A number that no undecided group has. */
static u32 viopf_userfault_cookie(struct viopf_container *container)
{
	do {
		container->last_cookie++;
		container->last_cookie &= ~VIOPF_COOKIE_APPROVED;
	} while (!container->last_cookie ||
		 viopf_userfault_find(container, container->last_cookie));
	return container->last_cookie;
}

static u32 viopf_userfault_perm(u32 perm)
{
	return (perm & IOMMU_FAULT_PERM_READ ? VFIO_IOPF_FAULT_PERM_READ : 0) |
	       (perm & IOMMU_FAULT_PERM_WRITE ? VFIO_IOPF_FAULT_PERM_WRITE : 0);
}

static void viopf_userfault_describe(const struct iopf_group *group,
				     struct vfio_iopf_fault *event)
{
	struct iopf_fault *fault;

	list_for_each_entry(fault, &group->faults, list) {
		*event = (struct vfio_iopf_fault) {
			.cookie = group->cookie,
			.iova = fault->fault.prm.addr & PAGE_MASK,
			.perm = viopf_userfault_perm(fault->fault.prm.perm),
		};
		if (list_is_last(&fault->list, &group->faults))
			event->flags = VFIO_IOPF_FAULT_LAST;
		event++;
	}
}

/*
 * Take the next group that was not read, and describe it. Returns how many requests
 * it has; -EAGAIN: there is none; -EINVAL: more than @room.
 */
static int viopf_userfault_fetch_from(struct viopf_container *container,
				      size_t room,
				      struct vfio_iopf_fault *events)
{
	struct iopf_group *group;
	int ret = -EAGAIN;

	spin_lock(&container->fault_lock);
	group = list_first_entry_or_null(&container->unread, struct iopf_group,
					 node);
	if (group && group->fault_count > room) {
		ret = -EINVAL;
	} else if (group) {
		ret = group->fault_count;
		group->cookie = viopf_userfault_cookie(container);
		list_move_tail(&group->node,
			       viopf_userfault_list(container, group->cookie));
		viopf_userfault_describe(group, events);
	}
	spin_unlock(&container->fault_lock);
	return ret;
}

/* The same; -ENODEV: the container is gone. */
static int viopf_userfault_fetch(struct viopf_userfault *uf, size_t room,
				 struct vfio_iopf_fault *events)
{
	int ret = -ENODEV;

	spin_lock(&uf->lock);
	if (uf->container)
		ret = viopf_userfault_fetch_from(uf->container, room, events);
	spin_unlock(&uf->lock);
	return ret;
}

static void viopf_userfault_return(struct viopf_container *container, u32 cookie)
{
	struct iopf_group *group;

	spin_lock(&container->fault_lock);
	group = viopf_userfault_find(container, cookie);
	if (group)
		list_move(&group->node, &container->unread);
	spin_unlock(&container->fault_lock);
}

/* It could not be copied out: the next read gets it, if it still waits. */
static void viopf_userfault_unfetch(struct viopf_userfault *uf, u32 cookie)
{
	spin_lock(&uf->lock);
	if (uf->container)
		viopf_userfault_return(uf->container, cookie);
	spin_unlock(&uf->lock);
	wake_up(&uf->wait);
}

static bool viopf_userfault_readable(struct viopf_container *container)
{
	bool readable;

	spin_lock(&container->fault_lock);
	readable = !list_empty(&container->unread);
	spin_unlock(&container->fault_lock);
	return readable;
}

/* Is there something to read, or nothing to be waited for any more? */
static __poll_t viopf_userfault_events(struct viopf_userfault *uf)
{
	__poll_t events = EPOLLHUP;

	spin_lock(&uf->lock);
	if (uf->container) {
		events = EPOLLOUT | EPOLLWRNORM;
		if (viopf_userfault_readable(uf->container))
			events |= EPOLLIN | EPOLLRDNORM;
	}
	spin_unlock(&uf->lock);
	return events;
}

static __poll_t viopf_userfault_poll(struct file *file, poll_table *table)
{
	struct viopf_userfault *uf = file->private_data;

	poll_wait(file, &uf->wait, table);
	return viopf_userfault_events(uf);
}

/* As many whole groups as there are and have room; @events is a scratch buffer. */
static ssize_t viopf_userfault_read_groups(struct viopf_userfault *uf,
					   char __user *buf, size_t count,
					   struct vfio_iopf_fault *events)
{
	size_t done = 0;
	int nr;

	for (;;) {
		nr = viopf_userfault_fetch(uf, (count - done) / sizeof(*events),
					   events);
		if (nr < 0)
			return done ?: nr;
		if (copy_to_user(buf + done, events, nr * sizeof(*events))) {
			viopf_userfault_unfetch(uf, events->cookie);
			return done ?: -EFAULT;
		}
		done += nr * sizeof(*events);
	}
}

static ssize_t viopf_userfault_read(struct file *file, char __user *buf,
				    size_t count, loff_t *pos)
{
	struct viopf_userfault *uf = file->private_data;
	struct vfio_iopf_fault *events;
	ssize_t ret;

	if (count < sizeof(*events))
		return -EINVAL;
	events = kmalloc_array(VFIO_IOPF_FAULT_GROUP_MAX, sizeof(*events),
			       GFP_KERNEL);
	if (!events)
		return -ENOMEM;

	do {
		ret = viopf_userfault_read_groups(uf, buf, count, events);
		if (ret != -EAGAIN || (file->f_flags & O_NONBLOCK))
			break;
		ret = wait_event_interruptible(uf->wait,
					       viopf_userfault_events(uf) &
					       (EPOLLIN | EPOLLHUP));
	} while (!ret);

	kfree(events);
	return ret == -ENODEV ? 0 : ret;
}

/* Take an undecided group; if it is agreed to, queue it. */
static struct iopf_group *viopf_userfault_take(struct viopf_container *container,
					       u32 cookie, bool agreed)
{
	struct iopf_group *group;

	spin_lock(&container->fault_lock);
	group = viopf_userfault_find(container, cookie);
	if (group)
		viopf_waiting_del(container, group);
	if (group && agreed) {
		group->cookie = VIOPF_COOKIE_APPROVED;
		viopf_faults_queue(container, group);
	}
	spin_unlock(&container->fault_lock);
	return group;
}

/* Carry out one decision. Until it is answered, the group keeps the container. */
static int viopf_userfault_decide(struct viopf_userfault *uf,
				  const struct vfio_iopf_fault_response *response)
{
	bool agreed = response->code == VFIO_IOPF_FAULT_CONTINUE;
	struct viopf_container *container;
	struct iopf_group *group = NULL;

	if (response->code > VFIO_IOPF_FAULT_FAILURE)
		return -EINVAL;
	spin_lock(&uf->lock);
	container = uf->container;
	if (container)
		group = viopf_userfault_take(container, response->cookie, agreed);
	spin_unlock(&uf->lock);

	if (!group)
		return container ? -ENOENT : -ENODEV;
	if (!agreed)
		viopf_answer(container, group,
			     response->code == VFIO_IOPF_FAULT_INVALID ?
			     IOMMU_PAGE_RESP_INVALID : IOMMU_PAGE_RESP_FAILURE);
	return 0;
}

static ssize_t viopf_userfault_write(struct file *file, const char __user *buf,
				     size_t count, loff_t *pos)
{
	struct viopf_userfault *uf = file->private_data;
	struct vfio_iopf_fault_response response;
	size_t done = 0;
	int ret = 0;

	while (!ret && done < count) {
		if (count - done < sizeof(response))
			ret = -EINVAL;
		else if (copy_from_user(&response, buf + done, sizeof(response)))
			ret = -EFAULT;
		else
			ret = viopf_userfault_decide(uf, &response);
		if (!ret)
			done += sizeof(response);
		if (fatal_signal_pending(current))
			break;
		cond_resched();
	}
	return done ?: ret;
}

/* Nobody decides any more: take what waits. False: the container knows already. */
static bool viopf_userfault_leave(struct viopf_userfault *uf,
				  struct list_head *groups)
{
	struct viopf_container *container = uf->container;
	struct viopf_cancel all = { };
	bool ours;

	spin_lock(&container->fault_lock);
	ours = container->userfault == uf;
	if (ours) {
		container->userfault = NULL;
		viopf_waiting_take_handed(container, &all, groups);
	}
	spin_unlock(&container->fault_lock);
	return ours;
}

static int viopf_userfault_release(struct inode *inode, struct file *file)
{
	struct viopf_userfault *uf = file->private_data;
	struct viopf_container *container;
	LIST_HEAD(groups);
	bool ours = false;

	spin_lock(&uf->lock);
	container = uf->container;
	if (container)
		ours = viopf_userfault_leave(uf, &groups);
	spin_unlock(&uf->lock);

	viopf_answer_list(container, &groups, IOMMU_PAGE_RESP_INVALID);
	if (ours)
		kref_put(&uf->ref, viopf_userfault_free);
	kref_put(&uf->ref, viopf_userfault_free);
	return 0;
}

static const struct file_operations viopf_userfault_fops = {
	.owner		= THIS_MODULE,
	.read		= viopf_userfault_read,
	.write		= viopf_userfault_write,
	.poll		= viopf_userfault_poll,
	.release	= viopf_userfault_release,
};

/* Make it the container's, if it has none: from now on groups come. */
static int viopf_userfault_attach(struct viopf_container *container,
				  struct viopf_userfault *uf)
{
	int ret = 0;

	spin_lock(&container->fault_lock);
	if (viopf_container_failed(container) || container->closing) {
		ret = -ENODEV;
	} else if (container->userfault) {
		ret = -EBUSY;
	} else {
		kref_get(&uf->ref);
		uf->container = container;
		container->userfault = uf;
	}
	spin_unlock(&container->fault_lock);
	return ret;
}

/**
 * viopf_userfault_detach() - the container goes
 * @container: without groups
 */
void viopf_userfault_detach(struct viopf_container *container)
{
	struct viopf_userfault *uf;

	spin_lock(&container->fault_lock);
	uf = container->userfault;
	container->userfault = NULL;
	spin_unlock(&container->fault_lock);
	if (!uf)
		return;

	spin_lock(&uf->lock);
	uf->container = NULL;
	spin_unlock(&uf->lock);
	wake_up_all(&uf->wait);
	kref_put(&uf->ref, viopf_userfault_free);
}

/* Whatever fails before the fd is installed is undone by the file's release. */
static int viopf_userfault_create(struct viopf_container *container)
{
	struct viopf_userfault *uf = viopf_userfault_alloc();
	struct file *file;
	int fd, ret;

	if (!uf)
		return -ENOMEM;
	file = anon_inode_getfile("[vfio-iopf-fault]", &viopf_userfault_fops, uf,
				  O_RDWR);
	if (IS_ERR(file)) {
		kref_put(&uf->ref, viopf_userfault_free);
		return PTR_ERR(file);
	}

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0) {
		ret = fd;
		goto out_put_file;
	}
	ret = viopf_userfault_attach(container, uf);
	if (ret)
		goto out_put_fd;
	fd_install(fd, file);
	return fd;

out_put_fd:
	put_unused_fd(fd);
out_put_file:
	fput(file);
	return ret;
}

/**
 * viopf_userfault_open() - VFIO_IOPF_FAULT_FD
 * @container: whose page requests
 * @arg: struct vfio_iopf_fault_fd
 *
 * Return: a file descriptor; -EFAULT; -EINVAL: argsz too small, or flags; -EBUSY:
 * there is one already; -ENODEV: the container failed, or is released; -EMFILE, -ENFILE, -ENOMEM.
 */
int viopf_userfault_open(struct viopf_container *container, void __user *arg)
{
	size_t minsz = offsetofend(struct vfio_iopf_fault_fd, flags);
	struct vfio_iopf_fault_fd request;

	if (copy_from_user(&request, arg, minsz))
		return -EFAULT;
	if (request.argsz < minsz || request.flags)
		return -EINVAL;
	return viopf_userfault_create(container);
}
