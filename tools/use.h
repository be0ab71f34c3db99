/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Would somebody miss a device that is taken from its driver?
 */
#ifndef IOPF_USE_H
#define IOPF_USE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * True if a disk of the device is mounted, swapped to or part of another device, or if the
 * default route goes through it; @why then says so.
 */
bool device_is_missed(const char *bdf, char *why, size_t size);

/* True if a container has the device; @why then says which, and whose it is. */
bool device_is_contained(const char *bdf, char *why, size_t size);

/*
 * The first other device of its IOMMU group whose driver keeps VFIO away, and that driver;
 * both empty if there is none. Returns how many others there are.
 */
struct group_user {
	char device[64];
	char driver[64];
};

int group_find_user(const char *bdf, struct group_user *user);

/* Drivers that leave DMA to user space, of whatever device. */
bool driver_is_vfio(const char *driver);

#endif /* IOPF_USE_H */
