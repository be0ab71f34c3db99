// SPDX-License-Identifier: GPL-2.0-only
/*
 * Faults that wait for user space. A userfaultfd that this test serves, or does
 * not serve, holds a device's fault for as long as it likes; meanwhile nobody
 * else may wait for it: not an eviction, an unmap, a close, another fault, and
 * least of all the death of the process.
 *
 * LANES: stock intel uml-debug
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rig.h"
#include "uffd.h"

#define NR_PAGES	64
#define SIZE		(NR_PAGES * PAGE)

static void missing_pages(void)
{
	struct vfio_iopf_stats before;
	struct uffd u;
	struct rig rig;
	char *p;

	rig_open(&rig, 1);
	p = mem_anon(2 * SIZE);
	uffd_register(&u, uffd_open(), p, 2 * SIZE, 0);
	rig_map(&rig, p, IOVA_BASE, 2 * SIZE);
	uffd_serve(&u, 31);
	before = rig_stats(&rig);
	dev_check(&rig, IOVA_BASE, SIZE, 31);
	assert_int_equal(atomic_load(&u.missing), NR_PAGES);
	assert_grew(&rig, before, resp_success, NR_PAGES);
	dev_fill(&rig, IOVA_BASE + SIZE, SIZE, 32);
	assert_int_equal(atomic_load(&u.missing), 2 * NR_PAGES);
	cpu_check(p, SIZE, 31);
	cpu_check(p + SIZE, SIZE, 32);
	/* What is thrown away is asked for again. */
	assert_ok(madvise(p, SIZE, MADV_DONTNEED));
	dev_check(&rig, IOVA_BASE, SIZE, 31);
	assert_int_equal(atomic_load(&u.missing), 3 * NR_PAGES);
	uffd_stop(&u);
	rig_close(&rig);
}

static void write_protected_pages(void)
{
	struct uffd u;
	struct rig rig;
	char *p;

	rig_open(&rig, 1);
	p = mem_anon(SIZE);
	rig_map(&rig, p, IOVA_BASE, SIZE);
	dev_fill(&rig, IOVA_BASE, SIZE, 1);
	uffd_register(&u, uffd_open(), p, SIZE, 1);
	uffd_protect(&u, p, SIZE, 1);
	uffd_serve(&u, 0);
	dev_check(&rig, IOVA_BASE, SIZE, 1);
	assert_int_equal(atomic_load(&u.protect), 0);
	dev_fill(&rig, IOVA_BASE, SIZE, 2);
	assert_int_equal(atomic_load(&u.protect), NR_PAGES);
	cpu_check(p, SIZE, 2);
	uffd_stop(&u);
	rig_close(&rig);
}

/* A rig whose device is blocked in a read of the first page of @p. */
struct blocked {
	struct rig rig;
	struct uffd u;
	char *p;
};

static void block(struct blocked *b)
{
	struct softdma_desc check = sdma_check(IOVA_BASE, PAGE, 41, 0);

	rig_open(&b->rig, 1);
	rig_start_queue(&b->rig, 0, 1);
	b->p = mem_anon(SIZE);
	uffd_register(&b->u, uffd_open(), b->p, SIZE, 0);
	b->u.seed = 41;
	rig_map(&b->rig, b->p, IOVA_BASE, SIZE);
	assert_ok(sdma_submit(&b->rig.dma[0].q[1], &check, 1));
	assert_ptr_equal(uffd_next(&b->u, 30), b->p);
	assert_pending(&b->rig, 1);
}

/* The blocked operation ends like this. */
static void unblocked(struct blocked *b, enum softdma_status want)
{
	struct softdma_desc desc;

	assert_int_equal(sdma_wait(&b->rig.dma[0].q[1], 0, 20000, &desc), want);
	if (want == SOFTDMA_OK)
		assert_int_equal(desc.result, 0);
}

/*
 * Each page takes longer to come than neighbours are waited for: a stream, which would
 * be answered for more and more pages together, is answered page by page.
 */
static void slow_pages(void)
{
	struct softdma_desc check = sdma_check(IOVA_BASE, SIZE, 41, 0);
	struct vfio_iopf_stats before;
	struct blocked b;
	unsigned int i;

	rig_open(&b.rig, 1);
	rig_start_queue(&b.rig, 0, 1);
	b.p = mem_anon(SIZE);
	uffd_register(&b.u, uffd_open(), b.p, SIZE, 0);
	b.u.seed = 41;
	rig_map(&b.rig, b.p, IOVA_BASE, SIZE);
	before = rig_stats(&b.rig);
	assert_ok(sdma_submit(&b.rig.dma[0].q[1], &check, 1));
	for (i = 0; i < NR_PAGES; i++) {
		char *at = uffd_next(&b.u, 30);

		nap_ms(100);
		uffd_deliver(&b.u, at);
	}
	unblocked(&b, SOFTDMA_OK);
	assert_grew(&b.rig, before, faults, NR_PAGES);
	assert_grew(&b.rig, before, bring_ins, NR_PAGES);
	rig_close(&b.rig);
}

/*
 * A device that comes from huge pages to what user space delivers page by page: neighbours of
 * the page that it asks for are left out there, too.
 */
static void slow_beside_huge(void)
{
	struct softdma_desc check = sdma_check(IOVA_BASE + 2 * HUGE, PAGE, 41, 0);
	struct blocked b;

	rig_open(&b.rig, 1);
	rig_start_queue(&b.rig, 0, 1);
	b.p = mem_huge(3 * HUGE);
	sdma_pattern_fill(b.p, 2 * HUGE, 1, 0);
	if (!is_huge(b.p, 2 * HUGE))
		skip_because("got no huge pages");
	uffd_register(&b.u, uffd_open(), b.p + 2 * HUGE, HUGE, 0);
	b.u.seed = 41;
	rig_map(&b.rig, b.p, IOVA_BASE, 3 * HUGE);
	dev_check(&b.rig, IOVA_BASE, 2 * HUGE, 1);
	assert_ok(sdma_submit(&b.rig.dma[0].q[1], &check, 1));
	assert_ptr_equal(uffd_next(&b.u, 30), b.p + 2 * HUGE);
	uffd_deliver(&b.u, b.p + 2 * HUGE);
	unblocked(&b, SOFTDMA_OK);
	rig_close(&b.rig);
}

static void dontneed_in_flight(void)
{
	struct blocked b;
	double start;

	block(&b);
	start = now_s();
	assert_ok(madvise(b.p, SIZE, MADV_DONTNEED));
	assert_at_once(start);
	assert_pending(&b.rig, 1);
	uffd_deliver(&b.u, b.p);
	unblocked(&b, SOFTDMA_OK);
	/* And once more with the page there and gone again. */
	assert_ok(madvise(b.p, SIZE, MADV_DONTNEED));
	uffd_serve(&b.u, 41);
	dev_check(&b.rig, IOVA_BASE, SIZE, 41);
	uffd_stop(&b.u);
	rig_close(&b.rig);
}

/*
 * The memory that a fault waits for is gone: the device is told, and nobody has to wake it.
 * A fault beside it goes on waiting.
 */
static void munmap_in_flight(void)
{
	struct blocked b;
	double start;

	block(&b);
	start = now_s();
	assert_ok(munmap(b.p + PAGE, SIZE - PAGE));
	assert_at_once(start);
	assert_pending(&b.rig, 1);
	assert_ok(munmap(b.p, PAGE));
	unblocked(&b, SOFTDMA_FAULT_INVALID);
	assert_int_equal(rig_stats(&b.rig).aborts, 0);
	assert_ok(close(b.u.fd));
	rig_close(&b.rig);
}

/* The same if it is moved elsewhere, and where something else takes its place. */
static void mremap_in_flight(void)
{
	struct blocked b;
	char *to;

	block(&b);
	to = mem_anon(SIZE);
	assert_ptr_equal(mremap(b.p, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, to), to);
	unblocked(&b, SOFTDMA_FAULT_INVALID);
	assert_ok(close(b.u.fd));
	rig_close(&b.rig);
}

static void replaced_in_flight(void)
{
	struct softdma_desc desc;
	struct blocked b;

	block(&b);
	assert_ptr_equal(mmap(b.p, SIZE, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), b.p);
	/* It finds zeroes, not what it is to check for, and that is no fault. */
	assert_int_equal(sdma_wait(&b.rig.dma[0].q[1], 0, 20000, &desc), SOFTDMA_OK);
	assert_int_not_equal(desc.result, 0);
	assert_ok(close(b.u.fd));
	rig_close(&b.rig);
}

static void unmap_in_flight(void)
{
	struct blocked b;
	double start;

	block(&b);
	start = now_s();
	assert_ok(viopf_unmap(b.rig.c, IOVA_BASE, SIZE, NULL));
	assert_at_once(start);
	unblocked(&b, SOFTDMA_FAULT_INVALID);
	/* The fault itself still waits in the userfaultfd, or was cut short. */
	rig_map(&b.rig, b.p, IOVA_BASE, SIZE);
	uffd_serve(&b.u, 41);
	dev_check(&b.rig, IOVA_BASE, SIZE, 41);
	uffd_stop(&b.u);
	rig_close(&b.rig);
}

static void close_in_flight(void)
{
	struct blocked b;
	double start;

	block(&b);
	start = now_s();
	viopf_device_close(b.rig.dev[0]);
	viopf_container_close(b.rig.c);
	assert_at_once(start);
	/* The device is free for the next. */
	rig_open(&b.rig, 1);
	rig_close(&b.rig);
}

static void other_faults_go_on(void)
{
	struct softdma_desc check = sdma_check(0, PAGE, 41, 0);
	struct blocked b;
	char *other;
	unsigned int q;

	block(&b);
	for (q = 2; q < SOFTDMA_QUEUES; q++) {
		rig_start_queue(&b.rig, 0, q);
		check.src = IOVA_BASE + q * PAGE;
		assert_ok(sdma_submit(&b.rig.dma[0].q[q], &check, 1));
		assert_ptr_equal(uffd_next(&b.u, 30), b.p + q * PAGE);
	}
	/* Same container, other memory; and the same segment, another page. */
	other = mem_anon(SIZE);
	rig_map(&b.rig, other, IOVA_BASE + HUGE, SIZE);
	dev_fill(&b.rig, IOVA_BASE + HUGE, SIZE, 5);
	cpu_check(other, SIZE, 5);
	uffd_deliver(&b.u, b.p + NR_PAGES / 2 * PAGE);
	dev_read(&b.rig, IOVA_BASE + SIZE / 2, PAGE, SOFTDMA_OK);
	assert_pending(&b.rig, SOFTDMA_QUEUES - 1);
	uffd_serve(&b.u, 41);
	uffd_deliver(&b.u, b.p);
	for (q = 2; q < SOFTDMA_QUEUES; q++)
		uffd_deliver(&b.u, b.p + q * PAGE);
	unblocked(&b, SOFTDMA_OK);
	for (q = 2; q < SOFTDMA_QUEUES; q++)
		assert_int_equal(sdma_wait(&b.rig.dma[0].q[q], 0, 20000, NULL), SOFTDMA_OK);
	uffd_stop(&b.u);
	rig_close(&b.rig);
}

/* In which order the child makes its files: exit closes them in that order. */
enum order { UFFD_FIRST, UFFD_BETWEEN, UFFD_LAST };

struct victim {
	enum order order;
	int tell;
	int wp;
};

static void be_blocked(void *arg)
{
	struct victim *v = arg;
	struct softdma_desc fill = sdma_fill(IOVA_BASE, PAGE, 1, 0);
	char bdfs[MAX_DEVICES][16];
	const char *bdf = bdfs[0];
	char *p = mem_anon(SIZE);
	struct rig rig;
	struct uffd u;
	int fd = -1;

	devices_list(bdfs);
	if (v->order == UFFD_FIRST)
		fd = uffd_open();
	memset(&rig, 0, sizeof(rig));
	assert_ok(viopf_container_open(&rig.c, &bdf, 1, VFIO_IOPF_IOMMU));
	if (v->order == UFFD_BETWEEN)
		fd = uffd_open();
	rig.nr = 1;
	rig.rings = mem_shared(16 * PAGE);
	rig_map(&rig, rig.rings, IOVA_RINGS, 16 * PAGE);
	assert_ok(viopf_device_open(rig.c, bdf, &rig.dev[0]));
	assert_ok(sdma_open(&rig.dma[0], rig.dev[0]));
	rig_start_queue(&rig, 0, 0);
	if (v->order == UFFD_LAST)
		fd = uffd_open();
	uffd_register(&u, fd, p, SIZE, 0);
	rig_map(&rig, p, IOVA_BASE, SIZE);
	assert_ok(sdma_submit(&rig.dma[0].q[0], &fill, 1));
	uffd_next(&u, 30);
	assert_int_equal(write(v->tell, "", 1), 1);
	for (;;)
		pause();
}

static void killed_when_blocked(enum order order)
{
	struct victim v = { .order = order };
	int tell[2], status;
	struct rig rig;
	double start;
	pid_t pid;
	char ch;

	assert_ok(pipe(tell));
	v.tell = tell[1];
	pid = child_run(be_blocked, &v);
	close(tell[1]);
	assert_int_equal(read(tell[0], &ch, 1), 1);
	start = now_s();
	assert_ok(kill(pid, SIGKILL));
	status = child_reap(pid, AT_ONCE_S);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_at_once(start);
	rig_open(&rig, 1);
	rig_close(&rig);
}

static void killed_uffd_first(void)
{
	killed_when_blocked(UFFD_FIRST);
}

static void killed_uffd_between(void)
{
	killed_when_blocked(UFFD_BETWEEN);
}

static void killed_uffd_last(void)
{
	killed_when_blocked(UFFD_LAST);
}

/* The blocked memory is another process's, which dies; the container lives on. */
struct lender {
	struct rig *rig;
	int tell;
};

static void lend(void *arg)
{
	struct lender *l = arg;
	char *p = mem_anon(SIZE);
	struct uffd u;

	uffd_register(&u, uffd_open(), p, SIZE, 0);
	rig_map(l->rig, p, IOVA_BASE, SIZE);
	assert_int_equal(write(l->tell, "", 1), 1);
	uffd_next(&u, 30);
	assert_int_equal(write(l->tell, "", 1), 1);
	for (;;)
		pause();
}

static int read_status(struct rig *rig)
{
	struct softdma_desc sum = sdma_checksum(IOVA_BASE, PAGE, 0);

	return sdma_do(&rig->dma[0].q[0], &sum, DMA_LIMIT_MS);
}

static void lender_killed(void)
{
	struct softdma_desc fill = sdma_fill(IOVA_BASE, PAGE, 1, 0);
	struct lender l;
	struct rig rig;
	int tell[2], status;
	pid_t pid;
	char ch;

	rig_open(&rig, 1);
	rig_start_queue(&rig, 0, 1);
	assert_ok(pipe(tell));
	l = (struct lender){ .rig = &rig, .tell = tell[1] };
	pid = child_run(lend, &l);
	assert_int_equal(read(tell[0], &ch, 1), 1);
	assert_ok(sdma_submit(&rig.dma[0].q[1], &fill, 1));
	assert_int_equal(read(tell[0], &ch, 1), 1);
	assert_ok(kill(pid, SIGKILL));
	child_reap(pid, AT_ONCE_S);
	/*
	 * Its userfaultfd goes as well, and may let the fault have a page before anybody
	 * notices that nobody is left to want one. That page goes with the memory.
	 */
	status = sdma_wait(&rig.dma[0].q[1], 0, 20000, NULL);
	assert_true(status == SOFTDMA_FAULT_INVALID || status == SOFTDMA_OK);
	assert_true(wait_until(read_status(&rig) == SOFTDMA_FAULT_INVALID, 20));
	rig_close(&rig);
}

static const struct suite_case cases[] = {
	CASE("S6 S1 userfaultfd delivers missing pages to the device", missing_pages,
	     .iopf = EXACT),
	CASE("S6 S1 userfaultfd write protection holds for the device", write_protected_pages,
	     .iopf = EXACT),
	CASE("R12 S6 neighbours that are slow to come are not waited for", slow_pages),
	CASE("R12 S6 nor are they beside a huge page", slow_beside_huge, .iopf = "aging=0"),
	CASE("R5 S1 MADV_DONTNEED while a fault is in flight", dontneed_in_flight, .iopf = EXACT),
	CASE("R5 S6 munmap while a fault is in flight", munmap_in_flight, .iopf = EXACT),
	CASE("R5 S6 mremap while a fault is in flight", mremap_in_flight, .iopf = EXACT),
	CASE("R5 S6 other memory while a fault is in flight", replaced_in_flight, .iopf = EXACT),
	CASE("S6 R8 unmap while a fault is in flight", unmap_in_flight, .iopf = EXACT),
	CASE("S6 R8 close while a fault is in flight", close_in_flight, .iopf = EXACT),
	CASE("R7 other faults go on while some wait", other_faults_go_on, .iopf = EXACT),
	CASE("S6 R8 SIGKILL while blocked, userfaultfd opened first", killed_uffd_first),
	CASE("S6 R8 SIGKILL while blocked, userfaultfd opened in between", killed_uffd_between),
	CASE("S6 R8 SIGKILL while blocked, userfaultfd opened last", killed_uffd_last),
	CASE("S6 R8 R10 SIGKILL of a process that lent blocked memory", lender_killed),
};

int main(int argc, char **argv)
{
	return SUITE(cases, argc, argv);
}
