// SPDX-License-Identifier: GPL-2.0-only
/*
 * Is this backend what type1 is, to a program that asks for type1?
 *
 * Each case is a scenario (conformance/): a list of raw calls, whose answers are
 * written down. It is played to the kernel's own vfio_iommu_type1, then to
 * vfio_iommu_iopf loaded with takeover=1 in its place, for VFIO_TYPE1_IOMMU and
 * VFIO_TYPE1v2_IOMMU, with devices that can fault and with devices that can't. The
 * transcripts must be the same but for the differences that are in a table
 * (conformance/differences.c, explained in docs/type1.md), and those must be there.
 *
 * That the comparison means something is looked after too: type1, which has no use
 * for page requests, must give the same transcript in both its runs, with the one
 * kind of device and with the other.
 *
 * All scenarios are played first, so that each backend is loaded once; the cases
 * compare. VIOPF_TRANSCRIPTS=1 prints the transcripts too.
 *
 * The machine has an Intel IOMMU with a device behind it besides, for containers
 * of two kinds of IOMMUs:
 *
 * LANES: stock next
 * VM: --append intel_iommu=on --qemu -device --qemu intel-iommu,intremap=off
 * VM: --qemu -device --qemu edu
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conformance/transcript.h"
#include "conformance/world.h"

#define MAX_SCENARIOS	128
#define RUN_LIMIT_S	120

#define EDU_DEVICE_ID	0x11e8

static const struct setup setups[] = {
	{ "v1, can fault", VFIO_TYPE1_IOMMU, 1 },
	{ "v2, can fault", VFIO_TYPE1v2_IOMMU, 1 },
	{ "v1, can't fault", VFIO_TYPE1_IOMMU, 0 },
	{ "v2, can't fault", VFIO_TYPE1v2_IOMMU, 0 },
};

#define NR_SETUPS	ARRAY_SIZE(setups)

enum backend { TYPE1, OURS, NR_BACKENDS };

static const char *const module_of[] = { "vfio_iommu_type1", "vfio_iommu_iopf" };

/* A scenario, and what came of it: transcripts and the end of who played it. */
struct played {
	const struct scenario *scenario;
	struct {
		int out, log, status;
	} run[NR_BACKENDS][NR_SETUPS];
};

static struct played played[MAX_SCENARIOS];
static size_t nr_played;

static char bdfs[MAX_DEVICES][16], edu[16];
static int ext4 = -1;

/* Devices 0 to 3 can fault, 4 to 7 can't; odd ones are behind the second IOMMU. */
static const char *bdf_at(const struct setup *setup, enum place place)
{
	static const unsigned int slot[] = { [FIRST] = 0, [NEXT] = 2, [OTHER] = 1 };

	if (place == FOREIGN)
		return edu;
	return bdfs[slot[place] + (setup->can_fault ? 0 : 4)];
}

/* QEMU's edu device on the first bus; empty if it is not there. */
static void find_edu(void)
{
	char path[96], id[16];
	unsigned int slot;

	for (slot = 0; slot < 32; slot++) {
		snprintf(edu, sizeof(edu), "0000:00:%02x.0", slot);
		snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/device", edu);
		if (!file_read(path, id, sizeof(id)) && strtoul(id, NULL, 16) == EDU_DEVICE_ID)
			return;
	}
	edu[0] = '\0';
}

/* VFIO, the software IOMMUs and their devices, which stay. */
static int bring_up(void)
{
	char params[64];
	unsigned int i;

	snprintf(params, sizeof(params), "iommus=2 reserved=%#llx,%#llx", RESERVED,
		 RESERVED + RESERVED_SIZE - 1);
	if (shell("modprobe -a vfio vfio-pci") || module_insert("softiommu", params) ||
	    module_insert("softdma", "devices=8 nofault=0xf0"))
		return -1;
	find_edu();
	if (devices_list(bdfs) != 8 || viopf_bind(edu))
		return -1;
	for (i = 0; i < 8; i++) {
		if (viopf_bind(bdfs[i]))
			return -1;
	}
	return 0;
}

/* In the place of the other one. */
static int use_backend(enum backend by)
{
	if (by == TYPE1)
		return shell("modprobe vfio_iommu_type1");
	if (!wait_until(!module_remove(module_of[TYPE1]), 20))
		return -1;
	return module_insert(module_of[OURS], "takeover=1");
}

struct run {
	const struct scenario *scenario;
	const struct setup *setup;
	enum backend backend;
	int fd;
};

/* In a child: parameters, limits and capabilities are the scenario's to change. */
static void play(void *arg)
{
	const struct run *run = arg;
	struct world w = {
		.setup = run->setup,
		.module = module_of[run->backend],
		.out = fdopen(run->fd, "w"),
		.fd = -1,
		.seed = 1,
		.file = ext4,
		.ring = mem_shared(PAGE),
	};
	enum place place;

	assert_non_null(w.out);
	for (place = 0; place < NR_PLACES; place++)
		w.bdf[place] = bdf_at(run->setup, place);
	w.locked_before = status_kb("VmLck");
	/* The device behind the Intel IOMMU has no interrupt remapping. */
	w_param(&w, "allow_unsafe_interrupts", "1");
	w_param(&w, "dma_entry_limit", "65535");
	w_open(&w);
	if (!run->scenario->bare) {
		w_join(&w, NULL, FIRST);
		w_set_iommu(&w, NULL, run->setup->version);
	}
	run->scenario->run(&w);
	if (w.c)
		w_close(&w);
	w_locked(&w, "end");
	fclose(w.out);
}

/* Play one, in a process of its own; -1 if that had to be ended. */
static int record(struct run *run, int log)
{
	int status = -1, out = dup(STDOUT_FILENO), err = dup(STDERR_FILENO);
	pid_t pid;

	fflush(stdout);
	dup2(log, STDOUT_FILENO);
	dup2(log, STDERR_FILENO);
	pid = child_run(play, run);
	fflush(stdout);
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	close(out);
	close(err);
	if (!wait_until(waitpid(pid, &status, WNOHANG) == pid, RUN_LIMIT_S)) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		return -1;
	}
	return status;
}

static int play_all(enum backend by)
{
	size_t i, k;

	if (use_backend(by))
		return -1;
	for (i = 0; i < nr_played; i++) {
		for (k = 0; k < NR_SETUPS; k++) {
			struct run run = {
				.scenario = played[i].scenario, .setup = &setups[k],
				.backend = by, .fd = transcript_new(),
			};

			played[i].run[by][k].out = run.fd;
			played[i].run[by][k].log = transcript_new();
			played[i].run[by][k].status =
				record(&run, played[i].run[by][k].log);
		}
	}
	return modules_check_idle();
}

static void print_log(int fd)
{
	char buf[4096];
	ssize_t n;

	lseek(fd, 0, SEEK_SET);
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		fwrite(buf, 1, (size_t)n, stdout);
}

static struct transcript *transcript_of(const struct played *p, enum backend by, size_t setup,
					size_t *bad)
{
	struct transcript *t = transcript_read(p->run[by][setup].out);
	int status = p->run[by][setup].status;
	size_t i;

	if (status) {
		printf("%s, %s: ended with status %#x\n", module_of[by], setups[setup].name,
		       (unsigned int)status);
		print_log(p->run[by][setup].log);
		(*bad)++;
	}
	if (status || getenv("VIOPF_TRANSCRIPTS")) {
		printf("%s, %s:\n", module_of[by], setups[setup].name);
		for (i = 0; i < t->nr; i++)
			printf("  %s: %s\n", t->line[i].step, t->line[i].result);
	}
	return t;
}

static void compare(void)
{
	const struct played *p = case_arg();
	struct transcript *t[NR_BACKENDS][NR_SETUPS];
	size_t bad = 0, i, k;

	for (i = 0; i < NR_BACKENDS; i++) {
		for (k = 0; k < NR_SETUPS; k++)
			t[i][k] = transcript_of(p, i, k, &bad);
	}
	for (k = 0; k < NR_SETUPS / 2; k++)
		bad += transcript_same(setups[k].name, t[TYPE1][k], t[TYPE1][k + 2]);
	for (k = 0; k < NR_SETUPS; k++) {
		printf("%s\n", setups[k].name);
		bad += transcript_compare(p->scenario->name, 1u << k, t[TYPE1][k], t[OURS][k]);
	}
	assert_int_equal(bad, 0);
}

/* After w_exec(): main's arguments are --resume, the part, and two files. */
static int resume(char **argv)
{
	struct world w = {
		.out = fdopen(atoi(argv[3]), "a"),
		.fd = atoi(argv[4]),
		.file = -1,
	};
	const struct part *part;

	for (part = w_parts; part->name; part++) {
		if (w.out && !strcmp(part->name, argv[2])) {
			part->run(&w);
			return EXIT_SUCCESS;
		}
	}
	return EXIT_FAILURE;
}

static int wanted(const char *name, int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++) {
		if (strstr(name, argv[i]))
			return 1;
	}
	return argc < 2;
}

static void select_scenarios(int argc, char **argv)
{
	static const struct scenario *const lists[] = {
		container_scenarios, info_scenarios, map_scenarios, memory_scenarios,
		memlock_scenarios, unmap_scenarios, dirty_scenarios, vaddr_scenarios,
		group_scenarios,
	};
	const struct scenario *s;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lists); i++) {
		for (s = lists[i]; s->name && nr_played < MAX_SCENARIOS; s++) {
			if (wanted(s->name, argc, argv))
				played[nr_played++].scenario = s;
		}
	}
}

int main(int argc, char **argv)
{
	struct suite_case cases[MAX_SCENARIOS];
	double start = now_s();
	size_t i;

	if (argc == 5 && !strcmp(argv[1], "--resume"))
		return resume(argv);
	setvbuf(stdout, NULL, _IOLBF, 0);
	select_scenarios(argc, argv);
	if (bring_up()) {
		printf("Bail out! no devices: %s\n", viopf_error());
		return EXIT_FAILURE;
	}
	ext4 = ext4_file(16 * PAGE);
	for (i = 0; i < NR_BACKENDS; i++) {
		if (play_all(i)) {
			printf("Bail out! %s is not to be had, or left something\n",
			       module_of[i]);
			return EXIT_FAILURE;
		}
		printf("# %s, up to %.1f s\n", module_of[i], now_s() - start);
	}
	for (i = 0; i < nr_played; i++)
		cases[i] = (struct suite_case){
			.name = played[i].scenario->name, .run = compare, .arg = &played[i],
			.no_modules = 1,
		};
	return suite_run(cases, nr_played, argc, argv);
}
