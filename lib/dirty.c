// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Dirty pages: VFIO_IOMMU_DIRTY_PAGES, and UNMAP_DMA with its flag. The bitmap's
 * page is the smallest there is, which is the only one that the kernel takes.
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include "internal.h"

#define PAGE_BYTES	4096u

static struct vfio_bitmap new_bitmap(uint64_t *words, uint64_t size)
{
	struct vfio_bitmap bitmap = {
		.pgsize = PAGE_BYTES,
		.size = VIOPF_DIRTY_WORDS(size) * sizeof(*words),
		.data = (__u64 *)words,
	};

	/* The kernel leaves out what isn't mapped. */
	memset(words, 0, bitmap.size);
	return bitmap;
}

static int do_dirty(struct viopf_container *c, uint32_t flag, const char *what)
{
	struct vfio_iommu_type1_dirty_bitmap dirty = {
		.argsz = sizeof(dirty),
		.flags = flag,
	};

	if (ioctl(c->fd, VFIO_IOMMU_DIRTY_PAGES, &dirty))
		return viopf_fail(errno, "can't %s tracking dirty pages", what);
	return 0;
}

int viopf_dirty_start(struct viopf_container *c)
{
	return do_dirty(c, VFIO_IOMMU_DIRTY_PAGES_FLAG_START, "start");
}

int viopf_dirty_stop(struct viopf_container *c)
{
	return do_dirty(c, VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP, "stop");
}

int viopf_dirty_get(struct viopf_container *c, uint64_t iova, uint64_t size, uint64_t *bitmap)
{
	struct {
		struct vfio_iommu_type1_dirty_bitmap dirty;
		struct vfio_iommu_type1_dirty_bitmap_get get;
	} arg = {
		.dirty.argsz = sizeof(arg),
		.dirty.flags = VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP,
		.get.iova = iova,
		.get.size = size,
		.get.bitmap = new_bitmap(bitmap, size),
	};

	if (ioctl(c->fd, VFIO_IOMMU_DIRTY_PAGES, &arg))
		return viopf_fail(errno, "can't get the dirty pages of %#llx bytes at IOVA %#llx",
				  (unsigned long long)size, (unsigned long long)iova);
	return 0;
}

int viopf_dirty_unmap(struct viopf_container *c, uint64_t iova, uint64_t size, uint64_t *bitmap,
		      uint64_t *unmapped)
{
	struct {
		struct vfio_iommu_type1_dma_unmap unmap;
		struct vfio_bitmap bitmap;
	} arg = {
		.unmap.argsz = sizeof(arg),
		.unmap.flags = VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP,
		.unmap.iova = iova,
		.unmap.size = size,
		.bitmap = new_bitmap(bitmap, size),
	};

	if (ioctl(c->fd, VFIO_IOMMU_UNMAP_DMA, &arg))
		return viopf_fail(errno, "can't unmap %#llx bytes at IOVA %#llx",
				  (unsigned long long)size, (unsigned long long)iova);
	if (unmapped)
		*unmapped = arg.unmap.size;
	return 0;
}
