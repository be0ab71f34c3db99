// SPDX-License-Identifier: GPL-2.0-only
/*
 * userfaultfd: pages that a thread of this process delivers, or does not for a while. What it
 * delivers are zeroes, as the model has them of a page that was lost; so only the time is another,
 * in which a device or a call waits.
 *
 * It does so soon, whatever an input does: whoever waits for it may be the one who would have to
 * say so.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "world.h"

/* How long the thread has the next page wait, by the operation's flags. */
static const unsigned int held_ms[] = { 0, 0, 1, 10 };

static struct {
	int fd, end[2];		/* end: a pipe, which is closed when the thread is to go */
	pthread_t thread;
	unsigned int held;	/* of these, the one that counts */
} uffd = { .fd = -1 };

static void deliver(const struct uffd_msg *msg)
{
	static const char zeroes[PAGE];
	struct uffdio_copy copy = {
		.dst = msg->arg.pagefault.address & ~(PAGE - 1),
		.src = (uintptr_t)zeroes, .len = PAGE,
	};

	nap_ms(held_ms[__atomic_load_n(&uffd.held, __ATOMIC_RELAXED)]);
	/* Where somebody has another page there by now, who waits looks again. */
	if (ioctl(uffd.fd, UFFDIO_COPY, &copy))
		ioctl(uffd.fd, UFFDIO_WAKE, &(struct uffdio_range){ copy.dst, PAGE });
}

static void *serve(void *unused)
{
	struct pollfd fds[] = {
		{ .fd = uffd.fd, .events = POLLIN }, { .fd = uffd.end[0], .events = POLLIN },
	};
	struct uffd_msg msg;

	(void)unused;
	while (poll(fds, 2, -1) >= 0 || errno == EINTR) {
		while (read(uffd.fd, &msg, sizeof(msg)) == sizeof(msg))
			if (msg.event == UFFD_EVENT_PAGEFAULT)
				deliver(&msg);
		if (fds[1].revents)
			break;
	}
	return NULL;
}

static bool is_open(void)
{
	struct uffdio_api api = { .api = UFFD_API };

	if (uffd.fd >= 0)
		return true;
	uffd.fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (uffd.fd < 0)
		return false;
	JUDGE(!ioctl(uffd.fd, UFFDIO_API, &api) && !pipe2(uffd.end, O_CLOEXEC) &&
	      !pthread_create(&uffd.thread, NULL, serve, NULL), "userfaultfd: %s", strerror(errno));
	return true;
}

/* Who still waits is told to look again, and finds no userfaultfd. */
void uffd_end(void)
{
	if (uffd.fd < 0)
		return;
	close(uffd.end[1]);
	pthread_join(uffd.thread, NULL);
	close(uffd.end[0]);
	close(uffd.fd);
	uffd.fd = -1;
}

/* By a child, which is not to keep it open. */
void uffd_forget(void)
{
	if (uffd.fd < 0)
		return;
	close(uffd.end[0]);
	close(uffd.end[1]);
	close(uffd.fd);
}

/* It is lost, and comes back by the thread. */
static void deliver_later(struct part *part)
{
	struct uffdio_register range = {
		.range = { (uintptr_t)part->p, part->size },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};

	if (part_is_there(part) && is_open() && !ioctl(uffd.fd, UFFDIO_REGISTER, &range))
		part_lose(part);
}

void op_uffd(const struct op *op)
{
	struct part part = op_part(op);

	/* A page of a private mapping of a file is the file's, not of zeroes. */
	if (part.slot->kind == SLOT_PRIVATE)
		return;
	__atomic_store_n(&uffd.held, op->flags % ARRAY_SIZE(held_ms), __ATOMIC_RELAXED);
	switch (op->kind % 4) {
	case 2:
		if (uffd.fd >= 0)
			ioctl(uffd.fd, UFFDIO_UNREGISTER,
			      &(struct uffdio_range){ (uintptr_t)part.p, part.size });
		break;
	case 3:
		uffd_end();
		break;
	default:
		deliver_later(&part);
		break;
	}
}
