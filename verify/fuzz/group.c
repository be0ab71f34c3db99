// SPDX-License-Identifier: GPL-2.0-only
/*
 * Groups that come to a container and leave it, of devices and of mediated ones; and what a
 * mediated device's driver does: pin pages and give them back, and copy.
 */
#include <errno.h>
#include <string.h>

#include "world.h"

void op_group(const struct op *op)
{
	struct device *d = &world.devices[op->at % world.nr_devices];
	int container = (int)op_container_index(op->who);

	if (d->container != NO_CONTAINER) {
		container_of_device(d)->changed = true;
		/* They have its file as well. */
		children_end();
		device_detach(d);
		return;
	}
	if (!world.containers[container].c)
		return;
	world.containers[container].changed = true;
	/* It may be one that has everything pinned. */
	world.pins = true;
	device_attach(d, container);
}

void mdev_leave(unsigned int i)
{
	struct container *c = &world.containers[world.mdev_container[i]];

	mdev_close(&world.mdevs[i]);
	world.mdev_container[i] = NO_CONTAINER;
	if (!--c->groups)
		container_lost_iommu(c);
}

static void mdev_come(unsigned int i, unsigned int container)
{
	struct container *c = container_used(container);

	if (!c || mdev_attach(&world.mdevs[i], i, c->fd))
		return;
	mdev_open(&world.mdevs[i]);
	world.mdev_container[i] = (int)container;
	c->groups++;
}

/* What it reads is what the memory holds. */
static void mdev_copy(struct mdev *m, struct container *c, uint64_t iova, const struct op *op)
{
	uint64_t words[PAGE / 8];
	struct mapping *mapping;
	struct slot *slot;
	struct page *page;
	unsigned int at;

	if (op->flags & 0x10) {
		memset(words, 0x5a, sizeof(words));
		if (iova < WINDOW_BASE)
			return;
		device_note_write(c, iova, 1);
		mdev_rw(m, iova, words, PAGE, SOFTMDEV_RW_WRITE | (op->n >> 8) % 8);
		return;
	}
	if (mdev_rw(m, iova, words, PAGE, (op->n >> 8) % 8 & ~SOFTMDEV_RW_WRITE))
		return;
	page = page_of(c, iova, &slot, &mapping);
	for (at = 0; page && !page->loose && !mapping->borrowed && at < PAGE; at += 128)
		JUDGE(page_may_hold(page, at, words[at / 8]), "a driver reads %#llx at %#llx",
		      (unsigned long long)words[at / 8], (unsigned long long)iova + at);
}

void op_mdev(const struct op *op)
{
	unsigned int i = op->who % NR_MDEVS;
	struct mdev *m = &world.mdevs[i];
	struct container *c;
	struct range range;

	if (world.mdev_container[i] == NO_CONTAINER) {
		mdev_come(i, op_container_index(op->who / 8));
		return;
	}
	c = container_used((unsigned int)world.mdev_container[i]);
	if (!c)
		return;
	range = op_range(c, op);
	switch (op->kind % 8) {
	case 0:
		children_end();
		mdev_leave(i);
		break;
	case 1:
	case 2:
	case 3:
		world.pins = true;
		mdev_pin(m, range.iova, (unsigned int)range.pages, 1 + (op->kind >> 3) % 3, NULL);
		break;
	case 4:
	case 5:
		mdev_unpin(m, range.iova, (unsigned int)range.pages);
		break;
	default:
		mdev_copy(m, c, range.iova & ~(PAGE - 1), op);
		break;
	}
}
