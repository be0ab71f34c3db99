// SPDX-License-Identifier: GPL-2.0-only
/*
 * The software mediated device by its promises (soft/softmdev.h, M1 and so on), in
 * containers of the kernel's own type1: nothing of the product is involved. What
 * is found out here of type1 is what a backend in its place has to do.
 *
 * LANES: uml-debug
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
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

/* A container with one device and one buffer of pattern 7, mapped at IOVA_BASE. */
struct box {
	struct viopf_container *c;
	struct mdev m;
	char *p;
};

static void box_open_sized(struct box *box, size_t size)
{
	mdev_load(1);
	assert_ok(viopf_container_new(&box->c));
	assert_int_equal(mdev_attach(&box->m, 0, viopf_container_fd(box->c)), 0);
	assert_ok(viopf_set_iommu(box->c, VFIO_TYPE1v2_IOMMU));
	mdev_open(&box->m);
	box->p = mem_anon(size);
	sdma_pattern_fill(box->p, size, 7, 0);
	assert_ok(viopf_map(box->c, box->p, IOVA_BASE, size, VIOPF_READ | VIOPF_WRITE));
}

static void box_open(struct box *box)
{
	box_open_sized(box, SIZE);
}

static void box_close(struct box *box)
{
	mdev_close(&box->m);
	viopf_container_close(box->c);
	munmap(box->p, SIZE);
}

static void assert_pins(struct box *box, unsigned int pages, unsigned int pins)
{
	struct softmdev_state state = mdev_state(&box->m);

	assert_int_equal(state.pinned_pages, pages);
	assert_int_equal(state.nr_pins, pins);
}

static void identity(void)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };
	struct viopf_container *c;
	struct mdev m[2];
	unsigned int i;

	mdev_load(2);
	assert_ok(viopf_container_new(&c));
	for (i = 0; i < 2; i++)
		assert_int_equal(mdev_attach(&m[i], i, viopf_container_fd(c)), 0);
	assert_ok(viopf_set_iommu(c, VFIO_TYPE1v2_IOMMU));
	for (i = 0; i < 2; i++)
		mdev_open(&m[i]);
	assert_ok(ioctl(m[0].fd, VFIO_DEVICE_GET_INFO, &info));
	assert_int_equal(info.num_regions | info.num_irqs | info.flags, 0);
	assert_int_equal(ioctl(m[0].fd, VFIO_DEVICE_RESET), -1);
	assert_int_equal(errno, ENOTTY);
	assert_int_equal(module_remove("softmdev"), -EWOULDBLOCK);
	for (i = 0; i < 2; i++)
		mdev_close(&m[i]);
	assert_int_equal(module_remove("softmdev"), 0);
	viopf_container_close(c);
}

/* The pages are the client's, stay where they are, and are given back. */
static void pins(void)
{
	uint64_t pfns[NR_PAGES];
	struct box box;
	size_t i;

	box_open(&box);
	assert_int_equal(mdev_pin(&box.m, IOVA_BASE, NR_PAGES, RW, pfns), NR_PAGES);
	for (i = 0; i < NR_PAGES; i++)
		assert_int_equal(pfns[i], page_pfn(box.p + i * PAGE));
	assert_pins(&box, NR_PAGES, NR_PAGES);

	/* Again, from within a page: counted, and not pinned twice by type1. */
	assert_int_equal(mdev_pin(&box.m, IOVA_BASE + PAGE + 5, 2, SOFTMDEV_READ, NULL), 2);
	assert_pins(&box, NR_PAGES, NR_PAGES + 2);
	assert_int_equal(mdev_unpin(&box.m, IOVA_BASE, NR_PAGES), NR_PAGES);
	assert_pins(&box, 2, 2);
	assert_int_equal(mdev_unpin(&box.m, IOVA_BASE, NR_PAGES), 2);
	assert_int_equal(mdev_unpin(&box.m, IOVA_BASE, NR_PAGES), 0);
	assert_pins(&box, 0, 0);
	box_close(&box);
}

/* Charged to the locked-memory limit, and only what is pinned: no map pins. */
static void pins_are_charged(void)
{
	long locked, pinned;
	struct box box;

	box_open(&box);
	locked = status_kb("VmLck");
	pinned = status_kb("VmPin");
	assert_int_equal(mdev_pin(&box.m, IOVA_BASE, 4, RW, NULL), 4);
	assert_int_equal(mdev_pin(&box.m, IOVA_BASE, 4, RW, NULL), 4);
	assert_int_equal(status_kb("VmLck") + status_kb("VmPin"), locked + pinned + 16);
	assert_int_equal(mdev_unpin(&box.m, IOVA_BASE, 4), 4);
	assert_int_equal(status_kb("VmLck") + status_kb("VmPin"), locked + pinned + 16);
	assert_int_equal(mdev_unpin(&box.m, IOVA_BASE, 4), 4);
	assert_int_equal(status_kb("VmLck") + status_kb("VmPin"), locked + pinned);
	box_close(&box);
}

/* All or nothing. */
static void pins_to_the_limit(void)
{
	struct box box;

	limit_locking(8 * PAGE);
	box_open(&box);
	assert_int_equal(mdev_pin(&box.m, IOVA_BASE, 9, RW, NULL), -ENOMEM);
	assert_pins(&box, 0, 0);
	assert_int_equal(mdev_pin(&box.m, IOVA_BASE, 8, RW, NULL), 8);
	assert_int_equal(mdev_pin(&box.m, IOVA_BASE + SIZE - PAGE, 1, RW, NULL), -ENOMEM);
	assert_int_equal(mdev_pin(&box.m, IOVA_BASE, 8, RW, NULL), 8);
	box_close(&box);
}

static void bad_pins(void)
{
	uint64_t *nowhere = (uint64_t *)8;
	struct box box;

	box_open(&box);
	assert_ok(viopf_map(box.c, box.p, IOVA_BASE + SIZE, PAGE, VIOPF_READ));
	assert_int_equal(mdev_pin(&box.m, IOVA_BASE, 0, RW, NULL), -EINVAL);
	assert_int_equal(mdev_pin(&box.m, IOVA_BASE, 1025, RW, NULL), -EINVAL);
	assert_int_equal(mdev_pin(&box.m, IOVA_BASE, 513, RW, NULL), -E2BIG);
	assert_int_equal(mdev_pin(&box.m, IOVA_BASE, 1, 0, NULL), -EINVAL);
	assert_int_equal(mdev_pin(&box.m, IOVA_BASE, 1, 4, NULL), -EINVAL);
	assert_int_equal(mdev_pin(&box.m, ~0ull - PAGE, 2, RW, NULL), -EINVAL);
	assert_int_equal(mdev_pin(&box.m, IOVA_BASE - PAGE, 2, RW, NULL), -EINVAL);
	assert_int_equal(mdev_pin(&box.m, IOVA_BASE + SIZE, 1, RW, NULL), -EPERM);
	assert_int_equal(mdev_pin(&box.m, IOVA_BASE + SIZE - PAGE, 2, SOFTMDEV_READ, NULL), 2);
	assert_pins(&box, 2, 2);
	assert_int_equal(mdev_unpin(&box.m, IOVA_BASE, NR_PAGES + 1), 2);
	assert_int_equal(mdev_pin(&box.m, IOVA_BASE, 1, RW, nowhere), -EFAULT);
	assert_pins(&box, 0, 0);
	/* What is mapped but is no memory any more. */
	assert_ok(munmap(box.p + SIZE - PAGE, PAGE));
	assert_int_equal(mdev_pin(&box.m, IOVA_BASE, NR_PAGES, RW, NULL), -EFAULT);
	assert_pins(&box, 0, 0);
	box_close(&box);
}

/* Both ways, by copying and by the pinned pages, here and in a kernel thread. */
static void copies(void)
{
	static const unsigned int how[] = {
		0, SOFTMDEV_RW_KTHREAD, SOFTMDEV_RW_PINNED,
		SOFTMDEV_RW_PINNED | SOFTMDEV_RW_KTHREAD,
	};
	static char buf[SIZE];
	struct box box;
	size_t i, n = SIZE - 2 * PAGE;

	box_open(&box);
	assert_int_equal(mdev_pin(&box.m, IOVA_BASE, NR_PAGES, RW, NULL), NR_PAGES);
	for (i = 0; i < ARRAY_SIZE(how); i++) {
		memset(buf, 0, sizeof(buf));
		assert_int_equal(mdev_rw(&box.m, IOVA_BASE + 77, buf, n, how[i]), 0);
		assert_memory_equal(buf, box.p + 77, n);
		sdma_pattern_fill(buf, SIZE, 100 + i, 0);
		assert_int_equal(mdev_rw(&box.m, IOVA_BASE + 3, buf, n,
					 how[i] | SOFTMDEV_RW_WRITE), 0);
		assert_memory_equal(buf, box.p + 3, n);
	}
	box_close(&box);
}

static void bad_copies(void)
{
	static char buf[SIZE];
	struct box box;

	box_open(&box);
	assert_ok(viopf_map(box.c, box.p, IOVA_BASE + SIZE, PAGE, VIOPF_READ));
	assert_int_equal(mdev_rw(&box.m, IOVA_BASE, buf, 0, 0), -EINVAL);
	assert_int_equal(mdev_rw(&box.m, IOVA_BASE, buf, SOFTMDEV_MAX_RW + 1, 0), -EINVAL);
	assert_int_equal(mdev_rw(&box.m, IOVA_BASE, buf, 8, 8), -EINVAL);
	assert_int_equal(mdev_rw(&box.m, ~0ull - 4, buf, 8, 0), -EINVAL);
	assert_int_equal(mdev_rw(&box.m, IOVA_BASE, (void *)8, 8, 0), -EFAULT);
	assert_int_equal(mdev_rw(&box.m, IOVA_BASE - 4, buf, 8, 0), -EINVAL);
	assert_int_equal(mdev_rw(&box.m, IOVA_BASE, buf, 8, SOFTMDEV_RW_PINNED), -ENXIO);
	/* Into what is mapped for reading, from the mapping before it. */
	assert_int_equal(mdev_rw(&box.m, IOVA_BASE + SIZE - 4, buf, 8, 0), 0);
	assert_int_equal(mdev_rw(&box.m, IOVA_BASE + SIZE - 4, buf, 8, SOFTMDEV_RW_WRITE),
			 -EPERM);
	assert_ok(munmap(box.p + SIZE - PAGE, PAGE));
	assert_int_equal(mdev_rw(&box.m, IOVA_BASE + SIZE - PAGE, buf, 8, 0), -EFAULT);
	box_close(&box);
}

/*
 * type1 takes two locks in one order where a device is opened, and in the other where
 * a device unpins what is about to be unmapped, as it must.
 */
static void without_lockdep(void)
{
	if (!access("/proc/lockdep", F_OK))
		skip_because("the kernel's own type1 would be reported for its locks");
}

/* The device hears of an unmap where it has pins, before, and gives them back. */
static void unmaps(void)
{
	struct softmdev_state state;
	uint64_t unmapped;
	struct box box;
	long locked;

	without_lockdep();
	box_open(&box);
	/* Forgotten when the device is opened anew. */
	mdev_set_flags(&box.m, SOFTMDEV_KEEP_PINS);
	mdev_close_device(&box.m);
	mdev_open(&box.m);
	locked = status_kb("VmLck");
	assert_ok(viopf_map(box.c, box.p, IOVA_BASE + SIZE, SIZE, VIOPF_READ));
	assert_int_equal(mdev_pin(&box.m, IOVA_BASE + PAGE, 3, RW, NULL), 3);
	assert_int_equal(mdev_pin(&box.m, IOVA_BASE + PAGE, 1, RW, NULL), 1);
	assert_int_equal(mdev_pin(&box.m, IOVA_BASE + SIZE, 1, SOFTMDEV_READ, NULL), 1);
	assert_int_equal(mdev_state(&box.m).nr_unmaps, 0);

	assert_ok(viopf_unmap(box.c, IOVA_BASE, SIZE, &unmapped));
	assert_int_equal(unmapped, SIZE);
	state = mdev_state(&box.m);
	assert_true(state.nr_unmaps >= 1);
	assert_int_equal(state.unmaps[0].iova, IOVA_BASE);
	assert_int_equal(state.unmaps[0].len, SIZE);
	assert_pins(&box, 1, 1);

	/* No pin any more, nothing to be told of. */
	assert_int_equal(mdev_unpin(&box.m, IOVA_BASE + SIZE, 1), 1);
	assert_ok(viopf_unmap(box.c, IOVA_BASE + SIZE, SIZE, &unmapped));
	assert_int_equal(unmapped, SIZE);
	assert_int_equal(mdev_state(&box.m).nr_unmaps, state.nr_unmaps);
	assert_int_equal(status_kb("VmLck"), locked);
	box_close(&box);
}

static void closing(void)
{
	struct box box;
	long locked;

	box_open(&box);
	locked = status_kb("VmLck");
	mdev_set_flags(&box.m, SOFTMDEV_KEEP_PINS);
	assert_int_equal(mdev_pin(&box.m, IOVA_BASE, NR_PAGES, RW, NULL), NR_PAGES);
	assert_int_equal(mdev_pin(&box.m, IOVA_BASE, NR_PAGES, RW, NULL), NR_PAGES);
	mdev_close_device(&box.m);
	assert_int_equal(status_kb("VmLck"), locked);

	mdev_open(&box.m);
	assert_pins(&box, 0, 0);
	assert_int_equal(mdev_pin(&box.m, IOVA_BASE, 1, RW, NULL), 1);
	box_close(&box);
}

/* Beside a device with an IOMMU, for which the pages are pinned anyway. */
static void beside_dma(void)
{
	struct softdma_desc desc;
	struct rig rig;
	struct mdev m;
	long locked;
	char *p;

	without_lockdep();
	mdev_load(1);
	rig_open_as(&rig, 0, 1, VFIO_TYPE1v2_IOMMU);
	p = mem_anon(SIZE);
	rig_map(&rig, p, IOVA_BASE, SIZE);
	mdev_join(&m, 0, viopf_container_fd(rig.c));
	locked = status_kb("VmLck");
	assert_int_equal(mdev_pin(&m, IOVA_BASE, NR_PAGES, RW, NULL), NR_PAGES);
	assert_int_equal(status_kb("VmLck"), locked);
	desc = sdma_fill(IOVA_BASE, SIZE, 9, 0);
	rig_do(&rig, &desc, SOFTDMA_OK);
	cpu_check(p, SIZE, 9);
	assert_ok(viopf_unmap(rig.c, IOVA_BASE, SIZE, NULL));
	assert_true(mdev_state(&m).nr_unmaps >= 1);
	mdev_close(&m);
	rig_close(&rig);
}

static const struct suite_case cases[] = {
	CASE("M1 devices, groups and the module", identity),
	CASE("M2 pages are pinned, counted and given back", pins),
	CASE("M2 type1 charges what is pinned", pins_are_charged),
	CASE("M2 type1 pins to the limit", pins_to_the_limit),
	CASE("M2 bad pins are refused and pin nothing", bad_pins),
	CASE("M5 copies both ways", copies),
	CASE("M5 bad copies are refused", bad_copies),
	CASE("M3 an unmap is announced, and pins end", unmaps),
	CASE("M4 closing gives all pins back", closing),
	CASE("M2 M3 beside a device that has an IOMMU", beside_dma),
};

int main(int argc, char **argv)
{
	return SUITE(cases, argc, argv);
}
