// SPDX-License-Identifier: GPL-2.0-only
/*
 * The window of pages that a fault takes along, where it can be seen from outside: a stream
 * of faults that comes to the end of a segment goes on in the next one as it was.
 *
 * LANES: stock uml-debug
 */
#include <string.h>
#include <sys/mman.h>

#include "rig.h"

#define MB		(1ul << 20)
#define SEGMENT		(64 * MB)	/* VIOPF_SEGMENT_BYTES */
#define RUN		(8 * MB)	/* what is read on either side of the edge */

/*
 * From 4 KiB on, each window is twice the one before: to the largest, 2 MiB, it takes ten
 * faults. With the largest from the start four will do for RUN, and one more for its end.
 */
#define AT_ONCE		(RUN / (2 * MB) + 1)

static const int up = 1, down;

static int goes_up(void)
{
	return *(const int *)case_arg();
}

/* Page by page, as a device does that asks for each. */
static void read_run(struct rig *rig, uint64_t iova)
{
	uint64_t at;

	for (at = 0; at < RUN; at += PAGE)
		dev_read(rig, iova + (goes_up() ? at : RUN - PAGE - at), PAGE, SOFTDMA_OK);
}

static void goes_on(void)
{
	uint64_t edge = IOVA_BASE + SEGMENT;
	struct vfio_iopf_stats before;
	struct rig rig;
	char *p;

	rig_open(&rig, 1);
	p = mem_huge(2 * SEGMENT);
	assert_ok(madvise(p, 2 * SEGMENT, MADV_NOHUGEPAGE));
	memset(p + SEGMENT - RUN, 1, 2 * RUN);
	rig_map(&rig, p, IOVA_BASE, 2 * SEGMENT);
	read_run(&rig, goes_up() ? edge - RUN : edge);
	before = rig_stats(&rig);
	read_run(&rig, goes_up() ? edge : edge - RUN);
	assert_msg(rig_stats(&rig).groups - before.groups <= AT_ONCE, "%llu page requests",
		   rig_stats(&rig).groups - before.groups);
	assert_grew(&rig, before, segments, 1);
	rig_close(&rig);
}

static const struct suite_case cases[] = {
	CASE("S9 S14 R12 a stream goes on in the next segment", goes_on, .iopf = "aging=0",
	     .arg = &up),
	CASE("S9 S14 R12 a stream goes on in the segment below", goes_on, .iopf = "aging=0",
	     .arg = &down),
};

int main(int argc, char **argv)
{
	return SUITE(cases, argc, argv);
}
