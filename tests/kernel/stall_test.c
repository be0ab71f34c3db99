// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices whose accesses stall, as behind Arm's SMMUv3 (soft/softdma.h, G15;
 * soft/softiommu.h, I9): the product serves them as it serves PRI, with what differs:
 * every page is a group of its own, addresses are those of the access, and an answer
 * aborts one access or has it tried again, and does nothing else.
 *
 * LANES: stock uml-debug
 */
#include <errno.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "handled.h"
#include "rig.h"

#define NR_PAGES	16
#define SIZE		(NR_PAGES * PAGE)
#define NOWHERE		0x7000000000ull

/* Device 0 in a container of the product's, with @p mapped and nothing resident. */
static char *open_stalling(struct rig *rig, unsigned int nr)
{
	char *p = mem_anon(SIZE);

	rig_open(rig, nr);
	rig_start_queue(rig, 0, 1);
	rig_map(rig, p, IOVA_BASE, SIZE);
	softiommu_set("reset_stats", "1\n");
	return p;
}

static uint32_t device_reg(struct rig *rig, uint32_t reg)
{
	uint32_t value = 0;

	assert_ok(sdma_reg_read(&rig->dma[0], reg, &value));
	return value;
}

static void on_demand(void)
{
	struct softdma_desc fill = sdma_fill(IOVA_BASE, SIZE, 6, 0);
	struct rig rig;
	char *p = open_stalling(&rig, 1);
	uint32_t header = 0;

	assert_int_equal(device_reg(&rig, SOFTDMA_REG_CAPS) &
			 (SOFTDMA_CAPS_PRI | SOFTDMA_CAPS_STALL), SOFTDMA_CAPS_STALL);
	assert_ok(viopf_config_read(rig.dev[0], 0x100, &header, sizeof(header)));
	assert_int_equal(header, 0);

	fill.flags = SOFTDMA_F_GROUP(8) | SOFTDMA_F_WANT_WRITE;
	rig_do(&rig, &fill, SOFTDMA_OK);
	cpu_check(p, SIZE, 6);
	assert_int_equal(fill.faults, NR_PAGES);
	assert_int_equal(softiommu_stat("prq_requests"), NR_PAGES);
	assert_int_equal(softiommu_stat("prq_groups"), NR_PAGES);
	assert_int_equal(softiommu_stat("resp_success"), NR_PAGES);
	rig_close(&rig);
	munmap(p, SIZE);
}

/* Not aligned, across pages, and for reading what is then written. */
static void odd_addresses(void)
{
	struct softdma_desc copy = sdma_copy(IOVA_BASE + 9 * PAGE - 1, IOVA_BASE + 4 * PAGE - 3,
					     PAGE + 7);
	struct softdma_desc add = sdma_atomic_add(IOVA_BASE + PAGE + 0x18, 5);
	struct vfio_iopf_stats before;
	struct rig rig;
	char *p = open_stalling(&rig, 1);

	memset(p, 3, SIZE);
	before = rig_stats(&rig);
	rig_do(&rig, &copy, SOFTDMA_OK);
	assert_memory_equal(p + 9 * PAGE - 1, p + 4 * PAGE - 3, PAGE + 7);
	assert_int_equal(copy.faults, 6);
	rig_do(&rig, &add, SOFTDMA_OK);
	assert_int_equal(add.result, 0x0303030303030303ull);
	assert_int_equal(add.faults, 1);
	/* What was mapped for reading stalls once more when it is written. */
	dev_read(&rig, IOVA_BASE + 12 * PAGE, 8, SOFTDMA_OK);
	assert_grew(&rig, before, resp_success, 8);
	dev_write(&rig, IOVA_BASE + 12 * PAGE + 8, 8, SOFTDMA_OK);
	rig_close(&rig);
	munmap(p, SIZE);
}

static void invalid(void)
{
	struct rig rig;
	char *p = open_stalling(&rig, 1);

	assert_ok(viopf_map(rig.c, p, IOVA_BASE + SIZE, PAGE, VIOPF_READ));
	assert_int_equal(dev_write(&rig, IOVA_BASE + SIZE + 8, 8, SOFTDMA_FAULT_INVALID), 1);
	assert_int_equal(dev_read(&rig, NOWHERE, 8, SOFTDMA_FAULT_INVALID), 1);
	assert_int_equal(dev_read(&rig, IOVA_BASE + SIZE, 8, SOFTDMA_OK), 1);
	assert_int_equal(softiommu_stat("resp_invalid"), 2);
	assert_int_equal(softiommu_stat("resp_success"), 1);
	rig_close(&rig);
	munmap(p, SIZE);
}

/* A handler's FAILURE aborts the access: the device is not stopped. */
static void failure(void)
{
	struct handled h;

	handled_open(&h, 1);
	decide(&h, ask_and_take(&h, 0, 1, 0), VFIO_IOPF_FAULT_FAILURE);
	ends(&h, 0, 1, SOFTDMA_FAULT_INVALID);
	assert_int_equal(softiommu_stat("resp_failure"), 1);
	assert_false(device_reg(&h.rig, SOFTDMA_REG_DEVICE) & SOFTDMA_DEV_FAILED);
	assert_int_equal(sdma_queue_status(&h.rig.dma[0].q[0]) & SOFTDMA_QS_ERROR, 0);
	decide(&h, ask_and_take(&h, 0, 2, 1), VFIO_IOPF_FAULT_CONTINUE);
	ends(&h, 0, 2, SOFTDMA_OK);
	handled_close(&h);
}

/* No room for the report: the access waits, and nothing is answered for it. */
static void no_room(void)
{
	struct softdma_desc fill = sdma_fill(IOVA_BASE, SIZE, 6, 0), done;
	struct rig rig;
	char *p = open_stalling(&rig, 1);

	softiommu_set("prq_limit", "0\n");
	assert_ok(sdma_submit(&rig.dma[0].q[1], &fill, 1));
	nap_ms(300);
	assert_int_equal(softiommu_stat("prq_groups"), 0);
	assert_int_equal(softiommu_stat("prq_overflow"), 0);
	softiommu_set("prq_limit", "1024\n");
	assert_int_equal(sdma_wait(&rig.dma[0].q[1], 0, DMA_LIMIT_MS, &done), SOFTDMA_OK);
	assert_int_equal(done.faults, NR_PAGES);
	cpu_check(p, SIZE, 6);
	rig_close(&rig);
}

/* An access that is stalled does not hold up a reset, nor the end of everything. */
static void abandoned(void)
{
	struct softdma_desc fill = sdma_fill(IOVA_BASE, SIZE, 6, 0);
	struct rig rig;
	char *p = open_stalling(&rig, 1);
	double start;

	softiommu_set("response_delay_us", "20000000\n");
	assert_ok(sdma_submit(&rig.dma[0].q[1], &fill, 1));
	assert_true(wait_until(softiommu_stat("resp_success") == 1, 20));
	start = now_s();
	assert_ok(sdma_queue_stop(&rig.dma[0], 1));
	/* Well before the response. */
	assert_true(now_s() - start < 15);
	assert_int_equal(softiommu_stat("resp_late"), 0);
	softiommu_set("response_delay_us", "0\n");
	rig_do(&rig, &fill, SOFTDMA_OK);
	cpu_check(p, SIZE, 6);
	rig_close(&rig);

	/* Its tag comes back all the same. */
	assert_true(wait_until(softiommu_stat("resp_late") == 1, 40));
	assert_int_equal(softiommu_stat("resp_unexpected"), 0);
}

static void both_kinds(void)
{
	struct softdma_desc check = sdma_check(IOVA_BASE, SIZE, 9, 0);
	struct rig rig;
	char *p = open_stalling(&rig, 2);

	dev_fill(&rig, IOVA_BASE, SIZE, 9);
	assert_int_equal(sdma_do(&rig.dma[1].q[0], &check, DMA_LIMIT_MS), SOFTDMA_OK);
	assert_int_equal(check.result, 0);
	assert_ok(madvise(p, SIZE, MADV_DONTNEED));
	check.flags = SOFTDMA_F_GROUP(4);
	assert_int_equal(sdma_do(&rig.dma[1].q[0], &check, DMA_LIMIT_MS), SOFTDMA_OK);
	assert_int_equal(check.faults, NR_PAGES / 4);
	cpu_check_zero(p, SIZE);
	rig_close(&rig);
}

#define STALL	.iopf = EXACT, .softdma = "devices=2 stall=1"

static const struct suite_case cases[] = {
	CASE("S6 G15 pages on demand, one at a time", on_demand, STALL),
	CASE("S6 G15 I9 the address and permission of the access", odd_addresses, STALL),
	CASE("S6 R16 G15 INVALID aborts the access only", invalid, STALL),
	CASE("G15 I9 FAILURE does not stop the device", failure, STALL),
	CASE("I6 I9 no room: a stalled access waits", no_room, STALL),
	CASE("G10 G15 a stalled access is abandoned", abandoned, STALL),
	CASE("S8 G15 beside a device with PRI, in one container", both_kinds, STALL),
};

int main(int argc, char **argv)
{
	return SUITE(cases, argc, argv);
}
