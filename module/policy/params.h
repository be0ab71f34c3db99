/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The module's parameters, for all that read them. What each means, params.c tells
 * modinfo.
 */
#ifndef VIOPF_PARAMS_H
#define VIOPF_PARAMS_H

#include <linux/types.h>

extern bool viopf_allow_unsafe_interrupts;
extern bool viopf_takeover;
extern bool viopf_disable_hugepages;
extern unsigned int viopf_mapping_limit;
extern bool viopf_aging;
extern bool viopf_aging_observers;
extern unsigned int viopf_aging_delay_ms;

unsigned int viopf_max_workers(void);
unsigned int viopf_max_faults(void);
unsigned int viopf_window_max_pages(void);

#endif /* VIOPF_PARAMS_H */
