// SPDX-License-Identifier: GPL-2.0-only
/*
 * softmm: memory as it is with CPU features and devices that an emulator may lack, for tests.
 * Files in debugfs, softmm/; the first two change the process that writes to them:
 *
 *	shadow_stack	"ADDRESS 1": the VMA there is a shadow stack from now on, but that
 *			its pages stay as they are; "ADDRESS 0": no longer
 *	untag_mask	"MASK": the bits of an address that are no tag (Intel LAM)
 *	device		mmap(), shared, gives a page as of a device's registers (VM_PFNMAP),
 *			the same one each time; it is put in when it is touched
 *	device_hold	"Y": who touches it from now on lets go of mmap_lock, if its caller
 *			can do without, and waits there until this is "N"
 *	device_held	how many have come to wait
 *	memory		mmap(), shared, gives a page of memory, the same one each time
 *	memory_short	"Y": who touches it from now on is told that there is no memory left
 *
 * -EOPNOTSUPP: the kernel is built without that feature. It owns those pages.
 */
#include <linux/debugfs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/uaccess.h>

static int softmm_read_text(char *text, size_t size, const char __user *from,
			    size_t count)
{
	if (!count || count >= size)
		return -EINVAL;
	if (copy_from_user(text, from, count))
		return -EFAULT;
	text[count] = '\0';
	return 0;
}

static int softmm_make_shadow_stack(unsigned long uaddr, bool on)
{
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma;

	if (mmap_write_lock_killable(mm))
		return -EINTR;
	vma = vma_lookup(mm, uaddr);
	if (vma && on)
		vm_flags_set(vma, VM_SHADOW_STACK);
	else if (vma)
		vm_flags_clear(vma, VM_SHADOW_STACK);
	mmap_write_unlock(mm);
	return vma ? 0 : -ENOMEM;
}

static ssize_t shadow_stack_write(struct file *file, const char __user *from,
				  size_t count, loff_t *pos)
{
	unsigned long uaddr;
	unsigned int on;
	char text[64];
	int ret;

	if (VM_SHADOW_STACK == VM_NONE)
		return -EOPNOTSUPP;
	ret = softmm_read_text(text, sizeof(text), from, count);
	if (ret)
		return ret;
	if (sscanf(text, "%lx %u", &uaddr, &on) != 2)
		return -EINVAL;
	ret = softmm_make_shadow_stack(uaddr, on);
	return ret ? ret : count;
}

static const struct file_operations shadow_stack_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = shadow_stack_write,
};

static ssize_t untag_mask_write(struct file *file, const char __user *from,
				size_t count, loff_t *pos)
{
#ifdef CONFIG_ADDRESS_MASKING
	unsigned long mask;
	int ret;

	ret = kstrtoul_from_user(from, count, 16, &mask);
	if (ret)
		return ret;
	WRITE_ONCE(current->mm->context.untag_mask, mask);
	return count;
#else
	return -EOPNOTSUPP;
#endif
}

static const struct file_operations untag_mask_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = untag_mask_write,
};

static struct page *softmm_device, *softmm_memory;
static bool softmm_hold, softmm_short;
static u32 softmm_held;

/* Held so that whatever the process maps and unmaps meanwhile is not held up. */
static vm_fault_t device_fault(struct vm_fault *vmf)
{
	unsigned long uaddr = vmf->address;

	if (vmf->pgoff)
		return VM_FAULT_SIGBUS;
	if (!READ_ONCE(softmm_hold) || !(vmf->flags & FAULT_FLAG_ALLOW_RETRY))
		return vmf_insert_pfn(vmf->vma, uaddr, page_to_pfn(softmm_device));
	release_fault_lock(vmf);
	WRITE_ONCE(softmm_held, READ_ONCE(softmm_held) + 1);
	while (READ_ONCE(softmm_hold) && !fatal_signal_pending(current))
		schedule_timeout_killable(1);
	return VM_FAULT_RETRY;
}

static const struct vm_operations_struct device_vm_ops = {
	.fault = device_fault,
};

static int device_mmap(struct file *file, struct vm_area_struct *vma)
{
	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	vm_flags_set(vma, VM_IO | VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP);
	vma->vm_ops = &device_vm_ops;
	return 0;
}

static const struct file_operations device_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.mmap = device_mmap,
};

static vm_fault_t memory_fault(struct vm_fault *vmf)
{
	if (vmf->pgoff)
		return VM_FAULT_SIGBUS;
	if (READ_ONCE(softmm_short))
		return VM_FAULT_OOM;
	get_page(softmm_memory);
	vmf->page = softmm_memory;
	return 0;
}

static const struct vm_operations_struct memory_vm_ops = {
	.fault = memory_fault,
};

static int memory_mmap(struct file *file, struct vm_area_struct *vma)
{
	vma->vm_ops = &memory_vm_ops;
	return 0;
}

static const struct file_operations memory_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.mmap = memory_mmap,
};

static struct dentry *softmm_dir;

static int __init softmm_init(void)
{
	softmm_device = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (!softmm_device)
		return -ENOMEM;
	softmm_memory = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (!softmm_memory) {
		__free_page(softmm_device);
		return -ENOMEM;
	}
	/* As memory has it that is none. */
	SetPageReserved(softmm_device);
	softmm_dir = debugfs_create_dir("softmm", NULL);
	/* What debugfs has in between has no mmap(). */
	debugfs_create_file_unsafe("device", 0600, softmm_dir, NULL,
				   &device_fops);
	debugfs_create_bool("device_hold", 0600, softmm_dir, &softmm_hold);
	debugfs_create_u32("device_held", 0400, softmm_dir, &softmm_held);
	debugfs_create_file_unsafe("memory", 0600, softmm_dir, NULL,
				   &memory_fops);
	debugfs_create_bool("memory_short", 0600, softmm_dir, &softmm_short);
	debugfs_create_file("shadow_stack", 0200, softmm_dir, NULL,
			    &shadow_stack_fops);
	debugfs_create_file("untag_mask", 0200, softmm_dir, NULL,
			    &untag_mask_fops);
	return 0;
}
module_init(softmm_init);

static void __exit softmm_exit(void)
{
	debugfs_remove(softmm_dir);
	ClearPageReserved(softmm_device);
	__free_page(softmm_device);
	__free_page(softmm_memory);
}
module_exit(softmm_exit);

MODULE_DESCRIPTION("Memory as it is with rare CPU features and devices, for testing");
MODULE_AUTHOR("The vfio-iopf authors");
MODULE_LICENSE("GPL");
MODULE_VERSION(VIOPF_VERSION);
