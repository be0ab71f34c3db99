// SPDX-License-Identifier: GPL-2.0-only
/*
 * What devices do: read and write and have it judged; work while other operations are done;
 * make page requests that nobody needs; be reset.
 *
 * What a job must end with is known beforehand from the model: OK if each page of its range is
 * mapped, with the right that it takes, over memory that permits it, INVALID otherwise; unless
 * it may have to wait for user space, when nobody waits for it.
 */
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>

#include "world.h"

#define RING_LOG2	6u
#define SETTLE_MS	5u
#define JOB_MS		60000u
#define MOST_YIELDS	16u

enum expected { EXPECT_OK, EXPECT_INVALID, EXPECT_ANY, EXPECT_WAIT };

struct page *page_of(struct container *c, uint64_t iova, struct slot **slot, struct mapping **m)
{
	*m = mapping_at(c, iova);
	return *m ? memory_page((*m)->uaddr + (iova - (*m)->iova), slot) : NULL;
}

static enum expected expect_page(struct container *c, uint64_t iova, bool write)
{
	struct mapping *m;
	struct slot *slot;
	struct page *page = page_of(c, iova, &slot, &m);

	if (!m || !(m->rights & (write ? VIOPF_WRITE : VIOPF_READ)))
		return EXPECT_INVALID;
	if (m->away || (m->rights & VIOPF_USER && c->fault_fd >= 0))
		return EXPECT_WAIT;
	if (m->iova == IOVA_RINGS)
		return EXPECT_OK;
	/* With nobody to decide, what was agreed to before or prefetched is still there. */
	if (m->borrowed || m->rights & VIOPF_USER || (page && page->loose))
		return EXPECT_ANY;
	if (!page)
		return world.pins ? EXPECT_ANY : EXPECT_INVALID;
	return page->prot & (write ? PROT_WRITE : PROT_READ) ? EXPECT_OK : EXPECT_INVALID;
}

static enum expected expect_range(struct container *c, uint64_t iova, uint64_t pages, bool write)
{
	enum expected worst = EXPECT_OK, now;
	struct mapping *rings = mapping_at(c, IOVA_RINGS);
	uint64_t i;

	if (rings && rings->away)
		return EXPECT_WAIT;
	for (i = 0; i < pages; i++) {
		now = expect_page(c, iova + i * PAGE, write);
		if (now > worst)
			worst = now;
	}
	return c->odd && worst < EXPECT_ANY ? EXPECT_ANY : worst;
}

/* Something was written at @iova + @i pages; for good, or perhaps. */
static void note_write(struct container *c, const struct job *job, bool sure)
{
	uint64_t i;

	for (i = 0; i < job->pages; i++) {
		uint64_t iova = job->iova + i * PAGE;
		struct mapping *m;
		struct slot *slot;
		struct page *page = page_of(c, iova, &slot, &m);

		if (!page)
			continue;
		if (m->borrowed) {
			if (slot->kind == SLOT_SHARED)
				page_is_anything(page);
			continue;
		}
		if (sure && !m->away)
			page_wrote(page, job->seed, i * PAGE);
		else
			page_may_have(page, job->seed, i * PAGE);
		if (sure && c->tracking && iova >= WINDOW_BASE &&
		    iova - WINDOW_BASE < WINDOW_PAGES * PAGE)
			c->must_be_dirty[(iova - WINDOW_BASE) / PAGE] = 1;
	}
}

void device_note_write(struct container *c, uint64_t iova, uint64_t pages)
{
	struct mapping *m;
	struct slot *slot;
	struct page *page;
	uint64_t i;

	for (i = 0; i < pages; i++) {
		page = page_of(c, iova + i * PAGE, &slot, &m);
		if (page)
			page_is_anything(page);
	}
}

/* From now on, and until the input's end, the job may write there. */
static void note_writer(struct container *c, const struct job *job)
{
	struct mapping *m;
	struct slot *slot;
	struct page *page;
	uint64_t i;

	for (i = 0; job->seed && i < job->pages; i++) {
		page = page_of(c, job->iova + i * PAGE, &slot, &m);
		if (!page)
			continue;
		page_is_anything(page);
		page->writers = 1;
	}
}

/* A job that was left at work may have written to what is mapped there now. */
void device_note_mapping(struct container *c, const struct mapping *m)
{
	unsigned int i, q;

	for (i = 0; i < world.nr_devices; i++) {
		struct device *d = &world.devices[i];

		for (q = 0; container_of_device(d) == c && q < NR_QUEUES; q++) {
			const struct job *job = &d->jobs[q];

			if (job->active && job->iova < m->iova + m->pages * PAGE &&
			    m->iova < job->iova + job->pages * PAGE)
				note_writer(c, job);
		}
	}
}

static void queue_lost(struct device *d, unsigned int queue)
{
	d->dma.q[queue].entries = 0;
	d->jobs[queue].active = false;
}

void device_forget_queues(struct device *d)
{
	unsigned int q;

	for (q = 0; q < NR_QUEUES; q++)
		queue_lost(d, q);
}

void device_reset(struct device *d)
{
	device_forget_queues(d);
	JUDGE(!viopf_reset(d->dev), "%s", viopf_error());
	JUDGE(!viopf_bus_master(d->dev, 1), "%s", viopf_error());
	d->needs_reset = false;
}

/* It was told to stop, or has groups of page requests that will never end. */
static bool has_failed(struct device *d)
{
	uint32_t state = 0;

	return d->needs_reset || sdma_reg_read(&d->dma, SOFTDMA_REG_DEVICE, &state) ||
	       state & SOFTDMA_DEV_FAILED;
}

static const struct softdma_desc *last_of(const struct sdma_queue *q)
{
	return &q->ring[(q->tail - 1) & (q->entries - 1)];
}

static bool is_pending(const struct sdma_queue *q)
{
	return !__atomic_load_n(&last_of(q)->status, __ATOMIC_ACQUIRE);
}

bool device_is_at_work(const struct container *c)
{
	unsigned int i, q;

	for (i = 0; i < world.nr_devices; i++) {
		struct device *d = &world.devices[i];

		for (q = 0; container_of_device(d) == c && q < NR_QUEUES; q++)
			if (d->jobs[q].active && d->dma.q[q].entries && is_pending(&d->dma.q[q]))
				return true;
	}
	return false;
}

/* The job has ended, or ends here. */
void device_settle(struct device *d, unsigned int queue, unsigned int limit_ms)
{
	struct job *job = &d->jobs[queue];
	struct sdma_queue *q = &d->dma.q[queue];

	if (!job->active || !q->entries)
		return;
	if (sdma_wait(q, 0, limit_ms, NULL) < 0)
		sdma_queue_stop(&d->dma, queue);
	job->active = false;
}

void device_settle_all(struct device *d)
{
	unsigned int q;

	for (q = 0; d->dev && q < NR_QUEUES; q++)
		device_settle(d, q, SETTLE_MS);
	if (d->dev && (d->used || d->needs_reset) && has_failed(d))
		device_reset(d);
	d->used = false;
}

/* A queue with nothing to do, or NULL. */
static struct sdma_queue *queue_ready(struct device *d, unsigned int queue)
{
	struct container *c = container_of_device(d);
	unsigned int at = (unsigned int)(d - world.devices) * NR_QUEUES + queue;
	struct sdma_queue *q = &d->dma.q[queue];

	device_settle(d, queue, SETTLE_MS);
	if (has_failed(d))
		device_reset(d);
	if (container_map_own(c))
		return NULL;
	if (sdma_queue_status(q) & SOFTDMA_QS_ERROR)
		queue_lost(d, queue);
	if (q->entries)
		return q;
	/* Perhaps it was stopped by the device, and can't be started as it is. */
	sdma_queue_stop(&d->dma, queue);
	if (sdma_queue_start(&d->dma, queue, c->own + at * PAGE, IOVA_RINGS + at * PAGE,
			     RING_LOG2))
		return NULL;
	return q;
}

static struct device *op_dma_device(const struct op *op)
{
	static const unsigned int indexes[] = { 0, 0, 0, 1, 2, 3, 4, 5 };
	struct device *d = &world.devices[indexes[op->who % ARRAY_SIZE(indexes)]];

	d->used = true;
	return d->dev && container_used((unsigned int)d->container) ? d : NULL;
}

/* What a descriptor may name, not the rings. */
static bool op_dma_range(struct container *c, const struct op *op, struct range *range)
{
	*range = op_range(c, op);
	range->iova &= ~(PAGE - 1);
	return range->iova >= WINDOW_BASE && range->iova + range->pages * PAGE > range->iova;
}

/* Group sizes of page requests; one of them asks for more than it needs. */
static uint32_t op_dma_flags(const struct op *op)
{
	static const uint32_t flags[] = {
		0, SOFTDMA_F_GROUP(1), SOFTDMA_F_GROUP(4), SOFTDMA_F_GROUP(32),
	};

	return flags[op->kind >> 2 & 3];
}

/* Leave it at work. */
static void start_job(struct device *d, struct sdma_queue *q, struct softdma_desc *desc,
		      struct job job)
{
	struct container *c = container_of_device(d);

	note_writer(c, &job);
	job.active = !sdma_submit(q, desc, 1);
	d->jobs[q->index] = job;
}

/* Which device is to do it, by which queue, to what. False: that can't be. */
static bool op_dma(const struct op *op, struct device **d, struct container **c,
		   struct sdma_queue **q, struct range *range)
{
	*d = op_dma_device(op);
	if (!*d)
		return false;
	*c = container_of_device(*d);
	*q = queue_ready(*d, op->kind & 1);
	return *q && op_dma_range(*c, op, range);
}

/*
 * Submit and wait. Most jobs end as soon as others get the CPU for once, when to sleep would
 * take longer than the job.
 */
static int do_job(struct sdma_queue *q, struct softdma_desc *desc)
{
	int err = sdma_submit(q, desc, 1);
	unsigned int i;

	for (i = 0; !err && i < MOST_YIELDS && is_pending(q); i++)
		sched_yield();
	if (err || is_pending(q))
		return err ? err : sdma_wait(q, 0, JOB_MS, desc);
	*desc = *last_of(q);
	return (int)desc->status;
}

/* Have it done, and judge how it ended. Returns whether it was well. */
static bool run_job(struct device *d, struct sdma_queue *q, struct softdma_desc *desc,
		    enum expected expected)
{
	uint32_t opcode = desc->opcode;
	uint64_t at = desc->src ? desc->src : desc->dst;
	int status = do_job(q, desc);

	if (status == SOFTDMA_FAULT_FAILURE || status == -EIO)
		d->needs_reset = true;
	if (d->is_stale)
		expected = EXPECT_ANY;
	if (expected == EXPECT_ANY) {
		JUDGE(status != -ETIMEDOUT, "operation %u at %#llx does not end", opcode,
		      (unsigned long long)at);
		return status == SOFTDMA_OK;
	}
	JUDGE(status == (expected == EXPECT_OK ? SOFTDMA_OK : SOFTDMA_FAULT_INVALID),
	      "device %td: operation %u at %#llx ended with %d where %s is due; at %#llx, queue %#x",
	      d - world.devices, opcode, (unsigned long long)at, status,
	      expected == EXPECT_OK ? "OK" : "INVALID", desc->detail, sdma_queue_status(q));
	return status == SOFTDMA_OK;
}

void op_write(const struct op *op)
{
	struct device *d;
	struct container *c;
	struct sdma_queue *q;
	struct softdma_desc desc;
	enum expected expected;
	struct range range;
	struct job job;

	if (!op_dma(op, &d, &c, &q, &range))
		return;
	job = (struct job){ false, range.iova, range.pages, memory_seed() };
	desc = sdma_fill(range.iova, range.pages * PAGE, job.seed, 0);
	desc.flags = op_dma_flags(op);
	expected = expect_range(c, range.iova, range.pages, true);
	if (expected == EXPECT_WAIT) {
		start_job(d, q, &desc, job);
		return;
	}
	note_write(c, &job, run_job(d, q, &desc, expected) && !c->odd);
}

/* What has come of a read is what the memory holds. */
static void check_sink(struct container *c, const struct range *range)
{
	uint64_t i;

	for (i = 0; i < range->pages; i++) {
		const uint64_t *words = (const uint64_t *)(c->own + (RING_PAGES + i) * PAGE);
		struct mapping *m;
		struct slot *slot;
		struct page *page = page_of(c, range->iova + i * PAGE, &slot, &m);
		unsigned int at;

		if (!page || page->loose || m->borrowed)
			continue;
		for (at = 0; at < PAGE; at += 128)
			JUDGE(page_may_hold(page, at, words[at / 8]),
			      "a device reads %#llx at %#llx, seed %u",
			      (unsigned long long)words[at / 8],
			      (unsigned long long)(range->iova + i * PAGE + at), page->seed);
	}
}

void op_read(const struct op *op)
{
	struct device *d;
	struct container *c;
	struct sdma_queue *q;
	struct softdma_desc desc;
	enum expected expected;
	struct range range;

	if (!op_dma(op, &d, &c, &q, &range))
		return;
	if (range.pages > SINK_PAGES)
		range.pages = SINK_PAGES;
	desc = sdma_copy(IOVA_SINK, range.iova, range.pages * PAGE);
	desc.flags = op_dma_flags(op);
	expected = expect_range(c, range.iova, range.pages, false);
	if (op->kind & 2) {
		/* More than it needs, which may be refused. */
		desc.flags |= SOFTDMA_F_WANT_WRITE;
		if (expected == EXPECT_OK &&
		    expect_range(c, range.iova, range.pages, true) != EXPECT_OK)
			expected = EXPECT_ANY;
	}
	if (expected == EXPECT_WAIT) {
		/* Not to the sink, at which others look meanwhile. */
		desc = sdma_checksum(range.iova, range.pages * PAGE, 0);
		start_job(d, q, &desc, (struct job){ false, range.iova, range.pages, 0 });
		return;
	}
	if (run_job(d, q, &desc, expected) && !c->odd)
		check_sink(c, &range);
}

/* A job that goes on while other operations are done. */
void op_job(const struct op *op)
{
	struct device *d;
	struct container *c;
	struct sdma_queue *q;
	struct softdma_desc desc;
	struct range range;
	struct job job;

	if (!op_dma(op, &d, &c, &q, &range))
		return;
	job = (struct job){ false, range.iova, range.pages, memory_seed() };
	switch (op->kind >> 4 & 3) {
	case 0:
		desc = sdma_fill(range.iova, range.pages * PAGE, job.seed, 0);
		break;
	case 1:
		desc = sdma_checksum(range.iova, range.pages * PAGE, 0);
		job.seed = 0;
		break;
	case 2:
		desc = sdma_crypt(range.iova, range.iova, range.pages * PAGE, 1 << 20);
		break;
	default:
		desc = sdma_copy(range.iova, IOVA_SINK, range.pages * PAGE);
		if (range.pages > SINK_PAGES)
			desc.len = SINK_PAGES * PAGE;
		break;
	}
	desc.flags = op_dma_flags(op);
	start_job(d, q, &desc, job);
}

void op_atomic(const struct op *op)
{
	struct device *d;
	struct container *c;
	struct sdma_queue *q;
	struct softdma_desc desc;
	enum expected expected, write;
	struct range range;
	struct mapping *m;
	struct slot *slot;
	struct page *page;

	if (!op_dma(op, &d, &c, &q, &range))
		return;
	desc = sdma_atomic_add(range.iova + 8, 1);
	expected = expect_range(c, range.iova, 1, false);
	write = expect_range(c, range.iova, 1, true);
	if (write > expected)
		expected = write;
	page = page_of(c, range.iova, &slot, &m);
	if (expected == EXPECT_WAIT) {
		start_job(d, q, &desc, (struct job){ false, range.iova, 1, memory_seed() });
		return;
	}
	if (!run_job(d, q, &desc, expected) || !page)
		return;
	if (!m->borrowed && !page->loose && !c->odd)
		JUDGE(page_may_hold(page, 8, desc.result), "an addition finds %#llx, seed %u",
		      desc.result, page->seed);
	page_is_anything(page);
}

/*
 * Page requests as no well-behaved device makes them: from a list made up from the operation's
 * numbers, groups entangled and not ended, of addresses that nobody mapped, some thrice.
 */
void op_request(const struct op *op)
{
	struct device *d = op_dma_device(op);
	struct container *c = d ? container_of_device(d) : NULL;
	unsigned int queue = op->kind & 1, i, n = 1 + op->n % 24, random = op->at | 1;
	struct sdma_queue *q = d ? queue_ready(d, queue) : NULL;
	struct softdma_request *list;
	struct softdma_desc desc;

	if (!q)
		return;
	list = (void *)(c->own + (RING_PAGES + SINK_PAGES + queue) * PAGE);
	if (op->flags & 0x10 && op->at % 8 == 0)
		n = 200;
	for (i = 0; i < n; i++) {
		struct op some = *op;

		some.at = (uint16_t)(op->at + rand_r(&random) % (op->kind & 2 ? 8 : 600));
		some.flags = op->kind & 4 ? (uint8_t)rand_r(&random) : op->flags;
		list[i].addr = op_range(c, &some).iova;
		list[i].flags = (uint32_t)rand_r(&random) % SOFTDMA_RQ_LAST + SOFTDMA_RQ_LAST;
		list[i].group = i;
		if (!(op->kind & 8))
			continue;
		/* Entangled: the first half is ended by the other, or not at all. */
		list[i].group = i % (n / 2 + 1);
		if (i <= n / 2)
			list[i].flags &= ~SOFTDMA_RQ_LAST;
	}
	desc = sdma_request(IOVA_LIST + queue * PAGE, n);
	start_job(d, q, &desc, (struct job){ false, 0, 0, 0 });
	/*
	 * What was not ended is known to the device until it is reset, and to 6.12's iommu core
	 * until it leaves its domain: it is added to a later group, which may fail by it.
	 */
	if (op->kind & 8) {
		d->needs_reset = true;
		d->is_stale = true;
		c->changed = true;
	}
	if (op->kind & 0x10)
		device_settle(d, queue, 20);
}

void op_settle(const struct op *op)
{
	struct device *d = op_dma_device(op);

	if (d)
		device_settle(d, op->kind & 1, 1 + op->n % 20);
}

void op_device(const struct op *op)
{
	struct device *d = op_dma_device(op);

	if (!d)
		return;
	switch (op->kind % 4) {
	case 0:
		device_reset(d);
		break;
	case 1:
		viopf_bus_master(d->dev, 0);
		device_forget_queues(d);
		viopf_bus_master(d->dev, 1);
		break;
	case 2:
		sdma_queue_stop(&d->dma, op->flags & 1);
		queue_lost(d, op->flags & 1);
		break;
	case 3:
		children_end();
		device_forget_queues(d);
		viopf_device_close(d->dev);
		JUDGE(!viopf_device_open(container_of_device(d)->c, d->bdf, &d->dev) &&
		      !sdma_open(&d->dma, d->dev), "%s", viopf_error());
		break;
	}
}
