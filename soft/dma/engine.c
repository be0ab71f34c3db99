// SPDX-License-Identifier: GPL-2.0-only
/*
 * softdma: the operations.  What each does is described at enum softdma_op.
 *
 * Data goes through the queue's bounce page, a piece at a time, a piece being what is
 * left of a page of the operand that is walked (the source, if there is one).  Results
 * are left in the copy of the descriptor; errors are those of access.c.
 */
#include <linux/hrtimer.h>
#include <linux/kthread.h>
#include <linux/math64.h>
#include <linux/mm.h>

#include "dma_priv.h"

/* Of @left bytes at @iova, those up to the end of the page. */
static size_t sd_piece(u64 iova, u64 left)
{
	return min_t(u64, left, PAGE_SIZE - offset_in_page(iova));
}

static bool sd_aligned(const struct softdma_desc *d)
{
	return !((d->src | d->dst | d->len) & 7);
}

/**
 * struct sd_walk - a pass over memory, piece by piece
 * @src: where to read from, if @read
 * @dst: where to write to, if @write
 * @len: in bytes
 * @read: read each piece
 * @write: write each piece; its length is added to the descriptor's result
 * @sparse: read and write only the first word of each piece
 * @fn: called with each piece between the two, the offset from the start and its
 *	length; may be NULL
 * @sum: for @fn
 * @start: for @fn
 */
struct sd_walk {
	u64 src;
	u64 dst;
	u64 len;
	bool read;
	bool write;
	bool sparse;
	void (*fn)(struct sd_op *op, struct sd_walk *walk, u64 done, size_t n);
	u64 sum;
	ktime_t start;
};

static int sd_walk_piece(struct sd_op *op, struct sd_walk *w, u64 done, size_t n)
{
	size_t moved = w->sparse ? sizeof(u64) : n;
	void *page = op->q->bounce;
	u64 more = w->len - done - moved;
	int ret = 0;

	if (w->read)
		ret = sd_read(op, w->src + done, page, moved, more);
	if (ret)
		return ret;
	if (w->fn)
		w->fn(op, w, done, n);
	if (!w->write)
		return 0;
	ret = sd_write(op, w->dst + done, page, moved, more);
	if (!ret)
		op->desc.result += n;
	return ret;
}

static int sd_walk(struct sd_op *op, struct sd_walk *w)
{
	u64 done = 0;
	size_t n;
	int ret;

	for (; done < w->len; done += n) {
		n = sd_piece((w->read ? w->src : w->dst) + done, w->len - done);
		ret = sd_walk_piece(op, w, done, n);
		if (ret)
			return ret;
		cond_resched();
	}
	return 0;
}

static int sd_copy(struct sd_op *op, u64 src, u64 dst, u64 len)
{
	struct sd_walk walk = {
		.src = src, .dst = dst, .len = len, .read = true, .write = true,
	};

	return sd_walk(op, &walk);
}

static int sd_op_copy(struct sd_op *op)
{
	return sd_copy(op, op->desc.src, op->desc.dst, op->desc.len);
}

static void sd_fill_piece(struct sd_op *op, struct sd_walk *w, u64 done, size_t n)
{
	u64 *words = op->q->bounce;
	size_t i;

	for (i = 0; i < n; i += 8)
		words[i / 8] = softdma_pattern(op->desc.arg,
					       op->desc.src + done + i);
}

static int sd_op_fill(struct sd_op *op)
{
	struct softdma_desc *d = &op->desc;
	struct sd_walk walk = {
		.dst = d->dst, .len = d->len, .write = true, .fn = sd_fill_piece,
	};

	return sd_aligned(d) ? sd_walk(op, &walk) : -EINVAL;
}

/* Count the bytes of a word that differ; @offset is the word's. */
static void sd_check_word(struct softdma_desc *d, u64 found, u64 wanted,
			  u64 offset)
{
	u64 diff = found ^ wanted;
	unsigned int i;

	for (i = 0; diff; i++, diff >>= 8) {
		if (!(diff & 0xff))
			continue;
		if (!d->result++)
			d->detail = offset + i;
	}
}

static void sd_check_piece(struct sd_op *op, struct sd_walk *w, u64 done, size_t n)
{
	struct softdma_desc *d = &op->desc;
	u64 *words = op->q->bounce;
	size_t i;

	for (i = 0; i < n; i += 8)
		sd_check_word(d, words[i / 8],
			      softdma_pattern(d->arg, d->dst + done + i),
			      done + i);
}

static int sd_op_check(struct sd_op *op)
{
	struct softdma_desc *d = &op->desc;
	struct sd_walk walk = {
		.src = d->src, .len = d->len, .read = true, .fn = sd_check_piece,
	};

	if (!sd_aligned(d))
		return -EINVAL;
	d->detail = ~0ULL;
	return sd_walk(op, &walk);
}

static void sd_sum_piece(struct sd_op *op, struct sd_walk *w, u64 done, size_t n)
{
	u64 *words = op->q->bounce;
	size_t i;

	for (i = 0; i < n / 8; i++)
		w->sum = softdma_checksum(w->sum, words[i]);
}

static int sd_op_checksum(struct sd_op *op)
{
	struct softdma_desc *d = &op->desc;
	struct sd_walk walk = {
		.src = d->src, .len = d->len, .read = true, .fn = sd_sum_piece,
		.sum = d->arg,
	};
	int ret;

	if ((d->src | d->len) & 7)
		return -EINVAL;
	ret = sd_walk(op, &walk);
	if (!ret)
		d->result = walk.sum;
	return ret;
}

static void sd_atomic_add(void *memory, size_t bytes, void *ctx)
{
	struct softdma_desc *d = ctx;

	d->result = atomic64_fetch_add(d->arg, (atomic64_t *)memory);
}

static int sd_op_atomic_add(struct sd_op *op)
{
	struct softdma_desc *d = &op->desc;

	if ((d->dst & 7) || d->len != 8)
		return -EINVAL;
	return sd_access(op, d->dst, 8, 0, PGT_READ | PGT_WRITE, sd_atomic_add,
			 d);
}

static int sd_op_sg(struct sd_op *op)
{
	struct softdma_desc *d = &op->desc;
	struct softdma_sg sg;
	u64 i;
	int ret;

	if ((d->src & 15) || d->arg > SOFTDMA_MAX_SG_ENTRIES)
		return -EINVAL;
	for (i = 0; i < d->arg; i++) {
		ret = sd_read(op, d->src + i * sizeof(sg), &sg, sizeof(sg),
			      (d->arg - i - 1) * sizeof(sg));
		if (ret)
			return ret;
		if (sg.len > d->len - d->result || sg.addr + sg.len < sg.addr)
			return -EINVAL;
		ret = sd_copy(op, sg.addr, d->dst + d->result, sg.len);
		if (ret)
			return ret;
	}
	return d->result == d->len ? 0 : -EINVAL;
}

/* Falling asleep and waking up takes time too: a rate is kept to in steps of this. */
#define SD_PACE_NS	(20 * NSEC_PER_USEC)

/*
 * Sleep until @done bytes may have been processed.  What was spent waiting for
 * responses to page requests is not made up for.
 */
static void sd_pace(struct sd_op *op, const struct sd_walk *w, u64 done)
{
	u64 rate = op->desc.arg;
	ktime_t due;

	if (!rate)
		return;
	due = ktime_add_ns(w->start, op->waited_ns +
			   mul_u64_u64_div_u64(done, NSEC_PER_SEC, rate));
	if (done < w->len && ktime_before(due, ktime_add_ns(ktime_get(), SD_PACE_NS)))
		return;
	while (!sd_op_aborted(op) && ktime_before(ktime_get(), due)) {
		set_current_state(TASK_IDLE);
		if (!sd_op_aborted(op))
			schedule_hrtimeout(&due, HRTIMER_MODE_ABS);
		__set_current_state(TASK_RUNNING);
	}
}

static void sd_crypt_piece(struct sd_op *op, struct sd_walk *w, u64 done, size_t n)
{
	u64 *words = op->q->bounce;
	size_t i;

	for (i = 0; i < (w->sparse ? 8 : n); i += 8)
		words[i / 8] ^= softdma_pattern(SOFTDMA_CRYPT_SEED, done + i);
	sd_pace(op, w, done + n);
}

static int sd_op_crypt(struct sd_op *op)
{
	struct softdma_desc *d = &op->desc;
	struct sd_walk walk = {
		.src = d->src, .dst = d->dst, .len = d->len,
		.read = true, .write = true, .fn = sd_crypt_piece,
		.sparse = d->flags & SOFTDMA_F_SPARSE, .start = ktime_get(),
	};

	if (walk.sparse && offset_in_page(d->src | d->dst | d->len))
		return -EINVAL;
	op->waited_ns = 0;
	return sd_aligned(d) ? sd_walk(op, &walk) : -EINVAL;
}

static int sd_op_nop(struct sd_op *op)
{
	return 0;
}

static int (* const sd_ops[SOFTDMA_OP_COUNT])(struct sd_op *op) = {
	[SOFTDMA_OP_NOP] = sd_op_nop,
	[SOFTDMA_OP_COPY] = sd_op_copy,
	[SOFTDMA_OP_FILL] = sd_op_fill,
	[SOFTDMA_OP_CHECK] = sd_op_check,
	[SOFTDMA_OP_CHECKSUM] = sd_op_checksum,
	[SOFTDMA_OP_ATOMIC_ADD] = sd_op_atomic_add,
	[SOFTDMA_OP_SG] = sd_op_sg,
	[SOFTDMA_OP_CRYPT] = sd_op_crypt,
	[SOFTDMA_OP_REQUEST] = sd_op_request,
};

/**
 * sd_op_run() - carry a descriptor out
 * @op: result, detail and faults of its descriptor are set
 *
 * Return: 0 or an error, see access.c
 */
int sd_op_run(struct sd_op *op)
{
	struct softdma_desc *d = &op->desc;

	if (d->opcode >= SOFTDMA_OP_COUNT || (d->flags & ~SOFTDMA_F_ALL) ||
	    SOFTDMA_F_GET_GROUP(d->flags) > SOFTDMA_MAX_GROUP_PAGES)
		return -EINVAL;
	if ((d->flags & SOFTDMA_F_SPARSE) && d->opcode != SOFTDMA_OP_CRYPT)
		return -EINVAL;
	if (d->src + d->len < d->src || d->dst + d->len < d->dst)
		return -EINVAL;
	return sd_ops[d->opcode](op);
}
