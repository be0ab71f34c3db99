// SPDX-License-Identifier: GPL-2.0-only
/*
 * The software IOMMU's own dirty bits (soft/softiommu.h, I8): which leaves they say
 * were written, and what an IOTLB that nobody flushed makes of them. Mappings are made
 * by the kernel's own type1, which knows nothing of dirty bits; they are read through
 * debugfs.
 *
 * LANE: stock
 */
#include <errno.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "rig.h"

#define DIRTY		"/sys/kernel/debug/softiommu/dirty"
#define NR_PAGES	32
#define SIZE		(NR_PAGES * PAGE)

struct dirty {
	unsigned long long pages, first, last;
};

static int dirty_command(const char *verb, uint64_t iova, unsigned int pages)
{
	char text[64];

	snprintf(text, sizeof(text), "%s %llx %u\n", verb, (unsigned long long)iova, pages);
	return file_write(DIRTY, text);
}

/* The dirty pages of a range; "get" makes them clean. */
static struct dirty dirty_read(const char *verb, uint64_t iova, unsigned int pages)
{
	struct dirty found;
	char text[64];
	int n;

	assert_int_equal(dirty_command(verb, iova, pages), 0);
	assert_int_equal(file_read(DIRTY, text, sizeof(text)), 0);
	n = sscanf(text, "%llu %llx %llx", &found.pages, &found.first, &found.last);
	if (n != 3)
		fail_msg("not a result: %s", text);
	return found;
}

static unsigned long long dirty_get(void)
{
	return dirty_read("get", IOVA_BASE, NR_PAGES).pages;
}

/* Exactly this page of the buffer has been written since. */
static void assert_only(unsigned int page)
{
	struct dirty found = dirty_read("get", IOVA_BASE, NR_PAGES);

	assert_int_equal(found.pages, 1);
	assert_int_equal(found.first, IOVA_BASE + page * PAGE);
	assert_int_equal(found.last, found.first);
}

static void page_write(struct rig *rig, unsigned int page)
{
	dev_write(rig, IOVA_BASE + page * PAGE, 8, SOFTDMA_OK);
}

/* One device, tracking on, a buffer that is clean but has been written before. */
static char *open_tracking(struct rig *rig, unsigned int nr)
{
	char *p = mem_anon(SIZE);

	memset(p, 1, SIZE);
	rig_open_as(rig, 0, nr, VFIO_TYPE1v2_IOMMU);
	rig_map(rig, p, IOVA_BASE, SIZE);
	dev_fill(rig, IOVA_BASE, SIZE, 1);
	assert_int_equal(file_write(DIRTY, "on\n"), 0);
	assert_int_equal(dirty_get(), 0);
	return p;
}

static void writes_are_seen(void)
{
	struct softdma_desc desc;
	struct rig rig;

	open_tracking(&rig, 1);
	dev_read(&rig, IOVA_BASE, SIZE, SOFTDMA_OK);
	assert_int_equal(dirty_get(), 0);

	page_write(&rig, 5);
	assert_int_equal(dirty_read("peek", IOVA_BASE, NR_PAGES).pages, 1);
	assert_only(5);
	assert_int_equal(dirty_get(), 0);
	/* Again, by way of the same translations. */
	page_write(&rig, 5);
	assert_only(5);

	/* The destination only, from its first byte to its last. */
	desc = sdma_copy(IOVA_BASE + 8 * PAGE - 1, IOVA_BASE + 20 * PAGE, PAGE + 2);
	rig_do(&rig, &desc, SOFTDMA_OK);
	assert_int_equal(dirty_read("peek", IOVA_BASE, NR_PAGES).first, IOVA_BASE + 7 * PAGE);
	assert_int_equal(dirty_read("peek", IOVA_BASE, NR_PAGES).last, IOVA_BASE + 9 * PAGE);
	assert_int_equal(dirty_get(), 3);
	desc = sdma_atomic_add(IOVA_BASE + 31 * PAGE, 1);
	rig_do(&rig, &desc, SOFTDMA_OK);
	assert_only(31);

	/* The completion of a descriptor is a write as well. */
	assert_int_equal(dirty_read("get", IOVA_RINGS, 1).pages, 1);
	rig_close(&rig);
}

/* Every lane that remembers a dirty page is told. */
static void every_lane(void)
{
	struct rig rig;
	unsigned int i, q;

	open_tracking(&rig, 2);
	for (i = 0; i < 2; i++)
		for (q = 1; q < SOFTDMA_QUEUES; q++)
			rig_start_queue(&rig, i, q);
	for (i = 0; i < 2; i++) {
		for (q = 0; q < SOFTDMA_QUEUES; q++) {
			struct softdma_desc fill = sdma_fill(IOVA_BASE + PAGE, 8, 1, 0);

			assert_int_equal(sdma_do(&rig.dma[i].q[q], &fill, DMA_LIMIT_MS),
					 SOFTDMA_OK);
			assert_only(1);
		}
	}
	rig_close(&rig);
}

/* Without the flush, a dirty translation hides later writes to what was cleared. */
static void a_flush_is_needed(void)
{
	struct rig rig;

	open_tracking(&rig, 1);
	page_write(&rig, 3);
	softiommu_set("skip_flush", "1\n");
	assert_only(3);
	page_write(&rig, 3);
	assert_int_equal(dirty_get(), 0);
	/* A translation that is not dirty hides nothing. */
	dev_read(&rig, IOVA_BASE + 4 * PAGE, 8, SOFTDMA_OK);
	page_write(&rig, 4);
	assert_only(4);

	softiommu_set("skip_flush", "0\n");
	assert_int_equal(file_write(DIRTY, "on\n"), 0);
	page_write(&rig, 3);
	assert_only(3);
	rig_close(&rig);
}

static void off_and_on(void)
{
	struct rig rig;

	open_tracking(&rig, 1);
	page_write(&rig, 1);
	assert_int_equal(file_write(DIRTY, "off\n"), 0);
	page_write(&rig, 2);
	/* What was dirty stays so until somebody reads it. */
	assert_only(1);
	page_write(&rig, 1);
	assert_int_equal(file_write(DIRTY, "on\n"), 0);
	assert_int_equal(dirty_get(), 0);
	page_write(&rig, 2);
	assert_only(2);
	rig_close(&rig);
}

/* A large leaf is dirty as a whole, and cleared as a whole. */
static void large_leaves(void)
{
	char *p = mem_huge(2 * HUGE);
	struct dirty found;
	struct rig rig;

	memset(p, 1, 2 * HUGE);
	rig_open_as(&rig, 0, 1, VFIO_TYPE1v2_IOMMU);
	rig_map(&rig, p, IOVA_BASE, 2 * HUGE);
	if (softiommu_stat("leaves_2m") != 2)
		skip_because("no huge pages to be had");
	assert_int_equal(file_write(DIRTY, "on\n"), 0);
	dev_write(&rig, IOVA_BASE + HUGE + 7 * PAGE, 8, SOFTDMA_OK);
	found = dirty_read("peek", IOVA_BASE, 1024);
	assert_int_equal(found.pages, 512);
	assert_int_equal(found.first, IOVA_BASE + HUGE);
	assert_int_equal(dirty_read("get", IOVA_BASE + HUGE + 9 * PAGE, 2).pages, 2);
	assert_int_equal(dirty_read("get", IOVA_BASE, 1024).pages, 0);
	rig_close(&rig);
}

/* What cannot be read, or is not there. */
static void refusals(void)
{
	struct rig rig;
	char *p = open_tracking(&rig, 1);

	assert_int_equal(dirty_read("get", 0, 65536).pages, 0);
	assert_int_equal(dirty_command("get", IOVA_BASE, 0), -EINVAL);
	assert_int_equal(dirty_command("get", IOVA_BASE, 65537), -EINVAL);
	assert_int_equal(dirty_command("get", IOVA_BASE + 8, 1), -EINVAL);
	assert_int_equal(dirty_command("get", 1ull << 48, 1), -EINVAL);
	assert_int_equal(dirty_command("look", IOVA_BASE, 1), -EINVAL);

	/* A write that is refused is none. */
	assert_ok(viopf_map(rig.c, p, IOVA_BASE + SIZE, PAGE, VIOPF_READ));
	dev_write(&rig, IOVA_BASE + SIZE, 8, SOFTDMA_FAULT_INVALID);
	assert_int_equal(dirty_read("get", IOVA_BASE + SIZE, 1).pages, 0);
	/* Unmapping forgets. */
	page_write(&rig, 0);
	assert_ok(viopf_unmap(rig.c, IOVA_BASE, SIZE, NULL));
	rig_map(&rig, p, IOVA_BASE, SIZE);
	assert_int_equal(dirty_get(), 0);
	rig_close(&rig);
	assert_int_equal(dirty_command("get", IOVA_BASE, 1), -ENODEV);
}

static void not_on_offer(void)
{
	struct rig rig;

	rig_open_as(&rig, 0, 1, VFIO_TYPE1v2_IOMMU);
	assert_int_equal(file_write(DIRTY, "on\n"), -EOPNOTSUPP);
	assert_int_equal(dirty_command("get", IOVA_BASE, 1), -EOPNOTSUPP);
	rig_close(&rig);
	/* It can be, for domains made from then on. */
	assert_int_equal(file_write("/sys/module/softiommu/parameters/dirty_tracking", "1\n"), 0);
	open_tracking(&rig, 1);
	page_write(&rig, 1);
	assert_only(1);
	rig_close(&rig);
}

#define TRACKING	.softiommu = "dirty_tracking=1"

static const struct suite_case cases[] = {
	CASE("I8 writes make leaves dirty, reads do not", writes_are_seen, TRACKING),
	CASE("I8 every queue of every device", every_lane, TRACKING),
	CASE("I8 clearing shows later writes after a flush only", a_flush_is_needed, TRACKING),
	CASE("I8 tracking is switched off and on", off_and_on, TRACKING),
	CASE("I8 a large leaf is dirty as a whole", large_leaves, TRACKING),
	CASE("I8 what is not written is not dirty", refusals, TRACKING),
	CASE("I8 not there unless asked for", not_on_offer),
};

int main(int argc, char **argv)
{
	return SUITE(cases, argc, argv);
}
