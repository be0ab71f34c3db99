// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a mapping's new address takes over from its old one: pins, dirty bits, page
 * requests. All of it, once, whoever is at the old one at that moment.
 *
 * LANES: stock intel uml-debug
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "moving.h"
#include "withheld.h"

/*
 * Pinned memory moves from address to address while others are at its segment: nothing
 * of it may be taken from the devices, or be said to be.
 */
#define AT_IT_PAGES	16384
#define AT_IT_SIZE	(AT_IT_PAGES * PAGE)
#define AT_IT_ROUNDS	300
#define AT_IT_THREADS	3

struct at_it {
	struct rig rig;
	char *p[2];
	unsigned char *said;
	atomic_int stop;
	atomic_ulong rounds, wrong;
};

static void evict_by_advice(struct at_it *a)
{
	viopf_advise(a->rig.c, VFIO_IOPF_ADV_EVICT, IOVA_BASE, AT_IT_SIZE, NULL);
}

static void evict_by_the_mm(struct at_it *a)
{
	madvise(a->p[0], AT_IT_SIZE, MADV_DONTNEED);
	madvise(a->p[1], AT_IT_SIZE, MADV_DONTNEED);
}

static void ask_what_is_resident(struct at_it *a)
{
	unsigned int i;

	if (viopf_residency(a->rig.c, IOVA_BASE, AT_IT_SIZE, a->said))
		atomic_fetch_add(&a->wrong, 1);
	for (i = 0; i < AT_IT_PAGES; i++)
		if (!(a->said[i] & VFIO_IOPF_PAGE_PINNED))
			atomic_fetch_add(&a->wrong, 1);
}

static struct at_it at_it;

static void *stay_at_it(void *arg)
{
	void (*const *what)(struct at_it *a) = arg;

	while (!atomic_load(&at_it.stop)) {
		(*what)(&at_it);
		atomic_fetch_add(&at_it.rounds, 1);
	}
	return NULL;
}

static void moves_while_others_are_at_it(void)
{
	const uint32_t flags = VIOPF_READ | VIOPF_WRITE | VIOPF_PINNED;
	struct vfio_iopf_stats before;
	struct at_it *a = &at_it;
	pthread_t thread[AT_IT_THREADS];
	unsigned int i;
	int memfd;

	rig_open(&a->rig, 1);
	memfd = memfd_new(AT_IT_SIZE, 0);
	for (i = 0; i < 2; i++)
		a->p[i] = mem_file(memfd, AT_IT_SIZE, MAP_SHARED);
	sdma_pattern_fill(a->p[0], AT_IT_SIZE, 1, 0);
	a->said = malloc(AT_IT_PAGES);
	assert_non_null(a->said);
	assert_ok(viopf_map(a->rig.c, a->p[0], IOVA_BASE, AT_IT_SIZE, flags));
	before = rig_stats(&a->rig);
	for (i = 0; i < AT_IT_THREADS; i++)
		assert_ok(pthread_create(&thread[i], NULL, stay_at_it, (void *)case_arg()));
	assert_true(wait_until(atomic_load(&a->rounds), 30));
	for (i = 1; i < rounds(AT_IT_ROUNDS); i++) {
		assert_ok(viopf_unmap_vaddr(a->rig.c, IOVA_BASE, AT_IT_SIZE));
		assert_ok(viopf_map_vaddr(a->rig.c, a->p[i % 2], IOVA_BASE, AT_IT_SIZE));
	}
	atomic_store(&a->stop, 1);
	for (i = 0; i < AT_IT_THREADS; i++)
		assert_ok(pthread_join(thread[i], NULL));

	assert_int_equal(atomic_load(&a->wrong), 0);
	assert_grew(&a->rig, before, pinned_pages, 0);
	assert_grew(&a->rig, before, resident_pages, 0);
	verify_residency();
	dev_check(&a->rig, IOVA_BASE, AT_IT_SIZE, 1);
	assert_grew(&a->rig, before, groups, 0);
	rig_close(&a->rig);
}

/* A call that is to report dirty pages and waits for its bitmap, while the address moves. */
static void report_begin(struct moving *m, struct withheld *w, int unmap)
{
	memset(w, 0, sizeof(*w));
	w->rig = &m->rig;
	w->size = SIZE;
	w->bits = mem_anon(PAGE);
	w->unmap = unmap;
	withheld_start(w, w->bits);
}

/* Page 3 is dirty. */
static void report_open(struct moving *m, struct withheld *w, int unmap)
{
	moving_open(m);
	assert_ok(viopf_dirty_start(m->rig.c));
	dev_fill(&m->rig, IOVA_BASE + 3 * PAGE, PAGE, 2);
	report_begin(m, w, unmap);
}

/* What is dirty, as told now, is that of pages [0, 64). */
static void assert_dirty(struct moving *m, uint64_t pages)
{
	uint64_t bits = 0;

	assert_ok(viopf_dirty_get(m->rig.c, IOVA_BASE, SIZE, &bits));
	assert_msg(bits == pages, "dirty is %#llx, not %#llx", (unsigned long long)bits,
		   (unsigned long long)pages);
}

/* The bitmap can't be written, and when that is known, the mapping is another. */
static void dirty_bits_come_back(void)
{
	struct withheld w;
	struct moving m;

	report_open(&m, &w, *(const int *)case_arg());
	leave(&m);
	arrive(&m);
	assert_int_equal(withheld_refuse(&w), EFAULT);
	/* Of UNMAP_DMA, too: nothing is unmapped, the mapping is at its new address. */
	assert_dirty(&m, 1 << 3);
	dev_check(&m.rig, IOVA_BASE, PAGE, 1);
	moving_close(&m);
}

/* It has no address at that moment, and gets one later. */
static void dirty_bits_wait_too(void)
{
	struct withheld w;
	struct moving m;

	report_open(&m, &w, 0);
	leave(&m);
	assert_int_equal(withheld_refuse(&w), EFAULT);
	/* Devices still write where they could, which counts once. */
	dev_fill(&m.rig, IOVA_BASE + 3 * PAGE, PAGE, 3);
	assert_dirty(&m, 1 << 3);
	assert_dirty(&m, 0);
	arrive(&m);
	assert_dirty(&m, 0);
	dev_fill(&m.rig, IOVA_BASE + 3 * PAGE, PAGE, 4);
	assert_dirty(&m, 1 << 3);
	cpu_check(m.there + 3 * PAGE, PAGE, 4);
	moving_close(&m);
}

/* The bitmap can be written: with what was dirty at the old address and is at the new. */
static void dirty_bits_of_both(void)
{
	struct withheld w;
	struct moving m;

	report_open(&m, &w, *(const int *)case_arg());
	leave(&m);
	arrive(&m);
	dev_fill(&m.rig, IOVA_BASE + 7 * PAGE, PAGE, 2);
	assert_int_equal(withheld_end(&w), 0);
	assert_int_equal(w.bits[0], 1 << 3 | 1 << 7);
	if (w.unmap)
		assert_int_equal(w.unmapped, SIZE);
	else
		assert_dirty(&m, 0);
	moving_close(&m);
}

/*
 * The address goes at the moment when devices fault, in memory that never comes: each
 * fault is to wait for the next address, wherever it was just then.
 */
#define MOMENT_ROUNDS	200

static void at_that_moment(void)
{
	unsigned int i, q, spin;
	struct moving m;
	struct uffd u;
	char *slow;

	moving_open(&m);
	slow = mem_anon(SIZE);
	uffd_register(&u, uffd_open(), slow, SIZE, 0);
	for (i = 0; i < rounds(MOMENT_ROUNDS); i++) {
		leave(&m);
		assert_ok(viopf_map_vaddr(m.rig.c, slow, IOVA_BASE, SIZE));
		for (q = 1; q < SOFTDMA_QUEUES; q++)
			look(&m, q, q);
		for (spin = i * 100; spin; spin--)
			__asm__ volatile("" ::: "memory");
		leave(&m);
		waiting(&m, SOFTDMA_QUEUES - 1);
		arrive(&m);
		for (q = 1; q < SOFTDMA_QUEUES; q++)
			look_ends(&m, q, SOFTDMA_OK);
	}
	moving_close(&m);
}

/*
 * Who mapped it is gone, so nothing more could be pinned when demand paging was turned
 * off. At its new address it is, or it has no new address.
 */
#define BEFOREHAND	8	/* pages that were pinned by then */

static void map_and_go(void *arg)
{
	struct moving *m = arg;

	rig_map(&m->rig, m->here, IOVA_BASE, SIZE);
	assert_ok(viopf_advise(m->rig.c, VFIO_IOPF_ADV_PIN, IOVA_BASE + 4 * PAGE,
			       BEFOREHAND * PAGE, NULL));
}

static void arrive_fails(struct moving *m, void *where, int err)
{
	struct vfio_iopf_stats before = rig_stats(&m->rig);
	long locked = status_kb("VmLck");

	assert_int_equal(viopf_map_vaddr(m->rig.c, where, IOVA_BASE, SIZE), err);
	assert_grew(&m->rig, before, pinned_pages, 0);
	assert_grew(&m->rig, before, resident_pages, 0);
	assert_grew(&m->rig, before, segments, 0);
	assert_int_equal(status_kb("VmLck"), locked);
	verify_residency();
}

static void pinned_at_last(void)
{
	struct vfio_iopf_stats before;
	struct moving m;
	char *holed;
	long locked;

	moving_open(&m);
	assert_ok(viopf_unmap(m.rig.c, IOVA_BASE, SIZE, NULL));
	child_wait(child_run(map_and_go, &m), 30);
	assert_ok(viopf_disable(m.rig.c));
	locked = status_kb("VmLck");
	before = rig_stats(&m.rig);
	leave(&m);

	holed = mem_file(m.memfd, SIZE, MAP_SHARED);
	assert_ok(munmap(holed + (NR_PAGES - 1) * PAGE, PAGE));
	arrive_fails(&m, holed, -EFAULT);
	arrive(&m);
	assert_grew(&m.rig, before, pinned_pages, NR_PAGES - BEFOREHAND);
	assert_int_equal(status_kb("VmLck"), locked + SIZE_KB);
	verify_residency();
	dev_check(&m.rig, IOVA_BASE, SIZE, 1);
	dev_fill(&m.rig, IOVA_BASE, SIZE, 2);
	assert_grew(&m.rig, before, groups, 0);
	cpu_check(m.there, SIZE, 2);

	assert_ok(viopf_enable(m.rig.c));
	assert_int_equal(status_kb("VmLck"), BEFOREHAND * PAGE / 1024);
	assert_ok(viopf_advise(m.rig.c, VFIO_IOPF_ADV_UNPIN, IOVA_BASE, SIZE, NULL));
	assert_int_equal(status_kb("VmLck"), 0);
	moving_close(&m);
}

/*
 * A new address that fails half-way: what had been pinned for it by then devices may have
 * written. It is not known page by page, so all is dirty, once.
 */
static void dirty_bits_stay(void)
{
	const uint64_t pinned = ((1ull << BEFOREHAND) - 1) << 4;
	struct withheld w;
	struct moving m;
	char *holed;

	moving_open(&m);
	assert_ok(viopf_unmap(m.rig.c, IOVA_BASE, SIZE, NULL));
	child_wait(child_run(map_and_go, &m), 30);
	assert_ok(viopf_disable(m.rig.c));
	assert_ok(viopf_dirty_start(m.rig.c));
	holed = mem_file(m.memfd, SIZE, MAP_SHARED);
	assert_ok(munmap(holed + (NR_PAGES - 1) * PAGE, PAGE));
	report_begin(&m, &w, 0);
	leave(&m);
	arrive_fails(&m, holed, -EFAULT);
	assert_int_equal(withheld_refuse(&w), EFAULT);
	assert_dirty(&m, UINT64_MAX);
	/* What is pinned may be written at any time. */
	assert_dirty(&m, pinned);
	arrive(&m);
	assert_dirty(&m, UINT64_MAX);
	moving_close(&m);
}

static void (*const by_advice)(struct at_it *a) = evict_by_advice;
static void (*const by_the_mm)(struct at_it *a) = evict_by_the_mm;
static void (*const asking)(struct at_it *a) = ask_what_is_resident;
static const int get, unmap = 1;

static const struct suite_case cases[] = {
	CASE("S7 R5 pinned memory moves during evictions, by advice",
	     moves_while_others_are_at_it, .arg = &by_advice),
	CASE("S7 R5 pinned memory moves during evictions, by the mm",
	     moves_while_others_are_at_it, .arg = &by_the_mm),
	CASE("S7 R14 pinned memory moves, and is resident all the time",
	     moves_while_others_are_at_it, .arg = &asking),
	CASE("S7 R13 dirty bits that could not be delivered come back", dirty_bits_come_back,
	     .arg = &get, .iopf = EXACT),
	CASE("S7 R13 dirty bits of an unmap that could not be delivered", dirty_bits_come_back,
	     .arg = &unmap, .iopf = EXACT),
	CASE("S7 R13 dirty bits that are asked for between two addresses", dirty_bits_wait_too,
	     .iopf = EXACT),
	CASE("S7 R13 dirty bits of the old address and of the new", dirty_bits_of_both,
	     .arg = &get, .iopf = EXACT),
	CASE("S7 R13 dirty bits of both, of an unmap", dirty_bits_of_both, .arg = &unmap,
	     .iopf = EXACT),
	CASE("S7 R13 dirty bits and a new address that fails", dirty_bits_stay, .iopf = EXACT),
	CASE("S7 S6 the address goes at that moment", at_that_moment, .iopf = EXACT),
	CASE("S7 R11 a new address is pinned, if it must be", pinned_at_last, .iopf = EXACT),
};

int main(int argc, char **argv)
{
	return SUITE(cases, argc, argv);
}
