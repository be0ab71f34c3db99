/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A thread that throws memory away until told to stop, so that the device has to fault.
 */
#ifndef VIOPF_TEST_THROWER_H
#define VIOPF_TEST_THROWER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

struct thrower {
	char *p;
	size_t size;
	atomic_int stop;
	pthread_t thread;
};

void thrower_start(struct thrower *t, char *p, size_t size);
void thrower_stop(struct thrower *t);

#endif /* VIOPF_TEST_THROWER_H */
