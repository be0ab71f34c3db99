// SPDX-License-Identifier: GPL-2.0-only
/*
 * A machine whose IOMMU is switched off: the library says so, and changes nothing.
 *
 * VM: --intel --append intel_iommu=off
 * LANES: intel
 */
#include <errno.h>
#include <string.h>
#include <viopf.h>

#include "../../soft/user/softdma_client.h"
#include "modules.h"
#include "suite.h"

static void no_iommu(void)
{
	char bdfs[MAX_DEVICES][16];
	struct viopf_container *c;
	const char *bdf = bdfs[0];

	assert_ok(shell("modprobe -a vfio vfio-pci"));
	assert_ok(module_insert("vfio_iommu_iopf", NULL));
	assert_true(devices_list(bdfs) > 0);
	assert_int_equal(viopf_bind(bdf), -ENODEV);
	assert_non_null(strstr(viopf_error(), "turn it on"));
	assert_int_equal(viopf_container_open(&c, &bdf, 1, VFIO_IOPF_IOMMU), -ENODEV);
	assert_non_null(strstr(viopf_error(), "turn it on"));
	assert_ok(module_remove("vfio_iommu_iopf"));
}

static const struct suite_case cases[] = {
	CASE("R16 a machine without IOMMU is told from others", no_iommu, .no_modules = 1),
};

int main(int argc, char **argv)
{
	return SUITE(cases, argc, argv);
}
