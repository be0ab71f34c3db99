// SPDX-License-Identifier: GPL-2.0-only
/*
 * Opening and closing a container with running devices, and what must hold
 * whenever nothing is in flight: every page request was answered once, and
 * what the product believes to be mapped is what the IOMMU has mapped.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "rig.h"

#define RING_LOG2	6	/* 64 descriptors: one page */
#define VERIFY		"/sys/kernel/debug/vfio_iopf/verify"

static uint64_t ring_offset(unsigned int dev, unsigned int queue)
{
	return (dev * SOFTDMA_QUEUES + queue) * PAGE;
}

void rig_start_queue(struct rig *rig, unsigned int dev, unsigned int queue)
{
	uint64_t off = ring_offset(dev, queue);
	struct softdma_desc nop = sdma_nop();

	assert_ok(sdma_queue_start(&rig->dma[dev], queue, rig->rings + off, IOVA_RINGS + off,
				   RING_LOG2));
	/* Its page request is part of no test. */
	assert_int_equal(sdma_do(&rig->dma[dev].q[queue], &nop, DMA_LIMIT_MS), SOFTDMA_OK);
}

static void rig_open_devices(struct rig *rig)
{
	size_t size = ring_offset(RIG_DEVICES, 0);
	unsigned int i;

	rig->rings = mem_shared(size);
	memset(rig->rings, 0, size);
	rig_map(rig, rig->rings, IOVA_RINGS, size);
	for (i = 0; i < rig->nr; i++) {
		assert_ok(viopf_device_open(rig->c, rig->bdf[i], &rig->dev[i]));
		assert_ok(sdma_open(&rig->dma[i], rig->dev[i]));
		rig_start_queue(rig, i, 0);
	}
}

void rig_open_as(struct rig *rig, unsigned int first, unsigned int nr, unsigned long extension)
{
	char bdfs[MAX_DEVICES][16];
	const char *names[RIG_DEVICES];
	unsigned int i, found = devices_list(bdfs);

	memset(rig, 0, sizeof(*rig));
	assert_true(nr <= RIG_DEVICES);
	assert_msg(found >= first + nr, "%u devices are too few", found);
	for (i = 0; i < nr; i++) {
		memcpy(rig->bdf[i], bdfs[first + i], sizeof(rig->bdf[i]));
		names[i] = rig->bdf[i];
	}
	rig->nr = nr;
	assert_ok(viopf_container_open(&rig->c, names, nr, extension));
	rig_open_devices(rig);
}

void rig_open(struct rig *rig, unsigned int nr)
{
	rig_open_as(rig, 0, nr, VFIO_IOPF_IOMMU);
}

void rig_map(struct rig *rig, void *p, uint64_t iova, uint64_t size)
{
	assert_ok(viopf_map(rig->c, p, iova, size, VIOPF_READ | VIOPF_WRITE));
}

void *rig_open_anon(struct rig *rig, size_t size)
{
	void *p;

	rig_open(rig, 1);
	p = mem_anon(size);
	rig_map(rig, p, IOVA_BASE, size);
	return p;
}

struct vfio_iopf_stats rig_stats(struct rig *rig)
{
	struct vfio_iopf_stats stats;

	assert_ok(viopf_stats(rig->c, &stats));
	return stats;
}

static long long counter_at(const struct vfio_iopf_stats *stats, size_t offset)
{
	return *(const long long *)((const char *)stats + offset);
}

void assert_counter(struct rig *rig, const struct vfio_iopf_stats *before, size_t offset,
		    const char *name, long long grew)
{
	struct vfio_iopf_stats now = rig_stats(rig);
	long long got = counter_at(&now, offset) - counter_at(before, offset);

	assert_msg(got == grew, "%s grew by %lld, not %lld", name, got, grew);
}

void verify_residency(void)
{
	char text[8192], *line, *save;

	assert_int_equal(file_read(VERIFY, text, sizeof(text)), 0);
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		const char *at = strstr(line, "mismatches ");

		if (at)
			assert_msg(!strtoull(at + 11, NULL, 10), "verify: %s", line);
	}
}

static int is_answered(struct rig *rig)
{
	struct vfio_iopf_stats s = rig_stats(rig);

	return !s.faults_pending && s.groups == s.resp_success + s.resp_invalid + s.resp_failure;
}

void rig_check(struct rig *rig)
{
	struct vfio_iopf_stats s;

	if (!wait_until(is_answered(rig), 20)) {
		s = rig_stats(rig);
		fail_msg("groups %llu, answered %llu + %llu + %llu, pending %llu",
			 s.groups, s.resp_success, s.resp_invalid, s.resp_failure,
			 s.faults_pending);
	}
	verify_residency();
	s = rig_stats(rig);
	if (!rig->odd_iommu)
		assert_int_equal(s.unmap_mismatches, 0);
	assert_false(s.flags & VFIO_IOPF_STATS_FAILED);
}

void rig_close(struct rig *rig)
{
	struct vfio_iopf_stats s;
	unsigned int i, q;

	for (i = 0; i < rig->nr; i++) {
		for (q = 0; q < SOFTDMA_QUEUES; q++) {
			if (rig->dma[i].q[q].entries)
				assert_ok(sdma_queue_stop(&rig->dma[i], q));
		}
	}
	if (!viopf_stats(rig->c, &s))
		rig_check(rig);
	for (i = 0; i < rig->nr; i++)
		viopf_device_close(rig->dev[i]);
	viopf_container_close(rig->c);
	munmap(rig->rings, ring_offset(RIG_DEVICES, 0));
	memset(rig, 0, sizeof(*rig));
}

void rig_do(struct rig *rig, struct softdma_desc *desc, enum softdma_status want)
{
	uint32_t opcode = desc->opcode;
	int status = sdma_do(&rig->dma[0].q[0], desc, DMA_LIMIT_MS);

	assert_msg(status == (int)want, "operation %u ended with %d, not %d; at %#llx; queue %#x",
		   opcode, status, (int)want, desc->detail,
		   sdma_queue_status(&rig->dma[0].q[0]));
}

void dev_fill(struct rig *rig, uint64_t iova, uint64_t len, uint64_t seed)
{
	struct softdma_desc desc = sdma_fill(iova, len, seed, 0);

	rig_do(rig, &desc, SOFTDMA_OK);
}

void dev_check(struct rig *rig, uint64_t iova, uint64_t len, uint64_t seed)
{
	struct softdma_desc desc = sdma_check(iova, len, seed, 0);

	rig_do(rig, &desc, SOFTDMA_OK);
	assert_msg(!desc.result, "the device finds %llu bytes wrong, the first at %#llx",
		   desc.result, desc.detail);
}

unsigned int dev_read(struct rig *rig, uint64_t iova, uint64_t len, enum softdma_status want)
{
	struct softdma_desc desc = sdma_checksum(iova, len, 0);

	rig_do(rig, &desc, want);
	return desc.faults;
}

unsigned int dev_write(struct rig *rig, uint64_t iova, uint64_t len, enum softdma_status want)
{
	struct softdma_desc desc = sdma_fill(iova, len, 1, 0);

	rig_do(rig, &desc, want);
	return desc.faults;
}

void cpu_check(const void *p, size_t len, uint64_t seed)
{
	size_t wrong = sdma_pattern_check(p, len, seed, 0);

	assert_msg(!wrong, "the CPU finds %zu bytes wrong in pattern %llu", wrong,
		   (unsigned long long)seed);
}

void cpu_check_zero(const void *p, size_t len)
{
	const uint64_t *word = p;
	size_t i;

	for (i = 0; i < len / 8; i++)
		assert_msg(!word[i], "not zero but %#llx at %zu", (unsigned long long)word[i],
			   i * 8);
}

void rig_works(unsigned int first, unsigned int nr, size_t size)
{
	struct rig rig;
	char *p = mem_anon(size);

	rig_open_as(&rig, first, nr, VFIO_IOPF_IOMMU);
	rig_map(&rig, p, IOVA_BASE, size);
	dev_fill(&rig, IOVA_BASE, size, 5);
	cpu_check(p, size, 5);
	rig_close(&rig);
	munmap(p, size);
}
