// SPDX-License-Identifier: GPL-2.0-only
/*
 * Advice: what is prefetched needs no page request, what is evicted needs one again,
 * and a call that does not get to its end says how far it came. What devices can
 * reach is told page by page, and is what the counters and the page tables say.
 *
 * LANES: stock intel kcsan
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "advice.h"
#include "load.h"
#include "rig.h"
#include "uffd.h"

#define STRIDE		2048u			/* pages that are brought in at a time */
#define NR_PAGES	(2 * STRIDE + 100)
#define SIZE		(NR_PAGES * PAGE)
#define IOVA_SINK	0x800000000ull
#define SEGMENT		(64ull << 20)

#define HUGE_RW	(RW | VFIO_IOPF_PAGE_HUGE)

static unsigned long residency_count(struct rig *rig, uint64_t iova, uint64_t size)
{
	unsigned char *bytes = malloc(size / PAGE);
	unsigned long n = 0;
	size_t i;

	assert_ok(viopf_residency(rig->c, iova, size, bytes));
	for (i = 0; i < size / PAGE; i++)
		n += bytes[i] & R;
	free(bytes);
	return n;
}

/* Memory never touched is brought in and mapped, and no request is left to make. */
static void prefetch_for_writing(void)
{
	struct vfio_iopf_stats before;
	struct rig rig;
	char *p;

	p = rig_open_anon(&rig, SIZE);
	before = rig_stats(&rig);
	advise(&rig, VFIO_IOPF_ADV_PREFETCH_WRITE, IOVA_BASE, SIZE);
	assert_grew(&rig, before, pages_mapped, NR_PAGES);
	assert_grew(&rig, before, resident_pages, NR_PAGES);
	assert_grew(&rig, before, bring_ins, 3);
	assert_grew(&rig, before, segments, 1);
	assert_int_equal(pages_present(p, SIZE), NR_PAGES);
	residency_is(&rig, IOVA_BASE, NR_PAGES, RW);
	verify_residency();
	dev_fill(&rig, IOVA_BASE, SIZE, 1);
	cpu_check(p, SIZE, 1);
	assert_grew(&rig, before, groups, 0);
	assert_grew(&rig, before, faults, 0);

	/* What is there already is passed over. */
	before = rig_stats(&rig);
	advise(&rig, VFIO_IOPF_ADV_PREFETCH_WRITE, IOVA_BASE, SIZE);
	advise(&rig, VFIO_IOPF_ADV_PREFETCH_READ, IOVA_BASE, SIZE);
	advise(&rig, VFIO_IOPF_ADV_PREFETCH_RESIDENT, IOVA_BASE, SIZE);
	assert_grew(&rig, before, pages_mapped, 0);
	assert_grew(&rig, before, bring_ins, 0);
	assert_grew(&rig, before, flushes, 0);
	rig_close(&rig);
}

/* Reading maps the zero page; writing afterwards takes its place, all at once. */
static void prefetch_for_reading(void)
{
	struct vfio_iopf_stats before;
	struct rig rig;

	rig_open_anon(&rig, SIZE);
	before = rig_stats(&rig);
	advise(&rig, VFIO_IOPF_ADV_PREFETCH_READ, IOVA_BASE, SIZE);
	assert_grew(&rig, before, resident_pages, NR_PAGES);
	residency_is(&rig, IOVA_BASE, NR_PAGES, R);
	assert_int_equal(dev_read(&rig, IOVA_BASE, SIZE, SOFTDMA_OK), 0);
	assert_grew(&rig, before, groups, 0);
	assert_int_equal(dev_write(&rig, IOVA_BASE + 7 * PAGE, PAGE, SOFTDMA_OK), 1);

	before = rig_stats(&rig);
	advise(&rig, VFIO_IOPF_ADV_PREFETCH_WRITE, IOVA_BASE, SIZE);
	assert_grew(&rig, before, bring_ins, 3);
	residency_is(&rig, IOVA_BASE, NR_PAGES, RW);
	assert_int_equal(dev_write(&rig, IOVA_BASE, SIZE, SOFTDMA_OK), 0);
	rig_close(&rig);
}

/* Only what is in memory: every other page, and what lies beyond a hole. */
static void prefetch_what_is_resident(void)
{
	struct vfio_iopf_stats before;
	unsigned int i;
	struct rig rig;
	char *p;

	rig_open(&rig, 1);
	p = mem_anon(SIZE);
	assert_ok(munmap(p + 100 * PAGE, 100 * PAGE));
	assert_ok(mprotect(p + 300 * PAGE, 100 * PAGE, PROT_NONE));
	rig_map(&rig, p, IOVA_BASE, SIZE);
	for (i = 0; i < NR_PAGES; i += 2)
		if (i / 100 != 1 && i / 100 != 3)
			p[i * PAGE] = 1;
	before = rig_stats(&rig);
	advise(&rig, VFIO_IOPF_ADV_PREFETCH_RESIDENT, IOVA_BASE, SIZE);
	assert_grew(&rig, before, resident_pages, NR_PAGES / 2 - 100);
	assert_grew(&rig, before, bring_ins, 0);
	for (i = 0; i < NR_PAGES; i++)
		if (i < 500 || i % 97 == 0)
			residency_is(&rig, IOVA_BASE + i * PAGE, 1,
				     i % 2 || i / 100 == 1 || i / 100 == 3 ? 0 : RW);
	assert_int_equal(dev_write(&rig, IOVA_BASE, PAGE, SOFTDMA_OK), 0);
	assert_int_equal(dev_write(&rig, IOVA_BASE + PAGE, PAGE, SOFTDMA_OK), 1);
	rig_close(&rig);
}

/* Huge pages by huge leaves, whole ones, even if only a part was asked for. */
static void prefetch_huge_pages(void)
{
	struct vfio_iopf_stats before;
	struct rig rig;
	char *p;

	rig_open(&rig, 1);
	p = mem_huge(4 * HUGE);
	memset(p, 1, 4 * HUGE);
	if (!is_huge(p, 4 * HUGE))
		skip_because("got no huge pages");
	rig_map(&rig, p, IOVA_BASE, 4 * HUGE);
	before = rig_stats(&rig);
	advise(&rig, VFIO_IOPF_ADV_PREFETCH_WRITE, IOVA_BASE, HUGE);
	advise(&rig, VFIO_IOPF_ADV_PREFETCH_READ, IOVA_BASE + HUGE + PAGE, PAGE);
	advise(&rig, VFIO_IOPF_ADV_PREFETCH_RESIDENT, IOVA_BASE + 2 * HUGE, 2 * HUGE);
	assert_grew(&rig, before, huge_mapped, 4);
	assert_grew(&rig, before, resident_pages, 4 * 512);
	assert_grew(&rig, before, bring_ins, 0);
	residency_is(&rig, IOVA_BASE, 4 * 512, HUGE_RW);
	assert_int_equal(dev_write(&rig, IOVA_BASE, 4 * HUGE, SOFTDMA_OK), 0);

	/* A leaf goes as a whole, and the process keeps its memory. */
	before = rig_stats(&rig);
	advise(&rig, VFIO_IOPF_ADV_EVICT, IOVA_BASE + HUGE + 5 * PAGE, PAGE);
	assert_grew(&rig, before, resident_pages, -512);
	assert_grew(&rig, before, flushes, 1);
	residency_is(&rig, IOVA_BASE + HUGE, 512, 0);
	residency_is(&rig, IOVA_BASE + 2 * HUGE, 2 * 512, HUGE_RW);
	assert_true(is_huge(p, 4 * HUGE));
	rig_close(&rig);
}

static void evict(void)
{
	struct vfio_iopf_stats before;
	struct rig rig;
	uint64_t pfn;
	char *p;

	p = rig_open_anon(&rig, SIZE);
	/* Of what no device has touched there is nothing to evict, and nothing made. */
	before = rig_stats(&rig);
	advise(&rig, VFIO_IOPF_ADV_EVICT, IOVA_BASE, SIZE);
	assert_grew(&rig, before, segments, 0);
	dev_fill(&rig, IOVA_BASE, 64 * PAGE, 1);
	pfn = page_pfn(p + 9 * PAGE);

	before = rig_stats(&rig);
	advise(&rig, VFIO_IOPF_ADV_EVICT, IOVA_BASE + 8 * PAGE, 16 * PAGE);
	assert_grew(&rig, before, resident_pages, -16);
	assert_grew(&rig, before, evictions, 0);
	assert_grew(&rig, before, pages_evicted, 0);
	residency_is(&rig, IOVA_BASE, 8, RW);
	residency_is(&rig, IOVA_BASE + 8 * PAGE, 16, 0);
	residency_is(&rig, IOVA_BASE + 24 * PAGE, 40, RW);
	verify_residency();
	assert_int_equal(page_pfn(p + 9 * PAGE), pfn);
	assert_int_equal(pages_present(p, 64 * PAGE), 64);
	dev_check(&rig, IOVA_BASE, 64 * PAGE, 1);
	assert_grew(&rig, before, groups, 16);
	assert_grew(&rig, before, bring_ins, 0);
	assert_int_equal(page_pfn(p + 9 * PAGE), pfn);
	rig_close(&rig);
}

/* A range over three mappings and four segments, of which one may not be written. */
static void over_mappings_and_segments(void)
{
	uint64_t at = IOVA_BASE + SEGMENT - 64 * PAGE;
	struct vfio_iopf_stats before;
	struct rig rig;
	char *p;

	rig_open(&rig, 1);
	p = mem_anon(128 * PAGE + SEGMENT + 64 * PAGE);
	rig_map(&rig, p, at, 128 * PAGE);
	assert_ok(viopf_map(rig.c, p + 128 * PAGE, at + 128 * PAGE, 64 * PAGE, VIOPF_READ));
	rig_map(&rig, p + 192 * PAGE, at + 192 * PAGE, SEGMENT);
	before = rig_stats(&rig);
	advise(&rig, VFIO_IOPF_ADV_PREFETCH_READ, at + PAGE, 255 * PAGE);
	assert_grew(&rig, before, segments, 4);
	assert_grew(&rig, before, resident_pages, 255);
	residency_is(&rig, at, 1, 0);
	residency_is(&rig, at + PAGE, 255, R);
	residency_is(&rig, at + 256 * PAGE, 1024, 0);
	assert_int_equal(dev_read(&rig, at + PAGE, 255 * PAGE, SOFTDMA_OK), 0);

	before = rig_stats(&rig);
	advise_fails(&rig, VFIO_IOPF_ADV_PREFETCH_WRITE, at + PAGE, 255 * PAGE, EPERM,
		     127 * PAGE);
	residency_is(&rig, at + PAGE, 127, RW);
	residency_is(&rig, at + 128 * PAGE, 128, R);
	advise(&rig, VFIO_IOPF_ADV_EVICT, at, 192 * PAGE + SEGMENT);
	assert_grew(&rig, before, resident_pages, -255);
	advise_fails(&rig, VFIO_IOPF_ADV_EVICT, at, 193 * PAGE + SEGMENT, ENOENT,
		     192 * PAGE + SEGMENT);
	advise_fails(&rig, VFIO_IOPF_ADV_PREFETCH_RESIDENT, at, 193 * PAGE + SEGMENT, ENOENT,
		     192 * PAGE + SEGMENT);
	assert_int_equal(viopf_residency(rig.c, at + 192 * PAGE + SEGMENT - PAGE, 2 * PAGE,
					 (unsigned char *)p), -ENOENT);
	rig_close(&rig);
}

/* Where there is no memory, or not with that permission: up to there it is done. */
static void bad_addresses(void)
{
	struct vfio_iopf_stats before;
	struct rig rig;
	pid_t pid;
	char *p;
	int fd;

	rig_open(&rig, 1);
	p = mem_anon(SIZE);
	assert_ok(munmap(p + 50 * PAGE, PAGE));
	assert_ok(mprotect(p + 60 * PAGE, PAGE, PROT_READ));
	assert_ok(mprotect(p + 70 * PAGE, PAGE, PROT_NONE));
	rig_map(&rig, p, IOVA_BASE, SIZE);
	before = rig_stats(&rig);
	advise_fails(&rig, VFIO_IOPF_ADV_PREFETCH_WRITE, IOVA_BASE, SIZE, EFAULT, 50 * PAGE);
	assert_grew(&rig, before, resident_pages, 50);
	advise_fails(&rig, VFIO_IOPF_ADV_PREFETCH_WRITE, IOVA_BASE + 51 * PAGE, SIZE - 51 * PAGE,
		     EFAULT, 9 * PAGE);
	advise_fails(&rig, VFIO_IOPF_ADV_PREFETCH_READ, IOVA_BASE + 51 * PAGE, SIZE - 51 * PAGE,
		     EFAULT, 19 * PAGE);
	residency_is(&rig, IOVA_BASE + 60 * PAGE, 1, R);
	advise(&rig, VFIO_IOPF_ADV_PREFETCH_WRITE, IOVA_BASE + 71 * PAGE, SIZE - 71 * PAGE);
	rig_check(&rig);

	/* A process that is gone has no memory; nothing more can be evicted either. */
	pid = fork();
	if (!pid) {
		fd = viopf_map(rig.c, p + 100 * PAGE, IOVA_BASE + SIZE, 8 * PAGE, VIOPF_READ);
		_exit(fd ? 1 : 0);
	}
	child_wait(pid, 30);
	advise_fails(&rig, VFIO_IOPF_ADV_PREFETCH_READ, IOVA_BASE + SIZE, 8 * PAGE, EFAULT, 0);
	advise(&rig, VFIO_IOPF_ADV_EVICT, IOVA_BASE + SIZE, 8 * PAGE);
	residency_is(&rig, IOVA_BASE + SIZE, 8, 0);
	rig_close(&rig);
}

static int raw(struct rig *rig, const struct vfio_iopf_advise *arg)
{
	struct vfio_iopf_advise copy = *arg;

	return ioctl(viopf_container_fd(rig->c), VFIO_IOPF_ADVISE, &copy) ? errno : 0;
}

static void bad_arguments(void)
{
	const struct vfio_iopf_advise good = {
		.argsz = sizeof(good), .advice = VFIO_IOPF_ADV_PREFETCH_WRITE,
		.iova = IOVA_BASE, .size = 4 * PAGE,
	};
	struct vfio_iopf_advise bad[9];
	struct rig rig;
	size_t i;
	char *p;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		bad[i] = good;
	bad[0].argsz = offsetof(struct vfio_iopf_advise, done_bytes);
	bad[1].flags = 1;
	bad[2].reserved = 1;
	bad[3].advice = VFIO_IOPF_ADV_UNPIN + 1;
	bad[4].iova++;
	bad[5].size++;
	bad[6].size = 0;
	bad[7].iova = -PAGE;
	bad[8].size = -PAGE;
	p = rig_open_anon(&rig, 4 * PAGE);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		assert_msg(raw(&rig, &bad[i]) == EINVAL, "bad argument %zu", i);
	assert_int_equal(ioctl(viopf_container_fd(rig.c), VFIO_IOPF_ADVISE, NULL), -1);
	assert_int_equal(errno, EFAULT);
	assert_int_equal(mprotect(p, PAGE, PROT_READ), 0);
	assert_int_equal(pages_present(p, 4 * PAGE), 0);
	assert_ok(raw(&rig, &good) == EFAULT ? 0 : 1);

	assert_int_equal(viopf_residency(rig.c, IOVA_BASE + 1, PAGE, (void *)&bad), -EINVAL);
	assert_int_equal(viopf_residency(rig.c, IOVA_BASE, PAGE + 1, (void *)&bad), -EINVAL);
	assert_int_equal(viopf_residency(rig.c, IOVA_BASE, 0, (void *)&bad), -EINVAL);
	assert_int_equal(viopf_residency(rig.c, -PAGE, 2 * PAGE, (void *)&bad), -EINVAL);
	assert_int_equal(viopf_residency(rig.c, IOVA_BASE, PAGE, NULL), -EFAULT);
	assert_int_equal(viopf_residency(rig.c, IOVA_BASE, PAGE, (void *)p), -EFAULT);
	assert_int_equal(viopf_residency(rig.c, IOVA_BASE, PAGE, (void *)-PAGE), -EFAULT);
	rig_close(&rig);

	rig_open_as(&rig, 0, 1, VFIO_TYPE1v2_IOMMU);
	assert_int_equal(raw(&rig, &good), ENOTTY);
	assert_int_equal(viopf_residency(rig.c, IOVA_BASE, PAGE, (void *)&bad), -ENOTTY);
	rig_close(&rig);
}

/* A thread that prefetches memory of which page @hole does not come by itself. */
struct waiting {
	struct rig rig;
	struct uffd u;
	pthread_t thread;
	char *p;
	uint64_t done;
	int ret;
};

#define HOLE	(STRIDE + 500u)

static void *wait_main(void *arg)
{
	struct waiting *w = arg;

	w->ret = viopf_advise(w->rig.c, VFIO_IOPF_ADV_PREFETCH_WRITE, IOVA_BASE, SIZE, &w->done);
	return NULL;
}

static void wait_start(struct waiting *w)
{
	memset(w, 0, sizeof(*w));
	rig_open(&w->rig, 1);
	w->p = mem_anon(SIZE);
	memset(w->p + (HOLE - 100) * PAGE, 1, 100 * PAGE);
	uffd_register(&w->u, uffd_open(), w->p + (HOLE - 100) * PAGE, 101 * PAGE, 0);
	rig_map(&w->rig, w->p, IOVA_BASE, SIZE);
	assert_ok(pthread_create(&w->thread, NULL, wait_main, w));
	assert_ptr_equal(uffd_next(&w->u, AT_ONCE_S), w->p + HOLE * PAGE);
}

static void wait_end(struct waiting *w, int ret, uint64_t done)
{
	assert_ok(pthread_join(w->thread, NULL));
	assert_int_equal(w->ret, ret);
	assert_int_equal(w->done, done);
}

static void nothing(int sig)
{
	(void)sig;
}

static void interrupted_by_a_signal(void)
{
	struct sigaction sa = { .sa_handler = nothing, .sa_flags = SA_RESTART };
	struct waiting w;

	assert_ok(sigaction(SIGUSR1, &sa, NULL));
	wait_start(&w);
	assert_ok(pthread_kill(w.thread, SIGUSR1));
	wait_end(&w, -EINTR, HOLE * PAGE);
	residency_is(&w.rig, IOVA_BASE, HOLE, RW);
	residency_is(&w.rig, IOVA_BASE + HOLE * PAGE, NR_PAGES - HOLE, 0);
	/* And on from where it was. */
	uffd_serve(&w.u, 5);
	advise(&w.rig, VFIO_IOPF_ADV_PREFETCH_WRITE, IOVA_BASE + w.done, SIZE - w.done);
	residency_is(&w.rig, IOVA_BASE, NR_PAGES, RW);
	uffd_stop(&w.u);
	rig_close(&w.rig);
}

/* Nobody waits for a prefetch: other calls and faults go on, and it can be killed. */
static void blocks_nobody(void)
{
	struct waiting w;
	double start;

	wait_start(&w);
	start = now_s();
	dev_fill(&w.rig, IOVA_BASE, 8 * PAGE, 1);
	advise(&w.rig, VFIO_IOPF_ADV_EVICT, IOVA_BASE, SIZE);
	assert_ok(madvise(w.p, 8 * PAGE, MADV_DONTNEED));
	advise(&w.rig, VFIO_IOPF_ADV_PREFETCH_WRITE, IOVA_BASE, HOLE * PAGE);
	assert_ok(viopf_unmap(w.rig.c, IOVA_BASE, SIZE, NULL));
	assert_at_once(start);
	assert_int_equal(rig_stats(&w.rig).segments, 1);	/* of the rings */
	/* Memory comes, for a mapping that is gone. */
	uffd_deliver(&w.u, w.p + HOLE * PAGE);
	wait_end(&w, -ENOENT, HOLE * PAGE);
	rig_close(&w.rig);
}

/* The process dies in a prefetch that nobody will end. */
static void dies_in_it(void *arg)
{
	static struct waiting w;

	(void)arg;
	wait_start(&w);
	assert_ok(pthread_create(&w.thread, NULL, wait_main, &w));
	kill(getpid(), SIGKILL);
}

static void killed(void)
{
	int status = child_reap(child_run(dies_in_it, NULL), AT_ONCE_S);

	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* Memory is charged to whom it belongs to, not to who advises. */
static void charged_to_the_owner(void)
{
	static struct rig rig;
	unsigned long long before;
	int go[2];
	char *p, c;
	pid_t pid;

	cgroup_make("max", "max");
	rig_open(&rig, 1);
	p = mem_anon(SIZE);
	assert_ok(pipe(go));
	pid = fork();
	if (!pid) {
		close(go[1]);
		cgroup_enter(CGROUP);
		if (viopf_map(rig.c, p, IOVA_BASE, SIZE, VIOPF_READ | VIOPF_WRITE))
			_exit(1);
		_exit(read(go[0], &c, 1) ? 2 : 0);
	}
	assert_true(wait_until(!viopf_residency(rig.c, IOVA_BASE, PAGE, (void *)&c), 30));
	before = cgroup_number("memory.current");
	advise(&rig, VFIO_IOPF_ADV_PREFETCH_WRITE, IOVA_BASE, SIZE);
	/* The kernel charges in batches: some of it may be charged already. */
	assert_true(cgroup_number("memory.current") + 256 * PAGE >= before + SIZE);
	assert_int_equal(pages_present(p, SIZE), 0);
	residency_is(&rig, IOVA_BASE, NR_PAGES, RW);
	close(go[1]);
	child_wait(pid, 30);
	assert_true(wait_until(!residency_count(&rig, IOVA_BASE, SIZE), 30));
	rig_close(&rig);
}

#define NR_CLEAN	64u

/* What was swapped out and only read since is clean: written, it must become dirty. */
static void no_write_is_lost(void)
{
	struct vfio_iopf_stats before;
	unsigned int i, sum = 0;
	struct rig rig;
	char *p;

	swap_on_loop(32);
	p = rig_open_anon(&rig, NR_CLEAN * PAGE);
	memset(p, 1, NR_CLEAN * PAGE);
	page_out(p, NR_CLEAN * PAGE);
	for (i = 0; i < NR_CLEAN; i++)
		sum += p[i * PAGE];
	assert_int_equal(sum, NR_CLEAN);
	before = rig_stats(&rig);
	advise(&rig, VFIO_IOPF_ADV_PREFETCH_READ, IOVA_BASE, NR_CLEAN * PAGE);
	assert_grew(&rig, before, dirtied_pages, 0);
	advise(&rig, VFIO_IOPF_ADV_PREFETCH_WRITE, IOVA_BASE, NR_CLEAN * PAGE);
	residency_is(&rig, IOVA_BASE, NR_CLEAN, RW);
	dev_fill(&rig, IOVA_BASE, NR_CLEAN * PAGE, 8);
	assert_grew(&rig, before, groups, 0);
	page_out(p, NR_CLEAN * PAGE);
	cpu_check(p, NR_CLEAN * PAGE, 8);
	rig_close(&rig);
}

/* Advice, DMA and the mm at once, for some time; no byte is wrong. */
static void during_dma(void)
{
	static struct load loads[2];
	unsigned int i, at;
	struct rig rig;
	char *p;

	rig_open(&rig, 1);
	rig_start_queue(&rig, 0, 1);
	p = mem_anon(8 * HUGE);
	sdma_pattern_fill(p, 4 * HUGE, 3, 0);
	rig_map(&rig, p, IOVA_BASE, 8 * HUGE);
	loads[0] = (struct load){ .rig = &rig, .kind = LOAD_CHECK, .p = p, .iova = IOVA_BASE,
				  .size = 4 * HUGE, .seed = 3 };
	loads[1] = (struct load){ .rig = &rig, .queue = 1, .kind = LOAD_WRITE, .p = p + 4 * HUGE,
				  .iova = IOVA_BASE + 4 * HUGE, .size = HUGE, .seed = 9 };
	for (i = 0; i < 2; i++)
		load_start(&loads[i], IOVA_SINK);
	for (i = 0; i < rounds(60); i++) {
		at = i * 37 % 8;
		advise(&rig, VFIO_IOPF_ADV_EVICT, IOVA_BASE + i * 61 % 1024 * PAGE, 512 * PAGE);
		advise(&rig, i % 3, IOVA_BASE + at * HUGE / 2, 4 * HUGE);
		if (i % 4 == 0)
			mprotect(p + at * HUGE / 2, HUGE / 2, PROT_READ);
		if (i % 4 == 1) {
			madvise(p + at % 4 * HUGE, HUGE, MADV_HUGEPAGE);
			collapse(p + at % 4 * HUGE);
		}
		mprotect(p, 8 * HUGE, PROT_READ | PROT_WRITE);
		verify_residency();
	}
	for (i = 0; i < 2; i++) {
		load_progress(&loads[i], 1);
		load_stop(&loads[i]);
	}
	rig_close(&rig);
}

/* Asking costs nothing, and the sum of the answers is the counter. */
static void residency_adds_up(void)
{
	struct vfio_iopf_stats s;
	unsigned int i, rings;
	uint64_t size, tables;
	struct rig rig;
	char *p;

	rig_open(&rig, 2);
	rings = rig_stats(&rig).resident_pages;
	size = 64 * SEGMENT;
	p = mem_anon(size);
	rig_map(&rig, p, IOVA_BASE, size);
	s = rig_stats(&rig);
	tables = softiommu_stat("table_pages");
	assert_int_equal(residency_count(&rig, IOVA_BASE, size), 0);
	assert_grew(&rig, s, segments, 0);
	assert_int_equal(softiommu_stat("table_pages"), tables);
	for (i = 0; i < 200; i++) {
		uint64_t at = i * 2654435761ull % (size / PAGE) * PAGE;

		dev_write(&rig, IOVA_BASE + at, PAGE, SOFTDMA_OK);
		residency_is(&rig, IOVA_BASE + at, 1, RW);
		if (i % 5 == 0)
			assert_ok(madvise(p + at, PAGE, MADV_DONTNEED));
		if (i % 50 == 49)
			assert_int_equal(residency_count(&rig, IOVA_BASE, size),
					 rig_stats(&rig).resident_pages - rings);
	}
	assert_int_equal(residency_count(&rig, IOVA_BASE, size), 160);
	verify_residency();
	rig_close(&rig);
}

static const struct suite_case cases[] = {
	CASE("R14 S12 prefetch for writing", prefetch_for_writing, .iopf = EXACT),
	CASE("R14 S12 prefetch for reading", prefetch_for_reading, .iopf = EXACT),
	CASE("R14 S12 prefetch what is resident", prefetch_what_is_resident, .iopf = EXACT),
	CASE("R14 R12 prefetch huge pages", prefetch_huge_pages, .iopf = EXACT),
	CASE("R14 evict", evict, .iopf = EXACT),
	CASE("R14 over mappings and segments", over_mappings_and_segments, .iopf = EXACT),
	CASE("R14 bad addresses", bad_addresses),
	CASE("R14 bad arguments", bad_arguments),
	CASE("R14 interrupted by a signal", interrupted_by_a_signal),
	CASE("R14 a prefetch blocks nobody", blocks_nobody),
	CASE("R14 killed in a prefetch", killed),
	CASE("R14 charged to the owner", charged_to_the_owner),
	CASE("R14 S8 no write is lost by a prefetch", no_write_is_lost),
	CASE("R14 S1 advice during DMA", during_dma, .limit_s = 180),
	CASE("R14 what is resident adds up", residency_adds_up, .iopf = EXACT, .soft = 1),
};

int main(int argc, char **argv)
{
	return SUITE(cases, argc, argv);
}
