/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The world of a conformance scenario: one container of some backend, type1's raw
 * calls on it, and the transcript of what they answered.
 *
 * A scenario is a list of steps. Every w_ function below that takes a @step makes
 * one call and writes one line, "step: result", or several. What a scenario does
 * next must not depend on a result, and a result must hold nothing that differs
 * between two runs (addresses of memory, group numbers), so that transcripts of
 * two backends can be laid beside each other, line by line.
 *
 * A result is a number, the name of an errno, and what the call gave back.
 */
#ifndef VIOPF_TEST_WORLD_H
#define VIOPF_TEST_WORLD_H

#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <linux/vfio.h>

#include "../lib/mem.h"
#include "../lib/modules.h"
#include "../lib/suite.h"
#include "../lib/system.h"
#include "../../../soft/user/softdma_client.h"

/* Scenarios map from IOVA on; the device's ring is where no scenario maps. */
#define IOVA		0x100000000ull
#define IOVA_RING	0x10000000ull

/* What the software IOMMU reports as reserved: [RESERVED, RESERVED + RESERVED_SIZE). */
#define RESERVED	0x300000000ull
#define RESERVED_SIZE	0x100000ull

#define READ		VFIO_DMA_MAP_FLAG_READ
#define WRITE		VFIO_DMA_MAP_FLAG_WRITE
#define RW		(READ | WRITE)
#define VADDR		VFIO_DMA_MAP_FLAG_VADDR
#define UN_DIRTY	VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP
#define UN_ALL		VFIO_DMA_UNMAP_FLAG_ALL
#define UN_VADDR	VFIO_DMA_UNMAP_FLAG_VADDR

/* Devices by their place, in world.bdf. */
enum place {
	FIRST,		/* in the container from the start */
	NEXT,		/* behind the same IOMMU */
	OTHER,		/* behind another one of the same kind */
	FOREIGN,	/* behind an IOMMU of another kind: Intel's */
	NR_PLACES
};

/**
 * struct setup - what a scenario is run on
 * @name: for messages
 * @version: VFIO_TYPE1_IOMMU or VFIO_TYPE1v2_IOMMU
 * @can_fault: the software devices can make page requests
 */
struct setup {
	const char *name;
	unsigned long version;
	int can_fault;
};

/**
 * struct world - see above
 * @setup: the setup
 * @module: the backend's module, which has the parameters
 * @out: the transcript
 * @c: the container
 * @fd: of the container, for raw calls
 * @bdf: devices, by enum place
 * @locked_before: VmLck of this process when the scenario began, in kB
 * @seed: of the next DMA's pattern
 * @file: of 16 pages, on a file system with write-back
 * @dev: devices that have made DMA, open until their group leaves
 * @dma: their queues
 * @ring: of all queues: memory that is there before the scenario's
 */
struct world {
	const struct setup *setup;
	const char *module;
	FILE *out;
	struct viopf_container *c;
	int fd;
	const char *bdf[NR_PLACES];
	long locked_before;
	uint64_t seed;
	int file;
	struct viopf_device *dev[NR_PLACES];
	struct sdma dma[NR_PLACES];
	void *ring;
};

/**
 * struct scenario - one TAP case
 * @name: "R13 type1: dirty pages, ..."
 * @run: the steps. The container is open, FIRST is in it, SET_IOMMU was made,
 *	unless @bare
 * @bare: nothing of that was done
 */
struct scenario {
	const char *name;
	void (*run)(struct world *w);
	int bare;
};

/* SCENARIO("name", run, .bare = 1) */
#define SCENARIO(name_, run_, ...)	{ .name = (name_), .run = (run_), __VA_ARGS__ }

extern const struct scenario container_scenarios[], info_scenarios[], map_scenarios[],
	memory_scenarios[], memlock_scenarios[], unmap_scenarios[], dirty_scenarios[],
	vaddr_scenarios[], group_scenarios[];

/* One line. */
void w_note(struct world *w, const char *step, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* What a call returned, in words, for w_note(): "0", "EINVAL". Valid until the next. */
const char *w_result(long ret);

/* Any call on the container. */
long w_call(struct world *w, const char *step, unsigned long nr, const void *arg);

/* The container, its groups, its backend. */
void w_open(struct world *w);
void w_close(struct world *w);
void w_join(struct world *w, const char *step, enum place place);
void w_leave(struct world *w, const char *step, enum place place);
void w_set_iommu(struct world *w, const char *step, unsigned long version);

/* MAP_DMA. */
void w_map(struct world *w, const char *step, uint64_t iova, const void *p, uint64_t size);
void w_map_as(struct world *w, const char *step, uint32_t flags, uint64_t iova,
	      uint64_t vaddr, uint64_t size);

/* UNMAP_DMA; also says how much that was. */
void w_unmap(struct world *w, const char *step, uint64_t iova, uint64_t size);
void w_unmap_as(struct world *w, const char *step, uint32_t flags, uint64_t iova,
		uint64_t size);

/* UNMAP_DMA of all, at the end of a part of a scenario: no line. */
void w_clear(struct world *w);

/* MAP_DMA, and away with it. */
void w_map_try(struct world *w, const char *step, uint32_t flags, uint64_t iova,
	       uint64_t vaddr, uint64_t size);

/* VmLck that came since the scenario began, and mappings that could still be made. */
void w_locked(struct world *w, const char *step);
void w_avail(struct world *w, const char *step);
void w_state(struct world *w, const char *step);

/* The ranges of IOVA that can be mapped. */
void w_ranges(struct world *w, const char *step);

/* The device at @place writes a page at @iova: could it, and has memory at @p got it? */
void w_dma(struct world *w, const char *step, enum place place, uint64_t iova,
	   const void *p);
/* It reads it: could it? */
void w_dma_read(struct world *w, const char *step, enum place place, uint64_t iova);

/* A parameter of the backend's module. */
void w_param(struct world *w, const char *name, const char *value);

/* DIRTY_PAGES: one of the flags alone. */
void w_dirty(struct world *w, const char *step, uint32_t flags);

/* Do @part in a child, with memory of its own. */
void w_in_child(struct world *w, void (*part)(struct world *w));

/*
 * Go on with the part of that name, in w_parts[], as a program newly begun: only @out,
 * @fd and @file are left of the world. The container's and groups' files stay open if
 * they were opened by w_open_raw().
 */
void w_exec(struct world *w, const char *part) __attribute__((noreturn));

struct part {
	const char *name;
	void (*run)(struct world *w);
};

extern const struct part w_parts[];

/* vaddr.c */
void w_after_exec_vaddr(struct world *w);

/* The container and FIRST's group, opened to survive exec(), and SET_IOMMU. */
void w_open_raw(struct world *w);

/* The file of a place's group, or -1. */
int w_group_file(struct world *w, enum place place);

/* No more CAP_IPC_LOCK, and so many bytes of RLIMIT_MEMLOCK. */
void w_unprivileged(uint64_t memlock_bytes);
void w_memlock(uint64_t bytes);

/* GET_INFO's chain; NULL if there is none or not that one. To be freed: @info. */
struct vfio_iommu_type1_info *w_info(struct world *w);
struct vfio_info_cap_header *w_cap(struct vfio_iommu_type1_info *info, unsigned int id);

#endif /* VIOPF_TEST_WORLD_H */
