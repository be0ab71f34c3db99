// SPDX-License-Identifier: GPL-2.0-only
/*
 * PCI capabilities, by libpci on the config space that sysfs shows. Without privileges that
 * ends after 64 bytes, before any capability.
 */
#include <limits.h>
#include <pci/pci.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "iopf.h"
#include "sysfs.h"

/* Bits that libpci has no names for. */
#define ATS_CAP_PAGE_ALIGNED	0x0020
#define PRI_STATUS_PASID	0x8000

struct pci {
	struct pci_access *access;
};

/* What a device lacks is told by what can't be read, so libpci need not complain. */
static void be_silent(char *fmt, ...)
{
	(void)fmt;
}

static void fail(char *fmt, ...) __attribute__((noreturn));

static void fail(char *fmt, ...)
{
	complain("can't read PCI devices: %s", fmt);
	exit(IOPF_FAILED);
}

struct pci *pci_open(void)
{
	struct pci *pci = calloc(1, sizeof(*pci));
	char path[PATH_MAX];

	if (!pci)
		die_no_memory();
	pci->access = pci_alloc();
	pci->access->method = PCI_ACCESS_SYS_BUS_PCI;
	pci->access->warning = be_silent;
	pci->access->error = fail;
	sys_path(path, "/sys/bus/pci");
	pci_set_param(pci->access, (char *)"sysfs.path", path);
	pci_init(pci->access);
	return pci;
}

void pci_close(struct pci *pci)
{
	pci_cleanup(pci->access);
	free(pci);
}

static void look_at(struct pci_faulting *found, struct pci_dev *dev)
{
	struct pci_cap *ats, *pri;
	u8 beyond[4];

	found->readable = pci_read_block(dev, 0x40, beyond, sizeof(beyond));
	if (!found->readable)
		return;
	pci_fill_info(dev, PCI_FILL_CAPS | PCI_FILL_EXT_CAPS);
	ats = pci_find_cap(dev, PCI_EXT_CAP_ID_ATS, PCI_CAP_EXTENDED);
	pri = pci_find_cap(dev, PCI_EXT_CAP_ID_PRI, PCI_CAP_EXTENDED);
	found->ats = ats;
	found->pri = pri;
	found->pasid = pci_find_cap(dev, PCI_EXT_CAP_ID_PASID, PCI_CAP_EXTENDED);
	if (ats)
		found->page_aligned = pci_read_word(dev, ats->addr + PCI_ATS_CAP) &
				      ATS_CAP_PAGE_ALIGNED;
	if (pri)
		found->pasid_in_response = pci_read_word(dev, pri->addr + PCI_PRI_STATUS) &
					   PRI_STATUS_PASID;
}

struct pci_faulting pci_look(struct pci *pci, const char *bdf)
{
	struct pci_faulting found = { 0 };
	unsigned int domain, bus, slot, function;
	struct pci_dev *dev;

	if (sscanf(bdf, "%x:%x:%x.%x", &domain, &bus, &slot, &function) != 4)
		return found;
	dev = pci_get_dev(pci->access, (int)domain, (int)bus, (int)slot, (int)function);
	if (!dev)
		die_no_memory();
	look_at(&found, dev);
	pci_free_dev(dev);
	return found;
}
