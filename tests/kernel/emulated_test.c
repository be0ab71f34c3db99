// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mediated devices (soft/softmdev.h) in our containers. What the kernel's own type1
 * does is expected of both, by the same cases, type1 first; what concerns page requests
 * and changing between pinned and faultable is ours alone.
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "area.h"
#include "locking.h"
#include "mdev.h"
#include "rig.h"
#include "uffd.h"

#define NR_PAGES	16
#define SIZE		(NR_PAGES * PAGE)
#define RW		(SOFTMDEV_READ | SOFTMDEV_WRITE)

static const unsigned long type1 = VFIO_TYPE1v2_IOMMU, iopf = VFIO_IOPF_IOMMU;
static const unsigned long first_type1 = VFIO_TYPE1_IOMMU;

/* A container of one mediated device and a buffer of pattern 7 at IOVA_BASE. */
struct box {
	struct viopf_container *c;
	struct mdev m;
	char *p;
};

static int is_type1(void)
{
	return *(const unsigned long *)case_arg() == VFIO_TYPE1v2_IOMMU;
}

static void box_open(struct box *box)
{
	mdev_load(1);
	assert_ok(viopf_container_new(&box->c));
	assert_int_equal(mdev_attach(&box->m, 0, viopf_container_fd(box->c)), 0);
	assert_ok(viopf_set_iommu(box->c, *(const unsigned long *)case_arg()));
	mdev_open(&box->m);
	box->p = mem_anon(SIZE);
	sdma_pattern_fill(box->p, SIZE, 7, 0);
	assert_ok(viopf_map(box->c, box->p, IOVA_BASE, SIZE, VIOPF_READ | VIOPF_WRITE));
}

static void box_close(struct box *box)
{
	mdev_close(&box->m);
	viopf_container_close(box->c);
}

static long locked_pages(void)
{
	return status_kb("VmLck") / 4;
}

/* type1 takes two locks in both orders where drivers unpin what is being unmapped. */
static void type1_without_lockdep(void)
{
	if (is_type1() && !access("/proc/lockdep", F_OK))
		skip_because("the kernel's own type1 would be reported for its locks");
}

/* Any IOVA, and nothing is pinned until a driver asks. */
static void no_iommu(void)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap), .iova = IOVA_BASE, .size = SIZE,
	};
	struct viopf_info info;
	struct box box;

	box_open(&box);
	assert_ok(viopf_get_info(box.c, &info));
	assert_int_equal(info.page_sizes, ~(PAGE - 1));
	assert_int_equal(info.nr_ranges, 0);
	assert_int_equal(viopf_check_extension(box.c, VFIO_UPDATE_VADDR), 0);
	unmap.flags = VFIO_DMA_UNMAP_FLAG_VADDR;
	assert_int_equal(ioctl(viopf_container_fd(box.c), VFIO_IOMMU_UNMAP_DMA, &unmap), -1);
	assert_int_equal(errno, EBUSY);
	assert_int_equal(locked_pages(), 0);
	assert_ok(viopf_map(box.c, box.p, 0, SIZE, VIOPF_READ));
	assert_ok(viopf_map(box.c, box.p, -SIZE, SIZE, VIOPF_READ));
	assert_int_equal(mdev_pin(&box.m, 0, 1, SOFTMDEV_READ, NULL), 1);
	assert_int_equal(locked_pages(), 1);
	if (is_type1())		/* see type1_without_lockdep() */
		assert_int_equal(mdev_unpin(&box.m, 0, 1), 1);
	assert_ok(viopf_unmap_all(box.c, NULL));
	assert_int_equal(locked_pages(), 0);
	box_close(&box);
}

static void charged_once(void)
{
	uint64_t pfns[NR_PAGES];
	struct box box;
	size_t i;

	box_open(&box);
	assert_int_equal(mdev_pin(&box.m, IOVA_BASE, NR_PAGES, RW, pfns), NR_PAGES);
	for (i = 0; i < NR_PAGES; i++)
		assert_int_equal(pfns[i], page_pfn(box.p + i * PAGE));
	assert_int_equal(locked_pages(), NR_PAGES);
	assert_int_equal(mdev_pin(&box.m, IOVA_BASE, 4, SOFTMDEV_READ, NULL), 4);
	assert_int_equal(locked_pages(), NR_PAGES);
	assert_int_equal(mdev_unpin(&box.m, IOVA_BASE, NR_PAGES), NR_PAGES);
	assert_int_equal(locked_pages(), 4);
	assert_int_equal(mdev_unpin(&box.m, IOVA_BASE, NR_PAGES), 4);
	assert_int_equal(locked_pages(), 0);

	/* What is pinned stays where it is; a second container's pins count again. */
	assert_int_equal(mdev_pin(&box.m, IOVA_BASE, 1, RW, pfns), 1);
	madvise(box.p, PAGE, MADV_PAGEOUT);
	assert_int_equal(page_pfn(box.p), pfns[0]);
	mdev_close_device(&box.m);
	assert_int_equal(locked_pages(), 0);
	mdev_open(&box.m);
	box_close(&box);
}

static void limited(void)
{
	struct box box;

	limit_locking(8 * PAGE);
	box_open(&box);
	assert_int_equal(mdev_pin(&box.m, IOVA_BASE, 9, RW, NULL), -ENOMEM);
	assert_int_equal(locked_pages(), 0);
	assert_int_equal(mdev_pin(&box.m, IOVA_BASE, 8, RW, NULL), 8);
	assert_int_equal(mdev_pin(&box.m, IOVA_BASE + 8 * PAGE, 1, RW, NULL), -ENOMEM);
	assert_int_equal(mdev_pin(&box.m, IOVA_BASE, 8, RW, NULL), 8);
	assert_int_equal(locked_pages(), 8);
	box_close(&box);
}

static void refused(void)
{
	struct box box;

	box_open(&box);
	assert_ok(viopf_map(box.c, box.p, IOVA_BASE + SIZE, PAGE, VIOPF_READ));
	assert_int_equal(mdev_pin(&box.m, IOVA_BASE, 513, RW, NULL), -E2BIG);
	assert_int_equal(mdev_pin(&box.m, IOVA_BASE - PAGE, 2, RW, NULL), -EINVAL);
	assert_int_equal(mdev_pin(&box.m, IOVA_BASE + SIZE, 2, SOFTMDEV_READ, NULL), -EINVAL);
	assert_int_equal(mdev_pin(&box.m, -PAGE, 2, SOFTMDEV_READ, NULL),
			 lane_is("stock") ? -EINVAL : -EOVERFLOW);
	assert_int_equal(mdev_pin(&box.m, IOVA_BASE + SIZE - PAGE, 2, RW, NULL), -EPERM);
	assert_ok(munmap(box.p + SIZE - PAGE, PAGE));
	assert_int_equal(mdev_pin(&box.m, IOVA_BASE, NR_PAGES, RW, NULL), -EFAULT);
	assert_int_equal(locked_pages(), 0);
	box_close(&box);
}

/* Drivers hear of an unmap where they have pins, and nothing stays charged. */
static void unmapped(void)
{
	struct softmdev_state state;
	uint64_t bytes;
	struct box box;

	type1_without_lockdep();
	box_open(&box);
	assert_ok(viopf_map(box.c, box.p, IOVA_BASE + SIZE, SIZE, VIOPF_READ));
	assert_int_equal(mdev_pin(&box.m, IOVA_BASE + PAGE, 3, RW, NULL), 3);
	assert_int_equal(mdev_pin(&box.m, IOVA_BASE + PAGE, 1, RW, NULL), 1);
	assert_ok(viopf_unmap(box.c, IOVA_BASE + SIZE, SIZE, &bytes));
	assert_int_equal(bytes, SIZE);
	assert_int_equal(mdev_state(&box.m).nr_unmaps, 0);
	assert_ok(viopf_unmap(box.c, IOVA_BASE, SIZE, &bytes));
	assert_int_equal(bytes, SIZE);
	state = mdev_state(&box.m);
	assert_int_equal(state.nr_unmaps, 1);
	assert_int_equal(state.unmaps[0].iova, IOVA_BASE);
	assert_int_equal(state.unmaps[0].len, SIZE);
	assert_int_equal(state.nr_pins, 0);
	assert_int_equal(locked_pages(), 0);
	box_close(&box);
}

static void copies(void)
{
	static char buf[2 * SIZE];
	struct box box;
	unsigned int how;

	box_open(&box);
	assert_ok(viopf_map(box.c, box.p, IOVA_BASE + SIZE, SIZE, VIOPF_READ));
	for (how = 0; how <= SOFTMDEV_RW_KTHREAD; how += SOFTMDEV_RW_KTHREAD) {
		assert_int_equal(mdev_rw(&box.m, IOVA_BASE + 77, buf, SIZE, how), 0);
		assert_memory_equal(buf, box.p + 77, SIZE - 77);
		assert_memory_equal(buf + SIZE - 77, box.p, 77);
		/* Into memory that is not there yet, and must come. */
		assert_ok(madvise(box.p, SIZE, MADV_DONTNEED));
		sdma_pattern_fill(buf, SIZE, 100 + how, 0);
		assert_int_equal(mdev_rw(&box.m, IOVA_BASE + 3, buf, SIZE - 3,
					 how | SOFTMDEV_RW_WRITE), 0);
		assert_memory_equal(buf, box.p + 3, SIZE - 3);
		assert_int_equal(mdev_rw(&box.m, IOVA_BASE + SIZE - 4, buf, 8,
					 how | SOFTMDEV_RW_WRITE), -EPERM);
		assert_int_equal(mdev_rw(&box.m, IOVA_BASE + 2 * SIZE - 4, buf, 8, how), -EINVAL);
		assert_int_equal(mdev_rw(&box.m, IOVA_BASE - 4, buf, 8, how), -EINVAL);
	}
	assert_ok(munmap(box.p + SIZE - PAGE, PAGE));
	assert_int_equal(mdev_rw(&box.m, IOVA_BASE + SIZE - PAGE, buf, 8, 0), -EFAULT);
	assert_int_equal(locked_pages(), 0);
	box_close(&box);
}

/* A driver's access below a stack doesn't let it grow, and leaves no trace in the log. */
static void below_a_stack(void)
{
	static char buf[PAGE];
	struct box box;

	box_open(&box);
	assert_ok(munmap(box.p, SIZE));
	assert_ptr_equal(mmap(box.p + 4 * PAGE, 4 * PAGE, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_FIXED, -1, 0),
			 box.p + 4 * PAGE);
	assert_int_equal(mdev_pin(&box.m, IOVA_BASE + 3 * PAGE, 1, RW, NULL), -EFAULT);
	assert_int_equal(mdev_rw(&box.m, IOVA_BASE + 3 * PAGE, buf, PAGE, SOFTMDEV_RW_WRITE),
			 -EFAULT);
	assert_int_equal(mdev_rw(&box.m, IOVA_BASE + 4 * PAGE, buf, PAGE, SOFTMDEV_RW_WRITE), 0);
	box_close(&box);
}

/* Another process's mapping is charged to that process; closing gives all back. */
static void of_a_child(void)
{
	static char buf[PAGE];
	int go[2], ready[2];
	struct box box;
	pid_t pid;
	char c;

	box_open(&box);
	assert_ok(pipe(go));
	assert_ok(pipe(ready));
	pid = fork();
	if (!pid) {
		close(go[1]);
		if (viopf_map(box.c, box.p, IOVA_BASE + SIZE, SIZE, VIOPF_READ | VIOPF_WRITE))
			_exit(1);
		if (write(ready[1], "r", 1) != 1 || read(go[0], &c, 1) != 1 ||
		    locked_pages() != 2 || write(ready[1], "r", 1) != 1)
			_exit(2);
		_exit(read(go[0], &c, 1) ? 3 : 0);
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	assert_int_equal(mdev_pin(&box.m, IOVA_BASE + SIZE, 2, RW, NULL), 2);
	assert_int_equal(locked_pages(), 0);
	assert_int_equal(write(go[1], "g", 1), 1);
	assert_int_equal(read(ready[0], &c, 1), 1);
	/* By copying, only from a kernel thread. */
	assert_int_equal(mdev_rw(&box.m, IOVA_BASE + SIZE, buf, PAGE, 0), -EFAULT);
	assert_int_equal(mdev_rw(&box.m, IOVA_BASE + SIZE, buf, PAGE, SOFTMDEV_RW_KTHREAD), 0);
	assert_int_equal(sdma_pattern_check(buf, PAGE, 7, 0), 0);
	close(go[1]);
	child_wait(pid, 30);
	assert_int_equal(mdev_pin(&box.m, IOVA_BASE + SIZE + 4 * PAGE, 1, RW, NULL), -ENODEV);
	assert_int_equal(mdev_rw(&box.m, IOVA_BASE + SIZE, buf, PAGE, 0), -EPERM);
	box_close(&box);
}

/* Beside a device with an IOMMU: that needs no page request for what is pinned. */
static void no_page_request(void)
{
	struct vfio_iopf_stats before;
	struct rig rig;
	struct mdev m;
	char *p;

	mdev_load(1);
	p = rig_open_anon(&rig, SIZE);
	mdev_join(&m, 0, viopf_container_fd(rig.c));
	before = rig_stats(&rig);
	assert_int_equal(mdev_pin(&m, IOVA_BASE, 8, RW, NULL), 8);
	assert_int_equal(locked_pages(), 8);
	assert_int_equal(dev_write(&rig, IOVA_BASE, 8 * PAGE, SOFTDMA_OK), 0);
	assert_grew(&rig, before, groups, 0);
	assert_int_equal(dev_write(&rig, IOVA_BASE + 8 * PAGE, PAGE, SOFTDMA_OK), 1);
	/* Nor after the mm, or advice, would have taken it. */
	madvise(p, 8 * PAGE, MADV_PAGEOUT);
	assert_ok(viopf_advise(rig.c, VFIO_IOPF_ADV_EVICT, IOVA_BASE, SIZE, NULL));
	assert_int_equal(dev_write(&rig, IOVA_BASE, 8 * PAGE, SOFTDMA_OK), 0);
	assert_int_equal(dev_write(&rig, IOVA_BASE + 8 * PAGE, PAGE, SOFTDMA_OK), 1);
	verify_residency();
	/* Given back, it is as any other. */
	assert_int_equal(mdev_unpin(&m, IOVA_BASE, 8), 8);
	assert_int_equal(locked_pages(), 0);
	assert_int_equal(rig_stats(&rig).pinned_pages, 0);
	assert_ok(viopf_advise(rig.c, VFIO_IOPF_ADV_EVICT, IOVA_BASE, SIZE, NULL));
	assert_int_equal(dev_write(&rig, IOVA_BASE, 8 * PAGE, SOFTDMA_OK), 8);
	mdev_close(&m);
	rig_close(&rig);
}

/* Counted once, whatever the container does meanwhile. */
static void while_it_changes(void)
{
	struct rig rig;
	struct mdev m;
	long rings;
	char *p;

	mdev_load(1);
	rig_open(&rig, 1);
	assert_ok(viopf_disable(rig.c));
	rings = locked_pages();
	assert_ok(viopf_enable(rig.c));
	p = mem_anon(SIZE);
	rig_map(&rig, p, IOVA_BASE, SIZE);
	mdev_join(&m, 0, viopf_container_fd(rig.c));
	assert_int_equal(mdev_pin(&m, IOVA_BASE, 8, RW, NULL), 8);
	assert_int_equal(locked_pages(), 8);
	assert_ok(viopf_disable(rig.c));
	assert_int_equal(locked_pages(), rings + NR_PAGES);
	assert_int_equal(mdev_pin(&m, IOVA_BASE + 8 * PAGE, 2, RW, NULL), 2);
	assert_int_equal(locked_pages(), rings + NR_PAGES);
	assert_int_equal(mdev_unpin(&m, IOVA_BASE, 2), 2);
	assert_int_equal(locked_pages(), rings + NR_PAGES);
	assert_ok(viopf_enable(rig.c));
	assert_int_equal(locked_pages(), 8);
	dev_write(&rig, IOVA_BASE + 12 * PAGE, PAGE, SOFTDMA_OK);	/* and the rings */
	assert_int_equal(dev_write(&rig, IOVA_BASE + 2 * PAGE, 8 * PAGE, SOFTDMA_OK), 0);
	assert_ok(viopf_unmap(rig.c, IOVA_BASE, SIZE, NULL));
	assert_int_equal(mdev_state(&m).nr_unmaps, 1);
	assert_int_equal(locked_pages(), 0);
	assert_int_equal(rig_stats(&rig).pinned_pages, 0);
	verify_residency();
	mdev_close(&m);
	rig_close(&rig);
}

/* A driver that keeps what is unmapped: the machine lives, and the pages stay its. */
static void keeps_pins(void)
{
	struct box box;
	uint64_t pfn;

	box_open(&box);
	assert_int_equal(mdev_pin(&box.m, IOVA_BASE, 1, RW, &pfn), 1);
	mdev_set_flags(&box.m, SOFTMDEV_KEEP_PINS);
	assert_ok(viopf_unmap(box.c, IOVA_BASE, SIZE, NULL));
	assert_true(mdev_state(&box.m).nr_unmaps > 1);
	assert_int_equal(locked_pages(), 0);
	assert_int_equal(page_pfn(box.p), pfn);
	box_close(&box);
}

/* Drivers that keep pins in several mappings are asked in vain some times, by either way. */
static void keeps_pins_in_two_mappings(void)
{
	uint64_t bits[2], bytes;
	unsigned int i;
	struct box box;

	box_open(&box);
	mdev_set_flags(&box.m, SOFTMDEV_KEEP_PINS);
	assert_ok(viopf_dirty_start(box.c));
	for (i = 0; i < 2; i++) {
		uint64_t told = mdev_state(&box.m).nr_unmaps;

		assert_ok(viopf_map(box.c, box.p, IOVA_BASE + 2 * SIZE, SIZE, VIOPF_READ));
		assert_int_equal(mdev_pin(&box.m, IOVA_BASE + i * PAGE, 1, RW, NULL), 1);
		assert_int_equal(mdev_pin(&box.m, IOVA_BASE + 2 * SIZE + i * PAGE, 1,
					  SOFTMDEV_READ, NULL), 1);
		if (i)
			assert_ok(viopf_dirty_unmap(box.c, IOVA_BASE, 4 * SIZE, bits, &bytes));
		else
			assert_ok(viopf_unmap_all(box.c, &bytes));
		assert_int_equal(bytes, 2 * SIZE);
		assert_true(mdev_state(&box.m).nr_unmaps >= told + 4);
		assert_true(mdev_state(&box.m).nr_unmaps <= told + 40);
		assert_int_equal(locked_pages(), 0);
		assert_ok(viopf_map(box.c, box.p, IOVA_BASE, SIZE, VIOPF_READ | VIOPF_WRITE));
	}
	/* What a driver that keeps it may write is in the last answer. */
	assert_true(area_bit(bits, 1));
	box_close(&box);
}

/* A driver gives up as many mappings as there are: that it is asked often is no offence. */
static void gives_up_many_mappings(void)
{
	uint64_t bytes;
	unsigned int i;
	struct box box;

	box_open(&box);
	for (i = 0; i < 3 * NR_PAGES; i++) {
		uint64_t iova = IOVA_BASE + 2 * SIZE + 2 * i * PAGE;

		assert_ok(viopf_map(box.c, box.p, iova, PAGE, VIOPF_READ));
		assert_int_equal(mdev_pin(&box.m, iova, 1, SOFTMDEV_READ, NULL), 1);
	}
	assert_ok(viopf_unmap_all(box.c, &bytes));
	assert_int_equal(bytes, SIZE + i * PAGE);
	assert_int_equal(mdev_state(&box.m).nr_unmaps, i);
	assert_int_equal(mdev_state(&box.m).nr_pins, 0);
	box_close(&box);
}

struct unmapping {
	int fd;
	uint64_t *bits;
	int ret;
};

/* By the kernel's call, as the library's looks at the bitmap itself. */
static void *unmap_with_bitmap(void *arg)
{
	struct unmapping *u = arg;
	struct {
		struct vfio_iommu_type1_dma_unmap unmap;
		struct vfio_bitmap bitmap;
	} call = {
		.unmap.argsz = sizeof(call),
		.unmap.flags = VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP,
		.unmap.iova = IOVA_BASE,
		.unmap.size = SIZE,
		.bitmap = { .pgsize = PAGE, .size = 8, .data = (__u64 *)u->bits },
	};

	u->ret = ioctl(u->fd, VFIO_IOMMU_UNMAP_DMA, &call);
	return NULL;
}

/* A driver that pins while user space makes room for the bitmap is told of the unmap. */
static void pins_during_unmap(void)
{
	struct unmapping unmapping;
	struct softmdev_state state;
	pthread_t thread;
	struct box box;
	struct uffd u;
	char *at;

	box_open(&box);
	unmapping.fd = viopf_container_fd(box.c);
	unmapping.bits = (uint64_t *)mem_anon(PAGE);
	uffd_register(&u, uffd_open(), unmapping.bits, PAGE, 0);
	assert_ok(viopf_dirty_start(box.c));
	assert_ok(pthread_create(&thread, NULL, unmap_with_bitmap, &unmapping));
	at = uffd_next(&u, 30);
	assert_int_equal(mdev_pin(&box.m, IOVA_BASE + 3 * PAGE, 1, RW, NULL), 1);
	uffd_deliver(&u, at);
	assert_ok(pthread_join(thread, NULL));
	assert_int_equal(unmapping.ret, 0);
	state = mdev_state(&box.m);
	assert_int_equal(state.nr_unmaps, 1);
	assert_int_equal(state.nr_pins, 0);
	assert_int_equal(unmapping.bits[0], 1 << 3);
	box_close(&box);
}

static void assert_dirty(struct box *box, uint64_t want)
{
	uint64_t bits[1] = { ~0ull };

	assert_ok(viopf_dirty_get(box->c, IOVA_BASE, SIZE, bits));
	assert_msg(bits[0] == want, "reported %#llx, not %#llx", (unsigned long long)bits[0],
		   (unsigned long long)want);
}

/* What a driver has pinned it may write at any time, and may have until it unpins. */
static void pinned_is_dirty(void)
{
	char buf[8] = "written";
	struct box box;

	box_open(&box);
	assert_int_equal(mdev_pin(&box.m, IOVA_BASE + PAGE, 2, RW, NULL), 2);
	assert_ok(viopf_dirty_start(box.c));
	assert_dirty(&box, 3 << 1);
	assert_dirty(&box, 3 << 1);
	assert_int_equal(mdev_pin(&box.m, IOVA_BASE + 5 * PAGE, 1, RW, NULL), 1);
	assert_int_equal(mdev_rw(&box.m, IOVA_BASE + 9 * PAGE, buf, sizeof(buf),
				 SOFTMDEV_RW_WRITE), 0);
	assert_dirty(&box, 1 << 9 | 1 << 5 | 3 << 1);
	assert_dirty(&box, 1 << 5 | 3 << 1);
	/* Once more for what is given back, and then no longer. */
	assert_int_equal(mdev_unpin(&box.m, IOVA_BASE + 2 * PAGE, 1), 1);
	assert_dirty(&box, 1 << 5 | 3 << 1);
	assert_dirty(&box, 1 << 5 | 1 << 1);
	assert_int_equal(mdev_unpin(&box.m, IOVA_BASE, NR_PAGES), 2);
	assert_dirty(&box, 1 << 5 | 1 << 1);
	assert_dirty(&box, 0);
	/* Pinned and given back between two answers. */
	assert_int_equal(mdev_pin(&box.m, IOVA_BASE + 7 * PAGE, 1, RW, NULL), 1);
	assert_int_equal(mdev_unpin(&box.m, IOVA_BASE + 7 * PAGE, 1), 1);
	assert_dirty(&box, 1 << 7);
	assert_dirty(&box, 0);
	/* A start forgets what was. */
	assert_int_equal(mdev_pin(&box.m, IOVA_BASE + 4 * PAGE, 1, RW, NULL), 1);
	assert_int_equal(mdev_unpin(&box.m, IOVA_BASE + 4 * PAGE, 1), 1);
	assert_ok(viopf_dirty_stop(box.c));
	assert_ok(viopf_dirty_start(box.c));
	assert_dirty(&box, 0);
	box_close(&box);
}

/* The same of memory whose process is gone, where no notifier can be had. */
static void pinned_is_dirty_without_process(void)
{
	struct viopf_container *c;
	int ready[2], go[2];
	struct mdev m;
	uint64_t bits[1];
	pid_t pid;
	char byte, *p;

	mdev_load(1);
	assert_ok(viopf_container_new(&c));
	assert_int_equal(mdev_attach(&m, 0, viopf_container_fd(c)), 0);
	assert_ok(viopf_set_iommu(c, *(const unsigned long *)case_arg()));
	mdev_open(&m);
	p = mem_shared(SIZE);
	assert_ok(pipe(ready));
	assert_ok(pipe(go));
	pid = fork();
	if (!pid) {
		if (viopf_map(c, p, IOVA_BASE, SIZE, VIOPF_READ | VIOPF_WRITE) ||
		    write(ready[1], "r", 1) != 1 || read(go[0], &byte, 1) != 1)
			_exit(1);
		_exit(0);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(mdev_pin(&m, IOVA_BASE + PAGE, 1, RW, NULL), 1);
	assert_int_equal(write(go[1], "g", 1), 1);
	child_wait(pid, 30);
	assert_ok(viopf_dirty_start(c));
	assert_ok(viopf_dirty_get(c, IOVA_BASE, SIZE, bits));
	assert_int_equal(bits[0], 1 << 1);
	assert_ok(viopf_dirty_get(c, IOVA_BASE, SIZE, bits));
	assert_int_equal(bits[0], 1 << 1);
	assert_int_equal(mdev_unpin(&m, IOVA_BASE + PAGE, 1), 1);
	assert_ok(viopf_dirty_get(c, IOVA_BASE, SIZE, bits));
	assert_true(area_bit(bits, 1));
	assert_ok(viopf_dirty_get(c, IOVA_BASE, SIZE, bits));
	assert_int_equal(bits[0], 0);
	mdev_close(&m);
	viopf_container_close(c);
}

/* Beside a device behind an IOMMU, which has the same pages mapped. */
static void pinned_is_dirty_beside(void)
{
	struct area a;
	struct rig rig;
	struct mdev m;
	int i;

	mdev_load(1);
	rig_open(&rig, 1);
	area_open(&a, &rig, mem_anon(SIZE), IOVA_BASE, SIZE);
	mdev_join(&m, 0, viopf_container_fd(rig.c));
	assert_int_equal(mdev_pin(&m, IOVA_BASE + PAGE, 2, RW, NULL), 2);
	assert_ok(viopf_dirty_start(rig.c));
	for (i = 0; i < 3; i++) {
		area_write(&a, 8 + i, 1);
		a.dirty[1] = 1;
		a.dirty[2] = 1;
		area_check(&a);
	}
	assert_int_equal(mdev_unpin(&m, IOVA_BASE, NR_PAGES), 2);
	a.dirty[1] = 1;
	a.dirty[2] = 1;
	area_check(&a);
	area_write(&a, 2, 1);
	area_check(&a);
	area_check(&a);
	mdev_close(&m);
	rig_close(&rig);
}

/* Beside a device behind an IOMMU, whose driver is not one to tell. */
static void unmapped_beside(void)
{
	struct rig rig;
	struct mdev m;

	mdev_load(1);
	rig_open(&rig, 1);
	rig_map(&rig, mem_anon(SIZE), IOVA_BASE, SIZE);
	mdev_join(&m, 0, viopf_container_fd(rig.c));
	assert_int_equal(mdev_pin(&m, IOVA_BASE + PAGE, 2, RW, NULL), 2);
	assert_ok(viopf_unmap(rig.c, IOVA_BASE, SIZE, NULL));
	assert_int_equal(mdev_state(&m).nr_unmaps, 1);
	assert_int_equal(mdev_state(&m).nr_pins, 0);
	mdev_close(&m);
	rig_close(&rig);
}

#define TYPE1(name_, run_)	CASE("R15 type1: " name_, run_, .arg = &type1)
#define OURS(name_, run_)	CASE("R15 ours: " name_, run_, .arg = &iopf)

/* What is mapped may go without the driver being told: so no pages for it. */
static void not_by_the_first_rules(void)
{
	struct box box;

	box_open(&box);
	assert_int_equal(mdev_pin(&box.m, IOVA_BASE, 1, RW, NULL), -EACCES);
	assert_int_equal(locked_pages(), 0);
	box_close(&box);
}

static const struct suite_case cases[] = {
	TYPE1("a container without an IOMMU", no_iommu),
	OURS("a container without an IOMMU", no_iommu),
	TYPE1("pins are charged once a page", charged_once),
	OURS("pins are charged once a page", charged_once),
	TYPE1("pins end at the limit", limited),
	OURS("pins end at the limit", limited),
	TYPE1("bad pins are refused", refused),
	OURS("bad pins are refused", refused),
	TYPE1("an unmap is announced, and pins end", unmapped),
	OURS("an unmap is announced, and pins end", unmapped),
	TYPE1("copies, across mappings", copies),
	OURS("copies, across mappings", copies),
	OURS("below a stack nothing is pinned or copied, without a word", below_a_stack),
	TYPE1("another process's mapping", of_a_child),
	OURS("another process's mapping", of_a_child),
	CASE("R15 no page request for what a driver has pinned", no_page_request, .iopf = EXACT),
	CASE("R15 R11 counted once while demand paging goes off and on", while_it_changes,
	     .iopf = EXACT),
	CASE("R15 a driver that keeps its pins", keeps_pins, .arg = &iopf),
	CASE("R15 a driver that keeps pins in two mappings", keeps_pins_in_two_mappings,
	     .arg = &iopf),
	CASE("R15 many mappings are given up", gives_up_many_mappings, .arg = &iopf),
	CASE("R15 R13 a pin while the bitmap is waited for", pins_during_unmap, .arg = &iopf),
	CASE("R13 R15 type1: pinned pages are dirty each time", pinned_is_dirty, .arg = &type1),
	CASE("R13 R15 ours: pinned pages are dirty each time", pinned_is_dirty, .arg = &iopf),
	CASE("R13 R15 type1: pinned pages of a process that is gone",
	     pinned_is_dirty_without_process, .arg = &type1),
	CASE("R13 R15 ours: pinned pages of a process that is gone",
	     pinned_is_dirty_without_process, .arg = &iopf),
	CASE("R13 R15 pinned pages beside an IOMMU are dirty each time", pinned_is_dirty_beside),
	CASE("R15 unmapped beside an IOMMU", unmapped_beside),
	CASE("R15 type1: no pins by the rules of type1 v1", not_by_the_first_rules,
	     .arg = &first_type1),
	CASE("R15 takeover: no pins by the rules of type1 v1", not_by_the_first_rules,
	     .arg = &first_type1, .iopf = "takeover=1"),
};

int main(int argc, char **argv)
{
	return SUITE(cases, argc, argv);
}
