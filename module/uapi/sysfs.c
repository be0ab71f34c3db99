// SPDX-License-Identifier: GPL-2.0-only
/*
 * The class vfio_iopf in sysfs: a device for each container, and below it a folder for each
 * of its devices. Documentation/ABI's place is taken by vfio_iommu_iopf(4).
 *
 * DOC: who reads, and what may go meanwhile
 *
 * A container's device is there from just before VFIO can find the container, or where its
 * first group says whether it is ours, from then on, until its workers have ended; a
 * device's folder from after its group's attach until before its detach. Taking either
 * away waits for those who read (kernfs_drain() in fs/kernfs/dir.c). The folders go with
 * container->lock held. So what is shown here is read without any lock that is held for
 * long, and is not of one moment.
 *
 * All of it is for root: how a process's memory is used is its own affair.
 */
#include <linux/device.h>
#include <linux/kobject.h>
#include <linux/pid.h>
#include <linux/sysfs.h>
#include <linux/vfio.h>

#include <linux/vfio_iopf.h>

#include "compat/nesting.h"
#include "uapi/internal.h"

static void viopf_class_release(struct device *dev)
{
	kfree(dev);
}

static struct class viopf_class = {
	.name = "vfio_iopf",
	.class_groups = viopf_takeover_groups,
	.dev_release = viopf_class_release,
};

static struct viopf_container *viopf_container_of_dev(struct device *dev)
{
	return dev_get_drvdata(dev);
}

/* Of a container. */

static ssize_t type_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	switch (viopf_container_of_dev(dev)->type) {
	case VFIO_TYPE1_IOMMU:
		return sysfs_emit(buf, "type1\n");
	case VFIO_TYPE1v2_IOMMU:
		return sysfs_emit(buf, "type1v2\n");
	case VFIO_IOPF_IOMMU:
		return sysfs_emit(buf, "iopf\n");
	default:
		return sysfs_emit(buf, "nesting\n");
	}
}
static DEVICE_ATTR_ADMIN_RO(type);

static ssize_t pid_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct pid *opener = viopf_container_of_dev(dev)->opener;
	bool alive;

	rcu_read_lock();
	alive = pid_task(opener, PIDTYPE_TGID);
	rcu_read_unlock();
	return sysfs_emit(buf, "%d\n", alive ? pid_nr(opener) : 0);
}
static DEVICE_ATTR_ADMIN_RO(pid);

static ssize_t comm_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%s\n", viopf_container_of_dev(dev)->comm);
}
static DEVICE_ATTR_ADMIN_RO(comm);

static ssize_t mode_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	bool pinned = READ_ONCE(viopf_container_of_dev(dev)->pinned);

	return sysfs_emit(buf, "%s\n", pinned ? "pinned" : "faultable");
}
static DEVICE_ATTR_ADMIN_RO(mode);

static ssize_t enabled_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%d\n", READ_ONCE(viopf_container_of_dev(dev)->enabled));
}
static DEVICE_ATTR_ADMIN_RO(enabled);

/* "ok", or what is wrong: @cut_off, if it is cut off, and that it was flooded. */
static ssize_t viopf_health_emit(char *buf, const char *cut_off, bool flooded)
{
	if (!cut_off)
		return sysfs_emit(buf, "%s\n", flooded ? "flooded" : "ok");
	return sysfs_emit(buf, "%s%s\n", cut_off, flooded ? " flooded" : "");
}

static ssize_t health_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct viopf_container *container = viopf_container_of_dev(dev);

	return viopf_health_emit(buf, viopf_container_failed(container) ? "failed" : NULL,
				 atomic64_read(&container->iommu.counters.floods));
}
static DEVICE_ATTR_ADMIN_RO(health);

static ssize_t viopf_latency_emit(const struct viopf_latency *latency, char *buf)
{
	unsigned int bucket;
	int at = 0;
	u64 count;

	for (bucket = 0; bucket < VIOPF_LATENCY_BUCKETS; bucket++) {
		count = atomic64_read(&latency->counts[bucket]);
		if (count && at < PAGE_SIZE)
			at += sysfs_emit_at(buf, at, "%llu %llu\n",
					    viopf_latency_from(bucket), count);
	}
	return at;
}

static ssize_t latency_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return viopf_latency_emit(&viopf_container_of_dev(dev)->latency, buf);
}
static DEVICE_ATTR_ADMIN_RO(latency);

static struct attribute *viopf_container_attrs[] = {
	&dev_attr_type.attr,
	&dev_attr_pid.attr,
	&dev_attr_comm.attr,
	&dev_attr_mode.attr,
	&dev_attr_enabled.attr,
	&dev_attr_health.attr,
	&dev_attr_latency.attr,
	NULL
};

static const struct attribute_group viopf_container_group = {
	.attrs = viopf_container_attrs,
};

/* Its folder stats: struct vfio_iopf_stats, a file for each member. */

struct viopf_stat {
	struct device_attribute	attr;
	size_t			offset;
};

static ssize_t viopf_stat_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	const struct viopf_stat *stat = container_of(attr, struct viopf_stat, attr);
	struct vfio_iopf_stats stats;

	viopf_stats_collect(viopf_container_of_dev(dev), &stats);
	return sysfs_emit(buf, "%llu\n", *(u64 *)((void *)&stats + stat->offset));
}

#define VIOPF_STATS(X)	VIOPF_COUNTERS(X) X(segment_bytes) X(workers) X(faults_pending)

#define VIOPF_STAT(_name)						\
	static struct viopf_stat viopf_stat_##_name = {			\
		.attr = __ATTR(_name, 0400, viopf_stat_show, NULL),	\
		.offset = offsetof(struct vfio_iopf_stats, _name),	\
	};
#define VIOPF_STAT_ATTR(_name)	&viopf_stat_##_name.attr.attr,
#define VIOPF_ONE(_name)	+ 1

/* What the structure has got the folder has, too. */
static_assert(sizeof(struct vfio_iopf_stats) ==
	      2 * sizeof(__u32) + (VIOPF_STATS(VIOPF_ONE)) * sizeof(__u64));

VIOPF_STATS(VIOPF_STAT)

static struct attribute *viopf_stat_attrs[] = {
	VIOPF_STATS(VIOPF_STAT_ATTR)
	NULL
};

static const struct attribute_group viopf_stat_group = {
	.name = "stats",
	.attrs = viopf_stat_attrs,
};

static const struct attribute_group *viopf_container_groups[] = {
	&viopf_container_group,
	&viopf_stat_group,
	NULL
};

/* Of a device. */

/**
 * struct viopf_device_folder - a device's folder
 * @kobj: that; freed with its last reference
 * @device: as long as the folder is there
 */
struct viopf_device_folder {
	struct kobject			kobj;
	const struct viopf_device	*device;
};

struct viopf_device_attr {
	struct attribute	attr;
	ssize_t			(*show)(const struct viopf_device *device, char *buf);
};

#define VIOPF_DEVICE_ATTR(_name)						\
	static struct viopf_device_attr viopf_device_attr_##_name = {		\
		.attr = { .name = #_name, .mode = 0400 },			\
		.show = viopf_device_##_name##_show,				\
	}

static ssize_t viopf_device_kind_show(const struct viopf_device *device, char *buf)
{
	if (!device->vgroup)
		return sysfs_emit(buf, "emulated\n");
	return sysfs_emit(buf, "%s\n", device->vgroup->can_fault ? "faulting" : "pinning");
}
VIOPF_DEVICE_ATTR(kind);

static ssize_t viopf_device_health_show(const struct viopf_device *device, char *buf)
{
	bool quarantined = device->vgroup && READ_ONCE(device->vgroup->quarantined);

	return viopf_health_emit(buf, quarantined ? "quarantined" : NULL,
				 READ_ONCE(device->flooded));
}
VIOPF_DEVICE_ATTR(health);

static ssize_t viopf_device_latency_show(const struct viopf_device *device, char *buf)
{
	return viopf_latency_emit(&device->latency, buf);
}
VIOPF_DEVICE_ATTR(latency);

static struct attribute *viopf_device_attrs[] = {
	&viopf_device_attr_kind.attr,
	&viopf_device_attr_health.attr,
	&viopf_device_attr_latency.attr,
	NULL
};

static const struct attribute_group viopf_device_group = {
	.attrs = viopf_device_attrs,
};

#define VIOPF_DEVICE_STAT(_name)						\
	static ssize_t viopf_device_##_name##_show(const struct viopf_device *device, \
						   char *buf)			\
	{									\
		return sysfs_emit(buf, "%llu\n",				\
				  (u64)atomic64_read(&device->counters._name));	\
	}									\
	VIOPF_DEVICE_ATTR(_name);
#define VIOPF_DEVICE_STAT_ATTR(_name)	&viopf_device_attr_##_name.attr,

VIOPF_DEVICE_COUNTERS(VIOPF_DEVICE_STAT)

static ssize_t viopf_device_faults_pending_show(const struct viopf_device *device, char *buf)
{
	struct viopf_group *vgroup = device->vgroup;
	unsigned int pending = 0;

	if (vgroup) {
		spin_lock(&vgroup->container->fault_lock);
		pending = vgroup->faults_pending;
		spin_unlock(&vgroup->container->fault_lock);
	}
	return sysfs_emit(buf, "%u\n", pending);
}
VIOPF_DEVICE_ATTR(faults_pending);

static struct attribute *viopf_device_stat_attrs[] = {
	VIOPF_DEVICE_COUNTERS(VIOPF_DEVICE_STAT_ATTR)
	&viopf_device_attr_faults_pending.attr,
	NULL
};

static const struct attribute_group viopf_device_stat_group = {
	.name = "stats",
	.attrs = viopf_device_stat_attrs,
};

static const struct attribute_group *viopf_device_groups[] = {
	&viopf_device_group,
	&viopf_device_stat_group,
	NULL
};

static ssize_t viopf_folder_show(struct kobject *kobj, struct attribute *attr, char *buf)
{
	const struct viopf_device_folder *folder =
		container_of(kobj, struct viopf_device_folder, kobj);
	const struct viopf_device_attr *device_attr =
		container_of(attr, struct viopf_device_attr, attr);

	return device_attr->show(folder->device, buf);
}

static const struct sysfs_ops viopf_folder_ops = {
	.show = viopf_folder_show,
};

static void viopf_folder_release(struct kobject *kobj)
{
	kfree(container_of(kobj, struct viopf_device_folder, kobj));
}

static const struct kobj_type viopf_folder_type = {
	.release = viopf_folder_release,
	.sysfs_ops = &viopf_folder_ops,
	.default_groups = viopf_device_groups,
};

static int viopf_sysfs_add_device(struct viopf_container *container,
				  struct viopf_device *device)
{
	struct viopf_device_folder *folder;
	int ret;

	folder = kzalloc(sizeof(*folder), GFP_KERNEL_ACCOUNT);
	if (!folder)
		return -ENOMEM;
	folder->device = device;
	ret = kobject_init_and_add(&folder->kobj, &viopf_folder_type,
				   container->devices_kobj, "%s", dev_name(device->dev));
	if (!ret)
		ret = sysfs_create_link(&folder->kobj, &device->dev->kobj, "device");
	if (ret)
		kobject_put(&folder->kobj);
	else
		device->kobj = &folder->kobj;
	return ret;
}

/**
 * viopf_sysfs_add_devices() - show the devices of a group
 * @container: where it has been attached
 * @devices: struct viopf_device
 *
 * Return: 0; -errno, and none is shown.
 */
int viopf_sysfs_add_devices(struct viopf_container *container,
			    struct list_head *devices)
{
	struct viopf_device *device;
	int ret;

	list_for_each_entry(device, devices, node) {
		ret = viopf_sysfs_add_device(container, device);
		if (ret) {
			viopf_sysfs_remove_devices(devices);
			return ret;
		}
	}
	return 0;
}

/**
 * viopf_sysfs_remove_devices() - show them no longer
 * @devices: of a group that is to be detached
 */
void viopf_sysfs_remove_devices(struct list_head *devices)
{
	struct viopf_device *device;

	list_for_each_entry(device, devices, node) {
		if (!device->kobj)
			continue;
		kobject_del(device->kobj);
		kobject_put(device->kobj);
		device->kobj = NULL;
	}
}

/**
 * viopf_sysfs_add() - show a container
 * @container: ready, but for VFIO to find it
 *
 * Return: 0 or -errno.
 */
int viopf_sysfs_add(struct viopf_container *container)
{
	struct kobject *devices;
	struct device *dev;

	dev = device_create_with_groups(&viopf_class, NULL, 0, container,
					viopf_container_groups, "container%lu",
					container->iommu.id);
	if (IS_ERR(dev))
		return PTR_ERR(dev);
	devices = kobject_create_and_add("devices", &dev->kobj);
	if (!devices) {
		device_unregister(dev);
		return -ENOMEM;
	}
	container->devices_kobj = devices;
	container->dev = dev;
	return 0;
}

/**
 * viopf_sysfs_remove() - show it no longer, if it was
 * @container: that nobody works in or tells of any more
 */
void viopf_sysfs_remove(struct viopf_container *container)
{
	if (!container->dev)
		return;
	kobject_put(container->devices_kobj);
	device_unregister(container->dev);
}

/**
 * viopf_sysfs_init() - make the class
 *
 * Return: 0 or -errno.
 */
int __init viopf_sysfs_init(void)
{
	return class_register(&viopf_class);
}

/**
 * viopf_sysfs_exit() - the reverse
 */
void viopf_sysfs_exit(void)
{
	class_unregister(&viopf_class);
	viopf_takeover_exit();
}
