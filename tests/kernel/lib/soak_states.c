// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where a page request stands: nowhere, on its way, or at its end in one of the ways in which
 * memory may be the device's. What waits, waits on queue 1.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "advice.h"
#include "soak.h"

static void submit_read(struct plot *plot, size_t size)
{
	struct softdma_desc read = sdma_checksum(IOVA_BASE, size, 0);

	assert_ok(sdma_submit(&plot->rig->dma[0].q[1], &read, 1));
}

/* What was submitted has ended, truly. */
static void read_ends(struct plot *plot, unsigned int does)
{
	const unsigned int refuses = EVENT_GONE | EVENT_UNMAPS | EVENT_EXITS;
	struct softdma_desc desc;
	int status;

	if (does & EVENT_RESETS)
		return;
	status = sdma_wait(&plot->rig->dma[0].q[1], 0, DMA_LIMIT_MS, &desc);
	assert_msg(status == SOFTDMA_OK ||
		   (status == SOFTDMA_FAULT_INVALID && does & refuses),
		   "what waited ended with %d", status);
}

static unsigned int pages_with(struct plot *plot, unsigned char flag)
{
	unsigned int i, n = (unsigned int)(plot->size / PAGE), found = 0;
	unsigned char pages[HUGE / PAGE];

	assert_ok(viopf_residency(plot->rig->c, IOVA_BASE, plot->size, pages));
	for (i = 0; i < n; i++)
		found += (pages[i] & flag) == flag;
	return found;
}

static int always(struct plot *plot)
{
	(void)plot;
	return 1;
}

static void nothing_asked(struct plot *plot)
{
	(void)plot;
}

static void nothing_waits(struct plot *plot, unsigned int does)
{
	(void)plot;
	(void)does;
}

/* --- nothing is the device's */

static int none_is_there(struct plot *plot)
{
	return !pages_with(plot, VFIO_IOPF_PAGE_RESIDENT);
}

/* --- being looked up, which is a moment: it was one, if it had to be looked up again */

/* For page after page; somewhere in it the event comes. */
static void ask_all(struct plot *plot)
{
	submit_read(plot, plot->size);
	nap_ms(plot->seed % 4);
}

static int was_retried(struct plot *plot)
{
	return rig_stats(plot->rig).retries > plot->before.retries;
}

/* --- being brought in: the mm waits for somebody */

static int hold_first_page(struct plot *plot)
{
	assert_ok(madvise(plot->p, PAGE, plot->fd < 0 ? MADV_DONTNEED : MADV_REMOVE));
	uffd_register(&plot->uffd, uffd_open(), plot->p, PAGE, 0);
	return 1;
}

/* The rest is the device's. */
static void ask_first_page(struct plot *plot)
{
	dev_read(plot->rig, IOVA_BASE + PAGE, plot->size - PAGE, SOFTDMA_OK);
	submit_read(plot, PAGE);
	assert_pending(plot->rig, 1);
}

static void let_go(struct plot *plot, unsigned int does)
{
	if (plot->uffd.fd >= 0)
		close(plot->uffd.fd);
	plot->uffd.fd = -1;
	read_ends(plot, does);
	if (!(does & (EVENT_EXITS | EVENT_LOSES)))
		sdma_pattern_fill(plot->p, PAGE, plot->seed, 0);
}

/* --- the device's */

static int huge_pages(struct plot *plot)
{
	if (plot->fd < 0)
		madvise(plot->p, plot->size, MADV_HUGEPAGE);
	return is_huge(plot->p, plot->size) || (!collapse(plot->p) && is_huge(plot->p, plot->size));
}

static void use_all(struct plot *plot)
{
	dev_fill(plot->rig, IOVA_BASE, plot->size, plot->seed);
}

static int some_resident(struct plot *plot)
{
	return !!pages_with(plot, VFIO_IOPF_PAGE_RESIDENT);
}

static int all_huge(struct plot *plot)
{
	return pages_with(plot, VFIO_IOPF_PAGE_HUGE) == plot->size / PAGE;
}

static int pin_all(struct plot *plot)
{
	advise(plot->rig, VFIO_IOPF_ADV_PIN, IOVA_BASE, plot->size);
	return 1;
}

static int all_pinned(struct plot *plot)
{
	return pages_with(plot, VFIO_IOPF_PAGE_PINNED) == plot->size / PAGE;
}

/* While it is pinned it is what it was, whatever the process has now. */
static void unpin_all(struct plot *plot, unsigned int does)
{
	if (does & (EVENT_UNMAPS | EVENT_RESETS))
		return;
	dev_check(plot->rig, IOVA_BASE, plot->size, plot->seed);
	advise(plot->rig, VFIO_IOPF_ADV_UNPIN, IOVA_BASE, plot->size);
}

static int track(struct plot *plot)
{
	assert_ok(viopf_dirty_start(plot->rig->c));
	return 1;
}

static int all_dirty(struct plot *plot)
{
	return pages_with(plot, VFIO_IOPF_PAGE_DIRTY) == plot->size / PAGE;
}

/* That it was written outlives what happened to it. */
static void told_dirty(struct plot *plot, unsigned int does)
{
	uint64_t bitmap[VIOPF_DIRTY_WORDS(HUGE)];
	size_t i;

	if (!(does & EVENT_UNMAPS)) {
		assert_ok(viopf_dirty_get(plot->rig->c, IOVA_BASE, plot->size, bitmap));
		for (i = 0; i < plot->size / PAGE; i++)
			assert_true(bitmap[i / 64] >> (i % 64) & 1);
	}
	assert_ok(viopf_dirty_stop(plot->rig->c));
}

/* --- somebody else's to decide, or to give an address to */

static void be_handed_up(struct plot *plot)
{
	struct vfio_iopf_fault f[VFIO_IOPF_FAULT_GROUP_MAX];

	assert_int_equal(viopf_fault_read(plot->fault_fd, f, 1), 1);
	plot->cookie = f[0].cookie;
}

static void ask_and_be_handed_up(struct plot *plot)
{
	plot->fault_fd = viopf_fault_fd(plot->rig->c);
	assert_true(plot->fault_fd >= 0);
	submit_read(plot, PAGE);
	be_handed_up(plot);
}

static int one_waits(struct plot *plot)
{
	return rig_stats(plot->rig).faults_waiting == 1;
}

static int decide(struct plot *plot)
{
	return viopf_fault_answer(plot->fault_fd, plot->cookie, VFIO_IOPF_FAULT_CONTINUE);
}

/* The page may be taken again before the device has come back for it: then it asks once more. */
static int asks_no_more(struct plot *plot)
{
	struct pollfd asked = { .fd = plot->fault_fd, .events = POLLIN };

	if (sdma_wait(&plot->rig->dma[0].q[1], 0, 10, NULL) != -ETIMEDOUT)
		return 1;
	if (poll(&asked, 1, 0) > 0) {
		be_handed_up(plot);
		decide(plot);
	}
	return 0;
}

/* Mapped again so that nobody is asked. */
static void decide_on_it(struct plot *plot, unsigned int does)
{
	int err = decide(plot);

	assert_true(!err || (err == -ENOENT && does & EVENT_UNMAPS));
	wait_until(asks_no_more(plot), DMA_LIMIT_MS / 1000);
	read_ends(plot, does);
	close(plot->fault_fd);
	plot->fault_fd = -1;
	if (does & (EVENT_UNMAPS | EVENT_EXITS))
		return;
	assert_ok(viopf_unmap(plot->rig->c, IOVA_BASE, plot->size, NULL));
	rig_map(plot->rig, plot->p, IOVA_BASE, plot->size);
}

static int take_address(struct plot *plot)
{
	assert_ok(viopf_unmap_vaddr(plot->rig->c, IOVA_BASE, plot->size));
	return 1;
}

static void ask_and_be_parked(struct plot *plot)
{
	submit_read(plot, PAGE);
	assert_true(wait_until(one_waits(plot), 30));
}

static void give_address(struct plot *plot, unsigned int does)
{
	if (does & EVENT_EXITS)
		assert_ok(viopf_unmap(plot->rig->c, IOVA_BASE, plot->size, NULL));
	else if (!(does & EVENT_UNMAPS))
		assert_ok(viopf_map_vaddr(plot->rig->c, plot->p, IOVA_BASE, plot->size));
	read_ends(plot, does);
}

const struct soak_state soak_states[] = {
	{ "none", .prepare = always, .ask = nothing_asked, .is_there = none_is_there,
	  .settle = nothing_waits },
	{ "looked up", .big = 1, .raced = 1, .prepare = always, .ask = ask_all,
	  .is_there = was_retried, .settle = read_ends },
	{ "brought in", .without = EVENT_CONVERTS, .prepare = hold_first_page,
	  .ask = ask_first_page, .is_there = always, .settle = let_go },
	{ "mapped", .prepare = always, .ask = use_all, .is_there = some_resident,
	  .settle = nothing_waits },
	{ "mapped, huge", .big = 1, .prepare = huge_pages, .ask = use_all, .is_there = all_huge,
	  .settle = nothing_waits },
	{ "pinned", .prepare = pin_all, .ask = use_all, .is_there = all_pinned,
	  .settle = unpin_all },
	{ "dirty", .prepare = track, .ask = use_all, .is_there = all_dirty,
	  .settle = told_dirty },
	{ "handed up", .map_flags = VIOPF_USER, .prepare = always, .ask = ask_and_be_handed_up,
	  .is_there = one_waits, .settle = decide_on_it },
	{ "parked", .prepare = take_address, .ask = ask_and_be_parked, .is_there = one_waits,
	  .settle = give_address },
};

const size_t soak_nr_states = ARRAY_SIZE(soak_states);
