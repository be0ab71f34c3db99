// SPDX-License-Identifier: GPL-2.0-only
/*
 * softdma: the PCI root bus.
 *
 * The bus is in a PCI domain of its own, has no firmware node and no resources but its
 * bus number.  A bus notifier that is called before the iommu core's puts each new
 * device behind its IOMMU, so that the core finds it there like any other device.
 *
 * A device gets an interrupt domain that says "isolated": it has no interrupt to send,
 * and a write to where others send theirs is translated like any write.  VFIO asks
 * before it gives a device to user space.
 */
#include <linux/irqdomain.h>
#include <linux/notifier.h>

#include "dma_priv.h"

static struct pci_sysdata sd_sysdata = {
	.node = NUMA_NO_NODE,
};

static struct resource sd_bus_numbers = {
	.name = "softdma bus",
	.start = 0,
	.end = 0,
	.flags = IORESOURCE_BUS,
};

static const struct irq_domain_ops sd_irq_ops = {};
static struct irq_domain *sd_irq_domain;
static struct pci_bus *sd_root;

static int sd_bus_notify(struct notifier_block *nb, unsigned long action,
			 void *data)
{
	struct pci_dev *pdev = to_pci_dev(data);
	struct sd_device *dev;

	if (action != BUS_NOTIFY_ADD_DEVICE ||
	    pdev->bus->sysdata != &sd_sysdata)
		return NOTIFY_DONE;
	/* As its status says, which 6.12 reads of devices with power management alone. */
	pdev->imm_ready = 1;
	dev = sd_device_at(pdev->devfn);
	if (dev && !softiommu_endpoint_claim(dev->ep, &pdev->dev))
		dev_set_msi_domain(&pdev->dev, sd_irq_domain);
	return NOTIFY_OK;
}

static struct notifier_block sd_bus_nb = {
	.notifier_call = sd_bus_notify,
	.priority = INT_MAX,
};

static int sd_irq_domain_create(void)
{
	struct irq_domain_info info = {
		.domain_flags = IRQ_DOMAIN_FLAG_ISOLATED_MSI,
		.ops = &sd_irq_ops,
	};

	sd_irq_domain = irq_domain_instantiate(&info);
	return PTR_ERR_OR_ZERO(sd_irq_domain);
}

static int sd_bus_scan(void)
{
	LIST_HEAD(resources);

	pci_add_resource(&resources, &sd_bus_numbers);
	pci_lock_rescan_remove();
	sd_root = pci_create_root_bus(NULL, 0, &sd_pci_ops, &sd_sysdata,
				      &resources);
	if (!sd_root) {
		pci_unlock_rescan_remove();
		pci_free_resource_list(&resources);
		return -ENOMEM;
	}
	pci_scan_child_bus(sd_root);
	pci_bus_add_devices(sd_root);
	pci_unlock_rescan_remove();
	return 0;
}

/* Every device has to be behind its IOMMU: else it would be there for nothing. */
static int sd_bus_check(void)
{
	struct pci_dev *pdev;
	int ret = 0;

	pci_lock_rescan_remove();
	list_for_each_entry(pdev, &sd_root->devices, bus_list)
		if (!device_iommu_mapped(&pdev->dev))
			ret = -ENODEV;
	pci_unlock_rescan_remove();
	return ret;
}

/**
 * sd_bus_create() - make the root bus and its devices appear
 * @domain: PCI domain number
 *
 * Return: 0; -EBUSY: there is such a PCI domain; -ENODEV: a device was not taken by its
 * IOMMU; -ENOMEM
 */
int sd_bus_create(int domain)
{
	int ret;

	if (pci_find_bus(domain, 0))
		return -EBUSY;
	sd_sysdata.domain = domain;
	ret = sd_irq_domain_create();
	if (ret)
		return ret;
	ret = bus_register_notifier(&pci_bus_type, &sd_bus_nb);
	if (ret)
		goto out_remove_irq_domain;
	ret = sd_bus_scan();
	if (ret)
		goto out_unregister_notifier;
	ret = sd_bus_check();
	if (ret)
		sd_bus_destroy();
	return ret;

out_unregister_notifier:
	bus_unregister_notifier(&pci_bus_type, &sd_bus_nb);
out_remove_irq_domain:
	irq_domain_remove(sd_irq_domain);
	return ret;
}

/**
 * sd_bus_destroy() - take the devices and the bus away
 *
 * Drivers are unbound first, which waits until nobody has a device open.
 */
void sd_bus_destroy(void)
{
	struct device *bridge = sd_root->bridge;

	pci_lock_rescan_remove();
	pci_stop_root_bus(sd_root);
	pci_remove_root_bus(sd_root);
	pci_unlock_rescan_remove();
	/* That only takes it away; pci_create_root_bus() left the reference to us. */
	put_device(bridge);
	bus_unregister_notifier(&pci_bus_type, &sd_bus_nb);
	irq_domain_remove(sd_irq_domain);
}
