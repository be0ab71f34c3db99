// SPDX-License-Identifier: GPL-2.0-only
/*
 * softdma: which device is where on the bus.
 */
#include <linux/pci.h>

#include "dma_priv.h"

/* As many as there are, complete before the bus is made, and gone after it. */
struct sd_device *sd_devices[SD_MAX_DEVICES];

/**
 * sd_device_at() - the device at an address on the bus
 * @devfn: PCI device number and function
 *
 * Return: the device or NULL
 */
struct sd_device *sd_device_at(unsigned int devfn)
{
	unsigned int index = PCI_SLOT(devfn) + PCI_FUNC(devfn) * SD_SLOTS;

	return index < SD_MAX_DEVICES ? sd_devices[index] : NULL;
}
