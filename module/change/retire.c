// SPDX-License-Identifier: GPL-2.0-only
/*
 * Retiring segments: their mapping goes, or another takes its place.
 *
 * From then on nothing is mapped in them (table->dead), nothing is sampled, and at the end
 * the mm does not know them any more. They are freed with the mapping, by whoever holds it
 * last.
 */
#include "change/internal.h"

/**
 * viopf_segment_set_dead() - have nothing mapped in a segment any more
 * @segment: with container->lock held
 * @dead: do; what is not pinned is dropped. Else undo it: devices may fault again
 *
 * Return: whether pages had to be kept, and the container be cut off.
 */
bool viopf_segment_set_dead(struct viopf_segment *segment, bool dead)
{
	bool kept;

	mutex_lock(&segment->table.lock);
	segment->table.dead = dead;
	if (dead)
		viopf_leaf_drop(&segment->table, 0, viopf_segment_pages(segment));
	kept = segment->table.kept;
	mutex_unlock(&segment->table.lock);

	if (kept)
		viopf_quarantine(segment->mapping->container);
	return kept;
}

/* Add the bits that *@from has to *@to's. */
static void viopf_table_move_bits(unsigned long **to, unsigned long **from,
				  unsigned long nr)
{
	if (!*to || !*from) {
		if (!*to)
			swap(*to, *from);
		return;
	}
	bitmap_or(*to, *to, *from, nr);
	bitmap_zero(*from, nr);
}

/* All of @from becomes @to's. */
static void viopf_table_move(struct viopf_table *to, struct viopf_table *from)
{
	unsigned long nr_pages = from->residency.nr_pages;

	lockdep_assert_held(&to->lock);
	lockdep_assert_held(&from->lock);

	viopf_residency_move(&to->residency, &from->residency);
	viopf_table_move_bits(&to->pins, &from->pins, nr_pages);
	viopf_table_move_bits(&to->advised, &from->advised, nr_pages);
	viopf_table_move_bits(&to->dirty, &from->dirty, nr_pages);
	if (!to->set)
		to->set = from->set;
	from->set = NULL;
}

/**
 * viopf_segment_hand_over() - all that a segment has goes to its counterpart
 * @old: the segment, of a mapping that is dead, with container->lock held
 * @segment: made by viopf_segment_clone(), not to be found by faults yet
 *
 * Pinned pages stay mapped; what is not pinned is dropped. @old is dead then, with
 * nothing in it. Until its notifier is gone, the old mm still evicts from it: with
 * both locks held record and pins go in one step, so an eviction finds all of a
 * pinned page or nothing.
 */
void viopf_segment_hand_over(struct viopf_segment *old,
			     struct viopf_segment *segment)
{
	struct viopf_container *container = old->mapping->container;

	lockdep_assert_held(&container->lock);

	viopf_age_remove(&old->table);
	viopf_segment_set_dead(old, true);

	mutex_lock(&old->table.lock);
	/* Nobody but an eviction knows it, which takes no other one's lock. */
	mutex_lock_nested(&segment->table.lock, SINGLE_DEPTH_NESTING);
	viopf_table_move(&segment->table, &old->table);
	segment->window = old->window;
	mutex_unlock(&segment->table.lock);
	mutex_unlock(&old->table.lock);

	mmu_interval_notifier_remove(&old->notifier);
	viopf_count(&container->iommu, segments, -1);
	cond_resched();
}

/**
 * viopf_segment_kill() - no device reaches the segment any more, ever
 * @segment: of a mapping that is being unmapped, with container->lock held
 */
void viopf_segment_kill(struct viopf_segment *segment)
{
	struct viopf_container *container = segment->mapping->container;

	lockdep_assert_held(&container->lock);

	viopf_age_remove(&segment->table);
	mutex_lock(&segment->table.lock);
	segment->table.dead = true;
	mutex_unlock(&segment->table.lock);
	viopf_unpin_advise(segment, 0, viopf_segment_pages(segment));
	viopf_unpin_range(segment, 0, viopf_segment_pages(segment));
	/* One that was never in the container's tree is not found by quarantine. */
	if (viopf_segment_set_dead(segment, true))
		viopf_hold_release(&segment->table);
	mmu_interval_notifier_remove(&segment->notifier);
	viopf_count(&container->iommu, segments, -1);
	cond_resched();
}
