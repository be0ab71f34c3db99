// SPDX-License-Identifier: GPL-2.0-only
/*
 * The page request handler: what it answers at once, and what it queues.
 *
 * The iommu core calls it in the thread of the IOMMU driver's page request queue,
 * under whatever locks that driver holds, and other devices' requests stand behind
 * this one. So nothing here waits: locks are tried, the page must be in memory as the
 * device may use it, page tables must come from memory that lies ready, and no more
 * than a few pages, or one leaf, are mapped (viopf_snapshot_try()). Whatever else a
 * request needs, a worker does (pool.c, resolve.c), from the beginning.
 *
 * That is worth its code as most faults of a device that shares a process's memory
 * are of this kind: the CPU has just written what the device is told to read. They
 * then cost no second thread, and no wait for a CPU to run it.
 *
 * DOC: a group while the handler has it
 *
 * It is counted as pending from the start, so detach waits for its answer; it is in
 * no queue and no worker's, so nobody else answers it. UNMAP_DMA does not look for
 * it: it finds the segment's lock taken, for as long as it takes to map a page, or
 * the handler finds the segment dead, and queues the request.
 */
#include "fault/internal.h"

/*
 * So many requests may a group have. PCIe limits how many a device has outstanding in
 * all of its groups (Outstanding Page Request Allocation), to what the IOMMU's driver
 * says: 32 in drivers/iommu/amd/iommu.c, up to 2048 in drivers/iommu/intel/iommu.c,
 * where they call pci_enable_pri(). Nothing holds a hostile device to that, and the iommu
 * core takes what comes. But groups are walked through with a spinlock held, and all of
 * a group once more for each of its requests (merge.c).
 */
#define VIOPF_GROUP_REQUESTS	512

/* Page tables that come with it are charged to the owner of the memory. */
static int viopf_handler_try_charged(struct viopf_segment *segment,
				     struct viopf_span *span)
{
	CLASS(viopf_mm, mm)(segment->mapping->mm);
	struct viopf_charge charge;
	int ret;

	if (!mm)
		return -ESRCH;
	viopf_charge_begin(&charge, mm);
	ret = viopf_snapshot_try(segment, span);
	viopf_charge_end(&charge);
	return ret;
}

/* User space has no say in it, and a device faulted here before. */
static int viopf_handler_try_mapping(struct viopf_mapping *mapping,
				     unsigned long iova, int need, u64 id)
{
	struct viopf_span span = { .id = id, .write = need & IOMMU_WRITE };
	struct viopf_segment *segment;

	if ((mapping->prot & need) != need ||
	    mapping->mode == VIOPF_MODE_USER || READ_ONCE(mapping->vaddr_invalid))
		return -EAGAIN;
	segment = mtree_load(&mapping->segments, iova);
	if (!segment)
		return -EAGAIN;
	span.page = viopf_segment_page(segment, iova);
	return viopf_handler_try_charged(segment, &span);
}

/* True if what the only request of a group asks for is mapped. */
static bool viopf_handler_try(struct viopf_container *container,
			      struct iopf_group *group)
{
	const struct iommu_fault_page_request *request =
		&group->last_fault.fault.prm;
	unsigned long iova = request->addr & PAGE_MASK;
	struct viopf_mapping *mapping;
	int ret;

	if (group->fault_count != 1)
		return false;
	mapping = viopf_mapping_find_get(container, iova);
	if (!mapping)
		return false;
	ret = viopf_handler_try_mapping(mapping, iova,
					viopf_fault_need(request),
					viopf_arrival_of(group)->id);
	viopf_mapping_put_async(mapping);
	return !viopf_fault_done(container, ret);
}

/* Take a group over from the iommu core. */
static void viopf_handler_receive(struct viopf_container *container,
				  struct iopf_group *group)
{
	viopf_arrival_note(container, group);
	iopf_group_dequeue(group);

	spin_lock(&container->fault_lock);
	container->faults_pending++;
	viopf_group_of(group)->faults_pending++;
	spin_unlock(&container->fault_lock);
}

/*
 * Leave it to a worker. False: its device floods us. Otherwise it may be answered,
 * and the container gone, when this returns.
 */
static bool viopf_handler_queue(struct viopf_container *container,
				struct iopf_group *group)
{
	bool room;

	spin_lock(&container->fault_lock);
	room = group->fault_count <= VIOPF_GROUP_REQUESTS &&
	       container->faults_queued < viopf_max_faults() &&
	       !viopf_container_failed(container);
	if (room)
		viopf_faults_queue(container, group);
	spin_unlock(&container->fault_lock);
	return room;
}

/**
 * viopf_iopf_handler() - a device asks for pages
 * @group: its page request group, complete
 *
 * Return: 0, always: the answer comes from us.
 */
int viopf_iopf_handler(struct iopf_group *group)
{
	struct viopf_container *container = viopf_group_of(group)->container;

	viopf_handler_receive(container, group);
	if (viopf_handler_try(container, group)) {
		viopf_answer(container, group, IOMMU_PAGE_RESP_SUCCESS, VIOPF_BY_HANDLER);
	} else if (!viopf_handler_queue(container, group)) {
		if (!viopf_container_failed(container))
			viopf_arrival_flooded(container, group);
		viopf_answer(container, group, IOMMU_PAGE_RESP_FAILURE, VIOPF_BY_FLOOD);
	}
	return 0;
}
