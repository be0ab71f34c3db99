// SPDX-License-Identifier: GPL-2.0-only
/*
 * softiommu's page table against a model that is a list of leaves, in no order.
 * Memory for tables may run out at any moment, and every table must be given
 * back in the end.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/slab.h>

#include "../../soft/iommu/pgtable.h"
#include "support.h"

#define KIB		1024ULL
#define PAGE		(4 * KIB)
#define MIB2		(512 * PAGE)
#define GIB		(512 * MIB2)
#define APERTURE	BIT_ULL(48)

struct leaf {
	u64		iova, bytes, paddr;
	unsigned int	prot;
};

/* What the table's memory comes from. */
struct memory {
	unsigned int	tables;		/* in use */
	long		large;		/* leaves above 4 KiB that it was told of */
	unsigned int	takes_left;	/* splits that will be given a page */
};

struct model {
	struct leaf	*leaf;
	size_t		nr, room;
	unsigned int	takes_left;
	struct pgt_change change;
};

static void *memory_alloc(void *ctx, gfp_t gfp)
{
	struct memory *memory = ctx;
	void *table;

	(void)gfp;
	if (shim_fail_nth && !--shim_fail_nth)
		return NULL;
	table = aligned_alloc(PGT_TABLE_BYTES, PGT_TABLE_BYTES);
	if (!table)
		abort();
	memset(table, 0, PGT_TABLE_BYTES);
	memory->tables++;
	return table;
}

static void memory_free(void *ctx, void *table)
{
	struct memory *memory = ctx;

	memory->tables--;
	free(table);
}

static int memory_reserve(void *ctx, gfp_t gfp)
{
	struct memory *memory = ctx;

	(void)gfp;
	if (shim_fail_nth && !--shim_fail_nth)
		return -ENOMEM;
	memory->large++;
	return 0;
}

static void memory_unreserve(void *ctx)
{
	struct memory *memory = ctx;

	memory->large--;
}

static void *memory_take(void *ctx, int more)
{
	struct memory *memory = ctx;
	unsigned int nth = shim_fail_nth;
	void *table;

	if (!memory->takes_left)
		return NULL;
	memory->takes_left--;
	memory->large += more;
	shim_fail_nth = 0;
	table = memory_alloc(ctx, GFP_KERNEL);
	shim_fail_nth = nth;
	return table;
}

static const struct pgt_ops memory_ops = {
	.alloc = memory_alloc,
	.free = memory_free,
	.retire = memory_free,
	.reserve = memory_reserve,
	.unreserve = memory_unreserve,
	.take = memory_take,
};

static unsigned int level_of(u64 bytes)
{
	return bytes == PAGE ? 0 : bytes == MIB2 ? 1 : 2;
}

static void model_add(struct model *m, struct leaf leaf)
{
	if (m->nr == m->room) {
		m->room = m->room ? 2 * m->room : 64;
		m->leaf = reallocarray(m->leaf, m->room, sizeof(*m->leaf));
		if (!m->leaf)
			abort();
	}
	m->leaf[m->nr++] = leaf;
}

/* The first leaf found that has a byte in [@iova, @iova + @bytes). */
static struct leaf *model_find(const struct model *m, u64 iova, u64 bytes)
{
	size_t i;

	for (i = 0; i < m->nr; i++)
		if (m->leaf[i].iova < iova + bytes &&
		    m->leaf[i].iova + m->leaf[i].bytes > iova)
			return &m->leaf[i];
	return NULL;
}

static void model_remove(struct model *m, struct leaf *leaf)
{
	u64 last = leaf->iova + leaf->bytes - 1;

	m->change.leaves[level_of(leaf->bytes)]++;
	if (leaf->iova < m->change.start)
		m->change.start = leaf->iova;
	if (last > m->change.last)
		m->change.last = last;
	*leaf = m->leaf[--m->nr];
}

static bool model_split(struct model *m, struct leaf *leaf)
{
	struct leaf part = *leaf;
	unsigned int i;

	if (!m->takes_left)
		return false;
	m->takes_left--;
	m->change.split[level_of(leaf->bytes)]++;
	*leaf = m->leaf[--m->nr];
	part.bytes /= 512;
	for (i = 0; i < 512; i++) {
		model_add(m, part);
		part.iova += part.bytes;
		part.paddr += part.bytes;
	}
	return true;
}

static u64 model_unmap(struct model *m, u64 iova, u64 bytes,
		       enum pgt_unmap_mode mode)
{
	u64 done = 0, size;
	struct leaf *leaf;

	if (iova + bytes > APERTURE)
		return 0;
	while (done < bytes) {
		leaf = model_find(m, iova + done, 1);
		if (!leaf)
			break;
		size = leaf->bytes;
		if (leaf->iova == iova + done && size <= bytes - done) {
			model_remove(m, leaf);
			done += size;
		} else if (mode == PGT_UNMAP_WHOLE) {
			model_remove(m, leaf);
			return done + size;
		} else if (mode == PGT_UNMAP_REFUSE || !model_split(m, leaf)) {
			break;
		}
	}
	return done;
}

static void compare_change(const struct pgt_change *got,
			   const struct pgt_change *want)
{
	unsigned int i;

	for (i = 0; i < PGT_LEAF_LEVELS; i++) {
		CHECK(got->leaves[i] == want->leaves[i]);
		CHECK(got->split[i] == want->split[i]);
	}
	CHECK(got->start == want->start);
	CHECK(got->last == want->last);
}

static void compare_lookup(const struct pgt *pgt, const struct model *m,
			   u64 iova)
{
	struct leaf *want = iova < APERTURE ? model_find(m, iova, 1) : NULL;
	struct pgt_leaf got;

	CHECK(pgt_lookup(pgt, iova, &got) == !!want);
	if (!want)
		return;
	CHECK(got.paddr == want->paddr + (iova - want->iova));
	CHECK(got.bytes == want->bytes);
	CHECK(got.prot == want->prot);
}

static void compare_memory(const struct model *m, const struct memory *memory)
{
	long large = 0;
	size_t i;

	for (i = 0; i < m->nr; i++)
		large += m->leaf[i].bytes > PAGE;
	CHECK(memory->large == large);
	CHECK(memory->takes_left == m->takes_left);
}

static void map(struct pgt *pgt, struct model *m, u64 iova, struct bytes *b)
{
	static const u64 sizes[] = { PAGE, PAGE, PAGE, MIB2, MIB2, GIB };
	u64 bytes = sizes[bytes_below(b, 6)];
	u64 paddr = bytes * bytes_take(b, 1), mapped = 0, i, nr_free;
	u64 count = 1 + bytes_below(b, 6);
	unsigned int prot = 1 + bytes_below(b, 3), nth = bytes_take(b, 1) % 16;
	struct pgt_change change;
	int ret;

	iova -= iova % bytes;
	pgt_change_init(&change);
	shim_fail_nth = nth < 12 ? 0 : nth - 11;
	ret = pgt_map(pgt, iova, paddr, bytes, count, prot, GFP_KERNEL,
		      &mapped, &change);
	shim_fail_nth = 0;

	if (iova + bytes * count > APERTURE) {
		CHECK(ret == -ERANGE);
		CHECK(!mapped);
		return;
	}
	nr_free = 0;
	while (nr_free < count &&
	       !model_find(m, iova + nr_free * bytes, bytes))
		nr_free++;
	CHECK(mapped % bytes == 0 && mapped <= nr_free * bytes);
	CHECK(ret || mapped == count * bytes);
	CHECK(ret != -EEXIST || (mapped == nr_free * bytes && nr_free < count));
	CHECK(!ret || ret == -EEXIST || (ret == -ENOMEM && nth >= 12));
	for (i = 0; i < mapped; i += bytes)
		model_add(m, (struct leaf){ iova + i, bytes, paddr + i, prot });
	pgt_change_init(&m->change);
	m->change.leaves[level_of(bytes)] = mapped / bytes;
	compare_change(&change, &m->change);
}

static void unmap(struct pgt *pgt, struct model *m, u64 iova, u32 what,
		  struct bytes *b)
{
	static const u64 sizes[] = { PAGE, MIB2, GIB };
	u64 bytes = sizes[what / 4 % 3] * (1 + bytes_below(b, 4)) +
		    (what & 0x40 ? PAGE * bytes_below(b, 4) : 0);
	enum pgt_unmap_mode mode = bytes_below(b, 3);
	struct pgt_change change;

	pgt_change_init(&change);
	pgt_change_init(&m->change);
	CHECK(pgt_unmap(pgt, iova, bytes, mode, &change) ==
	      model_unmap(m, iova, bytes, mode));
	compare_change(&change, &m->change);
}

/* Counts the leaves still there. */
static void deinit(struct pgt *pgt, struct model *m)
{
	struct pgt_change change;
	size_t i;

	pgt_change_init(&change);
	pgt_change_init(&m->change);
	pgt_deinit(pgt, &change);
	for (i = 0; i < m->nr; i++)
		m->change.leaves[level_of(m->leaf[i].bytes)]++;
	compare_change(&change, &m->change);
}

/* Few places, at the edges of things. */
static u64 pick_iova(struct bytes *b)
{
	static const u64 base[] = { 0, 511 * GIB, APERTURE - 2 * GIB };
	static const u64 edge[] = { 0, 1, 2, 3, 255, 509, 510, 511 };

	return base[bytes_below(b, 3)] + GIB * bytes_below(b, 2) +
	       MIB2 * edge[bytes_below(b, 8)] + PAGE * edge[bytes_below(b, 8)];
}

void pgtable_drive(struct bytes *b)
{
	struct memory memory = { .takes_left = bytes_below(b, 20) };
	struct model m = { .takes_left = memory.takes_left };
	struct pgt pgt;

	CHECK(!pgt_init(&pgt, &memory_ops, &memory, GFP_KERNEL));
	while (b->left) {
		u32 what = bytes_take(b, 1);
		u64 iova = pick_iova(b);

		if (what % 4 < 2)
			map(&pgt, &m, iova, b);
		else
			unmap(&pgt, &m, iova, what, b);
		compare_lookup(&pgt, &m, iova + what);
		compare_lookup(&pgt, &m, pick_iova(b) + 4095);
		compare_memory(&m, &memory);
	}
	deinit(&pgt, &m);
	CHECK(!memory.tables);
	free(m.leaf);
}
