// SPDX-License-Identifier: GPL-2.0-only
/*
 * The software IOMMU beside an active Intel IOMMU, whose groups stay as they are
 * through loading, use and removal of our modules.
 *
 * VM: --append intel_iommu=on --qemu -device --qemu intel-iommu
 */
#include <dirent.h>
#include <errno.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "rig.h"

#define MAX_MEMBERS	128
#define SIZE		(16 * PAGE)

struct members {
	size_t nr;
	char line[MAX_MEMBERS][48];
};

static int compare_lines(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void add_group(struct members *m, const char *group, const char *domain)
{
	char path[64];
	struct dirent *ent;
	DIR *dir;

	snprintf(path, sizeof(path), "/sys/kernel/iommu_groups/%.8s/devices", group);
	dir = opendir(path);
	if (!dir)
		return;
	while ((ent = readdir(dir))) {
		if (ent->d_name[0] == '.' || !strncmp(ent->d_name, domain, 4))
			continue;
		assert_true(m->nr < MAX_MEMBERS);
		snprintf(m->line[m->nr++], sizeof(m->line[0]), "%.8s %.32s", group, ent->d_name);
	}
	closedir(dir);
}

/* Every device in every group, but those of our PCI domain. */
static struct members other_devices(void)
{
	DIR *dir = opendir("/sys/kernel/iommu_groups");
	struct members m = { 0 };
	struct dirent *ent;
	char domain[8];

	snprintf(domain, sizeof(domain), "%04x", SOFTDMA_PCI_DOMAIN);
	assert_non_null(dir);
	while ((ent = readdir(dir))) {
		if (ent->d_name[0] != '.')
			add_group(&m, ent->d_name, domain);
	}
	closedir(dir);
	qsort(m.line, m.nr, sizeof(m.line[0]), compare_lines);
	return m;
}

static void assert_same(const struct members *before)
{
	struct members now = other_devices();
	size_t i;

	assert_int_equal(now.nr, before->nr);
	for (i = 0; i < now.nr; i++)
		assert_string_equal(now.line[i], before->line[i]);
}

static void groups_stay(void)
{
	struct members before = other_devices();
	unsigned int i;

	if (!before.nr)
		skip_because("this machine has no active Intel IOMMU");
	for (i = 0; i < 3; i++) {
		assert_ok(module_insert("softiommu", "iommus=2"));
		assert_same(&before);
		assert_ok(module_insert("softdma", ""));
		assert_same(&before);
		assert_ok(module_remove("softdma"));
		assert_ok(module_remove("softiommu"));
		assert_same(&before);
	}
}

static void devices_work(void)
{
	unsigned long extension = *(const unsigned long *)case_arg();
	struct members before = other_devices();
	struct rig rig;
	char *p;

	if (!before.nr)
		skip_because("this machine has no active Intel IOMMU");
	p = mem_anon(SIZE);
	rig_open_as(&rig, 0, 2, extension);
	rig_map(&rig, p, IOVA_BASE, SIZE);
	dev_fill(&rig, IOVA_BASE, SIZE, 3);
	cpu_check(p, SIZE, 3);
	assert_same(&before);
	rig_close(&rig);
	assert_same(&before);
}

static const unsigned long type1 = VFIO_TYPE1v2_IOMMU;
static const unsigned long iopf = VFIO_IOPF_IOMMU;

static const struct suite_case cases[] = {
	CASE("an Intel IOMMU's groups stay as they are", groups_stay, .no_modules = 1),
	CASE("devices work beside an Intel IOMMU, pinned", devices_work, .arg = &type1),
	CASE("devices work beside an Intel IOMMU, demand-paged", devices_work, .arg = &iopf),
};

int main(int argc, char **argv)
{
	return SUITE(cases, argc, argv);
}
