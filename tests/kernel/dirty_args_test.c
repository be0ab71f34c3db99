// SPDX-License-Identifier: GPL-2.0-only
/*
 * VFIO_IOMMU_DIRTY_PAGES and UNMAP_DMA's dirty bitmap as calls: what they refuse, how
 * they lay a bitmap out, and what becomes of bits that can't be delivered. Where
 * the kernel's own type1 answers the same, it is asked too.
 *
 * LANES: uml uml-debug
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "area.h"
#include "softmm.h"
#include "withheld.h"

#define NR_PAGES	256u
#define SIZE		(NR_PAGES * PAGE)
#define MAX_BYTES	(256ull << 20)		/* of a bitmap, type1's limit */

static int dirty_errno(struct rig *rig, uint32_t argsz, uint32_t flags)
{
	struct vfio_iommu_type1_dirty_bitmap dirty = { .argsz = argsz, .flags = flags };

	return ioctl(viopf_container_fd(rig->c), VFIO_IOMMU_DIRTY_PAGES, &dirty) ? errno : 0;
}

/* One member of a good call is changed; what it is then refused with. */
static void bad_get(struct rig *rig, const struct raw_get *good, void *member, size_t size,
		    uint64_t value, int want)
{
	struct raw_get arg = *good;
	size_t offset = (size_t)((const char *)member - (const char *)good);
	int got;

	memcpy((char *)&arg + offset, &value, size);
	got = raw_get_errno(rig, &arg);
	assert_msg(got == want, "member at %zu = %#llx: errno %d, not %d", offset,
		   (unsigned long long)value, got, want);
}

#define BAD_GET(member, value, want) \
	bad_get(rig, &good, &good.member, sizeof(good.member), (uint64_t)(value), (want))

static void bad_gets(struct rig *rig, uint64_t *bits)
{
	struct raw_get good, wraps;
	int got;

	raw_get_init(&good, SIZE, bits, SIZE / PAGE / 8);
	assert_int_equal(raw_get_errno(rig, &good), 0);
	BAD_GET(dirty.argsz, sizeof(good) - 1, EINVAL);
	BAD_GET(dirty.argsz, sizeof(good.dirty), EINVAL);
	BAD_GET(get.iova, IOVA_BASE + 8, EINVAL);
	BAD_GET(get.iova, IOVA_BASE + PAGE, EINVAL);
	BAD_GET(get.iova, IOVA_BASE - PAGE, EINVAL);
	wraps = good;
	wraps.get.iova = -(uint64_t)PAGE;
	/* Which of them depends on the kernel: see conformance_test. */
	got = raw_get_errno(rig, &wraps);
	assert_true(got == EINVAL || got == EOVERFLOW);
	BAD_GET(get.size, 0, EINVAL);
	BAD_GET(get.size, SIZE - PAGE, EINVAL);
	BAD_GET(get.size, SIZE - 8, EINVAL);
	BAD_GET(get.size, SIZE + PAGE, EINVAL);
	BAD_GET(get.bitmap.pgsize, 512, EINVAL);
	BAD_GET(get.bitmap.pgsize, HUGE, EINVAL);
	BAD_GET(get.bitmap.pgsize, 3 * PAGE, EINVAL);
	BAD_GET(get.bitmap.size, 0, EINVAL);
	BAD_GET(get.bitmap.size, SIZE / PAGE / 8 - 1, EINVAL);
	BAD_GET(get.bitmap.size, MAX_BYTES + 1, EINVAL);
	BAD_GET(get.bitmap.size, SIZE / PAGE / 8 + 5, 0);
	BAD_GET(get.bitmap.data, -(uint64_t)PAGE, EINVAL);
	BAD_GET(get.bitmap.data, 8, EFAULT);
}

static void bad_unmaps(struct rig *rig, uint64_t *bits)
{
	const struct raw_unmap good = {
		.unmap.argsz = sizeof(good),
		.unmap.flags = VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP,
		.unmap.iova = IOVA_BASE,
		.unmap.size = SIZE,
		.bitmap = { .pgsize = PAGE, .size = SIZE / PAGE / 8, .data = (__u64 *)bits },
	};
	struct raw_unmap arg;

#define BAD_UNMAP(member, value, want) \
	do { \
		arg = good; \
		arg.member = (typeof(arg.member))(value); \
		assert_int_equal(raw_unmap_errno(rig, &arg), (want)); \
	} while (0)

	BAD_UNMAP(unmap.argsz, sizeof(good.unmap), EINVAL);
	BAD_UNMAP(unmap.flags, good.unmap.flags | VFIO_DMA_UNMAP_FLAG_ALL, EINVAL);
	BAD_UNMAP(unmap.flags, good.unmap.flags | VFIO_DMA_UNMAP_FLAG_VADDR, EINVAL);
	BAD_UNMAP(unmap.iova, IOVA_BASE + PAGE, EINVAL);
	BAD_UNMAP(unmap.iova, IOVA_BASE + 1, EINVAL);
	BAD_UNMAP(unmap.size, 0, EINVAL);
	BAD_UNMAP(unmap.size, SIZE - PAGE, EINVAL);
	BAD_UNMAP(bitmap.pgsize, HUGE, EINVAL);
	BAD_UNMAP(bitmap.size, 8, EINVAL);
	BAD_UNMAP(bitmap.data, -(uint64_t)PAGE, EINVAL);
	BAD_UNMAP(bitmap.data, 8, EFAULT);
}

/* Whoever asks wrongly gets type1's errno; from type1, too. */
static void bad_arguments(void)
{
	const uint32_t size = sizeof(struct vfio_iommu_type1_dirty_bitmap);
	unsigned long extension = *(const unsigned long *)case_arg();
	/* One that is too large ends in user space all the same. */
	uint64_t *bits = mem_anon(MAX_BYTES + PAGE);
	struct viopf_info info;
	struct rig rig;

	rig_open_as(&rig, 0, 1, extension);
	rig_map(&rig, mem_anon(SIZE), IOVA_BASE, SIZE);
	assert_ok(viopf_get_info(rig.c, &info));
	assert_int_equal(info.dirty_page_sizes, PAGE);
	assert_int_equal(info.dirty_max_bytes, MAX_BYTES);

	assert_int_equal(dirty_errno(&rig, size - 1, 1), EINVAL);
	assert_int_equal(dirty_errno(&rig, size, 0), EINVAL);
	assert_int_equal(dirty_errno(&rig, size, 1 | 2), EINVAL);
	assert_int_equal(dirty_errno(&rig, size, 1 << 3), EINVAL);
	assert_int_equal(dirty_errno(&rig, size, 1 << 31 | 1), EINVAL);
	assert_int_equal(dirty_errno(&rig, size, 4), EINVAL);
	assert_int_equal(dirty_errno(&rig, size, 2), 0);
	assert_int_equal(dirty_errno(&rig, size, 1), 0);
	bad_gets(&rig, bits);
	bad_unmaps(&rig, bits);
	assert_int_equal(dirty_errno(&rig, size, 2), 0);
	dev_fill(&rig, IOVA_BASE, SIZE, 1);
	rig_close(&rig);
}

/* type1 itself shifts by the number of a bit that is not there: not for UBSAN to see. */
static void page_size_zero(void)
{
	struct raw_unmap unmap;
	struct raw_get get;
	uint64_t bits[8];
	struct rig rig;

	rig_open(&rig, 1);
	rig_map(&rig, mem_anon(SIZE), IOVA_BASE, SIZE);
	assert_ok(viopf_dirty_start(rig.c));
	raw_get_init(&get, SIZE, bits, SIZE / PAGE / 8);
	get.get.bitmap.pgsize = 0;
	assert_int_equal(raw_get_errno(&rig, &get), EINVAL);
	raw_unmap_init(&unmap, SIZE, &get.get.bitmap);
	assert_int_equal(raw_unmap_errno(&rig, &unmap), EINVAL);
	rig_close(&rig);
}

/* A bitmap that can't be written costs nothing: its bits come the next time. */
static void nothing_lost_on_failure(void)
{
	struct raw_unmap unmap;
	struct raw_get get;
	struct area a;
	struct rig rig;
	void *bad;

	rig_open(&rig, 1);
	area_open(&a, &rig, mem_anon(SIZE), IOVA_BASE, SIZE);
	rig_map(&rig, mem_anon(SIZE), IOVA_BASE + SIZE, SIZE);
	bad = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ok(viopf_dirty_start(rig.c));
	area_write(&a, 3, 5);
	area_write(&a, 255, 1);
	raw_get_init(&get, SIZE, bad, sizeof(a.bits));
	assert_int_equal(raw_get_errno(&rig, &get), EFAULT);
	assert_int_equal(raw_get_errno(&rig, &get), EFAULT);
	raw_unmap_init(&unmap, 2 * SIZE, &get.get.bitmap);
	assert_int_equal(raw_unmap_errno(&rig, &unmap), EFAULT);
	area_write(&a, 90, 1);
	area_check(&a);
	rig_close(&rig);
}

/* One that there is no memory for just now may be had later: that is another error. */
static void bitmap_without_memory(void)
{
	struct raw_get get;
	struct rig rig;
	uint64_t *bits;

	rig_open(&rig, 1);
	rig_map(&rig, mem_anon(SIZE), IOVA_BASE, SIZE);
	bits = (uint64_t *)softmm_map("memory", PROT_READ | PROT_WRITE);
	assert_ok(viopf_dirty_start(rig.c));
	dev_fill(&rig, IOVA_BASE + 3 * PAGE, PAGE, 1);
	raw_get_init(&get, SIZE, bits, SIZE / PAGE / 8);
	softmm_set("memory_short", "Y");
	assert_int_equal(raw_get_errno(&rig, &get), ENOMEM);
	softmm_set("memory_short", "N");
	assert_int_equal(raw_get_errno(&rig, &get), 0);
	assert_int_equal(bits[0], 1 << 3);
	rig_close(&rig);
}

/*
 * A mapping that the range has come to cut through is not passed over in silence: the
 * answer is the one that the call would get now, and what was dirty still is.
 */
static void changed_meanwhile(void)
{
	struct withheld w = { .size = 2 * SIZE };
	struct area a;
	struct rig rig;
	char *p;

	rig_open(&rig, 1);
	w.rig = &rig;
	w.bits = (uint64_t *)mem_anon(PAGE);
	area_open(&a, &rig, mem_anon(SIZE), IOVA_BASE, SIZE);
	p = mem_anon(2 * SIZE);
	rig_map(&rig, p, IOVA_BASE + SIZE, SIZE);
	assert_ok(viopf_dirty_start(rig.c));
	area_write(&a, 3, 1);
	withheld_start(&w, w.bits);
	assert_ok(viopf_unmap(rig.c, IOVA_BASE + SIZE, SIZE, NULL));
	rig_map(&rig, p, IOVA_BASE + SIZE, 2 * SIZE);
	dev_fill(&rig, IOVA_BASE + SIZE, SIZE, 1);
	assert_int_equal(withheld_end(&w), EINVAL);
	area_check(&a);
	rig_close(&rig);
}

/* One that was mapped anew is reported as it is now. */
static void mapped_anew_meanwhile(void)
{
	struct withheld w = { .size = 2 * SIZE };
	unsigned int page;
	struct area a;
	struct rig rig;

	rig_open(&rig, 1);
	w.rig = &rig;
	w.bits = (uint64_t *)mem_anon(PAGE);
	area_open(&a, &rig, mem_anon(SIZE), IOVA_BASE, SIZE);
	assert_ok(viopf_dirty_start(rig.c));
	area_write(&a, 3, 1);
	withheld_start(&w, w.bits);
	rig_map(&rig, mem_anon(SIZE), IOVA_BASE + SIZE, SIZE);
	dev_fill(&rig, IOVA_BASE + SIZE, PAGE, 1);
	assert_int_equal(withheld_end(&w), 0);
	for (page = 0; page < 2 * NR_PAGES; page++)
		assert_msg(area_bit(w.bits, page) == (page == 3 || page == NR_PAGES),
			   "page %u", page);
	rig_close(&rig);
}

#define WIDE_PAGES	49152u	/* three segments; two pages of a bitmap */

/* Once mappings begin to go, nothing can go wrong with the bitmap any more. */
static void bitmap_goes_meanwhile(void)
{
	struct withheld w = { .size = WIDE_PAGES * PAGE, .unmap = 1 };
	struct rig rig;
	char *p;

	rig_open(&rig, 1);
	w.rig = &rig;
	w.bits = (uint64_t *)mem_anon(2 * PAGE);
	p = mem_anon(w.size);
	rig_map(&rig, p, IOVA_BASE, w.size);
	assert_ok(viopf_dirty_start(rig.c));
	dev_fill(&rig, IOVA_BASE + 40000 * PAGE, PAGE, 1);
	withheld_start(&w, (char *)w.bits + PAGE);
	/* The first page of the bitmap has been dealt with: it goes, and is needed. */
	dev_fill(&rig, IOVA_BASE + 5 * PAGE, PAGE, 1);
	assert_ok(munmap(w.bits, PAGE));
	if (withheld_end(&w)) {
		/* What is still mapped can't be mapped again. */
		assert_int_equal(viopf_map(rig.c, p, IOVA_BASE, w.size, VIOPF_READ), -EEXIST);
	} else {
		assert_int_equal(w.unmapped, w.size);
		assert_true(area_bit(w.bits, 40000));
		assert_false(area_bit(w.bits, 40001));
	}
	rig_close(&rig);
}

#define NR_LAYOUT	5u

/*
 * Several mappings with holes in between: words are written where a mapping is, what
 * is below its first bit stays, and what is above its last is 0. As type1 has it.
 */
static void bitmap_layout(void)
{
	static const struct { unsigned int first, pages; } maps[NR_LAYOUT] = {
		{ 0, 3 }, { 3, 10 }, { 70, 60 }, { 130, 2 }, { 400, 112 },
	};
	uint64_t bits[9], want[9];
	unsigned int i, page;
	struct raw_get get;
	struct rig rig;

	rig_open_as(&rig, 0, 1, *(const unsigned long *)case_arg());
	for (i = 0; i < NR_LAYOUT; i++)
		rig_map(&rig, mem_anon(maps[i].pages * PAGE), IOVA_BASE + maps[i].first * PAGE,
			maps[i].pages * PAGE);
	assert_ok(viopf_dirty_start(rig.c));
	memset(bits, 0x5a, sizeof(bits));
	memset(want, 0x5a, sizeof(want));
	for (i = 0; i < NR_LAYOUT; i++) {
		unsigned int end = maps[i].first + maps[i].pages;

		dev_write(&rig, IOVA_BASE + maps[i].first * PAGE, maps[i].pages * PAGE,
			  SOFTDMA_OK);
		for (page = maps[i].first; page < end; page++)
			want[page / 64] |= 1ull << (page % 64);
		for (; page % 64; page++)
			want[page / 64] &= ~(1ull << (page % 64));
	}
	raw_get_init(&get, 512 * PAGE, bits, sizeof(bits));
	assert_int_equal(raw_get_errno(&rig, &get), 0);
	for (i = 0; i < ARRAY_SIZE(bits); i++)
		assert_msg(bits[i] == want[i], "word %u: %#llx, not %#llx", i,
			   (unsigned long long)bits[i], (unsigned long long)want[i]);
	rig_close(&rig);
}

static const unsigned long iopf = VFIO_IOPF_IOMMU, type1 = VFIO_TYPE1v2_IOMMU;

static const struct suite_case cases[] = {
	CASE("R13 bad input, by the product", bad_arguments, .arg = &iopf),
	CASE("R13 bad input, by type1 itself", bad_arguments, .arg = &type1),
	CASE("R13 a page size of zero", page_size_zero),
	CASE("R13 nothing is lost on failure", nothing_lost_on_failure),
	CASE("R13 no memory for the bitmap", bitmap_without_memory),
	CASE("R13 a mapping that changes meanwhile", changed_meanwhile),
	CASE("R13 a mapping that comes meanwhile", mapped_anew_meanwhile),
	CASE("R13 the bitmap goes while it is written", bitmap_goes_meanwhile),
	CASE("R13 layout of the bitmap, by the product", bitmap_layout, .arg = &iopf),
	CASE("R13 layout of the bitmap, by type1 itself", bitmap_layout, .arg = &type1),
};

int main(int argc, char **argv)
{
	return SUITE(cases, argc, argv);
}
