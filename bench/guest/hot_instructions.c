// SPDX-License-Identifier: GPL-2.0-only
/*
 * hot.instructions_*: what hot.throughput_* is about, counted. The device copies 64 MiB from
 * one resident buffer to another, which it has been through before, by each backend in
 * turn, with the same pages and the same addresses.
 *
 * Nothing of a backend runs meanwhile. What it can do to the device is done by the IOMMU's
 * page table: leaves of other sizes, or deeper walks. So the detail has how many leaves
 * of each size there were, and how many translations were walked for, besides the
 * instructions. The buffers together are twice as many pages as the IOTLB holds.
 *
 * The figure is type1's instructions over ours, of the pass that took the fewest: a timer
 * interrupt is all that may make one longer.
 */
#include <math.h>
#include <sys/mman.h>

#include "bench.h"

#define BYTES	(64 * MIB)	/* of a buffer */
#define CHUNK	MIB
#define PASSES	5

struct side {
	double instr;		/* of the best pass */
	double walks;		/* in a pass */
	double leaves_4k;
	double leaves_2m;
};

static int pass(struct rig *rig, double *ns)
{
	struct softdma_desc descs[BYTES / CHUNK];
	unsigned int i;

	for (i = 0; i < BYTES / CHUNK; i++)
		descs[i] = sdma_copy(IOVA_MEMORY + BYTES + i * CHUNK, IOVA_MEMORY + i * CHUNK,
				     CHUNK);
	*ns = 0;
	return device_do(&rig->dma.q[0], descs, BYTES / CHUNK, ns);
}

static int measure(enum backend backend, void *mem, struct side *side)
{
	double ns, walks;
	void *source;
	struct rig rig;
	unsigned int i;

	if (device_open(&rig, backend, &source) || rig_map(&rig, mem, IOVA_MEMORY, 2 * BYTES) ||
	    pass(&rig, &ns) || pass(&rig, &ns))
		return -1;
	side->leaves_4k = softiommu_stat("leaves_4k");
	side->leaves_2m = softiommu_stat("leaves_2m");
	walks = softiommu_stat("translations");
	side->instr = INFINITY;
	for (i = 0; i < PASSES; i++) {
		if (pass(&rig, &ns))
			return -1;
		side->instr = fmin(side->instr, ns);
	}
	side->walks = (softiommu_stat("translations") - walks) / PASSES;
	rig_close(&rig);
	munmap(source, BLOCK);
	return 0;
}

static void put_side(json_object *detail, const char *name, const struct side *side)
{
	json_object *to = put_object(detail, name);

	put_number(to, "walks_in_a_pass", side->walks);
	put_number(to, "leaves_4k", side->leaves_4k);
	put_number(to, "leaves_2m", side->leaves_2m);
}

static int compare(struct result *to, const char *key, enum memory_kind kind)
{
	void *mem = memory_get(2 * BYTES, kind);
	struct side sides[BACKENDS];
	json_object *figure;

	if (!mem || memory_touch(mem, 2 * BYTES, kind) || measure(OURS, mem, &sides[OURS]) ||
	    measure(TYPE1, mem, &sides[TYPE1]))
		return -1;
	figure = figure_add(to, key, "ratio", sides[TYPE1].instr / sides[OURS].instr);
	put_number(figure, "ours", sides[OURS].instr / (double)(BYTES / PAGE));
	put_number(figure, "type1", sides[TYPE1].instr / (double)(BYTES / PAGE));
	put_text(put_object(figure, "detail"), "ours_and_type1_are", "instructions for 4 KiB");
	put_side(put_object(figure, "detail"), "ours", &sides[OURS]);
	put_side(put_object(figure, "detail"), "type1", &sides[TYPE1]);
	munmap(mem, 2 * BYTES);
	return 0;
}

static int run(struct result *to, const struct options *opt)
{
	(void)opt;
	if (compare(to, "hot.instructions_4k", MEMORY_4K))
		return -1;
	return compare(to, "hot.instructions_thp", MEMORY_THP);
}

const struct bench bench_hot_instructions = {
	.name = "hot_instr",
	.what = "hot.instructions: copying over resident memory, counted",
	.icount = true,
	.run = run,
};
