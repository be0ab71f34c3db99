/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A rig: one softdma device in a container of its own, on the backend of one's
 * choice, with all of its queues running. Both sides of the comparison use the
 * same device in the same way; VFIO_SET_IOMMU's argument is the only difference.
 *
 * The rings are ordinary memory of the process, mapped by the same container. They
 * have been used once when rig_open() returns.
 */
#ifndef SOFT_USER_RIG_H
#define SOFT_USER_RIG_H

#include <stdint.h>
#include <viopf.h>

#include "softdma_client.h"

/* How long one operation of the device may take on a slow host, in ms. */
#define DMA_LIMIT_MS	60000

#define RING_LOG2	10

/* IOVAs: the rings are below. */
#define IOVA_MEMORY	0x100000000ull

struct rig {
	struct viopf_container *c;
	struct viopf_device *dev;
	struct sdma dma;
	void *rings;
};

/* The calls return 0, or -1 having said on standard error what is wrong. */

/* @extension: VFIO_IOPF_IOMMU or VFIO_TYPE1v2_IOMMU. */
int rig_open(struct rig *rig, unsigned long extension);

/* The same with another of softdma's devices than the first. */
int rig_open_device(struct rig *rig, unsigned long extension, unsigned int device);
void rig_close(struct rig *rig);

/* Map for reading and writing. */
int rig_map(struct rig *rig, void *mem, uint64_t iova, uint64_t bytes);

/* Run descriptors on a queue; *@desc is filled in with the outcome of the last one. */
int rig_do(struct sdma_queue *q, struct softdma_desc *desc, unsigned int n);

/*
 * Sleep while the device is at work, from @first_ns on twice as long each time, up to
 * @longest_ns. Ends early if the queue has stopped.
 */
void rig_doze(struct sdma_queue *q, long first_ns, long longest_ns);

/* Wait for the one submitted last. */
int rig_wait(struct sdma_queue *q, struct softdma_desc *desc);

/* Private memory, not touched, aligned to 2 MiB; NULL if there is none. */
void *rig_memory(size_t bytes);

#endif /* SOFT_USER_RIG_H */
