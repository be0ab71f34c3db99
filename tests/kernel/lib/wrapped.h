/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What ld's --wrap=NAME makes of libc's NAME: __real_NAME is the function itself, __wrap_NAME
 * what the library calls in its place.
 */
#ifndef VIOPF_TEST_WRAPPED_H
#define VIOPF_TEST_WRAPPED_H

#include <stdlib.h>
#include <unistd.h>

__typeof__(read) __real_read, __wrap_read;
__typeof__(write) __real_write, __wrap_write;
__typeof__(pread) __real_pread, __wrap_pread;
__typeof__(pwrite) __real_pwrite, __wrap_pwrite;
__typeof__(readlink) __real_readlink, __wrap_readlink;
__typeof__(access) __real_access, __wrap_access;
__typeof__(calloc) __real_calloc, __wrap_calloc;
__typeof__(realloc) __real_realloc, __wrap_realloc;
__typeof__(free) __real_free, __wrap_free;

/* These the library calls with one argument more at the most. */
typedef int wrapped_open(const char *path, int flags, int mode);
typedef int wrapped_ioctl(int fd, unsigned long call, void *arg);
wrapped_open __real_open, __wrap_open;
wrapped_ioctl __real_ioctl, __wrap_ioctl;

#endif
