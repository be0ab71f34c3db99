// SPDX-License-Identifier: GPL-2.0-only
/*
 * The devices of an attached group.
 *
 * The IOMMU knows groups; administrators know devices. So each is counted for. Those are
 * listed that are in the group when it is attached: what joins it later VFIO's clients can't
 * have before they attach it again.
 */
#include "object/internal.h"

struct viopf_devices_walk {
	struct list_head	*devices;
	struct viopf_group	*vgroup;
};

static int viopf_devices_add(struct device *dev, void *data)
{
	struct viopf_devices_walk *walk = data;
	struct viopf_device *device;

	device = kzalloc(sizeof(*device), GFP_KERNEL_ACCOUNT);
	if (!device)
		return -ENOMEM;
	device->dev = dev;
	device->vgroup = walk->vgroup;
	list_add_tail(&device->node, walk->devices);
	return 0;
}

/**
 * viopf_devices_create() - note the devices of a group
 * @devices: an empty list, which is set to them
 * @group: the iommu core's object
 * @vgroup: ours, to be attached; NULL for an emulated one
 *
 * Return: 0; -ENOMEM, and none.
 */
int viopf_devices_create(struct list_head *devices, struct iommu_group *group,
			 struct viopf_group *vgroup)
{
	struct viopf_devices_walk walk = {
		.devices = devices, .vgroup = vgroup,
	};
	int ret;

	ret = iommu_group_for_each_dev(group, &walk, viopf_devices_add);
	if (ret)
		viopf_devices_destroy(devices);
	return ret;
}

/**
 * viopf_devices_destroy() - forget them
 * @devices: of a group that is not attached
 */
void viopf_devices_destroy(struct list_head *devices)
{
	struct viopf_device *device, *next;

	list_for_each_entry_safe(device, next, devices, node) {
		list_del(&device->node);
		kfree(device);
	}
}

/**
 * viopf_device_find() - find one of them
 * @devices: of an attached group
 * @dev: the device
 *
 * Return: it; NULL: it was not there when the group was attached.
 */
struct viopf_device *viopf_device_find(struct list_head *devices,
				       const struct device *dev)
{
	struct viopf_device *device;

	list_for_each_entry(device, devices, node)
		if (device->dev == dev)
			return device;
	return NULL;
}
