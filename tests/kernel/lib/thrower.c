// SPDX-License-Identifier: GPL-2.0-only
/* See thrower.h. */
#include <sys/mman.h>

#include "rig.h"
#include "thrower.h"

static void *thrower_main(void *arg)
{
	struct thrower *t = arg;

	while (!atomic_load(&t->stop)) {
		madvise(t->p, t->size, MADV_DONTNEED);
		nap_ms(1);
	}
	return NULL;
}

void thrower_start(struct thrower *t, char *p, size_t size)
{
	*t = (struct thrower){ .p = p, .size = size };
	assert_ok(pthread_create(&t->thread, NULL, thrower_main, t));
}

void thrower_stop(struct thrower *t)
{
	atomic_store(&t->stop, 1);
	assert_ok(pthread_join(t->thread, NULL));
}
