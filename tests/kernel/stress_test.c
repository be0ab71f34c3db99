// SPDX-License-Identifier: GPL-2.0-only
/*
 * Everything at once: two devices with four queues each, in one container with
 * two IOMMU domains, and three threads that do at random all that Linux can do
 * to the memory under them. The oracle is that of event_dma_test.c: a load
 * knows what each word that it reads may be.
 *
 * Runs for VIOPF_STRESS_SECONDS (default 15), from VIOPF_TEST_SEED (default: by
 * the clock; printed):
 *
 *	vm/run --timeout 4000 -- env VIOPF_STRESS_SECONDS=3600 out/tests/stress_test
 *
 * LANES: stock intel debug
 * CPUS: 2
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "load.h"

#ifndef MADV_SOFT_OFFLINE
#define MADV_SOFT_OFFLINE	101
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE		25
#endif

#define SEED		77
#define NR_REGIONS	4
#define MAX_OFFLINED	200	/* each costs a page of memory for good */

/* Memory under two loads, and what happens to it. */
struct region {
	char *p;
	size_t size;
	uint64_t iova;
	int fd;			/* -1: anonymous */
	int keeps;		/* events keep the content */
	struct load reader, writer;
	unsigned long events;
};

struct stress {
	struct rig rig;
	struct region regions[NR_REGIONS];
	atomic_int stop;
	atomic_uint offlined;
	unsigned int seed;
};

struct actor {
	struct stress *s;
	struct region *region;
	unsigned int random;
	pthread_t thread;
};

static unsigned int draw(struct actor *a, unsigned int below)
{
	return (unsigned int)rand_r(&a->random) % below;
}

/* A random part of the region. */
static char *draw_part(struct actor *a, size_t *size)
{
	size_t pages = a->region->size / PAGE, at = draw(a, (unsigned int)pages);
	size_t n = 1 + draw(a, (unsigned int)(pages - at));

	*size = n * PAGE;
	return a->region->p + at * PAGE;
}

static void keep_fork(struct actor *a)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		nap_ms(draw(a, 5));
		_exit(0);
	}
	if (pid > 0)
		waitpid(pid, &status, 0);
}

static void keep_huge(struct actor *a)
{
	char *huge = a->region->p + draw(a, (unsigned int)(a->region->size / HUGE)) * HUGE;
	size_t size;
	char *part;

	if (a->region->size < HUGE)
		return;
	if (draw(a, 2)) {
		madvise(huge, HUGE, MADV_COLLAPSE);
		return;
	}
	part = draw_part(a, &size);
	mprotect(part, size, PROT_READ | PROT_WRITE | PROT_EXEC);
	mprotect(part, size, PROT_READ | PROT_WRITE);
}

static void keep_migrate(struct actor *a)
{
	size_t size;
	char *part = draw_part(a, &size);

	if (atomic_fetch_add(&a->s->offlined, 1) < MAX_OFFLINED)
		madvise(part, PAGE, MADV_SOFT_OFFLINE);
}

/* Events that leave the content as it is. */
static void keep_event(struct actor *a)
{
	size_t size;
	char *part = draw_part(a, &size);

	switch (draw(a, 8)) {
	case 0:
	case 1:
		madvise(part, size, MADV_PAGEOUT);
		break;
	case 2:
		madvise(part, size, MADV_COLD);
		break;
	case 3:
		keep_fork(a);
		break;
	case 4:
		keep_huge(a);
		break;
	case 5:
		keep_migrate(a);
		break;
	case 6:
		file_write("/proc/self/clear_refs", "4\n");
		break;
	case 7:
		if (!draw(a, 8))
			file_write("/proc/sys/vm/compact_memory", "1\n");
		break;
	}
}

/* Move away and back: what the device asks for in between is not there. */
static void lose_mremap(struct actor *a, char *part, size_t size)
{
	char *away = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
			  -1, 0);

	if (away == MAP_FAILED)
		return;
	if (mremap(part, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, away) == away)
		mremap(away, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, part);
	(void)a;
}

static void lose_anonymous(struct actor *a)
{
	size_t size;
	char *part = draw_part(a, &size);

	switch (draw(a, 6)) {
	case 0:
		madvise(part, size, MADV_DONTNEED);
		break;
	case 1:
		madvise(part, size, MADV_FREE);
		break;
	case 2:
		mmap(part, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
		     -1, 0);
		break;
	case 3:
		/* One mapping again, or mremap has but small pieces to move. */
		mmap(a->region->p, a->region->size, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		lose_mremap(a, part, size);
		break;
	case 4:
		mprotect(part, size, PROT_NONE);
		nap_ms(1);
		mprotect(part, size, PROT_READ | PROT_WRITE);
		break;
	case 5:
		madvise(part, size, MADV_PAGEOUT);
		break;
	}
}

static void lose_shared(struct actor *a)
{
	size_t size;
	char *part = draw_part(a, &size);

	switch (draw(a, 4)) {
	case 0:
		madvise(part, size, MADV_REMOVE);
		break;
	case 1:
		fallocate(a->region->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			  part - a->region->p, (off_t)size);
		break;
	case 2:
		if (!ftruncate(a->region->fd, part - a->region->p) &&
		    ftruncate(a->region->fd, (off_t)a->region->size))
			abort();
		break;
	case 3:
		madvise(part, size, MADV_PAGEOUT);
		break;
	}
}

static void *act(void *arg)
{
	struct actor *a = arg;

	while (!atomic_load(&a->s->stop)) {
		if (a->region->keeps)
			keep_event(a);
		else if (a->region->fd < 0)
			lose_anonymous(a);
		else
			lose_shared(a);
		a->region->events++;
		nap_ms(draw(a, 4));
	}
	return NULL;
}

static void region_start(struct stress *s, unsigned int i)
{
	struct region *r = &s->regions[i];
	size_t size = r->keeps ? r->size / 2 : r->size, second = r->keeps ? size : 0;
	unsigned int tolerate = r->keeps ? 0 : LOAD_MAY_BE_ZERO | LOAD_MAY_BE_INVALID;

	r->iova = IOVA_BASE + i * 64 * HUGE;
	sdma_pattern_fill(r->p, r->size, SEED, 0);
	rig_map(&s->rig, r->p, r->iova, r->size);
	r->reader = (struct load){
		.rig = &s->rig, .dev = i / 2, .queue = i % 2 * 2,
		.kind = i == 1 ? LOAD_CHECK : LOAD_READ, .tolerate = tolerate, .p = r->p,
		.iova = r->iova, .size = size, .seed = SEED,
	};
	r->writer = (struct load){
		.rig = &s->rig, .dev = i / 2, .queue = i % 2 * 2 + 1,
		.kind = r->keeps ? LOAD_WRITE : LOAD_REWRITE, .tolerate = tolerate,
		.p = r->p + second, .iova = r->iova + second, .size = size, .seed = SEED,
	};
	load_start(&r->reader, r->iova + 32 * HUGE);
	load_start(&r->writer, 0);
}

static void stress_open(struct stress *s)
{
	unsigned int d, q;

	rig_open(&s->rig, 2);
	for (d = 0; d < 2; d++) {
		for (q = 1; q < SOFTDMA_QUEUES; q++)
			rig_start_queue(&s->rig, d, q);
	}
	s->regions[0] = (struct region){
		.p = mem_anon(128 * PAGE), .size = 128 * PAGE, .fd = -1, .keeps = 1,
	};
	s->regions[1] = (struct region){
		.p = mem_huge(2 * HUGE), .size = 2 * HUGE, .fd = -1, .keeps = 1,
	};
	s->regions[2] = (struct region){
		.p = mem_anon(128 * PAGE), .size = 128 * PAGE, .fd = -1,
	};
	s->regions[3] = (struct region){
		.size = 128 * PAGE, .fd = memfd_new(128 * PAGE, 0),
	};
	s->regions[3].p = mem_file(s->regions[3].fd, 128 * PAGE, MAP_SHARED);
}

static void merge_pages(struct stress *s)
{
	madvise(s->regions[0].p, s->regions[0].size, MADV_MERGEABLE);
	ksm_start(5);
}

static void stress_report(struct stress *s)
{
	struct vfio_iopf_stats st = rig_stats(&s->rig);
	unsigned int i;

	for (i = 0; i < NR_REGIONS; i++)
		print_message("region %u: %lu events, %lu + %lu operations, %lu bytes judged\n",
			      i, s->regions[i].events, atomic_load(&s->regions[i].reader.rounds),
			      atomic_load(&s->regions[i].writer.rounds),
			      atomic_load(&s->regions[i].reader.bytes) +
			      atomic_load(&s->regions[i].writer.bytes));
	print_message("%llu faults, %llu evictions, %llu retries, %llu bring-ins\n",
		      st.faults, st.evictions, st.retries, st.bring_ins);
	assert_true(st.evictions > 0);
}

static void stress(void)
{
	static struct stress s;
	struct actor actors[NR_REGIONS];
	double by;
	unsigned int i;

	swap_on_zram(128);
	s.seed = (unsigned int)env_number("VIOPF_TEST_SEED", (unsigned long)time(NULL));
	print_message("VIOPF_TEST_SEED=%u\n", s.seed);
	stress_open(&s);
	merge_pages(&s);
	for (i = 0; i < NR_REGIONS; i++)
		region_start(&s, i);
	for (i = 0; i < NR_REGIONS; i++) {
		actors[i] = (struct actor){
			.s = &s, .region = &s.regions[i], .random = s.seed + i,
		};
		assert_ok(pthread_create(&actors[i].thread, NULL, act, &actors[i]));
	}
	by = now_s() + (double)env_number("VIOPF_STRESS_SECONDS", 15);
	while (now_s() < by) {
		nap_ms(500);
		verify_residency();
	}
	atomic_store(&s.stop, 1);
	for (i = 0; i < NR_REGIONS; i++)
		assert_ok(pthread_join(actors[i].thread, NULL));
	for (i = 0; i < NR_REGIONS; i++) {
		load_progress(&s.regions[i].reader, 1);
		load_progress(&s.regions[i].writer, 1);
		load_stop(&s.regions[i].reader);
		load_stop(&s.regions[i].writer);
	}
	stress_report(&s);
	rig_close(&s.rig);
}

int main(int argc, char **argv)
{
	const struct suite_case cases[] = {
		CASE("S1 S2 S6 S8 all events at once against eight queues", stress,
		     TWO_IOMMUS, .any = 1,
		     .limit_s = 180 + (unsigned int)env_number("VIOPF_STRESS_SECONDS", 15)),
	};

	return SUITE(cases, argc, argv);
}
