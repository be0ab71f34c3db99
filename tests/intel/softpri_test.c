// SPDX-License-Identifier: GPL-2.0-only
/*
 * The emulated PCIe device by its guarantees (qemu/softpri.h, P1 and so on), behind an
 * emulated Intel IOMMU with the kernel's own driver: what a device does that keeps
 * translations, and what it does on request that no device may, each time with the
 * harm that is then to be seen. That it is a softdma device is softdma_test's to show.
 *
 * VM: --intel
 * LANES: intel first-stage debug
 */
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../../qemu/softpri.h"
#include "rig.h"

#define NR_PAGES	64
#define SIZE		(NR_PAGES * PAGE)
#define NOWHERE		0x7000000000ull
#define NR_PRI		INTEL_NOFAULT
#define DELAY_NS	500000000	/* longer than an unmap takes on a busy host */

static uint32_t get(struct rig *rig, uint32_t reg)
{
	uint32_t value = 0;

	assert_ok(sdma_reg_read(&rig->dma[0], reg, &value));
	return value;
}

static void set(struct rig *rig, uint32_t reg, uint32_t value)
{
	assert_ok(sdma_reg_write(&rig->dma[0], reg, value));
}

static int has_iommu(const char *bdf)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%.12s/iommu", bdf);
	return !access(path, F_OK);
}

/* Device @first in a container, and SIZE bytes mapped for it. */
static char *open_mapped(struct rig *rig, unsigned int first, unsigned long extension)
{
	char bdfs[MAX_DEVICES][16], *p;

	assert_true(devices_list(bdfs) > NR_PRI);
	if (!has_iommu(bdfs[0]))
		skip_because("this kernel does not use the IOMMU");
	rig_open_as(rig, first, 1, extension);
	if (extension == VFIO_IOPF_IOMMU &&
	    !(get(rig, SOFTDMA_REG_DEVICE) & SOFTDMA_DEV_PRI_ENABLED))
		skip_because("this kernel's IOMMU driver takes no page requests without PASID");
	p = mem_anon(SIZE);
	rig_map(rig, p, IOVA_BASE, SIZE);
	return p;
}

static char *open_pinned(struct rig *rig)
{
	return open_mapped(rig, 0, VFIO_TYPE1v2_IOMMU);
}

static char *open_faulting(struct rig *rig)
{
	return open_mapped(rig, 0, VFIO_IOPF_IOMMU);
}

static uint32_t config_dword(const char *bdf, long where)
{
	uint32_t value = 0;
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%.12s/config", bdf);
	f = fopen(path, "r");
	assert_non_null(f);
	assert_int_equal(fseek(f, where, SEEK_SET), 0);
	assert_int_equal(fread(&value, sizeof(value), 1, f), 1);
	fclose(f);
	return value;
}

/* Where an extended capability is, 0 if there is none. */
static long ext_capability(const char *bdf, unsigned int id)
{
	long at = PCI_CFG_SPACE_SIZE;

	while (at) {
		uint32_t head = config_dword(bdf, at);

		if (PCI_EXT_CAP_ID(head) == id)
			return at;
		at = PCI_EXT_CAP_NEXT(head);
	}
	return 0;
}

static void capabilities(void)
{
	char bdfs[MAX_DEVICES][16];
	unsigned int i;
	struct rig rig;

	open_pinned(&rig);
	assert_int_equal(get(&rig, SOFTPRI_REG_ID), SOFTPRI_ID);
	assert_true(get(&rig, SOFTDMA_REG_CAPS) & SOFTDMA_CAPS_PRI);
	rig_close(&rig);

	assert_true(devices_list(bdfs) > NR_PRI);
	for (i = 0; i <= NR_PRI; i++) {
		long pri = ext_capability(bdfs[i], PCI_EXT_CAP_ID_PRI);

		assert_int_equal(!!ext_capability(bdfs[i], PCI_EXT_CAP_ID_ATS), i < NR_PRI);
		assert_int_equal(!!pri, i < NR_PRI);
		assert_int_equal(ext_capability(bdfs[i], PCI_EXT_CAP_ID_PASID), 0);
		if (pri)
			assert_int_equal(config_dword(bdfs[i], pri + PCI_PRI_MAX_REQ), 512);
	}
}

static void without_pri(void)
{
	struct rig rig;
	char *p = open_mapped(&rig, NR_PRI, VFIO_TYPE1v2_IOMMU);

	assert_false(get(&rig, SOFTDMA_REG_CAPS) & SOFTDMA_CAPS_PRI);
	dev_fill(&rig, IOVA_BASE, SIZE, 4);
	cpu_check(p, SIZE, 4);
	assert_int_equal(dev_read(&rig, NOWHERE, 8, SOFTDMA_FAULT_INVALID), 0);
	assert_ok(viopf_unmap(rig.c, IOVA_BASE, SIZE, NULL));
	dev_read(&rig, IOVA_BASE, SIZE, SOFTDMA_FAULT_INVALID);
	rig_close(&rig);
}

/* What the device reads of a page after its mapping has ended. */
static void read_after_unmap(uint32_t test, enum softdma_status want)
{
	struct rig rig;
	char *p = open_pinned(&rig);

	sdma_pattern_fill(p, SIZE, 5, 0);
	set(&rig, SOFTPRI_REG_TEST, test);
	dev_check(&rig, IOVA_BASE, SIZE, 5);
	assert_ok(viopf_unmap(rig.c, IOVA_BASE, SIZE, NULL));
	dev_read(&rig, IOVA_BASE + PAGE, 8, want);
	rig_close(&rig);
}

static void translations_end(void)
{
	read_after_unmap(0, SOFTDMA_FAULT_INVALID);
}

static void deaf_to_invalidation(void)
{
	read_after_unmap(SOFTPRI_TEST_DEAF, SOFTDMA_OK);
}

/*
 * A mapping ends while the device, which takes its time, writes to it page by page.
 * Returns whether anything was written after the end.
 */
static int written_after_unmap(uint32_t test)
{
	struct softdma_desc fill = sdma_fill(IOVA_BASE, SIZE, 6, 0);
	static char at_unmap[SIZE];
	struct rig rig;
	char *p = open_pinned(&rig);
	int changed;

	set(&rig, SOFTPRI_REG_TEST, test);
	set(&rig, SOFTPRI_REG_DELAY, DELAY_NS);
	assert_ok(sdma_submit(&rig.dma[0].q[0], &fill, 1));
	assert_true(wait_until(__atomic_load_n((uint64_t *)(p + PAGE), __ATOMIC_ACQUIRE), 20));
	assert_ok(viopf_unmap(rig.c, IOVA_BASE, SIZE, NULL));
	memcpy(at_unmap, p, SIZE);
	assert_int_equal(sdma_wait(&rig.dma[0].q[0], 0, DMA_LIMIT_MS, &fill),
			 SOFTDMA_FAULT_INVALID);
	assert_in_range(fill.result, PAGE, SIZE - PAGE);
	changed = memcmp(at_unmap, p, SIZE);
	set(&rig, SOFTPRI_REG_DELAY, 0);
	rig_close(&rig);
	return changed;
}

static void unmap_waits_for_access(void)
{
	assert_false(written_after_unmap(0));
}

static void deaf_access_after_unmap(void)
{
	assert_true(written_after_unmap(SOFTPRI_TEST_DEAF));
}

/* Requests are lost, one by one or as a part of a group, and the device asks again. */
static void overflow(void)
{
	struct softdma_desc fill = sdma_fill(IOVA_BASE + PAGE, SIZE - PAGE, 7, PAGE);
	struct rig rig;
	char *p = open_faulting(&rig);

	set(&rig, SOFTPRI_REG_OVERFLOW, 5);
	assert_in_range(dev_write(&rig, IOVA_BASE, 8, SOFTDMA_OK), 6, UINT32_MAX);
	assert_int_equal(get(&rig, SOFTPRI_REG_OVERFLOW), 0);

	fill.flags = SOFTDMA_F_GROUP(8);
	set(&rig, SOFTPRI_REG_OVERFLOW, 3);
	rig_do(&rig, &fill, SOFTDMA_OK);
	assert_in_range(fill.faults, NR_PAGES / 8 + 1, UINT32_MAX);
	assert_int_equal(sdma_pattern_check(p + PAGE, SIZE - PAGE, 7, PAGE), 0);
	rig_close(&rig);
}

/* All group indexes there are at one time: more than the allocation allows others. */
static void many_groups(void)
{
	struct softdma_request *list;
	struct softdma_desc ask;
	unsigned int i;
	struct rig rig;

	open_faulting(&rig);
	list = mem_anon(SIZE);
	for (i = 0; i < SOFTDMA_MAX_LIST_GROUPS; i++)
		list[i] = (struct softdma_request){
			.addr = IOVA_BASE + i % NR_PAGES * PAGE,
			.flags = SOFTDMA_RQ_READ | SOFTDMA_RQ_LAST,
			.group = i,
		};
	rig_map(&rig, list, NOWHERE, SIZE);
	ask = sdma_request(NOWHERE, SOFTDMA_MAX_LIST_GROUPS);
	rig_do(&rig, &ask, SOFTDMA_OK);
	assert_int_equal(ask.result, SOFTDMA_MAX_LIST_GROUPS);
	assert_int_equal(ask.detail, SOFTDMA_MAX_LIST_GROUPS);

	/* A request for nothing that ends its group would have no response. */
	list[0].flags = SOFTDMA_RQ_LAST;
	ask = sdma_request(NOWHERE, 1);
	rig_do(&rig, &ask, SOFTDMA_BAD_DESC);
	rig_close(&rig);
}

/* INVALID is no answer to it; only an abort ends it. */
static void stubborn(void)
{
	struct softdma_desc read = sdma_checksum(NOWHERE, 8, 0);
	struct vfio_iopf_stats before;
	struct rig rig;

	open_faulting(&rig);
	before = rig_stats(&rig);
	set(&rig, SOFTPRI_REG_TEST, SOFTPRI_TEST_STUBBORN);
	assert_ok(sdma_submit(&rig.dma[0].q[0], &read, 1));
	assert_true(wait_until(rig_stats(&rig).resp_invalid >= before.resp_invalid + 10, 20));
	assert_true(sdma_queue_status(&rig.dma[0].q[0]) & SOFTDMA_QS_BUSY);
	assert_ok(sdma_queue_stop(&rig.dma[0], 0));
	rig_close(&rig);
}

static void reset(void)
{
	struct rig rig;
	char *p = open_faulting(&rig);

	set(&rig, SOFTPRI_REG_TEST, SOFTPRI_TEST_DEAF | SOFTPRI_TEST_STUBBORN);
	set(&rig, SOFTPRI_REG_DELAY, 1000);
	set(&rig, SOFTPRI_REG_OVERFLOW, 1);
	assert_int_equal(get(&rig, SOFTPRI_REG_TEST), SOFTPRI_TEST_ALL);
	assert_int_equal(get(&rig, SOFTPRI_REG_DELAY), 1000);
	assert_ok(viopf_reset(rig.dev[0]));
	assert_int_equal(get(&rig, SOFTPRI_REG_TEST), 0);
	assert_int_equal(get(&rig, SOFTPRI_REG_DELAY), 0);
	assert_int_equal(get(&rig, SOFTPRI_REG_OVERFLOW), 0);

	/* Linux has restored ATS and PRI. */
	assert_true(get(&rig, SOFTDMA_REG_DEVICE) & SOFTDMA_DEV_PRI_ENABLED);
	assert_ok(viopf_bus_master(rig.dev[0], 1));
	rig_start_queue(&rig, 0, 0);
	dev_fill(&rig, IOVA_BASE, SIZE, 8);
	cpu_check(p, SIZE, 8);
	rig_close(&rig);
}

static const struct suite_case cases[] = {
	CASE("P1 P2 capabilities", capabilities),
	CASE("P2 P3 a device without ATS and PRI", without_pri),
	CASE("P3 P5 a kept translation ends with its mapping", translations_end),
	CASE("P11 not so if the device is deaf", deaf_to_invalidation),
	CASE("P4 P5 unmapping waits for the access under way", unmap_waits_for_access),
	CASE("P4 P11 not so if the device is deaf: written after the end",
	     deaf_access_after_unmap),
	CASE("P7 requests lost in an overflow are made again", overflow, .iopf = EXACT),
	CASE("P6 P10 all groups there are at one time", many_groups),
	CASE("P11 a stubborn device asks again after INVALID", stubborn),
	CASE("P8 a function level reset", reset),
};

int main(int argc, char **argv)
{
	return SUITE(cases, argc, argv);
}
