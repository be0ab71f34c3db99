// SPDX-License-Identifier: GPL-2.0-only
/*
 * The life of a container, and which containers there are.
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
 */
#include <linux/device.h>
#include <linux/module.h>
#include <linux/vfio.h>

#include "compat/nesting.h"
#include "object/internal.h"

/* All containers that VFIO has, by id. Its lock guards who may still be found. */
static DEFINE_XARRAY(viopf_containers);

static void viopf_container_free(struct kref *ref)
{
	struct viopf_container *container =
		container_of(ref, struct viopf_container, ref);

	viopf_age_release(container->ager);
	viopf_iova_deinit(&container->valid_iova);
	kfree(container->iommu.set);
	put_pid(container->opener);
	mutex_destroy(&container->lock);
	mutex_destroy(&container->devices_lock);
	kfree(container);
}

static void viopf_container_init(struct viopf_container *container,
				 unsigned long type)
{
	static atomic_long_t ids = ATOMIC_LONG_INIT(0);

	kref_init(&container->ref);
	mutex_init(&container->lock);
	mutex_init(&container->devices_lock);
	INIT_LIST_HEAD(&container->devices);
	INIT_LIST_HEAD(&container->emulated);
	INIT_LIST_HEAD(&container->domains);
	rwlock_init(&container->map_lock);
	container->mappings = RB_ROOT_CACHED;
	container->mappings_left = READ_ONCE(viopf_mapping_limit);
	container->v2 = type != VFIO_TYPE1_IOMMU;
	container->nesting = compat_is_nesting(type);
	container->enabled = true;
	container->iommu.id = atomic_long_inc_return(&ids);
	container->type = type;
	container->opener = get_pid(task_tgid(current));
	get_task_comm(container->comm, current->group_leader);
}

/**
 * viopf_container_create() - make a container, which nobody finds yet
 * @type: VFIO_IOPF_IOMMU, or one of type1's numbers
 *
 * Return: it, without works and workers, which are its user's; NULL without memory.
 */
struct viopf_container *viopf_container_create(unsigned long type)
{
	struct viopf_container *container;

	container = kzalloc(sizeof(*container), GFP_KERNEL_ACCOUNT);
	if (!container)
		return NULL;
	viopf_container_init(container, type);
	container->iommu.set = kzalloc(struct_size(container->iommu.set, domains, 0),
				       GFP_KERNEL_ACCOUNT);
	if (!container->iommu.set ||
	    viopf_iova_init(&container->valid_iova, GFP_KERNEL_ACCOUNT)) {
		viopf_container_drop(container);
		return NULL;
	}
	return container;
}

/**
 * viopf_container_drop() - give up VFIO's reference
 * @container: which nobody finds; freed with the last reference
 */
void viopf_container_drop(struct viopf_container *container)
{
	kref_put(&container->ref, viopf_container_free);
}

/**
 * viopf_container_publish() - let a container be found
 * @container: ready for whatever may come
 *
 * Return: 0; -ENOMEM.
 */
int viopf_container_publish(struct viopf_container *container)
{
	return xa_insert(&viopf_containers, container->iommu.id, container,
			 GFP_KERNEL_ACCOUNT);
}

/**
 * viopf_container_withdraw() - nobody finds a container any more
 * @container: of which VFIO lets go
 */
void viopf_container_withdraw(struct viopf_container *container)
{
	xa_erase(&viopf_containers, container->iommu.id);
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

/**
 * viopf_container_tell() - tell user space what has become of a container
 * @container: which
 * @event: in a word: the uevent's IOPF_EVENT
 *
 * May wait for memory.
 */
void viopf_container_tell(struct viopf_container *container, const char *event)
{
	char text[32];
	char *env[2] = { text };

	if (!container->dev)
		return;
	scnprintf(text, sizeof(text), "IOPF_EVENT=%s", event);
	kobject_uevent_env(&container->dev->kobj, KOBJ_CHANGE, env);
}
