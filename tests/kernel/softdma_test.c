// SPDX-License-Identifier: GPL-2.0-only
/*
 * The software device by its guarantees (soft/softdma.h, G1 and so on): every
 * operation on memory that the kernel's own type1 pinned, so that nothing of the
 * product is involved; then what page requests, resets and stops do.
 *
 * LANES: uml-debug
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <string.h>
#include <sys/mman.h>

#include "rig.h"

#define NR_PAGES	8
#define SIZE		(NR_PAGES * PAGE)
#define SRC		IOVA_BASE
#define DST		(IOVA_BASE + SIZE)
#define NOWHERE		0x7000000000ull

struct buffers {
	struct rig rig;
	char *src, *dst;
};

/* Two buffers side by side, mapped by type1: pattern 3 in one, zeroes in the other. */
static void buffers_open(struct buffers *b)
{
	rig_open_as(&b->rig, 0, 1, VFIO_TYPE1v2_IOMMU);
	b->src = mem_anon(2 * SIZE);
	b->dst = b->src + SIZE;
	memset(b->dst, 0, SIZE);
	sdma_pattern_fill(b->src, SIZE, 3, 0);
	rig_map(&b->rig, b->src, SRC, 2 * SIZE);
}

static void buffers_close(struct buffers *b)
{
	rig_close(&b->rig);
	munmap(b->src, 2 * SIZE);
}

static uint32_t queue_reg(struct rig *rig, unsigned int queue, uint32_t reg)
{
	uint32_t value = 0;

	assert_ok(sdma_reg_read(&rig->dma[0], SOFTDMA_REG_QUEUE(queue) + reg, &value));
	return value;
}

static void queue_set(struct rig *rig, unsigned int queue, uint32_t reg, uint32_t value)
{
	assert_ok(sdma_reg_write(&rig->dma[0], SOFTDMA_REG_QUEUE(queue) + reg, value));
}

static uint32_t device_reg(struct rig *rig, uint32_t reg)
{
	uint32_t value = 0;

	assert_ok(sdma_reg_read(&rig->dma[0], reg, &value));
	return value;
}

static void copies(void)
{
	static const unsigned int offsets[] = { 0, 1, 63, 4095 };
	static const unsigned int sizes[] = { 0, 1, 8, 4095, 4096, 4097, 3 * 4096 + 5 };
	struct buffers b;
	size_t s, d, n;

	buffers_open(&b);
	for (s = 0; s < 4; s++) {
		for (d = 0; d < 4; d++) {
			for (n = 0; n < 7; n++) {
				struct softdma_desc copy = sdma_copy(DST + offsets[d],
								     SRC + offsets[s], sizes[n]);

				memset(b.dst, 0, SIZE);
				rig_do(&b.rig, &copy, SOFTDMA_OK);
				assert_int_equal(copy.result, sizes[n]);
				assert_memory_equal(b.dst + offsets[d], b.src + offsets[s],
						    sizes[n]);
				assert_int_equal(b.dst[offsets[d] + sizes[n]], 0);
			}
		}
	}
	buffers_close(&b);
}

static void patterns(void)
{
	struct softdma_desc desc;
	struct buffers b;

	buffers_open(&b);
	desc = sdma_fill(DST + 8, SIZE - 16, 5, 64);
	rig_do(&b.rig, &desc, SOFTDMA_OK);
	assert_int_equal(desc.result, SIZE - 16);
	assert_int_equal(sdma_pattern_check(b.dst + 8, SIZE - 16, 5, 64), 0);
	assert_int_equal(*(uint64_t *)b.dst | *(uint64_t *)(b.dst + SIZE - 8), 0);

	desc = sdma_check(SRC + 16, SIZE - 16, 3, 16);
	rig_do(&b.rig, &desc, SOFTDMA_OK);
	assert_int_equal(desc.result, 0);
	assert_true(desc.detail == ~0ull);

	b.src[PAGE + 3] ^= 0x10;
	b.src[3 * PAGE] ^= 0x01;
	desc = sdma_check(SRC, SIZE, 3, 0);
	rig_do(&b.rig, &desc, SOFTDMA_OK);
	assert_int_equal(desc.result, 2);
	assert_int_equal(desc.detail, PAGE + 3);

	desc = sdma_checksum(SRC, SIZE, 99);
	rig_do(&b.rig, &desc, SOFTDMA_OK);
	assert_int_equal(desc.result, sdma_pattern_sum(b.src, SIZE, 99));
	buffers_close(&b);
}

static void others(void)
{
	struct softdma_desc desc;
	struct softdma_sg *list;
	uint64_t *word;
	struct buffers b;
	double start;

	buffers_open(&b);
	word = (uint64_t *)(b.dst + 256);
	*word = 40;
	desc = sdma_atomic_add(DST + 256, 2);
	rig_do(&b.rig, &desc, SOFTDMA_OK);
	assert_int_equal(desc.result, 40);
	assert_int_equal(*word, 42);

	/* The list crosses a page; its entries are odd. */
	list = (struct softdma_sg *)(b.dst + 2 * PAGE - 16);
	list[0] = (struct softdma_sg){ SRC + 5, 100 };
	list[1] = (struct softdma_sg){ SRC + PAGE - 1, 2 * PAGE };
	desc = sdma_sg(DST + 4 * PAGE, DST + 2 * PAGE - 16, 2, 2 * PAGE + 100);
	rig_do(&b.rig, &desc, SOFTDMA_OK);
	assert_int_equal(desc.result, 2 * PAGE + 100);
	assert_memory_equal(b.dst + 4 * PAGE, b.src + 5, 100);
	assert_memory_equal(b.dst + 4 * PAGE + 100, b.src + PAGE - 1, 2 * PAGE);

	/* Twice is not at all, and not faster than asked for. */
	desc = sdma_crypt(DST, SRC, 2 * PAGE, 0);
	rig_do(&b.rig, &desc, SOFTDMA_OK);
	assert_memory_not_equal(b.dst, b.src, 2 * PAGE);
	start = now_s();
	desc = sdma_crypt(DST, DST, 2 * PAGE, 16 * PAGE);
	rig_do(&b.rig, &desc, SOFTDMA_OK);
	assert_true(now_s() - start >= 0.125);
	assert_memory_equal(b.dst, b.src, 2 * PAGE);
	buffers_close(&b);
}

/* Only the first word of each page is changed, and written, but all counts as done. */
static void sparse(void)
{
	struct softdma_desc desc = sdma_crypt(DST, SRC, 3 * PAGE, 0);
	struct buffers b;
	uint64_t word;
	size_t at;

	buffers_open(&b);
	desc.flags = SOFTDMA_F_SPARSE;
	rig_do(&b.rig, &desc, SOFTDMA_OK);
	assert_int_equal(desc.result, 3 * PAGE);
	for (at = 0; at < SIZE; at += 8) {
		memcpy(&word, b.src + at, 8);
		word ^= softdma_pattern(SOFTDMA_CRYPT_SEED, at);
		if (at % PAGE || at >= 3 * PAGE)
			word = 0;
		assert_memory_equal(b.dst + at, &word, 8);
	}
	buffers_close(&b);
}

/* G12, and that nothing was accessed for it. */
static void bad_descriptors(void)
{
	const struct softdma_desc bad[] = {
		{ .opcode = SOFTDMA_OP_COUNT },
		{ .opcode = SOFTDMA_OP_NOP, .flags = 0x400 },
		{ .opcode = SOFTDMA_OP_COPY, .flags = SOFTDMA_F_SPARSE, .src = SRC, .dst = DST,
		  .len = PAGE },
		{ .opcode = SOFTDMA_OP_CRYPT, .flags = SOFTDMA_F_SPARSE, .src = SRC, .dst = DST,
		  .len = 8 },
		{ .opcode = SOFTDMA_OP_NOP, .flags = SOFTDMA_F_GROUP(33) },
		{ .opcode = SOFTDMA_OP_COPY, .src = SRC, .dst = ~0ull, .len = 8 },
		{ .opcode = SOFTDMA_OP_COPY, .src = ~0ull, .dst = DST, .len = 8 },
		{ .opcode = SOFTDMA_OP_FILL, .dst = DST + 4, .len = 8 },
		{ .opcode = SOFTDMA_OP_FILL, .dst = DST, .len = 12 },
		{ .opcode = SOFTDMA_OP_CHECK, .src = SRC, .dst = 4, .len = 8 },
		{ .opcode = SOFTDMA_OP_CHECKSUM, .src = SRC + 1, .len = 8 },
		{ .opcode = SOFTDMA_OP_CRYPT, .src = SRC, .dst = DST, .len = 9 },
		{ .opcode = SOFTDMA_OP_ATOMIC_ADD, .dst = DST + 4, .len = 8 },
		{ .opcode = SOFTDMA_OP_ATOMIC_ADD, .dst = DST, .len = 4 },
		{ .opcode = SOFTDMA_OP_SG, .src = SRC + 8, .dst = DST, .arg = 1 },
		{ .opcode = SOFTDMA_OP_SG, .src = SRC, .dst = DST,
		  .arg = SOFTDMA_MAX_SG_ENTRIES + 1 },
		{ .opcode = SOFTDMA_OP_NOP }	/* the end */
	}, *at;
	struct buffers b;

	buffers_open(&b);
	for (at = bad; at->opcode || at->flags; at++) {
		struct softdma_desc desc = *at;

		rig_do(&b.rig, &desc, SOFTDMA_BAD_DESC);
		assert_int_equal(desc.result, 0);
	}
	cpu_check_zero(b.dst, SIZE);
	cpu_check(b.src, SIZE, 3);
	buffers_close(&b);
}

/* Without page requests an access without translation just fails, and says where. */
static void no_translation(void)
{
	struct softdma_desc desc;
	struct buffers b;

	buffers_open(&b);
	desc = sdma_copy(DST + SIZE - PAGE, SRC, 2 * PAGE);
	rig_do(&b.rig, &desc, SOFTDMA_FAULT_INVALID);
	assert_int_equal(desc.detail, DST + SIZE);
	assert_int_equal(desc.result, PAGE);
	assert_int_equal(desc.faults, 0);
	cpu_check(b.dst + SIZE - PAGE, PAGE, 3);

	/* The queue went on; one whose ring can't be reached does not. */
	desc = sdma_nop();
	rig_do(&b.rig, &desc, SOFTDMA_OK);
	queue_set(&b.rig, 1, SOFTDMA_Q_RING_LO, 0x1000);
	queue_set(&b.rig, 1, SOFTDMA_Q_CTRL, SOFTDMA_QC_ENABLE | SOFTDMA_QC_RING_LOG2(4));
	queue_set(&b.rig, 1, SOFTDMA_Q_TAIL, 1);
	assert_true(wait_until(queue_reg(&b.rig, 1, SOFTDMA_Q_STATUS) & SOFTDMA_QS_ERROR, 10));
	assert_int_equal(SOFTDMA_QS_CODE(queue_reg(&b.rig, 1, SOFTDMA_Q_STATUS)),
			 SOFTDMA_FAULT_INVALID);
	assert_int_equal(queue_reg(&b.rig, 1, SOFTDMA_Q_HEAD), 0);
	buffers_close(&b);
}

static unsigned int error_of(struct rig *rig, unsigned int queue)
{
	uint32_t status = queue_reg(rig, queue, SOFTDMA_Q_STATUS);

	return status & SOFTDMA_QS_ERROR ? SOFTDMA_QS_CODE(status) : 0;
}

static void assert_queue_zero(struct rig *rig, unsigned int queue)
{
	uint32_t reg;

	for (reg = 0; reg <= SOFTDMA_Q_STATUS; reg += 4)
		assert_int_equal(queue_reg(rig, queue, reg), 0);
}

static void registers(void)
{
	struct buffers b;
	uint32_t resets;

	buffers_open(&b);
	assert_int_equal(SOFTDMA_CAPS_QUEUES(device_reg(&b.rig, SOFTDMA_REG_CAPS)), SOFTDMA_QUEUES);
	assert_true(device_reg(&b.rig, SOFTDMA_REG_CAPS) & SOFTDMA_CAPS_PRI);
	assert_int_equal(device_reg(&b.rig, SOFTDMA_REG_DEVICE), SOFTDMA_DEV_BUS_MASTER);
	assert_queue_zero(&b.rig, 2);

	/* Not aligned; too long; rung too far; ring registers fixed while enabled. */
	queue_set(&b.rig, 2, SOFTDMA_Q_RING_LO, 0x20);
	queue_set(&b.rig, 2, SOFTDMA_Q_CTRL, SOFTDMA_QC_ENABLE);
	assert_int_equal(error_of(&b.rig, 2), SOFTDMA_BAD_RING);
	queue_set(&b.rig, 2, SOFTDMA_Q_CTRL, SOFTDMA_QC_RESET);
	assert_queue_zero(&b.rig, 2);
	queue_set(&b.rig, 2, SOFTDMA_Q_CTRL, SOFTDMA_QC_ENABLE | SOFTDMA_QC_RING_LOG2(17));
	assert_int_equal(error_of(&b.rig, 2), SOFTDMA_BAD_RING);
	queue_set(&b.rig, 2, SOFTDMA_Q_CTRL, SOFTDMA_QC_RESET);
	queue_set(&b.rig, 2, SOFTDMA_Q_CTRL, SOFTDMA_QC_ENABLE | SOFTDMA_QC_RING_LOG2(2));
	queue_set(&b.rig, 2, SOFTDMA_Q_RING_LO, 0x1000);
	assert_int_equal(queue_reg(&b.rig, 2, SOFTDMA_Q_RING_LO), 0);
	queue_set(&b.rig, 2, SOFTDMA_Q_TAIL, 5);
	assert_int_equal(error_of(&b.rig, 2), SOFTDMA_BAD_RING);

	/* A reset of the function. */
	resets = device_reg(&b.rig, SOFTDMA_REG_RESETS);
	assert_ok(viopf_reset(b.rig.dev[0]));
	assert_int_equal(device_reg(&b.rig, SOFTDMA_REG_RESETS), resets + 1);
	assert_queue_zero(&b.rig, 0);
	assert_queue_zero(&b.rig, 2);
	b.rig.dma[0].q[0].entries = 0;
	buffers_close(&b);
}

/* A slow operation on queue 1; waits until it has begun. */
static void start_slow(struct buffers *b)
{
	struct softdma_desc slow = sdma_crypt(DST, SRC, SIZE, 4 * PAGE);

	rig_start_queue(&b->rig, 0, 1);
	assert_ok(sdma_submit(&b->rig.dma[0].q[1], &slow, 1));
	assert_true(wait_until(__atomic_load_n((uint64_t *)b->dst, __ATOMIC_ACQUIRE), 20));
}

/* Nothing more is written, not even the status. */
static void assert_stopped(struct buffers *b)
{
	static char copy[SIZE];

	memcpy(copy, b->dst, SIZE);
	nap_ms(600);
	assert_memory_equal(copy, b->dst, SIZE);
	cpu_check_zero(b->dst + SIZE - PAGE, PAGE);
	assert_int_equal(b->rig.dma[0].q[1].ring[1].status, SOFTDMA_PENDING);
}

static void abort_by_queue_reset(struct buffers *b)
{
	assert_ok(sdma_queue_stop(&b->rig.dma[0], 1));
}

static void abort_by_disabling(struct buffers *b)
{
	queue_set(&b->rig, 1, SOFTDMA_Q_CTRL, 0);
	assert_int_equal(queue_reg(&b->rig, 1, SOFTDMA_Q_HEAD), 1);
	assert_int_equal(queue_reg(&b->rig, 1, SOFTDMA_Q_TAIL), 2);
}

static void abort_by_bus_master(struct buffers *b)
{
	assert_ok(viopf_bus_master(b->rig.dev[0], 0));
	assert_int_equal(error_of(&b->rig, 0), SOFTDMA_ABORTED);
	assert_int_equal(error_of(&b->rig, 1), SOFTDMA_ABORTED);
	assert_int_equal(device_reg(&b->rig, SOFTDMA_REG_DEVICE), 0);
	/* It can be enabled then, but not run. */
	queue_set(&b->rig, 2, SOFTDMA_Q_CTRL, SOFTDMA_QC_ENABLE);
	assert_int_equal(error_of(&b->rig, 2), SOFTDMA_ABORTED);
}

static void abort_by_reset(struct buffers *b)
{
	assert_ok(viopf_reset(b->rig.dev[0]));
	assert_queue_zero(&b->rig, 1);
}

static void aborts(void)
{
	void (*const how)(struct buffers *b) = (void (*)(struct buffers *b))case_arg();
	struct softdma_desc desc = sdma_check(SRC, SIZE, 3, 0);
	struct buffers b;

	buffers_open(&b);
	start_slow(&b);
	how(&b);
	assert_stopped(&b);

	/* And it works again. */
	assert_ok(viopf_bus_master(b.rig.dev[0], 1));
	assert_ok(sdma_queue_stop(&b.rig.dma[0], 0));
	rig_start_queue(&b.rig, 0, 0);
	rig_do(&b.rig, &desc, SOFTDMA_OK);
	assert_int_equal(desc.result, 0);
	buffers_close(&b);
}

/* Every queue at once, with odd sizes: the ring wraps many times. */
static void queues_in_parallel(void)
{
	struct softdma_desc batch[32];
	unsigned int round, q, i;
	struct buffers b;

	buffers_open(&b);
	for (q = 1; q < SOFTDMA_QUEUES; q++)
		rig_start_queue(&b.rig, 0, q);
	for (round = 0; round < 50; round++) {
		for (q = 0; q < SOFTDMA_QUEUES; q++) {
			for (i = 0; i < 32; i++)
				batch[i] = sdma_fill(DST + q * 2 * PAGE, 2 * PAGE,
						     round * 32 + i, 0);
			assert_ok(sdma_submit(&b.rig.dma[0].q[q], batch, 32));
		}
		for (q = 0; q < SOFTDMA_QUEUES; q++) {
			assert_int_equal(sdma_wait(&b.rig.dma[0].q[q], 0, DMA_LIMIT_MS, NULL),
					 SOFTDMA_OK);
			cpu_check(b.dst + q * 2 * PAGE, 2 * PAGE, round * 32 + 31);
		}
	}
	buffers_close(&b);
}

/* Four queues add to one word: none is lost. */
static void atomics(void)
{
	struct softdma_desc batch[32];
	unsigned int round, q, i;
	struct buffers b;

	buffers_open(&b);
	for (q = 1; q < SOFTDMA_QUEUES; q++)
		rig_start_queue(&b.rig, 0, q);
	for (i = 0; i < 32; i++)
		batch[i] = sdma_atomic_add(DST, 1);
	for (round = 0; round < 20; round++) {
		for (q = 0; q < SOFTDMA_QUEUES; q++)
			assert_ok(sdma_submit(&b.rig.dma[0].q[q], batch, 32));
		for (i = 0; i < 100; i++)
			__atomic_fetch_add((uint64_t *)b.dst, 1, __ATOMIC_SEQ_CST);
		for (q = 0; q < SOFTDMA_QUEUES; q++)
			assert_int_equal(sdma_wait(&b.rig.dma[0].q[q], 0, DMA_LIMIT_MS, NULL),
					 SOFTDMA_OK);
	}
	assert_int_equal(*(uint64_t *)b.dst, 20 * (4 * 32 + 100));
	buffers_close(&b);
}

static const struct suite_case cases[] = {
	CASE("G12 copies of any size between any addresses", copies),
	CASE("G5 fill, check and checksum agree with the CPU", patterns),
	CASE("G5 atomic add, gather and crypt", others),
	CASE("G5 of a sparse crypt the first word of each page", sparse),
	CASE("G12 bad descriptors are refused", bad_descriptors),
	CASE("G9 G6 no translation, without page requests", no_translation),
	CASE("G3 G4 G14 registers", registers),
	CASE("G10 resetting a queue aborts", aborts, .arg = abort_by_queue_reset),
	CASE("G10 disabling a queue aborts", aborts, .arg = abort_by_disabling),
	CASE("G10 G11 switching bus mastering off aborts", aborts, .arg = abort_by_bus_master),
	CASE("G10 G14 a function level reset aborts", aborts, .arg = abort_by_reset),
	CASE("G3 queues run in parallel", queues_in_parallel),
	CASE("G3 atomic adds of all queues", atomics),
};

int main(int argc, char **argv)
{
	return SUITE(cases, argc, argv);
}
