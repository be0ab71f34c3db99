// SPDX-License-Identifier: GPL-2.0-only
/*
 * A module that does one wrong thing when it is loaded, the one that its parameter names,
 * so that a test can see whether the kernel in the VM notices. It is loaded by
 * tests/vm/checkers_test.sh alone.
 */
#include <linux/highmem.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

static char *fault = "none";
module_param(fault, charp, 0444);
MODULE_PARM_DESC(fault, "what to do wrong");

static DEFINE_MUTEX(first_lock);	/* guards nothing: it is there to be ordered */
static DEFINE_MUTEX(second_lock);	/* the same */
static DEFINE_SPINLOCK(spin_lock_held);	/* the same */

static void do_warn(void)
{
	WARN_ON(1);
}

/* Writes one byte past the object; SLUB sees it when the object is freed. */
static void do_overflow(void)
{
	char *volatile object = kmalloc(64, GFP_KERNEL);

	if (object)
		object[64] = 1;
	kfree(object);
}

static void do_use_after_free(void)
{
	char *volatile object = kmalloc(40, GFP_KERNEL);

	kfree(object);
	pr_info("read %d\n", READ_ONCE(object[3]));
}

/* A write to a page that is free: KASAN sees it at once, poisoning when the page is used again. */
static void do_stale_page(void)
{
	struct page *page = alloc_page(GFP_KERNEL);
	char *volatile data;

	if (!page)
		return;
	data = page_address(page);
	preempt_disable();	/* nobody else is to be given the page meanwhile */
	__free_page(page);
	data[100] = 1;
	preempt_enable();
	page = alloc_page(GFP_KERNEL);
	if (page)
		__free_page(page);
}

static void do_atomic_sleep(void)
{
	spin_lock(&spin_lock_held);
	mutex_lock(&first_lock);
	mutex_unlock(&first_lock);
	spin_unlock(&spin_lock_held);
}

static void do_lock_order(void)
{
	mutex_lock(&first_lock);
	mutex_lock(&second_lock);
	mutex_unlock(&second_lock);
	mutex_unlock(&first_lock);
	mutex_lock(&second_lock);
	mutex_lock(&first_lock);
	mutex_unlock(&first_lock);
	mutex_unlock(&second_lock);
}

/* An allocation that can reclaim, under a lock that reclaim takes. */
static void do_reclaim_order(void)
{
	fs_reclaim_acquire(GFP_KERNEL);
	mutex_lock(&first_lock);
	mutex_unlock(&first_lock);
	fs_reclaim_release(GFP_KERNEL);
	mutex_lock(&first_lock);
	kfree(kmalloc(40, GFP_KERNEL));
	mutex_unlock(&first_lock);
}

/*
 * Many, as kmemleak finds the addresses of the last ones where SLUB keeps them for a CPU
 * (slab_sheaf in mm/slub.c), though they are given out.
 */
static void do_leak(void)
{
	char *volatile object;
	int i;

	for (i = 0; i < 1000; i++)
		object = kmalloc(40, GFP_KERNEL);
	object = NULL;
}

static int raced;		/* by who loads this, and a thread */
static int published;		/* is raced ready? */

/* Runs @thread_fn in a thread, and @here again and again, for five seconds. */
static void do_together(int (*thread_fn)(void *unused), void (*here)(void))
{
	struct task_struct *thread = kthread_run(thread_fn, NULL, "faulty");
	unsigned long by = jiffies + 5 * HZ;

	if (IS_ERR(thread))
		return;
	while (time_before(jiffies, by)) {
		here();
		cpu_relax();
	}
	kthread_stop(thread);
}

static void count(void)
{
	raced++;
}

static int count_on(void *unused)
{
	while (!kthread_should_stop()) {
		count();
		cond_resched();
	}
	return 0;
}

static void do_race(void)
{
	do_together(count_on, count);
}

/* Says that it is ready by a store that nothing orders after the write. */
static void publish(void)
{
	/* Pairs with the release in take_on(). */
	if (smp_load_acquire(&published))
		return;
	raced++;
	WRITE_ONCE(published, 1);
}

static int take_on(void *unused)
{
	while (!kthread_should_stop()) {
		/* Would pair with a release in publish(). */
		if (smp_load_acquire(&published)) {
			raced++;
			/* Pairs with the acquire in publish(). */
			smp_store_release(&published, 0);
		}
		cond_resched();
	}
	return 0;
}

static void do_disorder(void)
{
	do_together(take_on, publish);
}

static const struct {
	const char *name;
	void (*commit)(void);
} faults[] = {
	{ "warn", do_warn },
	{ "overflow", do_overflow },
	{ "use_after_free", do_use_after_free },
	{ "stale_page", do_stale_page },
	{ "atomic_sleep", do_atomic_sleep },
	{ "lock_order", do_lock_order },
	{ "reclaim_order", do_reclaim_order },
	{ "leak", do_leak },
	{ "race", do_race },
	{ "disorder", do_disorder },
};

static int __init faulty_init(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(faults); i++)
		if (sysfs_streq(fault, faults[i].name))
			faults[i].commit();
	return 0;
}
module_init(faulty_init);

static void __exit faulty_exit(void)
{
}
module_exit(faulty_exit);

MODULE_DESCRIPTION("does one wrong thing, for a test to see it noticed");
MODULE_LICENSE("GPL");
