// SPDX-License-Identifier: GPL-2.0-only
/*
 * VFIO_IOPF_FAULT_FD: user space reads page requests of user-handled mappings, and writes
 * what it decides on them (fault/forward.c).
 *
 * DOC: lifetimes
 *
 * The fd's object, viopf_fault_fd, has a reference from its file and one from its
 * container; either may go first. Under its own lock, which is outside fault_lock,
 * it knows whether the container is still there. What is copied from or to user
 * space is copied with no lock held, since that may take as long as user space
 * likes.
 *
 *   close of the fd                        release of the container
 *   ------------------------------------   -----------------------------------
 *                                          all groups are detached: the lists
 *                                            are empty, and stay so
 *                                          fault_lock: container->fault_fd
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
#include <linux/poll.h>

#include "uapi/internal.h"

static void viopf_fault_fd_free(struct kref *ref)
{
	kfree(container_of(ref, struct viopf_fault_fd, ref));
}

static struct viopf_fault_fd *viopf_fault_fd_alloc(void)
{
	struct viopf_fault_fd *uf = kzalloc(sizeof(*uf), GFP_KERNEL_ACCOUNT);

	if (!uf)
		return NULL;
	kref_init(&uf->ref);
	spin_lock_init(&uf->lock);
	init_waitqueue_head(&uf->wait);
	return uf;
}

static struct list_head *
viopf_fault_fd_list(struct viopf_container *container, u32 cookie)
{
	return &container->undecided[cookie % VIOPF_UNDECIDED_LISTS];
}

static struct iopf_group *viopf_fault_fd_find(struct viopf_container *container,
					      u32 cookie)
{
	struct iopf_group *group;

	list_for_each_entry(group, viopf_fault_fd_list(container, cookie), node)
		if (group->cookie == cookie)
			return group;
	return NULL;
}

/* A number that no undecided group has. */
static u32 viopf_fault_fd_cookie(struct viopf_container *container)
{
	do {
		container->last_cookie++;
		container->last_cookie &= ~VIOPF_COOKIE_APPROVED;
	} while (!container->last_cookie ||
		 viopf_fault_fd_find(container, container->last_cookie));
	return container->last_cookie;
}

static u32 viopf_fault_fd_perm(u32 perm)
{
	return (perm & IOMMU_FAULT_PERM_READ ? VFIO_IOPF_FAULT_PERM_READ : 0) |
	       (perm & IOMMU_FAULT_PERM_WRITE ? VFIO_IOPF_FAULT_PERM_WRITE : 0);
}

static void viopf_fault_fd_describe(const struct iopf_group *group,
				    struct vfio_iopf_fault *event)
{
	struct iopf_fault *fault;

	list_for_each_entry(fault, &group->faults, list) {
		*event = (struct vfio_iopf_fault) {
			.cookie = group->cookie,
			.iova = fault->fault.prm.addr & PAGE_MASK,
			.perm = viopf_fault_fd_perm(fault->fault.prm.perm),
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
static int viopf_fault_fd_fetch_from(struct viopf_container *container,
				     size_t room,
				     struct vfio_iopf_fault *events)
{
	struct iopf_group *group;

	lockdep_assert_held(&container->fault_lock);

	group = list_first_entry_or_null(&container->unread, struct iopf_group,
					 node);
	if (!group)
		return -EAGAIN;
	if (group->fault_count > room)
		return -EINVAL;
	group->cookie = viopf_fault_fd_cookie(container);
	list_move_tail(&group->node,
		       viopf_fault_fd_list(container, group->cookie));
	viopf_fault_fd_describe(group, events);
	return group->fault_count;
}

/* The same; -ENODEV: the container is gone. */
static int viopf_fault_fd_fetch(struct viopf_fault_fd *uf, size_t room,
				struct vfio_iopf_fault *events)
{
	int ret = -ENODEV;

	spin_lock(&uf->lock);
	if (uf->container) {
		spin_lock(&uf->container->fault_lock);
		ret = viopf_fault_fd_fetch_from(uf->container, room, events);
		spin_unlock(&uf->container->fault_lock);
	}
	spin_unlock(&uf->lock);
	return ret;
}

/* It could not be copied out: the next read gets it, if it still waits. */
static void viopf_fault_fd_unfetch(struct viopf_fault_fd *uf, u32 cookie)
{
	struct viopf_container *container;
	struct iopf_group *group;

	spin_lock(&uf->lock);
	container = uf->container;
	if (container) {
		spin_lock(&container->fault_lock);
		group = viopf_fault_fd_find(container, cookie);
		if (group)
			list_move(&group->node, &container->unread);
		spin_unlock(&container->fault_lock);
	}
	spin_unlock(&uf->lock);
	wake_up(&uf->wait);
}

/* Is there something to read, or nothing to be waited for any more? */
static __poll_t viopf_fault_fd_events(struct viopf_fault_fd *uf)
{
	__poll_t events = EPOLLHUP;

	spin_lock(&uf->lock);
	if (uf->container) {
		events = EPOLLOUT | EPOLLWRNORM;
		spin_lock(&uf->container->fault_lock);
		if (!list_empty(&uf->container->unread))
			events |= EPOLLIN | EPOLLRDNORM;
		spin_unlock(&uf->container->fault_lock);
	}
	spin_unlock(&uf->lock);
	return events;
}

static __poll_t viopf_fault_fd_poll(struct file *file, poll_table *table)
{
	struct viopf_fault_fd *uf = file->private_data;

	poll_wait(file, &uf->wait, table);
	return viopf_fault_fd_events(uf);
}

/* As many whole groups as there are and have room; @events is a scratch buffer. */
static ssize_t viopf_fault_fd_read_groups(struct viopf_fault_fd *uf,
					  char __user *buf, size_t count,
					  struct vfio_iopf_fault *events)
{
	size_t done = 0;
	int nr;

	for (;;) {
		nr = viopf_fault_fd_fetch(uf, (count - done) / sizeof(*events),
					  events);
		if (nr < 0)
			return done ?: nr;
		if (copy_to_user(buf + done, events, nr * sizeof(*events))) {
			viopf_fault_fd_unfetch(uf, events->cookie);
			return done ?: -EFAULT;
		}
		done += nr * sizeof(*events);
		cond_resched();
	}
}

static ssize_t viopf_fault_fd_read(struct file *file, char __user *buf,
				   size_t count, loff_t *pos)
{
	struct viopf_fault_fd *uf = file->private_data;
	struct vfio_iopf_fault *events;
	ssize_t ret;

	if (count < sizeof(*events))
		return -EINVAL;
	events = kmalloc_array(VFIO_IOPF_FAULT_GROUP_MAX, sizeof(*events),
			       GFP_KERNEL_ACCOUNT);
	if (!events)
		return -ENOMEM;

	do {
		ret = viopf_fault_fd_read_groups(uf, buf, count, events);
		if (ret != -EAGAIN || (file->f_flags & O_NONBLOCK))
			break;
		ret = wait_event_interruptible(uf->wait,
					       viopf_fault_fd_events(uf) &
					       (EPOLLIN | EPOLLHUP));
	} while (!ret);

	kfree(events);
	return ret == -ENODEV ? 0 : ret;
}

/* Take an undecided group; if it is agreed to, queue it. */
static struct iopf_group *viopf_fault_fd_take(struct viopf_container *container,
					      u32 cookie, bool agreed)
{
	struct iopf_group *group;

	spin_lock(&container->fault_lock);
	group = viopf_fault_fd_find(container, cookie);
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
static int viopf_fault_fd_decide(struct viopf_fault_fd *uf,
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
		group = viopf_fault_fd_take(container, response->cookie, agreed);
	spin_unlock(&uf->lock);

	if (!group)
		return container ? -ENOENT : -ENODEV;
	if (!agreed)
		viopf_answer(container, group,
			     response->code == VFIO_IOPF_FAULT_INVALID ?
			     IOMMU_PAGE_RESP_INVALID : IOMMU_PAGE_RESP_FAILURE,
			     VIOPF_BY_USER);
	return 0;
}

static ssize_t viopf_fault_fd_write(struct file *file, const char __user *buf,
				    size_t count, loff_t *pos)
{
	struct viopf_fault_fd *uf = file->private_data;
	struct vfio_iopf_fault_response response;
	size_t done = 0;
	int ret = 0;

	while (!ret && done < count) {
		if (count - done < sizeof(response))
			ret = -EINVAL;
		else if (copy_from_user(&response, buf + done, sizeof(response)))
			ret = -EFAULT;
		else
			ret = viopf_fault_fd_decide(uf, &response);
		if (!ret)
			done += sizeof(response);
		if (fatal_signal_pending(current))
			break;
		cond_resched();
	}
	return done ?: ret;
}

/* Nobody decides any more: take what waits. False: the container knows already. */
static bool viopf_fault_fd_leave(struct viopf_fault_fd *uf,
				 struct list_head *groups)
{
	struct viopf_container *container = uf->container;
	struct viopf_cancel all = { };
	bool ours;

	spin_lock(&container->fault_lock);
	ours = container->fault_fd == uf;
	if (ours) {
		container->fault_fd = NULL;
		viopf_waiting_take_handed(container, &all, groups);
	}
	spin_unlock(&container->fault_lock);
	return ours;
}

static int viopf_fault_fd_release(struct inode *inode, struct file *file)
{
	struct viopf_fault_fd *uf = file->private_data;
	struct viopf_container *container;
	LIST_HEAD(groups);
	bool ours = false;

	spin_lock(&uf->lock);
	container = uf->container;
	if (container)
		ours = viopf_fault_fd_leave(uf, &groups);
	spin_unlock(&uf->lock);

	viopf_answer_list(container, &groups, IOMMU_PAGE_RESP_INVALID, VIOPF_BY_USER);
	if (ours)
		kref_put(&uf->ref, viopf_fault_fd_free);
	kref_put(&uf->ref, viopf_fault_fd_free);
	return 0;
}

static const struct file_operations viopf_fault_fd_fops = {
	.owner		= THIS_MODULE,
	.read		= viopf_fault_fd_read,
	.write		= viopf_fault_fd_write,
	.poll		= viopf_fault_fd_poll,
	.release	= viopf_fault_fd_release,
};

/* Make it the container's, if it has none: from now on groups come. */
static int viopf_fault_fd_attach(struct viopf_container *container,
				 struct viopf_fault_fd *uf)
{
	int ret = 0;

	spin_lock(&container->fault_lock);
	if (viopf_container_failed(container) || container->closing) {
		ret = -ENODEV;
	} else if (container->fault_fd) {
		ret = -EBUSY;
	} else {
		kref_get(&uf->ref);
		uf->container = container;
		container->fault_fd = uf;
	}
	spin_unlock(&container->fault_lock);
	return ret;
}

/**
 * viopf_fault_fd_detach() - the container goes
 * @container: without groups
 */
void viopf_fault_fd_detach(struct viopf_container *container)
{
	struct viopf_fault_fd *uf;

	spin_lock(&container->fault_lock);
	uf = container->fault_fd;
	container->fault_fd = NULL;
	spin_unlock(&container->fault_lock);
	if (!uf)
		return;

	spin_lock(&uf->lock);
	uf->container = NULL;
	spin_unlock(&uf->lock);
	wake_up_all(&uf->wait);
	kref_put(&uf->ref, viopf_fault_fd_free);
}

/* Whatever fails before the fd is installed is undone by the file's release. */
static int viopf_fault_fd_create(struct viopf_container *container)
{
	struct viopf_fault_fd *uf = viopf_fault_fd_alloc();
	struct file *file;
	int fd, ret;

	if (!uf)
		return -ENOMEM;
	file = anon_inode_getfile("[vfio-iopf-fault]", &viopf_fault_fd_fops, uf,
				  O_RDWR);
	if (IS_ERR(file)) {
		kref_put(&uf->ref, viopf_fault_fd_free);
		return PTR_ERR(file);
	}

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0) {
		ret = fd;
		goto out_put_file;
	}
	ret = viopf_fault_fd_attach(container, uf);
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
 * viopf_fault_fd_open() - VFIO_IOPF_FAULT_FD
 * @container: whose page requests
 * @arg: struct vfio_iopf_fault_fd
 *
 * Return: a file descriptor; -EFAULT; -EINVAL: argsz too small, or flags; -EBUSY:
 * there is one already; -ENODEV: the container failed, or is released; -EMFILE, -ENFILE, -ENOMEM.
 */
int viopf_fault_fd_open(struct viopf_container *container, void __user *arg)
{
	size_t minsz = offsetofend(struct vfio_iopf_fault_fd, flags);
	struct vfio_iopf_fault_fd request;

	if (copy_from_user(&request, arg, minsz))
		return -EFAULT;
	if (request.argsz < minsz || request.flags)
		return -EINVAL;
	return viopf_fault_fd_create(container);
}
