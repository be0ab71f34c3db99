// SPDX-License-Identifier: GPL-2.0-only
/*
 * Type1's calls, made raw, and written down.
 *
 * The device's ring is mapped only for the time of a DMA: so it is in nobody's
 * way, whatever the scenario unmaps or counts.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "world.h"

#define RING_LOG2	2
#define DMA_LIMIT_MS	60000

void w_note(struct world *w, const char *step, const char *fmt, ...)
{
	va_list args;

	fprintf(w->out, "%s: ", step);
	va_start(args, fmt);
	vfprintf(w->out, fmt, args);
	va_end(args);
	fputc('\n', w->out);
	fflush(w->out);
}

const char *w_result(long ret)
{
	static char text[32];

	if (ret < 0)
		return strerrorname_np(errno);
	snprintf(text, sizeof(text), "%ld", ret);
	return text;
}

long w_call(struct world *w, const char *step, unsigned long nr, const void *arg)
{
	long ret = ioctl(w->fd, nr, arg);

	w_note(w, step, "%s", w_result(ret));
	return ret;
}

void w_open(struct world *w)
{
	assert_ok(viopf_container_new(&w->c));
	w->fd = viopf_container_fd(w->c);
}

int w_group_file(struct world *w, enum place place)
{
	char path[96], target[128];
	ssize_t len;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu_group", w->bdf[place]);
	len = readlink(path, target, sizeof(target) - 1);
	assert_true(len > 0);
	target[len] = '\0';
	snprintf(path, sizeof(path), "/dev/vfio/%s", strrchr(target, '/') + 1);
	return open(path, O_RDWR | O_CLOEXEC);
}

void w_open_raw(struct world *w)
{
	int group = w_group_file(w, FIRST);

	assert_true(group >= 0);
	w->fd = open("/dev/vfio/vfio", O_RDWR);
	assert_true(w->fd >= 0);
	assert_ok(fcntl(group, F_SETFD, 0));
	assert_ok(ioctl(group, VFIO_GROUP_SET_CONTAINER, &w->fd));
	assert_ok(ioctl(w->fd, VFIO_SET_IOMMU, w->setup->version));
}

void w_exec(struct world *w, const char *part)
{
	char out[16], fd[16];

	snprintf(out, sizeof(out), "%d", fileno(w->out));
	snprintf(fd, sizeof(fd), "%d", w->fd);
	fcntl(fileno(w->out), F_SETFD, 0);
	execl("/proc/self/exe", "conformance", "--resume", part, out, fd, NULL);
	fail_msg("can't exec: %s", strerror(errno));
	abort();
}

struct child_part {
	struct world *w;
	void (*run)(struct world *w);
};

static void play_part(void *arg)
{
	struct child_part *part = arg;

	part->w->locked_before = status_kb("VmLck");
	part->run(part->w);
}

void w_in_child(struct world *w, void (*run)(struct world *w))
{
	struct child_part part = { .w = w, .run = run };

	child_wait(child_run(play_part, &part), 60);
}

static void close_device(struct world *w, enum place place)
{
	viopf_device_close(w->dev[place]);
	w->dev[place] = NULL;
}

void w_close(struct world *w)
{
	int i;

	for (i = 0; i < NR_PLACES; i++)
		close_device(w, i);
	viopf_container_close(w->c);
	w->c = NULL;
	w->fd = -1;
}

void w_join(struct world *w, const char *step, enum place place)
{
	int err = viopf_group_add(w->c, w->bdf[place]);

	errno = -err;
	if (step)
		w_note(w, step, "%s", w_result(err));
	else
		assert_msg(!err, "%s", viopf_error());
}

void w_leave(struct world *w, const char *step, enum place place)
{
	int err;

	close_device(w, place);
	err = viopf_group_remove(w->c, w->bdf[place]);
	errno = -err;
	if (step)
		w_note(w, step, "%s", w_result(err));
	else
		assert_msg(!err, "%s", viopf_error());
}

void w_set_iommu(struct world *w, const char *step, unsigned long version)
{
	int ret = ioctl(w->fd, VFIO_SET_IOMMU, version);

	if (step)
		w_note(w, step, "%s", w_result(ret));
	else
		assert_msg(!ret, "VFIO_SET_IOMMU %lu: %s", version, strerror(errno));
}

void w_map_as(struct world *w, const char *step, uint32_t flags, uint64_t iova,
	      uint64_t vaddr, uint64_t size)
{
	const struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map), .flags = flags, .vaddr = vaddr, .iova = iova, .size = size,
	};

	w_call(w, step, VFIO_IOMMU_MAP_DMA, &map);
}

void w_map(struct world *w, const char *step, uint64_t iova, const void *p, uint64_t size)
{
	w_map_as(w, step, RW, iova, (uintptr_t)p, size);
}

void w_unmap_as(struct world *w, const char *step, uint32_t flags, uint64_t iova, uint64_t size)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap), .flags = flags, .iova = iova, .size = size,
	};
	int ret = ioctl(w->fd, VFIO_IOMMU_UNMAP_DMA, &unmap);

	if (ret && unmap.size == size)
		w_note(w, step, "%s", w_result(ret));
	else
		w_note(w, step, "%s, %#llx bytes", w_result(ret),
		       (unsigned long long)unmap.size);
}

void w_unmap(struct world *w, const char *step, uint64_t iova, uint64_t size)
{
	w_unmap_as(w, step, 0, iova, size);
}

void w_clear(struct world *w)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap), .flags = UN_ALL,
	};

	assert_ok(ioctl(w->fd, VFIO_IOMMU_UNMAP_DMA, &unmap));
}

void w_map_try(struct world *w, const char *step, uint32_t flags, uint64_t iova,
	       uint64_t vaddr, uint64_t size)
{
	w_map_as(w, step, flags, iova, vaddr, size);
	w_clear(w);
}

void w_locked(struct world *w, const char *step)
{
	w_note(w, step, "%ld kB locked", status_kb("VmLck") - w->locked_before);
}

struct vfio_iommu_type1_info *w_info(struct world *w)
{
	struct vfio_iommu_type1_info *info = calloc(1, PAGE);

	assert_non_null(info);
	info->argsz = PAGE;
	if (!ioctl(w->fd, VFIO_IOMMU_GET_INFO, info))
		return info;
	free(info);
	return NULL;
}

struct vfio_info_cap_header *w_cap(struct vfio_iommu_type1_info *info, unsigned int id)
{
	uint32_t at = info && info->flags & VFIO_IOMMU_INFO_CAPS ? info->cap_offset : 0;

	while (at) {
		struct vfio_info_cap_header *head = (void *)((char *)info + at);

		if (head->id == id)
			return head;
		at = head->next;
	}
	return NULL;
}

void w_avail(struct world *w, const char *step)
{
	struct vfio_iommu_type1_info *info = w_info(w);
	struct vfio_iommu_type1_info_dma_avail *cap =
		(void *)w_cap(info, VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL);

	if (cap)
		w_note(w, step, "%u mappings left", cap->avail);
	else
		w_note(w, step, "not said");
	free(info);
}

void w_state(struct world *w, const char *step)
{
	w_locked(w, step);
	w_avail(w, step);
}

void w_ranges(struct world *w, const char *step)
{
	struct vfio_iommu_type1_info *info = w_info(w);
	struct vfio_iommu_type1_info_cap_iova_range *cap =
		(void *)w_cap(info, VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE);
	char text[512] = "";
	size_t len = 0;
	uint32_t i;

	for (i = 0; cap && i < cap->nr_iovas && len < sizeof(text) - 64; i++)
		len += (size_t)sprintf(text + len, " %#llx-%#llx", cap->iova_ranges[i].start,
				       cap->iova_ranges[i].end);
	w_note(w, step, "%s", cap ? text + !!len : "not said");
	free(info);
}

static const char *const status_name[] = {
	[SOFTDMA_OK] = "done",
	[SOFTDMA_BAD_DESC] = "bad descriptor",
	[SOFTDMA_FAULT_INVALID] = "no access",
	[SOFTDMA_FAULT_FAILURE] = "stopped",
	[SOFTDMA_ABORTED] = "aborted",
	[SOFTDMA_BUS_ERROR] = "not memory",
};

static void ring_map(struct world *w)
{
	const struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map), .flags = RW, .vaddr = (uintptr_t)w->ring,
		.iova = IOVA_RING, .size = PAGE,
	};

	assert_ok(ioctl(w->fd, VFIO_IOMMU_MAP_DMA, &map));
}

static void ring_unmap(struct world *w)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap), .iova = IOVA_RING, .size = PAGE,
	};

	assert_ok(ioctl(w->fd, VFIO_IOMMU_UNMAP_DMA, &unmap));
	assert_int_equal(unmap.size, PAGE);
}

static struct sdma *open_device(struct world *w, int place)
{
	if (!w->dev[place]) {
		assert_ok(viopf_device_open(w->c, w->bdf[place], &w->dev[place]));
		assert_ok(sdma_open(&w->dma[place], w->dev[place]));
	}
	return &w->dma[place];
}

static const char *run_desc(struct world *w, int place, struct softdma_desc *desc)
{
	struct sdma *dma = open_device(w, place);
	int status;

	memset(w->ring, 0, PAGE);
	ring_map(w);
	assert_ok(sdma_queue_start(dma, 0, w->ring, IOVA_RING, RING_LOG2));
	status = sdma_do(&dma->q[0], desc, DMA_LIMIT_MS);
	assert_ok(sdma_queue_stop(dma, 0));
	ring_unmap(w);
	if (status < 0) {
		errno = -status;
		return w_result(status);
	}
	return (size_t)status < ARRAY_SIZE(status_name) ? status_name[status] : "?";
}

void w_dma(struct world *w, const char *step, enum place place, uint64_t iova, const void *p)
{
	struct softdma_desc desc = sdma_fill(iova, PAGE, ++w->seed, 0);
	const char *how = run_desc(w, place, &desc);

	if (!p || desc.status != SOFTDMA_OK)
		w_note(w, step, "%s", how);
	else
		w_note(w, step, "%s, memory %s", how,
		       sdma_pattern_check(p, PAGE, w->seed, 0) ? "has not got it" : "has it");
}

void w_dma_read(struct world *w, const char *step, enum place place, uint64_t iova)
{
	struct softdma_desc desc = sdma_checksum(iova, PAGE, 0);

	w_note(w, step, "%s", run_desc(w, place, &desc));
}

void w_param(struct world *w, const char *name, const char *value)
{
	char path[128];
	int err;

	snprintf(path, sizeof(path), "/sys/module/%s/parameters/%s", w->module, name);
	err = file_write(path, value);
	errno = -err;
	w_note(w, name, "%s", w_result(err));
}

void w_dirty(struct world *w, const char *step, uint32_t flags)
{
	const struct vfio_iommu_type1_dirty_bitmap dirty = {
		.argsz = sizeof(dirty), .flags = flags,
	};

	w_call(w, step, VFIO_IOMMU_DIRTY_PAGES, &dirty);
}

void w_memlock(uint64_t bytes)
{
	const struct rlimit limit = { .rlim_cur = bytes, .rlim_max = RLIM_INFINITY };

	assert_ok(setrlimit(RLIMIT_MEMLOCK, &limit));
}

void w_unprivileged(uint64_t memlock_bytes)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	w_memlock(memlock_bytes);
	assert_ok(syscall(SYS_capget, &head, data));
	data[0].effective &= ~(1u << CAP_IPC_LOCK);
	assert_ok(syscall(SYS_capset, &head, data));
}
