// SPDX-License-Identifier: GPL-2.0-only
/*
 * /sys/kernel/debug/vfio_iopf/verify: does the record equal the page tables?
 *
 * Reading it compares, for every container, every segment and every domain, each
 * page's bit with what the IOMMU says, under the segment's lock, and prints a
 * line a container:
 *
 *   container <id> segments <n> resident <pages> mismatches <n>
 *
 * Mismatches must be 0 at any time. It is slow, and meant for tests. The record of a
 * container that failed must be empty once its devices are cut off; between the two it says
 * what is kept (table/hold.c), and is compared with nothing.
 */
#include <linux/debugfs.h>
#include <linux/seq_file.h>

#include "uapi/internal.h"

static struct dentry *viopf_debugfs_dir;

static void viopf_verify_container(struct seq_file *file,
				   struct viopf_container *container)
{
	unsigned long segments = 0, resident = 0, wrong = 0;
	struct viopf_mapping *mapping;
	struct viopf_segment *segment;
	unsigned long index;

	mutex_lock(&container->lock);
	viopf_for_each_mapping(mapping, container) {
		viopf_for_each_segment(segment, mapping, index) {
			mutex_lock(&segment->table.lock);
			segments++;
			resident += segment->table.residency.nr_resident;
			wrong += viopf_leaf_count_mismatches(&segment->table);
			mutex_unlock(&segment->table.lock);
			cond_resched();
		}
	}
	if (viopf_container_failed(container) && !container->cut_off)
		wrong = 0;
	mutex_unlock(&container->lock);

	seq_printf(file, "container %lu segments %lu resident %lu mismatches %lu\n",
		   container->iommu.id, segments, resident, wrong);
}

static int verify_show(struct seq_file *file, void *unused)
{
	struct viopf_container *container;
	unsigned long id = 0;

	while ((container = viopf_container_get_next(&id, ULONG_MAX))) {
		viopf_verify_container(file, container);
		viopf_container_put(container);
		id++;
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(verify);

/**
 * viopf_verify_init() - make the debugfs file; without debugfs there is none
 */
void viopf_verify_init(void)
{
	viopf_debugfs_dir = debugfs_create_dir("vfio_iopf", NULL);
	debugfs_create_file("verify", 0400, viopf_debugfs_dir, NULL,
			    &verify_fops);
}

/**
 * viopf_verify_exit() - remove it
 */
void viopf_verify_exit(void)
{
	debugfs_remove_recursive(viopf_debugfs_dir);
}
