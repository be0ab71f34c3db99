/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What containers and devices count.
 *
 * One list each: the structures, VFIO_IOPF_STATS and sysfs are made from it.
 */
#ifndef VIOPF_COUNTERS_H
#define VIOPF_COUNTERS_H

#include <linux/atomic.h>

/*
 * What a container counts, by the names that struct vfio_iopf_stats explains. All but
 * segments, resident_pages, pinned_pages, faults_waiting, mappings and mapped_bytes only
 * grow.
 */
#define VIOPF_COUNTERS(X)							\
	X(resident_pages) X(segments) X(groups) X(requests) X(resp_success)	\
	X(resp_invalid) X(resp_failure) X(faults) X(faults_spurious)		\
	X(pages_mapped) X(huge_mapped) X(bring_ins) X(retries) X(backoffs)	\
	X(aborts) X(invalidations) X(evictions) X(pages_evicted) X(flushes)	\
	X(evict_busy) X(unmap_mismatches) X(pages_kept) X(dirtied_pages)	\
	X(pinned_pages) X(faults_waiting) X(faults_user) X(groups_at_once)	\
	X(groups_merged) X(pages_young) X(pages_sampled) X(mappings)		\
	X(mapped_bytes) X(floods)

/* What is counted for each device as well; a container has these, too. */
#define VIOPF_DEVICE_COUNTERS(X)						\
	X(groups) X(requests) X(resp_success) X(resp_invalid)			\
	X(resp_failure) X(groups_at_once) X(floods)

#define VIOPF_COUNTER(_name)	atomic64_t _name;

struct viopf_counters {
	VIOPF_COUNTERS(VIOPF_COUNTER)
};

struct viopf_device_counters {
	VIOPF_DEVICE_COUNTERS(VIOPF_COUNTER)
};

#endif /* VIOPF_COUNTERS_H */
