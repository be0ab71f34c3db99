// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whose limits and privileges count where a device's fault brings memory in. The kernel
 * asks the task that does it, which is a thread of its own here: it has to stand for the
 * process that owns the memory. So what a device gets is compared with what the CPU, and
 * type1's MAP_DMA, get for the same process: places by NUMA policy and cpuset, huge pages
 * up to the hugetlb controller's limit, none of the blocks that a file system reserves for
 * root, and reads charged to the process's cgroup. (type1 pins no memory of a file on a
 * disk for writing.)
 *
 * VM: --qemu -readconfig --qemu tests/kernel/numa.cfg
 * LANES: stock next debug
 * CPUS: 2
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/mempolicy.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rig.h"
#include "uffd.h"

#define MB		(1ul << 20)
#define NR_HUGE		8
#define OTHER		CGROUP_ROOT "/viopf-other"

/* Who touches the memory. */
enum who { CPU, TYPE1, DEVICE };

static const enum who cpu = CPU, type1 = TYPE1, device = DEVICE;

static enum who who(void)
{
	return *(const enum who *)case_arg();
}

static void open_for_who(struct rig *rig)
{
	rig_open_as(rig, 0, 1, who() == TYPE1 ? VFIO_TYPE1v2_IOMMU : VFIO_IOPF_IOMMU);
}

static sigjmp_buf out;

static void on_bus(int signal)
{
	siglongjmp(out, signal);
}

static unsigned int by_cpu(char *p, unsigned int n, size_t piece)
{
	volatile unsigned int i = 0;

	signal(SIGBUS, on_bus);
	if (!sigsetjmp(out, 1))
		for (; i < n; i++)
			*(volatile char *)(p + i * piece) = 1;
	signal(SIGBUS, SIG_DFL);
	return i;
}

static unsigned int by_type1(struct rig *rig, char *p, unsigned int n, size_t piece)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (viopf_map(rig->c, p + i * piece, IOVA_BASE + i * piece, piece,
			      VIOPF_READ | VIOPF_WRITE))
			break;
	return i;
}

static unsigned int by_device(struct rig *rig, uint64_t iova, unsigned int n, size_t piece)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		struct softdma_desc fill = sdma_fill(iova + i * piece, 64, 1, 0);
		int status = sdma_do(&rig->dma[0].q[0], &fill, DMA_LIMIT_MS);

		if (status == SOFTDMA_FAULT_INVALID)
			break;
		assert_int_equal(status, SOFTDMA_OK);
	}
	return i;
}

/* Write to @n pieces of @p, which is mapped unless type1 does that; how many could be had. */
static unsigned int take(struct rig *rig, char *p, unsigned int n, size_t piece)
{
	switch (who()) {
	case CPU:
		return by_cpu(p, n, piece);
	case TYPE1:
		return by_type1(rig, p, n, piece);
	default:
		return by_device(rig, IOVA_BASE, n, piece);
	}
}

/* A cgroup without any settings but those of a controller that it skips without. */
static void cgroup_with(const char *cgroup, const char *controller)
{
	char text[32];

	snprintf(text, sizeof(text), "+%s\n", controller);
	if (file_write(CGROUP_ROOT "/cgroup.subtree_control", text))
		skip_because("no %s controller in this kernel", controller);
	assert_ok(shell("if [ -d %s ]; then rmdir %s; fi; mkdir %s", cgroup, cgroup, cgroup));
}

static unsigned int pages_on_node(char *p, unsigned int nr, int node)
{
	void *pages[256];
	int status[256];
	unsigned int i, n = 0;

	assert_true(nr <= ARRAY_SIZE(pages));
	for (i = 0; i < nr; i++)
		pages[i] = p + i * PAGE;
	assert_ok(syscall(SYS_move_pages, 0, (long)nr, pages, NULL, status, 0));
	for (i = 0; i < nr; i++)
		n += status[i] == node;
	return n;
}

static void need_two_nodes(void)
{
	char text[64] = "";

	if (file_read("/sys/devices/system/node/has_memory", text, sizeof(text)) ||
	    strncmp(text, "0-1", 3))
		skip_because("one NUMA node only");
}

static void bind_by_policy(int node)
{
	unsigned long mask = 1ul << node;

	assert_ok(syscall(SYS_set_mempolicy, MPOL_BIND, &mask, 8 * sizeof(mask)));
}

static void bind_by_cpuset(int node)
{
	assert_ok(file_write(CGROUP "/cpuset.mems", node ? "1\n" : "0\n"));
}

/*
 * Half of the memory is wanted on each node: whoever has no policy, and allocates where it
 * runs, has one of them wrong.
 */
static void placed(void (*bind)(int node))
{
	const unsigned int nr = 256;
	struct rig rig;
	unsigned int n;
	int node;
	char *p;

	open_for_who(&rig);
	for (node = 0; node < 2; node++) {
		bind(node);
		p = mem_anon(nr * PAGE);
		if (who() != TYPE1)
			rig_map(&rig, p, IOVA_BASE, nr * PAGE);
		assert_int_equal(take(&rig, p, nr, PAGE), nr);
		n = pages_on_node(p, nr, node);
		assert_msg(n == nr, "%u of %u pages are on node %d", n, nr, node);
		assert_ok(viopf_unmap(rig.c, IOVA_BASE, nr * PAGE, NULL));
	}
	rig_close(&rig);
}

static void placed_by_policy(void)
{
	need_two_nodes();
	placed(bind_by_policy);
}

static void placed_by_cpuset(void)
{
	need_two_nodes();
	cgroup_with(CGROUP, "cpuset");
	cgroup_enter(CGROUP);
	placed(bind_by_cpuset);
	cgroup_enter(CGROUP_ROOT);
}

static unsigned long long huge_pages_of(const char *cgroup)
{
	char path[128], text[64];

	snprintf(path, sizeof(path), "%s/hugetlb.2MB.current", cgroup);
	assert_ok(file_read(path, text, sizeof(text)));
	return strtoull(text, NULL, 10) / HUGE;
}

static void huge_limit(const char *cgroup, unsigned int pages)
{
	char path[128], text[32];

	assert_ok(file_write("/proc/sys/vm/nr_hugepages", "8\n"));
	cgroup_with(cgroup, "hugetlb");
	snprintf(path, sizeof(path), "%s/hugetlb.2MB.max", cgroup);
	snprintf(text, sizeof(text), "%lu\n", pages * HUGE);
	assert_ok(file_write(path, text));
}

static char *huge_pages(void)
{
	char *p = mmap(NULL, NR_HUGE * HUGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_NORESERVE, -1, 0);

	assert_true(p != MAP_FAILED);
	return p;
}

static void hugetlb_limit(void)
{
	struct rig rig;
	unsigned int n;
	char *p;

	huge_limit(CGROUP, 3);
	open_for_who(&rig);
	cgroup_enter(CGROUP);
	p = huge_pages();
	if (who() != TYPE1)
		rig_map(&rig, p, IOVA_BASE, NR_HUGE * HUGE);
	n = take(&rig, p, NR_HUGE, HUGE);
	assert_msg(n == 3, "%u huge pages where the limit is 3", n);
	assert_int_equal(huge_pages_of(CGROUP), 3);
	rig_close(&rig);
	cgroup_enter(CGROUP_ROOT);
}

/* A process that lends its huge pages to the container of its parent. */
struct lender {
	struct rig *rig;
	uint64_t iova;
	const char *cgroup;
	int tell;
	int leader_goes;
	pid_t pid;
};

static void *pause_for_ever(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static void lend(void *arg)
{
	struct lender *l = arg;
	pthread_t thread;

	cgroup_enter(l->cgroup);
	rig_map(l->rig, huge_pages(), l->iova, NR_HUGE * HUGE);
	assert_ok(pthread_create(&thread, NULL, pause_for_ever, NULL));
	assert_int_equal(write(l->tell, "", 1), 1);
	if (l->leader_goes)
		syscall(SYS_exit, 0);
	pause_for_ever(NULL);
}

static int is_zombie(pid_t pid)
{
	char path[64], text[512] = "";

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	return !file_read(path, text, sizeof(text)) && strstr(text, ") Z ");
}

static void lender_start(struct lender *l, struct rig *rig, uint64_t iova, const char *cgroup)
{
	int tell[2];
	char ch;

	assert_ok(pipe(tell));
	l->rig = rig;
	l->iova = iova;
	l->cgroup = cgroup;
	l->tell = tell[1];
	l->pid = child_run(lend, l);
	assert_int_equal(read(tell[0], &ch, 1), 1);
	if (l->leader_goes)
		assert_true(wait_until(is_zombie(l->pid), 30));
}

static void lender_end(struct lender *l)
{
	kill(l->pid, SIGKILL);
	child_reap(l->pid, 60);
}

/* The first thread of a process may end before the others: the process is still there. */
static void leader_gone(void)
{
	struct lender l = { .leader_goes = 1 };
	struct rig rig;

	huge_limit(CGROUP, 3);
	rig_open(&rig, 1);
	lender_start(&l, &rig, IOVA_BASE, CGROUP);
	assert_int_equal(by_device(&rig, IOVA_BASE, NR_HUGE, HUGE), 3);
	assert_int_equal(huge_pages_of(CGROUP), 3);
	lender_end(&l);
	rig_close(&rig);
}

/* A worker turns from one to the other with each fault. */
static void two_owners(void)
{
	struct lender a = { 0 }, b = { 0 };
	unsigned int i, n[2] = { 0, 0 };
	struct rig rig;

	huge_limit(CGROUP, 3);
	huge_limit(OTHER, 2);
	rig_open(&rig, 1);
	lender_start(&a, &rig, IOVA_BASE, CGROUP);
	lender_start(&b, &rig, 2 * IOVA_BASE, OTHER);
	for (i = 0; i < 4; i++) {
		n[0] += by_device(&rig, IOVA_BASE + i * HUGE, 1, HUGE);
		n[1] += by_device(&rig, 2 * IOVA_BASE + i * HUGE, 1, HUGE);
	}
	assert_int_equal(n[0], 3);
	assert_int_equal(n[1], 2);
	assert_int_equal(huge_pages_of(CGROUP), 3);
	assert_int_equal(huge_pages_of(OTHER), 2);
	lender_end(&a);
	lender_end(&b);
	rig_close(&rig);
	/* A worker that ended there may still be on its way out. */
	assert_true(wait_until(!rmdir(OTHER), 60));
}

/* How many of the threads "viopf/<n>" are in a cgroup. */
static unsigned int workers_in(const char *cgroup)
{
	char text[8192] = "", path[128], *line, *save;
	unsigned int n = 0;

	snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup);
	assert_ok(file_read(path, text, sizeof(text)));
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char comm[64] = "";

		snprintf(path, sizeof(path), "/proc/%s/comm", line);
		n += !file_read(path, comm, sizeof(comm)) && !strncmp(comm, "viopf/", 6);
	}
	return n;
}

/* The container goes on, and the cgroup of somebody who lent it memory can be removed. */
static int is_frozen(void)
{
	long frozen;

	return line_number(CGROUP "/cgroup.events", "frozen", &frozen) && frozen;
}

/* A device goes on while the process is frozen, within its limits, and nobody hangs. */
static void process_is_frozen(void)
{
	struct lender l = { 0 };
	struct rig rig;

	huge_limit(CGROUP, 3);
	rig_open(&rig, 1);
	lender_start(&l, &rig, IOVA_BASE, CGROUP);
	assert_ok(file_write(CGROUP "/cgroup.freeze", "1\n"));
	assert_true(wait_until(is_frozen(), 30));
	assert_int_equal(by_device(&rig, IOVA_BASE, NR_HUGE, HUGE), 3);
	assert_true(workers_in(CGROUP));
	assert_ok(viopf_unmap(rig.c, IOVA_BASE, NR_HUGE * HUGE, NULL));
	lender_end(&l);
	rig_close(&rig);
	assert_true(wait_until(!rmdir(CGROUP), 60));
}

static void cgroup_is_left(void)
{
	struct lender l = { 0 };
	struct rig rig;

	huge_limit(CGROUP, 3);
	rig_open(&rig, 1);
	lender_start(&l, &rig, IOVA_BASE, CGROUP);
	assert_int_equal(by_device(&rig, IOVA_BASE, 1, HUGE), 1);
	assert_int_equal(workers_in(CGROUP), 1);
	lender_end(&l);
	assert_true(wait_until(!rmdir(CGROUP), 60));
	assert_int_equal(by_device(&rig, IOVA_BASE, 1, HUGE), 0);
	rig_close(&rig);
}

/* Processes end, and their cgroups go, while the worker wants to join these. */
static void joining_the_dying(void)
{
	struct softdma_desc fill = sdma_fill(IOVA_BASE, 64, 1, 0);
	struct rig rig;
	unsigned int i;

	rig_open(&rig, 1);
	for (i = 0; i < 16; i++) {
		struct lender l = { 0 };
		int status;

		huge_limit(CGROUP, 3);
		lender_start(&l, &rig, IOVA_BASE, CGROUP);
		/* Before the fault and after it, in turn, as near as can be. */
		if (i % 2)
			kill(l.pid, SIGKILL);
		assert_ok(sdma_submit(&rig.dma[0].q[0], &fill, 1));
		kill(l.pid, SIGKILL);
		child_reap(l.pid, 60);
		rmdir(CGROUP);
		status = sdma_wait(&rig.dma[0].q[0], 0, DMA_LIMIT_MS, NULL);
		assert_true(status == SOFTDMA_OK || status == SOFTDMA_FAULT_INVALID);
		assert_ok(viopf_unmap(rig.c, IOVA_BASE, NR_HUGE * HUGE, NULL));
		/* Somebody else's fault, and it is in the root cgroup again. */
		rig_map(&rig, mem_anon(PAGE), IOVA_BASE, PAGE);
		dev_fill(&rig, IOVA_BASE, PAGE, 1);
		assert_int_equal(workers_in(CGROUP_ROOT), rig_stats(&rig).workers);
		assert_ok(viopf_unmap(rig.c, IOVA_BASE, PAGE, NULL));
	}
	rig_close(&rig);
}

/*
 * A user who is not root, on a disk that has only root's reserve left. What does not hold
 * a large write any more may have room for a small one.
 */
static void reserved_blocks(void)
{
	int fd = ext4_file(MB);
	unsigned int n;
	struct rig rig;
	char *p;

	assert_ok(ftruncate(fd, 0));
	assert_ok(ftruncate(fd, MB));
	assert_ok(shell("chmod 777 /mnt/viopf-ext4; "
			"setpriv --reuid 65534 --regid 65534 --clear-groups sh -c '"
			"cat /dev/zero >/mnt/viopf-ext4/rest; "
			"for i in 2 3 4; do sync; "
			"dd if=/dev/zero of=/mnt/viopf-ext4/rest$i bs=4k; done' 2>/dev/null; "
			"sync"));
	open_for_who(&rig);
	p = mem_file(fd, MB, MAP_SHARED);
	rig_map(&rig, p, IOVA_BASE, MB);
	assert_ok(setresgid(65534, 65534, 0));
	assert_ok(setresuid(65534, 65534, 0));
	n = take(&rig, p, MB / PAGE, PAGE);
	assert_ok(setresuid(0, 0, 0));
	assert_ok(setresgid(0, 0, 0));
	rig_close(&rig);
	munmap(p, MB);
	close(fd);
	ext4_unmount();
	assert_msg(!n, "%u pages of a full disk for somebody who is not root", n);
}

/* What CGROUP has read from disks, in bytes (io.stat). */
static unsigned long long bytes_read(void)
{
	unsigned long long sum = 0;
	char text[4096] = "", *at;

	assert_ok(file_read(CGROUP "/io.stat", text, sizeof(text)));
	for (at = text; (at = strstr(at, "rbytes=")); at += 7)
		sum += strtoull(at + 7, NULL, 10);
	return sum;
}

static void reads_are_charged(void)
{
	unsigned long long n;
	struct rig rig;
	int fd;
	char *p;

	cgroup_with(CGROUP, "io");
	fd = ext4_file(4 * MB);
	assert_ok(shell("head -c 4M /dev/urandom >/mnt/viopf-ext4/file"));
	open_for_who(&rig);
	p = mem_file(fd, 4 * MB, MAP_SHARED);
	rig_map(&rig, p, IOVA_BASE, 4 * MB);
	assert_ok(shell("sync; echo 3 >/proc/sys/vm/drop_caches"));
	cgroup_enter(CGROUP);
	assert_int_equal(take(&rig, p, 1024, PAGE), 1024);
	n = bytes_read();
	cgroup_enter(CGROUP_ROOT);
	rig_close(&rig);
	munmap(p, 4 * MB);
	close(fd);
	ext4_unmount();
	assert_msg(n >= 4 * MB, "%llu bytes read are charged to the cgroup", n);
}

/*
 * memory.current does not tell: it counts up to 64 pages a CPU that are charged ahead. What
 * does may be late, by two seconds (FLUSH_TIME of mm/memcontrol.c).
 */
static void assert_kernel_grows(unsigned long long before, unsigned long long bytes)
{
	assert_true(wait_until(cgroup_kernel() >= before + bytes, 60));
}

/*
 * A crowd of faults has as many workers, whose memory, 16 KiB each, is charged to who
 * opened the container; when it is over they go, but for one.
 */
static void workers_go(void)
{
	const unsigned int nr = 4 * SOFTDMA_QUEUES;
	unsigned long long before;
	struct rig rig;
	struct uffd u;
	unsigned int i;
	char *p;

	cgroup_make("max", "max");
	cgroup_enter(CGROUP);
	rig_open(&rig, 4);
	p = mem_anon(nr * PAGE);
	uffd_register(&u, uffd_open(), p, nr * PAGE, 0);
	rig_map(&rig, p, IOVA_BASE, nr * PAGE);
	for (i = 0; i < nr; i++)
		if (i % SOFTDMA_QUEUES)
			rig_start_queue(&rig, i / SOFTDMA_QUEUES, i % SOFTDMA_QUEUES);
	before = cgroup_kernel();
	for (i = 0; i < nr; i++) {
		struct softdma_desc check = sdma_check(IOVA_BASE + i * PAGE, PAGE, 7, i * PAGE);

		assert_ok(sdma_submit(&rig.dma[i / SOFTDMA_QUEUES].q[i % SOFTDMA_QUEUES],
				      &check, 1));
	}
	assert_true(wait_until(rig_stats(&rig).faults_pending == nr &&
			       rig_stats(&rig).workers > nr, 60));
	/* One or two of the workers were there before. */
	assert_kernel_grows(before, nr * 3 * PAGE);
	uffd_serve(&u, 7);
	for (i = 0; i < nr; i++)
		assert_int_equal(sdma_wait(&rig.dma[i / SOFTDMA_QUEUES].q[i % SOFTDMA_QUEUES],
					   0, DMA_LIMIT_MS, NULL), SOFTDMA_OK);
	assert_true(wait_until(rig_stats(&rig).workers == 1, 120));
	assert_true(wait_until(!workers_in(CGROUP), 60));
	assert_int_equal(workers_in(CGROUP_ROOT), 1);
	/* And more come, when there is need. */
	assert_ok(madvise(p, nr * PAGE, MADV_DONTNEED));
	dev_check(&rig, IOVA_BASE, nr * PAGE, 7);
	uffd_stop(&u);
	cgroup_enter(CGROUP_ROOT);
	rig_close(&rig);
}

#define BY_CPU		.arg = &cpu
#define BY_TYPE1	.arg = &type1
#define BY_DEVICE	.arg = &device, .iopf = EXACT

/* Page tables for the CPU and for devices, and our own notes: two and more a piece. */
#define SPARSE		64ul
#define GB		(1ul << 30)

static void pays_for_page_tables(void)
{
	const unsigned long pages = SPARSE * 4;
	unsigned long long before;
	unsigned int i;
	struct rig rig;
	char *p;

	cgroup_make("max", "max");
	cgroup_enter(CGROUP);
	rig_open(&rig, 1);
	p = mmap(NULL, SPARSE * GB, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	assert_true(p != MAP_FAILED);
	rig_map(&rig, p, IOVA_BASE, SPARSE * GB);
	before = cgroup_kernel();
	for (i = 0; i < SPARSE; i++)
		dev_write(&rig, IOVA_BASE + i * GB, 8, SOFTDMA_OK);
	assert_kernel_grows(before, pages * PAGE);
	assert_ok(munmap(p, SPARSE * GB));
	rig_close(&rig);
	cgroup_enter(CGROUP_ROOT);
}

/*
 * The same where the page request handler does it, in the thread of the IOMMU's driver: the
 * CPU has a page in each 2 MiB, so devices need a page table for each.
 */
static void pays_for_what_the_handler_maps(void)
{
	const unsigned int n = GB / (2 * MB);
	struct vfio_iopf_stats before, after;
	unsigned int i;
	unsigned long long charged;
	struct rig rig;
	char *p;

	cgroup_make("max", "max");
	cgroup_enter(CGROUP);
	rig_open(&rig, 1);
	p = mmap(NULL, GB, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	assert_true(p != MAP_FAILED);
	assert_ok(madvise(p, GB, MADV_NOHUGEPAGE));
	for (i = 0; i < n; i++)
		p[i * 2 * MB] = 1;
	rig_map(&rig, p, IOVA_BASE, GB);
	before = rig_stats(&rig);
	charged = cgroup_kernel();
	for (i = 0; i < n; i++)
		dev_write(&rig, IOVA_BASE + i * 2 * MB, 8, SOFTDMA_OK);
	after = rig_stats(&rig);
	assert_true(after.groups_at_once - before.groups_at_once >= n * 9 / 10);
	assert_kernel_grows(charged, n * 9 / 10 * PAGE);
	assert_ok(munmap(p, GB));
	rig_close(&rig);
	cgroup_enter(CGROUP_ROOT);
}

static const struct suite_case cases[] = {
	CASE("R10 pages by the process's NUMA policy: CPU", placed_by_policy, BY_CPU),
	CASE("R10 pages by the process's NUMA policy: type1", placed_by_policy, BY_TYPE1),
	CASE("R10 pages by the process's NUMA policy: device", placed_by_policy, BY_DEVICE),
	CASE("R10 pages by the process's cpuset: CPU", placed_by_cpuset, BY_CPU),
	CASE("R10 pages by the process's cpuset: type1", placed_by_cpuset, BY_TYPE1),
	CASE("R10 pages by the process's cpuset: device", placed_by_cpuset, BY_DEVICE),
	CASE("R10 huge pages by the process's limit: CPU", hugetlb_limit, BY_CPU),
	CASE("R10 huge pages by the process's limit: type1", hugetlb_limit, BY_TYPE1),
	CASE("R10 huge pages by the process's limit: device", hugetlb_limit, BY_DEVICE),
	CASE("R10 huge pages by the limit, first thread gone", leader_gone),
	CASE("R10 huge pages by the limits of two processes", two_owners),
	CASE("R10 workers leave a cgroup", cgroup_is_left),
	CASE("R7 R10 a process that is frozen", process_is_frozen),
	CASE("S6 R10 processes end as a worker joins them", joining_the_dying,
	     .iopf = EXACT " max_workers=1", .limit_s = 180),
	CASE("R7 R10 workers are charged, and go when idle", workers_go, .iopf = EXACT,
	     .softdma = "devices=4", .limit_s = 300),
	CASE("R10 root's blocks are not for others: CPU", reserved_blocks, BY_CPU),
	CASE("R10 root's blocks are not for others: device", reserved_blocks, BY_DEVICE),
	CASE("R10 reads charged to the process's cgroup: CPU", reads_are_charged, BY_CPU),
	CASE("R10 reads charged to the process's cgroup: device", reads_are_charged, BY_DEVICE),
	CASE("S2 R11 page tables are charged to the process", pays_for_page_tables),
	CASE("S2 R11 those too that the handler makes", pays_for_what_the_handler_maps),
};

int main(int argc, char **argv)
{
	return SUITE(cases, argc, argv);
}
