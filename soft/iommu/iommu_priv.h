/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * softiommu's own objects.
 *
 *	soft_iommu	one IOMMU: its page request queue; lives as long as the module
 *	soft_endpoint	one device and its lanes; made and destroyed by a device module
 *	soft_lane	one source of DMA of a device, with its IOTLB
 *	soft_domain	one address space: page table, devices attached to it
 *
 * Locks, outer to inner (the iommu core's group mutex is outside of all of them):
 *
 *	soft_endpoint.report_lock   mutex: held while a group of page requests is being
 *				    reported and while domain and feature change
 *	soft_domain.lock            rwlock: the list of attached endpoints
 *	soft_lane.lock              raw spinlock, irqs off: one access, or one flush
 *
 * and, inside of none but the first: soft_prq.lock, soft_endpoint.pri_lock,
 * soft_domain.pool_lock.  Flushes can come from reclaim: nothing that a flush or an
 * unmap takes may be held across an allocation.
 */
#ifndef SOFT_IOMMU_PRIV_H
#define SOFT_IOMMU_PRIV_H

#include <linux/hrtimer.h>
#include <linux/iommu.h>
#include <linux/llist.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

#include "pgtable.h"
#include "softiommu.h"

#define SOFT_MAX_IOMMUS		16
#define SOFT_PRQ_ENTRIES	1024	/* power of two */

#define SOFT_IOTLB_WAYS		4
#define SOFT_IOTLB_ENTRIES	16384	/* at most, and by default */

#define SOFT_BLOCK_SHIFT	9	/* pages of a block, as a power of two */
#define SOFT_BLOCK_BITS		10

/**
 * struct soft_iotlb_entry - a remembered translation
 * @key: generation << 36 | IOVA page number; valid if the generation is the lane's
 * @paddr: of the page, with PGT_READ and PGT_WRITE
 */
struct soft_iotlb_entry {
	u64 key;
	u64 paddr;
};

/**
 * struct soft_lane - a source of DMA, and its IOTLB
 * @lock: guards everything here; held for the whole of an access
 * @domain: NULL while blocked
 * @epoch: accesses made for another epoch are refused (set by the device)
 * @generation: of valid IOTLB entries; never 0
 * @victim: picks the way to overwrite
 * @filled: entries were filled since the last full flush
 * @set_bits: binary logarithm of the number of sets
 * @blocks: valid entries, by a hash of the block of pages that they are in
 * @iotlb: the entries, sets side by side
 */
struct soft_lane {
	raw_spinlock_t lock;
	struct soft_domain *domain;
	u32 epoch;
	u32 generation;
	u32 victim;
	bool filled;
	unsigned int set_bits;
	u16 blocks[1 << SOFT_BLOCK_BITS];
	struct soft_iotlb_entry *iotlb;
};

/**
 * struct soft_group - the IOMMU's view of one page request group index
 * @timer: delays the response
 * @ep: back pointer for the timer
 * @code: the response while it is delayed
 * @reported: when its last request was reported to the iommu core
 * @busy: requested, and the device has not been told the response (pri_lock)
 * @outstanding: requested, not yet answered by the handler (pri_lock)
 * @partial: the last request had no last-page flag (pri_lock)
 */
struct soft_group {
	struct hrtimer timer;
	struct soft_endpoint *ep;
	enum iommu_page_response_code code;
	ktime_t reported;
	bool busy;
	bool outstanding;
	bool partial;
};

/**
 * struct soft_attachment - an endpoint on a domain's list
 * @node: in soft_domain.attachments
 * @ep: the endpoint
 */
struct soft_attachment {
	struct list_head node;
	struct soft_endpoint *ep;
};

/**
 * struct soft_endpoint - a device
 * @node: in the list of endpoints (its lock)
 * @iommu: the IOMMU it is behind
 * @dev: the device, from claim on
 * @client: the device module's side
 * @priv: its argument
 * @faults: what an access without a translation leads to
 * @report_lock: see above
 * @domain: NULL while blocked (report_lock)
 * @iopf: page requests are on (report_lock)
 * @seq: changes with domain and iopf; requests of an older one are not reported
 *	(soft_prq.lock)
 * @accepting: domain and iopf are there (soft_prq.lock)
 * @attachments: for the domain's list, two since a change links the new one before it
 *	unlinks the old one, and can't fail
 * @attachment: which of them is in use
 * @pri_lock: guards busy and outstanding of @groups
 * @groups: by index
 * @nr_lanes: number of @lanes
 * @lanes: its sources of DMA
 */
struct soft_endpoint {
	struct list_head node;
	struct soft_iommu *iommu;
	struct device *dev;
	const struct soft_client *client;
	void *priv;
	enum soft_fault_kind faults;

	struct mutex report_lock;	/* reports, domain and feature */
	struct soft_domain *domain;
	bool iopf;

	u32 seq;
	bool accepting;

	struct soft_attachment attachments[2];
	unsigned int attachment;

	raw_spinlock_t pri_lock;
	struct soft_group *groups;

	unsigned int nr_lanes;
	struct soft_lane lanes[] __counted_by(nr_lanes);
};

/**
 * struct soft_prq_entry - a page request in the queue
 * @ep: NULL if the endpoint is gone
 * @request: what is asked for
 * @due: not to be reported before
 * @seq: soft_endpoint.seq when it was made
 * @group: index
 * @last: last one of its group
 * @end: last one of those that are reported together
 */
struct soft_prq_entry {
	struct soft_endpoint *ep;
	struct soft_request request;
	ktime_t due;
	u32 seq;
	u16 group;
	bool last;
	bool end;
};

/**
 * struct soft_prq - the page request queue of an IOMMU
 * @lock: guards all of it
 * @wait: the consumer waits here, and whoever waits for the consumer
 * @consumer: the thread that reports
 * @busy: the endpoint whose group is being reported
 * @head: next entry to consume, free running
 * @tail: next entry to fill, free running
 * @entries: the ring
 * @batch: the group being reported; the consumer's own
 */
struct soft_prq {
	spinlock_t lock;	/* the whole queue */
	wait_queue_head_t wait;
	struct task_struct *consumer;
	struct soft_endpoint *busy;
	u32 head;
	u32 tail;
	struct soft_prq_entry entries[SOFT_PRQ_ENTRIES];
	struct soft_prq_entry batch[SOFT_GROUP_MAX];
};

/**
 * struct soft_iommu - an IOMMU
 * @iommu: the iommu core's view of it
 * @fwnode: names it, so that the core finds it for our devices and for no others
 * @iopf_queue: of the iommu core
 * @prq: page requests of its devices
 */
struct soft_iommu {
	struct iommu_device iommu;
	struct fwnode_handle *fwnode;
	struct iopf_queue *iopf_queue;
	struct soft_prq prq;
};

/**
 * struct soft_domain - an address space
 * @domain: the iommu core's view of it
 * @iommu: only devices behind this one can be attached
 * @pgt: the page table
 * @was_mapped: something has been mapped in it
 * @lock: guards @attachments
 * @attachments: endpoints whose accesses may go through it
 * @retired: tables to be freed after the next flush
 * @pool_lock: guards the following
 * @pool: pages set aside for splitting leaves
 * @pool_pages: how many
 * @large: leaves above 4 KiB
 */
struct soft_domain {
	struct iommu_domain domain;
	struct soft_iommu *iommu;
	struct pgt pgt;
	bool was_mapped;
	rwlock_t lock;
	struct list_head attachments;
	struct llist_head retired;
	spinlock_t pool_lock;	/* the pool */
	struct llist_head pool;
	long pool_pages;
	long large;
};

/**
 * struct soft_knobs - see softiommu.h
 * @unmap_mode: enum pgt_unmap_mode
 * @refuse_all: unmap nothing
 * @unmap_coarse_pages: granule of unmapping
 * @skip_flush: flush nothing
 * @refuse_every: the n-th unmap does nothing, and so on; 0: none
 * @flush_hold: a flush does not return
 * @response_delay_us: in microseconds
 * @response_swap_us: in microseconds
 * @report_delay_us: in microseconds
 * @map_merge: map by the largest leaves
 * @map_fail_nth: counts down to the failure
 * @map_fail_errno: positive
 * @map_fail_pages: what that call maps before it fails
 * @map_fail_hold: that call does not return
 * @pgsizes: mask of page sizes
 * @prq_limit: in requests
 */
struct soft_knobs {
	u32 unmap_mode;
	bool refuse_all;
	u32 unmap_coarse_pages;
	bool skip_flush;
	u32 refuse_every;
	bool flush_hold;
	u32 response_delay_us;
	u32 response_swap_us;
	u32 report_delay_us;
	bool map_merge;
	atomic_t map_fail_nth;
	u32 map_fail_errno;
	u32 map_fail_pages;
	bool map_fail_hold;
	u64 pgsizes;
	u32 prq_limit;
};

extern struct soft_knobs soft_knobs;

/**
 * enum soft_stat - the counters in debugfs
 * @SOFT_MAPS: leaves mapped
 * @SOFT_UNMAPS: leaves unmapped
 * @SOFT_SPLITS: leaves split
 * @SOFT_MAP_CALLS: calls of map_pages
 * @SOFT_UNMAP_CALLS: calls of unmap_pages
 * @SOFT_UNMAPS_REFUSED: of these, refused by refuse_all or refuse_every
 * @SOFT_FLUSHES: flushes that had something to flush, skipped ones not counted
 * @SOFT_LEAVES_4K: gauge: leaves there are
 * @SOFT_LEAVES_2M: gauge
 * @SOFT_LEAVES_1G: gauge
 * @SOFT_MAPPED_BYTES: gauge
 * @SOFT_TABLE_PAGES: gauge: pages in page tables, and set aside for them
 * @SOFT_PRQ_REQUESTS: page requests that went into a queue
 * @SOFT_PRQ_GROUPS: groups that did.  Each of them is answered once: when none is
 *	outstanding this is the sum of resp_success, resp_invalid, resp_failure and
 *	prq_purged
 * @SOFT_PRQ_OVERFLOW: groups answered SUCCESS for lack of room
 * @SOFT_PRQ_REFUSED: groups answered INVALID since the device was blocked, or page
 *	requests were off
 * @SOFT_PRQ_PURGED: groups answered by the IOMMU since domain or feature changed
 * @SOFT_RESP_SUCCESS: responses by the handler
 * @SOFT_RESP_INVALID: responses by the handler
 * @SOFT_RESP_FAILURE: responses by the handler
 * @SOFT_RESP_LATE: responses for which the device did not wait any more
 * @SOFT_RESP_UNEXPECTED: responses for groups that were not outstanding: always 0,
 *	unless the handler answers twice
 * @SOFT_TRANSLATIONS: page table walks for accesses
 * @SOFT_IOTLB_HITS: accesses that needed none
 * @SOFT_DMA_READ_BYTES: read by devices
 * @SOFT_DMA_WRITE_BYTES: written by devices
 * @SOFT_STAT_COUNT: number of counters
 */
enum soft_stat {
	SOFT_MAPS,
	SOFT_UNMAPS,
	SOFT_SPLITS,
	SOFT_MAP_CALLS,
	SOFT_UNMAP_CALLS,
	SOFT_UNMAPS_REFUSED,
	SOFT_FLUSHES,
	SOFT_LEAVES_4K,
	SOFT_LEAVES_2M,
	SOFT_LEAVES_1G,
	SOFT_MAPPED_BYTES,
	SOFT_TABLE_PAGES,
	SOFT_PRQ_REQUESTS,
	SOFT_PRQ_GROUPS,
	SOFT_PRQ_OVERFLOW,
	SOFT_PRQ_REFUSED,
	SOFT_PRQ_PURGED,
	SOFT_RESP_SUCCESS,
	SOFT_RESP_INVALID,
	SOFT_RESP_FAILURE,
	SOFT_RESP_LATE,
	SOFT_RESP_UNEXPECTED,
	SOFT_TRANSLATIONS,
	SOFT_IOTLB_HITS,
	SOFT_DMA_READ_BYTES,
	SOFT_DMA_WRITE_BYTES,
	SOFT_STAT_COUNT
};

struct soft_stats {
	u64 value[SOFT_STAT_COUNT];
};

DECLARE_PER_CPU(struct soft_stats, soft_stats);

static inline void soft_count(enum soft_stat stat, u64 n)
{
	this_cpu_add(soft_stats.value[stat], n);
}

/* inject.c */
void soft_inject_init(void);
void soft_inject_deinit(void);
u64 soft_counted(enum soft_stat stat);
bool soft_map_must_fail(void);
bool soft_unmap_must_fail(void);

/* domain.c */
struct soft_domain *to_soft_domain(struct iommu_domain *domain);
struct iommu_domain *soft_domain_alloc(struct device *dev);
void soft_domain_link(struct soft_domain *domain, struct soft_attachment *at);
void soft_domain_unlink(struct soft_domain *domain, struct soft_attachment *at);

/* iommu.c */
int soft_attach_dev(struct iommu_domain *iommu_domain, struct device *dev,
		    struct iommu_domain *before);

/* iotlb.c */
int soft_iotlb_check(void);
int soft_lane_init(struct soft_lane *lane);
void soft_lane_deinit(struct soft_lane *lane);
void soft_lane_set_domain(struct soft_lane *lane, struct soft_domain *domain);
void soft_lane_flush(struct soft_lane *lane, u64 iova, u64 last);

/* prq.c */
int soft_prq_init(struct soft_prq *prq, unsigned int index);
void soft_prq_deinit(struct soft_prq *prq);
int soft_groups_init(struct soft_endpoint *ep);
void soft_groups_deinit(struct soft_endpoint *ep);
void soft_prq_changed(struct soft_endpoint *ep);
void soft_prq_forget(struct soft_endpoint *ep);
int soft_iopf_enable(struct soft_endpoint *ep);
void soft_iopf_disable(struct soft_endpoint *ep);
void soft_page_response(struct device *dev, struct iopf_fault *fault,
			struct iommu_page_response *response);

/* timing.c */
void soft_timing_init(struct dentry *dir);
void soft_time_reported(struct soft_group *group);
void soft_time_answered(struct soft_group *group);

#endif /* SOFT_IOMMU_PRIV_H */
