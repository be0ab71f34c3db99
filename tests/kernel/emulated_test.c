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

#include "locking.h"
#include "mdev.h"
#include "rig.h"

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
	rig_open(&rig, 1);
	p = mem_anon(SIZE);
	rig_map(&rig, p, IOVA_BASE, SIZE);
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
	TYPE1("another process's mapping", of_a_child),
	OURS("another process's mapping", of_a_child),
	CASE("R15 no page request for what a driver has pinned", no_page_request, .iopf = EXACT),
	CASE("R15 R11 counted once while demand paging goes off and on", while_it_changes,
	     .iopf = EXACT),
	CASE("R15 a driver that keeps its pins", keeps_pins, .arg = &iopf),
	CASE("R15 type1: no pins by the rules of type1 v1", not_by_the_first_rules,
	     .arg = &first_type1),
	CASE("R15 takeover: no pins by the rules of type1 v1", not_by_the_first_rules,
	     .arg = &first_type1, .iopf = "takeover=1"),
};

int main(int argc, char **argv)
{
	return SUITE(cases, argc, argv);
}
