/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints, system "vfio_iopf": enough to follow one page request from its arrival to
 * its answer, and to see who takes pages from devices.
 *
 * @container is the number that the kernel's messages and /sys/class/vfio_iopf have for a
 * container; @id a page request group's number in it. What is done for no page request, but
 * for a prefetch, has the id 0. Addresses and sizes are in bytes, times in ns.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM vfio_iopf

#if !defined(VIOPF_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define VIOPF_TRACE_H

#include <linux/iommu.h>
#include <linux/mmu_notifier.h>
#include <linux/tracepoint.h>

#ifndef VIOPF_BY
#define VIOPF_BY

/**
 * enum viopf_by - who answers a page request group
 * @VIOPF_BY_HANDLER: the handler, at once
 * @VIOPF_BY_WORKER: the worker that resolved it
 * @VIOPF_BY_MERGE: another group's worker, which found it satisfied
 * @VIOPF_BY_CANCEL: UNMAP_DMA or detach
 * @VIOPF_BY_FLOOD: the handler, as too many wait
 * @VIOPF_BY_REFUSAL: the work that answers what was put off
 * @VIOPF_BY_USER: user space, or its having gone
 * @VIOPF_BY_FAIL: the end of a failed container
 */
enum viopf_by {
	VIOPF_BY_HANDLER,
	VIOPF_BY_WORKER,
	VIOPF_BY_MERGE,
	VIOPF_BY_CANCEL,
	VIOPF_BY_FLOOD,
	VIOPF_BY_REFUSAL,
	VIOPF_BY_USER,
	VIOPF_BY_FAIL,
};

#endif

TRACE_DEFINE_ENUM(VIOPF_BY_HANDLER);
TRACE_DEFINE_ENUM(VIOPF_BY_WORKER);
TRACE_DEFINE_ENUM(VIOPF_BY_MERGE);
TRACE_DEFINE_ENUM(VIOPF_BY_CANCEL);
TRACE_DEFINE_ENUM(VIOPF_BY_FLOOD);
TRACE_DEFINE_ENUM(VIOPF_BY_REFUSAL);
TRACE_DEFINE_ENUM(VIOPF_BY_USER);
TRACE_DEFINE_ENUM(VIOPF_BY_FAIL);

#define viopf_show_by(_by) __print_symbolic(_by,	\
	{ VIOPF_BY_HANDLER,	"handler" },		\
	{ VIOPF_BY_WORKER,	"worker" },		\
	{ VIOPF_BY_MERGE,	"merge" },		\
	{ VIOPF_BY_CANCEL,	"cancel" },		\
	{ VIOPF_BY_FLOOD,	"flood" },		\
	{ VIOPF_BY_REFUSAL,	"refusal" },		\
	{ VIOPF_BY_USER,	"user" },		\
	{ VIOPF_BY_FAIL,	"fail" })

TRACE_DEFINE_ENUM(IOMMU_PAGE_RESP_SUCCESS);
TRACE_DEFINE_ENUM(IOMMU_PAGE_RESP_INVALID);
TRACE_DEFINE_ENUM(IOMMU_PAGE_RESP_FAILURE);

/* enum iommu_page_response_code */
#define viopf_show_code(_code) __print_symbolic(_code,	\
	{ IOMMU_PAGE_RESP_SUCCESS,	"SUCCESS" },	\
	{ IOMMU_PAGE_RESP_INVALID,	"INVALID" },	\
	{ IOMMU_PAGE_RESP_FAILURE,	"FAILURE" })

TRACE_DEFINE_ENUM(MMU_NOTIFY_UNMAP);
TRACE_DEFINE_ENUM(MMU_NOTIFY_CLEAR);
TRACE_DEFINE_ENUM(MMU_NOTIFY_PROTECTION_VMA);
TRACE_DEFINE_ENUM(MMU_NOTIFY_PROTECTION_PAGE);
TRACE_DEFINE_ENUM(MMU_NOTIFY_SOFT_DIRTY);
TRACE_DEFINE_ENUM(MMU_NOTIFY_RELEASE);
TRACE_DEFINE_ENUM(MMU_NOTIFY_MIGRATE);
TRACE_DEFINE_ENUM(MMU_NOTIFY_EXCLUSIVE);

/* enum mmu_notifier_event */
#define viopf_show_event(_event) __print_symbolic(_event,		\
	{ MMU_NOTIFY_UNMAP,		"unmap" },			\
	{ MMU_NOTIFY_CLEAR,		"clear" },			\
	{ MMU_NOTIFY_PROTECTION_VMA,	"protection_vma" },		\
	{ MMU_NOTIFY_PROTECTION_PAGE,	"protection_page" },		\
	{ MMU_NOTIFY_SOFT_DIRTY,	"soft_dirty" },			\
	{ MMU_NOTIFY_RELEASE,		"release" },			\
	{ MMU_NOTIFY_MIGRATE,		"migrate" },			\
	{ MMU_NOTIFY_EXCLUSIVE,		"exclusive" })

/* A page request group has come; @iova and @perm are those of its last request. */
TRACE_EVENT(iopf_request,
	TP_PROTO(u64 container, u64 id, const char *dev, u64 iova, unsigned int requests,
		 unsigned int perm),
	TP_ARGS(container, id, dev, iova, requests, perm),
	TP_STRUCT__entry(
		__field(u64, container)
		__field(u64, id)
		__string(dev, dev)
		__field(u64, iova)
		__field(unsigned int, requests)
		__field(unsigned int, perm)
	),
	TP_fast_assign(
		__entry->container = container;
		__entry->id = id;
		__assign_str(dev);
		__entry->iova = iova;
		__entry->requests = requests;
		__entry->perm = perm;
	),
	TP_printk("container=%llu id=%llu dev=%s iova=%#llx requests=%u perm=%s",
		  __entry->container, __entry->id, __get_str(dev), __entry->iova,
		  __entry->requests,
		  __print_flags(__entry->perm, "|", { 1, "read" }, { 2, "write" },
				{ 4, "exec" }, { 8, "priv" }))
);

/* A worker has taken it off the queue, @wait_ns after it came. */
TRACE_EVENT(iopf_take,
	TP_PROTO(u64 container, u64 id, u64 wait_ns),
	TP_ARGS(container, id, wait_ns),
	TP_STRUCT__entry(
		__field(u64, container)
		__field(u64, id)
		__field(u64, wait_ns)
	),
	TP_fast_assign(
		__entry->container = container;
		__entry->id = id;
		__entry->wait_ns = wait_ns;
	),
	TP_printk("container=%llu id=%llu wait_ns=%llu", __entry->container, __entry->id,
		  __entry->wait_ns)
);

/* The mm was asked for memory, from the page asked for on; @pages includes neighbours. */
TRACE_EVENT(iopf_bring_in,
	TP_PROTO(u64 container, u64 id, u64 iova, unsigned long pages, bool write, int ret,
		 u64 ns),
	TP_ARGS(container, id, iova, pages, write, ret, ns),
	TP_STRUCT__entry(
		__field(u64, container)
		__field(u64, id)
		__field(u64, iova)
		__field(unsigned long, pages)
		__field(bool, write)
		__field(int, ret)
		__field(u64, ns)
	),
	TP_fast_assign(
		__entry->container = container;
		__entry->id = id;
		__entry->iova = iova;
		__entry->pages = pages;
		__entry->write = write;
		__entry->ret = ret;
		__entry->ns = ns;
	),
	TP_printk("container=%llu id=%llu iova=%#llx pages=%lu write=%d ret=%d ns=%llu",
		  __entry->container, __entry->id, __entry->iova, __entry->pages,
		  __entry->write, __entry->ret, __entry->ns)
);

/* Pages came to the devices, by leaves of @leaf_bytes. */
TRACE_EVENT(iopf_map,
	TP_PROTO(u64 container, u64 id, u64 iova, unsigned long pages,
		 unsigned long leaf_bytes, bool write),
	TP_ARGS(container, id, iova, pages, leaf_bytes, write),
	TP_STRUCT__entry(
		__field(u64, container)
		__field(u64, id)
		__field(u64, iova)
		__field(unsigned long, pages)
		__field(unsigned long, leaf_bytes)
		__field(bool, write)
	),
	TP_fast_assign(
		__entry->container = container;
		__entry->id = id;
		__entry->iova = iova;
		__entry->pages = pages;
		__entry->leaf_bytes = leaf_bytes;
		__entry->write = write;
	),
	TP_printk("container=%llu id=%llu iova=%#llx pages=%lu leaf_bytes=%lu write=%d",
		  __entry->container, __entry->id, __entry->iova, __entry->pages,
		  __entry->leaf_bytes, __entry->write)
);

/* A page request group has its answer, @ns after it came. */
TRACE_EVENT(iopf_answer,
	TP_PROTO(u64 container, u64 id, const char *dev, unsigned int code,
		 enum viopf_by by, u64 ns),
	TP_ARGS(container, id, dev, code, by, ns),
	TP_STRUCT__entry(
		__field(u64, container)
		__field(u64, id)
		__string(dev, dev)
		__field(unsigned int, code)
		__field(unsigned int, by)
		__field(u64, ns)
	),
	TP_fast_assign(
		__entry->container = container;
		__entry->id = id;
		__assign_str(dev);
		__entry->code = code;
		__entry->by = by;
		__entry->ns = ns;
	),
	TP_printk("container=%llu id=%llu dev=%s code=%s by=%s ns=%llu",
		  __entry->container, __entry->id, __get_str(dev),
		  viopf_show_code(__entry->code), viopf_show_by(__entry->by), __entry->ns)
);

/* The mm took @pages from the devices; the current task is who made it do so. */
TRACE_EVENT(iopf_evict,
	TP_PROTO(u64 container, u64 iova, unsigned long pages, unsigned int event,
		 bool reclaim),
	TP_ARGS(container, iova, pages, event, reclaim),
	TP_STRUCT__entry(
		__field(u64, container)
		__field(u64, iova)
		__field(unsigned long, pages)
		__field(unsigned int, event)
		__field(bool, reclaim)
	),
	TP_fast_assign(
		__entry->container = container;
		__entry->iova = iova;
		__entry->pages = pages;
		__entry->event = event;
		__entry->reclaim = reclaim;
	),
	TP_printk("container=%llu iova=%#llx pages=%lu event=%s reclaim=%d",
		  __entry->container, __entry->iova, __entry->pages,
		  viopf_show_event(__entry->event), __entry->reclaim)
);

DECLARE_EVENT_CLASS(iopf_pages,
	TP_PROTO(u64 container, u64 iova, unsigned long pages),
	TP_ARGS(container, iova, pages),
	TP_STRUCT__entry(
		__field(u64, container)
		__field(u64, iova)
		__field(unsigned long, pages)
	),
	TP_fast_assign(
		__entry->container = container;
		__entry->iova = iova;
		__entry->pages = pages;
	),
	TP_printk("container=%llu iova=%#llx pages=%lu", __entry->container,
		  __entry->iova, __entry->pages)
);

/* Of the segment at @iova so many pages were taken to see whether they are used. */
DEFINE_EVENT(iopf_pages, iopf_sample,
	TP_PROTO(u64 container, u64 iova, unsigned long pages),
	TP_ARGS(container, iova, pages));

DEFINE_EVENT(iopf_pages, iopf_pin,
	TP_PROTO(u64 container, u64 iova, unsigned long pages),
	TP_ARGS(container, iova, pages));

/* From @iova on so many pages, perhaps not all that lie there, are no longer pinned. */
DEFINE_EVENT(iopf_pages, iopf_unpin,
	TP_PROTO(u64 container, u64 iova, unsigned long pages),
	TP_ARGS(container, iova, pages));

/* All that is mapped without a mode of its own becomes pinned, or faultable. */
TRACE_EVENT(iopf_convert,
	TP_PROTO(u64 container, bool pinned),
	TP_ARGS(container, pinned),
	TP_STRUCT__entry(
		__field(u64, container)
		__field(bool, pinned)
	),
	TP_fast_assign(
		__entry->container = container;
		__entry->pinned = pinned;
	),
	TP_printk("container=%llu to=%s", __entry->container,
		  __entry->pinned ? "pinned" : "faultable")
);

/* Memory for page tables is short: a fault, or a prefetch, waits for the @tries-th time. */
TRACE_EVENT(iopf_backoff,
	TP_PROTO(u64 container, u64 id, unsigned int tries),
	TP_ARGS(container, id, tries),
	TP_STRUCT__entry(
		__field(u64, container)
		__field(u64, id)
		__field(unsigned int, tries)
	),
	TP_fast_assign(
		__entry->container = container;
		__entry->id = id;
		__entry->tries = tries;
	),
	TP_printk("container=%llu id=%llu tries=%u", __entry->container, __entry->id,
		  __entry->tries)
);

DECLARE_EVENT_CLASS(iopf_group,
	TP_PROTO(u64 container, u64 id, const char *dev),
	TP_ARGS(container, id, dev),
	TP_STRUCT__entry(
		__field(u64, container)
		__field(u64, id)
		__string(dev, dev)
	),
	TP_fast_assign(
		__entry->container = container;
		__entry->id = id;
		__assign_str(dev);
	),
	TP_printk("container=%llu id=%llu dev=%s", __entry->container, __entry->id,
		  __get_str(dev))
);

/* More page requests wait than may: the group is answered FAILURE. */
DEFINE_EVENT(iopf_group, iopf_flood,
	TP_PROTO(u64 container, u64 id, const char *dev),
	TP_ARGS(container, id, dev));

/* The device goes on asking for what it can't have: INVALID is put off. */
DEFINE_EVENT(iopf_group, iopf_refuse,
	TP_PROTO(u64 container, u64 id, const char *dev),
	TP_ARGS(container, id, dev));

/* An IOMMU refused to unmap @pages at @iova: the container is cut off. */
DEFINE_EVENT(iopf_pages, iopf_fail,
	TP_PROTO(u64 container, u64 iova, unsigned long pages),
	TP_ARGS(container, iova, pages));

#endif /* VIOPF_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH policy
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
