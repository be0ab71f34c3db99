// SPDX-License-Identifier: GPL-2.0-only
/*
 * Emulated IOMMU groups: mediated devices, whose drivers do the DMA, and ask VFIO for
 * pages (vfio_pin_pages()) or to copy for them (vfio_dma_rw()).
 *
 * Their groups have no domain. A container of such groups alone has no IOMMU at all:
 * mappings are a note of what is where, at any IOVA, and nothing is pinned but what a
 * driver asks for. The rules are those of type1 (vfio_iommu_type1_pin_pages() and
 * others in drivers/vfio/vfio_iommu_type1.c).
 *
 * DOC: before something is unmapped
 *
 * Drivers that have pages of it pinned must give them up: their dma_unmap() is called,
 * which calls back to unpin, so with container->lock dropped. What is mapped can
 * change meanwhile, and is looked at anew: mappings go under the same hold of the lock
 * that has found nothing left of them, so that a driver that pins in between is told,
 * too. A driver that keeps pages all the same is broken: all that it keeps of the call's
 * range is asked for a few times over, round by round, then the mappings go and the
 * pages stay pinned for good (type1 stops the machine). A round ends, whatever is
 * mapped and pinned meanwhile, as it goes through the range once.
 *
 * devices_lock keeps the devices in place during that. It is outside container->lock,
 * under which the list is looked at too.
 *
 * DOC: copying
 *
 * What copies may have to wait for the memory to come, perhaps for user space, and
 * must hold no lock then. But once UNMAP_DMA has returned nothing of the mapping may be
 * touched. So pieces of a page are copied with container->lock held and without
 * taking faults; where that fails, the page is brought in without the lock.
 */
#include <linux/kthread.h>
#include <linux/mmu_context.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>

#include "change/internal.h"
#include "compat/type1_wraps.h"

/* How often drivers are asked to give up what is to be unmapped. */
#define VIOPF_RECALL_ROUNDS	10

/* A group without an IOMMU, and its devices. */
struct viopf_emulated {
	struct iommu_group	*group;
	struct list_head	devices;
	struct list_head	node;
};

static struct viopf_emulated *
viopf_emulated_find(struct viopf_container *container,
		    const struct iommu_group *group)
{
	struct viopf_emulated *emulated;

	lockdep_assert_held(&container->lock);

	list_for_each_entry(emulated, &container->emulated, node)
		if (emulated->group == group)
			return emulated;
	return NULL;
}

/**
 * viopf_emulated_has() - is a group attached as an emulated one?
 * @container: locked
 * @group: the group
 *
 * Return: whether it is.
 */
bool viopf_emulated_has(struct viopf_container *container,
			const struct iommu_group *group)
{
	return viopf_emulated_find(container, group);
}

/**
 * viopf_emulated_any() - is any such group attached?
 * @container: not locked
 *
 * Return: whether there is.
 */
bool viopf_emulated_any(struct viopf_container *container)
{
	guard(mutex)(&container->lock);
	return !list_empty(&container->emulated);
}

/**
 * viopf_emulated_attach() - attach a group without an IOMMU
 * @container: locked; @group is not attached
 * @group: the group
 *
 * Return: 0; -ENOMEM.
 */
int viopf_emulated_attach(struct viopf_container *container,
			  struct iommu_group *group)
{
	struct viopf_emulated *emulated;

	lockdep_assert_held(&container->lock);

	emulated = kzalloc(sizeof(*emulated), GFP_KERNEL_ACCOUNT);
	if (!emulated)
		return -ENOMEM;
	emulated->group = group;
	INIT_LIST_HEAD(&emulated->devices);
	if (viopf_devices_create(&emulated->devices, group, NULL)) {
		kfree(emulated);
		return -ENOMEM;
	}
	list_add_tail(&emulated->node, &container->emulated);
	return 0;
}

/**
 * viopf_emulated_detach() - the reverse
 * @container: locked
 * @group: the group, attached as an emulated one
 */
void viopf_emulated_detach(struct viopf_container *container,
			   const struct iommu_group *group)
{
	struct viopf_emulated *emulated = viopf_emulated_find(container, group);

	list_del(&emulated->node);
	viopf_devices_destroy(&emulated->devices);
	kfree(emulated);
}

/**
 * viopf_emulated_devices() - the devices of an emulated group
 * @container: locked
 * @group: the group, attached as an emulated one
 *
 * Return: a list of struct viopf_device.
 */
struct list_head *viopf_emulated_devices(struct viopf_container *container,
					 const struct iommu_group *group)
{
	return &viopf_emulated_find(container, group)->devices;
}

/**
 * viopf_emulated_open() - a driver has opened a device
 * @iommu_data: the container
 * @device: the device; of no interest unless it can be told of unmaps
 */
void viopf_emulated_open(void *iommu_data, struct vfio_device *device)
{
	struct viopf_container *container = viopf_container_of(iommu_data);

	if (!device->ops->dma_unmap)
		return;
	guard(mutex)(&container->devices_lock);
	guard(mutex)(&container->lock);
	list_add_tail(&device->iommu_entry, &container->devices);
}

/**
 * viopf_emulated_close() - the reverse
 * @iommu_data: the container
 * @device: the device, which is told of no unmap any more
 */
void viopf_emulated_close(void *iommu_data, struct vfio_device *device)
{
	struct viopf_container *container = viopf_container_of(iommu_data);

	if (!device->ops->dma_unmap)
		return;
	guard(mutex)(&container->devices_lock);
	guard(mutex)(&container->lock);
	list_del(&device->iommu_entry);
}

/* Tell the drivers that a mapping is to go. Drops container->lock meanwhile. */
static void viopf_emulated_notify(struct viopf_container *container,
				  const struct viopf_mapping *mapping)
{
	u64 iova = mapping->node.start, last = mapping->node.last;
	struct vfio_device *device;

	mutex_unlock(&container->lock);
	mutex_lock(&container->devices_lock);
	list_for_each_entry(device, &container->devices, iommu_entry)
		device->ops->dma_unmap(device, iova, last - iova + 1);
	mutex_unlock(&container->devices_lock);
	mutex_lock(&container->lock);
}

/* The first mapping in a range that drivers have pages of. */
static struct viopf_mapping *
viopf_emulated_next(struct viopf_container *container, unsigned long first,
		    unsigned long last)
{
	struct viopf_mapping *mapping;

	viopf_for_each_mapping_in(mapping, container, first, last)
		if (!xa_empty(&mapping->externals))
			return mapping;
	return NULL;
}

/**
 * viopf_emulated_recall() - have drivers give up what is to be unmapped
 * @container: locked
 * @first: first byte of the range
 * @last: its last byte
 * @recall: zeroed before the first call
 *
 * Return: 1 if the lock was dropped: check again, and call again; 0: go on.
 */
int viopf_emulated_recall(struct viopf_container *container,
			  unsigned long first, unsigned long last,
			  struct viopf_recall *recall)
{
	struct viopf_mapping *mapping = NULL;

	lockdep_assert_held(&container->lock);

	if (!container->nr_external || list_empty(&container->devices))
		return 0;
	if (recall->next)
		mapping = viopf_emulated_next(container, recall->next, last);
	if (!mapping) {
		if (recall->rounds++ == VIOPF_RECALL_ROUNDS)
			return 0;
		mapping = viopf_emulated_next(container, first, last);
	}
	if (!mapping)
		return 0;
	/* What sticks out of the range ends the round. */
	recall->next = mapping->node.last < last ? mapping->node.last + 1 : 0;
	viopf_emulated_notify(container, mapping);
	return 1;
}

static int viopf_emulated_pin_page(struct viopf_container *container,
				   unsigned long iova, int prot,
				   struct page **page)
{
	struct viopf_mapping *mapping;

	mapping = viopf_mapping_first(container, iova, iova + PAGE_SIZE - 1);
	if (!mapping)
		return -EINVAL;
	if ((mapping->prot & prot) != prot)
		return -EPERM;
	return viopf_external_pin(mapping, iova, page);
}

static void viopf_emulated_unpin_page(struct viopf_container *container,
				      unsigned long iova)
{
	struct viopf_mapping *mapping;

	mapping = viopf_mapping_first(container, iova, iova + PAGE_SIZE - 1);
	if (mapping)
		viopf_external_unpin(mapping, iova);
}

/**
 * viopf_emulated_pin() - vfio_pin_pages()
 * @iommu_data: the container
 * @group: whose device wants it
 * @user_iova: of the first page
 * @npage: how many
 * @prot: IOMMU_READ, IOMMU_WRITE: what for
 * @pages: where to say which they are
 *
 * Return: @npage; -EINVAL: nothing is mapped there, or no device is open that can be
 * told of unmaps; -EOVERFLOW (or -EINVAL, as type1): wraps around; -EACCES: the container
 * follows the rules of type1 v1; -EPERM: the mapping permits less; and as
 * viopf_external_pin(). On an error nothing is pinned.
 */
int viopf_emulated_pin(void *iommu_data, struct iommu_group *group,
		       dma_addr_t user_iova, int npage, int prot,
		       struct page **pages)
{
	struct viopf_container *container = viopf_container_of(iommu_data);
	unsigned long iova = user_iova & PAGE_MASK;
	int i, ret = 0;

	if (!container || !pages)
		return -EINVAL;
	if (!container->v2)
		return -EACCES;
	if (compat_pin_wraps(iova, npage))
		return -COMPAT_EWRAPS;
	guard(mutex)(&container->lock);
	if (list_empty(&container->devices))
		ret = -EINVAL;
	for (i = 0; i < npage && !ret; i++)
		ret = viopf_emulated_pin_page(container, iova + i * PAGE_SIZE,
					      prot, &pages[i]);
	if (ret) {
		while (--i > 0)
			viopf_emulated_unpin_page(container,
						  iova + (i - 1) * PAGE_SIZE);
		memset(pages, 0, npage * sizeof(*pages));
	}
	return ret ? ret : npage;
}

/**
 * viopf_emulated_unpin() - vfio_unpin_pages()
 * @iommu_data: the container
 * @user_iova: of the first page
 * @npage: how many
 */
void viopf_emulated_unpin(void *iommu_data, dma_addr_t user_iova, int npage)
{
	struct viopf_container *container = viopf_container_of(iommu_data);
	unsigned long iova = user_iova & PAGE_MASK;
	int i;

	guard(mutex)(&container->lock);
	for (i = 0; i < npage; i++)
		viopf_emulated_unpin_page(container, iova + i * PAGE_SIZE);
}

/**
 * struct viopf_copy - a copy that a driver asked for
 * @iova: where to go on
 * @data: the same, in the driver's buffer
 * @left: bytes left
 * @write: to memory, not from it
 */
struct viopf_copy {
	unsigned long	iova;
	void		*data;
	size_t		left;
	bool		write;
};

/* Copy a piece of a page without taking faults. Returns what could not be. */
static long viopf_copy_try(struct viopf_mapping *mapping,
			   const struct viopf_copy *copy, void __user *to,
			   size_t bytes)
{
	guard(mutex)(&mapping->container->lock);
	if (mapping->dead)
		return -EINVAL;
	if (!copy->write)
		return copy_from_user_nofault(copy->data, to, bytes);
	/* No bitmap is read before the lock is dropped. */
	viopf_dirty_mark_range(mapping, copy->iova, bytes);
	return copy_to_user_nofault(to, copy->data, bytes);
}

/* Bring in what lies in one page; not below a stack, as that would let it grow. */
static int viopf_copy_bring_in(const struct viopf_copy *copy, void __user *to,
			       size_t bytes)
{
	struct mm_struct *mm = current->mm;
	bool there;

	if (mmap_read_lock_killable(mm))
		return -EINTR;
	there = viopf_vma_pages(mm, (unsigned long)to, 1);
	mmap_read_unlock(mm);
	if (!there || (copy->write ? fault_in_safe_writeable(to, bytes) :
				     fault_in_readable(to, bytes)))
		return -EFAULT;
	return fatal_signal_pending(current) ? -EINTR : 0;
}

/* Copy what lies in one page. The mm is the current one, and alive. */
static int viopf_copy_page(struct viopf_mapping *mapping,
			   struct viopf_copy *copy)
{
	unsigned long uaddr = mapping->uaddr +
			      (copy->iova - mapping->node.start);
	size_t bytes = min(copy->left, PAGE_SIZE - offset_in_page(copy->iova));
	void __user *to = (void __user *)uaddr;
	long ret;

	while ((ret = viopf_copy_try(mapping, copy, to, bytes)) == -EFAULT) {
		ret = viopf_copy_bring_in(copy, to, bytes);
		if (ret)
			return ret;
		cond_resched();
	}
	if (ret)
		return ret;
	copy->iova += bytes;
	copy->data += bytes;
	copy->left -= bytes;
	return 0;
}

/* A process that is not the memory's own can't, as with type1; a thread can. */
static int viopf_copy_in_mapping(struct viopf_mapping *mapping,
				 struct viopf_copy *copy)
{
	CLASS(viopf_mm, mm)(mapping->mm);
	bool kthread = !current->mm;
	int ret = 0;

	if (!mm || !(mapping->prot & IOMMU_READ) ||
	    (copy->write && !(mapping->prot & IOMMU_WRITE)))
		return -EPERM;
	if (kthread)
		kthread_use_mm(mm);
	else if (current->mm != mm)
		return -EFAULT;
	while (!ret && copy->left && copy->iova <= mapping->node.last)
		ret = viopf_copy_page(mapping, copy);
	if (kthread)
		kthread_unuse_mm(mm);
	return ret;
}

/**
 * viopf_emulated_rw() - vfio_dma_rw()
 * @iommu_data: the container
 * @user_iova: where
 * @data: the driver's buffer
 * @count: bytes
 * @write: to memory, not from it
 *
 * Return: 0; -EINVAL: not mapped; -EPERM: not permitted, or the process is gone;
 * -EFAULT: no memory there, or another process's; -EINTR: killed.
 */
int viopf_emulated_rw(void *iommu_data, dma_addr_t user_iova, void *data,
		      size_t count, bool write)
{
	struct viopf_container *container = viopf_container_of(iommu_data);
	struct viopf_copy copy = {
		.iova = user_iova, .data = data, .left = count, .write = write,
	};
	struct viopf_mapping *mapping;
	int ret = 0;

	if (user_iova + count < user_iova)
		return -EINVAL;
	while (!ret && copy.left) {
		mapping = viopf_mapping_find_get(container, copy.iova);
		if (!mapping)
			return -EINVAL;
		ret = viopf_copy_in_mapping(mapping, &copy);
		viopf_mapping_put(mapping);
	}
	return ret;
}
