// SPDX-License-Identifier: GPL-2.0-only
/*
 * Advice as cases want it given: all of it, or up to where it must fail.
 */
#include <stdlib.h>
#include <string.h>

#include "advice.h"

void advise(struct rig *rig, enum vfio_iopf_advice advice, uint64_t iova, uint64_t size)
{
	uint64_t done = 1;

	assert_ok(viopf_advise(rig->c, advice, iova, size, &done));
	assert_int_equal(done, size);
}

/* It must fail with @err when @done bytes are done. */
void advise_fails(struct rig *rig, enum vfio_iopf_advice advice, uint64_t iova, uint64_t size,
		  int err, uint64_t want_done)
{
	uint64_t done = 1;
	int ret = viopf_advise(rig->c, advice, iova, size, &done);

	assert_msg(ret == -err, "advice %d: returned %d, not %d", advice, ret, -err);
	assert_msg(done == want_done, "advice %d: %#llx bytes done, not %#llx", advice,
		   (unsigned long long)done, (unsigned long long)want_done);
}

/* All of a range is reported as @want; when it was used, is another matter. */
void residency_is(struct rig *rig, uint64_t iova, unsigned int pages, unsigned char want)
{
	const unsigned char history = VFIO_IOPF_PAGE_YOUNG | VFIO_IOPF_PAGE_DIRTY;
	unsigned char *bytes = malloc(pages);
	unsigned int i;

	memset(bytes, 0xee, pages);
	assert_ok(viopf_residency(rig->c, iova, pages * PAGE, bytes));
	for (i = 0; i < pages; i++)
		assert_msg((bytes[i] & ~history) == want, "page %u of %#llx: %#x, not %#x", i,
			   (unsigned long long)iova, bytes[i], want);
	free(bytes);
}
