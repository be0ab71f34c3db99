// SPDX-License-Identifier: GPL-2.0-only
/*
 * A user-handled mapping, devices that ask for its pages, and deciding on them.
 */
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "handled.h"

void handled_open(struct handled *h, unsigned int nr)
{
	unsigned int dev, q;

	rig_open(&h->rig, nr);
	for (dev = 0; dev < nr; dev++) {
		for (q = 1; q < SOFTDMA_QUEUES; q++)
			rig_start_queue(&h->rig, dev, q);
	}
	h->p = mem_anon(HANDLED_SIZE);
	sdma_pattern_fill(h->p, HANDLED_SIZE, 1, 0);
	assert_ok(viopf_map(h->rig.c, h->p, IOVA_BASE, HANDLED_SIZE, HANDLED_RIGHTS));
	h->fd = viopf_fault_fd(h->rig.c);
	assert_msg(h->fd >= 0, "no fault fd: %s", viopf_error());
	assert_ok(fcntl(h->fd, F_SETFL, O_NONBLOCK));
}

void handled_close(struct handled *h)
{
	struct vfio_iopf_stats s = rig_stats(&h->rig);

	assert_int_equal(s.faults_waiting, 0);
	if (h->fd >= 0)
		close(h->fd);
	rig_close(&h->rig);
}

void ask(struct handled *h, unsigned int dev, unsigned int q, unsigned int page)
{
	struct softdma_desc check = sdma_check(IOVA_BASE + page * PAGE, PAGE, 1, page * PAGE);

	assert_ok(sdma_submit(&h->rig.dma[dev].q[q], &check, 1));
}

void ends(struct handled *h, unsigned int dev, unsigned int q, enum softdma_status want)
{
	struct softdma_desc desc;
	int status = sdma_wait(&h->rig.dma[dev].q[q], 0, DMA_LIMIT_MS, &desc);

	assert_msg(status == (int)want, "queue %u ended with %d, not %d", q, status, (int)want);
	if (want == SOFTDMA_OK)
		assert_int_equal(desc.result, 0);
}

void wait_for(struct handled *h, unsigned int n)
{
	if (!wait_until(rig_stats(&h->rig).faults_waiting == n, 30))
		fail_msg("%llu groups wait, not %u", rig_stats(&h->rig).faults_waiting, n);
}

uint32_t take(struct handled *h, unsigned int page, uint32_t perm)
{
	struct pollfd pfd = { .fd = h->fd, .events = POLLIN };
	struct vfio_iopf_fault f[VFIO_IOPF_FAULT_GROUP_MAX];

	assert_int_equal(poll(&pfd, 1, 30000), 1);
	assert_true(pfd.revents & POLLIN);
	assert_int_equal(viopf_fault_read(h->fd, f, 1), 1);
	assert_int_not_equal(f[0].cookie, 0);
	assert_int_equal(f[0].flags, VFIO_IOPF_FAULT_LAST);
	assert_int_equal(f[0].iova, IOVA_BASE + page * PAGE);
	assert_int_equal(f[0].perm, perm);
	assert_int_equal(f[0].reserved, 0);
	return f[0].cookie;
}

uint32_t ask_and_take(struct handled *h, unsigned int dev, unsigned int q, unsigned int page)
{
	ask(h, dev, q, page);
	return take(h, page, VFIO_IOPF_FAULT_PERM_READ);
}

void decide(struct handled *h, uint32_t cookie, enum vfio_iopf_fault_code code)
{
	assert_ok(viopf_fault_answer(h->fd, cookie, code));
}
