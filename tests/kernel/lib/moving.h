/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A mapping whose address is to be updated. Its memory is a memfd, mapped twice: "here",
 * and "there" where it is to be next.
 */
#ifndef VIOPF_TEST_MOVING_H
#define VIOPF_TEST_MOVING_H

#include "rig.h"

#define NR_PAGES	64
#define SIZE		(NR_PAGES * PAGE)
#define SIZE_KB		((long)(SIZE / 1024))

struct moving {
	struct rig rig;
	int memfd;
	char *here, *there;
};

/* Map "here", full of pattern 1, at IOVA_BASE; all queues of device 0 run. */
void moving_open_as(struct moving *m, unsigned long extension);
void moving_open(struct moving *m);
void moving_close(struct moving *m);

/* Take its address away; have it "there". */
void leave(struct moving *m);
void arrive(struct moving *m);

/* Queue @q looks at a page; it does not get it yet. */
void look(struct moving *m, unsigned int q, unsigned int page);

/* So many groups wait. What queue @q looks at ends like this. */
void waiting(struct moving *m, unsigned int n);
void look_ends(struct moving *m, unsigned int q, enum softdma_status want);

#endif /* VIOPF_TEST_MOVING_H */
