/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What type1 says of a range that goes on beyond the last byte there is, so that we say it
 * too. 6.12: EINVAL, and when asked for dirty pages also if the range ends there. No
 * header tells which it is: what goes by is an interface that went at about that time.
 */
#ifndef COMPAT_TYPE1_WRAPS_H
#define COMPAT_TYPE1_WRAPS_H

#include <linux/errno.h>
#include <linux/mm.h>
#include <linux/types.h>

#ifdef HAVE_IOMMU_DEV_FEAT_IOPF
#define COMPAT_EWRAPS	EINVAL

static inline bool compat_dirty_wraps(u64 first, u64 bytes)
{
	return first + bytes < first;
}
#else
#define COMPAT_EWRAPS	EOVERFLOW

static inline bool compat_dirty_wraps(u64 first, u64 bytes)
{
	return bytes && first + bytes - 1 < first;
}
#endif

static inline bool compat_pin_wraps(u64 first, int npage)
{
	return npage > 0 && first + (u64)npage * PAGE_SIZE - 1 < first;
}

#endif /* COMPAT_TYPE1_WRAPS_H */
