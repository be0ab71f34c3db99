/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What soak_test.c crosses with each other: what can happen (events), and where the device's
 * page request for the memory stands when it does (states). One plot of memory is brought into
 * a state, the event happens, and the two are brought to an end that everybody can judge.
 */
#ifndef VIOPF_TEST_SOAK_H
#define VIOPF_TEST_SOAK_H

#include <stddef.h>
#include <stdint.h>

#include "rig.h"
#include "uffd.h"

/* What an event does, besides what all do. */
#define EVENT_LOSES	(1u << 0)	/* the content is zero then */
#define EVENT_MAY_LOSE	(1u << 1)	/* of some pages */
#define EVENT_GONE	(1u << 2)	/* meanwhile there is no memory that the device may have */
#define EVENT_UNMAPS	(1u << 3)	/* the device's mapping is no more */
#define EVENT_EXITS	(1u << 4)	/* the process that owns the memory is no more */
#define EVENT_RESETS	(1u << 5)	/* the device forgets what it was doing */
#define EVENT_FILE	(1u << 6)	/* it is for memory of a file */
#define EVENT_BIG	(1u << 7)	/* it is for HUGE bytes of memory */
#define EVENT_CONVERTS	(1u << 8)	/* all memory is wanted, and waited for */

/**
 * struct plot - memory at IOVA_BASE, of a size and kind that event and state want
 * @rig: one device, with queues 0, 1 and 2; queue 1 is for what waits
 * @p: where the process has it, full of pattern @seed
 * @size: PLOT_BYTES or HUGE
 * @fd: of its file, or -1
 * @child: who owns it, if it is not this process
 * @fault_fd: -1, or where page requests are handed up to
 * @cookie: of one that was
 * @uffd: holds the first page; .fd: -1 if it does not
 * @before: counters before the event
 */
struct plot {
	struct rig *rig;
	char *p;
	size_t size;
	uint64_t seed;
	int fd;
	pid_t child;
	int fault_fd;
	uint32_t cookie;
	struct uffd uffd;
	struct vfio_iopf_stats before;
};

#define PLOT_BYTES	(16 * PAGE)

/**
 * struct soak_event - what may happen
 * @name: one word or two
 * @does: EVENT_*
 * @happen: have it happen; 0 if it did not, as the kernel may refuse
 */
struct soak_event {
	const char *name;
	unsigned int does;
	int (*happen)(struct plot *plot);
};

/**
 * struct soak_state - where a page request may stand
 * @name: one word or two
 * @big: it takes HUGE bytes
 * @raced: it is a moment: whether the event met it can be told afterwards alone
 * @map_flags: of MAP_DMA, besides reading and writing
 * @without: events that do one of these EVENT_* would wait for the end of this state
 * @prepare: by the memory's owner, after it has mapped it; 0 if the state can't be had
 * @ask: by the device; then the state is reached
 * @is_there: is it still, or was it when the event happened?
 * @settle: what waits goes on; @does: what the event did
 */
struct soak_state {
	const char *name;
	int big;
	int raced;
	uint32_t map_flags;
	unsigned int without;
	int (*prepare)(struct plot *plot);
	void (*ask)(struct plot *plot);
	int (*is_there)(struct plot *plot);
	void (*settle)(struct plot *plot, unsigned int does);
};

extern const struct soak_event soak_events[];
extern const size_t soak_nr_events;
extern const struct soak_state soak_states[];
extern const size_t soak_nr_states;

#endif /* VIOPF_TEST_SOAK_H */
