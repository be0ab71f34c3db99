/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * softpri: a PCIe DMA engine with ATS and PRI: the PCI device and its config
 * space.  softpri.h says what it is.
 *
 * Config space is memory, as PCIDevice has it, but for the registers of the
 * vendor-specific capability.
 */
#include "qemu/osdep.h"
#include "qemu/module.h"
#include "qapi/error.h"
#include "hw/pci/pci_bus.h"
#include "hw/pci/pcie.h"
#include "hw/qdev-properties.h"
#include "migration/vmstate.h"
#include "softpri-priv.h"

#define TEST_DEAF_BIT       0
#define TEST_STUBBORN_BIT   1
QEMU_BUILD_BUG_ON(SOFTPRI_TEST_DEAF != 1 << TEST_DEAF_BIT);
QEMU_BUILD_BUG_ON(SOFTPRI_TEST_STUBBORN != 1 << TEST_STUBBORN_BIT);

#define QUEUE_STRIDE        (SOFTDMA_REG_QUEUE(1) - SOFTDMA_REG_QUEUE(0))

bool softpri_bus_master(SoftPRI *s)
{
    return pci_get_word(s->pdev.config + PCI_COMMAND) & PCI_COMMAND_MASTER;
}

bool softpri_ats_enabled(SoftPRI *s)
{
    return s->has_pri &&
           (pci_get_word(s->pdev.config + SOFTPRI_CAP_ATS + PCI_ATS_CTRL) &
            PCI_ATS_CTRL_ENABLE);
}

bool softpri_pri_enabled(SoftPRI *s)
{
    return s->has_pri &&
           (pci_get_word(s->pdev.config + SOFTPRI_CAP_PRI + PCI_PRI_CTRL) &
            PCI_PRI_CTRL_ENABLE);
}

/* How many page requests may be outstanding */
uint32_t softpri_pri_allocation(SoftPRI *s)
{
    uint32_t allocation = pci_get_long(s->pdev.config + SOFTPRI_CAP_PRI +
                                       PCI_PRI_ALLOC_REQ);

    return MIN(allocation, s->capacity);
}

/* Set bits of the PRI status, and bring "stopped" up to date. */
void softpri_pri_status(SoftPRI *s, uint16_t set)
{
    uint8_t *status = s->pdev.config + SOFTPRI_CAP_PRI + PCI_PRI_STATUS;
    bool stopped = !softpri_pri_enabled(s) && !softpri_groups_pending(s);

    pci_word_test_and_set_mask(status, set);
    if (stopped) {
        pci_word_test_and_set_mask(status, PCI_PRI_STATUS_STOPPED);
    } else {
        pci_word_test_and_clear_mask(status, PCI_PRI_STATUS_STOPPED);
    }
}

static uint32_t softpri_device_status(SoftPRI *s)
{
    return (softpri_bus_master(s) ? SOFTDMA_DEV_BUS_MASTER : 0) |
           (softpri_pri_enabled(s) ? SOFTDMA_DEV_PRI_ENABLED : 0) |
           (s->failed ? SOFTDMA_DEV_FAILED : 0);
}

/* @reg: offset in the vendor-specific capability, a multiple of 4 */
static uint32_t softpri_vendor_read(SoftPRI *s, unsigned int reg)
{
    unsigned int offset = reg - SOFTDMA_REG_QUEUE(0);

    switch (reg) {
    case SOFTDMA_REG_CAPS:
        return SOFTDMA_QUEUES | SOFTDMA_MAX_RING_LOG2 << 8 |
               (s->has_pri ? SOFTDMA_CAPS_PRI : 0);
    case SOFTDMA_REG_DEVICE:
        return softpri_device_status(s);
    case SOFTDMA_REG_RESETS:
        return s->resets;
    case SOFTPRI_REG_ID:
        return SOFTPRI_ID;
    case SOFTPRI_REG_TEST:
        return s->test;
    case SOFTPRI_REG_DELAY:
        return s->delay_ns;
    case SOFTPRI_REG_OVERFLOW:
        return s->overflow;
    }
    if (reg >= SOFTDMA_REG_QUEUE(0)) {
        return softpri_queue_read(&s->queues[offset / QUEUE_STRIDE],
                                  offset % QUEUE_STRIDE);
    }
    return pci_get_long(s->pdev.config + SOFTPRI_CAP_VENDOR + reg);
}

static void softpri_vendor_write(SoftPRI *s, unsigned int reg, uint32_t value)
{
    unsigned int offset = reg - SOFTDMA_REG_QUEUE(0);

    switch (reg) {
    case SOFTPRI_REG_TEST:
        s->test = value & SOFTPRI_TEST_ALL;
        return;
    case SOFTPRI_REG_DELAY:
        s->delay_ns = value;
        return;
    case SOFTPRI_REG_OVERFLOW:
        s->overflow = value;
        return;
    }
    if (reg >= SOFTDMA_REG_QUEUE(0)) {
        softpri_queue_write(&s->queues[offset / QUEUE_STRIDE],
                            offset % QUEUE_STRIDE, value);
    }
}

static bool softpri_in_vendor(uint32_t addr)
{
    return addr >= SOFTPRI_CAP_VENDOR &&
           addr < SOFTPRI_CAP_VENDOR + SOFTDMA_CAP_BYTES;
}

static uint32_t softpri_config_read(PCIDevice *pdev, uint32_t addr, int len)
{
    unsigned int shift = (addr & 3) * 8;

    if (!softpri_in_vendor(addr)) {
        return pci_default_read_config(pdev, addr, len);
    }
    return extract32(softpri_vendor_read(SOFTPRI(pdev), (addr & ~3) -
                                         SOFTPRI_CAP_VENDOR),
                     shift, MIN(len * 8, 32 - shift));
}

/*
 * The PRI capability was written: see to its reset bit.  Who waits for room
 * among the outstanding requests looks again.
 */
static void softpri_pri_control(SoftPRI *s)
{
    uint8_t *ctrl = s->pdev.config + SOFTPRI_CAP_PRI + PCI_PRI_CTRL;

    if (pci_word_test_and_clear_mask(ctrl, PCI_PRI_CTRL_RESET) &&
        !softpri_pri_enabled(s)) {
        softpri_groups_forget(s);
    }
    softpri_pri_status(s, 0);
    softpri_kick_all(s);
}

static void softpri_config_write(PCIDevice *pdev, uint32_t addr, uint32_t val,
                                 int len)
{
    SoftPRI *s = SOFTPRI(pdev);
    bool was_master = softpri_bus_master(s);
    bool had_ats = softpri_ats_enabled(s);
    unsigned int i;

    if (softpri_in_vendor(addr)) {
        if (len == 4 && !(addr & 3)) {
            softpri_vendor_write(s, addr - SOFTPRI_CAP_VENDOR, val);
        }
        return;
    }

    pci_default_write_config(pdev, addr, val, len);
    pcie_cap_flr_write_config(pdev, addr, val, len);

    if (was_master && !softpri_bus_master(s)) {
        for (i = 0; i < SOFTDMA_QUEUES; i++) {
            softpri_queue_stop(&s->queues[i], SOFTDMA_ABORTED);
        }
    }
    if (had_ats && !softpri_ats_enabled(s)) {
        softpri_atc_clear(s);
    }
    if (s->has_pri && ranges_overlap(addr, len, SOFTPRI_CAP_PRI,
                                     PCI_EXT_CAP_PRI_SIZEOF)) {
        softpri_pri_control(s);
    }
}

/*
 * Any reset.  A function level reset is known by its bit, which is cleared
 * afterwards.
 */
static void softpri_reset(DeviceState *dev)
{
    SoftPRI *s = SOFTPRI(dev);
    uint8_t *config = s->pdev.config;
    unsigned int i;

    if (pci_get_word(config + SOFTPRI_CAP_EXP + PCI_EXP_DEVCTL) &
        PCI_EXP_DEVCTL_BCR_FLR) {
        s->resets++;
    }
    for (i = 0; i < SOFTDMA_QUEUES; i++) {
        softpri_queue_reset(&s->queues[i]);
    }
    s->failed = false;
    s->test = s->init_test;
    s->delay_ns = s->init_delay_ns;
    s->overflow = 0;
    if (s->has_pri) {
        pci_set_word(config + SOFTPRI_CAP_ATS + PCI_ATS_CTRL, 0);
        pci_set_word(config + SOFTPRI_CAP_PRI + PCI_PRI_CTRL, 0);
        pci_set_word(config + SOFTPRI_CAP_PRI + PCI_PRI_STATUS, 0);
        pci_set_long(config + SOFTPRI_CAP_PRI + PCI_PRI_ALLOC_REQ, 0);
        softpri_atc_clear(s);
        softpri_groups_reset(s);
        softpri_pri_status(s, 0);
    }
}

static void softpri_init_ext_capabilities(SoftPRI *s)
{
    PCIDevice *pdev = &s->pdev;

    pcie_ats_init(pdev, SOFTPRI_CAP_ATS, true);
    pcie_add_capability(pdev, PCI_EXT_CAP_ID_PRI, 1, SOFTPRI_CAP_PRI,
                        PCI_EXT_CAP_PRI_SIZEOF);
    pci_set_word(pdev->wmask + SOFTPRI_CAP_PRI + PCI_PRI_CTRL,
                 PCI_PRI_CTRL_ENABLE | PCI_PRI_CTRL_RESET);
    pci_set_word(pdev->w1cmask + SOFTPRI_CAP_PRI + PCI_PRI_STATUS,
                 PCI_PRI_STATUS_RF | PCI_PRI_STATUS_UPRGI);
    pci_set_long(pdev->config + SOFTPRI_CAP_PRI + PCI_PRI_MAX_REQ,
                 s->capacity);
    pci_set_long(pdev->wmask + SOFTPRI_CAP_PRI + PCI_PRI_ALLOC_REQ, ~0u);
}

static void softpri_realize(PCIDevice *pdev, Error **errp)
{
    SoftPRI *s = SOFTPRI(pdev);
    int at;
    unsigned int i;

    if (!s->capacity || s->capacity > SOFTPRI_GROUPS) {
        error_setg(errp, "outstanding must be 1 to %d", SOFTPRI_GROUPS);
        return;
    }
    if (pcie_endpoint_cap_init(pdev, SOFTPRI_CAP_EXP) < 0) {
        error_setg(errp, "%s must be on a PCI Express root port", TYPE_SOFTPRI);
        return;
    }
    pcie_cap_flr_init(pdev);
    pci_word_test_and_set_mask(pdev->config + PCI_STATUS, PCI_STATUS_IMM_READY);
    at = pci_add_capability(pdev, SOFTDMA_CAP_ID, SOFTPRI_CAP_VENDOR,
                            SOFTDMA_CAP_BYTES, errp);
    if (at < 0) {
        return;
    }
    pci_set_byte(pdev->config + at + 2, SOFTDMA_CAP_BYTES);
    pci_set_byte(pdev->config + at + 3, SOFTDMA_VERSION);

    if (s->has_pri) {
        s->ats.invalidate = softpri_invalidate;
        s->ats.page_response = softpri_page_response;
        if (!vtd_ats_register(&s->ats, pci_get_bus(pdev), pdev->devfn, errp)) {
            return;
        }
        softpri_init_ext_capabilities(s);
    }
    s->atc = g_hash_table_new(NULL, NULL);
    for (i = 0; i < SOFTDMA_QUEUES; i++) {
        softpri_queue_init(&s->queues[i], s);
    }
}

static const Property softpri_properties[] = {
    DEFINE_PROP_BOOL("pri", SoftPRI, has_pri, true),
    DEFINE_PROP_UINT32("outstanding", SoftPRI, capacity, SOFTPRI_GROUPS),
    DEFINE_PROP_UINT32("delay-ns", SoftPRI, init_delay_ns, 0),
    DEFINE_PROP_BIT("deaf", SoftPRI, init_test, TEST_DEAF_BIT, false),
    DEFINE_PROP_BIT("stubborn", SoftPRI, init_test, TEST_STUBBORN_BIT, false),
};

static const VMStateDescription softpri_vmstate = {
    .name = TYPE_SOFTPRI,
    .unmigratable = 1,
};

static void softpri_class_init(ObjectClass *klass, void *data)
{
    DeviceClass *dc = DEVICE_CLASS(klass);
    PCIDeviceClass *k = PCI_DEVICE_CLASS(klass);

    k->realize = softpri_realize;
    k->config_read = softpri_config_read;
    k->config_write = softpri_config_write;
    k->vendor_id = SOFTDMA_VENDOR_ID;
    k->device_id = SOFTDMA_DEVICE_ID;
    k->class_id = SOFTDMA_CLASS >> 8;
    k->revision = SOFTDMA_VERSION;
    dc->desc = "DMA engine with ATS and PRI, for tests";
    device_class_set_legacy_reset(dc, softpri_reset);
    dc->vmsd = &softpri_vmstate;
    dc->hotpluggable = false;
    device_class_set_props(dc, softpri_properties);
    set_bit(DEVICE_CATEGORY_MISC, dc->categories);
}

static const TypeInfo softpri_types[] = {
    {
        .name = TYPE_SOFTPRI,
        .parent = TYPE_PCI_DEVICE,
        .instance_size = sizeof(SoftPRI),
        .class_init = softpri_class_init,
        .interfaces = (InterfaceInfo[]) {
            { INTERFACE_PCIE_DEVICE },
            { },
        },
    }
};

DEFINE_TYPES(softpri_types)
