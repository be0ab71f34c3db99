/* SPDX-License-Identifier: GPL-2.0-only */
/* For the unit tests: malloc(), made to fail when the test says so. */
#ifndef SHIM_LINUX_SLAB_H
#define SHIM_LINUX_SLAB_H

#include <linux/types.h>

#define GFP_KERNEL		0U

void *shim_alloc(size_t nr, size_t bytes, bool zero);
void *shim_realloc(void *old, size_t nr, size_t bytes);
void shim_free(void *p);

#define kmalloc(bytes, gfp)	((void)(gfp), shim_alloc(1, bytes, false))
#define kvcalloc(nr, bytes, gfp) ((void)(gfp), shim_alloc(nr, bytes, true))
#define krealloc_array(p, nr, bytes, gfp) \
	((void)(gfp), shim_realloc(p, nr, bytes))
#define kfree(p)		shim_free(p)
#define kvfree(p)		shim_free(p)

#endif /* SHIM_LINUX_SLAB_H */
