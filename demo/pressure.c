// SPDX-License-Identifier: GPL-2.0-only
/*
 * Act 3: a mapping half as big again as the machine's memory.
 *
 * Pinned, it has to be all there at once, which can't be; the process says it
 * is to be the OOM killer's first choice, and how it ended is what is reported.
 * Unpinned, the device writes all of it, page by page, and then reads all of it,
 * by four queues, each with a quarter of the memory; swap on zram takes what
 * memory has no room for. It reads backwards: what was written last is still there.
 *
 * A page begins with 512 bytes of pattern, made for this page alone, and is zero
 * after that: memory as compressible as most is, so that zram can hold it. The
 * device sums up each chunk, zeros included, before the CPU touches it; the CPU then
 * compares every byte, and its own sum of what it saw with the device's.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "rig.h"
#include "story.h"
#include "sys.h"

#define SEED		0xdead5eed
#define HEAD_BYTES	512ul
#define CHUNK_BYTES	(2 * MIB)
#define CHUNK_PAGES	(CHUNK_BYTES / PAGE)
#define GROUP_PAGES	32		/* pages in a page request group */

struct worker {
	struct story *story;
	struct sdma_queue *q;
	char *mem;			/* its quarter */
	uint64_t iova;
	uint64_t first_page;		/* number of its first page */
	uint64_t bytes;
	pthread_t thread;
	atomic_int *running;
	int failed;
};

/* Half as much again as there is, the same number of whole chunks for each queue. */
static uint64_t mapping_bytes(const struct story *story)
{
	uint64_t bytes = (uint64_t)story->ram_kb * 1024 / 2 * 3;

	return bytes - bytes % (SOFTDMA_QUEUES * CHUNK_BYTES);
}

static int write_chunk(struct worker *worker, uint64_t at)
{
	struct softdma_desc descs[CHUNK_PAGES];
	uint64_t page = worker->first_page + at / PAGE;
	unsigned int i;

	for (i = 0; i < CHUNK_PAGES; i++)
		descs[i] = sdma_fill(worker->iova + at + i * PAGE, HEAD_BYTES, SEED,
				     (page + i) * HEAD_BYTES);
	if (rig_do(worker->q, descs, CHUNK_PAGES))
		return -1;
	worker->story->pressure.written_pages += CHUNK_PAGES;
	return 0;
}

/* By words first: nearly always there is nothing to count. */
static size_t not_zero(const char *mem, size_t bytes)
{
	const uint64_t *word = (const uint64_t *)mem;
	uint64_t any = 0;
	size_t i, wrong = 0;

	for (i = 0; i < bytes / 8; i++)
		any |= word[i];
	for (i = 0; any && i < bytes; i++)
		wrong += mem[i] != 0;
	return wrong;
}

static size_t cpu_looks(const char *mem, uint64_t page)
{
	size_t wrong = 0;
	unsigned int i;

	for (i = 0; i < CHUNK_PAGES; i++, mem += PAGE) {
		wrong += sdma_pattern_check(mem, HEAD_BYTES, SEED, (page + i) * HEAD_BYTES);
		wrong += not_zero(mem + HEAD_BYTES, PAGE - HEAD_BYTES);
	}
	return wrong;
}

/* A sum that differs does not say how many bytes did: the whole chunk counts. */
static int check_chunk(struct worker *worker, uint64_t at)
{
	struct softdma_desc desc = sdma_checksum(worker->iova + at, CHUNK_BYTES, 0);
	struct tally *tally = &worker->story->tally;
	const char *mem = worker->mem + at;

	desc.flags = SOFTDMA_F_GROUP(GROUP_PAGES);
	if (rig_do(worker->q, &desc, 1))
		return -1;
	tally->wrong_bytes += cpu_looks(mem, worker->first_page + at / PAGE);
	if (desc.result != sdma_pattern_sum(mem, CHUNK_BYTES, 0))
		tally->wrong_bytes += CHUNK_BYTES;
	tally->device_bytes += CHUNK_BYTES;
	tally->cpu_bytes += CHUNK_BYTES;
	worker->story->pressure.checked_pages += CHUNK_PAGES;
	return 0;
}

static void *work(void *arg)
{
	struct worker *worker = arg;
	uint64_t at;

	for (at = 0; at < worker->bytes && !worker->failed; at += CHUNK_BYTES)
		worker->failed = write_chunk(worker, at);
	while (at && !worker->failed) {
		at -= CHUNK_BYTES;
		worker->failed = check_chunk(worker, at);
	}
	--*worker->running;
	return NULL;
}

static int start(struct story *story, struct rig *rig, struct worker *workers, char *mem,
		 uint64_t bytes, atomic_int *running)
{
	uint64_t quarter = bytes / SOFTDMA_QUEUES;
	unsigned int i;

	*running = SOFTDMA_QUEUES;
	for (i = 0; i < SOFTDMA_QUEUES; i++) {
		workers[i] = (struct worker){
			.story = story, .q = &rig->dma.q[i], .mem = mem + i * quarter,
			.iova = IOVA_MEMORY + i * quarter, .bytes = quarter,
			.first_page = i * quarter / PAGE, .running = running,
		};
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]))
			return complain("no thread");
	}
	return 0;
}

static int wait_for(struct worker *workers, const atomic_int *running, struct rig *rig,
		    struct vfio_iopf_stats *stats)
{
	const struct timespec nap = { .tv_nsec = 200000000 };
	int failed = 0;
	unsigned int i;

	while (*running) {
		if (viopf_stats(rig->c, stats))
			return complain("%s", viopf_error());
		nanosleep(&nap, NULL);
	}
	for (i = 0; i < SOFTDMA_QUEUES; i++) {
		pthread_join(workers[i].thread, NULL);
		failed |= workers[i].failed;
	}
	if (viopf_stats(rig->c, stats))
		return complain("%s", viopf_error());
	return failed;
}

int pressure_unpinned(struct story *story)
{
	struct worker workers[SOFTDMA_QUEUES];
	uint64_t bytes = mapping_bytes(story);
	double begin = now_ms();
	atomic_int running;
	struct rig rig;
	char *mem;

	if (rig_open(&rig, VFIO_IOPF_IOMMU))
		return -1;
	mem = rig_memory(bytes);
	if (!mem)
		return complain("no address space for %llu MiB", (unsigned long long)bytes / MIB);
	story->pressure.mapped_kb = bytes / 1024;
	if (rig_map(&rig, mem, IOVA_MEMORY, bytes) ||
	    start(story, &rig, workers, mem, bytes, &running) ||
	    wait_for(workers, &running, &rig, &story->pressure.stats))
		return -1;
	story->residency_mismatches += residency_mismatches();
	story->pressure.ms = now_ms() - begin;
	rig_close(&rig);
	return 0;
}

/* What the map call itself says; the parent finds out about the OOM killer. */
int pressure_pinned(struct story *story)
{
	struct pressure *pressure = &story->pressure;
	uint64_t bytes = mapping_bytes(story);
	struct rig rig;
	char *mem;

	if (file_write("/proc/self/oom_score_adj", "1000"))
		return complain("can't be the OOM killer's first choice");
	if (rig_open(&rig, VFIO_TYPE1v2_IOMMU))
		return -1;
	mem = rig_memory(bytes);
	if (!mem)
		return complain("no address space for %llu MiB", (unsigned long long)bytes / MIB);
	if (viopf_map(rig.c, mem, IOVA_MEMORY, bytes, VIOPF_READ | VIOPF_WRITE)) {
		snprintf(pressure->pinned_outcome, sizeof(pressure->pinned_outcome), "%s",
			 viopf_error());
	} else {
		snprintf(pressure->pinned_outcome, sizeof(pressure->pinned_outcome), "finished");
		pressure->pinned_finished = 1;
	}
	rig_close(&rig);
	return 0;
}

void pressure_progress(const struct story *story, char *line, size_t size)
{
	const struct pressure *pressure = &story->pressure;

	snprintf(line, size,
		 "%5lu MiB written, %5lu checked, %llu bytes wrong; %llu faults, %llu evictions; pages: %lu out, %lu in",
		 pressure->written_pages * PAGE / MIB, pressure->checked_pages * PAGE / MIB,
		 story->tally.wrong_bytes, pressure->stats.faults, pressure->stats.evictions,
		 pressure->mm.swapped_out_pages, pressure->mm.swapped_in_pages);
}
