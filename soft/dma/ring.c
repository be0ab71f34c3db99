// SPDX-License-Identifier: GPL-2.0-only
/*
 * softdma: a queue: its registers, its ring and its thread.
 *
 * The thread takes one descriptor at a time, with the epoch of that moment.  A queue is
 * stopped by changing its epoch, under its lock, with its thread woken:
 *
 *	config write			thread
 *					takes descriptor, epoch 7
 *					access: lane has epoch 7: made
 *	q->lock
 *	epoch = 8, lane's too
 *	(waits for an access that runs)
 *					access: -ECANCELED
 *	wake thread
 *					page request: woken, gives up
 *					HEAD: epoch is not 7, left alone
 *
 * so that nothing made for the old epoch is seen after the config write.
 */
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "dma_priv.h"

static bool sd_enabled(const struct sd_queue *q)
{
	return q->ctrl & SOFTDMA_QC_ENABLE;
}

static u32 sd_entries(const struct sd_queue *q)
{
	return BIT(SOFTDMA_QC_GET_RING_LOG2(q->ctrl));
}

static bool sd_runnable(const struct sd_queue *q)
{
	return sd_enabled(q) && !q->error && q->head != q->tail;
}

/* Abort what runs. */
static void sd_new_epoch(struct sd_queue *q)
{
	lockdep_assert_held(&q->lock);
	WRITE_ONCE(q->epoch, q->epoch + 1);
	softiommu_lane_set_epoch(q->lane, q->epoch);
	if (q->thread)
		wake_up_process(q->thread);
}

static void sd_stop_locked(struct sd_queue *q, u32 error)
{
	q->error = error;
	sd_new_epoch(q);
}

/**
 * sd_queue_stop() - stop a queue, if it is enabled and not stopped
 * @q: the queue
 * @error: why
 */
void sd_queue_stop(struct sd_queue *q, u32 error)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&q->lock, flags);
	if (sd_enabled(q) && !q->error)
		sd_stop_locked(q, error);
	raw_spin_unlock_irqrestore(&q->lock, flags);
}

static void sd_reset_locked(struct sd_queue *q)
{
	q->ring = 0;
	q->ctrl = 0;
	q->tail = 0;
	q->head = 0;
	q->error = 0;
	sd_new_epoch(q);
}

/**
 * sd_queue_reset() - abort, and give the registers their initial value
 * @q: the queue
 */
void sd_queue_reset(struct sd_queue *q)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&q->lock, flags);
	sd_reset_locked(q);
	raw_spin_unlock_irqrestore(&q->lock, flags);
}

/* Why an enabled queue can't run now. */
static u32 sd_obstacle(const struct sd_queue *q)
{
	if (READ_ONCE(q->dev->failed))
		return SOFTDMA_FAULT_FAILURE;
	if (!sd_bus_master(q->dev))
		return SOFTDMA_ABORTED;
	if (q->ring % sizeof(struct softdma_desc) ||
	    SOFTDMA_QC_GET_RING_LOG2(q->ctrl) > SOFTDMA_MAX_RING_LOG2 ||
	    q->tail - q->head > sd_entries(q))
		return SOFTDMA_BAD_RING;
	return 0;
}

static void sd_write_ctrl(struct sd_queue *q, u32 value)
{
	bool enable = value & SOFTDMA_QC_ENABLE;

	if (value & SOFTDMA_QC_RESET) {
		sd_reset_locked(q);
		return;
	}
	if (!sd_enabled(q))
		q->ctrl = value & (SOFTDMA_QC_ENABLE |
				   SOFTDMA_QC_RING_LOG2(~0));
	else if (!enable)
		q->ctrl &= ~SOFTDMA_QC_ENABLE;
	else
		return;
	if (enable) {
		q->head = 0;
		q->tail = 0;
		q->error = sd_obstacle(q);
	}
	sd_new_epoch(q);
}

static void sd_write_tail(struct sd_queue *q, u32 value)
{
	u32 obstacle;

	if (!sd_enabled(q) || q->error)
		return;
	q->tail = value;
	obstacle = sd_obstacle(q);
	if (obstacle)
		sd_stop_locked(q, obstacle);
	else if (q->thread)
		wake_up_process(q->thread);
}

/**
 * sd_queue_write() - write a register
 * @q: the queue
 * @reg: SOFTDMA_Q_*
 * @value: the value
 */
void sd_queue_write(struct sd_queue *q, unsigned int reg, u32 value)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&q->lock, flags);
	switch (reg) {
	case SOFTDMA_Q_RING_LO:
		if (!sd_enabled(q))
			q->ring = (q->ring & ~(u64)U32_MAX) | value;
		break;
	case SOFTDMA_Q_RING_HI:
		if (!sd_enabled(q))
			q->ring = (q->ring & U32_MAX) | (u64)value << 32;
		break;
	case SOFTDMA_Q_CTRL:
		sd_write_ctrl(q, value);
		break;
	case SOFTDMA_Q_TAIL:
		sd_write_tail(q, value);
		break;
	}
	raw_spin_unlock_irqrestore(&q->lock, flags);
}

static u32 sd_status(const struct sd_queue *q)
{
	return (sd_enabled(q) ? SOFTDMA_QS_ENABLED : 0) |
	       (sd_runnable(q) ? SOFTDMA_QS_BUSY : 0) |
	       (q->error ? SOFTDMA_QS_ERROR | q->error << 8 : 0);
}

/**
 * sd_queue_read() - read a register
 * @q: the queue
 * @reg: SOFTDMA_Q_*
 *
 * Return: its value, 0 if there is no such register
 */
u32 sd_queue_read(struct sd_queue *q, unsigned int reg)
{
	unsigned long flags;
	u32 value = 0;

	raw_spin_lock_irqsave(&q->lock, flags);
	switch (reg) {
	case SOFTDMA_Q_RING_LO:
		value = lower_32_bits(q->ring);
		break;
	case SOFTDMA_Q_RING_HI:
		value = upper_32_bits(q->ring);
		break;
	case SOFTDMA_Q_CTRL:
		value = q->ctrl;
		break;
	case SOFTDMA_Q_TAIL:
		value = q->tail;
		break;
	case SOFTDMA_Q_HEAD:
		value = q->head;
		break;
	case SOFTDMA_Q_STATUS:
		value = sd_status(q);
		break;
	}
	raw_spin_unlock_irqrestore(&q->lock, flags);
	return value;
}

static bool sd_take(struct sd_queue *q, struct sd_op *op)
{
	unsigned long flags;
	bool runnable;

	raw_spin_lock_irqsave(&q->lock, flags);
	runnable = sd_runnable(q);
	op->q = q;
	op->epoch = q->epoch;
	op->resets = READ_ONCE(q->dev->resets);
	op->iova = q->ring + (u64)(q->head & (sd_entries(q) - 1)) *
			     sizeof(struct softdma_desc);
	op->no_faults = false;
	op->waited_ns = 0;
	raw_spin_unlock_irqrestore(&q->lock, flags);
	return runnable;
}

/* The operation is over: go on, or stop for @error. */
static void sd_finish(struct sd_op *op, u32 error)
{
	struct sd_queue *q = op->q;
	unsigned long flags;

	raw_spin_lock_irqsave(&q->lock, flags);
	if (q->epoch == op->epoch) {
		if (error)
			sd_stop_locked(q, error);
		else
			q->head++;
	}
	raw_spin_unlock_irqrestore(&q->lock, flags);
}

/*
 * All queues but the one whose operation got the response. Not if the function was reset
 * since: its queues have begun anew.
 */
static void sd_device_fail(struct sd_op *op)
{
	struct sd_device *dev = op->q->dev;
	unsigned long flags;
	unsigned int i;

	raw_spin_lock_irqsave(&dev->pri_lock, flags);
	if (op->resets == dev->resets) {
		WRITE_ONCE(dev->failed, true);
		WRITE_ONCE(dev->response_failure, true);
		for (i = 0; i < SOFTDMA_QUEUES; i++)
			if (&dev->queues[i] != op->q)
				sd_queue_stop(&dev->queues[i], SOFTDMA_FAULT_FAILURE);
	}
	raw_spin_unlock_irqrestore(&dev->pri_lock, flags);
}

static u32 sd_status_of(int err)
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
#define SD_OUTCOME_OFFSET	offsetof(struct softdma_desc, result)
#define SD_OUTCOME_BYTES	(sizeof(struct softdma_desc) - SD_OUTCOME_OFFSET)

static void sd_write_outcome(void *memory, size_t bytes, void *ctx)
{
	struct softdma_desc *to = memory - SD_OUTCOME_OFFSET;
	const struct softdma_desc *from = ctx;

	WRITE_ONCE(to->result, from->result);
	WRITE_ONCE(to->detail, from->detail);
	WRITE_ONCE(to->faults, from->faults);
	/* All that was written is there for whoever acquires the status (G5). */
	smp_store_release(&to->status, from->status);
}

static int sd_complete(struct sd_op *op)
{
	return sd_access(op, op->iova + SD_OUTCOME_OFFSET, SD_OUTCOME_BYTES, 0,
			 PGT_WRITE, sd_write_outcome, &op->desc);
}

static int sd_fetch(struct sd_op *op)
{
	struct softdma_desc desc;
	int ret;

	memset(&op->desc, 0, sizeof(op->desc));
	ret = sd_read(op, op->iova, &desc, sizeof(desc), 0);
	if (ret)
		return ret;
	desc.faults = op->desc.faults;
	desc.result = 0;
	desc.detail = 0;
	op->desc = desc;
	return 0;
}

/* The descriptor ran with outcome @ret: write that, and go on or stop. */
static void sd_conclude(struct sd_op *op, int ret)
{
	int err;

	op->desc.status = sd_status_of(ret);
	if (ret == -EREMOTEIO) {
		sd_device_fail(op);
		op->no_faults = true;
	}
	err = sd_complete(op);
	if (err == -EREMOTEIO)
		sd_device_fail(op);
	if (ret == -EREMOTEIO)
		err = ret;
	sd_finish(op, err ? sd_status_of(err) : 0);
}

static void sd_work(struct sd_op *op)
{
	int ret = sd_fetch(op);

	if (!ret) {
		ret = sd_op_run(op);
		if (ret != -ECANCELED)
			sd_conclude(op, ret);
		return;
	}
	if (ret == -EREMOTEIO)
		sd_device_fail(op);
	sd_finish(op, sd_status_of(ret));
}

static int sd_queue_thread(void *arg)
{
	struct sd_queue *q = arg;
	struct sd_op op;

	while (!kthread_should_stop()) {
		set_current_state(TASK_IDLE);
		if (sd_take(q, &op)) {
			__set_current_state(TASK_RUNNING);
			sd_work(&op);
			cond_resched();
		} else if (!kthread_should_stop()) {
			schedule();
		}
	}
	__set_current_state(TASK_RUNNING);
	return 0;
}

/**
 * sd_queue_init() - set up a queue and start its thread
 * @q: the queue
 * @dev: its device, which has its endpoint
 * @index: which of the device's queues
 *
 * Return: 0 or a negative errno
 */
int sd_queue_init(struct sd_queue *q, struct sd_device *dev, unsigned int index)
{
	struct task_struct *thread;

	raw_spin_lock_init(&q->lock);
	q->dev = dev;
	q->lane = softiommu_lane(dev->ep, index);
	q->bounce = (void *)__get_free_page(GFP_KERNEL);
	if (!q->bounce)
		return -ENOMEM;
	thread = kthread_run(sd_queue_thread, q, "softdma%u.%u", dev->index,
			     index);
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	q->thread = thread;
	return 0;
}

/**
 * sd_queue_deinit() - stop the thread
 * @q: nobody reaches its registers any more; sd_queue_init() may have failed or may
 *	not have been called
 */
void sd_queue_deinit(struct sd_queue *q)
{
	if (q->thread)
		kthread_stop(q->thread);
	free_page((unsigned long)q->bounce);
}
