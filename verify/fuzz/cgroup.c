// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory cgroups: this process is in one, which is made to give memory back; a child may be put
 * into another, whose limit is too low for it, so that the OOM killer ends it, perhaps while a
 * device's page request has memory charged to it.
 */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "system.h"
#include "world.h"

#define OWN_NAME	"/viopf-fuzz"
#define OWN		"/sys/fs/cgroup/viopf-fuzz"
#define CHILD		"/sys/fs/cgroup/viopf-child"

static bool has_cgroups;

static void enter(const char *procs, pid_t pid)
{
	char text[16];

	snprintf(text, sizeof(text), "%d\n", (int)pid);
	file_write(procs, text);
}

void cgroup_open(void)
{
	file_write("/sys/kernel/mm/lru_gen/enabled", "y\n");
	has_cgroups = !file_write(CGROUP_ROOT "/cgroup.subtree_control", "+memory\n");
	if (!has_cgroups)
		return;
	mkdir(OWN, 0700);
	mkdir(CHILD, 0700);
	/* What does not fit is not swapped out. */
	file_write(CHILD "/memory.swap.max", "0\n");
	enter(OWN "/cgroup.procs", getpid());
}

void cgroup_age(void)
{
	lru_age(has_cgroups ? OWN_NAME : "/");
}

void op_cgroup(const struct op *op)
{
	static const char *const amounts[] = { "256K\n", "1M\n", "4M\n", "16M\n" };
	static const char *const limits[] = { "0\n", "64K\n", "256K\n", "max\n" };
	pid_t pid;

	if (!has_cgroups)
		return;
	switch (op->kind % 4) {
	case 0:
		file_write(OWN "/memory.reclaim", amounts[op->n % ARRAY_SIZE(amounts)]);
		break;
	case 1:
		/* To be written is to be reached; who allocates while it is low would be slowed. */
		file_write(OWN "/memory.high", amounts[op->n % ARRAY_SIZE(amounts)]);
		file_write(OWN "/memory.high", "max\n");
		break;
	default:
		pid = child_may_die(op->who);
		if (!pid)
			break;
		enter(CHILD "/cgroup.procs", pid);
		file_write(CHILD "/memory.max", limits[op->n % ARRAY_SIZE(limits)]);
		break;
	}
}
