// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls of a container: VFIO's own of type1 and VFIO_IOPF_*, with good arguments and bad ones.
 * What they return is judged where the model knows: that mappings do not overlap, that just
 * those which lie in a range are unmapped, that each page which was written is reported dirty.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "world.h"

static bool overlaps(struct container *c, uint64_t iova, uint64_t pages)
{
	unsigned int i;

	for (i = 0; i < c->nr; i++) {
		const struct mapping *m = &c->mappings[i];

		if (iova < m->iova + m->pages * PAGE && m->iova < iova + pages * PAGE)
			return true;
	}
	return false;
}

static uint32_t op_rights(const struct op *op)
{
	static const uint32_t kinds[] = { 0, 0, 0, 0, 0, VIOPF_USER, VIOPF_PINNED,
					  VIOPF_FAULTABLE };
	static const uint32_t rights[] = { VIOPF_READ | VIOPF_WRITE, VIOPF_READ | VIOPF_WRITE,
					   VIOPF_READ, VIOPF_WRITE };

	return rights[op->kind & 3] | kinds[op->kind >> 2 & 7];
}

/* Memory for a mapping: of slot, page and length told by the operation's other half. */
static uint64_t op_uaddr(const struct op *op)
{
	return SLOT_BASE + (op->kind >> 5) % NR_SLOTS * SLOT_STRIDE +
	       (op->n >> 4) % SLOT_PAGES * PAGE;
}

void op_map(const struct op *op)
{
	struct container *c = op_container(op);
	uint64_t uaddr = op_uaddr(op);
	struct range range;
	uint32_t rights = op_rights(op);
	int err;

	if (!c || c->nr == MAX_MAPPINGS - 1)
		return;
	range = op_range(c, op);
	if (op->flags & 0x10)
		range.pages *= 32;
	if (op->flags & 0x20)
		uaddr &= ~(SLOT_SIZE - 1);
	/* Offsets in huge pages that are the same, so that leaves can be large. */
	if (op->flags & 0x40)
		range.iova &= ~(HUGE - 1);
	if (rights & VIOPF_PINNED)
		world.pins = true;
	err = viopf_map(c->c, (void *)uaddr, range.iova, range.pages * PAGE, rights);
	if (err == -EEXIST)
		JUDGE(overlaps(c, range.iova, range.pages), "EEXIST, and nothing is there");
	if (err)
		return;
	JUDGE(!overlaps(c, range.iova, range.pages), "mapped over what is mapped");
	mapping_add(c, range.iova, range.pages, uaddr, rights, false);
}

/* Bytes that an unmap of the range has to say, or -1 if it cuts a mapping. */
static int64_t unmaps(struct container *c, uint64_t iova, uint64_t bytes)
{
	int64_t sum = 0;
	unsigned int i;

	for (i = 0; i < c->nr; i++) {
		const struct mapping *m = &c->mappings[i];
		uint64_t end = m->iova + m->pages * PAGE;

		if (end <= iova || m->iova >= iova + bytes)
			continue;
		if (m->iova < iova || end > iova + bytes)
			return -1;
		sum += (int64_t)(m->pages * PAGE);
	}
	return sum;
}

static void note_unmapped(struct container *c, uint64_t iova, uint64_t bytes)
{
	unsigned int i;

	for (i = c->nr; i-- > 0;) {
		struct mapping *m = &c->mappings[i];

		if (m->iova >= iova && m->iova - iova < bytes)
			mapping_remove(c, m);
	}
}

static void unmap_all(struct container *c)
{
	uint64_t unmapped = 0, sum = 0;
	unsigned int i;

	for (i = 0; i < c->nr; i++)
		sum += c->mappings[i].pages * PAGE;
	JUDGE(!viopf_unmap_all(c->c, &unmapped), "%s", viopf_error());
	JUDGE(unmapped == sum, "all are %llu bytes, not %llu", (unsigned long long)unmapped,
	      (unsigned long long)sum);
	while (c->nr)
		mapping_remove(c, &c->mappings[0]);
}

void op_unmap(const struct op *op)
{
	struct container *c = op_container(op);
	uint64_t unmapped = 0, bytes;
	struct range range;
	int64_t want;
	int err;

	if (!c)
		return;
	if (op->kind % 16 == 15) {
		unmap_all(c);
		return;
	}
	range = op_range(c, op);
	bytes = range.pages * PAGE;
	err = viopf_unmap(c->c, range.iova, bytes, &unmapped);
	if (range.iova % PAGE || range.iova + bytes < range.iova)
		return;
	want = unmaps(c, range.iova, bytes);
	JUDGE((want < 0) == (err == -EINVAL) || err == -EINTR,
	      "unmap of %#llx, %llu bytes: %d, and %lld are there",
	      (unsigned long long)range.iova, (unsigned long long)bytes, err, (long long)want);
	if (err)
		return;
	JUDGE((int64_t)unmapped == want, "unmapped %llu bytes, not %lld",
	      (unsigned long long)unmapped, (long long)want);
	note_unmapped(c, range.iova, bytes);
}

void op_advise(const struct op *op)
{
	struct container *c = op_container(op);
	struct range range;
	uint64_t done = 0;
	uint64_t size;

	if (!c)
		return;
	range = op_range(c, op);
	size = range.pages * PAGE;
	if (op->kind % 7 == VFIO_IOPF_ADV_PIN)
		world.pins = true;
	viopf_advise(c->c, op->kind % 7, range.iova, size, &done);
	JUDGE(done <= size && !(done % PAGE), "advice done for %llu of %llu bytes",
	      (unsigned long long)done, (unsigned long long)size);
}

static int read_file(const char *path, const struct stat *state, int type, struct FTW *ftw)
{
	char text[4096];

	(void)state;
	(void)ftw;
	if (type == FTW_F)
		file_read(path, text, sizeof(text));
	return 0;
}

/* Questions, which change nothing. */
void op_ask(const struct op *op)
{
	struct container *c = op_container(op);
	struct vfio_iopf_mapping mappings[MAX_MAPPINGS + 1];
	uint32_t count = MAX_MAPPINGS + 1;
	unsigned char pages[SLOT_PAGES];
	struct vfio_iopf_stats stats;
	struct viopf_info info;
	struct range range;

	if (!c)
		return;
	range = op_range(c, op);
	switch (op->kind % 6) {
	case 0:
		if (range.pages <= sizeof(pages))
			viopf_residency(c->c, range.iova, range.pages * PAGE, pages);
		break;
	case 1:
		JUDGE(!viopf_mappings(c->c, op->flags & 8 ? range.iova : 0, mappings, &count) &&
		      (op->flags & 8 || count == c->nr), "%u mappings, not %u", count, c->nr);
		break;
	case 2:
		viopf_stats_sized(c->c, &stats, op->n % (sizeof(stats) + 1));
		break;
	case 3:
		viopf_get_info(c->c, &info);
		break;
	case 4:
		verify_residency();
		break;
	case 5:
		/* Some hundred files: seldom. */
		if (op->n % 32 == 0)
			nftw("/sys/devices/virtual/vfio_iopf", read_file, 16, FTW_PHYS);
		break;
	}
}

void op_mode(const struct op *op)
{
	struct container *c = op_container(op);

	if (!c)
		return;
	if (op->kind & 1) {
		viopf_enable(c->c);
		return;
	}
	world.pins = true;
	viopf_disable(c->c);
}

static void judge_dirty(struct container *c, const struct range *range, const uint64_t *bits)
{
	uint64_t i;

	for (i = 0; i < range->pages; i++) {
		uint64_t page = (range->iova - WINDOW_BASE) / PAGE + i;

		if (page >= WINDOW_PAGES || !mapping_at(c, range->iova + i * PAGE))
			continue;
		JUDGE(!c->must_be_dirty[page] || bits[i / 64] >> (i % 64) & 1,
		      "page %llu of the window was written, and is not dirty",
		      (unsigned long long)page);
		c->must_be_dirty[page] = 0;
	}
}

void op_dirty(const struct op *op)
{
	struct container *c = op_container(op);
	uint64_t bits[WINDOW_PAGES / 64] = { 0 }, unmapped = 0;
	struct range range;

	if (!c)
		return;
	range = op_range(c, op);
	if (op->flags & 0x80)
		range = (struct range){ WINDOW_BASE, WINDOW_PAGES };
	if (range.iova < WINDOW_BASE || range.iova % PAGE || range.pages > WINDOW_PAGES)
		return;
	switch (op->kind % 6) {
	case 0:
	case 1:
		if (!viopf_dirty_start(c->c))
			c->tracking = true;
		break;
	case 2:
		if (viopf_dirty_stop(c->c))
			break;
		c->tracking = false;
		memset(c->must_be_dirty, 0, sizeof(c->must_be_dirty));
		break;
	case 3:
	case 4:
		if (!viopf_dirty_get(c->c, range.iova, range.pages * PAGE, bits))
			judge_dirty(c, &range, bits);
		break;
	case 5:
		if (viopf_dirty_unmap(c->c, range.iova, range.pages * PAGE, bits, &unmapped))
			break;
		judge_dirty(c, &range, bits);
		note_unmapped(c, range.iova, range.pages * PAGE);
		break;
	}
}

/* Addresses are taken away, and given anew: perhaps others. */
/* What is pinned stays what it was: devices may still write to the memory that was mapped. */
static void leave_behind(const struct mapping *m)
{
	struct slot *slot;
	struct page *page;
	uint64_t i;

	for (i = 0; i < m->pages; i++) {
		page = memory_page(m->uaddr + i * PAGE, &slot);
		if (!page)
			continue;
		page->loose = 1;
		page_is_anything(page);
	}
}

void op_vaddr(const struct op *op)
{
	struct container *c = op_container(op);
	struct mapping *m;
	struct range range;
	uint64_t uaddr;
	unsigned int i;

	if (!c)
		return;
	range = op_range(c, op);
	if (op->kind & 1) {
		if (viopf_unmap_vaddr(c->c, range.iova, range.pages * PAGE))
			return;
		for (i = 0; i < c->nr; i++) {
			m = &c->mappings[i];
			m->away |= m->iova >= range.iova &&
				   m->iova - range.iova < range.pages * PAGE;
		}
		return;
	}
	m = mapping_at(c, range.iova);
	if (!m)
		return;
	uaddr = op->kind & 2 && m->iova != IOVA_RINGS ? op_uaddr(op) : m->uaddr;
	if (viopf_map_vaddr(c->c, (void *)uaddr, m->iova, m->pages * PAGE))
		return;
	JUDGE(m->away, "an address was updated that was not taken away");
	if (uaddr != m->uaddr && world.pins)
		leave_behind(m);
	m->borrowed = (m->borrowed || uaddr != m->uaddr) && world.pins;
	m->uaddr = uaddr;
	m->away = false;
	device_note_mapping(c, m);
}

static void fault_fd_open(struct container *c)
{
	int err;

	if (c->fault_fd >= 0) {
		err = viopf_fault_fd(c->c);
		JUDGE(err == -EBUSY || (c->odd && err < 0), "a second fault fd: %d", err);
		return;
	}
	c->fault_fd = viopf_fault_fd(c->c);
	if (c->fault_fd >= 0)
		fcntl(c->fault_fd, F_SETFL, O_NONBLOCK);
	c->nr_cookies = 0;
}

static void fault_fd_read(struct container *c, unsigned int room)
{
	struct vfio_iopf_fault faults[VFIO_IOPF_FAULT_GROUP_MAX];
	int i, n = viopf_fault_read(c->fault_fd, faults, 1 + room % VFIO_IOPF_FAULT_GROUP_MAX);

	for (i = 0; i < n; i++) {
		JUDGE(faults[i].cookie, "a cookie that is 0");
		if (faults[i].flags & VFIO_IOPF_FAULT_LAST && c->nr_cookies < 64)
			c->cookies[c->nr_cookies++] = faults[i].cookie;
	}
}

/* One of its devices does, when the answer comes there. */
static void one_stops(const struct container *c)
{
	unsigned int i;

	for (i = 0; i < NR_DEVICES; i++)
		if (container_of_device(&world.devices[i]) == c)
			world.devices[i].needs_reset = true;
}

void op_fault_fd(const struct op *op)
{
	struct container *c = op_container(op);
	enum vfio_iopf_fault_code code = op->n % 8 < 6 ? 0 : op->n % 8 - 5;

	if (!c)
		return;
	if (op->kind % 8 == 0 || c->fault_fd < 0) {
		fault_fd_open(c);
	} else if (op->kind % 8 < 4) {
		fault_fd_read(c, op->n);
	} else if (op->kind % 8 < 7) {
		uint32_t cookie = op->n;

		if (c->nr_cookies)
			cookie = c->cookies[--c->nr_cookies];
		viopf_fault_answer(c->fault_fd, cookie, code);
		if (code == VFIO_IOPF_FAULT_FAILURE)
			one_stops(c);
	} else {
		fault_fd_close(c);
	}
}

/* Any call with any argument; of those that change something, with one that can't be good. */
void op_raw(const struct op *op)
{
	static const unsigned long calls[] = {
		VFIO_GET_API_VERSION, VFIO_CHECK_EXTENSION, VFIO_SET_IOMMU, VFIO_IOMMU_GET_INFO,
		VFIO_IOMMU_MAP_DMA, VFIO_IOMMU_UNMAP_DMA, VFIO_IOMMU_DIRTY_PAGES,
		VFIO_IOPF_ENABLE, VFIO_IOPF_STATS, VFIO_IOPF_DISABLE, VFIO_IOPF_ADVISE,
		VFIO_IOPF_RESIDENCY, VFIO_IOPF_FAULT_FD, VFIO_IOPF_MAPPINGS,
		_IO(VFIO_TYPE, VFIO_BASE + 63), _IO(VFIO_TYPE, VFIO_BASE + 71),
	};
	struct container *c = op_container(op);
	uint32_t words[32] = { 0 };
	unsigned long call;
	int ret;

	if (!c)
		return;
	call = calls[op->kind % ARRAY_SIZE(calls)];
	words[0] = op->n % 140;
	words[1] = op->flags & 1 ? op->at : 0;
	words[2 + op->at % 16] = ~0u;
	/* Neither a flag that is known nor a size that could be right. */
	if (op->flags & 2)
		words[1] |= 1u << 31;
	else
		words[0] %= 8;
	ret = ioctl(c->fd, call, op->flags & 4 ? (void *)(uintptr_t)op->at : words);
	/* GET_INFO looks at no flags, as type1's. */
	if (call != VFIO_GET_API_VERSION && call != VFIO_CHECK_EXTENSION &&
	    call != VFIO_IOMMU_GET_INFO)
		JUDGE(ret < 0, "call %#lx succeeds with argsz %u, flags %#x", call, words[0],
		      words[1]);
}
