/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What of a snapshot is mapped, and how: see apply.c.
 */
#ifndef VIOPF_APPLY_H
#define VIOPF_APPLY_H

#include "fault/span.h"

int viopf_snapshot_apply_ahead(struct viopf_segment *segment,
			       struct viopf_span *span,
			       const unsigned long *pfns);
int viopf_snapshot_apply(struct viopf_segment *segment,
			 const struct viopf_span *span,
			 const unsigned long *pfns);

#endif /* VIOPF_APPLY_H */
