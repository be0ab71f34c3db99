// SPDX-License-Identifier: GPL-2.0-only
/*
 * Scenarios: who pays for pinned memory, and how much: RLIMIT_MEMLOCK and
 * VmLck, several processes, and exec().
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "world.h"

#define SIZE	(16 * PAGE)

static void at_the_limit(struct world *w)
{
	char *p = mem_anon(2 * SIZE);

	memset(p, 1, 2 * SIZE);
	w_unprivileged(SIZE);
	w_map(w, "just the limit", IOVA, p, SIZE);
	w_state(w, "just the limit");
	w_map(w, "a page more", IOVA + HUGE, p + SIZE, PAGE);
	w_state(w, "a page more");
	w_clear(w);
	w_map(w, "over the limit at once", IOVA, p, SIZE + PAGE);
	w_state(w, "over the limit at once");
	w_clear(w);
	w_map(w, "half of it", IOVA, p, SIZE / 2);
	w_map(w, "the same memory again", IOVA + HUGE, p, SIZE / 2);
	w_state(w, "paid twice");
	w_map(w, "and once more", IOVA + 2 * HUGE, p, PAGE);
	w_clear(w);
	w_state(w, "unmapped");
	w_memlock(0);
	w_map(w, "with no limit to spend", IOVA, p, PAGE);
	w_clear(w);
	w_map_as(w, "read-only, never touched", READ, IOVA, (uintptr_t)mem_anon(SIZE), SIZE);
	w_clear(w);
	w_memlock(PAGE - 1);
	w_map(w, "with less than a page", IOVA, p, PAGE);
	w_clear(w);
	w_memlock(RLIM_INFINITY);
	w_map(w, "with no limit at all", IOVA, p, 2 * SIZE);
	w_state(w, "with no limit at all");
	w_memlock(PAGE);
	w_unmap(w, "unmap, the limit being lower now", IOVA, 2 * SIZE);
	w_state(w, "in the end");
}

static void privileged(struct world *w)
{
	char *p = mem_anon(SIZE);

	memset(p, 1, SIZE);
	w_memlock(PAGE);
	w_map(w, "over the limit", IOVA, p, SIZE);
	w_state(w, "over the limit");
	w_unprivileged(PAGE);
	w_map(w, "without the capability", IOVA + HUGE, p, PAGE);
	w_unmap(w, "unmap what was mapped with it", IOVA, SIZE);
	w_state(w, "unmapped");
}

/* With what the process has locked itself. */
static void with_mlock(struct world *w)
{
	char *p = mem_anon(2 * SIZE);

	w_unprivileged(SIZE);
	assert_ok(mlock(p, SIZE / 2));
	w_map(w, "what is locked", IOVA, p, SIZE / 2);
	w_locked(w, "what is locked");
	w_map(w, "one page of what is not", IOVA + HUGE, p + SIZE, PAGE);
	w_clear(w);
	w_note(w, "mlock of as much again", "%s", w_result(mlock(p + SIZE, SIZE / 2)));
	assert_ok(munlock(p, SIZE / 2));
	w_locked(w, "unlocked");
	munlock(p + SIZE, SIZE / 2);
	w_locked(w, "all unlocked");
}

/* The limit is reached in the middle of a large mapping: nothing of it stays. */
static void half_way(struct world *w)
{
	char *p = mem_anon(8 * HUGE);

	memset(p, 1, 8 * HUGE);
	w_unprivileged(7 * HUGE);
	w_map(w, "over the limit at its end", IOVA, p, 8 * HUGE);
	w_state(w, "over the limit at its end");
	w_clear(w);
	w_map(w, "within the limit", IOVA, p, 7 * HUGE);
	w_state(w, "within the limit");
	w_unmap(w, "unmap", IOVA, 7 * HUGE);
	w_memlock(9 * HUGE);
	munmap(p + 6 * HUGE, HUGE);
	w_map(w, "with a hole at its end", IOVA, p, 8 * HUGE);
	w_state(w, "with a hole at its end");
}

static char *area;

static void child_maps(struct world *w)
{
	w_unprivileged(SIZE);
	w_map(w, "the child maps its memory", IOVA + HUGE, area, SIZE);
	w_locked(w, "the child, its own");
	w_map(w, "the child maps more than it may", IOVA + 2 * HUGE, area, PAGE);
	w_unmap(w, "and takes that away", IOVA + 2 * HUGE, PAGE);
	w_unmap(w, "the child unmaps the parent's", IOVA, SIZE);
	w_locked(w, "the child, parent's unmapped");
	w_map(w, "the child over the parent's former", IOVA, area, PAGE);
	w_unmap(w, "it unmaps it", IOVA, PAGE);
	w_locked(w, "the child at its end");
}

static void processes(struct world *w)
{
	area = mem_anon(SIZE);
	memset(area, 1, SIZE);
	w_map(w, "the parent maps", IOVA, area, SIZE);
	w_locked(w, "the parent, mapped");
	w_in_child(w, child_maps);
	w_locked(w, "the parent, unmapped by the child");
	w_map(w, "over the child's, which is gone", IOVA + HUGE, area, PAGE);
	w_unmap(w, "unmap the child's", IOVA + HUGE, SIZE);
	w_state(w, "then");
}

/* In a new program with the old one's container. */
static void after_exec(struct world *w)
{
	char *p = mem_anon(SIZE);

	w_locked(w, "the new program");
	w_map(w, "over what the old one mapped", IOVA, p, PAGE);
	w_map(w, "it maps its own", IOVA + HUGE, p, SIZE);
	w_state(w, "mapped");
	w_unmap(w, "it unmaps the old one's", IOVA, SIZE);
	w_state(w, "the old one's unmapped");
	w_unmap(w, "it unmaps its own", IOVA + HUGE, SIZE);
	w_state(w, "all unmapped");
}

static void programs(struct world *w)
{
	char *p = mem_anon(SIZE);

	memset(p, 1, SIZE);
	w_open_raw(w);
	w_map(w, "map", IOVA, p, SIZE);
	w_state(w, "mapped by the old program");
	w_exec(w, "after_exec");
}

/* A fork shares pinned pages: the parent keeps them, whoever writes. */
static void child_writes(struct world *w)
{
	memset(area, 2, SIZE);
	w_note(w, "the child", "wrote");
}

static void forks(struct world *w)
{
	area = mem_anon(SIZE);
	memset(area, 1, SIZE);
	w_map(w, "map", IOVA, area, SIZE);
	w_dma(w, "before the fork", FIRST, IOVA, area);
	w_in_child(w, child_writes);
	w_dma(w, "after the fork", FIRST, IOVA, area);
	memset(area, 3, SIZE);
	w_dma(w, "after the parent wrote", FIRST, IOVA, area);
	w_locked(w, "in the end");
}

const struct part w_parts[] = {
	{ "after_exec", after_exec },
	{ "after_exec_vaddr", w_after_exec_vaddr },
	{ 0 }
};

const struct scenario memlock_scenarios[] = {
	SCENARIO("S5 type1: memlock, the limit", at_the_limit),
	SCENARIO("S5 type1: memlock, with the capability", privileged),
	SCENARIO("S5 type1: memlock, and mlock", with_mlock),
	SCENARIO("S5 type1: memlock, failing half-way", half_way),
	SCENARIO("R10 S5 type1: memlock, two processes", processes),
	SCENARIO("R10 S5 type1: memlock, exec", programs, .bare = 1),
	SCENARIO("R10 S1 type1: memlock, fork", forks),
	{ 0 }
};
