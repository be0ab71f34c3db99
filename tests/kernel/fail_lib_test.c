// SPDX-License-Identifier: GPL-2.0-only
/*
 * The library: each thing that it asks of the C library or the kernel fails once. Then the
 * call returns that failure and says so, leaves no memory and no file behind, and done again
 * it works.
 *
 * The linker puts what is below between the library and libc (tests/kernel/Makefile); what the
 * kernel does when it fails inside is fail_once_test's.
 *
 * LANES: stock
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "handled.h"
#include "wrapped.h"

#define SIZE	(8 * PAGE)
#define IOVA	(IOVA_BASE + (1ull << 30))

/* While it is on, what the library asks for is counted, and the @fails-th refused. */
static struct {
	int on;
	unsigned int nr;
	unsigned int fails;	/* 0: none */
	int err;		/* what that failed with */
	long memory;		/* how much more was allocated than freed, in pieces */
} asked;

static int is_refused(int err)
{
	if (!asked.on || ++asked.nr != asked.fails)
		return 0;
	asked.err = err;
	errno = err;
	return 1;
}

ssize_t __wrap_read(int fd, void *buf, size_t len)
{
	return is_refused(EIO) ? -1 : __real_read(fd, buf, len);
}

ssize_t __wrap_write(int fd, const void *buf, size_t len)
{
	return is_refused(EIO) ? -1 : __real_write(fd, buf, len);
}

ssize_t __wrap_pread(int fd, void *buf, size_t len, off_t at)
{
	return is_refused(EIO) ? -1 : __real_pread(fd, buf, len, at);
}

ssize_t __wrap_pwrite(int fd, const void *buf, size_t len, off_t at)
{
	return is_refused(EIO) ? -1 : __real_pwrite(fd, buf, len, at);
}

ssize_t __wrap_readlink(const char *path, char *buf, size_t len)
{
	return is_refused(ENOMEM) ? -1 : __real_readlink(path, buf, len);
}

int __wrap_access(const char *path, int mode)
{
	return is_refused(ENOMEM) ? -1 : __real_access(path, mode);
}

int __wrap_open(const char *path, int flags, int mode)
{
	return is_refused(EMFILE) ? -1 : __real_open(path, flags, mode);
}

int __wrap_ioctl(int fd, unsigned long call, void *arg)
{
	return is_refused(EIO) ? -1 : __real_ioctl(fd, call, arg);
}

void *__wrap_calloc(size_t nr, size_t size)
{
	if (is_refused(ENOMEM))
		return NULL;
	asked.memory += asked.on;
	return __real_calloc(nr, size);
}

void *__wrap_realloc(void *p, size_t size)
{
	if (is_refused(ENOMEM))
		return NULL;
	asked.memory += asked.on && !p;
	return __real_realloc(p, size);
}

void __wrap_free(void *p)
{
	asked.memory -= asked.on && p;
	__real_free(p);
}

/* What operations are done with. */
struct setting {
	struct handled h;		/* one device, and its container */
	const char *other;		/* a device that is in none */
	struct viopf_container *c;	/* another container */
	struct viopf_device *dev;
	char *p;
	uint32_t cookie;
};

/**
 * struct operation - a call of the library
 * @act: it; 0 or -errno
 * @before: what must be there for it
 * @after: takes away what it has made
 */
struct operation {
	int (*act)(struct setting *s);
	void (*before)(struct setting *s);
	void (*after)(struct setting *s);
};

static int new_container(struct setting *s)
{
	return viopf_container_new(&s->c);
}

static void is_new_container(struct setting *s)
{
	assert_int_equal(new_container(s), 0);
}

static void close_container(struct setting *s)
{
	viopf_container_close(s->c);
}

static int open_container(struct setting *s)
{
	return viopf_container_open(&s->c, &s->other, 1, VFIO_IOPF_IOMMU);
}

static int add_group(struct setting *s)
{
	return viopf_group_add(s->c, s->other);
}

static void is_added_group(struct setting *s)
{
	is_new_container(s);
	assert_int_equal(add_group(s), 0);
}

static int remove_group(struct setting *s)
{
	return viopf_group_remove(s->c, s->other);
}

static int set_iommu(struct setting *s)
{
	return viopf_set_iommu(s->c, VFIO_IOPF_IOMMU);
}

static void is_open_container(struct setting *s)
{
	assert_int_equal(open_container(s), 0);
}

static int open_device(struct setting *s)
{
	return viopf_device_open(s->c, s->other, &s->dev);
}

static void close_device(struct setting *s)
{
	viopf_device_close(s->dev);
	close_container(s);
}

static int check_extension(struct setting *s)
{
	int has = viopf_check_extension(s->h.rig.c, VFIO_IOPF);

	return has < 0 ? has : 0;
}

static int get_info(struct setting *s)
{
	struct viopf_info info;

	return viopf_get_info(s->h.rig.c, &info);
}

static int get_stats(struct setting *s)
{
	struct vfio_iopf_stats stats;

	return viopf_stats(s->h.rig.c, &stats);
}

static int turn_off(struct setting *s)
{
	return viopf_disable(s->h.rig.c);
}

static int turn_on(struct setting *s)
{
	return viopf_enable(s->h.rig.c);
}

static void is_on(struct setting *s)
{
	assert_int_equal(turn_on(s), 0);
}

static void is_off(struct setting *s)
{
	assert_int_equal(turn_off(s), 0);
}

static int map(struct setting *s)
{
	return viopf_map(s->h.rig.c, s->p, IOVA, SIZE, VIOPF_READ | VIOPF_WRITE);
}

static void is_mapped(struct setting *s)
{
	assert_int_equal(map(s), 0);
}

static int unmap(struct setting *s)
{
	return viopf_unmap(s->h.rig.c, IOVA, SIZE, NULL);
}

static void is_unmapped(struct setting *s)
{
	assert_int_equal(unmap(s), 0);
}

static int unmap_everything(struct setting *s)
{
	return viopf_unmap_all(s->c, NULL);
}

static int unmap_vaddr(struct setting *s)
{
	return viopf_unmap_vaddr(s->h.rig.c, IOVA, SIZE);
}

static int map_vaddr(struct setting *s)
{
	return viopf_map_vaddr(s->h.rig.c, s->p, IOVA, SIZE);
}

static void is_without_vaddr(struct setting *s)
{
	is_mapped(s);
	assert_int_equal(unmap_vaddr(s), 0);
}

static void has_vaddr_again(struct setting *s)
{
	assert_int_equal(map_vaddr(s), 0);
	is_unmapped(s);
}

static int start_tracking(struct setting *s)
{
	return viopf_dirty_start(s->h.rig.c);
}

static int stop_tracking(struct setting *s)
{
	return viopf_dirty_stop(s->h.rig.c);
}

static void is_tracked(struct setting *s)
{
	is_mapped(s);
	assert_int_equal(start_tracking(s), 0);
}

static void is_no_longer_tracked(struct setting *s)
{
	assert_int_equal(stop_tracking(s), 0);
}

static void is_not_tracked(struct setting *s)
{
	is_no_longer_tracked(s);
	is_unmapped(s);
}

static int get_dirty(struct setting *s)
{
	uint64_t bitmap[VIOPF_DIRTY_WORDS(SIZE)] = { 0 };

	return viopf_dirty_get(s->h.rig.c, IOVA, SIZE, bitmap);
}

static int unmap_dirty(struct setting *s)
{
	uint64_t bitmap[VIOPF_DIRTY_WORDS(SIZE)] = { 0 };

	return viopf_dirty_unmap(s->h.rig.c, IOVA, SIZE, bitmap, NULL);
}

static int advise(struct setting *s)
{
	return viopf_advise(s->h.rig.c, VFIO_IOPF_ADV_PIN, IOVA, SIZE, NULL);
}

static int get_residency(struct setting *s)
{
	unsigned char pages[SIZE / PAGE];

	return viopf_residency(s->h.rig.c, IOVA, SIZE, pages);
}

static int get_mappings(struct setting *s)
{
	struct vfio_iopf_mapping mappings[4];
	uint32_t count = ARRAY_SIZE(mappings);

	return viopf_mappings(s->h.rig.c, 0, mappings, &count);
}

static int open_fault_fd(struct setting *s)
{
	s->h.fd = viopf_fault_fd(s->h.rig.c);
	return s->h.fd < 0 ? s->h.fd : 0;
}

static void is_fault_fd_closed(struct setting *s)
{
	assert_ok(close(s->h.fd));
}

/* The device has asked, and user space decides. */
static void is_asked(struct setting *s)
{
	ask(&s->h, 0, 1, 0);
	wait_for(&s->h, 1);
}

static int read_fault(struct setting *s)
{
	struct vfio_iopf_fault fault;
	int nr = viopf_fault_read(s->h.fd, &fault, 1);

	s->cookie = fault.cookie;
	return nr < 0 ? nr : 0;
}

static int answer_fault(struct setting *s)
{
	return viopf_fault_answer(s->h.fd, s->cookie, VFIO_IOPF_FAULT_CONTINUE);
}

static void is_read(struct setting *s)
{
	is_asked(s);
	assert_int_equal(read_fault(s), 0);
}

static void has_ended(struct setting *s)
{
	ends(&s->h, 0, 1, SOFTDMA_OK);
	assert_ok(viopf_advise(s->h.rig.c, VFIO_IOPF_ADV_EVICT, IOVA_BASE, HANDLED_SIZE, NULL));
}

static void is_answered(struct setting *s)
{
	assert_int_equal(answer_fault(s), 0);
	has_ended(s);
}

static int read_config(struct setting *s)
{
	uint16_t vendor;

	return viopf_config_read(s->h.rig.dev[0], 0, &vendor, sizeof(vendor));
}

static int write_config(struct setting *s)
{
	uint8_t line = 0;

	return viopf_config_write(s->h.rig.dev[0], 0x3c, &line, sizeof(line));
}

static int set_bus_master(struct setting *s)
{
	return viopf_bus_master(s->dev, 1);
}

static int reset(struct setting *s)
{
	return viopf_reset(s->dev);
}

static void is_open_device(struct setting *s)
{
	is_open_container(s);
	assert_int_equal(open_device(s), 0);
}

static int bind_it(struct setting *s)
{
	return viopf_bind(s->other);
}

static int unbind_it(struct setting *s)
{
	return viopf_unbind(s->other);
}

static int give_it_back(struct setting *s)
{
	return viopf_give_back(s->other);
}

static void is_bound(struct setting *s)
{
	assert_int_equal(bind_it(s), 0);
}

static void is_unbound(struct setting *s)
{
	assert_int_equal(unbind_it(s), 0);
}

static unsigned int files_open(void)
{
	unsigned int nr = 0;
	int fd;

	for (fd = 0; fd < 1024; fd++)
		nr += fcntl(fd, F_GETFD) >= 0;
	return nr;
}

/* Does it with the @fails-th thing that it asks for refused, or none. */
static int act(struct setting *s, const struct operation *op, unsigned int fails)
{
	int ret;

	asked.on = 1;
	asked.nr = 0;
	asked.fails = fails;
	asked.err = 0;
	asked.memory = 0;
	ret = op->act(s);
	asked.on = 0;
	return ret;
}

static void fails_once(struct setting *s, const struct operation *op, unsigned int nth)
{
	unsigned int files;
	int ret;

	if (op->before)
		op->before(s);
	files = files_open();
	ret = act(s, op, nth);
	assert_msg(asked.err && ret == -asked.err, "failure %u, %d: returned %d, %s", nth,
		   asked.err, ret, viopf_error());
	assert_msg(strstr(viopf_error(), strerror(asked.err)), "failure %u: %s", nth,
		   viopf_error());
	assert_msg(!asked.memory, "failure %u: %ld pieces of memory left", nth, asked.memory);
	assert_int_equal(files_open(), files);
	assert_ok(act(s, op, 0));
	if (op->after)
		op->after(s);
}

static void each_fails_once(void)
{
	const struct operation *op = case_arg();
	char bdfs[MAX_DEVICES][16];
	unsigned int nth, nr;
	struct setting s;

	memset(&s, 0, sizeof(s));
	handled_open(&s.h, 1);
	assert_true(devices_list(bdfs) > 1);
	s.other = bdfs[1];
	s.p = mem_anon(SIZE);

	if (op->before)
		op->before(&s);
	assert_ok(act(&s, op, 0));
	nr = asked.nr;
	if (op->after)
		op->after(&s);
	assert_true(nr);
	print_message("%u\n", nr);
	for (nth = 1; nth <= nr; nth++)
		fails_once(&s, op, nth);

	handled_close(&s.h);
}

#define OPERATION(name_, act_, ...)						\
	CASE("each failure once: " name_, each_fails_once, .iopf = EXACT,	\
	     .arg = &(const struct operation){ .act = (act_), __VA_ARGS__ })

static const struct suite_case cases[] = {
	OPERATION("a new container", new_container, .after = close_container),
	OPERATION("a container with a group and its IOMMU", open_container,
		  .after = close_container),
	OPERATION("a group more", add_group, .before = is_new_container,
		  .after = close_container),
	OPERATION("a group less", remove_group, .before = is_added_group,
		  .after = close_container),
	OPERATION("choosing the IOMMU", set_iommu, .before = is_added_group,
		  .after = close_container),
	OPERATION("asking for an extension", check_extension),
	OPERATION("a device", open_device, .before = is_open_container,
		  .after = close_device),
	OPERATION("a device's bus mastering", set_bus_master, .before = is_open_device,
		  .after = close_device),
	OPERATION("a device's reset", reset, .before = is_open_device,
		  .after = close_device),
	OPERATION("reading config space", read_config),
	OPERATION("writing config space", write_config),
	OPERATION("binding", bind_it, .before = is_unbound),
	OPERATION("unbinding", unbind_it, .after = is_bound),
	OPERATION("giving back", give_it_back, .after = is_bound),
	OPERATION("MAP_DMA", map, .after = is_unmapped),
	OPERATION("UNMAP_DMA", unmap, .before = is_mapped),
	OPERATION("UNMAP_DMA of all", unmap_everything, .before = is_open_container,
		  .after = close_container),
	OPERATION("UNMAP_DMA VADDR", unmap_vaddr, .before = is_mapped,
		  .after = has_vaddr_again),
	OPERATION("MAP_DMA VADDR", map_vaddr, .before = is_without_vaddr,
		  .after = is_unmapped),
	OPERATION("GET_INFO", get_info),
	OPERATION("counters", get_stats),
	OPERATION("turning demand paging off", turn_off, .after = is_on),
	OPERATION("turning it on", turn_on, .before = is_off),
	OPERATION("tracking starts", start_tracking, .after = is_no_longer_tracked),
	OPERATION("tracking stops", stop_tracking, .before = is_tracked,
		  .after = is_unmapped),
	OPERATION("dirty pages", get_dirty, .before = is_tracked,
		  .after = is_not_tracked),
	OPERATION("dirty pages of what is unmapped", unmap_dirty, .before = is_tracked,
		  .after = is_no_longer_tracked),
	OPERATION("advice", advise, .before = is_mapped, .after = is_unmapped),
	OPERATION("residency", get_residency, .before = is_mapped,
		  .after = is_unmapped),
	OPERATION("a list of mappings", get_mappings),
	OPERATION("a fault fd", open_fault_fd, .before = is_fault_fd_closed),
	OPERATION("reading a page request", read_fault, .before = is_asked,
		  .after = is_answered),
	OPERATION("deciding on one", answer_fault, .before = is_read,
		  .after = has_ended),
};

int main(int argc, char **argv)
{
	return SUITE(cases, argc, argv);
}
