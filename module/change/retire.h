/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Segments in which nothing is mapped any more: see retire.c.
 */
#ifndef VIOPF_RETIRE_H
#define VIOPF_RETIRE_H

#include "object/segment.h"

void viopf_segment_set_dead(struct viopf_segment *segment, bool dead);
void viopf_segment_hand_over(struct viopf_segment *old,
			     struct viopf_segment *segment);
void viopf_segment_kill(struct viopf_segment *segment);

#endif /* VIOPF_RETIRE_H */
