/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A file system of the process's own, by FUSE, with one file in it; and a server that stops
 * answering when it is told to.
 */
#ifndef VIOPF_TEST_FUSE_H
#define VIOPF_TEST_FUSE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

struct fuse {
	int dev;		/* /dev/fuse */
	int fd;			/* of the file */
	size_t size;		/* of the file, in bytes */
	pthread_t thread;
	atomic_int stalls;	/* reads and writes get no answer */
	atomic_uint stalled;	/* those which got none */
	atomic_ulong offset;	/* of the last of them, in bytes */
};

/* Mount it, start its server, and open the file, of @size bytes that read as zero. */
void fuse_mount(struct fuse *fuse, size_t size);

/* Take it away, however it is; from any process. Its server's calls end with ENODEV. */
void fuse_abort(void);

#endif /* VIOPF_TEST_FUSE_H */
