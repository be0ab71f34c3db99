/* SPDX-License-Identifier: LGPL-2.1-or-later OR MIT */
/*
 * libviopf: VFIO containers with demand-paged DMA, from user space.
 *
 * A container is a set of PCI devices that share one view of memory, the IOVA
 * space. What is mapped there is memory of this process; with demand paging
 * (VFIO_IOPF_IOMMU) it stays pageable, with the kernel's own type1
 * (VFIO_TYPE1v2_IOMMU) it is pinned.
 *
 *	viopf_bind(bdf);				once, as root
 *	viopf_container_open(&c, &bdf, 1, VFIO_IOPF_IOMMU);
 *	viopf_device_open(c, bdf, &dev);
 *	viopf_map(c, buf, iova, size, VIOPF_READ | VIOPF_WRITE);
 *	... the device's registers are at viopf_device_fd(dev) ...
 *	viopf_device_close(dev);
 *	viopf_container_close(c);
 *
 * Every call returns 0 (or a file descriptor) on success and a negative errno
 * on failure; viopf_error() then says in words what failed and what to do. A
 * device is named by its PCI address, "dddd:bb:dd.f". Addresses and sizes are in
 * bytes; IOVA ranges are given by their first and last byte.
 *
 * Calls on one container from several threads are safe except for
 * viopf_container_close(), viopf_group_add() and viopf_group_remove(), which
 * want no other call on it at that time.
 */
#ifndef VIOPF_H
#define VIOPF_H

#include <stddef.h>
#include <stdint.h>
#include <linux/vfio_iopf.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a device may do in a mapping; both may be given. */
#define VIOPF_READ	(1u << 0)	/* VFIO_DMA_MAP_FLAG_READ */
#define VIOPF_WRITE	(1u << 1)	/* VFIO_DMA_MAP_FLAG_WRITE */

/*
 * What a mapping is, whatever its container does: at most one of them. Without, it
 * is faultable while demand paging is on and all devices can take page faults, and
 * pinned otherwise (<linux/vfio_iopf.h>).
 */
#define VIOPF_PINNED	VFIO_DMA_MAP_FLAG_IOPF_PINNED
#define VIOPF_FAULTABLE	VFIO_DMA_MAP_FLAG_IOPF_FAULTABLE
#define VIOPF_USER	VFIO_DMA_MAP_FLAG_IOPF_USER

#define VIOPF_MAX_RANGES	16

struct viopf_container;
struct viopf_device;

/* An IOVA range; @last is inclusive. */
struct viopf_range {
	uint64_t start;
	uint64_t last;
};

/**
 * struct viopf_info - what a container's IOMMU can do
 * @page_sizes: bitmap of IOVA page sizes, in bytes
 * @dma_avail: mappings that may still be made
 * @dirty_page_sizes: bitmap of page sizes that dirty pages can be told apart by, in
 *	bytes; 0: they can't be tracked
 * @dirty_max_bytes: the largest bitmap of dirty pages
 * @nr_ranges: entries used in @ranges
 * @ranges: the IOVA ranges that may be mapped
 * @has_iopf: 1 if @iopf is valid: the kernel offers demand paging here
 * @iopf: how demand paging works here (<linux/vfio_iopf.h>)
 */
struct viopf_info {
	uint64_t page_sizes;
	uint64_t dirty_page_sizes;
	uint64_t dirty_max_bytes;
	uint32_t dma_avail;
	uint32_t nr_ranges;
	struct viopf_range ranges[VIOPF_MAX_RANGES];
	int has_iopf;
	struct vfio_iommu_type1_info_cap_iopf iopf;
};

/**
 * viopf_error - the last failure of this thread in words
 *
 * Return: a string that stays valid until the thread's next failing call. It
 * is empty if nothing has failed yet. Successful calls leave it as it is.
 */
const char *viopf_error(void);

/**
 * viopf_bind - give a PCI device to the vfio-pci driver
 * @bdf: the device
 *
 * Takes it from the driver it has now. Does nothing if vfio-pci has it already.
 *
 * Return: 0, or -errno: EINVAL (not a PCI address), ENODEV (no such device, vfio-pci not
 * loaded, or the driver did not take it), EACCES or EPERM (not root).
 */
int viopf_bind(const char *bdf);

/**
 * viopf_unbind - take a device from vfio-pci and forget the override
 * @bdf: the device
 *
 * The kernel waits here until the device's last file descriptor is closed.
 *
 * Return: 0, or -errno: EINVAL, ENODEV (no such device), EACCES or EPERM.
 */
int viopf_unbind(const char *bdf);

/**
 * viopf_give_back - viopf_unbind(), and let the driver have it that it belongs to
 * @bdf: the device
 *
 * Does nothing more if another driver than vfio-pci has it. That no driver which is loaded
 * wants it is no error.
 *
 * Return: 0, or -errno as of viopf_unbind().
 */
int viopf_give_back(const char *bdf);

/**
 * viopf_container_new - open an empty container
 * @out: where to put it
 *
 * Return: 0, or -errno: ENOMEM; ENOENT (vfio is not loaded); EACCES or EPERM (no permission
 * for /dev/vfio/vfio).
 */
int viopf_container_new(struct viopf_container **out);

/**
 * viopf_container_from_fd - a container that is open already
 * @out: where to put it
 * @fd: its file descriptor, /dev/vfio/vfio's; viopf_container_close() closes it, also where
 *	another process has it open too. It stays the caller's if this fails
 *
 * For a descriptor that was inherited, or that came from another process. Groups that were
 * put into the container before are not known to this library: viopf_group_remove() and
 * viopf_device_open() are for those that it has added.
 *
 * Return: 0, or -errno: ENOMEM; EINVAL or ENOTTY (no container's file).
 */
int viopf_container_from_fd(struct viopf_container **out, int fd);

/**
 * viopf_group_add - put a device's IOMMU group into a container
 * @c: the container
 * @bdf: the device
 *
 * Adding a group that is in the container already is counted, not repeated.
 *
 * Return: 0, or -errno: EINVAL, ENODEV (no such device, no IOMMU behind it, or not bound to
 * vfio-pci), EBUSY (the group is open elsewhere), EPERM (the group is not viable:
 * another of its devices has another driver), EACCES, ENOMEM; what attaching a
 * group fails with if the container has its IOMMU already.
 */
int viopf_group_add(struct viopf_container *c, const char *bdf);

/**
 * viopf_group_remove - undo one viopf_group_add()
 * @c: the container
 * @bdf: the device
 *
 * Return: 0, or -errno: EINVAL, ENODEV (no such device), ENOENT (its group is not in the
 * container), EBUSY (a device of the group is still open).
 */
int viopf_group_remove(struct viopf_container *c, const char *bdf);

/**
 * viopf_set_iommu - choose the container's IOMMU backend
 * @c: a container with at least one group
 * @extension: VFIO_IOPF_IOMMU, VFIO_TYPE1v2_IOMMU or another of VFIO's numbers
 *
 * Return: 0, or -errno: ENODEV (no backend offers that, or it can't take the groups: the
 * message names the module to load), EINVAL (no group yet), EBUSY (VFIO_IOPF_IOMMU: page
 * requests of the last containers of a group still wait for a file system, see
 * vfio_iommu_iopf(4)), and what else attaching a group fails with.
 */
int viopf_set_iommu(struct viopf_container *c, unsigned long extension);

/**
 * viopf_container_open - a container with these devices' groups and its IOMMU
 * @out: where to put it
 * @bdfs: the devices
 * @n: how many, at least 1
 * @extension: as for viopf_set_iommu()
 *
 * Return: 0, or -errno: those of viopf_container_new(), viopf_group_add() and
 * viopf_set_iommu().
 */
int viopf_container_open(struct viopf_container **out, const char *const *bdfs,
			 size_t n, unsigned long extension);

/**
 * viopf_container_close - close a container and its groups
 * @c: the container, or NULL
 *
 * Its mappings end when its last device is closed too.
 */
void viopf_container_close(struct viopf_container *c);

/* The container's file descriptor, for calls this library does not have. */
int viopf_container_fd(const struct viopf_container *c);

/**
 * viopf_check_extension - ask the kernel for an extension
 * @c: the container
 * @extension: VFIO's number, e.g. VFIO_IOPF
 *
 * Return: 1 or more if it is there, 0 if not, or -errno.
 */
int viopf_check_extension(struct viopf_container *c, unsigned long extension);

/**
 * viopf_map - let the container's devices reach memory of this process
 * @c: the container
 * @vaddr: the memory, page aligned
 * @iova: where devices shall see it, page aligned
 * @size: in bytes, page aligned
 * @prot: VIOPF_READ, VIOPF_WRITE or both; and VIOPF_PINNED, VIOPF_FAULTABLE or
 *	VIOPF_USER
 *
 * Unless it is pinned no page is touched, whatever @size.
 *
 * Return: 0, or -errno: EINVAL (alignment, wrap-around, outside the IOVA ranges, no
 * permission asked for), EEXIST (overlaps a mapping), ENOSPC (too many
 * mappings); pinned: EFAULT and ENOMEM as well.
 */
int viopf_map(struct viopf_container *c, void *vaddr, uint64_t iova,
	      uint64_t size, uint32_t prot);

/**
 * viopf_unmap - end the mappings that lie in a range
 * @c: the container
 * @iova: first byte of the range
 * @size: in bytes
 * @unmapped: where to put how much was unmapped, in bytes, or NULL
 *
 * When it returns no DMA can reach what was unmapped. A range with no mapping
 * in it succeeds with 0 unmapped.
 *
 * Return: 0, or -errno: EINVAL (alignment, wrap-around, zero size, or the range would split a
 * mapping).
 */
int viopf_unmap(struct viopf_container *c, uint64_t iova, uint64_t size,
		uint64_t *unmapped);

/**
 * viopf_unmap_all - end all mappings of a container
 * @c: the container
 * @unmapped: where to put how much was unmapped, in bytes, or NULL
 *
 * Return: 0, or -errno: EINVAL (the backend can't).
 */
int viopf_unmap_all(struct viopf_container *c, uint64_t *unmapped);

/**
 * viopf_unmap_vaddr - mappings are about to have their memory elsewhere
 * @c: the container
 * @iova: first byte of a range that cuts through no mapping
 * @size: in bytes
 *
 * Devices stay at work. From now on page requests in these mappings wait for
 * viopf_map_vaddr(), to be called perhaps by another process, or by this one after
 * exec; until then no group can be added and demand paging can't be turned off.
 *
 * Return: 0, or -errno: EINVAL (alignment, wrap-around, the range would split a
 * mapping, or one waits already), EBUSY (a mediated device is there).
 */
int viopf_unmap_vaddr(struct viopf_container *c, uint64_t iova, uint64_t size);

/**
 * viopf_map_vaddr - where the memory of a mapping is now
 * @c: the container
 * @vaddr: the same memory as before, in this process, page aligned
 * @iova: the mapping's first byte
 * @size: its size in bytes
 *
 * What is pinned of it stays so, charged to this process; what must be pinned and could
 * not, as the process before has ended, is pinned now.
 *
 * Return: 0, or -errno: ENOENT (nothing is mapped there), EINVAL (alignment,
 * wrap-around, not just one mapping, or viopf_unmap_vaddr() was not called for it),
 * EFAULT (not a user address, or no memory that can be pinned where it must be), ENOMEM
 * (over the locked-memory limit, or no memory), EINTR (killed), ENODEV (the container
 * failed).
 */
int viopf_map_vaddr(struct viopf_container *c, void *vaddr, uint64_t iova,
		    uint64_t size);

/**
 * viopf_get_info_sized - what the container's IOMMU can do
 * @c: a container with its IOMMU set
 * @info: filled in
 * @size_bytes: sizeof(*@info) as the caller was compiled; a later library may know more
 *
 * Return: 0, or -errno: ENOMEM, EINVAL (no IOMMU set).
 */
int viopf_get_info_sized(struct viopf_container *c, struct viopf_info *info, size_t size_bytes);

/* The same, with the size that the caller knows. */
static inline int viopf_get_info(struct viopf_container *c, struct viopf_info *info)
{
	return viopf_get_info_sized(c, info, sizeof(*info));
}

/**
 * viopf_enable - turn demand paging on
 * @c: the container
 *
 * Return: 0, or -errno: ENOTTY (the kernel's own type1, or no IOMMU set), ENODEV (a device
 * can't fault), EBUSY.
 */
int viopf_enable(struct viopf_container *c);

/**
 * viopf_disable - turn demand paging off: all mappings are pinned
 * @c: the container
 *
 * Return: 0, or -errno: ENOTTY, ENODEV (the container failed), EFAULT (something mapped is not
 * memory), ENOMEM (the locked-memory limit: raise RLIMIT_MEMLOCK; or memory).
 * Then nothing has changed.
 */
int viopf_disable(struct viopf_container *c);

/**
 * viopf_stats_sized - the container's counters
 * @c: the container
 * @stats: filled in (<linux/vfio_iopf.h>); what the kernel doesn't count is 0
 * @size_bytes: sizeof(*@stats) as the caller was compiled; a later header may have more
 *
 * Return: 0, or -errno: ENOTTY as above, EINVAL (@size_bytes).
 */
int viopf_stats_sized(struct viopf_container *c, struct vfio_iopf_stats *stats,
		      size_t size_bytes);

/* The same, with the size that the caller knows. */
static inline int viopf_stats(struct viopf_container *c, struct vfio_iopf_stats *stats)
{
	return viopf_stats_sized(c, stats, sizeof(*stats));
}

/**
 * viopf_dirty_start - track which pages devices write, from now on
 * @c: the container
 *
 * Faultable memory that devices may write to is taken away from them, so that they
 * have to ask; each page that one asks to write is dirty from then on, and no
 * other. Pinned memory is dirty as a whole, unless the IOMMU knows better.
 * Does nothing if it is on.
 *
 * Return: 0, or -errno: EINVAL (a mapping of more than 8 TiB), ENOMEM.
 */
int viopf_dirty_start(struct viopf_container *c);

/**
 * viopf_dirty_stop - track no longer; what was dirty is forgotten
 * @c: the container
 *
 * Return: 0, or -errno: ENOTTY.
 */
int viopf_dirty_stop(struct viopf_container *c);

/* 64-bit words of a bitmap of dirty pages for so many bytes. */
#define VIOPF_DIRTY_WORDS(bytes)	(((uint64_t)(bytes) / 4096 + 63) / 64)

/**
 * viopf_dirty_get - which pages have devices written since the last time?
 * @c: a container that tracks them
 * @iova: first byte of the range
 * @size: in bytes; no mapping may lie in it in part
 * @bitmap: VIOPF_DIRTY_WORDS(@size) words, filled in: page n of the range is bit
 *	n % 64 of word n / 64
 *
 * What was written before the call is in memory, to be read. What is written after
 * it is reported by the next call.
 *
 * Return: 0, or -errno: EINVAL (alignment, the range, tracking is off), ENOMEM.
 */
int viopf_dirty_get(struct viopf_container *c, uint64_t iova, uint64_t size,
		    uint64_t *bitmap);

/**
 * viopf_dirty_unmap - viopf_unmap(), and the last answer of viopf_dirty_get()
 * @c: a container that tracks them
 * @iova: first byte of the range
 * @size: in bytes
 * @bitmap: as for viopf_dirty_get()
 * @unmapped: where to put how much was unmapped, in bytes, or NULL
 *
 * No write is lost between the two. On EFAULT and ENOMEM nothing is unmapped.
 *
 * Return: 0, or -errno: as of both.
 */
int viopf_dirty_unmap(struct viopf_container *c, uint64_t iova, uint64_t size,
		      uint64_t *bitmap, uint64_t *unmapped);

/**
 * viopf_fault_fd - decide on page requests in mappings made with VIOPF_USER
 * @c: the container
 *
 * The container has at most one such file. While it has none those requests fail, and
 * so do, when it is closed, those not decided on.
 *
 * Return: a file descriptor, the caller's to poll and close, or -errno: ENOTTY (the
 * kernel's own type1, or no IOMMU set), EBUSY (there is one already), ENODEV (the
 * container failed), EMFILE, ENFILE, ENOMEM.
 */
int viopf_fault_fd(struct viopf_container *c);

/**
 * viopf_fault_read - read page requests
 * @fd: from viopf_fault_fd()
 * @faults: filled in, whole groups
 * @n: how many there is room for; VFIO_IOPF_FAULT_GROUP_MAX is always enough
 *
 * Waits for one, unless O_NONBLOCK was set.
 *
 * Return: how many were read; 0: the container is gone; or -errno: EINVAL (the next
 * group has more than @n), EAGAIN (O_NONBLOCK), EINTR.
 */
int viopf_fault_read(int fd, struct vfio_iopf_fault *faults, size_t n);

/**
 * viopf_fault_answer - decide on a group of page requests
 * @fd: from viopf_fault_fd()
 * @cookie: the group, as read
 * @code: what becomes of it (<linux/vfio_iopf.h>)
 *
 * Return: 0, or -errno: ENOENT (no such group waits; it may have been answered since
 * its mapping or its device has gone), EINVAL (no such code), ENODEV (the container is
 * gone).
 */
int viopf_fault_answer(int fd, uint32_t cookie, enum vfio_iopf_fault_code code);

/**
 * viopf_advise - say what devices will want, or will not
 * @c: the container
 * @advice: VFIO_IOPF_ADV_* (<linux/vfio_iopf.h>): prefetch, evict, pin or unpin
 * @iova: first byte of the range, page aligned
 * @size: in bytes, page aligned; it may span mappings
 * @done: where to put how much of the range is done, in bytes, or NULL; also on an error
 *
 * Return: 0, or -errno: EINTR (a signal: go on at @iova + @done), ENOENT (part of the range is
 * not mapped), EPERM (the mapping does not permit that), EFAULT (no memory behind
 * it), EINVAL (alignment, zero size, wrap-around, no such advice), ENOMEM (pin: the
 * locked-memory limit, or memory), EBUSY, ENODEV (the container failed), ENOTTY.
 */
int viopf_advise(struct viopf_container *c, enum vfio_iopf_advice advice, uint64_t iova,
		 uint64_t size, uint64_t *done);

/**
 * viopf_residency - which pages devices can reach
 * @c: the container
 * @iova: first byte of the range, page aligned
 * @size: in bytes, page aligned; it may span mappings
 * @pages: a byte for each 4096 bytes of the range, filled in with VFIO_IOPF_PAGE_*
 *
 * Return: 0, or -errno: ENOENT (part of the range is not mapped), EINVAL (alignment, zero
 * size, wrap-around), EFAULT (@pages), ENOTTY.
 */
int viopf_residency(struct viopf_container *c, uint64_t iova, uint64_t size,
		    unsigned char *pages);

/**
 * viopf_mappings - which mappings there are
 * @c: the container
 * @iova: those that end before this address are left out
 * @mappings: filled in, ascending
 * @count: in: for how many there is room; out: how many there are. If there was room for
 *	more, there are no more
 *
 * Return: 0, or -errno: EFAULT (@mappings), EINTR (killed), ENOMEM, ENOTTY.
 */
int viopf_mappings(struct viopf_container *c, uint64_t iova, struct vfio_iopf_mapping *mappings,
		   uint32_t *count);

/**
 * viopf_device_open - open a device whose group is in the container
 * @c: a container with its IOMMU set
 * @bdf: the device
 * @out: where to put it
 *
 * Return: 0, or -errno: EINVAL, ENODEV, ENOENT (its group is not in the container), ENOMEM,
 * and what VFIO_GROUP_GET_DEVICE_FD fails with.
 */
int viopf_device_open(struct viopf_container *c, const char *bdf,
		      struct viopf_device **out);

/* Close a device; the kernel resets it where it can. NULL is allowed. */
void viopf_device_close(struct viopf_device *dev);

/* The device's file descriptor: regions, interrupts, mmap (<linux/vfio.h>). */
int viopf_device_fd(const struct viopf_device *dev);

/**
 * viopf_config_read - read from a device's PCI config space
 * @dev: the device
 * @off: first byte
 * @buf: filled in, little endian as the device has it
 * @len: bytes
 *
 * Return: 0, or -errno: EIO (less than @len bytes could be read) and those of pread().
 */
int viopf_config_read(struct viopf_device *dev, uint64_t off, void *buf,
		      size_t len);

/**
 * viopf_config_write - write to a device's PCI config space
 * @dev: the device
 * @off: first byte
 * @buf: what to write, little endian as the device has it
 * @len: bytes
 *
 * Return: 0, or -errno as of viopf_config_read().
 */
int viopf_config_write(struct viopf_device *dev, uint64_t off,
		       const void *buf, size_t len);

/**
 * viopf_bus_master - let the device do DMA, or stop it
 * @dev: the device
 * @on: 1 or 0
 *
 * Return: 0, or -errno: those of viopf_config_read().
 */
int viopf_bus_master(struct viopf_device *dev, int on);

/**
 * viopf_reset - function-level reset
 * @dev: the device
 *
 * Return: 0, or -errno: ENOTTY (the device has none).
 */
int viopf_reset(struct viopf_device *dev);

#ifdef __cplusplus
}
#endif

#endif /* VIOPF_H */
