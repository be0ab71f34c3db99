// SPDX-License-Identifier: GPL-2.0-only
/*
 * softdma: the indexes of page request groups.
 *
 * An index belongs to the thread that took it until that has seen the response; if
 * the thread is aborted first, to nobody until the response comes.  Only requests that
 * somebody waits for count as outstanding.  The index of a group that was begun and
 * never ended is lost until the function is reset: no response will come, and the IOMMU
 * core still has what was requested.
 */
#include "dma_priv.h"

/**
 * sd_group_take() - take an index, if there is one and room for the requests
 * @dev: the device
 * @nr: how many requests will count as outstanding
 * @index: the index, or -1
 *
 * Return: whether one was taken
 */
bool sd_group_take(struct sd_device *dev, unsigned int nr, int *index)
{
	u32 limit = sd_request_limit(dev);
	unsigned long flags;
	unsigned int i;

	*index = -1;
	raw_spin_lock_irqsave(&dev->pri_lock, flags);
	for (i = 0; i < SOFT_GROUP_INDEXES && dev->outstanding + nr <= limit; i++) {
		unsigned int at = dev->next_group++ % SOFT_GROUP_INDEXES;

		if (dev->groups[at].state != SD_GROUP_FREE)
			continue;
		dev->groups[at].state = SD_GROUP_WAITING;
		dev->groups[at].nr_requests = nr;
		dev->outstanding += nr;
		*index = at;
		break;
	}
	raw_spin_unlock_irqrestore(&dev->pri_lock, flags);
	return *index >= 0;
}

/**
 * sd_group_answered() - has the response come
 * @dev: the device
 * @index: taken
 *
 * Return: whether it has; then its code is there as well
 */
bool sd_group_answered(struct sd_device *dev, int index)
{
	/* Pairs with sd_respond(). */
	return smp_load_acquire(&dev->groups[index].state) == SD_GROUP_ANSWERED;
}

/**
 * sd_group_drop() - the thread is done with an index, answered or not
 * @dev: the device
 * @index: taken
 * @requested: a response will come, if it has not
 */
void sd_group_drop(struct sd_device *dev, int index, bool requested)
{
	struct sd_group *group = &dev->groups[index];
	unsigned long flags;

	raw_spin_lock_irqsave(&dev->pri_lock, flags);
	if (group->state == SD_GROUP_WAITING)
		dev->outstanding -= group->nr_requests;
	if (group->state == SD_GROUP_WAITING && requested)
		group->state = SD_GROUP_ABANDONED;
	else
		group->state = SD_GROUP_FREE;
	raw_spin_unlock_irqrestore(&dev->pri_lock, flags);
	wake_up_all(&dev->wait);
}

/**
 * sd_respond() - a page response, from the IOMMU
 * @priv: the device
 * @group: index
 * @code: the response
 *
 * Return: whether somebody waited for it
 */
bool sd_respond(void *priv, unsigned int group,
		enum iommu_page_response_code code)
{
	struct sd_device *dev = priv;
	struct sd_group *g = &dev->groups[group];
	unsigned long flags;
	bool waiting;

	raw_spin_lock_irqsave(&dev->pri_lock, flags);
	waiting = g->state == SD_GROUP_WAITING;
	if (waiting) {
		g->code = code;
		dev->outstanding -= g->nr_requests;
		/* Pairs with sd_group_answered(). */
		smp_store_release(&g->state, SD_GROUP_ANSWERED);
	} else if (g->state == SD_GROUP_ABANDONED) {
		g->state = SD_GROUP_FREE;
	}
	raw_spin_unlock_irqrestore(&dev->pri_lock, flags);
	wake_up_all(&dev->wait);
	return waiting;
}

/**
 * sd_pri_reset() - the function is reset: indexes of partial groups are free, and what was
 * answered FAILURE before stops it no more
 * @dev: the device
 */
void sd_pri_reset(struct sd_device *dev)
{
	unsigned long flags;
	unsigned int i;

	raw_spin_lock_irqsave(&dev->pri_lock, flags);
	for (i = 0; i < SOFT_GROUP_INDEXES; i++)
		if (dev->groups[i].state == SD_GROUP_PARTIAL)
			dev->groups[i].state = SD_GROUP_FREE;
	WRITE_ONCE(dev->failed, false);
	WRITE_ONCE(dev->response_failure, false);
	WRITE_ONCE(dev->resets, dev->resets + 1);
	raw_spin_unlock_irqrestore(&dev->pri_lock, flags);
	wake_up_all(&dev->wait);
}

/**
 * sd_group_lose() - the index of a group that was begun and never ended
 * @dev: the device
 * @index: taken
 */
void sd_group_lose(struct sd_device *dev, int index)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&dev->pri_lock, flags);
	dev->groups[index].state = SD_GROUP_PARTIAL;
	raw_spin_unlock_irqrestore(&dev->pri_lock, flags);
}
