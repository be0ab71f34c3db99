// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Containers and the groups in them. A group's file stays open as long as the
 * group is in the container; closing it would take the group out behind the
 * caller's back. Devices hold the kernel's side of both on their own.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "internal.h"

int viopf_container_new(struct viopf_container **out)
{
	int fd = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC), err;

	if (fd < 0)
		return viopf_fail(errno, errno == ENOENT || errno == ENODEV ?
				  "VFIO is not there; modprobe vfio-pci" :
				  "can't open /dev/vfio/vfio (are you root?)");
	err = viopf_container_from_fd(out, fd);
	if (err)
		close(fd);
	return err;
}

int viopf_container_from_fd(struct viopf_container **out, int fd)
{
	int version = ioctl(fd, VFIO_GET_API_VERSION);
	struct viopf_container *c;

	if (version < 0)
		return viopf_fail(errno, "file descriptor %d is no VFIO container's", fd);
	if (version != VFIO_API_VERSION)
		return viopf_fail(EINVAL, "the kernel's VFIO has another version");
	c = calloc(1, sizeof(*c));
	if (!c)
		return viopf_fail(ENOMEM, "can't make a container");
	c->fd = fd;
	*out = c;
	return 0;
}

struct viopf_group *viopf_group_find(struct viopf_container *c, int id)
{
	struct viopf_group *g;

	for (g = c->groups; g && g->id != id; g = g->next)
		;
	return g;
}

static int group_file_open(int id, const char *bdf)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/dev/vfio/%d", id);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	switch (errno) {
	case ENOENT:
		return viopf_fail(ENODEV, "%s is not bound to vfio-pci; bind it first", bdf);
	case EBUSY:
		return viopf_fail(EBUSY, "the IOMMU group %d of %s is in use elsewhere", id, bdf);
	default:
		return viopf_fail(errno, "can't open %s (are you root?)", path);
	}
}

static int group_join(struct viopf_container *c, int fd, const char *bdf)
{
	struct vfio_group_status status = { .argsz = sizeof(status) };

	if (ioctl(fd, VFIO_GROUP_GET_STATUS, &status))
		return viopf_fail(errno, "can't ask for the state of %s's group", bdf);
	if (!(status.flags & VFIO_GROUP_FLAGS_VIABLE))
		return viopf_fail(EPERM, "other devices in the group of %s have other drivers",
				  bdf);
	if (ioctl(fd, VFIO_GROUP_SET_CONTAINER, &c->fd))
		return viopf_fail(errno, "can't put %s's group into the container", bdf);
	return 0;
}

int viopf_group_add(struct viopf_container *c, const char *bdf)
{
	struct viopf_group *g;
	int id, err;

	id = viopf_group_id(bdf);
	if (id < 0)
		return id;
	g = viopf_group_find(c, id);
	if (g) {
		g->users++;
		return 0;
	}
	g = calloc(1, sizeof(*g));
	if (!g)
		return viopf_fail(ENOMEM, "can't add a group");
	g->fd = group_file_open(id, bdf);
	if (g->fd < 0) {
		err = g->fd;
		free(g);
		return err;
	}
	err = group_join(c, g->fd, bdf);
	if (err) {
		close(g->fd);
		free(g);
		return err;
	}
	g->id = id;
	g->users = 1;
	g->next = c->groups;
	c->groups = g;
	return 0;
}

int viopf_group_remove(struct viopf_container *c, const char *bdf)
{
	struct viopf_group *g, **link;
	int id = viopf_group_id(bdf);

	if (id < 0)
		return id;
	g = viopf_group_find(c, id);
	if (!g)
		return viopf_fail(ENOENT, "the group of %s is not in the container", bdf);
	if (g->users > 1) {
		g->users--;
		return 0;
	}
	if (ioctl(g->fd, VFIO_GROUP_UNSET_CONTAINER))
		return viopf_fail(errno, "can't take %s's group out (is a device of it open?)",
				  bdf);
	for (link = &c->groups; *link != g; link = &(*link)->next)
		;
	*link = g->next;
	close(g->fd);
	free(g);
	return 0;
}

int viopf_set_iommu(struct viopf_container *c, unsigned long extension)
{
	int has = viopf_check_extension(c, extension);
	const char *module = extension == VFIO_IOPF_IOMMU ? "vfio_iommu_iopf" : "vfio_iommu_type1";

	if (has < 0)
		return has;
	if (!has)
		return viopf_fail(ENODEV, "no VFIO backend for extension %#lx; modprobe %s",
				  extension, module);
	if (ioctl(c->fd, VFIO_SET_IOMMU, extension))
		return viopf_fail(errno, "the backend did not take the container (see dmesg)");
	return 0;
}

int viopf_container_open(struct viopf_container **out, const char *const *bdfs, size_t n,
			 unsigned long extension)
{
	struct viopf_container *c;
	size_t i;
	int err;

	err = viopf_container_new(&c);
	if (err)
		return err;
	for (i = 0; i < n && !err; i++)
		err = viopf_group_add(c, bdfs[i]);
	if (!err)
		err = viopf_set_iommu(c, extension);
	if (err) {
		viopf_container_close(c);
		return err;
	}
	*out = c;
	return 0;
}

void viopf_container_close(struct viopf_container *c)
{
	struct viopf_group *g;

	if (!c)
		return;
	while ((g = c->groups)) {
		c->groups = g->next;
		close(g->fd);
		free(g);
	}
	close(c->fd);
	free(c);
}

int viopf_container_fd(const struct viopf_container *c)
{
	return c->fd;
}

int viopf_check_extension(struct viopf_container *c, unsigned long extension)
{
	int has = ioctl(c->fd, VFIO_CHECK_EXTENSION, extension);

	return has < 0 ? viopf_fail(errno, "can't ask for extension %#lx", extension) : has;
}
