// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every call with arguments that are wrong: the documented errno, the same as
 * from the kernel's own type1 where that has the call, and nothing lost: what
 * was mapped before works after it.
 *
 * LANES: stock uml-debug
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "handled.h"

#define NR_PAGES	16
#define SIZE		(NR_PAGES * PAGE)
#define IOVA		IOVA_BASE

/* A container with one mapping, [IOVA, IOVA + SIZE), that the device has used. */
struct setting {
	struct rig rig;
	int fd;
	char *p;
	struct viopf_info info;
};

static void setting_open(struct setting *s, unsigned long extension)
{
	memset(s, 0, sizeof(*s));
	rig_open_as(&s->rig, 0, 1, extension);
	s->fd = viopf_container_fd(s->rig.c);
	s->p = mem_anon(2 * SIZE);
	rig_map(&s->rig, s->p, IOVA, SIZE);
	dev_fill(&s->rig, IOVA, SIZE, 1);
	assert_ok(viopf_get_info(s->rig.c, &s->info));
}

/* All is as it was. */
static void setting_close(struct setting *s)
{
	struct viopf_info info;
	uint64_t unmapped;

	assert_ok(viopf_get_info(s->rig.c, &info));
	assert_int_equal(info.dma_avail, s->info.dma_avail);
	assert_int_equal(info.nr_ranges, s->info.nr_ranges);
	dev_check(&s->rig, IOVA, SIZE, 1);
	dev_fill(&s->rig, IOVA, SIZE, 2);
	cpu_check(s->p, SIZE, 2);
	assert_ok(viopf_unmap(s->rig.c, IOVA, SIZE, &unmapped));
	assert_int_equal(unmapped, SIZE);
	rig_close(&s->rig);
}

/* errno of a call, 0 if it succeeded. */
static int call(struct setting *s, unsigned long nr, void *arg)
{
	return ioctl(s->fd, nr, arg) ? errno : 0;
}

#define MAP_RW	(VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE)

/* Which of two errno values it is depends on the kernel: see conformance_test. */
#define WRAPS	EOVERFLOW

static int as_wraps(int got, int want)
{
	return want == WRAPS && got == EINVAL;
}

struct bad_map {
	uint32_t argsz, flags;
	uint64_t vaddr, iova, size;	/* vaddr: added to the buffer's */
	int want;
};

static void map_calls(struct setting *s)
{
	const uint32_t full = sizeof(struct vfio_iommu_type1_dma_map);
	const uint64_t free_iova = IOVA + HUGE, top = 0x8000000000000000ull;
	const struct bad_map bad[] = {
		{ 0, MAP_RW, 0, free_iova, PAGE, EINVAL },
		{ 8, MAP_RW, 0, free_iova, PAGE, EINVAL },
		{ full - 1, MAP_RW, 0, free_iova, PAGE, EINVAL },
		{ full, 0, 0, free_iova, PAGE, EINVAL },
		{ full, MAP_RW | 1u << 31, 0, free_iova, PAGE, EINVAL },
		{ full, MAP_RW | 1u << 8, 0, free_iova, PAGE, EINVAL },
		{ full, MAP_RW, 0, free_iova, 0, EINVAL },
		{ full, MAP_RW, 0, free_iova, PAGE / 2, EINVAL },
		{ full, MAP_RW, 0, free_iova, PAGE + 1, EINVAL },
		{ full, MAP_RW, 0, free_iova + 8, PAGE, EINVAL },
		{ full, MAP_RW, 8, free_iova, PAGE, EINVAL },
		{ full, MAP_RW, 0, -PAGE, 2 * PAGE, WRAPS },
		{ full, MAP_RW, 0, free_iova, -PAGE, WRAPS },
		{ full, MAP_RW, 0, IOVA, SIZE, EEXIST },
		{ full, MAP_RW, 0, IOVA + PAGE, PAGE, EEXIST },
		{ full, MAP_RW, 0, IOVA - PAGE, 2 * PAGE, EEXIST },
		{ full, MAP_RW, 0, IOVA + SIZE - PAGE, 2 * PAGE, EEXIST },
		{ full, MAP_RW, 0, IOVA - PAGE, SIZE + 2 * PAGE, EEXIST },
		{ full, MAP_RW, 0, top, PAGE, EINVAL },
		{ full, MAP_RW, 0, s->info.ranges[s->info.nr_ranges - 1].last + 1, PAGE, EINVAL },
		{ full, MAP_RW, 0, s->info.ranges[s->info.nr_ranges - 1].last + 1 - PAGE, 2 * PAGE,
		  EINVAL },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		struct vfio_iommu_type1_dma_map map = {
			.argsz = bad[i].argsz, .flags = bad[i].flags, .iova = bad[i].iova,
			.vaddr = (uintptr_t)s->p + SIZE + bad[i].vaddr, .size = bad[i].size,
		};
		int got = call(s, VFIO_IOMMU_MAP_DMA, &map);

		assert_msg(got == bad[i].want || as_wraps(got, bad[i].want),
			   "map %zu: errno %d, not %d", i, got, bad[i].want);
	}
	assert_int_equal(call(s, VFIO_IOMMU_MAP_DMA, NULL), EFAULT);
	assert_int_equal(call(s, VFIO_IOMMU_MAP_DMA, (void *)8), EFAULT);
}

struct bad_unmap {
	uint32_t argsz, flags;
	uint64_t iova, size;
	int want;
};

static void unmap_calls(struct setting *s)
{
	const uint32_t full = sizeof(struct vfio_iommu_type1_dma_unmap);
	const uint32_t all = VFIO_DMA_UNMAP_FLAG_ALL;
	const struct bad_unmap bad[] = {
		{ 0, 0, IOVA, SIZE, EINVAL },
		{ 8, 0, IOVA, SIZE, EINVAL },
		{ full - 1, 0, IOVA, SIZE, EINVAL },
		{ full, 1u << 31, IOVA, SIZE, EINVAL },
		{ full, 0, IOVA, 0, EINVAL },
		{ full, 0, IOVA, PAGE / 2, EINVAL },
		{ full, 0, IOVA + 8, PAGE, EINVAL },
		{ full, 0, -PAGE, 2 * PAGE, WRAPS },
		{ full, 0, IOVA, -PAGE, WRAPS },
		{ full, 0, IOVA, SIZE - PAGE, EINVAL },
		{ full, 0, IOVA + PAGE, SIZE - PAGE, EINVAL },
		{ full, 0, IOVA + PAGE, PAGE, EINVAL },
		{ full, 0, IOVA - PAGE, 2 * PAGE, EINVAL },
		{ full, all, IOVA, 0, EINVAL },
		{ full, all, 0, PAGE, EINVAL },
	};
	struct vfio_iommu_type1_dma_unmap unmap;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		int got;

		unmap = (struct vfio_iommu_type1_dma_unmap){
			.argsz = bad[i].argsz, .flags = bad[i].flags, .iova = bad[i].iova,
			.size = bad[i].size,
		};
		got = call(s, VFIO_IOMMU_UNMAP_DMA, &unmap);
		assert_msg(got == bad[i].want || as_wraps(got, bad[i].want),
			   "unmap %zu: errno %d, not %d", i, got, bad[i].want);
	}
	assert_int_equal(call(s, VFIO_IOMMU_UNMAP_DMA, NULL), EFAULT);
	/* Nothing there is nothing wrong. */
	unmap = (struct vfio_iommu_type1_dma_unmap){
		.argsz = full, .iova = IOVA + HUGE, .size = HUGE,
	};
	assert_int_equal(call(s, VFIO_IOMMU_UNMAP_DMA, &unmap), 0);
	assert_int_equal(unmap.size, 0);
}

static void info_calls(struct setting *s)
{
	struct { struct vfio_iommu_type1_info info; char room[4096]; } big;
	uint32_t argsz;

	for (argsz = 0; argsz < 16; argsz++) {
		memset(&big, 0, sizeof(big));
		big.info.argsz = argsz;
		assert_int_equal(call(s, VFIO_IOMMU_GET_INFO, &big), EINVAL);
	}
	/* Room for the head only: what was beyond stays, and the wish is told. */
	memset(&big, 0x5a, sizeof(big));
	big.info.argsz = 16;
	assert_int_equal(call(s, VFIO_IOMMU_GET_INFO, &big), 0);
	assert_true(big.info.argsz > sizeof(big.info));
	assert_int_equal(big.info.cap_offset, 0x5a5a5a5a);
	assert_true(big.info.iova_pgsizes & PAGE);

	memset(&big, 0x5a, sizeof(big));
	big.info.argsz = sizeof(big.info) + 1;
	assert_int_equal(call(s, VFIO_IOMMU_GET_INFO, &big), 0);
	assert_int_equal(big.room[0], 0x5a);

	memset(&big, 0x5a, sizeof(big));
	big.info.argsz = sizeof(big);
	assert_int_equal(call(s, VFIO_IOMMU_GET_INFO, &big), 0);
	assert_true(big.info.flags & VFIO_IOMMU_INFO_CAPS);
	assert_true(big.info.cap_offset >= sizeof(big.info) - 8);
	assert_int_equal(call(s, VFIO_IOMMU_GET_INFO, NULL), EFAULT);
}

static void like_type1(struct setting *s)
{
	map_calls(s);
	unmap_calls(s);
	info_calls(s);
	assert_int_equal(call(s, _IO(VFIO_TYPE, VFIO_BASE + 200), NULL), ENOTTY);
	assert_int_equal(ioctl(s->fd, VFIO_CHECK_EXTENSION, 0x7fffffff), 0);
	/* The backend is chosen once. */
	assert_int_not_equal(call(s, VFIO_SET_IOMMU, (void *)VFIO_TYPE1v2_IOMMU), 0);
	assert_int_not_equal(call(s, VFIO_SET_IOMMU, (void *)(uintptr_t)VFIO_IOPF_IOMMU), 0);
}

static void on_iopf(void)
{
	struct setting s;

	setting_open(&s, VFIO_IOPF_IOMMU);
	like_type1(&s);
	setting_close(&s);
}

static void on_type1(void)
{
	struct setting s;

	setting_open(&s, VFIO_TYPE1v2_IOMMU);
	like_type1(&s);
	/* Which has none of our calls. */
	assert_int_equal(viopf_enable(s.rig.c), -ENOTTY);
	assert_int_equal(viopf_stats(s.rig.c, &(struct vfio_iopf_stats){ 0 }), -ENOTTY);
	setting_close(&s);
}

static void enable_calls(void)
{
	struct vfio_iopf_enable arg;
	struct setting s;

	setting_open(&s, VFIO_IOPF_IOMMU);
	for (arg.argsz = 0; arg.argsz < sizeof(arg); arg.argsz++) {
		arg.flags = 0;
		assert_int_equal(call(&s, VFIO_IOPF_ENABLE, &arg), EINVAL);
	}
	arg = (struct vfio_iopf_enable){ .argsz = sizeof(arg), .flags = 1 };
	assert_int_equal(call(&s, VFIO_IOPF_ENABLE, &arg), EINVAL);
	arg = (struct vfio_iopf_enable){ .argsz = 4096 };
	assert_int_equal(call(&s, VFIO_IOPF_ENABLE, &arg), 0);
	assert_int_equal(call(&s, VFIO_IOPF_ENABLE, NULL), EFAULT);
	setting_close(&s);
}

/* Of the structure as many whole members are written as @argsz has room for. */
static void stats_of_size(struct setting *s, uint32_t argsz)
{
	struct { struct vfio_iopf_stats stats; uint64_t beyond; } arg;
	const unsigned char *byte = (const unsigned char *)&arg;
	size_t i, written;

	memset(&arg, 0x5a, sizeof(arg));
	arg.stats.argsz = argsz;
	arg.stats.flags = 0;
	if (argsz < 16) {
		assert_int_equal(call(s, VFIO_IOPF_STATS, &arg), EINVAL);
		return;
	}
	assert_int_equal(call(s, VFIO_IOPF_STATS, &arg), 0);
	assert_true(arg.stats.flags & VFIO_IOPF_STATS_ENABLED);
	assert_true(arg.stats.resident_pages >= NR_PAGES);
	written = argsz < sizeof(arg.stats) ? argsz & ~7u : sizeof(arg.stats);
	for (i = written; i < sizeof(arg); i++)
		assert_msg(byte[i] == 0x5a, "argsz %u: byte %zu was written", argsz, i);
}

static void stats_calls(void)
{
	struct vfio_iopf_stats stats = { .argsz = sizeof(stats), .flags = 1 };
	struct setting s;
	uint32_t argsz;

	setting_open(&s, VFIO_IOPF_IOMMU);
	for (argsz = 0; argsz <= sizeof(stats) + 8; argsz++)
		stats_of_size(&s, argsz);
	stats_of_size(&s, 0xffffffff);
	assert_int_equal(call(&s, VFIO_IOPF_STATS, &stats), EINVAL);
	assert_int_equal(call(&s, VFIO_IOPF_STATS, NULL), EFAULT);
	setting_close(&s);
}

/* Byte @i of what the library wrote with size @bytes is as it is whole, 0 beyond, or untouched. */
static void assert_filled(const void *got, const void *whole, size_t whole_bytes, size_t bytes,
			  size_t room)
{
	const unsigned char *g = got, *w = whole;
	size_t i;

	for (i = 0; i < room; i++) {
		unsigned char want = i >= bytes ? 0x5a : i < whole_bytes ? w[i] : 0;

		assert_msg(g[i] == want, "of %zu bytes byte %zu is %#x", bytes, i, g[i]);
	}
}

/* Programs that were compiled with an earlier or a later header than the library. */
static void other_releases(void)
{
	struct { struct vfio_iopf_stats stats; char beyond[64]; } stats, all = { 0 };
	struct { struct viopf_info info; char beyond[64]; } info;
	struct setting s;
	size_t bytes;

	setting_open(&s, VFIO_IOPF_IOMMU);
	assert_ok(viopf_stats(s.rig.c, &all.stats));
	for (bytes = 16; bytes <= sizeof(stats); bytes += 8) {
		memset(&stats, 0x5a, sizeof(stats));
		assert_ok(viopf_stats_sized(s.rig.c, &stats.stats, bytes));
		assert_int_equal(stats.stats.argsz, bytes);
		all.stats.argsz = bytes;
		assert_filled(&stats, &all, sizeof(all), bytes, sizeof(stats));
	}
	assert_int_equal(viopf_stats_sized(s.rig.c, &stats.stats, 2), -EINVAL);
	assert_int_equal(viopf_stats_sized(s.rig.c, &stats.stats, 15), -EINVAL);
	for (bytes = 0; bytes <= sizeof(info); bytes++) {
		memset(&info, 0x5a, sizeof(info));
		assert_ok(viopf_get_info_sized(s.rig.c, &info.info, bytes));
		assert_filled(&info, &s.info, sizeof(s.info), bytes, sizeof(info));
	}
	setting_close(&s);
}

/* The structure lies across the end of what can be read. */
static void at_the_edge(void)
{
	struct vfio_iommu_type1_dma_map *map;
	struct vfio_iommu_type1_info *info;
	struct vfio_iopf_stats *stats;
	struct setting s;
	char *edge;

	setting_open(&s, VFIO_IOPF_IOMMU);
	edge = (char *)mem_anon(2 * PAGE) + PAGE;
	assert_ok(munmap(edge, PAGE));
	map = (void *)(edge - 16);
	map->argsz = sizeof(*map);
	map->flags = MAP_RW;
	assert_int_equal(call(&s, VFIO_IOMMU_MAP_DMA, map), EFAULT);
	stats = (void *)(edge - 64);
	*(uint64_t *)stats = sizeof(*stats);
	assert_int_equal(call(&s, VFIO_IOPF_STATS, stats), EFAULT);
	*(uint64_t *)stats = 64;
	assert_int_equal(call(&s, VFIO_IOPF_STATS, stats), 0);
	/* Capabilities, where there is room for what comes before them alone. */
	info = (void *)(edge - sizeof(*info));
	info->argsz = PAGE;
	assert_int_equal(call(&s, VFIO_IOMMU_GET_INFO, info), EFAULT);
	/* Memory of the process that is read-only can't take an answer. */
	*(uint64_t *)stats = 64;
	info->argsz = 16;
	assert_ok(mprotect(edge - PAGE, PAGE, PROT_READ));
	assert_int_equal(call(&s, VFIO_IOPF_STATS, stats), EFAULT);
	assert_int_equal(call(&s, VFIO_IOMMU_GET_INFO, info), EFAULT);
	setting_close(&s);
}

static void mappings_run_out(void)
{
	struct viopf_info info;
	struct setting s;
	uint32_t i, avail;

	setting_open(&s, VFIO_IOPF_IOMMU);
	avail = s.info.dma_avail;
	assert_true(avail > 0);
	for (i = 0; i < avail; i++) {
		if (viopf_map(s.rig.c, s.p, IOVA + HUGE + i * PAGE, PAGE, VIOPF_READ))
			fail_msg("mapping %u of %u: %s", i, avail, viopf_error());
	}
	assert_ok(viopf_get_info(s.rig.c, &info));
	assert_int_equal(info.dma_avail, 0);
	assert_int_equal(viopf_map(s.rig.c, s.p, IOVA + (1ull << 40), PAGE, VIOPF_READ), -ENOSPC);
	assert_ok(viopf_unmap(s.rig.c, IOVA + HUGE, (uint64_t)avail * PAGE, NULL));
	assert_ok(viopf_map(s.rig.c, s.p, IOVA + (1ull << 40), PAGE, VIOPF_READ));
	assert_ok(viopf_unmap(s.rig.c, IOVA + (1ull << 40), PAGE, NULL));
	setting_close(&s);
}

/* Ranges of mappings: several at once, all, and none in between. */
static void good_unmaps(void)
{
	struct vfio_iopf_stats before;
	struct setting s;
	uint64_t unmapped;
	unsigned int i;

	setting_open(&s, VFIO_IOPF_IOMMU);
	before = rig_stats(&s.rig);
	for (i = 0; i < 8; i++)
		rig_map(&s.rig, s.p + i * PAGE, IOVA + HUGE + 2 * i * PAGE, PAGE);
	assert_grew(&s.rig, before, mappings, 8);
	assert_ok(viopf_unmap(s.rig.c, IOVA + HUGE + 2 * PAGE, 5 * PAGE, &unmapped));
	assert_int_equal(unmapped, 3 * PAGE);
	assert_ok(viopf_unmap(s.rig.c, IOVA + HUGE, HUGE, &unmapped));
	assert_int_equal(unmapped, 5 * PAGE);
	rig_map(&s.rig, s.p, IOVA + HUGE, SIZE);
	dev_check(&s.rig, IOVA + HUGE, SIZE, 1);
	assert_ok(viopf_unmap_all(s.rig.c, &unmapped));
	assert_int_equal(unmapped, 2 * SIZE + RIG_DEVICES * SOFTDMA_QUEUES * PAGE);
	assert_int_equal(rig_stats(&s.rig).resident_pages, 0);
	assert_int_equal(rig_stats(&s.rig).mappings, 0);
	rig_map(&s.rig, s.rig.rings, IOVA_RINGS, RIG_DEVICES * SOFTDMA_QUEUES * PAGE);
	rig_map(&s.rig, s.p, IOVA, SIZE);
	setting_close(&s);
}

static void without_an_iommu(void)
{
	struct viopf_container *c;
	struct viopf_info info;

	assert_ok(viopf_container_new(&c));
	assert_true(viopf_check_extension(c, VFIO_IOPF) >= 1);
	assert_true(viopf_check_extension(c, VFIO_IOPF_IOMMU) >= 1);
	assert_true(viopf_check_extension(c, VFIO_TYPE1v2_IOMMU) >= 1);
	assert_int_equal(viopf_get_info(c, &info), -EINVAL);
	assert_true(viopf_enable(c) < 0);
	assert_true(viopf_set_iommu(c, VFIO_IOPF_IOMMU) < 0);
	viopf_container_close(c);
}

static int fault_fd_errno(struct handled *h, uint32_t argsz, uint32_t flags)
{
	struct vfio_iopf_fault_fd arg = { .argsz = argsz, .flags = flags };

	assert_int_equal(ioctl(viopf_container_fd(h->rig.c), VFIO_IOPF_FAULT_FD, &arg), -1);
	return errno;
}

/* What the next file gets, so that a number that a failure keeps is seen. */
static int next_fd(void)
{
	int fd = dup(0);

	assert_true(fd >= 0);
	close(fd);
	return fd;
}

static void fault_fd_calls(struct handled *h)
{
	int fd = next_fd();
	struct rlimit old, few;

	assert_int_equal(fault_fd_errno(h, 0, 0), EINVAL);
	assert_int_equal(fault_fd_errno(h, 7, 0), EINVAL);
	assert_int_equal(fault_fd_errno(h, 8, 1), EINVAL);
	assert_int_equal(ioctl(viopf_container_fd(h->rig.c), VFIO_IOPF_FAULT_FD, NULL), -1);
	assert_int_equal(errno, EFAULT);
	assert_int_equal(fault_fd_errno(h, 8, 0), EBUSY);
	assert_int_equal(viopf_fault_fd(h->rig.c), -EBUSY);
	assert_int_equal(next_fd(), fd);
	assert_true(fcntl(h->fd, F_GETFD) & FD_CLOEXEC);

	close(h->fd);
	assert_ok(getrlimit(RLIMIT_NOFILE, &old));
	few = (struct rlimit){ .rlim_cur = 3, .rlim_max = old.rlim_max };
	assert_ok(setrlimit(RLIMIT_NOFILE, &few));
	assert_int_equal(fault_fd_errno(h, 8, 0), EMFILE);
	assert_ok(setrlimit(RLIMIT_NOFILE, &old));
	h->fd = viopf_fault_fd(h->rig.c);
	assert_true(h->fd >= 0);
	assert_ok(fcntl(h->fd, F_SETFL, O_NONBLOCK));
}

/* Memory that can't be read or written. */
static void *nowhere(void)
{
	void *p = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(p, MAP_FAILED);
	return p;
}

static void fault_responses(struct handled *h, uint32_t cookie)
{
	struct vfio_iopf_fault_response r[2] = {
		{ .cookie = cookie, .code = VFIO_IOPF_FAULT_INVALID },
		{ .cookie = cookie, .code = VFIO_IOPF_FAULT_INVALID },
	};

	assert_int_equal(write(h->fd, r, 7), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(write(h->fd, r, 0), 0);
	assert_int_equal(write(h->fd, nowhere(), 8), -1);
	assert_int_equal(errno, EFAULT);
	assert_int_equal(viopf_fault_answer(h->fd, cookie, 3), -EINVAL);
	assert_int_equal(viopf_fault_answer(h->fd, cookie, ~0u), -EINVAL);
	assert_int_equal(viopf_fault_answer(h->fd, 0, VFIO_IOPF_FAULT_INVALID), -ENOENT);
	assert_int_equal(viopf_fault_answer(h->fd, cookie + 1, VFIO_IOPF_FAULT_INVALID), -ENOENT);
	assert_int_equal(viopf_fault_answer(h->fd, cookie | 1u << 31, VFIO_IOPF_FAULT_INVALID),
			 -ENOENT);
	assert_int_equal(rig_stats(&h->rig).faults_waiting, 1);
	/* The second is decided on by then; the write tells how far it came. */
	assert_int_equal(write(h->fd, r, sizeof(r)), sizeof(r[0]));
	assert_int_equal(viopf_fault_answer(h->fd, cookie, VFIO_IOPF_FAULT_CONTINUE), -ENOENT);
}

static void fault_fd(void)
{
	struct handled h;
	uint32_t cookie;

	handled_open(&h, 1);
	fault_fd_calls(&h);
	ask(&h, 0, 1, 0);
	wait_for(&h, 1);
	/* Not read yet: nobody can know its cookie. */
	assert_int_equal(viopf_fault_answer(h.fd, 0, VFIO_IOPF_FAULT_CONTINUE), -ENOENT);
	/* What can't be delivered is not lost. */
	assert_int_equal(read(h.fd, nowhere(), sizeof(struct vfio_iopf_fault)), -1);
	assert_int_equal(errno, EFAULT);
	cookie = take(&h, 0, VFIO_IOPF_FAULT_PERM_READ);
	fault_responses(&h, cookie);
	ends(&h, 0, 1, SOFTDMA_FAULT_INVALID);
	handled_close(&h);

	rig_open_as(&h.rig, 0, 1, VFIO_TYPE1v2_IOMMU);
	assert_int_equal(viopf_fault_fd(h.rig.c), -ENOTTY);
	rig_close(&h.rig);
}

static const struct suite_case cases[] = {
	CASE("S11 bad input: as type1 answers, by the product", on_iopf),
	CASE("S11 bad input: as type1 answers, by type1 itself", on_type1),
	CASE("S10 bad input: VFIO_IOPF_ENABLE", enable_calls),
	CASE("S10 bad input: VFIO_IOPF_STATS", stats_calls),
	CASE("S10 programs of another release of the library", other_releases),
	CASE("S10 bad input: structures at the edge of memory", at_the_edge),
	CASE("S11 mappings run out, and come back", mappings_run_out,
	     .iopf = "dma_entry_limit=3000"),
	CASE("S11 S3 unmap: ranges, all, none", good_unmaps),
	CASE("S10 a container without its IOMMU", without_an_iommu),
	CASE("S13 S10 VFIO_IOPF_FAULT_FD, and decisions", fault_fd, .iopf = EXACT),
};

int main(int argc, char **argv)
{
	return SUITE(cases, argc, argv);
}
