// SPDX-License-Identifier: GPL-2.0-only
/*
 * Driving a softdma device from user space. The ring's indices run freely
 * (softdma.h, G4); a descriptor's place is free again once its status has been
 * read as not pending, which is what bounds the number in flight.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <string.h>
#include <time.h>

#include "softdma_client.h"

int sdma_reg_read(struct sdma *dma, uint32_t reg, uint32_t *val)
{
	return viopf_config_read(dma->dev, dma->cap + reg, val, sizeof(*val));
}

int sdma_reg_write(struct sdma *dma, uint32_t reg, uint32_t val)
{
	return viopf_config_write(dma->dev, dma->cap + reg, &val, sizeof(val));
}

static int find_capability(struct sdma *dma)
{
	uint8_t at, head[4];
	int left = 48;		/* capabilities config space has room for */
	int err = viopf_config_read(dma->dev, PCI_CAPABILITY_LIST, &at, 1);

	while (!err && at && left--) {
		err = viopf_config_read(dma->dev, at, head, sizeof(head));
		if (err)
			return err;
		if (head[0] == SOFTDMA_CAP_ID && head[2] == SOFTDMA_CAP_BYTES) {
			dma->cap = at;
			return head[3] == SOFTDMA_VERSION ? 0 : -ENODEV;
		}
		at = head[1];
	}
	return err ? err : -ENODEV;
}

int sdma_open(struct sdma *dma, struct viopf_device *dev)
{
	unsigned int i;
	int err;

	memset(dma, 0, sizeof(*dma));
	dma->dev = dev;
	for (i = 0; i < SOFTDMA_QUEUES; i++) {
		dma->q[i].dma = dma;
		dma->q[i].index = i;
	}
	err = find_capability(dma);
	return err ? err : viopf_bus_master(dev, 1);
}

static int queue_write(struct sdma_queue *q, uint32_t reg, uint32_t val)
{
	return sdma_reg_write(q->dma, SOFTDMA_REG_QUEUE(q->index) + reg, val);
}

int sdma_queue_start(struct sdma *dma, unsigned int index, void *ring, uint64_t iova,
		     unsigned int log2)
{
	struct sdma_queue *q = &dma->q[index];
	int err;

	q->ring = ring;
	q->entries = 1u << log2;
	q->tail = 0;
	err = queue_write(q, SOFTDMA_Q_RING_LO, (uint32_t)iova);
	if (!err)
		err = queue_write(q, SOFTDMA_Q_RING_HI, (uint32_t)(iova >> 32));
	if (!err)
		err = queue_write(q, SOFTDMA_Q_CTRL,
				  SOFTDMA_QC_RING_LOG2(log2) | SOFTDMA_QC_ENABLE);
	return err;
}

int sdma_queue_stop(struct sdma *dma, unsigned int index)
{
	dma->q[index].entries = 0;
	return queue_write(&dma->q[index], SOFTDMA_Q_CTRL, SOFTDMA_QC_RESET);
}

uint32_t sdma_queue_status(struct sdma_queue *q)
{
	uint32_t val;

	if (sdma_reg_read(q->dma, SOFTDMA_REG_QUEUE(q->index) + SOFTDMA_Q_STATUS, &val))
		return 0;
	return val;
}

static int queue_room(struct sdma_queue *q, unsigned int n)
{
	uint32_t head;

	if (sdma_reg_read(q->dma, SOFTDMA_REG_QUEUE(q->index) + SOFTDMA_Q_HEAD, &head))
		return -EIO;
	return q->tail - head + n <= q->entries ? 0 : -ENOSPC;
}

int sdma_submit(struct sdma_queue *q, const struct softdma_desc *descs, unsigned int n)
{
	unsigned int i;
	int err = queue_room(q, n);

	if (err)
		return err;
	for (i = 0; i < n; i++) {
		struct softdma_desc *slot = &q->ring[(q->tail + i) & (q->entries - 1)];

		*slot = descs[i];
		slot->status = SOFTDMA_PENDING;
	}
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	q->tail += n;
	return queue_write(q, SOFTDMA_Q_TAIL, q->tail);
}

static uint64_t clock_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

int sdma_wait(struct sdma_queue *q, unsigned int back, unsigned int limit_ms,
	      struct softdma_desc *out)
{
	struct softdma_desc *slot = &q->ring[(q->tail - 1 - back) & (q->entries - 1)];
	const struct timespec nap = { .tv_nsec = 50000 };
	uint64_t by = clock_ms() + limit_ms;
	unsigned int rounds = 0;
	uint32_t status;

	while (!(status = __atomic_load_n(&slot->status, __ATOMIC_ACQUIRE))) {
		nanosleep(&nap, NULL);
		if (++rounds % 16)
			continue;
		/* A stopped queue completes nothing; look once more after it. */
		if (sdma_queue_status(q) & SOFTDMA_QS_ERROR &&
		    !__atomic_load_n(&slot->status, __ATOMIC_ACQUIRE))
			return -EIO;
		if (clock_ms() > by)
			return -ETIMEDOUT;
	}
	if (out)
		*out = *slot;
	return (int)status;
}

int sdma_do(struct sdma_queue *q, struct softdma_desc *desc, unsigned int limit_ms)
{
	int err = sdma_submit(q, desc, 1);

	return err ? err : sdma_wait(q, 0, limit_ms, desc);
}

struct softdma_desc sdma_nop(void)
{
	return (struct softdma_desc){ .opcode = SOFTDMA_OP_NOP };
}

struct softdma_desc sdma_copy(uint64_t dst, uint64_t src, uint64_t len)
{
	return (struct softdma_desc){
		.opcode = SOFTDMA_OP_COPY, .dst = dst, .src = src, .len = len,
	};
}

struct softdma_desc sdma_fill(uint64_t dst, uint64_t len, uint64_t seed, uint64_t offset)
{
	return (struct softdma_desc){
		.opcode = SOFTDMA_OP_FILL, .dst = dst, .len = len, .arg = seed, .src = offset,
	};
}

struct softdma_desc sdma_check(uint64_t src, uint64_t len, uint64_t seed, uint64_t offset)
{
	return (struct softdma_desc){
		.opcode = SOFTDMA_OP_CHECK, .src = src, .len = len, .arg = seed, .dst = offset,
	};
}

struct softdma_desc sdma_checksum(uint64_t src, uint64_t len, uint64_t start)
{
	return (struct softdma_desc){
		.opcode = SOFTDMA_OP_CHECKSUM, .src = src, .len = len, .arg = start,
	};
}

struct softdma_desc sdma_atomic_add(uint64_t dst, uint64_t value)
{
	return (struct softdma_desc){
		.opcode = SOFTDMA_OP_ATOMIC_ADD, .dst = dst, .len = 8, .arg = value,
	};
}

struct softdma_desc sdma_sg(uint64_t dst, uint64_t list, uint64_t entries, uint64_t len)
{
	return (struct softdma_desc){
		.opcode = SOFTDMA_OP_SG, .dst = dst, .src = list, .arg = entries, .len = len,
	};
}

struct softdma_desc sdma_crypt(uint64_t dst, uint64_t src, uint64_t len, uint64_t rate)
{
	return (struct softdma_desc){
		.opcode = SOFTDMA_OP_CRYPT, .dst = dst, .src = src, .len = len, .arg = rate,
	};
}

struct softdma_desc sdma_request(uint64_t list, uint64_t entries)
{
	return (struct softdma_desc){
		.opcode = SOFTDMA_OP_REQUEST, .src = list, .arg = entries,
	};
}

void sdma_pattern_fill(void *buf, size_t len, uint64_t seed, uint64_t offset)
{
	uint64_t *word = buf;
	size_t i;

	for (i = 0; i < len / 8; i++)
		word[i] = softdma_pattern(seed, offset + i * 8);
}

size_t sdma_pattern_check(const void *buf, size_t len, uint64_t seed, uint64_t offset)
{
	const uint8_t *byte = buf;
	size_t i, j, wrong = 0;

	for (i = 0; i < len; i += 8) {
		uint64_t want = softdma_pattern(seed, offset + i);

		if (!memcmp(byte + i, &want, 8))
			continue;
		for (j = 0; j < 8; j++)
			wrong += byte[i + j] != (uint8_t)(want >> (8 * j));
	}
	return wrong;
}

uint64_t sdma_pattern_sum(const void *buf, size_t len, uint64_t start)
{
	const uint64_t *word = buf;
	size_t i;

	for (i = 0; i < len / 8; i++)
		start = softdma_checksum(start, word[i]);
	return start;
}
