// SPDX-License-Identifier: GPL-2.0-only
/*
 * Changing where a mapping's memory is, with devices at work: UNMAP_DMA with
 * VFIO_DMA_UNMAP_FLAG_VADDR, then MAP_DMA with VFIO_DMA_MAP_FLAG_VADDR, perhaps by
 * another process, or by the same after exec. The memory itself is to be the same.
 *
 * Between the two the mapping *waits*. What devices can reach stays as it is, and
 * the mm goes on evicting from it as ever; if the process ends, all goes but what is
 * pinned. A fault does not touch the old address any more: its group is parked in
 * the container, holding nothing, and is queued again by the second call.
 *
 * DOC: the new address
 *
 * A mapping's mm and address never change. The second call makes another mapping,
 * with a counterpart for each segment, pins there what must be pinned and is not, and
 * when nothing can fail any more
 *  - hands each segment over: pinned pages, which are the IOMMU's and nobody need
 *    notice, and dirty bits go to the counterpart; what is not pinned is dropped, for
 *    devices to fault it in from the new mm;
 *  - puts it in the old one's place in the tree, under one hold of map_lock;
 *  - marks the old one superseded, and queues again what is parked.
 *
 *   worker                                 MAP_DMA with a new address
 *   ------------------------------------   -------------------------------------
 *   finds the old mapping
 *                                          dead: no segment is made in it now
 *   old mapping or segment is dead
 *   fault_lock: it waits: park the group
 *                                          hand over; change the tree
 *   (another one: it is still waiting)
 *                                          fault_lock: superseded; queue what is
 *                                            parked
 *   fault_lock: superseded: queue the
 *   group again
 *   finds the new mapping
 *
 * A fault that is blocked in the mm when a mapping begins to wait is aborted, as it
 * would keep the old process's memory: its worker is *suspended*, and queues its
 * group again, unless somebody has answered it.
 */
#include <linux/sched/task.h>
#include <linux/uaccess.h>

#include "change/internal.h"

/**
 * viopf_vaddr_invalidate() - UNMAP_DMA with VFIO_DMA_UNMAP_FLAG_VADDR
 * @container: locked
 * @first: first byte of a range, as IOVA; no mapping sticks out of it (v2), or one
 *	that sticks out below ends it (v1)
 * @last: its last byte
 * @bytes: set to the size of the mappings in it
 *
 * From now on they wait for another address.
 *
 * Return: 0; -EINVAL: one of them waits already; then nothing has changed.
 */
int viopf_vaddr_invalidate(struct viopf_container *container,
			   unsigned long first, unsigned long last, u64 *bytes)
{
	struct viopf_mapping *mapping;

	lockdep_assert_held(&container->lock);

	*bytes = 0;
	mapping = viopf_mapping_first(container, first, last);
	if (mapping && mapping->node.start < first)
		return 0;
	viopf_for_each_mapping_in(mapping, container, first, last)
		if (mapping->vaddr_invalid)
			return -EINVAL;

	viopf_for_each_mapping_in(mapping, container, first, last) {
		container->vaddr_invalid_count++;
		viopf_faults_suspend(mapping);
		*bytes += viopf_mapping_bytes(mapping);
	}
	return 0;
}

/* What is as it was; only the memory's place is another. */
static void viopf_vaddr_inherit(struct viopf_mapping *mapping,
				const struct viopf_mapping *old)
{
	mapping->prot = old->prot;
	mapping->mode = old->mode;
	mapping->dirty_all = old->dirty_all;
	if (mapping->mm != old->mm)
		return;
	/* As type1: who is charged changes with the mm only. */
	put_task_struct(mapping->task);
	mapping->task = get_task_struct(old->task);
	mapping->lock_cap = old->lock_cap;
}

/* A counterpart for each segment of @old, which makes no more of them. */
static int viopf_vaddr_clone_segments(struct viopf_mapping *mapping,
				      struct viopf_mapping *old)
{
	struct viopf_segment *segment, *clone;
	unsigned long index;

	viopf_for_each_segment(segment, old, index) {
		clone = viopf_segment_clone(mapping, segment);
		if (IS_ERR(clone))
			return PTR_ERR(clone);
	}
	return 0;
}

static void viopf_vaddr_set_segments_dead(struct viopf_mapping *mapping,
					  bool dead)
{
	struct viopf_segment *segment;
	unsigned long index;

	viopf_for_each_segment(segment, mapping, index)
		viopf_segment_set_dead(segment, dead);
}

/* The pins' charge goes with them, from one process to the other. */
static int viopf_vaddr_move_charge(struct viopf_mapping *mapping,
				   struct viopf_mapping *old)
{
	unsigned long charged = old->charged;
	int ret;

	if (mapping->mm == old->mm) {
		mapping->charged += charged;
		old->charged = 0;
		return 0;
	}
	ret = viopf_pin_charge(mapping, charged, true);
	if (!ret)
		viopf_pin_charge(old, charged, false);
	return ret;
}

/* All that can fail. */
static int viopf_vaddr_prepare(struct viopf_mapping *mapping,
			       struct viopf_mapping *old)
{
	int ret;

	ret = viopf_vaddr_clone_segments(mapping, old);
	if (ret)
		return ret;
	/*
	 * What is to be pinned and is not, as the process that had it was gone by then.
	 * There is nothing to be dropped for it then, unless an IOMMU had lost it.
	 */
	if (viopf_mapping_is_pinned(mapping))
		viopf_vaddr_set_segments_dead(old, true);
	ret = viopf_mode_apply(mapping, old);
	return ret ? ret : viopf_vaddr_move_charge(mapping, old);
}

static void viopf_vaddr_hand_over(struct viopf_mapping *mapping,
				  struct viopf_mapping *old)
{
	struct viopf_segment *segment;
	unsigned long index;

	viopf_for_each_segment(segment, old, index)
		viopf_segment_hand_over(segment, mtree_load(&mapping->segments,
							    segment->table.iova));
}

/* A mapping that is not to be, with its counterparts of segments. */
static void viopf_vaddr_discard(struct viopf_mapping *mapping)
{
	struct viopf_segment *segment;
	unsigned long index;

	viopf_for_each_segment(segment, mapping, index)
		viopf_segment_kill(segment);
	viopf_mapping_put(mapping);
}

static void viopf_vaddr_set_dead(struct viopf_mapping *mapping, bool dead)
{
	mutex_lock(&mapping->segments_lock);
	spin_lock(&mapping->container->fault_lock);
	mapping->dead = dead;
	spin_unlock(&mapping->container->fault_lock);
	mutex_unlock(&mapping->segments_lock);
}

/* Have what waits for @old's address look again. */
static void viopf_vaddr_resume(struct viopf_mapping *old)
{
	struct viopf_container *container = old->container;
	struct viopf_cancel cancel = { .mapping = old };
	struct iopf_group *group, *next;
	LIST_HEAD(groups);

	spin_lock(&container->fault_lock);
	WRITE_ONCE(old->vaddr_invalid, false);
	old->superseded = true;
	viopf_waiting_take_from(container, &container->parked, &cancel, &groups);
	list_for_each_entry_safe(group, next, &groups, node) {
		list_del(&group->node);
		viopf_faults_queue(container, group);
	}
	spin_unlock(&container->fault_lock);
}

static void viopf_vaddr_replace(struct viopf_mapping *mapping,
				struct viopf_mapping *old)
{
	struct viopf_container *container = old->container;

	viopf_vaddr_hand_over(mapping, old);

	viopf_mapping_replace(old, mapping);
	container->vaddr_invalid_count--;
	viopf_vaddr_resume(old);
	viopf_mapping_put(old);
}

/**
 * viopf_vaddr_update() - MAP_DMA with VFIO_DMA_MAP_FLAG_VADDR
 * @container: locked
 * @map: which mapping, exactly, and where its memory is now, in the caller's mm;
 *	known to be aligned and not to wrap around
 *
 * Waits for no fault. What is to be pinned and is not is pinned now.
 *
 * Return: 0; -ENOENT: nothing is mapped there; -EINVAL: not just one mapping, or it
 * doesn't wait; -EFAULT: not user addresses, or what is to be pinned can't be;
 * -ENOMEM: over the caller's locked-memory limit, or no memory; -EINTR: killed;
 * -EIO: the container failed. On an error it waits as before.
 */
int viopf_vaddr_update(struct viopf_container *container,
		       const struct vfio_iommu_type1_dma_map *map)
{
	u64 last = map->iova + map->size - 1;
	struct viopf_mapping *old, *mapping;
	int ret;

	lockdep_assert_held(&container->lock);

	old = viopf_mapping_first(container, map->iova, last);
	if (!old)
		return -ENOENT;
	if (!old->vaddr_invalid || old->node.start != map->iova ||
	    old->node.last != last)
		return -EINVAL;
	if (!access_ok((void __user *)(unsigned long)map->vaddr, map->size))
		return -EFAULT;
	if (viopf_container_failed(container))
		return -EIO;
	/* It would not wait with pages that drivers have, nor do they get any then. */
	if (WARN_ON_ONCE(!xa_empty(&old->externals)))
		return -EBUSY;

	mapping = viopf_mapping_alloc(container, map);
	if (!mapping)
		return -ENOMEM;
	viopf_vaddr_inherit(mapping, old);
	viopf_vaddr_set_dead(old, true);
	ret = viopf_vaddr_prepare(mapping, old);
	if (ret) {
		viopf_vaddr_discard(mapping);
		/* Devices may have written what was pinned for it, and its bits are gone. */
		if (viopf_mapping_is_pinned(old))
			old->dirty_all = true;
		viopf_vaddr_set_segments_dead(old, false);
		viopf_vaddr_set_dead(old, false);
		return ret;
	}
	viopf_vaddr_replace(mapping, old);
	return 0;
}
