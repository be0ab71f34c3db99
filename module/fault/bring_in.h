/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory faulted in for devices: see bring_in.c.
 */
#ifndef VIOPF_BRING_IN_H
#define VIOPF_BRING_IN_H

#include "fault/snapshot.h"
#include "fault/worker.h"

void viopf_back_off(struct viopf_container *container, unsigned int tries);
unsigned long viopf_vma_pages(struct mm_struct *mm, unsigned long uaddr,
			      unsigned long max);
int viopf_fault_bring_in(struct viopf_fault_ctx *ctx,
			 struct viopf_segment *segment,
				struct viopf_span *span);

#endif /* VIOPF_BRING_IN_H */
