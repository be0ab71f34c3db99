/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The devices of an attached group, and what is counted for each: see device.c.
 */
#ifndef VIOPF_DEVICE_H
#define VIOPF_DEVICE_H

#include <linux/device.h>
#include <linux/iommu.h>
#include <linux/kobject.h>

#include "policy/policy.h"

struct viopf_group;

/**
 * struct viopf_device - a device of a container
 * @dev: the device, which VFIO keeps while its group is attached
 * @vgroup: its group; NULL: it has no IOMMU, its driver asks for pages itself
 * @flooded: since it was attached it has been answered FAILURE for a flood; set once
 * @counters: what it asked for
 * @latency: how long its page requests waited for their answers
 * @kobj: its folder in sysfs, or NULL; uapi/sysfs.c's
 * @node: among its group's devices
 *
 * From the group's attach to its detach, by which all of its page requests have been
 * answered.
 */
struct viopf_device {
	struct device			*dev;
	struct viopf_group		*vgroup;
	bool				flooded;
	struct viopf_device_counters	counters;
	struct viopf_latency		latency;
	struct kobject			*kobj;
	struct list_head		node;
};

int viopf_devices_create(struct list_head *devices, struct iommu_group *group,
			 struct viopf_group *vgroup);
void viopf_devices_destroy(struct list_head *devices);
struct viopf_device *viopf_device_find(struct list_head *devices,
				       const struct device *dev);

#endif /* VIOPF_DEVICE_H */
