// SPDX-License-Identifier: GPL-2.0-only
/*
 * Opening the device as any VFIO client would, with libviopf, and talking to it
 * with softdma's own user-space driver.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "rig.h"
#include "sys.h"

#define RING_BYTES	(sizeof(struct softdma_desc) << RING_LOG2)
#define IOVA_RINGS	0x10000000ull
#define ALIGNMENT	(2ul << 20)

/* Device numbers on softdma's bus; further devices are functions (softdma.h, G1). */
#define SLOTS		32

/* vm/run --intel has one device to a bus, from 1 on. */
static void device_name(char *bdf, size_t size, unsigned int device)
{
	const char *hardware = getenv("VIOPF_HARDWARE");

	if (hardware && !strcmp(hardware, "intel"))
		snprintf(bdf, size, "0000:%02x:00.0", device + 1);
	else
		snprintf(bdf, size, "%04x:00:%02x.%x", SOFTDMA_PCI_DOMAIN, device % SLOTS,
			 device / SLOTS);
}

static int start_queues(struct rig *rig)
{
	unsigned int i;

	for (i = 0; i < SOFTDMA_QUEUES; i++) {
		struct softdma_desc nop = sdma_nop();
		size_t at = i * RING_BYTES;

		if (sdma_queue_start(&rig->dma, i, (char *)rig->rings + at, IOVA_RINGS + at,
				     RING_LOG2))
			return complain("queue %u does not start: %s", i, viopf_error());
		if (rig_do(&rig->dma.q[i], &nop, 1))
			return -1;
	}
	return 0;
}

int rig_open_device(struct rig *rig, unsigned long extension, unsigned int device)
{
	char bdf[32];
	const char * const bdfs[] = { bdf };

	memset(rig, 0, sizeof(*rig));
	device_name(bdf, sizeof(bdf), device);
	if (viopf_bind(bdf) || viopf_container_open(&rig->c, bdfs, 1, extension) ||
	    viopf_device_open(rig->c, bdf, &rig->dev))
		return complain("%s", viopf_error());
	if (sdma_open(&rig->dma, rig->dev))
		return complain("%s is not a softdma device of this version", bdf);
	rig->rings = rig_memory(SOFTDMA_QUEUES * RING_BYTES);
	if (!rig->rings)
		return complain("no memory for the rings");
	if (rig_map(rig, rig->rings, IOVA_RINGS, SOFTDMA_QUEUES * RING_BYTES))
		return -1;
	return start_queues(rig);
}

int rig_open(struct rig *rig, unsigned long extension)
{
	return rig_open_device(rig, extension, 0);
}

void rig_close(struct rig *rig)
{
	viopf_device_close(rig->dev);
	viopf_container_close(rig->c);
	munmap(rig->rings, SOFTDMA_QUEUES * RING_BYTES);
}

int rig_map(struct rig *rig, void *mem, uint64_t iova, uint64_t bytes)
{
	if (viopf_map(rig->c, mem, iova, bytes, VIOPF_READ | VIOPF_WRITE))
		return complain("%s", viopf_error());
	return 0;
}

int rig_do(struct sdma_queue *q, struct softdma_desc *desc, unsigned int n)
{
	int err = sdma_submit(q, desc, n);

	if (err)
		return complain("queue %u takes no more: %s", q->index, strerror(-err));
	return rig_wait(q, desc + n - 1);
}

/*
 * Whoever polls takes CPU time from the device, which is a kernel thread, and from those
 * who answer its page requests.
 */
void rig_doze(struct sdma_queue *q, long first_ns, long longest_ns)
{
	const volatile struct softdma_desc *last = &q->ring[(q->tail - 1) & (q->entries - 1)];
	double until = now_ms() + DMA_LIMIT_MS;
	struct timespec nap = { .tv_nsec = first_ns };

	while (!last->status && now_ms() < until) {
		nanosleep(&nap, NULL);
		if (nap.tv_nsec < longest_ns)
			nap.tv_nsec *= 2;
		else if (sdma_queue_status(q) & SOFTDMA_QS_ERROR)
			break;
	}
}

int rig_wait(struct sdma_queue *q, struct softdma_desc *desc)
{
	int status;

	rig_doze(q, 50000, 4000000);
	status = sdma_wait(q, 0, 100, desc);
	if (status == SOFTDMA_OK)
		return 0;
	if (status < 0)
		return complain("queue %u: operation %u does not end: %s (queue status %#x)",
				q->index, desc->opcode, strerror(-status), sdma_queue_status(q));
	return complain("queue %u: operation %u ended with status %d at IOVA %#llx", q->index,
			desc->opcode, status, (unsigned long long)desc->detail);
}

void *rig_memory(size_t bytes)
{
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
	char *all = mmap(NULL, bytes + ALIGNMENT, PROT_READ | PROT_WRITE, flags, -1, 0);
	size_t skip;

	if (all == MAP_FAILED)
		return NULL;
	skip = -(uintptr_t)all & (ALIGNMENT - 1);
	if (skip)
		munmap(all, skip);
	munmap(all + skip + bytes, ALIGNMENT - skip);
	return all + skip;
}
