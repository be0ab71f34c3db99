/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Another process's container, for its ioctls: which mappings it has, what of them devices
 * can reach, and advice on it.
 */
#ifndef IOPF_REACH_H
#define IOPF_REACH_H

#include <linux/vfio_iopf.h>
#include <viopf.h>

#include "container.h"

/*
 * Get hold of it, by a duplicate of its owner's file descriptor (pidfd_getfd(2)). To be
 * closed soon, by viopf_container_close(): until then the container does not end, though
 * its owner may have. Returns 0, or -1, having complained.
 */
int reach_container(struct viopf_container **out, const struct container *c);

struct mappings {
	struct vfio_iopf_mapping *v;	/* ascending */
	size_t n;
};

/* All its mappings; long lists are no snapshot. Returns 0, or -1, having complained. */
int reach_mappings(struct mappings *all, struct viopf_container *c);

/* Keep what lies in a range alone; mappings that reach out of it are cut. */
void mappings_clip(struct mappings *all, uint64_t iova, uint64_t last);
void mappings_free(struct mappings *all);

/*
 * The one container that a word on the command line names (containers_select()). Returns 0,
 * or -1, having complained; @c is container_free()'s then.
 */
int reach_select(struct container *c, const char *word);

/* "0x100000000", "4G", "64k": an address or a size. 0 if it is one, in whole bytes. */
int parse_bytes(uint64_t *bytes, const char *word);

/* An IOVA and a size, in whole pages. Returns 0, or -1, having complained. */
int parse_range(uint64_t *iova, uint64_t *size, char *const *words);

#endif /* IOPF_REACH_H */
