// SPDX-License-Identifier: GPL-2.0-only
/*
 * Segments: pieces of a mapping, each with a notifier, a lock and a record.
 *
 * DOC: why segments
 *
 * A segment is made when a device first faults in it, so an untouched mapping
 * costs nothing however large it is. An eviction collides only with faults in
 * its own segment, and faults in different segments share no lock but the
 * mm's. 64 MiB keeps the mm's tree of notifiers small (16 a GiB) and the record
 * at a page. Memory of 1 GiB pages gets segments of 1 GiB, so that a leaf of
 * the IOMMU always lies in one segment.
 *
 * The notifier is evict.c's.
 */
#include <linux/hugetlb.h>

#include "object/internal.h"

/* May the segment at @iova be a giant one? Only if the memory is made so. */
static bool viopf_segment_is_giant(struct viopf_mapping *mapping,
				   unsigned long iova)
{
	unsigned long first = round_down(iova, PUD_SIZE), uaddr;
	struct vm_area_struct *vma;
	bool giant;

	if (!IS_ALIGNED(mapping->uaddr - mapping->node.start, PUD_SIZE) ||
	    first < mapping->node.start ||
	    first + PUD_SIZE - 1 > mapping->node.last)
		return false;

	uaddr = mapping->uaddr + (first - mapping->node.start);
	if (mmap_read_lock_killable(mapping->mm))
		return false;
	vma = vma_lookup(mapping->mm, uaddr);
	giant = vma && vma_kernel_pagesize(vma) == PUD_SIZE &&
		vma->vm_end >= uaddr + PUD_SIZE;
	mmap_read_unlock(mapping->mm);
	return giant;
}

/* Make the segment of @bytes around @iova, clipped to its mapping; no notifier. */
static struct viopf_segment *viopf_segment_alloc(struct viopf_mapping *mapping,
						 unsigned long iova,
						 unsigned long bytes)
{
	unsigned long first = max(mapping->node.start, round_down(iova, bytes));
	unsigned long last = min(mapping->node.last,
				 round_down(iova, bytes) + bytes - 1);
	struct viopf_segment *segment;

	segment = kzalloc(sizeof(*segment), GFP_KERNEL_ACCOUNT);
	if (!segment)
		return ERR_PTR(-ENOMEM);
	if (viopf_table_init(&segment->table, &mapping->container->iommu, first,
			     (last - first + 1) >> PAGE_SHIFT, mapping->prot)) {
		kfree(segment);
		return ERR_PTR(-ENOMEM);
	}

	segment->mapping = mapping;
	segment->uaddr = mapping->uaddr + (first - mapping->node.start);
	viopf_window_init(&segment->window, first >> PAGE_SHIFT);
	INIT_LIST_HEAD(&segment->bring_ins);
	/* In a user-handled mapping user space would be asked for each sample anew. */
	if (viopf_age_init(&segment->table, READ_ONCE(mapping->ager),
			   segment->uaddr, mapping->mode != VIOPF_MODE_USER)) {
		viopf_segment_destroy(segment);
		return ERR_PTR(-ENOMEM);
	}
	return segment;
}

/* Make it findable: the last step, after all that can fail. */
static int viopf_segment_publish(struct viopf_segment *segment)
{
	struct viopf_mapping *mapping = segment->mapping;

	guard(mutex)(&mapping->segments_lock);
	if (mapping->dead)
		return -ENOENT;
	/* Whoever turns tracking on walks the segments after that, under this lock. */
	if (READ_ONCE(mapping->container->dirty_tracking) &&
	    viopf_dirty_bits_start(&segment->table))
		return -ENOMEM;
	return mtree_insert_range(&mapping->segments, segment->table.iova,
				  segment->table.iova +
				  viopf_segment_bytes(segment) - 1,
				  segment, GFP_KERNEL_ACCOUNT);
}

static struct viopf_segment *viopf_segment_create(struct viopf_mapping *mapping,
						  unsigned long iova,
						  unsigned long bytes)
{
	struct viopf_segment *segment;
	int ret;

	ret = viopf_age_prepare(&mapping->ager, &mapping->container->ager,
				mapping->mm);
	if (ret)
		return ERR_PTR(ret);
	segment = viopf_segment_alloc(mapping, iova, bytes);
	if (IS_ERR(segment))
		return segment;

	ret = mmu_interval_notifier_insert(&segment->notifier, mapping->mm,
					   segment->uaddr,
					   viopf_segment_bytes(segment),
					   &viopf_evict_ops);
	if (ret)
		goto out_destroy;
	viopf_age_add(&segment->table);
	ret = viopf_segment_publish(segment);
	if (ret)
		goto out_remove;

	viopf_count(&mapping->container->iommu, segments, 1);
	return segment;

out_remove:
	viopf_age_remove(&segment->table);
	mmu_interval_notifier_remove(&segment->notifier);
out_destroy:
	viopf_segment_destroy(segment);
	return ERR_PTR(ret);
}

/**
 * viopf_segment_get() - find the segment at an address, or make it
 * @mapping: held by a reference, its mm by mmget()
 * @iova: inside the mapping
 *
 * Sleeps, and may wait for memory and for mmap_lock.
 *
 * Return: the segment, valid as long as the mapping is held; -ENOENT if the
 * mapping is dead; -ENOMEM, which may pass; -EINTR.
 */
struct viopf_segment *viopf_segment_get(struct viopf_mapping *mapping,
					unsigned long iova)
{
	struct viopf_segment *segment;
	unsigned long bytes = 0;

	for (;;) {
		segment = mtree_load(&mapping->segments, iova);
		if (segment)
			return segment;

		if (!bytes)
			bytes = viopf_segment_is_giant(mapping, iova) ?
				PUD_SIZE : VIOPF_SEGMENT_BYTES;
		else
			bytes = VIOPF_SEGMENT_BYTES;
		segment = viopf_segment_create(mapping, iova, bytes);
		if (segment != ERR_PTR(-EEXIST))
			return segment;
		/* Another fault was faster, or has made smaller ones here. */
	}
}

/**
 * viopf_segment_clone() - make a segment's counterpart in another mapping
 * @mapping: of the same IOVA, not published, its mm by mmget() or the caller's
 * @old: the segment
 *
 * Return: the segment, with nothing in it; -ENOMEM, -EINTR.
 */
struct viopf_segment *viopf_segment_clone(struct viopf_mapping *mapping,
					  const struct viopf_segment *old)
{
	return viopf_segment_create(mapping, old->table.iova,
				    max(viopf_segment_bytes(old),
					VIOPF_SEGMENT_BYTES));
}

/**
 * viopf_segment_destroy() - free a segment
 * @segment: without a notifier, and not published or dead
 */
void viopf_segment_destroy(struct viopf_segment *segment)
{
	viopf_table_deinit(&segment->table);
	kfree(segment);
	cond_resched();
}
