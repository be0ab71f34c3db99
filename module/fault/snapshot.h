/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the CPU's page table has, mapped for devices: see snapshot.c.
 */
#ifndef VIOPF_SNAPSHOT_H
#define VIOPF_SNAPSHOT_H

#include "fault/span.h"
#include "fault/worker.h"

int viopf_snapshot_map(struct viopf_fault_ctx *ctx,
		       struct viopf_segment *segment,
		       struct viopf_span *span);
int viopf_snapshot_try(struct viopf_segment *segment, unsigned long page,
		       bool write);

#endif /* VIOPF_SNAPSHOT_H */
