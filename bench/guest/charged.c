// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the kernel has allocated for this process: the bytes that are charged to its memory
 * cgroup, "slab" (small objects by the byte, and kmalloc() of whole pages) and "vmalloc" of
 * memory.stat.
 *
 * Read as it is, memory.stat lies in two ways (mm/memcontrol.c of Linux 6.12). Counts are
 * kept for each CPU, and reading adds them up only if some 64 pages' worth have changed
 * for each CPU (memcg_vmstats_needs_flush()), or two seconds later. And slab bytes are
 * kept back by the page (mod_objcg_state()) as long as only one cgroup allocates. So what
 * stands there may be older than what was done last, by how much depends on what else was
 * read before, buffers for that being charged as well.
 *
 * So another process looks, from a cgroup of its own: its first allocation has the slab
 * bytes of ours accounted for (drain_obj_stock()), reading cpu.stat of our cgroup adds
 * everything up (cgroup_rstat_flush()), and nothing is allocated by us while it reads.
 * It waits first until what was freed with a delay, by RCU, is free.
 *
 * With one CPU there is one account of that kind, and the process that looks is on it.
 */
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"

#define ROOT		"/sys/fs/cgroup"
#define MEASURED	ROOT "/bench"
#define LOOKING		ROOT "/bench-looking"
#define DELAY_US	200000

static int ask[2], answer[2];	/* pipes to the one who looks, and back */

static int enter(const char *cgroup)
{
	char path[64];

	if (mkdir(cgroup, 0755) && errno != EEXIST)
		return -errno;
	snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup);
	return file_write(path, "0");
}

static double look(void)
{
	long usage, slab, vmalloc;

	usleep(DELAY_US);
	if (!line_number(MEASURED "/cpu.stat", "usage_usec", &usage) ||
	    !line_number(MEASURED "/memory.stat", "slab", &slab) ||
	    !line_number(MEASURED "/memory.stat", "vmalloc", &vmalloc))
		return NAN;
	return (double)(slab + vmalloc);
}

/* Looks as often as it is asked to, as long as there is somebody to ask. */
static void look_on_demand(void)
{
	double bytes;
	char byte;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (enter(LOOKING)) {
		complain("no second memory cgroup");
		_exit(1);
	}
	while (read(ask[0], &byte, 1) == 1) {
		bytes = look();
		if (write(answer[1], &bytes, sizeof(bytes)) != sizeof(bytes))
			break;
	}
	_exit(0);
}

int charged_begin(void)
{
	int err = file_write(ROOT "/cgroup.subtree_control", "+memory");
	pid_t pid;

	if (!err)
		err = enter(MEASURED);
	if (err)
		return complain("no memory cgroup: %s", strerror(-err));
	pid = pipe(ask) || pipe(answer) ? -1 : fork();
	if (pid < 0)
		return complain("no process: %s", strerror(errno));
	if (!pid)
		look_on_demand();
	close(ask[0]);
	close(answer[1]);
	return isnan(charged_bytes()) ? complain("can't read memory.stat") : 0;
}

double charged_bytes(void)
{
	double bytes;

	if (write(ask[1], "", 1) != 1 ||
	    read(answer[0], &bytes, sizeof(bytes)) != sizeof(bytes))
		return NAN;
	return bytes;
}
