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
 * @ctx: of the caller, if it is a prefetch
 * @advice: enum vfio_iopf_advice
 * @iova: first byte of the range
 * @size: its bytes, a multiple of pages
 * @done: how many of them are done, from the first on
 */
struct viopf_advice {
	struct viopf_fault_ctx	*ctx;
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
	unsigned long left = (work->size - work->done) >> PAGE_SHIFT;
	unsigned long end = min(viopf_segment_pages(segment), first + left);
	struct viopf_span span = {
		.page = first,
		.asks = work->advice == VFIO_IOPF_ADV_PREFETCH_RESIDENT ?
			VIOPF_ASKS_NOTHING : VIOPF_ASKS_ALL,
		.write = work->advice == VFIO_IOPF_ADV_PREFETCH_WRITE &&
			 !viopf_dirty_bits_prefer_read(&segment->table),
	};
	int ret = 0;

	while (!ret && viopf_span_ahead(segment, &span, end)) {
		ret = viopf_fault_span(work->ctx, segment, &span);
		if (ret == -EALREADY)
			ret = 0;
		cond_resched();
	}
	work->done += (span.page - first) << PAGE_SHIFT;
	return ret;
}

/* The mm is alive, and what is allocated is charged to its owner. */
static int viopf_prefetch_charged(struct viopf_advice *work,
				  struct viopf_mapping *mapping)
{
	struct viopf_segment *segment;
	int ret = 0;

	while (!ret && work->done < work->size &&
	       viopf_advice_iova(work) <= mapping->node.last) {
		if (viopf_fault_aborted(work->ctx))
			return -EINTR;
		segment = viopf_fault_segment(work->ctx, mapping,
					      viopf_advice_iova(work));
		if (IS_ERR(segment))
			return PTR_ERR(segment);
		ret = viopf_prefetch_segment(work, segment);
	}
	return ret;
}

static int viopf_prefetch_mapping(struct viopf_advice *work,
				  struct viopf_mapping *mapping)
{
	struct viopf_charge charge;
	int ret;

	if (!mmget_not_zero(mapping->mm))
		return -EFAULT;
	viopf_charge_begin(&charge, mapping->mm);
	ret = viopf_prefetch_charged(work, mapping);
	viopf_charge_end(&charge);
	mmput_async(mapping->mm);
	return ret;
}

/* Take what of a segment lies in [iova, last] away from the devices. */
static int viopf_evict_segment(struct viopf_segment *segment,
			       unsigned long iova, unsigned long last)
{
	unsigned long first = 0, end;
	bool kept;

	if (iova > segment->table.iova)
		first = viopf_segment_page(segment, iova);
	end = min(viopf_segment_pages(segment),
		  viopf_segment_page(segment, last) + 1);

	guard(mutex)(&segment->table.lock);
	viopf_leaf_drop(&segment->table, first, end);
	kept = segment->table.kept;
	return kept ? -EIO : 0;
}

static int viopf_evict_mapping(struct viopf_advice *work,
			       struct viopf_mapping *mapping)
{
	unsigned long last = min(mapping->node.last,
				 work->iova + work->size - 1);
	unsigned long index = viopf_advice_iova(work);
	struct viopf_segment *segment;
	int ret;

	mt_for_each(&mapping->segments, segment, index, last) {
		if (segment->table.iova > viopf_advice_iova(work))
			work->done = segment->table.iova - work->iova;
		if (signal_pending(current))
			return -EINTR;
		ret = viopf_evict_segment(segment, viopf_advice_iova(work),
					  last);
		if (ret)
			return ret;
		cond_resched();
	}
	work->done = last - work->iova + 1;
	return 0;
}

/* Pin what of a segment is in the range. */
static int viopf_advice_pin(struct viopf_advice *work,
			    struct viopf_mapping *mapping)
{
	unsigned long iova = viopf_advice_iova(work), first, end;
	struct viopf_segment *segment;
	int ret;

	if (mapping->vaddr_invalid)
		return -EBUSY;
	if (!mmget_not_zero(mapping->mm))
		return -EFAULT;
	segment = viopf_segment_get(mapping, iova);
	ret = PTR_ERR_OR_ZERO(segment);
	if (!ret) {
		first = viopf_segment_page(segment, iova);
		end = min(viopf_segment_pages(segment),
			  first + ((work->size - work->done) >> PAGE_SHIFT));
		ret = viopf_pin_advise(segment, first, end);
		if (!ret)
			work->done += (end - first) << PAGE_SHIFT;
	}
	mmput_async(mapping->mm);
	return ret;
}

/* Unpin what of a segment is in the range, or pass by where there is none. */
static void viopf_advice_unpin(struct viopf_advice *work,
			       struct viopf_mapping *mapping)
{
	unsigned long iova = viopf_advice_iova(work), index = iova, first, end;
	unsigned long last = min(mapping->node.last,
				 work->iova + work->size - 1);
	struct viopf_segment *segment;

	segment = mt_find(&mapping->segments, &index, last);
	if (!segment) {
		work->done = last - work->iova + 1;
		return;
	}
	iova = max(iova, segment->table.iova);
	first = viopf_segment_page(segment, iova);
	end = min(viopf_segment_pages(segment),
		  viopf_segment_page(segment, last) + 1);
	viopf_unpin_advise(segment, first, end);
	work->done = viopf_segment_iova(segment, end) - work->iova;
}

/* A segment's worth of pinning or unpinning, which needs the container locked. */
static int viopf_advice_pin_step(struct viopf_advice *work,
				 struct viopf_container *container)
{
	struct viopf_mapping *mapping;
	int ret = 0;

	if (signal_pending(current))
		return -EINTR;
	guard(mutex)(&container->lock);
	mapping = viopf_mapping_first(container, viopf_advice_iova(work),
				      viopf_advice_iova(work));
	if (!mapping)
		ret = -ENOENT;
	else if (work->advice == VFIO_IOPF_ADV_PIN)
		ret = viopf_advice_pin(work, mapping);
	else
		viopf_advice_unpin(work, mapping);
	return ret;
}

static int viopf_advice_in_mapping(struct viopf_advice *work,
				   struct viopf_mapping *mapping)
{
	int ret;

	if (!viopf_advice_is_permitted(work->advice, mapping))
		return -EPERM;
	if (work->advice == VFIO_IOPF_ADV_EVICT)
		return viopf_evict_mapping(work, mapping);
	if (READ_ONCE(mapping->vaddr_invalid))
		return -EBUSY;

	ret = viopf_prefetch_mapping(work, mapping);
	if (!ret || ret == -EINTR)
		return ret;
	/* Its address was updated meanwhile: look it up anew. */
	if (READ_ONCE(mapping->superseded))
		return 0;
	return READ_ONCE(mapping->vaddr_invalid) ? -EBUSY : ret;
}

/* One mapping after the other, each looked up anew: they may change meanwhile. */
static int viopf_advice_run(struct viopf_advice *work,
			    struct viopf_container *container)
{
	bool pin = work->advice == VFIO_IOPF_ADV_PIN ||
		   work->advice == VFIO_IOPF_ADV_UNPIN;
	struct viopf_mapping *mapping;
	int ret = 0;

	while (!ret && work->done < work->size) {
		if (viopf_container_failed(container))
			return -EIO;
		if (pin) {
			ret = viopf_advice_pin_step(work, container);
			continue;
		}
		mapping = viopf_mapping_find_get(container,
						 viopf_advice_iova(work));
		if (!mapping)
			return -ENOENT;
		ret = viopf_advice_in_mapping(work, mapping);
		viopf_mapping_put(mapping);
	}
	return ret;
}

/* The same, with room for snapshots if they are needed. */
static int viopf_advice_start(struct viopf_advice *work,
			      struct viopf_container *container)
{
	int ret;

	if (!viopf_advice_is_prefetch(work->advice))
		return viopf_advice_run(work, container);

	work->ctx = kvzalloc(sizeof(*work->ctx), GFP_KERNEL_ACCOUNT);
	if (!work->ctx)
		return -ENOMEM;
	work->ctx->container = container;
	ret = viopf_advice_run(work, container);
	kvfree(work->ctx);
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
	ret = viopf_advice_start(&work, container);
	advise.done_bytes = work.done;
	if (copy_to_user(arg, &advise, minsz))
		return -EFAULT;
	return ret;
}
