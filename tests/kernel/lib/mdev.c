// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mediated devices: VFIO's calls by hand, since libviopf knows PCI devices only.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <viopf.h>

#include "mdev.h"
#include "modules.h"
#include "suite.h"

void mdev_load(unsigned int devices)
{
	char params[32];

	snprintf(params, sizeof(params), "devices=%u", devices);
	assert_int_equal(module_insert("softmdev", params), 0);
}

static void group_path(unsigned int index, char *path, size_t size)
{
	char link[128], target[256] = "";

	snprintf(link, sizeof(link), "/sys/bus/platform/devices/" SOFTMDEV_NAME ".%u/iommu_group",
		 index);
	assert_msg(readlink(link, target, sizeof(target) - 1) > 0, "no %s", link);
	snprintf(path, size, "/dev/vfio/%s", basename(target));
}

void mdev_group_open(struct mdev *m, unsigned int index)
{
	char path[64];

	m->index = index;
	m->fd = -1;
	group_path(index, path, sizeof(path));
	/* The node may be a moment behind the device. */
	wait_until((m->group = open(path, O_RDWR | O_CLOEXEC)) >= 0 || errno != ENOENT, 10);
	assert_msg(m->group >= 0, "can't open %s: %s", path, strerror(errno));
}

int mdev_group_attach(struct mdev *m, int container)
{
	return ioctl(m->group, VFIO_GROUP_SET_CONTAINER, &container) ? -errno : 0;
}

int mdev_attach(struct mdev *m, unsigned int index, int container)
{
	int err;

	mdev_group_open(m, index);
	err = mdev_group_attach(m, container);
	if (err)
		close(m->group);
	return err;
}

void mdev_open(struct mdev *m)
{
	char name[32];

	snprintf(name, sizeof(name), SOFTMDEV_NAME ".%u", m->index);
	m->fd = ioctl(m->group, VFIO_GROUP_GET_DEVICE_FD, name);
	assert_msg(m->fd >= 0, "can't get %s: %s", name, strerror(errno));
}

void mdev_join(struct mdev *m, unsigned int index, int container)
{
	assert_int_equal(mdev_attach(m, index, container), 0);
	mdev_open(m);
}

void mdev_close_device(struct mdev *m)
{
	assert_int_equal(close(m->fd), 0);
	m->fd = -1;
}

void mdev_close(struct mdev *m)
{
	if (m->fd >= 0)
		mdev_close_device(m);
	assert_int_equal(close(m->group), 0);
}

int mdev_pin(struct mdev *m, uint64_t iova, unsigned int npages, unsigned int prot, uint64_t *pfns)
{
	struct softmdev_pin arg = {
		.iova = iova,
		.npages = npages,
		.prot = prot,
		.pfns = (uintptr_t)pfns,
	};
	int ret = ioctl(m->fd, SOFTMDEV_PIN, &arg);

	return ret < 0 ? -errno : ret;
}

int mdev_unpin(struct mdev *m, uint64_t iova, unsigned int npages)
{
	struct softmdev_pin arg = { .iova = iova, .npages = npages };
	int ret = ioctl(m->fd, SOFTMDEV_UNPIN, &arg);

	return ret < 0 ? -errno : ret;
}

int mdev_rw(struct mdev *m, uint64_t iova, void *data, size_t len, unsigned int flags)
{
	struct softmdev_rw arg = {
		.iova = iova,
		.data = (uintptr_t)data,
		.len = (uint32_t)len,
		.flags = flags,
	};

	return ioctl(m->fd, SOFTMDEV_RW, &arg) ? -errno : 0;
}

struct softmdev_state mdev_state(struct mdev *m)
{
	struct softmdev_state state;

	assert_ok(ioctl(m->fd, SOFTMDEV_GET_STATE, &state));
	return state;
}

void mdev_set_flags(struct mdev *m, unsigned int flags)
{
	assert_ok(ioctl(m->fd, SOFTMDEV_SET_FLAGS, (unsigned long)flags));
}
