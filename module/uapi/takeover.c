// SPDX-License-Identifier: GPL-2.0-only
/*
 * Takeover: which containers are ours of those that clients want from type1. All, or those
 * of chosen devices (the parameter), and those of chosen processes (the class attribute).
 * What is chosen can be changed at any time and holds for containers to come: what is open
 * stays whose it is.
 *
 * DOC: when that is decided
 *
 * vfio_ioctl_set_iommu() in drivers/vfio/container.c tries one backend after the other: it
 * asks whether it has the extension, opens it, and attaches the groups that are in the
 * container. If any of that fails it releases the backend and goes on to the next,
 * whatever the errno; it returns that of the last one that it tried. Groups are not shown
 * to open(). So where devices are chosen we open, and look at the first group that comes:
 * unless one of its devices is chosen we refuse it with -ENODEV, which is what VFIO itself
 * says where no backend is left, and type1 is next. Groups that come later are not looked
 * at. VFIO has its newest group first in its list: of several that were put into
 * the container before, it is the last one that decides.
 *
 * DOC: processes
 *
 * A process is known by its struct pid, held by reference: compared by pointer, so another
 * process that gets the same number is not taken for it. Descendants are found by going up
 * from the process that asks, through real_parent: each task met is either not released
 * yet, or was released after our RCU section began, as a child is given another parent
 * before its own is released.
 */
#include <linux/device.h>
#include <linux/kstrtox.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/pid.h>
#include <linux/sched/task.h>
#include <linux/sysfs.h>

#include "uapi/internal.h"

/* As much as fits into a page with its end, and is surely shown whole. */
#define VIOPF_TAKEOVER_MAX	4000

/**
 * struct viopf_choice - what the parameter says
 * @rcu: for its end
 * @claim: all, none, or by device
 * @text: as it was written; for @claim by device, the names
 */
struct viopf_choice {
	struct rcu_head		rcu;
	enum viopf_claim	claim;
	char			text[];
};

/* Changed under the kernel's lock for the module's parameters. NULL: not set, so none. */
static struct viopf_choice __rcu *viopf_choice;

/* A process that is chosen, with a reference; by viopf_processes_lock. */
struct viopf_process {
	struct pid		*pid;
	struct list_head	node;
};

static LIST_HEAD(viopf_processes);
static DEFINE_MUTEX(viopf_processes_lock);

/* What @text asks for; *@text is nothing else than that, without a newline. */
static int viopf_choice_parse(const char *text, enum viopf_claim *claim)
{
	bool all;

	if (viopf_names_valid(text)) {
		*claim = VIOPF_CLAIM_BY_DEVICE;
		return 0;
	}
	if (strlen(text) != 1 || kstrtobool(text, &all))
		return -EINVAL;
	*claim = all ? VIOPF_CLAIM_ALL : VIOPF_CLAIM_NONE;
	return 0;
}

static int viopf_choice_set(const char *value, const struct kernel_param *param)
{
	const char *text = value ?: "1";
	size_t length = strcspn(text, "\n");
	struct viopf_choice *choice;
	int ret;

	/* A newline at the end is the shell's. */
	if (length > VIOPF_TAKEOVER_MAX || strlen(text) > length + 1)
		return -EINVAL;
	choice = kzalloc(struct_size(choice, text, length + 1), GFP_KERNEL);
	if (!choice)
		return -ENOMEM;
	memcpy(choice->text, text, length);
	ret = viopf_choice_parse(choice->text, &choice->claim);
	if (ret) {
		kfree(choice);
		return ret;
	}
	choice = unrcu_pointer(xchg(&viopf_choice, RCU_INITIALIZER(choice)));
	if (choice)
		kfree_rcu(choice, rcu);
	return 0;
}

static int viopf_choice_get(char *page, const struct kernel_param *param)
{
	const struct viopf_choice *choice;

	guard(rcu)();
	choice = rcu_dereference(viopf_choice);
	return sysfs_emit(page, "%s\n", choice ? choice->text : "0");
}

/* The module goes, or never came. */
static void viopf_choice_free(void *unused)
{
	kfree(unrcu_pointer(xchg(&viopf_choice, NULL)));
}

static const struct kernel_param_ops viopf_choice_ops = {
	.flags	= KERNEL_PARAM_OPS_FL_NOARG,
	.set	= viopf_choice_set,
	.get	= viopf_choice_get,
	.free	= viopf_choice_free,
};
module_param_cb(takeover, &viopf_choice_ops, NULL, 0644);
MODULE_PARM_DESC(takeover,
		 "Answer for VFIO_TYPE1_IOMMU and VFIO_TYPE1v2_IOMMU too, in place of vfio_iommu_type1: 1, or names of devices separated by commas, in whose containers alone (0)");
__MODULE_PARM_TYPE(takeover, "string");

/* All of its threads have exited. */
static bool viopf_process_has_ended(const struct viopf_process *process)
{
	struct task_struct *task;

	guard(rcu)();
	task = pid_task(process->pid, PIDTYPE_TGID);
	return !task || !atomic_read(&task->signal->live);
}

static void viopf_process_free(struct viopf_process *process)
{
	list_del(&process->node);
	put_pid(process->pid);
	kfree(process);
}

static void viopf_processes_prune(void)
{
	struct viopf_process *process, *next;

	lockdep_assert_held(&viopf_processes_lock);

	list_for_each_entry_safe(process, next, &viopf_processes, node)
		if (viopf_process_has_ended(process))
			viopf_process_free(process);
}

static struct viopf_process *viopf_process_find(const struct pid *pid)
{
	struct viopf_process *process;

	lockdep_assert_held(&viopf_processes_lock);

	list_for_each_entry(process, &viopf_processes, node)
		if (process->pid == pid)
			return process;
	return NULL;
}

/* Is the calling process chosen, or one that it descends from? */
static bool viopf_processes_have_current(void)
{
	struct task_struct *task = current, *child;

	guard(mutex)(&viopf_processes_lock);
	if (list_empty(&viopf_processes))
		return false;
	guard(rcu)();
	do {
		if (viopf_process_find(task_tgid(task)))
			return true;
		child = task;
		task = rcu_dereference(child->real_parent);
	} while (task != child);
	return false;
}

/* The process that a number means to the caller; a thread's means its process. */
static struct pid *viopf_tgid_get(pid_t nr)
{
	struct task_struct *task;

	guard(rcu)();
	task = pid_task(find_vpid(nr), PIDTYPE_PID);
	return task ? get_pid(task_tgid(task)) : NULL;
}

static int viopf_process_add(struct viopf_process *process)
{
	guard(mutex)(&viopf_processes_lock);
	viopf_processes_prune();
	if (viopf_process_has_ended(process))
		return -ESRCH;
	if (viopf_process_find(process->pid))
		return -EEXIST;
	list_add_tail(&process->node, &viopf_processes);
	return 0;
}

static ssize_t takeover_process_store(const struct class *class,
				      const struct class_attribute *attr,
				      const char *buf, size_t count)
{
	struct viopf_process *process;
	pid_t nr;
	int ret;

	ret = kstrtoint(buf, 10, &nr);
	if (ret || nr <= 0)
		return -EINVAL;
	process = kzalloc(sizeof(*process), GFP_KERNEL);
	if (!process)
		return -ENOMEM;
	process->pid = viopf_tgid_get(nr);
	ret = process->pid ? viopf_process_add(process) : -ESRCH;
	if (!ret)
		return count;
	put_pid(process->pid);
	kfree(process);
	return ret == -EEXIST ? count : ret;
}

/* Those that the reader's PID namespace has, by their numbers there. */
static ssize_t takeover_process_show(const struct class *class,
				     const struct class_attribute *attr,
				     char *buf)
{
	struct viopf_process *process;
	int length = 0;

	guard(mutex)(&viopf_processes_lock);
	viopf_processes_prune();
	list_for_each_entry(process, &viopf_processes, node)
		if (pid_vnr(process->pid))
			length += sysfs_emit_at(buf, length, "%d\n",
						pid_vnr(process->pid));
	return length;
}

static struct class_attribute class_attr_takeover_process =
	__ATTR_RW_MODE(takeover_process, 0600);

static struct attribute *viopf_takeover_attrs[] = {
	&class_attr_takeover_process.attr,
	NULL
};

static const struct attribute_group viopf_takeover_group = {
	.attrs = viopf_takeover_attrs,
};

/* Of the class. */
const struct attribute_group *viopf_takeover_groups[] = {
	&viopf_takeover_group,
	NULL
};

/**
 * viopf_takeover_claim() - is a container ours that the caller wants of type1?
 *
 * Return: that it is, is not, or that its first group has to be asked.
 */
enum viopf_claim viopf_takeover_claim(void)
{
	const struct viopf_choice *choice;
	enum viopf_claim claim;

	scoped_guard(rcu) {
		choice = rcu_dereference(viopf_choice);
		claim = choice ? choice->claim : VIOPF_CLAIM_NONE;
	}
	if (claim != VIOPF_CLAIM_ALL && viopf_processes_have_current())
		claim = VIOPF_CLAIM_ALL;
	return claim;
}

static int viopf_takeover_has_device(struct device *dev, void *unused)
{
	const struct viopf_choice *choice;

	guard(rcu)();
	choice = rcu_dereference(viopf_choice);
	if (!choice || choice->claim == VIOPF_CLAIM_NONE)
		return false;
	return choice->claim == VIOPF_CLAIM_ALL ||
	       viopf_names_have(choice->text, dev_name(dev));
}

/**
 * viopf_takeover_has_group() - is one of a group's devices chosen?
 * @group: the iommu core's, or VFIO's of a mediated device
 *
 * Return: whether it is, by what is chosen now.
 */
bool viopf_takeover_has_group(struct iommu_group *group)
{
	return iommu_group_for_each_dev(group, NULL, viopf_takeover_has_device);
}

/**
 * viopf_takeover_exit() - let go of the processes that are chosen
 *
 * The class is gone.
 */
void viopf_takeover_exit(void)
{
	struct viopf_process *process, *next;

	list_for_each_entry_safe(process, next, &viopf_processes, node)
		viopf_process_free(process);
}
