// SPDX-License-Identifier: GPL-2.0-only
/*
 * What VFIO's core calls, and what user space asks of a container.
 *
 * VFIO opens one of ours when user space chooses VFIO_IOPF_IOMMU, or one of type1's
 * numbers where that may be taken over (takeover.c), for a container that has groups,
 * attaches those, and later detaches them; the last one gone, it releases ours. Attach,
 * detach and release come under VFIO's own lock for the container; ioctls come
 * under none (object/container.c).
 *
 * DOC: release waits for no user space
 *
 * A worker may be where no signal ends its wait: in a file system that a process serves.
 * That may be the very process whose exit closes the container, and the server's file only
 * after it. So release gives workers a moment; what is not done then end_work does, with a
 * reference to the module, however long it takes.
 *
 * Threads that can't be ended are nobody's then, and count towards no limit of the user's. So
 * that nobody makes ever more of them, a group that has left VIOPF_ENDING_MAX such containers
 * behind is not attached to another one.
 */
#include <linux/module.h>
#include <linux/sched/mm.h>

#include "compat/nesting.h"
#include "uapi/internal.h"

/* For end_work. */
static struct workqueue_struct *viopf_end_queue;

/* Containers whose end_work has not ended their workers yet. */
#define VIOPF_ENDING_MAX	4
static LIST_HEAD(viopf_ending);
static DEFINE_SPINLOCK(viopf_ending_lock);

/* Has a group left as many behind as it may? */
static bool viopf_ending_are_many(struct iommu_group *group)
{
	struct viopf_container *container;
	unsigned int nr = 0;

	spin_lock(&viopf_ending_lock);
	list_for_each_entry(container, &viopf_ending, ending)
		nr += container->last_group == iommu_group_id(group);
	spin_unlock(&viopf_ending_lock);
	return nr >= VIOPF_ENDING_MAX;
}

/* One of the numbers of the kernel's own backend? */
static bool viopf_is_type1(unsigned long extension)
{
	return extension == VFIO_TYPE1_IOMMU ||
	       extension == VFIO_TYPE1v2_IOMMU || compat_is_nesting(extension);
}

/* Do we open containers of that kind? */
static enum viopf_claim viopf_claim(unsigned long extension)
{
	if (extension == VFIO_IOPF_IOMMU)
		return VIOPF_CLAIM_ALL;
	return viopf_is_type1(extension) ? viopf_takeover_claim() :
					   VIOPF_CLAIM_NONE;
}

/* The end of a container that nobody finds, once no worker is at work in it. */
static void viopf_container_end(struct viopf_container *container)
{
	viopf_workers_stop(container);
	spin_lock(&viopf_ending_lock);
	list_del(&container->ending);
	spin_unlock(&viopf_ending_lock);
	viopf_fault_fd_detach(container);
	cancel_work_sync(&container->iommu.quarantine_work);
	viopf_sysfs_remove(container);

	WARN_ON(!list_empty(&container->domains));
	viopf_container_drop(container);
}

/* viopf_containers_exit() waits until this has returned, even without the reference. */
static void viopf_end_work(struct work_struct *work)
{
	viopf_container_end(container_of(work, struct viopf_container,
					 end_work));
	module_put(THIS_MODULE);
}

static void *viopf_open(unsigned long arg)
{
	enum viopf_claim claim = viopf_claim(arg);
	struct viopf_container *container;
	int ret;

	if (claim == VIOPF_CLAIM_NONE)
		return ERR_PTR(-EINVAL);

	viopf_table_prime_lockdep();
	container = viopf_container_create(arg);
	if (!container)
		return ERR_PTR(-ENOMEM);
	container->unclaimed = claim == VIOPF_CLAIM_BY_DEVICE;
	INIT_WORK(&container->iommu.quarantine_work, viopf_quarantine_work);
	INIT_WORK(&container->end_work, viopf_end_work);
	INIT_LIST_HEAD(&container->ending);
	ret = viopf_workers_start(container);
	if (ret)
		goto out_drop;
	/* What may not be ours nobody is told of yet. */
	if (!container->unclaimed)
		ret = viopf_sysfs_add(container);
	if (ret)
		goto out_stop_workers;
	ret = viopf_container_publish(container);
	if (ret)
		goto out_remove_sysfs;
	return (void *)container->iommu.id;

out_remove_sysfs:
	viopf_sysfs_remove(container);
out_stop_workers:
	viopf_workers_abort(container);
	viopf_workers_stop(container);
out_drop:
	viopf_container_drop(container);
	return ERR_PTR(ret);
}

/* No group is attached any more. */
static void viopf_release(void *iommu_data)
{
	struct viopf_container *container = viopf_container_of(iommu_data);

	viopf_container_withdraw(container);

	mutex_lock(&container->lock);
	container->released = true;
	viopf_mapping_unmap_all(container);
	mutex_unlock(&container->lock);
	if (viopf_workers_abort(container)) {
		viopf_container_end(container);
		return;
	}
	__module_get(THIS_MODULE);
	spin_lock(&viopf_ending_lock);
	list_add(&container->ending, &viopf_ending);
	spin_unlock(&viopf_ending_lock);
	queue_work(viopf_end_queue, &container->end_work);
}

/* What user space is told: -EIO, that a container has failed, is -ENODEV to it. */
static long viopf_errno(long ret)
{
	return ret == -EIO ? -ENODEV : ret;
}

static int viopf_attach_emulated(struct viopf_container *container,
				 struct iommu_group *group)
{
	int ret = viopf_emulated_attach(container, group);

	if (ret)
		return ret;
	ret = viopf_sysfs_add_devices(container, viopf_emulated_devices(container, group));
	if (ret)
		viopf_emulated_detach(container, group);
	return ret;
}

static int viopf_attach_physical(struct viopf_container *container,
				 struct iommu_group *group)
{
	struct viopf_group *vgroup = viopf_group_create(container, group);
	int ret;

	if (!vgroup)
		return -ENOMEM;
	ret = viopf_group_attach(vgroup);
	if (ret)
		goto out_destroy;
	ret = viopf_sysfs_add_devices(container, &vgroup->devices);
	if (ret)
		goto out_detach;
	viopf_externals_install(container);
	return 0;

out_detach:
	viopf_group_detach(vgroup);
out_destroy:
	viopf_group_destroy(vgroup);
	return viopf_errno(ret);
}

/* The first group comes, which says whether a container is ours. */
static int viopf_container_claim(struct viopf_container *container,
				 struct iommu_group *group)
{
	int ret;

	/* VFIO goes on to type1, and says the same without it. */
	if (!viopf_takeover_has_group(group))
		return -ENODEV;
	ret = viopf_sysfs_add(container);
	container->unclaimed = ret;
	return ret;
}

static int viopf_attach_group(void *iommu_data, struct iommu_group *group,
			      enum vfio_group_type type)
{
	struct viopf_container *container = viopf_container_of(iommu_data);
	int ret;

	guard(mutex)(&container->lock);
	if (container->unclaimed) {
		ret = viopf_container_claim(container, group);
		if (ret)
			return ret;
	}
	/* As type1: what the group needs of a mapping can't be had just now. */
	if (container->vaddr_invalid_count)
		return -EBUSY;
	if (viopf_group_find(container, group) ||
	    viopf_emulated_has(container, group))
		return -EINVAL;
	if (viopf_ending_are_many(group)) {
		pr_warn_ratelimited("group %d: page requests of its last containers still wait for a file system; no more are opened for it until that answers\n",
				    iommu_group_id(group));
		return -EBUSY;
	}
	container->last_group = iommu_group_id(group);
	if (type == VFIO_EMULATED_IOMMU)
		return viopf_attach_emulated(container, group);
	if (type != VFIO_IOMMU)
		return -EINVAL;
	return viopf_attach_physical(container, group);
}

static void viopf_detach_group(void *iommu_data, struct iommu_group *group)
{
	struct viopf_container *container = viopf_container_of(iommu_data);
	struct viopf_group *vgroup;

	guard(mutex)(&container->lock);
	if (viopf_emulated_has(container, group)) {
		viopf_sysfs_remove_devices(viopf_emulated_devices(container, group));
		viopf_emulated_detach(container, group);
		return;
	}
	vgroup = viopf_group_find(container, group);
	if (!WARN_ON(!vgroup)) {
		viopf_sysfs_remove_devices(&vgroup->devices);
		viopf_group_detach(vgroup);
		viopf_group_destroy(vgroup);
	}
}

static struct iommu_domain *viopf_group_iommu_domain(void *iommu_data,
						     struct iommu_group *group)
{
	struct viopf_container *container = viopf_container_of(iommu_data);
	struct viopf_group *vgroup;

	guard(mutex)(&container->lock);
	vgroup = viopf_group_find(container, group);
	return vgroup ? vgroup->domain->domain : ERR_PTR(-ENODEV);
}

static bool viopf_is_coherent(struct viopf_container *container)
{
	guard(mutex)(&container->lock);
	return viopf_container_is_coherent(container);
}

/* What it was opened for stays true, whatever is taken over by now. */
static bool viopf_container_is(const struct viopf_container *container,
			       unsigned long extension)
{
	return extension == VFIO_IOPF_IOMMU ||
	       (container->type != VFIO_IOPF_IOMMU && viopf_is_type1(extension));
}

static long viopf_check_extension(struct viopf_container *container,
				  unsigned long arg)
{
	switch (arg) {
	case VFIO_IOPF:
		return 1;
	case VFIO_UNMAP_ALL:
		/* As type1. Without takeover we can't speak for its containers. */
		return container || viopf_takeover_claim();
	case VFIO_DMA_CC_IOMMU:
		return container && viopf_is_coherent(container);
	case VFIO_UPDATE_VADDR:
		return container && !viopf_emulated_any(container);
	default:
		return container ? viopf_container_is(container, arg) :
				   viopf_claim(arg) != VIOPF_CLAIM_NONE;
	}
}

/*
 * Take the tag off an address of the caller's (Arm's TBI and MTE, Intel's LAM), which neither
 * a VMA nor a notifier has. The mm's own mask is under its lock.
 */
static int viopf_untag(u64 *vaddr)
{
	if (mmap_read_lock_killable(current->mm))
		return -EINTR;
	*vaddr = untagged_addr_remote(current->mm, (unsigned long)*vaddr);
	mmap_read_unlock(current->mm);
	return 0;
}

static long viopf_map_dma(struct viopf_container *container, void __user *arg)
{
	const u32 known = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE |
			  VFIO_DMA_MAP_FLAG_VADDR | VIOPF_MAP_MODES;
	size_t minsz = offsetofend(struct vfio_iommu_type1_dma_map, size);
	struct vfio_iommu_type1_dma_map map;

	if (copy_from_user(&map, arg, minsz))
		return -EFAULT;
	if (map.argsz < minsz || map.flags & ~known)
		return -EINVAL;
	if (viopf_untag(&map.vaddr))
		return -EINTR;
	return viopf_mapping_create(container, &map);
}

static long viopf_unmap_dma(struct viopf_container *container, void __user *arg)
{
	const u32 dirty = VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP;
	const u32 known = dirty | VFIO_DMA_UNMAP_FLAG_ALL |
			  VFIO_DMA_UNMAP_FLAG_VADDR;
	size_t minsz = offsetofend(struct vfio_iommu_type1_dma_unmap, size);
	struct vfio_iommu_type1_dma_unmap unmap;
	int ret;

	if (copy_from_user(&unmap, arg, minsz))
		return -EFAULT;
	if (unmap.argsz < minsz || unmap.flags & ~known)
		return -EINVAL;
	/* Nothing else along with it. */
	if (unmap.flags & dirty && unmap.flags & ~dirty)
		return -EINVAL;

	if (unmap.flags & dirty)
		ret = viopf_dirty_unmap(container, &unmap, arg);
	else
		ret = viopf_mapping_unmap(container, &unmap, NULL);
	if (ret)
		return ret;
	return copy_to_user(arg, &unmap, minsz) ? -EFAULT : 0;
}

static long viopf_enable(struct viopf_container *container, bool on,
			 void __user *arg)
{
	size_t minsz = offsetofend(struct vfio_iopf_enable, flags);
	struct vfio_iopf_enable enable;

	if (copy_from_user(&enable, arg, minsz))
		return -EFAULT;
	if (enable.argsz < minsz || enable.flags)
		return -EINVAL;

	guard(mutex)(&container->lock);
	if (viopf_container_failed(container))
		return -EIO;
	if (!on)
		return container->vaddr_invalid_count ? -EBUSY :
					       viopf_mode_disable_iopf(container);
	viopf_mode_enable_iopf(container);
	return 0;
}

/* What user space asks of a container that is held. */
static long viopf_container_ioctl(struct viopf_container *container,
				  unsigned int cmd, unsigned long arg)
{
	void __user *uarg = (void __user *)arg;

	switch (cmd) {
	case VFIO_CHECK_EXTENSION:
		return viopf_check_extension(container, arg);
	case VFIO_IOMMU_GET_INFO:
		return viopf_get_info(container, uarg);
	case VFIO_IOMMU_MAP_DMA:
		return viopf_map_dma(container, uarg);
	case VFIO_IOMMU_UNMAP_DMA:
		return viopf_unmap_dma(container, uarg);
	case VFIO_IOMMU_DIRTY_PAGES:
		return viopf_dirty_pages(container, uarg);
	case VFIO_IOPF_ENABLE:
		return viopf_enable(container, true, uarg);
	case VFIO_IOPF_DISABLE:
		return viopf_enable(container, false, uarg);
	case VFIO_IOPF_ADVISE:
		return viopf_advise(container, uarg);
	case VFIO_IOPF_RESIDENCY:
		return viopf_get_residency(container, uarg);
	case VFIO_IOPF_STATS:
		return viopf_get_stats(container, uarg);
	case VFIO_IOPF_MAPPINGS:
		return viopf_get_mappings(container, uarg);
	case VFIO_IOPF_FAULT_FD:
		return viopf_fault_fd_open(container, uarg);
	default:
		return -ENOTTY;
	}
}

static long viopf_ioctl(void *iommu_data, unsigned int cmd, unsigned long arg)
{
	unsigned long id = (unsigned long)iommu_data;
	struct viopf_container *container;
	long ret;

	/* VFIO asks what we can do before it opens a container. */
	if (!id)
		return cmd == VFIO_CHECK_EXTENSION ?
		       viopf_check_extension(NULL, arg) : -EINVAL;
	container = viopf_container_get_next(&id, id);
	/* Released: VFIO itself says this without a backend. */
	if (!container)
		return -EINVAL;
	ret = viopf_container_ioctl(container, cmd, arg);
	viopf_container_put(container);
	return viopf_errno(ret);
}

const struct vfio_iommu_driver_ops viopf_driver_ops = {
	.name			= "vfio-iommu-iopf",
	.owner			= THIS_MODULE,
	.open			= viopf_open,
	.release		= viopf_release,
	.ioctl			= viopf_ioctl,
	.attach_group		= viopf_attach_group,
	.detach_group		= viopf_detach_group,
	.pin_pages		= viopf_emulated_pin,
	.unpin_pages		= viopf_emulated_unpin,
	.register_device	= viopf_emulated_open,
	.unregister_device	= viopf_emulated_close,
	.dma_rw			= viopf_emulated_rw,
	.group_iommu_domain	= viopf_group_iommu_domain,
};

/**
 * viopf_containers_init() - get ready for containers
 *
 * Return: 0 or -ENOMEM.
 */
int __init viopf_containers_init(void)
{
	viopf_end_queue = alloc_workqueue("vfio_iommu_iopf", WQ_UNBOUND, 0);
	return viopf_end_queue ? 0 : -ENOMEM;
}

/**
 * viopf_containers_exit() - the last of them has ended
 */
void viopf_containers_exit(void)
{
	destroy_workqueue(viopf_end_queue);
}
