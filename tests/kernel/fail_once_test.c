// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each failure once: an operation is tried with its first allocation or copy from or to user
 * space failing, then with its second, and so on until none is left to fail. Each time what
 * the caller was told is true, nothing is lost, and the same operation then works.
 *
 * The kernel counts for us, for one task (/proc/<pid>/fail-nth, lib/fault-inject.c): of all
 * that may fail, what the module is on the stack of; on user-mode Linux, which can't tell that,
 * what others do for it as well, who may tell of it as they like. For a page request that task
 * is a worker; the handler, which hands over to one what needs memory, has nothing that may fail.
 *
 * LANES: uml uml-debug
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/param.h>
#include <unistd.h>

#include "failures.h"
#include "mdev.h"
#include "rig.h"

#define NR_PAGES	8
#define SIZE		(NR_PAGES * PAGE)
#define IOVA_NEW	(IOVA_BASE + (1ull << 30))
#define MOST_FAILURES	1000
#define PARAMS		EXACT " max_workers=1"

static char bdfs[MAX_DEVICES][16];

/* What an operation finds: memory at IOVA_BASE that the device has written, seed 1. */
struct setting {
	struct rig rig;
	char *p;
	struct mdev mdev;	/* .fd: 0 if there is none */
	int fd;			/* the fault fd, or -1 */
	uint32_t cookie;
	uint64_t dirty;		/* pages that were told to be */
	struct viopf_info info;	/* all of it */
};

/**
 * struct operation - what is to fail
 * @act: it; 0 or -errno. Done again it would fail, or do nothing
 * @before: what must be there for it
 * @after: what is done once it has worked, and does not fail
 * @task: who does the work: the name's beginning, or NULL for this one
 * @twice: what it returns if it was done before. It was if it could not tell the caller,
 *	-EFAULT, as with type1
 */
struct operation {
	int (*act)(struct setting *s);
	void (*before)(struct setting *s);
	void (*after)(struct setting *s);
	const char *task;
	int twice;
};

/* The thread whose name begins so, of which there is one. */
static int thread_named(const char *name)
{
	char path[288], comm[32];
	struct dirent *entry;
	DIR *proc = opendir("/proc");
	int tid = 0;

	while (!tid && (entry = readdir(proc))) {
		snprintf(path, sizeof(path), "/proc/%s/comm", entry->d_name);
		if (atoi(entry->d_name) && !file_read(path, comm, sizeof(comm)) &&
		    !strncmp(comm, name, strlen(name)))
			tid = atoi(entry->d_name);
	}
	closedir(proc);
	assert_msg(tid, "no thread %s", name);
	return tid;
}

static int failures_open(const char *task)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/fail-nth", task ? thread_named(task) : getpid());
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static void fail_nth(int fd, unsigned int nth)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", nth);
	/* This may be what fails. */
	assert_true(pwrite(fd, text, strlen(text), 0) > 0 ||
		    pwrite(fd, text, strlen(text), 0) > 0);
}

/* How many are left until it does? From here on nothing does. */
static unsigned int until_failure(int fd)
{
	char text[16] = "1";

	/* Then this was the next. */
	if (pread(fd, text, sizeof(text) - 1, 0) < 0)
		assert_int_equal(errno, EFAULT);
	fail_nth(fd, 0);
	return atoi(text);
}

static void setting_open(struct setting *s)
{
	memset(s, 0, sizeof(*s));
	s->fd = -1;
	s->p = rig_open_anon(&s->rig, SIZE);
	dev_fill(&s->rig, IOVA_BASE, SIZE, 1);
}

/* No byte is lost, page requests are answered, and at the end nothing is left. */
static void setting_close(struct setting *s)
{
	struct viopf_container *c = s->rig.c;

	if (s->fd >= 0)
		close(s->fd);
	if (s->mdev.fd > 0)
		mdev_close(&s->mdev);
	cpu_check(s->p, SIZE, 1);
	viopf_map_vaddr(c, s->p, IOVA_BASE, SIZE);
	viopf_map(c, s->p, IOVA_BASE, SIZE, VIOPF_READ | VIOPF_WRITE);
	dev_check(&s->rig, IOVA_BASE, SIZE, 1);
	rig_close(&s->rig);
	munmap(s->p, SIZE);
	assert_int_equal(status_kb("VmPin") + status_kb("VmLck"), 0);
}

/* With its @nth failure. Returns how many things it did that may fail, up to that. */
static unsigned int tried(const struct operation *op, unsigned int nth)
{
	int failures, err, may_be_done;
	struct setting s;
	unsigned int left;

	setting_open(&s);
	if (op->before)
		op->before(&s);
	failures = failures_open(op->task);
	fail_nth(failures, nth);
	err = op->act(&s);
	left = until_failure(failures);
	close(failures);
	verify_residency();
	if (err) {
		assert_msg(!left, "it fails by itself: %d, %s", err, viopf_error());
		assert_msg(err == -ENOMEM || err == -EFAULT || !failures_know_stacks(),
			   "failure %u: %d, %s", nth, err, viopf_error());
		may_be_done = err == -EFAULT && op->twice;
		err = op->act(&s);
		assert_msg(!err || (may_be_done && err == op->twice),
			   "after failure %u: %d, %s", nth, err, viopf_error());
	}
	if (op->after)
		op->after(&s);
	setting_close(&s);
	return nth - left;
}

/*
 * They are counted first, and not when all is new: what stays, such as the kernel's own page
 * tables, makes them fewer from try to try. Now and then there is one more, such as a page for
 * a slab, or one less.
 */
static unsigned int count_things(const struct operation *op)
{
	unsigned int i, number = tried(op, MOST_FAILURES);

	for (i = 0; i < 3; i++)
		number = MIN(number, tried(op, MOST_FAILURES));
	return number;
}

/* It may be one less just then. */
static int fails_at(const struct operation *op, unsigned int nth)
{
	unsigned int i;

	for (i = 0; i < 3; i++)
		if (tried(op, nth) == nth)
			return 1;
	return 0;
}

static void each_fails_once(void)
{
	const struct operation *op = case_arg();
	unsigned int nth, number, failed = 0;

	assert_true(devices_list(bdfs) > 1);
	failures_prepare();
	failures_only_below(NULL);
	number = count_things(op);
	assert_in_range(number, 1, MOST_FAILURES - 1);
	for (nth = 1; nth <= number; nth++)
		failed += fails_at(op, nth);
	printf("# %u of %u have failed\n", failed, number);
	assert_true(failed >= number - number / 10);
}

/* The operations. */

static int open_container(struct setting *s)
{
	struct vfio_iopf_stats stats;
	struct viopf_container *c;
	const char *name = bdfs[1];
	int err;

	(void)s;
	err = viopf_container_open(&c, &name, 1, VFIO_IOPF_IOMMU);
	if (err)
		return err;
	err = viopf_stats(c, &stats);
	if (!err)
		assert_int_equal(stats.workers, 1);
	viopf_container_close(c);
	return err;
}

static int map_as(struct setting *s, uint32_t flags)
{
	return viopf_map(s->rig.c, s->p, IOVA_NEW, SIZE, VIOPF_READ | VIOPF_WRITE | flags);
}

static int map(struct setting *s)
{
	return map_as(s, 0);
}

static int map_pinned(struct setting *s)
{
	return map_as(s, VIOPF_PINNED);
}

static int map_user(struct setting *s)
{
	return map_as(s, VIOPF_USER);
}

static int unmap(struct setting *s)
{
	return viopf_unmap(s->rig.c, IOVA_BASE, SIZE, NULL);
}

static int disable(struct setting *s)
{
	return viopf_disable(s->rig.c);
}

static void disabled(struct setting *s)
{
	assert_ok(disable(s));
}

static int enable(struct setting *s)
{
	return viopf_enable(s->rig.c);
}

static void new_mapping(struct setting *s)
{
	assert_ok(map(s));
}

static int advise(struct setting *s, enum vfio_iopf_advice advice)
{
	return viopf_advise(s->rig.c, advice, IOVA_NEW, SIZE, NULL);
}

static int prefetch(struct setting *s)
{
	return advise(s, VFIO_IOPF_ADV_PREFETCH_WRITE);
}

static int pin(struct setting *s)
{
	return advise(s, VFIO_IOPF_ADV_PIN);
}

static int evict(struct setting *s)
{
	return viopf_advise(s->rig.c, VFIO_IOPF_ADV_EVICT, IOVA_BASE, SIZE, NULL);
}

static int residency(struct setting *s)
{
	unsigned char pages[NR_PAGES];

	return viopf_residency(s->rig.c, IOVA_BASE, SIZE, pages);
}

static int mappings(struct setting *s)
{
	struct vfio_iopf_mapping found[4];
	uint32_t count = ARRAY_SIZE(found);

	return viopf_mappings(s->rig.c, 0, found, &count);
}

static void info_known(struct setting *s)
{
	assert_ok(viopf_get_info(s->rig.c, &s->info));
}

/* What can't be told is not left out. */
static int info(struct setting *s)
{
	struct viopf_info info;
	struct vfio_iopf_stats stats;
	int err = viopf_get_info(s->rig.c, &info);

	if (!err)
		assert_memory_equal(&info, &s->info, sizeof(info));
	return err ? err : viopf_stats(s->rig.c, &stats);
}

static int dirty_start(struct setting *s)
{
	return viopf_dirty_start(s->rig.c);
}

static void tracked(struct setting *s)
{
	assert_ok(dirty_start(s));
	dev_fill(&s->rig, IOVA_BASE, SIZE, 1);
}

static int dirty_stop(struct setting *s)
{
	return viopf_dirty_stop(s->rig.c);
}

/* That a page was written is told once: by the call that failed, or by the next. */
static int told_dirty(struct setting *s, const uint64_t *bitmap, int err)
{
	s->dirty |= bitmap[0];
	if (!err)
		assert_int_equal(s->dirty, (1 << NR_PAGES) - 1);
	return err;
}

static int dirty_get(struct setting *s)
{
	uint64_t bitmap[VIOPF_DIRTY_WORDS(SIZE)];

	return told_dirty(s, bitmap, viopf_dirty_get(s->rig.c, IOVA_BASE, SIZE, bitmap));
}

/* It may fail when all is done, as the size is told. */
static int dirty_unmap(struct setting *s)
{
	uint64_t bitmap[VIOPF_DIRTY_WORDS(SIZE)];

	return told_dirty(s, bitmap, viopf_dirty_unmap(s->rig.c, IOVA_BASE, SIZE, bitmap, NULL));
}

static int unmap_vaddr(struct setting *s)
{
	return viopf_unmap_vaddr(s->rig.c, IOVA_BASE, SIZE);
}

static void without_vaddr(struct setting *s)
{
	assert_ok(unmap_vaddr(s));
}

static int map_vaddr(struct setting *s)
{
	return viopf_map_vaddr(s->rig.c, s->p, IOVA_BASE, SIZE);
}

static int fault_fd(struct setting *s)
{
	s->fd = viopf_fault_fd(s->rig.c);
	return s->fd < 0 ? s->fd : 0;
}

/* A device asks, and what it asks for has been handed up. */
static void handed_up(struct setting *s)
{
	struct softdma_desc read = sdma_checksum(IOVA_NEW, PAGE, 0);

	assert_ok(map_user(s));
	assert_ok(fault_fd(s));
	rig_start_queue(&s->rig, 0, 1);
	assert_ok(sdma_submit(&s->rig.dma[0].q[1], &read, 1));
	assert_true(wait_until(rig_stats(&s->rig).faults_waiting == 1, 30));
}

static int read_fault(struct setting *s)
{
	struct vfio_iopf_fault f[VFIO_IOPF_FAULT_GROUP_MAX];
	int n = viopf_fault_read(s->fd, f, 1);

	if (n < 0)
		return n;
	assert_int_equal(n, 1);
	s->cookie = f[0].cookie;
	return 0;
}

static void read_and_undecided(struct setting *s)
{
	handed_up(s);
	assert_ok(read_fault(s));
}

static int answer(struct setting *s)
{
	return viopf_fault_answer(s->fd, s->cookie, VFIO_IOPF_FAULT_CONTINUE);
}

static void load_mdev(void)
{
	static int loaded;

	if (!loaded++)
		mdev_load(1);
}

static void opened_mdev(struct setting *s)
{
	load_mdev();
	mdev_group_open(&s->mdev, 0);
}

static int mdev_joins(struct setting *s)
{
	return mdev_group_attach(&s->mdev, viopf_container_fd(s->rig.c));
}

/* It is shown as soon as it has come. */
static void mdev_leaves(struct setting *s)
{
	assert_ok(shell("test -d /sys/class/vfio_iopf/*/devices/" SOFTMDEV_NAME ".0"));
	assert_int_equal(close(s->mdev.group), 0);
}

static void has_mdev(struct setting *s)
{
	load_mdev();
	mdev_join(&s->mdev, 0, viopf_container_fd(s->rig.c));
}

static int driver_pins(struct setting *s)
{
	int n = mdev_pin(&s->mdev, IOVA_BASE, 2, 3, NULL);

	assert_true(n < 0 || n == 2);
	return MIN(n, 0);
}

static void driver_unpins(struct setting *s)
{
	assert_int_equal(mdev_unpin(&s->mdev, IOVA_BASE, 2), 2);
}

static int second_device(struct setting *s)
{
	return viopf_group_add(s->rig.c, bdfs[1]);
}

/* While it is there all has to be pinned; not for those that could not join. */
static void second_device_leaves(struct setting *s)
{
	struct viopf_info info;

	assert_ok(viopf_get_info(s->rig.c, &info));
	assert_true(info.iopf.flags & VFIO_IOPF_INFO_MUST_PIN);
	assert_ok(viopf_group_remove(s->rig.c, bdfs[1]));
	assert_ok(viopf_get_info(s->rig.c, &info));
	assert_false(info.iopf.flags & VFIO_IOPF_INFO_MUST_PIN);
}

/* What a device asks for it gets, if a moment later. */
static int device_writes(struct setting *s)
{
	dev_fill(&s->rig, IOVA_NEW, SIZE, 1);
	return 0;
}

static void swapped_out(struct setting *s)
{
	static int swapping;

	if (!swapping++)
		swap_on_zram(64);
	new_mapping(s);
	page_out(s->p, SIZE);
	assert_int_equal(pages_swapped(s->p, SIZE), NR_PAGES);
}

#define OPERATION(name_, ...)						\
	CASE("R1 S6 each failure once: " name_, each_fails_once, .iopf = PARAMS,	\
	     .softdma = "devices=2 nofault=2", .soft = 1, .limit_s = 400,	\
	     .arg = &(const struct operation){ __VA_ARGS__ })

static const struct suite_case cases[] = {
	OPERATION("open a container", .act = open_container),
	OPERATION("map", .act = map),
	OPERATION("map, pinned", .act = map_pinned),
	OPERATION("map, for user space to decide", .act = map_user),
	OPERATION("unmap", .act = unmap),
	OPERATION("turn off", .act = disable),
	OPERATION("turn on", .act = enable, .before = disabled),
	OPERATION("a device that can't fault joins", .act = second_device,
		  .after = second_device_leaves),
	OPERATION("prefetch", .act = prefetch, .before = new_mapping),
	OPERATION("pin by advice", .act = pin, .before = new_mapping),
	OPERATION("evict by advice", .act = evict),
	OPERATION("residency", .act = residency),
	OPERATION("mappings", .act = mappings),
	OPERATION("info and statistics", .act = info, .before = info_known),
	OPERATION("track dirty pages", .act = dirty_start),
	OPERATION("track no longer", .act = dirty_stop, .before = tracked),
	OPERATION("get dirty pages", .act = dirty_get, .before = tracked),
	OPERATION("unmap, with dirty pages", .act = dirty_unmap, .before = tracked),
	OPERATION("take the address away", .act = unmap_vaddr, .twice = -EINVAL),
	OPERATION("give another address", .act = map_vaddr, .before = without_vaddr),
	OPERATION("the fault fd", .act = fault_fd),
	OPERATION("read a page request", .act = read_fault, .before = handed_up),
	OPERATION("decide on it", .act = answer, .before = read_and_undecided),
	OPERATION("a mediated device joins", .act = mdev_joins, .before = opened_mdev,
		  .after = mdev_leaves),
	OPERATION("a driver pins", .act = driver_pins, .before = has_mdev,
		  .after = driver_unpins),
	OPERATION("a page request for memory that is there", .act = device_writes,
		  .before = new_mapping, .task = "viopf/"),
	OPERATION("a page request for swap", .act = device_writes, .before = swapped_out,
		  .task = "viopf/"),
};

int main(int argc, char **argv)
{
	return SUITE(cases, argc, argv);
}
