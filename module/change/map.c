// SPDX-License-Identifier: GPL-2.0-only
/*
 * MAP_DMA.
 *
 * To map is to note an IOVA range and the memory behind it, in the caller's mm.
 * Unless it is to be pinned (mode.c), no page is touched and nothing is allocated
 * that depends on the size. The address need not be backed by anything yet; what can't be
 * faulted in when a device asks for it is answered INVALID then. It must be a user address,
 * though. A tag in it (of arm64's top byte, or x86's LAM) is taken off: VMAs and notifiers
 * are found without it.
 *
 * The rules, and the errors in the order in which they are looked for, are those of type1
 * and type1v2 (vfio_dma_do_map() in drivers/vfio/vfio_iommu_type1.c), which clients depend
 * on.
 */
#include <linux/uaccess.h>

#include "change/internal.h"
#include "compat/type1_wraps.h"

static int viopf_map_check(struct viopf_container *container,
			   const struct vfio_iommu_type1_dma_map *map)
{
	u64 last = map->iova + map->size - 1;

	if (viopf_mapping_first(container, map->iova, last))
		return -EEXIST;
	if (!container->mappings_left)
		return -ENOSPC;
	if (!viopf_iova_contains(&container->valid_iova, map->iova, last))
		return -EINVAL;
	if (!access_ok((void __user *)(unsigned long)map->vaddr, map->size))
		return -EFAULT;
	return viopf_container_failed(container) || container->released ?
	       -ENODEV : 0;
}

static int viopf_mapping_create_locked(struct viopf_container *container,
				       const struct vfio_iommu_type1_dma_map *map)
{
	struct viopf_mapping *mapping;
	int ret;

	lockdep_assert_held(&container->lock);

	ret = viopf_map_check(container, map);
	if (ret)
		return ret;
	mapping = viopf_mapping_alloc(container, map);
	if (!mapping)
		return -ENOMEM;

	container->mappings_left--;
	viopf_mapping_insert(mapping);

	ret = viopf_mode_apply(mapping, NULL);
	if (!ret)
		ret = viopf_dirty_check_mapping(container, map->size);
	if (ret)
		viopf_mapping_remove(container, mapping);
	return ret;
}

/* Not empty, and not around the end. */
static int viopf_map_check_range(const struct vfio_iommu_type1_dma_map *map)
{
	if (!map->size)
		return -EINVAL;
	if (map->iova + map->size - 1 < map->iova ||
	    map->vaddr + map->size - 1 < map->vaddr)
		return -COMPAT_EWRAPS;
	return 0;
}

/* A permission for a new mapping, or a new address for an old one, and no more. */
static int viopf_map_check_flags(u32 flags)
{
	const u32 prot = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE;

	if (flags & VFIO_DMA_MAP_FLAG_VADDR)
		return flags == VFIO_DMA_MAP_FLAG_VADDR ? 0 : -EINVAL;
	return flags & prot && hweight32(flags & VIOPF_MAP_MODES) <= 1 ? 0 : -EINVAL;
}

/**
 * viopf_mapping_create() - VFIO_IOMMU_MAP_DMA
 * @container: where
 * @map: what; its address without a tag, its flags known to be known
 *
 * Return: 0; -EINVAL: no permission, two modes, size zero, not aligned, or where the
 * IOMMU can't map; -EOVERFLOW (or -EINVAL, as type1): wraps around; -EEXIST: overlaps
 * another; -ENOSPC: too many mappings; -EFAULT: not user addresses; -ENOMEM; -ENODEV:
 * container failed. If it is to be pinned, also what viopf_mode_apply() says. With
 * VFIO_DMA_MAP_FLAG_VADDR, what viopf_vaddr_update() says.
 */
int viopf_mapping_create(struct viopf_container *container,
			 const struct vfio_iommu_type1_dma_map *map)
{
	int ret;

	ret = viopf_map_check_range(map);
	if (!ret)
		ret = viopf_map_check_flags(map->flags);
	if (ret)
		return ret;

	guard(mutex)(&container->lock);
	if ((map->size | map->iova | map->vaddr) &
	    (viopf_container_granule(container) - 1))
		return -EINVAL;
	return map->flags & VFIO_DMA_MAP_FLAG_VADDR ?
	       viopf_vaddr_update(container, map) :
	       viopf_mapping_create_locked(container, map);
}
