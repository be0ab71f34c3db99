// SPDX-License-Identifier: GPL-2.0-only
/*
 * Scenarios: what is behind a mapping. Type1 looks at MAP_DMA, and pins; paging
 * on demand looks when the device asks. So the errno of MAP_DMA may differ, but
 * not what the device gets.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "world.h"

#define SIZE		(4 * PAGE)
#define BAR		"/sys/bus/pci/devices/0000:00:1f.2/resource5"

#ifndef SYS_memfd_secret
#define SYS_memfd_secret	447
#endif

static void named(char step[96], const char *what, const char *rest)
{
	snprintf(step, 96, "%s, %s", what, rest);
}

/* Map, have the device use the first and the last page, and unmap. */
static void try_memory(struct world *w, const char *what, uint32_t flags, const void *p,
		       uint64_t size)
{
	char step[96];

	named(step, what, "MAP_DMA");
	w_map_as(w, step, flags, IOVA, (uintptr_t)p, size);
	named(step, what, "locked");
	w_locked(w, step);
	named(step, what, "first page is read");
	w_dma_read(w, step, FIRST, IOVA);
	named(step, what, "last page is written");
	w_dma(w, step, FIRST, IOVA + size - PAGE, NULL);
	w_clear(w);
	named(step, what, "afterwards locked");
	w_locked(w, step);
}

static char *map_as(size_t size, int prot, int flags, int fd)
{
	char *p = mmap(NULL, size, prot, flags, fd, 0);

	assert_msg(p != MAP_FAILED, "mmap: %s", strerror(errno));
	return p;
}

static void anonymous(struct world *w)
{
	char *p = mem_anon(SIZE);

	try_memory(w, "read-only for the device, never touched", READ, p, SIZE);
	try_memory(w, "never touched", RW, p, SIZE);
	try_memory(w, "write-only for the device", WRITE, p, SIZE);
	p = mem_anon(SIZE);
	(void)*(volatile char *)p;
	try_memory(w, "zero page, read-only", READ, p, SIZE);
	p = mem_anon(SIZE);
	memset(p, 1, SIZE);
	try_memory(w, "touched, read-only for the device", READ, p, SIZE);
	assert_ok(mprotect(p, SIZE, PROT_READ));
	try_memory(w, "read-only, for reading", READ, p, SIZE);
	try_memory(w, "read-only, for writing", RW, p, SIZE);
	assert_ok(mprotect(p, SIZE, PROT_WRITE));
	try_memory(w, "write-only", WRITE, p, SIZE);
	assert_ok(mprotect(p, SIZE, PROT_NONE));
	try_memory(w, "no access, for reading", READ, p, SIZE);
	try_memory(w, "no access, for writing", RW, p, SIZE);
	munmap(p, SIZE);
	try_memory(w, "not there", RW, p, SIZE);
	try_memory(w, "address 0", RW, NULL, SIZE);
}

static void patchy(struct world *w)
{
	char *p = mem_anon(SIZE);

	memset(p, 1, SIZE);
	munmap(p + SIZE - PAGE, PAGE);
	try_memory(w, "its last page not there", RW, p, SIZE);
	p = mem_anon(SIZE);
	munmap(p, PAGE);
	try_memory(w, "its first page not there", RW, p, SIZE);
	p = mem_anon(SIZE);
	munmap(p + PAGE, PAGE);
	try_memory(w, "a hole in it", RW, p, SIZE);
	p = mem_anon(SIZE);
	assert_ok(mprotect(p + 2 * PAGE, PAGE, PROT_READ));
	try_memory(w, "a page of it read-only", RW, p, SIZE);
	try_memory(w, "a page of it read-only, for reading", READ, p, SIZE);
	p = mem_anon(4 * HUGE);
	munmap(p + 4 * HUGE - PAGE, PAGE);
	try_memory(w, "large, its last page not there", RW, p, 4 * HUGE);
}

static void shared(struct world *w)
{
	char *p = mem_shared(SIZE);
	int fd;

	try_memory(w, "shared, never touched", RW, p, SIZE);
	try_memory(w, "shared, read-only for the device", READ, p, SIZE);
	fd = memfd_new(SIZE, 0);
	try_memory(w, "memfd", RW, map_as(SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd), SIZE);
	try_memory(w, "memfd, read-only", RW, map_as(SIZE, PROT_READ, MAP_SHARED, fd), SIZE);
	try_memory(w, "memfd, private", RW, map_as(SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd),
		   SIZE);
	try_memory(w, "memfd, private, read-only for the device", READ,
		   map_as(SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd), SIZE);
	try_memory(w, "memfd, beyond its end", RW,
		   map_as(2 * SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd), 2 * SIZE);
	close(fd);
	fd = (int)syscall(SYS_memfd_secret, 0);
	w_note(w, "secret memory", "%s", fd < 0 ? w_result(fd) : "there");
	if (fd < 0 || ftruncate(fd, SIZE))
		return;
	try_memory(w, "secret", RW, map_as(SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd), SIZE);
	close(fd);
}

static void huge(struct world *w)
{
	const char *path = "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages";
	char *p = mem_huge(2 * HUGE);
	int fd;

	memset(p, 1, 2 * HUGE);
	try_memory(w, "transparent", RW, p, 2 * HUGE);
	try_memory(w, "transparent, from its middle", RW, p + HUGE / 2, HUGE);
	assert_ok(file_write(path, "2\n"));
	fd = memfd_new(2 * HUGE, MFD_HUGETLB);
	p = map_as(2 * HUGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd);
	try_memory(w, "hugetlb, never touched", RW, p, 2 * HUGE);
	try_memory(w, "hugetlb, a page of it", RW, p + 5 * PAGE, PAGE);
	try_memory(w, "hugetlb, read-only for the device", READ, p, 2 * HUGE);
	munmap(p, 2 * HUGE);
	close(fd);
	file_write(path, "0\n");
}

static void files(struct world *w)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	try_memory(w, "program, read-only", READ, map_as(SIZE, PROT_READ, MAP_PRIVATE, fd), SIZE);
	try_memory(w, "program, for writing", RW, map_as(SIZE, PROT_READ, MAP_PRIVATE, fd), SIZE);
	try_memory(w, "program, private", RW,
		   map_as(SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd), SIZE);
	close(fd);
	try_memory(w, "shared, for reading", READ,
		   map_as(SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, w->file), SIZE);
	try_memory(w, "shared, for writing", RW,
		   map_as(SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, w->file), SIZE);
	try_memory(w, "private, for writing", RW,
		   map_as(SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, w->file), SIZE);
	try_memory(w, "private, for reading", READ,
		   map_as(SIZE, PROT_READ, MAP_PRIVATE, w->file), SIZE);
}

/* Device memory through sysfs: mapped for good by mmap(). Software DMA can't reach it. */
static void device_memory(struct world *w)
{
	int fd = open(BAR, O_RDWR | O_CLOEXEC);
	char *p, *area;

	assert_true(fd >= 0);
	p = map_as(PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd);
	try_memory(w, "for both", RW, p, PAGE);
	try_memory(w, "for reading", READ, p, PAGE);
	try_memory(w, "for both, read-only", RW, map_as(PAGE, PROT_READ, MAP_SHARED, fd), PAGE);
	try_memory(w, "for reading, read-only", READ, map_as(PAGE, PROT_READ, MAP_SHARED, fd),
		   PAGE);
	area = mem_anon(SIZE);
	memset(area, 1, SIZE);
	assert_true(mmap(area + PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
			 0) != MAP_FAILED);
	try_memory(w, "among memory", RW, area, SIZE);
	assert_true(mmap(area, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) !=
		    MAP_FAILED);
	try_memory(w, "before memory", RW, area, SIZE);
	close(fd);
}

/* A BAR of a device that VFIO gives out: its pages come with the first touch. */
static void vfio_device_memory(struct world *w)
{
	struct vfio_region_info info = { .argsz = sizeof(info) };
	struct viopf_device *dev;
	char *p;

	w_join(w, "the Intel IOMMU's group joins", FOREIGN);
	assert_ok(viopf_device_open(w->c, w->bdf[FOREIGN], &dev));
	assert_ok(viopf_bus_master(dev, 1));
	assert_ok(ioctl(viopf_device_fd(dev), VFIO_DEVICE_GET_REGION_INFO, &info));
	p = mmap(NULL, info.size, PROT_READ | PROT_WRITE, MAP_SHARED, viopf_device_fd(dev),
		 (off_t)info.offset);
	assert_msg(p != MAP_FAILED, "mmap of a BAR: %s", strerror(errno));
	try_memory(w, "never touched", RW, p, SIZE);
	try_memory(w, "again", RW, p, SIZE);
	(void)*(volatile uint32_t *)p;
	try_memory(w, "touched", READ, p, SIZE);
	munmap(p, info.size);
	viopf_device_close(dev);
	w_leave(w, "it leaves", FOREIGN);
}

/* Memory that the process changes while it is mapped: pinned pages stay what they are. */
static void changed(struct world *w)
{
	char *p = mem_anon(SIZE), *q;

	memset(p, 1, SIZE);
	w_map(w, "map", IOVA, p, SIZE);
	w_dma(w, "write", FIRST, IOVA, p);
	q = mremap(p, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, mem_anon(SIZE));
	assert_true(q != MAP_FAILED);
	w_dma(w, "write after mremap", FIRST, IOVA, q);
	w_locked(w, "after mremap");
	munmap(q, SIZE);
	w_dma(w, "write after munmap", FIRST, IOVA, NULL);
	w_locked(w, "after munmap");
	w_unmap(w, "unmap", IOVA, SIZE);
	w_locked(w, "then");
}

const struct scenario memory_scenarios[] = {
	SCENARIO("S6 type1: memory, anonymous", anonymous),
	SCENARIO("S6 type1: memory, in part", patchy),
	SCENARIO("S6 type1: memory, shared", shared),
	SCENARIO("S6 type1: memory, huge pages", huge),
	SCENARIO("S6 type1: memory, files", files),
	SCENARIO("S12 type1: memory, a BAR in sysfs", device_memory),
	SCENARIO("S12 type1: memory, a BAR of VFIO's", vfio_device_memory),
	SCENARIO("S1 type1: memory, that is changed", changed),
	{ 0 }
};
