// SPDX-License-Identifier: GPL-2.0-only
/*
 * A fault looks at memory, then maps what it saw; an eviction may come in
 * between. To make that likely three queues fault on a few pages all the time,
 * a thread keeps the segment's lock busy by reading the product's debug check,
 * and the pages are thrown away and written anew as fast as it goes. A mapping
 * made from what was seen too early stays, and shows old data in the same
 * round: the CPU has just written another number into each page.
 *
 * LANES: stock intel debug
 * CPUS: 2
 */
#include <string.h>
#include <sys/mman.h>

#include "load.h"

#define NR_PAGES	8
#define SIZE		(NR_PAGES * PAGE)
#define TIME_S		20
#define IOVA_OUT	(IOVA_BASE + HUGE)

struct race {
	struct rig rig;
	char *p;
	uint64_t *out;
	atomic_int stop;
	pthread_t threads[SOFTDMA_QUEUES];
};

struct toucher {
	struct race *race;
	unsigned int queue;
};

/* Read all of the memory by one queue, again and again; the data don't matter. */
static void *touch(void *arg)
{
	struct toucher *t = arg;

	while (!atomic_load(&t->race->stop)) {
		struct softdma_desc sum = sdma_checksum(IOVA_BASE, SIZE, 0);

		if (sdma_do(&t->race->rig.dma[0].q[t->queue], &sum, DMA_LIMIT_MS) != SOFTDMA_OK)
			break;
	}
	return NULL;
}

static void *walk(void *arg)
{
	struct race *race = arg;
	char text[1024];

	while (!atomic_load(&race->stop)) {
		if (file_read("/sys/kernel/debug/vfio_iopf/verify", text, sizeof(text)))
			break;
	}
	return NULL;
}

static void race_start(struct race *race, struct toucher *touchers)
{
	unsigned int q;

	rig_open(&race->rig, 1);
	race->p = mem_anon(SIZE);
	race->out = mem_shared(PAGE);
	rig_map(&race->rig, race->p, IOVA_BASE, SIZE);
	rig_map(&race->rig, race->out, IOVA_OUT, PAGE);
	for (q = 1; q < SOFTDMA_QUEUES; q++) {
		rig_start_queue(&race->rig, 0, q);
		touchers[q] = (struct toucher){ .race = race, .queue = q };
		assert_ok(pthread_create(&race->threads[q], NULL, touch, &touchers[q]));
	}
	assert_ok(pthread_create(&race->threads[0], NULL, walk, race));
}

static void race_stop(struct race *race)
{
	unsigned int q;

	atomic_store(&race->stop, 1);
	for (q = 0; q < SOFTDMA_QUEUES; q++)
		assert_ok(pthread_join(race->threads[q], NULL));
	rig_close(&race->rig);
}

/* The device copies one word of page @i out: it must be @number. */
static void device_sees(struct race *race, unsigned int i, uint64_t number)
{
	struct softdma_desc copy = sdma_copy(IOVA_OUT, IOVA_BASE + i * PAGE, 8);

	rig_do(&race->rig, &copy, SOFTDMA_OK);
	assert_msg(race->out[0] == number, "page %u: the device reads %#llx, not %llu", i,
		   (unsigned long long)race->out[0], (unsigned long long)number);
}

static void run_race(void)
{
	struct toucher touchers[SOFTDMA_QUEUES];
	static struct race race;
	struct vfio_iopf_stats s;
	uint64_t number = 0;
	unsigned int i;
	double by;

	race_start(&race, touchers);
	for (by = now_s() + rounds(TIME_S); now_s() < by;) {
		assert_ok(madvise(race.p, SIZE, MADV_DONTNEED));
		number++;
		for (i = 0; i < NR_PAGES; i++)
			*(uint64_t *)(race.p + i * PAGE) = number;
		for (i = 0; i < NR_PAGES; i++)
			device_sees(&race, i, number);
	}
	s = rig_stats(&race.rig);
	print_message("%llu rounds, %llu evictions, %llu retries\n",
		      (unsigned long long)number, s.evictions, s.retries);
	race_stop(&race);
}

static const struct suite_case cases[] = {
	CASE("S1 S6 faults that race with evictions, one page at a time", run_race,
	     .iopf = EXACT),
	CASE("S1 S6 S9 faults that race with evictions, with neighbours", run_race),
};

int main(int argc, char **argv)
{
	return SUITE(cases, argc, argv);
}
