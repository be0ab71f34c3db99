/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The parts of iopf check. Each looks at one thing and adds to the report what it found;
 * what it can't see it says so, and never guesses.
 */
#ifndef IOPF_CHECK_H
#define IOPF_CHECK_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

#include "report.h"

#define MODULE	"vfio_iommu_iopf"

/* What several checks need to know of this machine. */
struct host {
	char release[80];		/* uname -r */
	char machine[32];		/* uname -m, empty if not known */
	unsigned int major, minor;	/* of the release; 0 if it has none */
	char *cmdline;			/* the kernel's, with a blank at both ends */
	char *config;			/* the kernel's configuration, NULL if it can't be read */
};

void host_init(struct host *host);
void host_deinit(struct host *host);

/* A word of the kernel's command line, as it stands there. */
bool host_booted_with(const struct host *host, const char *word);

/* An option of the kernel without CONFIG_: 'y', 'm', 'n', or '?' if that can't be read. */
char host_option(const struct host *host, const char *option);

/* The series of the kernel, as documented in docs/hardware.md. */
enum series {
	SERIES_OLD,		/* older than 6.12 */
	SERIES_6_12,
	SERIES_BETWEEN,
	SERIES_NEXT,		/* 7.3 */
	SERIES_NEWER,
};

enum series host_series(const struct host *host);

/* check_host.c, check_module.c */
void check_kernel(struct report *r, const struct host *host);
void check_module(struct report *r, const struct host *host);
void check_vfio(struct report *r);
void check_interrupts(struct report *r, const struct host *host);
void check_cgroup(struct report *r, const struct host *host);
void check_swap(struct report *r);

/* The module's parameters, as they are, or NULL. */
struct json_object *module_parameters(void);

/* check_iommu.c: the host's IOMMUs; a device's. */
void check_iommus(struct report *r, const struct host *host);
void check_device_iommu(struct report *r, const struct host *host, const char *name);
bool iommus_are_software(void);
bool iommu_is_intel(const char *bdf);

/* check_device.c: one device, in full; all that are of interest, a line each. */
struct pci;

void check_device(struct report *r, const struct host *host, struct pci *pci, const char *name);
void check_devices(struct report *r, const struct host *host, struct pci *pci);

/* pci.c: what a device says of itself in its config space. */
struct pci_faulting {
	bool readable;			/* all of config space; else nothing below holds */
	bool ats, pri, pasid;
	bool page_aligned;		/* ATS: its requests are for whole pages */
	bool pasid_in_response;		/* PRI: it wants the PASID back */
};

struct pci *pci_open(void);
void pci_close(struct pci *pci);
struct pci_faulting pci_look(struct pci *pci, const char *bdf);

#endif /* IOPF_CHECK_H */
