/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The calls of user space, for backend.c to pass them on; a file each.
 */
#ifndef VIOPF_UAPI_INTERNAL_H
#define VIOPF_UAPI_INTERNAL_H

#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "change/change.h"
#include "fault/fault.h"
#include "uapi/uapi.h"

long viopf_advise(struct viopf_container *container, void __user *arg);
long viopf_get_residency(struct viopf_container *container, void __user *arg);
int viopf_get_info(struct viopf_container *container, void __user *arg);
int viopf_get_stats(struct viopf_container *container, void __user *arg);
long viopf_get_mappings(struct viopf_container *container, void __user *arg);
void viopf_stats_collect(struct viopf_container *container,
			 struct vfio_iopf_stats *stats);

/* Whether a container is ours that a client wants of type1: takeover.c. */
enum viopf_claim {
	VIOPF_CLAIM_NONE,
	VIOPF_CLAIM_BY_DEVICE,	/* if its first group has a device that is chosen */
	VIOPF_CLAIM_ALL,
};

extern const struct attribute_group *viopf_takeover_groups[];

enum viopf_claim viopf_takeover_claim(void);
bool viopf_takeover_has_group(struct iommu_group *group);
void viopf_takeover_exit(void);

/* What sysfs shows: sysfs.c. */
int viopf_sysfs_add(struct viopf_container *container);
void viopf_sysfs_remove(struct viopf_container *container);
int viopf_sysfs_add_devices(struct viopf_container *container,
			    struct list_head *devices);
void viopf_sysfs_remove_devices(struct list_head *devices);

int viopf_fault_fd_open(struct viopf_container *container, void __user *arg);
void viopf_fault_fd_detach(struct viopf_container *container);

int viopf_dirty_info(struct viopf_container *container,
		     struct vfio_info_cap *caps);
int viopf_dirty_pages(struct viopf_container *container, void __user *arg);
int viopf_dirty_unmap(struct viopf_container *container,
		      struct vfio_iommu_type1_dma_unmap *unmap,
		      void __user *arg);

#endif /* VIOPF_UAPI_INTERNAL_H */
