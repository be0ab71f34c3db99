// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls with a bitmap, and one whose bitmap is withheld by a userfaultfd.
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "withheld.h"

void raw_get_init(struct raw_get *arg, uint64_t size, void *bits, uint64_t bytes)
{
	memset(arg, 0, sizeof(*arg));
	arg->dirty.argsz = sizeof(*arg);
	arg->dirty.flags = VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP;
	arg->get.iova = IOVA_BASE;
	arg->get.size = size;
	arg->get.bitmap = (struct vfio_bitmap) { .pgsize = PAGE, .size = bytes, .data = bits };
}

void raw_unmap_init(struct raw_unmap *arg, uint64_t size, const struct vfio_bitmap *bitmap)
{
	*arg = (struct raw_unmap) {
		.unmap.argsz = sizeof(*arg),
		.unmap.flags = VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP,
		.unmap.iova = IOVA_BASE,
		.unmap.size = size,
		.bitmap = *bitmap,
	};
}

int raw_get_errno(struct rig *rig, struct raw_get *arg)
{
	return ioctl(viopf_container_fd(rig->c), VFIO_IOMMU_DIRTY_PAGES, arg) ? errno : 0;
}

int raw_unmap_errno(struct rig *rig, struct raw_unmap *arg)
{
	return ioctl(viopf_container_fd(rig->c), VFIO_IOMMU_UNMAP_DMA, arg) ? errno : 0;
}

static void *withheld_main(void *arg)
{
	struct withheld *w = arg;
	struct raw_unmap unmap;
	struct raw_get get;

	raw_get_init(&get, w->size, w->bits, w->size / PAGE / 8);
	if (w->unmap) {
		raw_unmap_init(&unmap, w->size, &get.get.bitmap);
		w->error = raw_unmap_errno(w->rig, &unmap);
		w->unmapped = unmap.unmap.size;
	} else {
		w->error = raw_get_errno(w->rig, &get);
	}
	return NULL;
}

void withheld_start(struct withheld *w, void *page)
{
	uffd_register(&w->u, uffd_open(), page, PAGE, 0);
	w->u.seed = 5;
	assert_ok(pthread_create(&w->thread, NULL, withheld_main, w));
	w->at = uffd_next(&w->u, 30);
}

int withheld_end(struct withheld *w)
{
	uffd_deliver(&w->u, w->at);
	assert_ok(pthread_join(w->thread, NULL));
	close(w->u.fd);
	return w->error;
}

int withheld_refuse(struct withheld *w)
{
	assert_ok(munmap(w->at, PAGE));
	close(w->u.fd);
	assert_ok(pthread_join(w->thread, NULL));
	return w->error;
}
