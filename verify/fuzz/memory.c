// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory: slots of a huge page each, of several kinds, and the model of what is in them.
 *
 * Whoever writes, writes a pattern with a seed of its own (softdma_pattern()), so what a page
 * holds is told by a seed; what it must not hold any more is told by its seed as well.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "world.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE	25
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE	23
#endif

#define RIGHTS		(PROT_READ | PROT_WRITE)
#define COPY_PAGES	64u
#define MOST_TOUCHED	32u
#define OWN_FAULTS	4u

static const enum slot_kind kinds[NR_SLOTS] = {
	SLOT_ANON, SLOT_ANON, SLOT_HUGE, SLOT_SHARED, SLOT_SHARED, SLOT_PRIVATE,
};

uint32_t memory_seed(void)
{
	static uint32_t last;

	/* 0 is for zeroes. */
	return ++last ? last : ++last;
}

struct page *memory_page(uint64_t uaddr, struct slot **slot)
{
	uint64_t at = uaddr - SLOT_BASE;

	if (uaddr < SLOT_BASE || at / SLOT_STRIDE >= NR_SLOTS || at % SLOT_STRIDE >= SLOT_SIZE)
		return NULL;
	*slot = &world.slots[at / SLOT_STRIDE];
	(*slot)->touched = true;
	return &(*slot)->page[at % SLOT_STRIDE / PAGE];
}

void page_is_anything(struct page *page)
{
	page->certain = ANY_WORDS;
}

void page_may_have(struct page *page, uint32_t seed, uint32_t offset)
{
	if (page->certain != EXACT_WORDS) {
		page_is_anything(page);
		return;
	}
	page->old = page->seed;
	page->old_offset = page->offset;
	page->seed = seed;
	page->offset = offset;
	page->certain = SOME_WORDS;
}

void page_wrote(struct page *page, uint32_t seed, uint32_t offset)
{
	page->seed = seed;
	page->offset = offset;
	page->certain = page->writers || page->loose ? ANY_WORDS : EXACT_WORDS;
}

static uint64_t word_of(uint32_t seed, uint32_t offset)
{
	return seed ? softdma_pattern(seed, offset) : 0;
}

bool page_may_hold(const struct page *page, uint32_t at, uint64_t word)
{
	if (page->certain == ANY_WORDS || word == word_of(page->seed, page->offset + at))
		return true;
	return page->certain == SOME_WORDS &&
	       (!word || word == word_of(page->old, page->old_offset + at));
}

/* Its content is gone, and reads as zero. */
static void page_discard(struct page *page)
{
	page_wrote(page, 0, 0);
	if (world.pins)
		page->loose = 1;
	if (page->loose)
		page_is_anything(page);
}

static void page_set_prot(struct page *page, uint8_t prot)
{
	page->prot = prot;
	if (world.pins)
		page->loose = 1;
}

static bool is_known(const struct page *page)
{
	return page->prot & PROT_READ && page->certain != ANY_WORDS;
}

static void check_words(const struct slot *slot, unsigned int i, const uint64_t *words,
			const char *why)
{
	const struct page *page = &slot->page[i];
	unsigned int at;

	if (!is_known(page))
		return;
	for (at = 0; at < PAGE; at += at == PAGE - 64 ? 56 : 64)
		JUDGE(page_may_hold(page, at, words[at / 8]),
		      "%s: slot %u page %u word %u is %#llx, seed %u", why,
		      (unsigned int)(slot - world.slots), i, at / 8,
		      (unsigned long long)words[at / 8], page->seed);
}

void memory_check_page(const struct slot *slot, unsigned int i, const char *why)
{
	check_words(slot, i, (const uint64_t *)(slot->p + i * PAGE), why);
}

static uint64_t copies[COPY_PAGES][PAGE / 8];

/* As the kernel copies it: a page fault for each page takes long where VMs are slow at them. */
static void check_copy(const struct slot *slot, unsigned int first, unsigned int n,
		       const char *why)
{
	struct iovec to = { copies, n * PAGE }, from = { slot->p + first * PAGE, n * PAGE };
	unsigned int i;

	JUDGE(process_vm_readv(getpid(), &to, 1, &from, 1, 0) == (ssize_t)(n * PAGE),
	      "%s: %u pages at page %u of slot %td can't be read: %s", why, n, first,
	      slot - world.slots, strerror(errno));
	for (i = 0; i < n; i++)
		check_words(slot, first + i, copies[i], why);
}

static void check_copies(const struct slot *slot, unsigned int first, unsigned int end,
			 bool (*wanted)(const struct page *page), const char *why)
{
	unsigned int i, n = 0;

	for (i = first; i <= end; i++) {
		bool takes = i < end && is_known(&slot->page[i]) && wanted(&slot->page[i]);

		if (n && (!takes || n == COPY_PAGES)) {
			check_copy(slot, i - n, n, why);
			n = 0;
		}
		n += takes;
	}
}

void memory_check_slot(const struct slot *slot, bool (*wanted)(const struct page *page),
		       const char *why)
{
	check_copies(slot, 0, SLOT_PAGES, wanted, why);
}

static bool was_written(const struct page *page)
{
	return page->seed || page->certain != EXACT_WORDS;
}

void memory_check(void)
{
	unsigned int s;

	for (s = 0; s < NR_SLOTS; s++)
		if (world.slots[s].touched)
			memory_check_slot(&world.slots[s], was_written, "at the end");
}

static bool is_private(const struct slot *slot)
{
	return slot->kind != SLOT_SHARED;
}

/* Have memory there, whatever was before. */
static void slot_map(struct slot *slot, size_t offset, size_t size, int prot)
{
	int flags = MAP_FIXED | (is_private(slot) ? MAP_PRIVATE : MAP_SHARED);
	void *p;

	if (slot->fd < 0)
		flags |= MAP_ANONYMOUS;
	p = mmap(slot->p + offset, size, prot, flags, slot->fd, slot->fd < 0 ? 0 : (off_t)offset);
	JUDGE(p == slot->p + offset, "mmap: %s", strerror(errno));
	madvise(p, size, slot->kind == SLOT_HUGE ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
}

static void slot_reset(struct slot *slot)
{
	unsigned int i;

	if (slot->fd >= 0)
		JUDGE(!ftruncate(slot->fd, 0) && !ftruncate(slot->fd, SLOT_SIZE), "ftruncate");
	slot_map(slot, 0, SLOT_SIZE, RIGHTS);
	memset(slot->page, 0, sizeof(slot->page));
	for (i = 0; i < SLOT_PAGES; i++)
		slot->page[i].prot = RIGHTS;
	slot->touched = false;
}

void memory_reset(void)
{
	unsigned int s;

	for (s = 0; s < NR_SLOTS; s++)
		if (world.slots[s].touched)
			slot_reset(&world.slots[s]);
}

void memory_open(void)
{
	unsigned int s;

	for (s = 0; s < NR_SLOTS; s++) {
		struct slot *slot = &world.slots[s];

		slot->kind = kinds[s];
		slot->p = (char *)(SLOT_BASE + s * SLOT_STRIDE);
		slot->fd = -1;
		if (slot->kind == SLOT_SHARED || slot->kind == SLOT_PRIVATE)
			slot->fd = memfd_new(SLOT_SIZE, 0);
		slot_reset(slot);
	}
}

struct part op_part(const struct op *op)
{
	struct part part = { .slot = &world.slots[op->who % NR_SLOTS] };

	part.first = op->at % SLOT_PAGES;
	part.n = 1 + op->n % 32;
	if (op->flags & 0x80)
		part.first = 0, part.n = SLOT_PAGES;
	if (part.n > SLOT_PAGES - part.first)
		part.n = SLOT_PAGES - part.first;
	part.p = part.slot->p + part.first * PAGE;
	part.size = part.n * PAGE;
	part.slot->touched = true;
	return part;
}

#define for_each_page(page, part) \
	for (page = &(part).slot->page[(part).first]; \
	     page < &(part).slot->page[(part).first + (part).n]; page++)

bool part_is_there(struct part *part)
{
	struct page *page;

	for_each_page(page, *part)
		if (!page->prot)
			return false;
	return true;
}

static void part_discard(struct part *part)
{
	struct page *page;

	for_each_page(page, *part)
		page_discard(page);
}

/* Some of it may have been lost before the call failed. */
static void part_may_be_lost(struct part *part)
{
	struct page *page;

	for_each_page(page, *part)
		page_may_have(page, 0, 0);
}

static void memory_lose(struct part *part, int advice, bool loses)
{
	int err;

	if (!part_is_there(part))
		return;
	/* What a device does meanwhile may come before or after. */
	err = madvise(part->p, part->size, advice);
	if (!loses)
		return;
	if (err)
		part_may_be_lost(part);
	else
		part_discard(part);
}

void part_lose(struct part *part)
{
	memory_lose(part, is_private(part->slot) ? MADV_DONTNEED : MADV_REMOVE, true);
}

void op_advise_memory(const struct op *op)
{
	static const int keep[] = {
		MADV_PAGEOUT, MADV_COLD, MADV_COLLAPSE, MADV_HUGEPAGE, MADV_NOHUGEPAGE,
		MADV_MERGEABLE, MADV_UNMERGEABLE, MADV_WILLNEED, MADV_POPULATE_WRITE, MADV_PAGEOUT,
	};
	struct part part = op_part(op);

	switch (op->kind % 8) {
	case 0:
	case 1:
		memory_lose(&part, MADV_DONTNEED, is_private(part.slot));
		break;
	case 2:
		if (part.slot->fd < 0 && part_is_there(&part)) {
			madvise(part.p, part.size, MADV_FREE);
			part_may_be_lost(&part);
		}
		break;
	case 3:
		memory_lose(&part, MADV_REMOVE, !is_private(part.slot));
		break;
	default:
		memory_lose(&part, keep[op->flags % 0x80 % ARRAY_SIZE(keep)], false);
		break;
	}
}

/* A device may reach them; the CPU leaves them alone. */
static void part_set_foreign(struct part *part)
{
	int fd = open("/sys/bus/pci/devices/0000:00:1f.2/resource5", O_RDONLY | O_CLOEXEC);
	struct page *page = &part->slot->page[part->first];

	if (fd < 0)
		return;
	if (mmap(part->p, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0) == part->p) {
		page_is_anything(page);
		page->prot = 0;
		page->loose = 1;
		page->foreign = 1;
	}
	close(fd);
}

static bool part_is_foreign(struct part *part)
{
	struct page *page;

	for_each_page(page, *part)
		if (page->foreign)
			return true;
	return false;
}

void op_protect(const struct op *op)
{
	static const uint8_t prots[] = { RIGHTS, PROT_READ, PROT_NONE, RIGHTS };
	uint8_t prot = prots[op->kind % ARRAY_SIZE(prots)];
	struct part part = op_part(op);
	unsigned int i;
	bool all;

	if (part_is_foreign(&part))
		return;
	/* Where something is not mapped, what is before it was changed. */
	all = !mprotect(part.p, part.size, prot);
	for (i = 0; i < part.n; i++)
		if (all || !mprotect(part.p + i * PAGE, PAGE, prot))
			page_set_prot(&part.slot->page[part.first + i], prot);
}

/* Move it away and back: what is there is the same, by another page table. */
static void part_move(struct part *part, bool stay)
{
	char *away = (char *)(SLOT_BASE + NR_SLOTS * SLOT_STRIDE);

	if (!part_is_there(part))
		return;
	if (mremap(part->p, part->size, part->size, MREMAP_MAYMOVE | MREMAP_FIXED, away) != away)
		return;
	if (stay)
		usleep(1000);
	JUDGE(mremap(away, part->size, part->size, MREMAP_MAYMOVE | MREMAP_FIXED, part->p) ==
	      part->p, "mremap: %s", strerror(errno));
	if (world.pins)
		part_discard(part);
}

void op_replace(const struct op *op)
{
	struct part part = op_part(op);
	struct page *page;

	if (op->flags % 8 == 7) {
		part_set_foreign(&part);
		return;
	}
	switch (op->kind % 4) {
	case 0:
		munmap(part.p, part.size);
		break;
	case 1:
		slot_map(part.slot, part.first * PAGE, part.size, RIGHTS);
		break;
	case 2:
		slot_map(part.slot, part.first * PAGE, part.size, PROT_READ);
		break;
	case 3:
		part_move(&part, op->flags & 1);
		return;
	}
	for_each_page(page, part) {
		page_set_prot(page, op->kind % 4 == 0 ? 0 : op->kind % 4 == 1 ? RIGHTS : PROT_READ);
		page->foreign = 0;
		if (is_private(part.slot))
			page_discard(page);
	}
}

static void write_copies(struct part *part, unsigned int first, uint32_t seed)
{
	struct iovec to[COPY_PAGES], from[COPY_PAGES];
	unsigned int i, n = 0;

	for (i = first; i < part->n; i++) {
		struct page *page = &part->slot->page[part->first + i];

		if (!(page->prot & PROT_WRITE))
			continue;
		sdma_pattern_fill(copies[n], PAGE, seed, i * PAGE);
		from[n] = (struct iovec){ copies[n], PAGE };
		to[n++] = (struct iovec){ part->p + i * PAGE, PAGE };
		page_wrote(page, seed, i * PAGE);
	}
	JUDGE(!n || process_vm_writev(getpid(), from, n, to, n, 0) == (ssize_t)(n * PAGE),
	      "memory can't be written: %s", strerror(errno));
}

static bool is_any(const struct page *page)
{
	(void)page;
	return true;
}

/* The CPU reads, or writes: a few pages by page faults of its own, the others by the kernel. */
void op_touch(const struct op *op)
{
	struct part part = op_part(op);
	uint32_t seed = memory_seed();
	unsigned int i, own;

	if (part.n > MOST_TOUCHED)
		part.n = MOST_TOUCHED;
	own = part.n < OWN_FAULTS ? part.n : OWN_FAULTS;
	for (i = 0; i < own; i++) {
		struct page *page = &part.slot->page[part.first + i];

		if (!(op->kind & 1)) {
			memory_check_page(part.slot, part.first + i, "the CPU reads");
		} else if (page->prot & PROT_WRITE) {
			sdma_pattern_fill(part.p + i * PAGE, PAGE, seed, i * PAGE);
			page_wrote(page, seed, i * PAGE);
		}
	}
	if (op->kind & 1)
		write_copies(&part, own, seed);
	else
		check_copies(part.slot, part.first + own, part.first + part.n, is_any,
			     "the kernel reads");
}
