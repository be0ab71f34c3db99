// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who uses a device; see use.h. A PCI device's disks and network interfaces are folders
 * below its own in sysfs, at a depth that its driver decides on: .../block/sda/sda1,
 * .../net/eth0. They are found by walking, links left alone.
 */
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sysfs.h"
#include "use.h"

#define MAX_OPEN	16	/* folders, while walking */

/* nftw() knows no argument for its callback. */
static struct {
	char *why;
	size_t size;
	size_t root_len;	/* of what stands before /sys */
	char *mounts, *swaps, *routes;
} walk;

static bool is_mounted(const char *dev)
{
	char wanted[72];

	snprintf(wanted, sizeof(wanted), " %s ", dev);	/* mountinfo's third column: 8:1 */
	return walk.mounts && strstr(walk.mounts, wanted);
}

static bool is_swap(const char *name)
{
	char wanted[PATH_MAX];

	snprintf(wanted, sizeof(wanted), "/dev/%s ", name);
	return walk.swaps && strstr(walk.swaps, wanted);
}

/* A table of routes: interface, destination, with tabs between; 0 is the default. */
static bool has_default_route(const char *name)
{
	char wanted[PATH_MAX];

	snprintf(wanted, sizeof(wanted), "\n%s\t00000000\t", name);
	return walk.routes && strstr(walk.routes, wanted);
}

static bool is_held(const char *path)
{
	struct names holders;
	bool held;

	sys_list(&holders, "%s/holders", path);
	held = holders.n;
	names_free(&holders);
	return held;
}

/* @path: as sysfs.h wants it, without the root. */
static int look_at_block(const char *path, const char *name)
{
	char dev[64];

	if (sys_read(dev, sizeof(dev), "%s/dev", path))
		return 0;
	if (is_mounted(dev))
		return snprintf(walk.why, walk.size, "its disk %s is mounted", name);
	if (is_swap(name))
		return snprintf(walk.why, walk.size, "its disk %s is swapped to", name);
	if (is_held(path))
		return snprintf(walk.why, walk.size, "its disk %s is part of another", name);
	return 0;
}

/* Anything but 0 ends the walk. */
static int look_at(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	const char *name = path + ftw->base;

	(void)st;
	if (type != FTW_D)
		return 0;
	if (strstr(path, "/block/"))
		return look_at_block(path + walk.root_len, name);
	if (ftw->base >= 5 && !strncmp(name - 5, "/net/", 5) && has_default_route(name))
		return snprintf(walk.why, walk.size, "the default route goes through its %s", name);
	return 0;
}

bool device_is_missed(const char *bdf, char *why, size_t size)
{
	char path[PATH_MAX], real[PATH_MAX];
	bool missed;

	sys_path(path, "/sys/bus/pci/devices/%s", bdf);
	if (!realpath(path, real))
		return false;
	walk.root_len = (size_t)(strstr(real, "/sys/") - real);
	walk.why = why;
	walk.size = size;
	walk.mounts = sys_read_all("/proc/self/mountinfo");
	walk.swaps = sys_read_all("/proc/swaps");
	walk.routes = sys_read_all("/proc/net/route");
	missed = nftw(real, look_at, MAX_OPEN, FTW_PHYS) > 0;
	free(walk.mounts);
	free(walk.swaps);
	free(walk.routes);
	return missed;
}

bool device_is_contained(const char *bdf, char *why, size_t size)
{
	bool contained = false;
	struct names names;
	int i;

	sys_list(&names, "/sys/class/vfio_iopf");
	for (i = 0; i < names.n && !contained; i++) {
		char comm[32], pid[32];

		contained = sys_exists("/sys/class/vfio_iopf/%s/devices/%s", names.v[i], bdf);
		if (!contained)
			continue;
		sys_read_name(comm, sizeof(comm), "/sys/class/vfio_iopf/%s/comm", names.v[i]);
		sys_read(pid, sizeof(pid), "/sys/class/vfio_iopf/%s/pid", names.v[i]);
		snprintf(why, size, "%s of %s, process %s, has it", names.v[i], comm, pid);
	}
	names_free(&names);
	return contained;
}

bool driver_is_vfio(const char *driver)
{
	return strstr(driver, "vfio");
}

/* What VFIO doesn't mind in a group: no driver, its own, bridges' and pci-stub. */
static bool driver_is_harmless(const char *driver)
{
	return !driver[0] || driver_is_vfio(driver) || !strcmp(driver, "pcieport") ||
	       !strcmp(driver, "pci-stub");
}

int group_find_user(const char *bdf, struct group_user *user)
{
	struct names devices;
	int i, others = 0;

	*user = (struct group_user) { 0 };
	sys_list(&devices, "/sys/bus/pci/devices/%s/iommu_group/devices", bdf);
	for (i = 0; i < devices.n; i++) {
		char driver[64];

		if (!strcmp(devices.v[i], bdf))
			continue;
		others++;
		sys_link(driver, sizeof(driver),
			 "/sys/bus/pci/devices/%s/iommu_group/devices/%s/driver", bdf,
			 devices.v[i]);
		if (user->device[0] || driver_is_harmless(driver))
			continue;
		snprintf(user->device, sizeof(user->device), "%s", devices.v[i]);
		snprintf(user->driver, sizeof(user->driver), "%s", driver);
	}
	names_free(&devices);
	return others;
}
