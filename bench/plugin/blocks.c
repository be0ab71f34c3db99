// SPDX-License-Identifier: GPL-2.0-only
/*
 * A QEMU plugin for bench/profile: how often each block of code runs between the moment
 * that the CPU gets to one address and the moment that it gets to another.
 *
 * One CPU only, as vm/run --icount has: nothing here is locked.
 *
 * Arguments: start=, stop= (addresses, hexadecimal; where a function begins, a block does),
 * skip= and most= (how many such spans to pass by, and then to count), out= (a file). It
 * gets a line with the number of spans, then for each block its address, its instructions
 * and how often it ran.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qemu_plugin.h"

int qemu_plugin_version = 1;

#define BUCKETS	65536u

struct block {
	uint64_t address;
	uint64_t instructions;
	uint64_t runs;
	struct block *next;
};

static struct block *blocks[BUCKETS];
static uint64_t start, stop, skip, most = UINT64_MAX, spans;
static bool counting;
static const char *out;

/* QEMU may translate a block again, of another length too. */
static struct block *block_get(uint64_t address, uint64_t instructions)
{
	struct block **bucket = &blocks[(address ^ address >> 16 ^ instructions) % BUCKETS];
	struct block *block;

	for (block = *bucket; block; block = block->next)
		if (block->address == address && block->instructions == instructions)
			return block;
	block = calloc(1, sizeof(*block));
	if (!block)
		abort();
	*block = (struct block){ address, instructions, 0, *bucket };
	*bucket = block;
	return block;
}

static void block_runs(unsigned int cpu, void *data)
{
	struct block *block = data;

	(void)cpu;
	if (block->address == start)
		counting = spans++ >= skip && spans - skip <= most;
	if (counting)
		block->runs++;
	if (block->address == stop)
		counting = false;
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	(void)id;
	qemu_plugin_register_vcpu_tb_exec_cb(tb, block_runs, 0,
					     block_get(qemu_plugin_tb_vaddr(tb),
						       qemu_plugin_tb_n_insns(tb)));
}

static void ended(qemu_plugin_id_t id, void *data)
{
	uint64_t counted = spans > skip ? spans - skip : 0;
	FILE *file = fopen(out, "w");
	struct block *block;
	unsigned int i;

	(void)id;
	(void)data;
	if (!file)
		return;
	fprintf(file, "%" PRIu64 "\n", counted < most ? counted : most);
	for (i = 0; i < BUCKETS; i++)
		for (block = blocks[i]; block; block = block->next)
			if (block->runs)
				fprintf(file, "%" PRIx64 " %" PRIu64 " %" PRIu64 "\n",
					block->address, block->instructions, block->runs);
	fclose(file);
}

int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv)
{
	int i;

	(void)info;
	for (i = 0; i < argc; i++) {
		if (!strncmp(argv[i], "start=", 6))
			start = strtoull(argv[i] + 6, NULL, 16);
		else if (!strncmp(argv[i], "stop=", 5))
			stop = strtoull(argv[i] + 5, NULL, 16);
		else if (!strncmp(argv[i], "skip=", 5))
			skip = strtoull(argv[i] + 5, NULL, 10);
		else if (!strncmp(argv[i], "most=", 5))
			most = strtoull(argv[i] + 5, NULL, 10);
		else if (!strncmp(argv[i], "out=", 4))
			out = strdup(argv[i] + 4);
	}
	if (!start || !stop || !out)
		return -1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	qemu_plugin_register_atexit_cb(id, ended, NULL);
	return 0;
}
