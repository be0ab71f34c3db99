/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files about page requests have of each other, in the order in which a page
 * request comes through them.
 */
#ifndef VIOPF_FAULT_INTERNAL_H
#define VIOPF_FAULT_INTERNAL_H

#include <linux/mempolicy.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>

#include "fault/fault.h"

struct cred;

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

/**
 * struct viopf_arrival - a page request group's arrival
 * @id: the group's number in its container, from 1 on
 * @ns: when that was, by ktime_get_ns()
 * @device: whose it is; NULL: it joined its IOMMU group after that was attached
 */
struct viopf_arrival {
	u64			id;
	u64			ns;
	struct viopf_device	*device;
};

/*
 * It is kept in the group's work, which the iommu core leaves to the handler
 * (iommu_sva_iopf_handler() in drivers/iommu/iommu-sva.c, whose use for it we don't have).
 */
static inline struct viopf_arrival *viopf_arrival_of(struct iopf_group *group)
{
	static_assert(sizeof(struct viopf_arrival) <= sizeof(group->work));
	static_assert(__alignof__(struct viopf_arrival) <= __alignof__(group->work));

	return (struct viopf_arrival *)&group->work;
}

/* It is counted, timed and traced: arrival.c. */
void viopf_arrival_note(struct viopf_container *container, struct iopf_group *group);
void viopf_arrival_taken(struct viopf_container *container, struct iopf_group *group);
void viopf_arrival_flooded(struct viopf_container *container, struct iopf_group *group);
void viopf_arrival_refused(struct viopf_container *container, struct iopf_group *group);
void viopf_arrival_answered(struct viopf_container *container, struct iopf_group *group,
			    enum iommu_page_response_code code, enum viopf_by by);
void viopf_flood_work(struct work_struct *work);

/* Queued, parted with, answered: answer.c. */
bool viopf_worker_is_needed(const struct viopf_container *container);
void viopf_spawn_if_needed(struct viopf_container *container);
struct iopf_group *viopf_worker_give_up(struct viopf_worker *worker);
void viopf_answer_send(struct viopf_container *container,
		       struct iopf_group *group,
		       enum iommu_page_response_code code, enum viopf_by by);
int viopf_fault_need(const struct iommu_fault_page_request *request);

/* Groups that wait for something other than memory: waiting.c. */
void viopf_waiting_init(struct viopf_container *container);
int viopf_waiting_add(struct viopf_worker *worker, struct list_head *list);
void viopf_waiting_take(struct viopf_container *container,
			const struct viopf_cancel *cancel, struct list_head *to);
bool viopf_request_touches(const struct iopf_group *group,
			   const struct viopf_mapping *mapping);
int viopf_vaddr_wait(struct viopf_worker *worker, struct viopf_mapping *mapping,
		     int ret);

/* User space is asked: forward.c. */
int viopf_forward(struct viopf_worker *worker, struct viopf_mapping *mapping);
void viopf_forward_withdraw(const struct viopf_mapping *mapping);

/* INVALID for devices that go on asking: refusal.c. */
void viopf_refuse(struct viopf_worker *worker);
void viopf_refusal_work(struct work_struct *work);

/* Workers begin with a mapping, end, are told to give up: cancel.c. */
bool viopf_worker_enter(struct viopf_worker *worker,
			struct viopf_mapping *mapping);
void viopf_worker_leave(struct viopf_worker *worker);
void viopf_worker_abort(struct viopf_worker *worker);
bool viopf_fault_aborted(struct viopf_fault_ctx *ctx);

/* One page request, from the address to the answer: resolve.c. */
int viopf_fault_resolve(struct viopf_worker *worker,
			const struct iommu_fault_page_request *request);
int viopf_fault_done(struct viopf_container *container, int ret);

/* With those in line behind it: merge.c. */
void viopf_merge_span(const struct viopf_worker *worker,
		      const struct viopf_segment *segment,
		      struct viopf_span *span);
void viopf_merge_answer(struct viopf_container *container,
			struct viopf_segment *segment);

/* Which pages are looked at: span.c. */
struct viopf_segment *
viopf_span_neighbour(struct viopf_segment *segment, unsigned long page,
		     bool *down);
void viopf_span_around(const struct viopf_segment *segment,
		       struct viopf_span *span);
bool viopf_span_begin(struct viopf_segment *segment, struct viopf_span *span);

/* What the CPU's page table has, and what of that is mapped: snapshot.c, apply.c. */
int viopf_snapshot_map(struct viopf_fault_ctx *ctx,
		       struct viopf_segment *segment,
		       struct viopf_span *span);
int viopf_snapshot_try(struct viopf_segment *segment, struct viopf_span *span);
int viopf_snapshot_apply_ahead(struct viopf_segment *segment,
			       struct viopf_span *span,
			       const unsigned long *pfns);
int viopf_snapshot_apply(struct viopf_segment *segment,
			 const struct viopf_span *span,
			 const unsigned long *pfns);

/* Memory brought in by the mm, and other devices' memory: bring_in.c, pfnmap.c. */
int viopf_fault_bring_in(struct viopf_fault_ctx *ctx,
			 struct viopf_segment *segment,
			 struct viopf_span *span);
int viopf_pfnmap_fault(struct viopf_segment *segment,
		       const struct viopf_span *span);

/**
 * struct viopf_owner - a worker stands for the owner of an mm
 * @charge: it is charged
 * @cred: its credentials; a reference
 * @old_cred: the worker's own
 * @policy: a copy of its NUMA policy, if it has one
 * @old_policy: the worker's own
 * @has_policy: it has one
 */
struct viopf_owner {
	struct viopf_charge	charge;
	const struct cred	*cred;
	const struct cred	*old_cred;
	struct mempolicy	policy;
	struct mempolicy	*old_policy;
	bool			has_policy;
};

/* For whom: owner.c. */
int viopf_owner_begin(struct viopf_owner *owner, struct viopf_fault_ctx *ctx,
		      struct mm_struct *mm);
void viopf_owner_end(struct viopf_owner *owner);
bool viopf_owner_is_joined(void);
void viopf_owner_leave(void);

#endif /* VIOPF_FAULT_INTERNAL_H */
