// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which pages did devices write? What the product says is compared, bit by bit, with
 * an oracle that knows each operation the device was given.
 *
 * Where the device goes on writing meanwhile, nothing can be known bit by bit; what
 * counts is that no write is lost. So memory is migrated: pages are copied as they
 * are reported, until nothing changes any more, and then the copy must be equal.
 *
 * LANES: stock intel first-stage uml-debug
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "area.h"

#define NR_PAGES	256u
#define SIZE		(NR_PAGES * PAGE)

/* All was written before tracking began: nothing is dirty, then what is written is. */
static void exact(void)
{
	const int *shared = case_arg();
	unsigned int i;
	struct area a;
	struct rig rig;
	char *p;

	rig_open(&rig, 1);
	p = *shared ? mem_shared(SIZE) : mem_anon(SIZE);
	area_open(&a, &rig, p, IOVA_BASE, SIZE);
	dev_fill(&rig, IOVA_BASE, SIZE / 2, 1);
	assert_ok(viopf_dirty_start(rig.c));
	area_check(&a);
	area_read(&a, 0, NR_PAGES);
	area_check(&a);
	for (i = 0; i < 10; i++) {
		area_use(&a, 10, 4);
		area_check(&a);
		verify_residency();
	}
	area_check(&a);
	area_write(&a, 0, NR_PAGES);
	area_check(&a);
	rig_close(&rig);
}

/* Only what is there can be swapped out. */
static void page_out_all(char *p, size_t size)
{
	size_t page;

	for (page = 0; page < size / PAGE; page++)
		p[page * PAGE]++;
	page_out(p, size);
}

/* Whatever the mm does to a page, it stays dirty, or stays clean. */
static void across_evictions(void)
{
	struct area a;
	struct rig rig;
	unsigned int i;

	swap_on_zram(64);
	rig_open(&rig, 1);
	area_open(&a, &rig, mem_anon(SIZE), IOVA_BASE, SIZE);
	dev_fill(&rig, IOVA_BASE, SIZE, 1);
	assert_ok(viopf_dirty_start(rig.c));
	for (i = 0; i < 8; i++) {
		unsigned int half = i % 2 * NR_PAGES / 2;
		struct vfio_iopf_stats before;

		area_use(&a, 8, 8);
		area_write(&a, half, 3);
		before = rig_stats(&rig);
		if (i % 3 == 0)
			assert_ok(madvise(a.p + half * PAGE, SIZE / 2, MADV_DONTNEED));
		else
			page_out_all(a.p + half * PAGE, SIZE / 2);
		assert_true(rig_stats(&rig).pages_evicted >= before.pages_evicted + 3);
		/* The CPU's writes are not the device's. */
		memset(a.p + half * PAGE, (int)i, SIZE / 4);
		area_use(&a, i % 2 ? 8 : 0, 8);
		area_check(&a);
	}
	rig_close(&rig);
}

/* A huge page is mapped whole for reading; a write takes one page of it. */
static void huge_pages(void)
{
	struct vfio_iopf_stats before;
	struct area a;
	struct rig rig;
	char *p;

	rig_open(&rig, 1);
	p = mem_huge(4 * HUGE);
	memset(p, 1, 4 * HUGE);
	if (!is_huge(p, 4 * HUGE))
		skip_because("no huge pages to be had");
	area_open(&a, &rig, p, IOVA_BASE, 4 * HUGE);
	dev_fill(&rig, IOVA_BASE, 4 * HUGE, 1);
	assert_ok(viopf_dirty_start(rig.c));
	area_check(&a);
	before = rig_stats(&rig);
	area_read(&a, 0, a.pages);
	assert_grew(&rig, before, huge_mapped, 4);
	area_check(&a);

	area_write(&a, 700, 1);
	area_check(&a);
	area_write(&a, 1500, 3);
	/* Beside a page that may be written, others are read one by one. */
	area_read(&a, 0, a.pages);
	assert_grew(&rig, before, huge_mapped, 5);
	area_check(&a);
	area_use(&a, 40, 100);
	area_check(&a);
	verify_residency();

	assert_ok(viopf_dirty_stop(rig.c));
	before = rig_stats(&rig);
	area_write(&a, 0, a.pages);
	assert_grew(&rig, before, huge_mapped, 4);
	rig_close(&rig);
}

/* What each step costs, to the page. */
static void counters(void)
{
	struct vfio_iopf_stats before;
	struct area a;
	struct rig rig;

	rig_open(&rig, 1);
	area_open(&a, &rig, mem_anon(SIZE), IOVA_BASE, SIZE);
	dev_fill(&rig, IOVA_BASE, 64 * PAGE, 1);
	before = rig_stats(&rig);
	assert_ok(viopf_dirty_start(rig.c));
	/* One for the segment of the rings, one for ours. */
	assert_grew(&rig, before, flushes, 2);
	assert_grew(&rig, before, resident_pages, -65);

	area_check(&a);
	assert_grew(&rig, before, flushes, 2);
	before = rig_stats(&rig);
	area_read(&a, 0, 8);
	area_check(&a);
	/* The ring has one page: fetched by a read, completed by a write. */
	assert_grew(&rig, before, faults, 8 + 2);
	assert_grew(&rig, before, flushes, 1);

	before = rig_stats(&rig);
	area_write(&a, 4, 8);
	assert_grew(&rig, before, faults, 8);
	assert_grew(&rig, before, pages_mapped, 8);
	/* Four were mapped for reading. */
	assert_grew(&rig, before, flushes, 4);
	assert_grew(&rig, before, resident_pages, 4);
	area_write(&a, 4, 8);
	assert_grew(&rig, before, faults, 8);

	area_check(&a);
	assert_grew(&rig, before, flushes, 5);
	assert_grew(&rig, before, resident_pages, 4 - 8);
	assert_grew(&rig, before, evictions, 0);
	area_write(&a, 4, 8);
	assert_grew(&rig, before, faults, 16);
	area_check(&a);
	rig_close(&rig);
}

/* A device that writes at random until it is stopped. */
struct writer {
	struct area *area;
	unsigned int queue;
	int may_be_invalid;
	pthread_t thread;
	atomic_int stop;
	atomic_ulong ops;
	atomic_int status;
};

static void *writer_main(void *arg)
{
	struct writer *w = arg;
	struct area *a = w->area;
	struct area own = { .random = a->random + w->queue };
	int status = SOFTDMA_OK;

	while (!atomic_load(&w->stop) && status == SOFTDMA_OK) {
		unsigned int from = area_pick(&own, a->pages), to = area_pick(&own, a->pages);
		struct softdma_desc desc;

		if (from == to || area_pick(&own, 2))
			desc = sdma_fill(a->iova + to * PAGE + 8 * area_pick(&own, 500), 8,
					 own.random, 0);
		else
			desc = sdma_copy(a->iova + to * PAGE, a->iova + from * PAGE, PAGE);
		status = sdma_do(&a->rig->dma[0].q[w->queue], &desc, DMA_LIMIT_MS);
		atomic_fetch_add(&w->ops, 1);
	}
	atomic_store(&w->status, status);
	return NULL;
}

static void writer_start(struct writer *w, struct area *a, unsigned int queue)
{
	memset(w, 0, sizeof(*w));
	w->area = a;
	w->queue = queue;
	assert_ok(pthread_create(&w->thread, NULL, writer_main, w));
}

static void writer_progress(struct writer *w, unsigned long n)
{
	unsigned long from = atomic_load(&w->ops);

	assert_true(wait_until(atomic_load(&w->ops) >= from + n || atomic_load(&w->status), 60));
}

static int writer_stop(struct writer *w)
{
	atomic_store(&w->stop, 1);
	assert_ok(pthread_join(w->thread, NULL));
	return atomic_load(&w->status);
}

#define ROUNDS	25u

enum memory {
	SMALL_PAGES, HUGE_PAGES,
};

static const enum memory small = SMALL_PAGES, huge = HUGE_PAGES;

/* Migrate memory under a device that goes on writing. */
static void migrate(void)
{
	enum memory memory = *(const enum memory *)case_arg();
	unsigned int i, copied = 0;
	struct writer w[2];
	struct area a;
	struct rig rig;
	char *p, *copy;

	swap_on_zram(64);
	rig_open(&rig, 1);
	rig_start_queue(&rig, 0, 1);
	p = memory == HUGE_PAGES ? mem_huge(2 * SIZE) : mem_anon(2 * SIZE);
	area_open(&a, &rig, p, IOVA_BASE, 2 * SIZE);
	copy = mem_anon(2 * SIZE);
	dev_fill(&rig, IOVA_BASE, 2 * SIZE, 1);
	writer_start(&w[0], &a, 0);
	writer_start(&w[1], &a, 1);
	writer_progress(&w[0], 20);

	assert_ok(viopf_dirty_start(rig.c));
	memcpy(copy, a.p, 2 * SIZE);
	for (i = 0; i < rounds(ROUNDS); i++) {
		writer_progress(&w[i % 2], 4);
		if (i % 5 == 2)
			assert_ok(madvise(a.p + SIZE / 2, SIZE, MADV_PAGEOUT));
		area_get(&a);
		copied += area_copy_reported(&a, copy);
	}
	assert_int_equal(writer_stop(&w[0]), SOFTDMA_OK);
	assert_int_equal(writer_stop(&w[1]), SOFTDMA_OK);
	area_get(&a);
	copied += area_copy_reported(&a, copy);
	area_assert_same(&a, copy);
	/* No more than one page was written by each operation. */
	assert_msg(copied <= atomic_load(&w[0].ops) + atomic_load(&w[1].ops),
		   "%u pages reported in %lu operations", copied,
		   atomic_load(&w[0].ops) + atomic_load(&w[1].ops));
	memset(a.dirty, 0, sizeof(a.dirty));
	area_check(&a);
	verify_residency();
	rig_close(&rig);
}

/* Each page written is reported in some round, by whichever queue, and no other. */
static void rounds_add_up(void)
{
	unsigned char seen[AREA_MAX_PAGES] = { 0 };
	struct softdma_desc descs[32];
	unsigned int i, n, page;
	struct area a;
	struct rig rig;

	rig_open(&rig, 1);
	area_open(&a, &rig, mem_anon(SIZE), IOVA_BASE, SIZE);
	dev_fill(&rig, IOVA_BASE, SIZE, 1);
	assert_ok(viopf_dirty_start(rig.c));
	for (i = 0; i < 8; i++) {
		for (n = 0; n < ARRAY_SIZE(descs); n++) {
			page = area_pick(&a, NR_PAGES / 2) * 2;
			descs[n] = sdma_fill(IOVA_BASE + page * PAGE, 512, i, 0);
			a.dirty[page] = 1;
		}
		assert_ok(sdma_submit(&rig.dma[0].q[0], descs, n));
		do {
			assert_ok(viopf_dirty_get(rig.c, IOVA_BASE, SIZE, a.bits));
			for (page = 0; page < NR_PAGES; page++)
				seen[page] |= area_bit(a.bits, page);
		} while (sdma_queue_status(&rig.dma[0].q[0]) & SOFTDMA_QS_BUSY);
		assert_int_equal(sdma_wait(&rig.dma[0].q[0], 0, DMA_LIMIT_MS, NULL), SOFTDMA_OK);
	}
	assert_ok(viopf_dirty_get(rig.c, IOVA_BASE, SIZE, a.bits));
	for (page = 0; page < NR_PAGES; page++) {
		seen[page] |= area_bit(a.bits, page);
		assert_msg(seen[page] == a.dirty[page], "page %u: reported %d, written %d", page,
			   seen[page], a.dirty[page]);
	}
	rig_close(&rig);
}

/* The last answer comes with the end of the mapping: what is not in it never was. */
static void get_and_unmap(void)
{
	uint64_t unmapped;
	unsigned int i;
	struct writer w;
	struct area a;
	struct rig rig;
	char *copy;

	rig_open(&rig, 1);
	area_open(&a, &rig, mem_anon(SIZE), IOVA_BASE, SIZE);
	copy = mem_anon(SIZE);
	assert_ok(viopf_dirty_start(rig.c));
	for (i = 0; i < 10; i++) {
		memcpy(copy, a.p, SIZE);
		writer_start(&w, &a, 0);
		writer_progress(&w, 30);
		assert_ok(viopf_dirty_unmap(rig.c, IOVA_BASE, SIZE, a.bits, &unmapped));
		assert_int_equal(unmapped, SIZE);
		area_copy_reported(&a, copy);
		area_assert_same(&a, copy);
		/* It need not have had a CPU since. */
		assert_true(wait_until(atomic_load(&w.status), 60));
		assert_int_equal(writer_stop(&w), SOFTDMA_FAULT_INVALID);
		area_assert_same(&a, copy);
		rig_map(&rig, a.p, IOVA_BASE, SIZE);
		area_check(&a);
	}
	area_write(&a, 3, 2);
	assert_ok(viopf_dirty_unmap(rig.c, IOVA_BASE, SIZE, a.bits, NULL));
	area_judge(&a);
	rig_close(&rig);
}

/* Pinned memory is dirty each time, unless it is for reading only; then exact again. */
static void pinned(void)
{
	uint64_t bits[NR_PAGES / 64];
	struct area a;
	struct rig rig;
	unsigned int i;
	char *ro;

	rig_open(&rig, 1);
	area_open(&a, &rig, mem_anon(SIZE), IOVA_BASE, SIZE);
	ro = mem_anon(SIZE);
	assert_ok(viopf_map(rig.c, ro, IOVA_BASE + HUGE, SIZE, VIOPF_READ));
	assert_ok(viopf_dirty_start(rig.c));
	area_write(&a, 5, 1);
	assert_ok(viopf_disable(rig.c));
	for (i = 0; i < 3; i++) {
		area_all_dirty(&a);
		area_check(&a);
		assert_ok(viopf_dirty_get(rig.c, IOVA_BASE + HUGE, SIZE, bits));
		assert_int_equal(bits[0] | bits[1] | bits[2] | bits[3], 0);
	}
	assert_ok(viopf_dirty_stop(rig.c));
	assert_ok(viopf_dirty_start(rig.c));
	area_all_dirty(&a);
	area_check(&a);

	assert_ok(viopf_enable(rig.c));
	area_all_dirty(&a);
	area_check(&a);
	area_check(&a);
	area_use(&a, 10, 4);
	area_check(&a);
	rig_close(&rig);
}

static int pin_result;

static void *pin_main(void *arg)
{
	const struct area *a = arg;

	pin_result = viopf_advise(a->rig->c, VFIO_IOPF_ADV_PIN, a->iova, a->pages * PAGE, NULL);
	return NULL;
}

static int map_has_failed(void)
{
	char text[16];

	return !file_read("/sys/kernel/debug/softiommu/map_fail_nth", text, sizeof(text)) &&
	       !atoi(text);
}

/* What a device writes to the first pages while the next ones fail to be pinned. */
static void pin_fails_half_way(void)
{
	pthread_t thread;
	struct area a;
	struct rig rig;

	rig_open(&rig, 1);
	area_open(&a, &rig, mem_anon(32 * PAGE), IOVA_BASE, 32 * PAGE);
	memset(a.p, 1, 32 * PAGE);
	lie_apart(a.p);		/* lest they are mapped by one call */
	assert_ok(viopf_dirty_start(rig.c));
	area_write(&a, 20, 1);
	area_check(&a);
	/* The ring is written, and mapped, from here on. */
	area_read(&a, 20, 1);

	softiommu_set("map_fail_errno", "28\n");
	softiommu_set("map_fail_hold", "1\n");
	softiommu_set("map_fail_nth", "2\n");
	assert_ok(pthread_create(&thread, NULL, pin_main, &a));
	assert_true(wait_until(map_has_failed(), 30));
	area_write(&a, 0, 1);
	softiommu_set("map_fail_hold", "0\n");
	assert_ok(pthread_join(thread, NULL));
	assert_int_equal(pin_result, -EFAULT);
	area_get(&a);
	assert_true(area_bit(a.bits, 0));
	memset(a.dirty, 0, sizeof(a.dirty));
	area_check(&a);
	assert_int_equal(rig_stats(&rig).pinned_pages, 0);
	rig_close(&rig);
}

static void join_second(struct rig *rig, const char *bdf)
{
	assert_ok(viopf_group_add(rig->c, bdf));
	assert_ok(viopf_device_open(rig->c, bdf, &rig->dev[1]));
	assert_ok(sdma_open(&rig->dma[1], rig->dev[1]));
	rig_start_queue(rig, 1, 0);
}

static void leave_second(struct rig *rig, const char *bdf)
{
	viopf_device_close(rig->dev[1]);
	assert_ok(viopf_group_remove(rig->c, bdf));
}

/* Two devices behind two IOMMUs; the second comes while pages are tracked. */
static void two_domains(void)
{
	char bdfs[MAX_DEVICES][16];
	unsigned int i;
	struct area a;
	struct rig rig;

	devices_list(bdfs);
	rig_open(&rig, 1);
	area_open(&a, &rig, mem_anon(SIZE), IOVA_BASE, SIZE);
	dev_fill(&rig, IOVA_BASE, SIZE, 1);
	assert_ok(viopf_dirty_start(rig.c));
	area_write(&a, 7, 2);

	join_second(&rig, bdfs[1]);
	area_check(&a);
	for (i = 0; i < 5; i++) {
		area_use(&a, 4, 4);
		area_write_by(&a, 1, area_pick(&a, NR_PAGES - 2), 2);
		area_check(&a);
		area_write_by(&a, i % 2, 20, 1);
		area_write_by(&a, !(i % 2), 20, 1);
		area_check(&a);
	}
	area_write_by(&a, 1, 30, 1);
	leave_second(&rig, bdfs[1]);
	area_check(&a);
	area_use(&a, 4, 4);
	area_check(&a);
	rig_close(&rig);
}

/* What was dirty at the stop is forgotten; a second start changes nothing. */
static void stop_and_start(void)
{
	struct area a;
	struct rig rig;

	rig_open(&rig, 1);
	area_open(&a, &rig, mem_anon(SIZE), IOVA_BASE, SIZE);
	assert_ok(viopf_dirty_stop(rig.c));
	assert_int_equal(viopf_dirty_get(rig.c, IOVA_BASE, SIZE, a.bits), -EINVAL);
	assert_ok(viopf_dirty_start(rig.c));
	area_write(&a, 1, 3);
	assert_ok(viopf_dirty_start(rig.c));
	area_check(&a);
	area_write(&a, 4, 3);
	assert_ok(viopf_dirty_stop(rig.c));
	assert_int_equal(viopf_dirty_get(rig.c, IOVA_BASE, SIZE, a.bits), -EINVAL);
	assert_int_equal(viopf_dirty_unmap(rig.c, IOVA_BASE, SIZE, a.bits, NULL), -EINVAL);
	area_write(&a, 8, 8);
	assert_ok(viopf_dirty_start(rig.c));
	memset(a.dirty, 0, sizeof(a.dirty));
	area_check(&a);
	area_use(&a, 10, 4);
	area_check(&a);
	assert_ok(viopf_dirty_stop(rig.c));
	rig_close(&rig);
}

/* Pages either side of a segment's end, and segments that nobody ever touched. */
static void large_mappings(void)
{
	static const unsigned int pages[] = { 0, 1, 63, 16381, 16382, 16383, 49151, 65539 };
	const uint64_t size = (65536 + 5) * PAGE, iova = IOVA_BASE + 2 * PAGE;
	uint64_t *bits = calloc(VIOPF_DIRTY_WORDS(size), sizeof(*bits));
	unsigned int i, page, next = 0;
	struct rig rig;

	rig_open(&rig, 1);
	rig_map(&rig, mem_anon(size), iova, size);
	dev_write(&rig, iova + 16384 * PAGE, PAGE, SOFTDMA_OK);
	assert_ok(viopf_dirty_start(rig.c));
	for (i = 0; i < ARRAY_SIZE(pages); i++)
		dev_write(&rig, iova + pages[i] * PAGE, PAGE, SOFTDMA_OK);
	assert_ok(viopf_dirty_get(rig.c, iova, size, bits));
	for (page = 0; page < size / PAGE; page++) {
		int want = next < ARRAY_SIZE(pages) && pages[next] == page;

		assert_msg(area_bit(bits, page) == want, "page %u: %d", page, !want);
		next += (unsigned int)want;
	}
	free(bits);
	rig_close(&rig);
}

static const int no, yes = 1;

static const struct suite_case cases[] = {
	CASE("R13 exact, private memory", exact, .arg = &no),
	CASE("R13 exact, shared memory", exact, .arg = &yes),
	CASE("R13 exact across eviction and refault", across_evictions),
	CASE("R13 one page of a huge page", huge_pages),
	CASE("R13 counted to the page", counters, .iopf = EXACT),
	CASE("R13 memory migrated under DMA", migrate, .arg = &small),
	CASE("R13 memory migrated under DMA, huge pages", migrate, .arg = &huge),
	CASE("R13 rounds add up", rounds_add_up),
	CASE("R13 get and unmap loses no write", get_and_unmap),
	CASE("R13 pinned memory, and no longer", pinned),
	CASE("R13 R14 a pin that fails half-way", pin_fails_half_way, .iopf = EXACT,
	     .soft = 1),
	CASE("R13 S8 two domains", two_domains, TWO_IOMMUS),
	CASE("R13 stop and start", stop_and_start),
	CASE("R13 large mappings", large_mappings),
};

int main(int argc, char **argv)
{
	return SUITE(cases, argc, argv);
}
