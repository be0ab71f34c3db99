// SPDX-License-Identifier: GPL-2.0-only
/*
 * Coming and going: devices attached and detached, files closed in every order,
 * mappings ended, modules removed, all of it while the device is at work. The
 * memory under it is thrown away all the time, so that page requests are in
 * flight whenever something ends. Nothing may hang, no request stays without
 * its response (the suite looks at the IOMMU's own counters), and what is
 * opened next works.
 *
 * LANES: stock intel first-stage debug
 * CPUS: 2
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "handled.h"
#include "load.h"
#include "thrower.h"
#include "uffd.h"

#define NR_PAGES	64
#define SIZE		(NR_PAGES * PAGE)
#define IOVA_SINK	(IOVA_BASE + 64 * HUGE)

/* Give every queue of the device much to do, and don't wait for it. */
static void keep_busy(struct rig *rig, unsigned int dev)
{
	struct softdma_desc descs[32];
	unsigned int q, i;

	for (i = 0; i < 32; i++)
		descs[i] = sdma_fill(IOVA_BASE, SIZE, i, 0);
	for (q = 0; q < SOFTDMA_QUEUES; q++) {
		if (q)
			rig_start_queue(rig, dev, q);
		assert_ok(sdma_submit(&rig->dma[dev].q[q], descs, 32));
	}
}

/* The three files of a container with one device, for closing one by one. */
struct files {
	int fd[3];	/* container, group, device */
};

static struct files files_open(const char *bdf)
{
	struct files f;
	char path[128], target[128];
	ssize_t len;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu_group", bdf);
	len = readlink(path, target, sizeof(target) - 1);
	assert_true(len > 0);
	target[len] = '\0';
	snprintf(path, sizeof(path), "/dev/vfio/%.16s", strrchr(target, '/') + 1);
	f.fd[0] = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	assert_true(f.fd[0] >= 0);
	assert_true(wait_until((f.fd[1] = open(path, O_RDWR | O_CLOEXEC)) >= 0, 10));
	assert_ok(ioctl(f.fd[1], VFIO_GROUP_SET_CONTAINER, &f.fd[0]));
	assert_ok(ioctl(f.fd[0], VFIO_SET_IOMMU, VFIO_IOPF_IOMMU));
	f.fd[2] = ioctl(f.fd[1], VFIO_GROUP_GET_DEVICE_FD, bdf);
	assert_true(f.fd[2] >= 0);
	return f;
}

static void map_raw(int container, void *p, uint64_t iova, uint64_t size)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map), .flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)p, .iova = iova, .size = size,
	};

	assert_ok(ioctl(container, VFIO_IOMMU_MAP_DMA, &map));
}

/*
 * Start the device by config writes on the raw file: no library in between
 * that would close files in an order of its own.
 */
static void start_raw(const struct files *f, char *ring)
{
	struct vfio_region_info info = {
		.argsz = sizeof(info), .index = VFIO_PCI_CONFIG_REGION_INDEX,
	};
	struct { uint32_t reg, val; } writes[] = {
		{ SOFTDMA_REG_QUEUE(0) + SOFTDMA_Q_RING_LO, (uint32_t)IOVA_RINGS },
		{ SOFTDMA_REG_QUEUE(0) + SOFTDMA_Q_RING_HI, IOVA_RINGS >> 32 },
		{ SOFTDMA_REG_QUEUE(0) + SOFTDMA_Q_CTRL,
		  SOFTDMA_QC_RING_LOG2(6) | SOFTDMA_QC_ENABLE },
		{ SOFTDMA_REG_QUEUE(0) + SOFTDMA_Q_TAIL, 60 },
	};
	struct softdma_desc *desc = (struct softdma_desc *)ring;
	uint16_t cmd = 6;
	uint8_t cap;
	size_t i;

	for (i = 0; i < 60; i++)
		desc[i] = sdma_fill(IOVA_BASE, SIZE, i, 0);
	assert_ok(ioctl(f->fd[2], VFIO_DEVICE_GET_REGION_INFO, &info));
	assert_int_equal(pwrite(f->fd[2], &cmd, 2, (off_t)info.offset + 4), 2);
	assert_int_equal(pread(f->fd[2], &cap, 1, (off_t)info.offset + 0x34), 1);
	for (;;) {
		uint8_t head[4];

		assert_int_equal(pread(f->fd[2], head, 4, (off_t)(info.offset + cap)), 4);
		if (head[0] == SOFTDMA_CAP_ID && head[2] == SOFTDMA_CAP_BYTES)
			break;
		cap = head[1];
		assert_true(cap);
	}
	for (i = 0; i < ARRAY_SIZE(writes); i++)
		assert_int_equal(pwrite(f->fd[2], &writes[i].val, 4,
					(off_t)(info.offset + cap + writes[i].reg)), 4);
}

/* Memory, container, group, device: ended in each of the 24 orders. */
static void end_in_order(const int order[4])
{
	char bdfs[MAX_DEVICES][16];
	char *ring = mem_shared(PAGE), *p = mem_anon(SIZE);
	struct thrower thrower;
	struct files f;
	int i;

	devices_list(bdfs);
	f = files_open(bdfs[0]);
	map_raw(f.fd[0], ring, IOVA_RINGS, PAGE);
	map_raw(f.fd[0], p, IOVA_BASE, SIZE);
	thrower_start(&thrower, p, SIZE);
	start_raw(&f, ring);
	nap_ms(15);
	for (i = 0; i < 4; i++) {
		if (order[i] == 3) {
			thrower_stop(&thrower);
			assert_ok(munmap(p, SIZE));
		} else {
			assert_ok(close(f.fd[order[i]]));
		}
		nap_ms(2);
	}
	assert_ok(munmap(ring, PAGE));
}

static void every_order(void)
{
	unsigned int left_out = 24 / reset_rounds(24), nr = 0;
	int a, b, c;

	for (a = 0; a < 4; a++) {
		for (b = 0; b < 4; b++) {
			for (c = 0; c < 4; c++) {
				const int order[4] = { a, b, c, 6 - a - b - c };

				if (a == b || a == c || b == c || nr++ % left_out)
					continue;
				end_in_order(order);
			}
		}
	}
	rig_works(0, 1, SIZE);
}

/* The last file is closed by the exit of a process that has faults in flight. */
static void exit_at_work(void *arg)
{
	struct thrower thrower;
	struct rig rig;
	char *p = mem_anon(SIZE);

	rig_open(&rig, 1);
	rig_map(&rig, p, IOVA_BASE, SIZE);
	thrower_start(&thrower, p, SIZE);
	keep_busy(&rig, 0);
	nap_ms(10 + (unsigned int)(uintptr_t)arg);
	_exit(0);
}

static void exits(void)
{
	uintptr_t i;

	for (i = 0; i < reset_rounds(10); i++)
		child_wait(child_run(exit_at_work, (void *)i), 20);
	rig_works(0, 1, SIZE);
}

static void kills(void)
{
	uintptr_t i;

	for (i = 0; i < reset_rounds(10); i++) {
		pid_t pid = child_run(exit_at_work, (void *)(1000000 + i));

		nap_ms(150 + 5 * (unsigned int)i);
		kill(pid, SIGKILL);
		child_reap(pid, 20);
	}
	rig_works(0, 1, SIZE);
}

/* A second device comes to what the first has faulted in, and goes again. */
static void attach_and_detach(void)
{
	struct softdma_desc check = sdma_check(IOVA_BASE, SIZE, 1, 0);
	char bdfs[MAX_DEVICES][16];
	struct load load;
	struct rig rig;
	unsigned int i;
	char *p;

	devices_list(bdfs);
	rig_open(&rig, 1);
	rig_start_queue(&rig, 0, 1);
	p = mem_anon(2 * SIZE);
	rig_map(&rig, p, IOVA_BASE, 2 * SIZE);
	dev_fill(&rig, IOVA_BASE, SIZE, 1);
	load = (struct load){
		.rig = &rig, .queue = 1, .kind = LOAD_WRITE, .p = p + SIZE,
		.iova = IOVA_BASE + SIZE, .size = SIZE, .seed = 9,
	};
	load_start(&load, 0);
	for (i = 0; i < 8; i++) {
		assert_ok(viopf_group_add(rig.c, bdfs[1]));
		verify_residency();
		assert_ok(viopf_device_open(rig.c, bdfs[1], &rig.dev[1]));
		assert_ok(sdma_open(&rig.dma[1], rig.dev[1]));
		rig_start_queue(&rig, 1, 0);
		assert_int_equal(sdma_do(&rig.dma[1].q[0], &check, DMA_LIMIT_MS), SOFTDMA_OK);
		assert_int_equal(check.result, 0);
		load_progress(&load, 2);
		viopf_device_close(rig.dev[1]);
		assert_ok(viopf_group_remove(rig.c, bdfs[1]));
		verify_residency();
		load_progress(&load, 2);
		check = sdma_check(IOVA_BASE, SIZE, 1, 0);
	}
	load_stop(&load);
	dev_check(&rig, IOVA_BASE, SIZE, 1);
	rig_close(&rig);
}

/* After viopf_unmap() returned, the memory is the CPU's alone. */
static void unmap_at_work(void)
{
	struct thrower thrower;
	struct load load;
	struct rig rig;
	unsigned int i;
	char *p;

	rig_open(&rig, 1);
	rig_start_queue(&rig, 0, 1);
	p = mem_anon(SIZE);
	rig_map(&rig, p, IOVA_BASE, SIZE);
	load = (struct load){
		.rig = &rig, .queue = 1, .kind = LOAD_REWRITE, .tolerate = LOAD_MAY_BE_INVALID,
		.p = p, .iova = IOVA_BASE, .size = SIZE, .seed = 9,
	};
	load_start(&load, 0);
	for (i = 0; i < rounds(40); i++) {
		uint64_t unmapped;

		thrower_start(&thrower, p, SIZE);
		load_progress(&load, 1);
		assert_ok(viopf_unmap(rig.c, IOVA_BASE, SIZE, &unmapped));
		assert_int_equal(unmapped, SIZE);
		thrower_stop(&thrower);
		sdma_pattern_fill(p, SIZE, 3, 0);
		nap_ms(2);
		cpu_check(p, SIZE, 3);
		rig_map(&rig, p, IOVA_BASE, SIZE);
	}
	load_stop(&load);
	rig_close(&rig);
}

/* The responses are still on their way when the container goes. */
static void close_before_the_response(void)
{
	struct rig rig;
	int i;
	char *p;

	softiommu_set("response_delay_us", "20000\n");
	softiommu_set("report_delay_us", "3000\n");
	for (i = 0; i < 6; i++) {
		p = mem_anon(SIZE);
		rig_open(&rig, 1);
		rig_map(&rig, p, IOVA_BASE, SIZE);
		keep_busy(&rig, 0);
		nap_ms(5 * (unsigned int)i);
		rig_close(&rig);
		munmap(p, SIZE);
	}
	softiommu_set("reset_knobs", "1\n");
	rig_works(0, 1, SIZE);
}

static void bus_master_and_reset(void)
{
	struct thrower thrower;
	struct rig rig;
	unsigned int i;
	char *p = mem_anon(SIZE);

	rig_open(&rig, 1);
	rig_map(&rig, p, IOVA_BASE, SIZE);
	for (i = 0; i < reset_rounds(10); i++) {
		thrower_start(&thrower, p, SIZE);
		keep_busy(&rig, 0);
		nap_ms(5);
		if (i % 2)
			assert_ok(viopf_bus_master(rig.dev[0], 0));
		else
			assert_ok(viopf_reset(rig.dev[0]));
		thrower_stop(&thrower);
		sdma_pattern_fill(p, SIZE, 3, 0);
		nap_ms(2);
		cpu_check(p, SIZE, 3);
		assert_ok(viopf_reset(rig.dev[0]));
		assert_ok(sdma_open(&rig.dma[0], rig.dev[0]));
		rig_start_queue(&rig, 0, 0);
		dev_check(&rig, IOVA_BASE, SIZE, 3);
	}
	rig_close(&rig);
}

static void rmmod_in_use(void)
{
	struct rig rig;
	char *p = mem_anon(SIZE);

	rig_open(&rig, 1);
	rig_map(&rig, p, IOVA_BASE, SIZE);
	dev_fill(&rig, IOVA_BASE, SIZE, 1);
	assert_int_equal(module_remove("vfio_iommu_iopf"), -EAGAIN);
	if (hardware_is_soft())
		assert_int_equal(module_remove("softiommu"), -EAGAIN);
	dev_check(&rig, IOVA_BASE, SIZE, 1);
	rig_close(&rig);
}

/* A call that sleeps in a userfaultfd's memory, and then goes on with its container. */
struct sleeper {
	struct rig *rig;
	char *p;		/* memory that nobody delivers yet */
	int (*call)(struct sleeper *s);
	int ret;
	pthread_t thread;
};

static int sleep_in_prefetch(struct sleeper *s)
{
	return viopf_advise(s->rig->c, VFIO_IOPF_ADV_PREFETCH_READ, IOVA_SINK, SIZE, NULL);
}

static int sleep_in_residency(struct sleeper *s)
{
	return viopf_residency(s->rig->c, IOVA_BASE, SIZE, (unsigned char *)s->p);
}

static int sleep_in_dirty_get(struct sleeper *s)
{
	struct {
		struct vfio_iommu_type1_dirty_bitmap dirty;
		struct vfio_iommu_type1_dirty_bitmap_get get;
	} arg = {
		.dirty.argsz = sizeof(arg),
		.dirty.flags = VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP,
		.get = { .iova = IOVA_BASE, .size = SIZE, .bitmap = {
			.pgsize = PAGE, .size = 8, .data = (__u64 *)(void *)s->p,
		} },
	};

	/* The library touches the bitmap itself first. */
	return ioctl(viopf_container_fd(s->rig->c), VFIO_IOMMU_DIRTY_PAGES, &arg);
}

static void *sleeper_main(void *arg)
{
	struct sleeper *s = arg;

	s->ret = s->call(s);
	return NULL;
}

/* Whatever the call finds when it wakes, it is not what has been opened since. */
static void joined_elsewhere(struct rig *rig, int *found)
{
	char *p = mem_anon(SIZE);

	assert_ok(viopf_group_add(rig->c, rig->bdf[0]));
	assert_ok(viopf_set_iommu(rig->c, VFIO_IOPF_IOMMU));
	rig_map(rig, p, IOVA_BASE, SIZE);
	*found = (int)rig_stats(rig).segments;
}

/*
 * The last group leaves while a call sleeps: VFIO releases the container, and lets go of
 * the module, but the call still has both. Then the group comes back.
 */
static void released_under_a_call(void)
{
	int (*const calls[])(struct sleeper *) = {
		sleep_in_prefetch, sleep_in_residency, sleep_in_dirty_get,
	};
	struct sleeper s = { .call = calls[*(const int *)case_arg()] };
	struct rig rig;
	struct uffd u;
	char *p = mem_anon(SIZE), *asked;
	int segments;

	rig_open(&rig, 1);
	s.rig = &rig;
	s.p = mem_anon(SIZE);
	rig_map(&rig, p, IOVA_BASE, SIZE);
	rig_map(&rig, s.p, IOVA_SINK, SIZE);
	dev_fill(&rig, IOVA_BASE, SIZE, 1);
	assert_ok(viopf_dirty_start(rig.c));
	uffd_register(&u, uffd_open(), s.p, SIZE, 0);
	u.seed = 3;
	assert_ok(sdma_queue_stop(&rig.dma[0], 0));
	viopf_device_close(rig.dev[0]);

	assert_ok(pthread_create(&s.thread, NULL, sleeper_main, &s));
	asked = uffd_next(&u, 30);
	assert_ok(viopf_group_remove(rig.c, rig.bdf[0]));
	assert_int_equal(module_remove("vfio_iommu_iopf"), -EAGAIN);
	joined_elsewhere(&rig, &segments);

	uffd_serve(&u, 3);
	uffd_deliver(&u, asked);
	assert_ok(pthread_join(s.thread, NULL));
	uffd_stop(&u);
	assert_int_equal(rig_stats(&rig).segments, segments);
	assert_int_equal(rig_stats(&rig).resident_pages, 0);
	if (s.call == sleep_in_prefetch)
		assert_int_equal(s.ret, -ENOENT);
	assert_ok(viopf_group_remove(rig.c, rig.bdf[0]));
	assert_int_equal(module_remove("vfio_iommu_iopf"), 0);
	assert_int_equal(module_insert("vfio_iommu_iopf", NULL), 0);
}

/* The module goes as soon as it may, with what the last close left to be freed. */
static void remove_at_once(void)
{
	unsigned int i;

	for (i = 0; i < rounds(30); i++) {
		rig_works(0, 1, SIZE);
		assert_int_equal(module_remove("vfio_iommu_iopf"), 0);
		assert_int_equal(module_insert("vfio_iommu_iopf", NULL), 0);
	}
}

static void reload(void)
{
	int i;

	for (i = 0; i < 5; i++) {
		rig_works(0, 1, SIZE);
		assert_int_equal(module_remove("vfio_iommu_iopf"), 0);
		assert_int_equal(module_insert("vfio_iommu_iopf", NULL), 0);
	}
	rig_works(0, 2, SIZE);
}

#define NR_SEGMENTS	8192ul
#define SEGMENT		(64ul << 20)
#define IOVA_LIST	0x20000000ull
#define IOVA_TO		0x30000000ull

/* A word in each segment of half a TiB; the modules' end waits for what is freed late. */
static void many_segments(void)
{
	size_t list_size = NR_SEGMENTS * sizeof(struct softdma_sg);
	struct softdma_sg *list = mem_shared(list_size);
	struct softdma_desc desc;
	unsigned long i;
	struct rig rig;
	char *p, *to;

	rig_open(&rig, 1);
	to = mem_shared(NR_SEGMENTS * 8);
	p = mmap(NULL, NR_SEGMENTS * SEGMENT, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	assert_true(p != MAP_FAILED);
	for (i = 0; i < NR_SEGMENTS; i++)
		list[i] = (struct softdma_sg){ IOVA_BASE + i * SEGMENT, 8 };
	rig_map(&rig, list, IOVA_LIST, list_size);
	rig_map(&rig, to, IOVA_TO, NR_SEGMENTS * 8);
	rig_map(&rig, p, IOVA_BASE, NR_SEGMENTS * SEGMENT);
	/* In parts, each of which a slow kernel has done in time. */
	for (i = 0; i < NR_SEGMENTS; i += 512) {
		desc = sdma_sg(IOVA_TO, IOVA_LIST + i * sizeof(*list), 512, 512 * 8);
		rig_do(&rig, &desc, SOFTDMA_OK);
	}
	assert_true(rig_stats(&rig).segments > NR_SEGMENTS);
	assert_ok(viopf_unmap(rig.c, IOVA_BASE, NR_SEGMENTS * SEGMENT, NULL));
	assert_true(rig_stats(&rig).segments < 8);
	rig_close(&rig);
}

/*
 * The device goes while workers have its requests, on their way to user space: while those
 * which wait there already are answered, no other may come to wait.
 */
#define CROWD		500
#define IOVA_CROWD	(IOVA_BASE + HUGE)
#define CROWD_SIZE	(CROWD * PAGE)

static void crowd_asks(struct handled *h)
{
	struct softdma_request *list = mem_anon(2 * PAGE);
	struct softdma_desc desc = sdma_request(IOVA_LIST, CROWD);
	uint64_t before;
	unsigned int i;

	for (i = 0; i < CROWD; i++)
		list[i] = (struct softdma_request){
			IOVA_CROWD + i * PAGE, SOFTDMA_RQ_READ | SOFTDMA_RQ_LAST, i,
		};
	rig_map(&h->rig, list, IOVA_LIST, 2 * PAGE);
	dev_read(&h->rig, IOVA_LIST, 2 * PAGE, SOFTDMA_OK);
	softiommu_set("report_delay_us", "200000\n");
	before = softiommu_stat("prq_groups");
	assert_ok(sdma_submit(&h->rig.dma[1].q[0], &desc, 1));
	assert_true(wait_until(softiommu_stat("prq_groups") - before >= CROWD, 30));
}

static void detached_in_a_crowd(void)
{
	/* Newer kernels take a device that is reset away from us first: few come through. */
	const unsigned int step = lane_is("stock") ? 10 : 0;
	struct vfio_iopf_stats s;
	struct handled h;
	unsigned int i;

	for (i = 0; i < rounds(8); i++) {
		handled_open(&h, 2);
		assert_ok(viopf_map(h.rig.c, mem_anon(CROWD_SIZE), IOVA_CROWD, CROWD_SIZE,
				    HANDLED_RIGHTS));
		crowd_asks(&h);
		viopf_device_close(h.rig.dev[1]);
		assert_true(wait_until(rig_stats(&h.rig).faults_waiting >= (i + 1) * step, 30));
		assert_ok(viopf_group_remove(h.rig.c, h.rig.bdf[1]));
		s = rig_stats(&h.rig);
		assert_int_equal(s.faults_pending, 0);
		assert_int_equal(s.faults_waiting, 0);
		assert_int_equal(s.groups, s.resp_success + s.resp_invalid + s.resp_failure);
		/* No counter is reset: the IOMMU may still be answering what it had in line. */
		softiommu_set("report_delay_us", "0\n");
		h.rig.nr = 1;
		handled_close(&h);
	}
}

static const struct suite_case cases[] = {
	CASE("S6 R8 R9 files closed in every order during DMA", every_order),
	CASE("S6 R8 exit during DMA", exits),
	CASE("S6 R8 SIGKILL during DMA", kills),
	CASE("S8 R9 attach and detach during DMA, one domain", attach_and_detach,
	     .softdma = "devices=2"),
	CASE("S8 R9 attach and detach during DMA, two domains", attach_and_detach,
	     TWO_IOMMUS),
	CASE("S6 R8 unmap during DMA", unmap_at_work),
	CASE("S6 R8 close with responses on their way", close_before_the_response, .soft = 1),
	CASE("S6 reset and bus master during DMA", bus_master_and_reset),
	CASE("R8 S11 thousands of segments end", many_segments, .limit_s = 400),
	CASE("R9 rmmod is refused while in use", rmmod_in_use),
	CASE("R8 R9 released under a prefetch", released_under_a_call, .arg = &(const int){ 0 }),
	CASE("R8 R9 released under a look at residency", released_under_a_call,
	     .arg = &(const int){ 1 }),
	CASE("R8 R9 released under a look at dirty pages", released_under_a_call,
	     .arg = &(const int){ 2 }),
	CASE("R9 the module is removed right after a close", remove_at_once, .limit_s = 300),
	CASE("R9 modules can be removed and loaded again", reload, .softdma = "devices=2"),
	CASE("S13 S6 R8 detached while many are about to wait", detached_in_a_crowd, .iopf = EXACT,
	     .soft = 1, .limit_s = 200),
};

int main(int argc, char **argv)
{
	return SUITE(cases, argc, argv);
}
