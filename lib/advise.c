// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
/*
 * Advice on a range of IOVA, what of it devices can reach, and what is mapped.
 */
#include <errno.h>
#include <sys/ioctl.h>

#include "internal.h"

static const char *advice_name(enum vfio_iopf_advice advice)
{
	switch (advice) {
	case VFIO_IOPF_ADV_EVICT:
		return "evict";
	case VFIO_IOPF_ADV_PIN:
		return "pin";
	case VFIO_IOPF_ADV_UNPIN:
		return "unpin";
	default:
		return "prefetch";
	}
}

int viopf_advise(struct viopf_container *c, enum vfio_iopf_advice advice, uint64_t iova,
		 uint64_t size, uint64_t *done)
{
	struct vfio_iopf_advise arg = {
		.argsz = sizeof(arg),
		.advice = advice,
		.iova = iova,
		.size = size,
	};
	int err = ioctl(c->fd, VFIO_IOPF_ADVISE, &arg) ? errno : 0;

	if (done)
		*done = arg.done_bytes;
	if (err)
		return viopf_fail(err, "can't %s %#llx bytes at IOVA %#llx, only %#llx",
				  advice_name(advice), (unsigned long long)size,
				  (unsigned long long)iova, (unsigned long long)arg.done_bytes);
	return 0;
}

int viopf_residency(struct viopf_container *c, uint64_t iova, uint64_t size, unsigned char *pages)
{
	struct vfio_iopf_residency arg = {
		.argsz = sizeof(arg),
		.iova = iova,
		.size = size,
		.data = (uintptr_t)pages,
	};

	if (ioctl(c->fd, VFIO_IOPF_RESIDENCY, &arg))
		return viopf_fail(errno, "can't tell what is resident of %#llx bytes at IOVA %#llx",
				  (unsigned long long)size, (unsigned long long)iova);
	return 0;
}

int viopf_mappings(struct viopf_container *c, uint64_t iova, struct vfio_iopf_mapping *mappings,
		   uint32_t *count)
{
	struct vfio_iopf_mappings arg = {
		.argsz = sizeof(arg),
		.iova = iova,
		.count = *count,
		.data = (uintptr_t)mappings,
	};

	if (ioctl(c->fd, VFIO_IOPF_MAPPINGS, &arg))
		return viopf_fail(errno, "can't list the container's mappings");
	*count = arg.count;
	return 0;
}
