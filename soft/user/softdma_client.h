/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The user's side of a softdma device (softdma.h), on a device that libviopf
 * opened: rings, submitting, waiting, and the pattern that device and CPU both
 * know. Not part of the library; for tests, examples and measurements.
 *
 * A queue belongs to one thread at a time. The memory of a ring is the
 * caller's, and mapped by the caller: it faults like any other.
 *
 * Calls return 0 or a negative errno; viopf_error() has the words where
 * config space could not be reached.
 */
#ifndef SOFTDMA_CLIENT_H
#define SOFTDMA_CLIENT_H

#include <stddef.h>
#include <stdint.h>
#include <viopf.h>

#include "../softdma.h"

struct sdma_queue {
	struct sdma *dma;
	unsigned int index;
	struct softdma_desc *ring;
	uint32_t entries;	/* a power of two; 0: not started */
	uint32_t tail;		/* next index to submit, runs freely */
};

struct sdma {
	struct viopf_device *dev;
	uint32_t cap;		/* config space offset of the registers */
	struct sdma_queue q[SOFTDMA_QUEUES];
};

/*
 * Find the registers of @dev and switch bus mastering on.
 * Errors: ENODEV (not a softdma device of this version), EIO.
 */
int sdma_open(struct sdma *dma, struct viopf_device *dev);

/* A register, as an offset from the capability. */
int sdma_reg_read(struct sdma *dma, uint32_t reg, uint32_t *val);
int sdma_reg_write(struct sdma *dma, uint32_t reg, uint32_t val);

/*
 * Start queue @index on a ring of 2^@log2 descriptors at @ring, which the device
 * sees at @iova.
 */
int sdma_queue_start(struct sdma *dma, unsigned int index, void *ring,
		     uint64_t iova, unsigned int log2);

/* Abort what queue @index does and reset it. */
int sdma_queue_stop(struct sdma *dma, unsigned int index);

/* The queue's SOFTDMA_Q_STATUS register, 0 if it can't be read. */
uint32_t sdma_queue_status(struct sdma_queue *q);

/*
 * Hand descriptors to the device; one doorbell for all. Never waits.
 * Errors: ENOSPC (more than the ring has room for is not completed), EIO.
 */
int sdma_submit(struct sdma_queue *q, const struct softdma_desc *descs,
		unsigned int n);

/*
 * Wait for the descriptor submitted last but @back.
 *
 * Returns enum softdma_status; errors: ETIMEDOUT, and EIO if the queue stopped
 * with an error (sdma_queue_status() has its code).
 */
int sdma_wait(struct sdma_queue *q, unsigned int back, unsigned int limit_ms,
	      struct softdma_desc *out);

/* Submit one descriptor and wait for it; *@desc is filled in with the outcome. */
int sdma_do(struct sdma_queue *q, struct softdma_desc *desc, unsigned int limit_ms);

/* Descriptors of the operations. */
struct softdma_desc sdma_nop(void);
struct softdma_desc sdma_copy(uint64_t dst, uint64_t src, uint64_t len);
struct softdma_desc sdma_fill(uint64_t dst, uint64_t len, uint64_t seed, uint64_t offset);
struct softdma_desc sdma_check(uint64_t src, uint64_t len, uint64_t seed, uint64_t offset);
struct softdma_desc sdma_checksum(uint64_t src, uint64_t len, uint64_t start);
struct softdma_desc sdma_atomic_add(uint64_t dst, uint64_t value);
struct softdma_desc sdma_sg(uint64_t dst, uint64_t list, uint64_t entries, uint64_t len);
struct softdma_desc sdma_crypt(uint64_t dst, uint64_t src, uint64_t len, uint64_t rate);
struct softdma_desc sdma_request(uint64_t list, uint64_t entries);

/* The CPU's side of FILL, CHECK (returns bytes that differ) and CHECKSUM. */
void sdma_pattern_fill(void *buf, size_t len, uint64_t seed, uint64_t offset);
size_t sdma_pattern_check(const void *buf, size_t len, uint64_t seed, uint64_t offset);
uint64_t sdma_pattern_sum(const void *buf, size_t len, uint64_t start);

#endif /* SOFTDMA_CLIENT_H */
