/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tenants: processes, each with a device of its own, that share nothing but the machine.
 * A tenant maps 256 MiB. It has written 16 MiB that it no longer uses, and works in the
 * 16 MiB after that: its device copies pages chosen at random within them, and every so
 * many copies the working set moves on by a page. As many copies a second as it is told
 * are done, or fewer if the machine can't.
 *
 * They talk to whoever started them by memory that is shared; one writer for each member.
 */
#ifndef BENCH_TENANT_H
#define BENCH_TENANT_H

#include <stdatomic.h>
#include <sys/types.h>

#include "bench.h"

#define MAX_TENANTS		256
#define TENANT_BYTES		(256 * MIB)
#define TENANT_WORKING_BYTES	(16 * MIB)
#define TENANT_PAST_BYTES	(16 * MIB)
#define TENANT_BATCH		32	/* copies from one doorbell to the next */
#define TENANT_DRIFT_COPIES	256	/* from one page of drift to the next */

enum tenant_state { TENANT_STARTING, TENANT_READY, TENANT_FAILED };

struct tenant {
	atomic_int state;
	atomic_ulong copies;	/* pages copied so far */
	atomic_ulong faults;	/* ours: page requests so far, */
	atomic_ulong retries;	/* and what became of them (<linux/vfio_iopf.h>) */
	atomic_ulong backoffs;
	pid_t pid;
	char why[160];		/* it failed */
};

struct tenants {
	atomic_int go;		/* who has moved in works, else rests */
	atomic_ulong rate;	/* copies per second for each tenant; 0: no limit */
	struct tenant tenant[MAX_TENANTS];
};

/* Shared memory for all of them, zeroed; NULL if there is none. */
struct tenants *tenants_new(void);

/* A process on device @i; returns 0, or -1: @why of the tenant. */
int tenant_start(struct tenants *all, unsigned int i, enum backend backend);

/* Wait until it has moved in; returns 0, or -1: @why of the tenant, or a message. */
int tenant_ready(struct tenants *all, unsigned int i);

/* Is tenant @i still alive? If not, @why says how it ended. */
bool tenant_lives(struct tenants *all, unsigned int i);

/* End all, and wait until they are gone. */
void tenants_end(struct tenants *all);

#endif /* BENCH_TENANT_H */
