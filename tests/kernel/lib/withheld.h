/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The calls that report dirty pages as the kernel has them (the library's look at the bitmap
 * themselves); and one of which user space withholds a page of the bitmap, so that a test
 * can do things while the kernel waits for it.
 */
#ifndef VIOPF_TEST_WITHHELD_H
#define VIOPF_TEST_WITHHELD_H

#include <pthread.h>
#include <stdint.h>

#include "rig.h"
#include "uffd.h"

struct raw_get {
	struct vfio_iommu_type1_dirty_bitmap dirty;
	struct vfio_iommu_type1_dirty_bitmap_get get;
};

struct raw_unmap {
	struct vfio_iommu_type1_dma_unmap unmap;
	struct vfio_bitmap bitmap;
};

/* Calls about @size bytes from IOVA_BASE on. */
void raw_get_init(struct raw_get *arg, uint64_t size, void *bits, uint64_t bytes);
void raw_unmap_init(struct raw_unmap *arg, uint64_t size, const struct vfio_bitmap *bitmap);

/* Make them: 0, or errno. */
int raw_get_errno(struct rig *rig, struct raw_get *arg);
int raw_unmap_errno(struct rig *rig, struct raw_unmap *arg);

/**
 * struct withheld - a call that waits for its bitmap
 * @rig: by the caller
 * @size: by the caller: about how many bytes from IOVA_BASE on
 * @bits: by the caller: the bitmap, where pages begin
 * @unmap: by the caller: it is UNMAP_DMA, else GET_BITMAP
 * @error: once it has ended: 0, or errno
 * @unmapped: then: bytes that UNMAP_DMA unmapped
 */
struct withheld {
	struct rig *rig;
	uint64_t size;
	uint64_t *bits;
	int unmap;
	int error;
	uint64_t unmapped;

	/* private */
	pthread_t thread;
	struct uffd u;
	char *at;
};

/* Returns when the kernel waits for @page of the bitmap. */
void withheld_start(struct withheld *w, void *page);

/* It gets the page, or never gets it, as the page goes. Returns @error. */
int withheld_end(struct withheld *w);
int withheld_refuse(struct withheld *w);

#endif /* VIOPF_TEST_WITHHELD_H */
