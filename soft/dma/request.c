// SPDX-License-Identifier: GPL-2.0-only
/*
 * softdma: page requests made for their own sake.
 *
 * SOFTDMA_OP_REQUEST makes the requests of a list, one by one in its order, with no
 * regard to the number that may be outstanding, and waits for the responses to all groups
 * that the list has ended.
 */
#include <linux/mm.h>

#include "dma_priv.h"

/**
 * struct sd_requests - SOFTDMA_OP_REQUEST at work, in the queue's bounce page
 * @index: by number in the list, plus 1; 0: not begun
 * @ended: by number in the list
 * @refused: by number in the list: answered INVALID on the spot
 */
struct sd_requests {
	u16 index[SOFTDMA_MAX_LIST_GROUPS];
	bool ended[SOFTDMA_MAX_LIST_GROUPS];
	bool refused[SOFTDMA_MAX_LIST_GROUPS];
};

static_assert(sizeof(struct sd_requests) <= PAGE_SIZE);

static u32 sd_list_perm(u32 flags)
{
	return (flags & SOFTDMA_RQ_READ ? IOMMU_FAULT_PERM_READ : 0) |
	       (flags & SOFTDMA_RQ_WRITE ? IOMMU_FAULT_PERM_WRITE : 0);
}

/* The group of an entry of the list, begun if it is the first. */
static int sd_list_group(struct sd_op *op, struct sd_requests *r, u32 number)
{
	struct sd_device *dev = op->q->dev;
	int index = r->index[number] - 1;

	if (index >= 0)
		return index;
	wait_event_idle(dev->wait,
			sd_group_take(dev, 0, &index) || sd_op_aborted(op));
	if (index >= 0)
		r->index[number] = index + 1;
	return index;
}

static int sd_list_request(struct sd_op *op, struct sd_requests *r,
			   const struct softdma_request *entry)
{
	struct soft_request request = {
		.iova = entry->addr & PAGE_MASK,
		.perm = sd_list_perm(entry->flags),
	};
	bool last = entry->flags & SOFTDMA_RQ_LAST;
	int index, ret;

	if ((entry->flags & ~SOFTDMA_RQ_ALL) ||
	    entry->group >= SOFTDMA_MAX_LIST_GROUPS || r->ended[entry->group])
		return -EINVAL;
	index = sd_list_group(op, r, entry->group);
	if (index < 0)
		return -ECANCELED;
	do {
		ret = softiommu_page_request_part(op->q->dev->ep, index,
						  &request, last);
	} while (ret == -EAGAIN && !sd_overflow_wait() && !sd_op_aborted(op));
	if (ret == -EAGAIN)
		return -ECANCELED;
	r->ended[entry->group] = last;
	r->refused[entry->group] = last && ret;
	op->desc.faults += last;
	return 0;
}

static int sd_list_make(struct sd_op *op, struct sd_requests *r)
{
	struct softdma_request entry;
	u64 i;
	int ret;

	for (i = 0; i < op->desc.arg; i++) {
		if (sd_op_aborted(op))
			return -ECANCELED;
		ret = sd_read(op, op->desc.src + i * sizeof(entry), &entry,
			      sizeof(entry),
			      (op->desc.arg - i - 1) * sizeof(entry));
		if (!ret)
			ret = sd_list_request(op, r, &entry);
		if (ret)
			return ret;
	}
	return 0;
}

/* A group of the list has ended: wait for its response, and count it. */
static int sd_list_await(struct sd_op *op, int index, bool refused)
{
	struct sd_device *dev = op->q->dev;
	enum iommu_page_response_code code = IOMMU_PAGE_RESP_INVALID;
	bool answered = true;

	if (!refused) {
		wait_event_idle(dev->wait,
				sd_group_answered(dev, index) || sd_op_aborted(op));
		answered = sd_group_answered(dev, index);
		if (answered)
			code = dev->groups[index].code;
	}
	sd_group_drop(dev, index, !refused);
	if (!answered)
		return -ECANCELED;
	op->desc.result++;
	if (code == IOMMU_PAGE_RESP_SUCCESS)
		op->desc.detail++;
	return code == IOMMU_PAGE_RESP_FAILURE ? -EREMOTEIO : 0;
}

/**
 * sd_op_request() - carry out SOFTDMA_OP_REQUEST
 * @op: the operation
 *
 * Return: 0 or an error, see access.c
 */
int sd_op_request(struct sd_op *op)
{
	struct sd_requests *r = op->q->bounce;
	struct softdma_desc *d = &op->desc;
	int ret, err;
	u32 i;

	if (!sd_pri_enabled(op->q->dev) || (d->src & 15) || d->dst || d->len ||
	    d->arg > SOFTDMA_MAX_SG_ENTRIES)
		return -EINVAL;
	memset(r, 0, sizeof(*r));
	ret = sd_list_make(op, r);
	for (i = 0; i < SOFTDMA_MAX_LIST_GROUPS; i++) {
		if (!r->index[i])
			continue;
		if (!r->ended[i]) {
			sd_group_lose(op->q->dev, r->index[i] - 1);
			continue;
		}
		err = sd_list_await(op, r->index[i] - 1, r->refused[i]);
		ret = ret ? ret : err;
	}
	return ret;
}
