// SPDX-License-Identifier: GPL-2.0-only
/*
 * The FUSE protocol as far as one file goes (Documentation/filesystems/fuse/fuse.rst,
 * linux/fuse.h): the kernel is told to keep names and attributes for good, and that it may
 * write back when it likes.
 */
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#include <viopf.h>

#include "fuse.h"
#include "modules.h"
#include "suite.h"

#define ROOT		"/mnt/viopf-fuse"
#define CONNECTIONS	"/sys/fs/fuse/connections"
#define LONG_TIME	3600u
#define FILE_NODE	2
#define MAX_WRITE	(128u << 10)

/* A request, as large as one may be. */
struct request {
	struct fuse_in_header head;
	char body[MAX_WRITE + 4096];
};

static void reply(struct fuse *fuse, const struct request *request, int err,
		  const void *body, size_t size)
{
	struct fuse_out_header head = {
		.len = (uint32_t)(sizeof(head) + size),
		.error = err,
		.unique = request->head.unique,
	};
	struct iovec parts[] = { { &head, sizeof(head) }, { (void *)(uintptr_t)body, size } };

	/* ENOENT: who asked has gone. */
	if (writev(fuse->dev, parts, 2) < 0 && errno != ENOENT && errno != ENODEV)
		printf("# FUSE reply to %u: %s\n", request->head.opcode, strerror(errno));
}

static struct fuse_attr attributes(const struct fuse *fuse, uint64_t node)
{
	struct fuse_attr attr = { .ino = node, .nlink = 1, .blksize = 4096 };

	attr.mode = node == FILE_NODE ? S_IFREG | 0600 : S_IFDIR | 0700;
	attr.size = node == FILE_NODE ? fuse->size : 0;
	return attr;
}

static void answer_init(struct fuse *fuse, const struct request *request)
{
	const struct fuse_init_in *in = (const void *)request->body;
	struct fuse_init_out out = {
		.major = FUSE_KERNEL_VERSION,
		.minor = in->minor < FUSE_KERNEL_MINOR_VERSION ? in->minor :
								 FUSE_KERNEL_MINOR_VERSION,
		.max_readahead = 4096,
		.flags = in->flags & (FUSE_WRITEBACK_CACHE | FUSE_BIG_WRITES),
		.max_background = 16,
		.max_write = MAX_WRITE,
	};

	reply(fuse, request, 0, &out, sizeof(out));
}

static void answer_names(struct fuse *fuse, const struct request *request)
{
	struct fuse_entry_out entry = {
		.nodeid = FILE_NODE, .entry_valid = LONG_TIME, .attr_valid = LONG_TIME,
		.attr = attributes(fuse, FILE_NODE),
	};
	struct fuse_attr_out attr = {
		.attr_valid = LONG_TIME, .attr = attributes(fuse, request->head.nodeid),
	};
	struct fuse_open_out opened = { .fh = 1 };

	if (request->head.opcode == FUSE_LOOKUP)
		reply(fuse, request, 0, &entry, sizeof(entry));
	else if (request->head.opcode == FUSE_OPEN)
		reply(fuse, request, 0, &opened, sizeof(opened));
	else
		reply(fuse, request, 0, &attr, sizeof(attr));
}

static void answer_data(struct fuse *fuse, const struct request *request)
{
	static const char zeroes[MAX_WRITE];
	const struct fuse_read_in *in = (const void *)request->body;
	struct fuse_write_out written = { .size = in->size };

	if (atomic_load(&fuse->stalls)) {
		atomic_store(&fuse->offset, in->offset);
		atomic_fetch_add(&fuse->stalled, 1);
	} else if (request->head.opcode == FUSE_READ) {
		reply(fuse, request, 0, zeroes, in->size);
	} else {
		reply(fuse, request, 0, &written, sizeof(written));
	}
}

static void answer(struct fuse *fuse, const struct request *request)
{
	switch (request->head.opcode) {
	case FUSE_INIT:
		answer_init(fuse, request);
		break;
	case FUSE_LOOKUP:
	case FUSE_OPEN:
	case FUSE_GETATTR:
	case FUSE_SETATTR:
		answer_names(fuse, request);
		break;
	case FUSE_READ:
	case FUSE_WRITE:
		answer_data(fuse, request);
		break;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		break;
	case FUSE_FLUSH:
	case FUSE_RELEASE:
	case FUSE_FSYNC:
		reply(fuse, request, 0, NULL, 0);
		break;
	default:
		reply(fuse, request, -EOPNOTSUPP, NULL, 0);
	}
}

static void *serve(void *arg)
{
	struct request *request = malloc(sizeof(*request));
	struct fuse *fuse = arg;

	while (request && (read(fuse->dev, request, sizeof(*request)) > 0 || errno == ENOENT))
		answer(fuse, request);
	free(request);
	return NULL;
}

void fuse_mount(struct fuse *fuse, size_t size)
{
	char options[96];

	*fuse = (struct fuse){ .size = size };
	fuse->dev = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (fuse->dev < 0 && !shell("modprobe -q fuse || true"))
		fuse->dev = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (fuse->dev < 0)
		skip_because("no FUSE: %s", strerror(errno));
	assert_true(!mkdir(ROOT, 0700) || errno == EEXIST);
	snprintf(options, sizeof(options), "fd=%d,rootmode=40700,user_id=0,group_id=0", fuse->dev);
	assert_ok(mount("viopf", ROOT, "fuse", MS_NOSUID | MS_NODEV, options));
	assert_int_equal(pthread_create(&fuse->thread, NULL, serve, fuse), 0);
	fuse->fd = open(ROOT "/file", O_RDWR | O_CLOEXEC);
	assert_true(fuse->fd >= 0);
}

void fuse_abort(void)
{
	if (access(CONNECTIONS, X_OK))
		return;
	mount("none", CONNECTIONS, "fusectl", 0, NULL);
	shell("for c in " CONNECTIONS "/*/abort; do [ ! -e $c ] || echo 1 >$c; done");
	umount2(ROOT, MNT_DETACH);
}
