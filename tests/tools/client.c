// SPDX-License-Identifier: GPL-2.0-only
/*
 * A client with one softdma device in a container, for iopf to look at: it does what it is
 * told on standard input, a command a line, and answers each with a line, "ok" or "failed".
 *
 *   client DEVICE [type1]      DEVICE: a number of softdma's
 *
 *   map IOVA BYTES [FLAG...]   fresh memory; FLAG: ro pinned faultable user
 *   unmap IOVA BYTES
 *   fill IOVA BYTES            the device writes
 *   read IOVA BYTES            the device reads
 *   touch IOVA BYTES           the CPU writes
 *   madvise IOVA BYTES WHAT    dontneed pageout hugepage nohugepage mergeable
 *   release IOVA BYTES         munmap()
 *   absent IOVA BYTES          ok if no page is in memory, nor in the swap cache
 *   pin IOVA BYTES             by advice
 *   fork                       a child that ends at once
 *   dirty                      dirty pages are tracked from now on
 *   close                      the container's file, not the device
 *
 * It ends when its input does.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rig.h"
#include "sys.h"

#define MOST_MAPPINGS	64
#define PAGE		4096

static struct rig rig;

static struct memory {
	uint64_t iova, bytes;
	char *mem;
} memory[MOST_MAPPINGS];

static int n_memory;

/* What is mapped at @iova, in this process. */
static char *at(uint64_t iova)
{
	int i;

	for (i = n_memory - 1; i >= 0; i--) {
		if (iova >= memory[i].iova && iova - memory[i].iova < memory[i].bytes)
			return memory[i].mem + (iova - memory[i].iova);
	}
	complain("nothing is mapped at %#llx", (unsigned long long)iova);
	return NULL;
}

static int map(uint64_t iova, uint64_t bytes, const char *flags)
{
	uint32_t prot = VIOPF_READ;
	struct memory *m = &memory[n_memory];

	if (n_memory == MOST_MAPPINGS)
		return complain("too many mappings");
	if (!strstr(flags, "ro"))
		prot |= VIOPF_WRITE;
	if (strstr(flags, "pinned"))
		prot |= VIOPF_PINNED;
	if (strstr(flags, "faultable"))
		prot |= VIOPF_FAULTABLE;
	if (strstr(flags, "user"))
		prot |= VIOPF_USER;
	*m = (struct memory) { iova, bytes, rig_memory(bytes) };
	if (!m->mem)
		return complain("no memory for it");
	madvise(m->mem, bytes, MADV_NOHUGEPAGE);
	if (viopf_map(rig.c, m->mem, iova, bytes, prot))
		return complain("%s", viopf_error());
	n_memory++;
	return 0;
}

static int dma(struct softdma_desc desc)
{
	return rig_do(&rig.dma.q[0], &desc, 1);
}

static int touch(uint64_t iova, uint64_t bytes)
{
	volatile char *mem = at(iova);
	uint64_t i;

	for (i = 0; mem && i < bytes; i += PAGE)
		mem[i] = 1;
	return mem ? 0 : -1;
}

static int advise_memory(uint64_t iova, uint64_t bytes, const char *what)
{
	static const struct {
		const char *name;
		int advice;
	} known[] = {
		{ "dontneed", MADV_DONTNEED }, { "pageout", MADV_PAGEOUT },
		{ "hugepage", MADV_HUGEPAGE }, { "nohugepage", MADV_NOHUGEPAGE },
		{ "mergeable", MADV_MERGEABLE }, { NULL, 0 }
	};
	char *mem = at(iova);
	size_t i;

	for (i = 0; mem && known[i].name; i++) {
		if (!strcmp(known[i].name, what))
			return madvise(mem, bytes, known[i].advice);
	}
	return complain("madvise what? %s", what);
}

static int absent(uint64_t iova, uint64_t bytes)
{
	char *mem = at(iova);
	unsigned char is_there;
	uint64_t i;

	for (i = 0; mem && i < bytes; i += PAGE) {
		if (mincore(mem + i, PAGE, &is_there) || is_there & 1)
			return -1;
	}
	return mem ? 0 : -1;
}

static int release(uint64_t iova, uint64_t bytes)
{
	char *mem = at(iova);

	return mem ? munmap(mem, bytes) : -1;
}

static int fork_child(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	return pid < 0 || waitpid(pid, NULL, 0) != pid ? -1 : 0;
}

static int library(int err)
{
	return err ? complain("%s", viopf_error()) : 0;
}

/* @what: the words behind the numbers. */
static int obey_range(const char *name, uint64_t iova, uint64_t bytes, const char *what)
{
	if (!strcmp(name, "map"))
		return map(iova, bytes, what);
	if (!strcmp(name, "unmap"))
		return library(viopf_unmap(rig.c, iova, bytes, NULL));
	if (!strcmp(name, "fill"))
		return dma(sdma_fill(iova, bytes, 7, 0));
	if (!strcmp(name, "read"))
		return dma(sdma_checksum(iova, bytes, 0));
	if (!strcmp(name, "touch"))
		return touch(iova, bytes);
	if (!strcmp(name, "madvise"))
		return advise_memory(iova, bytes, what);
	if (!strcmp(name, "absent"))
		return absent(iova, bytes);
	if (!strcmp(name, "release"))
		return release(iova, bytes);
	if (!strcmp(name, "pin"))
		return library(viopf_advise(rig.c, VFIO_IOPF_ADV_PIN, iova, bytes, NULL));
	return complain("no such command: %s", name);
}

static int obey(const char *line)
{
	char name[32] = "", what[64] = "";
	unsigned long long iova, bytes;

	if (sscanf(line, "%31s %lli %lli %63[^\n]", name, &iova, &bytes, what) >= 3)
		return obey_range(name, iova, bytes, what);
	if (!strcmp(name, "fork"))
		return fork_child();
	if (!strcmp(name, "dirty"))
		return library(viopf_dirty_start(rig.c));
	if (!strcmp(name, "close")) {
		close(viopf_container_fd(rig.c));
		return 0;
	}
	return complain("no such command: %s", line);
}

int main(int argc, char **argv)
{
	unsigned long extension = VFIO_IOPF_IOMMU;
	char line[256];

	if (argc < 2)
		return complain("usage: client DEVICE [type1]");
	if (argc > 2 && !strcmp(argv[2], "type1"))
		extension = VFIO_TYPE1v2_IOMMU;
	/* Not the one that iopf looks for, though it is the same kind of file. */
	if (open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC) < 0)
		return complain("can't open /dev/vfio/vfio");
	if (rig_open_device(&rig, extension, (unsigned int)atoi(argv[1])))
		return 1;
	puts("ok");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		puts(obey(line) ? "failed" : "ok");
		fflush(stdout);
	}
	return 0;
}
