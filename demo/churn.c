// SPDX-License-Identifier: GPL-2.0-only
/*
 * Act 2: four queues of the device, four threads, four fields of memory; and
 * Linux's memory management let loose on them: zram swap, huge pages collapsed and
 * split, compaction, and KSM, which runs by itself. fork, copy-on-write and holes
 * are among the operations on a field.
 *
 * It goes on for the time asked for, and then until each of these has happened at
 * least once by Linux's own count; what has not by the limit is told in the report. A
 * byte that is wrong ends it at once.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "field.h"
#include "sys.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE	25
#endif

#define HUGE_PAGE	(2 * MIB)
#define CHURN_LIMIT_MS	60000

struct crew {
	struct story *story;
	struct rig rig;
	struct field field[SOFTDMA_QUEUES];
	pthread_t thread[SOFTDMA_QUEUES];
	pthread_t weather;
	atomic_int stop;
	atomic_int failed;
};

struct post {
	struct crew *crew;
	struct field *field;
};

static const enum field_kind kinds[SOFTDMA_QUEUES] = {
	FIELD_PRIVATE, FIELD_PRIVATE, FIELD_SHARED, FIELD_ALIKE,
};

static void nap_ms(unsigned int ms)
{
	const struct timespec ts = { .tv_nsec = ms * 1000000l };

	nanosleep(&ts, NULL);
}

static void *work(void *arg)
{
	struct post *post = arg;

	while (!post->crew->stop && !post->crew->failed) {
		if (field_work(post->field))
			post->crew->failed = 1;
	}
	if (!post->crew->failed && field_check_all(post->field))
		post->crew->failed = 1;
	return NULL;
}

/* Swap out a part of a field; it splits huge pages at its ends. */
static void page_out(struct crew *crew, struct field *field, uint64_t *random)
{
	size_t bytes = BLOCK_BYTES * (1 + field_random(random, 16));
	size_t at = PAGE * field_random(random, (unsigned int)((FIELD_BYTES - bytes) / PAGE));

	if (!madvise(field->mem + at, bytes, MADV_PAGEOUT))
		crew->story->churn.page_outs++;
}

/*
 * Have a huge page made of small ones; that it can't be at the moment is no fault.
 * The call succeeds, too, where there is one already: that does not count.
 */
static void collapse(struct crew *crew, struct field *field, uint64_t *random)
{
	size_t at = HUGE_PAGE * field_random(random, FIELD_BYTES / HUGE_PAGE);
	unsigned long before = vm_counter("thp_collapse_alloc");

	if (!madvise(field->mem + at, HUGE_PAGE, MADV_COLLAPSE) &&
	    vm_counter("thp_collapse_alloc") > before)
		crew->story->churn.collapses++;
}

static void *make_weather(void *arg)
{
	struct crew *crew = arg;
	uint64_t random = 42;

	while (!crew->stop && !crew->failed) {
		struct field *field = &crew->field[field_random(&random, SOFTDMA_QUEUES)];

		switch (field_random(&random, 8)) {
		case 0:
			if (!file_write("/proc/sys/vm/compact_memory", "1"))
				crew->story->churn.compactions++;
			break;
		case 1 ... 3:
			if (field->kind == FIELD_PRIVATE)
				collapse(crew, field, &random);
			break;
		default:
			page_out(crew, field, &random);
		}
		nap_ms(20);
	}
	return NULL;
}

static int seen_all(const struct churn *churn)
{
	return churn->forks && churn->holes && churn->mm.swapped_out_pages &&
	       churn->mm.swapped_in_pages && churn->mm.moved_pages &&
	       churn->collapses && churn->mm.ksm_merged_pages;
}

static int start(struct crew *crew, struct post *posts)
{
	unsigned int i;

	for (i = 0; i < SOFTDMA_QUEUES; i++) {
		if (field_open(&crew->field[i], &crew->rig, i, kinds[i], crew->story))
			return -1;
		viopf_stats(crew->rig.c, &crew->story->churn.stats);
		posts[i].crew = crew;
		posts[i].field = &crew->field[i];
	}
	for (i = 0; i < SOFTDMA_QUEUES; i++) {
		if (pthread_create(&crew->thread[i], NULL, work, &posts[i]))
			return complain("no thread");
	}
	return pthread_create(&crew->weather, NULL, make_weather, crew) ?
	       complain("no thread") : 0;
}

static void finish(struct crew *crew)
{
	unsigned int i;

	crew->stop = 1;
	for (i = 0; i < SOFTDMA_QUEUES; i++)
		pthread_join(crew->thread[i], NULL);
	pthread_join(crew->weather, NULL);
}

int churn_unpinned(struct story *story)
{
	static struct crew crew;
	struct post posts[SOFTDMA_QUEUES];
	struct churn *churn = &story->churn;
	double begin = now_ms();

	crew.story = story;
	if (rig_open(&crew.rig, VFIO_IOPF_IOMMU) || start(&crew, posts))
		return -1;
	while (!crew.failed && !story->tally.wrong_bytes) {
		double ms = now_ms() - begin;

		if (viopf_stats(crew.rig.c, &churn->stats))
			return complain("%s", viopf_error());
		if (ms > CHURN_LIMIT_MS || (ms > story->churn_s * 1e3 && seen_all(churn)))
			break;
		nap_ms(200);
	}
	finish(&crew);
	story->residency_mismatches += residency_mismatches();
	if (viopf_stats(crew.rig.c, &churn->stats))
		return complain("%s", viopf_error());
	churn->ms = now_ms() - begin;
	rig_close(&crew.rig);
	return crew.failed ? -1 : 0;
}

void churn_progress(const struct story *story, char *line, size_t size)
{
	const struct churn *churn = &story->churn;
	const struct tally *tally = &story->tally;

	snprintf(line, size,
		 "%5llu MiB checked, %llu bytes wrong; %llu faults, %llu evictions; pages: %lu out, %lu merged, %lu moved",
		 (tally->device_bytes + tally->cpu_bytes) / MIB, tally->wrong_bytes,
		 churn->stats.faults, churn->stats.evictions, churn->mm.swapped_out_pages,
		 churn->mm.ksm_merged_pages, churn->mm.moved_pages);
}
