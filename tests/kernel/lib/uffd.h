/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * userfaultfd: a range whose pages this process delivers by hand, so that a
 * device's fault can be held for as long as a test wants.
 */
#ifndef VIOPF_TEST_UFFD_H
#define VIOPF_TEST_UFFD_H

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct uffd - a registered range
 * @fd: the userfaultfd
 * @p: the range
 * @size: in bytes
 * @seed: pattern of the pages delivered
 * @missing: missing faults seen by the handler
 * @protect: write-protect faults seen by it
 */
struct uffd {
	int fd;
	char *p;
	size_t size;
	uint64_t seed;
	atomic_uint missing;
	atomic_uint protect;

	/* private */
	pthread_t thread;
	atomic_int stop;
};

/* A userfaultfd, not registered with anything. */
int uffd_open(void);

/* Register @p for missing pages, or (@wp) for writes to protected ones. */
void uffd_register(struct uffd *u, int fd, void *p, size_t size, int wp);

/* A thread that answers every fault: with a page of pattern, or by unprotecting. */
void uffd_serve(struct uffd *u, uint64_t seed);
void uffd_stop(struct uffd *u);

/* Wait until a fault is there, and leave it unanswered; its address. */
char *uffd_next(struct uffd *u, unsigned int limit_s);

/* Deliver the page at @at by UFFDIO_COPY, with the pattern's part for it. */
void uffd_deliver(struct uffd *u, char *at);

/* Protect (1) or unprotect (0) a range against writing. */
void uffd_protect(struct uffd *u, void *p, size_t size, int on);

#endif /* VIOPF_TEST_UFFD_H */
