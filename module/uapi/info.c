// SPDX-License-Identifier: GPL-2.0-only
/*
 * What user space can ask: VFIO_IOMMU_GET_INFO and VFIO_IOPF_STATS.
 *
 * GET_INFO answers as type1 does: with the base structure alone if there is no
 * room for the chain of capabilities, and how much room it wants.
 */
#include "uapi/internal.h"

static int viopf_info_add_iova(struct viopf_container *container,
			       struct vfio_info_cap *caps)
{
	const struct viopf_iova *valid = &container->valid_iova;
	struct vfio_iommu_type1_info_cap_iova_range *cap;
	size_t bytes = struct_size(cap, iova_ranges, valid->nr), i;
	int ret;

	/* As type1: without an IOMMU nothing is said, and any IOVA will do. */
	if (!valid->nr || list_empty(&container->domains))
		return 0;
	cap = kzalloc(bytes, GFP_KERNEL);
	if (!cap)
		return -ENOMEM;

	cap->header.id = VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE;
	cap->header.version = 1;
	cap->nr_iovas = valid->nr;
	for (i = 0; i < valid->nr; i++) {
		cap->iova_ranges[i].start = valid->ranges[i].first;
		cap->iova_ranges[i].end = valid->ranges[i].last;
	}
	ret = vfio_info_add_capability(caps, &cap->header, bytes);
	kfree(cap);
	return ret;
}

static int viopf_info_add_avail(struct viopf_container *container,
				struct vfio_info_cap *caps)
{
	struct vfio_iommu_type1_info_dma_avail cap = {
		.header.id = VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL,
		.header.version = 1,
		.avail = container->mappings_left,
	};

	return vfio_info_add_capability(caps, &cap.header, sizeof(cap));
}

static int viopf_info_add_iopf(struct viopf_container *container,
			       struct vfio_info_cap *caps)
{
	struct vfio_iommu_type1_info_cap_iopf cap = {
		.header.id = VFIO_IOMMU_TYPE1_INFO_CAP_IOPF,
		.header.version = 1,
		.flags = (container->enabled ? VFIO_IOPF_INFO_ENABLED : 0) |
			 (container->nr_cant_fault ? VFIO_IOPF_INFO_MUST_PIN : 0),
		.segment_shift = VIOPF_SEGMENT_SHIFT,
		.max_workers = viopf_max_workers(),
		.leaf_sizes = viopf_container_pgsizes(container),
		.container = container->iommu.id,
	};

	return vfio_info_add_capability(caps, &cap.header, sizeof(cap));
}

static int viopf_info_collect(struct viopf_container *container,
			      struct vfio_iommu_type1_info *info,
			      struct vfio_info_cap *caps)
{
	int ret;

	guard(mutex)(&container->lock);
	info->flags = VFIO_IOMMU_INFO_PGSIZES;
	info->iova_pgsizes = viopf_container_pgsizes(container);
	ret = viopf_dirty_info(container, caps);
	if (!ret)
		ret = viopf_info_add_avail(container, caps);
	if (!ret)
		ret = viopf_info_add_iova(container, caps);
	if (!ret)
		ret = viopf_info_add_iopf(container, caps);
	return ret;
}

/**
 * viopf_get_info() - VFIO_IOMMU_GET_INFO
 * @container: of which
 * @arg: struct vfio_iommu_type1_info, and room for capabilities after it
 *
 * Return: 0; -EINVAL: argsz too small for the members before cap_offset;
 * -EFAULT; -ENOMEM.
 */
int viopf_get_info(struct viopf_container *container, void __user *arg)
{
	struct vfio_info_cap caps = { .buf = NULL, .size = 0 };
	size_t minsz = offsetofend(struct vfio_iommu_type1_info, iova_pgsizes);
	struct vfio_iommu_type1_info info = { };
	int ret;

	if (copy_from_user(&info, arg, minsz))
		return -EFAULT;
	if (info.argsz < minsz)
		return -EINVAL;
	/* Those who know capabilities get at least to see where they would be. */
	minsz = min_t(size_t, info.argsz, sizeof(info));

	ret = viopf_info_collect(container, &info, &caps);
	if (ret)
		goto out_free;

	info.flags |= VFIO_IOMMU_INFO_CAPS;
	if (info.argsz < sizeof(info) + caps.size) {
		info.argsz = sizeof(info) + caps.size;
	} else {
		vfio_info_cap_shift(&caps, sizeof(info));
		if (copy_to_user(arg + sizeof(info), caps.buf, caps.size)) {
			ret = -EFAULT;
			goto out_free;
		}
		info.cap_offset = sizeof(info);
	}
	if (copy_to_user(arg, &info, minsz))
		ret = -EFAULT;

out_free:
	kfree(caps.buf);
	return ret;
}

#define VIOPF_STATS_SET(_name)	stats->_name = atomic64_read(&counters->_name);

/**
 * viopf_stats_collect() - what a container counts, and has just now
 * @container: which
 * @stats: all but its @argsz is set
 */
void viopf_stats_collect(struct viopf_container *container,
			 struct vfio_iopf_stats *stats)
{
	const struct viopf_counters *counters = &container->iommu.counters;

	stats->flags = READ_ONCE(container->enabled) ? VFIO_IOPF_STATS_ENABLED : 0;
	if (viopf_container_failed(container))
		stats->flags |= VFIO_IOPF_STATS_FAILED;
	VIOPF_COUNTERS(VIOPF_STATS_SET)
	stats->segment_bytes = VIOPF_SEGMENT_BYTES;

	spin_lock(&container->fault_lock);
	stats->workers = container->workers_total;
	stats->faults_pending = container->faults_pending;
	spin_unlock(&container->fault_lock);
}

/**
 * viopf_get_stats() - VFIO_IOPF_STATS
 * @container: of which
 * @arg: struct vfio_iopf_stats, or the first members of one
 *
 * Return: 0; -EINVAL: argsz below 16, or flags; -EFAULT.
 */
int viopf_get_stats(struct viopf_container *container, void __user *arg)
{
	size_t minsz = offsetofend(struct vfio_iopf_stats, resident_pages);
	struct vfio_iopf_stats stats = { };
	size_t bytes;

	if (copy_from_user(&stats, arg, offsetofend(struct vfio_iopf_stats, flags)))
		return -EFAULT;
	if (stats.argsz < minsz || stats.flags)
		return -EINVAL;
	bytes = min_t(size_t, round_down(stats.argsz, 8), sizeof(stats));

	viopf_stats_collect(container, &stats);
	return copy_to_user(arg, &stats, bytes) ? -EFAULT : 0;
}
