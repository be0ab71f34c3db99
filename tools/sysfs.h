/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reading /sys, /proc and their like. Paths are given whole, "/sys/class/...", as printf()
 * formats; $IOPF_ROOT, if it is set, stands in front of each: a made-up machine, for tests.
 *
 * What is read may go at any time, so each call can fail with ENOENT or ENODEV; the caller
 * decides what that means.
 */
#ifndef IOPF_SYSFS_H
#define IOPF_SYSFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Names in a folder, in order, numbers in them by their value. */
struct names {
	char **v;
	int n;
};

/* The path with the root in front, cut at PATH_MAX; @path holds that many bytes. */
void sys_path(char *path, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

bool sys_exists(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * The file's text without the end of its last line, cut at @size. Returns 0 or -errno, and
 * then @buf is empty.
 */
int sys_read(char *buf, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/*
 * The same for what somebody else chose, a process's name: what is no printable ASCII
 * character becomes a '?', as neither a terminal nor JSON takes all.
 */
int sys_read_name(char *buf, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The whole text, however long; the caller's to free. NULL and errno if it can't be read. */
char *sys_read_all(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* A file that holds a number, as strtoull() knows them. Returns 0 or -errno. */
int sys_read_u64(uint64_t *val, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The last part of where a symbolic link leads. Returns 0 or -errno, and then @buf is empty. */
int sys_link(char *buf, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* What is in a folder, but for . and .. ; 0 or -errno, and then there are none. */
int sys_list(struct names *names, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void names_free(struct names *names);

#endif /* IOPF_SYSFS_H */
