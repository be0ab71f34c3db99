/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the floor of objects offers: the objects, a header each. container.h, at its top,
 * says how they live and in what order they are locked.
 */
#ifndef VIOPF_OBJECT_H
#define VIOPF_OBJECT_H

#include "object/container.h"
#include "object/device.h"
#include "object/domain.h"
#include "object/mapping.h"
#include "object/segment.h"

#endif /* VIOPF_OBJECT_H */
