// SPDX-License-Identifier: GPL-2.0-only
/*
 * VFIO_IOMMU_DIRTY_PAGES, and UNMAP_DMA along with its dirty bitmap: the arguments.
 *
 * They are checked as type1 does (vfio_iommu_type1_dirty_pages() and
 * vfio_iommu_type1_unmap_dma() in drivers/vfio/vfio_iommu_type1.c).
 */
#include "compat/type1_wraps.h"
#include "uapi/internal.h"

/* type1's limit to a bitmap, and how large one is. */
#define VIOPF_DIRTY_BYTES(bits)	(ALIGN((u64)(bits), 64) / 8)
#define VIOPF_DIRTY_MAX_BYTES	VIOPF_DIRTY_BYTES(VIOPF_DIRTY_MAX_PAGES)

/**
 * viopf_dirty_info() - say in GET_INFO that dirty pages can be tracked
 * @container: locked
 * @caps: the chain of capabilities
 *
 * Return: 0; -ENOMEM.
 */
int viopf_dirty_info(struct viopf_container *container,
		     struct vfio_info_cap *caps)
{
	struct vfio_iommu_type1_info_cap_migration cap = {
		.header.id = VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION,
		.header.version = 1,
		.pgsize_bitmap = viopf_container_granule(container),
		.max_dirty_bitmap_size = VIOPF_DIRTY_MAX_BYTES,
	};

	return vfio_info_add_capability(caps, &cap.header, sizeof(cap));
}

/* What type1 checks of a bitmap before it looks at the container. */
static int viopf_dirty_check_bitmap(const struct vfio_bitmap *bitmap, u64 bytes)
{
	u64 pages;

	if (!access_ok((void __user *)bitmap->data, bitmap->size) ||
	    !bitmap->pgsize)
		return -EINVAL;
	pages = bytes >> __ffs64(bitmap->pgsize);
	if (!pages || !bitmap->size || bitmap->size > VIOPF_DIRTY_MAX_BYTES ||
	    bitmap->size < VIOPF_DIRTY_BYTES(pages))
		return -EINVAL;
	return 0;
}

static void viopf_dirty_report(struct viopf_container *container,
			       struct viopf_dirty_report *report)
{
	struct viopf_mapping *mapping;

	viopf_for_each_mapping_in(mapping, container, report->first, report->last) {
		viopf_dirty_report_begin(report, mapping);
		viopf_dirty_report_end(report, mapping);
	}
}

static int viopf_dirty_get(struct viopf_container *container,
			   const struct vfio_iommu_type1_dirty_bitmap_get *get)
{
	struct viopf_dirty_report report;
	int ret;

	viopf_dirty_report_init(&report, get->iova, get->size, &get->bitmap);
	mutex_lock(&container->lock);
	do {
		ret = viopf_mapping_check_range(container, get->iova, get->size,
						true);
		if (!ret)
			ret = viopf_dirty_report_check(container, &report);
	} while (ret > 0);
	if (!ret)
		viopf_dirty_report(container, &report);
	mutex_unlock(&container->lock);

	viopf_bitmap_release(&report.bitmap);
	return ret;
}

static int viopf_dirty_get_user(struct viopf_container *container, u32 argsz,
				void __user *arg)
{
	size_t minsz = offsetofend(struct vfio_iommu_type1_dirty_bitmap, flags);
	struct vfio_iommu_type1_dirty_bitmap_get get;
	int ret;

	if (argsz - minsz < sizeof(get))
		return -EINVAL;
	if (copy_from_user(&get, arg + minsz, sizeof(get)))
		return -EFAULT;
	if (compat_dirty_wraps(get.iova, get.size))
		return -COMPAT_EWRAPS;
	ret = viopf_dirty_check_bitmap(&get.bitmap, get.size);
	return ret ? ret : viopf_dirty_get(container, &get);
}

/**
 * viopf_dirty_pages() - VFIO_IOMMU_DIRTY_PAGES
 * @container: whose
 * @arg: struct vfio_iommu_type1_dirty_bitmap, and to get the bitmap, struct
 *	vfio_iommu_type1_dirty_bitmap_get after it
 *
 * Return: 0; -EINVAL: argsz too small, not just one flag; to start: a mapping is
 * too large for a bitmap; to get: tracking is off, the range is empty, not aligned
 * or cuts through a mapping, the bitmap is too small, too large or of another page
 * size; -EACCES: a type1 container of the first version; -EFAULT; -ENOMEM; -EINTR:
 * killed. On an error no bit has been taken.
 */
int viopf_dirty_pages(struct viopf_container *container, void __user *arg)
{
	size_t minsz = offsetofend(struct vfio_iommu_type1_dirty_bitmap, flags);
	struct vfio_iommu_type1_dirty_bitmap dirty;
	int ret = 0;

	if (!container->v2)
		return -EACCES;
	if (copy_from_user(&dirty, arg, minsz))
		return -EFAULT;
	if (dirty.argsz < minsz)
		return -EINVAL;

	switch (dirty.flags) {
	case VFIO_IOMMU_DIRTY_PAGES_FLAG_START:
		mutex_lock(&container->lock);
		ret = viopf_dirty_start(container);
		mutex_unlock(&container->lock);
		return ret;
	case VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP:
		mutex_lock(&container->lock);
		viopf_dirty_stop(container);
		mutex_unlock(&container->lock);
		return 0;
	case VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP:
		return viopf_dirty_get_user(container, dirty.argsz, arg);
	default:
		return -EINVAL;
	}
}

/**
 * viopf_dirty_unmap() - VFIO_IOMMU_UNMAP_DMA along with its dirty bitmap
 * @container: where
 * @unmap: what; flags known to be known; size is set to the bytes unmapped
 * @arg: struct vfio_iommu_type1_dma_unmap as user space gave it, with struct
 *	vfio_bitmap after it
 *
 * A bitmap that can't be written costs nothing: that is found before anything goes.
 *
 * Return: 0; -EINVAL: as viopf_mapping_unmap() and viopf_dirty_pages(), or argsz has
 * no room for the bitmap; -EFAULT; -ENOMEM; -EINTR. On an error nothing is unmapped.
 */
int viopf_dirty_unmap(struct viopf_container *container,
		      struct vfio_iommu_type1_dma_unmap *unmap,
		      void __user *arg)
{
	size_t minsz = offsetofend(struct vfio_iommu_type1_dma_unmap, size);
	struct viopf_dirty_report report;
	struct vfio_bitmap bitmap;
	int ret;

	if (unmap->argsz < minsz + sizeof(bitmap))
		return -EINVAL;
	if (copy_from_user(&bitmap, arg + minsz, sizeof(bitmap)))
		return -EFAULT;
	ret = viopf_dirty_check_bitmap(&bitmap, unmap->size);
	if (ret)
		return ret;

	viopf_dirty_report_init(&report, unmap->iova, unmap->size, &bitmap);
	ret = viopf_mapping_unmap(container, unmap, &report);
	viopf_bitmap_release(&report.bitmap);
	return ret;
}
