/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files about changes have of each other.
 */
#ifndef VIOPF_CHANGE_INTERNAL_H
#define VIOPF_CHANGE_INTERNAL_H

#include <linux/mm.h>
#include <linux/slab.h>

#include "change/change.h"
#include "fault/fault.h"

/* The domains that a container is mapped in: set.c. */
int viopf_domain_add(struct viopf_container *container,
		     struct viopf_domain *vdomain);
void viopf_domain_remove(struct viopf_container *container,
			 struct viopf_domain *vdomain);

/* Devices of a failed container are cut off: quarantine.c. */
void viopf_quarantine_group(struct viopf_group *vgroup);
void viopf_quarantine(struct viopf_container *container);

/* Mappings that go, or get another address: unmap.c, vaddr.c. */
u64 viopf_mapping_remove(struct viopf_container *container,
			 struct viopf_mapping *mapping);
int viopf_vaddr_invalidate(struct viopf_container *container,
			   unsigned long first, unsigned long last, u64 *bytes);
int viopf_vaddr_update(struct viopf_container *container,
		       const struct vfio_iommu_type1_dma_map *map);

/* Segments in which nothing is mapped any more: retire.c. */
bool viopf_segment_set_dead(struct viopf_segment *segment, bool dead);
void viopf_segment_hand_over(struct viopf_segment *old,
			     struct viopf_segment *segment);
void viopf_segment_kill(struct viopf_segment *segment);

/* Which mappings are pinned: mode.c. */
int viopf_mode_apply(struct viopf_mapping *mapping, struct viopf_mapping *old);
int viopf_mode_update(struct viopf_container *container);
void viopf_mode_unpin_all(struct viopf_container *container);

/* Pages pinned for devices: pin.c. */
int viopf_pin_charge(struct viopf_mapping *mapping, unsigned long pages,
		     bool inc);
int viopf_pin_range(struct viopf_segment *segment, unsigned long first,
		    unsigned long end);
void viopf_unpin_range(struct viopf_segment *segment, unsigned long first,
		       unsigned long end);

/**
 * struct viopf_recall - how far drivers have been asked to give up a range
 * @next: from where on they are to be asked; 0: from its beginning
 * @rounds: how often all of it has been gone through
 */
struct viopf_recall {
	unsigned long	next;
	unsigned int	rounds;
};

int viopf_emulated_recall(struct viopf_container *container,
			  unsigned long first, unsigned long last,
			  struct viopf_recall *recall);

/**
 * struct viopf_external - a page that drivers have pinned
 * @page: where it is
 * @count: how often it was asked for
 */
struct viopf_external {
	struct page	*page;
	unsigned int	count;
};

/* Pages pinned for drivers in the kernel, and their record: driver_pins.c, externals.c. */
int viopf_external_pin(struct viopf_mapping *mapping, unsigned long iova,
		       struct page **page);
void viopf_external_unpin(struct viopf_mapping *mapping, unsigned long iova);
void viopf_external_release(struct viopf_mapping *mapping, bool in_use);
bool viopf_external_is_charged(const struct viopf_external *external);
unsigned long viopf_external_count(const struct viopf_segment *segment,
				   unsigned long first, unsigned long nr_pages);
bool viopf_external_trim(const struct viopf_segment *segment,
			 unsigned long page, unsigned long *stop);

/* Which pages devices may have written: dirty.c; user space's bitmap of them: bitmap.c. */
void viopf_dirty_mark_range(struct viopf_mapping *mapping, unsigned long iova,
			    size_t bytes);
int viopf_dirty_check_mapping(struct viopf_container *container, u64 bytes);
void viopf_dirty_take(struct viopf_segment *segment,
		      const struct viopf_bitmap *bitmap, u64 bit);
bool viopf_bitmap_holds(const struct viopf_bitmap *bitmap, u64 first, u64 last);
int viopf_bitmap_hold(struct viopf_bitmap *bitmap, u64 first, u64 last);
void viopf_bitmap_clear(const struct viopf_bitmap *bitmap, u64 first, u64 last);
void viopf_bitmap_set(const struct viopf_bitmap *bitmap, u64 bit);

#endif /* VIOPF_CHANGE_INTERNAL_H */
