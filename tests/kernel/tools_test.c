// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each command of iopf that looks at containers, and the one that converts them, runs again
 * and again while containers come, fault, convert and go. What is wrong with locks and
 * lifetimes then is for the kernel's checkers to find; what the commands say, for tests/tools.
 *
 * LANES: uml-debug kcsan
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "rig.h"

#define IOPF		"out/tools/iopf"
#define SIZE		(32 * PAGE)
#define LIMIT_S		120

/* A command, which runs again and again; some end with 1 where the container has gone. */
struct tool {
	const char *command;	/* the first device's address is put into it */
	int worst;		/* exit code that it may have */
};

static const struct tool tools[] = {
	{ "list --json", 0 },
	{ "show --json %s", 1 },
	{ "top --json --interval 0.1 --count 3", 0 },
	{ "map --json %s", 1 },
	{ "trace --json --seconds 0.3", 0 },
	{ "check --json %s", 0 },
	{ "convert %s pinned", 1 },
	{ "convert %s faultable", 1 },
};

/* What all processes of the case see. */
static struct shared {
	char bdf[MAX_DEVICES][16];
	atomic_uint well[ARRAY_SIZE(tools)], gone;
	atomic_int stop;
} *shared;

static void use_tool(void *arg)
{
	const struct tool *tool = arg;
	char words[64], line[128];
	int code;

	snprintf(words, sizeof(words), tool->command, shared->bdf[0]);
	snprintf(line, sizeof(line), IOPF " %s >/dev/null 2>&1", words);
	while (!shared->stop) {
		code = system(line);
		assert_msg(WIFEXITED(code) && WEXITSTATUS(code) <= tool->worst,
			   "%s: ended with %#x", words, code);
		if (!code)
			shared->well[tool - tools]++;
	}
}

static int all_were_well(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(tools); i++) {
		if (!shared->well[i])
			return 0;
	}
	return 1;
}

/* A container of device @first and the next one. */
static void come_and_go(unsigned int first)
{
	struct rig rig;
	unsigned int i;
	char *p;

	rig_open_as(&rig, first, 2, VFIO_IOPF_IOMMU);
	p = mem_anon(SIZE);
	rig_map(&rig, p, IOVA_BASE, SIZE);
	for (i = 0; i < 10; i++) {
		dev_fill(&rig, IOVA_BASE, SIZE, i);
		cpu_check(p, SIZE, i);
		assert_ok(madvise(p, SIZE, MADV_PAGEOUT));
		if (i == 5) {
			assert_ok(viopf_disable(rig.c));
			assert_ok(viopf_enable(rig.c));
		}
	}
	rig_close(&rig);
	munmap(p, SIZE);
}

static void client(void *arg)
{
	const unsigned int *first = arg;

	while (!shared->stop) {
		come_and_go(*first);
		shared->gone++;
	}
}

static void while_they_come_and_go(void)
{
	static const unsigned int first[] = { 0, 2 };
	pid_t pids[ARRAY_SIZE(tools) + ARRAY_SIZE(first)];
	size_t i, n = 0;
	int well;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(shared, MAP_FAILED);
	devices_list(shared->bdf);
	swap_on_zram(64);
	for (i = 0; i < ARRAY_SIZE(first); i++)
		pids[n++] = child_run(client, (void *)&first[i]);
	for (i = 0; i < ARRAY_SIZE(tools); i++)
		pids[n++] = child_run(use_tool, (void *)&tools[i]);
	well = wait_until(all_were_well(), LIMIT_S);
	shared->stop = 1;
	printf("%u containers\n", shared->gone);
	for (i = 0; i < ARRAY_SIZE(tools); i++)
		printf("%u times: %s\n", shared->well[i], tools[i].command);
	for (i = 0; i < n; i++)
		child_wait(pids[i], 60);
	assert_true(well);
}

static const struct suite_case cases[] = {
	CASE("tools while containers come and go", while_they_come_and_go,
	     .limit_s = 2 * LIMIT_S),
};

int main(int argc, char **argv)
{
	return SUITE(cases, argc, argv);
}
