// SPDX-License-Identifier: GPL-2.0-only
/*
 * softdma: config space.
 *
 * Most of it is memory: dev->config, of which a write changes the bits set in
 * dev->writable.  Read and written differently are the registers of the vendor-specific
 * capability, the PRI status, and the reset bit of the PCIe capability.
 *
 * The PCI core calls with its raw spinlock held, so accesses come one at a time, and
 * nothing here may sleep or take any but raw spinlocks.
 */
#include <linux/unaligned.h>

#include "dma_priv.h"

static void sd_set_word(struct sd_device *dev, unsigned int where, u16 value,
			u16 writable)
{
	put_unaligned_le16(value, &dev->config[where]);
	put_unaligned_le16(writable, &dev->writable[where]);
}

static void sd_set_dword(struct sd_device *dev, unsigned int where, u32 value,
			 u32 writable)
{
	put_unaligned_le32(value, &dev->config[where]);
	put_unaligned_le32(writable, &dev->writable[where]);
}

static void sd_init_header(struct sd_device *dev)
{
	sd_set_word(dev, PCI_VENDOR_ID, SOFTDMA_VENDOR_ID, 0);
	sd_set_word(dev, PCI_DEVICE_ID, SOFTDMA_DEVICE_ID, 0);
	sd_set_word(dev, PCI_COMMAND, 0, PCI_COMMAND_MEMORY |
		    PCI_COMMAND_MASTER | PCI_COMMAND_PARITY |
		    PCI_COMMAND_SERR | PCI_COMMAND_INTX_DISABLE);
	sd_set_word(dev, PCI_STATUS, PCI_STATUS_CAP_LIST | PCI_STATUS_IMM_READY,
		    0);
	sd_set_dword(dev, PCI_CLASS_REVISION, SOFTDMA_CLASS << 8 |
		     SOFTDMA_VERSION, 0);
	sd_set_word(dev, PCI_CACHE_LINE_SIZE, 0, 0xff);
	sd_set_word(dev, PCI_SUBSYSTEM_VENDOR_ID, SOFTDMA_VENDOR_ID, 0);
	sd_set_word(dev, PCI_SUBSYSTEM_ID, SOFTDMA_DEVICE_ID, 0);
	sd_set_word(dev, PCI_CAPABILITY_LIST, SD_CAP_EXP, 0);
	sd_set_word(dev, PCI_INTERRUPT_LINE, 0, 0xff);
}

static void sd_init_capabilities(struct sd_device *dev)
{
	sd_set_word(dev, SD_CAP_EXP, SD_CAP_VENDOR << 8 | PCI_CAP_ID_EXP, 0);
	sd_set_word(dev, SD_CAP_EXP + PCI_EXP_FLAGS,
		    2 | PCI_EXP_TYPE_RC_END << 4, 0);
	sd_set_dword(dev, SD_CAP_EXP + PCI_EXP_DEVCAP, PCI_EXP_DEVCAP_RBER |
		     PCI_EXP_DEVCAP_FLR, 0);
	sd_set_word(dev, SD_CAP_EXP + PCI_EXP_DEVCTL, 0,
		    U16_MAX - PCI_EXP_DEVCTL_BCR_FLR);

	sd_set_word(dev, SD_CAP_VENDOR, SOFTDMA_CAP_ID, 0);
	sd_set_word(dev, SD_CAP_VENDOR + 2,
		    SOFTDMA_VERSION << 8 | SOFTDMA_CAP_BYTES, 0);
}

static void sd_init_ext_capabilities(struct sd_device *dev, u32 max_requests)
{
	sd_set_dword(dev, SD_CAP_ATS, SD_CAP_PRI << 20 | 1 << 16 |
		     PCI_EXT_CAP_ID_ATS, 0);
	sd_set_word(dev, SD_CAP_ATS + PCI_ATS_CAP, PCI_ATS_CAP_PAGE_ALIGNED, 0);
	sd_set_word(dev, SD_CAP_ATS + PCI_ATS_CTRL, 0,
		    PCI_ATS_CTRL_ENABLE | PCI_ATS_CTRL_STU(~0));
	sd_set_dword(dev, SD_CAP_PRI, 1 << 16 | PCI_EXT_CAP_ID_PRI, 0);
	sd_set_word(dev, SD_CAP_PRI + PCI_PRI_CTRL, 0, PCI_PRI_CTRL_ENABLE);
	sd_set_dword(dev, SD_CAP_PRI + PCI_PRI_MAX_REQ, max_requests, 0);
	sd_set_dword(dev, SD_CAP_PRI + PCI_PRI_ALLOC_REQ, 0, ~0U);
}

/**
 * sd_config_init() - the config space of a new device
 * @dev: the device
 * @max_requests: page requests that it can have outstanding
 * @multifunction: other functions share its PCI device number
 */
void sd_config_init(struct sd_device *dev, u32 max_requests, bool multifunction)
{
	sd_init_header(dev);
	if (multifunction)
		dev->config[PCI_HEADER_TYPE] |= PCI_HEADER_TYPE_MFD;
	sd_init_capabilities(dev);
	if (sd_has_pri(dev))
		sd_init_ext_capabilities(dev, max_requests);
}

static void sd_stop_all(struct sd_device *dev, u32 error)
{
	unsigned int i;

	for (i = 0; i < SOFTDMA_QUEUES; i++)
		sd_queue_stop(&dev->queues[i], error);
}

static void sd_function_reset(struct sd_device *dev)
{
	unsigned int i;

	WRITE_ONCE(*(u16 *)&dev->config[PCI_COMMAND], 0);
	put_unaligned_le16(0, &dev->config[SD_CAP_EXP + PCI_EXP_DEVCTL]);
	for (i = 0; i < SOFTDMA_QUEUES; i++)
		sd_queue_reset(&dev->queues[i]);
	sd_pri_reset(dev);
}

static u32 sd_device_status(const struct sd_device *dev)
{
	return (sd_bus_master(dev) ? SOFTDMA_DEV_BUS_MASTER : 0) |
	       (sd_pri_enabled(dev) ? SOFTDMA_DEV_PRI_ENABLED : 0) |
	       (READ_ONCE(dev->failed) ? SOFTDMA_DEV_FAILED : 0);
}

/* @reg: offset in the vendor-specific capability, a multiple of 4 */
static u32 sd_vendor_read(struct sd_device *dev, unsigned int reg)
{
	unsigned int offset = reg - SOFTDMA_REG_QUEUE(0);
	unsigned int stride = SOFTDMA_REG_QUEUE(1) - SOFTDMA_REG_QUEUE(0);

	switch (reg) {
	case SOFTDMA_REG_CAPS:
		return SOFTDMA_QUEUES | SOFTDMA_MAX_RING_LOG2 << 8 |
		       (sd_has_pri(dev) ? SOFTDMA_CAPS_PRI : 0) |
		       (sd_stalls(dev) ? SOFTDMA_CAPS_STALL : 0);
	case SOFTDMA_REG_DEVICE:
		return sd_device_status(dev);
	case SOFTDMA_REG_RESETS:
		return READ_ONCE(dev->resets);
	}
	if (reg >= SOFTDMA_REG_QUEUE(0))
		return sd_queue_read(&dev->queues[offset / stride],
				     offset % stride);
	return sd_config_dword(dev, SD_CAP_VENDOR + reg);
}

static void sd_vendor_write(struct sd_device *dev, unsigned int reg, u32 value)
{
	unsigned int offset = reg - SOFTDMA_REG_QUEUE(0);
	unsigned int stride = SOFTDMA_REG_QUEUE(1) - SOFTDMA_REG_QUEUE(0);

	if (reg >= SOFTDMA_REG_QUEUE(0))
		sd_queue_write(&dev->queues[offset / stride], offset % stride,
			       value);
}

static bool sd_in_vendor(unsigned int where)
{
	return where >= SD_CAP_VENDOR &&
	       where < SD_CAP_VENDOR + SOFTDMA_CAP_BYTES;
}

static u32 sd_pri_status(const struct sd_device *dev)
{
	return (READ_ONCE(dev->response_failure) ? PCI_PRI_STATUS_RF : 0) |
	       (sd_pri_enabled(dev) ? 0 : PCI_PRI_STATUS_STOPPED);
}

/* @where is a multiple of 4 */
static u32 sd_read_dword(struct sd_device *dev, unsigned int where)
{
	if (sd_in_vendor(where))
		return sd_vendor_read(dev, where - SD_CAP_VENDOR);
	if (sd_has_pri(dev) && where == SD_CAP_PRI + PCI_PRI_CTRL)
		return sd_config_dword(dev, where) | sd_pri_status(dev) << 16;
	return sd_config_dword(dev, where);
}

static int sd_pci_read(struct pci_bus *bus, unsigned int devfn, int where,
		       int size, u32 *value)
{
	struct sd_device *dev = sd_device_at(devfn);

	if (!dev || where + size > SD_CONFIG_BYTES) {
		PCI_SET_ERROR_RESPONSE(value);
		return PCIBIOS_DEVICE_NOT_FOUND;
	}
	*value = sd_read_dword(dev, where & ~3) >> (where & 3) * 8;
	if (size < 4)
		*value &= BIT(size * 8) - 1;
	return PCIBIOS_SUCCESSFUL;
}

/* What a write does to the part that is memory. The queues' threads look at it meanwhile. */
static void sd_store(struct sd_device *dev, unsigned int where, int size,
		     u32 value)
{
	int i;

	for (i = 0; i < size; i++) {
		u8 mask = dev->writable[where + i];
		u8 byte = value >> i * 8;

		WRITE_ONCE(dev->config[where + i],
			   (dev->config[where + i] & ~mask) | (byte & mask));
	}
}

/* The bits written to the word at @at, 0 for bytes of it that were not written. */
static u16 sd_written(unsigned int at, unsigned int where, int size, u32 value)
{
	u16 bits = 0;
	int i;

	for (i = 0; i < size; i++)
		if (where + i == at || where + i == at + 1)
			bits |= (value >> i * 8 & 0xff) << 8 * (where + i - at);
	return bits;
}

static int sd_pci_write(struct pci_bus *bus, unsigned int devfn, int where,
			int size, u32 value)
{
	struct sd_device *dev = sd_device_at(devfn);
	bool was_master;

	if (!dev || where + size > SD_CONFIG_BYTES)
		return PCIBIOS_DEVICE_NOT_FOUND;
	if (sd_in_vendor(where)) {
		if (size == 4)
			sd_vendor_write(dev, where - SD_CAP_VENDOR, value);
		return PCIBIOS_SUCCESSFUL;
	}

	was_master = sd_bus_master(dev);
	sd_store(dev, where, size, value);
	if (was_master && !sd_bus_master(dev))
		sd_stop_all(dev, SOFTDMA_ABORTED);
	if (sd_written(SD_CAP_EXP + PCI_EXP_DEVCTL, where, size, value) &
	    PCI_EXP_DEVCTL_BCR_FLR)
		sd_function_reset(dev);
	if (sd_written(SD_CAP_PRI + PCI_PRI_STATUS, where, size, value) &
	    PCI_PRI_STATUS_RF)
		WRITE_ONCE(dev->response_failure, false);
	return PCIBIOS_SUCCESSFUL;
}

struct pci_ops sd_pci_ops = {
	.read = sd_pci_read,
	.write = sd_pci_write,
};
