/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * softmdev: the contract of a mediated device that is not there
 *
 * softmdev.ko makes devices as mediated device drivers do: they have no IOMMU of
 * their own, so VFIO gives each a group made for it ("emulated IOMMU"), and they
 * reach a client's memory only by asking the container's backend to pin pages, or
 * to copy for them.  A client opens one like any VFIO device; then these calls, on
 * the device's file, have it do what such a driver does.  What they promise:
 *
 * M1  Identity.  Platform devices softmdev.0 to softmdev.(devices - 1) (module
 *     parameter "devices", 1 to 1024, default 1), each in an IOMMU group of its own.
 *     The group is the target of /sys/bus/platform/devices/softmdev.N/iommu_group,
 *     and the name for VFIO_GROUP_GET_DEVICE_FD is softmdev.N.  There are no regions
 *     and no interrupts.  The module cannot be removed while a device is open.
 * M2  Pins.  The device remembers each page that it has pinned, by IOVA and how
 *     often, and asks the backend for what it does not have nor gives back more than
 *     it has.  A call that fails has pinned nothing.
 * M3  Unmapping.  When the backend tells the device that a range is about to be
 *     unmapped, it counts that, remembers the range, and unpins all that it has there
 *     before it returns, unless it was told not to (SOFTMDEV_KEEP_PINS).  The stock
 *     type1 stops the machine if a device keeps its pins.
 * M4  Closing.  When its last file is closed the device unpins all that it has.  When
 *     it is opened anew its counts and flags are 0.
 * M5  Order.  Calls on a device, and what the backend tells it, happen one after the
 *     other, except for SOFTMDEV_RW without SOFTMDEV_RW_PINNED.
 *
 * All calls return a negative errno as errno, as usual: EFAULT for a bad pointer,
 * EINVAL for unknown flags or bits, ENOTTY for unknown calls, and those of the
 * backend (of vfio_pin_pages() and vfio_dma_rw()) as they are.
 */
#ifndef SOFTMDEV_H
#define SOFTMDEV_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define SOFTMDEV_NAME		"softmdev"
#define SOFTMDEV_MAX_DEVICES	1024
#define SOFTMDEV_MAX_PAGES	1024	/* of a call; backends take 512 */
#define SOFTMDEV_MAX_RW		0x100000
#define SOFTMDEV_UNMAPS		64

#define SOFTMDEV_READ		0x1u
#define SOFTMDEV_WRITE		0x2u

/**
 * struct softmdev_pin - SOFTMDEV_PIN and SOFTMDEV_UNPIN
 * @iova: of the first page, may be anywhere in it (the backend gets the page's start)
 * @npages: 1 to SOFTMDEV_MAX_PAGES
 * @prot: SOFTMDEV_READ, SOFTMDEV_WRITE or both; not for SOFTMDEV_UNPIN (0)
 * @pfns: where to put the page frame numbers, an array of __u64; 0: nowhere; not for
 *	SOFTMDEV_UNPIN (0)
 */
struct softmdev_pin {
	__u64 iova;
	__u32 npages;
	__u32 prot;
	__u64 pfns;
};

/*
 * Flags of SOFTMDEV_RW.
 *
 * SOFTMDEV_RW_WRITE: to the client's memory, not from it.
 * SOFTMDEV_RW_KTHREAD: in a kernel thread, which has no memory of its own.
 * SOFTMDEV_RW_PINNED: by the pages pinned there; the backend is not asked.
 */
#define SOFTMDEV_RW_WRITE	0x1u
#define SOFTMDEV_RW_KTHREAD	0x2u
#define SOFTMDEV_RW_PINNED	0x4u
#define SOFTMDEV_RW_ALL		0x7u

/**
 * struct softmdev_rw - SOFTMDEV_RW
 * @iova: from or to where, any address
 * @data: the caller's buffer
 * @len: in bytes, 1 to SOFTMDEV_MAX_RW
 * @flags: SOFTMDEV_RW_*
 */
struct softmdev_rw {
	__u64 iova;
	__u64 data;
	__u32 len;
	__u32 flags;
};

/**
 * struct softmdev_range - what the backend said was about to be unmapped
 * @iova: start
 * @len: in bytes
 */
struct softmdev_range {
	__u64 iova;
	__u64 len;
};

/**
 * struct softmdev_state - SOFTMDEV_GET_STATE
 * @pinned_pages: IOVA pages that the device has pinned at least once
 * @nr_pins: pins there are, a page pinned twice counted twice
 * @nr_unmaps: times that the backend announced an unmap since the device was opened
 * @unmaps: the last of them: number n (from 0) is at n % SOFTMDEV_UNMAPS
 */
struct softmdev_state {
	__u64 pinned_pages;
	__u64 nr_pins;
	__u64 nr_unmaps;
	struct softmdev_range unmaps[SOFTMDEV_UNMAPS];
};

#define SOFTMDEV_KEEP_PINS	0x1u	/* do not unpin what is about to be unmapped */

#define SOFTMDEV_IOC		0xd4

/*
 * Pin pages.  Returns how many were, as vfio_pin_pages() does, which is all of them.
 * Errors: EINVAL (also: not mapped), EPERM (no such permission), E2BIG (more than
 * the backend takes), ENOMEM (also: more than may be locked), EFAULT.
 */
#define SOFTMDEV_PIN		_IOW(SOFTMDEV_IOC, 0, struct softmdev_pin)

/*
 * Undo one SOFTMDEV_PIN for each page of the range that is pinned.  Returns how many
 * pages were.
 */
#define SOFTMDEV_UNPIN		_IOW(SOFTMDEV_IOC, 1, struct softmdev_pin)

/*
 * Copy between @data and the client's memory, as vfio_dma_rw() does it.  Returns 0.
 * Errors: EINVAL (also: not mapped), EPERM (no such permission), EFAULT; with
 * SOFTMDEV_RW_PINNED: ENXIO (a page of it is not pinned).
 */
#define SOFTMDEV_RW		_IOW(SOFTMDEV_IOC, 2, struct softmdev_rw)

/* Read struct softmdev_state.  Returns 0. */
#define SOFTMDEV_GET_STATE	_IOR(SOFTMDEV_IOC, 3, struct softmdev_state)

/* Set the device's flags, the argument itself: SOFTMDEV_KEEP_PINS or 0.  Returns 0. */
#define SOFTMDEV_SET_FLAGS	_IO(SOFTMDEV_IOC, 4)

#endif /* SOFTMDEV_H */
