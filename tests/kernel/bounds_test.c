// SPDX-License-Identifier: GPL-2.0-only
/*
 * What one container can cost the host (docs/bounds.md): kernel memory is charged to who has
 * it, and no more than so much a piece; what user space or a device can make many of has a
 * limit, and the answer beyond it is true; and however many there are, nobody has the CPU for
 * so long that Linux calls it a lockup, after 10 s here (watchdog_thresh=5), which is a splat.
 *
 * With preempt=none, where the kernel keeps the CPU until it says otherwise. That it does say so
 * is shown by who else runs meanwhile, on the same CPU: see struct onlooker.
 *
 * SLUB's checks are off, as they change what a piece takes.
 *
 * VM: --mem 2G --append preempt=none --append watchdog_thresh=5 --append slab_debug=-
 * LANES: stock
 * CPUS: 2
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <linux/vfio.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fuse.h"
#include "mdev.h"
#include "rig.h"

#define SEGMENT		(64ul << 20)
#define GIB		(1ul << 30)
#define TIB		(1ul << 40)

/* What a piece may cost, in bytes; docs/bounds.md says what it does. */
#define MAPPING_BYTES	320
#define SEGMENT_BYTES	10240	/* with 4096 of the IOMMU's page table */
#define CONTAINER_BYTES	32768
#define READER_BYTES	3072

#define READERS		64

static void enter_cgroup(void)
{
	cgroup_make("max", "max");
	cgroup_enter(CGROUP);
}

/* What @n pieces cost that were made since @before: something each, and not more than @most. */
static void assert_cost(const char *what, unsigned long long before, unsigned long n,
			unsigned long least, unsigned long most)
{
	unsigned long each = (unsigned long)(cgroup_kernel() - before) / n;

	/* KASAN has more for each, most of all for what is small. */
	if (lane_is("debug"))
		most *= 4;
	printf("# %lu %s: %lu bytes each\n", n, what, each);
	assert_in_range(each, least, most);
}

/* Files of that pattern whose text begins like this. */
static unsigned int files_that_begin(const char *pattern, const char *text)
{
	unsigned int n = 0;
	char found_text[64];
	glob_t found;
	size_t i;

	assert_ok(glob(pattern, GLOB_NOSORT, NULL, &found));
	for (i = 0; i < found.gl_pathc; i++)
		n += !file_read(found.gl_pathv[i], found_text, sizeof(found_text)) &&
		     !strncmp(found_text, text, strlen(text));
	globfree(&found);
	return n;
}

/* How many threads does the module have? */
static unsigned int threads(void)
{
	return files_that_begin("/proc/[0-9]*/comm", "viopf/");
}

/* @n mappings of one page each, of the same memory, with a page between them. */
static void map_many(struct rig *rig, char *p, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		rig_map(rig, p, IOVA_BASE + i * 2 * PAGE, PAGE);
}

/*
 * An onlooker: a thread that wants the caller's CPU every 100 us, and gets it as soon as the
 * kernel lets go of it. It counts how often it ran, and by how much a counter of the container
 * changed at the most from one time to the next. If the CPU is away, so are both.
 */
struct onlooker {
	struct rig *rig;
	size_t counter;		/* in struct vfio_iopf_stats */
	atomic_uint ran;
	uint64_t most;
	atomic_int stop;
	pthread_t thread;
};

static void keep_to_one_cpu(void)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	assert_ok(sched_setaffinity(0, sizeof(one), &one));
}

static uint64_t onlooker_count(const struct onlooker *o)
{
	struct vfio_iopf_stats stats = { 0 };

	viopf_stats(o->rig->c, &stats);
	return *(const uint64_t *)((const char *)&stats + o->counter);
}

static void *look_on(void *arg)
{
	const struct timespec nap = { .tv_nsec = 100000 };
	struct onlooker *o = arg;
	uint64_t last = onlooker_count(o), now;

	while (!atomic_load(&o->stop)) {
		nanosleep(&nap, NULL);
		now = onlooker_count(o);
		if (now - last > o->most && (int64_t)(now - last) > 0)
			o->most = now - last;
		if (last - now > o->most && (int64_t)(last - now) > 0)
			o->most = last - now;
		last = now;
		atomic_fetch_add(&o->ran, 1);
	}
	return NULL;
}

#define ONLOOKER(rig_, member) \
	{ .rig = (rig_), .counter = offsetof(struct vfio_iopf_stats, member) }

static void onlooker_start(struct onlooker *o)
{
	const struct sched_param fifo = { .sched_priority = 1 };
	pthread_attr_t attr;

	keep_to_one_cpu();
	pthread_attr_init(&attr);
	pthread_attr_setinheritsched(&attr, PTHREAD_EXPLICIT_SCHED);
	pthread_attr_setschedpolicy(&attr, SCHED_FIFO);
	pthread_attr_setschedparam(&attr, &fifo);
	assert_int_equal(pthread_create(&o->thread, &attr, look_on, o), 0);
	assert_true(wait_until(atomic_load(&o->ran) > 2, 10));
}

static void onlooker_stop(struct onlooker *o)
{
	atomic_store(&o->stop, 1);
	pthread_join(o->thread, NULL);
}

/* It saw the @n of them go or come, and not almost all at once. */
static void assert_others_ran(const struct onlooker *o, const char *what, uint64_t n)
{
	printf("# %s: %lu of %lu in a row\n", what, o->most, n);
	assert_true(o->most < n - n / 8);
}

static void a_mapping(void)
{
	unsigned int n = rounds(20000);
	unsigned long long before;
	struct rig rig;
	char *p;

	enter_cgroup();
	rig_open(&rig, 1);
	p = mem_anon(PAGE);
	map_many(&rig, p, 16);
	assert_ok(viopf_unmap_all(rig.c, NULL));
	before = cgroup_kernel();
	map_many(&rig, p, n);
	assert_cost("mappings", before, n, sizeof(void *) * 16, MAPPING_BYTES);
	assert_ok(viopf_unmap_all(rig.c, NULL));
	assert_true(wait_until(cgroup_kernel() < before + n * 64, 30));
	viopf_device_close(rig.dev[0]);
	viopf_container_close(rig.c);
}

/* One page of each segment is touched, which the CPU's page tables have room for. */
static void a_segment(void)
{
	unsigned int n = rounds(512), i;
	unsigned long long before;
	struct rig rig;
	char *p;

	enter_cgroup();
	p = rig_open_anon(&rig, n * SEGMENT);
	for (i = 0; i < n; i++)
		p[i * SEGMENT] = 1;
	dev_read(&rig, IOVA_BASE, PAGE, SOFTDMA_OK);
	before = cgroup_kernel();
	for (i = 1; i < n; i++)
		dev_read(&rig, IOVA_BASE + i * SEGMENT, PAGE, SOFTDMA_OK);
	assert_int_equal(rig_stats(&rig).segments, n + 1);
	assert_cost("segments, with a page of the IOMMU's", before, n - 1, 8192, SEGMENT_BYTES);
	assert_ok(viopf_unmap(rig.c, IOVA_BASE, n * SEGMENT, NULL));
	rig_close(&rig);
}

struct reader {
	int fd;
	pthread_t thread;
	atomic_int *go;
};

static void *read_forever(void *arg)
{
	struct reader *reader = arg;
	struct vfio_iopf_fault fault;

	while (!atomic_load(reader->go))
		nap_ms(1);
	return (void *)read(reader->fd, &fault, sizeof(fault));
}

/* Threads of ours that wait in a read of a fault fd. */
static unsigned int readers_that_wait(void)
{
	return files_that_begin("/proc/self/task/*/wchan", "viopf_fault_fd_read");
}

/* Each waits for what does not come, for as long as it likes. */
static void a_reader(void)
{
	struct reader reader[READERS];
	unsigned long long before;
	atomic_int go = 0;
	struct rig rig;
	unsigned int i;
	int fd;

	enter_cgroup();
	rig_open(&rig, 1);
	fd = viopf_fault_fd(rig.c);
	assert_true(fd >= 0);
	for (i = 0; i < READERS; i++) {
		reader[i] = (struct reader){ .fd = fd, .go = &go };
		assert_int_equal(pthread_create(&reader[i].thread, NULL, read_forever,
						&reader[i]), 0);
	}
	assert_int_equal(readers_that_wait(), 0);
	before = cgroup_kernel();
	atomic_store(&go, 1);
	assert_true(wait_until(readers_that_wait() == READERS, 30));
	assert_cost("readers", before, READERS, 1024, READER_BYTES);
	viopf_device_close(rig.dev[0]);
	viopf_container_close(rig.c);
	for (i = 0; i < READERS; i++)
		pthread_join(reader[i].thread, NULL);
	close(fd);
}

/*
 * No more kernel memory than its memory cgroup has. Whoever may be killed for it is; who may
 * not is told.
 */
static void all_that_there_is(void)
{
	const unsigned int most = 65000;
	struct rig rig;
	unsigned int n;
	int err = 0;
	char *p;

	cgroup_make("8M", "0");
	assert_ok(file_write("/proc/self/oom_score_adj", "-1000\n"));
	p = rig_open_anon(&rig, PAGE);
	dev_fill(&rig, IOVA_BASE, PAGE, 1);
	cgroup_enter(CGROUP);
	for (n = 0; n < most && !err; n++)
		err = viopf_map(rig.c, p, IOVA_BASE + (n + 1) * 2 * PAGE, PAGE, VIOPF_READ);
	printf("# %u mappings in 8 MiB\n", n);
	assert_int_equal(err, -ENOMEM);
	assert_true(n > 1000);
	dev_check(&rig, IOVA_BASE, PAGE, 1);
	assert_ok(viopf_unmap(rig.c, IOVA_BASE + 2 * PAGE, n * 2 * PAGE, NULL));
	rig_map(&rig, p, IOVA_BASE + 2 * PAGE, PAGE);
	cgroup_enter(CGROUP_ROOT);
	rig_close(&rig);
}

/* A container for each device there is. */
static void many_containers(void)
{
	unsigned int n = rounds(1000), i;
	struct viopf_container **c = calloc(n, sizeof(*c));
	struct rlimit files = { 4096, 4096 };
	struct mdev *m = calloc(n, sizeof(*m));
	unsigned long long before;
	char *p = mem_anon(PAGE);

	assert_ok(setrlimit(RLIMIT_NOFILE, &files));
	mdev_load(n);
	enter_cgroup();
	before = cgroup_kernel();
	for (i = 0; i < n; i++) {
		assert_ok(viopf_container_new(&c[i]));
		assert_int_equal(mdev_attach(&m[i], i, viopf_container_fd(c[i])), 0);
		assert_ok(viopf_set_iommu(c[i], VFIO_IOPF_IOMMU));
		mdev_open(&m[i]);
		assert_ok(viopf_map(c[i], p, 0, PAGE, VIOPF_READ));
	}
	assert_int_equal(threads(), n);
	assert_cost("containers", before, n, 20480, CONTAINER_BYTES);
	for (i = 0; i < n; i++) {
		mdev_close(&m[i]);
		viopf_container_close(c[i]);
	}
	assert_true(wait_until(!threads(), 30));
}

#define GROUP		VFIO_IOPF_FAULT_GROUP_MAX	/* requests in a group */
#define GROUPS		SOFTDMA_MAX_LIST_GROUPS		/* that a device can have waiting */
#define LIST_BYTES	(GROUPS * GROUP * sizeof(struct softdma_request))
#define IOVA_LIST	(IOVA_BASE + TIB)

/* A user-handled page, nobody who decides, and a list of requests for it that is resident. */
struct waiting {
	struct rig rig;
	int fd;
	char *p;
	struct softdma_request *list;
};

static void waiting_open(struct waiting *w, unsigned int devices)
{
	unsigned int i;

	rig_open(&w->rig, devices);
	for (i = 0; i < devices; i++)
		rig_start_queue(&w->rig, i, 1);
	w->p = mem_anon(PAGE);
	assert_ok(viopf_map(w->rig.c, w->p, IOVA_BASE, PAGE, VIOPF_READ | VIOPF_USER));
	w->fd = viopf_fault_fd(w->rig.c);
	assert_true(w->fd >= 0);
	w->list = mem_shared(LIST_BYTES);
	for (i = 0; i < GROUPS * GROUP; i++)
		w->list[i] = (struct softdma_request){
			.addr = IOVA_BASE, .group = i / GROUP,
			.flags = SOFTDMA_RQ_READ |
				 (i % GROUP == GROUP - 1 ? SOFTDMA_RQ_LAST : 0),
		};
	rig_map(&w->rig, w->list, IOVA_LIST, LIST_BYTES);
	dev_read(&w->rig, IOVA_LIST, LIST_BYTES, SOFTDMA_OK);
}

static void waiting_ask(struct waiting *w)
{
	struct softdma_desc desc = sdma_request(IOVA_LIST, GROUPS * GROUP);
	unsigned int i;

	for (i = 0; i < w->rig.nr; i++)
		assert_ok(sdma_submit(&w->rig.dma[i].q[1], &desc, 1));
}

static void waiting_close(struct waiting *w)
{
	rig_close(&w->rig);
	munmap(w->list, LIST_BYTES);
	munmap(w->p, PAGE);
	close(w->fd);
}

/* As many requests as may wait do. The device's next is answered FAILURE, and not later. */
static void too_many_wait(void)
{
	const unsigned int most = 4096 / GROUP;
	struct vfio_iopf_stats before;
	struct waiting w;

	waiting_open(&w, 1);
	before = rig_stats(&w.rig);
	waiting_ask(&w);
	assert_true(wait_until(rig_stats(&w.rig).groups == before.groups + GROUPS &&
			       rig_stats(&w.rig).faults_pending == most, 30));
	assert_int_equal(rig_stats(&w.rig).faults_waiting, most);
	assert_grew(&w.rig, before, floods, GROUPS - most);
	assert_grew(&w.rig, before, resp_failure, GROUPS - most);
	assert_ok(viopf_unmap(w.rig.c, IOVA_BASE, PAGE, NULL));
	assert_pending(&w.rig, 0);
	assert_grew(&w.rig, before, resp_invalid, most);
	waiting_close(&w);
}

/* One read takes them all. */
static void read_all(struct waiting *w, struct onlooker *o, unsigned int devices)
{
	size_t bytes = devices * GROUPS * GROUP * sizeof(struct vfio_iopf_fault);
	void *faults = mem_shared(bytes);
	unsigned int ran;

	memset(faults, 0, bytes);
	ran = atomic_load(&o->ran);
	assert_int_equal(read(w->fd, faults, bytes), bytes);
	ran = atomic_load(&o->ran) - ran;
	printf("# read: others ran %u times\n", ran);
	/* Between the two looks they do so too: some four times. */
	assert_true(ran > 32);
	munmap(faults, bytes);
}

/* More than 100,000 of four devices, where the administrator lets them. */
static void very_many_wait(void)
{
	unsigned int devices = lane_is("debug") ? 1 : RIG_DEVICES;
	struct vfio_iopf_stats before;
	struct waiting w;
	struct onlooker o = ONLOOKER(&w.rig, resp_invalid);

	waiting_open(&w, devices);
	before = rig_stats(&w.rig);
	waiting_ask(&w);
	assert_true(wait_until(rig_stats(&w.rig).faults_waiting == devices * GROUPS, 60));
	assert_grew(&w.rig, before, requests, devices * GROUPS * GROUP);
	rig_map(&w.rig, w.list, IOVA_LIST + GIB, PAGE);
	assert_ok(viopf_unmap(w.rig.c, IOVA_LIST + GIB, PAGE, NULL));
	assert_int_equal(rig_stats(&w.rig).faults_waiting, devices * GROUPS);
	onlooker_start(&o);
	read_all(&w, &o, devices);
	assert_ok(viopf_unmap(w.rig.c, IOVA_BASE, PAGE, NULL));
	onlooker_stop(&o);
	assert_others_ran(&o, "answers", devices * GROUPS);
	assert_pending(&w.rig, 0);
	assert_grew(&w.rig, before, resp_invalid, devices * GROUPS);
	waiting_close(&w);
}

/* Here and there a page, and a huge one, in a TiB: segments far apart. */
struct scattered {
	struct rig rig;
	char *p;
	unsigned int n;
};

static void scattered_open(struct scattered *s)
{
	unsigned int i;

	s->n = TIB / SEGMENT / (lane_is("debug") ? 8 : 1);
	rig_open(&s->rig, 1);
	s->p = mem_anon(TIB);
	rig_map(&s->rig, s->p, IOVA_BASE, TIB);
	for (i = 0; i < s->n; i++) {
		uint64_t at = i * (TIB / s->n);
		size_t size = i % 256 ? PAGE : HUGE;

		if (size == HUGE)
			assert_ok(madvise(s->p + at, size, MADV_HUGEPAGE));
		assert_ok(viopf_advise(s->rig.c, VFIO_IOPF_ADV_PREFETCH_READ, IOVA_BASE + at,
				       size, NULL));
	}
	assert_true(rig_stats(&s->rig).segments >= s->n);
}

static void munmap_of_a_tib(void)
{
	struct vfio_iopf_stats before;
	struct scattered s;
	struct onlooker o = ONLOOKER(&s.rig, invalidations);

	scattered_open(&s);
	before = rig_stats(&s.rig);
	onlooker_start(&o);
	assert_ok(munmap(s.p, TIB));
	onlooker_stop(&o);
	assert_grew(&s.rig, before, evictions, s.n);
	assert_others_ran(&o, "evictions", s.n);
	dev_read(&s.rig, IOVA_BASE, PAGE, SOFTDMA_FAULT_INVALID);
	assert_ok(viopf_unmap(s.rig.c, IOVA_BASE, TIB, NULL));
	rig_close(&s.rig);
}

static void unmap_dma_of_a_tib(void)
{
	struct scattered s;
	struct onlooker o = ONLOOKER(&s.rig, segments);

	scattered_open(&s);
	onlooker_start(&o);
	assert_ok(viopf_unmap(s.rig.c, IOVA_BASE, TIB, NULL));
	onlooker_stop(&o);
	assert_others_ran(&o, "segments", s.n);
	munmap(s.p, TIB);
	rig_close(&s.rig);
}

/* How often the onlooker ran while dirty tracking began and ended; of some attempts, the most. */
static unsigned int runs_while_tracking(struct rig *rig, struct onlooker *o)
{
	unsigned int most = 0, i, ran;

	for (i = 0; i < 5; i++) {
		ran = atomic_load(&o->ran);
		assert_ok(viopf_dirty_start(rig->c));
		assert_ok(viopf_dirty_stop(rig->c));
		ran = atomic_load(&o->ran) - ran;
		most = ran > most ? ran : most;
	}
	printf("# tracking begins and ends: others ran %u times\n", most);
	return most;
}

/* Through all mappings, of which none has a segment. */
static void many_mappings(void)
{
	unsigned int n = rounds(60000);
	struct rig rig;
	struct onlooker o = ONLOOKER(&rig, mappings);
	char *p;

	rig_open(&rig, 1);
	p = mem_anon(PAGE);
	map_many(&rig, p, n);
	onlooker_start(&o);
	/* They run between the calls, too: some twenty times at the most. */
	assert_true(runs_while_tracking(&rig, &o) > 64);
	assert_ok(viopf_unmap_vaddr(rig.c, IOVA_BASE, n * 2 * PAGE));
	o.most = 0;
	assert_ok(viopf_unmap(rig.c, IOVA_BASE, n * 2 * PAGE, NULL));
	onlooker_stop(&o);
	assert_others_ran(&o, "mappings", n);
	rig_close(&rig);
}

struct crowd {
	unsigned int n;
	int tell;
};

/* Has as many mappings, each of its own page, all of which a device reaches. */
static void be_mapped(void *arg)
{
	const struct crowd *crowd = arg;
	size_t size = crowd->n * PAGE;
	struct rig rig;
	unsigned int i;
	uint64_t done;
	char *p;

	rig_open(&rig, 1);
	p = mem_anon(size);
	for (i = 0; i < crowd->n; i++)
		rig_map(&rig, p + i * PAGE, IOVA_BASE + i * PAGE, PAGE);
	assert_ok(viopf_advise(rig.c, VFIO_IOPF_ADV_PREFETCH_WRITE, IOVA_BASE, size, &done));
	assert_true(rig_stats(&rig).segments >= crowd->n);
	assert_int_equal(write(crowd->tell, "", 1), 1);
	pause();
}

static void exit_with_mappings(void)
{
	struct crowd crowd = { .n = lane_is("debug") ? 4000 : 100000 };
	int tell[2], status;
	double start;
	pid_t pid;
	char ch;

	assert_ok(pipe(tell));
	crowd.tell = tell[1];
	start = now_s();
	pid = child_run(be_mapped, &crowd);
	close(tell[1]);
	assert_int_equal(read(tell[0], &ch, 1), 1);
	printf("# made in %.1f s\n", now_s() - start);
	start = now_s();
	kill(pid, SIGKILL);
	status = child_reap(pid, 60);
	printf("# gone in %.1f s\n", now_s() - start);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_true(wait_until(!threads(), 30));
	rig_works(0, 1, HUGE);
}

#define LEFT_BEHIND	4	/* containers of a group, whose threads can't be ended */

/* A container, a page request that a file system does not answer, and its end. */
static void leave_a_thread(struct fuse *fuse, char *p, unsigned int i)
{
	struct softdma_desc desc = sdma_checksum(IOVA_BASE + i * PAGE, PAGE, 0);
	struct rig rig;

	rig_open(&rig, 1);
	rig_map(&rig, p, IOVA_BASE, fuse->size);
	assert_ok(sdma_submit(&rig.dma[0].q[0], &desc, 1));
	assert_true(wait_until(atomic_load(&fuse->stalled) == i + 1, 30));
	viopf_device_close(rig.dev[0]);
	viopf_container_close(rig.c);
}

/* Whoever serves the file system could have any number of such threads, one after the other. */
static void threads_left_behind(void)
{
	struct viopf_container *c;
	char bdfs[MAX_DEVICES][16];
	const char *name = bdfs[0];
	struct fuse fuse;
	unsigned int i;
	char *p;

	assert_true(devices_list(bdfs));
	fuse_mount(&fuse, 2 * LEFT_BEHIND * PAGE);
	p = mem_file(fuse.fd, fuse.size, MAP_SHARED);
	/* An exit that closes it would wait for the server. */
	assert_ok(close(fuse.fd));
	atomic_store(&fuse.stalls, 1);
	for (i = 0; i < LEFT_BEHIND; i++)
		leave_a_thread(&fuse, p, i);
	assert_int_equal(viopf_container_open(&c, &name, 1, VFIO_IOPF_IOMMU), -EBUSY);
	assert_in_range(threads(), LEFT_BEHIND, 2 * LEFT_BEHIND);
	rig_works(1, 1, HUGE);
	fuse_abort();
	assert_true(wait_until(!threads(), 30));
	rig_works(0, 1, HUGE);
	pthread_join(fuse.thread, NULL);
}

static const struct suite_case cases[] = {
	CASE("R18 what a mapping costs is charged", a_mapping, .iopf = EXACT),
	CASE("R18 what a segment costs is charged", a_segment, .iopf = EXACT, .limit_s = 180),
	CASE("R18 S13 what a reader of page requests costs is charged", a_reader),
	CASE("R18 no more kernel memory than the cgroup has", all_that_there_is,
	     .iopf = EXACT),
	CASE("R8 a thousand containers", many_containers, .limit_s = 240),
	CASE("S6 S13 more page requests wait than may", too_many_wait, .iopf = EXACT,
	     .soft = 1),
	CASE("S6 S13 a hundred thousand page requests wait", very_many_wait,
	     .iopf = EXACT " max_faults=200000", .soft = 1, .limit_s = 240),
	CASE("R5 munmap() of a TiB lets others run", munmap_of_a_tib, .iopf = EXACT,
	     .limit_s = 240),
	CASE("S11 UNMAP_DMA of a TiB lets others run", unmap_dma_of_a_tib, .iopf = EXACT,
	     .limit_s = 240),
	CASE("R13 S11 so do walks through all mappings", many_mappings, .iopf = EXACT,
	     .limit_s = 240),
	CASE("R9 threads that can't be ended don't become more and more", threads_left_behind),
	CASE("R9 exit with a hundred thousand mappings", exit_with_mappings,
	     .iopf = EXACT " dma_entry_limit=100010", .limit_s = 400),
};

int main(int argc, char **argv)
{
	return SUITE(cases, argc, argv);
}
