// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Page requests that this process decides on: those in mappings made with
 * VIOPF_USER. The file descriptor is the caller's, and can be polled.
 */
#include <errno.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "internal.h"

int viopf_fault_fd(struct viopf_container *c)
{
	struct vfio_iopf_fault_fd arg = { .argsz = sizeof(arg) };
	int fd = ioctl(c->fd, VFIO_IOPF_FAULT_FD, &arg);

	if (fd >= 0)
		return fd;
	return viopf_fail(errno, errno == EBUSY ?
			  "somebody handles the container's page requests already" :
			  "can't get at the container's page requests");
}

int viopf_fault_read(int fd, struct vfio_iopf_fault *faults, size_t n)
{
	ssize_t got = read(fd, faults, n * sizeof(*faults));

	if (got < 0)
		return viopf_fail(errno, "can't read page requests");
	return (int)((size_t)got / sizeof(*faults));
}

int viopf_fault_answer(int fd, uint32_t cookie, enum vfio_iopf_fault_code code)
{
	struct vfio_iopf_fault_response response = { .cookie = cookie, .code = code };

	if (write(fd, &response, sizeof(response)) != sizeof(response))
		return viopf_fail(errno, "can't decide on page request %u", cookie);
	return 0;
}
