// SPDX-License-Identifier: GPL-2.0-only
/*
 * viopf_cov: which blocks of the product are entered, whoever enters them
 *
 * The product is built with -fsanitize-coverage=trace-pc, by which the compiler puts a call of
 * __sanitizer_cov_trace_pc() into each block. The kernel's own KCOV counts the calls of one
 * task; here those of the IOMMU's thread, of workers and of notifiers count as well.
 *
 * When the product is loaded its text is searched for these calls. They are its blocks, numbered
 * by their addresses, so two loads of the same build have the same numbers. A block has a
 * counter of a byte, which stays at 255; tasks that count at once may lose a count.
 *
 * In debugfs, viopf_cov/:
 *
 *   counters	to be mapped: the counters, COV_BYTES of them, which the one who maps them clears
 *   sites	a line for each block: its address behind the start of .text, and whether it
 *		was ever entered
 */
#include <linux/debugfs.h>
#include <linux/kallsyms.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/vmalloc.h>

#define COV_PRODUCT	"vfio_iommu_iopf"
#define COV_BYTES	(16u << 10)
#define COV_NONE	0xffffu		/* no block */
#define CALL_BYTES	5u		/* opcode and displacement */
#define CALL_OPCODE	0xe8

/**
 * struct cov - what is known of the product
 * @text: where its code is
 * @size: of that, in bytes
 * @blocks: the block whose call returns to that byte of it, or COV_NONE
 * @nr: blocks
 * @counters: a byte each
 * @ever: they were entered since this module was loaded
 */
static struct cov {
	unsigned long text;
	unsigned long size;
	u16 *blocks;
	unsigned int nr;
	u8 *counters;
	u8 *ever;
} cov;

static struct dentry *cov_dir;

void notrace __sanitizer_cov_trace_pc(void)
{
	unsigned long at = (unsigned long)__builtin_return_address(0) - cov.text;
	unsigned int block;
	u8 count;

	if (at >= READ_ONCE(cov.size))
		return;
	block = cov.blocks[at];
	if (block == COV_NONE)
		return;
	count = READ_ONCE(cov.counters[block]);
	if (count == 0xff)
		return;
	WRITE_ONCE(cov.counters[block], count + 1);
	WRITE_ONCE(cov.ever[block], 1);
}
EXPORT_SYMBOL_GPL(__sanitizer_cov_trace_pc);

/* Whether the code at @at calls the function above. */
static bool cov_is_call(const u8 *at)
{
	s32 displacement;

	if (*at != CALL_OPCODE)
		return false;
	memcpy(&displacement, at + 1, sizeof(displacement));
	return (unsigned long)at + CALL_BYTES + displacement ==
	       (unsigned long)__sanitizer_cov_trace_pc;
}

static int cov_find_blocks(void)
{
	const u8 *text = (const u8 *)cov.text;
	unsigned long at;

	for (at = 0; at < cov.size; at++)
		cov.blocks[at] = COV_NONE;
	for (at = 0; at + CALL_BYTES < cov.size; at++) {
		if (!cov_is_call(text + at))
			continue;
		if (cov.nr == COV_BYTES - 1)
			return -E2BIG;
		cov.blocks[at + CALL_BYTES] = cov.nr++;
	}
	pr_info("viopf_cov: %u blocks\n", cov.nr);
	return 0;
}

static void cov_forget(void)
{
	WRITE_ONCE(cov.size, 0);
	cov.nr = 0;
	kvfree(cov.blocks);
	cov.blocks = NULL;
}

static int cov_learn(const struct module *product)
{
	int ret;

	cov.text = (unsigned long)product->mem[MOD_TEXT].base;
	cov.blocks = kvcalloc(product->mem[MOD_TEXT].size, sizeof(*cov.blocks), GFP_KERNEL);
	if (!cov.blocks)
		return -ENOMEM;
	WRITE_ONCE(cov.size, product->mem[MOD_TEXT].size);
	ret = cov_find_blocks();
	if (ret)
		cov_forget();
	return ret;
}

static int cov_module_event(struct notifier_block *nb, unsigned long event, void *data)
{
	const struct module *module = data;

	if (strcmp(module->name, COV_PRODUCT))
		return NOTIFY_DONE;
	if (event == MODULE_STATE_COMING)
		return notifier_from_errno(cov_learn(module));
	if (event == MODULE_STATE_GOING)
		cov_forget();
	return NOTIFY_DONE;
}

static struct notifier_block cov_notifier = {
	.notifier_call = cov_module_event,
};

static int sites_show(struct seq_file *file, void *unused)
{
	unsigned long at;

	for (at = 0; at < READ_ONCE(cov.size); at++) {
		if (cov.blocks[at] != COV_NONE)
			seq_printf(file, "%lu %u\n", at, cov.ever[cov.blocks[at]]);
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(sites);

static int cov_mmap(struct file *file, struct vm_area_struct *vma)
{
	return remap_vmalloc_range(vma, cov.counters, vma->vm_pgoff);
}

static const struct file_operations cov_counters_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.mmap = cov_mmap,
};

static int __init cov_init(void)
{
	int ret = -ENOMEM;

	cov.counters = vmalloc_user(COV_BYTES);
	cov.ever = vzalloc(COV_BYTES);
	if (!cov.counters || !cov.ever)
		goto out_free;
	ret = register_module_notifier(&cov_notifier);
	if (ret)
		goto out_free;
	cov_dir = debugfs_create_dir("viopf_cov", NULL);
	/* Only a file that debugfs does not stand before can be mapped. */
	debugfs_create_file_unsafe("counters", 0600, cov_dir, NULL, &cov_counters_fops);
	debugfs_create_file("sites", 0400, cov_dir, NULL, &sites_fops);
	return 0;

out_free:
	vfree(cov.ever);
	vfree(cov.counters);
	return ret;
}

static void __exit cov_exit(void)
{
	debugfs_remove_recursive(cov_dir);
	unregister_module_notifier(&cov_notifier);
	cov_forget();
	vfree(cov.ever);
	vfree(cov.counters);
}

module_init(cov_init);
module_exit(cov_exit);
MODULE_DESCRIPTION("Counts the blocks of vfio_iommu_iopf that are entered");
MODULE_LICENSE("GPL");
