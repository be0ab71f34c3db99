// SPDX-License-Identifier: GPL-2.0-only
/*
 * softmdev: VFIO devices with an emulated IOMMU, for tests; softmdev.h is the contract.
 *
 * A device owns the record of its pins: an xarray by IOVA page, of the page and how
 * often it is pinned.  The record says what the backend was asked for and was not given
 * back: whatever unpins takes out of the record what it gives back.  One mutex guards
 * it, held also while the backend is called, so that a page is never pinned without
 * being in the record when the backend announces an unmap.  Backends call dma_unmap
 * holding nothing that their pin_pages and unpin_pages take.
 *
 * Each is a platform device with a driver, because VFIO takes a reference on the
 * driver's module while a device is open.
 */
#include <linux/highmem.h>
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/platform_device.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vfio.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "softmdev.h"

static unsigned int devices = 1;
module_param(devices, uint, 0444);
MODULE_PARM_DESC(devices, "number of devices, 1 to 1024 (default 1)");

/**
 * struct sm_pin - an IOVA page in the record
 * @page: what it leads to
 * @count: how often it is pinned
 */
struct sm_pin {
	struct page *page;
	unsigned int count;
};

/**
 * struct sm_device - a device
 * @vdev: VFIO's part
 * @lock: guards the following, and orders calls to the backend that pin and unpin
 * @pins: struct sm_pin by IOVA >> PAGE_SHIFT
 * @flags: SOFTMDEV_KEEP_PINS
 * @state: what SOFTMDEV_GET_STATE reads
 */
struct sm_device {
	struct vfio_device vdev;
	struct mutex lock;	/* the record and calls about it */
	struct xarray pins;
	u32 flags;
	struct softmdev_state state;
};

static struct sm_device *to_sm_device(struct vfio_device *vdev)
{
	return container_of(vdev, struct sm_device, vdev);
}

/* Give one pin of a page back. */
static void sm_unpin_one(struct sm_device *dev, unsigned long index,
			 struct sm_pin *pin)
{
	lockdep_assert_held(&dev->lock);
	vfio_unpin_pages(&dev->vdev, (dma_addr_t)index << PAGE_SHIFT, 1);
	dev->state.nr_pins--;
	if (--pin->count)
		return;
	xa_erase(&dev->pins, index);
	kfree(pin);
	dev->state.pinned_pages--;
}

/* Give all pins in a range back; @last is inclusive. */
static void sm_unpin_all(struct sm_device *dev, unsigned long first,
			 unsigned long last)
{
	unsigned long index;
	struct sm_pin *pin;
	unsigned int count;

	lockdep_assert_held(&dev->lock);
	xa_for_each_range(&dev->pins, index, pin, first, last)
		for (count = pin->count; count; count--)
			sm_unpin_one(dev, index, pin);
}

/* Make sure that a page has an entry in the record. */
static int sm_reserve(struct sm_device *dev, unsigned long index)
{
	struct sm_pin *pin = xa_load(&dev->pins, index);
	int ret;

	if (pin)
		return 0;
	pin = kzalloc(sizeof(*pin), GFP_KERNEL_ACCOUNT);
	if (!pin)
		return -ENOMEM;
	ret = xa_err(xa_store(&dev->pins, index, pin, GFP_KERNEL_ACCOUNT));
	if (ret)
		kfree(pin);
	return ret;
}

/* Drop the entries that were made for nothing. */
static void sm_unreserve(struct sm_device *dev, unsigned long first,
			 unsigned long last)
{
	unsigned long index;
	struct sm_pin *pin;

	xa_for_each_range(&dev->pins, index, pin, first, last) {
		if (pin->count)
			continue;
		xa_erase(&dev->pins, index);
		kfree(pin);
	}
}

static int sm_prot(u32 prot)
{
	return (prot & SOFTMDEV_READ ? IOMMU_READ : 0) |
	       (prot & SOFTMDEV_WRITE ? IOMMU_WRITE : 0);
}

static void sm_record(struct sm_device *dev, unsigned long first,
		      unsigned int npages, struct page **pages)
{
	unsigned int i;

	for (i = 0; i < npages; i++) {
		struct sm_pin *pin = xa_load(&dev->pins, first + i);

		pin->page = pages[i];
		dev->state.pinned_pages += !pin->count++;
		dev->state.nr_pins++;
	}
}

static int sm_pin_pages(struct sm_device *dev, const struct softmdev_pin *arg,
			struct page **pages)
{
	unsigned long first = arg->iova >> PAGE_SHIFT;
	int ret = 0;
	u32 i;

	guard(mutex)(&dev->lock);
	for (i = 0; i < arg->npages && !ret; i++)
		ret = sm_reserve(dev, first + i);
	if (!ret)
		ret = vfio_pin_pages(&dev->vdev, (dma_addr_t)first << PAGE_SHIFT,
				     arg->npages, sm_prot(arg->prot), pages);
	/* A backend that pinned fewer than it was asked for would be wrong. */
	if (ret > 0 && ret != arg->npages) {
		vfio_unpin_pages(&dev->vdev, (dma_addr_t)first << PAGE_SHIFT,
				 ret);
		ret = -EIO;
	}
	if (ret > 0)
		sm_record(dev, first, ret, pages);
	sm_unreserve(dev, first, first + arg->npages - 1);
	return ret;
}

/* That it goes on beyond the last page there is, is for the backend to refuse. */
static bool sm_range_ok(u32 npages)
{
	return npages && npages <= SOFTMDEV_MAX_PAGES;
}

static int sm_copy_pfns(u64 __user *to, struct page **pages, u32 npages)
{
	u32 i;

	for (i = 0; i < npages; i++)
		if (put_user((u64)page_to_pfn(pages[i]), to + i))
			return -EFAULT;
	return 0;
}

static long sm_ioctl_unpin(struct sm_device *dev, void __user *user)
{
	struct softmdev_pin arg;
	struct sm_pin *pin;
	unsigned long i;
	long done = 0;

	if (copy_from_user(&arg, user, sizeof(arg)))
		return -EFAULT;
	if (arg.prot || arg.pfns || !sm_range_ok(arg.npages))
		return -EINVAL;
	guard(mutex)(&dev->lock);
	for (i = arg.iova >> PAGE_SHIFT; arg.npages--; i++) {
		pin = xa_load(&dev->pins, i);
		if (!pin)
			continue;
		sm_unpin_one(dev, i, pin);
		done++;
	}
	return done;
}

/* Undo what a pin call did that could not be reported. */
static void sm_unpin_range(struct sm_device *dev, unsigned long first,
			   u32 npages)
{
	struct sm_pin *pin;

	guard(mutex)(&dev->lock);
	for (; npages--; first++) {
		/* An unmap may have been announced in between. */
		pin = xa_load(&dev->pins, first);
		if (pin)
			sm_unpin_one(dev, first, pin);
	}
}

static long sm_ioctl_pin(struct sm_device *dev, void __user *user)
{
	struct softmdev_pin arg;
	struct page **pages;
	long ret;

	if (copy_from_user(&arg, user, sizeof(arg)))
		return -EFAULT;
	if (!arg.prot || (arg.prot & ~(SOFTMDEV_READ | SOFTMDEV_WRITE)) ||
	    !sm_range_ok(arg.npages))
		return -EINVAL;
	pages = kvcalloc(arg.npages, sizeof(*pages), GFP_KERNEL_ACCOUNT);
	if (!pages)
		return -ENOMEM;
	ret = sm_pin_pages(dev, &arg, pages);
	if (ret > 0 && arg.pfns &&
	    sm_copy_pfns(u64_to_user_ptr(arg.pfns), pages, arg.npages)) {
		sm_unpin_range(dev, arg.iova >> PAGE_SHIFT, arg.npages);
		ret = -EFAULT;
	}
	kvfree(pages);
	return ret;
}

/**
 * struct sm_work - a copy, wherever it is made
 * @work: for SOFTMDEV_RW_KTHREAD
 * @dev: the device
 * @arg: the call's
 * @data: the kernel's buffer
 * @ret: outcome
 */
struct sm_work {
	struct work_struct work;
	struct sm_device *dev;
	struct softmdev_rw arg;
	void *data;
	int ret;
};

static void sm_copy(struct work_struct *work)
{
	struct sm_work *w = container_of(work, struct sm_work, work);

	w->ret = vfio_dma_rw(&w->dev->vdev, w->arg.iova, w->data, w->arg.len,
			     w->arg.flags & SOFTMDEV_RW_WRITE);
}

static void sm_copy_page(const struct sm_work *w, struct page *page, u32 done,
			 size_t n)
{
	size_t offset = offset_in_page(w->arg.iova + done);

	if (w->arg.flags & SOFTMDEV_RW_WRITE)
		memcpy_to_page(page, offset, w->data + done, n);
	else
		memcpy_from_page(w->data + done, page, offset, n);
}

static void sm_copy_pinned(struct work_struct *work)
{
	struct sm_work *w = container_of(work, struct sm_work, work);
	struct sm_pin *pin;
	u32 done = 0;
	size_t n;

	guard(mutex)(&w->dev->lock);
	for (; done < w->arg.len; done += n) {
		u64 iova = w->arg.iova + done;

		n = min_t(size_t, w->arg.len - done,
			  PAGE_SIZE - offset_in_page(iova));
		pin = xa_load(&w->dev->pins, iova >> PAGE_SHIFT);
		w->ret = pin ? 0 : -ENXIO;
		if (!pin)
			return;
		sm_copy_page(w, pin->page, done, n);
	}
}

static void sm_rw(struct sm_work *w)
{
	work_func_t fn = w->arg.flags & SOFTMDEV_RW_PINNED ? sm_copy_pinned :
							     sm_copy;

	INIT_WORK_ONSTACK(&w->work, fn);
	if (w->arg.flags & SOFTMDEV_RW_KTHREAD) {
		queue_work(system_unbound_wq, &w->work);
		flush_work(&w->work);
	} else {
		fn(&w->work);
	}
	destroy_work_on_stack(&w->work);
}

static long sm_ioctl_rw(struct sm_device *dev, void __user *user)
{
	struct sm_work w = { .dev = dev };
	void __user *data;
	bool write;

	if (copy_from_user(&w.arg, user, sizeof(w.arg)))
		return -EFAULT;
	if ((w.arg.flags & ~SOFTMDEV_RW_ALL) || !w.arg.len ||
	    w.arg.len > SOFTMDEV_MAX_RW ||
	    w.arg.iova + w.arg.len < w.arg.iova)
		return -EINVAL;
	data = u64_to_user_ptr(w.arg.data);
	write = w.arg.flags & SOFTMDEV_RW_WRITE;
	w.data = kvmalloc(w.arg.len, GFP_KERNEL_ACCOUNT);
	if (!w.data)
		return -ENOMEM;
	if (write && copy_from_user(w.data, data, w.arg.len))
		w.ret = -EFAULT;
	else
		sm_rw(&w);
	if (!w.ret && !write && copy_to_user(data, w.data, w.arg.len))
		w.ret = -EFAULT;
	kvfree(w.data);
	return w.ret;
}

static long sm_ioctl_state(struct sm_device *dev, void __user *user)
{
	struct softmdev_state *state;
	long ret = 0;

	state = kmalloc(sizeof(*state), GFP_KERNEL_ACCOUNT);
	if (!state)
		return -ENOMEM;
	mutex_lock(&dev->lock);
	*state = dev->state;
	mutex_unlock(&dev->lock);
	if (copy_to_user(user, state, sizeof(*state)))
		ret = -EFAULT;
	kfree(state);
	return ret;
}

static long sm_ioctl_info(void __user *user)
{
	size_t size = offsetofend(struct vfio_device_info, num_irqs);
	struct vfio_device_info info;

	if (copy_from_user(&info, user, size))
		return -EFAULT;
	if (info.argsz < size)
		return -EINVAL;
	info.flags = 0;
	info.num_regions = 0;
	info.num_irqs = 0;
	return copy_to_user(user, &info, size) ? -EFAULT : 0;
}

static long sm_ioctl(struct vfio_device *vdev, unsigned int cmd,
		     unsigned long arg)
{
	struct sm_device *dev = to_sm_device(vdev);
	void __user *user = (void __user *)arg;

	switch (cmd) {
	case SOFTMDEV_PIN:
		return sm_ioctl_pin(dev, user);
	case SOFTMDEV_UNPIN:
		return sm_ioctl_unpin(dev, user);
	case SOFTMDEV_RW:
		return sm_ioctl_rw(dev, user);
	case SOFTMDEV_GET_STATE:
		return sm_ioctl_state(dev, user);
	case SOFTMDEV_SET_FLAGS:
		if (arg & ~(unsigned long)SOFTMDEV_KEEP_PINS)
			return -EINVAL;
		WRITE_ONCE(dev->flags, arg);
		return 0;
	case VFIO_DEVICE_GET_INFO:
		return sm_ioctl_info(user);
	}
	return -ENOTTY;
}

/* The backend is about to unmap a range. */
static void sm_dma_unmap(struct vfio_device *vdev, u64 iova, u64 length)
{
	struct sm_device *dev = to_sm_device(vdev);
	struct softmdev_state *state = &dev->state;

	guard(mutex)(&dev->lock);
	state->unmaps[state->nr_unmaps++ % SOFTMDEV_UNMAPS] =
		(struct softmdev_range){ iova, length };
	if (!(READ_ONCE(dev->flags) & SOFTMDEV_KEEP_PINS))
		sm_unpin_all(dev, iova >> PAGE_SHIFT,
			     (iova + length - 1) >> PAGE_SHIFT);
}

static int sm_open(struct vfio_device *vdev)
{
	struct sm_device *dev = to_sm_device(vdev);

	guard(mutex)(&dev->lock);
	memset(&dev->state, 0, sizeof(dev->state));
	WRITE_ONCE(dev->flags, 0);
	return 0;
}

static void sm_close(struct vfio_device *vdev)
{
	struct sm_device *dev = to_sm_device(vdev);

	guard(mutex)(&dev->lock);
	sm_unpin_all(dev, 0, ULONG_MAX);
}

static int sm_init(struct vfio_device *vdev)
{
	struct sm_device *dev = to_sm_device(vdev);

	mutex_init(&dev->lock);
	xa_init(&dev->pins);
	return 0;
}

static void sm_release(struct vfio_device *vdev)
{
	struct sm_device *dev = to_sm_device(vdev);

	WARN_ON(!xa_empty(&dev->pins));
	mutex_destroy(&dev->lock);
}

static const struct vfio_device_ops sm_device_ops = {
	.name = SOFTMDEV_NAME,
	.init = sm_init,
	.release = sm_release,
	.open_device = sm_open,
	.close_device = sm_close,
	.ioctl = sm_ioctl,
	.dma_unmap = sm_dma_unmap,
	.bind_iommufd = vfio_iommufd_emulated_bind,
	.unbind_iommufd = vfio_iommufd_emulated_unbind,
	.attach_ioas = vfio_iommufd_emulated_attach_ioas,
	.detach_ioas = vfio_iommufd_emulated_detach_ioas,
};

static int sm_probe(struct platform_device *pdev)
{
	struct sm_device *dev;
	int ret;

	dev = vfio_alloc_device(sm_device, vdev, &pdev->dev, &sm_device_ops);
	if (IS_ERR(dev))
		return PTR_ERR(dev);
	ret = vfio_register_emulated_iommu_dev(&dev->vdev);
	if (ret) {
		vfio_put_device(&dev->vdev);
		return ret;
	}
	platform_set_drvdata(pdev, dev);
	return 0;
}

/* Waits until nobody has the device open. */
static void sm_remove(struct platform_device *pdev)
{
	struct sm_device *dev = platform_get_drvdata(pdev);

	vfio_unregister_group_dev(&dev->vdev);
	vfio_put_device(&dev->vdev);
}

static struct platform_driver sm_driver = {
	.probe = sm_probe,
	.remove = sm_remove,
	.driver = {
		.name = SOFTMDEV_NAME,
		/* The group is VFIO's, and no DMA API is used. */
		.suppress_bind_attrs = true,
	},
	.driver_managed_dma = true,
};

static struct platform_device *sm_devices[SOFTMDEV_MAX_DEVICES];

static void sm_devices_destroy(unsigned int nr)
{
	while (nr--)
		platform_device_unregister(sm_devices[nr]);
}

/* All of them or none, each with its driver. */
static int sm_devices_create(void)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < devices; i++) {
		sm_devices[i] = platform_device_register_simple(SOFTMDEV_NAME, i,
								NULL, 0);
		ret = PTR_ERR_OR_ZERO(sm_devices[i]);
		if (ret)
			break;
		if (!platform_get_drvdata(sm_devices[i])) {
			platform_device_unregister(sm_devices[i]);
			ret = -ENODEV;
			break;
		}
	}
	if (ret)
		sm_devices_destroy(i);
	return ret;
}

static int __init softmdev_init(void)
{
	int ret;

	if (!devices || devices > SOFTMDEV_MAX_DEVICES)
		return -EINVAL;
	ret = platform_driver_register(&sm_driver);
	if (ret)
		return ret;
	ret = sm_devices_create();
	if (ret)
		platform_driver_unregister(&sm_driver);
	return ret;
}
module_init(softmdev_init);

static void __exit softmdev_exit(void)
{
	sm_devices_destroy(devices);
	platform_driver_unregister(&sm_driver);
}
module_exit(softmdev_exit);

MODULE_DESCRIPTION("VFIO devices with an emulated IOMMU, for testing");
MODULE_AUTHOR("The vfio-iopf authors");
MODULE_LICENSE("GPL");
MODULE_VERSION(VIOPF_VERSION);
