// SPDX-License-Identifier: GPL-2.0-only
/*
 * Looking at memory through /proc, and pushing it around. A page's reference
 * count is not to be seen from user space; collapse() and soft offlining stand
 * in for it, as the kernel refuses both for a page that anybody holds.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <viopf.h>

#include "mem.h"
#include "modules.h"
#include "suite.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE	25
#endif

#define PM_PRESENT	(1ull << 63)
#define PM_SWAPPED	(1ull << 62)
#define PM_PFN_MASK	((1ull << 55) - 1)

/* Address space aligned to 2 MiB, which a mapping of @size may take over. */
static void *reserve(size_t size)
{
	char *p = mmap(NULL, size + HUGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		       -1, 0);
	char *at = (char *)(((uintptr_t)p + HUGE - 1) & ~(HUGE - 1));

	assert_true(p != MAP_FAILED);
	if (at > p)
		munmap(p, (size_t)(at - p));
	munmap(at + size, (size_t)(p + HUGE - at));
	return at;
}

static void *map_at(size_t size, int flags, int fd)
{
	void *p = mmap(reserve(size), size, PROT_READ | PROT_WRITE, flags | MAP_FIXED, fd, 0);

	assert_msg(p != MAP_FAILED, "mmap of %zu bytes: %s", size, strerror(errno));
	return p;
}

void *mem_anon(size_t size)
{
	void *p = map_at(size, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);

	assert_ok(madvise(p, size, MADV_NOHUGEPAGE));
	return p;
}

void *mem_huge(size_t size)
{
	void *p = map_at(size, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);

	assert_ok(madvise(p, size, MADV_HUGEPAGE));
	return p;
}

void *mem_shared(size_t size)
{
	return map_at(size, MAP_SHARED | MAP_ANONYMOUS, -1);
}

void *mem_file(int fd, size_t size, int map_flags)
{
	return map_at(size, map_flags, fd);
}

int memfd_new(size_t size, unsigned int flags)
{
	int fd = memfd_create("viopf-test", flags | MFD_CLOEXEC);

	if (fd < 0 && flags & MFD_HUGETLB && access("/sys/kernel/mm/hugepages", F_OK))
		skip_because("this kernel has no hugetlbfs");
	assert_msg(fd >= 0, "memfd_create: %s", strerror(errno));
	assert_ok(ftruncate(fd, (off_t)size));
	return fd;
}

long status_kb(const char *member)
{
	return process_kb(getpid(), member);
}

static uint64_t read_word(const char *path, uint64_t index)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint64_t word = 0;

	assert_msg(fd >= 0, "%s: %s", path, strerror(errno));
	assert_int_equal(pread(fd, &word, sizeof(word), (off_t)(index * 8)), 8);
	close(fd);
	return word;
}

static uint64_t pagemap_entry(const void *p)
{
	return read_word("/proc/self/pagemap", (uintptr_t)p / PAGE);
}

int page_present(const void *p)
{
	return !!(pagemap_entry(p) & PM_PRESENT);
}

int page_swapped(const void *p)
{
	return !!(pagemap_entry(p) & PM_SWAPPED);
}

uint64_t page_pfn(const void *p)
{
	uint64_t entry;

	/* One that the kernel is just moving is back in a moment. */
	assert_msg(wait_until((entry = pagemap_entry(p)) & PM_PRESENT, 5),
		   "the page at %p is not present", p);
	return entry & PM_PFN_MASK;
}

uint64_t page_mapcount(const void *p)
{
	return read_word("/proc/kpagecount", page_pfn(p));
}

static size_t count_pages(const void *p, size_t size, uint64_t mask)
{
	uint64_t words[512];
	size_t at = 0, n = 0, i;
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	while (at < size / PAGE) {
		size_t want = size / PAGE - at < 512 ? size / PAGE - at : 512;
		ssize_t got = pread(fd, words, want * 8, (off_t)(((uintptr_t)p / PAGE + at) * 8));

		assert_true(got > 0);
		for (i = 0; i < (size_t)got / 8; i++)
			n += !!(words[i] & mask);
		at += (size_t)got / 8;
	}
	close(fd);
	return n;
}

size_t pages_present(const void *p, size_t size)
{
	return count_pages(p, size, PM_PRESENT);
}

size_t pages_swapped(const void *p, size_t size)
{
	return count_pages(p, size, PM_SWAPPED);
}

/* /proc/self/smaps says how much of each mapping is mapped by huge entries. */
int is_huge(const void *p, size_t size)
{
	FILE *smaps = fopen("/proc/self/smaps", "r");
	unsigned long start, end, kb = 0;
	char line[512];
	int inside = 0;

	assert_non_null(smaps);
	while (fgets(line, sizeof(line), smaps)) {
		unsigned long val;

		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			inside = start < (uintptr_t)p + size && end > (uintptr_t)p;
		else if (inside && (sscanf(line, "AnonHugePages: %lu", &val) == 1 ||
				    sscanf(line, "ShmemPmdMapped: %lu", &val) == 1 ||
				    sscanf(line, "FilePmdMapped: %lu", &val) == 1))
			kb += val;
	}
	fclose(smaps);
	return kb * 1024 >= size;
}

/*
 * A page in some CPU's batch for the LRU lists can't be isolated, and a CPU with nothing
 * to do keeps its batch. move_pages() has them all emptied first; here it moves none.
 */
static void drain_lru_batches(void)
{
	int nodes[1], status[1];
	void *pages[1];

	syscall(SYS_move_pages, 0, 0ul, pages, nodes, status, 0);
}

static int try_page_out(void *p, size_t size)
{
	drain_lru_batches();
	return !madvise(p, size, MADV_PAGEOUT) && !pages_present(p, size);
}

void page_out(void *p, size_t size)
{
	int done = wait_until(try_page_out(p, size), 30);

	assert_msg(done, "%zu pages are not swapped out", pages_present(p, size));
}

void lie_apart(char *p)
{
	char *spare = mem_anon(64 * PAGE);
	unsigned int i;

	for (i = 0; i < 64 && page_pfn(p + PAGE) == page_pfn(p) + 1; i++) {
		assert_ok(madvise(p + PAGE, PAGE, MADV_DONTNEED));
		/* Takes the page that has just become free. */
		spare[i * PAGE] = 1;
		p[PAGE] = 1;
	}
	assert_true(page_pfn(p + PAGE) != page_pfn(p) + 1);
}

static int try_collapse(void *p)
{
	return madvise(p, HUGE, MADV_COLLAPSE) ? -errno : 0;
}

int collapse(void *p)
{
	if (access("/sys/kernel/mm/transparent_hugepage", F_OK))
		skip_because("this kernel has no huge pages");
	int err = -EAGAIN;

	/* Pages may sit in another CPU's batch for a moment: that is a reference. */
	wait_until((err = try_collapse(p)) != -EAGAIN, 10);
	return err;
}
