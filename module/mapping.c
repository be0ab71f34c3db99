// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mappings: MAP_DMA and UNMAP_DMA.
 *
 * To map is to note an IOVA range and the memory behind it, in the caller's mm.
 * Unless it is to be pinned (mode.c), no page is touched and nothing is allocated
 * that depends on the size. Each mapping follows its own mm,
 * so processes may share a container. The address need not be backed by anything
 * yet; what can't be faulted in when a device asks for it is answered INVALID
 * then. It must be a user address, though. A tag in it (of arm64's top byte, or
 * x86's LAM) is taken off: VMAs and notifiers are found without it.
 *
 * The rules, and the errors in the order in which they are looked for, are those
 * of type1 and type1v2 (vfio_dma_do_map() and vfio_dma_do_unmap() in
 * drivers/vfio/vfio_iommu_type1.c), which clients depend on.
 *
 * The mappings of a container are an interval tree. Its lock is a spinning one
 * for the sake of faults, which only look an address up; to insert and remove
 * allocates nothing.
 */
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vfio.h>

#include "../compat/type1_wraps.h"
#include "viopf.h"

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
 * Return: the mapping above it, or NULL.
 */
struct viopf_mapping *viopf_mapping_next(struct viopf_mapping *mapping)
{
	struct interval_tree_node *node =
		interval_tree_iter_next(&mapping->node, 0, ULONG_MAX);

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

static void viopf_mapping_free(struct viopf_mapping *mapping)
{
	struct viopf_segment *segment;
	unsigned long index = 0;

	mt_for_each(&mapping->segments, segment, index, ULONG_MAX)
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
 * viopf_container_granule() - the granularity of all addresses
 * @container: locked
 *
 * Return: the smallest page of all IOMMUs, in bytes.
 */
unsigned long viopf_container_granule(struct viopf_container *container)
{
	return 1UL << __ffs(viopf_container_pgsizes(container));
}

static int viopf_map_check_aligned(struct viopf_container *container,
				   const struct vfio_iommu_type1_dma_map *map)
{
	unsigned long granule = viopf_container_granule(container);

	return (map->size | map->iova | map->vaddr) & (granule - 1) ? -EINVAL : 0;
}

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

/*
 * Take a mapping away. In this order: no fault begins in it, those at work are answered, no
 * device reaches it, nobody finds it. It stays in the tree until nothing of it is kept
 * (keep.c), since that is found through the tree. Returns its size in bytes.
 */
static u64 viopf_mapping_remove(struct viopf_container *container,
				struct viopf_mapping *mapping)
{
	u64 bytes = mapping->node.last - mapping->node.start + 1;
	struct viopf_segment *segment;
	unsigned long index = 0;

	lockdep_assert_held(&container->lock);

	if (mapping->waiting)
		container->nr_waiting--;
	mutex_lock(&mapping->segments_lock);
	viopf_faults_cancel_mapping(mapping);
	mutex_unlock(&mapping->segments_lock);

	viopf_external_release(mapping, !list_empty(&container->devices));
	mt_for_each(&mapping->segments, segment, index, ULONG_MAX)
		viopf_segment_kill(segment);

	write_lock(&container->map_lock);
	interval_tree_remove(&mapping->node, &container->mappings);
	write_unlock(&container->map_lock);
	container->mappings_left++;
	viopf_mapping_put(mapping);
	cond_resched();

	return bytes;
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
	write_lock(&container->map_lock);
	interval_tree_insert(&mapping->node, &container->mappings);
	write_unlock(&container->map_lock);

	ret = viopf_mode_apply(mapping, NULL);
	if (!ret)
		ret = viopf_dirty_check_mapping(container, map->size);
	if (ret)
		viopf_mapping_remove(container, mapping);
	return ret == -EIO ? -ENODEV : ret;
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

	mutex_lock(&container->lock);
	ret = viopf_map_check_aligned(container, map);
	if (!ret && map->flags & VFIO_DMA_MAP_FLAG_VADDR)
		ret = viopf_vaddr_update(container, map);
	else if (!ret)
		ret = viopf_mapping_create_locked(container, map);
	mutex_unlock(&container->lock);
	return ret;
}

/* Remove a mapping, and report which of its pages were written up to the end. */
static u64 viopf_mapping_remove_reported(struct viopf_container *container,
					 struct viopf_mapping *mapping,
					 struct viopf_dirty_report *report)
{
	u64 bytes;

	kref_get(&mapping->ref);
	viopf_dirty_report_begin(report, mapping);
	bytes = viopf_mapping_remove(container, mapping);
	viopf_dirty_report_end(report, mapping);
	viopf_mapping_put(mapping);
	return bytes;
}

/*
 * Take away all that begins in [first, last]. With v2 no mapping sticks out; type1's
 * first version takes one that sticks out above, and stops at one that sticks out
 * below. @report is NULL, or ready for all of it.
 */
static u64 viopf_mapping_remove_range(struct viopf_container *container,
				      unsigned long first, unsigned long last,
				      struct viopf_dirty_report *report)
{
	struct viopf_mapping *mapping;
	u64 bytes = 0;

	while ((mapping = viopf_mapping_first(container, first, last)) &&
	       mapping->node.start >= first)
		bytes += report ? viopf_mapping_remove_reported(container, mapping,
								report) :
				  viopf_mapping_remove(container, mapping);
	return bytes;
}

/**
 * viopf_mapping_check_range() - may mappings be taken from a range, or be reported?
 * @container: locked
 * @first: its first byte, as IOVA
 * @bytes: its size
 * @whole: it may not cut through a mapping
 *
 * Return: 0; -EINVAL: not aligned, empty, or cuts through a mapping; -EOVERFLOW (or
 * -EINVAL, as type1): wraps around.
 */
int viopf_mapping_check_range(struct viopf_container *container, u64 first,
			      u64 bytes, bool whole)
{
	unsigned long granule = viopf_container_granule(container);
	u64 last = first + bytes - 1;
	struct viopf_mapping *mapping;

	if (!bytes || ((first | bytes) & (granule - 1)))
		return -EINVAL;
	if (last < first)
		return -COMPAT_EWRAPS;
	if (!whole)
		return 0;

	mapping = viopf_mapping_first(container, first, first);
	if (mapping && mapping->node.start != first)
		return -EINVAL;
	mapping = viopf_mapping_first(container, last, last);
	if (mapping && mapping->node.last != last)
		return -EINVAL;
	return 0;
}

static int viopf_unmap_check(struct viopf_container *container,
			     const struct vfio_iommu_type1_dma_unmap *unmap)
{
	if (unmap->flags & VFIO_DMA_UNMAP_FLAG_ALL)
		return unmap->iova || unmap->size ? -EINVAL : 0;
	return viopf_mapping_check_range(container, unmap->iova, unmap->size,
					 container->v2);
}

/**
 * viopf_mapping_unmap() - VFIO_IOMMU_UNMAP_DMA
 * @container: where
 * @unmap: what; flags known to be known; size is set to the bytes unmapped
 * @report: where to report dirty pages, or NULL
 *
 * Waits for no fault, whatever that waits for; only for what the mm is just taking
 * away, for a segment that is just being published, and for drivers that have pages
 * of it pinned to give them up; and to report, for user space's bitmap, before
 * anything is gone.
 *
 * Return: 0, also if nothing was mapped there; -EINVAL: size zero, not aligned,
 * wraps around, cuts through a mapping (v2), or a range along with "all". With
 * VFIO_DMA_UNMAP_FLAG_VADDR, what viopf_vaddr_invalidate() says, or -EBUSY: there are
 * mediated devices. With @report, what viopf_dirty_report_check() says.
 */
int viopf_mapping_unmap(struct viopf_container *container,
			struct vfio_iommu_type1_dma_unmap *unmap,
			struct viopf_dirty_report *report)
{
	bool all = unmap->flags & VFIO_DMA_UNMAP_FLAG_ALL;
	u64 first = unmap->iova, bytes = 0;
	u64 last = all ? ULONG_MAX : first + unmap->size - 1;
	bool vaddr = unmap->flags & VFIO_DMA_UNMAP_FLAG_VADDR;
	struct viopf_settle settle = { };
	int ret;

	mutex_lock(&container->lock);
	/* As type1: their drivers could not pin meanwhile. Nor is what is pinned moved. */
	if (vaddr && (!list_empty(&container->emulated) ||
		      container->nr_external)) {
		ret = -EBUSY;
		goto out_unlock;
	}
	do {
		ret = viopf_unmap_check(container, unmap);
		if (!ret && report)
			ret = viopf_dirty_report_check(container, report);
		if (!ret && !vaddr)
			ret = viopf_emulated_settle(container, first, last,
						    &settle);
	} while (ret > 0);
	if (!ret && vaddr)
		ret = viopf_vaddr_invalidate(container, first, last, &bytes);
	else if (!ret)
		bytes = viopf_mapping_remove_range(container, first, last, report);
out_unlock:
	mutex_unlock(&container->lock);

	unmap->size = bytes;
	return ret;
}

/**
 * viopf_mapping_unmap_all() - unmap all that there is
 * @container: locked
 *
 * Return: how many bytes that was.
 */
u64 viopf_mapping_unmap_all(struct viopf_container *container)
{
	return viopf_mapping_remove_range(container, 0, ULONG_MAX, NULL);
}
