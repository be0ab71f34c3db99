// SPDX-License-Identifier: GPL-2.0-only
/*
 * The software IOMMU beside an active Intel IOMMU, whose groups stay as they are
 * through loading, use and removal of our modules. And what Intel's driver does with
 * the memory of a device of QEMU's (edu), which can't take page faults.
 *
 * VM: --append intel_iommu=on --qemu -device --qemu intel-iommu
 * VM: --qemu -device --qemu edu
 * LANES: stock next
 */
#include <dirent.h>
#include <errno.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "advice.h"

#define MAX_MEMBERS	128
#define SIZE		(16 * PAGE)

/* edu's registers, its buffer, what it moves at a time, and IOVA that it can reach. */
#define EDU_DEVICE_ID	0x11e8
#define EDU_SRC		0x80
#define EDU_DST		0x88
#define EDU_COUNT	0x90
#define EDU_COMMAND	0x98
#define EDU_RUN		1u
#define EDU_TO_MEMORY	2u
#define EDU_BUFFER	0x40000u
#define EDU_BYTES	2048
#define EDU_IOVA	0x8000000ull

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

/* QEMU's edu device on the first bus, bound to vfio-pci. */
static void edu_find(char bdf[16])
{
	char path[96], id[16];
	unsigned int slot;

	for (slot = 0; slot < 32; slot++) {
		snprintf(bdf, 16, "0000:00:%02x.0", slot);
		snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/device", bdf);
		if (!file_read(path, id, sizeof(id)) && strtoul(id, NULL, 16) == EDU_DEVICE_ID) {
			assert_ok(viopf_bind(bdf));
			return;
		}
	}
	skip_because("this machine has no edu device");
}

static volatile char *edu_registers(struct viopf_device *dev, size_t *size)
{
	struct vfio_region_info info = {
		.argsz = sizeof(info), .index = VFIO_PCI_BAR0_REGION_INDEX,
	};
	void *bar;

	assert_ok(ioctl(viopf_device_fd(dev), VFIO_DEVICE_GET_REGION_INFO, &info));
	bar = mmap(NULL, info.size, PROT_READ | PROT_WRITE, MAP_SHARED, viopf_device_fd(dev),
		   (off_t)info.offset);
	assert_true(bar != MAP_FAILED);
	*size = info.size;
	return bar;
}

static void edu_move(volatile char *bar, uint64_t src, uint64_t dst, unsigned int command)
{
	volatile uint64_t *run = (volatile uint64_t *)(bar + EDU_COMMAND);

	*(volatile uint64_t *)(bar + EDU_SRC) = src;
	*(volatile uint64_t *)(bar + EDU_DST) = dst;
	*(volatile uint64_t *)(bar + EDU_COUNT) = EDU_BYTES;
	*run = EDU_RUN | command;
	assert_true(wait_until(!(*run & EDU_RUN), 20));
}

/* By DMA from one page to another. */
static void edu_copies(volatile char *bar, char *p, unsigned int from, unsigned int to,
		       uint64_t seed)
{
	sdma_pattern_fill(p + from * PAGE, PAGE, seed, 0);
	edu_move(bar, EDU_IOVA + from * PAGE, EDU_BUFFER, 0);
	edu_move(bar, EDU_BUFFER, EDU_IOVA + to * PAGE, EDU_TO_MEMORY);
	cpu_check(p + to * PAGE, EDU_BYTES, seed);
}

static char *hugetlb(size_t size)
{
	const char *path = "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages";
	char *p;

	if (file_write(path, "2\n"))
		skip_because("no hugetlb in this kernel");
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_HUGETLB,
		 -1, 0);
	if (p == MAP_FAILED)
		skip_because("no memory for huge pages");
	memset(p, 0xff, size);
	return p;
}

/*
 * Intel's driver makes large leaves of what comes by one call, whatever sizes the domain
 * is kept to. Unmapping a part of one would take the rest away with it, or take the
 * memory behind it for a page table.
 */
static void small_leaves(void)
{
	char *p = hugetlb(2 * HUGE), bdf[16];
	const char *name = bdf;
	struct viopf_device *dev;
	struct rig rig = { 0 };
	volatile char *bar;
	size_t bar_size;

	edu_find(bdf);
	assert_ok(viopf_container_open(&rig.c, &name, 1, VFIO_IOPF_IOMMU));
	assert_ok(viopf_device_open(rig.c, bdf, &dev));
	assert_ok(viopf_bus_master(dev, 1));
	bar = edu_registers(dev, &bar_size);
	assert_ok(viopf_map(rig.c, p, EDU_IOVA, 2 * HUGE,
			    VIOPF_READ | VIOPF_WRITE | VFIO_DMA_MAP_FLAG_IOPF_FAULTABLE));
	advise(&rig, VFIO_IOPF_ADV_PIN, EDU_IOVA, 2 * HUGE);
	residency_is(&rig, EDU_IOVA, 1024, RW | VFIO_IOPF_PAGE_PINNED);
	edu_copies(bar, p, 0, 1, 1);

	/* The first of the two, and half of the second. */
	memset(p, 0xff, 2 * HUGE);
	advise(&rig, VFIO_IOPF_ADV_UNPIN, EDU_IOVA, 768 * PAGE);
	assert_int_equal((unsigned char)p[HUGE], 0xff);
	assert_int_equal(memcmp(p, p + PAGE, 2 * HUGE - PAGE), 0);
	assert_int_equal(rig_stats(&rig).unmap_mismatches, 0);
	residency_is(&rig, EDU_IOVA, 768, 0);
	residency_is(&rig, EDU_IOVA + 768 * PAGE, 256, RW | VFIO_IOPF_PAGE_PINNED);
	edu_copies(bar, p, 768, 1023, 2);

	advise(&rig, VFIO_IOPF_ADV_UNPIN, EDU_IOVA + 768 * PAGE, PAGE);
	assert_int_equal(rig_stats(&rig).pinned_pages, 255);
	edu_copies(bar, p, 769, 1023, 3);
	rig_check(&rig);
	assert_ok(munmap((void *)bar, bar_size));
	viopf_device_close(dev);
	viopf_container_close(rig.c);
	assert_ok(viopf_unbind(bdf));
}

static const unsigned long type1 = VFIO_TYPE1v2_IOMMU;
static const unsigned long iopf = VFIO_IOPF_IOMMU;

static const struct suite_case cases[] = {
	CASE("an Intel IOMMU's groups stay as they are", groups_stay, .no_modules = 1),
	CASE("devices work beside an Intel IOMMU, pinned", devices_work, .arg = &type1),
	CASE("devices work beside an Intel IOMMU, demand-paged", devices_work, .arg = &iopf),
	CASE("S3 R3 R14 small leaves in an Intel IOMMU, unpinned in part", small_leaves,
	     .iopf = "disable_hugepages=1 allow_unsafe_interrupts=1"),
};

int main(int argc, char **argv)
{
	return SUITE(cases, argc, argv);
}
