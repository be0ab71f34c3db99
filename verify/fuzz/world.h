/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the fuzzer plays with, and what it knows of it.
 *
 * An input is a sequence of operations, each a struct op. They are done by one thread, so
 * that it can be told what must come of each: the model below says of each mapping what
 * memory it leads to, and of each page of memory what it holds and who may reach it. Only what
 * was left running meanwhile (a job of a device that nobody waited for) makes less certain.
 *
 * Containers, devices and memory outlive an input. When it has ended all is looked at and put
 * back as it was; what can't be is opened anew.
 */
#ifndef FUZZ_WORLD_H
#define FUZZ_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <viopf.h>

#include "mdev.h"
#include "mem.h"
#include "rig.h"

/* An operation, as the input has it. What the members mean is each operation's own. */
struct op {
	uint8_t code, who, kind, flags;
	uint16_t at, n;
};

/* Something that must hold. What is wrong is said, and libFuzzer keeps the input. */
#define JUDGE(cond, ...) \
	do { \
		if (!(cond)) { \
			fprintf(stderr, "judge: " __VA_ARGS__); \
			fprintf(stderr, " (%s:%d)\n", __FILE__, __LINE__); \
			abort(); \
		} \
	} while (0)

/* Memory. */

#define NR_SLOTS	6
#define SLOT_PAGES	512u		/* one huge page */
#define SLOT_SIZE	(SLOT_PAGES * PAGE)
#define SLOT_STRIDE	(2 * SLOT_SIZE)
#define SLOT_BASE	0x2000000000ull

enum slot_kind { SLOT_ANON, SLOT_HUGE, SLOT_SHARED, SLOT_PRIVATE };

enum { EXACT_WORDS, SOME_WORDS, ANY_WORDS };

/**
 * struct page - what a page of memory holds
 * @seed: of the pattern that was written last; 0: zeroes
 * @old: and before, if @certain is SOME_WORDS: words may be of either, or zero
 * @offset: in the pattern, of the first byte
 * @old_offset: the same for @old
 * @prot: PROT_READ, PROT_WRITE; 0: no access, or no memory
 * @certain: EXACT_WORDS, or what may have been written meanwhile
 * @writers: a job may write to it at any time
 * @loose: it was taken away while something was pinned: devices may reach what was there
 * @foreign: no memory, but another device's registers, which nobody is to change
 */
struct page {
	uint32_t seed, old, offset, old_offset;
	uint8_t prot, certain, writers, loose, foreign;
};

struct slot {
	enum slot_kind kind;
	char *p;
	int fd;
	bool touched;
	struct page page[SLOT_PAGES];
};

void memory_open(void);
void memory_reset(void);

/* Part of a slot that an operation is about. */
struct part {
	struct slot *slot;
	unsigned int first, n;
	char *p;
	size_t size;
};

struct part op_part(const struct op *op);

/* Whether all of it is mapped, so that madvise() does all of it. */
bool part_is_there(struct part *part);

/* What it holds is zeroes from now on. */
void part_lose(struct part *part);

/* The page of a slot that is at @uaddr, or NULL. */
struct page *memory_page(uint64_t uaddr, struct slot **slot);

/* A device or the CPU has written all of it; or may, or part of it. */
void page_wrote(struct page *page, uint32_t seed, uint32_t offset);
void page_may_have(struct page *page, uint32_t seed, uint32_t offset);
void page_is_anything(struct page *page);

/* Whether a word @at bytes into the page may be @word. */
bool page_may_hold(const struct page *page, uint32_t at, uint64_t word);

/* What the CPU finds; @why is for the message. */
void memory_check_page(const struct slot *slot, unsigned int i, const char *why);

/* The pages of it that are wanted. */
void memory_check_slot(const struct slot *slot, bool (*wanted)(const struct page *page),
		       const char *why);
void memory_check(void);
uint32_t memory_seed(void);

/* IOVAs: window 0 lies over the end of a segment. */

#define WINDOW_PAGES	2048u
#define WINDOW_BASE	(0x100000000ull + (64ull << 20) - WINDOW_PAGES / 2 * PAGE)

#define NR_CONTAINERS	3
#define NR_DEVICES	6		/* the last but one can't fault, the last stalls */
#define NR_MDEVS	2
#define NR_QUEUES	2
#define MAX_MAPPINGS	48
#define SINK_PAGES	16u
#define LIST_PAGES	4u
#define RING_PAGES	(NR_DEVICES * NR_QUEUES)
#define OWN_PAGES	(RING_PAGES + SINK_PAGES + LIST_PAGES)
#define IOVA_SINK	(IOVA_RINGS + RING_PAGES * PAGE)
#define IOVA_LIST	(IOVA_SINK + SINK_PAGES * PAGE)
#define NO_CONTAINER	(-1)

/**
 * struct mapping - as MAP_DMA was told
 * @iova: start
 * @pages: its size
 * @uaddr: where its memory is
 * @rights: VIOPF_READ, VIOPF_WRITE, VIOPF_USER and others
 * @borrowed: it is another process's memory, or was
 * @away: its address was taken away, and no new one given
 */
struct mapping {
	uint64_t iova, pages, uaddr;
	uint32_t rights;
	bool borrowed, away;
};

/**
 * struct container - one of the fuzzer's
 * @c: NULL: not open
 * @fd: its file
 * @groups: how many it has, mediated devices included
 * @has_iommu: VFIO_SET_IOMMU was called
 * @own: memory of rings and lists, mapped at IOVA_RINGS: the first of @mappings
 * @mappings: sorted in no way
 * @nr: of them
 * @tracking: dirty pages are tracked
 * @must_be_dirty: pages of the window that devices have written since they were last reported
 * @fault_fd: or -1
 * @cookies: of groups that were read from it
 * @nr_cookies: of them
 * @changed: it has to be opened anew
 * @used: this input has done something with it
 * @odd: its IOMMU was told to do other things than it was asked to: expect anything; what it
 *	did not unmap a device reaches until it is cut off, though the process has other memory
 */
struct container {
	struct viopf_container *c;
	int fd;
	unsigned int groups;
	bool has_iommu;
	char *own;
	struct mapping mappings[MAX_MAPPINGS];
	unsigned int nr;
	bool tracking;
	uint8_t must_be_dirty[WINDOW_PAGES];
	int fault_fd;
	uint32_t cookies[64];
	unsigned int nr_cookies;
	bool changed, used, odd;
};

/* A job that nobody waits for. @seed 0: it only reads. */
struct job {
	bool active;
	uint64_t iova, pages;
	uint32_t seed;
};

struct device {
	char bdf[16];
	int container;
	struct viopf_device *dev;
	struct sdma dma;
	bool needs_reset, is_stale, used;	/* used: in this input */
	struct job jobs[NR_QUEUES];
};

struct world {
	struct slot slots[NR_SLOTS];
	struct container containers[NR_CONTAINERS];
	struct device devices[NR_DEVICES];
	unsigned int nr_devices;
	struct mdev mdevs[NR_MDEVS];
	int mdev_container[NR_MDEVS];
	bool pins;		/* something may be pinned: what is taken away may stay reachable */
	bool soft;		/* the hardware is software */
	unsigned long operations;
};

extern struct world world;

/* Load modules and open everything, once; open what an input has closed; put back. */
void world_open(void);
void world_ready(void);
void world_end(void);

void container_close(struct container *c);
void fault_fd_close(struct container *c);
struct container *container_of_device(const struct device *d);
struct mapping *mapping_at(struct container *c, uint64_t iova);
void mapping_add(struct container *c, uint64_t iova, uint64_t pages, uint64_t uaddr,
		 uint32_t rights, bool borrowed);
void mapping_remove(struct container *c, struct mapping *m);
int container_map_own(struct container *c);
void container_lost_iommu(struct container *c);
int device_attach(struct device *d, int container);
void device_detach(struct device *d);

/* The container that an operation is about, with an IOMMU; or NULL. */
struct container *container_used(unsigned int index);
struct container *op_container(const struct op *op);
unsigned int op_container_index(unsigned int who);

/* A range: of one of its mappings, or anywhere in the window, or odd. */
struct range {
	uint64_t iova, pages;
};

struct range op_range(struct container *c, const struct op *op);

/* Devices: device.c. */
void device_reset(struct device *d);
void device_forget_queues(struct device *d);
void device_settle(struct device *d, unsigned int queue, unsigned int limit_ms);
void device_settle_all(struct device *d);
bool device_is_at_work(const struct container *c);
void device_note_write(struct container *c, uint64_t iova, uint64_t pages);
void device_note_mapping(struct container *c, const struct mapping *m);

/* The page of memory that a device reaches at an IOVA, or NULL; and its mapping, or NULL. */
struct page *page_of(struct container *c, uint64_t iova, struct slot **slot, struct mapping **m);

/* Children: child.c. The pid of one that may die from now on, or 0. */
void children_end(void);
pid_t child_may_die(unsigned int i);

/* Memory cgroups: cgroup.c. */
void cgroup_open(void);

/* Have Linux ask about each page whether it was used. */
void cgroup_age(void);

/* Mediated devices: group.c. */
void mdev_leave(unsigned int i);

/* Pages that are delivered late: uffd.c. */
void uffd_end(void);
void uffd_forget(void);

/* Knobs, parameters, timers: knobs.c. */
void knobs_open(void);
void knobs_reset(void);
void knobs_refuse(unsigned int every);
void knobs_few_faults(void);
void signal_stop(void);

/* Operations. */
void op_map(const struct op *op);
void op_unmap(const struct op *op);
void op_write(const struct op *op);
void op_read(const struct op *op);
void op_job(const struct op *op);
void op_atomic(const struct op *op);
void op_request(const struct op *op);
void op_settle(const struct op *op);
void op_device(const struct op *op);
void op_advise_memory(const struct op *op);
void op_protect(const struct op *op);
void op_replace(const struct op *op);
void op_touch(const struct op *op);
void op_advise(const struct op *op);
void op_ask(const struct op *op);
void op_mode(const struct op *op);
void op_dirty(const struct op *op);
void op_vaddr(const struct op *op);
void op_fault_fd(const struct op *op);
void op_raw(const struct op *op);
void op_fork(const struct op *op);
void op_child(const struct op *op);
void op_group(const struct op *op);
void op_mdev(const struct op *op);
void op_knob(const struct op *op);
void op_parameter(const struct op *op);
void op_signal(const struct op *op);
void op_system(const struct op *op);
void op_track(const struct op *op);
void op_handle(const struct op *op);
void op_registers(const struct op *op);
void op_large(const struct op *op);
void op_refuse(const struct op *op);
void op_uffd(const struct op *op);
void op_cgroup(const struct op *op);

#endif /* FUZZ_WORLD_H */
