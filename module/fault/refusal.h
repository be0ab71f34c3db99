/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * INVALID for devices that go on asking: see refusal.c.
 */
#ifndef VIOPF_REFUSAL_H
#define VIOPF_REFUSAL_H

#include "fault/worker.h"

void viopf_refuse(struct viopf_worker *worker);
void viopf_refusal_work(struct work_struct *work);

#endif /* VIOPF_REFUSAL_H */
