// SPDX-License-Identifier: GPL-2.0-only
/*
 * On the kernel's own Intel driver, what only real hardware does: it is reset while it
 * faults, its queue of page requests overflows, it breaks the rules. The other kernel
 * tests say by "LANES: intel" that they hold here, too.
 *
 * VM: --intel
 * LANES: intel first-stage debug
 */
#include <signal.h>
#include <sys/mman.h>

#include "../../qemu/softpri.h"
#include "load.h"
#include "thrower.h"

#define SIZE		(1ul << 20)
#define IOVA_SINK	0x800000000ull
#define NOWHERE		0x700000000ull

/*
 * So often a device is reset or its user killed while it faults. Each time Linux may meet
 * the fault of its own that docs/hardware.md tells of, and the VM starts again; the debug
 * kernel is mended (upstream/linux), which many times are to show.
 */
static unsigned int times(unsigned int on_debug)
{
	return lane_is("debug") ? on_debug : 2;
}

static void set(struct rig *rig, unsigned int dev, uint32_t reg, uint32_t value)
{
	assert_ok(sdma_reg_write(&rig->dma[dev], reg, value));
}

/* Device 0 of @nr, its queue 1 at work on SIZE bytes, which are returned. */
static char *work_begin(struct rig *rig, struct load *load, unsigned int nr)
{
	char *p;

	rig_open(rig, nr);
	rig_start_queue(rig, 0, 1);
	p = mem_anon(SIZE);
	rig_map(rig, p, IOVA_BASE, SIZE);
	*load = (struct load){
		.rig = rig, .queue = 1, .kind = LOAD_WRITE, .p = p, .iova = IOVA_BASE,
		.size = SIZE,
	};
	load_start(load, 0);
	return p;
}

static void work_end(struct rig *rig, struct load *load)
{
	load_stop(load);
	rig_close(rig);
}

/* All queues of @dev at work where there is always something to fault in. */
static void keep_faulting(struct rig *rig, unsigned int dev)
{
	struct softdma_desc fill = sdma_fill(IOVA_BASE, SIZE, 9, 0);
	unsigned int q;

	fill.flags = SOFTDMA_F_GROUP(8);
	for (q = 0; q < SOFTDMA_QUEUES; q++) {
		if (!rig->dma[dev].q[q].entries)
			rig_start_queue(rig, dev, q);
		assert_ok(sdma_submit(&rig->dma[dev].q[q], &fill, 1));
		assert_ok(sdma_submit(&rig->dma[dev].q[q], &fill, 1));
	}
}

/* What a reset leaves of queues: nothing. */
static void forget_queues(struct rig *rig, unsigned int dev)
{
	unsigned int q;

	for (q = 0; q < SOFTDMA_QUEUES; q++)
		rig->dma[dev].q[q].entries = 0;
}

static void resets(void)
{
	struct thrower thrower;
	struct rig rig;
	unsigned int i;
	char *p;

	p = rig_open_anon(&rig, SIZE);
	thrower_start(&thrower, p, SIZE);
	for (i = 0; i < times(200); i++) {
		keep_faulting(&rig, 0);
		nap_ms(1 + i % 7);
		assert_ok(viopf_reset(rig.dev[0]));
		forget_queues(&rig, 0);
		rig_check(&rig);
		assert_ok(viopf_bus_master(rig.dev[0], 1));
		rig_start_queue(&rig, 0, 0);
	}
	thrower_stop(&thrower);
	dev_fill(&rig, IOVA_BASE, SIZE, 3);
	cpu_check(p, SIZE, 3);
	rig_close(&rig);
}

/* Requests are lost while the device is at work; it asks again. */
static void overflow_under_load(void)
{
	struct load load;
	struct rig rig;
	int i;
	char *p;

	p = work_begin(&rig, &load, 1);
	for (i = 0; i < 20; i++) {
		set(&rig, 0, SOFTPRI_REG_OVERFLOW, 7);
		assert_ok(madvise(p, SIZE, MADV_PAGEOUT));
		load_progress(&load, 1);
	}
	work_end(&rig, &load);
}

/* The same memory by two containers, each with its own device and IOMMU domain. */
static void two_containers(void)
{
	struct rig one, two;
	int i;
	char *p;

	rig_open_as(&one, 0, 1, VFIO_IOPF_IOMMU);
	rig_open_as(&two, 1, 1, VFIO_IOPF_IOMMU);
	p = mem_anon(SIZE);
	rig_map(&one, p, IOVA_BASE, SIZE);
	rig_map(&two, p, IOVA_SINK, SIZE);
	for (i = 1; i < 6; i++) {
		dev_fill(&one, IOVA_BASE, SIZE, i);
		dev_check(&two, IOVA_SINK, SIZE, i);
		assert_ok(madvise(p, SIZE, MADV_PAGEOUT));
	}
	assert_ok(viopf_unmap(one.c, IOVA_BASE, SIZE, NULL));
	dev_read(&one, IOVA_BASE, PAGE, SOFTDMA_FAULT_INVALID);
	dev_fill(&two, IOVA_SINK, SIZE, 9);
	cpu_check(p, SIZE, 9);
	rig_close(&one);
	dev_check(&two, IOVA_SINK, SIZE, 9);
	rig_close(&two);
}

/* A second device with its own domain, and one that has no PRI, come and go during DMA. */
static void come_and_go(void)
{
	static const unsigned int others[] = { 1, INTEL_NOFAULT };
	char bdfs[MAX_DEVICES][16];
	struct load load;
	struct rig rig;
	unsigned int i;
	char *p;

	devices_list(bdfs);
	p = work_begin(&rig, &load, 1);
	for (i = 0; i < 12; i++) {
		const char *bdf = bdfs[others[i % 2]];
		int pinned = others[i % 2] == INTEL_NOFAULT;

		assert_ok(viopf_group_add(rig.c, bdf));
		assert_true(!!rig_stats(&rig).pinned_pages == pinned);
		assert_ok(viopf_device_open(rig.c, bdf, &rig.dev[1]));
		assert_ok(sdma_open(&rig.dma[1], rig.dev[1]));
		rig_start_queue(&rig, 1, 0);
		assert_ok(madvise(p, SIZE, MADV_PAGEOUT));
		load_progress(&load, 1);
		assert_ok(sdma_queue_stop(&rig.dma[1], 0));
		viopf_device_close(rig.dev[1]);
		assert_ok(viopf_group_remove(rig.c, bdf));
		assert_int_equal(rig_stats(&rig).pinned_pages, 0);
		load_progress(&load, 1);
	}
	work_end(&rig, &load);
}

/* A device that takes INVALID for no answer has others in its container served all the same. */
static void stubborn_neighbour(void)
{
	struct softdma_desc read = sdma_checksum(NOWHERE, 8, 0);
	struct vfio_iopf_stats before;
	struct load load;
	struct rig rig;
	char *p;

	p = work_begin(&rig, &load, 2);
	before = rig_stats(&rig);
	set(&rig, 1, SOFTPRI_REG_TEST, SOFTPRI_TEST_STUBBORN);
	assert_ok(sdma_submit(&rig.dma[1].q[0], &read, 1));
	load_progress(&load, 20);
	assert_ok(madvise(p, SIZE, MADV_PAGEOUT));
	load_progress(&load, 20);
	load_stop(&load);
	assert_true(rig_stats(&rig).resp_invalid >= before.resp_invalid + 10);
	rig_close(&rig);
}

/* Closed as it faults, and killed: nothing is left, and the device works for the next. */
static void die_faulting(void *arg)
{
	struct thrower thrower;
	struct rig rig;
	char *p;

	(void)arg;
	p = rig_open_anon(&rig, SIZE);
	thrower_start(&thrower, p, SIZE);
	for (;;) {
		keep_faulting(&rig, 0);
		nap_ms(20);
	}
}

static void killed(void)
{
	unsigned int i;

	for (i = 0; i < times(20); i++) {
		pid_t pid = child_run(die_faulting, NULL);

		nap_ms(300 + 20 * i);
		assert_ok(kill(pid, SIGKILL));
		child_reap(pid, 30);
	}
	rig_works(0, 1, SIZE);
}

static const struct suite_case cases[] = {
	CASE("S6 R8 resets while it faults", resets, .limit_s = 400),
	CASE("S6 S2 the queue of page requests overflows", overflow_under_load, .limit_s = 200),
	CASE("S1 S8 the same memory in two containers", two_containers),
	CASE("S8 S12 R11 devices come and go during DMA", come_and_go, .limit_s = 200),
	CASE("S6 R7 a device that takes INVALID for no answer", stubborn_neighbour,
	     .limit_s = 200),
	CASE("S6 R8 killed while it faults", killed, .limit_s = 200),
};

int main(int argc, char **argv)
{
	return SUITE(cases, argc, argv);
}
