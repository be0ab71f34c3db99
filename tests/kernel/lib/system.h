/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a case wants of the whole system: swap, page merging, a memory cgroup, a
 * file system with write-back, its events. Skips the case where the kernel has it not, fails
 * it where it can't be set up. The suite turns swap and merging off afterwards.
 */
#ifndef VIOPF_TEST_SYSTEM_H
#define VIOPF_TEST_SYSTEM_H

#include <stddef.h>

/* Swap of @mb MiB in compressed memory. */
void swap_on_zram(unsigned int mb);

/*
 * Swap of @mb MiB on a loop device on a RAM disk: pages stay in the swap cache,
 * as with a real disk.
 */
void swap_on_loop(unsigned int mb);

/* Merge pages marked MADV_MERGEABLE, with a pause of @ms between the scans. */
void ksm_start(unsigned int ms);
void ksm_pause(void);

#define CGROUP_ROOT	"/sys/fs/cgroup"
#define CGROUP		CGROUP_ROOT "/viopf"

/* A memory cgroup, CGROUP, with these limits ("24M", "max"). */
void cgroup_make(const char *max, const char *swap_max);

/* Move this process there, or to CGROUP_ROOT. */
void cgroup_enter(const char *cgroup);

/* A number of CGROUP, e.g. "memory.current". */
unsigned long long cgroup_number(const char *member);

/* Kernel memory that is charged to CGROUP, in bytes, but for a few pages on each CPU. */
unsigned long long cgroup_kernel(void);

#define LRU_GEN		"/sys/kernel/debug/lru_gen"

/*
 * Ask about every page of a cgroup ("/viopf", or "/") whether it was used. Returns 0 or a
 * negative errno.
 */
int lru_age(const char *cgroup);

/* Mount an ext4 of 64 MiB; make a file of @size bytes on it, opened. */
int ext4_file(size_t size);

/* And take it away, with its file. */
void ext4_unmount(void);

/* A socket that has the kernel's uevents from now on, one to read, not waiting for any. */
int uevents_open(void);

#endif /* VIOPF_TEST_SYSTEM_H */
