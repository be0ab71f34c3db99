// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is changed for all: knobs of the software IOMMU, parameters of the module, what the
 * kernel is told to do with memory; and a signal that comes soon.
 */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "world.h"

#ifndef MADV_SOFT_OFFLINE
#define MADV_SOFT_OFFLINE	101
#endif

#define PARAMETERS	"/sys/module/vfio_iommu_iopf/parameters/"
#define TRACEPOINTS	"/sys/kernel/tracing/events/vfio_iopf/enable"
#define TRACE		"/sys/kernel/tracing/trace"
#define MAX_OFFLINED	24	/* each costs a page of memory for good */

struct setting {
	const char *name, *values[4];
	bool odd;	/* no container may be expected to do as usual any more */
};

static const struct setting knobs[] = {
	{ "response_delay_us", { "0", "100", "2000", "500" }, false },
	{ "response_swap_us", { "0", "300", "2000", "50" }, false },
	{ "report_delay_us", { "0", "100", "1500", "30" }, false },
	{ "map_merge", { "1", "0", "1", "1" }, false },
	{ "map_fail_nth", { "1", "2", "3", "7" }, false },
	/* A group that finds no room is asked for again, without an end. */
	{ "prq_limit", { "32", "40", "100", "1024" }, false },
	{ "unmap_mode", { "exact", "whole", "refuse", "whole" }, true },
	{ "unmap_coarse_pages", { "2", "8", "512", "64" }, true },
	{ "pgsizes", { "4096", "2101248", "1075843072", "4096" }, false },
};

#define MAX_FAULTS	4u

static const struct setting parameters[] = {
	{ "window_max_pages", { "1", "16", "512", "2048" }, false },
	{ "aging", { "0", "1", "1", "0" }, false },
	{ "disable_hugepages", { "0", "1", "1", "0" }, false },
	{ "max_workers", { "1", "2", "4", "64" }, false },
	[MAX_FAULTS] = { "max_faults", { "4096", "64", "512", "4096" }, true },
	{ "dma_entry_limit", { "65535", "4", "16", "8" }, false },
	{ "aging_observers", { "0", "1", "1", "0" }, false },
};

static char usual[ARRAY_SIZE(parameters)][32];

/* What is not as usual. */
#define CHANGED_IOMMU		(1u << 0)
#define CHANGED_MERGING		(1u << 1)
#define CHANGED_TRACING		(1u << 2)
#define CHANGED_PARAMETER(i)	(1u << (3 + (i)))

static unsigned int changed;

static void setting_is_made(const struct setting *setting, unsigned int bit)
{
	unsigned int i;

	changed |= bit;
	for (i = 0; setting->odd && i < NR_CONTAINERS; i++)
		world.containers[i].odd = true;
}

void op_knob(const struct op *op)
{
	const struct setting *setting = &knobs[op->kind % ARRAY_SIZE(knobs)];

	if (!world.soft || (setting->odd && op->at % 4))
		return;
	setting_is_made(setting, CHANGED_IOMMU);
	softiommu_set(setting->name, setting->values[op->n % 4]);
}

/* Every so many unmaps; and what that leads to is expected. */
void knobs_refuse(unsigned int every)
{
	static const struct setting refuse = { "refuse_every", { "1", "2", "3", "11" }, true };

	setting_is_made(&refuse, CHANGED_IOMMU);
	softiommu_set(refuse.name, refuse.values[every % ARRAY_SIZE(refuse.values)]);
}

static void parameter_path(char *path, size_t size, unsigned int i)
{
	snprintf(path, size, PARAMETERS "%s", parameters[i].name);
}

static void parameter_set(unsigned int i, unsigned int value)
{
	char path[128];

	setting_is_made(&parameters[i], CHANGED_PARAMETER(i));
	parameter_path(path, sizeof(path), i);
	JUDGE(!file_write(path, parameters[i].values[value % 4]), "can't set %s", path);
}

/* No more may wait than a device asks for at once. */
void knobs_few_faults(void)
{
	parameter_set(MAX_FAULTS, 1);
}

void knobs_open(void)
{
	char path[128];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(parameters); i++) {
		parameter_path(path, sizeof(path), i);
		JUDGE(!file_read(path, usual[i], sizeof(usual[i])), "no %s", path);
	}
}

void op_parameter(const struct op *op)
{
	parameter_set(op->kind % ARRAY_SIZE(parameters), op->n);
}

void knobs_reset(void)
{
	char path[128];
	unsigned int i;

	if (changed & CHANGED_IOMMU)
		softiommu_set("reset_knobs", "1");
	for (i = 0; i < ARRAY_SIZE(parameters); i++) {
		if (!(changed & CHANGED_PARAMETER(i)))
			continue;
		parameter_path(path, sizeof(path), i);
		JUDGE(!file_write(path, usual[i]), "can't set %s", path);
	}
	if (changed & CHANGED_MERGING)
		file_write("/sys/kernel/mm/ksm/run", "0\n");
	if (changed & CHANGED_TRACING)
		file_write(TRACEPOINTS, "0\n");
	changed = 0;
}

static timer_t timer;
static bool has_timer;

static void ignore(int signal)
{
	(void)signal;
}

/* It comes once, to this thread, and interrupts what can be interrupted. */
void op_signal(const struct op *op)
{
	struct sigevent event = {
		.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN,
	};
	struct sigaction action = { .sa_handler = ignore };
	struct itimerspec when = { .it_value.tv_nsec = 1000 + op->n % 4096 * 1000 };

	if (!has_timer) {
		JUDGE(!sigaction(SIGRTMIN, &action, NULL) &&
		      !timer_create(CLOCK_MONOTONIC, &event, &timer), "no timer");
		has_timer = true;
	}
	timer_settime(timer, 0, &when, NULL);
}

void signal_stop(void)
{
	static const struct itimerspec never;

	if (has_timer)
		timer_settime(timer, 0, &never, NULL);
}

static void offline_a_page(const struct op *op)
{
	static unsigned int offlined;
	struct slot *slot = &world.slots[op->who % NR_SLOTS];
	unsigned int i = op->at % SLOT_PAGES;

	if (op->n % 32 || offlined == MAX_OFFLINED || !slot->page[i].prot)
		return;
	offlined++;
	slot->touched = true;
	madvise(slot->p + i * PAGE, PAGE, MADV_SOFT_OFFLINE);
}

/* Have what is done traced, or read what was. */
static void trace(const struct op *op)
{
	static char text[64 << 10];

	if (op->n & 1) {
		file_read(TRACE, text, sizeof(text));
		return;
	}
	changed |= CHANGED_TRACING;
	file_write(TRACEPOINTS, "1\n");
}

void op_system(const struct op *op)
{
	switch (op->kind % 8) {
	case 0:
		if (op->n % 16 == 0)
			file_write("/proc/sys/vm/compact_memory", "1\n");
		break;
	case 1:
		if (op->n % 16 == 0)
			file_write("/proc/sys/vm/drop_caches", "1\n");
		break;
	case 2:
		file_write("/proc/self/clear_refs", op->n & 1 ? "4\n" : "1\n");
		break;
	case 3:
		offline_a_page(op);
		break;
	case 4:
		changed |= CHANGED_MERGING;
		file_write("/sys/kernel/mm/ksm/run", op->n & 1 ? "1\n" : "0\n");
		break;
	case 5:
		trace(op);
		break;
	case 6:
		cgroup_age();
		break;
	default:
		nap_ms(1 + op->n % 4);
		break;
	}
}
