// SPDX-License-Identifier: GPL-2.0-only
/*
 * Other processes. A child is a fork: it shares the parent's memory copy-on-write, and has its
 * containers. It maps memory of its own for their devices, takes it away, hands it over, becomes
 * another program, or is killed. What devices write for the parent must not get into its copy.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "world.h"

#define NR_CHILDREN	2
#define REPLY_MS	120000

enum command { CHILD_MAP, CHILD_VADDR, CHILD_MUNMAP, CHILD_DISCARD, CHILD_WRITE, CHILD_EXEC,
	       CHILD_CHECK };

struct order {
	enum command command;
	unsigned int container;
	uint64_t iova, pages, uaddr;
	uint32_t rights;
};

static struct child {
	pid_t pid;
	int orders, replies;
	bool has_mapped;
	bool is_other;		/* another program by now */
	bool may_die;		/* by the OOM killer */
} children[NR_CHILDREN];

static int child_write(const struct order *order)
{
	uint64_t i;

	for (i = 0; i < order->pages; i++) {
		struct slot *slot;
		struct page *page = memory_page(order->uaddr + i * PAGE, &slot);

		if (page && page->prot & PROT_WRITE && slot->kind != SLOT_SHARED)
			*(uint64_t *)(uintptr_t)(order->uaddr + i * PAGE) = 1;
	}
	return 0;
}

static bool is_its_own(const struct page *page)
{
	return !page->writers && page->seed;
}

/* Memory that it has of its own, and did not lend or change, is what the parent's was. */
static int child_check(void)
{
	unsigned int s;

	for (s = 0; s < NR_SLOTS; s++)
		if (world.slots[s].kind != SLOT_SHARED)
			memory_check_slot(&world.slots[s], is_its_own, "in a child");
	return 0;
}

static int child_obey(const struct order *order)
{
	struct viopf_container *c = world.containers[order->container].c;
	void *p = (void *)(uintptr_t)order->uaddr;
	size_t size = order->pages * PAGE;

	switch (order->command) {
	case CHILD_MAP:
		return viopf_map(c, p, order->iova, size, order->rights);
	case CHILD_VADDR:
		return viopf_map_vaddr(c, p, order->iova, size);
	case CHILD_MUNMAP:
		return munmap(p, size);
	case CHILD_DISCARD:
		return madvise(p, size, MADV_DONTNEED);
	case CHILD_WRITE:
		return child_write(order);
	case CHILD_EXEC:
		execl("/bin/sleep", "sleep", "1000", NULL);
		return -errno;
	case CHILD_CHECK:
		return child_check();
	}
	return -EINVAL;
}

static void __attribute__((noreturn)) child_main(int orders, int replies)
{
	static const int signals[] = { SIGABRT, SIGSEGV, SIGBUS, SIGALRM };
	struct order order;
	unsigned int i;
	int reply;

	for (i = 0; i < ARRAY_SIZE(signals); i++)
		signal(signals[i], SIG_DFL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (read(orders, &order, sizeof(order)) == sizeof(order)) {
		reply = child_obey(&order);
		if (write(replies, &reply, sizeof(reply)) != sizeof(reply))
			break;
	}
	_exit(0);
}

/* What it answers, or -EPIPE if it has died. */
static int child_order(struct child *child, const struct order *order)
{
	struct pollfd poll_fd = { .fd = child->replies, .events = POLLIN };
	int reply, n;

	if (child->is_other)
		return -EPIPE;
	if (write(child->orders, order, sizeof(*order)) != sizeof(*order))
		return -EPIPE;
	if (order->command == CHILD_EXEC) {
		child->is_other = true;
		return 0;
	}
	while ((n = poll(&poll_fd, 1, REPLY_MS)) < 0 && errno == EINTR)
		;
	JUDGE(n == 1, "a child hangs in %d", (int)order->command);
	if (read(child->replies, &reply, sizeof(reply)) != sizeof(reply))
		return -EPIPE;
	return reply;
}

static void child_kill(struct child *child)
{
	int status = 0;

	kill(child->pid, SIGKILL);
	while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
		;
	close(child->orders);
	close(child->replies);
	memset(child, 0, sizeof(*child));
}

static void child_end(struct child *child)
{
	struct order order = { .command = CHILD_CHECK };

	if (!child->pid)
		return;
	if (!child->has_mapped && !child->is_other && !child->may_die)
		JUDGE(!child_order(child, &order), "a child finds its memory changed");
	child_kill(child);
}

pid_t child_may_die(unsigned int i)
{
	struct child *child = &children[i % NR_CHILDREN];

	child->may_die = child->pid;
	return child->pid;
}

void children_end(void)
{
	unsigned int i;

	for (i = 0; i < NR_CHILDREN; i++)
		child_end(&children[i]);
}

/* A child is born, or its end comes. */
void op_fork(const struct op *op)
{
	struct child *child = &children[op->who % NR_CHILDREN];
	int orders[2], replies[2];
	unsigned int i;

	if (child->pid) {
		if (op->kind & 1)
			child_kill(child);
		else
			child_end(child);
		return;
	}
	signal(SIGPIPE, SIG_IGN);
	JUDGE(!pipe(orders) && !pipe(replies), "pipe");
	child->pid = fork();
	JUDGE(child->pid >= 0, "fork: %s", strerror(errno));
	if (!child->pid) {
		close(orders[1]);
		close(replies[0]);
		/* Who decides on page requests is the parent; its having gone is to count. */
		for (i = 0; i < NR_CONTAINERS; i++)
			fault_fd_close(&world.containers[i]);
		uffd_forget();
		child_main(orders[0], replies[1]);
	}
	close(orders[0]);
	close(replies[1]);
	child->orders = orders[1];
	child->replies = replies[0];
}

static void child_map(struct child *child, struct container *c, struct order *order)
{
	struct mapping *m = mapping_at(c, order->iova);

	if (order->command == CHILD_VADDR) {
		if (!m || m->iova == IOVA_RINGS)
			return;
		order->iova = m->iova;
		order->pages = m->pages;
		if (child_order(child, order))
			return;
		m->uaddr = order->uaddr;
		m->away = false;
		m->borrowed = true;
		device_note_mapping(c, m);
		return;
	}
	if (c->nr == MAX_MAPPINGS - 1 || child_order(child, order))
		return;
	mapping_add(c, order->iova, order->pages, order->uaddr, order->rights, true);
}

void op_child(const struct op *op)
{
	struct child *child = &children[op->who % NR_CHILDREN];
	struct container *c = container_used(op_container_index(op->who / 8));
	struct order order = { .rights = VIOPF_READ | VIOPF_WRITE };
	struct range range;

	if (!child->pid || !c)
		return;
	range = op_range(c, op);
	order.command = op->kind % 8 < 3 ? CHILD_MAP : op->kind % 8 - 2;
	order.container = (unsigned int)(c - world.containers);
	order.iova = range.iova;
	order.pages = range.pages;
	order.uaddr = SLOT_BASE + (op->kind >> 3) % NR_SLOTS * SLOT_STRIDE +
		      (op->n >> 4) % SLOT_PAGES * PAGE;
	if (order.command <= CHILD_VADDR) {
		child->has_mapped = true;
		child_map(child, c, &order);
	} else if (order.command < CHILD_EXEC || (order.command == CHILD_EXEC && op->n % 4 == 0)) {
		child->has_mapped = true;
		child_order(child, &order);
	}
}
