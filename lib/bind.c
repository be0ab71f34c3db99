// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * PCI devices in sysfs: is it there, which driver has it, which IOMMU group is
 * it in, and how to hand it to vfio-pci. driver_override is used, so that no
 * other device with the same ids is taken along.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

static int bdf_wellformed(const char *bdf)
{
	static const char shape[] = "xxxx:xx:xx.x";
	size_t i;

	if (!bdf || strlen(bdf) != VIOPF_BDF_LEN)
		return 0;
	for (i = 0; i < VIOPF_BDF_LEN; i++) {
		if (shape[i] == 'x' ? !isxdigit((unsigned char)bdf[i]) : bdf[i] != shape[i])
			return 0;
	}
	return 1;
}

int viopf_check_bdf(const char *bdf)
{
	char path[PATH_MAX];

	if (!bdf_wellformed(bdf))
		return viopf_fail(EINVAL, "'%s' is not a PCI address like 0000:01:00.0",
				  bdf ? bdf : "(null)");
	snprintf(path, sizeof(path), VIOPF_SYSFS_DEVICES "/%s", bdf);
	if (access(path, F_OK))
		return viopf_fail(errno == ENOENT ? ENODEV : errno,
				  "can't find a PCI device %s (see lspci -D)", bdf);
	return 0;
}

/* The last part of where a link of the device leads; empty if there is none. 0 or a failure. */
static int device_link(const char *bdf, const char *name, char *out, size_t size)
{
	char path[PATH_MAX], target[PATH_MAX];
	const char *base;
	ssize_t len;
	size_t keep;

	out[0] = '\0';
	snprintf(path, sizeof(path), VIOPF_SYSFS_DEVICES "/%s/%s", bdf, name);
	len = readlink(path, target, sizeof(target) - 1);
	if (len < 0)
		return errno == ENOENT ? 0 : viopf_fail(errno, "can't read %s", path);
	target[len] = '\0';
	base = strrchr(target, '/');
	base = base ? base + 1 : target;
	keep = strlen(base) < size ? strlen(base) : size - 1;
	memcpy(out, base, keep);
	out[keep] = '\0';
	return 0;
}

/* The driver of a device that has to be there; empty if it has none. */
static int device_driver(const char *bdf, char *driver, size_t size)
{
	int err = viopf_check_bdf(bdf);

	return err ? err : device_link(bdf, "driver", driver, size);
}

/* The name of its IOMMU group; ENODEV if there is none. */
static int device_group(const char *bdf, char *group, size_t size)
{
	int err = device_link(bdf, "iommu_group", group, size);

	if (err)
		return err;
	if (!group[0])
		return viopf_fail(ENODEV,
				  "%s has no IOMMU behind it: turn it on in the firmware, and by intel_iommu=on",
				  bdf);
	return 0;
}

int viopf_group_id(const char *bdf)
{
	char group[32], driver[64];
	int err = device_driver(bdf, driver, sizeof(driver));

	if (!err)
		err = device_group(bdf, group, sizeof(group));
	if (err)
		return err;
	if (!driver[0])
		return viopf_fail(ENODEV, "%s is bound to no driver; bind it to vfio-pci", bdf);
	return atoi(group);
}

static int write_sysfs(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t len;
	int err = 0;

	if (fd < 0)
		return viopf_fail(errno, "can't open %s (are you root?)", path);
	len = write(fd, text, strlen(text));
	if (len < 0)
		err = viopf_fail(errno, "can't write to %s", path);
	close(fd);
	return err;
}

static int release_driver(const char *bdf, const char *driver)
{
	char path[PATH_MAX];

	if (!driver[0])
		return 0;
	snprintf(path, sizeof(path), VIOPF_SYSFS_DEVICES "/%s/driver/unbind", bdf);
	return write_sysfs(path, bdf);
}

static int set_override(const char *bdf, const char *driver)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), VIOPF_SYSFS_DEVICES "/%s/driver_override", bdf);
	return write_sysfs(path, driver);
}

int viopf_bind(const char *bdf)
{
	char driver[64], group[32];
	int err = device_driver(bdf, driver, sizeof(driver));

	if (err || !strcmp(driver, "vfio-pci"))
		return err;
	if (access("/sys/bus/pci/drivers/vfio-pci", F_OK))
		return viopf_fail(errno == ENOENT ? ENODEV : errno,
				  "can't find the vfio-pci driver; modprobe vfio-pci");
	err = device_group(bdf, group, sizeof(group));
	if (!err)
		err = set_override(bdf, "vfio-pci\n");
	if (!err)
		err = release_driver(bdf, driver);
	if (!err)
		err = write_sysfs("/sys/bus/pci/drivers_probe", bdf);
	if (!err)
		err = device_link(bdf, "driver", driver, sizeof(driver));
	if (err)
		return err;
	if (strcmp(driver, "vfio-pci"))
		return viopf_fail(ENODEV, "vfio-pci did not take %s (see dmesg)", bdf);
	return 0;
}

int viopf_unbind(const char *bdf)
{
	char driver[64];
	int err = device_driver(bdf, driver, sizeof(driver));

	if (!err)
		err = set_override(bdf, "\n");
	if (err || strcmp(driver, "vfio-pci"))
		return err;
	return release_driver(bdf, driver);
}

int viopf_give_back(const char *bdf)
{
	char driver[64];
	int err = viopf_unbind(bdf);

	if (!err)
		err = device_link(bdf, "driver", driver, sizeof(driver));
	if (err || driver[0])
		return err;
	return write_sysfs("/sys/bus/pci/drivers_probe", bdf);
}
