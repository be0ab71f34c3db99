// SPDX-License-Identifier: GPL-2.0-only
/*
 * softdma: module parameters, and the devices.
 *
 * A device is complete, with its place behind the IOMMU and its threads, before the
 * bus on which it can be found is made, and is taken apart after the bus has gone.
 * The module can't be removed while a device is attached to a domain, as is one that
 * VFIO has given to user space.
 */
#include <linux/module.h>
#include <linux/slab.h>

#include "dma_priv.h"

static unsigned int devices = 4;
module_param(devices, uint, 0444);
MODULE_PARM_DESC(devices, "number of devices, 1 to 256 (default 4)");

static unsigned long nofault;
module_param(nofault, ulong, 0444);
MODULE_PARM_DESC(nofault, "mask of devices without ATS and PRI, of the first 64 (default 0)");

static unsigned long stall;
module_param(stall, ulong, 0444);
MODULE_PARM_DESC(stall, "mask of devices whose accesses stall, instead of ATS and PRI, of the first 64 (default 0)");

static unsigned int outstanding = 32;
module_param(outstanding, uint, 0444);
MODULE_PARM_DESC(outstanding, "page requests a device can have outstanding, 1 to 512 (default 32)");

static int domain = SOFTDMA_PCI_DOMAIN;
module_param(domain, int, 0444);
MODULE_PARM_DESC(domain, "PCI domain number, 1 to 0xffff (default 0x5d4a)");

static const struct soft_client sd_client = {
	.owner = THIS_MODULE,
	.respond = sd_respond,
};

static void sd_device_destroy(struct sd_device *dev)
{
	unsigned int i;

	for (i = 0; i < SOFTDMA_QUEUES; i++)
		sd_queue_deinit(&dev->queues[i]);
	softiommu_endpoint_destroy(dev->ep);
	kvfree(dev);
}

static enum soft_fault_kind sd_fault_kind(unsigned int index)
{
	if (index >= BITS_PER_LONG)
		return SOFT_FAULT_PRI;
	if (nofault & BIT(index))
		return SOFT_FAULT_NONE;
	return stall & BIT(index) ? SOFT_FAULT_STALL : SOFT_FAULT_PRI;
}

static struct sd_device *sd_device_create(unsigned int index)
{
	struct sd_device *dev;
	unsigned int i;
	int ret;

	dev = kvzalloc(sizeof(*dev), GFP_KERNEL);
	if (!dev)
		return ERR_PTR(-ENOMEM);
	dev->index = index;
	dev->faults = sd_fault_kind(index);
	init_waitqueue_head(&dev->wait);
	raw_spin_lock_init(&dev->pri_lock);
	dev->ep = softiommu_endpoint_create(index % softiommu_count(),
					    SOFTDMA_QUEUES, dev->faults,
					    &sd_client, dev);
	if (IS_ERR(dev->ep)) {
		ret = PTR_ERR(dev->ep);
		kvfree(dev);
		return ERR_PTR(ret);
	}
	sd_config_init(dev, outstanding, devices > SD_SLOTS);
	for (i = 0; i < SOFTDMA_QUEUES; i++) {
		ret = sd_queue_init(&dev->queues[i], dev, i);
		if (ret) {
			sd_device_destroy(dev);
			return ERR_PTR(ret);
		}
	}
	return dev;
}

static void sd_devices_destroy(unsigned int nr)
{
	while (nr--)
		sd_device_destroy(sd_devices[nr]);
}

static int __init softdma_init(void)
{
	unsigned int i;
	int ret;

	if ((stall & nofault) || !devices || devices > SD_MAX_DEVICES || domain < 1 ||
	    domain > 0xffff || !outstanding || outstanding > SOFT_GROUP_INDEXES)
		return -EINVAL;
	for (i = 0; i < devices; i++) {
		struct sd_device *dev = sd_device_create(i);

		if (IS_ERR(dev)) {
			sd_devices_destroy(i);
			return PTR_ERR(dev);
		}
		sd_devices[i] = dev;
	}
	ret = sd_bus_create(domain);
	if (ret)
		sd_devices_destroy(devices);
	return ret;
}
module_init(softdma_init);

static void __exit softdma_exit(void)
{
	sd_bus_destroy();
	sd_devices_destroy(devices);
}
module_exit(softdma_exit);

MODULE_DESCRIPTION("Software PCI DMA engines behind a software IOMMU");
MODULE_AUTHOR("The vfio-iopf authors");
MODULE_LICENSE("GPL");
MODULE_VERSION(VIOPF_VERSION);
