/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * softiommu: an IOMMU that is not there
 *
 * softiommu.ko registers one or several IOMMUs (module parameter "iommus") with the
 * iommu core.  They are found by no firmware table and take no device but those
 * which a device module, such as softdma.ko, brings along: they leave every other
 * device, and any other IOMMU of the machine, alone.  The module parameter "reserved"
 * (first,last address) is reported to the core as a range not to be mapped.
 *
 * This header is the interface for such a device module.  Its guarantees:
 *
 * I1  Endpoints.  A device is an endpoint, with a number of lanes, one for each
 *     thread that makes DMA.  A device starts blocked and is blocked again when it is
 *     detached.
 * I2  Access.  softiommu_access() translates one address for an access that does not
 *     cross a page and calls back with the memory mapped, with the lane locked and
 *     interrupts off.  The translation comes from the lane's IOTLB if it is there with
 *     enough permission, else from the page table.  Missing translations are not
 *     remembered.
 * I3  IOTLB.  Each lane has one, of 16384 pages (module parameter "iotlb", a power of
 *     two, 64 to 16384), hashed, 4-way.  A translation is kept
 *     until it is flushed (flush of its address or of everything, or change of
 *     domain), or until five hot pages meet in one set.  It is *not* dropped when the
 *     page table changes: an access after an unmap without flush goes to the old page.
 * I4  Flush.  When iotlb_sync or flush_iotlb_all returns, no access that used an older
 *     translation is running.  They neither sleep nor allocate, and wait for nothing
 *     but the copying of at most one page for each lane.
 * I5  Change of domain.  When attach_dev returns, no access through the old domain is
 *     running or will come, and no iommu_report_device_fault() for a request made
 *     under it.  A device that is blocked, or whose IOPF feature is off, reports
 *     nothing.
 * I6  Page requests.  A group goes into the IOMMU's page request queue as a whole or
 *     not at all (one given in parts, part by part; it counts when it ends).  A group
 *     in the queue gets exactly one response: from whoever handles it, or from the
 *     IOMMU if the domain changed or the feature was disabled first (SUCCESS if a
 *     domain is attached, else INVALID; counted as prq_purged).  If there is no room
 *     the IOMMU itself answers SUCCESS, so that the device tries again (prq_overflow);
 *     a stalled access waits for room.  If there is no domain that could take it,
 *     INVALID (prq_refused).
 * I7  Unmapping allocates nothing, unless unmap_mode is "exact" and a part of a 1 GiB
 *     leaf is unmapped in pages; then it tries GFP_NOWAIT and refuses if that fails.
 * I9  Stall.  A device of kind SOFT_FAULT_STALL has no say in its faults: an access that
 *     finds no translation is held by the IOMMU, which reports it by itself, as Arm's
 *     SMMUv3 does: a group of its own with the last-page flag, whose index (the stall
 *     tag) the response names; the address of the access, which need not be that of the
 *     page; write permission for an access that writes, else read, never both.  There
 *     is nothing to enable in the device.  The response resumes the access: SUCCESS has
 *     it tried again, anything else aborts it, and only it: the device learns INVALID
 *     also where the handler said FAILURE.
 * I10 Coherency.  All DMA is coherent.  But enforce_cache_coherency says so for a domain in
 *     which nothing has been mapped yet, and no more afterwards, as VT-d's second level
 *     does, whose leaves have a bit for it.
 *
 * I11 What a driver says of page requests.  A domain with a handler (on 6.12 the IOPF
 *     feature) is refused for a device that makes none, as by VT-d's driver.  With the
 *     module parameter "iopf_accepts_any" it is taken, and the device put into no queue, as
 *     by SMMUv3's.  With "iopf_takes_all" page requests are on in every domain, as with
 *     AMD's, whose driver then drops those without PASID.
 *
 * In debugfs, softiommu/ has these knobs, which can be written at any time:
 *
 *   unmap_mode		exact (default): unmap what was asked for, splitting a leaf;
 *			whole: unmapping part of a leaf unmaps the whole leaf and returns
 *			its size, looking at no further leaf; refuse: unmapping part of a
 *			leaf does nothing and returns 0
 *   refuse_all		every unmap does nothing and returns 0
 *   unmap_coarse_pages	0, or a power of two: an unmap drops all leaves in whole
 *			naturally aligned blocks of that many 4 KiB pages, and returns
 *			the size of the blocks
 *   skip_flush		iotlb_sync and flush_iotlb_all do nothing
 *   refuse_every	every so many calls, an unmap does nothing and returns 0 (0: never);
 *			with unmap_mode or unmap_coarse_pages the others unmap too much
 *   flush_hold		iotlb_sync flushes, is counted, and then sleeps, against I4, for
 *			as long as this is set (a minute at the most)
 *   response_delay_us	a page response takes that long to the device
 *   response_swap_us	every second page response takes so much longer: responses
 *			overtake each other
 *   report_delay_us	a page request stays that long in the queue
 *   map_merge		a map_pages call makes leaves as large as its addresses and
 *			length allow, whatever page size it is given and pgsizes says, as
 *			VT-d's driver does; leaves of two calls stay apart
 *   map_fail_nth	the n-th map_pages call from now fails (0: none)
 *   map_fail_errno	with this errno (default 12, ENOMEM)
 *   map_fail_pages	when it has mapped so many of its pages, of whatever size, which it
 *			reports as it has to (default 0; all of them, if they are fewer)
 *   map_fail_hold	and sleeps before it does, for as long as this is set (a minute
 *			at the most)
 *   pgsizes		page sizes of domains allocated from now on, a mask:
 *			0x1000 | 0x200000 | 0x40000000 (default: all)
 *   prq_limit		room in each page request queue, in requests (default and at
 *			most 1024)
 *   reset_knobs	writing gives all of them their default
 *
 * and counters: stats (a line "name value" for each of enum soft_stat in
 * iommu_priv.h) and reset_stats (writing starts all of them but the gauges at 0).
 *
 * response_times says how long page request groups took to be answered, in ns: from just
 * before iommu_report_device_fault() with the last request of a group until page_response
 * is called for it.  First a line "count N sum N max N", then the last 16384 of them, oldest
 * first, a line each.  Writing anything begins anew.
 */
#ifndef SOFTIOMMU_H
#define SOFTIOMMU_H

#include <linux/iommu.h>
#include <linux/types.h>

struct soft_endpoint;
struct soft_lane;

#define SOFT_GROUP_INDEXES	512	/* page request group indexes are below */
#define SOFT_GROUP_MAX		32	/* requests in a group, at most */

/**
 * enum soft_fault_kind - what an access without a translation leads to
 * @SOFT_FAULT_NONE: it fails; the device has no IOMMU_DEV_FEAT_IOPF
 * @SOFT_FAULT_PRI: the device makes page requests
 * @SOFT_FAULT_STALL: it stalls (I9)
 */
enum soft_fault_kind {
	SOFT_FAULT_NONE,
	SOFT_FAULT_PRI,
	SOFT_FAULT_STALL,
};

/**
 * struct soft_client - a kind of device
 * @owner: the module; it can't be removed while a device is attached to a domain
 * @respond: a page response for the group with that index has come.  Called in any
 *	context, with interrupts on or off; may take raw spinlocks and wake threads.
 *	Returns whether somebody still waited for it
 */
struct soft_client {
	struct module *owner;
	bool (*respond)(void *priv, unsigned int group,
			enum iommu_page_response_code code);
};

/**
 * struct soft_request - one page request of a group
 * @iova: address of the page; of the access, if it stalls
 * @perm: IOMMU_FAULT_PERM_READ, IOMMU_FAULT_PERM_WRITE
 */
struct soft_request {
	u64 iova;
	u32 perm;
};

/**
 * typedef soft_access_fn - do the access
 * @memory: where it goes
 * @bytes: how much
 * @ctx: as given to softiommu_access()
 */
typedef void (*soft_access_fn)(void *memory, size_t bytes, void *ctx);

struct soft_endpoint *softiommu_endpoint_create(unsigned int iommu,
						unsigned int nr_lanes,
						enum soft_fault_kind faults,
						const struct soft_client *client,
						void *priv);
void softiommu_endpoint_destroy(struct soft_endpoint *ep);
int softiommu_endpoint_claim(struct soft_endpoint *ep, struct device *dev);
struct soft_lane *softiommu_lane(struct soft_endpoint *ep, unsigned int lane);
unsigned int softiommu_count(void);

void softiommu_lane_set_epoch(struct soft_lane *lane, u32 epoch);
int softiommu_access(struct soft_lane *lane, u32 epoch, u64 iova, size_t bytes,
		     unsigned int prot, soft_access_fn fn, void *ctx);
bool softiommu_translates(struct soft_lane *lane, u64 iova, unsigned int prot);
int softiommu_page_request(struct soft_endpoint *ep, unsigned int group,
			   const struct soft_request *requests,
			   unsigned int nr_requests);
int softiommu_page_request_part(struct soft_endpoint *ep, unsigned int group,
				const struct soft_request *request, bool last);

#endif /* SOFTIOMMU_H */
