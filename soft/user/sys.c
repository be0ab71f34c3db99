// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading /proc and /sys. The files are small and read anew each time; nothing
 * is kept.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sys.h"

double now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

bool line_number(const char *path, const char *name, long *value)
{
	FILE *file = fopen(path, "re");
	size_t len = strlen(name);
	bool found = false;
	char line[256];

	*value = 0;
	while (file && !found && fgets(line, sizeof(line), file)) {
		found = !strncmp(line, name, len) && strchr(": \t", line[len]);
		if (found)
			*value = strtol(line + len + 1, NULL, 10);
	}
	if (file)
		fclose(file);
	return found;
}

long number_after(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	return at ? strtol(at + strlen(name), NULL, 10) : 0;
}

static long number_or_0(const char *path, const char *name)
{
	long value;

	line_number(path, name, &value);
	return value;
}

long process_kb(pid_t pid, const char *member)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	return number_or_0(path, member);
}

long meminfo_kb(const char *line)
{
	return number_or_0("/proc/meminfo", line);
}

unsigned long vm_counter(const char *name)
{
	return (unsigned long)number_or_0("/proc/vmstat", name);
}

long pinned_kb(void)
{
	char text[16 << 10];

	/* The counts are kept for each CPU; this has them added up. */
	file_write("/proc/sys/vm/stat_refresh", "1");
	file_read("/proc/vmstat", text, sizeof(text));
	return (number_after(text, "nr_foll_pin_acquired ") -
		number_after(text, "nr_foll_pin_released ")) * (sysconf(_SC_PAGESIZE) / 1024);
}

int file_read(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t got;

	buf[0] = '\0';
	if (fd < 0)
		return -errno;
	while ((got = read(fd, buf + len, size - 1 - len)) > 0)
		len += (size_t)got;
	buf[len] = '\0';
	got = got < 0 ? -errno : 0;
	close(fd);
	return (int)got;
}

long number_in(const char *path)
{
	char text[32];

	return file_read(path, text, sizeof(text)) ? 0 : strtol(text, NULL, 10);
}

int file_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		err = -errno;
	close(fd);
	return err;
}

int complain(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fprintf(stderr, "%s: ", program_invocation_short_name);
	vfprintf(stderr, fmt, args);
	fprintf(stderr, "\n");
	va_end(args);
	return -1;
}
