/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a container counts.
 */
#ifndef VIOPF_COUNTERS_H
#define VIOPF_COUNTERS_H

#include <linux/atomic.h>

/*
 * What VFIO_IOPF_STATS reports, by the names that struct vfio_iopf_stats explains.
 *
 * All but @segments, @resident_pages, @pinned_pages and @faults_waiting only grow.
 */
struct viopf_counters {
	atomic64_t	resident_pages;
	atomic64_t	segments;
	atomic64_t	groups;
	atomic64_t	requests;
	atomic64_t	resp_success;
	atomic64_t	resp_invalid;
	atomic64_t	resp_failure;
	atomic64_t	faults;
	atomic64_t	faults_spurious;
	atomic64_t	pages_mapped;
	atomic64_t	huge_mapped;
	atomic64_t	bring_ins;
	atomic64_t	retries;
	atomic64_t	backoffs;
	atomic64_t	aborts;
	atomic64_t	invalidations;
	atomic64_t	evictions;
	atomic64_t	pages_evicted;
	atomic64_t	flushes;
	atomic64_t	evict_busy;
	atomic64_t	unmap_mismatches;
	atomic64_t	pages_kept;
	atomic64_t	dirtied_pages;
	atomic64_t	pinned_pages;
	atomic64_t	faults_waiting;
	atomic64_t	faults_user;
	atomic64_t	groups_at_once;
	atomic64_t	groups_merged;
	atomic64_t	pages_young;
	atomic64_t	pages_sampled;
};

#endif /* VIOPF_COUNTERS_H */
