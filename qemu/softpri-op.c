/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * softpri: the operations.  What each does is described at enum softdma_op.
 *
 * Data goes through the queue's bounce page, a piece at a time, a piece being
 * what is left of a page of the operand that is walked (the source, if there
 * is one).  Results are left in the copy of the descriptor; errors are those
 * of softpri-access.c.
 */
#include "qemu/osdep.h"
#include "qemu/host-utils.h"
#include "softpri-priv.h"

/* Going to sleep and waking up takes time: a rate is kept to in such steps */
#define PACE_NS     20000

typedef struct Walk Walk;

/**
 * struct Walk: a pass over memory, piece by piece
 * @src: where to read from, if @read
 * @dst: where to write to, if @write
 * @len: in bytes
 * @read: read each piece
 * @write: write each piece; its length is added to the descriptor's result
 * @sparse: read and write only the first word of each piece
 * @fn: called with each piece between the two, the offset from the start and
 *     its length; may be NULL
 * @sum: for @fn
 * @start: for @fn
 */
struct Walk {
    uint64_t src;
    uint64_t dst;
    uint64_t len;
    bool read;
    bool write;
    bool sparse;
    void coroutine_fn (*fn)(SoftPRIOp *op, Walk *w, uint64_t done, size_t n);
    uint64_t sum;
    int64_t start;
};

static bool is_aligned(const struct softdma_desc *d)
{
    return !((d->src | d->dst | d->len) & 7);
}

static int coroutine_fn walk_piece(SoftPRIOp *op, Walk *w, uint64_t done,
                                   size_t n)
{
    size_t moved = w->sparse ? sizeof(uint64_t) : n;
    uint64_t more = w->len - done - moved;
    void *page = op->q->bounce;
    int ret = 0;

    if (w->read) {
        ret = softpri_read(op, w->src + done, page, moved, more);
    }
    if (ret) {
        return ret;
    }
    if (w->fn) {
        w->fn(op, w, done, n);
    }
    if (!w->write) {
        return 0;
    }
    ret = softpri_write(op, w->dst + done, page, moved, more);
    if (!ret) {
        op->desc.result += n;
    }
    return ret;
}

static int coroutine_fn walk(SoftPRIOp *op, Walk *w)
{
    uint64_t done = 0;
    size_t n;
    int ret;

    for (; done < w->len; done += n) {
        uint64_t at = (w->read ? w->src : w->dst) + done;

        n = MIN(w->len - done, SOFTPRI_PAGE_SIZE - (at & ~SOFTPRI_PAGE_MASK));
        ret = walk_piece(op, w, done, n);
        if (ret) {
            return ret;
        }
    }
    return 0;
}

static int coroutine_fn copy(SoftPRIOp *op, uint64_t src, uint64_t dst,
                             uint64_t len)
{
    Walk w = { .src = src, .dst = dst, .len = len, .read = true,
               .write = true };

    return walk(op, &w);
}

static int coroutine_fn op_copy(SoftPRIOp *op)
{
    return copy(op, op->desc.src, op->desc.dst, op->desc.len);
}

static void coroutine_fn fill_piece(SoftPRIOp *op, Walk *w, uint64_t done,
                                    size_t n)
{
    size_t i;

    for (i = 0; i < n; i += 8) {
        op->q->bounce[i / 8] = softdma_pattern(op->desc.arg,
                                               op->desc.src + done + i);
    }
}

static int coroutine_fn op_fill(SoftPRIOp *op)
{
    const struct softdma_desc *d = &op->desc;
    Walk w = { .dst = d->dst, .len = d->len, .write = true,
               .fn = fill_piece };

    return is_aligned(d) ? walk(op, &w) : -EINVAL;
}

/* Count the bytes of a word that differ; @offset is the word's. */
static void check_word(struct softdma_desc *d, uint64_t found, uint64_t wanted,
                       uint64_t offset)
{
    uint64_t diff = found ^ wanted;
    unsigned int i;

    for (i = 0; diff; i++, diff >>= 8) {
        if ((diff & 0xff) && !d->result++) {
            d->detail = offset + i;
        }
    }
}

static void coroutine_fn check_piece(SoftPRIOp *op, Walk *w, uint64_t done,
                                     size_t n)
{
    struct softdma_desc *d = &op->desc;
    size_t i;

    for (i = 0; i < n; i += 8) {
        check_word(d, op->q->bounce[i / 8],
                   softdma_pattern(d->arg, d->dst + done + i), done + i);
    }
}

static int coroutine_fn op_check(SoftPRIOp *op)
{
    struct softdma_desc *d = &op->desc;
    Walk w = { .src = d->src, .len = d->len, .read = true,
               .fn = check_piece };

    if (!is_aligned(d)) {
        return -EINVAL;
    }
    d->detail = ~0ULL;
    return walk(op, &w);
}

static void coroutine_fn sum_piece(SoftPRIOp *op, Walk *w, uint64_t done,
                                   size_t n)
{
    size_t i;

    for (i = 0; i < n / 8; i++) {
        w->sum = softdma_checksum(w->sum, op->q->bounce[i]);
    }
}

static int coroutine_fn op_checksum(SoftPRIOp *op)
{
    struct softdma_desc *d = &op->desc;
    Walk w = { .src = d->src, .len = d->len, .read = true, .fn = sum_piece,
               .sum = d->arg };
    int ret;

    if ((d->src | d->len) & 7) {
        return -EINVAL;
    }
    ret = walk(op, &w);
    if (!ret) {
        d->result = w.sum;
    }
    return ret;
}

static void atomic_add(void *host, size_t bytes, void *opaque)
{
    struct softdma_desc *d = opaque;

    d->result = qatomic_fetch_add((uint64_t *)host, d->arg);
}

static int coroutine_fn op_atomic_add(SoftPRIOp *op)
{
    struct softdma_desc *d = &op->desc;

    if ((d->dst & 7) || d->len != 8) {
        return -EINVAL;
    }
    return softpri_access(op, d->dst, 8, 0, IOMMU_RW, atomic_add, d);
}

static int coroutine_fn op_sg(SoftPRIOp *op)
{
    struct softdma_desc *d = &op->desc;
    struct softdma_sg sg;
    uint64_t i;
    int ret;

    if ((d->src & 15) || d->arg > SOFTDMA_MAX_SG_ENTRIES) {
        return -EINVAL;
    }
    for (i = 0; i < d->arg; i++) {
        ret = softpri_read(op, d->src + i * sizeof(sg), &sg, sizeof(sg),
                           (d->arg - i - 1) * sizeof(sg));
        if (ret) {
            return ret;
        }
        if (sg.len > d->len - d->result || sg.addr + sg.len < sg.addr) {
            return -EINVAL;
        }
        ret = copy(op, sg.addr, d->dst + d->result, sg.len);
        if (ret) {
            return ret;
        }
    }
    return d->result == d->len ? 0 : -EINVAL;
}

/*
 * Sleep until @done bytes may have been processed.  What was spent waiting for
 * responses to page requests is not made up for.
 */
static void coroutine_fn pace(SoftPRIOp *op, const Walk *w, uint64_t done)
{
    uint64_t ns, high;
    int64_t due;

    if (!op->desc.arg) {
        return;
    }
    mulu64(&ns, &high, done, NANOSECONDS_PER_SECOND);
    divu128(&ns, &high, op->desc.arg);
    due = w->start + op->waited_ns + ns;
    if (done == w->len || softpri_now() + PACE_NS < due) {
        softpri_sleep_until(op, due);
    }
}

static void coroutine_fn crypt_piece(SoftPRIOp *op, Walk *w, uint64_t done,
                                     size_t n)
{
    size_t i;

    for (i = 0; i < (w->sparse ? 8 : n); i += 8) {
        op->q->bounce[i / 8] ^= softdma_pattern(SOFTDMA_CRYPT_SEED, done + i);
    }
    pace(op, w, done + n);
}

static int coroutine_fn op_crypt(SoftPRIOp *op)
{
    const struct softdma_desc *d = &op->desc;
    Walk w = { .src = d->src, .dst = d->dst, .len = d->len, .read = true,
               .write = true, .fn = crypt_piece,
               .sparse = d->flags & SOFTDMA_F_SPARSE,
               .start = softpri_now() };

    if (!is_aligned(d) ||
        (w.sparse && ((d->src | d->dst | d->len) & ~SOFTPRI_PAGE_MASK))) {
        return -EINVAL;
    }
    op->waited_ns = 0;
    return walk(op, &w);
}

static int coroutine_fn op_nop(SoftPRIOp *op)
{
    return 0;
}

static int coroutine_fn (* const ops[SOFTDMA_OP_COUNT])(SoftPRIOp *op) = {
    [SOFTDMA_OP_NOP] = op_nop,
    [SOFTDMA_OP_COPY] = op_copy,
    [SOFTDMA_OP_FILL] = op_fill,
    [SOFTDMA_OP_CHECK] = op_check,
    [SOFTDMA_OP_CHECKSUM] = op_checksum,
    [SOFTDMA_OP_ATOMIC_ADD] = op_atomic_add,
    [SOFTDMA_OP_SG] = op_sg,
    [SOFTDMA_OP_CRYPT] = op_crypt,
    [SOFTDMA_OP_REQUEST] = softpri_op_request,
};

/* Carry a descriptor out: its result, detail and faults. */
int coroutine_fn softpri_op_run(SoftPRIOp *op)
{
    const struct softdma_desc *d = &op->desc;

    if (d->opcode >= SOFTDMA_OP_COUNT || (d->flags & ~SOFTDMA_F_ALL) ||
        SOFTDMA_F_GET_GROUP(d->flags) > SOFTDMA_MAX_GROUP_PAGES ||
        ((d->flags & SOFTDMA_F_SPARSE) && d->opcode != SOFTDMA_OP_CRYPT) ||
        d->src + d->len < d->src || d->dst + d->len < d->dst) {
        return -EINVAL;
    }
    return ops[d->opcode](op);
}
