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
 * (the caller was killed).
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
 * @aborts: bring-ins cut short, the fault having been answered meanwhile
 * @invalidations: calls of the mm to take a range away
 * @evictions: those among them that found something resident
 * @pages_evicted: 4 KiB pages taken from the devices by evictions
 * @flushes: IOTLB flushes, one for each domain and eviction
 * @evict_busy: calls that could not block and were told to try again
 * @unmap_mismatches: unmaps for which the IOMMU did more, or less, than asked
 * @pages_kept: pages held back from reuse since an IOMMU refused to unmap
 * @dirtied_pages: 4 KiB pages marked dirty when made writable for a device
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
};

/**
 * VFIO_IOPF_STATS - _IOWR(VFIO_TYPE, VFIO_IOPF_BASE + 1, struct vfio_iopf_stats)
 *
 * Fills in as much of the structure as @argsz covers, in whole members.
 */
#define VFIO_IOPF_STATS		_IO(VFIO_TYPE, VFIO_IOPF_BASE + 1)

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
 *
 * A capability in the chain of VFIO_IOMMU_GET_INFO.
 */
struct vfio_iommu_type1_info_cap_iopf {
	struct	vfio_info_cap_header header;
	__u32	flags;
#define VFIO_IOPF_INFO_ENABLED	(1 << 0)	/* demand paging is on */
	__u32	segment_shift;
	__u32	max_workers;
	__u32	reserved;
	__aligned_u64	leaf_sizes;
};

#endif /* _UAPI_LINUX_VFIO_IOPF_H */
