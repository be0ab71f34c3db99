/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * What the parts of libviopf share: the objects and the error string. Nothing
 * here is seen by users (viopf.map).
 */
#ifndef VIOPF_INTERNAL_H
#define VIOPF_INTERNAL_H

#include "viopf.h"

#define VIOPF_SYSFS_DEVICES	"/sys/bus/pci/devices"
#define VIOPF_BDF_LEN		12	/* "dddd:bb:dd.f" */

/* An IOMMU group in a container, open as long as @users is not 0. */
struct viopf_group {
	int id;
	int fd;
	unsigned int users;
	struct viopf_group *next;
};

struct viopf_container {
	int fd;
	struct viopf_group *groups;
};

struct viopf_device {
	int fd;
	uint64_t config_off;	/* of config space in the device's file */
};

/* Note why a call failed and return -@err; errno's text is appended. */
int viopf_fail(int err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* 0 if @bdf names a PCI device of this machine, else a failure. */
int viopf_check_bdf(const char *bdf);

/* The IOMMU group's number of @bdf, or a failure. */
int viopf_group_id(const char *bdf);

struct viopf_group *viopf_group_find(struct viopf_container *c, int id);

#endif /* VIOPF_INTERNAL_H */
