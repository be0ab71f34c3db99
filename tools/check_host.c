// SPDX-License-Identifier: GPL-2.0-only
/*
 * What iopf check asks about the host, but for the module and the IOMMU: the kernel and its
 * options, VFIO, interrupts, the memory cgroup, swap.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "iopf.h"
#include "output.h"
#include "sysfs.h"

static const char *const options[] = {
	"VFIO", "VFIO_GROUP", "VFIO_CONTAINER", "VFIO_PCI", "IOMMU_IOPF", "HMM_MIRROR", "MEMCG",
};

/* The first option that is off, NULL if none is. */
static const char *option_off(const struct host *host)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(options); i++) {
		if (host_option(host, options[i]) == 'n')
			return options[i];
	}
	return NULL;
}

static void check_options(struct report *r, const struct host *host)
{
	const char *off = option_off(host);

	if (off) {
		report_add(r, STATE_PROBLEM, "options",
			   "Linux %s was built without CONFIG_%s", host->release, off);
		report_fix(r, "boot a kernel that has it, as Debian's have");
	} else if (host->config) {
		report_add(r, STATE_OK, "options", "the kernel has all that is needed");
	} else if (sys_exists("/sys/module/" MODULE)) {
		report_add(r, STATE_OK, "options",
			   "the kernel has what the module needs, as that is loaded");
	} else {
		report_add(r, STATE_CANT_TELL, "options",
			   "neither /proc/config.gz nor /boot/config-%s can be read",
			   host->release);
		report_fix(r, "put the kernel's configuration there");
	}
}

void check_kernel(struct report *r, const struct host *host)
{
	enum series series = host_series(host);

	if (host->machine[0] && strcmp(host->machine, "x86_64")) {
		report_add(r, STATE_CANT_TELL, "kernel",
			   "Linux %s on %s: only amd64 was tried", host->release, host->machine);
	} else if (series == SERIES_OLD) {
		report_add(r, STATE_PROBLEM, "kernel",
			   "Linux %s is too old: the module needs 6.12 or newer", host->release);
		report_fix(r, "boot Debian 13's kernel, or one of its backports");
		return;
	} else if (series == SERIES_6_12 || series == SERIES_NEXT) {
		report_add(r, STATE_OK, "kernel", "Linux %s", host->release);
	} else {
		report_add(r, STATE_CANT_TELL, "kernel",
			   "Linux %s is neither 6.12 nor 7.3, which were tried", host->release);
		report_fix(r, "boot one of these, or see whether the module builds and loads");
	}
	check_options(r, host);
}

void check_vfio(struct report *r)
{
	if (!sys_exists("/sys/bus/pci/drivers/vfio-pci")) {
		report_add(r, STATE_PROBLEM, "vfio", "the driver vfio-pci is not loaded");
		report_fix(r, "modprobe vfio-pci");
	} else if (!sys_exists("/dev/vfio/vfio")) {
		report_add(r, STATE_PROBLEM, "vfio", "there is no /dev/vfio/vfio");
		report_fix(r, "modprobe vfio; udev should have made it");
	} else {
		report_add(r, STATE_OK, "vfio", "the driver vfio-pci is loaded");
	}
}

/* Is an interrupt remapped, as the names of interrupt chips tell? -1: there is no name. */
static int interrupts_remapped(void)
{
	struct names irqs;
	int i, remapped = -1;

	sys_list(&irqs, "/sys/kernel/irq");
	for (i = 0; i < irqs.n && remapped != 1; i++) {
		char chip[64];

		sys_read(chip, sizeof(chip), "/sys/kernel/irq/%s/chip_name", irqs.v[i]);
		if (chip[0])
			remapped = !strncmp(chip, "IR-", 3);
	}
	names_free(&irqs);
	return remapped;
}

static bool unsafe_allowed(void)
{
	char value[8];

	return !sys_read(value, sizeof(value),
			 "/sys/module/" MODULE "/parameters/allow_unsafe_interrupts") &&
	       value[0] == 'Y';
}

void check_interrupts(struct report *r, const struct host *host)
{
	int remapped = interrupts_remapped();

	if (remapped == 1) {
		report_add(r, STATE_OK, "interrupts", "they are remapped");
	} else if (unsafe_allowed()) {
		report_add(r, STATE_OK, "interrupts",
			   "allow_unsafe_interrupts=1 accepts that none are remapped");
	} else if (iommus_are_software()) {
		report_add(r, STATE_OK, "interrupts", "softiommu's devices raise none");
	} else if (remapped < 0 || (host->machine[0] && strcmp(host->machine, "x86_64"))) {
		report_add(r, STATE_CANT_TELL, "interrupts",
			   "whether they are remapped is not to be seen in /sys/kernel/irq");
	} else {
		report_add(r, STATE_PROBLEM, "interrupts",
			   "they are unsafe: no hardware remaps them, and a device could raise any");
		report_fix(r, "%s; or, if you trust the devices, modprobe " MODULE
			   " allow_unsafe_interrupts=1",
			   host_booted_with(host, "intremap=off") ?
			   "boot without intremap=off" : "turn it on in the firmware");
	}
}

/* cgroup v2's list of controllers, or v1's table, has memory. -1: there is neither. */
static int memory_cgroup(void)
{
	char *v2 = sys_read_all("/sys/fs/cgroup/cgroup.controllers");
	char *v1 = sys_read_all("/proc/cgroups"), *line;
	int found = v2 || v1 ? 0 : -1;

	if (v2 && strstr(v2, "memory"))
		found = 1;
	line = v1 ? strstr(v1, "\nmemory") : NULL;
	if (line) {
		unsigned int hierarchy, count, enabled;

		if (sscanf(line, " memory %u %u %u", &hierarchy, &count, &enabled) == 3 && enabled)
			found = 1;
	}
	free(v2);
	free(v1);
	return found;
}

void check_cgroup(struct report *r, const struct host *host)
{
	int found = memory_cgroup();

	if (found == 1) {
		report_add(r, STATE_OK, "cgroup", "the memory cgroup is on");
	} else if (found < 0) {
		report_add(r, STATE_CANT_TELL, "cgroup", "no cgroup file system is mounted");
		report_fix(r, "mount -t cgroup2 cgroup2 /sys/fs/cgroup");
	} else {
		report_add(r, STATE_PROBLEM, "cgroup",
			   "the memory cgroup is off: what guests take can't be limited");
		report_fix(r, host_booted_with(host, "cgroup_disable=memory") ?
			   "boot without cgroup_disable=memory" :
			   "boot with cgroup_enable=memory");
	}
}

void check_swap(struct report *r)
{
	char *text = sys_read_all("/proc/swaps"), *line, buf[AMOUNT_MAX];
	uint64_t kb, total = 0;

	if (!text) {
		report_add(r, STATE_CANT_TELL, "swap", "/proc/swaps can't be read");
		return;
	}
	for (line = strchr(text, '\n'); line; line = strchr(line + 1, '\n')) {
		if (sscanf(line + 1, "%*s %*s %" SCNu64, &kb) == 1)
			total += kb;
	}
	free(text);
	if (total) {
		report_add(r, STATE_OK, "swap", "%s", amount_bytes(buf, total * 1024));
		return;
	}
	report_add(r, STATE_PROBLEM, "swap",
		   "there is none: memory that guests don't use can't make room for others");
	report_fix(r, "add some (mkswap, swapon), or zram");
}
