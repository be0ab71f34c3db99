/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the iommu core calls when a device asks for pages: see handler.c.
 */
#ifndef VIOPF_HANDLER_H
#define VIOPF_HANDLER_H

#include <linux/iommu.h>

int viopf_iopf_handler(struct iopf_group *group);

#endif /* VIOPF_HANDLER_H */
