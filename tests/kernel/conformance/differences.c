// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ways in which we are not like type1. Reasons are the numbered ones of
 * docs/type1.md; what is not here must not differ.
 */
#include <viopf.h>

#include "../lib/suite.h"
#include "transcript.h"

/* Where memory is paged in on demand. */
#define PAGED	(ON_FAULT_V1 | ON_FAULT_V2)
/* And can be dirty. */
#define TRACKED	ON_FAULT_V2

enum {
	NOT_LOCKED = 1, SEEN_LATER, NO_LIMIT, TRULY_DIRTY, OUR_CAPABILITY, OUR_CALLS,
	NOT_READABLE, FOLLOWS, STRAY_BITS,
};

const struct difference differences[] = {
	{ "", "*", PAGED, "* kB locked", "0 kB locked", NOT_LOCKED },
	{ "memlock, and mlock", "what is locked", PAGED, "64 kB locked", "32 kB locked",
	  NOT_LOCKED },

	{ "type1: MAP_DMA, wrapping", "*", PAGED, "EFAULT", "0", SEEN_LATER },
	{ "memory, anonymous", "*, MAP_DMA", PAGED, "EFAULT", "0", SEEN_LATER },
	{ "memory, anonymous", "read-only, for writing, first page is read", PAGED, "no access",
	  "done", SEEN_LATER },
	{ "memory, in part", "*, MAP_DMA", PAGED, "EFAULT", "0", SEEN_LATER },
	{ "memory, in part", "* page is *", PAGED, "no access", "done", SEEN_LATER },
	{ "memory, shared", "*, MAP_DMA", PAGED, "EFAULT", "0", SEEN_LATER },
	{ "memory, shared", "memfd, *, first page is read", PAGED, "no access", "done",
	  SEEN_LATER },
	{ "memory, files", "*, for writing, MAP_DMA", PAGED, "EFAULT", "0", SEEN_LATER },
	{ "memory, files", "*, for writing, * page is *", PAGED, "no access", "done", SEEN_LATER },
	{ "memory, a BAR in sysfs", "for both, read-only, MAP_DMA", PAGED, "EFAULT", "0",
	  SEEN_LATER },
	{ "memory, a BAR in sysfs", "for both, read-only, first page is read", PAGED,
	  "no access", "not memory", SEEN_LATER },
	{ "memlock, failing half-way", "with a hole at its end", PAGED, "EFAULT", "0",
	  SEEN_LATER },

	{ "memlock, the limit", "*", PAGED, "ENOMEM", "0", NO_LIMIT },
	{ "memlock, the limit", "a page more", PAGED, "65534 *", "65533 *", NO_LIMIT },
	{ "memlock, the limit", "over the limit at once", PAGED, "65535 *", "65534 *", NO_LIMIT },
	{ "memlock, with the capability", "without the capability", PAGED, "ENOMEM", "0",
	  NO_LIMIT },
	{ "memlock, with the capability", "unmapped", PAGED, "65535 *", "65534 *", NO_LIMIT },
	{ "memlock, and mlock", "one page of what is not", PAGED, "ENOMEM", "0", NO_LIMIT },
	{ "memlock, failing half-way", "over the limit at its end", PAGED, "ENOMEM", "0",
	  NO_LIMIT },
	{ "memlock, failing half-way", "* at its end", PAGED, "65535 *", "65534 *", NO_LIMIT },
	{ "memlock, two processes", "the child *", PAGED, "ENOMEM", "0", NO_LIMIT },
	{ "memlock, two processes", "*", PAGED, "0, 0 bytes", "0, 0x1000 bytes", NO_LIMIT },
	{ "VADDR, another process", "the child, over its limit", PAGED, "ENOMEM", "0", NO_LIMIT },
	{ "VADDR, another process", "the child, with a higher limit", PAGED, "0", "EINVAL",
	  NO_LIMIT },

	{ "dirty pages, bad ranges", "after all that", TRACKED, "0, 0xff *", "0, 0 0 0 0",
	  TRULY_DIRTY },
	{ "dirty pages, what is dirty", "at first", TRACKED, "0, 0xff *",
	  "0, 0 0 0 0", TRULY_DIRTY },
	{ "dirty pages, what is dirty", "a page written", TRACKED, "0, 0xff *", "0, 0x2 0 0 0",
	  TRULY_DIRTY },
	{ "dirty pages, what is dirty", "and again", TRACKED, "0, 0xff *", "0, 0 0 0 0",
	  TRULY_DIRTY },
	{ "dirty pages, what is dirty", "two pages written", TRACKED, "0, 0xff *", "0, 0x82 0 0 0",
	  TRULY_DIRTY },
	{ "dirty pages, what is dirty", "written while stopped", TRACKED, "0, 0xff *", "0, 0 0 0 0",
	  TRULY_DIRTY },
	{ "dirty pages, what is not", "then", TRACKED | ON_PINNED_V2, "0, 0xff *",
	  "0, 0 0 0 0", TRULY_DIRTY },
	{ "dirty pages, ranges", "the first", TRACKED, "0, 0x1f *", "0, 0x10 0 0 0", TRULY_DIRTY },
	{ "dirty pages, ranges", "the second", TRACKED, "0, 0x7 *", "0, 0x1 0 0 0", TRULY_DIRTY },
	{ "dirty pages, ranges", "the third", TRACKED, "0, 0xffffffffffffffff 0x3f 0 0",
	  "0, 0 0x20 0 0", TRULY_DIRTY },
	{ "dirty pages, ranges", "all", TRACKED, "0, 0xfffffffffff000ff 0x3ffffff 0 0",
	  "0, 0x10 0x2000000 0 0", TRULY_DIRTY },
	{ "dirty pages, ranges", "all, from before", TRACKED,
	  "0, 0xffffffffff80fff8 0x1ffffffffffff 0 0", "0, 0x100 0 0 0", TRULY_DIRTY },
	{ "dirty pages, ranges", "all, bits set", TRACKED,
	  "0, 0xffffffffffffffff 0xffffffffffffffff 0xaaaaaaaaaaaaaaaa 0xaaaaaaaaaaaaaaaa",
	  "0, 0x100000 0 0xaaaaaaaaaaaaaaaa 0xaaaaaaaaaaaaaaaa", TRULY_DIRTY },
	{ "dirty pages, with UNMAP_DMA", "the first, bitmap", TRACKED, "0, 0xff *", "0, 0x4 0 0 0",
	  TRULY_DIRTY },
	{ "dirty pages, with UNMAP_DMA", "both, bitmap", TRACKED, "0, 0xff00ff *",
	  "0, 0x10008 0 0 0", TRULY_DIRTY },
	{ "dirty pages, things that come", "mapped since", TRACKED, "0, 0xff *", "0, 0x2 0 0 0",
	  TRULY_DIRTY },
	{ "dirty pages, things that come", "written by it", TRACKED, "0, 0xff *", "0, 0x4 0 0 0",
	  TRULY_DIRTY },
	{ "dirty pages, things that come", "written by both", TRACKED, "0, 0xff *", "0, 0x18 0 0 0",
	  TRULY_DIRTY },
	{ "dirty pages, things that come", "written by one that left", TRACKED, "0, 0xff *",
	  "0, 0x20 0 0 0", TRULY_DIRTY },
	{ "dirty pages, ranges", "all, from before", ON_PINNED_V2,
	  "0, 0xffffffffff80fff8 0x1ffffffffffff 0 0", "0, 0xffffffffff8007f8 0x1fffffff 0 0",
	  STRAY_BITS },
	{ "dirty pages, ranges", "all, bits set", ON_PINNED_V2,
	  "0, 0xffffffffffffffff 0xffffffffffffffff 0xaaaaaaaaaaaaaaaa 0xaaaaaaaaaaaaaaaa",
	  "0, 0xfffffffffff000ff 0x3ffffff 0xaaaaaaaaaaaaaaaa 0xaaaaaaaaaaaaaaaa", STRAY_BITS },
	{ "dirty pages, things that come", "without address", TRACKED, "0, 0xff *", "0, 0 0 0 0",
	  TRULY_DIRTY },

	{ "GET_INFO, sizes", "argsz *", ON_ALL, "0, argsz 120", "0, argsz 160", OUR_CAPABILITY },
	{ "GET_INFO, sizes", "argsz 120, rest", ON_ALL, "*, cap_offset 0x18", "*, cap_offset 0",
	  OUR_CAPABILITY },
	{ "GET_INFO, sizes", "argsz 120, rest, wrote", ON_ALL, "120 bytes", "24 bytes",
	  OUR_CAPABILITY },
	{ "GET_INFO, sizes", "argsz 4096, rest, wrote", ON_ALL, "120 bytes", "160 bytes",
	  OUR_CAPABILITY },
	{ "GET_INFO, content", "*, capabilities", ON_ALL, "0x2.1 0x3.1 0x1.1",
	  "0x2.1 0x3.1 0x1.1 0x4950.1", OUR_CAPABILITY },

	{ "numbers that are no call", "call 6[4-9] of VFIO's, no argument", ON_ALL, "ENOTTY",
	  "EFAULT", OUR_CALLS },
	{ "numbers that are no call", "call 70 of VFIO's, no argument", ON_ALL, "ENOTTY",
	  "EFAULT", OUR_CALLS },
	{ "type1: MAP_DMA, flags", "unknown bit 2[4-6]", ON_ALL, "EINVAL", "0", OUR_CALLS },

	{ "memory, anonymous", "write-only, last page is written", PAGED, "done", "no access",
	  NOT_READABLE },
	{ "memory, that is changed", "write after m*", PAGED, "done*", "no access", FOLLOWS },
};

const size_t nr_differences = ARRAY_SIZE(differences);
