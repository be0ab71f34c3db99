// SPDX-License-Identifier: GPL-2.0-only
/*
 * Scenarios: VFIO_IOMMU_GET_INFO, of every size.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "world.h"

#define FILLER	0x5a

/* How many bytes from @p on are as they were, counted from the end of @size. */
static size_t untouched(const unsigned char *p, size_t size)
{
	size_t n = 0;

	while (n < size && p[size - 1 - n] == FILLER)
		n++;
	return n;
}

/* GET_INFO with @argsz: what came, and how far it wrote. */
static void info_of_size(struct world *w, uint32_t argsz)
{
	struct vfio_iommu_type1_info *info = malloc(PAGE);
	char step[64];
	int ret;

	assert_non_null(info);
	memset(info, FILLER, PAGE);
	info->argsz = argsz;
	ret = ioctl(w->fd, VFIO_IOMMU_GET_INFO, info);
	snprintf(step, sizeof(step), "argsz %u", argsz);
	if (ret || argsz > PAGE) {
		w_note(w, step, "%s, argsz %#x", w_result(ret), info->argsz);
	} else {
		w_note(w, step, "%s, argsz %u", w_result(ret), info->argsz);
		strcat(step, ", rest");
		w_note(w, step, "flags %#x, pgsizes %#llx, cap_offset %#x", info->flags,
		       info->iova_pgsizes, info->cap_offset);
		strcat(step, ", wrote");
		w_note(w, step, "%zu bytes", PAGE - untouched((void *)info, PAGE));
	}
	free(info);
}

static void chain(struct world *w, const char *when)
{
	struct vfio_iommu_type1_info *info = w_info(w);
	struct vfio_iommu_type1_info_cap_migration *mig;
	struct vfio_info_cap_header *head;
	char text[256] = "", step[64];
	uint32_t at = info ? info->cap_offset : 0;
	size_t len = 0;

	while (at && len < sizeof(text) - 32) {
		head = (void *)((char *)info + at);
		len += (size_t)sprintf(text + len, " %#x.%u", head->id, head->version);
		at = head->next;
	}
	snprintf(step, sizeof(step), "%s, capabilities", when);
	w_note(w, step, "%s", text[0] ? text + 1 : "none");
	mig = (void *)w_cap(info, VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION);
	snprintf(step, sizeof(step), "%s, migration", when);
	if (mig)
		w_note(w, step, "flags %#x, pgsizes %#llx, at most %#llx", mig->flags,
		       mig->pgsize_bitmap, mig->max_dirty_bitmap_size);
	else
		w_note(w, step, "not said");
	free(info);
	snprintf(step, sizeof(step), "%s, ranges", when);
	w_ranges(w, step);
	snprintf(step, sizeof(step), "%s, mappings", when);
	w_avail(w, step);
}

/* The structure ends where memory does, or can't be written. */
static void at_the_edge(struct world *w)
{
	char *edge = (char *)mem_anon(2 * PAGE) + PAGE;
	struct vfio_iommu_type1_info *info;

	munmap(edge, PAGE);
	info = (void *)(edge - sizeof(*info));
	info->argsz = sizeof(*info);
	w_call(w, "fits before the edge", VFIO_IOMMU_GET_INFO, info);
	info->argsz = PAGE;
	w_call(w, "no room for the chain it claims", VFIO_IOMMU_GET_INFO, info);
	info = (void *)(edge - 16);
	info->argsz = 16;
	w_call(w, "its head before the edge", VFIO_IOMMU_GET_INFO, info);
	info->argsz = 24;
	w_call(w, "cap_offset beyond the edge", VFIO_IOMMU_GET_INFO, info);
	info = (void *)(edge - 8);
	info->argsz = 16;
	w_call(w, "pgsizes beyond the edge", VFIO_IOMMU_GET_INFO, info);
	info = (void *)(edge - PAGE);
	info->argsz = sizeof(*info);
	assert_ok(mprotect(info, PAGE, PROT_READ));
	w_call(w, "read-only", VFIO_IOMMU_GET_INFO, info);
	w_call(w, "no pointer", VFIO_IOMMU_GET_INFO, NULL);
	w_call(w, "a kernel address", VFIO_IOMMU_GET_INFO, (void *)(1ul << 63));
}

static void sizes(struct world *w)
{
	static const uint32_t sizes[] = {
		0, 1, 4, 8, 12, 15, 16, 17, 20, 22, 23, 24, 25, 32, 56, 64, 96, 120, 4096,
		0x7fffffff, 0xffffffff,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		info_of_size(w, sizes[i]);
	/* One byte short of the room that type1 wants for its own: 24 + 32 + 16 + 48. */
	info_of_size(w, 119);
}

static void content(struct world *w)
{
	char *p = mem_anon(4 * PAGE);

	chain(w, "at first");
	w_map(w, "map", IOVA, p, PAGE);
	w_map(w, "map another", IOVA + 2 * PAGE, p + 2 * PAGE, PAGE);
	chain(w, "with two mappings");
	w_join(w, "a group of the same IOMMU joins", NEXT);
	chain(w, "with two groups");
	w_join(w, "a group of another IOMMU joins", OTHER);
	chain(w, "with two IOMMUs");
	w_join(w, "a group of an IOMMU of another kind joins", FOREIGN);
	chain(w, "with two kinds of IOMMUs");
	w_unmap(w, "unmap all of it", IOVA, 4 * PAGE);
	w_leave(w, "the software IOMMU's groups leave", FIRST);
	w_leave(w, "the next", NEXT);
	w_leave(w, "the last", OTHER);
	chain(w, "with the Intel IOMMU alone");
	w_join(w, "one comes back", OTHER);
	chain(w, "with both again");
	w_leave(w, "the Intel IOMMU's leaves", FOREIGN);
	chain(w, "with the software IOMMU alone");
}

const struct scenario info_scenarios[] = {
	SCENARIO("S10 type1: GET_INFO, sizes", sizes),
	SCENARIO("S10 type1: GET_INFO, content", content),
	SCENARIO("S10 type1: GET_INFO, pointers", at_the_edge),
	{ 0 }
};
