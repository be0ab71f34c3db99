// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is counted, timed and traced of a page request group, from its arrival to its
 * answer: for its container, and for its device.
 *
 * All of it is on the way of each page request, so it is a few atomic additions, two looks
 * at the clock, and tracepoints that are not there unless somebody listens.
 */
#include <linux/ktime.h>

#include "compat/workqueue.h"
#include "fault/internal.h"

/* Count for a container and, if it is known, for the device. */
#define viopf_count_both(_container, _device, _name, _n) do {		\
	struct viopf_device *__device = _device;			\
									\
	viopf_count(&(_container)->iommu, _name, _n);			\
	if (__device)							\
		atomic64_add(_n, &__device->counters._name);		\
} while (0)

static const char *viopf_arrival_name(const struct viopf_arrival *arrival)
{
	return arrival->device ? dev_name(arrival->device->dev) : "";
}

/* Tracing stays out of line, so that page requests that nobody traces have next to none of it. */
static noinline void viopf_arrival_trace(u64 container, struct iopf_group *group)
{
	const struct iommu_fault_page_request *last = &group->last_fault.fault.prm;
	const struct viopf_arrival *arrival = viopf_arrival_of(group);

	trace_iopf_request(container, arrival->id, viopf_arrival_name(arrival), last->addr,
			   group->fault_count, last->perm);
}

static noinline void viopf_answer_trace(u64 container, const struct viopf_arrival *arrival,
					unsigned int code, enum viopf_by by, u64 ns)
{
	trace_iopf_answer(container, arrival->id, viopf_arrival_name(arrival), code, by, ns);
}

/**
 * viopf_arrival_note() - a group has come
 * @container: whose it is
 * @group: just taken from the iommu core
 */
void viopf_arrival_note(struct viopf_container *container, struct iopf_group *group)
{
	struct viopf_arrival *arrival = viopf_arrival_of(group);
	struct viopf_device *device;

	device = viopf_device_find(&viopf_group_of(group)->devices,
				   group->fault_param->dev);
	arrival->device = device;
	arrival->ns = ktime_get_ns();
	arrival->id = atomic64_inc_return(&container->iommu.counters.groups);
	if (device)
		atomic64_inc(&device->counters.groups);
	viopf_count_both(container, device, requests, group->fault_count);
	if (trace_iopf_request_enabled())
		viopf_arrival_trace(container->iommu.id, group);
}

/**
 * viopf_arrival_taken() - a worker begins with a group
 * @container: whose it is
 * @group: off the queue
 */
void viopf_arrival_taken(struct viopf_container *container, struct iopf_group *group)
{
	const struct viopf_arrival *arrival = viopf_arrival_of(group);

	if (trace_iopf_take_enabled())
		trace_iopf_take(container->iommu.id, arrival->id,
				ktime_get_ns() - arrival->ns);
}

/**
 * viopf_arrival_flooded() - a group is to be answered FAILURE, as too many wait
 * @container: whose it is
 * @group: not answered yet
 */
void viopf_arrival_flooded(struct viopf_container *container, struct iopf_group *group)
{
	struct viopf_arrival *arrival = viopf_arrival_of(group);
	struct viopf_device *device = arrival->device;

	viopf_count_both(container, device, floods, 1);
	trace_iopf_flood(container->iommu.id, arrival->id, viopf_arrival_name(arrival));
	if (device && !xchg(&device->flooded, true))
		queue_work(system_dfl_wq, &container->flood_work);
}

/**
 * viopf_arrival_refused() - a group's answer, INVALID, is put off
 * @container: whose it is
 * @group: not answered yet
 */
void viopf_arrival_refused(struct viopf_container *container, struct iopf_group *group)
{
	struct viopf_arrival *arrival = viopf_arrival_of(group);

	trace_iopf_refuse(container->iommu.id, arrival->id, viopf_arrival_name(arrival));
}

/**
 * viopf_flood_work() - user space is told that a device has flooded us
 * @work: a container's flood_work
 */
void viopf_flood_work(struct work_struct *work)
{
	struct viopf_container *container =
		container_of(work, struct viopf_container, flood_work);

	viopf_container_tell(container, "flooded");
}

static void viopf_arrival_count_code(struct viopf_container *container,
				     struct viopf_device *device,
				     enum iommu_page_response_code code)
{
	switch (code) {
	case IOMMU_PAGE_RESP_SUCCESS:
		viopf_count_both(container, device, resp_success, 1);
		break;
	case IOMMU_PAGE_RESP_INVALID:
		viopf_count_both(container, device, resp_invalid, 1);
		break;
	default:
		viopf_count_both(container, device, resp_failure, 1);
	}
}

/**
 * viopf_arrival_answered() - a group's answer is about to be sent
 * @container: whose it is
 * @group: claimed by the caller
 * @code: the answer
 * @by: who gives it
 */
void viopf_arrival_answered(struct viopf_container *container, struct iopf_group *group,
			    enum iommu_page_response_code code, enum viopf_by by)
{
	struct viopf_arrival *arrival = viopf_arrival_of(group);
	struct viopf_device *device = arrival->device;
	u64 ns = ktime_get_ns() - arrival->ns;
	unsigned int bucket = viopf_latency_bucket(ns);

	viopf_arrival_count_code(container, device, code);
	if (by == VIOPF_BY_HANDLER)
		viopf_count_both(container, device, groups_at_once, 1);
	atomic64_inc(&container->latency.counts[bucket]);
	if (device)
		atomic64_inc(&device->latency.counts[bucket]);
	if (trace_iopf_answer_enabled())
		viopf_answer_trace(container->iommu.id, arrival, code, by, ns);
}
