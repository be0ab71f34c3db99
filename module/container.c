// SPDX-License-Identifier: GPL-2.0-only
/*
 * Containers: what VFIO's core calls.
 *
 * VFIO opens one of ours when user space chooses VFIO_IOPF_IOMMU, or with
 * takeover=1 one of type1's numbers, for a container that has groups, attaches
 * those, and later detaches them; the last one gone, it releases ours. Attach,
 * detach and release come under VFIO's own lock for the container; ioctls come
 * under none.
 *
 * DOC: an ioctl against release
 *
 * VFIO hands its ioctls on without a lock or a reference (vfio_fops_unl_ioctl() in
 * drivers/vfio/container.c), and an ioctl may sleep for as long as user space likes:
 * in a prefetch, or while its result is copied out. Meanwhile the last group may be
 * taken out. So what VFIO knows a container by is no pointer but a number that is
 * never given twice, and an ioctl looks it up and holds the container, and the module:
 *
 *   ioctl                                  release
 *   ------------------------------------   -----------------------------------
 *   xa_lock: find it, take references
 *                                          xa_lock: nobody finds it any more
 *                                          lock container
 *                                            released = true, unmap all
 *                                          unlock; abort workers, that end
 *                                          drop VFIO's reference
 *   goes on: what it holds is dead, and
 *     nothing new can be mapped
 *   drop the reference: container freed
 *
 * One that comes later finds nothing, even if VFIO has been given another container by
 * then. What comes under VFIO's lock, or from a driver with an open device, needs no
 * reference.
 *
 * DOC: release waits for no user space
 *
 * A worker may be where no signal ends its wait: in a file system that a process serves.
 * That may be the very process whose exit closes the container, and the server's file only
 * after it. So release gives workers a moment; what is not done then end_work does, with a
 * reference to the module, however long it takes.
 */
#include <linux/iommu.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vfio.h>
#include <linux/xarray.h>

#include "../compat/nesting.h"
#include "viopf.h"

/* All containers that VFIO has, by id. Its lock guards who may still be found. */
static DEFINE_XARRAY(viopf_containers);

/* For end_work. */
static struct workqueue_struct *viopf_end_queue;

/*
 * Teach lockdep that reclaim takes a segment's lock, before it ever does: then
 * any allocation under that lock that could reclaim is reported at once, and not
 * on the day when memory is short.
 */
static void viopf_prime_lockdep(void)
{
	struct viopf_segment dummy;

	if (!IS_ENABLED(CONFIG_LOCKDEP))
		return;

	viopf_segment_lock_init(&dummy);
	fs_reclaim_acquire(GFP_KERNEL);
	mutex_lock(&dummy.lock);
	mutex_unlock(&dummy.lock);
	fs_reclaim_release(GFP_KERNEL);
	mutex_destroy(&dummy.lock);
}

/* Do we open containers of that kind? With takeover=1 also type1's. */
static bool viopf_is_ours(unsigned long extension)
{
	switch (extension) {
	case VFIO_IOPF_IOMMU:
		return true;
	case VFIO_TYPE1_IOMMU:
	case VFIO_TYPE1v2_IOMMU:
		return viopf_takeover;
	default:
		return viopf_takeover && compat_is_nesting(extension);
	}
}

static void viopf_container_free(struct kref *ref)
{
	struct viopf_container *container =
		container_of(ref, struct viopf_container, ref);

	viopf_age_release(container->ager);
	viopf_iova_deinit(&container->valid_iova);
	kfree(container->set);
	mutex_destroy(&container->lock);
	mutex_destroy(&container->devices_lock);
	kfree(container);
}

/* The end of a container that nobody finds, once no worker is at work in it. */
static void viopf_container_end(struct viopf_container *container)
{
	viopf_workers_stop(container);
	viopf_userfault_detach(container);
	cancel_work_sync(&container->quarantine_work);

	WARN_ON(!list_empty(&container->domains));
	kref_put(&container->ref, viopf_container_free);
}

/* viopf_containers_exit() waits until this has returned, even without the reference. */
static void viopf_end_work(struct work_struct *work)
{
	viopf_container_end(container_of(work, struct viopf_container,
					 end_work));
	module_put(THIS_MODULE);
}

static struct viopf_container *viopf_container_alloc(unsigned long extension)
{
	static atomic_long_t ids = ATOMIC_LONG_INIT(0);
	struct viopf_container *container;

	container = kzalloc(sizeof(*container), GFP_KERNEL_ACCOUNT);
	if (!container)
		return NULL;

	kref_init(&container->ref);
	mutex_init(&container->lock);
	mutex_init(&container->devices_lock);
	INIT_LIST_HEAD(&container->devices);
	INIT_LIST_HEAD(&container->emulated);
	INIT_LIST_HEAD(&container->domains);
	rwlock_init(&container->map_lock);
	container->mappings = RB_ROOT_CACHED;
	container->mappings_left = viopf_mapping_limit;
	container->v2 = extension != VFIO_TYPE1_IOMMU;
	container->nesting = compat_is_nesting(extension);
	container->enabled = true;
	INIT_WORK(&container->quarantine_work, viopf_keep_work);
	INIT_WORK(&container->end_work, viopf_end_work);
	container->id = atomic_long_inc_return(&ids);
	return container;
}

static void *viopf_open(unsigned long arg)
{
	struct viopf_container *container;
	int ret = -ENOMEM;

	if (!viopf_is_ours(arg))
		return ERR_PTR(-EINVAL);

	viopf_prime_lockdep();
	container = viopf_container_alloc(arg);
	if (!container)
		return ERR_PTR(-ENOMEM);
	container->set = kzalloc(struct_size(container->set, domains, 0),
				 GFP_KERNEL_ACCOUNT);
	if (!container->set)
		goto out_free;
	ret = viopf_iova_init(&container->valid_iova, GFP_KERNEL_ACCOUNT);
	if (ret)
		goto out_free_set;
	ret = viopf_workers_start(container);
	if (ret)
		goto out_deinit_iova;
	ret = xa_insert(&viopf_containers, container->id, container,
			GFP_KERNEL_ACCOUNT);
	if (ret)
		goto out_stop_workers;
	return (void *)container->id;

out_stop_workers:
	viopf_workers_abort(container);
	viopf_workers_stop(container);
out_deinit_iova:
	viopf_iova_deinit(&container->valid_iova);
out_free_set:
	kfree(container->set);
out_free:
	kfree(container);
	return ERR_PTR(ret);
}

/**
 * viopf_container_of() - the container that VFIO means
 * @iommu_data: what VFIO knows it by
 *
 * For calls during which VFIO does not release it: see the top of this file.
 *
 * Return: the container.
 */
struct viopf_container *viopf_container_of(void *iommu_data)
{
	return xa_load(&viopf_containers, (unsigned long)iommu_data);
}

/**
 * viopf_container_get_next() - hold the first container from an id on
 * @id: the id; set to that of the container found
 * @last: the last id to look at
 *
 * The module stays as well until viopf_container_put(): as long as VFIO has the
 * container VFIO holds the module.
 *
 * Return: the container; NULL: VFIO has none there, or no longer.
 */
struct viopf_container *viopf_container_get_next(unsigned long *id,
						 unsigned long last)
{
	struct viopf_container *container;

	xa_lock(&viopf_containers);
	container = xa_find(&viopf_containers, id, last, XA_PRESENT);
	if (container) {
		kref_get(&container->ref);
		__module_get(THIS_MODULE);
	}
	xa_unlock(&viopf_containers);
	return container;
}

/**
 * viopf_container_put() - let go of a container
 * @container: of viopf_container_get_next(); freed if VFIO has let go of it as well
 */
void viopf_container_put(struct viopf_container *container)
{
	kref_put(&container->ref, viopf_container_free);
	module_put(THIS_MODULE);
}

/* No group is attached any more. */
static void viopf_release(void *iommu_data)
{
	struct viopf_container *container = viopf_container_of(iommu_data);

	xa_erase(&viopf_containers, container->id);

	mutex_lock(&container->lock);
	container->released = true;
	viopf_mapping_unmap_all(container);
	mutex_unlock(&container->lock);
	if (viopf_workers_abort(container)) {
		viopf_container_end(container);
		return;
	}
	__module_get(THIS_MODULE);
	queue_work(viopf_end_queue, &container->end_work);
}

static int viopf_attach_group(void *iommu_data, struct iommu_group *group,
			      enum vfio_group_type type)
{
	struct viopf_container *container = viopf_container_of(iommu_data);
	struct viopf_group *vgroup;
	int ret = -EINVAL;

	mutex_lock(&container->lock);
	/* As type1: what the group needs of a mapping can't be had just now. */
	if (container->nr_waiting) {
		ret = -EBUSY;
		goto out_unlock;
	}
	if (viopf_group_find(container, group) ||
	    viopf_emulated_has(container, group))
		goto out_unlock;
	if (type == VFIO_EMULATED_IOMMU)
		ret = viopf_emulated_attach(container, group);
	if (type != VFIO_IOMMU)
		goto out_unlock;
	vgroup = viopf_group_create(container, group);
	if (!vgroup) {
		ret = -ENOMEM;
		goto out_unlock;
	}
	ret = viopf_group_attach(vgroup);
	if (ret)
		viopf_group_destroy(vgroup);
	else
		viopf_externals_install(container);
out_unlock:
	mutex_unlock(&container->lock);
	return ret;
}

static void viopf_detach_group(void *iommu_data, struct iommu_group *group)
{
	struct viopf_container *container = viopf_container_of(iommu_data);
	struct viopf_group *vgroup;

	mutex_lock(&container->lock);
	if (viopf_emulated_detach(container, group))
		goto out_unlock;
	vgroup = viopf_group_find(container, group);
	if (!WARN_ON(!vgroup)) {
		viopf_group_detach(vgroup);
		viopf_group_destroy(vgroup);
	}
out_unlock:
	mutex_unlock(&container->lock);
}

static struct iommu_domain *viopf_group_iommu_domain(void *iommu_data,
						     struct iommu_group *group)
{
	struct viopf_container *container = viopf_container_of(iommu_data);
	struct iommu_domain *domain = ERR_PTR(-ENODEV);
	struct viopf_group *vgroup;

	mutex_lock(&container->lock);
	vgroup = viopf_group_find(container, group);
	if (vgroup)
		domain = vgroup->domain->domain;
	mutex_unlock(&container->lock);
	return domain;
}

static bool viopf_is_coherent(struct viopf_container *container)
{
	bool coherent;

	mutex_lock(&container->lock);
	coherent = viopf_container_is_coherent(container);
	mutex_unlock(&container->lock);
	return coherent;
}

static long viopf_check_extension(struct viopf_container *container,
				  unsigned long arg)
{
	switch (arg) {
	case VFIO_IOPF:
		return 1;
	case VFIO_UNMAP_ALL:
		/* Without takeover we can't speak for type1's containers. */
		return container || viopf_takeover;
	case VFIO_DMA_CC_IOMMU:
		return container && viopf_is_coherent(container);
	case VFIO_UPDATE_VADDR:
		return container && !viopf_emulated_any(container);
	default:
		return viopf_is_ours(arg);
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

static long viopf_unmap_dma(struct viopf_container *container,
			    void __user *arg)
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
	int ret = 0;

	if (copy_from_user(&enable, arg, minsz))
		return -EFAULT;
	if (enable.argsz < minsz || enable.flags)
		return -EINVAL;

	mutex_lock(&container->lock);
	if (viopf_container_failed(container))
		ret = -ENODEV;
	else if (on)
		viopf_mode_enable_iopf(container);
	else if (container->nr_waiting)
		ret = -EBUSY;
	else
		ret = viopf_mode_disable_iopf(container);
	mutex_unlock(&container->lock);
	return ret == -EIO ? -ENODEV : ret;
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
	case VFIO_IOPF_FAULT_FD:
		return viopf_userfault_open(container, uarg);
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
	return ret;
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
