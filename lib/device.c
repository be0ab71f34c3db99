// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Devices: the file descriptor VFIO gives out for one, and the config space
 * behind it, which is where small devices have their registers.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "internal.h"

static int config_offset(int fd, uint64_t *off)
{
	struct vfio_region_info info = {
		.argsz = sizeof(info),
		.index = VFIO_PCI_CONFIG_REGION_INDEX,
	};

	if (ioctl(fd, VFIO_DEVICE_GET_REGION_INFO, &info))
		return viopf_fail(errno, "can't find the device's config space");
	*off = info.offset;
	return 0;
}

int viopf_device_open(struct viopf_container *c, const char *bdf, struct viopf_device **out)
{
	struct viopf_device *dev;
	struct viopf_group *g;
	int id, err;

	id = viopf_group_id(bdf);
	if (id < 0)
		return id;
	g = viopf_group_find(c, id);
	if (!g)
		return viopf_fail(ENOENT, "the group of %s is not in the container", bdf);
	dev = calloc(1, sizeof(*dev));
	if (!dev)
		return viopf_fail(ENOMEM, "can't open %s", bdf);
	dev->fd = ioctl(g->fd, VFIO_GROUP_GET_DEVICE_FD, bdf);
	if (dev->fd < 0) {
		err = viopf_fail(errno, "can't open %s (is it bound to vfio-pci?)", bdf);
		free(dev);
		return err;
	}
	err = config_offset(dev->fd, &dev->config_off);
	if (err) {
		viopf_device_close(dev);
		return err;
	}
	*out = dev;
	return 0;
}

void viopf_device_close(struct viopf_device *dev)
{
	if (!dev)
		return;
	close(dev->fd);
	free(dev);
}

int viopf_device_fd(const struct viopf_device *dev)
{
	return dev->fd;
}

int viopf_config_read(struct viopf_device *dev, uint64_t off, void *buf, size_t len)
{
	ssize_t got = pread(dev->fd, buf, len, (off_t)(dev->config_off + off));

	if (got == (ssize_t)len)
		return 0;
	return viopf_fail(got < 0 ? errno : EIO, "can't read config space at %#llx",
			  (unsigned long long)off);
}

int viopf_config_write(struct viopf_device *dev, uint64_t off, const void *buf, size_t len)
{
	ssize_t put = pwrite(dev->fd, buf, len, (off_t)(dev->config_off + off));

	if (put == (ssize_t)len)
		return 0;
	return viopf_fail(put < 0 ? errno : EIO, "can't write config space at %#llx",
			  (unsigned long long)off);
}

int viopf_bus_master(struct viopf_device *dev, int on)
{
	uint16_t cmd;
	int err = viopf_config_read(dev, PCI_COMMAND, &cmd, sizeof(cmd));

	if (err)
		return err;
	if (on)
		cmd |= PCI_COMMAND_MASTER | PCI_COMMAND_MEMORY;
	else
		cmd &= (uint16_t)~PCI_COMMAND_MASTER;
	return viopf_config_write(dev, PCI_COMMAND, &cmd, sizeof(cmd));
}

int viopf_reset(struct viopf_device *dev)
{
	if (ioctl(dev->fd, VFIO_DEVICE_RESET))
		return viopf_fail(errno, "can't reset the device");
	return 0;
}
