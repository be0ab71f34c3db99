/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Page requests that wait are resolved together: see merge.c.
 */
#ifndef VIOPF_MERGE_H
#define VIOPF_MERGE_H

#include "fault/snapshot.h"
#include "fault/worker.h"

void viopf_merge_span(const struct viopf_worker *worker,
		      const struct viopf_segment *segment,
		      struct viopf_span *span);
void viopf_merge_answer(struct viopf_container *container,
			struct viopf_segment *segment);

#endif /* VIOPF_MERGE_H */
