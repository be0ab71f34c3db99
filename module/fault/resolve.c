// SPDX-License-Identifier: GPL-2.0-only
/*
 * One page request, from the address to the answer.
 *
 * It runs in a worker, which may block for as long as memory takes to come, and holds
 * references meanwhile, no lock. The steps are: find the mapping and check the permission;
 * find or make the segment; snapshot and map (snapshot.c). If the page isn't there, bring
 * it in (bring_in.c), and snapshot again. In this order a copy-on-write break, which
 * invalidates the range, comes before the sequence is read and costs no retry. Meanwhile
 * the worker stands for the owner of the memory (owner.c).
 *
 * Shortage of memory delays a fault. Nothing but a bad address, a dead process,
 * UNMAP_DMA or detach makes it fail.
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
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include "fault/internal.h"

/*
 * After so many tries the neighbours are left alone: where memory is so short that
 * bringing in the end of a span pushes out its beginning, it would never end.
 */
#define VIOPF_SPAN_TRIES	2

/* Say once for each mapping what it is that can't be mapped. */
static void viopf_fault_warn(struct viopf_segment *segment, unsigned long page,
			     const char *what)
{
	struct viopf_mapping *mapping = segment->mapping;

	if (!xchg(&mapping->warned, true))
		pr_info_ratelimited("container %lu: IOVA %#lx, which a device asked for, is %s; answered INVALID\n",
				    mapping->container->iommu.id,
				    viopf_segment_iova(segment, page), what);
}

/* The same, if it is that. */
static void viopf_fault_explain(struct viopf_segment *segment,
				unsigned long page)
{
	unsigned long uaddr = viopf_segment_uaddr(segment, page);
	struct viopf_mapping *mapping = segment->mapping;
	struct vm_area_struct *vma;
	bool special;

	if (READ_ONCE(mapping->warned) || mmap_read_lock_killable(mapping->mm))
		return;
	vma = vma_lookup(mapping->mm, uaddr);
	special = vma && (vma->vm_flags & (VM_IO | VM_PFNMAP));
	mmap_read_unlock(mapping->mm);

	if (special)
		viopf_fault_warn(segment, page,
				 "device memory that can't be mapped");
}

/*
 * One step towards the page. 0: there; -EAGAIN, -ENOMEM: once more; else why not.
 *
 * What get_user_pages() has brought in the snapshot finds, unless the mm took it away in
 * between, which it announces. If it did not, to try again would never end.
 */
static int viopf_fault_try(struct viopf_fault_ctx *ctx,
			   struct viopf_segment *segment,
			   struct viopf_span *span)
{
	unsigned long page = span->page, seq;
	int ret = -ENODATA;

	if (!span->absent)
		ret = viopf_snapshot_map(ctx, segment, span);
	span->absent = false;
	if (ret == -EFAULT)
		return viopf_pfnmap_fault(segment, span);
	if (ret != -ENODATA)
		return ret;

	seq = mmu_interval_read_begin(&segment->notifier);
	ret = viopf_fault_bring_in(ctx, segment, span);
	if (ret)
		return ret;
	ret = viopf_snapshot_map(ctx, segment, span);
	if (ret != -ENODATA)
		return ret;
	if (span->page != page || mmu_interval_read_retry(&segment->notifier, seq))
		return -EAGAIN;
	/* It came, the mm has taken nothing since, and it isn't there: it never will be. */
	viopf_fault_warn(segment, page, "memory that can't be looked up");
	return -EFAULT;
}

static void viopf_span_shrink(struct viopf_span *span)
{
	span->first = span->page;
	span->end = span->page + 1;
	span->populate = false;
}

/**
 * viopf_fault_span() - map a span, bringing in what is asked for
 * @ctx: whose fault it is; the caller holds the mapping and its mm
 * @segment: where
 * @span: what; of a prefetch @page says how far it came, whatever is returned
 *
 * Goes on until it is there, or can never be, or nobody wants it any more.
 *
 * Return: 0; -EALREADY: there was nothing left to do; -EINTR: to be given up;
 * -EFAULT, -EIO, -ENOENT: as viopf_snapshot_map(); or what the mm says.
 */
int viopf_fault_span(struct viopf_fault_ctx *ctx, struct viopf_segment *segment,
		     struct viopf_span *span)
{
	struct viopf_container *container = ctx->container;
	unsigned int tries;
	int ret;

	for (tries = 0; !viopf_fault_aborted(ctx); tries++) {
		if (tries == VIOPF_SPAN_TRIES)
			viopf_span_shrink(span);
		ret = viopf_fault_try(ctx, segment, span);
		switch (ret) {
		case -EAGAIN:
		case -EINTR:
			viopf_count(&container->iommu, retries, 1);
			cond_resched();
			break;
		case -ENOMEM:
			viopf_back_off(container, ctx->id, tries);
			break;
		default:
			return ret;
		}
	}
	return -EINTR;
}

/**
 * viopf_fault_done() - count a fault
 * @container: where
 * @ret: how it ended; -EALREADY is no failure
 *
 * Return: 0 or @ret.
 */
int viopf_fault_done(struct viopf_container *container, int ret)
{
	if (!ret)
		viopf_count(&container->iommu, faults, 1);
	if (ret != -EALREADY)
		return ret;
	viopf_count(&container->iommu, faults_spurious, 1);
	return 0;
}

static int viopf_fault_page(struct viopf_worker *worker,
			    struct viopf_segment *segment, unsigned long iova,
			    bool write)
{
	struct viopf_span span = {
		.id = worker->ctx.id,
		.page = viopf_segment_page(segment, iova),
		.write = write,
	};
	int ret = -EALREADY;

	if (!viopf_span_begin(segment, &span)) {
		/* User space was asked about this page, not about its neighbours. */
		if (segment->mapping->mode == VIOPF_MODE_USER)
			viopf_span_shrink(&span);
		viopf_merge_span(worker, segment, &span);
		ret = viopf_fault_span(&worker->ctx, segment, &span);
	}
	if (!ret && segment->mapping->mode != VIOPF_MODE_USER)
		viopf_merge_answer(worker->container, segment);
	if (ret == -EFAULT)
		viopf_fault_explain(segment, span.page);
	return viopf_fault_done(worker->container, ret);
}

/**
 * viopf_fault_segment() - the segment at an address, however long that takes
 * @ctx: whose fault it is; the caller holds the mapping and its mm
 * @mapping: where
 * @iova: inside @mapping
 *
 * Return: the segment; -ENOENT: unmapped meanwhile; -ENOMEM, -EINTR: to be given up.
 */
struct viopf_segment *viopf_fault_segment(struct viopf_fault_ctx *ctx,
					  struct viopf_mapping *mapping,
					  unsigned long iova)
{
	struct viopf_segment *segment;
	unsigned int tries = 0;

	for (;;) {
		segment = viopf_segment_get(mapping, iova);
		/* A worker's signal may be left over, and then is gone after this look. */
		if ((segment != ERR_PTR(-ENOMEM) && segment != ERR_PTR(-EINTR)) ||
		    viopf_fault_aborted(ctx))
			return segment;
		if (segment == ERR_PTR(-ENOMEM))
			viopf_back_off(ctx->container, ctx->id, tries++);
	}
}

/* As the owner of the memory would do it. The caller holds the mapping and its mm. */
static int viopf_fault_as_owner(struct viopf_worker *worker,
				struct viopf_mapping *mapping,
				unsigned long iova, bool write)
{
	struct viopf_segment *segment;
	struct viopf_owner owner;
	int ret;

	ret = viopf_owner_begin(&owner, &worker->ctx, mapping->mm);
	if (ret)
		return ret;
	segment = viopf_fault_segment(&worker->ctx, mapping, iova);
	ret = IS_ERR(segment) ? PTR_ERR(segment) :
	      viopf_fault_page(worker, segment, iova, write);
	viopf_owner_end(&owner);
	return ret;
}

/* The mapping lets the device do it; perhaps user space has to be asked, too. */
static int viopf_fault_permitted(struct viopf_worker *worker,
				 struct viopf_mapping *mapping,
				 unsigned long iova, bool write)
{
	int ret;

	ret = viopf_forward(worker, mapping);
	if (ret)
		return ret;
	if (!viopf_worker_enter(worker, mapping))
		return -ESRCH;
	ret = viopf_fault_as_owner(worker, mapping, iova, write);
	viopf_worker_leave(worker);
	return ret;
}

/**
 * viopf_fault_resolve() - map what one page request asks for
 * @worker: the thread that we are
 * @request: the request
 *
 * Return: 0: it is mapped; -EINPROGRESS: its group waits or is queued again, and is
 * not ours to look at any more; -EIO: the container failed, or too many wait; else a
 * reason why it can never be.
 */
int viopf_fault_resolve(struct viopf_worker *worker,
			const struct iommu_fault_page_request *request)
{
	struct viopf_container *container = worker->container;
	unsigned long iova = request->addr & PAGE_MASK;
	int need = viopf_fault_need(request);
	struct viopf_mapping *mapping;
	int ret = -EPERM;

	if (viopf_container_failed(container))
		return -EIO;
	mapping = viopf_mapping_find_get(container, iova);
	if (!mapping)
		return -ENOENT;

	if ((mapping->prot & need) == need)
		ret = viopf_fault_permitted(worker, mapping, iova,
					    need & IOMMU_WRITE);
	/* It may be different at the mapping's next address. */
	if (ret && ret != -EPERM && ret != -EINPROGRESS)
		ret = viopf_vaddr_wait(worker, mapping, ret);
	viopf_mapping_put(mapping);
	return ret;
}
