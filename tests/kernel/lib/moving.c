// SPDX-License-Identifier: GPL-2.0-only
/*
 * A mapping whose address is to be updated.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "moving.h"

void moving_open_as(struct moving *m, unsigned long extension)
{
	unsigned int q;

	rig_open_as(&m->rig, 0, 1, extension);
	for (q = 1; q < SOFTDMA_QUEUES; q++)
		rig_start_queue(&m->rig, 0, q);
	m->memfd = memfd_new(SIZE, 0);
	m->here = mem_file(m->memfd, SIZE, MAP_SHARED);
	m->there = mem_file(m->memfd, SIZE, MAP_SHARED);
	sdma_pattern_fill(m->here, SIZE, 1, 0);
	rig_map(&m->rig, m->here, IOVA_BASE, SIZE);
}

void moving_open(struct moving *m)
{
	moving_open_as(m, VFIO_IOPF_IOMMU);
}

void moving_close(struct moving *m)
{
	assert_int_equal(rig_stats(&m->rig).faults_waiting, 0);
	close(m->memfd);
	rig_close(&m->rig);
}

void leave(struct moving *m)
{
	assert_ok(viopf_unmap_vaddr(m->rig.c, IOVA_BASE, SIZE));
}

void arrive(struct moving *m)
{
	assert_ok(viopf_map_vaddr(m->rig.c, m->there, IOVA_BASE, SIZE));
}

void look(struct moving *m, unsigned int q, unsigned int page)
{
	struct softdma_desc check = sdma_check(IOVA_BASE + page * PAGE, PAGE, 1, page * PAGE);

	assert_ok(sdma_submit(&m->rig.dma[0].q[q], &check, 1));
}

void waiting(struct moving *m, unsigned int n)
{
	if (!wait_until(rig_stats(&m->rig).faults_waiting == n, 30))
		fail_msg("%llu groups wait, not %u", rig_stats(&m->rig).faults_waiting, n);
}

void look_ends(struct moving *m, unsigned int q, enum softdma_status want)
{
	struct softdma_desc desc;

	assert_int_equal(sdma_wait(&m->rig.dma[0].q[q], 0, DMA_LIMIT_MS, &desc), want);
	if (want == SOFTDMA_OK)
		assert_int_equal(desc.result, 0);
}
