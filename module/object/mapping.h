/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Mappings, and what is mapped where: see mapping.c.
 */
#ifndef VIOPF_MAPPING_H
#define VIOPF_MAPPING_H

#include <linux/interval_tree.h>
#include <linux/maple_tree.h>
#include <linux/sched/mm.h>
#include <linux/xarray.h>

#include <linux/vfio_iopf.h>

#include "object/container.h"

/* The flags of MAP_DMA that choose a mode. */
#define VIOPF_MAP_MODES		(VFIO_DMA_MAP_FLAG_IOPF_PINNED | \
				 VFIO_DMA_MAP_FLAG_IOPF_FAULTABLE | \
				 VFIO_DMA_MAP_FLAG_IOPF_USER)

/* Who decides what becomes of a mapping, by the flags of MAP_DMA. */
enum viopf_mode {
	VIOPF_MODE_AUTO,	/* faultable or pinned, as the container is */
	VIOPF_MODE_PINNED,
	VIOPF_MODE_FAULTABLE,
	VIOPF_MODE_USER,	/* faultable once user space agrees */
};

/**
 * struct viopf_mapping - an IOVA range and the memory behind it
 * @node: [start, last] in container->mappings, in bytes of IOVA
 * @container: whose it is
 * @mm: where the memory is; held by mmgrab()
 * @uaddr: user address of @node.start
 * @prot: IOMMU_READ, IOMMU_WRITE: what the device may at the most
 * @mode: who decides whether it is pinned
 * @task: thread group leader of the process, for its locked-memory limit
 * @lock_cap: that limit doesn't bind it (CAP_IPC_LOCK)
 * @ref: the container's, and one for each fault at work in it
 * @free_work: frees it, if the last reference was the handler's
 * @dead: unmapped; set under container->fault_lock and @segments_lock, so that
 *	either excludes its change
 * @vaddr_invalid: its address is being updated, and faults in it wait; by
 *	container->fault_lock, and changed with container->lock held too
 * @superseded: another has taken its place, with another address; by
 *	container->fault_lock
 * @charged: pages charged to @task's locked-memory limit; by container->lock
 * @warned: said once that memory in it can't be faulted in
 * @segments_lock: makes and publishes segments
 * @segments: struct viopf_segment by IOVA; grows only
 * @ager: tells its mm which pages devices use, from the first segment on; a
 *	reference. Set once, by cmpxchg()
 * @externals: struct viopf_external by IOVA page; by container->lock
 * @externals_mapped: those pages are kept mapped for devices behind an IOMMU
 * @dirty_all: all of it counts as dirty, as what was written could not be noted page by
 *	page (change/dirty.c); by container->lock
 */
struct viopf_mapping {
	struct interval_tree_node	node;
	struct viopf_container		*container;
	struct mm_struct		*mm;
	unsigned long			uaddr;
	int				prot;
	enum viopf_mode			mode;
	struct task_struct		*task;
	bool				lock_cap;
	struct kref			ref;
	struct work_struct		free_work;
	bool				dead;
	bool				vaddr_invalid;
	bool				superseded;
	unsigned long			charged;
	bool				warned;
	struct mutex			segments_lock;	/* around table->lock */
	struct maple_tree		segments;
	struct viopf_ager		*ager;
	struct xarray			externals;
	bool				externals_mapped;
	bool				dirty_all;
};

struct viopf_mapping *viopf_mapping_first(struct viopf_container *container,
					  unsigned long first,
					  unsigned long last);
struct viopf_mapping *viopf_mapping_next(struct viopf_mapping *mapping);
struct viopf_mapping *viopf_mapping_find_get(struct viopf_container *container,
					     unsigned long iova);
void viopf_mapping_insert(struct viopf_mapping *mapping);
void viopf_mapping_erase(struct viopf_mapping *mapping);
void viopf_mapping_replace(struct viopf_mapping *old,
			   struct viopf_mapping *mapping);
void viopf_mapping_put(struct viopf_mapping *mapping);
void viopf_mapping_put_async(struct viopf_mapping *mapping);
int viopf_mapping_init(void);
void viopf_mapping_exit(void);
struct viopf_mapping *
viopf_mapping_alloc(struct viopf_container *container,
		    const struct vfio_iommu_type1_dma_map *map);
bool viopf_mapping_is_pinned(const struct viopf_mapping *mapping);

/* The IOVA that it covers, in bytes. */
static inline u64 viopf_mapping_bytes(const struct viopf_mapping *mapping)
{
	return mapping->node.last - mapping->node.start + 1;
}

/*
 * An mm that is kept alive to the end of a scope; NULL if the process is gone. If ours is
 * the last reference, taking the mm down is not for us.
 */
DEFINE_CLASS(viopf_mm, struct mm_struct *, _T ? mmput_async(_T) : (void)0,
	     mmget_not_zero(mm) ? mm : NULL, struct mm_struct *mm)

/* Is it a range of whole pages, not empty, and not around the end? */
static inline bool viopf_is_page_range(u64 iova, u64 bytes)
{
	return bytes && PAGE_ALIGNED(iova | bytes) && iova + bytes - 1 >= iova;
}

/*
 * Each mapping of a locked container that has some of [_first, _last], by address. None may
 * be removed meanwhile.
 */
#define viopf_for_each_mapping_in(_mapping, _container, _first, _last)		\
	for (_mapping = viopf_mapping_first(_container, _first, _last);		\
	     _mapping && _mapping->node.start <= (_last);			\
	     _mapping = viopf_mapping_next(_mapping))

#define viopf_for_each_mapping(_mapping, _container)				\
	viopf_for_each_mapping_in(_mapping, _container, 0, ULONG_MAX)

#endif /* VIOPF_MAPPING_H */
