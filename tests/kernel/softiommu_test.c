// SPDX-License-Identifier: GPL-2.0-only
/*
 * The software IOMMU by its guarantees (soft/softiommu.h, I1 and so on), and each of
 * its knobs: the tests that rely on a misbehaviour rely on this one. Mappings are
 * made by the kernel's own type1, page requests are handled by the product.
 *
 * LANES: uml uml-debug
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "handled.h"
#include "rig.h"

#define NR_PAGES	16
#define SIZE		(NR_PAGES * PAGE)
#define SEVERAL_MS	300
#define NR_GROUPS	512	/* group indexes that PRI has */
#define IOVA_LIST	(IOVA_BASE + (1ull << 30))

static void set_number(const char *knob, unsigned long value)
{
	char text[32];

	snprintf(text, sizeof(text), "%lu\n", value);
	softiommu_set(knob, text);
}

static void open_type1(struct rig *rig, unsigned int nr)
{
	rig_open_as(rig, 0, nr, VFIO_TYPE1v2_IOMMU);
}

/* --- mapping ---------------------------------------------------------------- */

static void leaf_sizes(void)
{
	char *p = mem_huge(2 * HUGE);
	unsigned long small;
	struct rig rig;

	memset(p, 1, 2 * HUGE);
	open_type1(&rig, 1);
	small = softiommu_stat("leaves_4k");
	rig_map(&rig, p, IOVA_BASE, 2 * HUGE);
	if (!is_huge(p, 2 * HUGE))
		skip_because("no huge pages to be had");
	assert_int_equal(softiommu_stat("leaves_2m"), 2);
	assert_int_equal(softiommu_stat("leaves_4k"), small);
	assert_int_equal(softiommu_stat("mapped_bytes"), 2 * HUGE + small * PAGE);
	assert_ok(viopf_unmap(rig.c, IOVA_BASE, 2 * HUGE, NULL));
	assert_int_equal(softiommu_stat("leaves_2m"), 0);
	rig_close(&rig);
	assert_int_equal(softiommu_stat("leaves_4k"), 0);
	assert_int_equal(softiommu_stat("mapped_bytes"), 0);
	assert_int_equal(softiommu_stat("table_pages"), 0);

	softiommu_set("pgsizes", "0x1000\n");
	open_type1(&rig, 1);
	rig_map(&rig, p, IOVA_BASE, 2 * HUGE);
	assert_int_equal(softiommu_stat("leaves_2m"), 0);
	assert_int_equal(softiommu_stat("leaves_4k"), small + 1024);
	assert_int_equal(softiommu_stat("maps"), softiommu_stat("leaves_4k") +
			 softiommu_stat("unmaps"));
	rig_close(&rig);
}

/* Each call of a mapping fails once; nothing stays behind. */
static void map_fails(void)
{
	unsigned long before, n;
	char *p = mem_anon(SIZE);
	struct rig rig;

	softiommu_set("pgsizes", "0x1000\n");
	open_type1(&rig, 1);
	before = softiommu_stat("leaves_4k");
	for (n = 1; n < 100; n++) {
		set_number("map_fail_nth", n);
		if (!viopf_map(rig.c, p, IOVA_BASE, SIZE, VIOPF_READ))
			break;
		assert_int_equal(softiommu_stat("leaves_4k"), before);
	}
	assert_true(n > 1 && n < 100);
	softiommu_set("map_fail_nth", "0\n");
	assert_ok(viopf_unmap(rig.c, IOVA_BASE, SIZE, NULL));

	softiommu_set("map_fail_errno", "28\n");
	softiommu_set("map_fail_nth", "1\n");
	assert_int_equal(viopf_map(rig.c, p, IOVA_BASE, SIZE, VIOPF_READ), -ENOSPC);
	assert_ok(viopf_map(rig.c, p, IOVA_BASE, SIZE, VIOPF_READ));
	rig_close(&rig);
}

/* A call fails half-way: what it did is undone, whatever comes of that. */
static void map_fails_half_way(void)
{
	unsigned long small, maps;
	char *p = mem_anon(SIZE);
	struct rig rig;

	softiommu_set("pgsizes", "0x1000\n");
	open_type1(&rig, 1);
	small = softiommu_stat("leaves_4k");
	maps = softiommu_stat("maps");
	softiommu_set("map_fail_pages", "1\n");
	softiommu_set("map_fail_nth", "1\n");
	assert_int_equal(viopf_map(rig.c, p, IOVA_BASE, SIZE, VIOPF_READ), -ENOMEM);
	assert_int_equal(softiommu_stat("maps"), maps + 1);
	assert_int_equal(softiommu_stat("leaves_4k"), small);

	softiommu_set("refuse_all", "1\n");
	softiommu_set("map_fail_nth", "1\n");
	assert_int_equal(viopf_map(rig.c, p, IOVA_BASE, SIZE, VIOPF_READ), -ENOMEM);
	assert_int_equal(softiommu_stat("leaves_4k"), small + 1);
	softiommu_set("refuse_all", "0\n");
	rig_close(&rig);
}

static void two_iommus(void)
{
	char *p = mem_anon(SIZE);
	struct softdma_desc check = sdma_check(IOVA_BASE, SIZE, 4, 0);
	unsigned long leaves;
	struct rig rig;

	sdma_pattern_fill(p, SIZE, 4, 0);
	open_type1(&rig, 3);
	leaves = softiommu_stat("leaves_4k");
	rig_map(&rig, p, IOVA_BASE, SIZE);
	/* Devices 0 and 2 share a domain, 1 has another. */
	assert_int_equal(softiommu_stat("leaves_4k"), leaves + 2 * NR_PAGES);
	assert_int_equal(sdma_do(&rig.dma[1].q[0], &check, DMA_LIMIT_MS), SOFTDMA_OK);
	assert_int_equal(check.result, 0);
	rig_close(&rig);
}

/* --- the IOTLB --------------------------------------------------------------- */

/* Map one page, let the device look, map another one in its place; what it sees. */
static uint64_t seen_after_remap(struct rig *rig, char *p)
{
	struct softdma_desc sum = sdma_checksum(IOVA_BASE, PAGE, 0);

	rig_map(rig, p, IOVA_BASE, PAGE);
	rig_do(rig, &sum, SOFTDMA_OK);
	assert_int_equal(sum.result, sdma_pattern_sum(p, PAGE, 0));
	assert_ok(viopf_unmap(rig->c, IOVA_BASE, PAGE, NULL));
	rig_map(rig, p + PAGE, IOVA_BASE, PAGE);
	rig_do(rig, &sum, SOFTDMA_OK);
	assert_ok(viopf_unmap(rig->c, IOVA_BASE, PAGE, NULL));
	return sum.result;
}

static void flushes(void)
{
	char *p = mem_anon(2 * PAGE);
	unsigned long count;
	struct rig rig;

	sdma_pattern_fill(p, 2 * PAGE, 9, 0);
	open_type1(&rig, 1);
	count = softiommu_stat("flushes");
	assert_int_equal(seen_after_remap(&rig, p), sdma_pattern_sum(p + PAGE, PAGE, 0));
	assert_int_equal(softiommu_stat("flushes"), count + 2);

	/* Without a flush the old translation is still there. */
	softiommu_set("skip_flush", "1\n");
	assert_int_equal(seen_after_remap(&rig, p), sdma_pattern_sum(p, PAGE, 0));
	assert_int_equal(softiommu_stat("flushes"), count + 2);
	softiommu_set("skip_flush", "0\n");
	rig_close(&rig);
}

/* Thousands of translations are kept, and hit. */
static void iotlb_keeps(void)
{
	struct softdma_desc sum = sdma_checksum(IOVA_BASE, 2048 * PAGE, 0);
	char *p = mem_anon(2048 * PAGE);
	unsigned long walks;
	struct rig rig;

	memset(p, 1, 2048 * PAGE);
	open_type1(&rig, 1);
	rig_map(&rig, p, IOVA_BASE, 2048 * PAGE);
	rig_do(&rig, &sum, SOFTDMA_OK);
	walks = softiommu_stat("translations");
	rig_do(&rig, &sum, SOFTDMA_OK);
	assert_msg(softiommu_stat("translations") - walks < 2048 / 100,
		   "%lu of 2048 translations were not kept",
		   softiommu_stat("translations") - walks);
	rig_close(&rig);
}

/* --- unmapping --------------------------------------------------------------- */

/* The modes of splitting a leaf are tested with the page table, in tests/unit. */

static void unmap_coarse(void)
{
	char *p = mem_anon(SIZE);
	unsigned long small;
	struct rig rig;

	softiommu_set("pgsizes", "0x1000\n");
	rig_open(&rig, 1);
	rig_map(&rig, p, IOVA_BASE, SIZE);
	small = softiommu_stat("leaves_4k");
	dev_fill(&rig, IOVA_BASE, SIZE, 1);
	assert_int_equal(softiommu_stat("leaves_4k"), small + NR_PAGES);

	set_number("unmap_coarse_pages", 4);
	assert_ok(madvise(p + 5 * PAGE, PAGE, MADV_DONTNEED));
	assert_int_equal(softiommu_stat("leaves_4k"), small + NR_PAGES - 4);
	verify_residency();
	set_number("unmap_coarse_pages", 0);
	/* Not rig_close(): the product noticed that sizes differ, as it should. */
	viopf_device_close(rig.dev[0]);
	viopf_container_close(rig.c);
}

/*
 * Too much at one call, nothing at another: whatever the product makes of it, nothing
 * that was evicted stays mapped.
 */
static void unmap_too_much_or_nothing(void)
{
	char *p = mem_anon(SIZE);
	unsigned long small;
	struct rig rig;
	unsigned int i;

	softiommu_set("pgsizes", "0x1000\n");
	rig_open(&rig, 1);
	rig_map(&rig, p, IOVA_BASE, SIZE);
	small = softiommu_stat("leaves_4k");
	dev_fill(&rig, IOVA_BASE, SIZE, 1);
	set_number("unmap_coarse_pages", 4);
	set_number("refuse_every", 3);
	for (i = 1; i < NR_PAGES; i += 4)
		assert_ok(madvise(p + i * PAGE, PAGE, MADV_DONTNEED));
	assert_true(softiommu_stat("unmaps_refused") > 0);
	assert_true(wait_until(softiommu_stat("leaves_4k") <= small, 20));
	verify_residency();
	set_number("unmap_coarse_pages", 0);
	set_number("refuse_every", 0);
	viopf_device_close(rig.dev[0]);
	viopf_container_close(rig.c);
}

/* --- page requests ----------------------------------------------------------- */

/* A rig of the product with @p mapped and nothing of it resident. */
static char *open_faulting(struct rig *rig)
{
	char *p = mem_anon(SIZE);

	rig_open(rig, 1);
	rig_start_queue(rig, 0, 1);
	rig_map(rig, p, IOVA_BASE, SIZE);
	softiommu_set("reset_stats", "1\n");
	return p;
}

static void submit_fill(struct rig *rig, unsigned int queue, unsigned int flags)
{
	struct softdma_desc fill = sdma_fill(IOVA_BASE, SIZE, 6, 0);

	fill.flags = flags;
	assert_ok(sdma_submit(&rig->dma[0].q[queue], &fill, 1));
}

static void finish_fill(struct rig *rig, unsigned int queue, char *p)
{
	assert_int_equal(sdma_wait(&rig->dma[0].q[queue], 0, DMA_LIMIT_MS, NULL), SOFTDMA_OK);
	cpu_check(p, SIZE, 6);
}

static void groups(void)
{
	struct rig rig;
	char *p = open_faulting(&rig);

	submit_fill(&rig, 1, SOFTDMA_F_GROUP(8));
	finish_fill(&rig, 1, p);
	assert_int_equal(softiommu_stat("prq_requests"), NR_PAGES);
	assert_int_equal(softiommu_stat("prq_groups"), NR_PAGES / 8);
	assert_int_equal(softiommu_stat("resp_success"), NR_PAGES / 8);
	assert_int_equal(rig.dma[0].q[1].ring[1].faults, NR_PAGES / 8);
	rig_close(&rig);
	assert_int_equal(softiommu_stat("resp_unexpected"), 0);
}

static void delays(void)
{
	const char *knob = case_arg();
	struct rig rig;
	char *p = open_faulting(&rig);
	double start = now_s();

	set_number(knob, SEVERAL_MS * 1000);
	submit_fill(&rig, 1, SOFTDMA_F_GROUP(NR_PAGES));
	finish_fill(&rig, 1, p);
	assert_true(now_s() - start >= SEVERAL_MS / 1000.0);
	rig_close(&rig);
}

/* The sums of response_times, and how many times follow them, no one above the largest. */
static unsigned int response_times(unsigned long long *count, unsigned long long *sum,
				   unsigned long long *max)
{
	FILE *file = fopen("/sys/kernel/debug/softiommu/response_times", "r");
	unsigned long long ns, all = 0;
	unsigned int n = 0;

	assert_non_null(file);
	assert_int_equal(fscanf(file, "count %llu sum %llu max %llu", count, sum, max), 3);
	for (; fscanf(file, "%llu", &ns) == 1; n++) {
		assert_true(ns <= *max);
		all += ns;
	}
	fclose(file);
	assert_int_equal(all, *sum);
	return n;
}

static void times(void)
{
	unsigned long long count, sum, max;
	struct rig rig;
	char *p = open_faulting(&rig);

	softiommu_set("response_times", "0\n");
	assert_int_equal(response_times(&count, &sum, &max), 0);
	assert_int_equal(count, 0);
	submit_fill(&rig, 1, SOFTDMA_F_GROUP(8));
	finish_fill(&rig, 1, p);
	assert_int_equal(response_times(&count, &sum, &max), NR_PAGES / 8);
	assert_int_equal(count, NR_PAGES / 8);
	assert_true(max > 0);
	rig_close(&rig);
}

/* More requests than room: answered "try again", and made good later. */
static void overflow(void)
{
	struct rig rig;
	char *p = open_faulting(&rig);

	set_number("prq_limit", 4);
	submit_fill(&rig, 1, SOFTDMA_F_GROUP(8));
	assert_true(wait_until(softiommu_stat("prq_overflow") > 2, 20));
	assert_int_equal(softiommu_stat("prq_groups"), 0);
	set_number("prq_limit", 1024);
	finish_fill(&rig, 1, p);
	assert_int_equal(softiommu_stat("prq_groups"), NR_PAGES / 8);
	rig_close(&rig);
}

static void abort_reset_queue(struct rig *rig)
{
	assert_ok(sdma_queue_stop(&rig->dma[0], 1));
}

static void abort_reset_function(struct rig *rig)
{
	assert_ok(viopf_reset(rig->dev[0]));
	rig->dma[0].q[0].entries = 0;
	rig->dma[0].q[1].entries = 0;
}

/* An abort does not wait for the response, which comes late and is dropped. */
static void late_response(void)
{
	void (*const how)(struct rig *rig) = (void (*)(struct rig *rig))case_arg();
	struct rig rig;
	char *p = open_faulting(&rig);

	set_number("response_delay_us", 10000000);
	submit_fill(&rig, 1, SOFTDMA_F_GROUP(NR_PAGES));
	assert_true(wait_until(softiommu_stat("resp_success") == 1, 20));
	how(&rig);
	set_number("response_delay_us", 0);
	/* Had that waited for it, it would not be late. */
	assert_true(wait_until(softiommu_stat("resp_late") == 1, 20));

	/* What was asked for is mapped all the same; the next operation is not disturbed. */
	assert_ok(viopf_bus_master(rig.dev[0], 1));
	rig_start_queue(&rig, 0, 1);
	submit_fill(&rig, 1, 0);
	finish_fill(&rig, 1, p);
	assert_int_equal(softiommu_stat("resp_late"), 1);
	rig_close(&rig);
	assert_int_equal(softiommu_stat("resp_unexpected"), 0);
}

/* An index is not used again before its response came (the IOMMU warns if it is). */
static void index_not_reused(void)
{
	const size_t size = (NR_GROUPS + 64) * PAGE;
	struct softdma_desc fill = sdma_fill(IOVA_BASE + HUGE, size, 2, 0);
	struct rig rig;
	char *p;

	open_faulting(&rig);
	p = mem_anon(size);
	rig_map(&rig, p, IOVA_BASE + HUGE, size);
	set_number("response_delay_us", 20000000);
	submit_fill(&rig, 1, 0);
	assert_true(wait_until(softiommu_stat("resp_success") == 1, 20));
	abort_reset_queue(&rig);
	set_number("response_delay_us", 0);

	rig_do(&rig, &fill, SOFTDMA_OK);
	assert_true(fill.faults > NR_GROUPS);
	cpu_check(p, size, 2);
	assert_true(wait_until(softiommu_stat("resp_late") == 1, 40));
	rig_close(&rig);
}

/* Closing while a request waits in the queue: quickly, and the request is answered. */
static void purge(void)
{
	struct rig rig;

	open_faulting(&rig);
	set_number("report_delay_us", 15000000);
	submit_fill(&rig, 1, 0);
	assert_true(wait_until(softiommu_stat("prq_groups") == 1, 20));
	viopf_device_close(rig.dev[0]);
	viopf_container_close(rig.c);
	set_number("report_delay_us", 0);
	/* Had that waited, it would have been reported. */
	assert_true(wait_until(softiommu_stat("prq_purged") == 1, 40));
	assert_int_equal(softiommu_stat("resp_late"), 1);
	assert_int_equal(softiommu_stat("resp_success"), 0);
}

/* A device without PRI beside one that has it. */
static void no_pri(void)
{
	struct softdma_desc sum = sdma_checksum(IOVA_BASE, PAGE, 0);
	uint32_t caps, header = 0;
	struct rig rig;

	rig_open_as(&rig, 1, 1, VFIO_TYPE1v2_IOMMU);
	assert_ok(sdma_reg_read(&rig.dma[0], SOFTDMA_REG_CAPS, &caps));
	assert_false(caps & SOFTDMA_CAPS_PRI);
	assert_ok(viopf_config_read(rig.dev[0], 0x100, &header, sizeof(header)));
	assert_int_equal(header, 0);
	rig_do(&rig, &sum, SOFTDMA_FAULT_INVALID);
	assert_int_equal(sum.faults, 0);
	assert_int_equal(softiommu_stat("prq_refused"), 0);
	rig_close(&rig);
}

static uint32_t config_dword(struct rig *rig, uint64_t at)
{
	uint32_t value = 0;

	assert_ok(viopf_config_read(rig->dev[0], at, &value, sizeof(value)));
	return value;
}

/* The PRI extended capability. */
static uint32_t pri_offset(struct rig *rig)
{
	uint32_t at = 0x100;

	while ((config_dword(rig, at) & 0xffff) != PCI_EXT_CAP_ID_PRI) {
		at = PCI_EXT_CAP_NEXT(config_dword(rig, at));
		assert_int_not_equal(at, 0);
	}
	return at;
}

static int has_failed(struct rig *rig)
{
	uint32_t value;

	assert_ok(sdma_reg_read(&rig->dma[0], SOFTDMA_REG_DEVICE, &value));
	return !!(value & SOFTDMA_DEV_FAILED);
}

static int pri_failed(struct rig *rig)
{
	return !!(config_dword(rig, pri_offset(rig) + PCI_PRI_CTRL) >> 16 & PCI_PRI_STATUS_RF);
}

/*
 * Of two groups the first is answered FAILURE, which the operation heeds when the second is
 * answered, too: there comes a reset. One worker hands them up in order.
 */
static void failure_and_reset(void)
{
	struct softdma_request *list = mem_anon(PAGE);
	struct softdma_desc desc = sdma_request(IOVA_LIST, 2);
	struct handled h;
	uint32_t second;

	handled_open(&h, 1);
	list[0] = (struct softdma_request){ IOVA_BASE, SOFTDMA_RQ_READ | SOFTDMA_RQ_LAST, 0 };
	list[1] = (struct softdma_request){ IOVA_BASE + PAGE, list[0].flags, 1 };
	rig_map(&h.rig, list, IOVA_LIST, PAGE);
	assert_ok(sdma_submit(&h.rig.dma[0].q[1], &desc, 1));
	decide(&h, take(&h, 0, VFIO_IOPF_FAULT_PERM_READ), VFIO_IOPF_FAULT_FAILURE);
	second = take(&h, 1, VFIO_IOPF_FAULT_PERM_READ);
	assert_true(wait_until(softiommu_stat("resp_failure") == 1, 20));
	assert_ok(viopf_reset(h.rig.dev[0]));
	assert_ok(viopf_bus_master(h.rig.dev[0], 1));
	rig_start_queue(&h.rig, 0, 0);
	dev_read(&h.rig, IOVA_LIST, PAGE, SOFTDMA_OK);
	assert_false(has_failed(&h.rig) || pri_failed(&h.rig));
	decide(&h, second, VFIO_IOPF_FAULT_CONTINUE);
	wait_for(&h, 0);
	handled_close(&h);
}

/*
 * The product answers FAILURE once its IOMMU has refused to unmap something: every
 * queue stops, until the function is reset.
 */
static void failure(void)
{
	struct handled h = { 0 };
	struct rig *rig = &h.rig;

	rig_open(rig, 1);
	rig_start_queue(rig, 0, 1);
	h.p = mem_anon(HANDLED_SIZE);
	assert_ok(viopf_map(rig->c, h.p, IOVA_BASE, HANDLED_SIZE, HANDLED_RIGHTS));
	h.fd = viopf_fault_fd(rig->c);
	assert_true(h.fd >= 0);
	assert_ok(fcntl(h.fd, F_SETFL, O_NONBLOCK));
	assert_false(has_failed(rig) || pri_failed(rig));

	decide(&h, ask_and_take(&h, 0, 1, 0), VFIO_IOPF_FAULT_FAILURE);
	assert_true(wait_until(has_failed(rig), 20));
	assert_int_equal(softiommu_stat("resp_failure"), 1);
	assert_true(pri_failed(rig));
	assert_true(wait_until(SOFTDMA_QS_CODE(sdma_queue_status(&rig->dma[0].q[0])) ==
			       SOFTDMA_FAULT_FAILURE, 5));
	assert_true(wait_until(SOFTDMA_QS_CODE(sdma_queue_status(&rig->dma[0].q[1])) ==
			       SOFTDMA_FAULT_FAILURE, 5));
	assert_ok(sdma_queue_start(&rig->dma[0], 2, rig->rings, IOVA_RINGS, 6));
	assert_int_equal(SOFTDMA_QS_CODE(sdma_queue_status(&rig->dma[0].q[2])),
			 SOFTDMA_FAULT_FAILURE);

	assert_ok(viopf_reset(rig->dev[0]));
	assert_false(has_failed(rig) || pri_failed(rig));
	close(h.fd);
	viopf_device_close(rig->dev[0]);
	viopf_container_close(rig->c);
}

/* Both backends see the reserved range, and keep out of it. */
static void reserved(void)
{
	const unsigned long extension = *(const unsigned long *)case_arg();
	struct viopf_info info;
	struct rig rig;
	char *p = mem_anon(SIZE);
	const uint64_t first = 0x200000000ull, last = 0x2000fffffull;

	rig_open_as(&rig, 0, 1, extension);
	assert_ok(viopf_get_info(rig.c, &info));
	assert_int_equal(info.nr_ranges, 2);
	assert_int_equal(info.ranges[0].start, 0);
	assert_int_equal(info.ranges[0].last, first - 1);
	assert_int_equal(info.ranges[1].start, last + 1);
	assert_int_equal(info.ranges[1].last, (1ull << 48) - 1);
	assert_int_equal(viopf_map(rig.c, p, first, SIZE, VIOPF_READ), -EINVAL);
	assert_int_equal(viopf_map(rig.c, p, last + 1 - PAGE, SIZE, VIOPF_READ), -EINVAL);
	assert_ok(viopf_map(rig.c, p, first - SIZE, SIZE, VIOPF_READ));
	assert_ok(viopf_map(rig.c, p, last + 1, SIZE, VIOPF_READ));
	rig_close(&rig);
}

static const unsigned long type1 = VFIO_TYPE1v2_IOMMU;
static const unsigned long iopf = VFIO_IOPF_IOMMU;

/* --- loading ------------------------------------------------------------------ */

static unsigned int devices_count(void)
{
	char bdfs[MAX_DEVICES][16];

	return devices_list(bdfs);
}

static void modules_stay_in_use(void)
{
	struct rig rig;

	open_type1(&rig, 1);
	assert_int_equal(module_remove("softdma"), -EAGAIN);
	assert_int_equal(module_remove("softiommu"), -EAGAIN);
	rig_close(&rig);
	assert_ok(module_remove("softdma"));
	assert_int_equal(devices_count(), 0);
	assert_ok(module_insert("softdma", "devices=2"));
	assert_int_equal(devices_count(), 2);
}

/* By way of sysfs; the device that comes back is behind its IOMMU again. */
static void removed_and_found_again(void)
{
	char bdfs[MAX_DEVICES][16], path[64];
	unsigned int n = devices_list(bdfs);
	struct rig rig;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/remove", bdfs[0]);
	assert_ok(file_write(path, "1\n"));
	assert_int_equal(devices_count(), n - 1);
	assert_ok(file_write("/sys/bus/pci/rescan", "1\n"));
	assert_int_equal(devices_count(), n);
	assert_ok(viopf_bind(bdfs[0]));
	open_type1(&rig, n);
	rig_close(&rig);
}

static void loading_again(void)
{
	static const char * const params[] = {
		"devices=1", "devices=32 nofault=0xffff", "domain=7",
	};
	unsigned int i;

	for (i = 0; i < 3; i++) {
		assert_ok(module_insert("softiommu", i == 1 ? "iommus=16" : ""));
		assert_ok(module_insert("softdma", params[i]));
		assert_ok(module_remove("softdma"));
		assert_ok(module_remove("softiommu"));
	}
	assert_int_equal(module_insert("softiommu", "iommus=0"), -EINVAL);
	assert_int_equal(module_insert("softiommu", "iommus=17"), -EINVAL);
	assert_int_equal(module_insert("softiommu", "reserved=4096"), -EINVAL);
	assert_ok(module_insert("softiommu", ""));
	assert_int_equal(module_insert("softdma", "devices=257"), -EINVAL);
	assert_int_equal(module_insert("softdma", "domain=0"), -EINVAL);
	assert_int_equal(module_insert("softdma", "stall=1 nofault=1"), -EINVAL);
	assert_int_equal(module_insert("softdma", "outstanding=0"), -EINVAL);
	assert_ok(module_remove("softiommu"));
}

static const struct suite_case cases[] = {
	CASE("leaves of every size, and pgsizes", leaf_sizes),
	CASE("map_fail_nth and map_fail_errno", map_fails),
	CASE("map_fail_pages", map_fails_half_way),
	CASE("I1 two IOMMUs are two domains", two_iommus, .softiommu = "iommus=2"),
	CASE("I3 I4 skip_flush: a translation is kept until it is flushed", flushes),
	CASE("I3 thousands of translations are kept", iotlb_keeps),
	CASE("unmap_coarse_pages", unmap_coarse, .iopf = EXACT),
	CASE("unmap_coarse_pages with refuse_every", unmap_too_much_or_nothing, .iopf = EXACT),
	CASE("G8 groups of page requests", groups, .iopf = EXACT),
	CASE("response_delay_us", delays, .iopf = EXACT, .arg = "response_delay_us"),
	CASE("report_delay_us", delays, .iopf = EXACT, .arg = "report_delay_us"),
	CASE("response_times: one for each group", times, .iopf = EXACT),
	CASE("I6 prq_limit: the queue overflows", overflow, .iopf = EXACT),
	CASE("G10 a response after a queue reset is late", late_response, .iopf = EXACT,
	     .arg = abort_reset_queue),
	CASE("G10 a response after a function reset is late", late_response, .iopf = EXACT,
	     .arg = abort_reset_function),
	CASE("G10 an abandoned group's index is not used again", index_not_reused,
	     .iopf = EXACT),
	CASE("I5 I6 closing answers what waits in the queue", purge),
	CASE("G2 a device without PRI", no_pri, .softdma = "nofault=2"),
	CASE("G9 FAILURE stops the device until it is reset", failure, .iopf = EXACT),
	CASE("G9 FAILURE of before a reset stops nothing", failure_and_reset,
	     .iopf = EXACT " max_workers=1"),
	CASE("reserved: type1 keeps out", reserved, .softiommu = "reserved=0x200000000,0x2000fffff",
	     .arg = &type1),
	CASE("reserved: the product keeps out", reserved,
	     .softiommu = "reserved=0x200000000,0x2000fffff", .arg = &iopf),
	CASE("modules can't go while in use, then can", modules_stay_in_use),
	CASE("a device is removed and found again", removed_and_found_again),
	CASE("loading and unloading", loading_again, .no_modules = 1),
};

int main(int argc, char **argv)
{
	return SUITE(cases, argc, argv);
}
