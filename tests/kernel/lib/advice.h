/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Giving advice, and asking what came of it. Everything here fails the case, rather
 * than return an error.
 */
#ifndef VIOPF_TEST_ADVICE_H
#define VIOPF_TEST_ADVICE_H

#include "rig.h"

#define R	VFIO_IOPF_PAGE_RESIDENT
#define RW	(R | VFIO_IOPF_PAGE_WRITABLE)

/* It must be done to the end. */
void advise(struct rig *rig, enum vfio_iopf_advice advice, uint64_t iova, uint64_t size);

/* It must fail with @err when @want_done bytes are done. */
void advise_fails(struct rig *rig, enum vfio_iopf_advice advice, uint64_t iova, uint64_t size,
		  int err, uint64_t want_done);

/* All of a range is reported as @want; of whether it is young or dirty nothing is asked. */
void residency_is(struct rig *rig, uint64_t iova, unsigned int pages, unsigned char want);

#endif /* VIOPF_TEST_ADVICE_H */
