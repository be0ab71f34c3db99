// SPDX-License-Identifier: GPL-2.0-only
/*
 * VFIO_IOPF_ADVISE: what user space knows beforehand of what devices will want.
 *
 * A range is worked through from its start, mapping by mapping and segment by
 * segment, and how far it came is told whatever ends it: a signal, an address
 * without memory, a part that is not mapped.
 *
 * A prefetch is a fault that no device waits for, in the caller's own context, by
 * the code of a fault (fault/resolve.c): in strides of the largest window, each
 * brought in by one call and mapped by as few as the memory allows. What is mapped
 * already as wanted is passed over by looking at the record alone. It holds
 * references meanwhile, to the mapping and its mm, and no lock: neither faults nor
 * evictions nor other calls wait for it. If the mapping is unmapped it finds its
 * segments dead; UNMAP_DMA does not wait for that.
 *
 * To evict is to do to a segment what the mm would, without the mm: the process
 * keeps its memory. Pages that are pinned stay.
 *
 * To pin and unpin is change/pin.c's, a segment at a time, with the container locked.
 */
#include <linux/mm.h>
#include <linux/sched/mm.h>

#include "uapi/internal.h"

/**
 * struct viopf_advice - one call at work
 * @ctx: of the caller; with room for snapshots, if it is a prefetch
 * @advice: enum vfio_iopf_advice
 * @iova: first byte of the range
 * @size: its bytes, a multiple of pages
 * @done: how many of them are done, from the first on
 */
struct viopf_advice {
	struct viopf_fault_ctx	ctx;
	u32			advice;
	unsigned long		iova;
	unsigned long		size;
	unsigned long		done;
};

/* Where to go on. Wraps around only when all is done. */
static unsigned long viopf_advice_iova(const struct viopf_advice *work)
{
	return work->iova + work->done;
}

static unsigned long viopf_advice_last(const struct viopf_advice *work)
{
	return work->iova + work->size - 1;
}

static bool viopf_advice_is_prefetch(u32 advice)
{
	return advice == VFIO_IOPF_ADV_PREFETCH_READ ||
	       advice == VFIO_IOPF_ADV_PREFETCH_WRITE ||
	       advice == VFIO_IOPF_ADV_PREFETCH_RESIDENT;
}

static bool viopf_advice_is_permitted(u32 advice,
				      const struct viopf_mapping *mapping)
{
	switch (advice) {
	case VFIO_IOPF_ADV_PREFETCH_READ:
		return mapping->prot & IOMMU_READ;
	case VFIO_IOPF_ADV_PREFETCH_WRITE:
		return mapping->prot & IOMMU_WRITE;
	default:
		return true;
	}
}

static int viopf_prefetch_segment(struct viopf_advice *work,
				  struct viopf_segment *segment)
{
	unsigned long first = viopf_segment_page(segment,
						 viopf_advice_iova(work));
	unsigned long end = viopf_segment_end(segment, viopf_advice_last(work));
	struct viopf_span span = {
		.page = first,
		.asks = work->advice == VFIO_IOPF_ADV_PREFETCH_RESIDENT ?
			VIOPF_ASKS_NOTHING : VIOPF_ASKS_ALL,
		.write = work->advice == VFIO_IOPF_ADV_PREFETCH_WRITE &&
			 !viopf_dirty_bits_prefer_read(&segment->table),
	};
	int ret = 0;

	while (!ret && viopf_span_ahead(segment, &span, end)) {
		ret = viopf_fault_span(&work->ctx, segment, &span);
		if (ret == -EALREADY)
			ret = 0;
		cond_resched();
	}
	work->done += (span.page - first) << PAGE_SHIFT;
	return ret;
}

/* A segment's worth. What is allocated is charged to the owner of the mm. */
static int viopf_advice_prefetch(struct viopf_advice *work,
				 struct viopf_mapping *mapping)
{
	CLASS(viopf_mm, mm)(mapping->mm);
	struct viopf_segment *segment;
	struct viopf_charge charge;
	int ret;

	if (!mm)
		return -EFAULT;
	work->ctx.container = mapping->container;
	viopf_charge_begin(&charge, mm);
	segment = viopf_fault_segment(&work->ctx, mapping,
				      viopf_advice_iova(work));
	ret = IS_ERR(segment) ? PTR_ERR(segment) :
	      viopf_prefetch_segment(work, segment);
	viopf_charge_end(&charge);
	return ret;
}

/* Pin what of a segment is in the range. */
static int viopf_advice_pin(struct viopf_advice *work,
			    struct viopf_mapping *mapping)
{
	CLASS(viopf_mm, mm)(mapping->mm);
	unsigned long iova = viopf_advice_iova(work), first, end;
	struct viopf_segment *segment;
	int ret;

	if (mapping->vaddr_invalid)
		return -EBUSY;
	if (!mm)
		return -EFAULT;
	segment = viopf_segment_get(mapping, iova);
	if (IS_ERR(segment))
		return PTR_ERR(segment);
	first = viopf_segment_page(segment, iova);
	end = viopf_segment_end(segment, viopf_advice_last(work));
	ret = viopf_pin_advise(segment, first, end);
	if (!ret)
		work->done += (end - first) << PAGE_SHIFT;
	return ret;
}

/* Take pages away from the devices. */
static int viopf_advice_evict(struct viopf_segment *segment,
			      unsigned long first, unsigned long end)
{
	guard(mutex)(&segment->table.lock);
	viopf_leaf_drop(&segment->table, first, end);
	return segment->table.kept ? -EIO : 0;
}

/* Unpin or evict what of a segment is in the range, or pass by where there is none. */
static int viopf_advice_drop(struct viopf_advice *work,
			     struct viopf_mapping *mapping)
{
	unsigned long last = min(mapping->node.last, viopf_advice_last(work));
	unsigned long index = viopf_advice_iova(work), first, end;
	struct viopf_segment *segment;
	int ret = 0;

	segment = mt_find(&mapping->segments, &index, last);
	if (!segment) {
		work->done = last - work->iova + 1;
		return 0;
	}
	if (segment->table.iova > viopf_advice_iova(work))
		work->done = segment->table.iova - work->iova;
	first = viopf_segment_page(segment, viopf_advice_iova(work));
	end = viopf_segment_end(segment, last);
	if (work->advice == VFIO_IOPF_ADV_EVICT)
		ret = viopf_advice_evict(segment, first, end);
	else
		viopf_unpin_advise(segment, first, end);
	if (!ret)
		work->done += (end - first) << PAGE_SHIFT;
	return ret;
}

/* To pin or unpin needs the container locked. */
static int viopf_advice_step_locked(struct viopf_advice *work,
				    struct viopf_container *container)
{
	struct viopf_mapping *mapping;

	guard(mutex)(&container->lock);
	mapping = viopf_mapping_first(container, viopf_advice_iova(work),
				      viopf_advice_iova(work));
	if (!mapping)
		return -ENOENT;
	return work->advice == VFIO_IOPF_ADV_PIN ?
	       viopf_advice_pin(work, mapping) :
	       viopf_advice_drop(work, mapping);
}

/*
 * What a prefetch failed with, unless the mapping's address is being updated, or was: then it
 * is looked up anew. Both at once, as the update changes both (viopf_vaddr_resume()).
 */
static int viopf_prefetch_failed(struct viopf_mapping *mapping, int ret)
{
	spinlock_t *fault_lock = &mapping->container->fault_lock;

	spin_lock(fault_lock);
	if (mapping->superseded)
		ret = 0;
	else if (mapping->vaddr_invalid)
		ret = -EBUSY;
	spin_unlock(fault_lock);
	return ret;
}

static int viopf_advice_step_in(struct viopf_advice *work,
				struct viopf_mapping *mapping)
{
	int ret;

	if (!viopf_advice_is_permitted(work->advice, mapping))
		return -EPERM;
	if (work->advice == VFIO_IOPF_ADV_EVICT)
		return viopf_advice_drop(work, mapping);
	if (READ_ONCE(mapping->vaddr_invalid))
		return -EBUSY;

	ret = viopf_advice_prefetch(work, mapping);
	return !ret || ret == -EINTR ? ret : viopf_prefetch_failed(mapping, ret);
}

/* A segment's worth, or a hole; the mapping is looked up anew, as it may have changed. */
static int viopf_advice_step(struct viopf_advice *work,
			     struct viopf_container *container)
{
	struct viopf_mapping *mapping;
	int ret;

	if (viopf_container_failed(container))
		return -EIO;
	if (signal_pending(current))
		return -EINTR;
	if (work->advice == VFIO_IOPF_ADV_PIN ||
	    work->advice == VFIO_IOPF_ADV_UNPIN)
		return viopf_advice_step_locked(work, container);
	mapping = viopf_mapping_find_get(container, viopf_advice_iova(work));
	if (!mapping)
		return -ENOENT;
	ret = viopf_advice_step_in(work, mapping);
	viopf_mapping_put(mapping);
	return ret;
}

static int viopf_advise_check(const struct vfio_iopf_advise *advise)
{
	if (advise->argsz < offsetofend(struct vfio_iopf_advise, done_bytes) ||
	    advise->flags || advise->reserved ||
	    advise->advice > VFIO_IOPF_ADV_UNPIN)
		return -EINVAL;
	return viopf_is_page_range(advise->iova, advise->size) ? 0 : -EINVAL;
}

/**
 * viopf_advise() - VFIO_IOPF_ADVISE
 * @container: for which
 * @arg: struct vfio_iopf_advise
 *
 * Return: 0; -EINVAL: a bad structure or range; -ENOENT: not mapped, or unmapped
 * meanwhile; -EPERM: the mapping does not permit it; -EINTR: a signal; -EFAULT: no
 * memory there, or a bad @arg; -EBUSY: its address is being updated; -EIO: the
 * container failed; -ENOMEM: also over the locked-memory limit.
 */
long viopf_advise(struct viopf_container *container, void __user *arg)
{
	size_t minsz = offsetofend(struct vfio_iopf_advise, done_bytes);
	struct vfio_iopf_advise advise;
	struct viopf_advice work = { };
	int ret;

	if (copy_from_user(&advise, arg, minsz))
		return -EFAULT;
	ret = viopf_advise_check(&advise);
	if (ret)
		return ret;

	work.advice = advise.advice;
	work.iova = advise.iova;
	work.size = advise.size;
	if (viopf_advice_is_prefetch(work.advice)) {
		work.ctx.pfns = viopf_fault_pfns_alloc(GFP_KERNEL_ACCOUNT);
		ret = work.ctx.pfns ? 0 : -ENOMEM;
	}
	while (!ret && work.done < work.size) {
		ret = viopf_advice_step(&work, container);
		cond_resched();
	}
	kvfree(work.ctx.pfns);
	advise.done_bytes = work.done;
	if (copy_to_user(arg, &advise, minsz))
		return -EFAULT;
	return ret;
}
