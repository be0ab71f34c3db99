// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory to measure on. Of which size its pages are makes more of a difference than
 * anything else, so it is never left to chance: asked for, and looked at afterwards.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "bench.h"

/* Huge pages of this process, in kB. */
static long huge_kb(void)
{
	long kb;

	line_number("/proc/self/smaps_rollup", "AnonHugePages", &kb);
	return kb;
}

void *memory_get(size_t bytes, enum memory_kind kind)
{
	int advice = kind == MEMORY_THP ? MADV_HUGEPAGE : MADV_NOHUGEPAGE;
	void *mem = rig_memory(bytes);

	if (!mem) {
		complain("no address space for %lu MiB", bytes / MIB);
		return NULL;
	}
	if (madvise(mem, bytes, advice)) {
		complain("madvise(%d): %s", advice, strerror(errno));
		munmap(mem, bytes);
		return NULL;
	}
	return mem;
}

/* Bit 63 of an entry of pagemap: present. */
uint64_t memory_present_pages(const void *mem, size_t bytes)
{
	FILE *file = fopen("/proc/self/pagemap", "re");
	uint64_t entries[512], present = 0, left = bytes / PAGE;

	if (!file || fseeko(file, (off_t)((uintptr_t)mem / PAGE * 8), SEEK_SET))
		left = 0;
	while (left) {
		size_t want = left < ARRAY_SIZE(entries) ? left : ARRAY_SIZE(entries);
		size_t i, got = fread(entries, 8, want, file);

		for (i = 0; i < got; i++)
			present += entries[i] >> 63;
		left = got == want ? left - got : 0;
	}
	if (file)
		fclose(file);
	return present;
}

int memory_touch(void *mem, size_t bytes, enum memory_kind kind)
{
	long before_kb = huge_kb(), come_kb;
	size_t at;

	for (at = 0; at < bytes; at += PAGE)
		*(volatile uint64_t *)((char *)mem + at) = at + 1;
	come_kb = huge_kb() - before_kb;
	if (kind == MEMORY_THP && come_kb < (long)(bytes / KIB))
		return complain("of %lu kB only %ld kB are huge pages: memory is too fragmented",
				bytes / KIB, come_kb);
	if (kind == MEMORY_4K && come_kb)
		return complain("%ld kB are huge pages where none are wanted", come_kb);
	return 0;
}
