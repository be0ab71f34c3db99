/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A rig: one container with softdma devices, running queues and counters to
 * compare. Rings are shared memory of their own, so that what happens to a
 * test's buffers (fork, KSM, madvise) does not happen to them, and are resident
 * when rig_open() returns: with window_max_pages=1 every later fault is one
 * that the test asked for.
 */
#ifndef VIOPF_TEST_RIG_H
#define VIOPF_TEST_RIG_H

#include <stdint.h>
#include <viopf.h>

#include "../../../soft/user/softdma_client.h"
#include "mem.h"
#include "modules.h"
#include "suite.h"
#include "system.h"

#define RIG_DEVICES	4

/* IOVAs: tests use IOVA_BASE and above; rings are below. */
#define IOVA_RINGS	0x10000000ull
#define IOVA_BASE	0x100000000ull

/* How long an operation of the device may take, faults and a slow VM included. */
#define DMA_LIMIT_MS	((unsigned int)patience(60000))

/*
 * Parameters of vfio_iommu_iopf.ko that make counts exact. Whenever the kernel looks for
 * memory, aging may unmap what a device has.
 */
#define PAGEWISE	"window_max_pages=1"
#define EXACT		PAGEWISE " aging=0"

/* Parameters of a case: so many devices, each behind an IOMMU of its own. */
#define TWO_IOMMUS	.softiommu = "iommus=2", .softdma = "devices=2"
#define THREE_IOMMUS	.softiommu = "iommus=3", .softdma = "devices=3"

struct rig {
	struct viopf_container *c;
	unsigned int nr;
	struct viopf_device *dev[RIG_DEVICES];
	struct sdma dma[RIG_DEVICES];
	char *rings;
	char bdf[RIG_DEVICES][16];
	int odd_iommu;		/* it unmaps more than it is asked to */
};

/* Open the first @nr devices in one container; start queue 0 of each. */
void rig_open(struct rig *rig, unsigned int nr);

/* The same with a backend of VFIO's choice, and from device @first on. */
void rig_open_as(struct rig *rig, unsigned int first, unsigned int nr, unsigned long extension);

/* One device, and untouched private memory that is mapped at IOVA_BASE. */
void *rig_open_anon(struct rig *rig, size_t size);

/* Start another queue. */
void rig_start_queue(struct rig *rig, unsigned int dev, unsigned int queue);

/* Stop the queues, check what must hold (rig_check) and close everything. */
void rig_close(struct rig *rig);

/* A rig of its own, from device @first on, writes @size bytes that the CPU finds. */
void rig_works(unsigned int first, unsigned int nr, size_t size);

/* With nothing in flight: responses add up, residency equals the page tables. */
void rig_check(struct rig *rig);

/* residency == page tables in every container (debugfs), at any time. */
void verify_residency(void);

/* Map for reading and writing. */
void rig_map(struct rig *rig, void *p, uint64_t iova, uint64_t size);

struct vfio_iopf_stats rig_stats(struct rig *rig);

/* A descriptor on queue 0 of device 0: done, and its status as expected. */
void rig_do(struct rig *rig, struct softdma_desc *desc, enum softdma_status want);

/* FILL and CHECK on queue 0 of device 0, must succeed; CHECK finds no difference. */
void dev_fill(struct rig *rig, uint64_t iova, uint64_t len, uint64_t seed);
void dev_check(struct rig *rig, uint64_t iova, uint64_t len, uint64_t seed);

/* The device touches the range; it must get @want; the number of page requests. */
unsigned int dev_read(struct rig *rig, uint64_t iova, uint64_t len, enum softdma_status want);
unsigned int dev_write(struct rig *rig, uint64_t iova, uint64_t len, enum softdma_status want);

/* The CPU's view of a pattern. */
void cpu_check(const void *p, size_t len, uint64_t seed);
void cpu_check_zero(const void *p, size_t len);

/* assert that counter @member grew by @n since @before. */
#define assert_grew(rig, before, member, n) \
	assert_counter((rig), &(before), offsetof(struct vfio_iopf_stats, member), #member, (n))

/* So many page requests are pending: each for a moment longer than until its answer is out. */
#define assert_pending(rig, n) \
	assert_true(wait_until(rig_stats(rig).faults_pending == (n), 30))

void assert_counter(struct rig *rig, const struct vfio_iopf_stats *before, size_t offset,
		    const char *name, long long grew);

#endif /* VIOPF_TEST_RIG_H */
