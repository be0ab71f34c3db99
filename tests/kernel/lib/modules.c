// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loading and removing the modules around a case. The order in is vfio, the
 * IOMMU, the devices, the product; the order out is the reverse, after the
 * devices were taken from vfio-pci. In a machine that has its own IOMMU and devices,
 * the software ones are left out. Every removal must succeed: a module that
 * stays in use means that the case lost a reference in the kernel.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <viopf.h>

#include "../../../soft/softdma.h"
#include "modules.h"
#include "suite.h"

#define INTEL_ECAP		"/sys/class/iommu/dmar0/intel-iommu/ecap"
#define INTEL_ECAP_FSTS		(1ull << 47)	/* First-stage Translation Support */
#define SOFTIOMMU_DEBUGFS	"/sys/kernel/debug/softiommu"
#define SOFTIOMMU_STATS		SOFTIOMMU_DEBUGFS "/stats"
#define VERIFY			"/sys/kernel/debug/vfio_iopf/verify"

static const char * const our_modules[] = { "softiommu", "softdma", "vfio_iommu_iopf" };

#define NR_MODULES	(ARRAY_SIZE(our_modules))
#define PRODUCT		(NR_MODULES - 1)

int hardware_is_soft(void)
{
	const char *hardware = getenv("VIOPF_HARDWARE");

	return !hardware || !hardware[0];
}

int hardware_has_write_only(void)
{
	char ecap[32];

	return hardware_is_soft() || file_read(INTEL_ECAP, ecap, sizeof(ecap)) ||
	       !(strtoull(ecap, NULL, 16) & INTEL_ECAP_FSTS);
}

int shell(const char *fmt, ...)
{
	char cmd[512];
	va_list args;
	int status;

	va_start(args, fmt);
	vsnprintf(cmd, sizeof(cmd), fmt, args);
	va_end(args);
	fflush(stdout);
	status = system(cmd);
	if (!status)
		return 0;
	printf("# '%s' ended with status %#x\n", cmd, (unsigned int)status);
	return -1;
}

int module_insert(const char *name, const char *params)
{
	const char *dir = getenv("VIOPF_KO");
	char path[512];
	int fd, err = 0;

	snprintf(path, sizeof(path), "%s/%s.ko", dir ? dir : ".", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (syscall(SYS_finit_module, fd, params ? params : "", 0))
		err = -errno;
	close(fd);
	return err;
}

int module_remove(const char *name)
{
	return syscall(SYS_delete_module, name, O_NONBLOCK) ? -errno : 0;
}

static int compare_bdfs(const void *a, const void *b)
{
	return strcmp(a, b);
}

static int is_softdma(const char *bdf)
{
	char path[128], text[32];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%.16s/vendor", bdf);
	if (file_read(path, text, sizeof(text)) || strtoul(text, NULL, 16) != SOFTDMA_VENDOR_ID)
		return 0;
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%.16s/device", bdf);
	return !file_read(path, text, sizeof(text)) &&
	       strtoul(text, NULL, 16) == SOFTDMA_DEVICE_ID;
}

unsigned int devices_list(char bdfs[MAX_DEVICES][16])
{
	DIR *dir = opendir("/sys/bus/pci/devices");
	unsigned int n = 0;
	struct dirent *ent;

	while (dir && n < MAX_DEVICES && (ent = readdir(dir))) {
		if (strlen(ent->d_name) == 12 && is_softdma(ent->d_name))
			snprintf(bdfs[n++], 16, "%.12s", ent->d_name);
	}
	if (dir)
		closedir(dir);
	qsort(bdfs, n, 16, compare_bdfs);
	return n;
}

/* Asking modprobe takes longer than most of what else is done for a case. */
static int load_vfio(void)
{
	static const char *const needed[] = { "vfio", "vfio_iommu_type1", "vfio_pci" };
	char path[64];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(needed); i++) {
		snprintf(path, sizeof(path), "/sys/module/%s", needed[i]);
		if (access(path, F_OK))
			return shell("modprobe -a vfio vfio_iommu_type1 vfio-pci");
	}
	return 0;
}

static int insert_all(const char *const params[NR_MODULES])
{
	size_t i;

	for (i = hardware_is_soft() ? 0 : PRODUCT; i < NR_MODULES; i++) {
		int err = module_insert(our_modules[i], params[i]);

		if (err) {
			printf("# can't load %s.ko with '%s': %s\n", our_modules[i],
			       params[i] ? params[i] : "", strerror(-err));
			return -1;
		}
	}
	return 0;
}

int modules_load(const char *iopf, const char *softiommu, const char *softdma)
{
	const char *const params[NR_MODULES] = { softiommu, softdma, iopf };
	char bdfs[MAX_DEVICES][16];
	unsigned int i, n;

	if (load_vfio() || insert_all(params))
		return -1;
	n = devices_list(bdfs);
	for (i = 0; i < n; i++) {
		if (viopf_bind(bdfs[i])) {
			printf("# %s\n", viopf_error());
			return -1;
		}
	}
	if (!n)
		printf("# there is no device to test with\n");
	return n ? 0 : -1;
}

/* Swap and page merging that a case turned on. */
static int restore_mm(void)
{
	char text[1024];

	if (!file_read("/sys/kernel/mm/ksm/run", text, sizeof(text)) && text[0] == '1')
		file_write("/sys/kernel/mm/ksm/run", "2\n");
	file_read("/proc/swaps", text, sizeof(text));
	if (!strchr(text, '\n') || !strchr(text, '\n')[1])
		return 0;
	return shell("swapoff -a");
}

static int remove_one(const char *name)
{
	int err = -EAGAIN;

	/* The files of a process that was just killed may still be closing. */
	wait_until((err = module_remove(name)) != -EAGAIN, 20);
	if (err && err != -ENOENT) {
		printf("# can't remove %s: %s\n", name, strerror(-err));
		return -1;
	}
	return 0;
}

int modules_unload(void)
{
	char bdfs[MAX_DEVICES][16];
	unsigned int i, n;
	int err = restore_mm();

	/* If the case loaded them. */
	err |= remove_one("softmdev");
	err |= remove_one("softmm");
	n = devices_list(bdfs);
	for (i = 0; i < n; i++) {
		if (viopf_unbind(bdfs[i])) {
			printf("# %s\n", viopf_error());
			err = -1;
		}
	}
	for (i = NR_MODULES; i-- > 0;)
		err |= remove_one(our_modules[i]);
	return err ? -1 : 0;
}

uint64_t softiommu_stat(const char *name)
{
	long value;

	assert_msg(line_number(SOFTIOMMU_STATS, name, &value), "softiommu counts no %s", name);
	return (uint64_t)value;
}

void softiommu_set(const char *name, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), SOFTIOMMU_DEBUGFS "/%s", name);
	assert_msg(!file_write(path, value), "can't write %s to %s", value, path);
}

static long count_of(const char *name)
{
	long value;

	return line_number(SOFTIOMMU_STATS, name, &value) ? value : -1;
}

/* Page requests not yet answered, going by the IOMMU's own counters. */
static long outstanding(void)
{
	return count_of("prq_groups") - count_of("prq_purged") - count_of("resp_success") -
	       count_of("resp_invalid") - count_of("resp_failure");
}

/* Containers go when the case's process has gone, a moment after its end. */
static int no_container_left(void)
{
	char text[4096];

	return file_read(VERIFY, text, sizeof(text)) || !strstr(text, "container");
}

int modules_check_idle(void)
{
	int err = 0;

	if (!wait_until(no_container_left(), 20)) {
		printf("# a container is still there\n");
		err = -1;
	}
	if (!hardware_is_soft())
		return err;
	if (!wait_until(outstanding() == 0, 20)) {
		printf("# page requests without a response: %ld\n", outstanding());
		err = -1;
	}
	if (count_of("resp_unexpected")) {
		printf("# unexpected page responses: %ld\n", count_of("resp_unexpected"));
		err = -1;
	}
	return err;
}
