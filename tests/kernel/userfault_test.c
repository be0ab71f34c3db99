// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page requests that user space decides on: it gets each of them, its answer is the
 * device's, exactly one for each, and whatever becomes of whoever reads them, nobody
 * else waits for that.
 *
 * LANES: stock intel uml-debug
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "handled.h"
#include "load.h"
#include "uffd.h"

#define NR_PAGES	HANDLED_PAGES
#define SIZE		HANDLED_SIZE
#define IOVA_OTHER	(IOVA_BASE + HUGE)
#define IOVA_SINK	0x800000000ull
#define MAX		VFIO_IOPF_FAULT_GROUP_MAX

static void each_code(void)
{
	struct vfio_iopf_stats before;
	struct handled h;
	uint32_t cookie;

	handled_open(&h, 1);
	before = rig_stats(&h.rig);

	cookie = ask_and_take(&h, 0, 1, 0);
	assert_grew(&h.rig, before, faults_waiting, 1);
	assert_pending(&h.rig, 1);
	assert_grew(&h.rig, before, faults_user, 1);
	assert_grew(&h.rig, before, resident_pages, 0);
	decide(&h, cookie, VFIO_IOPF_FAULT_CONTINUE);
	ends(&h, 0, 1, SOFTDMA_OK);
	assert_grew(&h.rig, before, resp_success, 1);
	assert_grew(&h.rig, before, resident_pages, 1);

	cookie = ask_and_take(&h, 0, 1, 1);
	decide(&h, cookie, VFIO_IOPF_FAULT_INVALID);
	ends(&h, 0, 1, SOFTDMA_FAULT_INVALID);
	assert_grew(&h.rig, before, resp_invalid, 1);

	cookie = ask_and_take(&h, 0, 1, 2);
	decide(&h, cookie, VFIO_IOPF_FAULT_FAILURE);
	ends(&h, 0, 1, SOFTDMA_FAULT_FAILURE);
	assert_grew(&h.rig, before, resp_failure, 1);

	assert_grew(&h.rig, before, faults_waiting, 0);
	assert_grew(&h.rig, before, faults_user, 3);
	assert_grew(&h.rig, before, requests, 3);
	assert_grew(&h.rig, before, resident_pages, 1);
	handled_close(&h);
}

/* Agreed to is what was asked for: no neighbour, no huge page. */
static void only_what_was_asked_for(void)
{
	struct vfio_iopf_stats before;
	struct handled h;
	unsigned int page;
	char *huge;

	handled_open(&h, 1);
	before = rig_stats(&h.rig);
	for (page = 0; page < 8; page++) {
		decide(&h, ask_and_take(&h, 0, 1, page), VFIO_IOPF_FAULT_CONTINUE);
		ends(&h, 0, 1, SOFTDMA_OK);
	}
	assert_grew(&h.rig, before, resident_pages, 8);

	huge = mem_huge(HUGE);
	memset(huge, 0, HUGE);
	assert_ok(viopf_unmap(h.rig.c, IOVA_BASE, SIZE, NULL));
	assert_ok(viopf_map(h.rig.c, huge, IOVA_BASE, HUGE, HANDLED_RIGHTS));
	before = rig_stats(&h.rig);
	ask(&h, 0, 1, 5);
	decide(&h, take(&h, 5, VFIO_IOPF_FAULT_PERM_READ), VFIO_IOPF_FAULT_CONTINUE);
	assert_int_equal(sdma_wait(&h.rig.dma[0].q[1], 0, DMA_LIMIT_MS, NULL), SOFTDMA_OK);
	assert_grew(&h.rig, before, resident_pages, 1);
	handled_close(&h);
}

static void permissions(void)
{
	struct softdma_desc fill = sdma_fill(IOVA_BASE, PAGE, 1, 0);
	struct vfio_iopf_stats before;
	struct handled h;

	handled_open(&h, 1);
	assert_ok(sdma_submit(&h.rig.dma[0].q[1], &fill, 1));
	decide(&h, take(&h, 0, VFIO_IOPF_FAULT_PERM_WRITE), VFIO_IOPF_FAULT_CONTINUE);
	assert_int_equal(sdma_wait(&h.rig.dma[0].q[1], 0, DMA_LIMIT_MS, NULL), SOFTDMA_OK);
	cpu_check(h.p, PAGE, 1);

	/* What the mapping does not permit is nobody's to agree to. */
	assert_ok(viopf_unmap(h.rig.c, IOVA_BASE, SIZE, NULL));
	assert_ok(viopf_map(h.rig.c, h.p, IOVA_BASE, SIZE, VIOPF_READ | VIOPF_USER));
	before = rig_stats(&h.rig);
	dev_write(&h.rig, IOVA_BASE, PAGE, SOFTDMA_FAULT_INVALID);
	assert_grew(&h.rig, before, faults_user, 0);

	/* CONTINUE is SUCCESS only if there is something to be mapped. */
	assert_ok(munmap(h.p, PAGE));
	decide(&h, ask_and_take(&h, 0, 1, 0), VFIO_IOPF_FAULT_CONTINUE);
	ends(&h, 0, 1, SOFTDMA_FAULT_INVALID);
	handled_close(&h);
}

/* Three groups, read at once, decided on in another order, by one write. */
static void out_of_order(void)
{
	struct vfio_iopf_fault_response r[3];
	struct vfio_iopf_fault f[MAX];
	struct vfio_iopf_stats before;
	struct handled h;
	unsigned int i;

	handled_open(&h, 1);
	before = rig_stats(&h.rig);
	for (i = 0; i < 3; i++) {
		ask(&h, 0, i + 1, 10 + i);
		wait_for(&h, i + 1);
	}
	assert_int_equal(viopf_fault_read(h.fd, f, MAX), 3);
	for (i = 0; i < 3; i++) {
		assert_int_equal(f[i].iova, IOVA_BASE + (10 + i) * PAGE);
		assert_int_equal(f[i].flags, VFIO_IOPF_FAULT_LAST);
		r[2 - i] = (struct vfio_iopf_fault_response) {
			.cookie = f[i].cookie,
			.code = i == 1 ? VFIO_IOPF_FAULT_INVALID : VFIO_IOPF_FAULT_CONTINUE,
		};
	}
	assert_int_equal(viopf_fault_read(h.fd, f, MAX), -EAGAIN);
	assert_int_equal(write(h.fd, r, sizeof(r)), sizeof(r));
	ends(&h, 0, 3, SOFTDMA_OK);
	ends(&h, 0, 2, SOFTDMA_FAULT_INVALID);
	ends(&h, 0, 1, SOFTDMA_OK);
	assert_grew(&h.rig, before, resp_success, 2);
	assert_grew(&h.rig, before, resp_invalid, 1);
	assert_grew(&h.rig, before, faults_user, 3);
	handled_close(&h);
}

/* A group of several pages is handed up, and decided on, as a whole. */
static void group_of_pages(void)
{
	struct softdma_desc check = sdma_check(IOVA_BASE - 4 * PAGE, 8 * PAGE, 1, 0);
	struct vfio_iopf_fault f[MAX];
	struct vfio_iopf_stats before;
	struct handled h;
	char *low;
	unsigned int i;

	handled_open(&h, 1);
	/* Half of it in memory that nobody is asked about. */
	low = mem_anon(4 * PAGE);
	sdma_pattern_fill(low, 4 * PAGE, 1, 0);
	sdma_pattern_fill(h.p, 4 * PAGE, 1, 4 * PAGE);
	rig_map(&h.rig, low, IOVA_BASE - 4 * PAGE, 4 * PAGE);
	before = rig_stats(&h.rig);
	check.flags = SOFTDMA_F_GROUP(8);
	assert_ok(sdma_submit(&h.rig.dma[0].q[1], &check, 1));
	wait_for(&h, 1);

	assert_int_equal(viopf_fault_read(h.fd, f, 7), -EINVAL);
	assert_int_equal(viopf_fault_read(h.fd, f, 0), -EINVAL);
	assert_int_equal(read(h.fd, f, 8 * sizeof(f[0]) - 1), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(viopf_fault_read(h.fd, f, 8), 8);
	for (i = 0; i < 8; i++) {
		assert_int_equal(f[i].cookie, f[0].cookie);
		assert_int_equal(f[i].flags, i == 7 ? VFIO_IOPF_FAULT_LAST : 0);
		assert_int_equal(f[i].perm, VFIO_IOPF_FAULT_PERM_READ);
		assert_true(f[i].iova >= IOVA_BASE - 4 * PAGE && f[i].iova < IOVA_BASE + 4 * PAGE);
	}
	decide(&h, f[0].cookie, VFIO_IOPF_FAULT_CONTINUE);
	ends(&h, 0, 1, SOFTDMA_OK);
	assert_grew(&h.rig, before, groups, 1);
	assert_grew(&h.rig, before, requests, 8);
	assert_grew(&h.rig, before, resident_pages, 8);
	assert_grew(&h.rig, before, resp_success, 1);
	handled_close(&h);
}

struct reader {
	int fd, got, err;
	struct vfio_iopf_fault f;
};

static void *read_one(void *arg)
{
	struct reader *r = arg;
	ssize_t got = read(r->fd, &r->f, sizeof(r->f));

	r->err = got < 0 ? errno : 0;
	r->got = (int)got;
	return NULL;
}

static void on_signal(int nr)
{
	(void)nr;
}

static void blocking_and_not(void)
{
	struct itimerval soon = { .it_value.tv_usec = 50000, .it_interval.tv_usec = 50000 };
	struct itimerval never = { 0 };
	struct sigaction sa = { .sa_handler = on_signal };
	struct pollfd pfd;
	struct handled h;
	struct reader r;
	pthread_t thread;

	handled_open(&h, 1);
	r = (struct reader){ .fd = h.fd };
	pfd = (struct pollfd){ .fd = h.fd, .events = POLLIN | POLLOUT };
	read_one(&r);
	assert_int_equal(r.got, -1);
	assert_int_equal(r.err, EAGAIN);
	assert_int_equal(poll(&pfd, 1, 0), 1);
	assert_int_equal(pfd.revents, POLLOUT);

	assert_ok(fcntl(h.fd, F_SETFL, 0));
	assert_ok(sigaction(SIGALRM, &sa, NULL));
	assert_ok(setitimer(ITIMER_REAL, &soon, NULL));
	read_one(&r);
	assert_ok(setitimer(ITIMER_REAL, &never, NULL));
	assert_int_equal(r.got, -1);
	assert_int_equal(r.err, EINTR);

	assert_ok(pthread_create(&thread, NULL, read_one, &r));
	ask(&h, 0, 1, 3);
	assert_ok(pthread_join(thread, NULL));
	assert_int_equal(r.got, sizeof(r.f));
	decide(&h, r.f.cookie, VFIO_IOPF_FAULT_CONTINUE);
	ends(&h, 0, 1, SOFTDMA_OK);
	handled_close(&h);
}

/* Without a reader, before and after, the answer is INVALID. */
static void nobody_there(void)
{
	struct vfio_iopf_stats before;
	struct handled h;

	handled_open(&h, 1);
	ask_and_take(&h, 0, 1, 0);
	ask(&h, 0, 2, 1);
	wait_for(&h, 2);
	before = rig_stats(&h.rig);
	close(h.fd);
	ends(&h, 0, 1, SOFTDMA_FAULT_INVALID);
	ends(&h, 0, 2, SOFTDMA_FAULT_INVALID);
	assert_grew(&h.rig, before, resp_invalid, 2);
	dev_read(&h.rig, IOVA_BASE, PAGE, SOFTDMA_FAULT_INVALID);
	assert_grew(&h.rig, before, resp_invalid, 3);
	assert_grew(&h.rig, before, faults_user, 0);

	h.fd = viopf_fault_fd(h.rig.c);
	assert_true(h.fd >= 0);
	decide(&h, ask_and_take(&h, 0, 1, 0), VFIO_IOPF_FAULT_CONTINUE);
	ends(&h, 0, 1, SOFTDMA_OK);
	handled_close(&h);
}

/* A reader in a process of its own: reads one request, and no more. */
struct child_reader {
	struct handled *h;
	int tell;
};

static void read_and_stay(void *arg)
{
	struct child_reader *c = arg;

	take(c->h, 0, VFIO_IOPF_FAULT_PERM_READ);
	assert_int_equal(write(c->tell, "", 1), 1);
	for (;;)
		pause();
}

static void reader_killed(void)
{
	struct child_reader c;
	struct handled h;
	int tell[2];
	pid_t pid;
	char ch;

	handled_open(&h, 1);
	assert_ok(pipe(tell));
	c = (struct child_reader){ .h = &h, .tell = tell[1] };
	pid = child_run(read_and_stay, &c);
	close(h.fd);
	h.fd = -1;
	ask(&h, 0, 1, 0);
	assert_int_equal(read(tell[0], &ch, 1), 1);
	ask(&h, 0, 2, 1);
	wait_for(&h, 2);
	assert_ok(kill(pid, SIGKILL));
	child_reap(pid, AT_ONCE_S);
	ends(&h, 0, 1, SOFTDMA_FAULT_INVALID);
	ends(&h, 0, 2, SOFTDMA_FAULT_INVALID);
	handled_close(&h);
}

/* Nobody decides: neither workers, nor other faults, nor evictions mind. */
static void nobody_waits(void)
{
	struct vfio_iopf_stats before;
	struct handled h;
	uint32_t cookie[3];
	unsigned int i;
	double start;
	char *other;

	handled_open(&h, 1);
	other = mem_anon(SIZE);
	rig_map(&h.rig, other, IOVA_OTHER, SIZE);
	decide(&h, ask_and_take(&h, 0, 1, 5), VFIO_IOPF_FAULT_CONTINUE);
	ends(&h, 0, 1, SOFTDMA_OK);
	for (i = 0; i < 3; i++)
		cookie[i] = ask_and_take(&h, 0, i + 1, i);

	dev_fill(&h.rig, IOVA_OTHER, SIZE, 3);
	cpu_check(other, SIZE, 3);
	before = rig_stats(&h.rig);
	start = now_s();
	assert_ok(madvise(h.p, SIZE, MADV_DONTNEED));
	assert_ok(madvise(other, SIZE, MADV_DONTNEED));
	assert_at_once(start);
	assert_grew(&h.rig, before, evictions, 2);
	assert_grew(&h.rig, before, faults_waiting, 0);

	sdma_pattern_fill(h.p, SIZE, 1, 0);
	for (i = 0; i < 3; i++)
		decide(&h, cookie[i], VFIO_IOPF_FAULT_CONTINUE);
	for (i = 0; i < 3; i++)
		ends(&h, 0, i + 1, SOFTDMA_OK);
	assert_true(rig_stats(&h.rig).workers <= before.workers);
	handled_close(&h);
}

static void unmapped(void)
{
	struct vfio_iopf_stats before;
	struct handled h;
	uint32_t gone, stays;
	double start;
	char *other;

	handled_open(&h, 1);
	other = mem_anon(SIZE);
	assert_ok(viopf_map(h.rig.c, other, IOVA_OTHER, SIZE, HANDLED_RIGHTS));
	gone = ask_and_take(&h, 0, 1, 0);
	stays = ask_and_take(&h, 0, 2, HUGE / PAGE);
	ask(&h, 0, 3, 1);
	wait_for(&h, 3);
	before = rig_stats(&h.rig);
	start = now_s();
	assert_ok(viopf_unmap(h.rig.c, IOVA_BASE, SIZE, NULL));
	assert_at_once(start);
	assert_grew(&h.rig, before, resp_invalid, 2);
	ends(&h, 0, 1, SOFTDMA_FAULT_INVALID);
	ends(&h, 0, 3, SOFTDMA_FAULT_INVALID);
	assert_int_equal(rig_stats(&h.rig).faults_waiting, 1);
	assert_int_equal(viopf_fault_answer(h.fd, gone, VFIO_IOPF_FAULT_CONTINUE), -ENOENT);
	decide(&h, stays, VFIO_IOPF_FAULT_CONTINUE);
	assert_int_equal(sdma_wait(&h.rig.dma[0].q[2], 0, DMA_LIMIT_MS, NULL), SOFTDMA_OK);

	/* Mapped again it is asked about again. */
	assert_ok(viopf_map(h.rig.c, h.p, IOVA_BASE, SIZE, HANDLED_RIGHTS));
	decide(&h, ask_and_take(&h, 0, 1, 0), VFIO_IOPF_FAULT_CONTINUE);
	ends(&h, 0, 1, SOFTDMA_OK);
	handled_close(&h);
}

/* A group that is agreed to, and stays in the queue, as the only worker is busy. */
struct agreed {
	struct handled h;
	struct uffd u;
	char *slow;
};

static void agreed_begin(struct agreed *a)
{
	struct softdma_desc check = sdma_check(IOVA_OTHER, PAGE, 41, 0);

	handled_open(&a->h, 1);
	a->slow = mem_anon(PAGE);
	uffd_register(&a->u, uffd_open(), a->slow, PAGE, 0);
	a->u.seed = 41;
	rig_map(&a->h.rig, a->slow, IOVA_OTHER, PAGE);
	ask(&a->h, 0, 1, 0);
	wait_for(&a->h, 1);
	assert_ok(sdma_submit(&a->h.rig.dma[0].q[2], &check, 1));
	assert_ptr_equal(uffd_next(&a->u, 30), a->slow);
	decide(&a->h, take(&a->h, 0, VFIO_IOPF_FAULT_PERM_READ), VFIO_IOPF_FAULT_CONTINUE);
	assert_int_equal(rig_stats(&a->h.rig).faults_waiting, 0);
}

static void agreed_end(struct agreed *a)
{
	ends(&a->h, 0, 1, SOFTDMA_OK);
	assert_int_equal(sdma_wait(&a->h.rig.dma[0].q[2], 0, DMA_LIMIT_MS, NULL), SOFTDMA_OK);
	handled_close(&a->h);
}

/* Consent is to the mapping that there was: not to the next at its place. */
static void consent_ends_with_the_mapping(void)
{
	struct agreed a;

	agreed_begin(&a);
	assert_ok(viopf_unmap(a.h.rig.c, IOVA_BASE, SIZE, NULL));
	assert_ok(viopf_map(a.h.rig.c, a.h.p, IOVA_BASE, SIZE, HANDLED_RIGHTS));
	uffd_deliver(&a.u, a.slow);
	decide(&a.h, take(&a.h, 0, VFIO_IOPF_FAULT_PERM_READ), VFIO_IOPF_FAULT_CONTINUE);
	agreed_end(&a);
}

/* Who maps and unmaps elsewhere without pause would have it asked about for ever. */
static void consent_stays_elsewhere(void)
{
	struct vfio_iopf_stats before;
	struct agreed a;

	agreed_begin(&a);
	before = rig_stats(&a.h.rig);
	assert_ok(viopf_map(a.h.rig.c, a.h.p, IOVA_SINK, SIZE, HANDLED_RIGHTS));
	assert_ok(viopf_unmap(a.h.rig.c, IOVA_SINK, SIZE, NULL));
	uffd_deliver(&a.u, a.slow);
	ends(&a.h, 0, 1, SOFTDMA_OK);
	assert_grew(&a.h.rig, before, faults_user, 0);
	agreed_end(&a);
}

/* The device of some goes: only those are answered. */
static void detached(void)
{
	struct vfio_iopf_stats before;
	struct handled h;
	uint32_t gone, stays;

	handled_open(&h, 2);
	gone = ask_and_take(&h, 1, 1, 0);
	stays = ask_and_take(&h, 0, 1, 1);
	ask(&h, 1, 2, 2);
	wait_for(&h, 3);
	before = rig_stats(&h.rig);
	viopf_device_close(h.rig.dev[1]);
	assert_ok(viopf_group_remove(h.rig.c, h.rig.bdf[1]));
	h.rig.nr = 1;
	assert_grew(&h.rig, before, resp_invalid, 2);
	assert_grew(&h.rig, before, faults_waiting, -2);
	assert_int_equal(viopf_fault_answer(h.fd, gone, VFIO_IOPF_FAULT_CONTINUE), -ENOENT);
	decide(&h, stays, VFIO_IOPF_FAULT_CONTINUE);
	ends(&h, 0, 1, SOFTDMA_OK);
	handled_close(&h);
}

/* The container goes first: the file stays, and says so. */
static void container_closed(void)
{
	struct vfio_iopf_fault f[MAX];
	struct handled h;
	struct reader r;
	struct pollfd pfd;
	pthread_t thread;
	uint32_t cookie;
	double start;

	handled_open(&h, 1);
	cookie = ask_and_take(&h, 0, 1, 0);
	assert_ok(fcntl(h.fd, F_SETFL, 0));
	r = (struct reader){ .fd = h.fd, .got = -1 };
	assert_ok(pthread_create(&thread, NULL, read_one, &r));
	start = now_s();
	viopf_device_close(h.rig.dev[0]);
	viopf_container_close(h.rig.c);
	assert_at_once(start);
	assert_ok(pthread_join(thread, NULL));
	assert_int_equal(r.got, 0);

	pfd = (struct pollfd){ .fd = h.fd, .events = POLLIN | POLLOUT };
	assert_int_equal(poll(&pfd, 1, 0), 1);
	assert_int_equal(pfd.revents, POLLHUP);
	assert_int_equal(viopf_fault_read(h.fd, f, MAX), 0);
	assert_int_equal(viopf_fault_answer(h.fd, cookie, VFIO_IOPF_FAULT_CONTINUE), -ENODEV);
	close(h.fd);
	rig_open(&h.rig, 1);
	rig_close(&h.rig);
}

static void be_undecided(void *arg)
{
	struct child_reader *c = arg;
	struct handled h;

	handled_open(&h, 1);
	ask_and_take(&h, 0, 1, 0);
	ask(&h, 0, 2, 1);
	wait_for(&h, 2);
	assert_int_equal(write(c->tell, "", 1), 1);
	for (;;)
		pause();
}

static void client_killed(void)
{
	struct child_reader c;
	struct rig rig;
	int tell[2];
	pid_t pid;
	char ch;

	assert_ok(pipe(tell));
	c = (struct child_reader){ .tell = tell[1] };
	pid = child_run(be_undecided, &c);
	close(tell[1]);
	assert_int_equal(read(tell[0], &ch, 1), 1);
	assert_ok(kill(pid, SIGKILL));
	child_reap(pid, AT_ONCE_S);
	rig_open(&rig, 1);
	rig_close(&rig);
}

/* A container that is cut off stops devices that wait for a decision, too. */
static void container_failed(void)
{
	struct handled h;
	uint32_t cookie;

	handled_open(&h, 1);
	decide(&h, ask_and_take(&h, 0, 1, 0), VFIO_IOPF_FAULT_CONTINUE);
	ends(&h, 0, 1, SOFTDMA_OK);
	cookie = ask_and_take(&h, 0, 1, 1);
	softiommu_set("refuse_all", "1\n");
	assert_ok(madvise(h.p, PAGE, MADV_DONTNEED));
	wait_for(&h, 0);
	assert_int_equal(viopf_fault_answer(h.fd, cookie, VFIO_IOPF_FAULT_CONTINUE), -ENOENT);
	assert_pending(&h.rig, 0);
	assert_int_equal(rig_stats(&h.rig).resp_failure, 1);
	softiommu_set("reset_knobs", "1\n");
	close(h.fd);
	assert_int_equal(viopf_fault_fd(h.rig.c), -ENODEV);
	viopf_device_close(h.rig.dev[0]);
	viopf_container_close(h.rig.c);
}

/* Who never decides has so many waiting, and no more. */
static void too_many(void)
{
	struct vfio_iopf_stats before;
	uint32_t first, second;
	struct handled h;

	handled_open(&h, 2);
	before = rig_stats(&h.rig);
	first = ask_and_take(&h, 0, 1, 0);
	second = ask_and_take(&h, 0, 2, 1);
	ask(&h, 1, 1, 2);
	ends(&h, 1, 1, SOFTDMA_FAULT_FAILURE);
	assert_grew(&h.rig, before, faults_waiting, 2);
	assert_grew(&h.rig, before, faults_user, 2);
	assert_grew(&h.rig, before, resp_failure, 1);
	decide(&h, second, VFIO_IOPF_FAULT_CONTINUE);
	ends(&h, 0, 2, SOFTDMA_OK);
	decide(&h, first, VFIO_IOPF_FAULT_CONTINUE);
	ends(&h, 0, 1, SOFTDMA_OK);
	handled_close(&h);
}

/* And one may wait, whatever the parameter says; there is a worker, too. */
static void one_may(void)
{
	struct vfio_iopf_stats before;
	struct handled h;
	uint32_t cookie;

	handled_open(&h, 2);
	before = rig_stats(&h.rig);
	cookie = ask_and_take(&h, 0, 1, 0);
	ask(&h, 1, 1, 1);
	ends(&h, 1, 1, SOFTDMA_FAULT_FAILURE);
	assert_grew(&h.rig, before, faults_waiting, 1);
	assert_grew(&h.rig, before, resp_failure, 1);
	decide(&h, cookie, VFIO_IOPF_FAULT_CONTINUE);
	ends(&h, 0, 1, SOFTDMA_OK);
	assert_int_equal(rig_stats(&h.rig).workers, 1);
	handled_close(&h);
}

static void *agree_to_all(void *arg)
{
	struct vfio_iopf_fault f[MAX];
	int fd = *(int *)arg, i, n;

	while ((n = viopf_fault_read(fd, f, MAX)) > 0) {
		for (i = 0; i < n; i++) {
			if (f[i].flags & VFIO_IOPF_FAULT_LAST)
				viopf_fault_answer(fd, f[i].cookie, VFIO_IOPF_FAULT_CONTINUE);
		}
	}
	return NULL;
}

/* With all of it going on, evictions too, the data is right. */
static void under_load(void)
{
	struct load reader, writer;
	struct handled h;
	pthread_t thread;
	unsigned int i;

	handled_open(&h, 1);
	assert_ok(fcntl(h.fd, F_SETFL, 0));
	assert_ok(pthread_create(&thread, NULL, agree_to_all, &h.fd));
	reader = (struct load) {
		.rig = &h.rig, .queue = 1, .kind = LOAD_CHECK, .p = h.p,
		.iova = IOVA_BASE, .size = SIZE / 2, .seed = 1,
	};
	writer = (struct load) {
		.rig = &h.rig, .queue = 2, .kind = LOAD_WRITE, .p = h.p + SIZE / 2,
		.iova = IOVA_BASE + SIZE / 2, .size = SIZE / 2, .seed = 9,
	};
	load_start(&reader, IOVA_SINK);
	load_start(&writer, IOVA_SINK + HUGE);
	for (i = 0; i < 8; i++) {
		assert_ok(mprotect(h.p, SIZE, PROT_READ | PROT_WRITE | (i % 2 ? 0 : PROT_EXEC)));
		load_progress(&reader, 1);
	}
	load_stop(&reader);
	load_stop(&writer);
	assert_ok(pthread_cancel(thread));
	assert_ok(pthread_join(thread, NULL));
	assert_true(rig_stats(&h.rig).faults_user > NR_PAGES);
	handled_close(&h);
}

static const struct suite_case cases[] = {
	CASE("S13 S6 the device gets each decision", each_code),
	CASE("S13 only what was asked for is mapped", only_what_was_asked_for),
	CASE("S13 R16 consent gives no more than the mapping permits", permissions,
	     .iopf = EXACT),
	CASE("S13 several groups, decided on out of order", out_of_order, .iopf = EXACT),
	CASE("S13 a group of pages is decided on as a whole", group_of_pages, .iopf = EXACT),
	CASE("S13 reads that block, and that don't; poll", blocking_and_not, .iopf = EXACT),
	CASE("S13 S6 without a reader the answer is INVALID", nobody_there, .iopf = EXACT),
	CASE("S13 S6 a reader is killed", reader_killed, .iopf = EXACT),
	CASE("S13 R7 nobody waits for a decision, with one worker", nobody_waits,
	     .iopf = EXACT " max_workers=1"),
	CASE("S13 S6 unmapped while undecided", unmapped, .iopf = EXACT),
	CASE("S13 consent ends with the mapping", consent_ends_with_the_mapping,
	     .iopf = EXACT " max_workers=1"),
	CASE("S13 R7 consent outlives an unmap elsewhere", consent_stays_elsewhere,
	     .iopf = EXACT " max_workers=1"),
	CASE("S13 S6 R8 detached while undecided", detached, .iopf = EXACT,
	     .softdma = "devices=2"),
	CASE("S13 R8 the container is closed first", container_closed, .iopf = EXACT),
	CASE("S13 S6 R8 the client is killed while undecided", client_killed, .iopf = EXACT),
	CASE("S13 R4 the container fails while undecided", container_failed, .iopf = EXACT,
	     .soft = 1),
	CASE("S13 too many are waiting", too_many, .iopf = EXACT " max_faults=2",
	     .softdma = "devices=2", .any = 1),
	CASE("S13 one may wait in any case", one_may, .iopf = EXACT " max_faults=0 max_workers=0",
	     .softdma = "devices=2", .any = 1),
	CASE("S13 S1 right data under load", under_load),
};

int main(int argc, char **argv)
{
	return SUITE(cases, argc, argv);
}
