/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the floor of plain C offers: records without locks, and the module's parameters.
 */
#ifndef VIOPF_POLICY_H
#define VIOPF_POLICY_H

#include "policy/counters.h"
#include "policy/iova.h"
#include "policy/latency.h"
#include "policy/names.h"
#include "policy/residency.h"
#include "policy/trace.h"
#include "policy/window.h"

/* The parameters. What each means, params.c tells modinfo. */
extern bool viopf_allow_unsafe_interrupts;
extern bool viopf_disable_hugepages;
extern unsigned int viopf_mapping_limit;
extern bool viopf_aging;
extern bool viopf_aging_observers;
extern unsigned int viopf_aging_delay_ms;

unsigned int viopf_max_workers(void);
unsigned int viopf_max_faults(void);
unsigned int viopf_window_max_pages(void);

#endif /* VIOPF_POLICY_H */
