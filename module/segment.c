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
 * DOC: a fault against an eviction
 *
 *   fault (snapshot.c)                     eviction
 *   ------------------------------------   -------------------------------------
 *   seq = mmu_interval_read_begin()
 *   look at the CPU's page table
 *                                          the mm will take the range:
 *                                          lock segment
 *                                            mmu_interval_set_seq()
 *                                            unmap, flush, clear the record
 *                                          unlock
 *   lock segment
 *     mmu_interval_read_retry(): changed
 *   unlock, begin again
 *                                          change the CPU's page table, reuse
 *
 * Were the fault first to the lock, the eviction would find what it mapped. The
 * sequence covers the mm's change of its page table too: read_begin() waits
 * while one is on its way.
 *
 * DOC: a fault against UNMAP_DMA
 *
 *   fault                                  UNMAP_DMA
 *   ------------------------------------   -------------------------------------
 *   find mapping, take a reference
 *                                          mapping->dead; answer its faults
 *                                          lock segment
 *                                            dead = true, unmap, flush
 *                                          unlock
 *   lock segment: dead, give up
 *   drop the reference: mapping freed      remove the notifier
 *
 * And one that is just making the segment: mapping->dead is set under
 * segments_lock, under which segments are published.
 */
#include <linux/hugetlb.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "viopf.h"

/* Take what the mm takes from the process away from the devices as well. */
static void viopf_segment_evict(struct viopf_segment *segment,
				const struct mmu_notifier_range *range)
{
	struct viopf_container *container = segment->mapping->container;
	unsigned long end_uaddr = viopf_segment_uaddr(segment,
						      segment->residency.nr_pages);
	unsigned long start = max(range->start, segment->uaddr);
	unsigned long stop = min(range->end, end_uaddr);
	unsigned long gone;

	if (start >= stop)
		return;

	gone = viopf_leaf_drop(segment, (start - segment->uaddr) >> PAGE_SHIFT,
			       DIV_ROUND_UP(stop - segment->uaddr, PAGE_SIZE));
	if (gone) {
		viopf_count(container, evictions, 1);
		viopf_count(container, pages_evicted, gone);
	}
}

/* Called by the mm, maybe in reclaim, maybe by the OOM reaper. */
static bool viopf_segment_invalidate(struct mmu_interval_notifier *notifier,
				     const struct mmu_notifier_range *range,
				     unsigned long cur_seq)
{
	struct viopf_segment *segment =
		container_of(notifier, struct viopf_segment, notifier);
	struct viopf_container *container = segment->mapping->container;

	if (mmu_notifier_range_blockable(range)) {
		/* One call of the mm's may be for thousands of segments. */
		cond_resched();
		mutex_lock(&segment->lock);
	} else if (!mutex_trylock(&segment->lock)) {
		viopf_count(container, evict_busy, 1);
		return false;
	}

	mmu_interval_set_seq(notifier, cur_seq);
	viopf_count(container, invalidations, 1);
	viopf_segment_evict(segment, range);
	mutex_unlock(&segment->lock);

	return true;
}

static const struct mmu_interval_notifier_ops viopf_segment_notifier_ops = {
	.invalidate = viopf_segment_invalidate,
};

/**
 * viopf_segment_lock_init() - initialise a segment's lock
 * @segment: the segment
 *
 * In one place, so that lockdep knows all such locks, and the dummy that
 * container.c primes it with, as one class.
 */
void viopf_segment_lock_init(struct viopf_segment *segment)
{
	mutex_init(&segment->lock);
}

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
	if (viopf_residency_init(&segment->residency, first >> PAGE_SHIFT,
				 (last - first + 1) >> PAGE_SHIFT,
				 GFP_KERNEL_ACCOUNT)) {
		kfree(segment);
		return ERR_PTR(-ENOMEM);
	}

	segment->mapping = mapping;
	segment->iova = first;
	segment->uaddr = mapping->uaddr + (first - mapping->node.start);
	viopf_segment_lock_init(segment);
	viopf_window_init(&segment->window, segment->residency.first_iopfn);
	if (viopf_age_init(segment)) {
		viopf_segment_destroy(segment);
		return ERR_PTR(-ENOMEM);
	}
	return segment;
}

/* Make it findable: the last step, after all that can fail. */
static int viopf_segment_publish(struct viopf_segment *segment)
{
	struct viopf_mapping *mapping = segment->mapping;
	unsigned long bytes = segment->residency.nr_pages << PAGE_SHIFT;
	int ret = -ENOENT;

	mutex_lock(&mapping->segments_lock);
	if (!mapping->dead)
		ret = viopf_dirty_segment_init(segment);
	if (!ret)
		ret = mtree_insert_range(&mapping->segments, segment->iova,
					 segment->iova + bytes - 1, segment,
					 GFP_KERNEL_ACCOUNT);
	mutex_unlock(&mapping->segments_lock);
	return ret;
}

static struct viopf_segment *viopf_segment_create(struct viopf_mapping *mapping,
						  unsigned long iova,
						  unsigned long bytes)
{
	struct viopf_segment *segment;
	int ret;

	ret = viopf_age_prepare(mapping);
	if (ret)
		return ERR_PTR(ret);
	segment = viopf_segment_alloc(mapping, iova, bytes);
	if (IS_ERR(segment))
		return segment;

	ret = mmu_interval_notifier_insert(&segment->notifier, mapping->mm,
					   segment->uaddr,
					   segment->residency.nr_pages << PAGE_SHIFT,
					   &viopf_segment_notifier_ops);
	if (ret)
		goto out_destroy;
	viopf_age_add(segment);
	ret = viopf_segment_publish(segment);
	if (ret)
		goto out_remove;

	viopf_count(mapping->container, segments, 1);
	return segment;

out_remove:
	viopf_age_remove(segment);
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
	unsigned long bytes = old->residency.nr_pages << PAGE_SHIFT;

	return viopf_segment_create(mapping, old->iova,
				    max(bytes, VIOPF_SEGMENT_BYTES));
}

/**
 * viopf_segment_set_dead() - have nothing mapped in a segment any more
 * @segment: with container->lock held
 * @dead: do; what is not pinned is dropped. Else undo it: devices may fault again
 */
void viopf_segment_set_dead(struct viopf_segment *segment, bool dead)
{
	bool kept;

	mutex_lock(&segment->lock);
	segment->dead = dead;
	if (dead)
		viopf_leaf_drop(segment, 0, segment->residency.nr_pages);
	kept = segment->kept;
	mutex_unlock(&segment->lock);

	if (kept)
		viopf_keep_quarantine(segment->mapping->container);
}

/* Add the bits that *@from has to *@to's. */
static void viopf_segment_move_bits(unsigned long **to, unsigned long **from,
				    unsigned long nr)
{
	if (!*to || !*from) {
		if (!*to)
			swap(*to, *from);
		return;
	}
	bitmap_or(*to, *to, *from, nr);
	bitmap_zero(*from, nr);
}

/**
 * viopf_segment_hand_over() - all that a segment has goes to its counterpart
 * @old: the segment, of a mapping that is dead, with container->lock held
 * @segment: made by viopf_segment_clone(), not to be found by faults yet
 *
 * Pinned pages stay mapped; what is not pinned is dropped. @old is dead then, with
 * nothing in it. Until its notifier is gone, the old mm still evicts from it: with
 * both locks held record and pins go in one step, so an eviction finds all of a
 * pinned page or nothing.
 */
void viopf_segment_hand_over(struct viopf_segment *old,
			     struct viopf_segment *segment)
{
	struct viopf_container *container = old->mapping->container;
	unsigned long nr_pages = old->residency.nr_pages;

	lockdep_assert_held(&container->lock);

	viopf_age_remove(old);
	viopf_segment_set_dead(old, true);

	mutex_lock(&old->lock);
	/* Nobody but an eviction knows it, which takes no other one's lock. */
	mutex_lock_nested(&segment->lock, SINGLE_DEPTH_NESTING);
	viopf_residency_move(&segment->residency, &old->residency);
	viopf_segment_move_bits(&segment->pins, &old->pins, nr_pages);
	viopf_segment_move_bits(&segment->advised, &old->advised, nr_pages);
	viopf_segment_move_bits(&segment->dirty, &old->dirty, nr_pages);
	segment->window = old->window;
	if (!segment->set)
		segment->set = old->set;
	old->set = NULL;
	mutex_unlock(&segment->lock);
	mutex_unlock(&old->lock);

	mmu_interval_notifier_remove(&old->notifier);
	viopf_count(container, segments, -1);
	cond_resched();
}

/**
 * viopf_segment_ready() - may anything be mapped at all?
 * @segment: locked; on success it has its set of domains
 *
 * Return: 0; -EIO: the container failed; -ENOENT: unmapped, or no device left.
 */
int viopf_segment_ready(struct viopf_segment *segment)
{
	struct viopf_container *container = segment->mapping->container;

	lockdep_assert_held(&segment->lock);

	if (viopf_container_failed(container) || segment->kept)
		return -EIO;
	if (segment->dead)
		return -ENOENT;
	if (!segment->set)
		segment->set = READ_ONCE(container->set);
	return segment->set->nr ? 0 : -ENOENT;
}

/**
 * viopf_segment_kill() - no device reaches the segment any more, ever
 * @segment: of a mapping that is being unmapped, with container->lock held
 */
void viopf_segment_kill(struct viopf_segment *segment)
{
	struct viopf_container *container = segment->mapping->container;
	bool kept;

	lockdep_assert_held(&container->lock);

	viopf_age_remove(segment);
	mutex_lock(&segment->lock);
	segment->dead = true;
	mutex_unlock(&segment->lock);
	viopf_unpin_advise(segment, 0, segment->residency.nr_pages);
	viopf_unpin_range(segment, 0, segment->residency.nr_pages);

	mutex_lock(&segment->lock);
	viopf_leaf_drop(segment, 0, segment->residency.nr_pages);
	kept = segment->kept;
	mutex_unlock(&segment->lock);

	if (kept) {
		viopf_keep_quarantine(container);
		/* One that was never in the container's tree is not found by that. */
		viopf_keep_release(segment);
	}
	mmu_interval_notifier_remove(&segment->notifier);
	viopf_count(container, segments, -1);
	cond_resched();
}

/**
 * viopf_segment_destroy() - free a segment
 * @segment: without a notifier, and not published or dead
 */
void viopf_segment_destroy(struct viopf_segment *segment)
{
	viopf_dirty_segment_deinit(segment);
	bitmap_free(segment->pins);
	bitmap_free(segment->advised);
	viopf_age_deinit(segment);
	viopf_residency_deinit(&segment->residency);
	mutex_destroy(&segment->lock);
	kfree(segment);
	cond_resched();
}

static bool viopf_set_has(const struct viopf_domain_set *set,
			  const struct iommu_domain *domain)
{
	unsigned int i;

	for (i = 0; i < set->nr; i++)
		if (set->domains[i] == domain)
			return true;
	return false;
}

/*
 * A domain comes. What is pinned it gets as well; otherwise it starts with nothing,
 * and so must the others: devices fault again.
 */
static int viopf_segment_add_domain(struct viopf_segment *segment,
				    struct iommu_domain *domain)
{
	viopf_leaf_drop(segment, 0, segment->residency.nr_pages);
	return segment->pins && !segment->kept ?
	       viopf_leaf_replay(segment, domain) : 0;
}

/* Move a segment to another set of domains. One that leaves is unmapped. */
static int viopf_segment_use_set(struct viopf_segment *segment,
				 struct viopf_domain_set *set)
{
	struct viopf_domain_set *old = segment->set;
	struct viopf_residency *r = &segment->residency;
	unsigned int i;
	int ret = 0;

	lockdep_assert_held(&segment->lock);

	for (i = 0; old && i < set->nr && !ret; i++)
		if (!viopf_set_has(old, set->domains[i]))
			ret = viopf_segment_add_domain(segment,
						       set->domains[i]);
	if (ret || segment->kept)
		return ret;

	for (i = 0; old && i < old->nr; i++)
		if (!viopf_set_has(set, old->domains[i]))
			viopf_leaf_leave(segment, old->domains[i]);
	if (!set->nr) {
		viopf_count(segment->mapping->container, resident_pages,
			    -(s64)viopf_residency_clear(r, 0, r->nr_pages));
		viopf_age_touch(segment, 0, r->nr_pages, false);
	}
	segment->set = set;
	return 0;
}

static int viopf_mapping_use_set(struct viopf_mapping *mapping,
				 struct viopf_domain_set *set)
{
	struct viopf_segment *segment;
	unsigned long index = 0;
	int ret = 0;
	bool kept;

	/* Whoever publishes a segment after this sees the new set. */
	mutex_lock(&mapping->segments_lock);
	mt_for_each(&mapping->segments, segment, index, ULONG_MAX) {
		do {
			mutex_lock(&segment->lock);
			ret = viopf_segment_use_set(segment, set);
			kept = segment->kept;
			mutex_unlock(&segment->lock);
			if (kept)
				viopf_keep_quarantine(mapping->container);
		} while (kept);
		if (ret)
			break;
		cond_resched();
	}
	mutex_unlock(&mapping->segments_lock);
	return ret;
}

/**
 * viopf_segments_use_set() - change the domains that a container is mapped in
 * @container: locked
 * @set: the new set; the old one is free to go when this returns
 *
 * Segments made meanwhile read container->set under their own lock when they
 * first map something: after the walk has passed them they find @set, before it
 * the walk finds them.
 *
 * Return: 0; -ENOMEM, -EFAULT: what is pinned can't be mapped in a domain that
 * comes. Then the caller goes back to the old set, which can't fail, as nothing
 * comes with it.
 */
int viopf_segments_use_set(struct viopf_container *container,
			   struct viopf_domain_set *set)
{
	struct viopf_mapping *mapping;
	int ret = 0;

	lockdep_assert_held(&container->lock);

	WRITE_ONCE(container->set, set);
	for (mapping = viopf_mapping_first(container, 0, ULONG_MAX); mapping;
	     mapping = viopf_mapping_next(mapping)) {
		ret = viopf_mapping_use_set(mapping, set);
		if (ret)
			break;
	}
	return ret;
}
