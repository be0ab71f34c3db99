// SPDX-License-Identifier: GPL-2.0-only
/*
 * An IOMMU that refuses to unmap, and when it does unmap takes more than it is asked to. The
 * record stays true; and where the container is cut off, each page that was kept from reuse
 * is given back, once.
 *
 * Whether it was is counted in huge pages of the pool: one to which a reference is left does
 * not go back there.
 *
 * The IOMMU of these cases unmaps blocks of several pages, and refuses every second call,
 * all of them, or none. A case begins with fresh modules, so the first call is not refused.
 * An unmap is an eviction's; or one by which what a domain has mapped goes again, as another
 * one fails to map it, or the domain itself does so in the end.
 */
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/memfd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "advice.h"
#include "fuse.h"
#include "rig.h"

#define NR_PAGES	512u
#define SIZE		(NR_PAGES * PAGE)
#define BLOCK		8u
#define ONLY_4K		"0x1000"
#define POOL		"/sys/kernel/mm/hugepages/hugepages-2048kB/"

/* One page of the process goes. */
static void drop(char *p, unsigned int page, unsigned int n)
{
	assert_ok(madvise(p + page * PAGE, n * PAGE, MADV_DONTNEED));
}

/* All of @p is resident, by small leaves. From now on the IOMMU is as said above. */
static void odd_open(struct rig *rig, char *p, unsigned int nr)
{
	softiommu_set("pgsizes", ONLY_4K);
	rig_open(rig, nr);
	rig->odd_iommu = 1;
	rig_map(rig, p, IOVA_BASE, SIZE);
	dev_fill(rig, IOVA_BASE, SIZE, 1);
	softiommu_set("unmap_coarse_pages", "8");
	softiommu_set("refuse_every", "2");
}

static void odd_close(struct rig *rig)
{
	softiommu_set("reset_knobs", "1");
	rig_close(rig);
}

/* What is unmapped when it is asked for again, page by page, takes others along. */
static void neighbours_are_gone_too(void)
{
	struct vfio_iopf_stats before;
	struct rig rig;
	char *p;

	p = mem_anon(SIZE);
	odd_open(&rig, p, 1);
	before = rig_stats(&rig);
	drop(p, 100, 1);
	assert_int_equal(softiommu_stat("unmaps_refused"), 0);
	assert_grew(&rig, before, pages_evicted, BLOCK);
	verify_residency();
	/* Refused. Then by its page, which has three others of the record in front of it. */
	drop(p, 3, 1);
	assert_int_equal(softiommu_stat("unmaps_refused"), 1);
	assert_grew(&rig, before, pages_evicted, 2 * BLOCK);
	assert_grew(&rig, before, resident_pages, -2 * (long long)BLOCK);
	verify_residency();
	assert_int_equal(rig_stats(&rig).pages_kept, 0);
	dev_check(&rig, IOVA_BASE, 3 * PAGE, 1);
	verify_residency();
	odd_close(&rig);
}

/* One domain has more unmapped, the other refuses: what one lost, all have lost. */
static void domains_agree(void)
{
	struct vfio_iopf_stats before;
	struct rig rig;
	char *p;

	p = mem_anon(SIZE);
	odd_open(&rig, p, 2);
	before = rig_stats(&rig);
	drop(p, 3, 1);
	assert_int_equal(softiommu_stat("unmaps_refused"), 1);
	assert_grew(&rig, before, pages_evicted, BLOCK);
	verify_residency();
	assert_int_equal(rig_stats(&rig).pages_kept, 0);
	odd_close(&rig);
}

/* A page that is pinned, and lost with its neighbours, is known to be lost. */
static void pinned_neighbours(void)
{
	struct vfio_iopf_stats before;
	struct rig rig;
	char *p;

	p = mem_anon(SIZE);
	odd_open(&rig, p, 1);
	drop(p, 100, 1);
	softiommu_set("refuse_every", "0");
	advise(&rig, VFIO_IOPF_ADV_PIN, IOVA_BASE, PAGE);
	advise(&rig, VFIO_IOPF_ADV_PREFETCH_WRITE, IOVA_BASE, BLOCK * PAGE);
	before = rig_stats(&rig);
	softiommu_set("refuse_every", "2");
	drop(p, 3, 1);
	assert_int_equal(softiommu_stat("unmaps_refused"), 1);
	assert_grew(&rig, before, pinned_pages, -1);
	assert_grew(&rig, before, resident_pages, -(long long)BLOCK);
	verify_residency();
	odd_close(&rig);
}

static void cut_off(struct rig *rig)
{
	struct softdma_desc check = sdma_check(IOVA_BASE, PAGE, 1, 0);

	assert_true(wait_until(rig_stats(rig).flags & VFIO_IOPF_STATS_FAILED, 20));
	assert_true(wait_until(sdma_do(&rig->dma[0].q[0], &check, 20000) != SOFTDMA_OK, 20));
}

static void close_failed(struct rig *rig)
{
	unsigned int i;

	softiommu_set("reset_knobs", "1");
	for (i = 0; i < rig->nr; i++)
		viopf_device_close(rig->dev[i]);
	viopf_container_close(rig->c);
}

/* No page of the 2 MiB at @p has a reference. */
static void nothing_is_held(char *p)
{
	madvise(p, HUGE, MADV_HUGEPAGE);
	assert_int_equal(collapse(p), 0);
}

/*
 * Some of a range is unmapped, more than was asked for, and some refused: the latter is
 * kept, with all else that devices still reach, and after that nothing has a reference.
 */
static void refused_in_part(void)
{
	struct rig rig;
	char *p;

	p = mem_anon(SIZE);
	odd_open(&rig, p, 1);
	drop(p, 100, 1);
	/* Refused; then its first page takes a block; the last, in the next, is refused. */
	drop(p, 3, BLOCK - 2);
	assert_int_equal(softiommu_stat("unmaps_refused"), 2);
	assert_int_equal(rig_stats(&rig).pages_kept, NR_PAGES - 2 * BLOCK);
	cut_off(&rig);
	nothing_is_held(p);
	close_failed(&rig);
}

/* --- given back, as another domain would not take it -------------------------- */

/**
 * struct giving - what devices have of a block when the page that it lacks fails to be mapped
 * @domains: as many, each with a device; what one of them asks for all map, in turn
 * @nth: the domain that fails
 * @done: "1" if that has mapped the page before it fails, else "0"
 * @gap: the page
 * @pinned: page 0 is pinned
 */
struct giving {
	unsigned int domains;
	const char *nth;
	const char *done;
	unsigned int gap;
	int pinned;
};

static const struct giving second_of_two = { 2, "2", "0", 3, 0 },
	second_of_three = { 3, "2", "0", 3, 0 }, third_of_three = { 3, "3", "0", 3, 0 },
	beside_a_pin = { 2, "2", "0", 3, 1 }, undone_at_start = { 1, "1", "1", 0, 0 },
	undone_at_end = { 1, "1", "1", BLOCK - 1, 0 };

/* Each page has a pattern of its own. */
static struct softdma_desc fill_of(unsigned int page)
{
	return sdma_fill(IOVA_BASE + page * PAGE, PAGE, page + 1, 0);
}

static void fill_page(struct rig *rig, unsigned int page)
{
	struct softdma_desc fill = fill_of(page);

	rig_do(rig, &fill, SOFTDMA_OK);
}

/* Each device finds what was written there. */
static void all_find(struct rig *rig, unsigned int page)
{
	struct softdma_desc check = sdma_check(IOVA_BASE + page * PAGE, PAGE, page + 1, 0);
	unsigned int i;

	for (i = 0; i < rig->nr; i++) {
		assert_int_equal(sdma_do(&rig->dma[i].q[0], &check, DMA_LIMIT_MS), SOFTDMA_OK);
		assert_int_equal(check.result, 0);
	}
}

/* Devices have written the block, but for one page. When that is mapped, it fails. */
static void giving_open(struct rig *rig, char *p, const struct giving *giving)
{
	unsigned int page;

	rig_open(rig, giving->domains);
	rig->odd_iommu = 1;
	rig_map(rig, p, IOVA_BASE, SIZE);
	assert_ok(viopf_dirty_start(rig->c));
	for (page = 0; page < BLOCK; page++)
		if (page != giving->gap)
			fill_page(rig, page);
	if (giving->pinned)
		advise(rig, VFIO_IOPF_ADV_PIN, IOVA_BASE, PAGE);
	softiommu_set("map_fail_pages", giving->done);
	softiommu_set("map_fail_nth", giving->nth);
}

/* The block is there again, for each device; and each page of it is dirty, and no other. */
static void block_is_whole(struct rig *rig)
{
	uint64_t bits[NR_PAGES / 64];
	unsigned int page;

	assert_ok(viopf_dirty_get(rig->c, IOVA_BASE, SIZE, bits));
	assert_int_equal(bits[0], (1 << BLOCK) - 1);
	assert_int_equal(bits[1], 0);
	for (page = 0; page < BLOCK; page++)
		all_find(rig, page);
	verify_residency();
}

/*
 * The page goes again from the domains that have it, and takes its neighbours along: these
 * are known to be gone, in all domains.
 */
static void gone_with_neighbours(void)
{
	const struct giving *giving = case_arg();
	struct vfio_iopf_stats before;
	struct rig rig;

	giving_open(&rig, mem_anon(SIZE), giving);
	before = rig_stats(&rig);
	softiommu_set("unmap_coarse_pages", "8");
	fill_page(&rig, giving->gap);
	verify_residency();
	assert_grew(&rig, before, unmap_mismatches, 1);
	assert_grew(&rig, before, resident_pages, 1 - (long long)(BLOCK - 1));
	assert_grew(&rig, before, pinned_pages, -giving->pinned);
	block_is_whole(&rig);
	odd_close(&rig);
}

/*
 * Around a page that is pinned others are, in two parts. The second has to be tried again, and
 * that takes along what was pinned before.
 */
static void pinned_around(void)
{
	struct rig rig;

	rig_open(&rig, 2);
	rig.odd_iommu = 1;
	rig_map(&rig, mem_anon(SIZE), IOVA_BASE, SIZE);
	advise(&rig, VFIO_IOPF_ADV_PIN, IOVA_BASE + PAGE, PAGE);
	softiommu_set("unmap_coarse_pages", "8");
	/* Page 0 in both domains, page 2 in the first. */
	softiommu_set("map_fail_nth", "4");
	advise(&rig, VFIO_IOPF_ADV_PIN, IOVA_BASE, BLOCK * PAGE);
	assert_int_equal(rig_stats(&rig).unmap_mismatches, 1);
	assert_int_equal(rig_stats(&rig).pinned_pages, BLOCK);
	verify_residency();
	odd_close(&rig);
}

/* More is said to be gone, though no more was there. */
static void gone_alone(void)
{
	struct vfio_iopf_stats before;
	struct rig rig;

	rig_open(&rig, 2);
	rig.odd_iommu = 1;
	rig_map(&rig, mem_anon(SIZE), IOVA_BASE, SIZE);
	before = rig_stats(&rig);
	softiommu_set("unmap_coarse_pages", "8");
	softiommu_set("map_fail_nth", "2");
	fill_page(&rig, 2 * BLOCK);
	assert_grew(&rig, before, unmap_mismatches, 1);
	assert_grew(&rig, before, resident_pages, 1);
	verify_residency();
	odd_close(&rig);
}

/* It does not go: a domain keeps a page that a device was never told it may use. */
static void not_given_back(void)
{
	const struct giving *giving = case_arg();
	struct softdma_desc fill = fill_of(giving->gap);
	char *p = mem_anon(SIZE);
	struct rig rig;

	giving_open(&rig, p, giving);
	softiommu_set("refuse_all", "1");
	assert_true(sdma_do(&rig.dma[0].q[0], &fill, DMA_LIMIT_MS) != SOFTDMA_OK);
	assert_int_equal(rig_stats(&rig).pages_kept, BLOCK);
	cut_off(&rig);
	verify_residency();
	nothing_is_held(p);
	close_failed(&rig);
}

/* A page that goes as its neighbour does, which is mapped ahead, is not said to be there. */
static void asked_for_and_lost(void)
{
	char *p = mem_anon(SIZE);
	struct rig rig;

	memset(p, 1, SIZE);
	rig_open(&rig, 2);
	rig.odd_iommu = 1;
	rig_map(&rig, p, IOVA_BASE, SIZE);
	dev_read(&rig, IOVA_BASE + 6 * PAGE, PAGE, SOFTDMA_OK);
	softiommu_set("unmap_coarse_pages", "8");
	/* It reads downwards: page 5, in both domains, and page 4. */
	softiommu_set("map_fail_nth", "4");
	assert_int_equal(dev_read(&rig, IOVA_BASE + 5 * PAGE, PAGE, SOFTDMA_OK), 1);
	assert_int_equal(rig_stats(&rig).unmap_mismatches, 1);
	verify_residency();
	odd_close(&rig);
}

/*
 * A page and the one behind it are mapped for one page request, by two calls, of which one
 * fails. The answer is about the page.
 */
static void neighbour_fails(void)
{
	char *p = mem_anon(SIZE);
	struct rig rig;

	memset(p, 1, SIZE);
	lie_apart(p + 6 * PAGE);
	rig_open(&rig, 1);
	rig_map(&rig, p, IOVA_BASE, SIZE);
	dev_read(&rig, IOVA_BASE + 100 * PAGE, PAGE, SOFTDMA_OK);
	dev_read(&rig, IOVA_BASE + 5 * PAGE, PAGE, SOFTDMA_OK);
	/* Since the mm has taken something, a worker has to look. */
	drop(p, 100, 1);
	softiommu_set("map_fail_errno", "28");
	softiommu_set("map_fail_nth", case_arg());
	assert_int_equal(dev_read(&rig, IOVA_BASE + 6 * PAGE, PAGE, SOFTDMA_OK), 1);
	verify_residency();
	softiommu_set("reset_knobs", "1");
	dev_read(&rig, IOVA_BASE + 7 * PAGE, PAGE, SOFTDMA_OK);
	rig_close(&rig);
}

/* --- kept in one place, taken by accident from another ------------------------ */

static unsigned int pool_free(void)
{
	return (unsigned int)number_in(POOL "free_hugepages");
}

/**
 * struct scene - a container whose lock is held by who pins a file that does not come
 * @fd: of the memory of two mappings side by side, a huge page of the pool each
 * @pinner: a process that maps the file and pins it; nothing can be mapped meanwhile
 * @leaver: has the device leave the container, when it may @go; its thread is @tid
 */
struct scene {
	struct rig rig;
	struct fuse fuse;
	int fd;
	pid_t pinner;
	pthread_t leaver;
	atomic_int go, tid;
};

#define IOVA_FILE	(IOVA_BASE + (1ull << 30))

static void pin_the_file(void *arg)
{
	struct scene *s = arg;
	char *file = mem_file(s->fuse.fd, PAGE, MAP_SHARED);

	/* What it has of the device, and of the file's server, is not to keep them open. */
	viopf_device_close(s->rig.dev[0]);
	close(s->fuse.dev);
	assert_ok(viopf_map(s->rig.c, file, IOVA_FILE, PAGE, VIOPF_READ));
	assert_true(viopf_advise(s->rig.c, VFIO_IOPF_ADV_PIN, IOVA_FILE, PAGE, NULL) < 0);
}

static void *leave(void *arg)
{
	struct scene *s = arg;

	while (!atomic_load(&s->go))
		nap_ms(1);
	atomic_store(&s->tid, (int)syscall(SYS_gettid));
	viopf_device_close(s->rig.dev[0]);
	viopf_group_remove(s->rig.c, s->rig.bdf[0]);
	return NULL;
}

static void scene_map(struct scene *s)
{
	char *p;

	s->fd = memfd_new(2 * HUGE, MFD_HUGETLB | MFD_HUGE_2MB);
	p = mmap(NULL, 2 * HUGE, PROT_READ | PROT_WRITE, MAP_SHARED, s->fd, 0);
	assert_true(p != MAP_FAILED);
	rig_map(&s->rig, p, IOVA_BASE, HUGE);
	rig_map(&s->rig, p + HUGE, IOVA_BASE + HUGE, HUGE);
	dev_fill(&s->rig, IOVA_BASE, 2 * HUGE, 1);
	assert_int_equal(pool_free(), 0);
}

static void scene_open(struct scene *s)
{
	memset(s, 0, sizeof(*s));
	if (file_write(POOL "nr_hugepages", "2\n") || pool_free() != 2)
		skip_because("no memory for huge pages");
	softiommu_set("pgsizes", ONLY_4K);
	rig_open(&s->rig, 1);
	scene_map(s);
	fuse_mount(&s->fuse, PAGE);
	atomic_store(&s->fuse.stalls, 1);
	s->pinner = child_run(pin_the_file, s);
	assert_true(wait_until(atomic_load(&s->fuse.stalled), 30));
	assert_ok(pthread_create(&s->leaver, NULL, leave, s));
}

/* Mapping @nr loses its memory. */
static void punch(struct scene *s, unsigned int nr)
{
	assert_ok(fallocate(s->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)(nr * HUGE),
			    HUGE));
}

/* It is kept, as it is refused, and no more. From now on two are unmapped for one. */
static void refuse_and_overreach(struct scene *s, unsigned int nr)
{
	softiommu_set("refuse_all", "1");
	punch(s, nr);
	assert_true(rig_stats(&s->rig).flags & VFIO_IOPF_STATS_FAILED);
	assert_true(rig_stats(&s->rig).pages_kept >= NR_PAGES);
	assert_int_equal(pool_free(), 0);
	softiommu_set("refuse_all", "0");
	softiommu_set("unmap_coarse_pages", "1024");
}

/* The container's lock is free, for those who waited, in the order in which they came. */
static void file_fails(struct scene *s)
{
	fuse_abort();
	child_wait(s->pinner, 30);
}

/* The device has left, and the container is closed. */
static void scene_close(struct scene *s)
{
	atomic_store(&s->go, 1);
	assert_ok(pthread_join(s->leaver, NULL));
	softiommu_set("reset_knobs", "1");
	viopf_container_close(s->rig.c);
	assert_ok(pthread_join(s->fuse.thread, NULL));
}

/* All of the pool is free, and can be given back to the kernel. */
static void pool_is_whole(void)
{
	assert_msg(wait_until(pool_free() == 2, 20), "%u huge pages came back, not 2", pool_free());
	assert_ok(file_write(POOL "nr_hugepages", "0\n"));
	assert_int_equal(number_in(POOL "nr_hugepages"), 0);
}

/* The neighbour's memory goes, before the devices are cut off. */
static void neighbour_is_evicted(void)
{
	struct scene s;

	scene_open(&s);
	refuse_and_overreach(&s, 1);
	punch(&s, 0);
	file_fails(&s);
	cut_off(&s.rig);
	pool_is_whole();
	scene_close(&s);
}

/* The thread that has the device leave waits for the container's lock, its first step. */
static int waits_for_container(struct scene *s)
{
	char path[64], text[4096];
	int tid = atomic_load(&s->tid);

	snprintf(path, sizeof(path), "/proc/self/task/%d/stack", tid);
	return tid && !file_read(path, text, sizeof(text)) && strstr(text, "[vfio_iommu_iopf]");
}

/* The device leaves first, and all that is mapped for it goes. */
static void device_leaves(void)
{
	struct scene s;

	scene_open(&s);
	atomic_store(&s.go, 1);
	assert_true(wait_until(waits_for_container(&s), 30));
	refuse_and_overreach(&s, 1);
	file_fails(&s);
	assert_ok(pthread_join(s.leaver, NULL));
	punch(&s, 0);
	pool_is_whole();
	softiommu_set("reset_knobs", "1");
	viopf_container_close(s.rig.c);
	assert_ok(pthread_join(s.fuse.thread, NULL));
}

/* Of a table that is kept a part is pinned: that has both, and gives both back. */
static void pinned_and_kept(void)
{
	struct rig rig;
	char *p;
	int fd;

	if (file_write(POOL "nr_hugepages", "2\n") || pool_free() != 2)
		skip_because("no memory for huge pages");
	rig_open(&rig, 1);
	fd = memfd_new(2 * HUGE, MFD_HUGETLB | MFD_HUGE_2MB);
	p = mmap(NULL, 2 * HUGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(p != MAP_FAILED);
	rig_map(&rig, p, IOVA_BASE, 2 * HUGE);
	dev_fill(&rig, IOVA_BASE, 2 * HUGE, 1);
	advise(&rig, VFIO_IOPF_ADV_PIN, IOVA_BASE, HUGE);
	softiommu_set("refuse_all", "1");
	assert_ok(munmap(p, 2 * HUGE));
	close(fd);
	assert_int_equal(rig_stats(&rig).pages_kept, 2 * NR_PAGES);
	cut_off(&rig);
	assert_msg(wait_until(pool_free() == 1, 20), "%u huge pages free, not 1", pool_free());
	assert_int_equal(status_kb("VmLck"), HUGE / 1024);
	close_failed(&rig);
	assert_int_equal(status_kb("VmLck"), 0);
	pool_is_whole();
}

#define GIVING(name_, run_, giving_) \
	CASE(name_, run_, .arg = &(giving_), .iopf = EXACT, THREE_IOMMUS)

static const struct suite_case cases[] = {
	CASE("S2 R3 refused, then more is unmapped than asked", neighbours_are_gone_too,
	     .iopf = EXACT, .soft = 1),
	CASE("S2 S8 R3 one domain refuses, another unmaps more", domains_agree, .iopf = EXACT,
	     TWO_IOMMUS),
	CASE("S2 R3 R14 refused, then pinned pages are unmapped too", pinned_neighbours,
	     .iopf = EXACT, .soft = 1),
	CASE("R4 R3 refused in part, the rest and more unmapped", refused_in_part, .iopf = EXACT,
	     .soft = 1),
	GIVING("S2 S8 R3 R13 given back by the first domain, and more", gone_with_neighbours,
	       second_of_two),
	GIVING("S2 S8 R3 R13 given back by the first of three, and more", gone_with_neighbours,
	       second_of_three),
	GIVING("S2 S8 R3 R13 given back by two of three, and more", gone_with_neighbours,
	       third_of_three),
	GIVING("S2 S8 R3 R14 given back, and what is pinned beside it", gone_with_neighbours,
	       beside_a_pin),
	CASE("S2 S8 R3 R14 given back, and what was pinned in the same call", pinned_around,
	     .iopf = EXACT, TWO_IOMMUS),
	GIVING("S2 R3 R13 undone, and more behind it", gone_with_neighbours, undone_at_start),
	GIVING("S2 R3 R13 undone, and more before it", gone_with_neighbours, undone_at_end),
	CASE("S8 R3 given back, and said to be more", gone_alone, .iopf = EXACT, TWO_IOMMUS),
	GIVING("R4 R3 S8 refused to be given back", not_given_back, second_of_two),
	GIVING("R4 R3 refused to be undone", not_given_back, undone_at_start),
	CASE("R16 S8 R3 the page asked for, given back with its neighbour", asked_for_and_lost,
	     .iopf = "aging=0", TWO_IOMMUS),
	CASE("R16 S9 a page whose neighbour can't be mapped", neighbour_fails, .iopf = "aging=0",
	     .soft = 1, .arg = "2"),
	CASE("R16 S9 a page that can't be mapped with its neighbour", neighbour_fails,
	     .iopf = "aging=0", .soft = 1, .arg = "1"),
	CASE("R4 R3 kept pages, and an unmap that takes them along", neighbour_is_evicted,
	     .iopf = EXACT, .soft = 1),
	CASE("R4 R3 kept pages, and a device that leaves", device_leaves, .iopf = EXACT,
	     .soft = 1),
	CASE("R4 R14 pages that are pinned and kept", pinned_and_kept, .iopf = EXACT, .soft = 1),
};

int main(int argc, char **argv)
{
	return SUITE(cases, argc, argv);
}
