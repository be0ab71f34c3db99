/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A rig with one user-handled mapping, and this process as the one who decides on page
 * requests in it. Queue 0 of a device is free for the test; the other queues ask for
 * pages of the mapping, one page each at a time.
 */
#ifndef VIOPF_TEST_HANDLED_H
#define VIOPF_TEST_HANDLED_H

#include "rig.h"

#define HANDLED_PAGES	64
#define HANDLED_SIZE	(HANDLED_PAGES * PAGE)
#define HANDLED_RIGHTS	(VIOPF_READ | VIOPF_WRITE | VIOPF_USER)

struct handled {
	struct rig rig;
	char *p;	/* the mapping, at IOVA_BASE, full of pattern 1 */
	int fd;		/* the fault fd, O_NONBLOCK; -1: closed */
};

/* Open and close it, with @nr devices. At the end nothing may be waiting. */
void handled_open(struct handled *h, unsigned int nr);
void handled_close(struct handled *h);

/* Queue @q of @dev asks for page @page, to read it. */
void ask(struct handled *h, unsigned int dev, unsigned int q, unsigned int page);

/* What it asked for ends like this, and with the right data if it ends well. */
void ends(struct handled *h, unsigned int dev, unsigned int q, enum softdma_status want);

/* So many groups wait for user space. */
void wait_for(struct handled *h, unsigned int n);

/* Read the one request that must be there: page @page, for @perm. Its cookie. */
uint32_t take(struct handled *h, unsigned int page, uint32_t perm);

uint32_t ask_and_take(struct handled *h, unsigned int dev, unsigned int q, unsigned int page);

void decide(struct handled *h, uint32_t cookie, enum vfio_iopf_fault_code code);

#endif /* VIOPF_TEST_HANDLED_H */
