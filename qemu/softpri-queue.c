/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * softpri: a queue: its registers, its ring and its coroutine.
 *
 * The coroutine takes one descriptor at a time, and ends when there is none.
 * A queue is stopped by changing its epoch, and kicked, so that the coroutine
 * gives up what it waits for.  An access under way has ended, unmade, when the
 * register write that stopped the queue returns.
 */
#include "qemu/osdep.h"
#include "qemu/main-loop.h"
#include "softpri-priv.h"

/* How long the main loop belongs to others between two turns */
#define REST_NS     10000

int64_t softpri_now(void)
{
    return qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
}

static bool queue_enabled(const SoftPRIQueue *q)
{
    return q->ctrl & SOFTDMA_QC_ENABLE;
}

static uint32_t queue_entries(const SoftPRIQueue *q)
{
    return 1u << SOFTDMA_QC_GET_RING_LOG2(q->ctrl);
}

static bool queue_runnable(const SoftPRIQueue *q)
{
    return queue_enabled(q) && !q->error && q->head != q->tail;
}

static void queue_kick(void *opaque)
{
    SoftPRIQueue *q = opaque;

    qemu_bh_schedule(q->bh);
}

void softpri_kick_all(SoftPRI *s)
{
    unsigned int i;

    for (i = 0; i < SOFTDMA_QUEUES; i++) {
        queue_kick(&s->queues[i]);
    }
}

/* Abort what runs. */
static void queue_new_epoch(SoftPRIQueue *q)
{
    q->epoch++;
    softpri_flight_end(q);
    queue_kick(q);
}

static void queue_fail(SoftPRIQueue *q, uint32_t error)
{
    q->error = error;
    queue_new_epoch(q);
}

bool softpri_aborted(const SoftPRIOp *op)
{
    return op->q->epoch != op->epoch;
}

/* Sleep until @due or until the operation is aborted. */
void coroutine_fn softpri_sleep_until(SoftPRIOp *op, int64_t due)
{
    while (!softpri_aborted(op) && softpri_now() < due) {
        timer_mod(op->q->timer, due);
        qemu_coroutine_yield();
    }
}

/* Called for each page: lets others run when the turn is over (P12). */
void coroutine_fn softpri_take_turn(SoftPRIOp *op)
{
    SoftPRIQueue *q = op->q;

    if (!q->turn) {
        timer_mod(q->rest, qemu_clock_get_ns(QEMU_CLOCK_REALTIME) + REST_NS);
        qemu_coroutine_yield();
        q->turn = SOFTPRI_TURN;
    }
    q->turn--;
}

/* Stop a queue, if it is enabled and not stopped. */
void softpri_queue_stop(SoftPRIQueue *q, uint32_t error)
{
    if (queue_enabled(q) && !q->error) {
        queue_fail(q, error);
    }
}

/* Abort, and give the registers their initial value. */
void softpri_queue_reset(SoftPRIQueue *q)
{
    q->ring = 0;
    q->ctrl = 0;
    q->tail = 0;
    q->head = 0;
    q->error = 0;
    queue_new_epoch(q);
}

/* Why an enabled queue can't run now. */
static uint32_t queue_obstacle(const SoftPRIQueue *q)
{
    if (q->dev->failed) {
        return SOFTDMA_FAULT_FAILURE;
    }
    if (!softpri_bus_master(q->dev)) {
        return SOFTDMA_ABORTED;
    }
    if (q->ring % sizeof(struct softdma_desc) ||
        SOFTDMA_QC_GET_RING_LOG2(q->ctrl) > SOFTDMA_MAX_RING_LOG2 ||
        q->tail - q->head > queue_entries(q)) {
        return SOFTDMA_BAD_RING;
    }
    return 0;
}

static void queue_write_ctrl(SoftPRIQueue *q, uint32_t value)
{
    bool enable = value & SOFTDMA_QC_ENABLE;

    if (value & SOFTDMA_QC_RESET) {
        softpri_queue_reset(q);
        return;
    }
    if (!queue_enabled(q)) {
        q->ctrl = value & (SOFTDMA_QC_ENABLE | SOFTDMA_QC_RING_LOG2(~0u));
    } else if (!enable) {
        q->ctrl &= ~SOFTDMA_QC_ENABLE;
    } else {
        return;
    }
    if (enable) {
        q->head = 0;
        q->tail = 0;
        q->error = queue_obstacle(q);
    }
    queue_new_epoch(q);
}

static void queue_write_tail(SoftPRIQueue *q, uint32_t value)
{
    uint32_t obstacle;

    if (!queue_enabled(q) || q->error) {
        return;
    }
    q->tail = value;
    obstacle = queue_obstacle(q);
    if (obstacle) {
        queue_fail(q, obstacle);
    } else {
        queue_kick(q);
    }
}

/* @reg: SOFTDMA_Q_* */
void softpri_queue_write(SoftPRIQueue *q, unsigned int reg, uint32_t value)
{
    switch (reg) {
    case SOFTDMA_Q_RING_LO:
        if (!queue_enabled(q)) {
            q->ring = deposit64(q->ring, 0, 32, value);
        }
        break;
    case SOFTDMA_Q_RING_HI:
        if (!queue_enabled(q)) {
            q->ring = deposit64(q->ring, 32, 32, value);
        }
        break;
    case SOFTDMA_Q_CTRL:
        queue_write_ctrl(q, value);
        break;
    case SOFTDMA_Q_TAIL:
        queue_write_tail(q, value);
        break;
    }
}

/* @reg: SOFTDMA_Q_* */
uint32_t softpri_queue_read(SoftPRIQueue *q, unsigned int reg)
{
    switch (reg) {
    case SOFTDMA_Q_RING_LO:
        return extract64(q->ring, 0, 32);
    case SOFTDMA_Q_RING_HI:
        return extract64(q->ring, 32, 32);
    case SOFTDMA_Q_CTRL:
        return q->ctrl;
    case SOFTDMA_Q_TAIL:
        return q->tail;
    case SOFTDMA_Q_HEAD:
        return q->head;
    case SOFTDMA_Q_STATUS:
        return (queue_enabled(q) ? SOFTDMA_QS_ENABLED : 0) |
               (queue_runnable(q) ? SOFTDMA_QS_BUSY : 0) |
               (q->error ? SOFTDMA_QS_ERROR | q->error << 8 : 0);
    }
    return 0;
}

static bool queue_take(SoftPRIQueue *q, SoftPRIOp *op)
{
    uint32_t place = q->head & (queue_entries(q) - 1);

    *op = (SoftPRIOp) {
        .q = q,
        .epoch = q->epoch,
        .iova = q->ring + (uint64_t)place * sizeof(struct softdma_desc),
    };
    return queue_runnable(q);
}

/* The operation is over: go on, or stop for @error. */
static void queue_finish(SoftPRIOp *op, uint32_t error)
{
    if (softpri_aborted(op)) {
        return;
    }
    if (error) {
        queue_fail(op->q, error);
    } else {
        op->q->head++;
    }
}

/* A FAILURE response stops all queues, but the one that got it. */
static void device_fail(SoftPRIOp *op)
{
    SoftPRI *s = op->q->dev;
    unsigned int i;

    s->failed = true;
    softpri_pri_status(s, PCI_PRI_STATUS_RF);
    for (i = 0; i < SOFTDMA_QUEUES; i++) {
        if (&s->queues[i] != op->q) {
            softpri_queue_stop(&s->queues[i], SOFTDMA_FAULT_FAILURE);
        }
    }
}

/* Errors are explained in softpri-access.c. */
static uint32_t status_of(int err)
{
    switch (err) {
    case 0:
        return SOFTDMA_OK;
    case -EFAULT:
        return SOFTDMA_FAULT_INVALID;
    case -EREMOTEIO:
        return SOFTDMA_FAULT_FAILURE;
    case -EIO:
        return SOFTDMA_BUS_ERROR;
    case -ECANCELED:
        return SOFTDMA_ABORTED;
    default:
        return SOFTDMA_BAD_DESC;
    }
}

/* What the device writes of a descriptor: all from result on. */
#define OUTCOME_OFFSET  offsetof(struct softdma_desc, result)
#define OUTCOME_BYTES   (sizeof(struct softdma_desc) - OUTCOME_OFFSET)

static void write_outcome(void *host, size_t bytes, void *opaque)
{
    struct softdma_desc *to = host - OUTCOME_OFFSET;
    const struct softdma_desc *from = opaque;

    to->result = from->result;
    to->detail = from->detail;
    to->faults = from->faults;
    /* All that was written is there for whoever acquires the status (G5). */
    qatomic_store_release(&to->status, from->status);
}

static int coroutine_fn queue_complete(SoftPRIOp *op)
{
    return softpri_access(op, op->iova + OUTCOME_OFFSET, OUTCOME_BYTES, 0,
                          IOMMU_WO, write_outcome, &op->desc);
}

static int coroutine_fn queue_fetch(SoftPRIOp *op)
{
    struct softdma_desc desc;
    int ret = softpri_read(op, op->iova, &desc, sizeof(desc), 0);

    if (ret) {
        return ret;
    }
    desc.faults = op->desc.faults;
    desc.result = 0;
    desc.detail = 0;
    op->desc = desc;
    return 0;
}

/* The descriptor ran with outcome @ret: write that, and go on or stop. */
static void coroutine_fn queue_conclude(SoftPRIOp *op, int ret)
{
    int err;

    op->desc.status = status_of(ret);
    if (ret == -EREMOTEIO) {
        device_fail(op);
        op->no_faults = true;
    }
    err = queue_complete(op);
    if (err == -EREMOTEIO) {
        device_fail(op);
    }
    if (ret == -EREMOTEIO) {
        err = ret;
    }
    queue_finish(op, err ? status_of(err) : 0);
}

static void coroutine_fn queue_work(SoftPRIOp *op)
{
    int ret = queue_fetch(op);

    if (!ret) {
        ret = softpri_op_run(op);
        if (ret != -ECANCELED) {
            queue_conclude(op, ret);
        }
        return;
    }
    if (ret == -EREMOTEIO) {
        device_fail(op);
    }
    queue_finish(op, status_of(ret));
}

static void coroutine_fn queue_run(void *opaque)
{
    SoftPRIQueue *q = opaque;
    SoftPRIOp op;

    while (queue_take(q, &op)) {
        queue_work(&op);
    }
    q->co = NULL;
}

static void queue_bh(void *opaque)
{
    SoftPRIQueue *q = opaque;

    if (!q->co) {
        if (!queue_runnable(q)) {
            return;
        }
        q->co = qemu_coroutine_create(queue_run, q);
        q->turn = SOFTPRI_TURN;
    }
    qemu_coroutine_enter(q->co);
}

void softpri_queue_init(SoftPRIQueue *q, SoftPRI *s)
{
    q->dev = s;
    q->bh = qemu_bh_new_guarded(queue_bh, q, &DEVICE(s)->mem_reentrancy_guard);
    q->timer = timer_new_ns(QEMU_CLOCK_VIRTUAL, queue_kick, q);
    q->rest = timer_new_ns(QEMU_CLOCK_REALTIME, queue_kick, q);
}
