/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Mappings that are freed by another thread (mapping.c). Included by viopf.h.
 */
#ifndef VIOPF_MAPPING_H
#define VIOPF_MAPPING_H

struct viopf_mapping;

void viopf_mapping_put_async(struct viopf_mapping *mapping);
int viopf_mapping_init(void);
void viopf_mapping_exit(void);

#endif /* VIOPF_MAPPING_H */
