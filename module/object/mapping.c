// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mappings: the life of one, and the tree in which they are found.
 *
 * A mapping is a note of an IOVA range and of the memory behind it, in the mm of whoever
 * made it. Each follows its own mm, so processes may share a container. How one comes and
 * goes is change/map.c's and change/unmap.c's.
 *
 * The mappings of a container are an interval tree. Its lock is a spinning one for the
 * sake of faults, which only look an address up; to insert and remove allocates nothing.
 */
#include <linux/sched/task.h>

#include "object/internal.h"

/* Frees mappings; the module waits for it when it goes. */
static struct workqueue_struct *viopf_free_wq;

static struct viopf_mapping *viopf_mapping_of(struct interval_tree_node *node)
{
	return container_of(node, struct viopf_mapping, node);
}

/**
 * viopf_mapping_first() - the first mapping in a range
 * @container: locked
 * @first: first byte of the range, as IOVA
 * @last: its last byte
 *
 * Return: the lowest mapping that has something in it, or NULL.
 */
struct viopf_mapping *viopf_mapping_first(struct viopf_container *container,
					  unsigned long first,
					  unsigned long last)
{
	struct interval_tree_node *node;

	lockdep_assert_held(&container->lock);

	node = interval_tree_iter_first(&container->mappings, first, last);
	return node ? viopf_mapping_of(node) : NULL;
}

/**
 * viopf_mapping_next() - the next one
 * @mapping: of a locked container
 *
 * Lets others have the CPU, as there may be very many.
 *
 * Return: the mapping above it, or NULL.
 */
struct viopf_mapping *viopf_mapping_next(struct viopf_mapping *mapping)
{
	struct interval_tree_node *node =
		interval_tree_iter_next(&mapping->node, 0, ULONG_MAX);

	lockdep_assert_held(&mapping->container->lock);

	cond_resched();
	return node ? viopf_mapping_of(node) : NULL;
}

/**
 * viopf_mapping_find_get() - find what is mapped at an address
 * @container: any lock may be held, or none
 * @iova: in bytes
 *
 * Return: the mapping, with a reference; NULL if there is none.
 */
struct viopf_mapping *viopf_mapping_find_get(struct viopf_container *container,
					     unsigned long iova)
{
	struct viopf_mapping *mapping = NULL;
	struct interval_tree_node *node;

	read_lock(&container->map_lock);
	node = interval_tree_iter_first(&container->mappings, iova, iova);
	if (node) {
		mapping = viopf_mapping_of(node);
		kref_get(&mapping->ref);
	}
	read_unlock(&container->map_lock);
	return mapping;
}

/**
 * viopf_mapping_insert() - let a mapping be found
 * @mapping: of a locked container, which has nothing there
 */
void viopf_mapping_insert(struct viopf_mapping *mapping)
{
	struct viopf_container *container = mapping->container;

	lockdep_assert_held(&container->lock);

	write_lock(&container->map_lock);
	interval_tree_insert(&mapping->node, &container->mappings);
	write_unlock(&container->map_lock);
	viopf_count(&container->iommu, mappings, 1);
	viopf_count(&container->iommu, mapped_bytes, viopf_mapping_bytes(mapping));
}

/**
 * viopf_mapping_erase() - nobody finds a mapping any more
 * @mapping: of a locked container; what the tree had of it is the caller's reference
 */
void viopf_mapping_erase(struct viopf_mapping *mapping)
{
	struct viopf_container *container = mapping->container;

	lockdep_assert_held(&container->lock);

	write_lock(&container->map_lock);
	interval_tree_remove(&mapping->node, &container->mappings);
	write_unlock(&container->map_lock);
	viopf_count(&container->iommu, mappings, -1);
	viopf_count(&container->iommu, mapped_bytes, -viopf_mapping_bytes(mapping));
}

/**
 * viopf_mapping_replace() - whoever looks finds another mapping in its place
 * @old: of a locked container; its reference is the caller's from here on
 * @mapping: of the same IOVA
 */
void viopf_mapping_replace(struct viopf_mapping *old,
			   struct viopf_mapping *mapping)
{
	struct viopf_container *container = old->container;

	lockdep_assert_held(&container->lock);

	write_lock(&container->map_lock);
	interval_tree_remove(&old->node, &container->mappings);
	interval_tree_insert(&mapping->node, &container->mappings);
	write_unlock(&container->map_lock);
}

static void viopf_mapping_free(struct viopf_mapping *mapping)
{
	struct viopf_segment *segment;
	unsigned long index;

	viopf_for_each_segment(segment, mapping, index)
		viopf_segment_destroy(segment);
	/*
	 * Nobody reads it any more. As a tree with readers it would be freed by
	 * mt_free_walk() in lib/maple_tree.c, which takes the metadata in the last slot
	 * of a node of 15 others for a child, if there are nodes between it and the
	 * root, and it and the leaves: some thousand segments. mt_destroy_walk() does not.
	 */
	mt_clear_in_rcu(&mapping->segments);
	mtree_destroy(&mapping->segments);
	mutex_destroy(&mapping->segments_lock);
	put_task_struct(mapping->task);
	viopf_age_release(mapping->ager);
	mmdrop(mapping->mm);
	kfree(mapping);
}

static void viopf_mapping_release(struct kref *ref)
{
	viopf_mapping_free(container_of(ref, struct viopf_mapping, ref));
}

static void viopf_mapping_free_work(struct work_struct *work)
{
	viopf_mapping_free(container_of(work, struct viopf_mapping, free_work));
}

static void viopf_mapping_release_async(struct kref *ref)
{
	struct viopf_mapping *mapping =
		container_of(ref, struct viopf_mapping, ref);

	INIT_WORK(&mapping->free_work, viopf_mapping_free_work);
	queue_work(viopf_free_wq, &mapping->free_work);
}

/**
 * viopf_mapping_put() - drop a reference
 * @mapping: freed with the last one
 */
void viopf_mapping_put(struct viopf_mapping *mapping)
{
	kref_put(&mapping->ref, viopf_mapping_release);
}

/**
 * viopf_mapping_put_async() - drop a reference, where there is no time
 * @mapping: freed with the last one, with all of its segments, by another thread
 */
void viopf_mapping_put_async(struct viopf_mapping *mapping)
{
	kref_put(&mapping->ref, viopf_mapping_release_async);
}

/**
 * viopf_mapping_init() - the module is loaded
 *
 * Return: 0 or -ENOMEM.
 */
int viopf_mapping_init(void)
{
	viopf_free_wq = alloc_workqueue("viopf_free", WQ_UNBOUND, 0);
	return viopf_free_wq ? 0 : -ENOMEM;
}

/**
 * viopf_mapping_exit() - the module goes: mappings that nobody uses are freed
 */
void viopf_mapping_exit(void)
{
	destroy_workqueue(viopf_free_wq);
}

static enum viopf_mode viopf_map_mode(u32 flags)
{
	if (flags & VFIO_DMA_MAP_FLAG_IOPF_PINNED)
		return VIOPF_MODE_PINNED;
	if (flags & VFIO_DMA_MAP_FLAG_IOPF_FAULTABLE)
		return VIOPF_MODE_FAULTABLE;
	if (flags & VFIO_DMA_MAP_FLAG_IOPF_USER)
		return VIOPF_MODE_USER;
	return VIOPF_MODE_AUTO;
}

/**
 * viopf_mapping_alloc() - make a mapping of the caller's memory
 * @container: for which container; it is not in its tree yet
 * @map: what MAP_DMA was given
 *
 * Return: it, or NULL without memory.
 */
struct viopf_mapping *
viopf_mapping_alloc(struct viopf_container *container,
		    const struct vfio_iommu_type1_dma_map *map)
{
	struct viopf_mapping *mapping;

	mapping = kzalloc(sizeof(*mapping), GFP_KERNEL_ACCOUNT);
	if (!mapping)
		return NULL;

	mapping->node.start = map->iova;
	mapping->node.last = map->iova + map->size - 1;
	mapping->container = container;
	mapping->mm = current->mm;
	mmgrab(mapping->mm);
	mapping->uaddr = map->vaddr;
	mapping->task = get_task_struct(current->group_leader);
	mapping->lock_cap = capable(CAP_IPC_LOCK);
	if (map->flags & VFIO_DMA_MAP_FLAG_READ)
		mapping->prot |= IOMMU_READ;
	if (map->flags & VFIO_DMA_MAP_FLAG_WRITE)
		mapping->prot |= IOMMU_WRITE;
	mapping->mode = viopf_map_mode(map->flags);
	kref_init(&mapping->ref);
	mutex_init(&mapping->segments_lock);
	mt_init_flags(&mapping->segments, MT_FLAGS_USE_RCU);
	xa_init(&mapping->externals);
	return mapping;
}

/**
 * viopf_mapping_is_pinned() - is all of a mapping to be pinned?
 * @mapping: with container->lock held
 *
 * Return: whether it is.
 */
bool viopf_mapping_is_pinned(const struct viopf_mapping *mapping)
{
	const struct viopf_container *container = mapping->container;

	lockdep_assert_held(&container->lock);

	if (mapping->mode == VIOPF_MODE_AUTO)
		return !container->enabled || container->nr_cant_fault;
	return mapping->mode == VIOPF_MODE_PINNED;
}
