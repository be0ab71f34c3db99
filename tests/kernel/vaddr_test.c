// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mappings whose address is being updated, with devices at work: faults wait for the
 * new address, evictions wait for nothing, and no byte is lost, not even when the
 * client execs itself in between.
 *
 * The memory is a memfd, mapped twice: "here", and "there" where it is to be next.
 *
 * LANES: stock intel uml-debug
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "load.h"
#include "locking.h"
#include "moving.h"
#include "uffd.h"

#define IOVA_SINK	0x800000000ull

static int call_map(struct rig *rig, uint32_t flags, void *p, uint64_t iova, uint64_t size)
{
	return viopf_map(rig->c, p, iova, size, flags);
}

static int call_unmap(struct rig *rig, uint32_t flags, uint64_t iova, uint64_t size,
		      uint64_t *bytes)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap), .flags = flags, .iova = iova, .size = size,
	};

	if (ioctl(viopf_container_fd(rig->c), VFIO_IOMMU_UNMAP_DMA, &unmap))
		return -errno;
	*bytes = unmap.size;
	return 0;
}

#define VADDR_MAP	VFIO_DMA_MAP_FLAG_VADDR
#define VADDR_UNMAP	VFIO_DMA_UNMAP_FLAG_VADDR

static void as_type1_answers(void)
{
	const uint64_t next = IOVA_BASE + HUGE;
	uint64_t bytes = 1;
	struct moving m;

	moving_open_as(&m, *(const unsigned long *)case_arg());
	rig_map(&m.rig, m.there, next, SIZE);
	assert_true(viopf_check_extension(m.rig.c, VFIO_UPDATE_VADDR) > 0);

	/* Nothing waits yet. */
	assert_int_equal(call_map(&m.rig, VADDR_MAP, m.there, IOVA_BASE, SIZE), -EINVAL);
	assert_int_equal(call_map(&m.rig, VADDR_MAP, m.there, next + HUGE, SIZE), -ENOENT);
	assert_int_equal(call_map(&m.rig, VADDR_MAP | VIOPF_READ, m.there, IOVA_BASE, SIZE),
			 -EINVAL);
	assert_int_equal(call_unmap(&m.rig, VADDR_UNMAP, IOVA_BASE, PAGE, &bytes), -EINVAL);
	assert_int_equal(call_unmap(&m.rig, VADDR_UNMAP, IOVA_BASE, 0, &bytes), -EINVAL);
	assert_int_equal(call_unmap(&m.rig, VADDR_UNMAP | VFIO_DMA_UNMAP_FLAG_ALL, IOVA_BASE, 0,
				    &bytes), -EINVAL);
	assert_int_equal(call_unmap(&m.rig, VADDR_UNMAP, next + HUGE, SIZE, &bytes), 0);
	assert_int_equal(bytes, 0);

	/* One waits: the other may not begin along with it, and doesn't. */
	assert_int_equal(call_unmap(&m.rig, VADDR_UNMAP, next, SIZE, &bytes), 0);
	assert_int_equal(bytes, SIZE);
	assert_int_equal(call_unmap(&m.rig, VADDR_UNMAP, next, SIZE, &bytes), -EINVAL);
	assert_int_equal(call_unmap(&m.rig, VADDR_UNMAP | VFIO_DMA_UNMAP_FLAG_ALL, 0, 0, &bytes),
			 -EINVAL);
	assert_int_equal(call_map(&m.rig, VADDR_MAP, m.there, IOVA_BASE, SIZE), -EINVAL);

	assert_int_equal(call_map(&m.rig, VADDR_MAP, m.here, next, PAGE), -EINVAL);
	assert_int_equal(call_map(&m.rig, VADDR_MAP, m.here, next + PAGE, SIZE - PAGE), -EINVAL);
	assert_int_equal(call_map(&m.rig, VADDR_MAP, m.here, next, 2 * SIZE), -EINVAL);
	assert_int_equal(call_map(&m.rig, VADDR_MAP, m.here, next, 0), -EINVAL);
	assert_int_equal(call_map(&m.rig, VADDR_MAP, m.here + 1, next, SIZE), -EINVAL);
	assert_int_equal(call_map(&m.rig, VIOPF_READ, m.here, next, SIZE), -EEXIST);
	assert_int_equal(call_map(&m.rig, VADDR_MAP, m.here, next, SIZE), 0);
	assert_int_equal(call_map(&m.rig, VADDR_MAP, m.here, next, SIZE), -EINVAL);

	/* All, and one that is unmapped while it waits. */
	assert_int_equal(call_unmap(&m.rig, VADDR_UNMAP | VFIO_DMA_UNMAP_FLAG_ALL, 0, 0, &bytes),
			 0);
	assert_true(bytes >= 2 * SIZE);
	assert_int_equal(call_map(&m.rig, VADDR_MAP, m.there, IOVA_BASE, SIZE), 0);
	assert_int_equal(call_unmap(&m.rig, 0, next, SIZE, &bytes), 0);
	assert_int_equal(call_map(&m.rig, VADDR_MAP, m.here, next, SIZE), -ENOENT);
	assert_int_equal(call_map(&m.rig, VADDR_MAP, m.rig.rings, IOVA_RINGS,
				  RIG_DEVICES * SOFTDMA_QUEUES * PAGE), 0);
	dev_check(&m.rig, IOVA_BASE, SIZE, 1);
	rig_close(&m.rig);
}

static void no_group_meanwhile(void)
{
	char bdfs[MAX_DEVICES][16];
	struct moving m;

	devices_list(bdfs);
	moving_open_as(&m, *(const unsigned long *)case_arg());
	leave(&m);
	assert_int_equal(viopf_group_add(m.rig.c, bdfs[1]), -EBUSY);
	arrive(&m);
	assert_ok(viopf_group_add(m.rig.c, bdfs[1]));
	assert_ok(viopf_group_remove(m.rig.c, bdfs[1]));
	rig_close(&m.rig);
}

static void faults_wait(void)
{
	struct vfio_iopf_stats before;
	struct moving m;

	moving_open(&m);
	dev_check(&m.rig, IOVA_BASE, PAGE, 1);
	before = rig_stats(&m.rig);
	leave(&m);
	/* What devices could reach they still can. */
	dev_check(&m.rig, IOVA_BASE, PAGE, 1);
	assert_grew(&m.rig, before, groups, 0);
	look(&m, 1, 1);
	look(&m, 2, 2);
	waiting(&m, 2);
	assert_pending(&m.rig, 2);
	assert_grew(&m.rig, before, faults_user, 0);
	assert_int_equal(viopf_disable(m.rig.c), -EBUSY);
	assert_int_equal(viopf_advise(m.rig.c, VFIO_IOPF_ADV_PREFETCH_READ, IOVA_BASE, SIZE, NULL),
			 -EBUSY);
	assert_int_equal(viopf_advise(m.rig.c, VFIO_IOPF_ADV_PIN, IOVA_BASE, SIZE, NULL), -EBUSY);
	assert_ok(munmap(m.here, SIZE));
	arrive(&m);
	look_ends(&m, 1, SOFTDMA_OK);
	look_ends(&m, 2, SOFTDMA_OK);
	assert_grew(&m.rig, before, faults_waiting, 0);
	assert_grew(&m.rig, before, resp_success, 2);
	assert_grew(&m.rig, before, resp_invalid, 0);
	dev_check(&m.rig, IOVA_BASE, SIZE, 1);
	dev_fill(&m.rig, IOVA_BASE, SIZE, 2);
	cpu_check(m.there, SIZE, 2);
	moving_close(&m);
}

static void evictions_do_not(void)
{
	struct vfio_iopf_stats before;
	struct moving m;
	double start;

	moving_open(&m);
	dev_check(&m.rig, IOVA_BASE, SIZE / 2, 1);
	leave(&m);
	look(&m, 1, NR_PAGES - 1);
	waiting(&m, 1);
	before = rig_stats(&m.rig);
	start = now_s();
	assert_ok(madvise(m.here, SIZE, MADV_DONTNEED));
	assert_at_once(start);
	assert_grew(&m.rig, before, evictions, 1);
	assert_grew(&m.rig, before, pages_evicted, NR_PAGES / 2);
	/* And what went now waits, too. */
	look(&m, 2, 0);
	waiting(&m, 2);
	arrive(&m);
	look_ends(&m, 1, SOFTDMA_OK);
	look_ends(&m, 2, SOFTDMA_OK);
	moving_close(&m);
}

static void unmapped_while_waiting(void)
{
	struct moving m;
	double start;

	moving_open(&m);
	leave(&m);
	look(&m, 1, 0);
	waiting(&m, 1);
	start = now_s();
	assert_ok(viopf_unmap(m.rig.c, IOVA_BASE, SIZE, NULL));
	assert_at_once(start);
	look_ends(&m, 1, SOFTDMA_FAULT_INVALID);
	rig_map(&m.rig, m.there, IOVA_BASE, SIZE);
	dev_check(&m.rig, IOVA_BASE, SIZE, 1);

	/* Closed: nobody waits for an address that never comes. */
	leave(&m);
	look(&m, 1, 0);
	start = now_s();
	viopf_device_close(m.rig.dev[0]);
	viopf_container_close(m.rig.c);
	assert_at_once(start);
	rig_open(&m.rig, 1);
	rig_close(&m.rig);
}

/* A fault that is blocked at the old address goes on at the new one. */
static void blocked_at_the_old_address(void)
{
	struct softdma_desc check = sdma_check(IOVA_BASE, PAGE, 41, 0);
	struct moving m;
	struct uffd u;
	char *slow;

	moving_open(&m);
	assert_ok(viopf_unmap(m.rig.c, IOVA_BASE, SIZE, NULL));
	slow = mem_anon(SIZE);
	uffd_register(&u, uffd_open(), slow, SIZE, 0);
	rig_map(&m.rig, slow, IOVA_BASE, SIZE);
	assert_ok(sdma_submit(&m.rig.dma[0].q[1], &check, 1));
	assert_ptr_equal(uffd_next(&u, 30), slow);
	leave(&m);
	waiting(&m, 1);
	sdma_pattern_fill(m.there, SIZE, 41, 0);
	arrive(&m);
	look_ends(&m, 1, SOFTDMA_OK);
	moving_close(&m);
}

/* Another process takes pinned memory over: it pays, and DMA notices nothing. */
struct heir {
	struct moving *m;
	int tell, listen;
	size_t limit;
	int want;
};

static void inherit(void *arg)
{
	struct heir *h = arg;
	char ch;

	if (h->limit)
		limit_locking(h->limit);
	assert_int_equal(viopf_map_vaddr(h->m->rig.c, h->m->there, IOVA_BASE, SIZE), h->want);
	assert_int_equal(status_kb("VmLck"), h->want ? 0 : SIZE_KB);
	assert_int_equal(write(h->tell, "", 1), 1);
	assert_int_equal(read(h->listen, &ch, 1), 1);
	assert_int_equal(status_kb("VmLck"), 0);
}

static void pinned_changes_hands(void)
{
	struct vfio_iopf_stats before;
	int told[2], tell[2];
	struct moving m;
	struct heir h;
	long locked;
	pid_t pid;
	char ch;

	moving_open(&m);
	assert_ok(viopf_disable(m.rig.c));
	locked = status_kb("VmLck");
	assert_ok(pipe(told));
	assert_ok(pipe(tell));
	before = rig_stats(&m.rig);
	leave(&m);
	dev_fill(&m.rig, IOVA_BASE, SIZE, 2);

	/* Not for one who may not lock so much: nothing changes. */
	h = (struct heir){ .m = &m, .tell = told[1], .listen = tell[0],
			   .limit = SIZE / 2, .want = -ENOMEM };
	pid = child_run(inherit, &h);
	assert_int_equal(read(told[0], &ch, 1), 1);
	assert_int_equal(write(tell[1], "", 1), 1);
	child_wait(pid, 30);
	assert_int_equal(status_kb("VmLck"), locked);

	h.limit = 0;
	h.want = 0;
	pid = child_run(inherit, &h);
	assert_int_equal(read(told[0], &ch, 1), 1);
	assert_int_equal(status_kb("VmLck"), locked - SIZE_KB);
	dev_check(&m.rig, IOVA_BASE, SIZE, 2);
	dev_fill(&m.rig, IOVA_BASE, SIZE, 3);
	cpu_check(m.here, SIZE, 3);
	assert_grew(&m.rig, before, groups, 0);
	assert_grew(&m.rig, before, pinned_pages, 0);
	assert_grew(&m.rig, before, segments, 0);
	verify_residency();

	assert_ok(viopf_enable(m.rig.c));
	assert_int_equal(status_kb("VmLck"), 0);
	dev_check(&m.rig, IOVA_BASE, SIZE, 3);
	assert_int_equal(write(tell[1], "", 1), 1);
	child_wait(pid, 30);
	/* Gone with it: what is faulted in now is in nobody's memory. */
	dev_read(&m.rig, IOVA_BASE, PAGE, SOFTDMA_FAULT_INVALID);
	moving_close(&m);
}

static void dirty_pages_stay_dirty(void)
{
	uint64_t bitmap[VIOPF_DIRTY_WORDS(SIZE)] = { 0 };
	struct moving m;

	moving_open(&m);
	assert_ok(viopf_dirty_start(m.rig.c));
	dev_fill(&m.rig, IOVA_BASE + 3 * PAGE, PAGE, 2);
	leave(&m);
	arrive(&m);
	dev_fill(&m.rig, IOVA_BASE + 5 * PAGE, PAGE, 2);
	assert_ok(viopf_dirty_get(m.rig.c, IOVA_BASE, SIZE, bitmap));
	assert_int_equal(bitmap[0], 1 << 3 | 1 << 5);
	moving_close(&m);
}

/* Back and forth with the device at work; the CPU looks at it from a third place. */
static void back_and_forth(void)
{
	struct load reader, writer;
	unsigned int i;
	struct moving m;
	char *p, *tmp;

	moving_open(&m);
	p = mem_file(m.memfd, SIZE, MAP_SHARED);
	reader = (struct load) {
		.rig = &m.rig, .queue = 1, .kind = LOAD_CHECK, .p = p,
		.iova = IOVA_BASE, .size = SIZE / 2, .seed = 1,
	};
	writer = (struct load) {
		.rig = &m.rig, .queue = 2, .kind = LOAD_WRITE, .p = p + SIZE / 2,
		.iova = IOVA_BASE + SIZE / 2, .size = SIZE / 2, .seed = 9,
	};
	load_start(&reader, IOVA_SINK);
	load_start(&writer, IOVA_SINK + HUGE);
	for (i = 0; i < 10; i++) {
		load_progress(&reader, 1);
		leave(&m);
		if (i % 2)
			assert_ok(madvise(m.here, SIZE, MADV_DONTNEED));
		arrive(&m);
		tmp = m.here;
		m.here = m.there;
		m.there = tmp;
	}
	load_progress(&writer, 2);
	load_stop(&reader);
	load_stop(&writer);
	moving_close(&m);
}

/*
 * A client that execs itself. What it is, before and after, is told by EXEC_ENV: the
 * descriptors of the container and of the memory. The ring is in the memory as well,
 * so all that the device reaches is updated, under work that was begun before.
 */
#define EXEC_ENV	"VIOPF_VADDR_EXEC"
#define EXEC_CHUNKS	32
#define EXEC_CHUNK	(32 * PAGE)
#define EXEC_SIZE	(PAGE + EXEC_CHUNKS * EXEC_CHUNK)

static void keep_all_files(void)
{
	int fd;

	for (fd = 3; fd < 256; fd++)
		fcntl(fd, F_SETFD, 0);
}

static void exec_client(void *arg)
{
	char bdfs[MAX_DEVICES][16], value[64];
	struct softdma_desc fill[EXEC_CHUNKS];
	const char *bdf = bdfs[0];
	struct rig rig = { .nr = 1 };
	int memfd, i;
	char *p;

	(void)arg;
	devices_list(bdfs);
	memfd = memfd_new(EXEC_SIZE, 0);
	p = mem_file(memfd, EXEC_SIZE, MAP_SHARED);
	assert_ok(viopf_container_open(&rig.c, &bdf, 1, VFIO_IOPF_IOMMU));
	rig_map(&rig, p, IOVA_BASE, EXEC_SIZE);
	assert_ok(viopf_device_open(rig.c, bdf, &rig.dev[0]));
	assert_ok(sdma_open(&rig.dma[0], rig.dev[0]));
	assert_ok(sdma_queue_start(&rig.dma[0], 0, p, IOVA_BASE, 6));
	for (i = 0; i < EXEC_CHUNKS; i++)
		fill[i] = sdma_fill(IOVA_BASE + PAGE + i * EXEC_CHUNK, EXEC_CHUNK, 100 + i, 0);
	assert_ok(sdma_submit(&rig.dma[0].q[0], fill, EXEC_CHUNKS / 2));
	assert_ok(viopf_unmap_vaddr(rig.c, IOVA_BASE, EXEC_SIZE));
	/* These find nothing resident, so they are under way when we are gone. */
	assert_ok(sdma_submit(&rig.dma[0].q[0], fill + EXEC_CHUNKS / 2, EXEC_CHUNKS / 2));
	keep_all_files();
	snprintf(value, sizeof(value), "%d %d", viopf_container_fd(rig.c), memfd);
	setenv(EXEC_ENV, value, 1);
	execl("/proc/self/exe", "vaddr_test", NULL);
	fail_msg("no exec: %s", strerror(errno));
}

static int exec_stats(int container, struct vfio_iopf_stats *stats)
{
	memset(stats, 0, sizeof(*stats));
	stats->argsz = sizeof(*stats);
	return ioctl(container, VFIO_IOPF_STATS, stats);
}

static int exec_waits(int container)
{
	struct vfio_iopf_stats stats;

	return !exec_stats(container, &stats) && stats.faults_waiting;
}

static void exec_check(int cond, const char *what)
{
	if (cond)
		return;
	fprintf(stderr, "after exec: not %s (errno %d)\n", what, errno);
	_exit(1);
}

#define exec_need(cond)	exec_check(!!(cond), #cond)

static int exec_again(const char *value)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map), .flags = VADDR_MAP, .iova = IOVA_BASE, .size = EXEC_SIZE,
	};
	volatile struct softdma_desc *ring;
	struct vfio_iopf_stats stats;
	int container, memfd, i;
	char *p;

	exec_need(sscanf(value, "%d %d", &container, &memfd) == 2);
	/* The old memory is gone, and the device waits for the new. */
	exec_need(wait_until(exec_waits(container), 30));
	mem_anon(HUGE);
	p = mmap(NULL, EXEC_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);
	exec_need(p != MAP_FAILED);
	ring = (void *)p;
	exec_need(ring[EXEC_CHUNKS - 1].status == SOFTDMA_PENDING);
	map.vaddr = (uintptr_t)p;
	exec_need(!ioctl(container, VFIO_IOMMU_MAP_DMA, &map));
	exec_need(wait_until(ring[EXEC_CHUNKS - 1].status != SOFTDMA_PENDING, 60));
	for (i = 0; i < EXEC_CHUNKS; i++) {
		exec_need(ring[i].status == SOFTDMA_OK);
		exec_need(!sdma_pattern_check(p + PAGE + i * EXEC_CHUNK, EXEC_CHUNK, 100 + i, 0));
	}
	exec_need(!exec_stats(container, &stats));
	exec_need(!stats.faults_waiting && !stats.resp_invalid && !stats.resp_failure);
	return 0;
}

static void client_execs(void)
{
	child_wait(child_run(exec_client, NULL), 80);
}

static const unsigned long iopf = VFIO_IOPF_IOMMU, type1 = VFIO_TYPE1v2_IOMMU;

static const struct suite_case cases[] = {
	CASE("S7 errors and sizes, by the product", as_type1_answers, .arg = &iopf),
	CASE("S7 errors and sizes, by type1 itself", as_type1_answers, .arg = &type1),
	CASE("S7 no group comes meanwhile, by the product", no_group_meanwhile, .arg = &iopf,
	     .softdma = "devices=2"),
	CASE("S7 no group comes meanwhile, by type1 itself", no_group_meanwhile, .arg = &type1,
	     .softdma = "devices=2"),
	CASE("S7 S6 faults wait for the new address, and go on", faults_wait, .iopf = EXACT),
	CASE("S7 R5 evictions don't wait", evictions_do_not, .iopf = EXACT),
	CASE("S7 S6 unmapped and closed while faults wait", unmapped_while_waiting,
	     .iopf = EXACT),
	CASE("S7 S6 a fault blocked at the old address", blocked_at_the_old_address,
	     .iopf = EXACT),
	CASE("S7 R11 pinned memory changes hands", pinned_changes_hands, .iopf = EXACT),
	CASE("S7 R13 dirty pages stay dirty", dirty_pages_stay_dirty, .iopf = EXACT),
	CASE("S7 S1 back and forth during DMA", back_and_forth),
	CASE("S7 a client execs itself during DMA", client_execs, .iopf = EXACT),
};

int main(int argc, char **argv)
{
	const char *value = getenv(EXEC_ENV);

	return value ? exec_again(value) : SUITE(cases, argc, argv);
}
