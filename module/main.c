// SPDX-License-Identifier: GPL-2.0-only
/*
 * vfio_iommu_iopf: a VFIO container backend without pinned memory.
 *
 * Loading, registration with VFIO's core, unloading. What the module does is described in
 * docs/design.md, its objects and locks in object/container.h.
 */
#include <linux/module.h>

#include "compat/needs.h"
#include "object/object.h"
#include "uapi/uapi.h"

MODULE_DESCRIPTION("VFIO container backend that pages memory in on the device's demand");
MODULE_LICENSE("GPL");
MODULE_VERSION(VIOPF_VERSION);
/*
 * Attach handles: see compat/iommu_handle.h. This is what MODULE_IMPORT_NS() does, which
 * takes a string, but in 6.12 a word.
 */
MODULE_INFO(import_ns, "IOMMUFD_INTERNAL");
/* VFIO asks the backend that was registered last first. */
MODULE_SOFTDEP("pre: vfio_iommu_type1");

static int __init viopf_init(void)
{
	int ret;

	ret = viopf_mapping_init();
	if (ret)
		return ret;
	ret = viopf_sysfs_init();
	if (ret)
		goto out_mapping_exit;
	ret = viopf_containers_init();
	if (ret)
		goto out_sysfs_exit;
	ret = vfio_register_iommu_driver(&viopf_driver_ops);
	if (ret)
		goto out_containers_exit;
	viopf_verify_init();
	return 0;

out_containers_exit:
	viopf_containers_exit();
out_sysfs_exit:
	viopf_sysfs_exit();
out_mapping_exit:
	viopf_mapping_exit();
	return ret;
}

static void __exit viopf_exit(void)
{
	viopf_verify_exit();
	vfio_unregister_iommu_driver(&viopf_driver_ops);
	viopf_containers_exit();
	viopf_sysfs_exit();
	viopf_mapping_exit();
	viopf_age_exit();
}

module_init(viopf_init);
module_exit(viopf_exit);
