// SPDX-License-Identifier: GPL-2.0-only
/*
 * What shares what: devices in one container, in one or in two IOMMU domains,
 * containers on one process, processes in one container. What one of them does
 * is seen by those it concerns, and by no other. lifecycle_test.c has how they
 * come and go.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "rig.h"

#define NR_PAGES	16
#define SIZE		(NR_PAGES * PAGE)

/* FILL or CHECK by a device, on its queue 0. */
static unsigned int fill_by(struct rig *rig, unsigned int dev, uint64_t iova, uint64_t seed)
{
	struct softdma_desc desc = sdma_fill(iova, SIZE, seed, 0);

	assert_int_equal(sdma_do(&rig->dma[dev].q[0], &desc, DMA_LIMIT_MS), SOFTDMA_OK);
	return desc.faults;
}

static unsigned int check_by(struct rig *rig, unsigned int dev, uint64_t iova, uint64_t seed)
{
	struct softdma_desc desc = sdma_check(iova, SIZE, seed, 0);

	assert_int_equal(sdma_do(&rig->dma[dev].q[0], &desc, DMA_LIMIT_MS), SOFTDMA_OK);
	assert_int_equal(desc.result, 0);
	return desc.faults;
}

/* What one device faulted in the other finds, in its own domain, too. */
static void devices_in_step(unsigned int domains)
{
	struct vfio_iopf_stats before;
	struct rig rig;
	char *p;

	rig_open(&rig, 2);
	p = mem_anon(SIZE);
	rig_map(&rig, p, IOVA_BASE, SIZE);
	assert_int_equal(fill_by(&rig, 0, IOVA_BASE, 1), NR_PAGES);
	before = rig_stats(&rig);
	assert_int_equal(check_by(&rig, 1, IOVA_BASE, 1), 0);
	assert_grew(&rig, before, groups, 0);
	verify_residency();

	assert_ok(madvise(p, SIZE, MADV_DONTNEED));
	assert_grew(&rig, before, pages_evicted, NR_PAGES);
	assert_grew(&rig, before, evictions, 1);
	assert_grew(&rig, before, flushes, domains);
	assert_int_equal(fill_by(&rig, 1, IOVA_BASE, 2), NR_PAGES);
	assert_int_equal(check_by(&rig, 0, IOVA_BASE, 2), 0);
	cpu_check(p, SIZE, 2);

	assert_ok(viopf_unmap(rig.c, IOVA_BASE, SIZE, NULL));
	dev_read(&rig, IOVA_BASE, PAGE, SOFTDMA_FAULT_INVALID);
	rig_close(&rig);
}

static void one_domain(void)
{
	devices_in_step(1);
}

static void two_domains(void)
{
	devices_in_step(2);
}

/* The n-th map call fails: whatever n is, the domains agree afterwards. */
static void map_fails_half_way(void)
{
	const unsigned int domains = *(const unsigned int *)case_arg();
	char nth[16];
	struct rig rig;
	unsigned int i;
	char *p;

	rig_open(&rig, domains);
	p = mem_anon(SIZE);
	rig_map(&rig, p, IOVA_BASE, SIZE);
	for (i = 1; i <= domains * NR_PAGES + 4; i++) {
		snprintf(nth, sizeof(nth), "%u\n", i);
		softiommu_set("map_fail_nth", nth);
		fill_by(&rig, i % domains, IOVA_BASE, i);
		verify_residency();
		assert_int_equal(check_by(&rig, (i + 1) % domains, IOVA_BASE, i), 0);
		cpu_check(p, SIZE, i);
		softiommu_set("map_fail_nth", "0\n");
		assert_ok(madvise(p, SIZE, MADV_DONTNEED));
		verify_residency();
	}
	rig_close(&rig);
}

static void two_containers(void)
{
	struct vfio_iopf_stats a, b;
	struct rig one, two;
	char *p;

	rig_open_as(&one, 0, 1, VFIO_IOPF_IOMMU);
	rig_open_as(&two, 1, 1, VFIO_IOPF_IOMMU);
	p = mem_anon(SIZE);
	rig_map(&one, p, IOVA_BASE, SIZE);
	rig_map(&two, p, IOVA_BASE + HUGE, SIZE);
	fill_by(&one, 0, IOVA_BASE, 1);
	assert_int_equal(check_by(&two, 0, IOVA_BASE + HUGE, 1), NR_PAGES);
	a = rig_stats(&one);
	b = rig_stats(&two);
	assert_ok(madvise(p, SIZE, MADV_DONTNEED));
	assert_grew(&one, a, pages_evicted, NR_PAGES);
	assert_grew(&two, b, pages_evicted, NR_PAGES);
	fill_by(&two, 0, IOVA_BASE + HUGE, 2);
	check_by(&one, 0, IOVA_BASE, 2);
	/* One ends; the other goes on. */
	rig_close(&one);
	b = rig_stats(&two);
	assert_int_equal(check_by(&two, 0, IOVA_BASE + HUGE, 2), 0);
	assert_ok(madvise(p, SIZE, MADV_DONTNEED));
	assert_grew(&two, b, pages_evicted, NR_PAGES);
	rig_close(&two);
}

/* One memory at two places in the container is taken from both. */
static void one_memory_twice(void)
{
	struct vfio_iopf_stats before;
	struct rig rig;
	char *p;

	p = rig_open_anon(&rig, SIZE);
	rig_map(&rig, p, IOVA_BASE + HUGE, SIZE);
	fill_by(&rig, 0, IOVA_BASE, 1);
	assert_int_equal(check_by(&rig, 0, IOVA_BASE + HUGE, 1), NR_PAGES);
	before = rig_stats(&rig);
	assert_ok(madvise(p, PAGE, MADV_DONTNEED));
	assert_grew(&rig, before, pages_evicted, 2);
	fill_by(&rig, 0, IOVA_BASE + HUGE, 2);
	check_by(&rig, 0, IOVA_BASE, 2);
	rig_close(&rig);
}

struct other {
	struct rig *rig;
	char *p;
	int go[2], done[2];
};

static void other_step(struct other *o)
{
	char ch;

	assert_int_equal(read(o->go[0], &ch, 1), 1);
}

static void other_done(struct other *o)
{
	assert_int_equal(write(o->done[1], "", 1), 1);
}

static void other_let(struct other *o)
{
	char ch;

	assert_int_equal(write(o->go[1], "", 1), 1);
	assert_int_equal(read(o->done[0], &ch, 1), 1);
}

/* In the child: the same address as the parent's, other memory. */
static void other_main(void *arg)
{
	struct other *o = arg;

	other_step(o);
	sdma_pattern_fill(o->p, SIZE, 2, 0);
	rig_map(o->rig, o->p, IOVA_BASE + HUGE, SIZE);
	other_done(o);

	other_step(o);
	cpu_check(o->p, SIZE, 3);
	assert_ok(madvise(o->p, SIZE, MADV_DONTNEED));
	other_done(o);

	other_step(o);
	cpu_check(o->p, SIZE, 4);
	assert_ok(viopf_unmap(o->rig->c, IOVA_BASE + HUGE, SIZE, NULL));
	other_done(o);
}

static void two_processes(void)
{
	struct vfio_iopf_stats before;
	struct other o;
	struct rig rig;
	pid_t pid;

	rig_open(&rig, 1);
	o.rig = &rig;
	o.p = mem_anon(SIZE);
	assert_ok(pipe(o.go));
	assert_ok(pipe(o.done));
	sdma_pattern_fill(o.p, SIZE, 1, 0);
	rig_map(&rig, o.p, IOVA_BASE, SIZE);
	pid = child_run(other_main, &o);
	other_let(&o);
	/* Each mapping leads to its own process, by the same address. */
	check_by(&rig, 0, IOVA_BASE, 1);
	check_by(&rig, 0, IOVA_BASE + HUGE, 2);
	fill_by(&rig, 0, IOVA_BASE + HUGE, 3);
	cpu_check(o.p, SIZE, 1);
	before = rig_stats(&rig);
	other_let(&o);
	assert_grew(&rig, before, pages_evicted, NR_PAGES);
	assert_int_equal(check_by(&rig, 0, IOVA_BASE, 1), 0);
	before = rig_stats(&rig);
	assert_ok(madvise(o.p, SIZE, MADV_DONTNEED));
	assert_grew(&rig, before, pages_evicted, NR_PAGES);
	fill_by(&rig, 0, IOVA_BASE + HUGE, 4);
	cpu_check_zero(o.p, SIZE);
	other_let(&o);
	dev_read(&rig, IOVA_BASE + HUGE, PAGE, SOFTDMA_FAULT_INVALID);
	child_wait(pid, 20);
	rig_close(&rig);
}

/* The child drives a queue of its own, on memory of its own. */
static void child_at_work(void *arg)
{
	struct softdma_desc fill = sdma_fill(IOVA_BASE + 2 * HUGE, SIZE, 6, 0);
	struct rig *rig = arg;
	char *p = mem_anon(SIZE);

	rig_map(rig, p, IOVA_BASE + 2 * HUGE, SIZE);
	rig_start_queue(rig, 0, 1);
	assert_int_equal(sdma_do(&rig->dma[0].q[1], &fill, DMA_LIMIT_MS), SOFTDMA_OK);
	cpu_check(p, SIZE, 6);
	assert_ok(viopf_unmap(rig->c, IOVA_BASE + 2 * HUGE, SIZE, NULL));
}

static void shared_memory_of_two(void)
{
	struct rig rig;
	char *p;

	rig_open(&rig, 1);
	p = mem_shared(SIZE);
	rig_map(&rig, p, IOVA_BASE, SIZE);
	fill_by(&rig, 0, IOVA_BASE, 1);
	child_wait(child_run(child_at_work, &rig), 60);
	check_by(&rig, 0, IOVA_BASE, 1);
	cpu_check(p, SIZE, 1);
	rig_close(&rig);
}

/* A client may ask for what it has. */
static void enable_again(void)
{
	struct vfio_iopf_stats before;
	struct viopf_info info;
	struct rig rig;

	rig_open_anon(&rig, SIZE);
	fill_by(&rig, 0, IOVA_BASE, 1);
	before = rig_stats(&rig);
	assert_true(before.flags & VFIO_IOPF_STATS_ENABLED);
	assert_ok(viopf_enable(rig.c));
	assert_true(rig_stats(&rig).flags & VFIO_IOPF_STATS_ENABLED);
	assert_grew(&rig, before, resident_pages, 0);
	assert_int_equal(check_by(&rig, 0, IOVA_BASE, 1), 0);

	assert_ok(viopf_get_info(rig.c, &info));
	assert_true(info.has_iopf);
	assert_true(info.iopf.flags & VFIO_IOPF_INFO_ENABLED);
	assert_int_equal(1ull << info.iopf.segment_shift, before.segment_bytes);
	assert_true(info.iopf.max_workers >= before.workers);
	assert_true(info.page_sizes & PAGE);
	assert_true(info.nr_ranges > 0);
	rig_close(&rig);
}

static const unsigned int two = 2, three = 3;

static const struct suite_case cases[] = {
	CASE("S8 two devices in one container, one domain", one_domain, .iopf = EXACT,
	     .softdma = "devices=2"),
	CASE("S8 S4 two devices in one container, two domains", two_domains, .iopf = EXACT,
	     TWO_IOMMUS),
	CASE("S8 two domains stay in step when a map call fails", map_fails_half_way,
	     .iopf = EXACT, TWO_IOMMUS, .arg = &two),
	CASE("S8 three domains stay in step when a map call fails", map_fails_half_way,
	     .iopf = EXACT, THREE_IOMMUS, .arg = &three),
	CASE("S8 S1 two containers on one process", two_containers, .iopf = EXACT,
	     .softdma = "devices=2"),
	CASE("S1 one memory mapped twice in a container", one_memory_twice, .iopf = EXACT),
	CASE("R10 two processes in one container", two_processes, .iopf = EXACT),
	CASE("R10 shared memory and a child's mapping", shared_memory_of_two, .iopf = EXACT),
	CASE("S10 enabled from the start, and enabling again changes nothing", enable_again),
};

int main(int argc, char **argv)
{
	return SUITE(cases, argc, argv);
}
