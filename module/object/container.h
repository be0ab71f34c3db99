/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Containers, and with them the whole of the objects: who owns them, who guards them.
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
 *  table      a segment's part that the IOMMU mirrors. Lives with the segment.
 *
 * DOC: lock order
 *
 *   container->devices_lock   keeps the list of mediated devices while their drivers
 *                             are told of an unmap, and call back.
 *   container->lock           a sleeping lock around ioctls, attach and detach.
 *                             Never taken by a fault or an eviction.
 *     mapping->segments_lock  makes and publishes segments.
 *       table->lock           the record, and the IOMMU page tables it mirrors.
 *                             The mm's notifier takes it, perhaps while memory
 *                             is being reclaimed: whoever holds it waits for no
 *                             memory, no fault and no user space.
 *     container->map_lock     (rwlock) the tree of mappings, for faults.
 *     fault_fd->lock          (spinlock) is its container still there?
 *       container->fault_lock (spinlock) queue, workers and who answers what.
 *     age->lock               (spinlock) which pages are young, below ager->lock
 *                             (rwlock). Page table locks are around both.
 *     viopf_ending_lock       (spinlock) containers that are closed, but not ended.
 *     viopf_containers        (the xarray's) which containers VFIO has.
 *
 * mmap_lock is taken outside table->lock and never inside it: the notifier
 * arrives with mmap_lock held, in whatever mode. The one exception tries it
 * (viopf_snapshot_try()).
 */
#ifndef VIOPF_CONTAINER_H
#define VIOPF_CONTAINER_H

#include <linux/iommu.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rbtree.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "table/table.h"

/* Lists that undecided page requests are spread over, by cookie. */
#define VIOPF_UNDECIDED_LISTS	64

struct viopf_fault_fd;

/**
 * struct viopf_container - one VFIO container
 * @iommu: what its tables have in common, among that its id, which is what VFIO knows it
 *	by, and never given twice; and whether it has failed
 * @devices_lock: outermost; guards @devices for who calls their drivers
 * @lock: guards what ioctls, attach and detach change; outside all that follows
 * @devices: devices of the kernel's drivers (change/emulated.c); changed with both held
 * @emulated: struct viopf_emulated; by @lock
 * @nr_external: pages that such drivers have pinned; by @lock
 * @domains: struct viopf_domain; by @lock
 * @valid_iova: where mappings may be; by @lock
 * @mappings_left: how many more may be made; by @lock
 * @unclaimed: it is ours only if its first group, which has not come yet, has a chosen
 *	device; by @lock
 * @v2: unmaps follow the rules of type1v2, not type1; constant
 * @nesting: domains are asked for nesting translation, as type1 does; constant
 * @vaddr_invalid_count: mappings whose address is being updated; by @lock
 * @enabled: demand paging is on; written under @lock
 * @pinned: mappings that don't say otherwise are pinned, as viopf_mode_update() last made
 *	it; written under @lock
 * @nr_cant_fault: attached groups that can't take page faults; by @lock
 * @cut_off: it failed, and iommu.quarantine_work has emptied it since; set once, by @lock
 * @dirty_tracking: segments have bitmaps of dirty pages; written under @lock, read
 *	under any mapping's segments_lock
 * @ager: of the first mm that a device reached, or NULL; set once, by cmpxchg()
 * @map_lock: guards @mappings for readers without @lock
 * @mappings: struct viopf_mapping by IOVA; changed with @lock and @map_lock held
 * @fault_lock: guards the fields below, and most of struct viopf_worker
 * @fault_queue: struct iopf_group not yet taken by a worker
 * @faults_pending: groups received and not answered
 * @faults_queued: page requests of the groups in @fault_queue
 * @faults_held: and of those that wait (fault/waiting.c)
 * @parked: struct iopf_group that wait for a mapping's address
 * @refused: those whose answer, INVALID, is put off (fault/refusal.c)
 * @unread: those handed up and not read yet
 * @undecided: those read, by cookie
 * @fault_fd: the open VFIO_IOPF_FAULT_FD, with a reference, or NULL
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
 * @flood_work: tells user space that a device floods us
 * @latency: how long page requests waited for their answers
 * @dev: what sysfs shows of it, or NULL; constant while VFIO has it
 * @devices_kobj: the folder of its devices there
 * @opener: the process that opened it; a reference; constant
 * @comm: that process's name at that time
 * @type: what VFIO_SET_IOMMU was given; constant
 * @ref: VFIO's, from open to release, and one for each ioctl at work
 * @released: VFIO has let go of it: nothing is mapped any more; by @lock
 * @end_work: what release would have to wait for
 * @ending: among those for which that is to be done; by a lock of uapi/backend.c
 * @last_group: number of the IOMMU group attached last; by @lock
 */
struct viopf_container {
	struct viopf_iommu	iommu;

	struct mutex		devices_lock;	/* outermost */
	struct mutex		lock;		/* outside what follows */
	struct list_head	devices;
	struct list_head	emulated;
	unsigned long		nr_external;
	struct list_head	domains;
	struct viopf_iova	valid_iova;
	unsigned int		mappings_left;
	bool			unclaimed;
	bool			v2;
	bool			nesting;
	unsigned int		vaddr_invalid_count;
	bool			enabled;
	bool			pinned;
	unsigned int		nr_cant_fault;
	bool			cut_off;
	bool			dirty_tracking;
	struct viopf_ager	*ager;

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
	struct viopf_fault_fd	*fault_fd;
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
	struct work_struct	flood_work;
	struct viopf_latency	latency;

	struct device		*dev;
	struct kobject		*devices_kobj;
	struct pid		*opener;
	char			comm[TASK_COMM_LEN];
	unsigned long		type;

	struct kref		ref;
	bool			released;
	struct work_struct	end_work;
	struct list_head	ending;
	int			last_group;
};

struct viopf_container *viopf_container_create(unsigned long type);
void viopf_container_drop(struct viopf_container *container);
int viopf_container_publish(struct viopf_container *container);
void viopf_container_withdraw(struct viopf_container *container);
struct viopf_container *viopf_container_of(void *iommu_data);
struct viopf_container *viopf_container_get_next(unsigned long *id,
						 unsigned long last);
void viopf_container_put(struct viopf_container *container);
void viopf_container_tell(struct viopf_container *container, const char *event);

static inline bool viopf_container_failed(const struct viopf_container *c)
{
	return viopf_iommu_failed(&c->iommu);
}

#endif /* VIOPF_CONTAINER_H */
