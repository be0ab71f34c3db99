// SPDX-License-Identifier: GPL-2.0-only
/*
 * One page request, from the address to the answer.
 *
 * It runs in a worker, which may block for as long as memory takes to come, on
 * a disk, on user space (userfaultfd), and holds references meanwhile, no lock.
 * The steps are: find the mapping and check the permission; find or make the
 * segment; snapshot and map (snapshot.c). If the page isn't there, bring it in,
 * and snapshot again. In this order a copy-on-write break, which invalidates
 * the range, comes before the sequence is read and costs no retry.
 *
 * Bringing in is get_user_pages_remote() for its side effect alone: no page is
 * asked for, so none is referenced. hmm_range_fault() could fault too, but can't
 * let go of mmap_lock, so that userfaultfd would refuse.
 *
 * Meanwhile the worker stands for the owner of the memory (owner.c).
 *
 * Shortage of memory delays a fault. Nothing but a bad address, a dead process,
 * UNMAP_DMA or detach makes it fail.
 */
#include <linux/delay.h>
#include <linux/hugetlb.h>
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>

#include "owner.h"
#include "viopf.h"

/*
 * After so many tries the neighbours are left alone: where memory is so short that
 * bringing in the end of a span pushes out its beginning, it would never end.
 */
#define VIOPF_SPAN_TRIES	2

/*
 * The device waits while neighbours are brought in. Memory that lies ready comes by
 * tens of MiB in this time; where it has to be reclaimed first, or read from a disk, or
 * comes from user space, the device gets its answer without the rest.
 */
#define VIOPF_POPULATE_LIMIT	msecs_to_jiffies(20)

/* Pages between two looks at the clock. */
#define VIOPF_POPULATE_PAGES	16UL

/* So often reclaim alone is tried, before somebody may be killed for page tables. */
#define VIOPF_GENTLE_TRIES	3

/* The most pages to have ready: some page tables for each of several domains. */
#define VIOPF_BACK_OFF_PAGES	16U

/* Have so many pages free at one time. False if they can't be had. */
static bool viopf_make_room(unsigned int nr_pages, gfp_t gfp)
{
	void *pages = NULL, *page;
	bool made = true;

	for (; nr_pages && made; nr_pages--) {
		page = (void *)__get_free_page(gfp);
		made = page;
		if (made) {
			*(void **)page = pages;
			pages = page;
		}
	}
	while (pages) {
		page = pages;
		pages = *(void **)page;
		free_page((unsigned long)page);
	}
	return made;
}

/**
 * viopf_back_off() - page tables could not be had without waiting: wait
 * @container: for which container
 * @tries: how often before
 *
 * Allocates what they may take and frees it again, charged as they are, so that reclaim
 * runs, in the memory cgroup too; then waits a little, longer each time, up to 1/8 s.
 * Where reclaim finds nothing, the OOM killer acts as it does for a CPU's page tables: a
 * shortage that nobody ends would have a device wait for ever. Who waits for the memory
 * cgroup's can be killed (try_charge_memcg() in mm/memcontrol.c); who waits for the
 * machine's waits as in any page fault.
 */
void viopf_back_off(struct viopf_container *container, unsigned int tries)
{
	unsigned int nr_pages = min(tries + 1, VIOPF_BACK_OFF_PAGES);
	gfp_t gfp = GFP_KERNEL_ACCOUNT;

	viopf_count(container, backoffs, 1);
	if (tries < VIOPF_GENTLE_TRIES)
		gfp |= __GFP_RETRY_MAYFAIL | __GFP_NOWARN;
	if (!viopf_make_room(nr_pages, gfp) || tries >= VIOPF_GENTLE_TRIES)
		schedule_timeout_killable(min_t(unsigned long, HZ / 8,
						1UL << min(tries, 10U)));
}

/**
 * viopf_vma_pages() - how many pages from an address on lie in one VMA
 * @mm: with mmap_lock held
 * @uaddr: the address
 * @max: not more than this
 *
 * get_user_pages() and its kind are to be asked for nothing else. In the hole below a
 * stack they print a trace, since there they would have let it grow once
 * (gup_vma_lookup() in mm/gup.c).
 *
 * Return: how many; 0: nothing is there.
 */
unsigned long viopf_vma_pages(struct mm_struct *mm, unsigned long uaddr,
			      unsigned long max)
{
	struct vm_area_struct *vma = vma_lookup(mm, uaddr);

	return vma ? min(max, (vma->vm_end - uaddr) >> PAGE_SHIFT) : 0;
}

/* Say once for each mapping what it is that can't be mapped. */
static void viopf_fault_warn(struct viopf_segment *segment, unsigned long page,
			     const char *what)
{
	struct viopf_mapping *mapping = segment->mapping;

	if (!xchg(&mapping->warned, true))
		pr_info_ratelimited("vfio_iommu_iopf: container %lu: IOVA %#lx, which a device asked for, is %s; answered INVALID\n",
				    mapping->container->id,
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
 * Have the mm bring [first, end) in, as the device may use it, or what of it lies in one
 * VMA.
 */
static long viopf_fault_populate(struct viopf_fault_ctx *ctx,
				 struct viopf_segment *segment,
				 unsigned long first, unsigned long end,
				 bool write)
{
	unsigned int flags = FOLL_HONOR_NUMA_FAULT |
			     (write ? FOLL_WRITE : 0) |
			     (ctx->worker ? 0 : FOLL_INTERRUPTIBLE);
	unsigned long uaddr = viopf_segment_uaddr(segment, first), pages;
	struct mm_struct *mm = segment->mapping->mm;
	long ret = -EFAULT;
	int locked = 1;

	if (mmap_read_lock_killable(mm))
		return -EINTR;
	pages = viopf_vma_pages(mm, uaddr, end - first);
	if (pages)
		ret = get_user_pages_remote(mm, uaddr, pages, flags, NULL,
					    &locked);
	if (locked)
		mmap_read_unlock(mm);
	return ret;
}

/* May a neighbour in it be brought in so? As get_user_pages() would say, or stricter. */
static bool viopf_fault_may_touch(const struct vm_area_struct *vma, bool write)
{
	const vm_flags_t never = VM_IO | VM_PFNMAP | VM_SHADOW_STACK;

	return vma && !(vma->vm_flags & never) && !is_vm_hugetlb_page(vma) &&
	       (vma->vm_flags & (write ? VM_WRITE : VM_READ));
}

/*
 * Bring neighbours in as far as that waits for no user space and hardly for a disk. This
 * is what get_user_pages() would call for each page, without its looks at the page table
 * before and after. Returns how many, from the first on.
 *
 * FAULT_FLAG_RETRY_NOWAIT is not kept everywhere: what comes back from swap to shmem, and
 * writers of a file system that has too much to write back, are waited for all the same
 * (shmem_swapin_folio() in mm/shmem.c, fault_dirty_shared_page() in mm/memory.c).
 */
static unsigned long viopf_fault_touch(struct viopf_segment *segment,
				       unsigned long first, unsigned long end,
				       bool write)
{
	unsigned int flags = FAULT_FLAG_REMOTE | FAULT_FLAG_ALLOW_RETRY |
			     FAULT_FLAG_RETRY_NOWAIT |
			     (write ? FAULT_FLAG_WRITE : 0);
	unsigned long uaddr = viopf_segment_uaddr(segment, first), page;
	struct mm_struct *mm = segment->mapping->mm;
	struct vm_area_struct *vma;

	if (mmap_read_lock_killable(mm))
		return 0;
	vma = vma_lookup(mm, uaddr);
	if (!viopf_fault_may_touch(vma, write))
		end = first;
	else
		end = min(end, first + ((vma->vm_end - uaddr) >> PAGE_SHIFT));
	for (page = first; page < end; page++, uaddr += PAGE_SIZE)
		if (handle_mm_fault(vma, uaddr, flags, NULL) &
		    (VM_FAULT_ERROR | VM_FAULT_RETRY))
			break;
	mmap_read_unlock(mm);
	return page - first;
}

/* Neighbours [first, end), or some of them. False if there is no sense in more. */
static bool viopf_fault_neighbours(struct viopf_fault_ctx *ctx,
				   struct viopf_segment *segment,
				   const struct viopf_span *span,
				   unsigned long first, unsigned long end)
{
	long got;

	/* Huge pages come at once, and are stepped over at once. */
	if (span->huge)
		got = viopf_fault_populate(ctx, segment, first, end,
					   span->write);
	else
		got = viopf_fault_touch(segment, first, end, span->write);
	return got == end - first;
}

/* Bring in the span's pages after its page; up to where, if the time is over. */
static unsigned long viopf_fault_populate_up(struct viopf_fault_ctx *ctx,
					     struct viopf_segment *segment,
					     const struct viopf_span *span,
					     unsigned long stop_by)
{
	unsigned long at = span->page + 1, end;

	for (; at < span->end; at = end) {
		if (time_after_eq(jiffies, stop_by))
			return at;
		end = min(at + VIOPF_POPULATE_PAGES, span->end);
		if (!viopf_fault_neighbours(ctx, segment, span, at, end))
			break;
	}
	return span->end;
}

/* The same before its page; down to where. */
static unsigned long viopf_fault_populate_down(struct viopf_fault_ctx *ctx,
					       struct viopf_segment *segment,
					       const struct viopf_span *span,
					       unsigned long stop_by)
{
	unsigned long at = span->page, first;

	for (; at > span->first; at = first) {
		if (time_after_eq(jiffies, stop_by))
			return at;
		first = max(at, span->first + VIOPF_POPULATE_PAGES) -
			VIOPF_POPULATE_PAGES;
		if (!viopf_fault_neighbours(ctx, segment, span, first, at))
			break;
	}
	return span->first;
}

/* Bring in the rest of the span, or less of it if that takes too long. */
static void viopf_fault_populate_span(struct viopf_fault_ctx *ctx,
				      struct viopf_segment *segment,
				      struct viopf_span *span,
				      unsigned long began)
{
	unsigned long stop_by = began + VIOPF_POPULATE_LIMIT, first, end;

	end = viopf_fault_populate_up(ctx, segment, span, stop_by);
	first = viopf_fault_populate_down(ctx, segment, span, stop_by);
	if (first == span->first && end == span->end)
		return;

	mutex_lock(&segment->lock);
	viopf_window_cut(&segment->window, span->page, first, end);
	mutex_unlock(&segment->lock);
	span->first = first;
	span->end = end;
}

/*
 * Bring in the page asked for, and the rest of the span if it is to be populated.
 * Only the page asked for matters to the answer.
 */
static int viopf_fault_bring_in(struct viopf_fault_ctx *ctx,
				struct viopf_segment *segment,
				struct viopf_span *span)
{
	bool all = span->populate && span->asks == VIOPF_ASKS_ALL;
	unsigned long end = all ? span->end : span->page + 1;
	unsigned long began = jiffies;
	long ret;

	viopf_count(ctx->container, bring_ins, 1);
	ret = viopf_fault_populate(ctx, segment, span->page, end, span->write);
	if (ret <= 0)
		return ret ? ret : -EAGAIN;
	if (span->populate && !all)
		viopf_fault_populate_span(ctx, segment, span, began);
	return 0;
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
			viopf_count(container, retries, 1);
			cond_resched();
			break;
		case -ENOMEM:
			viopf_back_off(container, tries);
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
		viopf_count(container, faults, 1);
	if (ret != -EALREADY)
		return ret;
	viopf_count(container, faults_spurious, 1);
	return 0;
}

static int viopf_fault_page(struct viopf_worker *worker,
			    struct viopf_segment *segment, unsigned long iova,
			    bool write)
{
	struct viopf_span span = {
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
 * Return: the segment; -ENOENT: unmapped meanwhile; -ENOMEM: to be given up, and
 * memory was short; -EINTR.
 */
struct viopf_segment *viopf_fault_segment(struct viopf_fault_ctx *ctx,
					  struct viopf_mapping *mapping,
					  unsigned long iova)
{
	struct viopf_segment *segment;
	unsigned int tries = 0;

	for (;;) {
		segment = viopf_segment_get(mapping, iova);
		if (segment != ERR_PTR(-ENOMEM) || viopf_fault_aborted(ctx))
			return segment;
		viopf_back_off(ctx->container, tries++);
	}
}

/* The caller holds the mapping and its mm. */
static int viopf_fault_in_mapping(struct viopf_worker *worker,
				  struct viopf_mapping *mapping,
				  unsigned long iova, bool write)
{
	struct viopf_segment *segment = viopf_fault_segment(&worker->ctx,
							    mapping, iova);

	if (IS_ERR(segment))
		return PTR_ERR(segment);
	return viopf_fault_page(worker, segment, iova, write);
}

/* The same, as the owner of the memory would do it. */
static int viopf_fault_as_owner(struct viopf_worker *worker,
				struct viopf_mapping *mapping,
				unsigned long iova, bool write)
{
	struct viopf_owner owner;
	int ret;

	ret = viopf_owner_begin(&owner, &worker->ctx, mapping->mm);
	if (ret)
		return ret;
	ret = viopf_fault_in_mapping(worker, mapping, iova, write);
	viopf_owner_end(&owner);
	return ret;
}

/* The mapping lets the device do it; perhaps user space has to be asked, too. */
static int viopf_fault_permitted(struct viopf_worker *worker,
				 struct viopf_mapping *mapping,
				 unsigned long iova, bool write)
{
	int ret;

	ret = viopf_userfault_ask(worker, mapping);
	if (ret)
		return ret;
	if (!viopf_worker_enter(worker, mapping))
		return -ESRCH;
	ret = viopf_fault_as_owner(worker, mapping, iova, write);
	viopf_worker_leave(worker);
	return ret;
}

/**
 * viopf_fault_need() - what a request wants to do with its page
 * @request: the request
 *
 * A request that asks for no permission gets reading, as does one that wants to
 * execute: a mapping does not tell the two apart.
 *
 * Return: IOMMU_READ, IOMMU_WRITE or both.
 */
int viopf_fault_need(const struct iommu_fault_page_request *request)
{
	if (!(request->perm & IOMMU_FAULT_PERM_WRITE))
		return IOMMU_READ;
	return IOMMU_WRITE |
	       (request->perm & IOMMU_FAULT_PERM_READ ? IOMMU_READ : 0);
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
