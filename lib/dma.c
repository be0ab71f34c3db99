// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Mappings, and what the container says about itself. The calls pass the
 * kernel's own errno on: clients of VFIO know them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "internal.h"

int viopf_map(struct viopf_container *c, void *vaddr, uint64_t iova, uint64_t size, uint32_t prot)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = prot,
		.vaddr = (uintptr_t)vaddr,
		.iova = iova,
		.size = size,
	};

	if (ioctl(c->fd, VFIO_IOMMU_MAP_DMA, &map))
		return viopf_fail(errno, "can't map %#llx bytes at IOVA %#llx",
				  (unsigned long long)size, (unsigned long long)iova);
	return 0;
}

static int do_unmap(struct viopf_container *c, uint32_t flags, uint64_t iova, uint64_t size,
		    uint64_t *unmapped)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.flags = flags,
		.iova = iova,
		.size = size,
	};

	if (ioctl(c->fd, VFIO_IOMMU_UNMAP_DMA, &unmap))
		return viopf_fail(errno, "can't unmap %#llx bytes at IOVA %#llx",
				  (unsigned long long)size, (unsigned long long)iova);
	if (unmapped)
		*unmapped = unmap.size;
	return 0;
}

int viopf_unmap(struct viopf_container *c, uint64_t iova, uint64_t size, uint64_t *unmapped)
{
	return do_unmap(c, 0, iova, size, unmapped);
}

int viopf_unmap_vaddr(struct viopf_container *c, uint64_t iova, uint64_t size)
{
	return do_unmap(c, VFIO_DMA_UNMAP_FLAG_VADDR, iova, size, NULL);
}

int viopf_map_vaddr(struct viopf_container *c, void *vaddr, uint64_t iova, uint64_t size)
{
	return viopf_map(c, vaddr, iova, size, VFIO_DMA_MAP_FLAG_VADDR);
}

int viopf_unmap_all(struct viopf_container *c, uint64_t *unmapped)
{
	return do_unmap(c, VFIO_DMA_UNMAP_FLAG_ALL, 0, 0, unmapped);
}

static void take_ranges(struct viopf_info *info,
			const struct vfio_iommu_type1_info_cap_iova_range *cap)
{
	uint32_t i;

	for (i = 0; i < cap->nr_iovas && i < VIOPF_MAX_RANGES; i++) {
		info->ranges[i].start = cap->iova_ranges[i].start;
		info->ranges[i].last = cap->iova_ranges[i].end;
	}
	info->nr_ranges = i;
}

static void take_migration(struct viopf_info *info,
			   const struct vfio_iommu_type1_info_cap_migration *cap)
{
	info->dirty_page_sizes = cap->pgsize_bitmap;
	info->dirty_max_bytes = cap->max_dirty_bitmap_size;
}

/* A kernel that knows less of @info than we do says less; the rest stays zero. */
static void take_iopf(struct viopf_info *info, const void *cap, size_t bytes)
{
	if (bytes > sizeof(info->iopf))
		bytes = sizeof(info->iopf);
	memcpy(&info->iopf, cap, bytes);
	info->has_iopf = 1;
}

static void take_cap(struct viopf_info *info, const struct vfio_info_cap_header *cap,
		     size_t bytes)
{
	switch (cap->id) {
	case VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE:
		take_ranges(info, (const void *)cap);
		break;
	case VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL:
		info->dma_avail = ((const struct vfio_iommu_type1_info_dma_avail *)cap)->avail;
		break;
	case VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION:
		take_migration(info, (const void *)cap);
		break;
	case VFIO_IOMMU_TYPE1_INFO_CAP_IOPF:
		take_iopf(info, cap, bytes);
		break;
	}
}

static void take_info(struct viopf_info *info, const struct vfio_iommu_type1_info *raw)
{
	const char *base = (const char *)raw;
	uint32_t off;

	memset(info, 0, sizeof(*info));
	if (raw->flags & VFIO_IOMMU_INFO_PGSIZES)
		info->page_sizes = raw->iova_pgsizes;
	off = raw->flags & VFIO_IOMMU_INFO_CAPS ? raw->cap_offset : 0;
	while (off && off + sizeof(struct vfio_info_cap_header) <= raw->argsz) {
		const struct vfio_info_cap_header *cap = (const void *)(base + off);

		take_cap(info, cap, (cap->next > off ? cap->next : raw->argsz) - off);
		off = cap->next;
	}
}

int viopf_get_info_sized(struct viopf_container *c, struct viopf_info *info, size_t size_bytes)
{
	struct vfio_iommu_type1_info *raw = NULL, *bigger;
	struct viopf_info all;
	uint32_t size = sizeof(*raw);

	for (;;) {
		bigger = realloc(raw, size);
		if (!bigger) {
			free(raw);
			return viopf_fail(ENOMEM, "can't ask for the IOMMU's properties");
		}
		raw = bigger;
		memset(raw, 0, size);
		raw->argsz = size;
		if (ioctl(c->fd, VFIO_IOMMU_GET_INFO, raw)) {
			size = (uint32_t)errno;
			free(raw);
			return viopf_fail((int)size, "can't ask for the IOMMU's properties");
		}
		if (raw->argsz <= size)
			break;
		size = raw->argsz;
	}
	take_info(&all, raw);
	free(raw);
	memset(info, 0, size_bytes);
	memcpy(info, &all, size_bytes < sizeof(all) ? size_bytes : sizeof(all));
	return 0;
}

static int set_paging(struct viopf_container *c, unsigned long call, const char *what)
{
	struct vfio_iopf_enable arg = { .argsz = sizeof(arg) };

	if (ioctl(c->fd, call, &arg))
		return viopf_fail(errno, "can't turn demand paging %s", what);
	return 0;
}

int viopf_enable(struct viopf_container *c)
{
	return set_paging(c, VFIO_IOPF_ENABLE, "on");
}

int viopf_disable(struct viopf_container *c)
{
	return set_paging(c, VFIO_IOPF_DISABLE, "off");
}

int viopf_stats_sized(struct viopf_container *c, struct vfio_iopf_stats *stats,
		      size_t size_bytes)
{
	if (size_bytes < sizeof(stats->argsz) || size_bytes > UINT32_MAX)
		return viopf_fail(EINVAL, "can't have counters in %zu bytes", size_bytes);
	memset(stats, 0, size_bytes);
	stats->argsz = (uint32_t)size_bytes;
	if (ioctl(c->fd, VFIO_IOPF_STATS, stats))
		return viopf_fail(errno, "can't read the container's counters");
	return 0;
}
