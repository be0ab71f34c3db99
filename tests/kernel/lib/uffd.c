// SPDX-License-Identifier: GPL-2.0-only
/*
 * A userfaultfd and, if wanted, a thread that serves it. Pages are delivered
 * with the pattern of the whole range, so that a page in the wrong place shows.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "rig.h"
#include "uffd.h"

int uffd_open(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		skip_because("no userfaultfd: %s", strerror(errno));
	assert_ok(ioctl(fd, UFFDIO_API, &api));
	return fd;
}

void uffd_register(struct uffd *u, int fd, void *p, size_t size, int wp)
{
	struct uffdio_register reg = {
		.range = { .start = (uintptr_t)p, .len = size },
		.mode = wp ? UFFDIO_REGISTER_MODE_WP : UFFDIO_REGISTER_MODE_MISSING,
	};
	int ret;

	memset(u, 0, sizeof(*u));
	u->fd = fd;
	u->p = p;
	u->size = size;
	ret = ioctl(fd, UFFDIO_REGISTER, &reg);
	if (wp && ret && errno == EINVAL)
		skip_because("this kernel's userfaultfd does not write-protect");
	assert_ok(ret);
}

static int copy_page(struct uffd *u, char *at)
{
	uint64_t page[PAGE / 8];
	struct uffdio_copy copy = {
		.dst = (uintptr_t)at, .src = (uintptr_t)page, .len = PAGE,
	};

	sdma_pattern_fill(page, PAGE, u->seed, (uint64_t)(at - u->p));
	return ioctl(u->fd, UFFDIO_COPY, &copy) ? errno : 0;
}

void uffd_deliver(struct uffd *u, char *at)
{
	assert_int_equal(copy_page(u, at), 0);
}

static int set_protection(struct uffd *u, uintptr_t p, size_t size, int on)
{
	struct uffdio_writeprotect wp = {
		.range = { .start = p, .len = size },
		.mode = on ? UFFDIO_WRITEPROTECT_MODE_WP : 0,
	};

	return ioctl(u->fd, UFFDIO_WRITEPROTECT, &wp) ? errno : 0;
}

void uffd_protect(struct uffd *u, void *p, size_t size, int on)
{
	assert_int_equal(set_protection(u, (uintptr_t)p, size, on), 0);
}

/* The next message, or 0 if there is none within @limit_ms. */
static int next_message(struct uffd *u, struct uffd_msg *msg, int limit_ms)
{
	struct pollfd pfd = { .fd = u->fd, .events = POLLIN };

	if (poll(&pfd, 1, limit_ms) <= 0)
		return 0;
	return read(u->fd, msg, sizeof(*msg)) == sizeof(*msg) &&
	       msg->event == UFFD_EVENT_PAGEFAULT;
}

static char *message_page(const struct uffd_msg *msg)
{
	return (char *)(uintptr_t)(msg->arg.pagefault.address & ~(PAGE - 1));
}

char *uffd_next(struct uffd *u, unsigned int limit_s)
{
	int limit_ms = (int)(patience(limit_s) * 1000);
	struct uffd_msg msg;

	assert_msg(next_message(u, &msg, limit_ms), "no fault reached the userfaultfd");
	return message_page(&msg);
}

static void *serve(void *arg)
{
	struct uffd *u = arg;

	while (!atomic_load(&u->stop)) {
		struct uffd_msg msg;

		if (!next_message(u, &msg, 20))
			continue;
		/* Counted first: who waits for the page may look as soon as it is there. */
		if (msg.arg.pagefault.flags & UFFD_PAGEFAULT_FLAG_WP) {
			atomic_fetch_add(&u->protect, 1);
			set_protection(u, (uintptr_t)message_page(&msg), PAGE, 0);
		} else {
			atomic_fetch_add(&u->missing, 1);
			if (copy_page(u, message_page(&msg)))
				atomic_fetch_sub(&u->missing, 1);
		}
	}
	return NULL;
}

void uffd_serve(struct uffd *u, uint64_t seed)
{
	u->seed = seed;
	assert_ok(pthread_create(&u->thread, NULL, serve, u));
}

void uffd_stop(struct uffd *u)
{
	atomic_store(&u->stop, 1);
	assert_ok(pthread_join(u->thread, NULL));
}
