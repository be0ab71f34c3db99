// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every way in which Linux takes a page from a process, again and again, while
 * the device reads and writes that memory all the time.
 *
 * Two loads run beside the events. Where the event keeps the content, one reads
 * a half that never changes, the other writes the second half with a new
 * pattern each time, and the CPU must find it once the device is done. Where the
 * event takes the content away, both work on the whole of it with one pattern,
 * and a word is that or 0. After each event its pages are let go to a victim,
 * whose content nobody but the test may change: a late write of the device
 * would show there.
 *
 * LANES: stock intel first-stage kcsan
 * CPUS: 2
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/memfd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "load.h"

#ifndef MADV_SOFT_OFFLINE
#define MADV_SOFT_OFFLINE	101
#endif

#define ROUNDS		40
#define TIME_S		8	/* no more rounds after it, but for the second */
#define SEED		77
#define IOVA_SINK	(IOVA_BASE + 64 * HUGE)

struct live {
	const struct live_event *event;
	struct rig rig;
	char *p;
	char *twin;
	char *victim;
	size_t size;
	int fd;
	struct load reader, writer;
	unsigned int round;
};

/**
 * struct live_event - an event and what it does to the content
 * @once: let it happen
 * @begin: what it needs, or NULL
 * @twin: makes a second buffer, or NULL
 * @tolerate: LOAD_MAY_*
 * @size: of the memory
 * @file: memory of a memfd
 * @huge: huge pages wanted
 * @hugetlb: of hugetlbfs, private
 * @shared_pmds: of hugetlbfs, shared, in a mapping for which processes share page tables
 * @blind: the CPU can't look at the memory at all times
 */
struct live_event {
	void (*once)(struct live *l);
	void (*begin)(void);
	void (*twin)(struct live *l);
	unsigned int tolerate;
	size_t size;
	int file;
	int huge;
	int hugetlb;
	int shared_pmds;
	int blind;
};

#define GIANT	(1ul << 30)

static char *hugetlb_at(void *at, size_t size, int flags, int fd)
{
	char *p;

	if (file_write("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "8\n"))
		skip_because("no hugetlb in this kernel");
	p = mmap(at, size, PROT_READ | PROT_WRITE, flags | (at ? MAP_FIXED : 0), fd, 0);
	if (p == MAP_FAILED)
		skip_because("no memory for huge pages");
	return p;
}

/*
 * Page tables are shared where a mapping covers all that one of them is for
 * (want_pmd_share() in mm/hugetlb.c). No more than a part of it is ever touched.
 */
static char *hugetlb_shared(int *fd)
{
	char *all = mmap(NULL, 2 * GIANT, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
			 -1, 0);

	assert_true(all != MAP_FAILED);
	*fd = memfd_new(GIANT, MFD_HUGETLB);
	return hugetlb_at((void *)(((uintptr_t)all + GIANT - 1) & ~(GIANT - 1)), GIANT,
			  MAP_SHARED | MAP_NORESERVE, *fd);
}

static void live_open(struct live *l, const struct live_event *event)
{
	memset(l, 0, sizeof(*l));
	l->event = event;
	l->size = event->size;
	l->fd = -1;
	rig_open(&l->rig, 1);
	rig_start_queue(&l->rig, 0, 1);
	if (event->hugetlb) {
		l->p = hugetlb_at(NULL, l->size, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1);
	} else if (event->shared_pmds) {
		l->p = hugetlb_shared(&l->fd);
	} else if (event->file) {
		l->fd = memfd_new(l->size, 0);
		l->p = mem_file(l->fd, l->size, MAP_SHARED);
	} else {
		l->p = event->huge ? mem_huge(l->size) : mem_anon(l->size);
	}
	l->victim = mem_anon(l->size / 4);
	sdma_pattern_fill(l->p, l->size, SEED, 0);
	rig_map(&l->rig, l->p, IOVA_BASE, l->size);
}

static void live_start_loads(struct live *l)
{
	int keeps = !(l->event->tolerate & LOAD_MAY_BE_ZERO);
	size_t size = keeps ? l->size / 2 : l->size;
	size_t second = keeps ? l->size / 2 : 0;

	l->reader = (struct load){
		.rig = &l->rig, .queue = 0, .kind = LOAD_READ, .tolerate = l->event->tolerate,
		.p = l->p, .iova = IOVA_BASE, .size = size, .seed = SEED,
	};
	l->writer = (struct load){
		.rig = &l->rig, .queue = 1,
		.kind = keeps && !l->event->blind ? LOAD_WRITE : LOAD_REWRITE,
		.tolerate = l->event->tolerate, .p = l->p + second, .iova = IOVA_BASE + second,
		.size = size, .seed = SEED,
	};
	load_start(&l->reader, IOVA_SINK);
	load_start(&l->writer, 0);
}

/*
 * Whoever gets the freed pages next is left alone by the device. Its addresses
 * were reserved before: they are not those that the device is mapped to.
 */
static void check_victim(struct live *l)
{
	size_t size = l->size / 4;

	sdma_pattern_fill(l->victim, size, 99, 0);
	nap_ms(2);
	cpu_check(l->victim, size, 99);
	assert_ok(madvise(l->victim, size, MADV_DONTNEED));
}

static void run_live(void)
{
	struct live_event event = *(const struct live_event *)case_arg();
	struct vfio_iopf_stats s;
	struct live l;
	double by;

	live_open(&l, &event);
	if (event.begin)
		event.begin();
	if (event.twin)
		event.twin(&l);
	live_start_loads(&l);
	by = now_s() + TIME_S;
	for (l.round = 0; l.round < rounds(ROUNDS) && (l.round < 2 || now_s() < by); l.round++) {
		event.once(&l);
		check_victim(&l);
		load_progress(&l.reader, 1);
		load_progress(&l.writer, 1);
	}
	load_stop(&l.reader);
	load_stop(&l.writer);
	assert_true(l.round > 1);
	s = rig_stats(&l.rig);
	assert_msg(s.evictions >= l.round / 4, "%llu evictions in %u rounds", s.evictions, l.round);
	print_message("%u rounds, %lu + %lu operations, %llu faults, %llu evictions\n",
		      l.round, atomic_load(&l.reader.rounds), atomic_load(&l.writer.rounds),
		      s.faults, s.evictions);
	if (atomic_load(&l.writer.late))
		print_message("%lu words were seen late\n", atomic_load(&l.writer.late));
	rig_close(&l.rig);
}

static void live_munmap(struct live *l)
{
	assert_ok(munmap(l->p, l->size));
	check_victim(l);
	assert_ptr_equal(mmap(l->p, l->size, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), l->p);
}

static void live_mremap(struct live *l)
{
	char *away = mem_anon(l->size);

	assert_ptr_equal(mremap(l->p, l->size, l->size, MREMAP_MAYMOVE | MREMAP_FIXED, away), away);
	assert_ptr_equal(mremap(away, l->size, l->size, MREMAP_MAYMOVE | MREMAP_FIXED, l->p), l->p);
}

/* The second half alone. */
static void live_mremap_half(struct live *l)
{
	struct live half = { .p = l->p + l->size / 2, .size = l->size / 2 };

	live_mremap(&half);
}

/* Another process uses the same page tables, and then no longer; nor do we. */
static void live_unshare(struct live *l)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		int wrong = !!sdma_pattern_check(l->p, l->size / 2, SEED, 0);

		/* Seen once more by page tables of its own. */
		wrong |= mprotect(l->p, l->size, PROT_READ);
		wrong |= !!sdma_pattern_check(l->p, l->size / 2, SEED, 0);
		_exit(wrong);
	}
	nap_ms(1);
	assert_ok(mprotect(l->p, l->size, PROT_READ));
	child_wait(pid, 30);
	assert_ok(mprotect(l->p, l->size, PROT_READ | PROT_WRITE));
}

static void live_dontneed(struct live *l)
{
	assert_ok(madvise(l->p, l->size, MADV_DONTNEED));
}

static void begin_zram(void)
{
	swap_on_zram(128);
}

static void begin_loop(void)
{
	swap_on_loop(64);
}

static void live_free(struct live *l)
{
	assert_ok(madvise(l->p, l->size, MADV_FREE));
	assert_ok(madvise(l->p, l->size, MADV_PAGEOUT));
}

static void live_pageout(struct live *l)
{
	assert_ok(madvise(l->p, l->size, MADV_PAGEOUT));
}

static void live_remove(struct live *l)
{
	assert_ok(madvise(l->p, l->size, MADV_REMOVE));
}

static void live_punch(struct live *l)
{
	assert_ok(fallocate(l->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			    (off_t)(l->size / 4), (off_t)(l->size / 2)));
}

static void live_truncate(struct live *l)
{
	assert_ok(ftruncate(l->fd, (off_t)PAGE));
	assert_ok(ftruncate(l->fd, (off_t)l->size));
}

static void live_mprotect(struct live *l)
{
	assert_ok(mprotect(l->p, l->size, PROT_READ));
	nap_ms(1);
	assert_ok(mprotect(l->p, l->size, PROT_READ | PROT_WRITE));
}

static void live_fork(struct live *l)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		/* The reader's half never changes; a child that is forked keeps it, too. */
		nap_ms(3);
		_exit(sdma_pattern_check(l->p, l->size / 2, SEED, 0) ? 1 : 0);
	}
	nap_ms(1);
	child_wait(pid, 30);
}

static void twin_ksm(struct live *l)
{
	l->twin = mem_anon(l->size);
	sdma_pattern_fill(l->twin, l->size, SEED, 0);
	assert_ok(madvise(l->p, l->size, MADV_MERGEABLE));
	assert_ok(madvise(l->twin, l->size, MADV_MERGEABLE));
	ksm_start(1);
}

static void live_ksm(struct live *l)
{
	size_t half = l->size / 2;
	size_t at = l->round * PAGE % half;

	/* Break one pair with the value it has already, so that it is merged again. */
	sdma_pattern_fill(l->p + at, PAGE, SEED, at);
	nap_ms(50);
	cpu_check(l->twin, l->size, SEED);
}

static void live_collapse(struct live *l)
{
	size_t i;

	for (i = 0; i < l->size; i += HUGE)
		madvise(l->p + i, HUGE, l->round % 2 ? MADV_NOHUGEPAGE : MADV_HUGEPAGE);
	for (i = 0; i < l->size; i += HUGE) {
		if (l->round % 2)	/* splits the mapping, keeps the content */
			assert_ok(mprotect(l->p + i + 5 * PAGE, PAGE, PROT_READ | PROT_WRITE |
					   PROT_EXEC));
		else
			madvise(l->p + i, HUGE, 25 /* MADV_COLLAPSE */);
	}
	if (l->round % 2)
		assert_ok(mprotect(l->p, l->size, PROT_READ | PROT_WRITE));
}

static void live_split(struct live *l)
{
	if (shell("echo %d,%p,%p >/sys/kernel/debug/split_huge_pages", getpid(), (void *)l->p,
		  (void *)(l->p + l->size)))
		skip_because("no way to split huge pages");
	madvise(l->p, HUGE, 25 /* MADV_COLLAPSE */);
}

static void live_compact(struct live *l)
{
	char *filler = mem_anon(8 * HUGE);
	size_t i;

	/* Holes to be filled by moving pages: every other page of the filler. */
	for (i = 0; i < 8 * HUGE; i += PAGE)
		filler[i] = 1;
	for (i = 0; i < 8 * HUGE; i += 2 * PAGE)
		madvise(filler + i, PAGE, MADV_DONTNEED);
	assert_ok(shell("echo 1 >/proc/sys/vm/compact_memory"));
	munmap(filler, 8 * HUGE);
	/* Some page moves in each round at least. */
	madvise(l->p + l->round * PAGE % l->size, PAGE, MADV_SOFT_OFFLINE);
}

static void live_migrate(struct live *l)
{
	size_t at = l->round * 7 * PAGE % l->size;

	if (madvise(l->p + at, PAGE, MADV_SOFT_OFFLINE) && errno == EINVAL)
		skip_because("this kernel can't soft offline a page");
}

#define SMALL	(64 * PAGE)

static const struct live_event
	munmap_event = { .once = live_munmap, .size = SMALL,
			 .tolerate = LOAD_MAY_BE_ZERO | LOAD_MAY_BE_INVALID },
	mremap_event = { .once = live_mremap, .size = SMALL, .blind = 1,
			 .tolerate = LOAD_MAY_BE_INVALID },
	hugetlb_event = { .once = live_mremap_half, .size = 4 * HUGE, .hugetlb = 1, .blind = 1,
			  .tolerate = LOAD_MAY_BE_INVALID },
	unshare_event = { .once = live_unshare, .size = 2 * HUGE, .shared_pmds = 1,
			  .tolerate = LOAD_MAY_BE_INVALID },
	dontneed_event = { .once = live_dontneed, .size = SMALL, .tolerate = LOAD_MAY_BE_ZERO },
	free_event = { .once = live_free, .begin = begin_zram, .size = SMALL,
		       .tolerate = LOAD_MAY_BE_ZERO },
	zram_event = { .once = live_pageout, .begin = begin_zram, .size = SMALL },
	loop_event = { .once = live_pageout, .begin = begin_loop, .size = SMALL },
	shmem_event = { .once = live_pageout, .begin = begin_zram, .size = SMALL, .file = 1 },
	remove_event = { .once = live_remove, .size = SMALL, .file = 1,
			 .tolerate = LOAD_MAY_BE_ZERO },
	punch_event = { .once = live_punch, .size = SMALL, .file = 1,
			.tolerate = LOAD_MAY_BE_ZERO },
	truncate_event = { .once = live_truncate, .size = SMALL, .file = 1,
			   .tolerate = LOAD_MAY_BE_ZERO | LOAD_MAY_BE_INVALID },
	mprotect_event = { .once = live_mprotect, .size = SMALL,
			   .tolerate = LOAD_MAY_BE_INVALID },
	fork_event = { .once = live_fork, .size = SMALL },
	ksm_event = { .once = live_ksm, .twin = twin_ksm, .size = SMALL },
	collapse_event = { .once = live_collapse, .size = 2 * HUGE },
	split_event = { .once = live_split, .size = 2 * HUGE, .huge = 1 },
	compact_event = { .once = live_compact, .size = SMALL },
	migrate_event = { .once = live_migrate, .size = SMALL };

#define LIVE(name_, event_)	CASE(name_, run_live, .arg = &(event_))

static const struct suite_case cases[] = {
	LIVE("S1 munmap during DMA", munmap_event),
	LIVE("S1 mremap during DMA", mremap_event),
	LIVE("S1 mremap of a part of hugetlbfs memory during DMA", hugetlb_event),
	LIVE("S1 hugetlbfs page tables shared and unshared during DMA", unshare_event),
	LIVE("S1 MADV_DONTNEED during DMA", dontneed_event),
	LIVE("S1 MADV_FREE during DMA", free_event),
	LIVE("S1 MADV_PAGEOUT to zram during DMA", zram_event),
	LIVE("S1 MADV_PAGEOUT to a loop device during DMA", loop_event),
	LIVE("S1 MADV_PAGEOUT of shared memory during DMA", shmem_event),
	LIVE("S1 MADV_REMOVE during DMA", remove_event),
	LIVE("S1 hole punch during DMA", punch_event),
	LIVE("S1 truncate during DMA", truncate_event),
	LIVE("S1 mprotect during DMA", mprotect_event),
	LIVE("S1 fork and copy-on-write during DMA", fork_event),
	LIVE("S1 KSM during DMA", ksm_event),
	LIVE("S1 THP collapse and mapping split during DMA", collapse_event),
	LIVE("S1 THP split and collapse during DMA", split_event),
	LIVE("S1 compaction during DMA", compact_event),
	LIVE("S1 page migration during DMA", migrate_event),
};

int main(int argc, char **argv)
{
	return SUITE(cases, argc, argv);
}
