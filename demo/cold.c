// SPDX-License-Identifier: GPL-2.0-only
/*
 * Act 1: a client maps 1 GiB that nobody has touched, as a virtual machine's memory
 * is when it starts. Looked at right after the mapping, and at the first page
 * that the device writes there.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "rig.h"
#include "story.h"
#include "sys.h"

#define COLD_BYTES	(1024 * MIB)
#define COLD_SEED	0xc01d

static int first_dma(struct rig *rig, struct cold *cold, char *mem, struct tally *tally)
{
	struct softdma_desc desc = sdma_fill(IOVA_MEMORY, PAGE, COLD_SEED, 0);
	double start = now_ms();

	if (rig_do(&rig->dma.q[0], &desc, 1))
		return -1;
	cold->first_dma_ms = now_ms() - start;
	tally->wrong_bytes += sdma_pattern_check(mem, PAGE, COLD_SEED, 0);
	tally->cpu_bytes += PAGE;
	desc = sdma_check(IOVA_MEMORY, PAGE, COLD_SEED, 0);
	if (rig_do(&rig->dma.q[0], &desc, 1))
		return -1;
	tally->wrong_bytes += desc.result;
	tally->device_bytes += PAGE;
	return 0;
}

static int cold_run(struct story *story, enum backend backend)
{
	struct cold *cold = &story->cold[backend];
	long pinned_before_kb = pinned_kb();
	struct rig rig;
	double start;
	char *mem;
	int err;

	if (rig_open(&rig, EXTENSION(backend)))
		return -1;
	mem = rig_memory(COLD_BYTES);
	if (!mem)
		return complain("no address space for %lu MiB", COLD_BYTES / MIB);
	start = now_ms();
	if (rig_map(&rig, mem, IOVA_MEMORY, COLD_BYTES))
		return -1;
	cold->map_ms = now_ms() - start;
	cold->mapped_kb = COLD_BYTES / 1024;
	cold->rss_kb = process_kb(getpid(), "VmRSS");
	cold->locked_kb = process_kb(getpid(), "VmLck");
	cold->vm_pin_kb = process_kb(getpid(), "VmPin");
	cold->pinned_kb = pinned_kb() - pinned_before_kb;
	err = first_dma(&rig, cold, mem, &story->tally);
	rig_close(&rig);
	return err;
}

int cold_pinned(struct story *story)
{
	return cold_run(story, PINNED);
}

int cold_unpinned(struct story *story)
{
	return cold_run(story, UNPINNED);
}
