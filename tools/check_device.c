// SPDX-License-Identifier: GPL-2.0-only
/*
 * iopf check: devices. One that is named gets a line for each thing that matters; without
 * names all that could page on demand, or are given to VFIO, get one line each.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "sysfs.h"
#include "use.h"

static void check_driver(struct report *r, const char *name)
{
	char driver[64];

	sys_link(driver, sizeof(driver), "/sys/bus/pci/devices/%s/driver", name);
	if (driver_is_vfio(driver)) {
		report_add(r, STATE_OK, "driver", "%s", driver);
		return;
	}
	report_add(r, STATE_PROBLEM, "driver", "it is bound to %s, not to vfio-pci",
		   driver[0] ? driver : "no driver");
	report_fix(r, "iopf bind %s", name);
}

static void check_group(struct report *r, const char *name)
{
	struct group_user user;
	char group[32];
	int others;

	if (sys_link(group, sizeof(group), "/sys/bus/pci/devices/%s/iommu_group", name)) {
		report_add(r, STATE_PROBLEM, "group",
			   "it is in no IOMMU group, so VFIO can't take it");
		report_fix(r, "turn the IOMMU on in the firmware, and by intel_iommu=on");
		return;
	}
	others = group_find_user(name, &user);
	if (user.device[0]) {
		report_add(r, STATE_PROBLEM, "group", "%s is not viable: %s in it is bound to %s",
			   group, user.device, user.driver);
		report_fix(r, "iopf bind %s", user.device);
	} else if (others) {
		report_add(r, STATE_OK, "group", "%s, with %d more, none in use by the kernel",
			   group, others);
	} else {
		report_add(r, STATE_OK, "group", "%s, alone", group);
	}
}

/* A virtual function has no PRI of its own, but its physical function's. */
static void report_virtual(struct report *r, struct pci *pci, const char *physical)
{
	struct pci_faulting found = pci_look(pci, physical);

	if (found.readable && !found.pri) {
		report_add(r, STATE_PROBLEM, "capabilities", "its physical function %s has no PRI",
			   physical);
		report_fix(r, "none on this hardware: memory is pinned for it");
	} else {
		report_add(r, STATE_CANT_TELL, "capabilities",
			   "a virtual function uses the PRI of %s, if that one's driver turned it on",
			   physical);
	}
}

static void report_missing(struct report *r, const struct pci_faulting *found)
{
	report_add(r, STATE_PROBLEM, "capabilities", "it has no %s: it can't take page faults",
		   found->ats ? "PRI" : found->pri ? "ATS" : "ATS and no PRI");
	report_fix(r, "none on this hardware: memory is pinned for it");
}

static void check_capabilities(struct report *r, struct pci *pci, const char *name)
{
	struct pci_faulting found = pci_look(pci, name);
	char physical[64];

	if (!sys_link(physical, sizeof(physical), "/sys/bus/pci/devices/%s/physfn", name)) {
		report_virtual(r, pci, physical);
	} else if (!found.readable) {
		report_add(r, STATE_CANT_TELL, "capabilities", "config space can't be read");
		report_fix(r, "be root (sudo)");
	} else if (!found.ats || !found.pri) {
		report_missing(r, &found);
	} else if (iommu_is_intel(name) && !found.page_aligned) {
		report_add(r, STATE_PROBLEM, "capabilities",
			   "its ATS is not for whole pages, which Linux's Intel driver wants");
		report_fix(r, "none on this hardware: memory is pinned for it");
	} else if (iommu_is_intel(name) && found.pasid && !found.pasid_in_response) {
		report_add(r, STATE_PROBLEM, "capabilities",
			   "it has PASID, but does not want it in responses, which Linux's Intel driver needs");
		report_fix(r, "none on this hardware: memory is pinned for it");
	} else {
		report_add(r, STATE_OK, "capabilities", "ATS, PRI%s", found.pasid ? ", PASID" : "");
	}
}

static void check_mediated(struct report *r, const char *name)
{
	char driver[64];

	sys_link(driver, sizeof(driver), "/sys/bus/mdev/devices/%s/driver", name);
	if (driver[0]) {
		report_add(r, STATE_OK, "driver", "%s; mediated: no page requests are needed",
			   driver);
		return;
	}
	report_add(r, STATE_PROBLEM, "driver", "this mediated device is bound to no driver");
	report_fix(r, "load the driver that is for it, and make the device anew");
}

void check_device(struct report *r, const struct host *host, struct pci *pci, const char *name)
{
	r->device = name;
	if (sys_exists("/sys/bus/mdev/devices/%s", name)) {
		check_mediated(r, name);
	} else if (!sys_exists("/sys/bus/pci/devices/%s", name)) {
		report_add(r, STATE_PROBLEM, "device",
			   "there is no PCI or mediated device of that name");
		report_fix(r, "lspci -D lists PCI devices");
	} else {
		check_group(r, name);
		check_driver(r, name);
		check_capabilities(r, pci, name);
		check_device_iommu(r, host, name);
	}
	r->device = NULL;
}

/* In place of a device's findings from @first on, one line. */
static void shorten(struct report *r, int first, const char *name)
{
	const struct finding *worst = report_worst(r, first);
	enum finding_state state = worst ? worst->state : STATE_OK;
	char *text = NULL;

	if (worst && asprintf(&text, "%s: %s", worst->check, worst->text) < 0)
		text = NULL;
	report_cut(r, first);
	r->device = name;
	report_add(r, state, "device", "%s", text ? text : "it can page on demand");
	if (text)
		report_fix(r, "iopf check %s tells more", name);
	r->device = NULL;
	free(text);
}

/* One that could page on demand, but the kernel uses it, is no problem of this host. */
static bool is_candidate(const char *name, const struct pci_faulting *found)
{
	char driver[64];

	sys_link(driver, sizeof(driver), "/sys/bus/pci/devices/%s/driver", name);
	return driver_is_vfio(driver) || (found->readable && found->pri);
}

static bool is_unused_candidate(struct report *r, int first)
{
	const struct finding *worst = report_worst(r, first);
	int i;

	for (i = first; i < r->n; i++) {
		if (r->v[i].state != STATE_OK && strcmp(r->v[i].check, "driver"))
			return false;
	}
	return worst;
}

void check_devices(struct report *r, const struct host *host, struct pci *pci)
{
	int i, candidates = 0, unreadable = 0;
	struct names devices;

	sys_list(&devices, "/sys/bus/pci/devices");
	for (i = 0; i < devices.n; i++) {
		struct pci_faulting found = pci_look(pci, devices.v[i]);
		int first = r->n;

		unreadable += !found.readable;
		if (!is_candidate(devices.v[i], &found))
			continue;
		candidates++;
		check_device(r, host, pci, devices.v[i]);
		if (is_unused_candidate(r, first)) {
			report_cut(r, first);
			r->device = devices.v[i];
			report_add(r, STATE_OK, "device",
				   "it can page on demand, once bound to vfio-pci");
			report_fix(r, "iopf bind %s", devices.v[i]);
			r->device = NULL;
		} else {
			shorten(r, first, devices.v[i]);
		}
	}
	if (unreadable) {
		report_add(r, STATE_CANT_TELL, "devices",
			   "what %d of %d PCI devices can do can't be read", unreadable, devices.n);
		report_fix(r, "be root (sudo)");
	} else if (!candidates) {
		report_add(r, STATE_PROBLEM, "devices",
			   "none of the %d PCI devices can take page faults (ATS and PRI)",
			   devices.n);
		report_fix(r, "none on this hardware: memory is pinned for them");
	}
	names_free(&devices);
}
