/* SPDX-License-Identifier: GPL-2.0-only */
/* For the unit tests: bitmaps, a bit at a time: slow and plain. */
#ifndef SHIM_LINUX_BITMAP_H
#define SHIM_LINUX_BITMAP_H

#include <linux/bits.h>
#include <linux/types.h>

#define BITS_TO_LONGS(nr)	(((nr) + BITS_PER_LONG - 1) / BITS_PER_LONG)

static inline bool test_bit(unsigned long nr, const unsigned long *map)
{
	return map[nr / BITS_PER_LONG] >> (nr % BITS_PER_LONG) & 1;
}

static inline void bitmap_set(unsigned long *map, unsigned int start,
			      unsigned int nr)
{
	for (; nr; nr--, start++)
		map[start / BITS_PER_LONG] |= BIT(start % BITS_PER_LONG);
}

static inline void bitmap_clear(unsigned long *map, unsigned int start,
				unsigned int nr)
{
	for (; nr; nr--, start++)
		map[start / BITS_PER_LONG] &= ~BIT(start % BITS_PER_LONG);
}

static inline void bitmap_or(unsigned long *to, const unsigned long *a,
			     const unsigned long *b, unsigned int nr)
{
	for (; nr; nr--)
		if (test_bit(nr - 1, a) || test_bit(nr - 1, b))
			bitmap_set(to, nr - 1, 1);
}

static inline bool bitmap_intersects(const unsigned long *a,
				     const unsigned long *b, unsigned int nr)
{
	for (; nr; nr--)
		if (test_bit(nr - 1, a) && test_bit(nr - 1, b))
			return true;
	return false;
}

static inline unsigned long shim_next(const unsigned long *map,
				      unsigned long size, unsigned long from,
				      bool set)
{
	while (from < size && test_bit(from, map) != set)
		from++;
	return from < size ? from : size;
}

static inline unsigned long find_next_bit(const unsigned long *map,
					  unsigned long size,
					  unsigned long from)
{
	return shim_next(map, size, from, true);
}

static inline unsigned long find_next_zero_bit(const unsigned long *map,
					       unsigned long size,
					       unsigned long from)
{
	return shim_next(map, size, from, false);
}

#endif /* SHIM_LINUX_BITMAP_H */
