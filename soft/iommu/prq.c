// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page requests: the IOMMU's queue, its consumer, and the responses.
 *
 * A device puts a whole group into the queue at once (or is answered at once), so the
 * consumer finds the requests of a group side by side and reports them under one hold
 * of the endpoint's report_lock (a device that gives them one by one has them reported
 * one by one: what of its group was reported before a change stays with the core).
 * Changing the domain or the feature takes that lock as well, and gives the endpoint a
 * new sequence number; groups of an older one are answered here and not reported.
 * Hence:
 *
 *	consumer			attach_dev(other domain)
 *	report_lock
 *	seq is the group's
 *	iommu_report_device_fault()	report_lock: waits for the report
 *	unlock				seq++, lanes use the other domain
 *					unlock
 *	report_lock
 *	seq is another: answer it
 *	unlock
 *
 * The life of a group index here: idle -> outstanding (in the queue or reported) ->
 * answered, maybe delayed by the timer -> idle, when the device has been told.  The
 * device does not use an index again before it was told.
 */
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/pci-ats.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include "iommu_priv.h"
#include "compat/hrtimer.h"

static bool iopf_accepts_any;
module_param(iopf_accepts_any, bool, 0444);
MODULE_PARM_DESC(iopf_accepts_any, "page requests are granted to devices that make none, too, without a queue for them (default no)");

static u32 soft_prq_room(const struct soft_prq *prq)
{
	u32 used = prq->tail - prq->head;
	u32 limit = min(READ_ONCE(soft_knobs.prq_limit), SOFT_PRQ_ENTRIES);

	return limit > used ? limit - used : 0;
}

static void soft_prq_push(struct soft_endpoint *ep, unsigned int group,
			  const struct soft_request *requests, unsigned int nr,
			  bool last)
{
	struct soft_prq *prq = &ep->iommu->prq;
	u32 delay = READ_ONCE(soft_knobs.report_delay_us);
	ktime_t due = delay ? ktime_add_us(ktime_get(), delay) : 0;
	unsigned int i;

	lockdep_assert_held(&prq->lock);
	for (i = 0; i < nr; i++)
		prq->entries[(prq->tail + i) % SOFT_PRQ_ENTRIES] =
			(struct soft_prq_entry) {
				.ep = ep,
				.request = requests[i],
				.due = due,
				.seq = ep->seq,
				.group = group,
				.last = last && i == nr - 1,
				.end = i == nr - 1,
			};
	WRITE_ONCE(prq->tail, prq->tail + nr);
	soft_count(SOFT_PRQ_REQUESTS, nr);
	soft_count(SOFT_PRQ_GROUPS, last);
}

static void soft_group_begin(struct soft_endpoint *ep, unsigned int group,
			     bool last)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&ep->pri_lock, flags);
	WARN_ON_ONCE(ep->groups[group].busy);
	ep->groups[group].busy = last;
	ep->groups[group].outstanding = last;
	ep->groups[group].partial = !last;
	raw_spin_unlock_irqrestore(&ep->pri_lock, flags);
}

/* Put requests into the queue, side by side; @last: the group ends with them. */
static int soft_prq_submit(struct soft_endpoint *ep, unsigned int group,
			   const struct soft_request *requests, unsigned int nr,
			   bool last)
{
	struct soft_prq *prq = &ep->iommu->prq;

	spin_lock(&prq->lock);
	if (!ep->accepting) {
		spin_unlock(&prq->lock);
		soft_count(SOFT_PRQ_REFUSED, last);
		return -ENXIO;
	}
	if (soft_prq_room(prq) < nr) {
		spin_unlock(&prq->lock);
		if (ep->faults == SOFT_FAULT_PRI)
			soft_count(SOFT_PRQ_OVERFLOW, last);
		return -EAGAIN;
	}
	soft_group_begin(ep, group, last);
	soft_prq_push(ep, group, requests, nr, last);
	spin_unlock(&prq->lock);
	wake_up_all(&prq->wait);
	return 0;
}

/**
 * softiommu_page_request() - ask for pages
 * @ep: the device
 * @group: index of the group; not used by a group that the device has not been told
 *	the response of
 * @requests: the group
 * @nr_requests: 1 to SOFT_GROUP_MAX
 *
 * Return: 0: the response will come by soft_client.respond(); -EAGAIN: the response is
 * SUCCESS, since the queue is full (a stalled access has to wait for room); -ENXIO: the
 * response is INVALID, since the device may not make requests now
 */
int softiommu_page_request(struct soft_endpoint *ep, unsigned int group,
			   const struct soft_request *requests,
			   unsigned int nr_requests)
{
	return soft_prq_submit(ep, group, requests, nr_requests, true);
}
EXPORT_SYMBOL_GPL(softiommu_page_request);

/**
 * softiommu_page_request_part() - one request of a group, by itself
 * @ep: the device, which has PRI
 * @group: index of the group, as of softiommu_page_request()
 * @request: the request
 * @last: it is the group's last one
 *
 * For devices that do not keep their groups together, or do not end them.  Only the
 * last request gets a response.
 *
 * Return: as of softiommu_page_request(); a request that is not the last of its group
 * is lost without a response if it is -EAGAIN or -ENXIO
 */
int softiommu_page_request_part(struct soft_endpoint *ep, unsigned int group,
				const struct soft_request *request, bool last)
{
	return soft_prq_submit(ep, group, request, 1, last);
}
EXPORT_SYMBOL_GPL(softiommu_page_request_part);

static void soft_group_deliver(struct soft_group *group)
{
	struct soft_endpoint *ep = group->ep;
	unsigned long flags;

	raw_spin_lock_irqsave(&ep->pri_lock, flags);
	group->busy = false;
	raw_spin_unlock_irqrestore(&ep->pri_lock, flags);
	if (!ep->client->respond(ep->priv, group - ep->groups, group->code))
		soft_count(SOFT_RESP_LATE, 1);
}

static enum hrtimer_restart soft_group_timer(struct hrtimer *timer)
{
	soft_group_deliver(container_of(timer, struct soft_group, timer));
	return HRTIMER_NORESTART;
}

/*
 * The group that a response is for; NULL if nobody asked.  @partial: the group has begun
 * and not ended, so that nobody is to be told.
 */
static struct soft_group *soft_group_take(struct soft_endpoint *ep,
					  unsigned int index, bool *partial)
{
	struct soft_group *group;
	unsigned long flags;
	bool outstanding;

	*partial = false;
	if (index >= SOFT_GROUP_INDEXES)
		return NULL;
	group = &ep->groups[index];
	raw_spin_lock_irqsave(&ep->pri_lock, flags);
	outstanding = group->outstanding;
	group->outstanding = false;
	*partial = group->partial;
	raw_spin_unlock_irqrestore(&ep->pri_lock, flags);
	return outstanding ? group : NULL;
}

static void soft_group_answer(struct soft_group *group,
			      enum iommu_page_response_code code)
{
	u32 delay = READ_ONCE(soft_knobs.response_delay_us);
	u32 swap = READ_ONCE(soft_knobs.response_swap_us);
	static atomic_t answers;

	if (swap && atomic_inc_return(&answers) % 2)
		delay += swap;
	/* A stalled access can only be aborted. */
	if (group->ep->faults == SOFT_FAULT_STALL &&
	    code == IOMMU_PAGE_RESP_FAILURE)
		code = IOMMU_PAGE_RESP_INVALID;
	group->code = code;
	if (delay)
		hrtimer_start(&group->timer,
			      ns_to_ktime((u64)delay * NSEC_PER_USEC),
			      HRTIMER_MODE_REL_SOFT);
	else
		soft_group_deliver(group);
}

/*
 * The iommu core's page_response.  Counted before the device is told: whoever saw the
 * device go on finds the response counted.
 */
void soft_page_response(struct device *dev, struct iopf_fault *fault,
			struct iommu_page_response *response)
{
	struct soft_endpoint *ep = dev_iommu_priv_get(dev);
	enum soft_stat stat = SOFT_RESP_FAILURE;
	struct soft_group *group;
	bool partial;

	group = soft_group_take(ep, response->grpid, &partial);
	/* The core answers also for a request that is not the last, if nobody listens. */
	if (partial)
		return;
	if (group)
		soft_time_answered(group);
	if (!group)
		stat = SOFT_RESP_UNEXPECTED;
	else if (response->code == IOMMU_PAGE_RESP_SUCCESS)
		stat = SOFT_RESP_SUCCESS;
	else if (response->code == IOMMU_PAGE_RESP_INVALID)
		stat = SOFT_RESP_INVALID;
	soft_count(stat, 1);
	if (group)
		soft_group_answer(group, response->code);
}

static void soft_group_purge(struct soft_endpoint *ep, unsigned int index)
{
	struct soft_group *group;
	bool partial;

	lockdep_assert_held(&ep->report_lock);
	group = soft_group_take(ep, index, &partial);
	soft_count(SOFT_PRQ_PURGED, 1);
	if (group)
		soft_group_answer(group, ep->domain ? IOMMU_PAGE_RESP_SUCCESS :
						      IOMMU_PAGE_RESP_INVALID);
}

static int soft_report(struct soft_endpoint *ep,
		       const struct soft_prq_entry *entry)
{
	struct iopf_fault fault = {
		.fault = {
			.type = IOMMU_FAULT_PAGE_REQ,
			.prm = {
				.grpid = entry->group,
				.perm = entry->request.perm,
				.addr = entry->request.iova,
				.flags = entry->last ?
					 IOMMU_FAULT_PAGE_REQUEST_LAST_PAGE : 0,
			},
		},
	};

	if (entry->last)
		soft_time_reported(&ep->groups[entry->group]);
	return iommu_report_device_fault(ep->dev, &fault);
}

static void soft_report_group(const struct soft_prq_entry *entries,
			      unsigned int nr)
{
	struct soft_endpoint *ep = entries[0].ep;
	unsigned int i;

	guard(mutex)(&ep->report_lock);
	if (entries[0].seq != ep->seq) {
		if (entries[nr - 1].last)
			soft_group_purge(ep, entries[0].group);
		return;
	}
	/*
	 * -EINVAL: the core found nobody to handle it, and has answered, for the first
	 * request of the group already.
	 */
	for (i = 0; i < nr; i++)
		if (soft_report(ep, &entries[i]) == -EINVAL)
			return;
}

/* Take a group out of the queue; 0 if there is none that may be reported now. */
static unsigned int soft_prq_pop(struct soft_prq *prq, ktime_t *due)
{
	struct soft_prq_entry *batch = prq->batch;
	unsigned int nr = 0;
	u32 head;

	spin_lock(&prq->lock);
	*due = 0;
	head = prq->head;
	if (head == prq->tail)
		goto out_unlock;
	*due = prq->entries[head % SOFT_PRQ_ENTRIES].due;
	if (*due && ktime_after(*due, ktime_get()))
		goto out_unlock;
	do {
		batch[nr] = prq->entries[head++ % SOFT_PRQ_ENTRIES];
	} while (!batch[nr++].end);
	WRITE_ONCE(prq->head, head);
	WRITE_ONCE(prq->busy, batch[0].ep);
out_unlock:
	spin_unlock(&prq->lock);
	return nr;
}

static void soft_prq_done(struct soft_prq *prq)
{
	spin_lock(&prq->lock);
	WRITE_ONCE(prq->busy, NULL);
	spin_unlock(&prq->lock);
	wake_up_all(&prq->wait);
}

static void soft_prq_sleep_until(ktime_t due)
{
	set_current_state(TASK_IDLE);
	if (!kthread_should_stop())
		schedule_hrtimeout(&due, HRTIMER_MODE_ABS);
	__set_current_state(TASK_RUNNING);
}

static bool soft_prq_has_work(struct soft_prq *prq)
{
	return kthread_should_stop() ||
	       READ_ONCE(prq->head) != READ_ONCE(prq->tail);
}

static int soft_prq_consumer(void *arg)
{
	struct soft_prq *prq = arg;
	unsigned int nr;
	ktime_t due;

	while (!kthread_should_stop()) {
		nr = soft_prq_pop(prq, &due);
		if (nr) {
			if (prq->batch[0].ep)
				soft_report_group(prq->batch, nr);
			soft_prq_done(prq);
		} else if (due) {
			soft_prq_sleep_until(due);
		} else {
			wait_event_idle(prq->wait, soft_prq_has_work(prq));
		}
	}
	return 0;
}

int soft_prq_init(struct soft_prq *prq, unsigned int index)
{
	spin_lock_init(&prq->lock);
	init_waitqueue_head(&prq->wait);
	prq->consumer = kthread_run(soft_prq_consumer, prq, "softiommu%u-prq",
				    index);
	return PTR_ERR_OR_ZERO(prq->consumer);
}

void soft_prq_deinit(struct soft_prq *prq)
{
	kthread_stop(prq->consumer);
}

/**
 * soft_prq_changed() - the domain or the feature of an endpoint has changed
 * @ep: the endpoint, its report_lock held
 */
void soft_prq_changed(struct soft_endpoint *ep)
{
	lockdep_assert_held(&ep->report_lock);
	spin_lock(&ep->iommu->prq.lock);
	ep->seq++;
	ep->accepting = ep->domain && ep->iopf;
	spin_unlock(&ep->iommu->prq.lock);
}

/**
 * soft_prq_forget() - let the queue know nothing of an endpoint any more
 * @ep: makes no more requests
 */
void soft_prq_forget(struct soft_endpoint *ep)
{
	struct soft_prq *prq = &ep->iommu->prq;
	u32 i;

	spin_lock(&prq->lock);
	for (i = prq->head; i != prq->tail; i++)
		if (prq->entries[i % SOFT_PRQ_ENTRIES].ep == ep)
			prq->entries[i % SOFT_PRQ_ENTRIES].ep = NULL;
	spin_unlock(&prq->lock);
	wait_event(prq->wait, READ_ONCE(prq->busy) != ep);
}

int soft_groups_init(struct soft_endpoint *ep)
{
	unsigned int i;

	ep->groups = kvcalloc(SOFT_GROUP_INDEXES, sizeof(*ep->groups),
			      GFP_KERNEL);
	if (!ep->groups)
		return -ENOMEM;
	for (i = 0; i < SOFT_GROUP_INDEXES; i++) {
		ep->groups[i].ep = ep;
		hrtimer_setup(&ep->groups[i].timer, soft_group_timer,
			      CLOCK_MONOTONIC, HRTIMER_MODE_REL_SOFT);
	}
	return 0;
}

void soft_groups_deinit(struct soft_endpoint *ep)
{
	unsigned int i;

	for (i = 0; ep->groups && i < SOFT_GROUP_INDEXES; i++)
		hrtimer_cancel(&ep->groups[i].timer);
	kvfree(ep->groups);
}

/* What an IOMMU driver does to the device's own PRI and ATS capabilities. */
static void soft_pri_enable(struct pci_dev *pdev, bool on)
{
	int pri = pci_find_ext_capability(pdev, PCI_EXT_CAP_ID_PRI);
	u32 requests;

	if (!pri)
		return;
	pci_read_config_dword(pdev, pri + PCI_PRI_MAX_REQ, &requests);
	if (on) {
		pci_write_config_dword(pdev, pri + PCI_PRI_ALLOC_REQ, requests);
		if (pci_ats_supported(pdev))
			pci_enable_ats(pdev, PAGE_SHIFT);
	} else if (pdev->ats_enabled) {
		pci_disable_ats(pdev);
	}
	pci_write_config_word(pdev, pri + PCI_PRI_CTRL,
			      on ? PCI_PRI_CTRL_ENABLE : 0);
}

/**
 * soft_iopf_enable() - page requests are on from here on
 * @ep: the endpoint; the group's mutex held
 *
 * Return: 0, -ENODEV if it can make none, or -ENOMEM. With iopf_accepts_any 0 where it can
 * make none, and nothing is done.
 */
int soft_iopf_enable(struct soft_endpoint *ep)
{
	int ret;

	if (ep->faults == SOFT_FAULT_NONE)
		return iopf_accepts_any ? 0 : -ENODEV;
	ret = iopf_queue_add_device(ep->iommu->iopf_queue, ep->dev);
	if (ret)
		return ret;
	soft_pri_enable(to_pci_dev(ep->dev), true);
	guard(mutex)(&ep->report_lock);
	ep->iopf = true;
	soft_prq_changed(ep);
	return 0;
}

/**
 * soft_iopf_disable() - page requests are off from here on
 * @ep: the endpoint, with page requests on until now; the group's mutex held
 */
void soft_iopf_disable(struct soft_endpoint *ep)
{
	mutex_lock(&ep->report_lock);
	ep->iopf = false;
	soft_prq_changed(ep);
	mutex_unlock(&ep->report_lock);
	soft_pri_enable(to_pci_dev(ep->dev), false);
	iopf_queue_remove_device(ep->iommu->iopf_queue, ep->dev);
}
