// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an administrator sees of containers from outside: the class vfio_iopf in sysfs,
 * uevents, tracepoints, and the two calls that tools make. Each figure is compared with
 * what the container's own ioctl says, or with what the test has done.
 *
 * LANES: stock uml-debug
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "advice.h"
#include "handled.h"
#include "load.h"
#include "mdev.h"
#include "tracing.h"

#define CLASS		"/sys/class/vfio_iopf"
#define NR_PAGES	32
#define SIZE		(NR_PAGES * PAGE)

struct seen {
	struct rig rig;
	char *p;
	char folder[64];
	int failures_told;	/* by uevents that uevent_came() read */
};

/* A container with @nr devices and a buffer, and where sysfs has it. */
static void begin(struct seen *s, unsigned int nr)
{
	struct viopf_info info;

	s->failures_told = 0;
	rig_open(&s->rig, nr);
	s->p = mem_anon(SIZE);
	rig_map(&s->rig, s->p, IOVA_BASE, SIZE);
	assert_ok(viopf_get_info(s->rig.c, &info));
	assert_true(info.iopf.container);
	snprintf(s->folder, sizeof(s->folder), CLASS "/container%llu",
		 (unsigned long long)info.iopf.container);
}

/* The text of a file below the container's folder, without its last newline. */
static const char *text_of(const struct seen *s, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static const char *text_of(const struct seen *s, const char *format, ...)
{
	static char text[4096];
	char name[128], path[256];
	va_list args;

	va_start(args, format);
	vsnprintf(name, sizeof(name), format, args);
	va_end(args);
	snprintf(path, sizeof(path), "%s/%s", s->folder, name);
	assert_msg(file_read(path, text, sizeof(text)) >= 0, "%s can't be read", path);
	text[strcspn(text, "\n")] = '\0';
	return text;
}

static uint64_t counter_of(const struct seen *s, const char *name)
{
	return strtoull(text_of(s, "stats/%s", name), NULL, 10);
}

static uint64_t device_counter(const struct seen *s, unsigned int dev, const char *name)
{
	return strtoull(text_of(s, "devices/%s/stats/%s", s->rig.bdf[dev], name), NULL, 10);
}

#define assert_text(s, want, ...)	assert_string_equal(text_of(s, __VA_ARGS__), want)

/* How many a histogram counts; its buckets must ascend. */
static uint64_t latency_total(const char *folder)
{
	unsigned long long from, count, before = 0;
	uint64_t total = 0;
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/latency", folder);
	file = fopen(path, "re");
	assert_non_null(file);
	while (fscanf(file, "%llu %llu\n", &from, &count) == 2) {
		assert_true(!total || from > before);
		assert_true(count);
		before = from;
		total += count;
	}
	assert_true(feof(file));
	fclose(file);
	return total;
}

/* Every counter of the ioctl has its file, and says the same. */
static void assert_stats_agree(struct seen *s)
{
	struct vfio_iopf_stats stats;

	assert_pending(&s->rig, 0);
	stats = rig_stats(&s->rig);

#define SAME(name) assert_msg(counter_of(s, #name) == stats.name, "%s: %llu, not %llu", \
		#name, (unsigned long long)counter_of(s, #name), \
		(unsigned long long)stats.name)
	SAME(resident_pages);
	SAME(segments);
	SAME(segment_bytes);
	SAME(workers);
	SAME(faults_pending);
	SAME(groups);
	SAME(requests);
	SAME(resp_success);
	SAME(resp_invalid);
	SAME(resp_failure);
	SAME(faults);
	SAME(pages_mapped);
	SAME(bring_ins);
	SAME(evictions);
	SAME(pages_evicted);
	SAME(pinned_pages);
	SAME(groups_at_once);
	SAME(mappings);
	SAME(mapped_bytes);
	SAME(floods);
#undef SAME
}

static void a_container(void)
{
	struct seen s;
	char text[32];

	begin(&s, 1);
	dev_write(&s.rig, IOVA_BASE, SIZE, SOFTDMA_OK);
	dev_read(&s.rig, IOVA_BASE + SIZE, PAGE, SOFTDMA_FAULT_INVALID);
	snprintf(text, sizeof(text), "%d", getpid());
	assert_text(&s, text, "pid");
	assert_text(&s, "observe_test", "comm");
	assert_text(&s, "iopf", "type");
	assert_text(&s, "faultable", "mode");
	assert_text(&s, "1", "enabled");
	assert_text(&s, "ok", "health");
	assert_int_equal(counter_of(&s, "mappings"), 2);
	assert_int_equal(counter_of(&s, "resp_invalid"), 1);
	assert_true(counter_of(&s, "mapped_bytes") > SIZE);
	assert_true(counter_of(&s, "resident_pages") >= NR_PAGES);
	assert_stats_agree(&s);
	assert_int_equal(latency_total(s.folder), counter_of(&s, "groups"));

	assert_ok(viopf_disable(s.rig.c));
	assert_text(&s, "pinned", "mode");
	assert_text(&s, "0", "enabled");
	assert_true(counter_of(&s, "pinned_pages") >= NR_PAGES);
	rig_close(&s.rig);
	assert_int_equal(access(s.folder, F_OK), -1);
}

/* Who has opened it may have ended; what it is does not depend on that. */
static void opened_by(void *arg)
{
	struct seen *s = arg;

	begin(s, 1);
	assert_true(strtol(text_of(s, "pid"), NULL, 10) == getpid());
	pause();
}

static void its_process_ends(void)
{
	struct seen *s = mem_shared(sizeof(*s));
	pid_t child = child_run(opened_by, s);
	int fd, pidfd;

	assert_true(wait_until(*(volatile char *)s->folder, 20));
	pidfd = (int)syscall(434, child, 0);	/* pidfd_open() */
	assert_true(pidfd >= 0);
	fd = (int)syscall(438, pidfd, 3, 0);	/* pidfd_getfd() */
	assert_true(fd >= 0);
	close(fd);
	kill(child, SIGKILL);
	child_reap(child, 20);
	assert_true(wait_until(access(s->folder, F_OK), 20));
}

static void devices(void)
{
	struct seen s;
	uint64_t before, quiet;
	char path[256], to[256];
	ssize_t n;

	begin(&s, 2);
	before = device_counter(&s, 0, "groups");
	quiet = device_counter(&s, 1, "groups");
	dev_write(&s.rig, IOVA_BASE, SIZE, SOFTDMA_OK);
	dev_read(&s.rig, IOVA_BASE + SIZE, PAGE, SOFTDMA_FAULT_INVALID);
	assert_int_equal(device_counter(&s, 0, "groups"), before + NR_PAGES + 1);
	assert_int_equal(device_counter(&s, 0, "requests"), before + NR_PAGES + 1);
	assert_int_equal(device_counter(&s, 0, "resp_invalid"), 1);
	assert_int_equal(device_counter(&s, 0, "resp_success"), before + NR_PAGES);
	assert_pending(&s.rig, 0);
	assert_int_equal(device_counter(&s, 0, "faults_pending"), 0);
	assert_int_equal(device_counter(&s, 1, "groups"), quiet);
	assert_int_equal(counter_of(&s, "groups"), before + NR_PAGES + 1 + quiet);
	snprintf(path, sizeof(path), "%s/devices/%s", s.folder, s.rig.bdf[0]);
	assert_int_equal(latency_total(path), before + NR_PAGES + 1);
	assert_text(&s, "faulting", "devices/%s/kind", s.rig.bdf[0]);
	assert_text(&s, "ok", "devices/%s/health", s.rig.bdf[1]);

	snprintf(path, sizeof(path), "%s/devices/%s/device", s.folder, s.rig.bdf[0]);
	n = readlink(path, to, sizeof(to) - 1);
	assert_true(n > 0);
	to[n] = '\0';
	assert_non_null(strstr(to, s.rig.bdf[0]));

	snprintf(path, sizeof(path), "%s/devices/%s", s.folder, s.rig.bdf[1]);
	assert_ok(access(path, F_OK));
	viopf_device_close(s.rig.dev[1]);
	s.rig.nr = 1;
	assert_ok(viopf_group_remove(s.rig.c, s.rig.bdf[1]));
	assert_int_equal(access(path, F_OK), -1);
	rig_close(&s.rig);
}

/* One that asks, one that can't, and one without an IOMMU. */
static void kinds_of_devices(void)
{
	struct seen s;
	struct mdev m;

	begin(&s, 2);
	mdev_load(1);
	mdev_join(&m, 0, viopf_container_fd(s.rig.c));
	assert_text(&s, "faulting", "devices/%s/kind", s.rig.bdf[0]);
	assert_text(&s, "pinning", "devices/%s/kind", s.rig.bdf[1]);
	assert_text(&s, "pinned", "mode");
	assert_text(&s, "emulated", "devices/" SOFTMDEV_NAME ".0/kind");
	mdev_close(&m);
	rig_close(&s.rig);
}

static int has_line(const char *text, size_t n, const char *line)
{
	const char *at;

	for (at = text; at < text + n; at += strlen(at) + 1)
		if (!strcmp(at, line))
			return 1;
	return 0;
}

/* Is there one about the container with this line in it? Reads what there is up to it. */
static int uevent_came(int fd, struct seen *s, const char *line)
{
	const char *name = strrchr(s->folder, '/');
	char text[4096];
	ssize_t n;

	while ((n = recv(fd, text, sizeof(text) - 1, 0)) > 0) {
		text[n] = '\0';
		if (!strstr(text, name))
			continue;
		s->failures_told += has_line(text, n, "IOPF_EVENT=failed");
		if (has_line(text, n, line))
			return 1;
	}
	return 0;
}

/* Requests for what waits for user space, which never looks. */
static void a_flood(void)
{
	struct softdma_desc read = sdma_checksum(IOVA_BASE + HUGE, PAGE, 0);
	struct seen s;
	int fd, events;

	events = uevents_open();
	begin(&s, 1);
	assert_true(wait_until(uevent_came(events, &s, "ACTION=add"), 20));
	fd = viopf_fault_fd(s.rig.c);
	assert_true(fd >= 0);
	assert_ok(viopf_map(s.rig.c, mem_anon(SIZE), IOVA_BASE + HUGE, SIZE,
			    VIOPF_READ | VIOPF_WRITE | VIOPF_USER));
	assert_text(&s, "ok", "health");
	for (unsigned int i = 0; i < 3; i++) {
		if (i)
			rig_start_queue(&s.rig, 0, i);
		read.src = IOVA_BASE + HUGE + i * PAGE;
		assert_ok(sdma_submit(&s.rig.dma[0].q[i], &read, 1));
	}
	assert_true(wait_until(uevent_came(events, &s, "IOPF_EVENT=flooded"), 20));
	assert_text(&s, "flooded", "health");
	assert_text(&s, "flooded", "devices/%s/health", s.rig.bdf[0]);
	assert_int_equal(counter_of(&s, "floods"), 1);
	assert_int_equal(device_counter(&s, 0, "floods"), 1);
	assert_int_equal(device_counter(&s, 0, "resp_failure"), 1);
	close(fd);
	close(events);
	rig_close(&s.rig);
}

/* An IOMMU that refuses to unmap, in several segments while it is cut off: one failure. */
static void a_failure(void)
{
	int events = uevents_open();
	struct seen s;
	uint64_t i;

	begin(&s, 1);
	for (i = 1; i < 16; i++)
		rig_map(&s.rig, s.p, IOVA_BASE + (i << 30), SIZE);
	for (i = 0; i < 16; i++)
		dev_write(&s.rig, IOVA_BASE + (i << 30), SIZE, SOFTDMA_OK);
	softiommu_set("refuse_all", "1\n");
	assert_ok(madvise(s.p, SIZE, MADV_DONTNEED));
	assert_true(wait_until(uevent_came(events, &s, "IOPF_EVENT=failed"), 20));
	assert_text(&s, "failed", "health");
	assert_text(&s, "quarantined", "devices/%s/health", s.rig.bdf[0]);
	softiommu_set("reset_knobs", "1\n");
	viopf_device_close(s.rig.dev[0]);
	viopf_container_close(s.rig.c);
	assert_true(wait_until(uevent_came(events, &s, "ACTION=remove"), 20));
	assert_int_equal(s.failures_told, 1);
	close(events);
}

/* Tracing. */

/* One page request that a worker serves, and one that is answered at once. */
static void a_request_traced(void)
{
	char iova[64], id[64], line[TRACE_LINE], dev[64], *at;
	struct seen s;

	begin(&s, 1);
	memset(s.p, 1, SIZE);
	assert_ok(madvise(s.p + PAGE, PAGE, MADV_DONTNEED));
	dev_read(&s.rig, IOVA_BASE, PAGE, SOFTDMA_OK);
	trace_start();
	dev_write(&s.rig, IOVA_BASE + PAGE, PAGE, SOFTDMA_OK);
	dev_read(&s.rig, IOVA_BASE + 2 * PAGE, PAGE, SOFTDMA_OK);
	dev_read(&s.rig, IOVA_BASE + SIZE, PAGE, SOFTDMA_FAULT_INVALID);
	trace_stop();

	snprintf(iova, sizeof(iova), " iova=%#llx ", (unsigned long long)IOVA_BASE + PAGE);
	snprintf(dev, sizeof(dev), " dev=%s ", s.rig.bdf[0]);
	assert_int_equal(trace_count("iopf_request", iova, dev, line), 1);
	assert_non_null(strstr(line, "perm=write"));
	at = strstr(line, " id=");
	assert_non_null(at);
	snprintf(id, sizeof(id), "%.*s ", (int)strcspn(at + 1, " ") + 1, at);
	assert_int_equal(trace_count("iopf_take", id, "wait_ns=", NULL), 1);
	assert_int_equal(trace_count("iopf_bring_in", id, iova, line), 1);
	assert_non_null(strstr(line, " pages=1 write=1 ret=0 "));
	assert_int_equal(trace_count("iopf_map", id, iova, line), 1);
	assert_non_null(strstr(line, " pages=1 leaf_bytes=4096 write=1"));
	assert_int_equal(trace_count("iopf_answer", id, " code=SUCCESS by=worker ", line), 1);
	assert_non_null(strstr(line, dev));

	snprintf(iova, sizeof(iova), " iova=%#llx ", (unsigned long long)IOVA_BASE + 2 * PAGE);
	assert_int_equal(trace_count("iopf_request", iova, "perm=read", line), 1);
	at = strstr(line, " id=");
	snprintf(id, sizeof(id), "%.*s ", (int)strcspn(at + 1, " ") + 1, at);
	assert_int_equal(trace_count("iopf_map", id, iova, NULL), 1);
	assert_int_equal(trace_count("iopf_take", id, "", NULL), 0);
	assert_int_equal(trace_count("iopf_answer", id, " code=SUCCESS by=handler ", NULL), 1);
	assert_int_equal(trace_count("iopf_answer", " code=INVALID by=worker ", dev, NULL), 1);
	rig_close(&s.rig);
}

/* An answer that the kernel itself hardly gives. */
static void failure_traced(void)
{
	struct handled h;

	handled_open(&h, 1);
	trace_start();
	decide(&h, ask_and_take(&h, 0, 1, 0), VFIO_IOPF_FAULT_FAILURE);
	ends(&h, 0, 1, SOFTDMA_FAULT_FAILURE);
	trace_stop();
	assert_int_equal(trace_count("iopf_answer", " code=FAILURE ", " by=user ", NULL), 1);
	handled_close(&h);
}

/* What happens to memory by itself, and by who asks for it. */
static void events_traced(void)
{
	char iova[64];
	struct seen s;

	begin(&s, 1);
	dev_write(&s.rig, IOVA_BASE, SIZE, SOFTDMA_OK);
	trace_start();
	assert_ok(madvise(s.p, 4 * PAGE, MADV_DONTNEED));
	assert_ok(mprotect(s.p + 8 * PAGE, PAGE, PROT_READ));
	assert_ok(mprotect(s.p + 8 * PAGE, PAGE, PROT_READ | PROT_WRITE));
	advise(&s.rig, VFIO_IOPF_ADV_PIN, IOVA_BASE + 16 * PAGE, 2 * PAGE);
	advise(&s.rig, VFIO_IOPF_ADV_UNPIN, IOVA_BASE + 16 * PAGE, 2 * PAGE);
	assert_ok(viopf_disable(s.rig.c));
	assert_ok(viopf_enable(s.rig.c));
	assert_ok(munmap(s.p, SIZE));
	trace_stop();

	snprintf(iova, sizeof(iova), " iova=%#llx ", (unsigned long long)IOVA_BASE);
	assert_int_equal(trace_count("iopf_evict", iova, " pages=4 event=clear reclaim=0",
				     NULL), 1);
	snprintf(iova, sizeof(iova), "-%d ", getpid());
	assert_int_equal(trace_count("iopf_evict", iova, " pages=1 event=protection_vma",
				     NULL), 1);
	snprintf(iova, sizeof(iova), " iova=%#llx ", (unsigned long long)IOVA_BASE + 16 * PAGE);
	assert_int_equal(trace_count("iopf_pin", iova, " pages=2", NULL), 1);
	assert_int_equal(trace_count("iopf_unpin", iova, " pages=2", NULL), 1);
	assert_int_equal(trace_count("iopf_convert", "container=", " to=pinned", NULL), 1);
	assert_int_equal(trace_count("iopf_convert", "container=", " to=faultable", NULL), 1);
	rig_close(&s.rig);
}

/* VFIO_IOPF_MAPPINGS. */

#define MANY	300

static int list(struct seen *s, uint64_t iova, struct vfio_iopf_mapping *out, unsigned int n)
{
	uint32_t count = n;

	assert_ok(viopf_mappings(s->rig.c, iova, out, &count));
	return (int)count;
}

static const struct {
	uint32_t flags, state, resident_pages;
} kinds[] = {
	{ VFIO_DMA_MAP_FLAG_READ, VFIO_IOPF_MAPPING_FAULTABLE, 0 },
	{ VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE | VFIO_DMA_MAP_FLAG_IOPF_PINNED,
	  VFIO_IOPF_MAPPING_PINNED, 1 },
	{ VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_IOPF_USER, VFIO_IOPF_MAPPING_USER, 0 },
};

static void mappings_listed(void)
{
	static struct vfio_iopf_mapping all[MANY + 8];
	char *p = mem_anon(MANY * PAGE);
	struct seen s;
	unsigned int i;

	begin(&s, 1);
	for (i = 0; i < MANY; i++)
		assert_ok(viopf_map(s.rig.c, p + i * PAGE, IOVA_BASE + HUGE + i * 2 * PAGE, PAGE,
				    kinds[i % 3].flags));
	dev_write(&s.rig, IOVA_BASE, 3 * PAGE, SOFTDMA_OK);

	assert_int_equal(list(&s, IOVA_BASE, all, MANY + 8), MANY + 1);
	assert_int_equal(all[0].iova, IOVA_BASE);
	assert_int_equal(all[0].size, SIZE);
	assert_int_equal(all[0].vaddr, (uintptr_t)s.p);
	assert_int_equal(all[0].resident_pages, 3);
	assert_int_equal(all[0].state, VFIO_IOPF_MAPPING_FAULTABLE);
	for (i = 0; i < MANY; i++) {
		const struct vfio_iopf_mapping *m = &all[i + 1];

		assert_int_equal(m->iova, IOVA_BASE + HUGE + i * 2 * PAGE);
		assert_int_equal(m->vaddr, (uintptr_t)p + i * PAGE);
		assert_int_equal(m->flags, kinds[i % 3].flags);
		assert_int_equal(m->state, kinds[i % 3].state);
		assert_int_equal(m->resident_pages, kinds[i % 3].resident_pages);
	}
	/* From the middle of one on; less room than there is; beyond the last. */
	assert_int_equal(list(&s, IOVA_BASE + PAGE, all, 2), 2);
	assert_int_equal(all[0].iova, IOVA_BASE);
	assert_int_equal(list(&s, IOVA_BASE + SIZE, all, 1), 1);
	assert_int_equal(all[0].iova, IOVA_BASE + HUGE);
	assert_int_equal(list(&s, UINT64_MAX, all, 8), 0);
	assert_int_equal(list(&s, 0, all, 0), 0);
	rig_close(&s.rig);
}

static void mappings_refused(void)
{
	struct vfio_iopf_mappings arg = { .argsz = sizeof(arg), .count = 1, .data = 8 };
	struct vfio_iopf_mappings bad;
	struct seen s;
	int fd;

	begin(&s, 1);
	fd = viopf_container_fd(s.rig.c);
	bad = arg;
	bad.argsz = sizeof(arg) - 1;
	assert_int_equal(ioctl(fd, VFIO_IOPF_MAPPINGS, &bad), -1);
	assert_int_equal(errno, EINVAL);
	bad = arg;
	bad.flags = 1;
	assert_int_equal(ioctl(fd, VFIO_IOPF_MAPPINGS, &bad), -1);
	assert_int_equal(errno, EINVAL);
	bad = arg;
	bad.reserved = 1;
	assert_int_equal(ioctl(fd, VFIO_IOPF_MAPPINGS, &bad), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(ioctl(fd, VFIO_IOPF_MAPPINGS, &arg), -1);
	assert_int_equal(errno, EFAULT);
	assert_int_equal(ioctl(fd, VFIO_IOPF_MAPPINGS, NULL), -1);
	assert_int_equal(errno, EFAULT);
	rig_close(&s.rig);
}

/* What of a page's history the residency tells. */
static void young_and_dirty(void)
{
	unsigned char bytes[4];
	struct seen s;

	begin(&s, 1);
	dev_read(&s.rig, IOVA_BASE, PAGE, SOFTDMA_OK);
	dev_write(&s.rig, IOVA_BASE + PAGE, PAGE, SOFTDMA_OK);
	assert_ok(viopf_residency(s.rig.c, IOVA_BASE, 4 * PAGE, bytes));
	assert_true(bytes[0] & VFIO_IOPF_PAGE_YOUNG);
	assert_true(bytes[1] & VFIO_IOPF_PAGE_YOUNG);
	assert_int_equal(bytes[0] & VFIO_IOPF_PAGE_DIRTY, 0);
	assert_int_equal(bytes[1] & VFIO_IOPF_PAGE_DIRTY, 0);
	assert_int_equal(bytes[2], 0);

	assert_ok(viopf_dirty_start(s.rig.c));
	dev_write(&s.rig, IOVA_BASE + 2 * PAGE, PAGE, SOFTDMA_OK);
	assert_ok(madvise(s.p + 2 * PAGE, PAGE, MADV_DONTNEED));
	dev_read(&s.rig, IOVA_BASE + 3 * PAGE, PAGE, SOFTDMA_OK);
	assert_ok(viopf_residency(s.rig.c, IOVA_BASE, 4 * PAGE, bytes));
	assert_int_equal(bytes[2], VFIO_IOPF_PAGE_DIRTY);
	assert_int_equal(bytes[3] & (R | VFIO_IOPF_PAGE_DIRTY), R);
	assert_ok(viopf_dirty_stop(s.rig.c));
	assert_ok(viopf_residency(s.rig.c, IOVA_BASE, 4 * PAGE, bytes));
	assert_int_equal(bytes[2], 0);
	rig_close(&s.rig);
}

/* Readers of all there is, while containers and devices come and go. */

static volatile int readers_stop, asker_stop;

static void read_all(const char *path, unsigned int depth, unsigned long *files)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	char below[512], text[4096];

	if (!dir) {
		*files += !file_read(path, text, sizeof(text)) && text[0];
		return;
	}
	while (depth && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.' || entry->d_type == DT_LNK)
			continue;
		snprintf(below, sizeof(below), "%s/%s", path, entry->d_name);
		read_all(below, depth - 1, files);
	}
	closedir(dir);
}

static void *reader(void *arg)
{
	unsigned long *files = arg;
	struct dirent *entry;
	char path[512];
	DIR *dir;

	while (!readers_stop) {
		dir = opendir(CLASS);
		while (dir && (entry = readdir(dir))) {
			if (entry->d_name[0] == '.')
				continue;
			snprintf(path, sizeof(path), CLASS "/%s", entry->d_name);
			read_all(path, 4, files);
		}
		if (dir)
			closedir(dir);
	}
	return NULL;
}

/* Asks what a tool asks by a descriptor of its own, as long as the container is there. */
static void *asker(void *arg)
{
	struct viopf_container *c = arg;
	struct vfio_iopf_mapping mappings[4];
	unsigned char pages[NR_PAGES];
	uint32_t count = ARRAY_SIZE(mappings);

	while (!asker_stop) {
		viopf_mappings(c, 0, mappings, &count);
		count = ARRAY_SIZE(mappings);
		viopf_residency(c, IOVA_BASE, SIZE, pages);
	}
	viopf_container_close(c);
	return NULL;
}

/* A container comes, faults, converts and goes, and so does one of its devices. */
static void come_and_go(void)
{
	struct viopf_container *c;
	pthread_t thread;
	struct seen s;
	int fd;

	begin(&s, 2);
	fd = dup(viopf_container_fd(s.rig.c));
	assert_true(fd >= 0);
	assert_ok(viopf_container_from_fd(&c, fd));
	asker_stop = 0;
	assert_ok(pthread_create(&thread, NULL, asker, c));
	dev_write(&s.rig, IOVA_BASE, SIZE, SOFTDMA_OK);
	assert_ok(viopf_disable(s.rig.c));
	assert_ok(viopf_enable(s.rig.c));
	assert_ok(madvise(s.p, SIZE, MADV_DONTNEED));
	dev_write(&s.rig, IOVA_BASE, SIZE, SOFTDMA_OK);
	viopf_device_close(s.rig.dev[1]);
	s.rig.nr = 1;
	assert_ok(viopf_group_remove(s.rig.c, s.rig.bdf[1]));
	asker_stop = 1;
	assert_ok(pthread_join(thread, NULL));
	rig_close(&s.rig);
	munmap(s.p, SIZE);
}

static void read_while_it_goes(void)
{
	unsigned long files[2] = { };
	pthread_t threads[2];
	unsigned int i;

	trace_start();
	readers_stop = 0;
	for (i = 0; i < 2; i++)
		assert_ok(pthread_create(&threads[i], NULL, reader, &files[i]));
	for (i = 0; i < rounds(10); i++)
		come_and_go();
	readers_stop = 1;
	for (i = 0; i < 2; i++)
		assert_ok(pthread_join(threads[i], NULL));
	trace_stop();
	assert_true(files[0] && files[1]);
	assert_true(trace_count("iopf_answer", "container=", "SUCCESS", NULL));
}

static const struct suite_case cases[] = {
	CASE("a container in sysfs", a_container, .iopf = EXACT),
	CASE("its process ends", its_process_ends, .iopf = EXACT),
	CASE("its devices", devices, .iopf = EXACT),
	CASE("kinds of devices", kinds_of_devices, .iopf = EXACT, .softdma = "nofault=2",
	     .soft = 1),
	CASE("a flood", a_flood, .iopf = EXACT " max_faults=2", .soft = 1),
	CASE("a failure", a_failure, .iopf = EXACT, .soft = 1),
	CASE("a page request traced", a_request_traced, .iopf = EXACT),
	CASE("FAILURE traced", failure_traced, .iopf = EXACT),
	CASE("other events traced", events_traced, .iopf = EXACT),
	CASE("mappings listed", mappings_listed, .iopf = EXACT),
	CASE("mappings, asked for badly", mappings_refused, .iopf = EXACT),
	CASE("young and dirty pages", young_and_dirty, .iopf = PAGEWISE),
	CASE("read while it goes", read_while_it_goes, .iopf = EXACT),
};

int main(int argc, char **argv)
{
	return SUITE(cases, argc, argv);
}
