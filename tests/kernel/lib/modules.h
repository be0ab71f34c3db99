/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel side of a case: loading and removing the modules, the debugfs
 * files of the product and of the software IOMMU, and what must hold of them
 * whenever a case has ended.
 */
#ifndef VIOPF_TEST_MODULES_H
#define VIOPF_TEST_MODULES_H

#include <stddef.h>
#include <stdint.h>

#include "../../../soft/user/sys.h"

/* False: IOMMU and devices are the machine's (vm/run --intel). */
int hardware_is_soft(void);

/*
 * The IOMMU's page tables can have a page written but not read. First-stage tables can't
 * (vm/run --first-stage), as the CPU's can't.
 */
int hardware_has_write_only(void);

/*
 * Load VFIO, softiommu, softdma and the product, in this order, from $VIOPF_KO,
 * with these parameters (NULL for none), and bind the devices to vfio-pci. The
 * software hardware is loaded only if there is no other. Returns 0, or -1 after
 * printing why as a TAP comment.
 */
int modules_load(const char *iopf, const char *softiommu, const char *softdma);

/* Remove them; -1 if one won't go. Also turns swap off that a case left on. */
int modules_unload(void);

/*
 * After a case: no page response was unexpected or is missing, no container is
 * left. Returns 0, or -1 after printing what is wrong as a TAP comment.
 */
int modules_check_idle(void);

/* One module of $VIOPF_KO. Return 0 or -errno. */
int module_insert(const char *name, const char *params);
int module_remove(const char *name);

/* Devices found, and their PCI addresses, in order. */
#define MAX_DEVICES	8

/* The first of vm/run --intel's that has no PRI. */
#define INTEL_NOFAULT	4
unsigned int devices_list(char bdfs[MAX_DEVICES][16]);

/* A counter of /sys/kernel/debug/softiommu/stats; fails the case if not there. */
uint64_t softiommu_stat(const char *name);

/* A knob there (soft/softiommu.h); fails the case if it can't be set. */
void softiommu_set(const char *name, const char *value);

/* Run a shell command; prints it as a comment if it fails. Returns 0 or -1. */
int shell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif /* VIOPF_TEST_MODULES_H */
