/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One page request, from the address to the answer: see resolve.c.
 */
#ifndef VIOPF_RESOLVE_H
#define VIOPF_RESOLVE_H

#include "fault/snapshot.h"
#include "fault/worker.h"

int viopf_fault_span(struct viopf_fault_ctx *ctx, struct viopf_segment *segment,
		     struct viopf_span *span);
int viopf_fault_done(struct viopf_container *container, int ret);
struct viopf_segment *viopf_fault_segment(struct viopf_fault_ctx *ctx,
					  struct viopf_mapping *mapping,
					  unsigned long iova);
int viopf_fault_resolve(struct viopf_worker *worker,
			const struct iommu_fault_page_request *request);

#endif /* VIOPF_RESOLVE_H */
