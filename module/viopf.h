/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vfio_iommu_iopf: the objects, who owns them, and what guards each field.
 *
 * DOC: objects and lifetimes
 *
 *  container  one per VFIO container that chose us. open() to release(), which VFIO
 *             calls only after the last detach_group(), held beyond, empty, by the
 *             ioctls that still look at it.
 *  domain     an iommu_domain, shared by the groups it can take. First attach to
 *             last detach.
 *  group      one attached IOMMU group. Holds the attach handle by which page
 *             requests find us. attach_group() to detach_group(), which waits
 *             until every page request that came through it has its answer
 *             (answering those itself that nobody is about to answer).
 *  mapping    an IOVA range and the memory behind it. MAP_DMA to UNMAP_DMA, held
 *             beyond by the fault workers that still look at it.
 *  segment    an aligned piece of a mapping, made at its first fault, freed with
 *             its mapping. Dead, i.e. without a notifier and with nothing
 *             mapped, from UNMAP_DMA on.
 *
 * DOC: lock order
 *
 *   container->devices_lock   keeps the list of mediated devices while their drivers
 *                             are told of an unmap, and call back.
 *   container->lock           a sleeping lock around ioctls, attach and detach.
 *                             Never taken by a fault or an eviction.
 *     mapping->segments_lock  makes and publishes segments.
 *       segment->lock         the record, and the IOMMU page tables it mirrors.
 *                             The mm's notifier takes it, perhaps while memory
 *                             is being reclaimed: whoever holds it waits for no
 *                             memory, no fault and no user space.
 *     container->map_lock     (rwlock) the tree of mappings, for faults.
 *     container->fault_lock   (spinlock) queue, workers and who answers what.
 *     age->lock               (spinlock) which pages are young, below ager->lock
 *                             (rwlock). Page table locks are around both.
 *
 * mmap_lock is taken outside segment->lock and never inside it: the notifier
 * arrives with mmap_lock held, in whatever mode.
 */
#ifndef VIOPF_H
#define VIOPF_H

#include <linux/atomic.h>
#include <linux/bitmap.h>
#include <linux/interval_tree.h>
#include <linux/iommu.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/maple_tree.h>
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include <linux/vfio_iopf.h>

#include "aging.h"
#include "../compat/iommu_handle.h"
#include "../compat/vfio_driver_ops.h"
#include "counters.h"
#include "iova.h"
#include "residency.h"
#include "window.h"

/* The leaf sizes that a record can tell apart; domains are kept to them. */
#define VIOPF_LEAF_SIZES	((unsigned long)(PAGE_SIZE | PMD_SIZE | PUD_SIZE))

#define VIOPF_SEGMENT_BYTES	BIT(VIOPF_SEGMENT_SHIFT)

/* Lists that undecided page requests are spread over, by cookie. */
#define VIOPF_UNDECIDED_LISTS	64

/* Who decides what becomes of a mapping, by the flags of MAP_DMA. */
enum viopf_mode {
	VIOPF_MODE_AUTO,	/* faultable or pinned, as the container is */
	VIOPF_MODE_PINNED,
	VIOPF_MODE_FAULTABLE,
	VIOPF_MODE_USER,	/* faultable once user space agrees */
};

/**
 * struct viopf_domain_set - the IOMMU domains that a segment is mapped in
 * @leaf_sizes: union of the domains' leaf sizes
 * @nr: how many domains
 * @domains: them
 *
 * Immutable. A container makes a new one when a domain comes or goes, publishes
 * it, and moves every segment over before it frees the old one.
 */
struct viopf_domain_set {
	unsigned long		leaf_sizes;
	unsigned int		nr;
	struct iommu_domain	*domains[] __counted_by(nr);
};

struct viopf_dirty_report;
struct viopf_userfault;

/**
 * struct viopf_container - one VFIO container
 * @devices_lock: outermost; guards @devices for who calls their drivers
 * @lock: guards what ioctls, attach and detach change; outside all that follows
 * @devices: devices of the kernel's drivers (emulated.c); changed with both held
 * @emulated: struct viopf_emulated; by @lock
 * @nr_external: pages that such drivers have pinned; by @lock
 * @domains: struct viopf_domain; by @lock
 * @set: the current set of domains; written under @lock, read under any
 *	segment's lock, which keeps it from being freed
 * @valid_iova: where mappings may be; by @lock
 * @mappings_left: how many more may be made; by @lock
 * @v2: unmaps follow the rules of type1v2, not type1; constant
 * @nesting: domains are asked for nesting translation, as type1 does; constant
 * @nr_waiting: mappings whose address is being updated; by @lock
 * @enabled: demand paging is on; by @lock
 * @nr_cant_fault: attached groups that can't take page faults; by @lock
 * @dirty_tracking: segments have bitmaps of dirty pages; written under @lock, read
 *	under any mapping's segments_lock
 * @ager: of the first mm that a device reached, or NULL; set once, by cmpxchg()
 * @failed: an IOMMU refused to unmap; set once, anywhere
 * @quarantine_work: cuts the devices off after that
 * @map_lock: guards @mappings for readers without @lock
 * @mappings: struct viopf_mapping by IOVA; changed with @lock and @map_lock held
 * @fault_lock: guards the fields below, and all of struct viopf_worker
 * @fault_queue: struct iopf_group not yet taken by a worker
 * @faults_pending: groups received and not answered
 * @faults_queued: page requests of the groups in @fault_queue
 * @faults_held: and of those that wait (waiting.c)
 * @parked: struct iopf_group that wait for a mapping's address
 * @refused: those whose answer, INVALID, is put off (refusal.c)
 * @unread: those handed up and not read yet
 * @undecided: those read, by cookie
 * @userfault: the open VFIO_IOPF_FAULT_FD, with a reference, or NULL
 * @last_cookie: the one given last
 * @workers: struct viopf_worker
 * @workers_total: how many there are
 * @workers_idle: how many wait for work
 * @memcg: of who opened it, for workers' memory; a reference; constant
 * @closing: no more workers are made
 * @fault_wait: workers wait here for work
 * @answer_wait: for answers being sent
 * @spawn_work: makes another worker, or frees those that have ended
 * @watch_work: ends faults into processes that are gone
 * @refusal_work: answers what is in @refused
 * @counters: statistics
 * @ref: VFIO's, from open to release, and one for each ioctl at work
 * @released: VFIO has let go of it: nothing is mapped any more; by @lock
 * @end_work: what release would have to wait for
 * @id: what VFIO knows it by, and messages; never given twice
 */
struct viopf_container {
	struct mutex		devices_lock;	/* outermost */
	struct mutex		lock;		/* outside what follows */
	struct list_head	devices;
	struct list_head	emulated;
	unsigned long		nr_external;
	struct list_head	domains;
	struct viopf_domain_set	*set;
	struct viopf_iova	valid_iova;
	unsigned int		mappings_left;
	bool			v2;
	bool			nesting;
	unsigned int		nr_waiting;
	bool			enabled;
	unsigned int		nr_cant_fault;
	bool			dirty_tracking;
	struct viopf_ager	*ager;
	bool			failed;
	struct work_struct	quarantine_work;

	rwlock_t		map_lock;
	struct rb_root_cached	mappings;

	spinlock_t		fault_lock;	/* innermost */
	struct list_head	fault_queue;
	unsigned int		faults_pending;
	unsigned int		faults_queued;
	unsigned int		faults_held;
	struct list_head	parked;
	struct list_head	refused;
	struct list_head	unread;
	struct list_head	undecided[VIOPF_UNDECIDED_LISTS];
	struct viopf_userfault	*userfault;
	u32			last_cookie;
	struct list_head	workers;
	unsigned int		workers_total;
	unsigned int		workers_idle;
	struct mem_cgroup	*memcg;
	bool			closing;
	wait_queue_head_t	fault_wait;
	wait_queue_head_t	answer_wait;
	struct work_struct	spawn_work;
	struct delayed_work	watch_work;
	struct delayed_work	refusal_work;

	struct viopf_counters	counters;
	struct kref		ref;
	bool			released;
	struct work_struct	end_work;
	unsigned long		id;
};

/**
 * struct viopf_domain - an IOMMU domain and the groups in it
 * @domain: what mappings go into
 * @pgsizes: the leaf sizes that the IOMMU has of VIOPF_LEAF_SIZES
 * @coherent: it makes all DMA cache coherent
 * @faultable: page requests made in it come to us; its groups can make them
 * @quarantine: an empty one without a handler, made ready at attach: for the way out, and
 *	for when an unmap is refused
 * @groups: struct viopf_group; by container->lock
 * @node: in container->domains
 */
struct viopf_domain {
	struct iommu_domain	*domain;
	unsigned long		pgsizes;
	bool			coherent;
	bool			faultable;
	struct iommu_domain	*quarantine;
	struct list_head	groups;
	struct list_head	node;
};

/**
 * struct viopf_group - an attached IOMMU group
 * @handle: what the iommu core hands to our page request handler
 * @quarantine_handle: what it has in quarantine
 * @container: whose it is
 * @domain: where it is attached; by container->lock
 * @group: the iommu core's object
 * @faults_pending: groups of page requests received through it and not
 *	answered; by container->fault_lock
 * @refusals: its page requests that were to be refused in this interval (refusal.c); by
 *	container->fault_lock
 * @refusals_end: when the next interval begins, in jiffies; by the same
 * @can_fault: its devices can take page faults; constant once attached
 * @quarantined: it is attached to @domain's quarantine; by container->lock
 * @node: in domain->groups
 */
struct viopf_group {
	struct iommu_attach_handle	handle;
	struct iommu_attach_handle	quarantine_handle;
	struct viopf_container		*container;
	struct viopf_domain		*domain;
	struct iommu_group		*group;
	unsigned int			faults_pending;
	unsigned int			refusals;
	unsigned long			refusals_end;
	bool				can_fault;
	bool				quarantined;
	struct list_head		node;
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
 * @waiting: its address is being updated, and faults in it wait; by
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
 *	page (dirty.c); by container->lock
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
	bool				waiting;
	bool				superseded;
	unsigned long			charged;
	bool				warned;
	struct mutex			segments_lock;	/* around segment->lock */
	struct maple_tree		segments;
	struct viopf_ager		*ager;
	struct xarray			externals;
	bool				externals_mapped;
	bool				dirty_all;
};

/**
 * struct viopf_segment - unit of notification, locking and bookkeeping
 * @notifier: tells when the mm takes part of it away
 * @mapping: what it is a piece of
 * @iova: where it begins, in bytes
 * @uaddr: and where its memory does
 * @lock: guards what follows, and the IOMMU page tables below [@iova, ...)
 * @set: the domains that @residency holds for; NULL before the first
 * @residency: the record: what is mapped in each domain of @set
 * @age: which of that devices use; see there for its locks
 * @window: how far faults look around
 * @settled: of @notifier, the sequence that the last snapshot held good for, or 0
 * @absent: one more than the page that the handler has just found not resident, or 0
 * @dirty: a bit a page that a device may have written: all that are mapped writable,
 *	but those that the IOMMU tells of, and more; NULL unless dirty pages are tracked
 * @dead: nothing may be mapped any more
 * @kept: each page in @residency has a reference, as a domain refused to let go
 * @pins: a bit for each page that is pinned, and so resident for as long; NULL until
 *	the first is. Changed with container->lock held too
 * @advised: a bit for each page pinned by VFIO_IOPF_ADV_PIN, a subset of @pins; NULL
 *	until the first is; by container->lock alone
 */
struct viopf_segment {
	struct mmu_interval_notifier	notifier;
	struct viopf_mapping		*mapping;
	unsigned long			iova;
	unsigned long			uaddr;

	struct mutex			lock;	/* taken by evictions */
	struct viopf_domain_set		*set;
	struct viopf_residency		residency;
	struct viopf_age		age;
	struct viopf_window		window;
	unsigned long			settled;
	unsigned long			absent;
	unsigned long			*dirty;
	bool				dead;
	bool				kept;
	unsigned long			*pins;
	unsigned long			*advised;
};

/**
 * struct viopf_fault_ctx - who has memory brought in and mapped
 * @container: in which container
 * @worker: it is a worker's context; otherwise that of a task in a system call,
 *	which any signal interrupts
 * @pfns: room for a window's snapshot
 *
 * Used by one thread at a time.
 */
struct viopf_fault_ctx {
	struct viopf_container	*container;
	bool			worker;
	unsigned long		pfns[VIOPF_WINDOW_MAX_PAGES];
};

/**
 * struct viopf_worker - a thread that resolves page requests
 * @container: whose it is
 * @task: the thread
 * @node: in container->workers
 * @group: what it works on, or NULL
 * @mapping: the mapping that its current request is in, or NULL
 * @mm: the mm that it keeps alive (mm_users), or NULL
 * @answered: @group has its answer, or somebody is sending it
 * @answering: somebody else is sending it at this moment
 * @aborted: it was told to give @group up
 * @suspended: and to queue it again, as a mapping's address is being updated
 * @retired: it has ended, for want of work, and counts no longer
 * @ctx: its context as a fault
 *
 * All but @ctx, which is the thread's own, by container->fault_lock.
 */
struct viopf_worker {
	struct viopf_container	*container;
	struct task_struct	*task;
	struct list_head	node;
	struct iopf_group	*group;
	struct viopf_mapping	*mapping;
	struct mm_struct	*mm;
	bool			answered;
	bool			answering;
	bool			aborted;
	bool			suspended;
	bool			retired;
	struct viopf_fault_ctx	ctx;
};

/* The flags of MAP_DMA that choose a mode. */
#define VIOPF_MAP_MODES		(VFIO_DMA_MAP_FLAG_IOPF_PINNED | \
				 VFIO_DMA_MAP_FLAG_IOPF_FAULTABLE | \
				 VFIO_DMA_MAP_FLAG_IOPF_USER)

/* container.c */
extern const struct vfio_iommu_driver_ops viopf_driver_ops;
struct viopf_container *viopf_container_of(void *iommu_data);
struct viopf_container *viopf_container_get_next(unsigned long *id,
						 unsigned long last);
void viopf_container_put(struct viopf_container *container);
int viopf_containers_init(void);
void viopf_containers_exit(void);

/* domain.c */
struct viopf_group *viopf_group_create(struct viopf_container *container,
				       struct iommu_group *group);
void viopf_group_destroy(struct viopf_group *vgroup);
int viopf_group_attach(struct viopf_group *vgroup);
void viopf_group_detach(struct viopf_group *vgroup);
struct viopf_group *viopf_group_find(struct viopf_container *container,
				     const struct iommu_group *group);
bool viopf_container_is_coherent(struct viopf_container *container);
unsigned long viopf_container_pgsizes(struct viopf_container *container);

/* mapping.c */
int viopf_mapping_create(struct viopf_container *container,
			 const struct vfio_iommu_type1_dma_map *map);
struct viopf_mapping *
viopf_mapping_alloc(struct viopf_container *container,
		    const struct vfio_iommu_type1_dma_map *map);
int viopf_mapping_unmap(struct viopf_container *container,
			struct vfio_iommu_type1_dma_unmap *unmap,
			struct viopf_dirty_report *report);
unsigned long viopf_container_granule(struct viopf_container *container);
int viopf_mapping_check_range(struct viopf_container *container, u64 first,
			      u64 bytes, bool whole);
u64 viopf_mapping_unmap_all(struct viopf_container *container);
struct viopf_mapping *viopf_mapping_first(struct viopf_container *container,
					  unsigned long first,
					  unsigned long last);
struct viopf_mapping *viopf_mapping_next(struct viopf_mapping *mapping);
struct viopf_mapping *viopf_mapping_find_get(struct viopf_container *container,
					     unsigned long iova);
void viopf_mapping_put(struct viopf_mapping *mapping);

/* segment.c */
struct viopf_segment *viopf_segment_get(struct viopf_mapping *mapping,
					unsigned long iova);
struct viopf_segment *viopf_segment_clone(struct viopf_mapping *mapping,
					  const struct viopf_segment *old);
void viopf_segment_set_dead(struct viopf_segment *segment, bool dead);
void viopf_segment_hand_over(struct viopf_segment *old,
			     struct viopf_segment *segment);
void viopf_segment_kill(struct viopf_segment *segment);
void viopf_segment_destroy(struct viopf_segment *segment);
int viopf_segments_use_set(struct viopf_container *container,
			   struct viopf_domain_set *set);
int viopf_segment_ready(struct viopf_segment *segment);
void viopf_segment_lock_init(struct viopf_segment *segment);

/* leaf.c */
int viopf_leaf_map(struct viopf_segment *segment, unsigned long first,
		   unsigned long end, phys_addr_t phys, bool writable);
int viopf_leaf_map_pages(struct viopf_segment *segment, unsigned long first,
			 unsigned long end, const unsigned long *pfns,
			 bool writable);
unsigned long viopf_leaf_drop(struct viopf_segment *segment,
			      unsigned long first, unsigned long end);
unsigned long viopf_leaf_drop_writable(struct viopf_segment *segment);
unsigned long viopf_leaf_drop_old(struct viopf_segment *segment);
void viopf_leaf_leave(struct viopf_segment *segment,
		      struct iommu_domain *domain);
int viopf_leaf_replay(struct viopf_segment *segment,
		      struct iommu_domain *domain);
bool viopf_leaf_heal(struct viopf_segment *segment, unsigned long page);
unsigned long viopf_leaf_count_mismatches(struct viopf_segment *segment);

/* keep.c */
void viopf_keep_segment(struct viopf_segment *segment);
void viopf_keep_release(struct viopf_segment *segment);
void viopf_keep_cut_off(struct viopf_group *vgroup);
void viopf_keep_quarantine(struct viopf_container *container);
void viopf_keep_work(struct work_struct *work);

/* What of a span is asked for. The rest is mapped where that costs nothing. */
enum viopf_asks {
	VIOPF_ASKS_PAGE,	/* a fault: one page */
	VIOPF_ASKS_ALL,		/* a prefetch: all of it */
	VIOPF_ASKS_NOTHING,	/* a prefetch of what is resident */
};

/**
 * struct viopf_span - what a fault or a prefetch is to map
 * @page: the page asked for; of a prefetch the first that is not done, moving on
 * @asks: what is asked for
 * @write: for writing
 * @first: first page to look at, @page or before
 * @end: the page after the last
 * @populate: the others may be brought in too
 * @huge: they lie beside a huge page, and may be such
 * @absent: @page has just been looked at and was not resident
 */
struct viopf_span {
	unsigned long	page;
	enum viopf_asks	asks;
	bool		write;
	unsigned long	first;
	unsigned long	end;
	bool		populate;
	bool		huge;
	bool		absent;
};

/* pin.c */
int viopf_pin_charge(struct viopf_mapping *mapping, unsigned long pages,
		     bool inc);
int viopf_pin_range(struct viopf_segment *segment, unsigned long first,
		    unsigned long end);
void viopf_unpin_range(struct viopf_segment *segment, unsigned long first,
		       unsigned long end);
int viopf_pin_advise(struct viopf_segment *segment, unsigned long first,
		     unsigned long end);
void viopf_unpin_advise(struct viopf_segment *segment, unsigned long first,
			unsigned long end);

/* mode.c */
bool viopf_mapping_is_pinned(const struct viopf_mapping *mapping);
int viopf_mode_apply(struct viopf_mapping *mapping, struct viopf_mapping *old);
int viopf_mode_update(struct viopf_container *container);
void viopf_mode_unpin_all(struct viopf_container *container);
void viopf_mode_enable_iopf(struct viopf_container *container);
int viopf_mode_disable_iopf(struct viopf_container *container);

/* pfnmap.c */
int viopf_pfnmap_follow(struct mm_struct *mm, unsigned long uaddr, bool write,
			unsigned long *pfn, bool *writable);
int viopf_pfnmap_fault(struct viopf_segment *segment,
		       const struct viopf_span *span);

/* snapshot.c */
bool viopf_span_begin(struct viopf_segment *segment, struct viopf_span *span);
bool viopf_span_ahead(struct viopf_segment *segment, struct viopf_span *span,
		      unsigned long end);
int viopf_snapshot_map(struct viopf_fault_ctx *ctx,
		       struct viopf_segment *segment,
		       struct viopf_span *span);
int viopf_snapshot_try(struct viopf_segment *segment, unsigned long page,
		       bool write);

/* fault.c */
unsigned long viopf_vma_pages(struct mm_struct *mm, unsigned long uaddr,
			      unsigned long max);
void viopf_back_off(struct viopf_container *container, unsigned int tries);
struct viopf_segment *viopf_fault_segment(struct viopf_fault_ctx *ctx,
					  struct viopf_mapping *mapping,
					  unsigned long iova);
int viopf_fault_span(struct viopf_fault_ctx *ctx, struct viopf_segment *segment,
		     struct viopf_span *span);
int viopf_fault_done(struct viopf_container *container, int ret);
int viopf_fault_need(const struct iommu_fault_page_request *request);
int viopf_fault_resolve(struct viopf_worker *worker,
			const struct iommu_fault_page_request *request);

/* handler.c */
int viopf_iopf_handler(struct iopf_group *group);

/* merge.c */
void viopf_merge_span(const struct viopf_worker *worker,
		      const struct viopf_segment *segment,
		      struct viopf_span *span);
void viopf_merge_answer(struct viopf_container *container,
			struct viopf_segment *segment);

/* worker.c */
int viopf_workers_start(struct viopf_container *container);
bool viopf_workers_abort(struct viopf_container *container);
void viopf_workers_stop(struct viopf_container *container);
bool viopf_worker_enter(struct viopf_worker *worker,
			struct viopf_mapping *mapping);
void viopf_worker_leave(struct viopf_worker *worker);
bool viopf_fault_aborted(struct viopf_fault_ctx *ctx);
struct iopf_group *viopf_worker_part(struct viopf_worker *worker);
void viopf_answer(struct viopf_container *container, struct iopf_group *group,
		  enum iommu_page_response_code code);
void viopf_answer_list(struct viopf_container *container,
		       struct list_head *groups,
		       enum iommu_page_response_code code);
void viopf_faults_queue(struct viopf_container *container,
			struct iopf_group *group);
void viopf_faults_suspend(struct viopf_mapping *mapping);
void viopf_faults_cancel_mapping(struct viopf_mapping *mapping);
void viopf_faults_cancel_group(struct viopf_group *vgroup);

#include "dirty.h"
#include "emulated.h"
#include "waiting.h"
#include "mapping.h"

/* advise.c */
long viopf_advise(struct viopf_container *container, void __user *arg);

/* report.c */
long viopf_get_residency(struct viopf_container *container, void __user *arg);

/* vaddr.c */
int viopf_vaddr_wait(struct viopf_worker *worker, struct viopf_mapping *mapping,
		     int ret);
int viopf_vaddr_invalidate(struct viopf_container *container,
			   unsigned long first, unsigned long last, u64 *bytes);
int viopf_vaddr_update(struct viopf_container *container,
		       const struct vfio_iommu_type1_dma_map *map);

/* info.c */
int viopf_get_info(struct viopf_container *container, void __user *arg);
int viopf_get_stats(struct viopf_container *container, void __user *arg);

/* verify.c */
void viopf_verify_init(void);
void viopf_verify_exit(void);

/* main.c */
extern bool viopf_allow_unsafe_interrupts;
extern bool viopf_takeover;
extern bool viopf_disable_hugepages;
extern unsigned int viopf_mapping_limit;
unsigned int viopf_max_workers(void);
unsigned int viopf_max_faults(void);
unsigned int viopf_window_max_pages(void);

/* The IOVA page number of @iova counted from the start of its segment. */
static inline unsigned long viopf_segment_page(const struct viopf_segment *seg,
					       unsigned long iova)
{
	return (iova - seg->iova) >> PAGE_SHIFT;
}

static inline unsigned long viopf_segment_iova(const struct viopf_segment *seg,
					       unsigned long page)
{
	return seg->iova + (page << PAGE_SHIFT);
}

static inline unsigned long viopf_segment_uaddr(const struct viopf_segment *seg,
						unsigned long page)
{
	return seg->uaddr + (page << PAGE_SHIFT);
}

/*
 * While dirty pages are tracked, what is mapped writable is dirty: nothing is, that
 * can be mapped for reading, before a device writes.
 */
static inline bool viopf_dirty_prefers_read(const struct viopf_segment *seg)
{
	return unlikely(READ_ONCE(seg->dirty)) &&
	       (seg->mapping->prot & IOMMU_READ);
}

/* Pages [first, end) of a locked segment may be written from here on. */
static inline void viopf_dirty_mark(struct viopf_segment *seg,
				    unsigned long first, unsigned long end)
{
	if (unlikely(seg->dirty))
		viopf_dirty_mark_slow(seg, first, end);
}

/* Pages [first, end) of a locked segment have come to the devices, or gone. */
static inline void viopf_age_touch(struct viopf_segment *seg,
				   unsigned long first, unsigned long end,
				   bool young)
{
	if (seg->age.ager)
		viopf_age_touch_slow(seg, first, end, young);
}

static inline struct viopf_group *viopf_group_of(struct iopf_group *group)
{
	return container_of(group->attach_handle, struct viopf_group, handle);
}

/* Is the page pinned? */
static inline bool viopf_segment_pinned(const struct viopf_segment *seg,
					unsigned long page)
{
	return seg->pins && test_bit(page, seg->pins);
}

/* Is any page of [first, end) pinned? */
static inline bool viopf_segment_any_pinned(const struct viopf_segment *seg,
					    unsigned long first,
					    unsigned long end)
{
	return seg->pins && find_next_bit(seg->pins, end, first) < end;
}

static inline bool viopf_container_failed(const struct viopf_container *c)
{
	return READ_ONCE(c->failed);
}

#endif /* VIOPF_H */
