// SPDX-License-Identifier: GPL-2.0-only
/*
 * Containers: what VFIO's core calls.
 *
 * VFIO opens one of ours when user space chooses VFIO_IOPF_IOMMU, or with
 * takeover=1 one of type1's numbers, for a container that has groups, attaches
 * those, and later detaches them; the last one gone, it releases ours. Attach,
 * detach and release come under VFIO's own lock for the container; ioctls come
 * under none.
 */
#include <linux/iommu.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vfio.h>

#include "viopf.h"

/* All containers, for debugfs. */
DEFINE_MUTEX(viopf_containers_lock);
LIST_HEAD(viopf_containers);

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
	case VFIO_TYPE1_NESTING_IOMMU:
		return viopf_takeover;
	default:
		return false;
	}
}

static struct viopf_container *viopf_container_alloc(unsigned long extension)
{
	static atomic_t ids = ATOMIC_INIT(0);
	struct viopf_container *container;

	container = kzalloc(sizeof(*container), GFP_KERNEL_ACCOUNT);
	if (!container)
		return NULL;

	mutex_init(&container->lock);
	mutex_init(&container->devices_lock);
	INIT_LIST_HEAD(&container->devices);
	INIT_LIST_HEAD(&container->emulated);
	INIT_LIST_HEAD(&container->domains);
	rwlock_init(&container->map_lock);
	container->mappings = RB_ROOT_CACHED;
	container->mappings_left = viopf_mapping_limit;
	container->v2 = extension != VFIO_TYPE1_IOMMU;
	container->nesting = extension == VFIO_TYPE1_NESTING_IOMMU;
	container->enabled = true;
	INIT_WORK(&container->quarantine_work, viopf_keep_work);
	container->id = atomic_inc_return(&ids);
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

	mutex_lock(&viopf_containers_lock);
	list_add_tail(&container->node, &viopf_containers);
	mutex_unlock(&viopf_containers_lock);
	return container;

out_deinit_iova:
	viopf_iova_deinit(&container->valid_iova);
out_free_set:
	kfree(container->set);
out_free:
	kfree(container);
	return ERR_PTR(ret);
}

static void viopf_release(void *iommu_data)
{
	struct viopf_container *container = iommu_data;

	mutex_lock(&viopf_containers_lock);
	list_del(&container->node);
	mutex_unlock(&viopf_containers_lock);

	mutex_lock(&container->lock);
	viopf_mapping_unmap_all(container);
	mutex_unlock(&container->lock);
	viopf_userfault_detach(container);
	viopf_workers_stop(container);
	cancel_work_sync(&container->quarantine_work);

	WARN_ON(!list_empty(&container->domains));
	viopf_age_release(container->ager);
	viopf_iova_deinit(&container->valid_iova);
	kfree(container->set);
	mutex_destroy(&container->lock);
	mutex_destroy(&container->devices_lock);
	kfree(container);
}

static int viopf_attach_group(void *iommu_data, struct iommu_group *group,
			      enum vfio_group_type type)
{
	struct viopf_container *container = iommu_data;
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
	struct viopf_container *container = iommu_data;
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
	struct viopf_container *container = iommu_data;
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
		ret = viopf_mapping_unmap(container, &unmap);
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

static long viopf_ioctl(void *iommu_data, unsigned int cmd, unsigned long arg)
{
	struct viopf_container *container = iommu_data;
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
