// SPDX-License-Identifier: GPL-2.0-only
/*
 * Containers and what they are put together of; and that all is as it was when an input has
 * ended: nothing mapped, pinned, charged, parked or failed.
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "world.h"

struct world world;

/* Container of each device in the beginning: two with two IOMMUs, one, one. */
static const int homes[NR_DEVICES] = { 0, 0, 1, 2, NO_CONTAINER, NO_CONTAINER };

struct container *container_of_device(const struct device *d)
{
	return d->container == NO_CONTAINER ? NULL : &world.containers[d->container];
}

struct mapping *mapping_at(struct container *c, uint64_t iova)
{
	unsigned int i;

	for (i = 0; i < c->nr; i++) {
		struct mapping *m = &c->mappings[i];

		if (iova >= m->iova && iova - m->iova < m->pages * PAGE)
			return m;
	}
	return NULL;
}

void mapping_add(struct container *c, uint64_t iova, uint64_t pages, uint64_t uaddr,
		 uint32_t rights, bool borrowed)
{
	JUDGE(c->nr < MAX_MAPPINGS, "too many mappings");
	c->mappings[c->nr++] = (struct mapping){
		.iova = iova, .pages = pages, .uaddr = uaddr, .rights = rights,
		.borrowed = borrowed,
	};
	device_note_mapping(c, &c->mappings[c->nr - 1]);
}

void mapping_remove(struct container *c, struct mapping *m)
{
	uint64_t first = (m->iova - WINDOW_BASE) / PAGE, i;

	for (i = first; m->iova >= WINDOW_BASE && i < first + m->pages && i < WINDOW_PAGES; i++)
		c->must_be_dirty[i] = 0;
	*m = c->mappings[--c->nr];
}

/* Memory for rings; mapped whenever a device needs it. */
int container_map_own(struct container *c)
{
	struct mapping *there = mapping_at(c, IOVA_RINGS);
	int err;

	/* An operation may have put other memory there. */
	if (there)
		return there->uaddr == (uintptr_t)c->own ? 0 : -EBUSY;
	if (c->nr == MAX_MAPPINGS)
		return -ENOSPC;
	err = viopf_map(c->c, c->own, IOVA_RINGS, OWN_PAGES * PAGE, VIOPF_READ | VIOPF_WRITE);
	if (!err)
		mapping_add(c, IOVA_RINGS, OWN_PAGES, (uintptr_t)c->own, VIOPF_READ | VIOPF_WRITE,
			    false);
	return err;
}

void fault_fd_close(struct container *c)
{
	if (c->fault_fd >= 0)
		close(c->fault_fd);
	c->fault_fd = -1;
	c->nr_cookies = 0;
}

/* Its last group has left: VFIO takes the backend away, and all that it had. */
void container_lost_iommu(struct container *c)
{
	fault_fd_close(c);
	c->has_iommu = false;
	c->nr = 0;
	c->tracking = false;
	memset(c->must_be_dirty, 0, sizeof(c->must_be_dirty));
}

int device_attach(struct device *d, int container)
{
	struct container *c = &world.containers[container];
	int err = viopf_group_add(c->c, d->bdf);

	if (err)
		return err;
	if (!c->has_iommu)
		err = viopf_set_iommu(c->c, VFIO_IOPF_IOMMU);
	c->groups++;
	c->has_iommu = true;
	d->container = container;
	if (!err)
		err = viopf_device_open(c->c, d->bdf, &d->dev);
	if (!err)
		err = sdma_open(&d->dma, d->dev);
	if (err)
		device_detach(d);
	return err;
}

void device_detach(struct device *d)
{
	struct container *c = container_of_device(d);

	device_forget_queues(d);
	viopf_device_close(d->dev);
	d->dev = NULL;
	d->container = NO_CONTAINER;
	d->needs_reset = false;
	d->is_stale = false;
	JUDGE(!viopf_group_remove(c->c, d->bdf), "a group stays: %s", viopf_error());
	if (!--c->groups)
		container_lost_iommu(c);
}

static void container_open(struct container *c)
{
	unsigned int i, index = (unsigned int)(c - world.containers);

	JUDGE(!viopf_container_new(&c->c), "%s", viopf_error());
	c->fd = viopf_container_fd(c->c);
	c->fault_fd = -1;
	c->groups = 0;
	c->changed = false;
	c->odd = false;
	c->nr_cookies = 0;
	container_lost_iommu(c);
	for (i = 0; i < world.nr_devices; i++)
		if (homes[i] == (int)index)
			JUDGE(!device_attach(&world.devices[i], (int)index), "%s", viopf_error());
	JUDGE(!container_map_own(c), "%s", viopf_error());
}

static void mdevs_leave(int container)
{
	unsigned int i;

	for (i = 0; i < NR_MDEVS; i++)
		if (world.mdev_container[i] == container)
			mdev_leave(i);
}

void container_close(struct container *c)
{
	int index = (int)(c - world.containers);
	unsigned int i;

	for (i = 0; i < world.nr_devices; i++)
		if (world.devices[i].container == index)
			device_detach(&world.devices[i]);
	mdevs_leave(index);
	fault_fd_close(c);
	viopf_container_close(c->c);
	c->c = NULL;
}

void world_ready(void)
{
	unsigned int i;

	for (i = 0; i < NR_CONTAINERS; i++)
		if (!world.containers[i].c)
			container_open(&world.containers[i]);
}

/* The first is used most, so that much comes together in it. */
unsigned int op_container_index(unsigned int who)
{
	static const unsigned int indexes[] = { 0, 0, 0, 0, 1, 2 };

	return indexes[who % ARRAY_SIZE(indexes)];
}

struct container *container_used(unsigned int index)
{
	struct container *c = &world.containers[index];

	c->used = true;
	return c->c && c->has_iommu ? c : NULL;
}

struct container *op_container(const struct op *op)
{
	return container_used(op_container_index(op->who));
}

/* Addresses at which sums wrap around, or that no IOMMU has, or that are not a page's. */
static uint64_t odd_address(unsigned int which)
{
	static const uint64_t odd[] = {
		0, ~0ull, ~0ull << 12, 1ull << 48, (1ull << 48) - PAGE, 1ull << 63,
		WINDOW_BASE + 1, WINDOW_BASE - PAGE, IOVA_RINGS, WINDOW_BASE + WINDOW_PAGES * PAGE,
	};

	return odd[which % ARRAY_SIZE(odd)];
}

struct range op_range(struct container *c, const struct op *op)
{
	struct range range = {
		.iova = WINDOW_BASE + op->at % WINDOW_PAGES * PAGE,
		.pages = 1 + op->n % 16,
	};
	const struct mapping *m;

	if ((op->flags & 7) == 7) {
		range.iova = odd_address(op->at);
	} else if ((op->flags & 7) >= 2 && c->nr) {
		m = &c->mappings[(op->at >> 6) % c->nr];
		/* The rings seldom. */
		if (m->iova == IOVA_RINGS && op->n % 16)
			m = &c->mappings[c->nr - 1];
		range.iova = m->iova + (op->at & 63) % m->pages * PAGE;
		if (op->flags & 8)
			range.iova = m->iova;
		if (op->flags & 8 || range.pages > m->pages)
			range.pages = m->pages;
	}
	return range;
}

/* All page requests were answered, each once. */
static bool is_answered(struct container *c, struct vfio_iopf_stats *s)
{
	JUDGE(!viopf_stats(c->c, s), "%s", viopf_error());
	return !s->faults_pending && s->groups == s->resp_success + s->resp_invalid +
						  s->resp_failure;
}

static void judge_rest(struct container *c)
{
	unsigned int index = (unsigned int)(c - world.containers);
	struct vfio_iopf_stats s;

	JUDGE(wait_until(is_answered(c, &s), 30),
	      "container %u: groups %llu, answered %llu + %llu + %llu, pending %llu, waiting %llu",
	      index, s.groups, s.resp_success, s.resp_invalid, s.resp_failure, s.faults_pending,
	      s.faults_waiting);
	JUDGE(c->odd || !(s.flags & VFIO_IOPF_STATS_FAILED), "container %u failed", index);
	if (c->odd) {
		c->changed |= s.flags & VFIO_IOPF_STATS_FAILED || s.unmap_mismatches ||
			      s.pages_kept;
		return;
	}
	JUDGE(s.mappings == c->nr, "container %u: %llu mappings, not %u", index, s.mappings, c->nr);
	JUDGE(s.resident_pages <= OWN_PAGES, "container %u: %llu pages resident", index,
	      s.resident_pages);
	JUDGE(!s.unmap_mismatches, "container %u: %llu mismatches of unmaps", index,
	      s.unmap_mismatches);
	JUDGE(!s.pages_kept, "container %u keeps pages", index);
	if (s.flags & VFIO_IOPF_STATS_ENABLED && !c->changed)
		JUDGE(!s.pinned_pages, "container %u: %llu pages pinned", index, s.pinned_pages);
}

/* Unmap what the input has mapped. */
static void container_empty(struct container *c)
{
	unsigned int i;

	if (c->tracking)
		viopf_dirty_stop(c->c);
	c->tracking = false;
	for (i = c->nr; i-- > 0;) {
		struct mapping m = c->mappings[i];
		uint64_t unmapped = 0;
		int err;

		if (m.iova == IOVA_RINGS && !m.away) {
			if (world.pins)
				viopf_advise(c->c, VFIO_IOPF_ADV_UNPIN, m.iova, m.pages * PAGE,
					     NULL);
			continue;
		}
		err = viopf_unmap(c->c, m.iova, m.pages * PAGE, &unmapped);
		JUDGE(!err && unmapped == m.pages * PAGE, "unmap of %#llx: %d, %llu bytes",
		      (unsigned long long)m.iova, err, (unsigned long long)unmapped);
		mapping_remove(c, &c->mappings[i]);
	}
	memset(c->must_be_dirty, 0, sizeof(c->must_be_dirty));
}

static void container_end(struct container *c)
{
	if (!c->c)
		return;
	fault_fd_close(c);
	mdevs_leave((int)(c - world.containers));
	if (c->has_iommu) {
		viopf_enable(c->c);
		container_empty(c);
		judge_rest(c);
	}
}

static bool is_at_home(const struct device *d)
{
	return d->container == homes[d - world.devices] && !d->needs_reset;
}

/* Now and then all is opened anew, for what can only be seen then. */
#define INPUTS_OF_A_CONTAINER	64

static void close_changed(void)
{
	static unsigned int inputs;
	unsigned int i;
	bool all = ++inputs % INPUTS_OF_A_CONTAINER == 0;

	for (i = 0; i < world.nr_devices; i++) {
		struct device *d = &world.devices[i];

		if (is_at_home(d))
			continue;
		if (d->container != NO_CONTAINER)
			world.containers[d->container].changed = true;
		if (homes[i] != NO_CONTAINER)
			world.containers[homes[i]].changed = true;
	}
	for (i = 0; i < NR_CONTAINERS; i++) {
		struct container *c = &world.containers[i];

		if (c->c && (all || c->changed || (c->odd && c->used) || !c->has_iommu))
			container_close(c);
		c->odd = false;
		c->used = false;
	}
}

static bool any_is_odd(void)
{
	unsigned int i;

	for (i = 0; i < NR_CONTAINERS; i++)
		if (world.containers[i].odd)
			return true;
	return false;
}

/* What an IOMMU loses that unmaps more than it is asked to stays pinned for good. */
static long lost_kb;

static void judge_memory(bool odd)
{
	char status[4096];

	file_read("/proc/self/status", status, sizeof(status));
	JUDGE(!number_after(status, "VmPin:") && !number_after(status, "VmLck:"),
	      "locked memory is left");
	if (odd)
		lost_kb = pinned_kb();
	JUDGE(wait_until(pinned_kb() <= lost_kb, 10), "%ld kB are pinned, %ld of them lost",
	      pinned_kb(), lost_kb);
}

void world_end(void)
{
	bool odd = any_is_odd();
	unsigned int i;

	signal_stop();
	children_end();
	uffd_end();
	knobs_reset();
	for (i = 0; i < world.nr_devices; i++)
		device_settle_all(&world.devices[i]);
	memory_check();
	verify_residency();
	for (i = 0; i < NR_CONTAINERS; i++)
		container_end(&world.containers[i]);
	close_changed();
	if (world.pins)
		judge_memory(odd);
	world.pins = false;
	memory_reset();
}

/* Once in a VM; where an input fails, libFuzzer may begin another process. */
static void load_modules(void)
{
	JUDGE(!module_insert("viopf_cov", NULL), "no viopf_cov.ko");
	JUDGE(!modules_load(NULL, "iommus=2", "devices=6 nofault=0x10 stall=0x20 outstanding=64"),
	      "can't load the modules");
	mdev_load(NR_MDEVS);
	swap_on_zram(128);
}

void world_open(void)
{
	char bdfs[MAX_DEVICES][16];
	unsigned int i;

	if (access("/sys/module/vfio_iommu_iopf", F_OK))
		load_modules();
	world.soft = hardware_is_soft();
	world.nr_devices = devices_list(bdfs);
	if (world.nr_devices > NR_DEVICES)
		world.nr_devices = NR_DEVICES;
	for (i = 0; i < world.nr_devices; i++) {
		memcpy(world.devices[i].bdf, bdfs[i], sizeof(bdfs[i]));
		world.devices[i].container = NO_CONTAINER;
	}
	for (i = 0; i < NR_MDEVS; i++)
		world.mdev_container[i] = NO_CONTAINER;
	for (i = 0; i < NR_CONTAINERS; i++) {
		world.containers[i].fault_fd = -1;
		world.containers[i].own = mem_shared(OWN_PAGES * PAGE);
		memset(world.containers[i].own, 0, OWN_PAGES * PAGE);
	}
	lost_kb = pinned_kb();
	memory_open();
	cgroup_open();
	knobs_open();
	world_ready();
}
