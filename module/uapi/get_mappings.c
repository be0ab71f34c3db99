// SPDX-License-Identifier: GPL-2.0-only
/*
 * VFIO_IOPF_MAPPINGS: which mappings there are.
 *
 * They are put down a buffer at a time, under the container's lock, and copied to user
 * space, which may fault, without it. So a long list is no snapshot; but it ascends, and
 * leaves out nothing that was there all the time.
 */
#include <linux/vfio_iopf.h>

#include "uapi/internal.h"

/* Mappings dealt with at a time: a page full of them. */
#define VIOPF_LIST_CHUNK	(PAGE_SIZE / sizeof(struct vfio_iopf_mapping))

static u64 viopf_list_resident(struct viopf_mapping *mapping)
{
	struct viopf_segment *segment;
	unsigned long index;
	u64 pages = 0;

	viopf_for_each_segment(segment, mapping, index)
		/* As many as there are about now: who maps or unmaps is not waited for. */
		pages += data_race(segment->table.residency.nr_resident);
	return pages;
}

static u32 viopf_list_flags(const struct viopf_mapping *mapping)
{
	u32 flags = 0;

	if (mapping->prot & IOMMU_READ)
		flags |= VFIO_DMA_MAP_FLAG_READ;
	if (mapping->prot & IOMMU_WRITE)
		flags |= VFIO_DMA_MAP_FLAG_WRITE;
	switch (mapping->mode) {
	case VIOPF_MODE_PINNED:
		return flags | VFIO_DMA_MAP_FLAG_IOPF_PINNED;
	case VIOPF_MODE_FAULTABLE:
		return flags | VFIO_DMA_MAP_FLAG_IOPF_FAULTABLE;
	case VIOPF_MODE_USER:
		return flags | VFIO_DMA_MAP_FLAG_IOPF_USER;
	default:
		return flags;
	}
}

static void viopf_list_one(struct viopf_mapping *mapping,
			   struct vfio_iopf_mapping *out)
{
	*out = (struct vfio_iopf_mapping) {
		.iova = mapping->node.start,
		.size = viopf_mapping_bytes(mapping),
		.vaddr = mapping->uaddr,
		.flags = viopf_list_flags(mapping),
		.state = VFIO_IOPF_MAPPING_FAULTABLE,
		.resident_pages = viopf_list_resident(mapping),
	};
	if (viopf_mapping_is_pinned(mapping))
		out->state = VFIO_IOPF_MAPPING_PINNED;
	else if (mapping->mode == VIOPF_MODE_USER)
		out->state = VFIO_IOPF_MAPPING_USER;
}

/* Up to @max from *@iova on, which moves on. Returns how many. */
static int viopf_list_some(struct viopf_container *container, u64 *iova,
			   struct vfio_iopf_mapping *out, unsigned int max)
{
	struct viopf_mapping *mapping;
	unsigned int nr = 0;

	if (mutex_lock_killable(&container->lock))
		return -EINTR;
	mapping = viopf_mapping_first(container, *iova, ULONG_MAX);
	for (; mapping && nr < max; mapping = viopf_mapping_next(mapping)) {
		viopf_list_one(mapping, &out[nr++]);
		*iova = mapping->node.last + 1;
	}
	mutex_unlock(&container->lock);
	return nr;
}

static int viopf_list_all(struct viopf_container *container,
			  struct vfio_iopf_mappings *list,
			  struct vfio_iopf_mapping *chunk)
{
	struct vfio_iopf_mapping __user *data = u64_to_user_ptr(list->data);
	u32 room = list->count;
	u64 iova = list->iova;
	int nr;

	list->count = 0;
	do {
		unsigned int max = min_t(u32, room - list->count, VIOPF_LIST_CHUNK);

		nr = viopf_list_some(container, &iova, chunk, max);
		if (nr < 0)
			return nr;
		if (copy_to_user(data + list->count, chunk, nr * sizeof(*chunk)))
			return -EFAULT;
		list->count += nr;
	} while (nr == VIOPF_LIST_CHUNK && iova);
	return 0;
}

/**
 * viopf_get_mappings() - VFIO_IOPF_MAPPINGS
 * @container: of which
 * @arg: struct vfio_iopf_mappings
 *
 * Return: 0; -EINVAL: a bad structure; -EFAULT: it or the data can't be accessed; -EINTR:
 * killed; -ENOMEM.
 */
long viopf_get_mappings(struct viopf_container *container, void __user *arg)
{
	size_t minsz = offsetofend(struct vfio_iopf_mappings, data);
	struct vfio_iopf_mapping *chunk;
	struct vfio_iopf_mappings list;
	int ret;

	if (copy_from_user(&list, arg, minsz))
		return -EFAULT;
	if (list.argsz < minsz || list.flags || list.reserved)
		return -EINVAL;
	chunk = kmalloc_array(VIOPF_LIST_CHUNK, sizeof(*chunk), GFP_KERNEL_ACCOUNT);
	if (!chunk)
		return -ENOMEM;
	ret = viopf_list_all(container, &list, chunk);
	kfree(chunk);
	if (ret)
		return ret;
	return copy_to_user(arg, &list, minsz) ? -EFAULT : 0;
}
