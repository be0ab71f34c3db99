// SPDX-License-Identifier: GPL-2.0-only
/*
 * Operations of several steps, which only together do something: to see a page reported dirty
 * there has to be tracking, then a mapping, a write to it, and a question about no less than
 * that mapping. Chance hardly puts these in a row within some thousand inputs, and until it has,
 * nothing tells libFuzzer that it comes nearer. Each step is an operation as it stands elsewhere,
 * and is judged there; what others do before, between two of these or after is chance's again.
 */
#include <poll.h>

#include "world.h"

#define HANDLED_MS	100u
#define POLL_MS		5u
#define HUGE_SLOT	2u		/* the first SLOT_HUGE of memory.c */

/* Kinds of op_map(): what devices may is in the lowest bits, the slot in the highest. */
#define MAP_ANY		0xe3u
#define MAP_USER	(5u << 2)
#define MAP_OF_SLOT(s)	((uint8_t)((s) << 5))

/* By a device that is at home in the container which the others of these are about. */
static struct op step(const struct op *op, unsigned int kind)
{
	struct op some = *op;

	some.who = op->who % 6;
	some.kind = (uint8_t)kind;
	some.flags = 0;
	return some;
}

/* The same, about all of what was mapped last. */
static struct op step_on_last(const struct op *op, const struct container *c, unsigned int kind)
{
	struct op some = step(op, kind);

	some.flags = 2 | 8;
	some.at = (uint16_t)((c->nr - 1) << 6);
	return some;
}

static struct container *step_container(const struct op *op)
{
	struct op some = step(op, 0);

	return op_container(&some);
}

static void map_and_write(const struct op *op, struct container *c)
{
	struct op some = step(op, op->kind & MAP_ANY);

	op_map(&some);
	some = step_on_last(op, c, op->flags);
	op_write(&some);
}

/* Dirty pages: tracked, written, and reported, perhaps along with their mapping's end. */
void op_track(const struct op *op)
{
	struct container *c = step_container(op);
	struct op some = step(op, 0);

	if (!c)
		return;
	some.flags = 0x80;
	op_dirty(&some);
	map_and_write(op, c);
	some = step_on_last(op, c, 3 + op->flags % 3);
	op_dirty(&some);
}

/* Until there is one to be read, or the device has done without. */
static void wait_for_request(struct container *c)
{
	struct pollfd poll_fd = { .fd = c->fault_fd, .events = POLLIN };
	unsigned int i;

	for (i = 0; i < HANDLED_MS / POLL_MS && device_is_at_work(c); i++)
		if (poll(&poll_fd, 1, POLL_MS))
			return;
}

/* A page request that user space decides; or, of these, more than may wait. */
void op_handle(const struct op *op)
{
	struct container *c = step_container(op);
	struct op some = step(op, (op->kind & MAP_ANY) | MAP_USER);

	if (!c)
		return;
	op_map(&some);
	some.kind = 0;
	op_fault_fd(&some);
	some = step_on_last(op, c, op->flags);
	if (op->flags & 0x80) {
		knobs_few_faults();
		some.kind = (op->flags & 1) | 2;
		some.flags = 2 | 0x10;
		op_request(&some);
	} else {
		op_job(&some);
	}
	wait_for_request(c);
	some.kind = 1;
	op_fault_fd(&some);
	some.kind = 4;
	op_fault_fd(&some);
}

/* Another device's registers in place of the memory that was mapped. */
void op_registers(const struct op *op)
{
	struct container *c = step_container(op);
	struct op some = step(op, op->kind & MAP_ANY);

	if (!c)
		return;
	op_map(&some);
	some.who = op->kind >> 5;
	some.flags = 7;
	some.at = op->n >> 4;
	op_replace(&some);
	some = step_on_last(op, c, op->flags);
	op_read(&some);
}

/* A huge page, mapped as one. */
void op_large(const struct op *op)
{
	struct container *c = step_container(op);
	struct op some = step(op, MAP_OF_SLOT(HUGE_SLOT) | (op->kind & 3));

	if (!c)
		return;
	some.flags = 0x70;
	some.n = 15;
	op_map(&some);
	some = step(op, 1);
	some.who = HUGE_SLOT;
	op_touch(&some);
	some = step_on_last(op, c, op->flags);
	some.flags = 2;
	op_write(&some);
}

/* The IOMMU refuses to let go of what goes. */
void op_refuse(const struct op *op)
{
	struct container *c = step_container(op);
	struct op some = step(op, 0);

	if (!c || !world.soft)
		return;
	map_and_write(op, c);
	knobs_refuse(op->flags);
	if (op->flags & 0x80) {
		some = step_on_last(op, c, 0);
		op_unmap(&some);
		return;
	}
	some.who = op->kind >> 5;
	some.at = op->n >> 4;
	op_advise_memory(&some);
}
