// SPDX-License-Identifier: GPL-2.0-only
/*
 * User space's bitmap of dirty pages, while it is being written.
 *
 * Bits are taken for good: once a segment's are cleared, or a mapping is gone, nothing
 * else knows of them. So before the first is taken the bitmap's pages are brought in and
 * pinned, with no lock held, as that may wait for anything; and they are mapped for the
 * kernel, so that bits can be written one after the other with all locks held, and
 * nothing can go wrong any more. Pages that user space takes out of its address space
 * meanwhile are written all the same; whoever does that gets what it asked for.
 *
 * A word of the bitmap is 64 bits, the lowest first, and need not be aligned. On the
 * machines that this is built for that is the same as bytes of 8 bits.
 */
#include <linux/sizes.h>
#include <linux/vmalloc.h>

#include "change/internal.h"

/* Bytes cleared at a time. */
#define VIOPF_BITMAP_STEP	((u64)SZ_1M)

/* The bytes of the words that bits [first, last] are in. */
static u64 viopf_bitmap_first_byte(u64 bit)
{
	return bit / 64 * 8;
}

static u64 viopf_bitmap_end_byte(u64 bit)
{
	return viopf_bitmap_first_byte(bit) + 8;
}

/* Pin all pages at @start; -errno as a copy to user space would have it. */
static int viopf_bitmap_pin(struct viopf_bitmap *bitmap, unsigned long start,
			    unsigned int nr_pages)
{
	long ret;

	while (bitmap->nr_pages < nr_pages) {
		ret = pin_user_pages_fast(start + bitmap->nr_pages * PAGE_SIZE,
					  nr_pages - bitmap->nr_pages,
					  FOLL_WRITE,
					  bitmap->pages + bitmap->nr_pages);
		if (ret == -EINTR || ret == -ENOMEM)
			return ret;
		if (ret <= 0)
			return -EFAULT;
		bitmap->nr_pages += ret;
		cond_resched();
	}
	return 0;
}

/**
 * viopf_bitmap_holds() - can these bits be written?
 * @bitmap: the bitmap
 * @first: first bit
 * @last: last bit
 *
 * Return: whether they can.
 */
bool viopf_bitmap_holds(const struct viopf_bitmap *bitmap, u64 first, u64 last)
{
	return bitmap->bytes && first >= bitmap->first && last <= bitmap->last;
}

/**
 * viopf_bitmap_hold() - make bits ready to be written
 * @bitmap: zeroed but for its address, or used before
 * @first: first bit
 * @last: last bit
 *
 * What was ready before is afterwards, too. May wait for anything that bringing in
 * user memory waits for, until a fatal signal.
 *
 * Return: 0; -EFAULT: user space can't write there; -ENOMEM; -EINTR. On an error
 * nothing is held.
 */
int viopf_bitmap_hold(struct viopf_bitmap *bitmap, u64 first, u64 last)
{
	unsigned long start, bytes;
	unsigned int nr_pages;
	int ret;

	if (bitmap->bytes) {
		first = min(first, bitmap->first);
		last = max(last, bitmap->last);
	}
	viopf_bitmap_release(bitmap);

	start = (unsigned long)bitmap->user + viopf_bitmap_first_byte(first);
	bytes = viopf_bitmap_end_byte(last) - viopf_bitmap_first_byte(first);
	nr_pages = DIV_ROUND_UP(offset_in_page(start) + bytes, PAGE_SIZE);
	bitmap->pages = kvmalloc_array(nr_pages, sizeof(*bitmap->pages),
				       GFP_KERNEL_ACCOUNT);
	if (!bitmap->pages)
		return -ENOMEM;
	ret = viopf_bitmap_pin(bitmap, start & PAGE_MASK, nr_pages);
	if (!ret) {
		bitmap->bytes = vmap(bitmap->pages, nr_pages, VM_MAP,
				     PAGE_KERNEL);
		ret = bitmap->bytes ? 0 : -ENOMEM;
	}
	if (ret) {
		viopf_bitmap_release(bitmap);
		return ret;
	}
	bitmap->first = first;
	bitmap->last = last;
	return 0;
}

/**
 * viopf_bitmap_release() - let go of what is held
 * @bitmap: the bitmap, which may hold nothing
 */
void viopf_bitmap_release(struct viopf_bitmap *bitmap)
{
	vunmap(bitmap->bytes);
	bitmap->bytes = NULL;
	unpin_user_pages_dirty_lock(bitmap->pages, bitmap->nr_pages, true);
	bitmap->nr_pages = 0;
	kvfree(bitmap->pages);
	bitmap->pages = NULL;
}

/* Where the byte of @bit is, which is held. */
static u8 *viopf_bitmap_byte(const struct viopf_bitmap *bitmap, u64 bit)
{
	u64 first = viopf_bitmap_first_byte(bitmap->first);

	return bitmap->bytes + offset_in_page(bitmap->user + first) +
	       (bit / 8 - first);
}

/**
 * viopf_bitmap_clear() - clear bits, up to the end of the last one's word
 * @bitmap: holds them
 * @first: first bit
 * @last: last bit
 *
 * As type1 does, which writes whole words, and of the first keeps what is below.
 */
void viopf_bitmap_clear(const struct viopf_bitmap *bitmap, u64 first, u64 last)
{
	u8 *byte = viopf_bitmap_byte(bitmap, first);
	u64 left = viopf_bitmap_end_byte(last) - first / 8 - 1, nr;

	*byte++ &= (1U << first % 8) - 1;
	/* It may have 256 MiB. */
	for (; left; left -= nr, byte += nr) {
		nr = min(left, VIOPF_BITMAP_STEP);
		memset(byte, 0, nr);
		cond_resched();
	}
}

/**
 * viopf_bitmap_set() - set a bit
 * @bitmap: holds it
 * @bit: which
 */
void viopf_bitmap_set(const struct viopf_bitmap *bitmap, u64 bit)
{
	*viopf_bitmap_byte(bitmap, bit) |= 1U << bit % 8;
}
