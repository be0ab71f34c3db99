// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module's parameters, but for takeover, which is more than a value (uapi/takeover.c).
 * They can be written at any time: who reads one twice may find two values, so it is read
 * once and kept.
 */
#include <linux/minmax.h>
#include <linux/module.h>
#include <linux/moduleparam.h>

#include "policy/policy.h"

bool viopf_allow_unsafe_interrupts;
module_param_named(allow_unsafe_interrupts, viopf_allow_unsafe_interrupts,
		   bool, 0644);
MODULE_PARM_DESC(allow_unsafe_interrupts,
		 "Allow devices whose interrupts no hardware remaps, as type1's parameter of that name does");

bool viopf_disable_hugepages;
module_param_named(disable_hugepages, viopf_disable_hugepages, bool, 0644);
MODULE_PARM_DESC(disable_hugepages,
		 "Map by the IOMMU's smallest pages only, as type1's parameter of that name does (off)");

unsigned int viopf_mapping_limit = U16_MAX;
module_param_named(dma_entry_limit, viopf_mapping_limit, uint, 0644);
MODULE_PARM_DESC(dma_entry_limit,
		 "Mappings that a container may have (65535)");

bool viopf_aging = true;
module_param_named(aging, viopf_aging, bool, 0644);
MODULE_PARM_DESC(aging,
		 "Tell the kernel which pages devices use, so that it reclaims others first; of mappings touched from now on (on)");

bool viopf_aging_observers;
module_param_named(aging_observers, viopf_aging_observers, bool, 0644);
MODULE_PARM_DESC(aging_observers,
		 "Find it out also for who does not reclaim: DAMON, idle page tracking (off)");

unsigned int viopf_aging_delay_ms = 10;
module_param_named(aging_delay_ms, viopf_aging_delay_ms, uint, 0644);
MODULE_PARM_DESC(aging_delay_ms,
		 "How long after the kernel asked about pages they are unmapped to see whether they are used (10)");

static unsigned int max_workers = 64;
module_param(max_workers, uint, 0644);
MODULE_PARM_DESC(max_workers,
		 "Fault threads that a container may come to have, at least 1 (64)");

static unsigned int max_faults = 4096;
module_param(max_faults, uint, 0644);
MODULE_PARM_DESC(max_faults,
		 "Page requests that may be queued in a container, and as many that may wait for user space, at least 1; more are answered FAILURE (4096)");

static unsigned int window_max_pages = VIOPF_WINDOW_MAX_PAGES;
module_param(window_max_pages, uint, 0644);
MODULE_PARM_DESC(window_max_pages,
		 "Pages that a fault may map at the most; 1: what was asked for (2048)");

module_param_named(window_fixed, viopf_window_fixed, uint, 0644);
MODULE_PARM_DESC(window_fixed,
		 "For comparison only: each fault brings in and maps so many pages from the one asked for on, whatever the access pattern; 0: as many as suit the pattern (0)");

/**
 * viopf_max_workers() - how many fault threads a container may have
 *
 * Return: at least 1.
 */
unsigned int viopf_max_workers(void)
{
	return max(READ_ONCE(max_workers), 1U);
}

/**
 * viopf_max_faults() - how many page requests may wait in a container
 *
 * Return: at least 1. If more come, its device floods us.
 */
unsigned int viopf_max_faults(void)
{
	return max(READ_ONCE(max_faults), 1U);
}

/**
 * viopf_window_max_pages() - how many pages a fault may look at
 *
 * Return: between 1 and what a worker has room for.
 */
unsigned int viopf_window_max_pages(void)
{
	return clamp_t(unsigned int, READ_ONCE(window_max_pages), 1,
		       VIOPF_WINDOW_MAX_PAGES);
}
