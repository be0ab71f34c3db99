// SPDX-License-Identifier: GPL-2.0-only
/*
 * softdma: access to memory, and the page requests that it needs.
 *
 * Errors, here and up to ring.c:
 *	-EFAULT		the address in desc.detail has no translation
 *	-EREMOTEIO	the response was FAILURE
 *	-EIO		the address in desc.detail is not RAM
 *	-ECANCELED	aborted
 *	-EINVAL		the descriptor is not valid
 *
 * The indexes of groups are groups.c's.
 */
#include <linux/hrtimer.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/unaligned.h>

#include "dma_priv.h"

/* How long to wait before asking again when the IOMMU's queue was full. */
#define SD_OVERFLOW_WAIT_NS	(50 * NSEC_PER_USEC)

/* The page that missed, and those after it in the operand that would miss too. */
static unsigned int sd_group_fill(struct sd_op *op, u64 iova, u64 end,
				  unsigned int prot, struct soft_request *requests)
{
	u32 limit = sd_config_dword(op->q->dev, SD_CAP_PRI + PCI_PRI_ALLOC_REQ);
	u32 max = clamp(SOFTDMA_F_GET_GROUP(op->desc.flags), 1U,
			min_t(u32, max(limit, 1U), SOFTDMA_MAX_GROUP_PAGES));
	u32 perm = (prot & PGT_READ ? IOMMU_FAULT_PERM_READ : 0) |
		   (prot & PGT_WRITE ? IOMMU_FAULT_PERM_WRITE : 0);
	u64 page = iova & PAGE_MASK;
	unsigned int nr = 0;

	if (op->desc.flags & SOFTDMA_F_WANT_WRITE)
		perm |= IOMMU_FAULT_PERM_WRITE;
	for (; nr < max && page < end; page += PAGE_SIZE) {
		if (nr && softiommu_translates(op->q->lane, page, prot))
			continue;
		requests[nr++] = (struct soft_request){ page, perm };
	}
	return nr;
}

/* What the IOMMU reports of an access that it has stalled. */
static struct soft_request sd_stalled(u64 iova, unsigned int prot)
{
	return (struct soft_request) {
		.iova = iova,
		.perm = prot & PGT_WRITE ? IOMMU_FAULT_PERM_WRITE :
					   IOMMU_FAULT_PERM_READ,
	};
}

static bool sd_may_fault(const struct sd_device *dev)
{
	return sd_stalls(dev) || sd_pri_enabled(dev);
}

/**
 * sd_overflow_wait() - wait a moment for room in the IOMMU's queue
 *
 * Return: 0
 */
int sd_overflow_wait(void)
{
	ktime_t wait = ns_to_ktime(SD_OVERFLOW_WAIT_NS);

	set_current_state(TASK_IDLE);
	schedule_hrtimeout(&wait, HRTIMER_MODE_REL);
	return 0;
}

/* 0: try the access again. */
static int sd_page_request(struct sd_op *op, u64 iova, u64 end,
			   unsigned int prot)
{
	struct soft_request requests[SOFT_GROUP_MAX];
	struct sd_device *dev = op->q->dev;
	enum iommu_page_response_code code = IOMMU_PAGE_RESP_INVALID;
	unsigned int nr = 1;
	int index, ret;

	if (sd_stalls(dev))
		requests[0] = sd_stalled(iova, prot);
	else
		nr = sd_group_fill(op, iova, end, prot, requests);
	wait_event_idle(dev->wait,
			sd_group_take(dev, nr, &index) || sd_op_aborted(op));
	if (index < 0)
		return -ECANCELED;
	op->desc.faults++;
	ret = softiommu_page_request(dev->ep, index, requests, nr);
	if (ret) {
		sd_group_drop(dev, index, false);
		/* A stalled access just has to wait longer. */
		op->desc.faults -= sd_stalls(dev) && ret == -EAGAIN;
		return ret == -EAGAIN ? sd_overflow_wait() : -EFAULT;
	}
	wait_event_idle(dev->wait,
			sd_group_answered(dev, index) || sd_op_aborted(op));
	ret = sd_group_answered(dev, index) ? 0 : -ECANCELED;
	if (!ret)
		code = dev->groups[index].code;
	sd_group_drop(dev, index, true);
	if (ret || code == IOMMU_PAGE_RESP_SUCCESS)
		return ret;
	return code == IOMMU_PAGE_RESP_INVALID ? -EFAULT : -EREMOTEIO;
}

/**
 * sd_access() - one access, within a page, with the page requests it needs
 * @op: for this operation
 * @iova: address
 * @bytes: how much, not crossing a page
 * @more: how much of the operand follows these bytes
 * @prot: PGT_READ, PGT_WRITE
 * @fn: makes the access
 * @ctx: for @fn
 *
 * Return: 0 or an error, see the top of the file
 */
int sd_access(struct sd_op *op, u64 iova, size_t bytes, u64 more,
	      unsigned int prot, soft_access_fn fn, void *ctx)
{
	u64 end = iova + bytes + more;
	ktime_t asked;
	int ret;

	for (;;) {
		ret = softiommu_access(op->q->lane, op->epoch, iova, bytes, prot,
				       fn, ctx);
		if (ret == -EFAULT && !op->no_faults &&
		    sd_may_fault(op->q->dev)) {
			asked = ktime_get();
			ret = sd_page_request(op, iova, end, prot);
			op->waited_ns += ktime_to_ns(ktime_sub(ktime_get(), asked));
			if (!ret && sd_op_aborted(op))
				return -ECANCELED;
			if (!ret)
				continue;
		}
		if (ret == -EFAULT || ret == -EIO || ret == -EREMOTEIO)
			op->desc.detail = iova;
		return ret;
	}
}

/*
 * To the first aligned word of memory, then words at once, as CPUs may be at them too:
 * memcpy() goes byte by byte on a CPU that says it is good at that (X86_FEATURE_FSRM in
 * arch/x86/lib/memcpy_64.S).
 */
static size_t sd_copy_head(const void *memory, size_t bytes)
{
	return min(bytes, -(unsigned long)memory % sizeof(u64));
}

static void sd_copy_out(void *memory, size_t bytes, void *to)
{
	size_t at = sd_copy_head(memory, bytes);

	memcpy(to, memory, at);
	for (; bytes - at >= sizeof(u64); at += sizeof(u64))
		put_unaligned(READ_ONCE(*(u64 *)(memory + at)), (u64 *)(to + at));
	memcpy(to + at, memory + at, bytes - at);
}

static void sd_copy_in(void *memory, size_t bytes, void *from)
{
	size_t at = sd_copy_head(memory, bytes);

	memcpy(memory, from, at);
	for (; bytes - at >= sizeof(u64); at += sizeof(u64))
		WRITE_ONCE(*(u64 *)(memory + at), get_unaligned((u64 *)(from + at)));
	memcpy(memory + at, from + at, bytes - at);
}

static int sd_transfer(struct sd_op *op, u64 iova, void *buffer, size_t bytes,
		       u64 more, unsigned int prot, soft_access_fn fn)
{
	while (bytes) {
		size_t n = min(bytes, PAGE_SIZE - offset_in_page(iova));
		int ret = sd_access(op, iova, n, bytes - n + more, prot, fn,
				    buffer);

		if (ret)
			return ret;
		iova += n;
		buffer += n;
		bytes -= n;
	}
	return 0;
}

/**
 * sd_read() - read from memory
 * @op: for this operation
 * @iova: from where
 * @to: to where
 * @bytes: how much
 * @more: how much of the operand follows these bytes
 *
 * Return: 0 or an error, see the top of the file
 */
int sd_read(struct sd_op *op, u64 iova, void *to, size_t bytes, u64 more)
{
	return sd_transfer(op, iova, to, bytes, more, PGT_READ, sd_copy_out);
}

/**
 * sd_write() - write to memory
 * @op: for this operation
 * @iova: to where
 * @from: from where
 * @bytes: how much
 * @more: how much of the operand follows these bytes
 *
 * Return: 0 or an error, see the top of the file
 */
int sd_write(struct sd_op *op, u64 iova, void *from, size_t bytes, u64 more)
{
	return sd_transfer(op, iova, from, bytes, more, PGT_WRITE, sd_copy_in);
}
