/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The story: three acts, each played by a process of its own, so that what Linux
 * says of a process's memory is what that act did. The parent watches from
 * outside: it shows progress, and looks several times a second at what the process
 * has locked and pinned.
 *
 * What the acts find out is in struct story, memory that all the processes
 * share. Each member is written by one process (the tally by atomic additions),
 * and read by the parent whenever it likes; the report is written when all are done.
 */
#ifndef DEMO_STORY_H
#define DEMO_STORY_H

#include <stdatomic.h>
#include <stdint.h>
#include <viopf.h>

#define MIB	(1ul << 20)
#define PAGE	4096ul

#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))

enum backend { PINNED, UNPINNED, BACKENDS };

/* What to give VFIO_SET_IOMMU. */
#define EXTENSION(backend) \
	((backend) == PINNED ? VFIO_TYPE1v2_IOMMU : VFIO_IOPF_IOMMU)

/* Bytes compared with what they should be, and those that were not. */
struct tally {
	atomic_ullong device_bytes;
	atomic_ullong cpu_bytes;
	atomic_ullong wrong_bytes;
};

/* The most that the watcher has seen of a process. */
struct watch {
	long rss_kb;
	long locked_kb;		/* VmLck */
	long vm_pin_kb;		/* VmPin */
	long pinned_kb;		/* FOLL_PIN */
};

/* Act 1: map memory that was never touched, then the first DMA to it. */
struct cold {
	uint64_t mapped_kb;
	double map_ms;
	double first_dma_ms;
	long rss_kb;
	long locked_kb;
	long vm_pin_kb;
	long pinned_kb;
};

/* What Linux did with memory during an act: differences of its own counters. */
struct mm_work {
	unsigned long swapped_out_pages;
	unsigned long swapped_in_pages;
	unsigned long moved_pages;
	unsigned long split_huge_pages;
	unsigned long ksm_copied_pages;
	unsigned long ksm_merged_pages;		/* the most at one time */
};

/* Act 2: DMA, while Linux does as it likes with the memory. */
struct churn {
	struct vfio_iopf_stats stats;
	struct mm_work mm;
	double ms;
	atomic_ulong operations;
	atomic_ulong forks;
	atomic_ulong holes;
	atomic_ulong page_outs;
	atomic_ulong compactions;
	atomic_ulong collapses;		/* huge pages made of small ones */
};

/* Act 3: more memory than the machine has. */
struct pressure {
	struct vfio_iopf_stats stats;
	struct mm_work mm;
	uint64_t mapped_kb;
	double ms;
	atomic_ulong written_pages;
	atomic_ulong checked_pages;
	char pinned_outcome[80];
	double pinned_ms;
	long pinned_peak_kb;
	int pinned_finished;
};

struct story {
	long ram_kb;
	struct cold cold[BACKENDS];
	struct churn churn;
	struct pressure pressure;
	struct tally tally;
	struct watch unpinned;		/* over all of its acts */
	long residency_mismatches;	/* record against IOMMU page tables */
	unsigned int churn_s;
	double ms;
};

/* The acts, in their own processes: 0, or -1 after a message. */
int cold_pinned(struct story *story);
int cold_unpinned(struct story *story);
int churn_unpinned(struct story *story);
int pressure_pinned(struct story *story);
int pressure_unpinned(struct story *story);

/* Their progress, a line of text without its end, from the parent. */
void churn_progress(const struct story *story, char *line, size_t size);
void pressure_progress(const struct story *story, char *line, size_t size);

/**
 * act_run - play one act in a child process and watch it
 * @story: shared with it
 * @act: its function
 * @progress: its progress, or NULL
 * @watch: raised to what is seen of the child
 * @mm: filled in with what Linux did meanwhile, or NULL
 *
 * Returns the status of waitpid(), or -1 if there is no process.
 */
int act_run(struct story *story, int (*act)(struct story *story),
	    void (*progress)(const struct story *story, char *line, size_t size),
	    struct watch *watch, struct mm_work *mm);

/* Read the residency record against the page tables, in every container now open. */
long residency_mismatches(void);

/* The end: a table for people; a file for programs. Return 0 or -1. */
void report_print(const struct story *story);
int report_write(const struct story *story, const char *path);

/* Why the story did not go well, one line each on standard error; how many. */
unsigned int report_faults(const struct story *story);

#endif /* DEMO_STORY_H */
