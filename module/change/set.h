/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The domains that a container is mapped in: see set.c.
 */
#ifndef VIOPF_SET_H
#define VIOPF_SET_H

#include "object/domain.h"

int viopf_domain_add(struct viopf_container *container,
		     struct viopf_domain *vdomain);
void viopf_domain_remove(struct viopf_container *container,
			 struct viopf_domain *vdomain);

#endif /* VIOPF_SET_H */
