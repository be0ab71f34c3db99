/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A field: a piece of memory that one queue of the device works over, with one
 * thread, block by block. For each block it is known which pattern is there: the
 * one with seed @seed[block], from its beginning. So at any time every byte can be
 * judged, by the CPU and by the device, whatever Linux did to the pages meanwhile.
 *
 * The field's thread alone changes content. What others do to the memory
 * (swapping, merging, moving, collapsing) must leave it as it is.
 */
#ifndef DEMO_FIELD_H
#define DEMO_FIELD_H

#include "rig.h"
#include "story.h"

#define FIELD_BYTES	(16 * MIB)
#define BLOCK_BYTES	(128ul << 10)
#define FIELD_BLOCKS	(FIELD_BYTES / BLOCK_BYTES)

enum field_kind {
	FIELD_PRIVATE,		/* anonymous memory, huge pages welcome */
	FIELD_SHARED,		/* a memory file, holes are punched in it */
	FIELD_ALIKE,		/* offered to KSM: many pages are the same */
};

struct field {
	enum field_kind kind;
	unsigned int index;
	char *mem;
	uint64_t iova;
	int fd;			/* FIELD_SHARED, else -1 */
	struct sdma_queue *q;
	struct tally *tally;
	struct churn *churn;
	uint64_t random;
	uint64_t last_seed;
	uint64_t seed[FIELD_BLOCKS];
};

/* Memory of that kind, mapped for the device; every block is written once. */
int field_open(struct field *field, struct rig *rig, unsigned int index, enum field_kind kind,
	       struct story *story);

/* One operation on one block, both chosen at random, and what it wrote is checked. */
int field_work(struct field *field);

/* Every block, read by the device and by the CPU. */
int field_check_all(struct field *field);

/* A number that looks random, below @below. */
unsigned int field_random(uint64_t *state, unsigned int below);

#endif /* DEMO_FIELD_H */
