/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * vfio-iopf: VFIO containers whose memory is paged in on the device's demand.
 *
 * The container keeps VFIO's type1v2 interface (<linux/vfio.h>): MAP_DMA,
 * UNMAP_DMA and GET_INFO take the same structures and answer with the same
 * errno values. What this header adds is how to ask for demand paging, and what
 * can be learnt about it.
 *
 * Conventions, as everywhere in VFIO:
 *  - @argsz is the size in bytes of the structure as the caller knows it. It
 *    must cover at least the members named in the call's description. A larger
 *    one is accepted: what the kernel does not know is neither read nor written.
 *  - @flags without a meaning must be zero, or the call fails with EINVAL.
 *  - Addresses and sizes are in bytes.
 *  - All calls are made on the container's file descriptor, after
 *    VFIO_SET_IOMMU.
 *
 * Errors of the calls declared here:
 *
 *  ========  ===============================================================
 *  EINVAL    @argsz is too small, or a flag is unknown
 *  EFAULT    the structure can't be read or written
 *  ENOTTY    the container was not opened with VFIO_IOPF_IOMMU
 *  ENODEV    the container was cut off after its IOMMU refused an eviction
 *  ========  ===============================================================
 *
 * A mapping is *faultable*, paged in as devices ask for it; or *pinned*, as type1
 * makes it; or *user-handled*, i.e. faultable once user space has agreed to each
 * page request. Without a flag (below) it is faultable while demand paging is on
 * and every device of the container can take page faults, and pinned otherwise: it
 * changes with the container.
 */
#ifndef _UAPI_LINUX_VFIO_IOPF_H
#define _UAPI_LINUX_VFIO_IOPF_H

#include <linux/types.h>
#include <linux/vfio.h>

/*
 * Extension numbers, for VFIO_CHECK_EXTENSION and VFIO_SET_IOMMU. VFIO's own
 * count up from 1; these spell "IOPF" and on, out of their way.
 */
/* VFIO_SET_IOMMU: a type1v2 container with demand paging enabled. */
#define VFIO_IOPF_IOMMU		0x494f5046
/* VFIO_CHECK_EXTENSION: 1 where the calls of this header are there. */
#define VFIO_IOPF		0x494f5047

/* Numbers from 64 on leave VFIO's own room to grow. */
#define VFIO_IOPF_BASE		(VFIO_BASE + 64)

/*
 * Flags of struct vfio_iommu_type1_dma_map, at most one of them. VFIO's own count
 * up from bit 0. They hold until the mapping is unmapped.
 */
/* Pinned, whatever the container does. */
#define VFIO_DMA_MAP_FLAG_IOPF_PINNED		(1 << 24)
/*
 * Faultable, whatever the container does: the client promises that devices which
 * can't take page faults keep away from it, or asks VFIO_IOPF_ADVISE for what they
 * need of it.
 */
#define VFIO_DMA_MAP_FLAG_IOPF_FAULTABLE	(1 << 25)
/* User-handled: page requests go to VFIO_IOPF_FAULT_FD first. */
#define VFIO_DMA_MAP_FLAG_IOPF_USER		(1 << 26)

/**
 * struct vfio_iopf_enable - argument of VFIO_IOPF_ENABLE and VFIO_IOPF_DISABLE
 * @argsz: sizeof(struct vfio_iopf_enable)
 * @flags: must be 0
 */
struct vfio_iopf_enable {
	__u32	argsz;
	__u32	flags;
};

/**
 * VFIO_IOPF_ENABLE - _IOW(VFIO_TYPE, VFIO_IOPF_BASE + 0, struct vfio_iopf_enable)
 *
 * From now on mappings are paged in on demand, those made before included: what was
 * pinned for them is unpinned and no longer charged, and devices fault it in again
 * as they reach for it. DMA goes on. A container that was opened with
 * VFIO_IOPF_IOMMU is enabled from the start. Enabling what is enabled changes
 * nothing and succeeds, so a client may call this to be sure.
 */
#define VFIO_IOPF_ENABLE	_IO(VFIO_TYPE, VFIO_IOPF_BASE + 0)

/**
 * VFIO_IOPF_DISABLE - _IOW(VFIO_TYPE, VFIO_IOPF_BASE + 2, struct vfio_iopf_enable)
 *
 * From now on mappings are pinned, charged to RLIMIT_MEMLOCK and mapped at once, as
 * type1 does, those made before included. DMA goes on. On failure nothing has
 * changed. While demand paging is off VFIO_IOMMU_MAP_DMA can fail as this can.
 *
 * Errors: also EFAULT (an address has no memory behind it, or device memory, or
 * does not permit what the mapping does), ENOMEM (RLIMIT_MEMLOCK, or memory), EINTR
 * (the caller was killed), EBUSY (a mapping's address is being updated).
 */
#define VFIO_IOPF_DISABLE	_IO(VFIO_TYPE, VFIO_IOPF_BASE + 2)

/**
 * struct vfio_iopf_stats - argument of VFIO_IOPF_STATS
 * @argsz: in: sizeof(struct vfio_iopf_stats) as the caller knows it, at least 16
 * @flags: in: must be 0; out: VFIO_IOPF_STATS_*
 * @resident_pages: 4 KiB pages that devices can reach at this moment
 * @segments: segments made so far and not yet unmapped
 * @segment_bytes: size of a segment
 * @workers: fault threads
 * @faults_pending: page request groups not yet answered
 * @groups: page request groups received
 * @requests: page requests received
 * @resp_success: groups answered SUCCESS: what was asked for is mapped
 * @resp_invalid: groups answered INVALID: it can never be
 * @resp_failure: groups answered FAILURE: the device must stop
 * @faults: requests that mapped at least one page
 * @faults_spurious: requests for what was already mapped
 * @pages_mapped: 4 KiB pages mapped: by faults, neighbours included, or pinned
 * @huge_mapped: 2 MiB or larger leaves among them
 * @bring_ins: times a page had to be brought in, or made writable, by the mm
 * @retries: times a fault started over as the memory was changing under it
 * @backoffs: times a fault waited as page table memory was short
 * @aborts: bring-ins cut short, the fault having been answered meanwhile, or its
 *	mapping's address being updated
 * @invalidations: calls of the mm to take a range away
 * @evictions: those among them that found something resident
 * @pages_evicted: 4 KiB pages taken from the devices by evictions
 * @flushes: IOTLB flushes, one for each domain and eviction, or sampling
 * @evict_busy: calls that could not block and were told to try again
 * @unmap_mismatches: unmaps for which the IOMMU did more, or less, than asked
 * @pages_kept: pages held back from reuse since an IOMMU refused to unmap
 * @dirtied_pages: 4 KiB pages marked dirty when made writable for a device
 * @pinned_pages: 4 KiB pages pinned at this moment, each counted once for each pin
 * @faults_waiting: groups among @faults_pending that wait for user space: for an
 *	answer through VFIO_IOPF_FAULT_FD, or for a mapping's new address; or whose answer,
 *	INVALID, is put off, as their device goes on asking for what it can't have
 * @faults_user: groups handed to VFIO_IOPF_FAULT_FD
 * @groups_at_once: groups answered where they arrived, without a worker: one page,
 *	resident in the process's memory as the device wanted it
 * @groups_merged: groups answered along with another one, which had what they asked for
 *	mapped; their requests count as @faults_spurious
 * @pages_young: 4 KiB pages that the kernel asked about, looking for memory to reclaim,
 *	and that devices had reached since it last did
 * @pages_sampled: 4 KiB pages taken from the devices, but left where they are, to see
 *	from a fault whether one still uses them: see the module's parameter aging
 * @mappings: mappings at this moment
 * @mapped_bytes: bytes of IOVA that they cover
 * @floods: groups answered FAILURE as their device, or all devices together, had more
 *	page requests queued than the module's parameter max_faults allows
 *
 * Counters count from the container's VFIO_SET_IOMMU. With nothing in flight
 * they are exact: groups == resp_success + resp_invalid + resp_failure.
 */
struct vfio_iopf_stats {
	__u32	argsz;
	__u32	flags;
#define VFIO_IOPF_STATS_ENABLED	(1 << 0)	/* demand paging is on */
#define VFIO_IOPF_STATS_FAILED	(1 << 1)	/* an IOMMU refused; cut off */
	__aligned_u64	resident_pages;
	__aligned_u64	segments;
	__aligned_u64	segment_bytes;
	__aligned_u64	workers;
	__aligned_u64	faults_pending;
	__aligned_u64	groups;
	__aligned_u64	requests;
	__aligned_u64	resp_success;
	__aligned_u64	resp_invalid;
	__aligned_u64	resp_failure;
	__aligned_u64	faults;
	__aligned_u64	faults_spurious;
	__aligned_u64	pages_mapped;
	__aligned_u64	huge_mapped;
	__aligned_u64	bring_ins;
	__aligned_u64	retries;
	__aligned_u64	backoffs;
	__aligned_u64	aborts;
	__aligned_u64	invalidations;
	__aligned_u64	evictions;
	__aligned_u64	pages_evicted;
	__aligned_u64	flushes;
	__aligned_u64	evict_busy;
	__aligned_u64	unmap_mismatches;
	__aligned_u64	pages_kept;
	__aligned_u64	dirtied_pages;
	__aligned_u64	pinned_pages;
	__aligned_u64	faults_waiting;
	__aligned_u64	faults_user;
	__aligned_u64	groups_at_once;
	__aligned_u64	groups_merged;
	__aligned_u64	pages_young;
	__aligned_u64	pages_sampled;
	__aligned_u64	mappings;
	__aligned_u64	mapped_bytes;
	__aligned_u64	floods;
};

/**
 * VFIO_IOPF_STATS - _IOWR(VFIO_TYPE, VFIO_IOPF_BASE + 1, struct vfio_iopf_stats)
 *
 * Fills in as much of the structure as @argsz covers, in whole members.
 */
#define VFIO_IOPF_STATS		_IO(VFIO_TYPE, VFIO_IOPF_BASE + 1)

/**
 * enum vfio_iopf_advice - what struct vfio_iopf_advise asks for
 * @VFIO_IOPF_ADV_PREFETCH_READ: bring the range in and map it for reading
 * @VFIO_IOPF_ADV_PREFETCH_WRITE: the same for writing; while dirty pages are tracked,
 *	for reading if the mapping permits that, as what may be written is dirty
 * @VFIO_IOPF_ADV_PREFETCH_RESIDENT: map what is in memory already, with the
 *	permission that it has there, and bring nothing in
 * @VFIO_IOPF_ADV_EVICT: take it away from the devices; they may fault it in again.
 *	The process keeps it. What is pinned stays
 * @VFIO_IOPF_ADV_PIN: pin the range, charge it to RLIMIT_MEMLOCK and map it: devices
 *	need no page request for it. Pinning what is pinned by advice changes nothing
 * @VFIO_IOPF_ADV_UNPIN: give up what @VFIO_IOPF_ADV_PIN did. It stays pinned as long
 *	as the mapping or the container is pinned, and a leaf of the IOMMU larger than
 *	a page as long as any of it is
 */
enum vfio_iopf_advice {
	VFIO_IOPF_ADV_PREFETCH_READ	= 0,
	VFIO_IOPF_ADV_PREFETCH_WRITE	= 1,
	VFIO_IOPF_ADV_PREFETCH_RESIDENT	= 2,
	VFIO_IOPF_ADV_EVICT		= 3,
	VFIO_IOPF_ADV_PIN		= 4,
	VFIO_IOPF_ADV_UNPIN		= 5,
};

/**
 * struct vfio_iopf_advise - argument of VFIO_IOPF_ADVISE
 * @argsz: sizeof(struct vfio_iopf_advise)
 * @flags: must be 0
 * @advice: enum vfio_iopf_advice
 * @reserved: must be 0
 * @iova: start of the range, a multiple of 4096
 * @size: its size in bytes, a multiple of 4096, not 0; it may span mappings, but
 *	must leave none of it unmapped
 * @done_bytes: out: how much of the range, from @iova on, is done; also on an error
 */
struct vfio_iopf_advise {
	__u32	argsz;
	__u32	flags;
	__u32	advice;
	__u32	reserved;
	__aligned_u64	iova;
	__aligned_u64	size;
	__aligned_u64	done_bytes;
};

/**
 * VFIO_IOPF_ADVISE - _IOWR(VFIO_TYPE, VFIO_IOPF_BASE + 3, struct vfio_iopf_advise)
 *
 * In the spirit of madvise(2) and ibv_advise_mr(3). A prefetch maps what it can reach
 * now and is no promise: the kernel may take it away again at once. It can be
 * interrupted by any signal. What it maps counts as @pages_mapped, @bring_ins and so
 * on, but as no fault; what is evicted by advice counts as no eviction. While dirty
 * pages are tracked, what is prefetched for writing counts as written.
 *
 * Errors: also ENOENT (part of the range is not mapped), EPERM (prefetch for what
 * the mapping does not permit), EINTR (a signal; go on at @iova + @done_bytes), EFAULT
 * (no memory behind an address, or not with that permission), ENOMEM (PIN: over
 * RLIMIT_MEMLOCK, or no memory), EBUSY (the mapping's address is being updated).
 */
#define VFIO_IOPF_ADVISE	_IO(VFIO_TYPE, VFIO_IOPF_BASE + 3)

/**
 * struct vfio_iopf_residency - argument of VFIO_IOPF_RESIDENCY
 * @argsz: sizeof(struct vfio_iopf_residency)
 * @flags: must be 0
 * @iova: start of the range, a multiple of 4096
 * @size: its size in bytes, a multiple of 4096, not 0
 * @data: user address of a byte for each 4096 bytes of the range: filled in with
 *	VFIO_IOPF_PAGE_*
 */
struct vfio_iopf_residency {
	__u32	argsz;
	__u32	flags;
	__aligned_u64	iova;
	__aligned_u64	size;
	__aligned_u64	data;
#define VFIO_IOPF_PAGE_RESIDENT	(1 << 0)	/* devices can reach it now */
#define VFIO_IOPF_PAGE_WRITABLE	(1 << 1)	/* for writing as well */
#define VFIO_IOPF_PAGE_HUGE	(1 << 2)	/* by a leaf larger than a page */
#define VFIO_IOPF_PAGE_PINNED	(1 << 3)	/* and it stays so */
#define VFIO_IOPF_PAGE_DIRTY	(1 << 4)	/* counts as written, while that is tracked */
#define VFIO_IOPF_PAGE_YOUNG	(1 << 5)	/* reached since the kernel last asked */
};

/**
 * VFIO_IOPF_RESIDENCY - _IOW(VFIO_TYPE, VFIO_IOPF_BASE + 4, struct vfio_iopf_residency)
 *
 * In the spirit of mincore(2): which pages devices can reach. It may have changed by
 * the time that the call returns, but for what is pinned.
 *
 * Errors: also ENOENT (part of the range is not mapped), EINTR (the caller was
 * killed).
 */
#define VFIO_IOPF_RESIDENCY	_IO(VFIO_TYPE, VFIO_IOPF_BASE + 4)

/**
 * struct vfio_iopf_fault_fd - argument of VFIO_IOPF_FAULT_FD
 * @argsz: sizeof(struct vfio_iopf_fault_fd)
 * @flags: must be 0
 */
struct vfio_iopf_fault_fd {
	__u32	argsz;
	__u32	flags;
};

/**
 * VFIO_IOPF_FAULT_FD - _IOW(VFIO_TYPE, VFIO_IOPF_BASE + 5, struct vfio_iopf_fault_fd)
 *
 * Returns a file descriptor, opened with O_CLOEXEC, by which user space decides on
 * page requests in user-handled mappings. A container has at most one at a time;
 * while it has none such requests are answered INVALID, as are, when it is closed,
 * those not decided on.
 *
 * poll(2) reports POLLIN when there is something to read, and POLLHUP when the
 * container is gone. read(2) gives as many struct vfio_iopf_fault as fit, whole
 * groups only; it blocks unless O_NONBLOCK is set (EAGAIN). EINVAL: the buffer has
 * no room for the next group, which has at most VFIO_IOPF_FAULT_GROUP_MAX requests.
 *
 * write(2) takes any number of struct vfio_iopf_fault_response, and returns the bytes
 * of those that it took. EINVAL: the first is not one, or its code is none; ENOENT:
 * its @cookie belongs to no group that was read and not decided on (the mapping or
 * the device may be gone meanwhile).
 *
 * Errors: also EBUSY (there is one already), EMFILE, ENFILE.
 */
#define VFIO_IOPF_FAULT_FD	_IO(VFIO_TYPE, VFIO_IOPF_BASE + 5)

/* PRI's limit on the requests of a group that one read has to make room for. */
#define VFIO_IOPF_FAULT_GROUP_MAX	64

/**
 * struct vfio_iopf_fault - a page request, as read from VFIO_IOPF_FAULT_FD
 * @cookie: tells the group; not 0
 * @flags: VFIO_IOPF_FAULT_*
 * @iova: the page, in bytes
 * @perm: VFIO_IOPF_FAULT_PERM_*
 * @reserved: 0
 */
struct vfio_iopf_fault {
	__u32	cookie;
	__u32	flags;
#define VFIO_IOPF_FAULT_LAST		(1 << 0)	/* the last of its group */
	__aligned_u64	iova;
	__u32	perm;
#define VFIO_IOPF_FAULT_PERM_READ	(1 << 0)
#define VFIO_IOPF_FAULT_PERM_WRITE	(1 << 1)
	__u32	reserved;
};

/**
 * struct vfio_iopf_fault_response - a decision, written to VFIO_IOPF_FAULT_FD
 * @cookie: the group
 * @code: enum vfio_iopf_fault_code
 */
struct vfio_iopf_fault_response {
	__u32	cookie;
	__u32	code;
};

/**
 * enum vfio_iopf_fault_code - what user space decides on a group of page requests
 * @VFIO_IOPF_FAULT_CONTINUE: resolve it from the mapping's memory, and answer
 *	the device as for a faultable mapping: SUCCESS only if it is mapped then
 * @VFIO_IOPF_FAULT_INVALID: answer INVALID: the access fails
 * @VFIO_IOPF_FAULT_FAILURE: answer FAILURE: the device must stop
 */
enum vfio_iopf_fault_code {
	VFIO_IOPF_FAULT_CONTINUE	= 0,
	VFIO_IOPF_FAULT_INVALID		= 1,
	VFIO_IOPF_FAULT_FAILURE		= 2,
};

/**
 * struct vfio_iopf_mapping - a mapping, as VFIO_IOPF_MAPPINGS tells of it
 * @iova: its start
 * @size: its size in bytes
 * @vaddr: the user address, in the process that mapped it; while it is being updated, the
 *	old one
 * @flags: what MAP_DMA was told: VFIO_DMA_MAP_FLAG_READ, VFIO_DMA_MAP_FLAG_WRITE,
 *	VFIO_DMA_MAP_FLAG_IOPF_*
 * @state: enum vfio_iopf_mapping_state
 * @resident_pages: 4 KiB pages of it that devices can reach at this moment
 */
struct vfio_iopf_mapping {
	__aligned_u64	iova;
	__aligned_u64	size;
	__aligned_u64	vaddr;
	__u32	flags;
	__u32	state;
	__aligned_u64	resident_pages;
};

/**
 * enum vfio_iopf_mapping_state - what happens to a mapping's page requests
 * @VFIO_IOPF_MAPPING_FAULTABLE: what devices ask for is paged in
 * @VFIO_IOPF_MAPPING_PINNED: all of it is pinned
 * @VFIO_IOPF_MAPPING_USER: they go to VFIO_IOPF_FAULT_FD first
 */
enum vfio_iopf_mapping_state {
	VFIO_IOPF_MAPPING_FAULTABLE	= 0,
	VFIO_IOPF_MAPPING_PINNED	= 1,
	VFIO_IOPF_MAPPING_USER		= 2,
};

/**
 * struct vfio_iopf_mappings - argument of VFIO_IOPF_MAPPINGS
 * @argsz: sizeof(struct vfio_iopf_mappings)
 * @flags: must be 0
 * @iova: mappings that end before this address are left out
 * @count: in: for how many there is room at @data; out: how many there are
 * @reserved: must be 0
 * @data: user address of an array of struct vfio_iopf_mapping
 */
struct vfio_iopf_mappings {
	__u32	argsz;
	__u32	flags;
	__aligned_u64	iova;
	__u32	count;
	__u32	reserved;
	__aligned_u64	data;
};

/**
 * VFIO_IOPF_MAPPINGS - _IOWR(VFIO_TYPE, VFIO_IOPF_BASE + 6, struct vfio_iopf_mappings)
 *
 * Tells which mappings there are, ascending by IOVA. Fewer than there was room for means
 * that there are no more. Mappings may come and go before the call returns, and while it
 * is at work.
 *
 * Errors: also EINTR (the caller was killed).
 */
#define VFIO_IOPF_MAPPINGS	_IO(VFIO_TYPE, VFIO_IOPF_BASE + 6)

/* "IP": type1's own capabilities count up from 1. */
#define VFIO_IOMMU_TYPE1_INFO_CAP_IOPF	0x4950

/**
 * struct vfio_iommu_type1_info_cap_iopf - how demand paging works here
 * @header: id VFIO_IOMMU_TYPE1_INFO_CAP_IOPF, version 1
 * @flags: VFIO_IOPF_INFO_*
 * @segment_shift: log2 of a segment's size in bytes
 * @max_workers: fault threads that the container may come to have
 * @reserved: 0
 * @leaf_sizes: bitmap of the IOMMU leaf sizes, in bytes, that faults may use
 * @container: the container's number, by which the kernel's messages, its tracepoints and
 *	/sys/class/vfio_iopf/containerN call it
 *
 * A capability in the chain of VFIO_IOMMU_GET_INFO.
 */
struct vfio_iommu_type1_info_cap_iopf {
	struct	vfio_info_cap_header header;
	__u32	flags;
#define VFIO_IOPF_INFO_ENABLED	(1 << 0)	/* demand paging is on */
#define VFIO_IOPF_INFO_MUST_PIN	(1 << 1)	/* a device here can't take page faults */
	__u32	segment_shift;
	__u32	max_workers;
	__u32	reserved;
	__aligned_u64	leaf_sizes;
	__aligned_u64	container;
};

#endif /* _UAPI_LINUX_VFIO_IOPF_H */
