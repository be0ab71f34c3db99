/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What user space can ask of a container: see info.c.
 */
#ifndef VIOPF_INFO_H
#define VIOPF_INFO_H

#include "object/container.h"

int viopf_get_info(struct viopf_container *container, void __user *arg);
int viopf_get_stats(struct viopf_container *container, void __user *arg);

#endif /* VIOPF_INFO_H */
