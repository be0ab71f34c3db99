// SPDX-License-Identifier: GPL-2.0-only
/*
 * Scenarios: extensions, choosing a backend, numbers that are no call.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "world.h"

/* CHECK_EXTENSION of all numbers there are, and of some there aren't. */
static void ask_extensions(struct world *w, const char *when)
{
	static const unsigned long odd[] = { 255, 0x7fffffff, 0xffffffff, ~0ul };
	char step[64];
	unsigned long i;

	for (i = 0; i <= 16 + ARRAY_SIZE(odd); i++) {
		unsigned long nr = i <= 16 ? i : odd[i - 17];

		snprintf(step, sizeof(step), "%s, extension %#lx", when, nr);
		w_call(w, step, VFIO_CHECK_EXTENSION, (void *)nr);
	}
}

static void extensions(struct world *w)
{
	w_open(w);
	w_call(w, "version of the interface", VFIO_GET_API_VERSION, NULL);
	ask_extensions(w, "empty");
	w_join(w, "a group joins", FIRST);
	ask_extensions(w, "with a group");
	w_set_iommu(w, "a backend is chosen", w->setup->version);
	ask_extensions(w, "with a backend");
	w_leave(w, "the group leaves", FIRST);
	ask_extensions(w, "empty again");
}

/* Each of type1's calls, as far as the backend lets it. */
static void make_calls(struct world *w, const char *when)
{
	const struct vfio_iommu_type1_dma_map map = { .argsz = sizeof(map) };
	struct vfio_iommu_type1_dma_unmap unmap = { .argsz = sizeof(unmap) };
	struct vfio_iommu_type1_info info = { .argsz = sizeof(info) };
	const struct vfio_iommu_type1_dirty_bitmap dirty = {
		.argsz = sizeof(dirty), .flags = VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP,
	};
	char step[64];

	snprintf(step, sizeof(step), "GET_INFO %s", when);
	w_call(w, step, VFIO_IOMMU_GET_INFO, &info);
	snprintf(step, sizeof(step), "MAP_DMA %s", when);
	w_call(w, step, VFIO_IOMMU_MAP_DMA, &map);
	snprintf(step, sizeof(step), "UNMAP_DMA %s", when);
	w_call(w, step, VFIO_IOMMU_UNMAP_DMA, &unmap);
	snprintf(step, sizeof(step), "DIRTY_PAGES %s", when);
	w_call(w, step, VFIO_IOMMU_DIRTY_PAGES, &dirty);
}

static void choosing(struct world *w)
{
	unsigned long version = w->setup->version;
	unsigned long other = VFIO_TYPE1_IOMMU + VFIO_TYPE1v2_IOMMU - version;

	w_open(w);
	make_calls(w, "without a group");
	w_set_iommu(w, "without a group", version);
	w_join(w, "a group joins", FIRST);
	make_calls(w, "without a backend");
	w_set_iommu(w, "number 0", 0);
	w_set_iommu(w, "number 2, which is another machine's", VFIO_SPAPR_TCE_IOMMU);
	w_set_iommu(w, "an extension that is no backend", VFIO_DMA_CC_IOMMU);
	w_set_iommu(w, "nesting, which this IOMMU has not", VFIO_TYPE1_NESTING_IOMMU);
	w_set_iommu(w, "a number nobody knows", 0x7fffffff);
	make_calls(w, "after refusals");
	w_set_iommu(w, "its own", version);
	make_calls(w, "with a backend");
	w_set_iommu(w, "its own again", version);
	w_set_iommu(w, "the other version", other);
	w_set_iommu(w, "a number nobody knows, with a backend", 0x7fffffff);
	w_leave(w, "the group leaves", FIRST);
	make_calls(w, "after the group left");
	w_join(w, "it joins again", FIRST);
	w_set_iommu(w, "then the other version", other);
	make_calls(w, "with the other version");
	w_leave(w, "it leaves again", FIRST);
}

static void note_ioctl(struct world *w, const char *step, int fd, unsigned long nr, void *arg)
{
	w_note(w, step, "%s", w_result(ioctl(fd, nr, arg)));
}

/* A device's fd is a number of no interest. */
static int get_device(struct world *w, const char *step, int group)
{
	int fd = ioctl(group, VFIO_GROUP_GET_DEVICE_FD, w->bdf[FIRST]);

	w_note(w, step, "%s", fd < 0 ? w_result(fd) : "a device");
	return fd;
}

static void groups_raw(struct world *w)
{
	int group, device, none = -1, zero;
	struct vfio_group_status status = { .argsz = sizeof(status) };

	w_open(w);
	group = w_group_file(w, FIRST);
	assert_true(group >= 0);
	zero = open("/dev/zero", O_RDWR | O_CLOEXEC);
	w_note(w, "its file is opened twice", "%s", w_result(w_group_file(w, FIRST)));
	get_device(w, "a device without a container", group);
	note_ioctl(w, "UNSET_CONTAINER without one", group, VFIO_GROUP_UNSET_CONTAINER, NULL);
	note_ioctl(w, "SET_CONTAINER to nothing", group, VFIO_GROUP_SET_CONTAINER, &none);
	note_ioctl(w, "SET_CONTAINER to another file", group, VFIO_GROUP_SET_CONTAINER, &zero);
	note_ioctl(w, "SET_CONTAINER, no pointer", group, VFIO_GROUP_SET_CONTAINER, NULL);
	note_ioctl(w, "SET_CONTAINER", group, VFIO_GROUP_SET_CONTAINER, &w->fd);
	note_ioctl(w, "SET_CONTAINER again", group, VFIO_GROUP_SET_CONTAINER, &w->fd);
	get_device(w, "a device without a backend", group);
	w_set_iommu(w, "SET_IOMMU", w->setup->version);
	note_ioctl(w, "GET_STATUS", group, VFIO_GROUP_GET_STATUS, &status);
	w_note(w, "its flags", "%#x", status.flags);
	device = get_device(w, "a device", group);
	note_ioctl(w, "UNSET_CONTAINER with a device open", group, VFIO_GROUP_UNSET_CONTAINER,
		   NULL);
	close(device);
	note_ioctl(w, "UNSET_CONTAINER", group, VFIO_GROUP_UNSET_CONTAINER, NULL);
	w_set_iommu(w, "SET_IOMMU without a group", w->setup->version);
	close(group);
	close(zero);
}

/*
 * Every number of VFIO's, without an argument; DIRTY_PAGES on v1, and those that
 * VFIO's core answers, are among them.
 */
static void unknown_calls(struct world *w)
{
	char step[64];
	unsigned int nr;

	for (nr = 0; nr < 0x100 - VFIO_BASE; nr++) {
		snprintf(step, sizeof(step), "call %u of VFIO's, no argument", nr);
		w_call(w, step, _IO(VFIO_TYPE, VFIO_BASE + nr), NULL);
	}
	w_call(w, "a call of another type", _IO('!', VFIO_BASE + 13), NULL);
	w_call(w, "MAP_DMA with a size in its number", _IOWR(VFIO_TYPE, VFIO_BASE + 13, int), NULL);
}

/* The container's file goes first, then the group's: mappings live until then. */
static void closing(struct world *w)
{
	char *p = mem_anon(16 * PAGE);
	int group, fd;

	memset(p, 1, 16 * PAGE);
	fd = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	group = w_group_file(w, FIRST);
	note_ioctl(w, "SET_CONTAINER", group, VFIO_GROUP_SET_CONTAINER, &fd);
	w->fd = fd;
	w_set_iommu(w, "SET_IOMMU", w->setup->version);
	w_map(w, "map", IOVA, p, 16 * PAGE);
	w_state(w, "mapped");
	close(fd);
	w_locked(w, "the container's file closed");
	close(group);
	w_note(w, "the group's file closed", "%s",
	       wait_until(status_kb("VmLck") == w->locked_before, 20) ? "nothing locked" :
	       "still locked");
}

/* The parameters of the module: as type1 has them. */
static void parameters(struct world *w)
{
	w_param(w, "allow_unsafe_interrupts", "N");
	w_open(w);
	w_join(w, "the Intel IOMMU's group joins", FOREIGN);
	w_set_iommu(w, "no interrupt remapping, not allowed", w->setup->version);
	w_param(w, "allow_unsafe_interrupts", "Y");
	w_set_iommu(w, "no interrupt remapping, allowed", w->setup->version);
	w_leave(w, "leave", FOREIGN);
	w_param(w, "allow_unsafe_interrupts", "N");
	w_join(w, "the software IOMMU's group joins", FIRST);
	w_set_iommu(w, "its interrupts are isolated", w->setup->version);
	w_join(w, "the Intel IOMMU's group joins too, not allowed", FOREIGN);
	w_param(w, "allow_unsafe_interrupts", "Y");
	w_join(w, "the Intel IOMMU's group joins too, allowed", FOREIGN);
	w_param(w, "allow_unsafe_interrupts", "maybe");
	w_param(w, "dma_entry_limit", "-1");
	w_param(w, "dma_entry_limit", "4294967296");
	w_param(w, "disable_hugepages", "maybe");
	w_param(w, "disable_hugepages", "Y");
	w_param(w, "disable_hugepages", "N");
}

const struct scenario container_scenarios[] = {
	SCENARIO("S10 type1: extensions", extensions, .bare = 1),
	SCENARIO("S10 type1: choosing a backend", choosing, .bare = 1),
	SCENARIO("S10 type1: groups, raw", groups_raw, .bare = 1),
	SCENARIO("S10 type1: numbers that are no call", unknown_calls),
	SCENARIO("R9 type1: the container's file closed first", closing, .bare = 1),
	SCENARIO("S10 type1: parameters", parameters, .bare = 1),
	{ 0 }
};
