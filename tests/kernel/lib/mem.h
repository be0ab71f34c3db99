/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory as the kernel sees it: what /proc says of a process and of a page, and
 * the means to have pages swapped out. Everything here fails the case, rather
 * than return an error, unless it says so. Sizes are in bytes.
 */
#ifndef VIOPF_TEST_MEM_H
#define VIOPF_TEST_MEM_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "../../../soft/user/sys.h"

#define PAGE	4096ul
#define HUGE	(2ul << 20)

/* Private anonymous memory in 4 KiB pages, aligned to 2 MiB, not touched. */
void *mem_anon(size_t size);

/* The same, to be had as huge pages where it can. */
void *mem_huge(size_t size);

/* Shared anonymous memory, aligned to 2 MiB. */
void *mem_shared(size_t size);

/* A file mapping, shared or private, aligned to 2 MiB. */
void *mem_file(int fd, size_t size, int map_flags);

/* A memfd of that size. */
int memfd_new(size_t size, unsigned int flags);

/* A member of /proc/self/status in kB ("VmPin"), 0 if it is not there. */
long status_kb(const char *member);

/* What /proc/self/pagemap says of the page at @p. */
int page_present(const void *p);
int page_swapped(const void *p);
uint64_t page_pfn(const void *p);

/* /proc/kpagecount: how often the page is mapped. */
uint64_t page_mapcount(const void *p);

/* Pages of a range that are present, or swapped out. */
size_t pages_present(const void *p, size_t size);
size_t pages_swapped(const void *p, size_t size);

/* 1 if huge pages map the whole range. */
int is_huge(const void *p, size_t size);

/* Have all of a range swapped out; asks again for what was left behind. */
void page_out(void *p, size_t size);

/* The page at @p and the next, which are there, are not to lie together. */
void lie_apart(char *p);

/*
 * Show that nobody holds a reference on the pages of a range in 4 KiB pages,
 * 2 MiB aligned: the kernel makes a huge page of it only then. Its content
 * stays. Returns 0 or -errno.
 */
int collapse(void *p);

#endif /* VIOPF_TEST_MEM_H */
