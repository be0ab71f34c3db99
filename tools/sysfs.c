// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading /sys and /proc; see sysfs.h. A file is opened, read and closed in each call:
 * sysfs makes a file's text when it is read, so there is nothing to keep.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "iopf.h"
#include "sysfs.h"

static void path_from(char *path, const char *fmt, va_list args)
{
	const char *root = getenv("IOPF_ROOT");
	int len = snprintf(path, PATH_MAX, "%s", root ? root : "");

	if (len >= 0 && len < PATH_MAX)
		vsnprintf(path + len, PATH_MAX - (size_t)len, fmt, args);
}

/* The path that a call's last arguments give. */
#define PATH_OF(path, fmt)				\
	do {						\
		va_list args;				\
							\
		va_start(args, fmt);			\
		path_from(path, fmt, args);		\
		va_end(args);				\
	} while (0)

void sys_path(char *path, const char *fmt, ...)
{
	PATH_OF(path, fmt);
}

bool sys_exists(const char *fmt, ...)
{
	char path[PATH_MAX];

	PATH_OF(path, fmt);
	return !access(path, F_OK);
}

/* Up to @size - 1 bytes of a file, and a '\0'; how many, or -errno. */
static ssize_t read_path(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), err = 0;
	size_t len = 0;

	if (fd < 0)
		return -errno;
	while (len < size - 1) {
		ssize_t got = read(fd, buf + len, size - 1 - len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			err = errno;
		if (got <= 0)
			break;
		len += (size_t)got;
	}
	close(fd);
	buf[len] = '\0';
	return err ? -err : (ssize_t)len;
}

static int read_text(const char *path, char *buf, size_t size)
{
	ssize_t len = read_path(path, buf, size);

	if (len < 0) {
		buf[0] = '\0';
		return (int)len;
	}
	if (len && buf[len - 1] == '\n')
		buf[len - 1] = '\0';
	return 0;
}

int sys_read(char *buf, size_t size, const char *fmt, ...)
{
	char path[PATH_MAX];

	PATH_OF(path, fmt);
	return read_text(path, buf, size);
}

int sys_read_name(char *buf, size_t size, const char *fmt, ...)
{
	char path[PATH_MAX];
	int err;

	PATH_OF(path, fmt);
	err = read_text(path, buf, size);
	for (; *buf; buf++) {
		if (*buf < ' ' || *buf > '~')
			*buf = '?';
	}
	return err;
}

char *sys_read_all(const char *fmt, ...)
{
	size_t size = 4096;
	char path[PATH_MAX], *buf = NULL;

	PATH_OF(path, fmt);
	for (;; size *= 2) {
		char *larger = realloc(buf, size);
		ssize_t len;

		if (!larger)
			die_no_memory();
		buf = larger;
		len = read_path(path, buf, size);
		if (len < 0) {
			free(buf);
			errno = (int)-len;
			return NULL;
		}
		if ((size_t)len < size - 1)
			return buf;
	}
}

int sys_read_u64(uint64_t *val, const char *fmt, ...)
{
	char path[PATH_MAX], text[64], *end;
	ssize_t len;

	PATH_OF(path, fmt);
	len = read_path(path, text, sizeof(text));
	if (len < 0)
		return (int)len;
	errno = 0;
	*val = strtoull(text, &end, 0);
	if (end == text || (*end && *end != '\n') || errno)
		return -EINVAL;
	return 0;
}

int sys_link(char *buf, size_t size, const char *fmt, ...)
{
	char path[PATH_MAX], target[PATH_MAX];
	const char *base;
	ssize_t len;

	PATH_OF(path, fmt);
	buf[0] = '\0';
	len = readlink(path, target, sizeof(target) - 1);
	if (len < 0)
		return -errno;
	target[len] = '\0';
	base = strrchr(target, '/');
	base = base ? base + 1 : target;
	if (strlen(base) >= size)
		return -ENAMETOOLONG;
	memcpy(buf, base, strlen(base) + 1);
	return 0;
}

static int no_dots(const struct dirent *entry)
{
	return strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
}

int sys_list(struct names *names, const char *fmt, ...)
{
	struct dirent **entries;
	char path[PATH_MAX];
	int i, n;

	PATH_OF(path, fmt);
	*names = (struct names) { 0 };
	n = scandir(path, &entries, no_dots, versionsort);
	if (n < 0)
		return -errno;
	names->v = calloc(n ? (size_t)n : 1, sizeof(*names->v));
	if (!names->v)
		die_no_memory();
	for (i = 0; i < n; i++) {
		names->v[i] = strdup(entries[i]->d_name);
		if (!names->v[i])
			die_no_memory();
		free(entries[i]);
	}
	free(entries);
	names->n = n;
	return 0;
}

void names_free(struct names *names)
{
	int i;

	for (i = 0; i < names->n; i++)
		free(names->v[i]);
	free(names->v);
	*names = (struct names) { 0 };
}
