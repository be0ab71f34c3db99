// SPDX-License-Identifier: GPL-2.0-only
/*
 * The work on a field. After each operation the device and the CPU both look at
 * the block, so that a write of one that the other does not see is found at once;
 * looking at a block of long ago finds what swapping or moving has lost.
 *
 * Two operations change the memory under a DMA that is running, with an outcome
 * that is known for every byte:
 *
 *  - a hole: the device writes a block, which is thrown away at the same time. Each
 *    word is then what the device wrote, or zero; never what was there before.
 *  - a fork: the child's copy of a block must stay as it was, though the
 *    device overwrites the parent's.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "field.h"
#include "sys.h"

#define ALIKE_SEEDS	4	/* FIELD_ALIKE: so many kinds of block */

unsigned int field_random(uint64_t *state, unsigned int below)
{
	*state = softdma_pattern(*state, 8);
	return (unsigned int)(*state % below);
}

static uint64_t new_seed(struct field *field)
{
	if (field->kind == FIELD_ALIKE)
		return 1 + field_random(&field->random, ALIKE_SEEDS);
	return ++field->last_seed * SOFTDMA_QUEUES + field->index + 16;
}

static char *cpu_at(struct field *field, unsigned int block)
{
	return field->mem + block * BLOCK_BYTES;
}

static uint64_t iova_at(struct field *field, unsigned int block)
{
	return field->iova + block * BLOCK_BYTES;
}

static void cpu_looks(struct field *field, unsigned int block)
{
	field->tally->wrong_bytes += sdma_pattern_check(cpu_at(field, block), BLOCK_BYTES,
							field->seed[block], 0);
	field->tally->cpu_bytes += BLOCK_BYTES;
}

static int device_looks(struct field *field, unsigned int block)
{
	struct softdma_desc desc = sdma_check(iova_at(field, block), BLOCK_BYTES,
					      field->seed[block], 0);

	if (rig_do(field->q, &desc, 1))
		return -1;
	field->tally->wrong_bytes += desc.result;
	field->tally->device_bytes += BLOCK_BYTES;
	return 0;
}

static int both_look(struct field *field, unsigned int block)
{
	if (device_looks(field, block))
		return -1;
	cpu_looks(field, block);
	return 0;
}

static int device_writes(struct field *field, unsigned int block)
{
	struct softdma_desc desc;

	field->seed[block] = new_seed(field);
	desc = sdma_fill(iova_at(field, block), BLOCK_BYTES, field->seed[block], 0);
	if (rig_do(field->q, &desc, 1))
		return -1;
	return both_look(field, block);
}

static int cpu_writes(struct field *field, unsigned int block)
{
	field->seed[block] = new_seed(field);
	sdma_pattern_fill(cpu_at(field, block), BLOCK_BYTES, field->seed[block], 0);
	return both_look(field, block);
}

static int device_copies(struct field *field, unsigned int block)
{
	unsigned int to = (block + 1 + field_random(&field->random, FIELD_BLOCKS - 1)) %
			  FIELD_BLOCKS;
	struct softdma_desc desc = sdma_copy(iova_at(field, to), iova_at(field, block),
					     BLOCK_BYTES);

	if (rig_do(field->q, &desc, 1))
		return -1;
	field->seed[to] = field->seed[block];
	return both_look(field, to) || both_look(field, block) ? -1 : 0;
}

/* Bytes of a block that are neither zero nor of the pattern, by words. */
static size_t neither(const char *mem, uint64_t seed)
{
	const uint64_t zero = 0;
	size_t at, wrong = 0;

	for (at = 0; at < BLOCK_BYTES; at += 8) {
		if (memcmp(mem + at, &zero, 8))
			wrong += sdma_pattern_check(mem + at, 8, seed, at);
	}
	return wrong;
}

static int throw_away(struct field *field, unsigned int block)
{
	int err;

	if (field->kind == FIELD_SHARED)
		err = fallocate(field->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				(off_t)(block * BLOCK_BYTES), BLOCK_BYTES);
	else
		err = madvise(cpu_at(field, block), BLOCK_BYTES, MADV_DONTNEED);
	return err ? complain("can't throw memory away: %s", strerror(errno)) : 0;
}

static int hole_under_dma(struct field *field, unsigned int block)
{
	uint64_t seed = new_seed(field);
	struct softdma_desc desc = sdma_fill(iova_at(field, block), BLOCK_BYTES, seed, 0);
	int err = sdma_submit(field->q, &desc, 1);

	if (err)
		return complain("queue %u takes no more: %s", field->index, strerror(-err));
	if (throw_away(field, block) || rig_wait(field->q, &desc))
		return -1;
	field->tally->wrong_bytes += neither(cpu_at(field, block), seed);
	field->tally->cpu_bytes += BLOCK_BYTES;
	field->churn->holes++;
	return device_writes(field, block);
}

/*
 * The child waits to be told, by a byte (another field's child may hold the pipe
 * open), and looks at its own copy.
 */
static void child_of_fork(struct field *field, unsigned int block, int fd)
{
	char byte;

	if (read(fd, &byte, 1) != 1)
		_exit(1);
	cpu_looks(field, block);
	_exit(0);
}

static int fork_under_dma(struct field *field, unsigned int block)
{
	int pipe_fds[2], status = 0, err;
	pid_t pid;

	if (field->kind == FIELD_SHARED)
		return hole_under_dma(field, block);
	if (pipe2(pipe_fds, O_CLOEXEC))
		return complain("no pipe: %s", strerror(errno));
	pid = fork();
	if (!pid)
		child_of_fork(field, block, pipe_fds[0]);
	err = pid < 0 || device_writes(field, block) || write(pipe_fds[1], "", 1) != 1;
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	if (err)
		return complain("fork: %s", strerror(errno));
	if (waitpid(pid, &status, 0) != pid || status)
		return complain("the forked child ended with status %#x", status);
	field->churn->forks++;
	return 0;
}

int field_work(struct field *field)
{
	static int (* const operations[])(struct field *field, unsigned int block) = {
		both_look, both_look, both_look, device_writes, device_writes,
		cpu_writes, cpu_writes, device_copies, hole_under_dma, fork_under_dma,
	};
	unsigned int block = field_random(&field->random, FIELD_BLOCKS);

	field->churn->operations++;
	return operations[field_random(&field->random, ARRAY_SIZE(operations))](field, block);
}

int field_check_all(struct field *field)
{
	unsigned int block;

	for (block = 0; block < FIELD_BLOCKS; block++) {
		if (both_look(field, block))
			return -1;
	}
	return 0;
}

/* In the place of private memory, so as to be aligned to 2 MiB, too. */
static int put_file(struct field *field)
{
	field->fd = memfd_create("demo", MFD_CLOEXEC);
	if (field->fd < 0 || ftruncate(field->fd, FIELD_BYTES) ||
	    mmap(field->mem, FIELD_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
		 field->fd, 0) == MAP_FAILED)
		return complain("no memory file: %s", strerror(errno));
	return 0;
}

int field_open(struct field *field, struct rig *rig, unsigned int index, enum field_kind kind,
	       struct story *story)
{
	unsigned int block;

	memset(field, 0, sizeof(*field));
	field->kind = kind;
	field->index = index;
	field->fd = -1;
	field->q = &rig->dma.q[index];
	field->tally = &story->tally;
	field->churn = &story->churn;
	field->random = index + 1;
	field->iova = IOVA_MEMORY + index * FIELD_BYTES;
	field->mem = rig_memory(FIELD_BYTES);
	if (!field->mem)
		return complain("no memory for field %u", index);
	if (kind == FIELD_SHARED && put_file(field))
		return -1;
	if (kind == FIELD_ALIKE && madvise(field->mem, FIELD_BYTES, MADV_MERGEABLE))
		return complain("this kernel has no KSM: %s", strerror(errno));
	if (rig_map(rig, field->mem, field->iova, FIELD_BYTES))
		return -1;
	for (block = 0; block < FIELD_BLOCKS; block++) {
		if (device_writes(field, block))
			return -1;
	}
	return 0;
}
