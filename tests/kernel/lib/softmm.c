// SPDX-License-Identifier: GPL-2.0-only
/*
 * softmm.ko's files.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "mem.h"
#include "modules.h"
#include "softmm.h"
#include "suite.h"

static const char *path_of(const char *file, char path[64])
{
	int err = module_insert("softmm", NULL);

	assert_msg(!err || err == -EEXIST, "can't load softmm.ko: %s", strerror(-err));
	snprintf(path, 64, "/sys/kernel/debug/softmm/%s", file);
	return path;
}

void softmm_set(const char *file, const char *fmt, ...)
{
	char path[64], text[64];
	va_list args;
	int err;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	err = file_write(path_of(file, path), text);
	if (err == -EOPNOTSUPP)
		skip_because("%s: this kernel is built without it", file);
	assert_msg(!err, "can't write %s to %s: %s", text, path, strerror(-err));
}

unsigned int softmm_number(const char *file)
{
	char path[64], text[16] = "";

	assert_int_equal(file_read(path_of(file, path), text, sizeof(text)), 0);
	return atoi(text);
}

char *softmm_map(const char *file, int prot)
{
	char path[64], *p;
	int fd = open(path_of(file, path), O_RDWR | O_CLOEXEC);

	assert_msg(fd >= 0, "can't open %s: %s", path, strerror(errno));
	p = mmap(NULL, PAGE, prot, MAP_SHARED, fd, 0);
	close(fd);
	assert_ptr_not_equal(p, MAP_FAILED);
	return p;
}
