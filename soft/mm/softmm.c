// SPDX-License-Identifier: GPL-2.0-only
/*
 * softmm: memory as it is with CPU features that an emulator may lack, for tests. Each is a
 * file in debugfs, softmm/, and changes the process that writes to it:
 *
 *	shadow_stack	"ADDRESS 1": the VMA there is a shadow stack from now on, but that
 *			its pages stay as they are; "ADDRESS 0": no longer
 *	untag_mask	"MASK": the bits of an address that are no tag (Intel LAM)
 *
 * -EOPNOTSUPP: the kernel is built without that feature. It owns nothing.
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

static struct dentry *softmm_dir;

static int __init softmm_init(void)
{
	softmm_dir = debugfs_create_dir("softmm", NULL);
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
}
module_exit(softmm_exit);

MODULE_DESCRIPTION("Memory as it is with rare CPU features, for testing");
MODULE_AUTHOR("The vfio-iopf authors");
MODULE_LICENSE("GPL");
MODULE_VERSION(VIOPF_VERSION);
