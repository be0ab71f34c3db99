/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Mediated devices (soft/softmdev.h) in a container. A case that wants them loads
 * softmdev.ko with mdev_load(); the suite removes it.
 *
 * Where a call is said to return, it returns what the kernel did: 0 or a number,
 * or -errno. The others fail the case.
 */
#ifndef VIOPF_TEST_MDEV_H
#define VIOPF_TEST_MDEV_H

#include <stddef.h>
#include <stdint.h>

#include "../../../soft/softmdev.h"

struct mdev {
	unsigned int index;
	int group;
	int fd;			/* the device, -1: not opened */
};

/* Load softmdev.ko with so many devices. */
void mdev_load(unsigned int devices);

/* Put softmdev.@index's group in a container; or open it, and put it there. Return 0 or -errno. */
int mdev_attach(struct mdev *m, unsigned int index, int container);
void mdev_group_open(struct mdev *m, unsigned int index);
int mdev_group_attach(struct mdev *m, int container);

/* Open the device; its container has a backend. */
void mdev_open(struct mdev *m);

/* mdev_attach() and mdev_open(), for a container that has a backend. */
void mdev_join(struct mdev *m, unsigned int index, int container);

/* Close the device, and take its group out of the container. */
void mdev_close_device(struct mdev *m);
void mdev_close(struct mdev *m);

/* SOFTMDEV_PIN (@pfns may be NULL) and SOFTMDEV_UNPIN. Return pages or -errno. */
int mdev_pin(struct mdev *m, uint64_t iova, unsigned int npages, unsigned int prot,
	     uint64_t *pfns);
int mdev_unpin(struct mdev *m, uint64_t iova, unsigned int npages);

/* SOFTMDEV_RW. Returns 0 or -errno. */
int mdev_rw(struct mdev *m, uint64_t iova, void *data, size_t len, unsigned int flags);

struct softmdev_state mdev_state(struct mdev *m);
void mdev_set_flags(struct mdev *m, unsigned int flags);

#endif /* VIOPF_TEST_MDEV_H */
