// SPDX-License-Identifier: GPL-2.0-only
/*
 * Intel's IOMMU without scalable mode passes on no page requests: what devices may reach is
 * pinned, and the kernel's log says why.
 *
 * VM: --intel --append intel_iommu=sm_off
 * LANES: intel
 */
#include <sys/mman.h>

#include "locking.h"
#include "rig.h"

#define SIZE	(64 * PAGE)

static void pinned(void)
{
	struct viopf_info info;
	struct rig rig;
	char *p;

	rig_open(&rig, 1);
	assert_ok(viopf_get_info(rig.c, &info));
	assert_true(info.iopf.flags & VFIO_IOPF_INFO_MUST_PIN);
	p = mem_anon(SIZE);
	rig_map(&rig, p, IOVA_BASE, SIZE);
	assert_true(status_kb("VmLck") >= (long)(SIZE / 1024));
	assert_ok(madvise(p, SIZE, MADV_PAGEOUT));
	dev_fill(&rig, IOVA_BASE, SIZE, 1);
	cpu_check(p, SIZE, 1);
	dev_read(&rig, IOVA_BASE + SIZE, PAGE, SOFTDMA_FAULT_INVALID);
	assert_int_equal(rig_stats(&rig).groups, 0);
	rig_close(&rig);
	assert_ok(shell("dmesg | grep -q \"group .* can't take page faults .*is pinned\""));
}

static const struct suite_case cases[] = {
	CASE("S12 R9 R16 an IOMMU without page requests", pinned),
};

int main(int argc, char **argv)
{
	return SUITE(cases, argc, argv);
}
