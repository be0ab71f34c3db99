// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page requests and their responses: each group gets exactly one, SUCCESS only
 * for what is mapped with the permission asked for, INVALID for what can never
 * be. Every case makes known requests and compares all response counters.
 *
 * LANES: stock intel kcsan
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "advice.h"
#include "rig.h"

#define NR_PAGES	16
#define SIZE		(NR_PAGES * PAGE)

struct responses {
	unsigned int groups, success, invalid, failure;
};

static void assert_responses(struct rig *rig, const struct vfio_iopf_stats *before,
			     struct responses want)
{
	assert_grew(rig, *before, groups, want.groups);
	assert_grew(rig, *before, resp_success, want.success);
	assert_grew(rig, *before, resp_invalid, want.invalid);
	assert_grew(rig, *before, resp_failure, want.failure);
}

#define ALL_SUCCESS(n)	((struct responses){ .groups = (n), .success = (n) })
#define ALL_INVALID(n)	((struct responses){ .groups = (n), .invalid = (n) })

/* One refused access at @iova: one INVALID, and the operation says where. */
static void assert_refused(struct rig *rig, struct softdma_desc desc, uint64_t iova)
{
	struct vfio_iopf_stats before = rig_stats(rig);

	rig_do(rig, &desc, SOFTDMA_FAULT_INVALID);
	assert_int_equal(desc.detail, iova);
	assert_responses(rig, &before, ALL_INVALID(1));
	assert_grew(rig, before, pages_mapped, 0);
}

static void read_and_write(void)
{
	struct vfio_iopf_stats before;
	struct rig rig;
	char *p;

	p = rig_open_anon(&rig, 2 * SIZE);
	sdma_pattern_fill(p, SIZE, 7, 0);

	before = rig_stats(&rig);
	dev_check(&rig, IOVA_BASE, SIZE, 7);
	assert_responses(&rig, &before, ALL_SUCCESS(NR_PAGES));
	assert_grew(&rig, before, requests, NR_PAGES);
	assert_grew(&rig, before, pages_mapped, NR_PAGES);

	before = rig_stats(&rig);
	dev_fill(&rig, IOVA_BASE + SIZE, SIZE, 8);
	assert_responses(&rig, &before, ALL_SUCCESS(NR_PAGES));
	cpu_check(p + SIZE, SIZE, 8);

	before = rig_stats(&rig);
	dev_check(&rig, IOVA_BASE, SIZE, 7);
	dev_check(&rig, IOVA_BASE + SIZE, SIZE, 8);
	assert_responses(&rig, &before, ALL_SUCCESS(0));
	rig_close(&rig);
}

/* A page read first is the zero page; what is then written must not end there. */
static void write_after_read(void)
{
	struct vfio_iopf_stats before;
	struct rig rig;
	char *p;

	p = rig_open_anon(&rig, 2 * PAGE);
	before = rig_stats(&rig);
	dev_read(&rig, IOVA_BASE, 2 * PAGE, SOFTDMA_OK);
	assert_responses(&rig, &before, ALL_SUCCESS(2));
	before = rig_stats(&rig);
	dev_fill(&rig, IOVA_BASE, PAGE, 3);
	assert_responses(&rig, &before, ALL_SUCCESS(1));
	cpu_check(p, PAGE, 3);
	cpu_check_zero(p + PAGE, PAGE);
	rig_close(&rig);
}

static void write_on_read_only(void)
{
	struct rig rig;
	char *p;

	rig_open(&rig, 1);
	p = mem_anon(SIZE);
	sdma_pattern_fill(p, SIZE, 4, 0);
	assert_ok(viopf_map(rig.c, p, IOVA_BASE, SIZE, VIOPF_READ));
	assert_refused(&rig, sdma_fill(IOVA_BASE, PAGE, 1, 0), IOVA_BASE);
	dev_check(&rig, IOVA_BASE, SIZE, 4);
	/* Refused also where the page is resident by now. */
	assert_refused(&rig, sdma_fill(IOVA_BASE + PAGE, PAGE, 1, 0), IOVA_BASE + PAGE);
	cpu_check(p, SIZE, 4);
	rig_close(&rig);
}

static void read_on_write_only(void)
{
	struct vfio_iopf_stats before;
	struct rig rig;
	char *p;

	rig_open(&rig, 1);
	p = mem_anon(SIZE);
	assert_ok(viopf_map(rig.c, p, IOVA_BASE, SIZE, VIOPF_WRITE));
	assert_refused(&rig, sdma_check(IOVA_BASE, PAGE, 9, 0), IOVA_BASE);
	before = rig_stats(&rig);
	dev_fill(&rig, IOVA_BASE, SIZE, 9);
	assert_responses(&rig, &before, ALL_SUCCESS(NR_PAGES));
	/* Refused also where the page is resident by now, if the IOMMU can. */
	if (hardware_has_write_only())
		assert_refused(&rig, sdma_check(IOVA_BASE, PAGE, 9, 0), IOVA_BASE);
	cpu_check(p, SIZE, 9);
	rig_close(&rig);
}

static void unmapped_iova(void)
{
	struct rig rig;
	char *p;

	rig_open(&rig, 1);
	p = mem_anon(SIZE);
	assert_refused(&rig, sdma_check(IOVA_BASE, PAGE, 1, 0), IOVA_BASE);
	rig_map(&rig, p, IOVA_BASE, SIZE);
	dev_fill(&rig, IOVA_BASE, SIZE, 2);
	assert_refused(&rig, sdma_fill(IOVA_BASE + SIZE, PAGE, 1, 0), IOVA_BASE + SIZE);
	assert_refused(&rig, sdma_check(IOVA_BASE - PAGE, PAGE, 1, 0), IOVA_BASE - PAGE);
	assert_ok(viopf_unmap(rig.c, IOVA_BASE, SIZE, NULL));
	assert_refused(&rig, sdma_check(IOVA_BASE, PAGE, 1, 0), IOVA_BASE);
	assert_refused(&rig, sdma_fill(IOVA_BASE, PAGE, 1, 0), IOVA_BASE);
	cpu_check(p, SIZE, 2);
	rig_close(&rig);
}

static void group_of_pages(void)
{
	struct softdma_desc desc = sdma_check(IOVA_BASE, SIZE, 5, 0);
	struct vfio_iopf_stats before;
	struct rig rig;
	char *p;

	rig_open(&rig, 1);
	p = mem_anon(SIZE);
	sdma_pattern_fill(p, SIZE, 5, 0);
	rig_map(&rig, p, IOVA_BASE, SIZE);
	before = rig_stats(&rig);
	desc.flags = SOFTDMA_F_GROUP(NR_PAGES);
	rig_do(&rig, &desc, SOFTDMA_OK);
	assert_int_equal(desc.result, 0);
	assert_responses(&rig, &before, ALL_SUCCESS(1));
	assert_grew(&rig, before, requests, NR_PAGES);
	assert_grew(&rig, before, pages_mapped, NR_PAGES);
	rig_close(&rig);
}

/* A group that runs over a mapping's end can't be satisfied as a whole. */
static void group_across_the_end(void)
{
	struct softdma_desc desc = sdma_checksum(IOVA_BASE, SIZE, 0);
	struct vfio_iopf_stats before;
	struct rig rig;
	char *p;

	p = rig_open_anon(&rig, SIZE / 2);
	before = rig_stats(&rig);
	desc.flags = SOFTDMA_F_GROUP(NR_PAGES);
	rig_do(&rig, &desc, SOFTDMA_FAULT_INVALID);
	assert_responses(&rig, &before, ALL_INVALID(1));
	dev_fill(&rig, IOVA_BASE, SIZE / 2, 6);
	cpu_check(p, SIZE / 2, 6);
	rig_close(&rig);
}

struct mapper {
	struct rig *rig;
	int ready;		/* write end: the mapping is made */
	int leave;		/* read end: time to go */
};

static void map_and_leave(void *arg)
{
	struct mapper *m = arg;
	char *p = mem_anon(SIZE), ch = 0;

	sdma_pattern_fill(p, SIZE, 11, 0);
	rig_map(m->rig, p, IOVA_BASE, SIZE);
	assert_int_equal(write(m->ready, &ch, 1), 1);
	assert_int_equal(read(m->leave, &ch, 1), 1);
}

static void dead_process(void)
{
	struct vfio_iopf_stats before;
	int ready[2], leave[2];
	struct mapper m;
	struct rig rig;
	char ch = 0;
	pid_t pid;

	rig_open(&rig, 1);
	assert_ok(pipe(ready));
	assert_ok(pipe(leave));
	m = (struct mapper){ .rig = &rig, .ready = ready[1], .leave = leave[0] };
	pid = child_run(map_and_leave, &m);
	assert_int_equal(read(ready[0], &ch, 1), 1);
	before = rig_stats(&rig);
	dev_check(&rig, IOVA_BASE, SIZE / 2, 11);
	assert_responses(&rig, &before, ALL_SUCCESS(NR_PAGES / 2));

	before = rig_stats(&rig);
	assert_int_equal(write(leave[1], &ch, 1), 1);
	child_wait(pid, 20);
	assert_grew(&rig, before, pages_evicted, NR_PAGES / 2);
	assert_refused(&rig, sdma_check(IOVA_BASE, PAGE, 11, 0), IOVA_BASE);
	assert_refused(&rig, sdma_fill(IOVA_BASE + SIZE - PAGE, PAGE, 1, 0),
		       IOVA_BASE + SIZE - PAGE);
	assert_ok(viopf_unmap(rig.c, IOVA_BASE, SIZE, NULL));
	rig_close(&rig);
}

static void munmapped_hole(void)
{
	struct rig rig;
	char *p;

	p = rig_open_anon(&rig, 3 * PAGE);
	dev_fill(&rig, IOVA_BASE, 3 * PAGE, 1);
	assert_ok(munmap(p + PAGE, PAGE));
	assert_ok(shell("dmesg -C"));
	assert_refused(&rig, sdma_check(IOVA_BASE + PAGE, PAGE, 1, PAGE), IOVA_BASE + PAGE);
	assert_refused(&rig, sdma_fill(IOVA_BASE + PAGE, PAGE, 1, 0), IOVA_BASE + PAGE);
	/* A client's own doing is not for the log. */
	assert_ok(shell("! dmesg | grep 'which a device asked for'"));
	dev_check(&rig, IOVA_BASE, PAGE, 1);
	/* What is mapped there next is what the device gets next. */
	assert_ptr_equal(mmap(p + PAGE, PAGE, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), p + PAGE);
	dev_fill(&rig, IOVA_BASE + PAGE, PAGE, 2);
	cpu_check(p + PAGE, PAGE, 2);
	rig_close(&rig);
}

/*
 * Below a stack, which the process's own access would let grow: a device's doesn't, and
 * the kernel has no word to say about that in its log, which vm/run looks for.
 */
static void below_a_stack(void)
{
	struct rig rig;
	char *p;

	rig_open(&rig, 1);
	p = mem_anon(16 * PAGE);
	assert_ok(munmap(p + 4 * PAGE, 12 * PAGE));
	assert_ptr_equal(mmap(p + 8 * PAGE, 8 * PAGE, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_FIXED, -1, 0),
			 p + 8 * PAGE);
	rig_map(&rig, p, IOVA_BASE, 16 * PAGE);
	assert_refused(&rig, sdma_check(IOVA_BASE + 7 * PAGE, PAGE, 1, 0), IOVA_BASE + 7 * PAGE);
	assert_refused(&rig, sdma_fill(IOVA_BASE + 7 * PAGE, PAGE, 1, 0), IOVA_BASE + 7 * PAGE);
	advise_fails(&rig, VFIO_IOPF_ADV_PREFETCH_WRITE, IOVA_BASE, 16 * PAGE, EFAULT, 4 * PAGE);
	advise_fails(&rig, VFIO_IOPF_ADV_PIN, IOVA_BASE, 16 * PAGE, EFAULT, 0);
	assert_int_equal(viopf_disable(rig.c), -EFAULT);
	dev_fill(&rig, IOVA_BASE, 4 * PAGE, 1);
	dev_fill(&rig, IOVA_BASE + 8 * PAGE, 8 * PAGE, 1);
	cpu_check(p, 4 * PAGE, 1);
	cpu_check(p + 8 * PAGE, 8 * PAGE, 1);
	rig_close(&rig);
}

static void prot_none(void)
{
	struct rig rig;
	char *p;

	p = rig_open_anon(&rig, SIZE);
	dev_fill(&rig, IOVA_BASE, SIZE, 1);
	assert_ok(mprotect(p, SIZE, PROT_NONE));
	assert_refused(&rig, sdma_check(IOVA_BASE, PAGE, 1, 0), IOVA_BASE);
	assert_refused(&rig, sdma_fill(IOVA_BASE, PAGE, 2, 0), IOVA_BASE);
	assert_ok(mprotect(p, SIZE, PROT_READ));
	dev_check(&rig, IOVA_BASE, SIZE, 1);
	assert_refused(&rig, sdma_fill(IOVA_BASE, PAGE, 2, 0), IOVA_BASE);
	assert_ok(mprotect(p, SIZE, PROT_READ | PROT_WRITE));
	dev_fill(&rig, IOVA_BASE, SIZE, 2);
	cpu_check(p, SIZE, 2);
	rig_close(&rig);
}

static void past_the_end_of_a_file(void)
{
	struct rig rig;
	int fd;
	char *p;

	rig_open(&rig, 1);
	fd = memfd_new(SIZE, 0);
	p = mem_file(fd, 2 * SIZE, MAP_SHARED);
	rig_map(&rig, p, IOVA_BASE, 2 * SIZE);
	dev_fill(&rig, IOVA_BASE, SIZE, 1);
	assert_refused(&rig, sdma_fill(IOVA_BASE + SIZE, PAGE, 1, 0), IOVA_BASE + SIZE);
	assert_refused(&rig, sdma_check(IOVA_BASE + SIZE, PAGE, 1, 0), IOVA_BASE + SIZE);
	assert_ok(ftruncate(fd, 2 * SIZE));
	dev_fill(&rig, IOVA_BASE, 2 * SIZE, 2);
	cpu_check(p, 2 * SIZE, 2);
	close(fd);
	rig_close(&rig);
}

/* A request is judged by what it asks for, not by what the access needs. */
static void wants_to_write(void)
{
	struct softdma_desc desc = sdma_checksum(IOVA_BASE, PAGE, 0);
	struct vfio_iopf_stats before;
	struct rig rig;
	char *p;

	rig_open(&rig, 1);
	p = mem_anon(2 * PAGE);
	assert_ok(viopf_map(rig.c, p, IOVA_BASE, PAGE, VIOPF_READ));
	rig_map(&rig, p + PAGE, IOVA_BASE + PAGE, PAGE);
	desc.flags = SOFTDMA_F_WANT_WRITE;
	assert_refused(&rig, desc, IOVA_BASE);
	desc.src += PAGE;
	before = rig_stats(&rig);
	rig_do(&rig, &desc, SOFTDMA_OK);
	assert_responses(&rig, &before, ALL_SUCCESS(1));
	before = rig_stats(&rig);
	dev_fill(&rig, IOVA_BASE + PAGE, PAGE, 3);
	assert_responses(&rig, &before, ALL_SUCCESS(0));
	cpu_check(p + PAGE, PAGE, 3);
	rig_close(&rig);
}

static void every_operation(void)
{
	struct softdma_desc add, sum, crypt;
	struct rig rig;
	uint64_t word;
	char *p;

	p = rig_open_anon(&rig, 4 * PAGE);
	sdma_pattern_fill(p, 2 * PAGE, 21, 0);
	sum = sdma_checksum(IOVA_BASE, 2 * PAGE, 1);
	rig_do(&rig, &sum, SOFTDMA_OK);
	assert_int_equal(sum.result, sdma_pattern_sum(p, 2 * PAGE, 1));
	crypt = sdma_crypt(IOVA_BASE + 2 * PAGE, IOVA_BASE, PAGE, 0);
	rig_do(&rig, &crypt, SOFTDMA_OK);
	crypt = sdma_crypt(IOVA_BASE + 3 * PAGE, IOVA_BASE + 2 * PAGE, PAGE, 0);
	rig_do(&rig, &crypt, SOFTDMA_OK);
	cpu_check(p + 3 * PAGE, PAGE, 21);
	memcpy(&word, p, sizeof(word));
	add = sdma_atomic_add(IOVA_BASE, 5);
	rig_do(&rig, &add, SOFTDMA_OK);
	assert_int_equal(add.result, word);
	assert_int_equal(*(uint64_t *)p, word + 5);
	rig_close(&rig);
}

/* What fault/refusal.c lets pass at once in an interval; the queues have one more each. */
#define ASKED_ONCE	60u
#define ASKED_ROUNDS	2u
#define AT_ONCE		16u
#define INTERVAL_S	0.095	/* of 100 ms, less than a tick */

static void ask_for(struct rig *rig, struct softdma_desc desc)
{
	struct softdma_desc descs[ASKED_ONCE];
	unsigned int i, q;

	for (i = 0; i < ASKED_ONCE; i++)
		descs[i] = desc;
	for (q = 0; q < SOFTDMA_QUEUES; q++)
		assert_ok(sdma_submit(&rig->dma[0].q[q], descs, ASKED_ONCE));
}

static void all_refused(struct rig *rig)
{
	unsigned int q;

	for (q = 0; q < SOFTDMA_QUEUES; q++)
		assert_int_equal(sdma_wait(&rig->dma[0].q[q], 0, DMA_LIMIT_MS, NULL),
				 SOFTDMA_FAULT_INVALID);
}

/* Half of what is let pass, in an interval of its own: each that had to wait would take one. */
static int at_once_again(struct rig *rig, uint64_t nowhere)
{
	double start;
	unsigned int i;

	nap_ms(200);
	start = now_s();
	for (i = 0; i < AT_ONCE / 2; i++)
		dev_read(rig, nowhere, PAGE, SOFTDMA_FAULT_INVALID);
	return now_s() - start < AT_ONCE / 2 * INTERVAL_S;
}

static void goes_on_asking(void)
{
	const uint64_t nowhere = IOVA_BASE + 16 * SIZE;
	struct vfio_iopf_stats before;
	unsigned int i, n = 0;
	struct rig rig;
	double start;
	char *p;

	rig_open(&rig, 2);
	for (i = 1; i < SOFTDMA_QUEUES; i++)
		rig_start_queue(&rig, 0, i);
	p = mem_anon(2 * SIZE);
	rig_map(&rig, p, IOVA_BASE, SIZE);
	assert_ok(viopf_map(rig.c, p + SIZE, IOVA_BASE + SIZE, SIZE, VIOPF_READ));
	before = rig_stats(&rig);
	start = now_s();
	for (i = 0; i < ASKED_ROUNDS; i++) {
		struct softdma_desc fill = sdma_fill(IOVA_BASE, SIZE, i, 0);

		ask_for(&rig, sdma_checksum(nowhere, PAGE, 0));
		assert_int_equal(sdma_do(&rig.dma[1].q[0], &fill, DMA_LIMIT_MS), SOFTDMA_OK);
		all_refused(&rig);
		n += SOFTDMA_QUEUES * ASKED_ONCE;
	}
	assert_true(n <= ((now_s() - start) / INTERVAL_S + 2) * (AT_ONCE + SOFTDMA_QUEUES));
	assert_grew(&rig, before, resp_invalid, n);
	assert_grew(&rig, before, faults_waiting, 0);
	assert_true(wait_until(at_once_again(&rig, nowhere), 20));

	/* Whoever ends them answers those that wait. */
	ask_for(&rig, sdma_fill(IOVA_BASE + SIZE, PAGE, 1, 0));
	assert_true(wait_until(rig_stats(&rig).faults_waiting > 0, 20));
	assert_ok(viopf_unmap(rig.c, IOVA_BASE + SIZE, SIZE, NULL));
	all_refused(&rig);
	ask_for(&rig, sdma_checksum(nowhere, PAGE, 0));
	assert_true(wait_until(rig_stats(&rig).faults_waiting > 0, 20));
	rig_close(&rig);
}

static const struct suite_case cases[] = {
	CASE("S6 S5 read and write fault once a page, answered SUCCESS", read_and_write,
	     .iopf = EXACT),
	CASE("S6 R16 write after read leaves the zero page alone", write_after_read, .iopf = EXACT),
	CASE("S6 R16 write on a read-only mapping is INVALID", write_on_read_only, .iopf = EXACT),
	CASE("S6 R16 read on a write-only mapping is INVALID", read_on_write_only, .iopf = EXACT),
	CASE("S6 unmapped IOVA is INVALID", unmapped_iova, .iopf = EXACT),
	CASE("S6 a group of pages gets one response", group_of_pages, .iopf = EXACT),
	CASE("S6 a group across a mapping's end is INVALID", group_across_the_end, .iopf = EXACT),
	CASE("S6 S1 memory of a dead process is INVALID", dead_process, .iopf = EXACT),
	CASE("S6 S1 a munmapped hole is INVALID", munmapped_hole, .iopf = EXACT),
	CASE("S6 below a stack is INVALID, without a word", below_a_stack, .iopf = EXACT),
	CASE("S6 R16 PROT_NONE and PROT_READ are respected", prot_none, .iopf = EXACT),
	CASE("S6 past a file's end is INVALID", past_the_end_of_a_file, .iopf = EXACT),
	CASE("S6 R16 asking for write is asking for write", wants_to_write, .iopf = EXACT),
	CASE("S6 R7 R8 a device that goes on asking is refused later, others aren't",
	     goes_on_asking, .iopf = EXACT),
	CASE("S6 checksum, crypt and atomic operations fault as copies do", every_operation,
	     .iopf = EXACT),
};

int main(int argc, char **argv)
{
	return SUITE(cases, argc, argv);
}
