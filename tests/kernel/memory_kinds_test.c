// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every kind of memory a process can have, under a device: it reads what the
 * CPU wrote, writes what the CPU reads, loses it when the process does, and gets
 * it again. A giant page is set aside when the VM boots: later there may be none.
 *
 * VM: --mem 4G --append hugepagesz=1G --append hugepages=1
 * LANES: stock next debug
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "advice.h"
#include "rig.h"
#include "softmm.h"

#define SIZE	(2 * HUGE)

#ifndef SYS_memfd_secret
#define SYS_memfd_secret	447
#endif
#ifndef MFD_HUGE_2MB
#define MFD_HUGE_2MB	(21U << 26)
#endif
#ifndef MFD_HUGE_1GB
#define MFD_HUGE_1GB	(30U << 26)
#endif

/* Both directions over all of it, with an eviction in between. */
static void exercise(struct rig *rig, char *p, size_t size)
{
	rig_map(rig, p, IOVA_BASE, size);
	sdma_pattern_fill(p, size, 1, 0);
	dev_check(rig, IOVA_BASE, size, 1);
	dev_fill(rig, IOVA_BASE, size, 2);
	cpu_check(p, size, 2);
	verify_residency();
	assert_ok(mprotect(p, size, PROT_READ));
	assert_ok(mprotect(p, size, PROT_READ | PROT_WRITE));
	dev_check(rig, IOVA_BASE, size, 2);
	dev_fill(rig, IOVA_BASE, size, 3);
	sdma_pattern_fill(p, size / 2, 4, 0);
	dev_check(rig, IOVA_BASE, size / 2, 4);
	verify_residency();
	assert_int_equal(status_kb("VmPin"), 0);
}

static void finish(struct rig *rig, char *p, size_t size)
{
	uint64_t unmapped;

	assert_ok(munmap(p, size));
	dev_read(rig, IOVA_BASE, PAGE, SOFTDMA_FAULT_INVALID);
	assert_ok(viopf_unmap(rig->c, IOVA_BASE, size, &unmapped));
	assert_int_equal(unmapped, size);
	rig_close(rig);
}

static void anonymous(void)
{
	struct rig rig;
	char *p;

	rig_open(&rig, 1);
	p = mem_anon(SIZE);
	exercise(&rig, p, SIZE);
	finish(&rig, p, SIZE);
}

static void transparent_huge(void)
{
	struct rig rig;
	char *p;

	rig_open(&rig, 1);
	p = mem_huge(SIZE);
	exercise(&rig, p, SIZE);
	if (!is_huge(p, SIZE))
		skip_because("got no huge page");
	/* Big memory is mapped by big leaves. */
	assert_true(softiommu_stat("leaves_2m") > 0);
	assert_true(rig_stats(&rig).huge_mapped > 0);
	finish(&rig, p, SIZE);
}

static void transparent_huge_cold(void)
{
	struct vfio_iopf_stats before;
	struct rig rig;
	char *p;

	rig_open(&rig, 1);
	p = mem_huge(SIZE);
	rig_map(&rig, p, IOVA_BASE, SIZE);
	before = rig_stats(&rig);
	dev_fill(&rig, IOVA_BASE, SIZE, 1);
	if (!is_huge(p, SIZE))
		skip_because("got no huge page");
	/* The device's fault brings a huge page, in one go. */
	assert_grew(&rig, before, faults, 2);
	assert_grew(&rig, before, huge_mapped, 2);
	cpu_check(p, SIZE, 1);
	finish(&rig, p, SIZE);
}

/* IOVA and memory are not congruent: no big leaf is possible. */
static void transparent_huge_skewed(void)
{
	struct rig rig;
	char *p;

	rig_open(&rig, 1);
	p = mem_huge(SIZE);
	sdma_pattern_fill(p, SIZE, 1, 0);
	rig_map(&rig, p, IOVA_BASE + PAGE, SIZE);
	dev_check(&rig, IOVA_BASE + PAGE, SIZE, 1);
	dev_fill(&rig, IOVA_BASE + PAGE, SIZE, 2);
	cpu_check(p, SIZE, 2);
	assert_int_equal(softiommu_stat("leaves_2m"), 0);
	rig_close(&rig);
}

static void shared_anonymous(void)
{
	struct rig rig;
	char *p;

	rig_open(&rig, 1);
	p = mem_shared(SIZE);
	exercise(&rig, p, SIZE);
	finish(&rig, p, SIZE);
}

static void memfd(void)
{
	struct rig rig;
	char *p, *alias;
	int fd;

	rig_open(&rig, 1);
	fd = memfd_new(SIZE, 0);
	p = mem_file(fd, SIZE, MAP_SHARED);
	exercise(&rig, p, SIZE);
	/* Another mapping of the same file sees what the device writes. */
	alias = mem_file(fd, SIZE, MAP_SHARED);
	dev_fill(&rig, IOVA_BASE, SIZE, 5);
	cpu_check(alias, SIZE, 5);
	munmap(alias, SIZE);
	close(fd);
	finish(&rig, p, SIZE);
}

static void memfd_private(void)
{
	struct rig rig;
	char *p, *file;
	int fd;

	rig_open(&rig, 1);
	fd = memfd_new(SIZE, 0);
	file = mem_file(fd, SIZE, MAP_SHARED);
	sdma_pattern_fill(file, SIZE, 9, 0);
	p = mem_file(fd, SIZE, MAP_PRIVATE);
	rig_map(&rig, p, IOVA_BASE, SIZE);
	dev_check(&rig, IOVA_BASE, SIZE, 9);
	dev_fill(&rig, IOVA_BASE, SIZE / 2, 1);
	cpu_check(p, SIZE / 2, 1);
	cpu_check(file, SIZE, 9);
	close(fd);
	finish(&rig, p, SIZE);
}

static void shmem_huge(void)
{
	struct rig rig;
	char *p;

	if (file_write("/sys/kernel/mm/transparent_hugepage/shmem_enabled", "advise\n"))
		skip_because("no huge pages for shared memory in this kernel");
	rig_open(&rig, 1);
	p = mem_shared(SIZE);
	assert_ok(madvise(p, SIZE, MADV_HUGEPAGE));
	exercise(&rig, p, SIZE);
	if (!is_huge(p, SIZE))
		skip_because("got no huge page");
	assert_true(softiommu_stat("leaves_2m") > 0);
	finish(&rig, p, SIZE);
}

static void hugetlb(unsigned int flags, unsigned long page_kb, size_t size)
{
	unsigned int pages = (unsigned int)(size / 1024 / page_kb);
	char path[96], text[16];
	struct rig rig;
	char *p;
	int fd;

	snprintf(path, sizeof(path), "/sys/kernel/mm/hugepages/hugepages-%lukB/nr_hugepages",
		 page_kb);
	snprintf(text, sizeof(text), "%u\n", pages);
	if (file_write(path, text) || file_read(path, text, sizeof(text)) ||
	    strtoul(text, NULL, 10) < pages)
		skip_because("no memory for %u huge pages of %lu kB", pages, page_kb);
	rig_open(&rig, 1);
	fd = memfd_new(size, MFD_HUGETLB | flags);
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(p != MAP_FAILED);
	exercise(&rig, p, size);
	assert_int_equal(softiommu_stat("leaves_4k"), 1);	/* of the ring */
	assert_true(softiommu_stat("leaves_2m") + softiommu_stat("leaves_1g") > 0);
	/* A hole in the file is a hole for the device, too; then it is zero. */
	assert_ok(fallocate(fd, 3 /* keep size, punch hole */, 0, (off_t)(page_kb * 1024)));
	verify_residency();
	dev_read(&rig, IOVA_BASE, PAGE, SOFTDMA_OK);
	cpu_check_zero(p, PAGE);
	close(fd);
	finish(&rig, p, size);
	file_write(path, "0\n");
}

static void hugetlb_2m(void)
{
	hugetlb(MFD_HUGE_2MB, 2048, SIZE);
}

static void hugetlb_1g(void)
{
	hugetlb(MFD_HUGE_1GB, 1048576, 1ul << 30);
}

static void hugetlb_private(void)
{
	const char *path = "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages";
	struct rig rig;
	char *p;

	if (file_write(path, "6\n"))
		skip_because("no hugetlb in this kernel");
	rig_open(&rig, 1);
	p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB,
		 -1, 0);
	if (p == MAP_FAILED)
		skip_because("no memory for huge pages");
	exercise(&rig, p, SIZE);
	finish(&rig, p, SIZE);
	file_write(path, "0\n");
}

static void file_shared(void)
{
	int fd = ext4_file(SIZE);
	struct rig rig;
	char *p, *buf;

	rig_open(&rig, 1);
	p = mem_file(fd, SIZE, MAP_SHARED);
	exercise(&rig, p, SIZE);
	dev_fill(&rig, IOVA_BASE, SIZE, 6);
	buf = mem_anon(SIZE);
	assert_int_equal(pread(fd, buf, SIZE, 0), SIZE);
	cpu_check(buf, SIZE, 6);
	/* write() changes what the device reads. */
	sdma_pattern_fill(buf, SIZE, 7, 0);
	assert_int_equal(pwrite(fd, buf, SIZE, 0), SIZE);
	dev_check(&rig, IOVA_BASE, SIZE, 7);
	close(fd);
	finish(&rig, p, SIZE);
	ext4_unmount();
}

static void file_private(void)
{
	int fd = ext4_file(SIZE);
	struct rig rig;
	char *p;

	rig_open(&rig, 1);
	p = mem_file(fd, SIZE, MAP_PRIVATE);
	exercise(&rig, p, SIZE);
	close(fd);
	finish(&rig, p, SIZE);
	ext4_unmount();
}

static void file_read_only(void)
{
	int fd = ext4_file(SIZE);
	struct rig rig;
	char *p;

	rig_open(&rig, 1);
	p = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd, 0);
	assert_true(p != MAP_FAILED);
	rig_map(&rig, p, IOVA_BASE, SIZE);
	dev_read(&rig, IOVA_BASE, SIZE, SOFTDMA_OK);
	dev_write(&rig, IOVA_BASE, PAGE, SOFTDMA_FAULT_INVALID);
	cpu_check_zero(p, SIZE);
	close(fd);
	finish(&rig, p, SIZE);
	ext4_unmount();
}

/* The vDSO's data: kernel pages that the process may read, and so may the device. */
static void special_pages(void)
{
	unsigned long start = 0, end = 0;
	char line[256];
	struct rig rig;
	FILE *maps = fopen("/proc/self/maps", "r");

	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps)) {
		if (strstr(line, "[vvar]"))
			assert_int_equal(sscanf(line, "%lx-%lx", &start, &end), 2);
	}
	fclose(maps);
	if (!start)
		skip_because("no [vvar] mapping");
	rig_open(&rig, 1);
	assert_ok(viopf_map(rig.c, (void *)start, IOVA_BASE, PAGE, VIOPF_READ | VIOPF_WRITE));
	dev_read(&rig, IOVA_BASE, PAGE, SOFTDMA_OK);
	dev_write(&rig, IOVA_BASE, PAGE, SOFTDMA_FAULT_INVALID);
	rig_close(&rig);
}

/* No way leads to the secret page that lies between two others; to those it does. */
static void secret_is_kept(struct rig *rig)
{
	const uint64_t secret = IOVA_BASE + PAGE, above = secret + PAGE;

	advise(rig, VFIO_IOPF_ADV_EVICT, IOVA_BASE, 3 * PAGE);
	advise(rig, VFIO_IOPF_ADV_PREFETCH_RESIDENT, IOVA_BASE, 3 * PAGE);
	residency_is(rig, IOVA_BASE, 1, RW);
	residency_is(rig, secret, 1, 0);
	residency_is(rig, above, 1, RW);
	advise_fails(rig, VFIO_IOPF_ADV_PREFETCH_READ, IOVA_BASE, 3 * PAGE, EFAULT, PAGE);
	advise_fails(rig, VFIO_IOPF_ADV_PREFETCH_WRITE, IOVA_BASE, 3 * PAGE, EFAULT, PAGE);
	dev_read(rig, secret, PAGE, SOFTDMA_FAULT_INVALID);
	dev_write(rig, secret, PAGE, SOFTDMA_FAULT_INVALID);
	advise(rig, VFIO_IOPF_ADV_EVICT, IOVA_BASE, 3 * PAGE);
	dev_write(rig, IOVA_BASE, PAGE, SOFTDMA_OK);
	dev_write(rig, above, PAGE, SOFTDMA_OK);
	residency_is(rig, secret, 1, 0);
}

/* Memory that even the kernel can't reach: before the CPU has touched it, and after. */
static void secret(void)
{
	int fd = (int)syscall(SYS_memfd_secret, 0);
	struct rig rig;
	char *p;

	if (fd < 0)
		skip_because("no secret memory: %s", strerror(errno));
	assert_ok(ftruncate(fd, PAGE));
	rig_open(&rig, 1);
	p = mem_anon(3 * PAGE);
	memset(p, 1, 3 * PAGE);
	assert_ptr_equal(mmap(p + PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
			      0), p + PAGE);
	rig_map(&rig, p, IOVA_BASE, 3 * PAGE);
	secret_is_kept(&rig);
	memset(p + PAGE, 1, PAGE);
	secret_is_kept(&rig);
	assert_ok(madvise(p, 3 * PAGE, MADV_DODUMP));
	secret_is_kept(&rig);
	assert_int_equal(p[PAGE], 1);
	close(fd);
	rig_close(&rig);
}

/*
 * To the kernel's pte_write() the pages of a shadow stack are writable. A device that reads
 * one gets no right to write it, and none at all where it asks for that. The pages beside it
 * come in with what is asked for.
 */
static void shadow_stack(void)
{
	struct rig rig;
	char *p;

	rig_open(&rig, 1);
	p = mem_anon(3 * PAGE);
	sdma_pattern_fill(p, 3 * PAGE, 1, 0);
	assert_ok(mprotect(p + PAGE, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC));
	softmm_set("shadow_stack", "%lx 1", (unsigned long)p + PAGE);
	rig_map(&rig, p, IOVA_BASE, 3 * PAGE);
	dev_read(&rig, IOVA_BASE, PAGE, SOFTDMA_OK);
	dev_read(&rig, IOVA_BASE + 2 * PAGE, PAGE, SOFTDMA_OK);
	dev_write(&rig, IOVA_BASE + PAGE, PAGE, SOFTDMA_FAULT_INVALID);
	dev_read(&rig, IOVA_BASE + PAGE, PAGE, SOFTDMA_FAULT_INVALID);
	dev_write(&rig, IOVA_BASE + PAGE, PAGE, SOFTDMA_FAULT_INVALID);
	cpu_check(p, 3 * PAGE, 1);
	viopf_advise(rig.c, VFIO_IOPF_ADV_PREFETCH_RESIDENT, IOVA_BASE, 3 * PAGE, NULL);
	dev_write(&rig, IOVA_BASE + PAGE, PAGE, SOFTDMA_FAULT_INVALID);
	verify_residency();
	softmm_set("shadow_stack", "%lx 0", (unsigned long)p + PAGE);
	dev_fill(&rig, IOVA_BASE, 3 * PAGE, 2);
	cpu_check(p, 3 * PAGE, 2);
	rig_close(&rig);
}

/* What a tag is on says nothing of which memory it is, to devices as to the CPU. */
static void tagged(void)
{
	const uint64_t tag = 0x2aull << 57;
	struct vfio_iopf_stats before;
	struct rig rig;
	char *p;

	rig_open(&rig, 1);
	p = mem_anon(SIZE);
	softmm_set("untag_mask", "%llx", (unsigned long long)~(0x3full << 57));
	rig_map(&rig, (char *)((uint64_t)p | tag), IOVA_BASE, SIZE);
	sdma_pattern_fill(p, SIZE, 1, 0);
	dev_check(&rig, IOVA_BASE, SIZE, 1);
	before = rig_stats(&rig);
	assert_ok(mprotect(p, SIZE, PROT_READ));
	assert_ok(mprotect(p, SIZE, PROT_READ | PROT_WRITE));
	assert_true(rig_stats(&rig).pages_evicted > before.pages_evicted);
	dev_fill(&rig, IOVA_BASE, SIZE, 2);
	cpu_check(p, SIZE, 2);
	assert_ok(viopf_disable(rig.c));
	dev_fill(&rig, IOVA_BASE, SIZE, 3);
	cpu_check(p, SIZE, 3);
	rig_close(&rig);
}

/*
 * What the device brings in is paid for by the memory cgroup of the process. CPUs pay
 * ahead, and get some back: the number is only true to some 64 pages for each.
 */
static void charged(void)
{
	unsigned long long before;
	struct rig rig;

	cgroup_make("max", "max");
	cgroup_enter(CGROUP);
	rig_open_anon(&rig, 8 * HUGE);
	before = cgroup_number("memory.current");
	dev_fill(&rig, IOVA_BASE, 8 * HUGE, 1);
	assert_true(cgroup_number("memory.current") - before >= 7 * HUGE);
	rig_close(&rig);
	cgroup_enter(CGROUP_ROOT);
}

static const struct suite_case cases[] = {
	CASE("S1 S6 anonymous memory", anonymous),
	CASE("S1 S6 S3 transparent huge pages", transparent_huge),
	CASE("S6 R12 a huge page by one fault", transparent_huge_cold),
	CASE("S6 R12 a huge page at an address that does not fit", transparent_huge_skewed),
	CASE("S1 S6 shared anonymous memory", shared_anonymous),
	CASE("S1 S6 memfd", memfd),
	CASE("S1 S6 private mapping of a memfd", memfd_private),
	CASE("S1 S6 S3 shared memory in huge pages", shmem_huge),
	CASE("S1 S6 S3 hugetlbfs, 2 MiB", hugetlb_2m),
	CASE("S1 S6 S3 hugetlbfs, 1 GiB", hugetlb_1g, .limit_s = 300),
	CASE("S1 S6 hugetlbfs, private", hugetlb_private),
	CASE("S1 S6 file, shared", file_shared),
	CASE("S1 S6 file, private", file_private),
	CASE("S6 R16 file, read-only", file_read_only),
	CASE("S6 R16 the kernel's special pages", special_pages),
	CASE("S6 R16 secret memory stays the process's own", secret, .iopf = "window_fixed=16"),
	CASE("S6 R16 shadow stacks stay the CPU's own", shadow_stack, .iopf = PAGEWISE),
	CASE("S1 S6 a tagged address", tagged),
	CASE("S5 memory that a fault brings in is charged to its owner", charged),
};

int main(int argc, char **argv)
{
	return SUITE(cases, argc, argv);
}
